"""The messages of discovery: MS-PCCRD 2.2, SOAP over UDP.

Invariant: XML from the network is read without a DTD, without entities, bounded in size and depth.
Byte order: big-endian inside of base64 and hexBinary.
"""

import base64
import binascii
import uuid
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape

from . import retrieval
from .wire import Malformed, Reader

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSD = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
PEERDIST = "http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery"
ENVELOPE, HEADER, BODY = f"{SOAP} Envelope", f"{SOAP} Header", f"{SOAP} Body"
PROBE, MATCHES, MATCH = f"{WSD} Probe", f"{WSD} ProbeMatches", f"{WSD} ProbeMatch"
TYPES = {f"{PEERDIST} PeerDistData": 1, f"{PEERDIST} PeerDistDataV2": 2}
UNDERSTOOD = {f"{WSA} {name}" for name in ("To", "Action", "MessageID", "RelatesTo")} | {f"{WSD} AppSequence"}
MATCH_BY = {1: f"{WSD}/strcmp0", 2: "http://schemas.microsoft.com/p2p/2010/05/PeerDistV2MatchingRule"}

XML_BYTES_MOST = 64 * 1024
DEPTH_MOST = 16
ELEMENTS_MOST = 128
SCOPES_MOST = 255


@dataclass
class Probe:
    """What a neighbour looks for."""

    version: int
    message_id: str
    segment_ids: list


@dataclass
class Match:
    """What a neighbour has: the text of its scopes belongs to the probe that it relates to."""

    version: int
    relates_to: str
    scopes: str
    counts: str
    addresses: list


class _Texts:
    """The texts of an XML document by the names of their elements and of those around them.

    An element of the namespaces that are used here may stand once in another; all else is passed over."""

    def __init__(self, data):
        if len(data) > XML_BYTES_MOST:
            raise Malformed(f"XML of {len(data)} bytes, {XML_BYTES_MOST} are the most")
        self.texts, self.attributes, self.open, self.prefixes = {}, {}, [], {}
        self.type_names, self.count = None, 0
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._prefix
        parser.EndNamespaceDeclHandler = lambda prefix: self.prefixes[prefix].pop()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(data, True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise Malformed(f"not well-formed XML: {error}") from None

    def _doctype(self, *_):
        raise Malformed("a DTD, which no message has")

    def _prefix(self, prefix, uri):
        self.prefixes.setdefault(prefix, []).append(uri)

    def _start(self, name, attributes):
        self.count += 1
        if len(self.open) == DEPTH_MOST or self.count > ELEMENTS_MOST:
            raise Malformed("XML with too many elements, or too deep")
        parent = self.open[-1][1] if self.open else None
        place = (parent, name)
        is_ours = name.partition(" ")[0] in (SOAP, WSA, WSD, PEERDIST)
        if place in self.texts and is_ours:
            raise Malformed(f"a second element {name}")
        must = attributes.get(f"{SOAP} mustUnderstand", "0").strip()
        if parent == HEADER and must in ("1", "true") and name not in UNDERSTOOD:
            raise Malformed(f"{name} has to be understood, and is not")
        self.texts.setdefault(place, "")
        self.attributes.setdefault(place, attributes)
        self.open.append(place)

    def _text(self, text):
        if self.open:
            self.texts[self.open[-1]] += text

    def _end(self, name):
        place = self.open.pop()
        if name == f"{WSD} Types":
            # The prefixes of its value are those that are in force here.
            self.type_names = [self._qualified(word) for word in self.texts[place].split()]

    def _qualified(self, word):
        prefix, colon, local = word.rpartition(":")
        uris = self.prefixes.get(prefix if colon else None)
        return f"{uris[-1] if uris else ''} {local}"

    def get(self, parent, name):
        """The text of an element without the white space around; Malformed if it is not inside of that parent."""
        if (parent, name) not in self.texts:
            raise Malformed(f"{name}: missing in {parent}")
        return self.texts[parent, name].strip()

    def filled(self, parent, name):
        """The same; Malformed if there is none."""
        text = self.get(parent, name)
        if not text:
            raise Malformed(f"{name}: empty")
        return text

    def attribute(self, parent, name, attribute):
        """An attribute of an element, if it has it."""
        return self.attributes.get((parent, name), {}).get(attribute)

    def version(self, parent):
        """1 or 2 by the types; Malformed if the message is another service's."""
        self.get(parent, f"{WSD} Types")
        versions = [TYPES[name] for name in self.type_names or [] if name in TYPES]
        if len(versions) != 1:
            raise Malformed("Types: PeerDistData or PeerDistDataV2 expected")
        return versions[0]

    def action(self, name):
        """Refuses a message of another kind."""
        self.get(ENVELOPE, BODY)
        self.get(ENVELOPE, HEADER)
        if self.get(HEADER, f"{WSA} Action") != f"{WSD}/{name}":
            raise Malformed(f"Action: {name} expected")


def _decoded(text):
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"base64 expected: {error}") from None


def _hex(text):
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Malformed(f"hexadecimal expected, {text[:20]!r} is there") from None


def _envelope(action, to, header, body):
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="{WSA}" xmlns:wsd="{WSD}" xmlns:PeerDist="{PEERDIST}">'
        f"<soap:Header><wsa:To>{to}</wsa:To><wsa:Action>{WSD}/{action}</wsa:Action>{header}</soap:Header>"
        f"<soap:Body>{body}</soap:Body></soap:Envelope>"
    ).encode()


def _type_name(version):
    return "PeerDist:PeerDistData" if version == 1 else "PeerDist:PeerDistDataV2"


def new_id():
    """A name for a message or an endpoint."""
    return f"urn:uuid:{uuid.uuid4()}"


def probe(message_id, version, segment_ids):
    """A probe for segments of one size of id."""
    if version == 1:
        scopes = " ".join(segment_id.hex().upper() for segment_id in segment_ids)
    else:
        head = len(segment_ids[0]).to_bytes(2, "big") + bytes([len(segment_ids)])
        scopes = base64.b64encode(head + b"".join(segment_ids)).decode()
    body = (
        f"<wsd:Probe><wsd:Types>{_type_name(version)}</wsd:Types>"
        f'<wsd:Scopes MatchBy="{MATCH_BY[version]}">{scopes}</wsd:Scopes></wsd:Probe>'
    )
    header = f"<wsa:MessageID>{message_id}</wsa:MessageID>"
    return _envelope("Probe", "urn:schemas-xmlsoap-org:ws:2005:04:discovery", header, body)


def read_probe(data):
    """A probe of this protocol; all else is Malformed."""
    texts = _Texts(data)
    texts.action("Probe")
    texts.get(BODY, PROBE)
    version, scopes = texts.version(PROBE), texts.get(PROBE, f"{WSD} Scopes")
    rule = texts.attribute(PROBE, f"{WSD} Scopes", "MatchBy")
    if rule != MATCH_BY[version]:
        raise Malformed(f"MatchBy: {MATCH_BY[version]} expected, {rule} is there")
    segment_ids = [_hex(word) for word in scopes.split()] if version == 1 else _packed_ids(scopes)
    if not 1 <= len(segment_ids) <= SCOPES_MOST:
        raise Malformed(f"Scopes: 1 to {SCOPES_MOST} segments expected, {len(segment_ids)} are there")
    return Probe(version, texts.filled(HEADER, f"{WSA} MessageID"), segment_ids)


def _packed_ids(scopes):
    reader = Reader(_decoded(scopes))
    size, count = reader.be(2, "SegmentHashSize"), reader.be(1, "Segment Hash Count")
    if size == 0:
        raise Malformed("SegmentHashSize: more than 0 expected")
    segment_ids = [reader.take(size, "HoHoDk") for _ in range(count)]
    reader.end("Scopes")
    return segment_ids


def match(asked, relates_to, store, endpoint, sequence, address):
    """The match for a probe of which at least one segment is held; `sequence` is (InstanceId, MessageNumber)."""
    held = [known for known in asked.segment_ids if known in store.segments]
    if asked.version == 1:
        scopes = " ".join(known.hex().upper() for known in held)
        counts = "".join(f"{len(store.block_indexes(known)):08X}" for known in held)
        data = f"<PeerDist:BlockCount>{counts}</PeerDist:BlockCount>"
    else:
        pairs = [_pair(store, known) for known in asked.segment_ids]
        pairs += [0] * (-len(pairs) % 4)
        packed = bytes(a << 6 | b << 4 | c << 2 | d for a, b, c, d in zip(*[iter(pairs)] * 4))
        scopes = base64.b64encode(packed).decode()
        ages = [(i, store.age()) for i, known in enumerate(asked.segment_ids) if known in store.segments]
        blob = base64.b64encode(retrieval.ages_blob(ages)).decode()
        data = f"<PeerDist:SegmentAges>{blob}</PeerDist:SegmentAges>"
    body = (
        "<wsd:ProbeMatches><wsd:ProbeMatch>"
        f"<wsa:EndpointReference><wsa:Address>{endpoint}</wsa:Address></wsa:EndpointReference>"
        f"<wsd:Types>{_type_name(asked.version)}</wsd:Types><wsd:Scopes>{scopes}</wsd:Scopes>"
        f"<wsd:XAddrs>{address}</wsd:XAddrs><wsd:MetadataVersion>{asked.version}</wsd:MetadataVersion>"
        f"<PeerDist:PeerDistData>{data}</PeerDist:PeerDistData></wsd:ProbeMatch></wsd:ProbeMatches>"
    )
    header = (
        f"<wsa:MessageID>{new_id()}</wsa:MessageID><wsa:RelatesTo>{escape(relates_to)}</wsa:RelatesTo>"
        f'<wsd:AppSequence InstanceId="{sequence[0]}" MessageNumber="{sequence[1]}"/>'
    )
    return _envelope("ProbeMatches", f"{WSA}/role/anonymous", header, body)


def _pair(store, segment_id):
    """Two bits: has it, has all of it."""
    if segment_id not in store.segments:
        return 0
    return 3 if store.has_whole(segment_id) else 2


def read_match(data):
    """A match of this protocol; all else is Malformed."""
    texts = _Texts(data)
    texts.action("ProbeMatches")
    texts.get(BODY, MATCHES)
    texts.get(MATCHES, MATCH)
    version = texts.version(MATCH)
    counts = texts.get(f"{PEERDIST} PeerDistData", f"{PEERDIST} BlockCount") if version == 1 else ""
    scopes, addresses = texts.get(MATCH, f"{WSD} Scopes"), texts.get(MATCH, f"{WSD} XAddrs").split()
    return Match(version, texts.get(HEADER, f"{WSA} RelatesTo"), scopes, counts, addresses)


def matched_ids(answer, segment_ids):
    """Which of the segments of the probe the neighbour has."""
    if answer.version == 1:
        scopes = [_hex(word) for word in answer.scopes.split()]
        counts = _hex(answer.counts)
        # The document's own example has two bytes a count, its formula four.
        if not scopes or len(counts) not in (4 * len(scopes), 2 * len(scopes)):
            raise Malformed(f"BlockCount: {4 * len(scopes)} bytes expected, {len(counts)} are there")
        size = len(counts) // len(scopes)
        has = {known for i, known in enumerate(scopes) if any(counts[i * size : (i + 1) * size])}
        return [known for known in segment_ids if known in has]
    bits = _decoded(answer.scopes)
    if len(bits) * 4 < len(segment_ids):
        raise Malformed(f"Scopes: two bits for {len(segment_ids)} segments expected, {len(bits)} bytes are there")
    return [known for i, known in enumerate(segment_ids) if bits[i // 4] >> (6 - i % 4 * 2) & 2]
