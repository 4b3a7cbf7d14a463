//! XML 1.0 and its namespaces, as far as a datagram may use them (MS-PCCRD 2.2.1).
//! Invariant: depth, elements, attributes and prefixes stay under their limits; no DTD, no entity but the five is read.
//! Byte order: none, it works on the text of a [`Document`].
//!
//! quick-xml finds the tags. What it leaves open is closed here: names, prefixes, references, what may stand outside
//! the root element, and every limit.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::{BytesDecl, BytesStart, Event};

use super::encoding::{Document, WHOLE, is_xml_char};
use super::error::{DecodeError, Problem};
use super::value::Value;
use super::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_NAMESPACES};

//= PCCRD-2.2.1-02
pub(super) const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
pub(super) const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
pub(super) const DISCOVERY: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery";
//= PCCRD-2.2.1-01
pub(super) const PEER_DIST: &str =
    "http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(super) fn is_all_space(text: &str) -> bool {
    text.bytes().all(is_space)
}

/// The namespaces that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    None,
    Soap,
    Addressing,
    Discovery,
    PeerDist,
    Other,
}

impl Namespace {
    fn of(uri: &str) -> Self {
        match uri {
            "" => Self::None,
            SOAP => Self::Soap,
            ADDRESSING => Self::Addressing,
            DISCOVERY => Self::Discovery,
            PEER_DIST => Self::PeerDist,
            _ => Self::Other,
        }
    }
}

/// A start tag, its names resolved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'d> {
    pub namespace: Namespace,
    pub prefix: &'d str,
    pub local: &'d str,
    /// Where its `<` stands in the text.
    pub at: usize,
    /// Attributes other than declarations of namespaces.
    pub attribute_count: usize,
}

impl Element<'_> {
    pub(super) fn is(&self, namespace: Namespace, local: &str) -> bool {
        self.local == local && self.namespace == namespace
    }
}

#[derive(Debug)]
struct Attribute<'d> {
    prefix: &'d str,
    local: &'d str,
    value: Cow<'d, str>,
    at: usize,
}

#[derive(Debug)]
struct Binding<'d> {
    depth: usize,
    prefix: &'d str,
    namespace: Namespace,
}

enum Node<'d> {
    Start(Element<'d>),
    Text(Cow<'d, str>, usize),
    End,
    Eof,
}

/// Reads a document from its start tag to its end tag, one element at a time.
pub(super) struct Parser<'d> {
    pub(super) document: &'d Document<'d>,
    text: &'d str,
    reader: Reader<&'d [u8]>,
    bindings: Vec<Binding<'d>>,
    /// Those of the element started last.
    attributes: Vec<Attribute<'d>>,
    depth: usize,
    elements: usize,
    before_first: bool,
}

impl<'d> Parser<'d> {
    pub(super) fn new(document: &'d Document<'d>) -> Self {
        let text = document.text();
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_comments = true;
        config.expand_empty_elements = true;
        Self {
            document,
            text,
            reader,
            bindings: Vec::new(),
            attributes: Vec::new(),
            depth: 0,
            elements: 0,
            before_first: true,
        }
    }

    /// The root element.
    pub(super) fn root(&mut self) -> Result<Element<'d>, DecodeError> {
        match self.next_in_content()? {
            Some(element) => Ok(element),
            None => Err(self.truncated()),
        }
    }

    /// The next child of the element that is open, or nothing where it ends.
    pub(super) fn next_child(&mut self) -> Result<Option<Element<'d>>, DecodeError> {
        self.next_in_content()
    }

    fn next_in_content(&mut self) -> Result<Option<Element<'d>>, DecodeError> {
        loop {
            match self.next()? {
                Node::Start(element) => return Ok(Some(element)),
                Node::End => return Ok(None),
                Node::Text(text, _) if is_all_space(&text) => {}
                Node::Text(_, at) => {
                    return Err(self.document.error(Problem::UnexpectedText, at, WHOLE));
                }
                Node::Eof => return Err(self.truncated()),
            }
        }
    }

    /// Passes over the rest of the element that is open.
    pub(super) fn skip(&mut self) -> Result<(), DecodeError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if let Node::Eof = self.next()? {
                return Err(self.truncated());
            }
        }
        Ok(())
    }

    /// The text of the element that is open, up to its end.
    pub(super) fn value(&mut self, field: &'static str) -> Result<Value<'d>, DecodeError> {
        let mut value = Value::new(self.position());
        loop {
            match self.next()? {
                Node::Text(text, at) => value.push(text, at, self.position()),
                Node::End => return Ok(value),
                Node::Start(element) => {
                    let at = element.at;
                    return Err(self.document.error(Problem::ElementInValue, at, field));
                }
                Node::Eof => return Err(self.truncated()),
            }
        }
    }

    /// Reads on behind the root element, where only comments and white space may be.
    pub(super) fn finish(&mut self) -> Result<(), DecodeError> {
        loop {
            let at = self.position();
            match self.next()? {
                Node::Eof => return Ok(()),
                Node::Text(text, _) if is_all_space(&text) => {}
                _ => return Err(self.document.error(Problem::TrailingBytes, at, WHOLE)),
            }
        }
    }

    /// The value of an attribute of the element started last, and where it stands.
    pub(super) fn attribute(&self, namespace: Namespace, local: &str) -> Option<(&str, usize)> {
        let of_namespace = |attribute: &&Attribute<'_>| match attribute.prefix {
            // Unlike elements, attributes do not take the default namespace.
            "" => namespace == Namespace::None,
            prefix => self.namespace_of(prefix) == Some(namespace),
        };
        self.attributes
            .iter()
            .filter(|attribute| attribute.local == local)
            .find(of_namespace)
            .map(|attribute| (attribute.value.as_ref(), attribute.at))
    }

    /// The namespace that a prefix stands for in the element that is open or has just been closed.
    pub(super) fn namespace_of(&self, prefix: &str) -> Option<Namespace> {
        if prefix == "xml" {
            return Some(Namespace::Other);
        }
        let bound = self.bindings.iter().rev().find(|b| b.prefix == prefix);
        match bound {
            Some(binding) => Some(binding.namespace),
            None => prefix.is_empty().then_some(Namespace::None),
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn truncated(&self) -> DecodeError {
        self.document
            .error(Problem::Truncated, self.text.len(), WHOLE)
    }

    fn next(&mut self) -> Result<Node<'d>, DecodeError> {
        // Late, so that a name inside the value just read can still be resolved.
        while self.bindings.pop_if(|b| b.depth > self.depth).is_some() {}
        loop {
            let at = self.position();
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.syntax_error(&error)),
            };
            let first = core::mem::replace(&mut self.before_first, false);
            return Ok(match event {
                Event::Start(start) | Event::Empty(start) => Node::Start(self.start(&start, at)?),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::End
                }
                Event::Text(text) if text.contains("]]>") => {
                    return Err(self.ill_formed("]]> in text", at));
                }
                Event::Text(text) => Node::Text(text.into_inner(), at),
                Event::CData(_) if self.depth == 0 => {
                    return Err(self.ill_formed("CDATA outside the root element", at));
                }
                Event::CData(text) => Node::Text(text.into_inner(), at + "<![CDATA[".len()),
                Event::GeneralRef(name) => match referenced(&name) {
                    Some(c) => Node::Text(Cow::Owned(c.into()), at),
                    None => return Err(self.document.error(Problem::Entity, at, WHOLE)),
                },
                Event::Comment(_) => continue,
                Event::Decl(declaration) => {
                    self.declaration(&declaration, first, at)?;
                    continue;
                }
                Event::DocType(_) => return Err(self.document.error(Problem::Doctype, at, WHOLE)),
                Event::PI(_) => {
                    let problem = Problem::ProcessingInstruction;
                    return Err(self.document.error(problem, at, WHOLE));
                }
                Event::Eof => Node::Eof,
            });
        }
    }

    fn declaration(
        &self,
        declaration: &BytesDecl<'_>,
        first: bool,
        at: usize,
    ) -> Result<(), DecodeError> {
        if !first {
            return Err(self.ill_formed("the XML declaration is not at the start", at));
        }
        match declaration.version() {
            Ok(version) if version == "1.0" => {}
            _ => return Err(self.ill_formed("the XML declaration is not of version 1.0", at)),
        }
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(encoding)) if self.document.may_declare(&encoding) => Ok(()),
            Some(_) => Err(self.document.error(Problem::Encoding, at, WHOLE)),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>, at: usize) -> Result<Element<'d>, DecodeError> {
        self.depth += 1;
        self.elements += 1;
        let over_limit = [
            (self.depth > MAX_DEPTH).then_some(Problem::TooDeep { most: MAX_DEPTH }),
            (self.elements > MAX_ELEMENTS)
                .then_some(Problem::TooManyElements { most: MAX_ELEMENTS }),
        ];
        if let Some(problem) = over_limit.into_iter().flatten().next() {
            return Err(self.document.error(problem, at, WHOLE));
        }
        let name = self.anchored(start.name().0, at)?;
        let (prefix, local) = self.split_name(name, at)?;
        self.read_attributes(start, at)?;
        if prefix == "xmlns" {
            return Err(self.document.error(Problem::ReservedPrefix, at, WHOLE));
        }
        let unbound = |at| self.document.error(Problem::UnboundPrefix, at, WHOLE);
        for attribute in self.attributes.iter().filter(|a| !a.prefix.is_empty()) {
            self.namespace_of(attribute.prefix)
                .ok_or_else(|| unbound(attribute.at))?;
        }
        let namespace = self.namespace_of(prefix).ok_or_else(|| unbound(at))?;
        Ok(Element {
            namespace,
            prefix,
            local,
            at,
            attribute_count: self.attributes.len(),
        })
    }

    fn read_attributes(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), DecodeError> {
        self.attributes.clear();
        // quick-xml compares each name with those before it: the limit keeps that short.
        for (count, attribute) in start.attributes().enumerate() {
            if count == MAX_ATTRIBUTES {
                let most = MAX_ATTRIBUTES;
                let problem = Problem::TooManyAttributes { most };
                return Err(self.document.error(problem, at, WHOLE));
            }
            let attribute = attribute.map_err(|_| self.ill_formed("attributes", at))?;
            let name = self.anchored(attribute.key.0, at)?;
            let value_at = self.place_of(&attribute.value, at)?;
            let value = self.anchored(&attribute.value, at)?;
            let value = self.attribute_value(value, value_at)?;
            let (prefix, local) = self.split_name(name, value_at)?;
            match (prefix, local) {
                ("", "xmlns") => self.bind("", &value, value_at)?,
                ("xmlns", prefix) => self.bind(prefix, &value, value_at)?,
                _ => self.attributes.push(Attribute {
                    prefix,
                    local,
                    value,
                    at: value_at,
                }),
            }
        }
        Ok(())
    }

    fn bind(&mut self, prefix: &'d str, uri: &str, at: usize) -> Result<(), DecodeError> {
        let is_reserved = matches!(prefix, "xml" | "xmlns")
            || matches!(uri, XML | XMLNS)
            || (uri.is_empty() && !prefix.is_empty());
        if is_reserved && !(prefix == "xml" && uri == XML) {
            return Err(self.document.error(Problem::ReservedPrefix, at, WHOLE));
        }
        if self.bindings.len() == MAX_NAMESPACES {
            let most = MAX_NAMESPACES;
            let problem = Problem::TooManyNamespaces { most };
            return Err(self.document.error(problem, at, WHOLE));
        }
        self.bindings.push(Binding {
            depth: self.depth,
            prefix,
            namespace: Namespace::of(uri),
        });
        Ok(())
    }

    fn split_name(&self, name: &'d str, at: usize) -> Result<(&'d str, &'d str), DecodeError> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let has_prefix = name.len() > local.len();
        if is_name(local) && (is_name(prefix) || !has_prefix) {
            Ok((prefix, local))
        } else {
            Err(self.ill_formed("a name", at))
        }
    }

    fn attribute_value(&self, raw: &'d str, at: usize) -> Result<Cow<'d, str>, DecodeError> {
        if raw.contains('<') {
            return Err(self.ill_formed("< in an attribute", at));
        }
        let Some((before, _)) = raw.split_once('&') else {
            return Ok(Cow::Borrowed(raw));
        };
        let entity = |rest: &str| {
            let at = at + raw.len() - rest.len() - 1;
            self.document.error(Problem::Entity, at, WHOLE)
        };
        let mut value = before.to_owned();
        for rest in raw.split('&').skip(1) {
            let (name, literal) = rest.split_once(';').ok_or_else(|| entity(rest))?;
            value.push(referenced(name).ok_or_else(|| entity(rest))?);
            value.push_str(literal);
        }
        Ok(Cow::Owned(value))
    }

    /// Where a part of the text that quick-xml handed out stands.
    fn place_of(&self, part: &str, at: usize) -> Result<usize, DecodeError> {
        part.as_ptr()
            .addr()
            .checked_sub(self.text.as_ptr().addr())
            .filter(|place| place + part.len() <= self.text.len())
            .ok_or_else(|| self.ill_formed("attributes", at))
    }

    /// The same part, for as long as the document lives.
    fn anchored(&self, part: &str, at: usize) -> Result<&'d str, DecodeError> {
        let place = self.place_of(part, at)?;
        self.text
            .get(place..place + part.len())
            .ok_or_else(|| self.ill_formed("attributes", at))
    }

    fn ill_formed(&self, why: &'static str, at: usize) -> DecodeError {
        self.document
            .error(Problem::NotWellFormed { why }, at, WHOLE)
    }

    fn syntax_error(&self, error: &Error) -> DecodeError {
        let at = usize::try_from(self.reader.error_position()).unwrap_or(0);
        match error {
            Error::Syntax(SyntaxError::InvalidBangMarkup) => self.ill_formed("markup", at),
            Error::Syntax(SyntaxError::UnclosedDoctype) => {
                self.document.error(Problem::Doctype, at, WHOLE)
            }
            Error::Syntax(_) => self.document.error(Problem::Truncated, at, WHOLE),
            Error::IllFormed(IllFormedError::UnclosedReference) => {
                self.document.error(Problem::Entity, at, WHOLE)
            }
            Error::IllFormed(IllFormedError::MissingDoctypeName) => {
                self.document.error(Problem::Doctype, at, WHOLE)
            }
            Error::IllFormed(IllFormedError::DoubleHyphenInComment) => {
                self.ill_formed("-- in a comment", at)
            }
            Error::IllFormed(_) => self.ill_formed("an end tag without its start tag", at),
            _ => self.ill_formed("markup", at),
        }
    }
}

/// XML 1.0 2.3 with the colon left to namespaces; beyond ASCII any character will do.
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii())
        && characters.all(|c| c.is_ascii_alphanumeric() || "-._".contains(c) || !c.is_ascii())
}

/// The character that a reference stands for: one of the five entities, or one given by its number.
fn referenced(name: &str) -> Option<char> {
    let number = |digits: &str, radix| {
        let all_digits = digits.chars().all(|c| c.is_digit(radix));
        let number = u32::from_str_radix(digits, radix).ok();
        number
            .filter(|_| all_digits)
            .and_then(char::from_u32)
            .filter(|c| is_xml_char(*c))
    };
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => match name.strip_prefix("#x") {
            Some(digits) => number(digits, 16),
            None => number(name.strip_prefix('#')?, 10),
        },
    }
}
