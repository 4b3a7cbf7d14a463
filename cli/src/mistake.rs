//! Mistakes on the command line, each in one line: what is wrong, what was expected, where to read on.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::Args;
use crate::failure::Failure;

/// Help goes out as clap made it; a mistake becomes one line.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match error.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => Failure::from(error).report(),
        },
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Nothing was said, so everything is answered; but nothing was done either.
            let _ = error.print();
            ExitCode::from(2)
        }
        _ => {
            let see = format!("see '{} --help'", called(std::env::args_os()));
            Failure::usage(format_args!("{}; {see}", in_words(error))).report()
        }
    }
}

pub(crate) fn in_words(error: &clap::Error) -> String {
    let argument = || bare(&first(error, ContextKind::InvalidArg));
    let value = || first(error, ContextKind::InvalidValue);
    let mut words = match error.kind() {
        ErrorKind::InvalidValue if value().is_empty() => format!("{} needs a value", argument()),
        ErrorKind::InvalidValue => format!("{} cannot be '{}'", argument(), value()),
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string);
            let why = why.unwrap_or_default();
            return format!("{} cannot be '{}': {why}", argument(), value());
        }
        ErrorKind::TooFewValues => {
            let number = |kind| match error.get(kind) {
                Some(ContextValue::Number(number)) => *number,
                _ => 0,
            };
            let (given, least) = (
                number(ContextKind::ActualNumValues),
                number(ContextKind::MinValues),
            );
            let name = argument();
            format!("{name} was given {given} times; expected at least {least}")
        }
        ErrorKind::TooManyValues => format!("{} takes no value", argument()),
        ErrorKind::UnknownArgument => format!("'{}' was not expected", argument()),
        ErrorKind::InvalidSubcommand => {
            format!(
                "there is no command '{}'",
                first(error, ContextKind::InvalidSubcommand)
            )
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = all(error, ContextKind::InvalidArg);
            let missing: Vec<String> = missing.iter().map(|name| alternatives(name)).collect();
            format!("missing: {}", missing.join(", and "))
        }
        ErrorKind::ArgumentConflict => {
            let other = bare(&first(error, ContextKind::PriorArg));
            if other == argument() {
                format!("{other} was given twice; expected once")
            } else {
                format!("{} and {other} exclude each other", argument())
            }
        }
        kind => kind.to_string(),
    };
    let expected = all(error, ContextKind::ValidValue);
    if !expected.is_empty() {
        words.push_str(&format!("; expected {}", listed(&expected)));
    }
    let similar = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ];
    if let Some(similar) = similar
        .iter()
        .find_map(|kind| all(error, *kind).into_iter().next())
    {
        words.push_str(&format!(" (did you mean '{similar}'?)"));
    }
    words
}

/// A name without what surrounds it: of `--range <START..END>` the first word, of `[SECRET]` the word.
fn bare(name: &str) -> String {
    match name.split_once(' ') {
        Some((option, _)) if option.starts_with('-') => option.to_owned(),
        _ => name.trim_matches(['[', ']']).to_owned(),
    }
}

/// `<SECRET|--secret-hex <HEX>>` as a person says it.
fn alternatives(name: &str) -> String {
    let inner = name
        .strip_prefix('<')
        .and_then(|name| name.strip_suffix('>'));
    match inner {
        Some(inner) if inner.contains('|') => inner.replace('|', " or "),
        _ => name.to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [all_but_last @ .., last] => format!("{} or {last}", all_but_last.join(", ")),
    }
}

fn all(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn first(error: &clap::Error, kind: ContextKind) -> String {
    all(error, kind).into_iter().next().unwrap_or_default()
}

/// The command that was called, without its arguments: `peerdist info create`.
fn called(arguments: impl IntoIterator<Item = OsString>) -> String {
    let mut command = Args::command();
    let mut name = command.get_name().to_owned();
    for argument in arguments.into_iter().skip(1) {
        let Some(next) = command.find_subcommand(&argument).cloned() else {
            break;
        };
        name = format!("{name} {}", next.get_name());
        command = next;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_pointed_to_for_the_command_that_was_meant() {
        let called = |line: &str| called(line.split(' ').map(OsString::from));
        assert_eq!(called("peerdist"), "peerdist");
        assert_eq!(called("x info create f info"), "peerdist info create");
        assert_eq!(called("x --bad info"), "peerdist");
        assert_eq!(called("x secret neu"), "peerdist secret");
    }
}
