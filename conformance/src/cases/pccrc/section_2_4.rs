//! MS-PCCRC 2.4: content information 2.0, its header, chunks and descriptions.
//! Invariant: fields are looked at by their offsets, for a reader that is wrong the same way sees nothing.
//! Byte order: big-endian.

use super::{SECRET_KEY, described};
use crate::judge::session::Session;
use crate::judge::{Case, Stop, Tag};
use crate::targets::content_info::ContentInfoMaker;
use crate::wire::content_info::{ContentInfo, Version};

const LENGTH: usize = 300_007;

pub(super) const CASES: &[Case] = &[
    Case::content_info(
        "pccrc-maker-v2-byte-order",
        "numbers of version 2.0 are written most significant byte first",
        &["PCCRC-2.4-01"],
        |session| {
            let (_, bytes) = made(session, 100, "PCCRC-2.4-01")?;
            session.equal(
                "PCCRC-2.4-01",
                "dwChunkDataLength",
                &u32_be(&bytes, 32),
                &Some(68),
            )?;
            session.equal("PCCRC-2.4-01", "cbSegment", &u32_be(&bytes, 36), &Some(100))
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-version",
        "content information 2.0 starts with 00 02: minor, then major",
        &["PCCRC-2.4-03", "PCCRC-2.4-04"],
        |session| {
            let (_, bytes) = made(session, 100, "PCCRC-2.4-03")?;
            session.equal(
                "PCCRC-2.4-03",
                "bMinorVersion",
                &bytes.first().copied(),
                &Some(0),
            )?;
            session.equal(
                "PCCRC-2.4-04",
                "bMajorVersion",
                &bytes.get(1).copied(),
                &Some(2),
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-hash-algorithm",
        "bHashAlgo is 4, SHA-512 cut to 32 bytes",
        &["PCCRC-2.4-05"],
        |session| {
            let (_, bytes) = made(session, 100, "PCCRC-2.4-05")?;
            session.equal(
                "PCCRC-2.4-05",
                "bHashAlgo",
                &bytes.get(2).copied(),
                &Some(4),
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-layout",
        "the header has 31 bytes, and chunks follow to the end",
        &["PCCRC-2.4-02"],
        |session| {
            let (_, bytes) = made(session, LENGTH, "PCCRC-2.4-02")?;
            let mut at = 31;
            while at < bytes.len() {
                let Some(length) = u32_be(&bytes, at + 1) else {
                    break;
                };
                at += 5 + length as usize;
            }
            session.equal(
                "PCCRC-2.4-02",
                "the end of the last chunk",
                &at,
                &bytes.len(),
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-start",
        "a whole content starts at byte 0 of segment 0",
        &["PCCRC-2.4-06", "PCCRC-2.4-07"],
        |session| {
            let (_, bytes) = made(session, LENGTH, "PCCRC-2.4-06")?;
            let field =
                |range: core::ops::Range<usize>| bytes.get(range).unwrap_or_default().to_vec();
            session.equal(
                "PCCRC-2.4-06",
                "ullStartInContent",
                &field(3..11),
                &vec![0; 8],
            )?;
            session.equal(
                "PCCRC-2.4-06",
                "ullIndexOfFirstSegment",
                &field(11..19),
                &vec![0; 8],
            )?;
            session.equal(
                "PCCRC-2.4-07",
                "dwOffsetInFirstSegment",
                &field(19..23),
                &vec![0; 4],
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-range",
        "ullLengthOfRange of a whole content is 0 or its length",
        &["PCCRC-2.4-08"],
        |session| {
            for length in [1, LENGTH] {
                let (_, bytes) = made(session, length, "PCCRC-2.4-08")?;
                let field = bytes.get(23..31).and_then(|field| field.try_into().ok());
                let found = field.map(u64::from_be_bytes);
                let is_good = found == Some(0) || found == Some(length as u64);
                let text = format!("ullLengthOfRange is {found:?} of {length} bytes");
                session.holds(is_good, "PCCRC-2.4-08", text)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-chunk",
        "chunks have type 0 and hold descriptions of 68 bytes, at least one",
        &[
            "PCCRC-2.4.1.1-01",
            "PCCRC-2.4.1.1-02",
            "PCCRC-2.4.1.1-03",
            "PCCRC-2.4.1.2-01",
        ],
        |session| {
            let (_, bytes) = made(session, LENGTH, "PCCRC-2.4.1.1-01")?;
            let mut at = 31;
            let mut descriptions = 0;
            while at < bytes.len() {
                let kind = bytes.get(at).copied();
                session.equal("PCCRC-2.4.1.1-02", "bChunkType", &kind, &Some(0))?;
                let length = u32_be(&bytes, at + 1).unwrap_or_default() as usize;
                let is_good = length > 0 && length.is_multiple_of(68);
                let found = format!("dwChunkDataLength is {length}");
                session.holds(is_good, "PCCRC-2.4.1.1-03", &found)?;
                let is_there = at + 5 + length <= bytes.len();
                session.holds(is_there, "PCCRC-2.4.1.1-01", &found)?;
                descriptions += length / 68;
                at += 5 + length;
            }
            let found = "there is no description of a segment";
            session.holds(descriptions > 0, "PCCRC-2.4.1.2-01", found)
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-nothing-behind",
        "behind the last chunk there is nothing",
        &["PCCRC-2.4-02"],
        |session| {
            let (_, bytes) = made(session, 1, "PCCRC-2.4-02")?;
            super::is_as_long(session, &bytes, 31 + 5 + 68, "PCCRC-2.4-02")
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-description",
        "a description is length, HoD and segment secret",
        &["PCCRC-2.4.1.2-03", "PCCRC-2.4.1.2-05", "PCCRC-2.4.1.2-06"],
        |session| {
            let (content, bytes) = made(session, 777, "PCCRC-2.4.1.2-03")?;
            let info = session.reads("PCCRC-2.4.1.2-03", ContentInfo::read(&bytes))?;
            let field = |at: usize| bytes.get(at..at + 32).unwrap_or_default().to_vec();
            let first = info.segments.first().map_or(0, |first| first.length);
            session.equal(
                "PCCRC-2.4.1.2-03",
                "cbSegment",
                &u32_be(&bytes, 36),
                &Some(first),
            )?;
            let hash_of_data = info
                .algorithm
                .hash(content.get(..first as usize).unwrap_or_default());
            session.equal(
                "PCCRC-2.4.1.2-05",
                "SegmentHashOfData",
                &field(40),
                &hash_of_data,
            )?;
            let secret = info.algorithm.segment_secret(SECRET_KEY, &hash_of_data);
            session.equal("PCCRC-2.4.1.2-06", "SegmentSecret", &field(72), &secret)
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-order",
        "segments stand in the order of the content",
        &["PCCRC-2.4.1.2-02"],
        |session| {
            let content = session.random(LENGTH);
            let info = described(session, &content, Version::V2, "PCCRC-2.4.1.2-02")?;
            let several = info.segments.len() > 1;
            let found = "300,007 bytes are one segment, which has at most 131,072";
            session.holds(several, "PCCRC-2.4.1.2-02", found)
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-segment-lengths",
        "a segment of version 2.0 has 1 to 131,072 bytes",
        &["PCCRC-2.4.1.2-04"],
        |session| {
            for length in [1, 131_072, 131_073, 1_000_000] {
                let content = session.random(length);
                let about = "PCCRC-2.4.1.2-04";
                let info = session.info(&content, SECRET_KEY, Version::V2, about)?;
                for segment in &info.segments {
                    let is_good = (1..=131_072).contains(&segment.length);
                    session.holds(
                        is_good,
                        about,
                        format_args!("cbSegment is {}", segment.length),
                    )?;
                }
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::content_info(
        "pccrc-maker-v2-only-when-asked",
        "version 2.0 is made only where it was asked for",
        &["PCCRC-2.4-10"],
        |session| {
            let content = session.random(1_000);
            for (version, major) in [(Version::V1, 1), (Version::V2, 2)] {
                let bytes = session.made(&content, SECRET_KEY, version, "PCCRC-2.4-10")?;
                let found = bytes.get(1).copied();
                session.equal("PCCRC-2.4-10", "the second byte", &found, &Some(major))?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
];

fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    field.try_into().ok().map(u32::from_be_bytes)
}

/// A content of that length and what was made of it.
fn made(
    session: &Session<'_, ContentInfoMaker>,
    length: usize,
    requirement: &'static str,
) -> Result<(Vec<u8>, Vec<u8>), Stop> {
    let content = session.random(length);
    let bytes = session.made(&content, SECRET_KEY, Version::V2, requirement)?;
    Ok((content, bytes))
}
