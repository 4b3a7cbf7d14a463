"""Content information version 2.0 that a reader refuses, and where: [MS-PCCRC] 2.4.

Every case is a correct structure with a stated change, so the reader's first complaint is known by hand.
Byte order: big-endian.
"""

import struct

from .info_model import U32_MAX, U64_MAX, V2_SEGMENT_MAX, expect_error, patch, v2_bytes
from .info_reader import agree
from .info_v2 import EXAMPLE_LENGTHS, KB, sequence_segments
from .model import VectorFile

# Fields of the structure of example 3.6 (240 bytes): one chunk of three segments, 193,536 bytes together.
HASH, START, INDEX, OFFSET, RANGE = 2, 3, 11, 19, 23
CHUNK, CHUNK_LENGTH, FIRST, SECOND, THIRD = 31, 32, 36, 104, 172
TOTAL = 189 * KB


def u32(value):
    return struct.pack(">I", value)


def u64(value):
    return struct.pack(">Q", value)


def refuse(group, number, comment, topics, data, kind, offset, flags=()):
    expect = expect_error(kind, offset)
    agree(f"info_v2_invalid {number}", data, expect)
    group.test(number, comment, topics, {"info": data.hex()}, expect, flags)


def one_chunk():
    return v2_bytes(0, 0, [sequence_segments(EXAMPLE_LENGTHS)])


def two_chunks():
    segments = sequence_segments(EXAMPLE_LENGTHS)
    return v2_bytes(0, 0, [segments[:1], segments[1:]])


def truncations(file):
    group = file.group("truncated-header", "hand-made", version=2)
    good = one_chunk()
    fields = ((0, 2, "the version", "v2-major"), (2, 3, "bHashAlgo", "v2-hash"), (3, 11, "ullStartInContent", "v2-start"),
              (11, 19, "ullIndexOfFirstSegment", "v2-start"), (19, 23, "dwOffsetInFirstSegment", "v2-offset"),
              (23, 31, "ullLengthOfRange", "v2-length"))
    for first, end, name, topic in fields:
        for length in range(max(first, 1), end):
            refuse(group, 1 + length, f"{length} byte{'s' * (length != 1)}: {name} is not there in full.", f"v2-layout {topic}",
                   good[:length], "truncated", first, ["truncation"])
    group = file.group("truncated-chunks", "hand-made", version=2)
    rows = (
        (40, good[:31], "no-segments", CHUNK, "The header alone: no chunk, so no segment."),
        (41, good[:32], "truncated", CHUNK_LENGTH, "The type of a chunk alone."),
        (42, good[:33], "truncated", CHUNK_LENGTH, "One byte of the chunk's length."),
        (43, good[:35], "truncated", CHUNK_LENGTH, "Three bytes of the chunk's length."),
        (44, good[:36], "chunk-length", CHUNK_LENGTH, "204 bytes are announced, none follows."),
        (45, good[:40], "chunk-length", CHUNK_LENGTH, "The length of the first segment is all that follows."),
        (46, good[:172], "chunk-length", CHUNK_LENGTH, "Two of three segments follow."),
        (47, good[:239], "chunk-length", CHUNK_LENGTH, "One byte is missing."),
        (48, two_chunks()[:105], "truncated", 105, "The type of the second chunk alone."),
        (49, two_chunks()[:108], "truncated", 105, "Three bytes of the second chunk's length."),
        (50, two_chunks()[:-1], "chunk-length", 105, "The second chunk lacks one byte."),
    )
    for number, data, kind, offset, comment in rows:
        refuse(group, number, comment, "v2-layout v2-chunk v2-chunk-length v2-not-empty", data, kind, offset, ["truncation"])


def versions_and_hashes(file):
    group = file.group("version", "hand-made", version=2)
    good = one_chunk()
    rows = (
        (60, b"\x01\x02", "unknown-version", 0, "Version 2.1.", "v2-minor", ()),
        (61, b"\x00\x03", "unknown-version", 0, "Version 3.0.", "v2-major", ()),
        (62, b"\x02\x00", "unknown-version", 0, "The major version first.", "v2-major v2-minor", ("wrong-byte-order",)),
        (63, b"\x00\x01", "unknown-hash", HASH, "00 01 is version 1.0, whose hash is four bytes long: 00000004 is none.",
         "v2-major", ()),
        (64, b"\xff\x02", "unknown-version", 0, "Version 2.255.", "v2-minor", ()),
    )
    for number, version, kind, offset, comment, topics, flags in rows:
        refuse(group, number, comment, topics, patch(good, (0, version)), kind, offset, flags)
    group = file.group("hash", "hand-made", version=2)
    rows = (
        (70, 0x00, "No hash at all."), (71, 0x03, "One below."), (72, 0x05, "One above."),
        (73, 0x0C, "The low byte of the number that version 1.0 gives SHA-256."), (74, 0xFF, "The largest number."),
    )
    for number, value, comment in rows:
        refuse(group, number, comment, "v2-hash", patch(good, (HASH, bytes([value]))), "unknown-hash", HASH)
    group = file.group("example-3.7-as-printed", "MS-PCCRC 3.7", version=2)
    printed = v2_bytes(0xA000, 0x2800, [sequence_segments(EXAMPLE_LENGTHS)[1:2]])
    refuse(group, 75, "The example prints bHashAlgo 01 and speaks of SHA-256; 2.4 allows 04 alone.", "v2-hash",
           patch(printed, (HASH, b"\x01")), "unknown-hash", HASH, ["document-example", "document-error"])


def chunks(file):
    group = file.group("chunk-type", "hand-made", version=2)
    good, double = one_chunk(), two_chunks()
    refuse(group, 80, "Type 1.", "v2-chunk-type", patch(good, (CHUNK, b"\x01")), "chunk-type", CHUNK)
    refuse(group, 81, "Type 255.", "v2-chunk-type", patch(good, (CHUNK, b"\xff")), "chunk-type", CHUNK)
    refuse(group, 82, "The second chunk has type 1.", "v2-chunk-type", patch(double, (104, b"\x01")), "chunk-type", 104)
    group = file.group("chunk-length", "hand-made", version=2)
    rows = (
        (90, 0, "An empty chunk.", ("boundary",)),
        (91, 1, "One byte.", ()),
        (92, 67, "One byte less than a segment description.", ("boundary",)),
        (93, 69, "One byte more than a segment description.", ("boundary",)),
        (94, 203, "One byte less than three.", ("boundary",)),
        (95, 205, "One byte more than three.", ("boundary",)),
        (96, 272, "Four descriptions where three follow.", ("lying-count",)),
        (97, U32_MAX, "The largest length.", ("lying-count",)),
        (98, 0xFFFFFFCC, "The largest multiple of 68.", ("lying-count", "overflow")),
        (99, 0xCC000000, "204 written little-endian, again a multiple of 68.", ("lying-count", "wrong-byte-order")),
    )
    for number, length, comment, flags in rows:
        refuse(group, number, comment, "v2-chunk v2-chunk-length", patch(good, (CHUNK_LENGTH, u32(length))), "chunk-length",
               CHUNK_LENGTH, flags)
    refuse(group, 100, "Two descriptions are announced and three follow: the third is read as a chunk.", "v2-chunk-length",
           patch(good, (CHUNK_LENGTH, u32(136))), "chunk-length", 173, ["lying-count"])
    refuse(group, 101, "The second chunk is empty.", "v2-not-empty v2-chunk-length", patch(double, (105, u32(0))), "chunk-length", 105)
    refuse(group, 102, "The first chunk claims the bytes of both chunks, header and all.", "v2-chunk-length",
           patch(double, (CHUNK_LENGTH, u32(209))), "chunk-length", CHUNK_LENGTH, ["lying-count"])


def segments(file):
    group = file.group("segments", "hand-made", version=2)
    good, double = one_chunk(), two_chunks()
    rows = (
        (110, FIRST, 0, "segment-length-zero", "The first segment is empty.", ("boundary",)),
        (111, SECOND, 0, "segment-length-zero", "The second segment is empty.", ("boundary",)),
        (112, THIRD, 0, "segment-length-zero", "The last segment is empty.", ("boundary",)),
        (113, FIRST, V2_SEGMENT_MAX + 1, "segment-too-long", "One byte over 128 KiB.", ("boundary",)),
        (114, THIRD, V2_SEGMENT_MAX + 1, "segment-too-long", "The last segment is one byte over 128 KiB.", ("boundary",)),
        (115, FIRST, U32_MAX, "segment-too-long", "The longest length.", ()),
        (116, FIRST, 0x00F00000, "segment-too-long", "61,440 written little-endian.", ("wrong-byte-order",)),
        (117, SECOND, 32 * KB * KB, "segment-too-long", "A segment of version 1.0.", ()),
    )
    for number, at, length, kind, comment, flags in rows:
        refuse(group, number, comment, "v2-segment-length", patch(good, (at, u32(length))), kind, at, flags)
    refuse(group, 118, "The first segment of the second chunk is empty.", "v2-segment-length v2-order",
           patch(double, (109, u32(0))), "segment-length-zero", 109, ["multi-segment"])


def ranges(file):
    group = file.group("range", "hand-made", version=2)
    good = one_chunk()
    rows = (
        (130, 61440, 0, "offset-outside-segment", OFFSET, "The offset is the length of the first segment.", ("boundary",)),
        (131, 61441, 1, "offset-outside-segment", OFFSET, "The range lies in the second segment; then the first is not listed.", ()),
        (132, U32_MAX, 0, "offset-outside-segment", OFFSET, "The largest offset.", ()),
        (133, 0, TOTAL + 1, "range-outside-segments", RANGE, "One byte more than is listed.", ("boundary",)),
        (134, 1, TOTAL, "range-outside-segments", RANGE, "The length fits, from the offset it does not.", ("boundary",)),
        (135, 0, U64_MAX, "range-outside-segments", RANGE, "The largest length.", ()),
        (136, 2, U64_MAX, "range-outside-segments", RANGE, "Offset and length add up to 1 in 64 bits.", ("overflow",)),
        (137, 0, 2**63, "range-outside-segments", RANGE, "A length of 2^63.", ("boundary",)),
        (138, 0, 2**32, "range-outside-segments", RANGE, "A length whose lower half is 0.", ()),
    )
    for number, offset, length, kind, at, comment, flags in rows:
        refuse(group, number, comment, "v2-offset v2-length v2-range-end",
               patch(good, (OFFSET, u32(offset)), (RANGE, u64(length))), kind, at, ["range", *flags])


def positions(file):
    group = file.group("positions", "hand-made", version=2)
    good = one_chunk()
    most = V2_SEGMENT_MAX
    rows = (
        (150, 61440, 0, "start-contradicts-index", "The first segment of a content starts at 0.", ()),
        (151, 0, 1, "start-contradicts-index", "The second segment does not start at 0.", ()),
        (152, 1, 2, "start-contradicts-index", "Two segments before, but one byte.", ("boundary",)),
        (153, most + 1, 1, "start-contradicts-index", "One segment before, of more than 128 KiB.", ("boundary",)),
        (154, 10 * most + 1, 10, "start-contradicts-index", "One byte more than ten segments can hold.", ("boundary",)),
        (155, 0, U64_MAX, "start-contradicts-index", "The largest index, at the start.", ()),
        (156, 2**20, 2**60, "start-contradicts-index", "Index times 128 KiB does not fit 64 bits.", ("overflow",)),
        (157, 2**40, 2**47 + 1, "start-contradicts-index", "Index times 128 KiB is 128 KiB in 64 bits.", ("overflow",)),
        (158, 2**63, 2**46, "length-overflow", "Starts at 2^63.", ("overflow", "boundary")),
        (159, 2**63 - TOTAL + 1, 2**46, "length-overflow", "Ends one byte beyond 2^63.", ("overflow", "boundary")),
        (160, U64_MAX, U64_MAX, "length-overflow", "Start and index at the end of 64 bits.", ("overflow",)),
        (161, 2**64 - TOTAL, 2**47, "length-overflow", "The end is 2^64, 0 in 64 bits.", ("overflow", "boundary")),
    )
    for number, start, index, kind, comment, flags in rows:
        refuse(group, number, comment, "v2-start", patch(good, (START, u64(start)), (INDEX, u64(index))), kind, START, flags)
    refuse(group, 162, "A start of 61,440 written little-endian.", "v2-start v2-byte-order",
           patch(good, (START, struct.pack("<Q", 61440)), (INDEX, u64(1))), "start-contradicts-index", START, ["wrong-byte-order"])


def trailing(file):
    group = file.group("trailing-bytes", "hand-made", version=2)
    good = one_chunk()
    rows = (
        (170, b"\0", "truncated", 241, "A zero byte: the type of a chunk without a length."),
        (171, b"\xff", "chunk-type", 240, "A byte that is no chunk type."),
        (172, bytes(4), "truncated", 241, "Four zero bytes: a chunk whose length lacks a byte."),
        (173, bytes(5), "chunk-length", 241, "Five zero bytes: an empty chunk."),
        (174, bytes(100), "chunk-length", 241, "A hundred zero bytes: an empty chunk."),
        (175, b"\xff" * 1000, "chunk-type", 240, "A thousand bytes FF."),
        (176, good, "chunk-length", 241, "The whole structure once more."),
        (177, good[172:240], "chunk-length", 241, "One more segment description without a chunk around it."),
    )
    for number, more, kind, offset, comment in rows:
        refuse(group, number, f"{comment} Chunks go to the end of the structure, so nothing can stand behind them.",
               "v2-layout v2-chunk", good + more, kind, offset, ["trailing-data"])


def order(file):
    group = file.group("order-of-checks", "hand-made", version=2)
    good = one_chunk()
    rows = (
        (190, patch(good, (0, b"\x01"), (HASH, b"\x01")), "unknown-version", 0, "Version and hash."),
        (191, patch(good, (HASH, b"\x01"))[:10], "unknown-hash", HASH, "Hash, and the header is cut off."),
        (192, patch(good, (OFFSET, u32(U32_MAX)), (CHUNK, b"\x01")), "chunk-type", CHUNK,
         "The chunks are read before the offset is held against them."),
        (193, patch(good, (CHUNK, b"\x01"), (CHUNK_LENGTH, u32(1))), "chunk-type", CHUNK, "Type and length of a chunk."),
        (194, patch(good, (CHUNK_LENGTH, u32(205)), (FIRST, u32(0))), "chunk-length", CHUNK_LENGTH, "Chunk and segment."),
        (195, patch(good, (FIRST, u32(0)), (SECOND, u32(U32_MAX))), "segment-length-zero", FIRST, "Two segments."),
        (196, patch(good, (OFFSET, u32(61440)), (RANGE, u64(TOTAL))), "offset-outside-segment", OFFSET, "Both ends of the range."),
        (197, patch(good, (RANGE, u64(TOTAL + 1)), (START, u64(1))), "range-outside-segments", RANGE, "Range and position."),
        (198, patch(good, (START, u64(2**63))), "start-contradicts-index", START, "A position that is impossible and too far."),
        (199, patch(good, (SECOND, u32(0))) + b"\xff", "segment-length-zero", SECOND, "A segment, and a byte behind the chunk."),
    )
    for number, data, kind, offset, comment in rows:
        refuse(group, number, comment, "v2-layout", data, kind, offset, ["order-of-checks"])


def build():
    file = VectorFile(
        "info_v2_invalid", "info", "Content information version 2.0, refused",
        "Refuse the input. The offset is that of the field at fault, or of the first byte that is missing.")
    for part in (truncations, versions_and_hashes, chunks, segments, ranges, positions, trailing, order):
        part(file)
    return file
