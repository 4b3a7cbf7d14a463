//! What a store must do for a peer, and that the store on disk does it.
//! Invariant: a segment whose facts are not proven is neither told of nor served.
//! Byte order: none.

use std::fmt;
use std::sync::Arc;

use peerdist::content::{BLOCK_BYTES, SegmentId, SegmentSecret, Version};
use peerdist::discovery::{Held, Holdings as Discovered};
use peerdist::retrieval::BlockIndex;
use peerdist::retrieval::server::{BlockForm, Holdings};
use peerdist::time::Instant;

use crate::clock::Clock;
use crate::store::Store;

/// What there is, for both protocols of a peer. What cannot be read counts as not there.
pub trait Cache: Holdings + Send + Sync + 'static {
    /// Kp of a segment, under which its blocks travel.
    fn secret(&self, id: &SegmentId) -> Option<SegmentSecret>;

    /// Puts the bytes of a block in place of what is in `into`, and tells their form. May wait for the disk.
    /// Where there is none, what `into` holds is nothing to rely on.
    fn load(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Option<BlockForm>;

    /// The same where it takes no waiting. `None` means nothing: the block is to be loaded then.
    fn load_at_hand(
        &self,
        _now: Instant,
        _id: &SegmentId,
        _index: BlockIndex,
        _into: &mut Vec<u8>,
    ) -> Option<BlockForm> {
        None
    }

    /// What a probe for a segment is to be told.
    fn held(&self, now: Instant, id: &SegmentId) -> Option<Held>;

    /// Drops what is too old, and tells how many segments. May wait for the disk.
    fn expire(&self, now: Instant) -> u64;
}

impl Cache for Store {
    fn secret(&self, id: &SegmentId) -> Option<SegmentSecret> {
        let facts = told(self.facts(id))?;
        facts?.secret.clone()
    }

    fn load(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Option<BlockForm> {
        told(self.read(now, id, index, into))?
    }

    fn load_at_hand(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Option<BlockForm> {
        told(self.read_at_hand(now, id, index, into))?
    }

    fn held(&self, now: Instant, id: &SegmentId) -> Option<Held> {
        let summary = told(self.inspect(id))??;
        let (version, length) = (summary.version?, summary.length?);
        let all = match version {
            Version::V1 => length.div_ceil(BLOCK_BYTES),
            Version::V2 => 1,
        };
        let blocks = summary.verified.len();
        summary.is_proven.then(|| Held {
            version,
            blocks,
            is_complete: blocks >= all,
            age: Some(now.since(Instant::from_nanos(summary.since))),
            replies: summary.replies,
        })
    }

    fn expire(&self, now: Instant) -> u64 {
        told(Self::expire(self, now)).unwrap_or(0)
    }
}

fn told<T, E: fmt::Display>(result: Result<T, E>) -> Option<T> {
    result
        .inspect_err(|error| tracing::warn!(%error, "the store could not be read"))
        .ok()
}

/// A cache as discovery asks it.
pub struct Discoverable<C> {
    cache: Arc<C>,
    clock: Clock,
}

impl<C> Discoverable<C> {
    /// Of a cache, whose ages are told by this clock.
    #[must_use]
    pub const fn new(cache: Arc<C>, clock: Clock) -> Self {
        Self { cache, clock }
    }
}

impl<C> fmt::Debug for Discoverable<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Discoverable")
    }
}

impl<C: Cache> Discovered for Discoverable<C> {
    fn held(&self, id: &SegmentId) -> Option<Held> {
        self.cache.held(self.clock.now(), id)
    }
}
