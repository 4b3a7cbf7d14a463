//! The x86 kernels of AES-CBC, held against the crates `aes` (in plain Rust here) and `cbc`.
//! Invariant: true means that every comparison held, that of the bytes between messages included.
//! Byte order: a message is a string of bytes.
#![expect(dead_code, reason = "the engines that use the rest of it are not here")]

#[path = "../../../core/src/cipher/error.rs"]
mod error;
#[path = "../../../core/src/cipher/job.rs"]
mod job;
#[path = "../../../core/src/cipher/key.rs"]
mod key;
#[path = "../../../core/src/cipher/padding.rs"]
mod padding;
#[path = "../../../core/src/cipher/x86/mod.rs"]
mod x86;

use std::vec::Vec;

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};

pub(crate) use self::error::CipherError;
pub(crate) use self::job::{DecryptJob, EncryptJob};
pub(crate) use self::key::{BlockCipher, CbcKey};
pub(crate) use self::padding::padded_len;
use crate::machine::{Numbers, say};

pub(crate) const BLOCK_LEN: usize = 16;

/// How far apart messages lie, so that their places in memory differ in every way.
const GAP: usize = 33;
/// What lies between them.
const UNTOUCHED: u8 = 0xa5;

/// A message, with what the reference makes of it.
struct Case {
    key: CbcKey,
    iv: [u8; BLOCK_LEN],
    plaintext_len: usize,
    /// The plaintext with its padding.
    padded: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Case {
    /// `None` if the two directions of the reference contradict each other.
    fn new(numbers: &mut Numbers, algorithm: BlockCipher, plaintext_len: usize) -> Option<Self> {
        let (mut secret, mut iv) = ([0; 32], [0; BLOCK_LEN]);
        let mut padded = std::vec![0; padded_len(plaintext_len)];
        for bytes in [&mut secret[..], &mut iv, &mut padded[..plaintext_len]] {
            bytes.fill_with(|| numbers.below(256) as u8);
        }
        let pad = padded.len() - plaintext_len;
        padded[plaintext_len..].fill(pad as u8);
        let secret = &secret[..algorithm.key_len()];
        let mut ciphertext = padded.clone();
        let mut back = Vec::new();
        let run = match algorithm {
            BlockCipher::Aes128 => reference::<Encryptor<Aes128>, Decryptor<Aes128>>,
            BlockCipher::Aes192 => reference::<Encryptor<Aes192>, Decryptor<Aes192>>,
            BlockCipher::Aes256 => reference::<Encryptor<Aes256>, Decryptor<Aes256>>,
        };
        run(secret, &iv, &mut ciphertext, &mut back, plaintext_len)?;
        (back == padded[..plaintext_len]).then_some(())?;
        Some(Self {
            key: CbcKey::new(algorithm, secret).ok()?,
            iv,
            plaintext_len,
            padded,
            ciphertext,
        })
    }
}

/// Encrypts `buffer` in place, and decrypts a copy of it into `back`.
fn reference<E: BlockModeEncrypt + KeyIvInit, D: BlockModeDecrypt + KeyIvInit>(
    key: &[u8],
    iv: &[u8],
    buffer: &mut [u8],
    back: &mut Vec<u8>,
    plaintext_len: usize,
) -> Option<()> {
    let encryptor = E::new_from_slices(key, iv).ok()?;
    encryptor.encrypt_padded::<Pkcs7>(buffer, plaintext_len).ok()?;
    back.extend_from_slice(buffer);
    let decryptor = D::new_from_slices(key, iv).ok()?;
    let len = decryptor.decrypt_padded::<Pkcs7>(back).ok()?.len();
    back.truncate(len);
    Some(())
}

#[derive(Clone, Copy)]
enum Kernel {
    AesNi(x86::AesNi),
    Vaes256(x86::Vaes256),
    Vaes512(x86::Vaes512),
}

impl Kernel {
    fn encrypt(self, jobs: &mut [EncryptJob<'_>]) {
        match self {
            Self::AesNi(proof) => proof.encrypt_many(jobs),
            Self::Vaes256(proof) => proof.encrypt_many(jobs),
            Self::Vaes512(proof) => proof.encrypt_many(jobs),
        }
    }

    fn decrypt(self, jobs: &mut [DecryptJob<'_>]) {
        for job in jobs.iter_mut().map(DecryptJob::inner) {
            match self {
                Self::AesNi(proof) => proof.decrypt(job),
                Self::Vaes256(proof) => proof.decrypt(job),
                Self::Vaes512(proof) => proof.decrypt(job),
            }
        }
    }
}

/// The kernels under test, and which of them have been right in both directions.
struct Bench {
    kernels: [(&'static str, Kernel); 3],
    encrypts: [bool; 3],
    decrypts: [bool; 3],
}

impl Bench {
    /// Encrypts and decrypts all cases in one call each by every kernel, `gap` bytes apart and
    /// `skew` off a multiple of 64, and compares every byte.
    fn check(&mut self, what: &str, cases: &[Case], gap: usize, skew: usize) {
        let total: usize = cases.iter().map(|case| case.padded.len() + gap).sum();
        let mut slab = std::vec![0; total + 128 + skew];
        let start = slab.as_ptr().align_offset(64) + skew;
        for (place, (name, kernel)) in self.kernels.into_iter().enumerate() {
            lay_out(&mut slab, start, gap, cases, |case| &case.padded);
            let mut jobs = Vec::with_capacity(cases.len());
            let mut rest = &mut slab[start..];
            for case in cases {
                let (buffer, tail) = rest.split_at_mut(case.padded.len());
                rest = &mut tail[gap..];
                jobs.extend(EncryptJob::new(&case.key, case.iv, buffer, case.plaintext_len));
            }
            kernel.encrypt(&mut jobs);
            kernel.encrypt(&mut jobs); // jobs that have run are empty
            drop(jobs);
            if !holds(&slab, start, gap, cases, |case| &case.ciphertext) {
                say(&["FAIL ", name, " encryption: ", what, "\n"]);
                self.encrypts[place] = false;
            }

            lay_out(&mut slab, start, gap, cases, |case| &case.ciphertext);
            let mut jobs = Vec::with_capacity(cases.len());
            let mut rest = &mut slab[start..];
            for case in cases {
                let (buffer, tail) = rest.split_at_mut(case.padded.len());
                rest = &mut tail[gap..];
                jobs.extend(DecryptJob::new(&case.key, case.iv, buffer));
            }
            kernel.decrypt(&mut jobs);
            kernel.decrypt(&mut jobs);
            drop(jobs);
            if !holds(&slab, start, gap, cases, |case| &case.padded) {
                say(&["FAIL ", name, " decryption: ", what, "\n"]);
                self.decrypts[place] = false;
            }
        }
    }
}

/// Writes a part of every case to its place, and makes everything else untouched.
fn lay_out(slab: &mut [u8], start: usize, gap: usize, cases: &[Case], of: fn(&Case) -> &[u8]) {
    slab.fill(UNTOUCHED);
    let mut at = start;
    for case in cases {
        slab[at..at + of(case).len()].copy_from_slice(of(case));
        at += of(case).len() + gap;
    }
}

/// Whether a part of every case is in its place, and everything else untouched.
fn holds(slab: &[u8], start: usize, gap: usize, cases: &[Case], of: fn(&Case) -> &[u8]) -> bool {
    let untouched = |bytes: &[u8]| bytes.iter().all(|byte| *byte == UNTOUCHED);
    let (before, mut rest) = slab.split_at(start);
    let mut good = untouched(before);
    for case in cases {
        let (message, tail) = rest.split_at(of(case).len());
        let (between, after) = tail.split_at(gap);
        good &= message == of(case) && untouched(between);
        rest = after;
    }
    good && untouched(rest)
}

/// What every kernel gets: `None` if the reference contradicts itself.
fn every_way(bench: &mut Bench) -> Option<()> {
    let mut numbers = Numbers(11);
    bench.check("no message", &[], GAP, 0);
    for algorithm in BlockCipher::ALL {
        let lens = (0..=300).map(|len| Case::new(&mut numbers, algorithm, len));
        let cases: Vec<_> = lens.collect::<Option<_>>()?;
        bench.check("lengths 0 to 300 together", &cases, GAP, 0);
        for (len, case) in cases.iter().enumerate() {
            bench.check("lengths 0 to 300 alone", core::slice::from_ref(case), GAP, len % 64);
        }
        drop(cases);
        // Every number of lanes at once, each with a key of its own.
        let equal = (0..40).map(|_| Case::new(&mut numbers, algorithm, 180));
        let cases: Vec<_> = equal.collect::<Option<_>>()?;
        for count in 0..=cases.len() {
            bench.check("up to 40 equal lengths", &cases[..count], GAP, count);
        }
    }
    for round in 0..2 {
        for count in 0..=40 {
            let mixed = (0..count).map(|i| {
                let bound = [1, 40, 400, 3_000][numbers.below(4)];
                let len = numbers.below(bound);
                // All in turn, then mostly one.
                let algorithm = if round == 0 { i % 3 } else { numbers.below(6) / 2 * (i & 1) };
                Case::new(&mut numbers, BlockCipher::ALL[algorithm], len)
            });
            let cases: Vec<_> = mixed.collect::<Option<_>>()?;
            let skew = numbers.below(64);
            bench.check("up to 40 of mixed lengths and keys", &cases, GAP, skew);
        }
    }
    // A multiple of 4 KiB from each other, where messages wait to spare the cache.
    for algorithm in BlockCipher::ALL {
        let long = (0..18).map(|i| Case::new(&mut numbers, algorithm, 16_383 + 16 * (i % 3)));
        let cases: Vec<_> = long.collect::<Option<_>>()?;
        bench.check("long ones that wait", &cases, 0, 16);
        bench.check("long ones that wait, apart", &cases, 4_080, 3);
    }
    let around = [65_535, 65_536, 65_537, 65_520, 65_552];
    let blocks = around.iter().zip(BlockCipher::ALL.into_iter().cycle());
    let blocks = blocks.map(|(len, algorithm)| Case::new(&mut numbers, algorithm, *len));
    let cases: Vec<_> = blocks.collect::<Option<_>>()?;
    bench.check("around 64 KiB", &cases, GAP, 1);
    Some(())
}

/// Runs everything: true if every kernel agreed with the reference everywhere.
pub(crate) fn run() -> bool {
    let (Some(aesni), Some(vaes256), Some(vaes512)) = (
        x86::AesNi::detect(),
        x86::Vaes256::detect(),
        x86::Vaes512::detect(),
    ) else {
        return false;
    };
    let mut bench = Bench {
        kernels: [
            ("aesni", Kernel::AesNi(aesni)),
            ("vaes256", Kernel::Vaes256(vaes256)),
            ("vaes512", Kernel::Vaes512(vaes512)),
        ],
        encrypts: [true; 3],
        decrypts: [true; 3],
    };
    if every_way(&mut bench).is_none() {
        say(&["FAIL the reference does not decrypt what it encrypts\n"]);
        return false;
    }
    for (place, (name, _)) in bench.kernels.iter().enumerate() {
        for (good, what) in [
            (bench.encrypts[place], " encryption\n"),
            (bench.decrypts[place], " decryption\n"),
        ] {
            say(&[if good { "PASS " } else { "FAIL " }, name, what]);
        }
    }
    bench.encrypts == [true; 3] && bench.decrypts == [true; 3]
}
