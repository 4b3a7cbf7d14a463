"""Header fields of [MS-PCCRTP] 2.2, with the lists of RFC 2616 2.1 and 14.3."""

from .model import VectorFile
from .wire import accepted, refused

PEERDIST, EX = "X-P2P-PeerDist", "X-P2P-PeerDistEx"
DOCUMENT = {"document": "MS-PCCRTP", "folder": "pccrtp"}
MIN, MAX = "MinContentInformation", "MaxContentInformation"


def number(text):
    major, minor = text.split(".")
    return {"major": int(major), "minor": int(minor)}


def peerdist(version=None, length=None, missing=False):
    fields, words = {}, []
    if version is not None:
        fields["Version"] = number(version)
        words.append(f"Version={fields['Version']['major']}.{fields['Version']['minor']}")
    if length is not None:
        fields["ContentLength"] = length
        words.append(f"ContentLength={length}")
    if missing:
        fields["MissingDataRequest"] = "true"
        words.append("MissingDataRequest=true")
    return fields, ", ".join(words)


def extended(window=None, make=False, hashes=False):
    fields, words = {}, []
    for name, version in zip((MIN, MAX), window or ()):
        fields[name] = number(version)
        words.append(f"{name}={fields[name]['major']}.{fields[name]['minor']}")
    for name, there in (("MakeHashRequest", make), ("HashRequest", hashes)):
        if there:
            fields[name] = "true"
            words.append(f"{name}=true")
    return fields, ", ".join(words)


def accept(group, number, comment, topics, value, expected, quirks=(), flags=()):
    fields, encoded = expected
    expect = accepted(fields, quirks)
    if encoded:
        expect["encoded"] = encoded
    group.test(number, comment, topics, {"value": value}, expect, [*flags, *(["quirk"] if quirks else [])])


def refuse(group, number, comment, topics, value, error, offset, flags=()):
    group.test(number, comment, topics, {"value": value}, refused(error, offset), flags)


def parameters(file):
    group = file.group("peerdist", "MS-PCCRTP 2.2", header=PEERDIST)
    topics = "PCCRTP-2.2-02 PCCRTP-2.2-03"
    unknown, comma = "rtp-unknown-parameter", "rtp-leading-comma"
    rows = (
        (1, "Version=1.0", peerdist("1.0"), "The example of 3.1.4.", [], ["document-example"]),
        (2, "Version=1.1", peerdist("1.1"), "The request of section 4.", [], ["document-example"]),
        (3, "Version=1.0, ContentLength=102400", peerdist("1.0", 102400), "The example of 3.2.5.1.", [], ["document-example"]),
        (4, "Version=1.1, ContentLength=184946", peerdist("1.1", 184946),
         "The answer of section 4, whose text calls the version 1.0: it means the content information.", [],
         ["document-example", "document-error"]),
        (5, "Version=1.1, MissingDataRequest=true", peerdist("1.1", None, True), "A request for missing data.", [],
         ["missing-data"]),
        (6, "Version=1.23", peerdist("1.23"), "Minor version 23, higher than 3.", [], ["version"]),
        (7, "Version=999.999", peerdist("999.999"), "A version that does not exist.", [], ["version", "unknown-value"]),
        (8, "Version=0.0", peerdist("0.0"), "The lowest version.", [], ["version", "boundary"]),
        (9, "Version=4294967295.4294967295", peerdist("4294967295.4294967295"), "The largest numbers of 32 bits.", [],
         ["version", "boundary"]),
        (10, "Version=01.001", peerdist("1.1"), "Leading zeros.", [], ["version"]),
        (11, "ContentLength=0", peerdist(None, 0), "Length 0, without a version.", [], ["boundary"]),
        (12, "ContentLength=18446744073709551615", peerdist(None, 2**64 - 1), "The largest length of 64 bits.", [], ["boundary"]),
        (13, "ContentLength=00000000000000000000000007", peerdist(None, 7), "More digits than 64 bits have, most of them zeros.", [],
         ["boundary"]),
        (14, "version=1.1,CONTENTLENGTH=5,missingDataRequest=TRUE", peerdist("1.1", 5, True),
         "Other letter case: literals of the grammar compare without it.", [], ["case"]),
        (15, "MissingDataRequest=true,ContentLength=5,Version=1.1", peerdist("1.1", 5, True), "Another order.", [], []),
        (16, "  Version = 1.1 ,\tContentLength\t=\t5  ", peerdist("1.1", 5), "White space around every word.", [], ["white-space"]),
        (17, "Version=1.1,\r\n ContentLength=5", peerdist("1.1", 5), "A folded line.", [], ["white-space"]),
        (18, "Version=1.1,, ,ContentLength=5,", peerdist("1.1", 5), "Empty elements, which the list rule allows.", [], []),
        (19, ",Version=1.1", peerdist("1.1"), "A comma first.", [comma], []),
        (20, " , ,Version=1.1", peerdist("1.1"), "Two commas first, with white space.", [comma], ["white-space"]),
        (21, "Version=1.1, Colour=blue", peerdist("1.1"), "A parameter that nobody knows.", [unknown], ["unknown-value"]),
        (22, "Colour, Version=1.1", peerdist("1.1"), "A name alone that nobody knows.", [unknown], ["unknown-value"]),
        (23, "Colour=\"blue, \\\"Version=9.9\\\"\", Version=1.1", peerdist("1.1"),
         "A quoted string with commas, quotes and a version in it.", [unknown], ["unknown-value"]),
        (24, ",HashRequest=true", peerdist(), "Nothing but a parameter of the other header field.", [comma, unknown],
         ["unknown-value"]),
    )
    for n, value, expected, comment, quirks, flags in rows:
        accept(group, n, comment, f"{topics} PCCRTP-2.2-04", value, expected, quirks, flags)
    group = file.group("refused-peerdist", "hand-made", header=PEERDIST)
    rows = (
        (40, "", "empty-list", 0, "Nothing."),
        (41, " ,, ", "empty-list", 0, "Commas and white space only."),
        (42, "Version", "missing-value", 7, "A name without a value."),
        (43, "Version=", "missing-value", 8, "An equals sign without a value."),
        (44, "Version=,ContentLength=5", "missing-value", 8, "The value of the first is missing."),
        (45, "=1.0", "parameter-name", 0, "A value without a name."),
        (46, "Version=1.0,=5", "parameter-name", 12, "The second has no name."),
        (47, "Version=1", "version-syntax", 8, "No dot."),
        (48, "Version=1.", "version-syntax", 8, "No minor version."),
        (49, "Version=.1", "version-syntax", 8, "No major version."),
        (50, "Version=1.0.0", "version-syntax", 8, "Three numbers."),
        (51, "Version=-1.0", "version-syntax", 8, "A sign."),
        (52, "Version=1.x", "version-syntax", 8, "A letter."),
        (53, "Version=\"1.0\"", "version-syntax", 8, "A quoted version."),
        (54, "Version=1 .0", "separator", 10, "A space before the dot ends the value: 1 stands there and then no comma."),
        (55, "Version=1. 0", "separator", 11, "A space behind the dot."),
        (56, "Version=1.0 ContentLength=5", "separator", 12, "No comma."),
        (57, "Version=1.0; ContentLength=5", "separator", 11, "A semicolon for a comma."),
        (58, "Version=1.0\n", "separator", 11, "A line feed."),
        (59, "Version=1.0\r\n", "separator", 11, "A line break that no white space follows."),
        (60, "Version=1.0\u00e9", "separator", 11, "A byte above 127."),
        (61, "Version=1.0\0", "separator", 11, "A byte of 0."),
        (62, "Version=4294967296.0", "number-overflow", 8, "2^32 as major version."),
        (63, "Version=1.4294967296", "number-overflow", 10, "2^32 as minor version."),
        (64, "Version=1.99999999999999999999999999", "number-overflow", 10, "A minor version past 64 bits."),
        (65, "ContentLength=18446744073709551616", "number-overflow", 14, "2^64."),
        (66, "ContentLength=5.0", "number-syntax", 14, "A fraction."),
        (67, "ContentLength=+5", "number-syntax", 14, "A sign."),
        (68, "ContentLength=0x5", "number-syntax", 14, "Hex."),
        (69, "MissingDataRequest=false", "flag-value", 19, "The grammar has true alone."),
        (70, "MissingDataRequest=1", "flag-value", 19, "A number for true."),
        (71, "Version=1.0, Version=1.0", "duplicate-parameter", 13, "The same version twice."),
        (72, "Version=1.0, VERSION=1.1", "duplicate-parameter", 13, "Two versions."),
        (73, "ContentLength=5, ContentLength=6", "duplicate-parameter", 17, "Two lengths."),
        (74, "Version=1.0, Version", "duplicate-parameter", 13, "The second one also has no value: it is not looked at."),
        (75, "Colour=\"blue", "quoted-string", 7, "A quoted string that does not end."),
        (76, "Colour=\"blue\\\"", "quoted-string", 7, "The last quote is escaped."),
    )
    for n, value, error, offset, comment in rows:
        refuse(group, n, comment, f"{topics} PCCRTP-2.2-05", value, error, offset)


def parameters_ex(file):
    group = file.group("peerdist-ex", "MS-PCCRTP 2.2", header=EX)
    topics = "PCCRTP-2.2-02 PCCRTP-2.2-10"
    one, two = ("1.0", "1.0"), ("1.0", "2.0")
    comma = "rtp-leading-comma"
    rows = (
        (100, f"{MIN}=1.0, {MAX}=1.0", extended(one), "The request of section 4.", [], ["document-example"]),
        (101, f"{MIN}=1.0, {MAX}=2.0", extended(two), "The example of 3.1.4.", [], ["document-example"]),
        (102, f"{MIN}=1.0, {MAX}=2.0, HashRequest=true", extended(two, False, True), "The hash request of section 4.", [],
         ["document-example", "hash-request"]),
        (103, "MakeHashRequest=true", extended(None, True), "The answer of section 4, without the comma of the grammar.", [],
         ["document-example", "hash-request"]),
        (104, ", MakeHashRequest=true", extended(None, True), "The same with the comma of the grammar.", [comma],
         ["hash-request"]),
        (105, ", HashRequest=true", extended(None, False, True), "A hash request alone, with the comma of the grammar.", [comma],
         ["hash-request"]),
        (106, f"HashRequest=true,{MAX}=2.0,{MIN}=1.0", extended(two, False, True), "Another order, no white space.", [], []),
        (107, f"{MIN}=1.0,, HashRequest=true, {MAX}=2.0", extended(two, False, True),
         "The comma of the grammar inside, and the bounds apart.", [], []),
        (108, f"{MIN.lower()}=1.0, {MAX.upper()}=2.0", extended(two), "Other letter case.", [], ["case"]),
        (109, f"{MIN}=2.0, {MAX}=999.999", extended(("2.0", "999.999")), "Bounds that the document does not have: well-formed.", [],
         ["unknown-value", "version"]),
        (110, "MakeHashRequest=true, HashRequest=true", extended(None, True, True), "Both flags.", [], ["hash-request"]),
        (111, "Version=1.1", extended(), "A parameter of the other header field.", ["rtp-unknown-parameter"], ["unknown-value"]),
    )
    for n, value, expected, comment, quirks, flags in rows:
        accept(group, n, comment, f"{topics} PCCRTP-2.2-12 PCCRTP-2.2-13", value, expected, quirks, flags)
    group = file.group("refused-peerdist-ex", "hand-made", header=EX)
    rows = (
        (120, "", "empty-list", 0, "Nothing."),
        (121, f"{MIN}=1.0", "half-window", 0, "The lower bound alone."),
        (122, f"HashRequest=true, {MAX}=2.0", "half-window", 18, "The upper bound alone."),
        (123, f"{MIN}=1, {MAX}=2.0", "version-syntax", 22, "A bound without a minor version."),
        (124, f"{MIN}=1.0, {MIN}=1.0, {MAX}=2.0", "duplicate-parameter", 27, "The lower bound twice."),
        (125, "HashRequest=false", "flag-value", 12, "The grammar has true alone."),
        (126, "MakeHashRequest", "missing-value", 15, "A flag without its value."),
        (127, "MakeHashRequest=true MakeHashRequest=true", "separator", 21, "No comma."),
        (128, "HashRequest=true,HashRequest=true", "duplicate-parameter", 17, "A flag twice."),
    )
    for n, value, error, offset, comment in rows:
        refuse(group, n, comment, f"{topics} PCCRTP-2.2-12 PCCRTP-2.2-13", value, error, offset)


def codings(file):
    group = file.group("accept-encoding", "MS-PCCRTP 2.2", header="Accept-Encoding")
    case = "rtp-coding-case"
    rows = (
        (140, "gzip, deflate, peerdist", "accepted", "The example of 2.2.", []),
        (141, "peerdist", "accepted", "Alone.", []),
        (142, "PeerDist", "accepted", "As 3.2.5.1 writes it.", [case]),
        (143, "PEERDIST;q=0.5", "accepted", "Capitals and a quality.", [case]),
        (144, "gzip;q=1.0, peerdist;q=0.001", "accepted", "The least quality that is not 0.", []),
        (145, "peerdist ; q = 1.000", "accepted", "White space around every word.", []),
        (146, ",peerdist,", "accepted", "Empty elements.", []),
        (147, "peerdist;q=0", "refused", "Quality 0: not acceptable.", []),
        (148, "gzip, peerdist;Q=0.000", "refused", "Quality 0 in another spelling.", []),
        (149, "peerdist, peerdist;q=0", "refused", "Named twice: the refusal counts.", []),
        (150, "", "silent", "Nothing.", []),
        (151, "gzip, deflate", "silent", "Others.", []),
        (152, "*", "silent", "Anything: that does not name it.", []),
        (153, "*;q=0, identity", "silent", "Nothing but identity.", []),
        (154, "peerdist2, x-peerdist", "silent", "Names that contain it.", []),
    )
    for n, value, answer, comment, quirks in rows:
        accept(group, n, comment, "PCCRTP-2.2-01 PCCRTP-3.1.4-01", value, ({"peerdist": answer}, None), quirks)
    group = file.group("refused-accept-encoding", "hand-made", header="Accept-Encoding")
    rows = (
        (160, "peerdist;q=1.001", "quality", 11, "A quality over 1."),
        (161, "peerdist;q=2", "quality", 11, "A quality of 2."),
        (162, "peerdist;q=0.1234", "quality", 11, "Four decimals."),
        (163, "peerdist;q=", "quality", 11, "No quality."),
        (164, "peerdist;", "quality", 9, "A semicolon and nothing."),
        (165, "gzip, peerdist;level=9", "quality", 15, "Another parameter."),
        (166, "gzip peerdist", "separator", 5, "No comma."),
        (167, "gzip, \"peerdist\"", "parameter-name", 6, "A quoted name."),
    )
    for n, value, error, offset, comment in rows:
        refuse(group, n, comment, "PCCRTP-2.2-01", value, error, offset)
    group = file.group("content-encoding", "MS-PCCRTP 2.2", header="Content-Encoding")
    rows = (
        (180, "peerdist", "peerdist", "The example of 2.2.", []),
        (181, "PeerDist", "peerdist", "The example of 3.2.5.1.", [case]),
        (182, "identity", "identity", "None.", []),
        (183, "gzip", "other", "Another.", []),
        (184, "deflate, gzip", "other", "Two others.", []),
        (185, "identity, peerdist", "peerdist", "Identity is no coding.", []),
        (186, "gzip, peerdist", "combined", "On top of another.", []),
        (187, "peerdist, peerdist", "combined", "Twice.", []),
    )
    for n, value, answer, comment, quirks in rows:
        accept(group, n, comment, "PCCRTP-2.2-01", value, ({"coding": answer}, None), quirks)
    group = file.group("refused-content-encoding", "hand-made", header="Content-Encoding")
    refuse(group, 190, "Nothing.", "PCCRTP-2.2-01", "", "empty-list", 0)
    refuse(group, 191, "A quality, which only requests have.", "PCCRTP-2.2-01", "peerdist;q=1", "separator", 8)


def build():
    file = VectorFile(
        "header", "header", "Header fields of the HTTP extension",
        "Read the value of the header field, in UTF-8. The offset of an error counts bytes of the value; encoded is the value as it "
        "is written again. A flag that is set stands as true.", **DOCUMENT)
    for part in (parameters, parameters_ex, codings):
        part(file)
    return file
