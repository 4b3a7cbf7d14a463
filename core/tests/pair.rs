//! MS-CCROD 2.8 and MS-PCCRR: clients, peers, a hosted cache and an origin driven against each other on virtual time.
//! Invariant: what is delivered is the content, every table keeps its limit, and once faults end every download does.
//! Byte order: none.
//!
//! 1,000 seeds by default; as many as `PEERDIST_SEEDS` says, or the one of `PEERDIST_SEED`.
#![expect(
    clippy::unwrap_used,
    reason = "a world that does what it cannot do is a failed test"
)]

#[path = "pair/asking.rs"]
mod asking;
#[path = "pair/broken.rs"]
mod broken;
#[path = "pair/caching.rs"]
mod caching;
#[path = "pair/discovering.rs"]
mod discovering;
#[path = "pair/download.rs"]
mod download;
#[path = "pair/faults.rs"]
mod faults;
#[path = "pair/hashes.rs"]
mod hashes;
#[path = "pair/node.rs"]
mod node;
#[path = "pair/offering.rs"]
mod offering;
#[path = "pair/scene.rs"]
mod scene;
#[path = "pair/serving.rs"]
mod serving;
#[path = "pair/total.rs"]
mod total;
#[path = "pair/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use broken::Broken;
use total::Total;
use world::{Bug, World};

const SEEDS: u64 = 1_000;
/// Within so many seeds a world that is wrong on purpose is found out.
const WRONG_SEEDS: u64 = 200;

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
    let bugs = [
        Bug::SkipsVerification,
        Bug::ForgetsTimeouts,
        Bug::OriginStaysAway,
        Bug::DeliversTwice,
        Bug::NumbersStartAnew,
        Bug::AnswersTwice,
        Bug::ClaimsEverything,
        Bug::BelievesAnybody,
        Bug::ForgetsProbes,
        Bug::CacheSkipsVerification,
        Bug::TrustsCiphertext,
        Bug::MixesHashesUp,
        Bug::TellsOfMore,
        Bug::ForgetsFetches,
        Bug::ForgetsTicks,
    ];
    for bug in bugs {
        let mut runs = (0..WRONG_SEEDS).map(|seed| (seed, run(seed, bug)));
        let found = runs.find_map(|(seed, run)| Some((seed, run.err()?)));
        let (seed, broken) = found.unwrap_or_else(|| panic!("{bug:?} goes unnoticed"));
        println!("{bug:?}: found out by seed {seed}: {broken}");
    }
}
