//! A command that serves until it is ended: how it is known to be ready, what it says, and its end.
//! Invariant: nothing that it started outlives it, and no more of what it says is kept than a limit.
//! Byte order: none.

use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::command::{self, STREAM_MAX_BYTES, Surroundings, TICK};
use crate::clock;

/// How long one that was told to end may take.
const ENDING: Duration = Duration::from_secs(2);
/// How long an attempt to connect may take.
const CONNECTING: Duration = Duration::from_millis(200);
/// How long the streams of one that ended by itself may take to end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How it is known that a service serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// A connection to this address is taken.
    Port(SocketAddr),
    /// It says a line with this in it; where it serves stands behind that, unless it is known.
    Line {
        /// What is in the line.
        text: String,
        /// Where it serves, if it was told to.
        at: Option<SocketAddr>,
        /// What stands for an address that is any of the machine's.
        machine: IpAddr,
    },
}

/// Why a service does not serve.
#[derive(Debug)]
pub enum NotReady {
    /// It ended with 127; what it said.
    Unsupported(String),
    /// It ended by itself: with what, `None` by a signal, and what it said.
    Ended(Option<i32>, String),
    /// It was not ready in time; what it said.
    Late(String),
    /// It said that it serves, and not where: the line.
    Nowhere(String),
    /// The system did not start it.
    NotStarted(io::Error),
    /// Everything is to end.
    Stopped,
}

/// A command that serves, until it is dropped.
#[derive(Debug)]
pub struct Service {
    /// Where it serves.
    pub address: SocketAddr,
    running: Running,
}

#[derive(Debug)]
struct Running {
    child: Child,
    group: Pid,
    said: Arc<Mutex<Vec<u8>>>,
    streams: Vec<thread::JoinHandle<()>>,
}

impl Service {
    /// Starts a command as [`command::run`] does, and waits until it is ready.
    ///
    /// # Errors
    /// Why it is not.
    pub fn start(
        template: &str,
        values: &[(&str, &str)],
        surroundings: &Surroundings,
        ready: &Ready,
        patience: Duration,
    ) -> Result<Self, NotReady> {
        let running = Running::start(template, values, surroundings)?;
        let deadline = clock::now() + patience;
        loop {
            if let Some(address) = running.is_ready(ready)? {
                return Ok(Self { address, running });
            }
            if let Some(status) = running.ended() {
                let said = running.last_words();
                return Err(match status {
                    Some(command::UNSUPPORTED) => NotReady::Unsupported(said),
                    status => NotReady::Ended(status, said),
                });
            }
            if surroundings.is_stopped() {
                return Err(NotReady::Stopped);
            }
            if clock::now() >= deadline {
                return Err(NotReady::Late(running.text()));
            }
            thread::sleep(TICK);
        }
    }

    /// What it said until now, on either stream, up to a limit.
    #[must_use]
    pub fn said(&self) -> String {
        self.running.text()
    }

    /// With what it ended by itself, if it did; `None` within: by a signal.
    #[must_use]
    pub fn has_ended(&self) -> Option<Option<i32>> {
        self.running.ended()
    }
}

impl Running {
    fn start(
        template: &str,
        values: &[(&str, &str)],
        surroundings: &Surroundings,
    ) -> Result<Self, NotReady> {
        let mut child = command::prepared(template, values, surroundings)
            .and_then(|mut command| command.spawn())
            .map_err(NotReady::NotStarted)?;
        let group = Pid::from_child(&child);
        let said = Arc::new(Mutex::new(Vec::new()));
        let mut streams = Vec::new();
        if let Some(stream) = child.stdout.take() {
            streams.push(heard(stream, Arc::clone(&said)));
        }
        if let Some(stream) = child.stderr.take() {
            streams.push(heard(stream, Arc::clone(&said)));
        }
        Ok(Self {
            child,
            group,
            said,
            streams,
        })
    }

    /// It is looked at and not waited for: until then its number is nobody else's, and that of its group neither.
    fn ended(&self) -> Option<Option<i32>> {
        command::exit(self.group)
    }

    fn said(&self) -> MutexGuard<'_, Vec<u8>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.said()).into_owned()
    }

    /// What one that ended by itself said: others may hold its streams open, so not for long.
    fn last_words(&self) -> String {
        let given = clock::now() + LAST_WORDS;
        while clock::now() < given && !self.streams.iter().all(thread::JoinHandle::is_finished) {
            thread::sleep(TICK);
        }
        self.text()
    }

    fn is_ready(&self, ready: &Ready) -> Result<Option<SocketAddr>, NotReady> {
        match ready {
            Ready::Port(address) => {
                let taken = TcpStream::connect_timeout(address, CONNECTING);
                Ok(taken.is_ok().then_some(*address))
            }
            Ready::Line { text, at, machine } => {
                let said = self.text();
                // The last line may not be whole.
                let end = said.rfind('\n').map_or(0, |end| end + 1);
                let whole = said.get(..end).unwrap_or_default();
                let Some(line) = whole.lines().find(|line| line.contains(text.as_str())) else {
                    return Ok(None);
                };
                let found = at.or_else(|| address_in(line, text, *machine));
                found
                    .map(Some)
                    .ok_or_else(|| NotReady::Nowhere(line.to_owned()))
            }
        }
    }
}

/// The first address behind a text in a line.
fn address_in(line: &str, text: &str, machine: IpAddr) -> Option<SocketAddr> {
    let (_, behind) = line.split_once(text)?;
    let mut words = behind.split(|sign: char| sign.is_whitespace() || matches!(sign, '/' | ','));
    let mut address: SocketAddr =
        words.find_map(|word| word.trim_end_matches(['.', ';', ')']).parse().ok())?;
    if address.ip().is_unspecified() {
        address.set_ip(machine);
    }
    Some(address)
}

/// Keeps the beginning of a stream, and reads it to its end so that nobody waits for a reader.
fn heard(
    mut stream: impl Read + Send + 'static,
    said: Arc<Mutex<Vec<u8>>>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            let room = STREAM_MAX_BYTES.saturating_sub(said.len());
            said.extend_from_slice(buffer.get(..count.min(room)).unwrap_or_default());
        }
    })
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended().is_none() {
            let _ = kill_process_group(self.group, Signal::TERM);
            let given = clock::now() + ENDING;
            while clock::now() < given && self.ended().is_none() {
                thread::sleep(TICK);
            }
        }
        // What it started may be left; one that is gone is what is wanted.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn started(command: &str, patience: Duration) -> Result<Service, NotReady> {
        let ready = Ready::Line {
            text: "serving at ".to_owned(),
            at: None,
            machine: IpAddr::from([127, 0, 0, 1]),
        };
        Service::start(command, &[], &Surroundings::default(), &ready, patience)
    }

    #[test]
    fn a_service_is_ready_when_its_line_says_where_and_is_ended_with_its_children() {
        let folder = super::super::folder::Folder::new().unwrap();
        let file = folder.path().join("alive");
        let command = format!(
            "(trap '' TERM; while sleep 0.05; do echo x >> {}; done) & echo 'serving at http://0.0.0.0:81/, and more'; wait",
            file.display()
        );
        let service = started(&command, PATIENCE).unwrap();
        assert_eq!(service.address, SocketAddr::from(([127, 0, 0, 1], 81)));
        assert!(service.said().contains("and more"));
        drop(service);
        let length = || std::fs::metadata(&file).map_or(0, |found| found.len());
        let before = length();
        thread::sleep(Duration::from_millis(200));
        assert_eq!(length(), before, "what it started is gone with it");
    }

    #[test]
    fn one_that_does_not_serve_says_why() {
        assert!(matches!(
            started("echo none such; exit 127", PATIENCE),
            Err(NotReady::Unsupported(said)) if said.contains("none such")
        ));
        assert!(matches!(
            started("echo no luck >&2; exit 3", PATIENCE),
            Err(NotReady::Ended(Some(3), said)) if said.contains("no luck")
        ));
        assert!(matches!(
            started("echo serving at home; sleep 60", PATIENCE),
            Err(NotReady::Nowhere(line)) if line == "serving at home"
        ));
        let late = started("echo soon; sleep 60", Duration::from_secs(3));
        assert!(matches!(late, Err(NotReady::Late(said)) if said.trim() == "soon"));
        assert!(matches!(
            started("/no/such/program", PATIENCE),
            Err(NotReady::NotStarted(_))
        ));
    }

    #[test]
    fn a_port_is_ready_when_it_takes_connections() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ready = Ready::Port(listener.local_addr().unwrap());
        let surroundings = Surroundings::default();
        let service = Service::start("sleep 60", &[], &surroundings, &ready, PATIENCE).unwrap();
        assert!(service.has_ended().is_none());
        drop(listener);
        // Taken and not listened to, so that nobody else takes it.
        let kept =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        kept.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        let ready = Ready::Port(kept.local_addr().unwrap().as_socket().unwrap());
        let soon = Duration::from_millis(100);
        let late = Service::start("sleep 60", &[], &surroundings, &ready, soon);
        assert!(matches!(late, Err(NotReady::Late(_))), "{late:?}");
        surroundings
            .stop
            .store(true, std::sync::atomic::Ordering::Release);
        let stopped = Service::start("sleep 60", &[], &surroundings, &ready, PATIENCE);
        assert!(matches!(stopped, Err(NotReady::Stopped)));
    }
}
