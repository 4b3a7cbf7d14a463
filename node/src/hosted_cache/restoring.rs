//! What a store holds, as the machine is told it: at the start of all, later of what changed.
//! Invariant: no more segments are told than the machine may know, and of those left out people are told.
//! Byte order: none.

use peerdist::content::{BLOCK_BYTES, SegmentId, Version};
use peerdist::error::ApiMisuse;
use peerdist::hash::HashAlgorithm;
use peerdist::hosted_cache::SegmentKey;
use peerdist::hosted_cache::server::{Input, Server};
use peerdist::retrieval::BlockSet;
use peerdist::time::Instant;

use crate::store::{LIST_PAGE, SegmentSummary, Store, StoreError};

/// How many segments the machine was told of, and how many had no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Restored {
    pub(super) known: u64,
    pub(super) left_out: u64,
}

/// Tells the machine what the store holds.
pub(super) fn restore(
    machine: &mut Server,
    store: &Store,
    now: Instant,
) -> Result<Restored, StoreError> {
    let mut restored = Restored::default();
    let mut after = None;
    loop {
        let page = store.list(after.as_ref(), LIST_PAGE)?;
        let Some(last) = page.last() else {
            return Ok(restored);
        };
        after = Some(last.id);
        for summary in &page {
            let Some(input) = told(store, summary)? else {
                continue;
            };
            match machine.handle(now, input) {
                Ok(()) => restored.known += 1,
                Err(ApiMisuse(why)) => {
                    tracing::debug!(id = %summary.id, why, "left out at the start");
                    restored.left_out += 1;
                }
            }
        }
    }
}

/// What there is to tell of a segment.
fn told(store: &Store, summary: &SegmentSummary) -> Result<Option<Input<'static>>, StoreError> {
    let id = summary.id;
    let facts = store.facts(&id)?.filter(|facts| facts.secret.is_some());
    let sealed = summary.sealed;
    let Some(facts) = facts else {
        // Verified, perhaps, but not to be served before somebody offers its secret: as good as not there.
        return Ok((!sealed.is_empty()).then(|| {
            let algorithm = guessed(&id, &summary.sealed);
            Input::Restored {
                key: SegmentKey { algorithm, id },
                length: summary.sealed.end().saturating_mul(BLOCK_BYTES),
                is_proven: false,
                hashed: BlockSet::EMPTY,
                verified: BlockSet::EMPTY,
                unverified: sealed,
            }
        }));
    };
    let key = SegmentKey {
        algorithm: facts.hash,
        id,
    };
    let hashed = facts.hashed;
    let verified = summary.verified.intersection(&hashed);
    let is_v1 = facts.version == Version::V1;
    let held = summary.verified.union(&sealed);
    Ok((!held.is_empty()).then(|| Input::Restored {
        key,
        length: facts.length,
        is_proven: is_v1 && facts.hashes_are_proven(),
        hashed,
        verified,
        // The machine knows no verified segments of version 2.0: to it they are there, and that is enough.
        unverified: if is_v1 {
            sealed.difference(&verified)
        } else {
            held
        },
    }))
}

/// The algorithm that sealed blocks were offered under, which is not written down. A wrong guess costs one fetch.
fn guessed(id: &SegmentId, sealed: &BlockSet) -> HashAlgorithm {
    match id.0.as_bytes().len() {
        48 => HashAlgorithm::Sha384,
        64 => HashAlgorithm::Sha512,
        _ if sealed.end() == 1 => HashAlgorithm::Sha512Truncated,
        _ => HashAlgorithm::Sha256,
    }
}

/// What the machine is told of a segment that changed: blocks that are not there.
pub(super) fn gone(store: &Store, id: &SegmentId) -> Result<Vec<Input<'static>>, StoreError> {
    let blocks = BlockSet::first_blocks(u32::MAX).difference(&held(store, id)?);
    let algorithms = HashAlgorithm::ALL.into_iter();
    let length = id.0.as_bytes().len();
    let algorithms = algorithms.filter(|algorithm| algorithm.digest_len() == length);
    let input = |algorithm| Input::Evicted {
        key: SegmentKey { algorithm, id: *id },
        blocks,
    };
    Ok(algorithms.map(input).collect())
}

/// The blocks of a segment that are there, in whatever form.
pub(super) fn held(store: &Store, id: &SegmentId) -> Result<BlockSet, StoreError> {
    let summary = store.inspect(id)?;
    Ok(summary.map_or(BlockSet::EMPTY, |summary| {
        summary.verified.union(&summary.sealed)
    }))
}
