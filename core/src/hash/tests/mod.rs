//! Every kernel that this processor can run, held against the sha2 crate and against NIST's answers.
//! Invariant: a kernel that cannot run here is named on stderr; nothing is skipped in silence.
//! Byte order: none.

mod array;
mod engines;
mod known_answers;

use super::{Digest, Engine, HashAlgorithm, HmacKey, digest, digest_many};
use sha2::Digest as _;

const LONGEST: usize = 1 << 18;

/// Every algorithm that runs different code: the truncation only differs in what is kept.
const FAMILIES: [HashAlgorithm; 3] = [
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512Truncated,
];

/// xorshift64: a stream of our own, so that a failure comes back with the same numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 8).unwrap() % limit
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len)
            .map(|_| u8::try_from(self.below(256)).unwrap())
            .collect()
    }
}

fn by_sha2(algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
    match algorithm {
        HashAlgorithm::Sha256 => sha2::Sha256::digest(data).to_vec(),
        HashAlgorithm::Sha384 => sha2::Sha384::digest(data).to_vec(),
        HashAlgorithm::Sha512 => sha2::Sha512::digest(data).to_vec(),
        HashAlgorithm::Sha512Truncated => sha2::Sha512::digest(data).split_at(32).0.to_vec(),
    }
}

/// Hashes the inputs with every engine, several ways, and compares with sha2.
fn every_kernel_agrees(what: &str, algorithm: HashAlgorithm, inputs: &[&[u8]]) {
    let expected: Vec<u8> = inputs
        .iter()
        .flat_map(|data| by_sha2(algorithm, data))
        .collect();
    for engine in Engine::available() {
        let mut out = vec![0xa5; expected.len()];
        engine.digest_many(algorithm, inputs, &mut out);
        let wrong = out
            .chunks(algorithm.digest_len())
            .zip(expected.chunks(algorithm.digest_len()))
            .position(|(ours, theirs)| ours != theirs);
        if let Some(wrong) = wrong {
            panic!(
                "{what}: {engine}: {algorithm} of input {wrong} of {}, {} bytes",
                inputs.len(),
                inputs[wrong].len()
            );
        }
    }
}

/// The kernels of x86-64 and aarch64, and where each can run.
#[test]
fn every_kernel_of_this_architecture_ran_or_is_named() {
    let known: &[&str] = if cfg!(target_arch = "x86_64") {
        &["portable", "shani", "shani-avx512vl", "avx2", "avx512"]
    } else if cfg!(target_arch = "aarch64") {
        &["portable", "aarch64"]
    } else {
        &["portable"]
    };
    for name in known {
        match Engine::named(name) {
            Some(engine) => eprintln!("RUN      hash engine {engine}"),
            None => eprintln!("NOT RUN  hash engine {name}: THIS PROCESSOR LACKS ITS INSTRUCTIONS"),
        }
    }
    eprintln!("DEFAULT  hash engine {}", Engine::named("auto").unwrap());
    if let Some(wanted) = std::env::var_os("PEERDIST_TEST_MUST_RUN") {
        for name in wanted.to_str().unwrap().split(',') {
            assert!(
                Engine::named(name).is_some(),
                "{name} had to run, and cannot"
            );
        }
    }
}

#[test]
fn kernels_agree_on_every_length_to_300() {
    let data = Numbers(1).bytes(300);
    for algorithm in FAMILIES {
        for len in 0..=300 {
            every_kernel_agrees("alone", algorithm, &[&data[..len]]);
        }
        let all: Vec<&[u8]> = (0..=300).map(|len| &data[300 - len..]).collect();
        every_kernel_agrees("growing", algorithm, &all);
        let all: Vec<&[u8]> = all.into_iter().rev().collect();
        every_kernel_agrees("shrinking", algorithm, &all);
    }
}

#[test]
fn kernels_agree_at_the_edges_of_blocks() {
    let data = Numbers(2).bytes(66_000);
    for algorithm in FAMILIES {
        let edges = (1..=10).chain([511, 512, 513]).map(|n| n * 64);
        let mut lens: Vec<usize> = edges.flat_map(|n| [n - 1, n, n + 1]).collect();
        lens.extend([65_535, 65_536, 65_537]);
        for len in &lens {
            every_kernel_agrees("equal", algorithm, &[&data[..*len]; 5]);
        }
        let inputs: Vec<&[u8]> = lens.iter().map(|len| &data[data.len() - len..]).collect();
        every_kernel_agrees("mixed", algorithm, &inputs);
    }
}

#[test]
fn kernels_agree_on_any_number_of_inputs() {
    let mut numbers = Numbers(3);
    let data = numbers.bytes(2_000);
    for algorithm in FAMILIES {
        for count in 0..=40 {
            every_kernel_agrees("equal", algorithm, &vec![&data[..200]; count]);
            let mixed: Vec<&[u8]> = (0..count).map(|_| &data[..numbers.below(2_000)]).collect();
            every_kernel_agrees("mixed", algorithm, &mixed);
            let half_empty: Vec<&[u8]> = (0..count)
                .map(|i| &data[..if i % 2 == 0 { 0 } else { 300 }])
                .collect();
            every_kernel_agrees("half empty", algorithm, &half_empty);
        }
    }
}

#[test]
fn kernels_agree_wherever_the_inputs_start() {
    let data = Numbers(4).bytes(1_000);
    for algorithm in FAMILIES {
        for len in [1, 63, 64, 127, 128, 129, 400] {
            let inputs: Vec<&[u8]> = (0..=64).map(|from| &data[from..from + len]).collect();
            every_kernel_agrees("misaligned", algorithm, &inputs);
        }
    }
}

#[test]
fn kernels_agree_on_segments_of_random_lengths() {
    let mut numbers = Numbers(5);
    let data = numbers.bytes(LONGEST);
    for algorithm in FAMILIES {
        for count in [3, 17, 100] {
            let inputs: Vec<&[u8]> = (0..count)
                .map(|_| {
                    let len = numbers.below(20_000);
                    let from = numbers.below(LONGEST - len);
                    &data[from..from + len]
                })
                .collect();
            every_kernel_agrees("segments", algorithm, &inputs);
        }
    }
}

#[test]
fn one_input_gives_what_many_give() {
    let data = Numbers(6).bytes(777);
    for algorithm in HashAlgorithm::ALL {
        let mut many = vec![0; 3 * algorithm.digest_len()];
        digest_many(algorithm, &[&data[1..], &data, &data[..5]], &mut many);
        let one = digest(algorithm, &data);
        assert_eq!(one.as_ref(), by_sha2(algorithm, &data));
        assert_eq!(
            one.as_ref(),
            &many[algorithm.digest_len()..2 * algorithm.digest_len()]
        );
        assert_eq!(Digest::of(algorithm, one.as_ref()), Ok(one));
    }
}

#[test]
fn hmac_takes_its_message_in_parts() {
    for algorithm in HashAlgorithm::ALL {
        let whole = HmacKey::new(algorithm, b"key").mac(&[b"one two"]);
        assert_eq!(
            whole,
            HmacKey::new(algorithm, b"key").mac(&[b"one", b"", b" two"])
        );
        assert_eq!(whole.as_ref().len(), algorithm.digest_len());
    }
}

#[test]
#[should_panic(expected = "one slot for each digest")]
fn refuses_an_output_of_the_wrong_size() {
    digest_many(HashAlgorithm::Sha256, &[b"a"], &mut [0; 33]);
}
