//! The law of the core: the same inputs and seed give the same outputs. That draining ends and timeouts move the machine
//! is asserted by the stage itself, in every test.

use proptest::prelude::*;

use super::stage::*;
use crate::client::*;
use crate::content::Version;
use crate::retrieval::client::Peer;

const CACHE: Mode = Mode::Hosted(Peer(2));

#[derive(Debug, Clone, Copy)]
enum Step {
    Begin(u8),
    Find(u8, u8),
    EndDiscovery,
    Answer(u8),
    List(u8),
    Fail,
    Verify(bool),
    Origin(u8),
    OriginFails,
    Cancel,
    Wait(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => any::<u8>().prop_map(Step::Begin),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(peer, id)| Step::Find(peer, id)),
        1 => Just(Step::EndDiscovery),
        4 => any::<u8>().prop_map(Step::Answer),
        2 => any::<u8>().prop_map(Step::List),
        1 => Just(Step::Fail),
        4 => prop::bool::weighted(0.8).prop_map(Step::Verify),
        2 => any::<u8>().prop_map(Step::Origin),
        1 => Just(Step::OriginFails),
        1 => Just(Step::Cancel),
        1 => (0u16..8_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..80)
}

fn run(steps: &[Step]) -> Vec<String> {
    let mut stage = Stage::with(Settings {
        segments_per_list: 3,
        ..Settings::default()
    });
    let wanted = segments(&[1, 3, 6, 2]);
    let mut log = Vec::new();
    let (mut waiting, mut fetches) = (Vec::new(), Vec::new());
    let mut lists: Vec<SentList> = Vec::new();
    for step in steps {
        match *step {
            Step::Begin(kind) => {
                let start = Start {
                    download: DOWNLOAD,
                    version: [Version::V1, Version::V2][usize::from(kind / 8 % 2)],
                    segments: &wanted,
                    mode: [Mode::Distributed, CACHE][usize::from(kind / 4 % 2)],
                    order: [Order::Random, Order::Sequential][usize::from(kind % 2)],
                    delivery: [Delivery::InOrder, Delivery::AsVerified][usize::from(kind / 2 % 2)],
                };
                let now = stage.now;
                let _ = stage.client.handle(now, Input::Start(start));
                stage.tell(Input::Cancel {
                    download: DownloadToken(99),
                });
            }
            Step::Find(peer, number) => {
                stage.find(u64::from(peer % 4), &[id(1 + number % 4)]);
            }
            Step::EndDiscovery => stage.end_discovery(),
            Step::Answer(kind) => {
                if let Some(sent) = waiting.pop() {
                    answer(&mut stage, sent, kind);
                }
            }
            Step::List(there) => {
                if let Some(list) = lists.pop() {
                    let there: Vec<u32> = (0..4).filter(|at| there >> at & 1 == 1).collect();
                    stage.segment_list(&list, &there);
                }
            }
            Step::Fail => {
                if let Some(sent) = waiting.pop() {
                    stage.fail(sent);
                }
            }
            Step::Verify(good) => stage.verify_all(good),
            Step::Origin(share) => {
                if let Some((fetch, range)) = fetches.last().copied() {
                    let range: crate::content::ContentRange = range;
                    let received = range.length * u64::from(share) / 200;
                    stage.tell(Input::OriginArrived { fetch, received });
                }
            }
            Step::OriginFails => {
                if let Some((fetch, _)) = fetches.pop() {
                    stage.tell(Input::OriginFailed { fetch });
                }
            }
            Step::Cancel => stage.tell(Input::Cancel { download: DOWNLOAD }),
            Step::Wait(milliseconds) => stage.wait(milliseconds.into()),
        }
        log.extend(stage.outputs.iter().map(|output| format!("{output:?}")));
        waiting.extend(stage.sent());
        lists.extend(stage.lists_sent());
        fetches.extend(stage.origin());
        stage.take(|output| {
            let is_done = !matches!(output, Output::Verify(_) | Output::Discover { .. });
            is_done.then_some(())
        });
    }
    // Then time passes, and nothing that runs by timers is left.
    stage.tell(Input::Cancel { download: DOWNLOAD });
    stage.verify_all(true);
    stage.wait(600_000);
    let usage = stage.client.usage();
    let liars = usage.liars;
    assert_eq!(
        usage,
        Usage {
            liars,
            ..Usage::default()
        }
    );
    assert_eq!(stage.client.poll_timeout(), None);
    log
}

fn answer(stage: &mut Stage, sent: Sent, kind: u8) {
    match (sent.block, kind % 4) {
        (None, 0) => stage.list(sent, &[]),
        (None, 1) => stage.list(sent, &[(0, 2), (4, 2)]),
        (None, _) => stage.list(sent, &[(0, 6)]),
        (Some(_), 0) => stage.block_bytes(sent, &[]),
        (Some(_), 1) => stage.block_bytes(sent, &[0; 3]),
        (Some(_), _) => stage.block_bytes(sent, &[0; 10]),
    }
}

proptest! {
    #[test]
    fn whatever_happens_it_comes_to_rest_and_does_the_same_again(steps in steps()) {
        prop_assert_eq!(run(&steps), run(&steps));
    }
}
