use super::*;

#[test]
fn versions_asked_for_come_as_the_highest_of_both() {
    for (low, high, selected) in [(1, 2, "2.0"), (1, 1, "1.0"), (2, 9, "2.0"), (0, 1, "1.0")] {
        let mut client = client();
        let (exchange, _) = ask(&mut client, Question::Versions);
        let outputs = answer(&mut client, exchange, &versions(low, high));
        let Outcome::Versions {
            selected: found,
            of_peer,
        } = outcome(&outputs)
        else {
            panic!("{outputs:?}")
        };
        assert_eq!(
            (found.to_string().as_str(), *of_peer),
            (selected, range(low, high))
        );
    }
}

#[test]
fn a_request_answered_with_versions_is_sent_again_once_and_with_a_new_timer() {
    for (question, low, version) in [
        (plain(4), 1, ProtocolVersion::V1_0),
        (block_list(&[(0, 5)]), 1, ProtocolVersion::V1_0),
        // A peer that cannot take the version of the type gets the one selected.
        (plain(4), 2, ProtocolVersion::V2_0),
        (segment_list(&[1]), 1, ProtocolVersion::V2_0),
    ] {
        let mut client = client();
        let (exchange, query) = ask(&mut client, question);
        assert_eq!(client.poll_timeout(), Some(at(2000)));
        let outputs = answer(&mut client, exchange, &versions(low, 2));
        let [
            Output::Send {
                exchange: again,
                query: second,
                peer,
                ..
            },
        ] = &outputs[..]
        else {
            panic!("{outputs:?}")
        };
        assert_eq!((*again, *peer), (exchange, PEER));
        assert_eq!(second.question, query.question);
        assert_eq!(second.request().version, version);
        assert_eq!(second.request().body, query.request().body);
        assert_eq!(client.poll_timeout(), Some(at(2010)));
        let outputs = answer(&mut client, exchange, &versions(low, 2));
        assert_eq!(refused(&outputs), "PCCRR-3.1.5.1-02");
    }
}

#[test]
fn a_peer_without_version_2_does_not_support_segment_lists() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, segment_list(&[1]));
    let outputs = answer(&mut client, exchange, &versions(1, 1));
    let of_peer = range(1, 1);
    assert_eq!(*outcome(&outputs), Outcome::Unsupported { of_peer });
}

#[test]
fn an_incompatible_peer_loses_all_its_exchanges_and_no_other_does() {
    let mut client = client();
    let (first, _) = ask(&mut client, plain(1));
    let (second, _) = ask(&mut client, block_list(&[(0, 9)]));
    let (elsewhere, _) = ask_at(&mut client, at(0), Peer(51), plain(2));
    let (third, _) = ask(&mut client, Question::Versions);
    let of_peer = range(3, 9);
    let outputs = answer(&mut client, second, &versions(3, 9));
    let mut ended: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Event(Event::Finished {
                exchange, outcome, ..
            }) => {
                assert_eq!(*outcome, Outcome::Incompatible { of_peer });
                Some(*exchange)
            }
            _ => None,
        })
        .collect();
    ended.sort_unstable();
    assert_eq!(ended, [first, second, third]);
    let aborted = outputs
        .iter()
        .filter(|output| matches!(output, Output::Abort { .. }));
    assert_eq!(aborted.count(), 2);
    assert_eq!(client.outstanding(), 1);
    client
        .handle(
            at(20),
            Input::Cancel {
                exchange: elsewhere,
            },
        )
        .unwrap();
    assert_eq!(*outcome(&drain(&mut client)), Outcome::Cancelled);
}

#[test]
fn responses_without_an_outstanding_request_are_discarded() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    client.handle(at(2000), Input::Timeout).unwrap();
    drain(&mut client);
    let messages = [
        (versions(1, 2), "PCCRR-3.1.5.1-01"),
        (sample_responses()[1].clone(), "PCCRR-3.1.5.2-01"),
        (sample_responses()[2].clone(), "PCCRR-3.1.5.3-01"),
        (sample_responses()[4].clone(), "PCCRR-3.1.5.4-02"),
    ];
    for (message, requirement) in messages {
        let outputs = answer(&mut client, exchange, &message);
        let [
            Output::Event(Event::Rejected {
                rejected,
                peer: None,
                ..
            }),
        ] = &outputs[..]
        else {
            panic!("{outputs:?}")
        };
        assert_eq!(rejected.requirement, requirement);
    }
}

#[test]
fn the_request_timer_ends_each_exchange_after_its_own_two_seconds() {
    let mut client = client();
    let (first, _) = ask_at(&mut client, at(0), PEER, plain(1));
    let (second, _) = ask_at(&mut client, at(500), PEER, plain(2));
    client.handle(at(1999), Input::Timeout).unwrap();
    assert!(drain(&mut client).is_empty());
    for (now, exchange) in [(2000, first), (2500, second)] {
        assert_eq!(client.poll_timeout(), Some(at(now)));
        client.handle(at(now), Input::Timeout).unwrap();
        let outputs = drain(&mut client);
        assert_eq!(
            outputs[0],
            Output::Abort {
                exchange,
                peer: PEER
            }
        );
        assert_eq!(*outcome(&outputs), Outcome::TimedOut);
    }
    assert_eq!((client.outstanding(), client.poll_timeout()), (0, None));
}

#[test]
fn failures_of_the_world_end_an_exchange_at_any_stage() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    client.handle(at(1), Input::Failed { exchange }).unwrap();
    assert_eq!(*outcome(&drain(&mut client)), Outcome::Failed);
    let (exchange, _) = ask(&mut client, plain(4));
    answer(
        &mut client,
        exchange,
        &encode(ResponseBody::Block(block_answer(&[0; 112]))),
    );
    client.handle(at(1), Input::Failed { exchange }).unwrap();
    assert_eq!(*outcome(&drain(&mut client)), Outcome::Failed);
    // Of what is over, nothing is heard again.
    client.handle(at(1), Input::Failed { exchange }).unwrap();
    client.handle(at(1), Input::Cancel { exchange }).unwrap();
    client
        .handle(
            at(1),
            Input::Decrypted {
                exchange,
                quirk: None,
            },
        )
        .unwrap();
    assert!(drain(&mut client).is_empty());
}
