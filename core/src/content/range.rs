//! MS-PCCRC 2.3: the part of the content that content information speaks of.
//! Invariant: a range that passed a check has a length above 0 and ends at or below 2^63.
//! Byte order: none.

use core::fmt;

use super::CONTENT_MAX_BYTES;

/// A part of some content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// Offset of its first byte.
    pub start: u64,
    /// Its bytes.
    pub length: u64,
}

impl ContentRange {
    /// The offset after its last byte.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }

    pub(super) fn check_within(self, whole: Self) -> Result<(), RangeError> {
        if self.length == 0 {
            Err(RangeError::Empty)
        } else if self.end() > CONTENT_MAX_BYTES
            || self.start < whole.start
            || self.end() > whole.end()
        {
            Err(RangeError::Outside { range: self, whole })
        } else {
            Ok(())
        }
    }
}

/// A range that cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeError {
    /// It has no bytes.
    Empty,
    /// It is not covered.
    Outside {
        /// What was asked for.
        range: ContentRange,
        /// What there is.
        whole: ContentRange,
    },
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the range has no bytes; expected at least one"),
            Self::Outside { range, whole } => write!(
                f,
                "the range {}..{} lies outside {}..{}",
                range.start,
                range.end(),
                whole.start,
                whole.end()
            ),
        }
    }
}

impl core::error::Error for RangeError {}
