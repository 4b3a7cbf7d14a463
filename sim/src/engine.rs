//! Which engine carries a plan out: the programs themselves where that takes seconds, else messages as sizes.
//! Invariant: the choice follows from the plan alone, so that it is the same on every machine.
//! Unit: hosts; nanoseconds of simulated time.

use std::fmt;

use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::scenario::fault::FaultKind;
use crate::{flow, packet};

/// Hosts that the packet engine is asked to carry, hosted caches not counted.
pub const PACKET_HOSTS_MOST: u64 = 50;
/// Bytes that it is asked to carry, all downloads together.
const PACKET_BYTES_MOST: u64 = 200_000_000;
/// What it may take by its estimate, in seconds.
const PACKET_SECONDS_MOST: f64 = 5.0;

/// What carries a plan out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Core's machines, messages as sizes, links as fluids.
    Flow,
    /// The programs themselves on simulated hosts.
    Packet,
}

impl Engine {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Packet => "packet",
        }
    }

    /// Whether it can carry out faults of a kind.
    #[must_use]
    pub const fn carries_out(self, kind: FaultKind) -> bool {
        match self {
            Self::Flow => true,
            Self::Packet => !matches!(
                kind,
                FaultKind::ClockSkew | FaultKind::Lies | FaultKind::SlowDisk
            ),
        }
    }

    /// The one for a plan, and why.
    #[must_use]
    pub fn choose(plan: &Plan) -> (Self, String) {
        if let Some(why) = packet::cannot(plan) {
            return (Self::Flow, why);
        }
        let faults = plan.sites.iter().flat_map(|site| plan.faults(site));
        let mut kinds = faults.map(|fault| fault.effect.kind());
        if let Some(kind) = kinds.find(|kind| !Self::Packet.carries_out(*kind)) {
            let why = format!(
                "the packet engine cannot carry out the fault '{}'",
                kind.name()
            );
            return (Self::Flow, why);
        }
        let hosts = plan.host_count();
        if hosts > PACKET_HOSTS_MOST {
            let why =
                format!("{hosts} hosts are more than the {PACKET_HOSTS_MOST} of the packet engine");
            return (Self::Flow, why);
        }
        let fetches = plan.sites.iter().flat_map(|site| plan.fetches(site));
        let (mut bytes, mut last) = (0_u64, 0);
        for fetch in fetches {
            let size = plan
                .contents
                .get(fetch.content as usize)
                .map_or(0, |it| it.size);
            bytes = bytes.saturating_add(size);
            last = fetch.at.as_nanos().max(last);
        }
        if bytes > PACKET_BYTES_MOST {
            let why = "the packet engine would have too many bytes to carry".to_owned();
            return (Self::Flow, why);
        }
        let seconds = packet_seconds(hosts, last.min(plan.end.as_nanos()));
        if seconds > PACKET_SECONDS_MOST {
            let why = format!("the packet engine would take some {seconds:.0} s");
            return (Self::Flow, why);
        }
        (
            Self::Packet,
            "it is small enough for the programs themselves".to_owned(),
        )
    }

    /// Carries a plan out, on so many threads where the engine can use them.
    ///
    /// # Errors
    /// Of the packet engine: what it cannot carry out.
    pub fn run(self, plan: &Plan, threads: usize) -> Result<Outcome, packet::Failure> {
        match self {
            Self::Flow => Ok(flow::run(plan, threads)),
            Self::Packet => packet::carry_out(plan),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What turmoil takes for so much simulated time: each millisecond it looks at all hosts, and at all pairs of them for
/// each. The factors were measured, with 2, 20 and 50 hosts.
fn packet_seconds(hosts: u64, nanos: u64) -> f64 {
    let hosts = hosts as f64;
    let of_a_tick = 1.1e-6 * hosts + 1.4e-9 * hosts * hosts * hosts;
    nanos as f64 / 1e6 * of_a_tick
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::load;

    fn chosen(text: &str) -> Engine {
        let scenario = load("test", text).unwrap();
        Engine::choose(&Plan::new(Arc::new(scenario), 1)).0
    }

    #[test]
    fn small_and_short_is_for_the_programs_themselves() {
        let text = "
sites: { branch: {} }
hosts: { desks: { count: 3 } }
contents: { update: { size: 1 MB } }
workload: [{ arrive: { pattern: one_by_one, every: 10 s } }]
";
        assert_eq!(chosen(text), Engine::Packet);
        for (from, to) in [
            ("count: 3", "count: 51"),
            ("10 s", "1 h"),
            ("1 MB", "100 MB"),
        ] {
            assert_eq!(chosen(&text.replace(from, to)), Engine::Flow, "{to}");
        }
    }
}
