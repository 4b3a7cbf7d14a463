//! A world of one client, in which the test itself answers everything.

use std::collections::VecDeque;

use crate::client::*;
use crate::content::{ContentRange, SegmentId, Version};
use crate::hash::Digest;
use crate::retrieval::client::{Exchange, Peer, Question};
use crate::retrieval::{
    Block, BlockIndex, BlockList, BlockRange, BlockSet, CryptoAlgorithm, RequestBody, RequestId,
    Response, ResponseBody, SegmentList, SegmentRange, SegmentRanges,
};
use crate::time::{Duration, Instant};

pub(super) const BLOCK: u32 = 10;
pub(super) const DOWNLOAD: DownloadToken = DownloadToken(7);

pub(super) fn id(number: u8) -> SegmentId {
    SegmentId(Digest::try_from(&[number; 32][..]).unwrap())
}

pub(super) fn at(index: u32) -> BlockIndex {
    BlockIndex::new(index).unwrap()
}

pub(super) fn blocks(ranges: &[(u32, u32)]) -> BlockSet {
    let ranges = ranges.iter();
    ranges
        .map(|(index, count)| BlockRange::new(*index, *count).unwrap())
        .collect()
}

/// Segments of as many blocks each, one behind the other.
pub(super) fn segments(counts: &[u32]) -> Vec<WantedSegment> {
    let mut offset = 0;
    let mut number = 0;
    let segment = |count: &u32| {
        number += 1;
        let segment = WantedSegment {
            id: id(number),
            offset,
            length: count * BLOCK,
            block_size: BLOCK,
            blocks: BlockSet::first_blocks(*count),
        };
        offset = segment.end();
        segment
    };
    counts.iter().map(segment).collect()
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) exchange: Exchange,
    pub(super) peer: Peer,
    pub(super) segment: SegmentId,
    /// The block asked for; none where a list is.
    pub(super) block: Option<BlockIndex>,
}

#[derive(Debug, Clone)]
pub(super) struct SentList {
    pub(super) exchange: Exchange,
    pub(super) peer: Peer,
    request_id: RequestId,
    pub(super) segments: Vec<SegmentId>,
}

pub(super) struct Stage {
    pub(super) client: Downloader,
    pub(super) now: Instant,
    pub(super) outputs: VecDeque<Output>,
}

impl Stage {
    pub(super) fn with(settings: Settings) -> Self {
        Self {
            client: Downloader::new(settings, &[1; 32]).unwrap(),
            now: Instant::ZERO,
            outputs: VecDeque::new(),
        }
    }

    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn tell(&mut self, input: Input<'_>) {
        self.client.handle(self.now, input).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.client.poll_output() {
            self.outputs.push_back(output);
            assert!(self.outputs.len() < 100_000, "draining ends");
        }
    }

    pub(super) fn begin(&mut self, segments: &[WantedSegment], mode: Mode) {
        self.begin_version(Version::V1, segments, mode);
    }

    pub(super) fn begin_version(
        &mut self,
        version: Version,
        segments: &[WantedSegment],
        mode: Mode,
    ) {
        self.tell(Input::Start(Start {
            download: DOWNLOAD,
            version,
            segments,
            mode,
            order: Order::Sequential,
            delivery: Delivery::AsVerified,
        }));
    }

    /// Takes the outputs out that the filter understands, and leaves the others.
    pub(super) fn take<T>(&mut self, mut pick: impl FnMut(&Output) -> Option<T>) -> Vec<T> {
        let mut taken = Vec::new();
        self.outputs.retain(|output| {
            let found = pick(output);
            let is_kept = found.is_none();
            taken.extend(found);
            is_kept
        });
        taken
    }

    pub(super) fn sent(&mut self) -> Vec<Sent> {
        self.take(|output| {
            let Output::Send {
                exchange,
                peer,
                query,
            } = output
            else {
                return None;
            };
            let (segment, block) = match &query.question {
                Question::BlockList { segment, .. } => (*segment, None),
                Question::Block { segment, index, .. } => (*segment, Some(*index)),
                Question::SegmentList { .. } => return None,
                Question::Versions => panic!("the framework does not negotiate"),
            };
            Some(Sent {
                exchange: *exchange,
                peer: *peer,
                segment,
                block,
            })
        })
    }

    /// The segment lists asked for: of whom, and which segments.
    pub(super) fn lists_sent(&mut self) -> Vec<SentList> {
        self.take(|output| {
            let Output::Send {
                exchange,
                peer,
                query,
            } = output
            else {
                return None;
            };
            let RequestBody::SegmentList(list) = query.request().body else {
                return None;
            };
            Some(SentList {
                exchange: *exchange,
                peer: *peer,
                request_id: list.request_id,
                segments: list.segments.iter().collect(),
            })
        })
    }

    /// Answers that the segments at these places are there.
    pub(super) fn segment_list(&mut self, sent: &SentList, there: &[u32]) {
        let ranges = there.iter().filter_map(|at| SegmentRange::new(*at, 1));
        let ranges: Vec<_> = ranges.collect();
        let body = ResponseBody::SegmentList(SegmentList {
            request_id: sent.request_id,
            available: SegmentRanges::of(&ranges),
            blob: &[],
        });
        self.respond_to(sent.exchange, body);
    }

    pub(super) fn one_sent(&mut self) -> Sent {
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent[0]
    }

    pub(super) fn discoveries(&mut self) -> Vec<(DiscoveryToken, Vec<Sought>)> {
        self.take(|output| match output {
            Output::Discover {
                discovery,
                segments,
                ..
            } => Some((*discovery, segments.clone())),
            _ => None,
        })
    }

    pub(super) fn origin(&mut self) -> Vec<(FetchToken, ContentRange)> {
        self.take(|output| match output {
            Output::FetchOrigin { fetch, range, .. } => Some((*fetch, *range)),
            _ => None,
        })
    }

    pub(super) fn delivered(&mut self) -> Vec<(usize, u32)> {
        self.take(|output| match output {
            Output::Deliver(op) => Some((op.segment, op.index.get())),
            _ => None,
        })
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        self.take(|output| match output {
            Output::Event(event) => Some(event.clone()),
            _ => None,
        })
    }

    pub(super) fn session_ends(&mut self) -> Vec<(usize, SessionEnd)> {
        let events = self.events().into_iter();
        let ends = events.filter_map(|event| match event {
            Event::SessionEnded { segment, why, .. } => Some((segment, why)),
            _ => None,
        });
        ends.collect()
    }

    pub(super) fn find(&mut self, peer: u64, segments: &[SegmentId]) {
        let peer = Peer(peer);
        self.tell(Input::Discovered { peer, segments });
    }

    pub(super) fn list(&mut self, sent: Sent, ranges: &[(u32, u32)]) {
        assert_eq!(sent.block, None);
        let body = ResponseBody::BlockList(BlockList {
            segment: sent.segment,
            available: blocks(ranges).into(),
            next: 0,
        });
        self.respond(sent, body);
    }

    pub(super) fn block_bytes(&mut self, sent: Sent, payload: &[u8]) {
        let body = ResponseBody::Block(Block {
            segment: sent.segment,
            index: sent.block.unwrap().get(),
            next: 0,
            payload,
            verification: &[],
            iv: &[],
        });
        self.respond(sent, body);
    }

    fn respond(&mut self, sent: Sent, body: ResponseBody<'_>) {
        self.respond_to(sent.exchange, body);
    }

    pub(super) fn respond_to(&mut self, exchange: Exchange, body: ResponseBody<'_>) {
        let response = &Response::new(CryptoAlgorithm::NONE, body);
        self.tell(Input::Response { exchange, response });
    }

    pub(super) fn verifies(&mut self) -> Vec<VerifyOp> {
        self.take(|output| match output {
            Output::Verify(op) => Some(*op),
            _ => None,
        })
    }

    pub(super) fn verify_all(&mut self, good: bool) {
        for op in self.verifies() {
            let verify = op.verify;
            self.tell(Input::Verified { verify, good });
        }
    }

    /// Answers a request for a block with a good one.
    pub(super) fn give(&mut self, sent: Sent) {
        self.block_bytes(sent, &[0; BLOCK as usize]);
        self.verify_all(true);
    }

    pub(super) fn fail(&mut self, sent: Sent) {
        let exchange = sent.exchange;
        self.tell(Input::Failed { exchange });
    }

    pub(super) fn end_discovery(&mut self) {
        for (discovery, _) in self.discoveries() {
            self.tell(Input::DiscoveryFinished { discovery });
        }
    }

    /// Lets the origin give all it is asked for, until it is asked for nothing more.
    pub(super) fn serve_origin(&mut self) {
        loop {
            let fetches = self.origin();
            if fetches.is_empty() {
                return;
            }
            for (fetch, range) in fetches {
                let received = range.length;
                self.tell(Input::OriginArrived { fetch, received });
                self.verify_all(true);
            }
        }
    }

    /// Lets time pass and obeys every timeout on the way.
    pub(super) fn wait(&mut self, milliseconds: u64) {
        let until = self.now + Duration::from_millis(milliseconds);
        while let Some(next) = self.client.poll_timeout().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            let before = self.outputs.len();
            self.tell(Input::Timeout);
            let after = self.client.poll_timeout();
            let has_advanced = after.is_none_or(|after| after > next);
            assert!(has_advanced || self.outputs.len() > before);
        }
        self.now = until;
    }
}
