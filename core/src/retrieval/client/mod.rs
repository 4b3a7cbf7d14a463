//! MS-PCCRR 3.1: the side that asks.
//! Invariant: what is accepted matches the request that it answers; every question ends with exactly one outcome.
//! Byte order: none, messages are decoded and encoded elsewhere.
//!
//! ```text
//! Ask ──▶ Send ──▶ Message ──▶ list, versions, empty block ──▶ Finished
//!          ▲           ├──▶ Decrypt ──▶ Decrypted ───────────▶ Finished
//!          └── other versions, once     timer, mismatch ─────▶ Finished
//! ```
//!
//! HTTP pairs each response with its request, so a response is held against that one and no other. The world keeps a
//! message until its outputs are drained, or until `Decrypted` where they ask for that.

mod matching;
mod ports;
mod settings;

use std::collections::VecDeque;

pub use ports::{
    AvailableSegment, DecryptOp, Event, Exchange, Input, Outcome, Output, Peer, Query, Question,
    Reading, ReceivedBlock, Tag,
};
pub use settings::ClientSettings;

use super::exchanges::Exchanges;
use super::{
    BlockIndex, MESSAGE_MIN_BYTES, MessageType, PayloadPlace, ProtocolVersion, REQUEST_MAX_BYTES,
    RequestId, Response, ResponseBody, VersionRange,
};
use crate::entropy::{Entropy, Purpose};
use crate::error::{ApiMisuse, Rejected};
use crate::time::{Duration, Instant};

/// The asking side of retrieval: all requests outstanding at all peers.
#[derive(Debug)]
pub struct Client {
    settings: ClientSettings,
    //= PCCRR-3.1.1-01
    outstanding: Exchanges<Outstanding>,
    outputs: VecDeque<Output>,
    now: Instant,
    /// First half of all request ids of this client; the second counts.
    request_id_prefix: [u8; 8],
    next_request: u64,
}

#[derive(Debug)]
struct Outstanding {
    tag: Tag,
    peer: Peer,
    query: Query,
    stage: Stage,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Waiting { was_repeated: bool },
    Decrypting(ReceivedBlock),
}

/// What a response means for the request it answers, once it is known to be good.
enum Verdict {
    Finished(Outcome),
    Decrypt(ReceivedBlock),
}

impl Client {
    /// A client that asked nothing yet. The seed decides about the ids of segment list requests.
    ///
    /// # Errors
    /// [`ApiMisuse`] for settings that make no sense.
    pub fn new(settings: ClientSettings, seed: &[u8; 32]) -> Result<Self, ApiMisuse> {
        settings.check()?;
        Ok(Self {
            settings,
            outstanding: Exchanges::new(),
            outputs: VecDeque::new(),
            now: Instant::ZERO,
            request_id_prefix: Entropy::new(seed, Purpose::Uuid).bytes(),
            next_request: 0,
        })
    }

    /// How many requests are outstanding, those whose block is being decrypted included.
    #[must_use]
    pub const fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Moves the machine.
    ///
    /// # Errors
    /// [`ApiMisuse`] where a question cannot be asked or the input contradicts what the machine put out; nothing has
    /// changed then.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), ApiMisuse> {
        // Timers stand in the order in which they were set, so time must not run backwards.
        self.now = self.now.max(now);
        match input {
            Input::Ask {
                tag,
                peer,
                question,
            } => return self.ask(tag, peer, question),
            Input::Message { exchange, bytes } => match Response::decode(bytes) {
                Ok(response) => self.response(exchange, &response),
                //= PCCRR-3.1.5.5-01
                Err(error) => self.reject(exchange, error.into()),
            },
            Input::Response { exchange, response } => self.response(exchange, response),
            Input::Decrypted { exchange, quirk } => return self.decrypted(exchange, quirk),
            Input::Failed { exchange } => self.finish(exchange, Outcome::Failed),
            Input::Cancel { exchange } => self.abort(exchange, Outcome::Cancelled),
            Input::Timeout => self.expire(),
        }
        Ok(())
    }

    /// What the world has to do next; `None` until something is handled.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.outstanding.next_deadline()
    }

    /// What is asked in an exchange.
    pub(crate) fn query(&self, exchange: Exchange) -> Option<&Query> {
        self.outstanding.get(exchange.0).map(|it| &it.query)
    }

    /// Whether all exchanges wait for their first answer.
    pub(crate) fn is_waiting(&self) -> bool {
        let waits = |request: &Outstanding| {
            matches!(
                request.stage,
                Stage::Waiting {
                    was_repeated: false
                }
            )
        };
        self.outstanding.iter().all(|(_, request)| waits(request))
    }

    /// The block of an exchange came, and at that moment another block of its segment was asked for.
    pub(crate) fn again(
        &mut self,
        exchange: Exchange,
        block: BlockIndex,
        at: Instant,
    ) -> Option<Tag> {
        self.now = self.now.max(at);
        let deadline = self.deadline();
        let request = self.outstanding.get_mut(exchange.0)?;
        if let Question::Block { index, .. } = &mut request.query.question {
            *index = block;
        }
        let tag = request.tag;
        self.outstanding.start_timer(exchange.0, deadline);
        Some(tag)
    }

    /// The block of an exchange came, and nothing was asked for.
    pub(crate) fn over(&mut self, exchange: Exchange) -> Option<Tag> {
        self.outstanding.remove(exchange.0).map(|it| it.tag)
    }

    fn ask(&mut self, tag: Tag, peer: Peer, question: Question) -> Result<(), ApiMisuse> {
        self.check(&question)?;
        let is_list = matches!(question, Question::SegmentList { .. });
        let query = Query {
            version: message_type(&question).version(),
            crypto: self.settings.preferred_encryption,
            versions: self.settings.versions,
            request_id: if is_list {
                self.new_request_id()
            } else {
                RequestId::default()
            },
            question,
        };
        let request = Outstanding {
            tag,
            peer,
            query: query.clone(),
            stage: Stage::Waiting {
                was_repeated: false,
            },
        };
        //= PCCRR-3.1.2-01
        //= PCCRR-3.1.4.1-03
        //= PCCRR-3.1.4.2-02
        //= PCCRR-3.1.4.3-02
        //= PCCRR-3.1.4.4-03
        let key = self.outstanding.insert(request, self.deadline());
        let key = key.ok_or(ApiMisuse("more requests than can be counted"))?;
        self.outputs.push_back(Output::Send {
            exchange: Exchange(key),
            tag,
            peer,
            query,
        });
        Ok(())
    }

    fn check(&self, question: &Question) -> Result<(), ApiMisuse> {
        if self.outstanding.len() >= self.settings.outstanding_limit as usize {
            return Err(ApiMisuse("outstanding_limit requests are outstanding"));
        }
        match question {
            Question::Versions => {}
            Question::BlockList { needed, .. } => {
                if needed.is_empty() {
                    return Err(ApiMisuse("a block list is asked for no blocks"));
                }
            }
            Question::Block { reading, .. } => {
                if *reading == (Reading::Plain { length: 0 }) {
                    return Err(ApiMisuse("a block of no bytes is asked for"));
                }
            }
            Question::SegmentList { segments } => {
                let ids = segments.iter().map(|id| 4 + id.0.as_bytes().len());
                let size = MESSAGE_MIN_BYTES + 16 + 4 + ids.sum::<usize>() + 4;
                if segments.is_empty() {
                    return Err(ApiMisuse("a segment list is asked for no segments"));
                }
                if size > REQUEST_MAX_BYTES {
                    return Err(ApiMisuse("more segments than a request can carry"));
                }
                if !self.settings.versions.supports(ProtocolVersion::V2_0) {
                    return Err(ApiMisuse("segment lists need version 2.0"));
                }
            }
        }
        Ok(())
    }

    //= PCCRR-2.2.4.4-02
    //= PCCRR-3.1.4.4-01
    fn new_request_id(&mut self) -> RequestId {
        let mut id = RequestId::default();
        let number = self.next_request.to_be_bytes();
        self.next_request += 1;
        id.iter_mut()
            .zip(self.request_id_prefix.iter().chain(&number))
            .for_each(|(to, byte)| *to = *byte);
        id
    }

    fn deadline(&self) -> Instant {
        self.now + Duration::from_millis(self.settings.request_timer_ms.into())
    }

    fn response(&mut self, exchange: Exchange, response: &Response<'_>) {
        let Some(request) = self.outstanding.get_mut(exchange.0) else {
            self.reject(exchange, nobody_asked(&response.body));
            return;
        };
        let peer = request.peer;
        let Stage::Waiting { was_repeated } = request.stage else {
            // A second response to one request. The first was good and stays.
            let rejected = nobody_asked(&response.body);
            self.tell(Event::Rejected {
                exchange,
                peer: Some(peer),
                rejected,
            });
            return;
        };
        if let ResponseBody::Negotiation(of_peer) = response.body {
            self.other_versions(exchange, of_peer, was_repeated);
            return;
        }
        let verdict = matching::judge(&request.query, response, &self.settings.versions);
        let verdict = match verdict {
            Ok(verdict) => verdict,
            Err(rejected) => {
                self.reject(exchange, rejected);
                return;
            }
        };
        let quirks = response.quirks();
        if !quirks.is_empty() {
            self.tell(Event::Lenient { peer, quirks });
        }
        if let ResponseBody::SegmentList(list) = &response.body
            && let Some(rejected) = matching::blob_fault(list)
        {
            self.tell(Event::BlobDropped { peer, rejected });
        }
        //= PCCRR-3.1.5.2-04
        //= PCCRR-3.1.5.3-02
        //= PCCRR-3.1.5.4-04
        match verdict {
            Verdict::Finished(outcome) => self.finish(exchange, outcome),
            Verdict::Decrypt(block) => self.decrypt(exchange, block),
        }
    }

    //= PCCRR-3.1.5.3-03
    fn decrypt(&mut self, exchange: Exchange, block: ReceivedBlock) {
        self.outstanding.stop_timer(exchange.0);
        let Some(request) = self.outstanding.get_mut(exchange.0) else {
            return;
        };
        let Question::Block {
            reading: Reading::Plain { length },
            ..
        } = request.query.question
        else {
            return;
        };
        let (Some(cipher), Some(iv)) = (block.crypto.cipher(), block.iv) else {
            return;
        };
        request.stage = Stage::Decrypting(ReceivedBlock {
            place: PayloadPlace {
                length: length as usize,
                ..block.place
            },
            ..block
        });
        let op = DecryptOp {
            exchange,
            tag: request.tag,
            segment: block.segment,
            index: block.index,
            cipher,
            iv,
            place: block.place,
            plain_len: length,
        };
        self.outputs.push_back(Output::Decrypt(op));
    }

    //= PCCRR-3.1.5.3-04
    fn decrypted(
        &mut self,
        exchange: Exchange,
        quirk: Option<super::Quirk>,
    ) -> Result<(), ApiMisuse> {
        let Some(request) = self.outstanding.get_mut(exchange.0) else {
            return Ok(());
        };
        let Stage::Decrypting(block) = request.stage else {
            return Err(ApiMisuse("no block was to be decrypted for this exchange"));
        };
        let peer = request.peer;
        if let Some(quirk) = quirk {
            let mut quirks = super::Quirks::default();
            quirks.add(quirk);
            self.tell(Event::Lenient { peer, quirks });
        }
        self.finish(exchange, Outcome::Block(block));
        Ok(())
    }

    /// The peer answered with its versions: to a question about them, or because it did not understand.
    fn other_versions(&mut self, exchange: Exchange, of_peer: VersionRange, was_repeated: bool) {
        let Some(selected) = self.settings.versions.selected(&of_peer) else {
            self.give_up(exchange, of_peer);
            return;
        };
        let deadline = self.deadline();
        let Some(request) = self.outstanding.get_mut(exchange.0) else {
            return;
        };
        let by_type = message_type(&request.query.question).version();
        match request.query.question {
            //= PCCRR-3.1.5.1-03
            Question::Versions => {
                self.finish(exchange, Outcome::Versions { selected, of_peer });
            }
            Question::SegmentList { .. } if !of_peer.supports(by_type) => {
                self.finish(exchange, Outcome::Unsupported { of_peer });
            }
            //= PCCRR-3.1.5.1-02
            _ if was_repeated => self.reject(
                exchange,
                Rejected {
                    requirement: "PCCRR-3.1.5.1-02",
                    at: 0,
                    why: format!("versions {of_peer} once more, to a request that took them up"),
                },
            ),
            _ => {
                // The type fixes the version, unless the peer cannot take that one.
                request.query.version = if of_peer.supports(by_type) {
                    by_type
                } else {
                    selected
                };
                request.stage = Stage::Waiting { was_repeated: true };
                let send = Output::Send {
                    exchange,
                    tag: request.tag,
                    peer: request.peer,
                    query: request.query.clone(),
                };
                self.outstanding.start_timer(exchange.0, deadline);
                self.outputs.push_back(send);
            }
        }
    }

    /// Ends all exchanges with the peer of this one, with which no version is in common.
    //= PCCRR-3.1.5.1-04
    fn give_up(&mut self, exchange: Exchange, of_peer: VersionRange) {
        let Some(peer) = self.outstanding.get_mut(exchange.0).map(|it| it.peer) else {
            return;
        };
        self.finish(exchange, Outcome::Incompatible { of_peer });
        let waits = |request: &Outstanding| {
            request.peer == peer && matches!(request.stage, Stage::Waiting { .. })
        };
        let others = self
            .outstanding
            .iter()
            .filter(|(_, request)| waits(request));
        let others: Vec<_> = others.map(|(key, _)| Exchange(key)).collect();
        for other in others {
            self.abort(other, Outcome::Incompatible { of_peer });
        }
    }

    //= PCCRR-3.1.2-02
    //= PCCRR-3.1.6.1-01
    fn expire(&mut self) {
        while let Some((key, request)) = self.outstanding.remove_due(self.now) {
            let exchange = Exchange(key);
            let peer = request.peer;
            self.outputs.push_back(Output::Abort { exchange, peer });
            self.tell(Event::Finished {
                exchange,
                tag: request.tag,
                peer,
                outcome: Outcome::TimedOut,
            });
        }
    }

    /// Ends an exchange that still waits for its answer. One that is over already is left alone.
    fn abort(&mut self, exchange: Exchange, outcome: Outcome) {
        if let Some(request) = self.outstanding.get_mut(exchange.0) {
            let peer = request.peer;
            self.outputs.push_back(Output::Abort { exchange, peer });
            self.finish(exchange, outcome);
        }
    }

    fn finish(&mut self, exchange: Exchange, outcome: Outcome) {
        if let Some(request) = self.outstanding.remove(exchange.0) {
            self.tell(Event::Finished {
                exchange,
                tag: request.tag,
                peer: request.peer,
                outcome,
            });
        }
    }

    /// Discards a message and ends the exchange that it came in, if that waits for one.
    fn reject(&mut self, exchange: Exchange, rejected: Rejected) {
        let request = self.outstanding.get_mut(exchange.0);
        let waits = request.map(|it| (it.peer, matches!(it.stage, Stage::Waiting { .. })));
        self.tell(Event::Rejected {
            exchange,
            peer: waits.map(|(peer, _)| peer),
            rejected,
        });
        if waits.is_some_and(|(_, waits)| waits) {
            self.finish(exchange, Outcome::Rejected);
        }
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}

const fn message_type(question: &Question) -> MessageType {
    match question {
        Question::Versions => MessageType::NEGO_REQ,
        Question::BlockList { .. } => MessageType::GETBLKLIST,
        Question::Block { .. } => MessageType::GETBLKS,
        Question::SegmentList { .. } => MessageType::GETSEGLIST,
    }
}

/// A response to a request that is not outstanding, or not any more.
//= PCCRR-3.1.5.1-01
fn nobody_asked(body: &ResponseBody<'_>) -> Rejected {
    let requirement = match body {
        ResponseBody::Negotiation(_) => "PCCRR-3.1.5.1-01",
        ResponseBody::BlockList(_) => "PCCRR-3.1.5.2-01",
        ResponseBody::Block(_) => "PCCRR-3.1.5.3-01",
        ResponseBody::SegmentList(_) => "PCCRR-3.1.5.4-02",
    };
    Rejected {
        requirement,
        at: 0,
        why: format!("{}: no request of it is outstanding", body.message_type()),
    }
}
