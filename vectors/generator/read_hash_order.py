"""Which status wins where several things are wrong with an SRV_READ_HASH: the order of the list in [MS-SMB2] 3.3.5.15.7."""

from .read_hash_inputs import (
    ABSENT, ALL, CLOSED, CONTENT, DIRTY, DIRTY_V2, EMPTY, END, FILE_V1, MISSING, OFF, ONLY_21, RULE, SHORT, UNSUPPORTED, V1, cut,
    header, refused, v1, v2,
)


def listed(file):
    group = file.group("order", "MS-SMB2 3.3.5.15.7", operation="answer")
    tiny = {"file": FILE_V1[:10]}
    rows = (
        (220, v1(**UNSUPPORTED, **MISSING), "NOT_SUPPORTED", "No support, and no feature.", f"{RULE}02"),
        (221, cut(v1(room=0, kind=2, **UNSUPPORTED, **SHORT, **OFF, **CLOSED, **ABSENT), 3), "NOT_SUPPORTED", "Everything is wrong."),
        (222, cut(v1(**MISSING), 23), "HASH_NOT_PRESENT", "No feature, and InputCount 23.", f"{RULE}03"),
        (223, v1(room=15, kind=2, **MISSING, **OFF), "HASH_NOT_PRESENT", "No feature, no room, another HashType, no hashes."),
        (224, v1(room=15, kind=2), "BUFFER_TOO_SMALL", "No room, and HashType 2.", f"{RULE}05"),
        (225, v2(room=23, kind=2), "BUFFER_TOO_SMALL", "The same, file based: 23 bytes are too few.", f"{RULE}05"),
        (226, cut(v1(**OFF), 23), "BUFFER_TOO_SMALL", "InputCount 23, and no share has hashes.", f"{RULE}10"),
        (227, v1(room=15, **CLOSED, **ABSENT), "BUFFER_TOO_SMALL", "No room, no hashes on the share, no file."),
        (228, v1(kind=2, **OFF), "INVALID_PARAMETER", "HashType 2, and no share has hashes.", f"{RULE}10"),
        (229, v2(version=1, **OFF), "INVALID_PARAMETER", "A pair that does not go together, and no share has hashes.", f"{RULE}10"),
        (230, v1(version=3, **ABSENT), "INVALID_PARAMETER", "HashVersion 3, and no content information file.", f"{RULE}12"),
        (231, v2(**ONLY_21, **CLOSED), "INVALID_PARAMETER", "HashVersion 2 for a server of 2.1, whose share has no hashes."),
        (232, v1(**OFF, **ABSENT), "HASH_NOT_SUPPORTED", "No share has hashes, and there is no file.", f"{RULE}12"),
        (233, v1(END, **OFF), "HASH_NOT_SUPPORTED", "No share has hashes, and Offset is at the end.", f"{RULE}16"),
        (234, v2(len(CONTENT), **ABSENT), "HASH_NOT_PRESENT", "No file, and Offset is at the end.", f"{RULE}17"),
        (235, v1(5, **EMPTY), "HASH_NOT_PRESENT", "An empty file, and Offset is behind its end.", f"{RULE}16"),
        (236, v2(len(CONTENT), **EMPTY), "HASH_NOT_PRESENT", "The same, file based.", f"{RULE}17"),
        (237, v1(END, **DIRTY), "END_OF_FILE", "Offset at the end of a file that is dirty.", f"{RULE}21"),
        (238, v2(len(CONTENT), **DIRTY_V2), "END_OF_FILE", "The same, file based.", f"{RULE}21"),
        (239, v1(10, **tiny), "END_OF_FILE", "Offset at the end of a file without room for a header.", f"{RULE}18"),
        (240, v1(END, file=header(V1, kind=2)[0].data), "END_OF_FILE", "Offset at the end, and HashType of the header 2.", f"{RULE}19"),
        (241, v2(len(CONTENT), file=FILE_V1), "END_OF_FILE", "Offset at the end, and a header of version 1.", f"{RULE}20"),
        (242, v2(room=24, **DIRTY_V2), "HASH_NOT_PRESENT", "Dirty, and no room for a segment.", f"{RULE}13"),
        (243, v2(room=24, file=FILE_V1), "HASH_NOT_PRESENT", "A header of version 1, and no room for a segment.", f"{RULE}13"),
    )
    refused(group, rows, ["order-of-checks"])
    group = file.group("order-readings", "hand-made", operation="answer")
    rows = (
        (260, v1(**CLOSED, **ABSENT), "HASH_NOT_SUPPORTED", "A share without hashes does not tell that a file has none.", f"{RULE}12"),
        (261, v2(**CLOSED, **ABSENT), "HASH_NOT_SUPPORTED", "The same, file based.", f"{RULE}12"),
        (262, v1(**CLOSED, **EMPTY), "HASH_NOT_SUPPORTED", "Nor that they are empty.", f"{RULE}15"),
        (263, v1(END, **CLOSED), "HASH_NOT_SUPPORTED", "Nor where they end.", f"{RULE}16"),
        (264, cut(v1(**SHORT), 23), "HASH_NOT_PRESENT", "A short file, and InputCount 23: the note on short files stands first.",
         f"{RULE}03"),
        (265, v1(kind=2, **SHORT), "HASH_NOT_PRESENT", "A short file, and HashType 2.", f"{RULE}05"),
        (266, v1(**SHORT, **OFF), "HASH_NOT_PRESENT", "A short file, and no share has hashes.", f"{RULE}10"),
        (267, v2(version=3, dialect="2.0.2", **MISSING), "NOT_SUPPORTED", "Asked in 2.0.2, no feature, and HashVersion 3.",
         f"{RULE}01"),
        (268, cut(v1(dialect="2.0.2"), 23), "NOT_SUPPORTED", "Asked in 2.0.2, and InputCount 23.", f"{RULE}03"),
    )
    refused(group, rows, ["order-of-checks", "reading"])


# A content information file that is wrong, or none, and a setting that stands in the way of it. STRANGE has a header that
# agrees with no request, is dirty, and has behind it what is no content information.
STRANGE = {"file": header(b"\xff" * 8, kind=9, version=9, dirty=1)[0].data}
TINY = {"file": FILE_V1[:10]}
LATE = (
    (ABSENT, OFF, "no share has hashes, and there is no content information file"),
    (EMPTY, CLOSED, "the share has no hashes, and the content information file is empty"),
    (TINY, OFF, "no share has hashes, and the content information file has no header"),
    (STRANGE, CLOSED, "the share has no hashes, and the header is another and dirty"),
)
# What is asked for with the four: in part hash based, in part file based.
MIXED = ({"retrieval": 1}, {"retrieval": 1}, {"retrieval": 2}, {"retrieval": 2})
ANY = ({"version": 2, "retrieval": 1, **ONLY_21}, {"version": 1, "retrieval": 2}, {"version": 3, "retrieval": 3},
       {"version": 1, "retrieval": 2})


def all_of(**changes):
    return tuple(dict(changes) for _ in LATE)


def with_all(shapes, **changes):
    return tuple({**shape, **changes} for shape in shapes)


def right(shapes):
    """The version that goes with each retrieval type."""
    return tuple({"version": shape["retrieval"], **shape} for shape in shapes)


def piled(file):
    """One check fails, and behind it as much as can be wrong at a time: with four files, Offset at the end of all things."""
    group = file.group("order-of-many", "hand-made", operation="answer")
    room = {"room": 24}
    subjects = (
        (400, "NOT_SUPPORTED", "The request is not known", with_all(ANY, kind=2, room=0, **UNSUPPORTED, **MISSING, **SHORT), []),
        (404, "NOT_SUPPORTED", "Asked in 2.0.2", with_all(ANY, kind=2, room=0, dialect="2.0.2", **MISSING, **SHORT), ["reading"]),
        (408, "HASH_NOT_PRESENT", "No feature", with_all(ANY, kind=2, room=0, **MISSING), []),
        (412, "HASH_NOT_PRESENT", "A short file", with_all(ANY, kind=2, room=0, **SHORT), ["reading"]),
        (416, "BUFFER_TOO_SMALL", "Hash based, MaxOutputResponse 15, HashType and HashVersion wrong", (
            {"version": 2, **ONLY_21}, {"version": 3}, {"version": 2}, {"version": 0}), [], {"kind": 2, "retrieval": 1, "room": 15}),
        (420, "BUFFER_TOO_SMALL", "File based, MaxOutputResponse 23, HashType and HashVersion wrong", (
            {"version": 2, **ONLY_21}, {"version": 3}, {"version": 1}, {"version": 0}), [], {"kind": 2, "retrieval": 2, "room": 23}),
        (424, "INVALID_PARAMETER", "HashType 2", right(MIXED), [], {"kind": 2, **room}),
        (428, "INVALID_PARAMETER", "HashVersion 2, a server of 2.1", with_all(MIXED, version=2, **ONLY_21), [], room),
        (432, "INVALID_PARAMETER", "HashVersion 3", with_all(MIXED, version=3), [], room),
        (436, "INVALID_PARAMETER", "HashRetrievalType 3", all_of(version=1, retrieval=3), [], room),
        (440, "INVALID_PARAMETER", "HashVersion 1, file based", all_of(version=1, retrieval=2), [], room),
        (444, "INVALID_PARAMETER", "HashVersion 2, hash based", all_of(version=2, retrieval=1), [], room),
    )
    for number, status, what, shapes, flags, *more in subjects:
        for at, (shape, (late, setting, besides)) in enumerate(zip(shapes, LATE)):
            input = v1(ALL, **late, **setting, **{**shape, **(more[0] if more else {})})
            refused(group, [(number + at, input, status, f"{what}; {besides}.")], ["order-of-checks", *flags])
    for at, (late, setting, besides) in enumerate(LATE):
        input = cut(v1(ALL, **late, **setting), 23)
        refused(group, [(448 + at, input, "BUFFER_TOO_SMALL", f"InputCount 23; {besides}.")], ["order-of-checks"])
    files = tuple(late for late, _, _ in LATE)
    hashes, file_based = [v1(ALL, **late, **room) for late in files], [v2(ALL, **late, **room) for late in files]
    strange_type = {"file": header(b"", kind=9, version=2)[0].data}
    rows = (
        (460, hashes[2] | OFF, "HASH_NOT_SUPPORTED", "No share has hashes, and the content information file has no header."),
        (461, hashes[3] | OFF, "HASH_NOT_SUPPORTED", "No share has hashes, and the header is another and dirty."),
        (462, file_based[1] | OFF, "HASH_NOT_SUPPORTED", "No share has hashes, and the content information file is empty, file based."),
        (463, file_based[3] | OFF, "HASH_NOT_SUPPORTED", "No share has hashes, and the header is another, file based."),
        (464, hashes[2] | CLOSED, "HASH_NOT_SUPPORTED", "The share has none, and the content information file has no header.", "",
         ["reading"]),
        (465, hashes[3] | CLOSED, "HASH_NOT_SUPPORTED", "The share has none, and the header is another and dirty.", "", ["reading"]),
        (466, file_based[1] | CLOSED, "HASH_NOT_SUPPORTED", "The share has none, and the file is empty, file based.", "", ["reading"]),
        (467, file_based[3] | CLOSED, "HASH_NOT_SUPPORTED", "The share has none, and the header is another, file based.", "",
         ["reading"]),
        (468, hashes[0], "HASH_NOT_PRESENT", "No content information file, and Offset is at the end of all things."),
        (469, file_based[0], "HASH_NOT_PRESENT", "The same, file based, and there is no room for a segment."),
        (470, file_based[1], "HASH_NOT_PRESENT", "An empty one, and there is no room for a segment."),
        (471, hashes[2], "END_OF_FILE", "Offset at the end of all things, and the content information file has no header."),
        (472, hashes[3], "END_OF_FILE", "Offset at the end of all things, and the header is another and dirty."),
        (473, file_based[2], "END_OF_FILE", "No header, file based, and there is no room for a segment."),
        (474, file_based[3], "END_OF_FILE", "Another header, file based, and there is no room for a segment."),
        (475, v2(1, **TINY, **room), "HASH_NOT_PRESENT", "No header, and no room for a segment.", "", ["reading"]),
        (476, v2(1, **strange_type, **room), "HASH_NOT_PRESENT", "HashType of the header is 9, and no room for a segment."),
        (477, v2(1, file=header(V1, version=2)[0].data, **room), "HASH_NOT_PRESENT",
         "Content information that cannot be read, and no room for a segment.", "", ["reading"]),
    )
    refused(group, rows, ["order-of-checks"])
