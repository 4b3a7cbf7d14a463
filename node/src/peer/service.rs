//! MS-PCCRR 2.1.1: retrieval over HTTP, as a tower service: POST to one path, a message there and a message back.
//! Invariant: every request gets a message under 200, or an empty answer under an error that closes the connection.
//! Byte order: none.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError};
use peerdist::content::SegmentId;
use peerdist::error::ApiMisuse;
use peerdist::retrieval::server::Answer;
use peerdist::retrieval::{MessageType, Request as Message, RequestBody as Asked, matches_path};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::body::RetrievalBody;
use super::cache::Cache;
use super::desk::{Desk, Open, RetrievalOptions, Step};
use crate::activity::Outcome;
use crate::http::RequestBody;
use crate::world::offload;

/// Longer messages ask for so many segments that looking them up may take milliseconds.
const INLINE_BYTES_MOST: usize = 4_096;

/// The retrieval server. Clones are the same server.
pub struct RetrievalService<C>(Arc<Desk<C>>);

impl<C> Clone for RetrievalService<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for RetrievalService<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RetrievalService")
    }
}

impl<C: Cache> RetrievalService<C> {
    /// A server of what is in a cache.
    ///
    /// # Errors
    /// [`ApiMisuse`] for settings that make no sense.
    pub fn new(cache: Arc<C>, options: RetrievalOptions) -> Result<Self, ApiMisuse> {
        Desk::new(cache, options).map(|desk| Self(Arc::new(desk)))
    }

    /// Watches the timers of the protocol until `stop`. It has to run beside the server.
    pub async fn watch(self, stop: CancellationToken) {
        self.0.watch(stop).await;
    }

    /// How many clients are being served at this moment.
    #[must_use]
    pub fn active_clients(&self) -> u32 {
        self.0.active_clients()
    }
}

impl<C: Cache> Service<Request<RequestBody>> for RetrievalService<C> {
    type Response = Response<RetrievalBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let desk = Arc::clone(&self.0);
        Box::pin(async move { Ok(desk.answer(request).await) })
    }
}

impl<C: Cache> Desk<C> {
    async fn answer(self: Arc<Self>, request: Request<RequestBody>) -> Response<RetrievalBody> {
        self.counters.requests.add(1);
        if matches_path(request.uri().path()).is_none() {
            return refused(StatusCode::NOT_FOUND);
        }
        if request.method() != Method::POST {
            let mut response = refused(StatusCode::METHOD_NOT_ALLOWED);
            let allowed = HeaderValue::from_static("POST");
            response.headers_mut().insert(header::ALLOW, allowed);
            return response;
        }
        let message = match request.into_body().collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                self.counters.rejected.add(1);
                return refused(StatusCode::PAYLOAD_TOO_LARGE);
            }
            Err(_) => return refused(StatusCode::REQUEST_TIMEOUT),
        };
        let step = if message.len() > INLINE_BYTES_MOST {
            let desk = Arc::clone(&self);
            let message = message.clone();
            let taken = offload(move || desk.take(&message)).await;
            taken.unwrap_or(Step::Discard)
        } else {
            self.take(&message)
        };
        let sent = match step {
            Step::Send(answer, open) => Some((answer, open, Vec::new())),
            Step::Encrypt(op, open) => {
                let block = self.encrypted(&op).await;
                self.with_block(open, block)
            }
            Step::Load(op, open) => {
                let segment = message_segment(&message);
                let block = match segment {
                    Some(id) => self.load(id, op.source.index, op.length as usize).await,
                    None => None,
                };
                let whole = block.filter(|bytes| bytes.len() == op.length as usize);
                self.with_block(open, whole)
            }
            Step::Discard => None,
        };
        match sent {
            Some((answer, open, payload)) => {
                self.count(&answer, &payload);
                let outcome = outcome(&answer, payload.len() as u64);
                let mut response = Response::new(RetrievalBody::of(&answer, payload, open));
                let kind = HeaderValue::from_static("application/octet-stream");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response.extensions_mut().insert(outcome);
                response
            }
            None => refused(StatusCode::BAD_REQUEST),
        }
    }

    fn with_block(
        self: &Arc<Self>,
        open: Open<C>,
        block: Option<Vec<u8>>,
    ) -> Option<(Answer, Option<Open<C>>, Vec<u8>)> {
        if block.is_none() {
            self.counters.blocks_lost.add(1);
        }
        let (answer, open) = self.prepared(open, block.is_some())?;
        Some((answer, open, block.unwrap_or_default()))
    }

    fn count(&self, answer: &Answer, payload: &[u8]) {
        self.counters.answers.add(1);
        if !payload.is_empty() {
            self.counters.blocks.add(1);
            self.counters.block_bytes.add(payload.len() as u64);
        }
        if answer.message_type() == MessageType::BLKLIST {
            self.counters.block_lists.add(1);
        }
    }
}

/// What administrators are told of an answer; the id is of BranchCacheMonitoring.
fn outcome(answer: &Answer, block_bytes: u64) -> Outcome {
    const BLOCK_REQUEST: u16 = 113;
    let of = |what, why, event_id| Outcome {
        what,
        why,
        spared_bytes: block_bytes,
        event_id,
    };
    match answer.message_type() {
        MessageType::BLK if block_bytes == 0 => of("no block", "block-not-held", BLOCK_REQUEST),
        MessageType::BLK => of("block", "", BLOCK_REQUEST),
        MessageType::BLKLIST => of("block list", "", 0),
        MessageType::SEGLIST => of("segment list", "", 0),
        _ => of("other message", "", 0),
    }
}

/// The segment of a request for a block, which the machine has taken already.
fn message_segment(message: &[u8]) -> Option<SegmentId> {
    match Message::decode(message).ok()?.body {
        Asked::Blocks(body) => Some(body.segment),
        _ => None,
    }
}

fn refused(status: StatusCode) -> Response<RetrievalBody> {
    let mut response = Response::new(RetrievalBody::default());
    *response.status_mut() = status;
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}
