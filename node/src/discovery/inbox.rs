//! Datagrams from sockets to the one task that reads them.
//! Invariant: a datagram that is too fast, too long, from elsewhere or too many is dropped before it is copied.
//! Byte order: none.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use peerdist::discovery::Subnet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::limits::DiscoveryLimits;
use super::rate::Rate;
use crate::clock::Clock;
use crate::counters::DiscoveryCounters;
use crate::http::limits::ms;
use crate::net::Datagrams;

/// One that was taken.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    pub(super) bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// From whom datagrams are taken.
#[derive(Debug)]
pub(super) enum Senders {
    /// From everybody: the machine judges.
    All,
    /// From neighbours on these subnets, but not from these sockets of our own.
    Neighbours {
        subnets: Vec<Subnet>,
        own: Vec<SocketAddr>,
    },
}

/// Where datagrams of all sockets go in.
#[derive(Debug, Clone)]
pub(super) struct Inbox {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Datagram>,
}

#[derive(Debug)]
struct Shared {
    limits: DiscoveryLimits,
    clock: Clock,
    rate: Mutex<Rate>,
    senders: Senders,
    room: Arc<Semaphore>,
    counters: Arc<DiscoveryCounters>,
}

impl Inbox {
    pub(super) fn new(
        limits: DiscoveryLimits,
        clock: Clock,
        senders: Senders,
        counters: Arc<DiscoveryCounters>,
    ) -> (Self, mpsc::Receiver<Datagram>) {
        let (queue, taken) = mpsc::channel(limits.waiting_datagrams_most.max(1));
        let shared = Shared {
            limits,
            clock,
            rate: Mutex::new(Rate::new(&limits)),
            senders,
            room: Arc::new(Semaphore::new(limits.waiting_bytes_most)),
            counters,
        };
        let shared = Arc::new(shared);
        (Self { shared, queue }, taken)
    }

    /// Takes datagrams from a socket until `stop`, or until nobody reads them any more.
    pub(super) async fn fill_from<S: Datagrams>(self, socket: Arc<S>, stop: CancellationToken) {
        let most = self.shared.limits.datagram_bytes_most;
        // One byte more, so that what is too long shows.
        let mut buffer = vec![0; most.saturating_add(1)];
        loop {
            let received = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.queue.closed() => return,
                received = socket.recv_from(&mut buffer) => received,
            };
            match received {
                Ok((length, from)) => self.take(from, buffer.get(..length).unwrap_or_default()),
                Err(error) => {
                    // Such as the word of a neighbour that an answer found nobody.
                    tracing::debug!(%error, "a socket of discovery failed to receive");
                    self.shared.counters.socket_errors.add(1);
                    tokio::time::sleep(ms(self.shared.limits.socket_error_pause_ms)).await;
                }
            }
        }
    }

    fn take(&self, from: SocketAddr, bytes: &[u8]) {
        let shared = &*self.shared;
        let counters = &*shared.counters;
        counters.datagrams.add(1);
        if !shared.senders.has(from) {
            counters.dropped_foreign.add(1);
            return;
        }
        let mut rate = shared.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let is_admitted = rate.admits(shared.clock.now(), from.ip());
        drop(rate);
        if !is_admitted {
            counters.dropped_rate.add(1);
            return;
        }
        if bytes.len() > shared.limits.datagram_bytes_most {
            counters.dropped_too_long.add(1);
            return;
        }
        let cost = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&shared.room).try_acquire_many_owned(cost.max(1));
        let Ok(room) = room else {
            counters.dropped_full.add(1);
            return;
        };
        let datagram = Datagram {
            from,
            bytes: bytes.to_vec(),
            _room: room,
        };
        if self.queue.try_send(datagram).is_err() {
            counters.dropped_full.add(1);
        }
    }
}

impl Senders {
    fn has(&self, from: SocketAddr) -> bool {
        let Self::Neighbours { subnets, own } = self else {
            return true;
        };
        let address = from.ip().to_canonical();
        let is_link_local = match address {
            std::net::IpAddr::V4(v4) => v4.is_link_local(),
            std::net::IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        let is_own = |one: &SocketAddr| one.port() == from.port() && one.ip() == address;
        let is_near = is_link_local || subnets.iter().any(|subnet| subnet.contains(address));
        is_near && !own.iter().any(is_own)
    }
}
