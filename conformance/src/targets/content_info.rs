//! A maker of content information that is judged: a command, or something in this process.
//! Invariant: what it writes is read by the judge's own reader; a command has an end, and no files stay behind it.
//! Byte order: that of MS-PCCRC.

use core::fmt::Debug;
use std::borrow::Cow;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::command;
use crate::evidence::dump;
use crate::evidence::record::{Recorder, What};
use crate::judge::Stop;
use crate::judge::session::Session;
use crate::targets::folder::Folder;
use crate::wire::content_info::{ContentInfo, Version};

/// How long a command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Of what.
    pub content: &'a [u8],
    /// The secret key of the server.
    pub secret_key: &'a [u8],
    /// In which version.
    pub version: Version,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// Content information, as it claims.
    Bytes(Vec<u8>),
    /// It did not want to: why.
    Refused(String),
    /// It has no such thing: what.
    Unsupported(String),
}

/// Something that makes content information.
pub trait Maker: Debug + Send + Sync {
    /// Makes it.
    ///
    /// # Errors
    /// That of the system, where the judge could not do its part.
    fn make(&self, wanted: &Wanted<'_>, recorder: &Recorder) -> io::Result<Made>;
}

/// A maker of content information that is judged.
#[derive(Debug, Clone)]
pub struct ContentInfoMaker {
    maker: Arc<dyn Maker>,
}

impl ContentInfoMaker {
    /// A command with `{content}`, `{secret_hex}`, `{version}` (1 or 2) and `{out}` in it.
    #[must_use]
    pub fn command(command: impl Into<String>) -> Self {
        Self::new(ByCommand {
            command: command.into(),
        })
    }

    /// Something in this process.
    #[must_use]
    pub fn new(maker: impl Maker + 'static) -> Self {
        Self {
            maker: Arc::new(maker),
        }
    }
}

/// A command that makes it, a file in and a file out.
#[derive(Debug)]
struct ByCommand {
    command: String,
}

impl Maker for ByCommand {
    fn make(&self, wanted: &Wanted<'_>, recorder: &Recorder) -> io::Result<Made> {
        let folder = Folder::new()?;
        let (content, out) = (folder.path().join("content"), folder.path().join("out"));
        fs::write(&content, wanted.content)?;
        let version = match wanted.version {
            Version::V1 => "1",
            Version::V2 => "2",
        };
        let values = [
            ("content", content.to_string_lossy()),
            ("secret_hex", Cow::Owned(dump::hex(wanted.secret_key))),
            ("version", Cow::Borrowed(version)),
            ("out", out.to_string_lossy()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, of)| (*name, &**of)).collect();
        let flow = recorder.command();
        flow.add(What::Note(format!("{}, with {values:?}", self.command)));
        let ended = command::run(&self.command, &values, COMMAND_TIMEOUT).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("the command cannot be started: {error}"),
            )
        })?;
        if !ended.said.is_empty() {
            flow.received(ended.said.as_bytes());
        }
        let said = ended.said.trim();
        let refused = match ended.status {
            Some(0) => None,
            Some(command::UNSUPPORTED) => {
                return Ok(Made::Unsupported(format!(
                    "the command says that it has no such thing: {said}"
                )));
            }
            Some(code) => Some(format!("the command ended with exit code {code}: {said}")),
            None if ended.is_late => {
                let seconds = COMMAND_TIMEOUT.as_secs();
                Some(format!("the command did not end within {seconds} s"))
            }
            None => Some(format!("the command ended with a signal: {said}")),
        };
        if let Some(why) = refused {
            return Ok(Made::Refused(why));
        }
        match fs::read(&out) {
            Ok(bytes) => {
                flow.received(&bytes);
                Ok(Made::Bytes(bytes))
            }
            Err(error) => Ok(Made::Refused(format!(
                "the command left no file {{out}}: {error}"
            ))),
        }
    }
}

impl Session<'_, ContentInfoMaker> {
    /// Has content information made, or not.
    ///
    /// # Errors
    /// [`Stop::Unsupported`] where the maker says so.
    pub fn attempt(
        &self,
        content: &[u8],
        secret_key: &[u8],
        version: Version,
    ) -> Result<Made, Stop> {
        let wanted = Wanted {
            content,
            secret_key,
            version,
        };
        match self.target.maker.make(&wanted, &self.recorder) {
            Ok(Made::Unsupported(what)) => Err(Stop::Unsupported(what)),
            Ok(made) => Ok(made),
            Err(error) => Err(Stop::Inconclusive(error.to_string())),
        }
    }

    /// The bytes of content information that has to be made.
    ///
    /// # Errors
    /// [`Stop::Failed`] where it was not.
    pub fn made(
        &self,
        content: &[u8],
        secret_key: &[u8],
        version: Version,
        requirement: &'static str,
    ) -> Result<Vec<u8>, Stop> {
        match self.attempt(content, secret_key, version)? {
            Made::Bytes(bytes) => Ok(bytes),
            Made::Refused(why) | Made::Unsupported(why) => {
                let length = content.len();
                let found = format!("no content information of {length} bytes was made: {why}");
                self.holds(false, requirement, found)?;
                Err(Stop::Failed)
            }
        }
    }

    /// Content information that has to be made and read.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn info(
        &self,
        content: &[u8],
        secret_key: &[u8],
        version: Version,
        requirement: &'static str,
    ) -> Result<ContentInfo, Stop> {
        let bytes = self.made(content, secret_key, version, requirement)?;
        let info = self.reads(requirement, ContentInfo::read(&bytes))?;
        let found = info.version;
        self.equal(requirement, "the version made", &found, &version)?;
        Ok(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(command: &str) -> Made {
        let maker = ContentInfoMaker::command(command);
        let wanted = Wanted {
            content: b"content",
            secret_key: &[0xab, 1],
            version: Version::V2,
        };
        maker.maker.make(&wanted, &Recorder::new()).unwrap()
    }

    #[test]
    fn commands_get_what_they_are_to_use_and_say_how_it_went() {
        assert_eq!(made("cp {content} {out}"), Made::Bytes(b"content".to_vec()));
        let shell = "printf '%s %s' {secret_hex} {version} > {out}";
        assert_eq!(made(shell), Made::Bytes(b"ab01 2".to_vec()));
        assert!(matches!(made("exit 127;"), Made::Unsupported(_)));
        assert!(matches!(made("true"), Made::Refused(_)));
        let Made::Refused(why) = made("echo no such luck >&2; exit 3") else {
            panic!("it went well");
        };
        assert!(why.contains("no such luck"), "{why}");
    }
}
