//! A hosted cache, clients of the branch at addresses of their own, and content for them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use peerdist::cipher::decrypt_many;
use peerdist::content::create::Creator;
use peerdist::content::{ContentInfo, SecretKey, SegmentId};
use peerdist::hash::HashAlgorithm;
use peerdist::hosted_cache::client::{
    Client as Offering, ClientSettings, ContentToken, Event, Input, Offerable, Output,
};
use peerdist::hosted_cache::{ReadBytes, SegmentKey, Version, WellKnownTag};
use peerdist::retrieval::client as retrieval;
use peerdist::retrieval::server::{BlockForm, HeldBlock, HeldSegment, Holdings, SegmentHandle};
use peerdist::retrieval::{BlockIndex, PATH, block_key};
use peerdist::time::Instant;
use peerdist_node::clock::Clock;
use peerdist_node::counters::HostedCacheCounters;
use peerdist_node::hosted_cache::{HostedCache, HostedCacheOptions, certificate};
use peerdist_node::http::client::Client;
use peerdist_node::http::limits::ClientLimits;
use peerdist_node::http::server::{ServerOptions, serve};
use peerdist_node::http::tls;
use peerdist_node::net::{Listener, Network, TokioNetwork, UdpOptions};
use peerdist_node::peer::{Cache, RetrievalOptions, RetrievalService, http_limits};
use peerdist_node::store::{SegmentFacts, Store, StoreSettings, wall_clock};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio_util::sync::CancellationToken;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn localhost(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

/// The network as a machine of that address sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At(pub(crate) IpAddr);

impl Network for At {
    type TcpStream = TcpStream;
    type TcpListener = TcpListener;
    type UdpSocket = UdpSocket;

    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.0, 0))?;
        socket.connect(to).await
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
        TokioNetwork.listen(at).await
    }

    async fn bind_udp(&self, at: SocketAddr, options: UdpOptions) -> io::Result<UdpSocket> {
        TokioNetwork.bind_udp(at, options).await
    }

    async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        TokioNetwork.lookup(host, port).await
    }
}

pub(crate) fn retrieval_options() -> RetrievalOptions {
    RetrievalOptions {
        settings: peerdist::retrieval::server::ServerSettings::hosted_cache(),
        seed: [7; 32],
        clock: Clock::starting_at(wall_clock()),
        counters: Arc::default(),
    }
}

/// A hosted cache whose store outlives it.
pub(crate) struct Room {
    pub(crate) directory: TempDir,
}

pub(crate) struct Running {
    pub(crate) cache: HostedCache,
    pub(crate) store: Store,
    pub(crate) counters: Arc<HostedCacheCounters>,
    pub(crate) cert: PathBuf,
    stop: CancellationToken,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
        }
    }

    pub(crate) async fn start(&self) -> Running {
        self.start_with(|_| {}).await
    }

    pub(crate) async fn start_with(&self, set: impl FnOnce(&mut HostedCacheOptions)) -> Running {
        let directory = self.directory.path().join("store");
        let store = Store::open(&directory, &StoreSettings::default()).unwrap();
        let names = ["127.0.0.1".to_owned()];
        let signed = certificate::beside(&directory, &names).unwrap();
        let mut options = HostedCacheOptions::new((localhost(1), 0).into(), retrieval_options());
        options.https = Some((localhost(1), 0).into());
        options.https_server.tls = Some(tls::server(&signed.cert, &signed.key).unwrap());
        options.fetching.retrieval.request_timer_ms = 20_000;
        set(&mut options);
        let counters = Arc::clone(&options.counters);
        let stop = CancellationToken::new();
        let started = HostedCache::start(&TokioNetwork, store.clone(), options, stop.clone());
        Running {
            cache: started.await.unwrap(),
            store,
            counters,
            cert: signed.cert,
            stop,
        }
    }
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.cache.ended()).await;
        assert!(ended.is_ok(), "the cache does not end");
    }

    pub(crate) fn url(&self, version: Version) -> String {
        match version {
            Version::V1 => format!(
                "https://{}{}",
                self.cache.https_addr().unwrap(),
                version.path()
            ),
            Version::V2 => format!("http://{}{}", self.cache.http_addr(), version.path()),
        }
    }

    /// Waits for something to become true.
    pub(crate) async fn until(&self, what: &str, is_true: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE.as_millis() / 20 {
            if is_true(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never: {what}; {:?}", self.counters);
    }

    /// The blocks of a segment that another client of the branch gets, in plain.
    pub(crate) async fn block(
        &self,
        content: &Content,
        segment: usize,
        index: u32,
    ) -> Option<Vec<u8>> {
        let facts = &content.facts[segment].1;
        let index = BlockIndex::new(index).unwrap();
        let question = retrieval::Question::Block {
            segment: content.facts[segment].0,
            index,
            reading: retrieval::Reading::Plain {
                length: facts.block_length(index).unwrap(),
            },
        };
        let mut machine =
            retrieval::Client::new(retrieval::ClientSettings::default(), &[1; 32]).unwrap();
        let now = Instant::from_nanos(0);
        let (tag, peer) = (retrieval::Tag(0), retrieval::Peer(0));
        let ask = retrieval::Input::Ask {
            tag,
            peer,
            question,
        };
        machine.handle(now, ask).unwrap();
        let url = format!("http://{}{PATH}", self.cache.http_addr());
        let mut message = Vec::new();
        while let Some(output) = machine.poll_output() {
            match output {
                retrieval::Output::Send {
                    exchange, query, ..
                } => {
                    let mut bytes = Vec::new();
                    query.encode_into(&mut bytes);
                    let (status, body) = self.post(localhost(9), &url, bytes).await;
                    assert_eq!(status, StatusCode::OK);
                    message = body;
                    let bytes = &message;
                    let input = retrieval::Input::Message { exchange, bytes };
                    machine.handle(now, input).unwrap();
                }
                retrieval::Output::Decrypt(op) => {
                    let key = block_key(op.cipher, facts.secret.as_ref().unwrap()).unwrap();
                    decrypt_many(&mut [op.job(&key, &mut message).unwrap()]);
                    let (exchange, quirk) = (op.exchange, None);
                    let input = retrieval::Input::Decrypted { exchange, quirk };
                    machine.handle(now, input).unwrap();
                }
                retrieval::Output::Event(retrieval::Event::Finished { outcome, .. }) => {
                    return match outcome {
                        retrieval::Outcome::Block(block) => {
                            Some(block.place.of(&message).unwrap().to_vec())
                        }
                        retrieval::Outcome::NoBlock { .. } => None,
                        other => panic!("{other:?}"),
                    };
                }
                retrieval::Output::Event(retrieval::Event::Lenient { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        None
    }

    /// All of a content, as another client gets it from the cache alone.
    pub(crate) async fn content(&self, content: &Content) -> Vec<u8> {
        let mut all = Vec::new();
        for (segment, (_, facts)) in content.facts.iter().enumerate() {
            for index in 0..facts.block_count() {
                let block = self.block(content, segment, index).await;
                all.extend(
                    block.unwrap_or_else(|| panic!("segment {segment} lacks block {index}")),
                );
            }
        }
        all
    }

    /// A message posted from an address: status and answer.
    pub(crate) async fn post(
        &self,
        from: IpAddr,
        url: &str,
        body: Vec<u8>,
    ) -> (StatusCode, Vec<u8>) {
        let (parts, body) = self.send(from, Method::POST, url, body).await;
        (parts.status, body)
    }

    pub(crate) async fn send(
        &self,
        from: IpAddr,
        method: Method,
        url: &str,
        body: Vec<u8>,
    ) -> (http::response::Parts, Vec<u8>) {
        let roots = tls::client(Some(&self.cert)).unwrap();
        let client = Client::new(At(from), Some(roots), ClientLimits::default());
        let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
        let mut request = Request::new(body.boxed_unsync());
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().unwrap();
        let (parts, body) = client.request(request).await.unwrap().into_parts();
        (parts, body.collect().await.unwrap().to_bytes().to_vec())
    }

    /// Offers all of a content as core's client does: what came of it.
    pub(crate) async fn offer(
        &self,
        version: Version,
        from: SocketAddr,
        content: &Content,
    ) -> Vec<Event> {
        let mut machine = Offering::new(ClientSettings {
            version,
            retrieval_port: from.port(),
            ..ClientSettings::default()
        });
        let now = Instant::from_nanos(0);
        let info = ContentInfo::decode(&content.info).unwrap();
        for (index, (id, facts)) in (0..).zip(&content.facts) {
            let segment = Offerable {
                content: ContentToken(0),
                index,
                key: SegmentKey {
                    algorithm: facts.hash,
                    id: *id,
                },
                length: facts.length,
                tag: WellKnownTag::WebIo.tag(),
            };
            let (count, is_complete) = (facts.block_count(), true);
            let input = Input::NewBlocks {
                segment,
                count,
                is_complete,
            };
            machine.handle(now, input).unwrap();
        }
        machine.handle(now, Input::Flush).unwrap();
        let mut events = Vec::new();
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Send(send) => {
                    let mut bytes = Vec::new();
                    let read_bytes = ReadBytes::default();
                    assert!(
                        send.message
                            .encode_into(&mut bytes, Some(&info), read_bytes)
                    );
                    let url = self.url(send.version);
                    let (status, body) = self.post(from.ip(), &url, bytes).await;
                    let input = Input::Response {
                        request: send.request,
                        status: status.as_u16(),
                        body: &body,
                    };
                    machine.handle(now, input).unwrap();
                }
                Output::Event(event) => events.push(event),
                Output::Cancel { .. } => {}
            }
        }
        events
    }
}

/// Content, what a content server says of it, and what that means.
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) info: Vec<u8>,
    pub(crate) facts: Vec<(SegmentId, SegmentFacts)>,
}

pub(crate) fn bytes(number: u64, length: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(step).take(length).collect()
}

impl Content {
    pub(crate) fn new(version: Version, number: u64, length: usize) -> Self {
        let bytes = bytes(number, length);
        let secret = SecretKey::new([3; 32]).unwrap();
        let mut creator = match version {
            Version::V1 => Creator::v1(HashAlgorithm::Sha256, &secret).unwrap(),
            Version::V2 => Creator::v2(&secret),
        };
        creator.update(&bytes).unwrap();
        let info = creator.finish().unwrap().to_vec();
        let facts = ContentInfo::decode(&info)
            .unwrap()
            .segments()
            .map(|segment| (segment.id(), SegmentFacts::of(&segment)))
            .collect();
        Self { bytes, info, facts }
    }

    fn put_into(&self, store: &Store) {
        let mut rest = self.bytes.as_slice();
        for (id, facts) in &self.facts {
            store.describe(wall_clock(), id, facts).unwrap();
            for index in 0..facts.block_count() {
                let index = BlockIndex::new(index).unwrap();
                let (block, behind) = rest.split_at(facts.block_length(index).unwrap() as usize);
                store.put_verified(wall_clock(), id, index, block).unwrap();
                rest = behind;
            }
        }
        assert!(rest.is_empty());
    }
}

/// A store that hands out other bytes than it has.
struct Liar(Store);

impl Holdings for Liar {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        self.0.segment(id)
    }

    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        self.0.block(segment, index)
    }
}

impl Cache for Liar {
    fn secret(&self, id: &SegmentId) -> Option<peerdist::content::SegmentSecret> {
        self.0.secret(id)
    }

    fn load(
        &self,
        now: Instant,
        id: &SegmentId,
        index: BlockIndex,
        into: &mut Vec<u8>,
    ) -> Option<BlockForm> {
        let form = Cache::load(&self.0, now, id, index, into)?;
        into[0] ^= 1;
        Some(form)
    }

    fn held(&self, now: Instant, id: &SegmentId) -> Option<peerdist::discovery::Held> {
        self.0.held(now, id)
    }

    fn expire(&self, _: Instant) -> u64 {
        0
    }
}

/// A client of the branch that serves what it has.
pub(crate) struct Branch {
    pub(crate) at: SocketAddr,
    _directory: TempDir,
    stop: CancellationToken,
}

impl Drop for Branch {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Branch {
    pub(crate) async fn with(address: IpAddr, contents: &[&Content]) -> Self {
        Self::started(address, contents, |store| store).await
    }

    pub(crate) async fn lying(address: IpAddr, contents: &[&Content]) -> Self {
        Self::started(address, contents, Liar).await
    }

    async fn started<C: Cache>(
        address: IpAddr,
        contents: &[&Content],
        cache: impl FnOnce(Store) -> C,
    ) -> Self {
        let directory = TempDir::new().unwrap();
        let store = Store::open(directory.path(), &StoreSettings::default()).unwrap();
        contents.iter().for_each(|content| content.put_into(&store));
        let stop = CancellationToken::new();
        let options = retrieval_options();
        let http = ServerOptions {
            limits: http_limits(options.settings.upload_timer_ms),
            ..ServerOptions::default()
        };
        let service = RetrievalService::new(Arc::new(cache(store)), options).unwrap();
        let listener = TokioNetwork.listen((address, 0).into()).await.unwrap();
        let at = Listener::local_addr(&listener).unwrap();
        tokio::spawn(service.clone().watch(stop.clone()));
        tokio::spawn(serve(listener, service, http, stop.clone()));
        Self {
            at,
            _directory: directory,
            stop,
        }
    }
}
