//! The secret of a content server that was given none: made once, kept beside its cache.
//! Invariant: it is for its owner alone, and stays the same as long as the directory does.
//! Byte order: none.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use peerdist::content::{SecretKey, SecretKeyError};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::output::{self, OutputError};
use crate::secret_file::{self, SecretFileError};

const NAME: &str = "secret";
/// As many as Windows makes.
const SECRET_BYTES: usize = 32;

/// Why there is no secret.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum ServerSecretError {
    /// It is there and cannot be used.
    #[error(transparent)]
    Read(#[from] SecretFileError),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] OutputError),
    /// There is nowhere to keep it.
    #[error("cannot make the directory {}: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    /// Others could read it.
    #[error("{} can be read by others (mode {mode:o}); expected 600: chmod it if nobody read it, or remove it for a new one", path.display())]
    Mode { path: PathBuf, mode: u32 },
    /// There is none to be made.
    #[error("the system has no randomness: {0}")]
    Random(String),
    /// Never: 32 bytes are a secret.
    #[error(transparent)]
    Key(#[from] SecretKeyError),
}

/// The secret in a directory; it is made where there is none.
///
/// # Errors
/// [`ServerSecretError`] says what to do.
pub fn in_directory(directory: &Path) -> Result<SecretKey, ServerSecretError> {
    let path = directory.join(NAME);
    match fs::metadata(&path) {
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(ServerSecretError::Mode { path, mode });
            }
            Ok(secret_file::read(&path)?)
        }
        Err(_) => {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)
                .map_err(|source| ServerSecretError::Directory {
                    path: directory.to_owned(),
                    source,
                })?;
            let secret = random()?;
            output::write(&path, [secret.expose()])?;
            // Another server may have been started in the same moment: the file says whose is kept.
            Ok(secret_file::read(&path)?)
        }
    }
}

/// A secret that nobody had before.
///
/// # Errors
/// [`ServerSecretError::Random`] where the system has no randomness.
pub fn random() -> Result<SecretKey, ServerSecretError> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    crate::world::fill_random(bytes.as_mut())
        .map_err(|error| ServerSecretError::Random(error.to_string()))?;
    Ok(SecretKey::new(bytes.as_slice())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_for_its_owner_and_refused_when_others_can_read_it() {
        let room = tempfile::tempdir().unwrap();
        let directory = room.path().join("a/b");
        let one = in_directory(&directory).unwrap();
        let again = in_directory(&directory).unwrap();
        assert_eq!(one.expose(), again.expose());
        assert_eq!(one.expose().len(), SECRET_BYTES);
        let path = directory.join(NAME);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = in_directory(&directory).unwrap_err();
        assert!(matches!(
            refused,
            ServerSecretError::Mode { mode: 0o640, .. }
        ));
    }
}
