"""What a server answers: [MS-PCCRTP] 3.2.5.1, with the readings of the catalogue where the document is silent."""

from .model import VectorFile
from .rtp_headers import DOCUMENT, EX, MAX, MIN, PEERDIST

ACCEPT = ("Accept-Encoding", "gzip, deflate, peerdist")
V10, V11 = (PEERDIST, "Version=1.0"), (PEERDIST, "Version=1.1")
ONE, TWO = (EX, f"{MIN}=1.0, {MAX}=1.0"), (EX, f"{MIN}=1.0, {MAX}=2.0")
HASHES = (EX, f"{MIN}=1.0, {MAX}=2.0, HashRequest=true")
MISSING = (PEERDIST, "Version=1.1, MissingDataRequest=true")
RANGE = ("Range", "bytes=1000-1999")
ETAG, LENGTH = "\"8d2babfc81f3c81\"", 184946


def lines(pairs):
    return [{"name": name, "value": value} for name, value in pairs]


def request(headers, method="GET", http="1.1", length=LENGTH, etag=ETAG, modified=None, v1="ready", v2="ready"):
    given = {"method": method, "http": http, "headers": lines(headers), "length": length}
    if etag is not None:
        given["etag"] = etag
    if modified is not None:
        given["last_modified"] = modified
    return {**given, "v1": v1, "v2": v2}


def answer(kind, headers, status=200, version=None, reason=None, quirks=()):
    expect = {"result": "quirky" if quirks else "valid", "quirks": list(quirks), "answer": kind}
    if reason:
        expect["reason"] = reason
    if version:
        expect["content_information"] = version
    return {**expect, "status": status, "headers": lines(headers)}


def coded(version, coding="1.1", start=None, length=LENGTH, total=LENGTH, quirks=()):
    headers = [("Content-Encoding", "peerdist"), (PEERDIST, f"Version={coding}, ContentLength={length}")]
    if start is not None:
        headers.append(("Content-Range", f"bytes {start}-{start + length - 1}/{total}"))
    headers += [("Vary", "Accept-Encoding"), ("Cache-Control", "private")]
    return answer("content-information", headers, 200 if start is None else 206, version, None, quirks)


def later(version, coding="1.1", start=None, length=None, quirks=()):
    headers = [(PEERDIST, f"Version={coding}"), (EX, "MakeHashRequest=true")]
    if start is not None:
        headers.append(("Content-Range", f"bytes {start}-{start + length - 1}/{LENGTH}"))
    return answer("make-hash-request", [*headers, ("Vary", "Accept-Encoding")], 200 if start is None else 206, version, None, quirks)


def plain(reason, start=None, length=None, status=None, quirks=()):
    kind = "missing-data" if reason is None else "plain"
    headers = []
    if start is not None:
        headers.append(("Content-Range", f"bytes {start}-{start + length - 1}/{LENGTH}"))
    elif status == 416:
        headers.append(("Content-Range", f"bytes */{LENGTH}"))
    status = status or (200 if start is None else 206)
    return answer(kind, [*headers, ("Vary", "Accept-Encoding")], status, None, reason, quirks)


def versions(file):
    group = file.group("versions", "MS-PCCRTP 3.2.5.1", side="server", version="1.1")
    topics = "PCCRTP-3.2.5.1-01 PCCRTP-3.2.5.1-05 PCCRTP-3.2.5.1-06 PCCRTP-3.2.5.1-07 PCCRTP-1.7-01 PCCRTP-1.7-02"
    coded_rows = (
        (1, [ACCEPT, V11, ONE], coded(1), "The exchange of section 4.", ["document-example"]),
        (2, [ACCEPT, V11, TWO], coded(2), "Both versions are read and ready: the higher one.", ["version"]),
        (3, [ACCEPT, V11], coded(1), "No X-P2P-PeerDistEx, though 1.1 must bring it: version 1.0 content information.", ["version"]),
        (4, [ACCEPT, V10], coded(1, "1.0"), "A client of Windows 7.", ["version"]),
        (5, [ACCEPT, V10, TWO], coded(1, "1.0"), "1.0 with a window: version 1.0 of the coding knows 1.0 only.", ["version"]),
        (6, [ACCEPT, (PEERDIST, "Version=1.9"), TWO], coded(2), "A later client: the highest version that the server has.", ["version"]),
        (7, [ACCEPT, (PEERDIST, "Version=1.23"), TWO], coded(2), "1.23 is higher than 1.1.", ["version"]),
        (8, [ACCEPT, V11, (EX, "HashRequest=true")], coded(1), "The field is there without a window: as if the field were missing.", ["hash-request"]),
    )
    for number, headers, expect, comment, flags in coded_rows:
        group.test(number, comment, f"{topics} PCCRTP-3.2.5.1-02 PCCRTP-3.2.5.1-04", request(headers), expect, flags)
    for number, version in ((20, "0.9"), (21, "2.0"), (22, "999.999")):
        group.test(number, f"Version {version}: another coding, of which nothing is known.", topics,
                   request([ACCEPT, (PEERDIST, f"Version={version}"), TWO]), plain("unknown-version"), ["version"])
    for number, low, high in ((23, "1.0", "3.0"), (24, "2.0", "2.0"), (25, "2.0", "1.0"), (26, "1.0", "1.1"), (27, "0.0", "9.9"),
                              (28, "999.999", "999.999")):
        group.test(number, f"A window from {low} to {high}: not one of the document.", "PCCRTP-3.2.5.1-03 PCCRTP-2.2-11",
                   request([ACCEPT, V11, (EX, f"{MIN}={low}, {MAX}={high}")]), plain("window"), ["version"])
    group.test(29, "No version.", "PCCRTP-3.1.4-02 PCCRTP-3.1.4-03", request([ACCEPT, TWO]), plain("no-version"), ["version"])
    group = file.group("older-server", "MS-PCCRTP 1.7", side="server", version="1.0")
    group.test(30, "A server of version 1.0 answers a client of 1.1.", topics, request([ACCEPT, V11, TWO]), coded(1, "1.0"),
               ["version"])


def advertising(file):
    group = file.group("advertising", "MS-PCCRTP 3.2", side="server", version="1.1")
    topics, date = "PCCRTP-1.6-02 PCCRTP-3.2-01 PCCRTP-2.2-01", "Fri, 01 Aug 2008 01:02:03 GMT"
    rows = (
        (40, request([]), plain("not-advertised"), "A request of nobody in particular."),
        (41, request([V11, TWO]), plain("not-advertised"), "The parameters without the coding."),
        (42, request([("Accept-Encoding", "*"), V11, TWO]), plain("not-advertised"), "Anything is accepted: that is no advertising."),
        (43, request([("Accept-Encoding", "gzip, peerdist;q=0"), V11, TWO]), plain("refused"), "The coding is refused."),
        (44, request([("accept-encoding", "PeerDist"), V11, TWO]), coded(2, quirks=["rtp-coding-case"]),
         "Other letter case in the name of the field and of the coding."),
        (45, request([("Accept-Encoding", "gzip"), ("Accept-Encoding", "peerdist"), V11, TWO]), coded(2),
         "Two fields of a name are one list."),
        (46, request([ACCEPT, (PEERDIST, "Version=1,1"), TWO]), plain("malformed"), "A version that cannot be read."),
        (47, request([ACCEPT, V11, V11, TWO]), plain("malformed"), "The version in two fields."),
        (48, request([ACCEPT, V11, (EX, f"{MIN}=1.0")]), plain("malformed"), "Half a window."),
        (49, request([("Accept-Encoding", "peerdist;q=7"), V11, TWO]), plain("malformed"), "A quality that is none."),
        (50, request([ACCEPT, V11, TWO], etag=None), plain("no-validator"), "Neither ETag nor Last-Modified."),
        (51, request([ACCEPT, V11, TWO], etag=None, modified=date), coded(2), "Last-Modified alone."),
        (52, request([ACCEPT, V11, TWO], modified=date), coded(2), "Both."),
        (53, request([ACCEPT, V11, TWO], method="HEAD"), plain("method"), "HEAD."),
        (54, request([ACCEPT, V11, TWO], method="POST"), plain("method"), "POST."),
        (55, request([ACCEPT, V11, TWO], http="1.0"), coded(2), "HTTP/1.0 with the coding in Accept-Encoding."),
        (56, request([ACCEPT, V11, TWO], http="2"), plain("http-version"), "HTTP/2, of which the document knows nothing."),
        (57, request([ACCEPT, V11, TWO], length=0), plain("length"), "Nothing to describe."),
        (58, request([ACCEPT, (PEERDIST, ", Version=1.1, New=1"), TWO]),
         coded(2, quirks=["rtp-leading-comma", "rtp-unknown-parameter"]), "A comma first, and a parameter that nobody knows."),
    )
    for number, given, expect, comment in rows:
        group.test(number, comment, f"{topics} PCCRTP-3.1.4-01 PCCRTP-3.2-02", given, expect, ["quirk"] if expect["quirks"] else [])


def hashes(file):
    group = file.group("hashes", "MS-PCCRTP 3.2.5.1", side="server", version="1.1")
    topics = "PCCRTP-3.2.5.1-08 PCCRTP-4-01 PCCRTP-4-02 PCCRTP-3.1.5.1-03"
    without = "rtp-hash-request-without-accept-encoding"
    rows = (
        (70, request([ACCEPT, V11, TWO], v1="later", v2="later"), later(2), "Nothing ready: the second answer of section 4."),
        (71, request([ACCEPT, V11, ONE], v1="later", v2="ready"), later(1), "Ready is only what this client does not read."),
        (72, request([ACCEPT, V11, TWO], v1="ready", v2="later"), coded(1), "Version 1.0 is ready: it goes out now."),
        (73, request([ACCEPT, V11, TWO], v1="at-hand", v2="later"), coded(1), "Version 1.0 can be made at once."),
        (74, request([ACCEPT, V11, TWO], v1="ready", v2="at-hand"), coded(1), "What is ready goes before what must be made."),
        (75, request([ACCEPT, V11, TWO], v1="at-hand", v2="at-hand"), coded(2), "Both can be made at once: the higher one."),
        (76, request([ACCEPT, V11, TWO], v1="never", v2="never"), plain("unavailable"), "None, and none to come."),
        (77, request([ACCEPT, V11, ONE], v1="never", v2="ready"), plain("unavailable"), "None that this client reads."),
        (78, request([ACCEPT, V11, HASHES]), coded(2), "A hash request, the hashes ready."),
        (79, request([ACCEPT, V11, HASHES], v1="later", v2="later"), later(2), "A hash request that comes too early."),
        (80, request([V11, HASHES]), coded(2, quirks=[without]), "The hash request of section 4: no Accept-Encoding at all."),
        (81, request([V11, HASHES], v1="later", v2="later"), later(2, quirks=[without]), "The same, too early."),
        (82, request([("Accept-Encoding", "peerdist;q=0"), V11, HASHES]), plain("refused"), "A hash request that refuses the coding."),
        (83, request([V11, HASHES], http="1.0"), plain("not-advertised"), "HTTP/1.0 needs the coding in Accept-Encoding."),
        (84, request([ACCEPT, V10], v1="later", v2="later"), later(1, "1.0"), "A client of Windows 7, nothing ready."),
    )
    for number, given, expect, comment in rows:
        group.test(number, comment, topics, given, expect, ["hash-request", *(["quirk"] if expect["quirks"] else [])])


def ranges(file):
    group = file.group("ranges", "hand-made", side="server", version="1.1")
    base = [ACCEPT, V11, TWO]
    other = ("If-Range", "\"other\"")
    rows = (
        (100, request([*base, RANGE]), coded(2, start=1000, length=1000), "A range: content information of the range."),
        (101, request([*base, ("Range", "bytes=184945-")]), coded(2, start=184945, length=1), "The last byte."),
        (102, request([*base, ("Range", "bytes=-946")]), coded(2, start=184000, length=946), "The last 946 bytes."),
        (103, request([*base, ("Range", "bytes=0-")]), coded(2, start=0), "The whole as a range."),
        (104, request([*base, ("Range", "bytes=184000-999999")]), coded(2, start=184000, length=946), "Past the end."),
        (105, request([*base, ("Range", "bytes=184946-")]), plain("range-unsatisfiable", status=416), "Behind the end."),
        (106, request([*base, ("Range", "bytes=0-1,5-6")]),
         answer("plain", [("Vary", "Accept-Encoding")], 206, None, "several-ranges"), "Two ranges."),
        (107, request([*base, ("Range", "bytes=5-1")]), coded(2), "A malformed range counts as none."),
        (108, request([*base, ("Range", "lines=0-1")]), coded(2), "Another unit."),
        (109, request([*base, RANGE, ("If-Range", ETAG)]), coded(2, start=1000, length=1000), "If-Range with the ETag."),
        (110, request([*base, RANGE, other]), coded(2), "If-Range with another ETag: the whole."),
        (111, request([*base, RANGE], v1="later", v2="later"), later(2, start=1000, length=1000), "A range, nothing ready."),
        (112, request([RANGE]), plain("not-advertised", 1000, 1000), "A range without the coding: plain."),
    )
    for number, given, expect, comment in rows:
        group.test(number, comment, "PCCRTP-3.2.5.1-01 PCCRTP-2.2-07", given, expect, ["range"])


def missing(file):
    group = file.group("missing-data", "MS-PCCRTP 2.2", side="server", version="1.1")
    rows = (
        (130, request([MISSING, RANGE]), plain(None, 1000, 1000), "Bytes that no peer had: plain, 206."),
        (131, request([("Accept-Encoding", "identity"), MISSING, RANGE]), plain(None, 1000, 1000), "The same with identity."),
        (132, request([ACCEPT, MISSING, TWO, RANGE]), plain(None, 1000, 1000),
         "With the coding, which must not be: more hashes would not help."),
        (133, request([MISSING, HASHES, RANGE]), plain(None, 1000, 1000), "With a hash request besides."),
        (134, request([MISSING]), plain(None), "No range: everything."),
        (135, request([MISSING, RANGE], v1="later", v2="later"), plain(None, 1000, 1000), "No hashes: none are asked for either."),
        (136, request([MISSING, RANGE], etag=None), plain(None, 1000, 1000), "No validator: of no matter."),
    )
    for number, given, expect, comment in rows:
        group.test(number, comment, "PCCRTP-2.2-08 PCCRTP-2.2-09", given, expect, ["missing-data", "range"])


def build():
    file = VectorFile(
        "negotiation", "negotiation", "What a server answers",
        "A request, and what the server has: its body, the version of content information, status, and the header fields that the "
        "answer has besides the server's own, in any order.", **DOCUMENT)
    for part in (versions, advertising, hashes, ranges, missing):
        part(file)
    return file
