//! Requests over HTTP/1.1, each on a connection of its own.
//! Invariant: no answer is waited for longer than it was told to, and none is kept beyond a limit.
//! Byte order: none.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Mistake;
use crate::clock;
use crate::targets::client::Job;
use crate::wire::content_info::Version;
use crate::wire::http::{self, BodyEnd, Head};

/// How long the origin may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// The longest answer.
const ANSWER_MAX_BYTES: usize = 256 << 20;
/// The longest message of a peer.
pub(super) const MESSAGE_MAX_BYTES: usize = 400_000;

/// An answer, as much of it as came.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
    /// Whether its body came in full.
    pub(super) is_whole: bool,
}

fn parts(job: &Job) -> (&str, &str) {
    let rest = job.url.strip_prefix("http://").unwrap_or(&job.url);
    let slash = rest.find('/').unwrap_or(rest.len());
    rest.split_at(slash)
}

/// Where the origin is.
pub(super) fn origin(job: &Job) -> io::Result<SocketAddr> {
    parts(job).0.parse().map_err(io::Error::other)
}

/// A GET at the origin.
pub(super) fn get(job: &Job, fields: &[(&str, &str)]) -> Vec<u8> {
    let (host, path) = parts(job);
    http::request("GET", path, host, fields, &[])
}

/// A request that takes the coding.
pub(super) fn coded(job: &Job, mistake: Option<Mistake>, is_for_hashes: bool) -> Vec<u8> {
    let max = match (job.version, mistake) {
        (_, Some(Mistake::AlwaysMax2)) | (Version::V2, _) => "2.0",
        (Version::V1, _) => "1.0",
    };
    let min = if mistake == Some(Mistake::Min2) {
        "2.0"
    } else {
        "1.0"
    };
    let hash_request = if is_for_hashes {
        ", HashRequest=true"
    } else {
        ""
    };
    let extended =
        format!("MinContentInformation={min}, MaxContentInformation={max}{hash_request}");
    let version = match mistake {
        Some(Mistake::VersionWithSpace) => "Version=1 .1",
        Some(Mistake::NoVersion) => "ContentLength=0",
        _ => "Version=1.1",
    };
    let mut fields = vec![
        ("Accept-Encoding", "peerdist"),
        ("X-P2P-PeerDist", version),
        ("X-P2P-PeerDistEx", extended.as_str()),
    ];
    match mistake {
        Some(Mistake::NoParameters) => {
            fields.remove(1);
        }
        Some(Mistake::NoExtended) => {
            fields.remove(2);
        }
        _ => {}
    }
    get(job, &fields)
}

/// Sends a request and waits for the answer.
pub(super) fn exchange(
    to: SocketAddr,
    request: &[u8],
    patience: Duration,
    mistake: Option<Mistake>,
) -> io::Result<Got> {
    let most = if patience < PATIENCE {
        MESSAGE_MAX_BYTES
    } else {
        ANSWER_MAX_BYTES
    };
    let mut stream = TcpStream::connect_timeout(&to, patience)?;
    let closes_hard = mistake == Some(Mistake::Resets);
    if closes_hard {
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    }
    stream.set_nodelay(true)?;
    stream.write_all(request)?;
    let deadline = clock::now() + patience;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut head: Option<Head> = None;
    loop {
        if head.is_none() {
            head = Head::read(&bytes).map_err(io::Error::other)?;
        }
        if let Some(found) = &head {
            let body = bytes.get(found.bytes..).unwrap_or_default();
            match found.body().map_err(io::Error::other)? {
                BodyEnd::Length(length) if body.len() as u64 >= length => {
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    let body = body.get(..length).unwrap_or_default().to_vec();
                    let head = found.clone();
                    return Ok(Got {
                        head,
                        body,
                        is_whole: true,
                    });
                }
                _ => {}
            }
        }
        if bytes.len() > most {
            return Err(io::Error::other("the answer is too long"));
        }
        let left = deadline.saturating_duration_since(clock::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            let head = head.ok_or(ErrorKind::UnexpectedEof)?;
            let is_whole = head.body() == Ok(BodyEnd::Unsaid);
            let body = bytes.get(head.bytes..).unwrap_or_default().to_vec();
            return Ok(Got {
                head,
                body,
                is_whole,
            });
        }
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
}
