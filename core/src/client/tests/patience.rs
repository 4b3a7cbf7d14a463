//! What waits for peers before it is asked of the origin.

use super::stage::*;
use crate::client::*;

fn begin(settings: Settings, counts: &[u32]) -> Stage {
    let mut stage = Stage::with(settings);
    stage.begin(&segments(counts), Mode::Distributed);
    stage
}

fn asked(stage: &mut Stage) -> u64 {
    stage.origin().iter().map(|(_, range)| range.length).sum()
}

fn is_finished(stage: &mut Stage) -> bool {
    let events = stage.events();
    events
        .iter()
        .any(|event| matches!(event, Event::Finished { .. }))
}

/// Four blocks at a time.
fn limited() -> Settings {
    Settings {
        origin_backlog_bytes: 4 * u64::from(BLOCK),
        server_list_timer_ms: 500,
        ..Settings::default()
    }
}

#[test]
fn by_default_nothing_waits() {
    let mut stage = begin(Settings::default(), &[10, 10]);
    stage.end_discovery();
    assert_eq!(asked(&mut stage), 20 * u64::from(BLOCK));
    // That of the range, and those of two lists.
    assert_eq!(stage.client.usage().timers, 3);
}

#[test]
fn no_more_is_asked_of_the_origin_than_the_limit_and_all_of_it_in_the_end() {
    let mut stage = begin(limited(), &[10]);
    stage.end_discovery();
    let ranges = stage.origin();
    assert_eq!(ranges.len(), 1);
    assert_eq!(ranges[0].1.length, 4 * u64::from(BLOCK));
    // One block came: more than half is still to come.
    let fetch = ranges[0].0;
    let mut give = |received| {
        stage.tell(Input::OriginArrived { fetch, received });
        stage.verify_all(true);
        asked(&mut stage)
    };
    assert_eq!(give(10), 0);
    assert_eq!(give(20), 2 * u64::from(BLOCK));
    assert_eq!(give(40), 2 * u64::from(BLOCK));
    let mut stage = begin(limited(), &[10]);
    stage.end_discovery();
    stage.serve_origin();
    assert!(is_finished(&mut stage));
    stage.wait(1_000);
    assert_eq!(stage.client.poll_timeout(), None);
}

#[test]
fn what_waits_is_looked_for_again_and_fetched_from_who_has_it_by_then() {
    let mut stage = begin(limited(), &[10]);
    stage.end_discovery();
    let (fetch, _) = stage.origin()[0];
    stage.wait(1_000);
    let again = stage.discoveries();
    assert_eq!(again.len(), 1);
    stage.find(1, &[id(1)]);
    let list = stage.one_sent();
    stage.list(list, &[(0, 10)]);
    let mut blocks = Vec::new();
    loop {
        let sent = stage.sent();
        let Some(&sent) = sent.first() else { break };
        blocks.push(sent.block.unwrap().get());
        stage.give(sent);
    }
    // Those that the origin was asked for are not asked of the peer, too.
    assert_eq!(blocks, [4, 5, 6, 7, 8, 9]);
    let received = 40;
    stage.tell(Input::OriginArrived { fetch, received });
    stage.verify_all(true);
    assert_eq!(asked(&mut stage), 0);
    let finished = stage.events().into_iter().find_map(|event| match event {
        Event::Finished { tally, .. } => Some((tally.from_origin, tally.from_peers)),
        _ => None,
    });
    assert_eq!(finished, Some((40, 60)));
}

#[test]
fn what_is_known_to_be_nowhere_is_not_looked_for_again_before_that_is_forgotten() {
    let settings = Settings {
        server_list_timer_ms: 3_500,
        ..limited()
    };
    let mut stage = begin(settings, &[10]);
    stage.end_discovery();
    stage.wait(3_400);
    assert!(stage.discoveries().is_empty());
    stage.wait(1_000);
    assert_eq!(stage.discoveries().len(), 1);
}

#[test]
fn the_origin_is_held_back_for_as_long_as_it_is_said_and_no_longer() {
    let settings = Settings {
        origin_delay_ms: 60_000,
        ..Settings::default()
    };
    let mut stage = begin(settings, &[3]);
    stage.end_discovery();
    stage.wait(59_999);
    stage.end_discovery();
    assert_eq!(asked(&mut stage), 0);
    stage.wait(500);
    assert_eq!(asked(&mut stage), 3 * u64::from(BLOCK));
}

#[test]
fn while_the_origin_is_held_back_peers_that_come_are_asked() {
    let settings = Settings {
        origin_delay_ms: 60_000,
        ..Settings::default()
    };
    let mut stage = begin(settings, &[2]);
    stage.end_discovery();
    stage.wait(16_000);
    assert_eq!(stage.discoveries().len(), 1);
    stage.find(1, &[id(1)]);
    for _ in 0..2 {
        let sent = stage.one_sent();
        stage.give(sent);
    }
    assert!(is_finished(&mut stage));
    assert_eq!(asked(&mut stage), 0);
}
