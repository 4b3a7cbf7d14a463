//! The asking side of retrieval (MS-PCCRR 3.1) under scripts.
//! Invariant: every question that was taken ends once, and what is to be decrypted lies in the message.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use peerdist::retrieval::client::{
    Client, ClientSettings, Event, Exchange, Input, Outcome, Output, Peer, Query, Question,
    Reading, Tag,
};
use peerdist::retrieval::{
    Block, BlockIndex, BlockList, BlockRange, BlockSet, CryptoAlgorithm, ProtocolVersion, Quirk,
    Request, RequestBody, Response, ResponseBody, SegmentList, SegmentRange, SegmentRanges,
    VersionRange, payload_len,
};
use peerdist::time::Instant;

use crate::agreement;
use crate::law::{self, World};
use crate::script::{Script, segment_id};

const REQUESTS: u32 = 6;

struct Stage {
    client: Client,
    waiting: Vec<(Exchange, Query)>,
    decrypting: Vec<Exchange>,
    over: Vec<Exchange>,
    asked: BTreeSet<Tag>,
    finished: BTreeMap<Tag, u32>,
    message: Vec<u8>,
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
            Output::Send {
                exchange,
                tag,
                query,
                ..
            } => {
                assert!(self.asked.contains(&tag));
                let mut bytes = Vec::new();
                query.encode_into(&mut bytes);
                assert_eq!(Request::decode(&bytes), Ok(query.request()));
                self.waiting.retain(|(other, _)| *other != exchange);
                self.waiting.push((exchange, query));
            }
            Output::Decrypt(op) => {
                let bytes = op.place.of(&self.message);
                let bytes = bytes.expect("a place in the message");
                assert!(bytes.len() >= op.plain_len as usize && bytes.len().is_multiple_of(16));
                self.waiting.retain(|(other, _)| *other != op.exchange);
                self.decrypting.push(op.exchange);
            }
            Output::Abort { .. } => {}
            Output::Event(Event::Finished {
                exchange,
                tag,
                outcome,
                ..
            }) => {
                *self.finished.entry(tag).or_default() += 1;
                self.waiting.retain(|(other, _)| *other != exchange);
                let was_decrypted = self.decrypting.contains(&exchange);
                self.decrypting.retain(|other| *other != exchange);
                self.over.push(exchange);
                if let Outcome::Block(block) = outcome
                    && !was_decrypted
                {
                    assert!(block.place.of(&self.message).is_some(), "{block:?}");
                }
            }
            Output::Event(
                Event::Rejected { rejected, .. } | Event::BlobDropped { rejected, .. },
            ) => {
                agreement::rejection(&rejected, self.message.len());
            }
            Output::Event(Event::Lenient { quirks, .. }) => assert!(!quirks.is_empty()),
        }
    }

    fn check(&self) {
        assert_eq!(
            self.client.outstanding(),
            self.waiting.len() + self.decrypting.len()
        );
        assert!(self.client.outstanding() <= REQUESTS as usize);
        assert_eq!(
            self.asked.len(),
            self.client.outstanding() + self.finished.len()
        );
        assert!(
            self.finished.values().all(|count| *count == 1),
            "finished twice"
        );
    }
}

fn question(script: &mut Script<'_>) -> Question {
    let kind = script.byte();
    let segment = segment_id(script.byte() % 8);
    let blocks = BlockRange::new(u32::from(kind), u32::from(script.byte()));
    match kind % 5 {
        0 => Question::Versions,
        1 => Question::BlockList {
            segment,
            needed: blocks.map_or(BlockSet::EMPTY, BlockSet::from),
        },
        2 | 3 => Question::Block {
            segment,
            index: BlockIndex::new(kind.into()).expect("below 512"),
            reading: if kind < 200 {
                Reading::Plain {
                    length: script.byte().into(),
                }
            } else {
                Reading::AsReceived
            },
        },
        _ => Question::SegmentList {
            segments: (0..kind % 7)
                .map(|number| segment_id(number + kind / 32))
                .collect::<Arc<_>>(),
        },
    }
}

/// A response that fits the query but for what the script changes.
pub(super) fn answer(query: &Query, script: &mut Script<'_>) -> Vec<u8> {
    let bits = script.byte();
    let crypto = match bits & 0x40 {
        0 => CryptoAlgorithm::AES_128,
        _ => CryptoAlgorithm(u32::from(script.byte() % 6)),
    };
    let ranges: Vec<SegmentRange> = (0..bits % 3)
        .filter_map(|_| SegmentRange::new(script.byte().into(), script.byte().into()))
        .collect();
    let payload = match query.question {
        Question::Block {
            reading: Reading::Plain { length },
            ..
        } if bits & 1 == 0 => payload_len(crypto, length as usize),
        _ => script.u16().into(),
    };
    let payload = vec![6; payload];
    let mut version = || ProtocolVersion {
        major: u16::from(script.byte() % 5),
        minor: u16::from(script.byte() % 3),
    };
    let body = match (bits >> 3 & 7, query.request().body) {
        (0, _) | (_, RequestBody::Negotiation(_)) => ResponseBody::Negotiation(VersionRange {
            lowest: version(),
            highest: version(),
        }),
        (_, RequestBody::BlockList(list)) => ResponseBody::BlockList(BlockList {
            segment: list.segment,
            available: match bits & 1 {
                0 => list.needed,
                _ => BlockSet::first_blocks(script.u16().into()).into(),
            },
            next: script.byte().into(),
        }),
        (_, RequestBody::Blocks(blocks)) => ResponseBody::Block(Block {
            segment: blocks.segment,
            index: blocks.requested.smallest().unwrap_or_default().get(),
            next: script.u16().into(),
            payload: &payload,
            verification: &[],
            iv: if bits & 2 == 0 { &[7; 16] } else { &[] },
        }),
        (_, RequestBody::SegmentList(list)) => ResponseBody::SegmentList(SegmentList {
            request_id: list.request_id,
            available: SegmentRanges::of(&ranges),
            blob: script.bytes(),
        }),
    };
    let mut message = Response::new(crypto, body).encode();
    if bits & 0x80 != 0 && !message.is_empty() {
        let at = usize::from(script.u16()) % message.len();
        if let Some(byte) = message.get_mut(at) {
            *byte ^= script.byte();
        }
    }
    message
}

/// Questions of any kind, answered well, badly, late, or not at all.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn retrieval_client(data: &[u8]) {
    let mut script = Script::new(data);
    let bits = script.byte();
    let settings = ClientSettings {
        versions: match bits & 1 {
            0 => VersionRange::ALL,
            _ => VersionRange::ONLY_1_0,
        },
        outstanding_limit: REQUESTS,
        request_timer_ms: 500,
        ..ClientSettings::default()
    };
    let mut stage = Stage {
        client: Client::new(settings, &[bits; 32]).expect("settings that make sense"),
        waiting: Vec::new(),
        decrypting: Vec::new(),
        over: Vec::new(),
        asked: BTreeSet::new(),
        finished: BTreeMap::new(),
        message: Vec::new(),
    };
    let (mut now, mut tags) = (Instant::ZERO, 0);
    while let Some(step) = script.step() {
        match step % 8 {
            0 | 1 => {
                tags += 1;
                let (tag, peer) = (Tag(tags), Peer(u64::from(script.byte() % 3)));
                stage.asked.insert(tag);
                let question = question(&mut script);
                let ask = Input::Ask {
                    tag,
                    peer,
                    question,
                };
                if stage.client.handle(now, ask).is_err() {
                    stage.asked.remove(&tag);
                }
                law::drain(&mut stage);
            }
            2 | 3 => {
                let picked = script.pick(&stage.waiting).cloned();
                if let Some((exchange, query)) = picked {
                    stage.message = match step & 8 {
                        0 => answer(&query, &mut script),
                        _ => script.bytes().to_vec(),
                    };
                    stage.hear(now, exchange);
                }
            }
            4 => {
                let quirk = (step & 8 != 0).then_some(Quirk::OtherVersion);
                if let Some(exchange) = script.pick(&stage.decrypting).copied() {
                    let input = Input::Decrypted { exchange, quirk };
                    stage.client.handle(now, input).expect("it was asked for");
                    law::drain(&mut stage);
                    assert!(!stage.decrypting.contains(&exchange));
                }
            }
            5 => {
                let all = stage.waiting.iter().map(|(exchange, _)| *exchange);
                let all: Vec<_> = all.chain(stage.decrypting.iter().copied()).collect();
                if let Some(exchange) = script.pick(&all).copied() {
                    let input = match step & 8 {
                        0 => Input::Failed { exchange },
                        _ => Input::Cancel { exchange },
                    };
                    stage.client.handle(now, input).expect("it may always fail");
                    law::drain(&mut stage);
                    assert!(stage.over.contains(&exchange));
                }
            }
            6 => {
                if let Some(exchange) = script.pick(&stage.over).copied() {
                    stage.message = script.bytes().to_vec();
                    stage.hear(now, exchange);
                }
            }
            _ => law::pass(&mut stage, &mut now, script.milliseconds()),
        }
    }
    law::come_to_rest(&mut stage, &mut now);
    assert!(stage.waiting.is_empty(), "a request without an end");
    while let Some(exchange) = stage.decrypting.last().copied() {
        let input = Input::Decrypted {
            exchange,
            quirk: None,
        };
        stage.client.handle(now, input).expect("it was asked for");
        law::drain(&mut stage);
    }
    assert_eq!(stage.client.outstanding(), 0);
}

impl Stage {
    fn hear(&mut self, now: Instant, exchange: Exchange) {
        let message = self.message.clone();
        let input = Input::Message {
            exchange,
            bytes: &message,
        };
        self.client
            .handle(now, input)
            .expect("messages are no misuse");
        law::drain(self);
    }
}
