//! MS-PCCRC: content information, the list of segments and hashes by which content is named, found and verified.
//! Invariant: a [`ContentInfo`] was checked whole when it was made; nothing asks again whether a length fits.
//! Byte order: version 1.0 little-endian, version 2.0 big-endian.
//!
//! A [`ContentInfo`] is a checked view of somebody's bytes: decoding allocates nothing, whatever the bytes claim.
//!
//! ```text
//! bytes ──decode──▶ ContentInfo ──segments──▶ Segment ──blocks──▶ Block ──▶ verify
//!                        │ restrict to a range
//! content ──Creator──▶ EncodedInfo ──▶ bytes
//! ```

pub mod create;
pub mod cut;
mod derive;
mod error;
mod quirk;
mod range;
mod secret;
mod segment;
mod v1;
mod v2;
pub mod verify;

pub use derive::{HashOfData, SegmentId, SegmentSecret, ServerSecret};
pub use error::{DecodeError, Problem};
pub use quirk::{Quirk, Quirks};
pub use range::{ContentRange, RangeError};
pub use secret::{KeyFileError, MAX_SECRET_KEY_BYTES, SecretKey, SecretKeyError};
pub use segment::{Block, Segment, SegmentBlocks};

use crate::hash::HashAlgorithm;
use crate::wire::Reader;

/// Bytes in a block of version 1.0.
pub const BLOCK_BYTES: u32 = 64 << 10;
/// Bytes in every segment of version 1.0 but the last, which may have fewer.
pub const V1_SEGMENT_BYTES: u32 = 32 << 20;
/// The most bytes in a segment of version 2.0.
pub const V2_SEGMENT_MAX_BYTES: u32 = 128 << 10;
/// Content ends here at the latest.
pub const CONTENT_MAX_BYTES: u64 = 1 << 63;

/// The two versions of the structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.0: segments of 32 MiB, blocks of 64 KiB.
    V1,
    /// 2.0: segments of up to 128 KiB, cut by content.
    V2,
}

/// Content information that was decoded and found sound.
#[derive(Clone, Copy)]
pub struct ContentInfo<'a> {
    bytes: &'a [u8],
    version: Version,
    hash: HashAlgorithm,
    range: ContentRange,
    segment_count: u64,
    /// Offset in `bytes` of the block lists (version 1.0 only).
    block_lists: usize,
    first_segment_index: u64,
    first_segment_offset: u64,
    end_is_content_end: bool,
    quirks: Quirks,
}

impl<'a> ContentInfo<'a> {
    /// Decodes either version.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one content information.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Reader::new(bytes))
    }

    /// Decodes either version from a reader at its start, which may have a trace.
    ///
    /// # Errors
    /// As [`ContentInfo::decode`].
    pub fn decode_with(reader: Reader<'a>) -> Result<Self, DecodeError> {
        let [minor, major] = reader.untraced().array("Version")?;
        //= PCCRC-2.3-02
        //= PCCRC-2.4-03
        //= PCCRC-2.4-04
        match (major, minor) {
            (1, 0) => v1::decode(reader),
            (2, 0) => v2::decode(reader),
            _ => Err(Problem::UnknownVersion { major, minor }.at(0, "Version", "PCCRC-2.4-04")),
        }
    }

    /// The bytes it was decoded from.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The version of the structure.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The algorithm of all its hashes.
    #[must_use]
    pub const fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    /// The part of the content that was asked for.
    #[must_use]
    pub const fn range(&self) -> ContentRange {
        self.range
    }

    /// How many segments it describes.
    #[must_use]
    pub const fn segment_count(&self) -> u64 {
        self.segment_count
    }

    /// What a reader had to be lenient about.
    #[must_use]
    pub const fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// The length of the content as a whole, where the structure tells it.
    ///
    /// A range's content information tells it when its last segment is one that only content can end with.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.end_is_content_end.then(|| self.segments_end())
    }

    /// Offset in the content at which the first segment starts.
    #[must_use]
    pub const fn segments_start(&self) -> u64 {
        self.first_segment_offset
    }

    /// Offset in the content at which the last segment ends.
    #[must_use]
    pub fn segments_end(&self) -> u64 {
        self.segments()
            .last()
            .map_or(self.first_segment_offset, |last| last.end())
    }

    /// The segments, in the order of the content.
    #[must_use]
    pub const fn segments(&self) -> Segments<'a> {
        match self.version {
            Version::V1 => Segments(SegmentsOf::V1(v1::Segments::new(self))),
            Version::V2 => Segments(SegmentsOf::V2(v2::Segments::new(self))),
        }
    }

    /// The blocks that are listed, in the order of the content.
    #[must_use]
    pub const fn blocks(&self) -> Blocks<'a> {
        Blocks {
            segments: self.segments(),
            current: None,
        }
    }

    /// Content information for a part of what this one describes.
    ///
    /// # Errors
    /// [`RangeError`] where the range is empty or not covered by [`ContentInfo::range`].
    pub fn restrict(&self, range: ContentRange) -> Result<Vec<u8>, RangeError> {
        range.check_within(self.range)?;
        Ok(match self.version {
            Version::V1 => v1::restrict(self, range),
            Version::V2 => v2::restrict(self, range),
        })
    }
}

/// Iterator over the listed blocks of a [`ContentInfo`].
#[derive(Debug, Clone)]
pub struct Blocks<'a> {
    segments: Segments<'a>,
    current: Option<SegmentBlocks<'a>>,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        loop {
            if let Some(block) = self.current.as_mut().and_then(Iterator::next) {
                return Some(block);
            }
            self.current = Some(self.segments.next()?.blocks());
        }
    }
}

impl core::fmt::Debug for ContentInfo<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ContentInfo")
            .field("version", &self.version)
            .field("hash", &self.hash)
            .field("range", &self.range)
            .field("segment_count", &self.segment_count)
            .field("quirks", &self.quirks)
            .finish_non_exhaustive()
    }
}

/// Iterator over the segments of a [`ContentInfo`].
#[derive(Debug, Clone)]
pub struct Segments<'a>(SegmentsOf<'a>);

#[derive(Debug, Clone)]
enum SegmentsOf<'a> {
    V1(v1::Segments<'a>),
    V2(v2::Segments<'a>),
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        match &mut self.0 {
            SegmentsOf::V1(segments) => segments.next(),
            SegmentsOf::V2(segments) => segments.next(),
        }
    }
}
