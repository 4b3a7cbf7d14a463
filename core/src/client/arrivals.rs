//! MS-CCROD 2.8.2.4.2 to 2.8.2.4.4, 2.8.2.5.4 to 2.8.2.5.6: what came of a request, and what is good of it.
//! Invariant: a block counts as downloaded once it was verified, and not before.
//! Byte order: none.

use super::Downloader;
use super::content::Download;
use super::ports::{
    BlockOp, Delivery, DownloadToken, Event, FetchToken, Output, Source, VerifyOp, VerifyToken,
};
use super::schedule::insert;
use super::session::{Ranges, SessionKey};
use crate::error::ApiMisuse;
use crate::retrieval::BlockIndex;
use crate::retrieval::client::{self as retrieval, Exchange, Outcome, Peer, ReceivedBlock, Tag};

/// A request outstanding at a peer.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) session: SessionKey,
    pub(super) peer: Peer,
    pub(super) asked: Asked,
    pub(super) exchange: Option<Exchange>,
    /// Whether its answer is here, and only the block in it is still to be decrypted.
    pub(super) is_answered: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    List,
    Block(BlockIndex),
}

/// A block that is being verified.
#[derive(Debug)]
pub(super) struct Verifying {
    pub(super) block: BlockOp,
    pub(super) from: From,
    /// Whether its download is over. The caller may have given the name to another, of other content.
    pub(super) is_late: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    Peer { session: SessionKey, peer: Peer },
    Origin(FetchToken),
}

impl Downloader {
    pub(super) fn drain_retrieval(&mut self) {
        while let Some(output) = self.retrieval.poll_output() {
            self.on_retrieval(output);
        }
    }

    fn on_retrieval(&mut self, output: retrieval::Output) {
        match output {
            retrieval::Output::Send {
                exchange,
                tag,
                peer,
                query,
            } => {
                let ask = self.asks.get_mut(&tag).map(|ask| &mut ask.exchange);
                let list = self.segment_lists.get_mut(&tag);
                if let Some(known) = ask.or(list.map(|list| &mut list.exchange)) {
                    *known = Some(exchange);
                    self.outputs.push_back(Output::Send {
                        exchange,
                        peer,
                        query,
                    });
                }
            }
            retrieval::Output::Decrypt(op) => {
                let Some(ask) = self.asks.get_mut(&op.tag) else {
                    return;
                };
                let (key, peer) = (ask.session, ask.peer);
                // What takes time from here on does not keep the peer from its next answer.
                if !core::mem::replace(&mut ask.is_answered, true) {
                    self.unload(peer);
                }
                // The key is that of the download's own content information; no message has one.
                //= PCCRC-2.2-09
                let session = self.sessions.get(&key);
                if let Some(session) = session {
                    let (download, segment) = (session.download, session.segment);
                    self.outputs.push_back(Output::Decrypt {
                        download,
                        segment,
                        op,
                    });
                }
            }
            retrieval::Output::Abort { exchange, peer } => {
                self.outputs.push_back(Output::Abort { exchange, peer });
            }
            retrieval::Output::Event(event) => self.on_event(event),
        }
    }

    fn on_event(&mut self, event: retrieval::Event) {
        match event {
            retrieval::Event::Finished {
                exchange,
                tag,
                outcome,
                ..
            } => self.on_outcome(exchange, tag, outcome),
            retrieval::Event::Rejected {
                exchange,
                peer,
                rejected,
            } => self.tell(Event::Rejected {
                exchange,
                peer,
                rejected,
            }),
            // The list around it is good, and how old segments are makes no difference here.
            retrieval::Event::BlobDropped { .. } => {}
            retrieval::Event::Lenient { peer, quirks } => {
                self.tell(Event::Lenient { peer, quirks });
            }
        }
    }

    fn on_outcome(&mut self, exchange: Exchange, tag: Tag, outcome: Outcome) {
        if self.segment_list_ended(tag, &outcome) {
            return;
        }
        // Unknown where the session ended before: it took its requests along.
        let Some(ask) = self.asks.remove(&tag) else {
            return;
        };
        let (key, peer) = (ask.session, ask.peer);
        if !ask.is_answered {
            self.unload(peer);
        }
        match (ask.asked, outcome) {
            //= CCROD-2.8.2.4.2-01
            //= CCROD-2.8.2.4.2-02
            //= CCROD-2.8.2.5.4-01
            //= CCROD-2.8.2.5.4-02
            (Asked::List, Outcome::BlockList { available, .. }) => {
                self.release(key, peer);
                let server = self.sessions.get_mut(&key).and_then(|it| it.server(peer));
                if let Some(server) = server {
                    server.ranges = Ranges::Known(available);
                }
            }
            (Asked::Block(index), Outcome::Block(received)) => {
                self.verify(exchange, key, peer, index, &received);
            }
            //= CCROD-2.8.2.4.4-02
            (Asked::Block(index), Outcome::NoBlock { .. }) => {
                self.release(key, peer);
                if let Some(session) = self.sessions.get_mut(&key) {
                    insert(&mut session.idle, index);
                    if let Some(server) = session.server(peer) {
                        insert(&mut server.refused, index);
                    }
                }
            }
            (asked, _) => self.server_failed(key, peer, asked),
        }
    }

    /// Has a block verified. Until that is done its server is busy.
    fn verify(
        &mut self,
        exchange: Exchange,
        key: SessionKey,
        peer: Peer,
        index: BlockIndex,
        received: &ReceivedBlock,
    ) {
        let session = self.sessions.get(&key);
        let block = session.and_then(|session| {
            let download = self.downloads.get(&session.download)?;
            download.op(session.segment, index)
        });
        let Some(block) = block else {
            self.release(key, peer);
            return;
        };
        let place = received.place;
        let from = From::Peer { session: key, peer };
        let source = Source::Peer {
            exchange,
            peer,
            place,
        };
        self.put_verify(block, from, source);
    }

    pub(super) fn put_verify(&mut self, block: BlockOp, from: From, source: Source) {
        let verify = VerifyToken(self.new_name());
        let verifying = Verifying {
            block,
            from,
            is_late: false,
        };
        self.verifying.insert(verify, verifying);
        self.outputs.push_back(Output::Verify(VerifyOp {
            verify,
            block,
            source,
        }));
    }

    /// A request of a session came to its end, and so did what hung on it.
    fn release(&mut self, key: SessionKey, peer: Peer) {
        self.is_stirred = true;
        if let Some(session) = self.sessions.get_mut(&key) {
            session.release(peer);
        }
    }

    /// A request failed.
    //= CCROD-2.8.2.5.6-01
    //= CCROD-2.8.2.5.6-04
    pub(super) fn server_failed(&mut self, key: SessionKey, peer: Peer, asked: Asked) {
        self.release(key, peer);
        let allowed = self.settings.block_list_failures;
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let (id, is_hosted) = (session.id, session.is_hosted);
        let is_gone = match asked {
            //= CCROD-2.8.2.4.4-02
            //= CCROD-2.8.2.5.6-03
            Asked::Block(index) => {
                insert(&mut session.idle, index);
                true
            }
            Asked::List => {
                let server = session.server(peer);
                let failures = server.map_or(0, |server| {
                    server.ranges = Ranges::Unknown;
                    server.list_failures += 1;
                    server.list_failures
                });
                //= CCROD-2.8.2.4.4-01
                //= CCROD-2.8.2.5.6-02
                is_hosted || failures > allowed
            }
        };
        if is_gone {
            if let Some(server) = session.server(peer) {
                server.is_gone = true;
            }
            if !is_hosted {
                self.lists
                    .remove(id, peer, &self.settings, &mut self.timers, self.now);
            }
        }
    }

    pub(super) fn verified(&mut self, verify: VerifyToken, good: bool) -> Result<(), ApiMisuse> {
        let Some(verifying) = self.verifying.remove(&verify) else {
            return Err(ApiMisuse("no block was to be verified under this token"));
        };
        let Verifying {
            block,
            from,
            is_late,
        } = verifying;
        match from {
            From::Peer { session, peer } => {
                self.release(session, peer);
                if !good {
                    self.peer_lied(peer, block);
                    if !is_late {
                        self.put_back(session, block);
                    }
                }
            }
            From::Origin(fetch) => self.origin_verified(fetch, block, good || is_late),
        }
        if good && !is_late {
            self.accept(block, matches!(from, From::Origin(_)));
        }
        Ok(())
    }

    /// A download is over: what is still verified for it is of no use to one that gets its name.
    pub(super) fn disown_verifying(&mut self, download: DownloadToken) {
        let verifying = self.verifying.values_mut();
        let of_it = verifying.filter(|verifying| verifying.block.download == download);
        of_it.for_each(|verifying| verifying.is_late = true);
    }

    /// Drops a peer everywhere and remembers it.
    //= CCROD-2.8.2.4.3-01
    //= CCROD-2.8.2.5.5-01
    fn peer_lied(&mut self, peer: Peer, block: BlockOp) {
        self.liars.remember(peer, &self.settings, self.now);
        self.lists
            .remove_everywhere(peer, &self.settings, &mut self.timers, self.now);
        for session in self.sessions.values_mut() {
            if let Some(server) = session.server(peer) {
                server.is_gone = true;
            }
        }
        self.tell(Event::Lied { peer, block });
    }

    /// A block is to be fetched again: from a peer, or where its session is over from the origin.
    fn put_back(&mut self, session: SessionKey, block: BlockOp) {
        if let Some(session) = self.sessions.get_mut(&session) {
            insert(&mut session.idle, block.index);
        } else if let Some(download) = self.downloads.get_mut(&block.download) {
            let missing = [block.index].into_iter().collect();
            download.add_missing(block.segment, missing);
            self.is_stirred = true;
        }
    }

    /// A block is good.
    //= CCROD-2.8.2.4.3-01
    //= CCROD-2.8.2.4.3-03
    //= CCROD-2.8.2.5.5-01
    //= CCROD-2.8.2.5.5-03
    fn accept(&mut self, block: BlockOp, is_from_origin: bool) {
        self.is_stirred = true;
        let Some(download) = self.downloads.get_mut(&block.download) else {
            return;
        };
        let Some(progress) = download.segments.get_mut(block.segment) else {
            return;
        };
        if !progress.left.contains(block.index) {
            return;
        }
        progress.left.remove(block.index);
        if is_from_origin {
            progress.from_origin += 1;
            download.tally.from_origin += block.range.length;
            download.origin_failures = 0;
        } else {
            download.tally.from_peers += block.range.length;
        }
        let is_segment_done = progress.left.is_empty();
        if is_segment_done {
            download.unfinished -= 1;
        }
        let is_done = download.unfinished == 0;
        self.outputs.push_back(Output::Store(block));
        self.deliver(block);
        if is_segment_done {
            self.share_segment(block.download, block.segment);
        }
        if is_done {
            self.finish(block.download);
        }
    }

    fn deliver(&mut self, block: BlockOp) {
        let Some(download) = self.downloads.get_mut(&block.download) else {
            return;
        };
        if download.delivery == Delivery::AsVerified {
            self.outputs.push_back(Output::Deliver(block));
            return;
        }
        while let Some(next) = download.next_in_order() {
            self.outputs.push_back(Output::Deliver(next));
        }
    }

    fn share_segment(&mut self, token: DownloadToken, segment: usize) {
        let download = self.downloads.get(&token);
        if let Some((shared, offers)) = download.and_then(|it| it.shared(segment)) {
            self.put_share(shared, offers);
        }
    }
}

impl Download {
    /// What to tell of a segment, and whether to offer it to the hosted cache.
    pub(super) fn shared(&self, segment: usize) -> Option<(super::Shared, bool)> {
        let progress = self.segments.get(segment)?;
        let blocks = progress.wanted.blocks.difference(&progress.left);
        let shared = super::Shared {
            download: self.token,
            segment,
            id: progress.wanted.id,
            blocks,
            from_origin: progress.from_origin,
            is_complete: blocks.len() == progress.wanted.block_count(),
        };
        let is_hosted = matches!(self.mode, super::Mode::Hosted(_));
        Some((shared, is_hosted && progress.from_origin > 0))
    }
}
