//! What can be wrong with content information (MS-PCCRC 2.3, 2.4), each fault its own name.
//! Invariant: every error points at the field at fault by its offset and names the requirement that it breaks.
//! Byte order: none, errors carry numbers.

use core::fmt;

use crate::wire::Truncated;

/// Content information that cannot be accepted: where, and why.
pub type DecodeError = crate::error::DecodeError<Problem>;

/// The kinds of fault. [`Problem::name`] is stable: vectors and reports use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields are the numbers in the message of each kind"
)]
pub enum Problem {
    /// The bytes end inside the field.
    Truncated { needed: usize, remaining: usize },
    /// Bytes follow the end of the structure.
    TrailingBytes { count: usize },
    /// Neither version 1.0 nor 2.0.
    UnknownVersion { major: u8, minor: u8 },
    /// A hash algorithm that the version does not know.
    UnknownHash { found: u32 },
    /// No segment is described.
    NoSegments,
    /// `cSegments` claims more than the bytes can hold.
    SegmentCount { claimed: u32, most: usize },
    /// `cBlocks` is none of the counts that the range allows.
    BlockCount { claimed: u32, expected: u32 },
    /// The block hashes that `cBlocks` announces are not all there.
    BlockHashesMissing { claimed: u32, most: usize },
    /// A block size other than 64 KiB.
    BlockSize { found: u32 },
    /// A segment of no bytes.
    SegmentLengthZero,
    /// A segment longer than its version allows.
    SegmentTooLong { found: u32, most: u32 },
    /// A version 1 segment of less than 32 MiB that is not the last.
    SegmentTooShort { found: u32, expected: u32 },
    /// A version 1 segment that does not start where the one before ends, or not at a multiple of 32 MiB.
    SegmentOffset { found: u64, expected: Option<u64> },
    /// `dwOffsetInFirstSegment` lies past the first segment.
    OffsetOutsideSegment { found: u32, segment_length: u32 },
    /// `dwReadBytesInLastSegment` lies past the last segment.
    ReadBytesOutsideSegment { found: u32, most: u32 },
    /// An end of content past 2^63.
    LengthOverflow { start: u64, length: u64 },
    /// `ullLengthOfRange` reaches past the segments that are listed.
    RangeOutsideSegments { found: u64, most: u64 },
    /// A chunk type other than 0.
    ChunkType { found: u8 },
    /// A chunk length that is 0, no multiple of a segment description, or more than remains.
    ChunkLength { found: u32, remaining: usize },
    /// `ullStartInContent` that no list of segments can give to `ullIndexOfFirstSegment`.
    StartContradictsIndex { start: u64, index: u64 },
}

impl Problem {
    /// The kind's stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::TrailingBytes { .. } => "trailing-bytes",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::UnknownHash { .. } => "unknown-hash",
            Self::NoSegments => "no-segments",
            Self::SegmentCount { .. } => "segment-count",
            Self::BlockCount { .. } | Self::BlockHashesMissing { .. } => "block-count",
            Self::BlockSize { .. } => "block-size",
            Self::SegmentLengthZero => "segment-length-zero",
            Self::SegmentTooLong { .. } => "segment-too-long",
            Self::SegmentTooShort { .. } => "segment-too-short",
            Self::SegmentOffset { .. } => "segment-offset",
            Self::OffsetOutsideSegment { .. } => "offset-outside-segment",
            Self::ReadBytesOutsideSegment { .. } => "read-bytes-outside-segment",
            Self::LengthOverflow { .. } => "length-overflow",
            Self::RangeOutsideSegments { .. } => "range-outside-segments",
            Self::ChunkType { .. } => "chunk-type",
            Self::ChunkLength { .. } => "chunk-length",
            Self::StartContradictsIndex { .. } => "start-contradicts-index",
        }
    }

    pub(super) const fn at(
        self,
        at: usize,
        field: &'static str,
        requirement: &'static str,
    ) -> DecodeError {
        DecodeError::new(at, field, self, requirement)
    }
}

impl From<Truncated> for DecodeError {
    fn from(truncated: Truncated) -> Self {
        let Truncated {
            at,
            field,
            needed,
            remaining,
        } = truncated;
        Problem::Truncated { needed, remaining }.at(at, field, layout_of(field, at))
    }
}

/// The layout that a field belongs to. In version 2.0 the length of a chunk is looked at before its descriptions are
/// read, so that only those of version 1.0 can end early.
const fn layout_of(field: &str, at: usize) -> &'static str {
    match field.as_bytes() {
        b"Version" => "PCCRC-2.3-02",
        b"ullOffsetInContent"
        | b"cbSegment"
        | b"cbBlockSize"
        | b"SegmentHashOfData"
        | b"SegmentSecret" => "PCCRC-2.3.1.1-01",
        b"cBlocks" | b"BlockHashes" => "PCCRC-2.3.1.2-01",
        b"bChunkType" | b"dwChunkDataLength" => "PCCRC-2.4.1.1-01",
        // The one field of the header that both versions have, at different places.
        b"dwOffsetInFirstSegment" if at < super::v2::OFFSET_IN_FIRST_AT => "PCCRC-2.3-10",
        b"bHashAlgo"
        | b"ullStartInContent"
        | b"ullIndexOfFirstSegment"
        | b"dwOffsetInFirstSegment"
        | b"ullLengthOfRange" => "PCCRC-2.4-02",
        _ => "PCCRC-2.3-10",
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { needed, remaining } => {
                write!(f, "needs {needed} bytes, but only {remaining} remain")
            }
            Self::TrailingBytes { count } => {
                write!(f, "{count} bytes follow the end of the content information")
            }
            Self::UnknownVersion { major, minor } => {
                write!(
                    f,
                    "version {major}.{minor} is not known; expected 1.0 or 2.0"
                )
            }
            Self::UnknownHash { found } => write!(
                f,
                "hash algorithm {found:#x} is not known; version 1.0 has 0x800c, 0x800d and 0x800e, version 2.0 has 0x4"
            ),
            Self::NoSegments => f.write_str("describes no segment; expected at least one"),
            Self::SegmentCount { claimed, most } => write!(
                f,
                "claims {claimed} segments, but the bytes that follow hold at most {most}"
            ),
            Self::BlockCount { claimed, expected } => write!(
                f,
                "claims {claimed} blocks, but the range meets blocks up to the segment's {expected}th"
            ),
            Self::BlockHashesMissing { claimed, most } => write!(
                f,
                "claims {claimed} block hashes, but the bytes that follow hold at most {most}"
            ),
            Self::BlockSize { found } => write!(f, "block size is {found}; expected 65536"),
            Self::SegmentLengthZero => f.write_str("a segment of 0 bytes; expected at least 1"),
            Self::SegmentTooLong { found, most } => {
                write!(f, "a segment of {found} bytes; expected at most {most}")
            }
            Self::SegmentTooShort { found, expected } => write!(
                f,
                "a segment of {found} bytes that is not the last; expected exactly {expected}"
            ),
            Self::SegmentOffset {
                found,
                expected: Some(expected),
            } => {
                write!(
                    f,
                    "a segment at offset {found}; the one before it ends at {expected}"
                )
            }
            Self::SegmentOffset {
                found,
                expected: None,
            } => write!(
                f,
                "the first segment at offset {found}; expected a multiple of 33554432 (32 MiB)"
            ),
            Self::OffsetOutsideSegment {
                found,
                segment_length,
            } => write!(
                f,
                "the range starts at byte {found} of a first segment of {segment_length} bytes"
            ),
            Self::ReadBytesOutsideSegment { found, most } => write!(
                f,
                "the range takes {found} bytes of the last segment, which has {most} to give"
            ),
            Self::LengthOverflow { start, length } => {
                write!(f, "{length} bytes from offset {start} end past 2^63")
            }
            Self::RangeOutsideSegments { found, most } => {
                write!(
                    f,
                    "the range has {found} bytes, but the segments listed hold {most} of it"
                )
            }
            Self::ChunkType { found } => write!(f, "chunk type {found} is not known; expected 0"),
            Self::ChunkLength { found, remaining } => write!(
                f,
                "chunk data of {found} bytes; expected a multiple of 68 from 68 to the {remaining} that remain"
            ),
            Self::StartContradictsIndex { start, index } => write!(
                f,
                "segment {index} cannot start at offset {start}: segments have 1 to 131072 bytes"
            ),
        }
    }
}
