//! The directory of a store: whose it is, of which format, and who uses it.
//! Invariant: while a [`Directory`] is there, no other process has the store open.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::error::StoreError;

/// The format that is written, and the newest that is read.
pub(super) const FORMAT: u32 = 1;
const FORMAT_FILE: &str = "format";
const FORMAT_WORDS: &str = "peerdist store ";
const LOCK_FILE: &str = "lock";
const QUARANTINE: &str = "quarantine";
/// Damaged indexes that are kept for whoever wants to look at them.
const CORRUPT_LIMIT: u32 = 3;

/// A directory that is in use by this process.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    pub(super) is_writable: bool,
    _lock: File,
}

impl Directory {
    /// Makes the directory where it is missing, and takes it.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |what| StoreError::io(path, what);
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            // On a file system that cannot be written to, one that is there is good enough.
            Err(_) if path.is_dir() => {}
            Err(error) => return Err(failed("make its directory")(error)),
        }
        if !path.is_dir() {
            return Err(not_a_store(path, "it is a file"));
        }
        let is_known = check_format(path)?;
        if !is_known {
            let mut names = fs::read_dir(path).map_err(failed("read its directory"))?;
            if let Some(name) = names.find_map(|entry| {
                let name = entry.ok()?.file_name();
                let is_ours = name == LOCK_FILE || name.to_string_lossy().starts_with(".peerdist-");
                (!is_ours).then_some(name)
            }) {
                let name = name.to_string_lossy();
                return Err(not_a_store(path, &format!("there is {name:?} in it")));
            }
        }
        let lock_path = path.join(LOCK_FILE);
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).mode(0o600);
        let (lock, is_writable) = match options.truncate(false).open(&lock_path) {
            Ok(lock) => (lock, true),
            Err(error) if is_known && is_denied(&error) => {
                let lock = File::open(&lock_path).map_err(failed("open its lock"))?;
                (lock, false)
            }
            Err(error) => return Err(failed("open its lock")(error)),
        };
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(StoreError::InUse {
                    directory: path.to_owned(),
                    pid: owner(path),
                });
            }
            Err(error) => return Err(failed("lock it")(error.into())),
        }
        if is_writable {
            // The secrets of segments are in it. One that is not ours keeps the mode that its owner gave it.
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
            let mut lock = &lock;
            let written = lock
                .set_len(0)
                .and_then(|()| writeln!(lock, "{}", std::process::id()));
            // A full disk may take no number; the lock holds all the same.
            drop(written);
            if !is_known {
                let words = format!("{FORMAT_WORDS}{FORMAT}\n");
                crate::output::write(&path.join(FORMAT_FILE), [words.as_bytes()]).map_err(
                    |error| match error {
                        crate::output::OutputError::Write { source, .. } => {
                            failed("write its format")(source)
                        }
                        other => failed("write its format")(io::Error::other(other)),
                    },
                )?;
            }
        }
        Ok(Self {
            path: path.to_owned(),
            is_writable,
            _lock: lock,
        })
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Puts a damaged index aside, under a name that is free.
    pub(super) fn set_index_aside(&self, index: &Path) -> io::Result<PathBuf> {
        const PREFIX: &str = "index.redb.corrupt-";
        let name = |number: u32| self.at(&format!("{PREFIX}{number}"));
        let taken = fs::read_dir(&self.path)?.flatten().filter_map(|entry| {
            let name = entry.file_name();
            name.to_str()?.strip_prefix(PREFIX)?.parse::<u32>().ok()
        });
        let number = taken.max().unwrap_or(0).saturating_add(1);
        fs::rename(index, name(number))?;
        if let Some(old) = number.checked_sub(CORRUPT_LIMIT) {
            let _ = fs::remove_file(name(old));
        }
        Ok(name(number))
    }

    /// Keeps the bytes of a damaged block for whoever wants to look at them; the oldest give way.
    pub(super) fn set_block_aside(&self, name: &str, bytes: &[u8], limit: usize) -> io::Result<()> {
        let directory = self.at(QUARANTINE);
        match fs::DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let mut known: Vec<_> = fs::read_dir(&directory)?.flatten().collect();
        known.sort_by_key(|entry| entry.metadata().and_then(|known| known.modified()).ok());
        let too_many = (known.len() + 1).saturating_sub(limit);
        for entry in known.iter().take(too_many) {
            let _ = fs::remove_file(entry.path());
        }
        if limit == 0 {
            return Ok(());
        }
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600);
        file.open(directory.join(name))?.write_all(bytes)
    }
}

/// Who has the store open, as far as it said so.
pub(super) fn owner(path: &Path) -> Option<u32> {
    let mut text = String::new();
    let lock = File::open(path.join(LOCK_FILE)).ok()?;
    lock.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn is_denied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied
    )
}

fn not_a_store(path: &Path, why: &str) -> StoreError {
    StoreError::NotAStore {
        directory: path.to_owned(),
        why: why.to_owned(),
    }
}

/// Whether the directory says that it is a store of a format that is known here.
fn check_format(path: &Path) -> Result<bool, StoreError> {
    let mut text = Vec::new();
    match File::open(path.join(FORMAT_FILE)) {
        Ok(file) => file.take(64).read_to_end(&mut text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => Err(error),
    }
    .map_err(StoreError::io(path, "read its format"))?;
    let text = String::from_utf8_lossy(&text);
    let Some(found) = text.strip_prefix(FORMAT_WORDS).map(str::trim_end) else {
        return Err(not_a_store(
            path,
            "its file \"format\" is another program's",
        ));
    };
    match found.parse::<u32>() {
        Ok(number) if (1..=FORMAT).contains(&number) => Ok(true),
        _ => Err(StoreError::Newer {
            directory: path.to_owned(),
            found: found.to_owned(),
            known: FORMAT,
        }),
    }
}
