//! `peerdist sim compare`, `sweep` and `merge`, and what a run leaves.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::room::Room;

const SMALL: &str = "\
sites: { branch: { link: { down: 10 Mbit/s } } }
hosts: { desks: { count: 3 } }
contents: { update: { size: 300 kB } }
workload: [{ arrive: { pattern: uniform, over: 2 min } }]
";

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let within = files(&path).into_iter();
            found.extend(within.map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else {
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_run_leaves_tables_a_page_and_pictures() {
    let room = Room::new();
    room.write("small.yaml", SMALL);
    room.run("sim run small.yaml --out results --plots svg")
        .good();
    let left = files(&room.at("results/small"));
    let names: Vec<&str> = left.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "manifest.json",
            "plots/completion.svg",
            "plots/sources.svg",
            "plots/wan.svg",
            "report.html",
            "scenario.yaml",
            "summary.csv",
            "summary.json",
            "timeseries.parquet",
            "transfers.parquet",
        ]
    );
    let page = String::from_utf8_lossy(&left["report.html"]);
    assert!(page.contains("peerdist sim run scenario.yaml --seed 1 --runs 1 --engine"));
    // The same run leaves the same bytes.
    room.run("sim run small.yaml --out again --plots svg")
        .good();
    assert_eq!(files(&room.at("again/small")), left);
    let refused = room.run("sim run small.yaml --out results").refused();
    assert!(refused.contains("--force"), "{refused}");
}

#[test]
fn results_are_compared_seed_by_seed_and_only_where_they_can_be() {
    let room = Room::new();
    room.write("small.yaml", SMALL);
    for (out, more) in [
        ("with", ""),
        ("off", "--set hosts.desks.mode=off"),
        ("other", "--seed 5"),
    ] {
        let line = format!("sim run small.yaml --engine flow --runs 3 --out {out} {more}");
        room.run(&line).good();
    }
    let compared = room.run("sim compare off/small with/small").good();
    let text = compared.text();
    assert!(text.contains("Means of 3 runs"), "{text}");
    let json = room.run("sim compare off/small with/small --json").good();
    let json: serde_json::Value = serde_json::from_str(json.text()).unwrap();
    let figures = json["figures"].as_array().unwrap();
    let of = |name: &str| figures.iter().find(|it| it["name"] == name).unwrap();
    // Two of three downloads come from neighbours.
    let origin = of("bytes_from_origin");
    assert_eq!(origin["differences"][0]["mean"], -600_000.0);
    let refused = room.run("sim compare with/small other/small").refused();
    assert!(refused.contains("seeds 1 to 3 and 5 to 7"), "{refused}");
    let refused = room.run("sim compare with other").refused();
    assert!(refused.contains("peerdist sim run --out"), "{refused}");
}

/// Begins the sweep, and kills it when a few of its runs are there: what it leaves.
fn sweep_killed(room: &Room) -> BTreeMap<String, Vec<u8>> {
    let _ = std::fs::remove_dir_all(room.at("killed"));
    let mut child = room
        .command("sim sweep sweep.yaml --jobs 2 --out killed".split(' '))
        .spawn()
        .unwrap();
    let runs = room.at("killed/runs");
    let there = || std::fs::read_dir(&runs).map_or(0, Iterator::count);
    let has_begun = (0..60_000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        there() >= 10
    });
    assert!(has_begun);
    child.kill().unwrap();
    child.wait().unwrap();
    files(&room.at("killed"))
}

#[test]
fn a_sweep_that_is_killed_goes_on_and_comes_out_the_same() {
    let room = Room::new();
    room.write("small.yaml", SMALL);
    let sweep = "scenario: small.yaml\nseeds: 40\ngrid: { hosts.desks.count: [2, 4, 6, 8] }\n";
    room.write("sweep.yaml", sweep);
    room.run("sim sweep sweep.yaml --out whole").good();
    // It may be over before whoever kills it has its turn.
    let left = (0..5)
        .map(|_| sweep_killed(&room))
        .find(|left| !left.contains_key("arms.csv"))
        .expect("it is killed before it is over");
    room.run("sim sweep sweep.yaml --out killed").refused();
    room.run("sim sweep sweep.yaml --resume --out killed")
        .good();
    let mut resumed = files(&room.at("killed"));
    // What was being written when it was killed may lie there, under a name that is nobody's.
    resumed.retain(|name, _| !name.contains(".unfinished-"));
    assert_eq!(resumed, files(&room.at("whole")));
    for (name, bytes) in left {
        let is_run = name.ends_with(".json") && !name.contains(".unfinished-");
        assert!(!is_run || resumed[&name] == bytes, "{name}");
    }
    for shard in 1..=3 {
        let line = format!("sim sweep sweep.yaml --shard {shard}/3 --out shard-{shard}");
        room.run(&line).good();
    }
    room.run("sim merge shard-1 shard-2 shard-3 --out merged")
        .good();
    assert_eq!(files(&room.at("merged")), files(&room.at("whole")));
    let refused = room.run("sim merge shard-1 shard-3 --out less").refused();
    assert!(refused.contains("are missing"), "{refused}");
    for (line, words) in [
        ("sim sweep sweep.yaml --shard 0/3", "is no shard"),
        ("sim sweep small.yaml", "small.yaml"),
    ] {
        let ended = room.run(line);
        assert_eq!(ended.code, Some(2), "{line}");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}
