//! What the server answers to whom, and when it refuses.

use super::*;

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
    let mute = with(|server| server.is_supported = false);
    let bare = with(|server| server.is_feature_present = false);
    let smb21 = with(|server| server.newest = Dialect::Smb21);
    let off = with(|server| server.level = HashLevel::DisableAll);
    let large = with(|server| server.file_min_bytes = 300_001);
    let large_and_off = with(|server| {
        server.file_min_bytes = 300_001;
        server.level = HashLevel::DisableAll;
    });
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
        (&mute, hash_based, 0, Some(&v1), NtStatus::NOT_SUPPORTED),
        (&bare, hash_based, 99, Some(&v1), NtStatus::HASH_NOT_PRESENT),
        (&bare, hash_based, 15, Some(&v1), NtStatus::HASH_NOT_PRESENT),
        // The size of the file comes with the feature, before all that is wrong with the request.
        (
            &large,
            hash_based,
            15,
            Some(&v1),
            NtStatus::HASH_NOT_PRESENT,
        ),
        (
            &large_and_off,
            hash_based,
            99,
            Some(&v1),
            NtStatus::HASH_NOT_PRESENT,
        ),
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
