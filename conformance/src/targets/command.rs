//! A command that is judged: its words, the time that it has, and what it says.
//! Invariant: nothing that it started outlives it, and no more of what it says is kept than a limit.
//! Byte order: none.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid,
};

use crate::clock;

/// What a shell says of a command that is not there, and an implementation of something that it has not.
pub const UNSUPPORTED: i32 = 127;
/// How much of a standard stream is kept.
pub(super) const STREAM_MAX_BYTES: usize = 64 << 10;
/// How often a command is looked after.
pub(super) const TICK: Duration = Duration::from_millis(5);
/// How long its streams have to end after it.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What makes a command one for the shell, outside of quotes.
pub const OF_THE_SHELL: &[char] = &[
    '|', '&', ';', '<', '>', '$', '`', '\\', '*', '?', '~', '(', '#', '\n',
];

/// What a command is started with, beside its words.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// What is set in its environment, beside what this process has there.
    pub environment: BTreeMap<String, String>,
    /// Where it is started; `None`: where this process is.
    pub folder: Option<PathBuf>,
    /// Becomes true when everything is to end.
    pub stop: Arc<AtomicBool>,
}

impl Surroundings {
    /// Whether everything is to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// How a command ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// What it ended with; `None`: a signal ended it, or it did not end.
    pub status: Option<i32>,
    /// Whether it had to be ended.
    pub is_late: bool,
    /// What it said, on either stream, up to a limit.
    pub said: String,
}

/// Runs a command with what stands for each name in braces. Words are split first and filled in then, so that what is
/// filled in may hold anything; a command with signs of the shell outside of quotes goes to the shell.
///
/// # Errors
/// That of the system where it cannot be started.
pub fn run(template: &str, values: &[(&str, &str)], patience: Duration) -> io::Result<Ended> {
    run_in(template, values, patience, &Surroundings::default())
}

/// The same, with surroundings of its own; one that is stopped is late.
///
/// # Errors
/// That of the system where it cannot be started.
pub fn run_in(
    template: &str,
    values: &[(&str, &str)],
    patience: Duration,
    surroundings: &Surroundings,
) -> io::Result<Ended> {
    let mut child = prepared(template, values, surroundings)?.spawn()?;
    let group = Pid::from_child(&child);
    let streams = [child.stdout.take().map(kept), child.stderr.take().map(kept)];
    let deadline = clock::now() + patience;
    let mut ended = Ended::default();
    loop {
        if let Some(status) = exit(group) {
            ended.status = status;
            break;
        }
        if clock::now() >= deadline || surroundings.is_stopped() {
            ended.is_late = true;
            break;
        }
        thread::sleep(TICK);
    }
    // What it left behind, too. It was not waited for yet, so its number is nobody else's; that all are gone is what is
    // wanted.
    let _ = kill_process_group(group, Signal::KILL);
    child.wait()?;
    for stream in streams.into_iter().flatten() {
        // What others hold open has no end.
        let given = clock::now() + LAST_WORDS;
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

/// What a child ended with, if it has ended; a signal is no status. The child can still be waited for.
pub(crate) fn exit(child: Pid) -> Option<Option<i32>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(child), options).ok().flatten()?;
    Some(WaitIdStatus::exit_status(&status))
}

/// A command that leads a process group of its own, with nothing to read and both streams to be read from.
pub(super) fn prepared(
    template: &str,
    values: &[(&str, &str)],
    surroundings: &Surroundings,
) -> io::Result<Command> {
    let words = words(template, values);
    let Some((program, arguments)) = words.split_first() else {
        return Err(io::Error::other("the command is empty"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(&surroundings.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    if let Some(folder) = &surroundings.folder {
        command.current_dir(folder);
    }
    Ok(command)
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
fn words(template: &str, values: &[(&str, &str)]) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut is_of_the_shell = false;
    for letter in template.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() && letter != '\n' => words.extend(word.take()),
            (None, _) => {
                is_of_the_shell |= OF_THE_SHELL.contains(&letter);
                word.get_or_insert_default().push(letter);
            }
            (Some(_), _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    // What is set before a command is the shell's to set.
    let sets = words
        .first()
        .is_some_and(|first: &String| first.contains('='));
    let filled = |text: &str, value: fn(&str) -> String| {
        values.iter().fold(text.to_owned(), |text, (name, of)| {
            text.replace(&format!("{{{name}}}"), &value(of))
        })
    };
    if is_of_the_shell || sets {
        return vec!["sh".to_owned(), "-c".to_owned(), filled(template, quoted)];
    }
    words
        .iter()
        .map(|word| filled(word, str::to_owned))
        .collect()
}

/// A value as one word of the shell, unless it needs no quotes.
fn quoted(value: &str) -> String {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "-._/:@%+=,".contains(sign);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &[(&str, &str)] = &[
        ("url", "http://127.0.0.1:1/a b"),
        ("out", "/tmp/out"),
        ("version", "1"),
    ];

    #[test]
    fn words_are_split_before_they_are_filled_in() {
        assert_eq!(
            words("get  '{url}' -o \"a b\"{out} '' {version}", VALUES),
            [
                "get",
                "http://127.0.0.1:1/a b",
                "-o",
                "a b/tmp/out",
                "",
                "1"
            ]
        );
        assert_eq!(
            words("get {url}", VALUES),
            ["get", "http://127.0.0.1:1/a b"]
        );
    }

    #[test]
    fn signs_of_the_shell_outside_of_quotes_are_the_shells() {
        assert_eq!(
            words("get {url} >{out}", VALUES),
            ["sh", "-c", "get 'http://127.0.0.1:1/a b' >/tmp/out"]
        );
        assert_eq!(
            words("A=1 get {version}", VALUES),
            ["sh", "-c", "A=1 get 1"]
        );
        assert_eq!(words("get '>'", VALUES), ["get", ">"]);
    }

    #[test]
    fn a_command_that_does_not_end_is_ended_with_its_children_and_one_that_does_is_heard() {
        let late = run("sleep 60 | cat", VALUES, Duration::from_millis(80)).unwrap();
        assert!(late.is_late && late.status.is_none());
        let heard = run(
            "sh -c 'echo {version}; exit 127'",
            VALUES,
            Duration::from_secs(10),
        );
        let heard = heard.unwrap();
        assert_eq!((heard.status, heard.said.trim()), (Some(UNSUPPORTED), "1"));
        let begun = clock::now();
        let left = run("sleep 30 & echo $!", VALUES, Duration::from_secs(10)).unwrap();
        let took = begun.elapsed();
        assert!(!left.is_late && took < Duration::from_secs(10), "{took:?}");
        let number = left.said.trim().parse().ok().and_then(Pid::from_raw);
        let stat = format!("/proc/{}/stat", number.unwrap().as_raw_pid());
        // Whoever takes in orphans may be slow about it, but it has ended.
        let is_there = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        while is_there() && begun.elapsed() < Duration::from_secs(9) {
            thread::sleep(TICK);
        }
        assert!(!is_there());
        assert!(run("", VALUES, Duration::from_secs(1)).is_err());
        assert!(run("/no/such/program", VALUES, Duration::from_secs(1)).is_err());
    }
}
