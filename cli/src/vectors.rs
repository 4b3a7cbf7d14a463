//! `peerdist vectors`.

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;

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
    let report = vectors::run(&args.directory, args.filter.as_deref()).map_err(Failure::usage)?;
    if report.outcomes.is_empty() {
        let filter = args.filter.as_deref().unwrap_or("*");
        return Err(Failure::usage(format_args!(
            "no vector has an id that fits {filter:?}; --json without --filter lists them all"
        )));
    }
    failure::verdict(report.failed == 0, print(&report, args.json))
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
        let vectors = count(report.outcomes.len() as u64, "vector");
        writeln!(
            out,
            "{vectors}: {} passed, {} failed",
            report.passed, report.failed
        )?;
    }
    Ok(out.flush()?)
}
