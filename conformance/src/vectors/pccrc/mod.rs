//! Replay of the vectors of MS-PCCRC.
//! Invariant: each kind compares everything that its vectors expect, the offset of an error included.
//! Byte order: none.

mod create;
mod derive;
mod info;
mod key_file;
mod verify;

use peerdist::hash::HashAlgorithm;
use serde::Deserialize;

use super::{Group, Test, no_replay, same, typed};

pub(super) fn replay(kind: &str, group: &Group, test: &Test) -> Result<(), String> {
    match kind {
        "derive" => derive::replay(group, test),
        "key_file" => key_file::replay(group, test),
        "info" => info::replay(group, test),
        "create" => create::replay(group, test),
        "verify" => verify::replay(group, test),
        "cut" => create::replay_cut(group, test),
        _ => Err(no_replay("MS-PCCRC", kind)),
    }
}

/// A hash algorithm by the name that vectors use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
    Sha512Truncated,
}

impl Hash {
    const fn algorithm(self) -> HashAlgorithm {
        match self {
            Self::Sha256 => HashAlgorithm::Sha256,
            Self::Sha384 => HashAlgorithm::Sha384,
            Self::Sha512 => HashAlgorithm::Sha512,
            Self::Sha512Truncated => HashAlgorithm::Sha512Truncated,
        }
    }
}

/// What the groups of a version have in common.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionParameters {
    version: u8,
    algorithm: Option<Hash>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    start: u64,
    length: u64,
}

/// The result that a vector expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Valid,
    Quirky,
    Invalid,
}
