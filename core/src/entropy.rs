//! Randomness as the machines know it: a stream that follows from a seed, one for each purpose.
//! Invariant: the same seed and purpose give the same numbers in every release; the generator is ChaCha20 (RFC 8439).
//! Byte order: words of the key stream little-endian, as RFC 8439 has them.

use core::fmt;

use zeroize::ZeroizeOnDrop;

/// What the numbers are for. Streams of different purposes never influence each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
#[non_exhaustive]
pub enum Purpose {
    /// Initialisation vectors of encrypted blocks.
    Iv = 1,
    /// Message and instance identifiers.
    Uuid = 2,
    /// How long to wait before an answer.
    Backoff = 3,
    /// Whether to answer at all.
    Suppression = 4,
    /// In which order blocks are fetched and peers are asked.
    Order = 5,
    /// What tests do to messages on their way.
    Faults = 6,
}

/// A stream of numbers that follows from its seed.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Entropy {
    state: [u32; 16],
    block: [u8; 64],
    used: usize,
}

impl Entropy {
    /// The stream of a seed for a purpose.
    #[must_use]
    pub fn new(seed: &[u8; 32], purpose: Purpose) -> Self {
        let mut state = [0; 16];
        let (constants, rest) = state.split_at_mut(4);
        constants.copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
        let (words, _) = seed.as_chunks::<4>();
        rest.iter_mut()
            .zip(words)
            .for_each(|(to, word)| *to = u32::from_le_bytes(*word));
        // Words 12 and 13 count blocks, 14 tells the purpose.
        let [.., purpose_word, _] = &mut state;
        *purpose_word = purpose as u32;
        Self {
            state,
            block: [0; 64],
            used: 64,
        }
    }

    /// The stream of a small seed, for tests and simulations.
    #[must_use]
    pub fn from_u64(seed: u64, purpose: Purpose) -> Self {
        let mut bytes = [0; 32];
        bytes
            .iter_mut()
            .zip(seed.to_le_bytes())
            .for_each(|(to, byte)| *to = byte);
        Self::new(&bytes, purpose)
    }

    /// Fills `bytes` with the next of the stream.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for to in bytes {
            if self.used == self.block.len() {
                self.block = key_stream_block(&self.state);
                self.used = 0;
                self.advance();
            }
            *to = self.block.get(self.used).copied().unwrap_or_default();
            self.used += 1;
        }
    }

    fn advance(&mut self) {
        let [.., low, high, _, _] = &mut self.state;
        *low = low.wrapping_add(1);
        *high = high.wrapping_add(u32::from(*low == 0));
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    /// A number from 0 to `bound - 1`, each as likely as the other; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // The last, incomplete run of numbers would favour the low ones.
        let fair = u64::MAX - u64::MAX % bound;
        loop {
            let number = self.next_u64();
            if number < fair {
                return number % bound;
            }
        }
    }

    /// Whether something of probability `per_mille / 1000` happens.
    pub fn happens(&mut self, per_mille: u32) -> bool {
        self.below(1000) < u64::from(per_mille)
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(hidden)")
    }
}

fn key_stream_block(input: &[u32; 16]) -> [u8; 64] {
    let mut s = *input;
    for _ in 0..10 {
        quarter_round(&mut s, [0, 4, 8, 12]);
        quarter_round(&mut s, [1, 5, 9, 13]);
        quarter_round(&mut s, [2, 6, 10, 14]);
        quarter_round(&mut s, [3, 7, 11, 15]);
        quarter_round(&mut s, [0, 5, 10, 15]);
        quarter_round(&mut s, [1, 6, 11, 12]);
        quarter_round(&mut s, [2, 7, 8, 13]);
        quarter_round(&mut s, [3, 4, 9, 14]);
    }
    let mut bytes = [0; 64];
    let (words, _) = bytes.as_chunks_mut::<4>();
    for ((to, word), start) in words.iter_mut().zip(s).zip(input) {
        *to = word.wrapping_add(*start).to_le_bytes();
    }
    bytes
}

fn quarter_round(s: &mut [u32; 16], places: [usize; 4]) {
    let Ok([a, b, c, d]) = s.get_disjoint_mut(places) else {
        return;
    };
    for (first, second) in [(16, 12), (8, 7)] {
        *a = a.wrapping_add(*b);
        *d = (*d ^ *a).rotate_left(first);
        *c = c.wrapping_add(*d);
        *b = (*b ^ *c).rotate_left(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stream_is_that_of_rfc_8439() {
        // Section 2.3.2.
        let mut state = [0; 16];
        state[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
        for (word, bytes) in state[4..12].iter_mut().zip(0u8..) {
            *word = u32::from_le_bytes([bytes * 4, bytes * 4 + 1, bytes * 4 + 2, bytes * 4 + 3]);
        }
        state[12..].copy_from_slice(&[1, 0x0900_0000, 0x4a00_0000, 0]);
        let block = key_stream_block(&state);
        assert_eq!(block[..8], [0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15]);
        assert_eq!(block[60..], [0xa2, 0x50, 0x3c, 0x4e]);
    }

    #[test]
    fn streams_depend_on_seed_and_purpose_and_not_on_how_they_are_read() {
        let mut whole = Entropy::from_u64(7, Purpose::Iv);
        let mut parts = Entropy::from_u64(7, Purpose::Iv);
        let expected: [u8; 200] = whole.bytes();
        let mut read = [0; 200];
        read.chunks_mut(7).for_each(|part| parts.fill(part));
        assert_eq!(read, expected);
        assert_ne!(Entropy::from_u64(7, Purpose::Uuid).bytes(), expected);
        assert_ne!(Entropy::from_u64(8, Purpose::Iv).bytes(), expected);
    }

    #[test]
    fn numbers_below_a_bound_reach_all_of_it_and_nothing_else() {
        let mut entropy = Entropy::from_u64(1, Purpose::Backoff);
        let mut seen = [0; 5];
        (0..1000).for_each(|_| seen[usize::try_from(entropy.below(5)).unwrap()] += 1);
        assert!(
            seen.iter().all(|count| (150..250).contains(count)),
            "{seen:?}"
        );
        assert_eq!(entropy.below(0), 0);
        assert_eq!(entropy.below(1), 0);
    }
}
