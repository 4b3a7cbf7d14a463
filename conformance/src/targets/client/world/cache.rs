//! The hosted cache of a case: it serves what it is said to hold, takes offers, and fetches what was offered.
//! Invariant: what a client offers is fetched from the address that the offer came from, at the port it names.
//! Byte order: that of MS-PCHC and MS-PCCRR.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustls::ServerConfig;

use super::Shared;
use super::listener::{self, Listener};
use super::peer::{self, Ask, CACHE, Reply};
use crate::targets::connection::{Answer, Connection};
use crate::wire::Malformed;
use crate::wire::cipher::{self, algorithm};
use crate::wire::content_info::Segment;
use crate::wire::hosted_cache::{self as wire, Offer, Request, code};
use crate::wire::http::{self, Head};
use crate::wire::retrieval::{self, Body, Range};
use crate::wire::segment_information;

/// How long a cache that does not answer keeps a connection.
const SILENCE: Duration = Duration::from_secs(60);
/// How long fetching a block may take.
const FETCHING: Duration = Duration::from_secs(5);
/// Segments of more blocks are asked for in clear: what encryption is worth, few blocks show.
const SEALED_BLOCKS_MAX: u32 = 64;

/// What a hosted cache answers to an offer.
#[derive(Debug, Clone)]
pub enum OfferReply {
    /// As a cache does that knows nothing: INTERESTED to an offer of version 1.0, else OK, and the blocks are fetched.
    Fetch,
    /// As one does that has all hashes: OK, and the blocks are fetched.
    Known,
    /// These bytes as a body, and nothing is fetched.
    Body(Vec<u8>),
    /// A status without a body.
    Status(u16),
    /// Nothing, and the connection is closed.
    Close,
    /// Nothing, and the connection stays.
    Silence,
}

/// An offer that is to be answered.
#[derive(Debug, Clone, Copy)]
pub struct Put<'a> {
    /// What it says, where it can be read.
    pub request: Option<&'a Request>,
    /// How many came before at this cache.
    pub number: usize,
}

/// How a hosted cache behaves.
#[derive(Clone)]
pub struct CacheScript {
    /// How it answers requests of retrieval.
    pub retrieval: Arc<dyn Fn(&Ask<'_>) -> Reply + Send + Sync>,
    /// What it answers to offers.
    pub offers: Arc<dyn Fn(&Put<'_>) -> OfferReply + Send + Sync>,
}

impl std::fmt::Debug for CacheScript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheScript").finish_non_exhaustive()
    }
}

impl CacheScript {
    /// One that holds everything.
    #[must_use]
    pub fn full() -> Self {
        Self::of(peer::honest)
    }

    /// One that holds nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(holds_nothing)
    }

    /// One that answers requests of retrieval so, and fetches what it is offered.
    #[must_use]
    pub fn of(retrieval: impl Fn(&Ask<'_>) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            retrieval: Arc::new(retrieval),
            offers: Arc::new(|_| OfferReply::Fetch),
        }
    }

    /// The same, which answers every offer so.
    #[must_use]
    pub fn answering(self, reply: OfferReply) -> Self {
        self.answering_each(move |_| reply.clone())
    }

    /// The same, which answers each offer as it says.
    #[must_use]
    pub fn answering_each(
        mut self,
        offers: impl Fn(&Put<'_>) -> OfferReply + Send + Sync + 'static,
    ) -> Self {
        self.offers = Arc::new(offers);
        self
    }
}

/// Who has nothing, and says so.
#[must_use]
pub fn holds_nothing(ask: &Ask<'_>) -> Reply {
    Reply::Message(match &ask.message.body {
        Body::GetBlockList { segment_id, .. } => retrieval::block_list(segment_id, &[], 0),
        Body::GetBlocks {
            segment_id, ranges, ..
        } => {
            let index = ranges.first().map_or(0, |range| range.index);
            retrieval::block(segment_id, index, 0, ask.message.algorithm, &[], &[])
        }
        Body::GetSegmentList { request_id, .. } => retrieval::segment_list(*request_id, &[], &[]),
        _ => return peer::honest(ask),
    })
}

/// An offer at the hosted cache.
#[derive(Debug, Clone)]
pub struct Offered {
    /// When, since the world began.
    pub at: Duration,
    /// The head of the request.
    pub head: Head,
    /// Its body.
    pub bytes: Vec<u8>,
    /// Whether it came over TLS.
    pub is_tls: bool,
    /// What it reads as in version 2.0.
    pub offer: Result<Offer, Malformed>,
    /// The port in it, and what it says in either version.
    pub request: Result<(u16, Request), Malformed>,
    /// What fetching each segment came to: its id, and what was wrong.
    pub fetched: Vec<(Vec<u8>, Result<(), String>)>,
}

/// Starts one that listens in clear.
pub(super) fn start(
    address: IpAddr,
    shared: Arc<Shared>,
    script: CacheScript,
) -> io::Result<Listener> {
    let recorder = shared.recorder.clone();
    Listener::start(address, recorder, serving(shared, script, false))
}

/// Starts one that listens over TLS.
pub(super) fn start_tls(
    address: IpAddr,
    shared: Arc<Shared>,
    script: CacheScript,
    config: Arc<ServerConfig>,
) -> io::Result<Listener> {
    let recorder = shared.recorder.clone();
    Listener::start_tls(address, recorder, config, serving(shared, script, true))
}

fn serving(
    shared: Arc<Shared>,
    script: CacheScript,
    is_tls: bool,
) -> impl Fn(&mut Connection) + Send + Sync + 'static {
    let count = AtomicUsize::new(0);
    move |connection| {
        while let Some((head, body)) = listener::request(connection) {
            let is_message = head
                .request()
                .is_some_and(|(_, path)| path == retrieval::PATH);
            let goes_on = if is_message {
                let number = count.fetch_add(1, Ordering::AcqRel);
                let retrieval = &*script.retrieval;
                peer::answer(
                    connection,
                    &shared,
                    (CACHE, number),
                    (head, body),
                    retrieval,
                )
            } else {
                offered(connection, &shared, &script, (head, body, is_tls))
            };
            if !goes_on {
                break;
            }
        }
    }
}

fn offered(
    connection: &mut Connection,
    shared: &Arc<Shared>,
    script: &CacheScript,
    (head, bytes, is_tls): (Head, Vec<u8>, bool),
) -> bool {
    let offer = wire::read_offer(&bytes);
    let request = wire::read_request(&bytes);
    let number = {
        let mut seen = shared.seen();
        seen.offers.push(Offered {
            at: shared.age(),
            head,
            bytes,
            is_tls,
            offer: offer.clone(),
            request: request.clone(),
            fetched: Vec::new(),
        });
        seen.offers.len() - 1
    };
    let known = request.as_ref().ok().map(|(_, request)| request);
    let reply = (script.offers)(&Put {
        request: known,
        number,
    });
    let answer = match (&reply, known) {
        (OfferReply::Fetch, Some(Request::InitialOffer { .. })) => {
            http::response(200, "OK", &[], &wire::response(code::INTERESTED))
        }
        (OfferReply::Fetch | OfferReply::Known, _) => {
            http::response(200, "OK", &[], &wire::response(code::OK))
        }
        (OfferReply::Body(body), _) => http::response(200, "OK", &[], body),
        (OfferReply::Status(status), _) => {
            let fields = [("WWW-Authenticate", "Negotiate")];
            http::response(*status, "No", &fields, &[])
        }
        (OfferReply::Close, _) => return false,
        (OfferReply::Silence, _) => {
            connection.is_closed_within(SILENCE);
            return false;
        }
    };
    let is_sent = connection.send(&answer).is_ok();
    let (port, ids) = match (&reply, offer, request) {
        (OfferReply::Fetch | OfferReply::Known, Ok(offer), _) => {
            let ids = offer.segments.into_iter().map(|one| one.segment_id);
            (offer.port, ids.collect())
        }
        (OfferReply::Known, _, Ok((port, Request::InitialOffer { segment_id }))) => {
            (port, vec![segment_id])
        }
        (OfferReply::Fetch, _, Ok((port, request))) => (port, informed(&request)),
        _ => (0, Vec::new()),
    };
    if let Ok(from) = connection.remote() {
        let shared = Arc::clone(shared);
        // The client hears its answer first, as it would from any cache.
        thread::spawn(move || {
            let peer = SocketAddr::new(from.ip(), port);
            for id in ids {
                let result = fetch(&shared, peer, &id);
                let mut seen = shared.seen();
                if let Some(offered) = seen.offers.get_mut(number) {
                    offered.fetched.push((id, result));
                }
            }
        });
    }
    is_sent
}

/// The segment of which SEGMENT_INFO_MESSAGE brings the hashes.
fn informed(request: &Request) -> Vec<Vec<u8>> {
    let Request::SegmentInfo {
        segment_information,
        ..
    } = request
    else {
        return Vec::new();
    };
    let information = segment_information::read(segment_information);
    information.ok().map(|one| one.id()).into_iter().collect()
}

/// Fetches all blocks of a segment from who offered it, and holds them against the content.
fn fetch(shared: &Shared, peer: SocketAddr, id: &[u8]) -> Result<(), String> {
    let mut segments = shared.holding.info.segments.iter();
    let segment = segments.find(|segment| segment.id() == id);
    let segment = segment.ok_or("the segment is none of the content")?;
    let mut connection = Connection::open(&shared.recorder, peer)
        .map_err(|error| format!("cannot connect to {peer}: {error}"))?;
    for index in 0..segment.blocks() {
        fetch_block(shared, &mut connection, peer, segment, index)?;
    }
    Ok(())
}

fn fetch_block(
    shared: &Shared,
    connection: &mut Connection,
    peer: SocketAddr,
    segment: &Segment,
    index: u32,
) -> Result<(), String> {
    let wanted = if segment.blocks() > SEALED_BLOCKS_MAX {
        algorithm::NONE
    } else {
        algorithm::AES_128
    };
    let request = retrieval::get_blocks(&segment.id(), &[Range::new(index, 1)], wanted);
    let host = peer.to_string();
    let request = http::request("POST", retrieval::PATH, &host, &[], &request.to_bytes());
    connection
        .send(&request)
        .map_err(|error| format!("cannot ask for block {index}: {error}"))?;
    let body = match connection.response(FETCHING) {
        Answer::Response(response) if response.status() == 200 => response.body,
        other => return Err(format!("block {index} is answered by {other:?}")),
    };
    let message = retrieval::unframed(&body)
        .and_then(retrieval::read)
        .map_err(|error| format!("block {index}: {error}"))?;
    let Body::Block {
        block, iv_block, ..
    } = message.body
    else {
        return Err(format!(
            "block {index} is answered by {}",
            retrieval::name_of(message.kind)
        ));
    };
    let length = segment.block(index).len();
    let plain = cipher::decrypt(
        message.algorithm,
        &segment.secret,
        &iv_block,
        &block,
        length,
    );
    let (plain, _) = plain.ok_or_else(|| {
        format!(
            "block {index} has {} bytes that do not decrypt to {length}",
            block.len()
        )
    })?;
    if shared.content().get(segment.block_in_content(index)) == Some(plain.as_slice()) {
        Ok(())
    } else {
        Err(format!("block {index} is not that of the content"))
    }
}
