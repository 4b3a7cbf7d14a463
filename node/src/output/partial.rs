//! Files that appear whole, and of which a part may stay beside until then, to be continued.
//! Invariant: one process at a time has a part in hand; what is in it counts for nothing until somebody verified it.
//! Byte order: none.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{OutputError, behind_links, directory_of};

/// How the name of a part ends; it begins with a dot and the final name.
const SUFFIX: &str = ".peerdist-part";

/// A part of a file that is to be. Dropped, it is removed, unless it is [kept](Partial::keep).
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    file: File,
    part: PathBuf,
    target: PathBuf,
    is_kept: bool,
}

impl Partial {
    /// Opens the part of `path`, with whatever an earlier process left in it.
    ///
    /// # Errors
    /// [`OutputError`] where the directory is missing or may not be written to, the name is no file's, or another
    /// process has the part in hand.
    pub fn open(path: &Path) -> Result<Self, OutputError> {
        let failed = |source| OutputError::Write {
            path: path.to_owned(),
            source,
        };
        let target = behind_links(path).map_err(failed)?;
        if fs::metadata(&target).is_ok_and(|known| known.is_dir()) {
            return Err(OutputError::IsDirectory {
                path: path.to_owned(),
            });
        }
        let directory = directory_of(&target);
        if !directory.is_dir() {
            return Err(OutputError::NoDirectory {
                path: path.to_owned(),
                directory: directory.to_owned(),
            });
        }
        let Some(name) = target.file_name() else {
            return Err(failed(io::ErrorKind::InvalidFilename.into()));
        };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(SUFFIX);
        let part = directory.join(hidden);
        let file = open_locked(&part).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            part,
            target,
            is_kept: false,
        })
    }

    /// The file, to be read and written at offsets.
    #[must_use]
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// The same file for reading alone, which does not keep others from taking it in hand.
    ///
    /// # Errors
    /// Those of the system.
    pub fn reader(&self) -> io::Result<File> {
        File::open(&self.part)
    }

    /// Whether it is to stay where it does not come to its end.
    pub const fn keep(&mut self, is_kept: bool) {
        self.is_kept = is_kept;
    }

    /// Gives it its final length and name.
    ///
    /// Its bytes are not waited for: what was fetched can be fetched again should the machine lose power just now, and
    /// waiting for the disk would take longer than all the rest.
    ///
    /// # Errors
    /// [`OutputError::Write`] where the disk fails.
    pub fn finish(mut self, length: u64) -> Result<File, OutputError> {
        let named = self
            .file
            .set_len(length)
            .and_then(|()| fs::rename(&self.part, &self.target))
            .and_then(|()| self.file.try_clone());
        self.is_kept |= named.is_ok();
        named.map_err(|source| OutputError::Write {
            path: self.path.clone(),
            source,
        })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Between opening and locking another process may have given the part its final name.
fn open_locked(part: &Path) -> io::Result<File> {
    loop {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(part)?;
        file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                io::Error::other(format!("another process is writing {}", part.display()))
            }
            fs::TryLockError::Error(error) => error,
        })?;
        let (ours, named) = (file.metadata()?, fs::metadata(part));
        if named.is_ok_and(|named| named.dev() == ours.dev() && named.ino() == ours.ino()) {
            return Ok(file);
        }
    }
}
