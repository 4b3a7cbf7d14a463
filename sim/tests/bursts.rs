//! Many blocks in one step beside one block at a time: the same happens, to the nanosecond.

use std::sync::Arc;

use peerdist_sim::builtin::BUILTINS;
use peerdist_sim::flow;
use peerdist_sim::outcome::{Outcome, SiteOutcome};
use peerdist_sim::plan::Plan;
use peerdist_sim::scenario::{Scenario, load};

/// Runs a scenario both ways; tells how many blocks there were, and how many of them went in bursts.
fn both_ways(name: &str, text: &str, seed: u64) -> [u64; 2] {
    let scenario = load(name, text).unwrap_or_else(|error| panic!("{error}"));
    in_both_ways(name, scenario, seed)
}

fn in_both_ways(name: &str, scenario: Scenario, seed: u64) -> [u64; 2] {
    let scenario = Arc::new(scenario);
    let run = |bursts| {
        let mut plan = Plan::new(Arc::clone(&scenario), seed);
        plan.bursts = bursts;
        let outcome = flow::run(&plan, 2);
        let violations: Vec<String> = outcome.violations().map(str::to_owned).collect();
        assert!(violations.is_empty(), "{name}: {violations:#?}");
        let summary = outcome.summary(&plan);
        (outcome, summary)
    };
    let (many, one) = (run(true), run(false));
    let transfers =
        |it: &Outcome| -> Vec<_> { it.sites.iter().map(|site| site.transfers.clone()).collect() };
    assert_eq!(transfers(&many.0), transfers(&one.0), "{name}, seed {seed}");
    assert_eq!(many.0.series, one.0.series, "{name}, seed {seed}");
    assert_eq!(many.1, one.1, "{name}, seed {seed}");
    let sum = |of: fn(&SiteOutcome) -> u64| many.0.sites.iter().map(of).sum();
    assert_eq!(one.0.sites.iter().map(|it| it.burst_blocks).sum::<u64>(), 0);
    [sum(|site| site.blocks), sum(|site| site.burst_blocks)]
}

#[test]
fn scenarios_that_come_with_the_program_go_the_same_way() {
    for builtin in BUILTINS {
        let scenario = builtin.short();
        let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
        in_both_ways(builtin.name, scenario, 1);
    }
}

#[test]
fn most_blocks_go_in_bursts_where_clients_seldom_meet_and_nothing_is_different() {
    let modes = ["hosted", "distributed"];
    let all = modes.map(|mode| ["current", "windows_8"].map(|profile| (mode, profile)));
    for (mode, profile) in all.concat() {
        for (seed, (hosts, size, lan)) in (1..).zip([
            (4, "100 MiB", "1 Gbit/s"),
            (9, "70 MB", "100 Mbit/s"),
            (3, "33 MiB", "1 Gbit/s"),
        ]) {
            let text = format!(
                "
sites: {{ branch: {{ lan: {{ rate: {lan} }}, hosted_cache: {{}} }} }}
hosts: {{ desks: {{ count: {hosts}, version: 1, mode: {mode}, profile: {profile} }} }}
contents: {{ update: {{ size: {size} }} }}
workload: [{{ arrive: {{ pattern: poisson, every: 150 s }} }}]
"
            );
            let [blocks, in_bursts] = both_ways(mode, &text, seed);
            println!("{mode}, {profile}, {hosts} hosts: {in_bursts} of {blocks} blocks");
            assert!(
                in_bursts * 3 > blocks,
                "{mode}, {profile}, {hosts} hosts: {in_bursts} of {blocks} blocks went in bursts"
            );
        }
    }
}

#[test]
fn who_meets_others_is_not_disturbed() {
    for seed in 1..4 {
        let text = "
sites: { branch: { link: { down: 50 Mbit/s } } }
hosts: { desks: { count: 8, version: 1 } }
contents: { update: { size: 40 MiB } }
workload: [{ arrive: { pattern: uniform, over: 12 s } }]
";
        both_ways("crowded", text, seed);
    }
}
