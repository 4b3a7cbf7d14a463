//! A hosted cache that runs: its servers, its machine, and the ageing of what it has.
//! Invariant: nothing is listened on before what the store holds is known; all of it ends with one stop.
//! Byte order: none.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use peerdist::error::ApiMisuse;
use peerdist::hosted_cache::server::Server;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::changes::Changes;
use super::desk::{Desk, HostedCacheStatus};
use super::fetching::Fetcher;
use super::options::HostedCacheOptions;
use super::restoring::restore;
use super::service::HostedCacheService;
use crate::clock::Clock;
use crate::http::client::Client;
use crate::http::limits::ms;
use crate::http::server::serve;
use crate::net::{Listener, Network};
use crate::peer::RetrievalService;
use crate::store::{Store, StoreError};
use crate::world::offload;

/// Why a hosted cache does not run.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum StartError {
    /// A socket cannot be had.
    #[error("cannot listen on {at}: {source}")]
    Listen { at: SocketAddr, source: io::Error },
    /// What the store holds cannot be told.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Settings that make no sense.
    #[error("{0}")]
    Settings(String),
}

/// A hosted cache that runs.
#[derive(Debug)]
pub struct HostedCache {
    http: SocketAddr,
    https: Option<SocketAddr>,
    status: watch::Receiver<HostedCacheStatus>,
    retrieval: RetrievalService<Store>,
    tasks: TaskTracker,
}

impl HostedCache {
    /// Opens all sockets and starts to serve, until `stop`.
    ///
    /// # Errors
    /// [`StartError`]; then nothing runs.
    pub async fn start<N: Network>(
        network: &N,
        store: Store,
        options: HostedCacheOptions,
        stop: CancellationToken,
    ) -> Result<Self, StartError> {
        let misused = |ApiMisuse(why)| StartError::Settings(why.to_owned());
        let clock = options.retrieval.clock;
        // Before the store is looked through: what goes meanwhile is looked at once more.
        let changes = Changes::of(&store);
        let machine = machine(&store, &options, clock).await?;
        let cache = Arc::new(store.clone());
        let retrieval =
            RetrievalService::new(Arc::clone(&cache), options.retrieval).map_err(misused)?;
        let (plain, http) = listen(network, options.http).await?;
        let (secure, https) = match options.https {
            Some(at) if options.https_server.tls.is_none() => {
                let why = format!("{at} is to speak TLS, and there is no certificate");
                return Err(StartError::Settings(why));
            }
            Some(at) => listen(network, at)
                .await
                .map(|(one, at)| (Some(one), Some(at)))?,
            None => (None, None),
        };
        let fetcher = Fetcher {
            client: Client::new(network.clone(), None, options.fetching.http),
            store: store.clone(),
            limits: options.fetching,
            clock,
            counters: Arc::clone(&options.counters),
        };
        let (desk, endings) = Desk::new(machine, store, fetcher, clock, stop.child_token());
        let status = desk.status();
        let (asking, asked) = mpsc::channel(options.requests_waiting_most.max(1));
        let tasks = TaskTracker::new();
        tasks.spawn(desk.run(asked, endings, changes));
        tasks.spawn(retrieval.clone().watch(stop.clone()));
        // The desk ends when the last of these is gone.
        let service = HostedCacheService {
            desk: asking,
            retrieval: retrieval.clone(),
            counters: options.counters,
        };
        if let Some(secure) = secure {
            let service = service.clone();
            tasks.spawn(serve(secure, service, options.https_server, stop.clone()));
        }
        tasks.spawn(serve(plain, service, options.http_server, stop.clone()));
        tasks.spawn(expire(cache, clock, options.expire_interval_ms, stop));
        tasks.close();
        Ok(Self {
            http,
            https,
            status,
            retrieval,
            tasks,
        })
    }

    /// Where version 2.0 and the retrieval protocol are spoken.
    #[must_use]
    pub const fn http_addr(&self) -> SocketAddr {
        self.http
    }

    /// Where version 1.0 is spoken, if it is.
    #[must_use]
    pub const fn https_addr(&self) -> Option<SocketAddr> {
        self.https
    }

    /// How it stands, now and later.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<HostedCacheStatus> {
        self.status.clone()
    }

    /// The retrieval server.
    #[must_use]
    pub const fn retrieval(&self) -> &RetrievalService<Store> {
        &self.retrieval
    }

    /// Waits until all has ended, after the stop; all that came is on the disk then.
    pub async fn ended(self) {
        self.tasks.wait().await;
    }
}

async fn listen<N: Network>(
    network: &N,
    at: SocketAddr,
) -> Result<(N::TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { at, source };
    let listener = network.listen(at).await.map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    Ok((listener, at))
}

/// A machine that knows what the store holds.
async fn machine(
    store: &Store,
    options: &HostedCacheOptions,
    clock: Clock,
) -> Result<Server, StartError> {
    let store = store.clone();
    let mut machine = Server::new(options.settings);
    let restored = offload(move || {
        let restored = restore(&mut machine, &store, clock.now());
        restored.map(|restored| (machine, restored))
    });
    let restored = restored.await;
    let (machine, restored) =
        restored.map_err(|error| StartError::Settings(error.to_string()))??;
    tracing::info!(segments = restored.known, "held from before");
    if restored.left_out > 0 {
        let segments = restored.left_out;
        tracing::warn!(
            segments,
            "held from before and served, but fetched again when they are offered: segments_known_max is less"
        );
    }
    Ok(machine)
}

async fn expire(store: Arc<Store>, clock: Clock, interval_ms: u64, stop: CancellationToken) {
    let mut interval = tokio::time::interval(ms(interval_ms.max(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        let store = Arc::clone(&store);
        let expired = offload(move || store.expire(clock.now()));
        match expired.await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(segments)) => tracing::info!(segments, "segments became too old"),
            Ok(Err(error)) => tracing::warn!(%error, "the store cannot drop what is too old"),
        }
    }
}
