//! `peerdist conform`: implementations judged against the documents.

pub(crate) mod args;
mod check;
mod file;
mod interop;
mod matrix;
mod output;
mod own;
mod targets;

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use peerdist_conformance::cases;
use peerdist_conformance::judge::Case;
use peerdist_conformance::judge::select::{Selection, SelectionError};
use peerdist_conformance::judge::session::Settings;
use peerdist_conformance::report::{Listed, text};
use peerdist_sim::scenario::near;
use rand::TryRng;

use crate::failure::Failure;
use args::{ConformCommand, ExplainArgs, JudgeArgs, ListArgs, RunArgs, SelectArgs};

pub(crate) fn run(command: &ConformCommand) -> Result<ExitCode, Failure> {
    match command {
        ConformCommand::List(args) => list(args),
        ConformCommand::Explain(args) => explain(args),
        ConformCommand::Run(args) => judge(args),
        ConformCommand::Own(args) => own::run(args),
        ConformCommand::Interop(args) => interop::run(args),
        ConformCommand::Matrix(args) => matrix::run(args),
        ConformCommand::CheckInfo(args) => check::info(args),
        ConformCommand::CheckCapture(args) => check::capture(args),
    }
}

/// The cases that were asked for.
fn selected(args: &SelectArgs) -> Result<Vec<&'static Case>, Failure> {
    let selection = Selection {
        ids: args.cases.clone(),
        without: args.without.clone(),
        levels: args.level.clone(),
        roles: args.role.clone(),
        tags: args.tag.clone(),
    };
    let all = cases::all();
    selection.of(&all).map_err(|error| match error {
        SelectionError::Unknown(pattern) => no_case(&pattern, &all),
        other => Failure::usage(other),
    })
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '[', '{'])
}

/// Nobody knows a case of that name.
fn no_case(name: &str, all: &[&'static Case]) -> Failure {
    if is_pattern(name) {
        return Failure::usage(format_args!(
            "no case fits '{name}'; 'peerdist conform list' shows all"
        ));
    }
    let near = near::nearest(name, all.iter().map(|case| case.id));
    Failure::usage(format_args!(
        "there is no case '{name}'; the nearest is '{near}'"
    ))
}

fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let cases = selected(&args.select)?;
    let mut out = BufWriter::new(stdout().lock());
    if args.json {
        let listed: Vec<Listed> = cases.into_iter().map(Listed::of).collect();
        serde_json::to_writer_pretty(&mut out, &listed)?;
        writeln!(out)?;
    } else {
        let width = cases.iter().map(|case| case.id.len()).max().unwrap_or(0);
        for case in &cases {
            writeln!(out, "{:width$}  {}", case.id, case.title)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn explain(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let all = cases::all();
    let case = all
        .iter()
        .find(|case| case.id == args.case)
        .ok_or_else(|| {
            if is_pattern(&args.case) {
                return Failure::usage(format_args!(
                    "'{0}' is no id of a case; 'peerdist conform list {0}' shows those that fit",
                    args.case
                ));
            }
            no_case(&args.case, &all)
        })?;
    let mut out = stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &Listed::of(case))?;
        writeln!(out)?;
    } else {
        write!(out, "{}", text::explained(case))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(args: &JudgeArgs) -> Result<Settings, Failure> {
    let mut seed = [0; 32];
    match args.seed {
        Some(number) => seed[..8].copy_from_slice(&number.to_le_bytes()),
        None => rand::rngs::SysRng
            .try_fill_bytes(&mut seed)
            .map_err(|error| Failure::unreachable(format_args!("no randomness: {error}")))?,
    }
    Ok(Settings {
        is_strict: args.strict,
        profile: args.profile,
        silence: Duration::from_millis(args.silence_ms),
        answer: Duration::from_millis(args.answer_ms),
        jobs: args.jobs.get(),
        seed,
    })
}

fn judge(args: &RunArgs) -> Result<ExitCode, Failure> {
    let cases = selected(&args.select)?;
    let settings = settings(&args.judge)?;
    let named = targets::of(&args.targets)?;
    named.judges(&cases, &args.select)?;
    targets::reach(&args.targets)?;
    output::prepare(&args.judge)?;
    output::judge(&cases, &named, &settings, &args.judge)
}
