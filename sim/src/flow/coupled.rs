//! Branches that share the line of the data centre: what one fetches, others have less of at the same time.
//! Invariant: one thing after the other in the order of time, and of branches where times are equal: no threads, one answer.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};

use peerdist::time::Instant;

use super::branch::Branch;
use super::network::{Flow, Link, Network};
use crate::outcome::{Outcome, SiteOutcome};
use crate::plan::Plan;
use crate::scenario::units::Rate;
use crate::series::{BRANCHES_RECORDED_MOST, Series};

/// All branches of a plan, and the one network that they are on.
struct Coupled<'p> {
    network: Network,
    branches: Vec<Branch<'p>>,
    /// Whose a flow is.
    owners: BTreeMap<Flow, usize>,
    /// When the next event of each branch is.
    due: BTreeSet<(Instant, usize)>,
    planned: Vec<Option<Instant>>,
}

/// Carries out a plan whose branches share a line of a rate, each way.
pub(super) fn run(plan: &Plan, rate: Rate) -> Outcome {
    let mut network = Network::default();
    let centre = [network.link(rate.0), network.link(rate.0)];
    let mut branches = Vec::new();
    for site in &plan.sites {
        let mut branch = Branch::within(plan, site, network, Some(centre));
        network = std::mem::take(&mut branch.network);
        branches.push(branch);
    }
    let count = branches.len();
    let mut coupled = Coupled {
        network,
        branches,
        owners: BTreeMap::new(),
        due: BTreeSet::new(),
        planned: vec![None; count],
    };
    for number in 0..count {
        coupled.plan(number);
    }
    coupled.go(plan.end);
    let mut outcome = Outcome::default();
    for mut site in coupled.close(centre) {
        outcome.series.merge(&site.series);
        if count > BRANCHES_RECORDED_MOST {
            site.series = Series::default();
        }
        outcome.sites.push(site);
    }
    outcome
}

impl<'p> Coupled<'p> {
    fn go(&mut self, end: Instant) {
        loop {
            let flow = self.network.next();
            let event = self.due.first().copied();
            let next = flow.into_iter().chain(event.map(|(at, _)| at)).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                return;
            };
            if flow == Some(next) {
                while let Some(reached) = self.network.reached(next) {
                    let owner = match reached.is_end {
                        true => self.owners.remove(&reached.flow),
                        false => self.owners.get(&reached.flow).copied(),
                    };
                    if let Some(owner) = owner {
                        self.with(owner, next, |branch| branch.reached(reached));
                    }
                }
            } else if let Some((at, owner)) = event {
                self.with(owner, at, |branch| {
                    if let Some((_, happening)) = branch.queue.pop() {
                        branch.happen(happening);
                    }
                });
            }
        }
    }

    /// Lets a branch do something on the network that all share.
    fn with(&mut self, number: usize, now: Instant, act: impl FnOnce(&mut Branch<'p>)) {
        if let Some(branch) = self.branches.get_mut(number) {
            std::mem::swap(&mut branch.network, &mut self.network);
            branch.record_until(now);
            branch.now = now;
            act(branch);
            std::mem::swap(&mut branch.network, &mut self.network);
            let started = branch.started.iter_mut().flat_map(|flows| flows.drain(..));
            self.owners.extend(started.map(|flow| (flow, number)));
        }
        self.plan(number);
    }

    /// Notes when the next event of a branch is.
    fn plan(&mut self, number: usize) {
        let next = self.branches.get(number).and_then(|it| it.queue.next());
        let Some(planned) = self.planned.get_mut(number) else {
            return;
        };
        if *planned == next {
            return;
        }
        if let Some(before) = std::mem::replace(planned, next) {
            self.due.remove(&(before, number));
        }
        self.due.extend(next.map(|next| (next, number)));
    }

    fn close(mut self, centre: [Link; 2]) -> Vec<SiteOutcome> {
        let last = self.branches.iter().map(|branch| branch.now).max();
        let last = last.unwrap_or(Instant::ZERO);
        let is_overloaded = self.network.overloaded().is_some();
        let carried = centre.map(|link| self.network.carried(last, link));
        let mut sites = Vec::new();
        for mut branch in std::mem::take(&mut self.branches) {
            branch.now = last;
            std::mem::swap(&mut branch.network, &mut self.network);
            let (outcome, network) = branch.close();
            self.network = network;
            sites.push(outcome);
        }
        let lines = |of: fn(&SiteOutcome) -> u64| sites.iter().map(of).sum::<u64>();
        let all = [lines(|it| it.wan_down_bytes), lines(|it| it.wan_up_bytes)];
        // What is cut off has carried parts of bytes.
        let apart = all[0].abs_diff(carried[0]).max(all[1].abs_diff(carried[1]));
        if let Some(first) = sites.first_mut() {
            if is_overloaded {
                let what = "a line carries more than its rate".to_owned();
                first.violations.push(what);
            }
            if apart > self.planned.len() as u64 {
                first.violations.push(format!(
                    "the data centre carried {carried:?} bytes, and the lines of the branches {all:?}"
                ));
            }
        }
        sites
    }
}
