//! Blocks that were loaded a moment ago: most likely they are in memory, and reading them again does not wait.
//! Invariant: fixed memory and no lock; a wrong guess costs one wait for the disk, never a wrong byte.
//! Byte order: none.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use peerdist::content::SegmentId;
use peerdist::retrieval::BlockIndex;

/// Blocks that are remembered: 256 MiB of those of version 1.0.
const PLACES: usize = 4_096;

#[derive(Debug)]
pub(super) struct Warm(Vec<AtomicU64>);

impl Warm {
    pub(super) fn new() -> Self {
        Self((0..PLACES).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn has(&self, id: &SegmentId, index: BlockIndex) -> bool {
        let mark = mark(id, index);
        self.place(mark)
            .is_some_and(|place| place.load(Relaxed) == mark)
    }

    pub(super) fn note(&self, id: &SegmentId, index: BlockIndex) {
        let mark = mark(id, index);
        if let Some(place) = self.place(mark) {
            place.store(mark, Relaxed);
        }
    }

    fn place(&self, mark: u64) -> Option<&AtomicU64> {
        self.0.get(usize::try_from(mark % PLACES as u64).ok()?)
    }
}

/// Never 0, which is an empty place.
fn mark(id: &SegmentId, index: BlockIndex) -> u64 {
    let mut hasher = DefaultHasher::new();
    (id.0.as_bytes(), index.get()).hash(&mut hasher);
    hasher.finish() | 1 << 63
}

#[cfg(test)]
mod tests {
    use peerdist::hash::Digest;

    use super::*;

    #[test]
    fn a_block_is_warm_once_it_was_noted() {
        let warm = Warm::new();
        let id = SegmentId(Digest::try_from(&[1; 32][..]).unwrap());
        assert!(!warm.has(&id, BlockIndex::FIRST));
        warm.note(&id, BlockIndex::FIRST);
        assert!(warm.has(&id, BlockIndex::FIRST));
        let other = SegmentId(Digest::try_from(&[2; 32][..]).unwrap());
        assert!(!warm.has(&other, BlockIndex::FIRST));
    }
}
