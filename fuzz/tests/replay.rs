//! The corpus of every fuzz target, replayed as it is and changed at random but always in the same way.
//! Invariant: a target without a corpus fails, and so does a corpus without a target.
//! Byte order: none.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use peerdist::entropy::{Entropy, Purpose};
use peerdist_fuzz::{TARGETS, Target};

/// Changed inputs for each target.
const MUTATIONS: u64 = 200;
/// Files of each target: replaying is to stay quick.
const FILES_MAX: usize = 300;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The files of a target, in an order that does not depend on the file system.
fn files(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = corpus().join(name);
    let entries = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}; see fuzz/README.md", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(path).unwrap());
    paths.into_iter().map(read).collect()
}

fn holds(target: Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| target(input))).is_ok()
}

#[test]
fn every_file_of_the_corpus_is_taken() {
    let mut refused = Vec::new();
    for (name, target) in TARGETS {
        let files = files(name);
        let count = files.len();
        assert!((1..=FILES_MAX).contains(&count), "{name}: {count} files");
        let bad = files
            .into_iter()
            .filter(|(_, input)| !holds(*target, input));
        refused.extend(bad.map(|(path, _)| path));
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn every_target_has_a_program_and_every_corpus_a_target() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names.len(), TARGETS.len(), "a name twice");
    let listed = |folder: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let stem = |entry: fs::DirEntry| {
            let path = entry.path();
            path.file_stem().unwrap().to_string_lossy().into_owned()
        };
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| stem(entry.unwrap()))
            .collect()
    };
    assert_eq!(listed("corpus"), names);
    assert_eq!(listed("fuzz_targets"), names);
}

/// One to four changes: a byte, a bit, a number at its edge, a part cut out, doubled, or taken from another file.
fn change(input: &mut Vec<u8>, other: &[u8], random: &mut Entropy) {
    let mut below = |bound: usize| usize::try_from(random.below(bound as u64)).unwrap();
    for _ in 0..=below(4) {
        let at = below(input.len().max(1));
        let length = below(input.len() - at.min(input.len()) + 1).min(64);
        let end = (at + length).min(input.len());
        match below(7) {
            0 if at < input.len() => input[at] ^= 1 << below(8),
            1 if at < input.len() => input[at] = u8::try_from(below(256)).unwrap(),
            2 if at < input.len() => input[at] = [0, 1, 0x7F, 0x80, 0xFF][below(5)],
            3 => input.truncate(at),
            4 => drop(input.drain(at.min(end)..end)),
            5 => {
                let part = input[at.min(end)..end].to_vec();
                input.splice(end..end, part);
            }
            _ => {
                let from = below(other.len() + 1);
                let part = other[from..].iter().take(32).copied();
                let at = at.min(input.len());
                input.splice(at..at, part);
            }
        }
    }
}

#[test]
fn changed_files_of_the_corpus_are_taken() {
    let mut refused = Vec::new();
    for (name, target) in TARGETS {
        let files = files(name);
        for seed in 0..MUTATIONS {
            let mut random = Entropy::from_u64(seed, Purpose::Faults);
            let mut pick = || usize::try_from(random.below(files.len() as u64)).unwrap();
            let (path, input) = &files[pick()];
            let (_, other) = &files[pick()];
            let mut input = input.clone();
            change(&mut input, other, &mut random);
            if !holds(*target, &input) {
                let kept = std::env::temp_dir().join(format!("{name}-{seed}"));
                fs::write(&kept, &input).unwrap();
                refused.push(format!("{} changed: {}", path.display(), kept.display()));
                break;
            }
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}
