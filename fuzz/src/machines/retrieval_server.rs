//! The answering side of retrieval (MS-PCCRR 3.2) under scripts.
//! Invariant: every request gets one answer or none, clients are counted as they come and go, and answers decode.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::content::SegmentId;
use peerdist::retrieval::server::{
    Answer, BlockForm, Connection, Event, Exchange, HeldBlock, HeldSegment, Holdings, Input,
    Output, SegmentHandle, Server, ServerSettings,
};
use peerdist::retrieval::{
    BlockIndex, BlockRange, BlockSet, CryptoAlgorithm, GetBlockList, GetBlocks, GetSegmentList,
    ProtocolVersion, Request, RequestBody, Response, SegmentIds, VersionRange, payload_len,
};
use peerdist::time::Instant;

use crate::agreement;
use crate::law::{self, World};
use crate::script::{Script, segment_id};

const CLIENTS: u32 = 3;
const NEGOTIATIONS: u32 = 2;

/// Segments 0 to 7, of which 5 is empty and the others have some blocks.
struct Cache;

impl Holdings for Cache {
    fn segment(&self, id: &SegmentId) -> Option<HeldSegment> {
        let number = (0..8).find(|number| segment_id(*number) == *id)?;
        let blocks = match number {
            0 => BlockSet::first_blocks(1),
            1 => BlockSet::first_blocks(512),
            5 => BlockSet::EMPTY,
            _ => {
                BlockRange::new(u32::from(number) * 60, 30).map_or(BlockSet::EMPTY, BlockSet::from)
            }
        };
        Some(HeldSegment {
            handle: SegmentHandle(number.into()),
            blocks,
            since: Instant::from_nanos(u64::from(number) << 44),
        })
    }

    fn block(&self, segment: SegmentHandle, index: BlockIndex) -> Option<HeldBlock> {
        let crypto = CryptoAlgorithm::AES_128;
        let iv = [9; 16];
        Some(match index.get() % 7 {
            0 | 1 => HeldBlock {
                length: 65_536,
                form: BlockForm::Plain,
            },
            2 => HeldBlock {
                length: 77,
                form: BlockForm::Plain,
            },
            3 => HeldBlock {
                length: 160,
                form: BlockForm::Sealed { crypto, iv },
            },
            4 => HeldBlock {
                length: 300_000,
                form: BlockForm::Plain,
            },
            5 => HeldBlock {
                length: 0,
                form: BlockForm::Plain,
            },
            _ if segment.0 == 1 => return None,
            _ => HeldBlock {
                length: 131_000,
                form: BlockForm::Sealed {
                    crypto: CryptoAlgorithm::NONE,
                    iv,
                },
            },
        })
    }
}

struct Stage {
    server: Server,
    preparing: Vec<Exchange>,
    sending: Vec<Exchange>,
    over: Vec<Exchange>,
    /// Answers to each connection so far.
    answers: BTreeMap<Connection, u32>,
    /// Bytes of the request handed in last.
    request_len: usize,
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
            Output::Encrypt(op) => {
                assert!(op.plain_len > 0);
                self.preparing.push(op.exchange);
            }
            Output::Load(op) => {
                assert!(op.length > 0);
                self.preparing.push(op.exchange);
            }
            Output::Respond {
                connection,
                exchange,
                answer,
            } => {
                *self.answers.entry(connection).or_default() += 1;
                if let Some(exchange) = exchange {
                    self.preparing.retain(|other| *other != exchange);
                    self.sending.push(exchange);
                }
                decodes(&answer);
            }
            Output::Discard { connection } => *self.answers.entry(connection).or_default() += 1,
            Output::Abort {
                exchange,
                connection,
            } => {
                let is_answered = self.sending.contains(&exchange);
                self.preparing.retain(|other| *other != exchange);
                self.sending.retain(|other| *other != exchange);
                self.over.push(exchange);
                *self.answers.entry(connection).or_default() += u32::from(!is_answered);
            }
            Output::Event(Event::Rejected { rejected, .. }) => {
                agreement::rejection(&rejected, self.request_len);
            }
            Output::Event(_) => {}
        }
    }

    fn check(&self) {
        assert!(self.server.active_clients() <= CLIENTS);
        let under_way = self.preparing.len() + self.sending.len();
        assert!(under_way <= (CLIENTS + NEGOTIATIONS) as usize);
        assert!(self.server.active_clients() as usize <= under_way);
        assert!(
            self.answers.values().all(|count| *count <= 1),
            "answered twice"
        );
    }
}

fn decodes(answer: &Answer) {
    let mut message = Vec::new();
    answer.encode_head_into(&mut message);
    message.resize(message.len() + answer.payload_len(), 0);
    answer.encode_tail_into(&mut message);
    assert_eq!(message.len(), answer.body_len());
    let response = Response::decode(&message).expect("an answer decodes");
    assert_eq!(response.body.message_type(), answer.message_type());
}

impl Stage {
    fn tell(&mut self, now: Instant, input: Input<'_>) {
        self.server
            .handle(now, input)
            .expect("nothing that is not allowed");
        law::drain(self);
    }
}

fn ranges(script: &mut Script<'_>) -> BlockSet {
    let ranges = (0..script.byte() % 4).filter_map(|_| {
        let index = u32::from(script.u16() % 514);
        BlockRange::new(index, u32::from(script.u16() % 514))
    });
    ranges.collect()
}

fn request(script: &mut Script<'_>) -> Vec<u8> {
    let segment = segment_id(script.byte() % 9);
    let kind = script.byte();
    let ids: Vec<SegmentId> = (0..kind >> 3)
        .map(|_| segment_id(script.byte() % 9))
        .collect();
    let body = match kind % 4 {
        0 => RequestBody::Negotiation(VersionRange::ALL),
        1 => RequestBody::BlockList(GetBlockList {
            segment,
            needed: ranges(script).into(),
        }),
        2 => RequestBody::Blocks(GetBlocks {
            segment,
            requested: ranges(script).into(),
            verification: &[],
        }),
        _ => RequestBody::SegmentList(GetSegmentList {
            request_id: [3; 16],
            segments: SegmentIds::of(&ids),
            blob: &[],
        }),
    };
    let mut request = Request::new(body);
    request.crypto = CryptoAlgorithm(script.byte().into());
    if script.byte() > 200 {
        request.version = ProtocolVersion {
            major: script.byte().into(),
            minor: script.byte().into(),
        };
    }
    request.encode()
}

/// Requests of any kind and form, prepared, lost, sent, closed or left alone.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn retrieval_server(data: &[u8]) {
    let mut script = Script::new(data);
    let bits = script.byte();
    let algorithms = [
        CryptoAlgorithm::AES_128,
        CryptoAlgorithm::AES_192,
        CryptoAlgorithm::AES_256,
        CryptoAlgorithm::NONE,
    ];
    let settings = ServerSettings {
        versions: if bits & 1 == 0 {
            VersionRange::ALL
        } else {
            VersionRange::ONLY_1_0
        },
        encryption: *script.pick(&algorithms).expect("four"),
        active_client_limit: CLIENTS,
        negotiation_limit: NEGOTIATIONS,
        upload_timer_ms: 1_000,
    };
    let mut stage = Stage {
        server: Server::new(settings, &[bits; 32]).expect("settings that make sense"),
        preparing: Vec::new(),
        sending: Vec::new(),
        over: Vec::new(),
        answers: BTreeMap::new(),
        request_len: 0,
    };
    let (mut now, mut connections) = (Instant::ZERO, 0);
    while let Some(step) = script.step() {
        match step % 8 {
            0..=2 => {
                let bytes = match step % 8 {
                    0 => script.bytes().to_vec(),
                    _ => request(&mut script),
                };
                connections += 1;
                let connection = Connection(connections);
                stage.request_len = bytes.len();
                let before = stage.preparing.len();
                stage.tell(
                    now,
                    Input::Message {
                        connection,
                        bytes: &bytes,
                        holdings: &Cache,
                    },
                );
                let is_prepared = stage.preparing.len() > before;
                let is_answered = stage.answers.contains_key(&connection);
                assert!(is_prepared != is_answered, "neither, or both");
            }
            3 => {
                if let Some(exchange) = script.pick_out(&mut stage.preparing) {
                    stage.tell(now, Input::Ready { exchange });
                    assert!(stage.sending.contains(&exchange), "ready, but not sent");
                }
            }
            4 => {
                if let Some(exchange) = script.pick_out(&mut stage.preparing) {
                    stage.tell(now, Input::Lost { exchange });
                    assert!(stage.sending.contains(&exchange), "lost, and not told");
                }
            }
            5 => {
                if let Some(exchange) = script.pick_out(&mut stage.sending) {
                    stage.tell(now, Input::Sent { exchange });
                    stage.over.push(exchange);
                }
            }
            6 => {
                let from = if script.flag() {
                    &mut stage.sending
                } else {
                    &mut stage.preparing
                };
                if let Some(exchange) = script.pick_out(from) {
                    stage.tell(now, Input::Closed { exchange });
                    stage.over.push(exchange);
                }
                if let Some(exchange) = script.pick(&stage.over).copied() {
                    let _ = stage.server.handle(now, Input::Ready { exchange });
                    let outputs = law::drain(&mut stage);
                    assert_eq!(outputs, 0, "an exchange that is over");
                }
            }
            _ => law::pass(&mut stage, &mut now, script.milliseconds()),
        }
    }
    law::come_to_rest(&mut stage, &mut now);
    assert_eq!(stage.server.active_clients(), 0);
    assert!(stage.preparing.is_empty() && stage.sending.is_empty());
    assert!(payload_len(settings.encryption, 1) >= 1);
}
