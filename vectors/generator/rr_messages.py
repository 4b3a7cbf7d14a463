"""Messages of [MS-PCCRR] 2.2 that a reader accepts."""

from .model import VectorFile
from .rr_model import (
    DOCUMENT, V1, V2, ages, blk, blklist, getblklist, getblks, getseglist, nego, segment_id, seglist, shown_ages,
)
from .wire import accepted, given

ID, VECTOR, REQUEST = segment_id("segment"), bytes(range(16)), bytes(range(0xA0, 0xB0))
HEAD = "PCCRR-2.2-01 PCCRR-2.2.1-01 PCCRR-2.2.3-01 PCCRR-2.2.3-04 PCCRR-2.2.3-06 PCCRR-2.2.3-10"


def accept(group, number, comment, topics, rr, quirks=(), flags=(), extra=None):
    data = rr.finish()
    fields = {**rr.fields, **(extra or {})}
    flags = [*flags, *(["quirk"] if quirks else [])]
    topics = f"{HEAD} {topics}" + (" PCCRR-2.2.2-01" if rr.is_response else "")
    group.test(number, comment, topics, given(data), accepted(fields, quirks), flags)


def negotiation(file):
    group = file.group("nego-req", "MS-PCCRR 2.2.4.1", direction="request", message="MSG_NEGO_REQ")
    rows = (
        (1, V1, V1, {}, "Only version 1.0.", [], []),
        (2, V1, V2, {}, "Versions 1.0 to 2.0.", [], []),
        (3, V2, V2, {"crypto": 0}, "Only version 2.0, and no algorithm named.", [], []),
        (4, (0, 0), (0xFFFF, 0xFFFF), {}, "The widest range that the fields hold.", [], ["boundary"]),
        (5, (1, 2), (1, 0x0304), {}, "Minor versions stand in the upper half: 00020001 and 03040001.", [], []),
        (6, V2, V1, {}, "Min above Max: the fields are read as they stand; no version is in common with anybody.", [], []),
        (7, V1, V2, {"version": V2}, "ProtVer is 2.0, though the type fixes 1.0: answered and reported.", ["rr-other-version"], []),
        (8, V1, V2, {"version": (1, 5)}, "ProtVer 1.5: minor versions do not matter, the number is reported.",
         ["rr-other-version"], []),
        (9, V1, V2, {"crypto": 3}, "AES_256 named: a peer may ignore it.", [], []),
        (10, V1, V2, {"crypto": 77}, "An algorithm nobody knows, in a message without a block.", ["rr-unknown-algorithm"],
         ["unknown-value"]),
    )
    for number, low, high, head, comment, quirks, flags in rows:
        accept(group, number, comment, "PCCRR-2.2.4.1-01 PCCRR-2.2.3-07 PCCRR-2.2.3-15", nego("MSG_NEGO_REQ", low, high, **head),
               quirks, flags)
    group = file.group("nego-resp", "MS-PCCRR 2.2.5.1", direction="response", message="MSG_NEGO_RESP")
    accept(group, 11, "Versions 1.0 to 2.0.", "PCCRR-2.2.5.1-01", nego("MSG_NEGO_RESP", V1, V2))
    accept(group, 12, "Only 1.0, without an algorithm.", "PCCRR-2.2.5.1-01", nego("MSG_NEGO_RESP", V1, V1, crypto=0))
    accept(group, 13, "ProtVer 2.0 in the answer.", "PCCRR-2.2.5.1-01 PCCRR-2.2.3-07", nego("MSG_NEGO_RESP", V1, V2, version=V2),
           ["rr-other-version"])


def block_lists(file):
    group = file.group("getblklist", "MS-PCCRR 2.2.4.2", direction="request", message="MSG_GETBLKLIST")
    every_other = [(2 * i, 1) for i in range(256)]
    rows = (
        (20, ID, [(0, 512)], "A whole segment.", [], ["boundary"]),
        (21, ID, [(42, 7)], "The example of 2.2.1.1: blocks 42 to 48.", [], ["document-example"]),
        (22, ID, [(0, 1), (2, 1), (510, 2)], "Three ranges apart from each other.", [], []),
        (23, ID, [(511, 1)], "The last block.", [], ["boundary"]),
        (24, ID, every_other, "256 ranges: every other block of a segment.", [], ["boundary"]),
        (25, segment_id("segment", 48), [(3, 4)], "An id of 48 bytes.", [], ["long-id"]),
        (26, segment_id("segment", 64), [(3, 4)], "An id of 64 bytes.", [], ["long-id"]),
        (27, ID, [], "No ranges: answered with an empty list.", ["rr-zero-ranges"], []),
        (28, ID, [(10, 5), (0, 5)], "Not sorted.", ["rr-ranges-not-normalised"], []),
        (29, ID, [(0, 5), (4, 5)], "Block 4 in both.", ["rr-ranges-not-normalised"], []),
        (30, ID, [(0, 5), (5, 5)], "The second starts where the first ends: one range would do.", ["rr-ranges-not-normalised"], []),
        (31, ID, [(7, 1), (7, 1)], "The same twice.", ["rr-ranges-not-normalised"], []),
        (32, ID, [(0, 5), (6, 5)], "One block between them: nothing to report.", [], ["boundary"]),
    )
    for number, identifier, ranges, comment, quirks, flags in rows:
        accept(group, number, comment, "PCCRR-2.2.4.2-01 PCCRR-2.2.4.2-02 PCCRR-2.2.4.2-06 PCCRR-2.2.1.1-01 PCCRR-2.2.1.1-03 "
               "PCCRR-2.2.1.3-01 PCCRR-2.2.4.2-08", getblklist(identifier, ranges), quirks, flags)
    group = file.group("blklist", "MS-PCCRR 2.2.5.2", direction="response", message="MSG_BLKLIST")
    rows = (
        (40, ID, [], 0, "None of the blocks.", [], ["empty-answer"]),
        (41, ID, [(0, 3)], 0, "Blocks 0 to 2, and nothing behind them.", [], []),
        (42, ID, [(0, 3), (10, 1)], 300, "Two ranges; the next block the peer has is 300.", [], []),
        (43, ID, [(511, 1)], 0, "The last block.", [], ["boundary"]),
        (44, segment_id("segment", 64), [(1, 2)], 9, "An id of 64 bytes.", [], ["long-id"]),
        (45, ID, [(9, 1), (1, 1)], 0, "Not sorted.", ["rr-ranges-not-normalised"], []),
        (46, ID, [], 7, "None of the blocks asked for, but a later one.", [], ["empty-answer"]),
    )
    for number, identifier, ranges, following, comment, quirks, flags in rows:
        accept(group, number, comment, "PCCRR-2.2.5.2-01 PCCRR-2.2.5.2-03 PCCRR-2.2.5.2-05 PCCRR-2.2.5.2-06",
               blklist(identifier, ranges, following), quirks, flags)


def blocks(file):
    group = file.group("getblks", "MS-PCCRR 2.2.4.3", direction="request", message="MSG_GETBLKS")
    rows = (
        (60, ID, [(0, 1)], {}, "Block 0, as for a version 2.0 segment.", [], []),
        (61, ID, [(511, 1)], {}, "The last block.", [], ["boundary"]),
        (62, segment_id("segment", 48), [(5, 1)], {}, "An id of 48 bytes.", [], ["long-id"]),
        (63, ID, [(5, 2)], {}, "A range of two blocks: the first is sent.", ["rr-many-blocks-requested"], []),
        (64, ID, [(5, 1), (9, 1)], {}, "Two ranges.", ["rr-many-blocks-requested"], []),
        (65, ID, [(9, 1), (5, 1)], {}, "Two ranges, the lower second: block 5 is the one to send.",
         ["rr-many-blocks-requested", "rr-ranges-not-normalised"], []),
        (66, ID, [(0, 1)], {"verify": b"abc"}, "DataForVrfBlock of three bytes: skipped.", [], []),
        (67, ID, [(0, 1)], {"crypto": 0}, "No algorithm preferred.", [], []),
        (68, ID, [(0, 1)], {"version": V2}, "ProtVer 2.0.", ["rr-other-version"], []),
    )
    for number, identifier, ranges, more, comment, quirks, flags in rows:
        accept(group, number, comment, "PCCRR-2.2.4.3-01 PCCRR-2.2.4.3-02 PCCRR-2.2.4.3-03 PCCRR-2.2.4.3-04 PCCRR-2.2.4.3-05 "
               "PCCRR-2.2.4.3-06", getblks(identifier, ranges, **more), quirks, flags)
    group = file.group("blk", "MS-PCCRR 2.2.5.3", direction="response", message="MSG_BLK")
    rows = (
        (80, 0, 0, b"", {}, "Not there: SizeOfBlock 0, and no vector.", [], ["empty-answer"]),
        (81, 5, 9, b"", {"crypto": 0}, "Not there, without an algorithm; the next one the peer has is 9.", [], ["empty-answer"]),
        (82, 3, 4, bytes(32), {"vector": VECTOR}, "Two cipher blocks under AES_128.", [], []),
        (83, 3, 4, bytes(16), {"vector": VECTOR, "crypto": 2}, "One cipher block under AES_192.", [], []),
        (84, 511, 0, bytes(16), {"vector": VECTOR, "crypto": 3}, "The last block, under AES_256.", [], ["boundary"]),
        (85, 0, 0, b"plain", {"crypto": 0}, "Five bytes in clear: ZeroPad_2 has three.", [], []),
        (86, 0, 0, b"plain!", {"crypto": 0}, "Six bytes in clear: ZeroPad_2 has two.", [], []),
        (87, 0, 0, b"plain..", {"crypto": 0}, "Seven bytes in clear: ZeroPad_2 has one.", [], []),
        (88, 0, 0, bytes(16), {"vector": VECTOR, "verify": b"v"}, "A VrfBlock of one byte and three of padding: skipped.", [], []),
        (89, 1, 2, b"\x5a" * 65552, {"vector": VECTOR}, "A block of 64 KiB with its padding.", [], []),
        (90, 0, 0, b"\x5a" * 131088, {"vector": VECTOR}, "A version 2.0 segment of 128 KiB: more than 96 KiB in a message.",
         ["rr-response-over-96k"], []),
    )
    for number, index, following, block, more, comment, quirks, flags in rows:
        accept(group, number, comment, "PCCRR-2.2.5.3-01 PCCRR-2.2.5.3-02 PCCRR-2.2.5.3-03 PCCRR-2.2.5.3-04 PCCRR-2.2.5.3-05 "
               "PCCRR-2.2.5.3-06 PCCRR-2.2.5.3-08 PCCRR-2.2.5.3-09 PCCRR-2.2.3-12", blk(ID, index, following, block, **more),
               quirks, flags)
    accept(group, 91, "An id of 48 bytes.", "PCCRR-2.2.5.3-01", blk(segment_id("s", 48), 0, 0, b"", crypto=0), (), ["long-id"])


def segment_lists(file):
    pairs = [(0, 60000), (2, 60000)]
    example = ages(3, pairs)
    assert example.hex() == "0001030200" + "60ea00" + "0260ea00"
    group = file.group("getseglist", "MS-PCCRR 2.2.4.4", direction="request", message="MSG_GETSEGLIST")
    ids = [segment_id(f"segment {i}") for i in range(3)]
    many = [segment_id(f"segment {i}") for i in range(40)]
    rows = (
        (100, ids[:1], b"", None, {}, "One id.", [], []),
        (101, ids, b"", None, {}, "Three ids.", [], []),
        (102, [ids[0], segment_id("x", 48), segment_id("y", 64)], b"", None, {}, "Ids of 32, 48 and 64 bytes together.", [],
         ["long-id"]),
        (103, many, b"", None, {}, "Forty ids.", [], []),
        (104, ids, example, shown_ages(3, pairs), {}, "A blob in a request.", [], ["blob"]),
        (105, ids, b"", None, {"version": V1}, "ProtVer 1.0, though the type fixes 2.0.", ["rr-other-version"], []),
    )
    for number, identifiers, extension, extra, head, comment, quirks, flags in rows:
        accept(group, number, comment, "PCCRR-2.2.4.4-01 PCCRR-2.2.4.4-03 PCCRR-2.2.4.4-04 PCCRR-2.2.3-08",
               getseglist(REQUEST, identifiers, extension, **head), quirks, flags, extra)
    group = file.group("seglist", "MS-PCCRR 2.2.5.4", direction="response", message="MSG_SEGLIST")
    rows = (
        (120, [], "None of the segments.", ["empty-answer"]),
        (121, [(0, 1)], "The first.", []),
        (122, [(0, 2), (5, 1)], "Three of them in two ranges.", []),
        (123, [(0xFFFFFFFE, 1)], "An index near the end of 32 bits, which only the request bounds.", ["boundary"]),
        (124, [(0, 0xFFFFFFFF)], "The largest count.", ["boundary"]),
    )
    for number, ranges, comment, flags in rows:
        accept(group, number, comment, "PCCRR-2.2.5.4-01 PCCRR-2.2.5.4-03 PCCRR-2.2.1.2-01 PCCRR-2.2.1.2-03 PCCRR-2.2.1.4-01",
               seglist(REQUEST, ranges), (), flags)
    group = file.group("blobs", "MS-PCCRR 2.2.6.1", direction="response", message="MSG_SEGLIST")
    all_ages = [(i, i * 65793) for i in range(255)]
    rows = (
        (140, example, shown_ages(3, pairs), "The blob that MS-PCCRD 4.4 shows: ages of 60,000 hundredths of a second."),
        (141, ages(1, [(0, 1)]), shown_ages(1, [(0, 1)]), "Seconds."),
        (142, ages(2, [(7, 0x030201)]), shown_ages(2, [(7, 0x030201)]), "Tenths; the bytes 01 02 03 are 197,121."),
        (143, ages(4, [(255, 0xFFFFFF)]), shown_ages(4, [(255, 0xFFFFFF)]), "Milliseconds, the largest index and age."),
        (144, ages(3, []), shown_ages(3, []), "No ages."),
        (145, ages(3, all_ages), shown_ages(3, all_ages), "255 ages."),
        (146, ages(3, pairs) + b"more", shown_ages(3, pairs), "Bytes behind the ages are allowed and ignored."),
        (150, b"\0", {"BlobDropped": "blob-too-short"}, "One byte: too short for a version. The message stands."),
        (151, b"\0\1", {"BlobDropped": "blob-too-short"}, "Two bytes: a version and nothing else."),
        (152, b"\0\1\3", {"BlobDropped": "blob-too-short"}, "Three bytes."),
        (153, b"\0\2\3\0", {"BlobDropped": "blob-version"}, "Version 2."),
        (154, b"\1\0\3\0", {"BlobDropped": "blob-version"}, "Version 1 in the other byte order."),
        (155, b"\0\2", {"BlobDropped": "blob-version"}, "Version 2 in two bytes: another version has its own sizes."),
        (156, ages(0, pairs), {"BlobDropped": "age-unit"}, "Unit 0."),
        (157, ages(5, pairs), {"BlobDropped": "age-unit"}, "Unit 5."),
        (158, ages(3, pairs, count=3), {"BlobDropped": "blob-too-short"}, "Three ages claimed, two there."),
        (159, ages(9, pairs, count=3), {"BlobDropped": "age-unit"}, "Unit 9 and an age too few: the unit is checked first."),
        (160, ages(3, [(0, 1)])[:-1], {"BlobDropped": "blob-too-short"}, "The last age lacks a byte."),
    )
    for number, extension, extra, comment in rows:
        accept(group, number, comment, "PCCRR-2.2.6-03 PCCRR-2.2.6-04 PCCRR-2.2.6-05 PCCRR-2.2.6-06 PCCRR-2.2.6.1-01 "
               "PCCRR-2.2.6.1-02 PCCRR-2.2.6.1-03 PCCRR-2.2.6.1-05 PCCRR-2.2.6.1.1-01 PCCRR-2.2.6.1.1-02 PCCRR-2.2.6.1.1-03 "
               "PCCRR-2.2.6.1.1-04 PCCRR-2.2.6.1.1-05 PCCRR-2.2.1.5-01 PCCRR-2.2.1.5-03", seglist(REQUEST, [(0, 3)], extension),
               (), ["blob"], extra)


def build():
    file = VectorFile(
        "message", "message", "Retrieval messages, accepted",
        "Decode the message as a request or a response, the size in front of a response counted. Written again, it is the same "
        "bytes, quirks and dropped blobs included.", **DOCUMENT)
    for part in (negotiation, block_lists, blocks, segment_lists):
        part(file)
    return file
