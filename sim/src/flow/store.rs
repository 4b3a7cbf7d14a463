//! What a simulated host keeps: which blocks of which segments, not their bytes.
//! Invariant: never more bytes than its size; who was used least recently goes first.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};

use peerdist::client::WantedSegment;
use peerdist::content::{SegmentId, Version};
use peerdist::discovery::{self, Held, Replies};
use peerdist::retrieval::server::{BlockForm, HeldBlock, HeldSegment, Holdings, SegmentHandle};
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};
use peerdist::time::{Duration, Instant};

/// A segment of which something is there.
#[derive(Debug, Clone)]
struct Entry {
    wanted: WantedSegment,
    version: Version,
    blocks: BlockSet,
    bytes: u64,
    since: Instant,
    used: Instant,
    replies: Replies,
    handle: u64,
}

/// The store of a host.
#[derive(Debug)]
pub(super) struct Store {
    bytes_limit: u64,
    age_limit: Duration,
    bytes: u64,
    segments: BTreeMap<SegmentId, Entry>,
    handles: BTreeMap<u64, SegmentId>,
    /// Which was used when, the least recent first.
    uses: BTreeSet<(Instant, u64)>,
    names: u64,
    pub(super) now: Instant,
    /// What gave way since somebody looked, where somebody does.
    pub(super) gone: Option<Vec<(SegmentId, Version, BlockSet)>>,
}

impl Store {
    pub(super) const fn new(bytes_limit: u64, age_limit: Duration) -> Self {
        Self {
            bytes_limit,
            age_limit,
            bytes: 0,
            segments: BTreeMap::new(),
            handles: BTreeMap::new(),
            uses: BTreeSet::new(),
            names: 0,
            now: Instant::ZERO,
            gone: None,
        }
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn is_within(&self) -> bool {
        self.bytes <= self.bytes_limit
    }

    /// The blocks of a segment that are there; they were used now.
    pub(super) fn use_blocks(&mut self, now: Instant, id: &SegmentId) -> BlockSet {
        self.expire(now);
        let Some(entry) = self.segments.get_mut(id) else {
            return BlockSet::EMPTY;
        };
        self.uses.remove(&(entry.used, entry.handle));
        entry.used = now;
        self.uses.insert((now, entry.handle));
        entry.blocks
    }

    /// Keeps a block; tells whether it was not there yet and is now.
    pub(super) fn put(
        &mut self,
        now: Instant,
        version: Version,
        wanted: &WantedSegment,
        index: BlockIndex,
    ) -> bool {
        self.expire(now);
        let length = wanted.range_of(index).length;
        let is_there = |entry: &Entry| entry.blocks.contains(index);
        if length > self.bytes_limit || self.segments.get(&wanted.id).is_some_and(is_there) {
            return false;
        }
        while self.bytes + length > self.bytes_limit {
            let of_others =
                |(_, handle): &&(Instant, u64)| self.handles.get(handle) != Some(&wanted.id);
            let Some(&(_, handle)) = self.uses.iter().find(of_others) else {
                // The segment itself does not fit.
                return false;
            };
            self.forget(handle);
        }
        self.names += 1;
        let handle = self.names;
        let entry = self.segments.entry(wanted.id).or_insert_with(|| {
            self.handles.insert(handle, wanted.id);
            Entry {
                wanted: *wanted,
                version,
                blocks: BlockSet::EMPTY,
                bytes: 0,
                since: now,
                used: now,
                replies: Replies::default(),
                handle,
            }
        });
        self.uses.remove(&(entry.used, entry.handle));
        entry.used = now;
        self.uses.insert((now, entry.handle));
        entry.blocks.insert(BlockRange::one(index));
        entry.bytes += length;
        self.bytes += length;
        true
    }

    /// Whether so many bytes more fit without anything giving way.
    pub(super) const fn has_room(&self, bytes: u64) -> bool {
        self.bytes + bytes <= self.bytes_limit
    }

    /// Keeps blocks that fit and are as long as each other. The first came at one moment, the last at another.
    pub(super) fn put_many(
        &mut self,
        [first, last]: [Instant; 2],
        version: Version,
        wanted: &WantedSegment,
        blocks: &BlockSet,
        bytes: u64,
    ) {
        if let Some(one) = blocks.first_from(0) {
            self.put(first, version, wanted, one);
            self.expire(last);
        }
        if let Some(entry) = self.segments.get_mut(&wanted.id) {
            let more = bytes * u64::from(blocks.difference(&entry.blocks).len());
            entry.blocks = entry.blocks.union(blocks);
            entry.bytes += more;
            self.bytes += more;
            self.uses.remove(&(entry.used, entry.handle));
            entry.used = last;
            self.uses.insert((last, entry.handle));
        }
    }

    /// What there is, in the order of the segments.
    pub(super) fn held_segments(&self) -> impl Iterator<Item = (WantedSegment, Version, BlockSet)> {
        let entries = self.segments.values();
        entries.map(|entry| (entry.wanted, entry.version, entry.blocks))
    }

    /// Makes it have more than it may.
    #[cfg(test)]
    pub(super) const fn overfill(&mut self) {
        self.bytes = self.bytes_limit + 1;
    }

    /// How often a segment was offered when it was looked for.
    pub(super) fn note_replies(&mut self, id: &SegmentId, replies: Replies) {
        if let Some(entry) = self.segments.get_mut(id) {
            entry.replies = replies;
        }
    }

    /// Drops what is too old.
    pub(super) fn expire(&mut self, now: Instant) {
        self.now = now;
        while let Some(&(used, handle)) = self.uses.first() {
            if now.since(used) <= self.age_limit {
                return;
            }
            self.forget(handle);
        }
    }

    fn forget(&mut self, handle: u64) {
        if let Some(id) = self.handles.remove(&handle)
            && let Some(entry) = self.segments.remove(&id)
        {
            self.uses.remove(&(entry.used, handle));
            self.bytes -= entry.bytes;
            if let Some(gone) = &mut self.gone {
                gone.push((id, entry.version, entry.blocks));
            }
        }
    }

    /// Drops blocks of a segment.
    pub(super) fn discard(&mut self, id: &SegmentId, blocks: &BlockSet) {
        let Some(entry) = self.segments.get_mut(id) else {
            return;
        };
        for index in entry.blocks.intersection(blocks).iter() {
            let length = entry.wanted.range_of(index).length;
            entry.blocks.remove(index);
            entry.bytes -= length;
            self.bytes -= length;
        }
        if entry.blocks.is_empty() {
            let handle = entry.handle;
            let gone = self.gone.take();
            self.forget(handle);
            self.gone = gone;
        }
    }
}

impl Holdings for Store {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        self.segments.get(id).map(|entry| HeldSegment {
            handle: SegmentHandle(entry.handle),
            blocks: entry.blocks,
            since: entry.since,
        })
    }

    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        let entry = self.segments.get(self.handles.get(&segment.0)?)?;
        entry.blocks.contains(index).then(|| HeldBlock {
            length: u32::try_from(entry.wanted.range_of(index).length).unwrap_or(u32::MAX),
            form: BlockForm::Plain,
        })
    }
}

impl discovery::Holdings for Store {
    fn held(&self, id: &SegmentId) -> Option<Held> {
        self.segments.get(id).map(|entry| Held {
            version: entry.version,
            blocks: entry.blocks.len(),
            is_complete: entry.blocks.len() == entry.wanted.block_count(),
            age: Some(self.now.since(entry.since)),
            replies: entry.replies,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::scenario::load;

    fn segments() -> Vec<WantedSegment> {
        let text = "sites: {a: {}}\nhosts: {b: {version: 1}}\ncontents: {c: {size: 200 MiB}}\nworkload: [{}]";
        let scenario = load("test", text).unwrap();
        let plan = Plan::new(scenario.into(), 1);
        plan.contents[0].layout(1).unwrap().segments.clone()
    }

    #[test]
    fn the_least_recently_used_segment_gives_way() {
        let segments = segments();
        let block = 64 << 10;
        let mut store = Store::new(3 * block, Duration::from_secs(100));
        let at = Instant::from_nanos;
        let first = BlockIndex::new(0).unwrap();
        for (time, segment) in (1..).zip(&segments[..3]) {
            assert!(store.put(at(time), Version::V1, segment, first));
            assert!(!store.put(at(time), Version::V1, segment, first));
        }
        assert_eq!(store.use_blocks(at(4), &segments[0].id).len(), 1);
        assert!(store.put(at(5), Version::V1, &segments[3], first));
        assert_eq!((store.bytes(), store.is_within()), (3 * block, true));
        assert!(store.segment(&segments[1].id).is_none());
        assert!(store.segment(&segments[0].id).is_some());
    }

    #[test]
    fn what_was_not_used_for_too_long_is_gone() {
        let segments = segments();
        let mut store = Store::new(1 << 30, Duration::from_secs(100));
        let at = |seconds: u64| Instant::from_nanos(seconds * 1_000_000_000);
        let first = BlockIndex::new(0).unwrap();
        store.put(at(0), Version::V1, &segments[0], first);
        store.put(at(60), Version::V1, &segments[1], first);
        assert!(store.use_blocks(at(101), &segments[0].id).is_empty());
        assert_eq!(store.use_blocks(at(101), &segments[1].id).len(), 1);
    }
}
