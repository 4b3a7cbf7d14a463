use super::*;

#[test]
fn a_negotiation_request_is_24_bytes() {
    let expected = bytes(&[N(1), N(0), N(24), N(1), N(1), N(2)]);
    let request = Request::new(RequestBody::Negotiation(VersionRange::ALL));
    assert_eq!(request.encode(), expected);
    assert_eq!(Request::decode(&expected), Ok(request));
    assert!(request.quirks().is_empty());
}

#[test]
fn a_block_list_request_has_the_layout_of_2_2_4_2() {
    let expected = bytes(&[
        N(1),
        N(2),
        N(16 + 4 + 32 + 4 + 16),
        N(1),
        N(32),
        B(&[0xAA; 32]),
        N(2),
        N(0),
        N(3),
        N(42),
        N(7),
    ]);
    let request = Request::new(RequestBody::BlockList(GetBlockList {
        segment: id(0xAA),
        needed: set(&[(42, 7), (0, 2), (1, 2)]).into(),
    }));
    assert_eq!(request.encode(), expected);
    assert_eq!(Request::decode(&expected), Ok(request));
}

#[test]
fn a_block_request_has_the_layout_of_2_2_4_3() {
    for length in [32, 48, 64] {
        let expected = bytes(&[
            N(1),
            N(3),
            N(16 + 4 + length + 4 + 8 + 4),
            N(1),
            N(length),
            B(&vec![0xBB; length as usize]),
            N(1),
            N(511),
            N(1),
            N(0),
        ]);
        let request = Request::new(RequestBody::Blocks(GetBlocks {
            segment: id_of(0xBB, length as usize),
            requested: BlockSet::from(BlockRange::one(block(511))).into(),
            verification: b"",
        }));
        assert_eq!(request.encode(), expected);
        assert_eq!(Request::decode(&expected), Ok(request));
        assert!(request.quirks().is_empty());
    }
}

#[test]
fn a_segment_list_request_has_the_layout_of_2_2_4_4_and_is_version_2() {
    let expected = bytes(&[
        N(2),
        N(6),
        N(16 + 16 + 4 + 36 + 52 + 4),
        N(1),
        B(b"0123456789abcdef"),
        N(2),
        N(32),
        B(&[1; 32]),
        N(48),
        B(&[2; 48]),
        N(0),
    ]);
    let segments = [id(1), id_of(2, 48)];
    let request = Request::new(RequestBody::SegmentList(GetSegmentList {
        request_id: *b"0123456789abcdef",
        segments: SegmentIds::of(&segments),
        blob: b"",
    }));
    assert_eq!(request.encode(), expected);
    let decoded = Request::decode(&expected).unwrap();
    assert_eq!(decoded, request);
    let RequestBody::SegmentList(list) = decoded.body else {
        panic!("{decoded:?}")
    };
    assert_eq!(list.segments.len(), 2);
    assert_eq!(list.segments.iter().collect::<Vec<_>>(), segments);
}

#[test]
fn data_for_the_verification_block_is_skipped_and_survives() {
    let [.., with_data, _, _] = &sample_requests()[..] else {
        panic!()
    };
    let request = Request::decode(with_data).unwrap();
    let RequestBody::Blocks(blocks) = request.body else {
        panic!("{request:?}")
    };
    assert_eq!(blocks.verification, b"odd");
    assert_eq!(request.encode(), *with_data);
}

#[test]
fn encoding_appends_and_leaves_what_was_there() {
    let request = Request::new(RequestBody::Negotiation(VersionRange::ALL));
    let mut out = b"before".to_vec();
    request.encode_into(&mut out);
    assert_eq!(out, [b"before", &request.encode()[..]].concat());
    let response = Response::new(
        CryptoAlgorithm::NONE,
        ResponseBody::Negotiation(VersionRange::ALL),
    );
    let mut out = b"before".to_vec();
    response.encode_into(&mut out);
    assert_eq!(out, [b"before", &response.encode()[..]].concat());
}

#[test]
fn ranges_that_are_not_normalised_are_read_as_the_set_they_add_up_to() {
    let message = bytes(&[
        N(1),
        N(2),
        N(16 + 36 + 4 + 32),
        N(1),
        N(32),
        B(&[0xAA; 32]),
        N(4),
        N(100),
        N(10),
        N(5),
        N(1),
        N(6),
        N(2),
        N(105),
        N(20),
    ]);
    let request = Request::decode(&message).unwrap();
    let RequestBody::BlockList(list) = request.body else {
        panic!("{request:?}")
    };
    assert_eq!(list.needed.set(), set(&[(5, 3), (100, 25)]));
    assert_eq!(list.needed.smallest(), Some(block(5)));
    assert_eq!(
        request.quirks().iter().collect::<Vec<_>>(),
        [Quirk::RangesNotNormalised]
    );
    assert_eq!(request.encode(), message);
}

#[test]
fn each_quirk_of_a_request_is_reported_by_name() {
    let blocks = |ranges: &[(u32, u32)]| {
        Request::new(RequestBody::Blocks(GetBlocks {
            segment: id(1),
            requested: set(ranges).into(),
            verification: b"",
        }))
    };
    let none = Request::new(RequestBody::BlockList(GetBlockList {
        segment: id(1),
        needed: BlockSet::EMPTY.into(),
    }));
    let odd_version = Request {
        version: ProtocolVersion { major: 1, minor: 9 },
        ..blocks(&[(0, 1)])
    };
    let odd_algorithm = Request {
        crypto: CryptoAlgorithm(77),
        ..blocks(&[(0, 1)])
    };
    for (request, quirk) in [
        (blocks(&[(0, 2)]), "rr-many-blocks-requested"),
        (blocks(&[(0, 1), (2, 1)]), "rr-many-blocks-requested"),
        (none, "rr-zero-ranges"),
        (odd_version, "rr-other-version"),
        (odd_algorithm, "rr-unknown-algorithm"),
    ] {
        let message = request.encode();
        let decoded = Request::decode(&message).unwrap();
        let names: Vec<_> = decoded.quirks().iter().map(Quirk::name).collect();
        assert_eq!(names, [quirk], "{decoded:?}");
        assert_eq!(decoded.encode(), message);
    }
}

#[test]
fn the_path_is_known_in_any_letter_case_and_without_its_slash() {
    let quirks = |path: &str| {
        matches_path(path).map(|quirks| quirks.iter().map(Quirk::name).collect::<Vec<_>>())
    };
    assert_eq!(quirks(PATH), Some(vec![]));
    assert_eq!(
        quirks("/116b50eb-ece2-41ac-8429-9f9e963361b7/"),
        Some(vec!["rr-url-case"])
    );
    assert_eq!(
        quirks("/116B50EB-ECE2-41ac-8429-9F9E963361B7"),
        Some(vec!["rr-url-no-slash"])
    );
    assert_eq!(quirks("/"), None);
    assert_eq!(quirks("/116B50EB-ECE2-41ac-8429-9F9E963361B7/x"), None);
    assert_eq!(quirks("/116B50EB-ECE2-41ac-8429-9F9E963361B8/"), None);
}
