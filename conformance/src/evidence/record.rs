//! The record of a case: connections, bytes in either direction, and what the judge noted beside them.
//! Invariant: events stand in the order in which they were recorded; bytes over the limit are counted and left out.
//! Byte order: none.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::clock;

/// Bytes of payload that the record of a case keeps.
pub const KEPT_MAX_BYTES: usize = 2 << 20;
/// Events that the record of a case keeps.
pub const EVENTS_MAX: usize = 20_000;
/// Connections that the record of a case keeps the addresses of.
pub const FLOWS_MAX: usize = EVENTS_MAX;

/// What carries bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TCP, in clear.
    Tcp,
    /// TLS; what is recorded is in clear.
    Tls,
    /// UDP.
    Udp,
    /// The standard streams and files of a command.
    Command,
}

/// One connection, or the datagrams between two addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// What carries its bytes.
    pub transport: Transport,
    /// The judge's end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The judge made a connection.
    Opened,
    /// The judge took a connection that the other side made.
    Accepted,
    /// The judge sent bytes.
    Sent(Vec<u8>),
    /// The judge received bytes.
    Received(Vec<u8>),
    /// The judge will send nothing more, and goes on listening.
    Finished,
    /// The judge closed the connection.
    Closed,
    /// The other side closed the connection.
    ClosedByOther,
    /// Nothing came within the time the judge waited.
    Silence(Duration),
    /// Something else that is worth knowing.
    Note(String),
    /// So many bytes that are not kept.
    LeftOut {
        /// Whether the judge sent them.
        sent: bool,
        /// How many.
        bytes: usize,
    },
}

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Since the case began.
    pub at: Duration,
    /// The number of the flow where it was, if it was in one.
    pub flow: Option<usize>,
    /// What.
    pub what: What,
}

/// What happened in a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When the case began.
    pub began: SystemTime,
    /// Connections, by the number that events name.
    pub flows: Vec<Flow>,
    /// What happened.
    pub events: Vec<Event>,
    /// Events that are not kept.
    pub events_left_out: usize,
}

/// Writes the record of a case; clones write the same one.
#[derive(Debug, Clone)]
pub struct Recorder {
    began: Instant,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    record: Record,
    kept: usize,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// An empty record that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            began: clock::now(),
            state: Arc::new(Mutex::new(State {
                record: Record {
                    began: clock::today(),
                    flows: Vec::new(),
                    events: Vec::new(),
                    events_left_out: 0,
                },
                kept: 0,
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, flow: Option<usize>, what: What) {
        let at = self.elapsed();
        let mut state = self.state();
        if state.record.events.len() >= EVENTS_MAX {
            state.record.events_left_out += 1;
            return;
        }
        let room = KEPT_MAX_BYTES.saturating_sub(state.kept);
        let what = match what {
            What::Sent(bytes) if bytes.len() > room => What::LeftOut {
                sent: true,
                bytes: bytes.len(),
            },
            What::Received(bytes) if bytes.len() > room => What::LeftOut {
                sent: false,
                bytes: bytes.len(),
            },
            kept => kept,
        };
        if let What::Sent(bytes) | What::Received(bytes) = &what {
            state.kept += bytes.len();
        }
        state.record.events.push(Event { at, flow, what });
    }

    /// A connection, or a pair of addresses that exchange datagrams.
    #[must_use]
    pub fn flow(&self, flow: Flow) -> FlowRecorder {
        let number = {
            let flows = &mut self.state().record.flows;
            let number = flows.len();
            // Events of others name a flow that there is not.
            if number < FLOWS_MAX {
                flows.push(flow);
            }
            number
        };
        FlowRecorder {
            recorder: self.clone(),
            number,
        }
    }

    /// What a command reads and writes, as a flow without addresses.
    #[must_use]
    pub fn command(&self) -> FlowRecorder {
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        self.flow(Flow {
            transport: Transport::Command,
            local: nowhere,
            remote: nowhere,
        })
    }

    /// Something that is worth knowing.
    pub fn note(&self, text: impl Into<String>) {
        self.add(None, What::Note(text.into()));
    }

    fn elapsed(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    /// What has been recorded until now.
    #[must_use]
    pub fn record(&self) -> Record {
        self.state().record.clone()
    }
}

/// Writes what happens in one flow.
#[derive(Debug, Clone)]
pub struct FlowRecorder {
    recorder: Recorder,
    number: usize,
}

impl FlowRecorder {
    /// Records what happened here.
    pub fn add(&self, what: What) {
        self.recorder.add(Some(self.number), what);
    }

    /// The judge sent bytes.
    pub fn sent(&self, bytes: &[u8]) {
        self.add(What::Sent(bytes.to_vec()));
    }

    /// The judge received bytes.
    pub fn received(&self, bytes: &[u8]) {
        self.add(What::Received(bytes.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_the_limit_is_counted_and_left_out() {
        let recorder = Recorder::new();
        let flow = recorder.command();
        flow.sent(&vec![0; KEPT_MAX_BYTES - 1]);
        flow.received(b"ab");
        flow.received(b"a");
        let record = recorder.record();
        assert!(matches!(
            record.events[1].what,
            What::LeftOut { bytes: 2, .. }
        ));
        assert_eq!(record.events[2].what, What::Received(b"a".to_vec()));
        for _ in 0..EVENTS_MAX {
            recorder.note("again");
        }
        let record = recorder.record();
        assert_eq!(
            (record.events.len(), record.events_left_out),
            (EVENTS_MAX, 3)
        );
    }
}
