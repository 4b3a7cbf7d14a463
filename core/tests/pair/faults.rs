//! What goes wrong in a world, drawn from its seed.
//! Invariant: nothing goes wrong any more once the world has healed.
//! Byte order: none.

use peerdist::entropy::{Entropy, Purpose};
use peerdist::time::{Duration, Instant};

/// How often things go wrong, in thousandths.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) lost: u32,
    pub(crate) doubled: u32,
    pub(crate) mangled: u32,
    pub(crate) late: u32,
    pub(crate) block_gone: u32,
    pub(crate) rotten: u32,
}

pub(crate) struct Faults {
    random: Entropy,
    rates: Rates,
    pub(crate) heals_at: Instant,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Entropy::from_u64(seed, Purpose::Faults);
        let mut rate = |most: u64| {
            // Many worlds lack a fault altogether, so that each is also seen without the others.
            let is_there = random.happens(600);
            let rate = u32::try_from(random.below(most)).unwrap();
            if is_there { rate } else { 0 }
        };
        let rates = Rates {
            lost: rate(200),
            doubled: rate(100),
            mangled: rate(60),
            late: rate(200),
            block_gone: rate(100),
            rotten: rate(100),
        };
        let heals_at = Instant::ZERO + Duration::from_millis(1_000 + random.below(20_000));
        Self {
            random,
            rates,
            heals_at,
        }
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.random.below(length as u64)).unwrap()
    }

    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.random.happens(per_mille)
    }

    pub(crate) fn seed(&mut self) -> [u8; 32] {
        self.random.bytes()
    }

    fn strikes(&mut self, now: Instant, rate: u32) -> bool {
        now < self.heals_at && self.random.happens(rate)
    }

    pub(crate) fn loses(&mut self, now: Instant) -> bool {
        self.strikes(now, self.rates.lost)
    }

    pub(crate) fn block_is_gone(&mut self, now: Instant) -> bool {
        self.strikes(now, self.rates.block_gone)
    }

    /// Changes a bit of what is read from a disk, now and then.
    pub(crate) fn rot(&mut self, now: Instant, bytes: &mut [u8]) {
        if self.strikes(now, self.rates.rotten) && !bytes.is_empty() {
            let at = self.index(bytes.len());
            bytes[at] ^= 1 << self.below(8);
        }
    }

    /// What arrives of a message that is sent now, and how much later: nothing, it, or it twice; whole or mangled.
    pub(crate) fn carry(&mut self, now: Instant, bytes: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let copies = 1 + u32::from(self.strikes(now, self.rates.doubled));
        let mut arriving = Vec::new();
        for _ in 0..copies {
            if self.loses(now) {
                continue;
            }
            let mut bytes = bytes.to_vec();
            self.mangle(now, &mut bytes);
            arriving.push((self.delay(now), bytes));
        }
        arriving
    }

    /// Changes a bit or cuts the end off, now and then.
    fn mangle(&mut self, now: Instant, bytes: &mut Vec<u8>) {
        if self.mangles(now) && !bytes.is_empty() {
            let at = self.index(bytes.len());
            if self.chance(150) {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << self.below(8);
            }
        }
    }

    pub(crate) fn mangles(&mut self, now: Instant) -> bool {
        self.strikes(now, self.rates.mangled)
    }

    /// Whether bytes of this world never change on their way, so that what arrives is what somebody said.
    pub(crate) const fn never_mangle(&self) -> bool {
        self.rates.mangled == 0
    }

    /// How long something takes: a few milliseconds, or seconds where it comes late.
    pub(crate) fn delay(&mut self, now: Instant) -> Duration {
        let most = if self.strikes(now, self.rates.late) {
            4_000_000
        } else {
            5_000
        };
        Duration::from_micros(1 + self.below(most))
    }
}
