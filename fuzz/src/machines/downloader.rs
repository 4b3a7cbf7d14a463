//! The client framework (MS-CCROD 2.8) under scripts.
//! Invariant: a block is delivered once, after it was found good and stored; every download ends; tables keep their limits.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};

use peerdist::client::{
    BlockOp, Delivery, DiscoveryToken, DownloadToken, Downloader, Event, FetchToken, Input, Mode,
    Order, Output, Settings, Source, Start, Usage, VerifyOp, WantedSegment,
};
use peerdist::content::{ContentRange, SegmentId, Version};
use peerdist::retrieval::BlockSet;
use peerdist::retrieval::client::{Exchange, Peer, Query};
use peerdist::time::Instant;

use crate::agreement;
use crate::law::{self, World};
use crate::machines::retrieval_client::answer;
use crate::script::{Script, segment_id};

const BLOCK: u32 = 10;

type Place = (DownloadToken, usize, u32);

struct Stage {
    client: Downloader,
    settings: Settings,
    waiting: Vec<(Exchange, Query)>,
    decrypting: Vec<Exchange>,
    verifying: Vec<VerifyOp>,
    good: BTreeSet<Place>,
    stored: BTreeSet<Place>,
    delivered: BTreeSet<Place>,
    last_in_order: BTreeMap<DownloadToken, u64>,
    fetches: Vec<(FetchToken, ContentRange)>,
    discoveries: Vec<DiscoveryToken>,
    downloads: BTreeMap<DownloadToken, Download>,
    message_len: usize,
}

struct Download {
    blocks: u32,
    delivery: Delivery,
}

const fn place(op: &BlockOp) -> Place {
    (op.download, op.segment, op.index.get())
}

impl Stage {
    fn tell(&mut self, now: Instant, input: Input<'_>) {
        self.client
            .handle(now, input)
            .expect("nothing that is not allowed");
        law::drain(self);
    }

    fn end(&mut self, download: DownloadToken) -> u32 {
        let ended = self.downloads.remove(&download);
        let ended = ended.expect("a download that ends once");
        let is_of_it = |place: &Place| place.0 == download;
        let delivered = self
            .delivered
            .iter()
            .filter(|place| is_of_it(place))
            .count();
        for places in [&mut self.delivered, &mut self.stored, &mut self.good] {
            places.retain(|place| !is_of_it(place));
        }
        self.last_in_order.remove(&download);
        ended.blocks - u32::try_from(delivered).expect("no more than are wanted")
    }
}

impl World for Stage {
    type Output = Output;

    fn poll_output(&mut self) -> Option<Output> {
        self.client.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    fn timeout(&mut self, now: Instant) {
        self.client
            .handle(now, Input::Timeout)
            .expect("a timeout is always due");
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Discover {
                discovery,
                segments,
                ..
            } => {
                let most = self.settings.segments_per_discovery as usize;
                assert!((1..=most).contains(&segments.len()));
                self.discoveries.push(discovery);
            }
            Output::CancelDiscovery { discovery } => {
                self.discoveries.retain(|other| *other != discovery);
            }
            Output::Send {
                exchange, query, ..
            } => {
                self.waiting.retain(|(other, _)| *other != exchange);
                self.waiting.push((exchange, query));
            }
            Output::Decrypt { op, .. } => {
                self.waiting.retain(|(other, _)| *other != op.exchange);
                self.decrypting.push(op.exchange);
            }
            Output::Abort { exchange, .. } => {
                self.waiting.retain(|(other, _)| *other != exchange);
                self.decrypting.retain(|other| *other != exchange);
            }
            Output::Verify(op) => {
                if let Source::Peer {
                    exchange, place, ..
                } = op.source
                {
                    assert!(place.offset + place.length <= self.message_len.max(1 << 20));
                    self.decrypting.retain(|other| *other != exchange);
                }
                assert!(op.block.range.length > 0);
                self.verifying.push(op);
            }
            Output::Store(op) => {
                let is_new = self.stored.insert(place(&op));
                assert!(
                    is_new || !self.downloads.contains_key(&op.download),
                    "stored twice"
                );
            }
            Output::Deliver(op) => {
                assert!(
                    self.good.contains(&place(&op)),
                    "delivered, but not verified"
                );
                assert!(
                    self.stored.contains(&place(&op)),
                    "delivered before it was stored"
                );
                assert!(self.delivered.insert(place(&op)), "delivered twice");
                let download = self.downloads.get(&op.download).expect("under way");
                if download.delivery == Delivery::InOrder {
                    let last = self.last_in_order.insert(op.download, op.range.start);
                    assert!(
                        last.is_none_or(|last| last < op.range.start),
                        "out of order"
                    );
                }
            }
            Output::FetchOrigin { fetch, range, .. } => {
                assert!(range.length > 0, "{range:?}");
                self.fetches.push((fetch, range));
            }
            Output::AbortOrigin { fetch } => self.fetches.retain(|(other, _)| *other != fetch),
            Output::Share(shared) | Output::Offer(shared) => {
                assert!(!shared.blocks.is_empty() && shared.from_origin <= shared.blocks.len());
            }
            Output::Event(Event::Finished { download, .. }) => assert_eq!(self.end(download), 0),
            Output::Event(Event::Failed { download, .. } | Event::Cancelled { download }) => {
                assert!(self.end(download) > 0);
            }
            Output::Event(Event::Rejected { rejected, .. }) => {
                agreement::rejection(&rejected, self.message_len);
            }
            Output::Event(_) => {}
        }
    }

    fn check(&self) {
        let (usage, settings) = (self.client.usage(), &self.settings);
        let within = [
            (usage.downloads, settings.downloads_limit),
            (usage.sessions, settings.segments_in_flight),
            (usage.requests, settings.retrieval.outstanding_limit),
            (usage.origin_ranges, settings.origin_ranges_limit),
            (usage.server_lists, settings.server_lists_limit),
            (usage.liars, settings.liars_limit),
            (
                usage.requests_at_one_peer as usize,
                settings.requests_per_server,
            ),
        ];
        for (used, limit) in within {
            assert!(used <= limit as usize, "{usage:?}");
        }
        assert_eq!(usage.downloads, self.downloads.len());
    }
}

fn segments(script: &mut Script<'_>) -> Vec<WantedSegment> {
    let mut offset = 0;
    let count = script.byte() % 6;
    let segment = |_| {
        let number = script.byte();
        let count = u32::from(script.byte() % 9) + 1;
        let short = u32::from(number >> 6);
        let wanted = u32::from(script.byte());
        let blocks = (0..count).filter_map(|index| {
            let is_wanted = wanted >> (index % 8) & 1 == 0;
            is_wanted
                .then(|| peerdist::retrieval::BlockIndex::new(index))
                .flatten()
        });
        let segment = WantedSegment {
            id: segment_id(number % 8),
            offset,
            length: count * BLOCK - short,
            block_size: BLOCK,
            blocks: blocks.collect::<BlockSet>(),
        };
        offset = segment.end();
        segment
    };
    (0..count).map(segment).collect()
}

fn settings(script: &mut Script<'_>) -> Settings {
    let defaults = Settings::default();
    let bits = script.byte();
    let retrieval = peerdist::retrieval::client::ClientSettings {
        outstanding_limit: 6,
        ..defaults.retrieval
    };
    Settings {
        retrieval,
        downloads_limit: 3,
        segments_in_flight: 1 + u32::from(bits & 3),
        server_lists_limit: 1 + u32::from(bits >> 2 & 3),
        servers_per_list: 1 + u32::from(bits >> 4 & 1),
        liars_limit: u32::from(bits >> 5 & 1),
        requests_per_server: 2,
        requests_per_server_and_segment: 1 + u32::from(bits >> 6 & 1),
        origin_ranges_limit: 2,
        origin_range_max_bytes: 25,
        discoveries_per_period: 2,
        segments_per_discovery: 2,
        ahead_bytes_limit: 40,
        ..defaults
    }
}

fn start(stage: &mut Stage, now: Instant, step: u8, script: &mut Script<'_>) {
    let download = DownloadToken(u64::from(step >> 4 & 3) + 1);
    let segments = segments(script);
    let bits = script.byte();
    let delivery = match bits & 1 {
        0 => Delivery::AsVerified,
        _ => Delivery::InOrder,
    };
    let input = Input::Start(Start {
        download,
        version: if bits & 2 == 0 {
            Version::V1
        } else {
            Version::V2
        },
        segments: &segments,
        mode: if bits & 4 == 0 {
            Mode::Distributed
        } else {
            Mode::Hosted(Peer(1))
        },
        order: if bits & 8 == 0 {
            Order::Sequential
        } else {
            Order::Random
        },
        delivery,
    });
    let is_new = !stage.downloads.contains_key(&download);
    let has_room = stage.downloads.len() < stage.settings.downloads_limit as usize;
    let started = stage.client.handle(now, input);
    assert_eq!(started.is_ok(), is_new && has_room, "{started:?}");
    if started.is_ok() {
        let blocks = segments.iter().map(|segment| segment.blocks.len()).sum();
        stage
            .downloads
            .insert(download, Download { blocks, delivery });
    }
    law::drain(stage);
}

/// Downloads with peers, a hosted cache and an origin that do anything.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn downloader(data: &[u8]) {
    let mut script = Script::new(data);
    let settings = settings(&mut script);
    let client = Downloader::new(settings, &[script.byte(); 32]);
    let mut stage = Stage {
        client: client.expect("settings that make sense"),
        settings,
        waiting: Vec::new(),
        decrypting: Vec::new(),
        verifying: Vec::new(),
        good: BTreeSet::new(),
        stored: BTreeSet::new(),
        delivered: BTreeSet::new(),
        last_in_order: BTreeMap::new(),
        fetches: Vec::new(),
        discoveries: Vec::new(),
        downloads: BTreeMap::new(),
        message_len: 0,
    };
    let mut now = Instant::ZERO;
    while let Some(step) = script.step() {
        act(&mut stage, &mut now, step, &mut script);
    }
    for download in 1..=4 {
        let download = DownloadToken(download);
        stage.tell(now, Input::Cancel { download });
    }
    while let Some(exchange) = stage.decrypting.pop() {
        stage.tell(now, Input::Failed { exchange });
    }
    while let Some(op) = stage.verifying.pop() {
        let (verify, good) = (op.verify, true);
        stage.tell(now, Input::Verified { verify, good });
    }
    law::come_to_rest(&mut stage, &mut now);
    assert!(stage.downloads.is_empty(), "a download without an end");
    let liars = stage.client.usage().liars;
    let at_rest = Usage {
        liars,
        ..Usage::default()
    };
    assert_eq!(stage.client.usage(), at_rest);
}

fn act(stage: &mut Stage, now: &mut Instant, step: u8, script: &mut Script<'_>) {
    match step % 12 {
        0 => start(stage, *now, step, script),
        1 | 2 => {
            let ids: Vec<SegmentId> = (0..=step >> 6)
                .map(|_| segment_id(script.byte() % 8))
                .collect();
            let peer = Peer(u64::from(step >> 4 & 3));
            stage.tell(
                *now,
                Input::Discovered {
                    peer,
                    segments: &ids,
                },
            );
        }
        3 => {
            if let Some(discovery) = script.pick_out(&mut stage.discoveries) {
                stage.tell(*now, Input::DiscoveryFinished { discovery });
            }
        }
        4 | 5 => {
            let picked = script.pick(&stage.waiting).cloned();
            if let Some((exchange, query)) = picked {
                let bytes = match step >> 4 {
                    0 => script.bytes().to_vec(),
                    _ => answer(&query, script),
                };
                stage.waiting.retain(|(other, _)| *other != exchange);
                stage.message_len = bytes.len();
                stage.tell(
                    *now,
                    Input::Message {
                        exchange,
                        bytes: &bytes,
                    },
                );
            }
        }
        6 => {
            let picked = script.pick_out(&mut stage.waiting);
            if let Some((exchange, _)) = picked {
                stage.tell(*now, Input::Failed { exchange });
            }
        }
        7 => {
            if let Some(exchange) = script.pick_out(&mut stage.decrypting) {
                let input = match step >> 4 {
                    0 => Input::Failed { exchange },
                    _ => Input::Decrypted {
                        exchange,
                        quirk: None,
                    },
                };
                stage.tell(*now, input);
            }
        }
        8 => {
            if let Some(op) = script.pick_out(&mut stage.verifying) {
                let good = step >> 4 != 0;
                if good {
                    stage.good.insert(place(&op.block));
                }
                let verify = op.verify;
                stage.tell(*now, Input::Verified { verify, good });
            }
        }
        9 => {
            if let Some((fetch, range)) = script.pick(&stage.fetches).copied() {
                let received = range.length * u64::from(script.byte()) / 128;
                stage.tell(*now, Input::OriginArrived { fetch, received });
            }
        }
        10 if step & 0x80 == 0 => {
            if let Some((fetch, _)) = script.pick_out(&mut stage.fetches) {
                stage.tell(*now, Input::OriginFailed { fetch });
            }
        }
        10 => {
            let download = DownloadToken(u64::from(step >> 4 & 3) + 1);
            stage.tell(*now, Input::Cancel { download });
        }
        _ => law::pass(stage, now, script.milliseconds()),
    }
}
