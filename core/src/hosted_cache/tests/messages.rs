//! Messages against bytes written by hand (MS-PCHC 2.1, 2.2).

use super::*;
use crate::wire::{Reader, Trace};

const HEAD_V1: [u8; 16] = [0, 1, 0, 1, 0, 0, 0, 0, 0x1F, 0x90, 0, 0, 0, 0, 0, 0];

#[test]
fn an_initial_offer_is_sixteen_bytes_and_the_segment_id() {
    for length in [32, 48, 64] {
        let offer = InitialOffer {
            port: 8080,
            segment: id_of(0xAB, length),
        };
        let expected = [&HEAD_V1[..], &vec![0xAB; length]].concat();
        assert_eq!(offer.encode(), expected);
        assert_eq!(Request::decode(&expected), Ok(Request::InitialOffer(offer)));
    }
}

#[test]
fn a_batched_offer_is_sixteen_bytes_and_fifty_nine_for_each_segment() {
    let made = [
        SegmentDescriptor::new(v2_key(0x11), 39_390, WellKnownTag::WinInet.tag()).unwrap(),
        SegmentDescriptor::new(v1_key(0x22), 0x0200_0000, WellKnownTag::Smb.tag()).unwrap(),
    ];
    let offer = BatchedOffer::new(443, &made).unwrap();
    let mut expected = vec![0, 2, 0, 3, 0, 0, 0, 0, 0x01, 0xBB, 0, 0, 0, 0, 0, 0];
    expected.extend([0, 0, 0x99, 0xDE, 0, 0, 0x99, 0xDE, 0, 16]);
    expected.extend(b"WinINet\0\0\0\0\0\0\0\0\0");
    expected.push(4);
    expected.extend([0x11; 32]);
    expected.extend([0, 1, 0, 0, 2, 0, 0, 0, 0, 16]);
    expected.extend([0x35, 0xDB, 0x04, 0x5D, 0x14, 0x23, 0x45, 0x53]);
    expected.extend([0xA0, 0x51, 0x0D, 0xC2, 0xE1, 0x5E, 0x6C, 0x4C]);
    expected.push(1);
    expected.extend([0x22; 32]);
    assert_eq!(expected.len(), 16 + 2 * DESCRIPTOR_BYTES);
    assert_eq!(offer.encode(), expected);
    let Ok(Request::BatchedOffer(decoded)) = Request::decode(&expected) else {
        panic!("not a batch");
    };
    assert_eq!(decoded, offer);
    assert_eq!(decoded.descriptors().len(), 2);
    assert!(decoded.descriptors().eq(made));
}

#[test]
fn a_segment_info_is_sixteen_bytes_a_tag_and_content_information() {
    let bytes = [
        &[0, 1, 0, 2, 0, 0, 0, 0, 0x1F, 0x90, 0, 0, 0, 0, 0, 0][..],
        b"BITS-4.0\0\0\0\0\0\0\0\0",
        b"not looked at",
    ]
    .concat();
    let expected = SegmentInfo {
        port: 8080,
        content_tag: tag(),
        segment_information: b"not looked at",
    };
    assert_eq!(Request::decode(&bytes), Ok(Request::SegmentInfo(expected)));
    assert_eq!(expected.encode(), bytes);
}

#[test]
fn a_segment_info_without_any_content_information_is_a_message_all_the_same() {
    let mut bytes = HEAD_V1.to_vec();
    bytes[3] = 2;
    bytes.extend([0; 16]);
    assert!(Request::decode(&bytes).is_ok());
}

#[test]
fn responses_are_five_bytes_and_unknown_codes_survive() {
    for (code, bytes) in [
        (ResponseCode::OK, [0, 0, 0, 1, 0]),
        (ResponseCode::INTERESTED, [0, 0, 0, 1, 1]),
        (ResponseCode(0xFE), [0, 0, 0, 1, 0xFE]),
    ] {
        assert_eq!(Response { code }.encode(), bytes);
        assert_eq!(Response::decode(&bytes), Ok(Response { code }));
    }
    for end in 0..5 {
        let error = Response::decode(&[0, 0, 0, 1, 0][..end]).unwrap_err();
        assert_eq!(error.problem.name(), "truncated");
        assert_eq!(error.at, if end < 4 { 0 } else { 4 });
    }
    let error = Response::decode(&[0, 0, 0, 1, 0, 0]).unwrap_err();
    assert_eq!((error.problem.name(), error.at), ("trailing-bytes", 5));
    for size in [0, 2] {
        let error = Response::decode(&[0, 0, 0, size, 0]).unwrap_err();
        assert_eq!(
            (error.problem.name(), error.requirement()),
            ("size-mismatch", "PCHC-2.2.2.1-01")
        );
    }
}

#[test]
fn padding_is_ignored_whatever_it_holds() {
    for clean in sample_requests() {
        let mut dirty = clean.clone();
        for at in (4..8).chain(10..16) {
            dirty[at] = 0xA5;
        }
        assert_eq!(Request::decode(&dirty), Request::decode(&clean));
    }
}

#[test]
fn names_field_offset_and_requirement_of_each_fault() {
    let offer = InitialOffer {
        port: 1,
        segment: id(1),
    }
    .encode();
    let batch = BatchedOffer::new(1, &descriptors(2)).unwrap().encode();
    let changed = |message: &[u8], at: usize, to: u8| {
        let mut bytes = message.to_vec();
        bytes[at] = to;
        bytes
    };
    let table: [(Vec<u8>, &str, usize, &str); 16] = [
        (
            changed(&offer, 0, 1),
            "unknown-version",
            0,
            "PCHC-2.2.1.1-03",
        ),
        (
            changed(&offer, 1, 3),
            "unknown-version",
            0,
            "PCHC-2.2.1.1-02",
        ),
        (
            changed(&offer, 1, 0),
            "unknown-version",
            0,
            "PCHC-2.2.1.1-02",
        ),
        (changed(&offer, 3, 0), "unknown-type", 2, "PCHC-2.2.1.1-04"),
        (changed(&offer, 3, 4), "unknown-type", 2, "PCHC-2.2.1.1-04"),
        (changed(&offer, 2, 1), "unknown-type", 2, "PCHC-2.2.1.1-04"),
        (changed(&offer, 1, 2), "wrong-version", 2, "PCHC-2.2.1.3-01"),
        (
            changed(&changed(&offer, 3, 2), 1, 2),
            "wrong-version",
            2,
            "PCHC-2.2.1.4-01",
        ),
        (changed(&batch, 1, 1), "wrong-version", 2, "PCHC-2.2.1.5-01"),
        (
            offer[..47].to_vec(),
            "segment-id-size",
            16,
            "PCHC-2.2.1.3-02",
        ),
        (
            [&offer[..], &[0]].concat(),
            "segment-id-size",
            16,
            "PCHC-2.2.1.3-02",
        ),
        (batch[..16].to_vec(), "no-segments", 16, "PCHC-2.2.1.5-03"),
        (
            batch[..75 + 58].to_vec(),
            "truncated",
            102,
            "PCHC-2.2.1.5-03",
        ),
        (
            changed(&batch, 25, 15),
            "content-tag-size",
            24,
            "PCHC-2.2.1.5-06",
        ),
        (
            changed(&batch, 24, 1),
            "content-tag-size",
            24,
            "PCHC-2.2.1.5-06",
        ),
        (
            changed(&batch, 42, 2),
            "unknown-hash",
            42,
            "PCHC-2.2.1.5-07",
        ),
    ];
    for (bytes, name, at, requirement) in table {
        let error = Request::decode(&bytes).unwrap_err();
        assert_eq!(
            (error.problem.name(), error.at, error.requirement()),
            (name, at, requirement),
            "{error}"
        );
    }
}

#[test]
fn a_batch_holds_a_hundred_and_twenty_eight_segments_and_not_one_more() {
    let most = BatchedOffer::new(1, &descriptors(128)).unwrap().encode();
    assert!(Request::decode(&most).is_ok());
    assert!(BatchedOffer::new(1, &descriptors(129)).is_none());
    assert!(BatchedOffer::new(1, &[]).is_none());
    let more = [&most[..], &most[16..16 + 59]].concat();
    let error = Request::decode(&more).unwrap_err();
    assert_eq!(
        (error.problem.name(), error.at, error.requirement()),
        ("too-many-segments", 16 + 128 * 59, "PCHC-2.2.1.5-02")
    );
}

#[test]
fn sha384_and_sha512_cannot_be_offered_in_a_batch() {
    for (algorithm, length) in [(HashAlgorithm::Sha384, 48), (HashAlgorithm::Sha512, 64)] {
        let id = id_of(1, length);
        assert!(SegmentDescriptor::new(SegmentKey { algorithm, id }, 1, tag()).is_none());
    }
}

#[test]
fn the_block_size_of_a_descriptor_may_be_anything() {
    let mut batch = BatchedOffer::new(1, &descriptors(1)).unwrap().encode();
    for value in [0, 1, u32::MAX] {
        batch[16..20].copy_from_slice(&value.to_be_bytes());
        let Ok(Request::BatchedOffer(offer)) = Request::decode(&batch) else {
            panic!("refused");
        };
        assert_eq!(offer.descriptors().next().unwrap().block_size, value);
        assert_eq!(offer.encode(), batch);
    }
}

#[test]
fn segment_sizes_are_told_possible_or_not_by_their_algorithm() {
    for (key, most) in [(v1_key(1), 32 << 20), (v2_key(1), 128 << 10)] {
        for (size, possible) in [(0, false), (1, true), (most, true), (most + 1, false)] {
            let descriptor = SegmentDescriptor::new(key, size, tag()).unwrap();
            assert_eq!(descriptor.size_is_possible(), possible, "{size}");
        }
    }
}

#[test]
fn each_scheme_has_its_path_and_port_and_takes_case_and_slash_as_quirks() {
    let names = |scheme, path: &str| {
        route(scheme, path).map(|routed| {
            let names: Vec<_> = routed.quirks.iter().map(Quirk::name).collect();
            (routed.version, names.join(" "))
        })
    };
    let v1 = "/C574AC30-5794-4AEE-B1BB-6651C5315029";
    let v2 = "/0131501b-d67f-491b-9a40-c4bf27bcb4d4";
    let found = |version, quirks: &str| Some((version, quirks.to_string()));
    assert_eq!(names(Scheme::Https, v1), found(Version::V1, ""));
    assert_eq!(names(Scheme::Http, v2), found(Version::V2, ""));
    assert_eq!(
        names(Scheme::Https, &v1.to_lowercase()),
        found(Version::V1, "hc-url-case")
    );
    assert_eq!(
        names(Scheme::Http, &(v2.to_uppercase() + "/")),
        found(Version::V2, "hc-url-case hc-url-trailing-slash")
    );
    for (scheme, path) in [
        (Scheme::Http, v1),
        (Scheme::Https, v2),
        (Scheme::Http, "/"),
        (Scheme::Http, ""),
        (Scheme::Https, "C574AC30-5794-4AEE-B1BB-6651C5315029"),
    ] {
        assert_eq!(names(scheme, path), None, "{path}");
    }
    assert_eq!(names(Scheme::Http, &format!("{v2}//")), None);
    assert_eq!(Scheme::Https.default_port(), 443);
    assert_eq!(Scheme::Http.default_port(), 80);
    for version in [Version::V1, Version::V2] {
        assert_eq!(version.scheme().version(), version);
    }
}

#[test]
fn well_known_tags_are_found_and_counted_and_the_rest_is_other() {
    assert_eq!(WellKnownTag::WebIo.tag().0, *b"WebIO\0\0\0\0\0\0\0\0\0\0\0");
    let mut counts = TagCounts::new(1);
    for known in WellKnownTag::ALL {
        assert_eq!(known.tag().well_known(), Some(known));
        counts.count(known.tag());
    }
    counts.count(WellKnownTag::Smb.tag());
    let (mine, late) = (ContentTag::of_name("mine"), ContentTag::of_name("late"));
    for tag in [mine, late, mine, late, late] {
        counts.count(tag);
    }
    assert_eq!(counts.of(WellKnownTag::Smb), 2);
    assert_eq!(counts.of(WellKnownTag::Bits), 1);
    assert_eq!(counts.apart().collect::<Vec<_>>(), [(mine, 2)]);
    assert_eq!(counts.other(), 5);
    // A byte in another letter case is another tag.
    assert_eq!(ContentTag::of_name("wininet").well_known(), None);
}

#[test]
fn a_trace_shows_the_fields_by_their_names_in_the_document() {
    let fields = |bytes: &[u8]| {
        let trace = Trace::new();
        Request::decode_with(Reader::traced(bytes, &trace)).unwrap();
        let entries = trace.into_entries();
        entries
            .into_iter()
            .map(|e| format!("{}{}@{}+{}", " ".repeat(e.depth), e.field, e.at, e.length))
            .collect::<Vec<_>>()
    };
    let head = [
        "MessageHeader@0+0",
        " Version@0+0",
        "  MinorVersion@0+1",
        "  MajorVersion@1+1",
        " Type@2+2",
        " Padding@4+4",
        "ConnectionInformation@8+0",
        " Port@8+2",
        " Padding@10+6",
    ];
    let offer = InitialOffer {
        port: 1,
        segment: id(1),
    };
    assert_eq!(
        fields(&offer.encode()),
        [&head[..], &["Hash@16+32"]].concat()
    );
    let batch = BatchedOffer::new(1, &descriptors(1)).unwrap().encode();
    let body = [
        "SegmentDescriptor@16+0",
        " BlockSize@16+4",
        " SegmentSize@20+4",
        " SizeOfContentTag@24+2",
        " ContentTag@26+16",
        " HashAlgorithm@42+1",
        " SegmentHoHoDk@43+32",
    ];
    assert_eq!(fields(&batch), [&head[..], &body].concat());
    let trace = Trace::new();
    let response = [0, 0, 0, 1, 1];
    Response::decode_with(Reader::traced(&response, &trace)).unwrap();
    let entries = trace.into_entries();
    assert_eq!(entries.last().unwrap().meaning, "INTERESTED");
}

#[test]
fn the_limit_of_a_request_is_met_by_the_longest_one() {
    let content = content_of(HashAlgorithm::Sha512, 512, 9);
    assert_eq!(segment_info(&content).len(), REQUEST_MAX_BYTES);
    let batch = BatchedOffer::new(1, &descriptors(128)).unwrap().encode();
    assert!(batch.len() < REQUEST_MAX_BYTES);
}
