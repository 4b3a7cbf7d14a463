//! The bytes that are worked on: noise from a counter, the same in every run and on every machine.
//! Invariant: a seed gives the same bytes for ever; no generator of others decides them.

/// Bytes worked through in memory: 16 MiB are 256 blocks of 64 KiB, far more than any kernel takes at
/// once and far more than the first two caches, and the copy of both sides still leaves the third in peace.
pub const IN_MEMORY_LEN: usize = 16 << 20;

/// A block of version 1 content (PCCRC 2.3).
pub const BLOCK_LEN: usize = 64 << 10;

/// `len` bytes of noise.
#[must_use]
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fill(&mut bytes, seed, 0);
    bytes
}

/// Fills a piece of an endless noise that starts `words` words of eight bytes into it.
pub fn fill(bytes: &mut [u8], seed: u64, words: u64) {
    for (word, at) in bytes.chunks_mut(8).zip(words..) {
        word.copy_from_slice(&mix(seed, at).to_le_bytes()[..word.len()]);
    }
}

/// The finaliser of SplitMix64 over a counter (Steele, Lea and Flood, OOPSLA 2014).
fn mix(seed: u64, counter: u64) -> u64 {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut word = seed.wrapping_add(counter.wrapping_add(1).wrapping_mul(GOLDEN));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_are_those_of_splitmix64() {
        assert_eq!(noise(8, 0), 0xe220_a839_7b1d_cdaf_u64.to_le_bytes());
        assert_eq!(noise(20, 0)[8..16], 0x6e78_9e6a_a1b9_65f4_u64.to_le_bytes());
    }

    #[test]
    fn noise_can_be_filled_in_pieces() {
        let whole = noise(64, 9);
        let mut piece = [0; 24];
        fill(&mut piece, 9, 2);
        assert_eq!(whole[16..40], piece);
    }
}
