use super::*;
use proptest::prelude::*;

type Fault = (&'static str, usize, &'static str, &'static str);

fn told(error: DecodeError) -> Fault {
    (
        error.problem.name(),
        error.at,
        error.field,
        error.requirement(),
    )
}

fn request_fault(bytes: &[u8]) -> Fault {
    told(Request::decode(bytes).unwrap_err())
}

fn response_fault(bytes: &[u8]) -> Fault {
    told(Response::decode(bytes).unwrap_err())
}

/// The sample with the number at `at` replaced.
fn patched(sample: &[u8], at: usize, number: u32) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
    bytes
}

#[test]
fn samples_survive_a_round_trip() {
    for message in sample_requests() {
        assert_eq!(Request::decode(&message).unwrap().encode(), message);
    }
    for message in sample_responses() {
        let response = Response::decode(&message).unwrap();
        assert_eq!(response.encode(), message);
        assert_eq!(response.message_len() + 4, message.len());
    }
}

#[test]
fn every_truncation_is_refused_where_the_bytes_end() {
    for message in sample_requests() {
        for length in 0..message.len() {
            let cut = &message[..length];
            let (name, at, _, _) = request_fault(cut);
            let expected = if length < 16 {
                "truncated"
            } else {
                "size-mismatch"
            };
            assert_eq!(name, expected);
            assert!(at <= length);
            // The same with sizes that agree: now the body itself is too short.
            if length >= 16 {
                let (name, at, _, _) = request_fault(&with_right_sizes(cut.to_vec(), false));
                assert!(
                    ["truncated", "count-outside-message"].contains(&name),
                    "{name}"
                );
                assert!(at <= length && at >= 16);
            }
        }
    }
    for message in sample_responses() {
        for length in 0..message.len() {
            let cut = &message[..length];
            let (name, _, _, _) = response_fault(cut);
            let expected = if length < 4 {
                "truncated"
            } else {
                "size-mismatch"
            };
            assert_eq!(name, expected);
            if length >= 20 {
                let (name, at, _, _) = response_fault(&with_right_sizes(cut.to_vec(), true));
                assert!(
                    ["truncated", "count-outside-message"].contains(&name),
                    "{name}"
                );
                assert!(at <= length && at >= 20);
            }
        }
    }
}

#[test]
fn bytes_behind_a_message_are_refused() {
    for mut message in sample_requests() {
        let length = message.len();
        message.push(0);
        assert_eq!(request_fault(&message).0, "size-mismatch");
        let (name, at, _, requirement) = request_fault(&with_right_sizes(message, false));
        assert_eq!((name, at), ("trailing-bytes", length));
        assert!(requirement.starts_with("PCCRR-2.2.4."), "{requirement}");
    }
    for mut message in sample_responses() {
        let length = message.len();
        message.push(0);
        assert_eq!(response_fault(&message).0, "size-mismatch");
        let (name, at, _, requirement) = response_fault(&with_right_sizes(message, true));
        assert_eq!((name, at), ("trailing-bytes", length));
        assert!(requirement.starts_with("PCCRR-2.2.5."), "{requirement}");
    }
}

#[test]
fn every_changed_byte_is_refused_or_read_as_something_that_writes_itself_back() {
    for message in sample_requests() {
        for at in 0..message.len() {
            for flip in [0x01, 0x80, 0xFF] {
                let mut changed = message.clone();
                changed[at] ^= flip;
                if let Ok(request) = Request::decode(&changed) {
                    assert_eq!(request.encode(), changed);
                    let _ = (request.quirks(), format!("{request:?}"));
                }
            }
        }
    }
    for message in sample_responses() {
        for at in 0..message.len() {
            for flip in [0x01, 0x80, 0xFF] {
                let mut changed = message.clone();
                changed[at] ^= flip;
                if let Ok(response) = Response::decode(&changed) {
                    assert_eq!(response.encode(), changed);
                    let _ = (response.quirks(), format!("{response:?}"));
                }
            }
        }
    }
}

#[test]
fn sizes_that_lie_by_one_are_refused() {
    let request = &sample_requests()[0];
    for size in [23, 25] {
        assert_eq!(
            request_fault(&patched(request, 8, size)),
            ("size-mismatch", 8, "MsgSize", "PCCRR-2.2.3-10")
        );
    }
    let response = &sample_responses()[0];
    for size in [23, 25] {
        assert_eq!(
            response_fault(&patched(response, 0, size)),
            ("size-mismatch", 0, "Size", "PCCRR-2.2.2-01")
        );
        assert_eq!(
            response_fault(&patched(response, 12, size)),
            ("size-mismatch", 12, "MsgSize", "PCCRR-2.2.3-10")
        );
    }
}

#[test]
fn sizes_outside_their_limits_are_refused_before_they_are_compared() {
    for size in [0, 15, 98_305, u32::MAX] {
        assert_eq!(
            request_fault(&patched(&sample_requests()[0], 8, size)),
            ("size-out-of-limits", 8, "MsgSize", "PCCRR-2.2.3-11")
        );
    }
    for size in [0, 15, 393_217, u32::MAX] {
        assert_eq!(
            response_fault(&patched(&sample_responses()[0], 0, size)),
            ("size-out-of-limits", 0, "Size", "PCCRR-2.2.2-02")
        );
        assert_eq!(
            response_fault(&patched(&sample_responses()[0], 12, size)),
            ("size-out-of-limits", 12, "MsgSize", "PCCRR-2.2.3-12")
        );
    }
}

#[test]
fn a_request_may_have_96_kib_and_not_a_byte_more() {
    let of_size = |size: usize| {
        let verification = vec![0; size - 16 - 36 - 12 - 4];
        let message = Request::new(RequestBody::Blocks(GetBlocks {
            segment: id(1),
            requested: set(&[(0, 1)]).into(),
            verification: &verification,
        }))
        .encode();
        assert_eq!(message.len(), size);
        Request::decode(&message).map(|_| ()).map_err(told)
    };
    assert_eq!(of_size(98_304), Ok(()));
    assert_eq!(of_size(98_305).unwrap_err().0, "size-out-of-limits");
}

#[test]
fn types_that_are_unknown_or_travel_the_other_way_are_refused() {
    for message_type in [8, 9, 0x8000_0000, u32::MAX] {
        assert_eq!(
            request_fault(&patched(&sample_requests()[0], 4, message_type)),
            ("unknown-type", 4, "MsgType", "PCCRR-3.2.5.5-02")
        );
        assert_eq!(
            response_fault(&patched(&sample_responses()[0], 8, message_type)),
            ("unknown-type", 8, "MsgType", "PCCRR-3.1.5.5-01")
        );
    }
    for message_type in [1, 4, 5, 7] {
        assert_eq!(
            request_fault(&patched(&sample_requests()[0], 4, message_type)),
            ("wrong-direction", 4, "MsgType", "PCCRR-2.2.3-03")
        );
    }
    for message_type in [0, 2, 3, 6] {
        assert_eq!(
            response_fault(&patched(&sample_responses()[0], 8, message_type)),
            ("wrong-direction", 8, "MsgType", "PCCRR-2.2.3-02")
        );
    }
}

#[test]
fn segment_ids_of_lengths_that_no_hash_gives_are_refused() {
    for size in [0, 1, 31, 33, 47, 49, 63, 65, u32::MAX] {
        assert_eq!(
            request_fault(&patched(&sample_requests()[1], 16, size)),
            ("segment-id-size", 16, "SizeOfSegmentID", "PCCRR-2.2.4.2-02")
        );
        assert_eq!(
            response_fault(&patched(&sample_responses()[1], 20, size)),
            ("segment-id-size", 20, "SizeOfSegmentId", "PCCRR-2.2.4.2-02")
        );
    }
}

#[test]
fn counts_that_lie_are_refused_without_being_believed() {
    let lists = &sample_requests()[1];
    for count in [257, u32::MAX] {
        assert_eq!(
            request_fault(&patched(lists, 52, count)),
            (
                "range-count",
                52,
                "NeededBlocksRangeCount",
                "PCCRR-2.2.4.2-06"
            )
        );
    }
    assert_eq!(request_fault(&patched(lists, 52, 4)).0, "truncated");
    assert_eq!(request_fault(&patched(lists, 52, 2)).0, "trailing-bytes");

    let blocks = &sample_requests()[4];
    for count in [0, 257, u32::MAX] {
        assert_eq!(
            request_fault(&patched(blocks, 52, count)),
            ("range-count", 52, "ReqBlockRangeCount", "PCCRR-2.2.4.3-03")
        );
    }
    for size in [4, u32::MAX] {
        let (name, at, field, requirement) = request_fault(&patched(blocks, 64, size));
        assert_eq!((name, at, field), ("truncated", 68, "DataForVrfBlock"));
        assert_eq!(requirement, "PCCRR-2.2.4.3-01");
    }

    let segments = &sample_requests()[5];
    for count in [6, u32::MAX] {
        let (name, at, _, _) = request_fault(&patched(segments, 32, count));
        assert_eq!((name, at), ("count-outside-message", 32));
    }
    assert_eq!(
        request_fault(&patched(segments, 32, 4)).0,
        "segment-id-size"
    );

    let list = &sample_responses()[4];
    for count in [5, u32::MAX] {
        let (name, at, field, _) = response_fault(&patched(list, 36, count));
        assert_eq!(
            (name, at, field),
            ("count-outside-message", 36, "SegmentRangeCount")
        );
    }
    let block = &sample_responses()[3];
    for size in [0x60, u32::MAX] {
        let (name, at, field, _) = response_fault(&patched(block, 64, size));
        assert_eq!((name, at, field), ("truncated", 68, "Block"));
    }
}

#[test]
fn the_most_ranges_are_256_even_where_a_message_could_hold_more() {
    let message = |count: u32| {
        let ranges = bytes(&[N(0), N(1)]).repeat(count as usize);
        let size = u32::try_from(16 + 36 + 4 + ranges.len()).unwrap();
        bytes(&[
            N(1),
            N(2),
            N(size),
            N(1),
            N(32),
            B(&[0; 32]),
            N(count),
            B(&ranges),
        ])
    };
    assert!(Request::decode(&message(256)).is_ok());
    assert_eq!(request_fault(&message(257)).0, "range-count");
}

#[test]
fn ranges_of_nothing_or_past_the_segment_are_refused() {
    let message = &sample_requests()[1];
    assert_eq!(
        request_fault(&patched(message, 60, 0)),
        ("range-empty", 60, "Count", "PCCRR-2.2.1.1-02")
    );
    for (index, count) in [(512, 1), (0, 513), (511, 2), (u32::MAX, 1), (1, u32::MAX)] {
        let changed = patched(&patched(message, 56, index), 60, count);
        assert_eq!(
            request_fault(&changed),
            ("range-outside-segment", 56, "Index", "PCCRR-2.2.1.1-03")
        );
    }
    let list = &sample_responses()[4];
    assert_eq!(
        response_fault(&patched(list, 44, 0)),
        ("range-empty", 44, "Count", "PCCRR-2.2.1.2-02")
    );
    assert_eq!(
        response_fault(&patched(list, 40, u32::MAX)),
        ("range-overflow", 40, "Index", "PCCRR-2.2.1.2-03")
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_or_write_themselves_back(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        message_type in 0u32..9,
        count in 0u32..5,
    ) {
        if bytes.len() >= 24 {
            bytes[8..12].copy_from_slice(&message_type.to_be_bytes());
            bytes[20..24].copy_from_slice(&(16 * count).to_be_bytes());
        }
        let response = with_right_sizes(bytes.clone(), bytes.len() >= 4);
        if let Ok(message) = Response::decode(&response) {
            prop_assert_eq!(message.encode(), response);
        }
        if bytes.len() >= 20 {
            let request = with_right_sizes(bytes[4..].to_vec(), false);
            if let Ok(message) = Request::decode(&request) {
                prop_assert_eq!(message.encode(), request);
            }
        }
        if let Ok(ages) = SegmentAges::decode(&bytes) {
            prop_assert!(ages.iter().len() <= SEGMENT_AGES_MAX);
        }
    }

    #[test]
    fn block_lists_of_any_ranges_round_trip(
        ranges in prop::collection::vec((0u32..512, 1u32..512), 0..256),
        fill: u8,
        length in prop::sample::select(vec![32usize, 48, 64]),
        next: u32,
    ) {
        let needed: BlockSet = ranges.iter()
            .map(|(index, count)| BlockRange::new(*index, (*count).min(512 - index)).unwrap())
            .collect();
        let request = Request::new(RequestBody::BlockList(GetBlockList {
            segment: id_of(fill, length),
            needed: needed.into(),
        }));
        let message = request.encode();
        prop_assert_eq!(Request::decode(&message), Ok(request));
        let response = Response::new(CryptoAlgorithm(fill.into()), ResponseBody::BlockList(BlockList {
            segment: id_of(fill, length),
            available: needed.into(),
            next,
        }));
        let message = response.encode();
        prop_assert_eq!(Response::decode(&message), Ok(response));
    }
}
