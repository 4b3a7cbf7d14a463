//! MS-PCCRD 3.1 on real sockets: searches for segments, and the peers that have them.
//! Invariant: every search ends, by its request timer, when it is dropped, or when the service stops.
//! Byte order: none.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use peerdist::content::Version;
use peerdist::discovery::{
    MAX_IDS, Match, Message, PORT, ProbeToken, Prober as Machine, ProberEvent, ProberInput,
    ProberOutput, ProberSettings, Replies, Wanted,
};
use peerdist::error::ApiMisuse;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::inbox::{Datagram, Inbox, Senders};
use super::limits::DiscoveryLimits;
use super::sockets::{self, Asking};
use crate::clock::Clock;
use crate::counters::DiscoveryCounters;
use crate::net::interfaces::LocalInterface;
use crate::net::{Datagrams, Network};

/// What a prober is, besides its network.
#[derive(Debug, Clone)]
pub struct ProberOptions {
    /// Settings of the protocol.
    pub settings: ProberSettings,
    /// Limits of the sockets.
    pub limits: DiscoveryLimits,
    /// The UDP port of the groups.
    pub port: u16,
    /// What the protocol's random choices follow from.
    pub seed: [u8; 32],
    /// Time.
    pub clock: Clock,
    /// What is counted.
    pub counters: Arc<DiscoveryCounters>,
}

impl ProberOptions {
    /// As Windows has it, with what has no default.
    #[must_use]
    pub fn new(seed: [u8; 32], clock: Clock) -> Self {
        Self {
            settings: ProberSettings::default(),
            limits: DiscoveryLimits::default(),
            port: PORT,
            seed,
            clock,
            counters: Arc::default(),
        }
    }
}

/// Why there is no search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SearchError {
    /// Of what cannot be in one probe.
    #[error("a search is for 1 to {MAX_IDS} segments, whose ids have one length in version 2.0")]
    Segments,
    /// As many wait as may.
    #[error("as many searches wait as may")]
    Busy,
    /// The service has stopped.
    #[error("discovery has stopped")]
    Stopped,
}

/// Searches for segments. Clones are the same prober; it ends with its stop, or when the last of them is dropped.
#[derive(Debug, Clone)]
pub struct Prober {
    starts: mpsc::Sender<Starting>,
    // Not bounded itself, but a search is cancelled once at most, and searches are bounded.
    cancels: mpsc::UnboundedSender<ProbeToken>,
    next: Arc<AtomicU64>,
    matches_most: usize,
    local: Arc<[SocketAddr]>,
}

#[derive(Debug)]
struct Starting {
    token: ProbeToken,
    version: Version,
    wanted: Vec<Wanted>,
    found: mpsc::Sender<Found>,
}

#[derive(Debug)]
enum Found {
    Match(Match),
    Finished(Vec<Replies>),
}

/// A search under way. Dropping it cancels it.
#[derive(Debug)]
pub struct Search {
    token: ProbeToken,
    found: mpsc::Receiver<Found>,
    cancels: mpsc::UnboundedSender<ProbeToken>,
    replies: Option<Vec<Replies>>,
}

impl Search {
    /// The next peer that has something of it; `None` when no more will come.
    pub async fn next(&mut self) -> Option<Match> {
        match self.found.recv().await? {
            Found::Match(found) => Some(found),
            Found::Finished(replies) => {
                self.replies = Some(replies);
                None
            }
        }
    }

    /// How often each segment was offered, in the order of the search, once it has ended: to be kept with the
    /// segments, see [`Held::replies`](peerdist::discovery::Held::replies).
    #[must_use]
    pub fn replies(&self) -> Option<&[Replies]> {
        self.replies.as_deref()
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        if self.replies.is_none() {
            let _ = self.cancels.send(self.token);
        }
    }
}

impl Prober {
    /// Opens the sockets and starts the task behind the handle.
    ///
    /// # Errors
    /// Where no socket can be had.
    pub async fn start<N: Network>(
        network: &N,
        interfaces: &[LocalInterface],
        options: ProberOptions,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let limits = options.limits;
        let interfaces = interfaces
            .get(..limits.interfaces_most)
            .unwrap_or(interfaces);
        let asking = sockets::ask(network, interfaces, options.port).await?;
        let own = interfaces.iter().flat_map(|one| &one.addresses);
        let ports: Vec<_> = asking
            .iter()
            .filter_map(|one| Some(one.socket.local_addr().ok()?.port()))
            .collect();
        let local = own
            .flat_map(|(address, _)| ports.iter().map(|port| SocketAddr::new(*address, *port)))
            .collect();
        let mut machine = Machine::new(options.settings, &options.seed);
        let subnets = sockets::subnets(interfaces);
        let most = subnets.len().min(peerdist::discovery::MAX_SUBNETS);
        let subnets = subnets.get(..most).unwrap_or_default();
        machine
            .handle(options.clock.now(), ProberInput::Subnets(subnets))
            .map_err(|ApiMisuse(why)| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let counters = Arc::clone(&options.counters);
        let (inbox, datagrams) =
            Inbox::new(limits, options.clock, Senders::All, Arc::clone(&counters));
        for Asking { socket, .. } in &asking {
            tokio::spawn(inbox.clone().fill_from(Arc::clone(socket), stop.clone()));
        }
        let (starts, starting) = mpsc::channel(limits.waiting_searches_most.max(1));
        let (cancels, cancelled) = mpsc::unbounded_channel();
        let running = Running {
            machine,
            asking,
            searches: BTreeMap::new(),
            clock: options.clock,
            counters,
        };
        tokio::spawn(running.run(datagrams, starting, cancelled, stop));
        Ok(Self {
            starts,
            cancels,
            next: Arc::default(),
            matches_most: options.settings.max_matches_per_probe,
            local,
        })
    }

    /// Where probes come from, so that a responder in this process can leave them alone.
    #[must_use]
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.local
    }

    /// Looks for segments. The probe goes out as soon as there is room for it.
    ///
    /// # Errors
    /// [`SearchError`] says why not.
    pub fn discover(&self, version: Version, wanted: Vec<Wanted>) -> Result<Search, SearchError> {
        let length = |one: &Wanted| one.id.0.as_bytes().len();
        let is_mixed = !wanted.is_sorted_by(|a, b| length(a) == length(b));
        if wanted.is_empty() || wanted.len() > MAX_IDS || (version == Version::V2 && is_mixed) {
            return Err(SearchError::Segments);
        }
        let token = ProbeToken(self.next.fetch_add(1, Relaxed));
        // All matches that count, and the end: so nothing that is sent has to wait.
        let (sender, found) = mpsc::channel(self.matches_most.saturating_add(1));
        let starting = Starting {
            token,
            version,
            wanted,
            found: sender,
        };
        self.starts
            .try_send(starting)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => SearchError::Busy,
                mpsc::error::TrySendError::Closed(_) => SearchError::Stopped,
            })?;
        Ok(Search {
            token,
            found,
            cancels: self.cancels.clone(),
            replies: None,
        })
    }
}

struct Running<S> {
    machine: Machine,
    asking: Vec<Asking<S>>,
    searches: BTreeMap<ProbeToken, mpsc::Sender<Found>>,
    clock: Clock,
    counters: Arc<DiscoveryCounters>,
}

impl<S: Datagrams> Running<S> {
    async fn run(
        mut self,
        mut datagrams: mpsc::Receiver<Datagram>,
        mut starting: mpsc::Receiver<Starting>,
        mut cancelled: mpsc::UnboundedReceiver<ProbeToken>,
        stop: CancellationToken,
    ) {
        let mut is_open = true;
        loop {
            let due = self.machine.poll_timeout();
            // Searches wait in their queue until there is room.
            let has_room = is_open && self.machine.room() > 0;
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.clock.sleep_until(due) => self.handle(ProberInput::Timeout),
                Some(token) = cancelled.recv() => {
                    self.searches.remove(&token);
                    self.handle(ProberInput::Cancel(token));
                }
                started = starting.recv(), if has_room => match started {
                    Some(started) => self.start(started),
                    None => is_open = false,
                },
                Some(datagram) = datagrams.recv() => self.handle(ProberInput::Datagram {
                    from: datagram.from,
                    bytes: &datagram.bytes,
                }),
            }
            while let Some(output) = self.machine.poll_output() {
                self.act(output).await;
            }
            if !is_open && self.searches.is_empty() {
                return;
            }
        }
    }

    fn start(&mut self, started: Starting) {
        // One that was dropped while it waited.
        if started.found.is_closed() {
            return;
        }
        self.searches.insert(started.token, started.found);
        self.handle(ProberInput::Start {
            probe: started.token,
            version: started.version,
            segments: &started.wanted,
        });
    }

    fn handle(&mut self, input: ProberInput<'_>) {
        if let Err(ApiMisuse(why)) = self.machine.handle(self.clock.now(), input) {
            tracing::error!(why, "the prober was misused");
        }
    }

    async fn act(&mut self, output: ProberOutput) {
        match output {
            ProberOutput::Multicast(probe) => {
                let bytes = Message::Probe(probe).encode();
                for Asking { socket, group } in &self.asking {
                    match socket.send_to(&bytes, *group).await {
                        Ok(_) => self.counters.probes_sent.add(1),
                        Err(error) => {
                            self.counters.socket_errors.add(1);
                            tracing::debug!(%group, %error, "a probe could not be sent");
                        }
                    }
                }
            }
            ProberOutput::Event(event) => self.tell(event),
        }
    }

    fn tell(&mut self, event: ProberEvent) {
        match event {
            ProberEvent::Match(found) => {
                self.counters.matches.add(1);
                if let Some(search) = self.searches.get(&found.probe) {
                    let _ = search.try_send(Found::Match(found));
                }
            }
            ProberEvent::Finished { probe, replies } => {
                if let Some(search) = self.searches.remove(&probe) {
                    let _ = search.try_send(Found::Finished(replies));
                }
            }
            ProberEvent::Rejected(rejected) => {
                self.counters.rejected.add(1);
                tracing::debug!(%rejected, "a message was discarded");
            }
            ProberEvent::Repeated { .. } => self.counters.repeated.add(1),
            ProberEvent::Full { .. } => self.counters.dropped_full.add(1),
        }
    }
}
