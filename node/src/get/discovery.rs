//! Where peers are looked for.
//! Invariant: every search that was begun ends.
//! Byte order: none.

use std::net::SocketAddr;
use std::sync::Arc;

use peerdist::client::{DiscoveryToken, Sought};
use peerdist::content::Version;
use peerdist::discovery::{Offered, Replies, Wanted};
use tokio::sync::mpsc;

use super::happening::Happening;
use crate::discovery::Prober;

/// Where peers are looked for.
#[derive(Debug, Clone)]
pub enum Discovery {
    /// Nowhere.
    Nobody,
    /// These are asked for everything.
    Given(Arc<[SocketAddr]>),
    /// On the local subnet.
    Prober(Prober),
}

/// Of a peer's addresses the first that means the same on all interfaces, where it has one; else the one from which it
/// answered, for others of its own may be behind interfaces that we do not share.
fn best(addresses: &[SocketAddr], from: SocketAddr) -> Option<SocketAddr> {
    let is_everywhere = |address: &&SocketAddr| match address {
        SocketAddr::V4(_) => true,
        SocketAddr::V6(address) => !address.ip().is_unicast_link_local(),
    };
    let everywhere = addresses.iter().find(is_everywhere);
    let answered = || addresses.iter().find(|address| address.ip() == from.ip());
    let best = everywhere.or_else(answered).or(addresses.first());
    best.copied()
}

impl Discovery {
    pub(super) async fn search(
        self,
        discovery: DiscoveryToken,
        version: Version,
        sought: Vec<Sought>,
        events: mpsc::UnboundedSender<Happening>,
    ) {
        match self {
            Self::Nobody => {}
            Self::Given(peers) => {
                let ids: Vec<_> = sought.iter().map(|one| one.id).collect();
                for peer in peers.iter() {
                    let segments = ids.clone();
                    let _ = events.send(Happening::Found {
                        peer: *peer,
                        segments,
                        replies: Vec::new(),
                    });
                }
            }
            Self::Prober(prober) => {
                let wanted = sought.iter().map(|one| Wanted {
                    id: one.id,
                    blocks: one.blocks,
                });
                match prober.discover(version, wanted.collect()) {
                    Ok(mut search) => {
                        let mut replies = vec![Replies::default(); sought.len()];
                        while let Some(found) = search.next().await {
                            // A download may be over before the search is, so they are counted as they come.
                            for one in &found.segments {
                                if let Some(replies) = replies.get_mut(one.index) {
                                    replies.total += 1;
                                    replies.full += u32::from(one.is_complete);
                                }
                            }
                            if let Some(peer) = best(&found.addresses, found.from) {
                                let count =
                                    |one: &Offered| Some((one.id, *replies.get(one.index)?));
                                let _ = events.send(Happening::Found {
                                    peer,
                                    segments: found.segments.iter().map(|one| one.id).collect(),
                                    replies: found.segments.iter().filter_map(count).collect(),
                                });
                            }
                        }
                    }
                    Err(error) => tracing::debug!(%error, "no search for peers"),
                }
            }
        }
        let _ = events.send(Happening::SearchEnded { discovery });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_needs_no_interface_is_taken_before_one_that_does() {
        let texts = [
            "[fe80::7]:80",
            "[fe80::8]:80",
            "[2001:db8::7]:80",
            "192.0.2.7:80",
        ];
        let all: Vec<SocketAddr> = texts.map(|text| text.parse().unwrap()).into();
        let from = "[fe80::8]:3702".parse().unwrap();
        assert_eq!(best(&all, from), Some(all[2]));
        assert_eq!(best(&all[..2], from), Some(all[1]));
        assert_eq!(best(&all[..1], from), Some(all[0]));
        assert_eq!(best(&[], from), None);
    }
}
