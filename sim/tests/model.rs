//! What scenarios can say, against closed forms: catalogues, lines that lose, wait and are shared, policies.

use std::collections::BTreeSet;
use std::sync::Arc;

use peerdist_sim::engine::Engine;
use peerdist_sim::flow;
use peerdist_sim::outcome::Outcome;
use peerdist_sim::packet;
use peerdist_sim::plan::Plan;
use peerdist_sim::scenario::load;
use peerdist_sim::summary::Summary;

fn plan_of(text: &str, seed: u64) -> Plan {
    let scenario = load("test", text).unwrap_or_else(|error| panic!("{error}"));
    Plan::new(Arc::new(scenario), seed)
}

fn checked(outcome: Outcome) -> Outcome {
    let violations: Vec<&str> = outcome.violations().collect();
    assert!(violations.is_empty(), "{violations:#?}");
    outcome
}

fn summary_of(text: &str) -> Summary {
    let plan = plan_of(text, 1);
    checked(flow::run(&plan, 2)).summary(&plan)
}

const CATALOGUE: &str = "
sites: { branch: { link: { down: 100 Mbit/s, latency: 1 ms } } }
hosts: { desks: { count: 10, version: 1 } }
contents: { documents: { count: 40, size: 10 kB, popularity: { zipf: 0.8 } } }
workload: [{ requests: 12, arrive: { pattern: one_by_one, every: 1 min } }]
";

/// How many different contents a plan asks for, and how many requests there are.
fn asked_for(plan: &Plan) -> (usize, usize) {
    let fetches = plan.fetches(&plan.sites[0]);
    let different: BTreeSet<u32> = fetches.iter().map(|fetch| fetch.content).collect();
    (different.len(), fetches.len())
}

#[test]
fn a_catalogue_is_hit_as_often_as_its_popularity_says() {
    let expected = {
        let plan = plan_of(CATALOGUE, 1);
        let requests = 120.0;
        let of =
            |place| 1.0 - (1.0 - plan.catalogues["documents"].probability(place)).powf(requests);
        1.0 - (0..40).map(of).sum::<f64>() / requests
    };
    let seeds = 400;
    let ratios: Vec<f64> = (0..seeds)
        .map(|seed| {
            let (different, requests) = asked_for(&plan_of(CATALOGUE, seed));
            assert_eq!(requests, 120);
            1.0 - different as f64 / requests as f64
        })
        .collect();
    let mean = ratios.iter().sum::<f64>() / f64::from(u32::try_from(seeds).unwrap());
    let squares = ratios.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
    let count = ratios.len() as f64;
    // Three standard errors: one run of 370 would be outside by chance, and the seeds are always the same.
    let within = 3.0 * (squares / (count - 1.0) / count).sqrt();
    assert!(
        (mean - expected).abs() < within,
        "{mean} and not {expected} ± {within}"
    );
}

#[test]
fn what_is_fetched_of_a_catalogue_is_exactly_what_was_asked_for_first() {
    for seed in 1..=5 {
        let plan = plan_of(CATALOGUE, seed);
        let (different, requests) = asked_for(&plan);
        let summary = checked(flow::run(&plan, 1)).summary(&plan);
        assert_eq!(summary.bytes_from_origin, different as u64 * 10_000);
        let saved = summary.bytes_from_peers + summary.bytes_from_local_cache;
        assert_eq!(saved, (requests - different) as u64 * 10_000);
        assert!(summary.bytes_from_local_cache > 0);
    }
}

fn plain(link: &str, hosts: u32, size: u64, more: &str) -> String {
    format!(
        "
sites: {{ branch: {{ link: {{ down: 10 Mbit/s, latency: 20 ms{link} }}, copies: 2 }} }}
hosts: {{ desks: {{ count: {hosts}, mode: \"off\" }} }}
contents: {{ update: {{ size: {size} }} }}
workload: [{{}}]
{more}"
    )
}

fn seconds(bytes: u64, rate: f64) -> f64 {
    bytes as f64 * 8.0 / rate
}

#[test]
fn the_time_a_line_is_busy_times_its_rate_is_what_it_carried() {
    let summary = summary_of(&plain("", 5, 3_000_000, ""));
    let carried = summary.wan_bytes / 2;
    assert_eq!(carried, 5 * (98 + 226 + 3_000_000));
    // All five ask together and are answered together, after a connection and a request: two round trips.
    let busy = summary.completion_seconds.max - 0.080;
    assert!((busy * 10e6 / 8.0 - carried as f64).abs() < 1.0, "{busy}");
}

#[test]
fn branches_share_the_line_of_the_data_centre_fairly() {
    let alone = summary_of(&plain("", 1, 3_000_000, ""));
    let shared = summary_of(&plain("", 1, 3_000_000, "data_centre: { rate: 10 Mbit/s }"));
    // Requests and answers of both share a line as fast as either's own.
    let expected = 0.080 + seconds(2 * (98 + 3_000_226), 10e6);
    let found = shared.completion_seconds.max;
    assert!(
        (found - expected).abs() < 1e-6,
        "{found} and not {expected}"
    );
    assert_eq!(shared.wan_bytes, alone.wan_bytes);
    // What is no limit changes nothing.
    let wide = summary_of(&plain("", 1, 3_000_000, "data_centre: { rate: 1 Gbit/s }"));
    assert_eq!(wide.completion_seconds, alone.completion_seconds);
}

#[test]
fn branches_that_share_a_line_do_the_same_whatever_the_number_of_threads() {
    let text = "
sites: { branch: { copies: 6, link: { down: 4 Mbit/s } } }
data_centre: { rate: 9 Mbit/s }
hosts: { desks: { count: 4 } }
contents: { update: { size: 2 MB } }
workload: [{ arrive: { pattern: poisson, every: 5 s } }]
";
    let plan = plan_of(text, 3);
    let trace = |threads| {
        let summary = checked(flow::run(&plan, threads)).summary(&plan);
        assert_eq!((summary.downloads, summary.failed), (24, 0));
        (summary.trace_hash, summary.bytes_from_peers)
    };
    let first = trace(1);
    assert_eq!(first, trace(1));
    assert_eq!(first, trace(3));
    assert!(first.1 > 0);
}

#[test]
fn a_connection_that_loses_packets_has_what_the_formula_gives() {
    let summary = summary_of(&plain(", loss: 1 %", 1, 3_000_000, ""));
    let rate = flow::mathis_bits_per_second(40_000_000, 10_000);
    assert!((3_500_000..3_600_000).contains(&rate), "{rate}");
    let least = 0.080 + seconds(3_000_226, rate as f64);
    let found = summary.completion_seconds.max;
    // Of its last packets some may be lost: each costs a round trip.
    assert!(
        found >= least && found < least + 0.2,
        "{found} and not {least}"
    );
    // Where several share a line, each has less than that, and the line loses what is sent again.
    let many = summary_of(&plain(", loss: 1 %", 5, 3_000_000, ""));
    let least = 0.080 + seconds(5 * 3_000_226, 9.9e6);
    let found = many.completion_seconds.max;
    assert!(
        found >= least && found < least + 0.3,
        "{found} and not {least}"
    );
}

#[test]
fn both_engines_lose_about_as_much_to_loss() {
    let text = plain(", loss: 1 %", 1, 2_000_000, "end: 2 min").replace("copies: 2", "copies: 6");
    let plan = plan_of(&text, 1);
    let mean = |outcome: Outcome| {
        let outcome = checked(outcome);
        let transfers = outcome.sites.iter().flat_map(|site| &site.transfers);
        let times: Vec<f64> = transfers
            .map(|it| it.ended.since(it.began).as_secs_f64())
            .collect();
        assert_eq!(times.len(), 6);
        times.iter().sum::<f64>() / 6.0
    };
    let flow = mean(flow::run(&plan, 1));
    let packet = mean(packet::carry_out(&plan).unwrap_or_else(|error| panic!("{error}")));
    println!("with 1 % of packets lost: flow {flow:.2} s, packet {packet:.2} s");
    assert!(
        (flow / packet - 1.0).abs() < 0.25,
        "{flow} s and {packet} s"
    );
}

#[test]
fn jitter_and_a_full_queue_are_waited_for_and_never_longer_than_they_can_last() {
    let plain_time = summary_of(&plain("", 1, 100_000, "")).completion_seconds;
    let jittered = summary_of(&plain(", jitter: 30 ms", 1, 100_000, "")).completion_seconds;
    let more = jittered.max - plain_time.max;
    // A request and an answer.
    assert!(more > 0.0 && more <= 0.060, "{more}");
    // A queue of 125 kB in front of 10 Mbit/s is 100 ms long, where others fill it.
    let alone = summary_of(&plain(", queue: 125 kB", 1, 100_000, "")).completion_seconds;
    assert_eq!(alone, plain_time);
    let text = |queue: &str| {
        plain(queue, 2, 5_000_000, "").replace(
            "contents: { update: { size: 5000000 } }\nworkload: [{}]",
            "contents: { large: { size: 5 MB }, small: { size: 2 kB } }
workload:
  - { fetch: large, arrive: { pattern: one_by_one, every: 1 h } }
  - { fetch: small, arrive: { pattern: one_by_one, every: 1 h, from: 1 s } }",
        )
    };
    let short = |text: &str| summary_of(text).completion_seconds.p50;
    let more = short(&text(", queue: 125 kB")) - short(&text(""));
    assert!((more - 0.1).abs() < 1e-6, "{more}");
}

#[test]
fn what_the_packet_engine_cannot_do_is_told_and_left_to_the_other() {
    let text = plain("", 1, 100_000, "").replace(
        "count: 1",
        "count: 1, serve_during: [{ from: 8 h, until: 9 h }]",
    );
    let plan = plan_of(&text, 1);
    let (engine, why) = Engine::choose(&plan);
    assert_eq!(engine, Engine::Flow);
    assert!(why.contains("hosts.desks.serve_during"), "{why}");
    let error = packet::carry_out(&plan)
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(error.contains("hosts.desks.serve_during"), "{error}");
}

#[test]
fn a_port_of_its_own_rate_is_as_fast_as_that() {
    let text = plain("", 1, 1_000_000, "").replace("count: 1", "count: 1, lan_rate: 1 Mbit/s");
    let found = summary_of(&text).completion_seconds.max;
    // Down at a megabit a second, and the request up at the same.
    let expected = 0.080 + seconds(1_000_226 + 98, 1e6);
    assert!(
        (found - expected).abs() < 1e-6,
        "{found} and not {expected}"
    );
}

#[test]
fn a_trace_is_replayed_by_both_engines() {
    let text = "
sites: { branch: { link: { down: 50 Mbit/s, latency: 2 ms } } }
hosts: { desks: { count: 2 } }
workload:
  - replay:
      times: 2
      every: 10 s
      csv: |
        time,host,url,bytes
        0,pc-a,/one.cab,300000
        3,pc-b,/one.cab,300000
        5,pc-b,/two.cab,200000
end: 1 min
";
    let plan = plan_of(text, 1);
    for outcome in [
        flow::run(&plan, 1),
        packet::carry_out(&plan).unwrap_or_else(|error| panic!("{error}")),
    ] {
        let summary = checked(outcome).summary(&plan);
        assert_eq!((summary.downloads, summary.failed), (6, 0));
        assert_eq!(summary.bytes_from_origin, 500_000);
        assert_eq!(summary.bytes_from_peers, 300_000);
        assert_eq!(summary.bytes_from_local_cache, 800_000);
    }
}

#[test]
fn later_versions_are_shared_alike_by_both_engines() {
    for version in [1, 2] {
        let text = format!(
            "
sites: {{ branch: {{ link: {{ down: 50 Mbit/s, latency: 2 ms }} }} }}
hosts: {{ desks: {{ count: 2, version: {version} }} }}
contents:
  it: {{ size: 2 MB }}
  next: {{ edit_of: it, edits: {{ places: 3, inserted: 50 }} }}
workload:
  - {{ fetch: it, arrive: {{ pattern: one_by_one, every: 5 s }} }}
  - {{ fetch: next, arrive: {{ pattern: one_by_one, every: 5 s, from: 10 s }} }}
end: 1 min
"
        );
        let plan = plan_of(&text, 1);
        let flow = checked(flow::run(&plan, 1)).summary(&plan);
        let packet = packet::carry_out(&plan).unwrap_or_else(|error| panic!("{error}"));
        let packet = checked(packet).summary(&plan);
        let of = |it: &Summary| {
            let shares = (it.bytes_from_origin, it.bytes_from_peers);
            (shares, it.bytes_from_local_cache, it.failed)
        };
        assert_eq!(of(&flow), of(&packet), "version {version}");
        assert_eq!(flow.bytes_from_local_cache > 0, version == 2);
    }
}

#[test]
fn who_waits_for_peers_has_it_from_those_that_are_not_done_yet() {
    let text = |wait: &str| {
        format!(
            "
sites: {{ branch: {{ link: {{ down: 8 Mbit/s, latency: 10 ms }} }} }}
hosts:
  first: {{ version: 1 }}
  second: {{ version: 1, wait_for_peers: {wait} }}
contents: {{ update: {{ size: 30 MB }} }}
workload:
  - {{ hosts: [first] }}
  - {{ hosts: [second], arrive: {{ from: 20 s }} }}
"
        )
    };
    let (at_once, patient) = (summary_of(&text("0 s")), summary_of(&text("60 s")));
    assert_eq!((at_once.failed, patient.failed), (0, 0));
    assert_eq!(patient.bytes_from_origin, 30_000_000);
    assert!(at_once.bytes_from_origin > 31_000_000, "{at_once:?}");
}
