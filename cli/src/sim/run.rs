//! `peerdist sim run`: scenarios carried out, and what came out of them.

use std::io::{self, Write, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use peerdist_sim::engine::Engine;
use peerdist_sim::plan::Plan;
use peerdist_sim::plots;
use peerdist_sim::report::{self, Report};
use peerdist_sim::results::{self, Manifest, Results};
use peerdist_sim::scenario::Scenario;
use peerdist_sim::scenario::expectation::Expectation;
use peerdist_sim::summary::Summary;

use super::args::{EngineArg, PlotFormat, RunArgs};
use super::raster;
use crate::failure::{Failure, JUDGED_BAD};
use crate::print::count;

/// A scenario with its runs.
struct Ran {
    name: String,
    scenario: Arc<Scenario>,
    engine: Engine,
    /// Why this one, where it was not asked for.
    because: Option<String>,
    branches: usize,
    seeds: Vec<u64>,
    summaries: Vec<Summary>,
    violations: Vec<String>,
    /// What is shown of the first run, where there are results.
    report: Option<Report>,
}

pub(super) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    // All are read before the first is run: a mistake in the last costs no time.
    let mut scenarios = Vec::new();
    for name in &args.scenarios {
        scenarios.push((name.clone(), Arc::new(super::scenario(name, &args.set)?)));
    }
    if args.plots.contains(&PlotFormat::Png) {
        raster::check()?;
    }
    let mut is_good = true;
    let mut as_json = Vec::new();
    for (name, scenario) in scenarios {
        // Before anything is run, for what is there already costs no time then.
        let mut results = match &args.out {
            None => None,
            Some(out) => Some(begin(args, out, &name)?),
        };
        let ran = carry_out(args, name, scenario, results.as_mut())?;
        is_good &= ran.violations.is_empty() && ran.broken().next().is_none();
        if let Some(results) = results {
            write(args, &ran, results)?;
        }
        if args.json {
            as_json.push(ran.to_json()?);
        } else {
            ran.print(&mut stdout().lock())?;
        }
    }
    if args.json {
        let json = serde_json::to_string_pretty(&as_json)?;
        writeln!(stdout(), "{json}")?;
    }
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(JUDGED_BAD)
    })
}

fn begin(args: &RunArgs, out: &Path, name: &str) -> Result<Results, Failure> {
    let name = Path::new(name).file_stem().unwrap_or_default();
    Results::begin(&out.join(name), args.force).map_err(Failure::usage)
}

fn carry_out(
    args: &RunArgs,
    name: String,
    scenario: Arc<Scenario>,
    mut results: Option<&mut Results>,
) -> Result<Ran, Failure> {
    let cores = std::thread::available_parallelism();
    let threads = args
        .threads
        .or(cores.ok())
        .map_or(1, std::num::NonZero::get);
    let first = args.seed.unwrap_or(scenario.seed);
    let (engine, because) = match args.engine {
        EngineArg::Flow => (Engine::Flow, None),
        EngineArg::Packet => (Engine::Packet, None),
        EngineArg::Auto => {
            let (engine, why) = Engine::choose(&Plan::new(Arc::clone(&scenario), first));
            (engine, Some(why))
        }
    };
    let mut ran = Ran {
        name,
        engine,
        because,
        branches: 0,
        seeds: (0..args.runs).map(|run| first.wrapping_add(run)).collect(),
        summaries: Vec::new(),
        violations: Vec::new(),
        report: None,
        scenario,
    };
    for &seed in &ran.seeds {
        let plan = Plan::new(Arc::clone(&ran.scenario), seed);
        let outcome = engine.run(&plan, threads).map_err(Failure::unreachable)?;
        ran.branches = plan.sites.len();
        let summary = outcome.summary(&plan);
        if let Some(results) = &mut results {
            let added = results.add(&plan, &outcome, &summary);
            added.map_err(Failure::usage)?;
            if ran.report.is_none() {
                let name = shown_name(&ran.name);
                let report = Report::new(&name, engine.name(), &plan, &outcome, &summary);
                ran.report = Some(report);
            }
        }
        ran.summaries.push(summary);
        ran.violations.extend(
            outcome
                .violations()
                .map(|what| format!("seed {seed}: {what}")),
        );
    }
    Ok(ran)
}

fn shown_name(name: &str) -> String {
    let name = Path::new(name).file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn write(args: &RunArgs, ran: &Ran, results: Results) -> Result<(), Failure> {
    let (text, hash) = results::scenario_text(&ran.scenario).map_err(Failure::usage)?;
    let seed = ran.seeds.first().copied().unwrap_or_default();
    let manifest = Manifest {
        name: ran.name.clone(),
        scenario_sha256: hash,
        seeds: ran.seeds.clone(),
        engine: ran.engine.name(),
        version: env!("CARGO_PKG_VERSION"),
        trace_hashes: ran
            .summaries
            .iter()
            .map(|it| it.trace_hash.clone())
            .collect(),
        command: format!(
            "peerdist sim run scenario.yaml --seed {seed} --runs {} --engine {}",
            args.runs, ran.engine
        ),
    };
    if let Some(report) = &ran.report {
        let mut report = report.clone();
        report.command.clone_from(&manifest.command);
        report.scenario_sha256.clone_from(&manifest.scenario_sha256);
        if ran.summaries.len() > 1 {
            let means = results::means(&ran.summaries).into_iter();
            report.means = means.map(|(name, mean)| (name.to_owned(), mean)).collect();
        }
        let page = report::html(&report).map_err(Failure::usage)?;
        let written = results.file("report.html", page.as_bytes());
        written.map_err(Failure::usage)?;
        plot(&args.plots, &report, &results)?;
    }
    results.finish(&text, &manifest).map_err(Failure::usage)
}

fn plot(formats: &[PlotFormat], report: &Report, results: &Results) -> Result<(), Failure> {
    if formats.is_empty() {
        return Ok(());
    }
    for (name, svg) in plots::figures(report) {
        for format in formats {
            let written = match format {
                PlotFormat::Svg => results.file(&format!("plots/{name}.svg"), svg.as_bytes()),
                PlotFormat::Png => {
                    let png = raster::png(&svg)?;
                    results.file(&format!("plots/{name}.png"), &png)
                }
            };
            written.map_err(Failure::usage)?;
        }
    }
    Ok(())
}

impl Ran {
    /// Expectations that a run did not keep, and its seed.
    fn broken(&self) -> impl Iterator<Item = (&Expectation, u64, &Summary)> {
        self.scenario.expect.iter().flat_map(|expectation| {
            let runs = self.seeds.iter().zip(&self.summaries);
            let broken = runs.filter(|(_, summary)| !expectation.is_met(summary));
            broken.map(move |(seed, summary)| (expectation, *seed, summary))
        })
    }

    fn to_json(&self) -> Result<serde_json::Value, Failure> {
        let mut value = match self.summaries.as_slice() {
            [one] => serde_json::to_value(one)?,
            many => {
                let means = results::means(many);
                let mut map = serde_json::Map::new();
                for (name, mean) in means {
                    map.insert(name.to_owned(), serde_json::to_value(mean)?);
                }
                let hashes: Vec<&str> = many.iter().map(|it| it.trace_hash.as_str()).collect();
                map.insert("trace_hashes".to_owned(), hashes.into());
                map.into()
            }
        };
        if let Some(map) = value.as_object_mut() {
            let broken = self.broken();
            let broken: Vec<String> = broken
                .map(|(it, seed, _)| format!("{it} (seed {seed})"))
                .collect();
            map.insert("scenario".to_owned(), self.name.clone().into());
            map.insert("engine".to_owned(), self.engine.name().into());
            map.insert("seeds".to_owned(), self.seeds.clone().into());
            map.insert("expectations_not_met".to_owned(), broken.into());
            map.insert("violations".to_owned(), self.violations.clone().into());
        }
        Ok(value)
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let seeds = match self.seeds.as_slice() {
            [one] => format!("seed {one}"),
            [first, .., last] => format!("seeds {first} to {last}"),
            [] => String::new(),
        };
        let branches = match self.branches {
            1 => "1 branch".to_owned(),
            many => format!("{many} branches"),
        };
        let mean = |name: &str| {
            let means = results::means(&self.summaries);
            let found = means.into_iter().find(|(of, _)| *of == name);
            found.map(|(_, mean)| (mean.mean, mean.confidence_95.filter(|it| *it > 0.0)))
        };
        let of = |name: &str| mean(name).map_or(0.0, |(mean, _)| mean);
        let downloads = count(
            self.summaries.first().map_or(0, |it| it.downloads),
            "download",
        );
        writeln!(
            out,
            "{}: {downloads} in {branches}, {seeds}, {} engine{}",
            self.name,
            self.engine,
            self.because
                .as_ref()
                .map_or(String::new(), |why| format!(": {why}")),
        )?;
        let within = mean("wan_saved_percent").and_then(|(_, within)| within);
        let within = within.map_or(String::new(), |within| format!(" ± {within:.2}"));
        writeln!(
            out,
            "  saved on the line  {:>9.2} %{within}: {} instead of {}",
            of("wan_saved_percent"),
            bytes(of("wan_bytes")),
            bytes(of("wan_bytes_without_caching")),
        )?;
        for (label, figure) in [
            ("from the origin", "bytes_from_origin"),
            ("from neighbours", "bytes_from_peers"),
            ("from hosted caches", "bytes_from_hosted_cache"),
            ("there already", "bytes_from_local_cache"),
            ("content information", "metadata_bytes"),
            ("discovery", "discovery_bytes"),
        ] {
            if of(figure) > 0.0 {
                writeln!(out, "  {label:<19}{:>11}", bytes(of(figure)))?;
            }
        }
        writeln!(
            out,
            "  took               {:>11} in the middle, {} for nine of ten, {} at most",
            seconds(of("completion_seconds.p50")),
            seconds(of("completion_seconds.p90")),
            seconds(of("completion_seconds.max")),
        )?;
        if of("failed") > 0.0 {
            writeln!(out, "  did not end well   {:>11.0}", of("failed"))?;
        }
        if let [one] = self.summaries.as_slice() {
            writeln!(
                out,
                "  trace              {:>11}…",
                one.trace_hash.get(..10).unwrap_or_default()
            )?;
        }
        for expectation in &self.scenario.expect {
            let broken: Vec<_> = self
                .broken()
                .filter(|(it, ..)| *it == expectation)
                .collect();
            match broken.first() {
                None => writeln!(out, "  as expected: {expectation}")?,
                Some((_, seed, summary)) => {
                    let found = summary.figure(&expectation.figure).unwrap_or_default();
                    writeln!(
                        out,
                        "  NOT AS EXPECTED: {expectation}: it is {found} with seed {seed}"
                    )?;
                }
            }
        }
        for violation in &self.violations {
            writeln!(out, "  WRONG: {violation}")?;
        }
        Ok(())
    }
}

pub(super) fn bytes(bytes: f64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let unit = units.iter().find(|(size, _)| bytes >= *size);
    match unit {
        Some((size, name)) => format!("{:.1} {name}", bytes / size),
        None => format!("{bytes:.0} B"),
    }
}

pub(super) fn seconds(seconds: f64) -> String {
    if seconds >= 5_400.0 {
        format!("{:.1} h", seconds / 3_600.0)
    } else if seconds >= 90.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{seconds:.2} s")
    }
}
