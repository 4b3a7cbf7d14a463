//! One direction of a link: how fast it is, how much waits for it, and how long it is busy.
//! Invariant: its busy time never holds more bytes than its rate allows, however many share it.
//! Unit: nanoseconds since the beginning; bytes.

use std::collections::BTreeMap;

use crate::series::{Measure, Series};

/// Bits a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(Option<u64>);

impl Rate {
    /// Faster than anything else.
    pub const UNLIMITED: Self = Self(None);

    /// So many bits a second; 0 is one.
    #[must_use]
    pub const fn bits_per_second(bits: u64) -> Self {
        Self(Some(if bits == 0 { 1 } else { bits }))
    }

    /// How long so many bytes take, in nanoseconds, rounded up.
    #[must_use]
    pub fn time_of(self, bytes: u64) -> u64 {
        let Some(rate) = self.0 else { return 0 };
        let bits = u128::from(bytes) * 8 * 1_000_000_000;
        u64::try_from(bits.div_ceil(u128::from(rate))).unwrap_or(u64::MAX)
    }

    /// How many bytes pass in a time.
    #[must_use]
    pub fn bytes_in(self, nanoseconds: u64) -> u64 {
        let Some(rate) = self.0 else { return u64::MAX };
        let bits = u128::from(nanoseconds) * u128::from(rate) / 1_000_000_000;
        u64::try_from(bits / 8).unwrap_or(u64::MAX)
    }
}

/// A direction of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkSettings {
    /// How fast it is.
    pub rate: Rate,
    /// Bytes that wait for it: senders of connections are held back there, datagrams are dropped. It is never less than
    /// the link carries while a sender waits for the next millisecond.
    pub queue_bytes: u64,
    /// Whether senders fill that queue, as those do that know of nothing but loss; else they pace themselves.
    pub is_filled: bool,
}

impl LinkSettings {
    /// Of a rate, with a usual queue.
    #[must_use]
    pub const fn of(rate: Rate) -> Self {
        Self {
            rate,
            queue_bytes: 256 << 10,
            is_filled: false,
        }
    }
}

/// What a path does to what is on it, besides the rates of its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quality {
    /// How long everything takes, one way.
    pub latency_ns: u64,
    /// How much longer single messages may take; those of a connection stay in order.
    pub jitter_ns: u64,
    /// How many of a million datagrams are lost. Connections lose nothing, as TCP sends again what was lost.
    pub lost_per_million: u32,
}

/// Who sends on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sender(pub(super) u64);

/// How long a sender may sleep too long, and then some.
const QUEUE_TIME_LEAST_NS: u64 = 4_000_000;
/// What connections keep in a queue together: enough that a link is never idle, and little more, as senders do that
/// pace themselves.
const PACED_TIME_NS: u64 = 8_000_000;
/// Pieces that each sender may have in a queue, however many share it: one goes while the next one comes.
const PIECES_LEAST: u64 = 2;
/// Senders that are remembered before those whose last byte is gone are forgotten.
const SENDERS_KEPT: usize = 8;

/// A direction of a link at work.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) settings: LinkSettings,
    /// When it has sent all that it was given.
    busy_until: u64,
    /// When the last byte of each sender is gone.
    senders: BTreeMap<Sender, u64>,
    pub(super) carried_bytes: u64,
    pub(super) busy_ns: u64,
    pub(super) dropped: u64,
    /// Where it is one of those that have a record: what it carried when.
    pub(super) record: Option<(Measure, Series)>,
}

impl Link {
    pub(super) const fn new(name: String, settings: LinkSettings) -> Self {
        Self {
            name,
            settings,
            busy_until: 0,
            senders: BTreeMap::new(),
            carried_bytes: 0,
            busy_ns: 0,
            dropped: 0,
            record: None,
        }
    }

    fn queue_bytes(&self) -> u64 {
        let least = self.settings.rate.bytes_in(QUEUE_TIME_LEAST_NS);
        self.settings.queue_bytes.max(least)
    }

    /// How much of the queue a sender of pieces may have: as much as each of those that wait.
    pub(super) fn share(&mut self, now: u64, sender: Sender, piece: u64) -> u64 {
        if self.senders.len() > SENDERS_KEPT {
            self.senders.retain(|_, gone| *gone > now);
        }
        let waiting = self.senders.iter();
        let others = waiting.filter(|(other, gone)| **other != sender && **gone > now);
        let together = self.settings.rate.bytes_in(PACED_TIME_NS);
        let together = match self.settings.is_filled {
            true => self.queue_bytes(),
            false => together.min(self.queue_bytes()),
        };
        (together / (others.count() as u64 + 1)).max(PIECES_LEAST.saturating_mul(piece))
    }

    /// Whether there is room for a datagram that nobody would hold back. On its own link a host drops later than others
    /// do, for it knows how much waits.
    pub(super) fn has_room(&self, now: u64, bytes: u64, is_own: bool) -> bool {
        let waiting = self
            .settings
            .rate
            .bytes_in(self.busy_until.saturating_sub(now));
        let room = self
            .queue_bytes()
            .saturating_mul(if is_own { 4 } else { 1 });
        self.settings.rate == Rate::UNLIMITED || waiting.saturating_add(bytes) <= room
    }

    /// Takes bytes that come at a moment: when the last of them has left it.
    pub(super) fn carry(&mut self, at: u64, bytes: u64, sender: Option<Sender>) -> u64 {
        let takes = self.settings.rate.time_of(bytes);
        let gone = self.busy_until.max(at).saturating_add(takes);
        self.busy_until = gone;
        self.busy_ns += takes;
        self.carried_bytes += bytes;
        if let Some((what, series)) = &mut self.record {
            series.add(gone, *what, bytes);
        }
        if let Some(sender) = sender {
            self.senders.insert(sender, gone);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T1: Rate = Rate::bits_per_second(1_544_000);

    #[test]
    fn a_link_is_busy_for_what_its_rate_says_whoever_sends() {
        let mut link = Link::new("t1".to_owned(), LinkSettings::of(T1));
        for turn in 0..1_000 {
            link.carry(0, 1_000, Some(Sender(turn % 10)));
        }
        // 1 MB of 8 bits at 1.544 Mbit/s, each piece rounded up to the nanosecond.
        let exact = 8_000_000_u64 * 1_000_000_000 / 1_544_000;
        assert!((exact..=exact + 1_000).contains(&link.carry(0, 0, None)));
        assert_eq!(link.carried_bytes, 1_000_000);
        // Nothing is sent before it came.
        let idle = link.carry(9_000_000_000, 193, None);
        assert_eq!(idle, 9_001_000_000);
    }

    #[test]
    fn those_who_wait_have_equal_parts_of_the_queue_and_datagrams_none_of_a_full_one() {
        let rate = Rate::bits_per_second(100_000_000);
        let mut link = Link::new("lan".to_owned(), LinkSettings::of(rate));
        assert_eq!(link.share(0, Sender(1), 1_460), 100_000);
        for sender in 1..=4 {
            link.carry(0, 50_000, Some(Sender(sender)));
        }
        assert_eq!(link.share(0, Sender(1), 1_460), 25_000);
        assert_eq!(link.share(0, Sender(9), 1_460), 20_000);
        assert_eq!(link.share(0, Sender(9), 16_000), 32_000);
        assert!(link.has_room(0, 60_000, false));
        assert!(!link.has_room(0, 63_000, false));
        assert!(link.has_room(0, 63_000, true));
        assert!(link.has_room(2_000_000_000, 63_000, false));
        // When all of it is gone, nobody waits.
        assert_eq!(link.share(9_000_000_000, Sender(1), 1_460), 100_000);
    }

    #[test]
    fn a_fast_link_has_a_queue_for_the_milliseconds_that_a_sender_sleeps() {
        let rate = Rate::bits_per_second(10_000_000_000);
        let mut link = Link::new("fast".to_owned(), LinkSettings::of(rate));
        assert_eq!(link.share(0, Sender(1), 1_460), 5_000_000);
        let mut free = Link::new("free".to_owned(), LinkSettings::of(Rate::UNLIMITED));
        assert_eq!(free.carry(7, 1 << 40, None), 7);
        assert!(free.has_room(0, u64::MAX, false));
    }
}
