//! Tests of MS-PCCRTP 3.2: tables from requests to decisions.
//! Invariant: every row states its whole answer, so that none passes for another reason than its own.
//! Byte order: none.

use proptest::prelude::*;

use super::*;

const LENGTH: u64 = 200_000;
const WINDOW_1: (&str, &str) = (
    PEERDIST_EX,
    "MinContentInformation=1.0, MaxContentInformation=1.0",
);
const WINDOW_2: (&str, &str) = (
    PEERDIST_EX,
    "MinContentInformation=1.0, MaxContentInformation=2.0",
);
const HASH_REQUEST: (&str, &str) = (
    PEERDIST_EX,
    "MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true",
);
const ACCEPT: (&str, &str) = ("Accept-Encoding", "gzip, deflate, peerdist");
const V1_0: (&str, &str) = (PEERDIST, "Version=1.0");
const V1_1: (&str, &str) = (PEERDIST, "Version=1.1");
const MISSING: (&str, &str) = (PEERDIST, "Version=1.1, MissingDataRequest=true");
const RANGE: (&str, &str) = ("Range", "bytes=1000-1999");

const READY: Resource<'static> = Resource {
    length: LENGTH,
    etag: Some(b"\"8d2babfc81f3c81\""),
    last_modified: None,
    v1: Availability::Ready,
    v2: Availability::Ready,
};

fn fields<'a>(headers: &[(&str, &'a str)]) -> RequestFields<'a> {
    let mut fields = RequestFields::new();
    for (name, value) in headers {
        fields.add(name.as_bytes(), value.as_bytes());
    }
    fields
}

fn get(headers: &[(&str, &str)], resource: &Resource<'_>) -> Decision {
    let request = Request {
        method: b"GET",
        http: HttpVersion::Http11,
        fields: &fields(headers),
    };
    ServerSettings::default().decide(&request, resource)
}

fn text(decision: &Decision) -> Vec<String> {
    decision
        .fields()
        .map(|field| format!("{}: {}", field.name, field.value))
        .collect()
}

fn coded(version: Version) -> Answer {
    Answer::ContentInformation(version)
}

fn plain(reason: PlainReason) -> Answer {
    Answer::Plain(reason)
}

#[test]
fn a_windows_client_gets_the_highest_version_that_it_reads() {
    for (headers, expected) in [
        (&[ACCEPT, V1_1, WINDOW_2][..], Version::V2),
        (&[ACCEPT, V1_1, WINDOW_1], Version::V1),
        (&[ACCEPT, V1_1], Version::V1),
        (&[ACCEPT, V1_0], Version::V1),
        (&[ACCEPT, V1_0, WINDOW_2], Version::V1),
    ] {
        assert_eq!(get(headers, &READY).answer, coded(expected), "{headers:?}");
    }
}

#[test]
fn the_answer_of_section_4_comes_out_with_its_header_fields() {
    let resource = Resource {
        length: 184_946,
        ..READY
    };
    let decision = get(&[ACCEPT, V1_1, WINDOW_1], &resource);
    assert_eq!(decision.status(), 200);
    assert_eq!(
        text(&decision),
        [
            "Content-Encoding: peerdist",
            "X-P2P-PeerDist: Version=1.1, ContentLength=184946",
            "Vary: Accept-Encoding",
            "Cache-Control: private",
        ]
    );
}

#[test]
fn the_version_of_the_answer_is_the_lower_of_both_sides() {
    let answered = |settings: ServerSettings, version: &str| {
        let version = format!("Version={version}");
        let fields = fields(&[ACCEPT, (PEERDIST, &version), WINDOW_2]);
        let request = Request {
            method: b"GET",
            http: HttpVersion::Http11,
            fields: &fields,
        };
        let decision = settings.decide(&request, &READY);
        decision
            .version
            .map(|version| version.to_string())
            .ok_or(decision.answer)
    };
    let unknown = Err(plain(PlainReason::UnknownVersion));
    for (asked, today, in_2008) in [
        ("1.0", Ok("1.0"), Ok("1.0")),
        ("1.1", Ok("1.1"), Ok("1.0")),
        ("1.2", Ok("1.1"), Ok("1.0")),
        ("1.23", Ok("1.1"), Ok("1.0")),
        ("01.01", Ok("1.1"), Ok("1.0")),
        ("0.9", unknown, unknown),
        ("2.0", unknown, unknown),
        ("999.999", unknown, unknown),
    ] {
        let owned = |text: Result<&str, Answer>| text.map(str::to_owned);
        assert_eq!(answered(ServerSettings::default(), asked), owned(today));
        assert_eq!(
            answered(ServerSettings::windows_server_2008_r2(), asked),
            owned(in_2008)
        );
    }
}

#[test]
fn whoever_does_not_qualify_gets_the_plain_body() {
    use PlainReason as R;
    for (headers, reason) in [
        (&[][..], R::NotAdvertised),
        (&[("Accept-Encoding", "gzip")], R::NotAdvertised),
        (
            &[("Accept-Encoding", "*"), V1_1, WINDOW_2],
            R::NotAdvertised,
        ),
        (&[V1_1, WINDOW_2], R::NotAdvertised),
        (
            &[("Accept-Encoding", "peerdist;q=0"), V1_1, WINDOW_2],
            R::Refused,
        ),
        (
            &[("Accept-Encoding", "peerdist;q=0"), V1_1, HASH_REQUEST],
            R::Refused,
        ),
        (&[ACCEPT], R::NoVersion),
        (&[ACCEPT, WINDOW_2], R::NoVersion),
        (&[ACCEPT, (PEERDIST, "ContentLength=5")], R::NoVersion),
        (&[ACCEPT, (PEERDIST, "Version=x"), WINDOW_2], R::Malformed),
        (&[ACCEPT, V1_1, V1_1], R::Malformed),
        (
            &[("Accept-Encoding", "peerdist;q=2"), V1_1, WINDOW_2],
            R::Malformed,
        ),
        (
            &[ACCEPT, V1_1, (PEERDIST_EX, "MinContentInformation=1.0")],
            R::Malformed,
        ),
        (
            &[ACCEPT, V1_1, WINDOW_2, ("Range", "bytes=0-1,5-6")],
            R::SeveralRanges,
        ),
        (
            &[ACCEPT, V1_1, WINDOW_2, ("Range", "bytes=900000-")],
            R::RangeUnsatisfiable,
        ),
    ] {
        let decision = get(headers, &READY);
        assert_eq!(decision.answer, plain(reason), "{headers:?}");
        assert!(
            text(&decision)
                .iter()
                .all(|field| !field.starts_with("Content-Encoding") && !field.starts_with("X-")),
            "{headers:?}"
        );
    }
}

#[test]
fn bounds_other_than_those_of_the_document_get_the_plain_body() {
    for (min, max) in [
        ("1.0", "3.0"),
        ("1.0", "1.1"),
        ("2.0", "2.0"),
        ("2.0", "1.0"),
        ("0.9", "1.0"),
        ("999.999", "999.999"),
    ] {
        let window = format!("MinContentInformation={min}, MaxContentInformation={max}");
        let decision = get(&[ACCEPT, V1_1, (PEERDIST_EX, &window)], &READY);
        assert_eq!(decision.answer, plain(PlainReason::Window), "{window}");
    }
}

#[test]
fn an_ex_field_without_bounds_is_answered_as_if_it_were_not_there() {
    let decision = get(&[ACCEPT, V1_1, (PEERDIST_EX, "HashRequest=true")], &READY);
    assert_eq!(decision.answer, coded(Version::V1));
}

#[test]
fn what_is_ready_goes_before_what_has_to_be_made() {
    use Availability::{AtHand, Later, Never, Ready};
    let make = Answer::MakeHashRequest;
    let unavailable = plain(PlainReason::Unavailable);
    for (v1, v2, expected) in [
        (Ready, Ready, coded(Version::V2)),
        (Ready, AtHand, coded(Version::V1)),
        (Ready, Later, coded(Version::V1)),
        (Ready, Never, coded(Version::V1)),
        (AtHand, Ready, coded(Version::V2)),
        (AtHand, AtHand, coded(Version::V2)),
        (AtHand, Later, coded(Version::V1)),
        (Later, AtHand, coded(Version::V2)),
        (Later, Later, make(Version::V2)),
        (Later, Never, make(Version::V1)),
        (Never, Later, make(Version::V2)),
        (Never, Never, unavailable),
    ] {
        let resource = Resource { v1, v2, ..READY };
        let decision = get(&[ACCEPT, V1_1, WINDOW_2], &resource);
        assert_eq!(decision.answer, expected, "{v1:?} {v2:?}");
        let resource = Resource {
            v1: Never,
            v2,
            ..READY
        };
        let decision = get(&[ACCEPT, V1_1, WINDOW_1], &resource);
        assert_eq!(decision.answer, unavailable, "{v2:?}");
    }
}

#[test]
fn without_hashes_the_plain_body_asks_for_a_hash_request() {
    let resource = Resource {
        v1: Availability::Later,
        v2: Availability::Later,
        ..READY
    };
    // The hash request itself is answered alike as long as there are none.
    for headers in [&[ACCEPT, V1_1, WINDOW_2], &[ACCEPT, V1_1, HASH_REQUEST]] {
        let decision = get(headers, &resource);
        assert_eq!(decision.answer, Answer::MakeHashRequest(Version::V2));
        assert_eq!(
            text(&decision),
            [
                "X-P2P-PeerDist: Version=1.1",
                "X-P2P-PeerDistEx: MakeHashRequest=true",
                "Vary: Accept-Encoding",
            ]
        );
    }
}

#[test]
fn a_hash_request_is_answered_with_hashes_with_and_without_accept_encoding() {
    let decision = get(&[ACCEPT, V1_1, HASH_REQUEST], &READY);
    assert_eq!(decision.answer, coded(Version::V2));
    assert!(decision.quirks.is_empty());
    for headers in [
        &[V1_1, HASH_REQUEST][..],
        &[("Accept-Encoding", "gzip"), V1_1, HASH_REQUEST],
    ] {
        let decision = get(headers, &READY);
        assert_eq!(decision.answer, coded(Version::V2));
        assert!(
            decision
                .quirks
                .contains(Quirk::HashRequestWithoutAcceptEncoding)
        );
    }
}

#[test]
fn missing_data_is_plain_whatever_else_the_request_says() {
    for headers in [
        &[MISSING, RANGE][..],
        &[("Accept-Encoding", "identity"), MISSING, RANGE],
        &[ACCEPT, MISSING, WINDOW_2, RANGE],
        &[ACCEPT, MISSING, HASH_REQUEST, RANGE],
        &[MISSING, (PEERDIST_EX, "HashRequest"), RANGE],
    ] {
        let decision = get(headers, &READY);
        assert_eq!(decision.answer, Answer::MissingData, "{headers:?}");
        assert_eq!(decision.status(), 206);
        assert_eq!(
            text(&decision),
            [
                "Content-Range: bytes 1000-1999/200000",
                "Vary: Accept-Encoding"
            ]
        );
    }
    let decision = get(&[MISSING], &READY);
    assert_eq!(
        (decision.answer, decision.status()),
        (Answer::MissingData, 200)
    );
}

#[test]
fn a_range_gets_the_content_information_of_the_range() {
    let decision = get(&[ACCEPT, V1_1, WINDOW_2, RANGE], &READY);
    let range = ContentRange {
        start: 1000,
        length: 1000,
    };
    assert_eq!(decision.answer, coded(Version::V2));
    assert_eq!(decision.range(), Some(range));
    assert_eq!(decision.status(), 206);
    assert_eq!(
        text(&decision),
        [
            "Content-Encoding: peerdist",
            "X-P2P-PeerDist: Version=1.1, ContentLength=1000",
            "Content-Range: bytes 1000-1999/200000",
            "Vary: Accept-Encoding",
            "Cache-Control: private",
        ]
    );
}

#[test]
fn a_range_that_is_malformed_or_stands_twice_is_ignored() {
    for ranges in [
        &[("Range", "bytes=5-1")][..],
        &[("Range", "lines=0-1")],
        &[RANGE, RANGE],
    ] {
        let mut headers = vec![ACCEPT, V1_1, WINDOW_2];
        headers.extend(ranges);
        let decision = get(&headers, &READY);
        assert_eq!(decision.answer, coded(Version::V2));
        assert_eq!(decision.delivery, Delivery::Whole);
    }
}

#[test]
fn a_range_that_cannot_be_had_is_answered_416() {
    let decision = get(
        &[ACCEPT, V1_1, WINDOW_2, ("Range", "bytes=200000-")],
        &READY,
    );
    assert_eq!(decision.status(), 416);
    assert_eq!(
        text(&decision),
        ["Content-Range: bytes */200000", "Vary: Accept-Encoding"]
    );
}

#[test]
fn if_range_lets_the_range_stand_only_for_the_same_content() {
    let dated = Resource {
        last_modified: Some(b"Fri, 01 Aug 2008 01:02:03 GMT"),
        ..READY
    };
    let weak = Resource {
        etag: Some(b"W/\"a\""),
        ..READY
    };
    for (resource, value, status) in [
        (&READY, "\"8d2babfc81f3c81\"", 206),
        (&READY, "\"other\"", 200),
        (&READY, "Fri, 01 Aug 2008 01:02:03 GMT", 200),
        (&dated, "Fri, 01 Aug 2008 01:02:03 GMT", 206),
        (&dated, "Fri, 01 Aug 2008 01:02:04 GMT", 200),
        (&weak, "W/\"a\"", 200),
    ] {
        let decision = get(
            &[ACCEPT, V1_1, WINDOW_2, RANGE, ("If-Range", value)],
            resource,
        );
        assert_eq!(decision.status(), status, "{value}");
    }
}

#[test]
fn only_get_over_http_1_is_coded() {
    let fields = fields(&[ACCEPT, V1_1, WINDOW_2, RANGE]);
    let decide = |method: &[u8], http| {
        let request = Request {
            method,
            http,
            fields: &fields,
        };
        ServerSettings::default().decide(&request, &READY)
    };
    for method in [&b"HEAD"[..], b"POST", b"get", b""] {
        let decision = decide(method, HttpVersion::Http11);
        assert_eq!(decision.answer, plain(PlainReason::Method));
        assert_eq!(decision.status(), 200);
        assert_eq!(text(&decision), ["Vary: Accept-Encoding"]);
    }
    assert_eq!(
        decide(b"GET", HttpVersion::Other).answer,
        plain(PlainReason::HttpVersion)
    );
    assert_eq!(
        decide(b"GET", HttpVersion::Http10).answer,
        coded(Version::V2)
    );
}

#[test]
fn a_hash_request_over_http_1_0_needs_accept_encoding() {
    let fields = fields(&[V1_1, HASH_REQUEST]);
    let request = Request {
        method: b"GET",
        http: HttpVersion::Http10,
        fields: &fields,
    };
    let decision = ServerSettings::default().decide(&request, &READY);
    assert_eq!(decision.answer, plain(PlainReason::NotAdvertised));
}

#[test]
fn only_a_response_with_a_validator_is_coded() {
    let date = &b"Fri, 01 Aug 2008 01:02:03 GMT"[..];
    for (etag, last_modified, expected) in [
        (None, None, plain(PlainReason::NoValidator)),
        (Some(&b"\"a\""[..]), None, coded(Version::V2)),
        (None, Some(date), coded(Version::V2)),
        (Some(b"W/\"a\""), Some(date), coded(Version::V2)),
    ] {
        let resource = Resource {
            etag,
            last_modified,
            ..READY
        };
        let decision = get(&[ACCEPT, V1_1, WINDOW_2], &resource);
        assert_eq!(decision.answer, expected);
    }
}

#[test]
fn content_of_no_bytes_or_too_many_is_plain() {
    for (length, expected) in [
        (0, plain(PlainReason::Length)),
        (1, coded(Version::V2)),
        (CONTENT_MAX_BYTES, coded(Version::V2)),
        (CONTENT_MAX_BYTES + 1, plain(PlainReason::Length)),
    ] {
        let resource = Resource { length, ..READY };
        let decision = get(&[ACCEPT, V1_1, WINDOW_2], &resource);
        assert_eq!(decision.answer, expected);
    }
}

#[test]
fn windows_server_2008_r2_closes_after_ranges_of_large_contents_but_not_to_bits() {
    let closes = |headers: &[(&str, &str)], length| {
        let fields = fields(headers);
        let request = Request {
            method: b"GET",
            http: HttpVersion::Http11,
            fields: &fields,
        };
        let resource = Resource { length, ..READY };
        let decision = ServerSettings::windows_server_2008_r2().decide(&request, &resource);
        let told = text(&decision).contains(&"Connection: close".to_owned());
        assert_eq!(told, decision.close);
        told
    };
    let large = (1 << 20) + 1;
    assert!(closes(&[ACCEPT, V1_0, RANGE], large));
    assert!(!closes(&[ACCEPT, V1_0, RANGE], 1 << 20));
    assert!(!closes(&[ACCEPT, V1_0], large));
    assert!(!closes(&[V1_0, RANGE], large));
    let bits = ("User-Agent", "Microsoft BITS/7.5");
    assert!(!closes(&[ACCEPT, V1_0, RANGE, bits], large));
}

#[test]
fn quirks_and_faults_of_the_request_are_told() {
    let decision = get(
        &[
            ("accept-encoding", "PeerDist"),
            ("x-p2p-peerdist", ", Version=1.1, New=1"),
        ],
        &READY,
    );
    assert_eq!(decision.answer, coded(Version::V1));
    let names: Vec<_> = decision.quirks.iter().map(Quirk::name).collect();
    assert_eq!(
        names,
        [
            "rtp-coding-case",
            "rtp-leading-comma",
            "rtp-unknown-parameter"
        ]
    );
    let decision = get(&[ACCEPT, (PEERDIST, "Version=1,1")], &READY);
    let rejected = decision.fault.unwrap().rejected();
    assert_eq!((rejected.requirement, rejected.at), ("PCCRTP-2.2-05", 8));
    assert!(
        rejected
            .why
            .starts_with("X-P2P-PeerDist: byte 8, Version: ")
    );
}

proptest! {
    #[test]
    fn no_request_gets_more_than_it_asked_for(
        accept in prop_oneof![Just("peerdist"), Just("gzip"), Just("peerdist;q=0"), Just("")],
        version in "(Version=[0-2]\\.[0-2])?(, MissingDataRequest=true)?",
        ex in "(MinContentInformation=1.0, MaxContentInformation=[12].0)?(, HashRequest=true)?",
        range in prop_oneof![Just(""), Just("bytes=1-5"), Just("bytes=1-2,4-5"), Just("bytes=-0")],
        validator in any::<bool>(),
    ) {
        let mut fields = RequestFields::new();
        for (name, value) in [("Accept-Encoding", accept), (PEERDIST, &version), (PEERDIST_EX, &ex), ("Range", range)] {
            if !value.is_empty() {
                fields.add(name.as_bytes(), value.as_bytes());
            }
        }
        let resource = Resource { etag: validator.then_some(b"\"a\""), ..READY };
        let request = Request { method: b"GET", http: HttpVersion::Http11, fields: &fields };
        let decision = ServerSettings::default().decide(&request, &resource);
        if let Answer::ContentInformation(version) = decision.answer {
            prop_assert!(validator);
            prop_assert!(accept == "peerdist" || (ex.contains("HashRequest") && accept != "peerdist;q=0"));
            prop_assert!(version == Version::V1 || ex.contains("MaxContentInformation=2.0"));
            prop_assert!(decision.range().is_some());
            prop_assert!(text(&decision).contains(&"Cache-Control: private".to_owned()));
        }
    }

    #[test]
    fn any_header_bytes_are_decided_without_a_panic(
        values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 5),
    ) {
        let mut fields = RequestFields::new();
        let names = ["Accept-Encoding", PEERDIST, PEERDIST_EX, "Range", "If-Range"];
        for (name, value) in names.into_iter().zip(&values) {
            fields.add(name.as_bytes(), value);
        }
        let request = Request { method: b"GET", http: HttpVersion::Http11, fields: &fields };
        let decision = ServerSettings::default().decide(&request, &READY);
        let _ = text(&decision);
    }
}
