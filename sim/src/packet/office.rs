//! What is simulated: a data centre with content, and branches with hosts that want it.
//! Invariant: none; `run` says what cannot be.
//! Unit: nanoseconds since the beginning; bytes.

use std::path::PathBuf;

use bytes::Bytes;
use peerdist::content::Version;
use peerdist_node::get::Order;

use super::shape::{LinkSettings, Quality, Rate};
use crate::tuning::Tuning;

const MS: u64 = 1_000_000;

/// A data centre and its branches.
#[derive(Debug, Clone)]
pub struct Office {
    /// What all random choices follow from.
    pub seed: u64,
    /// What the content server has.
    pub contents: Vec<Content>,
    /// Where the content server is.
    pub data_centre: DataCentre,
    /// Who wants it.
    pub branches: Vec<Branch>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// How long after it failed a download is begun again; never without.
    pub begin_again_ns: Option<u64>,
    /// How long a host is at work before the next one is.
    pub tick_ns: u64,
    /// When it ends, whether or not all is fetched.
    pub time_limit_ns: u64,
    /// Bytes of a connection that may be on their way.
    pub window_bytes: u64,
    /// Events that are kept; the hash of the trace is of all of them.
    pub events_limit: usize,
    /// Where the stores of the hosts are for as long as it runs; without one, in memory where the system has files there,
    /// else in its directory for such.
    pub directory: Option<PathBuf>,
}

impl Default for Office {
    fn default() -> Self {
        Self {
            seed: 1,
            contents: Vec::new(),
            data_centre: DataCentre::default(),
            branches: Vec::new(),
            faults: Vec::new(),
            begin_again_ns: None,
            tick_ns: MS,
            time_limit_ns: 24 * 60 * 60 * 1_000 * MS,
            window_bytes: 4 << 20,
            events_limit: 0,
            directory: None,
        }
    }
}

/// Something that can be fetched; its number is its place among the contents.
#[derive(Debug, Clone)]
pub struct Content {
    /// All of it.
    pub bytes: Bytes,
}

/// The site of the content server.
#[derive(Debug, Clone, Default)]
pub struct DataCentre {
    /// Its own link to all branches, if that is to be a bottleneck.
    pub wan: Option<Wan>,
    /// What is between the content server and that link.
    pub lan: Lan,
}

/// A link between a site and the others.
#[derive(Debug, Clone, Copy)]
pub struct Wan {
    /// Away from the site.
    pub up: LinkSettings,
    /// Towards the site.
    pub down: LinkSettings,
    /// Of both directions; the latency is one way.
    pub quality: Quality,
}

impl Wan {
    /// Of one rate in both directions.
    #[must_use]
    pub fn symmetric(bits_per_second: u64, latency_ms: u64) -> Self {
        let link = LinkSettings::of(Rate::bits_per_second(bits_per_second));
        Self {
            up: link,
            down: link,
            quality: Quality {
                latency_ns: latency_ms * MS,
                ..Quality::default()
            },
        }
    }
}

/// The local network of a site: a switch, and a link of each host to it.
#[derive(Debug, Clone, Copy)]
pub struct Lan {
    /// From a host.
    pub up: LinkSettings,
    /// To a host.
    pub down: LinkSettings,
    /// Between two hosts.
    pub quality: Quality,
}

impl Default for Lan {
    /// 1 Gbit/s and 0.1 ms.
    fn default() -> Self {
        let link = LinkSettings::of(Rate::bits_per_second(1_000_000_000));
        Self {
            up: link,
            down: link,
            quality: Quality {
                latency_ns: MS / 10,
                ..Quality::default()
            },
        }
    }
}

/// A branch.
#[derive(Debug, Clone)]
pub struct Branch {
    /// What its links and hosts are called after.
    pub name: String,
    /// Its link to the others.
    pub wan: Wan,
    /// Its local network.
    pub lan: Lan,
    /// Bytes that its hosted cache keeps; there is one where a client has that mode.
    pub hosted_cache_bytes: u64,
    /// Its hosts.
    pub clients: Vec<Client>,
}

impl Branch {
    /// Without clients.
    #[must_use]
    pub fn new(name: &str, wan: Wan) -> Self {
        Self {
            name: name.to_owned(),
            wan,
            lan: Lan::default(),
            hosted_cache_bytes: 1 << 30,
            clients: Vec::new(),
        }
    }
}

/// Where a client looks before it asks the content server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// At the other clients of its branch that have this mode.
    Distributed,
    /// At the hosted cache of its branch.
    Hosted,
    /// In its own store.
    Local,
    /// Nowhere, and it asks for no content information.
    Off,
}

/// How a client caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// Where it looks.
    pub mode: Mode,
    /// Of the content information that it asks for.
    pub version: Version,
    /// In which order it fetches.
    pub order: Order,
    /// Bytes that its store keeps.
    pub store_bytes: u64,
}

impl CachePolicy {
    /// Usual for a mode.
    #[must_use]
    pub const fn of(mode: Mode) -> Self {
        Self {
            mode,
            version: Version::V2,
            order: Order::Sequential,
            store_bytes: 1 << 30,
        }
    }
}

/// A host of a branch.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its own link into the LAN; that of its branch where there is none.
    pub lan: Option<Lan>,
    /// What it does otherwise than others.
    pub tuning: Tuning,
    /// How it caches.
    pub policy: CachePolicy,
    /// What it wants.
    pub downloads: Vec<Download>,
}

impl Client {
    /// Wants one content at a moment.
    #[must_use]
    pub fn of(mode: Mode, content: usize, at_ns: u64) -> Self {
        Self {
            lan: None,
            tuning: Tuning::default(),
            policy: CachePolicy::of(mode),
            downloads: vec![Download { content, at_ns }],
        }
    }
}

/// A download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Download {
    /// Which content.
    pub content: usize,
    /// When it begins.
    pub at_ns: u64,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A client stops in the middle of everything. When it returns it has its store, and begins again what it had not
    /// ended; its connections are reset at once.
    HostDown {
        /// The branch, by its place in the office.
        branch: usize,
        /// The client, by its place in the branch.
        client: usize,
        /// From when.
        from_ns: u64,
        /// Until when, if it returns.
        until_ns: Option<u64>,
    },
    /// The link of a branch to the others carries nothing: connections wait, datagrams are lost.
    WanDown {
        /// The branch, by its place in the office.
        branch: usize,
        /// From when.
        from_ns: u64,
        /// Until when.
        until_ns: u64,
    },
    /// A host does not reach the data centre: connections wait, datagrams are lost.
    CutFromOrigin {
        /// The branch, by its place in the office.
        branch: usize,
        /// The client, by its place in the branch; the hosted cache is behind the last one.
        client: usize,
        /// From when.
        from_ns: u64,
        /// Until when.
        until_ns: u64,
    },
    /// Some hosts of a branch do not reach the others: connections wait, datagrams are lost.
    CutFromNeighbours {
        /// The branch, by its place in the office.
        branch: usize,
        /// The clients on one side, by their places; the hosted cache is behind the last one.
        clients: Vec<usize>,
        /// From when.
        from_ns: u64,
        /// Until when.
        until_ns: u64,
    },
    /// What a host sends to those who connected to it has wrong bytes, or nothing is sent to them at all.
    Serves {
        /// The branch, by its place in the office.
        branch: usize,
        /// The client, by its place in the branch; the hosted cache is behind the last one.
        client: usize,
        /// How it serves.
        how: Serving,
        /// From when.
        from_ns: u64,
        /// Until when.
        until_ns: u64,
    },
    /// The content server gives one content under the name of another.
    NewVersion {
        /// The content, by its place in the office.
        content: usize,
        /// The other one.
        becomes: usize,
        /// From when.
        from_ns: u64,
    },
}

/// How a host serves that cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serving {
    /// Long pieces have a wrong byte.
    Wrongly,
    /// Requests are accepted and not answered.
    Never,
}
