//! `peerdist vectors`.

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;

use peerdist_conformance::vectors;

use crate::args::RunArgs;
use crate::failure::{Failure, JUDGED_BAD};
use crate::print::count;

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let report = vectors::run(&args.directory, args.filter.as_deref()).map_err(Failure::usage)?;
    if report.outcomes.is_empty() {
        let filter = args.filter.as_deref().unwrap_or("*");
        return Err(Failure::usage(format_args!(
            "no vector has an id that fits {filter:?}"
        )));
    }
    let mut out = BufWriter::new(stdout().lock());
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
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
    out.flush()?;
    Ok(if report.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(JUDGED_BAD)
    })
}
