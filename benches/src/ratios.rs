//! The subcommand `ratios`: all rows of PERFORMANCE.md measured now, as a table or as JSON.
//! Invariant: the exit code is 0 unless a check was asked for and a row fails it.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use globset::{Glob, GlobMatcher};
use peerdist::hash::Engine;

use crate::gates::GATES;
use crate::machine;
use crate::report::{self, Row};
use crate::rows::{Context, ROWS, Settings};

/// Attempts of a row when it is checked.
const CHECK_ATTEMPTS: u32 = 3;

/// Measures every row beside its rival.
#[derive(Debug, Args)]
pub struct Ratios {
    /// Print a JSON list instead of a table
    #[arg(long)]
    json: bool,
    /// Measure only rows whose name fits
    #[arg(long, value_name = "GLOB", default_value = "*", value_parser = parse_glob)]
    filter: GlobMatcher,
    /// Measure only rows that have a floor, and exit with 1 if one stays below it in three attempts
    #[arg(long)]
    check: bool,
    /// Length of the file of the info rows, with K, M or G
    #[arg(long, value_name = "BYTES", default_value = "2G", value_parser = parse_size)]
    file_size: u64,
    /// Where that file is made
    #[arg(long, value_name = "DIR")]
    file_dir: Option<PathBuf>,
    /// Pairs of each round: rows in memory have five rounds, rows of a file one
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(5..))]
    pairs: u32,
}

impl Ratios {
    /// Measures, prints, and judges if asked to.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let selected: Vec<_> = ROWS
            .iter()
            .filter(|entry| self.filter.is_match(entry.name))
            .filter(|entry| !self.check || GATES.iter().any(|gate| gate.row == entry.name))
            .collect();
        if selected.is_empty() {
            let names: Vec<&str> = ROWS.iter().map(|entry| entry.name).collect();
            eprintln!(
                "no row fits {}, or none that has a floor; rows: {}",
                self.filter.glob(),
                names.join(", ")
            );
            return ExitCode::from(2);
        }
        let context = Context::new(Settings {
            attempts: if self.check { CHECK_ATTEMPTS } else { 1 },
            memory_pairs: self.pairs,
            file_pairs: self.pairs,
            file_len: self.file_size,
            file_dir: self.file_dir.unwrap_or_else(std::env::temp_dir),
        });
        context.cpus.pin(1);
        let rows: Vec<Row> = selected
            .into_iter()
            .map(|entry| {
                progress(entry.name);
                entry.row(&context)
            })
            .collect();
        if self.json {
            match report::json(&rows) {
                Ok(text) => println!("{text}"),
                Err(error) => {
                    eprintln!("JSON: {error}");
                    return ExitCode::from(2);
                }
            }
        } else {
            print!("{}", report::table(&heading(&context), &rows));
        }
        if self.check {
            check(&rows)
        } else {
            ExitCode::SUCCESS
        }
    }
}

fn progress(name: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("measuring {name}");
    }
}

fn check(rows: &[Row]) -> ExitCode {
    let failures: Vec<&str> = rows
        .iter()
        .filter(|row| row.status.fails())
        .map(|row| row.name)
        .collect();
    if failures.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("check failed: {}", failures.join(", "));
    ExitCode::FAILURE
}

fn heading(context: &Context) -> Vec<String> {
    let rivals = [
        context
            .libcrypto
            .as_ref()
            .map_or_else(ToString::to_string, |library| library.version()),
        context.openssl.as_ref().map_or_else(
            |reason| format!("command openssl {reason}"),
            |command| format!("command {}", command.version()),
        ),
    ];
    vec![
        machine::describe(context.cpus.cores()),
        format!("hash engine {}", Engine::current()),
        format!("rivals: {}", rivals.join("; ")),
        "speeds in GB/s, M: million messages a second; ratios are medians of quiet pairs"
            .to_owned(),
    ]
}

fn parse_glob(text: &str) -> Result<GlobMatcher, globset::Error> {
    Ok(Glob::new(text)?.compile_matcher())
}

fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 10),
        Some((at, 'M' | 'm')) => (&text[..at], 20),
        Some((at, 'G' | 'g')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "a number with K, M or G, such as 256M".to_owned())?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_suffixes() {
        assert_eq!(parse_size("256M"), Ok(256 << 20));
        assert_eq!(parse_size("2g"), Ok(2 << 30));
        assert_eq!(parse_size("4096"), Ok(4096));
        assert!(parse_size("M").is_err());
        assert!(parse_size("").is_err());
        assert!(parse_size("99999999999G").is_err());
    }
}
