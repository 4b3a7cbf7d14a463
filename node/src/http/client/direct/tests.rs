//! Messages for messages, from servers that answer as they please.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::net::TokioNetwork;

const BYTES_MOST: usize = 1_000;

fn client() -> Client<TokioNetwork> {
    let limits = ClientLimits {
        head_ms: 2_000,
        progress_ms: 1_000,
        ..ClientLimits::default()
    };
    Client::new(TokioNetwork, None, limits)
}

async fn listener() -> (TcpListener, Target) {
    let at: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    let listener = TcpListener::bind(at).await.unwrap();
    let at = listener.local_addr().unwrap();
    (listener, Target::at(at, "/path").unwrap())
}

async fn asked(stream: &mut TcpStream) -> String {
    let mut came = Vec::new();
    while !came.ends_with(b"question") {
        assert_ne!(stream.read_buf(&mut came).await.unwrap(), 0);
    }
    String::from_utf8(came).unwrap()
}

/// What comes of an answer in these pieces.
async fn answered(pieces: &'static [&'static str]) -> Answer {
    let (listener, to) = listener().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        asked(&mut stream).await;
        for piece in pieces {
            stream.write_all(piece.as_bytes()).await.unwrap();
            tokio::time::sleep(ms(20)).await;
        }
        // Whoever waits for more ends the wait himself.
        let _ = stream.read(&mut [0]).await;
    });
    let answer = client()
        .post(&to, b"question", BYTES_MOST, Vec::new())
        .await;
    server.await.unwrap();
    answer.unwrap()
}

#[tokio::test]
async fn a_message_in_pieces_comes_whole_and_replaces_what_the_buffer_held() {
    let (listener, to) = listener().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = asked(&mut stream).await;
        assert!(request.starts_with("POST /path HTTP/1.1\r\nhost: 127.0.0.1:"));
        for piece in ["HTTP/1.1 200 O", "K\r\nContent-Length: 6\r\n\r\nan", "swer"] {
            stream.write_all(piece.as_bytes()).await.unwrap();
            tokio::time::sleep(ms(20)).await;
        }
        // The same connection brings the next.
        asked(&mut stream).await;
        let next = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(next).await.unwrap();
        // And one that was to be closed is not used again.
        let (mut stream, _) = listener.accept().await.unwrap();
        asked(&mut stream).await;
        let last = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlast";
        stream.write_all(last).await.unwrap();
    });
    let client = client();
    for expected in ["answer", "", "last"] {
        let buffer = b"something of before".to_vec();
        let answer = client.post(&to, b"question", BYTES_MOST, buffer).await;
        let Ok(Answer::Message(message)) = answer else {
            panic!("{answer:?} instead of {expected}");
        };
        assert_eq!(message, expected.as_bytes());
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_was_kept_is_replaced() {
    let (listener, to) = listener().await;
    let server = tokio::spawn(async move {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            asked(&mut stream).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na";
            stream.write_all(answer).await.unwrap();
        }
    });
    let client = client();
    for _ in 0..2 {
        let answer = client.post(&to, b"question", BYTES_MOST, Vec::new()).await;
        assert!(matches!(answer, Ok(Answer::Message(_))), "{answer:?}");
        tokio::time::sleep(ms(20)).await;
    }
    server.await.unwrap();
}

#[tokio::test]
async fn what_is_unusual_is_left_to_hyper_from_then_on() {
    let (listener, to) = listener().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        asked(&mut stream).await;
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
        stream.write_all(chunked).await.unwrap();
    });
    let client = client();
    for _ in 0..2 {
        let answer = client.post(&to, b"question", BYTES_MOST, Vec::new()).await;
        assert!(matches!(answer, Ok(Answer::Unusual)), "{answer:?}");
    }
    server.await.unwrap();
}

#[tokio::test]
async fn too_much_too_little_and_nothing_come_to_nothing() {
    for pieces in [
        &["HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"] as &[_],
        &["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc"],
        &["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na", "b"],
        &["HTTP/1.1 200 OK\r\n"],
        &["HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"],
    ] {
        let answer = answered(pieces).await;
        assert!(matches!(answer, Answer::Nothing), "{pieces:?}: {answer:?}");
    }
}

#[tokio::test]
async fn what_speaks_tls_is_left_to_hyper() {
    let to = Target {
        uri: Uri::from_static("https://127.0.0.1/path"),
        ..Target::named("127.0.0.1", "/path").unwrap()
    };
    let answer = client()
        .post(&to, b"question", BYTES_MOST, Vec::new())
        .await;
    assert!(matches!(answer, Ok(Answer::Unusual)), "{answer:?}");
}
