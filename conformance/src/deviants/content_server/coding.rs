//! The body of a coded response (MS-PCCRTP 3.2.5.1), with what can be wrong in it.
//! Invariant: without a mistake it is what the document shows.
//! Byte order: that of MS-PCCRC.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Mistake, SECRET_KEY, Served, State};
use crate::wire::content_info::{BLOCK_BYTES, ContentInfo, Version};
use crate::wire::draft::Draft;

/// Secret keys drawn so far, by one that keeps none.
static DRAWN: AtomicU64 = AtomicU64::new(1);

impl State {
    /// Content information of a range.
    pub(super) fn information(
        &self,
        served: &Served,
        version: Version,
        range: Range<u64>,
    ) -> Draft {
        let whole = match (version, &served.v2) {
            (Version::V2, Some(v2)) => v2,
            _ => &served.v1,
        };
        let total = served.content.len() as u64;
        let mut info = if range == (0..total) || self.is(Mistake::DescribesWhole) {
            whole.clone()
        } else {
            whole.of_range(range.clone())
        };
        self.spoil(&mut info, served);
        if self.is(Mistake::ReadsFromSegment) && info.segments.len() == 1 && range.end < total {
            info.read_bytes_in_last_segment += info.offset_in_first_segment;
        }
        let mut draft = info.draft();
        match (self.mistake, info.version) {
            (Some(Mistake::NoOffset), _) => {
                draft = draft.with("dwOffsetInFirstSegment", [0; 4]);
            }
            (Some(Mistake::LengthOfRangeZero), Version::V2) => {
                draft = draft.with("ullLengthOfRange", [0; 8]);
            }
            (Some(Mistake::SegmentIndexZero), Version::V2) => {
                draft = draft.with("ullIndexOfFirstSegment", [0; 8]);
            }
            _ => {}
        }
        draft
    }

    fn spoil(&self, info: &mut ContentInfo, served: &Served) {
        let algorithm = info.algorithm;
        let is_v1 = info.version == Version::V1;
        match self.mistake {
            Some(Mistake::OneSegment) if info.segments.len() > 1 => {
                let hashes: Vec<_> = info
                    .segments
                    .iter()
                    .flat_map(|segment| segment.block_hashes.clone())
                    .collect();
                info.segments.truncate(1);
                if let Some(only) = info.segments.first_mut() {
                    only.length = u32::try_from(served.content.len()).unwrap_or(u32::MAX);
                    only.hash_of_data = algorithm.hash(&hashes.concat());
                    only.block_hashes = hashes;
                }
            }
            Some(Mistake::OffsetOfRange) => {
                let first = info.segments.first().map_or(0, |first| first.offset);
                for segment in &mut info.segments {
                    segment.offset -= first;
                }
            }
            _ => {}
        }
        let drawn = DRAWN.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for segment in &mut info.segments {
            let place = usize::try_from(segment.offset).unwrap_or(usize::MAX);
            let end = place.saturating_add(segment.length as usize);
            let bytes = served.content.get(place..end).unwrap_or_default();
            match self.mistake {
                Some(Mistake::HashesOfListed) if is_v1 => {
                    segment.hash_of_data = algorithm.hash(&segment.block_hashes.concat());
                }
                Some(Mistake::HashOfContent) if is_v1 => {
                    segment.hash_of_data = algorithm.hash(bytes);
                }
                Some(Mistake::HashOfBlocks2) if !is_v1 => {
                    segment.hash_of_data = algorithm.hash(&segment.hash_of_data);
                }
                Some(Mistake::PadsLastBlock) if is_v1 => {
                    let mut last = bytes
                        .chunks(BLOCK_BYTES)
                        .last()
                        .unwrap_or_default()
                        .to_vec();
                    last.resize(BLOCK_BYTES, 0);
                    if let Some(hash) = segment.block_hashes.last_mut() {
                        *hash = algorithm.hash(&last);
                    }
                    segment.hash_of_data = algorithm.hash(&segment.block_hashes.concat());
                }
                Some(Mistake::BlocksFromZero) if is_v1 => {
                    let listed = segment.block_hashes.len();
                    if let Some(block) = bytes.chunks(BLOCK_BYTES).nth(listed) {
                        segment.block_hashes.push(algorithm.hash(block));
                    }
                }
                _ => {}
            }
            let hash_of_data = &segment.hash_of_data;
            segment.secret = match self.mistake {
                Some(Mistake::SecretIsHash) => algorithm.hash(&[hash_of_data, SECRET_KEY].concat()),
                Some(Mistake::SecretOfRawKey) => algorithm.hmac(SECRET_KEY, hash_of_data),
                Some(Mistake::SendsKs) => algorithm.hash(SECRET_KEY),
                Some(Mistake::NewSecrets) => algorithm.segment_secret(&drawn, hash_of_data),
                _ => algorithm.segment_secret(SECRET_KEY, hash_of_data),
            };
        }
    }
}
