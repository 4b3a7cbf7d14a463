//! What the machine puts out, done.
//! Invariant: each output is acted on once, at once, or given to a task that tells of its end.
//! Byte order: none.

use peerdist::client::{BlockOp, Event, Failure, FetchToken, Output, Source, VerifyOp};
use peerdist::retrieval::client::DecryptOp;

use super::{Driver, Ended};
use crate::get::error::GetError;
use crate::get::happening::Happening;
use crate::get::peers::{HOSTED, exchange};
use crate::get::ranges;
use crate::get::stream::Piece;
use crate::get::workers::{Job, Tag};
use crate::net::Network;
use crate::spare::Spare;

impl<N: Network> Driver<N> {
    pub(super) fn obey(&mut self, output: Output) {
        match output {
            Output::Discover {
                discovery,
                version,
                segments,
            } => {
                let search = self.parts.discovery.clone();
                let searching = search.search(discovery, version, segments, self.events.clone());
                self.searches.insert(discovery, self.tasks.spawn(searching));
            }
            Output::CancelDiscovery { discovery } => {
                if let Some(search) = self.searches.remove(&discovery) {
                    search.abort();
                }
            }
            Output::Send {
                exchange: name,
                peer,
                query,
            } => {
                let mut message = Vec::new();
                query.encode_into(&mut message);
                let (client, events) = (self.parts.peer_client.clone(), self.events.clone());
                let most = self.parts.settings.message_bytes_most;
                let to = self.parts.peers.target(peer).cloned();
                let buffer = self.parts.bench.spare.take(Spare::BLOCK_BYTES);
                let task = self.tasks.spawn(async move {
                    let answer = match to {
                        Some(to) => exchange(&client, to, message, most, buffer).await,
                        None => None,
                    };
                    let _ = events.send(match answer {
                        Some(bytes) => Happening::Message {
                            exchange: name,
                            bytes,
                        },
                        None => Happening::NoMessage { exchange: name },
                    });
                });
                self.exchanges.insert(name, task);
            }
            Output::Abort { exchange, .. } => {
                if let Some(task) = self.exchanges.remove(&exchange) {
                    task.abort();
                }
            }
            Output::Decrypt { segment, op, .. } => self.decrypt(segment, op),
            Output::Verify(op) => self.verify(&op),
            Output::Store(block) => self.store(block),
            Output::Deliver(block) => self.deliver(block),
            Output::FetchOrigin { fetch, range, .. } => {
                let blocks = self.parts.bench.described.blocks_in(range);
                let origin = self.parts.origin.clone();
                let events = self.events.clone();
                let conditional = self.parts.conditional;
                let fetching = ranges::fetch(origin, fetch, range, blocks, conditional, events);
                self.fetches.insert(fetch, self.tasks.spawn(fetching));
            }
            Output::AbortOrigin { fetch } => self.abort_origin(fetch),
            Output::Share(_) => {}
            Output::Offer(shared) => {
                if let Some(offers) = &mut self.parts.offers {
                    offers.offer(&shared);
                }
            }
            Output::Event(event) => self.note(&event),
        }
    }

    fn abort_origin(&mut self, fetch: FetchToken) {
        if let Some(task) = self.fetches.remove(&fetch) {
            task.abort();
        }
        self.arrived.retain(|(of, _), _| *of != fetch);
    }

    fn decrypt(&mut self, row: usize, op: DecryptOp) {
        let Some((_, bytes)) = self
            .message
            .take_if(|(exchange, _)| *exchange == op.exchange)
        else {
            return;
        };
        let wanted = self.parts.bench.described.wanted(row);
        let Some(range) = wanted.map(|wanted| wanted.range_of(op.index)) else {
            return;
        };
        self.jobs.push_back(Job {
            tag: Tag::Decrypted(op.exchange),
            row,
            index: op.index,
            range,
            bytes,
            offset: op.place.offset,
            decrypt: Some(op),
        });
    }

    fn verify(&mut self, op: &VerifyOp) {
        let VerifyOp {
            verify,
            block,
            source,
        } = *op;
        let (bytes, offset) = match source {
            Source::Peer {
                exchange, place, ..
            } => {
                let judged = self.judged.take();
                // What was decrypted was verified along with it, while it was at hand.
                if let Some(done) = judged {
                    self.next.push_back((verify, source, done.good, done.bytes));
                    return;
                }
                let message = self.message.take_if(|(of, _)| *of == exchange);
                (message.map(|(_, bytes)| bytes), place.offset)
            }
            Source::Origin { fetch } => (self.arrived.remove(&(fetch, block.range.start)), 0),
        };
        let Some(bytes) = bytes else {
            self.next.push_back((verify, source, false, None));
            return;
        };
        self.jobs.push_back(Job {
            tag: Tag::Verified(verify, source),
            row: block.segment,
            index: block.index,
            range: block.range,
            bytes,
            offset,
            decrypt: None,
        });
    }

    fn store(&mut self, block: BlockOp) {
        let Some((source, bytes)) = self.verified.take() else {
            return;
        };
        let (clipped, _) = self.parts.bench.described.clip(block.range);
        let shares = &mut self.progress.shares;
        let share = match source {
            Source::Origin { .. } => &mut shares.origin,
            Source::Peer { peer: HOSTED, .. } => &mut shares.hosted_cache,
            Source::Peer { .. } => &mut shares.peers,
        };
        *share += clipped.length;
        if let Some(shelf) = &self.parts.shelf {
            shelf.add(block.segment, block.index);
        }
        if let Some(bytes) = bytes {
            self.waiting.insert((block.segment, block.index), bytes);
        }
    }

    fn deliver(&mut self, block: BlockOp) {
        if self.parts.stream.is_none() {
            return;
        }
        self.hand_on_local((block.segment, block.index.get()));
        let bytes = self.waiting.remove(&(block.segment, block.index));
        if let (Some(stream), Some(bytes)) = (&self.parts.stream, bytes) {
            stream.push(Piece::Bytes(bytes));
        }
        self.cursor = (block.segment, block.index.get() + 1);
    }

    fn note(&mut self, event: &Event) {
        let url = || self.parts.origin.url();
        match event {
            Event::Finished { .. } => {
                self.hand_on_local((self.parts.have.len(), 0));
                self.end(Ok(Ended::Done));
            }
            Event::Failed {
                why: Failure::OriginUnreachable,
                ..
            } => {
                let why = self
                    .why
                    .take()
                    .unwrap_or_else(|| "no more bytes came".into());
                self.end(Err(GetError::Origin { url: url(), why }));
            }
            Event::Failed {
                why: Failure::OriginDiffers,
                ..
            } => self.end(Ok(Ended::Differs)),
            Event::Cancelled { .. } => {}
            Event::SessionEnded { why, segment, .. } => {
                tracing::debug!(segment, ?why, "no more from peers");
            }
            Event::Lied { peer, .. } => {
                self.lies += 1;
                let peer = self.parts.peers.target(*peer);
                let peer = peer.and_then(|peer| peer.uri.authority());
                tracing::warn!(?peer, "a peer sent a block that is not what it should be");
            }
            Event::Rejected { rejected, .. } => {
                self.rejected += 1;
                tracing::debug!(%rejected, "a message of a peer was discarded");
            }
            Event::Lenient { quirks, .. } => tracing::debug!(?quirks, "an odd message of a peer"),
        }
    }
}
