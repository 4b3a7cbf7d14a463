//! What was fetched is offered to a hosted cache, which fetches it from where it is.

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
use peerdist_node::clock::Clock;
use peerdist_node::get::{HostedCache, Mode};
use peerdist_node::hosted_cache::{HostedCache as Cache, HostedCacheOptions};
use peerdist_node::http::RequestBody;
use peerdist_node::http::server::{ServerOptions, serve};
use peerdist_node::net::{Listener, Network, TokioNetwork};
use peerdist_node::store::{Store, StoreSettings, wall_clock};
use tokio::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::room::{
    Blocks, Desk, Origin, Temper, aside, content, get, info_of, peer, peer_options, sharing,
};

const LENGTH: usize = 2_000_003;

/// Takes offers, and fetches what is offered as a hosted cache does.
#[derive(Clone)]
struct Takes {
    origin: Origin,
    offers: Arc<Mutex<Vec<(u16, usize)>>>,
    fetched: Arc<Mutex<u64>>,
    /// Until then it has other things to do.
    is_free: CancellationToken,
}

impl Takes {
    /// A cache that fetches from where `origin` sends others, and where it takes offers, until the guard goes.
    async fn start(origin: &Origin) -> (Self, SocketAddr, DropGuard) {
        let takes = Self {
            origin: origin.clone(),
            offers: Arc::default(),
            fetched: Arc::default(),
            is_free: CancellationToken::new(),
        };
        let listener = TokioNetwork.listen((Ipv4Addr::LOCALHOST, 0).into());
        let listener = listener.await.unwrap();
        let at = Listener::local_addr(&listener).unwrap();
        let stop = CancellationToken::new();
        let options = ServerOptions::default();
        tokio::spawn(serve(listener, takes.clone(), options, stop.clone()));
        (takes, at, stop.drop_guard())
    }

    /// Waits until what was offered was fetched, all of it from whoever offered it.
    async fn have_all(&self) {
        let fetched = || *self.fetched.lock().unwrap();
        while fetched() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Whoever takes more than a second for it offers twice, and is asked for everything twice.
        if self.offers.lock().unwrap().len() == 1 {
            assert_eq!(fetched(), LENGTH as u64);
        }
    }
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
                takes.is_free.cancelled().await;
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

fn hosted(retrieval: SocketAddr, offers: SocketAddr) -> Mode {
    Mode::Hosted(HostedCache {
        retrieval: retrieval.to_string(),
        offers: Some(offers.to_string()),
        version: hosted_cache::Version::V2,
    })
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
        let (takes, offers, _stop) = Takes::start(&origin).await;
        takes.is_free.cancel();
        let empty = peer(Blocks::of(&info, &bytes, |_| false)).await;
        let desk = Desk::new();
        let mut request = desk.request(&origin, &[]);
        request.mode = hosted(empty.at, offers);
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
        takes.have_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_there_before_the_hosted_cache_has_it_and_the_wait_does_not_count() {
    let bytes = content(LENGTH, 36);
    let (v1, v2) = (Version::V1, Version::V2);
    for temper in [
        Temper::good(v1, &bytes),
        Temper::good(v2, &bytes),
        Temper::late(v2, &bytes),
    ] {
        let info = temper.info.clone().unwrap();
        let origin = Origin::start(temper).await;
        let (takes, offers, _stop) = Takes::start(&origin).await;
        let empty = peer(Blocks::of(&info, &bytes, |_| false)).await;
        let desk = Desk::new();
        let mut request = desk.request(&origin, &[]);
        request.mode = hosted(empty.at, offers);
        request.sharing = Some(sharing(20_000, false));
        let began = Instant::now();
        let getting = aside(request);
        while !desk.file().exists() {
            assert!(!getting.is_finished());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        desk.assert_is(&bytes);
        // Far longer than it takes to leave, for one that does not wait.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!getting.is_finished(), "it left before the cache had it");
        let waited = began.elapsed();
        takes.is_free.cancel();
        let report = getting.await.unwrap().unwrap();
        assert!(report.elapsed < waited, "{:?}", report.elapsed);
        takes.have_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_lets_few_segments_wait_is_offered_them_as_it_fetches_and_has_all_in_the_end()
{
    let bytes = content(4_000_003, 37);
    // What is described afterwards is offered all at once.
    for temper in [
        Temper::late(Version::V2, &bytes),
        Temper::good(Version::V2, &bytes),
    ] {
        let info = info_of(Version::V2, &bytes);
        let origin = Origin::start(temper).await;
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), &StoreSettings::default()).unwrap();
        let retrieval = peer_options(Clock::starting_at(wall_clock())).retrieval;
        let mut options = HostedCacheOptions::new((Ipv4Addr::LOCALHOST, 0).into(), retrieval);
        options.settings.segments_queued_per_client = 4;
        options.settings.segments_in_flight_per_client = 1;
        let stop = CancellationToken::new();
        let _stop = stop.clone().drop_guard();
        let cache = Cache::start(&TokioNetwork, store.clone(), options, stop);
        let at = cache.await.unwrap().http_addr();
        let desk = Desk::new();
        let mut request = desk.request(&origin, &[]);
        request.mode = hosted(at, at);
        request.sharing = Some(sharing(30_000, false));
        request.settings.offers_ahead_most = 4;
        request.settings.offers_still_ms = 20_000;
        get(request).await.unwrap();
        desk.assert_is(&bytes);
        let info = ContentInfo::decode(&info).unwrap();
        assert!(info.segment_count() > 20, "more than may wait");
        for segment in info.segments() {
            // The last of them may not be written yet. Nobody there can read it.
            let began = Instant::now();
            let is_there = || {
                let known = store.inspect(&segment.id()).unwrap();
                known.is_some_and(|known| known.sealed.len() == 1)
            };
            while !is_there() {
                assert!(began.elapsed() < Duration::from_secs(5), "{segment:?}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}
