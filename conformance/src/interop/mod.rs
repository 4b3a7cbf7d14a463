//! Implementations against each other: every client with every server, and what came out.
//! Invariant: a cell succeeds by the bytes that came out and by what the runner saw, never by what an implementation says.
//! Byte order: none.
//!
//! - [`description`]: an implementation as a file has it;
//! - [`report`]: the matrix, for people and for programs.

pub mod description;
mod relay;
pub mod report;
mod scenarios;
mod stage;

use std::fmt;
use std::net::Ipv4Addr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::clock;
use crate::evidence::record::{Record, Recorder};
use crate::judge::Role;
use crate::wire::content_info::Version;
use description::Description;
use stage::Stage;

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address at which the runner serves and peers look for each other.
    pub interface: Ipv4Addr,
    /// How long a command may take, and a server until it is ready.
    pub patience: Duration,
    /// How often a client may try that finds no peer: datagrams are lost, and answers late, on a machine that is at work.
    pub tries: usize,
    /// How many cells run at a time.
    pub jobs: usize,
    /// What `{peerdist}` stands for.
    pub program: PathBuf,
    /// Becomes true when everything is to end.
    pub stop: Arc<AtomicBool>,
}

impl Settings {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// An implementation that takes part.
#[derive(Debug, Clone)]
pub struct Implementation {
    /// What its file says.
    pub description: Description,
    /// The file.
    pub file: String,
    /// The folder of the file, which `{here}` stands for.
    pub folder: PathBuf,
}

/// What a server and a client are put to.
#[derive(Debug)]
pub struct Scenario {
    /// Its name.
    pub id: &'static str,
    /// What has to come of it.
    pub title: &'static str,
    /// What the server is.
    pub server: Role,
    /// The version of content information.
    pub version: Version,
    /// How long the content is.
    pub bytes: usize,
    run: fn(&Stage<'_>) -> Result<String, Stopped>,
    takes: fn(&Description, &Description) -> bool,
}

/// All scenarios, in the order of the matrix.
#[must_use]
pub fn scenarios() -> &'static [Scenario] {
    scenarios::ALL
}

/// A scenario with a server and a client.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// What they are put to.
    pub scenario: &'static Scenario,
    /// Who serves.
    pub server: &'a Implementation,
    /// Who downloads.
    pub client: &'a Implementation,
}

impl Cell<'_> {
    /// `SCENARIO/SERVER/CLIENT`.
    #[must_use]
    pub fn id(&self) -> String {
        let (server, client) = (&self.server.description.name, &self.client.description.name);
        format!("{}/{server}/{client}", self.scenario.id)
    }
}

/// Every client against every server: scenarios in their order, then implementations in theirs.
#[must_use]
pub fn cells(implementations: &[Implementation]) -> Vec<Cell<'_>> {
    let mut cells = Vec::new();
    for scenario in scenarios() {
        for server in implementations {
            let clients = implementations.iter().filter(|client| {
                let both = [&server.description, &client.description];
                both.iter().all(|one| one.knows(scenario.version))
                    && (scenario.takes)(&server.description, &client.description)
            });
            cells.extend(clients.map(|client| Cell {
                scenario,
                server,
                client,
            }));
        }
    }
    cells
}

/// What came of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The content came as it had to.
    Succeeded,
    /// It did not.
    Failed,
    /// One of the two has no such thing.
    Unsupported,
    /// The runner could not do its part.
    Inconclusive,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Succeeded,
        Self::Failed,
        Self::Unsupported,
        Self::Inconclusive,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unsupported => "unsupported",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Why a cell did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stopped {
    Failed(String),
    Unsupported(String),
    Inconclusive(String),
}

/// How a cell came out.
#[derive(Debug, Clone)]
pub struct Outcome<'a> {
    /// Which.
    pub cell: Cell<'a>,
    /// How.
    pub verdict: Verdict,
    /// What came of it, or why nothing did.
    pub text: String,
    /// How long it took.
    pub took: Duration,
    /// All that the runner saw.
    pub record: Record,
}

/// Runs cells, several at a time; `done` hears of each as it ends. Outcomes stand in the order of the cells.
pub fn run<'a>(
    cells: &[Cell<'a>],
    settings: &Settings,
    done: &(dyn Fn(&Outcome<'a>) + Sync),
) -> Vec<Outcome<'a>> {
    let slots: Vec<Mutex<Option<Outcome<'a>>>> = cells.iter().map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..settings.jobs.clamp(1, cells.len().max(1)) {
            scope.spawn(|| {
                while let Some((cell, slot)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    cells.get(place).zip(slots.get(place))
                } {
                    let outcome = run_one(cell, settings);
                    done(&outcome);
                    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
                }
            });
        }
    });
    let outcome = |slot: Mutex<_>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    slots.into_iter().filter_map(outcome).collect()
}

fn run_one<'a>(cell: &Cell<'a>, settings: &Settings) -> Outcome<'a> {
    let begun = clock::now();
    let recorder = Recorder::new();
    let body = || {
        if settings.is_stopped() {
            return Err(Stopped::Inconclusive("the run was stopped".to_owned()));
        }
        let stage = Stage::set(cell, settings, recorder.clone())
            .map_err(|error| Stopped::Inconclusive(format!("no folder for the cell: {error}")))?;
        (cell.scenario.run)(&stage)
    };
    let came = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        let why = "the runner failed in this cell; that is a mistake of the runner";
        Err(Stopped::Inconclusive(why.to_owned()))
    });
    let (verdict, text) = match came {
        Ok(text) => (Verdict::Succeeded, text),
        Err(Stopped::Failed(why)) => (Verdict::Failed, why),
        Err(Stopped::Unsupported(what)) => (Verdict::Unsupported, what),
        Err(Stopped::Inconclusive(why)) => (Verdict::Inconclusive, why),
    };
    Outcome {
        cell: *cell,
        verdict,
        text,
        took: clock::now().saturating_duration_since(begun),
        record: recorder.record(),
    }
}
