//! How much a store keeps, for how long, and how often it goes to the disk.
//! Invariant: every limit has a value; a percentage becomes bytes when the store is opened.

use std::path::Path;

/// A share of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths of the disk that the store is on.
    PercentOfDisk(u8),
}

/// Limits of what was verified, or of what nobody here can verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepLimits {
    /// Bytes of blocks and what belongs to them.
    pub space: Space,
    /// How long after it came a segment is dropped, in milliseconds.
    pub age_limit_ms: u64,
}

/// Settings of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreSettings {
    /// Of what was verified.
    pub verified: KeepLimits,
    /// Of what nobody here can verify.
    pub sealed: KeepLimits,
    /// How long a block may be kept before it is on the disk, in milliseconds.
    pub commit_interval_ms: u64,
    /// Bytes that may be kept before they are on the disk.
    pub commit_bytes_limit: u64,
    /// Bytes of the index that are kept in memory.
    pub index_cache_bytes_limit: usize,
    /// Bytes of a pack, after which the next is begun.
    pub pack_bytes_limit: u32,
    /// Free bytes of the disk that are left for others.
    pub reserve_bytes: u64,
    /// Blocks remembered as held against their digest since the store was opened.
    pub checked_limit: usize,
    /// Segments whose last use waits to be written down.
    pub uses_limit: usize,
    /// Blocks that are set aside because they were damaged.
    pub quarantine_limit: usize,
    /// Whether holes are punched into packs. Without it, as on file systems that cannot, packs are compacted.
    pub punch_holes: bool,
}

impl Default for StoreSettings {
    fn default() -> Self {
        const AGE_LIMIT_MS: u64 = 28 * 24 * 60 * 60 * 1_000;
        Self {
            verified: KeepLimits {
                space: Space::PercentOfDisk(5),
                age_limit_ms: AGE_LIMIT_MS,
            },
            sealed: KeepLimits {
                space: Space::PercentOfDisk(1),
                age_limit_ms: AGE_LIMIT_MS,
            },
            commit_interval_ms: 500,
            commit_bytes_limit: 64 << 20,
            index_cache_bytes_limit: 32 << 20,
            pack_bytes_limit: 256 << 20,
            reserve_bytes: 64 << 20,
            checked_limit: 1 << 16,
            uses_limit: 1 << 12,
            quarantine_limit: 64,
            punch_holes: true,
        }
    }
}

impl Space {
    /// In bytes, for a directory that is there.
    pub(super) fn bytes(self, directory: &Path) -> std::io::Result<u64> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::PercentOfDisk(percent) => {
                let disk = rustix::fs::statvfs(directory)?;
                let total = disk.f_blocks.saturating_mul(disk.f_frsize);
                Ok(total / 100 * u64::from(percent.min(100)))
            }
        }
    }
}
