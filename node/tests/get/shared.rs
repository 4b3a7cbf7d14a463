//! What was fetched is shared with other clients.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use peerdist::content::{ContentInfo, Version};
use peerdist::retrieval::BlockIndex;
use peerdist_node::get::{BlockCache, BlocksInMemory, Discovery};

use crate::room::{Desk, Origin, Temper, aside, content, get, info_of, sharing};

const LENGTH: usize = 2_000_003;

/// A port that nobody else is given until it is listened at: each test has an address of its own.
async fn free_port(of_test: u8) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::new(127, 0, 31, of_test), 0));
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
        shares.options.listen = free_port(1).await;
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
        shares.options.listen = free_port(2).await;
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
