//! Hosts, an origin and a network on virtual time.
//! Invariant: what happens follows from the seed alone.
//! Byte order: none.

#[path = "serving.rs"]
mod serving;

use std::collections::BTreeMap;

use peerdist::client::{
    BlockOp, Delivery, DiscoveryToken, Event, FetchToken, Input, Output, Source, VerifyOp,
    VerifyToken,
};
use peerdist::content::SegmentId;
use peerdist::retrieval::block_key;
use peerdist::retrieval::client::{Exchange, Peer, Query};
use peerdist::retrieval::server;
use peerdist::time::{Duration, Instant};

use crate::broken::{Broken, ensure};
use crate::faults::Faults;
use crate::node::{Caller, Check, Node};
use crate::scene::Scene;

/// A world that is wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    SkipsVerification,
    ForgetsTimeouts,
    OriginStaysAway,
    DeliversTwice,
}

#[derive(Debug)]
enum Happening {
    Start,
    Restart,
    Discovered(u64, Vec<SegmentId>),
    DiscoveryFinished(DiscoveryToken),
    Request(Caller, Vec<u8>),
    Ready(server::Exchange),
    Response(Exchange, Vec<u8>),
    Failed(Exchange),
    Decrypted(Exchange),
    Verified(VerifyToken),
    OriginArrived(FetchToken, u64),
    OriginFailed(FetchToken),
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Total {
    steps: u64,
    from_peers: u64,
    from_origin: u64,
    lies: u64,
    rejected: u64,
    restarts: u64,
    sessions_ended: u64,
    offers: u64,
}

impl Total {
    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.from_peers += other.from_peers;
        self.from_origin += other.from_origin;
        self.lies += other.lies;
        self.rejected += other.rejected;
        self.restarts += other.restarts;
        self.sessions_ended += other.sessions_ended;
        self.offers += other.offers;
    }

    /// Worlds in which nothing went wrong or nobody helped would prove little.
    pub(crate) fn check(&self) {
        let all = [
            self.from_peers,
            self.from_origin,
            self.lies,
            self.rejected,
            self.restarts,
            self.offers,
        ];
        assert!(all.iter().all(|count| *count > 0), "{self:?}");
    }
}

pub(crate) struct World {
    bug: Bug,
    faults: Faults,
    scene: Scene,
    nodes: Vec<Node>,
    now: Instant,
    /// What happens when, at whom, in which life.
    agenda: BTreeMap<(Instant, u64), (usize, u32, Happening)>,
    counter: u64,
    total: Total,
}

impl World {
    pub(crate) fn new(seed: u64, bug: Bug) -> Self {
        let mut faults = Faults::new(seed);
        let scene = Scene::new(&mut faults);
        let count = 2 + faults.index(4);
        // The first node has the content, at least in part; it is the hosted cache, if there is one.
        let is_hosted = faults.chance(300);
        let mut nodes: Vec<_> = (0..count)
            .map(|number| Node::new(&mut faults, (is_hosted && number > 0).then_some(0)))
            .collect();
        for node in nodes.iter_mut().take(1 + faults.index(2)) {
            node.lies = faults.chance(150);
            let share = [300, 1000][faults.index(2)];
            for (number, segment) in scene.segments.iter().enumerate() {
                for index in segment.blocks.iter() {
                    if !faults.chance(share) {
                        continue;
                    }
                    let mut bytes = scene.block(number, index).to_vec();
                    if node.lies && faults.chance(500) {
                        bytes[0] ^= 1;
                    }
                    node.disk.write(segment.id, number, index, &bytes);
                }
            }
        }
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
        for node in 0..count {
            if world.nodes[node].disk.segments().next().is_none() {
                let at = Duration::from_millis(world.faults.below(3_000));
                world.plan(node, at, Happening::Start);
            }
            let heals_in = world.faults.heals_at.since(Instant::ZERO);
            if world.faults.chance(300) {
                let at = heals_in / 4 * u32::try_from(world.faults.below(4)).unwrap();
                world.plan(node, at, Happening::Restart);
            }
        }
        world
    }

    fn plan(&mut self, node: usize, after: Duration, what: Happening) {
        self.counter += 1;
        let life = self.nodes[node].life;
        let key = (self.now + after, self.counter);
        self.agenda.insert(key, (node, life, what));
    }

    fn plan_soon(&mut self, node: usize, what: Happening) {
        let delay = self.faults.delay(self.now);
        self.plan(node, delay, what);
    }

    pub(crate) fn run(mut self) -> Result<Total, Broken> {
        let give_up = self.faults.heals_at + Duration::from_secs(1_800);
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
                let goes_on = matches!(what, Happening::Start | Happening::Restart);
                if goes_on
                    || life == self.nodes[node].life
                    || matches!(what, Happening::Request(..))
                {
                    self.happen(node, what)?;
                }
            }
            for node in &self.nodes {
                node.check_limits(self.now)?;
            }
        }
        for node in self.nodes.iter().filter(|node| node.download.is_some()) {
            ensure!(node.is_finished, "a download never ended");
            for (number, segment) in self.scene.segments.iter().enumerate() {
                for index in segment.blocks.iter() {
                    let stored = node.disk.read(number, index);
                    let right = self.scene.block(number, index);
                    let is_right = stored.is_some_and(|it| it == right);
                    ensure!(is_right, "block {number}/{index} is not stored as it is");
                }
            }
            let usage = node.client.usage();
            let left = usage.downloads + usage.sessions + usage.requests;
            let left = left + usage.verifying + usage.origin_ranges;
            ensure!(left == 0, "something is left over: {usage:?}");
            ensure!(node.messages.is_empty(), "messages are kept for nothing");
        }
        Ok(self.total)
    }

    fn next_moment(&self) -> Option<Instant> {
        let agenda = self.agenda.keys().next().map(|(at, _)| *at);
        let nodes = self.nodes.iter();
        let timers = nodes.flat_map(|node| {
            [
                node.client
                    .poll_timeout()
                    .filter(|_| self.bug != Bug::ForgetsTimeouts),
                node.server.poll_timeout(),
            ]
        });
        timers.flatten().chain(agenda).min()
    }

    fn time_out(&mut self) -> Result<(), Broken> {
        for number in 0..self.nodes.len() {
            let due = self.nodes[number].client.poll_timeout();
            if due.is_some_and(|due| due <= self.now) && self.bug != Bug::ForgetsTimeouts {
                let told = self.client(number, Input::Timeout)?;
                let next = self.nodes[number].client.poll_timeout();
                let has_advanced = next.is_none_or(|next| next > self.now);
                ensure!(has_advanced || told > 0, "time stands still");
            }
            let due = self.nodes[number].server.poll_timeout();
            if due.is_some_and(|due| due <= self.now) {
                self.server(number, server::Input::Timeout)?;
            }
        }
        Ok(())
    }

    fn happen(&mut self, number: usize, what: Happening) -> Result<(), Broken> {
        match what {
            Happening::Start => {
                self.nodes[number].download = Some(peerdist::client::DownloadToken(1));
                return self.begin(number);
            }
            Happening::Restart => {
                self.total.restarts += 1;
                self.nodes[number].restart(&mut self.faults);
                if self.nodes[number].download.is_some() && !self.nodes[number].is_finished {
                    return self.begin(number);
                }
            }
            Happening::Discovered(peer, segments) => {
                let (peer, segments) = (Peer(peer), &segments[..]);
                self.client(number, Input::Discovered { peer, segments })?;
            }
            Happening::DiscoveryFinished(discovery) => {
                self.client(number, Input::DiscoveryFinished { discovery })?;
            }
            Happening::Request(caller, bytes) => self.serve(number, caller, &bytes)?,
            Happening::Ready(exchange) => self.ready(number, exchange)?,
            Happening::Response(exchange, bytes) => self.response(number, exchange, bytes)?,
            Happening::Failed(exchange) => {
                let node = &mut self.nodes[number];
                // A connection that brought its response fails no more.
                if node.waiting.remove(&exchange).is_some() {
                    self.client(number, Input::Failed { exchange })?;
                }
            }
            Happening::Decrypted(exchange) => self.decrypted(number, exchange)?,
            Happening::Verified(verify) => self.verified(number, verify)?,
            Happening::OriginArrived(fetch, received) => {
                self.client(number, Input::OriginArrived { fetch, received })?;
            }
            Happening::OriginFailed(fetch) => {
                self.client(number, Input::OriginFailed { fetch })?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, number: usize) -> Result<(), Broken> {
        let segments = self.nodes[number].still_wanted(&self.scene);
        let start = self.nodes[number].start(&self.scene, &segments);
        self.client(number, Input::Start(start))?;
        Ok(())
    }

    /// Tells how much was put out.
    fn client(&mut self, number: usize, input: Input<'_>) -> Result<u32, Broken> {
        let (now, node) = (self.now, &mut self.nodes[number]);
        node.client.handle(now, input)?;
        let mut drained = 0;
        while let Some(output) = self.nodes[number].client.poll_output() {
            drained += 1;
            ensure!(drained < 100_000, "draining does not end");
            self.obey(number, output)?;
        }
        Ok(drained)
    }

    fn obey(&mut self, number: usize, output: Output) -> Result<(), Broken> {
        match output {
            Output::Discover {
                discovery,
                segments,
                ..
            } => {
                let ids: Vec<_> = segments.iter().map(|it| it.id).collect();
                self.discover(number, discovery, &ids);
            }
            Output::CancelDiscovery { .. } => {}
            Output::Send {
                exchange,
                peer,
                query,
            } => self.send(number, exchange, peer, &query),
            Output::Decrypt { segment, op, .. } => {
                let node = &mut self.nodes[number];
                node.decrypting.insert(op.exchange, (segment, op));
                self.plan_soon(number, Happening::Decrypted(op.exchange));
            }
            Output::Abort { exchange, .. } => {
                let node = &mut self.nodes[number];
                node.waiting.remove(&exchange);
                node.messages.remove(&exchange);
                node.decrypting.remove(&exchange);
            }
            Output::Verify(op) => self.verify(number, op)?,
            Output::Store(op) => self.store(number, op)?,
            Output::Deliver(op) => self.deliver(number, op)?,
            Output::FetchOrigin { fetch, range, .. } => {
                self.nodes[number].fetches.insert(fetch, range);
                self.fetch(number, fetch, range.length);
            }
            Output::AbortOrigin { fetch } => {
                self.nodes[number].fetches.remove(&fetch);
            }
            Output::Share(_) => {}
            Output::Offer(_) => self.total.offers += 1,
            Output::Event(event) => self.note(number, &event)?,
        }
        Ok(())
    }

    fn note(&mut self, number: usize, event: &Event) -> Result<(), Broken> {
        match event {
            Event::Finished { tally, .. } => {
                ensure!(!self.nodes[number].is_finished, "finished twice");
                self.nodes[number].is_finished = true;
                self.total.from_peers += tally.from_peers;
                self.total.from_origin += tally.from_origin;
            }
            Event::Lied { .. } => self.total.lies += 1,
            Event::Rejected { .. } => self.total.rejected += 1,
            Event::SessionEnded { .. } => self.total.sessions_ended += 1,
            Event::Failed { .. } | Event::Cancelled { .. } => {
                return Err(Broken(format!("a download failed: {event:?}")));
            }
            Event::Lenient { .. } => {}
        }
        Ok(())
    }

    fn discover(&mut self, number: usize, discovery: DiscoveryToken, ids: &[SegmentId]) {
        for other in (0..self.nodes.len()).filter(|other| *other != number) {
            let disk = &self.nodes[other].disk;
            let has: Vec<_> = disk
                .segments()
                .filter(|id| ids.contains(id))
                .copied()
                .collect();
            if !has.is_empty() && !self.faults.loses(self.now) {
                self.plan_soon(number, Happening::Discovered(other as u64, has));
            }
        }
        if !self.faults.loses(self.now) {
            let end = Duration::from_millis(300);
            self.plan(number, end, Happening::DiscoveryFinished(discovery));
        }
    }

    fn send(&mut self, number: usize, exchange: Exchange, peer: Peer, query: &Query) {
        let now = self.now;
        self.nodes[number].waiting.insert(exchange, now);
        let life = self.nodes[number].life;
        let caller = Caller {
            node: number,
            life,
            exchange,
        };
        let server = usize::try_from(peer.0).unwrap();
        for _ in 0..=u32::from(self.faults.doubles(self.now)) {
            let mut bytes = Vec::new();
            query.encode_into(&mut bytes);
            self.faults.mangle(self.now, &mut bytes);
            if !self.faults.loses(self.now) {
                self.plan_soon(server, Happening::Request(caller, bytes));
            } else if self.faults.chance(500) {
                self.plan_soon(number, Happening::Failed(exchange));
            }
        }
    }

    fn response(
        &mut self,
        number: usize,
        exchange: Exchange,
        bytes: Vec<u8>,
    ) -> Result<(), Broken> {
        let node = &mut self.nodes[number];
        if node.waiting.remove(&exchange).is_none() {
            // The machine has to stand a second response to one request; a real host would never see it.
            let bytes = &bytes;
            self.client(number, Input::Message { exchange, bytes })?;
            return Ok(());
        }
        node.messages.insert(exchange, bytes.clone());
        self.client(
            number,
            Input::Message {
                exchange,
                bytes: &bytes,
            },
        )?;
        self.forget_message(number, exchange);
        Ok(())
    }

    fn forget_message(&mut self, number: usize, exchange: Exchange) {
        let node = &mut self.nodes[number];
        let mut checks = node.checks.values();
        let is_verified = checks.any(
            |check| matches!(check.op.source, Source::Peer { exchange: it, .. } if it == exchange),
        );
        if !node.decrypting.contains_key(&exchange) && !is_verified {
            node.messages.remove(&exchange);
        }
    }

    fn decrypted(&mut self, number: usize, exchange: Exchange) -> Result<(), Broken> {
        let node = &mut self.nodes[number];
        let Some((segment, op)) = node.decrypting.remove(&exchange) else {
            return Ok(());
        };
        let message = node.messages.get_mut(&exchange);
        let message = message.ok_or("no message to decrypt")?;
        let key = block_key(op.cipher, &self.scene.secrets[segment]).unwrap();
        let job = op.job(&key, message).unwrap();
        peerdist::cipher::decrypt_many(&mut [job]);
        let (_, quirk) = op.plain(message).unwrap();
        self.client(number, Input::Decrypted { exchange, quirk })?;
        self.forget_message(number, exchange);
        Ok(())
    }

    fn verify(&mut self, number: usize, op: VerifyOp) -> Result<(), Broken> {
        let now = self.now;
        let node = &mut self.nodes[number];
        let bytes = match op.source {
            Source::Peer {
                exchange, place, ..
            } => {
                let message = node.messages.get(&exchange);
                let message = message.ok_or("no message to verify")?;
                place.of(message).ok_or("no block in it")?.to_vec()
            }
            Source::Origin { fetch } => {
                let fetched = node.fetches.get(&fetch).ok_or("no range to verify")?;
                let block = op.block.range;
                let is_inside = block.start >= fetched.start && block.end() <= fetched.end();
                ensure!(is_inside, "a block outside of what was fetched");
                let mut bytes = self.scene.block(op.block.segment, op.block.index).to_vec();
                if self.faults.mangles(now) {
                    bytes[0] ^= 0x80;
                }
                bytes
            }
        };
        let node = &mut self.nodes[number];
        node.checks.insert(op.verify, Check { op, bytes });
        self.plan_soon(number, Happening::Verified(op.verify));
        Ok(())
    }

    fn verified(&mut self, number: usize, verify: VerifyToken) -> Result<(), Broken> {
        let Check { op, bytes } = self.nodes[number].checks.remove(&verify).unwrap();
        let right = self.scene.block(op.block.segment, op.block.index);
        let good = bytes == right || self.bug == Bug::SkipsVerification;
        self.nodes[number].in_hand = Some((op.block, bytes));
        self.client(number, Input::Verified { verify, good })?;
        self.nodes[number].in_hand = None;
        if let Source::Peer { exchange, .. } = op.source {
            self.forget_message(number, exchange);
        }
        Ok(())
    }

    fn store(&mut self, number: usize, op: BlockOp) -> Result<(), Broken> {
        let node = &mut self.nodes[number];
        let (block, bytes) = node.in_hand.take().ok_or("no block was verified")?;
        ensure!(block == op, "another block than was verified");
        let segment = self.scene.segment_of(&op.id);
        ensure!(segment == op.segment, "another segment than it names");
        let before = node.disk.read(op.segment, op.index);
        ensure!(before.is_none(), "a block is stored twice");
        node.disk.write(op.id, op.segment, op.index, &bytes);
        Ok(())
    }

    fn deliver(&mut self, number: usize, op: BlockOp) -> Result<(), Broken> {
        let node = &mut self.nodes[number];
        let place = (op.segment, op.index.get());
        let stored = node.disk.read(op.segment, op.index);
        let stored = stored.ok_or("what is delivered was never stored")?;
        let right = self.scene.block(op.segment, op.index);
        ensure!(stored == right, "what is delivered is not the content");
        for _ in 0..=u32::from(self.bug == Bug::DeliversTwice) {
            let is_new = node.delivered.insert(place);
            ensure!(is_new, "a block is delivered twice");
        }
        if node.delivery == Delivery::InOrder {
            let is_next = node.last_delivered < Some(place);
            ensure!(is_next, "blocks come out of order");
            node.last_delivered = Some(place);
        }
        Ok(())
    }

    fn fetch(&mut self, number: usize, fetch: FetchToken, length: u64) {
        if self.bug == Bug::OriginStaysAway {
            return;
        }
        let mut after = self.faults.delay(self.now);
        let mut received = 0;
        while received < length {
            if self.faults.loses(self.now) {
                if self.faults.chance(500) {
                    self.plan(number, after, Happening::OriginFailed(fetch));
                }
                return;
            }
            received = (received + 1 + self.faults.below(length)).min(length);
            self.plan(number, after, Happening::OriginArrived(fetch, received));
            after += self.faults.delay(self.now);
        }
    }
}
