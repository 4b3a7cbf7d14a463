//! A host: what it fetches, what it serves, and what a real host would keep beside the machines.
//! Invariant: messages are kept as long as the machine may still point into them, and no longer.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};

use peerdist::client::{
    BlockOp, Delivery, DownloadToken, Downloader, FetchToken, Mode, Order, Settings, Start,
    VerifyOp, VerifyToken, WantedSegment,
};
use peerdist::content::ContentRange;
use peerdist::retrieval::client::{DecryptOp, Exchange, Peer};
use peerdist::retrieval::server::{self, EncryptOp, LoadOp, Server, ServerSettings};
use peerdist::store::{BlockStore, MemoryStore, MemoryStoreSettings};
use peerdist::time::Instant;

use crate::broken::{Broken, ensure};
use crate::caching::Cache;
use crate::discovering::Discovery;
use crate::faults::Faults;
use crate::hashes::HashWishes;
use crate::offering::Offers;
use crate::scene::Scene;

/// A verification under way: what is verified, and whether the bytes were right.
pub(crate) struct Check {
    pub(crate) op: VerifyOp,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Node {
    /// Grows with each restart: what was on its way to an earlier life is dropped.
    pub(crate) life: u32,
    pub(crate) client: Downloader,
    pub(crate) server: Server,
    pub(crate) settings: Settings,
    /// What is on disk, and survives.
    pub(crate) store: MemoryStore,
    pub(crate) lies: bool,
    pub(crate) discovery: Discovery,
    pub(crate) hashes: HashWishes,
    /// What it tells the hosted cache, where there is one.
    pub(crate) offers: Offers,
    /// Where this is the hosted cache.
    pub(crate) cache: Option<Box<Cache>>,
    pub(crate) download: Option<DownloadToken>,
    pub(crate) mode: Mode,
    pub(crate) order: Order,
    pub(crate) delivery: Delivery,
    pub(crate) is_finished: bool,
    pub(crate) messages: BTreeMap<Exchange, Vec<u8>>,
    /// When each request that is still waited for went out.
    pub(crate) waiting: BTreeMap<(Asker, Exchange), Instant>,
    pub(crate) decrypting: BTreeMap<Exchange, (usize, DecryptOp)>,
    pub(crate) checks: BTreeMap<VerifyToken, Check>,
    pub(crate) fetches: BTreeMap<FetchToken, ContentRange>,
    pub(crate) delivered: BTreeSet<(usize, u32)>,
    pub(crate) last_delivered: Option<(usize, u32)>,
    /// The block that was verified last: what `Store` speaks of.
    pub(crate) in_hand: Option<(BlockOp, Vec<u8>)>,
    pub(crate) connections: BTreeMap<u64, Caller>,
    pub(crate) encrypting: BTreeMap<server::Exchange, EncryptOp>,
    pub(crate) loading: BTreeMap<server::Exchange, LoadOp>,
    pub(crate) payloads: BTreeMap<server::Exchange, Vec<u8>>,
}

/// Which machine of a host asks others for blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asker {
    Downloader,
    Cache,
}

/// Who waits at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) node: usize,
    pub(crate) life: u32,
    pub(crate) asker: Asker,
    pub(crate) exchange: Exchange,
}

fn settings(faults: &mut Faults) -> Settings {
    let pick = |faults: &mut Faults, values: &[u32]| values[faults.index(values.len())];
    let mut settings = Settings {
        download_timer_ms: pick(faults, &[0, 50, 1_000, 5_000, 5_000, 60_000]),
        server_lists_limit: pick(faults, &[1, 3, 1024]),
        servers_per_list: pick(faults, &[1, 2, 16]),
        server_entry_timer_ms: pick(faults, &[500, 15_000, 60_000]),
        block_list_failures: pick(faults, &[1, 3]),
        discoveries_per_period: pick(faults, &[1, 64]),
        segments_per_discovery: pick(faults, &[1, 3, 32]),
        segments_in_flight: pick(faults, &[1, 2, 64]),
        requests_per_server: pick(faults, &[1, 4, 32]),
        requests_per_server_and_segment: pick(faults, &[1, 1, 4]),
        liars_limit: pick(faults, &[1, 256]),
        origin_ranges_limit: pick(faults, &[1, 4]),
        origin_range_max_bytes: pick(faults, &[1, 100, 100_000]).into(),
        origin_timer_ms: 3_000,
        origin_failures_limit: u32::MAX,
        origin_bad_blocks_limit: u32::MAX,
        ahead_bytes_limit: pick(faults, &[1, 200, 100_000]).into(),
        ..Settings::default()
    };
    settings.retrieval.outstanding_limit = pick(faults, &[1, 5, 1024]);
    settings
}

fn server_settings() -> ServerSettings {
    ServerSettings {
        active_client_limit: 3,
        ..ServerSettings::peer()
    }
}

impl Node {
    pub(crate) fn new(faults: &mut Faults, number: usize, scene: &Scene) -> Self {
        let settings = settings(faults);
        let is_cache = scene.hosted.is_some() && number == 0;
        let mode = match scene.hosted {
            Some(_) => Mode::Hosted(Peer(0)),
            None => Mode::Distributed,
        };
        Self {
            life: 0,
            client: Downloader::new(settings, &faults.seed()).unwrap(),
            server: Server::new(server_settings(), &faults.seed()).unwrap(),
            settings,
            store: MemoryStore::new(&MemoryStoreSettings::default()),
            lies: false,
            discovery: Discovery::new(faults, number),
            hashes: HashWishes::new(faults),
            offers: Offers::new(faults, scene.hosted),
            cache: is_cache.then(|| Box::new(Cache::new(faults))),
            download: None,
            mode,
            order: if faults.chance(500) {
                Order::Random
            } else {
                Order::Sequential
            },
            delivery: if faults.chance(500) {
                Delivery::InOrder
            } else {
                Delivery::AsVerified
            },
            is_finished: false,
            messages: BTreeMap::new(),
            waiting: BTreeMap::new(),
            decrypting: BTreeMap::new(),
            checks: BTreeMap::new(),
            fetches: BTreeMap::new(),
            delivered: BTreeSet::new(),
            last_delivered: None,
            in_hand: None,
            connections: BTreeMap::new(),
            encrypting: BTreeMap::new(),
            loading: BTreeMap::new(),
            payloads: BTreeMap::new(),
        }
    }

    /// Loses everything but what is on disk.
    pub(crate) fn restart(&mut self, faults: &mut Faults) {
        self.life += 1;
        self.client = Downloader::new(self.settings, &faults.seed()).unwrap();
        self.server = Server::new(server_settings(), &faults.seed()).unwrap();
        self.hashes.restart();
        self.offers.restart();
        self.messages.clear();
        self.waiting.clear();
        self.decrypting.clear();
        self.checks.clear();
        self.fetches.clear();
        self.last_delivered = None;
        self.in_hand = None;
        self.connections.clear();
        self.encrypting.clear();
        self.loading.clear();
        self.payloads.clear();
    }

    /// What was not stored yet.
    pub(crate) fn still_wanted(&self, scene: &Scene) -> Vec<WantedSegment> {
        let wanted = scene.segments.iter().map(|segment| WantedSegment {
            blocks: segment.blocks.difference(&self.store.verified(&segment.id)),
            ..*segment
        });
        wanted.collect()
    }

    pub(crate) fn start<'a>(&self, scene: &Scene, segments: &'a [WantedSegment]) -> Start<'a> {
        Start {
            download: DownloadToken(1),
            version: scene.version,
            segments,
            mode: self.mode,
            order: self.order,
            delivery: self.delivery,
        }
    }

    /// Every table within its limit.
    pub(crate) fn check_limits(&self, now: Instant) -> Result<(), Broken> {
        let (usage, limits) = (self.client.usage(), &self.settings);
        let most = |count: usize, limit: u32, what: &str| {
            ensure!(count <= limit as usize, "{what}: {count} of {limit}");
            Ok(())
        };
        let requests = limits.retrieval.outstanding_limit;
        most(usage.downloads, limits.downloads_limit, "downloads")?;
        most(usage.sessions, limits.segments_in_flight, "sessions")?;
        most(usage.requests, requests, "requests")?;
        most(usage.server_lists, limits.server_lists_limit, "lists")?;
        most(usage.liars, limits.liars_limit, "liars")?;
        most(usage.origin_ranges, limits.origin_ranges_limit, "ranges")?;
        let at_one = usage.requests_at_one_peer as usize;
        most(at_one, limits.requests_per_server, "requests at one peer")?;
        let periods = 2 + limits.discovery_limit_ms / limits.discovery_period_ms;
        let discoveries = periods * limits.discoveries_per_period;
        most(usage.discoveries, discoveries, "discoveries")?;
        let most_timers = usage.server_lists * limits.servers_per_list as usize
            + usage.server_lists
            + usage.sessions
            + usage.discoveries
            + usage.origin_ranges
            + usage.downloads;
        ensure!(usage.timers <= most_timers, "timers: {usage:?}");
        let kept = self.messages.len();
        ensure!(kept <= usage.requests + usage.verifying, "messages: {kept}");
        let longest = u64::from(limits.retrieval.request_timer_ms) * 1_000_000;
        for (exchange, since) in &self.waiting {
            let age = now.as_nanos() - since.as_nanos();
            ensure!(age <= longest, "{exchange:?} outlives its timer");
        }
        let served = self.server.active_clients();
        ensure!(
            served <= server_settings().active_client_limit,
            "clients: {served}"
        );
        self.discovery.check_limits(now)?;
        self.hashes.check_limits()?;
        self.offers.check_limits(now)?;
        self.cache
            .as_ref()
            .map_or(Ok(()), |cache| cache.check_limits(now))
    }
}
