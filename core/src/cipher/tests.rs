//! Every engine against the crates `aes` and `cbc`, against SP 800-38A, and at its edges.
//! Invariant: a test runs every engine that the processor has, and says loudly which it has not.
//! Byte order: known answers are strings of bytes as SP 800-38A prints them.

use std::io::Write as _;

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};

use super::*;

mod kernels;
mod known_answers;
mod shapes;

/// Every engine of this processor. The names of the others go past the capture of the test
/// harness to stderr, so that a run that left something out cannot be taken for a whole one.
fn engines() -> Vec<&'static Engine> {
    let engines: Vec<_> = Engine::available().collect();
    let names: Vec<_> = engines.iter().map(|engine| engine.to_string()).collect();
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "ran: {test}: {}", names.join(", ")).unwrap();
    for name in Engine::unavailable() {
        writeln!(
            stderr,
            "NOT RUN: {test}: engine {name}: not on this processor"
        )
        .unwrap();
    }
    engines
}

/// A stream of bytes that is the same in every run (splitmix64).
struct Bytes(u64);

impl Bytes {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

/// A message, with what the reference makes of it.
struct Case {
    key: CbcKey,
    iv: [u8; BLOCK_LEN],
    plaintext: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Case {
    fn new(bytes: &mut Bytes, algorithm: BlockCipher, len: usize) -> Self {
        let secret = bytes.take(algorithm.key_len());
        let iv: [u8; BLOCK_LEN] = bytes.take(BLOCK_LEN).try_into().unwrap();
        let plaintext = bytes.take(len);
        let key = CbcKey::new(algorithm, &secret).unwrap();
        let ciphertext = reference_encrypt(algorithm, &secret, iv, &plaintext);
        assert_eq!(
            reference_decrypt(algorithm, &secret, iv, &ciphertext),
            plaintext
        );
        Self {
            key,
            iv,
            plaintext,
            ciphertext,
        }
    }
}

fn reference_encrypt(algorithm: BlockCipher, key: &[u8], iv: [u8; 16], plain: &[u8]) -> Vec<u8> {
    fn run<M: BlockModeEncrypt + KeyIvInit>(key: &[u8], iv: [u8; 16], plain: &[u8]) -> Vec<u8> {
        let mut buffer = plain.to_vec();
        buffer.resize(plain.len() + 16, 0);
        let mode = M::new_from_slices(key, &iv).unwrap();
        mode.encrypt_padded::<Pkcs7>(&mut buffer, plain.len())
            .unwrap()
            .to_vec()
    }
    match algorithm {
        BlockCipher::Aes128 => run::<cbc::Encryptor<Aes128>>(key, iv, plain),
        BlockCipher::Aes192 => run::<cbc::Encryptor<Aes192>>(key, iv, plain),
        BlockCipher::Aes256 => run::<cbc::Encryptor<Aes256>>(key, iv, plain),
    }
}

fn reference_decrypt(algorithm: BlockCipher, key: &[u8], iv: [u8; 16], cipher: &[u8]) -> Vec<u8> {
    fn run<M: BlockModeDecrypt + KeyIvInit>(key: &[u8], iv: [u8; 16], cipher: &[u8]) -> Vec<u8> {
        let mut buffer = cipher.to_vec();
        let mode = M::new_from_slices(key, &iv).unwrap();
        mode.decrypt_padded::<Pkcs7>(&mut buffer).unwrap().to_vec()
    }
    match algorithm {
        BlockCipher::Aes128 => run::<cbc::Decryptor<Aes128>>(key, iv, cipher),
        BlockCipher::Aes192 => run::<cbc::Decryptor<Aes192>>(key, iv, cipher),
        BlockCipher::Aes256 => run::<cbc::Decryptor<Aes256>>(key, iv, cipher),
    }
}

/// Encrypts and decrypts all cases in one call each, `skew` bytes off a multiple of 16, and holds
/// every byte of the slab against what it must be, those between the messages included.
fn check(engine: &Engine, cases: &[Case], skew: usize) {
    const GAP: usize = 33;
    let lens: Vec<_> = cases
        .iter()
        .map(|case| padded_len(case.plaintext.len()))
        .collect();
    let total = lens.iter().map(|len| len + GAP).sum::<usize>();
    let mut slab = vec![0xa5; total + 2 * BLOCK_LEN];
    let start = slab.as_ptr().align_offset(BLOCK_LEN) + skew;
    let what = |i: usize| format!("{engine}, case {i} of {}, skew {skew}", cases.len());

    let fill = |slab: &mut [u8]| {
        let mut at = start;
        for (case, len) in cases.iter().zip(&lens) {
            slab[at..at + case.plaintext.len()].copy_from_slice(&case.plaintext);
            at += len + GAP;
        }
    };
    fill(&mut slab);
    let mut jobs = Vec::new();
    let mut rest = &mut slab[start..];
    for (case, len) in cases.iter().zip(&lens) {
        let (buffer, tail) = rest.split_at_mut(*len);
        rest = &mut tail[GAP..];
        jobs.push(EncryptJob::new(&case.key, case.iv, buffer, case.plaintext.len()).unwrap());
    }
    engine.encrypt_many(&mut jobs);
    engine.encrypt_many(&mut jobs);
    drop(jobs);

    let mut at = start;
    for (i, (case, len)) in cases.iter().zip(&lens).enumerate() {
        assert!(
            slab[at..at + len] == case.ciphertext[..],
            "encryption: {}",
            what(i)
        );
        assert!(
            slab[at + len..at + len + GAP].iter().all(|&b| b == 0xa5),
            "gap: {}",
            what(i)
        );
        at += len + GAP;
    }
    assert!(
        slab[..start].iter().chain(&slab[at..]).all(|&b| b == 0xa5),
        "ends: {}",
        what(0)
    );

    let mut jobs = Vec::new();
    let mut rest = &mut slab[start..];
    for (case, len) in cases.iter().zip(&lens) {
        let (buffer, tail) = rest.split_at_mut(*len);
        rest = &mut tail[GAP..];
        jobs.push(DecryptJob::new(&case.key, case.iv, buffer).unwrap());
    }
    engine.decrypt_many(&mut jobs);
    engine.decrypt_many(&mut jobs);
    drop(jobs);

    let mut at = start;
    for (i, (case, len)) in cases.iter().zip(&lens).enumerate() {
        let plaintext = unpad_to(&slab[at..at + len], case.plaintext.len()).unwrap();
        assert!(
            plaintext == (&case.plaintext[..], Padding::Pkcs7),
            "decryption: {}",
            what(i)
        );
        assert!(
            slab[at + len..at + len + GAP].iter().all(|&b| b == 0xa5),
            "gap: {}",
            what(i)
        );
        at += len + GAP;
    }
    assert!(
        slab[..start].iter().chain(&slab[at..]).all(|&b| b == 0xa5),
        "ends: {}",
        what(0)
    );
}
