//! Content information from content and back, ranges of it, and content held against it.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test that cannot go on should stop where it stands"
)]

use peerdist::content::create::{CreateError, Creator, EncodedInfo, V1Builder, V2Builder};
use peerdist::content::verify::Verifier;
use peerdist::content::{
    BLOCK_BYTES, Block, ContentInfo, ContentRange, HashOfData, Problem, Quirk, RangeError,
    SecretKey, SecretKeyError, ServerSecret, V1_SEGMENT_BYTES, Version,
};
use peerdist::hash::{HashAlgorithm, digest};
use proptest::prelude::*;

const V1_HASHES: [HashAlgorithm; 3] = [
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
];

fn secret() -> SecretKey {
    SecretKey::new(*b"no more secrets").unwrap()
}

/// Bytes that look random and follow from a seed.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn made(mut creator: Creator, content: &[u8]) -> Vec<u8> {
    creator.update(content).unwrap();
    creator.finish().unwrap().to_vec()
}

fn v1(hash: HashAlgorithm, content: &[u8]) -> Vec<u8> {
    made(Creator::v1(hash, &secret()).unwrap(), content)
}

fn v2(content: &[u8]) -> Vec<u8> {
    made(Creator::v2(&secret()), content)
}

/// Version 1.0 of `segments` full segments and `tail` bytes, of content that is all zeros, without hashing it.
fn v1_of_zeros(segments: u32, tail: u32) -> Vec<u8> {
    let hash = HashAlgorithm::Sha256;
    let mut builder = V1Builder::new(hash, &secret(), 0).unwrap();
    let whole = digest(hash, &vec![0; BLOCK_BYTES as usize]);
    for _ in 0..segments * (V1_SEGMENT_BYTES / BLOCK_BYTES) + tail / BLOCK_BYTES {
        builder.push_block(BLOCK_BYTES, whole.as_bytes()).unwrap();
    }
    let rest = tail % BLOCK_BYTES;
    if rest > 0 {
        builder
            .push_block(rest, digest(hash, &vec![0; rest as usize]).as_bytes())
            .unwrap();
    }
    builder.finish().unwrap().to_vec()
}

#[test]
fn every_algorithm_describes_content_that_then_verifies() {
    let content = noise(3 * BLOCK_BYTES as usize + 7, 1);
    for hash in V1_HASHES {
        let bytes = v1(hash, &content);
        let info = ContentInfo::decode(&bytes).unwrap();
        assert_eq!((info.version(), info.hash()), (Version::V1, hash));
        assert!(info.quirks().is_empty());
        let segment = info.segments().next().unwrap();
        assert_eq!(segment.hashes_agree(), Some(true));
        assert_eq!(segment.block_hashes().len(), 4);
        let mut verifier = Verifier::new(&info);
        verifier.update(&content);
        assert!(verifier.finish().is_good());
    }
}

#[test]
fn creation_does_not_depend_on_how_content_is_split_into_updates() {
    let content = noise(9_000_000, 2);
    let whole = v2(&content);
    for size in [1 << 10, 65_537, 5_000_000] {
        let mut creator = Creator::v2(&secret());
        content
            .chunks(size)
            .for_each(|piece| creator.update(piece).unwrap());
        assert_eq!(
            creator.finish().unwrap().to_vec(),
            whole,
            "pieces of {size}"
        );
    }
}

#[test]
fn segments_of_version_2_cover_the_content_without_gaps() {
    let content = noise(2_000_000, 3);
    let bytes = v2(&content);
    let info = ContentInfo::decode(&bytes).unwrap();
    let mut end = 0;
    for (index, segment) in (0..).zip(info.segments()) {
        assert_eq!((segment.index, segment.offset), (index, end));
        let start = usize::try_from(segment.offset).unwrap();
        let data = &content[start..start + segment.length as usize];
        let hash = digest(HashAlgorithm::Sha512Truncated, data);
        assert_eq!(segment.hash_of_data(), HashOfData(hash));
        end = segment.end();
    }
    assert_eq!(end, 2_000_000);
    assert_eq!(info.content_length(), Some(2_000_000));
}

#[test]
fn segments_of_version_2_may_have_lengths_chosen_by_the_caller() {
    let content = noise(189 << 10, 4);
    let lengths = [60 << 10, 85 << 10, 44 << 10];
    let create = |lengths: &[u32], content: &[u8]| -> Result<EncodedInfo, CreateError> {
        let mut creator = Creator::v2_with_lengths(&secret(), lengths)?;
        content
            .chunks(1000)
            .try_for_each(|piece| creator.update(piece))?;
        creator.finish()
    };
    let bytes = create(&lengths, &content).unwrap().to_vec();
    let info = ContentInfo::decode(&bytes).unwrap();
    assert_eq!(
        info.segments()
            .map(|segment| segment.length)
            .collect::<Vec<_>>(),
        lengths
    );
    let mismatch = |sum| {
        Err(CreateError::LengthsMismatch {
            lengths: sum,
            content: 189 << 10,
        })
    };
    assert_eq!(
        create(&[60 << 10, 85 << 10, 45 << 10].map(|x| x), &content),
        mismatch(190 << 10)
    );
    assert!(create(&lengths[..2], &content).is_err());
    for wrong in [0, 131_073] {
        assert_eq!(
            create(&[wrong], b"x"),
            Err(CreateError::PartLength { found: wrong })
        );
    }
}

#[test]
fn content_of_no_bytes_has_no_content_information() {
    assert_eq!(Creator::v2(&secret()).finish(), Err(CreateError::Empty));
    let v1 = Creator::v1(HashAlgorithm::Sha256, &secret()).unwrap();
    assert_eq!(v1.finish(), Err(CreateError::Empty));
    let wrong = HashAlgorithm::Sha512Truncated;
    let refused = Creator::v1(wrong, &secret()).unwrap_err();
    assert_eq!(refused, CreateError::UnsupportedHash(wrong));
}

#[test]
fn version_1_closes_a_segment_after_32_mib_and_not_before() {
    for (segments, tail, lengths) in [
        (1, 0, vec![V1_SEGMENT_BYTES]),
        (0, V1_SEGMENT_BYTES - 1, vec![V1_SEGMENT_BYTES - 1]),
        (1, 1, vec![V1_SEGMENT_BYTES, 1]),
        (
            3,
            65_537,
            vec![V1_SEGMENT_BYTES, V1_SEGMENT_BYTES, V1_SEGMENT_BYTES, 65_537],
        ),
    ] {
        let bytes = v1_of_zeros(segments, tail);
        let info = ContentInfo::decode(&bytes).unwrap();
        assert_eq!(
            info.segments()
                .map(|segment| segment.length)
                .collect::<Vec<_>>(),
            lengths
        );
        assert!(
            info.segments()
                .all(|segment| segment.hashes_agree() == Some(true))
        );
    }
}

#[test]
fn a_builder_refuses_parts_that_cannot_stand_where_they_are_put() {
    let hash = [0; 32];
    let mut builder = V1Builder::new(HashAlgorithm::Sha256, &secret(), 0).unwrap();
    for wrong in [0, BLOCK_BYTES + 1] {
        let refused = builder.push_block(wrong, &hash);
        assert_eq!(refused, Err(CreateError::PartLength { found: wrong }));
    }
    builder.push_block(100, &hash).unwrap();
    assert_eq!(
        builder.push_block(1, &hash),
        Err(CreateError::PartLength { found: 1 })
    );
    let mut builder = V2Builder::new(&secret());
    let hod = HashOfData(digest(HashAlgorithm::Sha512Truncated, b""));
    for wrong in [0, 131_073] {
        let refused = builder.push_segment(wrong, &hod);
        assert_eq!(refused, Err(CreateError::PartLength { found: wrong }));
    }
}

#[test]
fn version_1_ends_at_2_to_the_63rd_and_not_before() {
    let last = (1 << 63) / u64::from(V1_SEGMENT_BYTES) - 1;
    let mut builder = V1Builder::new(HashAlgorithm::Sha256, &secret(), last).unwrap();
    for _ in 0..V1_SEGMENT_BYTES / BLOCK_BYTES {
        builder.push_block(BLOCK_BYTES, &[1; 32]).unwrap();
    }
    let bytes = builder.finish().unwrap().to_vec();
    assert_eq!(ContentInfo::decode(&bytes).unwrap().range().end(), 1 << 63);
    let too_long = V1Builder::new(HashAlgorithm::Sha256, &secret(), last + 1).unwrap_err();
    assert_eq!(too_long, CreateError::TooLong { most: 1 << 63 });
}

#[test]
fn a_range_of_version_1_lists_hashes_from_the_first_block_to_the_last_it_meets() {
    // Examples 3.4 and 3.5 of the document: 125 MiB, then 100 KiB to 124 MiB of it.
    let bytes = v1_of_zeros(3, 29 << 20);
    let whole = ContentInfo::decode(&bytes).unwrap();
    assert_eq!(bytes.len(), 64_322 + 32);
    let range = ContentRange {
        start: 100 << 10,
        length: (124 << 20) - (100 << 10),
    };
    let bytes = whole.restrict(range).unwrap();
    let part = ContentInfo::decode(&bytes).unwrap();
    assert_eq!(part.range(), range);
    assert!(part.quirks().is_empty());
    let counts: Vec<_> = part
        .segments()
        .map(|segment| segment.block_hashes().len())
        .collect();
    assert_eq!(counts, [512, 512, 512, 448]);
    assert!(part.segments().all(|segment| segment.first_block == 0));
    assert_eq!(
        bytes[6..14],
        [0x00, 0x90, 0x01, 0x00, 0x00, 0x00, 0xc0, 0x01]
    );
}

#[test]
fn a_range_within_the_first_segment_drops_the_others() {
    let bytes = v1_of_zeros(2, 5);
    let whole = ContentInfo::decode(&bytes).unwrap();
    let range = ContentRange {
        start: 70_000,
        length: 10,
    };
    let bytes = whole.restrict(range).unwrap();
    let part = ContentInfo::decode(&bytes).unwrap();
    assert_eq!((part.range(), part.segment_count()), (range, 1));
    assert!(part.quirks().contains(Quirk::V1ReadBytesSingleSegment));
    assert_eq!(part.blocks().count(), 2);
}

#[test]
fn ranges_that_are_empty_or_not_covered_are_refused() {
    let bytes = v2(&noise(500_000, 5));
    let info = ContentInfo::decode(&bytes).unwrap();
    let restrict = |start, length| info.restrict(ContentRange { start, length });
    assert_eq!(restrict(5, 0), Err(RangeError::Empty));
    for (start, length) in [(0, 500_001), (500_000, 1), (u64::MAX, 5), (1, u64::MAX)] {
        assert!(
            matches!(restrict(start, length), Err(RangeError::Outside { .. })),
            "{start}"
        );
    }
}

proptest! {
    #[test]
    fn a_restricted_range_decodes_to_that_range_and_still_verifies(
        length in 1usize..400_000,
        from in 0.0..1.0f64,
        share in 0.0..1.0f64,
        hash in 0usize..4,
    ) {
        let content = noise(length, 6);
        let bytes = match V1_HASHES.get(hash) {
            Some(hash) => v1(*hash, &content),
            None => v2(&content),
        };
        let whole = ContentInfo::decode(&bytes).unwrap();
        let start = (from * length as f64) as u64;
        let most = length as u64 - start;
        let range = ContentRange { start, length: ((share * most as f64) as u64).max(1) };
        let bytes = whole.restrict(range).unwrap();
        let part = ContentInfo::decode(&bytes).unwrap();
        prop_assert_eq!(part.range(), range);
        prop_assert!(part.segments_start() <= start && part.segments_end() >= range.end());
        let listed = part.blocks().last().unwrap().end();
        prop_assert!(listed >= range.end(), "blocks end at {}", listed);
        let mut verifier = Verifier::new(&part);
        verifier.update(&content);
        prop_assert!(verifier.finish().differing.is_empty());
        // A second cut of the same range changes nothing.
        prop_assert_eq!(part.restrict(range).unwrap(), bytes.clone());
    }

    #[test]
    fn no_bytes_make_the_decoder_panic_and_what_it_accepts_holds_together(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        version in 1u8..3,
    ) {
        let mut bytes = bytes;
        if let Some(head) = bytes.get_mut(..2) {
            head.copy_from_slice(&[0, version]);
        }
        if let Ok(info) = ContentInfo::decode(&bytes) {
            prop_assert!(info.range().length > 0);
            prop_assert_eq!(info.segments().count() as u64, info.segment_count());
            prop_assert!(info.segments_start() <= info.range().start);
            prop_assert!(info.range().end() <= info.segments_end());
        }
    }

    #[test]
    fn a_flipped_bit_of_the_content_is_found_at_its_block(
        length in 1usize..300_000,
        place in 0.0..1.0f64,
        bit in 0u8..8,
        first in any::<bool>(),
    ) {
        let mut content = noise(length, 7);
        let bytes = if first { v1(HashAlgorithm::Sha256, &content) } else { v2(&content) };
        let info = ContentInfo::decode(&bytes).unwrap();
        let at = (place * length as f64) as usize;
        content[at] ^= 1 << bit;
        let mut verifier = Verifier::new(&info);
        content.chunks(77_777).for_each(|piece| verifier.update(piece));
        let findings = verifier.finish();
        prop_assert_eq!(findings.differing.len(), 1);
        let Block { offset, length, .. } = findings.differing[0];
        prop_assert!((offset..offset + u64::from(length)).contains(&(at as u64)));
    }
}

#[test]
fn content_that_is_too_short_or_too_long_is_told_apart_from_content_that_differs() {
    let content = noise(200_000, 8);
    for bytes in [v1(HashAlgorithm::Sha256, &content), v2(&content)] {
        let info = ContentInfo::decode(&bytes).unwrap();
        let findings = |content: &[u8]| {
            let mut verifier = Verifier::new(&info);
            verifier.update(content);
            verifier.finish()
        };
        let short = findings(&content[..content.len() - 1]);
        assert!(short.length_is_wrong() && !short.is_good());
        assert_eq!(short.differing.len(), 1);
        let long = findings(&[&content[..], b"x"].concat());
        assert!(long.length_is_wrong() && long.differing.is_empty() && !long.is_good());
        assert!(findings(b"").differing.len() as u64 == findings(&content).blocks);
    }
}

#[test]
fn block_hashes_that_do_not_hash_to_their_hod_are_found_in_the_information_itself() {
    let content = noise(100_000, 9);
    let mut bytes = v1(HashAlgorithm::Sha256, &content);
    let at = bytes.len() - 1;
    bytes[at] ^= 1;
    let info = ContentInfo::decode(&bytes).unwrap();
    let mut verifier = Verifier::new(&info);
    verifier.update(&content);
    let findings = verifier.finish();
    assert_eq!(findings.segments_at_odds, [0]);
    assert_eq!(findings.differing.len(), 1);
}

#[test]
fn every_truncation_is_refused_and_every_extension_too() {
    let content = noise(300_000, 10);
    for bytes in [v1(HashAlgorithm::Sha512, &content), v2(&content)] {
        for end in 0..bytes.len() {
            let error = ContentInfo::decode(&bytes[..end]).unwrap_err();
            assert!(error.at <= end, "{error}");
        }
        let longer = [&bytes[..], &[0]].concat();
        let error = ContentInfo::decode(&longer).unwrap_err();
        assert!(matches!(
            error.problem,
            Problem::TrailingBytes { .. } | Problem::Truncated { .. }
        ));
        assert!(error.at >= bytes.len());
    }
}

#[test]
fn every_refusal_names_the_requirement_of_its_version() {
    let one = v1(HashAlgorithm::Sha256, &noise(100, 1));
    let two = v2(&noise(100, 1));
    let refused = |bytes: &[u8]| {
        let error = ContentInfo::decode(bytes).unwrap_err();
        (error.problem.name(), error.requirement())
    };
    let changed = |bytes: &[u8], at: usize, value: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[at..at + value.len()].copy_from_slice(value);
        refused(&bytes)
    };
    let (high, zero) = ([0xFF; 4], [0; 4]);
    let expected = [
        (refused(&one[..1]), ("truncated", "PCCRC-2.3-02")),
        (refused(&one[..8]), ("truncated", "PCCRC-2.3-10")),
        (refused(&two[..21]), ("truncated", "PCCRC-2.4-02")),
        (refused(&two[..33]), ("truncated", "PCCRC-2.4.1.1-01")),
        (refused(&two[..31]), ("no-segments", "PCCRC-2.4-02")),
        (refused(&one[..100]), ("truncated", "PCCRC-2.3.1.2-01")),
        (changed(&one, 1, &[3]), ("unknown-version", "PCCRC-2.4-04")),
        (changed(&one, 2, &high), ("unknown-hash", "PCCRC-2.3-03")),
        (changed(&two, 2, &[5]), ("unknown-hash", "PCCRC-2.4-05")),
        (
            changed(&one, 6, &high),
            ("offset-outside-segment", "PCCRC-2.3-04"),
        ),
        (
            changed(&two, 19, &high),
            ("offset-outside-segment", "PCCRC-2.4-07"),
        ),
        (
            changed(&one, 10, &high),
            ("read-bytes-outside-segment", "PCCRC-2.3-05"),
        ),
        (changed(&one, 14, &zero), ("no-segments", "PCCRC-2.3-09")),
        (changed(&one, 14, &high), ("segment-count", "PCCRC-2.3-09")),
        (
            changed(&one, 18, &[1]),
            ("segment-offset", "PCCRC-2.3.1.1-02"),
        ),
        (
            changed(&one, 26, &zero),
            ("segment-length-zero", "PCCRC-2.3.1.1-06"),
        ),
        (
            changed(&one, 26, &high),
            ("segment-too-long", "PCCRC-2.3.1.1-06"),
        ),
        (
            changed(&two, 36, &zero),
            ("segment-length-zero", "PCCRC-2.4.1.2-04"),
        ),
        (
            changed(&two, 36, &high),
            ("segment-too-long", "PCCRC-2.4.1.2-04"),
        ),
        (changed(&one, 30, &[1]), ("block-size", "PCCRC-2.3.1.1-07")),
        (
            changed(&one, 98, &high),
            ("block-count", "PCCRC-2.3.1.2-02"),
        ),
        (changed(&two, 31, &[1]), ("chunk-type", "PCCRC-2.4.1.1-02")),
        (
            changed(&two, 32, &zero),
            ("chunk-length", "PCCRC-2.4.1.1-03"),
        ),
        (
            changed(&two, 23, &[0xFF]),
            ("range-outside-segments", "PCCRC-2.4-09"),
        ),
        (
            changed(&two, 3, &[1]),
            ("start-contradicts-index", "PCCRC-2.4-06"),
        ),
        (
            refused(&[&one[..], &[0]].concat()),
            ("trailing-bytes", "PCCRC-2.3-10"),
        ),
    ];
    for (found, expected) in expected {
        assert_eq!(found, expected);
    }
}

#[test]
fn every_changed_byte_is_refused_or_still_gives_what_holds_together() {
    for bytes in [
        v1(HashAlgorithm::Sha256, &noise(70_000, 11)),
        v2(&noise(200_000, 11)),
    ] {
        for at in 0..bytes.len() {
            for flip in 1..=255 {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                let Ok(info) = ContentInfo::decode(&changed) else {
                    continue;
                };
                assert!(info.range().end() <= info.segments_end());
                assert_eq!(info.segments().count() as u64, info.segment_count());
            }
        }
    }
}

#[test]
fn secrets_never_print_themselves() {
    let key = SecretKey::new(*b"hunter2hunter2").unwrap();
    let server = ServerSecret::new(HashAlgorithm::Sha256, &key);
    let hod = HashOfData(digest(HashAlgorithm::Sha256, b"x"));
    let segment = server.segment_secret(&hod);
    let bytes = v2(b"some content");
    let info = ContentInfo::decode(&bytes).unwrap();
    let described = info.segments().next().unwrap();
    let printed = format!("{key:?} {server:?} {segment:?} {info:?} {described:?}");
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let list = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|b| b.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let kp = described.secret();
    for secret in [key.expose(), server.expose(), segment.expose(), kp.expose()] {
        for form in [
            hex(secret),
            list(secret),
            String::from_utf8_lossy(secret).into_owned(),
        ] {
            assert!(!printed.contains(&form), "{printed}");
        }
    }
}

#[test]
fn a_secret_is_never_empty_and_survives_its_key_file() {
    assert_eq!(SecretKey::new(*b"").unwrap_err(), SecretKeyError::Empty);
    assert_eq!(
        SecretKey::from_passphrase("").unwrap_err(),
        SecretKeyError::Empty
    );
    for length in [1, 15, 16, 17, 1000] {
        let key = SecretKey::new(noise(length, 12)).unwrap();
        let file = key.export("passwörd 🔑").unwrap();
        assert_eq!(
            SecretKey::import(&file, "passwörd 🔑").unwrap().expose(),
            key.expose()
        );
        assert!(SecretKey::import(&file, "password").is_err());
        for end in 0..file.len() {
            assert!(SecretKey::import(&file[..end], "passwörd 🔑").is_err());
        }
    }
    let key = SecretKey::new(*b"x").unwrap();
    assert!(key.export("").is_err());
}

#[test]
fn inserting_a_byte_at_the_front_of_64_mib_leaves_99_percent_of_the_segment_ids() {
    let content = noise(64 << 20, 13);
    let ids = |content: &[u8]| -> std::collections::BTreeSet<_> {
        let bytes = v2(content);
        ContentInfo::decode(&bytes)
            .unwrap()
            .segments()
            .map(|segment| segment.id())
            .collect()
    };
    let before = ids(&content);
    let after = ids(&[b"x", &content[..]].concat());
    let kept = before.intersection(&after).count();
    assert!(
        kept * 100 >= before.len() * 99,
        "{kept} of {}",
        before.len()
    );
}
