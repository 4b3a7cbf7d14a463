//! MS-PCHC: clients of a branch tell its hosted cache which segments they have, and the cache comes and fetches them.
//! Invariant: a message that was decoded is sound; what content information inside it says is judged apart from it.
//! Byte order: big-endian; the content information inside `SEGMENT_INFO_MESSAGE` is little-endian.
//!
//! ```text
//! bytes ──Request::decode──▶ Request ──▶ Server ──▶ Response ──▶ bytes
//!                                          └──▶ Fetch: go and get these blocks from that client
//! new blocks ──▶ Client ──▶ Request ──▶ bytes ─ ─ ▶ bytes ──Response::decode──▶ Client
//! ```

mod batch;
pub mod client;
mod error;
mod quirk;
mod request;
mod response;
mod segment_information;
pub mod server;
mod tag;
mod transport;

#[cfg(test)]
mod tests;

pub use batch::{
    BATCH_MAX_SEGMENTS, BatchedOffer, DESCRIPTOR_BYTES, Descriptors, SegmentDescriptor,
};
pub use error::{DecodeError, Problem};
pub use quirk::{Quirk, Quirks};
pub use request::{
    InitialOffer, MessageType, REQUEST_HEADER_BYTES, REQUEST_MAX_BYTES, Request, SegmentInfo,
};
pub use response::{RESPONSE_BYTES, Response, ResponseCode};
pub use segment_information::{
    BadContentInformation, ContentProblem, ReadBytes, SegmentInformation, encode_segment_info_into,
};
pub use tag::{ContentTag, TagCounts, WellKnownTag};
pub use transport::{HTTP_PATH, HTTPS_PATH, Routed, Scheme, Version, route};

pub use crate::retrieval::{BLOCKS_PER_SEGMENT, BlockSet};

use crate::content::{Segment, SegmentId};
use crate::hash::HashAlgorithm;

/// A segment by its public name. The algorithm is part of it: offers of version 2.0 claim one and nobody can check it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentKey {
    /// The algorithm of its hashes.
    pub algorithm: HashAlgorithm,
    /// HoHoDk.
    pub id: SegmentId,
}

impl SegmentKey {
    /// The key of a segment whose content information is at hand.
    #[must_use]
    pub fn of(segment: &Segment<'_>) -> Self {
        Self {
            algorithm: segment.hash,
            id: segment.id(),
        }
    }
}
