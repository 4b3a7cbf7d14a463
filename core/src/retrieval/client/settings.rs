//! MS-PCCRR 3.1.2, 3.1.4.3 and appendix: what of the asking side can be set.
//! Invariant: settings are checked once, when the machine is made.
//! Byte order: none.

use core::ops::RangeInclusive;

use crate::error::ApiMisuse;
use crate::retrieval::{BlockSet, CryptoAlgorithm, VersionRange};

/// What the asking side of retrieval is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSettings {
    /// The versions that are understood.
    pub versions: VersionRange,
    /// The algorithm that requests name as the one preferred; peers may ignore it.
    pub preferred_encryption: CryptoAlgorithm,
    /// How long an answer may take, in milliseconds.
    pub request_timer_ms: u32,
    /// How many requests may be outstanding at a time.
    pub outstanding_limit: u32,
    /// As many consecutive blocks are worth a block list first; fewer are simply fetched.
    pub block_list_from_blocks: u32,
}

impl ClientSettings {
    /// Milliseconds that Windows lets an administrator set for an answer.
    pub const REQUEST_TIMERS_MS: RangeInclusive<u32> = 1..=60_000;

    /// Whether these blocks are worth asking for a list of them first.
    //= PCCRR-3.1.4.3-04
    #[must_use]
    pub fn wants_block_list(&self, needed: &BlockSet) -> bool {
        let mut ranges = needed.ranges();
        let (first, second) = (ranges.next(), ranges.next());
        second.is_some() || first.is_some_and(|range| range.count() >= self.block_list_from_blocks)
    }

    pub(super) fn check(&self) -> Result<(), ApiMisuse> {
        if !Self::REQUEST_TIMERS_MS.contains(&self.request_timer_ms) {
            return Err(ApiMisuse("request_timer_ms is not between 1 and 60000"));
        }
        if self.outstanding_limit == 0 {
            return Err(ApiMisuse("outstanding_limit is 0: nothing could be asked"));
        }
        if !self.preferred_encryption.is_known() {
            return Err(ApiMisuse(
                "preferred_encryption is a number that nobody knows",
            ));
        }
        if self.versions.lowest.major > self.versions.highest.major {
            return Err(ApiMisuse("versions has its lowest above its highest"));
        }
        Ok(())
    }
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            versions: VersionRange::ALL,
            //= PCCRR-2.2.3-13
            preferred_encryption: CryptoAlgorithm::AES_128,
            //= PCCRR-3.1.2-03
            request_timer_ms: 2000,
            outstanding_limit: 1024,
            block_list_from_blocks: 4,
        }
    }
}
