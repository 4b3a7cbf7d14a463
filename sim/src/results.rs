//! Results on disk: a directory that says what was run, what came out, and how to run it again.
//! Invariant: a directory has its name only when everything in it is there; none is replaced unasked.
//! Byte order: none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::scenario::Scenario;
use crate::statistics::{Mean, mean};
use crate::summary::Summary;

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

/// Writes everything into a directory of its own, which then appears at once.
///
/// # Errors
/// [`ResultsError`].
pub fn write(
    directory: &Path,
    scenario: &str,
    manifest: &Manifest,
    summaries: &[Summary],
    force: bool,
) -> Result<(), ResultsError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ResultsError::Io { path, source }
    };
    let is_there = fs::symlink_metadata(directory).is_ok();
    if is_there && !force {
        return Err(ResultsError::Exists(directory.to_owned()));
    }
    let parent = directory
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed(parent))?;
    let made = tempfile::Builder::new()
        .prefix(".results-")
        .tempdir_in(parent)
        .map_err(failed(parent))?;
    let summary = match summaries {
        [one] => pretty(one),
        many => {
            let means: serde_json::Map<String, serde_json::Value> = means(many)
                .into_iter()
                .filter_map(|(name, mean)| {
                    Some((name.to_owned(), serde_json::to_value(mean).ok()?))
                })
                .collect();
            pretty(&means)
        }
    }?;
    for (name, text) in [
        ("scenario.yaml", scenario.to_owned()),
        ("manifest.json", pretty(manifest)?),
        ("summary.json", summary),
        ("summary.csv", csv(&manifest.seeds, summaries)),
    ] {
        let path = made.path().join(name);
        fs::write(&path, text).map_err(failed(&path))?;
    }
    if is_there {
        // What is there goes out of the way first, and comes back should the new not take its place.
        let old = tempfile::Builder::new().prefix(".old-").tempdir_in(parent);
        let old = old.map_err(failed(parent))?;
        let aside = old.path().join("results");
        fs::rename(directory, &aside).map_err(failed(directory))?;
        if let Err(error) = fs::rename(made.path(), directory) {
            let _ = fs::rename(&aside, directory);
            return Err(failed(directory)(error));
        }
    } else {
        fs::rename(made.path(), directory).map_err(failed(directory))?;
    }
    Ok(())
}

fn pretty(value: &impl Serialize) -> Result<String, ResultsError> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n")
        .map_err(|error| ResultsError::Format(error.to_string()))
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn results_appear_whole_and_replace_nothing_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("deep/out");
        let one = Summary {
            downloads: 3,
            ..Summary::default()
        };
        write(
            &directory,
            "a",
            &manifest(),
            std::slice::from_ref(&one),
            false,
        )
        .unwrap();
        let text = fs::read_to_string(directory.join("summary.json")).unwrap();
        assert!(text.contains("\"downloads\": 3"));
        let refused = write(
            &directory,
            "b",
            &manifest(),
            std::slice::from_ref(&one),
            false,
        );
        assert!(matches!(refused, Err(ResultsError::Exists(_))));
        assert_eq!(
            fs::read_to_string(directory.join("scenario.yaml")).unwrap(),
            "a"
        );
        write(&directory, "b", &manifest(), &[one.clone(), one], true).unwrap();
        assert_eq!(
            fs::read_to_string(directory.join("scenario.yaml")).unwrap(),
            "b"
        );
        let text = fs::read_to_string(directory.join("summary.json")).unwrap();
        assert!(text.contains("\"confidence_95\": 0.0"), "{text}");
        let csv = fs::read_to_string(directory.join("summary.csv")).unwrap();
        assert_eq!(csv.lines().count(), 3);
        let left = fs::read_dir(directory.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "nothing is left beside the results");
    }
}
