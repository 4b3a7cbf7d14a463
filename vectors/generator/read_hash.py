"""A file server's answers to SRV_READ_HASH: [MS-SMB2] 3.3.5.15.7, with the readings of the catalogue where it is silent."""

from . import read_hash_model as model
from . import read_hash_order
from .info_model import NO_MORE_SECRETS, v2_bytes, v2_segments
from .model import VectorFile
from .read_hash_inputs import (
    ABSENT, ALL, BARE, CLOSED, CONTENT, DIRTY, EMPTY, END, FILE_V1, FILE_V2, FRONT, HEAD, LENGTHS, MISSING, MOST, OFF, ONLY_21,
    OPEN_TO_ALL, RULE, SEGMENTS, SHORT, STARTS, UNSUPPORTED, V1, V2, cut, header, part, refused, segments, sent_header, served,
    small, v1, v2,
)


def hash_based_answers(file):
    group = file.group("hash-based", "MS-SMB2 2.2.32.4.2", operation="answer")
    topics = f"{RULE}13 {RULE}14 {RULE}26 SMB2-2.2.32.4.2-02 SMB2-2.2.32.4.2-03 SMB2-2.2.32.4.2-06"
    gap = header(V1, gap=b"\xee" * 6)[0].data + b"behind"
    nameless, least, tiny = header(V1, name=b"")[0].data, small(65_536), small(100)
    edge = ["boundary"]
    rows = (
        (1, v1(0, END), part(0, END), "All of it: the header stands in front.", "SMB2-2.2.32.4.2-04"),
        (2, v1(0, END - 1), part(0, END - 1), "All but the last byte.", "", edge),
        (3, v1(0, MOST), part(0, END), "More is wanted than there is.", "", edge),
        (4, v1(10, 50), part(10, 60), "From the middle of the header into the name."),
        (5, v1(FRONT, 1000), part(FRONT, END), "The content information alone."),
        (6, v1(END - 1, 50), part(END - 1, END), "The last byte.", f"{RULE}16", edge),
        (7, v1(0, 0), part(0, 0), "Length 0: no bytes, and no failure.", "", edge),
        (8, v1(7, 1), part(7, 8), "One byte.", "", edge),
        (9, v1(0, 100, room=16), part(0, 0), "MaxOutputResponse 16: room for no byte.", f"{RULE}04", edge),
        (10, v1(0, 100, room=17), part(0, 1), "MaxOutputResponse 17: room for one.", f"{RULE}04", edge),
        (11, v1(20, 100, room=115), part(20, 119), "Room for one byte less than wanted.", "", edge),
        (12, v1(20, 100, room=116), part(20, 120), "Room for what is wanted.", "", edge),
        (13, v1(20, 100, room=117), part(20, 120), "Room for one byte more.", "", edge),
        (14, v1(0, MOST, room=MOST), part(0, END), "The largest Length and MaxOutputResponse.", "", edge),
        (15, v1(0, END, file=gap), part(0, END, gap), "Bytes between name and content information are part of the file."),
        (16, v1(END, 100, file=gap), part(END, END + 12, gap), "So are those behind the content information."),
        (17, v1(0, 500, file=nameless), part(0, 500, nameless), "A header without a name."),
        (18, v1(0, 300, **ONLY_21), part(0, 300), "A server of 2.1 alone.", f"{RULE}06"),
        (19, v1(0, 300, dialect="2.1"), part(0, 300), "A newer server, asked in 2.1.", f"{RULE}07"),
        (20, v1(0, 300, newest_dialect="3.0", dialect="3.0"), part(0, 300), "A server of 3.0.", f"{RULE}07"),
        (21, v1(0, 300, **least), part(0, 300, least["file"]), "A file of 65,536 bytes.", f"{RULE}02", edge),
        (22, v1(150, 50, **tiny), part(150, 200, tiny["file"]),
         "Offset behind the end of the file itself, of 100 bytes: what counts is the content information file.", f"{RULE}16 {RULE}02"),
        (23, v1(0, 300, **OPEN_TO_ALL), part(0, 300), "The server has hashes for all shares: the share is not asked.",
         f"{RULE}10 {RULE}11 SMB2-3.3.1.5-01"),
        (24, v1(0, 300, ServerHashLevel="HashEnableAll"), part(0, 300), "The same, on a share with hashes.",
         f"{RULE}10 {RULE}11 SMB2-3.3.1.5-01"),
        (25, v1(0, 300, behind=b"\xff"), part(0, 300), "A request of 25 bytes: what follows the 24 is not looked at.",
         f"{RULE}03", edge),
    )
    served(group, rows, topics)


def file_based_answers(file):
    group = file.group("file-based", "MS-SMB2 2.2.32.4.3", operation="answer")
    topics = f"{RULE}14 {RULE}27 SMB2-2.2.32.4.3-02 SMB2-2.2.32.4.3-03 SMB2-2.2.32.4.3-04 SMB2-2.2.32.4.3-07"
    front, edge, close, a, b, c, d = sent_header(), ["boundary"], ["boundary", "reading"], *STARTS[1:5]
    length = len(CONTENT)
    told = {"file": header(V2, version=2, length=0)[0].data}
    gap, short_name = {"gap": bytes(6)}, {"name": "a".encode("utf-16-le")}
    with_gap, named = ({"file": header(V2, version=2, **how)[0].data} for how in (gap, short_name))
    single = v2_segments(NO_MORE_SECRETS, CONTENT[:70_000], [70_000])
    one = {"file": header(v2_bytes(0, 0, [single]), 70_000, version=2)[0].data, "file_length": 70_000}
    first = f"{RULE}28 {RULE}24 SMB2-2.2.32.4.1-03"
    rows = (
        (40, v2(0, length), segments(0, 5, front), "All of it, the header in front with HashBlobLength 0.",
         f"{first} SMB2-2.2.32.4.3-05 SMB2-2.2.32.4.1-05"),
        (41, v2(0, MOST), segments(0, 5, front), "More is wanted than there is.", first, edge),
        (42, v2(0, 1), segments(0, 1, front), "One byte: all of its segment.", first, edge),
        (43, v2(0, a), segments(0, 1, front), "Up to the end of a segment: not the next.", f"{first} {RULE}13", edge),
        (44, v2(0, a + 1), segments(0, 2, front), "One byte more: the next as well.", f"{first} {RULE}13", edge),
        (45, v2(0, a, **told), segments(0, 1, front), "HashBlobLength is 0 in the file already: up to its end.", first),
        (46, v2(0, 1, **with_gap), segments(0, 1, sent_header(**gap)),
         "Six zeros between name and content information, which stays where HashBlobOffset says.", first, ["reading"]),
        (47, v2(0, b, **named), segments(0, 2, sent_header(**short_name)), "A name of one letter.", first),
        (48, v2(0, 1, **one), segments(0, 1, sent_header(size=70_000), single), "A file of one segment.", first, edge),
        (50, v2(1, 1), segments(0, 1), "Offset 1: the first segment, and no header.", f"{RULE}28", edge),
        (51, v2(a - 1, 1), segments(0, 1), "The last byte of the first segment: FileDataOffset is 0, and still no header.",
         f"{RULE}28", edge),
        (52, v2(a, b - a), segments(1, 2), "The second segment to the byte.", f"{RULE}13", edge),
        (53, v2(a, b - a + 1), segments(1, 3), "One byte more: the third as well.", f"{RULE}13", edge),
        (54, v2(a - 1, 2), segments(0, 2), "Two bytes of two segments.", "", edge),
        (55, v2(b + 1, c - b - 1), segments(2, 3), "From within a segment up to its end."),
        (56, v2(b + 1, c - b), segments(2, 4), "From within a segment, its length further: one byte of the next.", "", edge),
        (57, v2(length - 1, 1), segments(4, 5), "The last byte.", f"{RULE}17", edge),
        (58, v2(d - 1, MOST), segments(3, 5), "Past the end.", "", edge),
        (59, v2(1, MOST), segments(0, 5), "All segments, without the header.", f"{RULE}28"),
        (60, v2(0, MOST, room=HEAD + 68), segments(0, 1, front), "Room for the header and one segment.", f"{first} {RULE}13", close),
        (61, v2(0, MOST, room=HEAD + 135), segments(0, 1, front), "One byte too few for two.", f"{first} {RULE}13", close),
        (62, v2(0, MOST, room=HEAD + 136), segments(0, 2, front), "Room for two.", f"{first} {RULE}13", close),
        (63, v2(a, MOST, room=BARE + 68), segments(1, 2), "Without the header, room for one.", f"{RULE}13", close),
        (64, v2(a, MOST, room=BARE + 135), segments(1, 2), "One byte too few for two.", f"{RULE}13", close),
        (65, v2(a, MOST, room=BARE + 136), segments(1, 3), "Room for two.", f"{RULE}13", close),
        (66, v2(a, b - a, room=MOST), segments(1, 2), "The largest MaxOutputResponse: Length bounds.", f"{RULE}13", edge),
        (67, v2(a, MOST, room=BARE + 272), segments(1, 5), "Room for all that follow.", f"{RULE}13", close),
        (70, v2(a, 10, newest_dialect="3.0", dialect="3.0"), segments(1, 2), "A server of 3.0.", f"{RULE}07"),
        (71, v2(a, 10, dialect="3.0.2"), segments(1, 2), "Asked in 3.0.2.", f"{RULE}07"),
        (72, v2(a, 10, **OPEN_TO_ALL), segments(1, 2), "The server has hashes for all shares: the share is not asked.",
         f"{RULE}10 {RULE}11 SMB2-3.3.1.5-01"),
    )
    served(group, rows, topics)
    rows = (
        (80, v2(a, 0), segments(1, 2), "Length 0 counts as 1: content information without a segment is none.", f"{RULE}13", edge),
        (81, v2(b, 10, dialect="2.1"), segments(2, 3),
         "Asked in 2.1: what counts is what the server implements.", f"{RULE}06 {RULE}07 {RULE}09"),
        (82, v2(a, 10), segments(1, 2), "HashType of the header is not HashRetrievalType of the request, which the text compares.",
         f"{RULE}19 SMB2-2.2.32.4.1-04"),
        (83, v2(0, length, room=65_536), segments(0, 5, front),
         "Less room than the file has bytes: what counts against it are those of the answer.", f"{RULE}13"),
    )
    served(file.group("file-based-readings", "hand-made", operation="answer"), rows, topics, ["reading"])


def refusals(file):
    short = v2_bytes(0, 0, [v2_segments(NO_MORE_SECRETS, CONTENT[:150], [150])])
    tiny = {"file": header(short, 150, version=2)[0].data, "file_length": 150, "least_file_length": 0}
    assert len(tiny["file"]) > 150
    group = file.group("refused-requests", "MS-SMB2 3.3.5.15.7", operation="answer")
    edge, strange = ["boundary"], ["unknown-value"]
    rows = (
        (100, v1(**UNSUPPORTED), "NOT_SUPPORTED", "A server that does not know the request."),
        (101, v2(**UNSUPPORTED), "NOT_SUPPORTED", "The same, file based."),
        (102, v1(newest_dialect="2.0.2", dialect="2.0.2"), "NOT_SUPPORTED", "A server of 2.0.2 alone.",
         f"{RULE}01 SMB2-2.2.32.4-01"),
        (103, v1(dialect="2.0.2"), "NOT_SUPPORTED", "A newer server, asked in 2.0.2, where the request is not valid.",
         "SMB2-2.2.32.4-01", ["reading"]),
        (104, v1(**MISSING), "HASH_NOT_PRESENT", "The branch cache feature is not there."),
        (105, v2(**MISSING), "HASH_NOT_PRESENT", "The same, file based."),
        (106, v1(**SHORT), "HASH_NOT_PRESENT", "A file of 65,535 bytes.", "", edge),
        (107, v2(**SHORT), "HASH_NOT_PRESENT", "The same, file based.", "", edge),
        (108, v1(file_length=0), "HASH_NOT_PRESENT", "An empty file.", "", edge),
        (110, cut(v1(), 23), "BUFFER_TOO_SMALL", "InputCount 23.", "", edge),
        (111, cut(v1(), 0), "BUFFER_TOO_SMALL", "InputCount 0.", "", edge),
        (112, cut(v2(), 23), "BUFFER_TOO_SMALL", "InputCount 23, file based.", "", edge),
        (113, v1(room=15), "BUFFER_TOO_SMALL", "Hash based, MaxOutputResponse 15.", "", edge),
        (114, v1(room=0), "BUFFER_TOO_SMALL", "Hash based, MaxOutputResponse 0.", "", edge),
        (115, v2(room=23), "BUFFER_TOO_SMALL", "File based, MaxOutputResponse 23.", "", edge),
        (116, v2(room=16), "BUFFER_TOO_SMALL", "File based, with the room that the other form needs.", "", edge),
        (117, v1(kind=2, room=16), "INVALID_PARAMETER", "MaxOutputResponse 16 is enough: HashType is found wrong.", f"{RULE}04", edge),
        (118, v2(kind=2, room=24), "INVALID_PARAMETER", "MaxOutputResponse 24 is enough: HashType is found wrong.", f"{RULE}04", edge),
        (119, v1(retrieval=3, room=0), "INVALID_PARAMETER", "A retrieval type that nobody knows needs no room.",
         f"{RULE}04 {RULE}08", strange),
        (120, v1(kind=0), "INVALID_PARAMETER", "HashType 0.", "", strange),
        (121, v1(kind=2), "INVALID_PARAMETER", "HashType 2.", "", strange),
        (122, v2(kind=0x01000000), "INVALID_PARAMETER", "HashType 1 in the wrong byte order.", "SMB2-2.2-01", ["wrong-byte-order"]),
        (123, v2(**ONLY_21), "INVALID_PARAMETER", "A server of 2.1 alone, HashVersion 2, file based."),
        (124, v2(retrieval=1, **ONLY_21), "INVALID_PARAMETER", "The same, hash based.", f"{RULE}09"),
        (125, v1(version=0, **ONLY_21), "INVALID_PARAMETER", "A server of 2.1 alone, HashVersion 0.", "", strange),
        (126, v1(version=3), "INVALID_PARAMETER", "A server of 3.1.1, HashVersion 3.", "", strange),
        (127, v2(version=3), "INVALID_PARAMETER", "The same, file based.", "", strange),
        (128, v1(version=0), "INVALID_PARAMETER", "HashVersion 0.", "", strange),
        (129, v1(retrieval=0), "INVALID_PARAMETER", "HashRetrievalType 0.", f"{RULE}08", strange),
        (130, v1(retrieval=3), "INVALID_PARAMETER", "HashRetrievalType 3.", f"{RULE}08", strange),
        (131, v2(retrieval=3), "INVALID_PARAMETER", "HashRetrievalType 3 with HashVersion 2.", f"{RULE}08", strange),
        (132, v2(version=1, file=FILE_V1), "INVALID_PARAMETER", "HashVersion 1, file based."),
        (133, v1(version=2, file=FILE_V2), "INVALID_PARAMETER", "HashVersion 2, hash based."),
    )
    refused(group, rows)
    group = file.group("no-hashes", "MS-SMB2 3.3.5.15.7", operation="answer")
    rows = (
        (140, v1(**OFF), "HASH_NOT_SUPPORTED", "No share of the server has hashes.", "SMB2-3.3.1.5-01"),
        (141, v2(**OFF), "HASH_NOT_SUPPORTED", "The same, file based.", "SMB2-3.3.1.5-01"),
        (142, v1(**OFF, **CLOSED), "HASH_NOT_SUPPORTED", "Neither the server nor the share.", "SMB2-3.3.1.5-01"),
        (143, v1(**CLOSED), "HASH_NOT_SUPPORTED", "The share has none.", "SMB2-3.3.1.5-01"),
        (144, v2(**CLOSED), "HASH_NOT_SUPPORTED", "The same, file based.", "SMB2-3.3.1.5-01"),
        (145, v1(**ABSENT), "HASH_NOT_PRESENT", "The content information file cannot be opened."),
        (146, v2(**ABSENT), "HASH_NOT_PRESENT", "The same, file based."),
        (147, v1(**EMPTY), "HASH_NOT_PRESENT", "It is empty.", "", edge),
        (148, v2(**EMPTY), "HASH_NOT_PRESENT", "The same, file based.", "", edge),
        (150, v1(END), "END_OF_FILE", "Hash based, Offset at the end of the content information file.", "", edge),
        (151, v1(END + 1), "END_OF_FILE", "One byte further.", "", edge),
        (152, v1(2**32), "END_OF_FILE", "Offset 2^32.", "", ["overflow"]),
        (153, v1(ALL), "END_OF_FILE", "The largest Offset.", "", ["boundary", "overflow"]),
        (154, v2(len(CONTENT)), "END_OF_FILE", "File based, Offset at the end of the file.", "", edge),
        (155, v2(len(CONTENT) + 1), "END_OF_FILE", "One byte further.", "", edge),
        (156, v2(2**32), "END_OF_FILE", "Offset 2^32.", "", ["overflow"]),
        (157, v2(ALL), "END_OF_FILE", "The largest Offset.", "", ["boundary", "overflow"]),
        (158, v2(150, **tiny), "END_OF_FILE", "At the end of a file of 150 bytes, whose content information file is longer."),
    )
    refused(group, rows)
    bad_headers(file)


def bad_headers(file):
    group = file.group("header-differs", "MS-SMB2 3.3.5.15.7", operation="answer")

    def made(information=V1, **how):
        return {"file": header(information, **how)[0].data}

    topics, edge = "SMB2-2.2.32.4.1-01", ["boundary"]
    for_v2 = {"information": V2, "version": 2}
    rows = (
        (170, v1(**made(kind=2)), "HASH_NOT_PRESENT", "HashType of the header is 2.", "SMB2-2.2.32.4.1-04"),
        (171, v1(FRONT, 50, **made(kind=2)), "HASH_NOT_PRESENT", "The same, where the header is not among the bytes wanted.",
         "SMB2-2.2.32.4.1-04"),
        (172, v2(50_000, 10, **made(kind=2, **for_v2)), "HASH_NOT_PRESENT",
         "File based, HashType of the header 2, which is HashRetrievalType of the request.", "SMB2-2.2.32.4.1-04", ["reading"]),
        (173, v1(file=FILE_V2), "HASH_NOT_PRESENT", "Version 1 is wanted, version 2 is there.", "SMB2-2.2.32.4.1-05"),
        (174, v2(file=FILE_V1), "HASH_NOT_PRESENT", "Version 2 is wanted, version 1 is there.", "SMB2-2.2.32.4.1-05"),
        (175, v1(**made(version=3)), "HASH_NOT_PRESENT", "HashVersion of the header is 3.", "SMB2-2.2.32.4.1-05"),
        (176, v1(**DIRTY), "HASH_NOT_PRESENT", "Dirty is 1.", "SMB2-2.2.32.4.1-09"),
        (177, v1(FRONT, 50, **made(dirty=0x0100)), "HASH_NOT_PRESENT", "Dirty is 0x0100: its first byte is 0.", "SMB2-2.2.32.4.1-09"),
        (178, v2(50_000, 10, **made(dirty=0xFFFF, **for_v2)), "HASH_NOT_PRESENT", "Dirty is 0xFFFF, file based.",
         "SMB2-2.2.32.4.1-09", edge),
    )
    refused(group, rows)
    group = file.group("header-not-valid", "hand-made", operation="answer")
    sixty = v2_segments(NO_MORE_SECRETS, CONTENT[:80_001], LENGTHS[:2])
    rows = (
        (190, v1(file=FILE_V1[:35]), "HASH_NOT_PRESENT", "35 bytes: no room for a header.", topics, ["boundary", "truncation"]),
        (191, v1(file=FILE_V1[:1]), "HASH_NOT_PRESENT", "One byte.", topics, ["boundary", "truncation"]),
        (192, v1(file=FILE_V1[:FRONT - 1]), "HASH_NOT_PRESENT", "The name lacks its last byte.", topics, ["truncation"]),
        (193, v1(**made(offset=FRONT - 1)), "HASH_NOT_PRESENT", "HashBlobOffset inside the name.", topics, ["boundary"]),
        (194, v1(**made(offset=END + 1)), "HASH_NOT_PRESENT", "HashBlobOffset behind the end.", topics, ["lying-count"]),
        (195, v1(**made(length=len(V1) + 1)), "HASH_NOT_PRESENT", "HashBlobLength is one more than there is.", topics,
         ["lying-count"]),
        (196, v2(**made(length=len(V2) + 1, **for_v2)), "HASH_NOT_PRESENT", "The same, file based.", topics, ["lying-count"]),
        (197, v2(file=header(V2[:40], version=2)[0].data), "HASH_NOT_PRESENT", "Content information that ends in its first segment.",
         "SMB2-2.2.32.4.1-03", ["truncation"]),
        (198, v2(file=header(V1, version=2)[0].data), "HASH_NOT_PRESENT", "A header of version 2 before information of 1.0.",
         "SMB2-2.2.32.4.1-03"),
        (199, v2(80_001, file=header(v2_bytes(0, 0, [sixty]), version=2)[0].data), "HASH_NOT_PRESENT",
         "The content information ends where the bytes wanted begin.", "", edge),
        (200, v2(49_999, file=header(v2_bytes(0, 30_001, [SEGMENTS[1:2]]), version=2)[0].data), "HASH_NOT_PRESENT",
         "The content information begins behind the first byte wanted.", "", edge),
        (201, v2(0, MOST, room=HEAD + 67), "BUFFER_TOO_SMALL", "One byte too few for the header and a segment.", "", edge),
        (202, v2(50_000, MOST, room=BARE + 67), "BUFFER_TOO_SMALL", "Without the header, one byte too few for a segment.", "", edge),
        (203, v2(room=24), "BUFFER_TOO_SMALL", "Room for the structure and nothing in it.", f"{RULE}04", edge),
    )
    refused(group, rows, ["reading"])


def places(file):
    group = file.group("output-offset", "MS-SMB2 3.3.5.15.7", operation="answer")
    rows = ((280, 112, 0, 112), (281, 112, 24, 136), (282, 112, 1, 120), (283, 112, 25, 144), (284, 113, 0, 120),
            (285, 119, 0, 120), (286, 120, 0, 120), (287, 115, 6, 128), (288, 113, 7, 120))
    for number, offset, count, expected in rows:
        input = v1(0, 8, InputOffset=offset, InputCount=count)
        expect, _ = model.answer(input)
        assert expect["OutputOffset"] == expected and expect["OutputCount"] == 24, number
        group.test(number, f"InputOffset {offset} and InputCount {count}.", RULE + "22", input, expect, ["boundary"])


def shares(file):
    group = file.group("share-flags", "MS-SMB2 3.3.5.7", operation="share-flags")
    topics = "SMB2-3.3.5.7-01 SMB2-3.3.5.7-02 SMB2-2.2.10-01 SMB2-2.2.10-02 SMB2-3.3.1.5-01"
    number = 300
    for dialect, most in (("2.0.2", 0), ("2.1", 0x2000), ("3.0", 0x6000), ("3.0.2", 0x6000), ("3.1.1", 0x6000)):
        for level in ("HashEnableAll", "HashEnableShare", "HashDisableAll"):
            for enabled in ("yes", "no"):
                input = {"dialect": dialect, "ServerHashLevel": level, "HashEnabled": enabled}
                flags = most if enabled == "yes" and level != "HashDisableAll" else 0
                assert model.share_flags(input) == flags, number
                is_reading = dialect == "2.0.2" and enabled == "yes" and level != "HashDisableAll"
                comment = f"Dialect {dialect}, {level}, a share {'with' if enabled == 'yes' else 'without'} hashes."
                expect = {"result": "valid", "ShareFlags": flags}
                group.test(number, comment, topics, input, expect, ["reading"] if is_reading else [])
                number += 1


def build():
    file = VectorFile(
        "read_hash", "read_hash", "What a file server answers to SRV_READ_HASH",
        "A server with its settings, a file with its content information file, and the IOCTL about it: the output of the answer, "
        "or the status that it fails with. Or the flags about hashes of a share.", document="MS-SMB2", folder="smb")
    for part_of in (hash_based_answers, file_based_answers, refusals, read_hash_order.listed, read_hash_order.piled, places, shares):
        part_of(file)
    model.prove([
        {"requirements": topics, "input": input, "expect": expect}
        for group in file.groups if group.parameters["operation"] == "answer"
        for _, _, topics, _, input, expect in group.tests])
    return file
