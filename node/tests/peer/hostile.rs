//! Clients that are wrong, slow or silent; after each of them the next good one is served.

use peerdist_node::peer::PeerOptions;

use super::*;
use crate::filled::{Filled, Running, ask_for_block, content, filled, serve};

async fn peer(set: impl FnOnce(&mut PeerOptions)) -> (tempfile::TempDir, Filled, Running) {
    let directory = tempfile::tempdir().unwrap();
    let filled = filled(directory.path(), &content());
    let running = serve(&filled.store, set).await;
    (directory, filled, running)
}

async fn serves_the_next(filled: &Filled, peer: &Running) {
    let begun = tokio::time::Instant::now();
    loop {
        let (status, body) = exchange(peer.at, &ask_for_block(filled.segment, 1)).await;
        assert_eq!(status, 200);
        if body.len() > 65_536 {
            return;
        }
        // Those before may have their places still.
        assert!(begun.elapsed() < Duration::from_secs(20), "never a block");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends bytes and nothing more, and waits until the server hangs up.
async fn hung_up_on(to: SocketAddr, bytes: &[u8]) -> (Duration, Vec<u8>) {
    let start = tokio::time::Instant::now();
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(15), read)
        .await
        .expect("the server hangs up");
    (start.elapsed(), answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_paths_methods_and_messages_get_an_empty_error() {
    let (_directory, filled, peer) = peer(|_| ()).await;
    let path = peerdist::retrieval::PATH;
    let garbage = "x".repeat(100);
    for (status, request) in [
        (404, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (405, format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")),
        (
            400,
            format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
        ),
        (
            413,
            format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"),
        ),
    ] {
        let (got, body) = exchange(peer.at, request.as_bytes()).await;
        assert_eq!(got, status, "{request}");
        assert!(status == 413 || body.is_empty());
    }
    let (_, answer) = hung_up_on(peer.at, garbage.as_bytes()).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    assert!(peer.counters.rejected.get() >= 1);
    serves_the_next(&filled, &peer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_change_of_a_good_request_leaves_the_server_serving() {
    let (_directory, filled, peer) = peer(|_| ()).await;
    let good = ask_for_block(filled.segment, 1);
    let head = good
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    for at in head..good.len() {
        let mut request = good.clone();
        request[at] ^= 0x81;
        let (status, _) = exchange(peer.at, &request).await;
        assert!(matches!(status, 200 | 400), "byte {at}: {status}");
    }
    serves_the_next(&filled, &peer).await;
    peer.serves_nobody().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_slow_the_silent_and_those_who_never_finish_are_hung_up_on() {
    let (_directory, filled, peer) = peer(|options| {
        let limits = &mut options.http.limits;
        (limits.head_ms, limits.idle_ms, limits.progress_ms) = (800, 1_500, 800);
    })
    .await;
    let good = ask_for_block(filled.segment, 1);
    let silent = hung_up_on(peer.at, b"");
    let in_head = hung_up_on(peer.at, b"POST /116B50EB HTTP/1.1\r\nHost: a");
    let in_body = hung_up_on(peer.at, &good[..good.len() - 5]);
    let (silent, in_head, in_body) = tokio::join!(silent, in_head, in_body);
    for (time, _) in [&silent, &in_head, &in_body] {
        assert!(*time < Duration::from_secs(10), "{time:?}");
    }
    assert!(silent.0 >= Duration::from_millis(1_200), "{silent:?}");
    // One byte at a time, each within the time for silence.
    let mut slow = TcpStream::connect(peer.at).await.unwrap();
    let start = tokio::time::Instant::now();
    let mut written = 0;
    while slow.write_all(&good[written..=written]).await.is_ok() {
        written += 1;
        assert!(written < good.len() - 1, "a head of minutes was waited for");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(10));
    serves_the_next(&filled, &peer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_take_their_blocks_give_their_places_back() {
    let (_directory, filled, peer) = peer(|options| {
        options.retrieval.settings.active_client_limit = 8;
        options.retrieval.settings.upload_timer_ms = 1_000;
        options.http.limits = peerdist_node::peer::http_limits(1_000);
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(peer.at).await.unwrap();
        // Far more than fits into the buffers between here and there.
        let many = ask_for_block(filled.segment, 2).repeat(200);
        let wrote = tokio::time::timeout(Duration::from_millis(200), stream.write_all(&many));
        let _ = wrote.await;
        held.push(stream);
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    serves_the_next(&filled, &peer).await;
    drop(held);
}
