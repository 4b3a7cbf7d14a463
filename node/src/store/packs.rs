//! Packs: files of records, written at their end, punched where records went.
//! Invariant: bytes of a pack below the end that the index has on disk are never written again, only wiped.
//! Byte order: little-endian.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use peerdist::wire::{Reader, Writer};
use rustix::fs::{FallocateFlags, SeekFrom};
use rustix::io::ReadWriteFlags;

use super::record::{ALIGNMENT, HEADER_BYTES, Mark, Record};

/// Where the first record of a pack begins.
pub(super) const FIRST_RECORD: u32 = ALIGNMENT;
/// The format of packs.
const PACK_VERSION: u8 = 1;
const MAGIC: &[u8; 7] = b"PDPACK\0";
/// Packs that are kept open for the next reader.
const OPEN_FILES_LIMIT: usize = 128;
/// What the file system gives back at a time.
const PAGE: u32 = 4096;
const ZEROS: [u8; 4096] = [0; 4096];

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked left a map or a set that is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The packs of a store.
#[derive(Debug)]
pub(super) struct Packs {
    directory: PathBuf,
    writable: bool,
    open: Mutex<OpenFiles>,
    unsynced: Mutex<BTreeSet<u32>>,
    has_new_names: AtomicBool,
    punches: AtomicBool,
}

#[derive(Debug, Default)]
struct OpenFiles {
    files: BTreeMap<u32, (u64, Arc<Pack>)>,
    uses: u64,
}

/// A pack that is open.
#[derive(Debug)]
pub(super) struct Pack {
    file: File,
    pub(super) mark: Mark,
    pub(super) shelf: u8,
}

impl Packs {
    pub(super) fn open(directory: PathBuf, writable: bool, punches: bool) -> io::Result<Self> {
        if writable {
            match fs::create_dir(&directory) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(Self {
            directory,
            writable,
            open: Mutex::default(),
            unsynced: Mutex::default(),
            has_new_names: AtomicBool::new(false),
            punches: AtomicBool::new(punches),
        })
    }

    fn path(&self, number: u32) -> PathBuf {
        self.directory.join(format!("{number:08}.pack"))
    }

    /// The packs that are there, with their lengths.
    pub(super) fn list(&self) -> io::Result<BTreeMap<u32, u64>> {
        let mut packs = BTreeMap::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = Path::new(&name)
                .file_stem()
                .and_then(|stem| stem.to_str()?.parse::<u32>().ok());
            if let Some(number) = number.filter(|number| self.path(*number) == entry.path()) {
                packs.insert(number, entry.metadata()?.len());
            }
        }
        Ok(packs)
    }

    pub(super) fn create(&self, number: u32, shelf: u8) -> io::Result<Arc<Pack>> {
        let mut mark = Mark::default();
        crate::world::fill_random(&mut mark)?;
        let mut options = File::options();
        // One that is there already was never in an index that reached the disk.
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path(number))?;
        let mut writer = Writer::new();
        writer
            .bytes(MAGIC)
            .u8(PACK_VERSION)
            .u8(shelf)
            .bytes(&[0; 7])
            .bytes(&mark);
        let mut header = writer.finish();
        let crc = crc32fast::hash(&header);
        header.extend_from_slice(&crc.to_le_bytes());
        header.resize(FIRST_RECORD as usize, 0);
        file.write_all_at(&header, 0)?;
        self.has_new_names.store(true, Ordering::Release);
        locked(&self.unsynced).insert(number);
        let pack = Arc::new(Pack { file, mark, shelf });
        self.remember(number, &pack);
        Ok(pack)
    }

    fn remember(&self, number: u32, pack: &Arc<Pack>) {
        let mut open = locked(&self.open);
        open.uses += 1;
        let uses = open.uses;
        if open.files.len() >= OPEN_FILES_LIMIT {
            let oldest = open.files.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                open.files.remove(&oldest);
            }
        }
        open.files.insert(number, (uses, Arc::clone(pack)));
    }

    pub(super) fn get(&self, number: u32) -> io::Result<Arc<Pack>> {
        {
            let mut open = locked(&self.open);
            open.uses += 1;
            let uses = open.uses;
            if let Some((used, pack)) = open.files.get_mut(&number) {
                *used = uses;
                return Ok(Arc::clone(pack));
            }
        }
        let file = File::options()
            .read(true)
            .write(self.writable)
            .open(self.path(number))?;
        let mut header = [0; FIRST_RECORD as usize];
        file.read_exact_at(&mut header, 0)?;
        let pack = decode_header(&header)
            .map(|(shelf, mark)| Arc::new(Pack { file, mark, shelf }))
            .ok_or_else(|| io::Error::other("its first bytes are not those of a pack"))?;
        self.remember(number, &pack);
        Ok(pack)
    }

    /// Writes a record at the end of a pack. After a failure the pack is as it was.
    pub(super) fn append(
        &self,
        (number, at): (u32, u32),
        record: &Record,
        payload: &[u8],
    ) -> io::Result<()> {
        let pack = self.get(number)?;
        let header = record.encode(&pack.mark);
        locked(&self.unsynced).insert(number);
        let written = write_all(&pack.file, u64::from(at), &header, payload);
        if written.is_err() {
            // The end that counts is the index's; this only gives the space back.
            let _ = pack.file.set_len(u64::from(at));
        }
        written
    }

    /// Brings everything that was appended to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        let numbers = std::mem::take(&mut *locked(&self.unsynced));
        for number in &numbers {
            let synced = match self.get(*number) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
                Ok(pack) => pack.file.sync_data(),
            };
            if let Err(error) = synced {
                locked(&self.unsynced).extend(&numbers);
                return Err(error);
            }
        }
        if self.has_new_names.swap(false, Ordering::AcqRel) {
            let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
            if synced.is_err() {
                self.has_new_names.store(true, Ordering::Release);
            }
            synced?;
        }
        Ok(())
    }

    /// Overwrites what nobody may read again, and gives the pages inside the gap around it back.
    pub(super) fn wipe(
        &self,
        number: u32,
        (at, span): (u32, u32),
        gap: (u32, u32),
    ) -> io::Result<()> {
        let pack = match self.get(number) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            pack => pack?,
        };
        let length = pack.file.metadata()?.len();
        let end = u64::from(at + span).min(length);
        let mut from = u64::from(at);
        while from < end {
            let some = usize::try_from(end - from).unwrap_or(usize::MAX);
            let zeros = ZEROS.get(..some.min(ZEROS.len())).unwrap_or_default();
            pack.file.write_all_at(zeros, from)?;
            from += zeros.len() as u64;
        }
        let (start, end) = (gap.0.next_multiple_of(PAGE), gap.1 / PAGE * PAGE);
        if start < end && self.punches.load(Ordering::Relaxed) {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            let (from, count) = (u64::from(start), u64::from(end - start));
            let punched =
                rustix::io::retry_on_intr(|| rustix::fs::fallocate(&pack.file, flags, from, count));
            if punched.is_err() {
                // Not every file system can; then packs are compacted instead.
                self.punches.store(false, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    pub(super) fn can_punch(&self) -> bool {
        self.punches.load(Ordering::Relaxed)
    }

    /// Removes a pack in which nothing is left. Its records were wiped before.
    pub(super) fn remove(&self, number: u32) -> io::Result<()> {
        locked(&self.open).files.remove(&number);
        locked(&self.unsynced).remove(&number);
        match fs::remove_file(self.path(number)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Drops what stands behind the end that the index knows.
    pub(super) fn truncate(&self, number: u32, end: u32) -> io::Result<()> {
        self.get(number)?.file.set_len(u64::from(end))
    }
}

impl Pack {
    /// Reads a header and so many bytes behind it, which are in `payload` then.
    pub(super) fn read(&self, at: u32, payload: &mut [u8]) -> io::Result<[u8; HEADER_BYTES]> {
        let mut header = [0; HEADER_BYTES];
        let wanted = HEADER_BYTES + payload.len();
        let mut parts = [IoSliceMut::new(&mut header), IoSliceMut::new(payload)];
        let read = rustix::io::retry_on_intr(|| {
            rustix::io::preadv(&self.file, &mut parts, u64::from(at))
        })?;
        if read < wanted {
            // Rare enough to begin anew, in two steps.
            self.file.read_exact_at(&mut header, u64::from(at))?;
            self.file
                .read_exact_at(payload, u64::from(at) + HEADER_BYTES as u64)?;
        }
        Ok(header)
    }

    /// The same without waiting for the disk; `None` where the system does not have all of it at hand, or cannot tell.
    pub(super) fn read_at_hand(&self, at: u32, payload: &mut [u8]) -> Option<[u8; HEADER_BYTES]> {
        let mut header = [0; HEADER_BYTES];
        let wanted = HEADER_BYTES + payload.len();
        let mut parts = [IoSliceMut::new(&mut header), IoSliceMut::new(payload)];
        let flags = ReadWriteFlags::NOWAIT;
        let read = rustix::io::preadv2(&self.file, &mut parts, u64::from(at), flags);
        (read == Ok(wanted)).then_some(header)
    }

    /// The first place at or behind `from` where a record can be, holes passed over; `None` at the end.
    pub(super) fn next_data(&self, from: u32) -> Option<u32> {
        let data = rustix::fs::seek(&self.file, SeekFrom::Data(u64::from(from)));
        let data = match data {
            Ok(data) => u32::try_from(data).ok()?,
            Err(rustix::io::Errno::NXIO) => return None,
            // Not every file system knows its holes.
            Err(_) => from,
        };
        Some((data / ALIGNMENT * ALIGNMENT).max(from))
    }
}

fn write_all(file: &File, at: u64, header: &[u8], payload: &[u8]) -> io::Result<()> {
    let parts = [IoSlice::new(header), IoSlice::new(payload)];
    let written = rustix::io::retry_on_intr(|| rustix::io::pwritev(file, &parts, at))?;
    if written < header.len() + payload.len() {
        file.write_all_at(header, at)?;
        file.write_all_at(payload, at + header.len() as u64)?;
    }
    Ok(())
}

fn decode_header(bytes: &[u8]) -> Option<(u8, Mark)> {
    let (checked, crc) = bytes.split_at_checked(32)?;
    if crc.get(..4)? != crc32fast::hash(checked).to_le_bytes().as_slice() {
        return None;
    }
    let mut reader = Reader::new(checked);
    let magic: [u8; 7] = reader.array("Magic").ok()?;
    let [version, shelf] = reader.array("Version").ok()?;
    reader.take(7, "Zero").ok()?;
    let mark = reader.array("Mark").ok()?;
    (&magic == MAGIC && version == PACK_VERSION && shelf < 2).then_some((shelf, mark))
}
