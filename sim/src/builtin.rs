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
    use crate::{flow, plan::Plan};

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
        if std::env::var_os(WRITE_TRACES).is_some() {
            std::fs::write(TRACES, &traces).unwrap();
        }
        let kept = std::fs::read_to_string(TRACES).unwrap_or_default();
        assert!(
            traces == kept,
            "traces are\n{traces}and were\n{kept}; {WRITE_TRACES}=1 keeps them where that is meant"
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
