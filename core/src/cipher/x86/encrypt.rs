//! CBC encryption of many messages at once, a lane of a register for each (NIST SP 800-38A 6.2).
//! Invariant: every lane works for one message, or repeats bit for bit what another lane does.
//! Byte order: a message is a string of bytes.

use core::arch::x86_64::__m128i;
use core::marker::PhantomData;
use core::{ptr, slice};

use zeroize::Zeroize;

use super::schedule::{ROUND_KEYS, Schedule, parts, zero};
use super::wide::{Wide, block};
use crate::cipher::job::{EncryptJob, Job};
use crate::cipher::{BLOCK_LEN, BlockCipher, CbcKey};

/// The most messages that any kernel works on at once.
const MAX_LANES: usize = 16;

/// A message on its way through the lanes.
struct Message<'b> {
    key: &'b CbcKey,
    /// The block to encrypt next, with `blocks` of them up to the end of the buffer.
    at: *mut u8,
    blocks: usize,
    /// The ciphertext block before `at`, at first the initialization vector.
    chain: __m128i,
    buffer: PhantomData<&'b mut [u8]>,
}

impl<'b> Message<'b> {
    fn new(job: &mut Job<'b>) -> Self {
        let blocks = job.take_blocks();
        Self {
            key: job.key(),
            at: blocks.as_mut_ptr().cast(),
            blocks: blocks.len(),
            // SAFETY: the initialization vector has the length of a block.
            chain: unsafe { block(job.iv().as_ptr(), 0) },
            buffer: PhantomData,
        }
    }
}

/// The messages of one algorithm: those that have not begun, and those that have not ended.
pub(super) struct Queue<'j, 'b> {
    jobs: slice::IterMut<'j, EncryptJob<'b>>,
    algorithm: BlockCipher,
    lanes: [Option<Message<'b>>; MAX_LANES],
}

impl<'j, 'b> Queue<'j, 'b> {
    pub(super) fn new(jobs: &'j mut [EncryptJob<'b>], algorithm: BlockCipher) -> Self {
        Self {
            jobs: jobs.iter_mut(),
            algorithm,
            lanes: [const { None }; MAX_LANES],
        }
    }

    /// Moves the messages to the lowest lanes, begins others in up to `count` lanes, and says how
    /// many there are then.
    fn fill(&mut self, count: usize) -> usize {
        self.lanes.sort_by_key(Option::is_none);
        for lane in self
            .lanes
            .iter_mut()
            .take(count)
            .filter(|lane| lane.is_none())
        {
            *lane = begin(&mut self.jobs, self.algorithm);
        }
        self.lanes.iter().flatten().count()
    }
}

/// Takes the next message of an algorithm that has anything to encrypt.
fn begin<'b>(
    jobs: &mut slice::IterMut<'_, EncryptJob<'b>>,
    algorithm: BlockCipher,
) -> Option<Message<'b>> {
    jobs.map(EncryptJob::inner)
        .find(|job| job.algorithm() == algorithm && !job.is_empty())
        .map(Message::new)
}

/// What a kernel reads and writes: for each lane a round key per round, the chaining value and
/// the place of the next block.
struct Table<W: Wide, const V: usize> {
    keys: [[W; V]; ROUND_KEYS],
    chain: [W; V],
    at: [*mut u8; MAX_LANES],
}

impl<W: Wide, const V: usize> Table<W, V> {
    const LANES: usize = {
        assert!(V * W::LANES <= MAX_LANES && size_of::<W>() == W::LANES * BLOCK_LEN);
        V * W::LANES
    };

    /// # Safety
    ///
    /// The processor has the instructions of `W`.
    #[inline(always)]
    unsafe fn new() -> Self {
        // SAFETY: as promised by the caller.
        let zero = unsafe { W::splat(zero()) };
        Self {
            keys: [[zero; V]; ROUND_KEYS],
            chain: [zero; V],
            at: [ptr::null_mut(); MAX_LANES],
        }
    }

    /// Gives a lane to a message.
    ///
    /// # Safety
    ///
    /// The processor has `aes`.
    #[inline(always)]
    unsafe fn seat(&mut self, lane: usize, message: &Message<'_>) {
        // SAFETY: as promised by the caller.
        let schedule = unsafe { Schedule::encryption(message.key.material()) };
        for (row, key) in self.keys.iter_mut().zip(&schedule.keys) {
            put(row, lane, *key);
        }
        put(&mut self.chain, lane, message.chain);
        if let Some(at) = self.at.get_mut(lane) {
            *at = message.at;
        }
    }

    /// Moves a lane on to `at`, and gives the last ciphertext block before it.
    #[inline(always)]
    fn advance(&mut self, lane: usize, at: *mut u8) -> Option<__m128i> {
        *self.at.get_mut(lane)? = at;
        lanes_of(&mut self.chain).get(lane).copied()
    }

    /// Makes a lane do what another one does.
    #[inline(always)]
    fn repeat(&mut self, lane: usize, leader: usize) {
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

    /// Encrypts the next `steps` blocks of every lane.
    ///
    /// # Safety
    ///
    /// The processor has the instructions of `W`. Each of the first `LANES` pointers of `at` is
    /// valid for reading and writing `steps` blocks, which no other lane touches, unless that
    /// lane has the same pointer, chaining value and round keys.
    #[inline(always)]
    unsafe fn run(&mut self, rounds: usize, steps: usize) {
        let Some((first, nine, extra, last)) = parts(&self.keys, rounds) else {
            return;
        };
        let at = self.at.as_ptr();
        let mut state = self.chain;
        for step in 0..steps {
            let offset = step * BLOCK_LEN;
            // SAFETY: the caller promises the instructions, and that the pointers of all lanes
            // are valid at this offset. Lanes that share a pointer read before either writes,
            // and write the same.
            unsafe {
                for (v, (x, key)) in state.iter_mut().zip(first).enumerate() {
                    let plaintext = W::gather(at.add(v * W::LANES), offset);
                    *x = x.xor(plaintext.xor(*key));
                }
                for keys in nine {
                    for (x, key) in state.iter_mut().zip(keys) {
                        *x = x.encrypt(*key);
                    }
                }
                for keys in extra {
                    for (x, key) in state.iter_mut().zip(keys) {
                        *x = x.encrypt(*key);
                    }
                }
                for (x, key) in state.iter_mut().zip(last) {
                    *x = x.encrypt_last(*key);
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

/// Encrypts messages of the queue with `V` registers, until it is empty or half as many registers
/// would do.
///
/// # Safety
///
/// The processor has `aes` and the instructions of `W`.
#[inline(always)]
pub(super) unsafe fn messages<W: Wide, const V: usize>(queue: &mut Queue<'_, '_>) {
    let count = Table::<W, V>::LANES;
    let mut busy = queue.fill(count);
    if busy <= count / 2 {
        return;
    }
    let Queue {
        jobs,
        algorithm,
        lanes,
    } = queue;
    let Some((lanes, _)) = lanes.split_at_mut_checked(count) else {
        return;
    };
    let rounds = algorithm.rounds();
    // SAFETY: as promised by the caller.
    let mut table = unsafe { Table::<W, V>::new() };
    for (lane, message) in lanes.iter().flatten().enumerate() {
        // SAFETY: as promised by the caller.
        unsafe { table.seat(lane, message) };
    }
    while busy > count / 2 {
        let Some(leader) = lanes.iter().position(Option::is_some) else {
            break;
        };
        for (lane, message) in lanes.iter().enumerate() {
            if message.is_none() {
                table.repeat(lane, leader);
            }
        }
        let steps = lanes
            .iter()
            .flatten()
            .map(|message| message.blocks)
            .min()
            .unwrap_or(0);
        // SAFETY: every lane has the pointer of a message with at least `steps` blocks left.
        // Messages have buffers of their own, and a lane without a message repeats the leader.
        unsafe { table.run(rounds, steps) };
        for (lane, seat) in lanes.iter_mut().enumerate() {
            let Some(message) = seat else { continue };
            if message.blocks == steps {
                *seat = begin(jobs, *algorithm);
                match seat {
                    // SAFETY: as promised by the caller.
                    Some(message) => unsafe { table.seat(lane, message) },
                    None => busy -= 1,
                }
            } else {
                message.blocks -= steps;
                // SAFETY: that many blocks further is still inside of the buffer.
                message.at = unsafe { message.at.add(steps * BLOCK_LEN) };
                if let Some(chain) = table.advance(lane, message.at) {
                    message.chain = chain;
                }
            }
        }
    }
}
