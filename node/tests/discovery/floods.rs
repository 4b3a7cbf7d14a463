//! Floods and garbage: bounded, counted, and the next good probe is answered.

use super::*;

/// Sends datagrams from an address of its own, so that the good client is another sender.
fn flood(port: u16, from: &str, datagram: &[u8], count: usize) {
    let socket = UdpSocket::bind((from, 0)).unwrap();
    for _ in 0..count {
        // What the system has no room for counts as sent: so it is on a network.
        let _ = socket.send_to(datagram, (Ipv4Addr::LOCALHOST, port));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_probes_is_dropped_and_the_next_good_client_is_answered() {
    let Some(loopback) = loopback() else { return };
    let port = free_port();
    let holdings = BTreeMap::from([(id(1), held(Version::V1, Replies::default()))]);
    let peer = Peer::start(&loopback, holdings, |options| {
        options.port = port;
        options.limits.datagrams_of_sender_per_second_most = 50;
    })
    .await;
    let probe = Message::Probe(Probe {
        message_id: Uuid::random(&mut Entropy::from_u64(5, Purpose::Uuid)).into(),
        version: Version::V1,
        ids: vec![id(1); 200],
    });
    let bytes = probe.encode();
    let flooding = tokio::task::spawn_blocking(move || flood(port, "127.0.0.2", &bytes, 20_000));
    let asked = tokio::task::spawn_blocking(move || {
        // On its way among the others, it may be lost; a client repeats.
        (0..20).find_map(|seed| ask_by_hand(port, 100 + seed, 1, Duration::from_millis(500)))
    });
    assert!(asked.await.unwrap().is_some());
    flooding.await.unwrap();
    let counters = &peer.counters;
    assert!(counters.dropped_rate.get() > 0);
    // Of one message only one copy is a probe; what was read beyond that were its repeats.
    let read = counters.datagrams.get() - counters.dropped_rate.get();
    assert!(read < 2_000, "{read} of 20,000 were read");
    peer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_counted_and_ignored() {
    let Some(loopback) = loopback() else { return };
    let port = free_port();
    let holdings = BTreeMap::from([(id(1), held(Version::V1, Replies::default()))]);
    let peer = Peer::start(&loopback, holdings, |options| {
        options.port = port;
        options.limits.datagram_bytes_most = 4_096;
    })
    .await;
    let deep = "<a>".repeat(1_000);
    let doctype = b"<!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>".to_vec();
    let garbage = [Vec::new(), vec![0xFF; 900], deep.into_bytes(), doctype];
    for datagram in &garbage {
        flood(port, "127.0.0.2", datagram, 1);
    }
    flood(port, "127.0.0.2", &[b'<'; 60_000], 1);
    let asked =
        tokio::task::spawn_blocking(move || ask_by_hand(port, 1, 1, Duration::from_secs(5)));
    assert!(asked.await.unwrap().is_some());
    assert_eq!(peer.counters.rejected.get(), garbage.len() as u64);
    assert_eq!(peer.counters.dropped_too_long.get(), 1);
    peer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_on_the_local_subnet_or_is_our_own_prober_is_not_answered() {
    let Some(mut loopback) = loopback() else {
        return;
    };
    // As if the loopback had one address only.
    loopback[0].addresses = vec![(LOCAL, 32)];
    let port = free_port();
    let own = prober(&loopback, port, 1).await;
    let holdings = BTreeMap::from([(id(1), held(Version::V1, Replies::default()))]);
    let peer = Peer::start(&loopback, holdings, |options| {
        options.port = port;
        options.own_probers = own.local_addresses().to_vec();
    })
    .await;
    let probe = Message::Probe(Probe {
        message_id: Uuid::random(&mut Entropy::from_u64(5, Purpose::Uuid)).into(),
        version: Version::V1,
        ids: vec![id(1)],
    });
    flood(port, "127.0.0.2", &probe.encode(), 3);
    let (found, _) = matches(own.discover(Version::V1, wanted(&[1])).unwrap()).await;
    assert_eq!(found, []);
    assert!(peer.counters.dropped_foreign.get() >= 4);
    assert_eq!(peer.counters.answers.get(), 0);
    peer.stop().await;
}
