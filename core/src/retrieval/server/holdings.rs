//! MS-PCCRR 3.2.1: what the answering side has to know of the content cache.
//! Invariant: only what is there and how long it is; bytes stay where they are until the world is told to load them.
//! Byte order: none.

use crate::content::SegmentId;
use crate::retrieval::{BlockIndex, BlockSet, CryptoAlgorithm};
use crate::time::Instant;

/// A content cache, as far as answers need it. Both questions are asked while a request is handled, so they must be
/// quick.
//= PCCRR-3.2.1-01
pub trait Holdings {
    /// The segment, if there is any block of it.
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment>;

    /// A block of a segment that [`Holdings::segment`] just told of.
    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock>;
}

/// The cache's own name for a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentHandle(pub u64);

/// A segment of which something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldSegment {
    /// The cache's own name for it.
    pub handle: SegmentHandle,
    /// The blocks that can be had now.
    pub blocks: BlockSet,
    /// When it came into the cache.
    pub since: Instant,
}

/// A block that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldBlock {
    /// Bytes that are there.
    pub length: u32,
    /// In what form.
    pub form: BlockForm,
}

/// In what form a block is in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockForm {
    /// As it is in the content.
    Plain,
    /// As a client of a hosted cache handed it over: nobody here can decrypt it.
    Sealed {
        /// What it was encrypted with.
        crypto: CryptoAlgorithm,
        /// The vector that goes with it.
        iv: [u8; 16],
    },
}
