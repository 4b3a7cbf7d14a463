//! MS-PCCRTP 3.2 as a tower layer: any service answers with content information where a client asks for it.
//! Invariant: without a request for it, or with anything unclear, the answer is what the service gave.
//! Byte order: none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header, response};
use http_body::Body;
use peerdist::content::{ContentInfo, ContentRange, Version};
use peerdist::http_encoding::{self as pccrtp, Answer, Availability, Decision, Delivery, Resource};
use tower_layer::Layer;
use tower_service::Service;

use super::body::PeerDistBody;
use super::content_infos::{ContentInfos, ContentKey, PeerDistSource};
use super::request_fields::Asked;
use super::response_fields::{self, Extent};
use crate::activity::Outcome;
use crate::counters::{ContentCounters, NOT_ELIGIBLE};
use crate::world::system_time;

/// Gives a service the content encoding, as a layer for compression gives it compression.
///
/// A response gets content information when the client asks for it, the response may be transformed and stored, and
/// its ETag or Last-Modified tells its state. Where the response says by [`PeerDistSource`] that it is a file, the
/// file is hashed; other bodies are hashed as they pass, and the next request gets content information.
///
/// It goes outermost, around authorization: the service decides of every request whether it is answered at all.
///
/// `examples/axum.rs` puts it around a router of axum.
#[derive(Debug, Clone)]
pub struct PeerDistLayer {
    infos: Arc<ContentInfos>,
}

impl PeerDistLayer {
    /// With the content information of a server.
    #[must_use]
    pub const fn new(infos: Arc<ContentInfos>) -> Self {
        Self { infos }
    }
}

impl<S> Layer<S> for PeerDistLayer {
    type Service = PeerDist<S>;

    fn layer(&self, inner: S) -> PeerDist<S> {
        PeerDist {
            inner,
            infos: Arc::clone(&self.infos),
        }
    }
}

/// A service with the content encoding.
#[derive(Debug, Clone)]
pub struct PeerDist<S> {
    inner: S,
    infos: Arc<ContentInfos>,
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<S, A, B> Service<Request<A>> for PeerDist<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<PeerDistBody<B>>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let asked = Asked::take(&mut parts);
        let answered = self.inner.call(Request::from_parts(parts, body));
        let infos = Arc::clone(&self.infos);
        Box::pin(async move {
            let response = match answered.await {
                Ok(response) => response,
                Err(error) => return Err(error),
            };
            Ok(encode(&infos, &asked, response).await)
        })
    }
}

/// What is known of the content of a response.
struct Content {
    key: ContentKey,
    extent: Extent,
    source: Option<PeerDistSource>,
}

async fn encode<B>(
    infos: &Arc<ContentInfos>,
    asked: &Asked,
    response: Response<B>,
) -> Response<PeerDistBody<B>>
where
    B: Body<Data = Bytes>,
{
    let (mut parts, body) = response.into_parts();
    let counters = infos.counters();
    counters.answers.add(1);
    let bytes = body.size_hint().exact().unwrap_or(0);
    let is_asking = asked.method == Method::GET || asked.method == Method::HEAD;
    if !is_asking || !response_fields::may_be_coded(&parts) {
        note_plain(counters, &mut parts, NOT_ELIGIBLE, bytes);
        return Response::from_parts(parts, PeerDistBody::plain(body));
    }
    response_fields::add_vary(&mut parts.headers);
    if parts.status == StatusCode::NOT_MODIFIED && asked.has_coded_tag {
        response_fields::code_tag(&mut parts.headers, infos.settings().entity_tags);
    }
    let Some(content) = content_of(asked, &parts, body.size_hint().exact()) else {
        note_plain(counters, &mut parts, NOT_ELIGIBLE, bytes);
        return Response::from_parts(parts, PeerDistBody::plain(body));
    };
    let (decision, information) = decide(infos, asked, &parts, &content).await;
    if let Some(information) = information {
        counters.encoded.add(1);
        counters.encoded_bytes.add(information.len() as u64);
        let described_bytes = decision.range().map_or(0, |range| range.length);
        counters.described_bytes.add(described_bytes);
        parts.extensions.insert(Outcome {
            what: "content information",
            why: "",
            spared_bytes: described_bytes.saturating_sub(information.len() as u64),
            event_id: PEERDIST_REQUEST,
        });
        let coded = Some(information.len() as u64);
        response_fields::write(&mut parts.headers, &decision, coded);
        response_fields::code_tag(&mut parts.headers, infos.settings().entity_tags);
        return Response::from_parts(parts, PeerDistBody::information(information));
    }
    response_fields::write(&mut parts.headers, &decision, None);
    let mut hashing = None;
    match decision.answer {
        Answer::MakeHashRequest(version) => {
            counters.make_hash_requests.add(1);
            counters.make_hash_bytes.add(bytes);
            parts
                .extensions
                .insert(missed("hashes-not-made-yet", PEERDIST_REQUEST));
            match content.source {
                Some(source) => infos.make_later(version, source),
                None => {
                    hashing = infos.hash_passing(version, content.key, content.extent.total);
                }
            }
        }
        Answer::MissingData => {
            counters.missing_data_requests.add(1);
            counters.missing_data_bytes.add(bytes);
            let outcome = missed("not-in-the-branch", MISSING_DATA_REQUEST);
            parts.extensions.insert(outcome);
        }
        Answer::Plain(reason) => note_plain(counters, &mut parts, reason.name(), bytes),
        // Without content information it was decided anew.
        Answer::ContentInformation(_) => {}
    }
    Response::from_parts(parts, PeerDistBody::passing(body, hashing))
}

/// Events of BranchCacheMonitoring: requests that are of PeerDist, that are not, and for what the branch misses.
const PLAIN_REQUEST: u16 = 201;
const PEERDIST_REQUEST: u16 = 202;
const MISSING_DATA_REQUEST: u16 = 203;

const fn missed(why: &'static str, event_id: u16) -> Outcome {
    Outcome {
        what: "content",
        why,
        spared_bytes: 0,
        event_id,
    }
}

fn note_plain(
    counters: &ContentCounters,
    response: &mut response::Parts,
    why: &'static str,
    bytes: u64,
) {
    counters.plain.add(why);
    counters.plain_bytes.add(bytes);
    // Of an error there is nothing that could have come from elsewhere.
    if response.status.is_success() {
        response.extensions.insert(missed(why, PLAIN_REQUEST));
    }
}

fn content_of(
    asked: &Asked,
    response: &response::Parts,
    body_bytes: Option<u64>,
) -> Option<Content> {
    if asked.method != Method::GET {
        return None;
    }
    let extent = Extent::of(response, body_bytes)?;
    if let Some(source) = response.extensions.get::<PeerDistSource>() {
        return (source.identity.length() == extent.total).then(|| Content {
            key: ContentKey::of_file(&source.identity),
            extent,
            source: Some(source.clone()),
        });
    }
    let validator = response_fields::validator(&response.headers)?;
    let total = extent.total.to_le_bytes();
    let key = ContentKey::of_parts(&[b"http", &asked.host, &asked.path, validator, &total]);
    Some(Content {
        key,
        extent,
        source: None,
    })
}

/// The decision, and content information where it is the answer.
async fn decide(
    infos: &Arc<ContentInfos>,
    asked: &Asked,
    response: &response::Parts,
    content: &Content,
) -> (Decision, Option<Bytes>) {
    let fields = asked.fields(response.status == StatusCode::PARTIAL_CONTENT);
    let request = pccrtp::Request {
        method: asked.method.as_str().as_bytes(),
        http: asked.http,
        fields: &fields,
    };
    let field = |name| response.headers.get(name).map(http::HeaderValue::as_bytes);
    let mut resource = Resource {
        length: content.extent.total,
        etag: field(header::ETAG),
        last_modified: field(header::LAST_MODIFIED),
        v1: availability(infos, Version::V1, content),
        v2: availability(infos, Version::V2, content),
    };
    loop {
        let decision = infos.settings().negotiation.decide(&request, &resource);
        let Answer::ContentInformation(version) = decision.answer else {
            return (decision, None);
        };
        // Another part than the service sent: what core would describe is not what the other fields are about.
        if decision.delivery == content.extent.delivery
            && let Some(information) = information(infos, version, content, &decision).await
        {
            return (decision, Some(information));
        }
        match version {
            Version::V1 => resource.v1 = Availability::Never,
            Version::V2 => resource.v2 = Availability::Never,
        }
    }
}

fn availability(infos: &Arc<ContentInfos>, version: Version, content: &Content) -> Availability {
    let settings = infos.settings();
    let total = content.extent.total;
    if total < settings.content_bytes_least {
        return Availability::Never;
    }
    if infos.is_there(version, content.key) {
        return Availability::Ready;
    }
    if !infos.can_come(version, content.key) {
        return Availability::Never;
    }
    match &content.source {
        Some(source) if total <= settings.at_hand_bytes_most => {
            if source.identity.is_rested(system_time()) {
                Availability::AtHand
            } else {
                Availability::Later
            }
        }
        Some(_) => Availability::Later,
        None if total <= settings.streamed_bytes_most
            && content.extent.delivery == Delivery::Whole =>
        {
            Availability::Later
        }
        None => Availability::Never,
    }
}

async fn information(
    infos: &Arc<ContentInfos>,
    version: Version,
    content: &Content,
    decision: &Decision,
) -> Option<Bytes> {
    let kept = infos.get(version, content.key).await;
    let counters = infos.counters();
    let whole = match (kept, &content.source) {
        (Some(kept), _) => {
            counters.hash_cache_hits.add(1);
            kept
        }
        (None, Some(source)) if content.extent.total <= infos.settings().at_hand_bytes_most => {
            counters.hash_cache_misses.add(1);
            infos.make_now(version, source.clone()).await?
        }
        (None, _) => return None,
    };
    if let Some(source) = &content.source
        && !source.is_unchanged()
    {
        return None;
    }
    let range = decision.range()?;
    let info = ContentInfo::decode(&whole).ok()?;
    // What is kept for content of this length describes all of it, or is not for this content.
    let all = ContentRange {
        start: 0,
        length: content.extent.total,
    };
    if info.range() != all || info.version() != version {
        return None;
    }
    if range == all {
        return Some(whole);
    }
    info.restrict(range).ok().map(Bytes::from)
}
