"""Messages of [MS-PCCRD] 2.2 as XML text. Binary values inside are big-endian, but for the ages of [MS-PCCRR] 2.2.1.5."""

import base64

DOCUMENT = {"document": "MS-PCCRD", "folder": "pccrd"}
SOAP, WSA = "http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSD = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
PEERDIST = "http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery"
TO_ALL, TO_SENDER = "urn:schemas-xmlsoap-org:ws:2005:04:discovery", f"{WSA}/role/anonymous"
PROBE, MATCHES = f"{WSD}/Probe", f"{WSD}/ProbeMatches"
STRCMP0, V2_RULE = f"{WSD}/strcmp0", "http://schemas.microsoft.com/p2p/2010/05/PeerDistV2MatchingRule"
PROBE_ID, MATCH_ID = "urn:uuid:91528b47-b96d-4e30-981f-308c0586926f", "urn:uuid:7f4b09a3-96c9-4170-9eb3-1c805a52f444"
ADDRESS = "urn:uuid:87A89944-0230-43a5-AC4E-FAB1386C8E2C"
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
PREFIXES = ("soap", "wsa", "wsd", "PeerDist")


def b64(data):
    return base64.b64encode(data).decode()


def hexes(identifiers):
    return " ".join(identifier.hex().upper() for identifier in identifiers)


def v2_scope(identifiers, size=None, count=None):
    size = len(identifiers[0]) if size is None else size
    count = len(identifiers) if count is None else count
    return b64(size.to_bytes(2, "big") + bytes([count]) + b"".join(identifiers))


def bits(states):
    """Two bits a segment, most significant first: there, and there in full."""
    pairs = {"none": 0, "part": 2, "complete": 3}
    data = bytearray(-(-len(states) // 4))
    for place, state in enumerate(states):
        data[place // 4] |= pairs[state] << 6 - 2 * (place % 4)
    return bytes(data)


def envelope(header, body, prefixes=PREFIXES, declaration=DECLARATION):
    """`header` and `body` are written with the usual prefixes; others are put in their place."""
    text = f"<soap:Header>{header}</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in zip(PREFIXES, (SOAP, WSA, WSD, PEERDIST)))
    text = f"<soap:Envelope {names}>" + text
    for usual, other in zip(PREFIXES, prefixes):
        if usual != other:
            text = text.replace(f"<{usual}:", f"<{other}:").replace(f"</{usual}:", f"</{other}:")
            text = text.replace(f"xmlns:{usual}=", f"xmlns:{other}=").replace(f">{usual}:", f">{other}:")
    return declaration + text


def probe_header(action=PROBE, message=PROBE_ID):
    return f"<wsa:To>{TO_ALL}</wsa:To><wsa:Action>{action}</wsa:Action><wsa:MessageID>{message}</wsa:MessageID>"


def probe_body(version, scopes, rule=None, types=None):
    types = types or ("PeerDist:PeerDistData" if version == 1 else "PeerDist:PeerDistDataV2")
    rule = rule or (STRCMP0 if version == 1 else V2_RULE)
    return f'<wsd:Probe><wsd:Types>{types}</wsd:Types><wsd:Scopes MatchBy="{rule}">{scopes}</wsd:Scopes></wsd:Probe>'


def probe(version, scopes, rule=None, types=None, **how):
    return envelope(probe_header(), probe_body(version, scopes, rule, types), **how)


def match_header(instance=1218765447, number=4, relates=PROBE_ID):
    return (f"<wsa:To>{TO_SENDER}</wsa:To><wsa:Action>{MATCHES}</wsa:Action><wsa:MessageID>{MATCH_ID}</wsa:MessageID>"
            f"<wsa:RelatesTo>{relates}</wsa:RelatesTo>"
            f'<wsd:AppSequence InstanceId="{instance}" MessageNumber="{number}"></wsd:AppSequence>')


def match_body(version, scopes, data, addresses="157.59.141.183:54321", metadata=None):
    types = "PeerDist:PeerDistData" if version == 1 else "PeerDist:PeerDistDataV2"
    name = "BlockCount" if version == 1 else "SegmentAges"
    return ("<wsd:ProbeMatches><wsd:ProbeMatch>"
            f"<wsa:EndpointReference><wsa:Address>{ADDRESS}</wsa:Address></wsa:EndpointReference>"
            f"<wsd:Types>{types}</wsd:Types><wsd:Scopes>{scopes}</wsd:Scopes><wsd:XAddrs>{addresses}</wsd:XAddrs>"
            f"<wsd:MetadataVersion>{metadata or version}</wsd:MetadataVersion>"
            f"<PeerDist:PeerDistData><PeerDist:{name}>{data}</PeerDist:{name}></PeerDist:PeerDistData>"
            "</wsd:ProbeMatch></wsd:ProbeMatches>")


def match(version, scopes, data, addresses="157.59.141.183:54321", metadata=None, head=None, **how):
    return envelope(head or match_header(), match_body(version, scopes, data, addresses, metadata), **how)


def probe_fields(version, identifiers):
    return {"version": version, "MessageID": PROBE_ID, "segment_ids": [identifier.hex() for identifier in identifiers]}


def match_fields(version, metadata=None, addresses=("157.59.141.183:54321",), instance=1218765447, number=4, **more):
    return {"version": version, "MessageID": MATCH_ID, "RelatesTo": PROBE_ID, "InstanceId": instance, "MessageNumber": number,
            "Address": ADDRESS, "XAddrs": list(addresses), "MetadataVersion": metadata or version, **more}
