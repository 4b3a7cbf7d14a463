//! The header fields that MS-PCCRTP tells either side to write, as values that know their text.
//! Invariant: what is written here is read back by the decoders of this module without a quirk.
//! Byte order: none.

use core::fmt;
use std::io::Write as _;

use super::{CODING, PeerDist, PeerDistEx};
use crate::content::ContentRange;

/// A header field to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub name: &'static str,
    /// Its value; `to_string` makes the text.
    pub value: FieldValue<'a>,
}

/// The value of a header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are the numbers in the text of each kind"
)]
pub enum FieldValue<'a> {
    /// A text that is always the same.
    Text(&'static str),
    /// Of X-P2P-PeerDist.
    PeerDist(PeerDist),
    /// Of X-P2P-PeerDistEx.
    PeerDistEx(PeerDistEx),
    /// Of Accept-Encoding: other codings, then this one.
    AcceptEncoding { others: &'a str },
    /// Of Range.
    Range(ContentRange),
    /// Of Content-Range; without a range, that none can be had.
    ContentRange {
        range: Option<ContentRange>,
        total: u64,
    },
}

impl FieldValue<'_> {
    /// Appends the text.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        // Writing into memory cannot fail.
        let _ = write!(out, "{self}");
    }
}

const fn last(range: ContentRange) -> u64 {
    range.start.saturating_add(range.length).saturating_sub(1)
}

impl fmt::Display for FieldValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Text(text) => f.write_str(text),
            Self::PeerDist(value) => {
                let mut list = List { f, begun: false };
                if let Some(version) = value.version {
                    list.item(format_args!("Version={version}"))?;
                }
                if let Some(length) = value.content_length {
                    list.item(format_args!("ContentLength={length}"))?;
                }
                if value.missing_data_request {
                    list.item(format_args!("MissingDataRequest=true"))?;
                }
                Ok(())
            }
            Self::PeerDistEx(value) => {
                let mut list = List { f, begun: false };
                if let Some((min, max)) = value.window {
                    list.item(format_args!("MinContentInformation={min}"))?;
                    list.item(format_args!("MaxContentInformation={max}"))?;
                }
                if value.make_hash_request {
                    list.item(format_args!("MakeHashRequest=true"))?;
                }
                if value.hash_request {
                    list.item(format_args!("HashRequest=true"))?;
                }
                Ok(())
            }
            Self::AcceptEncoding { others: "" } => f.write_str(CODING),
            Self::AcceptEncoding { others } => write!(f, "{others}, {CODING}"),
            Self::Range(range) => write!(f, "bytes={}-{}", range.start, last(range)),
            Self::ContentRange { range: None, total } => write!(f, "bytes */{total}"),
            Self::ContentRange {
                range: Some(range),
                total,
            } => write!(f, "bytes {}-{}/{total}", range.start, last(range)),
        }
    }
}

/// Items with comma and space between.
struct List<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    begun: bool,
}

impl List<'_, '_> {
    fn item(&mut self, item: fmt::Arguments<'_>) -> fmt::Result {
        if self.begun {
            self.f.write_str(", ")?;
        }
        self.begun = true;
        self.f.write_fmt(item)
    }
}
