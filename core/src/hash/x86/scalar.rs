//! The portable compression functions, compiled for BMI: for the one message that is left over.
//! Invariant: the same source as `portable`; only the encoding of rotations and `and-not` differs.
//! Byte order: as `portable`.

use super::super::lanes::{LaneStates, WordMajor};
use super::super::portable;

/// Compresses whole blocks into one state of SHA-256.
#[target_feature(enable = "bmi1,bmi2")]
pub(super) fn compress_256(state: &mut [u32; 8], blocks: &[u8]) {
    portable::compress_blocks_256(state, blocks);
}

/// Compresses whole blocks into one state of SHA-512.
#[target_feature(enable = "bmi1,bmi2")]
pub(super) fn compress_512(state: &mut [u64; 8], blocks: &[u8]) {
    portable::compress_blocks_512(state, blocks);
}

/// Takes the first lane out of a vector, lets `compress` work on it, and puts it back.
pub(super) fn alone<W: Copy, const LANES: usize>(
    states: &mut WordMajor<W, LANES>,
    compress: impl FnOnce(&mut [W; 8]),
) {
    let mut state = states.get(0);
    compress(&mut state);
    states.set(0, &state);
}
