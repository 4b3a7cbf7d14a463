//! A vector file: groups with a source and parameters, and in them the tests.
//! Invariant: unknown keys are refused; what is under `input` and `expect` is typed by the kind of the file.
//! The form follows Wycheproof: a flag is explained once a file, and files hold data, never decoders.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_yaml::Value;

/// One file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The document that the vectors are about.
    pub document: String,
    /// What is done with them.
    pub kind: String,
    /// What that is, for people.
    pub about: String,
    /// What the flags mean.
    pub notes: BTreeMap<String, Flag>,
    /// The groups.
    pub groups: Vec<Group>,
}

/// What a flag means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// What happens to those who get it wrong.
    pub effect: String,
    /// What the vector holds.
    pub description: String,
}

/// Vectors of one origin.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Where the vectors come from.
    pub source: String,
    /// What they have in common.
    pub parameters: Value,
    /// The vectors.
    pub tests: Vec<Test>,
}

/// One vector.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Its id, never renumbered.
    pub id: String,
    /// What it is about.
    pub comment: String,
    /// Flags that [`File::notes`] explain.
    pub flags: Vec<String>,
    /// The requirements that it pins.
    pub requirements: Vec<String>,
    /// What goes in.
    pub input: Value,
    /// What must come out.
    pub expect: Value,
}
