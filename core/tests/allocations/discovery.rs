//! MS-PCCRD 3.1, 3.2: prober and responder.
//! Invariant: who is not answered costs nothing; an answer costs the message and the name of the probe.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use peerdist::content::Version;
use peerdist::discovery::{
    Held, Probe, ProbeMatch, ProbeToken, Prober, ProberEvent, ProberInput, ProberOutput,
    ProberSettings, Replies, Responder, ResponderInput, ResponderOutput, ResponderSettings, Start,
    Subnet, Uuid, Wanted,
};
use peerdist::time::{Duration, Instant};

use crate::counting::allocations_of;
use crate::id;

fn address() -> SocketAddr {
    "10.0.0.1:80".parse().unwrap()
}

fn at(ms: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(ms)
}

fn responder() -> Responder {
    let start = Start::Restarted {
        previous: None,
        unix_seconds: 1,
    };
    let mut responder = Responder::new(ResponderSettings::default(), start, &[1; 32]);
    let addresses = ResponderInput::Addresses(&[address()]);
    responder.handle(Instant::ZERO, addresses).unwrap();
    responder
}

fn probe(version: Version, number: u8, segment: u8) -> Probe {
    Probe {
        message_id: Uuid([number; 16]).into(),
        version,
        ids: vec![id(segment), id(segment + 1)],
    }
}

type Holdings = BTreeMap<peerdist::content::SegmentId, Held>;

fn holdings() -> Holdings {
    let held = |version| Held {
        version,
        blocks: 3,
        is_complete: true,
        age: Some(Duration::from_secs(10)),
        replies: Replies::default(),
    };
    [(id(1), held(Version::V1)), (id(11), held(Version::V2))].into()
}

fn hear(responder: &mut Responder, now: u64, message: &Probe, holdings: &Holdings) -> u32 {
    let from = address();
    let input = ResponderInput::Probe {
        from,
        message,
        holdings,
    };
    responder.handle(at(now), input).unwrap();
    drain(responder).0
}

/// Answers what is due; tells how many answers there were, and gives the last.
fn drain(responder: &mut Responder) -> (u32, Option<ProbeMatch>) {
    let (mut sent, mut last) = (0, None);
    while let Some(output) = responder.poll_output() {
        if let ResponderOutput::Send { message, .. } = output {
            sent += 1;
            last = Some(message);
        }
    }
    (sent, last)
}

fn answer(responder: &mut Responder, now: u64, holdings: &Holdings) -> (u32, Option<ProbeMatch>) {
    let input = ResponderInput::Timeout { holdings };
    responder.handle(at(now), input).unwrap();
    drain(responder)
}

#[test]
fn a_probe_that_is_not_answered_allocates_nothing() {
    let (mut responder, holdings) = (responder(), holdings());
    let known = probe(Version::V1, 1, 1);
    let strange = probe(Version::V1, 2, 100);
    hear(&mut responder, 0, &known, &holdings);
    let count = allocations_of(|| {
        for _ in 0..1_000 {
            hear(&mut responder, 1, &known, &holdings);
            hear(&mut responder, 1, &strange, &holdings);
        }
    });
    assert_eq!(count, 0, "2,000 probes, repeated or for others");
}

#[test]
fn an_answer_allocates_the_match_and_the_name_of_the_probe() {
    for (version, segment) in [(Version::V1, 1), (Version::V2, 11)] {
        let (mut responder, holdings) = (responder(), holdings());
        let probes: Vec<_> = (0..=u8::MAX)
            .map(|it| probe(version, it, segment))
            .collect();
        let mut now = 0;
        let mut answered = 0;
        let mut round = |responder: &mut Responder| {
            for probe in &probes {
                now += 1_000;
                hear(responder, now, probe, &holdings);
                answered += answer(responder, now + 500, &holdings).0;
            }
        };
        round(&mut responder);
        let count = allocations_of(|| round(&mut responder));
        assert_eq!(answered, 512);
        now += 1_000;
        hear(&mut responder, now, &probes[0], &holdings);
        let (_, message) = answer(&mut responder, now + 500, &holdings);
        let of_message = allocations_of(|| drop(message.clone()));
        println!("{version:?}: {count} for 256 answers, {of_message} for a match");
        // The name of the probe is kept, and copied into the match; in version 2.0 the list of ages grows once, too.
        let of_ages = usize::from(version == Version::V2);
        assert_eq!(count, 256 * (of_message + 1 + of_ages));
    }
}

struct Asking {
    prober: Prober,
    now: u64,
    token: u64,
    sent: Option<Probe>,
    finished: u32,
    matched: u32,
}

impl Asking {
    fn new() -> Self {
        let mut prober = Prober::new(ProberSettings::default(), &[2; 32]);
        let subnet = Subnet::new(address().ip(), 24).unwrap();
        let subnets = ProberInput::Subnets(&[subnet]);
        prober.handle(Instant::ZERO, subnets).unwrap();
        Self {
            prober,
            now: 0,
            token: 0,
            sent: None,
            finished: 0,
            matched: 0,
        }
    }

    fn handle(&mut self, input: ProberInput<'_>) {
        self.prober.handle(at(self.now), input).unwrap();
        while let Some(output) = self.prober.poll_output() {
            match output {
                ProberOutput::Multicast(probe) => self.sent = Some(probe),
                ProberOutput::Event(ProberEvent::Finished { .. }) => self.finished += 1,
                ProberOutput::Event(ProberEvent::Match(_)) => self.matched += 1,
                ProberOutput::Event(_) => {}
            }
        }
    }

    fn start(&mut self) {
        self.now += 1_000;
        self.token += 1;
        let wanted = [1, 2].map(|number| Wanted {
            id: id(number),
            blocks: 3,
        });
        self.handle(ProberInput::Start {
            probe: ProbeToken(self.token),
            version: Version::V1,
            segments: &wanted,
        });
    }

    fn end(&mut self) {
        self.now += 500;
        self.handle(ProberInput::Timeout);
    }
}

#[test]
fn a_probe_allocates_its_message_twice_and_what_is_counted_of_it() {
    let mut asking = Asking::new();
    asking.start();
    asking.end();
    let sent = asking.sent.clone();
    let of_message = allocations_of(|| drop(sent.clone()));
    let count = allocations_of(|| {
        for _ in 0..1_000 {
            asking.start();
            asking.end();
        }
    });
    assert_eq!(asking.finished, 1_001);
    println!("{count} for 1,000 probes, {of_message} for a message");
    // Sent, kept to be repeated, and the numbers of blocks and replies of its segments.
    assert_eq!(count, 1_000 * (2 * of_message + 2));
}

#[test]
fn a_match_allocates_what_is_told_of_it_and_the_name_of_its_sender() {
    let mut asking = Asking::new();
    let (mut responder, holdings) = (responder(), holdings());
    asking.start();
    let probe = asking.sent.clone().unwrap();
    hear(&mut responder, asking.now, &probe, &holdings);
    let (_, message) = answer(&mut responder, asking.now + 100, &holdings);
    let message = message.unwrap();
    let from = address();
    let message = &message;
    let first = allocations_of(|| asking.handle(ProberInput::Match { from, message }));
    assert_eq!(asking.matched, 1);
    let count = allocations_of(|| {
        for _ in 0..1_000 {
            asking.handle(ProberInput::Match { from, message });
        }
    });
    println!("{first} for a match, {count} for 1,000 that repeat it");
    // Endpoint, addresses and segments as they are told, the endpoint as it is remembered, and room for it.
    assert!(first <= 5, "{first}");
    // What it offers is looked at before it is known to be sound, and so to be a repetition.
    assert_eq!(count, 1_000, "repeated matches");
}
