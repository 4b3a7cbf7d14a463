//! When a peer answers (MS-PCCRD 3.2.2) and when it leaves that to others (7 <8>), counted over many seeds.
//! Invariant: bounds are four standard deviations and more away, and seeds are fixed: no test fails by chance.
//! Byte order: none.

use super::*;

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
