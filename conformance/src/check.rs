//! Content information of a file, held against MS-PCCRC, and against its content and secret where these are there.
//! Invariant: expectations are the judge's own; every finding names its requirement.
//! Byte order: that of its version.

use std::ops::Range;

use serde::Serialize;

use crate::catalogue;
use crate::wire::content_info::{ContentInfo, Segment, Version};

/// Something that is not as required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InfoFinding {
    /// Whether it has to be otherwise, or is a deviation with a name.
    pub is_failure: bool,
    /// The requirement that it goes against.
    pub requirement: &'static str,
    /// The name of the deviation, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quirk: Option<&'static str>,
    /// What was found.
    pub text: String,
}

/// What content information came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InfoReport {
    /// Its version, where it has one.
    pub version: Option<&'static str>,
    /// Segments that it describes.
    pub segments: usize,
    /// Hashes of blocks, or of segments of version 2.0, that were held against the content.
    pub hashes_checked: usize,
    /// What was not as required.
    pub findings: Vec<InfoFinding>,
}

impl InfoReport {
    fn holds(&mut self, is_so: bool, requirement: &'static str, text: impl FnOnce() -> String) {
        if !is_so {
            let level = catalogue::find(requirement).map(|found| found.level);
            self.findings.push(InfoFinding {
                is_failure: level.is_none_or(catalogue::Level::binds),
                requirement,
                quirk: None,
                text: text(),
            });
        }
    }

    fn quirk(&mut self, quirk: &'static str, requirement: &'static str, text: String) {
        self.findings.push(InfoFinding {
            is_failure: false,
            requirement,
            quirk: Some(quirk),
            text,
        });
    }
}

/// Judges content information. `content` is the whole content, also where it describes a range.
#[must_use]
pub fn content_info(bytes: &[u8], content: Option<&[u8]>, secret_key: Option<&[u8]>) -> InfoReport {
    let mut report = InfoReport::default();
    let info = match ContentInfo::read(bytes) {
        Ok(info) => info,
        Err(error) => {
            report.holds(false, error.requirement, || error.to_string());
            return report;
        }
    };
    report.version = Some(match info.version {
        Version::V1 => "1.0",
        Version::V2 => "2.0",
    });
    report.segments = info.segments.len();
    match info.version {
        Version::V1 => range_v1(&mut report, &info),
        Version::V2 => range_v2(&mut report, &info),
    }
    for (index, segment) in info.segments.iter().enumerate() {
        let all = segment.block_hashes.len() == segment.blocks() as usize;
        if info.version == Version::V1 && all {
            let found = segment.algorithm.hash(&segment.block_hashes.concat());
            report.holds(found == segment.hash_of_data, "PCCRC-2.2-04", || {
                format!("SegmentHashOfData of segment {index} is not the hash of its block hashes")
            });
        }
        if let Some(key) = secret_key {
            let expected = segment.algorithm.segment_secret(key, &segment.hash_of_data);
            report.holds(expected == segment.secret, "PCCRC-2.2-06", || {
                format!(
                    "SegmentSecret of segment {index} is not what the secret key makes of its hash"
                )
            });
        }
        if let Some(content) = content {
            hashes(&mut report, index, segment, content);
        }
    }
    report
}

fn range_v1(report: &mut InfoReport, info: &ContentInfo) {
    let [first, ..] = info.segments.as_slice() else {
        return;
    };
    let Some(last) = info.segments.last() else {
        return;
    };
    let (offset, read) = (
        info.offset_in_first_segment,
        info.read_bytes_in_last_segment,
    );
    report.holds(offset < first.length, "PCCRC-2.3-04", || {
        format!(
            "dwOffsetInFirstSegment is {offset}, the segment has {} bytes",
            first.length
        )
    });
    let from = if info.segments.len() == 1 { offset } else { 0 };
    let room = last.length.saturating_sub(from);
    if read > room && read <= last.length {
        report.quirk(
            "v1-read-bytes-from-segment-start",
            "PCCRC-2.3-08",
            format!("dwReadBytesInLastSegment is {read}, counted from the segment's start"),
        );
    } else if read == last.length || (read == room && room > 0) {
        report.quirk(
            "v1-read-bytes-whole-last-segment",
            "PCCRC-2.3-05",
            format!("dwReadBytesInLastSegment is {read}, to the segment's end, where 0 is usual"),
        );
    } else {
        report.holds(read < last.length, "PCCRC-2.3-05", || {
            format!(
                "dwReadBytesInLastSegment is {read}, the segment has {} bytes",
                last.length
            )
        });
    }
    let end = match read {
        0 => last.length,
        read => from.saturating_add(read).min(last.length),
    };
    let meeting = end.div_ceil(65_536);
    let skipped = from / 65_536;
    let listed = u32::try_from(last.block_hashes.len()).unwrap_or(u32::MAX);
    if listed == last.blocks() && listed > meeting {
        report.quirk(
            "v1-blocks-of-whole-segment",
            "PCCRC-2.3.1.2-02",
            format!(
                "{listed} blocks are listed, the range ends with block {}",
                meeting - 1
            ),
        );
    } else if info.segments.len() == 1 && skipped > 0 && listed == meeting.saturating_sub(skipped) {
        report.quirk(
            "v1-blocks-of-range-only",
            "PCCRC-2.3.1.2-02",
            format!("{listed} blocks are listed, from block {skipped} on"),
        );
    } else {
        report.holds(listed == meeting, "PCCRC-2.3.1.2-02", || {
            format!("{listed} blocks of the last segment are listed, expected {meeting}")
        });
    }
}

fn range_v2(report: &mut InfoReport, info: &ContentInfo) {
    let [first, ..] = info.segments.as_slice() else {
        return;
    };
    let offset = info.offset_in_first_segment;
    report.holds(offset < first.length, "PCCRC-2.4-07", || {
        format!(
            "dwOffsetInFirstSegment is {offset}, the segment has {} bytes",
            first.length
        )
    });
    let is_start = (first.offset == 0) == (info.index_of_first_segment == 0);
    report.holds(is_start, "PCCRC-2.4-06", || {
        let (start, index) = (first.offset, info.index_of_first_segment);
        format!("ullStartInContent is {start} and ullIndexOfFirstSegment {index}")
    });
    let described: u64 = info
        .segments
        .iter()
        .map(|segment| u64::from(segment.length))
        .sum();
    let needed = u64::from(offset).saturating_add(info.length_of_range);
    report.holds(needed <= described, "PCCRC-2.4-09", || {
        format!("the range needs {needed} bytes, {described} are described")
    });
    let last = info
        .segments
        .last()
        .map_or(0, |segment| u64::from(segment.length));
    if info.length_of_range > 0 && needed <= described.saturating_sub(last) {
        report.quirk(
            "v2-segments-past-range",
            "PCCRC-2.4-09",
            "a segment is listed that starts behind the end of the range".to_owned(),
        );
    }
}

fn hashes(report: &mut InfoReport, index: usize, segment: &Segment, content: &[u8]) {
    let listed = match segment.version() {
        Version::V1 => u32::try_from(segment.block_hashes.len()).unwrap_or(0),
        Version::V2 => 1,
    };
    for block in 0..listed {
        let place: Range<usize> = segment.block_in_content(block);
        let requirement = match segment.version() {
            Version::V1 => "PCCRC-2.2-03",
            Version::V2 => "PCCRC-2.4.1.2-05",
        };
        let plain = content.get(place.clone());
        report.hashes_checked += 1;
        let is_it = plain.and_then(|plain| segment.verifies(block, plain));
        report.holds(is_it == Some(true), requirement, || match plain {
            Some(_) => format!(
                "the hash of block {block} of segment {index} is not that of bytes {place:?}"
            ),
            None => format!(
                "block {block} of segment {index} is bytes {place:?}, behind the content's end"
            ),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::digest::Algorithm;

    fn content() -> Vec<u8> {
        (0..200_000_u32).map(|at| at.to_le_bytes()[0]).collect()
    }

    #[test]
    fn what_is_made_here_is_good_and_ranges_of_it_are() {
        let content = content();
        for info in [
            ContentInfo::v1(&content, b"key", Algorithm::Sha512),
            ContentInfo::v2(&content, b"key", 70_000),
        ] {
            for range in [
                0..200_000,
                0..1,
                70_000..140_000,
                199_999..200_000,
                131_072..200_000,
            ] {
                let bytes = info.of_range(range.clone()).draft().to_bytes();
                let report = content_info(&bytes, Some(&content), Some(b"key"));
                assert_eq!(report.findings, [], "{range:?}");
                assert!(report.hashes_checked > 0);
            }
        }
    }

    #[test]
    fn other_content_other_keys_and_wrong_fields_are_found() {
        let content = content();
        let info = ContentInfo::v1(&content, b"key", Algorithm::Sha256);
        let bytes = info.draft().to_bytes();
        let of = |report: InfoReport| -> Vec<&str> {
            report
                .findings
                .iter()
                .map(|found| found.requirement)
                .collect()
        };
        assert_eq!(
            of(content_info(&bytes, None, Some(b"other"))),
            ["PCCRC-2.2-06"]
        );
        let mut wrong = content.clone();
        wrong[70_000] ^= 1;
        assert_eq!(
            of(content_info(&bytes, Some(&wrong), None)),
            ["PCCRC-2.2-03"]
        );
        let far = info.draft().with_u32_le("dwOffsetInFirstSegment", 200_000);
        assert!(of(content_info(&far.to_bytes(), None, None)).contains(&"PCCRC-2.3-04"));
        let whole = info
            .draft()
            .with_u32_le("dwReadBytesInLastSegment", 200_000);
        let report = content_info(&whole.to_bytes(), None, None);
        assert_eq!(
            report.findings[0].quirk,
            Some("v1-read-bytes-whole-last-segment")
        );
        assert_eq!(of(content_info(&bytes[..40], None, None)), ["PCCRC-2.3-10"]);
    }
}
