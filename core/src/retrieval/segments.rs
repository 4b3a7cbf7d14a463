//! MS-PCCRR 2.2.4.4, 2.2.5.4: the ids of a segment list request, and the ranges over them that answer it.
//! Invariant: a view of bytes that were checked one by one; what it yields needs no further check.
//! Byte order: big-endian.

use core::fmt;

use super::SegmentRange;
use super::error::{DecodeError, Problem};
use super::fields::{REQUEST_ID_FIELDS, read_segment_id};
use super::range::{RANGE_BYTES, pair};
use crate::content::SegmentId;
use crate::wire::Reader;

/// Bytes of the shortest id with its size.
const ID_MIN_BYTES: usize = 36;

/// The segments that a request names.
#[derive(Clone, Copy)]
pub struct SegmentIds<'a>(IdsFrom<'a>);

#[derive(Clone, Copy)]
enum IdsFrom<'a> {
    Wire { ids: &'a [u8], count: usize },
    List(&'a [SegmentId]),
}

impl<'a> SegmentIds<'a> {
    /// Segments that are to be asked for.
    #[must_use]
    pub const fn of(segments: &'a [SegmentId]) -> Self {
        Self(IdsFrom::List(segments))
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let at = reader.at();
        let claimed = reader.u32_be("CountOfSegmentIDs")?;
        let most = reader.remaining() / ID_MIN_BYTES;
        let count = usize::try_from(claimed).unwrap_or(usize::MAX);
        if count > most {
            let problem = Problem::CountOutsideMessage { claimed, most };
            return Err(problem.at(at, "CountOfSegmentIDs", "PCCRR-2.2.4.4-03"));
        }
        let start = *reader;
        for number in 0..claimed {
            reader.open("Segment", Some(u64::from(number)));
            read_segment_id(reader, REQUEST_ID_FIELDS)?;
            reader.close();
        }
        let ids = start
            .untraced()
            .take(reader.at() - start.at(), "SegmentID")?;
        Ok(Self(IdsFrom::Wire { ids, count }))
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.0 {
            IdsFrom::Wire { count, .. } => count,
            IdsFrom::List(list) => list.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ids in their order, which is what ranges in the answer count by.
    pub fn iter(&self) -> impl Iterator<Item = SegmentId> + use<'a> {
        let (ids, list) = match self.0 {
            IdsFrom::Wire { ids, .. } => (ids, &[][..]),
            IdsFrom::List(list) => (&[][..], list),
        };
        let mut reader = Reader::new(ids);
        let wire =
            core::iter::from_fn(move || read_segment_id(&mut reader, REQUEST_ID_FIELDS).ok());
        wire.chain(list.iter().copied())
    }
}

impl PartialEq for SegmentIds<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for SegmentIds<'_> {}

impl fmt::Debug for SegmentIds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// `SEGMENT_RANGE_ARRAY`: ranges as they came, or such as are to be sent.
//= PCCRR-2.2.1.4-01
#[derive(Clone, Copy)]
pub struct SegmentRanges<'a>(RangesFrom<'a>);

#[derive(Clone, Copy)]
enum RangesFrom<'a> {
    Wire(&'a [[u8; RANGE_BYTES]]),
    List(&'a [SegmentRange]),
}

impl<'a> SegmentRanges<'a> {
    /// Ranges that are to be sent.
    #[must_use]
    pub const fn of(ranges: &'a [SegmentRange]) -> Self {
        Self(RangesFrom::List(ranges))
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let at = reader.at();
        let claimed = reader.u32_be("SegmentRangeCount")?;
        let most = reader.remaining() / RANGE_BYTES;
        let count = usize::try_from(claimed).unwrap_or(usize::MAX);
        if count > most {
            let problem = Problem::CountOutsideMessage { claimed, most };
            return Err(problem.at(at, "SegmentRangeCount", "PCCRR-2.2.5.4-01"));
        }
        let start = *reader;
        for number in 0..claimed {
            reader.open("SegmentRanges", Some(u64::from(number)));
            let at = reader.at();
            let index = reader.u32_be("Index")?;
            let count = reader.u32_be("Count")?;
            reader.close();
            if SegmentRange::new(index, count).is_none() {
                let error = if count == 0 {
                    Problem::RangeEmpty.at(at + 4, "Count", "PCCRR-2.2.1.2-02")
                } else {
                    let problem = Problem::RangeOverflow { index, count };
                    problem.at(at, "Index", "PCCRR-2.2.1.2-03")
                };
                return Err(error);
            }
        }
        let ranges = start
            .untraced()
            .take(RANGE_BYTES * count, "SegmentRanges")?;
        Ok(Self(RangesFrom::Wire(ranges.as_chunks().0)))
    }

    /// How many ranges.
    #[must_use]
    pub const fn count(&self) -> usize {
        match self.0 {
            RangesFrom::Wire(wire) => wire.len(),
            RangesFrom::List(list) => list.len(),
        }
    }

    /// The ranges, in their order.
    pub fn iter(&self) -> impl Iterator<Item = SegmentRange> + use<'a> {
        let (wire, list) = match self.0 {
            RangesFrom::Wire(wire) => (wire, &[][..]),
            RangesFrom::List(list) => (&[][..], list),
        };
        let wire = wire.iter().filter_map(|range| {
            let (index, count) = pair(*range);
            SegmentRange::new(index, count)
        });
        wire.chain(list.iter().copied())
    }
}

impl PartialEq for SegmentRanges<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for SegmentRanges<'_> {}

impl fmt::Debug for SegmentRanges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans = self.iter().map(|range| range.first()..range.end());
        f.debug_list().entries(spans).finish()
    }
}
