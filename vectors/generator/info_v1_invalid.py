"""Content information version 1.0 that a reader refuses, and where: [MS-PCCRC] 2.3.

Every case is a correct structure with a stated change, so the reader's first complaint is known by hand.
Byte order: little-endian.
"""

import struct

from .info_model import BLOCK, U32_MAX, V1_SEGMENT, expect_error, patch, v1_bytes
from .info_reader import agree
from .info_v1 import equal_block_segment, sequence_segments
from .model import VectorFile

# Fields of the structure of test 3.2 (166 bytes): one segment of 128,000 bytes, two blocks, SHA-256.
HASH, OFFSET, READ, COUNT = 2, 6, 10, 14
START, LENGTH, BLOCK_SIZE, LIST = 18, 26, 30, 98
SECOND = 98
SECOND_LIST = 178 + 4 + 512 * 32


def u16(value):
    return struct.pack("<H", value)


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def refuse(group, number, comment, topics, data, kind, offset, flags=()):
    expect = expect_error(kind, offset)
    agree(f"info_v1_invalid {number}", data, expect)
    group.test(number, comment, topics, {"info": data.hex()}, expect, flags)


def one_segment():
    return v1_bytes("sha256", 0, 0, sequence_segments(128000), [(0, 2)])


def two_segments():
    """Two descriptions; the block lists are cut to one hash each, which no reader reaches."""
    segments = [equal_block_segment(0), equal_block_segment(1, 128000)]
    return v1_bytes("sha256", 0, 0, segments, [(0, 1), (0, 1)])


def truncations(file):
    group = file.group("truncated-header", "hand-made", version=1)
    good = one_segment()
    fields = ((0, 2, "Version", "v1-version"), (2, 6, "dwHashAlgo", "v1-hash"), (6, 10, "dwOffsetInFirstSegment", "v1-offset"),
              (10, 14, "dwReadBytesInLastSegment", "v1-read-bytes"), (14, 18, "cSegments", "v1-count"))
    for first, end, name, topic in fields:
        for length in range(first, end):
            refuse(group, 1 + length, f"{length} byte{'s' * (length != 1)}: {name} is not there in full.",
                   f"v1-layout {topic}", good[:length], "truncated", first, ["truncation"])
    group = file.group("truncated-body", "hand-made", version=1)
    rows = (
        (20, 18, "segment-count", COUNT, "The header alone: one segment is announced, none follows."),
        (21, 19, "segment-count", COUNT, "One byte of the segment description."),
        (22, 34, "segment-count", COUNT, "The description ends before its hash of data."),
        (23, 97, "segment-count", COUNT, "The description lacks its last byte."),
        (24, 98, "truncated", LIST, "No block list."),
        (25, 99, "truncated", LIST, "One byte of cBlocks."),
        (26, 101, "truncated", LIST, "Three bytes of cBlocks."),
        (27, 102, "block-count", LIST, "Two hashes are announced, none follows."),
        (28, 103, "block-count", LIST, "One byte of the first hash."),
        (29, 134, "block-count", LIST, "One of two hashes."),
        (30, 165, "block-count", LIST, "The last hash lacks its last byte."),
    )
    for number, length, kind, offset, comment in rows:
        refuse(group, number, comment, "v1-layout v1-count v1-block-list", good[:length], kind, offset, ["truncation"])


def versions_and_hashes(file):
    group = file.group("version", "hand-made", version=1)
    good = one_segment()
    rows = (
        (40, u16(0x0000), "unknown-version", 0, "Version 0.0.", ()),
        (41, u16(0x0101), "unknown-version", 0, "Version 1.1.", ()),
        (42, b"\x01\x00", "unknown-version", 0, "1.0 written big-endian.", ("wrong-byte-order",)),
        (43, u16(0x0200), "unknown-hash", HASH, "0x0200 is version 2.0, whose next byte is the hash: 0C is none.", ()),
        (44, u16(0x0300), "unknown-version", 0, "Version 3.0.", ()),
        (45, u16(0xFFFF), "unknown-version", 0, "Version 255.255.", ()),
    )
    for number, version, kind, offset, comment, flags in rows:
        refuse(group, number, comment, "v1-version", patch(good, (0, version)), kind, offset, flags)
    refuse(group, 46, "Nothing but an unknown version.", "v1-version", u16(0x0300), "unknown-version", 0, ["truncation"])
    group = file.group("hash", "hand-made", version=1)
    rows = (
        (50, u32(0), "unknown-hash", HASH, "No hash at all.", ()),
        (51, u32(0x8004), "unknown-hash", HASH, "SHA-1.", ()),
        (52, u32(0x800B), "unknown-hash", HASH, "One below SHA-256.", ("boundary",)),
        (53, u32(0x800F), "unknown-hash", HASH, "One above SHA-512.", ("boundary",)),
        (54, struct.pack(">I", 0x800C), "unknown-hash", HASH, "SHA-256 written big-endian.", ("wrong-byte-order",)),
        (55, u32(0x1800C), "unknown-hash", HASH, "SHA-256 with a bit in the upper half.", ()),
        (56, u32(4), "unknown-hash", HASH, "The number that version 2.0 gives truncated SHA-512.", ()),
        (57, u32(0x800D), "block-count", 130, "SHA-256 hashes called SHA-384: cBlocks is read out of a hash.", ("corrupted",)),
        (58, u32(0x800E), "block-count", 162, "SHA-256 hashes called SHA-512: cBlocks is read out of a hash.", ("corrupted",)),
    )
    for number, value, kind, offset, comment, flags in rows:
        refuse(group, number, comment, "v1-hash v1-layout", patch(good, (HASH, value)), kind, offset, flags)
    longer = v1_bytes("sha512", 0, 0, sequence_segments(128000, "sha512"), [(0, 2)])
    refuse(group, 59, "SHA-512 hashes called SHA-256.", "v1-hash v1-layout", patch(longer, (HASH, u32(0x800C))), "block-count",
           LIST, ["corrupted"])


def counts(file):
    group = file.group("segment-count", "hand-made", version=1)
    good = one_segment()
    rows = (
        (70, 0, "no-segments", "No segment.", ()),
        (71, 2, "segment-count", "Two, where 148 bytes follow.", ()),
        (72, U32_MAX, "segment-count", "The largest count.", ()),
        (73, 0x33333334, "segment-count", "Times 80 this is 64 in 32 bits.", ("overflow",)),
        (74, 0x10000000, "segment-count", "Times 80 this is 0 in 32 bits.", ("overflow",)),
        (75, 0x01000000, "segment-count", "1 written big-endian.", ("wrong-byte-order",)),
    )
    for number, count, kind, comment, flags in rows:
        refuse(group, number, comment, "v1-count", patch(good, (COUNT, u32(count))), kind, COUNT,
               [*flags, *(["lying-count"] if count else [])])
    longer = v1_bytes("sha512", 0, 0, sequence_segments(128000, "sha512"), [(0, 2)])
    refuse(group, 76, "Times 144, the description with SHA-512, this is 0 in 32 bits.", "v1-count",
           patch(longer, (COUNT, u32(0x10000000))), "segment-count", COUNT, ["lying-count", "overflow"])


def segments(file):
    group = file.group("first-segment", "hand-made", version=1)
    good = one_segment()
    rows = (
        (90, START, u64(1), "segment-offset", START, "Starts at byte 1.", ()),
        (91, START, u64(BLOCK), "segment-offset", START, "Starts on a block, not on a segment.", ()),
        (92, START, u64(V1_SEGMENT - 1), "segment-offset", START, "One byte before the second segment.", ("boundary",)),
        (93, START, u64(V1_SEGMENT + 1), "segment-offset", START, "One byte after the start of the second segment.", ("boundary",)),
        (94, LENGTH, u32(0), "segment-length-zero", LENGTH, "An empty segment.", ()),
        (95, LENGTH, u32(V1_SEGMENT + 1), "segment-too-long", LENGTH, "One byte over 32 MiB.", ("boundary",)),
        (96, LENGTH, u32(U32_MAX), "segment-too-long", LENGTH, "The longest length.", ("lying-count",)),
        (97, LENGTH, struct.pack(">I", 128000), "block-count", LIST, "128,000 written big-endian is 15,991,040, 245 blocks.",
         ("wrong-byte-order",)),
        (98, BLOCK_SIZE, u32(0), "block-size", BLOCK_SIZE, "Blocks of 0 bytes.", ()),
        (99, BLOCK_SIZE, u32(65535), "block-size", BLOCK_SIZE, "Blocks of 65,535 bytes.", ("boundary",)),
        (100, BLOCK_SIZE, u32(65537), "block-size", BLOCK_SIZE, "Blocks of 65,537 bytes.", ("boundary",)),
        (101, BLOCK_SIZE, u32(131072), "block-size", BLOCK_SIZE, "Blocks of 128 KiB.", ()),
        (102, BLOCK_SIZE, struct.pack(">I", BLOCK), "block-size", BLOCK_SIZE, "65,536 written big-endian.", ("wrong-byte-order",)),
        (103, BLOCK_SIZE, u32(U32_MAX), "block-size", BLOCK_SIZE, "The largest block.", ()),
        (104, START, u64(2**63), "length-overflow", START, "Starts at 2^63.", ("overflow", "boundary")),
        (105, START, u64(2**64 - V1_SEGMENT), "length-overflow", START, "The last segment that 64 bits can address.",
         ("overflow",)),
    )
    for number, at, value, kind, offset, comment, flags in rows:
        refuse(group, number, comment, "v1-segment-offset v1-segment-length v1-block-size", patch(good, (at, value)), kind,
               offset, flags)
    full = v1_bytes("sha256", 0, 0, [equal_block_segment(0)], [(511, 512)])
    refuse(group, 106, "A full segment at the end of 64 bits: the sum is 2^64, 0 in 64 bits.", "v1-segment-offset",
           patch(full, (START, u64(2**64 - V1_SEGMENT))), "length-overflow", START, ["overflow", "boundary"])


def second_segment(file):
    group = file.group("second-segment", "hand-made", version=1)
    good = two_segments()
    top = 2**63 - V1_SEGMENT
    rows = (
        (120, ((SECOND, u64(V1_SEGMENT + BLOCK)),), "segment-offset", SECOND, "A gap of one block.", ()),
        (121, ((SECOND, u64(2 * V1_SEGMENT)),), "segment-offset", SECOND, "A segment is left out.", ()),
        (122, ((SECOND, u64(0)),), "segment-offset", SECOND, "Starts where the first starts.", ()),
        (123, ((SECOND, u64(V1_SEGMENT - 1)),), "segment-offset", SECOND, "Overlaps the first by one byte.", ("boundary",)),
        (124, ((LENGTH, u32(V1_SEGMENT - 1)),), "segment-too-short", LENGTH, "The first of two is one byte short of 32 MiB.",
         ("boundary",)),
        (125, ((LENGTH, u32(128000)), (SECOND, u64(128000))), "segment-too-short", LENGTH,
         "The first of two has 128,000 bytes and the second follows it.", ()),
        (126, ((SECOND + 8, u32(0)),), "segment-length-zero", SECOND + 8, "The last segment is empty.", ()),
        (127, ((SECOND + 8, u32(V1_SEGMENT + 1)),), "segment-too-long", SECOND + 8, "The last segment is too long.", ("boundary",)),
        (128, ((SECOND + 12, u32(4096)),), "block-size", SECOND + 12, "The second segment has blocks of 4 KiB.", ()),
        (129, ((START, u64(top)), (SECOND, u64(2**63))), "length-overflow", SECOND, "The first ends at 2^63, the second beyond.",
         ("overflow", "boundary")),
        (130, ((OFFSET, u32(V1_SEGMENT)),), "offset-outside-segment", OFFSET, "The range starts where the second segment does, "
         "so the first does not meet it.", ("boundary",)),
        (131, ((READ, u32(128001)),), "read-bytes-outside-segment", READ, "One byte more than the last segment has.",
         ("boundary",)),
        (132, ((OFFSET, u32(V1_SEGMENT - 1)), (READ, u32(U32_MAX))), "read-bytes-outside-segment", READ,
         "The sum of offset and length wraps around in 32 bits.", ("overflow",)),
    )
    for number, changes, kind, offset, comment, flags in rows:
        refuse(group, number, comment, "v1-segment-offset v1-segment-full v1-segment-length v1-range-many", patch(good, *changes),
               kind, offset, ["multi-segment", *flags])


def ranges(file):
    group = file.group("range", "hand-made", version=1)
    good = one_segment()
    rows = (
        (140, 128000, 0, "offset-outside-segment", OFFSET, "The offset is the length of the segment.", ("boundary",)),
        (141, 128001, 0, "offset-outside-segment", OFFSET, "The offset is beyond the segment.", ("boundary",)),
        (142, U32_MAX, 0, "offset-outside-segment", OFFSET, "The largest offset.", ()),
        (143, U32_MAX, 2, "offset-outside-segment", OFFSET, "Offset and length add up to 1 in 32 bits.", ("overflow",)),
        (144, 0, 128001, "read-bytes-outside-segment", READ, "One byte more than the segment has.", ("boundary",)),
        (145, 0, U32_MAX, "read-bytes-outside-segment", READ, "The largest length.", ()),
        (146, 1000, U32_MAX, "read-bytes-outside-segment", READ, "Offset and length add up to 999 in 32 bits.", ("overflow",)),
        (147, 100000, 50000, "read-bytes-outside-segment", READ,
         "Counted from the offset it leaves the segment, counted from the segment's start it ends before it begins.", ()),
        (148, 100000, 100000, "read-bytes-outside-segment", READ,
         "Counted from the offset it leaves the segment, counted from the segment's start it is empty.", ("boundary",)),
        (149, 100000, 128001, "read-bytes-outside-segment", READ, "Leaves the segment however it is counted.", ("boundary",)),
    )
    for number, start, read_bytes, kind, offset, comment, flags in rows:
        refuse(group, number, comment, "v1-offset v1-read-bytes v1-range v1-range-one",
               patch(good, (OFFSET, u32(start)), (READ, u32(read_bytes))), kind, offset, ["range", *flags])


def block_lists(file):
    group = file.group("block-lists", "hand-made", version=1)
    good = one_segment()
    rows = (
        (160, good[:LIST] + u32(0), "No hash.", ()),
        (161, good[:LIST] + u32(1) + good[102:134], "One hash of two.", ()),
        (162, good[:LIST] + u32(3) + good[102:] + bytes(32), "Three hashes of two.", ()),
        (163, patch(good, (LIST, u32(U32_MAX))), "The largest count.", ("lying-count",)),
        (164, patch(good, (LIST, u32(0x08000002))), "Times 32 this is 64 in 32 bits, just what follows.",
         ("lying-count", "overflow")),
        (165, patch(good, (LIST, u32(0x02000000))), "2 written big-endian.", ("lying-count", "wrong-byte-order")),
    )
    for number, data, comment, flags in rows:
        refuse(group, number, comment, "v1-block-list v1-block-count", data, "block-count", LIST, flags)
    segments = sequence_segments(300000)
    rows = (
        (166, 140000, 0, (0, 4), "Blocks 2 to 4 of 0 to 4 meet the range: 3 or 5 hashes, not 4."),
        (167, 140000, 0, (3, 5), "Two hashes, fewer than meet the range."),
        (168, 140000, 1, (0, 2), "Block 2 meets the range: 1, 3 or all 5 hashes, not 2."),
        (169, 140000, 1, (0, 4), "Neither up to the end of the range nor to that of the segment."),
        (170, 0, 65536, (0, 2), "A block more than the range meets, two fewer than there are."),
    )
    for number, offset, read_bytes, shape, comment in rows:
        refuse(group, number, comment, "v1-block-count", v1_bytes("sha256", offset, read_bytes, segments, [shape]), "block-count",
               LIST, ["range"])
    both = [equal_block_segment(0), equal_block_segment(1, 128000)]
    refuse(group, 171, "The first of two segments lists 511 of its 512 blocks.", "v1-block-count",
           v1_bytes("sha256", 0, 0, both, [(0, 0), (0, 2)])[:178] + u32(511) + both[0].blocks[0] * 2, "block-count", 178,
           ["multi-segment"])
    refuse(group, 172, "The second of two segments lists one of its two blocks.", "v1-block-count",
           v1_bytes("sha256", 0, 0, both, [(0, 512), (0, 1)]), "block-count", SECOND_LIST, ["multi-segment"])
    refuse(group, 173, "The second list is missing.", "v1-block-list", v1_bytes("sha256", V1_SEGMENT - 1, 0, both, [(511, 512)]),
           "truncated", 178 + 4 + 32, ["multi-segment", "truncation"])


def trailing(file):
    group = file.group("trailing-bytes", "hand-made", version=1)
    good = one_segment()
    rows = (
        (180, b"\0", "One zero byte."),
        (181, bytes(4), "Four zero bytes."),
        (182, bytes(range(251)) * 4, "1,004 bytes."),
        (183, good, "The whole structure once more."),
        (184, good[134:166], "One more hash."),
    )
    for number, more, comment in rows:
        refuse(group, number, comment, "v1-layout", good + more, "trailing-bytes", 166, ["trailing-data"])


def order(file):
    group = file.group("order-of-checks", "hand-made", version=1)
    good, double = one_segment(), two_segments()
    rows = (
        (200, patch(good, (0, u16(0x0101)), (HASH, u32(0)))[:8], "unknown-version", 0, "Version, hash and length are wrong."),
        (201, patch(good, (HASH, u32(0)), (COUNT, u32(0))), "unknown-hash", HASH, "Hash and segment count are wrong."),
        (202, patch(good, (OFFSET, u32(U32_MAX)), (COUNT, u32(2))), "segment-count", COUNT,
         "The offset can only be judged when there are segments: the count is reported."),
        (203, patch(good, (START, u64(1)), (LENGTH, u32(0))), "segment-offset", START, "Offset and length of a segment."),
        (204, patch(good, (LENGTH, u32(0)), (BLOCK_SIZE, u32(1))), "segment-length-zero", LENGTH, "Length and block size of a segment."),
        (205, patch(double, (BLOCK_SIZE, u32(1)), (SECOND, u64(1))), "block-size", BLOCK_SIZE,
         "Block size of the first segment, offset of the second."),
        (206, patch(good, (OFFSET, u32(128000)), (BLOCK_SIZE, u32(1))), "block-size", BLOCK_SIZE,
         "The segments are read before the range is held against them."),
        (207, patch(good, (OFFSET, u32(128000)), (READ, u32(128001))), "offset-outside-segment", OFFSET, "Both ends of the range."),
        (208, patch(good, (READ, u32(128001)), (LIST, u32(9))), "read-bytes-outside-segment", READ, "Range and block count."),
        (209, patch(good, (LIST, u32(9))) + b"\0", "block-count", LIST, "Block count and a byte too many."),
        (210, patch(good, (OFFSET, u32(128000)))[:100], "offset-outside-segment", OFFSET, "Range, and the block list is cut off."),
    )
    for number, data, kind, offset, comment in rows:
        refuse(group, number, comment, "v1-layout", data, kind, offset, ["order-of-checks"])


def build():
    file = VectorFile(
        "info_v1_invalid", "info", "Content information version 1.0, refused",
        "Refuse the input. The offset is that of the field at fault, or of the first byte that is missing or too many.")
    for part in (truncations, versions_and_hashes, counts, segments, second_segment, ranges, block_lists, trailing, order):
        part(file)
    return file
