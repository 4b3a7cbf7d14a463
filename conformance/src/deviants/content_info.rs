//! A maker of content information, right or wrong in one way.
//! Invariant: it writes what it is asked for, or refuses.
//! Byte order: that of MS-PCCRC.

use std::any::Any as Kept;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Stage;
use crate::evidence::record::Recorder;
use crate::targets::Targets;
use crate::targets::content_info::{ContentInfoMaker, Made, Maker, Wanted};
use crate::wire::content_info::{BLOCK_BYTES, ContentInfo, Segment, Version};
use crate::wire::digest::Algorithm;
use crate::wire::draft::Draft;

/// Bytes of a segment of version 2.0.
const SEGMENT_V2_BYTES: usize = 65_537;

mistakes! {
    ContentInfo;
    SecretIsHash "maker-secret-is-hash" "hashes HoD and the secret key instead of HMAC" "pccrc-maker-v1-segment-secret";
    SecretIsHash2 "maker-secret-is-hash-2.0" "hashes HoD and the secret key for version 2.0" "pccrc-maker-v2-segment-secret";
    RawKey "maker-raw-key" "takes the secret key itself for Ks" "pccrc-maker-v1-server-secret";
    RawKey2 "maker-raw-key-2.0" "takes the secret key itself for Ks of version 2.0" "pccrc-maker-v2-server-secret";
    CutsInside "maker-cuts-inside" "takes the whole hash of the secret key for Ks of version 2.0" "pccrc-maker-v2-segment-secret";
    PadsKeys "maker-pads-keys" "fills secret keys with zeros up to 32 bytes" "pccrc-maker-secret-lengths";
    CutsKeys "maker-cuts-keys" "takes the first 64 bytes of a secret key" "pccrc-maker-secret-lengths";
    RefusesShortKeys "maker-refuses-short-keys" "takes no secret key of less than 8 bytes" "pccrc-maker-secret-lengths";
    WritesKs "maker-writes-ks" "writes Ks behind the last block hash" "pccrc-maker-v1-server-secret-not-in-it";
    WritesId "maker-writes-id" "writes HoHoDk for the segment secret" "pccrc-maker-v1-segment-id-not-in-it";
    HashOfContent "maker-hash-of-content" "hashes the bytes of a segment for HoD of version 1.0" "pccrc-maker-v1-hash-of-data";
    HashOfHash "maker-hash-of-hash" "hashes the hash of a segment for HoD of version 2.0" "pccrc-maker-v2-hash-of-data";
    OtherHalf "maker-other-half" "keeps the last 32 bytes of SHA-512" "pccrc-maker-v2-hash-truncated";
    Sha256In2 "maker-sha-256-in-2.0" "hashes with SHA-256 in version 2.0" "pccrc-maker-v2-hash-truncated";
    PadsLastBlock "maker-pads-last-block" "hashes the last block with zeros up to 64 KiB" "pccrc-maker-v1-last-block";
    EmptyBlock "maker-empty-block" "lists an empty block behind content that ends at a border" "pccrc-maker-v1-whole-blocks";
    ReversesBlocks "maker-reverses-blocks" "lists block hashes from the last to the first" "pccrc-maker-v1-block-order";
    BigEndian "maker-big-endian-1.0" "writes version 1.0 most significant byte first" "pccrc-maker-v1-byte-order";
    LittleEndian2 "maker-little-endian-2.0" "writes version 2.0 least significant byte first" "pccrc-maker-v2-byte-order";
    MinorBehind "maker-minor-behind" "writes the version of 2.0 major first" "pccrc-maker-v2-version";
    MinorOne "maker-minor-1" "writes version 1.1" "pccrc-maker-v1-version";
    AlgorithmZero "maker-algorithm-0" "writes 0 for the hash" "pccrc-maker-v1-hash-algorithm";
    AlgorithmOne2 "maker-algorithm-1-in-2.0" "writes 1 for the hash of version 2.0, as an example does" "pccrc-maker-v2-hash-algorithm";
    BlockSize "maker-block-size" "writes 128 KiB for the size of blocks" "pccrc-maker-v1-block-size";
    WholeBlocks "maker-length-of-blocks" "rounds the length of a segment up to whole blocks" "pccrc-maker-v1-segment-length";
    ReadsWhole "maker-reads-whole" "writes the length of the last segment where 0 stands for it" "pccrc-maker-v1-read-bytes";
    ReadsOne "maker-reads-one" "writes 1 for the bytes of the last segment" "pccrc-maker-v1-read-bytes";
    Offset "maker-offset-1" "writes 1 for the offset in the first segment" "pccrc-maker-v1-offset";
    OneSegment "maker-one-segment" "makes one segment of all content" "pccrc-maker-v1-several-segments";
    TrailingZeros "maker-trailing-zeros" "writes zeros behind the end" "pccrc-maker-v1-nothing-behind";
    TrailingZeros2 "maker-trailing-zeros-2.0" "writes zeros behind the last chunk" "pccrc-maker-v2-nothing-behind";
    ChunkType "maker-chunk-type-1" "writes 1 for the type of a chunk" "pccrc-maker-v2-chunk";
    ChunkLength "maker-chunk-length" "counts the header of a chunk in its length" "pccrc-maker-v2-chunk";
    LongSegments "maker-long-segments" "cuts segments of 128 KiB and one byte" "pccrc-maker-v2-segment-lengths";
    LeavesTail "maker-leaves-tail" "leaves out the last segment of version 2.0" "pccrc-maker-v2-cuts";
    ShufflesSegments "maker-shuffles-segments" "lists segments of version 2.0 from the last to the first" "pccrc-maker-v2-order";
    LengthOfRange "maker-length-of-range" "writes one byte too few for the length of the range" "pccrc-maker-v2-range";
    Random "maker-random" "draws a secret key of its own each time" "pccrc-maker-same-again";
    DescribesNothing "maker-describes-nothing" "makes content information without segments of empty content" "pccrc-maker-v1-empty";
    RefusesOneByte "maker-refuses-one-byte" "makes nothing of one byte" "pccrc-maker-v1-one-byte";
}

/// Starts one; there is nothing to wait for.
pub(super) fn stage(mistake: Option<Mistake>) -> Stage {
    Stage {
        targets: Targets {
            content_info: Some(ContentInfoMaker::new(Right { mistake })),
            ..Targets::default()
        },
        _keep: Box::new(()) as Box<dyn Kept + Send + Sync>,
    }
}

#[derive(Debug)]
struct Right {
    mistake: Option<Mistake>,
}

impl Maker for Right {
    fn make(&self, wanted: &Wanted<'_>, _recorder: &Recorder) -> io::Result<Made> {
        if wanted.content.is_empty() && !self.is(Mistake::DescribesNothing) {
            return Ok(Made::Refused("the content is empty".to_owned()));
        }
        let refuses = (self.is(Mistake::RefusesOneByte) && wanted.content.len() == 1)
            || (self.is(Mistake::RefusesShortKeys) && wanted.secret_key.len() < 8);
        if refuses {
            return Ok(Made::Refused("there is too little of it".to_owned()));
        }
        Ok(Made::Bytes(match wanted.version {
            Version::V1 => self.v1(wanted),
            Version::V2 => self.v2(wanted),
        }))
    }
}

impl Right {
    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    fn secret(&self, wanted: &Wanted<'_>, segment: &Segment) -> Vec<u8> {
        static DRAWN: AtomicU64 = AtomicU64::new(0);
        let (algorithm, hash_of_data) = (segment.algorithm, &segment.hash_of_data);
        let is_v1 = wanted.version == Version::V1;
        let mut key = wanted.secret_key.to_vec();
        match self.mistake {
            Some(Mistake::PadsKeys) if key.len() < 32 => key.resize(32, 0),
            Some(Mistake::CutsKeys) => key.truncate(64),
            Some(Mistake::Random) => {
                key = DRAWN.fetch_add(1, Ordering::Relaxed).to_le_bytes().to_vec();
            }
            _ => {}
        }
        match self.mistake {
            Some(Mistake::SecretIsHash) if is_v1 => {
                algorithm.hash(&[hash_of_data, key.as_slice()].concat())
            }
            Some(Mistake::SecretIsHash2) if !is_v1 => {
                algorithm.hash(&[hash_of_data, key.as_slice()].concat())
            }
            Some(Mistake::RawKey) if is_v1 => algorithm.hmac(&key, hash_of_data),
            Some(Mistake::RawKey2) if !is_v1 => algorithm.hmac(&key, hash_of_data),
            Some(Mistake::CutsInside) if !is_v1 => {
                algorithm.hmac(&Algorithm::Sha512.hash(&key), hash_of_data)
            }
            _ => algorithm.segment_secret(&key, hash_of_data),
        }
    }

    fn v1(&self, wanted: &Wanted<'_>) -> Vec<u8> {
        let algorithm = Algorithm::Sha256;
        let mut info = ContentInfo::v1(wanted.content, wanted.secret_key, algorithm);
        let last_length = info.segments.last().map_or(0, |last| last.length);
        if self.is(Mistake::OneSegment) {
            let hashes = info
                .segments
                .iter()
                .flat_map(|segment| segment.block_hashes.clone());
            let hashes: Vec<_> = hashes.collect();
            info.segments.truncate(1);
            if let Some(only) = info.segments.first_mut() {
                only.length = u32::try_from(wanted.content.len()).unwrap_or(u32::MAX);
                only.block_hashes = hashes;
            }
        }
        for segment in &mut info.segments {
            let place = usize::try_from(segment.offset).unwrap_or(usize::MAX);
            let end = place.saturating_add(segment.length as usize);
            let bytes = wanted.content.get(place..end).unwrap_or_default();
            match self.mistake {
                Some(Mistake::PadsLastBlock) => {
                    let mut last = bytes
                        .chunks(BLOCK_BYTES)
                        .last()
                        .unwrap_or_default()
                        .to_vec();
                    last.resize(BLOCK_BYTES, 0);
                    if let Some(hash) = segment.block_hashes.last_mut() {
                        *hash = algorithm.hash(&last);
                    }
                }
                Some(Mistake::EmptyBlock) if bytes.len().is_multiple_of(BLOCK_BYTES) => {
                    segment.block_hashes.push(algorithm.hash(&[]));
                }
                Some(Mistake::ReversesBlocks) => segment.block_hashes.reverse(),
                Some(Mistake::WholeBlocks) => {
                    segment.length = segment.length.next_multiple_of(65_536);
                }
                _ => {}
            }
            segment.hash_of_data = if self.is(Mistake::HashOfContent) {
                algorithm.hash(bytes)
            } else {
                algorithm.hash(&segment.block_hashes.concat())
            };
            segment.secret = self.secret(wanted, segment);
            if self.is(Mistake::WritesId) {
                segment.secret = segment.id();
            }
        }
        match self.mistake {
            Some(Mistake::ReadsWhole) => info.read_bytes_in_last_segment = last_length,
            Some(Mistake::ReadsOne) => info.read_bytes_in_last_segment = 1,
            Some(Mistake::Offset) => info.offset_in_first_segment = 1,
            _ => {}
        }
        let draft = info.draft();
        let draft = match self.mistake {
            Some(Mistake::BigEndian) => draft
                .with("cSegments", [0, 0, 0, 1])
                .with("cbBlockSize", [0, 1, 0, 0]),
            Some(Mistake::MinorOne) => draft.with("Version", [1, 1]),
            Some(Mistake::AlgorithmZero) => draft.with("dwHashAlgo", [0; 4]),
            Some(Mistake::BlockSize) => draft.with_u32_le("cbBlockSize", 131_072),
            Some(Mistake::TrailingZeros) => draft.bytes("surplus", [0; 4]),
            Some(Mistake::WritesKs) => draft.bytes("Ks", algorithm.hash(wanted.secret_key)),
            _ => draft,
        };
        draft.to_bytes()
    }

    fn v2(&self, wanted: &Wanted<'_>) -> Vec<u8> {
        let most = if self.is(Mistake::LongSegments) {
            131_073
        } else {
            SEGMENT_V2_BYTES
        };
        let mut info = ContentInfo::v2(wanted.content, wanted.secret_key, most);
        for segment in &mut info.segments {
            let place = usize::try_from(segment.offset).unwrap_or(usize::MAX);
            let end = place.saturating_add(segment.length as usize);
            let bytes = wanted.content.get(place..end).unwrap_or_default();
            match self.mistake {
                Some(Mistake::HashOfHash) => {
                    segment.hash_of_data = segment.algorithm.hash(&segment.hash_of_data);
                }
                Some(Mistake::OtherHalf) => {
                    segment.hash_of_data = Algorithm::Sha512.hash(bytes).split_off(32);
                }
                Some(Mistake::Sha256In2) => segment.hash_of_data = Algorithm::Sha256.hash(bytes),
                _ => {}
            }
            segment.secret = self.secret(wanted, segment);
        }
        match self.mistake {
            Some(Mistake::LeavesTail) => drop(info.segments.pop()),
            Some(Mistake::ShufflesSegments) => info.segments.reverse(),
            Some(Mistake::LengthOfRange) => info.length_of_range = wanted.content.len() as u64 - 1,
            _ => {}
        }
        if self.is(Mistake::ShufflesSegments)
            && let Some(first) = info.segments.first_mut()
        {
            first.offset = 0;
        }
        let draft: Draft = info.draft();
        let data = u32::try_from(info.segments.len() * 68).unwrap_or(u32::MAX);
        let draft = match self.mistake {
            Some(Mistake::LittleEndian2) => draft.with_u32_le("dwChunkDataLength", data),
            Some(Mistake::MinorBehind) => {
                draft.with("bMinorVersion", [2]).with("bMajorVersion", [0])
            }
            Some(Mistake::AlgorithmOne2) => draft.with("bHashAlgo", [1]),
            Some(Mistake::TrailingZeros2) => draft.bytes("surplus", [0; 4]),
            Some(Mistake::ChunkType) => draft.with("bChunkType", [1]),
            Some(Mistake::ChunkLength) => draft.with_u32_be("dwChunkDataLength", data + 5),
            _ => draft,
        };
        draft.to_bytes()
    }
}
