//! MS-PCHC 2.2.1.4: SegmentInformation, the version 1.0 content information of one segment that is offered.
//! Invariant: the id is computed from HoD and Kp, never taken on trust; block hashes are proven only where they hash to HoD.
//! Byte order: little-endian, unlike the message around it.

use core::fmt;

use super::request::{MessageType, write_head};
use super::{BLOCKS_PER_SEGMENT, BlockSet, Quirk, Quirks, SegmentInfo, SegmentKey};
use super::{ContentTag, Version};
use crate::content::{self, BLOCK_BYTES, ContentInfo, HashOfData, Segment, SegmentSecret};
use crate::error::Rejected;
use crate::hash::{Digest, HashAlgorithm};
use crate::wire::{Reader, Truncated};

const HEADER_BYTES: usize = 18;
const READ_BYTES_AT: usize = 10;
const SEGMENT_COUNT_AT: usize = 14;
const DIGEST_MAX_BYTES: usize = 64;
/// Header, description, count and 512 hashes of the longest kind.
pub(super) const SEGMENT_INFORMATION_MAX_BYTES: usize =
    HEADER_BYTES + 16 + 2 * DIGEST_MAX_BYTES + 4 + BLOCKS_PER_SEGMENT as usize * DIGEST_MAX_BYTES;

/// What `SEGMENT_INFO_MESSAGE` says of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInformation<'a> {
    /// The segment, its id computed from HoD and Kp.
    pub key: SegmentKey,
    /// Its bytes.
    pub length: u32,
    /// Where in the content it starts.
    pub offset_in_content: u64,
    /// Where in the segment the range of the client begins.
    pub offset_in_segment: u32,
    /// HoD.
    pub hash_of_data: HashOfData,
    /// Kp.
    pub secret: SegmentSecret,
    /// The block of the first hash listed.
    pub first_block: u32,
    /// The hashes listed, one after another.
    pub block_hashes: &'a [u8],
    /// Bytes of content information in front of the hashes.
    pub bytes_before_list: usize,
    /// Whether all blocks are listed and their hashes make HoD.
    pub is_proven: bool,
    /// What is odd about it as part of an offer.
    pub quirks: Quirks,
    /// What is odd about it as content information.
    pub content_quirks: content::Quirks,
}

impl SegmentInformation<'_> {
    /// How many blocks the segment has.
    #[must_use]
    pub const fn block_count(&self) -> u32 {
        self.length.div_ceil(BLOCK_BYTES)
    }

    /// The blocks whose hashes are listed.
    #[must_use]
    pub fn listed(&self) -> BlockSet {
        let count = self.block_hashes.len() / self.key.algorithm.digest_len();
        BlockSet::range(self.first_block, u32::try_from(count).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for SegmentInformation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "segment {} of {} bytes, {}, hashes of {} of its {} blocks",
            self.key.id,
            self.length,
            self.key.algorithm,
            self.listed().len(),
            self.block_count()
        )
    }
}

/// Content information in `SEGMENT_INFO_MESSAGE` from which nothing can be fetched. The message is good all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadContentInformation {
    /// Offset in the message of the field at fault.
    pub at: usize,
    /// The field's name in MS-PCCRC.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: ContentProblem,
}

/// The kinds of fault. [`ContentProblem::name`] is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentProblem {
    /// It is malformed by itself.
    Malformed(content::Problem),
    /// It is not of version 1.0.
    NotVersion1 {
        /// Its major version.
        major: u8,
    },
    /// It describes another number of segments than one.
    SeveralSegments {
        /// How many.
        found: u32,
    },
    /// The block hashes listed do not hash to HoD.
    HashesAtOdds,
}

impl ContentProblem {
    /// The kind's stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Malformed(problem) => problem.name(),
            Self::NotVersion1 { .. } => "not-version-1",
            Self::SeveralSegments { .. } => "several-segments",
            Self::HashesAtOdds => "hashes-at-odds",
        }
    }

    const fn at(self, at_inside: usize, field: &'static str) -> BadContentInformation {
        BadContentInformation {
            at: SegmentInfo::SEGMENT_INFORMATION_AT + at_inside,
            field,
            problem: self,
        }
    }
}

impl BadContentInformation {
    /// The requirement that it breaks.
    #[must_use]
    pub const fn requirement(&self) -> &'static str {
        match self.problem {
            ContentProblem::SeveralSegments { .. } => "PCHC-2.2.1.4-07",
            ContentProblem::HashesAtOdds => "PCHC-2.2.1.4-09",
            ContentProblem::Malformed(_) | ContentProblem::NotVersion1 { .. } => "PCHC-2.2.1.4-02",
        }
    }
}

impl fmt::Display for BadContentInformation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}, {}: {}", self.at, self.field, self.problem)
    }
}

impl core::error::Error for BadContentInformation {}

impl fmt::Display for ContentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(problem) => problem.fmt(f),
            Self::NotVersion1 { major } => {
                write!(f, "content information of version {major}; expected 1.0")
            }
            Self::SeveralSegments { found } => {
                write!(f, "describes {found} segments; an offer has one")
            }
            Self::HashesAtOdds => f.write_str("the block hashes do not hash to HoD"),
        }
    }
}

impl From<BadContentInformation> for Rejected {
    fn from(bad: BadContentInformation) -> Self {
        Self {
            requirement: bad.requirement(),
            at: bad.at,
            why: format!("{}: {}", bad.field, bad.problem),
        }
    }
}

impl From<content::DecodeError> for BadContentInformation {
    fn from(error: content::DecodeError) -> Self {
        ContentProblem::Malformed(error.problem).at(error.at, error.field)
    }
}

impl From<Truncated> for BadContentInformation {
    fn from(truncated: Truncated) -> Self {
        content::DecodeError::from(truncated).into()
    }
}

impl<'a> SegmentInfo<'a> {
    /// What it says of its segment.
    ///
    /// # Errors
    /// [`BadContentInformation`] for what no block can be fetched and verified by.
    pub fn segment(&self) -> Result<SegmentInformation<'a>, BadContentInformation> {
        let bytes = self.segment_information;
        let mut reader = Reader::new(bytes);
        let [minor, major] = reader.array("Version")?;
        if major != 1 && minor == 0 {
            return Err(ContentProblem::NotVersion1 { major }.at(0, "Version"));
        }
        let information = match ContentInfo::decode(bytes) {
            Ok(info) => from_info(&info)?,
            Err(error) => from_partial_list(bytes, error)?,
        };
        let whole = u64::from(information.listed().len()) == u64::from(information.block_count());
        let is_proven = whole
            && HashOfData::of_block_hashes(information.key.algorithm, information.block_hashes)
                == information.hash_of_data;
        //= PCHC-2.2.1.4-09
        if whole && !is_proven {
            let at = information.bytes_before_list;
            return Err(ContentProblem::HashesAtOdds.at(at, "BlockHashes"));
        }
        Ok(SegmentInformation {
            is_proven,
            ..information
        })
    }
}

/// Reads `dwReadBytesInLastSegment` and `cSegments` again: what was decoded no longer tells of them.
fn read_counts(bytes: &[u8]) -> Result<(u32, u32), Truncated> {
    let mut reader = Reader::new(bytes);
    reader.take(READ_BYTES_AT, "header")?;
    Ok((
        reader.u32_le("dwReadBytesInLastSegment")?,
        reader.u32_le("cSegments")?,
    ))
}

fn one_segment_only(bytes: &[u8]) -> Result<Quirks, BadContentInformation> {
    let (read_bytes, found) = read_counts(bytes)?;
    //= PCHC-2.2.1.4-07
    if found != 1 {
        let problem = ContentProblem::SeveralSegments { found };
        return Err(problem.at(SEGMENT_COUNT_AT, "cSegments"));
    }
    //= PCHC-2.2.1.4-06
    let mut quirks = Quirks::default();
    quirks.add_if(read_bytes == 0, Quirk::ReadBytesZero);
    Ok(quirks)
}

fn from_info<'a>(info: &ContentInfo<'a>) -> Result<SegmentInformation<'a>, BadContentInformation> {
    let bytes = info.as_bytes();
    let quirks = one_segment_only(bytes)?;
    let Some(segment) = info.segments().next() else {
        let problem = ContentProblem::SeveralSegments { found: 0 };
        return Err(problem.at(SEGMENT_COUNT_AT, "cSegments"));
    };
    let list = segment.block_hashes().len() * info.hash().digest_len();
    //= PCHC-2.2.1.4-05
    let offset_in_segment = info.range().start.saturating_sub(segment.offset);
    Ok(SegmentInformation {
        key: SegmentKey::of(&segment),
        length: segment.length,
        offset_in_content: segment.offset,
        offset_in_segment: u32::try_from(offset_in_segment).unwrap_or(u32::MAX),
        hash_of_data: segment.hash_of_data(),
        secret: segment.secret(),
        first_block: segment.first_block,
        block_hashes: bytes.get(bytes.len() - list..).unwrap_or_default(),
        bytes_before_list: bytes.len() - list,
        is_proven: false,
        quirks,
        content_quirks: info.quirks(),
    })
}

/// A client that had content information of a range copies its short list, but gives the length of the whole segment.
/// Everything in front of the list was found sound, or the error would be another one.
fn from_partial_list(
    bytes: &[u8],
    error: content::DecodeError,
) -> Result<SegmentInformation<'_>, BadContentInformation> {
    if !matches!(error.problem, content::Problem::BlockCount { .. }) {
        return Err(error.into());
    }
    let quirks = one_segment_only(bytes)?;
    let mut reader = Reader::new(bytes);
    reader.u16_le("Version")?;
    let algorithm = match reader.u32_le("dwHashAlgo")? {
        0x800C => HashAlgorithm::Sha256,
        0x800D => HashAlgorithm::Sha384,
        0x800E => HashAlgorithm::Sha512,
        _ => return Err(error.into()),
    };
    let offset_in_segment = reader.u32_le("dwOffsetInFirstSegment")?;
    reader.take(8, "dwReadBytesInLastSegment")?;
    let offset_in_content = reader.u64_le("ullOffsetInContent")?;
    let length = reader.u32_le("cbSegment")?;
    reader.u32_le("cbBlockSize")?;
    let digest_bytes = algorithm.digest_len();
    let hash_of_data = reader.take(digest_bytes, "SegmentHashOfData")?;
    let hash_of_data = HashOfData(Digest::cut(algorithm, hash_of_data));
    let secret = SegmentSecret::new(reader.take(digest_bytes, "SegmentSecret")?);
    let count = reader.u32_le("cBlocks")?;
    let list = usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(digest_bytes));
    if count == 0 || count > length.div_ceil(BLOCK_BYTES) || list != Some(reader.remaining()) {
        return Err(error.into());
    }
    Ok(SegmentInformation {
        key: SegmentKey {
            algorithm,
            id: secret.segment_id(algorithm, &hash_of_data),
        },
        length,
        offset_in_content,
        offset_in_segment,
        hash_of_data,
        secret,
        // Lists start at the segment's first block, wherever the range does: so the examples of MS-PCCRC.
        first_block: 0,
        bytes_before_list: reader.at(),
        block_hashes: reader.take(reader.remaining(), "BlockHashes")?,
        is_proven: false,
        quirks,
        content_quirks: content::Quirks::default(),
    })
}

/// What `dwReadBytesInLastSegment` is to be. Where either value would have the list taken for one of other blocks, the
/// bytes of the range are written instead, as MS-PCCRC has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadBytes {
    /// The bytes of the whole segment, as the document has it.
    #[default]
    SegmentLength,
    /// 0, as the clients of Windows write it.
    Zero,
}

/// Appends `SEGMENT_INFO_MESSAGE` for the segment of that index in its content. Tells whether there is such a message:
/// not for segments of version 2.0, nor for those that `info` lacks. Nothing is appended then.
pub fn encode_segment_info_into(
    out: &mut Vec<u8>,
    port: u16,
    content_tag: ContentTag,
    info: &ContentInfo<'_>,
    segment_index: u64,
    read_bytes: ReadBytes,
) -> bool {
    let segment = info
        .segments()
        .find(|segment| segment.index == segment_index);
    let (Some(segment), content::Version::V1) = (segment, info.version()) else {
        return false;
    };
    write_head(out, Version::V1, MessageType::SEGMENT_INFO, port);
    out.extend_from_slice(&content_tag.0);
    write_segment(out, info, &segment, read_bytes);
    true
}

fn write_segment(
    out: &mut Vec<u8>,
    info: &ContentInfo<'_>,
    segment: &Segment<'_>,
    read_bytes: ReadBytes,
) {
    //= PCHC-2.2.1.4-04
    out.extend_from_slice(info.as_bytes().get(..6).unwrap_or_default());
    //= PCHC-2.2.1.4-05
    let offset = info.range().start.saturating_sub(segment.offset);
    let offset = u32::try_from(offset).unwrap_or_default();
    let hashes = segment.block_hashes();
    let count = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
    let listed_end = (segment.first_block + count)
        .saturating_mul(BLOCK_BYTES)
        .min(segment.length);
    // Told that the range goes on to the end of the segment, a reader takes a list that is as long as what is left of
    // it for one of what is left, and any other for one from the first block on.
    let from_block = offset / BLOCK_BYTES;
    let left = segment
        .length
        .div_ceil(BLOCK_BYTES)
        .saturating_sub(from_block);
    let taken_from = if count == left { from_block } else { 0 };
    //= PCHC-2.2.1.4-06
    let read_bytes = if taken_from != segment.first_block {
        // With the length of the segment it would be taken for a list of other blocks.
        listed_end.saturating_sub(offset)
    } else {
        match read_bytes {
            ReadBytes::SegmentLength => segment.length,
            ReadBytes::Zero => 0,
        }
    };
    for value in [offset, read_bytes, 1] {
        out.extend_from_slice(&value.to_le_bytes());
    }
    //= PCHC-2.2.1.4-08
    out.extend_from_slice(&segment.offset.to_le_bytes());
    out.extend_from_slice(&segment.length.to_le_bytes());
    out.extend_from_slice(&segment.block_size.to_le_bytes());
    out.extend_from_slice(segment.hash_of_data().0.as_bytes());
    out.extend_from_slice(segment.secret().expose());
    //= PCHC-2.2.1.4-09
    out.extend_from_slice(&count.to_le_bytes());
    hashes.for_each(|hash| out.extend_from_slice(hash));
}
