//! Peers found by multicast, and what is remembered of how many there were.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;

use peerdist::content::{ContentInfo, Version};
use peerdist::discovery::Replies;
use peerdist_node::clock::Clock;
use peerdist_node::discovery::{Prober, ProberOptions};
use peerdist_node::get::{Discovery, StoredBlocks};
use peerdist_node::net::TokioNetwork;
use peerdist_node::net::interfaces::{LocalInterface, interfaces};
use peerdist_node::peer::Peer;
use peerdist_node::store::{Store, StoreHandle, StoreSettings};
use tokio_util::sync::CancellationToken;

use crate::room::{Blocks, Desk, Origin, Temper, content, get, info_of, peer_options};

const LENGTH: usize = 900_007;

/// The loopback interface, where multicasts over it come back.
fn loopback() -> Option<Vec<LocalInterface>> {
    let multicast = || {
        let group = Ipv4Addr::new(239, 255, 255, 250);
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
        interfaces(&[Ipv4Addr::LOCALHOST.into()])
    };
    multicast()
        .inspect_err(|error| eprintln!("NOT RUN: multicast on the loopback interface: {error}"))
        .ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_told_how_many_neighbours_offered_what_it_keeps() {
    let Some(loopback) = loopback() else { return };
    let clock = Clock::of_the_machine();
    for (version, has_all) in [
        (Version::V1, true),
        (Version::V1, false),
        (Version::V2, true),
    ] {
        let bytes = content(LENGTH, 41);
        let info = info_of(version, &bytes);
        let origin = Origin::start(Temper::good(version, &bytes)).await;
        let port = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
        let port = port.unwrap().local_addr().unwrap().port();
        let stop = CancellationToken::new();
        let _stop = stop.clone().drop_guard();
        let mut options = peer_options(clock);
        options.interfaces.clone_from(&loopback);
        options.responder.port = port;
        let blocks = Blocks::of(&info, &bytes, |number| has_all || number == 0);
        let offered = blocks.bytes();
        let peer = Peer::start(&TokioNetwork, Arc::new(blocks), options, stop.clone());
        peer.await.unwrap();
        let mut options = ProberOptions::new([9; 32], clock);
        options.port = port;
        // Long enough for a machine that has much else to do.
        options.settings.request_timer_ms = 1_500;
        let prober = Prober::start(&TokioNetwork, &loopback, options, stop.clone());
        let desk = Desk::new();
        let kept = tempfile::tempdir().unwrap();
        let store = Store::open(kept.path(), &StoreSettings::default()).unwrap();
        let handle = StoreHandle::Owned(store.clone());
        let mut request = desk.request(&origin, &[]);
        request.discovery = Discovery::Prober(prober.await.unwrap());
        request.cache = Some(Arc::new(StoredBlocks::new(handle)));
        for of_version in [&mut request.settings.of_v1, &mut request.settings.of_v2] {
            of_version.retrieval.request_timer_ms = 5_000;
        }
        let report = get(request).await.unwrap();
        desk.assert_is(&bytes);
        assert_eq!(report.shares.peers, offered, "{version:?}");
        let replies = Replies {
            total: 1,
            full: u32::from(has_all),
        };
        for segment in ContentInfo::decode(&info).unwrap().segments() {
            let kept = store.inspect(&segment.id()).unwrap().unwrap();
            assert_eq!(kept.replies, replies, "{version:?}");
        }
    }
}
