//! Network namespaces, and what is run in them.
//! Invariant: a namespace goes with its value, and a command that was started with its own, also after a panic.
//! Byte order: none.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const GLANCE: Duration = Duration::from_millis(10);
/// How long `ip`, `tc` and a line on standard output may take.
const SHORT: Duration = Duration::from_secs(60);

/// Runs one of the system's commands; what it says where it fails is the error.
pub(crate) fn system(line: &str) -> Result<String, String> {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap_or_default())
        .args(words)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{line}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{line}: {}", said.trim()))
        }
    }
}

/// Removes what runs left over that were killed: names begin with `prefix` and the process's id.
pub(crate) fn sweep(prefix: &str) {
    let known = system("ip netns list").unwrap_or_default();
    for name in known.lines().filter_map(|line| line.split(' ').next()) {
        let process = name
            .strip_prefix(prefix)
            .and_then(|rest| rest.split('-').next());
        if let Some(process) = process
            && !Path::new("/proc").join(process).exists()
        {
            let _ = system(&format!("ip netns del {name}"));
        }
    }
}

#[derive(Debug)]
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    pub(crate) fn new(name: String) -> Result<Self, String> {
        system(&format!("ip netns add {name}"))?;
        let made = Self { name };
        made.ip("link set lo up")?;
        Ok(made)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// `ip` in it.
    pub(crate) fn ip(&self, line: &str) -> Result<String, String> {
        system(&format!("ip -n {} {line}", self.name))
    }

    /// Any command of the system in it.
    pub(crate) fn system(&self, line: &str) -> Result<String, String> {
        system(&format!("ip netns exec {} {line}", self.name))
    }

    /// A thread whose sockets are of this namespace.
    pub(crate) fn thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let namespace = File::open(Path::new("/run/netns").join(&self.name)).unwrap();
        std::thread::spawn(move || {
            let network = LinkNameSpaceType::Network;
            move_into_link_name_space(namespace.as_fd(), Some(network)).unwrap();
            work()
        })
    }

    /// Starts `peerdist`, in a directory.
    pub(crate) fn start(&self, directory: &Path, line: &str) -> Running {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.name])
            .arg(env!("CARGO_BIN_EXE_peerdist"))
            .args(line.split_whitespace())
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (told, lines) = mpsc::channel();
        Running {
            line: line.to_owned(),
            child,
            lines,
            out: Some(std::thread::spawn(move || tell(stdout, &told))),
            err: Some(std::thread::spawn(move || read(stderr))),
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(why) = system(&format!("ip netns del {}", self.name)) {
            eprintln!("a network namespace is left over: {why}");
        }
    }
}

fn tell(stdout: ChildStdout, told: &mpsc::Sender<String>) -> String {
    let mut all = String::new();
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        all.push_str(&line);
        all.push('\n');
        let _ = told.send(line);
    }
    all
}

fn read(mut stderr: ChildStderr) -> String {
    let mut all = String::new();
    let _ = stderr.read_to_string(&mut all);
    all
}

/// A `peerdist` that runs.
#[derive(Debug)]
pub(crate) struct Running {
    line: String,
    child: Child,
    lines: mpsc::Receiver<String>,
    out: Option<JoinHandle<String>>,
    err: Option<JoinHandle<String>>,
}

impl Running {
    /// Waits for a line that has this in it.
    pub(crate) fn says(&mut self, what: &str) {
        let until = Instant::now() + SHORT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(what) => return,
                Ok(_) => {}
                Err(_) => self.fail(&format!("did not say {what:?}")),
            }
        }
    }

    /// Waits until a file is there.
    pub(crate) fn makes(&mut self, file: &Path, limit: Duration) {
        let until = Instant::now() + limit;
        while !file.exists() {
            if self.child.try_wait().unwrap().is_some() {
                self.fail(&format!("ended without {}", file.display()));
            }
            if Instant::now() > until {
                self.fail(&format!("took more than {limit:?}"));
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// As ctrl-C does.
    pub(crate) fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Waits for a good end; what it said on standard output.
    pub(crate) fn ends(mut self, limit: Duration) -> String {
        let until = Instant::now() + limit;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > until => self.fail(&format!("took more than {limit:?}")),
                None => std::thread::sleep(GLANCE),
            }
        };
        if !status.success() {
            self.fail(&format!("ended with {status}"));
        }
        let err = self.err.take().map(|err| err.join().unwrap());
        let err = err.unwrap_or_default();
        if !err.trim().is_empty() {
            eprintln!("peerdist {}: {}", self.line, err.trim());
        }
        let out = self.out.take().map(|out| out.join().unwrap());
        out.unwrap_or_default()
    }

    fn fail(&mut self, why: &str) -> ! {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let err = self.err.take().and_then(|err| err.join().ok());
        panic!("peerdist {} {why}; {}", self.line, err.unwrap_or_default());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
