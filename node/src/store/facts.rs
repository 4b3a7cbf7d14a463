//! MS-PCCRC 2.2: what must be known of a segment to keep its blocks, to verify them and to serve them.
//! Invariant: facts that went through [`SegmentFacts::check`] do not contradict their id or themselves.
//! Byte order: little-endian where they are written down, which is our own format.

use peerdist::content::{
    BLOCK_BYTES, HashOfData, Segment, SegmentId, SegmentSecret, V1_SEGMENT_BYTES,
    V2_SEGMENT_MAX_BYTES, Version,
};
use peerdist::hash::{Digest, HashAlgorithm};
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};
use peerdist::wire::{Reader, Writer};
use zeroize::Zeroizing;

/// The longest encoding: the hashes of 512 blocks, HoD and Kp, of 64 bytes each, and the rest.
pub(super) const FACTS_MAX_BYTES: usize = 64 * 512 + 2 * 64 + 64 + 16;

/// What content information says of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFacts {
    /// The version of the content information.
    pub version: Version,
    /// The algorithm of its hashes.
    pub hash: HashAlgorithm,
    /// Its bytes.
    pub length: u32,
    /// HoD.
    pub hash_of_data: HashOfData,
    /// Kp. Without it nothing ties HoD to the id, and no block can be encrypted.
    pub secret: Option<SegmentSecret>,
    /// The blocks of version 1.0 whose hash is known.
    pub hashed: BlockSet,
    /// Those hashes, one after another.
    pub block_hashes: Vec<u8>,
}

/// Why facts cannot be of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// A length that no segment has.
    #[error("its length is none that a segment of its version has")]
    Length,
    /// An algorithm that its version does not have.
    #[error("its hash algorithm is none of its version")]
    Algorithm,
    /// HoD, Kp and the id do not belong together.
    #[error("its id is not the one that its HoD and secret make")]
    Id,
    /// The hashes of its blocks do not hash to HoD.
    #[error("the hashes of its blocks do not hash to its HoD")]
    Hashes,
    /// More or fewer hashes than blocks they are for.
    #[error("its list of hashes does not fit its blocks")]
    List,
    /// Something else is known already.
    #[error("other facts are known of it, and both cannot be true")]
    Contradiction,
    /// Bytes that are no facts.
    #[error("its facts cannot be read")]
    Encoding,
}

impl SegmentFacts {
    /// What content information says of a segment.
    #[must_use]
    pub fn of(segment: &Segment<'_>) -> Self {
        let listed = u32::try_from(segment.block_hashes().len()).unwrap_or(0);
        let version = if listed == 0 && segment.hash == HashAlgorithm::Sha512Truncated {
            Version::V2
        } else {
            Version::V1
        };
        let range = BlockRange::new(segment.first_block, listed);
        Self {
            version,
            hash: segment.hash,
            length: segment.length,
            hash_of_data: segment.hash_of_data(),
            secret: Some(segment.secret()),
            hashed: range.map_or(BlockSet::EMPTY, BlockSet::from),
            block_hashes: segment.block_hashes().flatten().copied().collect(),
        }
    }

    /// How many blocks the segment has.
    #[must_use]
    pub const fn block_count(&self) -> u32 {
        match self.version {
            Version::V1 => self.length.div_ceil(BLOCK_BYTES),
            Version::V2 => 1,
        }
    }

    /// Bytes of a block; `None` for a block that the segment does not have.
    #[must_use]
    pub fn block_length(&self, index: BlockIndex) -> Option<u32> {
        if index.get() >= self.block_count() {
            return None;
        }
        Some(match self.version {
            Version::V1 => BLOCK_BYTES.min(self.length - index.get() * BLOCK_BYTES),
            Version::V2 => self.length,
        })
    }

    /// What a block must hash to, where that is known.
    #[must_use]
    pub fn block_hash(&self, index: BlockIndex) -> Option<Digest> {
        if self.version == Version::V2 {
            return (index == BlockIndex::FIRST).then_some(self.hash_of_data.0);
        }
        if !self.hashed.contains(index) {
            return None;
        }
        let before = self.hashed.iter().take_while(|at| *at < index).count();
        let mut hashes = self.block_hashes.chunks_exact(self.hash.digest_len());
        Digest::of(self.hash, hashes.nth(before)?).ok()
    }

    /// Whether the blocks' hashes follow from HoD: in version 2.0 always, in version 1.0 where all are known.
    #[must_use]
    pub fn hashes_are_proven(&self) -> bool {
        self.version == Version::V2 || self.hashed == BlockSet::first_blocks(self.block_count())
    }

    /// Holds the facts against each other and the id.
    ///
    /// # Errors
    /// What contradicts what.
    pub fn check(&self, id: &SegmentId) -> Result<(), FactsError> {
        let (length_max, is_algorithm) = match self.version {
            Version::V1 => (
                V1_SEGMENT_BYTES,
                self.hash != HashAlgorithm::Sha512Truncated,
            ),
            Version::V2 => (
                V2_SEGMENT_MAX_BYTES,
                self.hash == HashAlgorithm::Sha512Truncated,
            ),
        };
        let digest_len = self.hash.digest_len();
        let has_lengths = self.hash_of_data.0.as_bytes().len() == digest_len
            && id.0.as_bytes().len() == digest_len
            && (self.secret.as_ref()).is_none_or(|secret| secret.expose().len() == digest_len);
        if self.length == 0 || self.length > length_max {
            return Err(FactsError::Length);
        }
        if !is_algorithm || !has_lengths {
            return Err(FactsError::Algorithm);
        }
        if self.version == Version::V2 && !self.hashed.is_empty()
            || self.hashed.end() > self.block_count()
            || self.block_hashes.len() != self.hashed.len() as usize * digest_len
        {
            return Err(FactsError::List);
        }
        let is_proven = self.version == Version::V1 && self.hashes_are_proven();
        if is_proven
            && HashOfData::of_block_hashes(self.hash, &self.block_hashes) != self.hash_of_data
        {
            return Err(FactsError::Hashes);
        }
        match &self.secret {
            Some(secret) if secret.segment_id(self.hash, &self.hash_of_data) != *id => {
                Err(FactsError::Id)
            }
            _ => Ok(()),
        }
    }

    /// These facts and those, where both can be true.
    ///
    /// # Errors
    /// [`FactsError::Contradiction`] where they cannot.
    pub fn joined(&self, other: &Self) -> Result<Self, FactsError> {
        let is_same = self.version == other.version
            && self.hash == other.hash
            && self.length == other.length
            && self.hash_of_data == other.hash_of_data;
        if !is_same {
            return Err(FactsError::Contradiction);
        }
        let mut joined = self.clone();
        joined.secret = self.secret.clone().or_else(|| other.secret.clone());
        if self.version == Version::V2 || self.hashes_are_proven() {
            return Ok(joined);
        }
        if other.hashes_are_proven() {
            joined.hashed = other.hashed;
            joined.block_hashes.clone_from(&other.block_hashes);
            return Ok(joined);
        }
        let all = self.hashed.ranges().chain(other.hashed.ranges());
        joined.hashed = all.collect();
        joined.block_hashes.clear();
        for index in joined.hashed.iter() {
            let hash = match (self.block_hash(index), other.block_hash(index)) {
                (Some(one), Some(two)) if one != two => return Err(FactsError::Contradiction),
                (one, two) => one.or(two).ok_or(FactsError::List)?,
            };
            joined.block_hashes.extend_from_slice(hash.as_bytes());
        }
        Ok(joined)
    }

    /// As bytes, with Kp only where that is wanted.
    #[must_use]
    pub fn encode(&self, with_secret: bool) -> Zeroizing<Vec<u8>> {
        // Room for all at once: a vector that grows leaves copies of the secret behind that nobody wipes.
        let mut bytes = Zeroizing::new(Vec::with_capacity(FACTS_MAX_BYTES));
        let secret = self.secret.as_ref().filter(|_| with_secret);
        let mut writer = Writer::new();
        writer
            .u8(match self.version {
                Version::V1 => 1,
                Version::V2 => 2,
            })
            .u8(algorithm_number(self.hash))
            .u8(u8::from(secret.is_some()))
            .u8(0)
            .u32_le(self.length)
            .bytes(self.hash_of_data.0.as_bytes());
        for word in self.hashed.words() {
            writer.u64_le(word);
        }
        bytes.extend_from_slice(&writer.finish());
        bytes.extend_from_slice(&self.block_hashes);
        if let Some(secret) = secret {
            bytes.extend_from_slice(secret.expose());
        }
        bytes
    }

    /// From bytes of [`SegmentFacts::encode`]. They are still to be checked.
    ///
    /// # Errors
    /// [`FactsError::Encoding`] where they are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, FactsError> {
        let wrong = |_| FactsError::Encoding;
        let mut reader = Reader::new(bytes);
        let [version, algorithm, has_secret, zero] = reader.array("Kind").map_err(wrong)?;
        let version = match version {
            1 => Version::V1,
            2 => Version::V2,
            _ => return Err(FactsError::Encoding),
        };
        let hash = algorithm_of(algorithm).ok_or(FactsError::Encoding)?;
        if has_secret > 1 || zero != 0 {
            return Err(FactsError::Encoding);
        }
        let length = u32::from_le_bytes(reader.array("Length").map_err(wrong)?);
        let digest_len = hash.digest_len();
        let hash_of_data = reader.take(digest_len, "HoD").map_err(wrong)?;
        let hash_of_data = Digest::of(hash, hash_of_data).map_err(|_| FactsError::Encoding)?;
        let mut words = [0; 8];
        for word in &mut words {
            *word = u64::from_le_bytes(reader.array("Hashed").map_err(wrong)?);
        }
        let hashed = BlockSet::from_words(words);
        let list = hashed.len() as usize * digest_len;
        let block_hashes = reader.take(list, "BlockHashes").map_err(wrong)?.to_vec();
        let secret = if has_secret == 1 {
            let secret = reader.take(digest_len, "Kp").map_err(wrong)?;
            Some(SegmentSecret::new(secret))
        } else {
            None
        };
        if reader.remaining() != 0 {
            return Err(FactsError::Encoding);
        }
        Ok(Self {
            version,
            hash,
            length,
            hash_of_data: HashOfData(hash_of_data),
            secret,
            hashed,
            block_hashes,
        })
    }
}

/// The numbers of algorithms in our files.
pub(super) const fn algorithm_number(hash: HashAlgorithm) -> u8 {
    match hash {
        HashAlgorithm::Sha256 => 1,
        HashAlgorithm::Sha384 => 2,
        HashAlgorithm::Sha512 => 3,
        HashAlgorithm::Sha512Truncated => 4,
    }
}

pub(super) fn algorithm_of(number: u8) -> Option<HashAlgorithm> {
    let mut all = HashAlgorithm::ALL.into_iter();
    all.find(|hash| algorithm_number(*hash) == number)
}
