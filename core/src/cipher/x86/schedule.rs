//! Round keys (FIPS 197 5.2), their inverse for decryption (5.3.5) and their wiping.
//! Invariant: the round keys 0 to `rounds` are set, all others are zero.
//! Byte order: words are little-endian as the registers hold them, so RotWord turns right.

use core::arch::x86_64::{
    __m128i, _mm_aesenclast_si128, _mm_aesimc_si128, _mm_cvtsi128_si32, _mm_set1_epi32,
    _mm_setzero_si128,
};

use zeroize::Zeroize;

use crate::cipher::key::Material;

/// Round keys of the longest schedule: AES-256 has 14 rounds and one key before them.
pub(super) const ROUND_KEYS: usize = 15;

/// The round keys of one key, wiped when dropped.
pub(super) struct Schedule {
    pub(super) keys: [__m128i; ROUND_KEYS],
    pub(super) rounds: usize,
}

/// The round keys of a schedule of `rounds` rounds, apart: the first one, the nine that every
/// algorithm has, those that longer keys add, and the last one.
#[inline(always)]
pub(super) fn parts<K>(keys: &[K; ROUND_KEYS], rounds: usize) -> (&K, &[K; 9], &[K], &K) {
    if let Some([first, middle @ .., last]) = keys.get(..=rounds)
        && let Some((nine, extra)) = middle.split_first_chunk()
    {
        (first, nine, extra, last)
    } else {
        unreachable!("AES has 10 to 14 rounds")
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.keys.zeroize();
    }
}

impl Schedule {
    /// The schedule as FIPS 197 gives it.
    #[inline]
    #[target_feature(enable = "aes")]
    pub(super) fn encryption(material: &Material) -> Self {
        // SAFETY: this function enables `aes`.
        unsafe {
            match material {
                Material::Aes128(key) => Self::expand::<4, 10>(key),
                Material::Aes192(key) => Self::expand::<6, 12>(key),
                Material::Aes256(key) => Self::expand::<8, 14>(key),
            }
        }
    }

    /// The schedule that the instructions for decryption want: reversed, and all but the first
    /// and last key passed through InvMixColumns.
    #[inline]
    #[target_feature(enable = "aes")]
    pub(super) fn decryption(material: &Material) -> Self {
        let mut schedule = Self::encryption(material);
        let Some((used, _)) = schedule.keys.split_at_mut_checked(schedule.rounds + 1) else {
            return schedule;
        };
        used.reverse();
        if let [_, middle @ .., _] = used {
            for key in middle {
                *key = _mm_aesimc_si128(*key);
            }
        }
        schedule
    }

    /// # Safety
    ///
    /// The processor has `aes`.
    #[inline(always)]
    unsafe fn expand<const WORDS: usize, const ROUNDS: usize>(key: &[u8]) -> Self {
        let mut schedule = Self {
            keys: [zero(); ROUND_KEYS],
            rounds: ROUNDS,
        };
        // The words of the key, then those of the step before.
        let mut window = [0_u32; WORDS];
        for (word, bytes) in window.iter_mut().zip(key.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let out = schedule.keys.as_mut_ptr().cast::<u32>();
        let mut rcon = 1_u32;
        for start in (0..4 * (ROUNDS + 1)).step_by(WORDS) {
            if start > 0 {
                let mut last = window.last().copied().unwrap_or(0).rotate_right(8);
                // SAFETY: as promised by the caller.
                last = unsafe { sub_word(last) } ^ rcon;
                rcon = (rcon << 1) ^ if rcon & 0x80 == 0 { 0 } else { 0x11b };
                for (at, word) in window.iter_mut().enumerate() {
                    if WORDS > 6 && at == 4 {
                        // SAFETY: as promised by the caller.
                        last = unsafe { sub_word(last) };
                    }
                    *word ^= last;
                    last = *word;
                }
            }
            for (at, word) in window.iter().enumerate() {
                if start + at < 4 * ROUND_KEYS {
                    // SAFETY: `keys` holds 4 * ROUND_KEYS words and this is one of them.
                    unsafe { out.add(start + at).write(*word) };
                }
            }
        }
        window.zeroize();
        // Whole windows were written: what lies past the last round key is cut off here.
        for surplus in schedule.keys.iter_mut().skip(ROUNDS + 1) {
            *surplus = zero();
        }
        schedule
    }
}

#[inline(always)]
pub(super) fn zero() -> __m128i {
    // SAFETY: SSE2 is part of x86-64.
    unsafe { _mm_setzero_si128() }
}

/// SubWord of FIPS 197 5.2. With the same word in all columns ShiftRows changes nothing, so the
/// last round of an encryption is SubBytes alone.
///
/// # Safety
///
/// The processor has `aes`.
#[inline(always)]
unsafe fn sub_word(word: u32) -> u32 {
    // SAFETY: as promised by the caller.
    unsafe {
        let columns = _mm_set1_epi32(word.cast_signed());
        _mm_cvtsi128_si32(_mm_aesenclast_si128(columns, zero())).cast_unsigned()
    }
}
