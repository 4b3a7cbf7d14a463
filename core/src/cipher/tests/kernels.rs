//! Every engine against the reference: lengths, counts, keys and places in memory.
//! Invariant: a case that fails says engine, number and skew.
//! Byte order: none.

use super::*;

#[test]
fn all_short_lengths_equal_the_reference_alone_and_together() {
    let engines = engines();
    let mut bytes = Bytes(1);
    let lens: Vec<_> = (0..=300).collect();
    for algorithm in BlockCipher::ALL {
        let cases: Vec<_> = lens
            .iter()
            .map(|&len| Case::new(&mut bytes, algorithm, len))
            .collect();
        for engine in &engines {
            for case in &cases {
                check(engine, core::slice::from_ref(case), 0);
            }
            check(engine, &cases, 0);
        }
    }
}

#[test]
fn lengths_around_a_64_kib_block_equal_the_reference() {
    let engines = engines();
    let mut bytes = Bytes(2);
    let mut cases = Vec::new();
    for algorithm in BlockCipher::ALL {
        for len in [65_535, 65_536, 65_537, 65_520, 65_552, 131_072] {
            cases.push(Case::new(&mut bytes, algorithm, len));
        }
    }
    for engine in &engines {
        check(engine, &cases, 0);
    }
}

#[test]
fn every_count_of_equal_messages_equals_the_reference() {
    let engines = engines();
    let mut bytes = Bytes(3);
    let cases: Vec<_> = (0..40)
        .map(|_| Case::new(&mut bytes, BlockCipher::Aes128, 700))
        .collect();
    for engine in &engines {
        for count in 0..=cases.len() {
            check(engine, &cases[..count], 0);
        }
    }
}

#[test]
fn every_count_of_mixed_lengths_and_keys_equals_the_reference() {
    let mut bytes = Bytes(4);
    let engines = engines();
    for count in 0..=40 {
        let cases: Vec<_> = (0..count)
            .map(|_| {
                let algorithm = BlockCipher::ALL[bytes.below(3)];
                let bound = [1, 40, 400, 3_000][bytes.below(4)];
                let len = bytes.below(bound);
                Case::new(&mut bytes, algorithm, len)
            })
            .collect();
        for engine in &engines {
            check(engine, &cases, bytes.below(BLOCK_LEN));
        }
    }
}

#[test]
fn one_key_for_all_messages_equals_the_reference() {
    let engines = engines();
    let mut bytes = Bytes(5);
    for algorithm in BlockCipher::ALL {
        let secret = bytes.take(algorithm.key_len());
        let key = CbcKey::new(algorithm, &secret).unwrap();
        let cases: Vec<_> = (0..37)
            .map(|i| {
                let iv = bytes.take(BLOCK_LEN).try_into().unwrap();
                let len = 1_000 + 16 * (i % 5);
                let plaintext = bytes.take(len);
                let ciphertext = reference_encrypt(algorithm, &secret, iv, &plaintext);
                Case {
                    key: key.clone(),
                    iv,
                    plaintext,
                    ciphertext,
                }
            })
            .collect();
        for engine in &engines {
            for count in [2, 3, 8, 15, 16, 17, 37] {
                check(engine, &cases[..count], 0);
            }
        }
    }
}

#[test]
fn buffers_at_every_skew_equal_the_reference() {
    let engines = engines();
    let mut bytes = Bytes(6);
    let cases: Vec<_> = (0..19)
        .map(|i| Case::new(&mut bytes, BlockCipher::ALL[i % 3], 31 * i))
        .collect();
    for engine in &engines {
        for skew in 0..BLOCK_LEN {
            check(engine, &cases, skew);
        }
    }
}

#[test]
fn a_long_message_among_short_ones_equals_the_reference() {
    let engines = engines();
    let mut bytes = Bytes(7);
    for long_at in [0, 5, 16, 39] {
        let cases: Vec<_> = (0..40)
            .map(|i| {
                let len = if i == long_at { 20_000 } else { 100 + i };
                Case::new(&mut bytes, BlockCipher::Aes256, len)
            })
            .collect();
        for engine in &engines {
            check(engine, &cases, 0);
        }
    }
}
