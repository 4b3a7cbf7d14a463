//! Content by content information: equal bytes, from the store and from peers, ranges, and origins that fail on the way.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use peerdist::content::SecretKey;
use peerdist::content::create::Creator;
use peerdist::hosted_cache;
use peerdist::retrieval::server::ServerSettings;
use peerdist_node::clock::Clock;
use peerdist_node::discovery::{Numbers, ResponderOptions};
use peerdist_node::get::{Discovery, HostedCache, Mode};
use peerdist_node::http::server::ServerOptions;
use peerdist_node::net::TokioNetwork;
use peerdist_node::peer::{Peer, PeerOptions, RetrievalOptions, http_limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::room::{Answer, ContentServer, Proxy, Script, content, say};

fn assert_same_fields(answer: &Answer, straight: &Answer) {
    for name in [
        "content-type",
        "last-modified",
        "content-length",
        "content-range",
    ] {
        assert_eq!(answer.field(name), straight.field(name), "{name}");
    }
    for name in ["content-encoding", "x-p2p-peerdist", "x-p2p-peerdistex"] {
        assert_eq!(answer.field(name), None, "{name}");
    }
    assert!(answer.field("via").unwrap().contains("peerdist-"));
    assert!(answer.field("etag").is_some());
}

async fn straight(origin: &ContentServer, method: &str, fields: &str) -> Answer {
    let request = format!(
        "{method} /folder/content.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n"
    );
    say(origin.at, request.as_bytes()).await
}

#[tokio::test]
async fn a_program_gets_the_content_and_the_second_time_the_origin_sends_only_its_hashes() {
    let bytes = content(1_700_000, 1);
    let origin = ContentServer::start(&bytes).await;
    let proxy = Proxy::start().await;
    let plain = straight(&origin, "GET", "").await;
    for round in 1..=2 {
        let answer = proxy.get(&origin.url()).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body == bytes, "round {round}");
        assert_same_fields(&answer, &plain);
        assert_eq!(proxy.counters.described.get(), round);
        assert_eq!(proxy.counters.origin_bytes.get(), bytes.len() as u64);
    }
    assert_eq!(proxy.counters.store_bytes.get(), bytes.len() as u64);
    let sent = origin.counters.missing_data_bytes.get();
    assert_eq!(sent, bytes.len() as u64);
    assert_eq!(proxy.counters.passed.get(), 0);
}

#[tokio::test]
async fn what_was_fetched_for_a_program_is_shared_by_the_peer_at_once() {
    let bytes = content(900_000, 2);
    let origin = ContentServer::start(&bytes).await;
    let first = Proxy::start().await;
    let clock = Clock::of_the_machine();
    let settings = ServerSettings::peer();
    let options = PeerOptions {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        both_families: false,
        interfaces: Vec::new(),
        http: ServerOptions {
            limits: http_limits(settings.upload_timer_ms),
            ..ServerOptions::default()
        },
        retrieval: RetrievalOptions {
            settings,
            seed: [3; 32],
            clock,
            counters: Arc::default(),
        },
        responder: ResponderOptions::new(Numbers::forgotten(), [4; 32], clock),
        expire_interval_ms: 60_000,
    };
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let peer = Peer::start(&TokioNetwork, Arc::new(first.store.clone()), options, stop);
    let peers = [peer.await.unwrap().local_addr()];
    assert!(first.get(&origin.url()).await.body == bytes);
    let second = Proxy::with(|options| {
        options.mode = Mode::Distributed;
        options.discovery = Discovery::Given(peers.into());
    })
    .await;
    assert!(second.get(&origin.url()).await.body == bytes);
    assert_eq!(second.counters.peer_bytes.get(), bytes.len() as u64);
    assert_eq!(second.counters.origin_bytes.get(), 0);
}

#[tokio::test]
async fn a_range_of_whatever_form_is_served_by_content_information_and_several_are_passed_on() {
    let bytes = content(700_000, 3);
    let origin = ContentServer::start(&bytes).await;
    let proxy = Proxy::start().await;
    for (round, (range, expected)) in [
        ("bytes=100000-299999", 100_000..300_000),
        ("bytes=650000-", 650_000..700_000),
        ("bytes=-70000", 630_000..700_000),
        ("bytes=300000-9999999", 300_000..700_000),
    ]
    .into_iter()
    .enumerate()
    {
        let fields = format!("Range: {range}\r\n");
        let answer = proxy.ask("GET", &origin.url(), &fields).await;
        assert_eq!(answer.status, 206, "{range}");
        assert!(answer.body == bytes[expected], "{range}");
        assert_same_fields(&answer, &straight(&origin, "GET", &fields).await);
        assert_eq!(proxy.counters.described.get(), round as u64 + 1, "{range}");
    }
    let fields = "Range: bytes=0-9,20-29\r\n";
    let answer = proxy.ask("GET", &origin.url(), fields).await;
    assert_eq!(answer.status, 206);
    assert!(
        answer
            .field("content-type")
            .unwrap()
            .starts_with("multipart/byteranges")
    );
    let beyond = proxy
        .ask("GET", &origin.url(), "Range: bytes=800000-\r\n")
        .await;
    assert_eq!(beyond.status, 416);
    assert_eq!(proxy.counters.described.get(), 4);
}

#[tokio::test]
async fn conditions_are_the_origins_to_judge() {
    let bytes = content(300_000, 4);
    let origin = ContentServer::start(&bytes).await;
    let proxy = Proxy::start().await;
    let first = proxy.get(&origin.url()).await;
    let (tag, date) = (
        first.field("etag").unwrap(),
        first.field("last-modified").unwrap(),
    );
    for fields in [
        format!("If-None-Match: {tag}\r\n"),
        format!("If-Modified-Since: {date}\r\n"),
    ] {
        let answer = proxy.ask("GET", &origin.url(), &fields).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{fields}");
    }
    let fields = format!("Range: bytes=200000-\r\nIf-Range: {tag}\r\n");
    let rest = proxy.ask("GET", &origin.url(), &fields).await;
    assert_eq!(rest.status, 206);
    assert!(rest.body == bytes[200_000..]);
    let fields = "Range: bytes=200000-\r\nIf-Range: \"other\"\r\n";
    let whole = proxy.ask("GET", &origin.url(), fields).await;
    assert_eq!(whole.status, 200);
    assert!(whole.body == bytes);
    assert_eq!(proxy.counters.described.get(), 3);
    let other = proxy
        .ask("GET", &origin.url(), "If-Match: \"other\"\r\n")
        .await;
    assert_eq!(other.status, 412);
}

#[tokio::test]
async fn head_and_requests_not_to_be_stored_are_passed_on() {
    let bytes = content(300_000, 5);
    let origin = ContentServer::start(&bytes).await;
    let proxy = Proxy::start().await;
    let head = proxy.ask("HEAD", &origin.url(), "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_same_fields(&head, &straight(&origin, "HEAD", "").await);
    let answer = proxy
        .ask("GET", &origin.url(), "Cache-Control: no-store\r\n")
        .await;
    assert!(answer.body == bytes);
    assert_eq!(proxy.counters.described.get(), 0);
    assert_eq!(proxy.counters.passed.get(), 2);
}

#[tokio::test]
async fn with_as_many_downloads_as_may_be_the_next_is_passed_on() {
    let bytes = content(300_000, 6);
    let origin = ContentServer::start(&bytes).await;
    let proxy = Proxy::with(|options| options.limits.downloads_most = 0).await;
    assert!(proxy.get(&origin.url()).await.body == bytes);
    assert_eq!(proxy.counters.passed.get(), 1);
}

fn info_of(bytes: &[u8]) -> Vec<u8> {
    let mut creator = Creator::v2(&SecretKey::from_passphrase("the room").unwrap());
    creator.update(bytes).unwrap();
    creator.finish().unwrap().to_vec()
}

fn coded(bytes: &[u8]) -> Vec<u8> {
    let info = info_of(bytes);
    let head = format!(
        "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Encoding: peerdist\r\nConnection: close\r\n\
         X-P2P-PeerDist: Version=1.1, ContentLength={}\r\nContent-Length: {}\r\n\r\n",
        bytes.len(),
        info.len()
    );
    [head.as_bytes(), &info].concat()
}

#[tokio::test]
async fn an_origin_that_dies_within_the_content_leaves_a_body_that_is_visibly_short() {
    let bytes = content(800_000, 7);
    let head = "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Range: bytes 0-799999/800000\r\n\
                Content-Length: 800000\r\nConnection: close\r\n\r\n";
    let half = [head.as_bytes(), &bytes[..500_000]].concat();
    let origin = Script::start(vec![coded(&bytes), half]).await;
    let proxy = Proxy::start().await;
    let answer = proxy.get(&origin.url()).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.is_whole());
    assert!(!answer.body.is_empty());
    assert!(bytes.starts_with(&answer.body));
    assert_eq!(proxy.counters.broken_off.get(), 1);
    // What came is kept.
    assert!(proxy.counters.origin_bytes.get() > 0);
}

#[tokio::test]
async fn content_that_cannot_be_had_by_its_content_information_is_asked_for_plainly() {
    let bytes = content(200_000, 8);
    let all = |status: &str| {
        let head = format!(
            "HTTP/1.1 {status}\r\nETag: \"a\"\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n"
        );
        [head.as_bytes(), &bytes].concat()
    };
    // One gives no ranges; another describes what it does not have.
    let without_ranges = vec![coded(&bytes), all("200 OK"), all("200 OK")];
    let changed =
        b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let other = vec![coded(&content(200_000, 9)), changed.to_vec(), all("200 OK")];
    let mut unusable = coded(&bytes);
    let last = unusable.len() - 100;
    unusable.truncate(last);
    let unusable = vec![unusable, all("200 OK")];
    for answers in [without_ranges, other, unusable] {
        let origin = Script::start(answers).await;
        let proxy = Proxy::start().await;
        let answer = proxy.get(&origin.url()).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body == bytes);
        assert_eq!(proxy.counters.passed.get(), 1);
        let heard = origin
            .heard
            .lock()
            .unwrap()
            .last()
            .unwrap()
            .to_ascii_lowercase();
        assert!(
            !heard.contains("peerdist,") && !heard.contains("x-p2p"),
            "{heard}"
        );
    }
}

#[tokio::test]
async fn the_origin_knows_its_program_also_where_ranges_are_asked_for() {
    let bytes = content(200_000, 10);
    let head = "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Range: bytes 0-199999/200000\r\n\
                Content-Length: 200000\r\nConnection: close\r\n\r\n";
    let range = [head.as_bytes(), &bytes].concat();
    let origin = Script::start(vec![coded(&bytes), range]).await;
    let proxy = Proxy::start().await;
    let fields = "User-Agent: curl/8\r\nAuthorization: Basic eDp5\r\nAccept-Encoding: gzip\r\n\
                  If-None-Match: \"z\"\r\nProxy-Authorization: Basic secret\r\n";
    let answer = proxy.ask("GET", &origin.url(), fields).await;
    assert!(answer.body == bytes);
    let heard = origin.heard.lock().unwrap().clone();
    for heard in &heard {
        assert!(
            heard.contains("curl/8") && heard.contains("Basic eDp5"),
            "{heard}"
        );
        assert!(!heard.contains("secret"), "{heard}");
    }
    let first = heard[0].to_ascii_lowercase();
    assert!(first.contains("accept-encoding: gzip, peerdist"), "{first}");
    assert!(first.contains("if-none-match"), "{first}");
    let range = heard[1].to_ascii_lowercase();
    assert!(range.contains("missingdatarequest=true"), "{range}");
    assert!(
        !range.contains("if-none-match") && range.contains("if-match: \"a\""),
        "{range}"
    );
}

#[tokio::test]
async fn a_program_that_goes_away_ends_its_download() {
    let bytes = content(800_000, 11);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let info = coded(&bytes);
    let half = bytes[..400_000].to_vec();
    tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        first.write_all(&info).await.unwrap();
        first.shutdown().await.unwrap();
        let (mut second, _) = listener.accept().await.unwrap();
        let head = "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Range: bytes 0-799999/800000\r\n\
                    Content-Length: 800000\r\n\r\n";
        second.write_all(head.as_bytes()).await.unwrap();
        second.write_all(&half).await.unwrap();
        // The rest never comes.
        std::future::pending::<()>().await;
    });
    let other = ContentServer::start(&content(300_000, 12)).await;
    let proxy = Proxy::with(|options| options.limits.downloads_most = 1).await;
    let mut program = TcpStream::connect(proxy.at).await.unwrap();
    let request = format!("GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\n\r\n");
    program.write_all(request.as_bytes()).await.unwrap();
    let mut some = vec![0; 10_000];
    program.read_exact(&mut some).await.unwrap();
    assert_eq!(proxy.get(&other.url()).await.status, 200);
    assert_eq!(
        (proxy.counters.described.get(), proxy.counters.passed.get()),
        (1, 1)
    );
    drop(program);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while proxy.counters.described.get() < 2 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the download goes on"
        );
        assert_eq!(proxy.get(&other.url()).await.status, 200);
    }
}

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let bytes = content(200_000, 13);
    let origin = ContentServer::start(&bytes).await;
    let proxy = Proxy::start().await;
    let mut program = TcpStream::connect(proxy.at).await.unwrap();
    for _ in 0..3 {
        let request = format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", origin.url());
        program.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(program.read_u8().await.unwrap());
        }
        let mut body = vec![0; bytes.len()];
        program.read_exact(&mut body).await.unwrap();
        assert!(body == bytes);
    }
    assert_eq!(proxy.counters.described.get(), 3);
}

#[tokio::test]
async fn what_a_program_has_already_is_offered_to_the_hosted_cache() {
    let bytes = content(200_000, 9);
    let origin = ContentServer::start(&bytes).await;
    let yes =
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n\x01\x00\x00\x00\x00";
    let cache = Script::start(vec![yes.to_vec()]).await;
    // Nobody is there who would have any of it.
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let retrieval = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let proxy = Proxy::with(|options| {
        options.peer_port = Some(0x1234);
        options.mode = Mode::Hosted(HostedCache {
            retrieval,
            offers: Some(cache.at.to_string()),
            version: hosted_cache::Version::V2,
        });
    });
    let proxy = proxy.await;
    let answer = proxy.get(&origin.url()).await;
    assert!(answer.body == bytes);
    let offered = async {
        loop {
            if let [offer] = cache.heard.lock().unwrap().as_slice() {
                return offer.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let offered = tokio::time::timeout(Duration::from_secs(20), offered);
    let offered = offered.await.expect("an offer");
    assert!(
        offered.starts_with(&format!("POST {}", hosted_cache::HTTP_PATH)),
        "{offered}"
    );
    let (_, message) = offered.split_once("\r\n\r\n").unwrap();
    assert!(message.contains("\x12\x34"), "the port of the peer");
}
