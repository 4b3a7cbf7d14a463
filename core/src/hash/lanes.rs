//! Feeds inputs of any lengths to a kernel that works on several messages at once.
//! Invariant: a lane gets the next input the moment its own ends; lanes in use are the first ones.
//! Byte order: the padding of FIPS 180-4 5.1, its length big-endian; digests big-endian.
#![cfg_attr(
    not(test),
    expect(
        clippy::indexing_slicing,
        reason = "lane numbers are below LANES by construction"
    )
)]

/// Where the digests go: one slot of `width` bytes for each input, one after another.
pub(super) struct DigestSlots<'a> {
    bytes: &'a mut [u8],
    width: usize,
}

impl<'a> DigestSlots<'a> {
    /// Slots of `width` bytes.
    pub(super) fn new(bytes: &'a mut [u8], width: usize) -> Self {
        Self { bytes, width }
    }

    fn put<W: Word>(&mut self, index: usize, state: &[W; 8]) {
        let slot = self.bytes.chunks_exact_mut(self.width).nth(index);
        for (bytes, word) in slot
            .into_iter()
            .flat_map(|s| s.chunks_exact_mut(W::LEN))
            .zip(state)
        {
            word.put(bytes);
        }
    }
}

/// A word of SHA-2: 32 bits, or 64 for SHA-384 and SHA-512.
pub(super) trait Word: Copy {
    /// Bytes in a word.
    const LEN: usize;
    /// Bytes in a block.
    const BLOCK: usize = Self::LEN * 16;
    /// Bytes that padding takes at least: the mark and the length.
    const PADDING: usize = 1 + Self::LEN * 2;
    /// Writes the word big-endian.
    fn put(self, bytes: &mut [u8]);
}

impl Word for u32 {
    const LEN: usize = 4;

    fn put(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.to_be_bytes());
    }
}

impl Word for u64 {
    const LEN: usize = 8;

    fn put(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.to_be_bytes());
    }
}

/// The chaining values of all lanes, in the order that suits a kernel.
pub(super) trait LaneStates<W, const LANES: usize> {
    /// Replaces the state of one lane.
    fn set(&mut self, lane: usize, state: &[W; 8]);
    /// The state of one lane.
    fn get(&self, lane: usize) -> [W; 8];
}

/// The eight words of a lane together.
pub(super) struct LaneMajor<W, const LANES: usize>(pub(super) [[W; 8]; LANES]);

impl<W: Copy, const LANES: usize> LaneStates<W, LANES> for LaneMajor<W, LANES> {
    fn set(&mut self, lane: usize, state: &[W; 8]) {
        self.0[lane] = *state;
    }

    fn get(&self, lane: usize) -> [W; 8] {
        self.0[lane]
    }
}

/// The same word of all lanes together: what vectors load.
#[cfg_attr(
    not(any(test, target_arch = "x86_64")),
    expect(dead_code, reason = "for vectors only")
)]
#[repr(align(64))]
pub(super) struct WordMajor<W, const LANES: usize>(pub(super) [[W; LANES]; 8]);

#[cfg(any(test, target_arch = "x86_64"))]
impl<W: Copy, const LANES: usize> LaneStates<W, LANES> for WordMajor<W, LANES> {
    fn set(&mut self, lane: usize, state: &[W; 8]) {
        for (row, word) in self.0.iter_mut().zip(state) {
            row[lane] = *word;
        }
    }

    fn get(&self, lane: usize) -> [W; 8] {
        self.0.map(|row| row[lane])
    }
}

/// Room for the padded end of a message: two blocks of the larger size.
const TAIL_BYTES: usize = 256;

/// One message on its way: whole blocks of the input itself, then its padded end.
#[derive(Clone, Copy)]
struct Lane<'a> {
    index: usize,
    body: &'a [u8],
    tail_at: usize,
    tail_end: usize,
}

impl<'a> Lane<'a> {
    fn start<W: Word>(index: usize, input: &'a [u8], tail: &mut [u8; TAIL_BYTES]) -> Self {
        let (body, rest) = input.split_at(input.len() - input.len() % W::BLOCK);
        let tail_end = (rest.len() + W::PADDING).next_multiple_of(W::BLOCK);
        tail[..rest.len()].copy_from_slice(rest);
        tail[rest.len()] = 0x80;
        tail[rest.len() + 1..tail_end - 8].fill(0);
        // A slice has at most isize::MAX bytes: its bits fit into 67 bits, so the ninth byte from
        // the end matters for the widest field alone, and no memory holds such an input.
        tail[tail_end - 8..tail_end]
            .copy_from_slice(&(input.len() as u64).wrapping_mul(8).to_be_bytes());
        Self {
            index,
            body,
            tail_at: 0,
            tail_end,
        }
    }

    /// Bytes that can be compressed in one go.
    fn contiguous(&self) -> usize {
        if self.body.is_empty() {
            self.tail_end - self.tail_at
        } else {
            self.body.len()
        }
    }

    fn is_done(&self) -> bool {
        self.body.is_empty() && self.tail_at == self.tail_end
    }
}

/// How many of the last inputs are taken longest first.
const ORDERED: usize = 64;

/// The order in which inputs are taken: as they come, but the last ones by falling length, so that
/// the lanes end together.
struct Order {
    next: usize,
    ordered_from: usize,
    ordered: [u8; ORDERED],
    len: usize,
}

impl Order {
    fn of(inputs: &[&[u8]], lanes: usize) -> Self {
        let ordered_from = inputs.len().saturating_sub(ORDERED);
        let mut ordered = [0; ORDERED];
        for (number, slot) in (0..).zip(&mut ordered) {
            *slot = number;
        }
        let last = &inputs[ordered_from..];
        if last.len() > lanes && !last.iter().is_sorted_by(|a, b| a.len() >= b.len()) {
            ordered[..last.len()]
                .sort_unstable_by_key(|&i| (core::cmp::Reverse(last[usize::from(i)].len()), i));
        }
        Self {
            next: 0,
            ordered_from,
            ordered,
            len: inputs.len(),
        }
    }
}

impl Iterator for Order {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.next == self.len {
            return None;
        }
        let index = match self.next.checked_sub(self.ordered_from) {
            None => self.next,
            Some(place) => self.ordered_from + usize::from(self.ordered[place]),
        };
        self.next += 1;
        Some(index)
    }
}

/// Hashes every input. `run(states, blocks)` compresses `blocks[lane]` into lane `lane` for all
/// lanes that `blocks` names; they are whole blocks, equally many and at least one in each lane.
#[inline]
pub(super) fn drive<const LANES: usize, W: Word, S>(
    iv: &[W; 8],
    inputs: &[&[u8]],
    mut out: DigestSlots<'_>,
    states: &mut S,
    mut run: impl FnMut(&mut S, &[&[u8]]),
) where
    S: LaneStates<W, LANES>,
{
    let mut tails = [[0; TAIL_BYTES]; LANES];
    let mut lanes: [Lane<'_>; LANES] = [Lane {
        index: 0,
        body: &[],
        tail_at: 0,
        tail_end: 0,
    }; LANES];
    let mut order = Order::of(inputs, LANES);
    let mut active = 0;
    for index in order.by_ref().take(LANES) {
        lanes[active] = Lane::start::<W>(index, inputs[index], &mut tails[active]);
        states.set(active, iv);
        active += 1;
    }
    while active > 0 {
        let step = lanes[..active]
            .iter()
            .map(Lane::contiguous)
            .min()
            .unwrap_or(0);
        let mut blocks: [&[u8]; LANES] = [&[]; LANES];
        for ((slot, lane), tail) in blocks.iter_mut().zip(&mut lanes[..active]).zip(&tails) {
            if lane.body.is_empty() {
                *slot = &tail[lane.tail_at..lane.tail_at + step];
                lane.tail_at += step;
            } else {
                (*slot, lane.body) = lane.body.split_at(step);
            }
        }
        run(states, &blocks[..active]);

        let mut lane = 0;
        while lane < active {
            if !lanes[lane].is_done() {
                lane += 1;
                continue;
            }
            out.put(lanes[lane].index, &states.get(lane));
            if let Some(index) = order.next() {
                lanes[lane] = Lane::start::<W>(index, inputs[index], &mut tails[lane]);
                states.set(lane, iv);
                lane += 1;
            } else {
                active -= 1;
                let moved = states.get(active);
                states.set(lane, &moved);
                lanes[lane] = lanes[active];
                tails[lane] = tails[active];
            }
        }
    }
}
