//! The scenarios that come with the program.
//! Invariant: each passes its own expectations.
//! Byte order: none.

use crate::scenario::{LoadError, Scenario, with};

/// A scenario that comes with the program.
#[derive(Debug, Clone, Copy)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// What makes a long one take seconds, as `--set` has it.
    pub shortened: &'static [(&'static str, &'static str)],
}

impl Builtin {
    /// The scenario, as long as it may be where everything is tried.
    ///
    /// # Errors
    /// Where its text is wrong.
    pub fn short(&self) -> Result<Scenario, LoadError> {
        let sets = self.shortened.iter();
        let sets: Vec<(String, String)> = sets
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        with(self.name, self.text, &sets)
    }
}

macro_rules! builtins {
    ($($name:literal $(with $key:literal = $value:literal)?),+ $(,)?) => {
        /// All of them, the simplest first.
        pub const BUILTINS: &[Builtin] = &[$(Builtin {
            name: $name,
            text: include_str!(concat!("../scenarios/", $name, ".yaml")),
            shortened: &[$(($key, $value))?],
        }),+];
    };
}

builtins![
    "branch-office",
    "slow-t1",
    "satellite",
    "flash-crowd",
    "patch-tuesday",
    "hosted-vs-distributed",
    "multi-branch",
    "laptops-come-and-go",
    "dedup-update",
    "working-week",
    "delivery-optimization-two",
    "delivery-optimization-three",
    "partition-heal",
    "hostile-peer",
    "hunt",
    "million" with "sites.branch.copies" = "2",
];

/// The one of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::Plan;
    use crate::{flow, packet};

    /// What happened when a scenario was run last, as it stands in the repository.
    const TRACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/traces.txt");

    /// To be set to anything where traces are meant to change.
    const WRITE_TRACES: &str = "PEERDIST_WRITE_TRACES";

    #[test]
    fn each_keeps_what_it_promises_and_happens_as_it_did() {
        let mut traces = String::new();
        for builtin in BUILTINS {
            let name = builtin.name;
            let scenario = builtin.short().unwrap_or_else(|error| panic!("{error}"));
            assert!(
                scenario.about.len() > 40,
                "{name} says too little of itself"
            );
            assert!(!scenario.expect.is_empty(), "{name} expects nothing");
            let plan = Plan::new(Arc::new(scenario), 1);
            let outcome = flow::run(&plan, 2);
            assert_eq!(outcome.violations().next(), None, "{name}");
            let summary = outcome.summary(&plan);
            for expectation in &plan.scenario.expect {
                assert!(
                    expectation.is_met(&summary),
                    "{name}: {expectation}: {summary:#?}"
                );
            }
            traces.push_str(&format!("flow {name} {}\n", summary.trace_hash));
        }
        hold("traces", TRACES, &traces);
    }

    /// The same of the packet engine, of scenarios small enough for it.
    const PACKET_TRACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packet-traces.txt");

    /// What makes each of them seconds of a few hosts. Those that the engine cannot carry out have nothing to set.
    const IN_PACKETS: &[(&str, &str)] = &[
        (
            "branch-office",
            "hosts.desks.count=3; contents.update.size=500 kB; workload=[{ arrive: { pattern: uniform, over: 8 s } }]; end=15 s",
        ),
        (
            "slow-t1",
            "hosts.desks.count=3; contents.document.size=300 kB; workload=[{ arrive: { pattern: one_by_one, every: 4 s } }]; end=15 s",
        ),
        (
            "satellite",
            "hosts.crew.count=3; contents.charts.size=400 kB; workload=[{ arrive: { pattern: poisson, every: 4 s } }]; end=25 s",
        ),
        (
            "flash-crowd",
            "hosts.in-order.count=3; hosts.at-random.count=3; contents.update.size=1 MB; end=8 s",
        ),
        (
            "patch-tuesday",
            "hosts.desks.count=4; contents.update.size=1 MB; workload=[{ arrive: { pattern: patch_day, decay: 4 s } }]; end=20 s",
        ),
        (
            "hosted-vs-distributed",
            "hosts.neighbours.count=3; hosts.clients.count=3; contents.report.size=1 MB; workload=[{ arrive: { pattern: one_by_one, every: 3 s } }]; end=12 s",
        ),
        (
            "multi-branch",
            "sites.office.copies=1; sites.plant.copies=1; sites.campus.copies=1; hosts.desks.count=2; hosts.stations.count=2; hosts.students.count=2; contents.handbook.size=500 kB; workload=[{ arrive: { pattern: one_by_one, every: 4 s } }]; end=12 s",
        ),
        ("laptops-come-and-go", ""),
        (
            "dedup-update",
            "hosts.old.count=2; hosts.new.count=2; contents.release.size=1 MB; workload=[{ fetch: release, arrive: { pattern: one_by_one, every: 3 s } }, { fetch: next-release, arrive: { pattern: one_by_one, every: 3 s, from: 7 s } }]; end=15 s",
        ),
        (
            "working-week",
            "hosts.desks.count=3; contents.documents.count=10; workload=[{ requests: 3, arrive: { pattern: poisson, every: 2 s } }]; end=30 s",
        ),
        (
            "delivery-optimization-two",
            "contents.game.size=2 MB; workload=[{ arrive: { pattern: one_by_one, every: 4 s } }]; end=10 s",
        ),
        (
            "delivery-optimization-three",
            "contents.game.size=2 MB; hosts.machines.wait_for_peers=2 s; workload=[{ arrive: { pattern: one_by_one, every: 4 s } }]; end=15 s",
        ),
        (
            "partition-heal",
            "hosts.east.count=2; hosts.west.count=2; contents.update.size=500 kB; workload=[{ arrive: { pattern: one_by_one, every: 2 s } }]; faults=[{ kind: partition, at: 3 s, for: 6 s, who: { group: west } }, { kind: link_down, at: 1 s, for: 1 s }]; end=40 s",
        ),
        ("hostile-peer", ""),
        ("hunt", ""),
        (
            "million",
            "sites.branch.copies=1; hosts.desks.count=3; contents.update.size=2 MB; workload=[{ arrive: { pattern: patch_day, decay: 3 s } }]; end=15 s",
        ),
    ];

    fn packet_trace(name: &str, settings: &str) -> String {
        let builtin = find(name).unwrap_or_else(|| panic!("there is no {name}"));
        let settings: Vec<(String, String)> = settings
            .split("; ")
            .filter_map(|setting| setting.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let scenario = with(name, builtin.text, &settings);
        let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
        let plan = Plan::new(Arc::new(scenario), 1);
        match packet::carry_out(&plan) {
            Ok(outcome) => {
                assert_eq!(outcome.violations().next(), None, "{name}");
                let summary = outcome.summary(&plan);
                assert_eq!(summary.failed, 0, "{name}");
                assert!(summary.downloads > 0 && !settings.is_empty(), "{name}");
                format!("packet {name} {}\n", summary.trace_hash)
            }
            Err(why) => {
                assert!(settings.is_empty(), "{name}: {why}");
                format!("packet {name} {why}\n")
            }
        }
    }

    #[test]
    fn packets_go_as_they_did() {
        let names: Vec<&str> = IN_PACKETS.iter().map(|(name, _)| *name).collect();
        let known: Vec<&str> = BUILTINS.iter().map(|builtin| builtin.name).collect();
        assert_eq!(names, known);
        // On two threads: what happens depends on neither.
        let trace = |at: usize| {
            let of_it = IN_PACKETS.iter().skip(at).step_by(2);
            of_it
                .map(|(name, settings)| packet_trace(name, settings))
                .collect::<Vec<_>>()
        };
        let (even, odd) = std::thread::scope(|scope| {
            let even = scope.spawn(|| trace(0));
            let odd = trace(1);
            (even.join().unwrap(), odd)
        });
        let pairs = even.into_iter().zip(odd);
        let traces: String = pairs.map(|(one, other)| one + &other).collect();
        hold("packet traces", PACKET_TRACES, &traces);
    }

    fn hold(what: &str, file: &str, traces: &str) {
        if std::env::var_os(WRITE_TRACES).is_some() {
            std::fs::write(file, traces).unwrap();
        }
        let kept = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            traces == kept,
            "{what} are\n{traces}and were\n{kept}; {WRITE_TRACES}=1 keeps them where that is meant"
        );
    }

    #[test]
    fn every_scenario_of_the_directory_comes_with_the_program() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let mut there: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut known: Vec<String> = BUILTINS
            .iter()
            .map(|builtin| format!("{}.yaml", builtin.name))
            .collect();
        there.sort();
        known.sort();
        assert_eq!(there, known);
    }
}
