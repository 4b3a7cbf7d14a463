//! FIPS 180-4 section 6.2.2: SHA-256 with ARMv8's `sha256h` family, several streams interleaved.
//! Invariant: the streams of one call advance by the same number of blocks.
//! Byte order: message words are big-endian in memory and reversed as they are loaded.

use core::arch::aarch64::{
    uint32x4_t, vaddq_u32, vdupq_n_u32, vld1q_u8, vld1q_u32, vreinterpretq_u32_u8, vrev32q_u8,
    vsha256h2q_u32, vsha256hq_u32, vsha256su0q_u32, vsha256su1q_u32, vst1q_u32,
};

use crate::hash::constants::K_256;

/// Streams in flight. State and schedule of one take six registers, so that four of them leave
/// eight of the thirty-two for what is on the way.
pub(super) const LANES: usize = 4;

/// Advances each state by the blocks of its run; the shortest run decides.
#[target_feature(enable = "sha2")]
pub(super) fn compress(states: &mut [[u32; 8]], runs: &[&[u8]]) {
    match (states, runs) {
        ([a, b, c, d], [p, q, r, s]) => interleave([a, b, c, d], [p, q, r, s]),
        ([a, b, c, ..], [p, q, r]) => interleave([a, b, c], [p, q, r]),
        ([a, b, ..], [p, q]) => interleave([a, b], [p, q]),
        (states, runs) => {
            for (state, run) in states.iter_mut().zip(runs) {
                interleave([state], [run]);
            }
        }
    }
}

/// What one stream keeps in registers while a block passes.
struct Stream {
    abcd: uint32x4_t,
    efgh: uint32x4_t,
    /// The sixteen words of the message schedule that come next, four a register.
    schedule: [uint32x4_t; 4],
}

/// Takes a block of every stream at a time: the instructions of one round wait for each other,
/// those of different streams do not.
#[inline]
#[target_feature(enable = "sha2")]
fn interleave<const N: usize>(states: [&mut [u32; 8]; N], runs: [&[u8]; N]) {
    let mut runs = runs.map(|run| run.as_chunks::<64>().0.iter());
    let mut hashes = states.each_ref().map(|state| load_state(state));
    'blocks: loop {
        let mut streams = hashes.map(|[abcd, efgh]| Stream {
            abcd,
            efgh,
            schedule: [vdupq_n_u32(0); 4],
        });
        for (stream, run) in streams.iter_mut().zip(&mut runs) {
            let Some(block) = run.next() else {
                break 'blocks;
            };
            stream.schedule = load_message(block);
        }

        let [first @ .., last] = &K_256;
        for sixteen in first {
            for four in sixteen.as_chunks::<4>().0 {
                let k = load_words(four);
                for stream in &mut streams {
                    let [w0, w1, w2, w3] = stream.schedule;
                    let next = vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3);
                    stream.schedule = [w1, w2, w3, next];
                    four_rounds(stream, vaddq_u32(w0, k));
                }
            }
        }
        for four in last.as_chunks::<4>().0 {
            let k = load_words(four);
            for stream in &mut streams {
                let [w0, w1, w2, w3] = stream.schedule;
                stream.schedule = [w1, w2, w3, w0];
                four_rounds(stream, vaddq_u32(w0, k));
            }
        }

        for ([abcd, efgh], stream) in hashes.iter_mut().zip(&streams) {
            *abcd = vaddq_u32(*abcd, stream.abcd);
            *efgh = vaddq_u32(*efgh, stream.efgh);
        }
    }
    for (state, hash) in states.into_iter().zip(hashes) {
        store_state(state, hash);
    }
}

/// Four rounds of one stream, `wk` being words of its schedule plus the constants of the rounds.
#[inline]
#[target_feature(enable = "sha2")]
fn four_rounds(stream: &mut Stream, wk: uint32x4_t) {
    let abcd = stream.abcd;
    stream.abcd = vsha256hq_u32(abcd, stream.efgh, wk);
    stream.efgh = vsha256h2q_u32(stream.efgh, abcd, wk);
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads through a pointer")]
fn load_words(words: &[u32; 4]) -> uint32x4_t {
    // SAFETY: `words` is sixteen readable bytes; the load asks for no more than their alignment.
    unsafe { vld1q_u32(words.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads through a pointer")]
fn load_message(block: &[u8; 64]) -> [uint32x4_t; 4] {
    let at = block.as_ptr();
    // SAFETY: the four loads of sixteen bytes end where the 64 readable bytes of `block` end;
    // loads of bytes ask for no alignment.
    let bytes = unsafe {
        [
            vld1q_u8(at),
            vld1q_u8(at.add(16)),
            vld1q_u8(at.add(32)),
            vld1q_u8(at.add(48)),
        ]
    };
    bytes.map(|bytes| vreinterpretq_u32_u8(vrev32q_u8(bytes)))
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads through a pointer")]
fn load_state(state: &[u32; 8]) -> [uint32x4_t; 2] {
    // SAFETY: two loads of four words each read exactly the eight words of `state`.
    unsafe { [vld1q_u32(state.as_ptr()), vld1q_u32(state.as_ptr().add(4))] }
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "stores through a pointer")]
fn store_state(state: &mut [u32; 8], [abcd, efgh]: [uint32x4_t; 2]) {
    let at = state.as_mut_ptr();
    // SAFETY: two stores of four words each write exactly the eight words of `state`, which is
    // borrowed for writing.
    unsafe {
        vst1q_u32(at, abcd);
        vst1q_u32(at.add(4), efgh);
    }
}
