//! MS-CCROD 2.8: the client framework of core, driven on sockets, disks and threads.
//! Invariant: it does what the machine says and decides nothing; tasks, messages and blocks go with what they are for.
//! Byte order: none.

mod obey;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use peerdist::client::{
    self, Delivery, DiscoveryToken, DownloadToken, Downloader, FetchToken, Input, Order, Source,
    Start, VerifyToken,
};
use peerdist::retrieval::client::Exchange;
use peerdist::retrieval::{BlockIndex, BlockSet};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::discovery::Discovery;
use super::error::GetError;
use super::happening::Happening;
use super::offers::Offers;
use super::origin::Origin;
use super::peers::{HOSTED, Peers};
use super::report::{Observer, Progress, Shares};
use super::settings::Settings;
use super::share::Shelf;
use super::stream::{Piece, Stream};
use super::workers::{self, Bench, Done, Job, Tag};
use crate::clock::Clock;
use crate::http::client::Client;
use crate::net::Network;
use crate::world::offload;

const DOWNLOAD: DownloadToken = DownloadToken(1);
/// Happenings that are looked at before workers get their work.
const TURN_HAPPENINGS: usize = 64;
/// What workers are given takes milliseconds, on a disk that does not stall.
const SETTLE_MOST: tokio::time::Duration = tokio::time::Duration::from_secs(10);

/// How a download ended.
#[derive(Debug)]
pub(super) enum Ended {
    Done,
    /// The content is another: begin anew.
    Changed,
    /// The content is not what the content information says.
    Differs,
    /// The origin gives the whole only.
    NoRanges,
}

/// What a driver is made of.
pub(super) struct Parts<N> {
    pub(super) origin: Origin<N>,
    pub(super) peer_client: Client<N>,
    pub(super) bench: Arc<Bench>,
    pub(super) have: Vec<BlockSet>,
    /// The first block that the stream was not given yet.
    pub(super) handed_on: (usize, u32),
    pub(super) stream: Option<Stream>,
    pub(super) shelf: Option<Arc<Shelf>>,
    pub(super) peers: Peers,
    pub(super) is_hosted: bool,
    pub(super) discovery: Discovery,
    pub(super) order: Order,
    pub(super) settings: Settings,
    pub(super) seed: [u8; 32],
    pub(super) clock: Clock,
    pub(super) conditional: bool,
    pub(super) offers: Option<Offers<N>>,
}

pub(super) struct Driver<N> {
    pub(super) parts: Parts<N>,
    machine: Downloader,
    events: mpsc::UnboundedSender<Happening>,
    happenings: mpsc::UnboundedReceiver<Happening>,
    tasks: JoinSet<()>,
    exchanges: BTreeMap<Exchange, AbortHandle>,
    fetches: BTreeMap<FetchToken, AbortHandle>,
    searches: BTreeMap<DiscoveryToken, AbortHandle>,
    /// Blocks of the origin that the machine did not ask for yet.
    arrived: BTreeMap<(FetchToken, u64), Vec<u8>>,
    /// The message that the machine looks at.
    message: Option<(Exchange, Vec<u8>)>,
    /// What was found of the block that the machine hears was decrypted.
    judged: Option<Done>,
    /// What the machine is to hear next.
    next: VecDeque<(VerifyToken, Source, bool, Option<Bytes>)>,
    /// The block that the machine hears was verified: where it is from, and its bytes.
    verified: Option<(Source, Option<Bytes>)>,
    /// Blocks that wait for those before them.
    waiting: BTreeMap<(usize, BlockIndex), Bytes>,
    /// The first block that was not handed on.
    cursor: (usize, u32),
    jobs: VecDeque<Job>,
    /// What came while the reader of the stream was behind.
    held_back: VecDeque<Done>,
    busy: usize,
    pub(super) progress: Progress,
    pub(super) lies: u64,
    pub(super) rejected: u64,
    /// Why the origin failed last.
    why: Option<String>,
    ended: Option<Result<Ended, GetError>>,
}

impl<N: Network> Driver<N> {
    pub(super) fn new(parts: Parts<N>) -> Result<Self, GetError> {
        let described = &parts.bench.described;
        let settings = parts.settings.of(described.info().view().version());
        let machine = Downloader::new(settings, &parts.seed);
        let machine = machine.map_err(|misuse| GetError::Settings(misuse.0))?;
        let (events, happenings) = mpsc::unbounded_channel();
        let mut shares = Shares::default();
        for (row, have) in parts.have.iter().enumerate() {
            let Some(wanted) = described.wanted(row) else {
                break;
            };
            let clipped = have
                .iter()
                .map(|index| described.clip(wanted.range_of(index)).0.length);
            shares.local_cache += clipped.sum::<u64>();
        }
        let length = Some(described.range().length);
        let cursor = parts.handed_on;
        Ok(Self {
            parts,
            machine,
            events,
            happenings,
            tasks: JoinSet::new(),
            exchanges: BTreeMap::new(),
            fetches: BTreeMap::new(),
            searches: BTreeMap::new(),
            arrived: BTreeMap::new(),
            message: None,
            judged: None,
            next: VecDeque::new(),
            verified: None,
            waiting: BTreeMap::new(),
            cursor,
            jobs: VecDeque::new(),
            held_back: VecDeque::new(),
            busy: 0,
            progress: Progress { shares, length },
            lies: 0,
            rejected: 0,
            why: None,
            ended: None,
        })
    }

    /// Fetches all that is missing.
    pub(super) async fn run(
        &mut self,
        observer: &mut dyn Observer,
        stop: &CancellationToken,
    ) -> Result<Ended, GetError> {
        self.start()?;
        let mut turn = Vec::with_capacity(TURN_HAPPENINGS);
        loop {
            self.put_to_work();
            observer.progress(&self.progress);
            if let Some(ended) = self.ended.take() {
                return ended;
            }
            while self.tasks.try_join_next().is_some() {}
            let due = self.machine.poll_timeout();
            let backlog = self
                .parts
                .stream
                .as_ref()
                .map(|stream| Arc::clone(&stream.backlog));
            let is_behind = !self.held_back.is_empty();
            let caught_up = async {
                match backlog.filter(|_| is_behind) {
                    Some(backlog) => backlog.shrunk().await,
                    None => std::future::pending().await,
                }
            };
            let offers = async {
                match self.parts.offers.as_mut() {
                    Some(offers) => offers.turn().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(GetError::Stopped),
                () = offers => {}
                () = caught_up => {}
                _ = self.happenings.recv_many(&mut turn, TURN_HAPPENINGS) => {
                    for happening in turn.drain(..) {
                        self.happen(happening);
                    }
                }
                () = self.parts.clock.sleep_until(due) => {}
            }
            // What came counts before time is over, but as much as may come does not hold timers up.
            let due = self.machine.poll_timeout();
            if due.is_some_and(|due| due <= self.parts.clock.now()) {
                self.feed(Input::Timeout);
            }
            self.hear();
            let stream = self.parts.stream.as_ref();
            if stream.is_some_and(Stream::has_ended) && self.ended.is_none() {
                self.ended = Some(Err(GetError::ReaderWentAway));
            }
        }
    }

    /// What is left when it is over. Workers are waited for: one that wrote later would write into what comes next.
    pub(super) async fn finish(mut self) -> (Option<Stream>, Option<Offers<N>>) {
        self.tasks.shutdown().await;
        let settling = async {
            while self.busy > 0 {
                match self.happenings.recv().await {
                    Some(Happening::Worked(_)) => self.busy -= 1,
                    Some(_) => {}
                    None => return,
                }
            }
        };
        let _ = tokio::time::timeout(SETTLE_MOST, settling).await;
        (self.parts.stream, self.parts.offers)
    }

    fn start(&mut self) -> Result<(), GetError> {
        let described = Arc::clone(&self.parts.bench.described);
        let wanted = described.missing(&self.parts.have);
        let is_stream = self.parts.stream.is_some();
        let start = Start {
            download: DOWNLOAD,
            version: described.info().view().version(),
            segments: &wanted,
            mode: if self.parts.is_hosted {
                client::Mode::Hosted(HOSTED)
            } else {
                client::Mode::Distributed
            },
            order: self.parts.order,
            delivery: if is_stream {
                Delivery::InOrder
            } else {
                Delivery::AsVerified
            },
        };
        let started = self
            .machine
            .handle(self.parts.clock.now(), Input::Start(start));
        started.map_err(|misuse| GetError::Settings(misuse.0))?;
        self.drain();
        Ok(())
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Message { exchange, bytes } => {
                if self.exchanges.remove(&exchange).is_none() {
                    return;
                }
                // The machine looks at the message and keeps nothing of it; what it wants of it, it says at once.
                let message = self.machine.handle(
                    self.parts.clock.now(),
                    Input::Message {
                        exchange,
                        bytes: &bytes,
                    },
                );
                self.message = Some((exchange, bytes));
                self.check(message);
                self.message = None;
            }
            Happening::NoMessage { exchange } => {
                if self.exchanges.remove(&exchange).is_some() {
                    self.feed(Input::Failed { exchange });
                }
            }
            Happening::Found {
                peer,
                segments,
                replies,
            } => {
                self.parts.bench.described.note_replies(&replies);
                let most = self.parts.settings.peers_most;
                if let Some(peer) = self.parts.peers.number(peer, most) {
                    self.feed(Input::Discovered {
                        peer,
                        segments: &segments,
                    });
                }
            }
            Happening::SearchEnded { discovery } => {
                self.searches.remove(&discovery);
                self.feed(Input::DiscoveryFinished { discovery });
            }
            Happening::OriginBlock {
                fetch,
                start,
                received,
                bytes,
                is_last,
            } => {
                if self.fetches.contains_key(&fetch) {
                    self.arrived.insert((fetch, start), bytes);
                    if is_last {
                        self.fetches.remove(&fetch);
                    }
                    self.feed(Input::OriginArrived { fetch, received });
                }
            }
            Happening::OriginFailed { fetch, why } => {
                if self.fetches.remove(&fetch).is_some() {
                    self.why = Some(why);
                    self.feed(Input::OriginFailed { fetch });
                }
            }
            Happening::OriginChanged => self.end(Ok(Ended::Changed)),
            Happening::OriginWithoutRanges => self.end(Ok(Ended::NoRanges)),
            Happening::Worked(done) => self.worked(done),
        }
    }

    fn worked(&mut self, done: io::Result<Vec<Done>>) {
        self.busy = self.busy.saturating_sub(1);
        match done {
            Ok(done) => self.held_back.extend(done),
            Err(source) => self.end(Err(GetError::Write {
                what: "the content".into(),
                source,
            })),
        }
    }

    /// Lets the machine hear what workers found, unless the reader of the stream is behind.
    fn hear(&mut self) {
        let most = self.parts.settings.of_v1.ahead_bytes_limit;
        let backlog = |stream: &Stream| stream.backlog.bytes() < most;
        while self.parts.stream.as_ref().is_none_or(backlog) {
            let Some(done) = self.held_back.pop_front() else {
                return;
            };
            match done.tag {
                Tag::Decrypted(exchange) => {
                    let quirk = done.quirk;
                    self.judged = Some(done);
                    self.feed(Input::Decrypted { exchange, quirk });
                    self.judged = None;
                }
                Tag::Verified(verify, source) => {
                    self.next.push_back((verify, source, done.good, done.bytes));
                    self.tell_verified();
                }
            }
        }
    }

    /// Hands an input in and does what comes of it.
    fn feed(&mut self, input: Input<'_>) {
        let handled = self.machine.handle(self.parts.clock.now(), input);
        self.check(handled);
    }

    fn check(&mut self, handled: Result<(), peerdist::error::ApiMisuse>) {
        if let Err(misuse) = handled {
            tracing::error!(%misuse, "the client framework refused an input");
        }
        self.drain();
        self.tell_verified();
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            self.obey(output);
        }
    }

    fn tell_verified(&mut self) {
        while let Some((verify, source, good, bytes)) = self.next.pop_front() {
            self.verified = Some((source, bytes));
            let handled = self
                .machine
                .handle(self.parts.clock.now(), Input::Verified { verify, good });
            if let Err(misuse) = handled {
                tracing::error!(%misuse, "the client framework refused an input");
            }
            self.drain();
            self.verified = None;
        }
    }

    fn end(&mut self, ended: Result<Ended, GetError>) {
        self.ended.get_or_insert(ended);
    }

    /// Gives waiting blocks to workers that are free.
    fn put_to_work(&mut self) {
        let settings = &self.parts.settings;
        while !self.jobs.is_empty() && (settings.workers == 0 || self.busy < settings.workers) {
            // Few blocks at a time would leave lanes of the kernels empty. Those that wait go when a worker comes back.
            let is_idle = settings.workers == 0 || self.busy == 0;
            if !is_idle && self.jobs.len() < settings.batch_blocks_least {
                return;
            }
            // Others get their part of what there is.
            let share = self.jobs.len().div_ceil(settings.workers.max(1));
            let share = share.max(settings.batch_blocks_least);
            let most = settings.batch_blocks_most.min(share).min(self.jobs.len());
            let jobs: Vec<_> = self.jobs.drain(..most).collect();
            let bench = Arc::clone(&self.parts.bench);
            self.busy += 1;
            if settings.workers == 0 {
                let _ = self
                    .events
                    .send(Happening::Worked(workers::work(&bench, jobs)));
                continue;
            }
            let events = self.events.clone();
            offload(move || {
                let done = workers::work(&bench, jobs);
                // Whoever hears of it may be about to hand the file to somebody else.
                drop(bench);
                let _ = events.send(Happening::Worked(done));
            });
        }
    }

    /// Hands on what is local up to a block, which is up next.
    fn hand_on_local(&mut self, until: (usize, u32)) {
        let Some(stream) = &self.parts.stream else {
            return;
        };
        while self.cursor < until {
            let (row, from) = self.cursor;
            let Some(have) = self.parts.have.get(row) else {
                return;
            };
            match have.first_from(from) {
                Some(index) if (row, index.get()) < until => {
                    stream.push(Piece::Local(row, index));
                    self.cursor = (row, index.get() + 1);
                }
                _ if row < until.0 => self.cursor = (row + 1, 0),
                _ => self.cursor = until,
            }
        }
    }
}
