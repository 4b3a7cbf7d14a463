//! Rows of a file in the page cache: the command `peerdist info create` against `openssl dgst`.
//! Invariant: whole commands are timed, from start to exit; the file is in memory before the first one.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use peerdist::hash::{Engine, HashAlgorithm};
use tempfile::NamedTempFile;

use super::Context;
use super::judge::{Round, Subject, Unit};
use crate::pairs::{Failure, Side, timed};
use crate::workload;

/// Less than this measures the start of processes.
const MIN_FILE_LEN: u64 = 16 << 20;

/// Any secret does; both sides hash the same bytes whatever it is.
const SECRET_HEX: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// `info create --version 1` on one thread.
pub fn v1_one_thread(context: &Context) -> Round {
    row(context, "info-v1-1-thread", Version::One, 1)
}

/// `info create --version 1` on two threads.
pub fn v1_two_threads(context: &Context) -> Round {
    row(context, "info-v1-2-threads", Version::One, 2)
}

/// `info create --version 2` on two threads.
pub fn v2_two_threads(context: &Context) -> Round {
    row(context, "info-v2-2-threads", Version::Two, 2)
}

#[derive(Clone, Copy)]
enum Version {
    One,
    Two,
}

impl Version {
    fn flag(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }

    fn algorithm(self) -> HashAlgorithm {
        match self {
            Self::One => HashAlgorithm::Sha256,
            Self::Two => HashAlgorithm::Sha512Truncated,
        }
    }

    fn rival_option(self) -> &'static str {
        match self {
            Self::One => "-sha256",
            Self::Two => "-sha512",
        }
    }
}

fn row(context: &Context, name: &'static str, version: Version, threads: usize) -> Round {
    let option = version.rival_option();
    let rival_name = format!("openssl dgst {option}");
    let shares = || context.cpus.least_share(threads);
    let mut subject = Subject {
        name,
        kernel: Engine::current()
            .kernel_name(version.algorithm())
            .to_owned(),
        unit: Unit::GigabytesASecond,
        ours: Err("not looked for yet".to_owned()),
        rival_name,
        rival: Err(crate::rivals::NotInstalled("not looked for yet".to_owned())),
        pairs: context.settings.file_pairs,
        share_of_core: &shares,
    };
    if context.cpus.take(threads).is_none() {
        return Round::not_measured(
            &subject,
            &format!("needs {threads} cores, this process may not use so many"),
        );
    }
    let file = match context.file() {
        Ok(file) => file,
        Err(reason) => return Round::not_measured(&subject, reason),
    };
    subject.ours = context.peerdist().map(|command| {
        let run = move || create_info(context, command, file.path(), version, threads);
        Side::self_timed(file.len, run)
    });
    subject.rival = context
        .openssl
        .as_ref()
        .map_err(Clone::clone)
        .map(|openssl| {
            Side::self_timed(file.len, move || {
                context.cpus.pin(1);
                openssl.digest_file(option, file.path())
            })
        });
    let before = context.cpus.granted(threads);
    let mut round = Round::measure(subject);
    let after = context.cpus.granted(threads);
    if let (Some(before), Some(after)) = (before, after) {
        round.withheld(threads, before.min(after));
    }
    context.cpus.pin(1);
    if let Some(note) = &file.note {
        round.add_note(note);
    }
    round
}

fn create_info(
    context: &Context,
    peerdist: &Path,
    file: &Path,
    version: Version,
    threads: usize,
) -> Result<Duration, Failure> {
    let mut command = Command::new(peerdist);
    command.args(["info", "create"]).arg(file);
    command.args(["--version", version.flag(), "--secret-hex", SECRET_HEX]);
    command.args(["--threads", &threads.to_string(), "-o", "/dev/null"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    context.cpus.pin(threads);
    let (result, took) = timed(|| {
        let mut child = command.spawn()?;
        if threads > 1 {
            pin_workers(context, &mut child, threads)?;
        }
        child.wait_with_output()
    });
    let output = result.map_err(|error| format!("{}: {error}", peerdist.display()))?;
    if output.status.success() {
        return Ok(took);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "peerdist info create: {}: {}",
        output.status,
        words.trim()
    ))
}

/// Left alone, two workers may share a core for a good part of a run.
fn pin_workers(context: &Context, child: &mut Child, threads: usize) -> io::Result<()> {
    /// Workers that have not started after so many looks will not.
    const LOOKS: u32 = 200;
    for _ in 0..LOOKS {
        let ended = child.try_wait()?.is_some();
        if ended || context.cpus.pin_workers_of(child.id(), threads) {
            break;
        }
        std::thread::sleep(Duration::from_micros(250));
    }
    Ok(())
}

/// A file of noise that lies in the page cache; deleted when dropped.
#[derive(Debug)]
pub struct BigFile {
    file: NamedTempFile,
    len: u64,
    /// Why it is smaller than what was asked for.
    note: Option<String>,
}

impl BigFile {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn create(dir: &Path, wanted: u64) -> Result<Self, String> {
        let room = room_for(dir);
        let len = fitting_len(wanted, room).ok_or_else(|| {
            format!(
                "no room for a file of {} MiB ({} MiB are free)",
                MIN_FILE_LEN >> 20,
                room >> 20
            )
        })?;
        let note = (len != wanted).then(|| {
            format!(
                "file of {} MiB instead of {}: no room for more",
                len >> 20,
                wanted >> 20
            )
        });
        let fail = |error: io::Error| format!("file in {}: {error}", dir.display());
        let mut file = tempfile::Builder::new()
            .prefix("peerdist-benches-")
            .tempfile_in(dir)
            .map_err(fail)?;
        fill(file.as_file_mut(), len).map_err(fail)?;
        read_through(file.path()).map_err(fail)?;
        Ok(Self { file, len, note })
    }
}

fn fill(file: &mut File, len: u64) -> io::Result<()> {
    let mut piece = vec![0; 1 << 20];
    let mut done = 0_u64;
    while done < len {
        let left = usize::try_from(len - done)
            .unwrap_or(usize::MAX)
            .min(piece.len());
        workload::fill(&mut piece[..left], 2, done / 8);
        file.write_all(&piece[..left])?;
        done += left as u64;
    }
    // What is not on the disk yet would be written while others are measured.
    file.sync_data()
}

fn read_through(path: &Path) -> io::Result<()> {
    let (mut file, mut piece) = (File::open(path)?, vec![0; 1 << 20]);
    while file.read(&mut piece)? > 0 {}
    Ok(())
}

/// Halves the length until it fits.
fn fitting_len(wanted: u64, room: u64) -> Option<u64> {
    let mut len = wanted;
    while len > room && len > MIN_FILE_LEN {
        len /= 2;
    }
    (len <= room).then_some(len)
}

/// Bytes that fit on the disk and, with as much again to spare, in memory; without Linux it is a guess.
#[cfg(target_os = "linux")]
fn room_for(dir: &Path) -> u64 {
    let disk =
        rustix::fs::statvfs(dir).map_or(0, |free| free.f_bavail.saturating_mul(free.f_frsize));
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = info
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = available.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    let memory = kib.map_or(u64::MAX, |kib| kib.saturating_mul(1024) / 2);
    disk.min(memory)
}

#[cfg(not(target_os = "linux"))]
fn room_for(_: &Path) -> u64 {
    u64::MAX
}

impl Context {
    fn file(&self) -> Result<&BigFile, &str> {
        let made = self
            .file
            .get_or_init(|| BigFile::create(&self.settings.file_dir, self.settings.file_len));
        made.as_ref().map_err(String::as_str)
    }

    /// The command to measure: built by the cargo that runs this, else the one beside this binary.
    fn peerdist(&self) -> Result<&Path, Failure> {
        let found = self.peerdist.get_or_init(find_peerdist);
        found.as_deref().map_err(Clone::clone)
    }
}

/// A command that lies there may be older than the sources, so cargo is asked first.
fn find_peerdist() -> Result<PathBuf, Failure> {
    const HOW: &str = "build it with `cargo build --release -p peerdist-cli`";
    let beside = std::env::current_exe()
        .map_err(|error| error.to_string())?
        .with_file_name(format!("peerdist{}", std::env::consts::EXE_SUFFIX));
    if let Some(cargo) = std::env::var_os("CARGO") {
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--release", "-p", "peerdist-cli"])
            .stdout(Stdio::null())
            .status();
        match built {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("command peerdist: cargo build: {status}; {HOW}")),
            Err(error) => return Err(format!("command peerdist: cargo: {error}; {HOW}")),
        }
    }
    if beside.is_file() {
        Ok(beside)
    } else {
        Err(format!("no command {}; {HOW}", beside.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_fit_is_halved_until_it_does() {
        assert_eq!(fitting_len(2 << 30, u64::MAX), Some(2 << 30));
        assert_eq!(fitting_len(2 << 30, 600 << 20), Some(512 << 20));
        assert_eq!(fitting_len(2 << 30, 1 << 20), None);
    }

    #[test]
    fn the_file_has_its_length_and_is_gone_when_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let file = BigFile::create(dir.path(), (1 << 20) + 24).unwrap();
        assert_eq!(
            std::fs::metadata(file.path()).unwrap().len(),
            (1 << 20) + 24
        );
        let bytes = std::fs::read(file.path()).unwrap();
        assert_eq!(bytes, workload::noise((1 << 20) + 24, 2));
        let path = file.path().to_owned();
        drop(file);
        assert!(!path.exists());
    }
}
