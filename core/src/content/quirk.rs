//! Quirks of content information: what readers must accept although the documents disagree about it (MS-PCCRC 2.3, 3).
//! Invariant: a quirk never changes which bytes are accepted as what; it is reported beside the result.
//! Byte order: none.

use core::fmt;

/// One accepted peculiarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Quirk {
    /// `dwReadBytesInLastSegment` gives the whole rest of the last segment, where 0 says the same.
    V1ReadBytesWholeLastSegment,
    /// One segment, an offset and a read length: 2.3 and 2.3.1.1 disagree where it counts from.
    V1ReadBytesSingleSegment,
    /// One segment whose read length can only have been counted from the segment's start.
    V1ReadBytesFromSegmentStart,
    /// The first block list starts at the first block that meets the range, not at block 0.
    V1BlocksOfRangeOnly,
    /// A block list goes on to the segment's end although the range ends earlier.
    V1BlocksOfWholeSegment,
    /// Segments are listed that lie past the end of the range.
    V2SegmentsPastRange,
}

impl Quirk {
    /// All quirks, in the order in which they are reported.
    pub const ALL: [Self; 6] = [
        Self::V1ReadBytesWholeLastSegment,
        Self::V1ReadBytesSingleSegment,
        Self::V1ReadBytesFromSegmentStart,
        Self::V1BlocksOfRangeOnly,
        Self::V1BlocksOfWholeSegment,
        Self::V2SegmentsPastRange,
    ];

    /// The quirk's stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1ReadBytesWholeLastSegment => "v1-read-bytes-whole-last-segment",
            Self::V1ReadBytesSingleSegment => "v1-read-bytes-single-segment",
            Self::V1ReadBytesFromSegmentStart => "v1-read-bytes-from-segment-start",
            Self::V1BlocksOfRangeOnly => "v1-blocks-of-range-only",
            Self::V1BlocksOfWholeSegment => "v1-blocks-of-whole-segment",
            Self::V2SegmentsPastRange => "v2-segments-past-range",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::V1ReadBytesWholeLastSegment => {
                "dwReadBytesInLastSegment gives the whole rest of the last segment; most writers put 0"
            }
            Self::V1ReadBytesSingleSegment => {
                "one segment with an offset and a read length: readers differ on where the length counts from; taken from the offset"
            }
            Self::V1ReadBytesFromSegmentStart => {
                "the read length reaches past the segment from the offset, so it is taken from the segment's start"
            }
            Self::V1BlocksOfRangeOnly => {
                "block hashes start at the first block of the range; most writers start at the segment's first block"
            }
            Self::V1BlocksOfWholeSegment => {
                "block hashes are listed up to the segment's end, past the end of the range"
            }
            Self::V2SegmentsPastRange => "segments are listed past the end of the range",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of quirks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quirks(u8);

impl Quirks {
    pub(super) const fn add(&mut self, quirk: Quirk) {
        self.0 |= quirk.bit();
    }

    /// Whether the quirk is in the set.
    #[must_use]
    pub const fn contains(self, quirk: Quirk) -> bool {
        self.0 & quirk.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The quirks in the set.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL
            .into_iter()
            .filter(move |quirk| self.contains(*quirk))
    }
}
