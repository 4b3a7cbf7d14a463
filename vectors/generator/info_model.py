"""Content information as a writer sees it: segments with their hashes, and the bytes of [MS-PCCRC] 2.3 and 2.4.

Nothing here checks anything, so that wrong structures can be written as easily as right ones.
Byte order: version 1.0 little-endian, version 2.0 big-endian.
"""

import struct
from dataclasses import dataclass, field

from .primitives import DIGEST_LENGTH, digest, segment_id, segment_secret

BLOCK = 65536
V1_SEGMENT = 32 * 1024 * 1024
V2_SEGMENT_MAX = 128 * 1024
V1_HASH_IDS = {"sha256": 0x800C, "sha384": 0x800D, "sha512": 0x800E}
NO_MORE_SECRETS = b"no more secrets"
U32_MAX, U64_MAX = 2**32 - 1, 2**64 - 1


@dataclass
class Segment:
    algorithm: str
    index: int
    offset: int
    length: int
    hod: bytes
    kp: bytes
    blocks: list = field(default_factory=list)

    def id(self):
        return segment_id(self.algorithm, self.kp, self.hod)


def v1_segment(algorithm, secret, index, data=None, blocks=None, length=None, offset=None):
    """A segment from its bytes, or from the hashes of all its blocks and its length."""
    if blocks is None:
        view = memoryview(data)
        blocks = [digest(algorithm, view[i:i + BLOCK]) for i in range(0, len(data), BLOCK)]
        length = len(data)
    hod = digest(algorithm, b"".join(blocks))
    kp = segment_secret(algorithm, secret, hod)
    offset = index * V1_SEGMENT if offset is None else offset
    return Segment(algorithm, index, offset, length, hod, kp, blocks)


def v1_segments(algorithm, secret, content):
    view = memoryview(content)
    return [
        v1_segment(algorithm, secret, i, view[start:start + V1_SEGMENT])
        for i, start in enumerate(range(0, len(content), V1_SEGMENT))
    ]


def v2_segments(secret, content, lengths):
    algorithm, offset, segments = "sha512-truncated", 0, []
    for index, length in enumerate(lengths):
        hod = digest(algorithm, content[offset:offset + length])
        kp = segment_secret(algorithm, secret, hod)
        segments.append(Segment(algorithm, index, offset, length, hod, kp))
        offset += length
    assert offset == len(content), "the segments must fill the content"
    return segments


def v1_bytes(algorithm, offset_in_first, read_bytes, segments, lists):
    """`lists` holds for each segment (first block, end block) of the hashes to write."""
    out = struct.pack("<HIIII", 0x0100, V1_HASH_IDS[algorithm], offset_in_first, read_bytes, len(segments))
    for s in segments:
        out += struct.pack("<QII", s.offset, s.length, BLOCK) + s.hod + s.kp
    for s, (first, end) in zip(segments, lists):
        out += struct.pack("<I", end - first) + b"".join(s.blocks[first:end])
    return out


def v2_bytes(offset_in_first, length_of_range, chunks, start=None, index=None):
    """`chunks` is a list of lists of segments."""
    first = chunks[0][0]
    start = first.offset if start is None else start
    index = first.index if index is None else index
    out = struct.pack(">BBBQQIQ", 0, 2, 4, start, index, offset_in_first, length_of_range)
    for chunk in chunks:
        data = b"".join(struct.pack(">I", s.length) + s.hod + s.kp for s in chunk)
        out += struct.pack(">BI", 0, len(data)) + data
    return out


def block_count(length):
    return -(-length // BLOCK)


def create_v1(segments, start, length):
    """What a writer makes of a range: (bytes, block lists). `segments` are all segments of the content."""
    end = start + length
    listed = [s for s in segments if s.offset < end and s.offset + s.length > start]
    first, last = listed[0], listed[-1]
    to_the_end = end == last.offset + last.length
    if to_the_end:
        read_bytes = 0
    else:
        read_bytes = length if first is last else end - last.offset
    lists = [(0, block_count(min(end, s.offset + s.length) - s.offset)) for s in listed]
    return v1_bytes(first.algorithm, start - first.offset, read_bytes, listed, lists), listed, lists


def create_v2(segments, start, length):
    end = start + length
    listed = [s for s in segments if s.offset < end and s.offset + s.length > start]
    whole = start == 0 and end == segments[-1].offset + segments[-1].length
    return v2_bytes(start - listed[0].offset, 0 if whole else length, [listed]), listed


def expect_info(version, algorithm, start, length, segments, lists=None, quirks=()):
    """The expectation for a readable structure. Up to 16 hashes of a list are written out, longer lists are hashed."""
    described = []
    for number, s in enumerate(segments):
        entry = {"index": s.index, "offset": s.offset, "length": s.length}
        if version == 1:
            entry["block_size"] = BLOCK
        entry |= {"hod": s.hod.hex(), "secret": s.kp.hex(), "id": s.id().hex()}
        if version == 1:
            first, end = lists[number]
            hashes = s.blocks[first:end]
            entry |= {"first_block": first, "block_count": len(hashes)}
            if len(hashes) <= 16:
                entry["blocks"] = [h.hex() for h in hashes]
            else:
                entry["blocks_sha256"] = digest("sha256", b"".join(hashes)).hex()
        described.append(entry)
    return {
        "result": "quirky" if quirks else "valid",
        "quirks": list(quirks),
        "version": version,
        "hash": algorithm,
        "range": {"start": start, "length": length},
        "segments": described,
    }


def expect_error(kind, offset):
    return {"result": "invalid", "error": kind, "offset": offset}


def patch(data, *changes):
    """A copy of `data` with (offset, bytes) written over it."""
    out = bytearray(data)
    for offset, new in changes:
        assert offset + len(new) <= len(out), "a patch must not lengthen the structure"
        out[offset:offset + len(new)] = new
    return bytes(out)


assert DIGEST_LENGTH["sha512-truncated"] == 32
