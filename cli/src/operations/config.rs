//! Settings from a file: options of the command under their own names, as if they stood on the command line before it.
//!
//! What can be set is asked of clap's definition of the command. So is the type of each value, and whether it is good.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Command, CommandFactory, Parser};
use peerdist_sim::scenario::near::nearest;
use toml::de::{DeTable, DeValue};

use crate::args::Args;
use crate::failure::Failure;
use crate::mistake;

/// Longer files are none that a person wrote.
const FILE_BYTES_MOST: u64 = 1 << 20;
const CONFIG: &str = "config";

/// Why there are no arguments.
pub(crate) enum Stopped {
    /// Help, a version, or a mistake on the command line.
    Mistake(clap::Error),
    /// A mistake that the file has a part in.
    File(Failure),
}

/// One setting of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The section it stands in, if in any.
    pub(crate) section: Option<String>,
    /// The option's name.
    pub(crate) key: String,
    /// Its values as on the command line; none for what is off.
    pub(crate) values: Vec<String>,
    /// Its line, from 1.
    pub(crate) line: usize,
    is_bare: bool,
}

impl Setting {
    fn words(&self) -> impl Iterator<Item = OsString> {
        let word = |value: &String| match self.is_bare {
            true => format!("--{}", self.key),
            false => format!("--{}={value}", self.key),
        };
        self.values.iter().map(word).map(OsString::from)
    }
}

/// The arguments of the command line, with what a file adds to them.
pub(crate) fn arguments(words: Vec<OsString>) -> Result<Args, Stopped> {
    let parsed = Args::try_parse_from(&words);
    match &parsed {
        Ok(_) => {}
        // What is missing may stand in the file.
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {}
        Err(_) => return parsed.map_err(Stopped::Mistake),
    }
    let Some(line) = CommandLine::read(&words) else {
        return parsed.map_err(Stopped::Mistake);
    };
    let settings = read(&line.file).map_err(|why| Stopped::File(Failure::usage(why)))?;
    let chosen = for_command(&settings, &line.command, &line.file)
        .map_err(|why| Stopped::File(Failure::usage(why)))?;
    let added = chosen
        .into_iter()
        .filter(|setting| !line.given.contains(&setting.key))
        .flat_map(Setting::words);
    let mut all: Vec<OsString> = words.iter().take(2).cloned().collect();
    all.extend(added);
    all.extend(words.iter().skip(2).cloned());
    Args::try_parse_from(&all).map_err(|error| {
        let why = mistake::in_words(&error);
        let file = line.file.display();
        Stopped::File(Failure::usage(format_args!(
            "{why}; the settings in {file} count too"
        )))
    })
}

/// What the command line says of the file.
struct CommandLine {
    command: String,
    file: PathBuf,
    /// Long names of the options that it gives itself.
    given: Vec<String>,
}

impl CommandLine {
    fn read(words: &[OsString]) -> Option<Self> {
        let matches = Args::command().ignore_errors(true);
        let matches = matches.try_get_matches_from(words).ok()?;
        let (name, matches) = matches.subcommand()?;
        let command = settable(name)?;
        let file = matches.get_one::<PathBuf>(CONFIG)?.clone();
        let given = command
            .get_arguments()
            .filter(|arg| {
                matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
            })
            .filter_map(|arg| arg.get_long().map(str::to_owned))
            .collect();
        Some(Self {
            command: name.to_owned(),
            file,
            given,
        })
    }
}

/// A command that takes settings from a file.
fn settable(name: &str) -> Option<Command> {
    let command = Args::command().find_subcommand(name)?.clone();
    let is_settable = command.get_arguments().any(|arg| arg.get_id() == CONFIG);
    is_settable.then_some(command)
}

fn settable_names() -> Vec<String> {
    let all = Args::command();
    all.get_subcommands()
        .map(|command| command.get_name().to_owned())
        .filter(|name| settable(name).is_some())
        .collect()
}

/// The options that can be set.
fn options(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    command
        .get_arguments()
        .filter(|arg| arg.get_id() != CONFIG)
        .filter_map(|arg| Some((arg.get_long()?, arg)))
        .filter(|(long, _)| !["help", "version"].contains(long))
}

/// All settings of a file, for whichever command, each held against the command's own definition.
pub(crate) fn read(file: &Path) -> Result<Vec<Setting>, String> {
    let shown = file.display();
    let cannot = |why: &dyn std::fmt::Display| format!("cannot read {shown}: {why}");
    let length = std::fs::metadata(file)
        .map_err(|error| cannot(&error))?
        .len();
    if length > FILE_BYTES_MOST {
        return Err(format!(
            "{shown} has {length} bytes; expected settings, of {FILE_BYTES_MOST} at most"
        ));
    }
    let text = std::fs::read_to_string(file).map_err(|error| cannot(&error))?;
    settings(&text).map_err(|(line, why)| format!("{shown}:{line}: {why}"))
}

type Wrong = (usize, String);

fn settings(text: &str) -> Result<Vec<Setting>, Wrong> {
    let line_of = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        before.matches('\n').count() + 1
    };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        (line_of(at), error.message().trim_end().replace('\n', "; "))
    })?;
    let names = settable_names();
    let mut found = Vec::new();
    for (key, value) in table.get_ref() {
        let line = line_of(key.span().start);
        let name = key.get_ref().as_ref();
        let DeValue::Table(section) = value.get_ref() else {
            found.push(above_sections(name, value.get_ref(), line, &names)?);
            continue;
        };
        let Some(command) = settable(name) else {
            let sections = names.iter().map(String::as_str);
            let near = nearest(name, sections);
            return Err((
                line,
                format!("there is no section [{name}]; the nearest is [{near}]"),
            ));
        };
        for (key, value) in section {
            let line = line_of(key.span().start);
            let key = key.get_ref().as_ref();
            let arg = option(&command, key).map_err(|why| (line, why))?;
            found.push(setting(Some(name), key, arg, value.get_ref(), line)?);
        }
    }
    Ok(found)
}

/// A key above all sections is for every command that has it, and one of them at least must.
fn above_sections(
    key: &str,
    value: &DeValue<'_>,
    line: usize,
    names: &[String],
) -> Result<Setting, Wrong> {
    let commands: Vec<Command> = names.iter().filter_map(|name| settable(name)).collect();
    let known: Vec<(&str, &Arg)> = commands.iter().flat_map(options).collect();
    match known.iter().find(|(long, _)| *long == key) {
        Some((_, arg)) => setting(None, key, arg, value, line),
        None => {
            let near = nearest(key, known.iter().map(|(long, _)| *long));
            Err((
                line,
                format!("there is no key '{key}'; the nearest is '{near}'"),
            ))
        }
    }
}

fn option<'a>(command: &'a Command, key: &str) -> Result<&'a Arg, String> {
    let found = options(command).find(|(long, _)| *long == key);
    found.map(|(_, arg)| arg).ok_or_else(|| {
        let near = nearest(key, options(command).map(|(long, _)| long));
        format!(
            "there is no key '{key}' for {}; the nearest is '{near}'",
            command.get_name()
        )
    })
}

/// The settings that are for a command: those of its section, and those above all sections that it has an option for.
fn for_command<'a>(
    settings: &'a [Setting],
    name: &str,
    file: &Path,
) -> Result<Vec<&'a Setting>, String> {
    let command = settable(name).ok_or_else(|| format!("{name} takes no settings"))?;
    let own = |setting: &&Setting| setting.section.as_deref() == Some(name);
    let mut chosen: Vec<&Setting> = settings.iter().filter(own).collect();
    for setting in settings.iter().filter(|setting| setting.section.is_none()) {
        if option(&command, &setting.key).is_err() {
            return Err(format!(
                "{}:{}: '{}' is no key of {name}; put it below the [section] of the command that it is for",
                file.display(),
                setting.line,
                setting.key
            ));
        }
        if !chosen.iter().any(|known| known.key == setting.key) {
            chosen.push(setting);
        }
    }
    Ok(chosen)
}

fn setting(
    section: Option<&str>,
    key: &str,
    arg: &Arg,
    value: &DeValue<'_>,
    line: usize,
) -> Result<Setting, Wrong> {
    let wrong = |expected: &str| {
        (
            line,
            format!("{key} cannot be {}; expected {expected}", article(value)),
        )
    };
    let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
    // An option that has a value of its own, such as `admin`, may be switched on like a flag.
    let may_be_bare = arg
        .get_num_args()
        .is_some_and(|range| range.min_values() == 0);
    let is_bare = is_flag || (may_be_bare && matches!(value, DeValue::Boolean(_)));
    let values = match value {
        DeValue::Boolean(on) if is_bare => on.then(String::new).into_iter().collect(),
        _ if is_flag => return Err(wrong("true or false")),
        DeValue::Array(array) if matches!(arg.get_action(), ArgAction::Append) => array
            .iter()
            .map(|value| scalar(arg, value.get_ref()).ok_or_else(|| wrong("strings in the array")))
            .collect::<Result<Vec<_>, _>>()?,
        _ => vec![scalar(arg, value).ok_or_else(|| wrong(expected(arg)))?],
    };
    if !is_bare {
        for value in &values {
            check(key, arg, value).map_err(|why| (line, why))?;
        }
    }
    Ok(Setting {
        section: section.map(str::to_owned),
        key: key.to_owned(),
        values,
        line,
        is_bare,
    })
}

fn is_number(arg: &Arg) -> bool {
    let id = arg.get_value_parser().type_id();
    [
        TypeId::of::<u64>(),
        TypeId::of::<u32>(),
        TypeId::of::<u16>(),
        TypeId::of::<usize>(),
    ]
    .iter()
    .any(|number| id == *number)
}

fn expected(arg: &Arg) -> &'static str {
    match (is_number(arg), arg.get_action()) {
        (true, _) => "a whole number",
        (false, ArgAction::Append) => "a string, or an array of strings",
        (false, _) => "a string",
    }
}

/// A value as it would stand on the command line. Strings may be written as whole numbers, such as a port.
fn scalar(arg: &Arg, value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) if !is_number(arg) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Integer(number) => {
            let digits = number.as_str().to_owned();
            i128::from_str_radix(&digits, number.radix())
                .ok()
                .map(|number| number.to_string())
        }
        _ => None,
    }
}

fn article(value: &DeValue<'_>) -> String {
    let kind = match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a broken number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    kind.to_owned()
}

/// Holds a value against the option's own parser.
fn check(key: &str, arg: &Arg, value: &str) -> Result<(), String> {
    let alone = Arg::new("value")
        .long("value")
        .value_parser(arg.get_value_parser().clone())
        .action(ArgAction::Set)
        .num_args(1);
    let checked = Command::new("check")
        .no_binary_name(true)
        .arg(alone)
        .try_get_matches_from([format!("--value={value}")]);
    checked.map(drop).map_err(|error| {
        let why = mistake::in_words(&error);
        why.replacen("--value", key, 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_names_its_line_and_what_was_expected() {
        for (text, line, words) in [
            (
                "log = \"info\"\nlsten = 80",
                2,
                "no key 'lsten'; the nearest is 'listen'",
            ),
            (
                "[serve]\ncache_dir = \"x\"",
                2,
                "no key 'cache_dir' for serve; the nearest is 'cache-dir'",
            ),
            ("\n[srve]\n", 2, "no section [srve]; the nearest is [serve]"),
            (
                "[serve]\nlist = 1",
                2,
                "list cannot be a whole number; expected true or false",
            ),
            (
                "[serve]\nroot = true",
                2,
                "root cannot be true or false; expected a string",
            ),
            (
                "[serve]\n\ncache-bytes = \"1\"",
                3,
                "cache-bytes cannot be a string; expected a whole number",
            ),
            ("[serve]\ncache-bytes = -1", 2, "cache-bytes cannot be '-1'"),
            (
                "[serve]\nlisten = \"nowhere\"",
                2,
                "listen cannot be 'nowhere': expected IP:PORT",
            ),
            (
                "log = \"loud\"",
                1,
                "log cannot be 'loud': expected off, error",
            ),
            ("log-format = \"xml\"", 1, "expected text or json"),
            (
                "[peer]\ninterface = [\"127.0.0.1\", \"x\"]",
                2,
                "interface cannot be 'x'",
            ),
            ("a = ", 1, ""),
            ("log = \"info\"\nlog = \"warn\"", 2, "duplicate key"),
            ("config = \"x\"", 1, "no key 'config'"),
        ] {
            let (at, why) = settings(text).unwrap_err();
            assert_eq!(at, line, "{text}: {why}");
            assert!(why.contains(words), "{text}: {why}");
        }
    }

    #[test]
    fn settings_become_words_of_the_command_line() {
        let text = "log = \"info\"\nadmin = true\n[serve]\nroot = \"a b\"\nlist = true\nlisten = 8081\n\
                    same-etag = false\ncache-bytes = 0x10\n[peer]\ninterface = [\"::1\", \"127.0.0.1\"]\n";
        let all = settings(text).unwrap();
        let words = |name: &str| -> Vec<String> {
            let chosen = for_command(&all, name, Path::new("f")).unwrap();
            let words = chosen.into_iter().flat_map(Setting::words);
            let mut words: Vec<_> = words.map(|word| word.into_string().unwrap()).collect();
            words.sort();
            words
        };
        let common = ["--admin", "--log=info"];
        assert_eq!(
            words("serve"),
            [
                common[0],
                "--cache-bytes=16",
                "--list",
                "--listen=8081",
                common[1],
                "--root=a b"
            ]
        );
        assert_eq!(
            words("peer"),
            [
                common[0],
                "--interface=127.0.0.1",
                "--interface=::1",
                common[1]
            ]
        );
        assert_eq!(words("proxy"), common);
    }

    #[test]
    fn a_key_above_all_sections_is_for_every_command() {
        let all = settings("root = \"www\"").unwrap();
        assert!(for_command(&all, "serve", Path::new("f")).is_ok());
        let why = for_command(&all, "peer", Path::new("f")).unwrap_err();
        assert!(why.starts_with("f:1: 'root' is no key of peer"), "{why}");
    }
}
