//! What a hosted cache can be set to, besides its network and its store.
//! Invariant: every limit of this folder is here or in core's settings, with its unit in its name.
//! Byte order: none.

use std::net::SocketAddr;
use std::sync::Arc;

use peerdist::hosted_cache::REQUEST_MAX_BYTES as OFFER_MAX_BYTES;
use peerdist::hosted_cache::server::ServerSettings;
use peerdist::retrieval::REQUEST_MAX_BYTES;
use peerdist::retrieval::client::ClientSettings;

use crate::counters::HostedCacheCounters;
use crate::http::limits::{ClientLimits, ServerLimits};
use crate::http::server::ServerOptions;
use crate::peer::{RetrievalOptions, http_limits};

/// Settings of a hosted cache.
#[derive(Debug, Clone)]
pub struct HostedCacheOptions {
    /// Where version 2.0 and the retrieval protocol are spoken; port 0 takes one that is free.
    pub http: SocketAddr,
    /// Where version 1.0 is spoken, if it is.
    pub https: Option<SocketAddr>,
    /// Settings of the protocol.
    pub settings: ServerSettings,
    /// The retrieval server.
    pub retrieval: RetrievalOptions,
    /// How offered blocks are fetched.
    pub fetching: FetchLimits,
    /// HTTP without TLS.
    pub http_server: ServerOptions,
    /// HTTP with it: a certificate and a key are to be put in.
    pub https_server: ServerOptions,
    /// Requests that may wait for the machine; one more is answered with 503.
    pub requests_waiting_most: usize,
    /// How often what is too old is dropped.
    pub expire_interval_ms: u64,
    /// What is counted.
    pub counters: Arc<HostedCacheCounters>,
}

impl HostedCacheOptions {
    /// With what is usual, and no TLS.
    #[must_use]
    pub fn new(http: SocketAddr, retrieval: RetrievalOptions) -> Self {
        let limits = ServerLimits {
            body_bytes_most: REQUEST_MAX_BYTES.max(OFFER_MAX_BYTES),
            ..http_limits(retrieval.settings.upload_timer_ms)
        };
        let server = |body_bytes_most| ServerOptions {
            limits: ServerLimits {
                body_bytes_most,
                ..limits
            },
            ..ServerOptions::default()
        };
        Self {
            http,
            https: None,
            settings: ServerSettings::default(),
            retrieval,
            fetching: FetchLimits::default(),
            http_server: server(limits.body_bytes_most),
            https_server: server(OFFER_MAX_BYTES),
            requests_waiting_most: 1_024,
            expire_interval_ms: 60 * 60 * 1_000,
            counters: Arc::default(),
        }
    }
}

/// How offered blocks are fetched.
///
/// Answers that are on their way take at most `segments_in_flight_total` of the protocol's settings, times
/// `blocks_in_flight_per_segment`, times the 384 KiB of the longest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Blocks of one segment that are asked for at the same time.
    pub blocks_in_flight_per_segment: usize,
    /// Answers of one client to one fetch that were wrong, late or none, after which no more is asked of it.
    pub failures_most: u32,
    /// The asking side of retrieval.
    pub retrieval: ClientSettings,
    /// HTTP.
    pub http: ClientLimits,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            blocks_in_flight_per_segment: 4,
            failures_most: 3,
            retrieval: ClientSettings::default(),
            http: ClientLimits {
                connections_by_host_most: 32,
                connect_ms: 2_000,
                head_ms: 60_000,
                ..ClientLimits::default()
            },
        }
    }
}
