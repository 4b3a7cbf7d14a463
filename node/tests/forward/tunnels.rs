//! CONNECT and upgrades: bytes both ways, and where they may not lead.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::room::{Proxy, say};

/// Sends back what comes, after a word of its own.
async fn echo(greeting: &'static [u8]) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(greeting).await.unwrap();
                let (mut reads, mut writes) = stream.split();
                let _ = tokio::io::copy(&mut reads, &mut writes).await;
            });
        }
    });
    at
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_and_ends_with_either_side() {
    let to = echo(b"hello").await;
    let proxy = Proxy::with(|options| options.tunnel_ports = vec![to.port()]).await;
    let mut stream = TcpStream::connect(proxy.at).await.unwrap();
    // What comes right behind the request belongs to the tunnel.
    let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\nearly");
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        !head.to_ascii_lowercase().contains("content-length"),
        "{head}"
    );
    let mut words = [0; 10];
    stream.read_exact(&mut words).await.unwrap();
    assert_eq!(&words, b"helloearly");
    let much = vec![7; 300_000];
    let (mut reads, mut writes) = stream.split();
    let mut back = vec![0; much.len()];
    let (wrote, read) = tokio::join!(writes.write_all(&much), reads.read_exact(&mut back));
    wrote.unwrap();
    read.unwrap();
    assert!(back == much);
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut back).await.unwrap(), 0);
    assert_eq!(proxy.counters.tunnels.get(), 1);
    assert_eq!(proxy.counters.tunnel_bytes.get(), 600_015);
}

#[tokio::test]
async fn a_tunnel_without_bytes_ends_after_its_time_and_one_with_bytes_does_not() {
    let to = echo(b"").await;
    let proxy = Proxy::with(|options| {
        options.tunnel_ports = vec![to.port()];
        options.limits.tunnel_idle_ms = 1_500;
        // Those of requests are not those of tunnels.
        options.http.limits.idle_ms = 500;
        options.http.limits.head_ms = 500;
        options.http.limits.request_ms = 500;
    })
    .await;
    let mut stream = TcpStream::connect(proxy.at).await.unwrap();
    let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    head(&mut stream).await;
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stream.write_all(b"x").await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'x');
    }
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_u8()).await;
    assert!(ended.expect("it ends").is_err());
}

#[tokio::test]
async fn tunnels_lead_to_ports_that_are_allowed_alone_and_not_to_the_proxy() {
    let to = echo(b"").await;
    let proxy = Proxy::start().await;
    let connect =
        |to: String| format!("CONNECT {to} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = say(proxy.at, connect(to.to_string()).as_bytes()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("to 443 alone"), "{answer:?}");
    let proxy = Proxy::with(|options| options.tunnel_ports = (1..=u16::MAX).collect()).await;
    let answer = say(proxy.at, connect(proxy.at.to_string()).as_bytes()).await;
    assert_eq!(answer.status, 508);
    let answer = say(
        proxy.at,
        connect(format!("localhost:{}", proxy.at.port())).as_bytes(),
    )
    .await;
    assert_eq!(answer.status, 508);
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let answer = say(proxy.at, connect(closed.to_string()).as_bytes()).await;
    assert_eq!(answer.status, 502);
    let answer = say(proxy.at, connect("host".to_owned()).as_bytes()).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn tunnels_are_among_the_connections_and_end_with_the_proxy() {
    let to = echo(b"").await;
    let proxy = Proxy::with(|options| {
        options.tunnel_ports = vec![to.port()];
        options.http.limits.connections_most = 1;
    })
    .await;
    let mut stream = TcpStream::connect(proxy.at).await.unwrap();
    let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    head(&mut stream).await;
    stream.write_all(b"x").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'x');
    let second = say(proxy.at, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(second.status, 503);
    drop(proxy);
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_u8()).await;
    assert!(ended.expect("it ends").is_err());
}

#[tokio::test]
async fn an_upgrade_that_the_origin_agrees_to_is_a_tunnel_and_http_2_is_not_asked_for() {
    let to = echo(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    )
    .await;
    let proxy = Proxy::start().await;
    let mut stream = TcpStream::connect(proxy.at).await.unwrap();
    let request = format!(
        "GET http://{to}/socket HTTP/1.1\r\nHost: {to}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = head(&mut stream).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(answer.contains("upgrade: websocket"), "{answer}");
    // What the origin heard comes back first.
    let heard = head(&mut stream).await.to_ascii_lowercase();
    assert!(
        heard.contains("upgrade: websocket") && heard.contains("connection: upgrade"),
        "{heard}"
    );
    stream.write_all(b"frame").await.unwrap();
    let mut frame = [0; 5];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(&frame, b"frame");
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
    let origin = crate::room::Script::start(vec![answer]).await;
    let fields = "Upgrade: h2c\r\n";
    assert_eq!(proxy.ask("GET", &origin.url(), fields).await.status, 200);
    let heard = origin.heard.lock().unwrap()[0].to_ascii_lowercase();
    assert!(!heard.contains("h2c"), "{heard}");
}
