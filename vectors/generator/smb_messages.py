"""Structures of [MS-SMB2] 2.2.31.2 and 2.2.32.4: content information over SMB. Byte order: little-endian."""

from .info_model import NO_MORE_SECRETS, v1_bytes, v1_segments, v2_bytes, v2_segments
from .model import VectorFile
from .wire import Message, accepted, given, refused

CHANGED = 0x01CAF0A1B2C3D400
NAME = "\\share\\file.bin".encode("utf-16-le")
CONTENT = bytes(range(251)) * 300


def request(kind=1, version=1, retrieval=1, length=65536, offset=0):
    message = Message().le("HashType", 4, kind).le("HashVersion", 4, version).le("HashRetrievalType", 4, retrieval)
    message.le("Length", 4, length).le("Offset", 8, offset)
    return message, {"HashType": kind, "HashVersion": version, "HashRetrievalType": retrieval, "Length": length, "Offset": offset}


def header(information, version=1, name=NAME, dirty=0, length=None, gap=b"", offset=None, kind=1, name_length=None,
           size=len(CONTENT)):
    """A content information file: header, name, perhaps a gap, content information."""
    start = 36 + len(name) + len(gap) if offset is None else offset
    length = len(information) if length is None else length
    message = Message().le("HashType", 4, kind).le("HashVersion", 4, version).le("SourceFileChangeTime", 8, CHANGED)
    message.le("SourceFileSize", 8, size).le("HashBlobLength", 4, length).le("HashBlobOffset", 4, start)
    message.le("Dirty", 2, dirty).le("SourceFileNameLength", 2, len(name) if name_length is None else name_length)
    message.put("SourceFileName", name).put("gap", gap).put("information", information)
    return message, {
        "HashType": kind, "HashVersion": version, "SourceFileChangeTime": CHANGED, "SourceFileSize": size,
        "HashBlobLength": length, "HashBlobOffset": start, "Dirty": dirty, "SourceFileName": name.hex(),
        "ContentInformation": information.hex()}


def hash_based(buffer, offset=0, length=None, reserved=0):
    message = Message().le("Offset", 8, offset).le("BufferLength", 4, len(buffer) if length is None else length)
    message.le("Reserved", 4, reserved).put("Buffer", buffer)
    return message, {"Offset": offset, "BufferLength": len(buffer), "Buffer": buffer.hex()}


def file_based(buffer, offset=0, covered=65536, length=None, reserved=0):
    message = Message().le("FileDataOffset", 8, offset).le("FileDataLength", 8, covered)
    message.le("BufferLength", 4, len(buffer) if length is None else length).le("Reserved", 4, reserved).put("Buffer", buffer)
    return message, {"FileDataOffset": offset, "FileDataLength": covered, "BufferLength": len(buffer), "Buffer": buffer.hex()}


def accept(group, number, comment, topics, made, flags=(), encoded=None):
    message, fields = made
    expect = accepted(fields)
    if encoded is not None:
        expect["encoded"] = encoded.data.hex()
    group.test(number, comment, topics, given(message.data), expect, flags)


def truncations(group, number, made, topics, skip=("Buffer", "gap", "information")):
    for name, (start, size) in made[0].places.items():
        if name in skip or size == 0:
            continue
        group.test(number, f"{name} lacks its last byte.", topics, given(made[0].data[:start + size - 1]),
                   refused("truncated", start), ["truncation"])
        number += 1


def requests(file):
    group = file.group("read-hash", "MS-SMB2 2.2.31.2", direction="request", message="SRV_READ_HASH")
    topics = "SMB2-2.2.31.2-02 SMB2-2.2-01"
    rows = (
        (1, {}, "Hash based, version 1, from the start.", "SMB2-2.2.31.2-06", []),
        (2, {"version": 2, "retrieval": 2, "offset": 1 << 32}, "File based, version 2, from 4 GiB on.", "SMB2-2.2.31.2-07", []),
        (3, {"length": 0}, "Length 0.", "SMB2-2.2.31.2-06", ["boundary"]),
        (4, {"length": 0xFFFFFFFF, "offset": 2**64 - 1}, "The largest length and offset.", "SMB2-2.2.31.2-06", ["boundary"]),
        (5, {"kind": 2}, "HashType 2: read as it stands, refused by the server with a status.",
         "SMB2-2.2.31.2-03 SMB2-3.3.5.15.7-05", ["unknown-value"]),
        (6, {"version": 3}, "HashVersion 3: the same.", "SMB2-2.2.31.2-04 SMB2-3.3.5.15.7-07", ["unknown-value"]),
        (7, {"retrieval": 9}, "HashRetrievalType 9: the same.", "SMB2-2.2.31.2-05 SMB2-3.3.5.15.7-08", ["unknown-value"]),
        (8, {"version": 2, "retrieval": 1}, "A pair that does not go together: the same.", "SMB2-3.3.5.15.7-09",
         ["unknown-value"]),
    )
    for number, how, comment, more, flags in rows:
        accept(group, number, comment, f"{topics} {more}", request(**how), flags)
    group = file.group("refused-read-hash", "hand-made", direction="request", message="SRV_READ_HASH")
    truncations(group, 20, request(), topics)
    group.test(26, "A byte behind the 24.", topics, given(request()[0].data + b"\0"), refused("trailing-bytes", 24),
               ["trailing-data"])


def headers(file):
    group = file.group("hash-header", "MS-SMB2 2.2.32.4.1", direction="file", message="HASH_HEADER")
    v1 = v1_bytes("sha256", 0, 0, v1_segments("sha256", NO_MORE_SECRETS, CONTENT), [(0, 2)])
    v2 = v2_bytes(0, 0, [v2_segments(NO_MORE_SECRETS, CONTENT, [40000, 35300])])
    topics = "SMB2-2.2-01 SMB2-2.2.32.4.1-01 SMB2-2.2.32.4.1-02 SMB2-2.2.32.4.1-03"
    rows = (
        (40, header(v1), "Version 1, the name, and the content information right behind it.", "SMB2-2.2.32.4.1-08", []),
        (41, header(v1, name=b""), "No name.", "SMB2-2.2.32.4.1-10", ["boundary"]),
        (42, header(v2, version=2), "Version 2; inside, the content information stays big-endian.", "SMB2-2.2.32.4.1-05", []),
        (43, header(v2, version=2, length=0), "HashBlobLength 0, as servers send it with version 2: everything up to the end.",
         "SMB2-3.3.5.15.7-24 SMB2-2.2.32.4.1-08", []),
        (44, header(v1, dirty=1), "Dirty.", "SMB2-2.2.32.4.1-09", []),
        (45, header(v1, dirty=0xFFFF), "Dirty, as anything but 0 is.", "SMB2-2.2.32.4.1-09", ["boundary"]),
    )
    for number, made, comment, more, flags in rows:
        accept(group, number, comment, f"{topics} {more}", made, flags)
    accept(group, 46, "Six bytes between name and content information: found by the offset, and zero when it is written again.",
           topics, header(v1, gap=b"\xff" * 6), (), header(v1, gap=bytes(6))[0])
    followed, fields = header(v1)
    accept(group, 47, "Four bytes behind the content information, which its length leaves out: left alone, and not written again.",
           f"{topics} SMB2-2.2.32.4.1-08", (followed.put("surplus", b"more"), fields), ["trailing-data"], header(v1)[0])
    group = file.group("refused-hash-header", "hand-made", direction="file", message="HASH_HEADER")
    truncations(group, 60, header(v1), topics)
    message, _ = header(v1)
    rows = (
        (80, header(v1, offset=35)[0].data, "blob-offset", 28, "HashBlobOffset inside the fixed part."),
        (81, header(v1, offset=36)[0].data, "blob-offset", 28, "HashBlobOffset inside the name."),
        (82, header(v1, offset=0)[0].data, "blob-offset", 28, "HashBlobOffset 0."),
        (83, header(v1, offset=len(message.data) + 1)[0].data, "blob-offset", 28, "HashBlobOffset behind the end."),
        (84, header(v1, offset=0xFFFFFFFF)[0].data, "blob-offset", 28, "HashBlobOffset of all ones."),
        (85, header(v1, length=len(v1) + 1)[0].data, "blob-length", 24, "HashBlobLength is one more than there is."),
        (86, header(v1, length=0xFFFFFFFF)[0].data, "blob-length", 24, "HashBlobLength of all ones."),
        (87, header(b"", name_length=65535)[0].data, "truncated", 36, "A name of 65,535 bytes claimed."),
    )
    for number, data, error, offset, comment in rows:
        group.test(number, comment, topics, given(data), refused(error, offset), ["lying-count"])


def responses(file):
    group = file.group("hash-based", "MS-SMB2 2.2.32.4.2", direction="response", message="SRV_HASH_RETRIEVE_HASH_BASED")
    topics = "SMB2-2.2.32.4.2-01 SMB2-2.2.32.4.2-03"
    part = bytes(range(50))
    accept(group, 100, "50 bytes from offset 0.", topics, hash_based(part))
    accept(group, 101, "50 bytes from offset 2^40.", f"{topics} SMB2-2.2.32.4.2-02", hash_based(part, 1 << 40))
    accept(group, 102, "No bytes.", topics, hash_based(b""), ["boundary"])
    accept(group, 103, "Reserved is not 0: ignored, and 0 when it is written again.",
           f"{topics} SMB2-2.2.32.4.2-04 SMB2-2.2.32.4.2-05", hash_based(part, reserved=77), (), hash_based(part)[0])
    truncations(group, 110, hash_based(part), topics)
    for number, made, error, offset, comment in (
            (120, hash_based(part, length=51), "truncated", 16, "51 bytes claimed, 50 there."),
            (121, hash_based(part, length=0xFFFFFFFF), "truncated", 16, "2^32 - 1 bytes claimed."),
            (122, hash_based(part, length=49), "trailing-bytes", 65, "49 bytes claimed, 50 there.")):
        group.test(number, comment, topics, given(made[0].data), refused(error, offset), ["lying-count"])
    group = file.group("file-based", "MS-SMB2 2.2.32.4.3", direction="response", message="SRV_HASH_RETRIEVE_FILE_BASED")
    topics = "SMB2-2.2.32.4.3-01 SMB2-2.2.32.4.3-02 SMB2-2.2.32.4.3-03 SMB2-2.2.32.4.3-04"
    accept(group, 140, "50 bytes that cover 64 KiB from the start.", topics, file_based(part))
    accept(group, 141, "The largest offset and length.", topics, file_based(part, 2**64 - 1, 2**64 - 1), ["boundary"])
    accept(group, 142, "Reserved is not 0: ignored, and 0 when it is written again.",
           f"{topics} SMB2-2.2.32.4.3-05 SMB2-2.2.32.4.3-06", file_based(part, reserved=1), (), file_based(part)[0])
    truncations(group, 150, file_based(part), topics)
    for number, made, error, offset, comment in (
            (160, file_based(part, length=51), "truncated", 24, "51 bytes claimed, 50 there."),
            (161, file_based(part, length=0), "trailing-bytes", 24, "0 bytes claimed, 50 there.")):
        group.test(number, comment, topics, given(made[0].data), refused(error, offset), ["lying-count"])


def build():
    file = VectorFile(
        "message", "message", "SRV_READ_HASH",
        "Decode the structure. Written again, it is the same bytes, or those of encoded where they are given.",
        document="MS-SMB2", folder="smb")
    for part in (requests, headers, responses):
        part(file)
    return file
