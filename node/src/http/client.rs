//! Requests to servers over a bounded pool of connections, HTTP/1.1, with or without TLS.
//! Invariant: a request ends within named times; a connection is used again only after a whole response.
//! Byte order: none.

mod direct;
mod target;

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderValue, Request, Response, Uri, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::BoxError;
use super::limits::{ClientLimits, ms};
use super::paced_body::Paced;
use super::pool::{Host, Pool};
use crate::net::Network;

pub(crate) use direct::Answer;
pub(crate) use target::{Target, Zone};

/// The body of a request.
pub type ClientRequestBody = UnsyncBoxBody<Bytes, BoxError>;

/// How long a connection that was kept may take to be ready again before a new one is made.
const READY_PATIENCE: Duration = Duration::from_millis(50);

/// A body without bytes.
#[must_use]
pub fn no_body() -> ClientRequestBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Why there is no response.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum ClientError {
    /// Not an address of a web server.
    #[error("{uri} is no address of a web server; expected http://HOST/… or https://HOST/…")]
    Uri { uri: Uri },
    /// There is no TLS for this client.
    #[error("{uri} needs TLS, which is not set up")]
    NoTls { uri: Uri },
    /// The name has no address.
    #[error("cannot find the host {host}: {source}")]
    Lookup { host: String, source: io::Error },
    /// No connection.
    #[error("cannot connect to {host}, port {port}: {source}")]
    Connect {
        host: String,
        port: u16,
        source: io::Error,
    },
    /// Time is up.
    #[error("{host} did not answer within {limit_ms} ms ({what})")]
    Timeout {
        host: String,
        what: &'static str,
        limit_ms: u64,
    },
    /// All connections are in use.
    #[error("all {most} connections to {host} are in use")]
    Busy { host: String, most: usize },
    /// What came is no response.
    #[error("no response from {host}: {source}")]
    Protocol { host: String, source: hyper::Error },
}

impl ClientError {
    /// Whether time ran out, rather than something failing.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Busy { .. })
    }
}

/// The client.
#[derive(Clone)]
pub struct Client<N> {
    shared: Arc<Shared<N>>,
}

struct Shared<N> {
    network: N,
    tls: Option<TlsConnector>,
    limits: ClientLimits,
    pool: Arc<Pool<Kept>>,
    /// Hosts that answer messages as only hyper understands.
    unusual: Mutex<BTreeSet<Host>>,
}

/// A connection that waits for its next request.
enum Kept {
    /// With hyper's task behind it.
    Http(Sender),
    /// As the network gave it.
    Bare(Box<dyn Bare>),
}

trait Bare: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Bare for S {}

type Sender = SendRequest<ClientRequestBody>;

impl<N> std::fmt::Debug for Client<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}

impl<N: Network> Client<N> {
    /// A client without connections; without `tls` it speaks http only.
    pub fn new(network: N, tls: Option<Arc<rustls::ClientConfig>>, limits: ClientLimits) -> Self {
        let shared = Shared {
            network,
            tls: tls.map(TlsConnector::from),
            limits,
            pool: Arc::default(),
            unusual: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Sends a request with an absolute URI. `Host` is added where it is missing.
    ///
    /// # Errors
    /// [`ClientError`] where no head of a response comes.
    pub async fn request(
        &self,
        mut request: Request<ClientRequestBody>,
    ) -> Result<Response<ClientBody>, ClientError> {
        let Shared { limits, pool, .. } = &*self.shared;
        let zone = request.extensions().get::<Zone>().copied();
        let host = host_of(request.uri(), zone.unwrap_or_default())?;
        make_relative(&mut request);
        let permit = self.permit(&host).await?;
        let (response, sender) = timeout(ms(limits.head_ms), self.exchange(&host, request))
            .await
            .map_err(|_| ClientError::Timeout {
                host: host.name.clone(),
                what: "the head of its response",
                limit_ms: limits.head_ms,
            })??;
        let pool = Arc::clone(pool);
        let back = Box::new(move || {
            if !sender.is_closed() {
                pool.give(&host, Kept::Http(sender), permit);
            }
        });
        Ok(response.map(|body| ClientBody {
            inner: Paced::new(body, limits.progress_bytes_least, limits.progress_ms),
            back: Some(back),
        }))
    }

    /// The right to have a connection to a host in use.
    async fn permit(&self, host: &Host) -> Result<OwnedSemaphorePermit, ClientError> {
        let Shared { limits, pool, .. } = &*self.shared;
        let most = limits.connections_by_host_most;
        let busy = || ClientError::Busy {
            host: host.name.clone(),
            most,
        };
        let permits = pool
            .permits(host, most, limits.hosts_most)
            .map_err(|_| busy())?;
        timeout(ms(limits.connection_wait_ms), permits.acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())
    }

    async fn exchange(
        &self,
        host: &Host,
        mut request: Request<ClientRequestBody>,
    ) -> Result<(Response<Incoming>, Sender), ClientError> {
        let Shared { limits, pool, .. } = &*self.shared;
        loop {
            let kept = pool.take(host, ms(limits.idle_ms));
            let is_kept = kept.is_some();
            let mut sender = match kept {
                Some(Kept::Http(mut kept)) => match timeout(READY_PATIENCE, kept.ready()).await {
                    Ok(Ok(())) => kept,
                    _ => continue,
                },
                Some(Kept::Bare(_)) => continue,
                None => self.connect(host, self.connect_slowly(host)).await?,
            };
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, sender)),
                Err(mut failed) => match failed.take_message() {
                    // The server closed a connection that was kept before it saw anything of the request.
                    Some(unsent) if is_kept => request = unsent,
                    _ => {
                        return Err(ClientError::Protocol {
                            host: host.name.clone(),
                            source: failed.into_error(),
                        });
                    }
                },
            }
        }
    }

    async fn connect<T>(
        &self,
        host: &Host,
        connecting: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let limits = &self.shared.limits;
        self.shared.pool.sweep(ms(limits.idle_ms));
        timeout(ms(limits.connect_ms), connecting)
            .await
            .unwrap_or_else(|_| {
                Err(ClientError::Timeout {
                    host: host.name.clone(),
                    what: "connecting",
                    limit_ms: limits.connect_ms,
                })
            })
    }

    async fn connect_slowly(&self, host: &Host) -> Result<Sender, ClientError> {
        let stream = self.dial(host).await?;
        if !host.tls {
            return self.shake_hands(host, stream).await;
        }
        let failed = |source| ClientError::Connect {
            host: host.name.clone(),
            port: host.port,
            source,
        };
        let tls = self.shared.tls.as_ref().ok_or_else(|| ClientError::NoTls {
            uri: Uri::default(),
        })?;
        let server = ServerName::try_from(host.name.trim_matches(['[', ']']).to_owned())
            .map_err(|error| failed(io::Error::other(error)))?;
        let stream = tls.connect(server, stream).await.map_err(failed)?;
        self.shake_hands(host, stream).await
    }

    async fn dial(&self, host: &Host) -> Result<N::TcpStream, ClientError> {
        let name = || host.name.clone();
        let found = self.shared.network.lookup(&host.name, host.port).await;
        let addresses = found.map_err(|source| ClientError::Lookup {
            host: name(),
            source,
        })?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "it has no address");
        for address in addresses {
            match self
                .shared
                .network
                .connect(host.zone.put_into(address))
                .await
            {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(ClientError::Connect {
            host: name(),
            port: host.port,
            source: last,
        })
    }

    async fn shake_hands<S>(&self, host: &Host, stream: S) -> Result<Sender, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.shared.limits;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(limits.head_bytes_most.max(8_192))
            .max_headers(limits.head_fields_most)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| ClientError::Protocol {
                host: host.name.clone(),
                source,
            })?;
        // It ends when its sender and its last body are gone, or the server closes it.
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a connection to a server ended with an error");
            }
        });
        Ok(sender)
    }
}

fn host_of(uri: &Uri, zone: Zone) -> Result<Host, ClientError> {
    let wrong = || ClientError::Uri { uri: uri.clone() };
    let tls = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => false,
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        _ => return Err(wrong()),
    };
    let name = uri
        .host()
        .filter(|name| !name.is_empty())
        .ok_or_else(wrong)?;
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    Ok(Host {
        tls,
        name: name.to_ascii_lowercase(),
        port,
        zone,
    })
}

/// To the server goes the path alone; the host goes into its own field.
fn make_relative(request: &mut Request<ClientRequestBody>) {
    let authority = request.uri().authority().map(|a| a.as_str().to_owned());
    let path = request.uri().path_and_query().cloned();
    if let Some(host) = authority.and_then(|host| {
        let without_user = host
            .rsplit_once('@')
            .map_or(host.as_str(), |(_, host)| host);
        HeaderValue::from_str(without_user).ok()
    }) {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    *request.version_mut() = Version::HTTP_11;
}

/// The body of a response. Read to its end it gives the connection back; dropped before, it closes it.
pub struct ClientBody {
    inner: Paced<Incoming>,
    /// Gives the connection back.
    back: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl std::fmt::Debug for ClientBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBody").finish_non_exhaustive()
    }
}

impl ClientBody {
    fn give_back(&mut self) {
        if let Some(back) = self.back.take() {
            back();
        }
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        if self.inner.is_end_stream() {
            self.give_back();
        }
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            None => self.give_back(),
            Some(Err(_)) => self.back = None,
            Some(Ok(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
