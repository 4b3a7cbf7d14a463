//! What goes wrong in a branch: which faults are at work, what they hold up, cut off and alter.
//! Invariant: machines are never touched but by what their world tells them; where nothing goes wrong, nothing here is asked.
//! Unit: nanoseconds since the beginning; bytes.

use std::collections::{BTreeMap, BTreeSet};

use peerdist::client::{DownloadToken, FetchToken};
use peerdist::content::SegmentId;
use peerdist::retrieval::BlockIndex;
use peerdist::time::{Duration, Instant};

use super::branch::{Branch, Happening, Route, Sending, span};
use super::lying::Claims;
use super::network::Flow;
use super::overhead::RANGE_RESPONSE;
use crate::chance::Chance;
use crate::plan::{Effect, FaultPlan, FetchPlan, Plan, SitePlan};

/// How long after it failed a download is begun again, where anything goes wrong at all.
const BEGIN_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A message that waits until hosts reach each other again.
#[derive(Debug)]
struct Held {
    route: Route,
    bytes: u64,
    step: u64,
    /// What of it came before.
    came: u64,
    sending: Sending,
}

/// What goes wrong in a branch.
#[derive(Debug, Default)]
pub(super) struct Faulting {
    pub(super) faults: Vec<FaultPlan>,
    /// Those at work, by their places.
    at_work: BTreeSet<usize>,
    held: Vec<Held>,
    /// What of messages came before they were held up.
    came: BTreeMap<Flow, u64>,
    /// The length of each message under way and its step, where it may be held up.
    lengths: BTreeMap<Flow, (Route, u64, u64)>,
    /// Blocks in stores that are not what they should be, by host.
    pub(super) wrong: BTreeSet<(u32, SegmentId, BlockIndex)>,
    /// Whether the answer that is being heard has wrong bytes.
    pub(super) is_wrong: bool,
    pub(super) claims: Claims,
    /// When each slow disk is free.
    disks: BTreeMap<u32, Instant>,
    /// Downloads that began and are to begin again.
    pub(super) to_begin_again: Vec<FetchPlan>,
    chance: Option<Chance>,
    /// Nothing begins again.
    pub(super) is_over: bool,
    /// The defect that tests plant: whatever a peer sends is taken for what it should be.
    pub(super) trusts_everybody: bool,
}

impl Faulting {
    pub(super) fn new(plan: &Plan, site: &SitePlan) -> Self {
        let faults = plan.faults(site);
        let lies = |fault: &FaultPlan| fault.effect == Effect::Lies;
        let claims = if faults.iter().any(lies) {
            Claims::of(plan)
        } else {
            Claims::default()
        };
        Self {
            chance: (!faults.is_empty())
                .then(|| Chance::new(plan.seed, "mangling", &[site.number.into()])),
            faults,
            claims,
            ..Self::default()
        }
    }

    /// Whether nothing ever goes wrong here.
    pub(super) fn is_quiet(&self) -> bool {
        self.faults.is_empty()
    }

    fn effects(&self) -> impl Iterator<Item = &FaultPlan> {
        self.at_work
            .iter()
            .filter_map(|place| self.faults.get(*place))
    }

    fn has(&self, host: u32, effect: Effect) -> bool {
        self.effects()
            .any(|fault| fault.effect == effect && fault.befalls(host))
    }

    pub(super) fn is_down(&self, host: u32) -> bool {
        self.has(host, Effect::Crash)
    }

    pub(super) fn is_silent(&self, host: u32) -> bool {
        self.has(host, Effect::Silent)
    }

    pub(super) fn lies(&self, host: u32) -> bool {
        self.has(host, Effect::Lies)
    }

    /// Whether blocks leave a host with wrong bytes.
    pub(super) fn corrupts(&self, host: u32) -> bool {
        self.has(host, Effect::Corrupts) || self.lies(host)
    }

    /// Whether two hosts of the branch are on two sides.
    pub(super) fn is_between(&self, one: u32, other: u32) -> bool {
        self.effects().any(|fault| {
            fault.effect == Effect::CutFromNeighbours && fault.befalls(one) != fault.befalls(other)
        })
    }

    fn is_held(&self, route: Route) -> bool {
        match route {
            Route::Lan { from, to } => self.is_between(from, to),
            Route::ToOrigin(host) | Route::FromOrigin(host) => {
                self.has(host, Effect::LinkDown) || self.has(host, Effect::CutFromOrigin)
            }
        }
    }

    /// How far the clock of a host is ahead and behind.
    pub(super) fn skew(&self, host: u32) -> (Duration, Duration) {
        let mut skew = (Duration::ZERO, Duration::ZERO);
        for fault in self.effects().filter(|fault| fault.befalls(host)) {
            if let Effect::ClockSkew { ahead, behind } = fault.effect {
                skew.0 += span(ahead);
                skew.1 += span(behind);
            }
        }
        skew
    }

    /// The content that is had under the name of another now.
    fn current(&self, content: u32) -> u32 {
        let mut current = content;
        // A later version comes behind an earlier one.
        for fault in self.effects() {
            if let Effect::NewVersion {
                content: of,
                becomes,
            } = fault.effect
                && of == content
            {
                current = becomes;
            }
        }
        current
    }

    /// When a host's store has read a block, where that takes time.
    fn read_at(&mut self, now: Instant, host: u32, bytes: u64) -> Option<Instant> {
        let mut takes = Duration::ZERO;
        for fault in self.effects().filter(|fault| fault.befalls(host)) {
            if let Effect::SlowDisk { delay, rate } = fault.effect {
                takes += span(delay);
                if let Some(rate) = rate {
                    let nanos = u128::from(bytes) * 8_000_000_000 / u128::from(rate.0.max(1));
                    takes += Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
                }
            }
        }
        if takes.is_zero() {
            return None;
        }
        let free = self.disks.get(&host).copied().unwrap_or_default().max(now);
        self.disks.insert(host, free + takes);
        Some(free + takes)
    }

    /// Whether an answer with wrong bytes is mangled as a whole: its block is not found in it then.
    pub(super) fn mangles(&mut self) -> bool {
        self.chance
            .as_mut()
            .is_some_and(|chance| chance.below(4) == 0)
    }

    /// What is known of a message under way is forgotten.
    pub(super) fn forget(&mut self, flow: Flow) -> (u64, Option<(Route, u64, u64)>) {
        let came = self.came.remove(&flow).unwrap_or_default();
        (came, self.lengths.remove(&flow))
    }
}

impl Branch<'_> {
    /// Plans what goes wrong.
    pub(super) fn plan_faults(&mut self) {
        for place in 0..self.faulting.faults.len() {
            if let Some(fault) = self.faulting.faults.get(place) {
                let (from, until) = (fault.from, fault.until);
                self.queue.push(
                    from,
                    Happening::Fault {
                        place,
                        begins: true,
                    },
                );
                if let Some(until) = until {
                    let begins = false;
                    self.queue.push(until, Happening::Fault { place, begins });
                }
            }
        }
    }

    /// A fault begins, or heals.
    pub(super) fn fault(&mut self, place: usize, begins: bool) {
        let Some(fault) = self.faulting.faults.get(place).cloned() else {
            return;
        };
        let was_down: Vec<bool> = fault
            .hosts
            .iter()
            .map(|host| self.faulting.is_down(*host))
            .collect();
        if begins {
            self.faulting.at_work.insert(place);
        } else {
            self.faulting.at_work.remove(&place);
        }
        match fault.effect {
            Effect::Crash => {
                for (host, was_down) in fault.hosts.iter().zip(was_down) {
                    match (was_down, self.faulting.is_down(*host)) {
                        (false, true) => self.crash(*host),
                        (true, false) => self.come_back(*host),
                        _ => {}
                    }
                }
            }
            Effect::LinkDown | Effect::CutFromNeighbours | Effect::CutFromOrigin => {
                self.hold_and_release();
            }
            Effect::ClockSkew { .. } => {
                for number in fault.hosts {
                    let skew = self.faulting.skew(number);
                    if let Some(host) = self.host(number) {
                        host.skew = skew;
                    }
                }
            }
            _ => {}
        }
    }

    /// Stops what can go on no longer, and lets go what can again.
    fn hold_and_release(&mut self) {
        let faulting = &self.faulting;
        let lengths = faulting.lengths.iter();
        let stopped = lengths.filter(|(_, (route, ..))| faulting.is_held(*route));
        let stopped: Vec<Flow> = stopped.map(|(flow, _)| *flow).collect();
        for flow in stopped {
            let (before, length) = self.faulting.forget(flow);
            let sending = self.cut_off(flow);
            let (Some((sending, came)), Some((route, bytes, step))) = (sending, length) else {
                continue;
            };
            self.forget_flow(&sending);
            self.faulting.held.push(Held {
                route,
                bytes: bytes.saturating_sub(came).max(1),
                step,
                came: before + came,
                sending,
            });
        }
        let (stay, go): (Vec<Held>, Vec<Held>) = std::mem::take(&mut self.faulting.held)
            .into_iter()
            .partition(|held| self.faulting.is_held(held.route));
        self.faulting.held = stay;
        for held in go {
            self.start_from(held.route, held.bytes, held.step, held.came, held.sending);
        }
    }

    /// Keeps a message that cannot go now; gives back one that can.
    pub(super) fn hold(
        &mut self,
        route: Route,
        bytes: u64,
        step: u64,
        came: u64,
        sending: Sending,
    ) -> Option<Sending> {
        if !self.faulting.is_held(route) {
            return Some(sending);
        }
        self.faulting.held.push(Held {
            route,
            bytes,
            step,
            came,
            sending,
        });
        None
    }

    /// Notes a message under way that may be held up.
    pub(super) fn note_length(
        &mut self,
        flow: Flow,
        route: Route,
        bytes: u64,
        step: u64,
        came: u64,
    ) {
        self.faulting.lengths.insert(flow, (route, bytes, step));
        if came > 0 {
            self.faulting.came.insert(flow, came);
        }
    }

    /// What of a message came, counted from its own beginning.
    pub(super) fn came_before(&self, flow: Flow) -> u64 {
        self.faulting.came.get(&flow).copied().unwrap_or_default()
    }

    /// Drops messages that are held up for good.
    pub(super) fn drop_held(&mut self, is_dropped: impl Fn(&Sending) -> bool) {
        self.faulting.held.retain(|held| !is_dropped(&held.sending));
    }

    /// Whether a datagram comes from one host to the other.
    pub(super) fn hears(&self, from: u32, to: u32) -> bool {
        let faulting = &self.faulting;
        faulting.is_quiet()
            || !(faulting.is_between(from, to) || faulting.is_down(from) || faulting.is_down(to))
    }

    /// The content that a request is answered with now.
    pub(super) fn current_content(&self, fetch: &FetchPlan) -> u32 {
        self.faulting.current(fetch.content)
    }

    /// The origin is asked for a range of what it has no longer.
    pub(super) fn range_changed(&mut self, number: u32, fetch: FetchToken) {
        let sending = Sending::Changed {
            host: number,
            fetch,
        };
        let route = Route::FromOrigin(number);
        self.send(route, true, RANGE_RESPONSE, u64::MAX, sending);
    }

    /// A host hears that its content is another now, and begins anew.
    pub(super) fn content_changed(&mut self, number: u32, fetch: FetchToken) {
        let Some(host) = self.host(number) else {
            return;
        };
        host.give_connection(None);
        let asking = host.asking.as_deref_mut();
        let range = asking.and_then(|asking| asking.ranges.remove(&fetch));
        if let Some(range) = range {
            let download = range.download;
            self.client(number, peerdist::client::Input::Cancel { download });
        }
    }

    /// Takes a download back that did not end well, to begin it again.
    pub(super) fn begin_again(&mut self, number: u32, download: DownloadToken) -> bool {
        if self.faulting.is_quiet() || self.faulting.is_over {
            return false;
        }
        let downloads = self.host(number).map(|host| &mut host.downloads);
        let Some(taken) = downloads.and_then(|downloads| downloads.remove(&download)) else {
            return false;
        };
        self.faulting.to_begin_again.push(taken.fetch);
        // What another version took the place of is begun at once.
        let has_changed = self.current_content(&taken.fetch) != taken.content;
        let after = if has_changed {
            Duration::ZERO
        } else {
            BEGIN_AGAIN_AFTER
        };
        self.queue
            .push(self.now + after, Happening::BeginAgain(taken.fetch));
        true
    }

    /// Whether a download can begin now; it begins when its host is back otherwise.
    pub(super) fn may_begin(&mut self, fetch: FetchPlan) -> bool {
        let is_down = self.faulting.is_down(fetch.host);
        if is_down {
            self.faulting.to_begin_again.push(fetch);
        }
        !is_down
    }

    /// A download begins again, unless it has done so.
    pub(super) fn begin_once_more(&mut self, fetch: FetchPlan) {
        let mut waiting = self.faulting.to_begin_again.iter();
        if let Some(place) = waiting.position(|it| *it == fetch) {
            self.faulting.to_begin_again.swap_remove(place);
            self.begin(fetch);
        }
    }

    /// When a slow disk has read a block; nothing for one that is not slow.
    pub(super) fn reads_until(&mut self, host: u32, bytes: u64) -> Option<Instant> {
        self.faulting.read_at(self.now, host, bytes)
    }

    /// Whether the origin has another content now than the one that a download gets.
    pub(super) fn has_changed(&mut self, number: u32, download: DownloadToken) -> bool {
        let host = self.hosts.get(number as usize);
        let download = host.and_then(|host| host.downloads.get(&download));
        download.is_some_and(|it| self.current_content(&it.fetch) != it.content)
    }
}
