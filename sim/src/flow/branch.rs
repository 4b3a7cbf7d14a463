//! A branch: its hosts, its links, and everything that happens in it until nothing is left to happen.
//! Invariant: one thing after the other in the order of time; what is the same in plan, seed and number goes the same way.
//! Byte order: none.

use std::collections::BTreeMap;
use std::sync::Arc;

use peerdist::client::{DownloadToken, FetchToken, Source};
use peerdist::discovery::{Probe, ProbeMatch};
use peerdist::hosted_cache::client::RequestId;
use peerdist::retrieval;
use peerdist::retrieval::client::Query;
use peerdist::retrieval::server::{Answer, Connection};
use peerdist::time::{Duration, Instant};

use super::bursting::Bursts;
use super::caching::Cache;
use super::faulting::Faulting;
use super::host::{Caller, Came, Host};
use super::line::{Line, good_rate};
use super::network::{Flow, Link, Network, Reached};
use super::offering::Offer;
use super::queue::Queue;
use super::store::Store;
use crate::chance::seed_of;
use crate::outcome::{SiteOutcome, Trace};
use crate::plan::{FetchPlan, Plan, SitePlan};
use crate::scenario::Group;
use crate::scenario::units::Span;
use crate::series::Recorder;
use crate::tuning::Tuning;

/// Which machine of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Downloader,
    Prober,
    Server,
    Responder,
    Offers,
    Cache,
    CacheClient,
}

/// A message on its way.
#[derive(Debug)]
pub(super) enum Sending {
    /// Give me this content.
    ContentRequest { host: u32, download: DownloadToken },
    /// Its content information.
    ContentInfo { host: u32, download: DownloadToken },
    /// All of it.
    Whole { host: u32, download: DownloadToken },
    /// Give me these bytes of it.
    RangeRequest { host: u32, fetch: FetchToken },
    /// The bytes.
    Range { host: u32, fetch: FetchToken },
    /// The content is another now.
    Changed { host: u32, fetch: FetchToken },
    /// A request of the retrieval protocol.
    Request {
        caller: Caller,
        peer: u32,
        query: Query,
    },
    /// An offer to the hosted cache.
    Offer { host: u32, offer: Offer },
    /// Its answer.
    OfferAnswer {
        host: u32,
        request: RequestId,
        status: u16,
        body: Vec<u8>,
    },
    /// The answer to a request.
    Response {
        caller: Caller,
        peer: u32,
        connection: Connection,
        answer: Answer,
        /// Whether its bytes are not those of the block.
        is_wrong: bool,
    },
}

/// Where a message goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Route {
    ToOrigin(u32),
    FromOrigin(u32),
    Lan { from: u32, to: u32 },
}

/// What can happen.
#[derive(Debug)]
pub(super) enum Happening {
    Begin(FetchPlan),
    /// The same for one that began before.
    BeginAgain(FetchPlan),
    /// A connection is open: the message can go.
    Start(Route, u64, u64, Sending),
    /// The last byte of a message is there.
    Arrived(Sending),
    /// Bytes of a range are there.
    RangeArrived {
        host: u32,
        fetch: FetchToken,
        received: u64,
    },
    /// No answer comes.
    Failed(Caller),
    Wake(u32, Role),
    Probe {
        to: u32,
        from: u32,
        probe: Arc<Probe>,
    },
    ProbeMatch {
        to: u32,
        from: u32,
        message: Box<ProbeMatch>,
    },
    /// A fault begins or heals.
    Fault {
        place: usize,
        begins: bool,
    },
    /// A slow disk has read a block.
    Loaded {
        host: u32,
        exchange: retrieval::server::Exchange,
        source: retrieval::server::BlockSource,
    },
    /// No answer comes to an offer.
    OfferFailed {
        host: u32,
        request: RequestId,
    },
}

pub(super) struct Branch<'p> {
    pub(super) plan: &'p Plan,
    pub(super) site: &'p SitePlan,
    pub(super) now: Instant,
    pub(super) queue: Queue<Happening>,
    pub(super) network: Network,
    pub(super) hosts: Vec<Host>,
    pub(super) outcome: SiteOutcome,
    pub(super) trace: Trace,
    pub(super) recorder: Recorder,
    /// Bytes where those of blocks would be.
    pub(super) payload: Arc<[u8]>,
    pub(super) bursts: Bursts,
    /// Hosts with ranges of which not all that came was told to their clients.
    pub(super) untold: Vec<u32>,
    pub(super) faulting: Faulting,
    /// Where the block that was verified last came from.
    pub(super) verified: Option<Source>,
    pub(super) sendings: BTreeMap<Flow, Sending>,
    pub(super) wan_down: Link,
    pub(super) wan_up: Link,
    /// Where all branches share it: the line of the data centre, from it and to it.
    pub(super) centre: Option<[Link; 2]>,
    pub(super) line: Line,
    /// Where others share the network: the flows that were started since somebody looked.
    pub(super) started: Option<Vec<Flow>>,
    /// What flows brought over the line, each way, and whether one was cut off.
    brought: [u64; 2],
    was_cut: bool,
}

/// So many are told of a branch.
const VIOLATIONS_LIMIT: usize = 100;
/// The longest payload: a segment of version 2.0 with the padding of its cipher.
const PAYLOAD_BYTES: usize = (128 << 10) + 16;

impl<'p> Branch<'p> {
    pub(super) fn new(plan: &'p Plan, site: &'p SitePlan) -> Self {
        Self::within(plan, site, Network::default(), None)
    }

    /// A branch on a network that others are on too.
    pub(super) fn within(
        plan: &'p Plan,
        site: &'p SitePlan,
        mut network: Network,
        centre: Option<[Link; 2]>,
    ) -> Self {
        let line = &site.site.link;
        let (down, up) = [line.down, line.up()]
            .map(|rate| good_rate(rate, line.loss.0))
            .into();
        let (wan_down, wan_up) = (network.link(down), network.link(up));
        let hosts = (0_u32..).zip(&site.hosts);
        let mut make = |number: u32, group: Group| {
            let lan = group.lan_rate.unwrap_or(site.site.lan.rate).0;
            let store = Store::new(group.store.size.0, Host::age_limit(&group));
            Host {
                number,
                seed: plan.seed,
                site: site.number,
                up: network.link(lan),
                down: network.link(lan),
                store,
                downloads: BTreeMap::new(),
                asking: None,
                offers: None,
                cache: None,
                came: Came::default(),
                waiting: BTreeMap::new(),
                answering: None,
                idle: BTreeMap::new(),
                skew: (Duration::ZERO, Duration::ZERO),
                life: 0,
                tuning: Tuning::of(&group),
                group,
            }
        };
        let hosts = hosts.filter_map(|(number, _)| {
            let group = plan.group_of(site, number)?.clone();
            Some(make(number, group))
        });
        let mut hosts: Vec<Host> = hosts.collect();
        if let Some(kept) = site.cache_store() {
            // Behind the others.
            let number = site.cache_number();
            let mut host = make(
                number,
                Group {
                    store: kept.clone(),
                    ..Group::default()
                },
            );
            let seed = seed_of(plan.seed, "hosted cache", &[site.number.into()]);
            host.cache = Cache::new(&seed).map(Box::new);
            host.store.gone = Some(Vec::new());
            hosts.push(host);
        }
        let mut queue = Queue::new();
        let fetches = plan.fetches(site);
        let last = fetches.last().map_or(Instant::ZERO, |fetch| fetch.at);
        for fetch in fetches {
            queue.push(fetch.at, Happening::Begin(fetch));
        }
        let mut branch = Self {
            plan,
            site,
            now: Instant::ZERO,
            queue,
            network,
            hosts,
            outcome: SiteOutcome::default(),
            trace: Trace::default(),
            recorder: Recorder::for_span(last.as_nanos()),
            payload: vec![0; PAYLOAD_BYTES].into(),
            bursts: Bursts::default(),
            untold: Vec::new(),
            faulting: Faulting::new(plan, site),
            verified: None,
            sendings: BTreeMap::new(),
            wan_down,
            wan_up,
            line: Line::new(plan, site),
            started: centre.map(|_| Vec::new()),
            centre,
            brought: [0; 2],
            was_cut: false,
        };
        branch.plan_faults();
        branch
    }

    /// Lets everything happen.
    pub(super) fn run(mut self) -> SiteOutcome {
        loop {
            let (flow, event) = (self.network.next(), self.queue.next());
            let next = flow.into_iter().chain(event).min();
            let Some(next) = next.filter(|next| *next <= self.plan.end) else {
                break;
            };
            self.record_until(next);
            self.now = next;
            if flow == Some(next) {
                while let Some(reached) = self.network.reached(next) {
                    self.reached(reached);
                }
            } else if let Some((_, happening)) = self.queue.pop() {
                self.happen(happening);
            }
        }
        self.close().0
    }

    pub(super) fn happen(&mut self, happening: Happening) {
        if !matches!(happening, Happening::RangeArrived { .. }) {
            self.tell_of_ranges();
        }
        match happening {
            Happening::Begin(fetch) => self.begin(fetch),
            Happening::BeginAgain(fetch) => self.begin_once_more(fetch),
            Happening::Start(route, bytes, step, sending) => {
                self.start(route, bytes, step, sending);
            }
            Happening::Arrived(sending) => self.arrived(sending),
            Happening::RangeArrived {
                host,
                fetch,
                received,
            } => self.range_arrived(host, fetch, received),
            Happening::Failed(caller) => self.failed(caller),
            Happening::Wake(host, role) => self.wake(host, role),
            Happening::Probe { to, from, probe } => self.probed(to, from, &probe),
            Happening::ProbeMatch { to, from, message } => self.matched(to, from, &message),
            Happening::Fault { place, begins } => self.fault(place, begins),
            Happening::Loaded {
                host,
                exchange,
                source,
            } => self.loaded(host, exchange, &source),
            Happening::OfferFailed { host, request } => self.offer_failed(host, request),
        }
    }

    fn arrived(&mut self, sending: Sending) {
        match sending {
            Sending::ContentRequest { host, download } => self.content_asked(host, download),
            Sending::ContentInfo { host, download } => self.described(host, download),
            Sending::Whole { host, download } => self.came_whole(host, download),
            Sending::RangeRequest { host, fetch } => self.range_asked(host, fetch),
            Sending::Range { .. } => {}
            Sending::Changed { host, fetch } => self.content_changed(host, fetch),
            Sending::Request {
                caller,
                peer,
                query,
            } => self.requested(caller, peer, &query),
            Sending::Response {
                caller,
                peer,
                answer,
                is_wrong,
                ..
            } => self.answered(caller, peer, &answer, is_wrong),
            Sending::Offer { host, offer } => self.offered(host, &offer),
            Sending::OfferAnswer {
                host,
                request,
                status,
                body,
            } => self.offer_answered(host, request, status, &body),
        }
    }

    pub(super) fn reached(&mut self, reached: Reached) {
        let after = match self.sendings.get(&reached.flow) {
            None => return,
            Some(Sending::Range { host, fetch }) => {
                let (host, fetch) = (*host, *fetch);
                let came = self.came_before(reached.flow) + reached.bytes;
                let received = came.saturating_sub(super::overhead::RANGE_RESPONSE);
                let at = self.now + self.line_delay(&reached, None);
                self.queue.push(
                    at,
                    Happening::RangeArrived {
                        host,
                        fetch,
                        received,
                    },
                );
                self.line_latency()
            }
            Some(
                Sending::Request { .. }
                | Sending::Response { .. }
                | Sending::Offer { .. }
                | Sending::OfferAnswer { .. },
            ) => self.lan_latency(),
            Some(_) => Duration::ZERO,
        };
        if !reached.is_end {
            return;
        }
        let Some(sending) = self.sendings.remove(&reached.flow) else {
            return;
        };
        let after = match after {
            Duration::ZERO => self.line_delay(&reached, Some(&sending)),
            known => known,
        };
        self.let_go(reached.flow);
        let (came, _) = self.faulting.forget(reached.flow);
        let bytes = came + reached.bytes;
        match &sending {
            Sending::ContentRequest { .. } | Sending::RangeRequest { .. } => {
                self.brought[1] += bytes;
            }
            Sending::ContentInfo { .. }
            | Sending::Whole { .. }
            | Sending::Range { .. }
            | Sending::Changed { .. } => {
                self.brought[0] += bytes;
            }
            Sending::Response {
                peer, connection, ..
            } => self.sent(*peer, *connection),
            Sending::Request { .. } | Sending::Offer { .. } | Sending::OfferAnswer { .. } => {}
        }
        self.forget_flow(&sending);
        self.queue
            .push(self.now + after, Happening::Arrived(sending));
    }

    /// Sends a message once a connection is open.
    pub(super) fn send(
        &mut self,
        route: Route,
        is_open: bool,
        bytes: u64,
        step: u64,
        sending: Sending,
    ) {
        if is_open {
            self.start(route, bytes, step, sending);
        } else {
            let way = match route {
                Route::Lan { .. } => self.lan_latency(),
                Route::ToOrigin(_) | Route::FromOrigin(_) => self.line_latency(),
            };
            self.queue.push(
                self.now + way + way,
                Happening::Start(route, bytes, step, sending),
            );
        }
    }

    fn start(&mut self, route: Route, bytes: u64, step: u64, sending: Sending) {
        self.start_from(route, bytes, step, 0, sending);
    }

    /// The same for a message of which something came before.
    pub(super) fn start_from(
        &mut self,
        route: Route,
        bytes: u64,
        step: u64,
        came: u64,
        sending: Sending,
    ) {
        if !self.is_wanted(&sending) {
            return;
        }
        let Some(sending) = self.hold(route, bytes, step, came, sending) else {
            return;
        };
        let held_back = self.hold_back(route, bytes);
        let Some(path) = self.path(route, held_back) else {
            return;
        };
        let flow = self.network.start(self.now, path, bytes, step);
        self.note_held_back(flow, held_back);
        if let Some(started) = &mut self.started {
            started.push(flow);
        }
        if !self.faulting.is_quiet() {
            self.note_length(flow, route, bytes, step, came);
        }
        self.note_flow(&sending, flow);
        self.sendings.insert(flow, sending);
    }

    pub(super) fn sending(&self, flow: Flow) -> Option<&Sending> {
        self.sendings.get(&flow)
    }

    pub(super) fn take_sending(&mut self, flow: Flow) -> Option<Sending> {
        self.sendings.remove(&flow)
    }

    pub(super) fn put_sending(&mut self, flow: Flow, sending: Sending) {
        self.sendings.insert(flow, sending);
    }

    /// Cuts a message off.
    pub(super) fn cut(&mut self, flow: Flow) {
        self.cut_off(flow);
        self.faulting.forget(flow);
    }

    /// The same; tells what it was, and how much of it came.
    pub(super) fn cut_off(&mut self, flow: Flow) -> Option<(Sending, u64)> {
        let sending = self.sendings.remove(&flow)?;
        self.was_cut = true;
        let came = self.network.cancel(self.now, flow);
        self.let_go(flow);
        Some((sending, came))
    }

    /// Messages under way that are of some kind.
    pub(super) fn flows_of(&self, is_it: impl Fn(&Sending) -> bool) -> Vec<Flow> {
        let sendings = self.sendings.iter();
        let found = sendings.filter(|(_, sending)| is_it(sending));
        found.map(|(flow, _)| *flow).collect()
    }

    /// Whether somebody still waits for a message.
    fn is_wanted(&self, sending: &Sending) -> bool {
        let asking = |host: &u32| self.hosts.get(*host as usize)?.asking.as_deref();
        match sending {
            Sending::RangeRequest { host, fetch } | Sending::Range { host, fetch } => {
                asking(host).is_some_and(|asking| asking.ranges.contains_key(fetch))
            }
            Sending::Request { caller, .. } | Sending::Response { caller, .. } => self
                .hosts
                .get(caller.host as usize)
                .is_some_and(|host| host.waiting.contains_key(&caller.exchange)),
            _ => true,
        }
    }

    fn note_flow(&mut self, sending: &Sending, flow: Flow) {
        self.set_flow(sending, Some(flow));
    }

    pub(super) fn forget_flow(&mut self, sending: &Sending) {
        self.set_flow(sending, None);
    }

    fn set_flow(&mut self, sending: &Sending, flow: Option<Flow>) {
        let host = match sending {
            Sending::RangeRequest { host, .. } | Sending::Range { host, .. } => *host,
            Sending::Request { caller, .. } | Sending::Response { caller, .. } => caller.host,
            _ => return,
        };
        let Some(host) = self.hosts.get_mut(host as usize) else {
            return;
        };
        let place = match sending {
            Sending::Request { caller, .. } | Sending::Response { caller, .. } => {
                let waiting = host.waiting.get_mut(&caller.exchange);
                waiting.map(|waiting| &mut waiting.flow)
            }
            Sending::RangeRequest { fetch, .. } | Sending::Range { fetch, .. } => {
                let asking = host.asking.as_deref_mut();
                let range = asking.and_then(|asking| asking.ranges.get_mut(fetch));
                range.map(|range| &mut range.flow)
            }
            _ => None,
        };
        if let Some(place) = place {
            *place = flow;
        }
    }

    pub(super) fn host(&mut self, number: u32) -> Option<&mut Host> {
        self.hosts.get_mut(number as usize)
    }

    /// Something is not as it must be.
    pub(super) fn violated(&mut self, what: String) {
        if self.outcome.violations.len() >= VIOLATIONS_LIMIT {
            return;
        }
        let at = self.now.as_nanos();
        self.outcome
            .violations
            .push(format!("{}: at {at} ns: {what}", self.site.label()));
    }

    /// What came of it, and the network that it was on.
    pub(super) fn close(mut self) -> (SiteOutcome, Network) {
        self.tell_of_ranges();
        self.end_what_is_left();
        for number in 0..u32::try_from(self.hosts.len()).unwrap_or(u32::MAX) {
            self.note_what_came(number);
        }
        let now = self.now;
        self.outcome.wan_down_bytes = self.network.carried(now, self.wan_down);
        self.outcome.wan_up_bytes = self.network.carried(now, self.wan_up);
        let carried = [self.outcome.wan_down_bytes, self.outcome.wan_up_bytes];
        let brought = (self.sendings.is_empty() && !self.was_cut).then_some(self.brought);
        self.check_at_end(brought);
        let recorder = std::mem::replace(&mut self.recorder, Recorder::for_span(0));
        self.outcome.series = recorder.finish(carried);
        self.outcome.trace = std::mem::take(&mut self.trace).finish();
        (self.outcome, self.network)
    }
}

pub(super) fn span(span: Span) -> Duration {
    Duration::from_nanos(span.0)
}
