//! MS-CCROD 2.8: what a host does for its client framework.
//! Invariant: it does what the machine says and decides nothing; every block that is stored was fetched.
//! Byte order: none.

use std::collections::VecDeque;

use peerdist::client::{
    self, BlockOp, Delivery, DiscoveryToken, DownloadToken, Event, Input, Order, Output, Source,
    Start, VerifyToken, WantedSegment,
};
use peerdist::content::Version;
use peerdist::retrieval::client::{Exchange, Query};
use peerdist::retrieval::server::Answer;
use peerdist::retrieval::{Block, MessageType, Response, ResponseBody};

use super::branch::{Branch, Route, Sending};
use super::host::{Caller, Range, Waiting};
use super::overhead::{CONTENT_REQUEST, RETRIEVAL_REQUEST};
use crate::outcome::Traced;
use crate::scenario::{self, Mode};

/// What the machine is to hear next.
enum Next {
    Decrypted(Exchange),
    Verified(VerifyToken),
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
        let Some(host) = self.host(number) else {
            return;
        };
        let start = Start {
            download,
            version,
            segments,
            mode: client::Mode::Distributed,
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
                Next::Verified(verify) => Input::Verified { verify, good: true },
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
                self.count(number, &op.block, op.source);
                next.push_back(Next::Verified(op.verify));
            }
            Output::Store(op) => self.keep(number, &op),
            Output::FetchOrigin {
                fetch,
                download,
                range,
            } => {
                let Some(host) = self.host(number) else {
                    return;
                };
                let is_open = host.take_connection(None);
                if let Some(asking) = host.asking.as_deref_mut() {
                    let range = Range {
                        download,
                        bytes: range.length,
                        flow: None,
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
                    CONTENT_REQUEST,
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
            Output::Deliver(_) | Output::Share(_) | Output::Offer(_) | Output::Event(_) => {}
        }
    }

    /// Says where a block came from.
    fn count(&mut self, number: u32, block: &BlockOp, source: Source) {
        let host = self.host(number);
        let Some(download) = host.and_then(|host| host.downloads.get_mut(&block.download)) else {
            return;
        };
        match source {
            Source::Peer { .. } => download.shares.peers += block.range.length,
            Source::Origin { .. } => download.shares.origin += block.range.length,
        }
    }

    fn keep(&mut self, number: u32, op: &BlockOp) {
        let (now, plan) = (self.now, self.plan);
        let Some(host) = self.host(number) else {
            return;
        };
        let version = host.group.version;
        let content = host
            .downloads
            .get(&op.download)
            .map(|download| download.content);
        let content = content.and_then(|content| plan.contents.get(content as usize));
        let layout = content.and_then(|content| content.layout(version));
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
        host.store.put(now, host.version(), segment, op.index);
        if let Some(replies) = replies {
            host.store.note_replies(&op.id, replies);
        }
    }

    fn ask(&mut self, number: u32, exchange: Exchange, peer: u32, query: Query) {
        let mut message = Vec::new();
        query.encode_into(&mut message);
        let bytes = RETRIEVAL_REQUEST + message.len() as u64;
        let Some(host) = self.host(number) else {
            return;
        };
        let is_open = host.take_connection(Some(peer));
        if let Some(asking) = host.asking.as_deref_mut() {
            let waiting = Waiting {
                peer,
                flow: None,
                connection: None,
            };
            asking.waiting.insert(exchange, waiting);
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

    fn abort(&mut self, number: u32, exchange: Exchange) {
        let asking = self
            .host(number)
            .and_then(|host| host.asking.as_deref_mut());
        let Some(waiting) = asking.and_then(|asking| asking.waiting.remove(&exchange)) else {
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
    pub(super) fn answered(&mut self, caller: Caller, peer: u32, answer: &Answer) {
        let (now, number, exchange) = (self.now, caller.host, caller.exchange);
        let Some(host) = self.host(number) else {
            return;
        };
        let asking = host.asking.as_deref_mut();
        if asking
            .and_then(|asking| asking.waiting.remove(&exchange))
            .is_none()
        {
            return;
        }
        host.give_connection(Some(peer));
        match answer {
            Answer::Message(response) => {
                self.client(number, Input::Response { exchange, response })
            }
            Answer::SegmentList(bytes) => self.client(number, Input::Message { exchange, bytes }),
            Answer::Block(frame) => {
                self.outcome.blocks += 1;
                let id = frame.segment.0.as_bytes();
                let id = id
                    .first_chunk()
                    .map_or(0, |first| u64::from_le_bytes(*first));
                let details = [peer.into(), id, frame.index.get().into()];
                self.trace.note(now, Traced::BlockFromPeer, number, details);
                let payload = std::sync::Arc::clone(&self.payload);
                let response = Response {
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
                };
                let response = &response;
                self.client(number, Input::Response { exchange, response });
            }
        }
    }

    /// No answer comes.
    pub(super) fn failed(&mut self, caller: Caller) {
        let asking = self
            .host(caller.host)
            .and_then(|host| host.asking.as_deref_mut());
        if asking
            .and_then(|asking| asking.waiting.remove(&caller.exchange))
            .is_some()
        {
            let exchange = caller.exchange;
            self.client(caller.host, Input::Failed { exchange });
        }
    }
}
