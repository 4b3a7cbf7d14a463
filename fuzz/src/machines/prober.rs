//! The client's side of discovery (MS-PCCRD 3.1) under scripts.
//! Invariant: a probe that was not cancelled finishes once, and a match names what was looked for, at addresses nearby.
//! Byte order: none.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::BTreeMap;

use peerdist::content::Version;
use peerdist::discovery::{
    AppSequence, Availability, BlockCount, Found, Identifier, Message, Probe, ProbeMatch,
    ProbeToken, Prober, ProberEvent, ProberInput, ProberOutput, ProberSettings, SegmentAges,
    Subnet, Wanted,
};
use peerdist::time::{Duration, Instant};

use crate::agreement;
use crate::law::{self, World};
use crate::script::{Script, segment_id};

const PROBES: usize = 4;
const MATCHES: u32 = 5;

struct Stage {
    prober: Prober,
    started: BTreeMap<ProbeToken, (Vec<Wanted>, u32)>,
    probes: Vec<Probe>,
    datagram_len: usize,
}

impl World for Stage {
    type Output = ProberOutput;

    fn poll_output(&mut self) -> Option<ProberOutput> {
        self.prober.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.prober.poll_timeout()
    }

    fn timeout(&mut self, now: Instant) {
        self.prober
            .handle(now, ProberInput::Timeout)
            .expect("a timeout is always due");
    }

    fn take(&mut self, output: ProberOutput) {
        match output {
            ProberOutput::Multicast(probe) => {
                let decoded = Message::decode(&probe.encode()).expect("what is sent decodes");
                assert_eq!(decoded.message, Message::Probe(probe.clone()));
                assert!(decoded.quirks.is_empty());
                self.probes.push(probe);
            }
            ProberOutput::Event(ProberEvent::Match(found)) => {
                let (wanted, matches) = self.started.get_mut(&found.probe).expect("outstanding");
                *matches += 1;
                assert!(*matches <= MATCHES);
                assert!(!found.addresses.is_empty() && !found.segments.is_empty());
                for offered in &found.segments {
                    let asked = wanted.get(offered.index).expect("a segment of the probe");
                    assert_eq!(asked.id, offered.id);
                }
            }
            ProberOutput::Event(ProberEvent::Finished { probe, replies }) => {
                let (wanted, matches) = self.started.remove(&probe).expect("outstanding");
                assert_eq!(wanted.len(), replies.len());
                for replies in replies {
                    assert!(replies.full <= replies.total && replies.total <= matches);
                }
            }
            ProberOutput::Event(ProberEvent::Rejected(rejected)) => {
                agreement::rejection(&rejected, self.datagram_len);
            }
            ProberOutput::Event(ProberEvent::Repeated { .. }) => {}
            ProberOutput::Event(ProberEvent::Full { probe }) => {
                let outstanding = self.started.get(&probe);
                assert!(outstanding.is_some_and(|(_, matches)| *matches == MATCHES));
            }
        }
    }

    fn check(&self) {
        assert_eq!(self.prober.room() + self.started.len(), PROBES);
    }
}

/// A neighbour, or somebody from elsewhere.
pub(super) fn address(number: u8) -> SocketAddr {
    let port = u16::from(number) + 1;
    let ip = match number % 4 {
        0 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, number)),
        1 => IpAddr::V6(Ipv6Addr::new(0xFE80, 0, 0, 0, 0, 0, 0, number.into())),
        2 => IpAddr::V4(Ipv4Addr::new(198, 51, 100, number)),
        _ => IpAddr::V6(Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, number.into())),
    };
    SocketAddr::new(ip, port)
}

fn identifier(number: u8) -> Identifier {
    let text = format!("urn:uuid:00000000-0000-0000-0000-0000000000{number:02x}");
    Identifier::new(&text).expect("short")
}

fn answer(probe: &Probe, script: &mut Script<'_>) -> ProbeMatch {
    let bits = script.byte();
    let sender = identifier(script.byte() % 8);
    let found = match (probe.version, bits & 1) {
        (Version::V1, 0) | (Version::V2, 1) => Found::V1(
            (0..=bits >> 6)
                .map(|number| BlockCount {
                    id: segment_id(number),
                    blocks: script.byte().into(),
                })
                .collect(),
        ),
        _ => {
            let mut availability = Availability::nothing_of(usize::from(script.byte() % 8) + 1);
            let mut ages = SegmentAges::default();
            for _ in 0..bits >> 6 {
                availability.add(usize::from(script.byte() % 9), script.flag());
                let age = Duration::from_millis(script.milliseconds());
                ages.add(script.byte() % 9, age);
            }
            Found::V2 { availability, ages }
        }
    };
    ProbeMatch {
        message_id: identifier(script.byte()),
        relates_to: probe.message_id.clone(),
        sequence: (bits & 2 == 0).then_some(AppSequence {
            instance_id: bits.into(),
            message_number: bits.into(),
        }),
        address: sender,
        addresses: (0..=bits >> 2 & 3)
            .map(|_| address(script.byte()))
            .collect(),
        metadata_version: Some(1),
        found,
    }
}

/// Probes started, cancelled and answered by anybody with anything.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn prober(data: &[u8]) {
    let mut script = Script::new(data);
    let bits = script.byte();
    let settings = ProberSettings {
        max_outstanding_probes: PROBES,
        max_matches_per_probe: MATCHES as usize,
        repeats: u32::from(bits & 3),
        request_timer_ms: u64::from(bits) * 4,
        ..ProberSettings::default()
    };
    let mut stage = Stage {
        prober: Prober::new(settings, &[bits; 32]),
        started: BTreeMap::new(),
        probes: Vec::new(),
        datagram_len: 0,
    };
    let mut now = Instant::ZERO;
    while let Some(step) = script.step() {
        let from = address(step >> 3);
        match step % 8 {
            0 => {
                let subnets: Vec<_> = (0..step >> 6)
                    .filter_map(|_| Subnet::new(address(script.byte()).ip(), script.byte() % 130))
                    .collect();
                let input = ProberInput::Subnets(&subnets);
                stage.prober.handle(now, input).expect("few subnets");
            }
            1 | 2 => {
                let probe = ProbeToken(u64::from(step >> 3 & 7));
                let segments: Vec<_> = (0..script.byte() % 12)
                    .map(|_| Wanted {
                        id: segment_id(script.byte() % 8),
                        blocks: script.byte().into(),
                    })
                    .collect();
                let version = if step & 0x40 == 0 {
                    Version::V2
                } else {
                    Version::V1
                };
                let is_new = !stage.started.contains_key(&probe);
                let input = ProberInput::Start {
                    probe,
                    version,
                    segments: &segments,
                };
                if stage.prober.handle(now, input).is_ok() {
                    assert!(is_new);
                    stage.started.insert(probe, (segments, 0));
                }
            }
            3 => {
                let probe = ProbeToken(u64::from(step >> 3 & 7));
                stage
                    .prober
                    .handle(now, ProberInput::Cancel(probe))
                    .expect("always allowed");
                stage.started.remove(&probe);
            }
            4 | 5 => {
                if let Some(probe) = script.pick(&stage.probes) {
                    let message = answer(probe, &mut script);
                    let bytes = message.encode();
                    stage.datagram_len = bytes.len();
                    let input = match step % 8 {
                        4 => ProberInput::Match {
                            from,
                            message: &message,
                        },
                        _ => ProberInput::Datagram {
                            from,
                            bytes: &bytes,
                        },
                    };
                    stage.prober.handle(now, input).expect("no misuse");
                }
            }
            6 => {
                let bytes = script.bytes();
                stage.datagram_len = bytes.len();
                let input = ProberInput::Datagram { from, bytes };
                stage.prober.handle(now, input).expect("no misuse");
            }
            _ => law::pass(&mut stage, &mut now, script.milliseconds()),
        }
        law::drain(&mut stage);
    }
    law::come_to_rest(&mut stage, &mut now);
    assert!(stage.started.is_empty(), "a probe without an end");
}
