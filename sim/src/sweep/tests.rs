use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::scenario::with;

const SCENARIO: &str = "
sites: { branch: { link: { down: 10 Mbit/s } } }
hosts: { desks: { count: 3 } }
contents: { update: { size: 200 kB } }
workload: [{ arrive: { pattern: uniform, over: 1 min } }]
";

const GRID: &str = "
scenario: small
seeds: 3
grid:
  hosts.desks.count: [2, 4]
  sites.branch.link.down: [2 Mbit/s, 10 Mbit/s]
";

fn made_of(text: &str) -> Result<Sweep, SweepError> {
    Sweep::load("sweep.yaml", text, |name, settings| {
        with(name, SCENARIO, settings).map_err(|error| error.to_string())
    })
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut within = vec![directory.to_owned()];
    while let Some(at) = within.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                within.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap();
                found.insert(name.display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn shards_merged_are_the_sweep_in_one_go_to_the_byte_whatever_the_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let sweep = made_of(GRID).unwrap();
    assert_eq!((sweep.arms.len(), sweep.runs()), (4, 12));
    carry_out(&sweep, &at("one"), Shard::WHOLE, 1, false, |_| {}).unwrap();
    carry_out(&sweep, &at("two"), Shard::WHOLE, 3, false, |_| {}).unwrap();
    assert_eq!(files(&at("one")), files(&at("two")));
    let shards: Vec<_> = (1..=3)
        .map(|number| at(&format!("shard-{number}")))
        .collect();
    for (number, shard) in (1..).zip(&shards) {
        let own = Shard { number, of: 3 };
        carry_out(&sweep, shard, own, 2, false, |_| {}).unwrap();
        // A shard that is run again does nothing.
        let again = carry_out(&sweep, shard, own, 2, true, |it| assert_eq!(it.kept, 4));
        assert_eq!(again.unwrap(), Vec::<String>::new());
    }
    let some = merge(&shards[..2], &at("some")).unwrap_err().to_string();
    assert!(
        some.contains("4 of 12 runs are missing: 2, 5, 8, 11"),
        "{some}"
    );
    assert!(!at("some").exists());
    // One twice is no harm.
    let all: Vec<_> = shards.iter().chain(&shards[..1]).cloned().collect();
    assert_eq!(merge(&all, &at("merged")).unwrap(), 12);
    assert_eq!(files(&at("merged")), files(&at("one")));
    let csv = std::fs::read_to_string(at("one/runs.csv")).unwrap();
    assert_eq!(csv.lines().count(), 13);
    assert!(csv.starts_with("run,arm,seed,hosts.desks.count,sites.branch.link.down,wan_bytes,"));
    // Arms are held against each other with the same chance.
    let seeds = |arm: usize| -> Vec<&str> {
        let rows = csv.lines().skip(1 + 3 * arm).take(3);
        rows.map(|row| row.split(',').nth(2).unwrap()).collect()
    };
    assert_eq!(seeds(0), seeds(3));
}

#[test]
fn what_is_there_is_neither_lost_nor_run_again_and_nothing_else_is_taken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let sweep = made_of(GRID).unwrap();
    carry_out(&sweep, &at("one"), Shard::WHOLE, 2, false, |_| {}).unwrap();
    let whole = files(&at("one"));
    let refused = carry_out(&sweep, &at("one"), Shard::WHOLE, 2, false, |_| {});
    assert!(refused.unwrap_err().to_string().contains("--resume"));
    // As if it had been killed: some runs and all tables are missing, and a file was not finished.
    for name in [
        "runs/0000003.json",
        "runs/0000010.json",
        "runs.csv",
        "arms.csv",
    ] {
        std::fs::remove_file(at("one").join(name)).unwrap();
    }
    let unfinished = at("one").join("runs/.unfinished-xyz");
    std::fs::write(&unfinished, "{").unwrap();
    let old = std::fs::metadata(run_file(&at("one"), 0))
        .unwrap()
        .modified()
        .unwrap();
    let seen = std::sync::Mutex::new(Vec::new());
    let tell = |it: Progress| seen.lock().unwrap().push((it.done, it.kept));
    carry_out(&sweep, &at("one"), Shard::WHOLE, 1, true, tell).unwrap();
    assert_eq!(*seen.lock().unwrap(), [(10, 10), (11, 10), (12, 10)]);
    let new = std::fs::metadata(run_file(&at("one"), 0))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(new, old);
    std::fs::remove_file(unfinished).unwrap();
    assert_eq!(files(&at("one")), whole);
    let other = made_of(&GRID.replace("seeds: 3", "seeds: 4")).unwrap();
    let refused = carry_out(&other, &at("one"), Shard::WHOLE, 1, true, |_| {});
    assert!(refused.unwrap_err().to_string().contains("is not the one"));
    std::fs::write(run_file(&at("one"), 5), "{}").unwrap();
    let refused = carry_out(&sweep, &at("one"), Shard::WHOLE, 1, true, |_| {});
    assert!(refused.unwrap_err().to_string().contains("not run 5"));
    std::fs::create_dir(at("other")).unwrap();
    std::fs::write(at("other/thesis.tex"), "").unwrap();
    let refused = carry_out(&sweep, &at("other"), Shard::WHOLE, 1, true, |_| {});
    assert!(refused.unwrap_err().to_string().contains("something else"));
}

#[test]
fn a_latin_hypercube_has_a_sample_in_each_part_of_each_range() {
    let text = "
scenario: small
latin_hypercube:
  samples: 20
  ranges:
    hosts.desks.count: { from: 1, to: 40, whole: true }
    sites.branch.link.down: { from: 1, to: 100, unit: Mbit/s, scale: log }
    sites.branch.link.latency: { from: 5, to: 105, unit: ms }
";
    let made = made_of(text).unwrap();
    assert_eq!(made.arms, made_of(text).unwrap().arms);
    let of = |place: usize| -> Vec<f64> {
        let arms = made.arms.iter();
        arms.map(|arm| arm.levels[place].number.unwrap()).collect()
    };
    let parts = |place: usize, part: fn(f64) -> f64| {
        let parts = of(place).into_iter().map(|it| part(it).floor().to_string());
        parts.collect::<BTreeSet<String>>().len()
    };
    assert_eq!(parts(2, |it| (it - 5.0) / 5.0), 20);
    assert_eq!(parts(1, |it| it.log10() * 10.0), 20);
    assert_eq!(parts(0, |it| (it - 1.0) / 2.0), 20);
    assert_eq!(
        made.parameters[1].column(),
        "sites.branch.link.down (Mbit/s)"
    );
}

#[test]
fn mistakes_say_what_was_expected() {
    for (text, words) in [
        ("scenario: small", "nothing to sweep over"),
        (
            "scenario: small\ngrid: { hosts.desks.count: [] }",
            "no values",
        ),
        (
            "scenario: small\ngrid: { hosts.desk.count: [1] }",
            "the nearest is 'desks'",
        ),
        (
            "scenario: small\nseeds: 0\ngrid: { seed: [1] }",
            "at least 1",
        ),
        (
            "scenario: small\nengine: warp\ngrid: { seed: [1] }",
            "there are flow and packet",
        ),
        ("scenario: small\ngird: {}", "unknown field `gird`"),
        (
            "scenario: small\nseeds: 9999999\ngrid: { seed: [1] }",
            "more than 1000000 runs",
        ),
        (
            "scenario: small\nlatin_hypercube: { samples: 2, ranges: { seed: { from: 2, to: 1 } } }",
            "is no range",
        ),
    ] {
        let error = made_of(text).unwrap_err().to_string();
        assert!(
            error.starts_with("sweep.yaml: ") && error.contains(words),
            "{error}"
        );
    }
}
