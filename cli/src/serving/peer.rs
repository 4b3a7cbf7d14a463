//! `peerdist peer`: what a store has, told and served to the neighbours until somebody ends it.

use std::io::{Write, stdout};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::ValueHint;
use peerdist::retrieval::server::ServerSettings;
use peerdist_node::admin::{DiscoveryRole, RetrievalRole, StoreRole};
use peerdist_node::clock::Clock;
use peerdist_node::discovery::{Numbers, Prober, ProberOptions, ResponderOptions};
use peerdist_node::http::server::ServerOptions;
use peerdist_node::net::TokioNetwork;
use peerdist_node::net::interfaces::interfaces;
use peerdist_node::peer::{Peer, PeerOptions, RetrievalOptions, http_limits};
use peerdist_node::store::{ControlServer, Store};
use rand::TryRng;
use tokio_util::sync::CancellationToken;

use super::forward::ForwardArgs;
use crate::failure::Failure;
use crate::operations::Operations;
use crate::operations::args::OperationArgs;
use crate::store_limits::StoreLimitArgs;

const DEFAULT_PORT: u16 = 8090;
/// How often what is too old is dropped.
const EXPIRE_INTERVAL_MS: u64 = 60_000;

/// Serve what a store has to the neighbours on the local subnet, and fill it for the programs of this machine
///
/// The first lines on standard output say what is served where. While it runs, other commands use the store through
/// it. SIGTERM and SIGINT let answers end and stop.
///
/// With --proxy, any program that is told of the proxy gets content from the store, from neighbours and only then from
/// its origin, and what it gets is shared at once: http_proxy=http://127.0.0.1:8080 curl http://HOST/FILE
#[derive(Debug, clap::Args)]
pub(crate) struct PeerArgs {
    /// The store of blocks; it is made where it is missing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    store: PathBuf,
    /// Where blocks are served; neighbours are told, so any port will do [default: port 8090 of all addresses]
    #[arg(long, value_name = "ADDR", value_parser = super::args::address)]
    listen: Option<SocketAddr>,
    /// An address of the interface to be found on; may be given several times [default: all but the loopback]
    #[arg(long, value_name = "IP")]
    interface: Vec<IpAddr>,
    /// Clients that are served at a time; others get empty answers
    #[arg(long, value_name = "N", default_value_t = ServerSettings::PEER_CLIENT_LIMIT,
          value_parser = clap::value_parser!(u32).range(1..=16_384))]
    clients: u32,
    #[command(flatten)]
    forward: ForwardArgs,
    #[command(flatten)]
    store_limits: StoreLimitArgs,
    #[command(flatten)]
    operations: OperationArgs,
}

pub(crate) fn run(args: &PeerArgs) -> Result<ExitCode, Failure> {
    args.forward.check()?;
    let operations = Operations::start("peer", &args.operations)?;
    peerdist_node::kernels::calibrate();
    super::raise_file_limit();
    let interfaces = interfaces(&args.interface)
        .map_err(|error| Failure::usage(format_args!("cannot be found: {error}")))?;
    let settings = args.store_limits.settings();
    let store = Store::open(&args.store, &settings).map_err(Failure::unreachable)?;
    for note in store.opening_notes() {
        tracing::warn!("{note}");
    }
    if store.is_read_only() && args.forward.proxy.is_some() {
        return Err(Failure::usage(format_args!(
            "the store {} cannot be written to; --proxy has to",
            args.store.display()
        )));
    }
    let _control = match store.is_read_only() {
        true => None,
        false => Some(ControlServer::start(store.clone()).map_err(Failure::usage)?),
    };
    let clock = Clock::of_the_machine();
    let settings = ServerSettings {
        active_client_limit: args.clients,
        ..ServerSettings::peer()
    };
    let forward = args
        .forward
        .options(&store, random()?, clock, &operations)?;
    let all = (Ipv4Addr::UNSPECIFIED, DEFAULT_PORT);
    let listen = args.listen.unwrap_or_else(|| all.into());
    let mut options = PeerOptions {
        listen,
        both_families: args.listen.is_none(),
        interfaces,
        retrieval: RetrievalOptions {
            settings,
            seed: random()?,
            clock,
            counters: Arc::default(),
        },
        responder: ResponderOptions::new(Numbers::in_directory(&args.store), random()?, clock),
        http: ServerOptions {
            limits: http_limits(settings.upload_timer_ms),
            activity: operations.activity(),
            ..ServerOptions::default()
        },
        expire_interval_ms: EXPIRE_INTERVAL_MS,
    };
    let retrieval = Arc::clone(&options.retrieval.counters);
    let discovery = Arc::clone(&options.responder.counters);
    let http = Arc::clone(&options.http.counters);
    operations.add(StoreRole::new(store.clone()));
    operations.add(DiscoveryRole::new(Arc::clone(&discovery)));
    let cache = Arc::new(store.clone());
    super::until_a_signal(async |stop: CancellationToken| {
        let mut forward = forward;
        if let Some(forward) = forward
            .as_mut()
            .filter(|forward| forward.wants_neighbours())
            && let Some(prober) = prober(&options, random()?, &stop).await
        {
            options.responder.own_probers = prober.local_addresses().to_vec();
            forward.find_neighbours_by(prober);
        }
        let peer = Peer::start(&TokioNetwork, cache, options, stop.clone())
            .await
            .map_err(|error| super::refused(listen, &error))?;
        let told: Vec<_> = peer.addresses().iter().map(ToString::to_string).collect();
        let (store, told) = (args.store.display(), told.join(" "));
        writeln!(
            stdout(),
            "peerdist: serving {store} at {}, told to neighbours as {told}",
            peer.local_addr()
        )?;
        let port = peer.local_addr().port();
        operations.add(RetrievalRole::new(Arc::clone(&retrieval), http, Some(port)));
        let proxy = match forward {
            Some(forward) => Some(forward.start(port, &operations, &stop).await?),
            None => None,
        };
        operations.ready(&stop).await?;
        stop.cancelled().await;
        peer.ended().await;
        if let Some(proxy) = proxy {
            proxy.ended().await;
        }
        Ok(())
    })?;
    tracing::info!(?retrieval, ?discovery, "stopped");
    store.flush().map_err(Failure::usage)?;
    Ok(ExitCode::SUCCESS)
}

/// Who looks for neighbours; without one, what no cache has comes from the origin.
async fn prober(options: &PeerOptions, seed: [u8; 32], stop: &CancellationToken) -> Option<Prober> {
    let asking = ProberOptions::new(seed, options.retrieval.clock);
    let prober = Prober::start(&TokioNetwork, &options.interfaces, asking, stop.clone());
    let prober = prober.await;
    prober
        .map_err(|error| tracing::warn!(%error, "neighbours cannot be looked for"))
        .ok()
}

fn random() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    rand::rngs::SysRng
        .try_fill_bytes(&mut seed)
        .map_err(|error| Failure::unreachable(format_args!("no randomness: {error}")))?;
    Ok(seed)
}
