//! AES-CBC by the AES instructions of x86-64 processors, in registers of 128, 256 and 512 bits.
//! Invariant: a value of a kernel's type exists only where detection found its instructions.
//! Byte order: a message is a string of bytes.

mod decrypt;
mod encrypt;
mod schedule;
mod wide;

use core::arch::x86_64::{__m128i, __m256i, __m512i};

use self::decrypt::{Rest, batches};
use self::encrypt::{Queue, messages};
use self::schedule::Schedule;
use super::BlockCipher;
use super::job::{EncryptJob, Job};

/// Proof that the processor has `aes`.
#[derive(Clone, Copy, Debug)]
pub(super) struct AesNi(());

/// Proof that the processor has `aes`, `avx2` and `vaes`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vaes256(());

/// Proof that the processor has `aes`, `avx2`, `avx512f` and `vaes`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vaes512(());

impl AesNi {
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("aes").then_some(Self(()))
    }

    /// Eight registers of one message each.
    pub(super) fn encrypt_many(self, jobs: &mut [EncryptJob<'_>]) {
        for algorithm in BlockCipher::ALL {
            // SAFETY: `self` proves that the processor has the features.
            unsafe { encrypt_aesni(&mut Queue::new(jobs, algorithm)) };
        }
    }

    pub(super) fn decrypt(self, job: &mut Job<'_>) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { decrypt_aesni(job) };
    }
}

impl Vaes256 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("vaes"))
        .then_some(Self(()))
    }

    /// Eight registers of two messages each.
    pub(super) fn encrypt_many(self, jobs: &mut [EncryptJob<'_>]) {
        for algorithm in BlockCipher::ALL {
            // SAFETY: `self` proves that the processor has the features.
            unsafe { encrypt_vaes256(&mut Queue::new(jobs, algorithm)) };
        }
    }

    pub(super) fn decrypt(self, job: &mut Job<'_>) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { decrypt_vaes256(job) };
    }
}

impl Vaes512 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("vaes"))
        .then_some(Self(()))
    }

    /// Four registers of four messages each.
    pub(super) fn encrypt_many(self, jobs: &mut [EncryptJob<'_>]) {
        for algorithm in BlockCipher::ALL {
            // SAFETY: `self` proves that the processor has the features.
            unsafe { encrypt_vaes512(&mut Queue::new(jobs, algorithm)) };
        }
    }

    pub(super) fn decrypt(self, job: &mut Job<'_>) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { decrypt_vaes512(job) };
    }
}

#[target_feature(enable = "aes")]
fn encrypt_aesni(queue: &mut Queue<'_, '_>) {
    // SAFETY: this function enables what the kernels need.
    unsafe {
        messages::<__m128i, 8>(queue);
        messages::<__m128i, 4>(queue);
        messages::<__m128i, 2>(queue);
        messages::<__m128i, 1>(queue);
    }
}

#[target_feature(enable = "aes,avx2,vaes")]
fn encrypt_vaes256(queue: &mut Queue<'_, '_>) {
    // SAFETY: this function enables what the kernels need.
    unsafe {
        messages::<__m256i, 8>(queue);
        messages::<__m256i, 4>(queue);
        messages::<__m256i, 2>(queue);
        messages::<__m256i, 1>(queue);
        messages::<__m128i, 1>(queue);
    }
}

#[target_feature(enable = "aes,avx2,avx512f,vaes")]
fn encrypt_vaes512(queue: &mut Queue<'_, '_>) {
    // SAFETY: this function enables what the kernels need.
    unsafe {
        messages::<__m512i, 4>(queue);
        messages::<__m512i, 2>(queue);
        messages::<__m512i, 1>(queue);
        messages::<__m256i, 1>(queue);
        messages::<__m128i, 1>(queue);
    }
}

#[target_feature(enable = "aes")]
fn decrypt_aesni(job: &mut Job<'_>) {
    // SAFETY: this function enables what the kernels need.
    unsafe {
        let schedule = Schedule::decryption(job.key().material());
        let mut rest = Rest::of(job);
        batches::<__m128i, 8>(&mut rest, &schedule);
        batches::<__m128i, 1>(&mut rest, &schedule);
    }
}

#[target_feature(enable = "aes,avx2,vaes")]
fn decrypt_vaes256(job: &mut Job<'_>) {
    // SAFETY: this function enables what the kernels need.
    unsafe {
        let schedule = Schedule::decryption(job.key().material());
        let mut rest = Rest::of(job);
        batches::<__m256i, 8>(&mut rest, &schedule);
        batches::<__m256i, 2>(&mut rest, &schedule);
        batches::<__m128i, 1>(&mut rest, &schedule);
    }
}

#[target_feature(enable = "aes,avx2,avx512f,vaes")]
fn decrypt_vaes512(job: &mut Job<'_>) {
    // SAFETY: this function enables what the kernels need.
    unsafe {
        let schedule = Schedule::decryption(job.key().material());
        let mut rest = Rest::of(job);
        batches::<__m512i, 8>(&mut rest, &schedule);
        batches::<__m512i, 1>(&mut rest, &schedule);
        batches::<__m128i, 1>(&mut rest, &schedule);
    }
}
