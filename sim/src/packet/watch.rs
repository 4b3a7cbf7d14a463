//! Where the bytes of a download come from, as it goes on.
//! Invariant: a download that ends well is recorded with exactly the shares of its report, any other not at all.
//! Unit: nanoseconds since the beginning; bytes.

use std::sync::{Arc, Mutex, PoisonError};

use peerdist_node::get::{Observer, Progress, Shares};

use super::wires::now;
use crate::series::{Measure, Series};

/// What the downloads of a branch brought when.
pub(super) type Record = Arc<Mutex<Series>>;

/// Looks at a download.
#[derive(Debug, Default)]
pub(super) struct Watch {
    series: Series,
    seen: Shares,
}

fn parts(shares: &Shares) -> [(Measure, u64); 4] {
    [
        (Measure::Origin, shares.origin),
        (Measure::Peers, shares.peers),
        (Measure::HostedCache, shares.hosted_cache),
        (Measure::LocalCache, shares.local_cache),
    ]
}

impl Observer for Watch {
    fn progress(&mut self, progress: &Progress) {
        let now = now();
        let seen = std::mem::replace(&mut self.seen, progress.shares);
        for ((what, is), (_, was)) in parts(&progress.shares).into_iter().zip(parts(&seen)) {
            self.series.add(now, what, is.saturating_sub(was));
        }
    }
}

impl Watch {
    /// It ended well.
    pub(super) fn finish(mut self, at_ns: u64, shares: &Shares, record: &Record) {
        for (what, total) in parts(shares) {
            self.series.settle(at_ns, what, total);
        }
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        record.merge(&self.series);
    }
}
