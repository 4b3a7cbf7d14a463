//! Test vectors: read from a folder, replayed one by one or handed to another program, each outcome under its own id.
//! Invariant: a file that cannot be read as a vector file, or has no replay, is a failure and never passed over.
//! The form of the files is in `vectors/README.md` and `vectors/schema.json`.

mod blob;
mod content;
pub mod exec;
mod file;
mod hex;
mod message;
mod pccrc;
mod pccrd;
mod pccrr;
mod pccrtp;
mod pchc;
mod smb;
mod sums;

use std::path::{Path, PathBuf};

use globset::Glob;
use serde::Serialize;
use thiserror::Error;

pub use file::{File, Flag, Group, Test};
pub use hex::Hex;

/// Why no vector could be run at all.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum VectorsError {
    /// The folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// A file is not of the form of vector files.
    #[error("{}: {source}", path.display())]
    Form {
        path: PathBuf,
        source: serde_yaml::Error,
    },
    /// There is nothing to run.
    #[error("no vector files (*.yaml) under {}", path.display())]
    Nothing { path: PathBuf },
    /// A filter that is no glob.
    #[error("the filter: {0}")]
    Filter(#[from] globset::Error),
}

/// How one vector came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The vector's id.
    pub id: String,
    /// What it is about.
    pub comment: String,
    /// The requirements that it pins.
    pub requirements: Vec<String>,
    /// What went against the expectation; `None`: it was met, or nothing was judged.
    pub failure: Option<String>,
    /// Why nothing was judged; our own replay judges everything.
    pub unsupported: Option<String>,
}

impl Outcome {
    fn of(test: &Test, judged: Result<(), String>) -> Self {
        Self {
            id: test.id.clone(),
            comment: test.comment.clone(),
            requirements: test.requirements.clone(),
            failure: judged.err(),
            unsupported: None,
        }
    }
}

/// How all of them came out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Vectors that met their expectation.
    pub passed: usize,
    /// Vectors that did not.
    pub failed: usize,
    /// Vectors that the implementation says it has nothing for.
    pub unsupported: usize,
    /// One by one, in the order of the files.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    fn add(&mut self, outcome: Outcome) {
        let counter = match (&outcome.failure, &outcome.unsupported) {
            (Some(_), _) => &mut self.failed,
            (None, Some(_)) => &mut self.unsupported,
            (None, None) => &mut self.passed,
        };
        *counter += 1;
        self.outcomes.push(outcome);
    }

    /// Makes a failure of the last outcome, if it is none already.
    fn fail_last(&mut self, why: String) {
        if let Some(mut last) = self.outcomes.pop() {
            match last.failure {
                Some(_) => self.failed -= 1,
                None if last.unsupported.take().is_some() => self.unsupported -= 1,
                None => self.passed -= 1,
            }
            last.failure.get_or_insert(why);
            self.add(last);
        }
    }
}

/// Replays every vector below a folder whose id fits the filter, if there is one.
///
/// # Errors
/// [`VectorsError`] where files cannot be read, or hold no vectors.
pub fn run(directory: &Path, filter: Option<&str>) -> Result<Report, VectorsError> {
    judge_each(directory, filter, |file, group, test| {
        Ok(replay(file, group, test))
    })
}

/// Has each vector judged that fits the filter, in the order of the files, behind the check of the files themselves.
fn judge_each<E: From<VectorsError>>(
    directory: &Path,
    filter: Option<&str>,
    mut judge: impl FnMut(&File, &Group, &Test) -> Result<Outcome, E>,
) -> Result<Report, E> {
    let filter = filter
        .map(|text| Glob::new(text).map(|glob| glob.compile_matcher()))
        .transpose()
        .map_err(VectorsError::from)?;
    let mut report = Report::default();
    for failure in sums::check(directory)? {
        report.add(failure);
    }
    for (path, text) in read_all(directory)? {
        let file = parse(&path, &text)?;
        for group in &file.groups {
            for test in &group.tests {
                if filter
                    .as_ref()
                    .is_none_or(|filter| filter.is_match(&test.id))
                {
                    report.add(judge(&file, group, test)?);
                }
            }
        }
    }
    Ok(report)
}

/// Replays one vector.
#[must_use]
pub fn replay(file: &File, group: &Group, test: &Test) -> Outcome {
    let failure = match (file.document.as_str(), file.kind.as_str()) {
        ("MS-PCCRC", kind) => pccrc::replay(kind, group, test),
        ("MS-PCCRD", kind) => pccrd::replay(kind, group, test),
        ("MS-PCCRR", kind) => pccrr::replay(kind, group, test),
        ("MS-PCCRTP", kind) => pccrtp::replay(kind, group, test),
        ("MS-PCHC", kind) => pchc::replay(kind, group, test),
        ("MS-SMB2", kind) => smb::replay(kind, group, test),
        (document, kind) => Err(no_replay(document, kind)),
    };
    Outcome::of(test, failure)
}

fn no_replay(document: &str, kind: &str) -> String {
    format!("there is no replay for vectors of {document} of the kind {kind:?}")
}

/// A vector file from its text.
///
/// # Errors
/// [`VectorsError::Form`] says what is wrong with it and where.
pub fn parse(path: &Path, text: &str) -> Result<File, VectorsError> {
    serde_yaml::from_str(text).map_err(|source| VectorsError::Form {
        path: path.to_owned(),
        source,
    })
}

/// The vector files below a folder with their texts, in the order of their names.
///
/// # Errors
/// [`VectorsError`] where one cannot be read, or there is none.
pub fn read_all(directory: &Path) -> Result<Vec<(PathBuf, String)>, VectorsError> {
    let failed = |path: &Path, source| VectorsError::Read {
        path: path.to_owned(),
        source,
    };
    let mut folders = vec![directory.to_owned()];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
            let path = entry.map_err(|error| failed(&folder, error))?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                paths.push(path);
            }
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(VectorsError::Nothing {
            path: directory.to_owned(),
        });
    }
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
        Ok((path, text))
    };
    paths.into_iter().map(read).collect()
}

/// Whether a value is the expected one; if not, which value it was and what it should have been.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found {
        Ok(())
    } else {
        Err(format!("{what}: expected {expected:?}, found {found:?}"))
    }
}

/// The typed form of a part of a vector.
fn typed<T: serde::de::DeserializeOwned>(
    what: &str,
    value: &serde_yaml::Value,
) -> Result<T, String> {
    serde_yaml::from_value(value.clone()).map_err(|error| format!("{what} of the vector: {error}"))
}
