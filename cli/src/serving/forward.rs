//! `peerdist peer --proxy`: programs of this machine get content as the client does, into the store of the peer.

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueHint;
use peerdist_node::admin::ForwardRole;
use peerdist_node::clock::Clock;
use peerdist_node::discovery::Prober;
use peerdist_node::forward::{ForwardOptions, ForwardProxy};
use peerdist_node::get::{Discovery, Mode};
use peerdist_node::http::tls;
use peerdist_node::net::TokioNetwork;
use peerdist_node::store::Store;
use tokio_util::sync::CancellationToken;

use super::args::address;
use crate::failure::Failure;
use crate::get::hosted_cache;
use crate::operations::Operations;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Proxy for programs")]
pub(crate) struct ForwardArgs {
    /// Be an HTTP proxy for programs at this address: IP:PORT, or PORT of this machine alone
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) proxy: Option<SocketAddr>,
    /// Allow --proxy at an address that others reach; whoever does goes where this machine may go
    #[arg(long, requires = "proxy")]
    proxy_anywhere: bool,
    /// A port that CONNECT may lead to, as programs ask for https; may be given several times [default: 443]
    #[arg(long, value_name = "PORT", requires = "proxy", value_parser = clap::value_parser!(u16).range(1..))]
    proxy_tunnel: Vec<u16>,
    /// Look for blocks at a hosted cache instead of at neighbours: HOST or HOST:PORT, with https:// before it
    /// where it is offered content in version 1.0
    #[arg(long, value_name = "ADDR", requires = "proxy")]
    hosted: Option<String>,
    /// Where a hosted cache that is named with https:// gives blocks
    #[arg(long, value_name = "PORT", default_value_t = 80, requires = "hosted")]
    hosted_port: u16,
    /// Certificates that the hosted cache's may be signed by, in PEM, beside the system's
    #[arg(long, value_name = "FILE", requires = "hosted", value_hint = ValueHint::FilePath)]
    cacert: Option<PathBuf>,
}

/// A proxy that is to start.
#[derive(Debug)]
pub(super) struct Forward(ForwardOptions);

impl ForwardArgs {
    /// Refuses a proxy that everybody could use.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self.proxy {
            Some(at) if !at.ip().is_loopback() && !self.proxy_anywhere => {
                Err(Failure::usage(format_args!(
                    "--proxy cannot be '{at}': others reach it, and would go through it wherever this machine may go; \
                     expected an address such as 127.0.0.1:{}, or --proxy-anywhere too",
                    at.port()
                )))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn options(
        &self,
        store: &Store,
        seed: [u8; 32],
        clock: Clock,
        operations: &Operations,
    ) -> Result<Option<Forward>, Failure> {
        let Some(at) = self.proxy else {
            return Ok(None);
        };
        let mut options = ForwardOptions::new(at, seed, clock);
        options.store = Some(store.clone());
        options.http.activity = operations.activity();
        if !self.proxy_tunnel.is_empty() {
            options.tunnel_ports.clone_from(&self.proxy_tunnel);
        }
        if let Some(hosted) = &self.hosted {
            options.mode = Mode::Hosted(hosted_cache(hosted, self.hosted_port)?);
            options.tls = Some(tls::client(self.cacert.as_deref()).map_err(Failure::usage)?);
        }
        Ok(Some(Forward(options)))
    }
}

impl Forward {
    /// Whether neighbours are to be looked for: unless there is a hosted cache.
    pub(super) fn wants_neighbours(&self) -> bool {
        self.0.mode == Mode::Local
    }

    pub(super) fn find_neighbours_by(&mut self, prober: Prober) {
        self.0.mode = Mode::Distributed;
        self.0.discovery = Discovery::Prober(prober);
    }

    /// Starts; `peer_port` is where the peer serves the store.
    pub(super) async fn start(
        mut self,
        peer_port: u16,
        operations: &Operations,
        stop: &CancellationToken,
    ) -> Result<ForwardProxy, Failure> {
        self.0.peer_port = Some(peer_port);
        let at = self.0.listen;
        let (counters, http) = (
            Arc::clone(&self.0.counters),
            Arc::clone(&self.0.http.counters),
        );
        let proxy = ForwardProxy::start(&TokioNetwork, self.0, stop.clone());
        let proxy = proxy.await.map_err(|error| super::refused(at, &error))?;
        writeln!(
            stdout(),
            "peerdist: proxy for programs at http://{}/",
            proxy.local_addr()
        )?;
        operations.add(ForwardRole::new(counters, http));
        Ok(proxy)
    }
}
