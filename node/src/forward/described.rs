//! Content that comes by content information, as the body of the answer to a program.
//! Invariant: the head goes out with the first verified byte, and not before.
//! Byte order: none.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, response};
use peerdist::content::CONTENT_MAX_BYTES;
use peerdist::http_encoding::{Delivery, PEERDIST, PEERDIST_EX};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use super::body::ForwardBody;
use super::proxy::Shared;
use crate::activity::Outcome;
use crate::get::announced::Announced;
use crate::get::{Destination, Observer, Progress, Request as Download, Shares, StoredBlocks};
use crate::net::Network;
use crate::store::StoreHandle;

/// Whether content information may be asked for in the name of a program.
pub(super) fn is_eligible<B: http_body::Body>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let has = |name: HeaderName, word: &[u8]| {
        let values = headers.get_all(name).iter();
        values
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .any(|value| value.trim_ascii().eq_ignore_ascii_case(word))
    };
    let mut ranges = headers.get_all(header::RANGE).iter();
    let range = ranges.next();
    let is_one_range = range.is_none_or(|range| {
        matches!(
            Delivery::of(range.as_bytes(), CONTENT_MAX_BYTES),
            Delivery::Part(_)
        )
    });
    *request.method() == Method::GET
        && request.body().is_end_stream()
        && is_one_range
        && ranges.next().is_none()
        // A program that speaks it is answered by whom it asks.
        && !headers.contains_key(PEERDIST)
        && !has(header::ACCEPT_ENCODING, b"peerdist")
        // What is not to be stored would be, in a store that is shared.
        && !has(header::CACHE_CONTROL, b"no-store")
}

/// What the origin said, as of the content itself.
fn uncoded(headers: &mut HeaderMap, length: u64) {
    headers.remove(header::CONTENT_ENCODING);
    remove_peerdist(headers);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
}

/// Removes the fields that the program did not ask for.
pub(super) fn remove_peerdist(headers: &mut HeaderMap) {
    for name in [PEERDIST, PEERDIST_EX] {
        headers.remove(name);
    }
}

fn may_be_stored(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    !values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|value| value.trim_ascii().eq_ignore_ascii_case(b"no-store"))
}

/// Fetches the content. `None`: nothing of it came, and it is to be asked for plainly.
pub(super) async fn answer<N: Network>(
    shared: &Arc<Shared<N>>,
    announced: Announced<N>,
    mut head: response::Parts,
    url: String,
    permit: OwnedSemaphorePermit,
) -> Option<Response<ForwardBody>> {
    let length = announced.length();
    let options = &shared.options;
    let counters = &options.counters;
    counters.metadata_bytes.add(announced.metadata_bytes());
    let (to, mut from) = mpsc::channel(options.limits.pieces_most.max(1));
    let stop = CancellationToken::new();
    let download = stop.clone().drop_guard();
    let mut request = Download::new(&url, Destination::Stream(to), seed(shared));
    request.mode = options.mode.clone();
    request.discovery = options.discovery.clone();
    request.settings = options.settings;
    request.clock = options.clock;
    request.stop = stop;
    if let Some(store) = options
        .store
        .clone()
        .filter(|_| may_be_stored(&head.headers))
    {
        request.cache = Some(Arc::new(StoredBlocks::new(StoreHandle::Owned(store))));
    }
    let (sharing, mut counting) = (
        Arc::clone(shared),
        Counting(Arc::clone(shared), Shares::default()),
    );
    let fetching = tokio::spawn(async move {
        let peers = sharing.peer_client.clone();
        // What is not kept cannot be fetched from here, and is not offered.
        let port = sharing
            .options
            .peer_port
            .filter(|_| request.cache.is_some());
        let (network, request) = (sharing.network.clone(), Arc::new(request));
        let fetched = announced.fetch(network, request, peers, port, &mut counting);
        let fetched = fetched.await;
        drop(permit);
        if let Err(error) = &fetched {
            tracing::warn!(%error, "content was not got by its content information");
        }
    });
    let Some(first) = from.recv().await else {
        let _ = fetching.await;
        return None;
    };
    counters.described.add(1);
    shared.clean(&mut head.headers);
    uncoded(&mut head.headers, length);
    head.extensions.insert(Outcome {
        what: "content by content information",
        why: "",
        spared_bytes: 0,
        event_id: 0,
    });
    let body = ForwardBody::content(first, from, length, download, Arc::clone(counters));
    Some(Response::from_parts(head, body))
}

/// Another one for each download.
fn seed<N>(shared: &Shared<N>) -> [u8; 32] {
    let mut seed = shared.options.seed;
    let number = shared.downloads.fetch_add(1, Relaxed).to_be_bytes();
    for (byte, more) in seed.iter_mut().rev().zip(number) {
        *byte ^= more;
    }
    seed
}

/// Counts where bytes come from, while they come.
struct Counting<N>(Arc<Shared<N>>, Shares);

impl<N: Network> Observer for Counting<N> {
    fn progress(&mut self, progress: &Progress) {
        let (counters, before, now) = (&self.0.options.counters, self.1, progress.shares);
        counters.origin_bytes.add(now.origin - before.origin);
        counters.peer_bytes.add(now.peers - before.peers);
        let hosted_cache = now.hosted_cache - before.hosted_cache;
        counters.hosted_cache_bytes.add(hosted_cache);
        let store = now.local_cache - before.local_cache;
        counters.store_bytes.add(store);
        self.1 = now;
    }
}
