//! `conform list` and `conform explain`: the cases, and what each expects.

use super::{Room, json};

fn ids(line: &str) -> Vec<String> {
    let listed = Room::new().run(line).good();
    let lines = listed.text().lines();
    lines
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_list_is_the_same_every_time_and_as_json() {
    let all = ids("conform list");
    assert!(all.len() > 600);
    assert_eq!(all, ids("conform list"));
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all.len(), "an id twice");
    let listed = json(&Room::new().run("conform list --json").good().stdout);
    let listed = listed.as_array().unwrap();
    let names: Vec<_> = listed
        .iter()
        .map(|case| case["id"].as_str().unwrap())
        .collect();
    assert_eq!(names, all);
    for case in listed {
        for field in ["document", "section", "level", "title"] {
            let text = case[field].as_str().unwrap();
            assert!(!text.is_empty(), "{field} of {case}");
        }
        for field in ["roles", "requirements"] {
            let names = case[field].as_array().unwrap();
            assert!(names.iter().all(|name| name.is_string()) && !names.is_empty());
        }
    }
}

#[test]
fn lists_are_cut_by_patterns_levels_roles_and_tags() {
    let all = ids("conform list");
    let every = json(&Room::new().run("conform list --json").good().stdout);
    let of = |fits: &dyn Fn(&serde_json::Value) -> bool| -> Vec<String> {
        let such = every.as_array().unwrap().iter().filter(|case| fits(case));
        such.map(|case| case["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let has = |case: &serde_json::Value, field: &str, name: &str| {
        case[field]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one == name)
    };
    let peers = ids("conform list --role peer");
    assert_eq!(peers, of(&|case| has(case, "roles", "peer")));
    let both = ids("conform list --role peer,client --level should");
    assert_eq!(
        both,
        of(
            &|case| (has(case, "roles", "peer") || has(case, "roles", "client"))
                && case["level"] == "should"
        )
    );
    assert_eq!(
        ids("conform list --tag ipv6 --tag alone"),
        of(&|case| has(case, "tags", "ipv6") || has(case, "tags", "alone"))
    );
    assert_eq!(
        ids("conform list pccrr-peer-block-* pccrr-peer-get"),
        of(&|case| {
            let id = case["id"].as_str().unwrap();
            id.starts_with("pccrr-peer-block-") || id == "pccrr-peer-get"
        })
    );
    let without = ids("conform list --without pccrr-* --without pchc-*");
    let others = all
        .iter()
        .filter(|id| !id.starts_with("pccrr-") && !id.starts_with("pchc-"));
    assert!(without.iter().eq(others));
}

#[test]
fn a_case_is_explained_with_what_the_document_says() {
    let room = Room::new();
    let said = room.run("conform explain pccrc-maker-v2-chunk").good();
    insta::assert_snapshot!(said.text());
    let case = json(
        &room
            .run("conform explain pccrc-maker-v2-chunk --json")
            .good()
            .stdout,
    );
    assert_eq!(case["roles"], serde_json::json!(["content-info"]));
    for requirement in case["requirements"].as_array().unwrap() {
        assert!(said.text().contains(requirement.as_str().unwrap()));
    }
}

#[test]
fn every_case_can_be_explained() {
    let room = Room::new();
    // One of each role and level, for a process each takes its time.
    let listed = json(&room.run("conform list --json").good().stdout);
    let mut seen = std::collections::BTreeSet::new();
    for case in listed.as_array().unwrap() {
        if seen.insert((case["roles"].to_string(), case["level"].to_string())) {
            let id = case["id"].as_str().unwrap();
            let said = room.run(&format!("conform explain {id}")).good();
            assert!(said.text().starts_with(id) && said.text().contains("It asserts"));
        }
    }
    assert!(seen.len() > 12);
}
