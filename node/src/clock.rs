//! The clock of node: tokio's time as the machines of core count it.
//! Invariant: it never runs backwards, and stands still or jumps wherever tokio's time does, as in a simulation.
//! Unit: nanoseconds since 1970 for the clock of the machine, since the given moment for any other.

use peerdist::time::{Duration, Instant};

/// A clock. Its copies show the same time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: tokio::time::Instant,
    shown_at_origin: Instant,
}

impl Clock {
    /// Shows the time since 1970, as it was known when the clock was made: what is set later moves it no more.
    #[must_use]
    pub fn of_the_machine() -> Self {
        Self::starting_at(Instant::ZERO + crate::world::unix_time())
    }

    /// Shows `now` now.
    #[must_use]
    pub fn starting_at(now: Instant) -> Self {
        Self {
            origin: tokio::time::Instant::now(),
            shown_at_origin: now,
        }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.shown_at_origin + self.origin.elapsed()
    }

    /// When tokio's time will be at a moment of this clock.
    #[must_use]
    pub fn to_tokio(&self, at: Instant) -> tokio::time::Instant {
        self.origin + at.since(self.shown_at_origin)
    }

    /// Waits for a moment, and for ever where there is none.
    pub async fn sleep_until(&self, at: Option<Instant>) {
        match at {
            Some(at) => tokio::time::sleep_until(self.to_tokio(at)).await,
            None => std::future::pending().await,
        }
    }

    /// Whole seconds that it shows, as far as they fit.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        let shown = Duration::from_nanos(self.now().as_nanos());
        u32::try_from(shown.as_secs()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_moment_of_the_clock_is_waited_for_to_the_nanosecond_timers_allow() {
        let clock = Clock::starting_at(Instant::from_nanos(5_000_000_000));
        assert_eq!(clock.seconds(), 5);
        let due = clock.now() + Duration::from_millis(250);
        clock.sleep_until(Some(due)).await;
        assert!(clock.now() >= due);
        assert!(clock.now() < due + Duration::from_millis(2));
    }

    #[tokio::test]
    async fn the_clock_of_the_machine_counts_from_1970() {
        // The first line of this was written in 2026.
        assert!(Clock::of_the_machine().seconds() > 1_700_000_000);
    }
}
