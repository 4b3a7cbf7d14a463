//! Peers and hosted caches as exchanges need them: addresses by number, and one request and its response (MS-PCCRR 2.1).
//! Invariant: the table and every response are bounded.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use peerdist::retrieval::PATH;
use peerdist::retrieval::client::Peer;

use crate::http::client::{Answer, Client, Target};
use crate::net::Network;

/// The hosted cache.
pub(super) const HOSTED: Peer = Peer(0);

/// Who is asked under which number.
#[derive(Debug, Default)]
pub(super) struct Peers {
    hosted: Option<Target>,
    by_number: Vec<Target>,
    by_address: BTreeMap<SocketAddr, Peer>,
}

impl Peers {
    pub(super) fn new(hosted: Option<&str>) -> Self {
        Self {
            hosted: hosted.and_then(|authority| Target::named(authority, PATH)),
            ..Self::default()
        }
    }

    /// The number of a peer; `None` where too many are known.
    pub(super) fn number(&mut self, address: SocketAddr, most: usize) -> Option<Peer> {
        if let Some(known) = self.by_address.get(&address) {
            return Some(*known);
        }
        if self.by_number.len() >= most {
            return None;
        }
        self.by_number.push(Target::at(address, PATH)?);
        let peer = Peer(self.by_number.len() as u64);
        self.by_address.insert(address, peer);
        Some(peer)
    }

    pub(super) fn target(&self, peer: Peer) -> Option<&Target> {
        match usize::try_from(peer.0).ok()?.checked_sub(1) {
            None => self.hosted.as_ref(),
            Some(at) => self.by_number.get(at),
        }
    }
}

/// Sends a message and takes the one that comes back, in the buffer where that is enough.
pub(super) async fn exchange<N: Network>(
    client: &Client<N>,
    to: Target,
    message: Vec<u8>,
    bytes_most: usize,
    buffer: Vec<u8>,
) -> Option<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Display| tracing::debug!(%error, "no answer of a peer");
    let answer = client.post(&to, &message, bytes_most, buffer).await;
    match answer.map_err(|error| failed(&error)).ok()? {
        Answer::Message(bytes) => return Some(bytes),
        Answer::Nothing => return None,
        Answer::Unusual => {}
    }
    let body = Full::new(Bytes::from(message));
    let request = Request::post(to.uri)
        .extension(to.zone)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .body(body.map_err(|never| match never {}).boxed_unsync())
        .ok()?;
    let response = client.request(request).await;
    let response = response.map_err(|error| failed(&error)).ok()?;
    if response.status() != StatusCode::OK {
        failed(&response.status());
        return None;
    }
    let mut body = response.into_body();
    let exact = http_body::Body::size_hint(&body)
        .exact()
        .unwrap_or_default();
    if exact > bytes_most as u64 {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(exact).unwrap_or_default());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failed(&error)).ok()?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > bytes_most {
                return None;
            }
            bytes.extend_from_slice(&data);
        }
    }
    Some(bytes)
}
