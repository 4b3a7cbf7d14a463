"""Probes and matches of [MS-PCCRD] that a reader accepts, and its examples in section 4."""

import base64
import xml.etree.ElementTree as ElementTree

from .model import VectorFile
from .rd_model import DOCUMENT, b64, bits, hexes, match, match_fields, match_header, probe, probe_fields, v2_scope
from .rr_model import ages, segment_id, shown_ages
from .wire import accepted

IDS = [segment_id(f"segment {i}") for i in range(6)]
PROBING = "PCCRD-2.2.2.1-01 PCCRD-2.2.3.1-03 PCCRD-4.1-01"
V1_TOPICS = f"{PROBING} PCCRD-2.2.2.1-02 PCCRD-2.2.3.1-01 PCCRD-2.2.3.3-01 PCCRD-2.2.3.3-03"
V2_TOPICS = f"{PROBING} PCCRD-2.2.2.1-03 PCCRD-2.2.3.1-02 PCCRD-2.2.3.3-04 PCCRD-2.2.3.3-05"
MATCHING = "PCCRD-2.2.2.2-02 PCCRD-2.2.3.4-01 PCCRD-2.2.3.5-01 PCCRD-2.2.3.8-01 PCCRD-2.2.3.8-02 PCCRD-4.3-01"


def agree(text, fields):
    """An XML reader that is not ours must find the same values."""
    words = {}
    for element in ElementTree.fromstring(text.encode()).iter():
        words.setdefault(element.tag.split("}")[-1], (element.text or "").split())
    assert words["MessageID"] == [fields["MessageID"]]
    if fields["version"] == 1:
        assert [word.lower() for word in words["Scopes"]] == fields["segment_ids"]
        assert [int(digits, 16) for digits in _pieces("".join(words.get("BlockCount", [])), 8)] == fields.get("BlockCount", [])
    elif "segment_ids" in fields:
        assert "".join(fields["segment_ids"]) == base64.b64decode("".join(words["Scopes"]))[3:].hex()


def _pieces(text, size):
    return [text[i:i + size] for i in range(0, len(text), size)]


def accept(group, number, comment, topics, text, fields, quirks=(), flags=(), segments=None):
    agree(text, fields)
    given = {"text": text} if segments is None else {"text": text, "segments": segments}
    group.test(number, comment, topics, given, accepted(fields, quirks), [*flags, *(["quirk"] if quirks else [])])


def spread(text):
    """The layout of the document's examples: every tag and text on a line of its own, a blank line behind it."""
    return text.replace("><", ">\n\n<").replace(">", ">\n\n").replace("</", "\n\n</").replace("\n\n\n\n", "\n\n")


def probes(file):
    group = file.group("probe-v1", "MS-PCCRD 2.2.2.1", direction="request", message="Probe")
    lower, prefix = "rd-scope-lower-case", "rd-other-prefix"
    accept(group, 1, "One id.", V1_TOPICS, probe(1, hexes(IDS[:1])), probe_fields(1, IDS[:1]))
    accept(group, 2, "Six ids.", V1_TOPICS, probe(1, hexes(IDS)), probe_fields(1, IDS))
    long = [segment_id("x", 48), segment_id("y", 64)]
    accept(group, 3, "Ids of 48 and 64 bytes.", V1_TOPICS, probe(1, hexes(long)), probe_fields(1, long), (), ["long-id"])
    accept(group, 4, "Lower case.", V1_TOPICS, probe(1, IDS[0].hex()), probe_fields(1, IDS[:1]), [lower], ["case"])
    accept(group, 5, "White space of every kind around and between ids.", V1_TOPICS,
           probe(1, "\n\t" + hexes(IDS[:2]).replace(" ", " \r\n\t ") + "\n"), probe_fields(1, IDS[:2]), (), ["white-space"])
    accept(group, 6, "The layout of the document's examples.", V1_TOPICS, spread(probe(1, hexes(IDS[:1]))),
           probe_fields(1, IDS[:1]), (), ["white-space"])
    accept(group, 7, "No XML declaration.", V1_TOPICS, probe(1, hexes(IDS[:1]), declaration=""), probe_fields(1, IDS[:1]))
    accept(group, 8, "Other prefixes, and the one in Types follows them.", f"{V1_TOPICS} PCCRD-2.2.1-03 PCCRD-2.2.1-04",
           probe(1, hexes(IDS[:1]), prefixes=("s", "a", "d", "p")), probe_fields(1, IDS[:1]), [prefix], ["namespace"])
    accept(group, 9, "A comment between the elements.", V1_TOPICS,
           probe(1, hexes(IDS[:1])).replace("<soap:Body>", "<!-- <wsd:Scopes> --><soap:Body>"), probe_fields(1, IDS[:1]))
    accept(group, 10, "Single quotes in the declaration, and line breaks between the tags.", V1_TOPICS,
           probe(1, hexes(IDS[:1])).replace("><", ">\n<").replace('encoding="utf-8"', "encoding='utf-8'"), probe_fields(1, IDS[:1]))
    accept(group, 11, "The id as 64 zeros.", V1_TOPICS, probe(1, "0" * 64), probe_fields(1, [bytes(32)]), (), ["boundary"])
    accept(group, 12, "The probe of 4.1 with its id in one piece: 128 digits, and not 67 and 61 on two lines.", V1_TOPICS,
           probe(1, "02" + "0" * 126), probe_fields(1, [b"\2" + bytes(63)]), (), ["document-example", "document-error"])
    group = file.group("probe-v2", "MS-PCCRD 4.2", direction="request", message="Probe")
    example = "ACACI74aAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQAjvhoBAAAAADAdGgEAAAAAQQBBAEQAeQBnAE0ATQAxAA=="
    data = base64.b64decode(example)
    assert data[:3] == b"\0\x20\2" and len(data) == 67
    twice = [data[3:35], data[35:]]
    accept(group, 20, "The scope of 4.2: the same id twice.", V2_TOPICS, probe(2, example), probe_fields(2, twice), (),
           ["document-example"])
    example = "ACABKQEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQA="
    accept(group, 21, "The scope of 2.2.2.1: one id.", V2_TOPICS, probe(2, example),
           probe_fields(2, [base64.b64decode(example)[3:]]), (), ["document-example"])
    group = file.group("probe-v2-made", "hand-made", direction="request", message="Probe")
    accept(group, 22, "Six ids.", V2_TOPICS, probe(2, v2_scope(IDS)), probe_fields(2, IDS))
    many = [segment_id(f"many {i}") for i in range(255)]
    accept(group, 23, "255 ids, the most that the count can say.", V2_TOPICS, probe(2, v2_scope(many)), probe_fields(2, many), (),
           ["boundary"])
    accept(group, 24, "Ids of 64 bytes.", V2_TOPICS, probe(2, v2_scope([segment_id("y", 64)])),
           probe_fields(2, [segment_id("y", 64)]), (), ["long-id"])
    accept(group, 25, "Line breaks around the scope.", V2_TOPICS, probe(2, f"\n{v2_scope(IDS)}\n"), probe_fields(2, IDS), (),
           ["white-space"])
    accept(group, 26, "Other prefixes.", f"{V2_TOPICS} PCCRD-2.2.1-03", probe(2, v2_scope(IDS), prefixes=("e", "a", "w", "q")),
           probe_fields(2, IDS), [prefix], ["namespace"])
    accept(group, 27, "One id.", V2_TOPICS, probe(2, v2_scope(IDS[:1])), probe_fields(2, IDS[:1]))


def matches(file):
    group = file.group("match-v1", "MS-PCCRD 2.2.2.2", direction="response", message="ProbeMatches")
    topics = f"{MATCHING} PCCRD-2.2.3.3-02 PCCRD-2.2.3.9-01 PCCRD-2.2.3.9-02"

    def fields(identifiers, counts, **more):
        return match_fields(1, segment_ids=[identifier.hex() for identifier in identifiers], BlockCount=counts, **more)

    accept(group, 40, "One segment of 42 blocks, as in 4.3, whose XML is not well-formed and whose id is broken in two.", topics,
           match(1, hexes(IDS[:1]), "0000002A"), fields(IDS[:1], [42]), (), ["document-example", "document-error"])
    accept(group, 41, "Three segments of 25, 4 and 16 blocks: the text of 2.2.3.9 has four digits a count, messages eight.", topics,
           match(1, hexes(IDS[:3]), "000000190000000400000010"), fields(IDS[:3], [25, 4, 16]), (), ["document-error"])
    accept(group, 42, "No blocks.", topics, match(1, hexes(IDS[:1]), "00000000"), fields(IDS[:1], [0]), (), ["boundary"])
    accept(group, 43, "2^32 - 1 blocks.", topics, match(1, hexes(IDS[:1]), "FFFFFFFF"), fields(IDS[:1], [2**32 - 1]), (),
           ["boundary"])
    accept(group, 44, "Lower-case digits in the count.", topics, match(1, hexes(IDS[:1]), "0000002a"), fields(IDS[:1], [42]), (),
           ["case"])
    both = ("157.59.141.183:54321", "[2001:db8::7]:54321")
    accept(group, 45, "An IPv4 and an IPv6 address.", topics, match(1, hexes(IDS[:1]), "00000001", " ".join(both)),
           fields(IDS[:1], [1], addresses=both))
    accept(group, 46, "An entry with a scheme besides: skipped.", topics,
           match(1, hexes(IDS[:1]), "00000001", "http://157.59.141.183:80/ 157.59.141.183:54321"), fields(IDS[:1], [1]))
    accept(group, 47, "Port 65,535.", topics, match(1, hexes(IDS[:1]), "00000001", "10.0.0.1:65535"),
           fields(IDS[:1], [1], addresses=("10.0.0.1:65535",)), (), ["boundary"])
    accept(group, 48, "The highest InstanceId and MessageNumber.", topics,
           match(1, hexes(IDS[:1]), "00000001", head=match_header(2**32 - 1, 2**32 - 1)),
           fields(IDS[:1], [1], instance=2**32 - 1, number=2**32 - 1), (), ["boundary"])
    accept(group, 49, "MetadataVersion 2 in a version 1.0 match: nothing follows from it.", f"{topics} PCCRD-2.2.3.5-01",
           match(1, hexes(IDS[:1]), "00000001", metadata=2), fields(IDS[:1], [1], metadata=2))
    accept(group, 50, "Other prefixes.", f"{topics} PCCRD-2.2.1-03",
           match(1, hexes(IDS[:1]), "00000001", prefixes=("S", "A", "D", "P")), fields(IDS[:1], [1]), ["rd-other-prefix"],
           ["namespace"])
    group = file.group("match-v2", "MS-PCCRD 4.4", direction="response", message="ProbeMatches")
    topics = f"{MATCHING} PCCRD-2.2.3.3-06 PCCRD-2.2.3.3-07 PCCRD-2.2.3.3-08 PCCRD-2.2.3.9-03 PCCRD-2.2.3.9-04"

    def states_fields(states, unit, pairs):
        return match_fields(2, availability=states, **shown_ages(unit, pairs))

    def made(states, unit, pairs, **how):
        return match(2, b64(bits(states)), b64(ages(unit, pairs)), **how)

    pairs = [(0, 60000), (2, 60000)]
    assert b64(ages(3, pairs)) == "AAEDAgBg6gACYOoA"
    complete = ["complete"] * 40
    assert b64(bits(complete)) == "/////////////w=="
    accept(group, 60, "The match of 4.4, well-formed: 40 complete segments, ages for the first and the third.", topics,
           match(2, "/////////////w==", "AAEDAgBg6gACYOoA"), states_fields(complete, 3, pairs), (),
           ["document-example", "document-error"], 40)
    mixed = ["complete", "none", "part", "complete", "none"]
    assert bits(mixed) == bytes([0b11001011, 0])
    group = file.group("match-v2-made", "hand-made", direction="response", message="ProbeMatches")
    accept(group, 61, "Five segments: the unused bits of the last byte are 0.", topics, made(mixed, 3, [(0, 1)]),
           states_fields(mixed, 3, [(0, 1)]), (), (), 5)
    accept(group, 62, "One segment, in part.", topics, made(["part"], 1, []), states_fields(["part"], 1, []), (), ["boundary"], 1)
    accept(group, 63, "Nothing of four.", topics, made(["none"] * 4, 3, []), states_fields(["none"] * 4, 3, []), (), (), 4)
    accept(group, 64, "The unused bits are ones: a reader does not look at them.", topics,
           match(2, b64(b"\xff"), b64(ages(3, []))), states_fields(["complete"] * 3, 3, []), (), ["boundary"], 3)
    accept(group, 65, "Every segment of 255.", topics, made(["complete"] * 255, 4, [(254, 0xFFFFFF)]),
           states_fields(["complete"] * 255, 4, [(254, 0xFFFFFF)]), (), ["boundary"], 255)
    dropped = match_fields(2, availability=["complete"], BlobDropped="age-unit")
    accept(group, 66, "Ages of an unknown unit: dropped, the match stands.", f"{topics} PCCRR-2.2.6.1.1-02",
           match(2, b64(bits(["complete"])), b64(ages(9, [(0, 1)]))), dropped, (), ["blob"], 1)
    dropped = match_fields(2, availability=["complete"], BlobDropped="blob-too-short")
    accept(group, 67, "No ages at all: the match stands.", f"{topics} PCCRR-2.2.6-04", match(2, b64(bits(["complete"])), ""),
           dropped, (), ["blob"], 1)


def build():
    file = VectorFile(
        "message", "message", "Probes and matches, accepted",
        "Read the text as UTF-8. The availability of a version 2.0 match is that of as many segments as the probe had, which "
        "segments gives. The text need not come back when it is written again, its fields must.", **DOCUMENT)
    probes(file)
    matches(file)
    return file
