//! What can be wrong with the structures of SRV_READ_HASH (MS-SMB2 2.2.31.2, 2.2.32.4), each fault its own name.
//! Invariant: every error points at the field at fault by its offset and names the requirement that it breaks.
//! Byte order: none, errors carry numbers.

use core::fmt;

use crate::wire::Truncated;

/// A structure that cannot be accepted: where, and why.
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
    /// Bytes follow the end of the structure.
    TrailingBytes { count: usize },
    /// Content information that would start inside the header, or behind the end.
    BlobOffset {
        found: u32,
        least: usize,
        most: usize,
    },
    /// Content information that would end behind the end of the file.
    BlobLength { found: u32, most: usize },
}

impl Problem {
    /// The kind's stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::TrailingBytes { .. } => "trailing-bytes",
            Self::BlobOffset { .. } => "blob-offset",
            Self::BlobLength { .. } => "blob-length",
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
    /// A structure that ended too early.
    pub(super) const fn truncated(truncated: Truncated, requirement: &'static str) -> Self {
        let Truncated {
            at,
            field,
            needed,
            remaining,
        } = truncated;
        Problem::Truncated { needed, remaining }.at(at, field, requirement)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { needed, remaining } => {
                write!(f, "needs {needed} bytes, but only {remaining} remain")
            }
            Self::TrailingBytes { count } => {
                write!(f, "{count} bytes follow the end of the structure")
            }
            Self::BlobOffset { found, least, most } => write!(
                f,
                "content information at offset {found}; expected {least} to {most}"
            ),
            Self::BlobLength { found, most } => write!(
                f,
                "content information of {found} bytes, but only {most} follow"
            ),
        }
    }
}
