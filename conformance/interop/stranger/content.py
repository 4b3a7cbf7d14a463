"""Content information read and written: MS-PCCRC 2.3 and 2.4.

Invariant: what parse() returns is consistent: segments without gaps, a range inside of them, a hash for each block met.
Byte order: version 1.0 little-endian, version 2.0 big-endian.
"""

from dataclasses import dataclass, field

from . import identify
from .wire import Malformed, Reader

V1_SEGMENT_BYTES = 32 * 1024 * 1024
V1_BLOCK_BYTES = 65536
V2_SEGMENT_BYTES_MOST = 128 * 1024
V2_DESCRIPTION_BYTES = 68
CONTENT_BYTES_MOST = 2**62
INFO_BYTES_MOST = 64 * 1024 * 1024

V1_HASHES = {0x800C: identify.SHA256, 0x800D: identify.SHA384, 0x800E: identify.SHA512}
V2_HASH = 4


@dataclass
class Block:
    """A unit of transfer: where it lies in the content, how long it is, and its hash."""

    index: int
    start: int
    size: int
    digest: bytes


@dataclass
class Segment:
    """A segment with those of its blocks whose hashes are known."""

    start: int
    size: int
    hash: identify.Hash
    hash_of_data: bytes
    secret: bytes
    blocks: list = field(default_factory=list)

    @property
    def id(self):
        """HoHoDk."""
        return self.hash.segment_id(self.secret, self.hash_of_data)

    def is_genuine(self, block, data):
        """Whether these bytes are the block."""
        return len(data) == block.size and self.hash.digest(data) == block.digest


@dataclass
class Info:
    """Content information: its version, its segments and the range of the content it is for."""

    version: int
    segments: list
    start: int
    end: int


def parse(data):
    """Content information of either version; Malformed if it is neither."""
    if len(data) > INFO_BYTES_MOST:
        raise Malformed(f"content information: {len(data)} bytes, {INFO_BYTES_MOST} are the most")
    if data[:2] == b"\x00\x01":
        return _parse_v1(Reader(data))
    if data[:2] == b"\x00\x02":
        return _parse_v2(Reader(data))
    raise Malformed(f"content information: 0001 or 0002 expected at offset 0, {data[:2].hex()} is there")


def _parse_v1(reader):
    reader.take(2, "Version")
    algorithm = reader.le(4, "dwHashAlgo")
    digest = V1_HASHES.get(algorithm)
    if digest is None:
        raise Malformed(f"dwHashAlgo: 800C, 800D or 800E expected, {algorithm:X} is there")
    offset = reader.le(4, "dwOffsetInFirstSegment")
    last = reader.le(4, "dwReadBytesInLastSegment")
    count = reader.le(4, "cSegments")
    if not 1 <= count <= reader.left() // (16 + 2 * digest.size):
        raise Malformed(f"cSegments: {count} segments do not fit into {reader.left()} bytes")
    segments = [_v1_description(reader, digest) for _ in range(count)]
    for before, after in zip(segments, segments[1:]):
        if before.size != V1_SEGMENT_BYTES:
            raise Malformed(f"cbSegment: a segment before the last has {before.size} bytes")
        if after.start != before.start + before.size:
            raise Malformed(f"ullOffsetInContent: {before.start + before.size} expected, {after.start} is there")
    start, end = _v1_range(segments, offset, last)
    for segment in segments:
        _v1_blocks(reader, segment, start, end)
    reader.end("content information")
    return Info(1, segments, start, end)


def _v1_description(reader, digest):
    start, size = reader.le(8, "ullOffsetInContent"), reader.le(4, "cbSegment")
    block_bytes = reader.le(4, "cbBlockSize")
    if block_bytes != V1_BLOCK_BYTES:
        raise Malformed(f"cbBlockSize: {V1_BLOCK_BYTES} expected, {block_bytes} is there")
    if not 1 <= size <= V1_SEGMENT_BYTES or start > CONTENT_BYTES_MOST:
        raise Malformed(f"segment of {size} bytes at {start}: at most {V1_SEGMENT_BYTES} bytes expected")
    hash_of_data = reader.take(digest.size, "SegmentHashOfData")
    return Segment(start, size, digest, hash_of_data, reader.take(digest.size, "SegmentSecret"))


def _v1_range(segments, offset, last):
    """Start and end in the content. Writers differ about the last count where there is one segment and an offset: it may
    count from the offset or from the segment's start; what leaves the segment by the one is read by the other."""
    first, final = segments[0], segments[-1]
    if offset >= first.size:
        raise Malformed(f"dwOffsetInFirstSegment: less than {first.size} expected, {offset} is there")
    if last > final.size:
        raise Malformed(f"dwReadBytesInLastSegment: at most {final.size} expected, {last} is there")
    start = first.start + offset
    if last == 0:
        return start, final.start + final.size
    if len(segments) == 1 and start + last <= final.start + final.size:
        return start, start + last
    if final.start + last <= start:
        raise Malformed("dwReadBytesInLastSegment: the range ends before it starts")
    return start, final.start + last


def _v1_blocks(reader, segment, start, end):
    """The hashes of the blocks that meet the range; some writers list those in front of the range as well."""
    count = reader.le(4, "cBlocks")
    first = max(start - segment.start, 0) // V1_BLOCK_BYTES
    past = -(-min(end - segment.start, segment.size) // V1_BLOCK_BYTES)
    whole = -(-segment.size // V1_BLOCK_BYTES)
    if count in (past, whole):
        first = 0
    elif count != past - first:
        raise Malformed(f"cBlocks: {past - first} or {past} blocks expected, {count} are there")
    for index in range(first, first + count):
        at = index * V1_BLOCK_BYTES
        size = min(V1_BLOCK_BYTES, segment.size - at)
        digest = reader.take(segment.hash.size, "BlockHashes")
        segment.blocks.append(Block(index, segment.start + at, size, digest))
    if count == whole:
        # The list is worth no more than the hash of data that the segment is named by.
        hashes = b"".join(block.digest for block in segment.blocks)
        if segment.hash.digest(hashes) != segment.hash_of_data:
            raise Malformed(f"SegmentHashOfData of the segment at {segment.start} is not that of its block hashes")


def _parse_v2(reader):
    reader.take(2, "bMinorVersion and bMajorVersion")
    algorithm = reader.be(1, "bHashAlgo")
    if algorithm != V2_HASH:
        raise Malformed(f"bHashAlgo: {V2_HASH} expected, {algorithm} is there")
    at = reader.be(8, "ullStartInContent")
    index = reader.be(8, "ullIndexOfFirstSegment")
    offset = reader.be(4, "dwOffsetInFirstSegment")
    length = reader.be(8, "ullLengthOfRange")
    if at > CONTENT_BYTES_MOST or not index <= at <= index * V2_SEGMENT_BYTES_MOST:
        raise Malformed(f"segment {index} of the content cannot start at {at}")
    segments, first = [], at
    while reader.left():
        for segment in _v2_chunk(reader, first):
            segments.append(segment)
            first += segment.size
    if not segments:
        raise Malformed("chunks: at least one segment expected")
    if offset >= segments[0].size:
        raise Malformed(f"dwOffsetInFirstSegment: less than {segments[0].size} expected, {offset} is there")
    start = at + offset
    end = start + length if length else first
    if end > first:
        raise Malformed(f"ullLengthOfRange: the range ends at {end}, the segments at {first}")
    return Info(2, segments, start, end)


def _v2_chunk(reader, start):
    kind, size = reader.be(1, "bChunkType"), reader.be(4, "dwChunkDataLength")
    if kind != 0:
        raise Malformed(f"bChunkType: 0 expected, {kind} is there")
    if size == 0 or size % V2_DESCRIPTION_BYTES:
        raise Malformed(f"dwChunkDataLength: a multiple of {V2_DESCRIPTION_BYTES} expected, {size} is there")
    chunk, digest = Reader(reader.take(size, "chunkData")), identify.TRUNCATED_SHA512
    while chunk.left():
        size = chunk.be(4, "cbSegment")
        if not 1 <= size <= V2_SEGMENT_BYTES_MOST:
            raise Malformed(f"cbSegment: 1 to {V2_SEGMENT_BYTES_MOST} expected, {size} is there")
        hash_of_data = chunk.take(digest.size, "SegmentHashOfData")
        segment = Segment(start, size, digest, hash_of_data, chunk.take(digest.size, "SegmentSecret"))
        # A segment of version 2.0 travels as its own block 0.
        segment.blocks.append(Block(0, start, size, hash_of_data))
        yield segment
        start += size


def write(info):
    """The bytes of content information of a whole content."""
    if info.version == 2:
        descriptions = b"".join(s.size.to_bytes(4, "big") + s.hash_of_data + s.secret for s in info.segments)
        # Start, index, offset and length are 0 for a whole content.
        return b"\x00\x02\x04" + bytes(28) + b"\x00" + len(descriptions).to_bytes(4, "big") + descriptions
    algorithm = next(number for number, digest in V1_HASHES.items() if digest is info.segments[0].hash)
    parts = [b"\x00\x01", algorithm.to_bytes(4, "little"), bytes(8), len(info.segments).to_bytes(4, "little")]
    for segment in info.segments:
        parts += [segment.start.to_bytes(8, "little"), segment.size.to_bytes(4, "little")]
        parts += [V1_BLOCK_BYTES.to_bytes(4, "little"), segment.hash_of_data, segment.secret]
    for segment in info.segments:
        parts.append(len(segment.blocks).to_bytes(4, "little"))
        parts += [block.digest for block in segment.blocks]
    return b"".join(parts)
