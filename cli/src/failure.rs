//! How the command ends: one clear line, and the exit code that tells a script what kind of end it was.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// Exit code for a thing that was judged and failed.
pub(crate) const JUDGED_BAD: u8 = 1;
const USAGE: u8 = 2;
const UNREACHABLE: u8 = 3;

/// An end without a result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Told to the person who called.
    Told { code: u8, message: String },
    /// The reader of standard output went away, and wants neither more of it nor a complaint.
    ReaderWentAway,
}

impl Failure {
    /// What it says, to be part of something that says more.
    pub(crate) fn into_message(self) -> String {
        match self {
            Self::Told { message, .. } => message,
            Self::ReaderWentAway => String::new(),
        }
    }

    /// Usage, configuration, or input that cannot be worked with.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::Told {
            code: USAGE,
            message: message.to_string(),
        }
    }

    /// Something that cannot be had here.
    pub(crate) fn unreachable(message: impl Display) -> Self {
        Self::Told {
            code: UNREACHABLE,
            message: message.to_string(),
        }
    }

    /// Prints the line.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Told { code, message } => {
                // Where nobody reads it any more, the exit code still says it.
                let _ = writeln!(io::stderr(), "peerdist: {}", on_one_line(&message));
                ExitCode::from(code)
            }
            Self::ReaderWentAway => ExitCode::SUCCESS,
        }
    }
}

/// Errors of printing.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderWentAway;
        }
        Self::usage(format_args!("cannot write to standard output: {error}"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

/// The exit code of a verdict, which holds whether or not anybody read the findings to their end.
pub(crate) fn verdict(is_good: bool, printed: Result<(), Failure>) -> Result<ExitCode, Failure> {
    match printed {
        Ok(()) | Err(Failure::ReaderWentAway) if is_good => Ok(ExitCode::SUCCESS),
        Ok(()) | Err(Failure::ReaderWentAway) => Ok(ExitCode::from(JUDGED_BAD)),
        Err(failure) => Err(failure),
    }
}

/// Names of files may hold anything: line ends and what moves a terminal's cursor are written as escapes.
fn on_one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for char in message.trim_end().chars() {
        if char.is_control() {
            line.extend(char.escape_default());
        } else {
            line.push(char);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_on_one_line_whatever_is_in_it() {
        assert_eq!(
            on_one_line("cannot open a\nb\u{1b}[2Jé\n"),
            r"cannot open a\nb\u{1b}[2Jé"
        );
    }
}
