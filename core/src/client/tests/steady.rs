//! Blocks told of in one call, beside blocks told of one by one.

use super::stage::*;
use crate::client::*;
use crate::retrieval::client::Peer;

/// Two segments that two servers give, block after block, up to the moment when nothing else is left to happen.
fn underway() -> Stage {
    let mut stage = Stage::new();
    stage.begin(&segments(&[9, 9]), Mode::Distributed);
    for peer in [1, 2] {
        stage.find(peer, &[id(1), id(2)]);
    }
    stage.end_discovery();
    for list in stage.sent() {
        stage.list(list, &[(0, 9)]);
    }
    stage
}

fn steady(stage: &Stage) -> Option<Steady> {
    let mut steady = Steady::default();
    stage.client.steady(&mut steady).then_some(steady)
}

#[test]
fn what_goes_on_by_itself_is_told() {
    let stage = underway();
    let steady = steady(&stage).unwrap();
    let sessions: Vec<_> = steady.sessions.iter().map(|it| (it.next, it.end)).collect();
    assert_eq!(sessions, [(2, 9), (2, 9)]);
    let lanes: Vec<_> = steady.lanes.iter().map(|lane| lane.index.get()).collect();
    assert_eq!(lanes, [0, 0, 1, 1]);
}

#[test]
fn nothing_goes_on_by_itself_while_lists_are_asked_for() {
    let mut stage = Stage::new();
    stage.begin(&segments(&[9]), Mode::Distributed);
    stage.find(1, &[id(1)]);
    assert!(steady(&stage).is_none());
}

#[test]
fn many_blocks_in_one_call_are_as_many_blocks_one_by_one() {
    let (mut one_by_one, mut at_once) = (underway(), underway());
    let before = steady(&at_once).unwrap();
    // The first lane gets three blocks of the first segment, one after the other: 0, 2, 3. Then it asks for 4.
    let mut sent = one_by_one.sent();
    let mut lane = sent.remove(0);
    for _ in 0..3 {
        one_by_one.wait(100);
        one_by_one.give(lane);
        lane = one_by_one.one_sent();
    }
    at_once.sent();
    at_once.wait(300);
    let passed = Passed {
        exchange: before.lanes[0].exchange,
        blocks: 3,
        index: Some(at(4)),
        at: at_once.now,
    };
    let stored = at_once.client.passed(&before, &[passed]).unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(
        (stored[0].id, stored[0].blocks),
        (id(1), blocks(&[(0, 1), (2, 2)]))
    );
    assert_eq!(lane.block, Some(at(4)));
    assert_eq!(at_once.client.usage(), one_by_one.client.usage());
    assert_eq!(
        at_once.client.poll_timeout(),
        one_by_one.client.poll_timeout()
    );
    let [after, expected] = [&at_once, &one_by_one].map(|stage| steady(stage).unwrap());
    assert_eq!(after.sessions, expected.sessions);
    let of = |steady: &Steady| {
        let mut lanes: Vec<_> = steady
            .lanes
            .iter()
            .map(|lane| (lane.session, lane.peer, lane.index))
            .collect();
        lanes.sort_unstable();
        lanes
    };
    assert_eq!(of(&after), of(&expected));
}

#[test]
fn a_lane_that_finds_nothing_to_ask_for_is_over() {
    let mut stage = underway();
    let before = steady(&stage).unwrap();
    stage.sent();
    let [first, second] = [before.lanes[0].exchange, before.lanes[2].exchange];
    let now = stage.now;
    let passed = |exchange, blocks, index| Passed {
        exchange,
        blocks,
        index,
        at: now,
    };
    // All but the last block, which the second lane waits for.
    let passed = [passed(second, 1, Some(at(8))), passed(first, 7, None)];
    stage.client.passed(&before, &passed).unwrap();
    let after = steady(&stage).unwrap();
    assert_eq!(after.lanes.len(), 3);
    assert_eq!((after.sessions[0].next, after.sessions[0].end), (0, 0));
    assert_eq!(stage.client.usage().requests, 3);
    assert_eq!(before.lanes[0].peer, Peer(1));
}

/// Whatever is foretold must happen: who gave a block is asked for the next one of its segment, or for nothing where none
/// is left and others still give; all the time, with shares that the limit of all requests cuts anywhere.
#[test]
fn whoever_gives_a_block_is_asked_for_the_next() {
    let (mut foretold, mut cut) = (0, 0);
    for (shares, limit, peers, parts) in (1..=4).flat_map(|shares| {
        [2, 5, 8, 13, 64].into_iter().flat_map(move |limit| {
            [
                (shares, limit, 1, false),
                (shares, limit, 3, false),
                (shares, limit, 3, true),
            ]
        })
    }) {
        let mut settings = Settings {
            requests_per_server_and_segment: shares,
            requests_per_server: 7,
            ..Settings::default()
        };
        settings.retrieval.outstanding_limit = limit;
        let mut stage = Stage::with(settings);
        stage.begin(&segments(&[40, 40, 40]), Mode::Distributed);
        let mut sent: Vec<Sent> = Vec::new();
        for peer in 1..=peers {
            stage.find(peer, &[id(1), id(2), id(3)]);
        }
        let mut chance = 12_345_u64 + u64::from(shares * limit);
        loop {
            sent.extend(stage.sent());
            if sent.is_empty() {
                break;
            }
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let picked = sent.remove((chance >> 33) as usize % sent.len());
            stage.wait(1);
            if picked.block.is_none() {
                let is_cut = parts && picked.peer == Peer(2);
                stage.list(
                    picked,
                    if is_cut {
                        &[(0, 9), (20, 5)]
                    } else {
                        &[(0, 40)]
                    },
                );
                continue;
            }
            let before = steady(&stage);
            stage.give(picked);
            let next = stage.sent();
            if let Some(before) = before {
                let lane = before
                    .lanes
                    .iter()
                    .find(|lane| lane.exchange == picked.exchange);
                let lane = lane.unwrap();
                let session = &before.sessions[lane.session];
                let lanes = before.lanes.iter().filter(|it| it.session == lane.session);
                let asked: Vec<_> = next
                    .iter()
                    .map(|it| (it.peer, it.segment, it.block))
                    .collect();
                if session.next < session.end {
                    foretold += 1;
                    cut += u32::from(before.lanes.len() >= limit as usize);
                    let expected = (picked.peer, picked.segment, Some(at(session.next)));
                    assert_eq!(asked, [expected], "{shares} {limit} {peers} {parts}");
                } else if session.is_all && lanes.count() > 1 {
                    foretold += 1;
                    assert_eq!(asked, [], "{shares} {limit} {peers} {parts}");
                }
            }
            sent.extend(next);
        }
    }
    assert!(
        foretold > 2_000 && cut > 500,
        "{foretold} foretold, {cut} of them at the limit"
    );
}

#[test]
fn what_cannot_have_been_is_refused() {
    let mut stage = underway();
    let steady = steady(&stage).unwrap();
    let usage = stage.client.usage();
    let exchange = steady.lanes[0].exchange;
    for (blocks, index) in [(9, Some(at(8))), (1, Some(at(5))), (0, None), (3, None)] {
        let passed = Passed {
            exchange,
            blocks,
            index,
            at: stage.now,
        };
        assert!(
            stage.client.passed(&steady, &[passed]).is_err(),
            "{blocks} blocks, then {index:?}"
        );
        assert_eq!(stage.client.usage(), usage);
    }
}
