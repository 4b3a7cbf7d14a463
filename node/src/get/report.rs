//! What became of a download, and how far it is: where the bytes came from.
//! Invariant: the shares add up to the bytes.
//! Byte order: none.

use tokio::time::Duration;

/// Where bytes of content came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shares {
    /// The content server.
    pub origin: u64,
    /// Peers on the local subnet.
    pub peers: u64,
    /// The hosted cache.
    pub hosted_cache: u64,
    /// The store, and the part of an earlier run.
    pub local_cache: u64,
}

impl Shares {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.origin + self.peers + self.hosted_cache + self.local_cache
    }
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What is there.
    pub shares: Shares,
    /// Bytes in all, where they are known.
    pub length: Option<u64>,
}

/// Who wants to know how far a download is. It is told often: be quick.
pub trait Observer: Send {
    /// So far.
    fn progress(&mut self, progress: &Progress);
}

/// Nobody.
impl Observer for () {
    fn progress(&mut self, _: &Progress) {}
}

/// What became of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Bytes of the content, which is all of [`Report::shares`].
    pub bytes: u64,
    /// Where they came from.
    pub shares: Shares,
    /// Bytes of content information.
    pub metadata_bytes: u64,
    /// Whether content information was used.
    pub is_described: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// SHA-256 of the content, where it was asked for.
    pub sha256: Option<[u8; 32]>,
    /// Blocks of peers that were not what they should be.
    pub lies: u64,
    /// Messages of peers that were discarded.
    pub rejected: u64,
    /// How often it had to begin anew, for the content had changed.
    pub restarts: u32,
}
