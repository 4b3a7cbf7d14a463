//! Files that appear whole or not at all.
//! Invariant: nothing stands under the final name before all of it is on the disk.
//! Modes: files are made for their owner alone, for content information and keys are as secret as the content.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file was not written. Nothing is left behind.
#[derive(Debug, Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct OutputError {
    /// The file that was to be.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Writes the parts, one after another, as the file `path`.
///
/// A device or a pipe takes the bytes as they come; anything else is written beside its final name first.
///
/// # Errors
/// [`OutputError`] where the disk is full, the directory is missing or may not be written to.
pub fn write<'p>(
    path: &Path,
    parts: impl IntoIterator<Item = &'p [u8]>,
) -> Result<(), OutputError> {
    let failed = |source| OutputError {
        path: path.to_owned(),
        source,
    };
    let is_special = fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir());
    if is_special {
        let mut file = File::options().write(true).open(path).map_err(failed)?;
        return parts
            .into_iter()
            .try_for_each(|part| file.write_all(part))
            .map_err(failed);
    }
    write_beside(path, parts).map_err(failed)
}

fn write_beside<'p>(path: &Path, parts: impl IntoIterator<Item = &'p [u8]>) -> io::Result<()> {
    // Through a symbolic link, so that the link stays and what it names is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if target.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".peerdist-")
        .tempfile_in(directory)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    // The name is on the disk only when the directory is. Some file systems cannot be asked for that.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}
