//! A client that is judged: a command that downloads, or something in this process.
//! Invariant: all that it speaks to is the judge; it ends within the time that it was given, or is ended.
//! Byte order: none.
//!
//! - [`world`]: origin, peers, responder and hosted cache of one case;
//! - [`expect`]: what cases assert again and again.

pub mod expect;
pub mod world;

use core::fmt::Debug;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::clock;
use crate::wire::content_info::Version;

/// What a shell says of a command that is not there, and a client of a mode that it has not.
pub const UNSUPPORTED: i32 = 127;
/// How much of a standard stream is kept.
const STREAM_MAX_BYTES: usize = 64 << 10;
/// How often a command is looked after.
const TICK: Duration = Duration::from_millis(10);

/// A client that is judged.
#[derive(Debug, Clone)]
pub struct Client {
    /// How it downloads where peers are found by discovery.
    pub distributed: How,
    /// How it downloads with a hosted cache; `None`: not at all.
    pub hosted: Option<How>,
    /// The judge's address at the interface where the client looks for peers.
    pub interface: Ipv4Addr,
}

/// How a client is made to download.
#[derive(Debug, Clone)]
pub enum How {
    /// A command with `{url}` and `{out}` in it, and `{version}` and `{hosted}` where they are wanted.
    Command(String),
    /// Something in this process.
    InProcess(Arc<dyn Download>),
}

/// What is to be downloaded.
#[derive(Debug, Clone)]
pub struct Job {
    /// From where.
    pub url: String,
    /// Into which file, which does not exist yet.
    pub out: PathBuf,
    /// The highest version of content information that is asked for.
    pub version: Version,
    /// Address and port of the hosted cache.
    pub hosted: Option<String>,
    /// Where peers are looked for.
    pub interface: Ipv4Addr,
}

/// What a download came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// The status; `None`: it did not end in time, or by a signal.
    pub status: Option<i32>,
    /// Whether it had to be ended.
    pub is_late: bool,
    /// How long it took.
    pub took: Duration,
    /// What it said, standard output before standard error.
    pub said: String,
}

/// Something in this process that downloads.
pub trait Download: Debug + Send + Sync {
    /// Downloads. `Err`: what went wrong.
    ///
    /// # Errors
    /// That of the system, or of those that it spoke with.
    fn download(&self, job: &Job) -> io::Result<()>;
}

impl Client {
    /// One that is started by commands.
    #[must_use]
    pub fn commands(distributed: &str, hosted: Option<&str>) -> Self {
        Self {
            distributed: How::Command(distributed.to_owned()),
            hosted: hosted.map(|command| How::Command(command.to_owned())),
            interface: Ipv4Addr::LOCALHOST,
        }
    }

    /// One of this process.
    #[must_use]
    pub fn in_process(client: Arc<dyn Download>) -> Self {
        Self {
            distributed: How::InProcess(Arc::clone(&client)),
            hosted: Some(How::InProcess(client)),
            interface: Ipv4Addr::LOCALHOST,
        }
    }

    /// The judge's address for servers.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        IpAddr::V4(self.interface)
    }
}

impl How {
    /// Runs a download to its end, or ends it.
    ///
    /// # Errors
    /// That of the system where a command cannot be started.
    pub fn run(&self, job: &Job, patience: Duration) -> io::Result<Ended> {
        let begun = clock::now();
        let mut ended = match self {
            Self::Command(command) => run_command(command, job, patience)?,
            Self::InProcess(client) => {
                let (client, job) = (Arc::clone(client), job.clone());
                let running = thread::spawn(move || client.download(&job));
                while !running.is_finished() && begun.elapsed() < patience {
                    thread::sleep(TICK);
                }
                if running.is_finished() {
                    let result = running.join();
                    let result = result.unwrap_or_else(|_| Err(io::Error::other("it panicked")));
                    Ended {
                        status: Some(i32::from(result.is_err())),
                        said: result.err().map_or_else(String::new, |e| e.to_string()),
                        ..Ended::default()
                    }
                } else {
                    Ended {
                        is_late: true,
                        ..Ended::default()
                    }
                }
            }
        };
        ended.took = clock::now().saturating_duration_since(begun);
        Ok(ended)
    }
}

fn run_command(command: &str, job: &Job, patience: Duration) -> io::Result<Ended> {
    let words = words_of(command, job);
    let Some((program, arguments)) = words.split_first() else {
        return Err(io::Error::other("the command is empty"));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let streams = [child.stdout.take().map(kept), child.stderr.take().map(kept)];
    let deadline = clock::now() + patience;
    let mut ended = Ended::default();
    loop {
        if let Some(status) = child.try_wait()? {
            ended.status = status.code();
            break;
        }
        if clock::now() >= deadline {
            ended.is_late = true;
            child.kill()?;
            child.wait()?;
            break;
        }
        thread::sleep(TICK);
    }
    for stream in streams.into_iter().flatten() {
        // What its own children hold open has no end.
        let given = clock::now() + Duration::from_secs(1);
        while !stream.is_finished() && clock::now() < given {
            thread::sleep(TICK);
        }
        if stream.is_finished()
            && let Ok(text) = stream.join()
        {
            ended.said.push_str(&text);
        }
    }
    Ok(ended)
}

/// Reads a stream to its end and keeps its beginning.
fn kept(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        let mut buffer = [0; 4_096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            let room = STREAM_MAX_BYTES - text.len();
            text.extend_from_slice(buffer.get(..count.min(room)).unwrap_or_default());
        }
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// The words of a command, quotes taken away, and then everything in braces filled in.
fn words_of(command: &str, job: &Job) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in command.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    let version = match job.version {
        Version::V1 => "1",
        Version::V2 => "2",
    };
    let hosted = job.hosted.as_deref().unwrap_or_default();
    let filled = |word: String| {
        word.replace("{url}", &job.url)
            .replace("{out}", &job.out.to_string_lossy())
            .replace("{version}", version)
            .replace("{hosted}", hosted)
    };
    words.into_iter().map(filled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job {
            url: "http://127.0.0.1:1/a b".to_owned(),
            out: PathBuf::from("/tmp/out"),
            version: Version::V1,
            hosted: None,
            interface: Ipv4Addr::LOCALHOST,
        }
    }

    #[test]
    fn words_are_split_before_they_are_filled_in() {
        assert_eq!(
            words_of("get  '{url}' -o \"a b\"{out} '' {version}", &job()),
            [
                "get",
                "http://127.0.0.1:1/a b",
                "-o",
                "a b/tmp/out",
                "",
                "1"
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_does_not_end_is_ended_and_one_that_does_is_heard() {
        let late = How::Command("sleep 60".to_owned());
        let ended = late.run(&job(), Duration::from_millis(50)).unwrap();
        assert!(ended.is_late && ended.status.is_none());
        let heard = How::Command("sh -c 'echo {version}; exit 127'".to_owned());
        let ended = heard.run(&job(), Duration::from_secs(10)).unwrap();
        assert_eq!((ended.status, ended.said.trim()), (Some(UNSUPPORTED), "1"));
    }
}
