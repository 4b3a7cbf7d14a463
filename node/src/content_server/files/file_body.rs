//! The bytes of an open file as a body, read without waiting where the system has them at hand.
//! Invariant: a body whose file changes ends with an error, never with bytes of two states.
//! Byte order: none.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use peerdist::content::ContentRange;
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use crate::buffer::Buffer;
use crate::content_server::content_infos::PeerDistSource;
use crate::world::{Offloaded, offload};

/// Bytes of one frame: large enough that calls do not count, small enough to stay in the processor's cache.
const CHUNK_BYTES: usize = 256 << 10;
/// Buffers of one body that wait to be used again.
const SPARE_MOST: usize = 4;

/// The body of an answer of the file service.
#[derive(Debug)]
pub struct FileBody {
    left: VecDeque<Piece>,
    length: u64,
    source: Option<PeerDistSource>,
    spare: Spare,
    reading: Option<Offloaded<io::Result<Chunk>>>,
}

#[derive(Debug)]
enum Piece {
    Text(Bytes),
    File { at: u64, left: u64 },
}

type Spare = Arc<Mutex<Vec<Buffer>>>;

/// Bytes that were read; their buffer is used again when they are sent.
#[derive(Debug)]
struct Chunk {
    buffer: Buffer,
    spare: Spare,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self.buffer.bytes()
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_MOST {
            spare.push(std::mem::take(&mut self.buffer));
        }
    }
}

impl FileBody {
    /// A text.
    pub(super) fn text(text: Bytes) -> Self {
        let length = text.len() as u64;
        let pieces = (!text.is_empty()).then_some(Piece::Text(text));
        Self {
            left: pieces.into_iter().collect(),
            length,
            source: None,
            spare: Spare::default(),
            reading: None,
        }
    }

    /// Parts of a file: where they begin and their lengths.
    pub(super) fn of(source: &PeerDistSource, parts: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut body = Self::text(Bytes::new());
        body.source = Some(source.clone());
        for (at, left) in parts {
            body.push_part(at, left);
        }
        body
    }

    /// Parts of a file, each behind a text, and a text at the end.
    pub(super) fn parts(
        source: &PeerDistSource,
        parts: impl Iterator<Item = (String, ContentRange)>,
        end: String,
    ) -> Self {
        let mut body = Self::of(source, []);
        for (head, range) in parts {
            body.push_text(head);
            body.push_part(range.start, range.length);
        }
        body.push_text(end);
        body
    }

    fn push_text(&mut self, text: String) {
        self.length += text.len() as u64;
        self.left.push_back(Piece::Text(text.into()));
    }

    fn push_part(&mut self, at: u64, left: u64) {
        if left > 0 {
            self.length += left;
            self.left.push_back(Piece::File { at, left });
        }
    }

    /// All its bytes that were not sent yet.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    fn chunk(&self, bytes: u64) -> Chunk {
        let spare = self
            .spare
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut buffer = spare.unwrap_or_default();
        buffer.resize(
            usize::try_from(bytes)
                .unwrap_or(CHUNK_BYTES)
                .min(CHUNK_BYTES),
        );
        Chunk {
            buffer,
            spare: Arc::clone(&self.spare),
        }
    }

    /// Sends a chunk on its way, if its file is still the one that the answer is about.
    fn send(&mut self, chunk: Chunk) -> io::Result<Frame<Bytes>> {
        let count = chunk.buffer.bytes().len() as u64;
        if !self
            .source
            .as_ref()
            .is_some_and(PeerDistSource::is_unchanged)
        {
            self.left.clear();
            return Err(io::Error::other("the file changed while it was sent"));
        }
        self.length -= count;
        if let Some(Piece::File { at, left }) = self.left.front_mut() {
            *at += count;
            *left -= count;
            if *left == 0 {
                self.left.pop_front();
            }
        }
        Ok(Frame::data(Bytes::from_owner(chunk)))
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if let Some(reading) = &mut this.reading {
            let read = ready!(Pin::new(reading).poll(cx));
            this.reading = None;
            let read = read.unwrap_or_else(|error| Err(io::Error::other(error)));
            return Poll::Ready(Some(read.and_then(|chunk| this.send(chunk))));
        }
        let (at, left) = match this.left.front_mut() {
            None => return Poll::Ready(None),
            Some(Piece::Text(text)) => {
                let text = std::mem::take(text);
                this.left.pop_front();
                this.length -= text.len() as u64;
                return Poll::Ready(Some(Ok(Frame::data(text))));
            }
            Some(Piece::File { at, left }) => (*at, *left),
        };
        let mut chunk = this.chunk(left);
        let Some(source) = &this.source else {
            return Poll::Ready(None);
        };
        match read_at_hand(&source.file, at, &mut chunk.buffer) {
            Ok(true) => Poll::Ready(Some(this.send(chunk))),
            Ok(false) => {
                let file = Arc::clone(&source.file);
                this.reading = Some(offload(move || {
                    use std::os::unix::fs::FileExt;
                    file.read_exact_at(chunk.buffer.bytes_mut(), at)?;
                    Ok(chunk)
                }));
                Pin::new(this).poll_frame(cx)
            }
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.reading.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// Reads what the system has in memory. `false`: nothing of it, or it cannot tell.
fn read_at_hand(file: &File, at: u64, buffer: &mut Buffer) -> io::Result<bool> {
    let mut slices = [IoSliceMut::new(buffer.bytes_mut())];
    match preadv2(file, &mut slices, at, ReadWriteFlags::NOWAIT) {
        // Its end, before what its length said.
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => {
            buffer.resize(count);
            Ok(true)
        }
        Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR | Errno::INVAL) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
