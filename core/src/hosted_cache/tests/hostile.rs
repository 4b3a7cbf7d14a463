//! Every truncation, every changed byte, and anything at all: decoders are total.

use super::*;
use crate::wire::{Reader, Trace};
use proptest::prelude::*;

fn round_trips(bytes: &[u8]) {
    let trace = Trace::new();
    let traced = Request::decode_with(Reader::traced(bytes, &trace));
    let decoded = Request::decode(bytes);
    assert_eq!(decoded, traced);
    match decoded {
        Ok(request) => {
            let again = request.encode();
            assert_eq!(again.len(), bytes.len());
            assert_eq!(Request::decode(&again), Ok(request));
            if let Request::SegmentInfo(info) = request {
                let _ = info.segment().map(|segment| segment.listed());
            }
        }
        Err(error) => {
            assert!(error.at <= bytes.len(), "{error}");
            assert!(error.requirement().starts_with("PCHC-"));
            assert!(!error.problem.name().is_empty() && !error.to_string().is_empty());
        }
    }
}

#[test]
fn every_sample_survives_a_round_trip_byte_for_byte() {
    for bytes in sample_requests() {
        assert_eq!(Request::decode(&bytes).unwrap().encode(), bytes);
        round_trips(&bytes);
    }
}

#[test]
fn every_truncation_is_refused_unless_what_is_left_is_a_message() {
    for bytes in sample_requests() {
        let message_type = Request::decode(&bytes).unwrap().message_type();
        for end in 0..bytes.len() {
            let cut = &bytes[..end];
            round_trips(cut);
            let may_be_good = match message_type {
                MessageType::INITIAL_OFFER => matches!(end, 48 | 64),
                MessageType::SEGMENT_INFO => end >= 32,
                _ => end > 16 && (end - 16).is_multiple_of(59),
            };
            assert_eq!(Request::decode(cut).is_ok(), may_be_good, "{end}");
        }
    }
}

#[test]
fn every_changed_byte_is_refused_or_means_something_that_survives_a_round_trip() {
    for bytes in sample_requests() {
        for at in 0..bytes.len().min(400) {
            for lie in [0x00, 0x01, 0x02, 0x7F, 0x80, 0xFF] {
                let mut changed = bytes.clone();
                changed[at] = lie;
                round_trips(&changed);
            }
        }
    }
}

proptest! {
    #[test]
    fn anything_at_all_is_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        round_trips(&bytes);
        let _ = Response::decode(&bytes);
    }

    #[test]
    fn anything_behind_a_good_header_is_decoded_or_refused(
        kind in 1u8..4,
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let major = if kind == 3 { 2 } else { 1 };
        let head = [0, major, 0, kind, 0, 0, 0, 0, 0, 80, 0, 0, 0, 0, 0, 0];
        round_trips(&[&head[..], &body].concat());
    }

    #[test]
    fn anything_behind_a_good_content_information_header_is_parsed_or_refused(
        offset in 0u32..200_000, read_bytes in 0u32..200_000, length in 0u32..200_000,
        rest in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut content = vec![0, 1, 0x0C, 0x80, 0, 0];
        for value in [offset, read_bytes, 1, 0, 0, length, 65536] {
            content.extend(value.to_le_bytes());
        }
        content.extend(rest);
        let info = SegmentInfo { port: 1, content_tag: tag(), segment_information: &content };
        if let Ok(segment) = info.segment() {
            prop_assert!(segment.listed().is_subset(&BlockSet::first_blocks(segment.block_count())));
        }
    }
}
