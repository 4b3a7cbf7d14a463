mod blocks;
mod course;
mod lists;

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
