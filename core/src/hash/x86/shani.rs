//! SHA-256 with the SHA extensions, four or six messages interleaved.
//! Invariant: one source, compiled for several encodings; the streams of a call never meet.
//! Byte order: blocks are read as big-endian words, by `pshufb`.
#![expect(
    unsafe_code,
    reason = "loads from byte pointers, and calls guarded by a token"
)]
#![cfg_attr(
    not(test),
    expect(
        clippy::indexing_slicing,
        reason = "stream numbers are below the streams of a call by construction"
    )
)]

use core::arch::x86_64::*;

use super::super::constants::K_256;
use super::super::lanes::{DigestSlots, LaneStates, drive};

/// `K_256` where `paddd` can take it as a memory operand.
#[repr(align(64))]
struct Aligned([[u32; 16]; 4]);
static K: Aligned = Aligned(K_256);

/// The two halves of each state as the instructions take them: f, e, b, a and h, g, d, c.
///
/// The kernel stores them as they are: words that it took out one by one would be put together in registers
/// of full width, and the rounds are slow in a register whose upper part is in use.
struct Halves<const LANES: usize>([[[u32; 4]; 2]; LANES]);

impl<const LANES: usize> LaneStates<u32, LANES> for Halves<LANES> {
    fn set(&mut self, lane: usize, &[a, b, c, d, e, f, g, h]: &[u32; 8]) {
        self.0[lane] = [[f, e, b, a], [h, g, d, c]];
    }

    fn get(&self, lane: usize) -> [u32; 8] {
        let [[f, e, b, a], [h, g, d, c]] = self.0[lane];
        [a, b, c, d, e, f, g, h]
    }
}

macro_rules! kernel {
    ($(#[$doc:meta])* $token:ident, $name:literal, $module:ident, [$($feature:tt),+], $enable:literal, $streams:literal: ($($some:tt)+)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(in super::super) struct $token(());

        impl $token {
            pub(in super::super) const NAME: &'static str = $name;

            /// The proof that this processor has the instructions, if it has.
            pub(in super::super) fn detect() -> Option<Self> {
                ($(is_x86_feature_detected!($feature))&&+).then_some(Self(()))
            }

            /// SHA-256 of every input.
            pub(in super::super) fn sha256_many(self, iv: &[u32; 8], inputs: &[&[u8]], out: DigestSlots<'_>) {
                drive(iv, inputs, out, &mut Halves([[[0; 4]; 2]; $streams]), |states: &mut Halves<$streams>, blocks| {
                    // SAFETY: `self` exists, so `detect` has seen every feature that these
                    // functions are compiled for.
                    unsafe {
                        match *blocks {
                            $($some => $module::compress(states, $some),)+
                            _ => unreachable!("a lane more than there are"),
                        }
                    }
                });
            }
        }

        mod $module {
            use super::*;

            /// Compresses equally many blocks into each of the first `S` states.
            #[target_feature(enable = $enable)]
            pub(super) fn compress<const S: usize>(states: &mut Halves<$streams>, blocks: [&[u8]; S]) {
                let len = blocks[0].len();
                assert!(S <= $streams && blocks.iter().all(|b| b.len() == len));
                let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
                let zero = _mm_setzero_si128();
                let mut abef = [zero; S];
                let mut cdgh = [zero; S];
                for s in 0..S {
                    let [from_abef, from_cdgh] = states.0[s].each_ref().map(|half| half.as_ptr().cast());
                    // SAFETY: a half has 16 bytes; the loads need no alignment.
                    (abef[s], cdgh[s]) = unsafe { (_mm_loadu_si128(from_abef), _mm_loadu_si128(from_cdgh)) };
                }
                let mut at = 0;
                while at + 64 <= len {
                    let mut m = [[zero; 4]; S];
                    let (abef_before, cdgh_before) = (abef, cdgh);
                    macro_rules! load {
                        ($i:literal, $s:expr) => {
                            // SAFETY: `at + 64 <= len` and every slice has `len` bytes; the load
                            // takes 16 bytes at an offset of at most 48 and needs no alignment.
                            let word = unsafe { _mm_loadu_si128(blocks[$s].as_ptr().add(at + 16 * $i).cast()) };
                            m[$s][$i] = _mm_shuffle_epi8(word, swap);
                        };
                    }
                    macro_rules! constant {
                        ($i:literal) => {
                            // SAFETY: four words inside the table of 64, 16 bytes aligned.
                            unsafe { _mm_load_si128(K.0.as_ptr().cast::<__m128i>().add($i)) }
                        };
                    }
                    // The steps of four rounds. The schedule of those to come first: otherwise the states are spilled.
                    macro_rules! low { ($i:literal, $s:expr, $wk:expr) => {
                        cdgh[$s] = _mm_sha256rnds2_epu32(cdgh[$s], abef[$s], $wk);
                    } }
                    macro_rules! high { ($i:literal, $s:expr, $wk:expr) => {
                        abef[$s] = _mm_sha256rnds2_epu32(abef[$s], cdgh[$s], _mm_shuffle_epi32::<0x0e>($wk));
                    } }
                    macro_rules! extend { ($i:literal, $s:expr) => {
                        if $i >= 3 && $i <= 14 {
                            let w = _mm_alignr_epi8::<4>(m[$s][$i & 3], m[$s][($i + 3) & 3]);
                            let w = _mm_add_epi32(m[$s][($i + 1) & 3], w);
                            m[$s][($i + 1) & 3] = _mm_sha256msg2_epu32(w, m[$s][$i & 3]);
                        }
                    } }
                    macro_rules! prepare { ($i:literal, $s:expr) => {
                        if $i >= 1 && $i <= 12 {
                            m[$s][($i + 3) & 3] = _mm_sha256msg1_epu32(m[$s][($i + 3) & 3], m[$s][$i & 3]);
                        }
                    } }
                    macro_rules! group { ($i:literal $load:ident) => {
                        for s in 0..S {
                            $load!($i, s);
                            let wk = _mm_add_epi32(m[s][$i & 3], constant!($i));
                            extend!($i, s);
                            prepare!($i, s);
                            low!($i, s, wk);
                            high!($i, s, wk);
                        }
                    } }
                    macro_rules! nothing { ($i:literal, $s:expr) => {} }
                    group!(0 load);
                    group!(1 load);
                    group!(2 load);
                    group!(3 load);
                    group!(4 nothing);
                    group!(5 nothing);
                    group!(6 nothing);
                    group!(7 nothing);
                    group!(8 nothing);
                    group!(9 nothing);
                    group!(10 nothing);
                    group!(11 nothing);
                    group!(12 nothing);
                    group!(13 nothing);
                    group!(14 nothing);
                    group!(15 nothing);
                    for s in 0..S {
                        abef[s] = _mm_add_epi32(abef[s], abef_before[s]);
                        cdgh[s] = _mm_add_epi32(cdgh[s], cdgh_before[s]);
                    }
                    at += 64;
                }
                for s in 0..S {
                    let [to_abef, to_cdgh] = states.0[s].each_mut().map(|half| half.as_mut_ptr().cast());
                    // SAFETY: a half has 16 bytes; the stores need no alignment.
                    unsafe {
                        _mm_storeu_si128(to_abef, abef[s]);
                        _mm_storeu_si128(to_cdgh, cdgh[s]);
                    }
                }
            }
        }
    };
}

kernel!(
    /// SHA-NI in its first encoding: any processor with the SHA extensions. Three-operand encoding (AVX) was slower.
    Shani, "shani", sse, ["sha", "ssse3", "sse4.1"], "sha,ssse3,sse4.1", 4: ([a, b, c, d] [a, b, c] [a, b] [a])
);
kernel!(
    /// SHA-NI with 32 registers for everything around the rounds.
    ShaniAvx512, "shani-avx512vl", avx512vl, ["sha", "avx512f", "avx512bw", "avx512vl"],
    "sha,avx512f,avx512bw,avx512vl", 6: ([a, b, c, d, e, f] [a, b, c, d, e] [a, b, c, d] [a, b, c] [a, b] [a])
);
