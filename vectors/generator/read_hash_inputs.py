"""What goes into the vectors of SRV_READ_HASH: settings, files and requests; and how a row becomes a test.

A row states what must come out; the model of the rule must come to the same, or the generator stops.
"""

from . import read_hash_model as model
from .info_model import NO_MORE_SECRETS, v1_bytes, v1_segments, v2_bytes, v2_segments
from .smb_messages import file_based, hash_based, request
from .smb_messages import header as header_of

RULE = "SMB2-3.3.5.15.7-"
CONTENT = (bytes(range(251)) * 797)[:200_000]
LENGTHS = [50_000, 30_001, 70_000, 40_000, 9_999]
SEGMENTS = v2_segments(NO_MORE_SECRETS, CONTENT, LENGTHS)
STARTS = [s.offset for s in SEGMENTS] + [len(CONTENT)]


def header(information, size=len(CONTENT), **how):
    return header_of(information, size=size, **how)


def small(length):
    """The start of the content as a file of its own: what changes in the input."""
    blocks = -(-length // 65_536)
    information = v1_bytes("sha256", 0, 0, v1_segments("sha256", NO_MORE_SECRETS, CONTENT[:length]), [(0, blocks)])
    return {"file": header(information, length)[0].data, "file_length": length, "least_file_length": min(length, 65_536)}


V1 = v1_bytes("sha256", 0, 0, v1_segments("sha256", NO_MORE_SECRETS, CONTENT), [(0, 4)])
V2 = v2_bytes(0, 0, [SEGMENTS])
FILE_V1, FILE_V2 = header(V1)[0].data, header(V2, version=2)[0].data
END, FRONT = len(FILE_V1), len(FILE_V1) - len(V1)
# The room that a file based answer needs besides its segments, with the header in front and without it.
HEAD, BARE = 24 + FRONT + 36, 24 + 36
MOST, ALL = 2**32 - 1, 2**64 - 1
UNSUPPORTED, MISSING = {"SRV_READ_HASH": "unsupported"}, {"branch_cache": "missing"}
SHORT = {"file_length": 65_535}
OFF, CLOSED = {"ServerHashLevel": "HashDisableAll"}, {"HashEnabled": "no"}
OPEN_TO_ALL = {"ServerHashLevel": "HashEnableAll", "HashEnabled": "no"}
ONLY_21 = {"newest_dialect": "2.1", "dialect": "2.1"}
ABSENT, EMPTY = {"file": None}, {"file": b""}
DIRTY, DIRTY_V2 = {"file": header(V1, dirty=1)[0].data}, {"file": header(V2, version=2, dirty=1)[0].data}


def given(file=FILE_V1, input=None, room=65_536, **changes):
    """What a server with everything switched on has before it, but for the changes."""
    found = {"SRV_READ_HASH": "supported", "branch_cache": "available", "newest_dialect": "3.1.1", "least_file_length": 65_536,
             "ServerHashLevel": "HashEnableShare", "HashEnabled": "yes", "dialect": "3.1.1", "file_length": len(CONTENT)}
    if file is not None:
        found["content_information_file"] = file.hex()
    found |= {"request": input.hex(), "MaxOutputResponse": room, "InputOffset": 112, "InputCount": 0}
    assert set(changes) <= set(found), changes
    return found | changes


def v1(offset=0, length=65_536, behind=b"", **changes):
    """A hash based request; fields of its own are kind, version and retrieval."""
    own = {key: changes.pop(key) for key in ("kind", "version", "retrieval") if key in changes}
    return given(input=request(offset=offset, length=length, **own)[0].data + behind, **changes)


def v2(offset=0, length=65_536, **changes):
    """A file based request, with more room than the file has bytes: for one who bounds Length by it, as the text has it."""
    own = {"version": 2, "retrieval": 2} | {key: changes.pop(key) for key in ("kind", "version", "retrieval") if key in changes}
    return given(input=request(offset=offset, length=length, **own)[0].data, **({"file": FILE_V2, "room": 1 << 20} | changes))


def cut(input, length):
    return input | {"request": input["request"][:2 * length]}


def part(start, end, file=FILE_V1):
    """A hash based answer with these bytes of the file."""
    return hash_based(file[start:end], start)[0].data


def segments(first, end, front=b"", all_of=SEGMENTS):
    """A file based answer with these segments, behind `front`."""
    listed = all_of[first:end]
    length = sum(s.length for s in listed)
    is_whole = len(listed) == len(all_of)
    buffer = front + v2_bytes(0, 0 if is_whole else length, [listed])
    return file_based(buffer, listed[0].offset, length)[0].data


def sent_header(**how):
    """The header of version 2 as it is sent: HashBlobLength 0, all else as in the file."""
    return header(b"", version=2, length=0, **how)[0].data


def served(file_group, rows, topics, flags=()):
    for number, input, output, comment, *more in rows:
        entries, own = (*more, "", [])[:2] if more else ("", [])
        expect, _ = model.answer(input)
        if expect.get("output") != output.hex():
            raise SystemExit(f"read_hash {number}: stated {output.hex()}\nmodel {expect}")
        file_group.test(number, comment, f"{topics} {entries}", input, expect, [*flags, *own])


def refused(file_group, rows, flags=()):
    """Each names the entry whose check refuses, and those that its row adds."""
    for number, input, status, comment, *more in rows:
        entries, own = (*more, "", [])[:2] if more else ("", [])
        expect, entry = model.answer(input)
        if expect.get("error") != "STATUS_" + status:
            raise SystemExit(f"read_hash {number}: stated {status}\nmodel {expect}")
        file_group.test(number, comment, f"{entry} {entries}", input, expect, [*flags, *own])
