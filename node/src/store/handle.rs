//! A store, whoever owns it: this process, or another that serves it.
//! Invariant: both ways answer alike.

use std::path::Path;
use std::sync::Arc;

use peerdist::content::SegmentId;
use peerdist::discovery::Replies;
use peerdist::retrieval::server::BlockForm;
use peerdist::retrieval::{BlockIndex, BlockSet};
use peerdist::store::Put;

use super::{
    LIST_PAGE, RemoteStore, SegmentFacts, SegmentSummary, Statistics, Store, StoreError,
    StoreSettings, wall_clock,
};

/// A store, whoever owns it.
#[derive(Debug)]
pub enum StoreHandle {
    /// This process.
    Owned(Store),
    /// Another process, which is asked over its socket.
    Delegated(RemoteStore),
}

impl StoreHandle {
    /// Opens the store, or connects to the process that has it open.
    ///
    /// # Errors
    /// As [`Store::open`]; [`StoreError::InUse`] where the process that has it open does not serve it.
    pub fn open(directory: &Path, settings: &StoreSettings) -> Result<Self, StoreError> {
        match Store::open(directory, settings) {
            Ok(store) => Ok(Self::Owned(store)),
            Err(in_use @ StoreError::InUse { .. }) => RemoteStore::connect(directory)
                .map(Self::Delegated)
                .map_err(|_| in_use),
            Err(error) => Err(error),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        match self {
            Self::Owned(store) => store.directory(),
            Self::Delegated(store) => store.directory(),
        }
    }

    /// As [`Store::describe`], now.
    ///
    /// # Errors
    /// As there.
    pub fn describe(&self, id: &SegmentId, facts: &SegmentFacts) -> Result<(), StoreError> {
        match self {
            Self::Owned(store) => store.describe(wall_clock(), id, facts),
            Self::Delegated(store) => store.describe(id, facts),
        }
    }

    /// As [`Store::note_replies`].
    ///
    /// # Errors
    /// As there.
    pub fn note_replies(&self, id: &SegmentId, replies: Replies) -> Result<(), StoreError> {
        match self {
            Self::Owned(store) => store.note_replies(id, replies),
            Self::Delegated(store) => store.note_replies(id, replies),
        }
    }

    /// As [`Store::facts`].
    ///
    /// # Errors
    /// As there.
    pub fn facts(&self, id: &SegmentId) -> Result<Option<Arc<SegmentFacts>>, StoreError> {
        match self {
            Self::Owned(store) => store.facts(id),
            Self::Delegated(store) => Ok(store.facts(id)?.map(Arc::new)),
        }
    }

    /// As [`Store::put_verified`], now.
    ///
    /// # Errors
    /// As there.
    pub fn put_verified(
        &self,
        id: &SegmentId,
        index: BlockIndex,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        match self {
            Self::Owned(store) => store.put_verified(wall_clock(), id, index, bytes),
            Self::Delegated(store) => store.put_verified(id, index, bytes),
        }
    }

    /// As [`Store::read`], now.
    ///
    /// # Errors
    /// As there.
    pub fn read(
        &self,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Result<Option<BlockForm>, StoreError> {
        match self {
            Self::Owned(store) => store.read(wall_clock(), id, index, into),
            Self::Delegated(store) => store.read(id, index, into),
        }
    }

    /// As [`Store::inspect`].
    ///
    /// # Errors
    /// As there.
    pub fn inspect(&self, id: &SegmentId) -> Result<Option<SegmentSummary>, StoreError> {
        match self {
            Self::Owned(store) => store.inspect(id),
            Self::Delegated(store) => store.inspect(id),
        }
    }

    /// The next [`LIST_PAGE`] segments behind `after`.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn list(&self, after: Option<&SegmentId>) -> Result<Vec<SegmentSummary>, StoreError> {
        match self {
            Self::Owned(store) => store.list(after, LIST_PAGE),
            Self::Delegated(store) => store.list(after),
        }
    }

    /// As [`Store::verify`].
    ///
    /// # Errors
    /// As there.
    pub fn verify(&self, id: &SegmentId) -> Result<(BlockSet, BlockSet), StoreError> {
        match self {
            Self::Owned(store) => store.verify(id),
            Self::Delegated(store) => store.verify(id),
        }
    }

    /// As [`Store::statistics`].
    ///
    /// # Errors
    /// As there.
    pub fn statistics(&self) -> Result<Statistics, StoreError> {
        match self {
            Self::Owned(store) => store.statistics(),
            Self::Delegated(store) => store.statistics(),
        }
    }

    /// As [`Store::flush`].
    ///
    /// # Errors
    /// As there.
    pub fn flush(&self) -> Result<(), StoreError> {
        match self {
            Self::Owned(store) => store.flush(),
            Self::Delegated(store) => store.flush(),
        }
    }

    /// As [`Store::forget`].
    ///
    /// # Errors
    /// As there.
    pub fn forget(&self, id: &SegmentId) -> Result<(), StoreError> {
        match self {
            Self::Owned(store) => store.forget(id),
            Self::Delegated(store) => store.forget(id),
        }
    }

    /// As [`Store::forget_all`].
    ///
    /// # Errors
    /// As there.
    pub fn forget_all(&self) -> Result<u64, StoreError> {
        match self {
            Self::Owned(store) => store.forget_all(),
            Self::Delegated(store) => store.forget_all(),
        }
    }
}
