//! HTTP, retrieval and discovery of a peer or a hosted cache, for administrators.
//! Invariant: every number is one of their counters.
//! Byte order: none.

use std::sync::Arc;

use super::Role;
use super::counter_set as set;
use super::metrics::{Metric, Metrics};
use super::status::Status;
use crate::counters::{Counter, DiscoveryCounters, HttpCounters, RetrievalCounters};

fn by_reason(into: &mut Metrics, metric: &Metric, counts: &[(&str, &Counter)]) {
    for (reason, counter) in counts {
        let labels = vec![("reason", (*reason).to_owned())];
        into.set_labelled(metric, labels, counter.get());
    }
}

/// An HTTP server alone.
#[derive(Debug)]
pub struct HttpRole(Arc<HttpCounters>);

impl HttpRole {
    /// Of what it counts.
    #[must_use]
    pub const fn new(counters: Arc<HttpCounters>) -> Self {
        Self(counters)
    }
}

impl Role for HttpRole {
    fn name(&self) -> &'static str {
        "http"
    }

    fn metrics(&self, into: &mut Metrics) {
        into.set(&set::CONNECTIONS, self.0.connections.get());
        into.set(&set::CONNECTIONS_REFUSED, self.0.connections_refused.get());
        into.set(&set::REQUESTS, self.0.requests.get());
    }
}

/// The side of retrieval that answers.
#[derive(Debug)]
pub struct RetrievalRole {
    counters: Arc<RetrievalCounters>,
    http: HttpRole,
    port: Option<u16>,
}

impl RetrievalRole {
    /// Of what it and its HTTP server count, and the port where it listens.
    #[must_use]
    pub const fn new(
        counters: Arc<RetrievalCounters>,
        http: Arc<HttpCounters>,
        port: Option<u16>,
    ) -> Self {
        Self {
            counters,
            http: HttpRole::new(http),
            port,
        }
    }
}

impl Role for RetrievalRole {
    fn name(&self) -> &'static str {
        "retrieval server"
    }

    fn metrics(&self, into: &mut Metrics) {
        let counters = &self.counters;
        into.set(&set::BYTES_SERVED, counters.block_bytes.get());
        into.set(&set::RETRIEVAL_BLOCKS, counters.blocks.get());
        into.set(&set::RETRIEVAL_REQUESTS, counters.requests.get());
        into.set(&set::RETRIEVAL_ANSWERS, counters.answers.get());
        by_reason(
            into,
            &set::RETRIEVAL_FAILED,
            &[
                ("block-lost", &counters.blocks_lost),
                ("rejected", &counters.rejected),
                ("turned-away", &counters.turned_away),
                ("timed-out", &counters.timed_out),
            ],
        );
        self.http.metrics(into);
    }

    fn status(&self, status: &mut Status) {
        status.network_configuration.content_download_listen_port = self.port;
    }
}

/// The side of discovery that answers.
#[derive(Debug)]
pub struct DiscoveryRole(Arc<DiscoveryCounters>);

impl DiscoveryRole {
    /// Of what it counts.
    #[must_use]
    pub const fn new(counters: Arc<DiscoveryCounters>) -> Self {
        Self(counters)
    }
}

impl Role for DiscoveryRole {
    fn name(&self) -> &'static str {
        "discovery responder"
    }

    fn metrics(&self, into: &mut Metrics) {
        let counters = &self.0;
        into.set(&set::DISCOVERY_DATAGRAMS, counters.datagrams.get());
        into.set(&set::ATTEMPTED_DISCOVERIES, counters.probes.get());
        into.set(&set::SUCCESSFUL_DISCOVERIES, counters.answers.get());
        by_reason(
            into,
            &set::DISCOVERY_UNANSWERED,
            &[
                ("nothing-held", &counters.nothing_held),
                ("suppressed", &counters.suppressed),
                ("no-address", &counters.no_address),
            ],
        );
        by_reason(
            into,
            &set::DISCOVERY_DROPPED,
            &[
                ("repeated", &counters.repeated),
                ("rejected", &counters.rejected),
                ("too-fast", &counters.dropped_rate),
                ("queue-full", &counters.dropped_full),
                ("too-long", &counters.dropped_too_long),
                ("foreign", &counters.dropped_foreign),
            ],
        );
        into.set(&set::DISCOVERY_SOCKET_ERRORS, counters.socket_errors.get());
    }

    fn status(&self, status: &mut Status) {
        let client = &mut status.client_configuration;
        client.current_client_mode = Some("DistributedCache".to_owned());
        client.distributed_caching_is_enabled = true;
    }
}
