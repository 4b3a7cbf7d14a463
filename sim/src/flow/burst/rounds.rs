//! Lanes that take turns: once everything stands as it stood some blocks ago, what happened since happens again and again.
//! Invariant: a jump leaves every number as the steps would have; moments that a round sets move with it, others stay.
//! Unit: integer nanoseconds.

use std::collections::VecDeque;

use super::{Burst, Fluid, Lane, Late, Moment, Phase, Session};

/// How things stood, and when they are looked at next.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// Whether anything is kept to compare with.
    is_kept: bool,
    /// At this many blocks a round is over.
    due: u64,
    /// Rounds since the state was kept, and after how many another is.
    passed: u64,
    patience: u64,
    kept: State,
    #[cfg(test)]
    jumps: u32,
}

#[derive(Debug, Default)]
struct State {
    now: u64,
    order: u64,
    flow_names: u64,
    came: u64,
    lanes: Vec<Lane>,
    sessions: Vec<Session>,
    requests: Waiting,
    blocks: Waiting,
    late: VecDeque<Late>,
}

/// A fluid, seen from now.
#[derive(Debug, Default)]
struct Waiting {
    service: u128,
    since: u64,
    flows: VecDeque<(u128, u32)>,
}

impl Waiting {
    fn keep(&mut self, fluid: &Fluid) {
        self.service = fluid.service;
        self.since = fluid.since;
        self.flows.clone_from(&fluid.flows);
    }

    fn is_as(&self, fluid: &Fluid, passed: u64) -> bool {
        self.flows.len() == fluid.flows.len()
            && (self.flows.is_empty() || self.since + passed == fluid.since)
            && self.flows.iter().zip(&fluid.flows).all(|(then, now)| {
                then.1 == now.1
                    && then.0.saturating_sub(self.service) == now.0.saturating_sub(fluid.service)
            })
    }
}

impl Rounds {
    pub(super) fn begin(&mut self, lanes: usize) {
        self.is_kept = false;
        self.due = lanes as u64;
        self.passed = 0;
        self.patience = 1;
    }

    #[cfg(test)]
    pub(super) const fn never(&mut self) {
        self.due = u64::MAX;
    }

    pub(super) const fn is_due(&self, came: u64) -> bool {
        came >= self.due
    }
}

impl State {
    fn keep(&mut self, burst: &Burst, came: u64) {
        self.now = burst.now;
        self.order = burst.order;
        self.flow_names = burst.flow_names;
        self.came = came;
        self.lanes.clone_from(&burst.lanes);
        self.sessions.clone_from(&burst.sessions);
        self.requests.keep(&burst.requests);
        self.blocks.keep(&burst.blocks);
        self.late.clone_from(&burst.late);
    }

    /// Whether everything that decides what comes next stands as it did.
    fn is_as(&self, burst: &Burst) -> bool {
        let passed = burst.now - self.now;
        let lanes = self.lanes.iter().zip(&burst.lanes);
        let sessions = self.sessions.iter().zip(&burst.sessions);
        self.late.len() == burst.late.len()
            && self.late.iter().zip(&burst.late).all(|(then, now)| {
                then.at + passed == now.at && then.lane == now.lane && now.number.is_none()
            })
            && self.requests.is_as(&burst.requests, passed)
            && self.blocks.is_as(&burst.blocks, passed)
            && lanes.into_iter().all(|(then, now)| {
                then.phase == now.phase && then.requested.is_some() == now.requested.is_some()
            })
            && sessions
                .into_iter()
                .all(|(then, now)| then.lanes == now.lanes && then.first == now.first)
    }
}

impl Burst {
    /// A round is over: if it was as one before, everything up to shortly before the end happens at once.
    pub(super) fn round(&mut self, until: u64, came: &mut u64) {
        let mut rounds = std::mem::take(&mut self.rounds);
        if rounds.is_kept && rounds.kept.is_as(self) {
            self.jump(&rounds.kept, until, came);
            #[cfg(test)]
            {
                rounds.jumps += 1;
            }
            rounds.is_kept = false;
            rounds.patience = 1;
        } else {
            rounds.passed += 1;
            if !rounds.is_kept || rounds.passed >= rounds.patience {
                rounds.patience = if rounds.is_kept { 2 * rounds.passed } else { 1 };
                rounds.kept.keep(self, *came);
                rounds.is_kept = true;
                rounds.passed = 0;
            }
        }
        let lanes = self.lanes.iter().filter(|lane| lane.phase != Phase::Over);
        rounds.due = *came + lanes.count().max(1) as u64;
        self.rounds = rounds;
    }

    /// As often as nothing comes in between, what happened since `then` happens again.
    fn jump(&mut self, then: &State, until: u64, came: &mut u64) {
        let passed = self.now - then.now;
        // Strictly before what comes in between.
        let Some(mut times) = (until.saturating_sub(self.now + 1)).checked_div(passed) else {
            return;
        };
        for (then, now) in then.sessions.iter().zip(&self.sessions) {
            let step = u64::from(now.next - then.next);
            let left = u64::from(now.end.saturating_sub(now.next));
            times = times.min(left.checked_div(step).unwrap_or(u64::MAX));
        }
        let Ok(times_u32) = u32::try_from(times) else {
            return;
        };
        if times == 0 {
            return;
        }
        let later = times * passed;
        let orders = times * (self.order - then.order);
        let names = times * (self.flow_names - then.flow_names);
        let shift = |then: Option<Moment>, now: &mut Option<Moment>| {
            if let Some(moment) = now.as_mut().filter(|moment| then != Some(**moment)) {
                moment.at += later;
                moment.order += orders;
            }
        };
        let sums = u64::from(times_u32) * (u64::from(times_u32) + 1) / 2;
        for (then_lane, lane) in then.lanes.iter().zip(&mut self.lanes) {
            let blocks = lane.blocks - then_lane.blocks;
            let sum = lane.times.wrapping_sub(then_lane.times);
            lane.times = lane
                .times
                .wrapping_add(sum.wrapping_mul(times))
                .wrapping_add(passed.wrapping_mul(u64::from(blocks)).wrapping_mul(sums));
            lane.blocks += blocks * times_u32;
            for (then, now) in then_lane.given.iter().zip(&mut lane.given) {
                *now += (*now - then) * u128::from(times);
            }
            if lane.flow != then_lane.flow {
                lane.flow += names;
            }
            let session = lane.session;
            let ends = then.sessions.get(session).zip(self.sessions.get(session));
            if let Some((then, now)) = ends.filter(|_| lane.index != then_lane.index) {
                lane.index += (now.next - then.next) * times_u32;
            }
            shift(then_lane.came, &mut lane.came);
            shift(then_lane.requested, &mut lane.requested);
            shift(then_lane.first_sent, &mut lane.first_sent);
            shift(then_lane.sent, &mut lane.sent);
        }
        for (then, now) in then.sessions.iter().zip(&mut self.sessions) {
            now.next += (now.next - then.next) * times_u32;
            if now.last != then.last {
                now.last += later;
            }
        }
        for fluid in [&mut self.requests, &mut self.blocks] {
            fluid.since += later;
            fluid.due = fluid.due.map(|due| due + later);
        }
        for late in &mut self.late {
            late.at += later;
        }
        self.now += later;
        self.order += orders;
        self.flow_names += names;
        *came += times * (*came - then.came);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::network::Path;
    use super::*;

    /// Lanes in the middle of a block each, of which the first has the least left.
    fn burst(lanes: u32, sessions: usize, spread: u128, rate: u64) -> Burst {
        let path = Path::over(&[]);
        let mut burst = Burst {
            now: 1_000_000,
            latency: 200_000,
            ..Burst::default()
        };
        for shorter in (0..).step_by(7).take(sessions) {
            burst.sessions.push(Session {
                next: 40,
                end: 500 - shorter,
                is_all: true,
                lanes: 0,
                first: 0,
                last: 0,
            });
        }
        burst.requests.begin(burst.now, rate, 20_000_000_000);
        burst.blocks.begin(burst.now, rate, 8_000_000_000_000);
        for number in 0..lanes {
            let session = number as usize % sessions;
            burst.sessions[session].lanes += 1;
            let left = 1_000_000_007 + spread * u128::from(number);
            burst.lanes.push(Lane {
                session,
                request_path: path,
                block_path: path,
                phase: Phase::Block,
                flow: u64::from(number) + 1,
                whole: left,
                given: [0; 2],
                index: number,
                blocks: 0,
                times: 0,
                came: None,
                requested: None,
                first_sent: None,
                sent: None,
            });
            burst.blocks.add(left, number);
        }
        burst.flow_names = u64::from(lanes);
        burst.requests.ready(&burst.lanes, |lane| lane.request_path);
        burst.blocks.ready(&burst.lanes, |lane| lane.block_path);
        burst
    }

    /// Everything of it that anybody may see later.
    fn seen(mut burst: Burst, came: u64) -> String {
        let now = burst.now;
        let left = |fluid: &mut Fluid| fluid.left(now).collect::<Vec<_>>();
        let lefts = [left(&mut burst.requests), left(&mut burst.blocks)];
        let late: Vec<_> = burst.late.iter().map(|it| (it.at, it.lane)).collect();
        let (lanes, sessions) = (&burst.lanes, &burst.sessions);
        let names = burst.flow_names;
        format!("{now} {came} {names} {lefts:?} {late:?} {lanes:?} {sessions:?}")
    }

    #[test]
    fn a_jump_leaves_what_steps_would_have_left() {
        let (mut jumps, mut cases) = (0, 0);
        for lanes in [1, 2, 3, 4, 7, 16] {
            for sessions in [1, 2, 4] {
                for spread in [0, 77, 3_000_000_011, 900_000_000_001] {
                    for until in [u64::MAX, 50_000_000, 100_000_001] {
                        let mut by_steps = burst(lanes, sessions, spread, 1_024_000_000);
                        let steps = by_steps.run_without_jumps(until);
                        let mut at_once = burst(lanes, sessions, spread, 1_024_000_000);
                        let came = at_once.run(until);
                        jumps += u32::from(at_once.rounds.jumps > 0);
                        cases += 1;
                        assert_eq!(
                            seen(at_once, came),
                            seen(by_steps, steps),
                            "{lanes} lanes, {sessions} sessions, {spread} apart, until {until}"
                        );
                    }
                }
            }
        }
        assert!(jumps * 2 > cases, "{jumps} jumps in {cases} cases");
    }
}
