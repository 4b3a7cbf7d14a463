//! MS-PCCRR 3.2: the side that answers, a peer or the retrieval server of a hosted cache.
//! Invariant: as many clients are active as there are counted exchanges, and never more than the limit.
//! Byte order: none, messages are decoded and encoded elsewhere.
//!
//! ```text
//! Message ──▶ discarded | versions | turned away | list ──▶ Respond ──▶ Sent
//!                └──▶ Encrypt or Load ──▶ Ready or Lost ──▶ Respond ──▶ Sent
//! ```

mod answer;
mod holdings;
mod ports;
mod settings;

use std::collections::VecDeque;

pub use answer::{Answer, BlockFrame};
pub use holdings::{BlockForm, HeldBlock, HeldSegment, Holdings, SegmentHandle};
pub use ports::{BlockSource, Connection, EncryptOp, Event, Exchange, Input, LoadOp, Output};
pub use settings::ServerSettings;

use super::blob::SEGMENT_AGES_MAX;
use super::exchanges::Exchanges;
use super::payload::payload_len;
use super::{
    AgeUnit, Block, BlockIndex, BlockList, BlockSet, GetBlockList, GetBlocks, GetSegmentList,
    MessageHeader, ProtocolVersion, Request, RequestBody, Response, ResponseBody, SegmentAge,
    SegmentList, SegmentRange, SegmentRanges, encode_ages_into,
};
use crate::content::SegmentId;
use crate::entropy::{Entropy, Purpose};
use crate::error::{ApiMisuse, Rejected};
use crate::time::{Duration, Instant};
use crate::wire::Reader;

/// The answering side of retrieval.
#[derive(Debug)]
pub struct Server {
    settings: ServerSettings,
    vectors: Entropy,
    exchanges: Exchanges<Pending>,
    active_clients: u32,
    outputs: VecDeque<Output>,
    now: Instant,
    // Kept between segment lists for their memory.
    ranges: Vec<SegmentRange>,
    ages: Vec<SegmentAge>,
    blob: Vec<u8>,
}

/// An exchange whose answer is not out yet.
#[derive(Debug, Clone, Copy)]
struct Pending {
    connection: Connection,
    is_counted: bool,
    stage: Stage,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// The bytes of the block are being loaded.
    Preparing(BlockFrame),
    Sending,
}

impl Server {
    /// A server that serves nobody yet. The seed decides about initialization vectors: it must not be guessable.
    ///
    /// # Errors
    /// [`ApiMisuse`] for settings that make no sense.
    //= PCCRR-3.2.3-02
    pub fn new(settings: ServerSettings, seed: &[u8; 32]) -> Result<Self, ApiMisuse> {
        settings.check()?;
        Ok(Self {
            settings,
            vectors: Entropy::new(seed, Purpose::Iv),
            exchanges: Exchanges::new(),
            active_clients: 0,
            outputs: VecDeque::new(),
            now: Instant::ZERO,
            ranges: Vec::new(),
            ages: Vec::new(),
            blob: Vec::new(),
        })
    }

    /// The Active Client Count of the document.
    #[must_use]
    pub const fn active_clients(&self) -> u32 {
        self.active_clients
    }

    /// Moves the machine.
    ///
    /// # Errors
    /// [`ApiMisuse`] where the input contradicts what the machine put out; nothing has changed then.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), ApiMisuse> {
        // Timers stand in the order in which they were set, so time must not run backwards.
        self.now = self.now.max(now);
        match input {
            Input::Message {
                connection,
                bytes,
                holdings,
            } => self.message(connection, bytes, holdings),
            Input::Request {
                connection,
                request,
                holdings,
            } => self.request(connection, request, holdings),
            Input::Ready { exchange } => self.prepared(exchange, true),
            Input::Lost { exchange } => self.prepared(exchange, false),
            Input::Sent { exchange } => self.sent(exchange),
            Input::Closed { exchange } => {
                self.end(exchange);
                Ok(())
            }
            Input::Timeout => {
                self.expire();
                Ok(())
            }
        }
    }

    /// What the world has to do next; `None` until something is handled.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.exchanges.next_deadline()
    }

    fn message(
        &mut self,
        connection: Connection,
        bytes: &[u8],
        holdings: &dyn Holdings,
    ) -> Result<(), ApiMisuse> {
        let mut reader = Reader::new(bytes);
        let header = match MessageHeader::read(&mut reader) {
            Ok(header) => header,
            Err(truncated) => {
                self.discard(connection, super::DecodeError::from(truncated).into());
                return Ok(());
            }
        };
        // A header is all that versions yet unknown are sure to share with ours: judged before size, type and body.
        if !self.settings.versions.supports(header.version) {
            self.negotiate(connection);
            return Ok(());
        }
        match Request::decode_body(&header, 0, reader) {
            Ok(request) => self.request(connection, &request, holdings),
            //= PCCRR-3.2.5.5-01
            //= PCCRR-3.2.5.5-02
            Err(error) => {
                self.discard(connection, error.into());
                Ok(())
            }
        }
    }

    //= PCCRR-3.2.5.2-06
    //= PCCRR-3.2.5.3-13
    //= PCCRR-3.2.5.4-06
    fn request(
        &mut self,
        connection: Connection,
        request: &Request<'_>,
        holdings: &dyn Holdings,
    ) -> Result<(), ApiMisuse> {
        //= PCCRR-3-03
        //= PCCRR-2.2.5.1-02
        //= PCCRR-3.2.5.2-01
        //= PCCRR-3.2.5.3-01
        //= PCCRR-3.2.5.4-01
        if !self.settings.versions.supports(request.version) {
            self.negotiate(connection);
            return Ok(());
        }
        match &request.body {
            RequestBody::Negotiation(_) => self.negotiate(connection),
            RequestBody::BlockList(body) => self.list_blocks(connection, body, holdings),
            RequestBody::Blocks(body) => self.give_block(connection, body, holdings)?,
            RequestBody::SegmentList(_)
                if !self.settings.versions.supports(ProtocolVersion::V2_0) =>
            {
                let rejected = Rejected {
                    requirement: "PCCRR-3.2.5.5-02",
                    at: 4,
                    why: "MSG_GETSEGLIST is unknown to the versions supported here".to_owned(),
                };
                self.discard(connection, rejected);
                return Ok(());
            }
            RequestBody::SegmentList(body) => self.list_segments(connection, body, holdings),
        }
        let quirks = request.quirks();
        if !quirks.is_empty() {
            self.tell(Event::Lenient { connection, quirks });
        }
        Ok(())
    }

    //= PCCRR-3-02
    //= PCCRR-3.2.5.1-01
    //= PCCRR-3.2.5.1-03
    fn negotiate(&mut self, connection: Connection) {
        let answer = self.whole(ResponseBody::Negotiation(self.settings.versions));
        let uncounted = self.exchanges.len() - self.active_clients as usize;
        let is_watched = uncounted < self.settings.negotiation_limit as usize;
        //= PCCRR-3.2.5.1-02
        let exchange = is_watched.then(|| self.begin(connection, false, Stage::Sending));
        self.respond(connection, exchange.flatten(), answer);
    }

    //= PCCRR-3.2.5.2-05
    fn list_blocks(
        &mut self,
        connection: Connection,
        body: &GetBlockList<'_>,
        holdings: &dyn Holdings,
    ) {
        let list = |available: BlockSet, next| {
            ResponseBody::BlockList(BlockList {
                segment: body.segment,
                available: available.into(),
                next,
            })
        };
        //= PCCRR-3.2.5.2-03
        if self.is_full() {
            let empty = self.whole(list(BlockSet::EMPTY, 0));
            self.turn_away(connection, empty);
            return;
        }
        let held = holdings
            .segment(&body.segment)
            .map_or(BlockSet::EMPTY, |segment| segment.blocks);
        //= PCCRR-2.2.5.2-03
        //= PCCRR-2.2.5.2-04
        let available = body.needed.set().intersection(&held);
        //= PCCRR-2.2.5.2-06
        let next = match available.end() {
            0 => 0,
            end => next_block(&held, end),
        };
        let answer = self.whole(list(available, next));
        self.respond_counted(connection, answer);
    }

    fn give_block(
        &mut self,
        connection: Connection,
        body: &GetBlocks<'_>,
        holdings: &dyn Holdings,
    ) -> Result<(), ApiMisuse> {
        //= PCCRR-3.2.5.3-05
        //= PCCRR-3.2.5.3-06
        let index = body.requested.smallest().unwrap_or_default();
        //= PCCRR-3.2.5.3-03
        if self.is_full() {
            let empty = self.without_block(body.segment, index, 0);
            self.turn_away(connection, empty);
            return Ok(());
        }
        let Some(held) = holdings.segment(&body.segment) else {
            //= PCCRR-3.2.5.3-07
            let empty = self.without_block(body.segment, index, 0);
            self.respond_counted(connection, empty);
            return Ok(());
        };
        //= PCCRR-2.2.5.3-04
        //= PCCRR-3.2.5.3-10
        let next = next_block(&held.blocks, index.get() + 1);
        let block = if held.blocks.contains(index) {
            let block = holdings.block(held.handle, index);
            block.filter(|block| block.length > 0)
        } else {
            None
        };
        let Some(block) = block else {
            let empty = self.without_block(body.segment, index, next);
            self.respond_counted(connection, empty);
            return Ok(());
        };
        let source = BlockSource {
            segment: held.handle,
            index,
        };
        self.prepare(connection, body.segment, source, next, block)
    }

    /// Has the world load the block, and encrypt it where that is to be done here.
    fn prepare(
        &mut self,
        connection: Connection,
        segment: SegmentId,
        source: BlockSource,
        next: u32,
        block: HeldBlock,
    ) -> Result<(), ApiMisuse> {
        let length = block.length;
        //= PCCRR-2.2.3-14
        //= PCCRR-5.1-01
        let (crypto, cipher, stored_iv) = match block.form {
            BlockForm::Sealed { crypto, iv } => (crypto, None, crypto.cipher().map(|_| iv)),
            BlockForm::Plain => {
                let crypto = self.settings.encryption;
                (crypto, crypto.cipher(), None)
            }
        };
        let travelling = match cipher {
            Some(_) => payload_len(crypto, length as usize),
            None => length as usize,
        };
        let mut frame = BlockFrame {
            segment,
            //= PCCRR-2.2.5.3-03
            index: source.index,
            next,
            crypto,
            // Of the right length already; the vector itself is drawn when nothing can fail any more.
            iv: stored_iv.or(cipher.map(|_| [0; 16])),
            payload_len: u32::try_from(travelling).unwrap_or(u32::MAX),
        };
        if !frame.fits() {
            return Err(ApiMisuse(
                "a block that is held is longer than a response can carry",
            ));
        }
        //= PCCRR-2.2.5.3-10
        if cipher.is_some() {
            frame.iv = Some(self.vectors.bytes());
        }
        let Some(exchange) = self.begin(connection, true, Stage::Preparing(frame)) else {
            return Err(ApiMisuse("more exchanges than can be counted"));
        };
        self.outputs.push_back(match (cipher, frame.iv) {
            (Some(cipher), Some(iv)) => Output::Encrypt(EncryptOp {
                exchange,
                connection,
                source,
                segment,
                cipher,
                iv,
                plain_len: length,
            }),
            _ => Output::Load(LoadOp {
                exchange,
                connection,
                source,
                length,
            }),
        });
        Ok(())
    }

    /// The world has the bytes of a block, or has not. An exchange that is over needs neither.
    fn prepared(&mut self, exchange: Exchange, is_there: bool) -> Result<(), ApiMisuse> {
        let Some(pending) = self.exchanges.get_mut(exchange.0) else {
            return Ok(());
        };
        let Stage::Preparing(frame) = pending.stage else {
            return Err(ApiMisuse("no block was to be made ready for this exchange"));
        };
        pending.stage = Stage::Sending;
        let connection = pending.connection;
        let answer = if is_there {
            Answer::Block(frame)
        } else {
            self.without_block(frame.segment, frame.index, frame.next)
        };
        self.respond(connection, Some(exchange), answer);
        Ok(())
    }

    fn sent(&mut self, exchange: Exchange) -> Result<(), ApiMisuse> {
        if let Some(Pending {
            stage: Stage::Preparing(_),
            ..
        }) = self.exchanges.get_mut(exchange.0)
        {
            return Err(ApiMisuse("there was no answer to send for this exchange"));
        }
        self.end(exchange);
        Ok(())
    }

    //= PCCRR-3.2.5.4-05
    fn list_segments(
        &mut self,
        connection: Connection,
        body: &GetSegmentList<'_>,
        holdings: &dyn Holdings,
    ) {
        self.ranges.clear();
        self.ages.clear();
        self.blob.clear();
        //= PCCRR-3.2.5.4-03
        let is_full = self.is_full();
        if !is_full {
            self.find_segments(body, holdings);
        }
        //= PCCRR-2.2.6-01
        if !self.ages.is_empty() {
            let ages = self.ages.iter().copied();
            let oldest = ages.clone().map(|segment| segment.age).max();
            let unit = AgeUnit::reaching(oldest.unwrap_or_default());
            encode_ages_into(unit, ages, &mut self.blob);
        }
        let response = Response::new(
            self.settings.encryption,
            ResponseBody::SegmentList(SegmentList {
                //= PCCRR-2.2.5.4-02
                request_id: body.request_id,
                //= PCCRR-2.2.5.4-03
                available: SegmentRanges::of(&self.ranges),
                blob: &self.blob,
            }),
        );
        let answer = Answer::SegmentList(response.encode());
        if is_full {
            self.turn_away(connection, answer);
        } else {
            self.respond_counted(connection, answer);
        }
    }

    /// Fills in which of the segments are there, and how old those are that a blob can name.
    //= PCCRR-2.2.5.4-04
    fn find_segments(&mut self, body: &GetSegmentList<'_>, holdings: &dyn Holdings) {
        let mut run: Option<(u32, u32)> = None;
        let mut first = None;
        for (index, id) in (0u32..).zip(body.segments.iter()) {
            let held = holdings
                .segment(&id)
                .filter(|segment| !segment.blocks.is_empty());
            let Some(segment) = held else {
                self.ranges.extend(take_range(&mut run));
                continue;
            };
            run = Some(run.map_or((index, 1), |(start, count)| (start, count + 1)));
            //= PCCRR-2.2.5.4-05
            let from_first = index - *first.get_or_insert(index);
            if let Ok(index) = u8::try_from(from_first)
                && self.ages.len() < SEGMENT_AGES_MAX
            {
                let age = self.now.since(segment.since);
                self.ages.push(SegmentAge { index, age });
            }
        }
        self.ranges.extend(take_range(&mut run));
    }

    //= PCCRR-2.2.5.3-05
    //= PCCRR-3.2.5.3-08
    //= PCCRR-3.2.5.3-09
    fn without_block(&self, segment: SegmentId, index: BlockIndex, next: u32) -> Answer {
        self.whole(ResponseBody::Block(Block {
            segment,
            index: index.get(),
            next,
            payload: &[],
            verification: &[],
            iv: &[],
        }))
    }

    /// An answer that needs nothing from the world.
    //= PCCRR-3.2.5.2-02
    //= PCCRR-3.2.5.3-02
    //= PCCRR-3.2.5.4-02
    fn whole(&self, body: ResponseBody<'static>) -> Answer {
        Answer::Message(Response::new(self.settings.encryption, body))
    }

    const fn is_full(&self) -> bool {
        self.active_clients >= self.settings.active_client_limit
    }

    /// Takes an exchange up, counts it where it counts, and sets its upload timer.
    //= PCCRR-3.2.5.2-04
    //= PCCRR-3.2.5.3-04
    //= PCCRR-3.2.5.4-04
    fn begin(
        &mut self,
        connection: Connection,
        is_counted: bool,
        stage: Stage,
    ) -> Option<Exchange> {
        let pending = Pending {
            connection,
            is_counted,
            stage,
        };
        let upload = Duration::from_millis(self.settings.upload_timer_ms.into());
        let key = self.exchanges.insert(pending, self.now + upload)?;
        self.active_clients += u32::from(is_counted);
        Some(Exchange(key))
    }

    /// Ends an exchange, in whatever way. One that is over already is left alone.
    //= PCCRR-3.2.1-02
    //= PCCRR-3.2.5.3-12
    fn end(&mut self, exchange: Exchange) {
        if let Some(pending) = self.exchanges.remove(exchange.0) {
            self.uncount(&pending);
        }
    }

    fn uncount(&mut self, pending: &Pending) {
        self.active_clients = self
            .active_clients
            .saturating_sub(u32::from(pending.is_counted));
    }

    //= PCCRR-3.2.2-01
    //= PCCRR-3.2.6.1-01
    fn expire(&mut self) {
        while let Some((key, pending)) = self.exchanges.remove_due(self.now) {
            self.uncount(&pending);
            let connection = pending.connection;
            self.outputs.push_back(Output::Abort {
                connection,
                exchange: Exchange(key),
            });
            self.tell(Event::TimedOut { connection });
        }
    }

    fn respond_counted(&mut self, connection: Connection, answer: Answer) {
        let exchange = self.begin(connection, true, Stage::Sending);
        self.respond(connection, exchange, answer);
    }

    fn respond(&mut self, connection: Connection, exchange: Option<Exchange>, answer: Answer) {
        self.outputs.push_back(Output::Respond {
            connection,
            exchange,
            answer,
        });
    }

    fn turn_away(&mut self, connection: Connection, empty: Answer) {
        self.respond(connection, None, empty);
        self.tell(Event::TurnedAway { connection });
    }

    fn discard(&mut self, connection: Connection, rejected: Rejected) {
        self.outputs.push_back(Output::Discard { connection });
        self.tell(Event::Rejected {
            connection,
            rejected,
        });
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}

/// The first block at or behind `from` that is there, 0 where there is none.
fn next_block(held: &BlockSet, from: u32) -> u32 {
    held.first_from(from).map_or(0, BlockIndex::get)
}

fn take_range(run: &mut Option<(u32, u32)>) -> Option<SegmentRange> {
    let (first, count) = run.take()?;
    SegmentRange::new(first, count)
}
