//! A peer over a store on disk that holds one segment of known bytes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use peerdist::content::create::Creator;
use peerdist::content::{BLOCK_BYTES, ContentInfo, SecretKey, SegmentId, SegmentSecret};
use peerdist::entropy::{Entropy, Purpose};
use peerdist::hash::HashAlgorithm;
use peerdist::retrieval::server::ServerSettings;
use peerdist::retrieval::{
    BlockIndex, BlockRange, BlockSet, GetBlockList, GetBlocks, PATH, Request, RequestBody,
};
use peerdist_node::clock::Clock;
use peerdist_node::counters::{HttpCounters, RetrievalCounters};
use peerdist_node::discovery::{Numbers, ResponderOptions};
use peerdist_node::http::server::ServerOptions;
use peerdist_node::net::TokioNetwork;
use peerdist_node::peer::{Peer, PeerOptions, RetrievalOptions, http_limits};
use peerdist_node::store::{SegmentFacts, Space, Store, StoreSettings, wall_clock};
use tokio_util::sync::CancellationToken;

pub(crate) const BLOCKS: u32 = 64;

/// Bytes that look like nothing else, the same for everybody.
pub(crate) fn content() -> Vec<u8> {
    let mut bytes = vec![0; (BLOCKS * BLOCK_BYTES) as usize];
    Entropy::from_u64(7, Purpose::Faults).fill(&mut bytes);
    bytes
}

pub(crate) struct Filled {
    pub(crate) store: Store,
    pub(crate) segment: SegmentId,
    pub(crate) secret: SegmentSecret,
}

/// A store with all blocks of the segment.
pub(crate) fn filled(directory: &Path, content: &[u8]) -> Filled {
    let settings = {
        let mut settings = StoreSettings::default();
        settings.verified.space = Space::Bytes(256 << 20);
        settings.reserve_bytes = 0;
        settings
    };
    let store = Store::open(directory, &settings).unwrap();
    let key = SecretKey::new([1; 32]).unwrap();
    let mut creator = Creator::v1(HashAlgorithm::Sha256, &key).unwrap();
    creator.update(content).unwrap();
    let info = creator.finish().unwrap().to_vec();
    let info = ContentInfo::decode(&info).unwrap();
    let segment = info.segments().next().unwrap();
    let (id, now) = (segment.id(), wall_clock());
    store
        .describe(now, &id, &SegmentFacts::of(&segment))
        .unwrap();
    for (index, block) in (0..).zip(content.chunks(BLOCK_BYTES as usize)) {
        let index = BlockIndex::new(index).unwrap();
        store.put_verified(now, &id, index, block).unwrap();
    }
    store.flush().unwrap();
    Filled {
        store,
        segment: id,
        secret: segment.secret(),
    }
}

pub(crate) struct Running {
    pub(crate) peer: Peer<Store>,
    pub(crate) at: SocketAddr,
    pub(crate) counters: Arc<RetrievalCounters>,
    pub(crate) http: Arc<HttpCounters>,
    pub(crate) stop: CancellationToken,
}

impl Running {
    /// Waits until every client has given its place back. A client may have the last byte of its answer before the
    /// call that sent it has come back to the server, whose exchange ends only then.
    pub(crate) async fn serves_nobody(&self) {
        let waited = tokio::time::Instant::now();
        while self.peer.service().active_clients() > 0 {
            assert!(
                waited.elapsed() < Duration::from_secs(10),
                "{} places are never given back",
                self.peer.service().active_clients()
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// A peer that nobody is told of, for up to 1,024 clients.
pub(crate) async fn serve(store: &Store, set: impl FnOnce(&mut PeerOptions)) -> Running {
    let clock = Clock::of_the_machine();
    let mut options = PeerOptions {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        both_families: false,
        interfaces: Vec::new(),
        retrieval: RetrievalOptions {
            settings: ServerSettings::hosted_cache(),
            seed: [3; 32],
            clock,
            counters: Arc::default(),
        },
        responder: ResponderOptions::new(Numbers::forgotten(), [4; 32], clock),
        http: ServerOptions {
            limits: http_limits(15_000),
            ..ServerOptions::default()
        },
        expire_interval_ms: 60_000,
    };
    options.http.limits.connections_by_address_most = 4_096;
    set(&mut options);
    let (counters, http) = (
        Arc::clone(&options.retrieval.counters),
        Arc::clone(&options.http.counters),
    );
    let stop = CancellationToken::new();
    let cache = Arc::new(store.clone());
    let peer = Peer::start(&TokioNetwork, cache, options, stop.clone())
        .await
        .unwrap();
    Running {
        at: peer.local_addr(),
        peer,
        counters,
        http,
        stop,
    }
}

/// An HTTP request with a message.
pub(crate) fn post(body: RequestBody<'_>) -> Vec<u8> {
    let message = Request::new(body).encode();
    let length = message.len();
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: peer\r\nContent-Length: {length}\r\n\r\n");
    [head.into_bytes(), message].concat()
}

pub(crate) fn ask_for_block(segment: SegmentId, index: u32) -> Vec<u8> {
    let one = BlockSet::from_iter([BlockIndex::new(index).unwrap()]);
    post(RequestBody::Blocks(GetBlocks {
        segment,
        requested: one.into(),
        verification: &[],
    }))
}

pub(crate) fn ask_for_list(segment: SegmentId) -> Vec<u8> {
    let all: BlockSet = BlockRange::new(0, 512).into_iter().collect();
    post(RequestBody::BlockList(GetBlockList {
        segment,
        needed: all.into(),
    }))
}
