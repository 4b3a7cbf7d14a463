//! The engines held against each other: the flow engine, which knows messages as sizes, and the packet engine, which runs
//! the programs themselves.

use std::sync::Arc;

use peerdist_sim::outcome::{Outcome, Transfer};
use peerdist_sim::plan::Plan;
use peerdist_sim::scenario::load;
use peerdist_sim::{flow, packet};

/// What a download may take longer or shorter: a part of its time, and what chance and whole milliseconds make of it.
/// Answers of discovery wait up to 65 ms at random, and every wait of the packet engine ends at a whole millisecond.
const APART: f64 = 0.05;
const APART_SECONDS: f64 = 0.07;

fn both(text: &str) -> (Plan, Outcome, Outcome) {
    let scenario = load("test", text).unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::new(Arc::new(scenario), 1);
    let flow = flow::run(&plan, 1);
    let packet = packet::carry_out(&plan).unwrap_or_else(|error| panic!("{error}"));
    for outcome in [&flow, &packet] {
        let violations: Vec<&str> = outcome.violations().collect();
        assert!(violations.is_empty(), "{violations:#?}\n{text}");
    }
    (plan, flow, packet)
}

fn in_order(outcome: &Outcome) -> Vec<Transfer> {
    let mut transfers = outcome.sites[0].transfers.clone();
    transfers.sort_by_key(|transfer| (transfer.began, transfer.host));
    transfers
}

fn seconds(transfer: &Transfer) -> f64 {
    transfer.ended.since(transfer.began).as_secs_f64()
}

/// Every download from the same places to the byte, and as fast. Returns how far apart times were at most, in percent, of
/// downloads of a second and more, and in seconds.
fn hold_against(text: &str) -> (f64, f64) {
    let (plan, flow, packet) = both(text);
    let (one, other) = (flow.summary(&plan), packet.summary(&plan));
    assert_eq!((one.failed, other.failed), (0, 0), "{text}");
    assert_eq!(one.metadata_bytes, other.metadata_bytes, "{text}");
    // Numbers in heads have more digits or fewer.
    let wan_apart = one.wan_bytes.abs_diff(other.wan_bytes);
    assert!(wan_apart <= 8 * one.downloads, "{wan_apart}: {text}");
    let mut worst: (f64, f64) = (0.0, 0.0);
    for (flow, packet) in in_order(&flow).iter().zip(in_order(&packet)) {
        assert_eq!(flow.shares, packet.shares, "host {}: {text}", flow.host);
        let (flow, packet) = (seconds(flow), seconds(&packet));
        let apart = (flow - packet).abs();
        assert!(
            apart <= APART * packet || apart <= APART_SECONDS,
            "{flow} s and {packet} s: {text}"
        );
        worst.1 = worst.1.max(apart);
        if packet >= 1.0 {
            worst.0 = worst.0.max(100.0 * apart / packet);
        }
    }
    worst
}

/// Where downloads overlap, a millisecond decides whether a neighbour has a block already: shares differ by some blocks.
#[test]
fn downloads_that_overlap_share_nearly_the_same_and_are_as_fast() {
    let mut worst: (f64, f64) = (0.0, 0.0);
    for mode in ["distributed", "hosted"] {
        for version in [1, 2] {
            for pattern in ["{}", "{ pattern: one_by_one, every: 900 ms }"] {
                let cache = if mode == "hosted" { "{}" } else { "~" };
                let text = format!(
                    "
sites: {{ branch: {{ link: {{ down: 10 Mbit/s, latency: 20 ms }}, hosted_cache: {cache} }} }}
hosts: {{ desks: {{ count: 4, mode: {mode}, version: {version} }} }}
contents: {{ update: {{ size: 3 MB }} }}
workload: [{{ arrive: {pattern} }}]
end: 1 min
"
                );
                let (_, flow, packet) = both(&text);
                for (flow, packet) in in_order(&flow).iter().zip(in_order(&packet)) {
                    let shares = flow.shares.origin.abs_diff(packet.shares.origin);
                    worst.0 = worst.0.max(100.0 * shares as f64 / 3e6);
                    let (flow, packet) = (seconds(flow), seconds(&packet));
                    worst.1 = worst.1.max(100.0 * (flow - packet).abs() / packet);
                }
            }
        }
    }
    println!(
        "overlapping: shares {:.1} % apart at most, times {:.1} %",
        worst.0, worst.1
    );
    assert!(worst.0 <= 5.0 && worst.1 <= 5.0, "{worst:?}");
}

#[test]
fn everything_comes_from_the_same_places_to_the_byte_and_as_fast() {
    let mut worst: (f64, f64) = (0.0, 0.0);
    let mut scenarios = 0;
    for mode in ["distributed", "hosted", "local", "off"] {
        for version in [1, 2] {
            for (down, latency) in [(10, 10), (4, 50), (50, 5)] {
                for size in ["700 kB", "2 MB"] {
                    let cache = if mode == "hosted" { "{}" } else { "~" };
                    let text = format!(
                        "
sites: {{ branch: {{ link: {{ down: {down} Mbit/s, latency: {latency} ms }}, hosted_cache: {cache} }} }}
hosts: {{ desks: {{ count: 3, mode: {mode}, version: {version} }} }}
contents: {{ update: {{ size: {size} }} }}
workload: [{{ arrive: {{ pattern: one_by_one, every: 7 s }} }}]
end: 1 min
"
                    );
                    let (percent, seconds) = hold_against(&text);
                    worst = (worst.0.max(percent), worst.1.max(seconds));
                    scenarios += 1;
                }
            }
        }
    }
    assert_eq!(scenarios, 48);
    println!(
        "{scenarios} scenarios: downloads of a second and more {:.2} % apart at most, all {:.0} ms at most",
        worst.0,
        1000.0 * worst.1
    );
}
