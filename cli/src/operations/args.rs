//! What can be said to every command that runs until somebody ends it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ValueEnum, ValueHint};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::serving::args::address;

/// Where the admin page is, and where it is looked for, unless somebody says otherwise.
pub(crate) const ADMIN: &str = "127.0.0.1:9370";

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Operation")]
pub(crate) struct OperationArgs {
    /// Settings in TOML: the names of these options as keys, above all sections or in one named as the command
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Serve the admin page, /metrics and what 'peerdist status' asks for [without ADDR: 127.0.0.1:9370]
    #[arg(long, value_name = "ADDR", value_parser = address, num_args = 0..=1, default_missing_value = ADMIN)]
    pub(crate) admin: Option<SocketAddr>,
    /// Allow --admin at an address that others reach; they see what is in the cache and who fetches
    #[arg(long, requires = "admin")]
    pub(crate) admin_anywhere: bool,
    /// What to log to standard error: a level, or TARGET=LEVEL with commas between
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    pub(crate) log: LogFilter,
    /// How to log
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// From which level on events are logged, by where they come from.
#[derive(Debug, Clone)]
pub(crate) struct LogFilter(pub(crate) Targets);

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut targets = Targets::new();
        for directive in text.split(',') {
            let (target, level) = match directive.split_once('=') {
                Some((target, level)) => (Some(target), level),
                None => (None, directive),
            };
            // Numbers and nothing are levels too, for the library alone.
            let is_word = level.starts_with(|first: char| first.is_ascii_alphabetic());
            let named = level.parse().ok().filter(|_| is_word);
            let level: LevelFilter = named.ok_or_else(|| {
                "expected off, error, warn, info, debug or trace, or such as warn,peerdist_node::discovery=debug"
                    .to_owned()
            })?;
            targets = match target {
                Some(target) => targets.with_target(target, level),
                None => targets.with_default(level),
            };
        }
        Ok(Self(targets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        for good in [
            "off",
            "warn",
            "info,peerdist_node::discovery=debug",
            "a=trace",
        ] {
            assert!(good.parse::<LogFilter>().is_ok(), "{good}");
        }
        for bad in ["", "loud", "a=loud", "warn,,info", "peerdist_node", "5"] {
            assert!(bad.parse::<LogFilter>().is_err(), "{bad}");
        }
    }
}
