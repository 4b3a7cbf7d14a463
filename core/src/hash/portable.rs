//! SHA-2 in plain Rust: the reference that every other kernel is held against.
//! Invariant: one input after another, no lanes, no unsafe code, any processor.
//! Byte order: blocks are read as big-endian words.

use super::lanes::{DigestSlots, LaneMajor, drive};
use super::rounds::{Vector, compress_256, compress_512};

macro_rules! scalar_vector {
    ($word:ty) => {
        impl Vector for $word {
            type Word = Self;

            #[inline(always)]
            fn splat(word: Self) -> Self {
                word
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
            #[inline(always)]
            fn ror<const R: i32, const L: i32>(self) -> Self {
                self.rotate_right(const { R.unsigned_abs() })
            }
            #[inline(always)]
            fn shr<const N: i32>(self) -> Self {
                self >> N
            }
            #[inline(always)]
            fn choose(e: Self, f: Self, g: Self) -> Self {
                (e & f) ^ (!e & g)
            }
            #[inline(always)]
            fn majority(a: Self, b: Self, _c: Self, memo: &mut Self) -> Self {
                let bc = core::mem::replace(memo, a ^ b);
                b ^ (*memo & bc)
            }
        }
    };
}

scalar_vector!(u32);
scalar_vector!(u64);

/// Compresses whole blocks of 64 bytes into the state of one SHA-256.
#[inline(always)]
pub(super) fn compress_blocks_256(state: &mut [u32; 8], blocks: &[u8]) {
    for block in blocks.as_chunks::<64>().0 {
        let (words, _) = block.as_chunks::<4>();
        compress_256(
            state,
            core::array::from_fn(|i| words.get(i).map_or(0, |w| u32::from_be_bytes(*w))),
        );
    }
}

/// Compresses whole blocks of 128 bytes into the state of one SHA-512.
#[inline(always)]
pub(super) fn compress_blocks_512(state: &mut [u64; 8], blocks: &[u8]) {
    for block in blocks.as_chunks::<128>().0 {
        let (words, _) = block.as_chunks::<8>();
        compress_512(
            state,
            core::array::from_fn(|i| words.get(i).map_or(0, |w| u64::from_be_bytes(*w))),
        );
    }
}

/// SHA-256 of every input.
pub(super) fn sha256_many(iv: &[u32; 8], inputs: &[&[u8]], out: DigestSlots<'_>) {
    drive(
        iv,
        inputs,
        out,
        &mut LaneMajor([[0; 8]; 1]),
        |states, blocks| {
            for (state, blocks) in states.0.iter_mut().zip(blocks) {
                compress_blocks_256(state, blocks);
            }
        },
    );
}

/// The SHA-512 family of every input: `iv` tells which.
pub(super) fn sha512_many(iv: &[u64; 8], inputs: &[&[u8]], out: DigestSlots<'_>) {
    drive(
        iv,
        inputs,
        out,
        &mut LaneMajor([[0; 8]; 1]),
        |states, blocks| {
            for (state, blocks) in states.0.iter_mut().zip(blocks) {
                compress_blocks_512(state, blocks);
            }
        },
    );
}
