//! What can go wrong with a store, in words for people.
//! Invariant: every message names the directory or the segment, and what to do where something can be done.

use std::io;
use std::path::{Path, PathBuf};

use peerdist::content::SegmentId;
use peerdist::retrieval::BlockIndex;
use thiserror::Error;

use super::facts::FactsError;

/// Why something could not be done with a store.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum StoreError {
    /// Another process has it.
    #[error(
        "the store {} is used by process {} (peerdist peer?); stop it, or name another directory",
        directory.display(), pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string())
    )]
    InUse {
        directory: PathBuf,
        pid: Option<u32>,
    },
    /// A directory of something else.
    #[error("{} is not a store: {why}; expected an empty directory, a store, or a name that is free", directory.display())]
    NotAStore { directory: PathBuf, why: String },
    /// Written by a newer release.
    #[error(
        "the store {} has format {found}, and this peerdist knows formats up to {known}; use a newer peerdist, or \
         another directory", directory.display()
    )]
    Newer {
        directory: PathBuf,
        found: String,
        known: u32,
    },
    /// No room.
    #[error("the disk of the store {} is full: nothing more is kept until there is room again", directory.display())]
    DiskFull { directory: PathBuf },
    /// Not to be written to.
    #[error("the store {} cannot be written to: it is open for reading alone", directory.display())]
    ReadOnly { directory: PathBuf },
    /// The system refused.
    #[error("the store {}: cannot {what}: {source}", directory.display())]
    Io {
        directory: PathBuf,
        what: &'static str,
        source: io::Error,
    },
    /// The index is damaged.
    #[error(
        "the index of the store {} is damaged: {why}; it is made anew from the blocks when the store is opened next",
        directory.display()
    )]
    Index { directory: PathBuf, why: String },
    /// Facts that cannot be.
    #[error("segment {id}: {source}")]
    Facts { id: SegmentId, source: FactsError },
    /// A block before its facts.
    #[error("segment {id}: a block came before anything was told of the segment")]
    NotDescribed { id: SegmentId },
    /// Not the block that it should be.
    #[error("segment {id}: what came as block {index} is not that block")]
    WrongBlock { id: SegmentId, index: BlockIndex },
    /// The process that owns the store does not answer, or not sensibly.
    #[error("the store {}: the process that uses it {why}", directory.display())]
    Owner { directory: PathBuf, why: String },
    /// The process that owns the store says no.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    pub(super) fn io(directory: &Path, what: &'static str) -> impl FnOnce(io::Error) -> Self {
        let directory = directory.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::DiskFull { directory },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { directory },
            _ => Self::Io {
                directory,
                what,
                source,
            },
        }
    }
}
