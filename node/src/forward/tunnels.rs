//! RFC 9110 9.3.6 and 7.8: CONNECT, and requests that become another protocol.
//! Invariant: a tunnel leads to a port that is allowed, and never to this proxy.
//! Byte order: none.

use std::future::ready;
use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

use super::body::ForwardBody;
use super::proxy::{Shared, said};
use super::target::{Refused, tunnel};
use crate::http::client::ClientBody;
use crate::http::limits::ms;
use crate::http::tunnel::Seat;
use crate::net::Network;

/// Connects, and carries bytes from then on.
pub(super) async fn connect<N: Network, B>(
    shared: &Arc<Shared<N>>,
    mut request: Request<B>,
) -> Result<Response<ForwardBody>, Refused> {
    let (host, port) = tunnel(request.uri(), &shared.options.tunnel_ports)?;
    let failed = |status, why: &dyn std::fmt::Display| {
        tracing::debug!(host, port, %why, "no tunnel");
        (status, format!("No tunnel to {host}:{port}: {why}\n"))
    };
    let connecting = async {
        let found = shared.network.lookup(&host, port).await;
        let found = found.map_err(|error| failed(StatusCode::BAD_GATEWAY, &error))?;
        let mut last = failed(StatusCode::BAD_GATEWAY, &"it has no address");
        for address in found {
            shared.own.refuse_address(address)?;
            match shared.network.connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = failed(StatusCode::BAD_GATEWAY, &error),
            }
        }
        Err(last)
    };
    let limit = ms(shared.options.limits.tunnel_connect_ms);
    let stream = tokio::time::timeout(limit, connecting).await;
    let stream =
        stream.map_err(|_| failed(StatusCode::GATEWAY_TIMEOUT, &"it did not answer in time"))??;
    let seat = request.extensions_mut().remove::<Seat>();
    let here = hyper::upgrade::on(&mut request);
    start(shared, seat, here, ready(Ok(stream)));
    Ok(Response::new(ForwardBody::text(String::new())))
}

fn start<N: Network, T>(
    shared: &Arc<Shared<N>>,
    seat: Option<Seat>,
    here: hyper::upgrade::OnUpgrade,
    there: impl Future<Output = std::io::Result<T>> + Send + 'static,
) where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + 'static,
{
    let counters = Arc::clone(&shared.options.counters);
    counters.tunnels.add(1);
    if let Some(seat) = seat {
        let idle_ms = shared.options.limits.tunnel_idle_ms;
        let carried = move |bytes| counters.tunnel_bytes.add(bytes);
        seat.tunnel(here, there, idle_ms, carried);
    }
}

/// What a request wants to become, other than HTTP/2: programs that ask for that take HTTP/1.1 as well.
pub(super) fn wanted(headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = headers.get(header::UPGRADE)?;
    let is_h2 = wanted.as_bytes().to_ascii_lowercase().starts_with(b"h2");
    (!is_h2).then(|| wanted.clone())
}

/// Says so in the fields of the next connection.
pub(super) fn want(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

/// The origin agreed: what both say from now on is theirs.
pub(super) fn switch<N: Network>(
    shared: &Arc<Shared<N>>,
    here: Option<(Seat, hyper::upgrade::OnUpgrade)>,
    mut response: Response<ClientBody>,
) -> Response<ForwardBody> {
    let (Some((seat, here)), Some(protocol)) = (here, wanted(response.headers())) else {
        return said((
            StatusCode::BAD_GATEWAY,
            "The server switched to another protocol, which nobody had asked it for.\n".to_owned(),
        ));
    };
    let there = hyper::upgrade::on(&mut response);
    let there = async move {
        let upgraded = there.await.map_err(std::io::Error::other)?;
        Ok(TokioIo::new(upgraded))
    };
    start(shared, Some(seat), here, there);
    let (mut parts, _) = response.into_parts();
    shared.clean(&mut parts.headers);
    want(&mut parts.headers, protocol);
    parts.extensions.clear();
    Response::from_parts(parts, ForwardBody::text(String::new()))
}
