//! Segment lists of a hosted cache.

use super::stage::*;
use crate::client::*;
use crate::content::Version;
use crate::retrieval::client::Peer;

const CACHE: Mode = Mode::Hosted(Peer(5));

fn begin(count: usize, settings: Settings) -> Stage {
    let mut stage = Stage::with(settings);
    stage.begin_version(Version::V2, &segments(&vec![1; count]), CACHE);
    stage
}

fn in_pairs() -> Settings {
    Settings {
        segments_per_list: 2,
        ..Settings::default()
    }
}

/// The segments of which a block is asked for, each known by its number.
fn blocks_asked(stage: &mut Stage) -> Vec<u8> {
    let sent = stage.sent().into_iter();
    sent.map(|sent| sent.segment.0.as_bytes()[0]).collect()
}

#[test]
fn the_hosted_cache_is_asked_once_which_of_many_segments_it_has() {
    let mut stage = begin(3, Settings::default());
    let lists = stage.lists_sent();
    assert_eq!(lists.len(), 1);
    assert_eq!(lists[0].peer, Peer(5));
    assert_eq!(lists[0].segments, [id(1), id(2), id(3)]);
    assert!(stage.sent().is_empty(), "nothing before the answer");
    stage.segment_list(&lists[0], &[0, 2]);
    assert_eq!(blocks_asked(&mut stage), [1, 3]);
    assert_eq!(stage.session_ends(), [(1, SessionEnd::NobodyFound)]);
    let ranges: Vec<_> = stage.origin().into_iter().map(|(_, range)| range).collect();
    assert_eq!((ranges.len(), ranges[0].start), (1, u64::from(BLOCK)));
}

#[test]
fn a_list_of_nothing_sends_all_to_the_origin() {
    let mut stage = begin(4, Settings::default());
    let lists = stage.lists_sent();
    stage.segment_list(&lists[0], &[]);
    assert!(stage.sent().is_empty());
    stage.serve_origin();
    let tally = Tally {
        from_peers: 0,
        from_origin: 4 * u64::from(BLOCK),
    };
    let download = DOWNLOAD;
    let finished = Event::Finished { download, tally };
    assert_eq!(stage.events().last(), Some(&finished));
}

#[test]
fn one_segment_is_asked_for_without_a_list() {
    let mut stage = begin(1, Settings::default());
    assert!(stage.lists_sent().is_empty());
    assert_eq!(blocks_asked(&mut stage), [1]);
}

#[test]
fn segments_of_version_1_are_asked_for_without_a_list() {
    let mut stage = Stage::new();
    stage.begin(&segments(&[1, 1]), CACHE);
    assert!(stage.lists_sent().is_empty());
    assert_eq!(blocks_asked(&mut stage), [1, 2]);
}

#[test]
fn peers_are_never_asked_for_a_list_of_segments() {
    let mut stage = Stage::new();
    stage.begin_version(Version::V2, &segments(&[1, 1]), Mode::Distributed);
    stage.find(1, &[id(1), id(2)]);
    assert!(stage.lists_sent().is_empty());
    assert_eq!(stage.sent().len(), 2);
}

#[test]
fn the_setting_turns_lists_off() {
    for segments_per_list in [0, 1] {
        let settings = Settings {
            segments_per_list,
            ..Settings::default()
        };
        let mut stage = begin(3, settings);
        assert!(stage.lists_sent().is_empty());
        assert_eq!(blocks_asked(&mut stage), [1, 2, 3]);
    }
}

#[test]
fn the_next_list_is_asked_for_while_the_segments_of_the_last_are_fetched() {
    let mut stage = begin(5, in_pairs());
    let first = stage.lists_sent();
    stage.segment_list(&first[0], &[0, 1]);
    assert_eq!(blocks_asked(&mut stage), [1, 2]);
    let second = stage.lists_sent();
    assert_eq!(second[0].segments, [id(3), id(4)]);
    stage.segment_list(&second[0], &[1]);
    assert_eq!(blocks_asked(&mut stage), [4, 5], "for the last no list");
}

#[test]
fn a_cache_that_gives_no_list_is_asked_for_blocks_and_for_no_other_list() {
    let mut stage = begin(5, in_pairs());
    let exchange = stage.lists_sent()[0].exchange;
    stage.tell(Input::Failed { exchange });
    assert!(stage.lists_sent().is_empty());
    assert_eq!(blocks_asked(&mut stage), [1, 2, 3, 4, 5]);
}

#[test]
fn a_list_that_does_not_come_is_waited_for_until_the_request_timer_ends() {
    let mut stage = begin(2, Settings::default());
    stage.lists_sent();
    stage.wait(Settings::default().retrieval.request_timer_ms.into());
    assert_eq!(blocks_asked(&mut stage), [1, 2]);
}

#[test]
fn a_download_that_is_cancelled_takes_its_list_along() {
    let mut stage = begin(2, Settings::default());
    let download = DOWNLOAD;
    stage.tell(Input::Cancel { download });
    let is_abort = |output: &Output| matches!(output, Output::Abort { .. });
    assert!(stage.outputs.iter().any(is_abort));
    assert_eq!(stage.client.usage(), Usage::default());
}

#[test]
fn a_list_longer_than_a_message_is_no_setting() {
    let settings = Settings {
        segments_per_list: Settings::SEGMENTS_PER_LIST_MAX + 1,
        ..Settings::default()
    };
    assert!(Downloader::new(settings, &[1; 32]).is_err());
    let longest = 4 + 64;
    let all = Settings::SEGMENTS_PER_LIST_MAX * longest + 64;
    assert!(all <= 96 * 1024, "the longest ids fit");
}
