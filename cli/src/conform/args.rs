//! What can be said to `peerdist conform`.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Subcommand, ValueHint};
use peerdist_conformance::catalogue::Level;
use peerdist_conformance::judge::profile::Profile;
use peerdist_conformance::judge::{Role, Tag};

/// A thread each.
const JOBS_MAX: usize = 1_024;
/// A connection each.
const CLIENT_LIMIT_MAX: usize = 10_000;

#[derive(Debug, Subcommand)]
pub(crate) enum ConformCommand {
    /// Show the cases
    List(ListArgs),
    /// Show what a case expects, and by which requirements
    Explain(ExplainArgs),
    Run(Box<RunArgs>),
    /// Judge this implementation in all roles: its own commands, started on the loopback interface
    #[command(name = "self")]
    Own(Box<OwnArgs>),
    /// Run every client against every server, each described by a file, and show what came out as a matrix
    ///
    /// A file names an implementation and the commands of its roles, or where they run. The runner's origin gives
    /// content information and nothing else where a peer or a hosted cache is to serve, and holds the bytes that come
    /// out against the content. Exit code 1 if a cell failed, 3 if none could be run.
    Interop(InteropArgs),
    /// Prove the cases: each implementation that is wrong on purpose has to be caught by the case meant for it
    Matrix(MatrixArgs),
    /// Judge content information in a file
    CheckInfo(CheckInfoArgs),
    /// Judge recorded traffic
    ///
    /// Connections in clear are put together, and every message of retrieval, every request for content, every probe
    /// and match, and every request for hashes over SMB2 with its answer is held against the documents. What is
    /// encrypted or compressed is counted as not judged. Exit code 3 if there is nothing to judge.
    CheckCapture(CheckCaptureArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckInfoArgs {
    /// The content information
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The whole content, to hold every hash against it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) content: Option<PathBuf>,
    /// The server's secret key in hexadecimal, to hold segment secrets against it
    #[arg(long, value_name = "HEX")]
    pub(crate) secret_hex: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckCaptureArgs {
    /// The capture: pcapng or pcap
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which cases.
#[derive(Debug, clap::Args)]
pub(crate) struct SelectArgs {
    /// Only cases whose id fits, such as 'pccrr-peer-*'
    #[arg(value_name = "CASE")]
    pub(crate) cases: Vec<String>,
    /// Leave out cases whose id fits
    #[arg(long, value_name = "CASE")]
    pub(crate) without: Vec<String>,
    /// Only cases of that level: must, must-not, should, should-not, may, or rule
    #[arg(long, value_name = "LEVEL", value_parser = level, value_delimiter = ',')]
    pub(crate) level: Vec<Level>,
    /// Only cases of that role
    #[arg(long, value_name = "ROLE", value_parser = role, value_delimiter = ',')]
    pub(crate) role: Vec<Role>,
    /// Only cases with that tag: v1, v2, hostile, timer, load, alone, or ipv6
    #[arg(long, value_name = "TAG", value_parser = tag, value_delimiter = ',')]
    pub(crate) tag: Vec<Tag>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// The case
    #[arg(value_name = "CASE")]
    pub(crate) case: String,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How it is judged, and what comes out.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Judging")]
pub(crate) struct JudgeArgs {
    /// Whose documented deviations are taken as known: common, windows7, windows8, ipxe, or strict
    #[arg(long, value_name = "PROFILE", default_value = "common", value_parser = profile)]
    pub(crate) profile: Profile,
    /// Fail what should be and is not
    #[arg(long)]
    pub(crate) strict: bool,
    /// How many cases run at a time
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN), value_parser = jobs)]
    pub(crate) jobs: NonZeroUsize,
    /// How long nothing has to come for it to be silence, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = silence)]
    pub(crate) silence_ms: u64,
    /// How long an answer may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = answer)]
    pub(crate) answer_ms: u64,
    /// What random bytes are drawn from, to have the same again [default: drawn anew]
    #[arg(long, value_name = "N", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Failures that are known: a list of 'case' and 'reason' in YAML
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) expected: Option<PathBuf>,
    /// The report.json of an earlier run: only what was not there fails
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) baseline: Option<PathBuf>,
    /// Where reports and evidence go: report.json, report.html, report.md, junit.xml, badge.svg, and a file a case
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Where a report for CI systems goes
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
    /// Show every case, not only those that did not pass
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// The report as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Judge implementations of the protocols, by role
///
/// Every option that names something to judge selects the cases of its role. Exit code 1 if something is not as
/// required, 3 if nothing could be judged.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

/// What is judged.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is judged")]
pub(crate) struct TargetArgs {
    /// A content server: a URL whose content it serves with content information
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
    /// The content of --url; otherwise it is fetched plain first
    #[arg(long, value_name = "FILE", requires = "url", value_hint = ValueHint::FilePath)]
    pub(crate) content: Option<PathBuf>,
    /// Another URL of that server, of content longer than 32 MiB, for what needs several segments
    #[arg(long, value_name = "URL", requires = "url", value_hint = ValueHint::Url)]
    pub(crate) long_url: Option<String>,
    /// The secret key of the content server, in hexadecimal, for the checks that need it
    #[arg(long, value_name = "HEX", requires = "url")]
    pub(crate) secret_hex: Option<String>,
    /// Certificates to trust besides those of the system where --url is one of https, in PEM
    #[arg(long, value_name = "FILE", requires = "url", value_hint = ValueHint::FilePath)]
    pub(crate) cacert: Option<PathBuf>,
    /// A peer: where it serves blocks
    #[arg(long, value_name = "HOST:PORT", requires = "info")]
    pub(crate) target: Option<String>,
    /// How many clients the peer serves at a time, if that is few: so many connections are kept busy
    #[arg(long, value_name = "N", requires = "target", value_parser = client_limit)]
    pub(crate) client_limit: Option<NonZeroUsize>,
    /// A responder: 'multicast', to be found over --interface, or where probes are sent by unicast
    #[arg(long, value_name = "multicast|IP:PORT", requires = "info", value_parser = probe)]
    pub(crate) probe: Option<Probe>,
    /// A command with which the same responder fetches: it downloads {url} to {out} in {version}, asks peers that it finds
    /// over --interface, and keeps in {store} what it is to hold
    #[arg(long, value_name = "COMMAND", requires = "probe", requires = "serve_command", value_hint = ValueHint::CommandString)]
    pub(crate) fetch_command: Option<String>,
    /// The command that then serves what is in {store}, takes connections at {address}, and hears multicasts at --interface
    #[arg(long, value_name = "COMMAND", requires = "fetch_command", value_hint = ValueHint::CommandString)]
    pub(crate) serve_command: Option<String>,
    /// The address of this machine at the interface where a responder hears multicasts, and where clients are answered
    #[arg(long, value_name = "IP", value_parser = interface)]
    pub(crate) interface: Option<IpAddr>,
    /// Content information of something that the peer or the responder holds in full; may be given several times
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) info: Vec<PathBuf>,
    /// A hosted cache: where it takes offers of version 2.0 and serves blocks
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) http: Option<String>,
    /// Where it takes offers of version 1.0, over TLS
    #[arg(long, value_name = "HOST:PORT", requires = "http")]
    pub(crate) https: Option<String>,
    /// Where it takes offers of version 1.0 of clients that authenticate themselves alone
    #[arg(long, value_name = "HOST:PORT", requires = "http")]
    pub(crate) https_authenticated: Option<String>,
    /// A client: a command that downloads {url} to {out}; {version} is the version of content information that it may
    /// ask for, 1 or 2
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub(crate) command: Option<String>,
    /// The same client with a hosted cache at {hosted}
    #[arg(long, value_name = "COMMAND", requires = "command", value_hint = ValueHint::CommandString)]
    pub(crate) hosted_command: Option<String>,
    /// The same client with a hosted cache that is offered version 1.0 over TLS at {hosted}, is vouched for by the root in
    /// the PEM file {cacert}, and gives blocks in clear at the same address and {hosted_port}
    #[arg(long, value_name = "COMMAND", requires = "command", value_hint = ValueHint::CommandString)]
    pub(crate) hosted_tls_command: Option<String>,
    /// A maker of content information: a command that writes that of {content}, made with the secret key {secret_hex}, in
    /// {version} 1 or 2, to {out}
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub(crate) exec: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OwnArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InteropArgs {
    /// The implementations: YAML, as docs/CONFORMANCE.md has it
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Only cells that fit, such as 'peer-*/stranger/*': SCENARIO/SERVER/CLIENT; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(crate) filter: Vec<String>,
    /// Show the cells, and run none
    #[arg(long)]
    pub(crate) list: bool,
    /// How many cells run at a time
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN))]
    pub(crate) jobs: NonZeroUsize,
    /// How long a command may take, and a server until it is ready; then it is ended with all that it started
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
    /// How often a client may try that finds no peer
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::new(3).unwrap_or(NonZeroUsize::MIN))]
    pub(crate) tries: NonZeroUsize,
    /// The address of this machine at which the runner serves and peers are looked for
    #[arg(long, value_name = "IP", default_value_t = std::net::Ipv4Addr::LOCALHOST)]
    pub(crate) interface: std::net::Ipv4Addr,
    /// Where reports and evidence go: report.json, report.html, report.md, junit.xml, and a file a cell
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Where a report for CI systems goes
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
    /// The report as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MatrixArgs {
    /// Only deviants whose id fits, such as 'peer-*'
    #[arg(value_name = "DEVIANT")]
    pub(crate) deviants: Vec<String>,
    /// Only deviants of that role
    #[arg(long, value_name = "ROLE", value_parser = role, value_delimiter = ',')]
    pub(crate) role: Vec<Role>,
    /// How many run at a time
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN), value_parser = jobs)]
    pub(crate) jobs: NonZeroUsize,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where probes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    Multicast,
    Unicast(SocketAddr),
}

fn probe(text: &str) -> Result<Probe, String> {
    if text == "multicast" {
        return Ok(Probe::Multicast);
    }
    text.parse()
        .map(Probe::Unicast)
        .map_err(|_| "expected multicast, or IP:PORT".to_owned())
}

fn whole(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| match (*range.start(), *range.end()) {
        (low, u64::MAX) => format!("expected a whole number from {low}"),
        (low, high) => format!("expected a whole number from {low} to {high}"),
    })
}

fn at_least_one(text: &str, most: usize) -> Result<NonZeroUsize, String> {
    let number = whole(text, 1..=most as u64)?;
    let number = usize::try_from(number).ok().and_then(NonZeroUsize::new);
    number.ok_or_else(|| format!("expected a whole number from 1 to {most}"))
}

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    at_least_one(text, JOBS_MAX)
}

fn client_limit(text: &str) -> Result<NonZeroUsize, String> {
    at_least_one(text, CLIENT_LIMIT_MAX)
}

fn silence(text: &str) -> Result<u64, String> {
    whole(text, 10..=60_000)
}

fn answer(text: &str) -> Result<u64, String> {
    whole(text, 100..=600_000)
}

fn seed(text: &str) -> Result<u64, String> {
    whole(text, 0..=u64::MAX)
}

fn interface(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| "expected an IP address of this machine, such as 10.0.0.1".to_owned())
}

/// One of several names, or what they are.
fn named<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let found = all.iter().copied().find(|one| name(*one) == text);
    found.ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn level(text: &str) -> Result<Level, String> {
    named(text, &Level::ALL, Level::name)
}

fn role(text: &str) -> Result<Role, String> {
    named(text, &Role::ALL, Role::name)
}

fn tag(text: &str) -> Result<Tag, String> {
    named(text, &Tag::ALL, Tag::name)
}

fn profile(text: &str) -> Result<Profile, String> {
    named(text, &Profile::ALL, Profile::name)
}
