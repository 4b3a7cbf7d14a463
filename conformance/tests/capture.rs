//! Recorded traffic: what the judge itself sent and received is good where the peer is, and a wrong peer is found.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot be set up here has to stop the test"
)]

use peerdist_conformance::capture::{self, CaptureReport};
use peerdist_conformance::cases;
use peerdist_conformance::deviants::{self, Mistake};
use peerdist_conformance::evidence::pcapng;
use peerdist_conformance::judge::Role;
use peerdist_conformance::judge::run::run_one;
use peerdist_conformance::judge::session::Settings;

fn captured(case: &str, mistake: Option<Mistake>) -> Vec<u8> {
    let stage = deviants::stage(Role::Peer, mistake).unwrap();
    let case = cases::all().into_iter().find(|one| one.id == case).unwrap();
    let result = run_one(case, &stage.targets, &Settings::default());
    pcapng::capture(&result.record)
}

fn of_deviant(case: &str, deviant: &str) -> CaptureReport {
    let all = deviants::all();
    let found = all.iter().find(|one| one.id == deviant).unwrap();
    capture::judge(&captured(case, Some(found.mistake))).unwrap()
}

#[test]
fn a_good_peer_is_good_and_all_of_its_messages_are_looked_at() {
    let report = capture::judge(&captured("pccrr-peer-block-each", None)).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.packets_not_looked_at, report.bytes_missing), (0, 0));
    assert_eq!(report.messages["retrieval request"], 4);
    assert_eq!(report.messages["retrieval response"], 4);
}

#[test]
fn mistakes_are_found_with_packet_and_requirement() {
    for (case, deviant, requirement) in [
        (
            "pccrr-peer-block-iv-fresh",
            "peer-same-vector",
            "PCCRR-2.2.5.3-10",
        ),
        (
            "pccrr-peer-list-asked-and-held",
            "peer-lists-everything",
            "PCCRR-2.2.5.2-04",
        ),
        (
            "pccrr-peer-segments-request-id",
            "peer-other-request-id",
            "PCCRR-2.2.5.4-02",
        ),
        (
            "pccrr-peer-version-of-responses",
            "peer-version-of-highest",
            "PCCRR-2.2.3-07",
        ),
        (
            "pccrr-peer-size-in-front",
            "peer-size-counts-itself",
            "PCCRR-2.2.2-01",
        ),
        (
            "pccrr-peer-list-of-unknown-segment",
            "peer-unknown-segment-404",
            "PCCRR-1.3-02",
        ),
    ] {
        let report = of_deviant(case, deviant);
        let found = report
            .findings
            .iter()
            .find(|found| found.requirement == requirement);
        let found = found.unwrap_or_else(|| panic!("{deviant}: {report:?}"));
        assert!(found.packet > 0 && found.packet <= report.packets);
    }
}

#[test]
fn a_capture_that_ends_anywhere_or_has_any_byte_wrong_is_no_panic() {
    let whole = captured("pccrr-peer-list-layout", None);
    for end in (0..whole.len()).step_by(7) {
        let _ = capture::judge(&whole[..end]);
    }
    let mut wrong = whole.clone();
    for at in (0..whole.len()).step_by(3) {
        wrong[at] ^= 0xff;
        let _ = capture::judge(&wrong);
        wrong[at] = whole[at];
    }
    assert!(capture::judge(&whole).is_ok());
    assert!(capture::judge(b"no capture").is_err());
}
