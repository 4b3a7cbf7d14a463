//! What the client is told once, and every limit of it.
//! Invariant: there is no limit elsewhere in this folder.
//! Byte order: none.

use peerdist::client;
use peerdist::content::Version;
use peerdist::http_encoding::{ClientSettings, HashRequestSettings};

use crate::http::limits::ClientLimits;

/// Settings and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Which content information the origin is asked for.
    pub encoding: ClientSettings,
    /// How it is asked for the hashes of what came plainly for want of them.
    pub hash_requests: HashRequestSettings,
    /// Of the client framework, for content information of version 1.0, whose segments are long.
    pub of_v1: client::Settings,
    /// The same for version 2.0, whose segments are single blocks.
    pub of_v2: client::Settings,
    /// Of requests to the origin.
    pub origin: ClientLimits,
    /// Of requests to peers and the hosted cache.
    pub peers: ClientLimits,
    /// Redirects that are followed.
    pub redirects_most: u32,
    /// Bytes of content information; more is not read, and the content fetched plainly.
    pub content_information_bytes_most: u64,
    /// Bytes of a message of a peer; a block and what is around it have fewer.
    pub message_bytes_most: usize,
    /// Addresses of peers that are remembered.
    pub peers_most: usize,
    /// How often the fetching starts again where the content changed meanwhile.
    pub restarts_most: u32,
    /// How often a plain body that broke off is continued.
    pub continuations_most: u32,
    /// Threads that decrypt and verify; 0: none, all is done in place, as a simulation wants it.
    pub workers: usize,
    /// Blocks that a worker waits for while another is at work.
    pub batch_blocks_least: usize,
    /// Blocks that a worker takes at a time.
    pub batch_blocks_most: usize,
    /// Bytes that a plain body gathers before they are written.
    pub write_bytes: usize,
    /// How long the retrieval of offered blocks by the hosted cache is waited for.
    pub share_ms: u64,
    /// Segments that a hosted cache is offered ahead of what it fetched. Ours lets 8,192 of a client wait.
    pub offers_ahead_most: usize,
    /// How long it may fetch nothing before it is offered as many more.
    pub offers_still_ms: u64,
}

impl Settings {
    /// Of the client framework for a version.
    #[must_use]
    pub const fn of(&self, version: Version) -> client::Settings {
        match version {
            Version::V1 => self.of_v1,
            Version::V2 => self.of_v2,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let mut common = client::Settings {
            // A segment of 32 MiB takes longer than the five seconds of the document on most networks, and a peer
            // that stops is noticed by the request timer.
            download_timer_ms: 60_000,
            origin_range_max_bytes: 4 << 20,
            ahead_bytes_limit: 16 << 20,
            ..client::Settings::default()
        };
        common.retrieval.outstanding_limit = 128;
        Self {
            encoding: ClientSettings::default(),
            hash_requests: HashRequestSettings::default(),
            of_v1: client::Settings {
                segments_in_flight: 4,
                requests_per_server_and_segment: 8,
                ..common
            },
            of_v2: client::Settings {
                segments_in_flight: 256,
                discoveries_per_period: 256,
                ..common
            },
            origin: ClientLimits::default(),
            peers: ClientLimits {
                connections_by_host_most: 64,
                connect_ms: 2_000,
                ..ClientLimits::default()
            },
            redirects_most: 10,
            content_information_bytes_most: 256 << 20,
            message_bytes_most: 256 << 10,
            peers_most: 4_096,
            restarts_most: 2,
            continuations_most: 3,
            workers: 2,
            batch_blocks_least: 8,
            batch_blocks_most: 16,
            write_bytes: 1 << 20,
            share_ms: 10_000,
            offers_ahead_most: 4_096,
            offers_still_ms: 1_000,
        }
    }
}
