"""What a client sends and what it takes an answer for: [MS-PCCRTP] 3.1."""

from .model import VectorFile
from .rtp_headers import DOCUMENT, EX, MAX, MIN, PEERDIST
from .rtp_negotiation import lines

ETAG, CODING = ("ETag", "\"8d2babfc81f3c81\""), ("Content-Encoding", "peerdist")
PART = {"start": 1000, "length": 1000}
LENGTH = (PEERDIST, "Version=1.1, ContentLength=184946")


def requests(file):
    group = file.group("requests", "MS-PCCRTP 3.1.4", side="client", version="1.1", content_information=2)
    window = f"{MIN}=1.0, {MAX}=2.0"
    rows = (
        (1, {"asked": "content", "codings": "gzip, deflate"},
         [("Accept-Encoding", "gzip, deflate, peerdist"), (PEERDIST, "Version=1.1"), (EX, window)], "The first request."),
        (2, {"asked": "content", "codings": ""}, [("Accept-Encoding", "peerdist"), (PEERDIST, "Version=1.1"), (EX, window)],
         "No other coding."),
        (3, {"asked": "content", "range": PART, "codings": ""}, [("Accept-Encoding", "peerdist"), (PEERDIST, "Version=1.1"),
                                                                 (EX, window), ("Range", "bytes=1000-1999")], "A range."),
        (4, {"asked": "hashes", "codings": ""}, [("Accept-Encoding", "peerdist"), (PEERDIST, "Version=1.1"),
                                                 (EX, f"{window}, HashRequest=true")], "A hash request."),
        (5, {"asked": "missing-data", "range": PART, "codings": "gzip"},
         [("Accept-Encoding", "identity"), (PEERDIST, "Version=1.1, MissingDataRequest=true"), ("Range", "bytes=1000-1999")],
         "Missing data: never with the coding."),
        (6, {"asked": "plainly", "codings": ""}, [("Accept-Encoding", "identity")], "Without anything of the document."),
    )
    topics = "PCCRTP-3.1.4-01 PCCRTP-3.1.4-02 PCCRTP-3.1.4-03 PCCRTP-3.1.4-04 PCCRTP-2.2-09 PCCRTP-2.2-13 PCCRTP-3.1.5.1-03"
    for number, given, headers, comment in rows:
        group.test(number, comment, topics, given, {"result": "valid", "quirks": [], "headers": lines(headers)})
    group = file.group("requests-of-windows-7", "MS-PCCRTP 1.7", side="client", version="1.0", content_information=1)
    group.test(10, "Version 1.0 goes without the other field.", topics, {"asked": "content", "codings": ""}, {
        "result": "valid", "quirks": [], "headers": lines([("Accept-Encoding", "peerdist"), (PEERDIST, "Version=1.0")])}, ["version"])


def meaning(kind, quirks=(), **more):
    return {"result": "quirky" if quirks else "valid", "quirks": list(quirks), "meaning": kind, **more}


def unusable(requirement):
    return {"result": "invalid", "quirks": [], "meaning": "unusable", "requirement": requirement}


def responses(file):
    group = file.group("responses", "MS-PCCRTP 3.1.5.1", side="client", version="1.1", content_information=2)
    part_headers = [CODING, ETAG, ("Content-Range", "bytes 1000-1999/184946")]
    rows = (
        (20, "content", None, 200, [CODING, LENGTH, ETAG], meaning("content-information", content_length=184946),
         "The first answer of section 4."),
        (21, "content", None, 200, [(PEERDIST, "Version=1.1"), (EX, "MakeHashRequest=true"), ETAG],
         meaning("plain-make-hash-request"), "The second answer of section 4."),
        (22, "content", None, 200, [ETAG], meaning("plain"), "A server that knows nothing of it."),
        (23, "content", None, 200, [("Content-Encoding", "gzip"), ETAG], meaning("plain"), "Another coding, not of this document."),
        (24, "content", None, 200, [("Content-Encoding", "PeerDist"), (PEERDIST, "Version=1.0, ContentLength=102400"), ETAG],
         meaning("content-information", ["rtp-coding-case"], content_length=102400), "The example of 3.2.5.1."),
        (25, "content", None, 200, [CODING, LENGTH], meaning("content-information", ["rtp-no-validator"], content_length=184946),
         "Nothing that ties the hashes to a state of the content."),
        (26, "content", None, 200, [("X-P2P-PeerDistEx", "MakeHashRequest=maybe"), ETAG], meaning("plain"),
         "A malformed request for a hash request leaves the body good."),
        (27, "content", PART, 206, [*part_headers, (PEERDIST, "Version=1.1, ContentLength=1000")],
         meaning("content-information", content_length=1000, range=PART), "Content information of a range."),
        (28, "missing-data", PART, 206, [("Content-Range", "bytes 1000-1999/184946"), ETAG], meaning("plain", range=PART),
         "The missing bytes."),
        (29, "missing-data", PART, 200, [ETAG], meaning("plain"), "Everything instead of the missing bytes."),
        (30, "hashes", None, 200, [(PEERDIST, "Version=1.1"), (EX, ", MakeHashRequest=true"), ETAG],
         meaning("plain-make-hash-request", ["rtp-leading-comma"]), "A hash request that came too early."),
        (31, "missing-data", PART, 206, [("Content-Range", "bytes 1000-1999/184946"), (EX, "MakeHashRequest=true")],
         meaning("plain", range=PART), "Nothing to be done: this request was not for hashes."),
        (32, "content", None, 404, [CODING, LENGTH], meaning("no-content"), "An error."),
        (33, "content", None, 304, [], meaning("no-content"), "Not modified."),
        (40, "content", None, 200, [CODING, ETAG], unusable("PCCRTP-3.2.5.1-05"), "Coded, without X-P2P-PeerDist."),
        (41, "content", None, 200, [CODING, (PEERDIST, "ContentLength=5"), ETAG], unusable("PCCRTP-3.2.5.1-06"),
         "Coded, without a version."),
        (42, "content", None, 200, [CODING, (PEERDIST, "Version=1.1"), ETAG], unusable("PCCRTP-3.2.5.1-07"),
         "Coded, without a length."),
        (43, "content", None, 200, [CODING, (PEERDIST, "Version=1.2, ContentLength=5"), ETAG], unusable("PCCRTP-1.7-02"),
         "A higher version than the client has."),
        (44, "content", None, 200, [("Content-Encoding", "peerdist, gzip"), LENGTH, ETAG], unusable("PCCRTP-2.2-01"),
         "Under another coding besides."),
        (45, "missing-data", PART, 200, [CODING, LENGTH, ETAG], unusable("PCCRTP-1.6-02"), "Coded, though not allowed."),
        (46, "content", PART, 206, [*part_headers, LENGTH], unusable("PCCRTP-3.2.5.1-07"),
         "ContentLength is that of the whole, the range is not."),
        (47, "missing-data", PART, 206, [("Content-Range", "bytes 0-999/184946")], unusable("PCCRTP-2.1-01"), "Another range."),
        (48, "missing-data", PART, 206, [], unusable("PCCRTP-2.1-01"), "A part, and no word of which."),
    )
    for number, asked, part, status, headers, expect, comment in rows:
        given = {"asked": asked, **({"range": part} if part else {}), "status": status, "headers": lines(headers)}
        group.test(number, comment, "PCCRTP-3.1.5.1-03 PCCRTP-3.2.5.1-05 PCCRTP-3.2.5.1-06 PCCRTP-3.2.5.1-07 PCCRTP-1.7-02", given,
                   expect, ["quirk"] if expect["quirks"] else [])


def build():
    file = VectorFile(
        "client", "negotiation", "What a client asks and understands",
        "The header fields of a request, in any order, or what a response is. Unusable means: ask plainly.", **DOCUMENT)
    requests(file)
    responses(file)
    return file
