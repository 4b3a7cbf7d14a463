//! `peerdist sim`: what PeerDist would save, simulated.

pub(crate) mod args;
mod compare;
mod hunt;
mod raster;
mod run;
mod sweep;

use std::io::{Write, stdout};
use std::process::ExitCode;

use peerdist_sim::builtin::{self, BUILTINS};
use peerdist_sim::scenario::{self, Scenario};

use crate::failure::Failure;
use args::{ExplainArgs, ListArgs, SimCommand};

pub(crate) fn run(command: &SimCommand) -> Result<ExitCode, Failure> {
    match command {
        SimCommand::Run(args) => run::run(args),
        SimCommand::Hunt(args) => hunt::run(args),
        SimCommand::Compare(args) => compare::run(args),
        SimCommand::Sweep(args) => sweep::run(args),
        SimCommand::Merge(args) => sweep::merge(args),
        SimCommand::List(args) => list(args),
        SimCommand::Explain(args) => explain(args),
        SimCommand::Schema => {
            let schema = serde_json::to_string_pretty(&scenario::schema())?;
            writeln!(stdout(), "{schema}")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A scenario that comes with the program, or one of a file.
fn scenario(name: &str, settings: &[(String, String)]) -> Result<Scenario, Failure> {
    let text = text_of(name)?;
    scenario::with(name, &text, settings).map_err(Failure::usage)
}

fn text_of(name: &str) -> Result<String, Failure> {
    if let Some(builtin) = builtin::find(name) {
        return Ok(builtin.text.to_owned());
    }
    std::fs::read_to_string(name).map_err(|error| {
        let names = BUILTINS.iter().map(|builtin| builtin.name);
        let near = scenario::near::nearest(name, names);
        Failure::usage(format_args!(
            "{name}: {error}; of the scenarios that come with the program, the nearest is '{near}'"
        ))
    })
}

fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let mut out = stdout().lock();
    let mut all = Vec::new();
    for builtin in BUILTINS {
        let scenario = scenario(builtin.name, &[])?;
        let about = scenario.about.trim().to_owned();
        all.push((builtin.name, about));
    }
    if args.json {
        let rows: Vec<_> = all
            .iter()
            .map(|(name, about)| serde_json::json!({ "name": name, "about": about }))
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = all
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    for (name, about) in all {
        let first = about
            .split_inclusive(". ")
            .next()
            .unwrap_or_default()
            .trim();
        writeln!(out, "{name:width$}  {first}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn explain(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let scenario = scenario(&args.scenario, &args.set)?;
    let mut out = stdout().lock();
    writeln!(out, "{}\n", scenario.about.trim())?;
    for (name, site) in &scenario.sites {
        let copies = match site.copies {
            1 => String::new(),
            copies => format!("{copies} times "),
        };
        let cache = if site.hosted_cache.is_some() {
            ", with a hosted cache"
        } else {
            ""
        };
        writeln!(
            out,
            "site {name}: {copies}{} down, {} up, {} each way; its hosts have {} to each other{cache}",
            site.link.down,
            site.link.up(),
            site.link.latency,
            site.lan.rate,
        )?;
    }
    for (name, group) in &scenario.hosts {
        let sites: Vec<&str> = scenario.sites_of(group).collect();
        let mode = serde_json::to_value(group.mode)?;
        writeln!(
            out,
            "hosts {name}: {} in each {}; mode {}, version {}, a store of {} for {}",
            group.count,
            sites.join(", "),
            mode.as_str().unwrap_or_default(),
            group.version,
            group.store.size,
            group.store.max_age,
        )?;
    }
    for (name, content) in &scenario.contents {
        match (&content.edit_of, content.count) {
            (Some(before), _) => writeln!(
                out,
                "content {name}: {before} with edits at {} places: {} changed, {} inserted and {} removed at each",
                content.edits.places,
                content.edits.changed,
                content.edits.inserted,
                content.edits.removed,
            )?,
            (None, 1) => writeln!(out, "content {name}: {}", content.size())?,
            (None, count) => writeln!(
                out,
                "content {name}: {count}, each {}; asked for by Zipf's law with exponent {}",
                content.size(),
                content.popularity.zipf,
            )?,
        }
    }
    for work in &scenario.workload {
        let what = work.fetch.as_deref().unwrap_or("the content");
        let who = if work.hosts.is_empty() {
            "all hosts".to_owned()
        } else {
            work.hosts.join(", ")
        };
        let arrive = &work.arrive;
        if let Some(replay) = &work.replay {
            let requests = replay.rows().map_or(0, |rows| rows.len());
            writeln!(
                out,
                "{who}: {requests} requests of a trace, {} times",
                replay.times
            )?;
            continue;
        }
        let pattern = serde_json::to_value(arrive.pattern)?;
        let mut when = pattern.as_str().unwrap_or_default().replace('_', " ");
        for (word, span) in [
            ("over", arrive.over),
            ("every", arrive.every),
            ("decay", arrive.decay),
        ] {
            if let Some(span) = span {
                when = format!("{when}, {word} {span}");
            }
        }
        writeln!(out, "{who} fetch {what}: {when}, from {}", arrive.from)?;
    }
    for fault in &scenario.faults {
        writeln!(out, "goes wrong: {}", peerdist_sim::hunt::written(fault))?;
    }
    for expectation in &scenario.expect {
        writeln!(out, "expected: {expectation}")?;
    }
    for source in &scenario.sources {
        writeln!(out, "source: {source}")?;
    }
    Ok(ExitCode::SUCCESS)
}
