//! What a store tells of itself.
//! Invariant: nothing here holds a secret.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use peerdist::content::{SegmentId, Version};
use peerdist::discovery::Replies;
use peerdist::retrieval::{BlockIndex, BlockSet};

use super::packs::locked;

/// Counts of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Bytes of what was verified.
    pub verified_bytes: u64,
    /// Bytes of what nobody here can verify.
    pub sealed_bytes: u64,
    /// The most that the first may be.
    pub verified_bytes_limit: u64,
    /// The most that the second may be.
    pub sealed_bytes_limit: u64,
    /// Segments with something verified.
    pub verified_segments: u64,
    /// Segments with something sealed.
    pub sealed_segments: u64,
    /// Blocks that were verified.
    pub verified_blocks: u64,
    /// Blocks that are sealed.
    pub sealed_blocks: u64,
    /// Blocks that were read, since the store was opened, as the rest.
    pub hits: u64,
    /// Blocks that were asked for and are not there.
    pub misses: u64,
    /// Segments that gave way to others.
    pub evictions: u64,
    /// Segments that became too old.
    pub expired: u64,
    /// Blocks that were damaged and set aside.
    pub quarantined: u64,
    /// Commits that went to the disk.
    pub commits: u64,
    /// Whether the disk is too full to keep anything.
    pub is_disk_full: bool,
}

/// What is kept of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentSummary {
    /// Its id.
    pub id: SegmentId,
    /// The version of its content information, where facts are known.
    pub version: Option<Version>,
    /// Its bytes, where facts are known.
    pub length: Option<u32>,
    /// Whether its facts follow from its id: before that no block is served.
    pub is_proven: bool,
    /// How often others offered it when it was looked for.
    pub replies: Replies,
    /// Blocks that were verified.
    pub verified: BlockSet,
    /// Blocks that are sealed.
    pub sealed: BlockSet,
    /// Bytes of all of it.
    pub bytes: u64,
    /// When it came, in nanoseconds since 1970.
    pub since: u64,
    /// When it was used last.
    pub used: u64,
}

/// Something that a running peer may want to know at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A block was kept.
    Came {
        /// The segment.
        id: SegmentId,
        /// The block.
        index: BlockIndex,
    },
    /// A segment went.
    Gone {
        /// The segment.
        id: SegmentId,
    },
    /// A block was damaged and is set aside.
    Damaged {
        /// The segment.
        id: SegmentId,
        /// The block.
        index: BlockIndex,
    },
    /// The disk is too full to keep anything.
    DiskFull,
    /// There is room again.
    RoomAgain,
}

/// What is counted while the store is open.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) evictions: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) quarantined: AtomicU64,
    pub(super) commits: AtomicU64,
}

type Watcher = Arc<dyn Fn(&Change) + Send + Sync>;

#[derive(Default)]
pub(super) struct Watchers(Mutex<Vec<Watcher>>);

impl Watchers {
    pub(super) fn add(&self, tell: impl Fn(&Change) + Send + Sync + 'static) {
        locked(&self.0).push(Arc::new(tell));
    }

    pub(super) fn tell(&self, change: &Change) {
        // Not under the lock: whoever is told may subscribe somebody else.
        let watchers = locked(&self.0).clone();
        for watcher in watchers {
            watcher(change);
        }
    }
}

impl fmt::Debug for Watchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watchers({})", locked(&self.0).len())
    }
}
