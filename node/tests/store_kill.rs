//! A process that keeps blocks is killed at any moment: what it was told to be on the disk is there, and nothing wrong.
//! Invariant: the child says what is on the disk after the store said so, and what it drops before it drops it.
//! `PEERDIST_KILLS=200` for the full form.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use peerdist_node::store::{Store, StoreSettings};

#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "store/segments.rs"]
mod segments;
use segments::{Whole, at, now, sealed, settings, v1, v2};

const DIRECTORY: &str = "PEERDIST_STORE_CHILD";
const FIRST: &str = "PEERDIST_STORE_FIRST";
const KILLS: &str = "PEERDIST_KILLS";
const KILLS_BY_DEFAULT: u64 = 15;
/// The child drops what is older, so that no run has to look at all that ever was.
const KEPT: u64 = 60;

fn limits() -> StoreSettings {
    StoreSettings {
        // Sealed blocks give way all the time, verified ones when the child says so.
        pack_bytes_limit: 1 << 20,
        commit_interval_ms: 20,
        ..settings(1 << 30, 400_000)
    }
}

fn segment(number: u64) -> Whole {
    let length = 2_000 + usize::try_from(number * 7_919 % 90_000).unwrap();
    if number.is_multiple_of(5) {
        v1(number, 65_536 + length)
    } else {
        v2(number, length)
    }
}

fn say(what: &str, number: u64) {
    let mut out = stdout().lock();
    writeln!(out, "{what} {number}").unwrap();
    out.flush().unwrap();
}

#[test]
#[ignore = "the child of the other test, which runs until it is killed"]
fn the_child_that_is_killed() {
    let (Some(directory), Ok(first)) = (std::env::var_os(DIRECTORY), std::env::var(FIRST)) else {
        panic!("NOT RUN: the child needs {DIRECTORY} and {FIRST}");
    };
    let first: u64 = first.parse().unwrap();
    let store = Store::open(Path::new(&directory), &limits()).unwrap();
    let mut pending = Vec::new();
    for number in first.. {
        segment(number).put_all(&store);
        pending.push(number);
        let id = v2(number ^ 0xffff, 10).id;
        store
            .put_sealed(now(), &id, at(0), &sealed(number, 30_000))
            .unwrap();
        if let Some(old) = number.checked_sub(KEPT) {
            say("dropping", old);
            store.forget(&segment(old).id).unwrap();
            assert!(number < first + 9 || segment(number - 9).reads(&store, 0));
        }
        if number.is_multiple_of(3) {
            store.flush().unwrap();
            pending.drain(..).for_each(|number| say("kept", number));
        }
    }
}

fn child(directory: &Path, first: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "the_child_that_is_killed",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(DIRECTORY, directory)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn what_was_on_the_disk_stays_there_whenever_the_process_is_killed() {
    let kills = std::env::var(KILLS).map_or(KILLS_BY_DEFAULT, |kills| kills.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let mut kept = BTreeSet::new();
    let mut dropped = BTreeSet::new();
    let (mut next, mut all, mut unfinished) = (0, 0, 0);
    for kill in 0..kills {
        let mut running = child(&path, next);
        let lines = BufReader::new(running.stdout.take().unwrap());
        let wait = Duration::from_micros(5_000 + kill * 104_729 % 450_000);
        let mut last = next;
        let (acknowledges, acknowledged) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let (acknowledges, next) = (&acknowledges, &next);
            let reader = scope.spawn(|| {
                for line in lines.lines().map_while(Result::ok) {
                    let Some((what, number)) = line.split_once(' ') else {
                        continue;
                    };
                    let Ok(number) = number.parse::<u64>() else {
                        continue;
                    };
                    match what {
                        "kept" => {
                            kept.insert(number);
                            if number > *next {
                                let _ = acknowledges.send(());
                            }
                        }
                        "dropping" => drop(dropped.insert(number)),
                        _ => continue,
                    }
                    last = last.max(number);
                }
            });
            // Every third may be killed before it has done anything at all.
            if kill % 3 != 0 {
                let patience = Duration::from_secs(60);
                acknowledged
                    .recv_timeout(patience)
                    .expect("it keeps something");
            }
            std::thread::sleep(wait);
            running.kill().unwrap();
            running.wait().unwrap();
            reader.join().unwrap();
        });
        all += u64::from(last > next);
        let store = Store::open(&path, &limits()).unwrap();
        assert!(
            store.opening_notes().is_empty(),
            "{:?}",
            store.opening_notes()
        );
        for number in next.saturating_sub(2 * KEPT)..last + 10 {
            let one = segment(number);
            let is_there = (0..one.facts.block_count()).all(|index| one.reads(&store, index));
            let must_be = kept.contains(&number) && !dropped.contains(&number);
            assert!(
                is_there || !must_be,
                "kill {kill}: segment {number} is lost"
            );
            unfinished += u64::from(is_there && !kept.contains(&number));
        }
        let statistics = store.statistics().unwrap();
        assert_eq!(statistics.quarantined, 0, "kill {kill}");
        assert!(statistics.sealed_bytes <= 400_000);
        for summary in store.list(None, 10_000).unwrap() {
            assert!(store.verify(&summary.id).unwrap().1.is_empty());
        }
        next = last + 10;
    }
    assert!(
        all * 3 > kills,
        "{all} of {kills} children came to keep anything"
    );
    eprintln!(
        "{kills} kills: {} segments acknowledged, {} dropped, {unfinished} more found whole, none lost, none wrong",
        kept.len(),
        dropped.len()
    );
}
