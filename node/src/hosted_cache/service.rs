//! MS-PCHC 2.1: the two paths of the protocol as a tower service, and retrieval beside them.
//! Invariant: every request gets a message under 200, or an empty answer that closes the connection.
//! Byte order: none.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Either, Full, LengthLimitError};
use peerdist::hosted_cache::{Response as Message, Routed, Scheme, route};
use tokio::sync::{mpsc, oneshot};
use tower_service::Service;

use super::desk::{Asked, Reply};
use crate::counters::HostedCacheCounters;
use crate::http::RequestBody;
use crate::http::server::Via;
use crate::peer::{RetrievalBody, RetrievalService};
use crate::store::Store;

/// Stands in the extensions of a request whose client authenticated itself: a layer in front of this service that
/// speaks SPNEGO (RFC 4559) puts it there. Without such a layer a cache that wants it answers every offer with 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authenticated;

/// The body of an answer.
pub type HostedBody = Either<RetrievalBody, Full<Bytes>>;

/// The service. Clones are the same cache.
#[derive(Clone)]
pub struct HostedCacheService {
    pub(super) desk: mpsc::Sender<Asked>,
    pub(super) retrieval: RetrievalService<Store>,
    pub(super) counters: Arc<HostedCacheCounters>,
}

impl fmt::Debug for HostedCacheService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostedCacheService")
    }
}

impl Service<Request<RequestBody>> for HostedCacheService {
    type Response = Response<HostedBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let via = request.extensions().get::<Via>().copied();
        let is_tls = via.is_some_and(|via| via.tls);
        let scheme = if is_tls { Scheme::Https } else { Scheme::Http };
        let routed = route(scheme, request.uri().path());
        match (routed, via) {
            (Some(routed), Some(via)) => {
                let (desk, counters) = (self.desk.clone(), Arc::clone(&self.counters));
                Box::pin(async move { Ok(offer(desk, &counters, request, routed, via).await) })
            }
            // Blocks are asked for without TLS: they are encrypted themselves.
            _ if is_tls => Box::pin(async { Ok(refused(StatusCode::NOT_FOUND)) }),
            _ => {
                let answered = self.retrieval.call(request);
                Box::pin(async { answered.await.map(|response| response.map(Either::Left)) })
            }
        }
    }
}

async fn offer(
    desk: mpsc::Sender<Asked>,
    counters: &HostedCacheCounters,
    request: Request<RequestBody>,
    routed: Routed,
    via: Via,
) -> Response<HostedBody> {
    counters.requests.add(1);
    if request.method() != Method::POST {
        let mut response = refused(StatusCode::METHOD_NOT_ALLOWED);
        let allowed = HeaderValue::from_static("POST");
        response.headers_mut().insert(header::ALLOW, allowed);
        return response;
    }
    let is_authenticated = request.extensions().get::<Authenticated>().is_some();
    let message = match request.into_body().collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            counters.rejected.add(1);
            return refused(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Err(_) => return refused(StatusCode::REQUEST_TIMEOUT),
    };
    let (reply, replied) = oneshot::channel();
    let asked = Asked {
        from: via.from,
        version: routed.version,
        quirks: routed.quirks,
        is_authenticated,
        message,
        reply,
    };
    if desk.try_send(asked).is_err() {
        counters.turned_away.add(1);
        return refused(StatusCode::SERVICE_UNAVAILABLE);
    }
    match replied.await {
        Ok(Reply::Code(code)) => {
            let body = Bytes::copy_from_slice(&Message { code }.to_bytes());
            let mut response = Response::new(Either::Right(Full::new(body)));
            let kind = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Ok(Reply::Unauthorized) => {
            // The connection stays: who authenticates itself does so over the same one.
            let mut response = Response::new(Either::Right(Full::default()));
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let negotiate = HeaderValue::from_static("Negotiate");
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, negotiate);
            response
        }
        Ok(Reply::Dropped) => refused(StatusCode::BAD_REQUEST),
        Err(_) => refused(StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn refused(status: StatusCode) -> Response<HostedBody> {
    let mut response = Response::new(Either::Right(Full::default()));
    *response.status_mut() = status;
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}
