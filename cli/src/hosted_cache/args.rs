//! What can be said to `hosted-cache`. The doc comments here are its help and its man page.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

use crate::operations::args::OperationArgs;
use crate::serving::args::address;
use crate::store_limits::{Size, StoreLimitArgs};

/// Keep a branch's content: take offers of its clients, fetch the blocks, serve them (MS-PCHC)
///
/// Clients of Windows 8 and later offer over HTTP, in version 2.0; what they offer cannot be verified here and is kept
/// and handed on encrypted as it came. Clients of Windows 7 offer over TLS, in version 1.0, with the hashes; only
/// blocks that agree with them are kept. Blocks are asked for over HTTP by all.
///
/// The first lines on standard output say what is served where; port 0 takes one that is free. SIGTERM and SIGINT let
/// requests end, bring everything to the disk and stop.
#[derive(Debug, clap::Args)]
pub(crate) struct HostedCacheArgs {
    /// The directory of the store, made where it is missing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: PathBuf,
    /// Where to take offers of version 2.0 and serve blocks: IP:PORT, or PORT of this machine alone; clients expect 80
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) http: SocketAddr,
    /// Where to take offers of version 1.0, over TLS; clients expect 443
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) https: Option<SocketAddr>,
    /// The certificate and those that it is signed by, in PEM
    #[arg(long, value_name = "F", requires = "https", requires = "key", value_hint = ValueHint::FilePath)]
    pub(crate) cert: Option<PathBuf>,
    /// The key of the certificate, in PEM
    #[arg(long, value_name = "F", requires = "https", requires = "cert", value_hint = ValueHint::FilePath)]
    pub(crate) key: Option<PathBuf>,
    /// Make a certificate and a key where there are none: DIR-cert.pem and DIR-key.pem, beside the store
    ///
    /// Its SHA-256 fingerprint is printed, and how clients come to trust it.
    #[arg(long, requires = "https", conflicts_with_all = ["cert", "key"])]
    pub(crate) self_signed: bool,
    /// A name or address that clients know this machine by, for its certificate; may be given several times [default:
    /// the host's name, localhost, and the address of --https]
    #[arg(long, value_name = "NAME", requires = "self_signed", value_hint = ValueHint::Hostname)]
    pub(crate) name: Vec<String>,
    /// Content that is to be there from the start: a package, as 'peerdist cache export' writes it, or http://… or
    /// https://… at a server with PeerDist; may be given several times
    ///
    /// Every block is verified. What is there already is not fetched again. Clients are served when all of it is there.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath)]
    pub(crate) preload: Vec<PathBuf>,
    /// The version of content information by which --preload fetches: 1 for clients of Windows 7, 2 for all later ones
    ///
    /// A server that has only the hashes of version 1.0 at hand gives these for 2 as well. With both, content comes from
    /// its server twice, for the versions cut it into other segments.
    #[arg(
        long,
        value_name = "VERSION",
        requires = "preload",
        default_value = "2"
    )]
    pub(crate) preload_version: PreloadVersion,
    /// Certificates to trust besides those of the system where --preload fetches from https://, in PEM
    #[arg(long, value_name = "FILE", requires = "preload", value_hint = ValueHint::FilePath)]
    pub(crate) cacert: Option<PathBuf>,
    /// Answer offers over TLS with 401: what authenticates clients (SPNEGO) is not in this command
    #[arg(long, requires = "https")]
    pub(crate) authenticate_clients: bool,
    #[command(flatten)]
    pub(crate) store_limits: StoreLimitArgs,
    /// How much is kept that nobody here can verify, as --store-size
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "5%",
        help_heading = "Limits of the store"
    )]
    pub(crate) sealed_size: Size,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) operations: OperationArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Segments that are fetched at the same time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub(crate) fetches: u32,
    /// Segments that are fetched from one client at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub(crate) fetches_per_client: u32,
    /// Bytes that are fetched at the same time
    #[arg(long, value_name = "N", default_value_t = 512 << 20)]
    pub(crate) fetch_bytes: u64,
    /// Bytes that are fetched from one client at the same time
    #[arg(long, value_name = "N", default_value_t = 64 << 20)]
    pub(crate) fetch_bytes_per_client: u64,
    /// How long the fetch of a segment may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1_000..=86_400_000))]
    pub(crate) fetch_timeout_ms: u64,
    /// Segments that wait to be fetched
    #[arg(long, value_name = "N", default_value_t = 65_536)]
    pub(crate) waiting: usize,
    /// Segments of one client that wait to be fetched
    #[arg(long, value_name = "N", default_value_t = 8_192)]
    pub(crate) waiting_per_client: usize,
    /// Segments that are known at the same time; each takes some hundred bytes of memory
    #[arg(long, value_name = "N", default_value_t = 1 << 20)]
    pub(crate) segments: usize,
    /// Clients that are served blocks at the same time
    #[arg(long, value_name = "N", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) clients: u32,
    /// Do not fetch by lists of hashes that are not whole
    #[arg(long)]
    pub(crate) whole_lists_only: bool,
}

/// By which content information is preloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PreloadVersion {
    /// Version 1.0
    #[value(name = "1")]
    V1,
    /// Version 2.0, if the server has it
    #[value(name = "2")]
    V2,
    /// Both, one after the other
    Both,
}
