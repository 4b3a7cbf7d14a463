//! Many blocks of one download, one after the other, while nothing else happens in what they touch.
//! Invariant: every message starts and arrives when it would have, had each been an event of the branch.
//! Unit: integer nanoseconds; what is given as in the network.
//!
//! ```text
//! asked ──▶ request flows ──latency──▶ at the peer ──▶ block flows ──latency──▶ at the client ──▶ asked ...
//! ```
//!
//! Requests share the way out of the client and blocks the way into it; peers have ports no narrower than that of the
//! client, so each message gets the same part of the client's. Messages of one kind are as long as each other: who
//! started first arrives first, and no heap is needed.

mod rounds;

use std::collections::VecDeque;

use peerdist::cipher::padded_len;
use peerdist::retrieval::server::{Answer, BlockFrame};

use self::rounds::Rounds;
use super::network::Path;

/// Where a lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its request is on the way out.
    Request,
    /// The request left, and is not there yet.
    RequestLatency,
    /// The block is on the way.
    Block,
    /// The last of the block left, and is not there yet.
    BlockLatency,
    /// Nothing was left to be asked for.
    Over,
}

/// Something that happened: when, and which in the order of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) order: u64,
    pub(super) at: u64,
}

/// One request after the other from the client to a peer, for blocks of one segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane {
    pub(super) session: usize,
    pub(super) request_path: Path,
    pub(super) block_path: Path,
    pub(super) phase: Phase,
    /// The number of its flow, where it has one, and what that was to be given when it began here.
    pub(super) flow: u64,
    pub(super) whole: u128,
    /// What its requests were given, and its blocks.
    pub(super) given: [u128; 2],
    /// The block that is asked for.
    pub(super) index: u32,
    /// Blocks that came, and the sum of the moments when.
    pub(super) blocks: u32,
    pub(super) times: u64,
    /// When the last block came.
    pub(super) came: Option<Moment>,
    /// When a request was at the peer last.
    pub(super) requested: Option<Moment>,
    /// When the last of a block left the peer: that which was on its way at first, and the last.
    pub(super) first_sent: Option<Moment>,
    pub(super) sent: Option<Moment>,
}

/// A segment: which blocks are to be asked for yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) next: u32,
    pub(super) end: u32,
    /// Whether nothing is left behind those.
    pub(super) is_all: bool,
    /// Lanes that are not over.
    pub(super) lanes: u32,
    /// When a block of it came first, and last.
    pub(super) first: u64,
    pub(super) last: u64,
}

/// Messages of one kind on the way, which share a link.
#[derive(Debug, Default)]
pub(super) struct Fluid {
    /// Of the link.
    pub(super) rate: u64,
    /// What a message is to be given.
    pub(super) whole: u128,
    /// What each was given since the beginning, and until when.
    service: u128,
    since: u64,
    each: u64,
    /// What each is on the way until, the next first.
    flows: VecDeque<(u128, u32)>,
    due: Option<u64>,
    /// Whether all of them go from the same port to the same port.
    is_one_path: bool,
}

impl Fluid {
    pub(super) fn begin(&mut self, now: u64, rate: u64, whole: u128) {
        self.rate = rate;
        self.whole = whole;
        self.service = 0;
        self.since = now;
        self.flows.clear();
    }

    /// Adds one that is under way.
    pub(super) fn add(&mut self, left: u128, lane: u32) {
        self.flows.push_back((left, lane));
    }

    /// All that were under way are there.
    pub(super) fn ready(&mut self, lanes: &[Lane], path: impl Fn(&Lane) -> Path) {
        let mut paths = lanes.iter().map(path);
        let first = paths.next();
        self.is_one_path = paths.all(|path| Some(path) == first);
        let number = |lane: u32| lanes.get(lane as usize).map_or(0, |lane| lane.flow);
        self.flows
            .make_contiguous()
            .sort_by_key(|(left, lane)| (*left, number(*lane)));
        self.share();
    }

    fn settle(&mut self, now: u64) {
        let given = u128::from(self.each) * u128::from(now - self.since);
        self.service += given;
        self.since = now;
    }

    fn share(&mut self) {
        let count = self.flows.len() as u64;
        self.each = self.rate.checked_div(count).unwrap_or(0);
        self.due = self.flows.front().map(|(target, _)| {
            let left = target.saturating_sub(self.service);
            let nanos = match u64::try_from(left) {
                Ok(left) => left.div_ceil(self.each.max(1)),
                Err(_) => u64::try_from(left.div_ceil(self.each.max(1).into())).unwrap_or(u64::MAX),
            };
            self.since.saturating_add(nanos)
        });
    }

    fn start(&mut self, now: u64, lane: u32) {
        self.settle(now);
        self.flows.push_back((self.service + self.whole, lane));
        self.share();
    }

    /// The place of the message that is there first of those that are there now, and its path.
    fn first_there(&self, now: u64, lanes: &[Lane], is_request: bool) -> Option<(Path, usize)> {
        self.due.filter(|due| *due <= now)?;
        let given = u128::from(self.each) * u128::from(now - self.since);
        let reached = self.service + given;
        let path_of = |lane: &Lane| {
            if is_request {
                lane.request_path
            } else {
                lane.block_path
            }
        };
        // Nearly always there is one.
        let (_, first) = self.flows.front()?;
        let second = self.flows.get(1);
        if self.is_one_path || second.is_none_or(|(target, _)| *target > reached) {
            return lanes.get(*first as usize).map(|lane| (path_of(lane), 0));
        }
        let there = self.flows.iter().enumerate();
        let there = there.take_while(|(_, (target, _))| *target <= reached);
        let keys = there.filter_map(|(place, (target, lane))| {
            let lane = lanes.get(*lane as usize)?;
            Some(((path_of(lane), *target, lane.flow), place))
        });
        keys.min().map(|((path, ..), place)| (path, place))
    }

    fn end(&mut self, now: u64, place: usize) -> Option<u32> {
        self.settle(now);
        let (_, lane) = self.flows.remove(place)?;
        self.share();
        Some(lane)
    }

    /// What each that is still under way is to be given yet, at the end of it all.
    pub(super) fn left(&mut self, now: u64) -> impl Iterator<Item = (u128, u32)> + '_ {
        self.settle(now);
        let service = self.service;
        let flows = self.flows.iter();
        flows.map(move |(target, lane)| (target.saturating_sub(service), *lane))
    }
}

/// A message that left and is not there yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Late {
    pub(super) at: u64,
    pub(super) lane: u32,
    /// Its number in the queue of the branch, where it came from there.
    pub(super) number: Option<u64>,
}

/// Lanes, and how they go on.
#[derive(Debug, Default)]
pub(super) struct Burst {
    pub(super) now: u64,
    pub(super) latency: u64,
    pub(super) lanes: Vec<Lane>,
    pub(super) sessions: Vec<Session>,
    pub(super) requests: Fluid,
    pub(super) blocks: Fluid,
    pub(super) late: VecDeque<Late>,
    pub(super) flow_names: u64,
    order: u64,
    rounds: Rounds,
}

impl Burst {
    /// Lets everything happen that is before `until`, as long as only blocks come. Tells how many came.
    pub(super) fn run(&mut self, until: u64) -> u64 {
        self.rounds.begin(self.lanes.len());
        self.go_on(until)
    }

    #[cfg(test)]
    pub(super) fn run_without_jumps(&mut self, until: u64) -> u64 {
        self.rounds.never();
        self.go_on(until)
    }

    fn go_on(&mut self, until: u64) -> u64 {
        let mut came = 0;
        loop {
            if self.rounds.is_due(came) {
                self.round(until, &mut came);
            }
            let flow = [self.requests.due, self.blocks.due]
                .into_iter()
                .flatten()
                .min();
            let late = self.late.front().map(|late| late.at);
            let Some(next) = flow.into_iter().chain(late).min() else {
                return came;
            };
            if next >= until {
                return came;
            }
            if flow == Some(next) {
                self.now = next;
                self.reach(next);
            } else if !self.arrive(next, &mut came) {
                return came;
            }
        }
    }

    /// The last bytes of messages left.
    fn reach(&mut self, now: u64) {
        loop {
            let request = self.requests.first_there(now, &self.lanes, true);
            let block = self.blocks.first_there(now, &self.lanes, false);
            let is_request = match (request, block) {
                (None, None) => return,
                (Some((request, _)), Some((block, _))) => request < block,
                (request, _) => request.is_some(),
            };
            let (fluid, place) = if is_request {
                (&mut self.requests, request)
            } else {
                (&mut self.blocks, block)
            };
            let Some(number) = place.and_then(|(_, place)| fluid.end(now, place)) else {
                return;
            };
            self.order += 1;
            let moment = Moment {
                order: self.order,
                at: now,
            };
            if let Some(lane) = self.lanes.get_mut(number as usize) {
                lane.given[usize::from(!is_request)] += lane.whole;
                if is_request {
                    lane.phase = Phase::RequestLatency;
                } else {
                    lane.phase = Phase::BlockLatency;
                    if lane.requested.is_none() {
                        lane.first_sent = Some(moment);
                    }
                    lane.sent = Some(moment);
                }
            }
            self.late.push_back(Late {
                at: now + self.latency,
                lane: number,
                number: None,
            });
        }
    }

    /// A message is there. Tells whether it was one of those that this knows how to go on from.
    fn arrive(&mut self, now: u64, came: &mut u64) -> bool {
        let Some(late) = self.late.front() else {
            return false;
        };
        let number = late.lane;
        let Some(lane) = self.lanes.get_mut(number as usize) else {
            return false;
        };
        let moment = Moment {
            order: self.order + 1,
            at: now,
        };
        if lane.phase == Phase::RequestLatency {
            lane.phase = Phase::Block;
            lane.requested = Some(moment);
            self.flow_names += 1;
            lane.flow = self.flow_names;
            lane.whole = self.blocks.whole;
            self.blocks.start(now, number);
        } else {
            let Some(session) = self.sessions.get_mut(lane.session) else {
                return false;
            };
            let has_more = session.next < session.end;
            // The last of a session ends it, and that is for its machine to see.
            let may_end = session.is_all && session.lanes > 1;
            if !(has_more || may_end) {
                return false;
            }
            lane.blocks += 1;
            lane.times = lane.times.wrapping_add(now);
            lane.came = Some(moment);
            *came += 1;
            session.last = now;
            if session.first == 0 {
                session.first = now;
            }
            if has_more {
                lane.phase = Phase::Request;
                lane.index = session.next;
                session.next += 1;
                self.flow_names += 1;
                lane.flow = self.flow_names;
                lane.whole = self.requests.whole;
                self.requests.start(now, number);
            } else {
                lane.phase = Phase::Over;
                session.lanes -= 1;
            }
        }
        self.late.pop_front();
        self.order += 1;
        self.now = now;
        true
    }
}

/// How long the answer with a whole block is where others are as this one, which may be the last of its segment.
pub(super) fn whole_block(like: &BlockFrame, block_len: u32) -> Option<u64> {
    let payload_len = match like.iv {
        Some(_) => u32::try_from(padded_len(block_len as usize)).ok()?,
        None => block_len,
    };
    let whole = Answer::Block(BlockFrame {
        payload_len,
        ..*like
    });
    Some(whole.body_len() as u64)
}
