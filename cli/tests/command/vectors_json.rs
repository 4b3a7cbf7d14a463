//! The vectors as JSON: the same as in YAML, with sums that hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use peerdist_conformance::vectors;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::room::Room;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors");

fn generate(to: &Path) -> Option<Output> {
    let generator = Path::new(VECTORS).join("generate.py");
    let mut command = Command::new("python3");
    match command.arg(generator).arg("--json").arg(to).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("NOT RUN: vectors as JSON: python3: {error}");
            None
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let inside = |path: PathBuf| {
        if path.is_dir() {
            files_below(&path)
        } else {
            vec![path]
        }
    };
    entries.flat_map(inside).collect()
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn json_holds_what_yaml_holds_and_its_sums_are_right() {
    let room = Room::new();
    let Some(output) = generate(&room.at("json")) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let mut expected = vec![room.at("json/SHA256SUMS"), room.at("json/schema.json")];
    let mut large = 0;
    for (path, text) in vectors::read_all(Path::new(VECTORS)).unwrap() {
        let name = path.strip_prefix(VECTORS).unwrap().with_extension("json");
        let json = fs::read_to_string(room.at("json").join(&name)).unwrap();
        let json: Value = serde_json::from_str(&json).unwrap();
        let yaml: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(json, yaml, "{}", name.display());
        large += numbers(&json).filter(|number| *number > 1 << 53).count();
        expected.push(room.at("json").join(name));
    }
    assert!(large > 10, "{large} numbers are beyond what a double holds");
    let mut found = files_below(&room.at("json"));
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(
        room.read("json/schema.json"),
        fs::read(Path::new(VECTORS).join("schema.json")).unwrap()
    );
    let sums = String::from_utf8(room.read("json/SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), expected.len() - 1);
    for line in sums.lines() {
        let (expected, name) = line.split_once("  ").unwrap();
        assert_eq!(sum(&room.read(&format!("json/{name}"))), expected, "{name}");
    }
}

#[test]
fn json_goes_to_a_folder_and_to_nothing_else() {
    let room = Room::new();
    room.write("file", "mine");
    let Some(output) = generate(&room.at("file")) else {
        return;
    };
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("is no folder; expected one"));
    assert_eq!(room.read("file"), b"mine");
}

fn numbers(value: &Value) -> Box<dyn Iterator<Item = u64> + '_> {
    match value {
        Value::Number(number) => Box::new(number.as_u64().into_iter()),
        Value::Array(items) => Box::new(items.iter().flat_map(numbers)),
        Value::Object(fields) => Box::new(fields.values().flat_map(numbers)),
        _ => Box::new(std::iter::empty()),
    }
}
