//! The content of a world: bytes, secrets, and content information where offers carry it.
//! Invariant: the content never changes; what hosts hold of it is in their stores, right or wrong.
//! Byte order: none.

use peerdist::cipher::BlockCipher;
use peerdist::client::WantedSegment;
use peerdist::content::create::Creator;
use peerdist::content::{BLOCK_BYTES, ContentInfo, SecretKey, SegmentId, SegmentSecret, Version};
use peerdist::hash::{Digest, HashAlgorithm};
use peerdist::hosted_cache::{self, SegmentKey};
use peerdist::retrieval::server::{EncryptOp, Holdings, SegmentHandle};
use peerdist::retrieval::{BlockIndex, BlockSet, CryptoAlgorithm, block_key};
use peerdist::store::{MemoryStore, SealedBlock};

use crate::faults::Faults;

pub(crate) struct Scene {
    pub(crate) version: Version,
    pub(crate) bytes: Vec<u8>,
    pub(crate) segments: Vec<WantedSegment>,
    pub(crate) secrets: Vec<SegmentSecret>,
    /// Content information of each segment by itself, where a hosted cache of version 1.0 is to have hashes.
    pub(crate) infos: Vec<Vec<u8>>,
    /// The version that a hosted cache is spoken to in, where there is one.
    pub(crate) hosted: Option<hosted_cache::Version>,
}

impl Scene {
    pub(crate) fn new(faults: &mut Faults) -> Self {
        let version = if faults.chance(500) {
            Version::V1
        } else {
            Version::V2
        };
        let speaks_v1 = version == Version::V1 && faults.chance(700);
        let hosted = faults.chance(400).then_some(if speaks_v1 {
            hosted_cache::Version::V1
        } else {
            hosted_cache::Version::V2
        });
        let mut scene = Self {
            version,
            bytes: Vec::new(),
            segments: Vec::new(),
            secrets: Vec::new(),
            infos: Vec::new(),
            hosted,
        };
        match (version, hosted) {
            // A hosted cache counts blocks as they are in the content of a real server.
            (Version::V1, Some(_)) => {
                (0..1 + faults.index(3)).for_each(|_| scene.add_real_segment(faults));
            }
            _ => {
                (0..1 + faults.index(12))
                    .for_each(|number| scene.add_small_segment(number, faults));
            }
        }
        scene
    }

    fn add_real_segment(&mut self, faults: &mut Faults) {
        let length = BLOCK_BYTES * u32::try_from(faults.below(3)).unwrap();
        let length = length + 1 + u32::try_from(faults.below(300)).unwrap();
        let mut bytes: Vec<_> = faults.seed().repeat(length as usize / 32 + 1);
        bytes.truncate(length as usize);
        // Blocks differ in their first bytes.
        for block in bytes.chunks_mut(BLOCK_BYTES as usize) {
            let first = faults.seed();
            block
                .iter_mut()
                .zip(first)
                .for_each(|(to, byte)| *to = byte);
        }
        let secret = SecretKey::new(*b"a secret").unwrap();
        let mut creator = Creator::v1(HashAlgorithm::Sha256, &secret).unwrap();
        creator.update(&bytes).unwrap();
        let info = creator.finish().unwrap().to_vec();
        let segment = ContentInfo::decode(&info)
            .unwrap()
            .segments()
            .next()
            .unwrap();
        self.segments.push(WantedSegment {
            id: segment.id(),
            offset: self.bytes.len() as u64,
            length,
            block_size: BLOCK_BYTES,
            blocks: BlockSet::first_blocks(length.div_ceil(BLOCK_BYTES)),
        });
        self.secrets.push(segment.secret());
        self.infos.push(info);
        self.bytes.extend(bytes);
    }

    fn add_small_segment(&mut self, number: usize, faults: &mut Faults) {
        let (length, block_size) = match self.version {
            Version::V1 => (1 + u32::try_from(faults.below(40 * 30)).unwrap(), 40),
            Version::V2 => {
                let length = 20 + u32::try_from(faults.below(100)).unwrap();
                (length, length)
            }
        };
        let mut id = faults.seed();
        id[0] = u8::try_from(number).unwrap();
        self.segments.push(WantedSegment {
            id: SegmentId(Digest::try_from(&id[..]).unwrap()),
            offset: self.bytes.len() as u64,
            length,
            block_size,
            blocks: BlockSet::first_blocks(length.div_ceil(block_size)),
        });
        self.secrets.push(SegmentSecret::new(&faults.seed()));
        let bytes = (0..length).map(|_| u8::try_from(faults.below(256)).unwrap());
        self.bytes.extend(bytes);
    }

    pub(crate) fn segment_of(&self, id: &SegmentId) -> Option<usize> {
        self.segments.iter().position(|it| it.id == *id)
    }

    /// The segment that a store gave a handle to.
    pub(crate) fn segment_at(&self, store: &MemoryStore, handle: SegmentHandle) -> Option<usize> {
        let has_handle = |it: &WantedSegment| store.segment(&it.id).map(|held| held.handle);
        let mut segments = self.segments.iter();
        segments.position(|it| has_handle(it) == Some(handle))
    }

    pub(crate) fn key_of(&self, segment: usize) -> SegmentKey {
        SegmentKey {
            algorithm: match self.version {
                Version::V1 => HashAlgorithm::Sha256,
                Version::V2 => HashAlgorithm::Sha512Truncated,
            },
            id: self.segments[segment].id,
        }
    }

    /// The bytes of a block, as they should be.
    pub(crate) fn block(&self, segment: usize, index: BlockIndex) -> &[u8] {
        let range = self.segments[segment].range_of(index);
        let start = usize::try_from(range.start).unwrap();
        &self.bytes[start..start + usize::try_from(range.length).unwrap()]
    }

    /// A block as it travels.
    pub(crate) fn encrypt(&self, segment: usize, op: &EncryptOp, plain: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; op.payload_len()];
        buffer[..plain.len()].copy_from_slice(plain);
        let key = block_key(op.cipher, &self.secrets[segment]).unwrap();
        let job = op.job(&key, &mut buffer).unwrap();
        peerdist::cipher::encrypt_many(&mut [job]);
        buffer
    }

    /// A block as a client would have handed it to a hosted cache.
    pub(crate) fn seal(&self, segment: usize, plain: &[u8], faults: &mut Faults) -> SealedBlock {
        let [iv, _] = *faults.seed().as_chunks::<16>().0 else {
            unreachable!("32 bytes are two vectors");
        };
        let mut bytes = plain.to_vec();
        bytes.resize(peerdist::cipher::padded_len(plain.len()), 0);
        let key = block_key(BlockCipher::Aes128, &self.secrets[segment]).unwrap();
        let job = peerdist::cipher::EncryptJob::new(&key, iv, &mut bytes, plain.len()).unwrap();
        peerdist::cipher::encrypt_many(&mut [job]);
        SealedBlock {
            crypto: CryptoAlgorithm::AES_128,
            iv,
            bytes,
        }
    }
}
