//! Blocks on disk: what a peer or a hosted cache keeps between its runs (MS-PCCRR 3.2.1, MS-PCHC 3.2, MS-CCROD 2.9).
//! Invariant: no byte leaves the store that does not hash to what it was kept under; all that a flush covered stays.
//! Byte order: little-endian in files of our own format.
//!
//! ```text
//! DIR/format            "peerdist store 1"
//! DIR/lock              held while the store is open, with the number of the process
//! DIR/index.redb        which block is where: segments, blocks, uses, ages
//! DIR/packs/N.pack      records one after another: a header that describes itself, and a block or a segment's facts
//! DIR/quarantine/       blocks that failed their checksum, without keys
//! DIR/control.sock      where other processes ask the one that owns the store
//! ```
//!
//! - Blocks are appended to packs, of which there is one for what was verified and one for what is sealed. A file for
//!   each block costs a directory entry and, to be safe, two fsyncs a block; packs need one fsync for all blocks of a
//!   commit, and a peer that writes 64 KiB blocks is limited by the disk and not by its journal.
//! - What is dropped is punched out of its pack (`fallocate`), whole gaps between live records at once, so all but
//!   the two pages at the edges of a gap are given back; a pack without live records is removed. Where the file
//!   system punches no holes, a pack that is mostly dead is compacted.
//! - A change is a transaction of the index that is not yet on the disk. A commit brings packs to the disk, then the
//!   index, in this order; then dropped records are wiped, for before that an older index may still name them.
//! - Segment secrets (Kp) stand in records of the packs alone, never in the index, and are overwritten when they go.
//! - Every reading compares the header and a CRC-32 of the bytes; the first one since the store was opened compares
//!   the digest in the content's own algorithm.
//!
//! Instants of a store count from 1970, for what they say has to outlive the process: see [`wall_clock`].

mod commit;
mod control;
mod directory;
mod durable;
mod error;
mod facts;
mod handle;
mod index;
mod keep;
mod open;
mod package;
mod packs;
mod read;
mod rebuild;
mod record;
mod rows;
mod settings;
mod shelves;
mod statistics;

use std::path::Path;
use std::sync::Arc;

use peerdist::content::SegmentId;
use peerdist::discovery::Replies;
use peerdist::retrieval::server::{BlockForm, HeldBlock, HeldSegment, Holdings, SegmentHandle};
use peerdist::retrieval::{BlockIndex, BlockSet};
use peerdist::store::{BlockStore, Put, SealedBlock};
use peerdist::time::Instant;

pub use control::{ControlServer, RemoteStore};
pub use error::StoreError;
pub use facts::{FactsError, SegmentFacts};
pub use handle::StoreHandle;
pub use package::{Exported, Imported, PackageError, export, import};
pub use settings::{KeepLimits, Space, StoreSettings};
pub use statistics::{Change, SegmentSummary, Statistics};

use commit::Committer;
use open::Shared;

/// A store of blocks on disk. Clones are the same store; it is closed when the last one goes.
///
/// Calls may wait for the disk.
#[derive(Debug, Clone)]
pub struct Store {
    // Ends before what it works on.
    committer: Arc<Committer>,
    shared: Arc<Shared>,
}

impl Store {
    /// Opens the store in a directory, which is made where it is missing.
    ///
    /// A directory that cannot be written to is opened for reading alone. A damaged index is set aside and made anew.
    ///
    /// # Errors
    /// [`StoreError`] says why it cannot be used.
    pub fn open(directory: &Path, settings: &StoreSettings) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::open(directory, settings)?);
        let committer = Arc::new(Committer::start(&shared)?);
        Ok(Self { committer, shared })
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.shared.path()
    }

    /// Whether nothing can be kept in it.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        !self.shared.is_writable()
    }

    /// What had to be done to open it, for people to know.
    #[must_use]
    pub fn opening_notes(&self) -> &[String] {
        &self.shared.notes
    }

    /// Tells what is known of a segment: before its first verified block, and again where more is known.
    ///
    /// # Errors
    /// [`StoreError::Facts`] where the facts contradict the id or what is known, and where they cannot be written.
    pub fn describe(
        &self,
        now: Instant,
        id: &SegmentId,
        facts: &SegmentFacts,
    ) -> Result<(), StoreError> {
        self.shared.describe(now, id, facts)
    }

    /// Tells how often others offered a segment when it was looked for: where it was often enough, discovery may leave
    /// the answers to them. Nothing is told of a segment that is not there.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn note_replies(&self, id: &SegmentId, replies: Replies) -> Result<(), StoreError> {
        self.shared.note_replies(id, replies)
    }

    /// What is known of a segment, its secret too.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn facts(&self, id: &SegmentId) -> Result<Option<Arc<SegmentFacts>>, StoreError> {
        self.shared.facts(id)
    }

    /// Keeps a block whose bytes were held against its hash. They are held against what is known here once more.
    ///
    /// # Errors
    /// [`StoreError::NotDescribed`] before [`Store::describe`], [`StoreError::WrongBlock`], and where it cannot be
    /// written.
    pub fn put_verified(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        let put = self.shared.put_verified(now, id, index, bytes)?;
        self.committer.note_change(&self.shared);
        Ok(put)
    }

    /// Keeps a block as it came, which nobody here can verify.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn put_sealed(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        block: &SealedBlock,
    ) -> Result<Put, StoreError> {
        let put = self.shared.put_sealed(now, id, index, block)?;
        self.committer.note_change(&self.shared);
        Ok(put)
    }

    /// Puts the bytes of a block in place of what is in `into`, and tells their form; without a block it ends empty.
    ///
    /// # Errors
    /// Where it cannot be read. A damaged block is set aside and counts as one that is not there.
    pub fn read(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Result<Option<BlockForm>, StoreError> {
        self.shared.read(now, id, index, into)
    }

    /// As [`Store::read`], but without waiting for the disk: `None` tells that there may be more to it than was seen.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read_at_hand(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Result<Option<BlockForm>, StoreError> {
        self.shared.read_at_hand(now, id, index, into)
    }

    /// The blocks of a segment that were verified.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn verified_blocks(&self, id: &SegmentId) -> Result<BlockSet, StoreError> {
        self.shared.verified_blocks(id)
    }

    /// Holds every block of a segment against its digest and sets damaged ones aside: good ones, and damaged ones.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn verify(&self, id: &SegmentId) -> Result<(BlockSet, BlockSet), StoreError> {
        self.shared.verify(id)
    }

    /// Drops a segment and all that is known of it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn forget(&self, id: &SegmentId) -> Result<(), StoreError> {
        self.shared.forget(id, None)?;
        self.committer.note_change(&self.shared);
        Ok(())
    }

    /// Drops single blocks of a segment: the sealed ones, and the verified ones too where asked.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn forget_blocks(
        &self,
        id: &SegmentId,
        blocks: &BlockSet,
        only_sealed: bool,
    ) -> Result<(), StoreError> {
        self.shared.forget(id, Some((blocks, only_sealed)))?;
        self.committer.note_change(&self.shared);
        Ok(())
    }

    /// Drops all segments, and tells how many.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn forget_all(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        loop {
            let page = self.list(None, LIST_PAGE)?;
            if page.is_empty() {
                self.flush()?;
                return Ok(count);
            }
            for segment in page {
                self.forget(&segment.id)?;
                count += 1;
            }
        }
    }

    /// Drops what is too old, and tells how many segments.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn expire(&self, now: Instant) -> Result<u64, StoreError> {
        let count = self.shared.expire(now)?;
        self.committer.note_change(&self.shared);
        Ok(count)
    }

    /// Brings everything to the disk.
    ///
    /// # Errors
    /// Where the disk is full or fails. What was on it before is.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.shared.flush()
    }

    /// Segments behind `after` in the order of their ids, at most so many.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn list(
        &self,
        after: Option<&SegmentId>,
        most: usize,
    ) -> Result<Vec<SegmentSummary>, StoreError> {
        self.shared.list(after, most)
    }

    /// One segment.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn inspect(&self, id: &SegmentId) -> Result<Option<SegmentSummary>, StoreError> {
        self.shared.inspect(id)
    }

    /// Counts.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn statistics(&self) -> Result<Statistics, StoreError> {
        self.shared.statistics()
    }

    /// Has somebody told of changes from now on. They are told on the thread that made the change: be quick.
    pub fn subscribe(&self, tell: impl Fn(&Change) + Send + Sync + 'static) {
        self.shared.watchers.add(tell);
    }
}

/// Segments that are listed at a time where all are gone through.
pub const LIST_PAGE: usize = 256;

/// The present moment, in nanoseconds since 1970, as stores count.
#[must_use]
pub fn wall_clock() -> Instant {
    Instant::ZERO + crate::world::unix_time()
}

/// What cannot be read is not there, as far as others are concerned.
impl Holdings for Store {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        self.shared.held_segment(id).ok().flatten()
    }

    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        self.shared.held_block(segment, index).ok().flatten()
    }
}

impl BlockStore for Store {
    type Error = StoreError;

    fn put_verified(
        &mut self,
        now: Instant,
        id: SegmentId,
        index: BlockIndex,
        bytes: Vec<u8>,
    ) -> Result<Put, StoreError> {
        Self::put_verified(self, now, &id, index, &bytes)
    }

    fn put_sealed(
        &mut self,
        now: Instant,
        id: SegmentId,
        index: BlockIndex,
        block: SealedBlock,
    ) -> Result<Put, StoreError> {
        Self::put_sealed(self, now, &id, index, &block)
    }

    fn read(
        &mut self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Result<Option<BlockForm>, StoreError> {
        Self::read(self, now, id, index, into)
    }

    fn verified(&self, id: &SegmentId) -> BlockSet {
        self.verified_blocks(id).unwrap_or(BlockSet::EMPTY)
    }

    fn forget(&mut self, id: &SegmentId) -> Result<(), StoreError> {
        Self::forget(self, id)
    }

    fn expire(&mut self, now: Instant) -> Result<(), StoreError> {
        Self::expire(self, now).map(drop)
    }
}
