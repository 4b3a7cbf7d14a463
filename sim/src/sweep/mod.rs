//! Sweeps: a scenario run over and over with other values at some keys, each with the same seeds (docs/RESULTS.md).
//! Invariant: runs have numbers that follow from the sweep alone; what comes out depends neither on jobs nor on shards.
//! Format: YAML in; a file of JSON for each finished run, and tables of all of them.

mod design;
mod run;
mod tables;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use design::{Arm, Level, Parameter};
pub use run::{Progress, Shard, carry_out};
use serde::{Deserialize, Serialize};
use serde_yaml::Value;
use sha2::{Digest, Sha256};
pub use tables::merge;
use thiserror::Error;

use crate::engine::Engine;
use crate::results::{ResultsError, scenario_text};
use crate::scenario::Scenario;

/// Runs of a sweep, in all shards together.
const RUNS_MOST: u64 = 1_000_000;

/// What a sweep says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepFile {
    /// One that comes with the program, or a file, beside that of the sweep where its path is not absolute.
    pub scenario: String,
    /// Keys of the scenario that are otherwise in every run.
    #[serde(default)]
    pub set: BTreeMap<String, Value>,
    /// `flow`, or `packet`.
    #[serde(default = "flow")]
    pub engine: String,
    /// The first seed of every arm; that of the scenario where it is not given.
    pub seed: Option<u64>,
    /// Runs of every arm, each with the seed after the one before.
    #[serde(default = "one")]
    pub seeds: u64,
    /// Every combination of these values.
    #[serde(default)]
    pub grid: BTreeMap<String, Vec<Value>>,
    /// Samples from ranges, spread evenly over each of them.
    pub latin_hypercube: Option<LatinHypercube>,
}

fn flow() -> String {
    Engine::Flow.name().to_owned()
}

const fn one() -> u64 {
    1
}

/// Samples from ranges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatinHypercube {
    /// How many.
    pub samples: u32,
    /// From which, by the key that they are for.
    pub ranges: BTreeMap<String, Range>,
}

/// Values of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    pub from: f64,
    /// The most.
    pub to: f64,
    /// What stands behind the number, such as `Mbit/s`.
    pub unit: Option<String>,
    /// Whether only whole numbers are meant.
    #[serde(default)]
    pub whole: bool,
    /// How values are spread.
    #[serde(default)]
    pub scale: Scale,
}

/// How values are spread over a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// As many from 1 to 10 as from 10 to 100.
    Log,
}

/// Why a sweep does not go on.
#[derive(Debug, Error)]
pub enum SweepError {
    /// It says something that cannot be.
    #[error("{0}")]
    Wrong(String),
    /// A directory has something else than what belongs there.
    #[error("{}: {why}", path.display())]
    Directory {
        /// The directory, or a file of it.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Files cannot be written.
    #[error(transparent)]
    Results(#[from] ResultsError),
}

/// A sweep made concrete.
#[derive(Debug)]
pub struct Sweep {
    /// What carries its runs out.
    pub engine: Engine,
    /// What changes from arm to arm.
    pub parameters: Vec<Parameter>,
    /// All combinations that are run.
    pub arms: Vec<Arm>,
    /// The seeds, the same in each arm.
    pub seeds: Vec<u64>,
    /// A hash over everything that a result depends on.
    pub sha256: String,
    scenarios: Vec<Arc<Scenario>>,
}

impl Sweep {
    /// Reads a sweep; `scenario` loads the scenario that it names with keys set otherwise.
    ///
    /// # Errors
    /// Where it is wrong, or one of its scenarios.
    pub fn load(
        file: &str,
        text: &str,
        scenario: impl Fn(&str, &[(String, String)]) -> Result<Scenario, String>,
    ) -> Result<Self, SweepError> {
        let wrong = |why: String| SweepError::Wrong(format!("{file}: {why}"));
        let read: SweepFile =
            serde_yaml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let engine = [Engine::Flow, Engine::Packet];
        let engine = engine.into_iter().find(|it| it.name() == read.engine);
        let engine = engine.ok_or_else(|| {
            let found = &read.engine;
            wrong(format!(
                "engine: there is no engine '{found}'; there are flow and packet"
            ))
        })?;
        if read.seeds == 0 {
            return Err(wrong("seeds: 0 runs tell nothing; at least 1".to_owned()));
        }
        let (parameters, arms) = design::design(&read).map_err(wrong)?;
        if read.seeds.saturating_mul(arms.len() as u64) > RUNS_MOST {
            let (arms, seeds) = (arms.len(), read.seeds);
            return Err(wrong(format!(
                "{arms} arms with {seeds} seeds each are more than {RUNS_MOST} runs"
            )));
        }
        let mut fixed = Vec::new();
        for (path, value) in &read.set {
            fixed.push((path.clone(), design::text_of(value).map_err(wrong)?));
        }
        let mut hash = Sha256::new();
        let mut note = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        note(env!("CARGO_PKG_VERSION"));
        note(engine.name());
        let mut scenarios = Vec::new();
        for arm in &arms {
            let mut settings = fixed.clone();
            let levels = parameters.iter().zip(&arm.levels);
            settings.extend(levels.map(|(it, level)| (it.path.clone(), level.text.clone())));
            let loaded = scenario(&read.scenario, &settings).map_err(wrong)?;
            note(&scenario_text(&loaded)?.0);
            scenarios.push(Arc::new(loaded));
        }
        let first = scenarios.first().map_or(1, |scenario| scenario.seed);
        let first = read.seed.unwrap_or(first);
        let seeds: Vec<u64> = (0..read.seeds).map(|it| first.wrapping_add(it)).collect();
        note(&format!("{seeds:?} {parameters:?} {arms:?}"));
        let sha256 = hash.finalize().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Ok(Self {
            engine,
            parameters,
            arms,
            seeds,
            sha256,
            scenarios,
        })
    }

    /// How many runs there are.
    #[must_use]
    pub const fn runs(&self) -> usize {
        self.arms.len() * self.seeds.len()
    }

    /// Arm and seed of a run.
    fn run(&self, number: usize) -> Option<(usize, u64)> {
        let arm = number / self.seeds.len();
        let seed = *self.seeds.get(number % self.seeds.len())?;
        (arm < self.arms.len()).then_some((arm, seed))
    }
}

/// What a directory of a sweep says of itself, in `sweep.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Header {
    sweep_sha256: String,
    engine: String,
    version: String,
    parameters: Vec<Parameter>,
    arms: Vec<Arm>,
    seeds: Vec<u64>,
}

impl Header {
    fn of(sweep: &Sweep) -> Self {
        Self {
            sweep_sha256: sweep.sha256.clone(),
            engine: sweep.engine.name().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            parameters: sweep.parameters.clone(),
            arms: sweep.arms.clone(),
            seeds: sweep.seeds.clone(),
        }
    }
}

const HEADER: &str = "sweep.json";
const RUNS: &str = "runs";

/// The file of a run.
fn run_file(directory: &Path, number: usize) -> PathBuf {
    directory.join(RUNS).join(format!("{number:07}.json"))
}

/// Writes a file that has its name only when all of it is there.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), SweepError> {
    let failed = |source| ResultsError::Io {
        path: path.to_owned(),
        source,
    };
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(failed)?;
    let mut file = tempfile::Builder::new()
        .prefix(".unfinished-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(parent)
        .map_err(failed)?;
    std::io::Write::write_all(&mut file, bytes).map_err(failed)?;
    file.as_file().sync_data().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, SweepError> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| ResultsError::Format(error.to_string()))?;
    Ok((text + "\n").into_bytes())
}

#[cfg(test)]
mod tests;
