//! A body that ends with an error when its sender keeps us waiting too long.
//! Invariant: in every interval that is spent waiting, the least number of bytes comes, or the body fails.
//! Byte order: none.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::time::{Instant, Sleep, sleep_until};

use super::BoxError;
use super::limits::ms;

/// The sender of a body was too slow.
#[derive(Debug, Clone, Copy, Error)]
#[error("the body stopped: fewer than {bytes_least} bytes came in {interval_ms} ms")]
pub struct TooSlow {
    bytes_least: u64,
    interval_ms: u64,
}

/// The body.
#[derive(Debug)]
pub struct Paced<B> {
    inner: B,
    slow: TooSlow,
    waiting: Option<(Pin<Box<Sleep>>, u64)>,
}

impl<B> Paced<B> {
    /// Of a body that must bring so many bytes in each interval of waiting.
    pub const fn new(inner: B, bytes_least: u64, interval_ms: u64) -> Self {
        Self {
            inner,
            slow: TooSlow {
                bytes_least,
                interval_ms,
            },
            waiting: None,
        }
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Buf::remaining) as u64;
                if let Some((_, came)) = &mut this.waiting {
                    *came += length;
                    if *came >= this.slow.bytes_least {
                        this.waiting = None;
                    }
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => {
                let (timer, _) = this.waiting.get_or_insert_with(|| {
                    let deadline = Instant::now() + ms(this.slow.interval_ms);
                    (Box::pin(sleep_until(deadline)), 0)
                });
                timer
                    .as_mut()
                    .poll(cx)
                    .map(|()| Some(Err(this.slow.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
