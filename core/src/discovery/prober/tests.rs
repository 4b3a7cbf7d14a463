//! Tests of the client's side of MS-PCCRD, rule by rule, and of the law of the machines.
//! Invariant: time is what the test says it is.
//! Byte order: as in the messages.

use super::*;
use crate::discovery::tests::{id, match_v1, match_v2, uuid};
use crate::discovery::{AppSequence, Availability, BlockCount, Found, SegmentAges};

const TOKEN: ProbeToken = ProbeToken(7);

fn ms(milliseconds: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(milliseconds)
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const PEER: &str = "192.0.2.7:3702";

fn without_repeats() -> ProberSettings {
    ProberSettings {
        repeats: 0,
        ..ProberSettings::default()
    }
}

fn prober(settings: ProberSettings) -> Prober {
    let mut prober = Prober::new(settings, &[1; 32]);
    let local = ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().unwrap());
    let subnets = [(local[0], 24), (local[1], 64)].map(|(ip, bits)| Subnet::new(ip, bits).unwrap());
    let input = ProberInput::Subnets(&subnets);
    prober.handle(Instant::ZERO, input).unwrap();
    prober
}

fn wanted(fills: &[u8]) -> Vec<Wanted> {
    let wanted = |fill: &u8| Wanted {
        id: id(*fill),
        blocks: 42,
    };
    fills.iter().map(wanted).collect()
}

fn drain(prober: &mut Prober) -> Vec<ProberOutput> {
    core::iter::from_fn(|| prober.poll_output()).collect()
}

/// Starts a probe and takes it out.
fn start(prober: &mut Prober, version: Version, fills: &[u8]) -> Probe {
    let input = ProberInput::Start {
        probe: TOKEN,
        version,
        segments: &wanted(fills),
    };
    prober.handle(Instant::ZERO, input).unwrap();
    match &drain(prober)[..] {
        [ProberOutput::Multicast(probe)] => probe.clone(),
        other => panic!("{other:?}"),
    }
}

/// What becomes of a match that arrives as a datagram.
fn answer(prober: &mut Prober, at: u64, from: &str, message: &ProbeMatch) -> ProberEvent {
    let input = ProberInput::Datagram {
        from: addr(from),
        bytes: &message.encode(),
    };
    prober.handle(ms(at), input).unwrap();
    match drain(prober).remove(0) {
        ProberOutput::Event(event) => event,
        other => panic!("{other:?}"),
    }
}

fn v1_answer(probe: &Probe, counts: &[(u8, u32)]) -> ProbeMatch {
    let count = |&(fill, blocks): &(u8, u32)| BlockCount {
        id: id(fill),
        blocks,
    };
    ProbeMatch {
        relates_to: probe.message_id.clone(),
        found: Found::V1(counts.iter().map(count).collect()),
        ..match_v1()
    }
}

#[track_caller]
fn assert_rejected(event: &ProberEvent, requirement: &str) {
    match event {
        ProberEvent::Rejected(rejected) => {
            assert_eq!(rejected.requirement, requirement, "{rejected}");
        }
        other => panic!("{other:?}"),
    }
}

fn is_match(event: &ProberEvent) -> bool {
    matches!(event, ProberEvent::Match(_))
}

#[test]
fn a_probe_names_the_segments_and_is_fresh_each_time() {
    let mut prober = prober(without_repeats());
    let first = start(&mut prober, Version::V1, &[1, 2]);
    assert_eq!(first.ids, [id(1), id(2)]);
    prober
        .handle(Instant::ZERO, ProberInput::Cancel(TOKEN))
        .unwrap();
    let second = start(&mut prober, Version::V1, &[1, 2]);
    assert_ne!(first.message_id, second.message_id);
    assert!(first.message_id.uuid().is_some());
}

#[test]
fn the_request_timer_ends_a_probe_after_300_milliseconds() {
    let mut prober = prober(without_repeats());
    start(&mut prober, Version::V1, &[1, 2]);
    assert_eq!(prober.poll_timeout(), Some(ms(300)));
    prober.handle(ms(299), ProberInput::Timeout).unwrap();
    assert_eq!(drain(&mut prober), []);
    prober.handle(ms(300), ProberInput::Timeout).unwrap();
    let finished = ProberEvent::Finished {
        probe: TOKEN,
        replies: vec![Replies::default(); 2],
    };
    assert_eq!(drain(&mut prober), [ProberOutput::Event(finished)]);
    assert_eq!(prober.poll_timeout(), None);
}

#[test]
fn the_request_timer_is_never_shorter_than_the_greatest_backoff() {
    let mut prober = prober(ProberSettings {
        request_timer_ms: 10,
        ..without_repeats()
    });
    start(&mut prober, Version::V1, &[1]);
    assert_eq!(prober.poll_timeout(), Some(ms(65)));
}

#[test]
fn a_version_1_match_tells_of_the_segments_that_are_there() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V1, &[1, 2, 3, 4]);
    let message = v1_answer(&probe, &[(3, 42), (9, 5), (2, 0), (1, 41)]);
    let ProberEvent::Match(found) = answer(&mut prober, 20, PEER, &message) else {
        panic!()
    };
    assert_eq!(found.probe, TOKEN);
    assert_eq!(found.from, addr(PEER));
    assert_eq!(found.endpoint, uuid(0x33));
    let expected = [addr("192.0.2.7:54321"), addr("[2001:db8::7]:54321")];
    assert_eq!(found.addresses, expected);
    let offered: Vec<_> = found
        .segments
        .iter()
        .map(|s| (s.index, s.blocks, s.is_complete, s.age))
        .collect();
    let expected = [(0, Some(41), false, None), (2, Some(42), true, None)];
    assert_eq!(offered, expected);
}

#[test]
fn a_version_2_match_tells_of_the_segments_by_their_places() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V2, &[1, 2, 3, 4]);
    let message = ProbeMatch {
        relates_to: probe.message_id,
        ..match_v2()
    };
    let ProberEvent::Match(found) = answer(&mut prober, 20, PEER, &message) else {
        panic!()
    };
    let ten_minutes = Some(Duration::from_secs(600));
    let offered: Vec<_> = found
        .segments
        .iter()
        .map(|s| (s.index, s.id, s.blocks, s.is_complete, s.age))
        .collect();
    let expected = [
        (0, id(1), None, true, None),
        (3, id(4), None, false, ten_minutes),
    ];
    assert_eq!(offered, expected);
}

#[test]
fn replies_are_counted_for_each_segment_and_each_peer_once() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V1, &[1, 2]);
    for peer in 0..5 {
        let message = ProbeMatch {
            address: uuid(peer),
            ..v1_answer(&probe, &[(1, 42), (2, u32::from(peer))])
        };
        assert!(peer == 4 || is_match(&answer(&mut prober, 10, PEER, &message)));
        let again = answer(&mut prober, 11, PEER, &message);
        if peer < 4 {
            assert_eq!(again, ProberEvent::Repeated { from: addr(PEER) });
        }
        // The same peer over its other address: worth knowing, but no second reply.
        let other = answer(&mut prober, 12, "[2001:db8::7]:3702", &message);
        assert!(is_match(&other));
    }
    prober.handle(ms(300), ProberInput::Timeout).unwrap();
    let Some(ProberOutput::Event(ProberEvent::Finished { replies, .. })) = prober.poll_output()
    else {
        panic!()
    };
    let expected = [(5, 5), (4, 0)].map(|(total, full)| Replies { total, full });
    assert_eq!(replies, expected);
}

#[test]
fn a_match_from_outside_the_local_subnet_is_dropped() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V1, &[1]);
    let message = v1_answer(&probe, &[(1, 1)]);
    for from in ["192.0.3.7:3702", "[2001:db8:1::7]:3702", "10.0.0.1:1"] {
        assert_rejected(&answer(&mut prober, 10, from, &message), "PCCRD-5-01");
        let input = ProberInput::Match {
            from: addr(from),
            message: &message,
        };
        prober.handle(ms(10), input).unwrap();
        let Some(ProberOutput::Event(event)) = prober.poll_output() else {
            panic!()
        };
        assert_rejected(&event, "PCCRD-5-01");
    }
    assert!(is_match(&answer(
        &mut prober,
        10,
        "[::ffff:192.0.2.7]:3702",
        &message
    )));
    assert!(is_match(&answer(
        &mut prober,
        10,
        "[fe80::7]:3702",
        &message
    )));
    // The host has moved.
    let elsewhere = [Subnet::new("198.51.100.0".parse().unwrap(), 24).unwrap()];
    let input = ProberInput::Subnets(&elsewhere);
    prober.handle(ms(11), input).unwrap();
    assert_rejected(&answer(&mut prober, 11, PEER, &message), "PCCRD-5-01");
}

#[test]
fn addresses_outside_the_local_subnet_are_left_out_of_a_match() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V1, &[1]);
    let mut message = v1_answer(&probe, &[(1, 1)]);
    message.addresses = vec![
        addr("10.0.0.7:1"),
        addr("192.0.2.9:2"),
        addr("[2001:db9::]:3"),
    ];
    let ProberEvent::Match(found) = answer(&mut prober, 10, PEER, &message) else {
        panic!()
    };
    assert_eq!(found.addresses, [addr("192.0.2.9:2")]);
    message.addresses.remove(1);
    let event = answer(&mut prober, 10, "192.0.2.10:3702", &message);
    assert_rejected(&event, "PCCRD-3.1.4.1-01");
}

#[test]
fn a_link_local_address_takes_the_zone_it_was_heard_in() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V1, &[1]);
    let mut message = v1_answer(&probe, &[(1, 1)]);
    message.addresses = vec![addr("[fe80::7]:80"), addr("[2001:db8::7]:80")];
    let event = answer(&mut prober, 10, "[fe80::7%3]:3702", &message);
    let ProberEvent::Match(found) = event else {
        panic!()
    };
    assert_eq!(
        found.addresses,
        [addr("[fe80::7%3]:80"), addr("[2001:db8::7]:80")]
    );
}

#[test]
fn a_match_that_answers_no_outstanding_probe_is_dropped() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V1, &[1]);
    let message = v1_answer(&probe, &[(1, 1)]);
    for relates_to in [uuid(9), Identifier::new("urn:other").unwrap()] {
        let other = ProbeMatch {
            relates_to,
            ..message.clone()
        };
        let event = answer(&mut prober, 10, PEER, &other);
        assert_rejected(&event, "PCCRD-3.1.4.1-02");
    }
    let strange = v1_answer(&probe, &[(8, 1), (9, 1)]);
    let event = answer(&mut prober, 10, PEER, &strange);
    assert_rejected(&event, "PCCRD-3.1.4.1-02");
    // Too late, though nobody has told that the time is over.
    assert_rejected(
        &answer(&mut prober, 300, PEER, &message),
        "PCCRD-3.1.4.1-02",
    );
    prober.handle(ms(300), ProberInput::Timeout).unwrap();
    drain(&mut prober);
    assert_rejected(
        &answer(&mut prober, 301, PEER, &message),
        "PCCRD-3.1.4.1-02",
    );
}

#[test]
fn a_cancelled_probe_gets_no_match_and_does_not_finish() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V1, &[1]);
    prober.handle(ms(1), ProberInput::Cancel(TOKEN)).unwrap();
    prober.handle(ms(1), ProberInput::Cancel(TOKEN)).unwrap();
    assert_eq!(prober.poll_timeout(), None);
    let event = answer(&mut prober, 2, PEER, &v1_answer(&probe, &[(1, 1)]));
    assert_rejected(&event, "PCCRD-3.1.4.1-02");
}

#[test]
fn the_probe_a_match_relates_to_is_known_in_either_case_of_its_digits() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V1, &[1]);
    let upper = probe.message_id.as_str().to_uppercase();
    let message = ProbeMatch {
        relates_to: Identifier::new(&upper).unwrap(),
        ..v1_answer(&probe, &[(1, 1)])
    };
    assert!(is_match(&answer(&mut prober, 10, PEER, &message)));
}

#[test]
fn a_match_of_the_other_version_is_dropped() {
    for (version, requirement) in [
        (Version::V1, "PCCRD-2.2.2-02"),
        (Version::V2, "PCCRD-2.2.2-01"),
    ] {
        let mut prober = prober(without_repeats());
        let probe = start(&mut prober, version, &[1]);
        let other = match version {
            Version::V1 => match_v2(),
            Version::V2 => match_v1(),
        };
        let message = ProbeMatch {
            relates_to: probe.message_id,
            ..other
        };
        assert_rejected(&answer(&mut prober, 10, PEER, &message), requirement);
    }
}

#[test]
fn a_match_that_has_nothing_is_dropped() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V1, &[1, 2]);
    let event = answer(&mut prober, 10, PEER, &v1_answer(&probe, &[(1, 0)]));
    assert_rejected(&event, "PCCRD-3.2.2-03");
}

#[test]
fn version_2_bits_must_be_enough_and_surplus_ones_mean_nothing() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V2, &[1, 2, 3, 4, 5]);
    let with_bits = |count, added: &[usize]| {
        let mut availability = Availability::nothing_of(count);
        added.iter().for_each(|i| availability.add(*i, true));
        ProbeMatch {
            relates_to: probe.message_id.clone(),
            found: Found::V2 {
                availability,
                ages: SegmentAges::default(),
            },
            ..match_v2()
        }
    };
    let event = answer(&mut prober, 10, PEER, &with_bits(4, &[0]));
    assert_rejected(&event, "PCCRD-2.2.3.3-06");
    let event = answer(&mut prober, 10, PEER, &with_bits(40, &[7, 39]));
    assert_rejected(&event, "PCCRD-3.2.2-03");
    let event = answer(&mut prober, 10, PEER, &with_bits(40, &[4, 5, 39]));
    let ProberEvent::Match(found) = event else {
        panic!()
    };
    assert_eq!(found.segments.len(), 1);
    assert_eq!(found.segments[0].index, 4);
}

#[test]
fn malformed_and_foreign_messages_are_discarded_and_the_next_match_counts() {
    let mut prober = prober(without_repeats());
    let probe = start(&mut prober, Version::V1, &[1]);
    let message = v1_answer(&probe, &[(1, 1)]);
    let text = String::from_utf8(message.encode()).unwrap();
    let own_probe = String::from_utf8(probe.encode()).unwrap();
    for (datagram, requirement) in [
        (text.replace("00000001", "1"), "PCCRD-2.2.3.9-02"),
        (text.replace("</soap:Envelope>", ""), "PCCRD-2.1-01"),
        (
            text.replace("ProbeMatches</wsa:", "Hello</wsa:"),
            "PCCRD-3.1.6-01",
        ),
        (
            text.replace(":PeerDistData<", ":Printer<"),
            "PCCRD-3.1.6-01",
        ),
        (own_probe, "PCCRD-3.1.6-01"),
        (String::new(), "PCCRD-2.1-01"),
    ] {
        let input = ProberInput::Datagram {
            from: addr(PEER),
            bytes: datagram.as_bytes(),
        };
        prober.handle(ms(10), input).unwrap();
        match &drain(&mut prober)[..] {
            [ProberOutput::Event(event)] => assert_rejected(event, requirement),
            other => panic!("{other:?}"),
        }
    }
    assert!(is_match(&answer(&mut prober, 11, PEER, &message)));
}

#[test]
fn a_probe_is_repeated_as_it_was_and_only_while_an_answer_can_come_in_time() {
    let mut delays = Vec::new();
    let mut without = 0;
    for seed in 0..200u8 {
        let mut prober = Prober::new(ProberSettings::default(), &[seed; 32]);
        let probe = start(&mut prober, Version::V1, &[1]);
        let at = prober.poll_timeout().unwrap();
        if at == ms(300) {
            without += 1;
            continue;
        }
        prober.handle(at, ProberInput::Timeout).unwrap();
        assert_eq!(drain(&mut prober), [ProberOutput::Multicast(probe)]);
        assert_eq!(prober.poll_timeout(), Some(ms(300)));
        delays.push(at.as_nanos() / 1_000_000);
    }
    assert!(delays.iter().all(|delay| (50..=235).contains(delay)));
    // Of delays from 50 to 250 ms those above 235 are not worth sending: 7.5 %.
    assert!((5..30).contains(&without), "{without}");
}

#[test]
fn further_repeats_wait_twice_as_long_up_to_a_limit() {
    let mut prober = prober(ProberSettings {
        request_timer_ms: 10_000,
        repeats: 4,
        repeat_min_delay_ms: 100,
        repeat_max_delay_ms: 100,
        ..ProberSettings::default()
    });
    start(&mut prober, Version::V1, &[1]);
    let mut times = Vec::new();
    while let Some(at) = prober.poll_timeout() {
        prober.handle(at, ProberInput::Timeout).unwrap();
        assert_eq!(drain(&mut prober).len(), 1);
        times.push(at.as_nanos() / 1_000_000);
    }
    assert_eq!(times, [100, 300, 700, 1200, 10_000]);
}

#[test]
fn matches_beyond_the_limit_are_dropped_and_said_so() {
    let mut prober = prober(ProberSettings {
        max_matches_per_probe: 3,
        ..without_repeats()
    });
    let probe = start(&mut prober, Version::V1, &[1]);
    for peer in 0..5 {
        let message = ProbeMatch {
            address: uuid(peer),
            ..v1_answer(&probe, &[(1, 42)])
        };
        let event = answer(&mut prober, 10, PEER, &message);
        if peer < 3 {
            assert!(is_match(&event));
        } else {
            assert_eq!(event, ProberEvent::Full { probe: TOKEN });
        }
    }
}

#[test]
fn a_probe_that_cannot_be_is_the_callers_mistake_and_changes_nothing() {
    let mut prober = prober(ProberSettings {
        max_outstanding_probes: 1,
        ..without_repeats()
    });
    let long = SegmentId(crate::hash::Digest::try_from(&[1; 64][..]).unwrap());
    let mut mixed = wanted(&[1]);
    mixed.push(Wanted {
        id: long,
        blocks: 1,
    });
    let many = wanted(&[1; MAX_IDS + 1]);
    let start_of = |version, segments| ProberInput::Start {
        probe: TOKEN,
        version,
        segments,
    };
    for input in [
        start_of(Version::V1, &[][..]),
        start_of(Version::V1, &many),
        start_of(Version::V2, &mixed),
        ProberInput::Subnets(&[Subnet::new("192.0.2.1".parse().unwrap(), 24).unwrap(); 65]),
    ] {
        assert!(prober.handle(Instant::ZERO, input).is_err());
    }
    assert_eq!((prober.room(), prober.poll_timeout()), (1, None));
    // Ids of several hash functions go into a list, not into a structure.
    let input = start_of(Version::V1, &mixed);
    prober.handle(Instant::ZERO, input).unwrap();
    assert_eq!(prober.room(), 0);
    assert!(prober.handle(Instant::ZERO, input).is_err());
    let input = ProberInput::Start {
        probe: ProbeToken(8),
        version: Version::V1,
        segments: &mixed,
    };
    assert!(prober.handle(Instant::ZERO, input).is_err());
    assert_eq!(drain(&mut prober).len(), 1);
}

/// Drives a prober as a seed says and returns all that came out.
fn story(seed: u8) -> Vec<ProberOutput> {
    let mut prober = prober(ProberSettings {
        repeats: 3,
        max_outstanding_probes: 4,
        ..ProberSettings::default()
    });
    let mut chance = Entropy::from_u64(seed.into(), Purpose::Faults);
    let mut now = Instant::ZERO;
    let mut outputs = Vec::new();
    let mut probes: Vec<Probe> = Vec::new();
    for step in 0..200 {
        match chance.below(4) {
            0 => {
                let input = ProberInput::Start {
                    probe: ProbeToken(step),
                    version: Version::V1,
                    segments: &wanted(&[1, 2]),
                };
                let room = prober.room();
                assert_eq!(prober.handle(now, input).is_ok(), room > 0);
            }
            1 if !probes.is_empty() => {
                let probe = &probes[usize::try_from(chance.below(probes.len() as u64)).unwrap()];
                let message = ProbeMatch {
                    address: uuid(u8::try_from(chance.below(6)).unwrap()),
                    sequence: None::<AppSequence>,
                    ..v1_answer(probe, &[(1, 42)])
                };
                let input = ProberInput::Match {
                    from: addr(PEER),
                    message: &message,
                };
                prober.handle(now, input).unwrap();
            }
            2 => now = now + Duration::from_millis(chance.below(40)),
            _ => {
                if let Some(at) = prober.poll_timeout() {
                    now = now.max(at);
                    prober.handle(now, ProberInput::Timeout).unwrap();
                    let told = prober.poll_output();
                    let moved = prober.poll_timeout().is_none_or(|next| next > at);
                    assert!(told.is_some() || moved);
                    outputs.extend(told);
                }
            }
        }
        let mut drained = 0;
        while let Some(output) = prober.poll_output() {
            if let ProberOutput::Multicast(probe) = &output {
                probes.push(probe.clone());
            }
            outputs.push(output);
            drained += 1;
            assert!(drained < 100, "draining does not end");
        }
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
