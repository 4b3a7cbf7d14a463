//! What a block store must do, and a bounded one in memory (MS-PCCRR 3.2.1, MS-PCHC 3.2; MS-CCROD 2.8.2.4.3, 2.9).
//! Invariant: what was verified and what nobody here can verify are kept apart; the one never gives way to the other.
//! Byte order: none.
//!
//! A hosted cache is offered version 2.0 segments by their ids alone: it has neither hashes nor keys, so it keeps what
//! came, sealed, and hands it on. Such blocks have limits of their own, so that whoever offers rubbish cannot push out
//! content that is known to be good.

mod shelf;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::cipher::BLOCK_LEN;
use crate::content::SegmentId;
use crate::error::ApiMisuse;
use crate::retrieval::server::{BlockForm, HeldBlock, HeldSegment, Holdings, SegmentHandle};
use crate::retrieval::{BlockIndex, BlockSet, CryptoAlgorithm};
use crate::time::Instant;

pub use shelf::ShelfLimits;
use shelf::{Shelf, Weight};

/// What a store of blocks must do. What it holds, it answers as [`Holdings`] do.
pub trait BlockStore: Holdings {
    /// Why something could not be read or written.
    type Error;

    /// Keeps a block whose bytes were held against its hash.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn put_verified(
        &mut self,
        now: Instant,
        id: SegmentId,
        index: BlockIndex,
        bytes: Vec<u8>,
    ) -> Result<Put, Self::Error>;

    /// Keeps a block as it came, which nobody here can verify.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn put_sealed(
        &mut self,
        now: Instant,
        id: SegmentId,
        index: BlockIndex,
        block: SealedBlock,
    ) -> Result<Put, Self::Error>;

    /// Puts the bytes of a block, those that were verified where there are such, in place of what is in `into`, and
    /// tells their form. Without a block `into` ends empty.
    ///
    /// The caller's buffer: a store on disk reads into it and keeps nothing, and the caller can use it again.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn read(
        &mut self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Result<Option<BlockForm>, Self::Error>;

    /// The blocks of a segment that were verified: those a client need not fetch again.
    fn verified(&self, id: &SegmentId) -> BlockSet;

    /// Drops a segment.
    ///
    /// # Errors
    /// Where it cannot be dropped.
    fn forget(&mut self, id: &SegmentId) -> Result<(), Self::Error>;

    /// Drops what is too old.
    ///
    /// # Errors
    /// Where it cannot be dropped.
    fn expire(&mut self, now: Instant) -> Result<(), Self::Error>;
}

/// What became of a block that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is kept.
    Kept,
    /// There is one already, and it stays.
    AlreadyThere,
    /// It is larger than everything that may be kept.
    TooLarge,
}

/// A block as it came from somebody who knows its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBlock {
    /// What it is encrypted with.
    pub crypto: CryptoAlgorithm,
    /// The vector that goes with it.
    pub iv: [u8; BLOCK_LEN],
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// How much a [`MemoryStore`] keeps, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryStoreSettings {
    /// Of what was verified.
    pub verified: ShelfLimits,
    /// Of what nobody here can verify.
    pub sealed: ShelfLimits,
}

impl Default for MemoryStoreSettings {
    fn default() -> Self {
        const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
        Self {
            verified: ShelfLimits {
                bytes_limit: 256 << 20,
                age_limit_ms: 28 * DAY_MS,
            },
            sealed: ShelfLimits {
                bytes_limit: 64 << 20,
                age_limit_ms: 28 * DAY_MS,
            },
        }
    }
}

impl Weight for Vec<u8> {
    fn weight(&self) -> u64 {
        self.len() as u64
    }
}

impl Weight for SealedBlock {
    fn weight(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// A store in memory. Where it is full, the segment that was used least recently goes.
#[derive(Debug)]
pub struct MemoryStore {
    verified: Shelf<Vec<u8>>,
    sealed: Shelf<SealedBlock>,
    handles: BTreeMap<SegmentId, SegmentHandle>,
    ids: BTreeMap<SegmentHandle, SegmentId>,
    next_handle: u64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub const fn new(settings: &MemoryStoreSettings) -> Self {
        Self {
            verified: Shelf::new(settings.verified),
            sealed: Shelf::new(settings.sealed),
            handles: BTreeMap::new(),
            ids: BTreeMap::new(),
            next_handle: 0,
        }
    }

    /// Bytes of all blocks: those verified, and those that are sealed.
    #[must_use]
    pub const fn bytes(&self) -> (u64, u64) {
        (self.verified.bytes(), self.sealed.bytes())
    }

    /// How many segments there is something of.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.handles.len()
    }

    /// Gives segments that came a handle, and takes it from those that went.
    fn name(&mut self, come: Option<SegmentId>, gone: Vec<SegmentId>) {
        for id in gone {
            if self.verified.blocks(&id).is_empty()
                && self.sealed.blocks(&id).is_empty()
                && let Some(handle) = self.handles.remove(&id)
            {
                self.ids.remove(&handle);
            }
        }
        if let Some(id) = come
            && !self.handles.contains_key(&id)
        {
            let handle = SegmentHandle(self.next_handle);
            self.next_handle += 1;
            self.handles.insert(id, handle);
            self.ids.insert(handle, id);
        }
    }
}

impl Holdings for MemoryStore {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        let handle = *self.handles.get(id)?;
        let mut blocks = self.verified.blocks(id);
        let sealed = self.sealed.blocks(id);
        sealed.ranges().for_each(|range| blocks.insert(range));
        let since = [self.verified.since(id), self.sealed.since(id)];
        Some(HeldSegment {
            handle,
            blocks,
            since: since.into_iter().flatten().min()?,
        })
    }

    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        let id = self.ids.get(&segment)?;
        let verified = self.verified.get(id, index);
        let (form, length) = match verified {
            Some(bytes) => (BlockForm::Plain, bytes.len()),
            None => {
                let sealed = self.sealed.get(id, index)?;
                (sealed.form(), sealed.bytes.len())
            }
        };
        let length = u32::try_from(length).ok()?;
        Some(HeldBlock { length, form })
    }
}

impl SealedBlock {
    /// The form of a block that was kept so.
    #[must_use]
    pub const fn form(&self) -> BlockForm {
        BlockForm::Sealed {
            crypto: self.crypto,
            iv: self.iv,
        }
    }
}

impl BlockStore for MemoryStore {
    type Error = ApiMisuse;

    //= CCROD-2.8.2.4.3-01
    //= CCROD-2.8.2.5.5-01
    fn put_verified(
        &mut self,
        now: Instant,
        id: SegmentId,
        index: BlockIndex,
        bytes: Vec<u8>,
    ) -> Result<Put, ApiMisuse> {
        if bytes.is_empty() {
            return Err(ApiMisuse("a block of no bytes is to be kept"));
        }
        let (put, gone) = self.verified.put(now, id, index, bytes);
        if put == Put::Kept {
            // What is known to be good takes the place of what only may be.
            self.sealed.remove_block(&id, index);
        }
        self.name((put == Put::Kept).then_some(id), gone);
        Ok(put)
    }

    fn put_sealed(
        &mut self,
        now: Instant,
        id: SegmentId,
        index: BlockIndex,
        block: SealedBlock,
    ) -> Result<Put, ApiMisuse> {
        if block.bytes.is_empty() {
            return Err(ApiMisuse("a block of no bytes is to be kept"));
        }
        if self.verified.get(&id, index).is_some() {
            return Ok(Put::AlreadyThere);
        }
        let (put, gone) = self.sealed.put(now, id, index, block);
        self.name((put == Put::Kept).then_some(id), gone);
        Ok(put)
    }

    fn read(
        &mut self,
        _now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Result<Option<BlockForm>, ApiMisuse> {
        into.clear();
        if let Some(bytes) = self.verified.read(id, index) {
            into.extend_from_slice(bytes);
            return Ok(Some(BlockForm::Plain));
        }
        let sealed = self.sealed.read(id, index);
        Ok(sealed.map(|block| {
            into.extend_from_slice(&block.bytes);
            block.form()
        }))
    }

    fn verified(&self, id: &SegmentId) -> BlockSet {
        self.verified.blocks(id)
    }

    fn forget(&mut self, id: &SegmentId) -> Result<(), ApiMisuse> {
        self.verified.remove(id);
        self.sealed.remove(id);
        self.name(None, vec![*id]);
        Ok(())
    }

    fn expire(&mut self, now: Instant) -> Result<(), ApiMisuse> {
        let mut gone = self.verified.expire(now);
        gone.extend(self.sealed.expire(now));
        self.name(None, gone);
        Ok(())
    }
}
