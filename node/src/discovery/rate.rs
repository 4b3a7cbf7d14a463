//! How many datagrams of a sender, and of all, are read in a second.
//! Invariant: memory is fixed, whatever addresses are made up; two senders may share a place, none has two.
//! Byte order: none.

use std::net::IpAddr;

use peerdist::time::Instant;

use super::limits::DiscoveryLimits;

/// Places for senders. One that floods takes a thousandth of the others along.
const PLACES: usize = 1_024;
const SECOND_NANOS: u64 = 1_000_000_000;

/// Fills with time, up to a second's worth.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// The moment at which it would be full again.
    full_at: u64,
}

impl Bucket {
    const FULL: Self = Self { full_at: 0 };

    fn take(&mut self, now: u64, per_second: u32) -> bool {
        let cost = SECOND_NANOS / u64::from(per_second.max(1));
        let full_at = self.full_at.max(now).saturating_add(cost);
        let has_room = full_at <= now.saturating_add(SECOND_NANOS);
        if has_room {
            self.full_at = full_at;
        }
        has_room
    }
}

/// The count of all, and of each sender.
#[derive(Debug)]
pub(super) struct Rate {
    all: Bucket,
    senders: Vec<Bucket>,
    all_most: u32,
    sender_most: u32,
}

impl Rate {
    pub(super) fn new(limits: &DiscoveryLimits) -> Self {
        Self {
            all: Bucket::FULL,
            senders: vec![Bucket::FULL; PLACES],
            all_most: limits.datagrams_per_second_most,
            sender_most: limits.datagrams_of_sender_per_second_most,
        }
    }

    /// Whether one more datagram of a sender is read.
    pub(super) fn admits(&mut self, now: Instant, sender: IpAddr) -> bool {
        let now = now.as_nanos();
        let place = place_of(sender);
        let of_sender = self.senders.get_mut(place);
        // The sender's first: one that is too fast uses nothing up for the others.
        of_sender.is_none_or(|bucket| bucket.take(now, self.sender_most))
            && self.all.take(now, self.all_most)
    }
}

fn place_of(sender: IpAddr) -> usize {
    let network = match sender.to_canonical() {
        IpAddr::V4(v4) => u64::from(v4.to_bits()),
        // Whoever has one address of a /64 has all of them; neighbours by link-local address have only the rest.
        IpAddr::V6(v6) if v6.is_unicast_link_local() => low_half(v6.to_bits()),
        IpAddr::V6(v6) => low_half(v6.to_bits() >> 64),
    };
    // Fibonacci hashing: neighbours end far apart.
    let mixed = network.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - PLACES.trailing_zeros());
    usize::try_from(mixed).unwrap_or(0)
}

const fn low_half(bits: u128) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = bits.to_be_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn admitted(rate: &mut Rate, now: Instant, sender: &str, tries: u32) -> u32 {
        let sender: IpAddr = sender.parse().unwrap();
        let admitted = (0..tries).filter(|_| rate.admits(now, sender)).count();
        u32::try_from(admitted).unwrap()
    }

    #[test]
    fn a_sender_that_floods_leaves_room_for_others_and_gets_its_own_back_with_time() {
        let limits = DiscoveryLimits {
            datagrams_per_second_most: 1_000,
            datagrams_of_sender_per_second_most: 100,
            ..DiscoveryLimits::default()
        };
        let mut rate = Rate::new(&limits);
        let now = Instant::from_nanos(5 * SECOND_NANOS);
        assert_eq!(admitted(&mut rate, now, "192.0.2.1", 5_000), 100);
        assert_eq!(admitted(&mut rate, now, "192.0.2.2", 50), 50);
        let later = now + Duration::from_millis(500);
        assert_eq!(admitted(&mut rate, later, "192.0.2.1", 5_000), 50);
    }

    #[test]
    fn all_together_have_a_limit_and_the_addresses_of_one_network_are_one_sender() {
        let limits = DiscoveryLimits {
            datagrams_per_second_most: 300,
            datagrams_of_sender_per_second_most: 200,
            ..DiscoveryLimits::default()
        };
        let mut rate = Rate::new(&limits);
        let now = Instant::from_nanos(5 * SECOND_NANOS);
        assert_eq!(admitted(&mut rate, now, "2001:db8::1", 150), 150);
        assert_eq!(admitted(&mut rate, now, "2001:db8::2", 150), 50);
        assert_eq!(admitted(&mut rate, now, "192.0.2.2", 200), 100);
    }
}
