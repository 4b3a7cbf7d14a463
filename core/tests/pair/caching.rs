//! A hosted cache: its server machine, the fetches that it makes from clients, and what it keeps on disk.
//! Invariant: what it holds as verified is the content; its machine and its store agree on what there is.
//! Byte order: none.

#[path = "keeping.rs"]
mod keeping;

use std::collections::{BTreeMap, BTreeSet};

use peerdist::content::SegmentSecret;
use peerdist::hosted_cache::client::RequestId;
use peerdist::hosted_cache::server::{
    Event, Fetch, FetchToken, Input, Output, RequestToken, Server, ServerSettings,
};
use peerdist::hosted_cache::{BlockSet, Quirks, Response, SegmentKey, Version};
use peerdist::retrieval::client::{
    Client, ClientSettings, DecryptOp, Event as AskEvent, Exchange, Input as AskInput, Outcome,
    Output as AskOutput, Peer, Question, Reading, Tag,
};
use peerdist::retrieval::{BlockIndex, block_key};
use peerdist::time::{Duration, Instant};

use crate::broken::{Broken, ensure};
use crate::faults::Faults;
use crate::node::Asker;
use crate::world::{Bug, Happening, World};
use keeping::{Arrived, Kept};

pub(crate) struct Cache {
    pub(crate) server: Server,
    settings: ServerSettings,
    pub(crate) asking: Client,
    fetches: BTreeMap<FetchToken, Fetching>,
    /// Questions under way, and whose they are.
    asks: BTreeMap<Tag, (FetchToken, u32, Option<Exchange>)>,
    messages: BTreeMap<Exchange, Vec<u8>>,
    decrypting: BTreeMap<Exchange, DecryptOp>,
    posted: BTreeMap<RequestToken, Poster>,
    /// Looks at blocks that are still to come.
    rechecks: BTreeSet<(SegmentKey, u64)>,
    /// Hashes and secrets, on disk.
    kept: BTreeMap<SegmentKey, Kept>,
    names: u64,
}

/// Who waits for the answer to an offer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Poster {
    pub(crate) node: usize,
    pub(crate) life: u32,
    pub(crate) request: RequestId,
    pub(crate) version: Version,
    pub(crate) is_authenticated: bool,
}

struct Fetching {
    fetch: Fetch,
    since: Instant,
    left: BlockSet,
    arrived: Vec<(u32, Arrived)>,
}

fn asking(faults: &mut Faults) -> Client {
    Client::new(ClientSettings::default(), &faults.seed()).unwrap()
}

impl Cache {
    pub(crate) fn new(faults: &mut Faults) -> Self {
        let settings = ServerSettings {
            authenticate_clients: faults.chance(500),
            accept_partial_hashes: faults.chance(500),
            segments_in_flight_per_client: 1 + u32::try_from(faults.below(2)).unwrap(),
            segments_in_flight_total: [1, 2, 64][faults.index(3)],
            bytes_in_flight_per_client: [1, 100_000, 64 << 20][faults.index(3)],
            fetch_timeout_ms: [2_500, 30_000][faults.index(2)],
            ..ServerSettings::default()
        };
        Self {
            server: Server::new(settings),
            settings,
            asking: asking(faults),
            fetches: BTreeMap::new(),
            asks: BTreeMap::new(),
            messages: BTreeMap::new(),
            decrypting: BTreeMap::new(),
            posted: BTreeMap::new(),
            rechecks: BTreeSet::new(),
            kept: BTreeMap::new(),
            names: 0,
        }
    }

    fn restart(&mut self, faults: &mut Faults) {
        self.server = Server::new(self.settings);
        self.asking = asking(faults);
        self.fetches.clear();
        self.asks.clear();
        self.messages.clear();
        self.decrypting.clear();
        self.posted.clear();
        self.rechecks.clear();
    }

    pub(crate) fn check_limits(&self, now: Instant) -> Result<(), Broken> {
        let (running, kept) = (self.server.fetches_running(), self.fetches.len());
        ensure!(running == kept, "{running} fetches, and {kept} are made");
        let most = self.settings.segments_in_flight_total as usize;
        ensure!(running <= most, "fetches: {running} of {most}");
        let known = self.server.segments_known();
        ensure!(
            known <= self.settings.segments_known_max,
            "segments: {known}"
        );
        let (asks, asked) = (self.asks.len(), self.asking.outstanding());
        ensure!(asks == asked, "{asked} questions, of {asks}");
        ensure!(asks <= running, "one question for each fetch: {asks}");
        let (messages, open) = (self.messages.len(), self.decrypting.len());
        ensure!(
            messages == open,
            "messages are kept for nothing: {messages}"
        );
        let longest = Duration::from_millis(self.settings.fetch_timeout_ms);
        for (token, fetching) in &self.fetches {
            let age = now.since(fetching.since);
            ensure!(age <= longest, "{token:?} outlives its timer: {age:?}");
        }
        Ok(())
    }

    pub(crate) fn check_end(&self) -> Result<(), Broken> {
        ensure!(self.fetches.is_empty(), "a fetch never ended");
        ensure!(self.posted.is_empty(), "an offer was never answered");
        ensure!(self.rechecks.is_empty(), "a look at blocks never ended");
        Ok(())
    }
}

impl World {
    fn its_cache(&mut self, number: usize) -> Result<&mut Cache, Broken> {
        let cache = self.nodes[number].cache.as_deref_mut();
        cache.ok_or_else(|| "no hosted cache is here".into())
    }

    /// At the start of each life of a hosted cache: what is on disk is told to its machine.
    pub(crate) fn open_cache(&mut self, number: usize, is_restart: bool) -> Result<(), Broken> {
        if let Some(cache) = &mut self.nodes[number].cache {
            if is_restart {
                cache.restart(&mut self.faults);
            }
            for input in self.on_disk_of_cache(number) {
                self.cache(number, input, &[])?;
            }
        }
        Ok(())
    }

    pub(crate) fn posted(
        &mut self,
        number: usize,
        poster: Poster,
        message: &[u8],
    ) -> Result<(), Broken> {
        let mut from = self.nodes[poster.node].discovery.address;
        from.set_port(40_000);
        let cache = self.its_cache(number)?;
        cache.names += 1;
        let request = RequestToken(cache.names);
        cache.posted.insert(request, poster);
        let input = Input::Request {
            request,
            from,
            version: poster.version,
            quirks: Quirks::default(),
            is_authenticated: poster.is_authenticated,
            message,
        };
        self.cache(number, input, message).map(|_| ())
    }

    /// Tells how much was put out.
    pub(crate) fn cache(
        &mut self,
        number: usize,
        input: Input<'_>,
        message: &[u8],
    ) -> Result<u32, Broken> {
        let now = self.now;
        self.its_cache(number)?.server.handle(now, input)?;
        let mut drained = 0;
        while let Some(output) = self.its_cache(number)?.server.poll_output() {
            drained += 1;
            ensure!(drained < 100_000, "draining does not end");
            match output {
                Output::Respond { request, code } => {
                    let body = Response { code }.encode();
                    self.answer_post(number, request, 200, &body)?;
                }
                Output::Unauthorized { request } => {
                    self.total.unauthorized += 1;
                    self.answer_post(number, request, 401, &[])?;
                }
                Output::Drop { request } => self.answer_post(number, request, 400, &[])?,
                Output::KeepHashes(keep) => self.keep_hashes(number, &keep, message)?,
                Output::Fetch(fetch) => self.start_fetch(number, fetch)?,
                Output::Abandon { token } => self.abandon(number, token)?,
                Output::Recheck { key, blocks } => {
                    let cache = self.its_cache(number)?;
                    cache.names += 1;
                    let name = cache.names;
                    cache.rechecks.insert((key, name));
                    self.plan_soon(number, Happening::Recheck(key, name, blocks));
                }
                Output::Discard {
                    key,
                    blocks,
                    only_ciphertext,
                } => self.discard(number, key, &blocks, only_ciphertext)?,
                Output::Forget { key } => {
                    let kept = self.its_cache(number)?.kept.remove(&key);
                    kept.ok_or("hashes are to be forgotten that were never kept")?;
                }
                Output::Event(Event::Fetched { .. }) => self.total.fetched += 1,
                Output::Event(Event::Rejected(_) | Event::BadContentInformation { .. }) => {
                    self.total.rejected += 1;
                }
                Output::Event(_) => {}
            }
        }
        Ok(drained)
    }

    fn answer_post(
        &mut self,
        number: usize,
        request: RequestToken,
        status: u16,
        body: &[u8],
    ) -> Result<(), Broken> {
        let poster = self.its_cache(number)?.posted.remove(&request);
        let poster = poster.ok_or("a request is answered twice")?;
        if poster.life != self.nodes[poster.node].life {
            return Ok(());
        }
        for (after, body) in self.faults.carry(self.now, body) {
            let response = Happening::PostAnswered(poster.request, status, body);
            self.plan(poster.node, after, response);
        }
        Ok(())
    }

    fn start_fetch(&mut self, number: usize, fetch: Fetch) -> Result<(), Broken> {
        ensure!(!fetch.blocks.is_empty(), "nothing is to be fetched");
        let fetching = Fetching {
            left: fetch.blocks,
            since: self.now,
            arrived: Vec::new(),
            fetch,
        };
        let token = fetching.fetch.token;
        self.its_cache(number)?.fetches.insert(token, fetching);
        self.ask_next(number, token)
    }

    /// Asks for the next block of a fetch, or ends it.
    fn ask_next(&mut self, number: usize, token: FetchToken) -> Result<(), Broken> {
        let now = self.now;
        let cache = self.its_cache(number)?;
        let Some(fetching) = cache.fetches.get_mut(&token) else {
            return Ok(());
        };
        let Some(block) = fetching.left.iter().next() else {
            self.plan_soon(number, Happening::FetchEnded(token));
            return Ok(());
        };
        fetching.left = fetching.left.difference(&BlockSet::range(block, 1));
        let (key, from) = (fetching.fetch.key, fetching.fetch.from);
        let length = keeping::block_length(key, fetching.fetch.segment_length, block);
        let reading = match fetching.fetch.hashes_are_known {
            true => Reading::Plain { length },
            false => Reading::AsReceived,
        };
        cache.names += 1;
        let tag = Tag(cache.names);
        cache.asks.insert(tag, (token, block, None));
        let peer = Peer(self.peer_at(from) as u64);
        let question = Question::Block {
            segment: key.id,
            index: BlockIndex::new(block).ok_or("no block")?,
            reading,
        };
        let ask = AskInput::Ask {
            tag,
            peer,
            question,
        };
        self.its_cache(number)?.asking.handle(now, ask)?;
        self.drain_asking(number).map(|_| ())
    }

    /// Tells how much was put out.
    pub(crate) fn asking(&mut self, number: usize, input: AskInput<'_>) -> Result<u32, Broken> {
        let now = self.now;
        self.its_cache(number)?.asking.handle(now, input)?;
        self.drain_asking(number)
    }

    fn drain_asking(&mut self, number: usize) -> Result<u32, Broken> {
        let mut drained = 0;
        while let Some(output) = self.its_cache(number)?.asking.poll_output() {
            drained += 1;
            ensure!(drained < 100_000, "draining does not end");
            match output {
                AskOutput::Send {
                    exchange,
                    tag,
                    peer,
                    query,
                } => {
                    let ask = self.its_cache(number)?.asks.get_mut(&tag);
                    ask.ok_or("nobody asked")?.2 = Some(exchange);
                    self.ask(number, Asker::Cache, exchange, peer, &query);
                }
                AskOutput::Decrypt(op) => {
                    self.its_cache(number)?.decrypting.insert(op.exchange, op);
                    self.plan_soon(number, Happening::CacheDecrypted(op.exchange));
                }
                AskOutput::Abort { exchange, .. } => {
                    self.nodes[number].waiting.remove(&(Asker::Cache, exchange));
                    self.its_cache(number)?.decrypting.remove(&exchange);
                }
                AskOutput::Event(AskEvent::Finished {
                    exchange,
                    tag,
                    outcome,
                    ..
                }) => self.asked(number, exchange, tag, &outcome)?,
                AskOutput::Event(AskEvent::Rejected { .. }) => self.total.rejected += 1,
                AskOutput::Event(_) => {}
            }
        }
        Ok(drained)
    }

    fn asked(
        &mut self,
        number: usize,
        exchange: Exchange,
        tag: Tag,
        outcome: &Outcome,
    ) -> Result<(), Broken> {
        let cache = self.its_cache(number)?;
        let (token, block, _) = cache.asks.remove(&tag).ok_or("a question ended twice")?;
        let message = cache.messages.remove(&exchange);
        let fetching = cache.fetches.get_mut(&token);
        if let (Outcome::Block(received), Some(fetching)) = (outcome, fetching) {
            ensure!(
                received.index.get() == block,
                "another block than asked for"
            );
            let message = message.ok_or("a block without its message")?;
            let bytes = received.place.of(&message).ok_or("no block in it")?;
            let arrived = Arrived {
                bytes: bytes.to_vec(),
                crypto: received.crypto,
                iv: received.iv.unwrap_or_default(),
            };
            fetching.arrived.push((block, arrived));
        }
        self.ask_next(number, token)
    }

    pub(crate) fn cache_response(
        &mut self,
        number: usize,
        exchange: Exchange,
        bytes: Vec<u8>,
        is_awaited: bool,
    ) -> Result<(), Broken> {
        if is_awaited {
            let messages = &mut self.its_cache(number)?.messages;
            messages.insert(exchange, bytes.clone());
        }
        let bytes = &bytes;
        self.asking(number, AskInput::Message { exchange, bytes })?;
        let cache = self.its_cache(number)?;
        if !cache.decrypting.contains_key(&exchange) {
            cache.messages.remove(&exchange);
        }
        Ok(())
    }

    pub(crate) fn cache_failed(&mut self, number: usize, exchange: Exchange) -> Result<(), Broken> {
        self.asking(number, AskInput::Failed { exchange })
            .map(|_| ())
    }

    pub(crate) fn cache_decrypted(
        &mut self,
        number: usize,
        exchange: Exchange,
    ) -> Result<(), Broken> {
        let cache = self.its_cache(number)?;
        let Some(op) = cache.decrypting.remove(&exchange) else {
            return Ok(());
        };
        let mut kept = cache.kept.iter().filter(|(key, _)| key.id == op.segment);
        // The hashes may have been forgotten meanwhile.
        let secret = kept.next().map(|(_, kept)| kept.secret.clone());
        let secret = secret.unwrap_or_else(|| SegmentSecret::new(&[0; 32]));
        let message = cache.messages.get_mut(&exchange);
        let message = message.ok_or("no message to decrypt")?;
        let key = block_key(op.cipher, &secret).unwrap();
        peerdist::cipher::decrypt_many(&mut [op.job(&key, message).unwrap()]);
        let (_, quirk) = op.plain(message).unwrap();
        self.asking(number, AskInput::Decrypted { exchange, quirk })
            .map(|_| ())
    }

    fn abandon(&mut self, number: usize, token: FetchToken) -> Result<(), Broken> {
        let cache = self.its_cache(number)?;
        let fetching = cache.fetches.remove(&token);
        fetching.ok_or("a fetch is abandoned that is over")?;
        let asks = cache.asks.values().filter(|(of, ..)| *of == token);
        let exchanges: Vec<_> = asks.filter_map(|(.., exchange)| *exchange).collect();
        for exchange in exchanges {
            self.its_cache(number)?.messages.remove(&exchange);
            self.asking(number, AskInput::Cancel { exchange })?;
        }
        Ok(())
    }

    /// All blocks of a fetch were asked for.
    pub(crate) fn fetch_ended(&mut self, number: usize, token: FetchToken) -> Result<(), Broken> {
        if self.bug == Bug::ForgetsFetches {
            return Ok(());
        }
        let Some(fetching) = self.its_cache(number)?.fetches.remove(&token) else {
            return Ok(());
        };
        let stored = self.keep_arrived(number, &fetching.fetch, fetching.arrived)?;
        let input = match stored.is_empty() && self.faults.chance(500) {
            true => Input::FetchFailed { token },
            false => Input::Fetched { token, stored },
        };
        self.cache(number, input, &[]).map(|_| ())
    }
}
