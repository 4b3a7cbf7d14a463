//! What happened, in order: a line for each event, and a digest over all of them.
//! Invariant: the digest covers every event, also those that are not kept.
//! Format: `nanoseconds kind words…` and a line feed, in ASCII.

use std::fmt;
use std::net::SocketAddr;

use sha2::{Digest, Sha256};

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives at this moment.
    Arrives(u64),
    /// It is lost on its way.
    Lost,
    /// A queue was full.
    Dropped,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the words of the line")]
pub enum Event {
    /// A connection was made.
    Connected { from: SocketAddr, to: SocketAddr },
    /// Bytes of a connection were given to their first link.
    Sent {
        from: SocketAddr,
        to: SocketAddr,
        bytes: u64,
        arrives: u64,
    },
    /// A datagram was sent to one receiver.
    Datagram {
        from: SocketAddr,
        to: SocketAddr,
        bytes: u64,
        fate: Fate,
    },
    /// A host went down.
    Down { host: String },
    /// A host came back.
    Back { host: String },
    /// A download began.
    Began { host: String, content: usize },
    /// A download ended well.
    Ended {
        host: String,
        content: usize,
        origin: u64,
        peers: u64,
        hosted_cache: u64,
        local_cache: u64,
    },
    /// A download ended otherwise.
    Failed {
        host: String,
        content: usize,
        why: String,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { from, to } => write!(f, "connected {from} {to}"),
            Self::Sent {
                from,
                to,
                bytes,
                arrives,
            } => write!(f, "sent {from} {to} {bytes} {arrives}"),
            Self::Datagram {
                from,
                to,
                bytes,
                fate,
            } => {
                write!(f, "datagram {from} {to} {bytes} ")?;
                match fate {
                    Fate::Arrives(at) => write!(f, "{at}"),
                    Fate::Lost => f.write_str("lost"),
                    Fate::Dropped => f.write_str("dropped"),
                }
            }
            Self::Down { host } => write!(f, "down {host}"),
            Self::Back { host } => write!(f, "back {host}"),
            Self::Began { host, content } => write!(f, "began {host} {content}"),
            Self::Ended {
                host,
                content,
                origin,
                peers,
                hosted_cache,
                local_cache,
            } => write!(
                f,
                "ended {host} {content} {origin} {peers} {hosted_cache} {local_cache}"
            ),
            Self::Failed { host, content, why } => write!(f, "failed {host} {content} {why:?}"),
        }
    }
}

/// Events in the order in which they happened.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    hash: Sha256,
    events: Vec<(u64, Event)>,
    events_limit: usize,
    count: u64,
}

impl Trace {
    pub(super) fn new(events_limit: usize) -> Self {
        Self {
            events_limit,
            ..Self::default()
        }
    }

    pub(super) fn note(&mut self, at: u64, event: Event) {
        self.hash.update(format!("{at} {event}\n"));
        self.count += 1;
        if self.events.len() < self.events_limit {
            self.events.push((at, event));
        }
    }

    /// SHA-256 over the lines of all events.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    /// The hash in hexadecimal digits.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        self.hash()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// How many events there were.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The first of them, as many as were to be kept, with their moments.
    #[must_use]
    pub fn events(&self) -> &[(u64, Event)] {
        &self.events
    }
}
