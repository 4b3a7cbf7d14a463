//! A connection whose bytes come when its links have carried them.
//! Invariant: bytes come in the order in which they were sent, and its end behind all of them.
//! Byte order: little-endian between the two ends, before each piece: its arrival (u64) and its length (u32; 0: the end).

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use turmoil::net::TcpStream;

use super::office::Serving;
use super::wires::{Push, Sending, Wires, instant_of, now};

/// Bytes before each piece.
const HEAD_BYTES: usize = 12;
/// Bytes that are kept for a reader who does not come; then the sender is held up.
const HELD_BYTES_MOST: usize = 1 << 20;
/// Bytes that are taken from the other end at a time: one piece, for turmoil gives no more.
const TAKE_BYTES: usize = (16 << 10) + HEAD_BYTES;

/// Shorter pieces are heads and lists: they are left as they are.
const WRONG_BYTES_LEAST: usize = 512;

/// A connection on the wires.
#[derive(Debug)]
pub(super) struct ShapedStream {
    inner: TcpStream,
    wires: Wires,
    here: IpAddr,
    there: IpAddr,
    sending: Sending,
    /// What is on its way by the links' account and not by turmoil's.
    unsent: Bytes,
    has_ended: bool,
    is_accepted: bool,
    /// Nothing that is written leaves it any more.
    is_mute: bool,
    write_timer: Timer,
    received: BytesMut,
    scratch: Vec<u8>,
    arriving: VecDeque<(u64, Bytes)>,
    there_at: VecDeque<(u64, Bytes)>,
    held_bytes: usize,
    /// How the other side ended it, in turmoil's account.
    end: Option<io::ErrorKind>,
    is_over: bool,
    read_timer: Timer,
}

/// Wakes a task at a moment of the simulation.
#[derive(Debug, Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, cx: &mut Context<'_>, moment: u64) -> Poll<()> {
        if moment <= now() {
            return Poll::Ready(());
        }
        let at = instant_of(moment);
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        sleep.as_mut().reset(at);
        sleep.as_mut().poll(cx)
    }
}

impl ShapedStream {
    /// One that was accepted: how its host serves decides over what is sent.
    pub(super) fn accepted(inner: TcpStream, wires: &Wires) -> io::Result<Self> {
        let mut stream = Self::new(inner, wires)?;
        stream.is_accepted = true;
        Ok(stream)
    }

    pub(super) fn new(inner: TcpStream, wires: &Wires) -> io::Result<Self> {
        let (here, there): (SocketAddr, SocketAddr) = (inner.local_addr()?, inner.peer_addr()?);
        Ok(Self {
            inner,
            wires: wires.clone(),
            here: here.ip(),
            there: there.ip(),
            sending: wires.sending(here, there),
            unsent: Bytes::new(),
            has_ended: false,
            is_accepted: false,
            is_mute: false,
            write_timer: Timer::default(),
            received: BytesMut::new(),
            scratch: Vec::new(),
            arriving: VecDeque::new(),
            there_at: VecDeque::new(),
            held_bytes: 0,
            end: None,
            is_over: false,
            read_timer: Timer::default(),
        })
    }

    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let sent = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.unsent))?;
            self.unsent.advance(sent.min(self.unsent.len()));
        }
        Poll::Ready(Ok(()))
    }

    fn put(&mut self, arrives: u64, piece: &[u8]) {
        let mut framed = BytesMut::with_capacity(HEAD_BYTES + piece.len());
        framed.put_u64_le(arrives);
        framed.put_u32_le(u32::try_from(piece.len()).unwrap_or(u32::MAX));
        framed.put_slice(piece);
        self.unsent = framed.freeze();
    }

    /// Takes whole pieces out of what was received.
    fn unpack(&mut self) {
        loop {
            let mut head = self.received.as_ref();
            let (Ok(arrives), Ok(length)) = (head.try_get_u64_le(), head.try_get_u32_le()) else {
                return;
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if head.len() < length {
                return;
            }
            self.received.advance(HEAD_BYTES);
            let piece = self.received.split_to(length).freeze();
            self.held_bytes += length;
            self.arriving.push_back((arrives, piece));
        }
    }

    /// Takes from the other end what turmoil has brought, until there is nothing more.
    fn take(&mut self, cx: &mut Context<'_>) {
        let mut taken = std::mem::take(&mut self.scratch);
        taken.resize(TAKE_BYTES, 0);
        self.take_into(&mut taken, cx);
        self.scratch = taken;
    }

    fn take_into(&mut self, taken: &mut [u8], cx: &mut Context<'_>) {
        while self.end.is_none() && self.held_bytes < HELD_BYTES_MOST {
            let mut into = ReadBuf::new(taken);
            match Pin::new(&mut self.inner).poll_read(cx, &mut into) {
                Poll::Pending => return,
                Poll::Ready(Err(error)) => self.end = Some(error.kind()),
                Poll::Ready(Ok(())) if into.filled().is_empty() => {
                    self.end = Some(io::ErrorKind::UnexpectedEof);
                }
                Poll::Ready(Ok(())) => {
                    self.received.extend_from_slice(into.filled());
                    self.unpack();
                }
            }
        }
    }

    /// Lets pieces that arrived pass the last link.
    fn arrive(&mut self) {
        let now = now();
        while let Some((arrives, piece)) = self.arriving.pop_front_if(|(at, _)| *at <= now) {
            if piece.is_empty() {
                self.is_over = true;
                continue;
            }
            let bytes = piece.len() as u64;
            let there = self.wires.receive(self.here, self.there, arrives, bytes);
            self.there_at.push_back((there, piece));
        }
    }
}

impl AsyncRead for ShapedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            this.arrive();
            if let Some((at, piece)) = this.there_at.front_mut()
                && *at <= now()
            {
                let some = piece.len().min(into.remaining());
                into.put_slice(&piece.split_to(some));
                this.held_bytes -= some;
                if piece.is_empty() {
                    this.there_at.pop_front();
                }
                return Poll::Ready(Ok(()));
            }
            let arriving = this.arriving.len();
            this.take(cx);
            let next = this.there_at.front().or(this.arriving.front());
            match next.map(|(at, _)| *at) {
                // Something came that is due already.
                Some(at) if at <= now() && this.arriving.len() > arriving => {}
                Some(at) => ready!(this.read_timer.poll(cx, at)),
                None if this.is_over => return Poll::Ready(Ok(())),
                None => {
                    return match this.end {
                        // The other side went without a word.
                        Some(kind) => Poll::Ready(Err(kind.into())),
                        None => Poll::Pending,
                    };
                }
            }
        }
    }
}

impl AsyncWrite for ShapedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_unsent(cx))?;
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let serving = this.is_accepted.then(|| this.wires.serving(this.here));
        let serving = serving.flatten();
        this.is_mute |= serving == Some(Serving::Never);
        if this.is_mute {
            return Poll::Ready(Ok(bytes.len()));
        }
        loop {
            match this.wires.push(&mut this.sending, bytes.len() as u64) {
                Push::Wait(until) => ready!(this.write_timer.poll(cx, until)),
                Push::Sent {
                    bytes: count,
                    arrives,
                } => {
                    let count = usize::try_from(count).unwrap_or(bytes.len());
                    let piece = bytes.get(..count).unwrap_or(bytes);
                    if serving == Some(Serving::Wrongly) && piece.len() >= WRONG_BYTES_LEAST {
                        let mut wrong = piece.to_vec();
                        let middle = wrong.len() / 2;
                        if let Some(byte) = wrong.get_mut(middle) {
                            *byte ^= 1;
                        }
                        this.put(arrives, &wrong);
                    } else {
                        this.put(arrives, piece);
                    }
                    // What turmoil does not take yet it is given later; the links have it already.
                    if let Poll::Ready(sent) = this.poll_unsent(cx) {
                        sent?;
                    }
                    return Poll::Ready(Ok(piece.len()));
                }
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_unsent(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_unsent(cx))?;
        if !this.has_ended {
            this.has_ended = true;
            this.put(Wires::end(&this.sending), &[]);
            ready!(this.poll_unsent(cx))?;
        }
        match Pin::new(&mut this.inner).poll_shutdown(cx) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::NotConnected => {
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}
