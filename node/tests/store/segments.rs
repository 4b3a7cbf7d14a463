//! Segments to keep: content of a number, its facts, its id.

use std::path::Path;

use peerdist::content::{HashOfData, SecretKey, SegmentId, ServerSecret, Version};
use peerdist::hash::{HashAlgorithm, digest};
use peerdist::retrieval::{BlockIndex, BlockSet, CryptoAlgorithm};
use peerdist::store::SealedBlock;
use peerdist::time::{Duration, Instant};
use peerdist_node::store::{KeepLimits, SegmentFacts, Space, Store, StoreSettings};

pub(crate) const BLOCK: usize = 65_536;
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A segment with all of its bytes.
#[derive(Clone)]
pub(crate) struct Whole {
    pub(crate) id: SegmentId,
    pub(crate) facts: SegmentFacts,
    pub(crate) bytes: Vec<u8>,
}

impl Whole {
    pub(crate) fn block(&self, index: u32) -> &[u8] {
        let start = index as usize * BLOCK;
        match self.facts.version {
            Version::V1 => &self.bytes[start..self.bytes.len().min(start + BLOCK)],
            Version::V2 => &self.bytes,
        }
    }

    pub(crate) fn describe(&self, store: &Store) {
        store.describe(now(), &self.id, &self.facts).unwrap();
    }

    pub(crate) fn put(&self, store: &Store, index: u32) {
        self.describe(store);
        store
            .put_verified(now(), &self.id, at(index), self.block(index))
            .unwrap();
    }

    pub(crate) fn put_all(&self, store: &Store) {
        (0..self.facts.block_count()).for_each(|index| self.put(store, index));
    }

    /// Whether the block is there; it is as it should be, or this fails.
    pub(crate) fn reads(&self, store: &Store, index: u32) -> bool {
        let mut bytes = Vec::new();
        let form = store.read(now(), &self.id, at(index), &mut bytes).unwrap();
        assert!(
            form.is_none() || bytes == self.block(index),
            "a wrong block"
        );
        form.is_some()
    }
}

pub(crate) fn bytes(number: u64, length: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(length).collect()
}

pub(crate) fn v2(number: u64, length: usize) -> Whole {
    whole(number, length, HashAlgorithm::Sha512Truncated)
}

pub(crate) fn v1(number: u64, length: usize) -> Whole {
    whole(number, length, HashAlgorithm::Sha256)
}

pub(crate) fn whole(number: u64, length: usize, hash: HashAlgorithm) -> Whole {
    let bytes = bytes(number, length);
    let key = SecretKey::new(vec![7; 32]).unwrap();
    let server = ServerSecret::new(hash, &key);
    let (version, hashed, block_hashes, hash_of_data) = if hash == HashAlgorithm::Sha512Truncated {
        let hod = HashOfData(digest(hash, &bytes));
        (Version::V2, BlockSet::EMPTY, Vec::new(), hod)
    } else {
        let hashes: Vec<u8> = bytes
            .chunks(BLOCK)
            .flat_map(|block| digest(hash, block).as_bytes().to_vec())
            .collect();
        let count = u32::try_from(bytes.len().div_ceil(BLOCK)).unwrap();
        let hod = HashOfData::of_block_hashes(hash, &hashes);
        (Version::V1, BlockSet::first_blocks(count), hashes, hod)
    };
    let secret = server.segment_secret(&hash_of_data);
    Whole {
        id: secret.segment_id(hash, &hash_of_data),
        facts: SegmentFacts {
            version,
            hash,
            length: u32::try_from(bytes.len()).unwrap(),
            hash_of_data,
            secret: Some(secret),
            hashed,
            block_hashes,
        },
        bytes,
    }
}

pub(crate) fn sealed(number: u64, length: usize) -> SealedBlock {
    SealedBlock {
        crypto: CryptoAlgorithm::AES_128,
        iv: [number.to_le_bytes()[0]; 16],
        bytes: bytes(number ^ 0x5ea1, length),
    }
}

pub(crate) fn at(index: u32) -> BlockIndex {
    BlockIndex::new(index).unwrap()
}

pub(crate) fn now() -> Instant {
    peerdist_node::store::wall_clock()
}

pub(crate) fn settings(verified: u64, sealed: u64) -> StoreSettings {
    let keep = |bytes| KeepLimits {
        space: Space::Bytes(bytes),
        age_limit_ms: 28 * 24 * 60 * 60 * 1_000,
    };
    StoreSettings {
        verified: keep(verified),
        sealed: keep(sealed),
        reserve_bytes: 1 << 20,
        ..StoreSettings::default()
    }
}

pub(crate) fn open(path: &Path) -> Store {
    Store::open(path, &settings(1 << 30, 1 << 28)).unwrap()
}
