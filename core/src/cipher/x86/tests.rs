//! The kernels over registers put together from narrower ones: what 512 bits need, without them.
//! Invariant: a double register does with each half what its type does.
//! Byte order: none.

use super::decrypt::{Rest, batches};
use super::encrypt::{Queue, messages};
use super::schedule::Schedule;
use super::wide::Wide;
use super::*;
use crate::cipher::DecryptJob;
use crate::cipher::tests::{Bytes, Case, check_both};

#[derive(Clone, Copy)]
struct Double<W>(W, W);

/// A test below calls these only where detection found what `W` needs; pointers are passed on.
impl<W: Wide> Wide for Double<W> {
    const LANES: usize = 2 * W::LANES;

    #[inline(always)]
    unsafe fn splat(block: __m128i) -> Self {
        // SAFETY: as promised by the caller.
        unsafe { Self(W::splat(block), W::splat(block)) }
    }

    #[inline(always)]
    unsafe fn gather(at: *const *mut u8, offset: usize) -> Self {
        // SAFETY: as promised by the caller.
        unsafe { Self(W::gather(at, offset), W::gather(at.add(W::LANES), offset)) }
    }

    #[inline(always)]
    unsafe fn scatter(self, at: *const *mut u8, offset: usize) {
        // SAFETY: as promised by the caller.
        unsafe {
            self.0.scatter(at, offset);
            self.1.scatter(at.add(W::LANES), offset);
        }
    }

    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // SAFETY: as promised by the caller.
        unsafe { Self(W::load(at), W::load(at.add(16 * W::LANES))) }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u8) {
        // SAFETY: as promised by the caller.
        unsafe {
            self.0.store(at);
            self.1.store(at.add(16 * W::LANES));
        }
    }

    #[inline(always)]
    unsafe fn behind(first: __m128i, at: *const u8) -> Self {
        // SAFETY: as promised by the caller.
        unsafe { Self(W::behind(first, at), W::load(at.add(16 * (W::LANES - 1)))) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: as promised by the caller.
        unsafe { Self(self.0.xor(other.0), self.1.xor(other.1)) }
    }

    #[inline(always)]
    unsafe fn encrypt(self, key: Self) -> Self {
        // SAFETY: as promised by the caller.
        unsafe { Self(self.0.encrypt(key.0), self.1.encrypt(key.1)) }
    }

    #[inline(always)]
    unsafe fn encrypt_last(self, key: Self) -> Self {
        // SAFETY: as promised by the caller.
        unsafe { Self(self.0.encrypt_last(key.0), self.1.encrypt_last(key.1)) }
    }

    #[inline(always)]
    unsafe fn decrypt(self, key: Self) -> Self {
        // SAFETY: as promised by the caller.
        unsafe { Self(self.0.decrypt(key.0), self.1.decrypt(key.1)) }
    }

    #[inline(always)]
    unsafe fn decrypt_last(self, key: Self) -> Self {
        // SAFETY: as promised by the caller.
        unsafe { Self(self.0.decrypt_last(key.0), self.1.decrypt_last(key.1)) }
    }
}

/// The kernels of `vaes512` over `W`, in the same sequence.
fn check_as_512<W: Wide>(name: &str) {
    let encrypt = |jobs: &mut [EncryptJob<'_>]| {
        for algorithm in BlockCipher::ALL {
            let mut queue = Queue::new(jobs, algorithm);
            // SAFETY: the caller found what `W` needs, and `aes`.
            unsafe {
                messages::<W, 4, 5>(&mut queue, 8);
                messages::<W, 2, 0>(&mut queue, 4);
                messages::<W, 1, 0>(&mut queue, 1);
                messages::<__m128i, 1, 0>(&mut queue, 0);
            }
        }
    };
    let decrypt = |jobs: &mut [DecryptJob<'_>]| {
        for job in jobs.iter_mut().map(DecryptJob::inner) {
            // SAFETY: the caller found what `W` needs, and `aes`.
            unsafe {
                let schedule = Schedule::decryption(job.key().material());
                let mut rest = Rest::of(job);
                batches::<W, 8>(&mut rest, &schedule);
                batches::<W, 1>(&mut rest, &schedule);
                batches::<__m128i, 1>(&mut rest, &schedule);
            }
        }
    };
    let mut bytes = Bytes(10);
    for count in 0..=40 {
        let cases: Vec<_> = (0..count)
            .map(|i| {
                let bound = [1, 40, 400, 3_000][bytes.below(4)];
                let len = bytes.below(bound);
                Case::new(&mut bytes, BlockCipher::ALL[i % 3], len)
            })
            .collect();
        check_both(name, &encrypt, &decrypt, &cases, bytes.below(16));
    }
}

#[test]
fn the_512_bit_kernels_equal_the_reference_over_four_128_bit_registers() {
    if AesNi::detect().is_some() {
        check_as_512::<Double<Double<__m128i>>>("512 bits of four 128");
        not_captured("ran: the kernels of 512 bits over four registers of 128");
    } else {
        not_captured("NOT RUN: the kernels of 512 bits over 128: this processor has no aes");
    }
}

#[test]
fn the_512_bit_kernels_equal_the_reference_over_two_256_bit_registers() {
    if Vaes256::detect().is_some() {
        check_as_512::<Double<__m256i>>("512 bits of two 256");
        not_captured("ran: the kernels of 512 bits over two registers of 256");
    } else {
        not_captured("NOT RUN: the kernels of 512 bits over 256: this processor has no vaes");
    }
}

/// Past the capture of the test harness, as what did not run must be seen.
fn not_captured(line: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "{line}").unwrap();
}
