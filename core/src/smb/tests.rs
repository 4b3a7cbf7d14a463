//! Tests of SRV_READ_HASH: structures against bytes written by hand, hostile bytes, and the server's rule (MS-SMB2 3.3.5.15.7).

use super::server::*;
use super::*;
use crate::content::create::Creator;
use crate::content::{ContentInfo, SecretKey, Version};
use crate::hash::HashAlgorithm;
use crate::wire::{Reader, Trace};
use proptest::prelude::*;

fn header(version: HashVersion, blob: &[u8]) -> HashHeader<'static> {
    HashHeader {
        hash_type: HashType::PEER_DIST,
        hash_version: version,
        source_file_change_time: 0x01DB_0000_1234_5678,
        source_file_size: 300_000,
        hash_blob_length: u32::try_from(blob.len()).unwrap(),
        hash_blob_offset: 48,
        dirty: 0,
        source_file_name: b"a\0.\0b\0",
    }
}

fn content() -> Vec<u8> {
    (0..300_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect()
}

fn v1_blob() -> Vec<u8> {
    let secret = SecretKey::new(*b"secret").unwrap();
    let mut creator = Creator::v1(HashAlgorithm::Sha256, &secret).unwrap();
    creator.update(&content()).unwrap();
    creator.finish().unwrap().to_vec()
}

/// Thirty segments of 10,000 bytes.
fn v2_blob() -> Vec<u8> {
    let secret = SecretKey::new(*b"secret").unwrap();
    let mut creator = Creator::v2_with_lengths(&secret, &[10_000; 30]).unwrap();
    creator.update(&content()).unwrap();
    creator.finish().unwrap().to_vec()
}

fn file(version: HashVersion) -> Vec<u8> {
    let blob = match version {
        HashVersion::V1 => v1_blob(),
        _ => v2_blob(),
    };
    ContentInformationFile {
        header: header(version, &blob),
        content_information: &blob,
    }
    .encode()
}

fn ask(request: ReadHashRequest, room: u32, bytes: Option<&[u8]>) -> Result<Vec<u8>, NtStatus> {
    answer(&ServerHashes::default(), request, room, bytes)
}

fn answer(
    server: &ServerHashes,
    request: ReadHashRequest,
    max_output_response: u32,
    content_information_file: Option<&[u8]>,
) -> Result<Vec<u8>, NtStatus> {
    let mut out = b"before".to_vec();
    let input = request.encode();
    let ioctl = ReadHashIoctl {
        dialect: Dialect::Smb3,
        input: &input,
        max_output_response,
    };
    let file = OpenFile {
        is_share_enabled: true,
        size: 300_000,
        content_information_file,
    };
    let result = answer_into(&mut out, server, &ioctl, &file);
    let answer = out.split_off(6);
    assert_eq!(out, b"before");
    assert!(result.is_ok() || answer.is_empty());
    assert!(answer.len() as u64 <= u64::from(max_output_response));
    result.map(|()| answer)
}

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
fn hash_based_reads_put_the_file_together_again() {
    let bytes = file(HashVersion::V1);
    let mut read = Vec::new();
    while read.len() < bytes.len() {
        let request = ReadHashRequest::hash_based(read.len() as u64, 50);
        let answer = ask(request, 1000, Some(&bytes)).unwrap();
        let response = HashBased::decode(&answer).unwrap();
        assert_eq!(response.offset, read.len() as u64);
        assert!(response.buffer.len() <= 50);
        read.extend_from_slice(response.buffer);
    }
    assert_eq!(read, bytes);
    let file = ContentInformationFile::decode(&read).unwrap();
    let info = ContentInfo::decode(file.content_information).unwrap();
    assert_eq!(
        (info.version(), info.content_length()),
        (Version::V1, Some(300_000))
    );
    // Room bounds the answer as well.
    let answer = ask(ReadHashRequest::hash_based(0, 50), 16 + 20, Some(&bytes)).unwrap();
    assert_eq!(HashBased::decode(&answer).unwrap().buffer, &bytes[..20]);
    let answer = ask(ReadHashRequest::hash_based(0, 50), 16, Some(&bytes)).unwrap();
    assert_eq!(answer.len(), 16);
}

#[test]
fn a_file_based_answer_to_offset_0_has_the_header_in_front() {
    let bytes = file(HashVersion::V2);
    let answer = ask(ReadHashRequest::file_based(0, 25_000), 65_536, Some(&bytes)).unwrap();
    let response = FileBased::decode(&answer).unwrap();
    assert_eq!(
        (response.file_data_offset, response.file_data_length),
        (0, 30_000)
    );
    let inside = ContentInformationFile::decode(response.buffer).unwrap();
    assert_eq!(inside.header.hash_blob_length, 0);
    assert_eq!(inside.header.source_file_name, b"a\0.\0b\0");
    let info = ContentInfo::decode(inside.content_information).unwrap();
    assert_eq!((info.segment_count(), info.range().length), (3, 30_000));
}

#[test]
fn a_file_based_answer_starts_at_the_segment_of_the_offset_and_covers_what_was_asked() {
    let bytes = file(HashVersion::V2);
    let blob = v2_blob();
    let whole = ContentInfo::decode(&blob).unwrap();
    for (offset, length, start, covered) in [
        (10_000, 10_000, 10_000, 10_000),
        (10_001, 10_000, 10_000, 20_000),
        (19_999, 1, 10_000, 10_000),
        (19_999, 0, 10_000, 10_000),
        (299_999, u32::MAX, 290_000, 10_000),
    ] {
        let answer = ask(
            ReadHashRequest::file_based(offset, length),
            65_536,
            Some(&bytes),
        );
        let answer = answer.unwrap();
        let response = FileBased::decode(&answer).unwrap();
        let told = (response.file_data_offset, response.file_data_length);
        assert_eq!(told, (start, covered), "{offset}");
        let info = ContentInfo::decode(response.buffer).unwrap();
        assert_eq!((info.range().start, info.range().length), told);
        let first = info.segments().next().unwrap();
        let same = whole.segments().find(|one| one.offset == start).unwrap();
        assert_eq!(first.id(), same.id());
    }
}

#[test]
fn a_file_based_answer_holds_the_segments_that_fit_and_fails_where_none_does() {
    let bytes = file(HashVersion::V2);
    for (offset, head) in [(0, 24 + 48 + 36), (10_000, 24 + 36)] {
        let request = ReadHashRequest::file_based(offset, u32::MAX);
        for (room, segments) in [(head + 68, 1), (head + 2 * 68 - 1, 1), (head + 2 * 68, 2)] {
            let answer = ask(request, room, Some(&bytes)).unwrap();
            let response = FileBased::decode(&answer).unwrap();
            assert_eq!(response.file_data_length, segments * 10_000);
        }
        for room in [24, head, head + 67] {
            assert_eq!(
                ask(request, room, Some(&bytes)),
                Err(NtStatus::BUFFER_TOO_SMALL)
            );
        }
    }
}

#[test]
fn content_information_of_another_place_or_version_is_as_good_as_none() {
    let blob = v2_blob();
    let range = crate::content::ContentRange {
        start: 50_000,
        length: 50_000,
    };
    let part = ContentInfo::decode(&blob).unwrap().restrict(range).unwrap();
    let garbage = &blob[..40];
    for blob in [&part[..], garbage, &v1_blob()] {
        let bytes = ContentInformationFile {
            header: header(HashVersion::V2, blob),
            content_information: blob,
        }
        .encode();
        let answer = ask(
            ReadHashRequest::file_based(0, 100_000),
            65_536,
            Some(&bytes),
        );
        assert_eq!(answer, Err(NtStatus::HASH_NOT_PRESENT));
    }
}

#[test]
fn refusals_have_the_status_of_the_document_in_its_order() {
    let (v1, v2) = (file(HashVersion::V1), file(HashVersion::V2));
    let hash_based = ReadHashRequest::hash_based(0, 100);
    let file_based = ReadHashRequest::file_based(0, 100);
    let normal = ServerHashes::default();
    let with = |change: fn(&mut ServerHashes)| {
        let mut server = normal;
        change(&mut server);
        server
    };
    let old = with(|server| server.newest = Dialect::Smb202);
    let bare = with(|server| server.is_feature_present = false);
    let smb21 = with(|server| server.newest = Dialect::Smb21);
    let off = with(|server| server.level = HashLevel::DisableAll);
    let large = with(|server| server.file_min_bytes = 300_001);
    let changed = |request: ReadHashRequest, change: fn(&mut ReadHashRequest)| {
        let mut request = request;
        change(&mut request);
        request
    };
    let dirty = {
        let mut dirty = v1.clone();
        dirty[32] = 1;
        dirty
    };
    let other_type = {
        let mut other = v1.clone();
        other[0] = 2;
        other
    };
    let end = v1.len() as u64;
    type Row<'a> = (
        &'a ServerHashes,
        ReadHashRequest,
        u32,
        Option<&'a [u8]>,
        NtStatus,
    );
    let rows: &[Row<'_>] = &[
        (&old, hash_based, 99, Some(&v1), NtStatus::NOT_SUPPORTED),
        (&bare, hash_based, 99, Some(&v1), NtStatus::HASH_NOT_PRESENT),
        (
            &normal,
            hash_based,
            15,
            Some(&v1),
            NtStatus::BUFFER_TOO_SMALL,
        ),
        (
            &normal,
            file_based,
            23,
            Some(&v2),
            NtStatus::BUFFER_TOO_SMALL,
        ),
        (
            &normal,
            changed(hash_based, |r| r.hash_type.0 = 2),
            99,
            Some(&v1),
            NtStatus::INVALID_PARAMETER,
        ),
        (
            &smb21,
            file_based,
            999,
            Some(&v2),
            NtStatus::INVALID_PARAMETER,
        ),
        (
            &normal,
            changed(hash_based, |r| r.hash_version.0 = 3),
            99,
            Some(&v1),
            NtStatus::INVALID_PARAMETER,
        ),
        (
            &normal,
            changed(hash_based, |r| r.hash_version.0 = 2),
            99,
            Some(&v1),
            NtStatus::INVALID_PARAMETER,
        ),
        (
            &normal,
            changed(file_based, |r| r.hash_version.0 = 1),
            99,
            Some(&v2),
            NtStatus::INVALID_PARAMETER,
        ),
        (
            &normal,
            changed(hash_based, |r| r.retrieval_type.0 = 3),
            99,
            Some(&v1),
            NtStatus::INVALID_PARAMETER,
        ),
        (
            &off,
            hash_based,
            99,
            Some(&v1),
            NtStatus::HASH_NOT_SUPPORTED,
        ),
        (
            &large,
            hash_based,
            99,
            Some(&v1),
            NtStatus::HASH_NOT_PRESENT,
        ),
        (&normal, hash_based, 99, None, NtStatus::HASH_NOT_PRESENT),
        (
            &normal,
            hash_based,
            99,
            Some(b""),
            NtStatus::HASH_NOT_PRESENT,
        ),
        (
            &normal,
            ReadHashRequest::hash_based(end, 9),
            99,
            Some(&v1),
            NtStatus::END_OF_FILE,
        ),
        (
            &normal,
            ReadHashRequest::hash_based(u64::MAX, 9),
            99,
            Some(&v1),
            NtStatus::END_OF_FILE,
        ),
        (
            &normal,
            ReadHashRequest::file_based(300_000, 9),
            999,
            Some(&v2),
            NtStatus::END_OF_FILE,
        ),
        (
            &normal,
            hash_based,
            99,
            Some(b"not a header"),
            NtStatus::HASH_NOT_PRESENT,
        ),
        (
            &normal,
            hash_based,
            99,
            Some(&v2),
            NtStatus::HASH_NOT_PRESENT,
        ),
        (
            &normal,
            file_based,
            999,
            Some(&v1),
            NtStatus::HASH_NOT_PRESENT,
        ),
        (
            &normal,
            hash_based,
            99,
            Some(&dirty),
            NtStatus::HASH_NOT_PRESENT,
        ),
        (
            &normal,
            hash_based,
            99,
            Some(&other_type),
            NtStatus::HASH_NOT_PRESENT,
        ),
    ];
    for (number, (server, request, room, bytes, status)) in rows.iter().enumerate() {
        let refused = answer(server, *request, *room, *bytes);
        assert_eq!(refused, Err(*status), "row {number}: {request:?}");
    }
    // The last byte can still be read, and an older server still has version 1.
    assert!(ask(ReadHashRequest::hash_based(end - 1, 9), 99, Some(&v1)).is_ok());
    assert!(answer(&smb21, hash_based, 99, Some(&v1)).is_ok());
}

#[test]
fn input_may_be_longer_than_a_request_but_not_shorter_and_2_0_2_has_none() {
    let bytes = file(HashVersion::V1);
    let open = OpenFile {
        is_share_enabled: true,
        size: 300_000,
        content_information_file: Some(&bytes),
    };
    let mut input = ReadHashRequest::hash_based(0, 9).encode();
    input.push(0);
    let ask = |dialect, input: &[u8], open: &OpenFile<'_>| {
        let ioctl = ReadHashIoctl {
            dialect,
            input,
            max_output_response: 99,
        };
        answer_into(&mut Vec::new(), &ServerHashes::default(), &ioctl, open)
    };
    assert_eq!(ask(Dialect::Smb21, &input, &open), Ok(()));
    assert_eq!(
        ask(Dialect::Smb3, &input[..23], &open),
        Err(NtStatus::BUFFER_TOO_SMALL)
    );
    assert_eq!(
        ask(Dialect::Smb202, &input, &open),
        Err(NtStatus::NOT_SUPPORTED)
    );
    // A share without hashes does not tell whether the file has some.
    for content_information_file in [None, Some(&bytes[..])] {
        let closed = OpenFile {
            is_share_enabled: false,
            content_information_file,
            ..open
        };
        assert_eq!(
            ask(Dialect::Smb3, &input, &closed),
            Err(NtStatus::HASH_NOT_SUPPORTED)
        );
    }
}

#[test]
fn shares_announce_the_versions_that_their_dialect_has() {
    let mut server = ServerHashes::default();
    assert_eq!(server.share_flags(Dialect::Smb202, true), 0);
    assert_eq!(server.share_flags(Dialect::Smb21, true), 0x2000);
    assert_eq!(server.share_flags(Dialect::Smb3, true), 0x6000);
    assert_eq!(server.share_flags(Dialect::Smb3, false), 0);
    server.level = HashLevel::DisableAll;
    assert_eq!(server.share_flags(Dialect::Smb3, true), 0);
}

#[test]
fn output_starts_at_a_multiple_of_eight() {
    for (offset, count, expected) in [(112, 0, 112), (112, 24, 136), (113, 0, 120), (0, 1, 8)] {
        assert_eq!(output_offset(offset, count), expected);
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
