//! `peerdist conform check-info` and `check-capture`: what is in files, judged.

use std::collections::BTreeMap;
use std::io::{BufWriter, StdoutLock, Write, stdout};
use std::process::ExitCode;

use peerdist_conformance::evidence::dump::printable;
use peerdist_conformance::{capture, check};
use serde::Serialize;

use super::args::{CheckCaptureArgs, CheckInfoArgs};
use super::file::{self, read};
use crate::failure::{self, Failure};
use crate::print::{count, from_hex};

pub(super) fn info(args: &CheckInfoArgs) -> Result<ExitCode, Failure> {
    let bytes = file::content_info(&args.file)?;
    let content = args
        .content
        .as_deref()
        .map(|path| read(path, "--content"))
        .transpose()?;
    let secret = args.secret_hex.as_deref().map(from_hex).transpose();
    let secret = secret.map_err(|why| Failure::usage(format_args!("--secret-hex: {why}")))?;
    let report = check::content_info(&bytes, content.as_deref(), secret.as_deref());
    let is_good = !report.findings.iter().any(|finding| finding.is_failure);
    let told = |out: &mut Out| -> Result<(), Failure> {
        for finding in &report.findings {
            line(
                out,
                finding.is_failure,
                finding.requirement,
                finding.quirk,
                &finding.text,
            )?;
        }
        let version = report.version.unwrap_or("unknown");
        let (segments, hashes) = (
            count(report.segments as u64, "segment"),
            report.hashes_checked,
        );
        write!(out, "version {version}, {segments}")?;
        match hashes {
            0 => writeln!(
                out,
                "; no hash was held against content, as there was none (--content)"
            )?,
            hashes => writeln!(out, ", {hashes} hashes held against the content")?,
        }
        Ok(())
    };
    verdict(&report, args.json, is_good, told)
}

pub(super) fn capture(args: &CheckCaptureArgs) -> Result<ExitCode, Failure> {
    let bytes = file::capture(&args.file)?;
    let report =
        capture::judge(&bytes).map_err(|error| file::no_capture(&args.file, &bytes, &error))?;
    let counted = |kinds: &BTreeMap<&'static str, usize>| -> String {
        let kinds = kinds.iter();
        let kinds: Vec<_> = kinds
            .map(|(kind, number)| count(*number as u64, kind))
            .collect();
        kinds.join(", ")
    };
    let not_judged = counted(&report.not_judged);
    if report.messages.is_empty() {
        let packets = count(report.packets as u64, "packet");
        return Err(match report.not_judged.is_empty() {
            true => Failure::unreachable(format_args!(
                "nothing was judged: none of {packets} has a message of PeerDist in it, or it is inside TLS"
            )),
            false => Failure::unreachable(format_args!(
                "nothing was judged of {packets}; could not be judged: {not_judged}"
            )),
        });
    }
    // What is not listed may be a failure.
    let is_good =
        report.findings_left_out == 0 && !report.findings.iter().any(|finding| finding.is_failure);
    let told = |out: &mut Out| -> Result<(), Failure> {
        for finding in &report.findings {
            writeln!(
                out,
                "packet {}, {} to {}",
                finding.packet, finding.sender, finding.receiver
            )?;
            line(
                out,
                finding.is_failure,
                finding.requirement,
                finding.quirk,
                &finding.text,
            )?;
        }
        if report.findings_left_out > 0 {
            let more = count(report.findings_left_out as u64, "finding");
            writeln!(out, "{more} more, which are not listed")?;
        }
        write!(
            out,
            "{}: {}",
            count(report.packets as u64, "packet"),
            counted(&report.messages)
        )?;
        if report.packets_not_looked_at > 0 {
            let packets = count(report.packets_not_looked_at as u64, "packet");
            write!(out, "; {packets} not looked into")?;
        }
        if report.bytes_missing > 0 {
            write!(out, "; {} missing", count(report.bytes_missing, "byte"))?;
        }
        writeln!(out)?;
        let requirements = count(report.asserted.len() as u64, "requirement");
        writeln!(out, "{requirements} asserted")?;
        if !not_judged.is_empty() {
            writeln!(out, "could not be judged: {not_judged}")?;
        }
        Ok(())
    };
    verdict(&report, args.json, is_good, told)
}

/// Where a report goes.
type Out = BufWriter<StdoutLock<'static>>;

/// Prints a report, as JSON or in words, and says by the exit code whether all is as required.
fn verdict(
    report: &impl Serialize,
    as_json: bool,
    is_good: bool,
    told: impl FnOnce(&mut Out) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let print = || -> Result<(), Failure> {
        let mut out = BufWriter::new(stdout().lock());
        if as_json {
            serde_json::to_writer_pretty(&mut out, report)?;
            writeln!(out)?;
        } else {
            told(&mut out)?;
            let required = if is_good {
                "as required"
            } else {
                "not as required"
            };
            writeln!(out, "{required}")?;
        }
        Ok(out.flush()?)
    };
    failure::verdict(is_good, print())
}

fn line(
    out: &mut Out,
    is_failure: bool,
    requirement: &str,
    quirk: Option<&str>,
    text: &str,
) -> Result<(), Failure> {
    let verdict = if is_failure { "FAIL" } else { "warn" };
    let quirk = quirk.map(|quirk| format!(" ({quirk})")).unwrap_or_default();
    let text = printable(text);
    Ok(writeln!(out, "{verdict:6}{requirement}{quirk}: {text}")?)
}
