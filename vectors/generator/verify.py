"""A content held against its content information: [MS-PCCRC] 2.2 (what a peer must verify), 4.1.2 and 4.1.3.

Every listed block is checked in full, also where the range meets only a part of it.
"""

from . import patterns
from .info_model import (
    BLOCK, NO_MORE_SECRETS, V1_SEGMENT, create_v1, create_v2, patch, v1_bytes, v1_segments, v2_segments,
)
from .info_reader import read
from .model import VectorFile
from .primitives import digest

KB = 1024
V1 = "verify-block verify-hod hod-v1 blocks-v1"
V2 = "verify-segment hod-v2"
EXAMPLE_LENGTHS = [60 * KB, 85 * KB, 44 * KB]


def _second_opinion(info, content):
    """Mismatching blocks and wrong hashes of data, read back from the bytes."""
    version, algorithm, _, _, segments, _ = read(info)
    blocks, hods = [], []
    for index, start, length, hod, _, first, hashes in segments:
        if version == 2:
            first, hashes, step = 0, [hod], length
        else:
            step = BLOCK
            if len(hashes) == -(-length // BLOCK) and digest(algorithm, b"".join(hashes)) != hod:
                hods.append(index)
        for number, expected in enumerate(hashes, first):
            at = start + number * step
            size = min(step, start + length - at)
            data = content[at:at + size]
            if len(data) < size or digest(algorithm, data) != expected:
                blocks.append({"segment": index, "block": number, "offset": at, "length": size})
    return blocks, hods


def case(group, number, comment, topics, info, parts, mismatches=(), hods=(), changes=(), content_length="fits", flags=()):
    """`mismatches` are (segment, block, offset, length)."""
    stated = [dict(zip(("segment", "block", "offset", "length"), row)) for row in mismatches]
    given = {"info": info.hex(), "content": parts}
    content = patterns.render(parts)
    if changes:
        given["changes"] = [{"offset": at, "hex": new.hex()} for at, new in changes]
        content = patch(content, *changes)
    seen = _second_opinion(info, content)
    assert seen == (stated, list(hods)), f"verify {number}: stated {stated} {hods}, seen {seen}"
    good = not stated and not hods and content_length == "fits"
    group.test(number, comment, topics, given, {
        "result": "valid" if good else "invalid", "content_length": content_length, "mismatches": stated,
        "hod_mismatches": list(hods)}, flags)


def whole_v1(file):
    group = file.group("v1-whole-content", "hand-made", version=1, algorithm="sha256")
    length, parts = 300000, [patterns.sequence(300000)]
    info, _, _ = create_v1(v1_segments("sha256", NO_MORE_SECRETS, patterns.render(parts)), 0, length)
    last = (0, 4, 262144, 37856)
    case(group, 1, "The content as it was.", V1, info, parts)
    case(group, 2, "The first byte differs.", V1, info, parts, [(0, 0, 0, 65536)], (), [(0, b"\xff")], flags=["corrupted"])
    case(group, 3, "The last byte differs.", V1, info, parts, [last], (), [(299999, b"\xff")], flags=["corrupted"])
    case(group, 4, "The last byte of block 1 and the first of block 2 differ.", V1, info, parts,
         [(0, 1, 65536, 65536), (0, 2, 131072, 65536)], (), [(131071, b"\xff\xff")], flags=["corrupted", "boundary"])
    case(group, 5, "Blocks 0 and 3 differ, in several places.", V1, info, parts, [(0, 0, 0, 65536), (0, 3, 196608, 65536)], (),
         [(5, b"\xff"), (65535, b"\xff"), (196608, b"\xff"), (200000, b"\xff\xff\xff")], flags=["corrupted"])
    case(group, 6, "Another content of the same length: every block differs.", V1, info, [patterns.repeat(b"\0", length)],
         [(0, n, n * BLOCK, BLOCK) for n in range(4)] + [last], flags=["corrupted"])
    case(group, 7, "One byte is missing at the end: the last block is not whole.", V1, info, [patterns.sequence(length - 1)], [last],
         content_length="too-short", flags=["truncation"])
    case(group, 8, "The content ends in block 3: that block and the next are not whole.", V1, info, [patterns.sequence(196609)],
         [(0, 3, 196608, 65536), last], content_length="too-short", flags=["truncation"])
    case(group, 9, "The content ends with block 3; the last block is missing.", V1, info, [patterns.sequence(262144)], [last],
         content_length="too-short", flags=["truncation", "boundary"])
    case(group, 10, "One byte too many: every block is good, the content is not.", V1, info, [patterns.sequence(length + 1)],
         content_length="too-long", flags=["trailing-data"])
    case(group, 11, "A block too many.", V1, info, [patterns.sequence(length + BLOCK)], content_length="too-long",
         flags=["trailing-data"])
    case(group, 12, "The first byte is gone, so everything has moved.", V1, info,
         [patterns.repeat(patterns.SEQUENCE[1:] + b"\0", length - 1)], [(0, n, n * BLOCK, BLOCK) for n in range(4)] + [last],
         content_length="too-short", flags=["truncation", "corrupted"])
    case(group, 13, "The hash of data differs in one bit; the block hashes are good.", V1, patch(info, (34, bytes([info[34] ^ 1]))),
         parts, (), [0], flags=["hash-list"])
    case(group, 14, "A listed block hash differs: the block is called bad, and the list does not give the hash of data.", V1,
         patch(info, (102 + 32, bytes(32))), parts, [(0, 1, 65536, 65536)], [0], flags=["hash-list"])
    case(group, 15, "No content at all.", V1, info, [patterns.repeat(b"\0", 0)],
         [(0, n, n * BLOCK, BLOCK) for n in range(4)] + [last], content_length="too-short", flags=["truncation", "boundary"])
    group = file.group("v1-whole-content-sha384", "hand-made", version=1, algorithm="sha384")
    parts = [patterns.sequence(128000)]
    info, _, _ = create_v1(v1_segments("sha384", NO_MORE_SECRETS, patterns.render(parts)), 0, 128000)
    case(group, 16, "SHA-384, the content as it was.", V1, info, parts)
    case(group, 17, "SHA-384, the second block differs.", V1, info, parts, [(0, 1, 65536, 62464)], (), [(100000, b"\xff")],
         flags=["corrupted"])


def parts_v1(file):
    group = file.group("v1-ranges", "hand-made", version=1, algorithm="sha256")
    parts = [patterns.sequence(300000)]
    segments = v1_segments("sha256", NO_MORE_SECRETS, patterns.render(parts))
    info, _, _ = create_v1(segments, 70000, 65536)
    case(group, 30, "The range is bytes 70,000 to 135,535, blocks 0 to 2 are listed. The whole content is given.", V1, info, parts,
         flags=["range"])
    case(group, 31, "A byte of block 2 beyond the range differs: the block cannot be verified.", V1, info, parts,
         [(0, 2, 131072, 65536)], (), [(190000, b"\xff")], flags=["range", "corrupted"])
    case(group, 32, "A byte of block 0 before the range differs: listed, so checked.", V1, info, parts, [(0, 0, 0, 65536)], (),
         [(0, b"\xff")], flags=["range", "corrupted"])
    case(group, 33, "A byte of block 3 differs, which is not listed.", V1, info, parts, (), (), [(196608, b"\xff")], flags=["range"])
    case(group, 34, "Only the blocks that meet the range are listed, from block 1; a byte of block 1 differs.", V1,
         v1_bytes("sha256", 70000, 65536, segments, [(1, 3)]), parts, [(0, 1, 65536, 65536)], (), [(70000, b"\xff")],
         flags=["range", "corrupted", "shape-of-range-only"])
    case(group, 35, "Only the blocks that meet the range are listed; a byte of block 0 differs.", V1,
         v1_bytes("sha256", 70000, 65536, segments, [(1, 3)]), parts, (), (), [(0, b"\xff")], flags=["range", "shape-of-range-only"])
    group = file.group("v1-many-segments", "hand-made", version=1, algorithm="sha256")
    parts = [patterns.repeat(b"a", V1_SEGMENT + 100000)]
    segments = v1_segments("sha256", NO_MORE_SECRETS, patterns.render(parts))
    info = v1_bytes("sha256", V1_SEGMENT - 1, 0, segments, [(511, 512), (0, 2)])
    case(group, 40, "The last block of the first segment, and the second segment.", V1, info, parts, flags=["range", "multi-segment"])
    case(group, 41, "The last byte of the first segment and the last of the second differ.", V1, info, parts,
         [(0, 511, 33488896, 65536), (1, 1, 33619968, 34464)], (), [(V1_SEGMENT - 1, b"b"), (V1_SEGMENT + 99999, b"b")],
         flags=["range", "multi-segment", "corrupted"])


def version_2(file):
    group = file.group("v2", "hand-made", version=2, algorithm="sha512-truncated")
    parts = [patterns.sequence(189 * KB)]
    segments = v2_segments(NO_MORE_SECRETS, patterns.render(parts), EXAMPLE_LENGTHS)
    info, _ = create_v2(segments, 0, 189 * KB)
    rows = [(0, 0, 0, 61440), (1, 0, 61440, 87040), (2, 0, 148480, 45056)]
    case(group, 60, "The content of example 3.6 as it was.", V2, info, parts)
    case(group, 61, "The first byte differs.", V2, info, parts, rows[:1], (), [(0, b"\xff")], flags=["corrupted"])
    case(group, 62, "One byte on either side of a boundary between segments.", V2, info, parts, rows[:2], (), [(61439, b"\xff\xff")],
         flags=["corrupted", "boundary"])
    case(group, 63, "The last byte differs.", V2, info, parts, rows[2:], (), [(193535, b"\xff")], flags=["corrupted"])
    case(group, 64, "One byte is missing at the end.", V2, info, [patterns.sequence(193535)], rows[2:], content_length="too-short",
         flags=["truncation"])
    case(group, 65, "Only the first segment is there.", V2, info, [patterns.sequence(61440)], rows[1:], content_length="too-short",
         flags=["truncation"])
    case(group, 66, "One byte too many.", V2, info, [patterns.sequence(193537)], content_length="too-long", flags=["trailing-data"])
    info, _ = create_v2(segments, 100 * KB, 10 * KB)
    case(group, 67, "Example 3.7: only the second segment is listed. The whole content is given.", V2, info, parts, flags=["range"])
    case(group, 68, "The range is good, a byte of its segment outside the range is not.", V2, info, parts, rows[1:2], (),
         [(61440, b"\xff")], flags=["range", "corrupted"])
    case(group, 69, "The first segment differs, which is not listed.", V2, info, parts, (), (), [(0, b"\xff")], flags=["range"])


def build():
    file = VectorFile(
        "verify", "verify", "Content held against content information",
        "Make the content, apply the changes, and check every listed block. The content is given from its first byte, whatever the "
        "range. Blocks that are missing or not whole do not match. A version 2.0 segment is block 0 of itself.")
    for part in (whole_v1, parts_v1, version_2):
        part(file)
    return file
