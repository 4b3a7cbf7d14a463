//! MS-PCCRC 2.3: content information version 1.0.
//! Invariant: what `decode` returns has contiguous segments and exactly the block lists its range needs.
//! Byte order: little-endian.

use super::{
    BLOCK_BYTES, CONTENT_MAX_BYTES, ContentInfo, ContentRange, DecodeError, Problem, Quirk, Quirks,
    Segment, V1_SEGMENT_BYTES, Version,
};
use crate::hash::HashAlgorithm;
use crate::wire::{Reader, Truncated, Writer};

pub(super) const HEADER_BYTES: usize = 18;
const OFFSET_IN_FIRST_AT: usize = 6;
const READ_BYTES_AT: usize = 10;
const SEGMENT_COUNT_AT: usize = 14;

pub(super) const fn algorithm_number(hash: HashAlgorithm) -> Option<u32> {
    match hash {
        HashAlgorithm::Sha256 => Some(0x800C),
        HashAlgorithm::Sha384 => Some(0x800D),
        HashAlgorithm::Sha512 => Some(0x800E),
        HashAlgorithm::Sha512Truncated => None,
    }
}

const fn algorithm_of(number: u32) -> Option<HashAlgorithm> {
    match number {
        0x800C => Some(HashAlgorithm::Sha256),
        0x800D => Some(HashAlgorithm::Sha384),
        0x800E => Some(HashAlgorithm::Sha512),
        _ => None,
    }
}

pub(super) const fn description_bytes(hash: HashAlgorithm) -> usize {
    16 + 2 * hash.digest_len()
}

/// A segment description as it lies in the bytes.
struct Description<'a> {
    offset: u64,
    length: u32,
    block_size: u32,
    hash_of_data: &'a [u8],
    secret: &'a [u8],
}

impl<'a> Description<'a> {
    fn read(reader: &mut Reader<'a>, hash: HashAlgorithm) -> Result<Self, Truncated> {
        //= PCCRC-2.3.1.1-01
        Ok(Self {
            offset: reader.u64_le("ullOffsetInContent")?,
            length: reader.u32_le("cbSegment")?,
            block_size: reader.u32_le("cbBlockSize")?,
            hash_of_data: reader.take(hash.digest_len(), "SegmentHashOfData")?,
            secret: reader.take(hash.digest_len(), "SegmentSecret")?,
        })
    }

    /// Checks it against the one before, for its own place `at`.
    fn check(&self, at: usize, previous: Option<&Self>, is_last: bool) -> Result<(), DecodeError> {
        let segment_bytes = u64::from(V1_SEGMENT_BYTES);
        let expected = previous.map(|before| before.offset + segment_bytes);
        let in_place = expected.map_or(self.offset.is_multiple_of(segment_bytes), |expected| {
            self.offset == expected
        });
        //= PCCRC-2.3.1.1-02
        if !in_place {
            let problem = Problem::SegmentOffset {
                found: self.offset,
                expected,
            };
            return Err(problem.at(at, "ullOffsetInContent", "PCCRC-2.3.1.1-02"));
        }
        if self
            .offset
            .checked_add(u64::from(self.length))
            .is_none_or(|end| end > CONTENT_MAX_BYTES)
        {
            let length = u64::from(self.length);
            let problem = Problem::LengthOverflow {
                start: self.offset,
                length,
            };
            return Err(problem.at(at, "ullOffsetInContent", "PCCRC-2.3-07"));
        }
        //= PCCRC-2.3.1.1-03
        //= PCCRC-2.3.1.1-06
        let length_problem = match self.length {
            0 => Some((Problem::SegmentLengthZero, "PCCRC-2.3.1.1-06")),
            found if found > V1_SEGMENT_BYTES => {
                let most = V1_SEGMENT_BYTES;
                Some((Problem::SegmentTooLong { found, most }, "PCCRC-2.3.1.1-06"))
            }
            found if found < V1_SEGMENT_BYTES && !is_last => {
                let expected = V1_SEGMENT_BYTES;
                let problem = Problem::SegmentTooShort { found, expected };
                Some((problem, "PCCRC-2.3.1.1-03"))
            }
            _ => None,
        };
        if let Some((problem, requirement)) = length_problem {
            return Err(problem.at(at + 8, "cbSegment", requirement));
        }
        //= PCCRC-2.3.1.1-07
        if self.block_size != BLOCK_BYTES {
            let problem = Problem::BlockSize {
                found: self.block_size,
            };
            return Err(problem.at(at + 12, "cbBlockSize", "PCCRC-2.3.1.1-07"));
        }
        Ok(())
    }
}

pub(super) fn decode(mut reader: Reader<'_>) -> Result<ContentInfo<'_>, DecodeError> {
    let bytes = reader.bytes();
    reader.u16_le("Version")?;
    reader.means(|| "1.0");
    let at = reader.at();
    let number = reader.u32_le("dwHashAlgo")?;
    //= PCCRC-2.3-03
    let hash = algorithm_of(number).ok_or_else(|| {
        Problem::UnknownHash { found: number }.at(at, "dwHashAlgo", "PCCRC-2.3-03")
    })?;
    reader.means(|| hash);
    let offset_in_first = reader.u32_le("dwOffsetInFirstSegment")?;
    let read_bytes = reader.u32_le("dwReadBytesInLastSegment")?;
    let segment_count = reader.u32_le("cSegments")?;
    //= PCCRC-2.3-09
    if segment_count == 0 {
        return Err(Problem::NoSegments.at(SEGMENT_COUNT_AT, "cSegments", "PCCRC-2.3-09"));
    }
    let most = reader.remaining() / description_bytes(hash);
    if usize::try_from(segment_count).map_or(true, |count| count > most) {
        let problem = Problem::SegmentCount {
            claimed: segment_count,
            most,
        };
        return Err(problem.at(SEGMENT_COUNT_AT, "cSegments", "PCCRC-2.3-09"));
    }

    let first = Description::read(&mut reader.untraced(), hash)?;
    let mut last: Option<Description<'_>> = None;
    for index in 1..=segment_count {
        let at = reader.at();
        reader.open("SegmentDescription", Some(u64::from(index) - 1));
        let description = Description::read(&mut reader, hash)?;
        reader.close();
        description.check(at, last.as_ref(), index == segment_count)?;
        last = Some(description);
    }
    let last = last.as_ref().unwrap_or(&first);

    //= PCCRC-2.3-04
    if offset_in_first >= first.length {
        let problem = Problem::OffsetOutsideSegment {
            found: offset_in_first,
            segment_length: first.length,
        };
        return Err(problem.at(OFFSET_IN_FIRST_AT, "dwOffsetInFirstSegment", "PCCRC-2.3-04"));
    }
    let mut quirks = Quirks::default();
    //= PCCRC-2.3-07
    //= PCCRC-2.3-08
    //= PCCRC-2.3.1.1-04
    let start = first.offset + u64::from(offset_in_first);
    let from = if segment_count == 1 {
        offset_in_first
    } else {
        0
    };
    let end = last.offset + u64::from(read_end(read_bytes, from, last.length, &mut quirks)?);
    let range = ContentRange {
        start,
        length: end - start,
    };

    //= PCCRC-2.3-10
    //= PCCRC-2.3.1.2-01
    let block_lists = reader.at();
    let mut descriptions = Reader::new(bytes);
    descriptions.take(HEADER_BYTES, "header")?;
    for index in 0..segment_count {
        let description = Description::read(&mut descriptions, hash)?;
        let blocks = WantedBlocks::of(&description, range);
        reader.open("SegmentContentBlocks", Some(u64::from(index)));
        blocks.skip_list(&mut reader, hash, &mut quirks)?;
        reader.close();
    }
    if reader.remaining() > 0 {
        let problem = Problem::TrailingBytes {
            count: reader.remaining(),
        };
        return Err(problem.at(reader.at(), "blocks", "PCCRC-2.3-10"));
    }
    let segment_bytes = u64::from(V1_SEGMENT_BYTES);
    Ok(ContentInfo {
        bytes,
        version: Version::V1,
        hash,
        range,
        segment_count: u64::from(segment_count),
        block_lists,
        first_segment_index: first.offset / segment_bytes,
        first_segment_offset: first.offset,
        end_is_content_end: last.length < V1_SEGMENT_BYTES || (start == 0 && read_bytes == 0),
        quirks,
    })
}

/// Where in the last segment the range ends: 2.3 and 2.3.1.1 differ when it starts in the same segment, at `from`.
fn read_end(
    read_bytes: u32,
    from: u32,
    segment_length: u32,
    quirks: &mut Quirks,
) -> Result<u32, DecodeError> {
    let left = segment_length - from;
    //= PCCRC-2.3-06
    if read_bytes == 0 {
        return Ok(segment_length);
    }
    if read_bytes <= left {
        //= PCCRC-2.3-05
        //= PCCRC-2.3.1.1-05
        if from > 0 {
            quirks.add(Quirk::V1ReadBytesSingleSegment);
        }
        if read_bytes == left {
            quirks.add(Quirk::V1ReadBytesWholeLastSegment);
        }
        return Ok(from + read_bytes);
    }
    if from < read_bytes && read_bytes <= segment_length {
        quirks.add(Quirk::V1ReadBytesFromSegmentStart);
        if read_bytes == segment_length {
            quirks.add(Quirk::V1ReadBytesWholeLastSegment);
        }
        return Ok(read_bytes);
    }
    let problem = Problem::ReadBytesOutsideSegment {
        found: read_bytes,
        most: left,
    };
    Err(problem.at(READ_BYTES_AT, "dwReadBytesInLastSegment", "PCCRC-2.3-05"))
}

/// Which blocks of a segment a range meets, and so which lists of hashes are right for it.
#[derive(Clone, Copy)]
struct WantedBlocks {
    first: u32,
    /// One past the last.
    end: u32,
    total: u32,
}

impl WantedBlocks {
    fn of(segment: &Description<'_>, range: ContentRange) -> Self {
        Self::within(segment.offset, segment.length, range)
    }

    fn within(offset: u64, length: u32, range: ContentRange) -> Self {
        let in_segment = |at: u64| {
            let at = at.clamp(offset, offset + u64::from(length));
            u32::try_from(at - offset).unwrap_or(length)
        };
        Self {
            first: in_segment(range.start) / BLOCK_BYTES,
            end: in_segment(range.end()).div_ceil(BLOCK_BYTES),
            total: length.div_ceil(BLOCK_BYTES),
        }
    }

    /// The index of the first block in a list of `count` hashes, and the quirk of such a list.
    fn first_of_list(self, count: u32) -> Option<(u32, Option<Quirk>)> {
        //= PCCRC-2.3.1.2-02
        if count == self.end {
            Some((0, None))
        } else if count == self.end - self.first {
            Some((self.first, Some(Quirk::V1BlocksOfRangeOnly)))
        } else if count == self.total {
            Some((0, Some(Quirk::V1BlocksOfWholeSegment)))
        } else {
            None
        }
    }

    fn skip_list(
        self,
        reader: &mut Reader<'_>,
        hash: HashAlgorithm,
        quirks: &mut Quirks,
    ) -> Result<(), DecodeError> {
        let at = reader.at();
        let claimed = reader.u32_le("cBlocks")?;
        let Some((_, quirk)) = self.first_of_list(claimed) else {
            let problem = Problem::BlockCount {
                claimed,
                expected: self.end,
            };
            return Err(problem.at(at, "cBlocks", "PCCRC-2.3.1.2-02"));
        };
        if let Some(quirk) = quirk {
            quirks.add(quirk);
        }
        let most = reader.remaining() / hash.digest_len();
        take_list(reader, claimed, hash).map(|_| ()).map_err(|_| {
            Problem::BlockHashesMissing { claimed, most }.at(at, "cBlocks", "PCCRC-2.3.1.2-01")
        })
    }
}

fn take_list<'a>(
    reader: &mut Reader<'a>,
    count: u32,
    hash: HashAlgorithm,
) -> Result<&'a [u8], Truncated> {
    let bytes = usize::try_from(count)
        .ok()
        .and_then(|n| n.checked_mul(hash.digest_len()));
    reader.take(bytes.unwrap_or(usize::MAX), "BlockHashes")
}

/// Walks descriptions and block lists side by side.
#[derive(Debug, Clone)]
pub(super) struct Segments<'a> {
    descriptions: Reader<'a>,
    lists: Reader<'a>,
    hash: HashAlgorithm,
    range: ContentRange,
    left: u64,
}

impl<'a> Segments<'a> {
    pub(super) const fn new(info: &ContentInfo<'a>) -> Self {
        Self {
            descriptions: Reader::starting_at(info.bytes, HEADER_BYTES),
            lists: Reader::starting_at(info.bytes, info.block_lists),
            hash: info.hash,
            range: info.range,
            left: info.segment_count,
        }
    }

    pub(super) fn next(&mut self) -> Option<Segment<'a>> {
        self.left = self.left.checked_sub(1)?;
        let description = Description::read(&mut self.descriptions, self.hash).ok()?;
        let count = self.lists.u32_le("cBlocks").ok()?;
        let block_hashes = take_list(&mut self.lists, count, self.hash).ok()?;
        let (first_block, _) = WantedBlocks::of(&description, self.range).first_of_list(count)?;
        Some(Segment {
            index: description.offset / u64::from(V1_SEGMENT_BYTES),
            offset: description.offset,
            length: description.length,
            block_size: description.block_size,
            hash: self.hash,
            first_block,
            hash_of_data: description.hash_of_data,
            secret: description.secret,
            block_hashes,
        })
    }
}

/// The fixed part in front. `read_bytes` is 0 for a range that ends with the last segment.
pub(super) fn header(
    hash: HashAlgorithm,
    offset_in_first: u32,
    read_bytes: u32,
    segment_count: u32,
) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .u16_le(0x0100)
        .u32_le(algorithm_number(hash).unwrap_or_default());
    writer
        .u32_le(offset_in_first)
        .u32_le(read_bytes)
        .u32_le(segment_count);
    writer.finish()
}

/// A segment description.
pub(super) fn description(offset: u64, length: u32, hash_of_data: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.u64_le(offset).u32_le(length).u32_le(BLOCK_BYTES);
    writer.bytes(hash_of_data).bytes(secret);
    writer.finish()
}

/// Content information for a range within `info`'s, which the caller checked. Lists run from each segment's first
/// block to the last that meets the range, as examples 3.3 and 3.5 show.
pub(super) fn restrict(info: &ContentInfo<'_>, range: ContentRange) -> Vec<u8> {
    let met = || {
        info.segments()
            .filter(|segment| segment.offset < range.end() && range.start < segment.end())
    };
    let (Some(first), Some(last)) = (met().next(), met().last()) else {
        return Vec::new();
    };
    let offset_in_first = u32::try_from(range.start - first.offset).unwrap_or_default();
    let from = range.start.max(last.offset);
    let read_bytes = match range.end() {
        end if end == last.end() => 0,
        end => u32::try_from(end - from).unwrap_or_default(),
    };
    let count = u32::try_from(met().count()).unwrap_or(u32::MAX);
    let mut writer = Writer::new();
    writer.bytes(&header(info.hash, offset_in_first, read_bytes, count));
    for segment in met() {
        writer.bytes(&description(
            segment.offset,
            segment.length,
            segment.hash_of_data,
            segment.secret,
        ));
    }
    for segment in met() {
        let wanted = WantedBlocks::within(segment.offset, segment.length, range);
        // Where the list at hand lacks the segment's first blocks, ours can only begin with the range.
        let first = if segment.first_block == 0 {
            0
        } else {
            wanted.first
        };
        let skipped = usize::try_from(first - segment.first_block).unwrap_or(usize::MAX);
        let listed = usize::try_from(wanted.end - first).unwrap_or(usize::MAX);
        let hashes = segment.block_hashes().skip(skipped).take(listed);
        writer.u32_le(u32::try_from(hashes.len()).unwrap_or(u32::MAX));
        hashes.for_each(|hash| {
            writer.bytes(hash);
        });
    }
    writer.finish()
}
