//! Servers as people run them, under whatever strangers do to them: silence, slowness, floods, garbage, many connections.
//! Invariant: while it lasts a good client is served, and afterwards the process has not grown past its bound.
//!
//! `PEERDIST_SIEGE_SECONDS` and `PEERDIST_SIEGE_CONNECTIONS` make it longer and larger.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod attackers;
mod good;
mod server;

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;
use tokio::time::Instant;

use attackers::{Manner, Siege};
use good::Client;
use server::{Server, filled};

/// What a process may take at most, besieged by whoever.
const RESIDENT_MOST_KIB: u64 = 256 << 10;
/// A good client that waits longer was not served.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(200);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |number| number.parse().unwrap())
}

fn raise_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    limit.maximum.unwrap_or(u64::MAX)
}

async fn besiege(role: &str, server: Server, client: Client) {
    let seconds = number("PEERDIST_SIEGE_SECONDS", 3);
    let mut connections = number("PEERDIST_SIEGE_CONNECTIONS", 500);
    let files = raise_file_limit();
    if connections + 200 > files {
        eprintln!("NOT RUN: {connections} connections: this process may open {files} files");
        connections = files - 200;
    }
    client.ask().await.unwrap();
    let before = server.resident_kib();
    let siege = Siege::until(Instant::now() + Duration::from_secs(seconds));
    let mut attackers = JoinSet::new();
    for number in 0..connections {
        let manner = Manner::of(number);
        let at =
            server.ports[usize::try_from(number).unwrap() / Manner::ALL.len() % server.ports.len()];
        attackers.spawn(siege.clone().attack(manner, number, at, client.request()));
    }
    if let Some(port) = server.datagrams {
        attackers.spawn(siege.clone().flood(port));
    }
    let mut waits = Vec::new();
    while siege.goes_on() {
        let began = Instant::now();
        let asked = tokio::time::timeout(PATIENCE, client.ask()).await;
        let answer = asked.unwrap_or_else(|_| panic!("{role}: a good client waited {PATIENCE:?}"));
        answer.unwrap_or_else(|why| panic!("{role}: a good client was not served: {why}"));
        waits.push(began.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    while attackers.join_next().await.is_some() {}
    client.ask_for_content().await.unwrap();
    let most = server.resident_most_kib();
    waits.sort();
    eprintln!(
        "{role}: {connections} attackers, {} connections, {} datagrams in {seconds} s; {} good requests, median {:?}, \
         longest {:?}; resident {before} KiB before, {most} KiB at most",
        siege.connections(),
        siege.datagrams(),
        waits.len(),
        waits[waits.len() / 2],
        waits.last().unwrap(),
    );
    assert!(siege.connections() >= connections, "nobody attacked");
    assert!(most < RESIDENT_MOST_KIB, "{role}: {most} KiB");
    server.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_content_server_under_siege() {
    let room = tempfile::tempdir().unwrap();
    let bytes = vec![7; 3_000_000];
    std::fs::create_dir(room.path().join("www")).unwrap();
    std::fs::write(room.path().join("www/file"), &bytes).unwrap();
    let tls = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let server = Server::start(
        room.path(),
        &["serve", "--root", "www", "--cache-dir", "cache"],
        &[
            ("--listen", "127.0.0.1:0"),
            ("--listen-tls", "127.0.0.1:0"),
            ("--cert", tls.join("server.pem").to_str().unwrap()),
            ("--key", tls.join("server.key").to_str().unwrap()),
        ],
        2,
    );
    let client = Client::of_file(server.ports[0], "/file", bytes);
    besiege("content server", server, client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_under_siege() {
    let room = tempfile::tempdir().unwrap();
    let segment = filled(&room.path().join("store"));
    let listen = [("--listen", "127.0.0.1:0"), ("--interface", "127.0.0.1")];
    let mut server = Server::start(room.path(), &["peer", "--store", "store"], &listen, 1);
    server.datagrams = Some(3702);
    let client = Client::of_block(server.ports[0], segment);
    besiege("peer", server, client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hosted_cache_under_siege() {
    let room = tempfile::tempdir().unwrap();
    let segment = filled(&room.path().join("store"));
    let server = Server::start(
        room.path(),
        &["hosted-cache", "--store", "store", "--self-signed"],
        &[("--http", "127.0.0.1:0"), ("--https", "127.0.0.1:0")],
        2,
    );
    let client = Client::of_block(server.ports[0], segment);
    besiege("hosted cache", server, client).await;
}
