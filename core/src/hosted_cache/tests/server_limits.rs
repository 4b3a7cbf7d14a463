//! What one client can make a hosted cache do, and what happens when clients fail it (MS-PCHC 3.1.5).

use super::server::{Bench, bench, client, code, decisions, fetches};
use super::*;
use crate::hosted_cache::server::*;
use crate::time::Duration;

fn keys(range: core::ops::Range<u8>) -> Vec<SegmentKey> {
    range.map(v2_key).collect()
}

fn failed(bench: &mut Bench, token: FetchToken) -> Vec<Output> {
    bench.input(Input::FetchFailed { token })
}

#[test]
fn one_client_has_only_so_many_segments_in_flight_and_the_rest_follows() {
    let mut bench = bench();
    let outputs = bench.batch(1, &keys(0..10), 1000);
    assert_eq!(decisions(&outputs), [Decision::Queued; 10]);
    let first: Vec<_> = fetches(&outputs).iter().map(|one| one.token).collect();
    assert_eq!(first.len(), 4);
    // Others are not held up by it.
    assert_eq!(fetches(&bench.batch(2, &keys(20..22), 1000)).len(), 2);
    let outputs = bench.fetched(first[0], BlockSet::first_blocks(1));
    assert_eq!(fetches(&outputs).len(), 1);
    assert_eq!(fetches(&outputs)[0].key, v2_key(4));
}

#[test]
fn one_client_has_only_so_many_bytes_in_flight_but_always_one_segment() {
    let mut bench = Bench::new(ServerSettings {
        bytes_in_flight_per_client: 100_000,
        ..ServerSettings::default()
    });
    let outputs = bench.batch(1, &keys(0..4), 131_072);
    assert_eq!(fetches(&outputs).len(), 1);
    let outputs = bench.batch(2, &keys(10..14), 40_000);
    assert_eq!(fetches(&outputs).len(), 2);
}

#[test]
fn all_clients_together_have_only_so_much_in_flight_and_take_turns() {
    let mut bench = Bench::new(ServerSettings {
        segments_in_flight_total: 2,
        ..ServerSettings::default()
    });
    let outputs = bench.batch(1, &keys(0..50), 1000);
    let mut tokens: Vec<_> = fetches(&outputs).iter().map(|one| one.token).collect();
    assert_eq!(tokens.len(), 2);
    bench.batch(2, &keys(60..63), 1000);
    bench.batch(3, &keys(70..73), 1000);
    // Though the first came with fifty, the others are served in between.
    let mut order = Vec::new();
    while let Some(token) = tokens.pop() {
        let outputs = bench.fetched(token, BlockSet::first_blocks(1));
        for fetch in fetches(&outputs) {
            order.push(fetch.from.ip());
            tokens.push(fetch.token);
        }
    }
    let ips: Vec<_> = [1, 2, 3].map(client).map(|one| one.ip()).to_vec();
    assert_eq!(order.len(), 54);
    for ip in &ips {
        assert!(order[..9].iter().filter(|one| *one == ip).count() >= 3);
    }
    let bytes = Bench::new(ServerSettings {
        bytes_in_flight_total: 5000,
        ..ServerSettings::default()
    });
    let mut bench = bytes;
    assert_eq!(fetches(&bench.batch(1, &keys(0..4), 3000)).len(), 1);
    assert_eq!(fetches(&bench.batch(2, &keys(10..14), 2000)).len(), 0);
}

#[test]
fn queues_are_bounded_for_one_client_and_for_all() {
    let mut bench = Bench::new(ServerSettings {
        segments_in_flight_total: 1,
        segments_queued_per_client: 3,
        segments_queued_total: 5,
        ..ServerSettings::default()
    });
    let outputs = bench.batch(1, &keys(0..6), 1000);
    let skipped = decisions(&outputs)
        .iter()
        .filter(|one| **one == Decision::Skipped(Skip::ClientQueueFull))
        .count();
    assert_eq!(skipped, 3);
    let outputs = bench.batch(2, &keys(10..20), 1000);
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    assert!(decisions(&outputs).contains(&Decision::Skipped(Skip::QueueFull)));
    assert_eq!(
        bench.server.segments_known(),
        6,
        "what was skipped leaves nothing behind"
    );
}

#[test]
fn hashes_that_come_when_queues_are_full_are_not_kept() {
    let mut bench = Bench::new(ServerSettings {
        segments_queued_total: 0,
        ..ServerSettings::default()
    });
    let outputs = bench.send(1, &segment_info(&content_of(HashAlgorithm::Sha256, 2, 1)));
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    assert_eq!(outputs.len(), 2, "{outputs:?}");
    assert_eq!(bench.server.segments_known(), 0);
}

#[test]
fn knows_only_so_many_segments() {
    let mut bench = Bench::new(ServerSettings {
        segments_known_max: 3,
        ..ServerSettings::default()
    });
    let outputs = bench.batch(1, &keys(0..5), 1000);
    assert_eq!(
        decisions(&outputs)[3..],
        [Decision::Skipped(Skip::TooManySegments); 2]
    );
    let outputs = bench.send(1, &segment_info(&content_of(HashAlgorithm::Sha256, 2, 1)));
    assert_eq!(
        decisions(&outputs),
        [Decision::Skipped(Skip::TooManySegments)]
    );
}

#[test]
fn impossible_sizes_and_port_0_are_answered_ok_and_not_fetched() {
    let mut bench = bench();
    for size in [0, (128 << 10) + 1] {
        let outputs = bench.batch(1, &keys(0..1), size);
        assert_eq!(code(&outputs), Some(ResponseCode::OK));
        assert_eq!(
            decisions(&outputs),
            [Decision::Skipped(Skip::ImpossibleSize)]
        );
    }
    let one = [SegmentDescriptor::new(v2_key(1), 9, tag()).unwrap()];
    let outputs = bench.send(1, &BatchedOffer::new(0, &one).unwrap().encode());
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    assert_eq!(decisions(&outputs), [Decision::Skipped(Skip::NoPort)]);
    assert_eq!(bench.server.segments_known(), 0);
}

#[test]
fn a_segment_offered_by_several_is_fetched_once_and_the_next_is_asked_when_one_fails() {
    let mut bench = bench();
    let key = keys(1..2);
    let outputs = bench.batch(1, &key, 1000);
    let token = fetches(&outputs)[0].token;
    for number in [2, 3, 4, 5] {
        let outputs = bench.batch(number, &key, 1000);
        assert_eq!(decisions(&outputs), [Decision::NextSource]);
        assert!(fetches(&outputs).is_empty());
    }
    // Each is remembered once, and only so many are.
    assert_eq!(
        decisions(&bench.batch(2, &key, 1000)),
        [Decision::NextSource]
    );
    assert_eq!(
        decisions(&bench.batch(6, &key, 1000)),
        [Decision::Skipped(Skip::SourcesEnough)]
    );
    let outputs = failed(&mut bench, token);
    let fetch = fetches(&outputs)[0].clone();
    assert_eq!(fetch.from.ip(), client(2).ip());
    // Nothing came of it either, though it did not fail.
    let outputs = bench.fetched(fetch.token, BlockSet::EMPTY);
    let fetch = fetches(&outputs)[0].clone();
    assert_eq!(fetch.from.ip(), client(3).ip());
    let outputs = bench.fetched(fetch.token, BlockSet::first_blocks(1));
    assert!(fetches(&outputs).is_empty(), "nothing is missing");
}

#[test]
fn a_failed_fetch_is_not_tried_again_until_the_next_offer() {
    let mut bench = bench();
    let outputs = bench.batch(1, &keys(1..2), 1000);
    let outputs = failed(&mut bench, fetches(&outputs)[0].token);
    assert!(fetches(&outputs).is_empty());
    assert_eq!(bench.server.segments_known(), 0);
    assert_eq!(bench.server.poll_timeout(), None);
    assert_eq!(fetches(&bench.batch(1, &keys(1..2), 1000)).len(), 1);
}

#[test]
fn a_fetch_that_takes_too_long_is_abandoned_and_comes_too_late() {
    let mut bench = bench();
    let outputs = bench.batch(1, &keys(1..2), 1000);
    let token = fetches(&outputs)[0].token;
    bench.batch(2, &keys(1..2), 1000);
    let deadline = bench.server.poll_timeout().unwrap();
    assert_eq!(deadline.since(bench.now), Duration::from_secs(300));
    bench.now = deadline;
    let outputs = bench.input(Input::Timeout);
    assert_eq!(outputs[0], Output::Abandon { token });
    assert!(matches!(
        outputs[1],
        Output::Event(Event::FetchFailed {
            timed_out: true,
            ..
        })
    ));
    let next = fetches(&outputs)[0];
    assert_eq!(next.from.ip(), client(2).ip());
    assert!(bench.server.poll_timeout().unwrap() > deadline);
    assert!(bench.fetched(token, BlockSet::first_blocks(1)).is_empty());
    assert_eq!(
        bench.server.held(&v2_key(1)),
        (BlockSet::EMPTY, BlockSet::EMPTY)
    );
}

#[test]
fn the_same_segment_twice_in_a_batch_is_fetched_once() {
    let mut bench = Bench::new(ServerSettings {
        segments_in_flight_total: 0,
        ..ServerSettings::default()
    });
    let outputs = bench.batch(1, &[v2_key(1), v2_key(1)], 1000);
    assert_eq!(decisions(&outputs), [Decision::Queued; 2]);
    assert_eq!(bench.server.segments_known(), 1);
}

#[test]
fn one_client_is_the_same_however_its_address_is_written() {
    let mut bench = Bench::new(ServerSettings {
        segments_in_flight_per_client: 1,
        ..ServerSettings::default()
    });
    bench.batch(1, &keys(1..2), 1000);
    let one = [SegmentDescriptor::new(v2_key(2), 9, tag()).unwrap()];
    let outputs = bench.input(Input::Request {
        request: RequestToken(99),
        from: "[::ffff:10.0.0.1]:4711".parse().unwrap(),
        version: Version::V2,
        quirks: Quirks::default(),
        is_authenticated: false,
        message: &BatchedOffer::new(80, &one).unwrap().encode(),
    });
    assert_eq!(decisions(&outputs), [Decision::Queued]);
    assert!(fetches(&outputs).is_empty());
}

#[test]
fn an_address_of_one_link_keeps_its_scope() {
    let mut bench = bench();
    let one = [SegmentDescriptor::new(v2_key(2), 9, tag()).unwrap()];
    let outputs = bench.input(Input::Request {
        request: RequestToken(1),
        from: "[fe80::1%7]:4711".parse().unwrap(),
        version: Version::V2,
        quirks: Quirks::default(),
        is_authenticated: false,
        message: &BatchedOffer::new(81, &one).unwrap().encode(),
    });
    assert_eq!(fetches(&outputs)[0].from, "[fe80::1%7]:81".parse().unwrap());
}
