//! The examples of MS-PCCRD 2.2.2 and 4, set right where they are no XML, and what programs in the field write and read.
//! Invariant: an example is changed only in its quotes and in line breaks inside one id.
//! Byte order: as in the messages.

use super::*;

const HEAD: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"
xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery"
xmlns:PeerDist=
"http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery">
"#;
const TO_ALL: &str = "<soap:Header>
<wsa:To>
urn:schemas-xmlsoap-org:ws:2005:04:discovery
</wsa:To>
<wsa:Action>
http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe
</wsa:Action>
<wsa:MessageID>
urn:uuid:91528b47-b96d-4e30-981f-308c0586926f
</wsa:MessageID>
</soap:Header>
";
const ANSWER: &str = r#"<soap:Header>
<wsa:To>
http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous
</wsa:To>
<wsa:Action>
http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches
</wsa:Action>
<wsa:MessageID>
urn:uuid:7f4b09a3-96c9-4170-9eb3-1c805a52f444
</wsa:MessageID>
<wsa:RelatesTo>
urn:uuid:91528b47-b96d-4e30-981f-308c0586926f
</wsa:RelatesTo>
<wsd:AppSequence InstanceId="1218765447" MessageNumber="4"/>
</soap:Header>
<soap:Body>
<wsd:ProbeMatches>
<wsd:ProbeMatch>
<wsa:EndpointReference>
<wsa:Address>
urn:uuid:87A89944-0230-43a5-AC4E-FAB1386C8E2C
</wsa:Address>
</wsa:EndpointReference>
"#;
const ANSWER_END: &str = "</wsd:ProbeMatch>
</wsd:ProbeMatches>
</soap:Body>
</soap:Envelope>
";

fn probe_body(kind: &str, rule: &str, scopes: &str) -> String {
    format!(
        "{HEAD}{TO_ALL}<soap:Body>
<wsd:Probe>
<wsd:Types>
PeerDist:{kind}
</wsd:Types>
<wsd:Scopes
MatchBy=
\"{rule}\">
{scopes} </wsd:Scopes>
</wsd:Probe>
</soap:Body>
</soap:Envelope>
"
    )
}

const STRCMP: &str = "http://schemas.xmlsoap.org/ws/2005/04/discovery/strcmp0";
const V2_RULE: &str = "http://schemas.microsoft.com/p2p/2010/05/PeerDistV2MatchingRule";

fn read_probe(text: &str) -> Probe {
    match Message::decode(text.as_bytes()).unwrap() {
        Decoded {
            message: Message::Probe(probe),
            quirks,
        } if quirks.is_empty() => probe,
        other => panic!("{other:?}"),
    }
}

fn read_match(text: &str) -> ProbeMatch {
    match Message::decode(text.as_bytes()).unwrap() {
        Decoded {
            message: Message::ProbeMatch(found),
            quirks,
        } if quirks.is_empty() => found,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_the_version_1_probe_of_section_4_1() {
    // Printed with a break after the 67th digit; it says that this is one id.
    let digits = format!("02{}", "0".repeat(126));
    let probe = read_probe(&probe_body("PeerDistData", STRCMP, &digits));
    assert_eq!(probe.version, Version::V1);
    assert_eq!(probe.ids.len(), 1);
    assert_eq!(probe.ids[0].0.as_bytes().len(), 64);
    assert_eq!(
        probe.message_id.as_str(),
        "urn:uuid:91528b47-b96d-4e30-981f-308c0586926f"
    );
    let as_printed = format!("{}\n{}", &digits[..67], &digits[67..]);
    let error = fault(&probe_body("PeerDistData", STRCMP, &as_printed));
    assert_eq!(error.unwrap_err(), "hex");
}

#[test]
fn reads_the_version_2_probes_of_sections_2_2_2_1_and_4_2() {
    let scopes = "ACACI74aAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQAjvhoBAAAAADAdGgEAAAAAQQBBAEQAeQBnAE0ATQAxAA==";
    let probe = read_probe(&probe_body("PeerDistDataV2", V2_RULE, scopes));
    assert_eq!(probe.version, Version::V2);
    let id = "23be1a0100000000301d1a0100000000410041004400790067004d004d003100";
    let ids: Vec<_> = probe.ids.iter().map(ToString::to_string).collect();
    assert_eq!(ids, [id, id]);

    // This one claims an id of 32 bytes and has 32.
    let scopes = "ACABKQEaAQAAAAAwHRoBAAAAAEEAQQBEAHkAZwBNAE0AMQA=";
    let probe = read_probe(&probe_body("PeerDistDataV2", V2_RULE, scopes));
    assert_eq!(probe.ids.len(), 1);
}

#[test]
fn reads_the_version_1_match_of_section_4_3() {
    let found = read_match(&format!(
        "{HEAD}{ANSWER}<wsd:Types>
PeerDist:PeerDistData
</wsd:Types>
<wsd:Scopes>
02000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
</wsd:Scopes>
<wsd:XAddrs>
157.59.141.183:54321
</wsd:XAddrs>
<wsd:MetadataVersion>
1
</wsd:MetadataVersion>
<PeerDist:PeerDistData>
<PeerDist:BlockCount>
0000002A
</PeerDist:BlockCount>
</PeerDist:PeerDistData>
{ANSWER_END}"
    ));
    let related = "urn:uuid:91528b47-b96d-4e30-981f-308c0586926f";
    assert_eq!(found.relates_to.as_str(), related);
    let sequence = AppSequence {
        instance_id: 1_218_765_447,
        message_number: 4,
    };
    assert_eq!(found.sequence, Some(sequence));
    assert_eq!(found.addresses, ["157.59.141.183:54321".parse().unwrap()]);
    assert_eq!(found.metadata_version, Some(1));
    let Found::V1(counts) = found.found else {
        panic!("version 2")
    };
    assert_eq!((counts.len(), counts[0].blocks), (1, 42));
}

#[test]
fn reads_the_version_2_match_of_section_4_4() {
    let found = read_match(&format!(
        "{HEAD}{ANSWER}<wsd:Types>
PeerDist:PeerDistDataV2
</wsd:Types>
<wsd:Scopes>
/////////////w==
</wsd:Scopes>
<wsd:XAddrs>
157.59.141.183:54321
</wsd:XAddrs>
<wsd:MetadataVersion>
2
</wsd:MetadataVersion>
<PeerDist:PeerDistData>
<PeerDist:SegmentAges>
AAEDAgBg6gACYOoA
</PeerDist:SegmentAges>
</PeerDist:PeerDistData>
{ANSWER_END}"
    ));
    let Found::V2 { availability, ages } = found.found else {
        panic!("version 1")
    };
    assert_eq!(availability.capacity(), 40);
    assert!((0..40).all(|index| availability.is_complete(index)));
    assert!(!availability.has(40));
    let ten_minutes = Duration::from_secs(600);
    assert_eq!(
        ages.iter().collect::<Vec<_>>(),
        [(0, ten_minutes), (2, ten_minutes)]
    );
}

/// What stands between the first such tags, broken at white space: how iPXE reads an answer.
fn plain_values(datagram: &str, tag: &str) -> Vec<String> {
    let (_, rest) = datagram.split_once(&format!("<{tag}>")).unwrap();
    let (values, _) = rest.split_once(&format!("</{tag}>")).unwrap();
    values.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_reader_of_plain_text_finds_what_it_looks_for_in_a_version_1_match() {
    let datagram = text(&Message::ProbeMatch(match_v1()));
    assert_eq!(
        plain_values(&datagram, "wsd:Scopes"),
        ["AB".repeat(32), "CD".repeat(32)]
    );
    assert_eq!(
        plain_values(&datagram, "wsd:XAddrs"),
        ["192.0.2.7:54321", "[2001:db8::7]:54321"]
    );
    assert_eq!(
        plain_values(&datagram, "PeerDist:BlockCount"),
        ["0000002A00000000"]
    );
    for tag in ["<wsd:Scopes", "<wsd:XAddrs", "<PeerDist:BlockCount"] {
        assert_eq!(datagram.matches(tag).count(), 1, "{tag}");
    }
}

#[test]
fn what_ipxe_writes_is_read_without_a_quirk() {
    let datagram = concat!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>",
        "<soap:Envelope xmlns:soap=\"http://www.w3.org/2003/05/soap-envelope\" ",
        "xmlns:wsa=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" ",
        "xmlns:wsd=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" ",
        "xmlns:PeerDist=\"http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery\">",
        "<soap:Header><wsa:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</wsa:To>",
        "<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</wsa:Action>",
        "<wsa:MessageID>urn:uuid:91528b47-b96d-4e30-981f-308c0586926f</wsa:MessageID>",
        "</soap:Header><soap:Body><wsd:Probe><wsd:Types>PeerDist:PeerDistData</wsd:Types>",
        "<wsd:Scopes MatchBy=\"http://schemas.xmlsoap.org/ws/2005/04/discovery/strcmp0\">",
        "491B217DBEE2B5F12CA79B015E06F4BBE64F9745BAD7867AEF17DE59927EDCE9",
        "</wsd:Scopes></wsd:Probe></soap:Body></soap:Envelope>",
    );
    let probe = read_probe(datagram);
    assert_eq!(probe.ids.len(), 1);
    // And it is, byte for byte, what is written here.
    assert_eq!(String::from_utf8(probe.encode()).unwrap(), datagram);
}

#[test]
fn the_availability_of_segments_starts_at_the_most_significant_bit() {
    let mut availability = Availability::nothing_of(5);
    availability.add(0, true);
    availability.add(1, false);
    availability.add(4, true);
    availability.add(8, true);
    let mut out = Vec::new();
    availability.write(&mut out);
    // 11 10 00 00, 11 00 00 00
    assert_eq!(out, b"4MA=");
    assert!(availability.has(1) && !availability.is_complete(1));
    assert!(!availability.has(2) && !availability.has(8));
}
