//! `peer --proxy`: programs get content through it, it fills the store, and it is for this machine alone.

use std::process::Command;
use std::time::Duration;

use crate::room::{Room, content};
use crate::serving::{Running, furnished};

const PROXY: usize = 1;
const ADMIN: usize = 2;
const PEER: &str = "peer --store store --listen 127.0.0.1:0 --interface 127.0.0.1";

fn origin(room: &Room) -> Running {
    let origin = Running::start(room, "serve --root www --listen 0", 1);
    origin.encoded("/file");
    origin
}

fn metrics(peer: &Running) -> String {
    let (_, text) = peer.get_from(ADMIN, "/metrics", "Host: localhost\r\n");
    String::from_utf8(text).unwrap()
}

/// Waits until this is so.
fn comes(what: &str, is_there: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if is_there() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("never: {what}");
}

/// A program may have its last byte before the peer comes to count it.
fn counts(peer: &Running, line: &str) {
    comes(line.trim_end(), || metrics(peer).contains(line));
}

#[test]
fn a_program_gets_content_through_the_peer_and_its_store() {
    let room = furnished();
    let origin = origin(&room);
    let peer = Running::start_bare(&room, &format!("{PEER} --proxy 0 --admin 0"), 3);
    let url = format!("http://{}/file", origin.host(0));
    let host = format!("Host: {}\r\n", origin.host(0));
    for source in ["origin", "store"] {
        let (head, body) = peer.get_from(PROXY, &url, &host);
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("\r\nvia: 1.1 peerdist-"), "{head}");
        assert!(!head.contains("content-encoding"), "{head}");
        assert!(body == content(200_000));
        counts(
            &peer,
            &format!("peerdist_forward_proxy_bytes_total{{source=\"{source}\"}} 200000\n"),
        );
    }
    counts(&peer, "peerdist_retrieval_bytes_from_cache_total 200000\n");
    let listed = room.run("cache ls --store store").good();
    assert!(!listed.stdout.is_empty());
    let curl = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", &url])
        .env("http_proxy", format!("http://{}", peer.host(PROXY)))
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .output();
    match curl {
        Ok(got) => assert!(got.stdout == content(200_000), "{:?}", got.stderr),
        Err(error) => eprintln!("NOT RUN: curl through the proxy: {error}"),
    }
    assert_eq!(peer.end("TERM"), "");
}

#[test]
fn what_one_program_fetched_comes_to_another_from_the_hosted_cache() {
    let room = furnished();
    let origin = origin(&room);
    let cache = Running::start_bare(&room, "hosted-cache --store hosted --http 0 --admin 0", 2);
    let url = format!("http://{}/file", origin.host(0));
    let host = format!("Host: {}\r\n", origin.host(0));
    let peer = |store: &str| {
        let line = format!(
            "peer --store {store} --listen 127.0.0.1:0 --interface 127.0.0.1 --proxy 0 --admin 0 --hosted {}",
            cache.host(0)
        );
        Running::start_bare(&room, &line, 3)
    };
    let first = peer("first");
    assert!(first.get_from(PROXY, &url, &host).1 == content(200_000));
    // The cache fetches what it was offered, from the peer that the proxy belongs to.
    let kept = || {
        let (_, text) = cache.get_from(1, "/metrics", "Host: localhost\r\n");
        let text = String::from_utf8(text).unwrap();
        let held = text
            .lines()
            .filter_map(|line| line.strip_prefix("peerdist_local_cache_bytes{"));
        let sizes = held.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
        sizes.sum::<f64>()
    };
    comes("the content in the hosted cache", || kept() >= 200_000.0);
    let second = peer("second");
    assert!(second.get_from(PROXY, &url, &host).1 == content(200_000));
    counts(
        &second,
        "peerdist_forward_proxy_bytes_total{source=\"hosted-cache\"} 200000\n",
    );
    for running in [first, second, cache] {
        assert_eq!(running.end("TERM"), "");
    }
}

#[test]
fn a_proxy_that_others_reach_is_refused_unless_told() {
    let room = Room::new();
    let refused = room.run(&format!("{PEER} --proxy 0.0.0.0:8080")).refused();
    assert!(
        refused.contains("127.0.0.1:8080, or --proxy-anywhere too"),
        "{refused}"
    );
    assert!(refused.contains("others reach it"), "{refused}");
    let peer = Running::start_bare(
        &room,
        &format!("{PEER} --proxy 0.0.0.0:0 --proxy-anywhere"),
        2,
    );
    assert!(peer.host(PROXY).starts_with("0.0.0.0:"));
    peer.end("INT");
}

#[test]
fn mistakes_about_the_proxy() {
    let room = Room::new();
    for (options, words) in [
        ("--proxy nonsense", "expected IP:PORT"),
        ("--proxy-anywhere", "--proxy"),
        ("--proxy-tunnel 22", "--proxy"),
        ("--proxy 0 --proxy-tunnel 0", "--proxy-tunnel"),
        ("--hosted cache", "--proxy"),
        (
            "--proxy 0 --hosted u@cache",
            "expected HOST, HOST:PORT or https://HOST:PORT",
        ),
        ("--store-size 0%", "expected 1% to 100%"),
        ("--store-size 10G", "such as 10GiB"),
        ("--max-age 28", "such as 28d"),
    ] {
        let refused = room.run(&format!("{PEER} {options}")).refused();
        assert!(refused.contains(words), "{options}: {refused}");
    }
}

#[test]
fn limits_without_a_store_are_a_mistake() {
    let refused = Room::new()
        .run("get http://host/ --max-age 1d -o got")
        .refused();
    assert!(refused.contains("--store"), "{refused}");
}

#[test]
fn limits_of_a_store_are_given_alike_everywhere() {
    let room = Room::new();
    let limits = "--store-size 64MiB --max-age 1d";
    let peer = Running::start_bare(&room, &format!("{PEER} {limits} --admin 0"), 2);
    let (_, text) = peer.get_from(1, "/metrics", "Host: localhost\r\n");
    let text = String::from_utf8(text).unwrap();
    let line = format!("{{form=\"verified\"}} {}\n", 64 << 20);
    assert!(text.contains(&line), "{text}");
    peer.end("TERM");
    room.write(
        "settings.toml",
        "[peer]\nstore = \"store\"\nstore-size = \"5\"\nmax-age = \"soon\"\n",
    );
    let refused = room.run("peer --config settings.toml").refused();
    assert!(
        refused.contains("settings.toml:4: max-age cannot be 'soon'"),
        "{refused}"
    );
}
