//! Round trips of the messages of MS-PCCRD: any message that can be written is read as what it was.
//! Invariant: the same holds with other prefixes, encodings, and white space.
//! Byte order: as in the messages.

use proptest::prelude::*;

use super::*;

fn any_id(bytes: usize) -> impl Strategy<Value = SegmentId> {
    proptest::collection::vec(any::<u8>(), bytes)
        .prop_map(|bytes| SegmentId(Digest::try_from(&bytes[..]).unwrap()))
}

fn any_ids() -> impl Strategy<Value = Vec<SegmentId>> {
    prop_oneof![Just(32), Just(48), Just(64)]
        .prop_flat_map(|bytes| proptest::collection::vec(any_id(bytes), 1..20))
}

fn any_identifier() -> impl Strategy<Value = Identifier> {
    prop_oneof![
        any::<[u8; 16]>().prop_map(|bytes| Uuid(bytes).into()),
        "[!-~\u{e9}\u{1F980}]{1,40}".prop_map(|text| Identifier::new(&text).unwrap()),
    ]
}

fn any_version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V1), Just(Version::V2)]
}

fn any_address() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), 1..=u16::MAX).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn any_found() -> impl Strategy<Value = Found> {
    let v1 = any_ids().prop_map(|ids| {
        let counts = ids.into_iter().zip(0..);
        Found::V1(
            counts
                .map(|(id, blocks)| BlockCount { id, blocks })
                .collect(),
        )
    });
    let v2 = (1..=MAX_IDS, any::<Vec<(u8, bool)>>(), any::<Vec<u8>>()).prop_map(
        |(count, added, blob)| {
            let mut availability = Availability::nothing_of(count);
            added
                .iter()
                .for_each(|(i, c)| availability.add((*i).into(), *c));
            let ages = SegmentAges::from_blob(blob);
            Found::V2 { availability, ages }
        },
    );
    prop_oneof![v1, v2]
}

fn any_match() -> impl Strategy<Value = ProbeMatch> {
    let names = (any_identifier(), any_identifier(), any_identifier());
    let sequence = proptest::option::of(any::<(u32, u32)>());
    let addresses = proptest::collection::vec(any_address(), 1..=MAX_ADDRESSES);
    let metadata_version = proptest::option::of(any::<u32>());
    (names, sequence, addresses, metadata_version, any_found()).prop_map(
        |((message_id, relates_to, address), sequence, addresses, metadata_version, found)| {
            ProbeMatch {
                message_id,
                relates_to,
                sequence: sequence.map(|(instance_id, message_number)| AppSequence {
                    instance_id,
                    message_number,
                }),
                address,
                addresses,
                metadata_version,
                found,
            }
        },
    )
}

fn assert_survives(message: Message) {
    let datagram = message.encode();
    assert!(datagram.len() <= MAX_MESSAGE_BYTES);
    let quirks = Quirks::default();
    let expected = Ok(Decoded { message, quirks });
    assert_eq!(Message::decode(&datagram), expected);
    let text = String::from_utf8(datagram).unwrap();
    let text = text.replace("encoding=\"utf-8\"", "encoding=\"UTF-16\"");
    for to_bytes in [u16::to_be_bytes, u16::to_le_bytes] {
        let wide = utf16(&text, to_bytes);
        if wide.len() <= MAX_MESSAGE_BYTES {
            assert_eq!(Message::decode(&wide), expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_probe_is_read_as_it_was_written(
        message_id in any_identifier(),
        version in any_version(),
        ids in any_ids(),
    ) {
        assert_survives(Message::Probe(Probe { message_id, version, ids }));
    }

    #[test]
    fn any_match_is_read_as_it_was_written(found in any_match()) {
        assert_survives(Message::ProbeMatch(found));
    }
}

#[test]
fn the_largest_messages_that_can_be_written_fit_a_datagram() {
    let large = SegmentId(Digest::try_from(&[0xEE; 64][..]).unwrap());
    let ids = vec![large; MAX_IDS];
    let counts = ids.iter().map(|id| BlockCount {
        id: *id,
        blocks: 512,
    });
    let found = Found::V1(counts.collect());
    let addresses = vec![
        "[2001:db8:1111:2222:3333:4444:5555:6666]:65535"
            .parse()
            .unwrap();
        MAX_ADDRESSES
    ];
    assert_survives(Message::Probe(probe(Version::V1, &ids)));
    assert_survives(Message::Probe(probe(Version::V2, &ids)));
    assert_survives(Message::ProbeMatch(ProbeMatch {
        found,
        addresses,
        ..match_v1()
    }));
}

#[test]
fn ids_over_the_limit_are_not_written() {
    for version in [Version::V1, Version::V2] {
        let written = probe(version, &vec![id(1); MAX_IDS + 1]).encode();
        let decoded = Message::decode(&written).unwrap();
        let expected = Message::Probe(probe(version, &vec![id(1); MAX_IDS]));
        assert_eq!(decoded.message, expected);
    }
}

#[test]
fn lower_case_ids_are_read_and_reported() {
    let upper = text(&messages()[0]);
    let lower = upper.replace(&"AB".repeat(32), &"ab".repeat(32));
    let decoded = fault(&lower).unwrap();
    assert_eq!(decoded.message, messages()[0]);
    assert_eq!(
        decoded.quirks.iter().collect::<Vec<_>>(),
        [Quirk::ScopeLowerCase]
    );
    assert_eq!(Quirk::ScopeLowerCase.to_string(), "rd-scope-lower-case");
}

#[test]
fn other_prefixes_mean_the_same_and_are_reported() {
    for message in messages() {
        let usual = text(&message);
        let renamed = usual
            .replace("wsd:", "d:")
            .replace("xmlns:wsd", "xmlns:d")
            .replace("PeerDist:", "p:")
            .replace("xmlns:PeerDist", "xmlns:p");
        let decoded = fault(&renamed).unwrap();
        assert_eq!(decoded.message, message);
        assert!(decoded.quirks.contains(Quirk::OtherPrefix));
        // The envelope's own prefix is looked for by nobody.
        let soap = usual
            .replace("soap:", "s:")
            .replace("xmlns:soap", "xmlns:s");
        assert_eq!(fault(&soap).unwrap(), fault(&usual).unwrap());
    }
}

#[test]
fn a_namespace_without_a_prefix_means_the_same() {
    let usual = text(&messages()[0]);
    let (_, body) = usual.split_once("<wsd:Probe>").unwrap();
    let (body, _) = body.split_once("</wsd:Probe>").unwrap();
    let inner = format!(
        "<Probe xmlns=\"{}\">{}</Probe>",
        xml::DISCOVERY,
        body.replace("wsd:", "")
    );
    let whole = usual.replace(&format!("<wsd:Probe>{body}</wsd:Probe>"), &inner);
    assert_ne!(whole, usual);
    assert_eq!(fault(&whole).unwrap().message, messages()[0]);
    // An unprefixed type takes the namespace of elements, too.
    let typed = format!(
        "<wsd:Types xmlns=\"{}\">PeerDistData</wsd:Types>",
        xml::PEER_DIST
    );
    let whole = usual.replace("<wsd:Types>PeerDist:PeerDistData</wsd:Types>", &typed);
    assert_ne!(whole, usual);
    assert_eq!(fault(&whole).unwrap().message, messages()[0]);
}

#[test]
fn attributes_on_what_plain_readers_look_for_are_reported_in_matches_only() {
    for tag in ["wsd:Scopes", "wsd:XAddrs", "PeerDist:BlockCount"] {
        let usual = text(&Message::ProbeMatch(match_v1()));
        let decoded = fault(&usual.replace(&format!("<{tag}>"), &format!("<{tag} a=''>"))).unwrap();
        assert_eq!(decoded.message, Message::ProbeMatch(match_v1()));
        assert_eq!(
            decoded.quirks.iter().collect::<Vec<_>>(),
            [Quirk::OtherPrefix]
        );
    }
}

#[test]
fn values_may_be_broken_by_comments_and_written_as_cdata_and_references() {
    let usual = text(&messages()[0]);
    let id = "AB".repeat(32);
    for same in [
        format!("<![CDATA[{id}]]>"),
        format!("{}<!-- half -->{}", &id[..31], &id[31..]),
        format!(
            "<!-- a -->{}<![CDATA[{}]]>&#66;<!-- b -->",
            &id[..10],
            &id[10..63]
        ),
        format!("&#x41;&#x00000042;{}", &id[2..]),
        format!("\t\r\n {id}\n"),
        format!("<![CDATA[]]>{id}<![CDATA[]]>"),
    ] {
        let decoded = fault(&usual.replace(&id, &same)).unwrap();
        assert_eq!(decoded.message, messages()[0], "{same}");
    }
}

#[test]
fn white_space_and_comments_may_stand_around_elements() {
    for message in messages() {
        let usual = text(&message);
        let (declaration, rest) = usual.split_once("?>").unwrap();
        let spaced = rest.replace("><", ">\r\n\t <!-- x --> <");
        let spaced = format!("{declaration}?>\n<!-- y -->\n{spaced}\n<!-- z -->\n");
        assert_eq!(fault(&spaced).unwrap().message, message);
        assert_eq!(fault(rest).unwrap().message, message);
        let marked = format!("\u{FEFF}{usual}");
        assert_eq!(fault(&marked).unwrap().message, message);
    }
}

#[test]
fn elements_that_nobody_knows_are_passed_over() {
    let usual = text(&messages()[2]);
    let unknown = "<x:a xmlns:x='urn:x' b='1'><x:c>text<wsd:Scopes/></x:c></x:a>";
    let tags = [
        "<wsd:XAddrs>",
        "<wsa:Address>",
        "<PeerDist:BlockCount>",
        "<soap:Body>",
        "<wsa:To>",
    ];
    for tag in tags {
        let decoded = fault(&usual.replace(tag, &format!("{unknown}{tag}"))).unwrap();
        assert_eq!(decoded.message, messages()[2], "{tag}");
    }
}

#[test]
fn a_match_without_sequence_and_metadata_version_is_understood() {
    let found = ProbeMatch {
        sequence: None,
        metadata_version: None,
        ..match_v1()
    };
    assert_survives(Message::ProbeMatch(found));
}

#[test]
fn addresses_that_are_no_numbers_are_left_out() {
    let usual = text(&messages()[2]);
    let written = "192.0.2.7:54321 [2001:db8::7]:54321";
    for (written_instead, kept) in [
        ("http://192.0.2.7:54321/a 192.0.2.8:1", "192.0.2.8:1"),
        ("peer.example:54321\n192.0.2.8:1", "192.0.2.8:1"),
        ("192.0.2.7 192.0.2.7:0 192.0.2.8:1", "192.0.2.8:1"),
        ("[fe80::1%4]:80", "[fe80::1]:80"),
    ] {
        let decoded = fault(&usual.replace(written, written_instead)).unwrap();
        let Message::ProbeMatch(found) = decoded.message else {
            panic!()
        };
        assert_eq!(found.addresses, [kept.parse().unwrap()]);
    }
}

#[test]
fn a_zone_is_not_written() {
    let address = core::net::SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 7, 4);
    let found = ProbeMatch {
        addresses: vec![address.into()],
        ..match_v1()
    };
    let written = String::from_utf8(found.encode()).unwrap();
    assert!(
        written.contains("<wsd:XAddrs>[fe80::1]:80</wsd:XAddrs>"),
        "{written}"
    );
}
