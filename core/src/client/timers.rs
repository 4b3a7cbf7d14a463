//! MS-CCROD 2.8.1.2: the timers of the client framework, each by the name of what it ends.
//! Invariant: a name has one timer at most, and the next to end is always known.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};

use super::ports::{DiscoveryToken, DownloadToken, FetchToken};
use super::session::SessionKey;
use crate::content::SegmentId;
use crate::retrieval::client::Peer;
use crate::time::Instant;

/// What a timer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Download(SessionKey),
    Discovery(DiscoveryToken),
    ServerList(SegmentId),
    ServerEntry(SegmentId, Peer),
    /// No more bytes come from the origin.
    Origin(FetchToken),
    /// The origin may be asked again.
    OriginRetry(DownloadToken),
    /// What waits for the origin is looked for at peers again.
    LookAgain(DownloadToken),
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    by_name: BTreeMap<Timer, Instant>,
    by_time: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    /// Starts a timer, anew where it runs already.
    pub(super) fn start(&mut self, timer: Timer, at: Instant) {
        self.stop(timer);
        self.by_name.insert(timer, at);
        self.by_time.insert((at, timer));
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        if let Some(at) = self.by_name.remove(&timer) {
            self.by_time.remove(&(at, timer));
        }
    }

    pub(super) fn runs(&self, timer: Timer) -> bool {
        self.by_name.contains_key(&timer)
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes the timer that ended first, if it ended by `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let (_, timer) = *self.by_time.first().filter(|(at, _)| *at <= now)?;
        self.stop(timer);
        Some(timer)
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }
}
