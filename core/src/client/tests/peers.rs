//! Distributed cache mode.

use super::stage::*;
use crate::client::*;
use crate::retrieval::client::Peer;

fn begin(counts: &[u32]) -> Stage {
    let mut stage = Stage::new();
    stage.begin(&segments(counts), Mode::Distributed);
    stage
}

#[test]
fn all_segments_are_looked_for_at_once() {
    let mut stage = begin(&[2, 5, 1]);
    let discoveries = stage.discoveries();
    assert_eq!(discoveries.len(), 1);
    let sought: Vec<_> = discoveries[0]
        .1
        .iter()
        .map(|it| (it.id, it.blocks))
        .collect();
    assert_eq!(sought, [(id(1), 2), (id(2), 5), (id(3), 1)]);
    assert_eq!(stage.client.usage().sessions, 3);
}

#[test]
fn three_consecutive_blocks_are_asked_for_without_a_list() {
    let mut stage = begin(&[3]);
    stage.find(1, &[id(1)]);
    assert_eq!(stage.one_sent().block, Some(at(0)));
}

#[test]
fn four_consecutive_blocks_are_worth_a_list_first() {
    let mut stage = begin(&[4]);
    stage.find(1, &[id(1)]);
    let list = stage.one_sent();
    assert_eq!(list.block, None);
    stage.list(list, &[(2, 2)]);
    assert_eq!(
        stage.one_sent().block,
        Some(at(2)),
        "the first that is there"
    );
}

#[test]
fn disjoint_blocks_are_worth_a_list_however_few() {
    let mut stage = Stage::new();
    let mut wanted = segments(&[5]);
    wanted[0].blocks = blocks(&[(0, 1), (4, 1)]);
    stage.begin(&wanted, Mode::Distributed);
    stage.find(1, &[id(1)]);
    assert_eq!(stage.one_sent().block, None);
}

#[test]
fn each_free_server_is_asked_for_another_block_and_for_one_at_a_time() {
    let mut stage = begin(&[3]);
    stage.find(1, &[id(1)]);
    stage.find(2, &[id(1)]);
    let sent = stage.sent();
    let asked: Vec<_> = sent.iter().map(|it| (it.peer, it.block)).collect();
    assert_eq!(asked, [(Peer(1), Some(at(0))), (Peer(2), Some(at(1)))]);
    stage.give(sent[1]);
    let next = stage.one_sent();
    assert_eq!((next.peer, next.block), (Peer(2), Some(at(2))));
}

#[test]
fn a_server_is_busy_until_its_block_was_verified() {
    let mut stage = begin(&[2]);
    stage.find(1, &[id(1)]);
    let sent = stage.one_sent();
    stage.block_bytes(sent, &[0; 10]);
    assert!(stage.sent().is_empty());
    assert!(stage.delivered().is_empty(), "nothing sees it before");
    stage.verify_all(true);
    assert_eq!(stage.delivered(), [(0, 0)]);
    assert_eq!(stage.one_sent().block, Some(at(1)));
}

#[test]
fn a_block_that_fails_goes_to_another_server_and_the_one_that_failed_is_removed() {
    let mut stage = begin(&[2]);
    stage.find(1, &[id(1)]);
    let first = stage.one_sent();
    stage.fail(first);
    assert!(stage.sent().is_empty(), "one failed block is enough");
    stage.find(2, &[id(1)]);
    let again = stage.one_sent();
    assert_eq!((again.peer, again.block), (Peer(2), Some(at(0))));
}

#[test]
fn a_request_that_is_not_answered_in_time_has_failed() {
    let mut stage = begin(&[1]);
    stage.find(1, &[id(1)]);
    stage.end_discovery();
    stage.sent();
    stage.wait(1_999);
    assert!(stage.origin().is_empty());
    stage.wait(1);
    assert_eq!(stage.origin().len(), 1);
    assert_eq!(stage.session_ends(), [(0, SessionEnd::ServersExhausted)]);
}

#[test]
fn a_block_list_may_fail_three_times_and_not_four() {
    let mut stage = begin(&[4]);
    stage.find(1, &[id(1)]);
    for _ in 0..4 {
        let list = stage.one_sent();
        stage.fail(list);
    }
    assert!(stage.sent().is_empty());
}

#[test]
fn a_block_that_a_server_does_not_have_is_not_asked_of_it_again_but_the_others_are() {
    let mut stage = begin(&[2]);
    stage.find(1, &[id(1)]);
    let sent = stage.one_sent();
    stage.block_bytes(sent, &[]);
    let next = stage.one_sent();
    assert_eq!(next.block, Some(at(1)));
    stage.end_discovery();
    stage.give(next);
    assert!(stage.sent().is_empty());
    let origin = stage.origin();
    assert_eq!((origin[0].1.start, origin[0].1.length), (0, 10));
}

#[test]
fn if_nobody_is_found_the_origin_gives_everything_in_one_range() {
    let mut stage = begin(&[2, 5]);
    stage.end_discovery();
    let origin = stage.origin();
    assert_eq!(origin.len(), 1);
    assert_eq!((origin[0].1.start, origin[0].1.length), (0, 70));
    let why = SessionEnd::NobodyFound;
    assert_eq!(stage.session_ends(), [(0, why), (1, why)]);
}

#[test]
fn the_download_timer_ends_a_session_and_the_origin_gives_the_rest() {
    let settings = Settings {
        download_timer_ms: 1_000,
        ..Settings::default()
    };
    let mut stage = Stage::with(settings);
    stage.begin(&segments(&[1]), Mode::Distributed);
    stage.find(1, &[id(1)]);
    stage.wait(999);
    assert!(stage.origin().is_empty());
    stage.wait(1);
    assert_eq!(stage.session_ends(), [(0, SessionEnd::TimedOut)]);
    assert_eq!(stage.origin().len(), 1);
    assert!(
        stage
            .outputs
            .iter()
            .any(|it| matches!(it, Output::Abort { .. }))
    );
}

#[test]
fn a_segment_that_nobody_had_a_moment_ago_is_not_looked_for_again() {
    let mut stage = begin(&[1]);
    stage.end_discovery();
    stage.serve_origin();
    stage.begin(&segments(&[1]), Mode::Distributed);
    assert!(stage.discoveries().is_empty());
    assert_eq!(
        stage.session_ends().last(),
        Some(&(0, SessionEnd::KnownToBeNowhere))
    );
    stage.serve_origin();
    // The server list timer ends.
    stage.wait(15_000);
    stage.begin(&segments(&[1]), Mode::Distributed);
    assert_eq!(stage.discoveries().len(), 1);
}

#[test]
fn a_segment_whose_servers_are_known_is_asked_of_them_without_discovery() {
    let mut stage = begin(&[1]);
    stage.find(1, &[id(1)]);
    stage.end_discovery();
    let sent = stage.one_sent();
    stage.give(sent);
    stage.outputs.clear();
    stage.begin(&segments(&[1]), Mode::Distributed);
    assert!(stage.discoveries().is_empty());
    let sent = stage.one_sent();
    stage.give(sent);
    // The server entry timer ends, and then that of the list.
    stage.wait(60_000);
    assert_eq!(stage.client.usage().server_lists, 1);
    stage.wait(15_000);
    assert_eq!(stage.client.usage().server_lists, 0);
    assert_eq!(stage.client.poll_timeout(), None);
}

#[test]
fn a_second_session_joins_the_discovery_that_is_under_way() {
    let mut stage = begin(&[1]);
    let wanted = segments(&[1]);
    stage.tell(Input::Start(Start {
        download: DownloadToken(8),
        version: crate::content::Version::V1,
        segments: &wanted,
        mode: Mode::Distributed,
        order: Order::Sequential,
        delivery: Delivery::AsVerified,
    }));
    assert_eq!(stage.discoveries().len(), 1);
    stage.find(1, &[id(1)]);
    assert_eq!(stage.sent().len(), 2);
}

#[test]
fn a_liar_is_dropped_and_not_asked_again_even_if_it_is_found_again() {
    let mut stage = begin(&[2]);
    stage.find(1, &[id(1)]);
    let sent = stage.one_sent();
    stage.block_bytes(sent, &[9; 10]);
    stage.verify_all(false);
    assert!(stage.delivered().is_empty());
    assert!(
        stage
            .events()
            .iter()
            .any(|it| matches!(it, Event::Lied { peer: Peer(1), .. }))
    );
    stage.find(1, &[id(1)]);
    assert!(stage.sent().is_empty());
    stage.find(2, &[id(1)]);
    assert_eq!(
        stage.one_sent().block,
        Some(at(0)),
        "the block is idle again"
    );
    // In time it is forgiven.
    stage.wait(600_000);
    stage.serve_origin();
    stage.outputs.clear();
    stage.begin(&segments(&[1]), Mode::Distributed);
    stage.find(1, &[id(1)]);
    assert_eq!(stage.one_sent().peer, Peer(1));
}

#[test]
fn a_discovery_that_never_ends_is_given_up() {
    let mut stage = begin(&[1]);
    stage.wait(2_000);
    assert_eq!(stage.origin().len(), 1);
    assert!(
        stage
            .outputs
            .iter()
            .any(|it| matches!(it, Output::CancelDiscovery { .. }))
    );
}
