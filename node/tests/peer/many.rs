//! A thousand clients at a time: short in ordinary runs, a minute with `PEERDIST_LOAD_SECONDS=60`.

use std::sync::Arc;

use super::*;
use crate::filled::{ask_for_block, ask_for_list, content, filled, serve};

const CONNECTIONS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_are_served_without_an_error() {
    let seconds = std::env::var("PEERDIST_LOAD_SECONDS").ok();
    let seconds = seconds.map_or(3, |text| text.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let filled = filled(directory.path(), &content());
    let peer = serve(&filled.store, |_| ()).await;
    let mut requests: Vec<_> = (0..64)
        .map(|index| ask_for_block(filled.segment, index))
        .collect();
    requests.push(ask_for_list(filled.segment));
    let time = Duration::from_secs(seconds);
    let done = load::load(peer.at, CONNECTIONS, time, Arc::new(requests), 60).await;
    println!(
        "{CONNECTIONS} connections, {seconds} s: {done:?}, {:?}",
        peer.counters
    );
    assert_eq!(done.errors, 0, "{done:?}");
    assert!(peer.http.connections.get() >= CONNECTIONS as u64);
    assert!(done.answers > CONNECTIONS as u64, "{done:?}");
    assert_eq!(peer.counters.turned_away.get(), 0);
    assert_eq!(peer.counters.blocks_lost.get(), 0);
    peer.stop.cancel();
    peer.peer.ended().await;
}
