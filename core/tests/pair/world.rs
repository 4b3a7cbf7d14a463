//! Hosts, an origin and a network on virtual time.
//! Invariant: what happens follows from the seed alone.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::client::{DiscoveryToken, FetchToken, Input, VerifyToken, WantedSegment};
use peerdist::discovery::ProberInput;
use peerdist::hosted_cache::client::{Input as OffersInput, RequestId};
use peerdist::hosted_cache::server::{FetchToken as CacheFetch, Input as CacheInput};
use peerdist::hosted_cache::{BlockSet, SegmentKey};
use peerdist::http_encoding as hash_requests;
use peerdist::retrieval::client::{Exchange, Input as AskInput};
use peerdist::retrieval::server;
use peerdist::store::BlockStore;
use peerdist::time::{Duration, Instant};
use std::net::SocketAddr;

use crate::broken::{Broken, ensure};
use crate::caching::Poster;
use crate::faults::Faults;
use crate::node::{Asker, Caller, Node};
use crate::scene::Scene;
use crate::total::Total;

/// A world that is wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    // Of downloads.
    SkipsVerification,
    ForgetsTimeouts,
    OriginStaysAway,
    DeliversTwice,
    // Of discovery.
    NumbersStartAnew,
    AnswersTwice,
    ClaimsEverything,
    BelievesAnybody,
    ForgetsProbes,
    // Of the hosted cache.
    CacheSkipsVerification,
    TrustsCiphertext,
    MixesHashesUp,
    TellsOfMore,
    ForgetsFetches,
    ForgetsTicks,
}

#[derive(Debug)]
pub(crate) enum Happening {
    Start,
    Restart,
    /// The content, or its hashes, are asked for.
    Get,
    HashAnswer {
        is_lost: bool,
    },
    /// A datagram comes to the responder.
    Probe(SocketAddr, Vec<u8>),
    /// A datagram comes to the prober.
    ProbeMatch(SocketAddr, Vec<u8>),
    DiscoveryFinished(DiscoveryToken),
    Request(Caller, Vec<u8>),
    Ready(server::Exchange),
    Response(Asker, Exchange, Vec<u8>),
    Failed(Asker, Exchange),
    Decrypted(Exchange),
    Verified(VerifyToken),
    OriginArrived(FetchToken, u64),
    OriginFailed(FetchToken),
    /// An offer comes to the hosted cache.
    Posted(Poster, Vec<u8>),
    PostAnswered(RequestId, u16, Vec<u8>),
    Unreachable(RequestId),
    CacheDecrypted(Exchange),
    FetchEnded(CacheFetch),
    Recheck(SegmentKey, u64, BlockSet),
    Evict(usize),
}

impl Happening {
    /// Whether it comes to whoever is there, and not to one life of a host.
    const fn outlives(&self) -> bool {
        matches!(
            self,
            Self::Start
                | Self::Restart
                | Self::Request(..)
                | Self::Probe(..)
                | Self::ProbeMatch(..)
                | Self::Posted(..)
                | Self::Evict(_)
        )
    }
}

pub(crate) struct World {
    pub(crate) bug: Bug,
    pub(crate) faults: Faults,
    pub(crate) scene: Scene,
    pub(crate) nodes: Vec<Node>,
    pub(crate) now: Instant,
    /// What happens when, at whom, in which life.
    agenda: BTreeMap<(Instant, u64), (usize, u32, Happening)>,
    pub(crate) counter: u64,
    pub(crate) total: Total,
}

impl World {
    pub(crate) fn new(seed: u64, bug: Bug) -> Self {
        let mut faults = Faults::new(seed);
        let scene = Scene::new(&mut faults);
        let count = 2 + faults.index(4);
        let nodes = (0..count).map(|number| Node::new(&mut faults, number, &scene));
        let nodes = nodes.collect();
        let mut world = Self {
            bug,
            faults,
            scene,
            nodes,
            now: Instant::ZERO,
            agenda: BTreeMap::new(),
            counter: 0,
            total: Total::default(),
        };
        // The first hosts have the content, at least in part.
        let is_hosted = world.scene.hosted.is_some();
        let givers = if is_hosted {
            1
        } else {
            1 + world.faults.index(2)
        };
        (0..givers).for_each(|number| world.fill(number));
        for node in 0..count {
            world
                .join(node, false)
                .expect("a start with an empty world");
            let is_giver = node < givers;
            if !is_giver {
                let at = Duration::from_millis(world.faults.below(3_000));
                world.plan(node, at, Happening::Start);
            }
            let heals_in = world.faults.heals_at.since(Instant::ZERO);
            if world.faults.chance(300) {
                let at = heals_in / 4 * u32::try_from(world.faults.below(4)).unwrap();
                world.plan(node, at, Happening::Restart);
            }
            if is_hosted && node == 0 && world.faults.chance(300) {
                let at = heals_in / 4 * u32::try_from(world.faults.below(4)).unwrap();
                let segment = world.faults.index(world.scene.segments.len());
                world.plan(node, at, Happening::Evict(segment));
            }
        }
        world
    }

    /// Puts a part of the content on a disk before all begins, perhaps a wrong one.
    fn fill(&mut self, number: usize) {
        let is_cache = self.nodes[number].cache.is_some();
        let lies = self.faults.chance(150);
        self.nodes[number].lies = lies;
        let share = [0, 300, 1000][self.faults.index(3)];
        for segment in 0..self.scene.segments.len() {
            let WantedSegment { id, blocks, .. } = self.scene.segments[segment];
            for index in blocks.iter() {
                if !self.faults.chance(share) {
                    continue;
                }
                let mut bytes = self.scene.block(segment, index).to_vec();
                if lies && self.faults.chance(500) {
                    bytes[0] ^= 1;
                }
                let store = &mut self.nodes[number].store;
                if is_cache {
                    let sealed = self.scene.seal(segment, &bytes, &mut self.faults);
                    store.put_sealed(self.now, id, index, sealed).unwrap();
                } else {
                    store.put_verified(self.now, id, index, bytes).unwrap();
                }
            }
        }
    }

    /// At the start of each life.
    fn join(&mut self, number: usize, is_restart: bool) -> Result<(), Broken> {
        self.join_network(number, is_restart)?;
        self.open_cache(number, is_restart)
    }

    pub(crate) fn plan(&mut self, node: usize, after: Duration, what: Happening) {
        self.counter += 1;
        let life = self.nodes[node].life;
        let key = (self.now + after, self.counter);
        self.agenda.insert(key, (node, life, what));
    }

    pub(crate) fn plan_soon(&mut self, node: usize, what: Happening) {
        let delay = self.faults.delay(self.now);
        self.plan(node, delay, what);
    }

    pub(crate) fn run(mut self) -> Result<Total, Broken> {
        let give_up = self.faults.heals_at + Duration::from_secs(1_800);
        self.go_on(give_up)?;
        for number in 0..self.nodes.len() {
            self.check_end(number)?;
        }
        if self.nodes[0].cache.is_some() {
            self.now = self.now.max(self.faults.heals_at);
            // Where the first offer brings hashes that show what is held to be wrong, the second has it fetched.
            for _ in 0..2 {
                self.offer_all_again()?;
                self.go_on(self.now + Duration::from_secs(600))?;
            }
            let anybody = self.nodes.iter().any(|node| node.is_finished);
            self.check_cache(0, anybody)?;
            self.nodes[0]
                .cache
                .as_ref()
                .map_or(Ok(()), |it| it.check_end())?;
        }
        Ok(self.total)
    }

    /// Until nothing is to come any more.
    fn go_on(&mut self, give_up: Instant) -> Result<(), Broken> {
        while let Some(next) = self.next_moment() {
            self.total.steps += 1;
            ensure!(self.total.steps < 1_000_000, "no end in sight");
            self.now = self.now.max(next);
            ensure!(self.now < give_up, "healed, and still not all is there");
            self.time_out()?;
            if let Some(((at, key), _)) = self.agenda.first_key_value()
                && *at <= self.now
            {
                let key = (*at, *key);
                let (node, life, what) = self.agenda.remove(&key).unwrap();
                if life == self.nodes[node].life || what.outlives() {
                    self.happen(node, what)?;
                }
            }
            for node in &self.nodes {
                node.check_limits(self.now)?;
            }
            self.check_cache(0, false)?;
        }
        Ok(())
    }

    fn check_end(&mut self, number: usize) -> Result<(), Broken> {
        let node = &mut self.nodes[number];
        node.discovery.check_end()?;
        if node.download.is_none() {
            return Ok(());
        }
        let usage = node.client.usage();
        ensure!(node.is_finished, "a download never ended: {usage:?}");
        for (number, segment) in self.scene.segments.iter().enumerate() {
            for index in segment.blocks.iter() {
                let stored = node.store.read(self.now, &segment.id, index)?;
                let right = self.scene.block(number, index);
                let is_right = stored.is_some_and(|it| it.bytes == right);
                ensure!(is_right, "block {number}/{index} is not stored as it is");
            }
        }
        let left = usage.downloads + usage.sessions + usage.requests;
        let left = left + usage.verifying + usage.origin_ranges;
        ensure!(left == 0, "something is left over: {usage:?}");
        ensure!(node.messages.is_empty(), "messages are kept for nothing");
        Ok(())
    }

    /// When each machine of a host wants to be woken.
    fn timers(&self, number: usize) -> [Option<Instant>; 8] {
        let node = &self.nodes[number];
        let unless = |bug, at: Option<Instant>| at.filter(|_| self.bug != bug);
        let cache = node.cache.as_ref();
        [
            unless(Bug::ForgetsTimeouts, node.client.poll_timeout()),
            node.server.poll_timeout(),
            unless(Bug::ForgetsProbes, node.discovery.prober.poll_timeout()),
            node.discovery.responder.poll_timeout(),
            node.hashes.machine.poll_timeout(),
            unless(Bug::ForgetsTicks, node.offers.client.poll_timeout()),
            unless(
                Bug::ForgetsFetches,
                cache.and_then(|it| it.server.poll_timeout()),
            ),
            cache.and_then(|it| it.asking.poll_timeout()),
        ]
    }

    fn next_moment(&self) -> Option<Instant> {
        let agenda = self.agenda.keys().next().map(|(at, _)| *at);
        let timers = (0..self.nodes.len()).flat_map(|number| self.timers(number));
        timers.flatten().chain(agenda).min()
    }

    fn time_out(&mut self) -> Result<(), Broken> {
        for number in 0..self.nodes.len() {
            for timer in 0..self.timers(number).len() {
                if self.timers(number)[timer].is_none_or(|due| due > self.now) {
                    continue;
                }
                let told = match timer {
                    0 => self.client(number, Input::Timeout)?,
                    1 => self.server(number, server::Input::Timeout)?,
                    2 => self.prober(number, ProberInput::Timeout)?,
                    3 => self.responder(number, None)?,
                    4 => self.hash_requests(number, hash_requests::Input::Timeout)?,
                    5 => self.offers(number, OffersInput::Timeout)?,
                    6 => self.cache(number, CacheInput::Timeout, &[])?,
                    _ => self.asking(number, AskInput::Timeout)?,
                };
                let next = self.timers(number)[timer];
                let has_advanced = next.is_none_or(|next| next > self.now);
                ensure!(has_advanced || told > 0, "time stands still");
            }
        }
        Ok(())
    }

    fn happen(&mut self, number: usize, what: Happening) -> Result<(), Broken> {
        match what {
            Happening::Start => {
                self.nodes[number].download = Some(peerdist::client::DownloadToken(1));
                self.get(number)
            }
            Happening::Restart => {
                self.total.restarts += 1;
                self.nodes[number].restart(&mut self.faults);
                self.join(number, true)?;
                if self.nodes[number].download.is_some() && !self.nodes[number].is_finished {
                    self.get(number)?;
                }
                Ok(())
            }
            Happening::Get => self.get(number),
            Happening::HashAnswer { is_lost } => self.hash_answer(number, is_lost),
            Happening::Probe(from, bytes) => {
                self.responder(number, Some((from, &bytes))).map(|_| ())
            }
            Happening::ProbeMatch(from, bytes) => {
                let bytes = &bytes;
                self.prober(number, ProberInput::Datagram { from, bytes })
                    .map(|_| ())
            }
            Happening::DiscoveryFinished(discovery) => self
                .client(number, Input::DiscoveryFinished { discovery })
                .map(|_| ()),
            Happening::Request(caller, bytes) => self.serve(number, caller, &bytes),
            Happening::Ready(exchange) => self.ready(number, exchange),
            Happening::Response(asker, exchange, bytes) => {
                self.response(number, (asker, exchange), bytes)
            }
            Happening::Failed(asker, exchange) => self.failed(number, asker, exchange),
            Happening::Decrypted(exchange) => self.decrypted(number, exchange),
            Happening::Verified(verify) => self.verified(number, verify),
            Happening::OriginArrived(fetch, received) => self
                .client(number, Input::OriginArrived { fetch, received })
                .map(|_| ()),
            Happening::OriginFailed(fetch) => self
                .client(number, Input::OriginFailed { fetch })
                .map(|_| ()),
            Happening::Posted(poster, bytes) => self.posted(number, poster, &bytes),
            Happening::PostAnswered(request, status, body) => {
                let response = OffersInput::Response {
                    request,
                    status,
                    body: &body,
                };
                self.offers(number, response).map(|_| ())
            }
            Happening::Unreachable(request) => self
                .offers(number, OffersInput::Unreachable { request })
                .map(|_| ()),
            Happening::CacheDecrypted(exchange) => self.cache_decrypted(number, exchange),
            Happening::FetchEnded(token) => self.fetch_ended(number, token),
            Happening::Recheck(key, name, blocks) => self.recheck(number, (key, name), blocks),
            Happening::Evict(segment) => self.evict(number, segment),
        }
    }
}
