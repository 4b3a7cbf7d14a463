//! What can be wrong with a retrieval message (MS-PCCRR 2.2), each fault its own name.
//! Invariant: every error points at the field at fault by its offset and names the requirement that it breaks.
//! Byte order: none, errors carry numbers.

use core::fmt;

use super::{CryptoAlgorithm, MessageType};
use crate::wire::Truncated;

/// A message that cannot be accepted: where, the size in front of a response counted, and why.
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
    /// A size that no message of its direction may have.
    SizeOutOfLimits {
        claimed: u32,
        least: usize,
        most: usize,
    },
    /// A size other than that of what is there.
    SizeMismatch { claimed: u32, found: usize },
    /// A type that the document does not know.
    UnknownType { found: MessageType },
    /// A response where a request belongs, or the other way round.
    WrongDirection { found: MessageType },
    /// A segment id of a length that no hash function gives.
    SegmentIdSize { found: u32 },
    /// Padding other than zero.
    PaddingNotZero { found: u8 },
    /// More ranges than a segment can need, or none where there must be one.
    RangeCount { claimed: u32, least: u32, most: u32 },
    /// A range of no blocks or no segments.
    RangeEmpty,
    /// A range past the 512 blocks of a segment.
    RangeOutsideSegment { index: u32, count: u32 },
    /// A range of segments past what 32 bits can count.
    RangeOverflow { index: u32, count: u32 },
    /// More segments or ranges of segments claimed than the bytes can hold.
    CountOutsideMessage { claimed: u32, most: usize },
    /// An initialization vector that does not fit the algorithm.
    InitializationVectorSize {
        found: u32,
        algorithm: CryptoAlgorithm,
    },
    /// An encrypted block that is not made of whole cipher blocks.
    PartialCipherBlock { found: u32 },
    /// A blob too short for what its version demands.
    BlobTooShort { found: usize, needed: usize },
    /// A blob of another version.
    BlobVersion { found: u16 },
    /// A unit of age that the document does not know.
    AgeUnit { found: u8 },
}

impl Problem {
    /// The kind's stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::TrailingBytes { .. } => "trailing-bytes",
            Self::SizeOutOfLimits { .. } => "size-out-of-limits",
            Self::SizeMismatch { .. } => "size-mismatch",
            Self::UnknownType { .. } => "unknown-type",
            Self::WrongDirection { .. } => "wrong-direction",
            Self::SegmentIdSize { .. } => "segment-id-size",
            Self::PaddingNotZero { .. } => "padding-not-zero",
            Self::RangeCount { .. } => "range-count",
            Self::RangeEmpty => "range-empty",
            Self::RangeOutsideSegment { .. } => "range-outside-segment",
            Self::RangeOverflow { .. } => "range-overflow",
            Self::CountOutsideMessage { .. } => "count-outside-message",
            Self::InitializationVectorSize { .. } => "initialization-vector-size",
            Self::PartialCipherBlock { .. } => "partial-cipher-block",
            Self::BlobTooShort { .. } => "blob-too-short",
            Self::BlobVersion { .. } => "blob-version",
            Self::AgeUnit { .. } => "age-unit",
        }
    }

    pub(super) const fn at(
        self,
        at: usize,
        field: &'static str,
        requirement: &'static str,
    ) -> DecodeError {
        DecodeError::new(at, field, self, requirement)
    }
}

impl DecodeError {
    /// The same error, where it is one of layout: broken is then the layout of the message at hand.
    pub(super) const fn in_layout(self, requirement: &'static str) -> Self {
        match self.problem {
            Problem::Truncated { .. } | Problem::TrailingBytes { .. } => self.against(requirement),
            _ => self,
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
        Problem::Truncated { needed, remaining }.at(at, field, "PCCRR-2.2.3-01")
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
            Self::SizeOutOfLimits {
                claimed,
                least,
                most,
            } => write!(f, "a size of {claimed}; expected {least} to {most}"),
            Self::SizeMismatch { claimed, found } => {
                write!(f, "claims {claimed} bytes, but there are {found}")
            }
            Self::UnknownType { found } => write!(f, "{found} is not known; expected 0 to 7"),
            Self::WrongDirection { found } => {
                write!(f, "{found} does not travel in this direction")
            }
            Self::SegmentIdSize { found } => {
                write!(f, "a segment id of {found} bytes; expected 32, 48 or 64")
            }
            Self::PaddingNotZero { found } => {
                write!(f, "padding holds {found:#04x}; expected 0")
            }
            Self::RangeCount {
                claimed,
                least,
                most,
            } => write!(f, "claims {claimed} ranges; expected {least} to {most}"),
            Self::RangeEmpty => f.write_str("a range of nothing; expected a count of at least 1"),
            Self::RangeOutsideSegment { index, count } => write!(
                f,
                "{count} blocks from block {index} on; a segment has blocks 0 to 511"
            ),
            Self::RangeOverflow { index, count } => write!(
                f,
                "{count} segments from segment {index} on; their end is past 2^32"
            ),
            Self::CountOutsideMessage { claimed, most } => write!(
                f,
                "claims {claimed} of them, but the bytes that follow hold at most {most}"
            ),
            Self::InitializationVectorSize { found, algorithm } => write!(
                f,
                "an initialization vector of {found} bytes; {algorithm} needs 16"
            ),
            Self::PartialCipherBlock { found } => write!(
                f,
                "an encrypted block of {found} bytes; expected a multiple of 16"
            ),
            Self::BlobTooShort { found, needed } => {
                write!(f, "a blob of {found} bytes; expected at least {needed}")
            }
            Self::BlobVersion { found } => write!(f, "blob version {found}; only 1 is known"),
            Self::AgeUnit { found } => write!(f, "unit {found} of ages; expected 1 to 4"),
        }
    }
}
