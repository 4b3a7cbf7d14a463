//! Connections accepted, bounded and served by a tower service.
//! Invariant: no failure of a connection, of the service or of accept ends the server; only its stop does.
//! Byte order: none.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::BoxError;
use super::answer::{RequestBody, answer};
use super::connections::{Connections, Place, Refused};
use super::limits::{ServerLimits, ms};
use super::paced::Paced;
use super::tunnel::Seat;
use super::witness::Witness;
use crate::activity::Activity;
use crate::counters::HttpCounters;
use crate::net::Listener;
use crate::world;

pub use super::answer::Via;

/// How long accepting pauses when the system has no more files or memory for connections.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";

/// What a server is, besides its listener and its service.
#[derive(Clone, Default)]
pub struct ServerOptions {
    /// TLS for every connection.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The limits.
    pub limits: ServerLimits,
    /// What is counted.
    pub counters: Arc<HttpCounters>,
    /// Where each request is remembered, if anywhere.
    pub activity: Option<Arc<Activity>>,
}

impl std::fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerOptions")
            .field("tls", &self.tls.is_some())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Serves until `stop`, then lets requests end for as long as the limits allow.
pub async fn serve<L, S, B>(
    listener: L,
    service: S,
    options: ServerOptions,
    stop: CancellationToken,
) where
    L: Listener,
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let acceptor = options.tls.clone().map(TlsAcceptor::from);
    let connections = Arc::new(Connections::default());
    let tasks = TaskTracker::new();
    let cut_off = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let place = match connections.admit(from.ip(), &options.limits) {
            Ok(place) => place,
            Err(refused) => {
                options.counters.connections_refused.add(1);
                refuse(stream, from, refused, acceptor.is_some()).await;
                continue;
            }
        };
        options.counters.connections.add(1);
        let connection = Connection {
            place: Arc::new(place),
            from,
            options: options.clone(),
            stop: stop.clone(),
            cut_off: cut_off.clone(),
            tasks: tasks.clone(),
        };
        let (acceptor, service) = (acceptor.clone(), service.clone());
        tasks.spawn(async move {
            match acceptor {
                Some(acceptor) => connection.serve_tls(acceptor, stream, service).await,
                None => connection.serve(stream, false, service).await,
            }
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(ms(options.limits.stop_ms), tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!(connections = connections.count(), "cut off at the stop");
        cut_off.cancel();
        tasks.wait().await;
    }
}

/// Errors of one connection are its own; those of the whole system pass, but not within microseconds.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    let is_of_one = matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    );
    if !is_of_one {
        tracing::warn!(%error, "cannot accept a connection");
        tokio::time::sleep(EXHAUSTED_PAUSE).await;
    }
}

async fn refuse<S: AsyncWrite + Unpin>(
    mut stream: S,
    from: SocketAddr,
    why: Refused,
    is_tls: bool,
) {
    tracing::debug!(%from, ?why, "a connection was refused");
    if !is_tls {
        // A new connection has room for so few bytes; whether they arrive is not waited for.
        let said = tokio::time::timeout(Duration::ZERO, stream.write_all(FULL));
        let _ = said.await;
    }
}

struct Connection {
    place: Arc<Place>,
    from: SocketAddr,
    options: ServerOptions,
    stop: CancellationToken,
    cut_off: CancellationToken,
    tasks: TaskTracker,
}

impl Connection {
    async fn serve_tls<I, S, B>(self, acceptor: TlsAcceptor, stream: I, service: S)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let limit = ms(self.options.limits.tls_handshake_ms);
        let shaken = tokio::select! {
            biased;
            () = self.place.end.cancelled() => return,
            () = self.stop.cancelled() => return,
            shaken = tokio::time::timeout(limit, acceptor.accept(stream)) => shaken,
        };
        match shaken {
            Ok(Ok(stream)) => self.serve(stream, true, service).await,
            Ok(Err(error)) => tracing::debug!(from = %self.from, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(from = %self.from, "a TLS handshake took too long"),
        }
    }

    async fn serve<I, S, B>(self, stream: I, tls: bool, service: S)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let limits = self.options.limits;
        let via = Via {
            from: self.from,
            tls,
        };
        let paced = Paced::new(stream, Arc::clone(&self.place.phase), self.options.limits);
        let counters = Arc::clone(&self.options.counters);
        let phase = Arc::clone(&self.place.phase);
        let activity = self.options.activity.clone();
        let seat = Seat::new(&self.place, &self.tasks, &self.stop);
        let answering = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(seat.clone());
            counters.requests.add(1);
            let witness = Witness::of(&request, via, activity.clone());
            let answered = answer(service.clone(), request, via, Arc::clone(&phase), limits);
            async {
                let mut answered = answered.await;
                if world::is_simulated() {
                    // hyper would tell the time of the machine.
                    let now = httpdate::fmt_http_date(world::system_time());
                    if let (Ok(now), header::Entry::Vacant(date)) =
                        (now.parse(), answered.headers_mut().entry(header::DATE))
                    {
                        date.insert(now);
                    }
                }
                witness.note(&answered);
                Ok::<_, std::convert::Infallible>(answered)
            }
        });
        let mut connection = std::pin::pin!(
            http1::Builder::new()
                // Heads are timed where all waits are, in `Paced`.
                .header_read_timeout(None)
                .max_buf_size(limits.head_bytes_most.max(8_192))
                .max_headers(limits.head_fields_most)
                .serve_connection(TokioIo::new(paced), answering)
                .with_upgrades()
        );
        let ended = tokio::select! {
            biased;
            () = self.place.end.cancelled() => return,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    biased;
                    () = self.cut_off.cancelled() => return,
                    ended = connection.as_mut() => ended,
                }
            }
            ended = connection.as_mut() => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(from = %self.from, %error, "a connection ended with an error");
        }
    }
}
