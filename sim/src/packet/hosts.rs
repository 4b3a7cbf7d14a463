//! The hosts of a branch: clients with their stores and peers, and hosted caches.
//! Invariant: a host has what a real one has, its own store, sockets and clock, and shares nothing but the wires.
//! Byte order: none.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use peerdist::content::Version;
use peerdist::hosted_cache::Version as HostedVersion;
use peerdist::retrieval::server::ServerSettings;
use peerdist_node::clock::Clock;
use peerdist_node::discovery::{Numbers, Prober, ProberOptions, ResponderOptions};
use peerdist_node::get::{
    self, Destination, Discovery, HostedCache, Request, Sharing, StoredBlocks, fetch,
};
use peerdist_node::hosted_cache::{HostedCache as Cache, HostedCacheOptions};
use peerdist_node::http::server::ServerOptions;
use peerdist_node::net::Interface;
use peerdist_node::net::interfaces::LocalInterface;
use peerdist_node::peer::{Peer, PeerOptions, RetrievalOptions, http_limits};
use peerdist_node::store::{KeepLimits, Space, Store, StoreHandle, StoreSettings};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::network::HostNetwork;
use super::office::{CachePolicy, Download, Mode};
use super::origin;
use super::run::{Finished, Got};
use super::trace::Event;
use super::watch::{Record, Watch};
use super::wires::{instant_of, now};
use crate::tuning::Tuning;

/// Bits of an address that name the site.
const SITE_BITS: u8 = 16;
/// Where a hosted cache is reached.
const HOSTED_PORT: u16 = 80;
/// Where a peer serves.
const PEER_PORT: u16 = 8_090;
/// How often stores drop what is too old.
const EXPIRE_INTERVAL_MS: u64 = 60 * 60 * 1_000;
/// How long a client waits for its hosted cache to fetch what it offered.
const SHARE_FOR_MS: u64 = 10_000;

/// A seed for one purpose of one host.
pub(super) fn seed_of(seed: u64, host: &str, purpose: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update((host.len() as u64).to_le_bytes());
    hash.update(host);
    hash.update(purpose);
    hash.finalize().into()
}

/// What every host has.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    pub(super) name: String,
    pub(super) network: HostNetwork,
    pub(super) directory: PathBuf,
    pub(super) seed: u64,
}

impl Seat {
    fn seed(&self, purpose: &str) -> [u8; 32] {
        seed_of(self.seed, &self.name, purpose)
    }

    fn interfaces(&self) -> Vec<LocalInterface> {
        vec![LocalInterface {
            interface: Interface::default(),
            addresses: vec![(self.network.address, SITE_BITS)],
        }]
    }

    fn store(&self, bytes: u64, age_ms: Option<u64>) -> Result<Store, Box<dyn std::error::Error>> {
        let usual = StoreSettings::default();
        let limits = |age_limit_ms| KeepLimits {
            space: Space::Bytes(bytes),
            age_limit_ms,
        };
        let settings = StoreSettings {
            verified: limits(age_ms.unwrap_or(usual.verified.age_limit_ms)),
            sealed: limits(usual.sealed.age_limit_ms),
            // How full the disk of this machine is, is nobody's business in a simulation.
            reserve_bytes: 0,
            index_cache_bytes_limit: 4 << 20,
            ..usual
        };
        Ok(Store::open(&self.directory.join("store"), &settings)?)
    }

    fn retrieval(&self, settings: ServerSettings, clock: Clock) -> RetrievalOptions {
        RetrievalOptions {
            settings,
            seed: self.seed("retrieval"),
            clock,
            counters: Arc::default(),
        }
    }

    fn peer(&self, port: u16, clock: Clock, interfaces: Vec<LocalInterface>) -> PeerOptions {
        let settings = ServerSettings::peer();
        let numbers = Numbers::forgotten();
        PeerOptions {
            listen: (Ipv4Addr::UNSPECIFIED, port).into(),
            both_families: false,
            interfaces,
            retrieval: self.retrieval(settings, clock),
            responder: ResponderOptions::new(numbers, self.seed("responder"), clock),
            http: ServerOptions {
                limits: http_limits(settings.upload_timer_ms),
                ..ServerOptions::default()
            },
            expire_interval_ms: EXPIRE_INTERVAL_MS,
        }
    }
}

/// A hosted cache, for as long as the simulation runs.
pub(super) async fn hosted_cache(seat: Seat, bytes: u64) -> turmoil::Result {
    let clock = Clock::of_the_machine();
    let store = seat.store(bytes, None)?;
    let at = SocketAddr::new(seat.network.address, HOSTED_PORT);
    let retrieval = seat.retrieval(ServerSettings::hosted_cache(), clock);
    let options = HostedCacheOptions::new(at, retrieval);
    let stop = CancellationToken::new();
    let cache = Cache::start(&seat.network, store, options, stop).await?;
    cache.ended().await;
    Ok(())
}

/// A client, and what it knows of others.
#[derive(Clone)]
pub(super) struct ClientHost {
    pub(super) seat: Seat,
    pub(super) tuning: Tuning,
    pub(super) place: (usize, usize),
    pub(super) policy: CachePolicy,
    pub(super) downloads: Vec<Download>,
    pub(super) contents: Vec<Bytes>,
    pub(super) changes: Vec<origin::Change>,
    pub(super) begin_again_ns: Option<u64>,
    pub(super) origin: std::net::IpAddr,
    pub(super) hosted_cache: std::net::IpAddr,
    pub(super) finished: Rc<RefCell<Vec<Finished>>>,
    pub(super) record: Record,
    /// Its store while it is at work, to be looked at.
    pub(super) kept: Rc<RefCell<Option<Store>>>,
}

/// Runs a client; its peer serves on when its downloads are over.
pub(super) async fn client(mut host: ClientHost) -> turmoil::Result {
    // Nothing of an earlier life is held on to: its store is open once.
    host.kept = Rc::default();
    let host = Rc::new(host);
    let seat = &host.seat;
    let clock = Clock::of_the_machine();
    let stop = CancellationToken::new();
    let store = match host.policy.mode {
        Mode::Off => None,
        _ => Some(seat.store(host.policy.store_bytes, Some(host.tuning.store_age_ms()))?),
    };
    host.kept.borrow_mut().clone_from(&store);
    let mut discovery = Discovery::Nobody;
    let mut _peer = None;
    if let (Mode::Distributed, Some(store)) = (host.policy.mode, &store) {
        let interfaces = seat.interfaces();
        let mut asking = ProberOptions::new(seat.seed("prober"), clock);
        host.tuning.prober(&mut asking.settings);
        let prober = Prober::start(&seat.network, &interfaces, asking, stop.clone()).await?;
        let mut options = seat.peer(PEER_PORT, clock, interfaces);
        options.responder.own_probers = prober.local_addresses().to_vec();
        host.tuning.responder(&mut options.responder.settings);
        host.tuning.server(&mut options.retrieval.settings);
        if host.tuning.serves(0) {
            let cache = Arc::new(store.clone());
            _peer = Some(Peer::start(&seat.network, cache, options, stop).await?);
        }
        discovery = Discovery::Prober(prober);
    }
    let cache = store.map(|store| Arc::new(StoredBlocks::new(StoreHandle::Owned(store))));
    for (number, download) in host.downloads.iter().copied().enumerate() {
        let is_over = |one: &Finished| {
            (one.branch, one.client, one.download) == (host.place.0, host.place.1, number)
        };
        if host.finished.borrow().iter().any(is_over) {
            continue;
        }
        let (host, cache, discovery) = (Rc::clone(&host), cache.clone(), discovery.clone());
        tokio::task::spawn_local(async move {
            tokio::time::sleep_until(instant_of(download.at_ns)).await;
            loop {
                let (cache, discovery) = (cache.clone(), discovery.clone());
                let attempt = host.download(number, download, cache, discovery, clock);
                if attempt.await {
                    return;
                }
                let after = host.begin_again_ns.unwrap_or_default();
                tokio::time::sleep(std::time::Duration::from_nanos(after)).await;
            }
        });
    }
    std::future::pending().await
}

impl ClientHost {
    /// Whether its store has no more than it may.
    fn is_store_within(&self) -> bool {
        let kept = self.kept.borrow();
        let Some(Ok(statistics)) = kept.as_ref().map(Store::statistics) else {
            return true;
        };
        statistics.verified_bytes <= statistics.verified_bytes_limit
            && statistics.sealed_bytes <= statistics.sealed_bytes_limit
    }

    async fn download(
        &self,
        number: usize,
        download: Download,
        cache: Option<Arc<StoredBlocks>>,
        discovery: Discovery,
        clock: Clock,
    ) -> bool {
        let seat = &self.seat;
        let wires = &seat.network.wires;
        let host = seat.name.clone();
        let content = download.content;
        let file = seat.directory.join(format!("got-{number}"));
        let url = origin::url(self.origin, content);
        let seed = seat.seed(&format!("download {number}"));
        let mut request = Request::new(&url, Destination::File(file.clone()), seed);
        request.clock = clock;
        request.order = self.policy.order;
        request.settings.workers = 0;
        request.settings.encoding.content_information = self.policy.version;
        request.settings.of_v1 = self.tuning.client(Version::V1);
        request.settings.of_v2 = self.tuning.client(Version::V2);
        request.discovery = discovery;
        if let Some(cache) = cache {
            request.cache = Some(cache);
        }
        request.mode = match self.policy.mode {
            Mode::Distributed => get::Mode::Distributed,
            Mode::Local => get::Mode::Local,
            Mode::Off => get::Mode::Off,
            Mode::Hosted => {
                let at = SocketAddr::new(self.hosted_cache, HOSTED_PORT).to_string();
                let offers = self.tuning.offers();
                request.sharing = offers.then(|| Sharing {
                    options: seat.peer(0, clock, Vec::new()),
                    share_for_ms: SHARE_FOR_MS,
                    lingers: false,
                });
                get::Mode::Hosted(HostedCache {
                    retrieval: at.clone(),
                    offers: Some(at).filter(|_| offers),
                    version: HostedVersion::V2,
                })
            }
        };
        let began_ns = download.at_ns;
        let now_ns = now();
        let began = host.clone();
        wires.note(Event::Began {
            host: began,
            content,
        });
        let mut watch = Watch::default();
        let fetched = fetch(&seat.network, request, &mut watch).await;
        let bytes = std::fs::read(&file).unwrap_or_default();
        // Only its bytes were wanted, and memory may be what it is kept in.
        let _ = std::fs::remove_file(&file);
        // Any version that was had under its name will do, as long as it is one.
        let changes = self.changes.iter();
        let changes = changes.filter(|change| change.content == content);
        let mut versions = changes.map(|change| change.becomes).chain([content]);
        let got_content =
            versions.find(|version| self.contents.get(*version).is_some_and(|all| *all == bytes));
        let is_content = got_content.is_some();
        let (ended_ns, result) = match fetched {
            Ok(report) => {
                let elapsed = u64::try_from(report.elapsed.as_nanos()).unwrap_or(u64::MAX);
                let got = Got {
                    shares: report.shares,
                    metadata_bytes: report.metadata_bytes,
                    lies: report.lies,
                    rejected: report.rejected,
                    is_content,
                    is_store_within: self.is_store_within(),
                };
                let ended_ns = now_ns.saturating_add(elapsed);
                watch.finish(ended_ns, &got.shares, &self.record);
                (ended_ns, Ok(got))
            }
            Err(error) => (now(), Err(error.to_string())),
        };
        wires.note(match &result {
            Ok(got) => Event::Ended {
                host: host.clone(),
                content,
                origin: got.shares.origin,
                peers: got.shares.peers,
                hosted_cache: got.shares.hosted_cache,
                local_cache: got.shares.local_cache,
            },
            Err(why) => Event::Failed {
                host: host.clone(),
                content,
                why: why.clone(),
            },
        });
        if result.is_err() && self.begin_again_ns.is_some() {
            return false;
        }
        let content = got_content.filter(|_| result.is_ok()).unwrap_or(content);
        let (branch, client) = self.place;
        self.finished.borrow_mut().push(Finished {
            branch,
            client,
            download: number,
            host,
            content,
            began_ns,
            ended_ns,
            result,
        });
        true
    }
}
