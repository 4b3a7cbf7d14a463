//! SHA-2 with AVX2: eight messages of SHA-256, four of SHA-512 side by side.
//! Invariant: lanes that have no message repeat the first one; their result is never read.
//! Byte order: blocks are read as big-endian words, by `vpshufb`.
#![expect(
    unsafe_code,
    reason = "vector instructions behind a token, loads from byte pointers"
)]

use core::arch::x86_64::*;

use super::super::lanes::{DigestSlots, WordMajor, drive};
use super::super::rounds::{Vector, compress_256, compress_512};
use super::{fill, scalar};

/// Proof that this processor has AVX2, BMI1 and BMI2.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Avx2(());

impl Avx2 {
    pub(in super::super) const NAME: &'static str = "avx2";

    /// The proof that this processor has the instructions, if it has.
    pub(in super::super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2"))
        .then_some(Self(()))
    }

    /// SHA-256 of every input.
    pub(in super::super) fn sha256_many(
        self,
        iv: &[u32; 8],
        inputs: &[&[u8]],
        out: DigestSlots<'_>,
    ) {
        drive(
            iv,
            inputs,
            out,
            &mut WordMajor([[0; 8]; 8]),
            |states, blocks| {
                // SAFETY: `self` exists, so `detect` has seen AVX2 and BMI.
                unsafe {
                    match *blocks {
                        [blocks] => scalar::alone(states, |s| scalar::compress_256(s, blocks)),
                        _ => compress_256x8(states, fill(blocks)),
                    }
                }
            },
        );
    }

    /// The SHA-512 family of every input: `iv` tells which.
    pub(in super::super) fn sha512_many(
        self,
        iv: &[u64; 8],
        inputs: &[&[u8]],
        out: DigestSlots<'_>,
    ) {
        drive(
            iv,
            inputs,
            out,
            &mut WordMajor([[0; 4]; 8]),
            |states, blocks| {
                // SAFETY: `self` exists, so `detect` has seen AVX2 and BMI.
                unsafe {
                    match *blocks {
                        [blocks] => scalar::alone(states, |s| scalar::compress_512(s, blocks)),
                        _ => compress_512x4(states, fill(blocks)),
                    }
                }
            },
        );
    }
}

/// Eight words of 32 bits, or four of 64. Made by the functions below alone, under AVX2.
#[derive(Clone, Copy)]
struct Wide32(__m256i);
#[derive(Clone, Copy)]
struct Wide64(__m256i);

macro_rules! wide {
    ($wide:ident, $word:ty, $set:ident, $add:ident, $srl:ident, $sll:ident, [$high:literal, $low:literal]) => {
        impl Vector for $wide {
            type Word = $word;

            #[inline(always)]
            fn splat(word: $word) -> Self {
                // SAFETY: the kernels below alone call this, and they are compiled for AVX2.
                unsafe { Self($set(word.cast_signed())) }
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { Self($add(self.0, other.0)) }
            }
            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { Self(_mm256_xor_si256(self.0, other.0)) }
            }
            #[inline(always)]
            fn ror<const R: i32, const L: i32>(self) -> Self {
                // SAFETY: as in `splat`.
                unsafe {
                    if R == 8 {
                        let by_8 = _mm256_broadcastsi128_si256(_mm_set_epi64x($high, $low));
                        Self(_mm256_shuffle_epi8(self.0, by_8))
                    } else {
                        Self(_mm256_or_si256($srl::<R>(self.0), $sll::<L>(self.0)))
                    }
                }
            }
            #[inline(always)]
            fn shr<const N: i32>(self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { Self($srl::<N>(self.0)) }
            }
            #[inline(always)]
            fn choose(e: Self, f: Self, g: Self) -> Self {
                // SAFETY: as in `splat`.
                unsafe {
                    Self(_mm256_xor_si256(
                        _mm256_and_si256(_mm256_xor_si256(f.0, g.0), e.0),
                        g.0,
                    ))
                }
            }
            #[inline(always)]
            fn majority(a: Self, b: Self, _c: Self, memo: &mut Self) -> Self {
                let bc = core::mem::replace(memo, a.xor(b));
                // SAFETY: as in `splat`.
                unsafe { Self(_mm256_xor_si256(_mm256_and_si256(memo.0, bc.0), b.0)) }
            }
        }
    };
}

wide!(
    Wide32,
    u32,
    _mm256_set1_epi32,
    _mm256_add_epi32,
    _mm256_srli_epi32,
    _mm256_slli_epi32,
    [0x0c0f_0e0d_080b_0a09, 0x0407_0605_0003_0201]
);
wide!(
    Wide64,
    u64,
    _mm256_set1_epi64x,
    _mm256_add_epi64,
    _mm256_srli_epi64,
    _mm256_slli_epi64,
    [0x080f_0e0d_0c0b_0a09, 0x0007_0605_0403_0201]
);

/// Two lots of 16 bytes side by side, from two messages.
///
/// # Safety
///
/// 16 bytes must be readable at both.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_pair(low: *const u8, high: *const u8) -> __m256i {
    // SAFETY: the caller's; the loads need no alignment.
    unsafe {
        _mm256_inserti128_si256::<1>(
            _mm256_castsi128_si256(_mm_loadu_si128(low.cast())),
            _mm_loadu_si128(high.cast()),
        )
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
fn compress_512x4(states: &mut WordMajor<u64, 4>, [a, b, c, d]: [&[u8]; 4]) {
    assert!([b, c, d].iter().all(|other| other.len() == a.len()));
    let swap =
        _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607));
    // SAFETY: a row of `WordMajor<u64, 4>` has 32 bytes.
    let mut state = states
        .0
        .map(|row| Wide64(unsafe { _mm256_loadu_si256(row.as_ptr().cast()) }));
    let mut at = 0;
    while at + 128 <= a.len() {
        let mut w = [Wide64(swap); 16];
        let (pairs, _) = w.as_chunks_mut::<2>();
        for (i, pair) in pairs.iter_mut().enumerate() {
            let from = at + 16 * i;
            // SAFETY: `from + 16 <= at + 128 <= a.len()`, and all slices are as long as `a`.
            let (even, odd) = unsafe {
                (
                    load_pair(a.as_ptr().add(from), c.as_ptr().add(from)),
                    load_pair(b.as_ptr().add(from), d.as_ptr().add(from)),
                )
            };
            *pair = [
                Wide64(_mm256_shuffle_epi8(_mm256_unpacklo_epi64(even, odd), swap)),
                Wide64(_mm256_shuffle_epi8(_mm256_unpackhi_epi64(even, odd), swap)),
            ];
        }
        compress_512(&mut state, w);
        at += 128;
    }
    for (row, word) in states.0.iter_mut().zip(state) {
        // SAFETY: a row of `WordMajor<u64, 4>` has 32 bytes.
        unsafe { _mm256_storeu_si256(row.as_mut_ptr().cast(), word.0) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
fn compress_256x8(states: &mut WordMajor<u32, 8>, [a, b, c, d, e, f, g, h]: [&[u8]; 8]) {
    assert!(
        [b, c, d, e, f, g, h]
            .iter()
            .all(|other| other.len() == a.len())
    );
    let swap =
        _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203));
    // SAFETY: a row of `WordMajor<u32, 8>` has 32 bytes.
    let mut state = states
        .0
        .map(|row| Wide32(unsafe { _mm256_loadu_si256(row.as_ptr().cast()) }));
    let mut at = 0;
    while at + 64 <= a.len() {
        let mut w = [Wide32(swap); 16];
        let (fours, _) = w.as_chunks_mut::<4>();
        for (i, four) in fours.iter_mut().enumerate() {
            let from = at + 16 * i;
            // SAFETY: `from + 16 <= at + 64 <= a.len()`, and all slices are as long as `a`.
            let (ae, bf, cg, dh) = unsafe {
                (
                    load_pair(a.as_ptr().add(from), e.as_ptr().add(from)),
                    load_pair(b.as_ptr().add(from), f.as_ptr().add(from)),
                    load_pair(c.as_ptr().add(from), g.as_ptr().add(from)),
                    load_pair(d.as_ptr().add(from), h.as_ptr().add(from)),
                )
            };
            let (ab_low, ab_high) = (_mm256_unpacklo_epi32(ae, bf), _mm256_unpackhi_epi32(ae, bf));
            let (cd_low, cd_high) = (_mm256_unpacklo_epi32(cg, dh), _mm256_unpackhi_epi32(cg, dh));
            *four = [
                _mm256_unpacklo_epi64(ab_low, cd_low),
                _mm256_unpackhi_epi64(ab_low, cd_low),
                _mm256_unpacklo_epi64(ab_high, cd_high),
                _mm256_unpackhi_epi64(ab_high, cd_high),
            ]
            .map(|word| Wide32(_mm256_shuffle_epi8(word, swap)));
        }
        compress_256(&mut state, w);
        at += 64;
    }
    for (row, word) in states.0.iter_mut().zip(state) {
        // SAFETY: a row of `WordMajor<u32, 8>` has 32 bytes.
        unsafe { _mm256_storeu_si256(row.as_mut_ptr().cast(), word.0) }
    }
}
