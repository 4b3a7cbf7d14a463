//! The kernels of this folder, held against the portable ones and the sha2 crate.
//! Invariant: a kernel that cannot run here is named on stderr; what ran is named there too.
//! Byte order: none.

use sha2::Digest as _;

use super::{Sha256Instructions, Sha512Instructions};
use crate::hash::constants::{IV_256, IV_384, IV_512};
use crate::hash::lanes::DigestSlots;
use crate::hash::{Engine, HashAlgorithm, portable};

/// Bytes without a pattern that a mistake in a lane or a length could meet by chance.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    core::iter::repeat_with(next).take(len).collect()
}

type Many<'a> = &'a dyn Fn(&[&[u8]], DigestSlots<'_>);
type One = fn(&[u8]) -> Vec<u8>;

/// A kernel of this folder, if this processor can run it, beside its two references.
struct Contest<'a> {
    name: &'a str,
    width: usize,
    kernel: Option<Many<'a>>,
    portable: Many<'a>,
    sha2: One,
}

impl Contest<'_> {
    /// Every call of `calls` must give the digests of both references.
    fn hold(&self, what: &str, calls: &[Vec<&[u8]>]) {
        let Self { name, width, .. } = *self;
        let Some(kernel) = self.kernel else {
            eprintln!("NOT RUN: aarch64 {name}, {what}: this processor lacks the instructions");
            return;
        };
        for inputs in calls {
            let mut found = vec![0xa5; inputs.len() * width];
            let mut expected = vec![0x5a; inputs.len() * width];
            kernel(inputs, DigestSlots::new(&mut found, width));
            (self.portable)(inputs, DigestSlots::new(&mut expected, width));
            let slots = found.chunks(width).zip(expected.chunks(width));
            for (number, (input, (found, expected))) in inputs.iter().zip(slots).enumerate() {
                let at = format!("{name}, {what}: input {number} of {} bytes", input.len());
                assert_eq!(found, (self.sha2)(input), "{at}, against sha2");
                assert_eq!(found, expected, "{at}, against portable");
            }
        }
        let inputs: usize = calls.iter().map(Vec::len).sum();
        eprintln!(
            "RAN: aarch64 {name}, {what}: {inputs} inputs in {} calls",
            calls.len()
        );
    }
}

/// Holds every kernel of this folder against its references.
fn check(what: &str, calls: &[Vec<&[u8]>]) {
    let found = Sha256Instructions::detect();
    let kernel = found.map(|kernel| {
        move |inputs: &[&[u8]], out: DigestSlots<'_>| kernel.sha256_many(&IV_256, inputs, out)
    });
    Contest {
        name: "sha256",
        width: 32,
        kernel: kernel.as_ref().map(|kernel| kernel as Many<'_>),
        portable: &|inputs, out| portable::sha256_many(&IV_256, inputs, out),
        sha2: |input| sha2::Sha256::digest(input).to_vec(),
    }
    .hold(what, calls);

    let found = Sha512Instructions::detect();
    let sha384: One = |input| sha2::Sha384::digest(input).to_vec();
    let sha512: One = |input| sha2::Sha512::digest(input).to_vec();
    for (name, width, iv, sha2) in [
        ("sha384", 48, &IV_384, sha384),
        ("sha512", 64, &IV_512, sha512),
    ] {
        let kernel = found.map(|kernel| {
            move |inputs: &[&[u8]], out: DigestSlots<'_>| kernel.sha512_many(iv, inputs, out)
        });
        Contest {
            name,
            width,
            kernel: kernel.as_ref().map(|kernel| kernel as Many<'_>),
            portable: &|inputs, out| portable::sha512_many(iv, inputs, out),
            sha2,
        }
        .hold(what, calls);
    }
}

#[test]
fn every_length_up_to_300_alone_and_together() {
    let data = noise(300);
    let inputs: Vec<&[u8]> = (0..=300).map(|len| &data[..len]).collect();
    let alone: Vec<Vec<&[u8]>> = inputs.iter().map(|&input| vec![input]).collect();
    check("lengths 0 to 300, alone", &alone);
    check("lengths 0 to 300, together", &[inputs]);
}

#[test]
fn lengths_around_block_edges() {
    let data = noise(128 * 33);
    let edges = (1..=32).flat_map(|blocks| [64 * blocks, 128 * blocks]);
    let inputs: Vec<&[u8]> = edges
        .flat_map(|edge| {
            [
                edge - 17,
                edge - 16,
                edge - 9,
                edge - 8,
                edge - 1,
                edge,
                edge + 1,
            ]
        })
        .map(|len| &data[..len])
        .collect();
    check("block edges", &[inputs]);
}

#[test]
fn random_lengths_leave_and_refill_lanes_in_any_order() {
    let data = noise(200_000);
    let mut at = 0;
    let mut inputs = Vec::new();
    for pair in noise(2 * 160).chunks(2) {
        let spread = usize::from(u16::from_le_bytes([pair[0], pair[1]]));
        // Mostly short, some long.
        let len = if spread % 11 == 0 {
            spread
        } else {
            spread % 2000
        };
        at = (at + 7919) % (data.len() - len);
        inputs.push(&data[at..at + len]);
    }
    check("random lengths", &[inputs]);
}

#[test]
fn buffers_at_every_misalignment() {
    let data = noise(1000);
    let inputs: Vec<&[u8]> = (0..32)
        .flat_map(|at| [&data[at..at + 64], &data[at..at + 128], &data[at..at + 777]])
        .collect();
    check("misaligned", &[inputs]);
}

#[test]
fn fewer_and_more_inputs_than_lanes() {
    let data = noise(5000);
    let mut calls = Vec::new();
    for count in 0..=12 {
        calls.push((0..count).map(|i| &data[i * 3..i * 3 + 4096]).collect());
        calls.push((0..count).map(|i| &data[i..i + i * 400]).collect());
        calls.push((0..count).map(|i| &data[i..4800 - i * 400]).collect());
    }
    check("0 to 12 inputs", &calls);
    let short = (0..2000).map(|i| &data[i..i + i % 150]).collect();
    check("2000 short inputs", &[short]);
}

#[test]
fn segments_of_64_kib() {
    let data = noise(5 * 65_536 + 1000);
    let inputs: Vec<&[u8]> = data.chunks(65_536).collect();
    check("64 KiB", &[inputs]);
}

#[test]
fn the_engine_takes_a_kernel_exactly_where_its_instructions_exist() {
    let name = |found: bool| if found { "aarch64" } else { "portable" };
    let sha256 = Sha256Instructions::detect().is_some();
    let sha512 = Sha512Instructions::detect().is_some();
    let engine = Engine::named("aarch64");
    assert_eq!(engine.is_some(), sha256 || sha512);
    let Some(engine) = engine else {
        eprintln!("NOT RUN: the engine aarch64: this processor lacks the instructions");
        return;
    };
    assert_eq!(engine.kernel_name(HashAlgorithm::Sha256), name(sha256));
    for algorithm in [
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
        HashAlgorithm::Sha512Truncated,
    ] {
        assert_eq!(engine.kernel_name(algorithm), name(sha512));
    }
    let data = noise(1000);
    let mut out = [0; 2 * 32];
    engine.digest_many(
        HashAlgorithm::Sha512Truncated,
        &[&data, &data[1..]],
        &mut out,
    );
    assert_eq!(out[..32], sha2::Sha512::digest(&data)[..32]);
    assert_eq!(out[32..], sha2::Sha512::digest(&data[1..])[..32]);
    eprintln!("RAN: the engine {engine}");
}
