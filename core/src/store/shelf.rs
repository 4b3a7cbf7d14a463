//! Blocks of one kind by segment, bounded in bytes and age.
//! Invariant: no more bytes than the limit; no segment without a block.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};

use super::Put;
use crate::content::SegmentId;
use crate::retrieval::{BlockIndex, BlockSet};
use crate::time::{Duration, Instant};

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShelfLimits {
    /// Bytes of all blocks.
    pub bytes_limit: u64,
    /// How long after its first block came a segment is dropped, in milliseconds.
    pub age_limit_ms: u64,
}

pub(super) trait Weight {
    fn weight(&self) -> u64;
}

#[derive(Debug)]
pub(super) struct Shelf<T> {
    limits: ShelfLimits,
    segments: BTreeMap<SegmentId, Held<T>>,
    /// Segments by when they were used, those least recently first.
    by_use: BTreeSet<(u64, SegmentId)>,
    /// Segments by when they came.
    by_age: BTreeSet<(Instant, SegmentId)>,
    uses: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Held<T> {
    blocks: BTreeMap<BlockIndex, T>,
    set: BlockSet,
    since: Instant,
    used: u64,
}

impl<T: Weight> Shelf<T> {
    pub(super) const fn new(limits: ShelfLimits) -> Self {
        Self {
            limits,
            segments: BTreeMap::new(),
            by_use: BTreeSet::new(),
            by_age: BTreeSet::new(),
            uses: 0,
            bytes: 0,
        }
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn blocks(&self, id: &SegmentId) -> BlockSet {
        self.segments.get(id).map_or(BlockSet::EMPTY, |it| it.set)
    }

    pub(super) fn since(&self, id: &SegmentId) -> Option<Instant> {
        self.segments.get(id).map(|held| held.since)
    }

    pub(super) fn get(&self, id: &SegmentId, index: BlockIndex) -> Option<&T> {
        self.segments.get(id)?.blocks.get(&index)
    }

    /// Gets a block, whose segment is thereby used.
    pub(super) fn read(&mut self, id: &SegmentId, index: BlockIndex) -> Option<&T> {
        if self.get(id, index).is_some() {
            self.touch(id);
        }
        self.get(id, index)
    }

    fn touch(&mut self, id: &SegmentId) {
        if let Some(held) = self.segments.get_mut(id) {
            self.by_use.remove(&(held.used, *id));
            self.uses += 1;
            held.used = self.uses;
            self.by_use.insert((held.used, *id));
        }
    }

    /// Keeps a block, and tells which segments had to go for it.
    pub(super) fn put(
        &mut self,
        now: Instant,
        id: SegmentId,
        index: BlockIndex,
        block: T,
    ) -> (Put, Vec<SegmentId>) {
        if self.get(&id, index).is_some() {
            return (Put::AlreadyThere, Vec::new());
        }
        let weight = block.weight();
        if weight > self.limits.bytes_limit {
            return (Put::TooLarge, Vec::new());
        }
        self.touch(&id);
        let mut gone = Vec::new();
        while self.bytes > self.limits.bytes_limit - weight {
            // The segment itself is the last to go: what came of it before is worth no less than this block.
            let Some((_, oldest)) = self.by_use.first().copied() else {
                break;
            };
            self.remove(&oldest);
            gone.push(oldest);
        }
        self.uses += 1;
        let used = self.uses;
        let held = self.segments.entry(id).or_insert_with(|| Held {
            blocks: BTreeMap::new(),
            set: BlockSet::EMPTY,
            since: now,
            used,
        });
        self.by_use.insert((held.used, id));
        self.by_age.insert((held.since, id));
        held.blocks.insert(index, block);
        held.set.insert(crate::retrieval::BlockRange::one(index));
        self.bytes += weight;
        (Put::Kept, gone)
    }

    pub(super) fn remove(&mut self, id: &SegmentId) {
        if let Some(held) = self.segments.remove(id) {
            self.by_use.remove(&(held.used, *id));
            self.by_age.remove(&(held.since, *id));
            self.bytes -= held.blocks.values().map(Weight::weight).sum::<u64>();
        }
    }

    pub(super) fn remove_block(&mut self, id: &SegmentId, index: BlockIndex) {
        let Some(held) = self.segments.get_mut(id) else {
            return;
        };
        if let Some(block) = held.blocks.remove(&index) {
            self.bytes -= block.weight();
            held.set.remove(index);
        }
        if held.blocks.is_empty() {
            self.remove(id);
        }
    }

    /// Drops segments that are too old, and tells which.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<SegmentId> {
        let age = Duration::from_millis(self.limits.age_limit_ms);
        let mut gone = Vec::new();
        while let Some((since, id)) = self.by_age.first().copied() {
            if since + age > now {
                break;
            }
            self.remove(&id);
            gone.push(id);
        }
        gone
    }
}
