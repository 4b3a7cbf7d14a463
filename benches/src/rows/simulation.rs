//! Rows of the simulator: what its engines cost beside the bare loops they are made of.
//! Invariant: whether the simulation came to what it should is looked at before anything is timed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use peerdist_sim::plan::Plan;
use peerdist_sim::scenario::load;
use peerdist_sim::{builtin, flow, packet};

use super::Context;
use super::judge::{Round, Subject, Unit};
use crate::core_share::share_of_core;
use crate::pairs::{Side, timed_on_cpu};

/// A block leaves as a request, which arrives, and comes as an answer, which arrives. In a burst none of them is carried
/// out by itself, and in recurring rounds not even the burst is.
const EVENTS_OF_A_BLOCK: u64 = 4;

/// Hosts of a branch whose blocks are carried out one by one, which takes long.
const HOSTS_ONE_BY_ONE: u64 = 5;

/// Events that wait in the bare loop: those of a host that fetches several blocks at a time, and of its neighbours.
const WAITING: u64 = 256;

/// Hosts of the packet engine, as many as it is meant for, and what of their time is simulated.
const HOSTS: u64 = 50;
const SIMULATED_MS: u64 = 1_000;

/// Events of the flow engine a second: a branch of the built-in scenario `million`.
pub fn flow_events(context: &Context) -> Round {
    flow_row(context, "flow-events", branch_of_million(&[]))
}

/// The same, held against the bare loop.
pub fn flow_events_beside_heap(context: &Context) -> Round {
    flow_row(context, "flow-events-beside-heap", branch_of_million(&[]))
}

/// A few hosts of it, with every block carried out by itself; informs only.
pub fn flow_events_one_by_one(context: &Context) -> Round {
    let few = ("hosts.desks.count".to_owned(), HOSTS_ONE_BY_ONE.to_string());
    let plan = branch_of_million(&[few]).map(|mut plan| {
        plan.bursts = false;
        plan
    });
    flow_row(context, "flow-events-one-by-one", plan)
}

fn flow_row(context: &Context, name: &'static str, plan: Result<Plan, String>) -> Round {
    let events = plan.as_ref().map_err(Clone::clone).and_then(events_of);
    let ours = plan.as_ref().map_err(Clone::clone).and_then(|plan| {
        let events = events.clone()?;
        Ok(Side::in_memory(events, move || {
            black_box(flow::run(black_box(plan), 1));
        }))
    });
    let rival = events.clone().map(|events| {
        Side::in_memory(events, move || {
            black_box(bare_heap(black_box(events)));
        })
    });
    Round::measure(Subject {
        name,
        kernel: "discrete events".to_owned(),
        unit: Unit::EventsASecond,
        ours,
        rival_name: "bare binary heap".to_owned(),
        rival: rival.map_err(crate::rivals::NotInstalled),
        pairs: context.settings.memory_pairs,
        share_of_core: &share_of_core,
    })
}

fn branch_of_million(more: &[(String, String)]) -> Result<Plan, String> {
    let million = builtin::find("million").ok_or("there is no scenario 'million'")?;
    let one = ("sites.branch.copies".to_owned(), "1".to_owned());
    let settings: Vec<_> = iter::once(one).chain(more.iter().cloned()).collect();
    let scenario = peerdist_sim::scenario::with(million.name, million.text, &settings);
    Ok(Plan::new(
        Arc::new(scenario.map_err(|error| error.to_string())?),
        1,
    ))
}

/// The events of a plan, were none of them done together with others.
fn events_of(plan: &Plan) -> Result<u64, String> {
    let outcome = flow::run(plan, 1);
    if let Some(violation) = outcome.violations().next() {
        return Err(violation.to_owned());
    }
    let blocks: u64 = outcome.sites.iter().map(|site| site.blocks).sum();
    Ok(blocks * EVENTS_OF_A_BLOCK)
}

/// Takes the event that is next, and adds one for later, as often as that.
fn bare_heap(events: u64) -> u64 {
    let mut heap = BinaryHeap::new();
    let mut chance = 1_u64;
    let mut later = || {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance & 0xf_ffff
    };
    heap.extend((0..WAITING).map(|number| Reverse((later(), number))));
    let mut now = 0;
    for _ in 0..events {
        if let Some(Reverse((at, number))) = heap.pop() {
            now = at;
            heap.push(Reverse((now + later(), number)));
        }
    }
    now
}

/// Hosts of the packet engine, each the real program, beside as many that sleep on the bare network simulator.
pub fn packet_hosts(context: &Context) -> Round {
    let plan = office();
    let ours = plan.as_ref().map_err(Clone::clone).map(|plan| {
        Side::self_timed(HOSTS * SIMULATED_MS, move || {
            let (outcome, took) = timed_on_cpu(|| packet::carry_out(black_box(plan)));
            let outcome = outcome.map_err(|error| error.to_string())?;
            match outcome.violations().next() {
                Some(violation) => Err(violation.to_owned()),
                None => Ok(took),
            }
        })
    });
    let rival = Side::self_timed(HOSTS * SIMULATED_MS, || {
        let (ended, took) = timed_on_cpu(idle_hosts);
        ended.map(|()| took)
    });
    Round::measure(Subject {
        name: "packet-hosts",
        kernel: "turmoil".to_owned(),
        unit: Unit::EventsASecond,
        ours,
        rival_name: "idle hosts on turmoil".to_owned(),
        rival: Ok(rival),
        pairs: context.settings.file_pairs,
        share_of_core: &share_of_core,
    })
}

fn office() -> Result<Plan, String> {
    let text = format!(
        "
sites: {{ branch: {{ link: {{ down: 20 Mbit/s, latency: 5 ms }} }} }}
hosts: {{ desks: {{ count: {HOSTS} }} }}
contents: {{ update: {{ size: 200 kB }} }}
workload: [{{ arrive: {{ pattern: one_by_one, every: 20 ms }} }}]
end: {SIMULATED_MS} ms
"
    );
    let scenario = load("packet-hosts", &text).map_err(|error| error.to_string())?;
    Ok(Plan::new(Arc::new(scenario), 1))
}

fn idle_hosts() -> Result<(), String> {
    let mut simulation = turmoil::Builder::new()
        .tick_duration(Duration::from_millis(1))
        .simulation_duration(Duration::from_millis(SIMULATED_MS + 1_000))
        .build();
    for host in 0..HOSTS {
        simulation.host(format!("host-{host}"), || async {
            std::future::pending::<turmoil::Result>().await
        });
    }
    for _ in 0..SIMULATED_MS {
        simulation.step().map_err(|error| error.to_string())?;
    }
    Ok(())
}
