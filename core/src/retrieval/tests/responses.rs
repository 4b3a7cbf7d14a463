use super::*;
use crate::wire::{Reader, Trace};

#[test]
fn a_negotiation_response_is_24_bytes_behind_its_size() {
    let expected = bytes(&[N(24), N(1), N(1), N(24), N(1), N(1), N(2)]);
    let body = ResponseBody::Negotiation(VersionRange::ALL);
    let response = Response::new(CryptoAlgorithm::AES_128, body);
    assert_eq!(response.encode(), expected);
    assert_eq!(response.message_len(), 24);
    assert_eq!(Response::decode(&expected), Ok(response));
}

#[test]
fn a_block_list_has_the_layout_of_2_2_5_2() {
    let size = 16 + 36 + 4 + 16 + 4;
    let expected = bytes(&[
        N(size),
        N(1),
        N(4),
        N(size),
        N(1),
        N(32),
        B(&[0xAA; 32]),
        N(2),
        N(3),
        N(1),
        N(9),
        N(2),
        N(20),
    ]);
    let body = ResponseBody::BlockList(BlockList {
        segment: id(0xAA),
        available: set(&[(3, 1), (9, 2)]).into(),
        next: 20,
    });
    let response = Response::new(CryptoAlgorithm::AES_128, body);
    assert_eq!(response.encode(), expected);
    assert_eq!(Response::decode(&expected), Ok(response));
}

#[test]
fn a_block_has_the_layout_of_2_2_5_3() {
    let size = 16 + 36 + 12 + 32 + 4 + 4 + 16;
    let expected = bytes(&[
        N(size),
        N(1),
        N(5),
        N(size),
        N(2),
        N(32),
        B(&[0xAA; 32]),
        N(7),
        N(8),
        N(32),
        B(&[0x55; 32]),
        N(0),
        N(16),
        B(&[0x66; 16]),
    ]);
    let body = ResponseBody::Block(Block {
        segment: id(0xAA),
        index: 7,
        next: 8,
        payload: &[0x55; 32],
        verification: b"",
        iv: &[0x66; 16],
    });
    let response = Response::new(CryptoAlgorithm::AES_192, body);
    assert_eq!(response.encode(), expected);
    assert_eq!(response.message_len(), size as usize);
    assert_eq!(Response::decode(&expected), Ok(response));
}

#[test]
fn a_plain_block_of_odd_length_is_padded_to_four_bytes_and_its_verification_block_too() {
    let size = 16 + 36 + 12 + 8 + 4 + 4 + 4;
    let expected = bytes(&[
        N(size),
        N(1),
        N(5),
        N(size),
        N(0),
        N(32),
        B(&[0xAA; 32]),
        N(7),
        N(0),
        N(5),
        B(b"plain\0\0\0"),
        N(1),
        B(b"v\0\0\0"),
        N(0),
    ]);
    let body = ResponseBody::Block(Block {
        segment: id(0xAA),
        index: 7,
        next: 0,
        payload: b"plain",
        verification: b"v",
        iv: b"",
    });
    let response = Response::new(CryptoAlgorithm::NONE, body);
    assert_eq!(response.encode(), expected);
    assert_eq!(Response::decode(&expected), Ok(response));
    for at in [73, 75, 81, 83] {
        let mut wrong = expected.clone();
        assert_eq!(wrong[at], 0);
        wrong[at] = 1;
        let error = Response::decode(&wrong).unwrap_err();
        assert_eq!((error.at, error.problem.name()), (at, "padding-not-zero"));
        assert_eq!(error.requirement(), "PCCRR-2.2.5.3-02");
    }
}

#[test]
fn a_segment_list_has_the_layout_of_2_2_5_4_and_is_version_2() {
    let size = 16 + 16 + 4 + 16 + 4 + 8;
    let blob = [0, 1, 3, 1, 0, 1, 2, 3];
    let expected = bytes(&[
        N(size),
        N(2),
        N(7),
        N(size),
        N(1),
        B(b"0123456789abcdef"),
        N(2),
        N(0),
        N(1),
        N(5),
        N(3),
        N(8),
        B(&blob),
    ]);
    let ranges = [(0, 1), (5, 3)].map(|(index, count)| SegmentRange::new(index, count).unwrap());
    let body = ResponseBody::SegmentList(SegmentList {
        request_id: *b"0123456789abcdef",
        available: SegmentRanges::of(&ranges),
        blob: &blob,
    });
    let response = Response::new(CryptoAlgorithm::AES_128, body);
    assert_eq!(response.encode(), expected);
    assert_eq!(response.message_len(), size as usize);
    assert_eq!(Response::decode(&expected), Ok(response));
}

#[test]
fn an_encrypted_block_needs_its_vector_and_whole_cipher_blocks() {
    let decode = |crypto, payload: &[u8], iv: &[u8]| {
        let body = ResponseBody::Block(Block {
            segment: id(1),
            index: 0,
            next: 0,
            payload,
            verification: b"",
            iv,
        });
        let message = Response::new(crypto, body).encode();
        let result = Response::decode(&message).map(|response| response.encode());
        result.map_err(|error| (error.problem.name(), error.field, error.requirement()))
    };
    let vector = (
        "initialization-vector-size",
        "SizeOfIVBlock",
        "PCCRR-2.2.5.3-09",
    );
    let partial = ("partial-cipher-block", "SizeOfBlock", "PCCRR-2.2.5.3-07");
    for crypto in [
        CryptoAlgorithm::AES_128,
        CryptoAlgorithm::AES_192,
        CryptoAlgorithm::AES_256,
    ] {
        assert!(decode(crypto, &[0; 32], &[0; 16]).is_ok());
        assert_eq!(decode(crypto, &[0; 32], &[0; 15]), Err(vector));
        assert_eq!(decode(crypto, &[0; 32], &[0; 17]), Err(vector));
        assert_eq!(decode(crypto, &[0; 32], &[]), Err(vector));
        assert_eq!(decode(crypto, &[0; 31], &[0; 16]), Err(partial));
        assert_eq!(decode(crypto, &[0; 33], &[0; 16]), Err(partial));
        assert!(decode(crypto, &[], &[]).is_ok());
        assert!(decode(crypto, &[], &[0; 16]).is_ok());
    }
    assert!(decode(CryptoAlgorithm::NONE, &[0; 31], &[]).is_ok());
    assert!(decode(CryptoAlgorithm(9), &[0; 31], &[0; 3]).is_ok());
}

#[test]
fn a_response_of_more_than_96_kib_is_a_quirk_and_one_of_more_than_384_kib_an_error() {
    let of_size = |size: usize| {
        let payload = vec![0; size - 16 - 36 - 12 - 8];
        let body = ResponseBody::Block(Block {
            segment: id(1),
            index: 0,
            next: 0,
            payload: &payload,
            verification: b"",
            iv: b"",
        });
        let message = Response::new(CryptoAlgorithm::NONE, body).encode();
        assert_eq!(message.len(), 4 + size);
        let result = Response::decode(&message).map(|response| response.quirks());
        result.map(|quirks| quirks.iter().map(Quirk::name).collect::<Vec<_>>())
    };
    assert_eq!(of_size(98_304), Ok(vec![]));
    assert_eq!(of_size(98_308), Ok(vec!["rr-response-over-96k"]));
    assert_eq!(of_size(393_216), Ok(vec!["rr-response-over-96k"]));
    let error = of_size(393_220).unwrap_err();
    assert_eq!(
        (error.at, error.field, error.problem.name()),
        (0, "Size", "size-out-of-limits")
    );
}

#[test]
fn the_tree_of_a_message_names_every_field_and_covers_every_byte() {
    let requests = sample_requests().into_iter().map(|bytes| (bytes, false));
    let responses = sample_responses().into_iter().map(|bytes| (bytes, true));
    for (bytes, is_response) in requests.chain(responses) {
        let trace = Trace::new();
        let reader = Reader::traced(&bytes, &trace);
        if is_response {
            Response::decode_with(reader).unwrap();
        } else {
            Request::decode_with(reader).unwrap();
        }
        let mut covered = vec![false; bytes.len()];
        for entry in trace.into_entries() {
            covered[entry.at..entry.at + entry.length].fill(true);
        }
        assert!(covered.iter().all(|covered| *covered));
    }
}

#[test]
fn the_tree_of_a_segment_list_shows_the_ages_inside_its_blob() {
    let message = &sample_responses()[4];
    let trace = Trace::new();
    Response::decode_with(Reader::traced(message, &trace)).unwrap();
    let told: Vec<_> = trace
        .into_entries()
        .into_iter()
        .map(|entry| (entry.depth, entry.field, entry.meaning))
        .collect();
    let meaning = |field| {
        let found = told.iter().find(|(_, name, _)| *name == field);
        found.map(|(_, _, meaning)| meaning.as_str())
    };
    assert_eq!(meaning("MsgType"), Some("MSG_SEGLIST"));
    assert_eq!(meaning("ProtVer"), Some("2.0"));
    assert_eq!(meaning("CryptoAlgoId"), Some("AES_128"));
    assert_eq!(meaning("SegmentAgeUnits"), Some("Hundredths"));
    assert_eq!(meaning("SegmentAgeHighPart"), Some("10ms"));
}
