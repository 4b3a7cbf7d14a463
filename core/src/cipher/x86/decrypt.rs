//! CBC decryption of one message, many of its blocks at once (NIST SP 800-38A 6.2).
//! Invariant: every ciphertext block is read before the plaintext of any block covers it.
//! Byte order: a message is a string of bytes.

use core::arch::x86_64::__m128i;

use super::schedule::{Schedule, parts};
use super::wide::{Wide, block};
use crate::cipher::BLOCK_LEN;
use crate::cipher::job::Job;

/// What is left of a message.
pub(super) struct Rest<'b> {
    blocks: &'b mut [[u8; BLOCK_LEN]],
    /// The ciphertext block before it, at first the initialization vector.
    chain: __m128i,
}

impl<'b> Rest<'b> {
    pub(super) fn of(job: &mut Job<'b>) -> Self {
        // SAFETY: the initialization vector has the length of a block.
        let chain = unsafe { block(job.iv().as_ptr(), 0) };
        Self {
            blocks: job.take_blocks(),
            chain,
        }
    }
}

/// Decrypts as many whole batches of `V` registers as `rest` holds, and leaves what is left.
///
/// # Safety
///
/// The processor has the instructions of `W`.
// Loops and no `map`: that stays a call where a crate is compiled in several units, and its
// closures do not have the instructions.
#[inline(always)]
pub(super) unsafe fn batches<W: Wide, const V: usize>(rest: &mut Rest<'_>, schedule: &Schedule) {
    let batch = V * W::LANES;
    let (first, nine, extra, last) = parts(&schedule.keys, schedule.rounds);
    while rest.blocks.len() >= batch {
        let (now, later) = core::mem::take(&mut rest.blocks).split_at_mut(batch);
        rest.blocks = later;
        let at = now.as_mut_ptr().cast::<u8>();
        // SAFETY: the caller promises the instructions. All pointers stay within `now`: register
        // v covers the blocks from v * LANES on, and what lies behind the first is read for v > 0.
        unsafe {
            let mut state = [W::splat(*first); V];
            for (v, x) in state.iter_mut().enumerate() {
                *x = W::load(at.add(v * W::LANES * BLOCK_LEN)).xor(*x);
            }
            for key in nine {
                let key = W::splat(*key);
                for x in &mut state {
                    *x = x.decrypt(key);
                }
            }
            for key in extra {
                let key = W::splat(*key);
                for x in &mut state {
                    *x = x.decrypt(key);
                }
            }
            let last = W::splat(*last);
            let chain = block(at, (batch - 1) * BLOCK_LEN);
            // From the last register to the first, as each needs the ciphertext before it.
            for (v, x) in state.into_iter().enumerate().rev() {
                let to = at.add(v * W::LANES * BLOCK_LEN);
                let before = if v == 0 {
                    W::behind(rest.chain, to)
                } else {
                    W::load(to.sub(BLOCK_LEN))
                };
                x.decrypt_last(last.xor(before)).store(to);
            }
            rest.chain = chain;
        }
    }
}
