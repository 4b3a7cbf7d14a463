//! The same downloads without PeerDist: everybody fetches everything from the origin over the line of the branch.
//! Invariant: a line that has something to carry is never idle, so what it carries when follows without a simulation;
//! the sum is what the summary calls `wan_bytes_without_caching`. Ports of hosts and heads of messages are left out.

use crate::outcome::SiteOutcome;
use crate::plan::{Plan, SitePlan};
use crate::series::{Measure, Series};

/// A byte at a bit a second, in nanoseconds.
const BYTE_NS: u128 = 8_000_000_000;

/// What the line of a branch would have carried towards it, for the downloads that were begun.
#[must_use]
pub fn without_caching(plan: &Plan, site: &SitePlan, outcome: &SiteOutcome) -> Series {
    let mut begun: Vec<(u64, u64)> = outcome
        .transfers
        .iter()
        .map(|transfer| {
            let content = plan.contents.get(transfer.content as usize);
            let size = content.map_or(0, |content| content.size);
            (transfer.began.as_nanos(), size)
        })
        .collect();
    begun.sort_unstable();
    let rate = u128::from(site.site.link.down.0.max(1));
    let takes = |bytes: u128| (bytes * BYTE_NS).div_ceil(rate);
    let mut series = Series::default();
    let mut busy: Option<(u64, u128)> = None;
    for (at, size) in begun {
        busy = match busy {
            Some((since, bytes)) if u128::from(at - since) <= takes(bytes) => {
                Some((since, bytes + u128::from(size)))
            }
            Some((since, bytes)) => {
                fill(&mut series, since, bytes, rate);
                Some((at, size.into()))
            }
            None => Some((at, size.into())),
        };
    }
    if let Some((since, bytes)) = busy {
        fill(&mut series, since, bytes, rate);
    }
    series
}

/// The line carries so much from a moment on, as fast as it can.
fn fill(series: &mut Series, since: u64, bytes: u128, rate: u128) {
    let takes = (bytes * BYTE_NS).div_ceil(rate);
    let end = since.saturating_add(u64::try_from(takes).unwrap_or(u64::MAX));
    series.cover(end);
    let width = series.bin_ns();
    let (mut from, mut carried) = (since, 0);
    while from < end {
        let edge = (from / width + 1).saturating_mul(width).min(end);
        let by_then = match edge == end {
            true => bytes,
            false => (u128::from(edge - since) * rate / BYTE_NS).min(bytes),
        };
        let came = u64::try_from(by_then - carried).unwrap_or(u64::MAX);
        series.add(from, Measure::WanDown, came);
        (from, carried) = (edge, by_then);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_busy_at_its_rate_until_all_is_carried() {
        let mut series = Series::default();
        // 2 MB a second, from the middle of a bin on.
        fill(&mut series, 2_500_000, 7_000, 16_000_000);
        let of: Vec<u64> = (0..series.len())
            .map(|bin| series.at(bin, Measure::WanDown))
            .collect();
        assert_eq!(of, [0, 0, 1_000, 2_000, 2_000, 2_000]);
    }

    #[test]
    fn what_takes_days_is_carried_to_the_byte() {
        let mut series = Series::default();
        fill(&mut series, 1, 1_000_003, 7);
        fill(&mut series, 999, 12, 1);
        assert_eq!(series.total(Measure::WanDown), 1_000_015);
    }
}
