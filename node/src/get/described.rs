//! Content information as a download looks things up in it: by segment, by block, by offset.
//! Invariant: its blocks cover the wanted range without a gap, and each has a hash.
//! Byte order: none.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use peerdist::client::WantedSegment;
use peerdist::content::{
    Block, ContentRange, OwnedContentInfo, Segment, SegmentId, SegmentPlace, SegmentSecret,
};
use peerdist::discovery::Replies;
use peerdist::hash::HashAlgorithm;
use peerdist::retrieval::{BlockIndex, BlockSet};

/// Content information, its segments at hand.
#[derive(Debug)]
pub(super) struct Described {
    info: OwnedContentInfo,
    rows: Vec<Row>,
    range: ContentRange,
    /// How often each segment was offered, of those that were looked for.
    replies: Mutex<BTreeMap<SegmentId, Replies>>,
}

#[derive(Debug)]
struct Row {
    wanted: WantedSegment,
    place: SegmentPlace,
}

impl Described {
    /// `None` where the content information leaves something of its range out.
    pub(super) fn new(info: OwnedContentInfo) -> Option<Self> {
        let range = info.view().range();
        let mut at = range.start;
        let mut rows = Vec::new();
        for (wanted, (place, segment)) in WantedSegment::of(&info.view()).zip(info.places()) {
            // The hashes of blocks that contradict the segment's own would let nobody verify the segment.
            if segment.hashes_agree() == Some(false) {
                return None;
            }
            for index in wanted.blocks.iter() {
                let block = wanted.range_of(index);
                if block.start > at {
                    return None;
                }
                at = at.max(block.end());
            }
            rows.push(Row { wanted, place });
        }
        (at >= range.end() && !rows.is_empty()).then(|| Self {
            info,
            rows,
            range,
            replies: Mutex::default(),
        })
    }

    pub(super) fn note_replies(&self, replies: &[(SegmentId, Replies)]) {
        let mut known = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(replies.iter().copied());
    }

    pub(super) fn replies(&self) -> BTreeMap<SegmentId, Replies> {
        self.replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn replies_for(&self, id: &SegmentId) -> Replies {
        let known = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).copied().unwrap_or_default()
    }

    pub(super) const fn info(&self) -> &OwnedContentInfo {
        &self.info
    }

    pub(super) fn hash(&self) -> HashAlgorithm {
        self.info.view().hash()
    }

    pub(super) const fn range(&self) -> ContentRange {
        self.range
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn wanted(&self, row: usize) -> Option<&WantedSegment> {
        self.rows.get(row).map(|row| &row.wanted)
    }

    pub(super) fn segment(&self, row: usize) -> Option<Segment<'_>> {
        self.info.segment_at(self.rows.get(row)?.place)
    }

    pub(super) fn secret(&self, row: usize) -> Option<SegmentSecret> {
        Some(self.segment(row)?.secret())
    }

    pub(super) fn id(&self, row: usize) -> Option<SegmentId> {
        self.rows.get(row).map(|row| row.wanted.id)
    }

    pub(super) fn block(&self, row: usize, index: BlockIndex) -> Option<Block<'_>> {
        let segment = self.segment(row)?;
        let within = index.get().checked_sub(segment.first_block)?;
        let mut blocks = segment.blocks();
        blocks.nth(within as usize)
    }

    /// What of a block lies in the wanted range, and from which of its bytes on.
    pub(super) fn clip(&self, block: ContentRange) -> (ContentRange, usize) {
        let start = block.start.max(self.range.start);
        let end = block.end().min(self.range.end());
        let clipped = ContentRange {
            start,
            length: end.saturating_sub(start),
        };
        let skipped = usize::try_from(start.saturating_sub(block.start)).unwrap_or(usize::MAX);
        (clipped, skipped)
    }

    /// The blocks of a range that starts and ends with blocks.
    pub(super) fn blocks_in(&self, range: ContentRange) -> Vec<ContentRange> {
        let first = self
            .rows
            .partition_point(|row| row.wanted.end() <= range.start);
        let rows = self.rows.get(first..).unwrap_or_default().iter();
        let rows = rows.take_while(|row| row.wanted.offset < range.end());
        let blocks = rows.flat_map(|row| row.wanted.blocks.iter().map(|b| row.wanted.range_of(b)));
        let inside =
            |block: &ContentRange| block.start >= range.start && block.end() <= range.end();
        blocks.filter(inside).collect()
    }

    /// What is wanted of each segment but what is there.
    pub(super) fn missing(&self, have: &[BlockSet]) -> Vec<WantedSegment> {
        let rows = self.rows.iter().zip(have);
        let missing = rows.map(|(row, have)| WantedSegment {
            blocks: row.wanted.blocks.difference(have),
            ..row.wanted
        });
        missing.collect()
    }
}
