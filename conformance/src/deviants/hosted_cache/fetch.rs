//! What a hosted cache that is right or wrong in one way fetches, and what it keeps of it.
//! Invariant: a client is asked for so long and no longer; what does not agree with a known hash is not kept.
//! Byte order: that of MS-PCCRR.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Kept, Mistake, State};
use crate::evidence::record::Recorder;
use crate::targets::connection::{Answer, Connection};
use crate::wire::cipher::{self, algorithm};
use crate::wire::content_info::Segment;
use crate::wire::draft::Draft;
use crate::wire::http;
use crate::wire::retrieval::{self, Body, Message, Range};

/// How long a client may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same for a cache that has all the time there is.
const FOR_EVER: Duration = Duration::from_secs(60);

/// A segment to fetch.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) id: Vec<u8>,
    /// What describes it, if the offer did.
    pub(super) segment: Option<Segment>,
    pub(super) blocks: u32,
}

impl Order {
    pub(super) fn of(segment: Segment) -> Self {
        Self {
            id: segment.id(),
            blocks: segment.blocks(),
            segment: Some(segment),
        }
    }
}

/// Asks a client on one connection, as long as it is of any use.
struct Asking {
    client: SocketAddr,
    connection: Connection,
    patience: Duration,
}

impl Asking {
    fn open(client: SocketAddr, patience: Duration) -> Option<Self> {
        Some(Self {
            client,
            // Nobody looks at what is recorded here.
            connection: Connection::open(&Recorder::new(), client).ok()?,
            patience,
        })
    }

    fn ask(&mut self, message: &Draft) -> Option<Message> {
        let host = self.client.to_string();
        let request = http::request("POST", retrieval::PATH, &host, &[], &message.to_bytes());
        self.connection.send(&request).ok()?;
        match self.connection.response(self.patience) {
            Answer::Response(response)
                if response.status() == 200
                    && response.body.len() <= retrieval::RESPONSE_MAX_BYTES =>
            {
                retrieval::read(retrieval::unframed(&response.body).ok()?).ok()
            }
            _ => None,
        }
    }
}

impl State {
    pub(super) fn fetch(self: &Arc<Self>, client: SocketAddr, orders: &[Order]) {
        let alone = self.is(Mistake::OneFetchAtATime);
        let lock = alone.then(|| {
            self.one_fetch
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        });
        let patience = if alone { FOR_EVER } else { PATIENCE };
        if let Some(mut asking) = Asking::open(client, patience) {
            for order in orders {
                // One that fails may fail for this segment alone, as may the connection with it.
                if self.fetch_one(&mut asking, order).is_none() {
                    match Asking::open(client, patience) {
                        Some(again) => asking = again,
                        None => break,
                    }
                }
            }
        }
        drop(lock);
    }

    fn fetch_one(&self, asking: &mut Asking, order: &Order) -> Option<()> {
        if self.is(Mistake::AsksSegmentLists) {
            asking.ask(&retrieval::get_segment_list([1; 16], &[&order.id], &[]))?;
        }
        let all = [Range::new(0, order.blocks)];
        let request = retrieval::get_block_list(&order.id, &all, algorithm::AES_128);
        let Body::BlockList { ranges, .. } = asking.ask(&request)?.body else {
            return None;
        };
        let listed = ranges
            .iter()
            .flat_map(|range| range.indexes().take(512))
            .filter(|index| *index < order.blocks);
        let most = if self.is(Mistake::FirstBlock) { 1 } else { 512 };
        let asked = match self.is(Mistake::AsksForOther) {
            true => 7,
            false => algorithm::AES_128,
        };
        for index in listed.take(most) {
            if self.holds(order, index) {
                continue;
            }
            let range = match self.is(Mistake::AsksForAll) {
                true => Range::new(index, order.blocks - index),
                false => Range::new(index, 1),
            };
            let request = retrieval::get_blocks(&order.id, &[range], asked);
            self.keep(order, index, asking.ask(&request)?);
        }
        Some(())
    }

    /// Whether a block is there already, as good as this order could bring it.
    fn holds(&self, order: &Order, index: u32) -> bool {
        let again = self.is(Mistake::OverwritesVerified) || self.is(Mistake::OverwritesHeld);
        let entries = self.entries();
        let entry = entries.get(&order.id);
        let kept = entry.and_then(|entry| entry.blocks.get(&index));
        kept.is_some() && !again
    }

    fn keep(&self, order: &Order, index: u32, message: Message) -> Option<()> {
        let Body::Block {
            segment_id,
            block_index,
            block,
            iv_block,
            ..
        } = message.body
        else {
            return None;
        };
        let is_it = segment_id == order.id || self.is(Mistake::IgnoresIdOfBlock);
        if !is_it || block_index != index || (block.is_empty() && !self.is(Mistake::KeepsEmpty)) {
            return None;
        }
        let mut entries = self.entries();
        let known = entries.get(&order.id);
        let known = known.and_then(|entry| entry.segment.clone());
        let known =
            known.filter(|_| !self.is(Mistake::OverwritesVerified) || order.segment.is_some());
        let kept = match known {
            Some(segment) if !block.is_empty() => {
                let length = segment.block(index).len();
                let secret = &segment.secret;
                let (plain, _) =
                    cipher::decrypt(message.algorithm, secret, &iv_block, &block, length)?;
                let hash = segment.algorithm.hash(&plain);
                let is_good = match self.mistake {
                    Some(Mistake::DoesNotVerify) => true,
                    Some(Mistake::VerifiesAnyHash) => segment.block_hashes.contains(&hash),
                    _ => segment.verifies(index, &plain) == Some(true),
                };
                if !is_good {
                    return None;
                }
                Kept::Verified(plain)
            }
            _ => Kept::Sealed {
                algorithm: message.algorithm,
                iv: iv_block,
                bytes: block,
            },
        };
        let entry = entries.entry(order.id.clone()).or_default();
        entry.blocks.insert(index, kept);
        Some(())
    }
}
