//! Packages: segments with their facts and blocks in one file, to be carried elsewhere (docs/PACKAGE.md).
//! Invariant: no block is kept from a package that does not hash to what its segment's facts say.
//! Byte order: little-endian.

use std::io::{self, ErrorKind, Read, Write};

use peerdist::content::{SegmentId, V2_SEGMENT_MAX_BYTES, Version};
use peerdist::hash::Digest;
use peerdist::retrieval::BlockIndex;
use peerdist::store::Put;
use thiserror::Error;
use zeroize::Zeroizing;

use super::facts::{FACTS_MAX_BYTES, SegmentFacts};
use super::{StoreError, StoreHandle};

const MAGIC: &[u8; 6] = b"PDPKG\0";
const VERSION: u8 = 1;
const WITH_SECRETS: u8 = 1;
const END: u8 = 0;
const SEGMENT: u8 = 1;
const BLOCK: u8 = 2;

/// Why a package was not written or read to its end.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum PackageError {
    /// Another kind of file.
    #[error("it is not a package: it does not begin with PDPKG")]
    NotAPackage,
    /// Written by a newer release.
    #[error(
        "its version is {found}, and this peerdist reads version {VERSION}; use a newer peerdist"
    )]
    Newer { found: u8 },
    /// It ends before its end.
    #[error("it is cut short at byte {at}; the blocks before that are kept, get the rest anew")]
    CutShort { at: u64 },
    /// It says what no package says.
    #[error("it is damaged at byte {at}: {what}; nothing from there on is kept")]
    Damaged { at: u64, what: String },
    /// It cannot be read or written.
    #[error("{0}")]
    Io(io::Error),
    /// The store cannot.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// What went into a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Segments.
    pub segments: u64,
    /// Their blocks.
    pub blocks: u64,
    /// The blocks' bytes.
    pub bytes: u64,
}

/// What came of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Segments in it.
    pub segments: u64,
    /// Blocks that are kept now and were not before.
    pub kept: u64,
    /// Blocks that were there.
    pub there: u64,
    /// Blocks for which there was no room.
    pub no_room: u64,
    /// Blocks of version 1.0 whose hash does not follow from HoD, for the list of hashes is not whole.
    pub unverifiable: u64,
    /// Segments that wait for content information, for the package has no secrets.
    pub waiting: u64,
}

/// Writes what was verified of the segments that `wanted` picks.
///
/// # Errors
/// Where the store cannot be read or the package cannot be written.
pub fn export(
    store: &StoreHandle,
    with_secrets: bool,
    mut wanted: impl FnMut(&SegmentId) -> bool,
    to: &mut dyn Write,
) -> Result<Exported, PackageError> {
    let mut writer = Summed {
        inner: to,
        crc: crc32fast::Hasher::new(),
        at: 0,
    };
    let flags = if with_secrets { WITH_SECRETS } else { 0 };
    writer.put(&[MAGIC.as_slice(), &[VERSION, flags]].concat())?;
    let mut exported = Exported::default();
    let mut after = None;
    let mut bytes = Vec::new();
    loop {
        let page = store.list(after.as_ref())?;
        let Some(last) = page.last() else {
            break;
        };
        after = Some(last.id);
        for summary in page {
            if summary.verified.is_empty() || !summary.is_proven || !wanted(&summary.id) {
                continue;
            }
            let Some(facts) = store.facts(&summary.id)? else {
                continue;
            };
            let encoded = facts.encode(with_secrets);
            let id = summary.id.0.as_bytes();
            writer.put(&[SEGMENT, u8::try_from(id.len()).unwrap_or(0)])?;
            writer.put(id)?;
            writer.put(
                &u32::try_from(encoded.len())
                    .unwrap_or(u32::MAX)
                    .to_le_bytes(),
            )?;
            writer.put(&encoded)?;
            exported.segments += 1;
            for index in summary.verified.iter() {
                let form = store.read(&summary.id, index, &mut bytes)?;
                // One that was damaged or gave way meanwhile.
                if form != Some(peerdist::retrieval::server::BlockForm::Plain) {
                    continue;
                }
                writer.put(&[BLOCK])?;
                writer.put(&index.get().to_le_bytes())?;
                writer.put(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes())?;
                writer.put(&bytes)?;
                exported.blocks += 1;
                exported.bytes += bytes.len() as u64;
            }
        }
    }
    writer.put(&[END])?;
    writer.put(&exported.segments.to_le_bytes())?;
    writer.put(&exported.blocks.to_le_bytes())?;
    let crc = writer.crc.clone().finalize();
    writer.put(&crc.to_le_bytes())?;
    writer.inner.flush().map_err(PackageError::Io)?;
    Ok(exported)
}

/// Keeps the blocks of a package, each after it was held against its hash.
///
/// # Errors
/// [`PackageError`]; what was kept before stays, for it was verified.
pub fn import(store: &StoreHandle, from: &mut dyn Read) -> Result<Imported, PackageError> {
    let mut reader = Summed {
        inner: from,
        crc: crc32fast::Hasher::new(),
        at: 0,
    };
    let done = import_from(store, &mut reader);
    // Also what a damaged package brought before its damage.
    store.flush()?;
    done
}

fn import_from(
    store: &StoreHandle,
    reader: &mut Summed<&mut dyn Read>,
) -> Result<Imported, PackageError> {
    let magic: [u8; 6] = reader.array().map_err(|error| match error {
        PackageError::CutShort { .. } => PackageError::NotAPackage,
        error => error,
    })?;
    if &magic != MAGIC {
        return Err(PackageError::NotAPackage);
    }
    let [version, flags] = reader.array()?;
    if version != VERSION {
        return Err(PackageError::Newer { found: version });
    }
    if flags > WITH_SECRETS {
        return Err(reader.damaged("its flags are none that there are"));
    }
    let mut imported = Imported::default();
    let mut blocks = 0u64;
    let mut current: Option<(SegmentId, bool)> = None;
    loop {
        match reader.array()? {
            [SEGMENT] => {
                current = Some(import_segment(store, reader, flags, &mut imported)?);
                imported.segments += 1;
            }
            [BLOCK] => {
                let Some((id, is_verifiable)) = current else {
                    return Err(reader.damaged("a block stands before its segment"));
                };
                import_block(store, reader, (&id, is_verifiable), &mut imported)?;
                blocks += 1;
            }
            [END] => break,
            _ => return Err(reader.damaged("an entry of a kind that there is not")),
        }
    }
    let counts = [
        u64::from_le_bytes(reader.array()?),
        u64::from_le_bytes(reader.array()?),
    ];
    let crc = reader.crc.clone().finalize();
    if counts != [imported.segments, blocks] || crc != u32::from_le_bytes(reader.array()?) {
        return Err(
            reader.damaged("its counts or its checksum are not those of what stands before")
        );
    }
    let mut more = [0];
    if reader.inner.read(&mut more).map_err(PackageError::Io)? != 0 {
        return Err(reader.damaged("there is something behind its end"));
    }
    Ok(imported)
}

fn import_segment(
    store: &StoreHandle,
    reader: &mut Summed<&mut dyn Read>,
    flags: u8,
    imported: &mut Imported,
) -> Result<(SegmentId, bool), PackageError> {
    let [length] = reader.array()?;
    let bytes = reader.bytes(length.into(), 64, "an id")?;
    let id = Digest::try_from(bytes.as_slice()).map(SegmentId);
    let id = id.map_err(|_| reader.damaged("an id of a length that there is not"))?;
    let length = u32::from_le_bytes(reader.array()?);
    let facts = reader.bytes(length, FACTS_MAX_BYTES, "the facts of a segment")?;
    let wrong = |why: super::FactsError| reader.damaged(&format!("segment {id}: {why}"));
    let facts = SegmentFacts::decode(&facts).map_err(wrong)?;
    facts.check(&id).map_err(wrong)?;
    if facts.secret.is_some() != (flags & WITH_SECRETS != 0) {
        return Err(reader.damaged("a secret where none was announced, or none where one was"));
    }
    // A list of hashes that is not whole proves nothing, unless the store knows better.
    let is_proven = facts.hashes_are_proven();
    if !is_proven && facts.version == Version::V1 {
        let known = store.facts(&id)?;
        return Ok((id, known.is_some_and(|known| known.hashes_are_proven())));
    }
    store.describe(&id, &facts)?;
    let is_waiting = store.facts(&id)?.is_none_or(|known| known.secret.is_none());
    imported.waiting += u64::from(is_waiting);
    Ok((id, true))
}

fn import_block(
    store: &StoreHandle,
    reader: &mut Summed<&mut dyn Read>,
    (id, is_verifiable): (&SegmentId, bool),
    imported: &mut Imported,
) -> Result<(), PackageError> {
    let index = BlockIndex::new(u32::from_le_bytes(reader.array()?));
    let index = index.ok_or_else(|| reader.damaged("a block of a number that there is not"))?;
    let length = u32::from_le_bytes(reader.array()?);
    let bytes = reader.bytes(length, V2_SEGMENT_MAX_BYTES as usize, "a block")?;
    if !is_verifiable {
        imported.unverifiable += 1;
        return Ok(());
    }
    let put = store.put_verified(id, index, &bytes);
    match put {
        Ok(Put::Kept) => imported.kept += 1,
        Ok(Put::AlreadyThere) => imported.there += 1,
        Ok(Put::TooLarge) => imported.no_room += 1,
        Err(StoreError::WrongBlock { .. }) => {
            return Err(reader.damaged(&format!("block {index} of segment {id} is not that block")));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// What is read or written, with its checksum.
struct Summed<T> {
    inner: T,
    crc: crc32fast::Hasher,
    at: u64,
}

impl Summed<&mut dyn Write> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), PackageError> {
        self.crc.update(bytes);
        self.inner.write_all(bytes).map_err(PackageError::Io)
    }
}

impl Summed<&mut dyn Read> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), PackageError> {
        self.inner
            .read_exact(bytes)
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => PackageError::CutShort { at: self.at },
                _ => PackageError::Io(error),
            })?;
        self.crc.update(bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PackageError> {
        let mut array = [0; N];
        self.fill(&mut array)?;
        Ok(array)
    }

    fn bytes(
        &mut self,
        length: u32,
        most: usize,
        what: &str,
    ) -> Result<Zeroizing<Vec<u8>>, PackageError> {
        let length = length as usize;
        if length == 0 || length > most {
            return Err(self.damaged(&format!("{what} of {length} bytes")));
        }
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn damaged(&self, what: &str) -> PackageError {
        PackageError::Damaged {
            at: self.at,
            what: what.to_owned(),
        }
    }
}
