//! MS-PCCRR 2.2.1.1 to 2.2.1.4: ranges of blocks and of segments, and the set of blocks that ranges add up to.
//! Invariant: a [`BlockRange`] lies within the 512 blocks of a segment; a [`SegmentRange`] does not wrap around.
//! Byte order: big-endian.

use core::fmt;

/// The most blocks in a segment.
pub const BLOCKS_PER_SEGMENT: u32 = 512;
/// The most ranges of blocks in one message: 512 blocks have no more that lie apart.
pub const BLOCK_RANGES_MAX: u32 = 256;
/// Bytes of one range on the wire.
pub(super) const RANGE_BYTES: usize = 8;

/// Which block of a segment, from 0 to 511.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BlockIndex(u16);

impl BlockIndex {
    /// The first block: also the one block of a version 2.0 segment.
    //= PCCRR-2.2.4.3-06
    pub const FIRST: Self = Self(0);

    /// The block of this number, if a segment can have it.
    #[must_use]
    pub const fn new(index: u32) -> Option<Self> {
        if index < BLOCKS_PER_SEGMENT {
            let [.., high, low] = index.to_be_bytes();
            Some(Self(u16::from_be_bytes([high, low])))
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for BlockIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockIndex({})", self.0)
    }
}

impl fmt::Display for BlockIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Consecutive blocks of a segment: at least one, and none past the 512th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRange {
    first: u16,
    count: u16,
}

impl BlockRange {
    /// `count` blocks from block `index` on.
    //= PCCRR-2.2.1.1-01
    //= PCCRR-2.2.1.1-02
    //= PCCRR-2.2.1.1-03
    #[must_use]
    pub const fn new(index: u32, count: u32) -> Option<Self> {
        let Some(first) = BlockIndex::new(index) else {
            return None;
        };
        if count == 0 || count > BLOCKS_PER_SEGMENT - index {
            return None;
        }
        let [.., high, low] = count.to_be_bytes();
        Some(Self {
            first: first.0,
            count: u16::from_be_bytes([high, low]),
        })
    }

    /// One block.
    #[must_use]
    pub const fn one(index: BlockIndex) -> Self {
        Self {
            first: index.0,
            count: 1,
        }
    }

    /// The first block.
    #[must_use]
    pub const fn first(self) -> BlockIndex {
        BlockIndex(self.first)
    }

    /// How many blocks.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count as u32
    }

    /// One past the last block.
    #[must_use]
    pub const fn end(self) -> u32 {
        self.first as u32 + self.count as u32
    }
}

/// Consecutive segments among those that a request lists: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRange {
    first: u32,
    count: u32,
}

impl SegmentRange {
    /// `count` segments from the one of `index` on.
    //= PCCRR-2.2.1.2-01
    //= PCCRR-2.2.1.2-02
    //= PCCRR-2.2.1.2-03
    #[must_use]
    pub const fn new(index: u32, count: u32) -> Option<Self> {
        if count == 0 || index.checked_add(count).is_none() {
            return None;
        }
        Some(Self {
            first: index,
            count,
        })
    }

    /// The first segment.
    #[must_use]
    pub const fn first(self) -> u32 {
        self.first
    }

    /// How many segments.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }

    /// One past the last segment.
    #[must_use]
    pub const fn end(self) -> u32 {
        self.first + self.count
    }
}

const WORDS: usize = 8;

/// A set of blocks of one segment: what ranges mean, whatever their order and however they overlap.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BlockSet([u64; WORDS]);

impl BlockSet {
    /// No block.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// The first `count` blocks, or all 512.
    #[must_use]
    pub fn first_blocks(count: u32) -> Self {
        BlockRange::new(0, count.min(BLOCKS_PER_SEGMENT)).map_or(Self::EMPTY, Self::from)
    }

    /// The set whose block `n` is bit `n % 64` of word `n / 64`.
    #[must_use]
    pub const fn from_words(words: [u64; WORDS]) -> Self {
        Self(words)
    }

    /// Its blocks as bits: what [`BlockSet::from_words`] takes.
    #[must_use]
    pub const fn words(&self) -> [u64; WORDS] {
        self.0
    }

    /// Adds the blocks of a range.
    pub fn insert(&mut self, range: BlockRange) {
        let (start, end) = (u32::from(range.first), range.end());
        let words = self.0.iter_mut().zip((0..).step_by(64));
        for (word, base) in words.skip((start / 64) as usize) {
            if end <= base {
                return;
            }
            *word |= ones_below(end - base) & !ones_below(start.saturating_sub(base));
        }
    }

    /// Takes a block out.
    pub fn remove(&mut self, index: BlockIndex) {
        if let Some(word) = self.0.get_mut(usize::from(index.0 / 64)) {
            *word &= !(1 << (index.0 % 64));
        }
    }

    /// Whether the block is in the set.
    #[must_use]
    pub fn contains(&self, index: BlockIndex) -> bool {
        let word = self.0.get(usize::from(index.0 / 64));
        word.is_some_and(|word| word >> (index.0 % 64) & 1 == 1)
    }

    /// The blocks of both sets.
    #[must_use]
    pub fn intersection(mut self, other: &Self) -> Self {
        for (word, with) in self.0.iter_mut().zip(&other.0) {
            *word &= with;
        }
        self
    }

    /// The blocks of this set that the other lacks.
    #[must_use]
    pub fn difference(mut self, other: &Self) -> Self {
        for (word, without) in self.0.iter_mut().zip(&other.0) {
            *word &= !without;
        }
        self
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

    /// One past the last block, 0 where there is none.
    #[must_use]
    pub fn end(&self) -> u32 {
        let last = (1u32..).zip(&self.0).filter(|(_, word)| **word != 0).last();
        last.map_or(0, |(number, word)| number * 64 - word.leading_zeros())
    }

    /// How many ranges [`BlockSet::ranges`] yields.
    #[must_use]
    pub fn range_count(&self) -> u32 {
        // A range starts at each block whose predecessor is missing.
        let starts = self.0.iter().scan(0, |before, word| {
            let starts = word & !(word << 1 | *before);
            *before = word >> 63;
            Some(starts.count_ones())
        });
        starts.sum()
    }

    /// The first block at or after the place `from`.
    #[must_use]
    pub fn first_from(&self, from: u32) -> Option<BlockIndex> {
        self.first_of(from, |word| word)
    }

    /// The first place at or after `from` that is not in the set.
    fn first_gap_from(&self, from: u32) -> u32 {
        self.first_of(from, |word| !word)
            .map_or(BLOCKS_PER_SEGMENT, BlockIndex::get)
    }

    /// The first place at or after `from` whose bit is set in the words as `seen`.
    fn first_of(&self, from: u32, seen: impl Fn(u64) -> u64) -> Option<BlockIndex> {
        let start = from / 64;
        let words = self.0.get(start as usize..)?;
        let mut base = start * 64;
        let mut below = ones_below(from % 64);
        for word in words {
            let word = seen(*word) & !below;
            if word != 0 {
                return BlockIndex::new(base + word.trailing_zeros());
            }
            base += 64;
            below = 0;
        }
        None
    }

    /// The fewest ranges that name exactly these blocks, in order.
    //= PCCRR-2.2.4.2-08
    #[must_use]
    pub const fn ranges(&self) -> SetRanges {
        SetRanges {
            set: *self,
            from: 0,
        }
    }

    /// Its blocks, in order.
    pub fn iter(&self) -> impl Iterator<Item = BlockIndex> + use<> {
        self.ranges()
            .flat_map(|range| (range.first..range.first + range.count).map(BlockIndex))
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

impl From<BlockRange> for BlockSet {
    fn from(range: BlockRange) -> Self {
        let mut set = Self::EMPTY;
        set.insert(range);
        set
    }
}

impl FromIterator<BlockRange> for BlockSet {
    fn from_iter<I: IntoIterator<Item = BlockRange>>(ranges: I) -> Self {
        let mut set = Self::EMPTY;
        ranges.into_iter().for_each(|range| set.insert(range));
        set
    }
}

impl FromIterator<BlockIndex> for BlockSet {
    fn from_iter<I: IntoIterator<Item = BlockIndex>>(blocks: I) -> Self {
        blocks.into_iter().map(BlockRange::one).collect()
    }
}

impl fmt::Debug for BlockSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = self.ranges().map(|range| range.first().get()..range.end());
        f.debug_set().entries(spans).finish()
    }
}

/// Iterator over the ranges of a [`BlockSet`].
#[derive(Debug, Clone)]
pub struct SetRanges {
    set: BlockSet,
    from: u32,
}

impl Iterator for SetRanges {
    type Item = BlockRange;

    fn next(&mut self) -> Option<BlockRange> {
        let first = self.set.first_from(self.from)?.get();
        self.from = self.set.first_gap_from(first);
        BlockRange::new(first, self.from - first)
    }
}

/// `BLOCK_RANGE_ARRAY`: ranges as they came, or those of a set that is to be sent.
//= PCCRR-2.2.1.3-01
#[derive(Clone, Copy)]
pub struct BlockRanges<'a>(RangesFrom<'a>);

#[derive(Clone, Copy)]
enum RangesFrom<'a> {
    Wire(&'a [[u8; RANGE_BYTES]]),
    Set(BlockSet),
}

impl<'a> BlockRanges<'a> {
    /// Ranges that were read one by one and found sound.
    pub(super) fn checked(wire: &'a [u8]) -> Self {
        Self(RangesFrom::Wire(wire.as_chunks().0))
    }

    /// The ranges, as many and in the order as they are sent.
    pub fn iter(&self) -> impl Iterator<Item = BlockRange> + use<'a> {
        let (wire, set) = match self.0 {
            RangesFrom::Wire(wire) => (wire, BlockSet::EMPTY),
            RangesFrom::Set(set) => (&[][..], set),
        };
        let wire = wire.iter().filter_map(|range| {
            let (index, count) = pair(*range);
            BlockRange::new(index, count)
        });
        wire.chain(set.ranges())
    }

    /// How many ranges.
    #[must_use]
    pub fn count(&self) -> usize {
        match self.0 {
            RangesFrom::Wire(wire) => wire.len(),
            RangesFrom::Set(set) => set.range_count() as usize,
        }
    }

    /// The blocks they name.
    #[must_use]
    pub fn set(&self) -> BlockSet {
        match self.0 {
            RangesFrom::Wire(_) => self.iter().collect(),
            RangesFrom::Set(set) => set,
        }
    }

    /// The one block they name, if it is one; the usual request, so without the detour of a set.
    #[must_use]
    pub fn smallest(&self) -> Option<BlockIndex> {
        match self.0 {
            RangesFrom::Wire(_) => self.iter().map(BlockRange::first).min(),
            RangesFrom::Set(set) => set.first_from(0),
        }
    }

    /// Whether they are sorted and neither overlap nor touch.
    #[must_use]
    pub fn are_normalised(&self) -> bool {
        match self.0 {
            RangesFrom::Wire(_) => {
                let mut free_from = 0;
                self.iter().all(|range| {
                    let apart = free_from <= range.first().get();
                    free_from = range.end() + 1;
                    apart
                })
            }
            RangesFrom::Set(_) => true,
        }
    }
}

pub(super) const fn pair(bytes: [u8; RANGE_BYTES]) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = bytes;
    (
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
    )
}

impl From<BlockSet> for BlockRanges<'_> {
    fn from(set: BlockSet) -> Self {
        Self(RangesFrom::Set(set))
    }
}

impl PartialEq for BlockRanges<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for BlockRanges<'_> {}

impl fmt::Debug for BlockRanges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = self.iter().map(|range| range.first().get()..range.end());
        f.debug_list().entries(spans).finish()
    }
}
