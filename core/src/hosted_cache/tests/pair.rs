//! Client and cache against each other with real messages, and the law of the core under anything.

use core::net::SocketAddr;

use super::*;
use crate::entropy::{Entropy, Purpose};
use crate::hosted_cache::client::{
    self, Client, ClientSettings, ContentToken, Offerable, RequestId,
};
use crate::hosted_cache::server::{self, FetchToken, RequestToken, Server, ServerSettings};
use crate::retrieval::BlockIndex;
use crate::time::{Duration, Instant};

fn address() -> SocketAddr {
    "192.0.2.1:40000".parse().unwrap()
}

/// Posts what the client sends to the server, and the answers back, until both are silent.
fn converse(client: &mut Client, server: &mut Server, content: &[u8]) -> Vec<String> {
    let info = ContentInfo::decode(content).unwrap();
    let mut log = Vec::new();
    while let Some(output) = client.poll_output() {
        log.push(format!("client {output:?}"));
        let client::Output::Send(send) = output else {
            continue;
        };
        let mut message = Vec::new();
        assert!(
            send.message
                .encode_into(&mut message, Some(&info), ReadBytes::default())
        );
        let routed = route(send.version.scheme(), send.version.path()).unwrap();
        let input = server::Input::Request {
            request: RequestToken(send.request.0),
            from: address(),
            version: routed.version,
            quirks: routed.quirks,
            is_authenticated: send.with_authentication,
            message: &message,
        };
        server.handle(Instant::ZERO, input).unwrap();
        while let Some(output) = server.poll_output() {
            log.push(format!("server {output:?}"));
            let (request, status, body) = match output {
                server::Output::Respond { request, code } => {
                    (request, 200, Response { code }.encode())
                }
                server::Output::Unauthorized { request } => (request, 401, Vec::new()),
                server::Output::Drop { request } => (request, 400, Vec::new()),
                _ => continue,
            };
            let input = client::Input::Response {
                request: RequestId(request.0),
                status,
                body: &body,
            };
            client.handle(Instant::ZERO, input).unwrap();
        }
    }
    log
}

fn offer_all(version: Version, content: &[u8], settings: ServerSettings) -> (Server, Vec<String>) {
    let mut client = Client::new(ClientSettings {
        version,
        retrieval_port: 8008,
        ..ClientSettings::default()
    });
    let mut server = Server::new(settings);
    let info = ContentInfo::decode(content).unwrap();
    let mut log = Vec::new();
    for segment in info.segments() {
        let input = client::Input::NewBlocks {
            segment: Offerable {
                content: ContentToken(1),
                index: segment.index,
                key: SegmentKey::of(&segment),
                length: segment.length,
                tag: tag(),
            },
            count: segment.block_count(),
            is_complete: true,
        };
        client.handle(Instant::ZERO, input).unwrap();
        log.extend(converse(&mut client, &mut server, content));
    }
    client.handle(Instant::ZERO, client::Input::Flush).unwrap();
    log.extend(converse(&mut client, &mut server, content));
    assert_eq!(client.poll_timeout(), None);
    (server, log)
}

#[test]
fn a_cache_learns_of_version_1_content_and_fetches_it_where_it_is_served() {
    let content = content_of(HashAlgorithm::Sha256, 3, 5);
    for authenticate_clients in [false, true] {
        let settings = ServerSettings {
            authenticate_clients,
            ..ServerSettings::default()
        };
        let (server, log) = offer_all(Version::V1, &content, settings);
        let text = log.join("\n");
        assert!(
            text.contains("Fetch(Fetch") && text.contains("192.0.2.1:8008"),
            "{text}"
        );
        assert!(text.contains("with_hashes: true"));
        assert_eq!(text.contains("Unauthorized"), authenticate_clients);
        assert_eq!(server.segments_known(), 1);
        assert!(
            !text.contains("SegmentSecret(["),
            "secrets do not print themselves"
        );
    }
}

#[test]
fn a_cache_learns_of_version_2_content_in_batches() {
    let secret = SecretKey::new(*b"a secret").unwrap();
    let lengths = vec![1000; 300];
    let mut creator = Creator::v2_with_lengths(&secret, &lengths).unwrap();
    creator.update(&noise(300_000, 8)).unwrap();
    let content = creator.finish().unwrap().to_vec();
    let settings = ServerSettings {
        segments_queued_per_client: 256,
        ..ServerSettings::default()
    };
    let (server, log) = offer_all(Version::V2, &content, settings);
    let batches = log
        .iter()
        .filter(|line| line.starts_with("client Send"))
        .count();
    assert_eq!(batches, 3);
    assert_eq!(server.tags().of(WellKnownTag::Bits), 300);
    // Four are on their way, 256 wait, and the others come again with a later offer.
    assert_eq!(server.segments_known(), 260);
    // By default all of them find room.
    let (server, _) = offer_all(Version::V2, &content, ServerSettings::default());
    assert_eq!(server.segments_known(), 300);
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let content = content_of(HashAlgorithm::Sha256, 3, 5);
    for version in [Version::V1, Version::V2] {
        let run = || offer_all(version, &content, ServerSettings::default()).1;
        assert_eq!(run(), run());
    }
}

/// Drives a cache with anything, and checks after each step that it drains, and that its table keeps to its bound.
fn stormy_cache(seed: u64) -> Vec<String> {
    let mut entropy = Entropy::from_u64(seed, Purpose::Faults);
    let settings = ServerSettings {
        segments_known_max: 12,
        segments_queued_per_client: 4,
        segments_queued_total: 7,
        segments_in_flight_total: 3,
        segments_in_flight_per_client: 2,
        fetch_timeout_ms: 50,
        ..ServerSettings::default()
    };
    let contents: Vec<_> = (0..4)
        .map(|n| content_of(HashAlgorithm::Sha256, 3, n))
        .collect();
    let mut server = Server::new(settings);
    let mut now = Instant::ZERO;
    let mut fetches: Vec<server::Fetch> = Vec::new();
    let mut log = Vec::new();
    for _ in 0..400 {
        now = now + Duration::from_millis(entropy.below(20));
        let pick = usize::try_from(entropy.below(4)).unwrap();
        let content = &contents[pick];
        let key = SegmentKey::of(
            &ContentInfo::decode(content)
                .unwrap()
                .segments()
                .next()
                .unwrap(),
        );
        let picked = (0..3).filter(|_| entropy.happens(600));
        let any: BlockSet = picked.filter_map(BlockIndex::new).collect();
        let mut message = match entropy.below(3) {
            0 => InitialOffer {
                port: 9,
                segment: key.id,
            }
            .encode(),
            1 => segment_info(content),
            _ => {
                let all = [key, v2_key(u8::try_from(entropy.below(16)).unwrap())];
                let all = all.map(|key| SegmentDescriptor::new(key, 100_000, tag()).unwrap());
                BatchedOffer::new(9, &all).unwrap().encode()
            }
        };
        if entropy.happens(200) {
            let at = usize::try_from(entropy.below(message.len() as u64)).unwrap();
            message[at] ^= 1 << entropy.below(8);
        }
        let version = if message[1] == 2 {
            Version::V2
        } else {
            Version::V1
        };
        let input = match entropy.below(8) {
            0..4 => server::Input::Request {
                request: RequestToken(0),
                from: SocketAddr::new(
                    [10, 0, 0, u8::try_from(entropy.below(5)).unwrap()].into(),
                    1,
                ),
                version,
                quirks: Quirks::default(),
                is_authenticated: false,
                message: &message,
            },
            4 | 5 if !fetches.is_empty() => {
                let fetch = fetches.swap_remove(0);
                server::Input::Fetched {
                    token: fetch.token,
                    stored: any.intersection(&fetch.blocks),
                }
            }
            6 => server::Input::Evicted { key, blocks: any },
            7 => server::Input::Rechecked {
                key,
                checked: BlockSet::first_blocks(3),
                good: any,
            },
            _ => server::Input::Timeout,
        };
        let is_due = matches!(input, server::Input::Timeout)
            && server.poll_timeout().is_some_and(|due| due <= now);
        let before = server.poll_timeout();
        server.handle(now, input).unwrap();
        let mut drained = 0;
        while let Some(output) = server.poll_output() {
            drained += 1;
            assert!(drained < 100);
            if let server::Output::Fetch(fetch) = &output {
                fetches.push(fetch.clone());
            }
            log.push(format!("{output:?}"));
        }
        assert!(!is_due || drained > 0 || server.poll_timeout() > before);
        assert!(server.segments_known() <= 12);
    }
    // Healing: everything ends, and nothing is waited for any longer.
    for _ in 0..200 {
        if let Some(due) = server.poll_timeout() {
            now = due;
        }
        server.handle(now, server::Input::Timeout).unwrap();
        while server.poll_output().is_some() {}
    }
    assert_eq!(server.poll_timeout(), None);
    let all = BlockSet::first_blocks(512);
    for content in &contents {
        let key = SegmentKey::of(
            &ContentInfo::decode(content)
                .unwrap()
                .segments()
                .next()
                .unwrap(),
        );
        server
            .handle(now, server::Input::Evicted { key, blocks: all })
            .unwrap();
    }
    (0..16).map(v2_key).for_each(|key| {
        server
            .handle(now, server::Input::Evicted { key, blocks: all })
            .unwrap();
    });
    assert!(server.segments_known() <= 12);
    log
}

#[test]
fn a_cache_keeps_the_law_in_any_weather() {
    for seed in 0..20 {
        assert_eq!(stormy_cache(seed), stormy_cache(seed), "{seed}");
    }
}

fn stormy_client(seed: u64) -> Vec<String> {
    let mut entropy = Entropy::from_u64(seed, Purpose::Faults);
    let version = if seed.is_multiple_of(2) {
        Version::V1
    } else {
        Version::V2
    };
    let mut client = Client::new(ClientSettings {
        version,
        requests_outstanding_max: 3,
        segments_tracked_max: 10,
        ..ClientSettings::default()
    });
    let (mut now, mut sent, mut log) = (Instant::ZERO, 0, Vec::new());
    let mut ended = std::collections::BTreeMap::<RequestId, u32>::new();
    for step in 0..600 {
        now = now + Duration::from_millis(entropy.below(3000));
        let request = RequestId(entropy.below(sent.max(1)));
        let n = u8::try_from(entropy.below(16)).unwrap();
        let input = match entropy.below(6) {
            0 | 1 => client::Input::NewBlocks {
                segment: Offerable {
                    content: ContentToken(u64::from(n % 3)),
                    index: u64::from(n),
                    key: v1_key(n),
                    length: 10 * 65536,
                    tag: tag(),
                },
                count: u32::try_from(entropy.below(4)).unwrap(),
                is_complete: entropy.happens(200),
            },
            2 | 3 if sent > 0 => client::Input::Response {
                request,
                status: [200, 200, 200, 401, 500][usize::try_from(entropy.below(5)).unwrap()],
                body: &[0, 0, 0, 1, u8::try_from(entropy.below(3)).unwrap()],
            },
            4 if entropy.happens(100) => client::Input::Withdrawn {
                content: ContentToken(1),
            },
            _ => client::Input::Timeout,
        };
        let last = step >= 550;
        let input = if last { client::Input::Timeout } else { input };
        let (is_timeout, before) = (
            matches!(input, client::Input::Timeout),
            client.poll_timeout(),
        );
        let is_due = is_timeout && before.is_some_and(|due| due <= now);
        client.handle(now, input).unwrap();
        let mut drained = 0;
        while let Some(output) = client.poll_output() {
            drained += 1;
            assert!(drained < 50);
            match &output {
                client::Output::Send(send) => sent = sent.max(send.request.0 + 1),
                client::Output::Event(
                    client::Event::Offered { request, .. }
                    | client::Event::TimedOut { request, .. }
                    | client::Event::Refused { request, .. },
                ) => *ended.entry(*request).or_default() += 1,
                _ => {}
            }
            log.push(format!("{output:?}"));
        }
        assert!(!is_due || drained > 0 || client.poll_timeout() != before);
    }
    assert_eq!(client.poll_timeout(), None, "left alone, it comes to rest");
    assert!(
        ended.values().all(|ends| *ends == 1),
        "each request ends once"
    );
    log
}

#[test]
fn a_client_keeps_the_law_in_any_weather() {
    for seed in 0..20 {
        assert_eq!(stormy_client(seed), stormy_client(seed), "{seed}");
    }
}

#[test]
fn a_token_of_no_fetch_is_told_from_one_that_is_over() {
    let mut server = Server::new(ServerSettings::default());
    let token = FetchToken(0);
    assert!(
        server
            .handle(Instant::ZERO, server::Input::FetchFailed { token })
            .is_err()
    );
}
