//! Runs cases and says how they came out, on the terminal and in files.
//! Invariant: a file of a report has its final name only when it is whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write, stderr, stdout};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use peerdist_conformance::evidence::dump::printable;
use peerdist_conformance::evidence::pcapng;
use peerdist_conformance::judge::run;
use peerdist_conformance::judge::session::Settings;
use peerdist_conformance::judge::{Case, CaseResult, Verdict};
use peerdist_conformance::report::{
    Baseline, Expected, FileError, Judged, Report, badge, html, junit, markdown, text,
};
use peerdist_conformance::{cases, clock};
use peerdist_sim::scenario::near;

use super::args::JudgeArgs;
use super::file;
use super::targets::Named;
use crate::failure::{self, Failure};
use crate::print::count;

/// Cases that one reason is said for.
const SAME_MAX: usize = 3;

/// Runs the cases for which there is something to judge, and reports.
pub(super) fn judge(
    cases: &[&'static Case],
    named: &Named,
    settings: &Settings,
    args: &JudgeArgs,
) -> Result<ExitCode, Failure> {
    let expected = expected(args)?;
    let baseline = baseline(args)?;
    let runnable: Vec<_> = cases
        .iter()
        .copied()
        .filter(|case| named.targets.has(case.role()))
        .collect();
    if runnable.is_empty() {
        return Err(Failure::usage(
            "none of the cases asked for judges what was named; 'peerdist conform list' shows the role of each with --json",
        ));
    }
    let begun = clock::now();
    let bar = progress(runnable.len(), args.json);
    let results = run::run(&runnable, &named.targets, settings, &|result| {
        bar.set_message(result.case.id);
        bar.inc(1);
    });
    bar.finish_and_clear();
    let took = clock::now().saturating_duration_since(begun);
    let roles = run::roles(&results);
    let mut names = named.names.clone();
    names.retain(|name, _| roles.iter().any(|role| role.name() == *name));
    let mut report = Report::new(&results, names, settings, took);
    if let Some(expected) = &expected {
        report.expect(expected);
    }
    if let Some(baseline) = &baseline {
        report.compare(baseline);
    }
    if let Some(folder) = &args.out {
        write_folder(folder, &mut report, &results)?;
    }
    if let Some(file) = &args.junit {
        write(file, junit::junit(&report).as_bytes())?;
    }
    let printed = print(&report, args);
    let failed = report.failures().count();
    let judged = report.summary.pass + report.summary.warn + report.summary.fail;
    if judged == 0 {
        match printed {
            // Whether or not anybody read to the end, nothing was judged.
            Ok(()) | Err(Failure::ReaderWentAway) => {}
            Err(failure) => return Err(failure),
        }
        return Err(Failure::unreachable(
            "nothing was judged: every case was skipped, unsupported or inconclusive",
        ));
    }
    failure::verdict(failed == 0, printed)
}

/// Looks at files and folders before anything is judged: who names a folder that cannot be written hears of it at once.
pub(super) fn prepare(args: &JudgeArgs) -> Result<(), Failure> {
    expected(args)?;
    baseline(args)?;
    if let Some(file) = &args.junit {
        if file.is_dir() {
            return Err(Failure::usage(format_args!(
                "--junit {} is a folder; name a file",
                file.display()
            )));
        }
        draft_beside(file)?;
    }
    let Some(folder) = &args.out else {
        return Ok(());
    };
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::usage(format_args!(
            "--out {} is no folder; name one, which is made where it is not there",
            folder.display()
        )));
    }
    let evidence = folder.join("evidence");
    fs::create_dir_all(&evidence).map_err(|error| {
        Failure::usage(format_args!("cannot make {}: {error}", evidence.display()))
    })?;
    draft_beside(&folder.join("report.json"))?;
    draft_beside(&evidence.join("any"))?;
    Ok(())
}

pub(super) fn progress(cases: usize, is_for_machines: bool) -> ProgressBar {
    if is_for_machines || !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(cases as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

fn expected(args: &JudgeArgs) -> Result<Option<Expected>, Failure> {
    let Some(path) = &args.expected else {
        return Ok(None);
    };
    let text = file::text(path, "--expected")?;
    Expected::read(&text, &cases::all())
        .map(Some)
        .map_err(|error| {
            let path = path.display();
            let FileError::UnknownCase(case) = &error else {
                return Failure::usage(format_args!("--expected {path}: {error}"));
            };
            let all = cases::all();
            let near = near::nearest(case, all.iter().map(|case| case.id));
            Failure::usage(format_args!(
                "--expected {path}: {error}; the nearest is '{near}'"
            ))
        })
}

fn baseline(args: &JudgeArgs) -> Result<Option<Baseline>, Failure> {
    let Some(path) = &args.baseline else {
        return Ok(None);
    };
    let text = file::text(path, "--baseline")?;
    Baseline::read(&text)
        .map(Some)
        .map_err(|error| Failure::usage(format_args!("--baseline {}: {error}", path.display())))
}

fn print(report: &Report, args: &JudgeArgs) -> Result<(), Failure> {
    let mut out = BufWriter::new(stdout().lock());
    if args.json {
        out.write_all(report.to_json().as_bytes())?;
        return Ok(out.flush()?);
    }
    if args.verbose {
        for judged in &report.cases {
            if judged.verdict == Verdict::Pass {
                writeln!(out, "pass          {}", judged.case.id)?;
            }
        }
    }
    let mut same: BTreeMap<&str, usize> = BTreeMap::new();
    for judged in &report.cases {
        if let (Verdict::Inconclusive, Some(reason)) = (judged.verdict, &judged.reason) {
            *same.entry(reason).or_default() += 1;
        }
    }
    // What matters most comes last, where it is seen.
    for verdict in [
        Verdict::Skip,
        Verdict::Unsupported,
        Verdict::Inconclusive,
        Verdict::Warn,
        Verdict::Fail,
    ] {
        let is_quiet = matches!(verdict, Verdict::Skip | Verdict::Unsupported) && !args.verbose;
        if is_quiet {
            continue;
        }
        for judged in report
            .cases
            .iter()
            .filter(|judged| judged.verdict == verdict)
        {
            // What many cases could not do for the same reason is said once.
            let reason = judged.reason.as_deref().unwrap_or_default();
            match same.get_mut(reason) {
                Some(0) if !args.verbose => continue,
                Some(number) if *number > SAME_MAX && !args.verbose => {
                    let others = count(*number as u64 - 1, "other case");
                    *number = 0;
                    print_case(&mut out, judged)?;
                    writeln!(out, "              so are {others}; --verbose shows them")?;
                }
                _ => print_case(&mut out, judged)?,
            }
        }
    }
    for judged in &report.cases {
        let is_shown = !matches!(
            judged.verdict,
            Verdict::Pass | Verdict::Skip | Verdict::Unsupported
        );
        if let Some(before) = judged.before.filter(|_| !is_shown) {
            let (verdict, before) = (judged.verdict.name(), before.name());
            writeln!(out, "{verdict:13} {}  before: {before}", judged.case.id)?;
        }
    }
    for judged in report.unexpected_passes() {
        writeln!(
            out,
            "{} was expected to fail and did not: {}",
            judged.case.id,
            printable(judged.unexpected.as_deref().unwrap_or_default())
        )?;
    }
    let summary = report.summary;
    let cases = count(report.cases.len() as u64, "case");
    let mut counts = vec![format!("{cases}: {} passed", summary.pass)];
    for verdict in Verdict::ALL {
        let number = summary.count(verdict);
        let said = match verdict {
            Verdict::Pass => continue,
            Verdict::Fail => "failed",
            Verdict::Warn => "warned",
            Verdict::Skip => "skipped",
            Verdict::Unsupported => "unsupported",
            Verdict::Inconclusive => "inconclusive",
        };
        if number > 0 || verdict == Verdict::Fail {
            counts.push(format!("{number} {said}"));
        }
    }
    writeln!(out, "{}, {:.1} s", counts.join(", "), report.took_seconds)?;
    if let Some(folder) = &args.out {
        writeln!(
            out,
            "reports and evidence: {}",
            folder.join("report.html").display()
        )?;
    } else if summary.fail > 0 {
        writeln!(out, "with --out DIR all that was sent and received is kept")?;
    }
    Ok(out.flush()?)
}

fn print_case(out: &mut impl Write, judged: &Judged) -> Result<(), Failure> {
    let verdict = match (judged.verdict, &judged.expected) {
        (Verdict::Fail, Some(_)) => "fail, known",
        (Verdict::Fail, None) => "FAIL",
        (other, _) => other.name(),
    };
    writeln!(
        out,
        "{verdict:13} {}  {}",
        judged.case.id, judged.case.title
    )?;
    if let Some(reason) = &judged.reason {
        writeln!(out, "              {}", printable(reason))?;
    }
    for finding in &judged.findings {
        writeln!(out, "              {}", printable(&finding.to_string()))?;
    }
    if let Some(reason) = &judged.expected {
        writeln!(out, "              expected: {}", printable(reason))?;
    }
    if let Some(before) = judged.before {
        writeln!(out, "              before: {}", before.name())?;
    }
    Ok(())
}

fn write_folder(folder: &Path, report: &mut Report, results: &[CaseResult]) -> Result<(), Failure> {
    for (judged, result) in report.cases.iter_mut().zip(results) {
        let name = format!("evidence/{}", judged.case.id);
        write(
            &folder.join(format!("{name}.txt")),
            text::evidence(result).as_bytes(),
        )?;
        write(
            &folder.join(format!("{name}.pcapng")),
            &pcapng::capture(&result.record),
        )?;
        judged.evidence = Some(name);
    }
    let files: [(&str, String); 5] = [
        ("report.json", report.to_json()),
        ("report.html", html::html(report, results)),
        ("report.md", markdown::markdown(report)),
        ("junit.xml", junit::junit(report)),
        ("badge.svg", badge::badge(report)),
    ];
    for (name, text) in files {
        write(&folder.join(name), text.as_bytes())?;
    }
    remove_others(folder, report);
    Ok(())
}

/// What an earlier run left of cases that this one did not run is nobody's evidence any more.
fn remove_others(folder: &Path, report: &Report) {
    let all = cases::all();
    let others = all.iter().filter(|case| {
        let is_it = |judged: &Judged| judged.case.id == case.id;
        !report.cases.iter().any(is_it)
    });
    for case in others {
        for kind in ["txt", "pcapng"] {
            // Mostly there is none.
            let _ = fs::remove_file(folder.join(format!("evidence/{}.{kind}", case.id)));
        }
    }
}

/// Writes a file beside its final name first.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format_args!("cannot write {}: {error}", path.display()))
    };
    let mut file = draft_beside(path)?;
    file.write_all(bytes).map_err(failed)?;
    let others_may_read: fs::Permissions = PermissionsExt::from_mode(0o644);
    file.as_file()
        .set_permissions(others_may_read)
        .map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A file beside another, which is gone when nothing comes of it.
fn draft_beside(path: &Path) -> Result<tempfile::NamedTempFile, Failure> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    tempfile::NamedTempFile::new_in(&folder).map_err(|error| {
        // The name of the draft is nobody's business.
        let why = match error.kind() {
            ErrorKind::NotFound => format!("there is no folder {}", folder.display()),
            ErrorKind::NotADirectory => format!("{} is no folder", folder.display()),
            kind => kind.to_string(),
        };
        Failure::usage(format_args!("cannot write {}: {why}", path.display()))
    })
}
