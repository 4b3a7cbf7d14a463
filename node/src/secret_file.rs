//! Secret keys on disk: the raw bytes of the key, nothing else in the file.
//! Invariant: what was read is wiped when dropped, and what is written is readable by its owner alone.
//! The encrypted key file of MS-PCCRC 2.5 is core's; here are only its bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use peerdist::content::{KeyFileError, MAX_SECRET_KEY_BYTES, SecretKey, SecretKeyError};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why a secret could not be read.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum SecretFileError {
    /// Not there, or not to be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// Its bytes are no secret key.
    #[error("{}: {source}", path.display())]
    Key {
        path: PathBuf,
        source: SecretKeyError,
    },
    /// Its bytes are no key file, or the passphrase is another.
    #[error("{}: {source}", path.display())]
    KeyFile { path: PathBuf, source: KeyFileError },
}

/// The secret key in a file of raw bytes.
///
/// # Errors
/// [`SecretFileError`] where it cannot be read, is empty or far too long.
pub fn read(path: &Path) -> Result<SecretKey, SecretFileError> {
    let bytes = read_bounded(path)?;
    SecretKey::new(bytes.as_slice()).map_err(|source| SecretFileError::Key {
        path: path.to_owned(),
        source,
    })
}

/// The secret key in an encrypted key file.
///
/// # Errors
/// [`SecretFileError`] where it cannot be read, is damaged, or the passphrase is wrong.
pub fn import(path: &Path, passphrase: &str) -> Result<SecretKey, SecretFileError> {
    let bytes = read_bounded(path)?;
    SecretKey::import(&bytes, passphrase).map_err(|source| SecretFileError::KeyFile {
        path: path.to_owned(),
        source,
    })
}

fn read_bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let failed = |source| SecretFileError::Read {
        path: path.to_owned(),
        source,
    };
    // One buffer from the start: one that grows leaves copies behind that nobody wipes.
    let most = MAX_SECRET_KEY_BYTES + 64;
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    let file = File::open(path).map_err(failed)?;
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}
