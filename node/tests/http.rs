//! The HTTP server and client over real sockets: what they are for, and whatever else may come.
//! Invariant of every hostile case: afterwards a good client is served.
//! Byte order: none.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use peerdist_node::counters::HttpCounters;
use peerdist_node::http::RequestBody;
use peerdist_node::http::client::{Client, ClientError, no_body};
use peerdist_node::http::limits::{ClientLimits, ServerLimits};
use peerdist_node::http::server::{ServerOptions, serve};
use peerdist_node::net::{Listener, Network, TokioNetwork};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

/// Paths: `/slow` never answers, `/large` has 64 MiB, `/echo` gives the body back, others their path.
#[derive(Clone)]
struct Paths;

impl tower_service::Service<Request<RequestBody>> for Paths {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        Box::pin(async move {
            let body = match request.uri().path() {
                "/slow" => std::future::pending().await,
                "/large" => Bytes::from(vec![7; 64 << 20]),
                "/echo" => match request.into_body().collect().await {
                    Ok(body) => body.to_bytes(),
                    Err(_) => Bytes::from_static(b"broken"),
                },
                path => Bytes::copy_from_slice(path.as_bytes()),
            };
            Ok(Response::new(Full::new(body)))
        })
    }
}

struct Running {
    at: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    counters: Arc<HttpCounters>,
}

async fn run(limits: ServerLimits) -> Running {
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    let listener = TokioNetwork.listen(any).await.unwrap();
    let at = Listener::local_addr(&listener).unwrap();
    let stop = CancellationToken::new();
    let counters = Arc::new(HttpCounters::default());
    let options = ServerOptions {
        limits,
        counters: Arc::clone(&counters),
        ..ServerOptions::default()
    };
    let task = tokio::spawn(serve(listener, Paths, options, stop.clone()));
    Running {
        at,
        stop,
        task,
        counters,
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.at).await.unwrap()
    }

    /// Sends bytes and reads until the server closes.
    async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // A server that has had enough may close before it has all.
        let _ = stream.write_all(bytes).await;
        rest(&mut stream).await
    }

    async fn good_client_is_served(&self) {
        let said = self.say(b"GET /good HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let said = said.await;
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
        assert!(said.ends_with("\r\n\r\n/good"), "{said}");
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let reading = stream.read_to_end(&mut said);
    // A reset is an end as well.
    let _ = tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("the server keeps the connection for ever");
    String::from_utf8_lossy(&said).into_owned()
}

fn brief() -> ServerLimits {
    ServerLimits {
        head_ms: 300,
        idle_ms: 300,
        answer_head_ms: 300,
        progress_ms: 300,
        stop_ms: 300,
        ..ServerLimits::default()
    }
}

#[tokio::test]
async fn requests_in_one_connection_are_answered_in_turn_also_when_pipelined() {
    let server = run(ServerLimits::default()).await;
    let mut requests = Vec::new();
    for path in 0..20 {
        requests.extend(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n").bytes());
    }
    requests.extend(b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let said = server.say(&requests).await;
    let mut at = 0;
    for path in (0..20)
        .map(|path| format!("/{path}"))
        .chain(["/last".into()])
    {
        at += said[at..].find(&format!("\r\n\r\n{path}")).unwrap();
    }
    assert_eq!(said.matches("HTTP/1.1 200 OK").count(), 21);
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_cut_off_in_its_time() {
    let server = run(brief()).await;
    let mut stream = server.connect().await;
    let begun = tokio::time::Instant::now();
    for byte in b"GET / HTTP/1.1\r\nHost: x\r\nX: "
        .iter()
        .chain(&[b'a'; 1000])
    {
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() < PATIENCE);
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    server.good_client_is_served().await;
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed_in_its_time() {
    let server = run(brief()).await;
    let mut silent = server.connect().await;
    assert_eq!(rest(&mut silent).await, "");
    let mut after_one = server.connect().await;
    after_one
        .write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(rest(&mut after_one).await.ends_with("/x"));
    server.good_client_is_served().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_one_that_reads_slowly_is_not() {
    let server = run(ServerLimits {
        progress_ms: 3_000,
        ..brief()
    })
    .await;
    let request = b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut deaf = server.connect().await;
    deaf.write_all(request).await.unwrap();
    let mut slow = server.connect().await;
    slow.write_all(request).await.unwrap();
    let mut buffer = vec![0; 8 << 20];
    let mut read = 0;
    while read < 64 << 20 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let count = slow.read(&mut buffer).await.unwrap();
        assert!(count > 0, "cut off after {read} bytes");
        read += count;
    }
    // Longer than it is waited for; what comes then lay in buffers.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut all = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, deaf.read_to_end(&mut all)).await;
    assert!(ended.unwrap().is_err() || all.len() < 64 << 20);
    server.good_client_is_served().await;
}

#[tokio::test]
async fn a_service_that_finds_no_answer_in_time_is_answered_for() {
    let server = run(brief()).await;
    let said = server.say(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    server.good_client_is_served().await;
}

#[tokio::test]
async fn bodies_are_taken_up_to_the_limit_and_must_keep_coming() {
    let server = run(ServerLimits {
        body_bytes_most: 10,
        ..brief()
    })
    .await;
    let post = |length: usize, body: &str| {
        format!(
            "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let said = server.say(post(10, "0123456789").as_bytes()).await;
    assert!(said.ends_with("0123456789"), "{said}");
    let said = server.say(post(11, "0123456789a").as_bytes()).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    let chunked = b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n";
    assert!(server.say(chunked).await.ends_with("broken"));
    let said = server.say(post(10, "012").as_bytes()).await;
    assert!(said.ends_with("broken") || said.contains(" 503 "), "{said}");
    server.good_client_is_served().await;
}

#[tokio::test]
async fn garbage_and_heads_past_the_limits_are_refused() {
    let server = run(brief()).await;
    let many: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    let long = "a".repeat(100 << 10);
    for (bytes, status) in [
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), "431"),
        (
            format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"),
            "431",
        ),
        (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), "414"),
        ("\0\u{1}\u{2}\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "400"),
        ("GET\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nA B: c\r\n\r\n".to_owned(), "400"),
        (
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: nonsense\r\n\r\n".to_owned(),
            "400",
        ),
    ] {
        let said = server.say(bytes.as_bytes()).await;
        let shown = &bytes[..bytes.len().min(60)];
        // A reset may overtake the answer when the server closes with bytes unread.
        assert!(
            said.is_empty()
                || said.starts_with(&format!("HTTP/1.1 {status} "))
                || (status == "414" && said.starts_with("HTTP/1.1 431")),
            "{shown:?}: {said}"
        );
    }
    // What is no HTTP at all, such as a TLS hello.
    server
        .say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        .await;
    server.good_client_is_served().await;
}

#[tokio::test]
async fn a_thousand_connections_past_the_limit_do_not_keep_a_good_client_out() {
    let server = run(ServerLimits {
        connections_most: 50,
        connections_by_address_most: 10_000,
        ..ServerLimits::default()
    })
    .await;
    let mut held = Vec::new();
    for number in 0..1_050 {
        let mut stream = server.connect().await;
        if number % 3 == 0 {
            let _ = stream.write_all(b"GET / HT").await;
        }
        held.push(stream);
    }
    server.good_client_is_served().await;
    assert!(server.counters.connections.get() >= 1_050);
    drop(held);
}

#[tokio::test]
async fn connections_of_one_address_past_the_limit_are_refused_until_one_ends() {
    let server = run(ServerLimits {
        connections_by_address_most: 2,
        ..ServerLimits::default()
    })
    .await;
    let held = [server.connect().await, server.connect().await];
    let mut third = server.connect().await;
    assert!(rest(&mut third).await.starts_with("HTTP/1.1 503 "));
    drop(held);
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.good_client_is_served().await;
    assert_eq!(server.counters.connections_refused.get(), 1);
}

#[tokio::test]
async fn a_stop_lets_the_request_end_and_cuts_off_the_one_that_does_not() {
    let server = run(brief()).await;
    let mut hanging = server.connect().await;
    hanging
        .write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut idle = server.connect().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop.cancel();
    tokio::time::timeout(PATIENCE, server.task)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(server.at).await.is_err());
}

fn get(server: &Running, path: &str) -> Request<peerdist_node::http::client::ClientRequestBody> {
    let uri = format!("http://{}{path}", server.at);
    Request::get(uri).body(no_body()).unwrap()
}

#[tokio::test]
async fn the_client_uses_a_connection_again_and_makes_a_new_one_when_it_was_closed() {
    let server = run(ServerLimits {
        idle_ms: 1_500,
        ..brief()
    })
    .await;
    let client = Client::new(TokioNetwork, None, ClientLimits::default());
    for round in 0..3 {
        let response = client.request(get(&server, "/a")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "/a");
        assert_eq!(server.counters.connections.get(), 1, "{round}");
    }
    // Until the server finds it idle for too long.
    tokio::time::sleep(Duration::from_millis(3_000)).await;
    let response = client.request(get(&server, "/b")).await.unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "/b"
    );
    assert_eq!(server.counters.connections.get(), 2);
    // A body that is dropped in the middle takes its connection with it.
    drop(client.request(get(&server, "/large")).await.unwrap());
    let response = client.request(get(&server, "/c")).await.unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "/c"
    );
    assert_eq!(server.counters.connections.get(), 3);
}

#[tokio::test]
async fn the_client_never_has_more_connections_to_a_host_than_it_may() {
    let server = run(ServerLimits::default()).await;
    let limits = ClientLimits {
        connections_by_host_most: 2,
        connection_wait_ms: 200,
        ..ClientLimits::default()
    };
    let client = Client::new(TokioNetwork, None, limits);
    let one = client.request(get(&server, "/large")).await.unwrap();
    let two = client.request(get(&server, "/large")).await.unwrap();
    let third = client.request(get(&server, "/x")).await;
    assert!(matches!(third, Err(ClientError::Busy { most: 2, .. })));
    drop(one);
    assert!(client.request(get(&server, "/x")).await.is_ok());
    drop(two);
}

#[tokio::test]
async fn the_client_says_what_failed() {
    let client = Client::new(
        TokioNetwork,
        None,
        ClientLimits {
            head_ms: 200,
            ..ClientLimits::default()
        },
    );
    let ask = |uri: String| client.request(Request::get(uri).body(no_body()).unwrap());
    let server = run(ServerLimits::default()).await;
    let slow = ask(format!("http://{}/slow", server.at)).await.unwrap_err();
    assert!(slow.is_timeout(), "{slow}");
    let listener = TokioNetwork
        .listen((Ipv4Addr::LOCALHOST, 0).into())
        .await
        .unwrap();
    let nobody = Listener::local_addr(&listener).unwrap();
    drop(listener);
    let refused = ask(format!("http://{nobody}/")).await.unwrap_err();
    assert!(matches!(refused, ClientError::Connect { .. }), "{refused}");
    let no_tls = ask(format!("https://{}/", server.at)).await.unwrap_err();
    assert!(matches!(no_tls, ClientError::NoTls { .. }), "{no_tls}");
    let no_host = ask("ftp://x/".to_owned()).await.unwrap_err();
    assert!(matches!(no_host, ClientError::Uri { .. }), "{no_host}");
    let nowhere = ask("http://nowhere.invalid/".to_owned()).await.unwrap_err();
    assert!(
        matches!(nowhere, ClientError::Lookup { .. }) || nowhere.is_timeout(),
        "{nowhere}"
    );
}
