//! A connection that ends when the other side keeps it waiting too long.
//! Invariant: while a connection waits, a timer runs that ends the wait: for a request, its head, or room to write.
//! Byte order: none.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::limits::{ServerLimits, ms};

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const ANSWERING: u8 = 2;
const TUNNEL: u8 = 3;
/// Of what has a time limit elsewhere; a timer needs some moment.
const FAR_MS: u64 = 365 * 24 * 3_600_000;

/// What a connection is at, seen from its task, from its requests and from whoever looks for idle ones.
#[derive(Debug)]
pub(super) struct Phase {
    origin: Instant,
    now: AtomicU8,
    since_ms: AtomicU64,
    is_writing: AtomicBool,
}

impl Phase {
    pub(super) fn new() -> Self {
        Self {
            origin: Instant::now(),
            now: AtomicU8::new(IDLE),
            since_ms: AtomicU64::new(0),
            is_writing: AtomicBool::new(false),
        }
    }

    fn enter(&self, phase: u8) {
        let since = self.origin.elapsed().as_millis();
        self.since_ms
            .store(u64::try_from(since).unwrap_or(u64::MAX), Relaxed);
        self.now.store(phase, Relaxed);
    }

    /// A request's head is here.
    pub(super) fn answer(&self) {
        self.enter(ANSWERING);
    }

    /// The answer's last byte was handed over.
    pub(super) fn rest(&self) {
        if self.now.load(Relaxed) != TUNNEL {
            self.enter(IDLE);
        }
    }

    /// From now on the connection is a tunnel, which has times of its own, and it stays one.
    pub(super) fn tunnel(&self) {
        self.enter(TUNNEL);
    }

    /// Since when it has neither a request nor anything to write.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let is_busy =
            [ANSWERING, TUNNEL].contains(&self.now.load(Relaxed)) || self.is_writing.load(Relaxed);
        (!is_busy).then(|| self.since())
    }

    fn since(&self) -> Instant {
        self.origin + ms(self.since_ms.load(Relaxed))
    }

    fn deadline(&self, limits: &ServerLimits) -> Instant {
        let limit = match self.now.load(Relaxed) {
            // The answer was handed over, but not yet taken.
            IDLE if self.is_writing.load(Relaxed) => limits.request_ms,
            IDLE => limits.idle_ms,
            HEAD => limits.head_ms,
            TUNNEL => FAR_MS,
            _ => limits.request_ms,
        };
        self.since() + ms(limit)
    }
}

/// The connection.
pub(super) struct Paced<S> {
    inner: S,
    phase: Arc<Phase>,
    limits: ServerLimits,
    timer: Pin<Box<Sleep>>,
    /// Since when the other side takes nothing, and what it took since.
    stalled: Option<(Instant, u64)>,
}

impl<S> Paced<S> {
    pub(super) fn new(inner: S, phase: Arc<Phase>, limits: ServerLimits) -> Self {
        let timer = Box::pin(sleep_until(phase.deadline(&limits)));
        Self {
            inner,
            phase,
            limits,
            timer,
            stalled: None,
        }
    }

    fn deadline(&self) -> Instant {
        let by_phase = self.phase.deadline(&self.limits);
        match self.stalled {
            Some((since, _)) if self.phase.now.load(Relaxed) != TUNNEL => {
                by_phase.min(since + ms(self.limits.progress_ms))
            }
            _ => by_phase,
        }
    }

    /// Called when there is nothing to do but wait: either the time is up, or the timer will wake us.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            let deadline = self.deadline();
            // A timer that rings too early is set again then; that is rarer than resetting it at every wait.
            if deadline < self.timer.deadline() {
                self.timer.as_mut().reset(deadline);
            }
            ready!(self.timer.as_mut().poll(cx));
            if deadline <= Instant::now() {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.timer.as_mut().reset(deadline);
        }
    }

    fn wait_to_write<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.stalled.is_none() {
            self.stalled = Some((Instant::now(), 0));
            self.phase.is_writing.store(true, Relaxed);
        }
        self.wait(cx).map(Err)
    }

    fn wrote(&mut self, count: usize) {
        if let Some((_, taken)) = &mut self.stalled {
            *taken += count as u64;
            if *taken >= self.limits.progress_bytes_least {
                self.stalled = None;
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                if buffer.filled().len() > before && this.phase.now.load(Relaxed) == IDLE {
                    this.phase.enter(HEAD);
                }
                // Bytes of a head that come one by one keep this from ever waiting long.
                if this.phase.now.load(Relaxed) == HEAD
                    && this.phase.deadline(&this.limits) <= Instant::now()
                {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                Poll::Ready(read)
            }
            Poll::Pending => this.wait(cx).map(Err),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_write(cx, bytes) {
            Poll::Ready(written) => {
                this.wrote(*written.as_ref().unwrap_or(&0));
                Poll::Ready(written)
            }
            Poll::Pending => this.wait_to_write(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_write_vectored(cx, slices) {
            Poll::Ready(written) => {
                this.wrote(*written.as_ref().unwrap_or(&0));
                Poll::Ready(written)
            }
            Poll::Pending => this.wait_to_write(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_flush(cx) {
            Poll::Ready(flushed) => {
                // Nothing is left to write: whoever took less than the least has still taken all.
                this.stalled = None;
                if this.phase.is_writing.swap(false, Relaxed)
                    && this.phase.now.load(Relaxed) == IDLE
                {
                    this.phase.rest();
                }
                Poll::Ready(flushed)
            }
            Poll::Pending => this.wait_to_write(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_shutdown(cx) {
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => this.wait_to_write(cx),
        }
    }
}
