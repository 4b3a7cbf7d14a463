mod blocks;
mod lists;

use core::time::Duration;

use super::cache::Cache;
use super::*;
use crate::cipher::{BlockCipher, encrypt_many};
use crate::content::SegmentSecret;
use crate::retrieval::server::{
    Answer, Connection, EncryptOp, Event, Exchange, Input, Output, Server, ServerSettings,
};
use crate::time::Instant;

const SEED: [u8; 32] = [7; 32];

fn at(milliseconds: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(milliseconds)
}

fn server(settings: ServerSettings) -> Server {
    Server::new(settings, &SEED).unwrap()
}

fn drain(server: &mut Server) -> Vec<Output> {
    core::iter::from_fn(|| server.poll_output()).collect()
}

fn send(server: &mut Server, bytes: &[u8], holdings: &Cache) -> Vec<Output> {
    let input = Input::Message {
        connection: Connection(1),
        bytes,
        holdings,
    };
    server.handle(server_now(), input).unwrap();
    drain(server)
}

fn server_now() -> Instant {
    at(1000)
}

/// The body of the one response among the outputs, and its exchange.
fn response(outputs: &[Output]) -> (Vec<u8>, Option<Exchange>) {
    let mut responses = outputs.iter().filter_map(|output| match output {
        Output::Respond {
            exchange, answer, ..
        } => Some((answer, *exchange)),
        _ => None,
    });
    let (answer, exchange) = responses.next().unwrap_or_else(|| panic!("{outputs:?}"));
    assert!(responses.next().is_none());
    let mut body = Vec::new();
    answer.encode_head_into(&mut body);
    body.resize(body.len() + answer.payload_len(), 0x5A);
    answer.encode_tail_into(&mut body);
    assert_eq!(body.len(), answer.body_len());
    let decoded = Response::decode(&body).unwrap();
    assert_eq!(decoded.body.message_type(), answer.message_type());
    (body, exchange)
}

fn sent(server: &mut Server, exchange: Exchange) {
    server
        .handle(server_now(), Input::Sent { exchange })
        .unwrap();
}

fn get_blocks(segment: SegmentId, ranges: &[(u32, u32)]) -> Vec<u8> {
    Request::new(RequestBody::Blocks(GetBlocks {
        segment,
        requested: set(ranges).into(),
        verification: b"",
    }))
    .encode()
}

fn get_list(segment: SegmentId, ranges: &[(u32, u32)]) -> Vec<u8> {
    Request::new(RequestBody::BlockList(GetBlockList {
        segment,
        needed: set(ranges).into(),
    }))
    .encode()
}

fn get_segments(ids: &[SegmentId]) -> Vec<u8> {
    Request::new(RequestBody::SegmentList(GetSegmentList {
        request_id: [0xEE; 16],
        segments: SegmentIds::of(ids),
        blob: b"",
    }))
    .encode()
}

fn encrypt_op(outputs: &[Output]) -> EncryptOp {
    match outputs {
        [Output::Encrypt(op), ..] => *op,
        other => panic!("{other:?}"),
    }
}

/// Occupies the server with a block of `id(1)` that never gets ready.
fn occupy(server: &mut Server, cache: &Cache) -> Exchange {
    encrypt_op(&send(server, &get_blocks(id(1), &[(0, 1)]), cache)).exchange
}

#[test]
fn a_negotiation_request_is_answered_whatever_range_it_states() {
    let cache = Cache::default();
    for versions in [(1, 2), (9, 9), (2, 1), (0, u32::MAX)] {
        let mut server = server(ServerSettings::peer());
        let message = bytes(&[N(1), N(0), N(24), N(1), N(versions.0), N(versions.1)]);
        let (body, exchange) = response(&send(&mut server, &message, &cache));
        let expected = bytes(&[N(24), N(1), N(1), N(24), N(1), N(1), N(2)]);
        assert_eq!(body, expected);
        assert_eq!(server.active_clients(), 0);
        assert_eq!(server.poll_timeout(), Some(at(16_000)));
        sent(&mut server, exchange.unwrap());
        assert_eq!(server.poll_timeout(), None);
    }
}

#[test]
fn a_major_version_out_of_range_is_answered_with_versions_whatever_the_request_was() {
    let cache = Cache::with(&[(id(1), &[(0, 512)])]);
    let mut messages = sample_requests();
    messages.push(sample_responses()[1][4..].to_vec());
    messages.push(bytes(&[N(0), N(99), N(3), N(77)]));
    for mut message in messages {
        for version in [0u32, 3, 0x0001_0000, 0x0000_00FF] {
            message[..4].copy_from_slice(&version.to_be_bytes());
            let mut server = server(ServerSettings::peer());
            let (body, _) = response(&send(&mut server, &message, &cache));
            let decoded = Response::decode(&body).unwrap();
            assert_eq!(decoded.body, ResponseBody::Negotiation(VersionRange::ALL));
            assert_eq!(decoded.version, ProtocolVersion::V1_0);
        }
    }
}

#[test]
fn other_minor_versions_and_other_majors_in_range_are_served_and_told_of() {
    let cache = Cache::with(&[(id(1), &[(0, 1)])]);
    let mut server = server(ServerSettings::peer());
    for version in [0x0009_0001u32, 0x0000_0002, 0xFFFF_0002] {
        let mut message = get_list(id(1), &[(0, 1)]);
        message[..4].copy_from_slice(&version.to_be_bytes());
        let outputs = send(&mut server, &message, &cache);
        let (body, _) = response(&outputs);
        // The answer is of the version of its own type.
        assert_eq!(body[4..8], [0, 0, 0, 1]);
        assert!(outputs.iter().any(|output| matches!(
            output,
            Output::Event(Event::Lenient { quirks, .. }) if quirks.contains(Quirk::OtherVersion)
        )));
    }
}

#[test]
fn a_server_of_version_1_answers_segment_lists_with_its_versions() {
    let settings = ServerSettings {
        versions: VersionRange::ONLY_1_0,
        ..ServerSettings::peer()
    };
    let mut server = server(settings);
    let (body, _) = response(&send(
        &mut server,
        &get_segments(&[id(1)]),
        &Cache::default(),
    ));
    let body = Response::decode(&body).unwrap().body;
    assert_eq!(body, ResponseBody::Negotiation(VersionRange::ONLY_1_0));
    // Said to be of version 1.0, the same is a message of unknown type.
    let mut message = get_segments(&[id(1)]);
    message[3] = 1;
    let outputs = send(&mut server, &message, &Cache::default());
    assert!(matches!(
        &outputs[..],
        [Output::Discard { .. }, Output::Event(Event::Rejected { rejected, .. })]
            if rejected.requirement == "PCCRR-3.2.5.5-02"
    ));
}

#[test]
fn at_the_limit_answers_are_empty_and_negotiation_goes_on() {
    let cache = Cache::with(&[(id(1), &[(0, 512)])]);
    let mut server = server(ServerSettings {
        active_client_limit: 2,
        ..ServerSettings::peer()
    });
    let first = occupy(&mut server, &cache);
    occupy(&mut server, &cache);
    let mut turned_away = |message: &[u8]| {
        let outputs = send(&mut server, message, &cache);
        assert!(matches!(
            outputs.last(),
            Some(Output::Event(Event::TurnedAway { .. }))
        ));
        let (body, exchange) = response(&outputs);
        assert_eq!(exchange, None);
        assert_eq!(server.active_clients(), 2);
        body
    };
    let body = turned_away(&get_list(id(1), &[(0, 512)]));
    let ResponseBody::BlockList(list) = Response::decode(&body).unwrap().body else {
        panic!()
    };
    assert_eq!(
        (list.segment, list.available.count(), list.next),
        (id(1), 0, 0)
    );
    let body = turned_away(&get_blocks(id(1), &[(9, 1)]));
    let ResponseBody::Block(block) = Response::decode(&body).unwrap().body else {
        panic!()
    };
    assert_eq!(
        (block.segment, block.index, block.payload),
        (id(1), 9, &[][..])
    );
    let body = turned_away(&get_segments(&[id(1)]));
    let ResponseBody::SegmentList(list) = Response::decode(&body).unwrap().body else {
        panic!()
    };
    assert_eq!((list.request_id, list.available.count()), ([0xEE; 16], 0));
    assert_eq!(list.blob, b"");
    // Negotiation is neither counted nor limited.
    let negotiation = Request::new(RequestBody::Negotiation(VersionRange::ALL)).encode();
    response(&send(&mut server, &negotiation, &cache));
    // Once one is done, the next is served.
    server
        .handle(server_now(), Input::Closed { exchange: first })
        .unwrap();
    occupy(&mut server, &cache);
}

#[test]
fn the_version_is_judged_before_the_limit() {
    let cache = Cache::with(&[(id(1), &[(0, 512)])]);
    let mut server = server(ServerSettings {
        active_client_limit: 1,
        ..ServerSettings::peer()
    });
    occupy(&mut server, &cache);
    let mut message = get_blocks(id(1), &[(0, 1)]);
    message[3] = 9;
    let (body, _) = response(&send(&mut server, &message, &cache));
    let body = Response::decode(&body).unwrap().body;
    assert_eq!(body, ResponseBody::Negotiation(VersionRange::ALL));
}

#[test]
fn malformed_messages_are_discarded_without_a_word_and_the_next_request_is_served() {
    let cache = Cache::with(&[(id(1), &[(0, 512)])]);
    let mut server = server(ServerSettings::peer());
    let mut malformed = vec![vec![], vec![0; 3], sample_responses()[2][4..].to_vec()];
    for request in sample_requests() {
        malformed.push(request[..request.len() - 1].to_vec());
        malformed.push([&request[..], &[0]].concat());
        let mut unknown = request.clone();
        unknown[7] = 8;
        malformed.push(unknown);
    }
    for message in malformed {
        let outputs = send(&mut server, &message, &cache);
        let [
            Output::Discard { connection },
            Output::Event(Event::Rejected { rejected, .. }),
        ] = &outputs[..]
        else {
            panic!("{outputs:?}")
        };
        assert_eq!(*connection, Connection(1));
        assert!(rejected.requirement.starts_with("PCCRR-"));
        assert_eq!((server.active_clients(), server.poll_timeout()), (0, None));
        let (_, exchange) = response(&send(&mut server, &get_list(id(1), &[(0, 1)]), &cache));
        sent(&mut server, exchange.unwrap());
    }
}

#[test]
fn the_upload_timer_aborts_an_exchange_and_what_comes_after_is_ignored() {
    let cache = Cache::with(&[(id(1), &[(0, 512)])]);
    let mut server = server(ServerSettings::peer());
    let exchange = occupy(&mut server, &cache);
    assert_eq!(server.poll_timeout(), Some(at(16_000)));
    server.handle(at(15_999), Input::Timeout).unwrap();
    assert!(drain(&mut server).is_empty());
    server.handle(at(16_000), Input::Timeout).unwrap();
    let connection = Connection(1);
    let expected = [
        Output::Abort {
            connection,
            exchange,
        },
        Output::Event(Event::TimedOut { connection }),
    ];
    assert_eq!(drain(&mut server), expected);
    assert_eq!((server.active_clients(), server.poll_timeout()), (0, None));
    for input in [
        Input::Ready { exchange },
        Input::Lost { exchange },
        Input::Sent { exchange },
        Input::Closed { exchange },
    ] {
        server.handle(at(16_001), input).unwrap();
        assert!(drain(&mut server).is_empty());
        assert_eq!(server.active_clients(), 0);
    }
}

#[test]
fn contradictions_of_the_caller_are_misuse_and_change_nothing() {
    let cache = Cache::with(&[(id(1), &[(0, 512)])]);
    let mut server = server(ServerSettings::peer());
    let exchange = occupy(&mut server, &cache);
    assert!(
        server
            .handle(server_now(), Input::Sent { exchange })
            .is_err()
    );
    server
        .handle(server_now(), Input::Ready { exchange })
        .unwrap();
    assert_eq!(drain(&mut server).len(), 1);
    assert!(
        server
            .handle(server_now(), Input::Ready { exchange })
            .is_err()
    );
    assert!(
        server
            .handle(server_now(), Input::Lost { exchange })
            .is_err()
    );
    assert_eq!((server.active_clients(), drain(&mut server).len()), (1, 0));
}

#[test]
fn defaults_are_those_of_windows_and_settings_without_sense_are_refused() {
    let peer = ServerSettings::default();
    assert_eq!(
        (peer.active_client_limit, peer.upload_timer_ms),
        (64, 15_000)
    );
    assert_eq!(peer.encryption, CryptoAlgorithm::AES_128);
    assert_eq!(ServerSettings::hosted_cache().active_client_limit, 1024);
    let refused = [
        ServerSettings {
            active_client_limit: 0,
            ..peer
        },
        ServerSettings {
            upload_timer_ms: 99,
            ..peer
        },
        ServerSettings {
            upload_timer_ms: 3_600_001,
            ..peer
        },
        ServerSettings {
            encryption: CryptoAlgorithm(4),
            ..peer
        },
        ServerSettings {
            versions: VersionRange {
                lowest: ProtocolVersion::V2_0,
                highest: ProtocolVersion::V1_0,
            },
            ..peer
        },
    ];
    for settings in refused {
        assert!(Server::new(settings, &SEED).is_err(), "{settings:?}");
    }
    for upload_timer_ms in [100, 3_600_000] {
        assert!(
            Server::new(
                ServerSettings {
                    upload_timer_ms,
                    ..peer
                },
                &SEED
            )
            .is_ok()
        );
    }
}

#[test]
fn negotiations_are_answered_even_when_no_more_of_them_are_watched() {
    let mut server = server(ServerSettings {
        negotiation_limit: 3,
        ..ServerSettings::peer()
    });
    let message = Request::new(RequestBody::Negotiation(VersionRange::ALL)).encode();
    let watched: Vec<_> = (0..5)
        .map(|_| {
            response(&send(&mut server, &message, &Cache::default()))
                .1
                .is_some()
        })
        .collect();
    assert_eq!(watched, [true, true, true, false, false]);
}

#[test]
fn a_decoded_request_moves_the_machine_as_its_bytes_do() {
    let cache = Cache::with(&[(id(0xAA), &[(0, 512)]), (id_of(0xBB, 64), &[(0, 9)])]);
    let (mut by_bytes, mut by_message) = (
        server(ServerSettings::peer()),
        server(ServerSettings::peer()),
    );
    for message in sample_requests() {
        let request = Request::decode(&message).unwrap();
        let input = Input::Request {
            connection: Connection(1),
            request: &request,
            holdings: &cache,
        };
        by_message.handle(server_now(), input).unwrap();
        assert_eq!(
            drain(&mut by_message),
            send(&mut by_bytes, &message, &cache)
        );
    }
}

#[test]
fn an_answer_is_as_small_as_a_queue_wants_it() {
    // Simulations keep millions of these; a list of segments is the only one with memory of its own.
    assert!(size_of::<Output>() <= 256, "{}", size_of::<Output>());
    assert!(size_of::<Answer>() <= 240, "{}", size_of::<Answer>());
}
