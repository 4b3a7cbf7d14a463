//! MS-CCROD 2.8 and MS-PCCRR: clients, peers, a hosted cache and an origin driven against each other on virtual time.
//! Invariant: what is delivered is the content, every table keeps its limit, and once faults end every download does.
//! Byte order: none.
//!
//! 300 seeds by default; as many as `PEERDIST_SEEDS` says, or the one of `PEERDIST_SEED`.
#![expect(
    clippy::unwrap_used,
    reason = "a world that does what it cannot do is a failed test"
)]

#[path = "pair/broken.rs"]
mod broken;
#[path = "pair/faults.rs"]
mod faults;
#[path = "pair/node.rs"]
mod node;
#[path = "pair/scene.rs"]
mod scene;
#[path = "pair/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use broken::Broken;
use world::{Bug, Total, World};

const SEEDS: u64 = 300;

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a number"))
}

/// A machine that panics has said on stderr where.
fn run(seed: u64, bug: Bug) -> Result<Total, Broken> {
    catch_unwind(AssertUnwindSafe(|| World::new(seed, bug).run()))
        .unwrap_or_else(|_| Err(Broken("a panic, see above".to_owned())))
}

#[test]
fn whatever_goes_wrong_all_content_arrives_and_is_right() {
    let seeds = match number("PEERDIST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("PEERDIST_SEEDS").unwrap_or(SEEDS),
    };
    let mut total = Total::default();
    let count = seeds.end - seeds.start;
    for seed in seeds {
        match run(seed, Bug::None) {
            Ok(report) => total.add(&report),
            Err(broken) => {
                panic!("{broken}\nPEERDIST_SEED={seed} cargo test -p peerdist --test pair")
            }
        }
    }
    println!("{count} seeds: {total:?}");
    if count >= SEEDS {
        total.check();
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..10 {
        let (first, second) = (run(seed, Bug::None), run(seed, Bug::None));
        assert_eq!(first, second, "seed {seed}");
    }
}

/// The oracle must be able to fail: here are worlds that are wrong on purpose.
#[test]
fn a_world_that_is_wrong_is_found_out() {
    let caught = |bug| (0..40).filter(|seed| run(*seed, bug).is_err()).count();
    let bugs = [
        Bug::SkipsVerification,
        Bug::ForgetsTimeouts,
        Bug::OriginStaysAway,
        Bug::DeliversTwice,
    ];
    let counts = bugs.map(caught);
    for (bug, count) in bugs.iter().zip(counts) {
        println!("{bug:?}: found out by {count} of 40 seeds");
        assert!(count > 0, "{bug:?} goes unnoticed");
    }
}
