//! `peerdist sim`.

use crate::room::Room;

const SMALL: &str = "\
sites: { branch: { link: { down: 10 Mbit/s } } }
hosts: { desks: { count: 3 } }
contents: { update: { size: 500 kB } }
workload: [{ arrive: { pattern: one_by_one, every: 5 s } }]
expect: [wan_saved_percent >= 60]
";

#[test]
fn a_scenario_of_a_file_is_run_and_the_same_seed_gives_the_same_answer() {
    let room = Room::new();
    room.write("small.yaml", SMALL);
    let first = room
        .run("sim run small.yaml --json")
        .good()
        .text()
        .to_owned();
    let value: serde_json::Value = serde_json::from_str(&first).unwrap();
    let run = &value[0];
    assert_eq!(run["downloads"], 3);
    assert_eq!(run["bytes_from_origin"], 500_000);
    assert_eq!(run["bytes_from_peers"], 1_000_000);
    assert_eq!(run["expectations_not_met"], serde_json::json!([]));
    assert_eq!(
        room.run("sim run small.yaml --json --threads 1")
            .good()
            .text(),
        first
    );
    let other = room
        .run("sim run small.yaml --json --seed 2")
        .good()
        .text()
        .to_owned();
    assert_ne!(other, first);
    let people = room
        .run("sim run small.yaml --engine packet")
        .good()
        .text()
        .to_owned();
    for words in [
        "3 downloads in 1 branch, seed 1, packet engine",
        "from neighbours",
        "as expected: wan_saved",
    ] {
        assert!(people.contains(words), "{people}");
    }
}

#[test]
fn a_search_for_faults_is_the_same_on_any_number_of_threads_and_needs_some_that_are_drawn() {
    let room = Room::new();
    let found = room
        .run("sim hunt --seeds 4 --json --threads 1")
        .good()
        .text()
        .to_owned();
    let value: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(
        (&value["seeds"], &value["failed"]),
        (&4.into(), &serde_json::json!([]))
    );
    let again = room.run("sim hunt --seeds 4 --json --threads 2");
    assert_eq!(again.good().text(), found);
    let people = room
        .run("sim hunt --seeds 2 --from 7")
        .good()
        .text()
        .to_owned();
    assert!(people.contains("nothing was wrong"), "{people}");
    room.write(
        "small.yaml",
        &(SMALL.to_owned() + "faults: [{ random: { count: 3, kinds: [link_down] } }]\nend: 10 s\n"),
    );
    room.run("sim hunt small.yaml --seeds 3").good();
    let refused = room.run("sim hunt branch-office --seeds 1").refused();
    assert!(refused.contains("no seed draws any faults"), "{refused:?}");
}

#[test]
fn what_is_not_as_expected_ends_with_1() {
    let room = Room::new();
    room.write("small.yaml", SMALL);
    let ended = room.run("sim run small.yaml --set hosts.desks.mode=off");
    assert_eq!(ended.code, Some(1));
    let text = ended.text();
    assert!(
        text.contains("NOT AS EXPECTED: wan_saved_percent >= 60: it is -"),
        "{text}"
    );
}

#[test]
fn results_stay_where_they_are_until_they_may_be_replaced() {
    let room = Room::new();
    room.write("small.yaml", SMALL);
    room.run("sim run small.yaml --out results --runs 3").good();
    let read = |name: &str| std::fs::read_to_string(room.at("results/small").join(name)).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&read("manifest.json")).unwrap();
    assert_eq!(manifest["seeds"], serde_json::json!([1, 2, 3]));
    assert_eq!(read("summary.csv").lines().count(), 4);
    // What stands there repeats it.
    std::fs::copy(
        room.at("results/small/scenario.yaml"),
        room.at("again.yaml"),
    )
    .unwrap();
    room.run("sim run again.yaml --out again --runs 3").good();
    let again = std::fs::read_to_string(room.at("again/again/summary.csv")).unwrap();
    assert_eq!(again, read("summary.csv"));
    let refused = room.run("sim run small.yaml --out results");
    assert_eq!(refused.code, Some(2));
    room.run("sim run small.yaml --out results --force").good();
    assert_eq!(read("summary.csv").lines().count(), 2);
}

#[test]
fn mistakes_have_their_place_and_the_nearest_name() {
    let room = Room::new();
    room.write("bad.yaml", SMALL.replace("count", "coutn"));
    for (command, words) in [
        (
            "sim run bad.yaml",
            "bad.yaml:2:19: hosts.desks: there is no key 'coutn'; the nearest is 'count'",
        ),
        ("sim run brunch-office", "the nearest is 'branch-office'"),
        ("sim run --set hosts.desks", "'hosts.desks' sets nothing"),
        (
            "sim run --set hosts.desk.count=1",
            "there is no key 'desk' in hosts; the nearest is 'desks'",
        ),
        ("sim explain bad.yaml", "bad.yaml:2:19"),
    ] {
        let ended = room.run(command);
        assert_eq!(ended.code, Some(2), "{command}");
        let said = ended.stderr;
        assert!(said.contains(words), "{command}: {said}");
    }
}

#[test]
fn all_scenarios_are_listed_and_explained() {
    let room = Room::new();
    let listed = room.run("sim list --json").good().text().to_owned();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    for row in listed.as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        let explained = room
            .run(&format!("sim explain {name}"))
            .good()
            .text()
            .to_owned();
        assert!(explained.contains("expected: "), "{explained}");
    }
    let schema = room.run("sim schema").good().text().to_owned();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["title"], "Scenario");
}
