//! A web server that knows nothing of the coding, fronted.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use peerdist::http_encoding::{Asked, Meaning};
use peerdist_node::content_server::Settings;
use peerdist_node::content_server::files::{FileService, FileSettings};
use peerdist_node::content_server::proxy::{ProxyService, ProxySettings};
use peerdist_node::http::client::Client;
use peerdist_node::http::limits::ClientLimits;
use peerdist_node::net::{Listener, Network, TokioNetwork};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::room::{Room, Server, assert_describes, content, let_rest};

fn proxy(to: SocketAddr, limits: ClientLimits) -> ProxyService<TokioNetwork> {
    let upstream = format!("http://{to}").parse().unwrap();
    let client = Client::new(TokioNetwork, None, limits);
    ProxyService::new(upstream, client, ProxySettings::default())
}

async fn front(to: SocketAddr) -> Server {
    Server::of(proxy(to, ClientLimits::default()), Settings::default()).await
}

#[tokio::test]
async fn what_the_upstream_serves_is_passed_on_and_described_from_the_second_request_on() {
    let room = Room::new();
    let bytes = content(900_000, 4);
    room.write("file", &bytes);
    let_rest().await;
    let files = FileService::open(&room.served(""), FileSettings::default()).unwrap();
    let upstream = Server::plain(files).await;
    let server = front(upstream.at).await;
    let straight = upstream.get("/file", &[]).await;
    let plain = server.get("/file", &[]).await;
    assert!(plain.body == bytes);
    for name in [
        "etag",
        "last-modified",
        "content-type",
        "content-length",
        "accept-ranges",
    ] {
        assert_eq!(plain.field(name), straight.field(name), "{name}");
    }
    let (first, meaning) = server.ask("/file", Asked::Content(None)).await;
    assert!(
        matches!(
            meaning,
            Meaning::Plain {
                make_hash_request: true,
                ..
            }
        ),
        "{meaning:?}"
    );
    assert!(first.body == bytes);
    let coded = server
        .ask_until_encoded("/file", Asked::Content(None))
        .await;
    assert_describes(&coded.body, &bytes, None);
    assert_ne!(coded.field("etag"), plain.field("etag"));
    let range = peerdist::content::ContentRange {
        start: 100,
        length: 300_000,
    };
    let (coded, meaning) = server.ask("/file", Asked::Content(Some(range))).await;
    assert!(
        matches!(meaning, Meaning::ContentInformation { .. }),
        "{meaning:?}"
    );
    assert_describes(&coded.body, &bytes, Some(range));
    let (missing, _) = server.ask("/file", Asked::MissingData(range)).await;
    assert!(missing.body == bytes[100..300_100]);
    let fields = [("if-none-match", plain.field("etag"))];
    assert_eq!(server.get("/file", &fields).await.status, 304);
    assert_eq!(server.get("/nothing", &[]).await.status, 404);
    let head = server.send("HEAD", "/file", &[]).await;
    assert_eq!(
        (head.status.as_u16(), head.field("content-length")),
        (200, "900000")
    );
    assert_eq!(server.counters.hashed.get(), 1);
}

/// Answers every connection with the same bytes, and tells what it was asked.
async fn says(answer: &'static [u8]) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => asked.push(byte),
                    Err(_) => break,
                }
            }
            let _ = sender.send(String::from_utf8(asked).unwrap());
            let _ = stream.write_all(answer).await;
        }
    });
    (at, receiver)
}

#[tokio::test]
async fn an_upstream_that_fails_is_answered_for() {
    let listener = TokioNetwork
        .listen((Ipv4Addr::LOCALHOST, 0).into())
        .await
        .unwrap();
    let nobody = Listener::local_addr(&listener).unwrap();
    drop(listener);
    let limits = ClientLimits {
        head_ms: 300,
        ..ClientLimits::default()
    };
    let (garbage, _asked) = says(b"\x16\x03\x01 nonsense\r\n\r\n").await;
    let (closes, _asked) = says(b"").await;
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    for (to, status) in [
        (nobody, 502),
        (garbage, 502),
        (closes, 502),
        (silent.local_addr().unwrap(), 504),
    ] {
        let server = Server::of(proxy(to, limits), Settings::default()).await;
        assert_eq!(server.get("/", &[]).await.status, status);
        // And again: nothing is left of the failure.
        assert_eq!(server.get("/", &[]).await.status, status);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_breaks_off_for_the_client_and_is_not_hashed() {
    let (short, _asked) =
        says(b"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 100000\r\n\r\nonly this").await;
    let server = front(short).await;
    let head = "GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: peerdist\r\nX-P2P-PeerDist: Version=1.1\r\n\r\n";
    let said = String::from_utf8(server.say(head.as_bytes()).await).unwrap();
    assert!(
        said.contains("content-length: 100000") && said.ends_with("only this"),
        "{said}"
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.counters.hashed.get(), 0);
    assert_eq!(server.counters.hash_failures.get(), 1);
}

#[tokio::test]
async fn the_upstream_sees_a_request_of_its_own_and_nothing_of_the_coding() {
    let (at, mut asked) = says(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n").await;
    let server = front(at).await;
    let fields = [
        ("connection", "x-private"),
        ("x-private", "1"),
        ("te", "trailers"),
        ("if-none-match", "\"a-peerdist\""),
    ];
    let (got, _) = server
        .ask_with("/a?b=c", Asked::Content(None), &fields)
        .await;
    assert_eq!(
        (got.status.as_u16(), got.field("location")),
        (302, "/there")
    );
    for gone in ["x-hop", "keep-alive"] {
        assert!(!got.headers.contains_key(gone), "{gone}");
    }
    let asked = asked.recv().await.unwrap().to_ascii_lowercase();
    assert!(asked.starts_with("get /a?b=c http/1.1\r\n"), "{asked}");
    for there in [
        format!("host: {at}\r\n"),
        format!("x-forwarded-host: {}\r\n", server.at),
        "x-forwarded-for: 127.0.0.1\r\n".to_owned(),
        "x-forwarded-proto: http\r\n".to_owned(),
        "accept-encoding: identity\r\n".to_owned(),
        "if-none-match: \"a\"\r\n".to_owned(),
    ] {
        assert!(asked.contains(&there), "{there}: {asked}");
    }
    for gone in [
        "x-p2p",
        "x-private",
        "te:",
        "peerdist\"",
        "connection",
        "via",
    ] {
        assert!(!asked.contains(gone), "{gone}: {asked}");
    }
}

#[tokio::test]
async fn bodies_of_requests_are_passed_on() {
    use axum::Router;
    use axum::routing::post;
    let echo = Router::new().route("/", post(|body: axum::body::Bytes| async move { body }));
    let upstream = Server::plain(echo).await;
    let server = front(upstream.at).await;
    let body = "x".repeat(100_000);
    for framing in [
        "Content-Length: 100000\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n186a0\r\n",
    ] {
        let end = if framing.contains("chunked") {
            "\r\n0\r\n\r\n"
        } else {
            ""
        };
        let request =
            format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{framing}{body}{end}");
        let said = String::from_utf8(server.say(request.as_bytes()).await).unwrap();
        assert!(
            said.starts_with("HTTP/1.1 200 ") && said.ends_with(&body),
            "{}",
            &said[..80]
        );
    }
}
