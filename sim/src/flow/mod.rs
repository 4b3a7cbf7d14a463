//! The flow engine: core's machines in a discrete-event simulation, messages as sizes, links as fluids.
//! Invariant: branches do not meet but in the data centre; what happens in one follows from the plan and its own number.
//! Unit: integer nanoseconds.

mod branch;
mod burst;
mod bursting;
mod caching;
mod coupled;
mod crashing;
mod discovering;
mod downloading;
mod faulting;
mod host;
mod line;
mod lying;
mod network;
mod offering;
mod oracles;
mod origin;
mod overhead;
mod queue;
mod serving;
mod store;
mod waking;

use std::sync::PoisonError;

use crate::outcome::{Outcome, SiteOutcome};
use crate::plan::Plan;
use crate::series::{BRANCHES_RECORDED_MOST, Series};
use branch::Branch;
pub use line::mathis_bits_per_second;

/// Carries out a plan, branches side by side on so many threads; on one where they share the line of the data centre.
#[must_use]
pub fn run(plan: &Plan, threads: usize) -> Outcome {
    run_with(plan, threads, false)
}

/// The same with a defect: clients take whatever a peer sends for what it should be.
#[cfg(test)]
pub(crate) fn run_that_trusts_everybody(plan: &Plan) -> Outcome {
    run_with(plan, 1, true)
}

fn run_with(plan: &Plan, threads: usize, trusts_everybody: bool) -> Outcome {
    if let Some(rate) = plan.scenario.data_centre.rate {
        return coupled::run(plan, rate);
    }
    let series = std::sync::Mutex::new(Series::default());
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut done: Vec<(usize, SiteOutcome)> = Vec::new();
        loop {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(site) = plan.sites.get(number) else {
                return done;
            };
            let mut branch = Branch::new(plan, site);
            branch.faulting.trusts_everybody = trusts_everybody;
            let mut outcome = branch.run();
            series
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .merge(&outcome.series);
            if plan.sites.len() > BRANCHES_RECORDED_MOST {
                outcome.series = Series::default();
            }
            done.push((number, outcome));
        }
    };
    let threads = threads.clamp(1, plan.sites.len().max(1));
    let mut done: Vec<(usize, SiteOutcome)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    Outcome {
        sites: done.into_iter().map(|(_, site)| site).collect(),
        series: series.into_inner().unwrap_or_else(PoisonError::into_inner),
    }
}
