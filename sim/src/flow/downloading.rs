//! MS-CCROD 2.8: what a host does for its client framework.
//! Invariant: it does what the machine says and decides nothing; every block that is stored was fetched.
//! Byte order: none.

use std::collections::VecDeque;
use std::sync::Arc;

use peerdist::client::{
    self, BlockOp, Delivery, DiscoveryToken, DownloadToken, Event, Input, Order, Output,
    PassedSegment, Source, Start, VerifyToken, WantedSegment,
};
use peerdist::content::Version;
use peerdist::retrieval::client::{Exchange, Input as AskInput, Peer, Query};
use peerdist::retrieval::server::Answer;
use peerdist::retrieval::{Block, MessageType, Response, ResponseBody};
use peerdist::time::Instant;

use super::branch::{Branch, Happening, Route, Sending};
use super::host::{Caller, Range, Waiting};
use super::overhead::{RANGE_REQUEST, RETRIEVAL_REQUEST};
use crate::outcome::Traced;
use crate::scenario::{self, Mode};
use crate::series::Measure;

/// What the machine is to hear next.
enum Next {
    Decrypted(Exchange),
    Verified(VerifyToken, bool, Source),
    NobodyFound(DiscoveryToken),
    Failed(Exchange),
}

impl Branch<'_> {
    pub(super) fn start_download(
        &mut self,
        number: u32,
        download: DownloadToken,
        version: Version,
        segments: &[WantedSegment],
    ) {
        let cache = self.site.cache_store().map(|_| self.site.cache_number());
        let Some(host) = self.host(number) else {
            return;
        };
        let mode = match (host.group.mode, cache) {
            (Mode::Hosted, Some(cache)) => client::Mode::Hosted(Peer(cache.into())),
            _ => client::Mode::Distributed,
        };
        let start = Start {
            download,
            version,
            segments,
            mode,
            order: match host.group.order {
                scenario::Order::Sequential => Order::Sequential,
                scenario::Order::Random => Order::Random,
            },
            delivery: Delivery::AsVerified,
        };
        if host.asking().is_none() {
            self.violated(format!("host {number} has no client"));
        }
        self.client(number, Input::Start(start));
    }

    /// Moves the client framework of a host, and does what it says.
    pub(super) fn client(&mut self, number: u32, input: Input<'_>) {
        let mut next = VecDeque::new();
        self.feed(number, input, &mut next);
        while let Some(step) = next.pop_front() {
            let input = match step {
                Next::Decrypted(exchange) => Input::Decrypted {
                    exchange,
                    quirk: None,
                },
                Next::Verified(verify, good, source) => {
                    self.verified = Some(source);
                    Input::Verified { verify, good }
                }
                Next::NobodyFound(discovery) => Input::DiscoveryFinished { discovery },
                Next::Failed(exchange) => Input::Failed { exchange },
            };
            self.feed(number, input, &mut next);
        }
        self.plan_wakes(number);
    }

    fn feed(&mut self, number: u32, input: Input<'_>, next: &mut VecDeque<Next>) {
        let now = self.now;
        let Some(asking) = self
            .host(number)
            .and_then(|host| host.asking.as_deref_mut())
        else {
            return;
        };
        if let Err(misuse) = asking.machine.handle(now, input) {
            self.violated(format!(
                "the client of host {number} refused an input: {misuse}"
            ));
            return;
        }
        while let Some(output) = self
            .host(number)
            .and_then(|host| host.asking.as_deref_mut()?.machine.poll_output())
        {
            self.obey(number, output, next);
        }
    }

    fn obey(&mut self, number: u32, output: Output, next: &mut VecDeque<Next>) {
        match output {
            Output::Discover {
                discovery,
                version,
                segments,
            } => {
                let mode = self.host(number).map(|host| host.group.mode);
                let is_looking = mode == Some(Mode::Distributed)
                    && self.look_for(number, discovery, version, &segments);
                if !is_looking {
                    next.push_back(Next::NobodyFound(discovery));
                }
            }
            Output::CancelDiscovery { discovery } => self.look_no_longer(number, discovery),
            Output::Send {
                exchange,
                peer,
                query,
            } => match u32::try_from(peer.0) {
                Ok(peer) => self.ask(number, exchange, peer, query),
                Err(_) => next.push_back(Next::Failed(exchange)),
            },
            Output::Decrypt { op, .. } => next.push_back(Next::Decrypted(op.exchange)),
            Output::Abort { exchange, .. } => self.abort(number, exchange),
            Output::Verify(op) => {
                let good = self.is_taken(number, &op);
                next.push_back(Next::Verified(op.verify, good, op.source));
            }
            Output::Store(op) => {
                if let Some(source) = self.verified {
                    self.count(number, &op, source);
                }
                self.keep(number, &op);
            }
            Output::FetchOrigin {
                fetch,
                download,
                range,
            } => {
                let ends = self.segment_ends(number, download, range);
                let Some(host) = self.host(number) else {
                    return;
                };
                let is_open = host.take_connection(None);
                if let Some(asking) = host.asking.as_deref_mut() {
                    let range = Range {
                        download,
                        start: range.start,
                        bytes: range.length,
                        flow: None,
                        ends,
                        is_fresh: true,
                        untold: None,
                    };
                    asking.ranges.insert(fetch, range);
                }
                let sending = Sending::RangeRequest {
                    host: number,
                    fetch,
                };
                self.send(
                    Route::ToOrigin(number),
                    is_open,
                    RANGE_REQUEST,
                    u64::MAX,
                    sending,
                );
            }
            Output::AbortOrigin { fetch } => {
                let asking = self
                    .host(number)
                    .and_then(|host| host.asking.as_deref_mut());
                let range = asking.and_then(|asking| asking.ranges.remove(&fetch));
                if let Some(flow) = range.and_then(|range| range.flow) {
                    self.cut(flow);
                }
            }
            Output::Event(Event::Finished { download, .. }) => self.ended(number, download, true),
            Output::Event(Event::Failed { download, .. } | Event::Cancelled { download }) => {
                self.ended(number, download, false);
            }
            Output::Offer(shared) => self.offer(number, &shared),
            Output::Deliver(_) | Output::Share(_) | Output::Event(_) => {}
        }
    }

    /// Says where a block came from.
    fn count(&mut self, number: u32, block: &BlockOp, source: Source) {
        let Some(host) = self.host(number) else {
            return;
        };
        let is_hosted = host.group.mode == Mode::Hosted;
        let Some(download) = host.downloads.get_mut(&block.download) else {
            return;
        };
        let shares = &mut download.shares;
        let (share, what) = match source {
            Source::Peer { .. } if is_hosted => (&mut shares.hosted_cache, Measure::HostedCache),
            Source::Peer { .. } => (&mut shares.peers, Measure::Peers),
            Source::Origin { .. } => (&mut shares.origin, Measure::Origin),
        };
        *share += block.range.length;
        self.recorder.add(self.now, what, block.range.length);
    }

    fn keep(&mut self, number: u32, op: &BlockOp) {
        let (now, plan) = (self.now, self.plan);
        let Some(host) = self.host(number) else {
            return;
        };
        let layout = host.layout_of(plan, op.download);
        // The place of the segment is that among the missing ones; its bytes tell which of all it is.
        let segment = layout.and_then(|layout| {
            let after = layout
                .segments
                .partition_point(|it| it.offset <= op.range.start);
            layout.segments.get(after.checked_sub(1)?)
        });
        let Some(segment) = segment.filter(|segment| segment.id == op.id) else {
            self.violated(format!("host {number} stores a block of no segment"));
            return;
        };
        let replies = host
            .asking
            .as_deref()
            .and_then(|asking| asking.replies.get(&op.id))
            .copied();
        let now = host.clock(now);
        host.store.put(now, host.version(), segment, op.index);
        if let Some(replies) = replies {
            host.store.note_replies(&op.id, replies);
        }
        self.check_kept(number, op);
    }

    pub(super) fn ask(&mut self, number: u32, exchange: Exchange, peer: u32, query: Query) {
        let mut message = Vec::new();
        query.encode_into(&mut message);
        let bytes = RETRIEVAL_REQUEST + message.len() as u64;
        let Some(host) = self.host(number) else {
            return;
        };
        let is_open = host.take_connection(Some(peer));
        let waiting = Waiting {
            peer,
            flow: None,
            connection: None,
        };
        host.waiting.insert(exchange, waiting);
        if self.faulting.is_down(peer) {
            let caller = Caller {
                host: number,
                exchange,
            };
            let at = self.now + self.lan_latency();
            return self.queue.push(at, Happening::Failed(caller));
        }
        let route = Route::Lan {
            from: number,
            to: peer,
        };
        let caller = Caller {
            host: number,
            exchange,
        };
        let sending = Sending::Request {
            caller,
            peer,
            query,
        };
        self.send(route, is_open, bytes, u64::MAX, sending);
    }

    pub(super) fn abort(&mut self, number: u32, exchange: Exchange) {
        let host = self.host(number);
        let Some(waiting) = host.and_then(|host| host.waiting.remove(&exchange)) else {
            return;
        };
        if let Some(flow) = waiting.flow {
            self.cut(flow);
        }
        if let Some(connection) = waiting.connection {
            self.closed(waiting.peer, connection);
        }
    }

    /// An answer came.
    pub(super) fn answered(&mut self, caller: Caller, peer: u32, answer: &Answer, is_wrong: bool) {
        let (now, number, exchange) = (self.now, caller.host, caller.exchange);
        let Some(host) = self.host(number) else {
            return;
        };
        if host.waiting.remove(&exchange).is_none() {
            return;
        }
        host.give_connection(Some(peer));
        if let Answer::Block(frame) = answer {
            host.came.add(peer, &frame.segment, now.as_nanos(), 1);
            self.outcome.blocks += 1;
        }
        let payload = Arc::clone(&self.payload);
        if let Answer::SegmentList(bytes) = answer {
            return self.client(number, Input::Message { exchange, bytes });
        }
        let Some(response) = response_of(answer, &payload) else {
            return;
        };
        let response = &response;
        self.faulting.is_wrong = is_wrong;
        if self.is_cache(number) {
            self.cache_client(number, AskInput::Response { exchange, response });
        } else if is_wrong && self.faulting.mangles() {
            // Not even a message.
            let bytes = &[0xff; 32][..];
            self.client(number, Input::Message { exchange, bytes });
        } else {
            self.client(number, Input::Response { exchange, response });
            if let Answer::Block(frame) = answer {
                self.try_burst(number, frame);
            }
        }
    }

    /// Keeps what a burst brought: the first block at one moment, the last at another.
    pub(super) fn keep_many(
        &mut self,
        number: u32,
        passed: &PassedSegment,
        moments: [Instant; 2],
        block_bytes: u64,
    ) {
        let plan = self.plan;
        let Some(host) = self.host(number) else {
            return;
        };
        let layout = host.layout_of(plan, passed.download);
        let segment =
            layout.and_then(|layout| layout.segments.iter().find(|it| it.id == passed.id));
        let Some(segment) = segment else {
            self.violated(format!("host {number} stores blocks of no segment"));
            return;
        };
        let asking = host.asking.as_deref();
        let replies = asking.and_then(|asking| asking.replies.get(&passed.id));
        let replies = replies.copied();
        let version = host.version();
        host.store
            .put_many(moments, version, segment, &passed.blocks, block_bytes);
        if let Some(replies) = replies {
            host.store.note_replies(&passed.id, replies);
        }
    }

    /// Notes what came to a host from others.
    pub(super) fn note_what_came(&mut self, number: u32) {
        let now = self.now;
        if let Some(host) = self.host(number) {
            let details = [host.came.sum, host.came.blocks, host.came.from_origin];
            if details != [0; 3] {
                self.trace.note(now, Traced::Came, number, details);
            }
        }
        self.faulting.is_wrong = false;
    }

    /// No answer comes.
    pub(super) fn failed(&mut self, caller: Caller) {
        let host = self.host(caller.host);
        if host
            .and_then(|host| host.waiting.remove(&caller.exchange))
            .is_some()
        {
            let exchange = caller.exchange;
            if self.is_cache(caller.host) {
                self.cache_client(caller.host, AskInput::Failed { exchange });
            } else {
                self.client(caller.host, Input::Failed { exchange });
            }
        }
    }
}

/// An answer as the asking side takes it; nothing for one that is written out already.
fn response_of<'a>(answer: &'a Answer, payload: &'a [u8]) -> Option<Response<'a>> {
    match answer {
        Answer::Message(response) => Some(*response),
        Answer::SegmentList(_) => None,
        Answer::Block(frame) => Some(Response {
            version: MessageType::BLK.version(),
            crypto: frame.crypto,
            body: ResponseBody::Block(Block {
                segment: frame.segment,
                index: frame.index.get(),
                next: frame.next,
                payload: payload
                    .get(..frame.payload_len as usize)
                    .unwrap_or_default(),
                verification: &[],
                iv: frame.iv.as_ref().map_or(&[][..], |iv| &iv[..]),
            }),
        }),
    }
}
