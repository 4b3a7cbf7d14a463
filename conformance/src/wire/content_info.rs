//! Content information (MS-PCCRC 2.3 and 2.4), made from content and read without a second thought for quirks.
//! Invariant: what is made here is what the document shows: whole content, or the range that meets it.
//! Byte order: version 1.0 little-endian, version 2.0 big-endian.

use std::ops::Range;

use peerdist::wire::Reader;

use super::Malformed;
use super::digest::Algorithm;
use super::draft::Draft;

/// Bytes of a segment of version 1.0 that is not the last.
pub const SEGMENT_V1_BYTES: u64 = 32 << 20;
/// Bytes of a block of version 1.0 that is not the last.
pub const BLOCK_BYTES: usize = 65_536;
/// The longest segment of version 2.0.
pub const SEGMENT_V2_MAX_BYTES: u64 = 131_072;

/// The two versions of content information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.0: segments of 32 MiB in blocks of 64 KiB.
    V1,
    /// 2.0: segments of up to 128 KiB, each of them one block.
    V2,
}

impl Version {
    /// Its name in texts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }
}

/// A segment, as its content information describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Which hash.
    pub algorithm: Algorithm,
    /// Its first byte in the content.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u32,
    /// HoD.
    pub hash_of_data: Vec<u8>,
    /// Kp.
    pub secret: Vec<u8>,
    /// The hashes listed, from the first block on; none in version 2.0.
    pub block_hashes: Vec<Vec<u8>>,
}

impl Segment {
    /// HoHoDk.
    #[must_use]
    pub fn id(&self) -> Vec<u8> {
        self.algorithm.segment_id(&self.secret, &self.hash_of_data)
    }

    /// Which version of content information it is of.
    #[must_use]
    pub fn version(&self) -> Version {
        match self.algorithm {
            Algorithm::Sha512Truncated => Version::V2,
            _ => Version::V1,
        }
    }

    /// How many blocks it has.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        match self.version() {
            Version::V1 => self.length.div_ceil(65_536),
            Version::V2 => 1,
        }
    }

    /// Where a block is in the segment.
    #[must_use]
    pub fn block(&self, index: u32) -> Range<usize> {
        match self.version() {
            Version::V1 => {
                let start = index as usize * BLOCK_BYTES;
                start..(start + BLOCK_BYTES).min(self.length as usize)
            }
            Version::V2 => 0..self.length as usize,
        }
    }

    /// Where a block is in the content.
    #[must_use]
    pub fn block_in_content(&self, index: u32) -> Range<usize> {
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let block = self.block(index);
        offset.saturating_add(block.start)..offset.saturating_add(block.end)
    }

    /// Whether plain bytes are the block, by the hash that content information has of it. `None`: it has none.
    #[must_use]
    pub fn verifies(&self, index: u32, plain: &[u8]) -> Option<bool> {
        let expected = match self.version() {
            Version::V1 => self.block_hashes.get(index as usize)?,
            Version::V2 => &self.hash_of_data,
        };
        Some(self.algorithm.hash(plain) == *expected)
    }
}

/// Content information of a content or of a range of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentInfo {
    /// Its version.
    pub version: Version,
    /// The hash.
    pub algorithm: Algorithm,
    /// dwOffsetInFirstSegment.
    pub offset_in_first_segment: u32,
    /// dwReadBytesInLastSegment, in version 1.0.
    pub read_bytes_in_last_segment: u32,
    /// ullIndexOfFirstSegment, in version 2.0.
    pub index_of_first_segment: u64,
    /// ullLengthOfRange, in version 2.0.
    pub length_of_range: u64,
    /// The segments listed.
    pub segments: Vec<Segment>,
}

impl ContentInfo {
    /// That of a whole content, in version 1.0.
    #[must_use]
    pub fn v1(content: &[u8], secret_key: &[u8], algorithm: Algorithm) -> Self {
        let segment_bytes = usize::try_from(SEGMENT_V1_BYTES).unwrap_or(usize::MAX);
        let mut offset = 0;
        let mut segments = Vec::new();
        for bytes in content.chunks(segment_bytes) {
            let block_hashes: Vec<_> = bytes
                .chunks(BLOCK_BYTES)
                .map(|block| algorithm.hash(block))
                .collect();
            let hash_of_data = algorithm.hash(&block_hashes.concat());
            segments.push(Segment {
                algorithm,
                offset,
                length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                secret: algorithm.segment_secret(secret_key, &hash_of_data),
                hash_of_data,
                block_hashes,
            });
            offset += bytes.len() as u64;
        }
        Self {
            version: Version::V1,
            algorithm,
            offset_in_first_segment: 0,
            read_bytes_in_last_segment: 0,
            index_of_first_segment: 0,
            length_of_range: 0,
            segments,
        }
    }

    /// That of a whole content, in version 2.0, in segments of `segment_bytes` each but the last.
    #[must_use]
    pub fn v2(content: &[u8], secret_key: &[u8], segment_bytes: usize) -> Self {
        let algorithm = Algorithm::Sha512Truncated;
        let mut offset = 0;
        let mut segments = Vec::new();
        for bytes in content.chunks(segment_bytes.max(1)) {
            let hash_of_data = algorithm.hash(bytes);
            segments.push(Segment {
                algorithm,
                offset,
                length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                secret: algorithm.segment_secret(secret_key, &hash_of_data),
                hash_of_data,
                block_hashes: Vec::new(),
            });
            offset += bytes.len() as u64;
        }
        Self {
            version: Version::V2,
            algorithm,
            offset_in_first_segment: 0,
            read_bytes_in_last_segment: 0,
            index_of_first_segment: 0,
            length_of_range: 0,
            segments,
        }
    }

    /// That of the bytes of a range, made from that of the whole. Lists of version 1.0 start at the first block of their
    /// segment and end with the last that meets the range, as the examples of the document show.
    #[must_use]
    pub fn of_range(&self, range: Range<u64>) -> Self {
        let mut part = self.clone();
        let meets = |segment: &Segment| {
            segment.offset < range.end && segment.offset + u64::from(segment.length) > range.start
        };
        let first = self.segments.iter().position(meets).unwrap_or(0);
        part.segments.retain(meets);
        part.index_of_first_segment = first as u64;
        part.length_of_range = range.end - range.start;
        let start = part.segments.first().map_or(0, |segment| segment.offset);
        part.offset_in_first_segment = u32::try_from(range.start - start).unwrap_or(u32::MAX);
        let count = part.segments.len();
        if let Some(last) = part.segments.last_mut() {
            let end = last.offset + u64::from(last.length);
            let from = if count == 1 { range.start } else { last.offset };
            let read = if end == range.end {
                0
            } else {
                range.end - from
            };
            part.read_bytes_in_last_segment = u32::try_from(read).unwrap_or(u32::MAX);
            if self.version == Version::V1 {
                let blocks = (range.end - last.offset).div_ceil(BLOCK_BYTES as u64);
                let blocks = usize::try_from(blocks).unwrap_or(usize::MAX);
                last.block_hashes.truncate(blocks);
            }
        }
        part
    }

    /// It as a message.
    #[must_use]
    pub fn draft(&self) -> Draft {
        match self.version {
            Version::V1 => self.draft_v1(),
            Version::V2 => self.draft_v2(),
        }
    }

    fn draft_v1(&self) -> Draft {
        let hash = match self.algorithm {
            Algorithm::Sha384 => 0x800D,
            Algorithm::Sha512 => 0x800E,
            _ => 0x800C,
        };
        let count = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
        let mut draft = Draft::new()
            .u16_le("Version", 0x0100)
            .u32_le("dwHashAlgo", hash)
            .u32_le("dwOffsetInFirstSegment", self.offset_in_first_segment)
            .u32_le("dwReadBytesInLastSegment", self.read_bytes_in_last_segment)
            .u32_le("cSegments", count);
        for segment in &self.segments {
            draft = draft
                .u64_le("ullOffsetInContent", segment.offset)
                .u32_le("cbSegment", segment.length)
                .u32_le("cbBlockSize", 65_536)
                .bytes("SegmentHashOfData", segment.hash_of_data.clone())
                .bytes("SegmentSecret", segment.secret.clone());
        }
        for segment in &self.segments {
            let blocks = u32::try_from(segment.block_hashes.len()).unwrap_or(u32::MAX);
            draft = draft
                .u32_le("cBlocks", blocks)
                .bytes("BlockHashes", segment.block_hashes.concat());
        }
        draft
    }

    fn draft_v2(&self) -> Draft {
        let start = self.segments.first().map_or(0, |segment| segment.offset);
        let data = u32::try_from(self.segments.len() * 68).unwrap_or(u32::MAX);
        let mut draft = Draft::new()
            .u8("bMinorVersion", 0)
            .u8("bMajorVersion", 2)
            .u8("bHashAlgo", 4)
            .u64_be("ullStartInContent", start)
            .u64_be("ullIndexOfFirstSegment", self.index_of_first_segment)
            .u32_be("dwOffsetInFirstSegment", self.offset_in_first_segment)
            .u64_be("ullLengthOfRange", self.length_of_range)
            .u8("bChunkType", 0)
            .u32_be("dwChunkDataLength", data);
        for segment in &self.segments {
            draft = draft
                .u32_be("cbSegment", segment.length)
                .bytes("SegmentHashOfData", segment.hash_of_data.clone())
                .bytes("SegmentSecret", segment.secret.clone());
        }
        draft
    }

    /// Reads content information.
    ///
    /// # Errors
    /// [`Malformed`] for the first field that is not as the document has it.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        match bytes {
            [0, 1, ..] => Fields::new(bytes, "PCCRC-2.3-10").v1(),
            [0, 2, ..] => Fields::new(bytes, "PCCRC-2.4-02").v2(),
            _ => Err(Malformed {
                at: 0,
                field: "Version",
                why: format!(
                    "is {:02x?}, expected 00 01 (version 1.0) or 00 02 (version 2.0)",
                    bytes.get(..2).unwrap_or(bytes)
                ),
                requirement: "PCCRC-2.3-02",
            }),
        }
    }
}

struct Fields<'a> {
    reader: Reader<'a>,
    layout: &'static str,
}

macro_rules! fields {
    ($($name:ident -> $type:ty),*) => {$(
        fn $name(&mut self, field: &'static str) -> Result<$type, Malformed> {
            let layout = self.layout;
            self.reader.$name(field).map_err(|error| Malformed::truncated(error, layout))
        }
    )*};
}

impl<'a> Fields<'a> {
    fields! { u8 -> u8, u16_le -> u16, u32_le -> u32, u64_le -> u64, u32_be -> u32, u64_be -> u64 }

    const fn new(bytes: &'a [u8], layout: &'static str) -> Self {
        Self {
            reader: Reader::new(bytes),
            layout,
        }
    }

    fn take(&mut self, count: usize, field: &'static str) -> Result<Vec<u8>, Malformed> {
        let layout = self.layout;
        let taken = self.reader.take(count, field);
        taken
            .map(<[u8]>::to_vec)
            .map_err(|error| Malformed::truncated(error, layout))
    }

    /// Refuses the field read last, of so many bytes, unless it is as expected.
    fn holds(
        &self,
        is_so: bool,
        bytes: usize,
        field: &'static str,
        requirement: &'static str,
        why: impl FnOnce() -> String,
    ) -> Result<(), Malformed> {
        if is_so {
            Ok(())
        } else {
            Err(self.wrong(bytes, field, requirement, why()))
        }
    }

    fn wrong(
        &self,
        bytes: usize,
        field: &'static str,
        requirement: &'static str,
        why: String,
    ) -> Malformed {
        Malformed {
            at: self.reader.at().saturating_sub(bytes),
            field,
            why,
            requirement,
        }
    }

    fn v1(mut self) -> Result<ContentInfo, Malformed> {
        self.u16_le("Version")?;
        let hash = self.u32_le("dwHashAlgo")?;
        let algorithm = match hash {
            0x800C => Algorithm::Sha256,
            0x800D => Algorithm::Sha384,
            0x800E => Algorithm::Sha512,
            _ => {
                let why = format!("is {hash:#x}, expected 0x800c, 0x800d or 0x800e");
                return Err(self.wrong(4, "dwHashAlgo", "PCCRC-2.3-03", why));
            }
        };
        let offset_in_first_segment = self.u32_le("dwOffsetInFirstSegment")?;
        let read_bytes_in_last_segment = self.u32_le("dwReadBytesInLastSegment")?;
        let count = self.u32_le("cSegments")?;
        self.holds(count > 0, 4, "cSegments", "PCCRC-2.3-09", || {
            "is 0, expected at least 1".to_owned()
        })?;
        let mut segments: Vec<Segment> = Vec::new();
        for number in 0..count {
            let offset = self.u64_le("ullOffsetInContent")?;
            let expected = segments
                .last()
                .map(|before| before.offset + u64::from(before.length));
            self.holds(
                expected.is_none_or(|expected| expected == offset),
                8,
                "ullOffsetInContent",
                "PCCRC-2.3.1.1-02",
                || format!("is {offset}, which is not where the segment before ends"),
            )?;
            let length = self.u32_le("cbSegment")?;
            let is_last = number + 1 == count;
            let is_good = if is_last {
                (1..=SEGMENT_V1_BYTES).contains(&u64::from(length))
            } else {
                u64::from(length) == SEGMENT_V1_BYTES
            };
            let requirement = if is_last {
                "PCCRC-2.3.1.1-06"
            } else {
                "PCCRC-2.3.1.1-03"
            };
            self.holds(is_good, 4, "cbSegment", requirement, || {
                format!("is {length}; segments have 33554432 bytes, the last 1 to as many")
            })?;
            let block = self.u32_le("cbBlockSize")?;
            self.holds(
                block == 65_536,
                4,
                "cbBlockSize",
                "PCCRC-2.3.1.1-07",
                || format!("is {block}, expected 65536"),
            )?;
            segments.push(Segment {
                algorithm,
                offset,
                length,
                hash_of_data: self.take(algorithm.len(), "SegmentHashOfData")?,
                secret: self.take(algorithm.len(), "SegmentSecret")?,
                block_hashes: Vec::new(),
            });
        }
        for segment in &mut segments {
            let blocks = self.u32_le("cBlocks")?;
            let most = segment.length.div_ceil(65_536);
            self.holds(
                (1..=most).contains(&blocks),
                4,
                "cBlocks",
                "PCCRC-2.3.1.2-02",
                || format!("is {blocks}, the segment has {most} blocks"),
            )?;
            for _ in 0..blocks {
                let hash = self.take(algorithm.len(), "BlockHashes")?;
                segment.block_hashes.push(hash);
            }
        }
        self.ends("PCCRC-2.3-10")?;
        Ok(ContentInfo {
            version: Version::V1,
            algorithm,
            offset_in_first_segment,
            read_bytes_in_last_segment,
            index_of_first_segment: 0,
            length_of_range: 0,
            segments,
        })
    }

    fn v2(mut self) -> Result<ContentInfo, Malformed> {
        self.u8("bMinorVersion")?;
        self.u8("bMajorVersion")?;
        let hash = self.u8("bHashAlgo")?;
        self.holds(hash == 4, 1, "bHashAlgo", "PCCRC-2.4-05", || {
            format!("is {hash}, expected 4")
        })?;
        let start = self.u64_be("ullStartInContent")?;
        let index_of_first_segment = self.u64_be("ullIndexOfFirstSegment")?;
        let offset_in_first_segment = self.u32_be("dwOffsetInFirstSegment")?;
        let length_of_range = self.u64_be("ullLengthOfRange")?;
        let algorithm = Algorithm::Sha512Truncated;
        let mut segments: Vec<Segment> = Vec::new();
        let mut offset = start;
        while self.reader.remaining() > 0 {
            let chunk = self.u8("bChunkType")?;
            self.holds(chunk == 0, 1, "bChunkType", "PCCRC-2.4.1.1-02", || {
                format!("is {chunk}, expected 0")
            })?;
            let data = self.u32_be("dwChunkDataLength")?;
            self.holds(
                data > 0 && data.is_multiple_of(68),
                4,
                "dwChunkDataLength",
                "PCCRC-2.4.1.1-03",
                || format!("is {data}, expected a multiple of 68 that is not 0"),
            )?;
            for _ in 0..data / 68 {
                let length = self.u32_be("cbSegment")?;
                self.holds(
                    (1..=SEGMENT_V2_MAX_BYTES).contains(&u64::from(length)),
                    4,
                    "cbSegment",
                    "PCCRC-2.4.1.2-04",
                    || format!("is {length}, expected 1 to 131072"),
                )?;
                segments.push(Segment {
                    algorithm,
                    offset,
                    length,
                    hash_of_data: self.take(32, "SegmentHashOfData")?,
                    secret: self.take(32, "SegmentSecret")?,
                    block_hashes: Vec::new(),
                });
                offset = offset.saturating_add(u64::from(length));
            }
        }
        self.holds(
            !segments.is_empty(),
            0,
            "chunks",
            "PCCRC-2.4.1.2-01",
            || "there is none, expected at least one with a segment".to_owned(),
        )?;
        Ok(ContentInfo {
            version: Version::V2,
            algorithm,
            offset_in_first_segment,
            read_bytes_in_last_segment: 0,
            index_of_first_segment,
            length_of_range,
            segments,
        })
    }

    fn ends(&self, requirement: &'static str) -> Result<(), Malformed> {
        let surplus = self.reader.remaining();
        self.holds(surplus == 0, 0, "end of the structure", requirement, || {
            format!("{surplus} bytes follow that belong to no field")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(length: usize) -> Vec<u8> {
        (0..length)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect()
    }

    #[test]
    fn what_is_made_reads_as_it_was_made() {
        let content = content(300_000);
        let v1 = ContentInfo::v1(&content, b"secret", Algorithm::Sha384);
        assert_eq!(ContentInfo::read(&v1.draft().to_bytes()).unwrap(), v1);
        let v2 = ContentInfo::v2(&content, b"secret", 100_000);
        assert_eq!(ContentInfo::read(&v2.draft().to_bytes()).unwrap(), v2);
        assert_eq!((v1.segments[0].blocks(), v2.segments.len()), (5, 3));
        assert_eq!(v2.segments[2].verifies(0, &content[200_000..]), Some(true));
        assert_eq!(v1.segments[0].verifies(4, &content[262_144..]), Some(true));
        assert_eq!(v1.segments[0].verifies(4, &content[..65_536]), Some(false));
    }

    #[test]
    fn a_range_lists_what_meets_it() {
        let content = content(300_000);
        let v1 = ContentInfo::v1(&content, b"secret", Algorithm::Sha256).of_range(70_000..140_000);
        assert_eq!(v1.segments[0].block_hashes.len(), 3);
        assert_eq!(
            (v1.offset_in_first_segment, v1.read_bytes_in_last_segment),
            (70_000, 70_000)
        );
        let v2 = ContentInfo::v2(&content, b"secret", 100_000).of_range(150_000..300_000);
        assert_eq!((v2.segments.len(), v2.index_of_first_segment), (2, 1));
        assert_eq!(
            (v2.offset_in_first_segment, v2.length_of_range),
            (50_000, 150_000)
        );
    }

    #[test]
    fn every_truncation_is_refused() {
        let content = content(200_000);
        for info in [
            ContentInfo::v1(&content, b"secret", Algorithm::Sha256),
            ContentInfo::v2(&content, b"secret", 100_000),
        ] {
            let draft = info.draft();
            for kept in 0..draft.len() {
                assert!(ContentInfo::read(&draft.cut_to(kept)).is_err(), "{kept}");
            }
        }
    }
}
