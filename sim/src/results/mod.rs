//! Results on disk: a directory that says what was run, what came out, and how to run it again.
//! Invariant: a directory has its name only when everything in it is there; none is replaced unasked.
//! Byte order: none.

pub mod compare;
pub mod rows;
pub mod table;
pub mod timeline;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use thiserror::Error;

use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::statistics::{Mean, mean};
use crate::summary::Summary;
use rows::{TIMESERIES, TRANSFERS};
use table::Table;

/// What `manifest.json` says.
#[derive(Debug, Serialize)]
pub struct Manifest {
    /// The name of the scenario, or its file.
    pub name: String,
    /// SHA-256 of the scenario as it stands in `scenario.yaml`.
    pub scenario_sha256: String,
    /// The seeds, one a run.
    pub seeds: Vec<u64>,
    /// Which engine.
    pub engine: &'static str,
    /// Of this program.
    pub version: &'static str,
    /// The hash of what happened, one a run.
    pub trace_hashes: Vec<String>,
    /// What repeats it.
    pub command: String,
}

/// Why results cannot be written.
#[derive(Debug, Error)]
pub enum ResultsError {
    /// There is something already.
    #[error("{} is there already; choose another directory, or --force to replace it", .0.display())]
    Exists(PathBuf),
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// What could not be written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be put into words.
    #[error("the results cannot be written out: {0}")]
    Format(String),
}

/// The figures of several runs, each with its mean.
#[must_use]
pub fn means(summaries: &[Summary]) -> Vec<(&'static str, Mean)> {
    let of = |name: &'static str| {
        let values: Vec<f64> = summaries.iter().filter_map(|it| it.figure(name)).collect();
        Some((name, mean(&values)?))
    };
    Summary::FIGURES
        .iter()
        .filter_map(|name| of(name))
        .collect()
}

/// The runs as comma-separated values, a line each.
#[must_use]
pub fn csv(seeds: &[u64], summaries: &[Summary]) -> String {
    let mut text = format!("seed,{},trace_hash\n", Summary::FIGURES.join(","));
    for (seed, summary) in seeds.iter().zip(summaries) {
        let figures = Summary::FIGURES.iter().map(|name| {
            let figure = summary.figure(name).unwrap_or_default();
            figure.to_string()
        });
        let figures: Vec<String> = figures.collect();
        text.push_str(&format!(
            "{seed},{},{}\n",
            figures.join(","),
            summary.trace_hash
        ));
    }
    text
}

/// Text as a field of comma-separated values.
#[must_use]
pub fn csv_text(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// The scenario as it is run, and its hash.
///
/// # Errors
/// [`ResultsError::Format`].
pub fn scenario_text(scenario: &Scenario) -> Result<(String, String), ResultsError> {
    let text =
        serde_yaml::to_string(scenario).map_err(|error| ResultsError::Format(error.to_string()))?;
    let hash = Sha256::digest(text.as_bytes());
    let hex = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((text, hex))
}

/// Results that are being written, in a directory beside the one that they will be.
#[derive(Debug)]
pub struct Results {
    directory: PathBuf,
    made: TempDir,
    is_there: bool,
    timeseries: Table,
    transfers: Table,
    seeds: Vec<u64>,
    summaries: Vec<Summary>,
}

fn io_failed(path: &Path) -> impl FnOnce(io::Error) -> ResultsError {
    let path = path.to_owned();
    move |source| ResultsError::Io { path, source }
}

fn parent_of(directory: &Path) -> &Path {
    let parent = directory.parent();
    parent
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

impl Results {
    /// Begins to write; nothing is seen of it before [`Results::finish`].
    ///
    /// # Errors
    /// [`ResultsError`], where there is something already too.
    pub fn begin(directory: &Path, force: bool) -> Result<Self, ResultsError> {
        let is_there = fs::symlink_metadata(directory).is_ok();
        if is_there && !force {
            return Err(ResultsError::Exists(directory.to_owned()));
        }
        let parent = parent_of(directory);
        fs::create_dir_all(parent).map_err(io_failed(parent))?;
        let made = tempfile::Builder::new()
            .prefix(".results-")
            .permissions(open_permissions())
            .tempdir_in(parent)
            .map_err(io_failed(parent))?;
        Ok(Self {
            timeseries: Table::create(&made.path().join("timeseries.parquet"), TIMESERIES)?,
            transfers: Table::create(&made.path().join("transfers.parquet"), TRANSFERS)?,
            directory: directory.to_owned(),
            made,
            is_there,
            seeds: Vec::new(),
            summaries: Vec::new(),
        })
    }

    /// Adds a run.
    ///
    /// # Errors
    /// [`ResultsError`].
    pub fn add(
        &mut self,
        plan: &Plan,
        outcome: &Outcome,
        summary: &Summary,
    ) -> Result<(), ResultsError> {
        self.seeds.push(plan.seed);
        self.summaries.push(summary.clone());
        rows::timeseries(&mut self.timeseries, plan, outcome)?;
        rows::transfers(&mut self.transfers, plan, outcome)
    }

    /// Writes one more file.
    ///
    /// # Errors
    /// [`ResultsError`].
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<(), ResultsError> {
        let path = self.made.path().join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io_failed(parent))?;
        }
        fs::write(&path, bytes).map_err(io_failed(&path))
    }

    /// Gives the directory its name, with all that is in it.
    ///
    /// # Errors
    /// [`ResultsError`].
    pub fn finish(self, scenario: &str, manifest: &Manifest) -> Result<(), ResultsError> {
        for (name, text) in [
            ("scenario.yaml", scenario.to_owned()),
            ("manifest.json", pretty(manifest)?),
            ("summary.json", pretty(&summary_of(&self.summaries)?)?),
            ("summary.csv", csv(&self.seeds, &self.summaries)),
        ] {
            self.file(name, text.as_bytes())?;
        }
        self.timeseries.finish()?;
        self.transfers.finish()?;
        let (directory, parent) = (&self.directory, parent_of(&self.directory));
        if self.is_there {
            // What is there goes out of the way first, and comes back should the new not take its place.
            let old = tempfile::Builder::new().prefix(".old-").tempdir_in(parent);
            let old = old.map_err(io_failed(parent))?;
            let aside = old.path().join("results");
            fs::rename(directory, &aside).map_err(io_failed(directory))?;
            if let Err(error) = fs::rename(self.made.path(), directory) {
                let _ = fs::rename(&aside, directory);
                return Err(io_failed(directory)(error));
            }
        } else {
            fs::rename(self.made.path(), directory).map_err(io_failed(directory))?;
        }
        Ok(())
    }
}

/// Results are for others to read, unlike what is temporary.
fn open_permissions() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}

/// What `summary.json` says: the figures of a run, or their means.
fn summary_of(summaries: &[Summary]) -> Result<serde_json::Value, ResultsError> {
    let format = |error: serde_json::Error| ResultsError::Format(error.to_string());
    let mut value = match summaries {
        [one] => serde_json::to_value(one).map_err(format)?,
        many => {
            let mut means_of = serde_json::Map::new();
            for (name, mean) in means(many) {
                means_of.insert(name.to_owned(), serde_json::to_value(mean).map_err(format)?);
            }
            means_of.into()
        }
    };
    let mut counters = serde_json::Map::new();
    for (place, (name, _)) in Summary::default().branchcache().iter().enumerate() {
        let of = |it: &Summary| it.branchcache().get(place).map_or(0, |(_, value)| *value);
        let value = match summaries {
            [one] => of(one).into(),
            many => {
                let values: Vec<f64> = many.iter().map(|it| of(it) as f64).collect();
                serde_json::to_value(mean(&values)).map_err(format)?
            }
        };
        counters.insert((*name).to_owned(), value);
    }
    if let Some(map) = value.as_object_mut() {
        map.insert("branchcache_counters".to_owned(), counters.into());
    }
    Ok(value)
}

fn pretty(value: &impl Serialize) -> Result<String, ResultsError> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n")
        .map_err(|error| ResultsError::Format(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            name: "it".to_owned(),
            scenario_sha256: String::new(),
            seeds: vec![1, 2],
            engine: "flow",
            version: "0",
            trace_hashes: Vec::new(),
            command: String::new(),
        }
    }

    fn write(directory: &Path, scenario: &str, runs: u64, force: bool) -> Result<(), ResultsError> {
        let mut results = Results::begin(directory, force)?;
        let text = "{ sites: { a: {} }, hosts: { b: {} }, contents: { c: { size: 1 kB } }, workload: [{}] }";
        let read = Arc::new(crate::scenario::load("test", text).unwrap());
        for seed in 1..=runs {
            let plan = Plan::new(Arc::clone(&read), seed);
            let outcome = crate::flow::run(&plan, 1);
            results.add(&plan, &outcome, &outcome.summary(&plan))?;
        }
        results.finish(scenario, &manifest())
    }

    #[test]
    fn results_appear_whole_and_replace_nothing_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("deep/out");
        write(&directory, "a", 1, false).unwrap();
        let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
        assert!(read("summary.json").contains("\"downloads\": 1"));
        let refused = write(&directory, "b", 1, false);
        assert!(matches!(refused, Err(ResultsError::Exists(_))));
        assert_eq!(read("scenario.yaml"), "a");
        write(&directory, "b", 2, true).unwrap();
        assert_eq!(read("scenario.yaml"), "b");
        let text = read("summary.json");
        assert!(text.contains("\"confidence_95\": 0.0"), "{text}");
        assert!(text.contains("Retrieval: Bytes from server"), "{text}");
        assert_eq!(read("summary.csv").lines().count(), 3);
        for name in ["timeseries.parquet", "transfers.parquet"] {
            let bytes = fs::read(directory.join(name)).unwrap();
            assert!(
                bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"),
                "{name}"
            );
        }
        let left = fs::read_dir(directory.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "nothing is left beside the results");
    }
}
