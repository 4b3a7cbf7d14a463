//! The judge against the independent implementation: it passes, and each of its five mistakes is found.
//! Invariant: a mistake is found by the case that is about what it breaks, and that case passes without it.
//! Byte order: none.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{
    LOOPBACK, SECRET_HEX, Server, TRIES_MOST, interop, is_ready, output, peerdist, stranger,
};

/// Three blocks and a short one, fresh for each test.
const CONTENT_BYTES: usize = 206_609;
/// Starting Python is most of what a case of a client costs; all of them are a minute of two cores.
const CASES_OF_CLIENTS: [&str; 5] = [
    "pccrc-client-block-*",
    "pccrc-client-wrong-key",
    "pccrtp-client-missing-*",
    "pccrd-client-v*",
    "ccrod-client-shares-load",
];

/// What the judge says: the verdicts of cases, and how many there are of each.
fn judged(room: &Path, arguments: &[&str]) -> Value {
    let output = peerdist(room)
        .args(["conform", "run", "--json", "--interface", LOOPBACK])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn failures(report: &Value) -> Vec<String> {
    let cases = report["cases"].as_array().unwrap();
    let failed = cases
        .iter()
        .filter(|case| matches!(case["verdict"].as_str(), Some("fail" | "inconclusive")));
    failed
        .map(|case| {
            let found = &case["findings"];
            format!(
                "{}: {}{found}",
                case["id"].as_str().unwrap(),
                case["reason"]
            )
        })
        .collect()
}

/// That a run of these cases judged something and found nothing. On a machine that is at work an answer may come after
/// what is taken for silence: what fails is looked at once more, alone and with more time.
fn passes(room: &Path, cases: &[&str], target: &[&str], at_least: u64) {
    let report = judged(room, &[cases, target].concat());
    let late = failures(&report);
    let ids: Vec<&str> = late
        .iter()
        .filter_map(|said| said.split(':').next())
        .collect();
    if !late.is_empty() {
        eprintln!("again, with more time: {late:?}");
        let patient = ["--jobs", "1", "--silence-ms", "1500"];
        let again = judged(room, &[&ids[..], target, &patient].concat());
        assert_eq!(failures(&again), [""; 0]);
        assert_eq!(again["summary"]["pass"].as_u64(), Some(ids.len() as u64));
    }
    let passed = report["summary"]["pass"].as_u64().unwrap() + ids.len() as u64;
    assert!(passed >= at_least, "{passed} passed");
}

/// The same run again where a search was over before it was answered, which no case takes for a mistake.
fn judged_until_failed(room: &Path, arguments: &[&str]) -> Value {
    let runs = (0..TRIES_MOST).map(|_| judged(room, arguments));
    let mut last = Value::Null;
    for report in runs {
        last = report;
        if !failures(&last).is_empty() {
            break;
        }
    }
    last
}

/// That a run found what a case is about.
fn finds(report: &Value, case: &str, requirement: &str) {
    let cases = report["cases"].as_array().unwrap();
    let found = cases.iter().find(|judged| judged["id"] == case).unwrap();
    assert_eq!(found["verdict"], "fail", "{found}");
    let requirements = found["findings"].as_array().unwrap();
    assert!(
        requirements
            .iter()
            .any(|one| one["requirement"] == requirement),
        "{found}"
    );
}

/// A directory with content and its content information in both versions.
fn room() -> tempfile::TempDir {
    let room = tempfile::tempdir().unwrap();
    let mut content = vec![0; CONTENT_BYTES];
    std::io::Read::read_exact(&mut fs::File::open("/dev/urandom").unwrap(), &mut content).unwrap();
    fs::write(room.path().join("content"), content).unwrap();
    for version in ["1", "2"] {
        output(peerdist(room.path()).args([
            "info",
            "create",
            "content",
            "--secret-hex",
            SECRET_HEX,
            "--version",
            version,
            "-o",
            version,
        ]));
    }
    room
}

fn peer(room: &Path, version: &str, mistake: Option<&str>) -> Server {
    let mut command = stranger(room);
    command.args(["peer", "--listen", "127.0.0.1:0", "--content", "content"]);
    command.args(["--info", version, "--interface", LOOPBACK]);
    if let Some(mistake) = mistake {
        command.args(["--mistake", mistake]);
    }
    Server::start(&mut command)
}

fn client(mistake: &str) -> String {
    let program = interop().join("stranger.py");
    let get = "get {url} -o {out} --info-version {version}";
    format!(
        "python3 -B '{}' {get} --interface {LOOPBACK}{mistake}",
        program.display()
    )
}

#[test]
fn the_judge_finds_nothing_wrong_with_the_peer_and_the_responder() {
    if !is_ready() {
        return;
    }
    let room = room();
    for version in ["1", "2"] {
        let peer = peer(room.path(), version, None);
        let target = [
            "--target",
            &peer.at,
            "--info",
            version,
            "--probe",
            "multicast",
        ];
        passes(room.path(), &["--without", "*-timer"], &target, 140);
        peer.end();
    }
}

#[test]
fn the_judge_finds_the_mistakes_of_the_peer_and_the_responder() {
    if !is_ready() {
        return;
    }
    let room = room();
    for (mistake, case, requirement) in [
        ("same-iv", "pccrr-peer-block-iv-fresh", "PCCRR-2.2.5.3-10"),
        (
            "list-ignores-ranges",
            "pccrr-peer-list-beyond-the-end",
            "PCCRR-3.2.5.2-05",
        ),
    ] {
        let peer = peer(room.path(), "1", Some(mistake));
        let report = judged(room.path(), &[case, "--target", &peer.at, "--info", "1"]);
        finds(&report, case, requirement);
        peer.end();
    }
    let peer = peer(room.path(), "1", Some("unrelated-match"));
    let report = judged(
        room.path(),
        &[
            "pccrd-responder-*relates*",
            "--probe",
            "multicast",
            "--info",
            "1",
        ],
    );
    assert!(!failures(&report).is_empty(), "{report}");
    peer.end();
}

#[test]
fn the_judge_finds_nothing_wrong_with_the_client_and_the_maker() {
    if !is_ready() {
        return;
    }
    let room = room();
    let client = client("");
    let cases = [&CASES_OF_CLIENTS[..], &["--jobs", "4"]].concat();
    passes(room.path(), &cases, &["--command", &client], 7);
    let program = interop().join("stranger.py");
    let make = "info create {content} --version {version} --secret-hex {secret_hex} -o {out}";
    let make = format!("python3 -B {} {make}", program.display());
    let cases = ["pccrc-maker-v*-seg*", "--jobs", "4"];
    passes(room.path(), &cases, &["--exec", &make], 3);
}

#[test]
fn the_judge_finds_the_mistakes_of_the_client() {
    if !is_ready() {
        return;
    }
    let room = room();
    for (mistake, case, requirement) in [
        (
            "unverified-blocks",
            "pccrc-client-block-swapped",
            "PCCRC-2.2-13",
        ),
        (
            "coded-missing-data",
            "pccrtp-client-missing-without-coding",
            "PCCRTP-2.2-09",
        ),
    ] {
        let client = client(&format!(" --mistake {mistake}"));
        let report = judged_until_failed(room.path(), &[case, "--command", &client]);
        finds(&report, case, requirement);
    }
}
