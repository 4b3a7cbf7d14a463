"""Content information version 2.0 that a reader accepts: [MS-PCCRC] 2.4 and the examples 3.6 and 3.7.

The contents are made up; a test says which. Byte order: big-endian.
"""

from . import captured, patterns
from .info_model import (
    NO_MORE_SECRETS, V2_SEGMENT_MAX, create_v2, expect_info, v2_bytes, v2_segments,
)
from .info_reader import agree
from .model import VectorFile

KB = 1024
BASE = "v2-byte-order v2-layout v2-minor v2-major v2-hash v2-chunk info-fields id"
PAST = "v2-segments-past-range"
EXAMPLE_LENGTHS = [60 * KB, 85 * KB, 44 * KB]


def sequence_segments(lengths):
    """Segments of a content that repeats the bytes 0 to 250."""
    return v2_segments(NO_MORE_SECRETS, patterns.render([patterns.sequence(sum(lengths))]), lengths)


def moved(segments, index, start):
    """The same segments further into a content."""
    for s in segments:
        s.index, s.offset = s.index + index, s.offset + start
    return segments


def accept(group, number, comment, topics, data, start, length, segments, quirks=(), flags=()):
    expect = expect_info(2, "sha512-truncated", start, length, segments, None, quirks)
    agree(f"info_v2 {number}", data, expect)
    group.test(number, comment, f"{BASE} {topics}", {"info": data.hex()}, expect,
               [*flags, *(["quirk"] if quirks else [])])


def examples(file):
    segments = sequence_segments(EXAMPLE_LENGTHS)
    group = file.group("example-3.6", "MS-PCCRC 3.6", version=2, algorithm="sha512-truncated")
    data = v2_bytes(0, 0x2F400, [segments])
    assert len(data) == 240
    accept(group, 1, "189 KB in segments of 60, 85 and 44 KB. The scenario says SHA-256 and 125 KB; the fields say truncated "
           "SHA-512 and 189 KB. The whole content is written with its length and not with 0. Content: bytes 0 to 250 repeated.",
           "v2-length segments-v2 hod-v2 kp-v2", data, 0, 189 * KB, segments, (), ["document-example", "document-error"])
    group = file.group("example-3.7", "MS-PCCRC 3.7", version=2, algorithm="sha512-truncated")
    data, listed = create_v2(segments, 100 * KB, 10 * KB)
    assert data[:31].hex() == "000204" + "000000000000f000" + "0000000000000001" + "0000a000" + "0000000000002800"
    accept(group, 2, "100 KB to 110 KB, with bHashAlgo 04 where the example prints 01 and SHA-256, which version 2.0 does not "
           "know. The example as printed is among the refused.", "v2-start v2-offset v2-length v2-range-end", data, 100 * KB,
           10 * KB, listed, (), ["document-example", "document-error", "range"])


def captured_cases(file):
    segments = captured.v2_segments()
    group = file.group("captured", captured.SOURCE, version=2, algorithm="sha512-truncated")
    accept(group, 10, "A file of 99,710 bytes, put together again from the captured hashes; IIS writes ullLengthOfRange 0.",
           "v2-length segments-v2 kp-v2", v2_bytes(0, 0, [segments]), 0, captured.LENGTH, segments, (), ["captured"])
    group = file.group("captured-with-a-range", "hand-made", version=2, algorithm="sha512-truncated")
    for number, start, length in ((11, 39389, 2), (12, 39390, 60320), (13, 0, 39390), (14, 99709, 1)):
        data, listed = create_v2(segments, start, length)
        accept(group, number, f"Hashes of the captured file with a made-up range of {length} bytes from {start}.",
               "v2-start v2-offset v2-length v2-range-end", data, start, length, listed, (), ["range"])


def sizes(file):
    group = file.group("segment-sizes", "hand-made", version=2, algorithm="sha512-truncated")
    rows = (
        (20, [1], "One byte."),
        (21, [V2_SEGMENT_MAX], "The longest segment."),
        (22, [1, V2_SEGMENT_MAX, 1], "The longest between the shortest."),
        (23, [V2_SEGMENT_MAX] * 3, "Three of the longest."),
        (24, [65536, 65537, 65535], "Around 64 KiB, which means nothing here."),
    )
    for number, lengths, comment in rows:
        data, listed = create_v2(sequence_segments(lengths), 0, sum(lengths))
        accept(group, number, comment, "v2-segment-length v2-length hod-v2 kp-v2", data, 0, sum(lengths), listed, (), ["boundary"])
    equal = v2_segments(NO_MORE_SECRETS, bytes(4000), [1000] * 4)
    assert len({s.id() for s in equal}) == 1
    accept(group, 25, "Four equal segments of zeros: one id four times.", "v2-order hod-v2", v2_bytes(0, 0, [equal]), 0, 4000, equal)
    lengths = [1000 + 37 * i for i in range(40)]
    accept(group, 26, "Forty segments.", "v2-order", v2_bytes(0, 0, [sequence_segments(lengths)]), 0, sum(lengths),
           sequence_segments(lengths))


def chunks(file):
    group = file.group("chunks", "hand-made", version=2, algorithm="sha512-truncated")
    s = sequence_segments(EXAMPLE_LENGTHS)
    rows = (
        (40, [[s[0]], [s[1], s[2]]], "Two chunks, one segment and two."),
        (41, [[s[0]], [s[1]], [s[2]]], "A chunk for each segment."),
        (42, [[s[0], s[1]], [s[2]]], "Two chunks, two segments and one."),
    )
    for number, parts, comment in rows:
        accept(group, number, f"{comment} The segments are those of example 3.6.", "v2-chunk-length v2-chunk-type v2-order",
               v2_bytes(0, 0, parts), 0, 189 * KB, s, (), ["multi-segment"])
    accept(group, 43, "A range over two chunks.", "v2-chunk-length v2-order v2-length", v2_bytes(100, 100000, [[s[0]], [s[1]]]),
           100, 100000, s[:2], (), ["multi-segment", "range"])


def ranges(file):
    group = file.group("ranges", "hand-made", version=2, algorithm="sha512-truncated")
    segments = sequence_segments(EXAMPLE_LENGTHS)
    rows = (
        (60, 0, 1, "The first byte."),
        (61, 193535, 1, "The last byte: only the last segment is listed."),
        (62, 61440, 87040, "Exactly the second segment."),
        (63, 61439, 87042, "One byte on either side of the second segment."),
        (64, 1, 193535, "All but the first byte."),
        (65, 0, 193535, "All but the last byte."),
    )
    for number, start, length, comment in rows:
        data, listed = create_v2(segments, start, length)
        accept(group, number, comment, "v2-start v2-offset v2-length v2-range-end", data, start, length, listed, (),
               ["range", "boundary"])
    accept(group, 66, "ullLengthOfRange 0 says whole content, the offset says otherwise: the range goes from the offset to the "
           "end of what is listed.", "v2-length v2-offset", v2_bytes(1000, 0, [segments]), 1000, 192536, segments, (),
           ["range", "ambiguous"])
    accept(group, 67, "ullLengthOfRange 0 and the list starts at the second segment: the range is what is listed.",
           "v2-length v2-start", v2_bytes(0, 0, [segments[1:]]), 61440, 132096, segments[1:], (), ["range", "ambiguous"])
    accept(group, 68, "The length written out, from an offset to the end.", "v2-length", v2_bytes(1000, 192536, [segments]), 1000,
           192536, segments, (), ["range"])


def positions(file):
    group = file.group("positions", "hand-made", version=2, algorithm="sha512-truncated")
    rows = (
        (80, 3, 3, "Three segments of one byte lie before: the start can be as small as the index."),
        (81, 3, 3 * V2_SEGMENT_MAX, "Three of the longest segments lie before: the start can be no larger."),
        (82, 2**47, 2**47, "Index times 128 KiB does not fit 64 bits; the position is possible all the same."),
        (83, 2**46, 2**63 - 1000, "The content ends exactly at 2^63."),
    )
    for number, index, start, comment in rows:
        segments = moved(sequence_segments([1000]), index, start)
        flags = ["boundary", "overflow"] if index > 3 else ["boundary"]
        accept(group, number, comment, "v2-start", v2_bytes(10, 100, [segments]), start + 10, 100, segments, (), flags)


def quirks(file):
    group = file.group("quirks", "hand-made", version=2, algorithm="sha512-truncated")
    s = sequence_segments(EXAMPLE_LENGTHS)
    accept(group, 90, "All three segments listed; the range ends inside the first.", "v2-range-end", v2_bytes(0, 1000, [s]), 0, 1000,
           s, [PAST], ["range"])
    accept(group, 91, "The range ends on the boundary of the second segment, and the third is listed.", "v2-range-end",
           v2_bytes(0, 148480, [s]), 0, 148480, s, [PAST], ["range", "boundary"])
    accept(group, 92, "The range ends one byte into the third segment: nothing to report.", "v2-range-end",
           v2_bytes(0, 148481, [s]), 0, 148481, s, (), ["range", "boundary"])
    accept(group, 93, "A range inside the second segment, from its own list, with the third listed.", "v2-range-end v2-start",
           v2_bytes(40960, 10240, [s[1:]]), 102400, 10240, s[1:], [PAST], ["range"])
    accept(group, 94, "The surplus segment stands in a chunk of its own.", "v2-range-end v2-chunk",
           v2_bytes(0, 61440, [[s[0]], [s[1]]]), 0, 61440, s[:2], [PAST], ["range"])


def build():
    file = VectorFile(
        "info_v2", "info", "Content information version 2.0, accepted",
        "Decode the input; quirky means accepted, with every deviation reported under its name. A segment has no blocks. "
        "The index of a segment is its place in the content.")
    for part in (examples, captured_cases, sizes, chunks, ranges, positions, quirks):
        part(file)
    return file
