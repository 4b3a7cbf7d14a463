//! The body of an answer behind the layer: as it was, content information, or hashed as it passes.
//! Invariant: the bytes of a plain body are never touched.
//! Byte order: none.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::content_infos::Hashing;

pin_project! {
    /// The body of an answer behind the layer.
    #[derive(Debug)]
    pub struct PeerDistBody<B> {
        #[pin]
        inner: Option<B>,
        information: Bytes,
        hashing: Option<Hashing>,
    }
}

impl<B> PeerDistBody<B> {
    pub(super) const fn plain(body: B) -> Self {
        Self::passing(body, None)
    }

    pub(super) const fn passing(body: B, hashing: Option<Hashing>) -> Self {
        Self {
            inner: Some(body),
            information: Bytes::new(),
            hashing,
        }
    }

    pub(super) const fn information(information: Bytes) -> Self {
        Self {
            inner: None,
            information,
            hashing: None,
        }
    }
}

impl<B: Body<Data = Bytes>> Body for PeerDistBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            let all = std::mem::take(this.information);
            return Poll::Ready((!all.is_empty()).then(|| Ok(Frame::data(all))));
        };
        let frame = ready!(inner.poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(data), Some(hashing)) = (frame.data_ref(), this.hashing.take()) {
                    *this.hashing = hashing.take(data);
                }
            }
            // Ended before its length, or failed: what was hashed is of no use.
            None | Some(Err(_)) => *this.hashing = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Some(inner) => inner.is_end_stream(),
            None => self.information.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Some(inner) => inner.size_hint(),
            None => SizeHint::with_exact(self.information.len() as u64),
        }
    }
}
