//! The runs of a sweep carried out, several at a time, and what is there already left alone.
//! Invariant: a run is there whole or not at all, whenever the process ends; its file does not tell who made it, or when.
//! Format: JSON.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::{HEADER, Header, RUNS, Sweep, SweepError, json, run_file, tables, write_whole};
use crate::plan::Plan;
use crate::summary::Summary;

/// Which runs are this process's: every so many of them, from one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl Shard {
    /// All runs.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    fn has(self, run: usize) -> bool {
        run % self.of == self.number - 1
    }
}

/// How far a sweep is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Runs of this shard that are there.
    pub done: usize,
    /// Of them, those that were there before.
    pub kept: usize,
    /// All of this shard.
    pub all: usize,
}

/// What the file of a run says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) sweep_sha256: String,
    pub(super) run: usize,
    pub(super) arm: usize,
    pub(super) seed: u64,
    pub(super) summary: Summary,
    /// What was not as it must be: the engine is wrong.
    pub(super) violations: Vec<String>,
}

/// Carries out the runs of a shard that are not there yet, and tells after each; then, where it is the whole sweep,
/// writes the tables. Returns what was not as it must be.
///
/// # Errors
/// [`SweepError`]: the first that any run had. What is finished by then stays.
pub fn carry_out(
    sweep: &Sweep,
    directory: &Path,
    shard: Shard,
    jobs: usize,
    resume: bool,
    tell: impl Fn(Progress) + Sync,
) -> Result<Vec<String>, SweepError> {
    prepare(sweep, directory, resume)?;
    let own: Vec<usize> = (0..sweep.runs()).filter(|run| shard.has(*run)).collect();
    let mut left = Vec::new();
    for &run in &own {
        match read(sweep, directory, run)? {
            Some(_) => {}
            None => left.push(run),
        }
    }
    let kept = own.len() - left.len();
    let all = own.len();
    tell(Progress {
        done: kept,
        kept,
        all,
    });
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(kept));
    let has_failed = AtomicBool::new(false);
    let failure: Mutex<Option<SweepError>> = Mutex::new(None);
    let work = || {
        while !has_failed.load(Ordering::Relaxed) {
            let Some(&run) = left.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            if let Err(error) = one(sweep, directory, run) {
                has_failed.store(true, Ordering::Relaxed);
                let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(error);
                return;
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            tell(Progress { done, kept, all });
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.clamp(1, left.len().max(1)) {
            scope.spawn(work);
        }
        work();
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut violations = Vec::new();
    for &run in &own {
        let Some(run) = read(sweep, directory, run)? else {
            continue;
        };
        let (arm, seed) = (run.arm, run.seed);
        let of_run = run.violations.into_iter();
        violations.extend(of_run.map(|what| format!("arm {arm}, seed {seed}: {what}")));
    }
    if shard.of == 1 {
        tables::write(directory, &Header::of(sweep))?;
    }
    Ok(violations)
}

/// Makes the directory, or finds in it what an earlier process left of the same sweep.
fn prepare(sweep: &Sweep, directory: &Path, resume: bool) -> Result<(), SweepError> {
    let header = Header::of(sweep);
    let path = directory.join(HEADER);
    let refuse = |path: PathBuf, why: &str| {
        let why = why.to_owned();
        Err(SweepError::Directory { path, why })
    };
    match std::fs::read(&path) {
        Ok(_) if !resume => refuse(
            directory.to_owned(),
            "there is a sweep already; --resume goes on with it, another --out leaves it alone",
        ),
        Ok(bytes) => match serde_json::from_slice::<Header>(&bytes) {
            Ok(found) if found == header => Ok(()),
            _ => refuse(
                path,
                "the sweep, its scenario or the program is not the one that this directory was begun with; \
                 choose another --out",
            ),
        },
        Err(_) => {
            let is_other = std::fs::read_dir(directory)
                .is_ok_and(|entries| entries.flatten().any(|it| it.file_name() != RUNS));
            if is_other {
                return refuse(
                    directory.to_owned(),
                    "there is something else already; choose another --out",
                );
            }
            write_whole(&path, &json(&header)?)
        }
    }
}

/// A run that is there.
pub(super) fn read(sweep: &Sweep, directory: &Path, run: usize) -> Result<Option<Run>, SweepError> {
    read_of(&sweep.sha256, directory, run)
}

pub(super) fn read_of(
    sha256: &str,
    directory: &Path,
    run: usize,
) -> Result<Option<Run>, SweepError> {
    let path = run_file(directory, run);
    let Ok(bytes) = std::fs::read(&path) else {
        return Ok(None);
    };
    match serde_json::from_slice::<Run>(&bytes) {
        Ok(found) if found.sweep_sha256 == sha256 && found.run == run => Ok(Some(found)),
        _ => Err(SweepError::Directory {
            path,
            why: format!("this is not run {run} of the sweep; remove it to have it run again"),
        }),
    }
}

fn one(sweep: &Sweep, directory: &Path, number: usize) -> Result<(), SweepError> {
    let Some((arm, seed)) = sweep.run(number) else {
        return Ok(());
    };
    let Some(scenario) = sweep.scenarios.get(arm) else {
        return Ok(());
    };
    let plan = Plan::new(Arc::clone(scenario), seed);
    // One thread: there are other runs for the other cores.
    let outcome = sweep
        .engine
        .run(&plan, 1)
        .map_err(|failure| SweepError::Wrong(format!("arm {arm}, seed {seed}: {failure}")))?;
    let run = Run {
        sweep_sha256: sweep.sha256.clone(),
        run: number,
        arm,
        seed,
        summary: outcome.summary(&plan),
        violations: outcome.violations().map(str::to_owned).collect(),
    };
    write_whole(&run_file(directory, number), &json(&run)?)
}
