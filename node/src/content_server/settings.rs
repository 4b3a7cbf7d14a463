//! What a content server is set to do, and every limit of it.
//! Invariant: there is no limit elsewhere in this folder, except those of ranges and names of files.
//! Byte order: none.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use peerdist::hash::HashAlgorithm;
use peerdist::http_encoding::ServerSettings;

/// Which entity tag goes with content information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EntityTags {
    /// Another than that of the content, as HTTP wants it of every coding.
    #[default]
    PerCoding,
    /// The content's, as Windows does it: for clients that hold the tags of all answers against each other.
    Same,
}

/// Settings and limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Of the negotiation.
    pub negotiation: ServerSettings,
    /// The hash algorithm of content information of version 1.0.
    pub v1_hash: HashAlgorithm,
    /// Which entity tag goes with content information.
    pub entity_tags: EntityTags,
    /// Shorter content is always sent plainly: content information would save nothing.
    pub content_bytes_least: u64,
    /// Files up to this long are hashed before the answer, longer ones behind it.
    pub at_hand_bytes_most: u64,
    /// Bodies that are no files and longer than this are not hashed.
    pub streamed_bytes_most: u64,
    /// Files that are hashed or wait for it at a time, and bodies that are hashed as they pass.
    pub hashings_most: usize,
    /// Threads that hash one long file; `None`: all cores but one.
    pub hash_threads: Option<NonZeroUsize>,
    /// Where content information is kept; `None`: in memory alone.
    pub cache_directory: Option<PathBuf>,
    /// Bytes of content information on disk.
    pub cache_disk_bytes_most: u64,
    /// Content informations on disk.
    pub cache_entries_most: usize,
    /// Bytes of content information in memory.
    pub cache_memory_bytes_most: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            negotiation: ServerSettings::default(),
            v1_hash: HashAlgorithm::Sha256,
            entity_tags: EntityTags::default(),
            content_bytes_least: 64 << 10,
            at_hand_bytes_most: 4 << 20,
            streamed_bytes_most: 16 << 30,
            hashings_most: 256,
            hash_threads: None,
            cache_directory: None,
            cache_disk_bytes_most: 1 << 30,
            cache_entries_most: 100_000,
            cache_memory_bytes_most: 64 << 20,
        }
    }
}
