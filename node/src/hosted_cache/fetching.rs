//! A fetch from its order to its end: what is there already, what can be verified, and the blocks that came.
//! Invariant: a block with a known hash is kept only if it agrees; one without is kept sealed, and only if encrypted.
//! Byte order: none.

use std::sync::Arc;

use peerdist::content::{BLOCK_BYTES, SegmentId};
use peerdist::hash::HashAlgorithm;
use peerdist::hosted_cache::server::Fetch;
use peerdist::retrieval::client::{Reading, ReceivedBlock};
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet, payload_len};
use peerdist::store::{Put, SealedBlock};
use tokio_util::sync::CancellationToken;

use super::options::FetchLimits;
use super::session::Session;
use crate::clock::Clock;
use crate::counters::HostedCacheCounters;
use crate::http::client::Client;
use crate::store::{SegmentFacts, Store, StoreError};
use crate::world::offload;

pub(super) struct Fetcher<N> {
    pub(super) client: Client<N>,
    pub(super) store: Store,
    pub(super) limits: FetchLimits,
    pub(super) clock: Clock,
    pub(super) counters: Arc<HostedCacheCounters>,
}

/// What is known of a segment when its fetch begins.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) id: SegmentId,
    facts: Option<Arc<SegmentFacts>>,
    /// The longest that a block can be whose length nobody knows.
    length_most: u32,
    /// BlockSet of those wanted that the store has.
    pub(super) there: BlockSet,
    /// BlockSet to ask for.
    pub(super) needed: BlockSet,
}

impl Plan {
    fn of(store: &Store, fetch: &Fetch) -> Result<Self, StoreError> {
        let (id, algorithm) = (fetch.key.id, fetch.key.algorithm);
        let wanted = fetch.blocks;
        let facts = store.facts(&id)?;
        let facts = facts.filter(|facts| facts.secret.is_some() && facts.hash == algorithm);
        let summary = store.inspect(&id)?;
        let mut there = BlockSet::EMPTY;
        if let Some(summary) = summary {
            if summary.is_proven {
                summary
                    .verified
                    .ranges()
                    .for_each(|range| there.insert(range));
            }
            if !fetch.hashes_are_known {
                summary
                    .sealed
                    .ranges()
                    .for_each(|range| there.insert(range));
            }
        }
        let there = there.intersection(&wanted);
        let mut plan = Self {
            id,
            facts,
            length_most: match algorithm {
                HashAlgorithm::Sha512Truncated => fetch.segment_length,
                _ => BLOCK_BYTES,
            },
            there,
            needed: wanted.difference(&there),
        };
        if fetch.hashes_are_known {
            // Hashes that gave way meanwhile: without them nothing may be kept.
            let verifiable = plan
                .needed
                .iter()
                .filter(|index| plan.is_verifiable(*index));
            plan.needed = verifiable.collect();
        }
        Ok(plan)
    }

    fn is_verifiable(&self, index: BlockIndex) -> bool {
        let facts = self.facts.as_deref();
        facts.is_some_and(|facts| facts.block_hash(index).is_some())
    }

    /// What is to become of a block.
    pub(super) fn reading(&self, index: BlockIndex) -> Reading {
        let facts = self.facts.as_deref().filter(|_| self.is_verifiable(index));
        match facts.and_then(|facts| facts.block_length(index)) {
            Some(length) => Reading::Plain { length },
            None => Reading::AsReceived,
        }
    }

    pub(super) fn facts(&self) -> Option<&SegmentFacts> {
        self.facts.as_deref()
    }
}

/// What became of a block that came.
pub(super) enum Kept {
    Yes,
    /// It is not what it should be: the client's fault.
    Wrong,
    /// The store cannot keep it: no use to go on.
    Cannot,
}

impl<N: crate::net::Network> Fetcher<N> {
    /// Fetches, until all is there, the client is of no use, or it is cancelled: the blocks that are kept.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        fetch: Fetch,
        cancel: &CancellationToken,
    ) -> Option<BlockSet> {
        let store = self.store.clone();
        let order = fetch.clone();
        let plan = offload(move || Plan::of(&store, &order)).await;
        let plan = match plan.ok()? {
            Ok(plan) => plan,
            Err(error) => {
                self.counters.store_failures.add(1);
                tracing::warn!(%error, "the store failed, and nothing is fetched");
                return None;
            }
        };
        let mut stored = plan.there;
        if !plan.needed.is_empty() {
            let session = Session::new(Arc::clone(self), plan, fetch.from);
            let came = session?.run(cancel).await;
            came.ranges().for_each(|range| stored.insert(range));
        }
        Some(stored.intersection(&fetch.blocks))
    }

    /// Keeps a block out of the message that brought it.
    pub(super) async fn keep(&self, plan: &Plan, block: ReceivedBlock, message: Vec<u8>) -> Kept {
        let is_verifiable = plan.is_verifiable(block.index);
        let length = block.place.length;
        if !is_verifiable && !is_fit_to_seal(plan, &block) {
            self.counters.blocks_not_kept.add(1);
            return Kept::Wrong;
        }
        let (store, id, now) = (self.store.clone(), plan.id, self.clock.now());
        let put = offload(move || {
            let bytes = block.place.of(&message).unwrap_or_default();
            if is_verifiable {
                return store.put_verified(now, &id, block.index, bytes);
            }
            let sealed = SealedBlock {
                crypto: block.crypto,
                iv: block.iv.unwrap_or_default(),
                bytes: bytes.to_vec(),
            };
            store.put_sealed(now, &id, block.index, &sealed)
        });
        match put.await {
            Ok(Ok(Put::Kept | Put::AlreadyThere)) => {
                let (blocks, bytes) = match is_verifiable {
                    true => (
                        &self.counters.blocks_verified,
                        &self.counters.blocks_verified_bytes,
                    ),
                    false => (
                        &self.counters.blocks_sealed,
                        &self.counters.blocks_sealed_bytes,
                    ),
                };
                blocks.add(1);
                bytes.add(length as u64);
                Kept::Yes
            }
            Ok(Err(StoreError::WrongBlock { id, index })) => {
                self.counters.blocks_wrong.add(1);
                tracing::info!(%id, %index, "a block does not agree with its hash");
                Kept::Wrong
            }
            Ok(Ok(Put::TooLarge)) => {
                self.counters.blocks_not_kept.add(1);
                Kept::Cannot
            }
            Ok(Err(error)) => {
                self.counters.blocks_not_kept.add(1);
                tracing::warn!(%error, "a block was not kept");
                Kept::Cannot
            }
            Err(_) => Kept::Cannot,
        }
    }
}

/// Whether a block that nobody here can read may be handed on as it came. One that came in the open would be served in
/// the open to whoever knows its segment's id.
fn is_fit_to_seal(plan: &Plan, block: &ReceivedBlock) -> bool {
    let longest = payload_len(block.crypto, plan.length_most as usize);
    block.iv.is_some() && block.crypto.cipher().is_some() && block.place.length <= longest
}

/// One block as a set.
pub(super) fn one(index: BlockIndex) -> BlockSet {
    BlockRange::one(index).into()
}
