//! The content server: content from memory behind node's layer, with content information made before anybody asks.
//! Invariant: an entity tag says which bytes they are, so that none depends on where or when it runs.
//! Byte order: none.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Full};
use peerdist::content::{SecretKey, Version};
use peerdist::http_encoding::{Ask, Asked, ClientSettings};
use peerdist_node::content_server::{ContentInfos, PeerDistLayer, Settings};
use peerdist_node::http::server::{ServerOptions, serve};
use peerdist_node::net::Network;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tower_layer::Layer;
use tower_service::Service;

use super::network::HostNetwork;
use super::wires::now;

const PORT: u16 = 80;

/// Where a content is fetched.
pub(super) fn url(origin: IpAddr, content: usize) -> String {
    format!("http://{origin}/content/{content}")
}

#[derive(Debug, Clone)]
struct Stored {
    bytes: Bytes,
    tag: String,
}

/// Contents from memory.
#[derive(Debug, Clone)]
struct Contents {
    stored: Arc<Vec<Stored>>,
    changes: Arc<Vec<Change>>,
}

/// A content is had under the name of another from a moment on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub(super) at_ns: u64,
    pub(super) content: usize,
    pub(super) becomes: usize,
}

/// The content that is had under a name at a moment.
pub(super) fn current(changes: &[Change], content: usize, at_ns: u64) -> usize {
    let made = changes.iter();
    let mut made = made.filter(|change| change.content == content && change.at_ns <= at_ns);
    made.next_back().map_or(content, |change| change.becomes)
}

impl<A> Service<Request<A>> for Contents {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let number = request.uri().path().strip_prefix("/content/");
        let stored = number.and_then(|number| {
            let number = current(&self.changes, number.parse().ok()?, now());
            self.stored.get(number)
        });
        ready(Ok(match stored {
            Some(stored) => answer(stored, request.headers()),
            None => bare(StatusCode::NOT_FOUND),
        }))
    }
}

fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn answer(stored: &Stored, asked: &HeaderMap) -> Response<Full<Bytes>> {
    let field = |name| asked.get(name).and_then(|value| value.to_str().ok());
    if field(header::IF_MATCH).is_some_and(|tag| tag != stored.tag) {
        return bare(StatusCode::PRECONDITION_FAILED);
    }
    let total = stored.bytes.len();
    let (status, body, range) = match field(header::RANGE).map(|range| part(range, total)) {
        None => (StatusCode::OK, stored.bytes.clone(), None),
        Some(Some((first, last))) => (
            StatusCode::PARTIAL_CONTENT,
            stored.bytes.slice(first..=last),
            Some(format!("bytes {first}-{last}/{total}")),
        ),
        Some(None) => return bare(StatusCode::RANGE_NOT_SATISFIABLE),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut set = |name, value: &str| {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, &stored.tag);
    set(header::ACCEPT_RANGES, "bytes");
    set(header::CONTENT_TYPE, "application/octet-stream");
    if let Some(range) = range {
        set(header::CONTENT_RANGE, &range);
    }
    response
}

/// One range, as clients of node ask for them.
fn part(range: &str, total: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let end = total.checked_sub(1)?;
    let last = match last {
        "" => end,
        last => last.parse::<usize>().ok()?.min(end),
    };
    (first <= last).then_some((first, last))
}

/// The content server, until `stop`.
pub(super) async fn run(
    network: HostNetwork,
    contents: Vec<Bytes>,
    changes: Vec<Change>,
    versions: Vec<Version>,
    seed: [u8; 32],
    stop: CancellationToken,
) -> turmoil::Result {
    let settings = Settings {
        cache_memory_bytes_most: u64::MAX,
        ..Settings::default()
    };
    let infos = ContentInfos::open(settings, SecretKey::new(&seed[..])?, Arc::default())?;
    let count = contents.len();
    let stored = contents.into_iter().map(|bytes| {
        let digest = Sha256::digest(&bytes);
        let digits = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        let tag = format!("\"{}\"", digits.collect::<String>());
        Stored { bytes, tag }
    });
    let contents = Contents {
        stored: Arc::new(stored.collect()),
        changes: Arc::new(changes),
    };
    let mut service = PeerDistLayer::new(infos).layer(contents);
    for content in 0..count {
        for version in &versions {
            make_information(&mut service, network.address, content, *version).await?;
        }
    }
    let at = SocketAddr::new(network.address, PORT);
    let listener = network.listen(at).await?;
    serve(listener, service, ServerOptions::default(), stop).await;
    Ok(())
}

/// Asks as a client would, and takes the whole body: it is hashed as it passes.
async fn make_information<S, B>(
    service: &mut S,
    origin: IpAddr,
    content: usize,
    version: Version,
) -> turmoil::Result
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: BodyExt,
    B::Error: std::fmt::Debug,
{
    let ask = Ask {
        asked: Asked::Content(None),
        settings: ClientSettings {
            content_information: version,
            ..ClientSettings::default()
        },
    };
    // By host and path it is known whose content information it is.
    let mut request =
        Request::get(format!("/content/{content}")).header(header::HOST, origin.to_string());
    for field in ask.fields("") {
        let mut value = Vec::new();
        field.value.encode_into(&mut value);
        request = request.header(field.name, value);
    }
    let Ok(response) = service.call(request.body(Empty::new())?).await;
    if let Err(error) = BodyExt::collect(response.into_body()).await {
        return Err(format!("content {content} cannot be hashed: {error:?}").into());
    }
    Ok(())
}
