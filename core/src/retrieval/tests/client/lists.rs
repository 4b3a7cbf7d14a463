use super::*;

#[test]
fn a_block_list_brings_the_blocks_that_were_asked_about() {
    let list = |available: &[(u32, u32)], segment| {
        encode(ResponseBody::BlockList(BlockList {
            segment,
            available: set(available).into(),
            next: 77,
        }))
    };
    let mut client = client();
    let mut give = |message: &[u8]| {
        let (exchange, _) = ask(&mut client, block_list(&[(0, 5), (10, 5)]));
        let outputs = answer(&mut client, exchange, message);
        assert_eq!((client.outstanding(), client.poll_timeout()), (0, None));
        outputs
    };
    let expected = |ranges: &[(u32, u32)]| Outcome::BlockList {
        segment: id(1),
        available: set(ranges),
        next: 77,
    };
    assert_eq!(
        *outcome(&give(&list(&[(0, 2)], id(1)))),
        expected(&[(0, 2)])
    );
    // Parts outside the request are left out.
    let wide = list(&[(3, 100)], id(1));
    assert_eq!(*outcome(&give(&wide)), expected(&[(3, 2), (10, 5)]));
    // No ranges mean that the peer has none.
    assert_eq!(*outcome(&give(&list(&[], id(1)))), expected(&[]));
    assert_eq!(refused(&give(&list(&[(0, 2)], id(2)))), "PCCRR-3.1.5.2-02");
    assert_eq!(refused(&give(&list(&[(5, 5)], id(1)))), "PCCRR-3.1.5.2-03");
}

#[test]
fn a_segment_list_brings_segments_and_ages_counted_from_its_first_range() {
    let mut client = client();
    let (exchange, query) = ask(&mut client, segment_list(&[1, 2, 3, 4]));
    let blob = [0, 1, 1, 3, 0, 9, 0, 0, 2, 8, 0, 0, 200, 7, 0, 0];
    let message = segments_answer(&query, &[(1, 1), (3, 1), (3, 1)], &blob);
    let outputs = answer(&mut client, exchange, &message);
    let Outcome::SegmentList { asked, available } = outcome(&outputs) else {
        panic!("{outputs:?}")
    };
    assert_eq!(asked.len(), 4);
    let expected = [(1, 9), (3, 8)].map(|(index, seconds)| AvailableSegment {
        index,
        age: Some(Duration::from_secs(seconds)),
    });
    assert_eq!(*available, expected);
}

#[test]
fn a_segment_list_past_the_request_or_of_another_request_is_discarded() {
    let mut client = client();
    for ranges in [&[(2, 1)][..], &[(0, 1), (1, 2)], &[(u32::MAX - 1, 1)]] {
        let (exchange, query) = ask(&mut client, segment_list(&[1, 2]));
        let message = segments_answer(&query, ranges, b"");
        assert_eq!(
            refused(&answer(&mut client, exchange, &message)),
            "PCCRR-3.1.5.4-03"
        );
    }
    let (exchange, query) = ask(&mut client, segment_list(&[1, 2]));
    let mut message = segments_answer(&query, &[(0, 2)], b"");
    message[20] ^= 1;
    assert_eq!(
        refused(&answer(&mut client, exchange, &message)),
        "PCCRR-3.1.5.4-02"
    );
    let (exchange, query) = ask(&mut client, segment_list(&[1, 2]));
    let message = segments_answer(&query, &[], b"");
    let outputs = answer(&mut client, exchange, &message);
    assert!(
        matches!(outcome(&outputs), Outcome::SegmentList { available, .. } if available.is_empty())
    );
}

#[test]
fn a_bad_blob_is_dropped_and_its_list_taken() {
    let mut client = client();
    let (exchange, query) = ask(&mut client, segment_list(&[1, 2]));
    let message = segments_answer(&query, &[(0, 2)], &[0, 1, 9, 0]);
    let outputs = answer(&mut client, exchange, &message);
    assert!(matches!(
        &outputs[0],
        Output::Event(Event::BlobDropped { rejected, .. }) if rejected.requirement == "PCCRR-2.2.6.1.1-02"
    ));
    let Outcome::SegmentList { available, .. } = outcome(&outputs) else {
        panic!("{outputs:?}")
    };
    assert_eq!(
        available
            .iter()
            .map(|segment| segment.age)
            .collect::<Vec<_>>(),
        [None, None]
    );
}
