//! `peerdist serve` and `peerdist proxy`: content servers until somebody ends them.

pub(crate) mod args;
mod forward;
pub(crate) mod peer;

use std::io::{ErrorKind, Write, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use peerdist::content::SecretKey;
use peerdist_node::admin::ContentServerRole;
use peerdist_node::content_server::files::{FileBody, FileService, FileSettings};
use peerdist_node::content_server::proxy::{ProxyBody, ProxyService, ProxySettings};
use peerdist_node::content_server::{
    ContentInfos, EntityTags, PeerDistLayer, Settings, server_secret,
};
use peerdist_node::counters::HttpCounters;
use peerdist_node::http::client::Client;
use peerdist_node::http::limits::ClientLimits;
use peerdist_node::http::server::{ServerOptions, serve as serve_http};
use peerdist_node::http::{self, RequestBody};
use peerdist_node::net::{Listener, Network, TokioNetwork};
use peerdist_node::secret_file;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_layer::Layer;
use tower_service::Service;

use crate::failure::Failure;
use crate::operations::Operations;
use args::{ProxyArgs, ServeArgs, ServerArgs};

const DEFAULT_PORT: u16 = 8080;

/// A service of node, and the bodies of its answers.
trait Serving:
    Service<
        ::http::Request<RequestBody>,
        Response = ::http::Response<Self::Body>,
        Error = std::convert::Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
    type Body: http_body::Body<Data = bytes::Bytes, Error: Into<http::BoxError>> + Send + 'static;
}

impl Serving for FileService {
    type Body = FileBody;
}

impl Serving for ProxyService<TokioNetwork> {
    type Body = ProxyBody;
}

pub(crate) fn serve(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let root = args.root.display();
    let settings = FileSettings { list: args.list };
    let files = FileService::open(&args.root, settings).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => "there is no such directory".to_owned(),
            ErrorKind::NotADirectory => "it is no directory".to_owned(),
            _ => error.to_string(),
        };
        Failure::usage(format_args!("cannot serve {root}: {why}"))
    })?;
    run("serve", &args.server, &root.to_string(), || Ok(files))
}

pub(crate) fn proxy(args: &ProxyArgs) -> Result<ExitCode, Failure> {
    if args.upstream_ca.is_some() && !args.upstream.is_tls() {
        return Err(Failure::usage(
            "--upstream-ca goes with an upstream that begins with https://",
        ));
    }
    let settings = ProxySettings {
        keep_host: args.keep_host,
        via: args.via,
    };
    run("proxy", &args.server, &args.upstream.to_string(), || {
        let tls = args
            .upstream
            .is_tls()
            .then(|| http::tls::client(args.upstream_ca.as_deref()))
            .transpose()
            .map_err(Failure::usage)?;
        let client = Client::new(TokioNetwork, tls, ClientLimits::default());
        Ok(ProxyService::new(args.upstream.clone(), client, settings))
    })
}

fn run<S: Serving>(
    command: &'static str,
    args: &ServerArgs,
    what: &str,
    service: impl FnOnce() -> Result<S, Failure>,
) -> Result<ExitCode, Failure> {
    let operations = Operations::start(command, &args.operations)?;
    let tls = match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => Some(http::tls::server(cert, key).map_err(Failure::usage)?),
        _ => None,
    };
    let cache = cache_directory(args)?;
    let secret = secret(args, &cache)?;
    let settings = Settings {
        entity_tags: if args.same_etag {
            EntityTags::Same
        } else {
            EntityTags::PerCoding
        },
        content_bytes_least: args.min_bytes,
        cache_disk_bytes_most: args.cache_bytes,
        cache_directory: Some(cache.join("content-information")),
        ..Settings::default()
    };
    let infos = ContentInfos::open(settings, secret, Arc::default()).map_err(|error| {
        let cache = cache.display();
        Failure::usage(format_args!(
            "cannot keep content information in {cache}: {error}"
        ))
    })?;
    let counters = Arc::<HttpCounters>::default();
    operations.add(ContentServerRole::new(
        Arc::clone(&infos),
        Arc::clone(&counters),
    ));
    let service = PeerDistLayer::new(infos).layer(service()?);
    peerdist_node::kernels::calibrate();
    raise_file_limit();
    until_a_signal(async |stop: CancellationToken| {
        let plain = args.listen.or_else(|| {
            let is_alone = args.listen_tls.is_none();
            is_alone.then(|| SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)))
        });
        let tasks = TaskTracker::new();
        for (scheme, at, tls) in [("http", plain, None), ("https", args.listen_tls, tls)] {
            let Some(at) = at else { continue };
            let listener = TokioNetwork
                .listen(at)
                .await
                .map_err(|error| refused(at, &error))?;
            let at = Listener::local_addr(&listener).unwrap_or(at);
            writeln!(stdout(), "peerdist: serving {what} at {scheme}://{at}/")?;
            let options = ServerOptions {
                tls,
                counters: Arc::clone(&counters),
                activity: operations.activity(),
                ..ServerOptions::default()
            };
            tasks.spawn(serve_http(listener, service.clone(), options, stop.clone()));
        }
        operations.ready(&stop).await?;
        stop.cancelled().await;
        tasks.close();
        tasks.wait().await;
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a server in a runtime of its own; its stop comes with SIGTERM or SIGINT.
fn until_a_signal(
    server: impl AsyncFnOnce(CancellationToken) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::unreachable)?;
    let ended = runtime.block_on(async {
        // Before anybody is told that it runs: whoever is told may end it at once.
        let mut signals = [SignalKind::terminate(), SignalKind::interrupt()]
            .map(|kind| signal(kind).map_err(Failure::unreachable))
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        tokio::spawn(async move {
            if let [terminate, interrupt] = signals.as_mut_slice() {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            stopping.cancel();
        });
        server(stop).await
    });
    // What is still being hashed is hashed again when it is asked for again.
    runtime.shutdown_background();
    ended
}

pub(crate) fn refused(at: SocketAddr, error: &std::io::Error) -> Failure {
    let why = match error.kind() {
        ErrorKind::AddrInUse => "another program listens there; end it or take another port".into(),
        ErrorKind::AddrNotAvailable => "it is no address of this machine".into(),
        ErrorKind::PermissionDenied => "ports below 1024 need the right to them".into(),
        _ => error.to_string(),
    };
    Failure::usage(format_args!("cannot listen on {at}: {why}"))
}

fn cache_directory(args: &ServerArgs) -> Result<PathBuf, Failure> {
    match &args.cache_dir {
        Some(directory) => Ok(directory.clone()),
        None => default_cache_directory(),
    }
}

/// Where content information is kept unless somebody says otherwise.
pub(crate) fn default_cache_directory() -> Result<PathBuf, Failure> {
    let of = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    let base = of("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(of("HOME")?).join(".cache")));
    base.map(|base| base.join("peerdist")).ok_or_else(|| {
        Failure::usage(
            "no cache directory: neither XDG_CACHE_HOME nor HOME is set; give --cache-dir",
        )
    })
}

fn secret(args: &ServerArgs, cache: &std::path::Path) -> Result<SecretKey, Failure> {
    match &args.secret_file {
        Some(path) => secret_file::read(path).map_err(Failure::usage),
        None => server_secret::in_directory(cache).map_err(Failure::usage),
    }
}

/// A connection is a file, and so is what it is sent: as many as the administrator allows.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
