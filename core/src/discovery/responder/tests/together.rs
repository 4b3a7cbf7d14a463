//! Prober and responders of MS-PCCRD against each other on virtual time, and the law of the machines.
//! Invariant: what goes over the wire is datagrams.
//! Byte order: as in the messages.

use super::*;

/// One prober and some responders on virtual time; returns what the prober learnt.
fn discover(version: Version, peers: u8, settings: ResponderSettings) -> Vec<ProberEvent> {
    let held = store(&[(
        1,
        Held {
            version,
            blocks: 1,
            ..HELD
        },
    )]);
    let mut responders: Vec<_> = (0..peers)
        .map(|seed| responder_of(settings, seed))
        .collect();
    let mut prober = Prober::new(ProberSettings::default(), &[99; 32]);
    let subnets = [Subnet::new("192.0.2.0".parse().unwrap(), 24).unwrap()];
    let input = ProberInput::Subnets(&subnets);
    prober.handle(Instant::ZERO, input).unwrap();
    let segments = [1, 2].map(|fill| Wanted {
        id: id(fill),
        blocks: 1,
    });
    let input = ProberInput::Start {
        probe: ProbeToken(1),
        version,
        segments: &segments,
    };
    prober.handle(Instant::ZERO, input).unwrap();
    let mut now = Instant::ZERO;
    let mut events = Vec::new();
    loop {
        while let Some(output) = prober.poll_output() {
            match output {
                ProberOutput::Multicast(probe) => {
                    for responder in &mut responders {
                        let from = addr(CLIENT);
                        let bytes = &probe.encode();
                        let input = ResponderInput::Datagram {
                            from,
                            bytes,
                            holdings: &held,
                        };
                        responder.handle(now, input).unwrap();
                    }
                }
                ProberOutput::Event(event) => events.push(event),
            }
        }
        let next = responders.iter().filter_map(Responder::poll_timeout);
        let Some(at) = next.chain(prober.poll_timeout()).min() else {
            return events;
        };
        now = at;
        prober.handle(now, ProberInput::Timeout).unwrap();
        for (responder, host) in responders.iter_mut().zip(10..) {
            let input = ResponderInput::Timeout { holdings: &held };
            responder.handle(now, input).unwrap();
            for output in drain(responder) {
                if let ResponderOutput::Send { to, message } = output {
                    assert_eq!(to, addr(CLIENT));
                    let from = SocketAddr::new([192, 0, 2, host].into(), 3702);
                    let bytes = &message.encode();
                    let input = ProberInput::Datagram { from, bytes };
                    prober.handle(now, input).unwrap();
                }
            }
        }
    }
}

#[test]
fn a_prober_finds_every_responder_in_time_and_once() {
    for version in [Version::V1, Version::V2] {
        let events = discover(version, 30, ResponderSettings::default());
        let matches = events
            .iter()
            .filter(|event| matches!(event, ProberEvent::Match(_)));
        assert_eq!(matches.count(), 30);
        let replies = vec![
            Replies {
                total: 30,
                full: 30,
            },
            Replies::default(),
        ];
        let finished = ProberEvent::Finished {
            probe: ProbeToken(1),
            replies,
        };
        assert_eq!(events.last(), Some(&finished));
        assert_eq!(events.len(), 31);
        assert_eq!(events, discover(version, 30, ResponderSettings::default()));
    }
}

/// Drives a responder as a seed says and returns all that came out.
fn story(seed: u64) -> Vec<ResponderOutput> {
    let held = store(&[
        (1, HELD),
        (
            2,
            Held {
                replies: Replies { total: 10, full: 0 },
                ..HELD
            },
        ),
    ]);
    let mut responder = responder_of(
        ResponderSettings {
            max_pending_answers: 3,
            max_remembered_probes: 5,
            message_number_batch: 4,
            ..ResponderSettings::default()
        },
        7,
    );
    let mut chance = Entropy::from_u64(seed, Purpose::Faults);
    let mut now = Instant::ZERO;
    let mut outputs = Vec::new();
    for _ in 0..300 {
        match chance.below(3) {
            0 => {
                let fill = u8::try_from(chance.below(4)).unwrap();
                let number = u8::try_from(chance.below(20)).unwrap();
                let message = &numbered(Version::V1, &[fill], number);
                let from = addr(CLIENT);
                let input = ResponderInput::Probe {
                    from,
                    message,
                    holdings: &held,
                };
                responder.handle(now, input).unwrap();
            }
            1 => now = now + Duration::from_millis(chance.below(100)),
            _ => {
                if let Some(at) = responder.poll_timeout() {
                    now = now.max(at);
                    let input = ResponderInput::Timeout { holdings: &held };
                    responder.handle(now, input).unwrap();
                    let told = responder.poll_output();
                    let moved = responder.poll_timeout().is_none_or(|next| next > at);
                    assert!(told.is_some() || moved);
                    outputs.extend(told);
                }
            }
        }
        let drained = drain(&mut responder);
        assert!(drained.len() < 20);
        outputs.extend(drained);
    }
    outputs
}

#[test]
fn the_law_holds_draining_ends_timeouts_move_and_the_same_story_is_told_twice() {
    for seed in 0..20 {
        assert_eq!(story(seed), story(seed));
    }
    assert_ne!(story(1), story(2));
}
