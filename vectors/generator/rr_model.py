"""Messages of [MS-PCCRR] 2.2 from their fields, with what a reader must get out of them.

Byte order: big-endian, but for the three bytes of an age, which stand lowest first.
"""

import hashlib

from .wire import Message, blob

TYPES = {
    "MSG_NEGO_REQ": 0, "MSG_NEGO_RESP": 1, "MSG_GETBLKLIST": 2, "MSG_GETBLKS": 3, "MSG_BLKLIST": 4, "MSG_BLK": 5,
    "MSG_GETSEGLIST": 6, "MSG_SEGLIST": 7,
}
RESPONSES = ("MSG_NEGO_RESP", "MSG_BLKLIST", "MSG_BLK", "MSG_SEGLIST")
V1, V2 = (1, 0), (2, 0)
DOCUMENT = {"document": "MS-PCCRR", "folder": "pccrr"}


def segment_id(name, size=32):
    return hashlib.sha512(name.encode()).digest()[:size]


def word(version):
    """Minor version in the upper half, major version in the lower."""
    major, minor = version
    return minor << 16 | major


def shown(version):
    return {"major": version[0], "minor": version[1]}


def shown_ranges(ranges):
    return [{"Index": index, "Count": count} for index, count in ranges]


class Rr:
    """One message under way: `message` has the bytes, `fields` what is in them."""

    def __init__(self, kind, version=None, crypto=1, type_number=None):
        self.kind, self.is_response, self.fields = kind, kind in RESPONSES, {}
        self.version = version or (V2 if "SEGLIST" in kind else V1)
        self.type = TYPES[kind] if type_number is None else type_number
        self.crypto, self.message = crypto, Message()
        if self.is_response:
            self.message.be("Size", 4, 0)
        self.message.be("ProtVer", 4, word(self.version)).be("MsgType", 4, self.type).be("MsgSize", 4, 0)
        self.message.be("CryptoAlgoId", 4, crypto)
        self.fields["ProtVer"] = shown(self.version)
        self.fields["MsgType"] = self.type

    def version_field(self, name, version):
        self.message.be(name, 4, word(version))
        self.fields[name] = shown(version)
        return self

    def number(self, name, value):
        self.message.be(name, 4, value)
        self.fields[name] = value
        return self

    def bytes(self, name, data):
        self.message.put(name, data)
        self.fields[name] = blob(data)
        return self

    def sized(self, size_name, name, data, pad=None, size=None):
        self.message.be(size_name, 4, len(data) if size is None else size)
        self.bytes(name, data)
        if pad:
            start = 4 if self.is_response else 0
            self.message.put(pad, bytes(-(len(self.message.data) - start) % 4))
        return self

    def ranges(self, count_name, name, ranges, count=None):
        self.message.be(count_name, 4, len(ranges) if count is None else count)
        for index, length in ranges:
            self.message.be("Index", 4, index).be("Count", 4, length)
        self.fields[name] = shown_ranges(ranges)
        return self

    def cut(self, at):
        self.message.data = self.message.data[:at]
        return self

    def patched(self, name, data):
        self.message.data = self.message.with_bytes(name, data)
        return self

    def finish(self, size=None, transport=None, extra=b""):
        """The bytes, with true sizes unless others are given."""
        data = self.message.data + extra
        start = 4 if self.is_response else 0
        size = len(data) - start if size is None else size
        data = data[:start + 8] + size.to_bytes(4, "big") + data[start + 12:]
        if self.is_response:
            data = (len(data) - 4 if transport is None else transport).to_bytes(4, "big") + data[4:]
        self.fields = {"ProtVer": self.fields.pop("ProtVer"), "MsgType": self.fields.pop("MsgType"), "MsgSize": size,
                       "CryptoAlgoId": self.crypto, **self.fields}
        return data


def nego(kind, low, high, **head):
    return Rr(kind, **head).version_field("MinSupportedProtocolVersion", low).version_field("MaxSupportedProtocolVersion", high)


def getblklist(identifier, ranges, count=None, **head):
    return Rr("MSG_GETBLKLIST", **head).sized("SizeOfSegmentID", "SegmentID", identifier, "ZeroPad").ranges(
        "NeededBlocksRangeCount", "NeededBlockRanges", ranges, count)


def getblks(identifier, ranges, count=None, verify=b"", **head):
    return Rr("MSG_GETBLKS", **head).sized("SizeOfSegmentID", "SegmentID", identifier, "ZeroPad").ranges(
        "ReqBlockRangeCount", "ReqBlockRanges", ranges, count).sized("SizeOfDataForVrfBlock", "DataForVrfBlock", verify)


def getseglist(request, identifiers, extension=b"", count=None, size=None, **head):
    rr = Rr("MSG_GETSEGLIST", **head).bytes("RequestID", request)
    rr.message.be("CountOfSegmentIDs", 4, len(identifiers) if count is None else count)
    for identifier in identifiers:
        rr.sized("SizeOfSegmentID", "SegmentID", identifier, "ZeroPad")
    rr.fields.pop("SegmentID", None)
    rr.fields["SegmentIDs"] = [identifier.hex() for identifier in identifiers]
    return rr.sized("SizeOfExtensibleBlob", "ExtensibleBlob", extension, size=size)


def blklist(identifier, ranges, following, count=None, **head):
    return Rr("MSG_BLKLIST", **head).sized("SizeOfSegmentId", "SegmentId", identifier, "ZeroPad").ranges(
        "BlockRangeCount", "BlockRanges", ranges, count).number("NextBlockIndex", following)


def blk(identifier, index, following, block, vector=b"", verify=b"", **head):
    rr = Rr("MSG_BLK", **head).sized("SizeOfSegmentId", "SegmentId", identifier, "ZeroPad")
    rr.number("BlockIndex", index).number("NextBlockIndex", following).sized("SizeOfBlock", "Block", block, "ZeroPad_2")
    return rr.sized("SizeOfVrfBlock", "VrfBlock", verify, "ZeroPad_3").sized("SizeOfIVBlock", "IVBlock", vector)


def seglist(request, ranges, extension=b"", count=None, size=None, **head):
    return Rr("MSG_SEGLIST", **head).bytes("RequestID", request).ranges("SegmentRangeCount", "SegmentRanges", ranges, count).sized(
        "SizeOfExtensibleBlob", "ExtensibleBlob", extension, size=size)


def ages(unit, pairs, count=None):
    """An extensible blob of version 1."""
    data = bytes([0, 1, unit, len(pairs) if count is None else count])
    for index, age in pairs:
        data += bytes([index]) + age.to_bytes(3, "little")
    return data


def shown_ages(unit, pairs):
    return {"SegmentAgeUnits": unit, "SegmentAges": [{"SegmentIndex": index, "Age": age} for index, age in pairs]}
