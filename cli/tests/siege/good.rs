//! A client with manners: what it asks for, and whether it gets it.
//! Invariant: an answer is held against what it must be.

use std::net::SocketAddr;

use peerdist::content::SegmentId;
use peerdist::retrieval::{
    BlockIndex, BlockSet, GetBlocks, PATH, Request, RequestBody, Response, ResponseBody,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug)]
pub(crate) struct Client {
    to: SocketAddr,
    wanted: Wanted,
}

#[derive(Debug)]
enum Wanted {
    File { path: &'static str, bytes: Vec<u8> },
    Block(SegmentId),
}

impl Client {
    pub(crate) fn of_file(to: SocketAddr, path: &'static str, bytes: Vec<u8>) -> Self {
        let wanted = Wanted::File { path, bytes };
        Self { to, wanted }
    }

    pub(crate) fn of_block(to: SocketAddr, segment: SegmentId) -> Self {
        let wanted = Wanted::Block(segment);
        Self { to, wanted }
    }

    /// What goes over the wire.
    pub(crate) fn request(&self) -> Vec<u8> {
        match &self.wanted {
            Wanted::File { path, .. } => {
                format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").into_bytes()
            }
            Wanted::Block(segment) => {
                let first = BlockSet::from_iter([BlockIndex::new(0).unwrap()]);
                let message = Request::new(RequestBody::Blocks(GetBlocks {
                    segment: *segment,
                    requested: first.into(),
                    verification: &[],
                }));
                let message = message.encode();
                let length = message.len();
                let head = format!(
                    "POST {PATH} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
                );
                [head.into_bytes(), message].concat()
            }
        }
    }

    /// An answer of the right kind. Beyond the limit of clients that is an empty one.
    pub(crate) async fn ask(&self) -> Result<(), String> {
        self.asked(false).await
    }

    /// The content itself.
    pub(crate) async fn ask_for_content(&self) -> Result<(), String> {
        // What attackers had of the server's places, it gets back when their time is up.
        let mut last = Ok(());
        for _ in 0..100 {
            last = self.asked(true).await;
            if last.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        last
    }

    async fn asked(&self, with_content: bool) -> Result<(), String> {
        let failed = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(self.to).await.map_err(failed)?;
        stream.write_all(&self.request()).await.map_err(failed)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.map_err(failed)?;
        let head = answer.windows(4).position(|at| at == b"\r\n\r\n");
        let Some(head) = head.filter(|_| answer.starts_with(b"HTTP/1.1 200 ")) else {
            let start = &answer[..answer.len().min(200)];
            return Err(format!("answered {:?}", String::from_utf8_lossy(start)));
        };
        let body = &answer[head + 4..];
        match &self.wanted {
            Wanted::File { bytes, .. } if body == bytes => Ok(()),
            Wanted::File { .. } => Err(format!("other bytes, {} of them", body.len())),
            Wanted::Block(_) => match Response::decode(body).map(|response| response.body) {
                Ok(ResponseBody::Block(block)) if !with_content || !block.payload.is_empty() => {
                    Ok(())
                }
                other => Err(format!("{other:?}")),
            },
        }
    }
}
