//! What flowed when, held against what flowed in all.

use std::sync::Arc;

use peerdist_sim::baseline::without_caching;
use peerdist_sim::builtin;
use peerdist_sim::engine::Engine;
use peerdist_sim::outcome::Outcome;
use peerdist_sim::plan::Plan;
use peerdist_sim::scenario::{load, with};
use peerdist_sim::series::{BINS_MOST, Measure, Series};

fn plan(text: &str) -> Plan {
    let scenario = load("test", text).unwrap_or_else(|error| panic!("{error}"));
    Plan::new(Arc::new(scenario), 7)
}

const MIXED: &str = "
sites:
  asks: { copies: 2, link: { down: 5 Mbit/s, up: 1 Mbit/s } }
  cached: { link: { down: 10 Mbit/s }, hosted_cache: {} }
hosts:
  old: { sites: [asks], count: 2, version: 1 }
  new: { sites: [asks], count: 2 }
  plain: { sites: [asks], mode: off }
  clients: { sites: [cached], count: 3, mode: hosted }
contents: { update: { size: 700 kB } }
workload:
  - arrive: { pattern: one_by_one, every: 1500 ms }
  - arrive: { pattern: one_by_one, every: 900 ms, from: 12 s }
";

fn check(name: &str, plan: &Plan, outcome: &Outcome) {
    let mut together = Series::default();
    let mut without = Series::default();
    for (site, branch) in plan.sites.iter().zip(&outcome.sites) {
        let series = &branch.series;
        assert!(series.len() <= BINS_MOST);
        let sum = |part: fn(&peerdist_sim::outcome::Shares) -> u64| -> u64 {
            branch.transfers.iter().map(|it| part(&it.shares)).sum()
        };
        for (what, total) in [
            (Measure::WanDown, branch.wan_down_bytes),
            (Measure::WanUp, branch.wan_up_bytes),
            (Measure::Origin, sum(|it| it.origin)),
            (Measure::Peers, sum(|it| it.peers)),
            (Measure::HostedCache, sum(|it| it.hosted_cache)),
            (Measure::LocalCache, sum(|it| it.local_cache)),
        ] {
            let label = site.label();
            assert_eq!(series.total(what), total, "{name}: {label}: {what:?}");
        }
        // No bin has more than the line can carry in it, but for a byte at each of its ends.
        let most = u128::from(series.bin_ns()) * u128::from(site.site.link.down.0) / 8_000_000_000;
        for bin in 0..series.len() {
            let bytes = u128::from(series.at(bin, Measure::WanDown));
            // A piece of the packet engine lies in the bin in which its last byte left.
            assert!(bytes <= most + (16 << 10), "{name}: {bytes} in bin {bin}");
        }
        together.merge(series);
        without.merge(&without_caching(plan, site, branch));
    }
    assert_eq!(together, outcome.series, "{name}");
    let summary = outcome.summary(plan);
    assert_eq!(
        without.total(Measure::WanDown),
        summary.wan_bytes_without_caching,
        "{name}"
    );
}

#[test]
fn the_bins_add_up_to_the_totals_in_either_engine() {
    let plan = plan(MIXED);
    for engine in [Engine::Flow, Engine::Packet] {
        let outcome = engine.run(&plan, 1).unwrap();
        assert_eq!(outcome.violations().next(), None);
        assert!(outcome.series.total(Measure::HostedCache) > 0);
        assert!(outcome.series.total(Measure::LocalCache) > 0);
        check(engine.name(), &plan, &outcome);
    }
}

#[test]
fn the_bins_add_up_in_the_scenarios_that_come_with_the_program() {
    for name in [
        "flash-crowd",
        "satellite",
        "multi-branch",
        "hosted-vs-distributed",
    ] {
        let plan = plan(builtin::find(name).unwrap().text);
        check(name, &plan, &Engine::Flow.run(&plan, 2).unwrap());
    }
}

#[test]
fn many_branches_have_one_series_and_it_does_not_depend_on_threads() {
    let set = [("sites.asks.copies".to_owned(), "70".to_owned())];
    let scenario = Arc::new(with("test", MIXED, &set).unwrap());
    let plan = Plan::new(scenario, 3);
    let one = Engine::Flow.run(&plan, 1).unwrap();
    let other = Engine::Flow.run(&plan, 3).unwrap();
    assert_eq!(one.series, other.series);
    assert!(one.sites.iter().all(|site| site.series.is_empty()));
    let down = one.sites.iter().map(|site| site.wan_down_bytes);
    assert_eq!(one.series.total(Measure::WanDown), down.sum::<u64>());
}
