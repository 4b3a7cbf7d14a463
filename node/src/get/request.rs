//! What is to be fetched, how, and where it goes.
//! Invariant: none.
//! Byte order: none.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use peerdist::client::Order;
use peerdist::content::ContentRange;
use peerdist::hosted_cache::Version;
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::cache::BlockCache;
use super::discovery::Discovery;
use super::settings::Settings;
use crate::clock::Clock;
use crate::peer::PeerOptions;

/// Where blocks are looked for before the origin is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// At peers.
    Distributed,
    /// At a hosted cache.
    Hosted(HostedCache),
    /// In the store alone.
    Local,
    /// Nowhere, and no content information is asked for.
    Off,
}

/// A hosted cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedCache {
    /// HOST:PORT of its retrieval server.
    pub retrieval: String,
    /// HOST:PORT to which offers go; without it nothing is offered.
    pub offers: Option<String>,
    /// In which version they are made: 1.0 over TLS, 2.0 without.
    pub version: Version,
}

/// Where the content goes.
#[derive(Debug, Clone)]
pub enum Destination {
    /// To a file, which appears under its name when it is whole.
    File(PathBuf),
    /// To a reader, in order. The channel's room is all that waits besides what the settings allow.
    Stream(mpsc::Sender<Bytes>),
}

/// How what was fetched is served to others, while it runs and after.
#[derive(Debug, Clone)]
pub struct Sharing {
    /// The retrieval server and the responder.
    pub options: PeerOptions,
    /// How long it goes on after the content is whole, in milliseconds. Offers to a hosted cache are waited for no
    /// longer than that, and it ends when the cache has fetched what it was offered.
    pub share_for_ms: u64,
    /// Whether it also goes on where there is nothing to wait for.
    pub lingers: bool,
}

/// A download.
#[derive(Debug, Clone)]
pub struct Request {
    /// What.
    pub url: String,
    /// Which part of it; `None`: all.
    pub range: Option<ContentRange>,
    /// Where it goes.
    pub destination: Destination,
    /// Where blocks are looked for.
    pub mode: Mode,
    /// In which order blocks are fetched.
    pub order: Order,
    /// Who finds peers.
    pub discovery: Discovery,
    /// The store.
    pub cache: Option<Arc<dyn BlockCache>>,
    /// How it is shared, if it is.
    pub sharing: Option<Sharing>,
    /// For https.
    pub tls: Option<Arc<ClientConfig>>,
    /// Settings and limits.
    pub settings: Settings,
    /// What random choices follow from.
    pub seed: [u8; 32],
    /// Time.
    pub clock: Clock,
    /// Whether content without content information is an error, and not fetched.
    pub described_only: bool,
    /// Whether the report is to have the SHA-256 of the content.
    pub wants_sha256: bool,
    /// Ends it before its time.
    pub stop: CancellationToken,
}

impl Request {
    /// A download of all of something, with nothing but the origin, by default settings.
    #[must_use]
    pub fn new(url: &str, destination: Destination, seed: [u8; 32]) -> Self {
        Self {
            url: url.to_owned(),
            range: None,
            destination,
            mode: Mode::Local,
            order: Order::Sequential,
            discovery: Discovery::Nobody,
            cache: None,
            sharing: None,
            tls: None,
            settings: Settings::default(),
            seed,
            clock: Clock::of_the_machine(),
            described_only: false,
            wants_sha256: false,
            stop: CancellationToken::new(),
        }
    }
}
