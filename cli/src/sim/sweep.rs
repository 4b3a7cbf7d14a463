//! `peerdist sim sweep` and `peerdist sim merge`: a scenario with other values, over and over.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use peerdist_sim::builtin;
use peerdist_sim::sweep::{self, Progress, Sweep, SweepError};

use super::args::{MergeArgs, SweepArgs};
use crate::failure::{Failure, JUDGED_BAD};
use crate::print::count;

pub(super) fn run(args: &SweepArgs) -> Result<ExitCode, Failure> {
    let file = args.sweep.display().to_string();
    let text = std::fs::read_to_string(&args.sweep)
        .map_err(|error| Failure::usage(format_args!("{file}: {error}")))?;
    let beside = args.sweep.parent().unwrap_or(Path::new(""));
    let sweep = Sweep::load(&file, &text, |name, settings| {
        // A file is looked for beside the sweep, so that both can be moved together.
        let is_builtin = builtin::find(name).is_some();
        let path = beside.join(name).display().to_string();
        let name = if is_builtin { name } else { &path };
        super::scenario(name, settings).map_err(Failure::into_message)
    })
    .map_err(Failure::usage)?;
    let out = args.out.clone().unwrap_or_else(|| {
        let name = args.sweep.file_stem().unwrap_or_default();
        Path::new("results").join(name)
    });
    let cores = std::thread::available_parallelism().ok();
    let jobs = args.jobs.or(cores).map_or(1, std::num::NonZero::get);
    let bar = bar();
    let tell = |progress: Progress| {
        bar.set_length(progress.all as u64);
        if progress.done == progress.kept {
            // What was there before says nothing of how long the rest takes.
            bar.set_position(progress.kept as u64);
            bar.reset_eta();
        } else {
            bar.inc(1);
        }
    };
    let ran = sweep::carry_out(&sweep, &out, args.shard, jobs, args.resume, tell);
    bar.finish_and_clear();
    let violations = ran.map_err(|error| match error {
        SweepError::Results(_) => Failure::unreachable(error),
        _ => Failure::usage(error),
    })?;
    let mut said = stdout().lock();
    let whole = match args.shard.of {
        1 => "runs.csv, runs.parquet and arms.csv".to_owned(),
        of => format!(
            "shard {} of {of}; 'peerdist sim merge' puts all together",
            args.shard.number
        ),
    };
    writeln!(
        said,
        "{}: {} with {} each, {} engine, in {}: {whole}",
        file,
        count(sweep.arms.len() as u64, "arm"),
        count(sweep.seeds.len() as u64, "seed"),
        sweep.engine,
        out.display(),
    )?;
    for violation in &violations {
        writeln!(said, "  WRONG: {violation}")?;
    }
    Ok(match violations.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(JUDGED_BAD),
    })
}

pub(super) fn merge(args: &MergeArgs) -> Result<ExitCode, Failure> {
    let runs = sweep::merge(&args.shards, &args.out).map_err(Failure::usage)?;
    let out = args.out.display();
    writeln!(stdout(), "{} in {out}", count(runs as u64, "run"))?;
    Ok(ExitCode::SUCCESS)
}

fn bar() -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    match ProgressStyle::with_template("{bar:32} {pos} of {len} runs, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
