//! A host that stops in the middle of everything, and returns: its store is what is left of it.
//! Invariant: nothing of an earlier life reaches a later one; whoever waited for it hears that no answer comes.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::content::Version;
use peerdist::hosted_cache::SegmentKey;
use peerdist::hosted_cache::client::{Input as OfferInput, RequestId};
use peerdist::hosted_cache::server::Input as CacheInput;
use peerdist::retrieval::BlockSet;

use super::branch::{Branch, Happening, Sending};
use super::caching::Cache;
use super::host::Caller;
use super::network::Flow;
use super::offering::algorithm;
use crate::chance::seed_of;

impl Sending {
    /// The two hosts that a message is between; the origin is nobody.
    fn between(&self, cache: u32) -> (u32, Option<u32>) {
        match self {
            Self::ContentRequest { host, .. }
            | Self::ContentInfo { host, .. }
            | Self::Whole { host, .. }
            | Self::RangeRequest { host, .. }
            | Self::Range { host, .. }
            | Self::Changed { host, .. } => (*host, None),
            Self::Request { caller, peer, .. } | Self::Response { caller, peer, .. } => {
                (caller.host, Some(*peer))
            }
            Self::Offer { host, .. } | Self::OfferAnswer { host, .. } => (*host, Some(cache)),
        }
    }

    fn is_of(&self, host: u32, cache: u32) -> bool {
        let (one, other) = self.between(cache);
        one == host || other == Some(host)
    }

    fn offer(&self) -> Option<(u32, RequestId)> {
        match self {
            Self::Offer { host, offer } => Some((*host, offer.request)),
            Self::OfferAnswer { host, request, .. } => Some((*host, *request)),
            _ => None,
        }
    }
}

impl Happening {
    /// Whether it happens to a host, or is a message from or to it.
    fn is_of(&self, number: u32, cache: u32) -> bool {
        match self {
            Self::Start(_, _, _, sending) | Self::Arrived(sending) => sending.is_of(number, cache),
            Self::RangeArrived { host, .. }
            | Self::Wake(host, _)
            | Self::OfferFailed { host, .. }
            | Self::Loaded { host, .. } => *host == number,
            Self::Failed(caller) => caller.host == number,
            Self::Probe { to, from, .. } | Self::ProbeMatch { to, from, .. } => {
                *to == number || *from == number
            }
            Self::Begin(_) | Self::BeginAgain(_) | Self::Fault { .. } => false,
        }
    }

    fn offer(&self) -> Option<(u32, RequestId)> {
        match self {
            Self::Start(_, _, _, sending) | Self::Arrived(sending) => sending.offer(),
            _ => None,
        }
    }
}

impl Branch<'_> {
    /// A host stops.
    pub(super) fn crash(&mut self, number: u32) {
        let cache = self.site.cache_number();
        let latency = self.lan_latency();
        // Offers that it will never answer.
        let mut offers: Vec<(u32, RequestId)> = Vec::new();
        self.queue.retain(|happening| {
            let is_kept = !happening.is_of(number, cache);
            if !is_kept {
                offers.extend(happening.offer());
            }
            is_kept
        });
        let flows: Vec<Flow> = self.flows_of(|sending| sending.is_of(number, cache));
        for flow in flows {
            self.faulting.forget(flow);
            if let Some((sending, _)) = self.cut_off(flow) {
                offers.extend(sending.offer());
                self.forget_flow(&sending);
            }
        }
        self.drop_held(|sending| sending.is_of(number, cache));
        let Some(host) = self.host(number) else {
            return;
        };
        let waiting = std::mem::take(&mut host.waiting);
        let downloads = std::mem::take(&mut host.downloads);
        host.life += 1;
        host.asking = None;
        host.answering = None;
        host.offers = None;
        host.idle.clear();
        let posted = host.cache.as_deref_mut().map(Cache::take_posted);
        offers.extend(posted.into_iter().flatten());
        let begun = downloads.into_values().map(|it| it.fetch);
        self.faulting.to_begin_again.extend(begun);
        // Those whom it asked see the connection end.
        for waiting in waiting.into_values() {
            if let Some(connection) = waiting.connection {
                self.closed(waiting.peer, connection);
            }
        }
        if number != cache
            && let Some(its) = self.host(cache).and_then(|host| host.cache.as_deref_mut())
        {
            its.forget_posted(number);
        }
        // Those who asked it do too.
        let failed = self.now + latency;
        for other in 0..u32::try_from(self.hosts.len()).unwrap_or(u32::MAX) {
            let Some(host) = self.host(other).filter(|_| other != number) else {
                continue;
            };
            host.idle.remove(&Some(number));
            let asked = host.waiting.iter_mut();
            let asked: Vec<Caller> = asked
                .filter(|(_, waiting)| waiting.peer == number)
                .map(|(exchange, waiting)| {
                    waiting.connection = None;
                    Caller {
                        host: other,
                        exchange: *exchange,
                    }
                })
                .collect();
            for caller in asked {
                self.queue.push(failed, Happening::Failed(caller));
            }
        }
        offers.sort_unstable();
        offers.dedup();
        for (host, request) in offers {
            if host != number {
                self.queue
                    .push(failed, Happening::OfferFailed { host, request });
            }
        }
    }

    /// A host is back.
    pub(super) fn come_back(&mut self, number: u32) {
        if self.is_cache(number) {
            self.open_cache_again(number);
        }
        let now = self.now;
        let again = self.faulting.to_begin_again.iter();
        let again: Vec<_> = again
            .filter(|fetch| fetch.host == number)
            .copied()
            .collect();
        // Those that wait for the time to begin again have an event of their own: it finds them begun.
        for fetch in again {
            self.queue.push(now, Happening::BeginAgain(fetch));
        }
    }

    /// An offer has no answer.
    pub(super) fn offer_failed(&mut self, number: u32, request: RequestId) {
        self.offers(number, OfferInput::Unreachable { request });
    }

    /// A hosted cache finds what its store has from before.
    fn open_cache_again(&mut self, number: u32) {
        let life = self.host(number).map_or(0, |host| host.life);
        let of = [self.site.number.into(), life];
        let seed = seed_of(self.plan.seed, "hosted cache again", &of);
        let Some(host) = self.host(number) else {
            return;
        };
        let mut held = Vec::new();
        for (wanted, version, blocks) in host.store.held_segments() {
            held.push((wanted, version, blocks));
        }
        let sealed = host
            .cache
            .as_deref_mut()
            .map(|cache| std::mem::take(&mut cache.sealed))
            .unwrap_or_default();
        host.cache = Cache::new(&seed).map(Box::new);
        for (wanted, version, blocks) in held {
            let key = SegmentKey {
                algorithm: algorithm(version),
                id: wanted.id,
            };
            let unverified = match version {
                Version::V2 => blocks,
                Version::V1 => {
                    let sealed = sealed.get(&wanted.id).copied();
                    blocks.intersection(&sealed.unwrap_or(BlockSet::EMPTY))
                }
            };
            let verified = blocks.difference(&unverified);
            let is_proven = version == Version::V1 && !verified.is_empty();
            let input = CacheInput::Restored {
                key,
                length: wanted.length,
                is_proven,
                hashed: if is_proven {
                    wanted.blocks
                } else {
                    BlockSet::EMPTY
                },
                verified,
                unverified,
            };
            self.cache(number, input);
        }
        let sealed: BTreeMap<_, _> = sealed;
        if let Some(cache) = self.host(number).and_then(|host| host.cache.as_deref_mut()) {
            cache.sealed = sealed;
        }
    }
}
