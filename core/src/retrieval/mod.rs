//! MS-PCCRR: peers ask each other which blocks of a segment they have, and for one block at a time.
//! Invariant: a message that was decoded is sound; the machines only ever see such.
//! Byte order: big-endian, every field at a multiple of 4 bytes.
//!
//! ```text
//! bytes ──Request::decode──▶ Request ──▶ Server ──▶ answer ──▶ bytes
//! bytes ──Response::decode─▶ Response ─▶ Client ──▶ blocks, lists, versions
//! ```

mod blob;
pub mod client;
mod error;
mod exchanges;
mod fields;
mod header;
mod payload;
mod quirk;
mod range;
mod request;
mod response;
mod segments;
pub mod server;
#[cfg(test)]
mod tests;
mod version;

pub use blob::{AgeUnit, SEGMENT_AGES_MAX, SegmentAge, SegmentAges, encode_ages_into};
pub use error::{DecodeError, Problem};
pub use header::{
    CryptoAlgorithm, MESSAGE_MIN_BYTES, MessageHeader, MessageType, REQUEST_MAX_BYTES,
    RESPONSE_MAX_BYTES, TRANSPORT_HEADER_BYTES,
};
pub use payload::{PayloadPlace, block_key, payload_len, payload_lengths};
pub use quirk::{Quirk, Quirks};
pub use range::{
    BLOCK_RANGES_MAX, BLOCKS_PER_SEGMENT, BlockIndex, BlockRange, BlockRanges, BlockSet,
    SegmentRange, SetRanges,
};
pub use request::{GetBlockList, GetBlocks, GetSegmentList, Request, RequestBody, RequestId};
pub use response::{Block, BlockList, Response, ResponseBody, SegmentList};
pub use segments::{SegmentIds, SegmentRanges};
pub use version::{ProtocolVersion, VersionRange};

/// The path that requests are posted to, as it is written. Read it in any letter case, with or without its last slash.
//= PCCRR-2.1.1-01
pub const PATH: &str = "/116B50EB-ECE2-41ac-8429-9F9E963361B7/";

/// Whether requests to this path are ours, and what is odd about it.
#[must_use]
pub fn matches_path(path: &str) -> Option<Quirks> {
    let mut quirks = Quirks::default();
    let without_slash = PATH.strip_suffix('/').unwrap_or(PATH);
    let name = path.strip_suffix('/').unwrap_or_else(|| {
        quirks.add(Quirk::UrlNoSlash);
        path
    });
    quirks.add_if(name != without_slash, Quirk::UrlCase);
    name.eq_ignore_ascii_case(without_slash).then_some(quirks)
}
