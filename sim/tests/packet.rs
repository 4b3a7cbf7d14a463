//! Offices run with the code that ships: what they deliver, what their links carry, and that the seed decides it all.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use bytes::Bytes;
use peerdist::entropy::{Entropy, Purpose};
use peerdist_sim::packet::{
    Branch, Client, Content, Event, Fault, Mode, Office, Outcome, Quality, Wan, run,
};

const SECOND: u64 = 1_000_000_000;
const T1: u64 = 1_544_000;

fn content(length: usize, seed: u64) -> Content {
    let mut bytes = vec![0; length];
    Entropy::from_u64(seed, Purpose::Faults).fill(&mut bytes);
    Content {
        bytes: Bytes::from(bytes),
    }
}

fn office(length: usize, wan: Wan, clients: Vec<Client>) -> Office {
    let mut branch = Branch::new("branch", wan);
    branch.clients = clients;
    Office {
        contents: vec![content(length, 7)],
        branches: vec![branch],
        time_limit_ns: 600 * SECOND,
        ..Office::default()
    }
}

#[track_caller]
fn delivered(office: &Office) -> Outcome {
    let outcome = run(office).unwrap();
    assert_eq!(outcome.unfinished, 0, "{:#?}", outcome.downloads);
    for download in &outcome.downloads {
        let got = download.result.as_ref().unwrap();
        assert!(got.is_content, "{download:?}");
        let length = office.contents[download.content].bytes.len() as u64;
        assert_eq!(got.shares.total(), length);
    }
    for link in &outcome.links {
        assert!(link.rate.time_of(link.bytes) <= link.busy_ns, "{link:?}");
        // What waits in a queue at the end is counted, and takes no longer than this.
        assert!(link.busy_ns <= outcome.ended_ns + SECOND / 20, "{link:?}");
    }
    outcome
}

fn seconds(outcome: &Outcome, download: usize) -> f64 {
    let one = &outcome.downloads[download];
    (one.ended_ns - one.began_ns) as f64 / SECOND as f64
}

#[test]
fn a_megabyte_over_a_t1_takes_what_is_computed_by_hand() {
    let wan = Wan::symmetric(T1, 150);
    let office = office(1_000_000, wan, vec![Client::of(Mode::Off, 0, SECOND)]);
    let outcome = delivered(&office);
    // A round trip for the connection, one for the request, and the bytes at the rate of the line.
    let carried = outcome.link("branch wan down").unwrap().bytes;
    assert!((1_000_000..1_001_000).contains(&carried), "{carried}");
    let by_hand = 0.3 + 0.3 + carried as f64 * 8.0 / T1 as f64;
    let took = seconds(&outcome, 0);
    assert!((took - by_hand).abs() < 0.02, "{took} and not {by_hand}");
}

#[test]
fn ten_clients_share_the_rate_of_one_line() {
    let wan = Wan::symmetric(1_500_000, 50);
    let clients = vec![Client::of(Mode::Off, 0, 0); 10];
    let outcome = delivered(&office(200_000, wan, clients));
    let last = outcome.downloads.iter().map(|one| one.ended_ns).max();
    let rate = 10.0 * 200_000.0 * 8.0 / (last.unwrap() as f64 / SECOND as f64);
    assert!((1_430_000.0..=1_500_000.0).contains(&rate), "{rate}");
    // Each got its part, so all end in the last tenth of the time.
    let first = outcome.downloads.iter().map(|one| one.ended_ns).min();
    assert!(
        first.unwrap() * 10 > last.unwrap() * 9,
        "{:#?}",
        outcome.downloads
    );
    let line = outcome.link("branch wan down").unwrap();
    assert!(line.busy_ns <= last.unwrap());
    assert!(line.bytes * 8 * SECOND <= line.busy_ns * 1_500_000);
}

#[test]
fn the_second_client_of_a_branch_takes_nearly_all_from_its_neighbour() {
    let wan = Wan::symmetric(10_000_000, 20);
    let clients = vec![
        Client::of(Mode::Distributed, 0, 0),
        Client::of(Mode::Distributed, 0, 30 * SECOND),
    ];
    let outcome = delivered(&office(3_000_000, wan, clients));
    let shares = |number: usize| outcome.downloads[number].result.as_ref().unwrap().shares;
    assert_eq!(shares(0).origin, 3_000_000);
    assert!(shares(1).peers >= 2_850_000, "{:?}", shares(1));
    assert!(seconds(&outcome, 1) < seconds(&outcome, 0));
}

#[test]
fn what_the_first_client_offered_the_second_takes_from_the_hosted_cache() {
    let wan = Wan::symmetric(10_000_000, 20);
    let clients = vec![
        Client::of(Mode::Hosted, 0, 0),
        Client::of(Mode::Hosted, 0, 60 * SECOND),
    ];
    let outcome = delivered(&office(3_000_000, wan, clients));
    let shares = outcome.downloads[1].result.as_ref().unwrap().shares;
    assert!(shares.hosted_cache >= 2_850_000, "{shares:?}");
}

#[test]
fn probes_stay_in_their_branch() {
    let wan = Wan::symmetric(10_000_000, 20);
    let mut office = office(500_000, wan, vec![Client::of(Mode::Distributed, 0, 0)]);
    let mut other = office.branches[0].clone();
    other.name = "other".to_owned();
    other.clients = vec![Client::of(Mode::Distributed, 0, 30 * SECOND)];
    office.branches.push(other);
    office.events_limit = 100_000;
    let outcome = delivered(&office);
    let events = outcome.trace.events().iter();
    let datagrams = events.filter(|(_, event)| matches!(event, Event::Datagram { .. }));
    assert_eq!(datagrams.count(), 0, "nobody else is in the group");
    for download in &outcome.downloads {
        let shares = download.result.as_ref().unwrap().shares;
        assert_eq!(shares.origin, 500_000, "{download:?}");
    }
}

#[test]
fn a_line_that_is_down_for_ten_seconds_costs_ten_seconds() {
    let wan = Wan::symmetric(T1, 20);
    let mut office = office(1_000_000, wan, vec![Client::of(Mode::Local, 0, 0)]);
    let before = seconds(&delivered(&office), 0);
    office.faults.push(Fault::WanDown {
        branch: 0,
        from_ns: 2 * SECOND,
        until_ns: 12 * SECOND,
    });
    let with_it = seconds(&delivered(&office), 0);
    assert!((with_it - before - 10.0).abs() < 0.1, "{before} {with_it}");
}

#[test]
fn a_host_that_was_down_goes_on_with_what_its_store_has() {
    let wan = Wan::symmetric(T1, 20);
    let mut office = office(1_000_000, wan, vec![Client::of(Mode::Distributed, 0, 0)]);
    office.faults.push(Fault::HostDown {
        branch: 0,
        client: 0,
        from_ns: 4 * SECOND,
        until_ns: Some(8 * SECOND),
    });
    let outcome = delivered(&office);
    let shares = outcome.downloads[0].result.as_ref().unwrap().shares;
    assert!(shares.local_cache > 500_000, "{shares:?}");
    assert!(seconds(&outcome, 0) > 8.0);
    assert_eq!(delivered(&office).trace.hash(), outcome.trace.hash());
}

/// A branch with something of everything that is drawn.
fn lively(seed: u64) -> Office {
    let mut wan = Wan::symmetric(8_000_000, 25);
    wan.quality.jitter_ns = 3_000_000;
    let clients = (0..5).map(|place| Client::of(Mode::Distributed, 0, place * SECOND / 2));
    let mut office = office(1_000_000, wan, clients.collect());
    let lan = &mut office.branches[0].lan;
    lan.quality = Quality {
        latency_ns: 200_000,
        jitter_ns: 100_000,
        lost_per_million: 100_000,
    };
    let hosted = [0, 3].map(|second| Client::of(Mode::Hosted, 0, second * SECOND));
    office.branches[0].clients.extend(hosted);
    office.seed = seed;
    office
}

#[test]
fn the_same_seed_gives_the_same_trace_in_this_process_and_in_others() {
    const CHILD: &str = "PEERDIST_SIM_PRINTS_ITS_TRACE";
    let hash = delivered(&lively(1)).trace.hash_hex();
    if std::env::var_os(CHILD).is_some() {
        println!("trace {hash}");
        return;
    }
    // Where the stores are is no part of it.
    let mut elsewhere = lively(1);
    elsewhere.directory = Some(env!("CARGO_TARGET_TMPDIR").into());
    let again = delivered(&elsewhere);
    assert_eq!(again.trace.hash_hex(), hash);
    assert!(again.trace.count() > 1_000);
    let this = std::env::current_exe().unwrap();
    let name = "the_same_seed_gives_the_same_trace_in_this_process_and_in_others";
    let child = std::process::Command::new(this)
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(said.contains(&format!("trace {hash}")), "{said}");
    assert_ne!(delivered(&lively(2)).trace.hash_hex(), hash);
}

#[test]
fn an_office_that_cannot_be_is_refused_with_what_is_wrong_in_it() {
    let wan = Wan::symmetric(T1, 1);
    let refused = |office: &Office| run(office).unwrap_err().to_string();
    let wants_more = office(1_000, wan, vec![Client::of(Mode::Off, 3, 0)]);
    assert_eq!(
        refused(&wants_more),
        "the office cannot be simulated: a client in branch wants content 3; there are 1, counted from 0"
    );
    let empty = office(0, wan, vec![]);
    assert!(refused(&empty).ends_with("content 0 is empty"));
}
