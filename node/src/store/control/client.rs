//! A store that another process owns, as this one sees it.
//! Invariant: after an answer that was no answer the connection is not used again.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use peerdist::content::SegmentId;
use peerdist::discovery::Replies;
use peerdist::retrieval::server::BlockForm;
use peerdist::retrieval::{BlockIndex, BlockSet};
use peerdist::store::Put;
use peerdist::wire::{Reader, Writer};
use zeroize::Zeroizing;

use super::super::StoreError;
use super::super::facts::SegmentFacts;
use super::super::packs::locked;
use super::super::statistics::{SegmentSummary, Statistics};
use super::SOCKET;
use super::wire::{self, Malformed, Op, Wire};

/// How long the owner may take for an answer: an fsync of a slow disk, and more.
const PATIENCE: Duration = Duration::from_secs(120);

/// A store that another process owns.
#[derive(Debug)]
pub struct RemoteStore {
    directory: PathBuf,
    stream: Mutex<Option<UnixStream>>,
}

impl RemoteStore {
    /// Connects to the process that owns the store.
    ///
    /// # Errors
    /// Where there is none that serves it.
    pub fn connect(directory: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(directory.join(SOCKET))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            directory: directory.to_owned(),
            stream: Mutex::new(Some(stream)),
        })
    }

    pub(in super::super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn ask<T>(
        &self,
        op: Op,
        write: impl FnOnce(&mut Writer),
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, Malformed>,
    ) -> Result<T, StoreError> {
        let owner = |why: String| StoreError::Owner {
            directory: self.directory.clone(),
            why,
        };
        let mut writer = Writer::new();
        writer.u8(op as u8);
        write(&mut writer);
        let request = Zeroizing::new(writer.finish());
        let mut slot = locked(&self.stream);
        let Some(mut stream) = slot.take() else {
            return Err(owner("does not answer any more".to_owned()));
        };
        let answer = wire::send(&mut stream, &request).and_then(|()| wire::receive(&mut stream));
        let answer =
            Zeroizing::new(answer.map_err(|error| owner(format!("does not answer: {error}")))?);
        let nonsense = || owner("gave an answer that cannot be read".to_owned());
        let mut reader = Reader::new(&answer);
        match reader.array("Status") {
            Ok([0]) => {
                let read = read(&mut reader).map_err(|_| nonsense())?;
                wire::end(&reader).map_err(|_| nonsense())?;
                *slot = Some(stream);
                Ok(read)
            }
            Ok([1]) => {
                let text = wire::rest(&mut reader).unwrap_or_default();
                *slot = Some(stream);
                Err(StoreError::Refused(
                    String::from_utf8_lossy(text).into_owned(),
                ))
            }
            _ => Err(nonsense()),
        }
    }

    pub(in super::super) fn inspect(
        &self,
        id: &SegmentId,
    ) -> Result<Option<SegmentSummary>, StoreError> {
        self.ask(Op::Inspect, |writer| id.write(writer), Option::read)
    }

    pub(in super::super) fn list(
        &self,
        after: Option<&SegmentId>,
    ) -> Result<Vec<SegmentSummary>, StoreError> {
        let write = |writer: &mut Writer| after.copied().write(writer);
        self.ask(Op::List, write, |reader| {
            let count = u32::from_le_bytes(reader.array("Count")?);
            (0..count).map(|_| SegmentSummary::read(reader)).collect()
        })
    }

    pub(in super::super) fn facts(
        &self,
        id: &SegmentId,
    ) -> Result<Option<SegmentFacts>, StoreError> {
        let write = |writer: &mut Writer| id.write(writer);
        self.ask(Op::Facts, write, |reader| match reader.remaining() {
            0 => Ok(None),
            _ => wire::facts(reader).map(Some),
        })
    }

    pub(in super::super) fn describe(
        &self,
        id: &SegmentId,
        facts: &SegmentFacts,
    ) -> Result<(), StoreError> {
        let write = |writer: &mut Writer| {
            id.write(writer);
            writer.bytes(&facts.encode(true));
        };
        self.ask(Op::Describe, write, |_| Ok(()))
    }

    pub(in super::super) fn note_replies(
        &self,
        id: &SegmentId,
        replies: Replies,
    ) -> Result<(), StoreError> {
        let write = |writer: &mut Writer| {
            id.write(writer);
            replies.write(writer);
        };
        self.ask(Op::NoteReplies, write, |_| Ok(()))
    }

    pub(in super::super) fn put_verified(
        &self,
        id: &SegmentId,
        index: BlockIndex,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        let write = |writer: &mut Writer| {
            id.write(writer);
            writer.u32_le(index.get()).bytes(bytes);
        };
        self.ask(Op::Put, write, |reader| match reader.array("Put")? {
            [0] => Ok(Put::Kept),
            [1] => Ok(Put::AlreadyThere),
            [2] => Ok(Put::TooLarge),
            _ => Err(Malformed),
        })
    }

    pub(in super::super) fn read(
        &self,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Result<Option<BlockForm>, StoreError> {
        into.clear();
        let write = |writer: &mut Writer| {
            id.write(writer);
            writer.u32_le(index.get());
        };
        self.ask(Op::Read, write, |reader| {
            let form = Option::read(reader)?;
            into.extend_from_slice(wire::rest(reader)?);
            Ok(form)
        })
    }

    pub(in super::super) fn verify(
        &self,
        id: &SegmentId,
    ) -> Result<(BlockSet, BlockSet), StoreError> {
        let write = |writer: &mut Writer| id.write(writer);
        self.ask(Op::Verify, write, |reader| {
            Ok((BlockSet::read(reader)?, BlockSet::read(reader)?))
        })
    }

    pub(in super::super) fn statistics(&self) -> Result<Statistics, StoreError> {
        self.ask(Op::Statistics, |_| {}, Statistics::read)
    }

    pub(in super::super) fn flush(&self) -> Result<(), StoreError> {
        self.ask(Op::Flush, |_| {}, |_| Ok(()))
    }

    pub(in super::super) fn forget(&self, id: &SegmentId) -> Result<(), StoreError> {
        self.ask(Op::Forget, |writer| id.write(writer), |_| Ok(()))
    }

    pub(in super::super) fn forget_all(&self) -> Result<u64, StoreError> {
        self.ask(Op::ForgetAll, |_| {}, u64::read)
    }
}
