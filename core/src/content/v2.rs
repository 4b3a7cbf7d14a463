//! MS-PCCRC 2.4: content information version 2.0.
//! Invariant: what `decode` returns has only whole segment descriptions, and segments that cover its range.
//! Byte order: big-endian.

use super::{
    CONTENT_MAX_BYTES, ContentInfo, ContentRange, DecodeError, Problem, Quirk, Quirks, Segment,
    V2_SEGMENT_MAX_BYTES, Version,
};
use crate::hash::HashAlgorithm;
use crate::wire::{Reader, Truncated, Writer};

pub(super) const HEADER_BYTES: usize = 31;
/// A segment description: length, HoD and Kp.
pub(super) const DESCRIPTION_BYTES: usize = 4 + 32 + 32;
/// The only hash algorithm: SHA-512 cut to 32 bytes.
const TRUNCATED_SHA512: u8 = 4;
const START_AT: usize = 3;
pub(super) const OFFSET_IN_FIRST_AT: usize = 19;
const LENGTH_OF_RANGE_AT: usize = 23;

/// A segment description as it lies in the bytes.
struct Description<'a> {
    length: u32,
    hash_of_data: &'a [u8],
    secret: &'a [u8],
}

impl<'a> Description<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Truncated> {
        //= PCCRC-2.4.1.2-03
        Ok(Self {
            length: reader.u32_be("cbSegment")?,
            hash_of_data: reader.take(32, "SegmentHashOfData")?,
            secret: reader.take(32, "SegmentSecret")?,
        })
    }
}

/// What one pass over the chunks learns.
#[derive(Default)]
struct Listed {
    count: u64,
    first_length: u32,
    last_length: u32,
    /// Bytes in all segments together.
    total: u64,
}

impl Listed {
    fn add(&mut self, length: u32, at: usize) -> Result<(), DecodeError> {
        //= PCCRC-2.4.1.2-04
        match length {
            0 => return Err(Problem::SegmentLengthZero.at(at, "cbSegment", "PCCRC-2.4.1.2-04")),
            found if found > V2_SEGMENT_MAX_BYTES => {
                let problem = Problem::SegmentTooLong {
                    found,
                    most: V2_SEGMENT_MAX_BYTES,
                };
                return Err(problem.at(at, "cbSegment", "PCCRC-2.4.1.2-04"));
            }
            _ => {}
        }
        if self.count == 0 {
            self.first_length = length;
        }
        self.last_length = length;
        self.count += 1;
        self.total += u64::from(length);
        Ok(())
    }
}

fn chunk_header(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
    let at = reader.at();
    let found = reader.u8("bChunkType")?;
    //= PCCRC-2.4.1.1-02
    if found != 0 {
        return Err(Problem::ChunkType { found }.at(at, "bChunkType", "PCCRC-2.4.1.1-02"));
    }
    let at = reader.at();
    let found = reader.u32_be("dwChunkDataLength")?;
    let length = usize::try_from(found).unwrap_or(usize::MAX);
    //= PCCRC-2.4.1.1-03
    //= PCCRC-2.4.1.2-01
    if length == 0 || !length.is_multiple_of(DESCRIPTION_BYTES) || length > reader.remaining() {
        let problem = Problem::ChunkLength {
            found,
            remaining: reader.remaining(),
        };
        return Err(problem.at(at, "dwChunkDataLength", "PCCRC-2.4.1.1-03"));
    }
    Ok(length)
}

pub(super) fn decode(mut reader: Reader<'_>) -> Result<ContentInfo<'_>, DecodeError> {
    let bytes = reader.bytes();
    reader.u8("bMinorVersion")?;
    reader.u8("bMajorVersion")?;
    reader.means(|| "2.0");
    let at = reader.at();
    let number = reader.u8("bHashAlgo")?;
    //= PCCRC-2.4-05
    if number != TRUNCATED_SHA512 {
        return Err(Problem::UnknownHash {
            found: u32::from(number),
        }
        .at(at, "bHashAlgo", "PCCRC-2.4-05"));
    }
    reader.means(|| HashAlgorithm::Sha512Truncated);
    //= PCCRC-2.4-01
    //= PCCRC-2.4-02
    let start = reader.u64_be("ullStartInContent")?;
    let index = reader.u64_be("ullIndexOfFirstSegment")?;
    let offset_in_first = reader.u32_be("dwOffsetInFirstSegment")?;
    let length_of_range = reader.u64_be("ullLengthOfRange")?;

    if reader.remaining() == 0 {
        return Err(Problem::NoSegments.at(reader.at(), "chunks", "PCCRC-2.4-02"));
    }
    let mut listed = Listed::default();
    for chunk in 0.. {
        if reader.remaining() == 0 {
            break;
        }
        reader.open("ChunkDescription", Some(chunk));
        let end = chunk_header(&mut reader)? + reader.at();
        while reader.at() < end {
            let at = reader.at();
            reader.open("SegmentDescription", Some(listed.count));
            let description = Description::read(&mut reader)?;
            reader.close();
            listed.add(description.length, at)?;
        }
        reader.close();
    }

    //= PCCRC-2.4-07
    if offset_in_first >= listed.first_length {
        let problem = Problem::OffsetOutsideSegment {
            found: offset_in_first,
            segment_length: listed.first_length,
        };
        return Err(problem.at(OFFSET_IN_FIRST_AT, "dwOffsetInFirstSegment", "PCCRC-2.4-07"));
    }
    let most = listed.total - u64::from(offset_in_first);
    //= PCCRC-2.4-09
    if length_of_range > most {
        let problem = Problem::RangeOutsideSegments {
            found: length_of_range,
            most,
        };
        return Err(problem.at(LENGTH_OF_RANGE_AT, "ullLengthOfRange", "PCCRC-2.4-09"));
    }
    //= PCCRC-2.4-06
    let longest = index.checked_mul(u64::from(V2_SEGMENT_MAX_BYTES));
    if start < index || longest.is_some_and(|longest| start > longest) {
        let problem = Problem::StartContradictsIndex { start, index };
        return Err(problem.at(START_AT, "ullStartInContent", "PCCRC-2.4-06"));
    }
    if start
        .checked_add(listed.total)
        .is_none_or(|end| end > CONTENT_MAX_BYTES)
    {
        let problem = Problem::LengthOverflow {
            start,
            length: listed.total,
        };
        return Err(problem.at(START_AT, "ullStartInContent", "PCCRC-2.4-06"));
    }

    let mut quirks = Quirks::default();
    //= PCCRC-2.4-08
    let length = if length_of_range == 0 {
        most
    } else {
        length_of_range
    };
    if u64::from(offset_in_first) + length <= listed.total - u64::from(listed.last_length) {
        quirks.add(Quirk::V2SegmentsPastRange);
    }
    Ok(ContentInfo {
        bytes,
        version: Version::V2,
        hash: HashAlgorithm::Sha512Truncated,
        range: ContentRange {
            start: start + u64::from(offset_in_first),
            length,
        },
        segment_count: listed.count,
        block_lists: 0,
        first_segment_index: index,
        first_segment_offset: start,
        end_is_content_end: length_of_range == 0,
        quirks,
    })
}

/// Walks the descriptions through all chunks.
#[derive(Debug, Clone)]
pub(super) struct Segments<'a> {
    reader: Reader<'a>,
    left_in_chunk: usize,
    index: u64,
    offset: u64,
}

impl<'a> Segments<'a> {
    pub(super) const fn new(info: &ContentInfo<'a>) -> Self {
        Self {
            reader: Reader::starting_at(info.bytes, HEADER_BYTES),
            left_in_chunk: 0,
            index: info.first_segment_index,
            offset: info.first_segment_offset,
        }
    }

    pub(super) fn next(&mut self) -> Option<Segment<'a>> {
        if self.left_in_chunk == 0 {
            self.left_in_chunk = chunk_header(&mut self.reader).ok()?;
        }
        let Description {
            length,
            hash_of_data,
            secret,
        } = Description::read(&mut self.reader).ok()?;
        self.left_in_chunk = self.left_in_chunk.saturating_sub(DESCRIPTION_BYTES);
        let segment = Segment {
            index: self.index,
            offset: self.offset,
            length,
            block_size: length,
            hash: HashAlgorithm::Sha512Truncated,
            first_block: 0,
            hash_of_data,
            secret,
            block_hashes: &[],
        };
        self.index += 1;
        self.offset += u64::from(length);
        Some(segment)
    }
}

/// The fixed part in front. `length_of_range` is 0 for the whole content.
pub(super) fn header(
    start: u64,
    index: u64,
    offset_in_first: u32,
    length_of_range: u64,
) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .u8(0)
        .u8(2)
        .u8(TRUNCATED_SHA512)
        .u64_be(start)
        .u64_be(index);
    writer.u32_be(offset_in_first).u64_be(length_of_range);
    writer.finish()
}

/// The most segments that one chunk's length can count.
pub(super) const CHUNK_MAX_SEGMENTS: u64 = u32::MAX as u64 / DESCRIPTION_BYTES as u64;

/// The lengths of the chunks, in segments, that hold `count` segments: one, unless that is too many for it.
pub(super) fn chunks(count: u64) -> impl Iterator<Item = u64> {
    (0..count.div_ceil(CHUNK_MAX_SEGMENTS))
        .map(move |chunk| (count - chunk * CHUNK_MAX_SEGMENTS).min(CHUNK_MAX_SEGMENTS))
}

/// A chunk's head, for `count` segments.
pub(super) fn chunk(count: u64) -> Vec<u8> {
    let bytes = count.saturating_mul(DESCRIPTION_BYTES as u64);
    let mut writer = Writer::new();
    writer
        .u8(0)
        .u32_be(u32::try_from(bytes).unwrap_or(u32::MAX));
    writer.finish()
}

/// A segment description.
pub(super) fn description(length: u32, hash_of_data: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.u32_be(length).bytes(hash_of_data).bytes(secret);
    writer.finish()
}

/// Content information for a range within `info`'s, which the caller checked.
pub(super) fn restrict(info: &ContentInfo<'_>, range: ContentRange) -> Vec<u8> {
    let met = || {
        info.segments()
            .filter(|segment| segment.offset < range.end() && range.start < segment.end())
    };
    let Some(first) = met().next() else {
        return Vec::new();
    };
    let offset_in_first = u32::try_from(range.start - first.offset).unwrap_or_default();
    let is_whole = range.start == 0 && info.content_length() == Some(range.end());
    let length_of_range = if is_whole { 0 } else { range.length };
    let mut writer = Writer::new();
    writer.bytes(&header(
        first.offset,
        first.index,
        offset_in_first,
        length_of_range,
    ));
    let mut segments = met();
    for in_chunk in chunks(met().fold(0, |count, _| count + 1)) {
        writer.bytes(&chunk(in_chunk));
        for segment in segments
            .by_ref()
            .take(usize::try_from(in_chunk).unwrap_or(usize::MAX))
        {
            writer.bytes(&description(
                segment.length,
                segment.hash_of_data,
                segment.secret,
            ));
        }
    }
    writer.finish()
}
