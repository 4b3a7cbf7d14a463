//! Requests and responses of recorded connections, held against the documents.
//! Invariant: a response is held against the request that it answers; after a gap nothing is judged until the next request.
//! Byte order: that of each message.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use super::found::{Found, Place};
use super::smb::Smb;
use crate::wire::content_info::{ContentInfo, Version};
use crate::wire::http::{self, BodyEnd, Head};
use crate::wire::retrieval::{self, Body, Message, Range, VERSION_1, VERSION_2, kind};
use crate::wire::{Malformed, cipher};

/// Bytes of a message that are kept while the rest is on its way.
const MESSAGE_MAX_BYTES: usize = 64 << 20;
/// Requests of a connection that wait for their responses.
const REQUESTS_MAX: usize = 1_024;
const DISCOVERY_PORT: u16 = 3702;

/// Both directions of a connection, by who opened it.
type Key = (SocketAddr, SocketAddr);

/// What was put together of one direction.
#[derive(Debug, Default)]
struct Direction {
    pending: Vec<u8>,
    /// After a gap there is no telling where a message begins, unless a request line does.
    is_lost: bool,
}

/// A request that waits for its response.
#[derive(Debug)]
enum Asked {
    Retrieval(Option<Message>),
    Content { max: Option<Version>, coded: bool },
    Other { is_head: bool },
}

#[derive(Debug, Default)]
struct Connection {
    asked: VecDeque<Asked>,
}

/// All connections of a capture.
#[derive(Debug, Default)]
pub struct Exchanges {
    directions: BTreeMap<Key, Direction>,
    /// By client and server.
    connections: BTreeMap<Key, Connection>,
    vectors: BTreeSet<Vec<u8>>,
    smb: Smb,
    found: Found,
}

impl Exchanges {
    /// What was judged, and what was found.
    #[must_use]
    pub fn into_found(mut self) -> Found {
        self.smb.end(&mut self.found);
        self.found
    }

    /// Bytes are missing from a direction.
    pub fn gap(&mut self, from: SocketAddr, to: SocketAddr) {
        if self.smb.has(from, to) || Smb::begins(from, to, &[]) {
            return self.smb.gap(from, to);
        }
        let direction = self.directions.entry((from, to)).or_default();
        direction.pending.clear();
        direction.is_lost = true;
        self.connections.remove(&(to, from));
        self.connections.remove(&(from, to));
    }

    /// A datagram. Discovery is judged by what its envelope has to have.
    pub fn datagram(&mut self, packet: usize, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        if from.port() != DISCOVERY_PORT && to.port() != DISCOVERY_PORT {
            return;
        }
        let text = String::from_utf8_lossy(payload);
        if !text.contains("PeerDist") {
            return;
        }
        let place = Place { packet, from, to };
        let is_match = text.contains("ProbeMatches");
        self.count(if is_match { "ProbeMatches" } else { "Probe" });
        let namespace = "http://schemas.microsoft.com/p2p/2007/09/PeerDistributionDiscovery";
        self.holds(place, text.contains(namespace), "PCCRD-2.2.1-01", || {
            format!("the namespace {namespace} is not declared")
        });
        let action = if is_match { "ProbeMatches" } else { "Probe" };
        let action = format!("http://schemas.xmlsoap.org/ws/2005/04/discovery/{action}");
        let requirement = if is_match {
            "PCCRD-4.3-01"
        } else {
            "PCCRD-4.1-01"
        };
        self.holds(place, text.contains(&action), requirement, || {
            format!("there is no Action {action}")
        });
        self.holds(place, text.contains("MessageID"), requirement, || {
            "there is no MessageID".to_owned()
        });
        if is_match {
            self.holds(place, text.contains("RelatesTo"), requirement, || {
                "there is no RelatesTo".to_owned()
            });
            self.holds(place, !to.ip().is_multicast(), "PCCRD-1.3-02", || {
                "a match went out by multicast".to_owned()
            });
        }
    }

    /// Bytes of a connection, in order.
    pub fn bytes(
        &mut self,
        packet: usize,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        ends: bool,
    ) {
        let place = Place { packet, from, to };
        let is_known = self.directions.contains_key(&(from, to));
        if self.smb.has(from, to) || (!is_known && Smb::begins(from, to, bytes)) {
            return self.smb.bytes(&mut self.found, place, bytes, ends);
        }
        // What carries nothing does not tell what the connection carries.
        if bytes.is_empty() && !is_known {
            return;
        }
        let mut direction = self.directions.remove(&(from, to)).unwrap_or_default();
        direction.pending.extend_from_slice(bytes);
        if direction.is_lost {
            direction.is_lost = !starts_a_message(&direction.pending);
            if direction.is_lost {
                direction.pending.clear();
            }
        }
        while self.next(place, &mut direction.pending, ends) {}
        if direction.pending.len() > MESSAGE_MAX_BYTES {
            direction.pending.clear();
            direction.is_lost = true;
        }
        if !ends || !direction.pending.is_empty() {
            self.directions.insert((from, to), direction);
        }
    }

    /// Takes the next whole message. `false`: there is none yet.
    fn next(&mut self, place: Place, pending: &mut Vec<u8>, ends: bool) -> bool {
        let head = match Head::read(pending) {
            Ok(Some(head)) => head,
            Ok(None) => return false,
            Err(_) => {
                // No HTTP, or none that can be followed: nothing of it is ours to judge.
                pending.clear();
                return false;
            }
        };
        let is_response = head.status().is_some();
        let key = if is_response {
            (place.to, place.from)
        } else {
            (place.from, place.to)
        };
        let is_for_head = is_response
            && self.connections.get(&key).is_some_and(|connection| {
                matches!(
                    connection.asked.front(),
                    Some(Asked::Other { is_head: true })
                )
            });
        let rest = pending.get(head.bytes..).unwrap_or_default();
        let has_no_body = is_for_head || matches!(head.status(), Some(100..=199 | 204 | 304));
        let found = match head.body() {
            _ if has_no_body => Some((Vec::new(), 0)),
            Ok(BodyEnd::Length(length)) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                rest.get(..length).map(|body| (body.to_vec(), length))
            }
            Ok(BodyEnd::Chunked) => http::unchunked(rest).ok().flatten(),
            Ok(BodyEnd::Unsaid) if !is_response => Some((Vec::new(), 0)),
            Ok(BodyEnd::Unsaid) => ends.then(|| (rest.to_vec(), rest.len())),
            Err(_) => None,
        };
        let Some((body, length)) = found else {
            return false;
        };
        pending.drain(..head.bytes + length);
        if is_response {
            if !matches!(head.status(), Some(100..=199)) {
                let connection = self.connections.get_mut(&key);
                let asked = connection.and_then(|connection| connection.asked.pop_front());
                self.response(place, &head, &body, asked);
            }
        } else if head.request().is_some() {
            let asked = self.request(place, &head, &body);
            let connection = self.connections.entry(key).or_default();
            if connection.asked.len() < REQUESTS_MAX {
                connection.asked.push_back(asked);
            }
        }
        true
    }

    fn request(&mut self, place: Place, head: &Head, body: &[u8]) -> Asked {
        let (method, target) = head.request().unwrap_or_default();
        if method == "POST" && path_of(target).eq_ignore_ascii_case(retrieval::PATH) {
            return Asked::Retrieval(self.retrieval_request(place, body));
        }
        let coded = head.lists("Accept-Encoding", "peerdist");
        let parameters = head.get("X-P2P-PeerDist").unwrap_or_default();
        let missing_data = parameters
            .to_ascii_lowercase()
            .contains("missingdatarequest=true");
        if !coded && parameters.is_empty() {
            let is_head = method == "HEAD";
            return Asked::Other { is_head };
        }
        self.count("content request");
        self.holds(place, !(coded && missing_data), "PCCRTP-2.2-09", || {
            "MissingDataRequest=true together with peerdist in Accept-Encoding".to_owned()
        });
        if coded {
            self.holds(place, !parameters.is_empty(), "PCCRTP-3.1.4-02", || {
                "there is no X-P2P-PeerDist beside peerdist in Accept-Encoding".to_owned()
            });
            let has_version = parameters.contains("Version=");
            self.holds(
                place,
                has_version || parameters.is_empty(),
                "PCCRTP-3.1.4-03",
                || format!("X-P2P-PeerDist: {parameters} has no Version"),
            );
            let extended = head.get("X-P2P-PeerDistEx");
            let is_1_1 = parameters.contains("Version=1.1");
            self.holds(
                place,
                !is_1_1 || extended.is_some(),
                "PCCRTP-3.1.4-04",
                || "Version=1.1 without X-P2P-PeerDistEx".to_owned(),
            );
        }
        let extended = head.get("X-P2P-PeerDistEx").unwrap_or_default();
        let max = if extended.contains("MaxContentInformation=2.0") {
            Some(Version::V2)
        } else {
            Some(Version::V1)
        };
        Asked::Content { max, coded }
    }

    fn response(&mut self, place: Place, head: &Head, body: &[u8], asked: Option<Asked>) {
        match asked {
            Some(Asked::Retrieval(request)) => self.retrieval_response(place, head, body, request),
            Some(Asked::Content { max, coded }) => {
                self.content_response(place, head, body, max, coded);
            }
            Some(Asked::Other { .. }) | None => {}
        }
    }

    fn content_response(
        &mut self,
        place: Place,
        head: &Head,
        body: &[u8],
        max: Option<Version>,
        coded: bool,
    ) {
        self.count("content response");
        if !head.lists("Content-Encoding", "peerdist") {
            return;
        }
        self.holds(place, coded, "PCCRTP-1.6-02", || {
            "content information to a client that did not ask for it".to_owned()
        });
        let parameters = head.get("X-P2P-PeerDist").unwrap_or_default();
        self.holds(place, !parameters.is_empty(), "PCCRTP-3.2.5.1-05", || {
            "a coded response without X-P2P-PeerDist".to_owned()
        });
        self.holds(
            place,
            parameters.contains("ContentLength="),
            "PCCRTP-3.2.5.1-07",
            || format!("X-P2P-PeerDist: {parameters} has no ContentLength"),
        );
        match ContentInfo::read(body) {
            Ok(info) => {
                let fits = info.version == Version::V1 || max == Some(Version::V2);
                self.holds(place, fits, "PCCRTP-3.2.5.1-02", || {
                    "content information 2.0 for a client that reads 1.0 alone".to_owned()
                });
            }
            Err(error) => self.malformed(place, &error),
        }
    }

    fn retrieval_request(&mut self, place: Place, body: &[u8]) -> Option<Message> {
        self.count("retrieval request");
        let message = match retrieval::read(body) {
            Ok(message) => message,
            Err(error) => {
                self.malformed(place, &error);
                return None;
            }
        };
        let is_long = body.len() > retrieval::REQUEST_MAX_BYTES;
        self.holds(place, !is_long, "PCCRR-2.2.3-11", || {
            format!("a request of {} bytes", body.len())
        });
        self.version(place, &message);
        match &message.body {
            Body::GetBlocks { ranges, .. } => {
                self.ranges(place, ranges, "PCCRR-2.2.4.3-03");
                let one = matches!(ranges.as_slice(), [Range { count: 1, .. }]);
                self.holds(place, one, "PCCRR-2.2.4.3-04", || {
                    format!("MSG_GETBLKS for {ranges:?}, expected one range of one block")
                });
            }
            Body::GetBlockList { ranges, .. } => self.ranges(place, ranges, "PCCRR-2.2.4.2-06"),
            _ => {}
        }
        Some(message)
    }

    fn retrieval_response(
        &mut self,
        place: Place,
        head: &Head,
        body: &[u8],
        request: Option<Message>,
    ) {
        self.count("retrieval response");
        // Who got something malformed may answer by another status; who asked well gets a message.
        let is_message = head.status() == Some(200);
        let is_so = is_message || request.is_none();
        self.holds(place, is_so, "PCCRR-1.3-02", || {
            format!("a good request was answered by '{}'", head.start)
        });
        if !is_message {
            return;
        }
        let message = retrieval::unframed(body).and_then(retrieval::read);
        let message = match message {
            Ok(message) => message,
            Err(error) => return self.malformed(place, &error),
        };
        self.version(place, &message);
        self.holds(
            place,
            message.algorithm <= cipher::algorithm::AES_256,
            "PCCRR-2.2.3-15",
            || format!("CryptoAlgoId is {}", message.algorithm),
        );
        let Some(request) = request else { return };
        let expected = match request.kind {
            kind::NEGOTIATION_REQUEST => kind::NEGOTIATION_RESPONSE,
            kind::GET_BLOCK_LIST => kind::BLOCK_LIST,
            kind::GET_BLOCKS => kind::BLOCK,
            kind::GET_SEGMENT_LIST => kind::SEGMENT_LIST,
            _ => return,
        };
        let fits = message.kind == expected || message.kind == kind::NEGOTIATION_RESPONSE;
        self.holds(place, fits, "PCCRR-2.2.3-06", || {
            let (found, asked) = (
                retrieval::name_of(message.kind),
                retrieval::name_of(request.kind),
            );
            format!("{found} answers {asked}")
        });
        self.bodies(place, &request.body, &message);
    }

    fn bodies(&mut self, place: Place, request: &Body, message: &Message) {
        match (request, &message.body) {
            (
                Body::GetBlockList {
                    segment_id: asked,
                    ranges,
                },
                Body::BlockList {
                    segment_id,
                    ranges: listed,
                    ..
                },
            ) => {
                self.holds(place, asked == segment_id, "PCCRR-3.2.5.2-05", || {
                    "the list is of another segment".to_owned()
                });
                let asked: BTreeSet<u32> = blocks(ranges);
                let only = blocks(listed).is_subset(&asked);
                self.holds(place, only, "PCCRR-2.2.5.2-04", || {
                    format!("{listed:?} are listed, {ranges:?} were asked for")
                });
            }
            (
                Body::GetBlocks {
                    segment_id: asked,
                    ranges,
                    ..
                },
                Body::Block {
                    segment_id,
                    block_index,
                    block,
                    iv_block,
                    ..
                },
            ) => {
                self.holds(place, asked == segment_id, "PCCRR-3.2.5.3-08", || {
                    "the block is of another segment".to_owned()
                });
                let wanted = blocks(ranges).contains(block_index);
                self.holds(place, wanted, "PCCRR-3.2.5.3-09", || {
                    format!("block {block_index} came, {ranges:?} were asked for")
                });
                let vector = if block.is_empty() || message.algorithm == cipher::algorithm::NONE {
                    0
                } else {
                    cipher::IV_BYTES
                };
                self.holds(place, iv_block.len() == vector, "PCCRR-2.2.5.3-09", || {
                    format!("IVBlock has {} bytes, expected {vector}", iv_block.len())
                });
                if vector > 0 {
                    let is_new = self.vectors.insert(iv_block.clone());
                    self.holds(place, is_new, "PCCRR-2.2.5.3-10", || {
                        format!("the vector {iv_block:02x?} came before")
                    });
                }
            }
            (
                Body::GetSegmentList {
                    request_id: asked,
                    segment_ids,
                    ..
                },
                Body::SegmentList {
                    request_id, ranges, ..
                },
            ) => {
                self.holds(place, asked == request_id, "PCCRR-2.2.5.4-02", || {
                    "RequestID is not that of the request".to_owned()
                });
                let most = segment_ids.len() as u64;
                let inside =
                    |range: &Range| u64::from(range.index) + u64::from(range.count) <= most;
                self.holds(place, ranges.iter().all(inside), "PCCRR-2.2.5.4-04", || {
                    format!("{ranges:?} are listed of {most} segments")
                });
            }
            _ => {}
        }
    }

    fn version(&mut self, place: Place, message: &Message) {
        let (expected, requirement) = match message.kind {
            kind::GET_SEGMENT_LIST | kind::SEGMENT_LIST => (VERSION_2, "PCCRR-2.2.3-08"),
            _ => (VERSION_1, "PCCRR-2.2.3-07"),
        };
        self.holds(place, message.version == expected, requirement, || {
            let name = retrieval::name_of(message.kind);
            format!(
                "ProtVer of {name} is {:#010x}, expected {expected:#010x}",
                message.version
            )
        });
    }

    fn ranges(&mut self, place: Place, ranges: &[Range], requirement: &'static str) {
        let count = ranges.len();
        self.holds(place, (1..=256).contains(&count), requirement, || {
            format!("{count} ranges, expected 1 to 256")
        });
        for range in ranges {
            let end = u64::from(range.index) + u64::from(range.count);
            self.holds(place, range.count > 0, "PCCRR-2.2.1.1-02", || {
                format!("{range:?}")
            });
            self.holds(place, end <= 512, "PCCRR-2.2.1.1-03", || {
                format!("{range:?}")
            });
        }
    }

    fn count(&mut self, message: &'static str) {
        self.found.count(message);
    }

    fn malformed(&mut self, place: Place, error: &Malformed) {
        self.found.malformed(place, error);
    }

    fn holds(
        &mut self,
        place: Place,
        is_so: bool,
        requirement: &'static str,
        text: impl FnOnce() -> String,
    ) {
        self.found.holds(place, is_so, requirement, text);
    }
}

fn blocks(ranges: &[Range]) -> BTreeSet<u32> {
    let indexes = ranges.iter().flat_map(|range| range.indexes().take(513));
    indexes.take(65_536).collect()
}

fn path_of(target: &str) -> &str {
    let path = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => target,
    };
    path.split('?').next().unwrap_or(path)
}

fn starts_a_message(bytes: &[u8]) -> bool {
    ["GET ", "HEAD ", "POST ", "HTTP/1."]
        .iter()
        .any(|start| bytes.starts_with(start.as_bytes()))
}
