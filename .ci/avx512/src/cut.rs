//! The x86 cutting kernels, held against the portable one, which the tests of the library hold against
//! the definition.
//! Invariant: true means that every comparison held. A failure names kernel and content.
//! Byte order: little-endian words.

#[path = "../../../core/src/content/cut/portable.rs"]
mod portable;
#[path = "../../../core/src/content/cut/x86.rs"]
mod x86;

use std::vec::Vec;

use crate::machine::{Numbers, say};

/// As in `core/src/content/cut/mod.rs`, beside which these kernels stand.
const GAP: usize = 64;
const NEAR: u32 = 0x9E37_79B1;
const FAR: u32 = 0x27D4_EB2F;
const FALLBACK: u32 = 0u32.wrapping_sub(1 << 20);

const WINDOW: usize = GAP + 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    at: usize,
    hash: u32,
}

type Scan = fn(&[u8], usize, &mut Vec<Candidate>);

/// A kernel under test, with what it and the portable one found last.
struct Bench {
    name: &'static str,
    scan: Scan,
    found: Vec<Candidate>,
    expected: Vec<Candidate>,
    candidates: usize,
    good: bool,
}

impl Bench {
    fn check(&mut self, what: &str, data: &[u8], first: usize) {
        // What is in the list already stays there.
        let before = Candidate { at: 7, hash: 9 };
        for list in [&mut self.found, &mut self.expected] {
            list.clear();
            list.push(before);
        }
        (self.scan)(data, first, &mut self.found);
        portable::scan(data, first, &mut self.expected);
        self.candidates += self.expected.len() - 1;
        if self.found != self.expected {
            say(&["FAIL ", self.name, " ", what, "\n"]);
            self.good = false;
        }
    }

    /// That the contents hold what they are for.
    fn found_some(&mut self, what: &str) {
        if self.candidates == 0 {
            say(&["FAIL ", self.name, " no candidate in ", what, "\n"]);
            self.good = false;
        }
        self.candidates = 0;
    }
}

fn noise(seed: u64, data: &mut [u8]) {
    let mut numbers = Numbers(seed);
    data.fill_with(|| numbers.below(256) as u8);
}

/// Lines of a log: few letters, much repetition, no two lines alike.
fn text(data: &mut [u8]) {
    let mut numbers = Numbers(2);
    let mut rest = data;
    for line in 0_u32.. {
        let words: [&[u8]; 4] = [b" open ", b" close ", b" read ", b" error "];
        let mut text = [b' '; 48];
        for (i, digit) in text[..8].iter_mut().enumerate() {
            *digit = b'0' + (line / 10_u32.pow(7 - i as u32) % 10) as u8;
        }
        let word = words[numbers.below(4)];
        text[8..8 + word.len()].copy_from_slice(word);
        text[16..40].copy_from_slice(b"/srv/data/file.txt size=");
        text[40..43].fill_with(|| b'0' + numbers.below(10) as u8);
        text[43] = b'\n';
        let len = rest.len().min(44);
        rest[..len].copy_from_slice(&text[..len]);
        rest = &mut rest[len..];
        if rest.is_empty() {
            break;
        }
    }
}

fn periodic(period: &[u8], data: &mut [u8]) {
    for (byte, of) in data.iter_mut().zip(period.iter().cycle()) {
        *byte = *of;
    }
}

/// Four bytes whose repetition is a candidate everywhere, with a hash in the given range.
fn run_of(least: u32, below: u32) -> [u8; 4] {
    let in_range = |word: &[u8; 4]| {
        let mut window = [0; WINDOW];
        periodic(word, &mut window);
        portable::hash(&window).is_some_and(|hash| (least..below).contains(&hash))
    };
    let mut words = (0_u32..).map(u32::to_le_bytes);
    words.find(in_range).unwrap_or_default()
}

/// Gives the window at `at` the wanted hash by its first four bytes.
fn plant(data: &mut [u8], at: usize, hash: u32) {
    // Newton's iteration doubles the bits of the inverse: 3, 6, 12, 24, 48.
    let inverse = (0..4).fold(NEAR, |x, _| {
        x.wrapping_mul(2_u32.wrapping_sub(NEAR.wrapping_mul(x)))
    });
    data[at..at + 4].fill(0);
    let others = portable::hash(&data[at..]).unwrap_or_default();
    let word = hash.wrapping_sub(others).wrapping_mul(inverse);
    data[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

fn contents(bench: &mut Bench, data: &mut [u8]) {
    noise(1, data);
    bench.check("noise", data, WINDOW);
    for skew in 0..=GAP + 2 {
        bench.check("noise, misaligned", &data[skew..20_000 + skew], WINDOW);
    }
    bench.found_some("noise");
    data.iter_mut().for_each(|byte| *byte = b'A' + (*byte & 3));
    bench.check("few letters", data, 1);
    text(data);
    bench.check("text", data, WINDOW);
    bench.found_some("text");
    for (word, i) in data.chunks_exact_mut(4).zip(0_u32..) {
        let field = [i / 4, i * 4, 7, 0][i as usize % 4];
        word.copy_from_slice(&field.to_le_bytes());
    }
    bench.check("records", data, WINDOW);
    let mut period = [0; 200];
    noise(3, &mut period);
    for len in 1..=period.len() {
        let data = &mut data[..3_000];
        periodic(&period[..len], data);
        bench.check("periods 1 to 200", data, WINDOW);
    }
    for byte in 0..=u8::MAX {
        let data = &mut data[..700];
        data.fill(byte);
        bench.check("one byte", data, WINDOW);
    }
    bench.candidates = 0;
}

/// All lengths around those at which a kernel does another block, at all alignments.
fn lengths(bench: &mut Bench, data: &mut [u8]) {
    for (what, least, below) in [
        ("every window a weak candidate", FALLBACK, 0xFFFE_0000),
        ("every window a candidate", 0xFFFE_0000, 0xFFFF_0000),
        ("every window a strong candidate", 0xFFFF_0000, u32::MAX),
    ] {
        periodic(&run_of(least, below), data);
        bench.check(what, &data[..20_000], WINDOW);
        for len in 0..=600 {
            bench.check(what, &data[len % 67..][..len], 1_000 * len);
        }
        bench.found_some(what);
    }
    noise(4, data);
    for len in 0..=600 {
        bench.check("noise of all lengths", &data[len % 67..][..len], WINDOW);
    }
}

/// One window at a time with a hash at the edge of what counts, at each place of several blocks.
fn edges(bench: &mut Bench, data: &mut [u8]) {
    let data = &mut data[..5 * GAP + WINDOW];
    for hash in [FALLBACK - 1, FALLBACK, FALLBACK + 1, u32::MAX, 0, 0x7FFF_FFFF, 0x8000_0000] {
        for at in 0..=data.len() - WINDOW {
            noise(5 + at as u64, data);
            plant(data, at, hash);
            bench.check("a planted window", data, WINDOW);
            bench.check("a planted window at the end", &data[..at + WINDOW], WINDOW);
            bench.check("a planted window cut off", &data[..at + WINDOW - 1], WINDOW);
        }
        if hash >= FALLBACK {
            bench.found_some("planted windows");
        }
    }
}

/// Runs everything: true if both kernels agreed with the portable one everywhere.
pub(crate) fn run() -> bool {
    let kernels: [(&str, Scan); 2] = [
        ("cut avx2", |data, first, out| match x86::Avx2::detect() {
            Some(token) => token.scan(data, first, out),
            None => unreachable!(),
        }),
        ("cut avx512", |data, first, out| match x86::Avx512::detect() {
            Some(token) => token.scan(data, first, out),
            None => unreachable!(),
        }),
    ];
    let mut data = std::vec![0; 300_000];
    kernels.into_iter().fold(true, |good, (name, scan)| {
        let mut bench = Bench {
            name,
            scan,
            found: Vec::with_capacity(1 << 16),
            expected: Vec::with_capacity(1 << 16),
            candidates: 0,
            good: true,
        };
        contents(&mut bench, &mut data);
        lengths(&mut bench, &mut data);
        edges(&mut bench, &mut data);
        say(&[if bench.good { "PASS " } else { "FAIL " }, name, "\n"]);
        bench.good && good
    })
}
