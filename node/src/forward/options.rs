//! What a forward proxy is told once, and every limit of it.
//! Invariant: there is no limit elsewhere in this folder.
//! Byte order: none.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::clock::Clock;
use crate::counters::ForwardCounters;
use crate::get::{Discovery, Mode, Settings};
use crate::http::limits::{ClientLimits, ServerLimits};
use crate::http::server::ServerOptions;
use crate::store::Store;

/// What a forward proxy is, besides its network.
#[derive(Debug, Clone)]
pub struct ForwardOptions {
    /// Where programs connect; port 0 takes one that is free.
    pub listen: SocketAddr,
    /// Where blocks are looked for before the origin is asked.
    pub mode: Mode,
    /// Who finds peers.
    pub discovery: Discovery,
    /// What blocks are taken from and kept in.
    pub store: Option<Store>,
    /// Where a peer of this process serves that store; a hosted cache is told to fetch there.
    pub peer_port: Option<u16>,
    /// Ports that tunnels may lead to.
    pub tunnel_ports: Vec<u16>,
    /// For a hosted cache that is offered content over TLS.
    pub tls: Option<Arc<ClientConfig>>,
    /// Of downloads.
    pub settings: Settings,
    /// Limits.
    pub limits: ForwardLimits,
    /// HTTP.
    pub http: ServerOptions,
    /// What random choices follow from.
    pub seed: [u8; 32],
    /// Time.
    pub clock: Clock,
    /// What is counted.
    pub counters: Arc<ForwardCounters>,
}

impl ForwardOptions {
    /// With what is usual: nothing but the origin, and tunnels to port 443.
    #[must_use]
    pub fn new(listen: SocketAddr, seed: [u8; 32], clock: Clock) -> Self {
        let limits = ForwardLimits::default();
        Self {
            listen,
            mode: Mode::Local,
            discovery: Discovery::Nobody,
            store: None,
            peer_port: None,
            tunnel_ports: vec![443],
            tls: None,
            settings: Settings {
                content_information_bytes_most: 64 << 20,
                ..Settings::default()
            },
            limits,
            http: ServerOptions {
                limits: limits.server,
                ..ServerOptions::default()
            },
            seed,
            clock,
            counters: Arc::default(),
        }
    }
}

/// Limits of a forward proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardLimits {
    /// Of programs; tunnels are among the connections.
    pub server: ServerLimits,
    /// Of requests to origins.
    pub origin: ClientLimits,
    /// Downloads by content information at a time, each of which takes some ten MiB of memory; one more is passed on
    /// plainly.
    pub downloads_most: usize,
    /// Pieces of content that wait for a program.
    pub pieces_most: usize,
    /// Looking up where a tunnel leads to, and connecting.
    pub tunnel_connect_ms: u64,
    /// How long a tunnel may stay open without a byte.
    pub tunnel_idle_ms: u64,
}

impl Default for ForwardLimits {
    fn default() -> Self {
        /// What a program sends goes through, and takes no memory.
        const BODY_BYTES_MOST: usize = match 1_usize.checked_shl(36) {
            Some(bytes) => bytes,
            None => usize::MAX,
        };
        Self {
            server: ServerLimits {
                connections_most: 1_024,
                body_bytes_most: BODY_BYTES_MOST,
                // Twice the wait for an origin, which may be asked a second time.
                answer_head_ms: 300_000,
                progress_ms: 120_000,
                progress_bytes_least: 1,
                ..ServerLimits::default()
            },
            origin: ClientLimits {
                head_ms: 120_000,
                progress_ms: 120_000,
                ..ClientLimits::default()
            },
            downloads_most: 32,
            pieces_most: 16,
            tunnel_connect_ms: 10_000,
            tunnel_idle_ms: 600_000,
        }
    }
}
