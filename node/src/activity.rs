//! What happened lately on the servers of this process, and who asked: for administrators.
//! Invariant: memory is bounded whatever clients do; queries of URLs and secrets are never kept.
//! Byte order: none.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Limits of what is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityLimits {
    /// Requests.
    pub visits_most: usize,
    /// Clients that are told apart; the one that was here longest ago makes room for a new one.
    pub clients_most: usize,
    /// Bytes of a path; the rest is cut off.
    pub path_bytes_most: usize,
}

impl Default for ActivityLimits {
    fn default() -> Self {
        Self {
            visits_most: 1_000,
            clients_most: 1_000,
            path_bytes_most: 256,
        }
    }
}

/// Extension of an answer by which a service says what it was, beyond its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// What the answer was: `content information`, `block`, ….
    pub what: &'static str,
    /// Why it was not what the client hoped for; empty where it was.
    pub why: &'static str,
    /// Bytes of content that it spares the server, where it does.
    pub spared_bytes: u64,
    /// The id of the event of BranchCacheMonitoring that it is, or 0.
    pub event_id: u16,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Visit {
    /// Counts up from 1.
    pub number: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The client.
    pub from: IpAddr,
    /// The method.
    pub method: String,
    /// The path, without a query.
    pub path: String,
    /// The status code.
    pub status: u16,
    /// Bytes of the answer, where they were known at its head.
    pub bytes: Option<u64>,
    /// See [`Outcome::what`].
    pub what: &'static str,
    /// See [`Outcome::why`].
    pub why: &'static str,
    /// See [`Outcome::spared_bytes`].
    pub spared_bytes: u64,
}

/// What one client did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ClientTotals {
    /// Requests.
    pub requests: u64,
    /// Bytes of answers, as known at their heads.
    pub bytes: u64,
    /// See [`Outcome::spared_bytes`].
    pub spared_bytes: u64,
    /// Answers that were not what the client hoped for.
    pub missed: u64,
    /// The last request, in milliseconds since 1970.
    pub last_ms: u64,
}

/// What a server tells of one request.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The client.
    pub from: SocketAddr,
    /// The method.
    pub method: &'a str,
    /// The path, without a query.
    pub path: &'a str,
    /// The status code.
    pub status: u16,
    /// Bytes of the answer, where they are known.
    pub bytes: Option<u64>,
    /// What the service says of it.
    pub outcome: Option<Outcome>,
}

/// What happened lately.
#[derive(Debug, Default)]
pub struct Activity {
    limits: ActivityLimits,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    count: u64,
    visits: VecDeque<Visit>,
    clients: BTreeMap<IpAddr, ClientTotals>,
}

impl Activity {
    /// Nothing so far.
    #[must_use]
    pub fn new(limits: ActivityLimits) -> Self {
        Self {
            limits,
            kept: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Each change is whole before the lock goes.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers one request.
    pub fn note(&self, seen: &Seen<'_>) {
        let at_ms = now_ms();
        let from = seen.from.ip().to_canonical();
        let outcome = seen.outcome;
        let visit = Visit {
            number: 0,
            at_ms,
            from,
            method: cut(seen.method, self.limits.path_bytes_most),
            path: cut(seen.path, self.limits.path_bytes_most),
            status: seen.status,
            bytes: seen.bytes,
            what: outcome.map_or("", |outcome| outcome.what),
            why: outcome.map_or("", |outcome| outcome.why),
            spared_bytes: outcome.map_or(0, |outcome| outcome.spared_bytes),
        };
        let mut kept = self.lock();
        if !kept.clients.contains_key(&from) && kept.clients.len() >= self.limits.clients_most {
            let oldest = kept.clients.iter().min_by_key(|(_, totals)| totals.last_ms);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                kept.clients.remove(&oldest);
            }
        }
        let totals = kept.clients.entry(from).or_default();
        totals.requests += 1;
        totals.bytes = totals.bytes.saturating_add(visit.bytes.unwrap_or(0));
        totals.spared_bytes = totals.spared_bytes.saturating_add(visit.spared_bytes);
        totals.missed += u64::from(!visit.why.is_empty());
        totals.last_ms = at_ms;
        kept.count += 1;
        let number = kept.count;
        while kept.visits.len() >= self.limits.visits_most.max(1) {
            kept.visits.pop_front();
        }
        kept.visits.push_back(Visit { number, ..visit });
    }

    /// The latest requests behind a number, the newest first, at most so many.
    #[must_use]
    pub fn latest(&self, after: u64, most: usize) -> Vec<Visit> {
        let kept = self.lock();
        let newest = kept.visits.iter().rev();
        newest
            .take_while(|visit| visit.number > after)
            .take(most)
            .cloned()
            .collect()
    }

    /// Clients, those with the most requests first, at most so many; and how many there are.
    #[must_use]
    pub fn clients(&self, most: usize) -> (Vec<(IpAddr, ClientTotals)>, usize) {
        let kept = self.lock();
        let mut all: Vec<_> = kept.clients.iter().map(|(a, t)| (*a, *t)).collect();
        drop(kept);
        let count = all.len();
        all.sort_by_key(|(address, totals)| (std::cmp::Reverse(totals.requests), *address));
        all.truncate(most);
        (all, count)
    }
}

/// Milliseconds since 1970.
#[must_use]
pub(crate) fn now_ms() -> u64 {
    crate::store::wall_clock().as_nanos() / 1_000_000
}

fn cut(text: &str, most: usize) -> String {
    text.get(..text.floor_char_boundary(most))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(from: &str, path: &'static str) -> Seen<'static> {
        Seen {
            from: from.parse().unwrap(),
            method: "GET",
            path,
            status: 200,
            bytes: Some(10),
            outcome: None,
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_newest() {
        let activity = Activity::new(ActivityLimits {
            visits_most: 3,
            clients_most: 2,
            path_bytes_most: 4,
        });
        for number in 1..=5 {
            activity.note(&seen(&format!("10.0.0.{number}:1"), "/äöü"));
        }
        let latest = activity.latest(0, 10);
        let numbers: Vec<u64> = latest.iter().map(|visit| visit.number).collect();
        assert_eq!(numbers, [5, 4, 3]);
        assert_eq!(latest.first().unwrap().path, "/ä");
        assert_eq!(activity.latest(4, 10).len(), 1);
        let (clients, count) = activity.clients(10);
        assert_eq!((clients.len(), count), (2, 2));
    }

    #[test]
    fn totals_of_a_client_are_sums_also_when_it_comes_over_both_families() {
        let activity = Activity::default();
        let miss = Outcome {
            what: "content",
            why: "window",
            spared_bytes: 0,
            event_id: 0,
        };
        activity.note(&seen("10.0.0.1:1", "/a"));
        activity.note(&Seen {
            outcome: Some(miss),
            ..seen("[::ffff:10.0.0.1]:2", "/b")
        });
        let (clients, _) = activity.clients(1);
        let (address, totals) = clients.first().unwrap();
        assert_eq!(address.to_string(), "10.0.0.1");
        assert_eq!((totals.requests, totals.bytes, totals.missed), (2, 20, 1));
    }
}
