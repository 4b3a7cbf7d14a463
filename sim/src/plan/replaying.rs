//! Traces made concrete: which host of the scenario each host of a trace is, and which content each of its urls.
//! Invariant: hosts and contents come in the order in which the trace names them first.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::time::Instant;

use super::contents::ContentPlan;
use super::{FetchPlan, Plan};
use crate::scenario::Work;
use crate::scenario::replay::Row;

/// The downloads of all traces, by branch.
pub(super) type Replayed = BTreeMap<u32, Vec<FetchPlan>>;

/// Adds the contents of all traces to a plan, and returns their downloads.
pub(super) fn replayed(plan: &mut Plan, versions: [bool; 2]) -> Replayed {
    let mut all = Replayed::new();
    let mut contents: BTreeMap<(String, u64), u32> = BTreeMap::new();
    let scenario = std::sync::Arc::clone(&plan.scenario);
    for work in &scenario.workload {
        let Some(replay) = &work.replay else {
            continue;
        };
        // That it can be read was found out with the scenario.
        let rows = replay.rows().unwrap_or_default();
        let period = replay.period(&rows);
        let hosts = hosts(plan, work, &rows);
        for time in 0..u64::from(replay.times) {
            let from = work
                .arrive
                .from
                .0
                .saturating_add(time.saturating_mul(period.0));
            for row in &rows {
                let Some(&(site, host)) = hosts.get(row.host.as_str()) else {
                    continue;
                };
                // Other bytes under the same url are another content.
                let key = (row.url.clone(), row.bytes);
                let content = *contents.entry(key).or_insert_with(|| {
                    let number = plan.contents.len();
                    let content = ContentPlan::plain(&row.url, number as u64, row.bytes, versions);
                    plan.contents.push(content);
                    u32::try_from(number).unwrap_or(u32::MAX)
                });
                all.entry(site).or_default().push(FetchPlan {
                    at: Instant::from_nanos(from.saturating_add(row.at.0)),
                    host,
                    content,
                });
            }
        }
    }
    all
}

/// Which host of which branch each host of a trace is. Where the scenario has fewer, some are several.
fn hosts<'a>(plan: &Plan, work: &Work, rows: &'a [Row]) -> BTreeMap<&'a str, (u32, u32)> {
    let places: Vec<(u32, u32)> = plan
        .sites
        .iter()
        .flat_map(|site| {
            let meant = plan.hosts_of_work(site, work);
            meant.into_iter().map(|host| (site.number, host))
        })
        .collect();
    let mut known = BTreeMap::new();
    for row in rows {
        let next = known.len() % places.len().max(1);
        if let Some(place) = places.get(next) {
            known.entry(row.host.as_str()).or_insert(*place);
        }
    }
    known
}
