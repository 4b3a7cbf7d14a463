//! When a download gets block after block and nothing else touches it: the branch leaves it to a burst, and takes it up
//! again where that ends.
//! Invariant: what happened is the same as block by block; a test runs scenarios both ways.
//! Byte order: none.

use peerdist::client::{Passed, Steady};
use peerdist::retrieval::client::Query;
use peerdist::retrieval::server::{Answer, BlockFrame, Connection, Input as ServerInput, Output};
use peerdist::retrieval::{BlockIndex, BlockSet};
use peerdist::time::Instant;

use super::branch::{Branch, Happening, Sending};
use super::burst::{Burst, Lane, Late, Moment, Phase, Session, whole_block};
use super::host::Caller;
use super::network::{Flow, Lifted, Path, service_of};
use super::overhead::{RETRIEVAL_REQUEST, RETRIEVAL_RESPONSE};
use crate::scenario::Mode;
use crate::series::Measure;

/// Blocks that must be left for a burst to be worth its beginning and its end.
const BLOCKS_LEAST: u64 = 16;
/// After how many blocks it is tried again where it could not be.
const REST_BLOCKS: u32 = 16;

/// What is kept from one burst to the next for its memory.
#[derive(Debug, Default)]
pub(super) struct Bursts {
    /// Blocks to pass before the next is tried.
    rest: u32,
    steady: Steady,
    burst: Burst,
    /// Of each lane: whom it asks, and the message that is on its way, as long as it is the first.
    peers: Vec<u32>,
    messages: Vec<Option<Sending>>,
    lifted: Vec<Lifted>,
}

impl Branch<'_> {
    /// Whether many things may be done in one step where nobody would notice. Faults are let happen one by one, and so is
    /// everything where several branches share a network: one would run ahead of the others.
    pub(super) fn may_skip(&self) -> bool {
        self.plan.bursts && self.started.is_none() && self.faulting.is_quiet()
    }

    /// Blocks come to a host: if nothing else happens there, many at once.
    pub(super) fn try_burst(&mut self, number: u32, frame: &BlockFrame) {
        if !self.may_skip() {
            return;
        }
        if self.bursts.rest > 0 {
            self.bursts.rest -= 1;
            return;
        }
        let mut bursts = std::mem::take(&mut self.bursts);
        let came = self.burst(number, frame, &mut bursts);
        bursts.rest = if came.is_some_and(|came| came >= BLOCKS_LEAST) {
            0
        } else {
            REST_BLOCKS
        };
        self.bursts = bursts;
    }

    fn burst(&mut self, number: u32, frame: &BlockFrame, bursts: &mut Bursts) -> Option<u64> {
        let host = self.hosts.get(number as usize)?;
        let asking = host.asking.as_deref()?;
        if host.downloads.len() != 1 || !asking.machine.steady(&mut bursts.steady) {
            return None;
        }
        let left = |it: &peerdist::client::SteadySession| u64::from(it.end - it.next);
        let blocks: u64 = bursts.steady.sessions.iter().map(left).sum();
        let block_len = bursts.steady.sessions.first()?.block_bytes;
        let bytes = (blocks + bursts.steady.lanes.len() as u64) * u64::from(block_len);
        let is_one_size = bursts.steady.sessions.windows(2);
        let mut is_one_size =
            is_one_size.map(|two| matches!(two, [a, b] if a.block_bytes == b.block_bytes));
        if blocks < BLOCKS_LEAST
            || !is_one_size.all(|it| it)
            || !host.store.has_room(bytes)
            || host.waiting.len() != bursts.steady.lanes.len()
            || !self.peers_have_all(&bursts.steady)
        {
            return None;
        }
        let (up, down) = (host.up, host.down);
        let query = asking
            .machine
            .asked(bursts.steady.lanes.first()?.exchange)?;
        let mut message = Vec::new();
        query.encode_into(&mut message);
        let request_bytes = RETRIEVAL_REQUEST + message.len() as u64;
        let block_bytes = RETRIEVAL_RESPONSE + whole_block(frame, block_len)?;

        self.gather(number, bursts)?;
        let flows = |phase| {
            bursts
                .burst
                .lanes
                .iter()
                .filter(|lane| lane.phase == phase)
                .count()
        };
        let (requests, answers) = (flows(Phase::Request) as u64, flows(Phase::Block) as u64);
        let is_alone = self.network.alone_on(up) == Some(requests)
            && self.network.alone_on(down) == Some(answers);
        if !is_alone || !self.are_late_ones_known(number, bursts) {
            return None;
        }
        // From here on it happens.
        bursts.lifted.clear();
        self.network.lift(self.now, up, &mut bursts.lifted);
        self.network.lift(self.now, down, &mut bursts.lifted);
        let until = self.next_of_others();
        let burst = &mut bursts.burst;
        burst.now = self.now.as_nanos();
        burst.latency = u64::try_from((self.lan_latency()).as_nanos()).unwrap_or(u64::MAX);
        burst.flow_names = self.network.names();
        let rate = |link| u64::try_from(self.network.rate(link)).unwrap_or(u64::MAX);
        burst
            .requests
            .begin(burst.now, rate(up), service_of(request_bytes));
        burst
            .blocks
            .begin(burst.now, rate(down), service_of(block_bytes));
        for (lane, place) in burst.lanes.iter_mut().zip(0_u32..) {
            let fluid = match lane.phase {
                Phase::Request => &mut burst.requests,
                Phase::Block => &mut burst.blocks,
                _ => continue,
            };
            let lifted = bursts
                .lifted
                .iter()
                .find(|it| it.flow.number() == lane.flow);
            lane.whole = lifted.map_or(0, |it| it.left);
            fluid.add(lane.whole, place);
        }
        let lanes = &burst.lanes;
        burst.requests.ready(lanes, |lane| lane.request_path);
        burst.blocks.ready(lanes, |lane| lane.block_path);
        let came = burst.run(until);
        self.now = Instant::from_nanos(burst.now);
        self.take_up(number, bursts, [request_bytes, block_bytes]);
        Some(came)
    }

    /// Whether the peers have every block that they are going to be asked for.
    fn peers_have_all(&self, steady: &Steady) -> bool {
        use peerdist::retrieval::server::Holdings;
        steady.lanes.iter().all(|lane| {
            let peer = usize::try_from(lane.peer.0).ok();
            let peer = peer.and_then(|peer| self.hosts.get(peer));
            let session = steady.sessions.get(lane.session);
            let (Some(peer), Some(session)) = (peer, session) else {
                return false;
            };
            let mut needed = BlockSet::range(session.next, session.end - session.next);
            needed.insert(peerdist::retrieval::BlockRange::one(lane.index));
            let held = peer.store.segment(&session.id);
            let serves = peer.group.serves && peer.group.serve_during.is_empty();
            serves && held.is_some_and(|held| needed.is_subset(&held.blocks))
        })
    }

    /// Finds out where each lane is. Nothing where one is elsewhere than on its way.
    fn gather(&self, number: u32, bursts: &mut Bursts) -> Option<()> {
        let host = self.hosts.get(number as usize)?;
        let burst = &mut bursts.burst;
        burst.lanes.clear();
        burst.sessions.clear();
        burst.late.clear();
        bursts.peers.clear();
        burst
            .sessions
            .extend(bursts.steady.sessions.iter().map(|it| Session {
                next: it.next,
                end: it.end,
                is_all: it.is_all,
                lanes: 0,
                first: 0,
                last: 0,
            }));
        for lane in &bursts.steady.lanes {
            let waiting = host.waiting.get(&lane.exchange)?;
            let peer = self.hosts.get(waiting.peer as usize)?;
            let sending = waiting.flow.and_then(|flow| self.sending(flow));
            let phase = match sending {
                Some(Sending::Request { .. }) => Phase::Request,
                Some(Sending::Response { .. }) => Phase::Block,
                // It left, or there is no connection yet: the queue tells.
                _ => Phase::Over,
            };
            burst.sessions.get_mut(lane.session)?.lanes += 1;
            bursts.peers.push(waiting.peer);
            burst.lanes.push(Lane {
                session: lane.session,
                request_path: Path::over(&[host.up, peer.down]),
                block_path: Path::over(&[peer.up, host.down]),
                phase,
                flow: waiting.flow.map_or(0, Flow::number),
                whole: 0,
                given: [0; 2],
                index: lane.index.get(),
                blocks: 0,
                times: 0,
                came: None,
                requested: None,
                first_sent: None,
                sent: None,
            });
        }
        // Who answers must answer nobody else: else the limit of clients might be reached.
        for (place, peer) in bursts.peers.iter().enumerate() {
            if bursts.peers.iter().position(|it| it == peer) != Some(place) {
                continue;
            }
            let lanes = burst.lanes.iter().zip(&bursts.peers);
            let of_it = lanes.filter(|(_, it)| *it == peer);
            let (mut all, mut answered) = (0, 0);
            for (lane, _) in of_it {
                all += 1;
                answered += u32::from(lane.phase == Phase::Block);
            }
            let answering = self.hosts.get(*peer as usize)?.answering.as_deref()?;
            if answering.server.active_clients() != answered || all > answering.clients {
                return None;
            }
        }
        Some(())
    }

    /// Takes the messages that are late out of the queue. Tells whether they are all that is missed.
    fn are_late_ones_known(&mut self, number: u32, bursts: &mut Bursts) -> bool {
        let missed = bursts
            .burst
            .lanes
            .iter()
            .filter(|lane| lane.phase == Phase::Over)
            .count();
        let is_of_it = |happening: &Happening| match happening {
            Happening::Arrived(
                Sending::Request { caller, .. } | Sending::Response { caller, .. },
            ) => caller.host == number,
            _ => false,
        };
        if self.queue.count(is_of_it) != missed {
            return false;
        }
        bursts.messages.clear();
        bursts
            .messages
            .resize_with(bursts.burst.lanes.len(), || None);
        let mut late = self.queue.take(is_of_it);
        late.sort_unstable_by_key(|(at, order, _)| (*at, *order));
        for (at, order, happening) in late {
            let Happening::Arrived(sending) = happening else {
                continue;
            };
            let (phase, exchange) = match &sending {
                Sending::Request { caller, .. } => (Phase::RequestLatency, caller.exchange),
                Sending::Response { caller, .. } => (Phase::BlockLatency, caller.exchange),
                _ => continue,
            };
            let lanes = &bursts.steady.lanes;
            let Some(place) = lanes.iter().position(|lane| lane.exchange == exchange) else {
                continue;
            };
            if let (Some(lane), Some(message), Ok(number)) = (
                bursts.burst.lanes.get_mut(place),
                bursts.messages.get_mut(place),
                u32::try_from(place),
            ) {
                lane.phase = phase;
                *message = Some(sending);
                bursts.burst.late.push_back(Late {
                    at: at.as_nanos(),
                    lane: number,
                    number: Some(order),
                });
            }
        }
        for (lane, message) in bursts.burst.lanes.iter().zip(&mut bursts.messages) {
            if matches!(lane.phase, Phase::Request | Phase::Block) {
                *message = self.take_sending(Flow::numbered(lane.flow));
            }
        }
        true
    }

    /// When something else happens in the branch.
    fn next_of_others(&self) -> u64 {
        let next = self.queue.next().into_iter().chain(self.network.next());
        let next = next.min().unwrap_or(self.plan.end);
        // What happens at the very end happens.
        let end = self.plan.end.as_nanos().saturating_add(1);
        next.as_nanos().min(end).min(self.recorder.next_edge())
    }

    /// The burst is over: everybody learns what happened.
    fn take_up(
        &mut self,
        number: u32,
        bursts: &mut Bursts,
        [request_bytes, block_bytes]: [u64; 2],
    ) {
        self.tell_client(number, bursts);
        self.tell_servers(number, bursts);
        let now = self.now;
        let ends = self
            .hosts
            .get(number as usize)
            .map(|host| (host.up, host.down));
        let Some((up, down)) = ends else {
            return;
        };
        bursts.lifted.clear();
        let burst = &mut bursts.burst;
        for (is_request, bytes) in [(true, request_bytes), (false, block_bytes)] {
            let fluid = if is_request {
                &mut burst.requests
            } else {
                &mut burst.blocks
            };
            let left: Vec<(u128, u32)> = fluid.left(now.as_nanos()).collect();
            for (left, place) in left {
                let Some(lane) = burst.lanes.get_mut(place as usize) else {
                    continue;
                };
                lane.given[usize::from(!is_request)] += lane.whole.saturating_sub(left);
                bursts.lifted.push(Lifted {
                    flow: Flow::numbered(lane.flow),
                    path: if is_request {
                        lane.request_path
                    } else {
                        lane.block_path
                    },
                    bytes,
                    left,
                });
            }
        }
        for lane in &burst.lanes {
            self.network.carry(lane.request_path, lane.given[0]);
            self.network.carry(lane.block_path, lane.given[1]);
        }
        bursts.lifted.sort_unstable_by_key(|lifted| lifted.flow);
        self.network.land(now, burst.flow_names, &bursts.lifted);
        for link in [up, down] {
            self.network.share(now, Path::over(&[link]));
        }
        let late = burst.late.drain(..);
        let late: Vec<Late> = late.collect();
        for (place, lane) in burst.lanes.iter().enumerate() {
            let exchange = bursts.steady.lanes.get(place).map(|it| it.exchange);
            let (Some(exchange), Some(peer)) = (exchange, bursts.peers.get(place)) else {
                continue;
            };
            let Some(host) = self.host(number) else {
                return;
            };
            if lane.phase == Phase::Over {
                host.waiting.remove(&exchange);
                host.give_connection(Some(*peer));
                continue;
            }
            let has_flow = matches!(lane.phase, Phase::Request | Phase::Block);
            let flow = has_flow.then_some(Flow::numbered(lane.flow));
            if let Some(waiting) = host.waiting.get_mut(&exchange) {
                waiting.flow = flow;
                if matches!(lane.phase, Phase::Request | Phase::RequestLatency) {
                    waiting.connection = None;
                }
            }
            let Some(flow) = flow else {
                continue;
            };
            if let Some(sending) = bursts.messages.get_mut(place).and_then(Option::take) {
                self.put_sending(flow, sending);
            }
        }
        for late in late {
            let message = bursts.messages.get_mut(late.lane as usize);
            if let Some(sending) = message.and_then(Option::take) {
                let at = Instant::from_nanos(late.at);
                self.queue
                    .push_again(at, late.number, Happening::Arrived(sending));
            }
        }
        self.plan_wakes(number);
        for (place, peer) in bursts.peers.iter().enumerate() {
            if bursts.peers.iter().position(|it| it == peer) == Some(place) {
                self.plan_wakes(*peer);
            }
        }
    }

    fn tell_client(&mut self, number: u32, bursts: &mut Bursts) {
        let lanes = bursts.burst.lanes.iter().zip(&bursts.steady.lanes);
        let mut passed: Vec<(Moment, Passed)> = lanes
            .filter_map(|(lane, steady)| {
                let came = lane.came?;
                let index = (lane.phase != Phase::Over).then(|| BlockIndex::new(lane.index));
                let passed = Passed {
                    exchange: steady.exchange,
                    blocks: lane.blocks,
                    index: index.flatten(),
                    at: Instant::from_nanos(came.at),
                };
                Some((came, passed))
            })
            .collect();
        passed.sort_unstable_by_key(|(came, _)| *came);
        let passed: Vec<Passed> = passed.into_iter().map(|(_, passed)| passed).collect();
        let Some(host) = self.host(number) else {
            return;
        };
        let Some(asking) = host.asking.as_deref_mut() else {
            return;
        };
        let segments = match asking.machine.passed(&bursts.steady, &passed) {
            Ok(segments) => segments,
            Err(misuse) => {
                self.violated(format!(
                    "the client of host {number} refused blocks: {misuse}"
                ));
                return;
            }
        };
        for segment in segments {
            let sessions = bursts.steady.sessions.iter().zip(&bursts.burst.sessions);
            let session = sessions
                .into_iter()
                .find(|(steady, _)| steady.id == segment.id);
            if let Some((steady, session)) = session {
                let moments = [session.first, session.last].map(Instant::from_nanos);
                self.keep_many(number, &segment, moments, steady.block_bytes.into());
            }
        }
        let now = self.now;
        let lanes = bursts.burst.lanes.iter().zip(&bursts.steady.lanes);
        for ((lane, steady), peer) in lanes.zip(&bursts.peers) {
            let Some(session) = bursts.steady.sessions.get(steady.session) else {
                continue;
            };
            self.outcome.blocks += u64::from(lane.blocks);
            self.outcome.burst_blocks += u64::from(lane.blocks);
            if let Some(host) = self.host(number) {
                let is_hosted = host.group.mode == Mode::Hosted;
                host.came
                    .add(*peer, &session.id, lane.times, lane.blocks.into());
                if let Some(download) = host.downloads.values_mut().next() {
                    let bytes = u64::from(lane.blocks) * u64::from(session.block_bytes);
                    let (share, what) = if is_hosted {
                        (&mut download.shares.hosted_cache, Measure::HostedCache)
                    } else {
                        (&mut download.shares.peers, Measure::Peers)
                    };
                    *share += bytes;
                    self.recorder.add(now, what, bytes);
                }
            }
        }
    }

    /// Servers hear what is not over at the end, each in the order in which it happened.
    fn tell_servers(&mut self, number: u32, bursts: &mut Bursts) {
        #[derive(Clone, Copy)]
        enum Told {
            FirstSent,
            Requested,
            Sent,
        }
        let mut told: Vec<(Moment, Told, usize)> = Vec::new();
        for (place, lane) in bursts.burst.lanes.iter().enumerate() {
            told.extend(lane.first_sent.map(|at| (at, Told::FirstSent, place)));
            let requested = lane
                .requested
                .filter(|_| matches!(lane.phase, Phase::Block | Phase::BlockLatency));
            if let Some(requested) = requested {
                told.push((requested, Told::Requested, place));
                let sent = lane.sent.filter(|sent| *sent > requested);
                told.extend(sent.map(|at| (at, Told::Sent, place)));
            }
        }
        told.sort_unstable_by_key(|(moment, ..)| *moment);
        let now = self.now;
        for (moment, what, place) in told {
            let exchange = bursts.steady.lanes.get(place).map(|it| it.exchange);
            let (Some(exchange), Some(peer)) = (exchange, bursts.peers.get(place).copied()) else {
                continue;
            };
            self.now = Instant::from_nanos(moment.at);
            let host = self.hosts.get(number as usize);
            let connection = host.and_then(|host| host.waiting.get(&exchange)?.connection);
            match what {
                Told::FirstSent | Told::Sent => {
                    if let Some(connection) = connection {
                        self.sent(peer, connection);
                    }
                }
                Told::Requested => {
                    let caller = Caller {
                        host: number,
                        exchange,
                    };
                    let answer = self.serve_quietly(caller, peer);
                    if let (Some(sending), Some(message)) = (answer, bursts.messages.get_mut(place))
                    {
                        *message = Some(sending);
                    }
                }
            }
        }
        self.now = now;
        // Requests that are under way again.
        for (place, lane) in bursts.burst.lanes.iter().enumerate() {
            let is_request = matches!(lane.phase, Phase::Request | Phase::RequestLatency);
            if !is_request || lane.came.is_none() {
                continue;
            }
            let exchange = bursts.steady.lanes.get(place).map(|it| it.exchange);
            let (Some(exchange), Some(peer)) = (exchange, bursts.peers.get(place).copied()) else {
                continue;
            };
            let query = self.asked(number, exchange);
            if let (Some(query), Some(message)) = (query, bursts.messages.get_mut(place)) {
                let caller = Caller {
                    host: number,
                    exchange,
                };
                *message = Some(Sending::Request {
                    caller,
                    peer,
                    query,
                });
            }
        }
    }

    fn asked(&self, number: u32, exchange: peerdist::retrieval::client::Exchange) -> Option<Query> {
        let asking = self.hosts.get(number as usize)?.asking.as_deref()?;
        asking.machine.asked(exchange).cloned()
    }

    /// A request was at a host: its answer, which is on its way already.
    fn serve_quietly(&mut self, caller: Caller, number: u32) -> Option<Sending> {
        let now = self.now;
        let query = self.asked(caller.host, caller.exchange)?;
        let host = self.host(number)?;
        let answering = host.answering.as_deref_mut()?;
        answering.connections += 1;
        let connection = Connection(answering.connections);
        answering.callers.insert(connection, caller);
        let input = ServerInput::Request {
            connection,
            request: &query.request(),
            holdings: &host.store,
        };
        let mut handled = answering.server.handle(now, input);
        let mut answer = None;
        while let Some(output) = answering.server.poll_output() {
            let exchange = match output {
                Output::Encrypt(op) => op.exchange,
                Output::Load(op) => op.exchange,
                Output::Respond {
                    exchange,
                    answer: given,
                    ..
                } => {
                    if let Some(exchange) = exchange {
                        answering.sending.insert(connection, exchange);
                    }
                    answer = Some(given);
                    continue;
                }
                Output::Discard { .. } | Output::Abort { .. } | Output::Event(_) => continue,
            };
            let ready = answering
                .server
                .handle(now, ServerInput::Ready { exchange });
            handled = handled.and(ready);
        }
        if handled.is_err() || !matches!(answer, Some(Answer::Block(_))) {
            self.violated(format!("host {number} did not give a block that it has"));
        }
        if let Some(waiting) = self.host(caller.host)?.waiting.get_mut(&caller.exchange) {
            waiting.connection = Some(connection);
        }
        Some(Sending::Response {
            caller,
            peer: number,
            connection,
            answer: answer?,
            is_wrong: false,
        })
    }
}
