//! Tests of MS-PCCRR: messages against bytes written by hand, hostile bytes, and the two machines against each other.
//! Invariant: expected bytes are spelled out here, never made by the code under test.
//! Byte order: big-endian.

mod blobs;
mod cache;
mod client;
mod hostile;
mod law;
mod ranges;
mod requests;
mod responses;
mod server;

use super::*;
use crate::content::SegmentId;
use crate::hash::Digest;

/// A segment id of 32, 48 or 64 bytes that all are `fill`.
fn id_of(fill: u8, length: usize) -> SegmentId {
    SegmentId(Digest::try_from(&vec![fill; length][..]).unwrap())
}

fn id(fill: u8) -> SegmentId {
    id_of(fill, 32)
}

fn block(index: u32) -> BlockIndex {
    BlockIndex::new(index).unwrap()
}

fn set(ranges: &[(u32, u32)]) -> BlockSet {
    let ranges = ranges.iter();
    ranges
        .map(|(index, count)| BlockRange::new(*index, *count).unwrap())
        .collect()
}

/// Joins numbers of four bytes and strings of bytes.
fn bytes(parts: &[Part<'_>]) -> Vec<u8> {
    let mut all = Vec::new();
    for part in parts {
        match part {
            N(number) => all.extend_from_slice(&number.to_be_bytes()),
            B(bytes) => all.extend_from_slice(bytes),
        }
    }
    all
}

enum Part<'a> {
    N(u32),
    B(&'a [u8]),
}
use Part::{B, N};

/// Sets the sizes of a message that was cut or lengthened, so that what is inside it is looked at.
fn with_right_sizes(mut message: Vec<u8>, is_response: bool) -> Vec<u8> {
    let start = if is_response { 4 } else { 0 };
    let size = u32::try_from(message.len() - start).unwrap().to_be_bytes();
    if is_response {
        message[..4].copy_from_slice(&size);
    }
    if message.len() >= start + 12 {
        message[start + 8..start + 12].copy_from_slice(&size);
    }
    message
}

fn sample_requests() -> Vec<Vec<u8>> {
    let ids = [id(1), id_of(2, 48), id_of(3, 64)];
    let bodies = [
        RequestBody::Negotiation(VersionRange::ALL),
        RequestBody::BlockList(GetBlockList {
            segment: id(0xAA),
            needed: set(&[(0, 3), (42, 7), (511, 1)]).into(),
        }),
        RequestBody::BlockList(GetBlockList {
            segment: id_of(0xAB, 48),
            needed: BlockSet::EMPTY.into(),
        }),
        RequestBody::Blocks(GetBlocks {
            segment: id_of(0xBB, 64),
            requested: set(&[(7, 1)]).into(),
            verification: b"",
        }),
        RequestBody::Blocks(GetBlocks {
            segment: id(0xBC),
            requested: set(&[(7, 5)]).into(),
            verification: b"odd",
        }),
        RequestBody::SegmentList(GetSegmentList {
            request_id: [9; 16],
            segments: SegmentIds::of(&ids),
            blob: &[0, 1, 3, 1, 2, 0x10, 0x20, 0x30],
        }),
        RequestBody::SegmentList(GetSegmentList {
            request_id: [0; 16],
            segments: SegmentIds::of(&[]),
            blob: b"",
        }),
    ];
    bodies.map(|body| Request::new(body).encode()).into()
}

fn sample_responses() -> Vec<Vec<u8>> {
    let ranges = [
        SegmentRange::new(0, 2).unwrap(),
        SegmentRange::new(7, 1).unwrap(),
    ];
    let empty = Block {
        segment: id(0xCC),
        index: 4,
        next: 0,
        payload: b"",
        verification: b"",
        iv: b"",
    };
    let bodies = [
        ResponseBody::Negotiation(VersionRange::ONLY_1_0),
        ResponseBody::BlockList(BlockList {
            segment: id_of(0xCA, 64),
            available: set(&[(0, 2), (9, 1)]).into(),
            next: 10,
        }),
        ResponseBody::Block(empty),
        ResponseBody::Block(Block {
            payload: &[5; 48],
            iv: &[6; 16],
            next: 5,
            ..empty
        }),
        ResponseBody::SegmentList(SegmentList {
            request_id: [8; 16],
            available: SegmentRanges::of(&ranges),
            blob: &[0, 1, 3, 2, 0, 1, 0, 0, 7, 0, 1, 0],
        }),
    ];
    let mut all: Vec<_> = bodies
        .map(|body| Response::new(CryptoAlgorithm::AES_128, body).encode())
        .into();
    let unaligned = Block {
        payload: b"plain",
        verification: b"no",
        ..empty
    };
    all.push(Response::new(CryptoAlgorithm::NONE, ResponseBody::Block(unaligned)).encode());
    all
}
