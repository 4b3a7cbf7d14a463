//! Another implementation as a process: one line in, one line out, and never longer than it may take.
//! Invariant: whatever it does, a question ends in time, memory stays bounded, and nothing it started outlives it.
//! Byte order: none; lines end with a line feed.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::targets::command;

/// The longest answer; the longest that a vector expects has some 30 kB.
pub(super) const ANSWER_MAX_BYTES: u64 = 4 << 20;
/// Of what it says on standard error, the end is kept.
const COMPLAINT_MAX_BYTES: usize = 600;
/// Time to end by itself, once its standard output is closed or its standard input is.
const ENDING: Duration = Duration::from_secs(1);
/// Time for the last words on standard error to arrive.
const LAST_WORDS: Duration = Duration::from_millis(200);
const GLANCE: Duration = Duration::from_millis(2);

/// What came on standard output.
enum Heard {
    Line(Vec<u8>),
    TooLong,
    End,
}

/// Why there is no line, and no program any more.
#[derive(Debug)]
pub(super) enum Loss {
    /// It ended; with what, and what it said on standard error.
    Ended(ExitStatus, String),
    /// It runs, but nobody will hear of it.
    ClosedOutput(String),
    Silent(String),
    LineTooLong,
}

/// The process, with a thread for each of its three streams, so that none of them can hold up another.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    requests: Option<Sender<Vec<u8>>>,
    lines: Receiver<Heard>,
    complaints: Arc<Mutex<Vec<u8>>>,
    complaints_end: Receiver<()>,
}

impl Program {
    /// Starts the command as a shell does, in a process group of its own.
    pub(super) fn start(command: &str) -> io::Result<Self> {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let (requests, to_write) = channel();
        let (said, lines) = sync_channel(1);
        let (complaints_over, complaints_end) = channel();
        let complaints = Arc::new(Mutex::new(Vec::new()));
        if let Some(stdin) = child.stdin.take() {
            thread::spawn(move || write(stdin, &to_write));
        }
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || listen(stdout, &said));
        }
        if let Some(stderr) = child.stderr.take() {
            let kept = Arc::clone(&complaints);
            thread::spawn(move || keep_end(stderr, &kept, &complaints_over));
        }
        Ok(Self {
            child,
            requests: Some(requests),
            lines,
            complaints,
            complaints_end,
        })
    }

    /// Hands over a request and waits for the line that answers it. After a loss the program is over.
    pub(super) fn ask(&mut self, request: Vec<u8>, patience: Duration) -> Result<Vec<u8>, Loss> {
        if let Some(requests) = &self.requests {
            // A writer that is gone met a closed pipe; what that means is heard on the other side.
            let _ = requests.send(request);
        }
        match self.lines.recv_timeout(patience) {
            Ok(Heard::Line(line)) => Ok(line),
            Ok(Heard::TooLong) => {
                self.end(Duration::ZERO);
                Err(Loss::LineTooLong)
            }
            Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => {
                let status = self.end(ENDING);
                let said = self.last_words();
                Err(match status {
                    Some(status) => Loss::Ended(status, said),
                    None => Loss::ClosedOutput(said),
                })
            }
            Err(RecvTimeoutError::Timeout) => {
                self.end(Duration::ZERO);
                Err(Loss::Silent(self.last_words()))
            }
        }
    }

    /// Closes its standard input and lets it end; a line that it still had to say.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        self.requests = None;
        let surplus = match self.lines.recv_timeout(ENDING) {
            Ok(Heard::Line(line)) => Some(line),
            Ok(Heard::TooLong) => Some(Vec::new()),
            Ok(Heard::End) | Err(_) => None,
        };
        self.end(if surplus.is_some() {
            Duration::ZERO
        } else {
            ENDING
        });
        surplus
    }

    /// Ends it and all that it started; its status if it ended by itself in the time given.
    fn end(&mut self, grace: Duration) -> Option<ExitStatus> {
        let pid = Pid::from_child(&self.child);
        let mut waited = Duration::ZERO;
        let mut has_ended = command::exit(pid).is_some();
        while !has_ended && waited < grace {
            thread::sleep(GLANCE);
            waited += GLANCE;
            has_ended = command::exit(pid).is_some();
        }
        // It was not waited for yet, so its number is nobody else's. A group that is empty is no error to anybody.
        let _ = kill_process_group(pid, Signal::KILL);
        self.requests = None;
        self.child.wait().ok().filter(|_| has_ended)
    }

    fn last_words(&self) -> String {
        let _ = self.complaints_end.recv_timeout(LAST_WORDS);
        let kept = self
            .complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).trim().to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Standard input is open until the end of it, and only then.
        if self.requests.is_some() {
            self.end(Duration::ZERO);
        }
    }
}

fn write(mut stdin: ChildStdin, requests: &Receiver<Vec<u8>>) {
    for request in requests {
        if stdin.write_all(&request).is_err() {
            break;
        }
    }
}

/// A program that says more than it is asked for waits on its side of the pipe.
fn listen(stdout: ChildStdout, said: &SyncSender<Heard>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = stdout
            .by_ref()
            .take(ANSWER_MAX_BYTES + 1)
            .read_until(b'\n', &mut line);
        let heard = match read {
            Ok(0) | Err(_) => Heard::End,
            Ok(length) if length as u64 > ANSWER_MAX_BYTES => Heard::TooLong,
            Ok(_) => Heard::Line(line),
        };
        let goes_on = matches!(heard, Heard::Line(_));
        if said.send(heard).is_err() || !goes_on {
            break;
        }
    }
}

fn keep_end(mut stderr: ChildStderr, kept: &Mutex<Vec<u8>>, _over: &Sender<()>) {
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut piece) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(piece.get(..length).unwrap_or_default());
        let surplus = kept.len().saturating_sub(COMPLAINT_MAX_BYTES);
        kept.drain(..surplus);
    }
}
