//! `peerdist doctor`: what a command that is to run needs of the machine, each thing tried and told in a line.

mod certificate;
mod network;
mod storage;

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueHint;
use peerdist_node::http::tls;
use peerdist_node::store::wall_clock;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::Serialize;

use crate::failure::{self, Failure};
use crate::operations::config::{self, Setting};

#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// The settings of what is to run here; without them the machine alone is looked at
    #[arg(long = "config", id = "checked", value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// A hosted cache that should be reached: HOST, HOST:PORT or a URL; may be given several times
    #[arg(long, value_name = "HOST")]
    hosted: Vec<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    Warn,
    Bad,
}

#[derive(Debug, Serialize)]
struct Finding {
    verdict: Verdict,
    /// What was looked at.
    check: String,
    /// What was found.
    found: String,
    /// What to do, where there is something to be done.
    advice: String,
}

/// All findings so far.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, verdict: Verdict, check: &str, found: impl ToString, advice: &str) {
        self.0.push(Finding {
            verdict,
            check: check.to_owned(),
            found: found.to_string(),
            advice: advice.to_owned(),
        });
    }

    fn good(&mut self, check: &str, found: impl ToString) {
        self.add(Verdict::Good, check, found, "");
    }

    fn warn(&mut self, check: &str, found: impl ToString, advice: &str) {
        self.add(Verdict::Warn, check, found, advice);
    }

    fn bad(&mut self, check: &str, found: impl ToString, advice: &str) {
        self.add(Verdict::Bad, check, found, advice);
    }
}

pub(crate) fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let mut findings = Findings::default();
    let mut settings = Vec::new();
    if let Some(file) = &args.config {
        let check = format!("settings {}", file.display());
        match config::read(file) {
            Ok(read) => {
                let count = crate::print::count(read.len() as u64, "setting");
                findings.good(&check, format_args!("{count}, each one known"));
                settings = read;
            }
            Err(why) => findings.bad(&check, why, "correct the line that is named"),
        }
    }
    clock(&mut findings);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::unreachable)?;
    runtime.block_on(network::check(&mut findings, &settings, &args.hosted));
    certificates(&mut findings, &settings);
    storage::check(&mut findings, &settings);
    print(&findings, args.json)
}

fn print(findings: &Findings, as_json: bool) -> Result<ExitCode, Failure> {
    let is_good = findings.0.iter().all(|one| one.verdict != Verdict::Bad);
    let say = || -> Result<(), Failure> {
        let mut out = stdout().lock();
        if as_json {
            serde_json::to_writer_pretty(&mut out, &findings.0)?;
            writeln!(out)?;
            return Ok(out.flush()?);
        }
        for finding in &findings.0 {
            let verdict = match finding.verdict {
                Verdict::Good => "good",
                Verdict::Warn => "WARN",
                Verdict::Bad => "BAD ",
            };
            let Finding { check, found, .. } = finding;
            writeln!(out, "{verdict}  {check}: {found}")?;
            if !finding.advice.is_empty() {
                writeln!(out, "      {}", finding.advice)?;
            }
        }
        Ok(out.flush()?)
    };
    failure::verdict(is_good, say())
}

/// Before this release was made no clock can be right.
const EARLIEST_S: i64 = 1_767_225_600;
const LATEST_S: i64 = 4_102_444_800;

fn now_s() -> i64 {
    let seconds = wall_clock().as_nanos() / 1_000_000_000;
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

fn clock(findings: &mut Findings) {
    let now = now_s();
    let advice = "set the clock, and have it kept by chrony or systemd-timesyncd: ages of segments, ETags of files and \
                  certificates depend on it";
    match now {
        ..EARLIEST_S => findings.bad("clock", "it is in the past", advice),
        LATEST_S.. => findings.bad("clock", "it is far in the future", advice),
        _ => findings.good("clock", "it may be right"),
    }
}

/// Settings of the same section that belong together.
fn beside<'a>(settings: &'a [Setting], one: &Setting, key: &str) -> Option<&'a str> {
    let fits = |other: &&Setting| other.key == key && other.section == one.section;
    let found = settings.iter().find(fits)?;
    found.values.first().map(String::as_str)
}

fn certificates(findings: &mut Findings, settings: &[Setting]) {
    for setting in settings.iter().filter(|setting| setting.key == "cert") {
        let Some(cert) = setting.values.first() else {
            continue;
        };
        let check = format!("certificate {cert}");
        let Some(key) = beside(settings, setting, "key") else {
            findings.bad(
                &check,
                "there is no key beside it",
                "add the key 'key' to the settings",
            );
            continue;
        };
        match tls::server(Path::new(cert), Path::new(key)) {
            Err(error) => findings.bad(
                &check,
                error,
                "give a certificate chain and its own key, in PEM",
            ),
            Ok(_) => expiry(findings, &check, Path::new(cert)),
        }
    }
}

/// Who renews by hand wants to know some weeks before.
const RENEW_DAYS: i64 = 30;

fn expiry(findings: &mut Findings, check: &str, cert: &Path) {
    let validity = CertificateDer::from_pem_file(cert)
        .ok()
        .and_then(|der| certificate::validity(&der));
    let Some((from, until)) = validity else {
        let advice = "have a look at it with 'openssl x509 -noout -dates'";
        return findings.warn(
            check,
            "from when until when it is valid cannot be read",
            advice,
        );
    };
    let now = now_s();
    let days = (until - now).div_euclid(86_400);
    if now < from {
        let advice = "wait, or set the clock right";
        findings.bad(check, "it is not valid yet", advice);
    } else if now > until {
        let found = format_args!("it expired {} days ago", -days);
        findings.bad(check, found, "renew it: no client accepts it");
    } else if days < RENEW_DAYS {
        let found = format_args!("it expires in {days} days");
        findings.warn(check, found, "renew it");
    } else {
        findings.good(
            check,
            format_args!("it and its key fit, valid for {days} days"),
        );
    }
}
