//! `info show`: what content information says, for people and for machines.

use crate::room::{Room, SECRET};

fn shown(length: usize, create: &str, show: &str) -> String {
    let room = Room::with_content(length);
    room.run(&format!("info create content {SECRET} -o info {create}"))
        .good();
    let text = room.run(&format!("info show info {show}")).good();
    let fed = room.run_fed(&format!("info show - {show}"), &room.read("info"));
    assert_eq!(fed.good().stdout, text.stdout);
    text.text().to_owned()
}

#[test]
fn version_2_for_people() {
    insta::assert_snapshot!(shown(300_000, "", ""));
}

#[test]
fn version_2_for_people_with_secrets() {
    insta::assert_snapshot!(shown(300_000, "", "--secrets"));
}

#[test]
fn version_1_for_people() {
    insta::assert_snapshot!(shown(34_000_000, "--version 1", ""));
}

#[test]
fn a_range_of_version_1_with_sha512_for_people_with_secrets() {
    let create = "--version 1 --hash sha512 --range 100000..200000";
    insta::assert_snapshot!(shown(300_000, create, "--secrets"));
}

#[test]
fn a_range_of_version_2_as_json() {
    insta::assert_snapshot!(shown(300_000, "--range 100000..200000", "--json"));
}

#[test]
fn version_1_as_json_with_secrets() {
    let json = shown(150_000, "--version 1 --hash sha384", "--json --secrets");
    insta::assert_snapshot!(json);
}

#[test]
fn json_is_json_and_has_secrets_only_on_demand() {
    for (show, has_secrets) in [("--json", false), ("--json --secrets", true)] {
        let text = shown(100_000, "", show);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let segments = json["segments"].as_array().unwrap();
        assert!(!segments.is_empty());
        for segment in segments {
            assert_eq!(segment.get("secret").is_some(), has_secrets);
        }
    }
}
