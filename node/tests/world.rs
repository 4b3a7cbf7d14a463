//! What a simulation has to be able to decide is asked for in one place, and every wait for several things has an order.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Files that may, and why.
const EXEMPT: [(&str, &str); 6] = [
    ("world.rs", "SystemTime::now"),
    ("world.rs", "SysRng"),
    ("world.rs", "spawn_blocking"),
    // It begins none in a simulated world.
    ("store/commit.rs", "thread::Builder"),
    // Others on the machine ask through it, and of a simulation there are none.
    ("store/control/mod.rs", "thread::Builder"),
    // One thread in a simulated world: the caller's.
    ("pipeline.rs", "thread::Builder"),
];

const ASKED: [&str; 6] = [
    "SystemTime::now",
    "SysRng",
    "spawn_blocking",
    "block_in_place",
    "thread::Builder",
    "thread::spawn",
];

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|name| name == "rs") && !path.ends_with("tests.rs") {
            into.push(path);
        }
    }
}

fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths.sort();
    assert!(paths.len() > 100, "{paths:?}");
    let shipped = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
        let name = path.strip_prefix(&root).unwrap();
        (name.to_str().unwrap().to_owned(), code)
    };
    paths.iter().map(shipped).collect()
}

#[test]
fn time_randomness_and_threads_are_asked_for_in_world_alone() {
    let mut used = Vec::new();
    let mut wrong = Vec::new();
    for (name, code) in all() {
        for what in ASKED.into_iter().filter(|what| code.contains(what)) {
            match EXEMPT
                .iter()
                .find(|exempt| **exempt == (name.as_str(), what))
            {
                Some(exempt) => used.push(exempt),
                None => wrong.push(format!("{name}: {what}; ask `crate::world`")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(used.len(), EXEMPT.len(), "an exemption is not needed");
}

#[test]
fn waits_for_several_things_have_an_order() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, code) in all() {
        for (line, _) in code.match_indices("select! {") {
            count += 1;
            let arms = code[line..].lines().skip(1).map(str::trim_start);
            let first = arms.into_iter().find(|arm| !arm.starts_with("//"));
            if first != Some("biased;") {
                let at = code[..line].lines().count();
                wrong.push(format!("{name}:{at}: begin with `biased;`"));
            }
        }
    }
    assert!(count > 10, "{count}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
