//! What a hostile network says as MS-PCCRD: elements that lack or stand twice, values that are none, others' messages.
//! Invariant: each is refused by its own name; what is for others is known as such.
//! Byte order: as in the messages.

use super::hostile::{fault_of, usual};
use super::*;

/// The start and the end tag of an element, and what is between them.
fn whole(text: &str, tag: &str) -> String {
    let open = format!("<{tag}");
    let mut starts = text.match_indices(&open).map(|(at, _)| at);
    let is_end_of_name = |at: &usize| " />".contains(&text[at + 1 + tag.len()..][..1]);
    let start = starts.find(is_end_of_name).unwrap();
    let close = format!("</{tag}>");
    let end = match text[start..].find(&close) {
        Some(end) => start + end + close.len(),
        None => start + text[start..].find("/>").unwrap() + 2,
    };
    text[start..end].to_owned()
}

#[test]
fn every_element_that_must_be_there_is_missed_and_no_element_may_be_there_twice() {
    let in_probes = [
        "soap:Header",
        "soap:Body",
        "wsa:Action",
        "wsa:MessageID",
        "wsd:Probe",
        "wsd:Types",
        "wsd:Scopes",
    ];
    let in_matches = [
        "soap:Header",
        "soap:Body",
        "wsa:Action",
        "wsa:MessageID",
        "wsa:RelatesTo",
        "wsd:AppSequence",
        "wsd:ProbeMatches",
        "wsd:ProbeMatch",
        "wsa:EndpointReference",
        "wsa:Address",
        "wsd:Types",
        "wsd:Scopes",
        "wsd:XAddrs",
        "wsd:MetadataVersion",
        "PeerDist:PeerDistData",
    ];
    let v1 = [&in_matches[..], &["PeerDist:BlockCount"]].concat();
    let v2 = [&in_matches[..], &["PeerDist:SegmentAges"]].concat();
    for (index, tags) in [
        (0, in_probes.to_vec()),
        (1, in_probes.to_vec()),
        (2, v1),
        (3, v2),
    ] {
        for tag in tags {
            let usual = usual(index);
            let element = whole(&usual, tag);
            let missing = fault(&usual.replacen(&element, "", 1));
            let expected = match tag {
                "wsd:Types" => Err("foreign-types"),
                "wsd:AppSequence" | "wsd:MetadataVersion" => {
                    assert!(missing.is_ok(), "{tag}");
                    missing.clone()
                }
                _ => Err("missing-element"),
            };
            assert_eq!(missing, expected, "{tag}");
            let doubled = fault(&usual.replacen(&element, &element.repeat(2), 1));
            // A second body has no header any more that is its own.
            let expected = if tag == "soap:Body" {
                "missing-element"
            } else {
                "duplicate-element"
            };
            assert_eq!(doubled, Err(expected), "{tag}");
        }
    }
}

#[test]
fn messages_for_others_are_known_as_such() {
    for (index, from, to) in [
        (0, "discovery/Probe<", "discovery/Hello<"),
        (0, "discovery/Probe<", "discovery/Resolve<"),
        (
            2,
            "ProbeMatches</wsa:Action>",
            "ResolveMatches</wsa:Action>",
        ),
        (0, "PeerDist:PeerDistData<", "wsd:Device<"),
        (0, "PeerDist:PeerDistData<", "PeerDist:PeerDistDataV3<"),
        (0, "PeerDist:PeerDistData<", "PeerDistData<"),
        (0, "PeerDist:PeerDistData<", "<"),
        (2, "PeerDist:PeerDistData<", "wsd:Device PeerDist:Other<"),
    ] {
        let changed = usual(index).replacen(from, to, 1);
        let error = Message::decode(changed.as_bytes()).unwrap_err();
        assert!(error.is_foreign(), "{to}: {error}");
    }
    let two = fault_of(
        0,
        "PeerDist:PeerDistData<",
        "PeerDist:PeerDistData wsd:Device<",
    );
    assert_eq!(two, "types");
}

#[test]
fn headers_that_must_be_understood_and_are_not_make_a_message_refused() {
    let header = "<x:a xmlns:x='urn:x' soap:mustUnderstand='V'/><wsa:To>";
    for (value, refused) in [
        ("1", true),
        ("true", true),
        (" true ", true),
        ("0", false),
        ("false", false),
    ] {
        let changed = usual(0).replacen("<wsa:To>", &header.replace('V', value), 1);
        let found = fault(&changed).err();
        assert_eq!(found, refused.then_some("must-understand"), "{value}");
    }
    let known = usual(0).replacen("<wsa:To>", "<wsa:To soap:mustUnderstand='1'>", 1);
    assert!(fault(&known).is_ok());
}

#[test]
fn probes_with_badly_formed_scopes_are_refused() {
    let both = format!("{} {}", "AB".repeat(32), "CD".repeat(32));
    let many = "AB".repeat(32) + " ";
    for (scopes, name) in [
        (String::new(), "no-scopes"),
        (" \n ".to_owned(), "no-scopes"),
        ("A".repeat(63), "hex"),
        ("G".repeat(64), "hex"),
        ("AB".repeat(31), "id-length"),
        ("AB".repeat(33), "id-length"),
        (format!("{},{}", "AB".repeat(32), "CD".repeat(32)), "hex"),
        (many.repeat(MAX_IDS + 1), "too-many-scopes"),
    ] {
        assert_eq!(fault_of(0, &both, &scopes), name, "{scopes}");
    }
    let usual = usual(1);
    let whole = whole(&usual, "wsd:Scopes");
    let (_, rest) = whole.split_once('>').unwrap();
    let (scopes, _) = rest.split_once('<').unwrap();
    for (bytes, name) in [
        (&[][..], "no-scopes"),
        (&[0, 32], "scope-length"),
        (&[0, 32, 0], "no-scopes"),
        (&[0, 32, 1], "scope-length"),
        (&[&[0, 32, 1][..], &[7; 31]].concat(), "scope-length"),
        (&[&[0, 32, 1][..], &[7; 33]].concat(), "scope-length"),
        (&[&[0, 32, 255][..], &[7; 32]].concat(), "scope-length"),
        (&[&[0xFF, 0xFF, 255][..], &[7; 32]].concat(), "scope-length"),
        (&[&[0, 31, 1][..], &[7; 31]].concat(), "id-length"),
        (&[0, 0, 5], "id-length"),
        (&[&[32, 0, 1][..], &[7; 32]].concat(), "scope-length"),
    ] {
        let mut out = Vec::new();
        base64::write_base64(&mut out, bytes);
        let changed = usual.replace(scopes, core::str::from_utf8(&out).unwrap());
        assert_eq!(fault(&changed), Err(name), "{bytes:?}");
    }
    assert_eq!(fault_of(1, scopes, &format!("{scopes} {scopes}")), "base64");
    assert_eq!(fault_of(1, scopes, &scopes[1..]), "base64");
    for index in [0, 1] {
        assert_eq!(
            fault_of(index, " MatchBy=", " MatchedBy="),
            "missing-element"
        );
        assert_eq!(
            fault_of(index, "MatchBy=\"http", "MatchBy=\"HTTP"),
            "match-by"
        );
    }
    assert_eq!(
        fault_of(0, "PeerDist:PeerDistData<", "PeerDist:PeerDistDataV2<"),
        "match-by"
    );
}

#[test]
fn matches_with_badly_formed_values_are_refused() {
    for (from, to, name) in [
        ("0000002A00000000", "0000002A", "block-count"),
        ("0000002A00000000", "002A0000", "block-count"),
        (
            "0000002A00000000",
            "0000002A0000000000000001",
            "block-count",
        ),
        ("0000002A00000000", "0000002A 00000000", "hex"),
        ("0000002A00000000", "", "block-count"),
        ("0000002A00000000", "0000002A0000000", "hex"),
        ("192.0.2.7:54321 [2001:db8::7]:54321", "", "no-address"),
        (
            "192.0.2.7:54321 [2001:db8::7]:54321",
            "http://192.0.2.7:1/",
            "no-address",
        ),
        (
            "192.0.2.7:54321 [2001:db8::7]:54321",
            "192.0.2.7:65536 ::1:80",
            "no-address",
        ),
        ("\"1218765447\"", "\"4294967296\"", "number"),
        ("\"1218765447\"", "\"-1\"", "number"),
        ("\"1218765447\"", "\"+1\"", "number"),
        ("\"1218765447\"", "\"\"", "number"),
        ("MessageNumber=\"4\"", "", "missing-element"),
        (
            "<wsd:MetadataVersion>1",
            "<wsd:MetadataVersion>one",
            "number",
        ),
        ("<wsa:Address>", "<wsa:Address>a b ", "identifier"),
        (
            "<wsa:RelatesTo>",
            "<wsa:RelatesTo><![CDATA[ x ]]>",
            "identifier",
        ),
    ] {
        assert_eq!(fault_of(2, from, to), name, "{to}");
    }
    let usual = usual(2);
    let long = "x".repeat(MAX_IDENTIFIER_BYTES + 1);
    for tag in ["wsa:Address", "wsa:MessageID", "wsa:RelatesTo"] {
        let element = whole(&usual, tag);
        for value in ["", " ", &long] {
            let changed = usual.replacen(&element, &format!("<{tag}>{value}</{tag}>"), 1);
            assert_eq!(fault(&changed), Err("identifier"), "{tag}");
        }
    }
    let addresses = "192.0.2.7:1 ".repeat(MAX_ADDRESSES + 1);
    let changed = fault_of(2, "192.0.2.7:54321 ", &addresses);
    assert_eq!(changed, "too-many-addresses");
    let availability = whole(&text(&messages()[3]), "wsd:Scopes");
    assert_eq!(fault_of(3, &availability, "<wsd:Scopes/>"), "no-scopes");
    assert_eq!(
        fault_of(3, "<PeerDist:SegmentAges>", "<PeerDist:SegmentAges>!"),
        "base64"
    );
    // An unreadable blob says nothing, and spoils nothing.
    let ages = whole(&text(&messages()[3]), "PeerDist:SegmentAges");
    for blob in ["", "AAI=", "AAI=", "/////w=="] {
        let changed = format!("<PeerDist:SegmentAges>{blob}</PeerDist:SegmentAges>");
        let decoded = fault(&text(&messages()[3]).replacen(&ages, &changed, 1)).unwrap();
        let Message::ProbeMatch(ProbeMatch {
            found: Found::V2 { ages, .. },
            ..
        }) = decoded.message
        else {
            panic!()
        };
        assert_eq!(ages.iter().count(), 0);
    }
}

#[test]
fn an_identifier_cannot_smuggle_markup_into_an_answer() {
    let evil = "urn:x?a=1&b=<\"'></wsa:RelatesTo><wsd:XAddrs>192.0.2.66:1</wsd:XAddrs>";
    let found = ProbeMatch {
        relates_to: Identifier::new(evil).unwrap(),
        ..match_v1()
    };
    let written = found.encode();
    let decoded = Message::decode(&written).unwrap();
    assert_eq!(decoded.message, Message::ProbeMatch(found));
    let plain = String::from_utf8(written).unwrap();
    assert_eq!(plain.matches("<wsd:XAddrs>").count(), 1);
}

#[test]
fn every_fault_has_a_name_a_requirement_and_a_sentence() {
    let error = Message::decode(b"<a>\0").unwrap_err();
    assert_eq!(
        error.to_string(),
        "byte 3, XML: character U+0000 is not allowed in XML"
    );
    assert_eq!(error.requirement(), "PCCRD-2.1-01");
    let rejected = crate::error::Rejected::from(error);
    assert_eq!(rejected.at, 3);
    for (text, requirement) in [
        (
            usual(0).replacen(&whole(&usual(0), "wsd:Scopes"), "", 1),
            "PCCRD-3.2.4.1-07",
        ),
        (
            usual(0).replacen("strcmp0", "rfc2396", 1),
            "PCCRD-2.2.2.1-02",
        ),
        (
            usual(2).replacen(&whole(&usual(2), "wsd:XAddrs"), "", 1),
            "PCCRD-2.2.2.2-02",
        ),
        (
            usual(2).replacen(&whole(&usual(2), "PeerDist:BlockCount"), "", 1),
            "PCCRD-2.2.3.9-01",
        ),
        (usual(2).replacen("0000002A", "2A", 1), "PCCRD-2.2.3.9-02"),
    ] {
        let error = Message::decode(text.as_bytes()).unwrap_err();
        assert_eq!(error.requirement(), requirement, "{error}");
    }
}
