"""Probes and matches of [MS-PCCRD] that are silently discarded.

The offset is that of the value at fault, white space before it left out; inside digits and base64 it is that of the character
at fault, or of the place where the one that is missing should stand. What only an XML reader can judge has none.
"""

from .model import VectorFile
from .rd_messages import IDS, MATCHING, V1_TOPICS, V2_TOPICS
from .rd_model import DOCUMENT, PROBE, PROBE_ID, STRCMP0, V2_RULE, b64, bits, hexes, match, probe, v2_scope
from .rr_model import ages
from .wire import refused

GOOD = hexes(IDS[:1])


def value_at(text, before):
    """The offset right behind the one place of `before`, counted in bytes."""
    assert text.count(before) == 1, before
    return len(text[:text.index(before) + len(before)].encode())


def refuse(group, number, comment, topics, text, error, offset=None, flags=(), segments=None):
    given = {"text": text} if segments is None else {"text": text, "segments": segments}
    group.test(number, comment, topics, given, refused(error, offset), flags)


def scopes(file):
    group = file.group("probe-v1", "hand-made", direction="request", message="Probe")
    topics, tag = f"{V1_TOPICS} PCCRD-3.2.4.1-06 PCCRD-3.2.4.1-07", f'MatchBy="{STRCMP0}">'
    rows = (
        (1, "", "no-scopes", None, "No id."),
        (2, " \n ", "no-scopes", None, "White space and no id."),
        (3, GOOD[:-1], "hex", 63, "An odd number of digits."),
        (4, GOOD[:-1] + "G", "hex", 63, "A G among the digits."),
        (5, GOOD[:62], "id-length", 0, "31 bytes: no hash is as long."),
        (6, GOOD + "00", "id-length", 0, "33 bytes."),
        (7, "02" + "0" * 65 + "\n" + "0" * 61, "hex", 67, "The id of 4.1 as it is printed, broken after 67 digits."),
        (8, GOOD + " " + GOOD[:-2] + "XY", "hex", 127, "The second id is no hex."),
        (9, "0x" + GOOD, "hex", 1, "A prefix for hex."),
        (10, "AA", "id-length", 0, "One byte."),
    )
    for number, scope, error, place, comment in rows:
        text = probe(1, scope)
        offset = None if place is None else value_at(text, tag) + place
        refuse(group, number, comment, topics, text, error, offset, ["document-example", "document-error"] if number == 7 else ())
    group = file.group("probe-v2", "hand-made", direction="request", message="Probe")
    topics, tag = f"{V2_TOPICS} PCCRD-3.2.4.1-06 PCCRD-3.2.4.1-07", f'MatchBy="{V2_RULE}">'
    rows = (
        (20, "", "no-scopes", None, "No scope."),
        (21, v2_scope(IDS[:1])[:-1], "base64", 47, "A character too few."),
        (22, "*" + v2_scope(IDS[:1])[1:], "base64", 0, "A character that base64 does not have."),
        (23, v2_scope(IDS[:2], count=3), "scope-length", 4, "Three ids claimed, two there."),
        (24, v2_scope(IDS[:2], count=1), "scope-length", 4, "One id claimed, two there."),
        (25, v2_scope(IDS[:1], size=48), "scope-length", 4, "48 bytes an id claimed, 32 there."),
        (26, b64(b"\0\x20"), "scope-length", 0, "Two bytes: the count is missing."),
        (27, b64(b"\0\x20\0"), "no-scopes", 2, "Count 0."),
        (28, b64(b"\0\x21\1" + bytes(33)), "id-length", 0, "An id of 33 bytes."),
        (29, v2_scope(IDS[:1], size=0x2000), "scope-length", 4, "The size in the other byte order."),
    )
    for number, scope, error, place, comment in rows:
        text = probe(2, scope)
        refuse(group, number, comment, topics, text, error, None if place is None else value_at(text, tag) + place,
               ["lying-count"] if error == "scope-length" else ())


def other_messages(file):
    group = file.group("other-probes", "hand-made", direction="request", message="Probe")
    topics = "PCCRD-3.2.4.1-01 PCCRD-2.2.3.1-03 PCCRD-3.2.6-01 PCCRD-2.2.1-01"
    good = probe(1, GOOD)
    text = probe(1, GOOD, types="PeerDist:Printer")
    refuse(group, 40, "A probe for something else in the same namespace.", topics, text, "foreign-types",
           value_at(text, "<wsd:Types>"))
    text = good.replace("2007/09/PeerDistributionDiscovery", "2007/09/Other")
    refuse(group, 41, "The prefix in Types stands for another namespace.", f"{topics} PCCRD-2.2.1-04", text, "foreign-types",
           value_at(text, "<wsd:Types>"), ["namespace"])
    text = good.replace(PROBE, PROBE.replace("Probe", "Hello"))
    refuse(group, 42, "Another message of WS-Discovery.", topics, text, "foreign-action", value_at(text, "<wsa:Action>"))
    text = probe(1, GOOD, rule=V2_RULE)
    refuse(group, 43, "The rule of comparison of version 2.0 in a version 1.0 probe.", "PCCRD-2.2.2.1-02", text, "match-by",
           value_at(text, 'MatchBy="'), ["version"])
    text = probe(2, v2_scope(IDS[:1]), rule=STRCMP0)
    refuse(group, 44, "The rule of comparison of version 1.0 in a version 2.0 probe.", "PCCRD-2.2.2.1-03", text, "match-by",
           value_at(text, 'MatchBy="'), ["version"])
    text = good.replace(f"<wsa:MessageID>{PROBE_ID}</wsa:MessageID>", "")
    refuse(group, 45, "No MessageID.", "PCCRD-4.1-01", text, "missing-element")
    start, end = good.index("<wsd:Scopes"), good.index("</wsd:Probe>")
    refuse(group, 46, "No Scopes.", "PCCRD-2.2.2.1-01 PCCRD-3.2.4.1-07", good[:start] + good[end:], "missing-element")
    start, end = good.index("<wsd:Types"), good.index("<wsd:Scopes")
    refuse(group, 47, "No Types: a search for services of any kind, as others send it.", "PCCRD-2.2.2.1-01 PCCRD-3.2.6-01",
           good[:start] + good[end:], "foreign-types")
    refuse(group, 48, "Scopes twice.", "PCCRD-2.2.2.1-01", good[:end] + good[end:].replace(
        "</wsd:Probe>", f'<wsd:Scopes MatchBy="{STRCMP0}">{GOOD}</wsd:Scopes></wsd:Probe>'), "duplicate-element")


def hostile(file):
    group = file.group("xml", "hand-made", direction="request", message="Probe")
    good, topics = probe(1, GOOD), "PCCRD-2.1-01"
    end = good.index("?>") + 2
    text = good[:end] + '<!DOCTYPE x [<!ENTITY a "b">]>' + good[end:]
    refuse(group, 60, "A document type declaration.", topics, text, "doctype", end, ["hostile"])
    text = probe(1, "&lol;")
    refuse(group, 61, "An entity that nobody declared.", topics, text, "entity", text.index("&lol;"), ["hostile"])
    text = good[:end] + "<?php x ?>" + good[end:]
    refuse(group, 62, "A processing instruction.", topics, text, "processing-instruction", end, ["hostile"])
    refuse(group, 63, "The text ends inside Scopes.", topics, good[:good.index("</wsd:Scopes")], "truncated", None, ["truncation"])
    refuse(group, 64, "The last tag is missing.", topics, good[:-len("</soap:Envelope>")], "truncated", None, ["truncation"])
    refuse(group, 65, "Nothing.", topics, "", "truncated", None, ["truncation"])
    refuse(group, 66, "Text behind the end.", topics, good + "more", "trailing-bytes", len(good), ["trailing-data"])
    refuse(group, 67, "A prefix that stands for nothing.", f"{topics} PCCRD-2.2.1-03",
           good.replace("<wsd:Probe>", "<nobody:Probe>").replace("</wsd:Probe>", "</nobody:Probe>"), "unbound-prefix", None,
           ["namespace"])
    refuse(group, 68, "Tags that cross.", topics, good.replace("</wsd:Types>", "</wsd:Scopes>", 1), "not-well-formed", None)
    refuse(group, 69, "SOAP 1.1.", f"{topics} PCCRD-2.2.1-02",
           good.replace("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/"), "not-soap", None,
           ["namespace"])
    refuse(group, 70, "Five hundred elements inside each other.", topics,
           good.replace("<wsd:Probe>", "<a>" * 500 + "<wsd:Probe>").replace("</wsd:Probe>", "</wsd:Probe>" + "</a>" * 500),
           "too-deep", None, ["hostile"])


def matches(file):
    group = file.group("match-v1", "hand-made", direction="response", message="ProbeMatches")
    topics = f"{MATCHING} PCCRD-2.2.3.9-02 PCCRD-3.1.4.1-04"
    for number, digits, error, place, comment in (
            (80, "0019", "block-count", 0, "Four digits a count, as in the text of 2.2.3.9."),
            (81, "0000002A0000002A", "block-count", 0, "Two counts for one segment."),
            (82, "000000", "block-count", 0, "Six digits."),
            (83, "0000002G", "hex", 7, "A G among the digits."),
            (84, "0000002", "hex", 7, "Seven digits.")):
        text = match(1, GOOD, digits)
        refuse(group, number, comment, topics, text, error, value_at(text, "<PeerDist:BlockCount>") + place,
               ["document-error"] if number == 80 else ())
    for number, addresses, comment in (
            (85, "", "No address."), (86, "157.59.141.183", "No port."), (87, "157.59.141.183:0x50", "A port in hex."),
            (88, "157.59.141.183:65536", "Port 65,536."), (89, "http://157.59.141.183:80/", "Only an entry with a scheme.")):
        refuse(group, number, comment, f"{MATCHING} PCCRD-3.1.4.1-01", match(1, GOOD, "00000001", addresses), "no-address")
    text = match(1, "", "")
    refuse(group, 90, "No ids.", topics, text, "no-scopes")
    group = file.group("match-v2", "hand-made", direction="response", message="ProbeMatches")
    topics = f"{MATCHING} PCCRD-2.2.3.3-06 PCCRD-3.1.4.1-04"
    text = match(2, "?" * 4, b64(ages(3, [])))
    refuse(group, 91, "The bits are no base64.", topics, text, "base64", value_at(text, "<wsd:Scopes>"), (), 1)
    text = match(2, b64(bits(["complete"] * 4)), "???")
    refuse(group, 92, "The ages are no base64.", f"{topics} PCCRD-2.2.3.9-04", text, "base64",
           value_at(text, "<PeerDist:SegmentAges>"), (), 4)


def build():
    file = VectorFile(
        "message_invalid", "message", "Probes and matches, refused",
        "Discard the text. The offset, where there is one, is that of the value at fault in bytes, white space before it left out; "
        "in hex and base64 that of the character at fault, or of the place where one is missing.",
        **DOCUMENT)
    for part in (scopes, other_messages, hostile, matches):
        part(file)
    return file
