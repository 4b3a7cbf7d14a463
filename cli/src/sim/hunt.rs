//! `peerdist sim hunt`: faults that seeds draw, and those of them that break something.

use std::io::{self, Write, stdout};
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;

use peerdist_sim::engine::Engine;
use peerdist_sim::hunt::{self, Found, Hunted};
use peerdist_sim::plan::Plan;
use peerdist_sim::scenario::fault::FaultKind;

use super::args::{HuntArgs, HuntEngine};
use crate::failure::{Failure, JUDGED_BAD};
use crate::print::count;
use crate::progress;

pub(super) fn run(args: &HuntArgs) -> Result<ExitCode, Failure> {
    let scenario = super::scenario(&args.scenario, &args.set)?;
    let draws = |fault: &peerdist_sim::scenario::fault::Fault| fault.random.is_some();
    if !scenario.faults.iter().any(draws) {
        return Err(Failure::usage(format_args!(
            "{}: no seed draws any faults here: expected an entry such as \
             '{{ random: {{ count: 5, within: 1 min, longest: 20 s }} }}' in 'faults'",
            args.scenario
        )));
    }
    let engine = match args.engine {
        HuntEngine::Flow => Engine::Flow,
        HuntEngine::Packet => Engine::Packet,
    };
    let (drawn, without) = hunt::drawn_for(engine, &scenario);
    let drawn = Arc::new(drawn);
    let threads = args.threads.or(std::thread::available_parallelism().ok());
    let threads = threads.map_or(1, NonZero::get);
    let last = args.from.saturating_add(args.seeds);
    let bar = progress::of_runs(args.seeds);
    let judge = |plan: &Plan| hunt::judge(engine, plan);
    let hunted = hunt::hunt(&drawn, args.from..last, threads, &judge, &|| bar.inc(1));
    bar.finish_and_clear();
    if args.json {
        let report = to_json(args, engine, &without, &hunted);
        writeln!(stdout(), "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        print(args, engine, &without, &hunted, &mut stdout().lock())?;
    }
    Ok(if hunted.found.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(JUDGED_BAD)
    })
}

fn names(kinds: &[FaultKind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.name()).collect()
}

/// The command that repeats a failure; what was set is set there too.
fn repeat_line(args: &HuntArgs, engine: Engine, found: &Found) -> String {
    let mut scenario = args.scenario.clone();
    // Before the faults, which take the place of those that were drawn.
    for (path, value) in &args.set {
        scenario.push_str(&format!(" --set '{path}={value}'"));
    }
    found.repeat_line(&scenario, engine)
}

fn to_json(
    args: &HuntArgs,
    engine: Engine,
    without: &[FaultKind],
    hunted: &Hunted,
) -> serde_json::Value {
    let found = hunted.found.iter().map(|found| {
        serde_json::json!({
            "seed": found.seed,
            "violations": found.violations,
            "faults_drawn": found.drawn,
            "faults": found.faults.iter().map(hunt::written).collect::<Vec<_>>(),
            "violations_of_these": found.shrunk_violations,
            "repeat": repeat_line(args, engine, found),
        })
    });
    serde_json::json!({
        "scenario": args.scenario,
        "engine": engine.name(),
        "from": args.from,
        "seeds": hunted.seeds,
        "faults": hunted.faults,
        "kinds_left_out": names(without),
        "failed": found.collect::<Vec<_>>(),
    })
}

fn print(
    args: &HuntArgs,
    engine: Engine,
    without: &[FaultKind],
    hunted: &Hunted,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(
        out,
        "{}: {} from {} on, {}, {engine} engine",
        args.scenario,
        count(hunted.seeds, "seed"),
        args.from,
        count(hunted.faults, "fault"),
    )?;
    if !without.is_empty() {
        writeln!(
            out,
            "  left out, for this engine cannot carry them out: {}",
            names(without).join(", ")
        )?;
    }
    if hunted.found.is_empty() {
        return writeln!(out, "  nothing was wrong");
    }
    writeln!(
        out,
        "  WRONG with {}:",
        count(hunted.found.len() as u64, "seed")
    )?;
    for found in &hunted.found {
        writeln!(out, "  seed {}: {}", found.seed, first(&found.violations))?;
        if !found.shrunk_violations.is_empty() {
            writeln!(
                out,
                "    {} of {} drawn, found in {}: {}",
                count(found.faults.len() as u64, "fault"),
                found.drawn,
                count(found.runs, "run"),
                first(&found.shrunk_violations),
            )?;
        }
        writeln!(out, "    {}", repeat_line(args, engine, found))?;
    }
    Ok(())
}

fn first(violations: &[String]) -> &str {
    violations.first().map_or("", String::as_str)
}
