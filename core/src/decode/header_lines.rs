//! MS-PCCRTP 2.2: the head of an HTTP message, or just some of its lines, and content information behind it.
//! Invariant: fields of other documents are shown and never judged; the first fault of ours ends the tree.
//! Byte order: none, header fields are text.

use std::borrow::Cow;

use super::guess::{field_name, is_start_line};
use super::messages::quirks_found;
use super::tree::{Field, Leaves, Value, text, tree};
use super::{Decoded, Fault, Protocol, QuirkFound};
use crate::content::ContentInfo;
use crate::http_encoding::{
    AcceptEncoding, ContentEncoding, DecodeError, PEERDIST, PEERDIST_EX, PeerDist, PeerDistEx,
    ResponseFields,
};
use crate::wire::{Reader, Trace};

/// Bytes of the lines in front of a body, at most: what servers of HTTP take.
pub const HEAD_MAX_BYTES: usize = 64 << 10;
/// Header fields, at most.
pub const HEADER_FIELDS_MAX: usize = 1000;

pub(super) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let mut head = Head {
        bytes,
        fields: Vec::new(),
        quirks: Vec::new(),
        seen: ResponseFields::new(),
        is_coded: false,
    };
    let read = head.read();
    let (message, error) = match read {
        Ok(message) => (message, None),
        Err(fault) => ("header fields", Some(fault)),
    };
    Decoded {
        protocol: Some(Protocol::Pccrtp),
        message: message.to_owned(),
        quirks: head.quirks,
        notes: Vec::new(),
        error,
        fields: head.fields,
        bytes,
    }
}

struct Head<'a> {
    bytes: &'a [u8],
    fields: Vec<Field<'a>>,
    quirks: Vec<QuirkFound>,
    /// Knows what may not stand there twice.
    seen: ResponseFields,
    is_coded: bool,
}

impl<'a> Head<'a> {
    fn read(&mut self) -> Result<&'static str, Fault> {
        let mut message = "header fields";
        let mut at = 0;
        while let Some(line) = self.line_at(at) {
            let next = at + line.len();
            if next > HEAD_MAX_BYTES {
                let why = format!("more than {HEAD_MAX_BYTES} bytes of header fields");
                return Err(fault(at, "header fields", "head-too-large", why));
            }
            if self.fields.len() > HEADER_FIELDS_MAX {
                let why = format!("more than {HEADER_FIELDS_MAX} header fields");
                return Err(fault(at, "header fields", "too-many-fields", why));
            }
            let line = line.trim_ascii_end();
            if line.is_empty() {
                self.read_body(next);
                break;
            }
            if at == 0 && is_start_line(line) {
                let is_status = line.starts_with(b"HTTP/");
                let (name, what) = match is_status {
                    true => ("status line", "response"),
                    false => ("request line", "request"),
                };
                message = what;
                let value = text(b"", line);
                self.add(Cow::Borrowed(name), at, line.len(), value, Vec::new());
            } else {
                self.read_field(at, line)?;
            }
            at = next;
        }
        Ok(message)
    }

    /// A line with its end, and with the lines that continue it.
    fn line_at(&self, at: usize) -> Option<&'a [u8]> {
        let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let mut end = 0;
        loop {
            let more = rest.get(end..).unwrap_or_default();
            let Some(feed) = more.iter().position(|byte| *byte == b'\n') else {
                return Some(rest);
            };
            let was_empty = more.get(..feed)?.trim_ascii().is_empty();
            end += feed + 1;
            if was_empty || !matches!(rest.get(end), Some(b' ' | b'\t')) {
                return rest.get(..end);
            }
        }
    }

    fn read_field(&mut self, at: usize, line: &'a [u8]) -> Result<(), Fault> {
        let Some(name) = field_name(line) else {
            let why = String::from("expected a name and a colon");
            return Err(fault(at, "header field", "header-line", why));
        };
        let rest = line.get(name.len() + 1..).unwrap_or_default();
        let value = rest.trim_ascii_start();
        let value_at = at + line.len() - value.len();
        let trace = Trace::new();
        let is = |ours: &str| name.eq_ignore_ascii_case(ours.as_bytes());
        let decoded = if is("Accept-Encoding") {
            AcceptEncoding::decode_traced(value, &trace).map(|(_, quirks)| quirks)
        } else if is("Content-Encoding") {
            ContentEncoding::decode_traced(value, &trace).map(|(found, quirks)| {
                self.is_coded |= found == ContentEncoding::PeerDist;
                quirks
            })
        } else if is(PEERDIST) {
            PeerDist::decode_traced(value, &trace).map(|(_, quirks)| quirks)
        } else if is(PEERDIST_EX) {
            PeerDistEx::decode_traced(value, &trace).map(|(_, quirks)| quirks)
        } else {
            let name = String::from_utf8_lossy(name).into_owned();
            let value = text(b"", value);
            self.add(Cow::Owned(name), at, line.len(), value, Vec::new());
            return Ok(());
        };
        let mut entries = trace.into_entries();
        for entry in &mut entries {
            entry.at += value_at;
        }
        let children = tree(entries, self.bytes, Leaves::Text);
        let name_text = String::from_utf8_lossy(name).into_owned();
        let whole = match children.is_empty() {
            true => text(b"", value),
            false => Value::Group,
        };
        self.add(Cow::Owned(name_text), at, line.len(), whole, children);
        let in_value = |error: DecodeError| {
            let mut fault = Fault::from(error);
            fault.at += value_at;
            fault
        };
        let quirks = decoded.map_err(in_value)?;
        for quirk in quirks_found!(quirks) {
            if !self.quirks.contains(&quirk) {
                self.quirks.push(quirk);
            }
        }
        self.seen.add(name, value);
        match self.seen.fault() {
            Some(twice) => Err(in_value(twice.error)),
            None => Ok(()),
        }
    }

    /// Shows the body, if the head says that it is content information.
    fn read_body(&mut self, at: usize) {
        let body = self.bytes.get(at..).unwrap_or_default();
        if body.is_empty() {
            return;
        }
        let trace = Trace::new();
        let mut meaning = String::new();
        if self.is_coded {
            match ContentInfo::decode_with(Reader::traced(body, &trace)) {
                Ok(info) => self.quirks.extend(quirks_found!(info.quirks())),
                Err(error) => meaning = format!("not content information: {error}"),
            }
        }
        let mut entries = trace.into_entries();
        for entry in &mut entries {
            entry.at += at;
        }
        let children = tree(entries, self.bytes, Leaves::Bytes);
        let value = match children.is_empty() {
            true => Value::Secret(body),
            false => Value::Group,
        };
        self.add(Cow::Borrowed("body"), at, body.len(), value, children);
        if let Some(field) = self.fields.last_mut() {
            field.meaning = meaning;
        }
    }

    fn add(
        &mut self,
        name: Cow<'static, str>,
        at: usize,
        length: usize,
        value: Value<'a>,
        children: Vec<Field<'a>>,
    ) {
        self.fields.push(Field {
            name,
            index: None,
            at,
            length,
            value,
            meaning: String::new(),
            children,
        });
    }
}

fn fault(at: usize, field: &str, problem: &'static str, why: String) -> Fault {
    Fault {
        at,
        field: field.to_owned(),
        problem,
        requirement: None,
        why,
    }
}
