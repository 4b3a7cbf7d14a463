//! Content information that was made, kept in a directory and, the latest used, in memory.
//! Invariant: what comes out is what went in, whole, or nothing; never more bytes or entries than the limits.
//! Byte order: none; a file is a mark, the SHA-256 of the rest, and the rest.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use peerdist::hash::{HashAlgorithm, digest};

use super::settings::Settings;

const MARK: &[u8; 8] = b"PDINFO1\n";
const CHECK_BYTES: usize = 32;
const DRAFT_PREFIX: &str = ".draft-";

/// Whose content information it is: the hash of all that it depends on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InfoKey(pub(super) [u8; 32]);

impl std::fmt::Debug for InfoKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl InfoKey {
    fn name(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn from_name(name: &str) -> Option<Self> {
        let digits = name.as_bytes();
        let mut key = [0; 32];
        if digits.len() != 2 * key.len() {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(digits.as_chunks::<2>().0) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        (Self(key).name() == name).then_some(Self(key))
    }
}

/// The store.
#[derive(Debug)]
pub(super) struct InfoStore {
    directory: Option<PathBuf>,
    bytes_most: u64,
    entries_most: usize,
    memory_bytes_most: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: BTreeMap<InfoKey, Entry>,
    by_use: BTreeMap<u64, InfoKey>,
    uses: u64,
    bytes: u64,
    memory_bytes: u64,
}

#[derive(Debug)]
struct Entry {
    bytes: u64,
    used: u64,
    held: Option<Bytes>,
}

impl InfoStore {
    /// Opens the directory of the settings, or makes it. What is in it is known from its names and sizes.
    pub(super) fn open(settings: &Settings) -> io::Result<Self> {
        let mut kept = Kept::default();
        if let Some(directory) = &settings.cache_directory {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)?;
            kept.fill_from(directory)?;
        }
        let (bytes_most, entries_most) = match settings.cache_directory {
            Some(_) => (settings.cache_disk_bytes_most, settings.cache_entries_most),
            None => (
                settings.cache_memory_bytes_most,
                settings.cache_entries_most,
            ),
        };
        let store = Self {
            directory: settings.cache_directory.clone(),
            bytes_most,
            entries_most,
            memory_bytes_most: settings.cache_memory_bytes_most,
            kept: Mutex::new(kept),
        };
        store.evict(&mut store.lock());
        Ok(store)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are, and their bytes.
    pub(super) fn totals(&self) -> (u64, u64) {
        let kept = self.lock();
        (kept.entries.len() as u64, kept.bytes)
    }

    pub(super) fn contains(&self, key: &InfoKey) -> bool {
        self.lock().entries.contains_key(key)
    }

    /// What is in memory, without reading a file.
    pub(super) fn get_held(&self, key: &InfoKey) -> Option<Bytes> {
        let mut kept = self.lock();
        kept.touch(key);
        kept.entries.get(key)?.held.clone()
    }

    /// What is there; reads a file where it must. One that is damaged is removed.
    pub(super) fn get(&self, key: &InfoKey) -> Option<Bytes> {
        if let Some(held) = self.get_held(key) {
            return Some(held);
        }
        let directory = self.directory.as_ref()?;
        if !self.contains(key) {
            return None;
        }
        let path = directory.join(key.name());
        match read(&path) {
            Some(info) => {
                let mut kept = self.lock();
                kept.hold(key, info.clone());
                self.evict(&mut kept);
                Some(info)
            }
            None => {
                tracing::warn!(path = %path.display(), "kept content information is damaged or gone");
                self.remove(&mut self.lock(), key);
                None
            }
        }
    }

    /// Keeps content information and tells how many others had to make room. One that is longer than all may be
    /// together is not kept.
    pub(super) fn put(&self, key: InfoKey, info: Bytes) -> io::Result<u64> {
        let bytes = info.len() as u64;
        if bytes > self.bytes_most || self.entries_most == 0 {
            return Ok(0);
        }
        if let Some(directory) = &self.directory {
            write(directory, &key, &info)?;
        }
        let mut kept = self.lock();
        kept.insert(key, bytes);
        kept.hold(&key, info);
        Ok(self.evict(&mut kept))
    }

    fn evict(&self, kept: &mut Kept) -> u64 {
        let mut evicted = 0;
        while kept.bytes > self.bytes_most || kept.entries.len() > self.entries_most {
            let Some(oldest) = kept.by_use.values().next().copied() else {
                break;
            };
            self.remove(kept, &oldest);
            evicted += 1;
        }
        if kept.memory_bytes <= self.memory_bytes_most || self.directory.is_none() {
            return evicted;
        }
        let Kept {
            entries,
            by_use,
            memory_bytes,
            ..
        } = kept;
        for key in by_use.values() {
            if *memory_bytes <= self.memory_bytes_most {
                break;
            }
            if let Some(entry) = entries.get_mut(key)
                && entry.held.take().is_some()
            {
                *memory_bytes -= entry.bytes;
            }
        }
        evicted
    }

    fn remove(&self, kept: &mut Kept, key: &InfoKey) {
        kept.forget(key);
        if let Some(directory) = &self.directory {
            // Whether it was still there does not matter: it is not counted any more.
            let _ = fs::remove_file(directory.join(key.name()));
        }
    }
}

impl Kept {
    fn fill_from(&mut self, directory: &Path) -> io::Result<()> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(DRAFT_PREFIX) {
                // Of a process that was ended in the middle.
                let _ = fs::remove_file(entry.path());
                continue;
            }
            if let (Some(key), Ok(metadata)) = (InfoKey::from_name(&name), entry.metadata()) {
                let written = metadata.modified().unwrap_or(UNIX_EPOCH);
                let overhead = (MARK.len() + CHECK_BYTES) as u64;
                found.push((written, key, metadata.len().saturating_sub(overhead)));
            }
        }
        found.sort_unstable();
        for (_, key, bytes) in found {
            self.insert(key, bytes);
        }
        Ok(())
    }

    fn insert(&mut self, key: InfoKey, bytes: u64) {
        self.forget(&key);
        self.uses += 1;
        self.by_use.insert(self.uses, key);
        self.bytes += bytes;
        let entry = Entry {
            bytes,
            used: self.uses,
            held: None,
        };
        self.entries.insert(key, entry);
    }

    fn hold(&mut self, key: &InfoKey, info: Bytes) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.held.replace(info).is_none()
        {
            self.memory_bytes += entry.bytes;
        }
    }

    fn touch(&mut self, key: &InfoKey) {
        if let Some(entry) = self.entries.get_mut(key) {
            self.by_use.remove(&entry.used);
            self.uses += 1;
            entry.used = self.uses;
            self.by_use.insert(self.uses, *key);
        }
    }

    fn forget(&mut self, key: &InfoKey) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_use.remove(&entry.used);
            self.bytes -= entry.bytes;
            if entry.held.is_some() {
                self.memory_bytes -= entry.bytes;
            }
        }
    }
}

fn read(path: &Path) -> Option<Bytes> {
    let bytes = Bytes::from(fs::read(path).ok()?);
    let (head, _) = bytes.split_at_checked(MARK.len() + CHECK_BYTES)?;
    let check = head.strip_prefix(MARK)?;
    let info = bytes.slice(head.len()..);
    (digest(HashAlgorithm::Sha256, &info).as_ref() == check).then_some(info)
}

fn write(directory: &Path, key: &InfoKey, info: &[u8]) -> io::Result<()> {
    let mut draft = tempfile::Builder::new()
        .prefix(DRAFT_PREFIX)
        .tempfile_in(directory)?;
    draft.write_all(MARK)?;
    draft.write_all(digest(HashAlgorithm::Sha256, info).as_ref())?;
    draft.write_all(info)?;
    // Not forced to the disk: after a crash the check finds what is missing, and it is made again.
    draft.persist(directory.join(key.name()))?;
    Ok(())
}

#[cfg(test)]
mod tests;
