//! What a host does for its Downloader: it verifies, stores, delivers, and asks the origin.
//! Invariant: what is stored and delivered is the content; messages are kept as long as the machine points into them.
//! Byte order: none.

use peerdist::client::{
    BlockOp, Delivery, Event, FetchToken, Input, Output, Source, VerifyOp, VerifyToken,
};
use peerdist::retrieval::block_key;
use peerdist::retrieval::client::Exchange;
use peerdist::retrieval::server::BlockForm;
use peerdist::store::{BlockStore, Put};

use crate::broken::{Broken, ensure};
use crate::node::{Asker, Check};
use crate::world::{Bug, Happening, World};

impl World {
    pub(crate) fn begin(&mut self, number: usize) -> Result<(), Broken> {
        let segments = self.nodes[number].still_wanted(&self.scene);
        let start = self.nodes[number].start(&self.scene, &segments);
        self.client(number, Input::Start(start))?;
        Ok(())
    }

    /// Tells how much was put out.
    pub(crate) fn client(&mut self, number: usize, input: Input<'_>) -> Result<u32, Broken> {
        let (now, node) = (self.now, &mut self.nodes[number]);
        node.client.handle(now, input)?;
        let mut drained = 0;
        while let Some(output) = self.nodes[number].client.poll_output() {
            drained += 1;
            ensure!(drained < 100_000, "draining does not end");
            self.obey(number, output)?;
        }
        Ok(drained)
    }

    pub(crate) fn obey(&mut self, number: usize, output: Output) -> Result<(), Broken> {
        match output {
            Output::Discover {
                discovery,
                segments,
                ..
            } => {
                self.discover(number, discovery, &segments)?;
            }
            Output::CancelDiscovery { discovery } => self.cancel_discovery(number, discovery)?,
            Output::Send {
                exchange,
                peer,
                query,
            } => self.ask(number, Asker::Downloader, exchange, peer, &query),
            Output::Decrypt { segment, op, .. } => {
                let node = &mut self.nodes[number];
                node.decrypting.insert(op.exchange, (segment, op));
                self.plan_soon(number, Happening::Decrypted(op.exchange));
            }
            Output::Abort { exchange, .. } => {
                let node = &mut self.nodes[number];
                node.waiting.remove(&(Asker::Downloader, exchange));
                node.messages.remove(&exchange);
                node.decrypting.remove(&exchange);
            }
            Output::Verify(op) => self.verify(number, op)?,
            Output::Store(op) => self.store(number, op)?,
            Output::Deliver(op) => self.deliver(number, op)?,
            Output::FetchOrigin { fetch, range, .. } => {
                self.nodes[number].fetches.insert(fetch, range);
                self.fetch(number, fetch, range.length);
            }
            Output::AbortOrigin { fetch } => {
                self.nodes[number].fetches.remove(&fetch);
            }
            Output::Share(_) => {}
            Output::Offer(shared) => {
                self.total.offers += 1;
                let count = shared.from_origin;
                self.offer(number, shared.segment, count, shared.is_complete)?;
            }
            Output::Event(event) => self.note(number, &event)?,
        }
        Ok(())
    }

    pub(crate) fn note(&mut self, number: usize, event: &Event) -> Result<(), Broken> {
        match event {
            Event::Finished { tally, .. } => {
                ensure!(!self.nodes[number].is_finished, "finished twice");
                self.nodes[number].is_finished = true;
                self.total.from_peers += tally.from_peers;
                self.total.from_origin += tally.from_origin;
            }
            Event::Lied { .. } => self.total.lies += 1,
            Event::Rejected { .. } => self.total.rejected += 1,
            Event::SessionEnded { .. } => self.total.sessions_ended += 1,
            Event::Failed { .. } | Event::Cancelled { .. } => {
                return Err(Broken(format!("a download failed: {event:?}")));
            }
            Event::Lenient { .. } => {}
        }
        Ok(())
    }

    pub(crate) fn forget_message(&mut self, number: usize, exchange: Exchange) {
        let node = &mut self.nodes[number];
        let mut checks = node.checks.values();
        let is_verified = checks.any(
            |check| matches!(check.op.source, Source::Peer { exchange: it, .. } if it == exchange),
        );
        if !node.decrypting.contains_key(&exchange) && !is_verified {
            node.messages.remove(&exchange);
        }
    }

    pub(crate) fn decrypted(&mut self, number: usize, exchange: Exchange) -> Result<(), Broken> {
        let node = &mut self.nodes[number];
        let Some((segment, op)) = node.decrypting.remove(&exchange) else {
            return Ok(());
        };
        let message = node.messages.get_mut(&exchange);
        let message = message.ok_or("no message to decrypt")?;
        let key = block_key(op.cipher, &self.scene.secrets[segment]).unwrap();
        let job = op.job(&key, message).unwrap();
        peerdist::cipher::decrypt_many(&mut [job]);
        let (_, quirk) = op.plain(message).unwrap();
        self.client(number, Input::Decrypted { exchange, quirk })?;
        self.forget_message(number, exchange);
        Ok(())
    }

    pub(crate) fn verify(&mut self, number: usize, op: VerifyOp) -> Result<(), Broken> {
        let now = self.now;
        let node = &mut self.nodes[number];
        let bytes = match op.source {
            Source::Peer {
                exchange, place, ..
            } => {
                let message = node.messages.get(&exchange);
                let message = message.ok_or("no message to verify")?;
                place.of(message).ok_or("no block in it")?.to_vec()
            }
            Source::Origin { fetch } => {
                let fetched = node.fetches.get(&fetch).ok_or("no range to verify")?;
                let block = op.block.range;
                let is_inside = block.start >= fetched.start && block.end() <= fetched.end();
                ensure!(is_inside, "a block outside of what was fetched");
                let mut bytes = self.scene.block(op.block.segment, op.block.index).to_vec();
                if self.faults.mangles(now) {
                    bytes[0] ^= 0x80;
                }
                bytes
            }
        };
        let node = &mut self.nodes[number];
        node.checks.insert(op.verify, Check { op, bytes });
        self.plan_soon(number, Happening::Verified(op.verify));
        Ok(())
    }

    pub(crate) fn verified(&mut self, number: usize, verify: VerifyToken) -> Result<(), Broken> {
        let Check { op, bytes } = self.nodes[number].checks.remove(&verify).unwrap();
        let right = self.scene.block(op.block.segment, op.block.index);
        let good = bytes == right || self.bug == Bug::SkipsVerification;
        self.nodes[number].in_hand = Some((op.block, bytes));
        self.client(number, Input::Verified { verify, good })?;
        self.nodes[number].in_hand = None;
        if let Source::Peer { exchange, .. } = op.source {
            self.forget_message(number, exchange);
        }
        Ok(())
    }

    pub(crate) fn store(&mut self, number: usize, op: BlockOp) -> Result<(), Broken> {
        let node = &mut self.nodes[number];
        let (block, bytes) = node.in_hand.take().ok_or("no block was verified")?;
        ensure!(block == op, "another block than was verified");
        let segment = self.scene.segment_of(&op.id);
        ensure!(segment == Some(op.segment), "another segment than it names");
        let put = node.store.put_verified(self.now, op.id, op.index, bytes)?;
        ensure!(put == Put::Kept, "a block is stored twice: {put:?}");
        Ok(())
    }

    pub(crate) fn deliver(&mut self, number: usize, op: BlockOp) -> Result<(), Broken> {
        let node = &mut self.nodes[number];
        let place = (op.segment, op.index.get());
        let stored = node.store.read(self.now, &op.id, op.index)?;
        let stored = stored.filter(|it| it.form == BlockForm::Plain);
        let stored = stored.ok_or("what is delivered was never stored")?.bytes;
        let right = self.scene.block(op.segment, op.index);
        ensure!(stored == right, "what is delivered is not the content");
        for _ in 0..=u32::from(self.bug == Bug::DeliversTwice) {
            let is_new = node.delivered.insert(place);
            ensure!(is_new, "a block is delivered twice");
        }
        if node.delivery == Delivery::InOrder {
            let is_next = node.last_delivered < Some(place);
            ensure!(is_next, "blocks come out of order");
            node.last_delivered = Some(place);
        }
        Ok(())
    }

    pub(crate) fn fetch(&mut self, number: usize, fetch: FetchToken, length: u64) {
        if self.bug == Bug::OriginStaysAway {
            return;
        }
        let mut after = self.faults.delay(self.now);
        let mut received = 0;
        while received < length {
            if self.faults.loses(self.now) {
                if self.faults.chance(500) {
                    self.plan(number, after, Happening::OriginFailed(fetch));
                }
                return;
            }
            received = (received + 1 + self.faults.below(length)).min(length);
            self.plan(number, after, Happening::OriginArrived(fetch, received));
            after += self.faults.delay(self.now);
        }
    }
}
