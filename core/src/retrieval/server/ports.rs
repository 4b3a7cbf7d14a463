//! MS-PCCRR 3.2: what goes into the answering side and what comes out.
//! Invariant: every connection handed in gets one `Respond` or one `Discard`, unless its exchange is aborted or closed.
//! Byte order: none.

use super::{Answer, Holdings, SegmentHandle};
use crate::cipher::{BLOCK_LEN, BlockCipher};
use crate::content::SegmentId;
use crate::error::Rejected;
use crate::retrieval::exchanges::Key;
use crate::retrieval::{BlockIndex, Quirks, Request};

/// The world's own name for the HTTP request that is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection(pub u64);

/// The machine's name for an exchange under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange(pub(super) Key);

/// What makes the machine move.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// The body of an HTTP request came.
    Message {
        /// Where the answer goes.
        connection: Connection,
        /// The body.
        bytes: &'a [u8],
        /// What is there to answer with.
        holdings: &'a dyn Holdings,
    },
    /// The same where no bytes were needed, as in a simulation.
    Request {
        /// Where the answer goes.
        connection: Connection,
        /// The message.
        request: &'a Request<'a>,
        /// What is there to answer with.
        holdings: &'a dyn Holdings,
    },
    /// The bytes that `Encrypt` or `Load` asked for are ready to be sent.
    Ready {
        /// Of which exchange.
        exchange: Exchange,
    },
    /// They cannot be had after all.
    Lost {
        /// Of which exchange.
        exchange: Exchange,
    },
    /// The answer went out.
    Sent {
        /// Of which exchange.
        exchange: Exchange,
    },
    /// The connection ended before the answer was out.
    Closed {
        /// Of which exchange.
        exchange: Exchange,
    },
    /// The moment of `poll_timeout` has come.
    Timeout,
}

impl core::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Message {
                connection, bytes, ..
            } => write!(f, "Message({connection:?}, {} bytes)", bytes.len()),
            Self::Request {
                connection,
                request,
                ..
            } => write!(f, "Request({connection:?}, {request:?})"),
            Self::Ready { exchange } => write!(f, "Ready({exchange:?})"),
            Self::Lost { exchange } => write!(f, "Lost({exchange:?})"),
            Self::Sent { exchange } => write!(f, "Sent({exchange:?})"),
            Self::Closed { exchange } => write!(f, "Closed({exchange:?})"),
            Self::Timeout => f.write_str("Timeout"),
        }
    }
}

/// What the world has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Load a plain block, encrypt it, then hand in `Ready` or `Lost`.
    Encrypt(EncryptOp),
    /// Load a block that goes out as it is, then hand in `Ready` or `Lost`.
    Load(LoadOp),
    /// Send the answer. Where there is an exchange, hand in `Sent` or `Closed` for it.
    Respond {
        /// Where to.
        connection: Connection,
        /// To be told about, if anything.
        exchange: Option<Exchange>,
        /// What.
        answer: Answer,
    },
    /// Send no message: close the connection.
    Discard {
        /// Which.
        connection: Connection,
    },
    /// Stop whatever is being done for an exchange and close its connection.
    Abort {
        /// Which connection.
        connection: Connection,
        /// Which exchange; it is over.
        exchange: Exchange,
    },
    /// Something to tell people of.
    Event(Event),
}

/// A block in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSource {
    /// The cache's own name for its segment.
    pub segment: SegmentHandle,
    /// Which block of it.
    pub index: BlockIndex,
}

/// A plain block to load and encrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncryptOp {
    /// For which exchange.
    pub exchange: Exchange,
    /// For which connection.
    pub connection: Connection,
    /// Which block.
    pub source: BlockSource,
    /// Of which segment, for its key.
    pub segment: SegmentId,
    /// With what.
    pub cipher: BlockCipher,
    /// The vector to encrypt with.
    pub iv: [u8; BLOCK_LEN],
    /// Bytes of the block.
    pub plain_len: u32,
}

/// A block to load and send as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOp {
    /// For which exchange.
    pub exchange: Exchange,
    /// For which connection.
    pub connection: Connection,
    /// Which block.
    pub source: BlockSource,
    /// Bytes of it.
    pub length: u32,
}

/// What an administrator may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message was discarded.
    Rejected {
        /// On which connection.
        connection: Connection,
        /// Why.
        rejected: Rejected,
    },
    /// A request was answered although something is odd about it.
    Lenient {
        /// On which connection.
        connection: Connection,
        /// What.
        quirks: Quirks,
    },
    /// A request got an empty answer because too many clients are being served.
    TurnedAway {
        /// On which connection.
        connection: Connection,
    },
    /// An answer took too long.
    TimedOut {
        /// On which connection.
        connection: Connection,
    },
}
