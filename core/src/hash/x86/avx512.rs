//! SHA-2 with AVX-512: sixteen messages of SHA-256, eight of SHA-512 side by side.
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

/// Proof that this processor has AVX-512F, AVX-512BW, BMI1 and BMI2.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Avx512(());

impl Avx512 {
    pub(in super::super) const NAME: &'static str = "avx512";

    /// The proof that this processor has the instructions, if it has.
    pub(in super::super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
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
            &mut WordMajor([[0; 16]; 8]),
            |states, blocks| {
                // SAFETY: `self` exists, so `detect` has seen AVX-512 and BMI.
                unsafe {
                    match *blocks {
                        [blocks] => scalar::alone(states, |s| scalar::compress_256(s, blocks)),
                        _ => compress_256x16(states, fill(blocks)),
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
            &mut WordMajor([[0; 8]; 8]),
            |states, blocks| {
                // SAFETY: `self` exists, so `detect` has seen AVX-512 and BMI.
                unsafe {
                    match *blocks {
                        [blocks] => scalar::alone(states, |s| scalar::compress_512(s, blocks)),
                        _ => compress_512x8(states, fill(blocks)),
                    }
                }
            },
        );
    }
}

/// Sixteen words of 32 bits. Made by the functions below alone, under AVX-512.
#[derive(Clone, Copy)]
struct Wide32(__m512i);

/// Eight words of 64 bits. Made by the functions below alone, under AVX-512.
#[derive(Clone, Copy)]
struct Wide64(__m512i);

/// Truth tables of `vpternlog`: bit `4a + 2b + c` is the result for the bits `a`, `b`, `c`.
const XOR3: i32 = 0b1001_0110;
const CHOOSE: i32 = 0b1100_1010;
const MAJORITY: i32 = 0b1110_1000;

macro_rules! wide {
    ($wide:ident, $word:ty, $set:ident, $add:ident, $ror:ident, $srl:ident, $ternary:ident) => {
        impl Vector for $wide {
            type Word = $word;

            #[inline(always)]
            fn splat(word: $word) -> Self {
                // SAFETY: the kernels below alone call this, and they are compiled for AVX-512.
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
                unsafe { Self(_mm512_xor_si512(self.0, other.0)) }
            }
            #[inline(always)]
            fn ror<const R: i32, const L: i32>(self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { Self($ror::<R>(self.0)) }
            }
            #[inline(always)]
            fn shr<const N: i32>(self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { Self($srl(self.0, _mm_cvtsi32_si128(N))) }
            }
            #[inline(always)]
            fn choose(e: Self, f: Self, g: Self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { Self($ternary::<CHOOSE>(e.0, f.0, g.0)) }
            }
            #[inline(always)]
            fn majority(a: Self, b: Self, c: Self, _memo: &mut Self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { Self($ternary::<MAJORITY>(a.0, b.0, c.0)) }
            }
            #[inline(always)]
            fn xor3(a: Self, b: Self, c: Self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { Self($ternary::<XOR3>(a.0, b.0, c.0)) }
            }
        }
    };
}

wide!(
    Wide32,
    u32,
    _mm512_set1_epi32,
    _mm512_add_epi32,
    _mm512_ror_epi32,
    _mm512_srl_epi32,
    _mm512_ternarylogic_epi32
);
wide!(
    Wide64,
    u64,
    _mm512_set1_epi64,
    _mm512_add_epi64,
    _mm512_ror_epi64,
    _mm512_srl_epi64,
    _mm512_ternarylogic_epi64
);

/// A quarter of 16 bytes from each of four messages.
///
/// # Safety
///
/// 16 bytes must be readable at each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn load_quarters(from: [*const u8; 4]) -> __m512i {
    let [a, b, c, d] = from;
    // SAFETY: the caller's; the loads need no alignment.
    unsafe {
        let v = _mm512_castsi128_si512(_mm_loadu_si128(a.cast()));
        let v = _mm512_inserti32x4::<1>(v, _mm_loadu_si128(b.cast()));
        let v = _mm512_inserti32x4::<2>(v, _mm_loadu_si128(c.cast()));
        _mm512_inserti32x4::<3>(v, _mm_loadu_si128(d.cast()))
    }
}

#[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2")]
fn compress_512x8(states: &mut WordMajor<u64, 8>, blocks: [&[u8]; 8]) {
    let len = blocks[0].len();
    assert!(blocks.iter().all(|other| other.len() == len));
    let [a, b, c, d, e, f, g, h] = blocks.map(<[u8]>::as_ptr);
    let swap = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0809_0a0b_0c0d_0e0f, 0x0001_0203_0405_0607));
    // SAFETY: a row of `WordMajor<u64, 8>` has 64 bytes.
    let mut state = states
        .0
        .map(|row| Wide64(unsafe { _mm512_loadu_si512(row.as_ptr().cast()) }));
    let mut at = 0;
    while at + 128 <= len {
        let mut w = [Wide64(swap); 16];
        let (pairs, _) = w.as_chunks_mut::<2>();
        for (i, pair) in pairs.iter_mut().enumerate() {
            let from = at + 16 * i;
            // SAFETY: `from + 16 <= at + 128 <= len`, and all slices have `len` bytes.
            let (even, odd) = unsafe {
                (
                    load_quarters([a, c, e, g].map(|p| p.add(from))),
                    load_quarters([b, d, f, h].map(|p| p.add(from))),
                )
            };
            *pair = [
                Wide64(_mm512_shuffle_epi8(_mm512_unpacklo_epi64(even, odd), swap)),
                Wide64(_mm512_shuffle_epi8(_mm512_unpackhi_epi64(even, odd), swap)),
            ];
        }
        compress_512(&mut state, w);
        at += 128;
    }
    for (row, word) in states.0.iter_mut().zip(state) {
        // SAFETY: a row of `WordMajor<u64, 8>` has 64 bytes.
        unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), word.0) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2")]
fn compress_256x16(states: &mut WordMajor<u32, 16>, blocks: [&[u8]; 16]) {
    let len = blocks[0].len();
    assert!(blocks.iter().all(|other| other.len() == len));
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = blocks.map(<[u8]>::as_ptr);
    let swap = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203));
    // SAFETY: a row of `WordMajor<u32, 16>` has 64 bytes.
    let mut state = states
        .0
        .map(|row| Wide32(unsafe { _mm512_loadu_si512(row.as_ptr().cast()) }));
    let mut at = 0;
    while at + 64 <= len {
        let mut w = [Wide32(swap); 16];
        let (fours, _) = w.as_chunks_mut::<4>();
        for (quarter, four) in fours.iter_mut().enumerate() {
            let from = at + 16 * quarter;
            // SAFETY: `from + 16 <= at + 64 <= len`, and all slices have `len` bytes.
            let (w0, w1, w2, w3) = unsafe {
                (
                    load_quarters([a, e, i, m].map(|p| p.add(from))),
                    load_quarters([b, f, j, n].map(|p| p.add(from))),
                    load_quarters([c, g, k, o].map(|p| p.add(from))),
                    load_quarters([d, h, l, p].map(|p| p.add(from))),
                )
            };
            let (low01, high01) = (_mm512_unpacklo_epi32(w0, w1), _mm512_unpackhi_epi32(w0, w1));
            let (low23, high23) = (_mm512_unpacklo_epi32(w2, w3), _mm512_unpackhi_epi32(w2, w3));
            *four = [
                _mm512_unpacklo_epi64(low01, low23),
                _mm512_unpackhi_epi64(low01, low23),
                _mm512_unpacklo_epi64(high01, high23),
                _mm512_unpackhi_epi64(high01, high23),
            ]
            .map(|word| Wide32(_mm512_shuffle_epi8(word, swap)));
        }
        compress_256(&mut state, w);
        at += 64;
    }
    for (row, word) in states.0.iter_mut().zip(state) {
        // SAFETY: a row of `WordMajor<u32, 16>` has 64 bytes.
        unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), word.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::{CHOOSE, MAJORITY, XOR3};

    #[test]
    fn the_truth_tables_say_what_fips_180_4_says() {
        for bits in 0..8 {
            let (a, b, c) = (bits >> 2 & 1, bits >> 1 & 1, bits & 1);
            assert_eq!(XOR3 >> bits & 1, a ^ b ^ c);
            assert_eq!(CHOOSE >> bits & 1, if a == 1 { b } else { c });
            assert_eq!(MAJORITY >> bits & 1, i32::from(a + b + c >= 2));
        }
    }
}
