//! The judge's own client of a hosted cache: it listens where its offers say, and serves what it offered, or does not.
//! Invariant: everything that is asked of it is kept; when it is dropped nothing of it listens or waits any more.
//! Byte order: that of MS-PCCRR.

use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::connection::Connection;
use crate::clock;
use crate::evidence::record::Recorder;
use crate::wire::cipher::{self, IV_BYTES, algorithm};
use crate::wire::content_info::Segment;
use crate::wire::digest::Algorithm;
use crate::wire::draft::Draft;
use crate::wire::http::{self, BodyEnd, Head};
use crate::wire::retrieval::{self, Body, Message, Range, VERSION_1, VERSION_2};

/// How long a connection to it may stay without a word.
const IDLE: Duration = Duration::from_secs(60);
/// Pieces of an answer that comes slowly.
const PIECE_BYTES: usize = 9_000;

/// A segment that is offered, with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// What describes it.
    pub segment: Segment,
    /// Its bytes, from its own first one on.
    pub bytes: Vec<u8>,
    /// The blocks of it that are there.
    pub blocks: Vec<u32>,
}

impl Offered {
    /// All of a segment.
    #[must_use]
    pub fn whole(segment: Segment, bytes: Vec<u8>) -> Self {
        let blocks = (0..segment.blocks()).collect();
        Self {
            segment,
            bytes,
            blocks,
        }
    }

    /// The same, of which only these blocks are there.
    #[must_use]
    pub fn only(mut self, blocks: impl IntoIterator<Item = u32>) -> Self {
        self.blocks = blocks.into_iter().collect();
        self
    }
}

/// How it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// As a peer does.
    Honestly,
    /// Blocks with one bit turned over.
    WrongBytes,
    /// The block behind the one that was asked for, under the index of that.
    OtherBlocks,
    /// Blocks under another index.
    OtherIndex,
    /// Blocks under another segment id.
    OtherSegment,
    /// Lists of what it has, but no block.
    ListsAlone,
    /// Nothing, on connections that it keeps.
    Silently,
    /// Nothing, on connections that it closes.
    Closing,
    /// 404.
    NotFound,
    /// Bytes that are no HTTP.
    NoHttp,
    /// Messages that end before their end.
    CutMessages,
    /// Responses longer than any may be.
    TooLong,
    /// Only version 9.0.
    OtherVersion,
    /// In pieces, with a pause between them.
    Slowly(Duration),
}

/// A request that came to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who asked.
    pub from: SocketAddr,
    /// The method of the request.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Bytes of the message.
    pub length: usize,
    /// The message, or what is wrong with it.
    pub message: Result<Message, String>,
}

impl Asked {
    /// The blocks of that segment that are asked for by MSG_GETBLKS.
    #[must_use]
    pub fn blocks_of(&self, id: &[u8]) -> Vec<u32> {
        match &self.message {
            Ok(Message {
                body: Body::GetBlocks {
                    segment_id, ranges, ..
                },
                ..
            }) if segment_id == id => ranges
                .iter()
                .flat_map(|range| range.indexes().take(513))
                .collect(),
            _ => Vec::new(),
        }
    }
}

#[derive(Debug)]
struct State {
    offered: Vec<Offered>,
    serves: Serves,
    asked: Vec<Asked>,
    connections: Vec<TcpStream>,
    changed: Instant,
    has_ended: bool,
}

#[derive(Debug)]
struct Shared {
    recorder: Recorder,
    state: Mutex<State>,
    happened: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that listens.
#[derive(Debug)]
pub struct OfferingClient {
    /// Where.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl OfferingClient {
    /// Starts one that listens on an address of this machine and serves honestly.
    ///
    /// # Errors
    /// That of the system.
    pub fn start(recorder: &Recorder, at: IpAddr, offered: Vec<Offered>) -> io::Result<Self> {
        let listener = TcpListener::bind((at, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            recorder: recorder.clone(),
            state: Mutex::new(State {
                offered,
                serves: Serves::Honestly,
                asked: Vec::new(),
                connections: Vec::new(),
                changed: clock::now(),
                has_ended: false,
            }),
            happened: Condvar::new(),
        });
        let mine = Arc::clone(&shared);
        let accepting = thread::spawn(move || accept(&listener, &mine));
        Ok(Self {
            address,
            shared,
            accepting: Some(accepting),
        })
    }

    /// The port that its offers say.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// The same, which serves so from now on.
    #[must_use]
    pub fn that_serves(self, serves: Serves) -> Self {
        self.serve(serves);
        self
    }

    /// Serves so from now on.
    pub fn serve(&self, serves: Serves) {
        self.shared.state().serves = serves;
    }

    /// Everything that it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.state().asked.clone()
    }

    /// The blocks of a segment that it was asked for so far, each once.
    #[must_use]
    pub fn blocks_asked(&self, id: &[u8]) -> Vec<u32> {
        let asked = self.asked();
        let mut blocks: Vec<u32> = asked.iter().flat_map(|asked| asked.blocks_of(id)).collect();
        blocks.sort_unstable();
        blocks.dedup();
        blocks
    }

    /// Whether, within that time, what it was asked comes to be so.
    pub fn is_asked_within(&self, patience: Duration, is_so: impl Fn(&[Asked]) -> bool) -> bool {
        let deadline = clock::now() + patience;
        let mut state = self.shared.state();
        loop {
            if is_so(&state.asked) {
                return true;
            }
            let left = deadline.saturating_duration_since(clock::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.happened.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until nobody has asked anything for `quiet`, at most for `patience`.
    pub fn settles(&self, quiet: Duration, patience: Duration) {
        let begun = clock::now();
        loop {
            let changed = self.shared.state().changed.max(begun);
            let now = clock::now();
            let due = changed + quiet;
            if now >= due || now.saturating_duration_since(begun) >= patience {
                return;
            }
            thread::sleep(due - now);
        }
    }
}

impl Drop for OfferingClient {
    fn drop(&mut self) {
        let connections = {
            let mut state = self.shared.state();
            state.has_ended = true;
            std::mem::take(&mut state.connections)
        };
        for connection in connections {
            // One that is closed already needs no end.
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.shared.happened.notify_all();
        // Wakes the listener up.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        let Ok(connection) = connection else { continue };
        let Ok(kept) = connection.try_clone() else {
            continue;
        };
        {
            let mut state = shared.state();
            if state.has_ended {
                return;
            }
            state.connections.push(kept);
            state.changed = clock::now();
        }
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            if let Ok(mut connection) = Connection::accepted(&shared.recorder, connection) {
                while shared.serve_one(&mut connection).is_some() {}
            }
        });
    }
}

impl Shared {
    /// One request and its answer. `None`: the connection is over.
    fn serve_one(&self, connection: &mut Connection) -> Option<()> {
        let deadline = clock::now() + IDLE;
        let head = connection.head(deadline).ok()?;
        let end = match head.body().ok()? {
            BodyEnd::Unsaid => BodyEnd::Length(0),
            said => said,
        };
        if head.lists("Expect", "100-continue") {
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        let body = connection.body(end, deadline).ok()?;
        let from = connection.remote().ok()?;
        let (asked, serves) = self.heard(&head, &body, from);
        let message = asked.ok();
        match serves {
            Serves::Silently => {
                connection.is_closed_within(IDLE);
                None
            }
            Serves::Closing => None,
            Serves::NotFound => connection
                .send(&http::response(404, "Not Found", &[], &[]))
                .ok(),
            Serves::NoHttp => {
                // The connection is of no use afterwards.
                let _ = connection.send(b"\x05\x00no such thing\r\n\r\n");
                None
            }
            Serves::Slowly(pause) => {
                let answer = self.answer(message.as_ref(), serves);
                for piece in answer.chunks(PIECE_BYTES) {
                    connection.send(piece).ok()?;
                    thread::sleep(pause);
                }
                Some(())
            }
            _ => connection.send(&self.answer(message.as_ref(), serves)).ok(),
        }
    }

    fn heard(
        &self,
        head: &Head,
        body: &[u8],
        from: SocketAddr,
    ) -> (Result<Message, String>, Serves) {
        let (method, path) = head.request().unwrap_or_default();
        let message = retrieval::read(body).map_err(|error| error.to_string());
        let serves = {
            let mut state = self.state();
            state.asked.push(Asked {
                from,
                method: method.to_owned(),
                path: path.to_owned(),
                length: body.len(),
                message: message.clone(),
            });
            state.changed = clock::now();
            state.serves
        };
        self.happened.notify_all();
        (message, serves)
    }

    fn answer(&self, message: Option<&Message>, serves: Serves) -> Vec<u8> {
        let Some(draft) = message.and_then(|message| self.reply(message, serves)) else {
            return http::response(400, "Bad Request", &[], &[]);
        };
        let mut bytes = draft.to_bytes();
        if serves == Serves::CutMessages {
            bytes.truncate(bytes.len() / 2);
        }
        http::response(200, "OK", &[], &retrieval::framed(&bytes))
    }

    fn reply(&self, message: &Message, serves: Serves) -> Option<Draft> {
        if serves == Serves::OtherVersion {
            return Some(retrieval::negotiation_response(9, 9));
        }
        Some(match &message.body {
            Body::Negotiation { .. } => retrieval::negotiation_response(VERSION_1, VERSION_2),
            Body::GetBlockList { segment_id, ranges } => {
                let held = self.find(segment_id).map(|offered| offered.blocks);
                let mut held = held.unwrap_or_default();
                held.retain(|index| {
                    let asks =
                        |range: &Range| range.index <= *index && index - range.index < range.count;
                    ranges.iter().any(asks)
                });
                let listed: Vec<Range> = held.iter().map(|index| Range::new(*index, 1)).collect();
                retrieval::block_list(segment_id, &joined(&listed), 0)
            }
            Body::GetBlocks {
                segment_id, ranges, ..
            } => {
                let index = ranges.first().map_or(0, |range| range.index);
                self.block(segment_id, index, message.algorithm, serves)
            }
            Body::GetSegmentList {
                request_id,
                segment_ids,
                ..
            } => {
                let places = (0..).zip(segment_ids);
                let held = places.filter(|(_, id)| self.find(id).is_some());
                let listed: Vec<Range> = held.map(|(place, _)| Range::new(place, 1)).collect();
                retrieval::segment_list(*request_id, &joined(&listed), &[])
            }
            _ => return None,
        })
    }

    fn find(&self, id: &[u8]) -> Option<Offered> {
        let state = self.state();
        let mut offered = state.offered.iter();
        offered.find(|offered| offered.segment.id() == id).cloned()
    }

    fn block(&self, segment_id: &[u8], index: u32, asked: u32, serves: Serves) -> Draft {
        let none = || retrieval::block(segment_id, index, 0, asked, &[], &[]);
        let found = self.find(segment_id);
        let found =
            found.filter(|offered| offered.blocks.contains(&index) && serves != Serves::ListsAlone);
        let Some(Offered {
            segment,
            bytes,
            blocks,
        }) = found
        else {
            return none();
        };
        let served = match serves {
            Serves::OtherBlocks => (index + 1) % segment.blocks().max(1),
            _ => index,
        };
        let mut plain = bytes
            .get(segment.block(served))
            .unwrap_or_default()
            .to_vec();
        match serves {
            Serves::WrongBytes => {
                if let Some(byte) = plain.get_mut(0) {
                    *byte ^= 0x10;
                }
            }
            // As long as the block that was asked for: only its hash can tell.
            Serves::OtherBlocks => {
                plain.resize(segment.block(index).len(), 0x5a);
                if segment.blocks() == 1 {
                    plain.reverse();
                }
            }
            Serves::TooLong => plain.resize(retrieval::RESPONSE_MAX_BYTES + 4_096, 0),
            _ => {}
        }
        let drawn = Algorithm::Sha256.hash(&[segment_id, &index.to_be_bytes()].concat());
        let vector = match asked {
            algorithm::NONE => &[],
            _ => drawn.get(..IV_BYTES).unwrap_or_default(),
        };
        let Some(block) = cipher::encrypt(asked, &segment.secret, vector, &plain) else {
            return none();
        };
        let next = blocks.iter().copied().find(|held| *held > index);
        let (mut id, mut said) = (segment_id.to_vec(), index);
        match serves {
            Serves::OtherIndex => said = index + 1,
            Serves::OtherSegment => id.reverse(),
            _ => {}
        }
        retrieval::block(&id, said, next.unwrap_or(0), asked, &block, vector)
    }
}

/// Ranges of one each that ascend, put together where they touch.
fn joined(ranges: &[Range]) -> Vec<Range> {
    let mut joined: Vec<Range> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.index + last.count == range.index => last.count += range.count,
            _ => joined.push(*range),
        }
    }
    joined
}
