//! A forward proxy that listens, and the service that answers its programs.
//! Invariant: fields of one connection never reach the other; a failure of an origin is an answer, 502 or 504.
//! Byte order: none.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, request};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::body::ForwardBody;
use super::described::{self, is_eligible, remove_peerdist};
use super::options::ForwardOptions;
use super::target::{Own, Refused};
use super::tunnels;
use crate::get::announced::{Understood, ask, understand};
use crate::http::BoxError;
use crate::http::client::{Client, ClientBody, ClientError, ClientRequestBody, no_body};
use crate::http::hop_by_hop::remove_hop_by_hop;
use crate::http::server::serve;
use crate::http::tunnel::Seat;
use crate::net::{Listener, Network};

/// A forward proxy that runs.
#[derive(Debug)]
pub struct ForwardProxy {
    at: SocketAddr,
    tasks: TaskTracker,
}

impl ForwardProxy {
    /// Listens and serves, until `stop`.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub async fn start<N: Network>(
        network: &N,
        options: ForwardOptions,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let listener = network.listen(options.listen).await?;
        let at = listener.local_addr()?;
        let http = options.http.clone();
        let service = ForwardService::new(network.clone(), at, options);
        let tasks = TaskTracker::new();
        tasks.spawn(serve(listener, service, http, stop));
        tasks.close();
        Ok(Self { at, tasks })
    }

    /// Where programs connect.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.at
    }

    /// Waits until all has ended, after the stop.
    pub async fn ended(self) {
        self.tasks.wait().await;
    }
}

/// Answers programs.
#[derive(Debug, Clone)]
pub struct ForwardService<N> {
    shared: Arc<Shared<N>>,
}

/// What all requests have in common.
#[derive(Debug)]
pub(super) struct Shared<N> {
    pub(super) network: N,
    pub(super) options: ForwardOptions,
    pub(super) own: Own,
    pub(super) client: Client<N>,
    pub(super) peer_client: Client<N>,
    pub(super) downloads: AtomicU64,
    permits: Arc<Semaphore>,
}

impl<N: Network> ForwardService<N> {
    /// At the address where it is reached.
    pub fn new(network: N, at: SocketAddr, options: ForwardOptions) -> Self {
        let shared = Shared {
            own: Own::new(at, &options.seed),
            client: Client::new(network.clone(), None, options.limits.origin),
            peer_client: Client::new(network.clone(), options.tls.clone(), options.settings.peers),
            downloads: AtomicU64::new(0),
            permits: Arc::new(Semaphore::new(options.limits.downloads_most)),
            network,
            options,
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl<N, B> Service<Request<B>> for ForwardService<N>
where
    N: Network,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ForwardBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let answered = answer(&shared, request).await;
            Ok(answered.unwrap_or_else(|refused| {
                shared.options.counters.refused.add(1);
                said(refused)
            }))
        })
    }
}

async fn answer<N, B>(
    shared: &Arc<Shared<N>>,
    request: Request<B>,
) -> Result<Response<ForwardBody>, Refused>
where
    N: Network,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    shared.own.refuse_loop(request.headers())?;
    if *request.method() == Method::CONNECT {
        return tunnels::connect(shared, request).await;
    }
    shared.own.origin(request.method(), request.uri())?;
    let wanted = tunnels::wanted(request.headers());
    if wanted.is_none() && is_eligible(&request) {
        let (mut parts, _) = request.into_parts();
        shared.prepare(&mut parts.headers);
        return get(shared, parts).await;
    }
    let (mut parts, body) = request.into_parts();
    let seat = parts.extensions.remove::<Seat>();
    let here = parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    shared.prepare(&mut parts.headers);
    if let Some(protocol) = wanted {
        tunnels::want(&mut parts.headers, protocol);
    }
    let body = body.map_err(Into::into).boxed_unsync();
    let response = shared.send(parts, body).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(tunnels::switch(shared, seat.zip(here), response));
    }
    Ok(shared.pass(response))
}

/// A request that may be answered by content information.
async fn get<N: Network>(
    shared: &Arc<Shared<N>>,
    parts: request::Parts,
) -> Result<Response<ForwardBody>, Refused> {
    let Ok(permit) = Arc::clone(&shared.permits).try_acquire_owned() else {
        return shared.pass_on(&parts).await;
    };
    let settings = &shared.options.settings;
    let mut headers = parts.headers.clone();
    ask(&mut headers, settings);
    let asking = copy(&parts, headers);
    let response = shared.send(asking, no_body()).await?;
    let (client, uri, program) = (&shared.client, &parts.uri, &parts.headers);
    // What is left of the head once the body was read.
    let mut head = Response::new(());
    *head.status_mut() = response.status();
    head.headers_mut().clone_from(response.headers());
    match understand(client, uri, program, response, settings).await {
        Understood::Passing(mut response) => {
            remove_peerdist(response.headers_mut());
            return Ok(shared.pass(*response));
        }
        Understood::Announced(announced) => {
            let (head, ()) = head.into_parts();
            let url = uri.to_string();
            let answered = described::answer(shared, *announced, head, url, permit).await;
            if let Some(response) = answered {
                return Ok(response);
            }
        }
        Understood::Unusable => drop(permit),
    }
    shared.pass_on(&parts).await
}

fn copy(parts: &request::Parts, headers: HeaderMap) -> request::Parts {
    let mut request = Request::new(());
    request.method_mut().clone_from(&parts.method);
    request.uri_mut().clone_from(&parts.uri);
    *request.headers_mut() = headers;
    request.into_parts().0
}

impl<N: Network> Shared<N> {
    /// The fields of a program's request as the origin sees them.
    fn prepare(&self, headers: &mut HeaderMap) {
        self.clean(headers);
        // The body was asked for when it was promised; the origin need not promise it again.
        headers.remove(header::EXPECT);
        // The client writes it, out of the address.
        headers.remove(header::HOST);
    }

    /// The fields of a message on its next connection.
    pub(super) fn clean(&self, headers: &mut HeaderMap) {
        remove_hop_by_hop(headers);
        self.own.add_via(headers);
    }

    async fn send(
        &self,
        mut parts: request::Parts,
        body: ClientRequestBody,
    ) -> Result<Response<ClientBody>, Refused> {
        let host = parts.uri.authority().map(ToString::to_string);
        parts.extensions.clear();
        let request = Request::from_parts(parts, body);
        let response = self.client.request(request).await;
        response.map_err(|error: ClientError| {
            let status = match error.is_timeout() {
                true => StatusCode::GATEWAY_TIMEOUT,
                false => StatusCode::BAD_GATEWAY,
            };
            tracing::debug!(host, %error, "no answer of an origin");
            (status, format!("peerdist: {error}\n"))
        })
    }

    /// As it comes.
    fn pass(&self, response: Response<ClientBody>) -> Response<ForwardBody> {
        self.options.counters.passed.add(1);
        let (mut parts, body) = response.into_parts();
        self.clean(&mut parts.headers);
        let counters = Arc::clone(&self.options.counters);
        Response::from_parts(parts, ForwardBody::passing(body, counters))
    }

    /// Without content information.
    async fn pass_on(&self, parts: &request::Parts) -> Result<Response<ForwardBody>, Refused> {
        let plain = copy(parts, parts.headers.clone());
        Ok(self.pass(self.send(plain, no_body()).await?))
    }
}

pub(super) fn said((status, text): Refused) -> Response<ForwardBody> {
    let mut response = Response::new(ForwardBody::text(text));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
