"""Content information version 1.0 that a reader accepts: [MS-PCCRC] 2.3 and the examples 3.1 to 3.5.

The contents are made up; a test says which. Byte order: little-endian.
"""

from . import captured, patterns
from .info_model import (
    BLOCK, NO_MORE_SECRETS, V1_SEGMENT, block_count, create_v1, expect_info, v1_bytes, v1_segment, v1_segments,
)
from .info_reader import agree
from .model import VectorFile
from .primitives import digest

KB, MB = 1024, 1024 * 1024
BASE = "v1-byte-order v1-version v1-hash v1-layout info-fields id"
WHOLE = "v1-read-bytes-whole-last-segment"
SINGLE = "v1-read-bytes-single-segment"
FROM_START = "v1-read-bytes-from-segment-start"
RANGE_ONLY = "v1-blocks-of-range-only"
ALL_BLOCKS = "v1-blocks-of-whole-segment"


def sequence_segments(length, algorithm="sha256"):
    """The segments of a content that repeats the bytes 0 to 250."""
    return v1_segments(algorithm, NO_MORE_SECRETS, patterns.render([patterns.sequence(length)]))


def equal_block_segment(index=0, length=V1_SEGMENT, offset=None, byte=0x61):
    """A segment of one repeated byte: its blocks are equal, so one hash makes the list."""
    full = digest("sha256", bytes([byte]) * BLOCK)
    blocks = [full] * (length // BLOCK)
    if length % BLOCK:
        blocks.append(digest("sha256", bytes([byte]) * (length % BLOCK)))
    return v1_segment("sha256", NO_MORE_SECRETS, index, blocks=blocks, length=length, offset=offset)


def accept(group, number, comment, topics, data, start, length, segments, lists, quirks=(), flags=()):
    expect = expect_info(1, segments[0].algorithm, start, length, segments, lists, quirks)
    agree(f"info_v1 {number}", data, expect)
    group.test(number, comment, f"{BASE} {topics}", {"info": data.hex()}, expect,
               [*flags, *(["quirk"] if quirks else [])])


def examples(file):
    small = sequence_segments(128000)
    shape = [(0, 2)]
    group = file.group("example-3.1", "MS-PCCRC 3.1", version=1, algorithm="sha256")
    accept(group, 1, "dwReadBytesInLastSegment is the length of the segment, which 2.3 does not allow (0 to length - 1). "
           "The example calls the segment secret a hash of HoD and secret; it is HMAC(Ks, HoD) here and in all examples. "
           "Content: bytes 0 to 250 repeated.", "v1-read-bytes hod-v1 kp blocks-v1",
           v1_bytes("sha256", 0, 128000, small, shape), 0, 128000, small, shape, [WHOLE],
           ["document-example", "document-error"])
    group = file.group("example-3.2", "MS-PCCRC 3.2", version=1, algorithm="sha256")
    data, listed, lists = create_v1(small, 0, 128000)
    accept(group, 2, "The same content with dwReadBytesInLastSegment 0, to the end.", "v1-read-zero hod-v1 kp blocks-v1",
           data, 0, 128000, listed, lists, (), ["document-example"])
    group = file.group("example-3.3", "MS-PCCRC 3.3", version=1, algorithm="sha256")
    data, listed, lists = create_v1(small, 100 * KB, 25 * KB)
    assert lists == [(0, 2)]
    accept(group, 3, "The range starts in block 1, yet the list starts at block 0, against 2.3.1.2 but as real servers write.",
           "v1-offset v1-read-zero v1-block-count", data, 100 * KB, 25 * KB, listed, lists, (),
           ["document-example", "document-error", "range"])
    large = sequence_segments(125 * MB)
    shape = [(0, 512)] * 3 + [(0, 464)]
    group = file.group("example-3.4", "MS-PCCRC 3.4", version=1, algorithm="sha256")
    data = v1_bytes("sha256", 0, 0x1D00000, large, shape)
    assert len(data) == 64354
    accept(group, 4, "Four segments; dwReadBytesInLastSegment is the length of the last one. Content: bytes 0 to 250 repeated.",
           "segments-v1 v1-range-many v1-segment-offset v1-segment-full", data, 0, 125 * MB, large, shape, [WHOLE],
           ["document-example", "document-error", "multi-segment"])
    group = file.group("example-3.5", "MS-PCCRC 3.5", version=1, algorithm="sha256")
    data, listed, lists = create_v1(large, 100 * KB, 126876 * KB)
    assert lists == [(0, 512)] * 3 + [(0, 448)] and data[10:14].hex() == "0000c001"
    accept(group, 5, "100 KB to 124 MB. The example places the last hash at 64,322; with 448 blocks it stands at 63,810. "
           "The list of the first segment starts at block 0 although the range starts in block 1.",
           "segments-v1 v1-range-many v1-offset v1-block-count", data, 100 * KB, 126876 * KB, listed, lists, (),
           ["document-example", "document-error", "multi-segment", "range"])


def captured_cases(file):
    segments = captured.v1_segments()
    group = file.group("captured", captured.SOURCE, version=1, algorithm="sha256")
    accept(group, 10, "A file of 99,710 bytes, put together again from the captured hashes; IIS writes dwReadBytesInLastSegment 0.",
           "v1-read-zero kp",
           v1_bytes("sha256", 0, 0, segments, [(0, 2)]), 0, captured.LENGTH, segments, [(0, 2)], (), ["captured"])
    group = file.group("captured-with-a-range", "hand-made", version=1, algorithm="sha256")
    for number, start, length in ((11, 65536, 34174), (12, 0, 65536), (13, 0, 1)):
        data, listed, lists = create_v1(segments, start, length)
        accept(group, number, f"Hashes of the captured file with a made-up range of {length} bytes from {start}.",
               "v1-range v1-block-count", data, start, length, listed, lists, (), ["range"])


def whole_contents(file):
    group = file.group("whole-content", "hand-made", version=1, algorithm="sha256")
    for number, length in ((20, 1), (21, 65535), (22, 65536), (23, 65537), (24, 131072), (25, 131073)):
        data, listed, lists = create_v1(sequence_segments(length), 0, length)
        accept(group, number, f"{length} bytes, {block_count(length)} block{'s' * (length > BLOCK)}.", "v1-read-zero blocks-v1 hod-v1",
               data, 0, length, listed, lists, (), ["boundary"])
    for number, algorithm in ((26, "sha384"), (27, "sha512")):
        group = file.group(f"whole-content-{algorithm}", "hand-made", version=1, algorithm=algorithm)
        data, listed, lists = create_v1(sequence_segments(128000, algorithm), 0, 128000)
        accept(group, number, "The content of example 3.2 with longer hashes.", "v1-hash hmac hod-v1 v1-hod-field v1-kp-field kp ks",
               data, 0, 128000, listed, lists)
    group = file.group("full-segment", "hand-made", version=1, algorithm="sha256")
    full = [equal_block_segment()]
    data, listed, lists = create_v1(full, 0, V1_SEGMENT)
    accept(group, 28, "Exactly 32 MiB of the byte 61: 512 equal hashes.", "segments-v1 v1-segment-length",
           data, 0, V1_SEGMENT, listed, lists, (), ["boundary"])


def ranges(file):
    group = file.group("ranges", "hand-made", version=1, algorithm="sha256")
    segments = sequence_segments(300000)
    rows = (
        (40, 0, 1, "The first byte."),
        (41, 299999, 1, "The last byte: the list still starts at block 0."),
        (42, 65535, 234465, "From the last byte of block 0 to the end."),
        (43, 0, 131072, "The first two blocks; the end on a block boundary does not meet the third."),
        (44, 0, 131073, "One byte more meets the third block."),
        (45, 262144, 37856, "The last block, exactly."),
        (46, 0, 299999, "All but the last byte."),
    )
    for number, start, length, comment in rows:
        data, listed, lists = create_v1(segments, start, length)
        accept(group, number, comment, "v1-range v1-range-one v1-block-count", data, start, length, listed, lists, (),
               ["range", "boundary"])
    for number, algorithm in ((47, "sha384"), (48, "sha512")):
        group = file.group(f"ranges-{algorithm}", "hand-made", version=1, algorithm=algorithm)
        data, listed, lists = create_v1(sequence_segments(300000, algorithm), 0, 70000)
        accept(group, number, "The first 70,000 bytes: two of five blocks.", "v1-range v1-hash v1-block-count",
               data, 0, 70000, listed, lists, (), ["range"])


def far_segments(file):
    group = file.group("later-segments", "hand-made", version=1, algorithm="sha256")
    segments = [equal_block_segment(0), v1_segment(
        "sha256", NO_MORE_SECRETS, 1, patterns.render([patterns.sequence(128000)]))]
    rows = (
        (60, V1_SEGMENT, 128000, "Only the second segment is listed; its index follows from its offset."),
        (61, V1_SEGMENT + 1000, 127000, "A range inside the second segment, to its end."),
        (62, V1_SEGMENT, 65536, "The first block of the second segment."),
    )
    for number, start, length, comment in rows:
        data, listed, lists = create_v1(segments, start, length)
        assert len(listed) == 1
        accept(group, number, comment, "v1-range v1-segment-offset v1-count", data, start, length, listed, lists, (), ["range"])
    data, listed, lists = create_v1(segments, V1_SEGMENT - 1, 2)
    accept(group, 63, "Two bytes, one on either side of the boundary between two segments; dwReadBytesInLastSegment 1.",
           "v1-range-many v1-count v1-block-count", data, V1_SEGMENT - 1, 2, listed, lists, (),
           ["range", "multi-segment", "boundary"])
    top = 2**63 - V1_SEGMENT
    last = [equal_block_segment(top // V1_SEGMENT, 1, top)]
    data, listed, lists = create_v1(last, top, 1)
    accept(group, 64, "The last segment that 63 bits can hold, one byte long.", "v1-segment-offset", data, top, 1,
           listed, lists, (), ["boundary"])
    full = [equal_block_segment(top // V1_SEGMENT, V1_SEGMENT, top)]
    shape = [(511, 512)]
    accept(group, 65, "The content ends exactly at 2^63. Only the last block meets the range, and only its hash is listed.",
           "v1-segment-offset v1-block-count", v1_bytes("sha256", V1_SEGMENT - 1, 0, full, shape), 2**63 - 1, 1,
           full, shape, [RANGE_ONLY], ["boundary", "range", "shape-of-range-only"])
    shape = [(511, 512), (0, 1)]
    accept(group, 66, "The range of test 63 from a writer that lists only the blocks that meet it.",
           "v1-range-many v1-block-count", v1_bytes("sha256", V1_SEGMENT - 1, 1, segments, shape), V1_SEGMENT - 1, 2,
           segments, shape, [RANGE_ONLY], ["range", "multi-segment", "shape-of-range-only"])
    accept(group, 67, "As before; the last segment lists both of its blocks although the range ends in the first.",
           "v1-range-many v1-block-count", v1_bytes("sha256", V1_SEGMENT - 1, 1, segments, [(511, 512), (0, 2)]),
           V1_SEGMENT - 1, 2, segments, [(511, 512), (0, 2)], [RANGE_ONLY, ALL_BLOCKS],
           ["range", "multi-segment", "shape-of-range-only"])
    accept(group, 68, "As test 66, to the end of the content, written as the full length of the last segment.",
           "v1-range-many v1-read-bytes", v1_bytes("sha256", V1_SEGMENT - 1, 128000, segments, [(511, 512), (0, 2)]),
           V1_SEGMENT - 1, 128001, segments, [(511, 512), (0, 2)], [WHOLE, RANGE_ONLY],
           ["range", "multi-segment", "shape-of-range-only"])


def quirks(file):
    group = file.group("quirks", "hand-made", version=1, algorithm="sha256")
    s = sequence_segments(300000)

    def quirky(number, comment, topics, offset, read_bytes, shape, start, length, names, flags=()):
        accept(group, number, comment, topics, v1_bytes("sha256", offset, read_bytes, s, [shape]), start, length, s,
               [shape], names, ["range", *flags])

    ambiguous = ["ambiguous"]
    only = ["shape-of-range-only"]
    quirky(80, "One segment with an offset and a length: counted from the offset, as 2.3.1.1 ends.",
           "v1-range-one v1-read-bytes", 1000, 5000, (0, 1), 1000, 5000, [SINGLE], ambiguous)
    quirky(81, "The same, ending on a block boundary.", "v1-range-one", 1000, 64536, (0, 1), 1000, 64536, [SINGLE], ambiguous)
    quirky(82, "The same, one byte into the second block.", "v1-range-one", 1000, 64537, (0, 2), 1000, 64537, [SINGLE],
           ambiguous)
    quirky(83, "Counted from the offset the range ends exactly at the end of the segment, where 0 is usual.",
           "v1-range-one v1-read-bytes", 100000, 200000, (0, 5), 100000, 200000, [WHOLE, SINGLE], ambiguous)
    quirky(84, "Counted from the offset the range would leave the segment by one byte; the writer counted from the "
           "segment's start.", "v1-range-one v1-read-bytes", 100000, 200001, (0, 4), 100000, 100001, [FROM_START], ambiguous)
    quirky(85, "Counted from the segment's start, to one byte before its end.", "v1-range-one", 100000, 299999, (0, 5),
           100000, 199999, [FROM_START], ambiguous)
    quirky(86, "Counted from the segment's start, to its end.", "v1-range-one", 100000, 300000, (0, 5), 100000, 200000,
           [WHOLE, FROM_START], ambiguous)
    quirky(87, "The last byte, counted from the segment's start.", "v1-range-one", 299999, 300000, (0, 5), 299999, 1,
           [WHOLE, FROM_START], [*ambiguous, "boundary"])
    quirky(88, "The list holds only the four blocks that meet the range.", "v1-block-count", 65536, 0, (1, 5), 65536, 234464,
           [RANGE_ONLY], only)
    quirky(89, "Only the last block of five.", "v1-block-count", 299999, 0, (4, 5), 299999, 1, [RANGE_ONLY], only)
    quirky(90, "One byte in the middle: one hash, of block 2.", "v1-block-count", 140000, 1, (2, 3), 140000, 1,
           [SINGLE, RANGE_ONLY], [*only, *ambiguous])
    quirky(91, "All five hashes although the range ends in the first block.", "v1-block-count", 0, 1, (0, 5), 0, 1, [ALL_BLOCKS])
    quirky(92, "All five hashes; the range starts in block 1 and ends in block 2.", "v1-block-count", 70000, 65536, (0, 5),
           70000, 65536, [SINGLE, ALL_BLOCKS], ambiguous)
    quirky(93, "The same range with the two blocks that meet it.", "v1-block-count", 70000, 65536, (1, 3), 70000, 65536,
           [SINGLE, RANGE_ONLY], [*only, *ambiguous])
    quirky(94, "The same range from block 0, as the examples list it.", "v1-block-count", 70000, 65536, (0, 3), 70000, 65536,
           [SINGLE], ambiguous)
    quirky(95, "Offset in the first block: the list of the range and that from block 0 are the same.", "v1-block-count",
           65535, 131072, (0, 3), 65535, 131072, [SINGLE], ambiguous)
    quirky(96, "Counted from the segment's start, with only the blocks of the range.", "v1-range-one v1-block-count",
           200000, 250000, (3, 4), 200000, 50000, [FROM_START, RANGE_ONLY], [*only, *ambiguous])
    one = sequence_segments(1)
    accept(group, 97, "One byte, with dwReadBytesInLastSegment 1.", "v1-read-bytes", v1_bytes("sha256", 0, 1, one, [(0, 1)]),
           0, 1, one, [(0, 1)], [WHOLE], ["boundary"])


def build():
    file = VectorFile(
        "info_v1", "info", "Content information version 1.0, accepted",
        "Decode the input; quirky means accepted, with every deviation reported under its name. The index of a segment is "
        "its place in the content. blocks_sha256 stands in for a list of more than 16 hashes: SHA-256 of the listed hashes.")
    for part in (examples, captured_cases, whole_contents, ranges, far_segments, quirks):
        part(file)
    return file
