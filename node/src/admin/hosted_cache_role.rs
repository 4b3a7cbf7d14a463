//! A hosted cache, for administrators: its offers and fetches, and the retrieval server that is part of it.
//! Invariant: every number is one of its counters or a sum of them.
//! Byte order: none.

use std::sync::Arc;

use super::counter_set as set;
use super::metrics::{Metric, Metrics};
use super::status::Status;
use super::{HttpRole, RetrievalRole, Role};
use crate::counters::{Counter, HostedCacheCounters, RetrievalCounters};
use crate::hosted_cache::HostedCacheOptions;

/// A hosted cache. Its store is a role of its own.
#[derive(Debug)]
pub struct HostedCacheRole {
    counters: Arc<HostedCacheCounters>,
    served: Arc<RetrievalCounters>,
    retrieval: RetrievalRole,
    https: HttpRole,
    ports: (u16, Option<u16>),
    authenticates: bool,
}

impl HostedCacheRole {
    /// Of the options that it is started with.
    #[must_use]
    pub fn new(options: &HostedCacheOptions) -> Self {
        let served = Arc::clone(&options.retrieval.counters);
        let http = Arc::clone(&options.http_server.counters);
        let port = options.http.port();
        Self {
            counters: Arc::clone(&options.counters),
            retrieval: RetrievalRole::new(Arc::clone(&served), http, Some(port)),
            served,
            https: HttpRole::new(Arc::clone(&options.https_server.counters)),
            ports: (port, options.https.map(|at| at.port())),
            authenticates: options.settings.authenticate_clients,
        }
    }
}

impl Role for HostedCacheRole {
    fn name(&self) -> &'static str {
        "hosted cache"
    }

    fn metrics(&self, into: &mut Metrics) {
        let counters = &*self.counters;
        let mut labelled = |metric: &Metric, label: &'static str, all: &[(&str, &Counter)]| {
            for (value, counter) in all {
                into.set_labelled(metric, vec![(label, (*value).to_owned())], counter.get());
            }
        };
        let offers = [
            ("held", &counters.offered_held),
            ("queued", &counters.offered_queued),
            ("next-source", &counters.offered_next_source),
            ("asked-for-hashes", &counters.offered_asked_for_hashes),
            ("skipped", &counters.offered_skipped),
        ];
        labelled(&set::HOSTED_OFFERS, "outcome", &offers);
        labelled(
            &set::HOSTED_FETCHES,
            "outcome",
            &[("failed", &counters.fetches_failed)],
        );
        labelled(
            &set::HOSTED_BLOCKS,
            "outcome",
            &[
                ("verified", &counters.blocks_verified),
                ("sealed", &counters.blocks_sealed),
                ("wrong", &counters.blocks_wrong),
                ("not-kept", &counters.blocks_not_kept),
            ],
        );
        labelled(
            &set::HOSTED_FAILED,
            "reason",
            &[
                ("rejected", &counters.rejected),
                ("unauthorized", &counters.unauthorized),
                ("turned-away", &counters.turned_away),
                ("bad-content-information", &counters.bad_content_information),
            ],
        );
        let fetches = counters.fetches.get();
        let good = fetches.saturating_sub(counters.fetches_failed.get());
        let labels = vec![("outcome", "good-or-under-way".to_owned())];
        into.set_labelled(&set::HOSTED_FETCHES, labels, good);
        let offered = offers.iter().map(|(_, counter)| counter.get()).sum();
        into.set(&set::OFFERS_MADE, offered);
        into.set(&set::HOSTED_STORE_FAILURES, counters.store_failures.get());
        // What these two mean on a hosted cache, Windows' description of its counters says.
        into.set(&set::BYTES_FROM_CACHE, self.served.block_bytes.get());
        let brought = counters.blocks_verified_bytes.get() + counters.blocks_sealed_bytes.get();
        into.set(&set::BYTES_FROM_SERVER, brought);
        self.retrieval.metrics(into);
        self.https.metrics(into);
    }

    fn status(&self, status: &mut Status) {
        let mode = if self.authenticates { "Domain" } else { "None" };
        let hosted = &mut status.hosted_cache_server_configuration;
        hosted.hosted_cache_server_is_enabled = true;
        hosted.client_authentication_mode = Some(mode.to_owned());
        hosted.hosted_cache_scp_registration_enabled = Some(false);
        let network = &mut status.network_configuration;
        network.hosted_cache_http_listen_port = Some(self.ports.0);
        network.hosted_cache_https_listen_port = self.ports.1;
        self.retrieval.status(status);
    }
}
