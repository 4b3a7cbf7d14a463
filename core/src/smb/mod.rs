//! MS-SMB2 2.2.31.2, 2.2.32.4: SRV_READ_HASH, by which a file server hands out content information over SMB 2.1 and 3.x.
//! Invariant: a structure that was decoded is laid out as the document says; whether its numbers make sense is the server's question.
//! Byte order: little-endian; version 2.0 content information inside stays big-endian.
//!
//! ```text
//! IOCTL input ──ReadHashRequest──▶ server::answer_into ──▶ HashBased, FileBased ──▶ IOCTL output
//!                                        ▲
//!         content information file: HashHeader, content information
//! ```

mod error;
mod file;
mod numbers;
mod request;
mod response;
pub mod server;

#[cfg(test)]
mod tests;

pub use error::{DecodeError, Problem};
pub use file::{ContentInformationFile, HASH_HEADER_BYTES, HashHeader};
pub use numbers::{
    Dialect, FSCTL_SRV_READ_HASH, HashType, HashVersion, NtStatus, RetrievalType,
    SHAREFLAG_ENABLE_HASH_V1, SHAREFLAG_ENABLE_HASH_V2,
};
pub use request::{READ_HASH_REQUEST_BYTES, ReadHashRequest};
pub use response::{FILE_BASED_BYTES, FileBased, HASH_BASED_BYTES, HashBased};
