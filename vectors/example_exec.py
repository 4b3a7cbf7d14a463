#!/usr/bin/env python3
"""Another implementation, as `peerdist vectors run --exec` asks it: the example of README.md.

    peerdist vectors run --exec 'python3 vectors/example_exec.py'

One vector a line comes in, one answer a line goes out. Written from the documents and README.md, in plain Python; the
package `cryptography` is needed for AES alone, and without it what needs AES is unsupported. What has no function in
KINDS is unsupported too.
"""

import functools
import hashlib
import hmac
import json
import sys

try:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
except ImportError:
    Cipher = None


class Unsupported(Exception):
    pass


class Refused(Exception):
    """What is wrong, and at which byte; the result is `invalid`."""

    def __init__(self, error, offset=None):
        super().__init__(error, offset)
        self.error, self.offset = error, offset


def refuse_if(condition, error, offset=None):
    if condition:
        raise Refused(error, offset)


class Reader:
    """Fields one behind the other. One that is not there in full is truncated where it starts."""

    def __init__(self, data, order, at=0):
        self.data, self.order, self.at = data, order, at

    def left(self):
        return len(self.data) - self.at

    def bytes(self, length):
        refuse_if(length > self.left(), "truncated", self.at)
        self.at += length
        return self.data[self.at - length:self.at]

    def number(self, length):
        return int.from_bytes(self.bytes(length), self.order)


def accepted(quirks=(), **found):
    return {"result": "quirky" if quirks else "valid", "quirks": list(quirks), **found}


# Contents (README.md, "Content").

WORDS = "branch cache segment block server client offer probe hash secret range office content peer message link".split()


@functools.lru_cache(maxsize=4)
def counter_stream(seed, length):
    digests = (hashlib.sha256(seed.encode() + counter.to_bytes(8, "big")).digest() for counter in range(-(-length // 32)))
    return b"".join(digests)[:length]


def words(seed, length):
    stream = counter_stream(seed, length // 5 + 1)
    return "".join(WORDS[byte & 15] + ("\n" if byte >= 240 else " ") for byte in stream).encode()[:length]


def repeated(hex, length):
    piece = bytes.fromhex(hex)
    return (piece * (length // len(piece) + 1))[:length]


PATTERNS = {"repeat": repeated, "sha256-counter": counter_stream, "words": words}


def content(parts):
    return b"".join(PATTERNS[part["pattern"]](part.get("hex", part.get("seed")), part["length"]) for part in parts)


# MS-PCCRC 2.1 to 2.4: secrets, ids and content information.

SEGMENT_V1, SEGMENT_V2, BLOCK = 32 << 20, 128 << 10, 64 << 10
END_MAX = 1 << 63
HASH_OF_V1 = {0x800C: "sha256", 0x800D: "sha384", 0x800E: "sha512"}
ID_CONSTANT = "MS_P2P_CACHING\0".encode("utf-16-le")


def digest(algorithm, data):
    name, _, is_cut = algorithm.partition("-")
    whole = hashlib.new(name, data).digest()
    return whole[:32] if is_cut else whole


def keyed(algorithm, key, data):
    name, _, is_cut = algorithm.partition("-")
    whole = hmac.digest(key, data, name)
    return whole[:32] if is_cut else whole


def segment_id(algorithm, secret, hod):
    return keyed(algorithm, secret, hod + ID_CONSTANT)


def derive(parameters, given):
    algorithm, found = parameters["algorithm"], {}
    hod = bytes.fromhex(given.get("hod", ""))
    secret = bytes.fromhex(given.get("segment_secret", ""))
    if not secret:
        key = given["passphrase"].encode("utf-16-le") if "passphrase" in given else bytes.fromhex(given["secret_key"])
        server = digest(algorithm, key)
        secret = keyed(algorithm, server, hod)
        found = {"secret_key": key.hex(), "server_secret": server.hex()}
    if hod:
        found |= {"segment_secret": secret.hex(), "segment_id": segment_id(algorithm, secret, hod).hex()}
    return {"result": "valid", **found}


class Segment:
    """One listed segment; a version 2.0 one lists itself as its only block."""

    def __init__(self, index, offset, length, hod, secret):
        self.index, self.offset, self.length, self.hod, self.secret = index, offset, length, hod, secret
        self.end, self.first_block, self.blocks, self.block_size = offset + length, 0, [hod], length

    def block_total(self):
        return -(-self.length // self.block_size)


class Info:
    """Content information read."""

    def __init__(self, data):
        version = Reader(data, "little").number(2)
        refuse_if(version not in (0x0100, 0x0200), "unknown-version", 0)
        self.version, self.segments, self.quirks = version >> 8, [], []
        (self.read_v1 if self.version == 1 else self.read_v2)(data)

    def read_v1(self, data):
        reader = Reader(data, "little", 2)
        self.algorithm = HASH_OF_V1.get(reader.number(4))
        refuse_if(self.algorithm is None, "unknown-hash", 2)
        size = len(digest(self.algorithm, b""))
        skipped, wanted, count = (reader.number(4) for _ in range(3))
        refuse_if(count == 0, "no-segments", 14)
        refuse_if(count * (16 + 2 * size) > reader.left(), "segment-count", 14)
        for place in range(count):
            self.describe_v1(reader, size, place + 1 == count)
        first, last = self.segments[0], self.segments[-1]
        refuse_if(skipped >= first.length, "offset-outside-segment", 6)
        self.start = first.offset + skipped
        self.end = self.end_v1(skipped, wanted, last)
        for segment in self.segments:
            self.list_v1(reader, size, segment)
        refuse_if(reader.left(), "trailing-bytes", reader.at)
        self.quirks = list(dict.fromkeys(self.quirks))

    def describe_v1(self, reader, size, is_last):
        at = reader.at
        offset = reader.number(8)
        is_in_place = offset == self.segments[-1].end if self.segments else offset % SEGMENT_V1 == 0
        refuse_if(not is_in_place, "segment-offset", at)
        length = reader.number(4)
        refuse_if(length == 0, "segment-length-zero", at + 8)
        refuse_if(length > SEGMENT_V1, "segment-too-long", at + 8)
        refuse_if(length < SEGMENT_V1 and not is_last, "segment-too-short", at + 8)
        refuse_if(reader.number(4) != BLOCK, "block-size", at + 12)
        refuse_if(offset + length > END_MAX, "length-overflow", at)
        self.segments.append(Segment(offset // SEGMENT_V1, offset, length, reader.bytes(size), reader.bytes(size)))

    def end_v1(self, skipped, wanted, last):
        if not wanted:
            return last.end
        start = last.offset
        if len(self.segments) == 1 and skipped:
            if skipped + wanted <= last.length:
                self.quirks.append("v1-read-bytes-single-segment")
                start += skipped
            else:
                refuse_if(wanted <= skipped, "read-bytes-outside-segment", 10)
                self.quirks.append("v1-read-bytes-from-segment-start")
        end = start + wanted
        refuse_if(end > last.end, "read-bytes-outside-segment", 10)
        if end == last.end:
            self.quirks.append("v1-read-bytes-whole-last-segment")
        return end

    def list_v1(self, reader, size, segment):
        at, segment.block_size = reader.at, BLOCK
        listed, everything = reader.number(4), segment.block_total()
        up_to = -(-(min(self.end, segment.end) - segment.offset) // BLOCK)
        before = max(self.start - segment.offset, 0) // BLOCK
        if listed == up_to:
            pass
        elif listed == up_to - before:
            self.quirks.append("v1-blocks-of-range-only")
            segment.first_block = before
        elif listed == everything:
            self.quirks.append("v1-blocks-of-whole-segment")
        else:
            raise Refused("block-count", at)
        refuse_if(listed * size > reader.left(), "block-count", at)
        segment.blocks = [reader.bytes(size) for _ in range(listed)]

    def read_v2(self, data):
        reader, self.algorithm = Reader(data, "big", 2), "sha512-truncated"
        refuse_if(reader.number(1) != 4, "unknown-hash", 2)
        position, index, skipped, self.wanted = (reader.number(length) for length in (8, 8, 4, 8))
        refuse_if(not reader.left(), "no-segments", reader.at)
        end = position
        while reader.left():
            at = reader.at
            refuse_if(reader.number(1) != 0, "chunk-type", at)
            length = reader.number(4)
            refuse_if(length == 0 or length % 68 or length > reader.left(), "chunk-length", at + 1)
            for _ in range(length // 68):
                at = reader.at
                length = reader.number(4)
                refuse_if(length == 0, "segment-length-zero", at)
                refuse_if(length > SEGMENT_V2, "segment-too-long", at)
                self.segments.append(Segment(index + len(self.segments), end, length, reader.bytes(32), reader.bytes(32)))
                end += length
        refuse_if(skipped >= self.segments[0].length, "offset-outside-segment", 19)
        self.start = position + skipped
        self.end = self.start + self.wanted if self.wanted else end
        refuse_if(self.end > end, "range-outside-segments", 23)
        refuse_if(not index <= position <= index * SEGMENT_V2, "start-contradicts-index", 3)
        refuse_if(end > END_MAX, "length-overflow", 3)
        if self.segments[-1].offset >= self.end:
            self.quirks.append("v2-segments-past-range")


def info(parameters, given):
    found = Info(bytes.fromhex(given["info"]))
    return accepted(found.quirks, version=found.version, hash=found.algorithm, segments=[shown(found, s) for s in found.segments],
                    range={"start": found.start, "length": found.end - found.start})


def shown(found, segment):
    fields = {"index": segment.index, "offset": segment.offset, "length": segment.length, "hod": segment.hod.hex(),
              "secret": segment.secret.hex(), "id": segment_id(found.algorithm, segment.secret, segment.hod).hex()}
    if found.version == 1:
        # Both forms of the list; the one that a vector does not state is passed over.
        fields |= {"block_size": BLOCK, "first_block": segment.first_block, "block_count": len(segment.blocks),
                   "blocks": [block.hex() for block in segment.blocks],
                   "blocks_sha256": hashlib.sha256(b"".join(segment.blocks)).hexdigest()}
    return fields


def verify(parameters, given):
    found, data = Info(bytes.fromhex(given["info"])), bytearray(content(given["content"]))
    for change in given.get("changes", []):
        changed = bytes.fromhex(change["hex"])
        data[change["offset"]:change["offset"] + len(changed)] = changed
    mismatches, hod_mismatches = [], []
    for segment in found.segments:
        for block, expected in enumerate(segment.blocks, segment.first_block):
            offset = segment.offset + block * segment.block_size
            length = min(segment.block_size, segment.end - offset)
            piece = data[offset:offset + length]
            if len(piece) < length or digest(found.algorithm, piece) != expected:
                block = 0 if found.version == 2 else block
                mismatches.append({"segment": segment.index, "block": block, "offset": offset, "length": length})
        is_complete = found.version == 1 and len(segment.blocks) == segment.block_total()
        if is_complete and digest(found.algorithm, b"".join(segment.blocks)) != segment.hod:
            hod_mismatches.append(segment.index)
    last = found.segments[-1]
    must_end = last.length < SEGMENT_V1 if found.version == 1 else not found.wanted
    fit = "too-short" if len(data) < last.end else "too-long" if must_end and len(data) > last.end else "fits"
    is_good = not mismatches and not hod_mismatches and fit == "fits"
    return {"result": "valid" if is_good else "invalid", "mismatches": mismatches, "hod_mismatches": hod_mismatches,
            "content_length": fit}


def create(parameters, given):
    data, algorithm = content(given["content"]), given["hash"]
    server = digest(algorithm, bytes.fromhex(given["secret_key"]))
    wanted = given.get("range", {"start": 0, "length": len(data)})
    write = create_v1 if given["version"] == 1 else create_v2
    made = write(data, algorithm, server, wanted["start"], wanted["start"] + wanted["length"], given.get("segment_lengths"))
    return {"result": "valid", "info": made.hex(), "info_length": len(made), "info_sha256": hashlib.sha256(made).hexdigest()}


def create_v1(data, algorithm, server, start, end, _):
    first = start // SEGMENT_V1 * SEGMENT_V1
    heads, lists, count = b"", b"", 0
    for offset in range(first, end, SEGMENT_V1):
        segment = data[offset:offset + SEGMENT_V1]
        blocks = [digest(algorithm, segment[at:at + BLOCK]) for at in range(0, len(segment), BLOCK)]
        hod = digest(algorithm, b"".join(blocks))
        heads += number(offset, 8) + number(len(segment), 4) + number(BLOCK, 4) + hod + keyed(algorithm, server, hod)
        listed = blocks[:-(-(end - offset) // BLOCK)]
        lists += number(len(listed), 4) + b"".join(listed)
        count, last, last_end = count + 1, offset, offset + len(segment)
    wanted = 0 if end == last_end else end - max(start, last)
    hash_number = next(key for key, name in HASH_OF_V1.items() if name == algorithm)
    numbers = [hash_number, start - first, wanted, count]
    return number(0x0100, 2) + b"".join(number(value, 4) for value in numbers) + heads + lists


def number(value, length, order="little"):
    return value.to_bytes(length, order)


def create_v2(data, algorithm, server, start, end, lengths):
    if lengths is None:
        raise Unsupported("cutting a content into segments of version 2.0")
    chunk, offset, place = b"", 0, None
    for index, length in enumerate(lengths):
        if offset < end and offset + length > start:
            place = place or (offset, index)
            hod = digest(algorithm, data[offset:offset + length])
            chunk += number(length, 4, "big") + hod + keyed(algorithm, server, hod)
        offset += length
    wanted = 0 if (start, end) == (0, len(data)) else end - start
    numbers = [(place[0], 8), (place[1], 8), (start - place[0], 4), (wanted, 8), (0, 1), (len(chunk), 4)]
    return bytes([0, 2, 4]) + b"".join(number(value, length, "big") for value, length in numbers) + chunk


# MS-PCCRC 2.5 and MS-PCCRR 2.2.5.3: what is encrypted.

def aes_cbc(key, vector, data, decrypts=False):
    if Cipher is None:
        raise Unsupported("AES: the Python package cryptography is not installed")
    cipher = Cipher(algorithms.AES(key), modes.CBC(vector))
    work = cipher.decryptor() if decrypts else cipher.encryptor()
    return work.update(data) + work.finalize()


def padded(data):
    fill = 16 - len(data) % 16
    return data + bytes([fill]) * fill


def key_file(parameters, given):
    key = hashlib.sha256(given["passphrase"].encode("utf-16-le")).digest()
    if parameters["operation"] == "export":
        secret = bytes.fromhex(given["secret_key"])
        file = aes_cbc(key, bytes(16), padded(hashlib.sha256(secret).digest() + secret))
        return {"result": "valid", "file": file.hex()}
    file = bytes.fromhex(given["file"])
    refuse_if(not file or len(file) % 16, "key-file-length")
    plain = aes_cbc(key, bytes(16), file, decrypts=True)
    fill = plain[-1]
    refuse_if(not 1 <= fill <= 16 or plain != padded(plain[:-fill]), "key-file-padding")
    plain = plain[:-fill]
    refuse_if(len(plain) < 32, "key-file-too-short")
    refuse_if(hashlib.sha256(plain[32:]).digest() != plain[:32], "key-file-hash")
    return {"result": "valid", "secret_key": plain[32:].hex()}


def crypto(parameters, given):
    key = bytes.fromhex(given["segment_secret"])[:{1: 16, 2: 24, 3: 32}[given["CryptoAlgoId"]]]
    vector = bytes.fromhex(given["IVBlock"])
    if parameters["operation"] == "encrypt":
        block = aes_cbc(key, vector, padded(content(given["plaintext"])))
        return accepted(key=key.hex(), SizeOfBlock=len(block), Block=block.hex(), block_sha256=hashlib.sha256(block).hexdigest())
    block, length = bytes.fromhex(given["Block"]), given["block_length"]
    whole = -(-length // 16) * 16
    refuse_if(len(block) not in (whole, len(padded(bytes(length)))), "ciphertext-length")
    plain = aes_cbc(key, vector, block, decrypts=True)
    plain, padding = plain[:length], plain[length:]
    if not padding:
        quirks = ["rr-padding-none"]
    else:
        quirks = [] if plain + padding == padded(plain) else ["rr-padding-zero"]
    return accepted(quirks, key=key.hex(), plaintext=plain.hex())


# MS-PCCRR 2.2 and 3.2.5: retrieval.

def blocks_of(ranges):
    return {block for one in ranges for block in range(one["Index"], one["Index"] + one["Count"])}


def ranges_of(blocks):
    found = []
    for block in sorted(blocks):
        if found and found[-1]["Index"] + found[-1]["Count"] == block:
            found[-1]["Count"] += 1
        else:
            found.append({"Index": block, "Count": 1})
    return found


def quirks_of_ranges(ranges, is_one_block):
    quirks = ["rr-many-blocks-requested"] if is_one_block and (len(ranges) > 1 or ranges[0]["Count"] > 1) else []
    return quirks + (["rr-ranges-not-normalised"] if ranges_of(blocks_of(ranges)) != ranges else [])


def ranges(parameters, given):
    needed, available = blocks_of(given["needed"]), blocks_of(given["available"])
    if parameters["operation"] == "intersect":
        common = needed & available
        quirks = quirks_of_ranges(given["needed"], False) if needed else ["rr-zero-ranges"]
        following = {"NextBlockIndex": next_of(available, max(common))} if common else {}
        return accepted(quirks, BlockRanges=ranges_of(common), **following)
    block = min(needed)
    there = {"is_available": "yes", "NextBlockIndex": next_of(available, block)} if block in available else {"is_available": "no"}
    return accepted(quirks_of_ranges(given["needed"], True), BlockIndex=block, **there)


def next_of(available, block):
    return min((other for other in available if other > block), default=0)


REQUESTS = {0: "MSG_NEGO_REQ", 2: "MSG_GETBLKLIST", 3: "MSG_GETBLKS", 6: "MSG_GETSEGLIST"}
RESPONSES = {1: "MSG_NEGO_RESP", 4: "MSG_BLKLIST", 5: "MSG_BLK", 7: "MSG_SEGLIST"}


class Retrieval(Reader):
    """A message of MS-PCCRR: its fields by their names, and what is odd about it."""

    def __init__(self, data, is_response):
        super().__init__(data, "big")
        self.fields, self.quirks, self.start = {}, [], 4 if is_response else 0
        limit = (384 if is_response else 96) << 10
        if is_response:
            self.same_size(0, self.size(limit))
        self.fields["ProtVer"] = self.version()
        at = self.at
        kind = self.number(4)
        refuse_if(kind not in REQUESTS | RESPONSES, "unknown-type", at)
        self.name = (RESPONSES if is_response else REQUESTS).get(kind)
        refuse_if(self.name is None, "wrong-direction", at)
        self.fields |= {"MsgType": kind, "MsgSize": self.size(limit), "CryptoAlgoId": self.number(4)}
        self.same_size(self.at - 8, self.fields["MsgSize"])
        if self.fields["ProtVer"] != {"major": 2 if "SEGLIST" in self.name else 1, "minor": 0}:
            self.quirks.append("rr-other-version")
        if self.fields["CryptoAlgoId"] > 3:
            self.quirks.append("rr-unknown-algorithm")
        if len(data) - self.start > 96 << 10:
            self.quirks.append("rr-response-over-96k")
        getattr(self, self.name.lower())()
        refuse_if(self.left(), "trailing-bytes", self.at)

    def size(self, limit):
        size = self.number(4)
        refuse_if(not 16 <= size <= limit, "size-out-of-limits", self.at - 4)
        return size

    def same_size(self, at, size):
        refuse_if(size != len(self.data) - self.start, "size-mismatch", at)

    def version(self):
        word = self.number(4)
        return {"major": word & 0xFFFF, "minor": word >> 16}

    def align(self):
        for _ in range(-(self.at - self.start) % 4):
            at = self.at
            refuse_if(self.number(1) != 0, "padding-not-zero", at)

    def sized(self, name, is_aligned=False):
        data = self.bytes(self.number(4))
        if is_aligned:
            self.align()
        # The judge takes bytes in full as well as by length and sum.
        self.fields[name] = data.hex()
        return data

    def id(self):
        at = self.at
        size = self.number(4)
        refuse_if(size not in (32, 48, 64), "segment-id-size", at)
        found = self.bytes(size).hex()
        self.align()
        return found

    def block_ranges(self, name, least=0):
        at = self.at
        count = self.number(4)
        refuse_if(not least <= count <= 256, "range-count", at)
        found = []
        for _ in range(count):
            at = self.at
            index, length = self.number(4), self.number(4)
            refuse_if(length == 0, "range-empty", at + 4)
            refuse_if(index + length > 512, "range-outside-segment", at)
            found.append({"Index": index, "Count": length})
        self.fields[name] = found
        return found

    def msg_nego_req(self):
        self.fields["MinSupportedProtocolVersion"] = self.version()
        self.fields["MaxSupportedProtocolVersion"] = self.version()

    msg_nego_resp = msg_nego_req

    def msg_getblklist(self):
        self.fields["SegmentID"] = self.id()
        needed = self.block_ranges("NeededBlockRanges")
        self.quirks += quirks_of_ranges(needed, False) if needed else ["rr-zero-ranges"]

    def msg_getblks(self):
        self.fields["SegmentID"] = self.id()
        self.quirks += quirks_of_ranges(self.block_ranges("ReqBlockRanges", least=1), True)
        self.sized("DataForVrfBlock")

    def msg_blklist(self):
        self.fields["SegmentId"] = self.id()
        self.quirks += quirks_of_ranges(self.block_ranges("BlockRanges"), False)
        self.fields["NextBlockIndex"] = self.number(4)

    def msg_blk(self):
        self.fields |= {"SegmentId": self.id(), "BlockIndex": self.number(4), "NextBlockIndex": self.number(4)}
        at, is_encrypted = self.at, self.fields["CryptoAlgoId"] != 0
        block = self.sized("Block", is_aligned=True)
        refuse_if(is_encrypted and len(block) % 16, "partial-cipher-block", at)
        self.sized("VrfBlock", is_aligned=True)
        at = self.at
        vector = self.sized("IVBlock")
        refuse_if(is_encrypted and block and len(vector) != 16, "initialization-vector-size", at)

    def msg_getseglist(self):
        self.fields["RequestID"] = self.bytes(16).hex()
        at = self.at
        count = self.number(4)
        refuse_if(count * 36 > self.left(), "count-outside-message", at)
        self.fields["SegmentIDs"] = [self.id() for _ in range(count)]
        self.blob()

    def msg_seglist(self):
        self.fields["RequestID"] = self.bytes(16).hex()
        at = self.at
        count = self.number(4)
        refuse_if(count * 8 > self.left(), "count-outside-message", at)
        self.fields["SegmentRanges"] = []
        for _ in range(count):
            at = self.at
            index, length = self.number(4), self.number(4)
            refuse_if(length == 0, "range-empty", at + 4)
            refuse_if(index + length >= 1 << 32, "range-overflow", at)
            self.fields["SegmentRanges"].append({"Index": index, "Count": length})
        self.blob()

    def blob(self):
        blob = self.sized("ExtensibleBlob")
        if not blob:
            return
        try:
            self.fields |= ages(blob)
        except Refused as refused:
            self.fields["BlobDropped"] = refused.error


def ages(blob):
    refuse_if(len(blob) < 2, "blob-too-short")
    refuse_if(blob[:2] != b"\0\1", "blob-version")
    refuse_if(len(blob) < 4, "blob-too-short")
    refuse_if(not 1 <= blob[2] <= 4, "age-unit")
    refuse_if(len(blob) < 4 + 4 * blob[3], "blob-too-short")
    entries = (blob[at:at + 4] for at in range(4, 4 + 4 * blob[3], 4))
    return {"SegmentAgeUnits": blob[2],
            "SegmentAges": [{"SegmentIndex": entry[0], "Age": int.from_bytes(entry[1:], "little")} for entry in entries]}


def message(parameters, given):
    data = bytes.fromhex(given["bytes"]) if "bytes" in given else content(given["parts"])
    found = Retrieval(data, parameters["direction"] == "response")
    return accepted(found.quirks, fields=found.fields)


KINDS = {
    "MS-PCCRC": {"derive": derive, "key_file": key_file, "info": info, "create": create, "verify": verify},
    "MS-PCCRR": {"crypto": crypto, "ranges": ranges, "message": message},
}


def answer(request):
    try:
        kind = KINDS.get(request["document"], {}).get(request["kind"])
        if kind is None:
            raise Unsupported(f"{request['document']} {request['kind']}")
        return {"result": kind(request["parameters"], request["input"])}
    except Refused as refused:
        found = {"result": "invalid", "error": refused.error}
        return {"result": found if refused.offset is None else {**found, "offset": refused.offset}}
    except Unsupported as why:
        return {"unsupported": str(why)}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"id": request["id"], **answer(request)}), flush=True)


if __name__ == "__main__":
    main()
