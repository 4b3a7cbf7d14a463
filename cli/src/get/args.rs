//! What can be said to `peerdist get`. The doc comments are its help and its man page.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

use crate::args::Version;
use crate::operations::args::LogFilter;
use crate::store_limits::StoreLimitArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct GetArgs {
    /// What to fetch: http://HOST/... or https://HOST/...
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) url: String,
    /// Where it goes; - is standard output
    ///
    /// A file appears under its name when it is whole. What an interrupted run fetched stays beside it, and the next
    /// one goes on from there.
    #[arg(short, long, value_name = "FILE", default_value = "-", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    /// Where blocks are looked for before the origin is asked [default: hosted with --hosted, else distributed]
    #[arg(long, value_enum)]
    pub(crate) mode: Option<Mode>,
    /// The hosted cache: HOST or HOST:PORT, with https:// before it where it is offered content in version 1.0
    #[arg(long, value_name = "ADDR")]
    pub(crate) hosted: Option<String>,
    /// Where a hosted cache that is named with https:// gives blocks
    #[arg(long, value_name = "PORT", default_value_t = 80, requires = "hosted")]
    pub(crate) hosted_port: u16,
    /// A store that blocks are taken from and kept in; a running peer may have it open, with limits of its own
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: Option<PathBuf>,
    /// Only look for peers at the interface that has this address; may be given more than once
    #[arg(long, value_name = "IP")]
    pub(crate) interface: Vec<IpAddr>,
    /// In which order blocks are fetched
    #[arg(long, value_enum, default_value_t = Order::Sequential)]
    pub(crate) order: Order,
    /// The highest version of content information that is asked for; 1 is what Windows 7 asks for
    #[arg(long, value_enum, default_value_t = Version::V2)]
    pub(crate) info_version: Version,
    /// How long to serve others after the end [default: until a hosted cache has what it was offered, 10 at most]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) share_for: Option<u32>,
    /// Certificates to trust besides those of the system, in PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) cacert: Option<PathBuf>,
    /// What it came to, as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// What to log to standard error: a level, or TARGET=LEVEL with commas between
    #[arg(long, value_name = "FILTER", default_value = "error")]
    pub(crate) log: LogFilter,
    #[command(flatten)]
    pub(crate) store_limits: StoreLimitArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// At peers on the local subnet
    Distributed,
    /// At the hosted cache that --hosted names
    Hosted,
    /// In the store alone
    Local,
    /// Nowhere: plain HTTP
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// From the first block on
    Sequential,
    /// At random, so that clients that start together fetch different blocks
    Random,
}
