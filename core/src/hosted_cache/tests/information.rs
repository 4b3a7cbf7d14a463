//! SegmentInformation: what is taken from it, what is forgiven and what is not (MS-PCHC 2.2.1.4).

use super::*;
use crate::content::{ContentRange, Problem as Malformed};

fn parsed(message: &[u8]) -> Result<SegmentInformation<'_>, BadContentInformation> {
    match Request::decode(message) {
        Ok(Request::SegmentInfo(info)) => info.segment(),
        other => panic!("{other:?}"),
    }
}

fn problem(message: &[u8]) -> (&'static str, usize, &'static str) {
    let error = parsed(message).unwrap_err();
    (error.problem.name(), error.at, error.requirement())
}

/// A message around content information that some other client wrote.
fn around(content: &[u8]) -> Vec<u8> {
    SegmentInfo {
        port: 1,
        content_tag: tag(),
        segment_information: content,
    }
    .encode()
}

#[test]
fn the_id_is_computed_from_what_is_offered_and_hashes_of_all_blocks_are_proven() {
    for hash in [
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
    ] {
        let content = content_of(hash, 3, 4);
        let segment = ContentInfo::decode(&content)
            .unwrap()
            .segments()
            .next()
            .unwrap();
        let message = segment_info(&content);
        let information = parsed(&message).unwrap();
        assert_eq!(information.key, SegmentKey::of(&segment));
        assert_eq!(information.secret, segment.secret());
        assert_eq!(information.length, 3 * 65536 - 7);
        assert!(information.is_proven && information.quirks.is_empty());
        assert_eq!(information.listed(), BlockSet::first_blocks(3));
        assert!(message.ends_with(information.block_hashes));
        assert!(!information.to_string().contains("secret"));
    }
}

#[test]
fn the_captured_segment_has_the_captured_id() {
    let hex = |text: &str| -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    let mut content = hex("00010c800000000000000000000001000000");
    content.extend(hex("00000000000000007e850100"));
    content.extend(hex("00000100"));
    content.extend(hex(
        "d8d976354a4872e925761803f458d9daaa67f8e31c630fb74e6a312ef8a25aba",
    ));
    content.extend(hex(
        "11afc0d7949243f94f9c1fab35d9fd1e331fcf7811a2e01d3587b38d770a29e2",
    ));
    content.extend(hex("02000000"));
    content.extend(hex(
        "73c18ab8549110f8e90e71bbc3ab2aa8c44d13f4929499255b660f24ec77800b",
    ));
    content.extend(hex(
        "974bdd65567fdeeccdafe457a9503b4548f66ed3b188dcfda0ac382b09711acc",
    ));
    let message = around(&content);
    let information = parsed(&message).unwrap();
    assert_eq!(
        information.key.id.to_string(),
        "491b217dbee2b5f12ca79b015e06f4bbe64f9745bad7867aef17de59927edce9"
    );
    assert!(information.is_proven);
    assert!(information.quirks.contains(Quirk::ReadBytesZero));
}

#[test]
fn both_values_of_the_read_length_mean_the_whole_segment() {
    let content = content_of(HashAlgorithm::Sha256, 4, 2);
    let info = ContentInfo::decode(&content).unwrap();
    let range = ContentRange {
        start: 70_000,
        length: info.range().length - 70_000,
    };
    let ranged = info.restrict(range).unwrap();
    for (content, offset) in [(&content, 0), (&ranged, 70_000)] {
        let info = ContentInfo::decode(content).unwrap();
        for read_bytes in [ReadBytes::SegmentLength, ReadBytes::Zero] {
            let mut message = Vec::new();
            assert!(encode_segment_info_into(
                &mut message,
                1,
                tag(),
                &info,
                0,
                read_bytes
            ));
            let written = u32::from_le_bytes(message[42..46].try_into().unwrap());
            let expected = match read_bytes {
                ReadBytes::SegmentLength => 4 * 65536 - 7,
                ReadBytes::Zero => 0,
            };
            assert_eq!(written, expected);
            let information = parsed(&message).unwrap();
            assert!(information.is_proven);
            assert_eq!(information.offset_in_segment, offset);
            assert_eq!(
                information.quirks.contains(Quirk::ReadBytesZero),
                read_bytes == ReadBytes::Zero
            );
        }
    }
}

#[test]
fn a_short_list_of_a_range_is_taken_but_proves_nothing() {
    let content = content_of(HashAlgorithm::Sha256, 4, 2);
    let info = ContentInfo::decode(&content).unwrap();
    let ranged = info
        .restrict(ContentRange {
            start: 70_000,
            length: 10,
        })
        .unwrap();
    for written_as in [ReadBytes::SegmentLength, ReadBytes::Zero] {
        let ranged = ContentInfo::decode(&ranged).unwrap();
        let mut message = Vec::new();
        encode_segment_info_into(&mut message, 1, tag(), &ranged, 0, written_as);
        let information = parsed(&message).unwrap();
        assert!(!information.is_proven);
        assert_eq!(information.listed(), BlockSet::first_blocks(2));
        assert_eq!(
            information.key,
            parsed(&segment_info(&content)).unwrap().key
        );
    }
}

/// The same range, with hashes of its own blocks only.
fn without_hashes_before(ranged: &[u8]) -> Option<Vec<u8>> {
    let first = u32::from_le_bytes(ranged[6..10].try_into().unwrap()) / 65536;
    let count_at = 18 + 16 + 64;
    let count = u32::from_le_bytes(ranged[count_at..count_at + 4].try_into().unwrap());
    let mut only = ranged[..count_at].to_vec();
    only.extend((count - first).to_le_bytes());
    only.extend(&ranged[count_at + 4 + 32 * first as usize..]);
    (first > 0).then_some(only)
}

#[test]
fn a_list_of_any_range_is_read_as_one_of_the_blocks_it_was_written_for() {
    let whole = content_of(HashAlgorithm::Sha256, 4, 2);
    let info = ContentInfo::decode(&whole).unwrap();
    let length = info.range().length;
    let places: Vec<u64> = (0..4)
        .flat_map(|block| [0, 1, 65535].map(|byte| block * 65536 + byte))
        .collect();
    let mut seen = 0;
    for start in &places {
        for end in places.iter().map(|last| (last + 1).min(length)) {
            let Some(range_length) = end.checked_sub(*start).filter(|length| *length > 0) else {
                continue;
            };
            let range = ContentRange {
                start: *start,
                length: range_length,
            };
            let ranged = info.restrict(range).unwrap();
            let only = without_hashes_before(&ranged);
            for listed in [Some(ranged), only].into_iter().flatten() {
                let listed = ContentInfo::decode(&listed).unwrap();
                let segment = listed.segments().next().unwrap();
                let count = u32::try_from(segment.block_hashes().len()).unwrap();
                let blocks = BlockSet::range(segment.first_block, count);
                for written_as in [ReadBytes::SegmentLength, ReadBytes::Zero] {
                    let mut message = Vec::new();
                    encode_segment_info_into(&mut message, 1, tag(), &listed, 0, written_as);
                    let read = parsed(&message).unwrap();
                    assert_eq!(read.listed(), blocks, "{range:?}, {written_as:?}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn a_later_segment_keeps_its_place_in_the_content() {
    let secret = SecretKey::new(*b"a secret").unwrap();
    let mut creator = Creator::v1(HashAlgorithm::Sha256, &secret).unwrap();
    creator.update(&noise((32 << 20) + 5, 3)).unwrap();
    let content = creator.finish().unwrap().to_vec();
    let info = ContentInfo::decode(&content).unwrap();
    let mut message = Vec::new();
    assert!(encode_segment_info_into(
        &mut message,
        1,
        tag(),
        &info,
        1,
        ReadBytes::default()
    ));
    let information = parsed(&message).unwrap();
    assert_eq!(information.offset_in_content, 32 << 20);
    assert_eq!(
        information.key,
        SegmentKey::of(&info.segments().nth(1).unwrap())
    );
    let before = message.clone();
    assert!(!encode_segment_info_into(
        &mut message,
        1,
        tag(),
        &info,
        2,
        ReadBytes::default()
    ));
    assert_eq!(message, before);
    // And both together are not what an offer holds.
    assert_eq!(
        problem(&around(&content)),
        ("several-segments", 32 + 14, "PCHC-2.2.1.4-07")
    );
}

#[test]
fn content_information_of_version_2_is_not_offered_this_way() {
    let mut creator = Creator::v2(&SecretKey::new(*b"s").unwrap());
    creator.update(&noise(5000, 1)).unwrap();
    let content = creator.finish().unwrap().to_vec();
    let info = ContentInfo::decode(&content).unwrap();
    assert!(!encode_segment_info_into(
        &mut Vec::new(),
        1,
        tag(),
        &info,
        0,
        ReadBytes::default()
    ));
    assert_eq!(
        problem(&around(&content)),
        ("not-version-1", 32, "PCHC-2.2.1.4-02")
    );
}

#[test]
fn block_hashes_that_do_not_make_hod_are_refused_whole() {
    let mut message = segment_info(&content_of(HashAlgorithm::Sha256, 3, 4));
    let at = message.len() - 3 * 32;
    *message.last_mut().unwrap() ^= 1;
    assert_eq!(problem(&message), ("hashes-at-odds", at, "PCHC-2.2.1.4-09"));
}

#[test]
fn counts_of_blocks_that_are_impossible_are_refused() {
    let content = content_of(HashAlgorithm::Sha256, 3, 4);
    let count_at = 18 + 16 + 64;
    let with = |count: u32, hashes: usize| {
        let mut bytes = content[..count_at].to_vec();
        bytes.extend(count.to_le_bytes());
        bytes.extend(vec![7; hashes * 32]);
        around(&bytes)
    };
    assert!(parsed(&with(1, 1)).is_ok());
    for (count, hashes) in [(0, 0), (4, 4), (1, 2), (2, 1), (u32::MAX, 3), (u32::MAX, 0)] {
        let (name, at, _) = problem(&with(count, hashes));
        assert_eq!(
            (name, at),
            ("block-count", 32 + count_at),
            "{count}, {hashes}"
        );
    }
}

#[test]
fn every_truncation_leaves_the_message_good_and_the_content_information_bad() {
    let message = segment_info(&content_of(HashAlgorithm::Sha256, 2, 1));
    for end in 32..message.len() {
        let error = parsed(&message[..end]).unwrap_err();
        assert!((32..=end).contains(&error.at), "{end}: {error}");
    }
    assert!(matches!(
        parsed(&message[..33]).unwrap_err().problem,
        ContentProblem::Malformed(Malformed::Truncated { .. })
    ));
    let longer = [&message[..], &[0]].concat();
    assert_eq!(problem(&longer).0, "trailing-bytes");
}

#[test]
fn no_changed_byte_keeps_the_id_and_the_proof_but_those_that_are_about_the_place() {
    let message = segment_info(&content_of(HashAlgorithm::Sha256, 2, 1));
    let right = parsed(&message).unwrap();
    for at in 32 + 34..message.len() {
        let mut changed = message.clone();
        changed[at] ^= 0x10;
        // HoD, Kp, the count and the hashes: each of them matters.
        if let Ok(information) = parsed(&changed) {
            assert!(
                information.key != right.key || !information.is_proven,
                "{at}"
            );
        }
    }
}
