//! The peer's side of discovery (MS-PCCRD 3.2) under scripts.
//! Invariant: one answer to a probe at most, with a number that was persisted before, and never two of one number.
//! Byte order: none.

use std::collections::BTreeMap;

use peerdist::content::{SegmentId, Version};
use peerdist::discovery::{
    Held, Identifier, Message, Persisted, Probe, Replies, Responder, ResponderEvent,
    ResponderInput, ResponderOutput, ResponderSettings, Start, Suppression,
};
use peerdist::time::{Duration, Instant};

use crate::agreement;
use crate::law::{self, World};
use crate::machines::prober::address;
use crate::script::{Script, segment_id};

const ANSWERS: usize = 3;

struct Stage {
    responder: Responder,
    holdings: BTreeMap<SegmentId, Held>,
    persisted: Option<Persisted>,
    last: Option<(u32, u32)>,
    /// Answers that wait for their time.
    waiting: usize,
    is_timeout: bool,
    datagram_len: usize,
}

impl World for Stage {
    type Output = ResponderOutput;

    fn poll_output(&mut self) -> Option<ResponderOutput> {
        self.responder.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.responder.poll_timeout()
    }

    fn timeout(&mut self, now: Instant) {
        let holdings = &self.holdings;
        let input = ResponderInput::Timeout { holdings };
        self.is_timeout = true;
        self.responder
            .handle(now, input)
            .expect("a timeout is always due");
    }

    fn take(&mut self, output: ResponderOutput) {
        match output {
            ResponderOutput::Persist(persisted) => self.persisted = Some(persisted),
            ResponderOutput::Send { to, message } => {
                let place = message.sequence.expect("ours has one");
                let persisted = self.persisted.expect("persisted before it is used");
                let place = (place.instance_id, place.message_number);
                assert!(place <= (persisted.instance_id, persisted.message_number));
                assert!(self.last.is_none_or(|last| last < place), "used twice");
                self.last = Some(place);
                let ours = to.ip().to_canonical().is_ipv4();
                let is_usable = |address: &core::net::SocketAddr| address.is_ipv4() == ours;
                assert!(message.addresses.iter().all(is_usable));
                let decoded = Message::decode(&message.encode()).expect("what is sent decodes");
                assert_eq!(decoded.message, Message::ProbeMatch(message));
            }
            ResponderOutput::Event(event) => match event {
                ResponderEvent::Waiting { .. } => self.waiting += 1,
                ResponderEvent::Rejected(rejected) => {
                    agreement::rejection(&rejected, self.datagram_len);
                }
                ResponderEvent::Answered { segments, .. } => {
                    assert!(segments > 0);
                    self.waiting -= 1;
                }
                ResponderEvent::NothingHeld { .. } | ResponderEvent::NoAddress { .. } => {
                    self.waiting -= usize::from(self.is_timeout);
                }
                ResponderEvent::Full { .. } => assert_eq!(self.waiting, ANSWERS),
                _ => {}
            },
        }
    }

    fn check(&self) {
        assert!(self.waiting <= ANSWERS);
        assert_eq!(self.waiting > 0, self.poll_timeout().is_some());
    }
}

fn probe(script: &mut Script<'_>) -> Probe {
    let number = script.byte();
    let text = format!(
        "urn:uuid:00000000-0000-0000-0000-0000000000{:02x}",
        number % 16
    );
    let version = if number & 0x10 == 0 {
        Version::V1
    } else {
        Version::V2
    };
    Probe {
        message_id: Identifier::new(&text).expect("short"),
        version,
        ids: (0..=number >> 6)
            .map(|_| segment_id(script.byte() % 6))
            .collect(),
    }
}

/// Probes of anybody for anything, while segments come and go.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn responder(data: &[u8]) {
    let mut script = Script::new(data);
    let bits = script.byte();
    let settings = ResponderSettings {
        suppression: (bits & 1 == 0).then(Suppression::default),
        max_pending_answers: ANSWERS,
        max_remembered_probes: 5,
        message_number_batch: u32::from(bits >> 5),
        app_max_delay_ms: u64::from(bits),
        ..ResponderSettings::default()
    };
    let persisted = Persisted {
        instance_id: script.u32(),
        message_number: script.u32(),
    };
    let start = match bits >> 1 & 3 {
        0 => Start::Continued(persisted),
        1 => Start::Restarted {
            previous: Some(persisted),
            unix_seconds: script.u32(),
        },
        _ => Start::Restarted {
            previous: None,
            unix_seconds: 7,
        },
    };
    let mut stage = Stage {
        responder: Responder::new(settings, start, &[bits; 32]),
        holdings: BTreeMap::new(),
        persisted: matches!(start, Start::Continued(_)).then_some(persisted),
        last: None,
        waiting: 0,
        is_timeout: false,
        datagram_len: 0,
    };
    let mut now = Instant::ZERO;
    while let Some(step) = script.step() {
        let from = address(step >> 3);
        stage.is_timeout = false;
        match step % 6 {
            0 => {
                let addresses: Vec<_> = (0..step >> 6).map(|_| address(script.byte())).collect();
                let input = ResponderInput::Addresses(&addresses);
                stage.responder.handle(now, input).expect("usable ones");
            }
            1 => {
                let held = Held {
                    version: if step & 8 == 0 {
                        Version::V1
                    } else {
                        Version::V2
                    },
                    blocks: script.byte().into(),
                    is_complete: step & 16 == 0,
                    age: (step & 32 == 0).then(|| Duration::from_millis(script.milliseconds())),
                    replies: Replies {
                        total: script.byte().into(),
                        full: u32::from(script.byte() % 32),
                    },
                };
                let id = segment_id(script.byte() % 6);
                match step & 0x40 {
                    0 => stage.holdings.insert(id, held),
                    _ => stage.holdings.remove(&id),
                };
            }
            2 | 3 => {
                let message = probe(&mut script);
                let bytes = message.encode();
                stage.datagram_len = bytes.len();
                let holdings = &stage.holdings;
                let input = match step % 6 {
                    2 => ResponderInput::Probe {
                        from,
                        message: &message,
                        holdings,
                    },
                    _ => ResponderInput::Datagram {
                        from,
                        bytes: &bytes,
                        holdings,
                    },
                };
                stage.responder.handle(now, input).expect("no misuse");
            }
            4 => {
                let bytes = script.bytes();
                stage.datagram_len = bytes.len();
                let holdings = &stage.holdings;
                let input = ResponderInput::Datagram {
                    from,
                    bytes,
                    holdings,
                };
                stage.responder.handle(now, input).expect("no misuse");
            }
            _ => law::pass(&mut stage, &mut now, script.milliseconds()),
        }
        law::drain(&mut stage);
    }
    law::come_to_rest(&mut stage, &mut now);
}
