//! MS-PCCRC 2.1: segments and blocks as content information describes them.
//! Invariant: offsets and lengths here were checked against each other when the structure was decoded.
//! Byte order: none.

use core::fmt;

use super::{HashOfData, SegmentId, SegmentSecret};
use crate::hash::HashAlgorithm;

/// One segment of a content information.
#[derive(Clone)]
pub struct Segment<'a> {
    /// Which segment of the content it is, from 0.
    pub index: u64,
    /// Where in the content it starts.
    pub offset: u64,
    /// Its bytes, whether or not the range takes them all.
    pub length: u32,
    /// Bytes in each of its blocks but the last. A version 2.0 segment is one block.
    pub block_size: u32,
    /// The algorithm of its hashes.
    pub hash: HashAlgorithm,
    /// The index of the first block that has a hash listed.
    pub first_block: u32,
    pub(super) hash_of_data: &'a [u8],
    pub(super) secret: &'a [u8],
    pub(super) block_hashes: &'a [u8],
}

/// One block whose hash is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// Which segment of the content it is in.
    pub segment: u64,
    /// Which block of the segment it is.
    pub index: u32,
    /// Where in the content it starts.
    pub offset: u64,
    /// Its bytes.
    pub length: u32,
    /// What its bytes must hash to.
    pub hash: &'a [u8],
}

impl Block<'_> {
    /// Where in the content it ends.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset + self.length as u64
    }
}

impl<'a> Segment<'a> {
    /// Where in the content it ends.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset + self.length as u64
    }

    /// HoD.
    #[must_use]
    pub fn hash_of_data(&self) -> HashOfData {
        HashOfData::cut(self.hash, self.hash_of_data)
    }

    /// Kp.
    #[must_use]
    pub fn secret(&self) -> SegmentSecret {
        SegmentSecret::new(self.secret)
    }

    /// HoHoDk, the name by which peers know it.
    #[must_use]
    pub fn id(&self) -> SegmentId {
        self.secret().segment_id(self.hash, &self.hash_of_data())
    }

    /// How many blocks the whole segment has.
    #[must_use]
    pub const fn block_count(&self) -> u32 {
        self.length.div_ceil(self.block_size)
    }

    /// The hashes listed for blocks of a version 1.0 segment, from [`Segment::first_block`] on. Version 2.0 has none.
    pub fn block_hashes(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        self.block_hashes.chunks_exact(self.hash.digest_len())
    }

    /// Whether the hashes of all its blocks are listed and hash to HoD; `None` where some are not listed.
    ///
    /// Version 2.0 has nothing to compare: there HoD is the hash of the one block.
    #[must_use]
    pub fn hashes_agree(&self) -> Option<bool> {
        //= PCCRC-2.2-12
        //= PCCRC-2.3.1.1-08
        let all = self.first_block == 0
            && !self.block_hashes.is_empty()
            && self.block_hashes().len() as u64 == u64::from(self.block_count());
        all.then(|| {
            HashOfData::of_block_hashes(self.hash, self.block_hashes) == self.hash_of_data()
        })
    }

    /// The blocks that have a hash: those listed, or the segment itself as one block in version 2.0.
    #[must_use]
    pub const fn blocks(&self) -> SegmentBlocks<'a> {
        let is_one_block = self.block_hashes.is_empty();
        SegmentBlocks {
            segment: self.index,
            index: self.first_block,
            offset: self.offset + self.first_block as u64 * self.block_size as u64,
            end: self.end(),
            block_size: self.block_size,
            hash: self.hash,
            hashes: if is_one_block {
                self.hash_of_data
            } else {
                self.block_hashes
            },
        }
    }
}

/// Iterator over the blocks of a [`Segment`] whose hash is known.
#[derive(Debug, Clone)]
pub struct SegmentBlocks<'a> {
    segment: u64,
    index: u32,
    offset: u64,
    end: u64,
    block_size: u32,
    hash: HashAlgorithm,
    hashes: &'a [u8],
}

impl<'a> Iterator for SegmentBlocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let (hash, rest) = self.hashes.split_at_checked(self.hash.digest_len())?;
        self.hashes = rest;
        let left = u32::try_from(self.end - self.offset).unwrap_or(u32::MAX);
        let length = left.min(self.block_size);
        let block = Block {
            segment: self.segment,
            index: self.index,
            offset: self.offset,
            length,
            hash,
        };
        self.index += 1;
        self.offset += u64::from(length);
        Some(block)
    }
}

impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment")
            .field("index", &self.index)
            .field("offset", &self.offset)
            .field("length", &self.length)
            .field("hash_of_data", &self.hash_of_data())
            .field("secret", &"hidden")
            .field("first_block", &self.first_block)
            .field("block_hashes", &self.block_hashes().len())
            .finish_non_exhaustive()
    }
}
