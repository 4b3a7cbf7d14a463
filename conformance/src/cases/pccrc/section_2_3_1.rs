//! MS-PCCRC 2.3.1: descriptions of segments and lists of blocks, version 1.0.
//! Invariant: the first description starts at byte 18, whatever the hash.
//! Byte order: little-endian.

use super::{BLOCK, SECRET_KEY, described, u32_le};
use crate::judge::{Case, Tag};
use crate::wire::content_info::Version;

pub(super) const CASES: &[Case] = &[
    Case::content_info(
        "pccrc-maker-v1-description",
        "a description is offset, length, block size, HoD and segment secret, and then come the blocks",
        &["PCCRC-2.3.1.1-01", "PCCRC-2.3.1.1-08", "PCCRC-2.3.1.1-09", "PCCRC-2.3.1.2-01"],
        |session| {
            let content = session.random(2 * BLOCK + 2);
            let about = "PCCRC-2.3.1.1-01";
            let bytes = session.made(&content, SECRET_KEY, Version::V1, about)?;
            let info = described(session, &content, Version::V1, about)?;
            let hash = info.algorithm.len();
            let field = |at: usize| bytes.get(at..at + hash).unwrap_or_default().to_vec();
            let hashes: Vec<Vec<u8>> = content.chunks(BLOCK).map(|block| info.algorithm.hash(block)).collect();
            let hash_of_data = info.algorithm.hash(&hashes.concat());
            let secret = info.algorithm.segment_secret(SECRET_KEY, &hash_of_data);
            session.equal("PCCRC-2.3.1.1-08", "SegmentHashOfData", &field(34), &hash_of_data)?;
            session.equal("PCCRC-2.3.1.1-09", "SegmentSecret", &field(34 + hash), &secret)?;
            let list = 34 + 2 * hash;
            session.equal("PCCRC-2.3.1.2-01", "cBlocks", &u32_le(&bytes, list), &Some(3))?;
            for (number, expected) in hashes.iter().enumerate() {
                let found = field(list + 4 + number * hash);
                session.equal("PCCRC-2.3.1.2-01", "a block hash", &found, expected)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-segment-offset",
        "the first segment starts at byte 0 of the content",
        &["PCCRC-2.3.1.1-02"],
        |session| {
            let content = session.random(BLOCK);
            let bytes = session.made(&content, SECRET_KEY, Version::V1, "PCCRC-2.3.1.1-02")?;
            let found = bytes.get(18..26).unwrap_or_default().to_vec();
            session.equal("PCCRC-2.3.1.1-02", "ullOffsetInContent", &found, &vec![0; 8])
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-segment-length",
        "cbSegment is the length of the segment to the byte",
        &["PCCRC-2.3.1.1-06"],
        |session| {
            for length in [1, 1_000, BLOCK - 1, BLOCK, BLOCK + 1] {
                let content = session.random(length);
                let bytes = session.made(&content, SECRET_KEY, Version::V1, "PCCRC-2.3.1.1-06")?;
                let found = u32_le(&bytes, 26).map(|found| found as usize);
                session.equal("PCCRC-2.3.1.1-06", "cbSegment", &found, &Some(length))?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-block-size",
        "cbBlockSize is 65,536, also of content that is shorter",
        &["PCCRC-2.3.1.1-07"],
        |session| {
            for length in [1, BLOCK, 2 * BLOCK + 5] {
                let content = session.random(length);
                let bytes = session.made(&content, SECRET_KEY, Version::V1, "PCCRC-2.3.1.1-07")?;
                session.equal("PCCRC-2.3.1.1-07", "cbBlockSize", &u32_le(&bytes, 30), &Some(65_536))?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-block-count",
        "cBlocks of a whole content is the number of blocks of its segment",
        &["PCCRC-2.3.1.2-02"],
        |session| {
            for (length, blocks) in [(1, 1), (BLOCK, 1), (BLOCK + 1, 2), (10 * BLOCK - 1, 10)] {
                let content = session.random(length);
                let info = described(session, &content, Version::V1, "PCCRC-2.3.1.2-02")?;
                let found: usize = info.segments.iter().map(|segment| segment.block_hashes.len()).sum();
                session.equal("PCCRC-2.3.1.2-02", "cBlocks", &found, &blocks)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
];
