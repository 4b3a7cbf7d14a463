//! What a client of a hosted cache may be set to.
//! Invariant: every table of the machine has its bound here; the defaults are what Windows does, where that is known.
//! Byte order: none.

use crate::hosted_cache::Version;

/// Limits and choices of a [`super::Client`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSettings {
    /// The version to offer in. Windows 7 speaks 1.0, everything later 2.0.
    pub version: Version,
    /// The port on which this client serves blocks by the retrieval protocol.
    pub retrieval_port: u16,
    /// How much of a segment has to be new before it is offered, in percent of its blocks.
    pub offer_threshold_percent: u32,
    /// How often the request timer ticks, in milliseconds.
    pub request_tick_ms: u64,
    /// A request expires when more ticks than this passed.
    pub request_lifetime_ticks: u64,
    /// How long segments wait for others to fill a batch, in milliseconds. The document does not say.
    pub batch_delay_ms: u64,
    /// Requests on their way at the same time.
    pub requests_outstanding_max: usize,
    /// Segments that are looked after at the same time: arriving, waiting to be offered, or offered.
    pub segments_tracked_max: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            version: Version::V2,
            retrieval_port: 80,
            //= PCHC-3.2.4-03
            offer_threshold_percent: 20,
            //= PCHC-3.2.2-02
            request_tick_ms: 5_000,
            //= PCHC-3.2.2-03
            request_lifetime_ticks: 2,
            batch_delay_ms: 1_000,
            requests_outstanding_max: 8,
            segments_tracked_max: 16_384,
        }
    }
}
