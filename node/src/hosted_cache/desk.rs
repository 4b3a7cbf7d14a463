//! The machine and whoever does its word: one task, one thing after another.
//! Invariant: what the machine wants stored is stored before anything that it said later is begun.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use peerdist::error::ApiMisuse;
use peerdist::hosted_cache::server::{
    Decision, Event, Fetch, FetchToken, Input, Output, RequestToken, Server,
};
use peerdist::hosted_cache::{BlockSet, Quirks, ResponseCode, SegmentKey, TagCounts, Version};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::changes::Changes;
use super::fetching::Fetcher;
use super::{keeping, restoring};
use crate::clock::Clock;
use crate::counters::HostedCacheCounters;
use crate::net::Network;
use crate::store::{Store, StoreError};
use crate::world::offload;

/// A request on its way to the machine.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) from: SocketAddr,
    pub(super) version: Version,
    pub(super) quirks: Quirks,
    pub(super) is_authenticated: bool,
    pub(super) message: Bytes,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Code(ResponseCode),
    Unauthorized,
    Dropped,
}

/// How a hosted cache stands.
#[derive(Debug, Clone)]
pub struct HostedCacheStatus {
    /// Segments that it knows of: held, waiting or on their way.
    pub segments_known: usize,
    /// Segments that are being fetched.
    pub segments_in_flight: usize,
    /// Segments offered so far, by content tag.
    pub tags: TagCounts,
}

/// The end of a fetch. Whatever ends it, dropping this tells of it.
struct Ending {
    token: FetchToken,
    stored: Option<Came>,
    ended: mpsc::UnboundedSender<Ended>,
}

/// The blocks that a fetch brought.
type Came = (SegmentKey, BlockSet);
pub(super) type Ended = (FetchToken, Option<Came>);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.ended.send((self.token, self.stored));
    }
}

pub(super) struct Desk<N> {
    machine: Server,
    store: Store,
    clock: Clock,
    counters: Arc<HostedCacheCounters>,
    fetcher: Arc<Fetcher<N>>,
    running: BTreeMap<FetchToken, CancellationToken>,
    tasks: TaskTracker,
    // One message for each fetch that runs, of which the machine bounds the number.
    ended: mpsc::UnboundedSender<Ended>,
    status: watch::Sender<HostedCacheStatus>,
    requests: u64,
    stop: CancellationToken,
}

/// The request that is being handled: its answer, and its bytes for as long as outputs point into them.
#[derive(Default)]
struct Current {
    message: Bytes,
    reply: Option<oneshot::Sender<Reply>>,
}

impl Current {
    fn answer(&mut self, reply: Reply) {
        if let Some(waiting) = self.reply.take() {
            let _ = waiting.send(reply);
        }
    }
}

impl<N: Network> Desk<N> {
    pub(super) fn new(
        machine: Server,
        store: Store,
        fetcher: Fetcher<N>,
        clock: Clock,
        stop: CancellationToken,
    ) -> (Self, mpsc::UnboundedReceiver<Ended>) {
        let (ended, endings) = mpsc::unbounded_channel();
        let status = watch::Sender::new(HostedCacheStatus {
            segments_known: machine.segments_known(),
            segments_in_flight: 0,
            tags: machine.tags().clone(),
        });
        let desk = Self {
            machine,
            store,
            clock,
            counters: Arc::clone(&fetcher.counters),
            fetcher: Arc::new(fetcher),
            running: BTreeMap::new(),
            tasks: TaskTracker::new(),
            ended,
            status,
            requests: 0,
            stop,
        };
        (desk, endings)
    }

    pub(super) fn status(&self) -> watch::Receiver<HostedCacheStatus> {
        self.status.subscribe()
    }

    /// Works until nobody can ask any more, and brings all of it to the disk.
    pub(super) async fn run(
        mut self,
        mut requests: mpsc::Receiver<Asked>,
        mut endings: mpsc::UnboundedReceiver<Ended>,
        changes: Arc<Changes>,
    ) {
        loop {
            let due = self.machine.poll_timeout();
            tokio::select! {
                // What was begun ends before anything is begun, and what is asked from outside comes last.
                biased;
                Some((token, stored)) = endings.recv() => self.fetched(token, stored).await,
                () = changes.come() => self.changed(&changes).await,
                () = self.clock.sleep_until(due) => {
                    self.handle(Input::Timeout);
                    self.obey(Current::default()).await;
                }
                asked = requests.recv() => match asked {
                    Some(asked) => self.asked(asked).await,
                    None => break,
                },
            }
            self.status.send_replace(HostedCacheStatus {
                segments_known: self.machine.segments_known(),
                segments_in_flight: self.running.len(),
                tags: self.machine.tags().clone(),
            });
        }
        self.tasks.close();
        self.tasks.wait().await;
        self.with_store("bring it to the disk", |store| store.flush())
            .await;
    }

    fn handle(&mut self, input: Input<'_>) {
        if let Err(ApiMisuse(why)) = self.machine.handle(self.clock.now(), input) {
            tracing::error!(why, "the hosted cache was misused");
        }
    }

    async fn asked(&mut self, asked: Asked) {
        self.requests += 1;
        let current = Current {
            message: asked.message,
            reply: Some(asked.reply),
        };
        let message = current.message.clone();
        self.handle(Input::Request {
            request: RequestToken(self.requests),
            from: asked.from,
            version: asked.version,
            quirks: asked.quirks,
            is_authenticated: asked.is_authenticated,
            message: &message,
        });
        self.obey(current).await;
    }

    async fn fetched(&mut self, token: FetchToken, stored: Option<Came>) {
        self.running.remove(&token);
        let stored = match stored {
            Some((key, blocks)) => {
                // What gave way since it came is not there; what gives way from here on is told later.
                let look = move |store: &Store| restoring::held(store, &key.id);
                let held = self.with_store("look at what came", look).await;
                held.map(|held| blocks.intersection(&held))
            }
            None => None,
        };
        match stored.filter(|stored| !stored.is_empty()) {
            Some(stored) => self.handle(Input::Fetched { token, stored }),
            None => self.handle(Input::FetchFailed { token }),
        }
        self.obey(Current::default()).await;
    }

    async fn changed(&mut self, changes: &Changes) {
        for id in changes.take() {
            let look = move |store: &Store| restoring::gone(store, &id);
            let gone = self.with_store("look at what went", look).await;
            for input in gone.unwrap_or_default() {
                self.handle(input);
                self.obey(Current::default()).await;
            }
        }
    }

    /// Does something with the store where it may wait for the disk.
    async fn with_store<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        let store = self.store.clone();
        let done = offload(move || work(&store)).await;
        match done.ok()? {
            Ok(done) => Some(done),
            Err(error) => {
                self.counters.store_failures.add(1);
                tracing::warn!(%error, what, "the store failed");
                None
            }
        }
    }

    /// Does what the machine says, until it says no more.
    async fn obey(&mut self, mut current: Current) {
        while let Some(output) = self.machine.poll_output() {
            let now = self.clock.now();
            match output {
                Output::Respond { code, .. } => current.answer(Reply::Code(code)),
                Output::Unauthorized { .. } => {
                    self.counters.unauthorized.add(1);
                    current.answer(Reply::Unauthorized);
                }
                Output::Drop { .. } => current.answer(Reply::Dropped),
                Output::KeepHashes(keep) => {
                    let message = current.message.clone();
                    let work =
                        move |store: &Store| keeping::keep_hashes(store, now, &keep, &message);
                    self.with_store("keep hashes", work).await;
                }
                Output::Fetch(fetch) => self.start(fetch),
                Output::Abandon { token } => {
                    if let Some(running) = self.running.remove(&token) {
                        running.cancel();
                    }
                }
                Output::Recheck { key, blocks } => {
                    let work = move |store: &Store| keeping::recheck(store, now, &key, &blocks);
                    let good = self.with_store("look at blocks again", work).await;
                    self.handle(Input::Rechecked {
                        key,
                        checked: blocks,
                        good: good.unwrap_or_default(),
                    });
                }
                Output::Discard {
                    key,
                    blocks,
                    only_ciphertext,
                } => {
                    let work = move |store: &Store| {
                        keeping::discard(store, &key.id, &blocks, only_ciphertext)
                    };
                    self.with_store("remove blocks", work).await;
                }
                Output::Forget { key } => {
                    let work = move |store: &Store| keeping::forget(store, &key);
                    self.with_store("forget a segment", work).await;
                }
                Output::Event(event) => self.tell(&event),
            }
        }
    }

    fn start(&mut self, fetch: Fetch) {
        self.counters.fetches.add(1);
        let cancel = self.stop.child_token();
        self.running.insert(fetch.token, cancel.clone());
        let ending = Ending {
            token: fetch.token,
            stored: None,
            ended: self.ended.clone(),
        };
        let fetcher = Arc::clone(&self.fetcher);
        self.tasks.spawn(async move {
            // All of it, also where the fetch ends in another way than this.
            let mut ending = ending;
            let key = fetch.key;
            let came = fetcher.fetch(fetch, &cancel).await;
            ending.stored = came.map(|blocks| (key, blocks));
        });
    }

    fn tell(&self, event: &Event) {
        let counters = &*self.counters;
        match event {
            Event::Rejected(rejected) => {
                counters.rejected.add(1);
                tracing::debug!(%rejected, "a request was dropped");
            }
            Event::BadContentInformation { from, why, .. } => {
                counters.bad_content_information.add(1);
                tracing::debug!(%from, %why, "content information of an offer is no use");
            }
            Event::Quirks { quirks, .. } => tracing::debug!(?quirks, "an odd request"),
            Event::Offered {
                from,
                key,
                decision,
                ..
            } => {
                let counter = match decision {
                    Decision::Held => &counters.offered_held,
                    Decision::Queued => &counters.offered_queued,
                    Decision::NextSource => &counters.offered_next_source,
                    Decision::AskedForHashes => &counters.offered_asked_for_hashes,
                    Decision::Skipped(_) => &counters.offered_skipped,
                };
                counter.add(1);
                tracing::debug!(%from, id = %key.id, ?decision, "a segment was offered");
            }
            Event::Fetched {
                from,
                key,
                stored,
                missing,
            } => {
                let (stored, missing) = (stored.len(), missing.len());
                tracing::debug!(%from, id = %key.id, stored, missing, "a segment was fetched");
            }
            Event::FetchFailed {
                from,
                key,
                timed_out,
            } => {
                counters.fetches_failed.add(1);
                if *timed_out {
                    counters.fetches_timed_out.add(1);
                }
                tracing::debug!(%from, id = %key.id, timed_out, "a fetch brought nothing");
            }
        }
    }
}
