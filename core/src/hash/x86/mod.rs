//! SHA-2 kernels for x86-64 (Intel SDM 2: SHA extensions, AVX2, AVX-512F/BW/VL).
//! Invariant: a kernel is a method of a token, and only the detection of its instructions makes one.
//! Byte order: blocks are read as big-endian words, by byte shuffles.

mod avx2;
mod avx512;
mod scalar;
mod shani;

pub(super) use avx2::Avx2;
pub(super) use avx512::Avx512;
pub(super) use shani::{Shani, ShaniAvx, ShaniAvx512};

/// One slice for each lane: a lane that has no message repeats the first.
fn fill<'a, const LANES: usize>(blocks: &[&'a [u8]]) -> [&'a [u8]; LANES] {
    let first = blocks.first().copied().unwrap_or_default();
    core::array::from_fn(|lane| blocks.get(lane).copied().unwrap_or(first))
}
