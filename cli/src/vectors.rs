//! `peerdist vectors`: our own replay, or another implementation's answers.
//! Invariant: nothing judged is no success.
//! Byte order: none.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use peerdist_conformance::vectors::exec::{self, ExecError, Settings};
use peerdist_conformance::vectors::{self, Report};

use crate::args::RunArgs;
use crate::failure::{self, Failure};
use crate::print::count;

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    if !args.directory.is_dir() {
        let directory = args.directory.display();
        return Err(Failure::usage(format_args!(
            "there is no directory {directory}; expected the folder of vectors"
        )));
    }
    let report = judge(args)?;
    if report.outcomes.is_empty() {
        let filter = args.filter.as_deref().unwrap_or("*");
        return Err(Failure::usage(format_args!(
            "no vector has an id that fits {filter:?}; --json without --filter lists them all"
        )));
    }
    let verdict = failure::verdict(report.failed == 0, print(&report, args.json))?;
    if report.unsupported == report.outcomes.len() {
        let vectors = count(report.unsupported as u64, "vector");
        return Err(Failure::unreachable(format_args!(
            "nothing was judged: the program supports none of {vectors}; expected an answer with a result to one at least"
        )));
    }
    Ok(verdict)
}

fn judge(args: &RunArgs) -> Result<Report, Failure> {
    let filter = args.filter.as_deref();
    let Some(command) = &args.exec else {
        return vectors::run(&args.directory, filter).map_err(Failure::usage);
    };
    let settings = Settings {
        command,
        patience: Duration::from_secs(args.timeout),
    };
    exec::run(&args.directory, filter, &settings).map_err(|error| match error {
        ExecError::Vectors(error) => Failure::usage(error),
        ExecError::NotStarted { .. } => Failure::unreachable(error),
    })
}

fn print(report: &Report, json: bool) -> Result<(), Failure> {
    let mut out = BufWriter::new(stdout().lock());
    if json {
        serde_json::to_writer_pretty(&mut out, report)?;
        writeln!(out)?;
    } else {
        for outcome in &report.outcomes {
            if let Some(failure) = &outcome.failure {
                writeln!(out, "FAILED {}: {failure}", outcome.id)?;
                writeln!(out, "       {}", outcome.comment)?;
                if !outcome.requirements.is_empty() {
                    writeln!(out, "       pins {}", outcome.requirements.join(", "))?;
                }
            }
        }
        print_unsupported(&mut out, report)?;
        let vectors = count(report.outcomes.len() as u64, "vector");
        write!(
            out,
            "{vectors}: {} passed, {} failed",
            report.passed, report.failed
        )?;
        if report.unsupported > 0 {
            write!(out, ", {} unsupported", report.unsupported)?;
        }
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

/// One line for each reason: hundreds of vectors may have the same.
fn print_unsupported(out: &mut impl Write, report: &Report) -> Result<(), Failure> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for outcome in &report.outcomes {
        if let Some(why) = &outcome.unsupported {
            reasons.entry(why).or_default().push(&outcome.id);
        }
    }
    for (why, ids) in reasons {
        let vectors = count(ids.len() as u64, "vector");
        let first = ids.first().copied().unwrap_or_default();
        let from = if ids.len() == 1 { "that is" } else { "first" };
        writeln!(out, "unsupported, {vectors}, {from} {first}: {why:?}")?;
    }
    Ok(())
}
