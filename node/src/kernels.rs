//! Which hash kernels are the fastest on this processor: timed once, for core may not read a clock.
//! Invariant: a choice that was made, by the environment or before, is kept; the digests are the same either way.
//! Cost: about a millisecond.

use std::time::{Duration, Instant};

use peerdist::hash::{Engine, HashAlgorithm};

/// As many inputs as the widest kernel takes at once, each long enough that their start does not matter.
const INPUTS: usize = 16;
const INPUT_BYTES: usize = 8 << 10;
/// The shortest of so many times counts: others may be using the processor.
const REPEATS: u32 = 3;

/// Times the kernels and puts the fastest of each family in use. Call it before anything is hashed.
pub fn calibrate() {
    if !matches!(Engine::from_env(), Ok(None)) {
        return;
    }
    if let (Some(sha256), Some(sha512)) = (
        fastest(HashAlgorithm::Sha256),
        fastest(HashAlgorithm::Sha512),
    ) {
        // One that is in use already stays: it is as right as any.
        let _ = Engine::joined(sha256, sha512).install();
    }
}

fn fastest(algorithm: HashAlgorithm) -> Option<&'static Engine> {
    let is_plain = |engine: &&Engine| engine.kernel_name(algorithm) == "portable";
    let mut candidates: Vec<_> = Engine::candidates(algorithm).collect();
    if candidates.len() > 1 {
        // The portable kernel never wins against one made for the processor.
        candidates.retain(|engine| !is_plain(engine));
    }
    if let [only] = candidates.as_slice() {
        return Some(only);
    }
    let data = vec![0; INPUTS * INPUT_BYTES];
    let inputs: Vec<&[u8]> = data.chunks(INPUT_BYTES).collect();
    let mut out = vec![0; INPUTS * algorithm.digest_len()];
    candidates.into_iter().min_by_key(|engine| {
        (0..REPEATS)
            .map(|_| time(|| engine.digest_many(algorithm, &inputs, &mut out)))
            .min()
    })
}

#[expect(clippy::disallowed_methods, reason = "a clock is what this is about")]
fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_found_for_each_family_and_digests_stay_the_same() {
        for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha512] {
            let engine = fastest(algorithm).unwrap();
            let plain = Engine::named("portable").unwrap();
            assert_eq!(
                engine.digest(algorithm, b"abc"),
                plain.digest(algorithm, b"abc")
            );
        }
    }
}
