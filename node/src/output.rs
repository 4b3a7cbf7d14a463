//! Files that appear whole or not at all.
//! Invariant: nothing stands under the final name before all of it is on the disk.
//! Modes: files are made for their owner alone, for content information and keys are as secret as the content.
//!
//! Where the file system can (Linux: ext4, xfs, btrfs, tmpfs), the bytes go to a file without a name: whoever ends
//! the process in the middle, with whatever signal, leaves nothing behind. Elsewhere they go to a file
//! `.peerdist-*` in the same directory, which a failure removes, and which only an end by a signal leaves there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

/// How the names of unfinished files begin.
const DRAFT_PREFIX: &str = ".peerdist-";
/// Symbolic links that are followed before they count as a circle; as many as Linux follows.
const LINKS_MAX: usize = 40;

/// Why a file was not written. Nothing is left behind.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum OutputError {
    /// There is no directory to write it in.
    #[error("cannot write {}: there is no directory {}; expected one that exists", path.display(), directory.display())]
    NoDirectory { path: PathBuf, directory: PathBuf },
    /// The name is a directory's.
    #[error("cannot write {}: it is a directory; expected the name of a file", path.display())]
    IsDirectory { path: PathBuf },
    /// The disk is full, or writing is not allowed.
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Writes the parts, one after another, as the file `path`.
///
/// # Errors
/// As [`Output::open`] and [`Output::finish`].
pub fn write<'p>(
    path: &Path,
    parts: impl IntoIterator<Item = &'p [u8]>,
) -> Result<(), OutputError> {
    Output::open(path)?.finish(parts)
}

/// A file that is to be. Dropping it leaves things as they were.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    draft: Draft,
}

#[derive(Debug)]
enum Draft {
    /// A device or a pipe, which takes the bytes as they come.
    Special(File),
    /// A file without a name, to get one when it is whole.
    #[cfg(target_os = "linux")]
    Nameless { file: File, target: PathBuf },
    /// A file under another name.
    Named {
        file: NamedTempFile<File>,
        target: PathBuf,
    },
}

impl Output {
    /// Makes sure that a file can be written there, before the work that it is to hold.
    ///
    /// # Errors
    /// [`OutputError`] where the directory is missing or may not be written to, or the name is a directory's.
    pub fn open(path: &Path) -> Result<Self, OutputError> {
        let failed = |source| OutputError::Write {
            path: path.to_owned(),
            source,
        };
        let known = fs::metadata(path).ok();
        if known.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(OutputError::IsDirectory {
                path: path.to_owned(),
            });
        }
        let draft = if known.is_some_and(|known| !known.is_file()) {
            Draft::Special(File::options().write(true).open(path).map_err(failed)?)
        } else {
            let target = behind_links(path).map_err(failed)?;
            let directory = directory_of(&target);
            if !directory.is_dir() {
                return Err(OutputError::NoDirectory {
                    path: path.to_owned(),
                    directory: directory.to_owned(),
                });
            }
            Draft::in_directory_of(target).map_err(failed)?
        };
        Ok(Self {
            path: path.to_owned(),
            draft,
        })
    }

    /// Writes the parts, one after another, and gives the file its name.
    ///
    /// # Errors
    /// [`OutputError::Write`] where the disk is full or fails.
    pub fn finish<'p>(self, parts: impl IntoIterator<Item = &'p [u8]>) -> Result<(), OutputError> {
        self.finish_with(|file| parts.into_iter().try_for_each(|part| file.write_all(part)))
    }

    /// Has the bytes written, and gives the file its name.
    ///
    /// # Errors
    /// [`OutputError::Write`] where the disk is full or fails, or the writing ends with an error.
    pub fn finish_with(
        self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        let path = self.path;
        self.draft
            .finish(write)
            .map_err(|source| OutputError::Write { path, source })
    }
}

impl Draft {
    fn in_directory_of(target: PathBuf) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless::file_in(directory_of(&target)) {
            return Ok(Self::Nameless { file, target });
        }
        Self::named(target)
    }

    fn named(target: PathBuf) -> io::Result<Self> {
        let file = tempfile::Builder::new().prefix(DRAFT_PREFIX).make_in(
            directory_of(&target),
            |path| {
                let mut options = File::options();
                options.write(true).create_new(true).mode(0o600).open(path)
            },
        )?;
        Ok(Self::Named { file, target })
    }

    fn finish(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let write_all = |file: &File| {
            let mut file = file;
            write(&mut file)
        };
        let target = match self {
            Self::Special(file) => return write_all(&file),
            #[cfg(target_os = "linux")]
            Self::Nameless { file, target } => {
                write_all(&file)?;
                file.sync_all()?;
                nameless::give_name(&file, &target)?;
                target
            }
            Self::Named { file, target } => {
                write_all(file.as_file())?;
                file.as_file().sync_all()?;
                file.persist(&target).map_err(|error| error.error)?;
                target
            }
        };
        // The name is on the disk only when the directory is. Some file systems cannot be asked for that.
        let _ = File::open(directory_of(&target)).and_then(|directory| directory.sync_all());
        Ok(())
    }
}

/// The name behind symbolic links, so that a link stays and what it names is replaced or made.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&target) {
            Ok(next) => target = directory_of(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("its symbolic links lead in a circle"))
}

fn directory_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Files without a name, which the system removes when nobody has them open.
#[cfg(target_os = "linux")]
mod nameless {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};

    use super::{DRAFT_PREFIX, directory_of};

    /// `None` where the file system has none, or `/proc` is not there to name them by.
    pub(super) fn file_in(directory: &Path) -> Option<File> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = File::from(open(directory, flags, Mode::RUSR | Mode::WUSR).ok()?);
        by_descriptor(&file).exists().then_some(file)
    }

    /// A name replaces another only by renaming, so there is another name for a moment.
    pub(super) fn give_name(file: &File, target: &Path) -> io::Result<()> {
        let link = |name: &Path| {
            linkat(CWD, by_descriptor(file), CWD, name, AtFlags::SYMLINK_FOLLOW)
                .map_err(io::Error::from)
        };
        match link(target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done,
        }
        let draft = tempfile::Builder::new()
            .prefix(DRAFT_PREFIX)
            .make_in(directory_of(target), link)?;
        draft.persist(target).map_err(|error| error.error)?;
        Ok(())
    }

    fn by_descriptor(file: &File) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }
}

#[cfg(test)]
mod tests;
