//! Hosted cache mode.

use super::stage::*;
use crate::client::*;
use crate::retrieval::client::Peer;

const CACHE: Mode = Mode::Hosted(Peer(5));

fn begin(counts: &[u32]) -> Stage {
    let mut stage = Stage::new();
    stage.begin(&segments(counts), CACHE);
    stage
}

#[test]
fn the_hosted_cache_is_asked_without_any_discovery() {
    let mut stage = begin(&[3, 4]);
    assert!(stage.discoveries().is_empty());
    let sent = stage.sent();
    let asked: Vec<_> = sent.iter().map(|it| (it.peer, it.block)).collect();
    assert_eq!(asked, [(Peer(5), Some(at(0))), (Peer(5), None)]);
}

#[test]
fn a_block_list_that_fails_once_ends_the_session() {
    let mut stage = begin(&[4]);
    let list = stage.one_sent();
    stage.fail(list);
    assert!(stage.sent().is_empty());
    assert_eq!(stage.origin().len(), 1);
}

#[test]
fn a_block_that_fails_ends_the_session() {
    let mut stage = begin(&[2]);
    let sent = stage.one_sent();
    stage.fail(sent);
    assert_eq!(stage.session_ends(), [(0, SessionEnd::ServersExhausted)]);
    assert_eq!(stage.origin()[0].1.length, 20);
}

#[test]
fn the_download_timer_ends_the_session() {
    let mut stage = Stage::with(Settings {
        download_timer_ms: 100,
        ..Settings::default()
    });
    stage.begin(&segments(&[2]), CACHE);
    stage.wait(100);
    assert_eq!(stage.session_ends(), [(0, SessionEnd::TimedOut)]);
}

#[test]
fn what_the_cache_lacks_comes_from_the_origin_and_is_offered_to_it() {
    let mut stage = begin(&[4]);
    let list = stage.one_sent();
    stage.list(list, &[(0, 1), (2, 1)]);
    for _ in 0..2 {
        let sent = stage.one_sent();
        stage.give(sent);
    }
    stage.serve_origin();
    let offers = stage.take(|output| match output {
        Output::Offer(shared) => Some(*shared),
        _ => None,
    });
    assert_eq!(offers.len(), 1);
    assert_eq!((offers[0].from_origin, offers[0].is_complete), (2, true));
    let tally = Tally {
        from_peers: 20,
        from_origin: 20,
    };
    let download = DOWNLOAD;
    let finished = Event::Finished { download, tally };
    assert_eq!(stage.events().last(), Some(&finished));
}

#[test]
fn what_came_from_the_cache_alone_is_not_offered_to_it() {
    let mut stage = begin(&[1]);
    let sent = stage.one_sent();
    stage.give(sent);
    let is_offer = |output: &Output| matches!(output, Output::Offer(_));
    let is_share = |output: &Output| matches!(output, Output::Share(_));
    assert!(!stage.outputs.iter().any(is_offer));
    assert!(stage.outputs.iter().any(is_share));
}
