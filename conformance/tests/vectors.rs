//! Every vector is replayed, and a vector with one digit changed does not pass.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it stands"
)]

use std::path::{Path, PathBuf};

use peerdist_conformance::vectors::{self, File, Group, Test};
use serde_yaml::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

fn files() -> Vec<(PathBuf, File)> {
    let read = vectors::read_all(&folder()).unwrap();
    read.into_iter()
        .map(|(path, text)| {
            let file = vectors::parse(&path, &text).unwrap();
            (path, file)
        })
        .collect()
}

fn tests(file: &File) -> impl Iterator<Item = (&Group, &Test)> {
    file.groups
        .iter()
        .flat_map(|group| group.tests.iter().map(move |test| (group, test)))
}

#[test]
fn every_vector_is_met() {
    let report = vectors::run(&folder(), None).unwrap();
    let failures: Vec<_> = report
        .outcomes
        .iter()
        .filter_map(|outcome| Some(format!("{}: {}", outcome.id, outcome.failure.as_ref()?)))
        .collect();
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    println!("{} vectors", report.passed);
}

#[test]
fn there_are_at_least_150_vectors_of_pccrc_and_60_of_them_are_invalid() {
    let files = files();
    let pccrc: Vec<_> = files
        .iter()
        .filter(|(_, file)| file.document == "MS-PCCRC")
        .flat_map(|(_, f)| tests(f))
        .collect();
    let invalid = pccrc
        .iter()
        .filter(|(_, test)| test.expect.get("result") == Some(&"invalid".into()))
        .count();
    assert!(
        pccrc.len() >= 150 && invalid >= 60,
        "{} of which {invalid} invalid",
        pccrc.len()
    );
}

#[test]
fn ids_are_unique_and_flags_explained() {
    let mut seen = std::collections::BTreeSet::new();
    for (path, file) in files() {
        for (_, test) in tests(&file) {
            assert!(seen.insert(test.id.clone()), "{} stands twice", test.id);
            assert!(!test.requirements.is_empty(), "{} pins nothing", test.id);
            for flag in &test.flags {
                assert!(
                    file.notes.contains_key(flag),
                    "{}: {flag} of {}",
                    path.display(),
                    test.id
                );
            }
        }
    }
}

/// The hexadecimal texts and the numbers of a value, each with its path.
fn digits_of(value: &Value, path: &mut Vec<Value>, found: &mut Vec<(Vec<Value>, Value)>) {
    match value {
        Value::String(text) if text.len() > 1 && vectors::Hex::parse(text).is_some() => {
            found.push((path.clone(), value.clone()));
        }
        Value::Number(_) => found.push((path.clone(), value.clone())),
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.into());
                digits_of(item, path, found);
                path.pop();
            }
        }
        Value::Mapping(entries) => {
            for (key, item) in entries {
                path.push(key.clone());
                digits_of(item, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn at_path<'a>(value: &'a mut Value, path: &[Value]) -> &'a mut Value {
    path.iter().fold(value, |value, step| match step.as_u64() {
        Some(index) => &mut value[usize::try_from(index).unwrap()],
        None => &mut value[step],
    })
}

fn with_digit_flipped(text: &str, at: usize) -> String {
    let flip = |(place, digit): (usize, char)| match digit {
        _ if place != at => digit,
        'f' => '0',
        _ => char::from_digit(digit.to_digit(16).unwrap() + 1, 16).unwrap(),
    };
    text.chars().enumerate().map(flip).collect()
}

/// A value of one kind or the other with a digit changed at a place that the test and the path choose.
fn changed(value: &Value, place: usize) -> Value {
    match (value.as_str(), value.as_u64()) {
        (Some(text), _) => with_digit_flipped(text, place % text.len()).into(),
        // The last digit, up or, from 9, down, so that no carry makes the number too large for its field.
        (_, Some(number)) if number % 10 == 9 => (number - 1).into(),
        (_, Some(number)) => (number ^ 1).into(),
        _ => panic!("{value:?} has no digit"),
    }
}

/// Replays `test` with one digit changed in each place below `part` that `matters`; those that still pass.
fn survivors(
    (file, group, test): (&File, &Group, &Test),
    part: &str,
    matters: impl Fn(&[Value], &Value) -> bool,
) -> (usize, Vec<String>) {
    let mut places = Vec::new();
    let value = if part == "input" {
        &test.input
    } else {
        &test.expect
    };
    digits_of(value, &mut Vec::new(), &mut places);
    places.retain(|(path, value)| matters(path, value));
    // Of a list of hundreds, every seventh of its later entries stands for those around it.
    let mut number = 0;
    places.retain(|_| {
        number += 1;
        number <= 64 || number % 7 == 0
    });
    let mut passed = Vec::new();
    for (path, value) in &places {
        // Another place in each text, so that heads, middles and ends all come up.
        let length = value.as_str().map_or(1, str::len);
        let place = length * 7 + path.len() * 3 + test.id.len();
        let mut altered = test.clone();
        let inside = if part == "input" {
            &mut altered.input
        } else {
            &mut altered.expect
        };
        *at_path(inside, path) = changed(value, place);
        if vectors::replay(file, group, &altered).failure.is_none() {
            passed.push(format!("{} {part} {path:?} place {place}", test.id));
        }
    }
    (places.len(), passed)
}

/// Contents of tens of MiB take a second each to hash; a few of them are enough here.
fn is_quick(test: &Test) -> bool {
    let parts = test.input.get("content").and_then(Value::as_sequence);
    let bytes: u64 = parts
        .into_iter()
        .flatten()
        .filter_map(|part| part.get("length")?.as_u64())
        .sum();
    bytes < 4 << 20
}

#[test]
fn one_digit_changed_in_what_a_vector_expects_makes_it_fail() {
    let mut changed = 0;
    for (_, file) in files() {
        for (group, test) in tests(&file).filter(|(_, test)| is_quick(test)) {
            let (places, passed) = survivors((&file, group, test), "expect", |_, _| true);
            assert!(passed.is_empty(), "still passes: {passed:?}");
            changed += places;
        }
    }
    assert!(changed > 4000, "only {changed} digits were changed");
}

/// Kinds whose outcome depends on every digit that goes in. Where a content only has to differ, or is cut elsewhere
/// than at the digit, the outcome rightly stays: there, as for refused inputs, the list of sums holds the digit.
const EVERY_DIGIT_MATTERS: [&str; 7] = [
    "derive",
    "key_file",
    "info",
    "create",
    "message",
    "crypto",
    "read_hash",
];

/// Whether a digit at this place below `input` decides about the outcome.
fn decides(kind: &str, test: &Test, path: &[Value]) -> bool {
    match kind {
        // Of the content information file only what goes out, which is all of it in some vectors.
        "read_hash" if path[0] == "content_information_file" => {
            let [file, output] = [
                &test.input["content_information_file"],
                &test.expect["output"],
            ];
            output.as_str().unwrap().ends_with(file.as_str().unwrap())
        }
        // A secret is longer than the key at its front, and a pattern longer than the content cut from it.
        "crypto" => path[0] == "IVBlock" || path[0] == "Block",
        _ => true,
    }
}

#[test]
fn one_digit_changed_in_what_goes_into_an_accepted_vector_makes_it_fail() {
    let mut changed = std::collections::BTreeMap::new();
    for (_, file) in files() {
        let kind = file.kind.as_str();
        if !EVERY_DIGIT_MATTERS.contains(&kind) {
            continue;
        }
        // What is written again in other bytes than it was read in has bytes that nobody looks at.
        let has_ignored_bytes = |test: &Test| test.expect.get("encoded").is_some();
        let is_accepted = |test: &Test| test.expect.get("error").is_none();
        for (group, test) in tests(&file)
            .filter(|(_, test)| is_quick(test) && is_accepted(test) && !has_ignored_bytes(test))
        {
            let matters =
                |path: &[Value], value: &Value| value.is_string() && decides(kind, test, path);
            let (places, passed) = survivors((&file, group, test), "input", matters);
            assert!(passed.is_empty(), "still passes: {passed:?}");
            *changed.entry(kind.to_owned()).or_insert(0) += places;
        }
    }
    let all: usize = changed.values().sum();
    assert!(all > 350, "only {changed:?} digits were changed");
    let kinds: Vec<_> = changed.keys().map(String::as_str).collect();
    let mut expected = EVERY_DIGIT_MATTERS;
    expected.sort_unstable();
    assert_eq!(kinds, expected);
}

#[test]
fn any_change_of_a_vector_file_is_found_by_its_sum() {
    let copy = tempfile::tempdir().unwrap();
    let sums = folder().join("SHA256SUMS");
    std::fs::copy(&sums, copy.path().join("SHA256SUMS")).expect("vectors/SHA256SUMS is there");
    for (path, text) in vectors::read_all(&folder()).unwrap() {
        let to = copy.path().join(path.strip_prefix(folder()).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, text).unwrap();
    }
    let failures = |filter: &str| {
        let report = vectors::run(copy.path(), Some(filter)).unwrap();
        report
            .outcomes
            .into_iter()
            .filter_map(|outcome| outcome.failure)
            .collect::<Vec<_>>()
    };
    assert!(failures("none-of-them").is_empty());
    let victim = copy.path().join("pccrc/info_v2_invalid.yaml");
    let text = std::fs::read_to_string(&victim).unwrap();
    let at = text.rfind("info: \"").unwrap() + "info: \"".len();
    let changed = [
        &text[..at],
        &with_digit_flipped(&text[at..=at], 0),
        &text[at + 1..],
    ]
    .concat();
    std::fs::write(&victim, changed).unwrap();
    assert!(failures("none-of-them")[0].contains("has the sum"));
    std::fs::remove_file(&victim).unwrap();
    assert!(failures("none-of-them")[0].contains("is gone"));
    std::fs::write(&victim, text).unwrap();
    std::fs::write(copy.path().join("other.yaml"), "").unwrap();
    assert!(vectors::run(copy.path(), None).is_err());
}
