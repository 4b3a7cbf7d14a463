//! How fast a hosted cache is offered segments: of what one client offers it lets so many wait, and drops the others.
//! Invariant: no more segments than the limit are ahead of what was fetched, unless nothing is fetched for a while.
//! Byte order: none.

use std::collections::VecDeque;
use std::sync::Arc;

use peerdist::time::{Duration, Instant};

use crate::counters::RetrievalCounters;

/// How far offers are ahead of what the cache fetched.
#[derive(Debug)]
pub(super) struct Pace {
    segments_most: usize,
    still_most: Duration,
    /// Where it is counted what is fetched, if it is known.
    given: Option<Arc<RetrievalCounters>>,
    /// How much of that is older than the offers.
    before: u64,
    fetched: u64,
    /// When that last grew.
    moved: Instant,
    offered: u64,
    /// For each segment that is ahead, the blocks that were offered with it and before.
    ahead: VecDeque<u64>,
}

impl Pace {
    pub(super) fn new(
        segments_most: usize,
        still_ms: u64,
        given: Option<Arc<RetrievalCounters>>,
        now: Instant,
    ) -> Self {
        let before = given.as_ref().map_or(0, |given| given.blocks.get());
        Self {
            segments_most: segments_most.max(1),
            still_most: Duration::from_millis(still_ms),
            given,
            before,
            fetched: 0,
            moved: now,
            offered: 0,
            ahead: VecDeque::new(),
        }
    }

    /// Whether one more segment may be offered.
    pub(super) fn has_room(&mut self, now: Instant) -> bool {
        if let Some(given) = &self.given {
            let fetched = given.blocks.get().saturating_sub(self.before);
            if fetched > self.fetched {
                (self.fetched, self.moved) = (fetched, now);
            }
        }
        while self
            .ahead
            .pop_front_if(|until| *until <= self.fetched)
            .is_some()
        {}
        // It may have them already, or not want them.
        if self.ahead.len() >= self.segments_most && now >= self.moved + self.still_most {
            self.give_up(now);
        }
        self.ahead.len() < self.segments_most
    }

    pub(super) fn add(&mut self, blocks: u32, now: Instant) {
        if self.ahead.is_empty() {
            self.moved = now;
        }
        self.offered += u64::from(blocks);
        self.ahead.push_back(self.offered);
    }

    /// What was offered will not be fetched.
    pub(super) fn give_up(&mut self, now: Instant) {
        self.ahead.clear();
        self.offered = self.fetched;
        self.moved = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_segments_are_ahead_and_more_as_they_are_fetched_or_when_nothing_is() {
        let given = Arc::new(RetrievalCounters::default());
        given.blocks.add(7);
        let at = |ms| Instant::ZERO + Duration::from_millis(ms);
        let mut pace = Pace::new(2, 1_000, Some(Arc::clone(&given)), at(0));
        for _ in 0..2 {
            assert!(pace.has_room(at(0)));
            pace.add(3, at(0));
        }
        given.blocks.add(2);
        assert!(!pace.has_room(at(900)), "the first is not whole there");
        given.blocks.add(1);
        assert!(pace.has_room(at(1_000)));
        pace.add(3, at(1_000));
        assert!(!pace.has_room(at(1_999)));
        assert!(pace.has_room(at(2_000)), "nothing was fetched for a second");
        pace.add(3, at(2_000));
        pace.add(3, at(2_000));
        assert!(!pace.has_room(at(2_001)));
        given.blocks.add(3);
        assert!(pace.has_room(at(2_002)), "what was given up does not count");
        pace.add(3, at(2_002));
        pace.give_up(at(2_003));
        assert!(pace.has_room(at(2_003)));
    }
}
