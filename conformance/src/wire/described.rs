//! Content information held against the content that it describes (MS-PCCRC 2.1 to 2.4).
//! Invariant: every hash, secret and length is made anew from the content; nothing is taken from what is judged but cuts.
//! Byte order: none.

use std::ops::Range;

use super::Malformed;
use super::content_info::{BLOCK_BYTES, ContentInfo, SEGMENT_V1_BYTES, Segment, Version};

/// What content information has to describe.
#[derive(Debug, Clone)]
pub struct Described<'a> {
    /// The whole content.
    pub content: &'a [u8],
    /// The bytes of it that the content information is of.
    pub range: Range<u64>,
    /// The secret key of the server, where the judge has it.
    pub secret_key: Option<&'a [u8]>,
}

/// Something that readers in the field live with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// Its name.
    pub quirk: &'static str,
    /// What was found.
    pub text: String,
}

/// Bytes in front of the descriptions of version 1.0.
const HEADER_V1_BYTES: usize = 18;
/// Bytes in front of the first description of version 2.0, in its first chunk.
const HEADER_V2_BYTES: usize = 36;

impl<'a> Described<'a> {
    /// All of a content.
    #[must_use]
    pub const fn whole(content: &'a [u8], secret_key: Option<&'a [u8]>) -> Self {
        Self {
            content,
            range: 0..content.len() as u64,
            secret_key,
        }
    }

    fn total(&self) -> u64 {
        self.content.len() as u64
    }

    /// The bytes of a part of the content, nothing where it has none.
    fn bytes(&self, start: u64, length: u64) -> &'a [u8] {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let end = place(start.saturating_add(length));
        self.content.get(place(start)..end).unwrap_or_default()
    }

    /// Whether content information is that of the range.
    ///
    /// # Errors
    /// [`Malformed`] for the first field that is not as the content makes it.
    pub fn by(&self, info: &ContentInfo) -> Result<Vec<Deviation>, Malformed> {
        match info.version {
            Version::V1 => self.by_v1(info),
            Version::V2 => self.by_v2(info),
        }
    }

    fn by_v1(&self, info: &ContentInfo) -> Result<Vec<Deviation>, Malformed> {
        let mut deviations = Vec::new();
        let Range { start, end } = self.range;
        let (Some(first), Some(last)) = (info.segments.first(), info.segments.last()) else {
            return fails(14, "cSegments", "PCCRC-2.3-09", "is 0".to_owned());
        };
        let description = 16 + 2 * info.algorithm.len();
        for (number, segment) in info.segments.iter().enumerate() {
            let at = HEADER_V1_BYTES + number * description;
            holds(
                segment.offset.is_multiple_of(SEGMENT_V1_BYTES) && segment.offset < self.total(),
                (at, "ullOffsetInContent", "PCCRC-2.3.1.1-02"),
                || format!("is {}, where no segment starts", segment.offset),
            )?;
            let length = SEGMENT_V1_BYTES.min(self.total() - segment.offset);
            holds(
                u64::from(segment.length) == length,
                (at + 8, "cbSegment", "PCCRC-2.3.1.1-06"),
                || format!("is {}, the segment has {length} bytes", segment.length),
            )?;
        }
        let expected = start.checked_sub(first.offset);
        holds(
            expected == Some(u64::from(info.offset_in_first_segment))
                && info.offset_in_first_segment < first.length,
            (6, "dwOffsetInFirstSegment", "PCCRC-2.3-04"),
            || {
                let found = info.offset_in_first_segment;
                let at = first.offset;
                format!("is {found}; the range starts at {start}, the first segment listed at {at}")
            },
        )?;
        let last_end = last.offset + u64::from(last.length);
        holds(
            (last.offset..last_end).contains(&(end - 1)),
            (14, "cSegments", "PCCRC-2.3-09"),
            || {
                let count = info.segments.len();
                format!(
                    "is {count}; the last segment listed does not hold byte {}",
                    end - 1
                )
            },
        )?;
        self.read_bytes(info, last, &mut deviations)?;
        let lists = HEADER_V1_BYTES + info.segments.len() * description;
        let mut at = lists;
        for (number, segment) in info.segments.iter().enumerate() {
            let is_last = number + 1 == info.segments.len();
            let description_at = HEADER_V1_BYTES + number * description;
            self.segment_v1(segment, is_last, (description_at, at), &mut deviations)?;
            at += 4 + segment.block_hashes.len() * info.algorithm.len();
        }
        Ok(deviations)
    }

    /// dwReadBytesInLastSegment in its several readings.
    fn read_bytes(
        &self,
        info: &ContentInfo,
        last: &Segment,
        deviations: &mut Vec<Deviation>,
    ) -> Result<(), Malformed> {
        let Range { start, end } = self.range;
        let found = u64::from(info.read_bytes_in_last_segment);
        let last_end = last.offset + u64::from(last.length);
        let of_segment = end - last.offset;
        let counted = if info.segments.len() == 1 {
            end - start
        } else {
            of_segment
        };
        let mut deviates = |quirk, text: String| deviations.push(Deviation { quirk, text });
        let text = format!("dwReadBytesInLastSegment is {found}");
        let is_good = if found == 0 {
            end == last_end
        } else if found == counted {
            if found == u64::from(last.length) {
                let text = format!("{text}, the whole of the last segment, for which 0 stands");
                deviates("v1-read-bytes-whole-last-segment", text);
            }
            true
        } else if found == of_segment {
            let text = format!("{text}, counted from the start of the segment");
            deviates("v1-read-bytes-from-segment-start", text);
            true
        } else {
            false
        };
        holds(
            is_good,
            (10, "dwReadBytesInLastSegment", "PCCRC-2.3-05"),
            || {
                let whole = if end == last_end { ", or 0" } else { "" };
                format!("is {found}, expected {counted}{whole}")
            },
        )
    }

    fn segment_v1(
        &self,
        segment: &Segment,
        is_last: bool,
        (description, list): (usize, usize),
        deviations: &mut Vec<Deviation>,
    ) -> Result<(), Malformed> {
        let hash_bytes = segment.algorithm.len();
        let bytes = self.bytes(segment.offset, u64::from(segment.length));
        let mut hashes: Vec<Vec<u8>> = Vec::new();
        let mut before: &[u8] = &[];
        for block in bytes.chunks(BLOCK_BYTES) {
            // Content of a test is often the same block over and over.
            let again = hashes.last().filter(|_| block == before).cloned();
            hashes.push(again.unwrap_or_else(|| segment.algorithm.hash(block)));
            before = block;
        }
        let block_of = |at: u64| usize::try_from(at / BLOCK_BYTES as u64).unwrap_or(usize::MAX);
        let listed = &segment.block_hashes;
        let past = if is_last {
            block_of(self.range.end - 1 - segment.offset) + 1
        } else {
            hashes.len()
        };
        let first = block_of(self.range.start.saturating_sub(segment.offset));
        let mut deviates = |quirk| {
            let (found, all) = (listed.len(), hashes.len());
            let text = format!(
                "cBlocks is {found}; the segment has {all} blocks, the range ends in block {}",
                past - 1
            );
            deviations.push(Deviation { quirk, text });
        };
        let from = if listed.len() == past {
            0
        } else if listed.len() == hashes.len() {
            deviates("v1-blocks-of-whole-segment");
            0
        } else if listed.len() == past.saturating_sub(first) {
            deviates("v1-blocks-of-range-only");
            first
        } else {
            let why = format!("is {}, expected {past}", listed.len());
            return fails(list, "cBlocks", "PCCRC-2.3.1.2-02", why);
        };
        let expected = hashes.iter().skip(from);
        for (number, (found, expected)) in listed.iter().zip(expected).enumerate() {
            holds(
                found == expected,
                (
                    list + 4 + number * hash_bytes,
                    "BlockHashes",
                    "PCCRC-2.2-03",
                ),
                || format!("hash {number} is not that of block {}", number + from),
            )?;
        }
        let hash_of_data = segment.algorithm.hash(&hashes.concat());
        holds(
            segment.hash_of_data == hash_of_data,
            (description + 16, "SegmentHashOfData", "PCCRC-2.2-04"),
            || "is not the hash of the hashes of all blocks of the segment".to_owned(),
        )?;
        self.secret(segment, description + 16 + hash_bytes)
    }

    /// Kp, where the secret key is known.
    fn secret(&self, segment: &Segment, at: usize) -> Result<(), Malformed> {
        let Some(secret_key) = self.secret_key else {
            return Ok(());
        };
        let algorithm = segment.algorithm;
        let expected = algorithm.segment_secret(secret_key, &segment.hash_of_data);
        holds(
            segment.secret == expected,
            (at, "SegmentSecret", "PCCRC-2.2-06"),
            || {
                let key = algorithm.hash(secret_key);
                let joined = |with: &[u8]| {
                    let message = [&segment.hash_of_data, with].concat();
                    algorithm.hash(&message) == segment.secret
                };
                let is = if joined(secret_key) {
                    "is the hash of HoD and the secret key"
                } else if joined(&key) {
                    "is the hash of HoD and Ks"
                } else if algorithm.hmac(secret_key, &segment.hash_of_data) == segment.secret {
                    "is HMAC with the secret key itself"
                } else {
                    "is another value"
                };
                format!("{is}, expected HMAC of HoD with the hash of the secret key")
            },
        )
    }

    fn by_v2(&self, info: &ContentInfo) -> Result<Vec<Deviation>, Malformed> {
        let mut deviations = Vec::new();
        let Range { start, end } = self.range;
        let Some(first) = info.segments.first() else {
            let why = "there is none".to_owned();
            return fails(31, "chunks", "PCCRC-2.4.1.2-01", why);
        };
        let index = info.index_of_first_segment;
        let most = index.saturating_mul(super::content_info::SEGMENT_V2_MAX_BYTES);
        holds(
            (index..=most).contains(&first.offset),
            (3, "ullStartInContent", "PCCRC-2.4-06"),
            || format!("is {}, which segment {index} cannot start at", first.offset),
        )?;
        let expected = start.checked_sub(first.offset);
        holds(
            expected == Some(u64::from(info.offset_in_first_segment))
                && info.offset_in_first_segment < first.length,
            (19, "dwOffsetInFirstSegment", "PCCRC-2.4-07"),
            || {
                let found = info.offset_in_first_segment;
                let at = first.offset;
                format!("is {found}; the range starts at {start}, the first segment listed at {at}")
            },
        )?;
        let found = info.length_of_range;
        let is_whole = self.range == (0..self.total());
        holds(
            found == end - start || (found == 0 && is_whole),
            (23, "ullLengthOfRange", "PCCRC-2.4-08"),
            || {
                format!(
                    "is {found}, expected {}{}",
                    end - start,
                    if is_whole { ", or 0" } else { "" }
                )
            },
        )?;
        for (number, segment) in info.segments.iter().enumerate() {
            let at = HEADER_V2_BYTES + number * 68;
            let bytes = self.bytes(segment.offset, u64::from(segment.length));
            holds(
                bytes.len() == segment.length as usize,
                (at, "cbSegment", "PCCRC-2.4.1.2-04"),
                || {
                    format!(
                        "is {}; the segment would end behind the content",
                        segment.length
                    )
                },
            )?;
            if segment.offset >= end {
                let text = format!("segment {number} lies behind the end of the range");
                let quirk = "v2-segments-past-range";
                deviations.push(Deviation { quirk, text });
            }
            holds(
                segment.algorithm.hash(bytes) == segment.hash_of_data,
                (at + 4, "SegmentHashOfData", "PCCRC-2.2-14"),
                || format!("is not the hash of the bytes of segment {number}"),
            )?;
            self.secret(segment, at + 36)?;
        }
        let listed_end = info
            .segments
            .last()
            .map_or(0, |last| last.offset + u64::from(last.length));
        holds(listed_end >= end, (31, "chunks", "PCCRC-2.4-09"), || {
            format!("the segments end at {listed_end}, the range at {end}")
        })?;
        Ok(deviations)
    }
}

fn holds(
    is_so: bool,
    (at, field, requirement): (usize, &'static str, &'static str),
    why: impl FnOnce() -> String,
) -> Result<(), Malformed> {
    if is_so {
        Ok(())
    } else {
        fails(at, field, requirement, why())
    }
}

fn fails<T>(
    at: usize,
    field: &'static str,
    requirement: &'static str,
    why: String,
) -> Result<T, Malformed> {
    Err(Malformed {
        at,
        field,
        why,
        requirement,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::digest::Algorithm;

    #[test]
    fn what_is_made_of_a_content_describes_it_and_nothing_else() {
        let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let key = b"secret".as_slice();
        for info in [
            ContentInfo::v1(&content, key, Algorithm::Sha384),
            ContentInfo::v2(&content, key, 100_000),
        ] {
            let whole = Described::whole(&content, Some(key));
            assert_eq!(whole.by(&info).unwrap(), []);
            let mut part = whole.clone();
            part.range = 70_000..900_001;
            assert_eq!(part.by(&info.of_range(part.range.clone())).unwrap(), []);
            assert!(part.by(&info).is_err());
            assert!(whole.by(&info.of_range(part.range)).is_err());
            assert!(
                Described::whole(&content, Some(b"other"))
                    .by(&info)
                    .is_err()
            );
            assert!(
                Described::whole(&content[..1_199_999], None)
                    .by(&info)
                    .is_err()
            );
        }
    }
}
