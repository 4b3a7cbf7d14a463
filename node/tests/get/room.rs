//! An origin that does what it is told, and peers that serve what they are given.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use peerdist::content::create::Creator;
use peerdist::content::{ContentInfo, SecretKey, SegmentId, SegmentSecret, Version};
use peerdist::discovery::{Held, Replies};
use peerdist::entropy::{Entropy, Purpose};
use peerdist::hash::HashAlgorithm;
use peerdist::retrieval::server::{
    BlockForm, HeldBlock, HeldSegment, Holdings, SegmentHandle, ServerSettings,
};
use peerdist::retrieval::{BlockIndex, BlockSet};
use peerdist::time::Instant;
use peerdist_node::clock::Clock;
use peerdist_node::discovery::{Numbers, ResponderOptions};
use peerdist_node::get::{Destination, Discovery, GetError, Mode, Report, Request, Sharing, fetch};
use peerdist_node::http::RequestBody;
use peerdist_node::http::server::{ServerOptions, serve};
use peerdist_node::net::{Listener, Network, TokioNetwork};
use peerdist_node::peer::{Cache, Peer, PeerOptions, RetrievalOptions, http_limits};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; length];
    Entropy::from_u64(seed, Purpose::Faults).fill(&mut bytes);
    bytes
}

pub(crate) fn info_of(version: Version, bytes: &[u8]) -> Vec<u8> {
    let secret = SecretKey::from_passphrase("the room").unwrap();
    let mut creator = match version {
        Version::V1 => Creator::v1(HashAlgorithm::Sha256, &secret).unwrap(),
        Version::V2 => Creator::v2(&secret),
    };
    creator.update(bytes).unwrap();
    creator.finish().unwrap().to_vec()
}

/// How the origin behaves.
#[derive(Debug, Clone)]
pub(crate) struct Temper {
    pub(crate) bytes: Vec<u8>,
    pub(crate) info: Option<Vec<u8>>,
    /// It has the content information once somebody makes a hash request.
    pub(crate) has_hashes_later: bool,
    pub(crate) tag: &'static str,
    pub(crate) status: StatusCode,
    /// Answers ranges with all of it.
    pub(crate) has_no_ranges: bool,
    /// After so many requests it is another.
    pub(crate) becomes: Option<(usize, Box<Temper>)>,
    /// Says it is longer than it is.
    pub(crate) breaks_off: bool,
    pub(crate) location: Option<String>,
}

impl Temper {
    pub(crate) fn good(version: Version, bytes: &[u8]) -> Self {
        Self {
            info: Some(info_of(version, bytes)),
            ..Self::plain(bytes)
        }
    }

    pub(crate) fn late(version: Version, bytes: &[u8]) -> Self {
        Self {
            has_hashes_later: true,
            ..Self::good(version, bytes)
        }
    }

    pub(crate) fn plain(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            info: None,
            has_hashes_later: false,
            tag: "\"a\"",
            status: StatusCode::OK,
            has_no_ranges: false,
            becomes: None,
            breaks_off: false,
            location: None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Origin {
    temper: Arc<Mutex<Temper>>,
    /// The header lines of every request.
    pub(crate) requests: Arc<Mutex<Vec<http::HeaderMap>>>,
    pub(crate) at: SocketAddr,
    _stop: Arc<DropGuard>,
}

#[derive(Clone)]
struct Answers(Arc<Mutex<Temper>>, Arc<Mutex<Vec<http::HeaderMap>>>);

impl tower_service::Service<http::Request<RequestBody>> for Answers {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
        let mut requests = self.1.lock().unwrap();
        requests.push(request.headers().clone());
        let mut temper = self.0.lock().unwrap();
        if let Some((after, other)) = temper.becomes.take() {
            if requests.len() > after {
                *temper = *other;
            } else {
                temper.becomes = Some((after, other));
            }
        }
        let ex = request.headers().get("X-P2P-PeerDistEx");
        if ex.is_some_and(|ex| ex.to_str().unwrap().contains("HashRequest=true")) {
            temper.has_hashes_later = false;
        }
        let response = answer(&temper, request.headers());
        Box::pin(async move { Ok(response) })
    }
}

fn answer(temper: &Temper, asked: &http::HeaderMap) -> Response<Full<Bytes>> {
    let field = |name: &str| asked.get(name).map(|value| value.to_str().unwrap());
    let mut response = Response::builder().header("ETag", temper.tag);
    if let Some(location) = &temper.location {
        let moved = response.status(302).header("Location", location);
        return moved.body(Full::default()).unwrap();
    }
    if temper.status != StatusCode::OK {
        return response
            .status(temper.status)
            .body(Full::default())
            .unwrap();
    }
    if field("If-Match").is_some_and(|tag| tag != temper.tag) {
        return response.status(412).body(Full::default()).unwrap();
    }
    let range = field("Range").map(|range| {
        let (first, last) = range
            .strip_prefix("bytes=")
            .unwrap()
            .split_once('-')
            .unwrap();
        first.parse().unwrap()..last.parse::<usize>().unwrap() + 1
    });
    let range = range.filter(|_| !temper.has_no_ranges);
    let wants_coding = field("Accept-Encoding").is_some_and(|codings| codings.contains("peerdist"));
    if wants_coding && temper.has_hashes_later {
        response = response.header("X-P2P-PeerDistEx", "MakeHashRequest=true");
    }
    let wants_coding = wants_coding && !temper.has_hashes_later;
    let body = match (&temper.info, range) {
        (Some(info), range) if wants_coding => {
            let length = range
                .clone()
                .map_or(temper.bytes.len(), |range| range.len());
            response = response.header("Content-Encoding", "peerdist").header(
                "X-P2P-PeerDist",
                format!("Version=1.1, ContentLength={length}"),
            );
            match range {
                None => info.clone(),
                Some(range) => {
                    response = partial(response, &range, temper.bytes.len());
                    let asked = peerdist::content::ContentRange {
                        start: range.start as u64,
                        length: range.len() as u64,
                    };
                    ContentInfo::decode(info).unwrap().restrict(asked).unwrap()
                }
            }
        }
        (_, Some(range)) if range.end <= temper.bytes.len() => {
            response = partial(response, &range, temper.bytes.len());
            temper.bytes[range].to_vec()
        }
        (_, Some(_)) => return response.status(416).body(Full::default()).unwrap(),
        (_, None) => temper.bytes.clone(),
    };
    if temper.breaks_off {
        // The server library closes the connection when the body is shorter than it said.
        response = response.header("Content-Length", body.len() + 1);
    }
    response.body(Full::new(body.into())).unwrap()
}

fn partial(
    response: http::response::Builder,
    range: &std::ops::Range<usize>,
    total: usize,
) -> http::response::Builder {
    let (first, last) = (range.start, range.end - 1);
    response
        .status(206)
        .header("Content-Range", format!("bytes {first}-{last}/{total}"))
}

impl Origin {
    pub(crate) async fn start(temper: Temper) -> Self {
        let listener = TokioNetwork
            .listen((Ipv4Addr::LOCALHOST, 0).into())
            .await
            .unwrap();
        let at = Listener::local_addr(&listener).unwrap();
        let stop = CancellationToken::new();
        let (temper, requests) = (Arc::new(Mutex::new(temper)), Arc::default());
        let answers = Answers(Arc::clone(&temper), Arc::clone(&requests));
        tokio::spawn(serve(
            listener,
            answers,
            ServerOptions::default(),
            stop.clone(),
        ));
        Self {
            temper,
            requests,
            at,
            _stop: Arc::new(stop.drop_guard()),
        }
    }

    pub(crate) fn is_now(&self, temper: Temper) {
        *self.temper.lock().unwrap() = temper;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/folder/content.bin", self.at)
    }

    /// Bytes of content that were asked for in ranges.
    pub(crate) fn ranges(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let ranges = requests.iter().filter_map(|asked| asked.get("Range"));
        ranges
            .map(|range| range.to_str().unwrap().to_owned())
            .collect()
    }
}

/// Blocks of content in memory.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    segments: BTreeMap<SegmentId, (SegmentSecret, BTreeMap<BlockIndex, Vec<u8>>)>,
    /// How many blocks there are of each segment, and of which version its content information is.
    all: BTreeMap<SegmentId, (Version, usize)>,
}

impl Blocks {
    /// Those for which `has` holds, by their number in the content.
    pub(crate) fn of(info: &[u8], bytes: &[u8], has: impl Fn(usize) -> bool) -> Self {
        let info = ContentInfo::decode(info).unwrap();
        let mut blocks = Self::default();
        let mut number = 0;
        for segment in info.segments() {
            let count = segment.blocks().count();
            blocks.all.insert(segment.id(), (info.version(), count));
            for block in segment.blocks() {
                if has(number) {
                    let range = usize::try_from(block.offset).unwrap()
                        ..usize::try_from(block.end()).unwrap();
                    let known = blocks.segments.entry(segment.id());
                    let (_, known) = known.or_insert_with(|| (segment.secret(), BTreeMap::new()));
                    let index = BlockIndex::new(block.index).unwrap();
                    known.insert(index, bytes[range].to_vec());
                }
                number += 1;
            }
        }
        blocks
    }

    pub(crate) fn bytes(&self) -> u64 {
        let blocks = self
            .segments
            .values()
            .flat_map(|(_, blocks)| blocks.values());
        blocks.map(|block| block.len() as u64).sum()
    }

    /// One bit of each block is another.
    pub(crate) fn lying(mut self) -> Self {
        let blocks = self
            .segments
            .values_mut()
            .flat_map(|(_, blocks)| blocks.values_mut());
        blocks.for_each(|block| block[0] ^= 1);
        self
    }
}

impl Holdings for Blocks {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        let place = self.segments.keys().position(|known| known == id)?;
        Some(HeldSegment {
            handle: SegmentHandle(place as u64),
            blocks: self.segments[id].1.keys().copied().collect::<BlockSet>(),
            since: Instant::ZERO,
        })
    }

    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        let (_, blocks) = self
            .segments
            .values()
            .nth(usize::try_from(segment.0).unwrap())?;
        Some(HeldBlock {
            length: u32::try_from(blocks.get(&index)?.len()).unwrap(),
            form: BlockForm::Plain,
        })
    }
}

impl Cache for Blocks {
    fn secret(&self, id: &SegmentId) -> Option<SegmentSecret> {
        Some(self.segments.get(id)?.0.clone())
    }

    fn load(
        &self,
        _: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Option<BlockForm> {
        into.clear();
        into.extend_from_slice(self.segments.get(id)?.1.get(&index)?);
        Some(BlockForm::Plain)
    }

    fn held(&self, _: Instant, id: &SegmentId) -> Option<Held> {
        let (version, all) = *self.all.get(id)?;
        let blocks = self.segments.get(id)?.1.len();
        Some(Held {
            version,
            blocks: u32::try_from(blocks).unwrap(),
            is_complete: blocks == all,
            age: None,
            replies: Replies::default(),
        })
    }

    fn expire(&self, _: Instant) -> u64 {
        0
    }
}

pub(crate) fn peer_options(clock: Clock) -> PeerOptions {
    let settings = ServerSettings::peer();
    PeerOptions {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        both_families: false,
        interfaces: Vec::new(),
        http: ServerOptions {
            limits: http_limits(settings.upload_timer_ms),
            ..ServerOptions::default()
        },
        retrieval: RetrievalOptions {
            settings,
            seed: [3; 32],
            clock,
            counters: Arc::default(),
        },
        responder: ResponderOptions::new(Numbers::forgotten(), [4; 32], clock),
        expire_interval_ms: 60_000,
    }
}

pub(crate) struct Running {
    pub(crate) at: SocketAddr,
    _stop: DropGuard,
}

pub(crate) async fn peer(blocks: Blocks) -> Running {
    let stop = CancellationToken::new();
    let options = peer_options(Clock::of_the_machine());
    let peer = Peer::start(&TokioNetwork, Arc::new(blocks), options, stop.clone());
    let peer = peer.await.unwrap();
    Running {
        at: peer.local_addr(),
        _stop: stop.drop_guard(),
    }
}

/// A client's directory.
pub(crate) struct Desk {
    pub(crate) directory: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("got.bin")
    }

    pub(crate) fn request(&self, origin: &Origin, peers: &[SocketAddr]) -> Request {
        let mut request = Request::new(&origin.url(), Destination::File(self.file()), [1; 32]);
        request.mode = Mode::Distributed;
        request.discovery = Discovery::Given(peers.into());
        request.wants_sha256 = true;
        request.settings.hash_requests.first_delay_ms = 50;
        // Times of tests, not of networks.
        for of_version in [&mut request.settings.of_v1, &mut request.settings.of_v2] {
            of_version.origin_retry_ms = 50;
            // Silence is waited out where it is what a test is about; shares are exact where nobody is late.
            of_version.retrieval.request_timer_ms = 5_000;
        }
        request
    }

    /// What is in the directory, by name.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[track_caller]
    pub(crate) fn assert_is(&self, bytes: &[u8]) {
        assert!(std::fs::read(self.file()).unwrap() == bytes, "another file");
        assert_eq!(self.names(), ["got.bin"]);
    }
}

pub(crate) async fn get(request: Request) -> Result<Report, GetError> {
    let mut nobody = ();
    let fetched = fetch(&TokioNetwork, request, &mut nobody);
    let report = tokio::time::timeout(PATIENCE, fetched)
        .await
        .expect("it ends")?;
    assert_eq!(report.shares.total(), report.bytes);
    Ok(report)
}

pub(crate) fn sharing(share_for_ms: u64, lingers: bool) -> Sharing {
    Sharing {
        options: peer_options(Clock::of_the_machine()),
        share_for_ms,
        lingers,
    }
}

/// A client that runs while something else does.
pub(crate) fn aside(request: Request) -> JoinHandle<Result<Report, GetError>> {
    tokio::task::spawn_blocking(move || Handle::current().block_on(get(request)))
}
