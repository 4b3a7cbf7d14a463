//! MS-PCCRC 2.3: the header of content information 1.0, and what stands where.
//! Invariant: fields are looked at by their offsets, for a reader that is wrong the same way sees nothing.
//! Byte order: little-endian.

use super::{BLOCK, SECRET_KEY, is_as_long, u32_le};
use crate::judge::session::Session;
use crate::judge::{Case, Stop, Tag};
use crate::targets::content_info::ContentInfoMaker;
use crate::wire::content_info::Version;

pub(super) const CASES: &[Case] = &[
    Case::content_info(
        "pccrc-maker-v1-byte-order",
        "numbers of version 1.0 are written least significant byte first",
        &["PCCRC-2.3-01"],
        |session| {
            let bytes = made(session, BLOCK + 3, "PCCRC-2.3-01")?;
            for (field, at, expected) in [
                ("cSegments", 14, 1),
                ("cbSegment", 26, 65_539),
                ("cbBlockSize", 30, 65_536),
            ] {
                session.equal("PCCRC-2.3-01", field, &u32_le(&bytes, at), &Some(expected))?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-version",
        "content information 1.0 starts with 00 01",
        &["PCCRC-2.3-02"],
        |session| {
            let bytes = made(session, 10, "PCCRC-2.3-02")?;
            let found = bytes.get(..2).unwrap_or_default().to_vec();
            session.equal("PCCRC-2.3-02", "Version", &found, &vec![0, 1])
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-hash-algorithm",
        "dwHashAlgo is that of SHA-256, SHA-384 or SHA-512",
        &["PCCRC-2.3-03"],
        |session| {
            let bytes = made(session, 10, "PCCRC-2.3-03")?;
            let found = u32_le(&bytes, 2);
            let is_known = matches!(found, Some(0x800C..=0x800E));
            session.holds(
                is_known,
                "PCCRC-2.3-03",
                format_args!("dwHashAlgo is {found:#x?}"),
            )
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-offset",
        "dwOffsetInFirstSegment of a whole content is 0",
        &["PCCRC-2.3-04", "PCCRC-2.3-07"],
        |session| {
            let bytes = made(session, BLOCK, "PCCRC-2.3-04")?;
            let found = u32_le(&bytes, 6);
            session.equal("PCCRC-2.3-04", "dwOffsetInFirstSegment", &found, &Some(0))?;
            session.equal("PCCRC-2.3-07", "dwOffsetInFirstSegment", &found, &Some(0))
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-read-bytes",
        "dwReadBytesInLastSegment of a whole content is 0, which stands for the whole last segment",
        &["PCCRC-2.3-05", "PCCRC-2.3-06"],
        |session| {
            for length in [1, BLOCK, 2 * BLOCK + 1] {
                let bytes = made(session, length, "PCCRC-2.3-05")?;
                let found = u32_le(&bytes, 10).unwrap_or(u32::MAX) as usize;
                let text = format!(
                    "dwReadBytesInLastSegment is {found}, the last segment has {length} bytes"
                );
                let is_good = found == 0 || found == length;
                session.holds(is_good, "PCCRC-2.3-06", &text)?;
                if found == 0 {
                    session.holds(is_good, "PCCRC-2.3-05", &text)?;
                } else {
                    session.quirk("v1-read-bytes-whole-last-segment", "PCCRC-2.3-05", text)?;
                }
            }
            Ok(())
        },
    )
    .quirks(&["v1-read-bytes-whole-last-segment"])
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-segment-count",
        "cSegments counts the segments that are listed, and is not 0",
        &["PCCRC-2.3-09", "PCCRC-2.3-08"],
        |session| {
            let bytes = made(session, 3 * BLOCK, "PCCRC-2.3-09")?;
            session.equal("PCCRC-2.3-09", "cSegments", &u32_le(&bytes, 14), &Some(1))?;
            let ends_at = u32_le(&bytes, 26);
            session.equal("PCCRC-2.3-08", "cbSegment", &ends_at, &Some(196_608))
        },
    )
    .tags(&[Tag::V1]),
    Case::content_info(
        "pccrc-maker-v1-nothing-behind",
        "behind the last block hash there is nothing",
        &["PCCRC-2.3-10"],
        |session| {
            for length in [1, BLOCK, 3 * BLOCK + 1] {
                let bytes = made(session, length, "PCCRC-2.3-10")?;
                let hash = match u32_le(&bytes, 2) {
                    Some(0x800D) => 48,
                    Some(0x800E) => 64,
                    _ => 32,
                };
                let expected = 18 + (16 + 2 * hash) + 4 + length.div_ceil(BLOCK) * hash;
                is_as_long(session, &bytes, expected, "PCCRC-2.3-10")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
];

fn made(
    session: &Session<'_, ContentInfoMaker>,
    length: usize,
    requirement: &'static str,
) -> Result<Vec<u8>, Stop> {
    let content = session.random(length);
    session.made(&content, SECRET_KEY, Version::V1, requirement)
}
