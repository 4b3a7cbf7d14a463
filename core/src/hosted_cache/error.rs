//! What can be wrong with a message of the hosted cache (MS-PCHC 2.2), each fault its own name.
//! Invariant: every error points at the field at fault by its offset and names the requirement that it breaks.
//! Byte order: none, errors carry numbers.

use core::fmt;

use super::{BATCH_MAX_SEGMENTS, MessageType};
use crate::wire::Truncated;

/// A message that cannot be accepted: where, and why.
pub type DecodeError = crate::error::DecodeError<Problem>;

/// The kinds of fault. [`Problem::name`] is stable: vectors and reports use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields are the numbers in the message of each kind"
)]
pub enum Problem {
    /// The bytes end inside the field.
    Truncated { needed: usize, remaining: usize },
    /// Bytes follow the end of the message.
    TrailingBytes { count: usize },
    /// Neither version 1.0 nor 2.0.
    UnknownVersion { major: u8, minor: u8 },
    /// A type that the document does not know.
    UnknownType { found: MessageType },
    /// A type that belongs to the other version.
    WrongVersion { found: MessageType, major: u8 },
    /// A segment id of a length that no hash function gives.
    SegmentIdSize { found: usize },
    /// A batch without any segment.
    NoSegments,
    /// A batch of more segments than a message may hold.
    TooManySegments { bytes: usize },
    /// A content tag of another size than 16.
    ContentTagSize { found: u16 },
    /// A hash algorithm that offers do not know.
    UnknownHash { found: u8 },
    /// A size in front of a response other than 1.
    SizeMismatch { claimed: u32 },
}

impl Problem {
    /// The kind's stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::TrailingBytes { .. } => "trailing-bytes",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::UnknownType { .. } => "unknown-type",
            Self::WrongVersion { .. } => "wrong-version",
            Self::SegmentIdSize { .. } => "segment-id-size",
            Self::NoSegments => "no-segments",
            Self::TooManySegments { .. } => "too-many-segments",
            Self::ContentTagSize { .. } => "content-tag-size",
            Self::UnknownHash { .. } => "unknown-hash",
            Self::SizeMismatch { .. } => "size-mismatch",
        }
    }

    pub(super) const fn at(self, at: usize, field: &'static str) -> DecodeError {
        DecodeError::new(at, field, self, self.requirement(field))
    }

    /// The requirement that a message with this in a field breaks.
    const fn requirement(self, field: &str) -> &'static str {
        match self {
            Self::Truncated { .. } => match field.as_bytes() {
                b"Size" => "PCHC-2.2.2.1-01",
                b"ResponseCode" => "PCHC-2.2.2.2-01",
                b"BlockSize" | b"SegmentSize" | b"SizeOfContentTag" | b"HashAlgorithm"
                | b"SegmentHoHoDk" => "PCHC-2.2.1.5-03",
                b"ContentTag" => "PCHC-2.2.1.4-02",
                _ => "PCHC-2.2.1-01",
            },
            Self::TrailingBytes { .. } => "PCHC-2.2.2.2-01",
            Self::UnknownVersion { minor, .. } if minor != 0 => "PCHC-2.2.1.1-03",
            Self::UnknownVersion { .. } => "PCHC-2.2.1.1-02",
            Self::UnknownType { .. } => "PCHC-2.2.1.1-04",
            Self::WrongVersion { found, .. } => match found {
                MessageType::INITIAL_OFFER => "PCHC-2.2.1.3-01",
                MessageType::SEGMENT_INFO => "PCHC-2.2.1.4-01",
                _ => "PCHC-2.2.1.5-01",
            },
            Self::SegmentIdSize { .. } => "PCHC-2.2.1.3-02",
            Self::NoSegments => "PCHC-2.2.1.5-03",
            Self::TooManySegments { .. } => "PCHC-2.2.1.5-02",
            Self::ContentTagSize { .. } => "PCHC-2.2.1.5-06",
            Self::UnknownHash { .. } => "PCHC-2.2.1.5-07",
            Self::SizeMismatch { .. } => "PCHC-2.2.2.1-01",
        }
    }
}

impl From<Truncated> for DecodeError {
    fn from(truncated: Truncated) -> Self {
        let Truncated {
            at,
            field,
            needed,
            remaining,
        } = truncated;
        Problem::Truncated { needed, remaining }.at(at, field)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { needed, remaining } => {
                write!(f, "needs {needed} bytes, but only {remaining} remain")
            }
            Self::TrailingBytes { count } => {
                write!(f, "{count} bytes follow the end of the message")
            }
            Self::UnknownVersion { major, minor } => write!(
                f,
                "version {major}.{minor} is not known; expected 1.0 or 2.0"
            ),
            Self::UnknownType { found } => write!(f, "{found} is not known; expected 1, 2 or 3"),
            Self::WrongVersion { found, major } => {
                write!(f, "{found} does not exist in version {major}.0")
            }
            Self::SegmentIdSize { found } => {
                write!(f, "a segment id of {found} bytes; expected 32, 48 or 64")
            }
            Self::NoSegments => f.write_str("offers no segment; expected at least one"),
            Self::TooManySegments { bytes } => write!(
                f,
                "{bytes} bytes follow {BATCH_MAX_SEGMENTS} segments; expected at most so many"
            ),
            Self::ContentTagSize { found } => {
                write!(f, "a content tag of {found} bytes; expected 16")
            }
            Self::UnknownHash { found } => write!(
                f,
                "hash algorithm {found:#04x} is not known; expected 0x01 or 0x04"
            ),
            Self::SizeMismatch { claimed } => {
                write!(f, "claims {claimed} bytes; a response has 1")
            }
        }
    }
}
