//! MS-PCCRR 3.2.1, 3.2.2 and appendix: what of the answering side can be set.
//! Invariant: settings are checked once, when the machine is made.
//! Byte order: none.

use core::ops::RangeInclusive;

use crate::error::ApiMisuse;
use crate::retrieval::{CryptoAlgorithm, VersionRange};

/// What the answering side of retrieval is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSettings {
    /// The versions that are understood.
    pub versions: VersionRange,
    /// What blocks are encrypted with, whatever a client would like.
    pub encryption: CryptoAlgorithm,
    /// How many clients are served at a time; whoever comes then gets an empty answer.
    pub active_client_limit: u32,
    /// How long an answer may take, in milliseconds.
    pub upload_timer_ms: u32,
    /// How many negotiations at a time have their upload timer watched; all are answered.
    pub negotiation_limit: u32,
}

impl ServerSettings {
    /// Clients at a time of a peer.
    pub const PEER_CLIENT_LIMIT: u32 = 64;
    /// Clients at a time of a hosted cache.
    pub const HOSTED_CACHE_CLIENT_LIMIT: u32 = 1024;
    /// Clients at a time that Windows lets an administrator set for a peer; a hosted cache has no upper limit.
    pub const PEER_CLIENT_LIMITS: RangeInclusive<u32> = 1..=16_384;
    /// Milliseconds that Windows lets an administrator set for an answer.
    pub const UPLOAD_TIMERS_MS: RangeInclusive<u32> = 100..=3_600_000;

    /// As a peer in distributed mode has them.
    #[must_use]
    pub const fn peer() -> Self {
        Self {
            versions: VersionRange::ALL,
            encryption: CryptoAlgorithm::AES_128,
            //= PCCRR-3.2.1-03
            active_client_limit: Self::PEER_CLIENT_LIMIT,
            //= PCCRR-3.2.2-02
            upload_timer_ms: 15_000,
            negotiation_limit: 1024,
        }
    }

    /// As a hosted cache has them.
    #[must_use]
    pub const fn hosted_cache() -> Self {
        Self {
            active_client_limit: Self::HOSTED_CACHE_CLIENT_LIMIT,
            ..Self::peer()
        }
    }

    //= PCCRR-3.2.1-04
    pub(super) fn check(&self) -> Result<(), ApiMisuse> {
        if !self.encryption.is_known() {
            return Err(ApiMisuse("encryption is a number that nobody knows"));
        }
        if self.active_client_limit == 0 {
            return Err(ApiMisuse(
                "active_client_limit is 0: nobody could be served",
            ));
        }
        if !Self::UPLOAD_TIMERS_MS.contains(&self.upload_timer_ms) {
            return Err(ApiMisuse("upload_timer_ms is not between 100 and 3600000"));
        }
        if self.versions.lowest.major > self.versions.highest.major {
            return Err(ApiMisuse("versions has its lowest above its highest"));
        }
        Ok(())
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self::peer()
    }
}
