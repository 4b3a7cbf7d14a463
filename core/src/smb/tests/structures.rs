//! What is read and written: fields, lengths, traces, and anything at all.

use super::*;

#[test]
fn a_request_is_twenty_four_bytes_little_endian_and_unknown_numbers_survive() {
    let bytes = [
        1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 5, 0, 0, 0, 1, 0, 0, 0,
    ];
    let request = ReadHashRequest::file_based(0x1_0000_0005, 65_536);
    assert_eq!(request.encode(), bytes);
    assert_eq!(ReadHashRequest::decode(&bytes), Ok(request));
    let odd = [0xEE; 24];
    assert_eq!(ReadHashRequest::decode(&odd).unwrap().encode(), odd);
    for end in 0..24 {
        let error = ReadHashRequest::decode(&bytes[..end]).unwrap_err();
        assert_eq!(
            (error.problem.name(), error.requirement()),
            ("truncated", "SMB2-2.2.31.2-02")
        );
    }
    let error = ReadHashRequest::decode(&[0; 25]).unwrap_err();
    assert_eq!((error.problem.name(), error.at), ("trailing-bytes", 24));
}

#[test]
fn responses_are_sixteen_or_twenty_four_bytes_and_their_buffer() {
    let hash_based = HashBased {
        offset: 7,
        buffer: b"abc",
    };
    let bytes = [
        &[7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0][..],
        b"abc",
    ]
    .concat();
    assert_eq!(hash_based.encode(), bytes);
    let mut reserved = bytes.clone();
    reserved[12..16].fill(0xFF);
    assert_eq!(HashBased::decode(&reserved), Ok(hash_based));
    let file_based = FileBased {
        file_data_offset: 1,
        file_data_length: 2,
        buffer: b"xy",
    };
    let expected = [
        &[
            1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
        ][..],
        b"xy",
    ]
    .concat();
    assert_eq!(file_based.encode(), expected);
    assert_eq!(FileBased::decode(&expected), Ok(file_based));
    for end in 0..bytes.len() {
        assert_eq!(
            HashBased::decode(&bytes[..end]).unwrap_err().problem.name(),
            "truncated"
        );
    }
    for end in 0..expected.len() {
        assert_eq!(
            FileBased::decode(&expected[..end])
                .unwrap_err()
                .problem
                .name(),
            "truncated"
        );
    }
    let longer = [&expected[..], &[0]].concat();
    assert_eq!(FileBased::decode(&longer).unwrap_err().at, 26);
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(
        HashBased::decode(&longer).unwrap_err().problem.name(),
        "trailing-bytes"
    );
}

#[test]
fn a_header_is_thirty_six_bytes_and_the_name() {
    let bytes = [
        &[1, 0, 0, 0, 1, 0, 0, 0][..],
        &[0x78, 0x56, 0x34, 0x12, 0, 0, 0xDB, 0x01],
        &[0xE0, 0x93, 0x04, 0, 0, 0, 0, 0],
        &[4, 0, 0, 0, 48, 0, 0, 0, 0, 0, 6, 0],
        b"a\0.\0b\0",
        // A gap that nobody describes.
        &[0; 6],
        b"info",
    ]
    .concat();
    let decoded = ContentInformationFile::decode(&bytes).unwrap();
    assert_eq!(decoded.header, header(HashVersion::V1, b"info"));
    assert_eq!(decoded.content_information, b"info");
    assert_eq!(decoded.encode(), bytes);
    // What follows the content information is left alone.
    let longer = [&bytes[..], b"more"].concat();
    assert_eq!(ContentInformationFile::decode(&longer), Ok(decoded));
    for end in 0..bytes.len() {
        let error = ContentInformationFile::decode(&bytes[..end]).unwrap_err();
        let name = match end {
            0..42 => "truncated",
            42..48 => "blob-offset",
            _ => "blob-length",
        };
        assert_eq!(error.problem.name(), name, "{end}");
    }
}

#[test]
fn content_information_never_starts_inside_the_header_or_ends_behind_the_file() {
    let good = file(HashVersion::V1);
    for (at, value, name) in [
        (28, 0, "blob-offset"),
        (28, 41, "blob-offset"),
        (28, u32::MAX, "blob-offset"),
        (24, u32::MAX, "blob-length"),
        (24, u32::try_from(good.len()).unwrap() - 47, "blob-length"),
    ] {
        let mut bad = good.clone();
        bad[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let error = ContentInformationFile::decode(&bad).unwrap_err();
        assert_eq!((error.problem.name(), error.at), (name, at));
        assert!(error.requirement().starts_with("SMB2-2.2.32.4.1-"));
    }
    // In version 2.0 a length of 0 means all that follows; in version 1.0 it means 0.
    for (version, rest) in [(HashVersion::V1, 0), (HashVersion::V2, v2_blob().len())] {
        let mut bytes = file(version);
        bytes[24..28].fill(0);
        let decoded = ContentInformationFile::decode(&bytes).unwrap();
        assert_eq!(decoded.content_information.len(), rest);
    }
}

#[test]
fn a_trace_shows_the_fields_by_their_names_in_the_document() {
    let trace = Trace::new();
    let bytes = file(HashVersion::V1);
    ContentInformationFile::decode_with(Reader::traced(&bytes, &trace)).unwrap();
    let fields: Vec<_> = trace
        .into_entries()
        .iter()
        .map(|one| (one.field, one.at))
        .collect();
    assert_eq!(
        fields,
        [
            ("HASH_HEADER", 0),
            ("HashType", 0),
            ("HashVersion", 4),
            ("SourceFileChangeTime", 8),
            ("SourceFileSize", 16),
            ("HashBlobLength", 24),
            ("HashBlobOffset", 28),
            ("Dirty", 32),
            ("SourceFileNameLength", 34),
            ("SourceFileName", 36),
            ("gap", 42),
            ("ContentInformation", 48),
        ]
    );
}

proptest! {
    #[test]
    fn anything_at_all_is_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(request) = ReadHashRequest::decode(&bytes) {
            prop_assert_eq!(request.encode(), bytes.clone());
        }
        if let Ok(response) = HashBased::decode(&bytes) {
            let again = response.encode();
            prop_assert_eq!(HashBased::decode(&again), Ok(response));
        }
        if let Ok(response) = FileBased::decode(&bytes) {
            let again = response.encode();
            prop_assert_eq!(FileBased::decode(&again), Ok(response));
        }
        if let Ok(file) = ContentInformationFile::decode(&bytes) {
            let again = file.encode();
            prop_assert_eq!(ContentInformationFile::decode(&again), Ok(file));
        }
    }

    #[test]
    fn any_request_about_any_damaged_file_is_answered_within_its_room(
        v2 in any::<bool>(), offset in prop_oneof![0u64..310_000, any::<u64>()], length in any::<u32>(),
        room in 0u32..4000, at in 0usize..3000, damage in any::<u8>(),
    ) {
        let (mut bytes, request) = if v2 {
            (file(HashVersion::V2), ReadHashRequest::file_based(offset, length))
        } else {
            (file(HashVersion::V1), ReadHashRequest::hash_based(offset, length))
        };
        let at = at % bytes.len();
        bytes[at] ^= damage;
        let _ = ask(request, room, Some(&bytes));
    }
}
