//! MS-PCCRD 3.2 on real sockets: probes in, matches out after their wait.
//! Invariant: one task owns the machine; numbers that must outlive the process are on the disk before they are sent.
//! Byte order: none.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use peerdist::discovery::{
    Holdings, Message, PORT, Persisted, Responder, ResponderEvent, ResponderInput, ResponderOutput,
    ResponderSettings, Start,
};
use peerdist::error::ApiMisuse;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::inbox::{Datagram, Inbox, Senders};
use super::limits::DiscoveryLimits;
use super::numbers::Numbers;
use super::sockets::{self, Listening};
use crate::clock::Clock;
use crate::counters::DiscoveryCounters;
use crate::net::interfaces::LocalInterface;
use crate::net::{Datagrams, Network};
use crate::world::offload;

/// What a peer has, asked from the responder's task.
pub type SharedHoldings = Arc<dyn Holdings + Send + Sync>;

/// What a responder is, besides its network and what it has.
#[derive(Debug, Clone)]
pub struct ResponderOptions {
    /// Settings of the protocol.
    pub settings: ResponderSettings,
    /// Limits of the sockets.
    pub limits: DiscoveryLimits,
    /// The UDP port of the groups.
    pub port: u16,
    /// Sockets of this process that probe: they are not answered.
    pub own_probers: Vec<SocketAddr>,
    /// What outlives the process.
    pub numbers: Numbers,
    /// What the protocol's random choices follow from.
    pub seed: [u8; 32],
    /// Time.
    pub clock: Clock,
    /// What is counted.
    pub counters: Arc<DiscoveryCounters>,
}

impl ResponderOptions {
    /// As Windows has it, with what has no default.
    #[must_use]
    pub fn new(numbers: Numbers, seed: [u8; 32], clock: Clock) -> Self {
        Self {
            settings: ResponderSettings::default(),
            limits: DiscoveryLimits::default(),
            port: PORT,
            own_probers: Vec::new(),
            numbers,
            seed,
            clock,
            counters: Arc::default(),
        }
    }
}

/// A responder with its sockets, to be run.
pub struct ResponderService<N: Network> {
    machine: Responder,
    sockets: Listening<N::UdpSocket>,
    holdings: SharedHoldings,
    options: ResponderOptions,
    senders: Senders,
}

impl<N: Network> fmt::Debug for ResponderService<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponderService")
            .field("machine", &self.machine)
            .finish_non_exhaustive()
    }
}

impl<N: Network> ResponderService<N> {
    /// Opens the sockets. Segments are said to be fetched from `addresses`.
    ///
    /// # Errors
    /// Where no socket can be had, the numbers of the last run cannot be read or the next ones not be kept, or nobody
    /// could connect to an address.
    pub async fn bind(
        network: &N,
        interfaces: &[LocalInterface],
        addresses: &[SocketAddr],
        holdings: SharedHoldings,
        options: ResponderOptions,
    ) -> io::Result<Self> {
        let interfaces = interfaces
            .get(..options.limits.interfaces_most)
            .unwrap_or(interfaces);
        let numbers = options.numbers.clone();
        let previous = blocking(move || numbers.load()).await?;
        let start = Start::Restarted {
            previous,
            unix_seconds: options.clock.seconds(),
        };
        let mut machine = Responder::new(options.settings, start, &options.seed);
        let most = options.limits.addresses_most;
        let addresses = addresses.get(..most).unwrap_or(addresses);
        machine
            .handle(options.clock.now(), ResponderInput::Addresses(addresses))
            .map_err(|ApiMisuse(why)| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let sockets = sockets::listen(network, interfaces, options.port).await?;
        let senders = Senders::Neighbours {
            subnets: sockets::subnets(interfaces),
            own: options.own_probers.clone(),
        };
        Ok(Self {
            machine,
            sockets,
            holdings,
            options,
            senders,
        })
    }

    /// Answers until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let ResponderOptions {
            limits,
            clock,
            counters,
            numbers,
            ..
        } = self.options;
        let (inbox, datagrams) = Inbox::new(limits, clock, self.senders, Arc::clone(&counters));
        let tasks = TaskTracker::new();
        for socket in self.sockets.all() {
            tasks.spawn(inbox.clone().fill_from(Arc::clone(socket), stop.clone()));
        }
        drop(inbox);
        tasks.close();
        let running = Running {
            machine: self.machine,
            sockets: self.sockets,
            holdings: self.holdings,
            clock,
            counters,
            numbers,
        };
        running.run(datagrams, &stop).await;
        tasks.wait().await;
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    offload(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

struct Running<S> {
    machine: Responder,
    sockets: Listening<S>,
    holdings: SharedHoldings,
    clock: Clock,
    counters: Arc<DiscoveryCounters>,
    numbers: Numbers,
}

impl<S: Datagrams> Running<S> {
    async fn run(mut self, mut datagrams: mpsc::Receiver<Datagram>, stop: &CancellationToken) {
        loop {
            let due = self.machine.poll_timeout();
            let datagram = tokio::select! {
                // Answers that are due go before probes that are new, or a flood would hold them back.
                biased;
                () = stop.cancelled() => return,
                () = self.clock.sleep_until(due) => None,
                datagram = datagrams.recv() => match datagram {
                    Some(datagram) => Some(datagram),
                    None => return,
                },
            };
            let holdings = &*self.holdings;
            let input = match &datagram {
                Some(datagram) => ResponderInput::Datagram {
                    from: datagram.from,
                    bytes: &datagram.bytes,
                    holdings,
                },
                None => ResponderInput::Timeout { holdings },
            };
            if let Err(ApiMisuse(why)) = self.machine.handle(self.clock.now(), input) {
                tracing::error!(why, "the responder was misused");
            }
            drop(datagram);
            while let Some(output) = self.machine.poll_output() {
                self.act(output).await;
            }
        }
    }

    async fn act(&mut self, output: ResponderOutput) {
        match output {
            ResponderOutput::Persist(persisted) => self.persist(persisted).await,
            ResponderOutput::Send { to, message } => {
                let bytes = Message::ProbeMatch(message).encode();
                let Some(socket) = self.sockets.for_family_of(to) else {
                    return;
                };
                match socket.send_to(&bytes, to).await {
                    Ok(_) => self.counters.answers.add(1),
                    Err(error) => {
                        self.counters.socket_errors.add(1);
                        tracing::debug!(%to, %error, "a match could not be sent");
                    }
                }
            }
            ResponderOutput::Event(event) => self.tell(&event),
        }
    }

    async fn persist(&self, persisted: Persisted) {
        let numbers = self.numbers.clone();
        if let Err(error) = blocking(move || numbers.keep(persisted)).await {
            // Going on is right: the next start takes a greater instance as long as the clock goes forward.
            self.counters.numbers_not_kept.add(1);
            tracing::warn!(%error, "the numbers of discovery could not be kept");
        }
    }

    fn tell(&self, event: &ResponderEvent) {
        let counters = &*self.counters;
        match event {
            ResponderEvent::Waiting { .. } => counters.probes.add(1),
            ResponderEvent::Answered { to, segments } => {
                tracing::debug!(%to, segments, "a probe was answered");
                return;
            }
            ResponderEvent::Rejected(_) => counters.rejected.add(1),
            ResponderEvent::Repeated { .. } => counters.repeated.add(1),
            ResponderEvent::NothingHeld { .. } => {
                counters.probes.add(1);
                counters.nothing_held.add(1);
            }
            ResponderEvent::Suppressed { .. } => {
                counters.probes.add(1);
                counters.suppressed.add(1);
            }
            ResponderEvent::NoAddress { .. } => counters.no_address.add(1),
            ResponderEvent::Full { .. } => counters.dropped_full.add(1),
        }
        tracing::debug!(?event, "discovery");
    }
}
