//! Tests of the peer's side of MS-PCCRD, rule by rule, of both sides together, and of the law of the machines.
//! Invariant: time is what the test says it is.
//! Byte order: as in the messages.

mod answers;
mod together;
mod waiting;

use super::*;
use std::collections::BTreeMap;

use crate::discovery::tests::{id, probe as probe_for, uuid};
use crate::discovery::{
    BlockCount, Found, ProbeToken, Prober, ProberEvent, ProberInput, ProberOutput, ProberSettings,
    Replies, Subnet, Wanted,
};

const START: Start = Start::Restarted {
    previous: None,
    unix_seconds: 1_700_000_000,
};
const CLIENT: &str = "192.0.2.1:50000";

type Store = BTreeMap<SegmentId, Held>;

fn ms(milliseconds: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(milliseconds)
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const HELD: Held = Held {
    version: Version::V1,
    blocks: 42,
    is_complete: true,
    age: None,
    replies: Replies { total: 0, full: 0 },
};

fn store(segments: &[(u8, Held)]) -> Store {
    segments
        .iter()
        .map(|(fill, held)| (id(*fill), *held))
        .collect()
}

fn responder_of(settings: ResponderSettings, seed: u8) -> Responder {
    let mut responder = Responder::new(settings, START, &[seed; 32]);
    let addresses = ["192.0.2.7:80", "[2001:db8::7]:80", "192.0.2.8:81"].map(addr);
    let input = ResponderInput::Addresses(&addresses);
    responder.handle(Instant::ZERO, input).unwrap();
    responder
}

fn responder() -> Responder {
    responder_of(ResponderSettings::default(), 1)
}

fn numbered(version: Version, fills: &[u8], number: u8) -> Probe {
    let ids: Vec<_> = fills.iter().map(|fill| id(*fill)).collect();
    Probe {
        message_id: uuid(number),
        ..probe_for(version, &ids)
    }
}

/// What a responder says to a probe that arrives as a datagram.
fn ask(responder: &mut Responder, at: u64, probe: &Probe, holdings: &Store) -> ResponderEvent {
    ask_from(responder, ms(at), CLIENT, probe, holdings)
}

fn ask_from(
    responder: &mut Responder,
    now: Instant,
    from: &str,
    probe: &Probe,
    holdings: &Store,
) -> ResponderEvent {
    let input = ResponderInput::Datagram {
        from: addr(from),
        bytes: &probe.encode(),
        holdings,
    };
    responder.handle(now, input).unwrap();
    match &drain(responder)[..] {
        [ResponderOutput::Event(event)] => event.clone(),
        other => panic!("{other:?}"),
    }
}

fn drain(responder: &mut Responder) -> Vec<ResponderOutput> {
    core::iter::from_fn(|| responder.poll_output()).collect()
}

/// Lets all answers come that wait.
fn answers(responder: &mut Responder, holdings: &Store) -> Vec<(SocketAddr, ProbeMatch)> {
    let mut sent = Vec::new();
    while let Some(at) = responder.poll_timeout() {
        let input = ResponderInput::Timeout { holdings };
        responder.handle(at, input).unwrap();
        sent.extend(
            drain(responder)
                .into_iter()
                .filter_map(|output| match output {
                    ResponderOutput::Send { to, message } => Some((to, message)),
                    _ => None,
                }),
        );
    }
    sent
}

fn waits(event: &ResponderEvent) -> bool {
    matches!(event, ResponderEvent::Waiting { .. })
}
