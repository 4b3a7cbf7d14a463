//! The x86 hash kernels, held against the sha2 crate.
//! Invariant: true means that every comparison held.
//! Byte order: none.
#![expect(dead_code, reason = "the engines that use the rest of it are not here")]

#[path = "../../../core/src/hash/constants.rs"]
mod constants;
#[path = "../../../core/src/hash/lanes.rs"]
mod lanes;
#[path = "../../../core/src/hash/portable.rs"]
mod portable;
#[path = "../../../core/src/hash/rounds.rs"]
mod rounds;
#[path = "../../../core/src/hash/x86/mod.rs"]
mod x86;

use self::constants::{IV_256, IV_384, IV_512};
use self::lanes::DigestSlots;
use crate::machine::{Numbers, say};
use sha2::Digest as _;

const MOST: usize = 301;
static mut DATA: [u8; 70_000] = [0; 70_000];
static mut OUT: [u8; MOST * 64] = [0; MOST * 64];

#[derive(Clone, Copy)]
enum Kernel {
    Of256(fn(&[&[u8]], DigestSlots<'_>)),
    Of512(fn(&[u64; 8], &[&[u8]], DigestSlots<'_>)),
}

fn agrees(name: &str, what: &str, kernel: Kernel, inputs: &[&[u8]], out: &mut [u8]) -> bool {
    let mut all_good = true;
    let mut verdict = |family: &str, good: bool| {
        if !good {
            say(&["FAIL ", name, " ", family, " ", what, "\n"]);
            all_good = false;
        }
    };
    match kernel {
        Kernel::Of256(run) => {
            let out = &mut out[..inputs.len() * 32];
            run(inputs, DigestSlots::new(out, 32));
            let good =
                |(ours, input): (&[u8], &&[u8])| ours == &sha2::Sha256::digest(input)[..];
            verdict("sha-256", out.chunks(32).zip(inputs).all(good));
        }
        Kernel::Of512(run) => {
            let whole = &mut out[..inputs.len() * 64];
            run(&IV_512, inputs, DigestSlots::new(whole, 64));
            let good =
                |(ours, input): (&[u8], &&[u8])| ours == &sha2::Sha512::digest(input)[..];
            verdict("sha-512", whole.chunks(64).zip(inputs).all(good));
            let cut = &mut out[..inputs.len() * 48];
            run(&IV_384, inputs, DigestSlots::new(cut, 48));
            let good =
                |(ours, input): (&[u8], &&[u8])| ours == &sha2::Sha384::digest(input)[..];
            verdict("sha-384", cut.chunks(48).zip(inputs).all(good));
        }
    }
    all_good
}

fn every_way(name: &str, kernel: Kernel, data: &[u8], out: &mut [u8]) -> bool {
    let mut good = true;
    let mut check =
        |what: &str, inputs: &[&[u8]]| good &= agrees(name, what, kernel, inputs, out);
    let mut inputs: [&[u8]; MOST] = [&[]; MOST];

    for (len, input) in inputs.iter_mut().enumerate() {
        *input = &data[300 - len..300];
    }
    check("lengths 0 to 300", &inputs);
    for len in 0..=300 {
        check("lengths 0 to 300, equal", &[&data[..len]; 3]);
    }
    for count in 0..=40 {
        check("up to 40 inputs", &inputs[300 - count..300]);
        check("up to 40 equal inputs", &[&data[..130]; 40][..count]);
    }
    for (from, input) in inputs.iter_mut().take(65).enumerate() {
        *input = &data[from..from + 400];
    }
    check("misaligned", &inputs[..65]);
    let edges = [64, 128, 192, 256, 512, 640, 1024, 4096];
    for (input, i) in inputs.iter_mut().zip(0..24) {
        *input = &data[..edges[i / 3] + i % 3 - 1];
    }
    check("edges of blocks", &inputs[..24]);
    check(
        "65535 to 65537",
        &[&data[..65_535], &data[..65_536], &data[..65_537]],
    );
    let mut numbers = Numbers(9);
    for input in inputs.iter_mut().take(50) {
        let len = numbers.below(5_000);
        *input = &data[numbers.below(60_000)..][..len];
    }
    check("random lengths", &inputs[..50]);
    say(&[if good { "PASS " } else { "FAIL " }, name, "\n"]);
    good
}

/// Runs everything: true if every kernel agreed with sha2 everywhere.
pub(crate) fn run() -> bool {
    // SAFETY: there is one processor and this is called once.
    let (data, out) = unsafe { (&mut *(&raw mut DATA), &mut *(&raw mut OUT)) };
    let mut numbers = Numbers(10);
    data.fill_with(|| numbers.below(256) as u8);
    macro_rules! token {
        ($name:ident) => {
            match x86::$name::detect() {
                Some(token) => token,
                None => unreachable!(),
            }
        };
    }
    let kernels = [
        (
            "portable sha-256",
            Kernel::Of256(|i, o| portable::sha256_many(&IV_256, i, o)),
        ),
        ("portable sha-512", Kernel::Of512(portable::sha512_many)),
        (
            "avx2 sha-256",
            Kernel::Of256(|i, o| token!(Avx2).sha256_many(&IV_256, i, o)),
        ),
        (
            "avx2 sha-512",
            Kernel::Of512(|iv, i, o| token!(Avx2).sha512_many(iv, i, o)),
        ),
        (
            "shani",
            Kernel::Of256(|i, o| token!(Shani).sha256_many(&IV_256, i, o)),
        ),
        (
            "shani-avx512vl",
            Kernel::Of256(|i, o| token!(ShaniAvx512).sha256_many(&IV_256, i, o)),
        ),
        (
            "avx512 sha-256",
            Kernel::Of256(|i, o| token!(Avx512).sha256_many(&IV_256, i, o)),
        ),
        (
            "avx512 sha-512",
            Kernel::Of512(|iv, i, o| token!(Avx512).sha512_many(iv, i, o)),
        ),
    ];
    kernels.into_iter().fold(true, |good, (name, kernel)| {
        every_way(name, kernel, data, out) && good
    })
}
