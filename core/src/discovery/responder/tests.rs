//! Tests of the peer's side of MS-PCCRD, rule by rule, of both sides together, and of the law of the machines.
//! Invariant: time is what the test says it is.
//! Byte order: as in the messages.

use super::*;
use crate::discovery::tests::{id, probe as probe_for, uuid};
use crate::discovery::{
    ProbeToken, Prober, ProberEvent, ProberInput, ProberOutput, ProberSettings, Subnet, Wanted,
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

#[test]
fn a_version_1_probe_gets_the_ids_that_are_here_with_their_block_counts() {
    let held = store(&[
        (1, HELD),
        (
            3,
            Held {
                blocks: 7,
                is_complete: false,
                ..HELD
            },
        ),
        (4, Held { blocks: 0, ..HELD }),
        (9, HELD),
    ]);
    let mut responder = responder();
    let probe = numbered(Version::V1, &[1, 2, 3, 4], 1);
    assert!(waits(&ask(&mut responder, 0, &probe, &held)));
    let sent = answers(&mut responder, &held);
    let [(to, message)] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(*to, addr(CLIENT));
    assert_eq!(message.relates_to, probe.message_id);
    assert_eq!(message.metadata_version, Some(1));
    assert_eq!(
        message.addresses,
        ["192.0.2.7:80", "192.0.2.8:81"].map(addr)
    );
    let counts = [(1, 42), (3, 7)].map(|(fill, blocks)| BlockCount {
        id: id(fill),
        blocks,
    });
    assert_eq!(message.found, Found::V1(counts.into()));
    // It is a message that can be read.
    let decoded = Message::decode(&message.encode()).unwrap();
    assert_eq!(decoded.message, Message::ProbeMatch(message.clone()));
    assert!(decoded.quirks.is_empty());
}

#[test]
fn a_version_2_probe_gets_two_bits_for_each_id_and_the_ages() {
    let v2 = Held {
        version: Version::V2,
        blocks: 1,
        ..HELD
    };
    let age = Some(Duration::from_secs(60));
    let held = store(&[
        (
            2,
            Held {
                is_complete: false,
                ..v2
            },
        ),
        (5, Held { age, ..v2 }),
        // Of version 1.0 content, which a version 2.0 probe does not look for.
        (3, HELD),
    ]);
    let mut responder = responder();
    let probe = numbered(Version::V2, &[1, 2, 3, 4, 5], 1);
    assert!(waits(&ask(&mut responder, 0, &probe, &held)));
    let (_, message) = answers(&mut responder, &held).remove(0);
    assert_eq!(message.metadata_version, Some(2));
    let Found::V2 { availability, ages } = message.found else {
        panic!()
    };
    assert_eq!(availability.capacity(), 8);
    let bits: Vec<_> = (0..5)
        .map(|i| (availability.has(i), availability.is_complete(i)))
        .collect();
    let (none, part, all) = ((false, false), (true, false), (true, true));
    assert_eq!(bits, [none, part, none, none, all]);
    assert_eq!(
        ages.iter().collect::<Vec<_>>(),
        [(4, Duration::from_secs(60))]
    );
}

#[test]
fn a_version_1_probe_for_version_2_content_is_answered_and_reported() {
    let held = store(&[(
        1,
        Held {
            version: Version::V2,
            blocks: 1,
            ..HELD
        },
    )]);
    let mut responder = responder();
    let event = ask(&mut responder, 0, &numbered(Version::V1, &[1], 1), &held);
    let ResponderEvent::Waiting { quirks, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(
        quirks.iter().collect::<Vec<_>>(),
        [Quirk::V1ProbeForV2Content]
    );
    assert_eq!(answers(&mut responder, &held).len(), 1);
}

#[test]
fn a_probe_for_what_is_not_here_gets_silence() {
    let mut responder = responder();
    let probe = numbered(Version::V1, &[1, 2], 1);
    let from = addr(CLIENT);
    for held in [
        store(&[]),
        store(&[(3, HELD), (2, Held { blocks: 0, ..HELD })]),
    ] {
        let event = ask(&mut responder, 0, &probe, &held);
        assert_eq!(event, ResponderEvent::NothingHeld { from });
        assert_eq!(responder.poll_timeout(), None);
    }
    // And the same probe is answered once there is something.
    assert!(waits(&ask(&mut responder, 1, &probe, &store(&[(2, HELD)]))));
}

#[test]
fn what_comes_and_goes_while_the_answer_waits_is_told_as_it_is_then() {
    let mut responder = responder();
    let before = store(&[(1, HELD), (2, HELD)]);
    let after = store(&[(2, Held { blocks: 5, ..HELD }), (3, HELD)]);
    let probe = numbered(Version::V1, &[1, 2, 3], 1);
    ask(&mut responder, 0, &probe, &before);
    let (_, message) = answers(&mut responder, &after).remove(0);
    let counts = [(2, 5), (3, 42)].map(|(fill, blocks)| BlockCount {
        id: id(fill),
        blocks,
    });
    assert_eq!(message.found, Found::V1(counts.into()));
    let probe = numbered(Version::V1, &[1], 2);
    assert!(waits(&ask(&mut responder, 100, &probe, &before)));
    assert_eq!(answers(&mut responder, &after), []);
}

#[test]
fn the_wait_is_drawn_evenly_from_1_to_65_milliseconds() {
    let held = store(&[(1, HELD)]);
    let mut tenths = [0u32; 10];
    let (mut least, mut most, mut sum) = (u64::MAX, 0, 0);
    let total = 2000;
    for seed in 0..20 {
        let mut responder = responder_of(ResponderSettings::default(), seed);
        for number in 0..100 {
            let probe = numbered(Version::V1, &[1], number);
            assert!(waits(&ask(&mut responder, 0, &probe, &held)));
            let waited = responder.poll_timeout().unwrap().as_nanos();
            least = least.min(waited);
            most = most.max(waited);
            sum += waited / total;
            let tenth = (waited - 1_000_000) * 10 / 64_000_001;
            tenths[usize::try_from(tenth).unwrap()] += 1;
            assert_eq!(answers(&mut responder, &held).len(), 1);
        }
    }
    assert!((1_000_000..1_500_000).contains(&least), "{least}");
    assert!((64_500_000..=65_000_000).contains(&most), "{most}");
    assert!((32_000_000..34_000_000).contains(&sum), "{sum}");
    // 200 in each tenth; 13.4 is the standard deviation.
    assert!(tenths.iter().all(|n| (140..260).contains(n)), "{tenths:?}");
}

#[test]
fn the_wait_follows_its_setting() {
    let held = store(&[(1, HELD)]);
    for (app_max_delay_ms, most) in [(0, 1), (1, 1), (1000, 1000)] {
        let settings = ResponderSettings {
            app_max_delay_ms,
            ..ResponderSettings::default()
        };
        let mut responder = responder_of(settings, 1);
        ask(&mut responder, 0, &numbered(Version::V1, &[1], 1), &held);
        let at = responder.poll_timeout().unwrap();
        assert!((ms(1)..=ms(most)).contains(&at), "{at:?}");
    }
}

/// Out of 1000 probes for a segment that was offered so often, how many are answered.
fn answered_of_1000(suppression: Option<Suppression>, offered: &[(u32, u32)]) -> usize {
    let settings = ResponderSettings {
        suppression,
        remember_probe_ms: 0,
        ..ResponderSettings::default()
    };
    let segments = offered.iter().zip(1..);
    let segments: Vec<_> = segments
        .map(|((total, full), fill)| {
            let replies = Replies {
                total: *total,
                full: *full,
            };
            (fill, Held { replies, ..HELD })
        })
        .collect();
    let held = store(&segments);
    let fills: Vec<_> = segments.iter().map(|(fill, _)| *fill).collect();
    let mut answered = 0;
    for seed in 0..10 {
        let mut responder = responder_of(settings, seed);
        for number in 0..100 {
            let probe = numbered(Version::V1, &fills, number);
            let event = ask(&mut responder, number.into(), &probe, &held);
            let sent = answers(&mut responder, &held).len();
            assert_eq!(
                sent == 0,
                event == ResponderEvent::Suppressed { from: addr(CLIENT) }
            );
            answered += sent;
        }
    }
    answered
}

#[test]
fn a_segment_that_enough_peers_offered_whole_is_left_to_them() {
    let windows = Some(Suppression::default());
    assert_eq!(answered_of_1000(windows, &[(0, 0)]), 1000);
    assert_eq!(answered_of_1000(windows, &[(9, 9)]), 1000);
    assert_eq!(answered_of_1000(windows, &[(10, 10)]), 0);
    assert_eq!(answered_of_1000(windows, &[(200, 10)]), 0);
    // 0.33, with a standard deviation of 15.
    for offered in [(10, 9), (10, 0), (200, 9)] {
        let answered = answered_of_1000(windows, &[offered]);
        assert!((270..390).contains(&answered), "{offered:?}: {answered}");
    }
}

#[test]
fn of_several_segments_the_one_that_needs_the_answer_most_decides() {
    let windows = Some(Suppression::default());
    assert_eq!(answered_of_1000(windows, &[(10, 10), (0, 0)]), 1000);
    assert_eq!(answered_of_1000(windows, &[(10, 10), (12, 11)]), 0);
    let answered = answered_of_1000(windows, &[(10, 10), (10, 5), (11, 5)]);
    assert!((270..390).contains(&answered), "{answered}");
}

#[test]
fn suppression_follows_its_settings() {
    assert_eq!(answered_of_1000(None, &[(200, 200)]), 1000);
    let rule = |enough_replies, answer_per_mille| {
        Some(Suppression {
            enough_replies,
            answer_per_mille,
        })
    };
    assert_eq!(answered_of_1000(rule(3, 330), &[(2, 2)]), 1000);
    assert_eq!(answered_of_1000(rule(3, 330), &[(3, 3)]), 0);
    assert_eq!(answered_of_1000(rule(3, 0), &[(3, 2)]), 0);
    assert_eq!(answered_of_1000(rule(3, 1000), &[(3, 2)]), 1000);
}

#[test]
fn the_same_probe_is_answered_once_and_again_after_a_second() {
    let held = store(&[(1, HELD)]);
    let mut responder = responder();
    let probe = numbered(Version::V1, &[1], 1);
    let from = addr(CLIENT);
    assert!(waits(&ask(&mut responder, 0, &probe, &held)));
    // While its answer waits, and after it.
    let repeated = ResponderEvent::Repeated { from };
    assert_eq!(ask(&mut responder, 0, &probe, &held), repeated);
    assert_eq!(answers(&mut responder, &held).len(), 1);
    assert_eq!(ask(&mut responder, 250, &probe, &held), repeated);
    assert_eq!(ask(&mut responder, 899, &probe, &held), repeated);
    assert_eq!(answers(&mut responder, &held), []);
    // Somebody else with the same identifier, another probe, and iPXE after its second.
    assert!(waits(&ask_from(
        &mut responder,
        ms(899),
        "192.0.2.2:50000",
        &probe,
        &held
    )));
    assert!(waits(&ask(
        &mut responder,
        899,
        &numbered(Version::V1, &[1], 2),
        &held
    )));
    assert!(waits(&ask(&mut responder, 1000, &probe, &held)));
    assert_eq!(answers(&mut responder, &held).len(), 3);
}

#[test]
fn a_repeat_of_a_suppressed_probe_gets_no_second_chance() {
    let replies = Replies { total: 10, full: 0 };
    let held = store(&[(1, Held { replies, ..HELD })]);
    let mut responder = responder();
    let mut suppressed = 0;
    for number in 0..100 {
        let probe = numbered(Version::V1, &[1], number);
        if !waits(&ask(&mut responder, 0, &probe, &held)) {
            suppressed += 1;
            for _ in 0..10 {
                let event = ask(&mut responder, 1, &probe, &held);
                assert_eq!(event, ResponderEvent::Repeated { from: addr(CLIENT) });
            }
        }
        answers(&mut responder, &held);
    }
    assert!(suppressed > 50);
}

#[test]
fn malformed_and_foreign_messages_get_silence_and_the_next_probe_an_answer() {
    let held = store(&[(1, HELD)]);
    let mut responder = responder();
    let probe = numbered(Version::V1, &[1], 1);
    let text = String::from_utf8(probe.encode()).unwrap();
    let id = "01".repeat(32);
    for (datagram, requirement) in [
        (text.replace(&id, ""), "PCCRD-3.2.4.1-07"),
        (text.replace(&id, "01"), "PCCRD-2.2.3.3-03"),
        (text.replace(&id, &format!("{id} x")), "PCCRD-2.2.3.3-03"),
        (text.replace("/Probe<", "/Bye<"), "PCCRD-3.2.6-01"),
        (text.replace("PeerDistData<", "Printer<"), "PCCRD-3.2.6-01"),
        (text.replace("strcmp0", "rfc2396"), "PCCRD-2.2.2.1-02"),
        ("<".into(), "PCCRD-2.1-01"),
        (
            String::from_utf8(crate::discovery::tests::match_v1().encode()).unwrap(),
            "PCCRD-3.2.6-01",
        ),
    ] {
        let input = ResponderInput::Datagram {
            from: addr(CLIENT),
            bytes: datagram.as_bytes(),
            holdings: &held,
        };
        responder.handle(Instant::ZERO, input).unwrap();
        match &drain(&mut responder)[..] {
            [ResponderOutput::Event(ResponderEvent::Rejected(rejected))] => {
                assert_eq!(rejected.requirement, requirement, "{rejected}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(responder.poll_timeout(), None);
    }
    assert!(waits(&ask(&mut responder, 1, &probe, &held)));
    assert_eq!(answers(&mut responder, &held).len(), 1);
}

#[test]
fn answers_name_addresses_of_the_askers_family_only() {
    let held = store(&[(1, HELD)]);
    let mut responder = responder();
    for (number, from, expected) in [
        (1, "[2001:db8::1]:5", &["[2001:db8::7]:80"][..]),
        (2, "192.0.2.1:5", &["192.0.2.7:80", "192.0.2.8:81"]),
        (3, "[::ffff:192.0.2.1]:5", &["192.0.2.7:80", "192.0.2.8:81"]),
    ] {
        let probe = numbered(Version::V1, &[1], number);
        ask_from(&mut responder, ms(0), from, &probe, &held);
        let (to, message) = answers(&mut responder, &held).remove(0);
        assert_eq!(to, addr(from));
        let expected: Vec<_> = expected.iter().map(|text| addr(text)).collect();
        assert_eq!(message.addresses, expected);
    }
}

#[test]
fn without_an_address_there_is_no_answer() {
    let held = store(&[(1, HELD)]);
    let mut responder = Responder::new(ResponderSettings::default(), START, &[1; 32]);
    let from = addr(CLIENT);
    let probe = numbered(Version::V1, &[1], 1);
    let silence = ResponderEvent::NoAddress { from };
    assert_eq!(ask(&mut responder, 0, &probe, &held), silence);
    let addresses = [addr("192.0.2.7:80")];
    let input = ResponderInput::Addresses(&addresses);
    responder.handle(ms(1), input).unwrap();
    assert!(waits(&ask(&mut responder, 1, &probe, &held)));
    // The cable is pulled while the answer waits.
    let input = ResponderInput::Addresses(&[]);
    responder.handle(ms(1), input).unwrap();
    assert_eq!(answers(&mut responder, &held), []);
    for wrong in ["192.0.2.7:0", "0.0.0.0:80", "[::]:80"] {
        let input = ResponderInput::Addresses(&[addr(wrong)]);
        assert!(responder.handle(ms(2), input).is_err());
    }
    let many = [addr("192.0.2.7:80"); MAX_ADDRESSES + 1];
    let input = ResponderInput::Addresses(&many);
    assert!(responder.handle(ms(2), input).is_err());
}

#[test]
fn answers_that_wait_are_bounded_and_so_are_probes_remembered() {
    let held = store(&[(1, HELD)]);
    let mut responder = responder_of(
        ResponderSettings {
            max_pending_answers: 4,
            max_remembered_probes: 8,
            ..ResponderSettings::default()
        },
        1,
    );
    for number in 0..6 {
        let event = ask(
            &mut responder,
            0,
            &numbered(Version::V1, &[1], number),
            &held,
        );
        let full = ResponderEvent::Full { from: addr(CLIENT) };
        assert_eq!(event == full, number >= 4, "{event:?}");
    }
    assert_eq!(answers(&mut responder, &held).len(), 4);
    for number in 10..40 {
        assert!(waits(&ask(
            &mut responder,
            100,
            &numbered(Version::V1, &[1], number),
            &held
        )));
        assert_eq!(answers(&mut responder, &held).len(), 1);
        assert!(responder.remembered.len() <= 8);
        assert!(responder.spare.len() <= 4);
    }
    // The oldest went first.
    let newest = ask(&mut responder, 101, &numbered(Version::V1, &[1], 39), &held);
    assert_eq!(newest, ResponderEvent::Repeated { from: addr(CLIENT) });
    assert!(waits(&ask(
        &mut responder,
        101,
        &numbered(Version::V1, &[1], 10),
        &held
    )));
}

#[test]
fn message_numbers_count_up_are_persisted_first_and_start_anew_with_the_instance() {
    let held = store(&[(1, HELD)]);
    let settings = ResponderSettings {
        message_number_batch: 2,
        ..ResponderSettings::default()
    };
    let mut responder = responder_of(settings, 1);
    let mut persisted = None;
    let mut seen = Vec::new();
    let mut address = None;
    for number in 0..5 {
        ask(
            &mut responder,
            0,
            &numbered(Version::V1, &[1], number),
            &held,
        );
        let at = responder.poll_timeout().unwrap();
        let input = ResponderInput::Timeout { holdings: &held };
        responder.handle(at, input).unwrap();
        for output in drain(&mut responder) {
            match output {
                ResponderOutput::Persist(state) => persisted = Some(state),
                ResponderOutput::Send { message, .. } => {
                    let sequence = message.sequence.unwrap();
                    let state: Persisted = persisted.unwrap();
                    assert_eq!(sequence.instance_id, state.instance_id);
                    assert!(sequence.message_number <= state.message_number);
                    seen.push(sequence.message_number);
                    assert_eq!(
                        *address.get_or_insert(message.address.clone()),
                        message.address
                    );
                }
                ResponderOutput::Event(_) => {}
            }
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    let start = Start::Restarted {
        previous: persisted,
        unix_seconds: 0,
    };
    let mut again = Responder::new(settings, start, &[2; 32]);
    let input = ResponderInput::Addresses(&[addr("192.0.2.7:80")]);
    again.handle(Instant::ZERO, input).unwrap();
    ask(&mut again, 0, &numbered(Version::V1, &[1], 1), &held);
    let (_, message) = answers(&mut again, &held).remove(0);
    let sequence = message.sequence.unwrap();
    assert_eq!(
        (sequence.instance_id, sequence.message_number),
        (1_700_000_001, 1)
    );
    assert_ne!(Some(message.address), address);
}

#[test]
fn answers_come_in_the_order_of_their_waits() {
    let held = store(&[(1, HELD)]);
    let mut responder = responder();
    let mut due = Vec::new();
    for number in 0..20 {
        let probe = numbered(Version::V1, &[1], number);
        let event = ask(&mut responder, 0, &probe, &held);
        let ResponderEvent::Waiting { until, .. } = event else {
            panic!("{event:?}")
        };
        due.push((until, probe.message_id));
    }
    due.sort();
    let input = ResponderInput::Timeout { holdings: &held };
    responder.handle(ms(65), input).unwrap();
    let sent: Vec<_> = drain(&mut responder)
        .into_iter()
        .filter_map(|output| match output {
            ResponderOutput::Send { message, .. } => Some(message.relates_to),
            _ => None,
        })
        .collect();
    let expected: Vec<_> = due.into_iter().map(|(_, id)| id).collect();
    assert_eq!(sent, expected);
}

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
