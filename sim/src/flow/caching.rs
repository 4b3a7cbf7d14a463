//! MS-PCHC 3.1: a hosted cache: what it is offered, what it fetches, and what it keeps.
//! Invariant: it keeps what it fetched and nothing else; who offers is asked for the blocks.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::client::WantedSegment;
use peerdist::content::{BLOCK_BYTES, SegmentId, Version};
use peerdist::hash::HashAlgorithm;
use peerdist::hosted_cache::client::RequestId;
use peerdist::hosted_cache::server::{
    Fetch, FetchToken, Input, Output, RequestToken, Server, ServerSettings,
};
use peerdist::hosted_cache::{Quirks, Response, SegmentKey};
use peerdist::retrieval::client::{
    Client, ClientSettings, Event, Input as AskInput, Outcome, Output as AskOutput, Peer, Question,
    Reading, Tag,
};
use peerdist::retrieval::{BlockIndex, BlockRange, BlockSet};
use peerdist::time::Instant;

use super::branch::{Branch, Route, Sending};
use super::host::{address_of, host_at};
use super::offering::{Offer, algorithm};
use super::overhead::RETRIEVAL_RESPONSE;

/// The machines of a hosted cache.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) server: Server,
    pub(super) client: Client,
    pub(super) wakes: [Option<Instant>; 2],
    fetches: BTreeMap<FetchToken, Fetching>,
    /// Which fetch, and which block of it, each question is for.
    questions: BTreeMap<Tag, (FetchToken, BlockIndex)>,
    /// Who waits for the answer to an offer.
    posted: BTreeMap<RequestToken, (u32, RequestId)>,
    names: u64,
    /// Blocks that were stored as they came, for want of their hashes.
    pub(super) sealed: BTreeMap<SegmentId, BlockSet>,
}

#[derive(Debug)]
struct Fetching {
    fetch: Fetch,
    peer: u32,
    left: BlockSet,
    stored: BlockSet,
}

impl Cache {
    pub(super) fn new(seed: &[u8; 32]) -> Option<Self> {
        Some(Self {
            server: Server::new(ServerSettings::default()),
            client: Client::new(ClientSettings::default(), seed).ok()?,
            wakes: [None; 2],
            fetches: BTreeMap::new(),
            questions: BTreeMap::new(),
            posted: BTreeMap::new(),
            names: 0,
            sealed: BTreeMap::new(),
        })
    }

    /// Those who wait for an answer to an offer.
    pub(super) fn take_posted(&mut self) -> Vec<(u32, RequestId)> {
        std::mem::take(&mut self.posted).into_values().collect()
    }

    /// A host is gone: its offers need no answer.
    pub(super) fn forget_posted(&mut self, host: u32) {
        self.posted.retain(|_, (from, _)| *from != host);
    }
}

/// The segment of an offer: only its own length is known, not where it is.
fn wanted(fetch: &Fetch) -> WantedSegment {
    let block_size = match fetch.key.algorithm {
        HashAlgorithm::Sha512Truncated => fetch.segment_length,
        _ => BLOCK_BYTES,
    };
    let blocks = fetch.segment_length.div_ceil(block_size.max(1));
    WantedSegment {
        id: fetch.key.id,
        offset: 0,
        length: fetch.segment_length,
        block_size,
        blocks: BlockSet::first_blocks(blocks),
    }
}

impl Branch<'_> {
    /// Whether a host is the hosted cache.
    pub(super) fn is_cache(&self, number: u32) -> bool {
        let host = self.hosts.get(number as usize);
        host.is_some_and(|host| host.cache.is_some())
    }

    fn its_cache(&mut self) -> Option<&mut Cache> {
        let number = self.site.cache_number();
        self.host(number)?.cache.as_deref_mut()
    }

    /// An offer came.
    pub(super) fn offered(&mut self, from: u32, offer: &Offer) {
        let Some(cache) = self.its_cache() else {
            return;
        };
        cache.names += 1;
        let request = RequestToken(cache.names);
        cache.posted.insert(request, (from, offer.request));
        let input = Input::Request {
            request,
            from: address_of(from),
            version: offer.version,
            quirks: Quirks::default(),
            is_authenticated: false,
            message: &offer.message,
        };
        let number = self.site.cache_number();
        self.cache(number, input);
    }

    /// Moves the hosted cache.
    pub(super) fn cache(&mut self, number: u32, input: Input<'_>) {
        let now = self.now;
        let Some(cache) = self.its_cache() else {
            return;
        };
        if let Err(misuse) = cache.server.handle(now, input) {
            self.violated(format!("the hosted cache refused an input: {misuse}"));
        }
        while let Some(output) = self
            .its_cache()
            .and_then(|cache| cache.server.poll_output())
        {
            match output {
                Output::Respond { request, code } => {
                    self.answer_offer(request, 200, Response { code }.encode());
                }
                Output::Unauthorized { request } => self.answer_offer(request, 401, Vec::new()),
                Output::Drop { request } => self.answer_offer(request, 400, Vec::new()),
                Output::Fetch(fetch) => self.start_fetch(fetch),
                Output::Abandon { token } => {
                    if let Some(cache) = self.its_cache() {
                        cache.fetches.remove(&token);
                    }
                }
                Output::Recheck { key, blocks } => {
                    let good = self.right_blocks(number, &key.id, &blocks);
                    let input = Input::Rechecked {
                        key,
                        checked: blocks,
                        good,
                    };
                    let handled = self
                        .its_cache()
                        .map(|cache| cache.server.handle(now, input));
                    if let Some(Err(misuse)) = handled {
                        self.violated(format!("the hosted cache refused an input: {misuse}"));
                    }
                }
                Output::Discard { key, blocks, .. } => {
                    if let Some(host) = self.host(number) {
                        host.store.discard(&key.id, &blocks);
                    }
                }
                Output::KeepHashes(_) | Output::Forget { .. } | Output::Event(_) => {}
            }
        }
        self.plan_wakes(number);
    }

    fn answer_offer(&mut self, request: RequestToken, status: u16, body: Vec<u8>) {
        let posted = self
            .its_cache()
            .and_then(|cache| cache.posted.remove(&request));
        let Some((to, request)) = posted else {
            return;
        };
        let bytes = RETRIEVAL_RESPONSE + body.len() as u64;
        let route = Route::Lan {
            from: self.site.cache_number(),
            to,
        };
        let sending = Sending::OfferAnswer {
            host: to,
            request,
            status,
            body,
        };
        self.send(route, true, bytes, u64::MAX, sending);
    }

    fn start_fetch(&mut self, fetch: Fetch) {
        let Some(peer) = host_at(fetch.from) else {
            return;
        };
        let token = fetch.token;
        let fetching = Fetching {
            peer,
            left: fetch.blocks,
            stored: BlockSet::EMPTY,
            fetch,
        };
        if let Some(cache) = self.its_cache() {
            cache.fetches.insert(token, fetching);
        }
        self.ask_next(token);
    }

    /// Asks for the next block of a fetch, or ends it.
    fn ask_next(&mut self, token: FetchToken) {
        let number = self.site.cache_number();
        let Some(cache) = self.its_cache() else {
            return;
        };
        let Some(fetching) = cache.fetches.get_mut(&token) else {
            return;
        };
        let Some(block) = fetching.left.iter().next() else {
            let stored = fetching.stored;
            cache.fetches.remove(&token);
            let input = if stored.is_empty() {
                Input::FetchFailed { token }
            } else {
                Input::Fetched { token, stored }
            };
            return self.cache(number, input);
        };
        fetching.left.remove(block);
        let fetch = &fetching.fetch;
        let length = u32::try_from(wanted(fetch).range_of(block).length).unwrap_or(u32::MAX);
        let question = Question::Block {
            segment: fetch.key.id,
            index: block,
            reading: if fetch.hashes_are_known {
                Reading::Plain { length }
            } else {
                Reading::AsReceived
            },
        };
        let peer = Peer(fetching.peer.into());
        cache.names += 1;
        let tag = Tag(cache.names);
        cache.questions.insert(tag, (token, block));
        self.cache_client(
            number,
            AskInput::Ask {
                tag,
                peer,
                question,
            },
        );
    }

    /// Moves the asking side of the hosted cache.
    pub(super) fn cache_client(&mut self, number: u32, input: AskInput<'_>) {
        let now = self.now;
        let Some(cache) = self.its_cache() else {
            return;
        };
        if let Err(misuse) = cache.client.handle(now, input) {
            self.violated(format!(
                "the client of the hosted cache refused an input: {misuse}"
            ));
        }
        while let Some(output) = self
            .its_cache()
            .and_then(|cache| cache.client.poll_output())
        {
            match output {
                AskOutput::Send {
                    exchange,
                    peer,
                    query,
                    ..
                } => {
                    if let Ok(peer) = u32::try_from(peer.0) {
                        self.ask(number, exchange, peer, query);
                    }
                }
                AskOutput::Decrypt(op) => {
                    let input = AskInput::Decrypted {
                        exchange: op.exchange,
                        quirk: None,
                    };
                    let handled = self
                        .its_cache()
                        .map(|cache| cache.client.handle(now, input));
                    if let Some(Err(misuse)) = handled {
                        self.violated(format!("the client of the hosted cache: {misuse}"));
                    }
                }
                AskOutput::Abort { exchange, .. } => self.abort(number, exchange),
                AskOutput::Event(Event::Finished { tag, outcome, .. }) => {
                    self.block_settled(number, tag, &outcome);
                }
                AskOutput::Event(_) => {}
            }
        }
        self.plan_wakes(number);
    }

    fn block_settled(&mut self, number: u32, tag: Tag, outcome: &Outcome) {
        let now = self.now;
        let is_wrong = self.faulting.is_wrong;
        let trusts_everybody = self.faulting.trusts_everybody;
        let Some(host) = self.host(number) else {
            return;
        };
        let clock = host.clock(now);
        let Some(cache) = host.cache.as_deref_mut() else {
            return;
        };
        let Some((token, block)) = cache.questions.remove(&tag) else {
            return;
        };
        let Some(fetching) = cache.fetches.get_mut(&token) else {
            return;
        };
        let is_known = fetching.fetch.hashes_are_known;
        // What has hashes is held against them.
        let is_taken = !is_wrong || !is_known || trusts_everybody;
        if matches!(outcome, Outcome::Block(_)) && is_taken {
            let version = match fetching.fetch.key.algorithm {
                HashAlgorithm::Sha512Truncated => Version::V2,
                _ => Version::V1,
            };
            let segment = wanted(&fetching.fetch);
            if host.store.put(clock, version, &segment, block) {
                fetching.stored.insert(BlockRange::one(block));
            }
            if !is_known {
                let sealed = cache.sealed.entry(segment.id);
                let sealed = sealed.or_insert(BlockSet::EMPTY);
                sealed.insert(BlockRange::one(block));
            }
            let gone = host.store.gone.as_mut().map(std::mem::take);
            self.check_cached(number, segment.id, block, is_wrong, is_known);
            for (id, version, blocks) in gone.unwrap_or_default() {
                let key = SegmentKey {
                    algorithm: algorithm(version),
                    id,
                };
                self.cache(number, Input::Evicted { key, blocks });
            }
        } else {
            fetching.left = BlockSet::EMPTY;
        }
        self.ask_next(token);
    }
}
