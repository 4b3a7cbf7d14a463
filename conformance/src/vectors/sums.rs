//! The checksums of the vector files: a digit that no replay depends on must not change unnoticed either.
//! Invariant: where a list of sums is there, every vector file is in it and is as it says.
//! The list has the form of `sha256sum`, so `sha256sum -c SHA256SUMS` checks it too.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Hex, Outcome, VectorsError, read_all};

const NAME: &str = "SHA256SUMS";

/// One failure for each file that differs from the list, is missing from it, or is gone. No list, no failures.
pub(super) fn check(directory: &Path) -> Result<Vec<Outcome>, VectorsError> {
    let path = directory.join(NAME);
    let list = match std::fs::read_to_string(&path) {
        Ok(list) => list,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(VectorsError::Read { path, source }),
    };
    let mut expected: BTreeMap<&str, &str> = list
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name, sum))
        .collect();
    let mut failures = Vec::new();
    for (path, text) in read_all(directory)? {
        let name = path
            .strip_prefix(directory)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        let found = format!("{:?}", Hex::from(&Sha256::digest(&text)[..]));
        match expected.remove(name.as_str()) {
            Some(sum) if sum == found => {}
            Some(sum) => failures.push((name, format!("has the sum {found}, expected {sum}"))),
            None => failures.push((name, "is not in the list".to_owned())),
        }
    }
    failures.extend(
        expected
            .into_keys()
            .map(|name| (name.to_owned(), "is gone".to_owned())),
    );
    let outcome = |(name, why): (String, String)| Outcome {
        id: format!("{NAME}/{name}"),
        comment: "the file is as its generator wrote it".to_owned(),
        requirements: Vec::new(),
        failure: Some(format!("{name} {why}")),
        unsupported: None,
    };
    Ok(failures.into_iter().map(outcome).collect())
}
