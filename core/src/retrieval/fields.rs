//! MS-PCCRR 2.2: the fields that several messages share, read and written in one place.
//! Invariant: every field starts at a multiple of 4 from the start of its message; the bytes in between are zero.
//! Byte order: big-endian.

use super::error::{DecodeError, Problem};
use super::header::TRANSPORT_HEADER_BYTES;
use super::range::{BLOCK_RANGES_MAX, BlockRange, BlockRanges, RANGE_BYTES};
use super::{CryptoAlgorithm, MessageType, ProtocolVersion};
use crate::content::SegmentId;
use crate::hash::Digest;
use crate::wire::Reader;

/// How the document spells the two fields of a segment id: not alike everywhere.
#[derive(Clone, Copy)]
pub(super) struct IdFields {
    pub(super) size: &'static str,
    pub(super) id: &'static str,
}

pub(super) const REQUEST_ID_FIELDS: IdFields = IdFields {
    size: "SizeOfSegmentID",
    id: "SegmentID",
};
pub(super) const RESPONSE_ID_FIELDS: IdFields = IdFields {
    size: "SizeOfSegmentId",
    id: "SegmentId",
};

/// Bytes that take a field of `length` bytes to the next multiple of 4.
pub(super) const fn padding(length: usize) -> usize {
    length.wrapping_neg() & 3
}

pub(super) fn read_segment_id(
    reader: &mut Reader<'_>,
    fields: IdFields,
) -> Result<SegmentId, DecodeError> {
    let at = reader.at();
    let size = reader.u32_be(fields.size)?;
    //= PCCRR-2.2.4.2-02
    //= PCCRR-2.2.4.2-03
    //= PCCRR-2.2.4.2-04
    //= PCCRR-2.2.4.3-02
    //= PCCRR-2.2.4.4-04
    if !matches!(size, 32 | 48 | 64) {
        let problem = Problem::SegmentIdSize { found: size };
        return Err(problem.at(at, fields.size, "PCCRR-2.2.4.2-02"));
    }
    let bytes = reader.take(usize::try_from(size).unwrap_or(usize::MAX), fields.id)?;
    // Ids of these lengths end at a multiple of 4, so no ZeroPad ever follows.
    Digest::try_from(bytes)
        .map(SegmentId)
        .map_err(|_| Problem::SegmentIdSize { found: size }.at(at, fields.size, "PCCRR-2.2.4.2-02"))
}

/// A size and that many bytes.
pub(super) fn read_sized<'a>(
    reader: &mut Reader<'a>,
    size_field: &'static str,
    field: &'static str,
) -> Result<&'a [u8], DecodeError> {
    let size = reader.u32_be(size_field)?;
    Ok(reader.take(usize::try_from(size).unwrap_or(usize::MAX), field)?)
}

pub(super) fn read_padding(
    reader: &mut Reader<'_>,
    length: usize,
    field: &'static str,
    requirement: &'static str,
) -> Result<(), DecodeError> {
    if padding(length) == 0 {
        return Ok(());
    }
    let at = reader.at();
    let bytes = reader.take(padding(length), field)?;
    //= PCCRR-2.2-01
    match (at..).zip(bytes).find(|(_, byte)| **byte != 0) {
        Some((at, byte)) => {
            Err(Problem::PaddingNotZero { found: *byte }.at(at, field, requirement))
        }
        None => Ok(()),
    }
}

/// What the document says of an array of block ranges in one of its messages.
pub(super) struct RangeFields {
    pub(super) count: &'static str,
    pub(super) ranges: &'static str,
    pub(super) least: u32,
    pub(super) requirement: &'static str,
}

pub(super) fn read_block_ranges<'a>(
    reader: &mut Reader<'a>,
    fields: &RangeFields,
) -> Result<BlockRanges<'a>, DecodeError> {
    let at = reader.at();
    let claimed = reader.u32_be(fields.count)?;
    if claimed < fields.least || claimed > BLOCK_RANGES_MAX {
        let problem = Problem::RangeCount {
            claimed,
            least: fields.least,
            most: BLOCK_RANGES_MAX,
        };
        return Err(problem.at(at, fields.count, fields.requirement));
    }
    let start = *reader;
    let mut length = 0;
    for number in 0..claimed {
        reader.open(fields.ranges, Some(u64::from(number)));
        let at = reader.at();
        let index = reader.u32_be("Index")?;
        let count = reader.u32_be("Count")?;
        reader.close();
        length += RANGE_BYTES;
        if BlockRange::new(index, count).is_none() {
            //= PCCRR-2.2.1.1-02
            //= PCCRR-2.2.1.1-03
            let error = if count == 0 {
                Problem::RangeEmpty.at(at + 4, "Count", "PCCRR-2.2.1.1-02")
            } else {
                let problem = Problem::RangeOutsideSegment { index, count };
                problem.at(at, "Index", "PCCRR-2.2.1.1-03")
            };
            return Err(error);
        }
    }
    let bytes = start.untraced().take(length, fields.ranges)?;
    Ok(BlockRanges::checked(bytes))
}

pub(super) fn refuse_trailing(reader: &Reader<'_>) -> Result<(), DecodeError> {
    match reader.remaining() {
        0 => Ok(()),
        count => {
            Err(Problem::TrailingBytes { count }.at(reader.at(), "MESSAGE_BODY", "PCCRR-2.1.1-02"))
        }
    }
}

/// Appends one message to a buffer that its owner keeps.
pub(super) struct MessageWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Where in the buffer the message header starts.
    start: usize,
    is_response: bool,
}

impl<'a> MessageWriter<'a> {
    pub(super) fn request(
        out: &'a mut Vec<u8>,
        version: ProtocolVersion,
        message_type: MessageType,
        crypto: CryptoAlgorithm,
    ) -> Self {
        let start = out.len();
        let mut writer = Self {
            out,
            start,
            is_response: false,
        };
        writer.header(version, message_type, crypto);
        writer
    }

    //= PCCRR-2.2.5-01
    pub(super) fn response(
        out: &'a mut Vec<u8>,
        version: ProtocolVersion,
        message_type: MessageType,
        crypto: CryptoAlgorithm,
    ) -> Self {
        let start = out.len() + TRANSPORT_HEADER_BYTES;
        let mut writer = Self {
            out,
            start,
            is_response: true,
        };
        writer.u32(0).header(version, message_type, crypto);
        writer
    }

    fn header(
        &mut self,
        version: ProtocolVersion,
        message_type: MessageType,
        crypto: CryptoAlgorithm,
    ) {
        // The size is known at the end.
        self.u32(version.to_wire())
            .u32(message_type.0)
            .u32(0)
            .u32(crypto.0);
    }

    //= PCCRR-2.2.1-01
    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// A count or length of something that lies in memory and in a message of less than 384 KiB.
    pub(super) fn count(&mut self, value: usize) -> &mut Self {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX))
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    //= PCCRR-2.2.4.2-05
    //= PCCRR-2.2.4.4-05
    //= PCCRR-2.2.5.2-02
    //= PCCRR-2.2.5.3-02
    pub(super) fn padding_after(&mut self, length: usize) -> &mut Self {
        self.out.resize(self.out.len() + padding(length), 0);
        self
    }

    pub(super) fn segment_id(&mut self, segment: &SegmentId) -> &mut Self {
        let id = segment.0.as_bytes();
        self.count(id.len()).bytes(id).padding_after(id.len())
    }

    pub(super) fn range(&mut self, index: u32, count: u32) -> &mut Self {
        self.u32(index).u32(count)
    }

    pub(super) fn block_ranges(&mut self, ranges: &BlockRanges<'_>) -> &mut Self {
        self.count(ranges.count());
        for range in ranges.iter() {
            self.range(range.first().get(), range.count());
        }
        self
    }

    /// A size and that many bytes.
    pub(super) fn sized(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len()).bytes(bytes)
    }

    /// Writes the sizes in front. `beyond` bytes of the message follow that are not in this buffer.
    //= PCCRR-2.2.3-10
    pub(super) fn finish(self, beyond: usize) {
        let size = u32::try_from(self.out.len() - self.start + beyond).unwrap_or(u32::MAX);
        let at_size = self.start + 8;
        let before = self.start - TRANSPORT_HEADER_BYTES * usize::from(self.is_response);
        for at in [Some(at_size), self.is_response.then_some(before)] {
            let place = at.and_then(|at| self.out.get_mut(at..)?.first_chunk_mut());
            if let Some(place) = place {
                *place = size.to_be_bytes();
            }
        }
    }
}
