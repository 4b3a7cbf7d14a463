//! The faults of a plan as those of an office, and what must be so of its links when all is over.
//! Invariant: a fault that this engine cannot carry out is an error, never left out.
//! Unit: nanoseconds since the beginning; bytes.

use peerdist::time::Instant;

use super::office::{Fault, Serving};
use super::run::{Failure, Outcome};
use crate::engine::Engine;
use crate::plan::{Effect, Plan};

/// Bytes that wait in a queue at the end were counted already; they take no longer than this.
const QUEUE_TIME_MOST_NS: u64 = 50_000_000;

/// What goes wrong, for an office.
pub(super) fn of(plan: &Plan) -> Result<Vec<Fault>, Failure> {
    let mut faults = Vec::new();
    let mut versions = Vec::new();
    // What never heals does so when nobody looks any more.
    let never = plan.end.as_nanos().saturating_add(1_000_000_000);
    for (branch, site) in plan.sites.iter().enumerate() {
        let mut downs: Vec<(usize, u64, Option<u64>)> = Vec::new();
        for fault in plan.faults(site) {
            let kind = fault.effect.kind();
            if !Engine::Packet.carries_out(kind) {
                return Err(Failure::Office(format!(
                    "the packet engine cannot carry out the fault '{}': use --engine flow",
                    kind.name()
                )));
            }
            let from_ns = fault.from.as_nanos();
            let until = fault.until.map(Instant::as_nanos);
            let until_ns = until.unwrap_or(never);
            let hosts = fault.hosts.iter().map(|host| *host as usize);
            let serves = |client, how| Fault::Serves {
                branch,
                client,
                how,
                from_ns,
                until_ns,
            };
            match fault.effect {
                Effect::Crash => downs.extend(hosts.map(|client| (client, from_ns, until))),
                Effect::LinkDown => faults.push(Fault::WanDown {
                    branch,
                    from_ns,
                    until_ns,
                }),
                Effect::CutFromOrigin => faults.extend(hosts.map(|client| Fault::CutFromOrigin {
                    branch,
                    client,
                    from_ns,
                    until_ns,
                })),
                Effect::CutFromNeighbours => faults.push(Fault::CutFromNeighbours {
                    branch,
                    clients: hosts.collect(),
                    from_ns,
                    until_ns,
                }),
                Effect::Corrupts => {
                    faults.extend(hosts.map(|client| serves(client, Serving::Wrongly)));
                }
                Effect::Silent => faults.extend(hosts.map(|client| serves(client, Serving::Never))),
                Effect::NewVersion { content, becomes } => versions.push(Fault::NewVersion {
                    content: content as usize,
                    becomes: becomes as usize,
                    from_ns,
                }),
                Effect::SlowDisk { .. } | Effect::Lies | Effect::ClockSkew { .. } => {}
            }
        }
        downs.sort_unstable_by_key(|(client, from, _)| (*client, *from));
        faults.extend(
            merged(downs).map(|(client, from_ns, until_ns)| Fault::HostDown {
                branch,
                client,
                from_ns,
                until_ns,
            }),
        );
        // There is one origin: the first branch tells what changes there.
        if branch == 0 {
            faults.append(&mut versions);
        }
        versions.clear();
    }
    Ok(faults)
}

/// Times of the same host that overlap, as one.
fn merged(
    downs: Vec<(usize, u64, Option<u64>)>,
) -> impl Iterator<Item = (usize, u64, Option<u64>)> {
    let mut merged: Vec<(usize, u64, Option<u64>)> = Vec::new();
    for (client, from, until) in downs {
        match merged.last_mut() {
            Some((last, _, to)) if *last == client && to.is_none_or(|to| from <= to) => {
                *to = to.zip(until).map(|(one, other)| one.max(other));
            }
            _ => merged.push((client, from, until)),
        }
    }
    merged.into_iter()
}

/// What is wrong with the links.
pub(super) fn links(ran: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    for link in &ran.links {
        if link.rate.time_of(link.bytes) > link.busy_ns
            || link.busy_ns > ran.ended_ns.saturating_add(QUEUE_TIME_MOST_NS)
        {
            wrong.push(format!(
                "{} carried {} bytes in {} ns of {}, more than its rate",
                link.name, link.bytes, link.busy_ns, ran.ended_ns
            ));
        }
    }
    if ran.received_bytes > ran.sent_bytes {
        wrong.push(format!(
            "hosts received {} bytes of {} that were sent",
            ran.received_bytes, ran.sent_bytes
        ));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::packet::{LinkUse, Rate, Trace};
    use crate::scenario::load;

    fn plan(fault: &str) -> Plan {
        let text = format!(
            "sites: {{ a: {{}} }}\nhosts: {{ b: {{ count: 2 }} }}\ncontents: {{ c: {{}}, d: {{}} }}\n\
             workload: [{{ fetch: c }}]\nfaults: [{fault}]\n"
        );
        Plan::new(Arc::new(load("test", &text).unwrap()), 1)
    }

    #[test]
    fn what_this_engine_cannot_carry_out_is_said_and_who_can() {
        for kind in ["lies", "slow_disk, delay: 1 s", "clock_skew, ahead: 1 s"] {
            let plan = plan(&format!("{{ kind: {kind} }}"));
            let error = of(&plan).unwrap_err().to_string();
            let name = kind.split(',').next().unwrap();
            let expected = format!("cannot carry out the fault '{name}': use --engine flow");
            assert!(error.ends_with(&expected), "{error}");
            assert_eq!(Engine::choose(&plan).0, Engine::Flow);
            assert!(Engine::choose(&plan).1.contains(name));
        }
    }

    #[test]
    fn times_without_a_host_that_overlap_are_one() {
        let downs = vec![
            (0, 1, Some(5)),
            (0, 3, Some(9)),
            (0, 20, None),
            (0, 30, Some(31)),
            (1, 2, Some(3)),
        ];
        let merged: Vec<_> = merged(downs).collect();
        assert_eq!(merged, [(0, 1, Some(9)), (0, 20, None), (1, 2, Some(3))]);
    }

    #[test]
    fn a_link_above_its_rate_and_bytes_from_nowhere_are_found() {
        let link = |bytes, busy_ns| LinkUse {
            name: "it".to_owned(),
            rate: Rate::bits_per_second(8_000),
            bytes,
            busy_ns,
            dropped: 0,
            record: None,
        };
        let ran = |link, received_bytes| Outcome {
            downloads: Vec::new(),
            unfinished: 0,
            links: vec![link],
            discovery_bytes: Vec::new(),
            sources: Vec::new(),
            sent_bytes: 10,
            received_bytes,
            ended_ns: 1_000_000_000,
            trace: Trace::default(),
        };
        assert!(links(&ran(link(1_000, 1_000_000_000), 10)).is_empty());
        assert_eq!(links(&ran(link(1_001, 1_000_000_000), 10)).len(), 1);
        assert_eq!(links(&ran(link(2_000, 2_000_000_000), 10)).len(), 1);
        assert_eq!(links(&ran(link(1_000, 1_000_000_000), 11)).len(), 1);
    }
}
