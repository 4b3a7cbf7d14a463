//! Every table has its limit.

use super::stage::*;
use crate::client::*;
use crate::content::Version;
use crate::error::ApiMisuse;
use crate::retrieval::client::Peer;

fn begin(settings: Settings, counts: &[u32]) -> Stage {
    let mut stage = Stage::with(settings);
    stage.begin(&segments(counts), Mode::Distributed);
    stage
}

#[test]
fn no_more_segments_are_in_flight_than_the_limit() {
    let settings = Settings {
        segments_in_flight: 2,
        ..Settings::default()
    };
    let mut stage = begin(settings, &[1; 5]);
    assert_eq!(stage.client.usage().sessions, 2);
    stage.end_discovery();
    assert_eq!(stage.client.usage().sessions, 2);
    assert_eq!(stage.discoveries().len(), 1);
}

#[test]
fn no_more_discoveries_start_in_a_period_than_the_limit() {
    let settings = Settings {
        discoveries_per_period: 1,
        segments_per_discovery: 1,
        ..Settings::default()
    };
    let mut stage = begin(settings, &[1, 1]);
    assert_eq!(stage.discoveries().len(), 1);
    assert_eq!(stage.session_ends(), [(1, SessionEnd::TooManyDiscoveries)]);
}

#[test]
fn no_more_requests_are_outstanding_at_one_peer_than_the_limit() {
    let settings = Settings {
        requests_per_server: 2,
        ..Settings::default()
    };
    let mut stage = begin(settings, &[1, 1, 1]);
    stage.find(1, &[id(1), id(2), id(3)]);
    let sent = stage.sent();
    assert_eq!(sent.len(), 2);
    stage.give(sent[0]);
    assert_eq!(stage.one_sent().segment, id(3));
}

#[test]
fn a_list_has_no_more_servers_than_the_limit_and_the_one_used_least_recently_goes() {
    let settings = Settings {
        servers_per_list: 2,
        ..Settings::default()
    };
    let mut stage = begin(settings, &[1]);
    for peer in 1..=3 {
        stage.find(peer, &[id(1)]);
    }
    let sent = stage.one_sent();
    stage.give(sent);
    stage.begin(&segments(&[1]), Mode::Distributed);
    let first = stage.one_sent();
    // Peer 1 was asked, and so used, before the others came.
    stage.fail(first);
    let second = stage.one_sent();
    let mut asked = [first.peer, second.peer];
    asked.sort();
    assert_eq!(asked, [Peer(2), Peer(3)]);
}

#[test]
fn there_are_no_more_lists_than_the_limit_and_the_one_used_least_recently_goes() {
    let settings = Settings {
        server_lists_limit: 2,
        ..Settings::default()
    };
    let mut stage = begin(settings, &[1, 1, 1]);
    assert_eq!(stage.client.usage().server_lists, 2);
    stage.end_discovery();
    stage.serve_origin();
    // The first list is gone, so the segment is looked for again; the last is there, and empty.
    stage.outputs.clear();
    stage.begin(&segments(&[1]), Mode::Distributed);
    assert_eq!(stage.discoveries().len(), 1);
}

#[test]
fn origin_ranges_are_no_longer_and_no_more_than_the_limits() {
    let settings = Settings {
        origin_ranges_limit: 2,
        origin_range_max_bytes: 35,
        ..Settings::default()
    };
    let mut stage = begin(settings, &[10]);
    stage.end_discovery();
    let ranges = stage.origin();
    let spans: Vec<_> = ranges.iter().map(|it| (it.1.start, it.1.length)).collect();
    assert_eq!(spans, [(0, 30), (30, 30)]);
    let (fetch, received) = (ranges[0].0, 30);
    stage.tell(Input::OriginArrived { fetch, received });
    stage.verify_all(true);
    assert_eq!(stage.origin()[0].1.start, 60);
}

#[test]
fn blocks_in_order_are_fetched_no_further_ahead_than_the_limit() {
    let settings = Settings {
        ahead_bytes_limit: 20,
        origin_ranges_limit: 9,
        ..Settings::default()
    };
    let mut stage = Stage::with(settings);
    let block = crate::content::BLOCK_BYTES;
    let mut wanted = segments(&[5]);
    wanted[0].length = 5 * block;
    wanted[0].block_size = block;
    stage.tell(Input::Start(Start {
        download: DOWNLOAD,
        version: Version::V1,
        segments: &wanted,
        mode: Mode::Distributed,
        order: Order::Random,
        delivery: Delivery::InOrder,
    }));
    stage.end_discovery();
    let mut starts = Vec::new();
    loop {
        let fetches = stage.origin();
        assert!(fetches.len() <= 1, "a block at least, and here at most");
        let Some((fetch, range)) = fetches.first().copied() else {
            break;
        };
        starts.push(range.start / u64::from(block));
        let received = range.length;
        stage.tell(Input::OriginArrived { fetch, received });
        stage.verify_all(true);
    }
    assert_eq!(starts, [0, 1, 2, 3, 4]);
    assert_eq!(stage.delivered().len(), 5);
}

#[test]
fn blocks_in_order_are_fetched_however_many_before_them_nobody_wants() {
    let settings = Settings {
        ahead_bytes_limit: 1,
        ..Settings::default()
    };
    let mut stage = Stage::with(settings);
    let block = crate::content::BLOCK_BYTES;
    let mut wanted = segments(&[9]);
    wanted[0].length = 9 * block;
    wanted[0].block_size = block;
    wanted[0].blocks = blocks(&[(3, 1), (8, 1)]);
    stage.tell(Input::Start(Start {
        download: DOWNLOAD,
        version: Version::V1,
        segments: &wanted,
        mode: Mode::Distributed,
        order: Order::Sequential,
        delivery: Delivery::InOrder,
    }));
    stage.end_discovery();
    for index in [3, 8] {
        let (fetch, range) = stage.origin()[0];
        assert_eq!(range.start, u64::from(index * block));
        let received = range.length;
        stage.tell(Input::OriginArrived { fetch, received });
        stage.verify_all(true);
        assert_eq!(stage.delivered(), [(0, index)]);
    }
}

#[test]
fn downloads_past_the_limit_of_one_name_or_out_of_order_are_refused() {
    let settings = Settings {
        downloads_limit: 1,
        ..Settings::default()
    };
    let mut stage = begin(settings, &[1]);
    let wanted = segments(&[1, 1]);
    let mut start = Start {
        download: DOWNLOAD,
        version: Version::V1,
        segments: &wanted,
        mode: Mode::Distributed,
        order: Order::Sequential,
        delivery: Delivery::AsVerified,
    };
    let now = stage.now;
    let mut refused = |start| stage.client.handle(now, Input::Start(start)).is_err();
    assert!(refused(start));
    start.download = DownloadToken(8);
    assert!(refused(start));
    let mut stage = Stage::new();
    let swapped = [wanted[1], wanted[0]];
    start.segments = &swapped;
    let result = stage.client.handle(now, Input::Start(start));
    let why = "segments are not in the order of the content";
    assert_eq!(result, Err(ApiMisuse(why)));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        Downloader::new(settings, &[0; 32]).is_err()
    };
    assert!(!refused(|_| {}));
    assert!(refused(|it| it.servers_per_list = 0));
    assert!(refused(|it| it.servers_per_list = 16_385));
    assert!(refused(|it| it.block_list_failures = 101));
    assert!(refused(|it| it.download_timer_ms = u32::MAX));
    assert!(refused(|it| it.segments_in_flight = 0));
    assert!(refused(|it| it.retrieval.request_timer_ms = 0));
}

#[test]
fn a_discovery_also_looks_for_short_segments_that_start_next() {
    let settings = Settings {
        segments_in_flight: 2,
        segments_per_discovery: 4,
        discoveries_per_period: 2,
        ..Settings::default()
    };
    let mut stage = Stage::with(settings);
    let wanted = segments(&[1; 8]);
    stage.begin_version(Version::V2, &wanted, Mode::Distributed);
    let mut sought = Vec::new();
    loop {
        for (discovery, segments) in stage.discoveries() {
            let ids: Vec<_> = segments.iter().map(|one| one.id).collect();
            stage.find(1, &ids);
            stage.tell(Input::DiscoveryFinished { discovery });
            sought.push(ids);
        }
        let sent = stage.sent();
        if sent.is_empty() {
            break;
        }
        sent.into_iter().for_each(|sent| stage.give(sent));
    }
    let ids: Vec<_> = wanted.iter().map(|segment| segment.id).collect();
    assert_eq!(sought, [&ids[..4], &ids[4..]]);
    assert!(stage.origin().is_empty());
    let ends = stage.session_ends();
    assert_eq!(ends.len(), 8);
    assert!(ends.iter().all(|(_, why)| *why == SessionEnd::Complete));
}
