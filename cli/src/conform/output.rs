//! Runs cases and says how they came out, on the terminal and in files.
//! Invariant: a file of a report has its final name only when it is whole.

use std::fs;
use std::io::{BufWriter, IsTerminal, Write, stderr, stdout};
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
    Baseline, Expected, Judged, Report, badge, html, junit, markdown, text,
};
use peerdist_conformance::{cases, clock};

use super::args::JudgeArgs;
use super::targets::Named;
use crate::failure::{self, Failure};

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
    let printed = print(&report, expected.as_ref(), args);
    let failed = report.failures(baseline.as_ref()).count();
    let judged = report.summary.pass + report.summary.warn + report.summary.fail;
    if judged == 0 {
        printed?;
        return Err(Failure::unreachable(
            "nothing was judged: every case was skipped, unsupported or inconclusive",
        ));
    }
    failure::verdict(failed == 0, printed)
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
    let text = text_of(path, "--expected")?;
    Expected::read(&text, &cases::all())
        .map(Some)
        .map_err(|error| Failure::usage(format_args!("--expected {}: {error}", path.display())))
}

fn baseline(args: &JudgeArgs) -> Result<Option<Baseline>, Failure> {
    let Some(path) = &args.baseline else {
        return Ok(None);
    };
    let text = text_of(path, "--baseline")?;
    Baseline::read(&text)
        .map(Some)
        .map_err(|error| Failure::usage(format_args!("--baseline {}: {error}", path.display())))
}

fn text_of(path: &Path, option: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::usage(format_args!(
            "cannot read {option} {}: {error}",
            path.display()
        ))
    })
}

fn print(report: &Report, expected: Option<&Expected>, args: &JudgeArgs) -> Result<(), Failure> {
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
            print_case(&mut out, judged)?;
        }
    }
    for judged in expected
        .into_iter()
        .flat_map(|expected| report.unexpected_passes(expected))
    {
        writeln!(out, "{} was expected to fail and did not", judged.case.id)?;
    }
    let summary = report.summary;
    let mut counts = vec![format!(
        "{} cases: {} passed",
        report.cases.len(),
        summary.pass
    )];
    for verdict in Verdict::ALL {
        let count = summary.count(verdict);
        let said = match verdict {
            Verdict::Pass => continue,
            Verdict::Fail => "failed",
            Verdict::Warn => "warned",
            Verdict::Skip => "skipped",
            Verdict::Unsupported => "unsupported",
            Verdict::Inconclusive => "inconclusive",
        };
        if count > 0 || verdict == Verdict::Fail {
            counts.push(format!("{count} {said}"));
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
    let evidence = folder.join("evidence");
    fs::create_dir_all(&evidence).map_err(|error| {
        Failure::usage(format_args!("cannot make {}: {error}", evidence.display()))
    })?;
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
    Ok(())
}

/// Writes a file beside its final name first.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format_args!("cannot write {}: {error}", path.display()))
    };
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    let others_may_read: fs::Permissions = PermissionsExt::from_mode(0o644);
    file.as_file()
        .set_permissions(others_may_read)
        .map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
