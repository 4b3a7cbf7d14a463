//! Content to be read: a file, read at offsets by many threads, or a stream, read by one at a time.
//! Invariant: pieces come with the bytes before them, so that each can be cut and hashed without its neighbours.
//! A file that changes while it is read is noticed: nobody gets the hash of a mixture.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use crate::buffer::Buffer;

/// Bytes in a piece.
pub(crate) const PIECE_BYTES: usize = 2 << 20;
/// Bytes from before a piece that come with it: the longest part that may have begun there.
pub(crate) const HEADROOM_BYTES: usize = 128 << 10;

/// Why content could not be read.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum SourceError {
    /// Not there, or not to be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open { path: PathBuf, source: io::Error },
    /// A directory.
    #[error("{} is a directory; expected a file", path.display())]
    Directory { path: PathBuf },
    /// Reading failed on the way.
    #[error("cannot read {name} at byte {at}: {source}")]
    Read {
        name: String,
        at: u64,
        source: io::Error,
    },
    /// It shrank, grew or was written to.
    #[error(
        "{name} changed while it was read: {how}; nothing was made of it, try again when it rests"
    )]
    Changed { name: String, how: String },
}

/// Content that can be read once.
#[derive(Debug)]
pub struct Source {
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    File { file: File, stamp: Stamp },
    Stream(Mutex<Stream>),
}

/// What must stay the same while a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

struct Stream {
    reader: Box<dyn Read + Send>,
    /// Offset of the next byte.
    at: u64,
    /// Pieces that were read.
    pieces: u64,
    /// The last bytes before that.
    tail: Vec<u8>,
    is_over: bool,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// One piece of content, in a buffer that also holds what comes before it.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    buffer: Buffer,
    /// Bytes at the front of `buffer` that belong to earlier pieces.
    headroom: usize,
    /// Which piece it is.
    pub(crate) index: u64,
    /// Offset of its first byte in the content.
    pub(crate) start: u64,
    /// Whether content ends with it.
    pub(crate) is_last: bool,
}

impl Piece {
    /// The piece without what comes before it.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.bytes().get(self.headroom..).unwrap_or_default()
    }

    /// What comes before it.
    pub(crate) fn before(&self) -> &[u8] {
        self.buffer.bytes().get(..self.headroom).unwrap_or_default()
    }

    /// Offset after its last byte.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.bytes().len() as u64
    }

    /// All bytes in the buffer and the offset of the first.
    pub(crate) fn with_headroom(&self) -> (u64, &[u8]) {
        (self.start - self.headroom as u64, self.buffer.bytes())
    }
}

/// The part of some content that is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: u64,
    /// `None`: to the end.
    pub(crate) until: Option<u64>,
}

impl Source {
    /// A file, or whatever can be read under that name.
    ///
    /// # Errors
    /// [`SourceError`] where there is none, or it is a directory.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        let failed = |source| SourceError::Open {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(SourceError::Directory {
                path: path.to_owned(),
            });
        }
        Self::of_file(name, file).map_err(failed)
    }

    /// A file that is open already, under a name for messages.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of_file(name: impl Into<String>, file: File) -> io::Result<Self> {
        let name = name.into();
        let metadata = file.metadata()?;
        // Files that the system makes as they are read, such as those of /proc, claim to have no bytes.
        if !metadata.is_file() || metadata.len() == 0 {
            return Ok(Self::stream(name, file));
        }
        let stamp = Stamp::of(&file)?;
        // Only advice: a file system that does not take it reads ahead as it likes.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
        Ok(Self {
            name,
            kind: Kind::File { file, stamp },
        })
    }

    /// Content that comes from a reader, under a name for messages.
    pub fn stream(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        let stream = Stream {
            reader: Box::new(reader),
            at: 0,
            pieces: 0,
            tail: Vec::new(),
            is_over: false,
        };
        Self {
            name: name.into(),
            kind: Kind::Stream(Mutex::new(stream)),
        }
    }

    /// Its bytes, where that is known before reading.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        match &self.kind {
            Kind::File { stamp, .. } => Some(stamp.length),
            Kind::Stream(_) => None,
        }
    }

    /// How many bytes there are, as far as that is known: a stream tells it when it was read to its end.
    pub(crate) fn length_so_far(&self) -> u64 {
        match &self.kind {
            Kind::File { stamp, .. } => stamp.length,
            Kind::Stream(stream) => stream.lock().unwrap_or_else(PoisonError::into_inner).at,
        }
    }

    /// How many pieces the span has, where that is known.
    pub(crate) fn piece_count(&self, span: Span) -> Option<u64> {
        let end = span.until.unwrap_or(u64::MAX).min(self.length()?);
        Some(
            end.saturating_sub(span.from)
                .div_ceil(PIECE_BYTES as u64)
                .max(1),
        )
    }

    /// Reads piece `index` of a file, or the next of a stream. `false`: there are no more.
    pub(crate) fn read(
        &self,
        span: Span,
        index: u64,
        piece: &mut Piece,
    ) -> Result<bool, SourceError> {
        match &self.kind {
            Kind::File { file, stamp } => self.read_at(file, stamp.length, span, index, piece),
            Kind::Stream(stream) => {
                let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                stream.read_next(&self.name, span, piece)
            }
        }
    }

    fn read_at(
        &self,
        file: &File,
        length: u64,
        span: Span,
        index: u64,
        piece: &mut Piece,
    ) -> Result<bool, SourceError> {
        let end = span.until.unwrap_or(u64::MAX).min(length);
        let start = index
            .saturating_mul(PIECE_BYTES as u64)
            .saturating_add(span.from);
        if start >= end && index > 0 {
            return Ok(false);
        }
        let piece_end = start.saturating_add(PIECE_BYTES as u64).min(end).max(start);
        let headroom = start.saturating_sub(span.from).min(HEADROOM_BYTES as u64);
        piece.index = index;
        piece.start = start;
        piece.headroom = usize::try_from(headroom).unwrap_or(HEADROOM_BYTES);
        piece.is_last = piece_end >= end;
        let wanted = usize::try_from(piece_end - start + headroom).unwrap_or(usize::MAX);
        piece.buffer.resize(wanted);
        file.read_exact_at(piece.buffer.bytes_mut(), start - headroom)
            .map_err(|source| {
                let name = self.name.clone();
                if source.kind() == io::ErrorKind::UnexpectedEof {
                    SourceError::Changed {
                        name,
                        how: format!("it had {length} bytes and shrank"),
                    }
                } else {
                    SourceError::Read {
                        name,
                        at: start,
                        source,
                    }
                }
            })?;
        Ok(true)
    }

    /// Whether the file is still the one that was opened. A stream cannot be another.
    pub(crate) fn check_unchanged(&self) -> Result<(), SourceError> {
        let Kind::File { file, stamp } = &self.kind else {
            return Ok(());
        };
        let name = self.name.clone();
        let now = Stamp::of(file).map_err(|source| SourceError::Read {
            name: name.clone(),
            at: 0,
            source,
        })?;
        if now == *stamp {
            return Ok(());
        }
        let how = if now.length == stamp.length {
            "it was written to".to_owned()
        } else {
            format!("it had {} bytes and now has {}", stamp.length, now.length)
        };
        Err(SourceError::Changed { name, how })
    }
}

impl Stream {
    fn read_next(
        &mut self,
        name: &str,
        span: Span,
        piece: &mut Piece,
    ) -> Result<bool, SourceError> {
        while self.at < span.from && !self.is_over {
            let skip = usize::try_from(span.from - self.at).unwrap_or(usize::MAX);
            piece.buffer.resize(skip.min(PIECE_BYTES));
            self.fill(name, piece.buffer.bytes_mut())?;
        }
        // Content without bytes has one piece without bytes, so there is a last one.
        if self.is_over && self.pieces > 0 {
            return Ok(false);
        }
        let left = span
            .until
            .map_or(u64::MAX, |until| until.saturating_sub(self.at));
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
        piece.index = self.pieces;
        self.pieces += 1;
        piece.start = self.at;
        piece.headroom = self.tail.len();
        piece.buffer.resize(self.tail.len() + wanted);
        let (headroom, fresh) = piece.buffer.bytes_mut().split_at_mut(self.tail.len());
        headroom.copy_from_slice(&self.tail);
        let filled = self.fill(name, fresh)?;
        piece.buffer.resize(piece.headroom + filled);
        self.is_over |= span.until.is_some_and(|until| self.at >= until);
        piece.is_last = self.is_over;
        let (_, bytes) = piece.with_headroom();
        self.tail.clear();
        self.tail
            .extend_from_slice(bytes.split_at(bytes.len().saturating_sub(HEADROOM_BYTES)).1);
        Ok(true)
    }

    /// Reads until the buffer is full or the stream is over.
    fn fill(&mut self, name: &str, buffer: &mut [u8]) -> Result<usize, SourceError> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) => {
                    self.is_over = true;
                    break;
                }
                Ok(count) => {
                    filled += count;
                    self.at += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let name = name.to_owned();
                    return Err(SourceError::Read {
                        name,
                        at: self.at,
                        source,
                    });
                }
            }
        }
        Ok(filled)
    }
}
