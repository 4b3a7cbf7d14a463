//! Captures that are right pass, and each that is wrong in one way is found by the requirement meant for it.
//! What `capture::REQUIREMENTS` lists is what these show both ways: asserted and held, asserted and found.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot be set up here has to stop the test"
)]

mod dissected;
mod http;
mod smb;
mod smb_deviants;
mod smb_writer;

use std::collections::BTreeSet;

use peerdist_conformance::capture::{self, CaptureReport, REQUIREMENTS};
use peerdist_conformance::catalogue;

/// A capture in which nobody is wrong, but where a rule for others is asserted by somebody who is.
pub(crate) struct Right {
    pub(crate) name: &'static str,
    pub(crate) capture: Vec<u8>,
    pub(crate) findings: Vec<&'static str>,
}

/// Who does it wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// A capture with one mistake.
pub(crate) struct Deviant {
    pub(crate) name: &'static str,
    pub(crate) side: Side,
    pub(crate) capture: Vec<u8>,
    pub(crate) findings: Vec<&'static str>,
}

/// The requirements of findings, each once, of those that one side sent.
fn found(report: &CaptureReport, side: Option<Side>) -> BTreeSet<&'static str> {
    let is_of = |sender: &str| match side {
        None => true,
        Some(Side::Server) => sender.starts_with("10.0.0.2:"),
        Some(Side::Client) => sender.starts_with("10.0.0.1:"),
    };
    let findings = report.findings.iter();
    findings
        .filter(|finding| is_of(&finding.sender))
        .map(|finding| finding.requirement)
        .collect()
}

fn all_right() -> Vec<Right> {
    let mut all = smb::right();
    all.extend(http::right());
    all
}

fn all_deviants() -> Vec<Deviant> {
    let mut all = smb_deviants::deviants();
    all.extend(http::deviants());
    all
}

fn judged(name: &str, capture: &[u8]) -> CaptureReport {
    let report = capture::judge(capture).unwrap();
    assert_eq!(
        (report.packets_not_looked_at, report.bytes_missing),
        (0, 0),
        "{name}"
    );
    report
}

#[test]
fn what_is_right_passes_and_is_judged_in_full() {
    for Right {
        name,
        capture,
        findings,
    } in all_right()
    {
        let report = judged(name, &capture);
        let expected: BTreeSet<&str> = findings.into_iter().collect();
        assert_eq!(found(&report, None), expected, "{name}: {report:#?}");
        assert!(report.not_judged.is_empty(), "{name}: {report:#?}");
        assert!(!report.messages.is_empty(), "{name}");
    }
}

#[test]
fn each_mistake_is_found_by_the_requirement_meant_for_it() {
    let mut wrong = Vec::new();
    for Deviant {
        name,
        side,
        capture,
        findings,
    } in all_deviants()
    {
        let report = judged(name, &capture);
        let expected: BTreeSet<&str> = findings.into_iter().collect();
        if found(&report, Some(side)) != expected {
            wrong.push(format!(
                "{name}: {expected:?}, found {:#?}",
                report.findings
            ));
        }
        let packets = 1..=report.packets;
        let is_placed = |packet| packets.contains(&packet);
        assert!(report.findings.iter().all(|found| is_placed(found.packet)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_list_of_requirements_is_what_is_shown_both_ways() {
    let mut held = BTreeSet::new();
    for Right { name, capture, .. } in all_right() {
        let report = judged(name, &capture);
        let wrong = found(&report, None);
        let asserted = report.asserted.keys().copied();
        held.extend(asserted.filter(|requirement| !wrong.contains(requirement)));
    }
    let mut caught = BTreeSet::new();
    for deviant in all_deviants() {
        caught.extend(found(
            &judged(deviant.name, &deviant.capture),
            Some(deviant.side),
        ));
    }
    let shown: BTreeSet<&str> = held.intersection(&caught).copied().collect();
    let listed: BTreeSet<&str> = REQUIREMENTS.iter().copied().collect();
    assert_eq!(listed.len(), REQUIREMENTS.len(), "an id is listed twice");
    let lines = |ids: &BTreeSet<&str>| -> String {
        ids.iter().map(|id| format!("    \"{id}\",\n")).collect()
    };
    assert!(
        listed == shown,
        "REQUIREMENTS of conformance/src/capture/requirements.rs has to list what is shown both ways:\n{}\n\
         shown one way only: {:?}",
        lines(&shown),
        held.symmetric_difference(&caught)
    );
    for id in REQUIREMENTS {
        assert!(catalogue::find(id).is_some(), "{id}");
    }
}

/// Frames of a connection, with other bytes in place of one.
fn with_frame(number: usize, bytes: &[u8]) -> CaptureReport {
    let mut frames = smb::hash_based().frames();
    frames[number].1 = bytes.to_vec();
    capture::judge(&smb_writer::capture(&frames)).unwrap()
}

#[test]
fn what_is_encrypted_or_compressed_is_said_not_to_be_judged() {
    let frame = |protocol: u8| {
        let mut inside = vec![protocol, b'S', b'M', b'B'];
        inside.resize(200, 0x5A);
        [vec![0, 0, 0, 200], inside].concat()
    };
    let frames = smb::hash_based().frames();
    // The last request but one for hashes, and its answer.
    let (asked, answered) = (frames.len() - 4, frames.len() - 3);
    for (protocol, kind) in [
        (0xFD, "encrypted SMB2 message"),
        (0xFC, "compressed SMB2 message"),
    ] {
        for number in [asked, answered] {
            let report = with_frame(number, &frame(protocol));
            assert_eq!(report.not_judged[kind], 1, "{report:#?}");
            assert_eq!(report.findings, [], "{kind}");
        }
    }
    // All of it: there is nothing to judge, and the report says why.
    let sealed: Vec<_> = frames
        .iter()
        .map(|(is_client, _)| (*is_client, frame(0xFD)))
        .collect();
    let report = capture::judge(&smb_writer::capture(&sealed)).unwrap();
    assert!(report.messages.is_empty() && report.findings.is_empty());
    assert_eq!(report.not_judged["encrypted SMB2 message"], frames.len());
}

#[test]
fn what_is_missing_is_said_and_nothing_is_found_for_it() {
    let frames = smb::hash_based().frames();
    for left_out in 0..frames.len() {
        let rest: Vec<_> = frames
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != left_out)
            .map(|(_, frame)| frame.clone())
            .collect();
        let report = capture::judge(&smb_writer::capture(&rest)).unwrap();
        assert_eq!(report.findings, [], "without frame {left_out}");
    }
    // From the middle on: no dialect, no share, no start of the file.
    let rest = frames[8..].to_vec();
    let report = capture::judge(&smb_writer::capture(&rest)).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(
        report.not_judged["connection in an unknown SMB2 dialect"],
        1
    );
    assert_eq!(report.not_judged["incomplete content information file"], 1);
}

#[test]
fn another_port_is_known_by_its_first_bytes() {
    let frames = smb::hash_based().frames();
    let (client, server) = ("[fd00::1]:50000", "[fd00::2]:4450");
    let capture = smb_writer::between(client.parse().unwrap(), server.parse().unwrap(), &frames);
    let report = capture::judge(&capture).unwrap();
    assert_eq!(report.findings, []);
    let asks = smb::hash_based().asks.len();
    assert_eq!(report.messages["hash request"], asks);
    assert_eq!(report.messages["hash response"], asks);
    assert_eq!(report.messages["content information"], 1);
}

#[test]
fn findings_have_a_limit_and_what_is_over_it_is_counted() {
    let mut exchange = smb::hash_based_of(&smb::file());
    let mut ask = exchange.asks[0].clone();
    smb_writer::set_u32(&mut ask.ioctl, "OutputOffset", 77);
    exchange.asks = vec![ask.refused(0xC000_0128); 3_000];
    let frames = exchange.frames();
    let mut all = Vec::new();
    for _ in 0..4 {
        all.extend(frames.iter().cloned());
    }
    let capture = smb_writer::parts(&all, 2_000);
    let report = capture::judge(&capture).unwrap();
    assert_eq!(report.findings.len() + report.findings_left_out, 12_000);
    assert_eq!(report.findings.len(), 10_000);
}

/// A step through the bytes of a capture: all of it would take long.
const STEP: usize = 5;

#[test]
fn a_capture_that_ends_anywhere_goes_on_or_has_any_bit_wrong_is_no_panic() {
    for exchange in [
        smb::hash_based(),
        smb::file_based(),
        smb::refused(),
        smb::compound(),
    ] {
        let whole = exchange.capture();
        for end in (0..whole.len()).step_by(STEP) {
            let _ = capture::judge(&whole[..end]);
        }
        let mut longer = whole.clone();
        longer.extend_from_slice(&[0xA5; 64]);
        let _ = capture::judge(&longer);
        let mut wrong = whole.clone();
        for at in (0..whole.len()).step_by(STEP) {
            for bit in [0x01, 0x80, 0xFF] {
                wrong[at] ^= bit;
                let _ = capture::judge(&wrong);
                wrong[at] = whole[at];
            }
        }
        assert!(capture::judge(&whole).is_ok());
    }
}

#[test]
fn a_frame_that_ends_anywhere_goes_on_or_has_any_bit_wrong_is_no_panic() {
    for exchange in [smb::hash_based(), smb::file_based(), smb::compound()] {
        let frames = exchange.frames();
        for number in 0..frames.len() {
            let whole = frames[number].1.clone();
            let judged = |bytes: Vec<u8>| {
                let mut frames = frames.clone();
                frames[number].1 = bytes;
                capture::judge(&smb_writer::capture(&frames)).unwrap()
            };
            for end in (4..whole.len()).step_by(3) {
                // With a length that fits, and with that of the whole.
                let mut cut = whole[..end].to_vec();
                judged(cut.clone());
                let length = u32::try_from(end - 4).unwrap().to_be_bytes();
                cut[..4].copy_from_slice(&length);
                judged(cut);
            }
            for at in (0..whole.len()).step_by(STEP) {
                let mut wrong = whole.clone();
                wrong[at] ^= 1 << (at % 8);
                judged(wrong);
            }
            let mut longer = whole.clone();
            longer.extend_from_slice(&[0xFF; 40]);
            let length = u32::try_from(longer.len() - 4).unwrap().to_be_bytes();
            longer[..4].copy_from_slice(&length);
            judged(longer);
        }
    }
}

#[test]
fn what_was_written_since_makes_lengths_that_were_seen_unsure() {
    let mut exchange = smb::file_based();
    let last = exchange.asks.len() - 1;
    let served = exchange.asks[0].clone();
    let behind = exchange.asks[last].input.clone();
    exchange.asks[last] = served;
    exchange.asks[last].input = behind;
    let of = |frames: &[(bool, Vec<u8>)]| {
        let report = capture::judge(&smb_writer::capture(frames)).unwrap();
        found(&report, None).contains("SMB2-3.3.5.15.7-17")
    };
    let mut frames = exchange.frames();
    assert!(of(&frames), "the file ends before what was served");
    // In front of the last request for hashes: something that cannot be read, or a write.
    let at = frames.len() - 4;
    let mut write = frames[at].1.clone();
    write[4 + 12] = 9;
    frames.insert(at, (true, write));
    assert!(!of(&frames), "a write may have made the file longer");
    frames[at].1 = b"\0\0\0\x05\xFDSMB!".to_vec();
    assert!(!of(&frames), "what is encrypted may have been a write");
}
