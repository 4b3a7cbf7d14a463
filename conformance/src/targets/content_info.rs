//! A maker of content information that is judged: a command, or something in this process.
//! Invariant: what it writes is read by the judge's own reader; a command has an end, and no files stay behind it.
//! Byte order: that of MS-PCCRC.

use core::fmt::Debug;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::evidence::record::{Recorder, What};
use crate::judge::Stop;
use crate::judge::session::Session;
use crate::targets::folder::Folder;
use crate::wire::content_info::{ContentInfo, Version};

/// How long a command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(5);
/// What a command ends with when it has no such thing.
const UNSUPPORTED: i32 = 127;
/// Bytes of the standard error of a command that are shown.
const STDERR_MAX_BYTES: usize = 4_096;
/// What makes a command one for the shell.
const OF_THE_SHELL: &[char] = &[
    '|', '&', ';', '<', '>', '$', '`', '"', '\'', '\\', '*', '?', '~', '(', '#', '\n',
];

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

impl ByCommand {
    /// The command with what stands for the placeholders, in words or for the shell.
    fn built(&self, wanted: &Wanted<'_>, content: &Path, out: &Path) -> Command {
        let hex: String = wanted
            .secret_key
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let version = match wanted.version {
            Version::V1 => "1",
            Version::V2 => "2",
        };
        let filled = |text: &str| {
            text.replace("{content}", &content.to_string_lossy())
                .replace("{secret_hex}", &hex)
                .replace("{version}", version)
                .replace("{out}", &out.to_string_lossy())
        };
        let mut words = self.command.split_whitespace();
        let first = words.next().unwrap_or_default();
        if self.command.contains(OF_THE_SHELL) || first.contains('=') {
            let mut command = Command::new("sh");
            command.arg("-c").arg(filled(&self.command));
            return command;
        }
        let mut command = Command::new(filled(first));
        command.args(words.map(filled));
        command
    }
}

impl Maker for ByCommand {
    fn make(&self, wanted: &Wanted<'_>, recorder: &Recorder) -> io::Result<Made> {
        let folder = Folder::new()?;
        let file = |name: &str| folder.path().join(name);
        let (content, out, errors) = (file("content"), file("out"), file("stderr"));
        fs::write(&content, wanted.content)?;
        let flow = recorder.command();
        let mut command = self.built(wanted, &content, &out);
        flow.add(What::Note(format!("{command:?}")));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&errors)?);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let what = format!("the command cannot be started: {error}");
                return Err(io::Error::new(error.kind(), what));
            }
        };
        let deadline = clock::now() + COMMAND_TIMEOUT;
        let status: ExitStatus = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if clock::now() >= deadline {
                // One that has ended meanwhile is what is wanted as well.
                let _ = child.kill();
                child.wait()?;
                let seconds = COMMAND_TIMEOUT.as_secs();
                return Ok(Made::Refused(format!(
                    "the command did not end within {seconds} s"
                )));
            }
            thread::sleep(LOOK);
        };
        let said = fs::read(&errors).unwrap_or_default();
        let said = said.get(..STDERR_MAX_BYTES).unwrap_or(&said);
        flow.add(What::Note(format!("{status}")));
        if !said.is_empty() {
            flow.received(said);
        }
        let said = String::from_utf8_lossy(said).trim().to_owned();
        if status.code() == Some(UNSUPPORTED) {
            return Ok(Made::Unsupported(format!(
                "the command says that it has no such thing: {said}"
            )));
        }
        if !status.success() {
            return Ok(Made::Refused(format!(
                "the command ended with {status}: {said}"
            )));
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
