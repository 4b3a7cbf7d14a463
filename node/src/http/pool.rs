//! Connections of a client that wait for their next request, by host.
//! Invariant: to one host never more connections than the limit; hosts without any are forgotten first.
//! Byte order: none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::client::Zone;

/// A host as connections know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Host {
    pub(super) tls: bool,
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) zone: Zone,
}

/// The pool of connections of type `C`.
#[derive(Debug)]
pub(super) struct Pool<C>(Mutex<BTreeMap<Host, OfHost<C>>>);

impl<C> Default for Pool<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[derive(Debug)]
struct OfHost<C> {
    permits: Arc<Semaphore>,
    most: usize,
    idle: VecDeque<(Instant, C)>,
}

impl<C> OfHost<C> {
    fn is_unused(&self) -> bool {
        self.idle.is_empty() && self.permits.available_permits() == self.most
    }
}

/// There are as many hosts as may be remembered, and all are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooManyHosts;

impl<C> Pool<C> {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Host, OfHost<C>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose permits are the right to have a connection in use.
    pub(super) fn permits(
        &self,
        host: &Host,
        most: usize,
        hosts_most: usize,
    ) -> Result<Arc<Semaphore>, TooManyHosts> {
        let mut hosts = self.lock();
        if !hosts.contains_key(host) && hosts.len() >= hosts_most {
            hosts.retain(|_, of_host| !of_host.is_unused());
            if hosts.len() >= hosts_most {
                return Err(TooManyHosts);
            }
        }
        let of_host = hosts.entry(host.clone()).or_insert_with(|| OfHost {
            permits: Arc::new(Semaphore::new(most)),
            most,
            idle: VecDeque::new(),
        });
        Ok(Arc::clone(&of_host.permits))
    }

    /// The connection that waited least, and not longer than `idle`.
    pub(super) fn take(&self, host: &Host, idle: Duration) -> Option<C> {
        let mut hosts = self.lock();
        let waiting = &mut hosts.get_mut(host)?.idle;
        let now = Instant::now();
        while waiting
            .front()
            .is_some_and(|(since, _)| *since + idle <= now)
        {
            waiting.pop_front();
        }
        waiting.pop_back().map(|(_, connection)| connection)
    }

    /// Keeps a connection for the next request.
    pub(super) fn give(&self, host: &Host, connection: C, permit: OwnedSemaphorePermit) {
        if let Some(of_host) = self.lock().get_mut(host)
            && of_host.idle.len() < of_host.most
        {
            of_host.idle.push_back((Instant::now(), connection));
        }
        drop(permit);
    }

    /// Closes what waited longer than `idle`.
    pub(super) fn sweep(&self, idle: Duration) {
        let now = Instant::now();
        for of_host in self.lock().values_mut() {
            of_host.idle.retain(|(since, _)| *since + idle > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host {
            tls: false,
            name: name.to_owned(),
            port: 80,
            zone: Zone::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_latest_connection_is_taken_first_and_old_ones_are_closed() {
        let pool = Pool::default();
        let idle = Duration::from_secs(30);
        let permits = pool.permits(&host("a"), 4, 4).unwrap();
        for number in 0..3 {
            let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
            pool.give(&host("a"), number, permit);
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        assert_eq!(pool.take(&host("a"), idle), Some(2));
        assert_eq!(pool.take(&host("b"), idle), None);
        pool.sweep(Duration::from_secs(15));
        assert_eq!(pool.take(&host("a"), idle), None);
        assert_eq!(permits.available_permits(), 4);
    }

    #[tokio::test]
    async fn hosts_without_connections_are_forgotten_when_there_are_too_many() {
        let pool: Pool<u8> = Pool::default();
        let one = pool.permits(&host("a"), 1, 2).unwrap();
        let permit = one.acquire_owned().await.unwrap();
        pool.permits(&host("b"), 1, 2).unwrap();
        let third = pool.permits(&host("c"), 1, 2).unwrap();
        let _held = third.acquire_owned().await.unwrap();
        let fourth = pool.permits(&host("d"), 1, 2);
        assert_eq!(fourth.unwrap_err(), TooManyHosts);
        drop(permit);
        assert!(pool.permits(&host("d"), 1, 2).is_ok());
    }
}
