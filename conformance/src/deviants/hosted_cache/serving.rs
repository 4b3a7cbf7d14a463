//! HTTP of a hosted cache that is right or wrong in one way, and the blocks that it serves.
//! Invariant: a body is read up to what a message may have, and no further.
//! Byte order: that of MS-PCCRR.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;

use super::{Entry, IDLE, Kept, Mistake, Port, State};
use crate::wire::cipher::{self, IV_BYTES, algorithm};
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::draft::Draft;
use crate::wire::hosted_cache::{self as wire, code};
use crate::wire::http::{self, BodyEnd, Head};
use crate::wire::retrieval::{self, Body, Range, VERSION_1, VERSION_2};

/// More than any message has.
const BODY_MAX_BYTES: usize = 128 << 10;

/// What comes of a request.
pub(super) enum Reply {
    Code(u8),
    Message(Draft),
    Status(u16, &'static str),
}

impl State {
    pub(super) fn serve(
        self: &Arc<Self>,
        tcp: &TcpStream,
        mut stream: impl Read + Write,
        port: Port,
    ) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(IDLE))?;
        tcp.set_write_timeout(Some(IDLE))?;
        let from = tcp.peer_addr()?;
        let mut pending = Vec::new();
        while let Some((head, body)) = self.request(&mut stream, &mut pending)? {
            let reply = self.reply(&head, &body, from, port);
            stream.write_all(&self.written(reply))?;
            stream.flush()?;
            if self.is(Mistake::DropsSecond) {
                break;
            }
        }
        tcp.shutdown(Shutdown::Both)
    }

    /// The next request. `None`: there is none, or what came is no HTTP.
    fn request(
        &self,
        stream: &mut impl Read,
        pending: &mut Vec<u8>,
    ) -> io::Result<Option<(Head, Vec<u8>)>> {
        let mut buffer = [0; 16 << 10];
        let mut reads = 0;
        loop {
            let Ok(head) = Head::read(pending) else {
                return Ok(None);
            };
            if let Some(head) = head {
                let rest = pending.get(head.bytes..).unwrap_or_default();
                let found = match head.body() {
                    Ok(BodyEnd::Length(length)) => {
                        let length = usize::try_from(length).unwrap_or(usize::MAX);
                        if length > BODY_MAX_BYTES {
                            return Ok(None);
                        }
                        rest.get(..length).map(|body| (body.to_vec(), length))
                    }
                    Ok(BodyEnd::Chunked) => match http::unchunked(rest) {
                        Ok(found) => found,
                        Err(_) => return Ok(None),
                    },
                    Ok(BodyEnd::Unsaid) => Some((Vec::new(), 0)),
                    Err(_) => return Ok(None),
                };
                if let Some((body, length)) = found {
                    pending.drain(..head.bytes + length);
                    return Ok(Some((head, body)));
                }
            }
            let gives_up = self.is(Mistake::ReadsOnce) && reads == 1;
            if gives_up || pending.len() > 2 * BODY_MAX_BYTES {
                return Ok(None);
            }
            let count = stream.read(&mut buffer)?;
            if count == 0 {
                return Ok(None);
            }
            reads += 1;
            pending.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    }

    fn written(&self, reply: Reply) -> Vec<u8> {
        match reply {
            Reply::Code(found) => {
                let body = match self.mistake {
                    Some(Mistake::NoSize) => vec![found],
                    Some(Mistake::SizeCountsItself) => vec![0, 0, 0, 5, found],
                    Some(Mistake::LongCode) => vec![0, 0, 0, 4, 0, 0, 0, found],
                    _ => wire::response(found).to_vec(),
                };
                http::response(200, "OK", &[], &body)
            }
            Reply::Message(draft) => {
                http::response(200, "OK", &[], &retrieval::framed(&draft.to_bytes()))
            }
            Reply::Status(status, reason) => http::response(status, reason, &[], &[]),
        }
    }

    fn reply(self: &Arc<Self>, head: &Head, body: &[u8], from: SocketAddr, port: Port) -> Reply {
        let not_found = Reply::Status(404, "Not Found");
        let Some((method, path)) = head.request() else {
            return not_found;
        };
        if path == retrieval::PATH && port == Port::Http && !self.is(Mistake::OffersAlone) {
            return match (method, self.block_request(body)) {
                ("POST", Some(draft)) => Reply::Message(draft),
                _ => Reply::Status(400, "Bad Request"),
            };
        }
        let version = if path.eq_ignore_ascii_case(wire::PATH_V1) {
            Version::V1
        } else if path.eq_ignore_ascii_case(wire::PATH_V2) {
            Version::V2
        } else if self.is(Mistake::AnyPath) {
            port.version()
        } else {
            return not_found;
        };
        if version != port.version() && !self.is(Mistake::BothPaths) {
            return not_found;
        }
        if method != "POST" {
            return match self.is(Mistake::AnyMethod) {
                true => Reply::Code(code::OK),
                false => Reply::Status(405, "Method Not Allowed"),
            };
        }
        let wants_authentication = match port {
            Port::Authenticated => !self.is(Mistake::NoAuthentication),
            Port::Http => self.is(Mistake::AuthenticatesHttp),
            Port::Https => false,
        };
        if wants_authentication && head.get("Authorization").is_none() {
            return Reply::Status(401, "Unauthorized");
        }
        match self.offer(body, from, version) {
            Some(found) => Reply::Code(found),
            None => Reply::Status(400, "Bad Request"),
        }
    }

    fn block_request(&self, body: &[u8]) -> Option<Draft> {
        let message = retrieval::read(body).ok()?;
        let entries = self.entries();
        Some(match message.body {
            Body::Negotiation { .. } => retrieval::negotiation_response(VERSION_1, VERSION_2),
            Body::GetBlockList { segment_id, ranges } => {
                let held = entries.get(&segment_id).map_or(Vec::new(), |entry| {
                    if self.is(Mistake::ListsOffered) {
                        (0..entry.offered).collect()
                    } else {
                        entry.blocks.keys().copied().collect()
                    }
                });
                let asks = |index: u32, range: &Range| {
                    range.index <= index && index - range.index < range.count
                };
                let held = held.into_iter().filter(|index| {
                    let index = *index;
                    ranges.iter().any(|range| asks(index, range))
                });
                let listed: Vec<Range> = held.map(|index| Range::new(index, 1)).collect();
                retrieval::block_list(&segment_id, &listed, 0)
            }
            Body::GetBlocks {
                segment_id, ranges, ..
            } => {
                let index = ranges.first()?.index;
                let entry = entries.get(&segment_id);
                sealed(entry, &segment_id, index, message.algorithm)
            }
            Body::GetSegmentList {
                request_id,
                segment_ids,
                blob,
            } => {
                if self.is(Mistake::ChokesOnBlob) && !blob.is_empty() {
                    return None;
                }
                let from = u32::from(self.is(Mistake::SegmentsFromOne));
                let is_held = |id: &Vec<u8>| {
                    let entry = entries.get(id);
                    entry.is_some_and(|entry| !entry.blocks.is_empty())
                };
                let held = (0..).zip(&segment_ids).filter(|(_, id)| is_held(id));
                let listed: Vec<Range> =
                    held.map(|(place, _)| Range::new(place + from, 1)).collect();
                retrieval::segment_list(request_id, &listed, &[])
            }
            _ => return None,
        })
    }
}

/// A block as it goes out: encrypted as it was asked for, or as it came.
fn sealed(entry: Option<&Entry>, id: &[u8], index: u32, asked: u32) -> Draft {
    let none = || retrieval::block(id, index, 0, asked, &[], &[]);
    let Some(entry) = entry else { return none() };
    let next = entry.blocks.range(index + 1..).next();
    let next = next.map_or(0, |(next, _)| *next);
    match (entry.blocks.get(&index), &entry.segment) {
        (Some(Kept::Verified(plain)), Some(segment)) => {
            let vector = Algorithm::Sha256.hash(plain);
            let vector = match asked {
                algorithm::NONE => &[],
                _ => vector.get(..IV_BYTES).unwrap_or_default(),
            };
            cipher::encrypt(asked, &segment.secret, vector, plain).map_or_else(none, |block| {
                retrieval::block(id, index, next, asked, &block, vector)
            })
        }
        (
            Some(Kept::Sealed {
                algorithm,
                iv,
                bytes,
            }),
            _,
        ) => retrieval::block(id, index, next, *algorithm, bytes, iv),
        _ => none(),
    }
}
