//! A directory of its own for each test, and the command run in it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

pub(crate) const PEERDIST: &str = env!("CARGO_BIN_EXE_peerdist");
pub(crate) const SECRET: &str = "--secret-hex=00112233445566778899aabbccddeeff";
/// Longer than any run here takes: one that hangs is ended and fails its test.
const PATIENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(2);
const NOBODY: u32 = 65534;

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Good, and without a word on standard error.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self
    }

    /// Something judged was bad, and the findings are on standard output.
    #[track_caller]
    pub(crate) fn judged_bad(self) -> Self {
        assert_eq!((self.code, self.stderr.as_str()), (Some(1), ""), "{self:?}");
        assert!(!self.stdout.is_empty());
        self
    }

    /// Exit code 2, nothing on standard output and one line on standard error, which is returned.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        let line = self.stderr.strip_suffix('\n').unwrap_or_default();
        assert!(!line.contains('\n'), "{}", self.stderr);
        line.strip_prefix("peerdist: ").unwrap().to_owned()
    }
}

pub(crate) struct Room {
    directory: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// With the file `content` of `length` bytes.
    pub(crate) fn with_content(length: usize) -> Self {
        let room = Self::new();
        room.write("content", content(length));
        room
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.at(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap()
    }

    /// What is in it, hidden files too.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        self.command_of(Path::new(PEERDIST), args)
    }

    fn command_of<A: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for variable in [
            "COLUMNS",
            "PEERDIST_HASH",
            "PEERDIST_CUT",
            "PEERDIST_CIPHER",
        ] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs the command with arguments that have no spaces in them.
    pub(crate) fn run(&self, line: &str) -> Ended {
        ended(self.command(line.split_whitespace()), None)
    }

    pub(crate) fn run_args(&self, args: &[&str]) -> Ended {
        ended(self.command(args), None)
    }

    pub(crate) fn run_fed(&self, line: &str, stdin: &[u8]) -> Ended {
        ended(self.command(line.split_whitespace()), Some(stdin))
    }

    /// Runs it as somebody whom permissions hold back; `None` where that cannot be had, said loudly.
    pub(crate) fn run_as_nobody(&self, line: &str) -> Option<Ended> {
        let everybody = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.directory.path(), everybody.clone()).unwrap();
        let is_root = fs::metadata("/proc/self").is_ok_and(|m| {
            use std::os::unix::fs::MetadataExt;
            m.uid() == 0
        });
        let own = tempfile::tempdir().unwrap();
        let mut program = PathBuf::from(PEERDIST);
        if is_root {
            // Where others may not look for the original.
            fs::set_permissions(own.path(), everybody).unwrap();
            program = own.path().join("peerdist");
            if fs::hard_link(PEERDIST, &program).is_err() {
                fs::copy(PEERDIST, &program).unwrap();
            }
        }
        let mut command = self.command_of(&program, line.split_whitespace());
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut tries = (0..100).map(|_| {
            std::thread::sleep(GLANCE);
            command.spawn().and_then(|mut child| child.wait())
        });
        // A copy is busy while a child that another test starts still has it open.
        let is_busy = |tried: &io::Result<_>| matches!(tried, Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy);
        if let Some(Err(error)) = tries.find(|tried| !is_busy(tried)) {
            eprintln!("NOT RUN: {line}: cannot run as somebody else: {error}");
            return None;
        }
        Some(ended(command, None))
    }
}

/// Lets a command run to its end, or ends it when it has had its time.
pub(crate) fn ended(mut command: Command, stdin: Option<&[u8]>) -> Ended {
    if stdin.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    let pipe = child.stdin.take();
    let mut stdout = child.stdout.take();
    let mut stderr = child.stderr.take();
    std::thread::scope(|scope| {
        // One that refuses its arguments does not read, which is no fault of the test's.
        scope.spawn(|| pipe.map(|mut pipe| pipe.write_all(stdin.unwrap_or_default())));
        let out = scope.spawn(|| read_all(stdout.as_mut()));
        let err = scope.spawn(|| read_all(stderr.as_mut()));
        let code = wait(&mut child);
        Ended {
            code,
            stdout: out.join().unwrap(),
            stderr: String::from_utf8(err.join().unwrap()).unwrap(),
        }
    })
}

/// The exit code; `None` for one that a signal ended, also the one that hung.
pub(crate) fn wait(child: &mut Child) -> Option<i32> {
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if waited > PATIENCE {
            eprintln!("the command hangs");
            child.kill().unwrap();
        }
        std::thread::sleep(GLANCE);
        waited += GLANCE;
    }
}

fn read_all(from: Option<&mut impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.read_to_end(&mut bytes).unwrap();
    }
    bytes
}

/// Bytes that look random and are always the same.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let words = (1..=length.div_ceil(8) as u64).map(|at| {
        let at = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (at ^ at >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    });
    let mut bytes: Vec<u8> = words.flat_map(u64::to_be_bytes).collect();
    bytes.truncate(length);
    bytes
}
