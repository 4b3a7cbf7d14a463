//! Everything between the hosts: sites, their links, and who is a member of which group.
//! Invariant: a path leads over the links of both ends in one order; groups do not reach beyond their site.
//! Unit: nanoseconds since the beginning; payload bytes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use peerdist::entropy::{Entropy, Purpose};

use super::congestion::{Congestion, PACKET_BYTES};
use super::office::Serving;
use super::run::LinkUse;
use super::shape::{Link, LinkSettings, Quality, Rate, Sender};
use super::trace::{Event, Fate, Trace};
use crate::series::{Measure, Series};

/// What a sender gives to its links at a time, at least: the payload of an Ethernet frame.
const PIECE_BYTES_LEAST: u64 = 1_460;
/// Small enough that many connections together fill no queue of a local network.
const PIECE_BYTES_MOST: u64 = 16 << 10;
const MILLISECOND: u64 = 1_000_000;

/// The present moment, in nanoseconds since the beginning; 0 where no host is at work.
pub(super) fn now() -> u64 {
    let elapsed = turmoil::sim_elapsed().unwrap_or_default();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

/// When tokio's clock of the present host will show a moment.
pub(super) fn instant_of(moment: u64) -> tokio::time::Instant {
    let left = moment.saturating_sub(now());
    tokio::time::Instant::now() + std::time::Duration::from_nanos(left)
}

/// A site, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SiteId(usize);

/// All that is between the hosts. Copies are the same wires.
#[derive(Debug, Clone)]
pub(super) struct Wires(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    sites: Vec<Site>,
    hosts: BTreeMap<IpAddr, Host>,
    links: Vec<Link>,
    groups: BTreeMap<(SiteId, SocketAddr), BTreeSet<SocketAddr>>,
    senders: u64,
    window_bytes: u64,
    sent_bytes: u64,
    received_bytes: u64,
    trace: Trace,
}

#[derive(Debug)]
struct Site {
    lan: Quality,
    wan: Option<SiteWan>,
    entropy: Entropy,
    datagram_bytes: u64,
    /// When its link to the others carries nothing.
    outages: Vec<(u64, u64)>,
    /// When some of its hosts do not reach the others.
    splits: Vec<(BTreeSet<IpAddr>, u64, u64)>,
}

#[derive(Debug, Clone, Copy)]
struct SiteWan {
    up: usize,
    down: usize,
    quality: Quality,
}

#[derive(Debug, Clone)]
struct Host {
    site: SiteId,
    up: usize,
    down: usize,
    /// When it does not reach other sites.
    outages: Vec<(u64, u64)>,
    /// When it serves otherwise than it should.
    serving: Vec<(Serving, u64, u64)>,
}

/// How bytes come from one host to another.
#[derive(Debug, Clone)]
struct Path {
    /// Those that are taken when something is sent.
    links: Vec<usize>,
    quality: Quality,
    /// Whose numbers decide over jitter and loss.
    site: SiteId,
    /// The sites whose links to the others it leads over.
    crosses: Option<[SiteId; 2]>,
    ends: [IpAddr; 2],
    piece_bytes: u64,
}

/// One direction of a connection, at its sender.
#[derive(Debug)]
pub(super) struct Sending {
    sender: Sender,
    from: SocketAddr,
    to: SocketAddr,
    path: Option<Path>,
    /// What the links have and did not send yet: until when, and how many bytes.
    waiting: VecDeque<(u64, u64)>,
    waiting_bytes: u64,
    /// What the receiver did not acknowledge yet.
    on_the_way: VecDeque<(u64, u64)>,
    on_the_way_bytes: u64,
    last_arrival: u64,
    /// Where packets are lost between sites.
    congestion: Option<Congestion>,
}

/// What becomes of bytes that are to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Push {
    /// So many of them are on their way.
    Sent { bytes: u64, arrives: u64 },
    /// There is no room before this moment.
    Wait(u64),
}

fn forget_until(queue: &mut VecDeque<(u64, u64)>, total: &mut u64, now: u64) {
    while let Some((until, bytes)) = queue.front().copied()
        && until <= now
    {
        queue.pop_front();
        *total -= bytes;
    }
}

impl Wires {
    pub(super) fn new(window_bytes: u64, trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(State {
            sites: Vec::new(),
            hosts: BTreeMap::new(),
            links: Vec::new(),
            groups: BTreeMap::new(),
            senders: 0,
            window_bytes,
            sent_bytes: 0,
            received_bytes: 0,
            trace,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A site, whose jitter and loss follow from a seed, with the links that join it to all others, up and down.
    pub(super) fn add_site(
        &self,
        name: &str,
        seed: &[u8; 32],
        lan: Quality,
        wan: Option<(LinkSettings, LinkSettings, Quality)>,
    ) -> SiteId {
        let mut state = self.state();
        let wan = wan.map(|(up, down, quality)| SiteWan {
            up: state.add_link(format!("{name} wan up"), up),
            down: state.add_link(format!("{name} wan down"), down),
            quality,
        });
        if let Some(wan) = wan {
            state.record(wan.up, Measure::WanUp);
            state.record(wan.down, Measure::WanDown);
        }
        let entropy = Entropy::new(seed, Purpose::Faults);
        state.sites.push(Site {
            lan,
            wan,
            entropy,
            datagram_bytes: 0,
            outages: Vec::new(),
            splits: Vec::new(),
        });
        SiteId(state.sites.len() - 1)
    }

    /// A host of a site, with its links into the LAN.
    pub(super) fn add_host(
        &self,
        name: &str,
        address: IpAddr,
        site: SiteId,
        (up, down): (LinkSettings, LinkSettings),
    ) {
        let mut state = self.state();
        let up = state.add_link(format!("{name} lan up"), up);
        let down = state.add_link(format!("{name} lan down"), down);
        state.hosts.insert(
            address,
            Host {
                site,
                up,
                down,
                outages: Vec::new(),
                serving: Vec::new(),
            },
        );
    }

    pub(super) fn note(&self, event: Event) {
        self.note_at(now(), event);
    }

    pub(super) fn note_at(&self, at: u64, event: Event) {
        self.state().trace.note(at, event);
    }

    /// How much the links were used.
    pub(super) fn links(&self) -> Vec<LinkUse> {
        let state = self.state();
        let of = |link: &Link| LinkUse {
            name: link.name.clone(),
            rate: link.settings.rate,
            bytes: link.carried_bytes,
            busy_ns: link.busy_ns,
            dropped: link.dropped,
            record: link.record.as_ref().map(|(_, series)| series.clone()),
        };
        state.links.iter().map(of).collect()
    }

    /// Payload that was sent, for each that it went to, and what of it came over the last link.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let state = self.state();
        (state.sent_bytes, state.received_bytes)
    }

    /// Bytes of datagrams that the hosts of each site sent, those to a group once.
    pub(super) fn datagram_bytes(&self) -> Vec<u64> {
        let state = self.state();
        state.sites.iter().map(|site| site.datagram_bytes).collect()
    }

    pub(super) fn take_trace(&self) -> Trace {
        std::mem::take(&mut self.state().trace)
    }

    pub(super) fn sending(&self, from: SocketAddr, to: SocketAddr) -> Sending {
        let mut state = self.state();
        state.senders += 1;
        let path = state.path(from.ip(), to.ip());
        let is_lossy = path
            .as_ref()
            .is_some_and(|path| path.crosses.is_some() && path.quality.lost_per_million > 0);
        Sending {
            congestion: is_lossy.then(Congestion::new),
            sender: Sender(state.senders),
            from,
            to,
            path,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            on_the_way: VecDeque::new(),
            on_the_way_bytes: 0,
            last_arrival: 0,
        }
    }

    /// The link of a site to the others carries nothing for a time.
    pub(super) fn add_outage(&self, site: SiteId, from: u64, until: u64) {
        if let Some(site) = self.state().sites.get_mut(site.0) {
            site.outages.push((from, until));
        }
    }

    /// A host does not reach other sites for a time.
    pub(super) fn add_host_outage(&self, host: IpAddr, from: u64, until: u64) {
        if let Some(host) = self.state().hosts.get_mut(&host) {
            host.outages.push((from, until));
        }
    }

    /// Some hosts of a site do not reach the others for a time.
    pub(super) fn add_split(&self, site: SiteId, side: BTreeSet<IpAddr>, from: u64, until: u64) {
        if let Some(site) = self.state().sites.get_mut(site.0) {
            site.splits.push((side, from, until));
        }
    }

    /// A host serves otherwise than it should for a time.
    pub(super) fn add_serving(&self, host: IpAddr, how: Serving, from: u64, until: u64) {
        if let Some(host) = self.state().hosts.get_mut(&host) {
            host.serving.push((how, from, until));
        }
    }

    /// How a host serves now, where not as it should.
    pub(super) fn serving(&self, host: IpAddr) -> Option<Serving> {
        let state = self.state();
        let host = state.hosts.get(&host)?;
        if host.serving.is_empty() {
            return None;
        }
        let now = now();
        let mut present = host
            .serving
            .iter()
            .filter(|(_, from, until)| (*from..*until).contains(&now));
        present.next().map(|(how, ..)| *how)
    }

    /// Until when nothing comes from one host to the other, where that is so now.
    pub(super) fn blocked_until(&self, from: IpAddr, to: IpAddr) -> Option<u64> {
        let state = self.state();
        state.outage(&state.path(from, to)?, now())
    }

    /// How long a message to a host and its answer take, without what they wait for others.
    pub(super) fn round_trip(&self, from: IpAddr, to: IpAddr) -> u64 {
        let mut state = self.state();
        let Some(path) = state.path(from, to) else {
            return 0;
        };
        let there = path.quality.latency_ns + state.jitter(&path);
        there + path.quality.latency_ns + state.jitter(&path)
    }

    /// Gives the next bytes of a connection to their links, as far as there is room.
    pub(super) fn push(&self, sending: &mut Sending, bytes: u64) -> Push {
        let now = now();
        let Some(path) = sending.path.as_ref() else {
            return Push::Sent {
                bytes,
                arrives: now,
            };
        };
        forget_until(&mut sending.waiting, &mut sending.waiting_bytes, now);
        forget_until(&mut sending.on_the_way, &mut sending.on_the_way_bytes, now);
        let piece = bytes.min(path.piece_bytes);
        let state = &mut *self.state();
        if let Some(until) = state.outage(path, now) {
            return Push::Wait(until);
        }
        let window = sending.congestion.map_or(u64::MAX, |it| it.window());
        if let Some((acknowledged, _)) = sending.on_the_way.front()
            && sending.on_the_way_bytes + piece > state.window_bytes.min(window)
        {
            return Push::Wait(*acknowledged);
        }
        // Who has nothing in the queues may always send something, so nobody starves.
        if let Some((gone, _)) = sending.waiting.front() {
            let shares = path.links.iter().filter_map(|link| {
                let link = state.links.get_mut(*link)?;
                Some(link.share(now, sending.sender, path.piece_bytes))
            });
            if sending.waiting_bytes + piece > shares.min().unwrap_or(u64::MAX) {
                return Push::Wait(*gone);
            }
        }
        let mut at = now;
        for link in &path.links {
            if let Some(link) = state.links.get_mut(*link) {
                at = link.carry(at, piece, Some(sending.sender));
            }
        }
        let mut arrives = at + path.quality.latency_ns + state.jitter(path);
        let mut acknowledged = arrives.max(sending.last_arrival) + path.quality.latency_ns;
        if let Some(congestion) = &mut sending.congestion {
            // Others behind a lost one are acknowledged all the same, but wait for it.
            acknowledged = arrives + path.quality.latency_ns;
            if let Some((last, _)) = sending.on_the_way.back() {
                acknowledged = acknowledged.max(*last);
            }
            let round_trip = 2 * path.quality.latency_ns + path.quality.jitter_ns;
            congestion.sent(piece, sending.on_the_way_bytes, state.window_bytes);
            for _ in 0..state.lost(path, piece) {
                congestion.lost(now, round_trip);
                arrives += round_trip;
            }
        }
        let arrives = arrives.max(sending.last_arrival);
        sending.last_arrival = arrives;
        state.sent_bytes += piece;
        sending.waiting.push_back((at, piece));
        sending.waiting_bytes += piece;
        sending.on_the_way.push_back((acknowledged, piece));
        sending.on_the_way_bytes += piece;
        let event = Event::Sent {
            from: sending.from,
            to: sending.to,
            bytes: piece,
            arrives,
        };
        state.trace.note(now, event);
        Push::Sent {
            bytes: piece,
            arrives,
        }
    }

    /// When the end of a connection arrives, behind all that was sent.
    pub(super) fn end(sending: &Sending) -> u64 {
        let latency = sending
            .path
            .as_ref()
            .map_or(0, |path| path.quality.latency_ns);
        sending.last_arrival.max(now() + latency)
    }

    /// Takes what arrived at a host over the host's own link: when it is there.
    pub(super) fn receive(&self, host: IpAddr, from: IpAddr, arrived: u64, bytes: u64) -> u64 {
        let state = &mut *self.state();
        let down = state.hosts.get(&host).map(|host| host.down);
        if host != from {
            state.received_bytes += bytes;
        }
        match down.and_then(|down| state.links.get_mut(down)) {
            Some(link) if host != from => link.carry(arrived, bytes, None),
            _ => arrived,
        }
    }

    /// Sends a datagram: to whom, and when it arrives there. Who loses it is not told.
    pub(super) fn datagram(
        &self,
        from: SocketAddr,
        to: SocketAddr,
        bytes: u64,
        wants_own: bool,
    ) -> Vec<(SocketAddr, u64)> {
        let now = now();
        let state = &mut *self.state();
        let Some(sender) = state.hosts.get(&from.ip()).cloned() else {
            return Vec::new();
        };
        let receivers: Vec<_> = if to.ip().is_multicast() {
            let members = state.groups.get(&(sender.site, to));
            members.into_iter().flatten().copied().collect()
        } else {
            vec![to]
        };
        let mut sent = Vec::new();
        // To a group of the site it leaves the host once.
        let mut left = None;
        for to in receivers {
            if to.ip() == from.ip() {
                if wants_own {
                    sent.push((to, now));
                }
                continue;
            }
            let Some(path) = state.path(from.ip(), to.ip()) else {
                continue;
            };
            if left.is_none()
                && let Some(site) = state.sites.get_mut(sender.site.0)
            {
                site.datagram_bytes += bytes;
            }
            let fate = state.send(&path, now, bytes, &mut left);
            let event = Event::Datagram {
                from,
                to,
                bytes,
                fate,
            };
            state.trace.note(now, event);
            if let Fate::Arrives(at) = fate {
                state.sent_bytes += bytes;
                sent.push((to, at));
            }
        }
        sent
    }

    pub(super) fn join(&self, host: IpAddr, group: SocketAddr) {
        let mut state = self.state();
        if let Some(site) = state.hosts.get(&host).map(|host| host.site) {
            let member = SocketAddr::new(host, group.port());
            state
                .groups
                .entry((site, group))
                .or_default()
                .insert(member);
        }
    }

    pub(super) fn leave(&self, host: IpAddr, group: SocketAddr) {
        let mut state = self.state();
        if let Some(site) = state.hosts.get(&host).map(|host| host.site)
            && let Some(members) = state.groups.get_mut(&(site, group))
        {
            members.remove(&SocketAddr::new(host, group.port()));
        }
    }
}

impl State {
    fn add_link(&mut self, name: String, settings: LinkSettings) -> usize {
        self.links.push(Link::new(name, settings));
        self.links.len() - 1
    }

    fn record(&mut self, link: usize, what: Measure) {
        if let Some(link) = self.links.get_mut(link) {
            link.record = Some((what, Series::default()));
        }
    }

    fn rate(&self, link: usize) -> Rate {
        self.links
            .get(link)
            .map_or(Rate::UNLIMITED, |link| link.settings.rate)
    }

    /// `None`: it does not leave the host.
    fn path(&self, from: IpAddr, to: IpAddr) -> Option<Path> {
        if from == to {
            return None;
        }
        let ends = [from, to];
        let (from, to) = (self.hosts.get(&from)?, self.hosts.get(&to)?);
        let (here, there) = (self.sites.get(from.site.0)?, self.sites.get(to.site.0)?);
        let mut links = vec![from.up];
        let mut parts = vec![here.lan];
        if from.site != to.site {
            links.extend(here.wan.map(|wan| wan.up));
            links.extend(there.wan.map(|wan| wan.down));
            parts.extend(here.wan.iter().chain(&there.wan).map(|wan| wan.quality));
            parts.push(there.lan);
        }
        let arriving = parts.iter().fold(1_000_000, |arriving: u64, part| {
            arriving * u64::from(1_000_000_u32.saturating_sub(part.lost_per_million)) / 1_000_000
        });
        let all = links.iter().chain([&to.down]);
        let in_a_millisecond = all.map(|link| self.rate(*link).bytes_in(MILLISECOND)).min();
        Some(Path {
            quality: Quality {
                latency_ns: parts.iter().map(|part| part.latency_ns).sum(),
                jitter_ns: parts.iter().map(|part| part.jitter_ns).sum(),
                lost_per_million: u32::try_from(1_000_000 - arriving).unwrap_or(u32::MAX),
            },
            site: from.site.max(to.site),
            ends,
            crosses: (from.site != to.site).then_some([from.site, to.site]),
            piece_bytes: in_a_millisecond
                .unwrap_or(PIECE_BYTES_MOST)
                .clamp(PIECE_BYTES_LEAST, PIECE_BYTES_MOST),
            links,
        })
    }

    /// Until when nothing passes.
    fn outage(&self, path: &Path, now: u64) -> Option<u64> {
        let sites = path.crosses.iter().flatten();
        let sites = sites.filter_map(|site| self.sites.get(site.0));
        let hosts = path.ends.iter().filter_map(|end| self.hosts.get(end));
        let hosts = hosts.filter(|_| path.crosses.is_some());
        let [one, other] = &path.ends;
        let split = self
            .sites
            .get(path.site.0)
            .filter(|_| path.crosses.is_none());
        let splits = split.into_iter().flat_map(|site| &site.splits);
        let splits = splits.filter(|(side, ..)| side.contains(one) != side.contains(other));
        let outages = sites
            .flat_map(|site| &site.outages)
            .chain(hosts.flat_map(|host| &host.outages))
            .copied()
            .chain(splits.map(|(_, from, until)| (*from, *until)));
        let present = outages.filter(|(from, until)| (*from..*until).contains(&now));
        present.map(|(_, until)| until).max()
    }

    fn jitter(&mut self, path: &Path) -> u64 {
        match self.sites.get_mut(path.site.0) {
            Some(site) if path.quality.jitter_ns > 0 => {
                site.entropy.below(path.quality.jitter_ns + 1)
            }
            _ => 0,
        }
    }

    /// How often in a row packets of a piece are lost at most, each sent again until it comes.
    fn lost(&mut self, path: &Path, piece: u64) -> u64 {
        let packets = piece.div_ceil(PACKET_BYTES);
        let lost = (0..packets).map(|_| (0..16).take_while(|_| self.is_lost(path)).count());
        lost.max().unwrap_or_default() as u64
    }

    fn is_lost(&mut self, path: &Path) -> bool {
        let lost = u64::from(path.quality.lost_per_million);
        match self.sites.get_mut(path.site.0) {
            Some(site) if lost > 0 => site.entropy.below(1_000_000) < lost,
            _ => false,
        }
    }

    fn send(&mut self, path: &Path, now: u64, bytes: u64, left: &mut Option<u64>) -> Fate {
        let mut at = now;
        for (place, link) in path.links.iter().enumerate() {
            let Some(link) = self.links.get_mut(*link) else {
                continue;
            };
            match left {
                Some(left) if place == 0 => at = *left,
                _ if !link.has_room(at, bytes, place == 0) => {
                    link.dropped += 1;
                    return Fate::Dropped;
                }
                _ => {
                    at = link.carry(at, bytes, None);
                    if place == 0 {
                        *left = Some(at);
                    }
                }
            }
        }
        if self.is_lost(path) || self.outage(path, now).is_some() {
            return Fate::Lost;
        }
        Fate::Arrives(at + path.quality.latency_ns + self.jitter(path))
    }
}
