//! Everything between the hosts: what goes over their links, when it arrives, and who is a member of which group.
//! Invariant: who has nothing in the queues may always send something; groups do not reach beyond their site.
//! Unit: nanoseconds since the beginning; payload bytes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use peerdist::entropy::{Entropy, Purpose};

use super::congestion::Congestion;
use super::layout::{Host, Layout, Path, Site, SiteId, SiteWan};
use super::office::Serving;
use super::run::LinkUse;
use super::shape::{Link, LinkSettings, Quality, Sender};
use super::trace::{Event, Fate, Trace};
use crate::series::Measure;

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

/// All that is between the hosts. Copies are the same wires.
#[derive(Debug, Clone)]
pub(super) struct Wires(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    layout: Layout,
    groups: BTreeMap<(SiteId, SocketAddr), BTreeSet<SocketAddr>>,
    senders: u64,
    window_bytes: u64,
    sent_bytes: u64,
    received_bytes: u64,
    trace: Trace,
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
            layout: Layout::default(),
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
            up: state.layout.add_link(format!("{name} wan up"), up),
            down: state.layout.add_link(format!("{name} wan down"), down),
            quality,
        });
        if let Some(wan) = wan {
            state.layout.record(wan.up, Measure::WanUp);
            state.layout.record(wan.down, Measure::WanDown);
        }
        let entropy = Entropy::new(seed, Purpose::Faults);
        state.layout.sites.push(Site {
            lan,
            wan,
            entropy,
            datagram_bytes: 0,
            outages: Vec::new(),
            splits: Vec::new(),
        });
        SiteId(state.layout.sites.len() - 1)
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
        let up = state.layout.add_link(format!("{name} lan up"), up);
        let down = state.layout.add_link(format!("{name} lan down"), down);
        state.layout.hosts.insert(
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
        state.layout.links.iter().map(of).collect()
    }

    /// Payload that was sent, for each that it went to, and what of it came over the last link.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let state = self.state();
        (state.sent_bytes, state.received_bytes)
    }

    /// Bytes of datagrams that the hosts of each site sent, those to a group once.
    pub(super) fn datagram_bytes(&self) -> Vec<u64> {
        let state = self.state();
        state
            .layout
            .sites
            .iter()
            .map(|site| site.datagram_bytes)
            .collect()
    }

    pub(super) fn take_trace(&self) -> Trace {
        std::mem::take(&mut self.state().trace)
    }

    pub(super) fn sending(&self, from: SocketAddr, to: SocketAddr) -> Sending {
        let mut state = self.state();
        state.senders += 1;
        let path = state.layout.path(from.ip(), to.ip());
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
        if let Some(site) = self.state().layout.sites.get_mut(site.0) {
            site.outages.push((from, until));
        }
    }

    /// A host does not reach other sites for a time.
    pub(super) fn add_host_outage(&self, host: IpAddr, from: u64, until: u64) {
        if let Some(host) = self.state().layout.hosts.get_mut(&host) {
            host.outages.push((from, until));
        }
    }

    /// Some hosts of a site do not reach the others for a time.
    pub(super) fn add_split(&self, site: SiteId, side: BTreeSet<IpAddr>, from: u64, until: u64) {
        if let Some(site) = self.state().layout.sites.get_mut(site.0) {
            site.splits.push((side, from, until));
        }
    }

    /// A host serves otherwise than it should for a time.
    pub(super) fn add_serving(&self, host: IpAddr, how: Serving, from: u64, until: u64) {
        if let Some(host) = self.state().layout.hosts.get_mut(&host) {
            host.serving.push((how, from, until));
        }
    }

    /// How a host serves now, where not as it should.
    pub(super) fn serving(&self, host: IpAddr) -> Option<Serving> {
        let state = self.state();
        let host = state.layout.hosts.get(&host)?;
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
        state.layout.outage(&state.layout.path(from, to)?, now())
    }

    /// How long a message to a host and its answer take, without what they wait for others.
    pub(super) fn round_trip(&self, from: IpAddr, to: IpAddr) -> u64 {
        let mut state = self.state();
        let Some(path) = state.layout.path(from, to) else {
            return 0;
        };
        let there = path.quality.latency_ns + state.layout.jitter(&path);
        there + path.quality.latency_ns + state.layout.jitter(&path)
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
        if let Some(until) = state.layout.outage(path, now) {
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
                let link = state.layout.links.get_mut(*link)?;
                Some(link.share(now, sending.sender, path.piece_bytes))
            });
            if sending.waiting_bytes + piece > shares.min().unwrap_or(u64::MAX) {
                return Push::Wait(*gone);
            }
        }
        let mut at = now;
        for link in &path.links {
            if let Some(link) = state.layout.links.get_mut(*link) {
                at = link.carry(at, piece, Some(sending.sender));
            }
        }
        let mut arrives = at + path.quality.latency_ns + state.layout.jitter(path);
        let mut acknowledged = arrives.max(sending.last_arrival) + path.quality.latency_ns;
        if let Some(congestion) = &mut sending.congestion {
            // Others behind a lost one are acknowledged all the same, but wait for it.
            acknowledged = arrives + path.quality.latency_ns;
            if let Some((last, _)) = sending.on_the_way.back() {
                acknowledged = acknowledged.max(*last);
            }
            let round_trip = 2 * path.quality.latency_ns + path.quality.jitter_ns;
            congestion.sent(piece, sending.on_the_way_bytes, state.window_bytes);
            for _ in 0..state.layout.lost(path, piece) {
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
        let down = state.layout.hosts.get(&host).map(|host| host.down);
        if host != from {
            state.received_bytes += bytes;
        }
        match down.and_then(|down| state.layout.links.get_mut(down)) {
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
        let Some(sender) = state.layout.hosts.get(&from.ip()).cloned() else {
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
            let Some(path) = state.layout.path(from.ip(), to.ip()) else {
                continue;
            };
            if left.is_none()
                && let Some(site) = state.layout.sites.get_mut(sender.site.0)
            {
                site.datagram_bytes += bytes;
            }
            let fate = state.layout.send(&path, now, bytes, &mut left);
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
        if let Some(site) = state.layout.hosts.get(&host).map(|host| host.site) {
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
        if let Some(site) = state.layout.hosts.get(&host).map(|host| host.site)
            && let Some(members) = state.groups.get_mut(&(site, group))
        {
            members.remove(&SocketAddr::new(host, group.port()));
        }
    }
}
