//! A host of a branch: its machines, its store, and what it waits for.
//! Invariant: machines are made when they are needed; what no download needs any more is given back.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use peerdist::client::{DiscoveryToken, DownloadToken, Downloader, FetchToken};
use peerdist::content::{SegmentId, Version};
use peerdist::discovery::{
    Prober, ProberInput, ProberSettings, Replies, Responder, ResponderInput, ResponderSettings,
    Start, Subnet,
};
use peerdist::retrieval::client::Exchange;
use peerdist::retrieval::server::{self, Connection, Server, ServerSettings};
use peerdist::time::{Duration, Instant};

use super::caching::Cache;
use super::network::{Flow, Link};
use super::offering::Offers;
use super::store::Store;
use crate::chance::seed_of;
use crate::outcome::Shares;
use crate::plan::{FetchPlan, Layout, Plan};
use crate::scenario::Group;
use crate::tuning::Tuning;

/// The port that everybody serves retrieval on.
const RETRIEVAL_PORT: u16 = 80;

/// A download under way.
#[derive(Debug)]
pub(super) struct Download {
    pub(super) fetch: FetchPlan,
    /// What comes; another than was asked for where the origin has a new version.
    pub(super) content: u32,
    pub(super) shares: Shares,
}

/// A request that is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) peer: u32,
    /// The message under way, in either direction.
    pub(super) flow: Option<Flow>,
    /// How the other side knows it, once it is there.
    pub(super) connection: Option<Connection>,
}

/// A range that the origin is asked for.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) download: DownloadToken,
    pub(super) start: u64,
    pub(super) bytes: u64,
    pub(super) flow: Option<Flow>,
    /// Where in it segments end: what is there then is for others, too.
    pub(super) ends: Vec<u64>,
    /// Whether the next that comes is the first of a segment.
    pub(super) is_fresh: bool,
    /// What came and was not told to the client yet, and when.
    pub(super) untold: Option<(Instant, u64)>,
}

/// Answers that go out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) host: u32,
    pub(super) exchange: Exchange,
}

/// What asks others and the origin.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) machine: Downloader,
    pub(super) ranges: BTreeMap<FetchToken, Range>,
    /// What each discovery looks for.
    pub(super) searches: BTreeMap<DiscoveryToken, Vec<SegmentId>>,
    pub(super) prober: Prober,
    /// How often segments were offered.
    pub(super) replies: BTreeMap<SegmentId, Replies>,
    pub(super) wakes: [Option<Instant>; 2],
}

/// What answers others.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) server: Server,
    pub(super) responder: Responder,
    /// How many it answers at a time.
    pub(super) clients: u32,
    pub(super) callers: BTreeMap<Connection, Caller>,
    /// The exchanges of the server whose answers are under way.
    pub(super) sending: BTreeMap<Connection, server::Exchange>,
    pub(super) connections: u64,
    pub(super) wakes: [Option<Instant>; 2],
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) number: u32,
    pub(super) group: Group,
    /// The same as settings of machines.
    pub(super) tuning: Tuning,
    pub(super) seed: u64,
    pub(super) site: u32,
    /// To and from its switch.
    pub(super) up: Link,
    pub(super) down: Link,
    pub(super) store: Store,
    pub(super) downloads: BTreeMap<DownloadToken, Download>,
    pub(super) asking: Option<Box<Asking>>,
    /// What it offers to the hosted cache of its branch.
    pub(super) offers: Option<Box<Offers>>,
    /// Where it is the hosted cache.
    pub(super) cache: Option<Box<Cache>>,
    /// What came from others, for the trace.
    pub(super) came: Came,
    /// Requests of the retrieval protocol, of the download or of the hosted cache.
    pub(super) waiting: BTreeMap<Exchange, Waiting>,
    pub(super) answering: Option<Box<Answering>>,
    /// Connections that stand idle, by the other end; the origin is nobody.
    pub(super) idle: BTreeMap<Option<u32>, u32>,
    /// How far its clock is ahead, and behind.
    pub(super) skew: (Duration, Duration),
    /// How often it stopped before.
    pub(super) life: u64,
}

/// What came, as a sum that tells one course of things from another: every block counts with its moment, and who gave it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Came {
    pub(super) sum: u64,
    pub(super) blocks: u64,
    pub(super) from_origin: u64,
}

impl Came {
    /// Blocks came from somebody, at moments of this sum.
    pub(super) fn add(&mut self, from: u32, id: &SegmentId, times: u64, blocks: u64) {
        let id = id.0.as_bytes().first_chunk();
        let id = id.map_or(0, |first| u64::from_le_bytes(*first));
        let weight = id.wrapping_add(u64::from(from) << 1) | 1;
        self.sum = self.sum.wrapping_add(weight.wrapping_mul(times));
        self.blocks += blocks;
    }

    /// So much of a range of the origin was there, which begins at this byte of the content.
    pub(super) fn add_range(&mut self, start: u64, at: Instant, received: u64) {
        let weight = start.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let moment = at.as_nanos().wrapping_add(received);
        self.from_origin = self.from_origin.wrapping_add(weight.wrapping_mul(moment));
    }
}

/// The address of a host: each branch is a subnet of its own.
pub(super) fn address_of(host: u32) -> SocketAddr {
    let [_, high, middle, low] = (host + 1).to_be_bytes();
    SocketAddr::new(
        IpAddr::V4(Ipv4Addr::new(10, high, middle, low)),
        RETRIEVAL_PORT,
    )
}

/// Whose address it is.
pub(super) fn host_at(address: SocketAddr) -> Option<u32> {
    match address.ip() {
        IpAddr::V4(ip) => (ip.to_bits() & 0x00ff_ffff).checked_sub(1),
        IpAddr::V6(_) => None,
    }
}

impl Host {
    /// Its asking side, made when it is needed first.
    pub(super) fn asking(&mut self) -> Option<&mut Asking> {
        if self.asking.is_none() {
            let seed = |what: &str| self.seed_for(what);
            let settings = self.tuning.client(self.version());
            let machine = Downloader::new(settings, &seed("downloader")).ok()?;
            let mut settings = ProberSettings::default();
            self.tuning.prober(&mut settings);
            let mut prober = Prober::new(settings, &seed("prober"));
            let subnet = Subnet::new(address_of(self.number).ip(), 8)?;
            let subnets = [subnet];
            prober
                .handle(Instant::ZERO, ProberInput::Subnets(&subnets))
                .ok()?;
            self.asking = Some(Box::new(Asking {
                machine,
                ranges: BTreeMap::new(),
                searches: BTreeMap::new(),
                prober,
                replies: BTreeMap::new(),
                wakes: [None; 2],
            }));
        }
        self.asking.as_deref_mut()
    }

    /// Whether it answers others now.
    pub(super) fn serves(&self, now: Instant) -> bool {
        self.tuning.serves(now.as_nanos())
    }

    /// Its answering side, made when somebody asks first; nothing where it serves nobody.
    pub(super) fn answering(&mut self, now: Instant) -> Option<&mut Answering> {
        if !self.serves(now) {
            return None;
        }
        if self.answering.is_none() {
            let seed = |what: &str| self.seed_for(what);
            let settings = match self.cache {
                Some(_) => ServerSettings::hosted_cache(),
                None => {
                    let mut settings = ServerSettings::peer();
                    self.tuning.server(&mut settings);
                    settings
                }
            };
            let clients = settings.active_client_limit;
            let server = Server::new(settings, &seed("server")).ok()?;
            let start = Start::Restarted {
                previous: None,
                unix_seconds: (self.number + 1)
                    .saturating_add(u32::try_from(self.life).unwrap_or(u32::MAX)),
            };
            let mut settings = ResponderSettings::default();
            self.tuning.responder(&mut settings);
            let mut responder = Responder::new(settings, start, &seed("responder"));
            let addresses = [address_of(self.number)];
            responder
                .handle(Instant::ZERO, ResponderInput::Addresses(&addresses))
                .ok()?;
            self.answering = Some(Box::new(Answering {
                server,
                responder,
                clients,
                callers: BTreeMap::new(),
                sending: BTreeMap::new(),
                connections: 0,
                wakes: [None; 2],
            }));
        }
        self.answering.as_deref_mut()
    }

    fn seed_for(&self, what: &str) -> [u8; 32] {
        let of = [self.site.into(), self.number.into(), self.life];
        // A first life has no number.
        let of = if self.life == 0 { &of[..2] } else { &of[..] };
        seed_of(self.seed, what, of)
    }

    /// What its clock shows.
    pub(super) fn clock(&self, now: Instant) -> Instant {
        let (ahead, behind) = self.skew;
        let shown = now + ahead;
        Instant::from_nanos(
            shown
                .as_nanos()
                .saturating_sub(u64::try_from(behind.as_nanos()).unwrap_or(u64::MAX)),
        )
    }

    /// Takes an idle connection to somebody; tells whether there was one.
    pub(super) fn take_connection(&mut self, to: Option<u32>) -> bool {
        match self.idle.get_mut(&to) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    /// A connection stands idle again.
    pub(super) fn give_connection(&mut self, to: Option<u32>) {
        *self.idle.entry(to).or_default() += 1;
    }

    /// How what a download of it fetches falls into segments.
    pub(super) fn layout_of<'plan>(
        &self,
        plan: &'plan Plan,
        download: DownloadToken,
    ) -> Option<&'plan Layout> {
        let content = self.downloads.get(&download)?.content;
        let content = plan.contents.get(content as usize)?;
        content.layout(self.group.version).map(AsRef::as_ref)
    }

    /// The content information that it asks for.
    pub(super) const fn version(&self) -> Version {
        match self.group.version {
            1 => Version::V1,
            _ => Version::V2,
        }
    }

    /// How long it keeps what is not used.
    pub(super) fn age_limit(group: &Group) -> Duration {
        Duration::from_nanos(group.store.max_age.0)
    }
}
