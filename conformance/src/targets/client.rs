//! A client that is judged: a command that downloads, or something in this process.
//! Invariant: all that it speaks to is the judge; it ends within the time that it was given, or is ended.
//! Byte order: none.
//!
//! - [`world`]: origin, peers, responder and hosted cache of one case;
//! - [`expect`]: what cases assert again and again.

pub mod expect;
pub mod world;

use core::fmt::Debug;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::command;
use crate::clock;
use crate::wire::content_info::Version;

/// How often a command is looked after.
const TICK: Duration = Duration::from_millis(10);

/// A client that is judged.
#[derive(Debug, Clone)]
pub struct Client {
    /// How it downloads where peers are found by discovery.
    pub distributed: How,
    /// How it downloads with a hosted cache; `None`: not at all.
    pub hosted: Option<How>,
    /// How it downloads with a hosted cache that it offers version 1.0 over TLS; `None`: not at all.
    pub secured: Option<How>,
    /// The judge's address at the interface where the client looks for peers.
    pub interface: Ipv4Addr,
}

/// How a client is made to download.
#[derive(Debug, Clone)]
pub enum How {
    /// A command with `{url}` and `{out}` in it, and `{version}`, `{hosted}`, `{hosted_port}` and `{cacert}` where they
    /// are wanted.
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
    /// The hosted cache.
    pub hosted: Option<Cache>,
    /// Where peers are looked for.
    pub interface: Ipv4Addr,
    /// Where it may keep what it fetched; there is nothing yet.
    pub store: PathBuf,
}

/// Where the hosted cache of a job is.
#[derive(Debug, Clone)]
pub struct Cache {
    /// Where it gives blocks, and takes offers of version 2.0.
    pub clear: SocketAddr,
    /// Where it takes offers of version 1.0 instead.
    pub tls: Option<TlsCache>,
}

/// Where a hosted cache takes offers of version 1.0.
#[derive(Debug, Clone)]
pub struct TlsCache {
    /// Address and port.
    pub address: SocketAddr,
    /// The root to trust, in PEM.
    pub roots: PathBuf,
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
            secured: None,
            interface: Ipv4Addr::LOCALHOST,
        }
    }

    /// One of this process.
    #[must_use]
    pub fn in_process(client: Arc<dyn Download>) -> Self {
        Self {
            distributed: How::InProcess(Arc::clone(&client)),
            hosted: Some(How::InProcess(Arc::clone(&client))),
            secured: Some(How::InProcess(client)),
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
    /// Whether it can be told what stands for a name in braces.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        match self {
            Self::Command(command) => command.contains(&format!("{{{name}}}")),
            Self::InProcess(_) => true,
        }
    }

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
    let version = match job.version {
        Version::V1 => "1",
        Version::V2 => "2",
    };
    let out = job.out.to_string_lossy();
    let (mut hosted, mut port, mut roots) = (String::new(), String::new(), String::new());
    if let Some(cache) = &job.hosted {
        hosted = cache.clear.to_string();
        port = cache.clear.port().to_string();
        if let Some(tls) = &cache.tls {
            hosted = tls.address.to_string();
            roots = tls.roots.to_string_lossy().into_owned();
        }
    }
    let values = [
        ("url", job.url.as_str()),
        ("out", &out),
        ("version", version),
        ("hosted", &hosted),
        ("hosted_port", &port),
        ("cacert", &roots),
        ("store", &job.store.to_string_lossy()),
    ];
    let ended = command::run(command, &values, patience)?;
    Ok(Ended {
        status: ended.status,
        is_late: ended.is_late,
        said: ended.said,
        ..Ended::default()
    })
}
