//! The network of a branch as fluids: what goes over the same links shares them max-min fairly.
//! Invariant: whole numbers only; the flows on a link together never exceed its rate; a flow carries exactly its bytes.
//! Unit: nanoseconds; rates in 1/1024 bit a second; what a flow was given in such rates times nanoseconds.

mod checks;
mod lift;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use peerdist::time::{Duration, Instant};

pub(super) use lift::{Lifted, service_of};

/// Fractions of a bit a second, so that little is lost where a rate is divided.
const FRACTIONS: u128 = 1024;
/// Service of a byte: 8 bits, for a second, in nanoseconds and fractions.
const OF_A_BYTE: u128 = 8 * 1_000_000_000 * FRACTIONS;

/// One direction of a line, or of a host's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link(u32);

/// Something under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flow(u64);

/// The links that a flow takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path {
    links: [Link; 4],
    length: u8,
}

impl Path {
    /// Over one to four links.
    pub(super) fn over(links: &[Link]) -> Self {
        let mut path = Self {
            links: [Link(u32::MAX); 4],
            length: 0,
        };
        for (to, link) in path.links.iter_mut().zip(links) {
            *to = *link;
            path.length += 1;
        }
        path
    }

    fn links(&self) -> &[Link] {
        self.links
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }
}

/// A flow reached a step of its way, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) flow: Flow,
    /// Bytes that are there now.
    pub(super) bytes: u64,
    pub(super) is_end: bool,
}

#[derive(Debug)]
struct LinkState {
    /// In fractions.
    rate: u128,
    /// The groups on it, in the order in which they came.
    groups: Vec<GroupPlace>,
    /// What it carried, in service.
    served: u128,
    /// What flows that are over got, in service.
    brought: u128,
    flows: u64,
    /// The round in which it was seen last, and what is left of it in that round: rate and flows.
    seen: u64,
    left: (u128, u64),
}

/// Where a group is.
type GroupPlace = u32;

/// All flows on one path: each gets the same.
#[derive(Debug)]
struct Group {
    path: Path,
    /// What each flow was given since the group began.
    service: u128,
    since: Instant,
    /// Of each flow, in fractions.
    rate: u128,
    /// The service at which each flow reaches its next step.
    steps: BinaryHeap<Reverse<(u128, Flow)>>,
    /// When the first of them does.
    due: Option<Instant>,
    seen: u64,
}

#[derive(Debug)]
struct FlowState {
    group: GroupPlace,
    /// The service of its group when it began.
    start: u128,
    bytes: u64,
    /// Bytes from one step to the next.
    step: u64,
    /// Bytes at the step to come.
    next: u64,
}

/// The links, and what goes over them.
#[derive(Debug, Default)]
pub(super) struct Network {
    links: Vec<LinkState>,
    groups: Vec<Group>,
    /// Groups without flows, to be used for other paths.
    spare: Vec<GroupPlace>,
    places: BTreeMap<Path, GroupPlace>,
    flows: BTreeMap<Flow, FlowState>,
    due: BTreeSet<(Instant, Path, GroupPlace)>,
    names: u64,
    rounds: u64,
    /// What the last round saw.
    seen_links: Vec<Link>,
    seen_groups: Vec<GroupPlace>,
}

impl Network {
    /// A link of so many bits a second.
    pub(super) fn link(&mut self, bits_a_second: u64) -> Link {
        let link = Link(u32::try_from(self.links.len()).unwrap_or(u32::MAX));
        self.links.push(LinkState {
            rate: u128::from(bits_a_second) * FRACTIONS,
            groups: Vec::new(),
            served: 0,
            brought: 0,
            flows: 0,
            seen: 0,
            left: (0, 0),
        });
        link
    }

    /// Starts a flow of at least a byte that tells of every `step` bytes, and of its end.
    pub(super) fn start(&mut self, now: Instant, path: Path, bytes: u64, step: u64) -> Flow {
        self.names += 1;
        let flow = Flow(self.names);
        let bytes = bytes.max(1);
        let step = step.clamp(1, bytes);
        self.look_around(path);
        self.settle_seen(now);
        let place = self.place_of(path);
        if let Some(group) = self.groups.get_mut(place as usize) {
            group.since = now;
            let state = FlowState {
                group: place,
                start: group.service,
                bytes,
                step,
                next: step,
            };
            group.steps.push(Reverse((state.target(), flow)));
            self.flows.insert(flow, state);
        }
        for link in path.links() {
            if let Some(link) = self.links.get_mut(link.0 as usize) {
                link.flows += 1;
            }
        }
        self.share_seen(now);
        flow
    }

    /// The group of a path; a new one is among those seen.
    fn place_of(&mut self, path: Path) -> GroupPlace {
        if let Some(place) = self.places.get(&path) {
            return *place;
        }
        let group = Group {
            path,
            service: 0,
            since: Instant::ZERO,
            rate: 0,
            steps: BinaryHeap::new(),
            due: None,
            seen: self.rounds,
        };
        let place = match self.spare.pop() {
            Some(place) => {
                if let Some(spare) = self.groups.get_mut(place as usize) {
                    *spare = group;
                }
                place
            }
            None => {
                self.groups.push(group);
                u32::try_from(self.groups.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.places.insert(path, place);
        self.seen_groups.push(place);
        for link in path.links() {
            if let Some(link) = self.links.get_mut(link.0 as usize) {
                link.groups.push(place);
            }
        }
        place
    }

    /// Ends a flow before its end; tells how many whole bytes of it came.
    pub(super) fn cancel(&mut self, now: Instant, flow: Flow) -> u64 {
        let Some(state) = self.flows.get(&flow) else {
            return 0;
        };
        let Some(group) = self.groups.get(state.group as usize) else {
            return 0;
        };
        let (place, start, bytes) = (state.group, state.start, state.bytes);
        self.look_around(group.path);
        self.settle_seen(now);
        let service = self.groups.get(place as usize).map_or(0, |it| it.service);
        self.end(now, flow);
        let came = service.saturating_sub(start) / OF_A_BYTE;
        u64::try_from(came).unwrap_or(u64::MAX).min(bytes)
    }

    /// When the next flow reaches a step.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, ..)| *at)
    }

    /// A flow that reached a step by now, if there is one.
    pub(super) fn reached(&mut self, now: Instant) -> Option<Reached> {
        let (_, path, place) = *self.due.first().filter(|(at, ..)| *at <= now)?;
        self.settle(now, place);
        let group = self.groups.get_mut(place as usize)?;
        let Reverse((_, flow)) = *group.steps.peek()?;
        let state = self.flows.get_mut(&flow)?;
        let reached = Reached {
            flow,
            bytes: state.next,
            is_end: state.next == state.bytes,
        };
        if reached.is_end {
            self.look_around(path);
            self.settle_seen(now);
            self.end(now, flow);
        } else {
            state.next = (state.next + state.step).min(state.bytes);
            let target = state.target();
            if let Some(mut first) = group.steps.peek_mut() {
                *first = Reverse((target, flow));
            }
            self.plan(place);
        }
        Some(reached)
    }

    /// What a link carried so far, in whole bytes.
    pub(super) fn carried(&mut self, now: Instant, link: Link) -> u64 {
        let of = |network: &Self| {
            network
                .links
                .get(link.0 as usize)
                .map(|link| link.groups.clone())
        };
        for place in of(self).unwrap_or_default() {
            self.settle(now, place);
        }
        let served = self
            .links
            .get(link.0 as usize)
            .map_or(0, |link| link.served);
        u64::try_from(served / OF_A_BYTE).unwrap_or(u64::MAX)
    }

    /// What flows on a link have still to bring, but for one of them, as far as it is below a limit.
    pub(super) fn backlog(&mut self, now: Instant, link: Link, but: Flow, most: u64) -> u64 {
        let groups = self.links.get(link.0 as usize);
        let groups = groups.map(|link| link.groups.clone()).unwrap_or_default();
        let mut bytes = 0_u64;
        for place in groups {
            self.settle(now, place);
            let Some(group) = self.groups.get(place as usize) else {
                continue;
            };
            for Reverse((_, flow)) in &group.steps {
                let Some(state) = self.flows.get(flow).filter(|_| *flow != but) else {
                    continue;
                };
                let brought = group.service.saturating_sub(state.start) / OF_A_BYTE;
                let brought = u64::try_from(brought).unwrap_or(u64::MAX);
                bytes = bytes.saturating_add(state.bytes.saturating_sub(brought));
                if bytes >= most {
                    return most;
                }
            }
        }
        bytes
    }

    /// Takes a flow away. What is around it was seen and settled.
    fn end(&mut self, now: Instant, flow: Flow) {
        let Some(state) = self.flows.remove(&flow) else {
            return;
        };
        let place = state.group;
        let Some(group) = self.groups.get_mut(place as usize) else {
            return;
        };
        let path = group.path;
        // What it got beyond its last byte, for moments are whole nanoseconds, was never carried.
        let whole = u128::from(state.bytes) * OF_A_BYTE;
        let beyond = group.service.saturating_sub(state.start + whole);
        let got = group.service.saturating_sub(state.start).min(whole);
        group.steps.retain(|Reverse((_, other))| *other != flow);
        let is_last = group.steps.is_empty();
        for link in path.links() {
            if let Some(link) = self.links.get_mut(link.0 as usize) {
                link.served = link.served.saturating_sub(beyond);
                link.brought += got;
                link.flows -= 1;
                if is_last {
                    link.groups.retain(|other| *other != place);
                }
            }
        }
        if is_last {
            self.unplan(place);
            self.places.remove(&path);
            self.spare.push(place);
            self.seen_groups.retain(|other| *other != place);
        }
        self.share_seen(now);
    }

    /// Gives a group what it was due until now.
    fn settle(&mut self, now: Instant, place: GroupPlace) {
        let Some(group) = self.groups.get_mut(place as usize) else {
            return;
        };
        let nanos = now.since(group.since).as_nanos();
        group.since = group.since.max(now);
        let each = group.rate * nanos;
        if each == 0 {
            return;
        }
        group.service += each;
        let all = each * group.steps.len() as u128;
        for link in group.path.links() {
            if let Some(link) = self.links.get_mut(link.0 as usize) {
                link.served += all;
            }
        }
    }

    /// Finds the links and groups whose rates depend on those of a path.
    fn look_around(&mut self, path: Path) {
        self.rounds += 1;
        let round = self.rounds;
        self.seen_links.clear();
        self.seen_groups.clear();
        for link in path.links() {
            if let Some(state) = self.links.get_mut(link.0 as usize) {
                state.seen = round;
                self.seen_links.push(*link);
            }
        }
        let mut at = 0;
        while let Some(link) = self.seen_links.get(at).copied() {
            at += 1;
            let count = self
                .links
                .get(link.0 as usize)
                .map_or(0, |link| link.groups.len());
            for which in 0..count {
                let place = self
                    .links
                    .get(link.0 as usize)
                    .and_then(|link| link.groups.get(which));
                let Some(&place) = place else {
                    continue;
                };
                let Some(group) = self.groups.get_mut(place as usize) else {
                    continue;
                };
                if group.seen == round {
                    continue;
                }
                group.seen = round;
                self.seen_groups.push(place);
                for other in group.path.links() {
                    if let Some(state) = self.links.get_mut(other.0 as usize)
                        && state.seen != round
                    {
                        state.seen = round;
                        self.seen_links.push(*other);
                    }
                }
            }
        }
    }

    fn settle_seen(&mut self, now: Instant) {
        for which in 0..self.seen_groups.len() {
            if let Some(place) = self.seen_groups.get(which).copied() {
                self.settle(now, place);
            }
        }
    }

    /// Divides what was seen anew: time and again the link that has least for each gives all of it away.
    fn share_seen(&mut self, now: Instant) {
        let mut groups = std::mem::take(&mut self.seen_groups);
        let links = std::mem::take(&mut self.seen_links);
        for link in &links {
            if let Some(state) = self.links.get_mut(link.0 as usize) {
                state.left = (state.rate, state.flows);
            }
        }
        while !groups.is_empty() {
            let share_of = |link: &Link| {
                let (rate, flows) = self.links.get(link.0 as usize)?.left;
                (flows > 0).then(|| (rate / u128::from(flows), *link))
            };
            let Some((share, scarce)) = links.iter().filter_map(share_of).min() else {
                break;
            };
            groups.retain(|&place| {
                let Some(group) = self.groups.get_mut(place as usize) else {
                    return false;
                };
                if !group.path.links().contains(&scarce) {
                    return true;
                }
                group.rate = share;
                group.since = now;
                let (path, flows) = (group.path, group.steps.len() as u64);
                for link in path.links() {
                    if let Some(state) = self.links.get_mut(link.0 as usize) {
                        state.left.0 = state.left.0.saturating_sub(share * u128::from(flows));
                        state.left.1 = state.left.1.saturating_sub(flows);
                    }
                }
                self.plan(place);
                false
            });
        }
        self.seen_groups = groups;
        self.seen_links = links;
    }

    fn unplan(&mut self, place: GroupPlace) {
        if let Some(group) = self.groups.get_mut(place as usize)
            && let Some(due) = group.due.take()
        {
            self.due.remove(&(due, group.path, place));
        }
    }

    /// Notes when a group reaches its next step.
    fn plan(&mut self, place: GroupPlace) {
        let Some(group) = self.groups.get_mut(place as usize) else {
            return;
        };
        let due = group.steps.peek().map(|Reverse((target, _))| {
            let left = target.saturating_sub(group.service);
            let nanos = left.div_ceil(group.rate.max(1));
            group.since + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        });
        if due == group.due {
            return;
        }
        if let Some(old) = std::mem::replace(&mut group.due, due) {
            self.due.remove(&(old, group.path, place));
        }
        if let Some(due) = due {
            self.due.insert((due, group.path, place));
        }
    }
}

impl FlowState {
    /// The service of its group at its next step.
    fn target(&self) -> u128 {
        self.start + u128::from(self.next) * OF_A_BYTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Instant {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "of tests"
        )]
        Instant::from_nanos((seconds * 1e9).round() as u64)
    }

    /// Everything that is reached, until nothing is under way.
    fn run(network: &mut Network) -> Vec<(f64, Reached)> {
        let mut all = Vec::new();
        while let Some(now) = network.next() {
            assert_eq!(network.overloaded(), None);
            while let Some(reached) = network.reached(now) {
                all.push((now.as_nanos() as f64 / 1e9, reached));
            }
        }
        all
    }

    #[test]
    fn a_flow_alone_takes_its_bytes_by_the_rate() {
        let mut network = Network::default();
        let link = network.link(8_000_000);
        network.start(at(1.0), Path::over(&[link]), 1_000_000, 400_000);
        let reached = run(&mut network);
        let times: Vec<(f64, u64)> = reached.iter().map(|(at, it)| (*at, it.bytes)).collect();
        assert_eq!(times, [(1.4, 400_000), (1.8, 800_000), (2.0, 1_000_000)]);
        assert_eq!(network.carried(at(9.0), link), 1_000_000);
    }

    #[test]
    fn flows_share_and_take_what_others_leave() {
        let mut network = Network::default();
        let link = network.link(8_000_000);
        let path = Path::over(&[link]);
        network.start(at(0.0), path, 1_000_000, u64::MAX);
        network.start(at(0.5), path, 250_000, u64::MAX);
        let times: Vec<f64> = run(&mut network).iter().map(|(at, _)| *at).collect();
        // Half a second alone, half a second shared, the rest alone.
        assert_eq!(times, [1.0, 1.25]);
        assert_eq!(network.carried(at(2.0), link), 1_250_000);
        assert!(network.flows.is_empty());
    }

    #[test]
    fn what_one_cannot_use_because_of_another_link_others_get() {
        let mut network = Network::default();
        let (wide, narrow) = (network.link(10_000_000), network.link(1_000_000));
        network.start(at(0.0), Path::over(&[wide, narrow]), 1_000_000, u64::MAX);
        network.start(at(0.0), Path::over(&[wide]), 9_000_000, u64::MAX);
        let times: Vec<f64> = run(&mut network).iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [8.0, 8.0]);
    }

    #[test]
    fn a_cancelled_flow_leaves_its_share() {
        let mut network = Network::default();
        let link = network.link(8_000_000);
        let path = Path::over(&[link]);
        let gone = network.start(at(0.0), path, 1_000_000, u64::MAX);
        network.start(at(0.0), path, 1_000_000, u64::MAX);
        network.cancel(at(0.5), gone);
        let times: Vec<f64> = run(&mut network).iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [1.25]);
        assert_eq!(network.carried(at(2.0), link), 1_250_000);
    }

    #[test]
    fn links_carry_exactly_what_flows_brought_whatever_they_share() {
        for seed in 0..50 {
            let mut chance = crate::chance::Chance::new(seed, "network", &[]);
            let mut network = Network::default();
            let links: Vec<Link> = (0..6)
                .map(|_| network.link(1 + chance.below(1_000_000_007)))
                .collect();
            let mut expected = [0_u64; 6];
            let mut now = Instant::ZERO;
            for _ in 0..60 {
                now = now + Duration::from_nanos(chance.below(2_000_000_000));
                let places: BTreeSet<usize> = (0..=chance.below(3))
                    .map(|_| usize::try_from(chance.below(6)).unwrap())
                    .take(3)
                    .collect();
                let bytes = 1 + chance.below(5_000_000);
                let path: Vec<Link> = places.iter().map(|&place| links[place]).collect();
                while let Some(due) = network.next().filter(|due| *due <= now) {
                    while network.reached(due).is_some() {}
                }
                network.start(now, Path::over(&path), bytes, 1 + chance.below(bytes));
                assert_eq!(network.overloaded(), None);
                for place in places {
                    expected[place] += bytes;
                }
            }
            run(&mut network);
            let end = now + Duration::from_nanos(u64::MAX / 4);
            let carried: Vec<u64> = links
                .iter()
                .map(|&link| network.carried(end, link))
                .collect();
            assert_eq!(carried, expected, "seed {seed}");
        }
    }
}
