//! The SOAP envelope around a probe or a match (MS-PCCRD 4.1 to 4.4, WS-Discovery of April 2005, WS-Addressing).
//! Invariant: a header that its sender wants understood is either one of those read here or the message is refused.
//! Byte order: none, it is text.

use super::encoding::Document;
use super::error::{DecodeError, Problem};
use super::identifier::Identifier;
use super::probe::{Probe, ProbeElement};
use super::probe_match::{MatchElement, ProbeMatch};
use super::quirk::{Quirk, Quirks};
use super::value::Value;
use super::xml::{ADDRESSING, DISCOVERY, Element, Namespace, PEER_DIST, Parser, SOAP};
use super::{Decoded, Message};

const PROBE_ACTION: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe";
const MATCHES_ACTION: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches";
const TO_EVERYBODY: &str = "urn:schemas-xmlsoap-org:ws:2005:04:discovery";
const TO_THE_SENDER: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";

/// The place of a message among all that its sender has sent (2.2.3.6, 2.2.3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppSequence {
    /// Greater after each restart of the sender.
    pub instance_id: u32,
    /// Greater with each message.
    pub message_number: u32,
}

enum Action {
    Probe,
    ProbeMatches,
}

#[derive(Default)]
struct Header {
    action: Option<Action>,
    message_id: Option<Identifier>,
    relates_to: Option<Identifier>,
    sequence: Option<AppSequence>,
}

/// Takes an element's place, which must be free.
pub(super) fn once<T>(
    slot: &mut Option<T>,
    value: T,
    document: &Document<'_>,
    element: &Element<'_>,
    (of, field): (&'static str, &'static str),
) -> Result<(), DecodeError> {
    if slot.replace(value).is_some() {
        return Err(document.error(Problem::DuplicateElement { of }, element.at, field));
    }
    Ok(())
}

/// The element that must be there, where `at` is the end of what should hold it.
pub(super) fn required<T>(
    slot: Option<T>,
    document: &Document<'_>,
    at: usize,
    (of, field): (&'static str, &'static str),
) -> Result<T, DecodeError> {
    slot.ok_or_else(|| document.error(Problem::MissingElement { of }, at, field))
}

/// Reports an element whose tag is not the one that readers of plain text look for.
pub(super) fn note_prefix(element: &Element<'_>, quirks: &mut Quirks) {
    let expected = match element.namespace {
        Namespace::Discovery => "wsd",
        Namespace::PeerDist => "PeerDist",
        _ => return,
    };
    //= PCCRD-2.2.1-03
    if element.prefix != expected {
        quirks.add(Quirk::OtherPrefix);
    }
}

pub(super) fn number(
    document: &Document<'_>,
    text: &str,
    places: (usize, usize),
    field: &'static str,
) -> Result<u32, DecodeError> {
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits_only);
    document.field(field, places.0, places.1, number.map(u64::from));
    number.ok_or_else(|| document.error(Problem::Number, places.0, field))
}

pub(super) fn decode(document: &Document<'_>) -> Result<Decoded, DecodeError> {
    let mut parser = Parser::new(document);
    let root = parser.root()?;
    if !root.is(Namespace::Soap, "Envelope") {
        return Err(document.error(Problem::NotSoap, root.at, "Envelope"));
    }
    document.open("Envelope", None, root.at);
    let mut header = None;
    let mut body = None;
    let mut quirks = Quirks::default();
    while let Some(child) = parser.next_child()? {
        if child.is(Namespace::Soap, "Header") {
            let read = Header::read(&mut parser, &child, &mut quirks)?;
            once(&mut header, read, document, &child, ("Envelope", "Header"))?;
        } else if child.is(Namespace::Soap, "Body") {
            let header = required(header.take(), document, child.at, ("Envelope", "Header"))?;
            let read = read_body(&mut parser, &child, header, &mut quirks)?;
            once(&mut body, read, document, &child, ("Envelope", "Body"))?;
        } else {
            parser.skip()?;
        }
    }
    document.close();
    parser.finish()?;
    let message = required(body, document, document.text().len(), ("Envelope", "Body"))?;
    Ok(Decoded { message, quirks })
}

impl Header {
    fn read(
        parser: &mut Parser<'_>,
        header: &Element<'_>,
        quirks: &mut Quirks,
    ) -> Result<Self, DecodeError> {
        let document = parser.document;
        document.open("Header", None, header.at);
        let mut read = Self::default();
        let mut action_at = header.at;
        while let Some(child) = parser.next_child()? {
            note_prefix(&child, quirks);
            match (child.namespace, child.local) {
                (Namespace::Addressing, "Action") => {
                    let value = parser.value("Action")?;
                    action_at = value.place(value.trimmed().at);
                    let action = read_action(document, &value)?;
                    once(
                        &mut read.action,
                        action,
                        document,
                        &child,
                        ("Header", "Action"),
                    )?;
                }
                (Namespace::Addressing, "MessageID") => {
                    let id = Identifier::read(document, &parser.value("MessageID")?, "MessageID")?;
                    once(
                        &mut read.message_id,
                        id,
                        document,
                        &child,
                        ("Header", "MessageID"),
                    )?;
                }
                (Namespace::Addressing, "RelatesTo") => {
                    let id = Identifier::read(document, &parser.value("RelatesTo")?, "RelatesTo")?;
                    once(
                        &mut read.relates_to,
                        id,
                        document,
                        &child,
                        ("Header", "RelatesTo"),
                    )?;
                }
                (Namespace::Discovery, "AppSequence") => {
                    let sequence = AppSequence::read(parser, &child)?;
                    let slot = &mut read.sequence;
                    once(slot, sequence, document, &child, ("Header", "AppSequence"))?;
                }
                (Namespace::Addressing, "To") => {
                    let value = parser.value("To")?;
                    let (token, end) = (value.trimmed(), value.trimmed().text.len());
                    let (from, to) = (value.place(token.at), value.place(token.at + end));
                    document.field("To", from, to, None);
                    document.means(|| token.text.to_owned());
                }
                _ if must_understand(parser) => {
                    return Err(document.error(Problem::MustUnderstand, child.at, "Header"));
                }
                _ => parser.skip()?,
            }
        }
        document.close();
        if read.action.is_none() {
            return Err(document.error(
                Problem::MissingElement { of: "Header" },
                action_at,
                "Action",
            ));
        }
        Ok(read)
    }
}

fn must_understand(parser: &Parser<'_>) -> bool {
    parser
        .attribute(Namespace::Soap, "mustUnderstand")
        .is_some_and(|(value, _)| matches!(value.trim(), "1" | "true"))
}

fn read_action(document: &Document<'_>, value: &Value<'_>) -> Result<Action, DecodeError> {
    let token = value.trimmed();
    let at = value.place(token.at);
    let end = value.place(token.at + token.text.len());
    document.field("Action", at, end, None);
    document.means(|| token.text.to_owned());
    match token.text {
        PROBE_ACTION => Ok(Action::Probe),
        MATCHES_ACTION => Ok(Action::ProbeMatches),
        //= PCCRD-3.1.6-01
        //= PCCRD-3.2.6-01
        _ => Err(document.error(Problem::ForeignAction, at, "Action")),
    }
}

impl AppSequence {
    fn read(parser: &mut Parser<'_>, element: &Element<'_>) -> Result<Self, DecodeError> {
        let document = parser.document;
        document.open("AppSequence", None, element.at);
        let attribute = |field: &'static str| {
            let found = parser.attribute(Namespace::None, field);
            let (text, at) = required(found, document, element.at, ("AppSequence", field))?;
            number(document, text, (at, at + text.len()), field)
        };
        let read = Self {
            instance_id: attribute("InstanceId")?,
            message_number: attribute("MessageNumber")?,
        };
        document.close();
        parser.skip()?;
        Ok(read)
    }
}

fn read_body(
    parser: &mut Parser<'_>,
    body: &Element<'_>,
    header: Header,
    quirks: &mut Quirks,
) -> Result<Message, DecodeError> {
    let document = parser.document;
    document.open("Body", None, body.at);
    let is_probe = matches!(header.action, Some(Action::Probe));
    let wanted = if is_probe { "Probe" } else { "ProbeMatches" };
    let mut found_probe = None;
    let mut found_match = None;
    while let Some(child) = parser.next_child()? {
        if !child.is(Namespace::Discovery, wanted) {
            parser.skip()?;
            continue;
        }
        note_prefix(&child, quirks);
        if is_probe {
            let read = ProbeElement::read(parser, &child, quirks)?;
            once(&mut found_probe, read, document, &child, ("Body", wanted))?;
        } else {
            let read = read_matches(parser, &child, quirks)?;
            once(&mut found_match, read, document, &child, ("Body", wanted))?;
        }
    }
    document.close();
    let at = body.at;
    let message_id = required(header.message_id, document, at, ("Header", "MessageID"))?;
    if is_probe {
        let ProbeElement { version, ids } = required(found_probe, document, at, ("Body", "Probe"))?;
        return Ok(Message::Probe(Probe {
            message_id,
            version,
            ids,
        }));
    }
    let read = required(found_match, document, at, ("Body", "ProbeMatches"))?;
    Ok(Message::ProbeMatch(ProbeMatch {
        message_id,
        relates_to: required(header.relates_to, document, at, ("Header", "RelatesTo"))?,
        sequence: header.sequence,
        address: read.address,
        addresses: read.addresses,
        metadata_version: read.metadata_version,
        found: read.found,
    }))
}

fn read_matches(
    parser: &mut Parser<'_>,
    matches: &Element<'_>,
    quirks: &mut Quirks,
) -> Result<MatchElement, DecodeError> {
    let document = parser.document;
    document.open("ProbeMatches", None, matches.at);
    let mut found = None;
    while let Some(child) = parser.next_child()? {
        if child.is(Namespace::Discovery, "ProbeMatch") {
            let read = MatchElement::read(parser, &child, quirks)?;
            once(
                &mut found,
                read,
                document,
                &child,
                ("ProbeMatches", "ProbeMatch"),
            )?;
        } else {
            parser.skip()?;
        }
    }
    document.close();
    //= PCCRD-2.2.2.2-02
    required(found, document, matches.at, ("ProbeMatches", "ProbeMatch"))
}

/// Appends one piece after the other.
pub(super) fn push_all<const N: usize>(out: &mut Vec<u8>, pieces: [&str; N]) {
    pieces
        .iter()
        .for_each(|piece| out.extend_from_slice(piece.as_bytes()));
}

/// Appends text that may hold characters which mean something to XML.
pub(super) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            _ => out.push(byte),
        }
    }
}

fn open_envelope(out: &mut Vec<u8>, to: &str, action: &str, message_id: &Identifier) {
    push_all(
        out,
        [
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"",
            SOAP,
            "\" xmlns:wsa=\"",
            ADDRESSING,
            "\" xmlns:wsd=\"",
            DISCOVERY,
            "\" xmlns:PeerDist=\"",
            PEER_DIST,
            "\"><soap:Header><wsa:To>",
            to,
            "</wsa:To><wsa:Action>",
            action,
            "</wsa:Action><wsa:MessageID>",
        ],
    );
    push_escaped(out, message_id.as_str());
    push_all(out, ["</wsa:MessageID>"]);
}

const END: &str = "</soap:Body></soap:Envelope>";

/// Appends a probe, with whatever `body` writes as its body.
pub(super) fn write_probe(
    out: &mut Vec<u8>,
    message_id: &Identifier,
    body: impl FnOnce(&mut Vec<u8>),
) {
    //= PCCRD-4.1-01
    open_envelope(out, TO_EVERYBODY, PROBE_ACTION, message_id);
    push_all(out, ["</soap:Header><soap:Body>"]);
    body(out);
    push_all(out, [END]);
}

/// Appends a match, with whatever `body` writes as its body.
pub(super) fn write_match(
    out: &mut Vec<u8>,
    message_id: &Identifier,
    relates_to: &Identifier,
    sequence: Option<AppSequence>,
    body: impl FnOnce(&mut Vec<u8>),
) {
    //= PCCRD-4.3-01
    open_envelope(out, TO_THE_SENDER, MATCHES_ACTION, message_id);
    push_all(out, ["<wsa:RelatesTo>"]);
    push_escaped(out, relates_to.as_str());
    push_all(out, ["</wsa:RelatesTo>"]);
    if let Some(sequence) = sequence {
        let AppSequence {
            instance_id,
            message_number,
        } = sequence;
        push_all(out, ["<wsd:AppSequence InstanceId=\""]);
        push_display(out, &instance_id);
        push_all(out, ["\" MessageNumber=\""]);
        push_display(out, &message_number);
        push_all(out, ["\"/>"]);
    }
    push_all(out, ["</soap:Header><soap:Body>"]);
    body(out);
    push_all(out, [END]);
}

/// Appends what something prints as, which must be free of characters that mean something to XML.
pub(super) fn push_display(out: &mut Vec<u8>, what: &dyn core::fmt::Display) {
    use std::io::Write as _;
    // Writing to a Vec never fails.
    let _ = write!(out, "{what}");
}
