"""A second opinion on every content information vector: reads the bytes and reports what stands in them.

The vectors state their expectations by hand; this reader must come to the same, or the generator stops.
The order of the checks is the order of the fields; what spans several fields is checked after them.
"""

from .info_model import BLOCK, V1_HASH_IDS, V1_SEGMENT, V2_SEGMENT_MAX, block_count
from .primitives import DIGEST_LENGTH

END_MAX = 2**63
QUIRK_ORDER = (
    "v1-read-bytes-whole-last-segment", "v1-read-bytes-single-segment", "v1-read-bytes-from-segment-start",
    "v1-blocks-of-range-only", "v1-blocks-of-whole-segment", "v2-segments-past-range",
)


class Refused(Exception):
    def __init__(self, kind, offset):
        super().__init__(kind, offset)
        self.kind, self.offset = kind, offset


class Cursor:
    def __init__(self, data, order):
        self.data, self.order, self.at = data, order, 0

    def left(self):
        return len(self.data) - self.at

    def number(self, size):
        if self.left() < size:
            raise Refused("truncated", self.at)
        return int.from_bytes(self.take(size), self.order)

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]


def refuse_if(condition, kind, offset):
    if condition:
        raise Refused(kind, offset)


def read(data):
    """(version, algorithm, start, length, segments, quirks), a segment being a tuple; or Refused."""
    version = Cursor(data, "little").number(2)
    if version == 0x0100:
        return read_v1(data)
    if version == 0x0200:
        return read_v2(data)
    raise Refused("unknown-version", 0)


def read_v1(data):
    cursor, quirks = Cursor(data, "little"), set()
    cursor.number(2)
    hash_id = cursor.number(4)
    algorithm = next((name for name, value in V1_HASH_IDS.items() if value == hash_id), None)
    refuse_if(algorithm is None, "unknown-hash", 2)
    size = DIGEST_LENGTH[algorithm]
    offset, read_bytes, count = cursor.number(4), cursor.number(4), cursor.number(4)
    refuse_if(count == 0, "no-segments", 14)
    refuse_if(count * (16 + 2 * size) > cursor.left(), "segment-count", 14)

    described = []
    for number in range(count):
        described.append(_v1_description(cursor, size, number == count - 1, described))
    first, last = described[0], described[-1]
    refuse_if(offset >= first[1], "offset-outside-segment", 6)
    end = _v1_end(offset, read_bytes, described, quirks)
    if read_bytes and end == last[0] + last[1]:
        quirks.add("v1-read-bytes-whole-last-segment")

    segments = []
    for number, (start, length, hod, kp) in enumerate(described):
        field = cursor.at
        listed, present = cursor.number(4), block_count(length)
        meeting = block_count(end - start) if number == count - 1 else present
        first_meeting = offset // BLOCK if number == 0 else 0
        first_block = 0
        if listed == meeting:
            pass
        elif listed == meeting - first_meeting:
            first_block = first_meeting
            quirks.add("v1-blocks-of-range-only")
        elif listed == present:
            quirks.add("v1-blocks-of-whole-segment")
        else:
            raise Refused("block-count", field)
        refuse_if(listed * size > cursor.left(), "block-count", field)
        hashes = [cursor.take(size) for _ in range(listed)]
        segments.append((start // V1_SEGMENT, start, length, hod, kp, first_block, hashes))
    refuse_if(cursor.left() > 0, "trailing-bytes", cursor.at)
    start = first[0] + offset
    return 1, algorithm, start, end - start, segments, [q for q in QUIRK_ORDER if q in quirks]


def _v1_description(cursor, size, is_last, before):
    field = cursor.at
    start = cursor.number(8)
    if before:
        refuse_if(start != before[-1][0] + before[-1][1], "segment-offset", field)
    else:
        refuse_if(start % V1_SEGMENT != 0, "segment-offset", field)
    length = cursor.number(4)
    refuse_if(length == 0, "segment-length-zero", field + 8)
    refuse_if(length > V1_SEGMENT, "segment-too-long", field + 8)
    refuse_if(not is_last and length < V1_SEGMENT, "segment-too-short", field + 8)
    refuse_if(cursor.number(4) != BLOCK, "block-size", field + 12)
    refuse_if(start + length > END_MAX, "length-overflow", field)
    return start, length, cursor.take(size), cursor.take(size)


def _v1_end(offset, read_bytes, described, quirks):
    """The offset in the content at which the range ends."""
    start, length = described[-1][:2]
    if read_bytes == 0:
        return start + length
    if len(described) > 1 or offset == 0:
        refuse_if(read_bytes > length, "read-bytes-outside-segment", 10)
        return start + read_bytes
    if offset + read_bytes <= length:
        quirks.add("v1-read-bytes-single-segment")
        return start + offset + read_bytes
    refuse_if(not offset < read_bytes <= length, "read-bytes-outside-segment", 10)
    quirks.add("v1-read-bytes-from-segment-start")
    return start + read_bytes


def read_v2(data):
    cursor = Cursor(data, "big")
    cursor.number(2)
    refuse_if(cursor.number(1) != 4, "unknown-hash", 2)
    start, index, offset, range_length = (cursor.number(n) for n in (8, 8, 4, 8))
    refuse_if(cursor.left() == 0, "no-segments", cursor.at)
    segments, total = [], 0
    while cursor.left():
        refuse_if(cursor.number(1) != 0, "chunk-type", cursor.at - 1)
        field = cursor.at
        size = cursor.number(4)
        refuse_if(size == 0 or size % 68 != 0 or size > cursor.left(), "chunk-length", field)
        for _ in range(size // 68):
            length = cursor.number(4)
            refuse_if(length == 0, "segment-length-zero", cursor.at - 4)
            refuse_if(length > V2_SEGMENT_MAX, "segment-too-long", cursor.at - 4)
            hod, kp = cursor.take(32), cursor.take(32)
            segments.append((index + len(segments), start + total, length, hod, kp, None, None))
            total += length
    refuse_if(offset >= segments[0][2], "offset-outside-segment", 19)
    refuse_if(offset + range_length > total, "range-outside-segments", 23)
    refuse_if(not index <= start <= index * V2_SEGMENT_MAX, "start-contradicts-index", 3)
    refuse_if(start + total > END_MAX, "length-overflow", 3)
    length = range_length or total - offset
    past = segments[-1][1] >= start + offset + length
    quirks = ["v2-segments-past-range"] if past else []
    return 2, "sha512-truncated", start + offset, length, segments, quirks


def agree(test_id, data, expect):
    """Stops the generator where the stated expectation and this reader differ."""
    try:
        version, algorithm, start, length, segments, quirks = read(data)
        seen = {"result": "quirky" if quirks else "valid", "quirks": quirks, "version": version, "hash": algorithm,
                "range": {"start": start, "length": length}}
        stated = {key: expect.get(key) for key in seen}
        seen["segments"] = [(s[0], s[1], s[2], s[3].hex(), s[4].hex(), s[5]) for s in segments]
        stated["segments"] = [
            (s["index"], s["offset"], s["length"], s["hod"], s["secret"], s.get("first_block"))
            for s in expect.get("segments", [])
        ]
        for s, described in zip(segments, expect.get("segments", [])):
            if "blocks" in described and [h.hex() for h in s[6]] != described["blocks"]:
                raise SystemExit(f"{test_id}: block hashes differ")
    except Refused as refused:
        seen, stated = {"result": "invalid", "error": refused.kind, "offset": refused.offset}, expect
    if seen != stated:
        raise SystemExit(f"{test_id}: stated {stated}\nread {seen}")
