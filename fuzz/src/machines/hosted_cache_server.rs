//! The hosted cache (MS-PCHC 3.1) under scripts.
//! Invariant: every request gets one answer, no client and no table goes past its limit, and every fetch ends once.
//! Byte order: none.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use peerdist::content::ContentInfo;
use peerdist::error::Rejected;
use peerdist::hash::HashAlgorithm;
use peerdist::hosted_cache::server::{
    Event, Fetch, FetchToken, Input, Output, RequestToken, Server, ServerSettings,
};
use peerdist::hosted_cache::{
    BatchedOffer, BlockSet, ContentTag, InitialOffer, Quirks, ReadBytes, SegmentDescriptor,
    SegmentKey, Version, encode_segment_info_into,
};
use peerdist::time::Instant;

use crate::agreement;
use crate::law::{self, World};
use crate::machines::offers::content;
use crate::machines::prober::address;
use crate::script::{Script, segment_id};

const SEGMENTS: usize = 6;
const IN_FLIGHT: u32 = 3;
const IN_FLIGHT_PER_CLIENT: u32 = 2;

struct Stage {
    server: Server,
    fetches: BTreeMap<FetchToken, Fetch>,
    rechecks: Vec<(SegmentKey, BlockSet)>,
    answers: BTreeMap<RequestToken, u32>,
    message: Vec<u8>,
}

impl Stage {
    fn answered(&mut self, request: RequestToken) {
        *self.answers.entry(request).or_default() += 1;
    }

    fn rejected(&self, rejected: &Rejected) {
        agreement::rejection(rejected, self.message.len());
    }
}

impl World for Stage {
    type Output = Output;

    fn poll_output(&mut self) -> Option<Output> {
        self.server.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.server.poll_timeout()
    }

    fn timeout(&mut self, now: Instant) {
        self.server
            .handle(now, Input::Timeout)
            .expect("a timeout is always due");
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Respond { request, .. }
            | Output::Unauthorized { request }
            | Output::Drop { request } => self.answered(request),
            Output::KeepHashes(keep) => {
                let list = self.message.get(keep.list.clone());
                let list = list.expect("hashes in the message");
                let size = keep.key.algorithm.digest_len();
                assert!(list.len().is_multiple_of(size));
                let listed = u32::try_from(list.len() / size).expect("at most 512");
                let listed = BlockSet::range(keep.first_block, listed);
                assert!(keep.blocks.is_subset(&listed), "{keep:?}");
            }
            Output::Fetch(fetch) => {
                assert!(!fetch.blocks.is_empty() && fetch.from.port() != 0);
                let is_same = |other: &Fetch| other.key == fetch.key;
                assert!(
                    !self.fetches.values().any(is_same),
                    "fetched twice at a time"
                );
                self.fetches.insert(fetch.token, fetch);
            }
            Output::Abandon { token } => assert!(self.fetches.remove(&token).is_some()),
            Output::Recheck { key, blocks } => {
                assert!(!blocks.is_empty());
                self.rechecks.push((key, blocks));
            }
            Output::Discard { blocks, .. } => assert!(!blocks.is_empty()),
            Output::Forget { key } => {
                let (verified, unverified) = self.server.held(&key);
                assert!(verified.is_empty() && unverified.is_empty());
            }
            Output::Event(Event::Rejected(rejected)) => self.rejected(&rejected),
            Output::Event(Event::BadContentInformation { why, .. }) => self.rejected(&why),
            Output::Event(_) => {}
        }
    }

    fn check(&self) {
        assert!(self.server.segments_known() <= SEGMENTS);
        assert!(self.fetches.len() <= IN_FLIGHT as usize);
        for fetch in self.fetches.values() {
            let of_client = |other: &&Fetch| other.from == fetch.from;
            let count = self.fetches.values().filter(of_client).count();
            assert!(count <= IN_FLIGHT_PER_CLIENT as usize);
        }
        assert_eq!(self.fetches.is_empty(), self.poll_timeout().is_none());
        assert!(
            self.answers.values().all(|count| *count == 1),
            "answered twice"
        );
    }
}

fn key(number: u8) -> SegmentKey {
    let id = segment_id(number % 8);
    let algorithm = match (number % 8, number & 0x10) {
        (6, _) => HashAlgorithm::Sha384,
        (7, _) => HashAlgorithm::Sha512,
        (_, 0) => HashAlgorithm::Sha256,
        _ => HashAlgorithm::Sha512Truncated,
    };
    SegmentKey { algorithm, id }
}

fn request(script: &mut Script<'_>) -> Vec<u8> {
    let kind = script.byte();
    let port = u16::from(kind >> 6) * 80;
    let tag = ContentTag([kind & 0x30; 16]);
    let mut message = Vec::new();
    match kind % 4 {
        0 => {
            let segment = key(script.byte()).id;
            InitialOffer { port, segment }.encode_into(&mut message);
        }
        1 | 2 => {
            let bytes = content(script);
            let info = ContentInfo::decode(&bytes).expect("what was made decodes");
            let read_bytes = match kind & 8 {
                0 => ReadBytes::SegmentLength,
                _ => ReadBytes::Zero,
            };
            encode_segment_info_into(&mut message, port, tag, &info, 0, read_bytes);
        }
        _ => {
            let descriptors: Vec<_> = (0..script.byte() % 5)
                .filter_map(|_| {
                    let length = u32::try_from(script.length()).unwrap_or(u32::MAX);
                    SegmentDescriptor::new(key(script.byte()), length, tag)
                })
                .collect();
            if let Some(offer) = BatchedOffer::new(port, &descriptors) {
                offer.encode_into(&mut message);
            }
        }
    }
    if kind & 0x0C == 0x0C && !message.is_empty() {
        let at = usize::from(script.u16()) % message.len();
        if let Some(byte) = message.get_mut(at) {
            *byte ^= script.byte();
        }
    }
    message
}

fn some(blocks: BlockSet, script: &mut Script<'_>) -> BlockSet {
    let chosen = BlockSet::range(script.byte().into(), script.byte().into());
    match script.flag() {
        true => blocks,
        false => blocks.intersection(&chosen),
    }
}

/// Offers of any kind and form from several clients, and fetches that come to something or nothing.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn hosted_cache_server(data: &[u8]) {
    let mut script = Script::new(data);
    let bits = script.byte();
    let settings = ServerSettings {
        authenticate_clients: bits & 1 != 0,
        accept_partial_hashes: bits & 2 == 0,
        segments_in_flight_per_client: IN_FLIGHT_PER_CLIENT,
        segments_in_flight_total: IN_FLIGHT,
        bytes_in_flight_per_client: u64::from(bits) << 12,
        bytes_in_flight_total: u64::from(bits) << 13,
        segments_queued_per_client: 2,
        segments_queued_total: 3,
        segments_known_max: SEGMENTS,
        sources_per_segment_max: 2,
        fetch_timeout_ms: 2_000,
        tags_counted_max: 1,
    };
    let mut stage = Stage {
        server: Server::new(settings),
        fetches: BTreeMap::new(),
        rechecks: Vec::new(),
        answers: BTreeMap::new(),
        message: Vec::new(),
    };
    let (mut now, mut requests) = (Instant::ZERO, 0);
    while let Some(step) = script.step() {
        match step % 8 {
            0..=2 => {
                let message = match step % 8 {
                    0 => script.bytes().to_vec(),
                    _ => request(&mut script),
                };
                requests += 1;
                stage.message.clone_from(&message);
                let from: SocketAddr = address(step >> 6);
                let version = match message.get(1) {
                    Some(1) if step & 0x20 == 0 => Version::V1,
                    _ => Version::V2,
                };
                let input = Input::Request {
                    request: RequestToken(requests),
                    from,
                    version,
                    quirks: Quirks::default(),
                    is_authenticated: step & 8 == 0,
                    message: &message,
                };
                stage.server.handle(now, input).expect("no misuse");
                law::drain(&mut stage);
                assert!(stage.answers.contains_key(&RequestToken(requests)));
            }
            3 => {
                let tokens: Vec<_> = stage.fetches.keys().copied().collect();
                if let Some(token) = script.pick(&tokens).copied()
                    && let Some(fetch) = stage.fetches.remove(&token)
                {
                    let stored = some(fetch.blocks, &mut script);
                    let input = Input::Fetched { token, stored };
                    stage.server.handle(now, input).expect("it was asked for");
                }
            }
            4 => {
                let tokens: Vec<_> = stage.fetches.keys().copied().collect();
                if let Some(token) = script.pick(&tokens).copied() {
                    stage.fetches.remove(&token);
                    let input = Input::FetchFailed { token };
                    stage.server.handle(now, input).expect("it was asked for");
                }
            }
            5 => {
                if let Some((key, checked)) = script.pick_out(&mut stage.rechecks) {
                    let good = some(checked, &mut script);
                    let input = Input::Rechecked { key, checked, good };
                    // Blocks may have been evicted meanwhile, which is for the world to know.
                    let _ = stage.server.handle(now, input);
                }
            }
            6 => {
                let key = key(script.byte());
                let blocks = BlockSet::range(script.byte().into(), script.byte().into());
                let input = match step & 8 {
                    0 => Input::Evicted { key, blocks },
                    _ => Input::Restored {
                        key,
                        length: u32::try_from(script.length()).unwrap_or(u32::MAX),
                        is_proven: script.flag(),
                        hashed: blocks,
                        verified: some(blocks, &mut script),
                        unverified: BlockSet::range(script.byte().into(), script.byte().into()),
                    },
                };
                let _ = stage.server.handle(now, input);
            }
            _ => law::pass(&mut stage, &mut now, script.milliseconds()),
        }
        law::drain(&mut stage);
    }
    let most = stage.server.tags().apart().count();
    assert!(most <= settings.tags_counted_max);
    law::come_to_rest(&mut stage, &mut now);
    assert!(stage.fetches.is_empty(), "a fetch without an end");
}
