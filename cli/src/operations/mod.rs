//! What commands that run until somebody ends them have in common: settings, logs, the admin page, systemd.
//!
//! A command joins with three lines: `#[command(flatten)] operations: OperationArgs` in its arguments,
//! [`Operations::start`] first of all, and [`Operations::ready`] when all of its own is up.

pub(crate) mod args;
pub(crate) mod config;
pub(crate) mod log;
mod notify;
pub(crate) mod status;

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use peerdist_node::activity::Activity;
use peerdist_node::admin::{AdminService, AdminSettings, Registry, Role};
use peerdist_node::http::server::serve;
use peerdist_node::net::{Listener, Network, TokioNetwork};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use args::OperationArgs;

/// Ids of the provider Microsoft-Windows-BranchCache.
const SERVICE_STARTED: u16 = 1;
const SERVICE_STOPPED: u16 = 2;

/// A command that runs.
#[derive(Debug)]
pub(crate) struct Operations {
    registry: Registry,
    admin: Option<SocketAddr>,
    /// Whether it was said to have started.
    is_up: AtomicBool,
}

impl Operations {
    /// Starts to log, and refuses an admin page that everybody would see.
    pub(crate) fn start(command: &'static str, args: &OperationArgs) -> Result<Self, Failure> {
        if let Some(at) = args.admin
            && !at.ip().is_loopback()
            && !args.admin_anywhere
        {
            return Err(Failure::usage(format_args!(
                "--admin cannot be '{at}': others reach it, and would see what is in the cache and who fetches; \
                 expected an address such as 127.0.0.1:{}, or --admin-anywhere too",
                at.port()
            )));
        }
        log::start(&args.log, args.log_format);
        Ok(Self {
            registry: Registry::new(command),
            admin: args.admin,
            is_up: AtomicBool::new(false),
        })
    }

    /// Shows a role.
    pub(crate) fn add(&self, role: impl Role) {
        self.registry.add(role);
    }

    /// What goes into the options of HTTP servers; there is nothing to remember where nobody can look.
    pub(crate) fn activity(&self) -> Option<Arc<Activity>> {
        self.admin.map(|_| self.registry.activity())
    }

    /// Opens the admin page and tells whoever started this that it is up. Its own line goes to standard output last.
    pub(crate) async fn ready(&self, stop: &CancellationToken) -> Result<(), Failure> {
        if let Some(at) = self.admin {
            let listener = TokioNetwork.listen(at).await;
            let listener = listener.map_err(|error| crate::serving::refused(at, &error))?;
            let at = Listener::local_addr(&listener).unwrap_or(at);
            writeln!(stdout(), "peerdist: admin page at http://{at}/")?;
            let service = AdminService::new(self.registry.clone());
            let options = AdminSettings::default().server_options();
            tokio::spawn(serve(listener, service, options, stop.clone()));
        }
        stdout().flush()?;
        tracing::info!(
            event_id = SERVICE_STARTED,
            command = self.registry.command(),
            "started"
        );
        notify::tell("READY=1");
        self.is_up.store(true, Relaxed);
        let stop = stop.clone();
        tokio::spawn(async move {
            stop.cancelled().await;
            notify::tell("STOPPING=1");
        });
        Ok(())
    }
}

impl Drop for Operations {
    fn drop(&mut self) {
        if self.is_up.load(Relaxed) {
            let command = self.registry.command();
            tracing::info!(event_id = SERVICE_STOPPED, command, "stopped");
        }
    }
}
