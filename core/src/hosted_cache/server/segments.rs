//! MS-PCHC 3.1.1: what the cache knows of a segment: whose hashes, which blocks, verified or as ciphertext.
//! Invariant: verified blocks had a hash when they came; unverified ones are never counted among them.
//! Byte order: none.

use core::net::SocketAddr;
use std::collections::VecDeque;

use crate::content::BLOCK_BYTES;
use crate::hash::HashAlgorithm;
use crate::hosted_cache::{BlockSet, SegmentKey};

/// How blocks stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Standing {
    /// Blocks whose hash is known.
    pub(super) hashed: BlockSet,
    /// Blocks held that agree with their hash.
    pub(super) verified: BlockSet,
    /// Blocks held as they were sent: ciphertext that nobody here can read.
    pub(super) unverified: BlockSet,
}

impl Standing {
    pub(super) fn held(&self) -> BlockSet {
        self.verified.union(&self.unverified)
    }
}

/// Where the one fetch that a segment may have at a time stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    Queued(SocketAddr),
    Running,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) length: u32,
    /// Whether the hashes are those of all blocks and hash to HoD.
    pub(super) is_proven: bool,
    pub(super) phase: Phase,
    /// How often blocks are being looked at again: until then some that are held may turn out to be missing.
    pub(super) rechecks: u16,
    /// Clients to be asked next.
    pub(super) sources: VecDeque<SocketAddr>,
    // Most segments of version 2.0 content are one block: a million of them are to fit in memory.
    blocks: Blocks,
}

#[derive(Debug)]
enum Blocks {
    One { is_unverified: bool },
    Many(Box<Standing>),
}

impl Entry {
    pub(super) fn new(key: SegmentKey, length: u32) -> Self {
        let blocks = match key.algorithm {
            HashAlgorithm::Sha512Truncated => Blocks::One {
                is_unverified: false,
            },
            _ => Blocks::Many(Box::default()),
        };
        Self {
            length,
            is_proven: false,
            phase: Phase::Idle,
            rechecks: 0,
            sources: VecDeque::new(),
            blocks,
        }
    }

    /// Every block that the segment has.
    pub(super) fn all(&self) -> BlockSet {
        match self.blocks {
            Blocks::One { .. } => BlockSet::first_blocks(1),
            Blocks::Many(_) => BlockSet::first_blocks(self.length.div_ceil(BLOCK_BYTES)),
        }
    }

    pub(super) fn standing(&self) -> Standing {
        match &self.blocks {
            Blocks::One { is_unverified } => Standing {
                unverified: BlockSet::first_blocks(u32::from(*is_unverified)),
                ..Standing::default()
            },
            Blocks::Many(standing) => **standing,
        }
    }

    /// Hashes of a segment of one block never come: version 2.0 offers carry none.
    pub(super) fn set_standing(&mut self, to: Standing) {
        match &mut self.blocks {
            Blocks::One { is_unverified } => *is_unverified = !to.held().is_empty(),
            Blocks::Many(standing) => **standing = to,
        }
    }

    /// The blocks worth fetching: of a segment with hashes, those that can be verified.
    pub(super) fn wanted(&self) -> BlockSet {
        let standing = self.standing();
        let obtainable = if standing.hashed.is_empty() {
            self.all()
        } else {
            standing.hashed
        };
        obtainable.difference(&standing.held())
    }

    /// The bytes of so many of its blocks, the last counted as if it were as long as the others.
    pub(super) fn bytes_of(&self, blocks: &BlockSet) -> u64 {
        let block = match self.blocks {
            Blocks::One { .. } => self.length,
            Blocks::Many(_) => BLOCK_BYTES,
        };
        u64::from(blocks.len()) * u64::from(block)
    }
}
