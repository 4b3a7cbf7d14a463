//! Discovery over the loopback interface: a round, its limits, and what outlives the process.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod floods;
mod rounds;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use peerdist::content::{SegmentId, Version};
use peerdist::discovery::{Held, Match, Message, Probe, ProbeMatch, Replies, Uuid, Wanted};
use peerdist::entropy::{Entropy, Purpose};
use peerdist::hash::Digest;
use peerdist_node::clock::Clock;
use peerdist_node::counters::DiscoveryCounters;
use peerdist_node::discovery::{
    Numbers, Prober, ProberOptions, ResponderOptions, ResponderService, Search,
};
use peerdist_node::net::TokioNetwork;
use peerdist_node::net::interfaces::{LocalInterface, interfaces};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Where segments are said to be: nobody connects to it here.
const SERVED_AT: SocketAddr = SocketAddr::new(LOCAL, 8_080);

/// The loopback interface, if it carries multicast; loud where it does not.
fn loopback() -> Option<Vec<LocalInterface>> {
    let multicast = || {
        let group = Ipv4Addr::new(239, 255, 255, 250);
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
        interfaces(&[LOCAL])
    };
    multicast()
        .inspect_err(|error| eprintln!("NOT RUN: multicast on the loopback interface: {error}"))
        .ok()
}

/// A port that no other test uses.
fn free_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.local_addr().unwrap().port()
}

fn id(number: u8) -> SegmentId {
    SegmentId(Digest::try_from(&[number; 32][..]).unwrap())
}

fn wanted(numbers: &[u8]) -> Vec<Wanted> {
    let wanted = |number: &u8| Wanted {
        id: id(*number),
        blocks: 1,
    };
    numbers.iter().map(wanted).collect()
}

fn held(version: Version, replies: Replies) -> Held {
    Held {
        version,
        blocks: 1,
        is_complete: true,
        age: Some(Duration::from_secs(5)),
        replies,
    }
}

struct Peer {
    counters: Arc<DiscoveryCounters>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Peer {
    async fn start(
        loopback: &[LocalInterface],
        holdings: BTreeMap<SegmentId, Held>,
        set: impl FnOnce(&mut ResponderOptions),
    ) -> Self {
        let clock = Clock::of_the_machine();
        let mut options = ResponderOptions::new(Numbers::forgotten(), [7; 32], clock);
        set(&mut options);
        let counters = Arc::clone(&options.counters);
        let network = TokioNetwork;
        let holdings = Arc::new(holdings);
        let service =
            ResponderService::bind(&network, loopback, &[SERVED_AT], holdings, options).await;
        let stop = CancellationToken::new();
        let task = tokio::spawn(service.unwrap().run(stop.clone()));
        Self {
            counters,
            stop,
            task,
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), self.task)
            .await
            .expect("a responder stops at once")
            .unwrap();
    }
}

async fn prober(loopback: &[LocalInterface], port: u16, seed: u8) -> Prober {
    let mut options = ProberOptions::new([seed; 32], Clock::of_the_machine());
    options.port = port;
    // Long enough for a machine that has much else to do.
    options.settings.request_timer_ms = 1_500;
    options.settings.repeats = 2;
    Prober::start(&TokioNetwork, loopback, options, CancellationToken::new())
        .await
        .unwrap()
}

async fn matches(mut search: Search) -> (Vec<Match>, Vec<Replies>) {
    let mut found = Vec::new();
    while let Some(one) = search.next().await {
        found.push(one);
    }
    let replies = search.replies().expect("a search that ended tells replies");
    (found, replies.to_vec())
}

/// A probe by hand, and the first match that comes back within the time.
fn ask_by_hand(port: u16, seed: u64, of: u8, patience: Duration) -> Option<ProbeMatch> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    let probe = Probe {
        message_id: Uuid::random(&mut Entropy::from_u64(seed, Purpose::Uuid)).into(),
        version: Version::V1,
        ids: vec![id(of)],
    };
    let bytes = Message::Probe(probe).encode();
    socket.send_to(&bytes, (Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut buffer = vec![0; 65_536];
    let (length, _) = socket.recv_from(&mut buffer).ok()?;
    match Message::decode(&buffer[..length]).unwrap().message {
        Message::ProbeMatch(found) => Some(found),
        Message::Probe(_) => panic!("a probe where a match was awaited"),
    }
}
