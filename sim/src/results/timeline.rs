//! What happened over time, in all branches or in one: a row for each bin.
//! Invariant: each column but the last adds up to its total; what is active is the most at any moment of the bin.
//! Unit: bytes; nanoseconds since the beginning.

use crate::baseline::without_caching;
use crate::outcome::{Outcome, SiteOutcome};
use crate::plan::{Plan, SitePlan};
use crate::series::{Measure, Series};

/// A bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// Over the line, in the order of [`Measure::ALL`], and where content came from.
    pub bytes: [u64; Measure::ALL.len()],
    /// What the line would have carried towards the branch without caching.
    pub without: u64,
    /// Downloads that began.
    pub begun: u64,
    /// Downloads that ended.
    pub ended: u64,
    /// Downloads that were under way at a time, at most.
    pub active: u64,
}

/// All bins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline {
    /// How wide a bin is.
    pub bin_ns: u64,
    /// One after the other, from the beginning on.
    pub rows: Vec<Row>,
}

impl Timeline {
    /// Of all branches together.
    #[must_use]
    pub fn of_all(plan: &Plan, outcome: &Outcome) -> Self {
        let sites: Vec<_> = plan.sites.iter().zip(&outcome.sites).collect();
        Self::new(plan, &outcome.series, &sites)
    }

    /// Of one branch.
    #[must_use]
    pub fn of_one(plan: &Plan, site: &SitePlan, outcome: &SiteOutcome) -> Self {
        Self::new(plan, &outcome.series, &[(site, outcome)])
    }

    fn new(plan: &Plan, series: &Series, sites: &[(&SitePlan, &SiteOutcome)]) -> Self {
        let mut series = series.clone();
        let mut without = Series::default();
        for (site, outcome) in sites {
            without.merge(&without_caching(plan, site, outcome));
        }
        let transfers = || sites.iter().flat_map(|(_, outcome)| &outcome.transfers);
        let last = transfers().map(|it| it.ended.as_nanos()).max();
        series.cover(last.unwrap_or_default());
        series.widen_to(without.bin_ns());
        without.widen_to(series.bin_ns());
        let bin_ns = series.bin_ns();
        let bin = |at_ns: u64| usize::try_from(at_ns / bin_ns).unwrap_or(usize::MAX);
        let bins = last.map_or(0, |last| bin(last) + 1);
        let bins = bins.max(series.len()).max(without.len());
        let mut rows = vec![Row::default(); bins];
        for (number, row) in rows.iter_mut().enumerate() {
            for (to, what) in row.bytes.iter_mut().zip(Measure::ALL) {
                *to = series.at(number, what);
            }
            row.without = without.at(number, Measure::WanDown);
        }
        // Who ends at a moment makes room after who begins at it.
        let mut turns: Vec<(u64, bool)> = transfers()
            .flat_map(|it| [(it.began.as_nanos(), false), (it.ended.as_nanos(), true)])
            .collect();
        turns.sort_unstable();
        let mut turns = turns.into_iter().peekable();
        let mut active = 0_u64;
        for (number, row) in rows.iter_mut().enumerate() {
            row.active = active;
            while let Some((_, is_end)) = turns.next_if(|(at, _)| bin(*at) <= number) {
                if is_end {
                    row.ended += 1;
                    active = active.saturating_sub(1);
                } else {
                    row.begun += 1;
                    active += 1;
                }
                row.active = row.active.max(active);
            }
        }
        Self { bin_ns, rows }
    }
}
