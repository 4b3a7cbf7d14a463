//! Who is asked next: one queue a client, served in turn, so that a client of many offers cannot keep others waiting.
//! Invariant: no client and not all of them together ever have more waiting or in flight than the settings allow.
//! Byte order: none.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};

use super::ServerSettings;
use crate::hosted_cache::SegmentKey;

/// A segment to be fetched, and where from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub(super) key: SegmentKey,
    pub(super) from: SocketAddr,
}

#[derive(Debug, Default)]
struct Load {
    segments: u32,
    bytes: u64,
}

impl Load {
    const fn has_room(&self, cost: u64, segments_max: u32, bytes_max: u64) -> bool {
        self.segments < segments_max
            && (self.segments == 0 || self.bytes.saturating_add(cost) <= bytes_max)
    }

    const fn add(&mut self, cost: u64) {
        self.segments += 1;
        self.bytes = self.bytes.saturating_add(cost);
    }

    const fn remove(&mut self, cost: u64) {
        self.segments = self.segments.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(cost);
    }
}

#[derive(Debug, Default)]
struct Client {
    waiting: VecDeque<Job>,
    load: Load,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    clients: BTreeMap<IpAddr, Client>,
    /// The clients that have something waiting, each once.
    turns: VecDeque<IpAddr>,
    waiting: usize,
    load: Load,
}

/// Nothing more can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    ForClient,
    ForAll,
}

/// The address by which a client is told from others, whichever way it was written.
const fn client_of(from: SocketAddr) -> IpAddr {
    from.ip().to_canonical()
}

impl Queue {
    pub(super) fn push(&mut self, settings: &ServerSettings, job: Job) -> Result<(), Full> {
        if self.waiting >= settings.segments_queued_total {
            return Err(Full::ForAll);
        }
        let address = client_of(job.from);
        let waiting = self
            .clients
            .get(&address)
            .map_or(0, |client| client.waiting.len());
        if waiting >= settings.segments_queued_per_client {
            return Err(Full::ForClient);
        }
        if waiting == 0 {
            self.turns.push_back(address);
        }
        let client = self.clients.entry(address).or_default();
        client.waiting.push_back(job);
        self.waiting += 1;
        Ok(())
    }

    /// The next job that the limits allow, counted as in flight, and what it costs.
    pub(super) fn start(
        &mut self,
        settings: &ServerSettings,
        cost_of: impl Fn(&Job) -> u64,
    ) -> Option<(Job, u64)> {
        for _ in 0..self.turns.len() {
            let address = self.turns.pop_front()?;
            let client = self.clients.get_mut(&address)?;
            let job = *client.waiting.front()?;
            let cost = cost_of(&job);
            if !self.load.has_room(
                cost,
                settings.segments_in_flight_total,
                settings.bytes_in_flight_total,
            ) {
                // Whose turn it is waits for room: a smaller segment of another would be let in for ever.
                self.turns.push_front(address);
                return None;
            }
            let may_start = client.load.has_room(
                cost,
                settings.segments_in_flight_per_client,
                settings.bytes_in_flight_per_client,
            );
            if may_start {
                client.waiting.pop_front();
                self.waiting -= 1;
                client.load.add(cost);
                self.load.add(cost);
            }
            if !client.waiting.is_empty() {
                self.turns.push_back(address);
            }
            if may_start {
                return Some((job, cost));
            }
        }
        None
    }

    pub(super) fn end(&mut self, from: SocketAddr, cost: u64) {
        self.load.remove(cost);
        let address = client_of(from);
        if let Some(client) = self.clients.get_mut(&address) {
            client.load.remove(cost);
            if client.load.segments == 0 && client.waiting.is_empty() {
                self.clients.remove(&address);
            }
        }
    }
}
