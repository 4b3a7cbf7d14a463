//! Downloads from start to end.

use super::stage::*;
use crate::client::*;

fn begin(counts: &[u32]) -> Stage {
    let mut stage = Stage::new();
    stage.begin(&segments(counts), Mode::Distributed);
    stage
}

#[test]
fn nothing_wanted_is_finished_at_once() {
    let mut stage = begin(&[]);
    assert!(matches!(stage.events()[..], [Event::Finished { .. }]));
    assert_eq!(stage.client.poll_timeout(), None);
}

#[test]
fn an_origin_that_fails_is_asked_for_the_rest_after_a_while() {
    let mut stage = begin(&[3]);
    stage.end_discovery();
    let (fetch, _) = stage.origin()[0];
    let received = 15;
    stage.tell(Input::OriginArrived { fetch, received });
    stage.verify_all(true);
    assert_eq!(stage.delivered(), [(0, 0)]);
    stage.tell(Input::OriginFailed { fetch });
    assert!(stage.origin().is_empty());
    stage.wait(1_000);
    let again = stage.origin();
    assert_eq!((again[0].1.start, again[0].1.length), (10, 20));
}

#[test]
fn an_origin_that_says_nothing_for_too_long_has_failed() {
    let mut stage = begin(&[1]);
    stage.end_discovery();
    stage.origin();
    stage.wait(30_000);
    assert!(
        stage
            .outputs
            .iter()
            .any(|it| matches!(it, Output::AbortOrigin { .. }))
    );
    stage.wait(1_000);
    assert_eq!(stage.origin().len(), 1);
}

#[test]
fn an_origin_that_keeps_failing_fails_the_download() {
    let mut stage = begin(&[1]);
    stage.end_discovery();
    for _ in 0..=5 {
        let (fetch, _) = stage.origin()[0];
        stage.tell(Input::OriginFailed { fetch });
        stage.wait(1_000);
    }
    let why = Failure::OriginUnreachable;
    let download = DOWNLOAD;
    assert!(stage.events().contains(&Event::Failed { download, why }));
    assert_eq!(stage.client.usage().downloads, 0);
}

#[test]
fn an_origin_with_other_content_fails_the_download() {
    let mut stage = begin(&[5]);
    stage.end_discovery();
    let (fetch, range) = stage.origin()[0];
    let received = range.length;
    stage.tell(Input::OriginArrived { fetch, received });
    stage.verify_all(false);
    let why = Failure::OriginDiffers;
    let download = DOWNLOAD;
    assert!(stage.events().contains(&Event::Failed { download, why }));
    assert!(stage.delivered().is_empty());
}

#[test]
fn a_download_that_is_cancelled_leaves_nothing_behind_but_what_it_shares() {
    let mut stage = begin(&[2, 5]);
    stage.find(1, &[id(1)]);
    let sent = stage.one_sent();
    stage.give(sent);
    stage.end_discovery();
    stage.outputs.clear();
    stage.tell(Input::Cancel { download: DOWNLOAD });
    let shares = stage.take(|output| match output {
        Output::Share(shared) => Some((shared.blocks, shared.is_complete)),
        _ => None,
    });
    assert_eq!(shares, [(blocks(&[(0, 1)]), false)]);
    let usage = stage.client.usage();
    assert_eq!(usage.downloads + usage.sessions + usage.requests, 0);
    assert_eq!(usage.origin_ranges, 0);
    assert!(
        stage
            .outputs
            .iter()
            .any(|it| matches!(it, Output::AbortOrigin { .. }))
    );
    assert!(
        stage
            .outputs
            .iter()
            .any(|it| matches!(it, Output::Abort { .. }))
    );
    stage.tell(Input::Cancel { download: DOWNLOAD });
    assert_eq!(stage.events().len(), 1, "cancelled once");
}

#[test]
fn a_verification_nobody_asked_for_is_misuse() {
    let mut stage = begin(&[1]);
    let input = Input::Verified {
        verify: VerifyToken(99),
        good: true,
    };
    assert!(stage.client.handle(stage.now, input).is_err());
}

#[test]
fn a_block_that_arrives_as_its_session_ends_still_counts() {
    let mut stage = begin(&[1]);
    stage.find(1, &[id(1)]);
    let sent = stage.one_sent();
    stage.block_bytes(sent, &[0; 10]);
    stage.wait(5_000);
    assert!(stage.origin().is_empty(), "it is at hand");
    stage.verify_all(true);
    assert_eq!(stage.delivered(), [(0, 0)]);
}

#[test]
fn random_order_fetches_everything_too_and_not_in_order() {
    let mut stage = Stage::new();
    let wanted = segments(&[1; 40]);
    stage.tell(Input::Start(Start {
        download: DOWNLOAD,
        version: crate::content::Version::V2,
        segments: &wanted,
        mode: Mode::Distributed,
        order: Order::Random,
        delivery: Delivery::AsVerified,
    }));
    stage.end_discovery();
    stage.serve_origin();
    let delivered = stage.delivered();
    assert_eq!(delivered.len(), 40);
    assert!(!delivered.is_sorted());
}

#[test]
fn segments_of_content_information_have_the_blocks_of_its_range() {
    use crate::content::ContentInfo;
    let hash = [7u8; 32];
    // Version 1.0: one segment of two blocks, of which a range within the second is wanted.
    let mut bytes = vec![0, 1, 0x0c, 0x80, 0, 0];
    for field in [65_536u32, 100, 1] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(0u64.to_le_bytes());
    for field in [131_072u32, 65_536] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(hash);
    bytes.extend(hash);
    bytes.extend(2u32.to_le_bytes());
    bytes.extend(hash);
    bytes.extend(hash);
    let info = ContentInfo::decode(&bytes).unwrap();
    let wanted: Vec<_> = WantedSegment::of(&info).collect();
    assert_eq!(wanted.len(), 1);
    assert_eq!(wanted[0].blocks, blocks(&[(1, 1)]));
    assert_eq!(wanted[0].range_of(at(1)).start, 65_536);
}

#[test]
fn a_block_verified_late_is_not_taken_for_one_of_the_next_download_of_that_name() {
    for good in [true, false] {
        let mut stage = Stage::new();
        stage.begin(&segments(&[2]), Mode::Distributed);
        stage.find(1, &[id(1)]);
        let sent = stage.sent();
        stage.block_bytes(sent[0], &[0; BLOCK as usize]);
        stage.tell(Input::Cancel { download: DOWNLOAD });
        let other = WantedSegment {
            id: id(9),
            ..segments(&[1])[0]
        };
        stage.begin(&[other], Mode::Distributed);
        stage.verify_all(good);
        let stored = |output: &Output| matches!(output, Output::Store(_)).then_some(());
        assert_eq!(stage.take(stored), []);
        assert_eq!(stage.delivered(), []);
        assert_eq!(stage.client.usage().verifying, 0);
        stage.end_discovery();
        assert_eq!(stage.origin().len(), 1);
    }
}
