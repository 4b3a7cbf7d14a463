//! Peers of a case: each holds the whole content and answers as its script says (MS-PCCRR 3.2).
//! Invariant: every request is noted before it is answered, read or not.
//! Byte order: big-endian.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::Shared;
use super::listener::{self, Listener};
use crate::clock;
use crate::targets::connection::Connection;
use crate::wire::Malformed;
use crate::wire::cipher;
use crate::wire::content_info::Segment;
use crate::wire::draft::Draft;
use crate::wire::http::{self, Head};
use crate::wire::retrieval::{self, Body, Message, Range, VERSION_1, VERSION_2};

/// How long a silent peer keeps a connection.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes that a body without an end has until it ends all the same.
const ENDLESS_BYTES: usize = 512 << 20;

/// The number by which the hosted cache is noted.
pub const CACHE: usize = usize::MAX;

/// How a peer answers.
pub trait PeerScript: Fn(&Ask<'_>) -> Reply + Send + Sync + 'static {}

impl<F: Fn(&Ask<'_>) -> Reply + Send + Sync + 'static> PeerScript for F {}

/// A request at a peer.
#[derive(Debug, Clone)]
pub struct Requested {
    /// When, since the world began.
    pub at: Duration,
    /// Which peer, counted from 0; [`CACHE`] is the hosted cache.
    pub peer: usize,
    /// Its head.
    pub head: Head,
    /// Its body.
    pub bytes: Vec<u8>,
    /// What it reads as.
    pub message: Result<Message, Malformed>,
    /// From where.
    pub from: Option<SocketAddr>,
}

/// A request that is to be answered.
#[derive(Debug)]
pub struct Ask<'a> {
    /// What it asks.
    pub message: &'a Message,
    /// How many came before at this peer.
    pub number: usize,
    /// The world.
    pub shared: &'a Shared,
}

/// What comes of a request.
#[derive(Debug)]
pub enum Reply {
    /// A message, framed as it should be.
    Message(Draft),
    /// Bytes in place of a message with its size.
    Body(Vec<u8>),
    /// Bytes in place of a response of HTTP; the connection is closed behind them.
    Raw(Vec<u8>),
    /// A status without a body.
    Status(u16),
    /// Nothing, and the connection stays.
    Silence,
    /// Nothing, and the connection is closed.
    Close,
    /// Something else, but later.
    Later(Duration, Box<Self>),
    /// A size and a body that goes on for as long as it is read.
    Endless(u32),
    /// A head, and then a byte of the body now and then.
    Drip,
}

/// Starts one.
pub(crate) fn start(
    address: IpAddr,
    shared: Arc<Shared>,
    peer: usize,
    script: Arc<dyn Fn(&Ask<'_>) -> Reply + Send + Sync>,
) -> io::Result<Listener> {
    let recorder = shared.recorder.clone();
    let count = AtomicUsize::new(0);
    Listener::start(address, recorder, move |connection| {
        while let Some((head, body)) = listener::request(connection) {
            let number = count.fetch_add(1, Ordering::AcqRel);
            if !answer(connection, &shared, (peer, number), (head, body), &*script) {
                break;
            }
        }
    })
}

/// Notes and answers a request of retrieval; `false`: it was the last of the connection.
pub(super) fn answer(
    connection: &mut Connection,
    shared: &Shared,
    (peer, number): (usize, usize),
    (head, bytes): (Head, Vec<u8>),
    script: &(dyn Fn(&Ask<'_>) -> Reply + Send + Sync),
) -> bool {
    let message = retrieval::read(&bytes);
    shared.seen().requests.push(Requested {
        at: shared.age(),
        peer,
        head,
        bytes,
        message: message.clone(),
        from: connection.remote().ok(),
    });
    let Ok(message) = message else {
        return connection
            .send(&http::response(400, "Bad Request", &[], &[]))
            .is_ok();
    };
    let ask = Ask {
        message: &message,
        number,
        shared,
    };
    let mut reply = script(&ask);
    loop {
        let bytes = match reply {
            Reply::Message(draft) => {
                http::response(200, "OK", &[], &retrieval::framed(&draft.to_bytes()))
            }
            Reply::Body(body) => http::response(200, "OK", &[], &body),
            Reply::Status(status) => http::response(status, "No", &[], &[]),
            Reply::Raw(bytes) => {
                // Whoever has gone does not hear it.
                let _ = connection.send(&bytes);
                return false;
            }
            Reply::Silence => {
                connection.is_closed_within(SILENCE);
                return false;
            }
            Reply::Close => return false,
            Reply::Endless(size) => {
                endless(connection, size);
                return false;
            }
            Reply::Drip => {
                drip(connection);
                return false;
            }
            Reply::Later(delay, later) => {
                thread::sleep(delay);
                reply = *later;
                continue;
            }
        };
        return connection.send(&bytes).is_ok();
    }
}

fn drip(connection: &mut Connection) {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 65700\r\n\r\n";
    let mut is_open = connection.send(head).is_ok();
    let begun = clock::now();
    while is_open && begun.elapsed() < SILENCE {
        thread::sleep(Duration::from_millis(100));
        is_open = connection.send(&[0]).is_ok();
    }
}

fn endless(connection: &mut Connection, size: u32) {
    let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    if connection
        .send(&[head.as_slice(), &size.to_be_bytes()].concat())
        .is_err()
    {
        return;
    }
    let piece = vec![0x5a; 64 << 10];
    for _ in 0..ENDLESS_BYTES / piece.len() {
        if connection.send(&piece).is_err() {
            return;
        }
    }
}

/// Who has no mistake.
#[must_use]
pub fn honest(ask: &Ask<'_>) -> Reply {
    ask.honest().map_or(Reply::Silence, Reply::Message)
}

impl Ask<'_> {
    /// The segment of that id.
    #[must_use]
    pub fn segment(&self, id: &[u8]) -> Option<&Segment> {
        let segments = &self.shared.holding.info.segments;
        segments.iter().find(|segment| segment.id() == id)
    }

    /// The segment and the block that MSG_GETBLKS asks for.
    #[must_use]
    pub fn block(&self) -> Option<(&Segment, u32)> {
        let Body::GetBlocks {
            segment_id, ranges, ..
        } = &self.message.body
        else {
            return None;
        };
        let index = ranges.first()?.index;
        let segment = self.segment(segment_id)?;
        (index < segment.blocks()).then_some((segment, index))
    }

    /// The plain bytes of a block.
    #[must_use]
    pub fn plain(&self, segment: &Segment, index: u32) -> Vec<u8> {
        let place = segment.block_in_content(index);
        self.shared
            .content()
            .get(place)
            .unwrap_or_default()
            .to_vec()
    }

    /// MSG_BLK with bytes for a block, encrypted.
    #[must_use]
    pub fn sealed(&self, segment: &Segment, index: u32, plain: &[u8], algorithm: u32) -> Draft {
        let iv = self.shared.fresh();
        let block = cipher::encrypt(algorithm, &segment.secret, &iv, plain).unwrap_or_default();
        let iv: &[u8] = if algorithm == 0 { &[] } else { &iv };
        let behind = index + 1;
        let next = if behind < segment.blocks() { behind } else { 0 };
        retrieval::block(&segment.id(), index, next, algorithm, &block, iv)
    }

    /// The right MSG_BLK for MSG_GETBLKS.
    #[must_use]
    pub fn right_block(&self) -> Option<Draft> {
        let (segment, index) = self.block()?;
        let plain = self.plain(segment, index);
        Some(self.sealed(segment, index, &plain, self.message.algorithm))
    }

    /// The right answer.
    #[must_use]
    pub fn honest(&self) -> Option<Draft> {
        Some(match &self.message.body {
            Body::Negotiation { .. } => retrieval::negotiation_response(VERSION_1, VERSION_2),
            Body::GetBlockList { segment_id, ranges } => {
                let blocks = self.segment(segment_id).map_or(0, Segment::blocks);
                let within = ranges.iter().filter_map(|range| {
                    let end = range.index.saturating_add(range.count).min(blocks);
                    (range.index < end).then(|| Range::new(range.index, end - range.index))
                });
                retrieval::block_list(segment_id, &within.collect::<Vec<_>>(), 0)
            }
            Body::GetBlocks {
                segment_id, ranges, ..
            } => self.right_block().unwrap_or_else(|| {
                let index = ranges.first().map_or(0, |range| range.index);
                retrieval::block(segment_id, index, 0, self.message.algorithm, &[], &[])
            }),
            Body::GetSegmentList {
                request_id,
                segment_ids,
                ..
            } => {
                let held = (0..).zip(segment_ids);
                let held = held.filter(|(_, id)| self.segment(id).is_some());
                let ranges: Vec<Range> = held.map(|(place, _)| Range::new(place, 1)).collect();
                retrieval::segment_list(*request_id, &ranges, &[])
            }
            _ => return None,
        })
    }
}

/// Answers blocks by what `lie` makes of them, and all else honestly.
pub fn liar(lie: impl Fn(&Ask<'_>) -> Reply + Send + Sync + 'static) -> impl PeerScript {
    move |ask: &Ask<'_>| match ask.message.body {
        Body::GetBlocks { .. } if ask.block().is_some() => lie(ask),
        _ => honest(ask),
    }
}

/// Answers blocks by messages that `wrong` makes of the right ones, and all else honestly.
pub fn forger(wrong: impl Fn(Draft) -> Draft + Send + Sync + 'static) -> impl PeerScript {
    liar(move |ask| {
        let right = ask.right_block();
        right.map_or(Reply::Silence, |right| Reply::Message(wrong(right)))
    })
}

/// Answers lists of blocks by what `lie` makes of them, and all else honestly.
pub fn lister(
    lie: impl Fn(&Ask<'_>, &[u8], &[Range]) -> Reply + Send + Sync + 'static,
) -> impl PeerScript {
    move |ask: &Ask<'_>| match &ask.message.body {
        Body::GetBlockList { segment_id, ranges } => lie(ask, segment_id, ranges),
        _ => honest(ask),
    }
}
