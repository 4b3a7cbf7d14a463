//! `vectors run`: the project's own vectors, parts of them, and folders where something is wrong.

use std::fs;
use std::path::Path;

use crate::room::Room;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors");

#[test]
fn all_vectors_of_the_project_pass() {
    let ended = Room::new().run(&format!("vectors run {VECTORS}")).good();
    assert!(
        ended.text().ends_with(" passed, 0 failed\n"),
        "{}",
        ended.text()
    );
}

#[test]
fn a_filter_takes_those_that_fit_and_json_names_each() {
    let room = Room::new();
    let line = format!("vectors run {VECTORS} --filter pccrc-key-file-000* --json");
    let ended = room.run(&line).good();
    let json: serde_json::Value = serde_json::from_str(ended.text()).unwrap();
    let outcomes = json["outcomes"].as_array().unwrap();
    assert!(outcomes.len() > 3);
    assert_eq!(json["passed"], outcomes.len());
    assert_eq!(json["failed"], 0);
    for outcome in outcomes {
        let id = outcome["id"].as_str().unwrap();
        assert!(id.starts_with("pccrc-key-file-000"), "{id}");
        assert!(outcome["failure"].is_null());
    }
}

fn folder(change: impl Fn(String) -> String) -> Room {
    let room = Room::new();
    fs::create_dir(room.at("folder")).unwrap();
    let text = fs::read_to_string(Path::new(VECTORS).join("pccrc/key_file.yaml")).unwrap();
    fs::write(room.at("folder/key_file.yaml"), change(text)).unwrap();
    room
}

#[test]
fn a_vector_that_fails_is_named_with_what_it_pins() {
    let room = folder(|text| text.replacen("f112f816", "f112f817", 1));
    let line = "vectors run folder --filter pccrc-key-file-0001";
    let ended = room.run(line).judged_bad();
    insta::assert_snapshot!(ended.text());
    let json = room.run(&format!("{line} --json")).judged_bad();
    let json: serde_json::Value = serde_json::from_str(json.text()).unwrap();
    assert_eq!((&json["passed"], &json["failed"]), (&0.into(), &1.into()));
}

#[test]
fn a_kind_that_nobody_can_replay_fails_and_is_not_passed_over() {
    let room = folder(|text| text.replacen("kind: key_file", "kind: tea_leaves", 1));
    let ended = room.run("vectors run folder").judged_bad();
    let first = ended.text().lines().next().unwrap();
    assert_eq!(
        first,
        "FAILED pccrc-key-file-0001: there is no replay for vectors of MS-PCCRC of the kind \"tea_leaves\""
    );
    assert!(ended.text().contains(": 0 passed, "));
}

#[test]
fn a_file_that_is_no_vector_file_is_an_error_that_names_it_and_the_line() {
    let room = folder(|text| text.replacen("about:", "abuot:", 1));
    let line = room.run("vectors run folder").refused();
    assert!(line.starts_with("folder/key_file.yaml: "), "{line}");
    assert!(line.contains("abuot"), "{line}");
    let room = folder(|_| "groups: [\n".to_owned());
    let line = room.run("vectors run folder").refused();
    assert!(line.starts_with("folder/key_file.yaml: "), "{line}");
    let room = folder(|text| text);
    room.write("folder/binary.yaml", [0xff, 0xfe, 0]);
    let line = room.run("vectors run folder").refused();
    assert!(
        line.starts_with("cannot read folder/binary.yaml: "),
        "{line}"
    );
}

#[test]
fn a_file_that_is_not_as_its_sum_says_fails() {
    let room = folder(|text| text);
    let sum = "0".repeat(64);
    room.write(
        "folder/SHA256SUMS",
        format!("{sum}  key_file.yaml\n{sum}  gone.yaml\n"),
    );
    let ended = room.run("vectors run folder").judged_bad();
    assert!(
        ended
            .text()
            .contains("FAILED SHA256SUMS/gone.yaml: gone.yaml is gone")
    );
    assert!(ended.text().contains("FAILED SHA256SUMS/key_file.yaml: "));
}
