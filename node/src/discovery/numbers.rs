//! MS-PCCRD 2.2.3.6, 2.2.3.7: where InstanceId and MessageNumber outlive the process.
//! Invariant: the file is whole or not there; a number is on the disk before a message carries it.
//! Byte order: none, it is text: the two numbers in a line.

use std::io;
use std::path::{Path, PathBuf};

use peerdist::discovery::Persisted;

use crate::output;

/// The name of the file in the directory of a store.
const FILE: &str = "discovery";
/// Two numbers of ten digits, and what is between them.
const FILE_BYTES_MOST: u64 = 32;

/// The numbers of one responder.
#[derive(Debug, Clone)]
pub struct Numbers {
    /// Without one nothing outlives the process, as in a simulation.
    path: Option<PathBuf>,
}

impl Numbers {
    /// In a directory.
    #[must_use]
    pub fn in_directory(directory: &Path) -> Self {
        Self {
            path: Some(directory.join(FILE)),
        }
    }

    /// Nowhere: the next start goes by the clock alone.
    #[must_use]
    pub const fn forgotten() -> Self {
        Self { path: None }
    }

    /// What was kept last, if anything was.
    ///
    /// # Errors
    /// Where the file cannot be read, or holds anything else.
    pub fn load(&self) -> io::Result<Option<Persisted>> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let length = match std::fs::metadata(path) {
            Ok(file) => file.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let strange = || {
            let why = format!(
                "{} does not hold an instance and a message number; remove it to begin anew",
                path.display()
            );
            io::Error::new(io::ErrorKind::InvalidData, why)
        };
        if length > FILE_BYTES_MOST {
            return Err(strange());
        }
        let text = std::fs::read_to_string(path)?;
        let numbers: Option<Vec<u32>> = text.split_whitespace().map(|n| n.parse().ok()).collect();
        match numbers.as_deref() {
            Some([instance_id, message_number]) => Ok(Some(Persisted {
                instance_id: *instance_id,
                message_number: *message_number,
            })),
            _ => Err(strange()),
        }
    }

    /// Keeps what comes next.
    ///
    /// # Errors
    /// Where it cannot be written; what was kept before still is.
    pub fn keep(&self, persisted: Persisted) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let text = format!("{} {}\n", persisted.instance_id, persisted.message_number);
        output::write(path, [text.as_bytes()]).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_loaded_again_and_other_bytes_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let numbers = Numbers::in_directory(directory.path());
        assert_eq!(numbers.load().unwrap(), None);
        let persisted = Persisted {
            instance_id: 1_795_000_000,
            message_number: u32::MAX,
        };
        numbers.keep(persisted).unwrap();
        assert_eq!(numbers.load().unwrap(), Some(persisted));
        for bytes in ["", "1", "1 2 3", "1 -2", &"1 ".repeat(100)] {
            std::fs::write(directory.path().join(FILE), bytes).unwrap();
            let error = numbers.load().unwrap_err().to_string();
            assert!(error.contains("remove it"), "{error}");
        }
    }
}
