//! Peers: those that have all, some and nothing, and those that lie, stall, babble and go away.

use std::net::{Ipv4Addr, SocketAddr};

use peerdist::client::Order;
use peerdist::content::{ContentRange, Version};
use peerdist_node::get::{Destination, HostedCache, Mode, Shares};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::room::{Blocks, Desk, Origin, Temper, content, get, info_of, peer};

const LENGTH: usize = 3_000_001;
const VERSIONS: [Version; 2] = [Version::V1, Version::V2];

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_has_everything_gives_everything() {
    for version in VERSIONS {
        let bytes = content(LENGTH, 1);
        let info = info_of(version, &bytes);
        let origin = Origin::start(Temper::good(version, &bytes)).await;
        let has_all = peer(Blocks::of(&info, &bytes, |_| true)).await;
        let desk = Desk::new();
        let report = get(desk.request(&origin, &[has_all.at])).await.unwrap();
        desk.assert_is(&bytes);
        let shares = Shares {
            peers: LENGTH as u64,
            ..Shares::default()
        };
        assert_eq!(report.shares, shares);
        assert_eq!(report.metadata_bytes, info.len() as u64);
        assert_eq!(origin.requests.lock().unwrap().len(), 1);
        use sha2::Digest;
        assert_eq!(report.sha256.unwrap(), *sha2::Sha256::digest(&bytes));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_peer_has_comes_from_the_origin_to_the_byte() {
    for version in VERSIONS {
        for order in [Order::Sequential, Order::Random] {
            let bytes = content(LENGTH, 2);
            let info = info_of(version, &bytes);
            let origin = Origin::start(Temper::good(version, &bytes)).await;
            let (one, other) = (
                Blocks::of(&info, &bytes, |number| number % 3 == 0),
                Blocks::of(&info, &bytes, |number| number % 3 == 1),
            );
            let from_peers = one.bytes() + other.bytes();
            let (one, other) = (peer(one).await, peer(other).await);
            let desk = Desk::new();
            let mut request = desk.request(&origin, &[one.at, other.at]);
            request.order = order;
            let report = get(request).await.unwrap();
            desk.assert_is(&bytes);
            assert_eq!(report.shares.peers, from_peers, "{version:?} {order:?}");
            assert_eq!(report.shares.origin, LENGTH as u64 - from_peers);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_lies_is_found_out_and_its_blocks_come_from_elsewhere() {
    for version in VERSIONS {
        let bytes = content(LENGTH, 3);
        let info = info_of(version, &bytes);
        let origin = Origin::start(Temper::good(version, &bytes)).await;
        let liar = peer(Blocks::of(&info, &bytes, |_| true).lying()).await;
        let desk = Desk::new();
        let report = get(desk.request(&origin, &[liar.at])).await.unwrap();
        desk.assert_is(&bytes);
        assert_eq!(report.shares.origin, LENGTH as u64);
        assert!(report.lies > 0);
        // With an honest one beside it, the origin has little to do.
        let honest = peer(Blocks::of(&info, &bytes, |_| true)).await;
        let desk = Desk::new();
        let report = get(desk.request(&origin, &[liar.at, honest.at]))
            .await
            .unwrap();
        desk.assert_is(&bytes);
        assert_eq!(report.shares.origin + report.shares.peers, LENGTH as u64);
    }
}

#[derive(Debug, Clone, Copy)]
enum Manner {
    Garbage,
    Silence,
    Closes,
    Endless,
    Slow,
    Empty,
}

async fn ill_mannered(manner: Manner) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let ok = "HTTP/1.1 200 OK\r\n";
                let answer = match manner {
                    Manner::Garbage => {
                        format!("{ok}Content-Length: 70000\r\n\r\n{}", "x".repeat(70_000))
                    }
                    Manner::Silence => std::future::pending().await,
                    Manner::Closes => return,
                    Manner::Endless | Manner::Slow => format!("{ok}\r\n"),
                    Manner::Empty => format!("{ok}Content-Length: 0\r\n\r\n"),
                };
                let _ = stream.write_all(answer.as_bytes()).await;
                let pause = match manner {
                    Manner::Endless => std::time::Duration::ZERO,
                    Manner::Slow => std::time::Duration::from_millis(100),
                    _ => return,
                };
                while stream.write_all(&[7; 1000]).await.is_ok() {
                    tokio::time::sleep(pause).await;
                }
            });
        }
    });
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_without_manners_cost_time_and_nothing_else() {
    let bytes = content(1_000_000, 4);
    let origin = Origin::start(Temper::good(Version::V1, &bytes)).await;
    for manner in [
        Manner::Garbage,
        Manner::Silence,
        Manner::Closes,
        Manner::Endless,
        Manner::Slow,
        Manner::Empty,
    ] {
        let desk = Desk::new();
        let mut request = desk.request(&origin, &[ill_mannered(manner).await]);
        for of_version in [&mut request.settings.of_v1, &mut request.settings.of_v2] {
            of_version.retrieval.request_timer_ms = 500;
        }
        let report = get(request).await.unwrap();
        desk.assert_is(&bytes);
        assert_eq!(report.shares.origin, bytes.len() as u64, "{manner:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_cache_gives_what_it_has() {
    for version in VERSIONS {
        let bytes = content(LENGTH, 5);
        let info = info_of(version, &bytes);
        let origin = Origin::start(Temper::good(version, &bytes)).await;
        let has = Blocks::of(&info, &bytes, |number| number % 2 == 0);
        let from_cache = has.bytes();
        let cache = peer(has).await;
        let desk = Desk::new();
        let mut request = desk.request(&origin, &[]);
        request.mode = Mode::Hosted(HostedCache {
            retrieval: cache.at.to_string(),
            offers: None,
            version: peerdist::hosted_cache::Version::V2,
        });
        let report = get(request).await.unwrap();
        desk.assert_is(&bytes);
        assert_eq!(report.shares.hosted_cache, from_cache);
        assert_eq!(report.shares.origin, LENGTH as u64 - from_cache);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_gets_everything_in_order_from_all_sides() {
    for version in VERSIONS {
        let bytes = content(LENGTH, 6);
        let info = info_of(version, &bytes);
        let origin = Origin::start(Temper::good(version, &bytes)).await;
        let some = peer(Blocks::of(&info, &bytes, |number| number % 2 == 0)).await;
        let desk = Desk::new();
        let mut request = desk.request(&origin, &[some.at]);
        let (to, mut from) = tokio::sync::mpsc::channel(2);
        request.destination = Destination::Stream(to);
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(piece) = from.recv().await {
                all.extend_from_slice(&piece);
                tokio::task::yield_now().await;
            }
            all
        });
        let report = get(request).await.unwrap();
        assert!(reading.await.unwrap() == bytes);
        assert!(report.shares.peers > 0 && report.shares.origin > 0);
        use sha2::Digest;
        assert_eq!(report.sha256.unwrap(), *sha2::Sha256::digest(&bytes));
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_range_of_any_content_is_that_range(
        length in 1_usize..400_000,
        (from, to) in (0..1000_usize, 0..1000_usize),
        seed in 0..1000_u64,
        is_v1 in any::<bool>(),
        modulus in 1..4_usize,
    ) {
        let version = if is_v1 { Version::V1 } else { Version::V2 };
        let place = |per_mille: usize| per_mille * length / 1000;
        let start = place(from).min(place(to));
        let end = place(from).max(place(to)).max(start + 1);
        runtime().block_on(async move {
            let bytes = content(length, seed);
            let info = info_of(version, &bytes);
            let origin = Origin::start(Temper::good(version, &bytes)).await;
            let some = peer(Blocks::of(&info, &bytes, |number| number % modulus == 0)).await;
            let desk = Desk::new();
            let mut request = desk.request(&origin, &[some.at]);
            request.seed = [u8::try_from(seed % 256).unwrap(); 32];
            request.range = Some(ContentRange { start: start as u64, length: (end - start) as u64 });
            let report = get(request).await.unwrap();
            assert_eq!(report.bytes, (end - start) as u64);
            desk.assert_is(&bytes[start..end]);
        });
    }
}
