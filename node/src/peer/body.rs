//! The body of an answer: a head, the bytes of a block where there are any, a tail; none of it copied again.
//! Invariant: the exchange ends when the last byte is in the hands of the system, or nobody wants it any more.
//! Byte order: none.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use peerdist::retrieval::server::Answer;

use super::cache::Cache;
use super::desk::Open;

/// The body.
#[derive(Debug, Default)]
pub struct RetrievalBody {
    head: Bytes,
    payload: Bytes,
}

/// Bytes that end an exchange when they go.
struct Last<C: Cache> {
    bytes: Vec<u8>,
    open: Option<Open<C>>,
}

impl<C: Cache> AsRef<[u8]> for Last<C> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<C: Cache> Drop for Last<C> {
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.take_back(std::mem::take(&mut self.bytes));
        }
    }
}

impl RetrievalBody {
    /// Of an answer and the bytes of its block.
    pub(super) fn of<C: Cache>(answer: &Answer, payload: Vec<u8>, open: Option<Open<C>>) -> Self {
        let mut head = Vec::with_capacity(answer.body_len() - answer.payload_len());
        answer.encode_head_into(&mut head);
        if payload.is_empty() {
            answer.encode_tail_into(&mut head);
            let payload = Bytes::new();
            let head = last(head, open);
            return Self { head, payload };
        }
        let mut payload = payload;
        answer.encode_tail_into(&mut payload);
        Self {
            head: head.into(),
            payload: last(payload, open),
        }
    }
}

fn last<C: Cache>(bytes: Vec<u8>, open: Option<Open<C>>) -> Bytes {
    Bytes::from_owner(Last { bytes, open })
}

impl Body for RetrievalBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.head.is_empty() {
            false => std::mem::take(&mut self.head),
            true => std::mem::take(&mut self.payload),
        };
        Poll::Ready((!next.is_empty()).then(|| Ok(Frame::data(next))))
    }

    fn is_end_stream(&self) -> bool {
        self.head.is_empty() && self.payload.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.head.len() + self.payload.len()) as u64)
    }
}
