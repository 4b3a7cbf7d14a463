//! The client of a hosted cache (MS-PCHC 3.2) under scripts.
//! Invariant: every request ends once, no more are on their way than may be, and what is sent decodes.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::content::ContentInfo;
use peerdist::hash::HashAlgorithm;
use peerdist::hosted_cache::client::{
    Client, ClientSettings, ContentToken, Event, Input, Message, Offerable, Output, RequestId,
};
use peerdist::hosted_cache::{
    ContentTag, ReadBytes, Request, Response, ResponseCode, SegmentKey, Version,
};
use peerdist::time::Instant;

use crate::agreement;
use crate::law::{self, World};
use crate::machines::offers::content;
use crate::script::{Script, segment_id};

const REQUESTS: usize = 3;

struct Stage {
    client: Client,
    version: Version,
    info: Vec<u8>,
    /// Requests that were sent, and whether one is on its way.
    sent: BTreeMap<RequestId, bool>,
    body_len: usize,
}

impl Stage {
    fn end(&mut self, request: RequestId) {
        assert!(
            self.sent.remove(&request).is_some(),
            "{request:?} ends twice"
        );
    }

    fn under_way(&self) -> Vec<RequestId> {
        let waiting = self.sent.iter().filter(|(_, is_sent)| **is_sent);
        waiting.map(|(request, _)| *request).collect()
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
            Output::Send(send) => {
                assert_eq!(send.version, self.version);
                let info = ContentInfo::decode(&self.info).expect("what was made decodes");
                let mut bytes = Vec::new();
                let is_there =
                    send.message
                        .encode_into(&mut bytes, Some(&info), ReadBytes::default());
                let may_lack = matches!(&send.message, Message::SegmentInfo { segment, .. } if segment.index > 0);
                assert!(is_there || may_lack, "{:?}", send.message);
                if is_there {
                    let request = Request::decode(&bytes).expect("what is sent decodes");
                    assert_eq!(request.version(), send.version);
                }
                self.sent.insert(send.request, true);
            }
            Output::Cancel { request } => {
                assert!(self.sent.contains_key(&request));
            }
            Output::Event(
                Event::Offered {
                    request, segments, ..
                }
                | Event::Refused {
                    request, segments, ..
                }
                | Event::TimedOut { request, segments },
            ) => {
                assert!(!segments.segments().is_empty());
                self.end(request);
            }
            Output::Event(Event::Rejected(rejected)) => {
                agreement::rejection(&rejected, self.body_len);
            }
            Output::Event(Event::NotOffered { .. }) => {}
        }
    }

    fn check(&self) {
        assert!(self.under_way().len() <= REQUESTS);
    }
}

fn offerable(number: u8) -> Offerable {
    let id = segment_id(number % 8);
    let algorithm = match (number % 8, number & 0x40) {
        (6, _) => HashAlgorithm::Sha384,
        (7, _) => HashAlgorithm::Sha512,
        (_, 0) => HashAlgorithm::Sha256,
        _ => HashAlgorithm::Sha512Truncated,
    };
    Offerable {
        content: ContentToken(u64::from(number >> 3 & 1)),
        index: u64::from(number % 8),
        key: SegmentKey { algorithm, id },
        length: 65_536 * (u32::from(number >> 4 & 3) + 1),
        tag: ContentTag([number; 16]),
    }
}

/// Blocks that come in, and answers of the hosted cache, good, bad, late or none.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn hosted_cache_client(data: &[u8]) {
    let mut script = Script::new(data);
    let bits = script.byte();
    let version = match bits & 1 {
        0 => Version::V1,
        _ => Version::V2,
    };
    let settings = ClientSettings {
        version,
        offer_threshold_percent: u32::from(bits >> 1 & 0x3F),
        requests_outstanding_max: REQUESTS,
        segments_tracked_max: 5,
        batch_delay_ms: u64::from(bits),
        ..ClientSettings::default()
    };
    let mut stage = Stage {
        client: Client::new(settings),
        version,
        info: content(&mut script),
        sent: BTreeMap::new(),
        body_len: 0,
    };
    let mut now = Instant::ZERO;
    while let Some(step) = script.step() {
        match step % 8 {
            0 | 1 => {
                let segment = offerable(script.byte());
                let input = Input::NewBlocks {
                    segment,
                    count: u32::from(step >> 3 & 3),
                    is_complete: step & 0x40 != 0,
                };
                // More blocks than the segment has are misuse.
                let _ = stage.client.handle(now, input);
            }
            2 => {
                stage
                    .client
                    .handle(now, Input::Flush)
                    .expect("always allowed");
            }
            3 => {
                let content = ContentToken(u64::from(step >> 3 & 1));
                let input = Input::Withdrawn { content };
                stage.client.handle(now, input).expect("always allowed");
            }
            4 | 5 => {
                let under_way = stage.under_way();
                if let Some(request) = script.pick(&under_way).copied() {
                    let (status, body) = match step >> 3 & 7 {
                        0 => (401, Vec::new()),
                        1 => (script.u16(), Vec::new()),
                        2 => (200, script.bytes().to_vec()),
                        code => {
                            let code = ResponseCode(code & 1);
                            (200, Response { code }.encode())
                        }
                    };
                    stage.sent.insert(request, false);
                    stage.body_len = body.len();
                    let input = Input::Response {
                        request,
                        status,
                        body: &body,
                    };
                    stage.client.handle(now, input).expect("it was sent");
                    law::drain(&mut stage);
                    // An offer that hashes are wanted for goes on under another name.
                    if stage.sent.get(&request) == Some(&false) {
                        let is_interest = status == 200 && Response::decode(&body).is_ok();
                        assert!(is_interest, "an answer without an end");
                        stage.sent.remove(&request);
                    }
                }
            }
            6 => {
                let under_way = stage.under_way();
                if let Some(request) = script.pick(&under_way).copied() {
                    stage.sent.insert(request, false);
                    let input = Input::Unreachable { request };
                    stage.client.handle(now, input).expect("it was sent");
                }
            }
            _ => law::pass(&mut stage, &mut now, script.milliseconds()),
        }
        law::drain(&mut stage);
    }
    law::come_to_rest(&mut stage, &mut now);
    assert!(stage.sent.is_empty(), "{:?} without an end", stage.sent);
}
