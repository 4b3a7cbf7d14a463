//! MS-PCCRC 2.1: content, segments and blocks.
//! Invariant: contents end before, at and behind every border that the document has.
//! Byte order: none.

use super::{BLOCK, described};
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::content_info::{ContentInfoMaker, Made};
use crate::wire::content_info::{ContentInfo, Version};

const BLOCKS: &str = "PCCRC-2.1-02";
const SEGMENTS: &str = "PCCRC-2.1-01";
const CUTS: &str = "PCCRC-2.1-06";
const SEGMENT: usize = 32 << 20;

pub(super) const CASES: &[Case] = &[
    Case::content_info(
        "pccrc-maker-v1-one-byte",
        "one byte is a segment of one block",
        &[BLOCKS, SEGMENTS],
        |session| blocks_of(session, 1, &[1]),
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-last-block",
        "the last block is as long as what is left, and is hashed without padding",
        &[BLOCKS, SEGMENTS],
        |session| {
            blocks_of(session, BLOCK - 1, &[1])?;
            blocks_of(session, BLOCK + 1, &[2])?;
            blocks_of(session, 3 * BLOCK + 100, &[4])
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-whole-blocks",
        "content that ends at the border of a block has no empty block behind it",
        &[BLOCKS, SEGMENTS],
        |session| {
            blocks_of(session, BLOCK, &[1])?;
            blocks_of(session, 4 * BLOCK, &[4])
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-block-order",
        "block hashes stand in the order of the blocks",
        &["PCCRC-2.1-03"],
        |session| {
            let content = session.random(5 * BLOCK);
            let info = described(session, &content, Version::V1, "PCCRC-2.1-03")?;
            let listed: Vec<Vec<u8>> = info
                .segments
                .iter()
                .flat_map(|segment| segment.block_hashes.clone())
                .collect();
            let expected: Vec<Vec<u8>> = content
                .chunks(BLOCK)
                .map(|block| info.algorithm.hash(block))
                .collect();
            session.holds(
                listed == expected,
                "PCCRC-2.1-03",
                "the block hashes are not those of the blocks in their order",
            )
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-several-segments",
        "content of more than 32 MiB has a segment of 32 MiB and one of the rest",
        &[SEGMENTS, "PCCRC-2.3.1.1-03", "PCCRC-2.3.1.1-02"],
        |session| {
            let mut content = vec![0; SEGMENT + BLOCK + 3];
            for (at, byte) in content.iter_mut().enumerate().step_by(5_000_011) {
                *byte = u8::try_from(at % 253).unwrap_or(1) | 1;
            }
            let info = described(session, &content, Version::V1, SEGMENTS)?;
            let lengths: Vec<u32> = info.segments.iter().map(|segment| segment.length).collect();
            let expected = vec![33_554_432, 65_539];
            session.equal("PCCRC-2.3.1.1-03", "cbSegment", &lengths, &expected)?;
            session.equal(SEGMENTS, "cbSegment", &lengths, &expected)?;
            let offsets: Vec<u64> = info.segments.iter().map(|segment| segment.offset).collect();
            let expected = vec![0, 33_554_432];
            session.equal(
                "PCCRC-2.3.1.1-02",
                "ullOffsetInContent",
                &offsets,
                &expected,
            )
        },
    )
    .tags(&[Tag::V1, Tag::Load]),
    Case::content_info(
        "pccrc-maker-v1-same-blocks",
        "blocks with the same bytes are listed each for itself",
        &[BLOCKS],
        |session| {
            let content = vec![7; 3 * BLOCK];
            let info = described(session, &content, Version::V1, BLOCKS)?;
            let listed: usize = info
                .segments
                .iter()
                .map(|segment| segment.block_hashes.len())
                .sum();
            session.equal(BLOCKS, "block hashes", &listed, &3)
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-empty",
        "empty content has no content information 1.0, or none without a segment",
        &["PCCRC-2.3-09"],
        |session| is_not_of_nothing(session, Version::V1, "PCCRC-2.3-09"),
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v2-empty",
        "empty content has no content information 2.0, or none without a segment",
        &["PCCRC-2.4.1.2-01"],
        |session| is_not_of_nothing(session, Version::V2, "PCCRC-2.4.1.2-01"),
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-cuts",
        "segments of version 2.0 cover the content from its first byte to its last",
        &[CUTS, "PCCRC-2.4-09"],
        |session| {
            for length in [1, 2, 4_095, 65_536, 131_071, 131_072, 131_073, 400_003] {
                let content = session.random(length);
                let info = described(session, &content, Version::V2, CUTS)?;
                let covered: u64 = info
                    .segments
                    .iter()
                    .map(|segment| u64::from(segment.length))
                    .sum();
                session.equal(
                    "PCCRC-2.4-09",
                    "bytes of all segments",
                    &covered,
                    &(length as u64),
                )?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-same-bytes",
        "content of one and the same byte has segments like any other",
        &[CUTS],
        |session| {
            for byte in [0, 0xff] {
                described(session, &vec![byte; 300_000], Version::V2, CUTS)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
];

fn blocks_of(
    session: &Session<'_, ContentInfoMaker>,
    length: usize,
    expected: &[usize],
) -> Outcome {
    let content = session.random(length);
    let info = described(session, &content, Version::V1, BLOCKS)?;
    let found: Vec<usize> = info
        .segments
        .iter()
        .map(|segment| segment.block_hashes.len())
        .collect();
    session.equal(BLOCKS, "blocks of each segment", &found, &expected.to_vec())?;
    session.equal(SEGMENTS, "cSegments", &found.len(), &1)
}

fn is_not_of_nothing(
    session: &Session<'_, ContentInfoMaker>,
    version: Version,
    requirement: &'static str,
) -> Outcome {
    match session.attempt(&[], b"secret", version)? {
        Made::Bytes(bytes) if !bytes.is_empty() => {
            let info = session.reads(requirement, ContentInfo::read(&bytes))?;
            session.holds(
                !info.segments.is_empty(),
                requirement,
                "content information without a segment describes nothing",
            )
        }
        made => {
            let is_none = !matches!(&made, Made::Bytes(bytes) if !bytes.is_empty());
            session.holds(is_none, requirement, format_args!("{made:?}"))
        }
    }
}
