//! Services that are no files: what the layer makes of their answers.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use peerdist::content::ContentRange;
use peerdist::http_encoding::{Asked, Meaning};
use peerdist_node::content_server::Settings;

use crate::room::{Server, assert_describes, content};

const LENGTH: usize = 500_000;

/// Answers with the same content under the header fields that the path names: `name=value;name=value`.
async fn with_fields(Path(fields): Path<String>, headers: HeaderMap) -> Response {
    if headers.contains_key("x-deny") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut response = Response::builder();
    for field in fields.split(';').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=').unwrap();
        response = response.header(name, value);
    }
    let seen = headers.get(header::ACCEPT_ENCODING);
    let seen = seen.map_or("", |value| value.to_str().unwrap());
    response
        .header("x-saw", seen)
        .body(Body::from(content(LENGTH, 7)))
        .unwrap()
}

async fn server() -> Server {
    let app = Router::new().route("/{fields}", get(with_fields));
    Server::of(app, Settings::default()).await
}

#[tokio::test]
async fn a_router_of_axum_answers_plainly_first_and_with_content_information_then() {
    let server = server().await;
    let path = "/etag=%22a%22;cache-control=public,%20max-age=60";
    let (first, meaning) = server.ask(path, Asked::Content(None)).await;
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
    assert_eq!(first.field("x-p2p-peerdistex"), "MakeHashRequest=true");
    assert!(first.body == content(LENGTH, 7));
    // What is hashed is the content itself, so no other coding was asked for.
    assert_eq!(first.field("x-saw"), "identity");
    let second = server.ask_until_encoded(path, Asked::Hashes(None)).await;
    assert_describes(&second.body, &content(LENGTH, 7), None);
    assert_eq!(second.field("etag"), "\"a-peerdist\"");
    assert_eq!(second.field("cache-control"), "private, max-age=60");
    let plain = server.get(path, &[("accept-encoding", "gzip")]).await;
    assert!(plain.body == content(LENGTH, 7));
    assert_eq!(plain.field("x-saw"), "gzip");
    assert_eq!(plain.field("cache-control"), "public, max-age=60");
    assert_eq!(server.counters.hashed.get(), 1);
}

#[tokio::test]
async fn the_service_is_asked_about_every_request() {
    let server = server().await;
    let path = "/etag=%22a%22";
    server.ask_until_encoded(path, Asked::Content(None)).await;
    let (denied, meaning) = server
        .ask_with(path, Asked::Content(None), &[("x-deny", "1")])
        .await;
    assert_eq!(denied.status, 403);
    assert_eq!(meaning, Meaning::NoContent);
    assert!(denied.body.is_empty());
}

#[tokio::test]
async fn answers_without_a_state_or_not_to_be_touched_stay_as_they_are() {
    let server = server().await;
    for fields in [
        "",
        "etag=W%2F%22a%22",
        "etag=%22a%22;cache-control=no-store",
        "etag=%22a%22;cache-control=no-transform",
        "etag=%22a%22;content-encoding=gzip",
        "etag=%22a%22;vary=*",
    ] {
        let path = format!("/x-fields=1;{fields}");
        for _ in 0..2 {
            let (got, meaning) = server.ask(&path, Asked::Content(None)).await;
            assert!(
                matches!(
                    meaning,
                    Meaning::Plain {
                        make_hash_request: false,
                        ..
                    }
                ),
                "{fields}: {meaning:?}"
            );
            assert!(got.body == content(LENGTH, 7));
            assert!(!got.headers.contains_key("x-p2p-peerdist"));
        }
    }
    assert_eq!(server.counters.hashed.get(), 0);
}

#[tokio::test]
async fn another_tag_path_or_host_is_other_content() {
    let server = server().await;
    server
        .ask_until_encoded("/etag=%22a%22", Asked::Content(None))
        .await;
    for (path, fields) in [
        ("/etag=%22b%22", &[][..]),
        ("/etag=%22a%22?x", &[]),
        ("/etag=%22a%22", &[("host", "other")]),
    ] {
        let (_, meaning) = server.ask_with(path, Asked::Content(None), fields).await;
        assert!(
            matches!(meaning, Meaning::Plain { .. }),
            "{path}: {meaning:?}"
        );
    }
}

#[tokio::test]
async fn many_at_once_hash_what_passes_once_and_one_who_leaves_does_not_spoil_it() {
    let server = Arc::new(server().await);
    let path = "/etag=%22a%22";
    {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut left = tokio::net::TcpStream::connect(server.at).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: peerdist\r\nX-P2P-PeerDist: Version=1.1\r\n\r\n",
            server.at
        );
        left.write_all(head.as_bytes()).await.unwrap();
        left.read_u8().await.unwrap();
    }
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let server = Arc::clone(&server);
        clients.spawn(async move { server.ask_until_encoded(path, Asked::Content(None)).await });
    }
    while let Some(got) = clients.join_next().await {
        assert_describes(&got.unwrap().body, &content(LENGTH, 7), None);
    }
    // Once, unless the one who left had all of it before, which then was version 1.
    assert!(server.counters.hashed.get() <= 2);
    let range = ContentRange {
        start: 5,
        length: 10,
    };
    let (_, meaning) = server.ask(path, Asked::Content(Some(range))).await;
    // The service knows no ranges, and its whole answer is described whole.
    assert!(
        matches!(meaning, Meaning::ContentInformation { range: None, .. }),
        "{meaning:?}"
    );
}

#[derive(Clone)]
struct Lying;

impl tower_service::Service<http::Request<peerdist_node::http::RequestBody>> for Lying {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<peerdist_node::http::RequestBody>) -> Self::Future {
        let response = http::Response::builder()
            .status(206)
            .header("etag", "\"a\"")
            .header("content-range", "bytes 10-19/500000")
            .body(Body::from(vec![0; 10]));
        std::future::ready(Ok(response.unwrap()))
    }
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_is_never_described() {
    let server = Server::of(Lying, Settings::default()).await;
    let (_, meaning) = server.ask("/", Asked::Content(None)).await;
    assert!(matches!(meaning, Meaning::Unusable(_)));
    let got = server
        .get(
            "/",
            &[
                ("accept-encoding", "peerdist"),
                ("x-p2p-peerdist", "Version=1.1"),
            ],
        )
        .await;
    assert!(!got.headers.contains_key("content-encoding"));
    assert_eq!(got.body.len(), 10);
}
