//! One request of a connection: the service called within its time, and its answer followed to the last byte.
//! Invariant: a service that fails, hangs or refuses still leaves the client with an answer.
//! Byte order: none.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Limited;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::BoxError;
use super::limits::{ServerLimits, ms};
use super::paced::Phase;
use super::paced_body::Paced;

/// The body of a request: bounded in size and in time.
pub type RequestBody = Paced<Limited<Incoming>>;

/// Over which connection a request came; stands in its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via {
    /// The client's address.
    pub from: SocketAddr,
    /// Whether it came over TLS.
    pub tls: bool,
}

pin_project! {
    /// The body of an answer, or a short text of our own.
    pub(super) struct AnswerBody<B> {
        #[pin]
        inner: Option<B>,
        text: &'static str,
        rest: Rest,
    }
}

/// When the answer is gone, the connection rests.
struct Rest(Arc<Phase>);

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.rest();
    }
}

impl<B> Body for AnswerBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        match this.inner.as_pin_mut() {
            Some(inner) => inner.poll_frame(cx).map_err(Into::into),
            None => {
                let text = std::mem::take(this.text);
                let frame = Frame::data(Bytes::from_static(text.as_bytes()));
                Poll::Ready((!text.is_empty()).then_some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Some(inner) => inner.is_end_stream(),
            None => self.text.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Some(inner) => inner.size_hint(),
            None => SizeHint::with_exact(self.text.len() as u64),
        }
    }
}

/// Answers one request.
pub(super) async fn answer<S, B>(
    mut service: S,
    request: Request<Incoming>,
    via: Via,
    phase: Arc<Phase>,
    limits: ServerLimits,
) -> Response<AnswerBody<B>>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    S::Error: Into<BoxError>,
{
    phase.answer();
    let rest = Rest(phase);
    let refuse = |status, text, rest| {
        let mut response = Response::new(AnswerBody {
            inner: None,
            text,
            rest,
        });
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, plain);
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    };
    if request.body().size_hint().lower() > limits.body_bytes_most as u64 {
        let text = "The body of the request is longer than this server takes.\n";
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, text, rest);
    }
    let mut request = request.map(|body| {
        let bounded = Limited::new(body, limits.body_bytes_most);
        Paced::new(bounded, limits.progress_bytes_least, limits.progress_ms)
    });
    request.extensions_mut().insert(via);
    let answered = async {
        std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    };
    match tokio::time::timeout(ms(limits.answer_head_ms), answered).await {
        Ok(Ok(response)) => response.map(|body| AnswerBody {
            inner: Some(body),
            text: "",
            rest,
        }),
        Ok(Err(error)) => {
            let error: BoxError = error.into();
            tracing::error!(from = %via.from, %error, "a request failed");
            let text = "The server failed to answer this request.\n";
            refuse(StatusCode::INTERNAL_SERVER_ERROR, text, rest)
        }
        Err(_) => {
            tracing::warn!(from = %via.from, "a request took too long");
            let text = "The server did not find an answer in time.\n";
            refuse(StatusCode::SERVICE_UNAVAILABLE, text, rest)
        }
    }
}
