"""What a file server answers to SRV_READ_HASH, after [MS-SMB2] 3.3.5.15.7, and the flags of a share, after 3.3.5.7.

The checks are a list in their order: `prove` leaves each of them out, looks for vectors in which two fail at once, and stops
the generator where no vector would take notice. Byte order: little-endian; version 2.0 content information inside is big-endian.
"""

import struct
from dataclasses import dataclass
from itertools import combinations
from typing import Callable

from . import info_reader
from .info_model import Segment, v2_bytes

REQUEST_BYTES, HASH_BASED_BYTES, FILE_BASED_BYTES, HEADER_BYTES = 24, 16, 24, 36
# In front of the segments of version 2.0 content information, with one chunk; and each of them.
V2_HEAD_BYTES, V2_SEGMENT_BYTES = 36, 68
HASH_BASED, FILE_BASED = 1, 2
ENABLE_HASH_V1, ENABLE_HASH_V2 = 0x2000, 0x4000


class Ioctl:
    """A request and all that the server has for it. What is not there, or cannot be read, is None."""

    def __init__(self, given):
        self.given, self.room = given, given["MaxOutputResponse"]
        self.is_3x = given["newest_dialect"].startswith("3.")
        self.input = bytes.fromhex(given["request"])
        is_whole = len(self.input) >= REQUEST_BYTES
        fields = struct.unpack_from("<IIIIQ", self.input) if is_whole else (None,) * 5
        self.type, self.version, self.retrieval, self.length, self.offset = fields
        file = given.get("content_information_file")
        self.file = None if file is None else bytes.fromhex(file)
        self.header = read_header(self.file)

    def is_hash_based(self):
        return self.retrieval == HASH_BASED

    def is_file_based(self):
        return self.retrieval == FILE_BASED

    def is_behind(self, end):
        return self.offset is not None and self.offset >= end

    def segments(self):
        """Those of version 2.0 content information that start the file at its first byte, or None."""
        try:
            _, _, start, _, found, _ = info_reader.read_v2(self.header.information)
        except (info_reader.Refused, AttributeError):
            return None
        if self.header.information[:2] != b"\0\2":
            return None
        return [Segment("sha512-truncated", *one[:5]) for one in found]

    def covering(self):
        """The segments that hold bytes of the part asked for; Length 0 is read as 1."""
        end = self.offset + max(self.length, 1)
        found = [s for s in self.segments() or [] if s.offset < end and s.offset + s.length > self.offset]
        return found if found and found[0].offset <= self.offset else []

    def fitting(self):
        """So many segments have room, behind the header where one goes with them."""
        header = self.header.blob_offset if self.offset == 0 else 0
        return max(self.room - FILE_BASED_BYTES - header - V2_HEAD_BYTES, 0) // V2_SEGMENT_BYTES


@dataclass
class Header:
    type: int
    version: int
    blob_offset: int
    dirty: int
    front: bytes
    information: bytes


def read_header(file):
    """The HASH_HEADER in front of a content information file, or None where there is no valid one."""
    if file is None or len(file) < HEADER_BYTES:
        return None
    kind, version, _, _, blob_length, blob_offset, dirty, name_length = struct.unpack_from("<IIQQIIHH", file)
    if not HEADER_BYTES + name_length <= blob_offset <= len(file):
        return None
    # What servers hand out of version 2.0 does not tell its length.
    end = len(file) if version == 2 and blob_length == 0 else blob_offset + blob_length
    if end > len(file):
        return None
    return Header(kind, version, blob_offset, dirty, file[:blob_offset], file[blob_offset:end])


@dataclass
class Check:
    """`needs` is what a request must be for the check to fail: two checks that need different things never fail at once."""

    entry: str
    status: str
    fails: Callable
    needs: dict


RULE = "SMB2-3.3.5.15.7-"
HASHES, FILES, WHOLE = {"retrieval": "hash"}, {"retrieval": "file"}, {"request": "whole"}
CHECKS = [
    Check(RULE + "01", "NOT_SUPPORTED", lambda i: i.given["SRV_READ_HASH"] == "unsupported", {}),
    Check("SMB2-2.2.31.2-01", "NOT_SUPPORTED", lambda i: i.given["dialect"] == "2.0.2", {}),
    Check(RULE + "02", "HASH_NOT_PRESENT", lambda i: i.given["branch_cache"] == "missing", {}),
    # A note to the check before, about what Windows does: it stands where the note stands.
    Check(RULE + "02", "HASH_NOT_PRESENT", lambda i: i.given["file_length"] < i.given["least_file_length"], {}),
    Check(RULE + "03", "BUFFER_TOO_SMALL", lambda i: len(i.input) < REQUEST_BYTES, {"request": "short"}),
    Check(RULE + "04", "BUFFER_TOO_SMALL", lambda i: i.is_hash_based() and i.room < HASH_BASED_BYTES, WHOLE | HASHES),
    Check(RULE + "04", "BUFFER_TOO_SMALL", lambda i: i.is_file_based() and i.room < FILE_BASED_BYTES, WHOLE | FILES),
    Check(RULE + "05", "INVALID_PARAMETER", lambda i: i.type != 1, WHOLE),
    Check(RULE + "06", "INVALID_PARAMETER", lambda i: not i.is_3x and i.version != 1, WHOLE),
    Check(RULE + "07", "INVALID_PARAMETER", lambda i: i.is_3x and i.version not in (1, 2), WHOLE),
    Check(RULE + "08", "INVALID_PARAMETER", lambda i: i.retrieval not in (HASH_BASED, FILE_BASED),
          WHOLE | {"retrieval": "neither"}),
    Check(RULE + "09", "INVALID_PARAMETER", lambda i: i.version == 1 and not i.is_hash_based(), WHOLE | FILES),
    Check(RULE + "09", "INVALID_PARAMETER", lambda i: i.version == 2 and not i.is_file_based(), WHOLE | HASHES),
    Check(RULE + "10", "HASH_NOT_SUPPORTED", lambda i: i.given["ServerHashLevel"] == "HashDisableAll", {}),
    # The document has it behind the opening of the file; the catalogue says why it stands here.
    Check(RULE + "11", "HASH_NOT_SUPPORTED",
          lambda i: i.given["ServerHashLevel"] == "HashEnableShare" and i.given["HashEnabled"] == "no", {}),
    Check(RULE + "12", "HASH_NOT_PRESENT", lambda i: i.file is None, {"file": "absent"}),
    Check(RULE + "15", "HASH_NOT_PRESENT", lambda i: i.file == b"", {"file": "empty"}),
    Check(RULE + "16", "END_OF_FILE", lambda i: i.is_hash_based() and i.is_behind(len(i.file or b"")), WHOLE | HASHES),
    Check(RULE + "17", "END_OF_FILE", lambda i: i.is_file_based() and i.is_behind(i.given["file_length"]), WHOLE | FILES),
    Check(RULE + "18", "HASH_NOT_PRESENT", lambda i: i.header is None, {"file": "no header"}),
    Check(RULE + "19", "HASH_NOT_PRESENT", lambda i: i.header.type != i.type, WHOLE | {"file": "header"}),
    Check(RULE + "20", "HASH_NOT_PRESENT", lambda i: i.header.version != i.version, WHOLE | {"file": "header"}),
    Check(RULE + "21", "HASH_NOT_PRESENT", lambda i: i.header.dirty != 0, {"file": "header"}),
    # Content information that cannot be read covers nothing.
    Check(RULE + "14", "HASH_NOT_PRESENT", lambda i: i.is_file_based() and not i.covering(), WHOLE | FILES | {"file": "header"}),
    Check(RULE + "13", "BUFFER_TOO_SMALL", lambda i: i.is_file_based() and i.fitting() == 0, WHOLE | FILES),
]
# With version 1 or 2, a retrieval type that nobody knows breaks the rule of the pairs as well.
IMPLIED = {RULE + "08"}


def answer(given, checks=None):
    """(what a vector expects, the entry of the check that refused or None)."""
    ioctl = Ioctl(given)
    for check in CHECKS if checks is None else checks:
        if check.fails(ioctl):
            return {"result": "invalid", "error": "STATUS_" + check.status}, check.entry
    output = hash_based(ioctl) if ioctl.is_hash_based() else file_based(ioctl)
    offset = -(-(given["InputOffset"] + given["InputCount"]) // 8) * 8
    return {"result": "valid", "output": output.hex(), "OutputOffset": offset, "OutputCount": len(output)}, None


def hash_based(ioctl):
    length = min(ioctl.room - HASH_BASED_BYTES, ioctl.length)
    buffer = ioctl.file[ioctl.offset:ioctl.offset + length]
    return struct.pack("<QII", ioctl.offset, len(buffer), 0) + buffer


def file_based(ioctl):
    listed = ioctl.covering()[:ioctl.fitting()]
    start, length = listed[0].offset, sum(s.length for s in listed)
    is_whole = length == sum(s.length for s in ioctl.segments())
    buffer = v2_bytes(0, 0 if is_whole else length, [listed])
    if ioctl.offset == 0:
        front = ioctl.header.front
        buffer = front[:24] + bytes(4) + front[28:] + buffer
    return struct.pack("<QQII", start, length, len(buffer), 0) + buffer


def share_flags(given):
    """The bits of ShareFlags about hashes, of a server that makes both versions."""
    is_enabled = given["HashEnabled"] == "yes" and given["ServerHashLevel"] != "HashDisableAll"
    # "Otherwise" would take in 2.0.2, for which 2.2.10 says that no flag is valid.
    if not is_enabled or given["dialect"] == "2.0.2":
        return 0
    return ENABLE_HASH_V1 | (ENABLE_HASH_V2 if given["dialect"].startswith("3.") else 0)


def prove(tests):
    """Stops the generator unless each check decides about a vector, and before each other that fails at once."""
    def outcome(checks, test):
        try:
            return answer(test["input"], checks)[0]
        except (AttributeError, IndexError, TypeError):
            return None  # Behind a check that is not there, nothing may stand.

    first = set()
    for check in CHECKS:
        others = [other for other in CHECKS if other is not check]
        naming = [test for test in tests if check.entry in test["requirements"]]
        if check.entry not in IMPLIED and all(outcome(others, test) == test["expect"] for test in naming):
            raise SystemExit(f"read_hash: no vector needs the check of {check.entry}")
    for test in tests:
        failing = [place for place, check in enumerate(CHECKS) if fails(check, Ioctl(test["input"]))]
        first |= {(failing[0], later) for later in failing[1:]}
    for one, other in combinations(range(len(CHECKS)), 2):
        sooner, later = CHECKS[one], CHECKS[other]
        is_possible = all(later.needs.get(key, value) == value for key, value in sooner.needs.items())
        if sooner.status != later.status and is_possible and (one, other) not in first:
            raise SystemExit(f"read_hash: no vector needs {sooner.entry} ({one}) before {later.entry} ({other})")


def fails(check, ioctl):
    try:
        return check.fails(ioctl)
    except (AttributeError, TypeError):
        return False  # It looks at what a check before it has refused.
