//! What is fetched: how contents fall into segments and blocks, and how long their content information is.
//! Invariant: the content information is one that core wrote; only the hashes of blocks are made up, from their places.
//! Byte order: none.

use std::sync::Arc;

use peerdist::client::WantedSegment;
use peerdist::content::create::{V1Builder, V2Builder};
use peerdist::content::cut::Cutter;
use peerdist::content::{BLOCK_BYTES, HashOfData, OwnedContentInfo, SecretKey, Version};
use peerdist::hash::{HashAlgorithm, digest};

use crate::scenario::Content;

/// Bytes that are made at a time to be cut.
const PIECE_BYTES: usize = 1 << 20;

/// A content.
#[derive(Debug, Clone)]
pub struct ContentPlan {
    /// Its name.
    pub name: String,
    /// Its length.
    pub size: u64,
    number: u64,
    layouts: [Option<Arc<Layout>>; 2],
}

/// How a content falls into segments, as content information of one version describes it.
#[derive(Debug)]
pub struct Layout {
    /// Of which version.
    pub version: Version,
    /// The content information.
    pub info: OwnedContentInfo,
    /// Bytes of it.
    pub info_bytes: u64,
    /// The segments, with all their blocks.
    pub segments: Vec<WantedSegment>,
}

impl ContentPlan {
    pub(super) fn new(number: usize, name: &str, content: &Content, versions: &[u8]) -> Self {
        let size = content.size.0;
        let layout = |version: u8| {
            let bytes = match version {
                1 => v1(number as u64, size),
                _ => v2(number as u64, size),
            };
            let layout = bytes.and_then(Layout::of);
            versions
                .contains(&version)
                .then_some(layout)
                .flatten()
                .map(Arc::new)
        };
        Self {
            name: name.to_owned(),
            size,
            number: number as u64,
            layouts: [layout(1), layout(2)],
        }
    }

    /// All of its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.size).unwrap_or(0)];
        noise(&mut bytes, self.number, 0);
        bytes
    }

    /// How content information of a version describes it.
    #[must_use]
    pub fn layout(&self, version: u8) -> Option<&Arc<Layout>> {
        let [v1, v2] = &self.layouts;
        if version == 1 {
            v1.as_ref()
        } else {
            v2.as_ref()
        }
    }
}

impl Layout {
    fn of(bytes: Vec<u8>) -> Option<Self> {
        let info_bytes = bytes.len() as u64;
        let info = OwnedContentInfo::decode(bytes).ok()?;
        Some(Self {
            version: info.view().version(),
            info_bytes,
            segments: WantedSegment::of(&info.view()).collect(),
            info,
        })
    }
}

fn secret_key() -> Option<SecretKey> {
    SecretKey::new(*b"the key of simulated servers").ok()
}

/// The hash of a block that nobody ever made.
fn made_up(content: u64, block: u64) -> [u8; 32] {
    let digest = digest(
        HashAlgorithm::Sha256,
        format!("{content} {block}").as_bytes(),
    );
    digest.as_bytes().try_into().unwrap_or_default()
}

fn v1(content: u64, size: u64) -> Option<Vec<u8>> {
    let mut builder = V1Builder::new(HashAlgorithm::Sha256, &secret_key()?, 0).ok()?;
    let mut left = size;
    for block in 0.. {
        let length = u32::try_from(left.min(BLOCK_BYTES.into())).ok()?;
        if length == 0 {
            break;
        }
        builder.push_block(length, &made_up(content, block)).ok()?;
        left -= u64::from(length);
    }
    Some(builder.finish().ok()?.to_vec())
}

fn v2(content: u64, size: u64) -> Option<Vec<u8>> {
    let mut builder = V2Builder::new(&secret_key()?);
    let mut lengths = Vec::new();
    let mut cutter = Cutter::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut at = 0;
    while at < size {
        let length = usize::try_from((size - at).min(PIECE_BYTES as u64)).ok()?;
        let piece = piece.get_mut(..length)?;
        noise(piece, content, at / 8);
        cutter.push(piece, &mut |length| lengths.push(length));
        at += length as u64;
    }
    cutter.finish(&mut |length| lengths.push(length));
    for (segment, length) in lengths.into_iter().enumerate() {
        let hash_of_data = HashOfData::of_block_hashes(
            HashAlgorithm::Sha512Truncated,
            &made_up(content, segment as u64),
        );
        builder.push_segment(length, &hash_of_data).ok()?;
    }
    Some(builder.finish().ok()?.to_vec())
}

/// The bytes of a content from a word of it on: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over a counter.
fn noise(bytes: &mut [u8], content: u64, words: u64) {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let stream = content.wrapping_mul(0xd134_2543_de82_ef95);
    for (word, at) in bytes.chunks_mut(8).zip(words..) {
        let mut mixed = stream.wrapping_add(at.wrapping_add(1).wrapping_mul(GOLDEN));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let bytes = mixed.to_le_bytes();
        word.copy_from_slice(bytes.get(..word.len()).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::units::Bytes;

    #[test]
    fn a_content_falls_into_the_segments_that_its_bytes_give() {
        let size = 3_000_001;
        let content = Content { size: Bytes(size) };
        let plan = ContentPlan::new(3, "it", &content, &[1, 2]);
        let v1 = plan.layout(1).unwrap();
        assert_eq!(v1.segments.len(), 1);
        assert_eq!(v1.segments[0].block_count(), 46);
        let v2 = plan.layout(2).unwrap();
        let mut bytes = vec![0; usize::try_from(size).unwrap()];
        noise(&mut bytes, 3, 0);
        let cut = peerdist::content::cut::segments(&bytes);
        let lengths: Vec<u32> = v2.segments.iter().map(|segment| segment.length).collect();
        assert_eq!(lengths, cut);
        assert!(v2.info_bytes > 64 * lengths.len() as u64);
    }

    #[test]
    fn what_nobody_asks_for_is_not_made() {
        let content = Content {
            size: Bytes(100_000),
        };
        let plan = ContentPlan::new(0, "it", &content, &[1]);
        assert!(plan.layout(1).is_some() && plan.layout(2).is_none());
    }
}
