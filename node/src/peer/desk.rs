//! MS-PCCRR 3.2 driven: the machine under a short lock, its clock, its timers and its events.
//! Invariant: each message is taken to its answer by whoever brought it; exchanges end when their last byte is gone.
//! Byte order: none.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use peerdist::cipher::CbcKey;
use peerdist::content::SegmentId;
use peerdist::error::ApiMisuse;
use peerdist::retrieval::server::{
    Answer, Connection, EncryptOp, Event, Exchange, Input, LoadOp, Output, Server, ServerSettings,
};
use peerdist::retrieval::{BlockIndex, block_key};
use tokio_util::sync::CancellationToken;

use super::cache::Cache;
use super::sealing::Sealing;
use super::snapshot::Snapshot;

use super::warm::Warm;
use crate::clock::Clock;
use crate::counters::RetrievalCounters;
use crate::spare::Spare;
use crate::world::offload;

/// What a retrieval server is, besides its cache.
#[derive(Debug, Clone)]
pub struct RetrievalOptions {
    /// Settings of the protocol.
    pub settings: ServerSettings,
    /// What initialization vectors follow from: it must not be guessable.
    pub seed: [u8; 32],
    /// Time, as the cache counts it.
    pub clock: Clock,
    /// What is counted.
    pub counters: Arc<RetrievalCounters>,
}

pub(super) struct Desk<C> {
    machine: Mutex<Server>,
    pub(super) cache: Arc<C>,
    pub(super) clock: Clock,
    pub(super) counters: Arc<RetrievalCounters>,
    next: AtomicU64,
    sealing: Arc<Sealing>,
    warm: Warm,
    spare: Spare,
    /// How often timers are looked at where none runs: more often than one that is set meanwhile can end.
    look: Duration,
}

/// What is to be done for a message.
pub(super) enum Step<C: Cache> {
    /// Send this; the exchange ends with its last byte.
    Send(Answer, Option<Open<C>>),
    Encrypt(EncryptOp, Open<C>),
    Load(LoadOp, Open<C>),
    /// Close the connection.
    Discard,
}

/// An exchange that is not over; it is when this is dropped.
pub(super) struct Open<C: Cache> {
    desk: Arc<Desk<C>>,
    exchange: Exchange,
    is_sending: bool,
}

impl<C: Cache> Open<C> {
    /// Takes the buffer of what was sent, for another block.
    pub(super) fn take_back(&self, buffer: Vec<u8>) {
        self.desk.spare.give(buffer);
    }
}

impl<C: Cache> Drop for Open<C> {
    fn drop(&mut self) {
        let exchange = self.exchange;
        let input = match self.is_sending {
            true => Input::Sent { exchange },
            false => Input::Closed { exchange },
        };
        let mut machine = self.desk.lock();
        self.desk.handle(&mut machine, input);
    }
}

impl<C: Cache> Desk<C> {
    pub(super) fn new(cache: Arc<C>, options: RetrievalOptions) -> Result<Self, ApiMisuse> {
        Ok(Self {
            machine: Mutex::new(Server::new(options.settings, &options.seed)?),
            cache,
            clock: options.clock,
            counters: options.counters,
            next: AtomicU64::new(0),
            sealing: Arc::default(),
            warm: Warm::new(),
            spare: Spare::default(),
            look: Duration::from_millis(u64::from(options.settings.upload_timer_ms / 2)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Server> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, machine: &mut Server, input: Input<'_>) {
        if let Err(ApiMisuse(why)) = machine.handle(self.clock.now(), input) {
            tracing::error!(why, "the retrieval server was misused");
        }
    }

    /// Takes a message as far as it goes without the bytes of a block.
    pub(super) fn take(self: &Arc<Self>, bytes: &[u8]) -> Step<C> {
        let connection = Connection(self.next.fetch_add(1, Relaxed));
        let holdings = &Snapshot::of(&*self.cache, bytes);
        let output = {
            let mut machine = self.lock();
            let input = Input::Message {
                connection,
                bytes,
                holdings,
            };
            self.handle(&mut machine, input);
            self.drain(&mut machine)
        };
        // Not under the lock: what is open takes it when it is dropped.
        let open = |exchange, is_sending| Open {
            desk: Arc::clone(self),
            exchange,
            is_sending,
        };
        match output {
            Some(Output::Respond {
                exchange, answer, ..
            }) => Step::Send(answer, exchange.map(|exchange| open(exchange, true))),
            Some(Output::Encrypt(op)) => Step::Encrypt(op, open(op.exchange, false)),
            Some(Output::Load(op)) => Step::Load(op, open(op.exchange, false)),
            _ => Step::Discard,
        }
    }

    /// What the machine wants done for the one exchange that was just moved.
    fn drain(&self, machine: &mut Server) -> Option<Output> {
        let mut to_do = None;
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Event(event) => self.tell(&event),
                output => to_do = Some(output),
            }
        }
        to_do
    }

    /// Has the machine know that a block is ready, or lost: what goes out then.
    pub(super) fn prepared(
        self: &Arc<Self>,
        mut open: Open<C>,
        is_there: bool,
    ) -> Option<(Answer, Option<Open<C>>)> {
        let exchange = open.exchange;
        let input = match is_there {
            true => Input::Ready { exchange },
            false => Input::Lost { exchange },
        };
        let output = {
            let mut machine = self.lock();
            self.handle(&mut machine, input);
            self.drain(&mut machine)
        };
        let Some(Output::Respond { answer, .. }) = output else {
            // The upload timer was faster.
            return None;
        };
        open.is_sending = true;
        Some((answer, Some(open)))
    }

    /// The bytes of a block as they go out, with room behind them.
    pub(super) async fn encrypted(self: &Arc<Self>, op: &EncryptOp) -> Option<Vec<u8>> {
        let key = self.key(op)?;
        let index = op.source.index;
        let plain = self.load(op.segment, index, op.payload_len()).await?;
        self.sealing.seal(key, *op, plain).await
    }

    fn key(&self, op: &EncryptOp) -> Option<CbcKey> {
        let secret = self.cache.secret(&op.segment)?;
        block_key(op.cipher, &secret).ok()
    }

    /// Loads a block: here where it is in memory most likely, else on a thread that may wait for the disk.
    pub(super) async fn load(
        self: &Arc<Self>,
        id: SegmentId,
        index: BlockIndex,
        length: usize,
    ) -> Option<Vec<u8>> {
        let now = self.clock.now();
        let mut bytes = self.spare.take(length);
        if self
            .cache
            .load_at_hand(now, &id, index, &mut bytes)
            .is_some()
        {
            return Some(bytes);
        }
        let desk = Arc::clone(self);
        let work = move || {
            let form = desk.cache.load(now, &id, index, &mut bytes);
            form.map(|_| bytes)
        };
        if self.warm.has(&id, index) {
            return work();
        }
        let loaded = offload(work).await.ok()??;
        self.warm.note(&id, index);
        Some(loaded)
    }

    fn tell(&self, event: &Event) {
        let counters = &*self.counters;
        match event {
            Event::Rejected { rejected, .. } => {
                counters.rejected.add(1);
                tracing::debug!(%rejected, "a message was discarded");
                return;
            }
            Event::Lenient { .. } => counters.lenient.add(1),
            Event::TurnedAway { .. } => counters.turned_away.add(1),
            Event::TimedOut { .. } => counters.timed_out.add(1),
        }
        tracing::debug!(?event, "retrieval");
    }

    /// Watches the timers of the machine until `stop`.
    pub(super) async fn watch(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let due = self.lock().poll_timeout();
            let due = due.map_or_else(
                || tokio::time::Instant::now() + self.look,
                |due| self.clock.to_tokio(due),
            );
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(due) => {}
            }
            let mut machine = self.lock();
            self.handle(&mut machine, Input::Timeout);
            while let Some(output) = machine.poll_output() {
                // Connections of exchanges that are over are ended by the limits of HTTP, which are no longer.
                if let Output::Event(event) = output {
                    self.tell(&event);
                }
            }
        }
    }

    pub(super) fn active_clients(&self) -> u32 {
        self.lock().active_clients()
    }
}
