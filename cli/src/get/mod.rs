//! `peerdist get`: content from peers, a hosted cache and its origin.

pub(crate) mod args;

use std::fs::File;
use std::io::{Write, stdout};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use indicatif::{BinaryBytes, ProgressBar};
use peerdist::content;
use peerdist::hosted_cache::Version;
use peerdist::retrieval::server::ServerSettings;
use peerdist_node::clock::Clock;
use peerdist_node::discovery::{Numbers, Prober, ProberOptions, ResponderOptions};
use peerdist_node::get::{
    Destination, Discovery, GetError, HostedCache, Kind, Mode, Observer, Order, Progress, Report,
    Request, Sharing, StoredBlocks, fetch,
};
use peerdist_node::http::server::ServerOptions;
use peerdist_node::http::tls;
use peerdist_node::net::TokioNetwork;
use peerdist_node::net::interfaces::{LocalInterface, interfaces};
use peerdist_node::peer::{PeerOptions, RetrievalOptions, http_limits};
use peerdist_node::store::StoreHandle;
use rand::TryRng;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::args::Version as InfoVersion;
use crate::destination::Destination as Named;
use crate::failure::{Failure, JUDGED_BAD};
use crate::operations::args::LogFormat;
use crate::operations::log;
use crate::print::hex;
use crate::progress;
use args::GetArgs;

/// Pieces that wait for the reader of standard output.
const WAITING_PIECES_MOST: usize = 16;
const DEFAULT_SHARE_MS: u64 = 10_000;
/// As shells tell of an end by ctrl-C.
const INTERRUPTED: u8 = 130;

pub(crate) fn run(args: &GetArgs) -> Result<ExitCode, Failure> {
    log::start(&args.log, LogFormat::Text);
    let named = Named::of(Some(&args.output));
    named.refuse_terminal("content")?;
    if args.json && matches!(named, Named::Stdout) {
        return Err(Failure::usage(
            "--json and the content would both go to standard output; name a file with -o",
        ));
    }
    let mode = mode(args)?;
    peerdist_node::kernels::calibrate();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::unreachable)?;
    let ended = runtime.block_on(get(args, mode));
    runtime.shutdown_background();
    ended
}

async fn get(args: &GetArgs, mode: Mode) -> Result<ExitCode, Failure> {
    let clock = Clock::of_the_machine();
    let stop = CancellationToken::new();
    let (destination, writer) = destination(&args.output)?;
    let mut request = Request::new(&args.url, destination, seed()?);
    request.tls = Some(tls::client(args.cacert.as_deref()).map_err(Failure::usage)?);
    request.clock = clock;
    request.stop = stop.clone();
    request.order = match args.order {
        args::Order::Sequential => Order::Sequential,
        args::Order::Random => Order::Random,
    };
    request.settings.encoding.content_information = match args.info_version {
        InfoVersion::V1 => content::Version::V1,
        InfoVersion::V2 => content::Version::V2,
    };
    request.wants_sha256 = args.json;
    let mut is_shared_elsewhere = false;
    if let Some(directory) = &args.store {
        let store = StoreHandle::open(directory, &args.store_limits.settings());
        let store = store.map_err(Failure::usage)?;
        is_shared_elsewhere = matches!(store, StoreHandle::Delegated(_));
        request.cache = Some(Arc::new(StoredBlocks::new(store)));
    }
    match &mode {
        Mode::Distributed => {
            let local = interfaces(&args.interface)
                .map_err(|error| Failure::usage(format_args!("--interface: {error}")))?;
            let options = ProberOptions::new(seed()?, clock);
            let prober = Prober::start(&TokioNetwork, &local, options, stop.clone());
            match prober.await {
                Ok(prober) => {
                    if !is_shared_elsewhere {
                        let own = prober.local_addresses().to_vec();
                        request.sharing = Some(sharing(args, clock, local, own)?);
                    }
                    request.discovery = Discovery::Prober(prober);
                }
                Err(error) => tracing::warn!(%error, "peers cannot be looked for"),
            }
        }
        Mode::Hosted(_) => request.sharing = Some(sharing(args, clock, Vec::new(), Vec::new())?),
        Mode::Local | Mode::Off => {}
    }
    request.mode = mode;
    let ended = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            ended.cancel();
        }
    });
    let mut bar = Bar::default();
    let fetched = fetch(&TokioNetwork, request, &mut bar).await;
    bar.clear();
    stop.cancel();
    if let Some(writer) = writer {
        let written = writer.await.map_err(Failure::unreachable)?;
        written.map_err(Failure::from)?;
    }
    let report = fetched.map_err(failed)?;
    tell(args, &report)?;
    Ok(ExitCode::SUCCESS)
}

fn failed(error: GetError) -> Failure {
    let code = match (&error, error.kind()) {
        (GetError::Stopped, _) => INTERRUPTED,
        (GetError::ReaderWentAway, _) => return Failure::ReaderWentAway,
        (_, Kind::Usage) => return Failure::usage(error),
        (_, Kind::NotReached) => return Failure::unreachable(error),
        (_, Kind::Wrong) => JUDGED_BAD,
    };
    let message = error.to_string();
    Failure::Told { code, message }
}

fn mode(args: &GetArgs) -> Result<Mode, Failure> {
    let chosen = args.mode.unwrap_or(match args.hosted {
        Some(_) => args::Mode::Hosted,
        None => args::Mode::Distributed,
    });
    Ok(match (chosen, &args.hosted) {
        (args::Mode::Hosted, Some(hosted)) => Mode::Hosted(hosted_cache(hosted, args.hosted_port)?),
        (args::Mode::Hosted, None) => {
            return Err(Failure::usage(
                "--mode hosted needs --hosted ADDR, the hosted cache",
            ));
        }
        (_, Some(_)) => return Err(Failure::usage("--hosted goes with --mode hosted alone")),
        (args::Mode::Distributed, None) => Mode::Distributed,
        (args::Mode::Local, None) => Mode::Local,
        (args::Mode::Off, None) => Mode::Off,
    })
}

/// The hosted cache that `--hosted` and `--hosted-port` name.
pub(crate) fn hosted_cache(text: &str, retrieval_port: u16) -> Result<HostedCache, Failure> {
    let (version, authority) = match text.strip_prefix("https://") {
        Some(authority) => (Version::V1, authority),
        None => (Version::V2, text.strip_prefix("http://").unwrap_or(text)),
    };
    let wrong = || {
        Failure::usage(format_args!(
            "--hosted cannot be {text:?}; expected HOST, HOST:PORT or https://HOST:PORT"
        ))
    };
    let authority: http::uri::Authority = authority
        .trim_end_matches('/')
        .parse()
        .map_err(|_| wrong())?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(wrong());
    }
    let host = authority.host();
    let port = authority.port_u16();
    Ok(HostedCache {
        retrieval: match version {
            Version::V1 => format!("{host}:{retrieval_port}"),
            Version::V2 => format!("{host}:{}", port.unwrap_or(80)),
        },
        offers: Some(match version {
            Version::V1 => format!("{host}:{}", port.unwrap_or(443)),
            Version::V2 => format!("{host}:{}", port.unwrap_or(80)),
        }),
        version,
    })
}

fn seed() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    rand::rngs::SysRng
        .try_fill_bytes(&mut seed)
        .map_err(|error| {
            Failure::unreachable(format_args!("the system gives no random numbers: {error}"))
        })?;
    Ok(seed)
}

fn sharing(
    args: &GetArgs,
    clock: Clock,
    interfaces: Vec<LocalInterface>,
    own_probers: Vec<SocketAddr>,
) -> Result<Sharing, Failure> {
    let settings = ServerSettings::peer();
    let numbers = args
        .store
        .as_deref()
        .map_or_else(Numbers::forgotten, Numbers::in_directory);
    let responder = ResponderOptions {
        own_probers,
        ..ResponderOptions::new(numbers, seed()?, clock)
    };
    Ok(Sharing {
        options: PeerOptions {
            listen: (Ipv4Addr::UNSPECIFIED, 0).into(),
            both_families: true,
            interfaces,
            http: ServerOptions {
                limits: http_limits(settings.upload_timer_ms),
                ..ServerOptions::default()
            },
            retrieval: RetrievalOptions {
                settings,
                seed: seed()?,
                clock,
                counters: Arc::default(),
            },
            responder,
            expire_interval_ms: 60_000,
        },
        share_for_ms: args
            .share_for
            .map_or(DEFAULT_SHARE_MS, |seconds| u64::from(seconds) * 1_000),
        lingers: args.share_for.is_some(),
    })
}

type Writer = tokio::task::JoinHandle<std::io::Result<()>>;

/// A name that is no file's, such as a device's, gets the content as standard output does.
fn destination(path: &Path) -> Result<(Destination, Option<Writer>), Failure> {
    let is_special = std::fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir());
    let special = (path != Path::new("-") && is_special)
        .then(|| File::options().write(true).open(path))
        .transpose()
        .map_err(|error| {
            Failure::usage(format_args!("cannot write {}: {error}", path.display()))
        })?;
    if path != Path::new("-") && special.is_none() {
        return Ok((Destination::File(path.to_owned()), None));
    }
    let (to, mut from) = mpsc::channel::<Bytes>(WAITING_PIECES_MOST);
    let writer = tokio::task::spawn_blocking(move || {
        let mut out: Box<dyn Write> = match special {
            Some(file) => Box::new(file),
            None => Box::new(stdout().lock()),
        };
        while let Some(bytes) = from.blocking_recv() {
            out.write_all(&bytes)?;
        }
        out.flush()
    });
    Ok((Destination::Stream(to), Some(writer)))
}

/// Where the bytes come from, while they come.
#[derive(Default)]
struct Bar(Option<ProgressBar>);

impl Observer for Bar {
    fn progress(&mut self, so_far: &Progress) {
        let bar = self.0.get_or_insert_with(|| progress::bytes(so_far.length));
        if bar.is_hidden() {
            return;
        }
        let total = so_far.shares.total();
        if total >= bar.position() + (1 << 20) {
            bar.set_position(total);
            bar.set_message(shares(so_far.shares.total(), so_far));
        }
    }
}

impl Bar {
    fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Such as `peers 80 %, origin 20 %`.
fn shares(total: u64, progress: &Progress) -> String {
    let all = [
        ("peers", progress.shares.peers),
        ("hosted cache", progress.shares.hosted_cache),
        ("local cache", progress.shares.local_cache),
        ("origin", progress.shares.origin),
    ];
    let some = all.into_iter().filter(|(_, bytes)| *bytes > 0);
    let some = some.map(|(who, bytes)| {
        let percent = u128::from(bytes) * 100 / u128::from(total.max(1));
        format!("{who} {percent} %")
    });
    some.collect::<Vec<_>>().join(", ")
}

#[derive(Serialize)]
struct Json {
    bytes: u64,
    bytes_from_origin: u64,
    bytes_from_peers: u64,
    bytes_from_hosted_cache: u64,
    bytes_from_local_cache: u64,
    metadata_bytes: u64,
    seconds: f64,
    sha256: String,
}

fn tell(args: &GetArgs, report: &Report) -> Result<(), Failure> {
    let seconds = report.elapsed.as_secs_f64();
    if args.json {
        let json = Json {
            bytes: report.bytes,
            bytes_from_origin: report.shares.origin,
            bytes_from_peers: report.shares.peers,
            bytes_from_hosted_cache: report.shares.hosted_cache,
            bytes_from_local_cache: report.shares.local_cache,
            metadata_bytes: report.metadata_bytes,
            seconds,
            sha256: report
                .sha256
                .map_or_else(String::new, |digest| hex(&digest)),
        };
        writeln!(stdout(), "{}", serde_json::to_string_pretty(&json)?)?;
        return Ok(());
    }
    let progress = Progress {
        shares: report.shares,
        length: Some(report.bytes),
    };
    let from = shares(report.bytes, &progress);
    let from = if from.is_empty() {
        from
    } else {
        format!(": {from}")
    };
    eprintln!(
        "peerdist: {} in {seconds:.1} s{from}",
        BinaryBytes(report.bytes)
    );
    Ok(())
}
