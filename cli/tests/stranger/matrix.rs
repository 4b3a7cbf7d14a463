//! Our commands and the independent implementation in one matrix, as the files beside it describe them.
//! Invariant: every client gets the content from every server of the other.
//! Byte order: none.

use serde_json::Value;

use super::{interop, is_ready, peerdist};

/// The stranger again: its client is told of a peer, and its peer leaves it to others to be announced.
const TOLD: &str = "\
name: told
peer:
  command: 'python3 -B {program} peer --listen {address} --content {content} --info {info}'
  ready-line: 'peer http://'
  announced-by: runner
client:
  command: 'python3 -B {program} get {url} -o {out} --peer {peer} --info-version {version}'
";
/// Once more, with a responder of its own, which announces itself.
const APART: &str = "\
name: apart
peer:
  command: 'python3 -B {program} peer --listen {address} --content {content} --info {info}'
responder:
  command: 'python3 -B {program} peer --content {content} --info {info} --interface {interface}; : {peer}'
  ready-line: peer
";

#[test]
fn peers_that_others_announce_are_found_and_clients_may_be_told() {
    if !is_ready() {
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let program = interop().join("stranger.py").canonicalize().unwrap();
    for (name, text) in [("told.yaml", TOLD), ("apart.yaml", APART)] {
        let text = text.replace("{program}", program.to_str().unwrap());
        std::fs::write(room.path().join(name), text).unwrap();
    }
    let output = peerdist(room.path())
        .args(["conform", "interop", "told.yaml", "apart.yaml", "--json"])
        .arg(interop().join("peerdist.yaml"))
        .args(["--filter", "peer-v1/{told,apart}/*"])
        .args(["--filter", "{peer-v2,transfer-v2}/peerdist/told"])
        .args(["--tries", "10"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let cells = report["cells"].as_array().unwrap().iter();
    let cells = cells.map(|cell| {
        let text = |key: &str| cell[key].as_str().unwrap();
        (text("id"), text("verdict"))
    });
    let good = [
        "transfer-v2/peerdist/told",
        "peer-v1/told/told",
        "peer-v1/told/peerdist",
        "peer-v1/apart/told",
        "peer-v1/apart/peerdist",
        "peer-v2/peerdist/told",
    ];
    assert_eq!(
        cells.collect::<Vec<_>>(),
        good.map(|id| (id, "succeeded")),
        "{report}"
    );
}

#[test]
fn a_client_that_begins_anew_has_not_resumed() {
    if !is_ready() {
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let description = std::fs::read_to_string(interop().join("stranger.yaml")).unwrap();
    let here = interop().canonicalize().unwrap();
    let text = description.replace("{here}", here.to_str().unwrap()) + "  resumes: true\n";
    std::fs::write(room.path().join("anew.yaml"), text).unwrap();
    let output = peerdist(room.path())
        .args([
            "conform",
            "interop",
            "anew.yaml",
            "--json",
            "--filter",
            "resume-v1/peerdist/stranger",
        ])
        .arg(interop().join("peerdist.yaml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let cell = &report["cells"][0];
    assert_eq!(cell["verdict"], "failed", "{cell}");
    assert!(
        cell["text"].as_str().unwrap().ends_with("it began anew"),
        "{cell}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn every_client_gets_the_content_from_every_server() {
    if !is_ready() {
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let output = peerdist(room.path())
        .args(["conform", "interop"])
        .args(["peerdist.yaml", "stranger.yaml"].map(|file| interop().join(file)))
        // Content of version 1.0 with two segments is 33 MB for each of four cells.
        .args(["--filter", "{info,transfer,resume,peer,hosted}-*/**"])
        .args(["--filter", "segments-v2/**", "--out", "matrix", "--json"])
        .args(["--tries", "10"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let cells = report["cells"].as_array().unwrap();
    let others = cells.iter().filter(|cell| cell["verdict"] != "succeeded");
    assert_eq!(others.collect::<Vec<_>>(), [&Value::Null; 0], "{said}");
    assert!(output.status.success());
    let is_between = |cell: &&Value| cell["server"] != cell["client"];
    let ids = cells
        .iter()
        .filter(is_between)
        .map(|cell| cell["id"].as_str().unwrap());
    let expected = [
        "info-v1/peerdist/stranger",
        "info-v1/stranger/peerdist",
        "info-v2/peerdist/stranger",
        "info-v2/stranger/peerdist",
        "transfer-v1/peerdist/stranger",
        "transfer-v2/peerdist/stranger",
        "peer-v1/peerdist/stranger",
        "peer-v1/stranger/peerdist",
        "peer-v2/peerdist/stranger",
        "peer-v2/stranger/peerdist",
        "segments-v2/peerdist/stranger",
        "segments-v2/stranger/peerdist",
    ];
    assert_eq!(ids.collect::<Vec<_>>(), expected);
    for file in ["report.json", "report.html", "report.md", "junit.xml"] {
        let path = room.path().join("matrix").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("stranger"), "{file}");
    }
    let evidence = room
        .path()
        .join("matrix/evidence/peer-v1--stranger--peerdist.txt");
    let evidence = std::fs::read_to_string(evidence).unwrap();
    assert!(evidence.contains("Verdict: succeeded"), "{evidence}");
    assert!(evidence.contains("GET /content.bin HTTP/1.1"), "{evidence}");
}
