//! The body of an answer: verified content as it comes, the origin's body as it comes, or a line of our own.
//! Invariant: content that breaks off ends with an error, which breaks the connection.
//! Byte order: none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;

use crate::counters::ForwardCounters;
use crate::http::BoxError;
use crate::http::client::ClientBody;

/// The body of an answer of the proxy.
#[derive(Debug)]
pub struct ForwardBody(Kind);

#[derive(Debug)]
enum Kind {
    Content(Content),
    Passing(ClientBody, Arc<ForwardCounters>),
    Text(Bytes),
}

/// Content on its way.
#[derive(Debug)]
struct Content {
    first: Option<Bytes>,
    rest: mpsc::Receiver<Bytes>,
    missing: u64,
    /// Ends the download when the program goes away.
    download: Option<DropGuard>,
    counters: Arc<ForwardCounters>,
}

impl ForwardBody {
    pub(super) const fn content(
        first: Bytes,
        rest: mpsc::Receiver<Bytes>,
        length: u64,
        download: DropGuard,
        counters: Arc<ForwardCounters>,
    ) -> Self {
        Self(Kind::Content(Content {
            first: Some(first),
            rest,
            missing: length,
            download: Some(download),
            counters,
        }))
    }

    pub(super) const fn passing(body: ClientBody, counters: Arc<ForwardCounters>) -> Self {
        Self(Kind::Passing(body, counters))
    }

    pub(super) fn text(text: String) -> Self {
        Self(Kind::Text(text.into()))
    }
}

impl Content {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        if self.missing == 0 {
            return Poll::Ready(None);
        }
        let next = match self.first.take() {
            Some(first) => Some(first),
            None => ready!(self.rest.poll_recv(cx)),
        };
        let left = next
            .as_ref()
            .and_then(|bytes| self.missing.checked_sub(bytes.len() as u64));
        let (Some(bytes), Some(left)) = (next, left) else {
            self.counters.broken_off.add(1);
            return Poll::Ready(Some(Err("the content broke off".into())));
        };
        self.missing = left;
        if left == 0
            && let Some(download) = self.download.take()
        {
            // It goes on to bring the store to the disk, and to offer what it fetched.
            download.disarm();
        }
        Poll::Ready(Some(Ok(bytes)))
    }
}

impl Body for ForwardBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            Kind::Content(content) => content
                .poll(cx)
                .map(|next| next.map(|bytes| bytes.map(Frame::data))),
            Kind::Passing(body, counters) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                if let Some(Ok(frame)) = &frame
                    && let Some(data) = frame.data_ref()
                {
                    counters.passed_bytes.add(data.len() as u64);
                }
                Poll::Ready(frame)
            }
            Kind::Text(text) => {
                let text = std::mem::take(text);
                Poll::Ready((!text.is_empty()).then_some(Ok(Frame::data(text))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Content(content) => content.missing == 0,
            Kind::Passing(body, _) => body.is_end_stream(),
            Kind::Text(text) => text.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Content(content) => SizeHint::with_exact(content.missing),
            Kind::Passing(body, _) => body.size_hint(),
            Kind::Text(text) => SizeHint::with_exact(text.len() as u64),
        }
    }
}
