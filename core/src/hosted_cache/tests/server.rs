//! The hosted cache: what it answers, fetches, keeps and never trusts (MS-PCHC 3.1).

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::*;
use crate::error::ApiMisuse;
use crate::hosted_cache::server::*;
use crate::time::Instant;

pub(super) fn client(number: u8) -> SocketAddr {
    // The port of the connection, not that of the offer.
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, number)), 50_000)
}

/// A cache with everything that it put out.
pub(super) struct Bench {
    pub(super) server: Server,
    pub(super) now: Instant,
    requests: u64,
}

impl Bench {
    pub(super) fn new(settings: ServerSettings) -> Self {
        let (server, now) = (Server::new(settings), Instant::ZERO);
        Self {
            server,
            now,
            requests: 0,
        }
    }

    pub(super) fn input(&mut self, input: Input<'_>) -> Vec<Output> {
        self.server.handle(self.now, input).unwrap();
        core::iter::from_fn(|| self.server.poll_output()).collect()
    }

    pub(super) fn send(&mut self, from: u8, message: &[u8]) -> Vec<Output> {
        let version = match message.get(1) {
            Some(2) => Version::V2,
            _ => Version::V1,
        };
        self.post(from, version, message)
    }

    fn post(&mut self, from: u8, version: Version, message: &[u8]) -> Vec<Output> {
        self.requests += 1;
        self.input(Input::Request {
            request: RequestToken(self.requests),
            from: client(from),
            version,
            quirks: Quirks::default(),
            is_authenticated: false,
            message,
        })
    }

    pub(super) fn batch(&mut self, from: u8, keys: &[SegmentKey], size: u32) -> Vec<Output> {
        let descriptors: Vec<_> = keys
            .iter()
            .map(|key| SegmentDescriptor::new(*key, size, tag()).unwrap())
            .collect();
        self.send(
            from,
            &BatchedOffer::new(8080, &descriptors).unwrap().encode(),
        )
    }

    pub(super) fn fetched(&mut self, token: FetchToken, stored: BlockSet) -> Vec<Output> {
        self.input(Input::Fetched { token, stored })
    }
}

pub(super) fn bench() -> Bench {
    Bench::new(ServerSettings::default())
}

pub(super) fn code(outputs: &[Output]) -> Option<ResponseCode> {
    outputs.iter().find_map(|output| match output {
        Output::Respond { code, .. } => Some(*code),
        _ => None,
    })
}

pub(super) fn fetches(outputs: &[Output]) -> Vec<&Fetch> {
    let fetches = outputs.iter().filter_map(|output| match output {
        Output::Fetch(fetch) => Some(fetch),
        _ => None,
    });
    fetches.collect()
}

pub(super) fn decisions(outputs: &[Output]) -> Vec<Decision> {
    let decisions = outputs.iter().filter_map(|output| match output {
        Output::Event(Event::Offered { decision, .. }) => Some(*decision),
        _ => None,
    });
    decisions.collect()
}

fn rejections(outputs: &[Output]) -> Vec<&'static str> {
    let rejections = outputs.iter().filter_map(|output| match output {
        Output::Event(Event::Rejected(why)) => Some(why.requirement),
        _ => None,
    });
    rejections.collect()
}

fn kept(outputs: &[Output]) -> Option<&KeepHashes> {
    outputs.iter().find_map(|output| match output {
        Output::KeepHashes(keep) => Some(keep),
        _ => None,
    })
}

fn key_of(content: &[u8]) -> SegmentKey {
    let info = ContentInfo::decode(content).unwrap();
    SegmentKey::of(&info.segments().next().unwrap())
}

fn offer_of(content: &[u8]) -> Vec<u8> {
    let segment = key_of(content).id;
    InitialOffer {
        port: 8080,
        segment,
    }
    .encode()
}

/// The same content, with hashes of its first blocks only.
fn partial(content: &[u8], blocks: u32) -> Vec<u8> {
    let info = ContentInfo::decode(content).unwrap();
    let range = crate::content::ContentRange {
        start: 0,
        length: u64::from(blocks) * 65536,
    };
    info.restrict(range).unwrap()
}

fn content() -> Vec<u8> {
    content_of(HashAlgorithm::Sha256, 4, 1)
}

#[test]
fn asks_for_hashes_then_fetches_then_needs_nothing() {
    let (mut bench, content) = (bench(), content());
    let outputs = bench.send(1, &offer_of(&content));
    assert_eq!(code(&outputs), Some(ResponseCode::INTERESTED));
    assert_eq!(decisions(&outputs), [Decision::AskedForHashes]);
    assert_eq!(
        bench.server.segments_known(),
        0,
        "an offer alone costs nothing"
    );

    let message = segment_info(&content);
    let outputs = bench.send(1, &message);
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    let keep = kept(&outputs).unwrap();
    assert_eq!(keep.key, key_of(&content));
    assert!(content.ends_with(&message[keep.list.clone()]));
    assert_eq!(
        (keep.blocks, keep.replaces),
        (BlockSet::first_blocks(4), false)
    );
    let fetch = fetches(&outputs)[0].clone();
    assert_eq!(fetch.from, "10.0.0.1:8080".parse().unwrap());
    assert_eq!(fetch.blocks, BlockSet::first_blocks(4));
    assert!(fetch.hashes_are_known);
    let place = |wanted: fn(&Output) -> bool| outputs.iter().position(wanted).unwrap();
    assert!(
        place(|one| matches!(one, Output::KeepHashes(_)))
            < place(|one| matches!(one, Output::Fetch(_)))
    );

    bench.fetched(fetch.token, BlockSet::first_blocks(3));
    // The hashes are all there, one block is not.
    let outputs = bench.send(2, &offer_of(&content));
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    let fetch = fetches(&outputs)[0].clone();
    assert_eq!(fetch.blocks, BlockSet::range(3, 1));
    assert_eq!(fetch.from, "10.0.0.2:8080".parse().unwrap());
    bench.fetched(fetch.token, fetch.blocks);
    let outputs = bench.send(3, &offer_of(&content));
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    assert_eq!(decisions(&outputs), [Decision::Held]);
    assert!(fetches(&outputs).is_empty());
    assert_eq!(bench.server.poll_timeout(), None);
}

#[test]
fn takes_segment_info_without_an_offer_before_it() {
    let mut bench = bench();
    let outputs = bench.send(1, &segment_info(&content()));
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    assert_eq!(fetches(&outputs).len(), 1);
}

#[test]
fn takes_the_longer_hashes_of_version_1_too() {
    for hash in [HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
        let (mut bench, content) = (bench(), content_of(hash, 2, 3));
        let outputs = bench.send(1, &segment_info(&content));
        assert_eq!(fetches(&outputs)[0].key.algorithm, hash);
        let outputs = bench.send(2, &offer_of(&content));
        assert_eq!(code(&outputs), Some(ResponseCode::OK));
    }
}

#[test]
fn answers_malformed_content_information_with_ok_and_fetches_nothing() {
    let (mut bench, good) = (bench(), segment_info(&content()));
    let mut hashes_at_odds = good.clone();
    *hashes_at_odds.last_mut().unwrap() ^= 1;
    for bad in [
        &good[..32],
        &good[..50],
        &good[..good.len() - 1],
        &hashes_at_odds,
    ] {
        let outputs = bench.send(1, bad);
        assert_eq!(code(&outputs), Some(ResponseCode::OK));
        assert!(fetches(&outputs).is_empty() && kept(&outputs).is_none());
        let told = outputs.iter().any(|output| {
            matches!(output, Output::Event(Event::BadContentInformation { tag: told, why, .. })
                if *told == tag() && why.requirement.starts_with("PCHC-2.2.1.4-"))
        });
        assert!(told, "{outputs:?}");
    }
    assert_eq!(bench.server.segments_known(), 0);
    assert_eq!(bench.server.tags().of(WellKnownTag::Bits), 4);
    // And the next good one works.
    assert_eq!(fetches(&bench.send(1, &good)).len(), 1);
}

#[test]
fn drops_what_is_not_a_message_and_serves_the_next_one() {
    let mut bench = bench();
    for bad in [&b""[..], b"GET /", &[0; 48], &[0, 1, 0, 9, 0, 0, 0, 0]] {
        let outputs = bench.send(1, bad);
        assert!(matches!(outputs[0], Output::Drop { .. }));
        assert_eq!(code(&outputs), None);
        assert_eq!(rejections(&outputs).len(), 1);
    }
    assert!(code(&bench.send(1, &offer_of(&content()))).is_some());
}

#[test]
fn drops_messages_that_came_by_the_path_of_the_other_version() {
    let mut bench = bench();
    let v2 = BatchedOffer::new(1, &descriptors(1)).unwrap().encode();
    for (version, message) in [
        (Version::V1, v2),
        (Version::V2, offer_of(&content())),
        (Version::V2, segment_info(&content())),
    ] {
        let outputs = bench.post(1, version, &message);
        assert!(matches!(outputs[0], Output::Drop { .. }));
        assert_eq!(rejections(&outputs), ["PCHC-2.1-07"]);
    }
}

#[test]
fn sends_401_to_strangers_in_version_1_only() {
    let mut bench = Bench::new(ServerSettings {
        authenticate_clients: true,
        ..ServerSettings::default()
    });
    let message = offer_of(&content());
    let outputs = bench.send(1, &message);
    assert!(matches!(outputs[..], [Output::Unauthorized { .. }]));
    let outputs = bench.input(Input::Request {
        request: RequestToken(9),
        from: client(1),
        version: Version::V1,
        quirks: Quirks::default(),
        is_authenticated: true,
        message: &message,
    });
    assert_eq!(code(&outputs), Some(ResponseCode::INTERESTED));
    assert_eq!(
        code(&bench.batch(1, &[v2_key(1)], 9)),
        Some(ResponseCode::OK)
    );
}

#[test]
fn tells_of_quirks_of_path_and_read_length() {
    let mut bench = bench();
    let routed = route(Scheme::Https, &HTTPS_PATH.to_lowercase()).unwrap();
    let bytes = content();
    let info = ContentInfo::decode(&bytes).unwrap();
    let mut message = Vec::new();
    encode_segment_info_into(&mut message, 1, tag(), &info, 0, ReadBytes::Zero);
    let outputs = bench.input(Input::Request {
        request: RequestToken(1),
        from: client(1),
        version: routed.version,
        quirks: routed.quirks,
        is_authenticated: false,
        message: &message,
    });
    let told: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Event(Event::Quirks { quirks, .. }) => quirks.iter().next(),
            _ => None,
        })
        .collect();
    assert_eq!(told, [Quirk::UrlCase, Quirk::ReadBytesZero]);
}

#[test]
fn fetches_a_batch_by_ids_alone_and_keeps_it_apart_as_ciphertext() {
    let mut bench = bench();
    let outputs = bench.batch(1, &[v2_key(1), v2_key(2)], 40_000);
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    let wanted = fetches(&outputs);
    assert_eq!(wanted.len(), 2);
    assert!(wanted.iter().all(|fetch| !fetch.hashes_are_known));
    assert_eq!(wanted[0].blocks, BlockSet::first_blocks(1));
    assert_eq!(wanted[0].segment_length, 40_000);
    bench.fetched(wanted[0].token, BlockSet::first_blocks(1));
    let (verified, unverified) = bench.server.held(&v2_key(1));
    assert_eq!((verified.len(), unverified.len()), (0, 1));
    let outputs = bench.batch(2, &[v2_key(1)], 40_000);
    assert_eq!(decisions(&outputs), [Decision::Held]);
}

#[test]
fn a_batch_of_version_1_content_is_fetched_block_by_block() {
    let mut bench = bench();
    let outputs = bench.batch(1, &[v1_key(1)], 200_000);
    assert_eq!(fetches(&outputs)[0].blocks, BlockSet::first_blocks(4));
}

#[test]
fn a_batch_never_touches_verified_blocks_and_fetches_missing_ones_against_hashes() {
    let (mut bench, content) = (bench(), content());
    let key = key_of(&content);
    let outputs = bench.send(1, &segment_info(&content));
    let token = fetches(&outputs)[0].token;
    bench.fetched(token, BlockSet::first_blocks(2));
    let outputs = bench.batch(2, &[key], 32 << 20);
    let fetch = fetches(&outputs)[0];
    assert_eq!(fetch.blocks, BlockSet::range(2, 2), "nothing that is held");
    assert!(fetch.hashes_are_known, "and verified as it comes");
}

#[test]
fn ciphertext_that_arrives_beside_verified_blocks_is_discarded() {
    let (mut bench, content) = (bench(), content());
    let key = key_of(&content);
    let outputs = bench.batch(1, &[key], 4 * 65536);
    let token = fetches(&outputs)[0].token;
    // The hashes come while the blocks are on their way without them.
    bench.send(2, &segment_info(&content));
    let outputs = bench.fetched(token, BlockSet::first_blocks(4));
    assert!(outputs.contains(&Output::Recheck {
        key,
        blocks: BlockSet::first_blocks(4)
    }));
    assert_eq!(
        bench.server.held(&key).0,
        BlockSet::EMPTY,
        "not verified yet"
    );
    let outputs = bench.input(Input::Rechecked {
        key,
        checked: BlockSet::first_blocks(4),
        good: BlockSet::first_blocks(3),
    });
    assert!(outputs.contains(&Output::Discard {
        key,
        blocks: BlockSet::range(3, 1),
        only_ciphertext: false
    }));
    assert_eq!(
        bench.server.held(&key),
        (BlockSet::first_blocks(3), BlockSet::EMPTY)
    );
}

#[test]
fn ciphertext_is_looked_at_as_soon_as_hashes_of_it_are_known() {
    for blocks in [2, 4] {
        let (mut bench, content) = (bench(), content());
        let key = key_of(&content);
        let outputs = bench.batch(1, &[key], 4 * 65536);
        let token = fetches(&outputs)[0].token;
        bench.fetched(token, BlockSet::first_blocks(4));
        let hashes = if blocks == 4 {
            content
        } else {
            partial(&content, blocks)
        };
        let outputs = bench.send(2, &segment_info(&hashes));
        let blocks = BlockSet::first_blocks(blocks);
        assert!(outputs.contains(&Output::Recheck { key, blocks }));
        assert!(fetches(&outputs).is_empty(), "what is held may yet be good");
        let (checked, good) = (blocks, BlockSet::range(1, 1));
        bench.input(Input::Rechecked { key, checked, good });
        assert_eq!(bench.server.held(&key).0, good);
    }
}

#[test]
fn hashes_of_some_blocks_are_used_but_the_cache_stays_interested() {
    let (mut bench, content) = (bench(), content());
    let outputs = bench.send(1, &segment_info(&partial(&content, 2)));
    let fetch = fetches(&outputs)[0].clone();
    assert_eq!(fetch.blocks, BlockSet::first_blocks(2));
    bench.fetched(fetch.token, fetch.blocks);
    let outputs = bench.send(2, &offer_of(&content));
    assert_eq!(code(&outputs), Some(ResponseCode::INTERESTED));
    // More hashes, still not all: only the new ones are taken.
    let outputs = bench.send(2, &segment_info(&partial(&content, 3)));
    let keep = kept(&outputs).unwrap();
    assert_eq!((keep.blocks, keep.replaces), (BlockSet::range(2, 1), false));
    let token = fetches(&outputs)[0].token;
    // All of them: proven, so what came before is looked at again.
    let outputs = bench.send(3, &segment_info(&content));
    let keep = kept(&outputs).unwrap();
    assert_eq!(
        (keep.blocks, keep.replaces),
        (BlockSet::first_blocks(4), true)
    );
    let key = key_of(&content);
    assert!(outputs.contains(&Output::Recheck {
        key,
        blocks: BlockSet::first_blocks(2)
    }));
    // And what was on its way under the old hashes is, too.
    let outputs = bench.fetched(token, BlockSet::range(2, 1));
    assert!(outputs.contains(&Output::Recheck {
        key,
        blocks: BlockSet::range(2, 1)
    }));
    let fetch = fetches(&outputs)[0];
    assert_eq!(
        (fetch.blocks, fetch.from.ip()),
        (BlockSet::range(3, 1), client(3).ip())
    );
}

#[test]
fn false_hashes_of_some_blocks_give_way_to_proven_ones_and_never_the_other_way_round() {
    let (mut bench, content) = (bench(), content());
    let key = key_of(&content);
    let mut lie = segment_info(&partial(&content, 2));
    *lie.last_mut().unwrap() ^= 1;
    let outputs = bench.send(1, &lie);
    let fetch = fetches(&outputs)[0].clone();
    bench.fetched(fetch.token, fetch.blocks);
    bench.send(2, &segment_info(&content));
    let blocks = BlockSet::first_blocks(2);
    let outputs = bench.input(Input::Rechecked {
        key,
        checked: blocks,
        good: BlockSet::first_blocks(1),
    });
    assert!(
        outputs
            .iter()
            .any(|one| matches!(one, Output::Discard { blocks, .. }
        if *blocks == BlockSet::range(1, 1)))
    );
    let outputs = bench.send(1, &lie);
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    assert!(kept(&outputs).is_none());
    assert!(
        !outputs
            .iter()
            .any(|one| matches!(one, Output::Recheck { .. }))
    );
}

#[test]
fn two_incomplete_lists_that_differ_in_length_do_not_mix() {
    let (mut bench, content) = (bench(), content());
    bench.send(1, &segment_info(&partial(&content, 2)));
    let mut other = segment_info(&partial(&content, 3));
    // cbSegment, one byte shorter.
    other[32 + 18 + 8] -= 1;
    other[32 + 10] -= 1;
    let outputs = bench.send(2, &other);
    assert_eq!(
        decisions(&outputs),
        [Decision::Skipped(Skip::LengthsDiffer)]
    );
    assert!(kept(&outputs).is_none());
}

#[test]
fn incomplete_lists_can_be_declined() {
    let mut bench = Bench::new(ServerSettings {
        accept_partial_hashes: false,
        ..ServerSettings::default()
    });
    let outputs = bench.send(1, &segment_info(&partial(&content(), 2)));
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    assert_eq!(
        decisions(&outputs),
        [Decision::Skipped(Skip::HashesIncomplete)]
    );
    assert_eq!(fetches(&bench.send(1, &segment_info(&content()))).len(), 1);
}

#[test]
fn what_a_restart_finds_in_the_store_is_not_fetched_again() {
    let (mut bench, content) = (bench(), content());
    let key = key_of(&content);
    let all = BlockSet::first_blocks(4);
    bench.input(Input::Restored {
        key,
        length: 4 * 65536 - 7,
        is_proven: true,
        hashed: all,
        verified: BlockSet::first_blocks(3),
        unverified: BlockSet::EMPTY,
    });
    let outputs = bench.send(1, &offer_of(&content));
    assert_eq!(code(&outputs), Some(ResponseCode::OK));
    assert_eq!(fetches(&outputs)[0].blocks, BlockSet::range(3, 1));
}

#[test]
fn evicted_blocks_are_wanted_again_and_hashes_without_blocks_are_forgotten() {
    let (mut bench, content) = (bench(), content());
    let key = key_of(&content);
    let outputs = bench.send(1, &segment_info(&content));
    let fetch = fetches(&outputs)[0].clone();
    bench.fetched(fetch.token, fetch.blocks);
    bench.input(Input::Evicted {
        key,
        blocks: BlockSet::range(1, 1),
    });
    let outputs = bench.send(1, &offer_of(&content));
    let fetch = fetches(&outputs)[0].clone();
    assert_eq!(fetch.blocks, BlockSet::range(1, 1));
    bench.input(Input::FetchFailed { token: fetch.token });
    let outputs = bench.input(Input::Evicted {
        key,
        blocks: BlockSet::first_blocks(4),
    });
    assert_eq!(outputs, [Output::Forget { key }]);
    assert_eq!(bench.server.segments_known(), 0);
}

#[test]
fn misuse_is_told_and_changes_nothing() {
    let mut bench = bench();
    let outputs = bench.batch(1, &[v2_key(1)], 9);
    let token = fetches(&outputs)[0].token;
    let unverified = BlockSet::first_blocks(1);
    let inputs = [
        Input::Fetched {
            token: FetchToken(7),
            stored: BlockSet::EMPTY,
        },
        Input::FetchFailed {
            token: FetchToken(1),
        },
        Input::Fetched {
            token,
            stored: BlockSet::first_blocks(2),
        },
        Input::Rechecked {
            key: v2_key(1),
            checked: BlockSet::EMPTY,
            good: BlockSet::first_blocks(1),
        },
        Input::Restored {
            key: v2_key(2),
            length: 9,
            is_proven: false,
            hashed: unverified,
            verified: BlockSet::EMPTY,
            unverified,
        },
        Input::Restored {
            key: v1_key(2),
            length: 9,
            is_proven: false,
            hashed: BlockSet::EMPTY,
            verified: unverified,
            unverified: BlockSet::EMPTY,
        },
    ];
    for input in inputs {
        let refused: Result<(), ApiMisuse> = bench.server.handle(bench.now, input);
        assert!(refused.is_err());
        assert_eq!(bench.server.poll_output(), None);
    }
    let outputs = bench.fetched(token, unverified);
    assert!(matches!(
        outputs[..],
        [Output::Event(Event::Fetched { .. })]
    ));
}
