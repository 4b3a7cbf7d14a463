//! MS-PCCRC 2.1: sets of blocks of one segment.
//! Invariant: no block past the 512th is ever in a set.
//! Byte order: none.

use core::fmt;

/// The most blocks in a segment.
pub const BLOCKS_PER_SEGMENT: u32 = 512;

const WORDS: usize = 8;

/// A set of blocks of one segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BlockSet([u64; WORDS]);

impl BlockSet {
    /// No block.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// The first `count` blocks, or all 512.
    #[must_use]
    pub fn first_blocks(count: u32) -> Self {
        Self::range(0, count)
    }

    /// `count` blocks from block `first` on; those past the 512th are left out.
    #[must_use]
    pub fn range(first: u32, count: u32) -> Self {
        let end = first.saturating_add(count);
        let mut set = Self::EMPTY;
        for (word, base) in set.0.iter_mut().zip((0..).step_by(64)) {
            *word = ones_below(end.saturating_sub(base)) & !ones_below(first.saturating_sub(base));
        }
        set
    }

    /// Whether the block is in the set.
    #[must_use]
    pub fn contains(&self, index: u32) -> bool {
        usize::try_from(index / 64)
            .ok()
            .and_then(|at| self.0.get(at))
            .is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// The blocks of either set.
    #[must_use]
    pub fn union(self, other: &Self) -> Self {
        self.with(other, |word, other| word | other)
    }

    /// The blocks of both sets.
    #[must_use]
    pub fn intersection(self, other: &Self) -> Self {
        self.with(other, |word, other| word & other)
    }

    /// The blocks of this set that the other lacks.
    #[must_use]
    pub fn difference(self, other: &Self) -> Self {
        self.with(other, |word, other| word & !other)
    }

    fn with(mut self, other: &Self, join: impl Fn(u64, u64) -> u64) -> Self {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word = join(*word, other);
        }
        self
    }

    /// Whether every block of this set is in the other.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// How many blocks.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Its blocks, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<> {
        let set = *self;
        (0..BLOCKS_PER_SEGMENT).filter(move |index| set.contains(*index))
    }
}

/// The lowest `count` bits.
const fn ones_below(count: u32) -> u64 {
    if count >= 64 {
        u64::MAX
    } else {
        (1 << count) - 1
    }
}

impl FromIterator<u32> for BlockSet {
    fn from_iter<I: IntoIterator<Item = u32>>(blocks: I) -> Self {
        blocks
            .into_iter()
            .fold(Self::EMPTY, |set, index| set.union(&Self::range(index, 1)))
    }
}

impl fmt::Debug for BlockSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
