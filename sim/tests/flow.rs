//! The flow engine against closed forms, and against itself.

use std::sync::Arc;

use peerdist_sim::flow;
use peerdist_sim::outcome::Outcome;
use peerdist_sim::plan::Plan;
use peerdist_sim::scenario::{load, with};
use peerdist_sim::summary::Summary;

/// Heads of HTTP, of a request and its answer: for content, for content information, for a range.
const PLAIN_HEADS: u64 = 98 + 226;
const INFO_HEADS: u64 = 199 + 336;
const RANGE_HEADS: u64 = 215 + 279;

fn run_with(text: &str, seed: u64, threads: usize) -> (Plan, Outcome) {
    let scenario = load("test", text).unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::new(Arc::new(scenario), seed);
    let outcome = flow::run(&plan, threads);
    let violations: Vec<&str> = outcome.violations().collect();
    assert!(violations.is_empty(), "{violations:#?}");
    (plan, outcome)
}

fn summary_of(text: &str) -> Summary {
    let (plan, outcome) = run_with(text, 1, 1);
    outcome.summary(&plan)
}

/// Clients one after the other, each long after the one before is done.
fn one_by_one(mode: &str, version: u8, clients: u32, size: u64) -> String {
    let cache = if mode == "hosted" { "{}" } else { "~" };
    format!(
        "
sites: {{ branch: {{ link: {{ down: 10 Mbit/s, latency: 20 ms }}, hosted_cache: {cache} }} }}
hosts: {{ desks: {{ count: {clients}, mode: {mode}, version: {version} }} }}
contents: {{ update: {{ size: {size} }} }}
workload: [{{ arrive: {{ pattern: one_by_one, every: 1 h }} }}]
"
    )
}

#[test]
fn one_object_and_n_clients_save_all_but_one_of_n_less_the_metadata() {
    let (clients, size) = (7, 5_000_000);
    for mode in ["distributed", "hosted"] {
        for version in [1, 2] {
            let (plan, outcome) = run_with(&one_by_one(mode, version, clients, size), 1, 1);
            let summary = outcome.summary(&plan);
            let others = u64::from(clients - 1) * size;
            let from_neighbours = summary.bytes_from_peers + summary.bytes_from_hosted_cache;
            assert_eq!((summary.bytes_from_origin, from_neighbours), (size, others));
            assert_eq!((summary.downloads, summary.failed), (u64::from(clients), 0));
            let info = plan.contents[0].layout(version).unwrap().info_bytes;
            assert_eq!(summary.metadata_bytes, u64::from(clients) * info);
            // What is left on the line: the content once, the rest for everybody, and the heads of the ranges.
            let told = summary.wan_bytes - size - u64::from(clients) * (info + INFO_HEADS);
            assert!(
                told.is_multiple_of(RANGE_HEADS) && told > 0,
                "{told} bytes of heads"
            );
            assert_eq!(summary.wan_bytes_without_caching, u64::from(clients) * size);
        }
    }
}

#[test]
fn without_caching_a_download_takes_its_bytes_by_the_rate_and_its_round_trips() {
    let text = one_by_one("off", 2, 1, 5_000_000);
    let summary = summary_of(&text);
    // A connection opens, the request goes, and its answer comes: two round trips of 40 ms.
    let bytes = |bytes: u64| bytes as f64 * 8.0 / 10e6;
    let expected = 0.080 + bytes(98) + bytes(5_000_000 + 226);
    let found = summary.completion_seconds.max;
    assert!(
        (found - expected).abs() < 1e-8,
        "{found} and not {expected}"
    );
    assert_eq!(summary.wan_bytes, 5_000_000 + PLAIN_HEADS);
    let lost = 100.0 * PLAIN_HEADS as f64 / 5e6;
    assert!((summary.wan_saved_percent + lost).abs() < 1e-9);
}

#[test]
fn who_fetches_again_has_it() {
    let text = one_by_one("local", 2, 2, 3_000_000).replace(
        "{ arrive: { pattern: one_by_one, every: 1 h } }",
        "{ arrive: { pattern: at_once } }, { arrive: { from: 1 h } }",
    );
    let summary = summary_of(&text);
    assert_eq!(summary.bytes_from_origin, 6_000_000);
    assert_eq!(summary.bytes_from_local_cache, 6_000_000);
    assert_eq!(summary.bytes_from_peers, 0);
}

#[test]
fn all_at_once_and_in_order_share_nothing_and_at_random_nearly_everything() {
    let crowd = |order: &str| {
        format!(
            "
sites: {{ branch: {{ link: {{ down: 10 Mbit/s, latency: 20 ms }} }} }}
hosts: {{ desks: {{ count: 10, version: 1, order: {order} }} }}
contents: {{ update: {{ size: 32 MiB }} }}
workload: [{{}}]
"
        )
    };
    let in_order = summary_of(&crowd("sequential"));
    assert_eq!(in_order.failed, 0);
    assert!(in_order.wan_saved_percent < 5.0, "{in_order:?}");
}

#[test]
fn the_same_seed_gives_the_same_trace_on_any_number_of_threads_and_another_seed_another() {
    let text = "
sites:
  small: { copies: 5, link: { down: 4 Mbit/s } }
  large: { copies: 2, hosted_cache: { store: { size: 3 MB } } }
hosts:
  desks: { count: 6 }
  hosted: { sites: [large], count: 4, mode: hosted, version: 1 }
contents: { one: { size: 2 MB }, two: { size: 1_500_000 } }
workload:
  - { fetch: one, arrive: { pattern: poisson, every: 20 s } }
  - { fetch: two, arrive: { pattern: uniform, over: 2 min } }
";
    let trace = |seed, threads| {
        let (plan, outcome) = run_with(text, seed, threads);
        outcome.summary(&plan).trace_hash
    };
    let first = trace(1, 1);
    assert_eq!(first, trace(1, 1));
    assert_eq!(first, trace(1, 3));
    assert_ne!(first, trace(2, 1));
}

#[test]
fn a_store_that_is_too_small_keeps_less_and_everything_still_comes() {
    let text = one_by_one("distributed", 2, 4, 4_000_000);
    let small = [("hosts.desks.store.size".to_owned(), "1 MB".to_owned())];
    let scenario = with("test", &text, &small).unwrap();
    let plan = Plan::new(Arc::new(scenario), 1);
    let outcome = flow::run(&plan, 1);
    assert_eq!(outcome.violations().count(), 0);
    let summary = outcome.summary(&plan);
    assert_eq!(summary.failed, 0);
    let from_peers = summary.bytes_from_peers;
    assert!(from_peers > 0 && from_peers < 12_000_000, "{from_peers}");
}

#[test]
fn what_does_not_come_until_the_end_has_failed() {
    let text = one_by_one("off", 2, 1, 50_000_000) + "end: 10 s\n";
    let summary = summary_of(&text);
    assert_eq!((summary.downloads, summary.failed), (1, 1));
    assert_eq!(summary.bytes_from_origin, 0);
}
