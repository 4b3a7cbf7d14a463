//! A peer, right or wrong in one way.
//! Invariant: it holds the contents it was started with, in full, and never anything else.
//! Byte order: that of MS-PCCRR.

mod held;
mod mistakes;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

pub(super) use held::holdings;
pub use mistakes::{DEVIANTS, Mistake};

use super::Stage;
use super::server::Server;
use crate::clock;
use crate::targets::Targets;
use crate::targets::peer::{Holding, Peer};
use crate::wire::cipher::{self, IV_BYTES, algorithm};
use crate::wire::content_info::Segment;
use crate::wire::digest::Algorithm;
use crate::wire::draft::Draft;
use crate::wire::http::{self, BodyEnd, Head};
use crate::wire::retrieval::{
    self, Body, Message, REQUEST_MAX_BYTES, Range, VERSION_1, VERSION_2, kind,
};

/// Clients that are served at a time: more than cases run at a time, fewer than would fill the memory with what they
/// do not read.
const CLIENT_LIMIT: usize = 32;
/// How long an answer may go unread.
const UPLOAD_TIMER: Duration = Duration::from_secs(15);
/// How long it waits for a request.
const IDLE: Duration = Duration::from_secs(60);

/// Starts one, with what it holds.
pub(super) fn stage(mistake: Option<Mistake>) -> io::Result<Stage> {
    let holdings = holdings();
    let server = start(holdings.clone(), mistake)?;
    let mut target = Peer::at(server.address, holdings);
    target.client_limit = Some(CLIENT_LIMIT);
    Ok(Stage {
        targets: Targets {
            peer: Some(target),
            ..Targets::default()
        },
        _keep: Box::new(server),
    })
}

/// Starts one that holds contents.
pub(super) fn start(holdings: Vec<Holding>, mistake: Option<Mistake>) -> io::Result<Server> {
    start_at(Ipv4Addr::LOCALHOST.into(), holdings, mistake)
}

/// The same at another loopback address.
pub(super) fn start_at(
    address: IpAddr,
    holdings: Vec<Holding>,
    mistake: Option<Mistake>,
) -> io::Result<Server> {
    let one_at_a_time = mistake == Some(Mistake::OneAtATime);
    let mut places = BTreeMap::new();
    for (holding, held) in holdings.iter().enumerate() {
        for (segment, described) in held.info.segments.iter().enumerate() {
            places.insert(described.id(), (holding, segment));
        }
    }
    let state = Arc::new(State {
        holdings,
        places,
        mistake,
        active: AtomicUsize::new(0),
        vectors: AtomicU64::new(1),
    });
    Server::start_at(address, one_at_a_time, move |connection| {
        // A connection that ends in an error has ended; nobody waits to hear why.
        let _ = state.serve(&connection);
        let _ = connection.shutdown(Shutdown::Both);
    })
}

struct State {
    holdings: Vec<Holding>,
    /// Which segment of which holding has an id.
    places: BTreeMap<Vec<u8>, (usize, usize)>,
    mistake: Option<Mistake>,
    active: AtomicUsize,
    vectors: AtomicU64,
}

/// What comes of a request.
enum Reply {
    Message(Draft),
    NotFound,
    Nothing,
}

impl State {
    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    fn serve(&self, connection: &TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(IDLE))?;
        let mut pending = Vec::new();
        while let Some((head, body)) = self.request(connection, &mut pending)? {
            let active = self.active.fetch_add(1, Ordering::AcqRel) + 1;
            let is_full = active > CLIENT_LIMIT && !self.is(Mistake::NoLimit);
            let reply = self.reply(&head, &body, is_full);
            let sent = match reply {
                Reply::Message(draft) => {
                    let message = draft.to_bytes();
                    let framed = if self.is(Mistake::NoSize) {
                        message
                    } else if self.is(Mistake::SizeCountsItself) {
                        let size = u32::try_from(message.len() + 4).unwrap_or(u32::MAX);
                        [size.to_be_bytes().as_slice(), &message].concat()
                    } else {
                        retrieval::framed(&message)
                    };
                    self.send(connection, &http::response(200, "OK", &[], &framed))
                }
                Reply::NotFound => {
                    self.send(connection, &http::response(404, "Not Found", &[], &[]))
                }
                Reply::Nothing => Ok(()),
            };
            self.active.fetch_sub(1, Ordering::AcqRel);
            sent?;
            if self.is(Mistake::DropsSecond) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends an answer, unless the upload timer ends first.
    fn send(&self, mut connection: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
        let patience = if self.is(Mistake::NoUploadTimer) {
            IDLE
        } else {
            UPLOAD_TIMER
        };
        let deadline = clock::now() + patience;
        while !bytes.is_empty() {
            let left = deadline.saturating_duration_since(clock::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            connection.set_write_timeout(Some(left))?;
            let count = connection.write(bytes)?;
            bytes = bytes.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// The next request. `None`: there is none, or what came is no HTTP.
    fn request(
        &self,
        mut connection: &TcpStream,
        pending: &mut Vec<u8>,
    ) -> io::Result<Option<(Head, Vec<u8>)>> {
        let mut buffer = [0; 16 << 10];
        let mut reads = 0;
        loop {
            if let Ok(Some(head)) = Head::read(pending) {
                let rest = pending.get(head.bytes..).unwrap_or_default();
                let end = match head.body() {
                    Ok(end) => end,
                    Err(_) => return Ok(None),
                };
                let found = match end {
                    BodyEnd::Length(length) => {
                        let length = usize::try_from(length).unwrap_or(usize::MAX);
                        rest.get(..length).map(|body| (body.to_vec(), length))
                    }
                    BodyEnd::Chunked => match http::unchunked(rest) {
                        Ok(found) => found,
                        Err(_) => return Ok(None),
                    },
                    BodyEnd::Unsaid => Some((Vec::new(), 0)),
                };
                if let Some((body, length)) = found {
                    pending.drain(..head.bytes + length);
                    return Ok(Some((head, body)));
                }
            }
            let is_http = Head::read(pending).is_ok() && pending.len() < (1 << 20);
            let gives_up = self.is(Mistake::ReadsOnce) && reads == 1;
            if !is_http || gives_up {
                return Ok(None);
            }
            let count = connection.read(&mut buffer)?;
            if count == 0 {
                return Ok(None);
            }
            reads += 1;
            pending.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    }

    fn reply(&self, head: &Head, body: &[u8], is_full: bool) -> Reply {
        let Some((method, path)) = head.request() else {
            return Reply::NotFound;
        };
        if path != retrieval::PATH && !self.is(Mistake::AnyPath) {
            return Reply::NotFound;
        }
        if method != "POST" {
            return match self.is(Mistake::AnyMethod) {
                true => Reply::Message(retrieval::negotiation_response(VERSION_1, VERSION_2)),
                false => Reply::NotFound,
            };
        }
        if body.len() > REQUEST_MAX_BYTES && !self.is(Mistake::TakesLongRequests) {
            return Reply::Nothing;
        }
        let body = self.corrected(body);
        let version = body.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        let message_type = body.get(4..8).and_then(|bytes| bytes.try_into().ok());
        let message_type = message_type.map(u32::from_be_bytes);
        let (Some(version), Some(message_type)) = (version, message_type) else {
            return Reply::Nothing;
        };
        let negotiation = match self.mistake {
            Some(Mistake::SupportsVersion9) => retrieval::negotiation_response(VERSION_1, 9),
            _ => retrieval::negotiation_response(VERSION_1, VERSION_2),
        };
        let answers = (message_type > kind::SEGMENT_LIST && self.is(Mistake::AnswersUnknownType))
            || (matches!(message_type, 1 | 4 | 5 | 7) && self.is(Mistake::AnswersResponses));
        if answers {
            return Reply::Message(negotiation);
        }
        let major = version & 0xffff;
        let supported = match self.mistake {
            Some(Mistake::ServesAnyVersion) => true,
            Some(Mistake::RefusesMinor) => version == VERSION_1 || version == VERSION_2,
            _ => major == 1 || major == 2,
        };
        let is_request = matches!(message_type, 0 | 2 | 3 | 6);
        let looked_at = !(is_full && self.is(Mistake::LimitBeforeVersion));
        if !supported && looked_at && is_request && body.len() >= retrieval::HEADER_BYTES {
            return Reply::Message(negotiation);
        }
        match retrieval::read(&body) {
            Ok(message) => self.answer(&message, negotiation, is_full),
            Err(_) => Reply::Nothing,
        }
    }

    /// The message as it reads to one who does not look closely.
    fn corrected(&self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        let field = |body: &[u8], at: usize| {
            let bytes = body.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_be_bytes(bytes) as usize)
        };
        let set = |body: &mut [u8], at: usize, value: usize| {
            if let Some(place) = body.get_mut(at..at + 4) {
                place.copy_from_slice(&u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes());
            }
        };
        match self.mistake {
            Some(Mistake::IgnoresMessageSize) => {
                let length = body.len();
                set(&mut body, 8, length);
            }
            // MSG_GETBLKS with one range has 68 bytes when its id has 32.
            Some(Mistake::TakesSurplus)
                if field(&body, 4) == Some(3)
                    && body.len() > 68
                    && field(&body, 16) == Some(32) =>
            {
                body.truncate(68);
                set(&mut body, 8, 68);
            }
            Some(Mistake::AnswersCutLists)
                if field(&body, 4) == Some(2) && field(&body, 16) == Some(32) =>
            {
                let ranges = body.len().saturating_sub(56) / 8;
                set(&mut body, 52, ranges);
            }
            _ => {}
        }
        body
    }

    fn held(&self, id: &[u8]) -> Option<(&Segment, &Holding)> {
        let (holding, segment) = self.places.get(id)?;
        let holding = self.holdings.get(*holding)?;
        Some((holding.info.segments.get(*segment)?, holding))
    }

    fn answer(&self, message: &Message, negotiation: Draft, is_full: bool) -> Reply {
        let draft = match &message.body {
            Body::Negotiation { min, max } if message.kind == kind::NEGOTIATION_REQUEST => {
                let supports = |version: &u32| (1..=2).contains(&(version & 0xffff));
                let fits = supports(min) && supports(max);
                if self.is(Mistake::NegotiatesInRange) && !fits {
                    return Reply::Nothing;
                }
                negotiation
            }
            Body::GetBlockList { segment_id, ranges } => {
                return self.list(segment_id, ranges, is_full);
            }
            Body::GetBlocks {
                segment_id,
                ranges,
                data_for_vrf_block,
            } => {
                if self.is(Mistake::ChokesOnVrfData) && !data_for_vrf_block.is_empty() {
                    return Reply::Nothing;
                }
                return self.block(segment_id, ranges, message.algorithm, is_full);
            }
            Body::GetSegmentList {
                request_id,
                segment_ids,
                blob,
            } => return self.segments(request_id, segment_ids, blob, is_full),
            _ => return Reply::Nothing,
        };
        self.finished(draft)
    }

    fn finished(&self, draft: Draft) -> Reply {
        let draft = match self.mistake {
            Some(Mistake::VersionOfHighest) => draft.with_u32_be("ProtVer", VERSION_2),
            Some(Mistake::UnknownAlgorithm) => draft.with_u32_be("CryptoAlgoId", 7),
            _ => draft,
        };
        Reply::Message(draft)
    }

    fn is_good(&self, segment_id: &[u8], ranges: &[Range]) -> bool {
        let long = self.is(Mistake::TakesLongRanges);
        let empty = self.is(Mistake::TakesEmptyRanges);
        let good = |range: &Range| {
            let end = u64::from(range.index) + u64::from(range.count);
            (range.count > 0 || empty) && (end <= 512 || long)
        };
        let id = match self.mistake {
            Some(Mistake::OnlyIdsOf32) => segment_id.len() == 32,
            _ => matches!(segment_id.len(), 32 | 48 | 64),
        };
        id && !ranges.is_empty() && ranges.len() <= 256 && ranges.iter().all(good)
    }

    fn list(&self, segment_id: &[u8], asked: &[Range], is_full: bool) -> Reply {
        if !self.is_good(segment_id, asked) {
            return Reply::Nothing;
        }
        let held = self.held(segment_id).filter(|_| !is_full);
        if held.is_none() && self.is(Mistake::UnknownSegmentIs404) {
            return Reply::NotFound;
        }
        let blocks = held.map_or(0, |(segment, _)| segment.blocks());
        let asked = match self.mistake {
            Some(Mistake::TakesFirstRange) => asked.get(..1).unwrap_or_default(),
            _ => asked,
        };
        let wants = |index: &u32| {
            asked
                .iter()
                .any(|range| range.indexes().any(|one| one == *index))
        };
        let listed: Vec<u32> = match self.mistake {
            Some(Mistake::ListsEverything) => (0..blocks).collect(),
            Some(Mistake::ListsAsked) if blocks > 0 => (0..512).filter(wants).collect(),
            _ => (0..blocks).filter(wants).collect(),
        };
        let mut ranges = joined(&listed);
        match self.mistake {
            Some(Mistake::ListsUnsorted) => {
                ranges = asked
                    .iter()
                    .filter(|range| range.index + range.count <= blocks)
                    .copied()
                    .collect();
            }
            Some(Mistake::ListsInclusive) => {
                for range in &mut ranges {
                    range.count = range.index + range.count - 1;
                }
            }
            Some(Mistake::LittleEndianRanges) => {
                for range in &mut ranges {
                    *range = Range::new(range.index.swap_bytes(), range.count.swap_bytes());
                }
            }
            _ => {}
        }
        let behind = listed.last().map_or(blocks, |last| last + 1);
        let next = if behind < blocks && !self.is(Mistake::ListNextZero) {
            behind
        } else {
            0
        };
        let zeros = vec![0; segment_id.len()];
        let id = if self.is(Mistake::ForgetsId) {
            &zeros
        } else {
            segment_id
        };
        let draft = retrieval::block_list(id, &ranges, next);
        self.finished(match self.mistake {
            Some(Mistake::AnswersWithRequest) => draft.with_u32_be("MsgType", kind::GET_BLOCK_LIST),
            _ => draft,
        })
    }

    fn block(&self, segment_id: &[u8], ranges: &[Range], asked: u32, is_full: bool) -> Reply {
        if !self.is_good(segment_id, ranges) || asked > algorithm::AES_256 {
            return Reply::Nothing;
        }
        let wanted = ranges.iter().flat_map(|range| range.indexes());
        let wanted = match self.mistake {
            Some(Mistake::LastOfMany) => wanted.max(),
            Some(Mistake::BlockPlusOne) => wanted.min().map(|index| index + 1),
            Some(Mistake::AlwaysBlockZero) => Some(0),
            _ => wanted.min(),
        };
        let index = wanted.unwrap_or_default();
        let held = self.held(segment_id).filter(|(segment, _)| {
            let any = self.is(Mistake::EveryBlockOfV2) && segment.block_hashes.is_empty();
            !is_full && (index < segment.blocks() || any)
        });
        let Some((segment, holding)) = held else {
            if self.is(Mistake::MissingBlockIs404) {
                return Reply::NotFound;
            }
            let vector: &[u8] = if self.is(Mistake::VectorOfEmpty) {
                &[1; IV_BYTES]
            } else {
                &[]
            };
            let empty = retrieval::block(segment_id, index, 0, asked, &[], vector);
            return self.finished(empty);
        };
        let place = segment.block_in_content(index);
        let content = holding.content.as_deref().unwrap_or_default();
        let mut plain = content.get(place).unwrap_or_default().to_vec();
        if self.is(Mistake::WrongBytes)
            && let Some(first) = plain.first_mut()
        {
            *first ^= 1;
        }
        let behind = index + 1;
        let counts = self.is(Mistake::BlockNextCounts);
        let next = if behind < segment.blocks() || counts {
            behind
        } else {
            0
        };
        let mut draft = self.sealed(segment, segment_id, (index, next), asked, &plain);
        match self.mistake {
            Some(Mistake::VrfBlock) => {
                draft = draft
                    .with_u32_be("SizeOfVrfBlock", 4)
                    .with("VrfBlock", [1; 4]);
            }
            Some(Mistake::KeyInVrf) => {
                let size = u32::try_from(segment.secret.len()).unwrap_or_default();
                draft = draft
                    .with_u32_be("SizeOfVrfBlock", size)
                    .with("VrfBlock", segment.secret.clone());
            }
            Some(Mistake::PadsWithOnes) => {
                let length = (4 - plain.len() % 4) % 4;
                if asked == algorithm::NONE {
                    draft = draft.with("ZeroPad_2", vec![1; length]);
                }
            }
            _ => {}
        }
        self.finished(draft)
    }

    /// A block as it goes out, encrypted as it was asked for.
    fn sealed(
        &self,
        segment: &Segment,
        segment_id: &[u8],
        (index, next): (u32, u32),
        asked: u32,
        plain: &[u8],
    ) -> Draft {
        let mut vector = [0; IV_BYTES];
        if !self.is(Mistake::SameVector) && !self.is(Mistake::NoVector) {
            let number = self.vectors.fetch_add(1, Ordering::Relaxed);
            let random = Algorithm::Sha256.hash(&number.to_le_bytes());
            for (byte, drawn) in vector.iter_mut().zip(random) {
                *byte = drawn;
            }
        }
        let mut secret = segment.secret.clone();
        if self.is(Mistake::KeyFromTheEnd) {
            secret.reverse();
        }
        let used = match (self.mistake, asked) {
            (Some(Mistake::SaysEncrypted), _) => algorithm::NONE,
            (Some(Mistake::KeyOf256Short), algorithm::AES_256)
            | (Some(Mistake::KeyOf192Short), algorithm::AES_192) => algorithm::AES_128,
            _ => asked,
        };
        let mut block = cipher::encrypt(used, &secret, &vector, plain).unwrap_or_default();
        if self.is(Mistake::GarbageForPadding) && used != algorithm::NONE {
            let mut padded = plain.to_vec();
            padded.resize(plain.len().next_multiple_of(IV_BYTES).max(IV_BYTES), 0x5a);
            let whole = cipher::encrypt(used, &secret, &vector, &padded).unwrap_or_default();
            block = whole.get(..padded.len()).unwrap_or_default().to_vec();
            if plain.len().is_multiple_of(IV_BYTES) {
                block =
                    cipher::encrypt(used, &secret, &vector, &[plain, &[0x5a; IV_BYTES]].concat())
                        .unwrap_or_default()
                        .get(..plain.len() + IV_BYTES)
                        .unwrap_or_default()
                        .to_vec();
            }
        }
        if self.is(Mistake::MessageTooLong) {
            block.resize(block.len() + 400_000, 0);
        }
        let vector: &[u8] = if asked == algorithm::NONE || self.is(Mistake::NoVector) {
            &[]
        } else {
            &vector
        };
        retrieval::block(segment_id, index, next, asked, &block, vector)
    }

    fn segments(
        &self,
        request_id: &[u8; 16],
        ids: &[Vec<u8>],
        blob: &[u8],
        is_full: bool,
    ) -> Reply {
        let chokes = match self.mistake {
            Some(Mistake::ChokesOnBlob) => !blob.is_empty() && !blob.starts_with(&[0, 1]),
            Some(Mistake::ChokesOnSurplusOfBlob) => blob
                .get(3)
                .is_some_and(|count| blob.len() > 4 * (usize::from(*count) + 1)),
            _ => false,
        };
        if chokes || ids.iter().any(|id| !matches!(id.len(), 32 | 48 | 64)) {
            return Reply::Nothing;
        }
        let has = |(_, id): &(u32, &Vec<u8>)| {
            !is_full && (self.is(Mistake::ListsAllSegments) || self.held(id).is_some())
        };
        let looked_at = if self.is(Mistake::FirstSegmentOnly) {
            1
        } else {
            ids.len()
        };
        let from = u32::from(self.is(Mistake::SegmentsFromOne));
        let held = (0..).zip(ids.iter().take(looked_at)).filter(has);
        let listed: Vec<u32> = held.map(|(place, _)| place + from).collect();
        let ranges = joined(&listed);
        let index = u8::from(self.is(Mistake::BlobOfOtherSegment)) * 9;
        let version = if self.is(Mistake::BlobVersion2) { 2 } else { 1 };
        let units = if self.is(Mistake::BlobUnits9) { 9 } else { 3 };
        let mut ages = vec![0, version, units, 1, index, 100, 0, 0];
        if listed.is_empty() || self.is(Mistake::NoBlob) {
            ages.clear();
        }
        let mut id = *request_id;
        if self.is(Mistake::OtherRequestId) {
            id.reverse();
        }
        let draft = retrieval::segment_list(id, &ranges, &ages);
        self.finished(match self.mistake {
            Some(Mistake::SegmentListVersion1) => draft.with_u32_be("ProtVer", VERSION_1),
            _ => draft,
        })
    }
}

/// Indexes that ascend, as ranges.
fn joined(indexes: &[u32]) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    for index in indexes {
        match ranges.last_mut() {
            Some(last) if last.index + last.count == *index => last.count += 1,
            _ => ranges.push(Range::new(*index, 1)),
        }
    }
    ranges
}
