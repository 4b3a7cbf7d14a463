//! The command `openssl dgst`: what an administrator hashes a file with.
//! Invariant: found in PATH before anything is measured; a run that fails is an error with its own words.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::NotInstalled;
use crate::pairs::{Failure, timed};

/// The command that was found.
#[derive(Debug, Clone)]
pub struct OpensslCommand {
    path: PathBuf,
    version: String,
}

impl OpensslCommand {
    /// Looks for `openssl` in PATH and asks for its version.
    ///
    /// # Errors
    /// When it is not there or does not answer.
    pub fn find() -> Result<Self, NotInstalled> {
        let path = PathBuf::from("openssl");
        let output = Command::new(&path)
            .arg("version")
            .output()
            .map_err(|error| NotInstalled(format!("no command openssl in PATH ({error})")))?;
        if !output.status.success() {
            return Err(NotInstalled(format!("openssl version: {}", output.status)));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        // "OpenSSL 3.0.19 27 Jan 2026 (Library: ...)": two words are enough.
        let version = text
            .split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ");
        Ok(Self { path, version })
    }

    /// Such as "OpenSSL 3.0.19".
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Hashes a file with an option such as `-sha256` and says how long the command took.
    ///
    /// # Errors
    /// When the command cannot be started or fails.
    pub fn digest_file(&self, option: &str, file: &Path) -> Result<Duration, Failure> {
        let mut command = Command::new(&self.path);
        command
            .args(["dgst", option])
            .arg(file)
            .stdout(Stdio::null());
        let (status, took) = timed(|| command.status());
        match status {
            Ok(status) if status.success() => Ok(took),
            Ok(status) => Err(format!("openssl dgst {option}: {status}")),
            Err(error) => Err(format!("openssl dgst {option}: {error}")),
        }
    }
}
