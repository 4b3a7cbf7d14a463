//! What is not to work, and must not keep others from being served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use peerdist::content::SegmentId;
use peerdist::hash::{Digest, HashAlgorithm};
use peerdist::hosted_cache::{
    BatchedOffer, ContentTag, InitialOffer, REQUEST_MAX_BYTES, SegmentDescriptor, SegmentKey,
    Version,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::room::{Branch, Content, PATIENCE, Room, Running, bytes, localhost};

/// The next good client, from an address of its own, is served.
async fn a_good_client_is_served(running: &Running, number: u64) {
    let content = Content::new(Version::V1, number, 100_000);
    let branch = Branch::with(localhost(8), &[&content]).await;
    let before = running.counters.blocks_verified.get();
    running.offer(Version::V1, branch.at, &content).await;
    running
        .until("the good client's blocks", |it| {
            it.counters.blocks_verified.get() == before + 2
        })
        .await;
    assert_eq!(running.content(&content).await, content.bytes);
}

fn batch(port: u16, numbers: std::ops::Range<u64>) -> Vec<u8> {
    let descriptor = |number| {
        let id = Digest::try_from(bytes(number, 32).as_slice()).unwrap();
        let key = SegmentKey {
            algorithm: HashAlgorithm::Sha512Truncated,
            id: SegmentId(id),
        };
        SegmentDescriptor::new(key, 70_000, ContentTag([0; 16])).unwrap()
    };
    let descriptors: Vec<_> = numbers.map(descriptor).collect();
    BatchedOffer::new(port, &descriptors).unwrap().encode()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_has_its_status() {
    let room = Room::new();
    let running = room.start().await;
    let from = localhost(2);
    let (v1, v2) = (running.url(Version::V1), running.url(Version::V2));
    let offer = InitialOffer {
        port: 1,
        segment: SegmentId(Digest::try_from(&[1; 32][..]).unwrap()),
    };
    let of = |url: &str, path: &str| {
        let host = url.rsplit_once('/').unwrap().0;
        format!("{host}/{path}")
    };
    for (url, method, body, status) in [
        (
            v1.clone(),
            Method::GET,
            vec![],
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            v2.clone(),
            Method::GET,
            vec![],
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (of(&v1, "x"), Method::POST, vec![], StatusCode::NOT_FOUND),
        (of(&v2, "x"), Method::POST, vec![], StatusCode::NOT_FOUND),
        // The path of the other version is nobody's.
        (
            of(&v1, &Version::V2.path()[1..]),
            Method::POST,
            offer.encode(),
            StatusCode::NOT_FOUND,
        ),
        (
            of(&v2, &Version::V1.path()[1..]),
            Method::POST,
            offer.encode(),
            StatusCode::NOT_FOUND,
        ),
        (
            v2.clone(),
            Method::POST,
            offer.encode(),
            StatusCode::BAD_REQUEST,
        ),
        (
            v1.clone(),
            Method::POST,
            batch(1, 0..2),
            StatusCode::BAD_REQUEST,
        ),
        (v1.clone(), Method::POST, vec![], StatusCode::BAD_REQUEST),
        (
            v1.clone(),
            Method::POST,
            bytes(1, 500),
            StatusCode::BAD_REQUEST,
        ),
        (
            v2.clone(),
            Method::POST,
            bytes(2, 500),
            StatusCode::BAD_REQUEST,
        ),
        (
            v1.clone(),
            Method::POST,
            bytes(3, REQUEST_MAX_BYTES),
            StatusCode::BAD_REQUEST,
        ),
        (v1.clone(), Method::POST, offer.encode(), StatusCode::OK),
        (
            v2.clone() + "/",
            Method::POST,
            batch(1, 0..1),
            StatusCode::OK,
        ),
        (
            v1.to_lowercase(),
            Method::POST,
            offer.encode(),
            StatusCode::OK,
        ),
    ] {
        let (parts, answer) = running.send(from, method.clone(), &url, body).await;
        assert_eq!(parts.status, status, "{method} {url}");
        if status == StatusCode::OK {
            assert_eq!(answer.len(), 5, "{url}");
        } else {
            assert!(answer.is_empty(), "{url}");
        }
    }
    // Its length alone is enough, and none of it is waited for.
    let mut stream = TcpStream::connect(running.cache.http_addr()).await.unwrap();
    let path = Version::V2.path();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{answer:?}");
    a_good_client_is_served(&running, 20).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_offers_from_a_client_that_never_answers_keep_nobody_waiting() {
    let room = Room::new();
    let running = room
        .start_with(|options| {
            options.fetching.retrieval.request_timer_ms = 2_000;
            options.settings.segments_queued_per_client = 256;
        })
        .await;
    // It takes connections and says nothing.
    let silent = TcpListener::bind((localhost(2), 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let most = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&most);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, from)) = silent.accept().await {
            assert_eq!(from.ip(), localhost(1), "the cache comes from where it is");
            held.push(stream);
            seen.store(held.len() as u64, Ordering::Relaxed);
        }
    });
    for round in 0..40 {
        let message = batch(port, round * 128 + 100..round * 128 + 228);
        let (status, _) = running
            .post(localhost(2), &running.url(Version::V2), message)
            .await;
        assert_eq!(status, StatusCode::OK);
    }
    assert!(
        running.counters.offered_skipped.get() > 4_000,
        "{:?}",
        running.counters
    );
    let known = running.cache.status().borrow().segments_known;
    assert!(known <= 256 + 4, "{known}");
    a_good_client_is_served(&running, 21).await;
    running
        .until("failed fetches", |it| it.counters.fetches_failed.get() > 8)
        .await;
    assert!(most.load(Ordering::Relaxed) > 0, "it was asked");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_of_nothing_and_of_rubbish_are_fetched_from_nowhere_else_and_leave_nothing() {
    let room = Room::new();
    let running = room.start().await;
    let url = running.url(Version::V2);
    // Nobody listens there, nobody can listen there, and somebody who has none of it.
    let nobody = TcpListener::bind((localhost(2), 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let empty = Branch::with(localhost(2), &[]).await;
    let rubbish = talking_rubbish(localhost(2)).await;
    for (round, port) in
        (10_000..)
            .step_by(128)
            .zip([nobody.port(), 0, empty.at.port(), rubbish.port()])
    {
        let message = batch(port, round..round + 20);
        assert_eq!(
            running.post(localhost(2), &url, message).await.0,
            StatusCode::OK
        );
    }
    running
        .until("the end of all", |it| {
            it.counters.fetches_failed.get() == 60 && it.cache.status().borrow().segments_known == 0
        })
        .await;
    assert_eq!(running.counters.offered_skipped.get(), 20, "port 0");
    assert_eq!(running.store.statistics().unwrap().sealed_blocks, 0);
    a_good_client_is_served(&running, 22).await;
    running.stop().await;
}

/// Answers whatever it is asked with bytes that are no answer, some of them without end.
async fn talking_rubbish(address: std::net::IpAddr) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            number += 1;
            tokio::spawn(async move {
                let mut asked = [0; 1024];
                let _ = stream.read(&mut asked).await;
                let head: &[u8] = match number % 3 {
                    0 => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
                    1 => b"HTTP/1.1 200 OK\r\n\r\n",
                    _ => b"\x00\x01\x02",
                };
                let _ = stream.write_all(head).await;
                let junk = bytes(number, 64 << 10);
                while stream.write_all(&junk).await.is_ok() {}
            });
        }
    });
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_slow_senders_and_the_wrong_protocol_on_either_port_end() {
    let room = Room::new();
    let running = room
        .start_with(|options| {
            for server in [&mut options.http_server, &mut options.https_server] {
                server.limits.head_ms = 1_500;
                server.limits.idle_ms = 1_500;
                server.limits.tls_handshake_ms = 1_500;
                server.limits.progress_ms = 1_500;
            }
        })
        .await;
    let path = Version::V2.path();
    let slow_body = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nab");
    let mut waiting = tokio::task::JoinSet::new();
    for at in [
        running.cache.http_addr(),
        running.cache.https_addr().unwrap(),
    ] {
        for said in [
            b"".to_vec(),
            b"POST / HT".to_vec(),
            bytes(4, 3_000),
            slow_body.clone().into_bytes(),
            // The start of a TLS handshake, and no more of it.
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        ] {
            waiting.spawn(async move {
                let mut stream = TcpStream::connect(at).await.unwrap();
                let _ = stream.write_all(&said).await;
                let mut rest = Vec::new();
                let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
                assert!(ended.is_ok(), "{at} keeps {said:?} for ever");
            });
        }
    }
    while let Some(ended) = waiting.join_next().await {
        ended.unwrap();
    }
    // Two hundred that hold their connections open while a good one comes.
    let mut held = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(running.cache.http_addr()).await.unwrap();
        stream.write_all(b"POST / HT").await.unwrap();
        held.push(stream);
    }
    a_good_client_is_served(&running, 23).await;
    drop(held);
    tokio::time::sleep(Duration::from_millis(10)).await;
    a_good_client_is_served(&running, 24).await;
    running.stop().await;
}
