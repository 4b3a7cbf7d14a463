//! What runs here, for administrators: numbers for Prometheus, the fields of Get-BCStatus, and a page to look at.
//! Invariant: nothing here changes anything, nothing shows a secret, and every list has a limit.
//! Byte order: none.
//!
//! A role joins by [`Registry::add`]; the page, the metrics and the status show what there is:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use peerdist_node::admin::{DiscoveryRole, Registry, RetrievalRole, StoreRole};
//! # fn roles(store: peerdist_node::store::Store) {
//! let registry = Registry::new("peer");
//! registry.add(StoreRole::new(store));
//! registry.add(RetrievalRole::new(Arc::default(), Arc::default(), None));
//! registry.add(DiscoveryRole::new(Arc::default()));
//! # }
//! ```
//!
//! - [`Role`]: what a role tells of itself; [`ContentServerRole`] and the others are those of node;
//! - [`counter_set`]: the names of all numbers; [`metrics`]: their text;
//! - [`mod@status`] is Get-BCStatus;
//! - [`AdminService`]: all of it over HTTP.

mod content_server_role;
pub mod counter_set;
mod forward_role;
mod hosted_cache_role;
pub mod metrics;
mod peer_roles;
mod query;
mod service;
pub mod status;
mod store_role;

use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;

use crate::activity::{Activity, now_ms};
use metrics::Metrics;
use status::Status;

pub use content_server_role::ContentServerRole;
pub use forward_role::ForwardRole;
pub use hosted_cache_role::HostedCacheRole;
pub use peer_roles::{DiscoveryRole, HttpRole, RetrievalRole};
pub use service::{AdminBody, AdminService, AdminSettings};
pub use store_role::StoreRole;

/// One segment of a cache, as the page lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentRow {
    /// Its id in hexadecimal: what everybody on the branch may know, unlike its secret.
    pub id: String,
    /// The version of its content information, where it is known.
    pub version: Option<u8>,
    /// Its bytes, where they are known.
    pub length: Option<u32>,
    /// Blocks that were verified.
    pub verified_blocks: u32,
    /// Blocks that are sealed.
    pub sealed_blocks: u32,
    /// Blocks that it has, where its length is known.
    pub blocks: Option<u32>,
    /// Bytes of all of it.
    pub bytes: u64,
    /// When it came, in milliseconds since 1970.
    pub since_ms: u64,
    /// When it was used last.
    pub used_ms: u64,
}

/// What a role tells of itself. It may wait for the disk, and must not wait for the network.
pub trait Role: Send + Sync + 'static {
    /// What it is, in a word or two.
    fn name(&self) -> &'static str;

    /// Its numbers.
    fn metrics(&self, into: &mut Metrics);

    /// Its part of Get-BCStatus.
    fn status(&self, _: &mut Status) {}

    /// Segments behind an id, in the order of their ids, at most so many; `None` where it has no segments.
    ///
    /// # Errors
    /// Why they cannot be had, in words.
    fn segments(
        &self,
        _after: Option<&str>,
        _most: usize,
    ) -> Option<Result<Vec<SegmentRow>, String>> {
        None
    }
}

/// Everything that runs here.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    command: &'static str,
    started_ms: u64,
    activity: Arc<Activity>,
    roles: RwLock<Vec<Arc<dyn Role>>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.roles().iter().map(|role| role.name()).collect();
        f.debug_tuple("Registry").field(&names).finish()
    }
}

impl Registry {
    /// Of a command, without a role so far.
    #[must_use]
    pub fn new(command: &'static str) -> Self {
        Self(Arc::new(Inner {
            command,
            started_ms: now_ms(),
            activity: Arc::default(),
            roles: RwLock::default(),
        }))
    }

    /// Adds a role.
    pub fn add(&self, role: impl Role) {
        let mut roles = self.0.roles.write().unwrap_or_else(PoisonError::into_inner);
        roles.push(Arc::new(role));
    }

    /// Where servers remember their requests; it goes into their options.
    #[must_use]
    pub fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.0.activity)
    }

    /// The command.
    #[must_use]
    pub fn command(&self) -> &'static str {
        self.0.command
    }

    fn roles(&self) -> Vec<Arc<dyn Role>> {
        let roles = self.0.roles.read().unwrap_or_else(PoisonError::into_inner);
        roles.clone()
    }

    fn uptime_seconds(&self) -> u64 {
        now_ms().saturating_sub(self.0.started_ms) / 1_000
    }

    /// All numbers at this moment.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::default();
        for role in self.roles() {
            role.metrics(&mut metrics);
        }
        metrics.set(&counter_set::UPTIME, self.uptime_seconds());
        let labels = vec![
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("command", self.0.command.to_owned()),
        ];
        metrics.set_labelled(&counter_set::BUILD, labels, 1);
        metrics
    }

    /// The fields of Get-BCStatus at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = Status::of_running();
        for role in self.roles() {
            role.status(&mut status);
        }
        status
    }

    fn segments(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> Option<Result<Vec<SegmentRow>, String>> {
        let roles = self.roles();
        roles.iter().find_map(|role| role.segments(after, most))
    }
}
