//! `peerdist hosted-cache`: the cache of a branch, until somebody ends it.

pub(crate) mod args;
mod preload;

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use peerdist::hosted_cache::server::ServerSettings;
use peerdist::retrieval::server::ServerSettings as RetrievalSettings;
use peerdist_node::admin::{HostedCacheRole, StoreRole};
use peerdist_node::clock::Clock;
use peerdist_node::hosted_cache::{HostedCache, HostedCacheOptions, StartError, certificate};
use peerdist_node::http::tls;
use peerdist_node::net::TokioNetwork;
use peerdist_node::peer::RetrievalOptions;
use peerdist_node::store::{ControlServer, Store, StoreError};
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::operations::Operations;
use crate::serving::{raise_file_limit, refused};
use args::{HostedCacheArgs, LimitArgs};

pub(crate) fn run(args: &HostedCacheArgs) -> Result<ExitCode, Failure> {
    if args.https.is_some() && args.cert.is_none() && !args.self_signed {
        return Err(Failure::usage(
            "--https needs --cert and --key, or --self-signed",
        ));
    }
    let operations = Operations::start("hosted-cache", &args.operations)?;
    let mut options = options(args)?;
    options.http_server.activity = operations.activity();
    options.https_server.activity = operations.activity();
    peerdist_node::kernels::calibrate();
    let store = opened(args)?;
    // Other commands, such as 'peerdist cache', ask this process from now on.
    let control = ControlServer::start(store.clone()).map_err(Failure::usage)?;
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::unreachable)?;
    let ended = runtime.block_on(async {
        preload::all(&store, args).await?;
        serve(store, options, &operations).await
    });
    drop(control);
    ended
}

fn options(args: &HostedCacheArgs) -> Result<HostedCacheOptions, Failure> {
    let mut seed = [0; 32];
    SysRng
        .try_fill_bytes(&mut seed)
        .map_err(Failure::unreachable)?;
    let retrieval = RetrievalOptions {
        settings: RetrievalSettings {
            active_client_limit: args.limits.clients,
            ..RetrievalSettings::hosted_cache()
        },
        seed,
        clock: Clock::of_the_machine(),
        counters: Arc::default(),
    };
    let mut options = HostedCacheOptions::new(args.http, retrieval);
    options.https = args.https;
    options.settings = settings(&args.limits, args.authenticate_clients);
    if let Some((cert, key)) = certificate(args)? {
        options.https_server.tls = Some(tls::server(&cert, &key).map_err(Failure::usage)?);
    }
    Ok(options)
}

async fn serve(
    store: Store,
    options: HostedCacheOptions,
    operations: &Operations,
) -> Result<ExitCode, Failure> {
    // Before anybody is told that it runs: whoever is told may end it at once.
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::unreachable)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::unreachable)?;
    let stop = CancellationToken::new();
    let directory = store.directory().to_owned();
    operations.add(StoreRole::new(store.clone()));
    operations.add(HostedCacheRole::new(&options));
    let started = HostedCache::start(&TokioNetwork, store, options, stop.clone());
    let cache = started.await.map_err(not_started)?;
    {
        let mut out = stdout().lock();
        let (store, http) = (directory.display(), cache.http_addr());
        writeln!(out, "peerdist: hosted cache over {store} at http://{http}/")?;
        if let Some(https) = cache.https_addr() {
            writeln!(
                out,
                "peerdist: hosted cache over {store} at https://{https}/"
            )?;
        }
    }
    operations.ready(&stop).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
    cache.ended().await;
    Ok(ExitCode::SUCCESS)
}

fn settings(limits: &LimitArgs, authenticate_clients: bool) -> ServerSettings {
    ServerSettings {
        authenticate_clients,
        accept_partial_hashes: !limits.whole_lists_only,
        segments_in_flight_per_client: limits.fetches_per_client,
        segments_in_flight_total: limits.fetches,
        bytes_in_flight_per_client: limits.fetch_bytes_per_client,
        bytes_in_flight_total: limits.fetch_bytes,
        segments_queued_per_client: limits.waiting_per_client,
        segments_queued_total: limits.waiting,
        segments_known_max: limits.segments,
        fetch_timeout_ms: limits.fetch_timeout_ms,
        ..ServerSettings::default()
    }
}

fn not_started(error: StartError) -> Failure {
    match error {
        StartError::Listen { at, source } => refused(at, &source),
        error => Failure::usage(error),
    }
}

fn opened(args: &HostedCacheArgs) -> Result<Store, Failure> {
    let mut settings = args.store_limits.settings();
    settings.sealed.space = args.sealed_size.0;
    let store = Store::open(&args.store, &settings).map_err(|error| match error {
        StoreError::InUse { .. } => Failure::unreachable(error),
        error => Failure::usage(error),
    })?;
    for note in store.opening_notes() {
        eprintln!("peerdist: {note}");
    }
    if store.is_read_only() {
        return Err(Failure::usage(format_args!(
            "the store {} cannot be written to; a hosted cache has to",
            args.store.display()
        )));
    }
    Ok(store)
}

/// The certificate and its key, made where that was asked for.
fn certificate(args: &HostedCacheArgs) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
    let Some(https) = args.https else {
        return Ok(None);
    };
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        return Ok(Some((cert.clone(), key.clone())));
    }
    let signed = certificate::beside(&args.store, &names(args, https)).map_err(Failure::usage)?;
    let cert = signed.cert.display();
    let done = if signed.is_new { "made" } else { "found" };
    let mut out = stdout().lock();
    writeln!(out, "peerdist: certificate {done} in {cert}")?;
    writeln!(out, "peerdist: SHA-256 fingerprint {}", signed.fingerprint)?;
    writeln!(
        out,
        "peerdist: clients trust it once it is among their roots: copy it, compare the fingerprint, then \
         'certutil -addstore Root FILE' on Windows"
    )?;
    out.flush()?;
    Ok(Some((signed.cert, signed.key)))
}

/// What clients may know this machine by.
fn names(args: &HostedCacheArgs, https: SocketAddr) -> Vec<String> {
    if !args.name.is_empty() {
        return args.name.clone();
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim().to_owned()).filter(|name| !name.is_empty());
    let address = Some(https.ip()).filter(|ip| !ip.is_unspecified());
    let mut names: Vec<String> = host.into_iter().collect();
    names.push("localhost".to_owned());
    names.extend(address.map(|ip| ip.to_string()));
    names.dedup();
    names
}
