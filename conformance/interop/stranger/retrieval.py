"""The eight messages: MS-PCCRR 2.2.

Invariant: what a parse returns has counts that fit its bytes; anything else is Malformed, nothing is guessed.
Byte order: big-endian; every field is aligned to 4 bytes.
"""

from dataclasses import dataclass

from .wire import Malformed, Reader, padded

PATH = "/116B50EB-ECE2-41ac-8429-9F9E963361B7/"
NEGO_REQ, NEGO_RESP, GETBLKLIST, GETBLKS, BLKLIST, BLK, GETSEGLIST, SEGLIST = range(8)
RESPONSES = (NEGO_RESP, BLKLIST, BLK, SEGLIST)
# The minor version is in the upper half.
VERSION_1, VERSION_2 = 0x00000001, 0x00000002
MAJORS = range(1, 3)

HEADER_BYTES = 16
REQUEST_BYTES_MOST = 96 * 1024
RESPONSE_BYTES_MOST = 384 * 1024
RANGES_MOST = 256
# As long as the hashes that content information may have.
ID_BYTES = (32, 48, 64)
SEGMENT_BLOCKS_MOST = 512
REQUEST_ID_BYTES = 16
AGE_UNIT_HUNDREDTHS = 3


@dataclass
class Header:
    """What stands in front of every message."""

    version: int
    kind: int
    algorithm: int

    @property
    def major(self):
        """The major version: the lower half."""
        return self.version & 0xFFFF


@dataclass
class BlockMessage:
    """MSG_BLK."""

    algorithm: int
    segment_id: bytes
    index: int
    next_index: int
    data: bytes
    iv: bytes


def number(value):
    """An integer field."""
    return value.to_bytes(4, "big")


def message(kind, body, algorithm=0, version=None):
    """A header and its body."""
    if version is None:
        version = VERSION_2 if kind in (GETSEGLIST, SEGLIST) else VERSION_1
    return number(version) + number(kind) + number(HEADER_BYTES + len(body)) + number(algorithm) + body


def header(data, most):
    """The header of a message and a reader that stands behind it."""
    reader = Reader(data)
    version, kind = reader.be(4, "ProtVer"), reader.be(4, "MsgType")
    size, algorithm = reader.be(4, "MsgSize"), reader.be(4, "CryptoAlgoId")
    if size != len(data) or size > most:
        raise Malformed(f"MsgSize: {len(data)} expected, {size} is there; {most} are the most")
    if algorithm > 3:
        raise Malformed(f"CryptoAlgoId: 0 to 3 expected, {algorithm} is there")
    return Header(version, kind, algorithm), reader


def response(data):
    """The header of a response behind its transport size, and a reader."""
    reader = Reader(data)
    size = reader.be(4, "Size")
    if size != reader.left():
        raise Malformed(f"Size: {reader.left()} expected, {size} is there")
    return header(reader.take(size, "message"), RESPONSE_BYTES_MOST)


# Bodies, written.


def versions():
    """The body of MSG_NEGO_REQ and MSG_NEGO_RESP: from 1.0 to 2.0."""
    return number(VERSION_1) + number(VERSION_2)


def ranges_field(ranges):
    """A count and its ranges."""
    return number(len(ranges)) + b"".join(number(first) + number(count) for first, count in ranges)


def segment_field(segment_id):
    """A size, the id and its padding."""
    return number(len(segment_id)) + padded(segment_id)


def get_block_list(segment_id, ranges):
    """The body of MSG_GETBLKLIST."""
    return segment_field(segment_id) + ranges_field(ranges)


def get_block(segment_id, index):
    """The body of MSG_GETBLKS: one block, and no data to verify."""
    return segment_field(segment_id) + ranges_field([(index, 1)]) + number(0)


def block_list(segment_id, ranges, next_index):
    """The body of MSG_BLKLIST."""
    return segment_field(segment_id) + ranges_field(ranges) + number(next_index)


def block(segment_id, index, next_index, data, iv):
    """The body of MSG_BLK."""
    front = segment_field(segment_id) + number(index) + number(next_index)
    return front + number(len(data)) + padded(data) + number(0) + number(len(iv)) + iv


def segment_list(request_id, ranges, blob):
    """The body of MSG_SEGLIST."""
    return request_id + ranges_field(ranges) + number(len(blob)) + blob


def ages_blob(ages):
    """An extensible blob of version 1: (index, age in hundredths of a second) each."""
    encoded = b"".join(bytes([index]) + min(age, 0xFFFFFF).to_bytes(3, "little") for index, age in ages)
    return b"\x00\x01" + bytes([AGE_UNIT_HUNDREDTHS, len(ages)]) + encoded


# Bodies, read.


def read_versions(reader):
    """(lowest, highest) of a MSG_NEGO_REQ or MSG_NEGO_RESP."""
    lowest = reader.be(4, "MinSupportedProtocolVersion")
    highest = reader.be(4, "MaxSupportedProtocolVersion")
    reader.end("message")
    return lowest, highest


def read_segment(reader):
    """A segment id with the size in front of it and the padding behind."""
    size = reader.be(4, "SizeOfSegmentID")
    if size not in ID_BYTES:
        raise Malformed(f"SizeOfSegmentID at offset {reader.at - 4}: 32, 48 or 64 expected, {size} is there")
    segment_id = reader.take(size, "SegmentID")
    reader.padding("ZeroPad")
    return segment_id


def read_ranges(reader, most=RANGES_MOST):
    """A count and its ranges, as they stand there: unsorted and overlapping ones too."""
    count = reader.be(4, "count of ranges")
    if count > most:
        raise Malformed(f"count of ranges: at most {most} expected, {count} is there")
    ranges = [(reader.be(4, "Index"), reader.be(4, "Count")) for _ in range(count)]
    if any(size == 0 or first + size > SEGMENT_BLOCKS_MOST for first, size in ranges):
        raise Malformed(f"a range that is empty, or leaves the {SEGMENT_BLOCKS_MOST} blocks of a segment")
    return ranges


def read_get_block_list(reader):
    """(segment id, ranges) of a MSG_GETBLKLIST."""
    segment_id, ranges = read_segment(reader), read_ranges(reader)
    reader.end("message")
    return segment_id, ranges


def read_get_blocks(reader):
    """(segment id, ranges) of a MSG_GETBLKS; at least one range."""
    segment_id, ranges = read_segment(reader), read_ranges(reader)
    if not ranges:
        raise Malformed("ReqBlockRangeCount: 1 expected, 0 is there")
    reader.take(reader.be(4, "SizeOfDataForVrfBlock"), "DataForVrfBlock")
    _padded_end(reader)
    return segment_id, ranges


def read_get_segment_list(reader):
    """(request id, segment ids) of a MSG_GETSEGLIST; a blob in it is of no use here."""
    request_id = reader.take(REQUEST_ID_BYTES, "RequestID")
    count = reader.be(4, "CountOfSegmentIDs")
    if count > reader.left() // (4 + ID_BYTES[0]):
        raise Malformed(f"CountOfSegmentIDs: {count} do not fit into {reader.left()} bytes")
    segment_ids = [read_segment(reader) for _ in range(count)]
    reader.take(reader.be(4, "SizeOfExtensibleBlob"), "ExtensibleBlob")
    _padded_end(reader)
    return request_id, segment_ids


def read_block_list(reader):
    """(segment id, ranges) of a MSG_BLKLIST."""
    segment_id, ranges = read_segment(reader), read_ranges(reader, SEGMENT_BLOCKS_MOST)
    reader.be(4, "NextBlockIndex")
    reader.end("message")
    return segment_id, ranges


def read_block(algorithm, reader):
    """A MSG_BLK."""
    segment_id = read_segment(reader)
    index, next_index = reader.be(4, "BlockIndex"), reader.be(4, "NextBlockIndex")
    data = reader.take(reader.be(4, "SizeOfBlock"), "Block")
    reader.padding("ZeroPad_2")
    reader.take(reader.be(4, "SizeOfVrfBlock"), "VrfBlock")
    reader.padding("ZeroPad_3")
    iv = reader.take(reader.be(4, "SizeOfIVBlock"), "IVBlock")
    _padded_end(reader)
    return BlockMessage(algorithm, segment_id, index, next_index, data, iv)


def _padded_end(reader):
    """The end behind a field of any length: the document has no padding there, and aligns every field."""
    if 0 < reader.left() < 4:
        reader.padding("padding")
    reader.end("message")


def joined(indexes):
    """Sorted block indexes as ranges that neither overlap nor touch."""
    ranges = []
    for index in sorted(set(indexes)):
        if ranges and ranges[-1][0] + ranges[-1][1] == index:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + 1)
        else:
            ranges.append((index, 1))
    return ranges
