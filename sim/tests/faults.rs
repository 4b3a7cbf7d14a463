//! What faults do to downloads, in either engine: everybody gets one content whole, later or from elsewhere.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::sync::Arc;

use peerdist_sim::engine::Engine;
use peerdist_sim::outcome::Outcome;
use peerdist_sim::plan::Plan;
use peerdist_sim::scenario::load;
use peerdist_sim::summary::Summary;

fn run(engine: Engine, hosts: &str, faults: &str) -> (Plan, Outcome, Summary) {
    let text = format!(
        "
sites: {{ branch: {{ link: {{ down: 8 Mbit/s, latency: 20 ms }}, hosted_cache: {{}} }} }}
hosts: {{ desks: {{ {hosts} }} }}
contents: {{ old: {{ size: 2 MB }}, new: {{ size: 1500 kB }} }}
workload: [{{ fetch: old, arrive: {{ pattern: one_by_one, every: 20 s }} }}]
faults: [{faults}]
end: 1 h
"
    );
    let scenario = load("test", &text).unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::new(Arc::new(scenario), 1);
    let outcome = engine
        .run(&plan, 1)
        .unwrap_or_else(|error| panic!("{error}"));
    let violations: Vec<&str> = outcome.violations().collect();
    assert!(violations.is_empty(), "{engine}: {faults}: {violations:#?}");
    let summary = outcome.summary(&plan);
    (plan, outcome, summary)
}

const BOTH: [Engine; 2] = [Engine::Flow, Engine::Packet];

/// How long the download of a host took, in seconds.
fn took(outcome: &Outcome, host: u32) -> f64 {
    let mut transfers = outcome.sites[0].transfers.iter();
    let one = transfers.find(|transfer| transfer.host == host).unwrap();
    one.ended.since(one.began).as_secs_f64()
}

#[test]
fn a_line_that_is_down_for_eight_seconds_costs_eight_seconds() {
    for engine in BOTH {
        let (_, well, _) = run(engine, "count: 1", "");
        let (_, ill, _) = run(engine, "count: 1", "{ kind: link_down, at: 1 s, for: 8 s }");
        let cost = took(&ill, 0) - took(&well, 0);
        assert!((cost - 8.0).abs() < 0.2, "{engine}: {cost}");
        let cut = "{ kind: partition, from: origin, at: 1 s, for: 8 s, who: { host: 0 } }";
        let (_, ill, _) = run(engine, "count: 1", cut);
        let cost = took(&ill, 0) - took(&well, 0);
        assert!((cost - 8.0).abs() < 0.2, "{engine}: {cost}");
    }
}

#[test]
fn a_host_that_returns_goes_on_with_what_its_store_has() {
    for engine in BOTH {
        let crash = "{ kind: crash, at: 1500 ms, for: 5 s, who: { host: 0 } }";
        let (_, outcome, summary) = run(engine, "count: 1", crash);
        assert_eq!(summary.failed, 0);
        assert!(
            summary.bytes_from_local_cache > 400_000,
            "{engine}: {summary:#?}"
        );
        assert!(took(&outcome, 0) > 6.5, "{engine}");
    }
}

#[test]
fn a_host_that_never_returns_fails_and_nobody_is_blamed() {
    for engine in BOTH {
        let crash = "{ kind: crash, at: 1 s, who: { host: 0 } }, { kind: crash, at: 1 s, for: 1 s, who: { host: 1 } }";
        let (_, _, summary) = run(engine, "count: 2", crash);
        assert_eq!((summary.downloads, summary.failed), (2, 1), "{engine}");
    }
}

#[test]
fn who_is_cut_off_from_those_who_have_it_takes_it_from_the_origin() {
    for engine in BOTH {
        let split = "{ kind: partition, at: 15 s, for: 15 s, who: { host: 1 } }";
        let (_, _, summary) = run(engine, "count: 3", split);
        assert_eq!(
            summary.bytes_from_origin, 4_000_000,
            "{engine}: {summary:#?}"
        );
        assert_eq!(summary.bytes_from_peers, 2_000_000, "{engine}");
    }
}

#[test]
fn wrong_bytes_are_refused_whoever_sends_them() {
    for version in [1, 2] {
        for engine in BOTH {
            let hosts = format!("count: 2, version: {version}");
            let (_, _, summary) = run(engine, &hosts, "{ kind: corrupts, who: { host: 0 } }");
            assert_eq!(summary.failed, 0);
            assert_eq!(summary.bytes_from_peers, 0, "{engine}: {summary:#?}");
            let hosts = format!("count: 2, version: {version}, mode: hosted");
            let (_, _, summary) = run(
                engine,
                &hosts,
                "{ kind: corrupts, who: { hosted_cache: true } }",
            );
            assert_eq!(
                (summary.failed, summary.bytes_from_hosted_cache),
                (0, 0),
                "{engine}"
            );
        }
        let hosts = format!("count: 2, version: {version}");
        let (_, _, summary) = run(Engine::Flow, &hosts, "{ kind: lies, who: { host: 1 } }");
        assert_eq!((summary.failed, summary.bytes_from_origin), (0, 2_000_000));
        let (_, _, summary) = run(Engine::Flow, &hosts, "{ kind: lies, who: { host: 0 } }");
        assert_eq!((summary.failed, summary.bytes_from_peers), (0, 0));
    }
}

#[test]
fn who_never_answers_costs_time_and_nothing_else() {
    for engine in BOTH {
        let (_, well, _) = run(engine, "count: 2", "");
        let (_, ill, summary) = run(engine, "count: 2", "{ kind: silent, who: { host: 0 } }");
        assert_eq!(
            (summary.failed, summary.bytes_from_peers),
            (0, 0),
            "{engine}: {summary:#?}"
        );
        assert!(took(&ill, 1) > took(&well, 1), "{engine}");
    }
}

#[test]
fn a_slow_disk_gives_blocks_later() {
    let (_, well, _) = run(Engine::Flow, "count: 2", "");
    let slow = "{ kind: slow_disk, delay: 10 ms, rate: 20 Mbit/s, who: { host: 0 } }";
    let (_, ill, summary) = run(Engine::Flow, "count: 2", slow);
    assert_eq!(summary.bytes_from_peers, 2_000_000);
    assert!(took(&ill, 1) > took(&well, 1) + 0.8, "{}", took(&ill, 1));
}

#[test]
fn a_clock_that_is_ahead_forgets_too_early() {
    let hosts = "count: 2, store: { max_age: 1 h }";
    let (_, _, summary) = run(Engine::Flow, hosts, "");
    assert_eq!(summary.bytes_from_peers, 2_000_000);
    for (skew, from_peers) in [
        ("ahead: 2 h", 0),
        ("ahead: 30 min", 2_000_000),
        ("behind: 2 h", 2_000_000),
    ] {
        let fault = format!("{{ kind: clock_skew, at: 15 s, {skew}, who: {{ host: 0 }} }}");
        let (_, _, summary) = run(Engine::Flow, hosts, &fault);
        assert_eq!(
            (summary.failed, summary.bytes_from_peers),
            (0, from_peers),
            "{skew}"
        );
    }
}

#[test]
fn a_content_that_changes_is_had_whole_in_one_version_or_the_other() {
    let change = "{ kind: new_version, at: 1 s, content: old, becomes: new }";
    // What is asked for before the line fails is the old version, what is answered after it the new one.
    let held_up = format!("{change}, {{ kind: link_down, at: 200 ms, for: 3 s }}");
    for engine in BOTH {
        for (faults, first_may_be_old) in [(change, true), (&*held_up, false)] {
            let (plan, outcome, summary) = run(engine, "count: 3", faults);
            assert_eq!((summary.downloads, summary.failed), (3, 0), "{engine}");
            let new = plan.content_number("new").unwrap();
            for transfer in &outcome.sites[0].transfers {
                let may_be_old = first_may_be_old && transfer.host == 0;
                assert!(
                    may_be_old || transfer.content == new,
                    "{engine}: {transfer:?}"
                );
                let size = plan.contents[transfer.content as usize].size;
                assert_eq!(transfer.shares.total(), size, "{engine}: {transfer:?}");
            }
        }
    }
}
