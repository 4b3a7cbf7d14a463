//! The round functions over plain arrays of words: what the vector kernels run, without vectors.
//! Invariant: with these right, only the thin wrappers of a kernel's instructions can be wrong.
//! Byte order: blocks are read as big-endian words.

use super::{HashAlgorithm, Numbers, by_sha2};
use crate::hash::constants::{IV_256, IV_512, K_256, K_512};
use crate::hash::lanes::{DigestSlots, WordMajor, drive};
use crate::hash::rounds::{Vector, compress_256, compress_512};

/// Lanes as an array.
#[derive(Clone, Copy)]
struct Array<W, const LANES: usize>([W; LANES]);

impl<W: Vector<Word = W>, const LANES: usize> Array<W, LANES> {
    fn zip(self, other: Self, f: impl Fn(W, W) -> W) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl<W: Vector<Word = W>, const LANES: usize> Vector for Array<W, LANES> {
    type Word = W;

    fn splat(word: W) -> Self {
        Self([word; LANES])
    }
    fn add(self, other: Self) -> Self {
        self.zip(other, W::add)
    }
    fn xor(self, other: Self) -> Self {
        self.zip(other, W::xor)
    }
    fn ror<const R: i32, const L: i32>(self) -> Self {
        Self(self.0.map(|word| word.ror::<R, L>()))
    }
    fn shr<const N: i32>(self) -> Self {
        Self(self.0.map(|word| word.shr::<N>()))
    }
    fn choose(e: Self, f: Self, g: Self) -> Self {
        Self(std::array::from_fn(|i| W::choose(e.0[i], f.0[i], g.0[i])))
    }
    /// Without the memo, as instruction sets with an instruction for it do.
    fn majority(a: Self, b: Self, c: Self, _memo: &mut Self) -> Self {
        Self(std::array::from_fn(|i| {
            W::majority(a.0[i], b.0[i], c.0[i], &mut b.0[i].xor(c.0[i]))
        }))
    }
}

macro_rules! against_sha2 {
    ($test:ident, $word:ty, $lanes:literal, $iv:ident, $compress:ident, $algorithm:ident) => {
        #[test]
        fn $test() {
            const WORD: usize = size_of::<$word>();
            let data = Numbers(7).bytes(3_000);
            let mut numbers = Numbers(8);
            let inputs: Vec<&[u8]> = (0..90).map(|_| &data[numbers.below(3_000)..]).collect();
            let width = HashAlgorithm::$algorithm.digest_len();
            let mut out = vec![0; inputs.len() * width];
            let slots = DigestSlots::new(&mut out, width);
            let mut states = WordMajor::<$word, $lanes>([[0; $lanes]; 8]);
            drive(&$iv, &inputs, slots, &mut states, |states, blocks| {
                let mut state = states.0.map(Array);
                for at in (0..blocks[0].len()).step_by(16 * WORD) {
                    let w = std::array::from_fn(|i| {
                        Array(std::array::from_fn(|lane| {
                            let bytes = &blocks.get(lane).unwrap_or(&blocks[0])[at + i * WORD..];
                            <$word>::from_be_bytes(bytes[..WORD].try_into().unwrap())
                        }))
                    });
                    $compress(&mut state, w);
                }
                states.0 = state.map(|row| row.0);
            });
            for (ours, input) in out.chunks(width).zip(&inputs) {
                assert_eq!(
                    ours,
                    by_sha2(HashAlgorithm::$algorithm, input),
                    "{} bytes",
                    input.len()
                );
            }
        }
    };
}

against_sha2!(
    sha_256_over_arrays_of_8_lanes,
    u32,
    8,
    IV_256,
    compress_256,
    Sha256
);
against_sha2!(
    sha_256_over_arrays_of_16_lanes,
    u32,
    16,
    IV_256,
    compress_256,
    Sha256
);
against_sha2!(
    sha_512_over_arrays_of_4_lanes,
    u64,
    4,
    IV_512,
    compress_512,
    Sha512
);
against_sha2!(
    sha_512_over_arrays_of_8_lanes,
    u64,
    8,
    IV_512,
    compress_512,
    Sha512
);

#[test]
fn the_constants_of_sha_256_are_the_halves_of_those_of_sha_512() {
    for (short, long) in K_256.as_flattened().iter().zip(K_512.as_flattened()) {
        assert_eq!(u64::from(*short), long >> 32);
    }
    for (short, long) in IV_256.iter().zip(IV_512) {
        assert_eq!(u64::from(*short), long >> 32);
    }
}
