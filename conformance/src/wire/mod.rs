//! What the judge says and hears, byte by byte, by readers and writers of its own.
//! Invariant: nothing here asks core what is right; what a reader refuses, it refuses with offset and expectation.
//! Byte order: that of each document.
//!
//! - [`draft`]: messages as named fields, each of which can be made wrong;
//! - [`cipher`], [`digest`]: AES-CBC and hashes, from RustCrypto;
//! - [`content_info`] and, held against a content, [`described`], MS-PCCRC;
//! - [`retrieval`], MS-PCCRR;
//! - [`discovery`] and, for what a client sends, [`probe`], MS-PCCRD, in [`xml`] and [`text`];
//! - [`location`]: where content is;
//! - [`hosted_cache`], MS-PCHC, and what its offers say of a segment, [`segment_information`];
//! - [`smb`], MS-SMB2 as far as content information goes through it;
//! - [`http`]: requests and responses, as strict as a judge has to be.

pub mod cipher;
pub mod content_info;
pub mod described;
pub mod digest;
pub mod discovery;
pub mod draft;
pub mod hosted_cache;
pub mod http;
pub mod location;
pub mod probe;
pub mod retrieval;
pub mod segment_information;
pub mod smb;
pub mod text;
pub mod xml;

use core::fmt;

use peerdist::wire::Truncated;

/// Why bytes are not what their document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Offset of the field at fault.
    pub at: usize,
    /// Its name in the document.
    pub field: &'static str,
    /// What it has to be, and what it is.
    pub why: String,
    /// The requirement that it breaks.
    pub requirement: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}, {}: {}", self.at, self.field, self.why)
    }
}

impl Malformed {
    /// What a reader says of a field that is not there in full.
    #[must_use]
    pub fn truncated(error: Truncated, requirement: &'static str) -> Self {
        Self {
            at: error.at,
            field: error.field,
            why: format!(
                "needs {} bytes, but only {} remain",
                error.needed, error.remaining
            ),
            requirement,
        }
    }
}
