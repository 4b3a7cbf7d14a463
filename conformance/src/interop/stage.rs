//! What the commands of a cell are started with: folders, values for names in braces, and what the runner saw of them.
//! Invariant: everything that a cell starts ends with it, and its content was never seen before.
//! Byte order: none.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::description;
use super::{Cell, Implementation, Settings, Stopped};
use crate::clock;
use crate::evidence::dump;
use crate::evidence::record::Recorder;
use crate::judge::Role;
use crate::targets::client::world::{self, SEGMENT_BYTES, Shared};
use crate::targets::command::{self, Ended, Surroundings};
use crate::targets::folder::Folder;
use crate::targets::peer::Holding;
use crate::targets::service::{NotReady, Ready, Service};
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::digest::Algorithm;

/// Letters of what a command said that a reason quotes.
const QUOTED_MAX_LETTERS: usize = 300;
/// Ports that are tried until one was not given to another cell.
const PORTS_TRIED: usize = 1_000;
const SECRET_BYTES: usize = 16;

/// Values for names in braces.
pub(super) type Values = Vec<(&'static str, String)>;

/// A cell while it runs.
pub(super) struct Stage<'a> {
    pub(super) cell: &'a Cell<'a>,
    pub(super) settings: &'a Settings,
    pub(super) recorder: Recorder,
    secret: Vec<u8>,
    folder: Folder,
}

impl<'a> Stage<'a> {
    pub(super) fn set(
        cell: &'a Cell<'a>,
        settings: &'a Settings,
        recorder: Recorder,
    ) -> io::Result<Self> {
        let id = cell.id();
        let folder = Folder::new()?;
        let stage = Self {
            cell,
            settings,
            recorder,
            secret: world::content(format!("the secret of {id}").as_bytes(), SECRET_BYTES),
            folder,
        };
        fs::write(stage.path("secret"), &stage.secret)?;
        Ok(stage)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }

    pub(super) const fn interface(&self) -> IpAddr {
        IpAddr::V4(self.settings.interface)
    }

    pub(super) const fn version(&self) -> Version {
        self.cell.scenario.version
    }

    /// A folder for one of those who take part.
    pub(super) fn room(&self, name: &str) -> Result<PathBuf, Stopped> {
        let path = self.path(name);
        fs::create_dir(&path).map_err(|error| not_done(&path, &error))?;
        Ok(path)
    }

    /// Content that nobody ever had, as long as the scenario says.
    pub(super) fn content(&self) -> Vec<u8> {
        world::content(self.cell.id().as_bytes(), self.cell.scenario.bytes)
    }

    /// Content with the runner's own content information.
    pub(super) fn holding(&self) -> Holding {
        let content = self.content();
        let info = match self.version() {
            Version::V1 => ContentInfo::v1(&content, &self.secret, Algorithm::Sha256),
            Version::V2 => ContentInfo::v2(&content, &self.secret, SEGMENT_BYTES),
        };
        Holding {
            info,
            content: Some(content),
        }
    }

    /// What an origin of the runner has and sees.
    pub(super) fn shared(&self, holding: &Holding) -> Arc<Shared> {
        Shared::new(holding.clone(), self.recorder.clone())
    }

    /// What names in braces stand for in a command of an implementation that has this folder.
    pub(super) fn values(
        &self,
        of: &Implementation,
        room: &Path,
        more: &[(&'static str, &str)],
    ) -> Values {
        let text = |path: &Path| path.display().to_string();
        let mut values = vec![
            ("peerdist", text(&self.settings.program)),
            ("here", text(&of.folder)),
            ("folder", text(room)),
            ("store", text(&room.join("store"))),
            ("version", description::number(self.version()).to_string()),
            ("interface", self.settings.interface.to_string()),
            ("secret_hex", dump::hex(&self.secret)),
            ("secret_file", text(&self.path("secret"))),
        ];
        values.extend(more.iter().map(|(name, of)| (*name, (*of).to_owned())));
        values
    }

    fn surroundings(&self, of: &Implementation, room: &Path) -> Surroundings {
        Surroundings {
            environment: of.description.environment.clone(),
            folder: Some(room.to_owned()),
            stop: Arc::clone(&self.settings.stop),
        }
    }

    /// Runs a command that ends by itself.
    pub(super) fn run(
        &self,
        of: &Implementation,
        what: &str,
        command: &str,
        (room, more): (&Path, &[(&'static str, &str)]),
    ) -> Result<Ended, Stopped> {
        let values = self.values(of, room, more);
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let name = &of.description.name;
        self.recorder
            .note(format!("{name}, {what}: {command}, with {values:?}"));
        let surroundings = self.surroundings(of, room);
        let begun = clock::now();
        let ended = command::run_in(command, &values, self.settings.patience, &surroundings)
            .map_err(|error| {
                Stopped::Failed(format!("{what} of {name} cannot be started: {error}"))
            })?;
        let took = clock::now().saturating_duration_since(begun).as_secs_f64();
        if !ended.said.is_empty() {
            self.recorder.command().received(ended.said.as_bytes());
        }
        self.recorder.note(format!(
            "{what} of {name} ended with {} after {took:.3} s",
            status_text(ended.status)
        ));
        if self.settings.is_stopped() {
            return Err(stopped());
        }
        if ended.status == Some(command::UNSUPPORTED) {
            return Err(unsupported(name, what, &ended.said));
        }
        Ok(ended)
    }

    /// Runs a command that has to end well.
    pub(super) fn call(
        &self,
        of: &Implementation,
        what: &str,
        command: &str,
        given: (&Path, &[(&'static str, &str)]),
    ) -> Result<(), Stopped> {
        let ended = self.run(of, what, command, given)?;
        if ended.status == Some(0) {
            return Ok(());
        }
        let name = &of.description.name;
        Err(Stopped::Failed(format!(
            "{what} of {name} {}",
            self.how(&ended)
        )))
    }

    /// How a command ended that did not end well.
    pub(super) fn how(&self, ended: &Ended) -> String {
        if ended.is_late {
            let seconds = self.settings.patience.as_secs_f64();
            return format!(
                "did not end within {seconds} s and was ended{}",
                quote(&ended.said)
            );
        }
        format!(
            "ended with {}{}",
            status_text(ended.status),
            quote(&ended.said)
        )
    }

    /// Starts a command that serves, and waits until it does. It has a free port where it is told one.
    pub(super) fn serve(
        &self,
        of: &Implementation,
        role: Role,
        (command, line): (&str, Option<&str>),
        (room, more): (&Path, &[(&'static str, &str)]),
    ) -> Result<Serving, Stopped> {
        let told = self.free_address()?;
        let (port, address) = (told.port().to_string(), told.to_string());
        let own = [("port", port.as_str()), ("address", address.as_str())];
        let at = description::listens_where_told(command).then_some(told);
        let ready = match line {
            Some(text) => Ready::Line {
                text: text.to_owned(),
                at,
                machine: self.interface(),
            },
            None => Ready::Port(told),
        };
        self.started((of, role), command, &ready, (room, &[more, &own].concat()))
    }

    fn started(
        &self,
        (of, role): (&Implementation, Role),
        command: &str,
        ready: &Ready,
        (room, more): (&Path, &[(&'static str, &str)]),
    ) -> Result<Serving, Stopped> {
        let values = self.values(of, room, more);
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let (name, what) = (&of.description.name, role.name());
        self.recorder
            .note(format!("{name}, {what}: {command}, with {values:?}"));
        let surroundings = self.surroundings(of, room);
        let patience = self.settings.patience;
        let started = Service::start(command, &values, &surroundings, ready, patience);
        let service = started.map_err(|why| self.not_ready((name, what), ready, why))?;
        self.recorder
            .note(format!("{what} of {name} serves at {}", service.address));
        Ok(Serving {
            service,
            who: format!("{what} of {name}"),
            recorder: self.recorder.clone(),
        })
    }

    /// The same for one without a port of its own, of which a line is all that there is to know.
    pub(super) fn serve_unplaced(
        &self,
        of: &Implementation,
        role: Role,
        (command, line): (&str, &str),
        (room, more): (&Path, &[(&'static str, &str)]),
    ) -> Result<Serving, Stopped> {
        let at = SocketAddr::new(self.interface(), 0);
        let ready = Ready::Line {
            text: line.to_owned(),
            at: Some(at),
            machine: self.interface(),
        };
        self.started((of, role), command, &ready, (room, more))
    }

    /// An address of the interface at which nothing listens yet, and which no other cell was given.
    pub(super) fn free_address(&self) -> Result<SocketAddr, Stopped> {
        static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
        let interface = self.interface();
        let none =
            |why: String| Stopped::Inconclusive(format!("no port of {interface} is free: {why}"));
        for _ in 0..PORTS_TRIED {
            let free = TcpListener::bind((interface, 0)).and_then(|it| it.local_addr());
            let free = free.map_err(|error| none(error.to_string()))?;
            let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
            if given.insert(free.port()) {
                return Ok(free);
            }
        }
        Err(none("all were given to others".to_owned()))
    }

    /// A path of a description, its names in braces filled in.
    pub(super) fn path_of(&self, of: &Implementation, room: &Path, path: &str) -> String {
        let values = self.values(of, room, &[]);
        values.iter().fold(path.to_owned(), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value)
        })
    }

    fn not_ready(&self, (name, what): (&str, &str), ready: &Ready, why: NotReady) -> Stopped {
        let who = format!("{what} of {name}");
        let heard = |said: &str| {
            if !said.is_empty() {
                self.recorder.command().received(said.as_bytes());
            }
        };
        Stopped::Failed(match why {
            NotReady::Unsupported(said) => {
                heard(&said);
                return unsupported(name, what, &said);
            }
            NotReady::Stopped => return stopped(),
            NotReady::Ended(status, said) => {
                heard(&said);
                let status = status_text(status);
                format!(
                    "{who} ended with {status} before it was ready{}",
                    quote(&said)
                )
            }
            NotReady::Late(said) => {
                heard(&said);
                let seconds = self.settings.patience.as_secs_f64();
                let missing = match ready {
                    Ready::Port(address) => format!("{address} takes no connection"),
                    Ready::Line { text, .. } => format!("it said no line with '{text}'"),
                };
                format!(
                    "{who} was not ready within {seconds} s: {missing}{}",
                    quote(&said)
                )
            }
            NotReady::Nowhere(line) => {
                format!("{who} did not say where it serves{}", quote(&line))
            }
            NotReady::NotStarted(error) => format!("{who} cannot be started: {error}"),
        })
    }
}

/// A server of a cell; what it said is kept when it goes.
pub(super) struct Serving {
    service: Service,
    who: String,
    recorder: Recorder,
}

impl Serving {
    pub(super) const fn address(&self) -> SocketAddr {
        self.service.address
    }

    /// What there is to say of a server that is gone.
    pub(super) fn end(&self) -> Option<String> {
        let status = self.service.has_ended()?;
        let said = self.service.said();
        let how = status_text(status);
        Some(format!(
            "{} has ended meanwhile with {how}{}",
            self.who,
            quote(&said)
        ))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.recorder
            .note(format!("{} is ended; it said:", self.who));
        self.recorder
            .command()
            .received(self.service.said().as_bytes());
    }
}

fn status_text(status: Option<i32>) -> String {
    let code = status.map(|code| format!("exit code {code}"));
    code.unwrap_or_else(|| "a signal".to_owned())
}

fn unsupported(name: &str, what: &str, said: &str) -> Stopped {
    Stopped::Unsupported(format!(
        "{what} of {name} says that it has no such thing{}",
        quote(said)
    ))
}

fn stopped() -> Stopped {
    Stopped::Inconclusive("the run was stopped".to_owned())
}

/// What the system did not let the runner do.
pub(super) fn not_done(path: &Path, error: &io::Error) -> Stopped {
    Stopped::Inconclusive(format!("cannot write {}: {error}", path.display()))
}

/// The end of what was said, as a part of a sentence; nothing where nothing was.
fn quote(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let text = lines.join(" / ");
    if text.is_empty() {
        return String::new();
    }
    let letters = text.chars().count();
    let last: String = text
        .chars()
        .skip(letters.saturating_sub(QUOTED_MAX_LETTERS))
        .collect();
    let left_out = if letters > QUOTED_MAX_LETTERS {
        "… "
    } else {
        ""
    };
    format!("; it said: {left_out}{last}")
}
