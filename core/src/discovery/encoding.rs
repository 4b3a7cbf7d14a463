//! XML 1.0 4.3.3: from the bytes of a datagram to its text.
//! Invariant: the text has only characters that XML allows, and every place in it leads back to a byte of the datagram.
//! Byte order: that of the byte order mark, where the text is UTF-16.

use std::borrow::Cow;

use super::MAX_MESSAGE_BYTES;
use super::error::{DecodeError, Problem};
use crate::wire::Trace;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16,
}

/// The text of a datagram.
#[derive(Debug)]
pub(super) struct Document<'a> {
    text: Cow<'a, str>,
    encoding: Encoding,
    /// Bytes of the byte order mark in front of the text.
    mark_bytes: usize,
    trace: Option<&'a Trace>,
}

pub(super) const WHOLE: &str = "XML";

impl<'a> Document<'a> {
    pub(super) fn new(bytes: &'a [u8], trace: Option<&'a Trace>) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            let problem = Problem::MessageTooLarge {
                found: bytes.len(),
                most: MAX_MESSAGE_BYTES,
            };
            return Err(problem.at(MAX_MESSAGE_BYTES, WHOLE));
        }
        let document = match bytes {
            [0xEF, 0xBB, 0xBF, rest @ ..] => Self::utf8(rest, 3, trace)?,
            [0xFE, 0xFF, rest @ ..] => Self::utf16(rest, u16::from_be_bytes, trace)?,
            [0xFF, 0xFE, rest @ ..] => Self::utf16(rest, u16::from_le_bytes, trace)?,
            _ => Self::utf8(bytes, 0, trace)?,
        };
        match document
            .text()
            .char_indices()
            .find(|(_, c)| !is_xml_char(*c))
        {
            None => Ok(document),
            Some((at, c)) => Err(document.error(Problem::Character { found: c.into() }, at, WHOLE)),
        }
    }

    fn utf8(
        bytes: &'a [u8],
        mark_bytes: usize,
        trace: Option<&'a Trace>,
    ) -> Result<Self, DecodeError> {
        let text = core::str::from_utf8(bytes).map_err(|error| {
            let at = mark_bytes + error.valid_up_to();
            Problem::Encoding.at(at, WHOLE)
        })?;
        Ok(Self {
            text: Cow::Borrowed(text),
            encoding: Encoding::Utf8,
            mark_bytes,
            trace,
        })
    }

    fn utf16(
        bytes: &'a [u8],
        unit: fn([u8; 2]) -> u16,
        trace: Option<&'a Trace>,
    ) -> Result<Self, DecodeError> {
        let mark_bytes = 2;
        let (units, rest) = bytes.as_chunks::<2>();
        let mut text = String::with_capacity(bytes.len());
        let mut at = mark_bytes;
        let invalid = |at| Problem::Encoding.at(at, WHOLE);
        for c in char::decode_utf16(units.iter().map(|pair| unit(*pair))) {
            let c = c.map_err(|_| invalid(at))?;
            text.push(c);
            at += 2 * c.len_utf16();
        }
        if !rest.is_empty() {
            return Err(invalid(at));
        }
        Ok(Self {
            text: Cow::Owned(text),
            encoding: Encoding::Utf16,
            mark_bytes,
            trace,
        })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the document may declare this encoding: `text` is what its declaration says.
    pub(super) fn may_declare(&self, text: &str) -> bool {
        let names: &[&str] = match self.encoding {
            Encoding::Utf8 => &["utf-8", "us-ascii"],
            Encoding::Utf16 => &["utf-16"],
        };
        names.iter().any(|name| text.eq_ignore_ascii_case(name))
    }

    /// The offset in the datagram of a place in the text. Only errors and traces ask, so that UTF-16 may be counted.
    pub(super) fn offset(&self, at: usize) -> usize {
        self.mark_bytes
            + match self.encoding {
                Encoding::Utf8 => at,
                Encoding::Utf16 => {
                    let (before, _) = self.text.split_at(self.text.floor_char_boundary(at));
                    2 * before.encode_utf16().count()
                }
            }
    }

    pub(super) const fn is_traced(&self) -> bool {
        self.trace.is_some()
    }

    pub(super) fn error(&self, problem: Problem, at: usize, field: &'static str) -> DecodeError {
        problem.at(self.offset(at), field)
    }

    /// Tells the trace, if there is one, of the field between two places of the text.
    pub(super) fn field(&self, field: &'static str, from: usize, to: usize, number: Option<u64>) {
        if let Some(trace) = self.trace {
            let at = self.offset(from);
            trace.add(field, at, self.offset(to).saturating_sub(at), number);
        }
    }

    pub(super) fn open(&self, field: &'static str, index: Option<u64>, at: usize) {
        if let Some(trace) = self.trace {
            trace.open(field, index, self.offset(at));
        }
    }

    pub(super) fn close(&self) {
        if let Some(trace) = self.trace {
            trace.close();
        }
    }

    pub(super) fn means<M: core::fmt::Display>(&self, meaning: impl FnOnce() -> M) {
        if let Some(trace) = self.trace {
            trace.means(meaning().to_string());
        }
    }
}

/// XML 1.0 2.2, the production `Char`.
pub(super) const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{FEFF}"
            .encode_utf16()
            .chain(text.encode_utf16())
            .flat_map(to_bytes)
            .collect()
    }

    #[test]
    fn every_place_of_the_text_leads_back_to_its_byte() {
        let text = "a\u{e9}\u{1F980}z";
        let plain = Document::new(text.as_bytes(), None).unwrap();
        assert_eq!((plain.offset(3), plain.offset(8)), (3, 8));
        let marked = [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat();
        let marked = Document::new(&marked, None).unwrap();
        assert_eq!((marked.offset(0), marked.offset(8)), (3, 11));
        for to_bytes in [u16::to_be_bytes, u16::to_le_bytes] {
            let bytes = utf16(text, to_bytes);
            let document = Document::new(&bytes, None).unwrap();
            assert_eq!(document.text(), text);
            let offsets: Vec<_> = [0, 1, 3, 7, 8].map(|at| document.offset(at)).into();
            assert_eq!(offsets, [2, 4, 6, 10, 12]);
        }
    }

    #[test]
    fn refuses_bytes_that_are_no_text_where_they_stop_being_it() {
        for (bytes, at) in [
            (&b"ab\xC3"[..], 2),
            (b"ab\xC0\xAF", 2),
            (b"ab\xED\xA0\x80", 2),
            (b"\xEF\xBB\xBFab\xFF", 5),
            (b"\xFE\xFF\0a\0", 4),
            (b"\xFE\xFF\0a\xD8\x00\0b", 4),
            (b"\xFF\xFEa\0\x00\xDC", 4),
        ] {
            let error = Document::new(bytes, None).unwrap_err();
            assert_eq!((error.problem, error.at), (Problem::Encoding, at));
        }
    }

    #[test]
    fn refuses_characters_that_xml_does_not_allow() {
        for (bytes, at, found) in [
            (&b"a\0b"[..], 1, 0),
            (b"a\x1Fb", 1, 0x1F),
            (b"a\xEF\xBF\xBE", 1, 0xFFFE),
            (b"\xFE\xFF\0a\0\0", 4, 0),
        ] {
            let error = Document::new(bytes, None).unwrap_err();
            assert_eq!(
                (error.problem, error.at),
                (Problem::Character { found }, at)
            );
        }
    }

    #[test]
    fn refuses_more_bytes_than_a_datagram_has_before_it_looks_at_them() {
        let error = Document::new(&vec![0xFF; MAX_MESSAGE_BYTES + 1], None).unwrap_err();
        assert_eq!(error.problem.name(), "message-too-large");
    }
}
