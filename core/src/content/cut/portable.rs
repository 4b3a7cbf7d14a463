//! The window hash of `docs/SEGMENTATION.md` section 2, in plain Rust: what the other kernels are held against.
//! Invariant: every window of 72 bytes is looked at, in order, and nothing outside them.
//! Byte order: words are read little-endian on every machine.

// Named, for this file is also built where there is no prelude of std: `.ci/emulate-avx512`.
use std::vec::Vec;

use super::{Candidate, FALLBACK, FAR, GAP, NEAR};

/// The hash of one word of a window.
fn word(bytes: &[u8; 8]) -> u32 {
    let [a, b, c, d, e, f, g, h] = *bytes;
    let near = u32::from_le_bytes([a, b, c, d]).wrapping_mul(NEAR);
    near.wrapping_add(u32::from_le_bytes([e, f, g, h]).wrapping_mul(FAR))
}

/// The hash of the window at the start of `data`, if there is one.
pub(super) fn hash(data: &[u8]) -> Option<u32> {
    let left = data.first_chunk()?;
    let right = data.get(GAP..)?.first_chunk()?;
    Some(word(left).wrapping_add(word(right)))
}

/// The words at 64 neighbouring positions: a shape that compilers turn into vectors.
fn words(block: &[u8; GAP + 7]) -> [u32; GAP] {
    let mut words = [0; GAP];
    for (slot, bytes) in words.iter_mut().zip(block.array_windows()) {
        *slot = word(bytes);
    }
    words
}

/// Appends the candidates of all windows in `data`; the window at its start belongs to the cut at `first`.
pub(super) fn scan(data: &[u8], first: usize, out: &mut Vec<Candidate>) {
    let Some(block) = data.first_chunk() else {
        return scan_rest(data, first, out);
    };
    let mut left = words(block);
    let mut rest = data;
    let mut at = first;
    while let Some(block) = rest.get(GAP..).and_then(<[u8]>::first_chunk) {
        let right = words(block);
        let mut sums = [0u32; GAP];
        for ((sum, a), b) in sums.iter_mut().zip(&left).zip(&right) {
            *sum = a.wrapping_add(*b);
        }
        // Most blocks hold no candidate: one comparison for all of them.
        if sums.iter().fold(0, |top, sum| top.max(*sum)) >= FALLBACK {
            for (at, hash) in (at..).zip(sums) {
                if hash >= FALLBACK {
                    out.push(Candidate { at, hash });
                }
            }
        }
        left = right;
        at += GAP;
        rest = rest.get(GAP..).unwrap_or_default();
    }
    scan_rest(rest, at, out);
}

/// The same for the windows that fill no block: also the plainest statement of what a candidate is.
pub(super) fn scan_rest(data: &[u8], first: usize, out: &mut Vec<Candidate>) {
    let right = data.get(GAP..).unwrap_or_default().array_windows();
    for (at, (a, b)) in (first..).zip(data.array_windows().zip(right)) {
        let hash = word(a).wrapping_add(word(b));
        if hash >= FALLBACK {
            out.push(Candidate { at, hash });
        }
    }
}
