//! Requests and answers of the control socket as bytes: a length of four bytes, and so many bytes.
//! Invariant: no length is believed before it is held against the limit.
//! Byte order: little-endian.

use std::io::{self, ErrorKind, Read, Write};

use peerdist::content::{SegmentId, Version};
use peerdist::discovery::Replies;
use peerdist::hash::Digest;
use peerdist::retrieval::server::BlockForm;
use peerdist::retrieval::{BlockIndex, BlockSet, CryptoAlgorithm};
use peerdist::wire::{Reader, Truncated, Writer};

use super::super::facts::SegmentFacts;
use super::super::statistics::{SegmentSummary, Statistics};

/// The longest request or answer: a block, or a page of the list.
const MESSAGE_MAX_BYTES: u32 = 512 << 10;

/// Bytes that are no message.
#[derive(Debug)]
pub(super) struct Malformed;

impl From<Truncated> for Malformed {
    fn from(_: Truncated) -> Self {
        Self
    }
}

pub(super) fn send(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    if length > MESSAGE_MAX_BYTES {
        return Err(ErrorKind::InvalidData.into());
    }
    to.write_all(&length.to_le_bytes())?;
    to.write_all(message)
}

pub(super) fn receive(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MESSAGE_MAX_BYTES {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut message = vec![0; length as usize];
    from.read_exact(&mut message)?;
    Ok(message)
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Op {
    Inspect = 1,
    List = 2,
    Facts = 3,
    Describe = 4,
    Put = 5,
    Read = 6,
    Verify = 7,
    Statistics = 8,
    Flush = 9,
    Forget = 10,
    ForgetAll = 11,
    NoteReplies = 12,
}

impl Op {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let [number] = reader.array("Op")?;
        let all = [
            Self::Inspect,
            Self::List,
            Self::Facts,
            Self::Describe,
            Self::Put,
            Self::Read,
            Self::Verify,
            Self::Statistics,
            Self::Flush,
            Self::Forget,
            Self::ForgetAll,
            Self::NoteReplies,
        ];
        all.into_iter()
            .find(|op| *op as u8 == number)
            .ok_or(Malformed)
    }
}

pub(super) fn end(reader: &Reader<'_>) -> Result<(), Malformed> {
    if reader.remaining() == 0 {
        Ok(())
    } else {
        Err(Malformed)
    }
}

pub(super) fn rest<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    Ok(reader.take(reader.remaining(), "Bytes")?)
}

pub(super) fn index(reader: &mut Reader<'_>) -> Result<BlockIndex, Malformed> {
    let number = u32::from_le_bytes(reader.array("Index")?);
    BlockIndex::new(number).ok_or(Malformed)
}

pub(super) fn facts(reader: &mut Reader<'_>) -> Result<SegmentFacts, Malformed> {
    SegmentFacts::decode(rest(reader)?).map_err(|_| Malformed)
}

/// What goes over the socket in parts of messages.
pub(super) trait Wire: Sized {
    fn write(&self, writer: &mut Writer);
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

impl Wire for u64 {
    fn write(&self, writer: &mut Writer) {
        writer.u64_le(*self);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self::from_le_bytes(reader.array("Number")?))
    }
}

impl Wire for bool {
    fn write(&self, writer: &mut Writer) {
        writer.u8(u8::from(*self));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.array("Flag")? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Malformed),
        }
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write(&self, writer: &mut Writer) {
        self.is_some().write(writer);
        if let Some(value) = self {
            value.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        bool::read(reader)?.then(|| T::read(reader)).transpose()
    }
}

impl Wire for SegmentId {
    fn write(&self, writer: &mut Writer) {
        let bytes = self.0.as_bytes();
        let length = u8::try_from(bytes.len()).unwrap_or(0);
        writer.u8(length).bytes(bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let [length] = reader.array("IdLength")?;
        let bytes = reader.take(length.into(), "Id")?;
        Digest::try_from(bytes).map(Self).map_err(|_| Malformed)
    }
}

impl Wire for BlockSet {
    fn write(&self, writer: &mut Writer) {
        for word in self.words() {
            writer.u64_le(word);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut words = [0; 8];
        for word in &mut words {
            *word = u64::read(reader)?;
        }
        Ok(Self::from_words(words))
    }
}

impl Wire for Replies {
    fn write(&self, writer: &mut Writer) {
        writer.u32_le(self.total).u32_le(self.full);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            total: u32::from_le_bytes(reader.array("Total")?),
            full: u32::from_le_bytes(reader.array("Full")?),
        })
    }
}

impl Wire for BlockForm {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Plain => writer.u8(0),
            Self::Sealed { crypto, iv } => writer.u8(1).u32_le(crypto.0).bytes(iv),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.array("Form")? {
            [0] => Ok(Self::Plain),
            [1] => Ok(Self::Sealed {
                crypto: CryptoAlgorithm(u32::from_le_bytes(reader.array("Crypto")?)),
                iv: reader.array("Vector")?,
            }),
            _ => Err(Malformed),
        }
    }
}

impl Wire for SegmentSummary {
    fn write(&self, writer: &mut Writer) {
        self.id.write(writer);
        writer
            .u8(match self.version {
                None => 0,
                Some(Version::V1) => 1,
                Some(Version::V2) => 2,
            })
            .u32_le(self.length.unwrap_or(0));
        self.is_proven.write(writer);
        self.replies.write(writer);
        self.verified.write(writer);
        self.sealed.write(writer);
        writer
            .u64_le(self.bytes)
            .u64_le(self.since)
            .u64_le(self.used);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let id = SegmentId::read(reader)?;
        let version = match reader.array("Version")? {
            [0] => None,
            [1] => Some(Version::V1),
            [2] => Some(Version::V2),
            _ => return Err(Malformed),
        };
        let length = u32::from_le_bytes(reader.array("Length")?);
        Ok(Self {
            id,
            version,
            length: version.map(|_| length),
            is_proven: bool::read(reader)?,
            replies: Replies::read(reader)?,
            verified: BlockSet::read(reader)?,
            sealed: BlockSet::read(reader)?,
            bytes: u64::read(reader)?,
            since: u64::read(reader)?,
            used: u64::read(reader)?,
        })
    }
}

impl Statistics {
    fn numbers(&mut self) -> [&mut u64; 14] {
        [
            &mut self.verified_bytes,
            &mut self.sealed_bytes,
            &mut self.verified_bytes_limit,
            &mut self.sealed_bytes_limit,
            &mut self.verified_segments,
            &mut self.sealed_segments,
            &mut self.verified_blocks,
            &mut self.sealed_blocks,
            &mut self.hits,
            &mut self.misses,
            &mut self.evictions,
            &mut self.expired,
            &mut self.quarantined,
            &mut self.commits,
        ]
    }
}

impl Wire for Statistics {
    fn write(&self, writer: &mut Writer) {
        let mut copy = *self;
        for number in copy.numbers() {
            writer.u64_le(*number);
        }
        self.is_disk_full.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut statistics = Self::default();
        for number in statistics.numbers() {
            *number = u64::read(reader)?;
        }
        statistics.is_disk_full = bool::read(reader)?;
        Ok(statistics)
    }
}
