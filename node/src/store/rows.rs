//! Rows of the index as bytes: segments, blocks, totals.
//! Invariant: a row that decodes has all of its fields; one that does not means that the index is damaged.
//! Byte order: little-endian.

use peerdist::cipher::BLOCK_LEN;
use peerdist::content::SegmentId;
use peerdist::discovery::Replies;
use peerdist::hash::Digest;
use peerdist::retrieval::server::BlockForm;
use peerdist::retrieval::{BlockIndex, BlockSet, CryptoAlgorithm};
use peerdist::wire::{Reader, Truncated, Writer};

/// What stands for the facts where a block's number is expected.
pub(super) const FACTS: u16 = u16::MAX;

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) pack: u32,
    pub(super) at: u32,
    /// Bytes behind the header.
    pub(super) length: u32,
}

/// What is kept of a segment on one shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ShelfRow {
    pub(super) blocks: BlockSet,
    pub(super) since: u64,
    pub(super) used: u64,
    pub(super) bytes: u64,
    pub(super) is_there: bool,
}

/// What is known of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SegmentRow {
    pub(super) handle: u64,
    pub(super) shelves: [ShelfRow; 2],
    /// Its facts, which are on the shelf of what was verified.
    pub(super) facts: Option<Place>,
    /// Whether the facts follow from the id: before that no block is served.
    pub(super) is_proven: bool,
    /// How often others offered it when it was looked for.
    pub(super) replies: Replies,
}

/// What everything adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) bytes: [u64; 2],
    pub(super) blocks: [u64; 2],
    pub(super) segments: [u64; 2],
    pub(super) next_handle: u64,
    pub(super) next_pack: u32,
    /// The packs that are written to, 0 where none is.
    pub(super) current: [u32; 2],
    /// The last use that was written down.
    pub(super) stamp: u64,
}

pub(super) fn decode_id(bytes: &[u8]) -> Option<SegmentId> {
    Digest::try_from(bytes).ok().map(SegmentId)
}

pub(super) fn number(index: BlockIndex) -> u16 {
    u16::try_from(index.get()).unwrap_or(FACTS)
}

pub(super) fn encode_block(place: Place, form: BlockForm) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .u32_le(place.pack)
        .u32_le(place.at)
        .u32_le(place.length);
    if let BlockForm::Sealed { crypto, iv } = form {
        writer.u32_le(crypto.0).bytes(&iv);
    }
    writer.finish()
}

pub(super) fn decode_block(bytes: &[u8]) -> Option<(Place, BlockForm)> {
    let mut reader = Reader::new(bytes);
    let place = read_place(&mut reader).ok()?;
    if reader.remaining() == 0 {
        return Some((place, BlockForm::Plain));
    }
    let crypto = CryptoAlgorithm(u32::from_le_bytes(reader.array("Crypto").ok()?));
    let iv: [u8; BLOCK_LEN] = reader.array("Vector").ok()?;
    (reader.remaining() == 0).then_some((place, BlockForm::Sealed { crypto, iv }))
}

fn read_place(reader: &mut Reader<'_>) -> Result<Place, Truncated> {
    Ok(Place {
        pack: u32::from_le_bytes(reader.array("Pack")?),
        at: u32::from_le_bytes(reader.array("At")?),
        length: u32::from_le_bytes(reader.array("Length")?),
    })
}

fn read_u64(reader: &mut Reader<'_>) -> Result<u64, Truncated> {
    Ok(u64::from_le_bytes(reader.array("Number")?))
}

impl SegmentRow {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let flags = u8::from(self.is_proven) | u8::from(self.facts.is_some()) << 1;
        writer.u64_le(self.handle).u8(flags);
        let facts = self.facts.unwrap_or(Place {
            pack: 0,
            at: 0,
            length: 0,
        });
        writer
            .u32_le(facts.pack)
            .u32_le(facts.at)
            .u32_le(facts.length)
            .u32_le(self.replies.total)
            .u32_le(self.replies.full);
        for shelf in &self.shelves {
            writer.u8(u8::from(shelf.is_there));
            if !shelf.is_there {
                continue;
            }
            writer
                .u64_le(shelf.since)
                .u64_le(shelf.used)
                .u64_le(shelf.bytes);
            for word in shelf.blocks.words() {
                writer.u64_le(word);
            }
        }
        writer.finish()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        Self::fields(&mut Reader::new(bytes)).ok()
    }

    fn fields(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        let handle = read_u64(reader)?;
        let [flags] = reader.array("Flags")?;
        let facts = read_place(reader)?;
        let mut number = || Ok(u32::from_le_bytes(reader.array("Replies")?));
        let replies = Replies {
            total: number()?,
            full: number()?,
        };
        let mut row = Self {
            handle,
            facts: (flags & 2 != 0).then_some(facts),
            is_proven: flags & 1 != 0,
            replies,
            ..Self::default()
        };
        for shelf in &mut row.shelves {
            let [is_there] = reader.array("There")?;
            shelf.is_there = is_there == 1;
            if !shelf.is_there {
                continue;
            }
            shelf.since = read_u64(reader)?;
            shelf.used = read_u64(reader)?;
            shelf.bytes = read_u64(reader)?;
            let mut words = [0; 8];
            for word in &mut words {
                *word = read_u64(reader)?;
            }
            shelf.blocks = BlockSet::from_words(words);
        }
        Ok(row)
    }
}

impl Totals {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        for shelf in 0..2 {
            for numbers in [self.bytes, self.blocks, self.segments] {
                writer.u64_le(numbers.get(shelf).copied().unwrap_or_default());
            }
            writer.u32_le(self.current.get(shelf).copied().unwrap_or_default());
        }
        writer
            .u64_le(self.next_handle)
            .u32_le(self.next_pack)
            .u64_le(self.stamp);
        writer.finish()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        Self::fields(&mut Reader::new(bytes)).ok()
    }

    fn fields(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        let mut totals = Self::default();
        let shelves = totals.bytes.iter_mut().zip(&mut totals.blocks);
        let shelves = shelves.zip(&mut totals.segments).zip(&mut totals.current);
        for (((bytes, blocks), segments), current) in shelves {
            *bytes = read_u64(reader)?;
            *blocks = read_u64(reader)?;
            *segments = read_u64(reader)?;
            *current = u32::from_le_bytes(reader.array("Current")?);
        }
        totals.next_handle = read_u64(reader)?;
        totals.next_pack = u32::from_le_bytes(reader.array("NextPack")?);
        totals.stamp = read_u64(reader)?;
        Ok(totals)
    }
}
