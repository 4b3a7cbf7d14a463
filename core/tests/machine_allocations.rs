//! What handling a message allocates in discovery, hosted cache and client framework once they have run for a moment.
//! Invariant: nothing, but for messages that are put out and for what is kept of a segment or a probe.
//! Byte order: none.
#![expect(
    unsafe_code,
    reason = "an allocator that counts has to be an allocator"
)]
#![expect(
    clippy::unwrap_used,
    reason = "all of this file is a test, its functions included"
)]

#[path = "allocations/counting.rs"]
mod counting;
#[path = "allocations/discovery.rs"]
mod discovery;
#[path = "allocations/downloads.rs"]
mod downloads;
#[path = "allocations/hosted_cache.rs"]
mod hosted_cache;

use peerdist::content::SegmentId;
use peerdist::hash::Digest;

fn id(number: u8) -> SegmentId {
    SegmentId(Digest::try_from(&[number; 32][..]).unwrap())
}
