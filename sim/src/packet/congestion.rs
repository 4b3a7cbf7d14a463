//! What a sender does where packets are lost: it opens its window while nothing is, and halves it when something is.
//! Invariant: there is no window where nothing can be lost.
//! Unit: nanoseconds since the beginning; bytes.

/// The payload of a packet.
pub(super) const PACKET_BYTES: u64 = 1_460;
/// RFC 6928: ten packets before anything was heard.
const WINDOW_FIRST: u64 = 10 * PACKET_BYTES;
const WINDOW_LEAST: u64 = 2 * PACKET_BYTES;

/// The window of one direction of a connection: slow start and congestion avoidance of RFC 5681, with selective
/// acknowledgements, so that a loss costs a round trip and half of the window, once a round trip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Congestion {
    window: u64,
    threshold: u64,
    recovers_until: u64,
}

impl Congestion {
    pub(super) const fn new() -> Self {
        Self {
            window: WINDOW_FIRST,
            threshold: u64::MAX,
            recovers_until: 0,
        }
    }

    pub(super) const fn window(&self) -> u64 {
        self.window
    }

    /// So much is acknowledged in the end; a window that is not used does not grow.
    pub(super) const fn sent(&mut self, bytes: u64, under_way: u64, most: u64) {
        if under_way + bytes < self.window / 2 || self.window >= most {
            return;
        }
        self.window += if self.window < self.threshold {
            bytes
        } else {
            PACKET_BYTES * bytes / self.window
        };
    }

    /// A packet was lost.
    pub(super) fn lost(&mut self, now: u64, round_trip: u64) {
        if now < self.recovers_until {
            return;
        }
        self.window = (self.window / 2).max(WINDOW_LEAST);
        self.threshold = self.window;
        self.recovers_until = now + round_trip;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_doubles_in_a_round_trip_until_something_is_lost_and_then_grows_by_a_packet() {
        let mut congestion = Congestion::new();
        let round_trip = |congestion: &mut Congestion| {
            for _ in 0..congestion.window() / PACKET_BYTES {
                let window = congestion.window();
                congestion.sent(PACKET_BYTES, window, 1 << 30);
            }
            congestion.window() / PACKET_BYTES
        };
        assert_eq!(round_trip(&mut congestion), 20);
        congestion.lost(5, 100);
        congestion.lost(50, 100);
        assert_eq!(congestion.window(), 10 * PACKET_BYTES);
        let after = round_trip(&mut congestion);
        assert!((10..=11).contains(&after), "{after}");
        congestion.lost(105, 100);
        assert!(congestion.window() <= 6 * PACKET_BYTES);
    }
}
