//! A peer: the retrieval server, the responder that tells of it, and the ageing of what it has.
//! Invariant: nothing is told to others before it can be fetched; all of it ends with one stop.
//! Byte order: none.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use peerdist::error::ApiMisuse;
use peerdist::retrieval::REQUEST_MAX_BYTES;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cache::{Cache, Discoverable};
use super::desk::RetrievalOptions;
use super::service::RetrievalService;
use crate::discovery::{ResponderOptions, ResponderService};
use crate::http::limits::{ServerLimits, ms};
use crate::http::server::{ServerOptions, serve};
use crate::net::interfaces::LocalInterface;
use crate::net::{Listener, Network};
use crate::world::offload;

/// What a peer is, besides its network and its cache.
#[derive(Debug, Clone)]
pub struct PeerOptions {
    /// Where blocks are served; port 0 takes one that is free.
    pub listen: SocketAddr,
    /// Where that is all addresses of IPv4: whether it is also all of IPv6, at the same port. A host without IPv6 does
    /// without.
    pub both_families: bool,
    /// Where probes are answered; without any nobody is told of this peer.
    pub interfaces: Vec<LocalInterface>,
    /// The retrieval server.
    pub retrieval: RetrievalOptions,
    /// The responder.
    pub responder: ResponderOptions,
    /// HTTP.
    pub http: ServerOptions,
    /// How often what is too old is dropped.
    pub expire_interval_ms: u64,
}

/// What a retrieval server puts up with: its requests are short, and its answers have the upload timer.
#[must_use]
pub fn http_limits(upload_timer_ms: u32) -> ServerLimits {
    let upload_ms = u64::from(upload_timer_ms);
    ServerLimits {
        body_bytes_most: REQUEST_MAX_BYTES,
        answer_head_ms: upload_ms,
        request_ms: upload_ms,
        progress_ms: upload_ms.min(5_000),
        stop_ms: upload_ms.min(5_000),
        ..ServerLimits::default()
    }
}

/// A peer that runs.
#[derive(Debug)]
pub struct Peer<C> {
    at: SocketAddr,
    addresses: Vec<SocketAddr>,
    service: RetrievalService<C>,
    tasks: TaskTracker,
}

impl<C: Cache> Peer<C> {
    /// Opens all sockets and starts to serve, until `stop`.
    ///
    /// # Errors
    /// Where sockets cannot be had or settings make no sense; then nothing runs.
    pub async fn start<N: Network>(
        network: &N,
        cache: Arc<C>,
        options: PeerOptions,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let misused = |ApiMisuse(why)| io::Error::new(io::ErrorKind::InvalidInput, why);
        let clock = options.retrieval.clock;
        let service =
            RetrievalService::new(Arc::clone(&cache), options.retrieval).map_err(misused)?;
        let listener = network.listen(options.listen).await?;
        let at = listener.local_addr()?;
        let mut addresses = served_at(at, &options.interfaces);
        let in_v6 = match options.both_families {
            true => beside(network, at).await,
            false => None,
        };
        if let Some((_, at)) = &in_v6 {
            addresses.extend(served_at(*at, &options.interfaces));
        }
        let responder = if options.interfaces.is_empty() {
            None
        } else {
            let holdings = Arc::new(Discoverable::new(Arc::clone(&cache), clock));
            let interfaces = &options.interfaces;
            let responder = options.responder;
            let bound =
                ResponderService::bind(network, interfaces, &addresses, holdings, responder);
            Some(bound.await?)
        };
        let tasks = TaskTracker::new();
        tasks.spawn(service.clone().watch(stop.clone()));
        if let Some((listener, _)) = in_v6 {
            let http = options.http.clone();
            tasks.spawn(serve(listener, service.clone(), http, stop.clone()));
        }
        tasks.spawn(serve(listener, service.clone(), options.http, stop.clone()));
        if let Some(responder) = responder {
            tasks.spawn(responder.run(stop.clone()));
        }
        let interval_ms = options.expire_interval_ms.max(1);
        tasks.spawn(async move {
            let mut interval = tokio::time::interval(ms(interval_ms));
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    _ = interval.tick() => {}
                }
                let cache = Arc::clone(&cache);
                let expired = offload(move || cache.expire(clock.now())).await;
                if let Ok(1..) = expired {
                    tracing::info!(segments = ?expired, "segments became too old");
                }
            }
        });
        tasks.close();
        Ok(Self {
            at,
            addresses,
            service,
            tasks,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.at
    }

    /// What others are told: where to fetch.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The retrieval server.
    #[must_use]
    pub const fn service(&self) -> &RetrievalService<C> {
        &self.service
    }

    /// Waits until all has ended, after the stop.
    pub async fn ended(self) {
        self.tasks.wait().await;
    }
}

/// A listener of IPv6 beside one that takes all addresses of IPv4.
async fn beside<N: Network>(network: &N, at: SocketAddr) -> Option<(N::TcpListener, SocketAddr)> {
    if at.ip() != IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
        return None;
    }
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, at.port()));
    match network.listen(v6).await {
        Ok(listener) => Some((listener, v6)),
        Err(error) => {
            tracing::info!(%error, "blocks are served over IPv4 alone");
            None
        }
    }
}

/// Where others can connect: the address that was listened on, or all of its family that the interfaces have.
fn served_at(at: SocketAddr, interfaces: &[LocalInterface]) -> Vec<SocketAddr> {
    if !at.ip().is_unspecified() {
        return vec![at];
    }
    let all = interfaces.iter().flat_map(|one| &one.addresses);
    all.filter(|(address, _)| address.is_ipv4() == at.is_ipv4())
        .map(|(address, _)| SocketAddr::new(*address, at.port()))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::net::Interface;

    use super::*;

    #[test]
    fn others_are_told_addresses_that_they_can_connect_to() {
        let local = LocalInterface {
            interface: Interface::default(),
            addresses: vec![
                ("192.0.2.7".parse().unwrap(), 24),
                ("2001:db8::7".parse().unwrap(), 64),
            ],
        };
        let told = |at: &str| served_at(at.parse().unwrap(), std::slice::from_ref(&local));
        assert_eq!(told("0.0.0.0:80"), ["192.0.2.7:80".parse().unwrap()]);
        assert_eq!(told("[::]:80"), ["[2001:db8::7]:80".parse().unwrap()]);
        assert_eq!(told("127.0.0.1:81"), ["127.0.0.1:81".parse().unwrap()]);
    }
}
