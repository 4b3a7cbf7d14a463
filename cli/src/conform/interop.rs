//! `peerdist conform interop`: implementations against each other, as their files describe them.

use std::fs;
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use globset::Glob;
use peerdist_conformance::clock;
use peerdist_conformance::evidence::dump::printable;
use peerdist_conformance::evidence::pcapng;
use peerdist_conformance::interop::description::Description;
use peerdist_conformance::interop::report::{self, Report};
use peerdist_conformance::interop::{self, Cell, Implementation, Outcome, Settings, Verdict};
use peerdist_sim::scenario;
use tokio::signal::unix::{SignalKind, signal};

use super::args::InteropArgs;
use super::output::{progress, write};
use crate::failure::{self, Failure};

/// Longer files are none that a person wrote.
const FILE_BYTES_MOST: u64 = 1 << 20;

pub(super) fn run(args: &InteropArgs) -> Result<ExitCode, Failure> {
    let implementations = described(&args.files)?;
    let cells = selected(&implementations, &args.filter)?;
    if args.list {
        let mut out = BufWriter::new(stdout().lock());
        for cell in &cells {
            writeln!(out, "{}  {}", cell.id(), cell.scenario.title)?;
        }
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    let program = std::env::current_exe().map_err(|error| {
        Failure::unreachable(format_args!(
            "cannot find this program to start it: {error}"
        ))
    })?;
    let stop = Arc::new(AtomicBool::new(false));
    stop_by_signals(&stop)?;
    let settings = Settings {
        interface: args.interface,
        patience: Duration::from_secs(args.timeout),
        tries: args.tries.get(),
        jobs: args.jobs.get(),
        program,
        stop,
    };
    let begun = clock::now();
    let bar = progress(cells.len(), args.json);
    let outcomes = interop::run(&cells, &settings, &|outcome| {
        bar.set_message(outcome.cell.id());
        bar.inc(1);
    });
    bar.finish_and_clear();
    let took = clock::now().saturating_duration_since(begun);
    let mut report = Report::new(&implementations, &outcomes, took);
    if let Some(folder) = &args.out {
        write_folder(folder, &mut report, &outcomes, &settings)?;
    }
    if let Some(file) = &args.junit {
        write(file, report.junit().as_bytes())?;
    }
    let printed = print(&report, args);
    if settings.stop.load(Ordering::Acquire) {
        printed?;
        return Err(Failure::unreachable("stopped before every cell was run"));
    }
    if !report.has_judged() {
        printed?;
        return Err(Failure::unreachable(
            "nothing was run: every cell was unsupported or inconclusive",
        ));
    }
    failure::verdict(report.summary.failed == 0, printed)
}

/// The implementations, each with a name of its own.
fn described(files: &[PathBuf]) -> Result<Vec<Implementation>, Failure> {
    let mut all: Vec<Implementation> = Vec::new();
    for file in files {
        let one = read(file)?;
        let name = &one.description.name;
        if let Some(other) = all.iter().find(|other| other.description.name == *name) {
            return Err(Failure::usage(format_args!(
                "{} and {} both have the name '{name}'; expected one for each",
                other.file, one.file
            )));
        }
        all.push(one);
    }
    Ok(all)
}

fn read(file: &Path) -> Result<Implementation, Failure> {
    let shown = file.display().to_string();
    let cannot =
        |why: &dyn std::fmt::Display| Failure::usage(format_args!("cannot read {shown}: {why}"));
    let length = fs::metadata(file).map_err(|error| cannot(&error))?.len();
    if length > FILE_BYTES_MOST {
        return Err(cannot(&format_args!(
            "it has {length} bytes; expected a description, of {FILE_BYTES_MOST} at most"
        )));
    }
    let text = fs::read_to_string(file).map_err(|error| cannot(&error))?;
    let nearest = |name: &str, known: &[&str]| {
        scenario::near::nearest(name, known.iter().copied()).to_owned()
    };
    let mistake = |read: &Description| read.first_mistake(&nearest);
    let description = scenario::read(&shown, &text, mistake).map_err(Failure::usage)?;
    // Commands are started elsewhere, so what stands for this folder has to be whole.
    let whole = fs::canonicalize(file).map_err(|error| cannot(&error))?;
    let folder = whole.parent().unwrap_or(Path::new("/")).to_owned();
    Ok(Implementation {
        description,
        file: shown,
        folder,
    })
}

fn selected<'a>(
    implementations: &'a [Implementation],
    filters: &[String],
) -> Result<Vec<Cell<'a>>, Failure> {
    let globs: Result<Vec<_>, _> = filters.iter().map(|text| Glob::new(text)).collect();
    let globs: Vec<_> = globs
        .map_err(|error| Failure::usage(format_args!("--filter: {error}")))?
        .into_iter()
        .map(|glob| glob.compile_matcher())
        .collect();
    let all = interop::cells(implementations);
    let count = all.len();
    if count == 0 {
        return Err(Failure::usage(
            "there is no cell: none of the files has a client for a server of another role; a matrix needs both, of the same version",
        ));
    }
    let fits =
        |cell: &Cell<'_>| globs.is_empty() || globs.iter().any(|glob| glob.is_match(cell.id()));
    let cells: Vec<Cell<'a>> = all.into_iter().filter(fits).collect();
    if cells.is_empty() {
        return Err(Failure::usage(format_args!(
            "--filter: none of the {count} cells fits; --list shows them without it"
        )));
    }
    Ok(cells)
}

/// Commands are in process groups of their own, which no terminal ends: SIGINT and SIGTERM end them here.
fn stop_by_signals(stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::unreachable)?;
    let mut signals = {
        let _within = runtime.enter();
        let of = |kind| signal(kind).map_err(Failure::unreachable);
        [of(SignalKind::interrupt())?, of(SignalKind::terminate())?]
    };
    let stop = Arc::clone(stop);
    thread::spawn(move || {
        runtime.block_on(async {
            let [interrupt, terminate] = &mut signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        stop.store(true, Ordering::Release);
    });
    Ok(())
}

fn print(report: &Report, args: &InteropArgs) -> Result<(), Failure> {
    let mut out = BufWriter::new(stdout().lock());
    if args.json {
        out.write_all(report.to_json().as_bytes())?;
        return Ok(out.flush()?);
    }
    writeln!(out, "{}", report.table())?;
    // What matters most comes last, where it is seen.
    for verdict in [Verdict::Unsupported, Verdict::Inconclusive, Verdict::Failed] {
        for cell in report.cells.iter().filter(|cell| cell.verdict == verdict) {
            let name = match verdict {
                Verdict::Failed => "FAILED",
                other => other.name(),
            };
            writeln!(out, "{name:13} {}", cell.id)?;
            writeln!(out, "              {}", printable(&cell.text))?;
        }
    }
    writeln!(out, "{}, {:.1} s", report.counts(), report.took_seconds)?;
    if let Some(folder) = &args.out {
        writeln!(
            out,
            "reports and evidence: {}",
            folder.join("report.html").display()
        )?;
    } else if report.summary.failed > 0 {
        writeln!(out, "with --out DIR all that the runner saw is kept")?;
    }
    Ok(out.flush()?)
}

fn write_folder(
    folder: &Path,
    report: &mut Report,
    outcomes: &[Outcome<'_>],
    settings: &Settings,
) -> Result<(), Failure> {
    let evidence = folder.join("evidence");
    fs::create_dir_all(&evidence).map_err(|error| {
        Failure::usage(format_args!("cannot make {}: {error}", evidence.display()))
    })?;
    for (cell, outcome) in report.cells.iter_mut().zip(outcomes) {
        let name = format!("evidence/{}", cell.id.replace('/', "--"));
        let text = report::evidence(outcome, settings);
        write(&folder.join(format!("{name}.txt")), text.as_bytes())?;
        let capture = pcapng::capture(&outcome.record);
        write(&folder.join(format!("{name}.pcapng")), &capture)?;
        cell.evidence = Some(name);
    }
    for (name, text) in [
        ("report.json", report.to_json()),
        ("report.html", report.html()),
        ("report.md", report.markdown()),
        ("junit.xml", report.junit()),
    ] {
        write(&folder.join(name), text.as_bytes())?;
    }
    Ok(())
}
