//! MS-CCROD 2.8: the client framework, which fetches content from peers or a hosted cache, and the rest from the origin.
//! Invariant: nothing is stored or delivered that was not verified; every download ends, whatever peers do.
//! Byte order: none.
//!
//! ```text
//! Start ──▶ Discover ──▶ Discovered ──▶ Send ──▶ Message ──▶ Decrypt ──▶ Verify ──▶ Verified ──▶ Store, Deliver
//!    │          └─ nobody ─┐   └── timer, failure ─┐                        └─ bad: another peer, the origin
//!    └── hosted cache ─────┴──▶ FetchOrigin ◀──────┘ OriginArrived ──▶ Verify ...
//! ```
//!
//! All downloads of a process go through one [`Downloader`], so that they share what is known about who has what. It
//! contains the asking side of [retrieval](crate::retrieval::client); discovery is left to whoever drives it.
//!
//! The Download Initiated Flag of the document keeps a schedule session from starting inside another. Here a schedule
//! session runs from its start to its end within one call, so that the flag is never seen set.
//!
//! A hosted cache is asked which segments it has before it is asked for many of version 2.0, one block each.
//!
//! Where the document is silent or contradicts itself, the conflicts noted in the catalogue of requirements say what is
//! done. A server that has nothing idle left to give counts as complete. A list that is empty because its discovery
//! still runs does not turn a session away: it waits for that discovery.

mod arrivals;
mod content;
mod liars;
mod lists;
mod origin;
mod origin_side;
mod patience;
mod ports;
mod schedule;
mod segment_lists;
mod session;
mod settings;
mod steady;
#[cfg(test)]
mod tests;
mod timers;

use std::collections::{BTreeMap, VecDeque};

pub use content::WantedSegment;
pub use ports::{
    BlockOp, Delivery, DiscoveryToken, DownloadToken, Event, Failure, FetchToken, Input, Mode,
    Order, Output, SessionEnd, Shared, Sought, Source, Start, Tally, VerifyOp, VerifyToken,
};
pub use settings::Settings;
pub use steady::{Passed, PassedSegment, Steady, SteadyLane, SteadySession};

use arrivals::{Ask, Verifying};
use content::Download;
use liars::Liars;
use lists::ServerLists;
use origin::Fetch;
use segment_lists::ListAsk;
use session::{Session, SessionKey};
use timers::{Timer, Timers};

use crate::entropy::{Entropy, Purpose};
use crate::error::ApiMisuse;
use crate::retrieval::client::{self as retrieval, Peer, Tag};
use crate::time::Instant;

/// The client framework: all downloads of a process.
#[derive(Debug)]
pub struct Downloader {
    settings: Settings,
    now: Instant,
    order: Entropy,
    retrieval: retrieval::Client,
    downloads: BTreeMap<DownloadToken, Download>,
    sessions: BTreeMap<SessionKey, Session>,
    lists: ServerLists,
    liars: Liars,
    /// Discoveries under way.
    discoveries: Vec<DiscoveryToken>,
    /// Discoveries started since `period_start`: the Discovery Frequency Counter.
    discovery_count: u32,
    period_start: Instant,
    asks: BTreeMap<Tag, Ask>,
    segment_lists: BTreeMap<Tag, ListAsk>,
    verifying: BTreeMap<VerifyToken, Verifying>,
    fetches: BTreeMap<FetchToken, Fetch>,
    /// Requests outstanding at each peer.
    load: BTreeMap<Peer, u32>,
    timers: Timers,
    outputs: VecDeque<Output>,
    /// The machine's names for things, counted.
    names: u64,
    /// Whether something may have to be started.
    is_stirred: bool,
    /// The download that a session was started for last.
    last_served: DownloadToken,
}

/// How much a [`Downloader`] holds, to be watched and tested: each is bounded by [`Settings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Downloads.
    pub downloads: usize,
    /// Segments that are being fetched from peers.
    pub sessions: usize,
    /// Requests outstanding at peers.
    pub requests: usize,
    /// Blocks that are being verified.
    pub verifying: usize,
    /// Ranges outstanding at the origin.
    pub origin_ranges: usize,
    /// Server information lists.
    pub server_lists: usize,
    /// Peers whose blocks were not what they should be.
    pub liars: usize,
    /// Discoveries under way.
    pub discoveries: usize,
    /// Timers that run, those of requests apart.
    pub timers: usize,
    /// Most requests outstanding at one peer.
    pub requests_at_one_peer: u32,
}

impl Downloader {
    /// A framework without downloads. The seed decides about random orders.
    ///
    /// # Errors
    /// [`ApiMisuse`] for settings that make no sense.
    pub fn new(settings: Settings, seed: &[u8; 32]) -> Result<Self, ApiMisuse> {
        settings.check()?;
        Ok(Self {
            settings,
            now: Instant::ZERO,
            order: Entropy::new(seed, Purpose::Order),
            retrieval: retrieval::Client::new(settings.retrieval, seed)?,
            downloads: BTreeMap::new(),
            sessions: BTreeMap::new(),
            lists: ServerLists::default(),
            liars: Liars::default(),
            discoveries: Vec::new(),
            discovery_count: 0,
            period_start: Instant::ZERO,
            asks: BTreeMap::new(),
            segment_lists: BTreeMap::new(),
            verifying: BTreeMap::new(),
            fetches: BTreeMap::new(),
            load: BTreeMap::new(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            names: 0,
            is_stirred: false,
            last_served: DownloadToken(0),
        })
    }

    /// How much there is of everything.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            downloads: self.downloads.len(),
            sessions: self.sessions.len(),
            requests: self.retrieval.outstanding(),
            verifying: self.verifying.len(),
            origin_ranges: self.fetches.len(),
            server_lists: self.lists.len(),
            liars: self.liars.len(),
            discoveries: self.discoveries.len(),
            timers: self.timers.len(),
            requests_at_one_peer: self.load.values().copied().max().unwrap_or_default(),
        }
    }

    /// Moves the machine.
    ///
    /// # Errors
    /// [`ApiMisuse`] where the input contradicts what the machine put out; nothing has changed then.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), ApiMisuse> {
        self.now = self.now.max(now);
        match input {
            Input::Start(start) => self.start(&start)?,
            Input::Cancel { download } => self.cancel(download),
            Input::Discovered { peer, segments } => self.discovered(peer, segments),
            Input::DiscoveryFinished { discovery } => self.discovery_finished(discovery),
            Input::Message { exchange, bytes } => {
                self.retrieve(retrieval::Input::Message { exchange, bytes })?;
            }
            Input::Response { exchange, response } => {
                self.retrieve(retrieval::Input::Response { exchange, response })?;
            }
            Input::Failed { exchange } => self.retrieve(retrieval::Input::Failed { exchange })?,
            Input::Decrypted { exchange, quirk } => {
                self.retrieve(retrieval::Input::Decrypted { exchange, quirk })?;
            }
            Input::Verified { verify, good } => self.verified(verify, good)?,
            Input::OriginArrived { fetch, received } => self.origin_arrived(fetch, received),
            Input::OriginFailed { fetch } => self.origin_failed(fetch),
            Input::Timeout => self.expire(),
        }
        self.settle();
        Ok(())
    }

    /// What the world has to do next; `None` until something is handled.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timers = [self.timers.next(), self.retrieval.poll_timeout()];
        timers.into_iter().flatten().min()
    }

    //= CCROD-2.8.2.2.1-01
    //= CCROD-2.8.2.3.1-01
    fn start(&mut self, start: &Start<'_>) -> Result<(), ApiMisuse> {
        if self.downloads.contains_key(&start.download) {
            return Err(ApiMisuse("there is a download of this token"));
        }
        if self.downloads.len() >= self.settings.downloads_limit as usize {
            return Err(ApiMisuse("downloads_limit downloads are under way"));
        }
        if start.segments.len() > self.settings.segments_per_download as usize {
            return Err(ApiMisuse("more segments than segments_per_download"));
        }
        let mut download = Download::new(start)?;
        // In order of delivery the first block that is missing must be fetched first, else all would wait for it.
        if download.order == Order::Random && download.delivery == Delivery::AsVerified {
            let waiting = &mut download.waiting;
            for last in (1..waiting.len()).rev() {
                let other = self.order.below(last as u64 + 1);
                waiting.swap(last, usize::try_from(other).unwrap_or(last));
            }
        }
        let is_done = download.unfinished == 0;
        self.downloads.insert(start.download, download);
        self.hold_origin_back(start.download);
        if is_done {
            self.finish(start.download);
        }
        self.is_stirred = true;
        Ok(())
    }

    fn cancel(&mut self, download: DownloadToken) {
        if self.drop_download(download) {
            self.tell(Event::Cancelled { download });
        }
    }

    fn fail(&mut self, download: DownloadToken, why: Failure) {
        if self.drop_download(download) {
            self.tell(Event::Failed { download, why });
        }
    }

    fn finish(&mut self, token: DownloadToken) {
        if let Some(download) = self.downloads.remove(&token) {
            self.disown_verifying(token);
            self.timers.stop(Timer::OriginRetry(token));
            self.timers.stop(Timer::LookAgain(token));
            self.is_stirred = true;
            self.tell(Event::Finished {
                download: token,
                tally: download.tally,
            });
        }
    }

    /// Ends a download before its time. What was fetched of it is good nevertheless.
    fn drop_download(&mut self, token: DownloadToken) -> bool {
        let sessions = self.sessions.iter();
        let of_it = sessions.filter(|(_, session)| session.download == token);
        let keys: Vec<_> = of_it.map(|(key, _)| *key).collect();
        for key in keys {
            self.drop_session(key);
        }
        let fetches = self.fetches.iter();
        let of_it = fetches.filter(|(_, fetch)| fetch.download == token);
        let tokens: Vec<_> = of_it.map(|(fetch, _)| *fetch).collect();
        for fetch in tokens {
            self.fetches.remove(&fetch);
            self.timers.stop(Timer::Origin(fetch));
            self.outputs.push_back(Output::AbortOrigin { fetch });
        }
        self.timers.stop(Timer::OriginRetry(token));
        self.timers.stop(Timer::LookAgain(token));
        self.drop_segment_list(token);
        let Some(download) = self.downloads.remove(&token) else {
            return false;
        };
        self.disown_verifying(token);
        for (segment, progress) in download.segments.iter().enumerate() {
            let is_partial = !progress.left.is_empty() && progress.left != progress.wanted.blocks;
            if let Some((shared, offers)) = download.shared(segment).filter(|_| is_partial) {
                self.put_share(shared, offers);
            }
        }
        self.is_stirred = true;
        true
    }

    /// Tells that no more of a segment will come, and what came.
    fn put_share(&mut self, shared: Shared, offers: bool) {
        self.outputs.push_back(Output::Share(shared));
        if offers {
            self.outputs.push_back(Output::Offer(shared));
        }
    }

    /// Hands something to the asking side of retrieval; what it puts out is looked at when things settle.
    fn retrieve(&mut self, input: retrieval::Input<'_>) -> Result<(), ApiMisuse> {
        self.retrieval.handle(self.now, input)
    }

    /// Lets everything that follows from an input happen.
    fn settle(&mut self) {
        loop {
            self.drain_retrieval();
            if !core::mem::take(&mut self.is_stirred) {
                return;
            }
            self.start_sessions();
            self.schedule();
            self.fetch_from_origin();
            self.plan_to_look_again();
        }
    }

    //= CCROD-2.8.1.1-01
    fn expire(&mut self) {
        // Never refused: a timeout contradicts nothing.
        let _ = self.retrieve(retrieval::Input::Timeout);
        while let Some(timer) = self.timers.pop_due(self.now) {
            match timer {
                //= CCROD-2.8.1.2.1-01
                //= CCROD-2.8.1.2.2-01
                Timer::Download(session) => self.end_session(session, SessionEnd::TimedOut),
                Timer::Discovery(discovery) => {
                    self.outputs
                        .push_back(Output::CancelDiscovery { discovery });
                    self.discovery_finished(discovery);
                }
                Timer::ServerList(id) => self.lists.delete(&id, &mut self.timers),
                Timer::ServerEntry(id, peer) => {
                    self.lists
                        .remove(id, peer, &self.settings, &mut self.timers, self.now);
                }
                Timer::Origin(fetch) => {
                    self.outputs.push_back(Output::AbortOrigin { fetch });
                    self.origin_failed(fetch);
                }
                Timer::LookAgain(token) => self.look_again(token),
                Timer::OriginRetry(token) => {
                    if let Some(download) = self.downloads.get_mut(&token) {
                        download.origin_rests = false;
                        self.is_stirred = true;
                    }
                }
            }
        }
    }

    fn new_name(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
