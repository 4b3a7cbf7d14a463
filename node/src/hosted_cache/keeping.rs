//! What the machine wants stored, looked at again, and removed. All of it may wait for the disk.
//! Invariant: a block becomes a verified one only through the store's own look at its hash.
//! Byte order: none.

use peerdist::cipher::{DecryptJob, decrypt_many, unpad_to};
use peerdist::content::{SegmentId, Version};
use peerdist::hosted_cache::SegmentKey;
use peerdist::hosted_cache::server::KeepHashes;
use peerdist::retrieval::block_key;
use peerdist::retrieval::server::BlockForm;
use peerdist::retrieval::{BlockIndex, BlockSet};
use peerdist::time::Instant;

use crate::store::{SegmentFacts, Store, StoreError};

/// Stores hashes out of the message that brought them.
pub(super) fn keep_hashes(
    store: &Store,
    now: Instant,
    keep: &KeepHashes,
    message: &[u8],
) -> Result<(), StoreError> {
    let algorithm = keep.key.algorithm;
    let list = message.get(keep.list.clone()).unwrap_or_default();
    let listed = (keep.first_block..).zip(list.chunks_exact(algorithm.digest_len()));
    let is_taken = |index| BlockIndex::new(index).is_some_and(|index| keep.blocks.contains(index));
    let taken = listed.filter(|(index, _)| is_taken(*index));
    let block_hashes: Vec<u8> = taken.flat_map(|(_, hash)| hash).copied().collect();
    let facts = SegmentFacts {
        version: Version::V1,
        hash: algorithm,
        length: keep.length,
        hash_of_data: keep.hash_of_data,
        secret: Some(keep.secret.clone()),
        hashed: keep.blocks,
        block_hashes,
    };
    let id = &keep.key.id;
    match store.describe(now, id, &facts) {
        Err(StoreError::Facts { .. }) if keep.replaces => {
            // What was believed of it, and never proven, contradicts what is proven now.
            store.forget(id)?;
            store.describe(now, id, &facts)
        }
        described => described,
    }
}

/// The blocks among these that agree with the hashes kept now; those that were sealed are verified ones from here on.
pub(super) fn recheck(
    store: &Store,
    now: Instant,
    key: &SegmentKey,
    blocks: &BlockSet,
) -> Result<BlockSet, StoreError> {
    let facts = store.facts(&key.id)?;
    let Some(facts) = facts.filter(|facts| facts.hash == key.algorithm) else {
        return Ok(BlockSet::EMPTY);
    };
    let mut bytes = Vec::new();
    let mut good = BlockSet::EMPTY;
    for index in blocks.iter() {
        let is_good = match store.read(now, &key.id, index, &mut bytes)? {
            // The store compared it with its digest, and that with the facts when they came.
            Some(BlockForm::Plain) => facts.block_hash(index).is_some(),
            Some(form) => {
                let length = facts.block_length(index).unwrap_or(0);
                match opened(&facts, form, &mut bytes, length as usize) {
                    Some(plain) if facts.block_hash(index).is_some() => {
                        is_kept(store.put_verified(now, &key.id, index, plain))?
                    }
                    _ => false,
                }
            }
            None => false,
        };
        if is_good {
            good = good.union(&BlockSet::range(index.get(), 1));
        }
    }
    Ok(good)
}

/// A block that came sealed, decrypted where it stands.
fn opened<'a>(
    facts: &SegmentFacts,
    form: BlockForm,
    bytes: &'a mut [u8],
    length: usize,
) -> Option<&'a [u8]> {
    let BlockForm::Sealed { crypto, iv } = form else {
        return Some(bytes);
    };
    let Some(cipher) = crypto.cipher() else {
        return Some(bytes);
    };
    let key = block_key(cipher, facts.secret.as_ref()?).ok()?;
    decrypt_many(&mut [DecryptJob::new(&key, iv, bytes).ok()?]);
    unpad_to(bytes, length).ok().map(|(plain, _)| plain)
}

fn is_kept(put: Result<peerdist::store::Put, StoreError>) -> Result<bool, StoreError> {
    use peerdist::store::Put;
    match put {
        Ok(Put::Kept | Put::AlreadyThere) => Ok(true),
        Ok(Put::TooLarge) | Err(StoreError::WrongBlock { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes blocks.
pub(super) fn discard(
    store: &Store,
    id: &SegmentId,
    blocks: &BlockSet,
    only_ciphertext: bool,
) -> Result<(), StoreError> {
    store.forget_blocks(id, blocks, only_ciphertext)
}

/// Removes what is known of a segment without blocks.
pub(super) fn forget(store: &Store, key: &SegmentKey) -> Result<(), StoreError> {
    let Some(summary) = store.inspect(&key.id)? else {
        return Ok(());
    };
    // Blocks that came by another way than an offer stay.
    if summary.verified.is_empty() && summary.sealed.is_empty() {
        store.forget(&key.id)?;
    }
    Ok(())
}
