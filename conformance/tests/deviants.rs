//! The cases are proven: the right implementation passes all of them, and each deviant is caught by the one meant for it.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot be set up here has to stop the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use peerdist_conformance::judge::session::Settings;
use peerdist_conformance::judge::{self, CaseResult, Role, Tag, Verdict};
use peerdist_conformance::{cases, catalogue, deviants};

/// On the loopback interface nothing takes long, and nearly all of a case is waiting.
fn settings() -> Settings {
    Settings {
        silence: std::time::Duration::from_millis(400),
        jobs: 24,
        ..Settings::default()
    }
}

/// For a case that nothing else runs beside.
fn patient() -> Settings {
    Settings {
        silence: std::time::Duration::from_millis(1_500),
        jobs: 1,
        ..Settings::default()
    }
}

/// A few at a time: what waits for silence takes a machine that is too busy for it. Peers have timers to wait for, and
/// lanes of their own.
fn turn(role: Role, lane: usize) -> MutexGuard<'static, ()> {
    static LANES: [Mutex<()>; 4] = [const { Mutex::new(()) }; 4];
    let lane = if role == Role::Peer { 2 + lane } else { lane };
    LANES[lane].lock().unwrap_or_else(PoisonError::into_inner)
}

fn passes_all(role: Role) {
    let _turn = turn(role, 0);
    let mut results = deviants::matrix::run_correct(role, &settings()).unwrap();
    // Not every machine has IPv6.
    results.retain(|result| {
        let is_left_out = result.verdict == Verdict::Skip && result.case.has(Tag::Ipv6);
        if is_left_out {
            eprintln!(
                "NOT RUN: {}: the loopback interface has no IPv6",
                result.case.id
            );
        }
        !is_left_out
    });
    // On a machine that was too busy an answer came after what was taken for silence.
    let late: Vec<_> = results
        .iter()
        .filter(|result| result.verdict != Verdict::Pass)
        .map(|result| result.case)
        .collect();
    if !late.is_empty() {
        let stage = deviants::stage(role, None).unwrap();
        for again in judge::run::run(&late, &stage.targets, &patient(), &|_| ()) {
            let place = results.iter_mut().find(|one| one.case.id == again.case.id);
            let first = place.unwrap();
            let said = deviants::matrix::said(first);
            eprintln!("again, with more time: {}: {said}", again.case.id);
            *first = again;
        }
    }
    let told = |result: &CaseResult| {
        let said = deviants::matrix::said(result);
        format!("{}: {}: {said}", result.case.id, result.verdict.name())
    };
    let not_passed: Vec<String> = results
        .iter()
        .filter(|result| result.verdict != Verdict::Pass)
        .map(told)
        .collect();
    assert!(not_passed.is_empty(), "{}", not_passed.join("\n"));
    let mut not_asserted = Vec::new();
    for result in &results {
        for requirement in result.case.requirements {
            if !result.asserted.contains(requirement) {
                not_asserted.push(format!("{} does not assert {requirement}", result.case.id));
            }
        }
    }
    assert!(not_asserted.is_empty(), "{}", not_asserted.join("\n"));
}

fn catches_all(role: Role) {
    let _turn = turn(role, 1);
    let all: Vec<_> = deviants::all()
        .into_iter()
        .filter(|deviant| deviant.mistake.role() == role)
        .collect();
    let mut rows = deviants::matrix::run_meant(&all, &settings()).unwrap();
    assert_eq!(rows.len(), all.len());
    // On a machine that was too busy an answer came after what was taken for silence.
    for row in rows.iter_mut().filter(|row| !row.is_caught()) {
        eprintln!("again, with more time: {}: {}", row.deviant.id, row.text);
        let again = deviants::matrix::run_meant(&[row.deviant], &patient()).unwrap();
        *row = again.into_iter().next().unwrap();
    }
    for row in rows.iter().filter(|row| row.is_left_out()) {
        eprintln!("NOT RUN: {}: {}", row.deviant.id, row.text);
    }
    let missed: Vec<String> = rows
        .iter()
        .filter(|row| !row.is_caught() && !row.is_left_out())
        .map(|row| {
            let (id, case) = (row.deviant.id, row.deviant.caught_by);
            format!("{id}: {case}: {}: {}", row.verdict.name(), row.text)
        })
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_peer_without_mistakes_passes_all_cases() {
    passes_all(Role::Peer);
}

#[test]
fn every_wrong_peer_is_caught() {
    catches_all(Role::Peer);
}

#[test]
fn a_responder_without_mistakes_passes_all_cases() {
    passes_all(Role::Responder);
}

#[test]
fn every_wrong_responder_is_caught() {
    catches_all(Role::Responder);
}

#[test]
fn a_content_server_without_mistakes_passes_all_cases() {
    passes_all(Role::ContentServer);
}

#[test]
fn every_wrong_content_server_is_caught() {
    catches_all(Role::ContentServer);
}

#[test]
fn a_content_info_maker_without_mistakes_passes_all_cases() {
    passes_all(Role::ContentInfo);
}

#[test]
fn every_wrong_content_info_maker_is_caught() {
    catches_all(Role::ContentInfo);
}

#[test]
fn a_hosted_cache_without_mistakes_passes_all_cases() {
    passes_all(Role::HostedCache);
}

#[test]
fn every_wrong_hosted_cache_is_caught() {
    catches_all(Role::HostedCache);
}

#[test]
fn ids_are_unique_and_requirements_and_quirks_are_those_of_the_catalogue() {
    let quirks = catalogue::quirks();
    let mut ids = BTreeSet::new();
    for case in cases::all() {
        assert!(ids.insert(case.id), "{} twice", case.id);
        assert!(!case.requirements.is_empty(), "{}", case.id);
        for requirement in case.requirements {
            assert!(
                catalogue::find(requirement).is_some(),
                "{}: {requirement}",
                case.id
            );
        }
        for quirk in case.quirks {
            assert!(quirks.contains(quirk), "{}: {quirk}", case.id);
        }
    }
    let mut names = BTreeMap::new();
    for deviant in deviants::all() {
        assert!(
            names.insert(deviant.id, deviant).is_none(),
            "{} twice",
            deviant.id
        );
        assert!(
            ids.contains(deviant.caught_by),
            "{}: {}",
            deviant.id,
            deviant.caught_by
        );
    }
}

#[test]
fn a_client_without_mistakes_passes_all_cases() {
    passes_all(Role::Client);
}

#[test]
fn every_wrong_client_is_caught() {
    catches_all(Role::Client);
}

#[test]
fn the_page_of_deviants_is_up_to_date() {
    let page = deviants::matrix::to_markdown();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/MATRIX.md");
    if std::env::var_os("UPDATE_MATRIX").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == page,
        "conformance/MATRIX.md is out of date: UPDATE_MATRIX=1 cargo test -p peerdist-conformance --test deviants page"
    );
}
