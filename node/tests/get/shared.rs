//! What was fetched is shared: with other clients, and with a hosted cache that is offered it.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use peerdist::content::{ContentInfo, Version};
use peerdist::hosted_cache::{self, Request as Offer, ResponseCode};
use peerdist::retrieval::BlockIndex;
use peerdist_node::clock::Clock;
use peerdist_node::get::{
    BlockCache, BlocksInMemory, Discovery, GetError, HostedCache, Mode, Report, Request, Sharing,
};
use peerdist_node::http::RequestBody;
use peerdist_node::http::server::{ServerOptions, serve};
use peerdist_node::net::{Listener, Network, TokioNetwork};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::room::{Blocks, Desk, Origin, Temper, content, get, info_of, peer, peer_options};

const LENGTH: usize = 2_000_003;

fn sharing(share_for_ms: u64, lingers: bool) -> Sharing {
    Sharing {
        options: peer_options(Clock::of_the_machine()),
        share_for_ms,
        lingers,
    }
}

/// A client that runs while something else does.
fn aside(request: Request) -> JoinHandle<Result<Report, GetError>> {
    tokio::task::spawn_blocking(move || Handle::current().block_on(get(request)))
}

async fn free_port() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.await.unwrap().local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_gives_another_what_it_got() {
    for version in [Version::V1, Version::V2] {
        let bytes = content(LENGTH, 31);
        let origin = Origin::start(Temper::good(version, &bytes)).await;
        let (first, second) = (Desk::new(), Desk::new());
        let mut request = first.request(&origin, &[]);
        let mut shares = sharing(60_000, true);
        shares.options.listen = free_port().await;
        let at = shares.options.listen;
        request.sharing = Some(shares);
        let stop = request.stop.clone();
        let sharer = aside(request);
        while !first.file().exists() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let mut request = second.request(&origin, &[]);
        request.discovery = Discovery::Given([at].into());
        let report = get(request).await.unwrap();
        second.assert_is(&bytes);
        assert_eq!(report.shares.peers, LENGTH as u64);
        stop.cancel();
        let report = sharer.await.unwrap().unwrap();
        first.assert_is(&bytes);
        assert_eq!(report.shares.origin, LENGTH as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_plainly_is_described_afterwards_kept_and_given_to_others() {
    for version in [Version::V1, Version::V2] {
        let bytes = content(LENGTH, 33);
        let origin = Origin::start(Temper::late(version, &bytes)).await;
        let (first, second) = (Desk::new(), Desk::new());
        let mut request = first.request(&origin, &[]);
        let mut shares = sharing(60_000, true);
        shares.options.listen = free_port().await;
        let at = shares.options.listen;
        request.sharing = Some(shares);
        let kept = Arc::new(BlocksInMemory::default());
        request.cache = Some(Arc::<BlocksInMemory>::clone(&kept));
        let stop = request.stop.clone();
        let sharer = aside(request);
        while tokio::net::TcpStream::connect(at).await.is_err() {
            assert!(!sharer.is_finished(), "{version:?}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let mut request = second.request(&origin, &[]);
        request.discovery = Discovery::Given([at].into());
        let report = get(request).await.unwrap();
        second.assert_is(&bytes);
        assert_eq!(report.shares.peers, LENGTH as u64);
        stop.cancel();
        let report = sharer.await.unwrap().unwrap();
        first.assert_is(&bytes);
        assert_eq!(report.shares.origin, LENGTH as u64);
        let info = info_of(version, &bytes);
        assert_eq!(report.metadata_bytes, info.len() as u64);
        for segment in ContentInfo::decode(&info).unwrap().segments() {
            assert_eq!(kept.verified(&segment.id()).len(), segment.block_count());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_came_plainly_nothing_is_kept_that_late_hashes_do_not_describe() {
    let (bytes, mut other) = (content(LENGTH, 34), content(LENGTH, 34));
    other[0] ^= 1;
    let origin = Origin::start(Temper {
        info: Some(info_of(Version::V1, &other)),
        ..Temper::late(Version::V1, &bytes)
    });
    let origin = origin.await;
    let desk = Desk::new();
    let mut request = desk.request(&origin, &[]);
    let kept = Arc::new(BlocksInMemory::default());
    request.cache = Some(Arc::<BlocksInMemory>::clone(&kept));
    let report = get(request).await.unwrap();
    desk.assert_is(&bytes);
    assert!(report.metadata_bytes > 0);
    let info = info_of(Version::V1, &other);
    let info = ContentInfo::decode(&info).unwrap();
    let segment = info.segments().next().unwrap();
    let kept = kept.verified(&segment.id());
    assert!(!kept.contains(BlockIndex::new(0).unwrap()));
    assert_eq!(kept.len() + 1, segment.block_count());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hashes_are_asked_for_by_whom_they_would_be_of_no_use() {
    let bytes = content(LENGTH, 35);
    let origin = Origin::start(Temper::late(Version::V2, &bytes)).await;
    let desk = Desk::new();
    get(desk.request(&origin, &[])).await.unwrap();
    desk.assert_is(&bytes);
    assert_eq!(origin.requests.lock().unwrap().len(), 1);
}

/// Takes offers, and fetches what is offered as a hosted cache does.
#[derive(Clone)]
struct Takes {
    origin: Origin,
    offers: Arc<Mutex<Vec<(u16, usize)>>>,
    fetched: Arc<Mutex<u64>>,
}

impl tower_service::Service<http::Request<RequestBody>> for Takes {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
        let takes = self.clone();
        Box::pin(async move {
            assert_eq!(request.uri().path(), hosted_cache::HTTP_PATH);
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let Offer::BatchedOffer(offer) = Offer::decode(&body).unwrap() else {
                panic!("an offer of version 1.0");
            };
            let (port, count) = (offer.port, offer.descriptors().count());
            takes.offers.lock().unwrap().push((port, count));
            tokio::spawn(async move {
                let desk = Desk::new();
                let request = desk.request(&takes.origin, &[(Ipv4Addr::LOCALHOST, port).into()]);
                let report = aside(request).await.unwrap().unwrap();
                *takes.fetched.lock().unwrap() += report.shares.peers;
            });
            let answer = hosted_cache::Response {
                code: ResponseCode::OK,
            };
            Ok(Response::new(Full::new(answer.encode().into())))
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_cache_is_offered_what_the_origin_gave_and_fetches_it() {
    let bytes = content(LENGTH, 32);
    let (v1, v2) = (Version::V1, Version::V2);
    for (version, temper) in [
        (v1, Temper::good(v1, &bytes)),
        (v2, Temper::good(v2, &bytes)),
        (v1, Temper::late(v1, &bytes)),
        (v2, Temper::late(v2, &bytes)),
    ] {
        let info = info_of(version, &bytes);
        let origin = Origin::start(temper).await;
        let takes = Takes {
            origin: origin.clone(),
            offers: Arc::default(),
            fetched: Arc::default(),
        };
        let listener = TokioNetwork
            .listen((Ipv4Addr::LOCALHOST, 0).into())
            .await
            .unwrap();
        let offers = Listener::local_addr(&listener).unwrap();
        let stop = CancellationToken::new();
        let _stop = stop.clone().drop_guard();
        tokio::spawn(serve(
            listener,
            takes.clone(),
            ServerOptions::default(),
            stop,
        ));
        let empty = peer(Blocks::of(&info, &bytes, |_| false)).await;
        let desk = Desk::new();
        let mut request = desk.request(&origin, &[]);
        request.mode = Mode::Hosted(HostedCache {
            retrieval: empty.at.to_string(),
            offers: Some(offers.to_string()),
            version: hosted_cache::Version::V2,
        });
        request.sharing = Some(sharing(20_000, false));
        let report = get(request).await.unwrap();
        desk.assert_is(&bytes);
        assert_eq!(report.shares.origin, LENGTH as u64);
        let offered: usize = takes
            .offers
            .lock()
            .unwrap()
            .iter()
            .map(|(_, count)| count)
            .sum();
        let segments = ContentInfo::decode(&info).unwrap().segment_count();
        assert_eq!(offered as u64, segments, "{version:?}");
        while *takes.fetched.lock().unwrap() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(*takes.fetched.lock().unwrap(), LENGTH as u64, "{version:?}");
    }
}
