//! CBC encryption of many messages at once, a lane of a register for each (NIST SP 800-38A 6.2).
//! Invariant: every lane works for one message, or repeats bit for bit what another lane does.
//! Byte order: a message is a string of bytes.

use core::arch::x86_64::__m128i;
use core::marker::PhantomData;
use core::slice;

use super::schedule::Schedule;
use super::table::{MAX_LANES, Table};
use super::wide::{Wide, block};
use crate::cipher::job::{EncryptJob, Job};
use crate::cipher::{BLOCK_LEN, BlockCipher, CbcKey};

/// The cache of every processor that this code runs on puts addresses that agree in these lines
/// of 64 bytes into the same place, which holds eight to twelve of them.
const LINES: usize = 64;
const LINE_LEN: usize = 64;
const BLOCKS_OF_LINE: usize = LINE_LEN / BLOCK_LEN;

/// How many messages may go through the same place of the cache at the same time.
const SHARERS: usize = 2;

/// A message of fewer blocks does not wait for others: waiting would cost more than it saves.
const BLOCKS_WORTH_A_WAIT: usize = 1024;

/// A message on its way through the lanes.
struct Message<'b> {
    key: &'b CbcKey,
    /// The block to encrypt next, with `blocks` of them up to the end of the buffer.
    at: *mut u8,
    blocks: usize,
    /// The ciphertext block before `at`, at first the initialization vector.
    chain: __m128i,
    /// How many blocks the other messages encrypt before this one goes on.
    wait: usize,
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
            wait: 0,
            buffer: PhantomData,
        }
    }

    /// The line of the cache where this message would be now, had it not waited.
    fn line(&self) -> usize {
        (self.at.addr() / LINE_LEN).wrapping_sub(self.wait / BLOCKS_OF_LINE) % LINES
    }
}

/// The messages of one algorithm: those that have not begun, and those that have not ended.
pub(super) struct Queue<'j, 'b> {
    jobs: slice::IterMut<'j, EncryptJob<'b>>,
    algorithm: BlockCipher,
    begun: [Option<Message<'b>>; MAX_LANES],
}

impl<'j, 'b> Queue<'j, 'b> {
    pub(super) fn new(jobs: &'j mut [EncryptJob<'b>], algorithm: BlockCipher) -> Self {
        Self {
            jobs: jobs.iter_mut(),
            algorithm,
            begun: [const { None }; MAX_LANES],
        }
    }

    fn holds_more_than(&self, count: usize) -> bool {
        let begun = self.begun.iter().flatten().map(|_| ());
        let jobs = self
            .jobs
            .as_slice()
            .iter()
            .filter(|job| job.has_blocks_for(self.algorithm));
        begun.chain(jobs.map(|_| ())).nth(count).is_some()
    }

    fn next(&mut self) -> Option<Message<'b>> {
        self.begun.iter_mut().find_map(Option::take).or_else(|| {
            let job = self.jobs.find(|job| job.has_blocks_for(self.algorithm))?;
            Some(Message::new(job.inner()))
        })
    }

    /// Takes back a message that has not ended. Whom it waits for is up to its next lanes.
    fn put_back(&mut self, mut message: Message<'b>) {
        message.wait = 0;
        if let Some(place) = self.begun.iter_mut().find(|place| place.is_none()) {
            *place = Some(message);
        }
    }
}

/// The messages in the lanes of a kernel. A lane without one, or whose message waits, repeats
/// what the lane of a message does.
struct Lanes<'b, W: Wide, const V: usize> {
    messages: [Option<Message<'b>>; MAX_LANES],
    table: Table<W, V>,
}

impl<'b, W: Wide, const V: usize> Lanes<'b, W, V> {
    /// # Safety
    ///
    /// The processor has the instructions of `W`.
    #[inline(always)]
    unsafe fn new() -> Self {
        // SAFETY: as promised by the caller.
        let table = unsafe { Table::new() };
        Self {
            messages: [const { None }; MAX_LANES],
            table,
        }
    }

    /// Gives the free lanes to messages from the queue, and says how many lanes have one then.
    ///
    /// # Safety
    ///
    /// The processor has `aes`.
    #[inline(always)]
    unsafe fn fill(&mut self, queue: &mut Queue<'_, 'b>) -> usize {
        for lane in 0..Table::<W, V>::LANES {
            if self.messages.get(lane).is_some_and(Option::is_none) {
                let Some(mut message) = queue.next() else {
                    break;
                };
                message.wait = self.wait_of(&message);
                if message.wait == 0 {
                    // SAFETY: as promised by the caller.
                    unsafe { seat(&mut self.table, lane, &message) };
                }
                if let Some(place) = self.messages.get_mut(lane) {
                    *place = Some(message);
                }
            }
        }
        self.messages.iter().flatten().count()
    }

    /// How long a message has to wait, so that no more than [`SHARERS`] go through the same
    /// places of the cache together. Buffers that lie a multiple of 4 KiB apart, as allocators
    /// like them, would all do so, and drive each other out at every step.
    fn wait_of(&self, message: &Message<'b>) -> usize {
        if message.blocks < BLOCKS_WORTH_A_WAIT {
            return 0;
        }
        let free = |wait: &usize| {
            let line = message.line().wrapping_sub(wait / BLOCKS_OF_LINE) % LINES;
            self.messages
                .iter()
                .flatten()
                .filter(|other| other.line() == line)
                .count()
                < SHARERS
        };
        (0..LINES)
            .map(|lines| lines * BLOCKS_OF_LINE)
            .find(free)
            .unwrap_or(0)
    }

    /// Encrypts until a message ends or one has waited long enough.
    ///
    /// # Safety
    ///
    /// The processor has `aes` and the instructions of `W`.
    #[inline(always)]
    unsafe fn advance<const HELD: usize>(&mut self, rounds: usize) {
        let Self { messages, table } = self;
        let until = |m: &Message<'_>| if m.wait == 0 { m.blocks } else { m.wait };
        let Some(steps) = messages.iter().flatten().map(until).min() else {
            return;
        };
        let works = |place: &Option<Message<'_>>| place.as_ref().is_some_and(|m| m.wait == 0);
        // There is none when those that the others waited for have ended before.
        if let Some(leader) = messages.iter().position(works) {
            for (lane, place) in messages.iter().enumerate() {
                if !works(place) {
                    table.repeat(lane, leader);
                }
            }
            // SAFETY: every lane has the pointer of a message with at least `steps` blocks left.
            // Messages have buffers of their own, and a lane that has none of its own repeats
            // all of the leader's.
            unsafe { table.run::<HELD>(rounds, steps) };
        }
        for (lane, place) in messages.iter_mut().enumerate() {
            match place {
                Some(message) if message.wait > 0 => {
                    message.wait -= steps;
                    if message.wait == 0 {
                        // SAFETY: as promised by the caller.
                        unsafe { seat(table, lane, message) };
                    }
                }
                Some(message) => {
                    message.blocks -= steps;
                    // SAFETY: that many blocks further is inside of the buffer or at its end.
                    message.at = unsafe { message.at.add(steps * BLOCK_LEN) };
                    if let Some(chain) = table.move_to(lane, message.at) {
                        message.chain = chain;
                    }
                    if message.blocks == 0 {
                        *place = None;
                    }
                }
                None => {}
            }
        }
    }
}

/// # Safety
///
/// The processor has `aes`.
#[inline(always)]
unsafe fn seat<W: Wide, const V: usize>(
    table: &mut Table<W, V>,
    lane: usize,
    message: &Message<'_>,
) {
    // SAFETY: as promised by the caller.
    let schedule = unsafe { Schedule::encryption(message.key.material()) };
    table.seat(lane, &schedule, message.chain, message.at);
}

/// Encrypts messages of the queue with `V` registers, as long as it holds more than `few`: those
/// are left to a kernel of fewer registers.
///
/// # Safety
///
/// The processor has `aes` and the instructions of `W`.
#[inline(always)]
pub(super) unsafe fn messages<W: Wide, const V: usize, const HELD: usize>(
    queue: &mut Queue<'_, '_>,
    few: usize,
) {
    if !queue.holds_more_than(few) {
        return;
    }
    // SAFETY: as promised by the caller.
    unsafe {
        let mut lanes = Lanes::<W, V>::new();
        while lanes.fill(queue) > few {
            lanes.advance::<HELD>(queue.algorithm.rounds());
        }
        for message in lanes.messages.iter_mut().filter_map(Option::take) {
            queue.put_back(message);
        }
    }
}
