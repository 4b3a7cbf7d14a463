//! What a download needs of a store of blocks, whichever it is.
//! Invariant: what comes out of it is held against the content information like everything else.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use peerdist::content::{Segment, SegmentId};
use peerdist::discovery::Replies;
use peerdist::retrieval::server::BlockForm;
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};

use crate::http::BoxError;
use crate::store::{SegmentFacts, StoreHandle};

/// A store of blocks. Calls may wait for a disk.
pub trait BlockCache: std::fmt::Debug + Send + Sync + 'static {
    /// The blocks of a segment that it has.
    fn verified(&self, id: &SegmentId) -> BlockSet;

    /// Puts a block into `into`; `false` where it is not there.
    fn read(&self, id: &SegmentId, index: BlockIndex, into: &mut Vec<u8>) -> bool;

    /// Keeps a block that was verified.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn keep(
        &self,
        segment: &Segment<'_>,
        id: &SegmentId,
        index: BlockIndex,
        bytes: &[u8],
    ) -> Result<(), BoxError>;

    /// Is told how often others offered a segment when it was looked for.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn note_replies(&self, _: &SegmentId, _: Replies) -> Result<(), BoxError> {
        Ok(())
    }

    /// Brings what was kept to where it survives the process.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn flush(&self) -> Result<(), BoxError>;
}

/// Blocks in memory, without a bound: for tests and simulations.
#[derive(Debug, Default)]
pub struct BlocksInMemory(Mutex<BTreeMap<SegmentId, BTreeMap<BlockIndex, Vec<u8>>>>);

impl BlockCache for BlocksInMemory {
    fn verified(&self, id: &SegmentId) -> BlockSet {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut set = BlockSet::EMPTY;
        for index in all.get(id).into_iter().flat_map(BTreeMap::keys) {
            set.insert(BlockRange::one(*index));
        }
        set
    }

    fn read(&self, id: &SegmentId, index: BlockIndex, into: &mut Vec<u8>) -> bool {
        into.clear();
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let block = all.get(id).and_then(|blocks| blocks.get(&index));
        into.extend(block.into_iter().flatten());
        block.is_some()
    }

    fn keep(
        &self,
        _: &Segment<'_>,
        id: &SegmentId,
        index: BlockIndex,
        bytes: &[u8],
    ) -> Result<(), BoxError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(*id).or_default().insert(index, bytes.to_vec());
        Ok(())
    }

    fn flush(&self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// The store on disk, whoever owns it.
#[derive(Debug)]
pub struct StoredBlocks {
    store: StoreHandle,
    /// Segments whose facts it was told.
    described: Mutex<BTreeSet<SegmentId>>,
}

impl StoredBlocks {
    /// Of a store.
    #[must_use]
    pub const fn new(store: StoreHandle) -> Self {
        Self {
            store,
            described: Mutex::new(BTreeSet::new()),
        }
    }
}

impl BlockCache for StoredBlocks {
    fn verified(&self, id: &SegmentId) -> BlockSet {
        let summary = self.store.inspect(id).ok().flatten();
        summary.map_or(BlockSet::EMPTY, |summary| summary.verified)
    }

    fn read(&self, id: &SegmentId, index: BlockIndex, into: &mut Vec<u8>) -> bool {
        matches!(self.store.read(id, index, into), Ok(Some(BlockForm::Plain)))
    }

    fn keep(
        &self,
        segment: &Segment<'_>,
        id: &SegmentId,
        index: BlockIndex,
        bytes: &[u8],
    ) -> Result<(), BoxError> {
        let is_new = {
            let described = self.described.lock();
            let described = described.unwrap_or_else(PoisonError::into_inner);
            !described.contains(id)
        };
        if is_new {
            self.store.describe(id, &SegmentFacts::of(segment))?;
            let described = self.described.lock();
            described
                .unwrap_or_else(PoisonError::into_inner)
                .insert(*id);
        }
        self.store.put_verified(id, index, bytes)?;
        Ok(())
    }

    fn note_replies(&self, id: &SegmentId, replies: Replies) -> Result<(), BoxError> {
        Ok(self.store.note_replies(id, replies)?)
    }

    fn flush(&self) -> Result<(), BoxError> {
        Ok(self.store.flush()?)
    }
}
