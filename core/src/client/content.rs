//! MS-CCROD 2.8.2.2.1, 2.8.2.3.1: what of some content is wanted, and what of it is there.
//! Invariant: a block that is wanted is at exactly one place: waiting, with a session, verified for, missing, or left no more.
//! Byte order: none.

use std::collections::BTreeSet;

use super::ports::{BlockOp, Delivery, DownloadToken, Mode, Order, Start, Tally};
use super::segment_lists::Listing;
use crate::content::{BLOCK_BYTES, ContentInfo, ContentRange, SegmentId, Version};
use crate::error::ApiMisuse;
use crate::retrieval::{BLOCKS_PER_SEGMENT, BlockIndex, BlockSet};

/// A segment of which blocks are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedSegment {
    /// HoHoDk.
    pub id: SegmentId,
    /// Where in the content it starts.
    pub offset: u64,
    /// Its bytes.
    pub length: u32,
    /// Bytes in each of its blocks but the last.
    pub block_size: u32,
    /// The blocks that are wanted.
    pub blocks: BlockSet,
}

impl WantedSegment {
    /// The segments that content information describes, with the blocks that its range takes bytes of.
    pub fn of(info: &ContentInfo<'_>) -> impl Iterator<Item = Self> {
        let range = info.range();
        info.segments().map(move |segment| {
            let meets = segment
                .blocks()
                .filter(|block| block.offset < range.end() && block.end() > range.start);
            Self {
                id: segment.id(),
                offset: segment.offset,
                length: segment.length,
                block_size: match info.version() {
                    Version::V1 => segment.block_size,
                    Version::V2 => segment.length,
                },
                blocks: meets
                    .filter_map(|block| BlockIndex::new(block.index))
                    .collect(),
            }
        })
    }

    /// How many blocks the whole segment has.
    #[must_use]
    pub const fn block_count(&self) -> u32 {
        self.length.div_ceil(self.block_size)
    }

    /// Where in the content it ends.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset + self.length as u64
    }

    /// Where in the content a block is.
    #[must_use]
    pub fn range_of(&self, index: BlockIndex) -> ContentRange {
        let within = u64::from(index.get()) * u64::from(self.block_size);
        let left = u64::from(self.length).saturating_sub(within);
        ContentRange {
            start: self.offset + within,
            length: left.min(self.block_size.into()),
        }
    }

    fn check(&self) -> Result<(), ApiMisuse> {
        if self.length == 0 || self.block_size == 0 {
            return Err(ApiMisuse("a segment or its blocks have no bytes"));
        }
        if self.block_count() > BLOCKS_PER_SEGMENT || self.blocks.end() > self.block_count() {
            return Err(ApiMisuse("a segment has more blocks than it can have"));
        }
        if self.offset.checked_add(self.length.into()).is_none() {
            return Err(ApiMisuse("a segment ends past all content"));
        }
        Ok(())
    }
}

/// How far a segment is.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) wanted: WantedSegment,
    /// Wanted and not verified yet.
    pub(super) left: BlockSet,
    /// What a session is to fetch, or the last one was.
    pub(super) sought: BlockSet,
    /// To be asked of the origin.
    pub(super) missing: BlockSet,
    pub(super) from_origin: u32,
}

#[derive(Debug)]
pub(super) struct Download {
    pub(super) token: DownloadToken,
    pub(super) version: Version,
    pub(super) mode: Mode,
    pub(super) order: Order,
    pub(super) delivery: Delivery,
    pub(super) segments: Vec<Progress>,
    /// Segments no session was started for yet: the next is the last.
    pub(super) waiting: Vec<u32>,
    pub(super) listing: Listing,
    /// Segments with missing blocks.
    pub(super) with_missing: BTreeSet<usize>,
    /// Segments with blocks left.
    pub(super) unfinished: usize,
    pub(super) tally: Tally,
    /// The segment, and the block of it, up to which all was delivered in order.
    cursor: (usize, u32),
    pub(super) origin_failures: u32,
    pub(super) origin_bad_blocks: u32,
    /// Whether the origin is left alone after a failure.
    pub(super) origin_rests: bool,
}

impl Download {
    pub(super) fn new(start: &Start<'_>) -> Result<Self, ApiMisuse> {
        let mut end = 0;
        for segment in start.segments {
            segment.check()?;
            if segment.offset < end {
                return Err(ApiMisuse("segments are not in the order of the content"));
            }
            end = segment.end();
        }
        let progress = |wanted: &WantedSegment| Progress {
            wanted: *wanted,
            left: wanted.blocks,
            sought: wanted.blocks,
            missing: BlockSet::EMPTY,
            from_origin: 0,
        };
        let segments: Vec<_> = start.segments.iter().map(progress).collect();
        let wanted = (0u32..).zip(&segments);
        let wanted = wanted.filter(|(_, segment)| !segment.left.is_empty());
        let mut waiting: Vec<_> = wanted.map(|(index, _)| index).collect();
        waiting.reverse();
        let mut download = Self {
            token: start.download,
            version: start.version,
            mode: start.mode,
            order: start.order,
            delivery: start.delivery,
            unfinished: waiting.len(),
            segments,
            waiting,
            listing: Listing::default(),
            with_missing: BTreeSet::new(),
            tally: Tally::default(),
            cursor: (0, 0),
            origin_failures: 0,
            origin_bad_blocks: 0,
            origin_rests: false,
        };
        // Nothing is verified yet; this takes the cursor to the first block that is wanted.
        download.next_in_order();
        Ok(download)
    }

    pub(super) fn op(&self, segment: usize, index: BlockIndex) -> Option<BlockOp> {
        let wanted = &self.segments.get(segment)?.wanted;
        Some(BlockOp {
            download: self.token,
            segment,
            id: wanted.id,
            index,
            range: wanted.range_of(index),
        })
    }

    pub(super) fn add_missing(&mut self, segment: usize, blocks: BlockSet) {
        if let Some(progress) = self.segments.get_mut(segment)
            && !blocks.is_empty()
        {
            blocks
                .ranges()
                .for_each(|range| progress.missing.insert(range));
            self.with_missing.insert(segment);
        }
    }

    /// Where fetching stops for now, so that not too much waits to be delivered in order.
    pub(super) fn window_end(&self, ahead: u64) -> u64 {
        if self.delivery == Delivery::AsVerified {
            return u64::MAX;
        }
        let (segment, block) = self.cursor;
        let from = self.segments.get(segment).map_or(u64::MAX, |progress| {
            progress.wanted.offset + u64::from(block) * u64::from(progress.wanted.block_size)
        });
        from.saturating_add(ahead.max(BLOCK_BYTES.into()))
    }

    /// The blocks of a segment that start before `window_end`.
    pub(super) fn in_window(&self, segment: usize, window_end: u64) -> BlockSet {
        let Some(Progress { wanted, .. }) = self.segments.get(segment) else {
            return BlockSet::EMPTY;
        };
        if window_end >= wanted.end() {
            return BlockSet::first_blocks(BLOCKS_PER_SEGMENT);
        }
        let bytes = window_end.saturating_sub(wanted.offset);
        let count = bytes.div_ceil(wanted.block_size.into());
        BlockSet::first_blocks(u32::try_from(count).unwrap_or(BLOCKS_PER_SEGMENT))
    }

    /// The next block that was verified and is up to be delivered in order.
    pub(super) fn next_in_order(&mut self) -> Option<BlockOp> {
        loop {
            let (segment, from) = self.cursor;
            let progress = self.segments.get(segment)?;
            let Some(next) = progress.wanted.blocks.first_from(from) else {
                self.cursor = (segment + 1, 0);
                continue;
            };
            if progress.left.contains(next) {
                // Fetching ahead is counted from here: blocks that nobody wants may lie in between.
                self.cursor = (segment, next.get());
                return None;
            }
            self.cursor = (segment, next.get() + 1);
            return self.op(segment, next);
        }
    }
}
