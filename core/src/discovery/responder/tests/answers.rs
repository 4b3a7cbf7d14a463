//! What a peer answers to a probe (MS-PCCRD 3.2.4.1), to whom, and what it keeps to itself.
//! Invariant: silence on the wire is an event here.
//! Byte order: as in the messages.

use super::*;

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
