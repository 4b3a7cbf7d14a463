//! XML 1.0 with namespaces, as SOAP 1.2 allows it: read into a tree that says where each thing stood.
//! Invariant: a document with a DTD, an unknown entity, an undeclared prefix or tags that do not match is refused.
//! Byte order: none, it is UTF-8.

use super::Malformed;

/// Elements inside one another.
const DEPTH_MAX: usize = 32;
/// Attributes of an element.
const ATTRIBUTES_MAX: usize = 64;
/// The namespace of the prefix `xml`.
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// What SOAP 1.2 over UDP rests on.
const REQUIREMENT: &str = "PCCRD-2.1-01";

/// An element, its name resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// The URI of its namespace; empty where it has none.
    pub namespace: String,
    /// Its name without prefix.
    pub local: String,
    /// Its name as it is written.
    pub tag: String,
    /// Attributes other than declarations of namespaces, by namespace and name.
    pub attributes: Vec<(String, String, String)>,
    /// The elements in it, in their order.
    pub children: Vec<Self>,
    /// The text in it, without that of its children.
    pub text: String,
    /// Where its tag starts.
    pub at: usize,
    /// Prefixes and their namespaces, those declared last at the end.
    scope: Vec<(String, String)>,
}

impl Element {
    /// Whether it is the one of that namespace and name.
    #[must_use]
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }

    /// The children of that namespace and name.
    pub fn all<'a>(&'a self, namespace: &'a str, local: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children
            .iter()
            .filter(move |child| child.is(namespace, local))
    }

    /// The first child of that namespace and name.
    #[must_use]
    pub fn child(&self, namespace: &str, local: &str) -> Option<&Self> {
        self.children
            .iter()
            .find(|child| child.is(namespace, local))
    }

    /// The value of an attribute that has no prefix.
    #[must_use]
    pub fn attribute(&self, local: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(namespace, name, _)| namespace.is_empty() && name == local);
        found.map(|(_, _, value)| value.as_str())
    }

    /// Its text without the white space around it.
    #[must_use]
    pub fn value(&self) -> &str {
        self.text.trim_matches(SPACES)
    }

    /// The namespace and name of a qualified name in its text. `None`: its prefix is not declared.
    #[must_use]
    pub fn qualified(&self, name: &str) -> Option<(String, String)> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let namespace = resolve(&self.scope, prefix)?;
        Some((namespace.to_owned(), local.to_owned()))
    }
}

/// White space of XML.
pub const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

fn resolve<'s>(scope: &'s [(String, String)], prefix: &str) -> Option<&'s str> {
    match scope.iter().rev().find(|(bound, _)| bound == prefix) {
        Some((_, namespace)) => Some(namespace),
        None if prefix.is_empty() => Some(""),
        None if prefix == "xml" => Some(XML),
        None => None,
    }
}

/// Reads a document.
///
/// # Errors
/// [`Malformed`] at the first place that is no XML, or that SOAP does not allow.
pub fn read(bytes: &[u8]) -> Result<Element, Malformed> {
    let text = match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(malformed(error.valid_up_to(), "this is no UTF-8")),
    };
    let mut parser = Parser { text, at: 0 };
    parser.skip_over("\u{feff}");
    let declaration = parser.rest().strip_prefix("<?xml");
    if declaration.is_some_and(|behind| behind.starts_with(SPACES)) {
        parser.until("?>")?;
    }
    parser.space_and_comments()?;
    let root = parser.element(&[], 0)?;
    parser.space_and_comments()?;
    match parser.rest() {
        "" => Ok(root),
        _ => Err(parser.error("something follows the root element")),
    }
}

fn malformed(at: usize, why: impl Into<String>) -> Malformed {
    Malformed {
        at,
        field: "XML",
        why: why.into(),
        requirement: REQUIREMENT,
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, why: impl Into<String>) -> Malformed {
        malformed(self.at, why)
    }

    fn skip_over(&mut self, what: &str) -> bool {
        let is_there = self.rest().starts_with(what);
        if is_there {
            self.at += what.len();
        }
        is_there
    }

    fn expect(&mut self, what: &str) -> Result<(), Malformed> {
        match self.skip_over(what) {
            true => Ok(()),
            false => Err(self.error(format!("'{what}' is missing"))),
        }
    }

    /// What stands before a mark, which is passed over.
    fn until(&mut self, mark: &str) -> Result<&'t str, Malformed> {
        let rest = self.rest();
        let Some(length) = rest.find(mark) else {
            return Err(self.error(format!("there is no '{mark}' behind this")));
        };
        self.at += length + mark.len();
        Ok(rest.get(..length).unwrap_or_default())
    }

    fn space(&mut self) -> bool {
        let rest = self.rest();
        let behind = rest.trim_start_matches(SPACES);
        self.at += rest.len() - behind.len();
        behind.len() < rest.len()
    }

    fn space_and_comments(&mut self) -> Result<(), Malformed> {
        loop {
            self.space();
            if self.skip_over("<!--") {
                self.until("-->")?;
            } else if self.rest().starts_with("<?") {
                return Err(self.error("SOAP allows no processing instruction"));
            } else if self.rest().starts_with("<!") {
                return Err(self.error("SOAP allows no document type declaration"));
            } else {
                return Ok(());
            }
        }
    }

    fn name(&mut self) -> Result<&'t str, Malformed> {
        let rest = self.rest();
        let ends = |c: char| !(c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.'));
        let name = rest.split(ends).next().unwrap_or_default();
        let starts = |c: char| c.is_alphabetic() || c == '_';
        let is_name = !name.is_empty()
            && name.split(':').count() <= 2
            && name.split(':').all(|part| part.starts_with(starts));
        if !is_name {
            return Err(self.error("there is no name here"));
        }
        self.at += name.len();
        Ok(name)
    }

    fn element(&mut self, outer: &[(String, String)], depth: usize) -> Result<Element, Malformed> {
        if depth == DEPTH_MAX {
            return Err(self.error(format!("more than {DEPTH_MAX} elements in one another")));
        }
        let at = self.at;
        self.expect("<")?;
        let tag = self.name()?;
        let mut scope = outer.to_vec();
        let mut written: Vec<(&str, String)> = Vec::new();
        let is_empty = loop {
            let has_space = self.space();
            if self.skip_over("/>") {
                break true;
            }
            if self.skip_over(">") {
                break false;
            }
            if !has_space {
                return Err(self.error("white space is missing between attributes"));
            }
            if written.len() == ATTRIBUTES_MAX {
                return Err(self.error(format!("more than {ATTRIBUTES_MAX} attributes")));
            }
            let (name, value) = self.attribute()?;
            if written.iter().any(|(other, _)| *other == name) {
                return Err(self.error(format!("the attribute {name} is there twice")));
            }
            match name.split_once(':') {
                None if name == "xmlns" => scope.push((String::new(), value.clone())),
                Some(("xmlns", prefix)) => scope.push((prefix.to_owned(), value.clone())),
                _ => {}
            }
            written.push((name, value));
        };
        let resolved = |name: &str, is_element: bool| {
            let (prefix, local) = name.split_once(':').unwrap_or(("", name));
            let namespace = match prefix {
                // The default namespace is that of elements alone.
                "" if !is_element => Some(""),
                _ => resolve(&scope, prefix),
            };
            let why = format!("the prefix of {name} is not declared");
            namespace
                .map(|namespace| (namespace.to_owned(), local.to_owned()))
                .ok_or_else(|| malformed(at, why))
        };
        let mut attributes = Vec::new();
        for (name, value) in &written {
            if *name != "xmlns" && !name.starts_with("xmlns:") {
                let (namespace, local) = resolved(name, false)?;
                attributes.push((namespace, local, value.clone()));
            }
        }
        let (namespace, local) = resolved(tag, true)?;
        let mut element = Element {
            namespace,
            local,
            tag: tag.to_owned(),
            attributes,
            children: Vec::new(),
            text: String::new(),
            at,
            scope,
        };
        if !is_empty {
            self.content(&mut element, depth)?;
        }
        Ok(element)
    }

    fn attribute(&mut self) -> Result<(&'t str, String), Malformed> {
        let name = self.name()?;
        self.space();
        self.expect("=")?;
        self.space();
        let quote = match self.rest() {
            rest if rest.starts_with('"') => "\"",
            rest if rest.starts_with('\'') => "'",
            _ => return Err(self.error("the value of an attribute has no quotes")),
        };
        self.at += 1;
        let start = self.at;
        let raw = self.until(quote)?;
        if raw.contains('<') {
            return Err(self.error("there is a '<' in an attribute"));
        }
        Ok((name, unescaped(raw, start)?))
    }

    fn content(&mut self, element: &mut Element, depth: usize) -> Result<(), Malformed> {
        loop {
            let rest = self.rest();
            let Some(length) = rest.find('<') else {
                return Err(self.error(format!("<{}> does not end", element.tag)));
            };
            let raw = rest.get(..length).unwrap_or_default();
            element.text.push_str(&unescaped(raw, self.at)?);
            self.at += length;
            if self.skip_over("</") {
                let tag = self.name()?;
                self.space();
                self.expect(">")?;
                if tag != element.tag {
                    return Err(self.error(format!("<{}> ends as </{tag}>", element.tag)));
                }
                return Ok(());
            }
            if self.skip_over("<!--") {
                self.until("-->")?;
            } else if self.skip_over("<![CDATA[") {
                element.text.push_str(self.until("]]>")?);
            } else {
                let child = self.element(&element.scope, depth + 1)?;
                element.children.push(child);
            }
        }
    }
}

/// Text with its references resolved.
fn unescaped(raw: &str, start: usize) -> Result<String, Malformed> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(place) = rest.find('&') {
        let (before, reference) = rest.split_at(place);
        text.push_str(before);
        let at = start + raw.len() - reference.len();
        let Some((name, behind)) = reference
            .strip_prefix('&')
            .and_then(|inner| inner.split_once(';'))
        else {
            return Err(malformed(at, "a '&' that starts no reference"));
        };
        text.push(referred(name).ok_or_else(|| malformed(at, format!("unknown entity &{name};")))?);
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

fn referred(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => {
            let number = name.strip_prefix('#')?;
            let (digits, radix) = match number.strip_prefix('x') {
                Some(digits) => (digits, 16),
                None => (number, 10),
            };
            // A sign before the digits would be read as one of the number.
            let is_number = digits.chars().all(|digit| digit.is_digit(radix));
            let code = u32::from_str_radix(digits, radix).ok();
            char::from_u32(code.filter(|_| is_number)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_resolved_and_text_is_put_together() {
        let text = "\u{feff}<?xml version='1.0'?>\n<!-- a --><a:x xmlns:a='urn:1' xmlns=\"urn:2\" b='&lt;&#x41;'>\
                    <y a:z='1'>t<!-- c --><![CDATA[<&]]>&amp;</y><w xmlns=''/></a:x> ";
        let root = read(text.as_bytes()).unwrap();
        assert!(root.is("urn:1", "x"));
        assert_eq!(root.attribute("b"), Some("<A"));
        let child = root.child("urn:2", "y").unwrap();
        assert_eq!(child.text, "t<&&");
        assert_eq!(child.attributes[0].0, "urn:1");
        assert_eq!(
            child.qualified("a:q"),
            Some(("urn:1".to_owned(), "q".to_owned()))
        );
        assert_eq!(child.qualified("b:q"), None);
        assert!(root.children[1].is("", "w"));
    }

    #[test]
    fn text_keeps_its_white_space_and_names_in_it_resolve_by_what_is_in_scope() {
        let text = "<?xml version='1.0'?><!-- a --><a:b xmlns:a=\"urn:a\" c='1&amp;2'>\n x&#65;\
                    <d xmlns=\"urn:d\"/><![CDATA[<]]></a:b>\n";
        let root = read(text.as_bytes()).unwrap();
        assert!(root.is("urn:a", "b"));
        assert_eq!(root.attribute("c"), Some("1&2"));
        assert_eq!(root.text, "\n xA<");
        assert!(root.child("urn:d", "d").is_some());
        assert_eq!(
            root.qualified("a:z"),
            Some(("urn:a".to_owned(), "z".to_owned()))
        );
    }

    #[test]
    fn what_is_not_well_formed_or_not_allowed_is_refused() {
        for text in [
            "",
            "<a>",
            "<a></b>",
            "<a b></a>",
            "<a>&unknown;</a>",
            "<a><?pi x?></a>",
            "<a p:b='1'/>",
            "<a/><b/>",
            "<a/>x",
            "<p:a/>",
            "<a b='1' b='2'/>",
            "<a b=1/>",
            "<a b='1'c='2'/>",
            "<a>&nbsp;</a>",
            "<a>&</a>",
            "<!DOCTYPE a><a/>",
            "<?pi x?><a/>",
            "<?xml-stylesheet href='a'?><a/>",
            "<a>&#+65;</a>",
            "<a>&#x;</a>",
            "<a><1/></a>",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read(b"<a>\xff</a>").is_err());
        let deep = "<a>".repeat(40) + &"</a>".repeat(40);
        assert!(read(deep.as_bytes()).is_err());
    }
}
