//! Requests over many connections for some time, and what came back: the load that peers and their rivals get alike.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

const BUFFER: usize = 128 << 10;

/// What came back.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    pub(crate) answers: u64,
    pub(crate) bytes: u64,
    pub(crate) errors: u64,
    pub(crate) seconds: f64,
}

/// Keeps connections busy: each sends its next request when the answer to the last is there. Answers shorter than
/// `bytes_least` are errors.
pub(crate) async fn load(
    to: SocketAddr,
    connections: usize,
    time: Duration,
    requests: Arc<Vec<Vec<u8>>>,
    bytes_least: usize,
) -> Done {
    let start = Instant::now();
    let until = start + time;
    let tasks: Vec<_> = (0..connections)
        .map(|number| {
            let requests = Arc::clone(&requests);
            tokio::spawn(async move {
                let mut done = Done::default();
                if let Err(error) =
                    keep_asking(to, number, until, &requests, bytes_least, &mut done).await
                {
                    done.errors += 1;
                    eprintln!("connection {number}: {error}");
                }
                done
            })
        })
        .collect();
    let mut sum = Done::default();
    for task in tasks {
        if let Ok(done) = task.await {
            sum.answers += done.answers;
            sum.bytes += done.bytes;
            sum.errors += done.errors;
        }
    }
    sum.seconds = start.elapsed().as_secs_f64();
    sum
}

async fn keep_asking(
    to: SocketAddr,
    number: usize,
    until: Instant,
    requests: &[Vec<u8>],
    bytes_least: usize,
    done: &mut Done,
) -> io::Result<()> {
    let mut stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER];
    for request in requests.iter().cycle().skip(number) {
        if Instant::now() >= until {
            break;
        }
        stream.write_all(request).await?;
        let length = answer(&mut stream, &mut buffer).await?;
        if length < bytes_least {
            return Err(io::Error::other(format!("an answer of {length} bytes")));
        }
        done.answers += 1;
        done.bytes += length as u64;
    }
    Ok(())
}

/// Reads an answer with status 200 to its end, and tells the length of its body.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    let head = loop {
        let read = stream.read(&mut buffer[have..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        have += read;
        if let Some(at) = buffer[..have]
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
        {
            break at + 4;
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    if !text.starts_with("http/1.1 200") {
        return Err(io::Error::other(text));
    }
    let length: usize = text
        .split_once("content-length:")
        .and_then(|(_, rest)| rest.split("\r\n").next()?.trim().parse().ok())
        .ok_or_else(|| io::Error::other("no content-length"))?;
    let mut left = (head + length).saturating_sub(have);
    while left > 0 {
        let most = buffer.len().min(left);
        let read = stream.read(&mut buffer[..most]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= read;
    }
    Ok(length)
}
