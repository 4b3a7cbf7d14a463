//! SHA-256 with the SHA extensions, up to four messages interleaved.
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
        reason = "stream numbers are below STREAMS by construction"
    )
)]

use core::arch::x86_64::*;

use super::super::constants::K_256;
use super::super::lanes::{DigestSlots, LaneMajor, drive};

/// Messages in flight: the latency of `sha256rnds2` hides behind the rounds of the others.
const STREAMS: usize = 4;

type States = LaneMajor<u32, STREAMS>;

/// `K_256` where `paddd` can take it as a memory operand.
#[repr(align(64))]
struct Aligned([[u32; 16]; 4]);
static K: Aligned = Aligned(K_256);

macro_rules! kernel {
    ($(#[$doc:meta])* $token:ident, $name:literal, $module:ident, [$($feature:tt),+], $enable:literal, $order:ident) => {
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
                drive(iv, inputs, out, &mut LaneMajor([[0; 8]; STREAMS]), |states: &mut States, blocks| {
                    // SAFETY: `self` exists, so `detect` has seen every feature that these
                    // functions are compiled for.
                    unsafe {
                        match *blocks {
                            [a, b, c, d] => $module::compress(states, [a, b, c, d]),
                            [a, b, c] => $module::compress(states, [a, b, c]),
                            [a, b] => $module::compress(states, [a, b]),
                            [a] => $module::compress(states, [a]),
                            _ => {}
                        }
                    }
                });
            }
        }

        mod $module {
            use super::*;

            /// Compresses equally many blocks into each of the first `S` states.
            #[target_feature(enable = $enable)]
            pub(super) fn compress<const S: usize>(states: &mut States, blocks: [&[u8]; S]) {
                let len = blocks[0].len();
                assert!(S <= STREAMS && blocks.iter().all(|b| b.len() == len));
                let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
                let zero = _mm_setzero_si128();
                let mut abef = [zero; S];
                let mut cdgh = [zero; S];
                for s in 0..S {
                    let [a, b, c, d, e, f, g, h] = states.0[s].map(u32::cast_signed);
                    abef[s] = _mm_set_epi32(a, b, e, f);
                    cdgh[s] = _mm_set_epi32(c, d, g, h);
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
                    // The five steps of four rounds. The schedule is spread between them.
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
                    macro_rules! group {
                        (lane_outer $i:tt $load:tt) => {
                            for s in 0..S {
                                $load!($i, s);
                                let wk = _mm_add_epi32(m[s][$i & 3], constant!($i));
                                low!($i, s, wk);
                                extend!($i, s);
                                high!($i, s, wk);
                                prepare!($i, s);
                            }
                        };
                        (operation_outer $i:tt $load:tt) => {
                            let k = constant!($i);
                            let mut wk = [zero; S];
                            for s in 0..S {
                                $load!($i, s);
                                wk[s] = _mm_add_epi32(m[s][$i & 3], k);
                            }
                            for s in 0..S {
                                low!($i, s, wk[s]);
                            }
                            for s in 0..S {
                                extend!($i, s);
                            }
                            for s in 0..S {
                                high!($i, s, wk[s]);
                            }
                            for s in 0..S {
                                prepare!($i, s);
                            }
                        };
                    }
                    macro_rules! nothing { ($i:literal, $s:expr) => {} }
                    group!($order 0 load);
                    group!($order 1 load);
                    group!($order 2 load);
                    group!($order 3 load);
                    group!($order 4 nothing);
                    group!($order 5 nothing);
                    group!($order 6 nothing);
                    group!($order 7 nothing);
                    group!($order 8 nothing);
                    group!($order 9 nothing);
                    group!($order 10 nothing);
                    group!($order 11 nothing);
                    group!($order 12 nothing);
                    group!($order 13 nothing);
                    group!($order 14 nothing);
                    group!($order 15 nothing);
                    for s in 0..S {
                        abef[s] = _mm_add_epi32(abef[s], abef_before[s]);
                        cdgh[s] = _mm_add_epi32(cdgh[s], cdgh_before[s]);
                    }
                    at += 64;
                }
                for s in 0..S {
                    let word = |v: __m128i, i: i32| {
                        let v = match i {
                            0 => _mm_extract_epi32::<0>(v),
                            1 => _mm_extract_epi32::<1>(v),
                            2 => _mm_extract_epi32::<2>(v),
                            _ => _mm_extract_epi32::<3>(v),
                        };
                        v.cast_unsigned()
                    };
                    let (x, y) = (abef[s], cdgh[s]);
                    states.0[s] = [
                        word(x, 3), word(x, 2), word(y, 3), word(y, 2),
                        word(x, 1), word(x, 0), word(y, 1), word(y, 0),
                    ];
                }
            }
        }
    };
}

kernel!(
    /// SHA-NI in its first encoding: any processor with the SHA extensions.
    Shani, "shani", sse, ["sha", "ssse3", "sse4.1"], "sha,ssse3,sse4.1", lane_outer
);
kernel!(
    /// SHA-NI with three-operand forms of everything around the rounds: fewer copies.
    ShaniAvx, "shani-avx", avx, ["sha", "avx2"], "sha,avx2", lane_outer
);
kernel!(
    /// SHA-NI with 32 registers: nothing of four messages is spilled but what SHA-NI itself reads.
    ShaniAvx512, "shani-avx512vl", avx512vl, ["sha", "avx512f", "avx512bw", "avx512vl"],
    "sha,avx512f,avx512bw,avx512vl", operation_outer
);
