//! FIPS 180-4 section 6.4.2: SHA-512 with ARMv8.2's `sha512h` family, streams interleaved.
//! Invariant: the streams of one call advance by the same number of blocks.
//! Byte order: message words are big-endian in memory and reversed as they are loaded.

use core::arch::aarch64::{
    uint64x2_t, vaddq_u64, vdupq_n_u64, vextq_u64, vld1q_u8, vld1q_u64, vreinterpretq_u64_u8,
    vrev64q_u8, vsha512h2q_u64, vsha512hq_u64, vsha512su0q_u64, vsha512su1q_u64, vst1q_u64,
};

use crate::hash::constants::K_512;

/// Streams in flight. State and schedule of one take twelve registers, so that two of them leave
/// eight of the thirty-two for what is on the way.
pub(super) const LANES: usize = 2;

/// Advances each state by the blocks of its run; the shortest run decides.
#[target_feature(enable = "sha3")]
pub(super) fn compress(states: &mut [[u64; 8]], runs: &[&[u8]]) {
    match (states, runs) {
        ([a, b], [p, q]) => interleave([a, b], [p, q]),
        (states, runs) => {
            for (state, run) in states.iter_mut().zip(runs) {
                interleave([state], [run]);
            }
        }
    }
}

/// What one stream keeps in registers while a block passes.
struct Stream {
    ab: uint64x2_t,
    cd: uint64x2_t,
    ef: uint64x2_t,
    gh: uint64x2_t,
    /// The sixteen words of the message schedule that come next, two a register.
    schedule: [uint64x2_t; 8],
}

/// Takes a block of every stream at a time: the instructions of one round wait for each other,
/// those of different streams do not.
#[inline]
#[target_feature(enable = "sha3")]
fn interleave<const N: usize>(states: [&mut [u64; 8]; N], runs: [&[u8]; N]) {
    let mut runs = runs.map(|run| run.as_chunks::<128>().0.iter());
    let mut hashes = states.each_ref().map(|state| load_state(state));
    'blocks: loop {
        let mut streams = hashes.map(|[ab, cd, ef, gh]| {
            let schedule = [vdupq_n_u64(0); 8];
            Stream {
                ab,
                cd,
                ef,
                gh,
                schedule,
            }
        });
        for (stream, run) in streams.iter_mut().zip(&mut runs) {
            let Some(block) = run.next() else {
                break 'blocks;
            };
            stream.schedule = load_message(block);
        }

        let [first @ .., last] = &K_512;
        for sixteen in first {
            for two in sixteen.as_chunks::<2>().0 {
                let k = load_words(two);
                for stream in &mut streams {
                    let [w0, w1, w2, w3, w4, w5, w6, w7] = stream.schedule;
                    let next = vsha512su1q_u64(vsha512su0q_u64(w0, w1), w7, vextq_u64::<1>(w4, w5));
                    stream.schedule = [w1, w2, w3, w4, w5, w6, w7, next];
                    two_rounds(stream, vaddq_u64(w0, k));
                }
            }
        }
        for two in last.as_chunks::<2>().0 {
            let k = load_words(two);
            for stream in &mut streams {
                let [w0, w1, w2, w3, w4, w5, w6, w7] = stream.schedule;
                stream.schedule = [w1, w2, w3, w4, w5, w6, w7, w0];
                two_rounds(stream, vaddq_u64(w0, k));
            }
        }

        for ([ab, cd, ef, gh], stream) in hashes.iter_mut().zip(&streams) {
            *ab = vaddq_u64(*ab, stream.ab);
            *cd = vaddq_u64(*cd, stream.cd);
            *ef = vaddq_u64(*ef, stream.ef);
            *gh = vaddq_u64(*gh, stream.gh);
        }
    }
    for (state, hash) in states.into_iter().zip(hashes) {
        store_state(state, hash);
    }
}

/// Two rounds of one stream, `wk` being words of its schedule plus the constants of the rounds.
#[inline]
#[target_feature(enable = "sha3")]
fn two_rounds(stream: &mut Stream, wk: uint64x2_t) {
    let Stream { ab, cd, ef, gh, .. } = *stream;
    // The instructions take the later of the two rounds in the upper half, `wk` has it below.
    let sum = vaddq_u64(vextq_u64::<1>(wk, wk), gh);
    let t1 = vsha512hq_u64(sum, vextq_u64::<1>(ef, gh), vextq_u64::<1>(cd, ef));
    stream.ab = vsha512h2q_u64(t1, cd, ab);
    stream.cd = ab;
    stream.ef = vaddq_u64(cd, t1);
    stream.gh = ef;
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads through a pointer")]
fn load_words(words: &[u64; 2]) -> uint64x2_t {
    // SAFETY: `words` is sixteen readable bytes; the load asks for no more than their alignment.
    unsafe { vld1q_u64(words.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads through a pointer")]
fn load_message(block: &[u8; 128]) -> [uint64x2_t; 8] {
    let at = block.as_ptr();
    core::array::from_fn(|i| {
        // SAFETY: `i` is below eight, so that the last load of sixteen bytes ends where the 128
        // readable bytes of `block` end; a load of bytes asks for no alignment.
        let bytes = unsafe { vld1q_u8(at.add(16 * i)) };
        vreinterpretq_u64_u8(vrev64q_u8(bytes))
    })
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "loads through a pointer")]
fn load_state(state: &[u64; 8]) -> [uint64x2_t; 4] {
    let at = state.as_ptr();
    // SAFETY: four loads of two words each read exactly the eight words of `state`.
    unsafe {
        [
            vld1q_u64(at),
            vld1q_u64(at.add(2)),
            vld1q_u64(at.add(4)),
            vld1q_u64(at.add(6)),
        ]
    }
}

#[inline]
#[target_feature(enable = "neon")]
#[expect(unsafe_code, reason = "stores through a pointer")]
fn store_state(state: &mut [u64; 8], [ab, cd, ef, gh]: [uint64x2_t; 4]) {
    let at = state.as_mut_ptr();
    // SAFETY: four stores of two words each write exactly the eight words of `state`, which is
    // borrowed for writing.
    unsafe {
        vst1q_u64(at, ab);
        vst1q_u64(at.add(2), cd);
        vst1q_u64(at.add(4), ef);
        vst1q_u64(at.add(6), gh);
    }
}
