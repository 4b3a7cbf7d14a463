//! Tests of MS-PCHC: messages against bytes written by hand, hostile bytes, and the two roles by themselves and together.
//! Invariant: expected bytes are spelled out here, never made by the code under test.
//! Byte order: big-endian.

mod client;
mod healing;
mod hostile;
mod information;
mod messages;
mod pair;
mod server;
mod server_limits;

use super::*;
use crate::content::create::Creator;
use crate::content::{ContentInfo, SecretKey};
use crate::hash::Digest;

fn id_of(fill: u8, length: usize) -> SegmentId {
    SegmentId(Digest::try_from(&vec![fill; length][..]).unwrap())
}

fn id(fill: u8) -> SegmentId {
    id_of(fill, 32)
}

fn v1_key(fill: u8) -> SegmentKey {
    SegmentKey {
        algorithm: HashAlgorithm::Sha256,
        id: id(fill),
    }
}

fn v2_key(fill: u8) -> SegmentKey {
    SegmentKey {
        algorithm: HashAlgorithm::Sha512Truncated,
        id: id(fill),
    }
}

fn tag() -> ContentTag {
    WellKnownTag::Bits.tag()
}

/// Bytes that differ from seed to seed.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; length];
    crate::entropy::Entropy::from_u64(seed, crate::entropy::Purpose::Faults).fill(&mut bytes);
    bytes
}

/// Version 1.0 content information of `blocks` blocks, the last a little shorter.
fn content_of(hash: HashAlgorithm, blocks: usize, seed: u64) -> Vec<u8> {
    let secret = SecretKey::new(*b"a secret").unwrap();
    let mut creator = Creator::v1(hash, &secret).unwrap();
    creator.update(&noise(blocks * 65536 - 7, seed)).unwrap();
    creator.finish().unwrap().to_vec()
}

/// `SEGMENT_INFO_MESSAGE` of the content's first segment.
fn segment_info(content: &[u8]) -> Vec<u8> {
    let info = ContentInfo::decode(content).unwrap();
    let mut out = Vec::new();
    assert!(encode_segment_info_into(
        &mut out,
        0x1F90,
        tag(),
        &info,
        0,
        ReadBytes::SegmentLength
    ));
    out
}

fn sample_requests() -> Vec<Vec<u8>> {
    let mut samples: Vec<_> = [32, 48, 64]
        .into_iter()
        .map(|length| {
            let segment = id_of(7, length);
            InitialOffer { port: 80, segment }.encode()
        })
        .collect();
    samples.push(segment_info(&content_of(HashAlgorithm::Sha256, 2, 1)));
    samples.push(segment_info(&content_of(HashAlgorithm::Sha512, 1, 1)));
    for count in [1, 2, 128] {
        samples.push(
            BatchedOffer::new(8080, &descriptors(count))
                .unwrap()
                .encode(),
        );
    }
    samples
}

fn descriptors(count: u8) -> Vec<SegmentDescriptor> {
    let one = |n: u8| {
        let key = if n.is_multiple_of(2) {
            v2_key(n)
        } else {
            v1_key(n)
        };
        SegmentDescriptor::new(key, 1000 + u32::from(n), tag()).unwrap()
    };
    (0..count).map(one).collect()
}
