//! How the command ends: one clear line, and the exit code that tells a script what kind of end it was.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;

/// Exit code for a thing that was judged and failed.
pub(crate) const JUDGED_BAD: u8 = 1;
const USAGE: u8 = 2;
const UNREACHABLE: u8 = 3;

/// An end without a result.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Usage, configuration, or input that cannot be worked with.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self {
            code: USAGE,
            message: message.to_string(),
        }
    }

    /// Something that cannot be had here.
    pub(crate) fn unreachable(message: impl Display) -> Self {
        Self {
            code: UNREACHABLE,
            message: message.to_string(),
        }
    }

    /// Prints the line. A reader that went away wants neither more output nor a complaint.
    pub(crate) fn report(self) -> ExitCode {
        if self.message.is_empty() {
            return ExitCode::SUCCESS;
        }
        eprintln!("peerdist: {}", self.message);
        ExitCode::from(self.code)
    }
}

/// Errors of printing. `head` closing its end is not one.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                code: 0,
                message: String::new(),
            };
        }
        Self::usage(format_args!("cannot write to standard output: {error}"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

/// Help goes out as clap made it; a mistake becomes one line that says what to do.
pub(crate) fn of_usage(error: &clap::Error) -> ExitCode {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if is_help {
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
    }
    let rendered = error.render().to_string();
    let mut words = Vec::new();
    for line in rendered
        .lines()
        .take_while(|line| !line.starts_with("Usage:"))
    {
        words.extend(line.split_whitespace());
        if line.is_empty() && !words.is_empty() && words.last() != Some(&";") {
            words.push(";");
        }
    }
    while words.last() == Some(&";") {
        words.pop();
    }
    let text = words.join(" ").replace(" ;", ";");
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let text = text
        .trim_end_matches("For more information, try '--help'.")
        .trim_end_matches("; ");
    Failure::usage(format_args!("{text} (try --help)")).report()
}
