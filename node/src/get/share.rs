//! What was fetched, served to others from the very file that it was written to (MS-PCCRR 3.2).
//! Invariant: only whole blocks that were verified are served; nothing is copied and nothing kept for it.
//! Byte order: none.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use peerdist::content::{SegmentId, SegmentSecret};
use peerdist::discovery::Held;
use peerdist::retrieval::server::{BlockForm, HeldBlock, HeldSegment, Holdings, SegmentHandle};
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};
use peerdist::time::Instant;

use super::described::Described;
use crate::peer::Cache;

/// The file of a download and what of it is good.
#[derive(Debug)]
pub(super) struct Shelf {
    described: Arc<Described>,
    file: File,
    rows: BTreeMap<SegmentId, usize>,
    have: Mutex<Vec<BlockSet>>,
    since: Instant,
}

impl Shelf {
    pub(super) fn new(
        described: &Arc<Described>,
        file: File,
        have: &[BlockSet],
        since: Instant,
    ) -> Self {
        let shelf = Self {
            described: Arc::clone(described),
            file,
            rows: (0..described.len())
                .filter_map(|row| Some((described.id(row)?, row)))
                .collect(),
            have: Mutex::new(vec![BlockSet::EMPTY; described.len()]),
            since,
        };
        for (row, have) in have.iter().enumerate() {
            have.iter().for_each(|index| shelf.add(row, index));
        }
        shelf
    }

    /// A block was written that was verified before.
    pub(super) fn add(&self, row: usize, index: BlockIndex) {
        let Some(wanted) = self.described.wanted(row) else {
            return;
        };
        let block = wanted.range_of(index);
        let (clipped, _) = self.described.clip(block);
        if clipped == block
            && let Some(have) = self.have().get_mut(row)
        {
            have.insert(BlockRange::one(index));
        }
    }

    fn have(&self) -> MutexGuard<'_, Vec<BlockSet>> {
        self.have.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn blocks(&self, row: usize) -> BlockSet {
        self.have().get(row).copied().unwrap_or(BlockSet::EMPTY)
    }
}

impl Holdings for Shelf {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        let row = *self.rows.get(id)?;
        let blocks = self.blocks(row);
        (!blocks.is_empty()).then_some(HeldSegment {
            handle: SegmentHandle(row as u64),
            blocks,
            since: self.since,
        })
    }

    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        let row = usize::try_from(segment.0).ok()?;
        let length = self.described.wanted(row)?.range_of(index).length;
        self.blocks(row).contains(index).then_some(HeldBlock {
            length: u32::try_from(length).ok()?,
            form: BlockForm::Plain,
        })
    }
}

impl Cache for Shelf {
    fn secret(&self, id: &SegmentId) -> Option<SegmentSecret> {
        self.described.secret(*self.rows.get(id)?)
    }

    fn load(
        &self,
        _: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Option<BlockForm> {
        let row = *self.rows.get(id)?;
        if !self.blocks(row).contains(index) {
            return None;
        }
        let range = self.described.wanted(row)?.range_of(index);
        into.resize(usize::try_from(range.length).ok()?, 0);
        let at = range.start - self.described.range().start;
        self.file.read_exact_at(into, at).ok()?;
        Some(BlockForm::Plain)
    }

    fn held(&self, now: Instant, id: &SegmentId) -> Option<Held> {
        let row = *self.rows.get(id)?;
        let blocks = self.blocks(row).len();
        let wanted = self.described.wanted(row)?;
        (blocks > 0).then(|| Held {
            version: self.described.info().view().version(),
            blocks,
            is_complete: blocks >= wanted.block_count(),
            age: Some(now.since(self.since)),
            replies: self.described.replies_for(id),
        })
    }

    fn expire(&self, _: Instant) -> u64 {
        0
    }
}
