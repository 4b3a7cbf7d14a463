//! Discovery between hosts: real probers and responders, their datagrams, and what is on disk of both.
//! Invariant: what is checked here follows from MS-PCCRD, not from how the machines keep it.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use peerdist::client::{DiscoveryToken, Input, Sought};
use peerdist::content::{SegmentId, Version};
use peerdist::discovery::{
    Held, Holdings, Match, Message, Persisted, ProbeMatch, ProbeToken, Prober, ProberEvent,
    ProberInput, ProberOutput, ProberSettings, Replies, Responder, ResponderEvent, ResponderInput,
    ResponderOutput, ResponderSettings, Start, Subnet, Suppression, Wanted,
};
use peerdist::retrieval::client::Peer;
use peerdist::retrieval::server::Holdings as _;
use peerdist::store::{BlockStore, MemoryStore};
use peerdist::time::{Duration, Instant};

use crate::broken::{Broken, ensure};
use crate::faults::Faults;
use crate::scene::Scene;
use crate::world::{Bug, Happening, World};

pub(crate) struct Discovery {
    pub(crate) prober: Prober,
    pub(crate) responder: Responder,
    pub(crate) address: SocketAddr,
    prober_settings: ProberSettings,
    responder_settings: ResponderSettings,
    probes: BTreeMap<ProbeToken, Probing>,
    /// How often each probe went out, by the name of the message.
    sent: BTreeMap<String, u32>,
    /// When which probe was answered last in this life.
    answered: BTreeMap<(SocketAddr, String), Instant>,
    // What follows is on disk.
    persisted: Option<Persisted>,
    replies: BTreeMap<SegmentId, Replies>,
    // What follows only the test knows.
    last_place: (u32, u32),
}

struct Probing {
    since: Instant,
    segments: Vec<SegmentId>,
}

/// What a host has, as its responder asks.
struct OnDisk<'a> {
    scene: &'a Scene,
    store: &'a MemoryStore,
    replies: &'a BTreeMap<SegmentId, Replies>,
    now: Instant,
    claims_all: bool,
}

impl std::fmt::Debug for OnDisk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnDisk")
    }
}

impl Holdings for OnDisk<'_> {
    fn held(&self, id: &SegmentId) -> Option<Held> {
        let segment = &self.scene.segments[self.scene.segment_of(id)?];
        let there = self.store.segment(id);
        let (blocks, since) = match there {
            Some(held) => (held.blocks.len(), held.since),
            None if self.claims_all => (segment.block_count(), self.now),
            None => return None,
        };
        Some(Held {
            version: self.scene.version,
            blocks,
            is_complete: blocks == segment.block_count(),
            age: Some(self.now.since(since)),
            replies: self.replies.get(id).copied().unwrap_or_default(),
        })
    }
}

fn prober_settings(faults: &mut Faults) -> ProberSettings {
    ProberSettings {
        request_timer_ms: [300, 300, 1_000, 20][faults.index(4)],
        repeats: [0, 1, 4][faults.index(3)],
        max_outstanding_probes: [1, 3, 64][faults.index(3)],
        max_matches_per_probe: [1, 128][faults.index(2)],
        ..ProberSettings::default()
    }
}

fn responder_settings(faults: &mut Faults) -> ResponderSettings {
    ResponderSettings {
        suppression: faults.chance(700).then(|| Suppression {
            enough_replies: [1, 2, 10][faults.index(3)],
            ..Suppression::default()
        }),
        max_pending_answers: [1, 64][faults.index(2)],
        message_number_batch: [1, 5, 256][faults.index(3)],
        ..ResponderSettings::default()
    }
}

impl Discovery {
    pub(crate) fn new(faults: &mut Faults, number: usize) -> Self {
        let (prober_settings, responder_settings) =
            (prober_settings(faults), responder_settings(faults));
        let host = u8::try_from(number + 1).unwrap();
        // Multicasts may be routed to where nobody should be believed.
        let is_elsewhere = faults.chance(200);
        let ip = match is_elsewhere {
            true => Ipv4Addr::new(198, 51, 100, host),
            false => Ipv4Addr::new(10, 0, 0, host),
        };
        let start = Start::Restarted {
            previous: None,
            unix_seconds: 1,
        };
        Self {
            prober: Prober::new(prober_settings, &faults.seed()),
            responder: Responder::new(responder_settings, start, &faults.seed()),
            address: SocketAddr::new(ip.into(), 80),
            prober_settings,
            responder_settings,
            probes: BTreeMap::new(),
            sent: BTreeMap::new(),
            answered: BTreeMap::new(),
            persisted: None,
            replies: BTreeMap::new(),
            last_place: (0, 0),
        }
    }

    /// A new life, that goes on with the numbers or takes a new instance.
    fn restart(&mut self, faults: &mut Faults, now: Instant, bug: Bug) {
        if bug == Bug::AnswersTwice {
            self.responder_settings.remember_probe_ms = 0;
        }
        // The clock of a host may have been set back.
        let seconds = u32::try_from(now.as_nanos() / 1_000_000_000).unwrap();
        let unix_seconds = if faults.chance(300) { 1 } else { 1 + seconds };
        let start = match self.persisted {
            Some(_) if bug == Bug::NumbersStartAnew => Start::Continued(Persisted {
                instance_id: self.last_place.0,
                message_number: 0,
            }),
            Some(persisted) if faults.chance(500) => Start::Continued(persisted),
            previous => Start::Restarted {
                previous,
                unix_seconds,
            },
        };
        self.prober = Prober::new(self.prober_settings, &faults.seed());
        self.responder = Responder::new(self.responder_settings, start, &faults.seed());
        self.probes.clear();
        self.sent.clear();
        self.answered.clear();
    }

    pub(crate) fn check_limits(&self, now: Instant) -> Result<(), Broken> {
        let settings = &self.prober_settings;
        let (most, room) = (settings.max_outstanding_probes, self.prober.room());
        let kept = self.probes.len();
        ensure!(
            kept + room == most,
            "probes: {kept}, room for {room} of {most}"
        );
        let longest_ms = settings.request_timer_ms.max(settings.app_max_delay_ms);
        for (token, probe) in &self.probes {
            let age = now.since(probe.since);
            let is_over = age > Duration::from_millis(longest_ms);
            ensure!(!is_over, "{token:?} outlives its timer: {age:?}");
        }
        let most = self.responder_settings.max_pending_answers;
        let pending = self.responder.answers_pending();
        ensure!(pending <= most, "answers waiting: {pending} of {most}");
        let remembered = self.responder.probes_remembered();
        let most = self.responder_settings.max_remembered_probes;
        ensure!(remembered <= most, "probes remembered: {remembered}");
        Ok(())
    }

    pub(crate) fn check_end(&self) -> Result<(), Broken> {
        ensure!(self.probes.is_empty(), "a probe never ended");
        let pending = self.responder.answers_pending();
        ensure!(pending == 0, "{pending} answers never went out");
        Ok(())
    }
}

impl World {
    /// The host of an address, or a number that no host has.
    pub(crate) fn peer_at(&self, address: SocketAddr) -> usize {
        let hosts = self.nodes.iter();
        let mut addresses = hosts.map(|node| node.discovery.address);
        let found = addresses.position(|it| it == address);
        found.unwrap_or_else(|| 1_000 + usize::from(address.port()))
    }

    /// At the start of each life.
    pub(crate) fn join_network(&mut self, number: usize, is_restart: bool) -> Result<(), Broken> {
        let (now, bug) = (self.now, self.bug);
        let discovery = &mut self.nodes[number].discovery;
        if is_restart || bug == Bug::AnswersTwice {
            discovery.restart(&mut self.faults, now, bug);
        }
        let prefix_bits = if bug == Bug::BelievesAnybody { 0 } else { 24 };
        let subnets = Subnet::new(discovery.address.ip(), prefix_bits);
        let subnets = ProberInput::Subnets(subnets.as_slice());
        discovery.prober.handle(now, subnets)?;
        let addresses = ResponderInput::Addresses(&[discovery.address]);
        discovery.responder.handle(now, addresses)?;
        Ok(())
    }

    pub(crate) fn discover(
        &mut self,
        number: usize,
        token: DiscoveryToken,
        sought: &[Sought],
    ) -> Result<(), Broken> {
        let (now, version) = (self.now, self.scene.version);
        let discovery = &mut self.nodes[number].discovery;
        if discovery.prober.room() == 0 {
            self.plan_soon(number, Happening::DiscoveryFinished(token));
            return Ok(());
        }
        let wanted = sought.iter().map(|it| Wanted {
            id: it.id,
            blocks: it.blocks,
        });
        let wanted: Vec<_> = wanted.collect();
        let probe = ProbeToken(token.0);
        let probing = Probing {
            since: now,
            segments: sought.iter().map(|it| it.id).collect(),
        };
        let start = ProberInput::Start {
            probe,
            version,
            segments: &wanted,
        };
        discovery.prober.handle(now, start)?;
        discovery.probes.insert(probe, probing);
        self.drain_prober(number).map(|_| ())
    }

    pub(crate) fn cancel_discovery(
        &mut self,
        number: usize,
        token: DiscoveryToken,
    ) -> Result<(), Broken> {
        let discovery = &mut self.nodes[number].discovery;
        let cancel = ProberInput::Cancel(ProbeToken(token.0));
        discovery.prober.handle(self.now, cancel)?;
        discovery.probes.remove(&ProbeToken(token.0));
        self.drain_prober(number).map(|_| ())
    }

    pub(crate) fn prober(&mut self, number: usize, input: ProberInput<'_>) -> Result<u32, Broken> {
        self.nodes[number]
            .discovery
            .prober
            .handle(self.now, input)?;
        self.drain_prober(number)
    }

    fn drain_prober(&mut self, number: usize) -> Result<u32, Broken> {
        let mut drained = 0;
        while let Some(output) = self.nodes[number].discovery.prober.poll_output() {
            drained += 1;
            ensure!(drained < 100_000, "draining does not end");
            match output {
                ProberOutput::Multicast(probe) => {
                    let discovery = &mut self.nodes[number].discovery;
                    let name = probe.message_id.as_str().to_owned();
                    let times = discovery.sent.entry(name).or_default();
                    *times += 1;
                    let most = 1 + discovery.prober_settings.repeats;
                    ensure!(*times <= most, "a probe went out {times} times");
                    let from = discovery.address;
                    self.multicast(number, from, &Message::Probe(probe).encode());
                }
                ProberOutput::Event(ProberEvent::Match(found)) => self.found(number, &found)?,
                ProberOutput::Event(ProberEvent::Finished { probe, replies }) => {
                    let discovery = &mut self.nodes[number].discovery;
                    let probing = discovery.probes.remove(&probe);
                    let probing = probing.ok_or("a probe ended twice")?;
                    let told = probing.segments.into_iter().zip(replies);
                    discovery.replies.extend(told);
                    let discovery = DiscoveryToken(probe.0);
                    self.client(number, Input::DiscoveryFinished { discovery })?;
                }
                ProberOutput::Event(ProberEvent::Rejected(_)) => self.total.rejected += 1,
                ProberOutput::Event(ProberEvent::Repeated { .. } | ProberEvent::Full { .. }) => {}
            }
        }
        Ok(drained)
    }

    fn multicast(&mut self, number: usize, from: SocketAddr, bytes: &[u8]) {
        for other in (0..self.nodes.len()).filter(|other| *other != number) {
            for (after, bytes) in self.faults.carry(self.now, bytes) {
                self.plan(other, after, Happening::Probe(from, bytes));
            }
        }
    }

    fn found(&mut self, number: usize, found: &Match) -> Result<(), Broken> {
        self.total.matches += 1;
        let discovery = &self.nodes[number].discovery;
        let probing = discovery.probes.get(&found.probe);
        let probing = probing.ok_or("a match of a probe that is over")?;
        let mut places = found.segments.iter();
        let are_asked = places.all(|it| probing.segments.get(it.index) == Some(&it.id));
        ensure!(are_asked, "a match of segments that nobody asked for");
        let net = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => Some(ip.octets()[0]),
            IpAddr::V6(_) => None,
        };
        let mut named = found.addresses.iter().chain([&found.from]);
        let are_near = named.all(|it| net(it.ip()) == net(discovery.address.ip()));
        ensure!(are_near, "somebody far away is believed: {found:?}");
        let peer = self.peer_at(found.addresses[0]);
        if self.faults.never_mangle() {
            let host = self.nodes.get(peer).ok_or("a match names nobody")?;
            for offered in &found.segments {
                let there = host.store.verified(&offered.id).len();
                let segment = self.scene.segment_of(&offered.id).ok_or("no segment")?;
                let all = self.scene.segments[segment].block_count();
                let claimed = match offered.blocks {
                    _ if offered.is_complete => all,
                    Some(blocks) => blocks,
                    None => 1,
                };
                ensure!(claimed <= there, "{claimed} blocks are offered of {there}");
            }
        }
        let segments: Vec<_> = found.segments.iter().map(|it| it.id).collect();
        let discovered = Input::Discovered {
            peer: Peer(peer as u64),
            segments: &segments,
        };
        self.client(number, discovered).map(|_| ())
    }

    /// A probe comes to a host, or the time to answer one; tells how much was put out.
    pub(crate) fn responder(
        &mut self,
        number: usize,
        datagram: Option<(SocketAddr, &[u8])>,
    ) -> Result<u32, Broken> {
        let (now, node) = (self.now, &mut self.nodes[number]);
        let holdings = &OnDisk {
            scene: &self.scene,
            store: &node.store,
            replies: &node.discovery.replies,
            now,
            claims_all: self.bug == Bug::ClaimsEverything,
        };
        let input = match datagram {
            Some((from, bytes)) => ResponderInput::Datagram {
                from,
                bytes,
                holdings,
            },
            None => ResponderInput::Timeout { holdings },
        };
        node.discovery.responder.handle(now, input)?;
        let mut drained = 0;
        while let Some(output) = self.nodes[number].discovery.responder.poll_output() {
            drained += 1;
            ensure!(drained < 100_000, "draining does not end");
            let discovery = &mut self.nodes[number].discovery;
            match output {
                ResponderOutput::Persist(persisted) => discovery.persisted = Some(persisted),
                ResponderOutput::Send { to, message } => self.answer(number, to, message)?,
                ResponderOutput::Event(ResponderEvent::Waiting { until, .. }) => {
                    let waits = until.since(now);
                    let most = discovery.responder_settings.app_max_delay_ms;
                    let is_right =
                        waits >= Duration::from_millis(1) && waits <= Duration::from_millis(most);
                    ensure!(is_right, "an answer waits {waits:?}");
                }
                ResponderOutput::Event(ResponderEvent::Suppressed { .. }) => {
                    self.total.suppressed += 1;
                    self.check_silence(number, datagram)?;
                }
                ResponderOutput::Event(ResponderEvent::Rejected(_)) => self.total.rejected += 1,
                ResponderOutput::Event(_) => {}
            }
        }
        Ok(drained)
    }

    /// Only who knows of enough others for all that is asked may keep silent.
    fn check_silence(
        &self,
        number: usize,
        datagram: Option<(SocketAddr, &[u8])>,
    ) -> Result<(), Broken> {
        let (_, bytes) = datagram.ok_or("silence at no probe")?;
        let decoded = Message::decode(bytes).map_err(|error| Broken(error.to_string()))?;
        let Message::Probe(probe) = decoded.message else {
            return Err("silence at a match".into());
        };
        let node = &self.nodes[number];
        let rule = node.discovery.responder_settings.suppression;
        let enough = rule.ok_or("silence without suppression")?.enough_replies;
        let is_looked_for = probe.version == Version::V1 || self.scene.version == Version::V2;
        for id in probe.ids.iter().filter(|_| is_looked_for) {
            let replies = node.discovery.replies.get(id).copied().unwrap_or_default();
            let is_here = !node.store.verified(id).is_empty();
            let may_be_silent = !is_here || replies.total >= enough;
            ensure!(may_be_silent, "silence where {replies:?} are not enough");
        }
        Ok(())
    }

    fn answer(&mut self, number: usize, to: SocketAddr, message: ProbeMatch) -> Result<(), Broken> {
        let now = self.now;
        let discovery = &mut self.nodes[number].discovery;
        let sequence = message.sequence.ok_or("a match without its number")?;
        let place = (sequence.instance_id, sequence.message_number);
        let last = discovery.last_place;
        ensure!(place > last, "message numbers: {place:?} after {last:?}");
        discovery.last_place = place;
        let persisted = discovery.persisted.ok_or("nothing was persisted")?;
        let reserved = (persisted.instance_id, persisted.message_number);
        ensure!(
            place <= reserved,
            "{place:?} was not reserved: {reserved:?}"
        );
        let settings = &ResponderSettings::default();
        let apart_ms = settings.remember_probe_ms - settings.app_max_delay_ms;
        let name = (to, message.relates_to.as_str().to_owned());
        if let Some(before) = discovery.answered.insert(name, now) {
            let apart = now.since(before);
            let is_apart = apart >= Duration::from_millis(apart_ms);
            ensure!(is_apart, "a probe is answered twice within {apart:?}");
        }
        let from = discovery.address;
        let bytes = Message::ProbeMatch(message).encode();
        let asker = self.peer_at(to);
        for (after, bytes) in self.faults.carry(now, &bytes) {
            self.plan(asker, after, Happening::ProbeMatch(from, bytes));
        }
        Ok(())
    }
}
