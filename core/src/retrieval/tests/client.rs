use core::time::Duration;
use std::sync::Arc;

use super::*;
use crate::content::SegmentSecret;
use crate::retrieval::client::{
    AvailableSegment, Client, ClientSettings, DecryptOp, Event, Exchange, Input, Outcome, Output,
    Peer, Query, Question, Reading, Tag,
};
use crate::time::Instant;

const SEED: [u8; 32] = [9; 32];
const PEER: Peer = Peer(50);

fn at(milliseconds: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(milliseconds)
}

fn client() -> Client {
    Client::new(ClientSettings::default(), &SEED).unwrap()
}

fn drain(client: &mut Client) -> Vec<Output> {
    core::iter::from_fn(|| client.poll_output()).collect()
}

fn ask_at(client: &mut Client, now: Instant, peer: Peer, question: Question) -> (Exchange, Query) {
    let input = Input::Ask {
        tag: Tag(3),
        peer,
        question,
    };
    client.handle(now, input).unwrap();
    let mut outputs = drain(client);
    match (outputs.pop(), outputs.pop()) {
        (
            Some(Output::Send {
                exchange,
                query,
                peer: to,
                ..
            }),
            None,
        ) => {
            assert_eq!(to, peer);
            (exchange, query)
        }
        other => panic!("{other:?}"),
    }
}

fn ask(client: &mut Client, question: Question) -> (Exchange, Query) {
    ask_at(client, at(0), PEER, question)
}

fn plain(index: u32) -> Question {
    Question::Block {
        segment: id(1),
        index: block(index),
        reading: Reading::Plain { length: 100 },
    }
}

fn block_list(ranges: &[(u32, u32)]) -> Question {
    Question::BlockList {
        segment: id(1),
        needed: set(ranges),
    }
}

fn segment_list(fills: &[u8]) -> Question {
    let segments: Vec<_> = fills.iter().map(|fill| id(*fill)).collect();
    Question::SegmentList {
        segments: segments.into(),
    }
}

fn answer(client: &mut Client, exchange: Exchange, bytes: &[u8]) -> Vec<Output> {
    let input = Input::Message { exchange, bytes };
    client.handle(at(10), input).unwrap();
    drain(client)
}

fn encode(body: ResponseBody<'_>) -> Vec<u8> {
    Response::new(CryptoAlgorithm::AES_128, body).encode()
}

fn versions(low: u16, high: u16) -> Vec<u8> {
    encode(ResponseBody::Negotiation(range(low, high)))
}

fn range(low: u16, high: u16) -> VersionRange {
    VersionRange {
        lowest: ProtocolVersion {
            major: low,
            minor: 0,
        },
        highest: ProtocolVersion {
            major: high,
            minor: 5,
        },
    }
}

fn block_answer(payload: &[u8]) -> Block<'_> {
    Block {
        segment: id(1),
        index: 4,
        next: 6,
        payload,
        verification: b"",
        iv: if payload.is_empty() { b"" } else { &[2; 16] },
    }
}

/// The one outcome among the outputs.
fn outcome(outputs: &[Output]) -> &Outcome {
    let mut outcomes = outputs.iter().filter_map(|output| match output {
        Output::Event(Event::Finished { outcome, tag, .. }) => {
            assert_eq!(*tag, Tag(3));
            Some(outcome)
        }
        _ => None,
    });
    let found = outcomes.next().unwrap_or_else(|| panic!("{outputs:?}"));
    assert_eq!(outcomes.next(), None);
    found
}

/// The requirement by which the only message was discarded, and that its exchange ended so.
fn refused(outputs: &[Output]) -> &'static str {
    let [
        Output::Event(Event::Rejected { rejected, .. }),
        Output::Event(Event::Finished { outcome, .. }),
    ] = outputs
    else {
        panic!("{outputs:?}")
    };
    assert_eq!(*outcome, Outcome::Rejected);
    rejected.requirement
}

#[test]
fn questions_become_requests_of_the_version_of_their_type() {
    let mut client = client();
    let (_, query) = ask(&mut client, Question::Versions);
    assert_eq!(
        query.request().encode(),
        bytes(&[N(1), N(0), N(24), N(1), N(1), N(2)])
    );
    let (_, query) = ask(&mut client, block_list(&[(0, 3), (9, 1)]));
    let expected = RequestBody::BlockList(GetBlockList {
        segment: id(1),
        needed: set(&[(0, 3), (9, 1)]).into(),
    });
    assert_eq!(query.request(), Request::new(expected));
    let (_, query) = ask(&mut client, plain(4));
    let expected = RequestBody::Blocks(GetBlocks {
        segment: id(1),
        requested: set(&[(4, 1)]).into(),
        verification: b"",
    });
    assert_eq!(query.request(), Request::new(expected));
    assert!(query.request().quirks().is_empty());
    let (_, query) = ask(&mut client, segment_list(&[1, 2]));
    assert_eq!(query.request().version, ProtocolVersion::V2_0);
    let mut out = Vec::new();
    query.encode_into(&mut out);
    assert_eq!(Request::decode(&out), Ok(query.request()));
    assert_eq!(client.outstanding(), 4);
}

#[test]
fn request_ids_are_never_repeated() {
    let mut client = client();
    let mut ids: Vec<_> = (0..100)
        .map(|_| {
            let (exchange, query) = ask(&mut client, segment_list(&[1]));
            client.handle(at(0), Input::Cancel { exchange }).unwrap();
            drain(&mut client);
            let request = query.request();
            let RequestBody::SegmentList(list) = request.body else {
                panic!()
            };
            list.request_id
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

#[test]
fn a_block_list_brings_the_blocks_that_were_asked_about() {
    let list = |available: &[(u32, u32)], segment| {
        encode(ResponseBody::BlockList(BlockList {
            segment,
            available: set(available).into(),
            next: 77,
        }))
    };
    let mut client = client();
    let mut give = |message: &[u8]| {
        let (exchange, _) = ask(&mut client, block_list(&[(0, 5), (10, 5)]));
        let outputs = answer(&mut client, exchange, message);
        assert_eq!((client.outstanding(), client.poll_timeout()), (0, None));
        outputs
    };
    let expected = |ranges: &[(u32, u32)]| Outcome::BlockList {
        segment: id(1),
        available: set(ranges),
        next: 77,
    };
    assert_eq!(
        *outcome(&give(&list(&[(0, 2)], id(1)))),
        expected(&[(0, 2)])
    );
    // Parts outside the request are left out.
    let wide = list(&[(3, 100)], id(1));
    assert_eq!(*outcome(&give(&wide)), expected(&[(3, 2), (10, 5)]));
    // No ranges mean that the peer has none.
    assert_eq!(*outcome(&give(&list(&[], id(1)))), expected(&[]));
    assert_eq!(refused(&give(&list(&[(0, 2)], id(2)))), "PCCRR-3.1.5.2-02");
    assert_eq!(refused(&give(&list(&[(5, 5)], id(1)))), "PCCRR-3.1.5.2-03");
}

#[test]
fn a_block_is_decrypted_and_handed_on() {
    let secret = SegmentSecret::new(&[0x42; 32]);
    let ciphers = [
        (CryptoAlgorithm::AES_128, crate::cipher::BlockCipher::Aes128),
        (CryptoAlgorithm::AES_192, crate::cipher::BlockCipher::Aes192),
        (CryptoAlgorithm::AES_256, crate::cipher::BlockCipher::Aes256),
    ];
    for (crypto, cipher) in ciphers {
        let key = block_key(cipher, &secret).unwrap();
        let mut payload = vec![0x33; payload_len(crypto, 100)];
        crate::cipher::encrypt(&key, [2; 16], &mut payload, 100).unwrap();
        let body = ResponseBody::Block(block_answer(&payload));
        let mut message = Response::new(crypto, body).encode();

        let mut client = client();
        let (exchange, _) = ask(&mut client, plain(4));
        let outputs = answer(&mut client, exchange, &message);
        let [Output::Decrypt(op)] = outputs[..] else {
            panic!("{outputs:?}")
        };
        assert_eq!((op.cipher, op.plain_len, op.iv), (cipher, 100, [2; 16]));
        assert_eq!(op.place.of(&message), Some(&payload[..]));
        // The answer came in time, however long decryption takes.
        assert_eq!(client.poll_timeout(), None);
        crate::cipher::decrypt_many(&mut [op.job(&key, &mut message).unwrap()]);
        let (block, quirk) = op.plain(&message).unwrap();
        assert_eq!((block, quirk), (&[0x33; 100][..], None));
        client
            .handle(at(9999), Input::Decrypted { exchange, quirk })
            .unwrap();
        let outputs = drain(&mut client);
        let Outcome::Block(received) = outcome(&outputs) else {
            panic!("{outputs:?}")
        };
        assert_eq!(received.place.of(&message), Some(&[0x33; 100][..]));
        assert_eq!((received.index, received.next), (super::block(4), 6));
        assert_eq!(client.outstanding(), 0);
    }
}

/// A payload of `length` bytes under AES_128 for a block of `plain_len`: what the client makes of it.
fn decrypt_op(length: usize, plain_len: u32) -> Result<DecryptOp, &'static str> {
    let mut client = client();
    let question = Question::Block {
        segment: id(1),
        index: block(4),
        reading: Reading::Plain { length: plain_len },
    };
    let (exchange, _) = ask(&mut client, question);
    let payload = vec![0; length];
    let message = encode(ResponseBody::Block(block_answer(&payload)));
    let outputs = answer(&mut client, exchange, &message);
    match outputs[..] {
        [Output::Decrypt(op)] => Ok(op),
        _ => Err(refused(&outputs)),
    }
}

#[test]
fn payloads_with_any_padding_of_the_field_are_taken_and_no_other_length_is() {
    assert!(decrypt_op(112, 100).is_ok());
    assert!(decrypt_op(112, 96).is_ok());
    assert!(decrypt_op(96, 96).is_ok());
    for (length, plain_len) in [(96, 100), (128, 100), (128, 96), (80, 96), (16, 65_536)] {
        assert_eq!(decrypt_op(length, plain_len), Err("PCCRR-2.2.5.3-06"));
    }
}

#[test]
fn odd_padding_is_told_by_its_name() {
    let quirk_of = |plain_len: u32, tail: &[u8]| {
        let op = decrypt_op(plain_len as usize + tail.len(), plain_len).unwrap();
        let mut message = vec![1; op.place.offset + plain_len as usize];
        message.extend_from_slice(tail);
        op.plain(&message).unwrap().1.map(Quirk::name)
    };
    assert_eq!(quirk_of(96, &[]), Some("rr-padding-none"));
    assert_eq!(quirk_of(100, &[0; 12]), Some("rr-padding-zero"));
    assert_eq!(quirk_of(100, &[12; 12]), None);
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    answer(
        &mut client,
        exchange,
        &encode(ResponseBody::Block(block_answer(&[0; 112]))),
    );
    let quirk = Some(Quirk::PaddingZero);
    client
        .handle(at(20), Input::Decrypted { exchange, quirk })
        .unwrap();
    let outputs = drain(&mut client);
    assert!(matches!(
        outputs[0],
        Output::Event(Event::Lenient { quirks, .. }) if quirks.contains(Quirk::PaddingZero)
    ));
    assert!(matches!(outcome(&outputs), Outcome::Block(_)));
}

#[test]
fn an_op_held_against_a_shorter_message_is_an_error_and_no_panic() {
    let op = decrypt_op(112, 100).unwrap();
    let key = block_key(op.cipher, &SegmentSecret::new(&[1; 32])).unwrap();
    assert!(op.job(&key, &mut [0; 50]).is_err());
    assert!(op.plain(&[0; 50]).is_err());
}

#[test]
fn an_unencrypted_block_and_one_to_stay_as_it_came_are_handed_on_at_once() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    let body = ResponseBody::Block(Block {
        iv: b"",
        ..block_answer(&[7; 100])
    });
    let message = Response::new(CryptoAlgorithm::NONE, body).encode();
    let outputs = answer(&mut client, exchange, &message);
    let Outcome::Block(received) = outcome(&outputs) else {
        panic!("{outputs:?}")
    };
    assert_eq!(received.place.of(&message), Some(&[7; 100][..]));
    assert_eq!(received.iv, None);

    for length in [99, 101] {
        let (exchange, _) = ask(&mut client, plain(4));
        let payload = vec![7; length];
        let message = Response::new(
            CryptoAlgorithm::NONE,
            ResponseBody::Block(block_answer(&payload)),
        );
        let outputs = answer(&mut client, exchange, &message.encode());
        assert_eq!(refused(&outputs), "PCCRR-2.2.5.3-06");
    }

    let question = Question::Block {
        segment: id(1),
        index: block(4),
        reading: Reading::AsReceived,
    };
    let (exchange, _) = ask(&mut client, question);
    let message = encode(ResponseBody::Block(block_answer(&[8; 4096])));
    let outputs = answer(&mut client, exchange, &message);
    let Outcome::Block(received) = outcome(&outputs) else {
        panic!("{outputs:?}")
    };
    assert_eq!(received.place.of(&message), Some(&[8; 4096][..]));
    assert_eq!(
        (received.crypto, received.iv),
        (CryptoAlgorithm::AES_128, Some([2; 16]))
    );
}

#[test]
fn an_empty_block_means_that_the_peer_does_not_have_it() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    let message = encode(ResponseBody::Block(block_answer(b"")));
    let expected = Outcome::NoBlock {
        segment: id(1),
        index: block(4),
        next: 6,
    };
    assert_eq!(*outcome(&answer(&mut client, exchange, &message)), expected);
}

#[test]
fn a_block_that_was_not_asked_for_is_discarded() {
    let good = block_answer(b"");
    let others = [
        (
            Block { index: 5, ..good },
            CryptoAlgorithm::AES_128,
            "PCCRR-3.1.5.3-01",
        ),
        (
            Block {
                segment: id(2),
                ..good
            },
            CryptoAlgorithm::AES_128,
            "PCCRR-3.1.5.3-01",
        ),
        (
            Block {
                segment: id_of(1, 48),
                ..good
            },
            CryptoAlgorithm::AES_128,
            "PCCRR-3.1.5.3-01",
        ),
        (
            block_answer(&[0; 112]),
            CryptoAlgorithm(4),
            "PCCRR-2.2.3-15",
        ),
    ];
    for (block, crypto, requirement) in others {
        let mut client = client();
        let (exchange, _) = ask(&mut client, plain(4));
        let message = Response::new(crypto, ResponseBody::Block(block)).encode();
        assert_eq!(
            refused(&answer(&mut client, exchange, &message)),
            requirement
        );
        assert_eq!((client.outstanding(), client.poll_timeout()), (0, None));
    }
}

#[test]
fn responses_of_another_kind_than_the_request_are_discarded() {
    let questions = || {
        [
            Question::Versions,
            block_list(&[(0, 5)]),
            plain(4),
            segment_list(&[1]),
        ]
    };
    for (asked, question) in questions().into_iter().enumerate() {
        for (answered, requirement) in [
            (1, "PCCRR-3.1.5.2-01"),
            (2, "PCCRR-3.1.5.3-01"),
            (3, "PCCRR-3.1.5.4-01"),
        ] {
            if answered == asked {
                continue;
            }
            let body = match answered {
                1 => ResponseBody::BlockList(BlockList {
                    segment: id(1),
                    available: set(&[(0, 5)]).into(),
                    next: 0,
                }),
                2 => ResponseBody::Block(block_answer(b"")),
                _ => ResponseBody::SegmentList(SegmentList {
                    request_id: [0; 16],
                    available: SegmentRanges::of(&[]),
                    blob: b"",
                }),
            };
            let mut client = client();
            let (exchange, _) = ask(&mut client, question.clone());
            let outputs = answer(&mut client, exchange, &encode(body));
            assert_eq!(refused(&outputs), requirement);
        }
    }
}

#[test]
fn malformed_responses_are_discarded_and_end_their_exchange() {
    let mut malformed: Vec<Vec<u8>> = vec![vec![], b"HTTP".to_vec(), sample_requests()[0].clone()];
    for response in sample_responses() {
        malformed.push(response[..response.len() - 1].to_vec());
        malformed.push([&response[..], &[0]].concat());
    }
    for message in malformed {
        let mut client = client();
        let (exchange, _) = ask(&mut client, plain(4));
        assert!(refused(&answer(&mut client, exchange, &message)).starts_with("PCCRR-"));
    }
}

fn segments_answer(query: &Query, ranges: &[(u32, u32)], blob: &[u8]) -> Vec<u8> {
    let request = query.request();
    let RequestBody::SegmentList(list) = request.body else {
        panic!()
    };
    let ranges: Vec<_> = ranges
        .iter()
        .map(|(index, count)| SegmentRange::new(*index, *count).unwrap())
        .collect();
    encode(ResponseBody::SegmentList(SegmentList {
        request_id: list.request_id,
        available: SegmentRanges::of(&ranges),
        blob,
    }))
}

#[test]
fn a_segment_list_brings_segments_and_ages_counted_from_its_first_range() {
    let mut client = client();
    let (exchange, query) = ask(&mut client, segment_list(&[1, 2, 3, 4]));
    let blob = [0, 1, 1, 3, 0, 9, 0, 0, 2, 8, 0, 0, 200, 7, 0, 0];
    let message = segments_answer(&query, &[(1, 1), (3, 1), (3, 1)], &blob);
    let outputs = answer(&mut client, exchange, &message);
    let Outcome::SegmentList { asked, available } = outcome(&outputs) else {
        panic!("{outputs:?}")
    };
    assert_eq!(asked.len(), 4);
    let expected = [(1, 9), (3, 8)].map(|(index, seconds)| AvailableSegment {
        index,
        age: Some(Duration::from_secs(seconds)),
    });
    assert_eq!(*available, expected);
}

#[test]
fn a_segment_list_past_the_request_or_of_another_request_is_discarded() {
    let mut client = client();
    for ranges in [&[(2, 1)][..], &[(0, 1), (1, 2)], &[(u32::MAX - 1, 1)]] {
        let (exchange, query) = ask(&mut client, segment_list(&[1, 2]));
        let message = segments_answer(&query, ranges, b"");
        assert_eq!(
            refused(&answer(&mut client, exchange, &message)),
            "PCCRR-3.1.5.4-03"
        );
    }
    let (exchange, query) = ask(&mut client, segment_list(&[1, 2]));
    let mut message = segments_answer(&query, &[(0, 2)], b"");
    message[20] ^= 1;
    assert_eq!(
        refused(&answer(&mut client, exchange, &message)),
        "PCCRR-3.1.5.4-02"
    );
    let (exchange, query) = ask(&mut client, segment_list(&[1, 2]));
    let message = segments_answer(&query, &[], b"");
    let outputs = answer(&mut client, exchange, &message);
    assert!(
        matches!(outcome(&outputs), Outcome::SegmentList { available, .. } if available.is_empty())
    );
}

#[test]
fn a_bad_blob_is_dropped_and_its_list_taken() {
    let mut client = client();
    let (exchange, query) = ask(&mut client, segment_list(&[1, 2]));
    let message = segments_answer(&query, &[(0, 2)], &[0, 1, 9, 0]);
    let outputs = answer(&mut client, exchange, &message);
    assert!(matches!(
        &outputs[0],
        Output::Event(Event::BlobDropped { rejected, .. }) if rejected.requirement == "PCCRR-2.2.6.1.1-02"
    ));
    let Outcome::SegmentList { available, .. } = outcome(&outputs) else {
        panic!("{outputs:?}")
    };
    assert_eq!(
        available
            .iter()
            .map(|segment| segment.age)
            .collect::<Vec<_>>(),
        [None, None]
    );
}

#[test]
fn versions_asked_for_come_as_the_highest_of_both() {
    for (low, high, selected) in [(1, 2, "2.0"), (1, 1, "1.0"), (2, 9, "2.0"), (0, 1, "1.0")] {
        let mut client = client();
        let (exchange, _) = ask(&mut client, Question::Versions);
        let outputs = answer(&mut client, exchange, &versions(low, high));
        let Outcome::Versions {
            selected: found,
            of_peer,
        } = outcome(&outputs)
        else {
            panic!("{outputs:?}")
        };
        assert_eq!(
            (found.to_string().as_str(), *of_peer),
            (selected, range(low, high))
        );
    }
}

#[test]
fn a_request_answered_with_versions_is_sent_again_once_and_with_a_new_timer() {
    for (question, low, version) in [
        (plain(4), 1, ProtocolVersion::V1_0),
        (block_list(&[(0, 5)]), 1, ProtocolVersion::V1_0),
        // A peer that cannot take the version of the type gets the one selected.
        (plain(4), 2, ProtocolVersion::V2_0),
        (segment_list(&[1]), 1, ProtocolVersion::V2_0),
    ] {
        let mut client = client();
        let (exchange, query) = ask(&mut client, question);
        assert_eq!(client.poll_timeout(), Some(at(2000)));
        let outputs = answer(&mut client, exchange, &versions(low, 2));
        let [
            Output::Send {
                exchange: again,
                query: second,
                peer,
                ..
            },
        ] = &outputs[..]
        else {
            panic!("{outputs:?}")
        };
        assert_eq!((*again, *peer), (exchange, PEER));
        assert_eq!(second.question, query.question);
        assert_eq!(second.request().version, version);
        assert_eq!(second.request().body, query.request().body);
        assert_eq!(client.poll_timeout(), Some(at(2010)));
        let outputs = answer(&mut client, exchange, &versions(low, 2));
        assert_eq!(refused(&outputs), "PCCRR-3.1.5.1-02");
    }
}

#[test]
fn a_peer_without_version_2_does_not_support_segment_lists() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, segment_list(&[1]));
    let outputs = answer(&mut client, exchange, &versions(1, 1));
    let of_peer = range(1, 1);
    assert_eq!(*outcome(&outputs), Outcome::Unsupported { of_peer });
}

#[test]
fn an_incompatible_peer_loses_all_its_exchanges_and_no_other_does() {
    let mut client = client();
    let (first, _) = ask(&mut client, plain(1));
    let (second, _) = ask(&mut client, block_list(&[(0, 9)]));
    let (elsewhere, _) = ask_at(&mut client, at(0), Peer(51), plain(2));
    let (third, _) = ask(&mut client, Question::Versions);
    let of_peer = range(3, 9);
    let outputs = answer(&mut client, second, &versions(3, 9));
    let mut ended: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Event(Event::Finished {
                exchange, outcome, ..
            }) => {
                assert_eq!(*outcome, Outcome::Incompatible { of_peer });
                Some(*exchange)
            }
            _ => None,
        })
        .collect();
    ended.sort_unstable();
    assert_eq!(ended, [first, second, third]);
    let aborted = outputs
        .iter()
        .filter(|output| matches!(output, Output::Abort { .. }));
    assert_eq!(aborted.count(), 2);
    assert_eq!(client.outstanding(), 1);
    client
        .handle(
            at(20),
            Input::Cancel {
                exchange: elsewhere,
            },
        )
        .unwrap();
    assert_eq!(*outcome(&drain(&mut client)), Outcome::Cancelled);
}

#[test]
fn responses_without_an_outstanding_request_are_discarded() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    client.handle(at(2000), Input::Timeout).unwrap();
    drain(&mut client);
    let messages = [
        (versions(1, 2), "PCCRR-3.1.5.1-01"),
        (sample_responses()[1].clone(), "PCCRR-3.1.5.2-01"),
        (sample_responses()[2].clone(), "PCCRR-3.1.5.3-01"),
        (sample_responses()[4].clone(), "PCCRR-3.1.5.4-02"),
    ];
    for (message, requirement) in messages {
        let outputs = answer(&mut client, exchange, &message);
        let [
            Output::Event(Event::Rejected {
                rejected,
                peer: None,
                ..
            }),
        ] = &outputs[..]
        else {
            panic!("{outputs:?}")
        };
        assert_eq!(rejected.requirement, requirement);
    }
}

#[test]
fn a_second_response_while_a_block_is_decrypted_is_discarded_and_harms_nothing() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    let message = encode(ResponseBody::Block(block_answer(&[0; 112])));
    assert!(matches!(
        answer(&mut client, exchange, &message)[..],
        [Output::Decrypt(_)]
    ));
    for second in [&message[..], &versions(1, 2), &versions(7, 8), b"junk"] {
        let outputs = answer(&mut client, exchange, second);
        assert!(
            matches!(outputs[..], [Output::Event(Event::Rejected { .. })]),
            "{outputs:?}"
        );
    }
    let quirk = None;
    client
        .handle(at(20), Input::Decrypted { exchange, quirk })
        .unwrap();
    assert!(matches!(outcome(&drain(&mut client)), Outcome::Block(_)));
}

#[test]
fn the_request_timer_ends_each_exchange_after_its_own_two_seconds() {
    let mut client = client();
    let (first, _) = ask_at(&mut client, at(0), PEER, plain(1));
    let (second, _) = ask_at(&mut client, at(500), PEER, plain(2));
    client.handle(at(1999), Input::Timeout).unwrap();
    assert!(drain(&mut client).is_empty());
    for (now, exchange) in [(2000, first), (2500, second)] {
        assert_eq!(client.poll_timeout(), Some(at(now)));
        client.handle(at(now), Input::Timeout).unwrap();
        let outputs = drain(&mut client);
        assert_eq!(
            outputs[0],
            Output::Abort {
                exchange,
                peer: PEER
            }
        );
        assert_eq!(*outcome(&outputs), Outcome::TimedOut);
    }
    assert_eq!((client.outstanding(), client.poll_timeout()), (0, None));
}

#[test]
fn failures_of_the_world_end_an_exchange_at_any_stage() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    client.handle(at(1), Input::Failed { exchange }).unwrap();
    assert_eq!(*outcome(&drain(&mut client)), Outcome::Failed);
    let (exchange, _) = ask(&mut client, plain(4));
    answer(
        &mut client,
        exchange,
        &encode(ResponseBody::Block(block_answer(&[0; 112]))),
    );
    client.handle(at(1), Input::Failed { exchange }).unwrap();
    assert_eq!(*outcome(&drain(&mut client)), Outcome::Failed);
    // Of what is over, nothing is heard again.
    client.handle(at(1), Input::Failed { exchange }).unwrap();
    client.handle(at(1), Input::Cancel { exchange }).unwrap();
    client
        .handle(
            at(1),
            Input::Decrypted {
                exchange,
                quirk: None,
            },
        )
        .unwrap();
    assert!(drain(&mut client).is_empty());
}

#[test]
fn questions_that_cannot_be_asked_are_misuse_and_change_nothing() {
    let too_many: Arc<[SegmentId]> = vec![id(1); 2730].into();
    let most: Arc<[SegmentId]> = vec![id(1); 2729].into();
    let mut client = client();
    let mut misuse = |question| {
        let input = Input::Ask {
            tag: Tag(3),
            peer: PEER,
            question,
        };
        let refused = client.handle(at(0), input).is_err();
        assert_eq!(refused, client.outstanding() == 0);
        refused
    };
    assert!(misuse(block_list(&[])));
    assert!(misuse(segment_list(&[])));
    assert!(misuse(Question::SegmentList { segments: too_many }));
    assert!(misuse(Question::Block {
        segment: id(1),
        index: block(0),
        reading: Reading::Plain { length: 0 },
    }));
    assert!(!misuse(Question::SegmentList { segments: most }));
    let (exchange, query) = {
        let Some(Output::Send {
            exchange, query, ..
        }) = client.poll_output()
        else {
            panic!()
        };
        (exchange, query)
    };
    assert!(Request::decode(&query.request().encode()).is_ok());
    assert!(
        client
            .handle(
                at(0),
                Input::Decrypted {
                    exchange,
                    quirk: None
                }
            )
            .is_err()
    );

    let settings = ClientSettings {
        outstanding_limit: 2,
        versions: VersionRange::ONLY_1_0,
        ..ClientSettings::default()
    };
    let mut client = Client::new(settings, &SEED).unwrap();
    let input = |question| Input::Ask {
        tag: Tag(3),
        peer: PEER,
        question,
    };
    assert!(client.handle(at(0), input(segment_list(&[1]))).is_err());
    assert!(client.handle(at(0), input(plain(1))).is_ok());
    assert!(client.handle(at(0), input(plain(2))).is_ok());
    assert!(client.handle(at(0), input(plain(3))).is_err());
}

#[test]
fn few_consecutive_blocks_are_fetched_without_a_list() {
    let settings = ClientSettings::default();
    assert!(!settings.wants_block_list(&set(&[])));
    assert!(!settings.wants_block_list(&set(&[(7, 1)])));
    assert!(!settings.wants_block_list(&set(&[(7, 3)])));
    assert!(settings.wants_block_list(&set(&[(7, 4)])));
    assert!(settings.wants_block_list(&set(&[(7, 1), (9, 1)])));
}

#[test]
fn defaults_are_those_of_windows_and_settings_without_sense_are_refused() {
    let settings = ClientSettings::default();
    assert_eq!(settings.request_timer_ms, 2000);
    assert_eq!(settings.preferred_encryption, CryptoAlgorithm::AES_128);
    let refused = [
        ClientSettings {
            request_timer_ms: 0,
            ..settings
        },
        ClientSettings {
            request_timer_ms: 60_001,
            ..settings
        },
        ClientSettings {
            outstanding_limit: 0,
            ..settings
        },
        ClientSettings {
            preferred_encryption: CryptoAlgorithm(9),
            ..settings
        },
        ClientSettings {
            versions: range(2, 1),
            ..settings
        },
    ];
    for settings in refused {
        assert!(Client::new(settings, &SEED).is_err(), "{settings:?}");
    }
    for request_timer_ms in [1, 60_000] {
        assert!(
            Client::new(
                ClientSettings {
                    request_timer_ms,
                    ..settings
                },
                &SEED
            )
            .is_ok()
        );
    }
}
