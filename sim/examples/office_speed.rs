//! How fast the packet engine is: offices of several sizes, beside as many idle hosts on bare turmoil for the same time.
//!
//! `cargo run --release -p peerdist-sim --example office_speed [CLIENTS MEGABYTES]`

#![expect(
    clippy::disallowed_methods,
    reason = "it measures real time, and prints it"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use peerdist::entropy::{Entropy, Purpose};
use peerdist_sim::packet::{Branch, Client, Content, Mode, Office, Wan, run};

const SECOND: u64 = 1_000_000_000;

fn office(clients: u64, length: usize) -> Office {
    let mut bytes = vec![0; length];
    Entropy::from_u64(7, Purpose::Faults).fill(&mut bytes);
    let mut branch = Branch::new("branch", Wan::symmetric(10_000_000, 20));
    let all = (0..clients).map(|place| Client::of(Mode::Distributed, 0, place * SECOND));
    branch.clients = all.collect();
    let bytes = Bytes::from(bytes);
    Office {
        contents: vec![Content { bytes }],
        branches: vec![branch],
        ..Office::default()
    }
}

/// As many hosts that do nothing, for as long.
fn idle(hosts: u64, simulated: Duration) -> Result<Duration, Box<dyn std::error::Error>> {
    let mut sim = turmoil::Builder::new()
        .tick_duration(Duration::from_millis(1))
        .simulation_duration(Duration::MAX)
        .build();
    for host in 0..hosts {
        sim.host(format!("host-{host}"), || async {
            std::future::pending().await
        });
    }
    let began = Instant::now();
    while sim.elapsed() < simulated {
        sim.step()?;
    }
    Ok(began.elapsed())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("hosts  MB each  simulated s  real s  simulated/real  idle turmoil s  events");
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let sizes = match asked.as_slice() {
        [clients, megabytes] => vec![(clients.parse()?, megabytes.parse()?)],
        _ => vec![(1, 10), (9, 10), (19, 10), (49, 1)],
    };
    for (clients, length) in sizes {
        let office = office(clients, length * 1_000_000);
        let began = Instant::now();
        let outcome = run(&office)?;
        let real = began.elapsed();
        let bad = outcome.downloads.iter().filter(|one| one.result.is_err());
        assert_eq!((bad.count(), outcome.unfinished), (0, 0));
        let simulated = Duration::from_nanos(outcome.ended_ns);
        let idle = idle(clients + 1, simulated)?;
        println!(
            "{:5}  {length:7}  {:11.1}  {:6.2}  {:14.1}  {:14.2}  {:6}",
            clients + 1,
            simulated.as_secs_f64(),
            real.as_secs_f64(),
            simulated.as_secs_f64() / real.as_secs_f64(),
            idle.as_secs_f64(),
            outcome.trace.count(),
        );
    }
    Ok(())
}
