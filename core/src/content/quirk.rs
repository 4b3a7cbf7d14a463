//! Quirks of content information: what readers must accept although the documents disagree about it (MS-PCCRC 2.3, 3).
//! Invariant: a quirk never changes which bytes are accepted as what; it is reported beside the result.
//! Byte order: none.

crate::quirk::quirks! {
    /// `dwReadBytesInLastSegment` gives the whole rest of the last segment, where 0 says the same.
    V1ReadBytesWholeLastSegment = "v1-read-bytes-whole-last-segment",
        "dwReadBytesInLastSegment gives the whole rest of the last segment; most writers put 0";
    /// One segment, an offset and a read length: 2.3 and 2.3.1.1 disagree where it counts from.
    V1ReadBytesSingleSegment = "v1-read-bytes-single-segment",
        "one segment with an offset and a read length: readers differ on where the length counts from; taken from the offset";
    /// One segment whose read length can only have been counted from the segment's start.
    V1ReadBytesFromSegmentStart = "v1-read-bytes-from-segment-start",
        "the read length reaches past the segment from the offset, so it is taken from the segment's start";
    /// The first block list starts at the first block that meets the range, not at block 0.
    V1BlocksOfRangeOnly = "v1-blocks-of-range-only",
        "block hashes start at the first block of the range; most writers start at the segment's first block";
    /// A block list goes on to the segment's end although the range ends earlier.
    V1BlocksOfWholeSegment = "v1-blocks-of-whole-segment",
        "block hashes are listed up to the segment's end, past the end of the range";
    /// Segments are listed that lie past the end of the range.
    V2SegmentsPastRange = "v2-segments-past-range",
        "segments are listed past the end of the range";
}
