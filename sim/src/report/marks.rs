//! What befell the network, to be marked on the axis of time.
//! Invariant: bounded, however many faults and branches there are; what befalls all copies of a site alike is one mark.
//! Unit: seconds since the beginning.

use std::collections::BTreeMap;

use super::Mark;
use crate::plan::{FaultPlan, Plan, SitePlan};
use crate::summary::seconds;

/// Marks that still tell something.
const MARKS_MOST: usize = 40;
/// Hosts that are named.
const HOSTS_NAMED_MOST: usize = 3;

/// From when, until when, and what.
type Key = (u64, Option<u64>, String);

/// The faults of a plan, the earliest first.
pub(super) fn of(plan: &Plan) -> Vec<Mark> {
    let mut befell: BTreeMap<Key, Vec<&SitePlan>> = BTreeMap::new();
    for site in &plan.sites {
        for fault in plan.faults(site) {
            let until = fault.until.map(|until| until.as_nanos());
            let key = (fault.from.as_nanos(), until, said(site, &fault));
            befell.entry(key).or_default().push(site);
        }
    }
    let mark = |((from, until, what), sites): (Key, Vec<&SitePlan>)| {
        let place = match sites.as_slice() {
            _ if plan.sites.len() == 1 => String::new(),
            [one] => format!(" in {}", one.label()),
            many => format!(" in {} branches", many.len()),
        };
        Mark {
            at_seconds: seconds(from),
            until_seconds: until.map(seconds),
            label: format!("{what}{place}"),
        }
    };
    befell.into_iter().take(MARKS_MOST).map(mark).collect()
}

/// The fault, and whom it befalls.
fn said(site: &SitePlan, fault: &FaultPlan) -> String {
    let kind = serde_json::to_value(fault.effect.kind()).unwrap_or_default();
    let kind = kind.as_str().unwrap_or_default().replace('_', " ");
    let name = |host: &u32| match *host == site.cache_number() {
        true => "hosted cache".to_owned(),
        false => format!("host {host}"),
    };
    match fault.hosts.as_slice() {
        [] => kind,
        few if few.len() <= HOSTS_NAMED_MOST => {
            let names: Vec<String> = few.iter().map(name).collect();
            format!("{kind}: {}", names.join(", "))
        }
        many => format!("{kind}: {} hosts", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::load;

    #[test]
    fn what_befalls_copies_alike_is_one_mark_and_hosts_have_their_names() {
        let text = "
sites: { office: { copies: 3 } }
hosts: { desks: { count: 2 } }
contents: { update: { size: 1 MB } }
workload: [{}]
faults:
  - { kind: link_down, at: 2 s, for: 3 s }
  - { kind: crash, at: 1 s, for: 1 s, who: { site: office, copy: 2, host: 0 } }
";
        let plan = Plan::new(Arc::new(load("it", text).unwrap()), 1);
        let marks = of(&plan);
        let said: Vec<&str> = marks.iter().map(|mark| mark.label.as_str()).collect();
        assert_eq!(
            said,
            ["crash: host 0 in office-2", "link down in 3 branches"]
        );
        assert_eq!(
            (marks[1].at_seconds, marks[1].until_seconds),
            (2.0, Some(5.0))
        );
    }
}
