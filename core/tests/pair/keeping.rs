//! What a hosted cache keeps: hashes and secrets of segments, blocks that were verified, and blocks as they came.
//! Invariant: a block is held as verified only where it agrees with the hash that is kept of it.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::cipher::DecryptJob;
use peerdist::content::{BLOCK_BYTES, HashOfData, SegmentSecret};
use peerdist::hash::{HashAlgorithm, digest};
use peerdist::hosted_cache::server::{Fetch, Input, KeepHashes};
use peerdist::hosted_cache::{BlockSet, SegmentKey};
use peerdist::retrieval::server::{BlockForm, Holdings};
use peerdist::retrieval::{self, BlockIndex, CryptoAlgorithm, block_key};
use peerdist::store::{BlockStore, SealedBlock};

use crate::broken::{Broken, ensure};
use crate::world::{Bug, World};

/// What was learnt from offers about a segment.
pub(super) struct Kept {
    pub(super) secret: SegmentSecret,
    length: u32,
    hash_of_data: HashOfData,
    hashes: BTreeMap<u32, Vec<u8>>,
}

/// A block of a fetch, plain or as it came.
pub(super) struct Arrived {
    pub(super) bytes: Vec<u8>,
    pub(super) crypto: CryptoAlgorithm,
    pub(super) iv: [u8; 16],
}

pub(super) fn block_length(key: SegmentKey, length: u32, block: u32) -> u32 {
    match key.algorithm {
        HashAlgorithm::Sha512Truncated => length,
        _ => length
            .saturating_sub(block * BLOCK_BYTES)
            .clamp(1, BLOCK_BYTES),
    }
}

fn as_hosted(blocks: &retrieval::BlockSet) -> BlockSet {
    blocks.iter().map(BlockIndex::get).collect()
}

impl Kept {
    /// Whether the hashes are those of all blocks.
    fn is_proven(&self, key: SegmentKey) -> bool {
        let all = self.hashes.len() == self.length.div_ceil(BLOCK_BYTES) as usize;
        let list: Vec<_> = self.hashes.values().flatten().copied().collect();
        all && HashOfData::of_block_hashes(key.algorithm, &list) == self.hash_of_data
    }

    fn agrees(&self, key: SegmentKey, block: u32, bytes: &[u8]) -> bool {
        let hash = self.hashes.get(&block).map(Vec::as_slice);
        hash == Some(digest(key.algorithm, bytes).as_bytes())
    }

    fn open(&self, key: SegmentKey, block: u32, sealed: &SealedBlock) -> Option<Vec<u8>> {
        let mut bytes = sealed.bytes.clone();
        if let Some(cipher) = sealed.crypto.cipher() {
            let cipher_key = block_key(cipher, &self.secret).ok()?;
            let job = DecryptJob::new(&cipher_key, sealed.iv, &mut bytes).ok()?;
            peerdist::cipher::decrypt_many(&mut [job]);
        }
        let length = block_length(key, self.length, block) as usize;
        bytes.truncate(length);
        (bytes.len() == length).then_some(bytes)
    }
}

impl World {
    /// What the disk of a hosted cache has, as its machine is told at the start.
    pub(super) fn on_disk_of_cache(&self, number: usize) -> Vec<Input<'static>> {
        let node = &self.nodes[number];
        let keys = (0..self.scene.segments.len()).map(|it| self.scene.key_of(it));
        let restored = keys.enumerate().filter_map(|(segment, key)| {
            let held = as_hosted(&node.store.segment(&key.id)?.blocks);
            let verified = as_hosted(&node.store.verified(&key.id));
            let kept = node.cache.as_ref()?.kept.get(&key);
            let hashed = kept.map(|kept| kept.hashes.keys().copied().collect());
            Some(Input::Restored {
                key,
                length: self.scene.segments[segment].length,
                is_proven: kept.is_some_and(|kept| kept.is_proven(key)),
                hashed: hashed.unwrap_or_default(),
                verified,
                unverified: held.difference(&verified),
            })
        });
        restored.collect()
    }

    pub(super) fn keep_hashes(
        &mut self,
        number: usize,
        keep: &KeepHashes,
        message: &[u8],
    ) -> Result<(), Broken> {
        let wrong = u32::from(self.bug == Bug::MixesHashesUp);
        let list = message.get(keep.list.clone()).ok_or("no list there")?;
        let hashes: Vec<_> = list.chunks_exact(keep.key.algorithm.digest_len()).collect();
        let cache = self.its_cache(number)?;
        let kept = cache.kept.entry(keep.key).or_insert_with(|| Kept {
            secret: keep.secret.clone(),
            length: keep.length,
            hash_of_data: keep.hash_of_data,
            hashes: BTreeMap::new(),
        });
        if keep.replaces {
            kept.hashes.clear();
        }
        (kept.length, kept.hash_of_data) = (keep.length, keep.hash_of_data);
        for block in keep.blocks.iter() {
            let place = (block - keep.first_block + wrong) as usize % hashes.len();
            kept.hashes.insert(block, hashes[place].to_vec());
        }
        Ok(())
    }

    /// Keeps what came of a fetch, and tells which blocks.
    pub(super) fn keep_arrived(
        &mut self,
        number: usize,
        fetch: &Fetch,
        arrived: Vec<(u32, Arrived)>,
    ) -> Result<BlockSet, Broken> {
        let (now, bug) = (self.now, self.bug);
        let id = fetch.key.id;
        let mut stored = BlockSet::EMPTY;
        for (block, arrived) in arrived {
            let index = BlockIndex::new(block).ok_or("no block")?;
            let kept = self.its_cache(number)?.kept.get(&fetch.key);
            let agrees = kept.is_some_and(|kept| kept.agrees(fetch.key, block, &arrived.bytes));
            let is_trusted = !fetch.hashes_are_known && bug == Bug::TrustsCiphertext;
            if fetch.hashes_are_known || is_trusted {
                if !agrees && bug != Bug::CacheSkipsVerification && !is_trusted {
                    self.total.lies += 1;
                    continue;
                }
                self.keep_verified(number, fetch.key, index, arrived.bytes)?;
            } else {
                let block = SealedBlock {
                    crypto: arrived.crypto,
                    iv: arrived.iv,
                    bytes: arrived.bytes,
                };
                if !block.bytes.is_empty() {
                    self.nodes[number].store.put_sealed(now, id, index, block)?;
                    self.total.sealed += 1;
                }
            }
            stored = stored.union(&BlockSet::range(block, 1));
        }
        if bug == Bug::TellsOfMore {
            return Ok(fetch.blocks);
        }
        Ok(stored)
    }

    fn keep_verified(
        &mut self,
        number: usize,
        key: SegmentKey,
        index: BlockIndex,
        bytes: Vec<u8>,
    ) -> Result<(), Broken> {
        let segment = self.scene.segment_of(&key.id);
        let segment = segment.ok_or("a segment was verified that nobody has")?;
        let is_right = bytes == self.scene.block(segment, index);
        ensure!(is_right, "the cache holds a block that is not the content");
        self.nodes[number]
            .store
            .put_verified(self.now, key.id, index, bytes)?;
        self.total.cached += 1;
        Ok(())
    }

    pub(crate) fn recheck(
        &mut self,
        number: usize,
        (key, name): (SegmentKey, u64),
        checked: BlockSet,
    ) -> Result<(), Broken> {
        let now = self.now;
        self.total.rechecks += 1;
        let node = &mut self.nodes[number];
        let cache = node.cache.as_mut().ok_or("no hosted cache is here")?;
        cache.rechecks.remove(&(key, name));
        let (mut good, mut opened) = (BlockSet::EMPTY, Vec::new());
        let kept = cache.kept.get(&key);
        for block in checked.iter() {
            let index = BlockIndex::new(block).ok_or("no block")?;
            let stored = node.store.read(now, &key.id, index)?;
            let plain = stored.and_then(|stored| match stored.form {
                BlockForm::Plain => Some(stored.bytes.to_vec()),
                BlockForm::Sealed { crypto, iv } => {
                    let bytes = stored.bytes.to_vec();
                    kept?.open(key, block, &SealedBlock { crypto, iv, bytes })
                }
            });
            let plain = plain.filter(|it| kept.is_some_and(|kept| kept.agrees(key, block, it)));
            if let Some(plain) = plain {
                good = good.union(&BlockSet::range(block, 1));
                opened.push((index, plain));
            }
        }
        for (index, plain) in opened {
            self.keep_verified(number, key, index, plain)?;
        }
        let input = Input::Rechecked { key, checked, good };
        self.cache(number, input, &[]).map(|_| ())
    }

    pub(super) fn discard(
        &mut self,
        number: usize,
        key: SegmentKey,
        blocks: &BlockSet,
        only_ciphertext: bool,
    ) -> Result<(), Broken> {
        let (now, store) = (self.now, &mut self.nodes[number].store);
        let held = store.segment(&key.id).map(|held| as_hosted(&held.blocks));
        let mut left = Vec::new();
        for block in held.unwrap_or_default().iter() {
            let index = BlockIndex::new(block).ok_or("no block")?;
            let stored = store.read(now, &key.id, index)?.ok_or("no block there")?;
            let is_named = blocks.contains(block);
            if !is_named || only_ciphertext && stored.form == BlockForm::Plain {
                left.push((index, stored.form, stored.bytes.to_vec()));
            }
        }
        store.forget(&key.id)?;
        for (index, form, bytes) in left {
            match form {
                BlockForm::Plain => store.put_verified(now, key.id, index, bytes)?,
                BlockForm::Sealed { crypto, iv } => {
                    let block = SealedBlock { crypto, iv, bytes };
                    store.put_sealed(now, key.id, index, block)?
                }
            };
        }
        Ok(())
    }

    /// A hosted cache loses a segment from its disk.
    pub(crate) fn evict(&mut self, number: usize, segment: usize) -> Result<(), Broken> {
        let key = self.scene.key_of(segment);
        let store = &mut self.nodes[number].store;
        let held = store.segment(&key.id).map(|held| as_hosted(&held.blocks));
        if let Some(blocks) = held {
            self.total.evicted += 1;
            store.forget(&key.id)?;
            self.cache(number, Input::Evicted { key, blocks }, &[])?;
        }
        Ok(())
    }

    /// What a hosted cache was told and what it has are the same; with `all`, of every block in the world.
    pub(crate) fn check_cache(&self, number: usize, all: bool) -> Result<(), Broken> {
        let node = &self.nodes[number];
        let Some(cache) = &node.cache else {
            return Ok(());
        };
        let (there, most) = (node.store.segments(), self.scene.segments.len());
        ensure!(there <= most, "{there} segments, of {most} in the world");
        for segment in 0..most {
            let key = self.scene.key_of(segment);
            if cache.rechecks.iter().any(|(of, _)| *of == key) {
                continue;
            }
            let verified = as_hosted(&node.store.verified(&key.id));
            let held = node.store.segment(&key.id).map(|it| as_hosted(&it.blocks));
            let held = held.unwrap_or_default();
            let told = cache.server.held(&key);
            let agrees = told == (verified, held.difference(&verified));
            ensure!(
                agrees,
                "the cache believes in {told:?}, and has {verified:?} of {held:?}"
            );
            let is_whole = held == as_hosted(&self.scene.segments[segment].blocks);
            ensure!(!all || is_whole, "the cache never got segment {segment}");
        }
        Ok(())
    }
}
