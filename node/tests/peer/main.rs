//! A peer over real sockets: blocks by core's own client, hostile clients, and many at a time.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod filled;
mod hostile;
mod load;
mod many;
mod retrieval;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends bytes, and returns status and body of the one answer.
async fn exchange(to: SocketAddr, request: &[u8]) -> (u16, Vec<u8>) {
    let exchanged = async {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        let mut part = vec![0; 65_536];
        loop {
            let read = stream.read(&mut part).await.unwrap();
            answer.extend_from_slice(&part[..read]);
            if let Some((status, body)) = whole(&answer) {
                return (status, body);
            }
            assert_ne!(
                read, 0,
                "the connection ended within the answer: {answer:?}"
            );
        }
    };
    tokio::time::timeout(Duration::from_secs(20), exchanged)
        .await
        .unwrap()
}

fn whole(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let (_, length) = text.split_once("content-length:")?;
    let length: usize = length.split("\r\n").next()?.trim().parse().ok()?;
    let body = answer.get(head..head + length)?;
    Some((status, body.to_vec()))
}
