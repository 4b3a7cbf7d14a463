//! The kernel of CBC encryption: a step encrypts the next block of every lane (SP 800-38A 6.2).
//! Invariant: a lane is a column of the table, and no step mixes columns.
//! Byte order: a message is a string of bytes.

use core::arch::x86_64::__m128i;
use core::{ptr, slice};

use zeroize::Zeroize;

use super::schedule::{ROUND_KEYS, Schedule, parts, zero};
use super::wide::Wide;
use crate::cipher::BLOCK_LEN;

/// The most messages that any kernel works on at once.
pub(super) const MAX_LANES: usize = 16;

/// What a kernel reads and writes: for each lane a round key per round, the chaining value and
/// the place of the next block.
pub(super) struct Table<W: Wide, const V: usize> {
    keys: [[W; V]; ROUND_KEYS],
    chain: [W; V],
    at: [*mut u8; MAX_LANES],
}

impl<W: Wide, const V: usize> Table<W, V> {
    /// How many lanes the registers have.
    pub(super) const LANES: usize = {
        assert!(V * W::LANES <= MAX_LANES && size_of::<W>() == W::LANES * BLOCK_LEN);
        V * W::LANES
    };

    /// # Safety
    ///
    /// The processor has the instructions of `W`.
    #[inline(always)]
    pub(super) unsafe fn new() -> Self {
        // SAFETY: as promised by the caller.
        let zero = unsafe { W::splat(zero()) };
        Self {
            keys: [[zero; V]; ROUND_KEYS],
            chain: [zero; V],
            at: [ptr::null_mut(); MAX_LANES],
        }
    }

    /// Gives a lane to a message that goes on at `at`, after the ciphertext block `chain`.
    #[inline(always)]
    pub(super) fn seat(&mut self, lane: usize, schedule: &Schedule, chain: __m128i, at: *mut u8) {
        for (row, key) in self.keys.iter_mut().zip(&schedule.keys) {
            put(row, lane, *key);
        }
        put(&mut self.chain, lane, chain);
        if let Some(place) = self.at.get_mut(lane) {
            *place = at;
        }
    }

    /// Moves a lane on to `at`, and gives the last ciphertext block before it.
    #[inline(always)]
    pub(super) fn move_to(&mut self, lane: usize, at: *mut u8) -> Option<__m128i> {
        *self.at.get_mut(lane)? = at;
        lanes_of(&mut self.chain).get(lane).copied()
    }

    /// Makes a lane do what another one does.
    #[inline(always)]
    pub(super) fn repeat(&mut self, lane: usize, leader: usize) {
        for row in self.keys.iter_mut().chain([&mut self.chain]) {
            let lanes = lanes_of(row);
            if lanes.len() > lane.max(leader) {
                lanes.copy_within(leader..=leader, lane);
            }
        }
        if self.at.len() > lane.max(leader) {
            self.at.copy_within(leader..=leader, lane);
        }
    }

    /// Encrypts the next `steps` blocks of every lane. Leaves the pointers as they are.
    ///
    /// Round keys are read where they are needed, which costs a load for each: a lane has its
    /// own. Those of `HELD` rounds stay in registers, for processors that have enough of them.
    /// Lanes are counted, not zipped: `zip` stays a call where a crate is compiled in several
    /// units, and the states would go through memory for it.
    ///
    /// # Safety
    ///
    /// The processor has the instructions of `W`. Each of the first `LANES` pointers of `at` is
    /// valid for reading and writing `steps` blocks, which no other lane touches, unless that
    /// lane has the same pointer, chaining value and round keys.
    #[inline(always)]
    #[cfg_attr(
        not(test),
        expect(
            clippy::indexing_slicing,
            reason = "`v` is below `V`, the length of every array here"
        )
    )]
    pub(super) unsafe fn run<const HELD: usize>(&mut self, rounds: usize, steps: usize) {
        let (first, nine, extra, last) = parts(&self.keys, rounds);
        let Some(held) = nine.first_chunk::<HELD>() else {
            unreachable!("no kernel holds more than nine rounds")
        };
        // Copied, so that no store to a message can make the compiler read them again.
        let (first, held) = (*first, *held);
        let at = self.at.as_ptr();
        let mut state = self.chain;
        for step in 0..steps {
            let offset = step * BLOCK_LEN;
            // SAFETY: the caller promises the instructions, and that the pointers of all lanes
            // are valid at this offset. Lanes that share a pointer read before either writes,
            // and write the same.
            unsafe {
                for v in 0..V {
                    let plaintext = W::gather(at.add(v * W::LANES), offset);
                    state[v] = state[v].xor(plaintext.xor(first[v]));
                }
                for (round, keys) in nine.iter().enumerate() {
                    let keys = held.get(round).unwrap_or(keys);
                    for v in 0..V {
                        state[v] = state[v].encrypt(keys[v]);
                    }
                }
                for keys in extra {
                    for v in 0..V {
                        state[v] = state[v].encrypt(keys[v]);
                    }
                }
                for v in 0..V {
                    state[v] = state[v].encrypt_last(last[v]);
                }
                for (v, x) in state.iter().enumerate() {
                    x.scatter(at.add(v * W::LANES), offset);
                }
            }
        }
        self.chain = state;
    }
}

impl<W: Wide, const V: usize> Drop for Table<W, V> {
    fn drop(&mut self) {
        self.keys
            .iter_mut()
            .for_each(|row| lanes_of(row).iter_mut().zeroize());
    }
}

/// The blocks in the lanes of some registers.
#[inline(always)]
fn lanes_of<W: Wide, const V: usize>(row: &mut [W; V]) -> &mut [__m128i] {
    // SAFETY: a register is LANES blocks without padding, aligned at least as they are, and any
    // bytes are a valid block.
    unsafe { slice::from_raw_parts_mut(row.as_mut_ptr().cast(), V * W::LANES) }
}

#[inline(always)]
fn put<W: Wide, const V: usize>(row: &mut [W; V], lane: usize, value: __m128i) {
    if let Some(place) = lanes_of(row).get_mut(lane) {
        *place = value;
    }
}
