//! A forward proxy, for administrators: what programs asked for, and where their bytes came from.
//! Invariant: every number is one of its counters or a sum of them.
//! Byte order: none.

use std::sync::Arc;

use super::counter_set as set;
use super::metrics::{Metric, Metrics};
use super::{HttpRole, Role};
use crate::counters::{Counter, ForwardCounters, HttpCounters};

/// A forward proxy. The store that it fills is a role of its own.
#[derive(Debug)]
pub struct ForwardRole {
    counters: Arc<ForwardCounters>,
    http: HttpRole,
}

impl ForwardRole {
    /// Of what it and its HTTP server count.
    #[must_use]
    pub const fn new(counters: Arc<ForwardCounters>, http: Arc<HttpCounters>) -> Self {
        Self {
            counters,
            http: HttpRole::new(http),
        }
    }
}

impl Role for ForwardRole {
    fn name(&self) -> &'static str {
        "forward proxy"
    }

    fn metrics(&self, into: &mut Metrics) {
        let counters = &*self.counters;
        let mut labelled = |metric: &Metric, label: &'static str, all: &[(&str, &Counter)]| {
            for (value, counter) in all {
                into.set_labelled(metric, vec![(label, (*value).to_owned())], counter.get());
            }
        };
        labelled(
            &set::FORWARD_REQUESTS,
            "outcome",
            &[
                ("content-information", &counters.described),
                ("passed-on", &counters.passed),
                ("tunnel", &counters.tunnels),
                ("refused", &counters.refused),
            ],
        );
        labelled(
            &set::FORWARD_BYTES,
            "source",
            &[
                ("store", &counters.store_bytes),
                ("peers", &counters.peer_bytes),
                ("hosted-cache", &counters.hosted_cache_bytes),
                ("origin", &counters.origin_bytes),
                ("passed-on", &counters.passed_bytes),
                ("content-information", &counters.metadata_bytes),
                ("tunnel", &counters.tunnel_bytes),
            ],
        );
        into.set(&set::FORWARD_BROKEN_OFF, counters.broken_off.get());
        let caches = [
            &counters.store_bytes,
            &counters.peer_bytes,
            &counters.hosted_cache_bytes,
        ];
        let from_cache = caches.into_iter().map(Counter::get).sum();
        let from_server = counters.origin_bytes.get();
        into.set(&set::BYTES_FROM_CACHE, from_cache);
        into.set(&set::BYTES_FROM_SERVER, from_server);
        into.set(&set::HTTP_BYTES_FROM_CACHE, from_cache);
        into.set(&set::HTTP_BYTES_FROM_SERVER, from_server);
        self.http.metrics(into);
    }
}
