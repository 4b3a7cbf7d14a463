//! MS-PCHC 3.1: the hosted cache. It answers offers and says what to fetch from whom.
//! Invariant: what an offer claims never touches blocks that were verified, and no offer exceeds its client's limits.
//! Byte order: none; it draws no random numbers.
//!
//! A segment has one fetch at a time. Who offers it meanwhile is remembered and asked next for what is still missing. A
//! fetch that fails is not tried again with the same client: the document knows no retry, the next offer starts anew.
//! Blocks that turn out wrong by the hashes of an offer are missing: whoever made the offer is asked for them.

mod io;
mod progress;
mod queue;
mod segments;
mod settings;

pub use io::{Decision, Event, Fetch, FetchToken, Input, KeepHashes, Output, RequestToken, Skip};
pub use settings::ServerSettings;

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use self::queue::{Full, Job, Queue};
use self::segments::{Entry, Phase, Standing};
use super::{
    BatchedOffer, BlockSet, ContentTag, InitialOffer, Quirks, Request, ResponseCode, SegmentInfo,
    SegmentInformation, SegmentKey, TagCounts, Version,
};
use crate::error::{ApiMisuse, Rejected};
use crate::hash::HashAlgorithm;
use crate::time::{Duration, Instant};

/// What a fetch was started with. The cache may know more by the time it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hashes {
    None,
    Unproven,
    Proven,
}

#[derive(Debug)]
struct Running {
    job: Job,
    blocks: BlockSet,
    cost: u64,
    hashes: Hashes,
    deadline: Instant,
}

/// A hosted cache.
#[derive(Debug)]
pub struct Server {
    settings: ServerSettings,
    segments: BTreeMap<SegmentKey, Entry>,
    queue: Queue,
    running: BTreeMap<FetchToken, Running>,
    tokens_used: u64,
    tags: TagCounts,
    outputs: VecDeque<Output>,
}

/// Where an offer came from, for all that it brings about.
#[derive(Clone, Copy)]
struct Offer {
    request: RequestToken,
    /// The client's address with the port of its offer.
    from: SocketAddr,
    tag: Option<ContentTag>,
}

impl Server {
    /// A cache that holds nothing yet.
    #[must_use]
    pub fn new(settings: ServerSettings) -> Self {
        Self {
            settings,
            segments: BTreeMap::new(),
            queue: Queue::default(),
            running: BTreeMap::new(),
            tokens_used: 0,
            tags: TagCounts::new(settings.tags_counted_max),
            outputs: VecDeque::new(),
        }
    }

    /// How many segments were offered under each tag.
    #[must_use]
    pub const fn tags(&self) -> &TagCounts {
        &self.tags
    }

    /// How many segments it knows of: held, waiting or on their way.
    #[must_use]
    pub fn segments_known(&self) -> usize {
        self.segments.len()
    }

    /// How many fetches are on their way.
    #[must_use]
    pub fn fetches_running(&self) -> usize {
        self.running.len()
    }

    /// The blocks it holds of a segment: verified, and as ciphertext.
    #[must_use]
    pub fn held(&self, key: &SegmentKey) -> (BlockSet, BlockSet) {
        let standing = self.segments.get(key).map(Entry::standing);
        let standing = standing.unwrap_or_default();
        (standing.verified, standing.unverified)
    }

    /// Takes what happened.
    ///
    /// # Errors
    /// [`ApiMisuse`] for answers to what was never asked. The machine is unchanged then.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) -> Result<(), ApiMisuse> {
        match input {
            Input::Request {
                request,
                from,
                version,
                quirks,
                is_authenticated,
                message,
            } => {
                let refused = self.settings.authenticate_clients
                    && version == Version::V1
                    && !is_authenticated;
                //= PCHC-2.1-09
                //= PCHC-1.7-02
                if refused {
                    self.outputs.push_back(Output::Unauthorized { request });
                } else {
                    self.request(request, from, version, quirks, message);
                }
            }
            Input::Fetched { token, stored } => self.fetched(token, stored)?,
            Input::FetchFailed { token } => {
                if let Some(running) = self.ended(token)? {
                    self.failed(running, false);
                }
            }
            Input::Rechecked { key, checked, good } => self.rechecked(key, checked, good)?,
            Input::Evicted { key, blocks } => self.evicted(key, blocks),
            Input::Restored {
                key,
                length,
                is_proven,
                hashed,
                verified,
                unverified,
            } => {
                let standing = Standing {
                    hashed,
                    verified,
                    unverified,
                };
                self.restored(key, length, is_proven, standing)?;
            }
            Input::Timeout => self.timed_out(now),
        }
        self.start_fetches(now);
        Ok(())
    }

    /// What to do next; call until there is nothing.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to hand in [`Input::Timeout`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.running.values().map(|running| running.deadline).min()
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn respond(&mut self, request: RequestToken, code: ResponseCode) {
        self.outputs.push_back(Output::Respond { request, code });
    }

    //= PCHC-3.1.5.4-01
    fn drop_request(&mut self, request: RequestToken, why: Rejected) {
        self.outputs.push_back(Output::Drop { request });
        self.tell(Event::Rejected(why));
    }

    fn request(
        &mut self,
        request: RequestToken,
        from: SocketAddr,
        version: Version,
        quirks: Quirks,
        message: &[u8],
    ) {
        let decoded = match Request::decode(message) {
            Ok(decoded) => decoded,
            Err(error) => return self.drop_request(request, error.into()),
        };
        //= PCHC-2.1-07
        if decoded.version() != version {
            let why = Rejected {
                requirement: "PCHC-2.1-07",
                at: 0,
                why: format!(
                    "{} came by the path of version {version}",
                    decoded.message_type()
                ),
            };
            return self.drop_request(request, why);
        }
        if !quirks.is_empty() {
            self.tell(Event::Quirks { request, quirks });
        }
        //= PCHC-3.1.5.1-04
        //= PCHC-3.1.5.2-03
        //= PCHC-3.1.5.3-04
        let mut from = from;
        from.set_port(decoded.port());
        let offer = Offer {
            request,
            from,
            tag: None,
        };
        match decoded {
            Request::InitialOffer(message) => self.initial_offer(offer, &message),
            Request::SegmentInfo(message) => self.segment_info(offer, &message),
            Request::BatchedOffer(message) => self.batched_offer(offer, &message),
        }
    }

    //= PCHC-3.1.5.1-01
    fn initial_offer(&mut self, offer: Offer, message: &InitialOffer) {
        // Version 1.0 has three algorithms, and each has its own length.
        let algorithm = match message.segment.0.as_bytes().len() {
            48 => HashAlgorithm::Sha384,
            64 => HashAlgorithm::Sha512,
            _ => HashAlgorithm::Sha256,
        };
        let key = SegmentKey {
            algorithm,
            id: message.segment,
        };
        let length = self
            .segments
            .get(&key)
            .filter(|entry| entry.is_proven)
            .map(|entry| entry.length);
        match length {
            //= PCHC-3.1.5.1-02
            //= PCHC-3.1.5.1-03
            //= PCHC-3.1.5.1-05
            Some(length) => {
                self.respond(offer.request, ResponseCode::OK);
                self.offered(offer, key, length);
            }
            //= PCHC-3.1.5.1-07
            //= PCHC-2.2.2.2-02
            None => {
                self.respond(offer.request, ResponseCode::INTERESTED);
                self.decide(offer, key, Decision::AskedForHashes);
            }
        }
    }

    //= PCHC-3.1.5.2-01
    //= PCHC-2.2.2.2-04
    fn segment_info(&mut self, offer: Offer, message: &SegmentInfo<'_>) {
        self.respond(offer.request, ResponseCode::OK);
        //= PCHC-2.2.1.4-03
        //= PCHC-3.1.5.2-05
        let tag = message.content_tag;
        self.tags.count(tag);
        let information = match message.segment() {
            Ok(information) => information,
            Err(bad) => {
                return self.tell(Event::BadContentInformation {
                    from: offer.from,
                    tag,
                    why: bad.into(),
                });
            }
        };
        if !information.quirks.is_empty() {
            self.tell(Event::Quirks {
                request: offer.request,
                quirks: information.quirks,
            });
        }
        let offer = Offer {
            tag: Some(tag),
            ..offer
        };
        if !information.is_proven && !self.settings.accept_partial_hashes {
            let decision = Decision::Skipped(Skip::HashesIncomplete);
            return self.decide(offer, information.key, decision);
        }
        match self.learn(&information) {
            Err(skip) => self.decide(offer, information.key, Decision::Skipped(skip)),
            //= PCHC-3.1.5.2-02
            Ok(learnt) => {
                let decision = self.plan(offer.from, information.key, information.length);
                self.decide(offer, information.key, decision);
                self.keep(offer.request, &information, &learnt, offer.from);
            }
        }
    }

    //= PCHC-3.1.5.3-01
    //= PCHC-3.1.5.3-02
    //= PCHC-2.2.2.2-03
    fn batched_offer(&mut self, offer: Offer, message: &BatchedOffer<'_>) {
        self.respond(offer.request, ResponseCode::OK);
        for descriptor in message.descriptors() {
            //= PCHC-3.1.5.3-06
            self.tags.count(descriptor.content_tag);
            let offer = Offer {
                tag: Some(descriptor.content_tag),
                ..offer
            };
            //= PCHC-3.1.5.3-03
            if descriptor.size_is_possible() {
                self.offered(offer, descriptor.key(), descriptor.segment_size);
            } else {
                let decision = Decision::Skipped(Skip::ImpossibleSize);
                self.decide(offer, descriptor.key(), decision);
            }
        }
    }

    fn decide(&mut self, offer: Offer, key: SegmentKey, decision: Decision) {
        self.tell(Event::Offered {
            from: offer.from,
            key,
            tag: offer.tag,
            decision,
        });
    }

    /// Decides what becomes of the offer of a segment whose hashes, if there are any, were taken in already.
    fn offered(&mut self, offer: Offer, key: SegmentKey, length: u32) {
        let decision = self.plan(offer.from, key, length);
        self.decide(offer, key, decision);
        self.forget_if_idle_and_empty(key);
    }

    fn plan(&mut self, from: SocketAddr, key: SegmentKey, length: u32) -> Decision {
        if from.port() == 0 {
            return Decision::Skipped(Skip::NoPort);
        }
        let is_full = self.segments.len() >= self.settings.segments_known_max;
        if is_full && !self.segments.contains_key(&key) {
            return Decision::Skipped(Skip::TooManySegments);
        }
        let entry = self
            .segments
            .entry(key)
            .or_insert_with(|| Entry::new(key, length));
        if entry.standing().hashed.is_empty() {
            // Nobody can tell which of two lengths is the right one; the longer one loses no block.
            entry.length = entry.length.max(length);
        }
        if entry.wanted().is_empty() {
            return Decision::Held;
        }
        match entry.phase {
            Phase::Idle => match self.queue.push(&self.settings, Job { key, from }) {
                Ok(()) => {
                    entry.phase = Phase::Queued(from);
                    Decision::Queued
                }
                Err(Full::ForClient) => Decision::Skipped(Skip::ClientQueueFull),
                Err(Full::ForAll) => Decision::Skipped(Skip::QueueFull),
            },
            Phase::Queued(by) if by == from => Decision::Queued,
            Phase::Queued(_) | Phase::Running => {
                if entry.sources.contains(&from) {
                    Decision::NextSource
                } else if entry.sources.len() < self.settings.sources_per_segment_max {
                    entry.sources.push_back(from);
                    Decision::NextSource
                } else {
                    Decision::Skipped(Skip::SourcesEnough)
                }
            }
        }
    }
}
