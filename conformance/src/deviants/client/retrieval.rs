//! Fetching from peers and hosted caches.
//! Invariant: without a mistake a block is kept only if its hash is the one of the content information.
//! Byte order: big-endian.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::http::{self, Got};
use super::{Mistake, Place, Running, SIMPLE_MOST};
use crate::clock;
use crate::wire::cipher::{self, Padding, algorithm};
use crate::wire::content_info::{Segment, Version};
use crate::wire::draft::Draft;
use crate::wire::http as heads;
use crate::wire::retrieval::{self, Body, Message, Range, VERSION_1, VERSION_2, kind};

/// How long an exchange may take.
const REQUEST_TIMER: Duration = Duration::from_secs(2);
/// Ids in a list of segments.
const IDS_MAX: usize = 128;

/// A server, and what it has.
struct Server {
    address: SocketAddr,
    segments: Vec<usize>,
    /// The blocks that it listed, by segment.
    listed: BTreeMap<usize, Vec<u32>>,
    is_gone: bool,
}

impl Running<'_> {
    /// The segments that a hosted cache says it has; all where it does not say.
    pub(super) fn held_by(&self, cache: SocketAddr) -> Vec<usize> {
        let all: Vec<usize> = (0..self.ids.len()).collect();
        if self.version() == Version::V1 {
            return all;
        }
        let mut held = Vec::new();
        for (number, part) in all.chunks(IDS_MAX).enumerate() {
            let ids: Vec<&[u8]> = part
                .iter()
                .filter_map(|number| self.ids.get(*number).map(Vec::as_slice))
                .collect();
            let mut id = [0x11; 16];
            if let (Some(byte), false) = (id.first_mut(), self.is(Mistake::SameRequestId)) {
                *byte = u8::try_from(number).unwrap_or(u8::MAX);
            }
            let mut request = retrieval::get_segment_list(id, &ids, &[]);
            if self.is(Mistake::SegmentList1) {
                request = request.with_u32_be("ProtVer", VERSION_1);
            }
            let Some(message) = self.ask(cache, &request) else {
                return all;
            };
            let Body::SegmentList {
                request_id, ranges, ..
            } = message.body
            else {
                return all;
            };
            let indexes: Vec<u32> = ranges
                .into_iter()
                .flat_map(|r| r.indexes().take(513))
                .collect();
            let is_within = |index: &u32| (*index as usize) < part.len();
            if request_id != id || !indexes.iter().all(is_within) {
                continue;
            }
            held.extend(indexes.iter().filter_map(|index| part.get(*index as usize)));
        }
        held
    }

    /// Fetches all that servers have.
    pub(super) fn fetch(&mut self, servers: Vec<(SocketAddr, Vec<usize>)>) {
        let mut servers: Vec<Server> = servers
            .into_iter()
            .map(|(address, segments)| Server {
                address,
                segments,
                listed: BTreeMap::new(),
                is_gone: false,
            })
            .collect();
        if self.is(Mistake::OnePeer) {
            servers.truncate(1);
        }
        let mut turn = 0;
        for number in 0..self.info.segments.len() {
            let Ok(segment) = self.segment(number).cloned() else {
                continue;
            };
            let is_simple = segment.blocks() as usize <= SIMPLE_MOST;
            let lists = match self.mistake {
                Some(Mistake::ListsAlways) => true,
                Some(Mistake::ListsNever) => false,
                Some(Mistake::CacheListsFew) => self.is_hosted() || !is_simple,
                _ => !is_simple,
            };
            if lists {
                for server in &mut servers {
                    self.list(server, number, &segment);
                }
            }
            let ignores_lists = self.is(Mistake::IgnoresLists)
                || self.is(Mistake::CacheListIgnored) && self.is_hosted();
            for index in 0..segment.blocks() {
                let is_enough = self.is(Mistake::OneOfList) && lists && index > 0;
                if is_enough
                    || self.is(Mistake::StopsAtFailure) && servers.iter().any(|one| one.is_gone)
                {
                    break;
                }
                let count = servers.len();
                for place in 0..count {
                    let Some(server) = servers.get_mut((turn + place) % count) else {
                        continue;
                    };
                    let has = if lists && !ignores_lists {
                        let listed = server.listed.get(&number);
                        listed.is_some_and(|listed| listed.contains(&index))
                    } else {
                        server.segments.contains(&number)
                    };
                    if server.is_gone || !has {
                        continue;
                    }
                    if let Some(block) = self.block(server, number, &segment, index) {
                        self.blocks.insert((number, index), block);
                        turn += place + 1;
                        break;
                    }
                }
            }
        }
    }

    fn list(&self, server: &mut Server, number: usize, segment: &Segment) {
        if server.is_gone || !server.segments.contains(&number) {
            return;
        }
        let blocks = segment.blocks();
        let ranges = match self.mistake {
            Some(Mistake::UnjoinedRanges) => {
                vec![
                    Range::new(blocks / 2, blocks - blocks / 2),
                    Range::new(0, blocks / 2),
                ]
            }
            Some(Mistake::RangesPastEnd) => vec![Range::new(0, 600)],
            Some(Mistake::EmptyRange) => vec![Range::new(0, blocks), Range::new(blocks, 0)],
            Some(Mistake::NoRanges) => vec![],
            _ => vec![Range::new(0, blocks)],
        };
        let request = retrieval::get_block_list(&segment.id(), &ranges, self.preferred());
        if self.is(Mistake::SegmentListToPeer) {
            let list = retrieval::get_segment_list([7; 16], &[&segment.id()], &[]);
            self.ask(server.address, &list);
        }
        let times = if self.is(Mistake::ListsTwice) { 2 } else { 1 };
        let mut answer = None;
        for _ in 0..times {
            answer = self.ask(server.address, &request);
        }
        let Some(Message {
            body: Body::BlockList {
                segment_id, ranges, ..
            },
            ..
        }) = answer
        else {
            if self.is(Mistake::CacheListFails) && self.is_hosted() {
                server.listed.insert(number, (0..blocks).collect());
            } else {
                server.is_gone = true;
            }
            return;
        };
        let is_right = segment_id == segment.id() || self.is(Mistake::AnyListId);
        let mut listed: Vec<u32> = ranges
            .into_iter()
            .flat_map(|r| r.indexes().take(513))
            .collect();
        listed.retain(|index| *index < blocks);
        if self.is(Mistake::AnyList) && listed.is_empty() {
            listed = (0..blocks).collect();
        }
        if is_right {
            server.listed.insert(number, listed);
        }
    }

    fn preferred(&self) -> u32 {
        match self.mistake {
            Some(Mistake::PrefersClear) => algorithm::NONE,
            Some(Mistake::Algorithm9) => 9,
            _ => algorithm::AES_128,
        }
    }

    fn block(
        &self,
        server: &mut Server,
        number: usize,
        segment: &Segment,
        index: u32,
    ) -> Option<Vec<u8>> {
        let ranges = match self.mistake {
            Some(Mistake::ManyBlocks) => vec![Range::new(index, segment.blocks() - index)],
            Some(Mistake::SegmentAsIndex) => {
                vec![Range::new(index + u32::try_from(number).unwrap_or(0), 1)]
            }
            _ => vec![Range::new(index, 1)],
        };
        let mut request = retrieval::get_blocks(&segment.id(), &ranges, self.preferred());
        match self.mistake {
            Some(Mistake::KeyInRequest) => {
                let size = u32::try_from(segment.secret.len()).unwrap_or(0);
                request = request
                    .with_u32_be("SizeOfDataForVrfBlock", size)
                    .with("DataForVrfBlock", segment.secret.clone());
            }
            Some(Mistake::VrfData) => {
                request = request
                    .with_u32_be("SizeOfDataForVrfBlock", 4)
                    .with("DataForVrfBlock", [1; 4]);
            }
            Some(Mistake::Version2) => request = request.with_u32_be("ProtVer", VERSION_2),
            Some(Mistake::SizeLessHeader) => request = request.with_u32_be("MsgSize", 60),
            _ => {}
        }
        if self.is(Mistake::EachBlockTwice) {
            self.ask(server.address, &request);
        }
        let answered = self.ask(server.address, &request);
        let found = answered.and_then(|answered| self.verified(segment, index, answered));
        if found.is_none() && !self.is(Mistake::AsksAgain) {
            server.is_gone = true;
        }
        found
    }

    fn verified(&self, segment: &Segment, index: u32, answered: Message) -> Option<Vec<u8>> {
        let Body::Block {
            segment_id,
            block_index,
            block,
            iv_block,
            ..
        } = answered.body
        else {
            return None;
        };
        let is_other_segment = segment_id != segment.id() && !self.is(Mistake::AnySegmentId);
        let is_other_block = block_index != index && !self.is(Mistake::AnyIndex);
        if is_other_segment || is_other_block {
            return None;
        }
        let length = segment.block(index).len();
        let used = match (self.mistake, answered.algorithm) {
            (Some(Mistake::Always128), 1..) => algorithm::AES_128,
            (Some(Mistake::AnyAlgorithm), 4..) => algorithm::AES_128,
            (_, used) => used,
        };
        let (plain, padding) = cipher::decrypt(used, &segment.secret, &iv_block, &block, length)?;
        // What stands behind the block would be part of it.
        let is_right = padding != Padding::Other && segment.verifies(index, &plain) == Some(true);
        (is_right || self.is(Mistake::NoVerification)).then_some(plain)
    }

    /// An exchange. `None`: it brought no message, or one that has to be discarded.
    fn ask(&self, server: SocketAddr, request: &Draft) -> Option<Message> {
        let (answer, _) = self.exchange(server, request)?;
        if answer.kind != kind::NEGOTIATION_RESPONSE {
            return Some(answer);
        }
        let Body::Negotiation { min, max } = answer.body else {
            return None;
        };
        // The major version is in the lower half.
        let knows_1 = |min: u32, max: u32| (min & 0xffff..=max & 0xffff).contains(&1);
        if self.is(Mistake::NoNegotiation) || !knows_1(min, max) {
            return None;
        }
        // What that was about is asked before it is tried again.
        let (min, max) = match self.mistake {
            Some(Mistake::NegotiatesBackwards) => (VERSION_2, VERSION_1),
            Some(Mistake::NegotiatesOther) => (VERSION_2, VERSION_2),
            _ => (VERSION_1, VERSION_2),
        };
        let (negotiated, _) = self.exchange(server, &retrieval::negotiation_request(min, max))?;
        match negotiated.body {
            Body::Negotiation { min, max } if knows_1(min, max) => {
                self.exchange(server, request).map(|(answer, _)| answer)
            }
            _ => None,
        }
    }

    /// How long the answer to a message of that type is waited for.
    fn timer(&self, message_type: u32) -> Duration {
        let long = Duration::from_secs(9);
        match (self.mistake, message_type) {
            (Some(Mistake::LongTimer), _)
            | (Some(Mistake::LongListTimer), kind::GET_BLOCK_LIST)
            | (Some(Mistake::LongSegmentListTimer), kind::GET_SEGMENT_LIST)
            | (Some(Mistake::LongNegotiationTimer), kind::NEGOTIATION_REQUEST) => return long,
            (Some(Mistake::HastyTimer), _) => return Duration::from_millis(300),
            _ => {}
        }
        let runs_on = match self.mistake {
            Some(Mistake::BlockTimerRunsOn) => kind::GET_BLOCKS,
            Some(Mistake::ListTimerRunsOn) => kind::GET_BLOCK_LIST,
            Some(Mistake::SegmentListTimerRunsOn) => kind::GET_SEGMENT_LIST,
            _ => return REQUEST_TIMER,
        };
        if message_type == runs_on && self.runs_since.get().is_none() {
            self.runs_since.set(Some(clock::now()));
        }
        let ran = self.runs_since.get().map(|since| since.elapsed());
        let left = REQUEST_TIMER.saturating_sub(ran.unwrap_or_default());
        left.max(Duration::from_millis(1))
    }

    fn exchange(&self, server: SocketAddr, request: &Draft) -> Option<(Message, Got)> {
        let path = if self.is(Mistake::OtherPath) {
            "/116B50EB-ECE2-41ac-8429-9F9E963361B7"
        } else {
            retrieval::PATH
        };
        let request = request.to_bytes();
        let message_type = request.get(4..8).and_then(|bytes| bytes.try_into().ok());
        let timer = self.timer(message_type.map_or(0, u32::from_be_bytes));
        let host = server.to_string();
        let request = heads::request("POST", path, &host, &[], &request);
        let got = http::exchange(server, &request, timer, self.mistake).ok()?;
        if got.head.status() != Some(200) && !self.is(Mistake::AnyStatus) {
            return None;
        }
        let unframed = if self.is(Mistake::AnySize) {
            got.body.get(4..)?
        } else {
            retrieval::unframed(&got.body).ok()?
        };
        let mut message = unframed.to_vec();
        if let (true, Some(size)) = (self.is(Mistake::AnyMessageSize), message.get_mut(8..12)) {
            let length = u32::try_from(unframed.len()).unwrap_or(u32::MAX);
            size.copy_from_slice(&length.to_be_bytes());
        }
        if let (true, Some(size)) = (self.is(Mistake::TakesSurplus), message.get(8..12)) {
            let size = size.try_into().map(u32::from_be_bytes).unwrap_or(u32::MAX);
            message.truncate(size as usize);
        }
        let message = retrieval::read(&message).ok()?;
        Some((message, got))
    }

    /// A place that is held, as offers need it.
    pub(super) fn is_held(&self, place: &Place) -> bool {
        self.blocks.contains_key(place)
    }
}
