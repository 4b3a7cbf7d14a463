//! After faults heal, every download completes: the oracle of that, for both engines.
//! Invariant: a download that something still holds up is not blamed.
//! Unit: nanoseconds since the beginning.

use peerdist::time::{Duration, Instant};

use crate::outcome::{SiteOutcome, Transfer};
use crate::plan::{FaultPlan, Plan, SitePlan};

/// How long after everything healed a download may take, besides twice the time that the line needs for all of them.
const PATIENCE: Duration = Duration::from_secs(900);

/// Downloads of a branch that had all the time they need after everything healed, and did not end.
pub(crate) fn late_of(plan: &Plan, site: &SitePlan, outcome: &SiteOutcome) -> Vec<String> {
    let faults = plan.faults(site);
    if faults.is_empty() {
        return Vec::new();
    }
    let fetches = plan.fetches(site);
    let largest = plan.contents.iter().map(|content| content.size).max();
    let bytes = u128::from(largest.unwrap_or(0)) * fetches.len() as u128;
    let rate = u128::from(site.site.link.down.0.max(1));
    let nanos = 2 * 8 * 1_000_000_000 * bytes / rate;
    let patience = PATIENCE + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    late(&faults, &outcome.transfers, patience, plan.end)
}

fn late(
    faults: &[FaultPlan],
    transfers: &[Transfer],
    patience: Duration,
    end: Instant,
) -> Vec<String> {
    let mut late = Vec::new();
    for transfer in transfers.iter().filter(|transfer| !transfer.is_complete) {
        let mut from = transfer.began;
        let mut is_excused = false;
        for fault in faults.iter().filter(|fault| fault.from <= end) {
            let is_held_up = fault.effect.holds_up() && fault.befalls(transfer.host);
            is_excused |= is_held_up && fault.until.is_none();
            from = from.max(fault.until.unwrap_or(fault.from));
        }
        if !is_excused && from + patience <= end {
            late.push(format!(
                "host {} did not get content {} although everything healed at {} ns",
                transfer.host,
                transfer.content,
                from.as_nanos()
            ));
        }
    }
    late
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Shares;
    use crate::plan::Effect;

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_download_that_had_time_and_did_not_end_is_found_and_one_that_is_held_up_is_not() {
        let transfer = |host| Transfer {
            host,
            content: 0,
            began: at(10),
            ended: at(1_000),
            is_complete: false,
            shares: Shares::default(),
        };
        let fault = |effect, until: Option<u64>| FaultPlan {
            effect,
            from: at(20),
            until: until.map(at),
            hosts: vec![1],
        };
        let patience = Duration::from_secs(100);
        let found = |fault: FaultPlan, host, end| {
            late(&[fault], &[transfer(host)], patience, at(end)).len()
        };
        assert_eq!(found(fault(Effect::Crash, Some(200)), 1, 300), 1);
        assert_eq!(found(fault(Effect::Crash, Some(200)), 1, 299), 0);
        assert_eq!(found(fault(Effect::Crash, None), 1, 1_000), 0);
        // Who is well has no excuse.
        assert_eq!(found(fault(Effect::Crash, None), 2, 1_000), 1);
        assert_eq!(found(fault(Effect::LinkDown, None), 2, 1_000), 0);
        assert_eq!(found(fault(Effect::Lies, None), 2, 1_000), 1);
        let mut done = transfer(1);
        done.is_complete = true;
        assert!(late(&[], &[done], patience, at(1_000)).is_empty());
    }
}
