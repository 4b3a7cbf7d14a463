//! Buffers of blocks that were sent, for the blocks that are sent next: fresh memory costs as much as reading them.
//! Invariant: bounded; what a buffer holds is of another block, and nobody sends bytes that he did not put there.
//! Byte order: none.

use std::sync::{Mutex, PoisonError};

/// Buffers that wait.
const BUFFERS_MOST: usize = 64;
/// Smaller ones are not worth keeping, larger ones too much.
const BYTES_KEPT: std::ops::RangeInclusive<usize> = 4 << 10..=256 << 10;
/// Behind the bytes of a block: its padding, two sizes and the vector.
const TAIL_BYTES_MOST: usize = 32;

#[derive(Debug, Default)]
pub(crate) struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    /// The message of the longest block of version 2.0, and a little.
    pub(crate) const BLOCK_BYTES: usize = 132 << 10;

    /// A buffer with room for so many bytes and what goes behind them.
    pub(crate) fn take(&self, length: usize) -> Vec<u8> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.pop();
        // What it holds stays, for it is written over: bytes that are there need not be made zero first.
        let mut buffer = kept.unwrap_or_default();
        let room = length + TAIL_BYTES_MOST;
        buffer.reserve(room.saturating_sub(buffer.len()));
        buffer
    }

    pub(crate) fn give(&self, buffer: Vec<u8>) {
        if !BYTES_KEPT.contains(&buffer.capacity()) {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < BUFFERS_MOST {
            kept.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_was_given_is_taken_again_and_has_room() {
        let spare = Spare::default();
        spare.give(vec![7; 5_000]);
        let buffer = spare.take(10_000);
        assert_eq!(buffer, [7; 5_000]);
        assert!(buffer.capacity() >= 10_000 + TAIL_BYTES_MOST);
        assert!(spare.take(10).is_empty());
    }

    #[test]
    fn no_more_buffers_are_kept_than_the_limit_and_none_of_another_size() {
        let spare = Spare::default();
        spare.give(vec![0; BYTES_KEPT.end() + 1]);
        spare.give(vec![0; BYTES_KEPT.start() - 1]);
        assert_eq!(spare.take(0).len(), 0);
        (0..=BUFFERS_MOST).for_each(|_| spare.give(vec![1; 8_192]));
        let kept = (0..=BUFFERS_MOST).filter(|_| spare.take(0).len() == 8_192);
        assert_eq!(kept.count(), BUFFERS_MOST);
    }
}
