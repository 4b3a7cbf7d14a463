//! Tests of the two header fields of MS-PCCRTP 2.2.
//! Invariant: what is written is read back; what is changed anywhere is read consistently or refused, never a panic.
//! Byte order: none.

use proptest::prelude::*;

use super::super::PeerDistEx;
use super::*;

const fn version(major: u32, minor: u32) -> VersionNumber {
    VersionNumber { major, minor }
}

fn read(text: &str) -> PeerDist {
    let (found, quirks) = PeerDist::decode(text.as_bytes()).unwrap();
    assert!(quirks.is_empty(), "{text:?}: {quirks:?}");
    found
}

fn read_ex(text: &str) -> PeerDistEx {
    let (found, quirks) = PeerDistEx::decode(text.as_bytes()).unwrap();
    assert!(quirks.is_empty(), "{text:?}: {quirks:?}");
    found
}

#[test]
fn the_examples_of_the_document_are_read_and_written_as_printed() {
    for (text, number, content_length) in [
        ("Version=1.0", version(1, 0), None),
        ("Version=1.1", version(1, 1), None),
        (
            "Version=1.0, ContentLength=102400",
            version(1, 0),
            Some(102_400),
        ),
        (
            "Version=1.1, ContentLength=184946",
            version(1, 1),
            Some(184_946),
        ),
    ] {
        let found = read(text);
        let expected = PeerDist {
            version: Some(number),
            content_length,
            missing_data_request: false,
        };
        assert_eq!(found, expected);
        assert_eq!(found.encode(), text.as_bytes());
    }
    for (text, window, make_hash_request, hash_request) in [
        (
            "MinContentInformation=1.0, MaxContentInformation=1.0",
            Some((version(1, 0), version(1, 0))),
            false,
            false,
        ),
        (
            "MinContentInformation=1.0, MaxContentInformation=2.0",
            Some((version(1, 0), version(2, 0))),
            false,
            false,
        ),
        ("MakeHashRequest=true", None, true, false),
        (
            "MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true",
            Some((version(1, 0), version(2, 0))),
            false,
            true,
        ),
    ] {
        let found = read_ex(text);
        let expected = PeerDistEx {
            window,
            make_hash_request,
            hash_request,
        };
        assert_eq!(found, expected);
        assert_eq!(found.encode(), text.as_bytes());
    }
}

#[test]
fn white_space_case_order_and_empty_elements_are_as_free_as_the_list_rule_has_them() {
    let expected = read("Version=1.1, ContentLength=5, MissingDataRequest=true");
    for text in [
        "Version=1.1,ContentLength=5,MissingDataRequest=true",
        "version=1.1, CONTENTLENGTH=5, missingdatarequest=TRUE",
        "MissingDataRequest=true, ContentLength=5, Version=1.1",
        "  Version = 1.1 ,\tContentLength\t=\t5 , MissingDataRequest = true  ",
        "Version=1.1,,, ContentLength=0005,, MissingDataRequest=true,",
        "Version=1.1,\r\n ContentLength=5,\r\n\tMissingDataRequest=true",
    ] {
        assert_eq!(read(text), expected, "{text:?}");
    }
    let expected =
        read_ex("MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true");
    for text in [
        "HashRequest=true,MaxContentInformation=2.0,MinContentInformation=1.0",
        "mincontentinformation=1.0,maxcontentinformation=2.0,hashrequest=True",
    ] {
        assert_eq!(read_ex(text), expected, "{text:?}");
    }
}

#[test]
fn a_leading_comma_and_an_unknown_parameter_are_reported() {
    let quirks = |text: &str| {
        let (_, quirks) = PeerDistEx::decode(text.as_bytes()).unwrap();
        quirks.iter().map(Quirk::name).collect::<Vec<_>>()
    };
    assert_eq!(quirks(", MakeHashRequest=true"), ["rtp-leading-comma"]);
    assert_eq!(quirks(" ,,MakeHashRequest=true"), ["rtp-leading-comma"]);
    assert_eq!(quirks("MakeHashRequest=true,, "), [""; 0]);
    for unknown in ["New", "New=1", "New=\"a, \\\" b\"", "Version=1.1"] {
        assert_eq!(
            quirks(&format!("MakeHashRequest=true, {unknown}")),
            ["rtp-unknown-parameter"],
            "{unknown}"
        );
    }
    assert_eq!(
        quirks(",x=y"),
        ["rtp-leading-comma", "rtp-unknown-parameter"]
    );
}

#[test]
fn what_the_grammar_does_not_have_is_refused_where_it_stands() {
    for (text, at, problem) in [
        ("", 0, "empty-list"),
        (" , ", 0, "empty-list"),
        ("=1.0", 0, "parameter-name"),
        ("Version=1.0, =5", 13, "parameter-name"),
        ("Version=1.0; ContentLength=5", 11, "separator"),
        ("Version=1.0 ContentLength=5", 12, "separator"),
        ("Version=1.0\r\n", 11, "separator"),
        ("Version", 7, "missing-value"),
        ("Version=", 8, "missing-value"),
        ("Version= , ContentLength=5", 9, "missing-value"),
        ("Version=1", 8, "version-syntax"),
        ("Version=1.", 8, "version-syntax"),
        ("Version=.1", 8, "version-syntax"),
        ("Version=1 .0", 10, "separator"),
        ("Version=1. 0", 11, "separator"),
        ("Version=1.0.0", 8, "version-syntax"),
        ("Version=v1.0", 8, "version-syntax"),
        ("Version=\"1.0\"", 8, "version-syntax"),
        ("Version=99999999999.0", 8, "number-overflow"),
        ("Version=1.99999999999", 10, "number-overflow"),
        ("ContentLength=5k", 14, "number-syntax"),
        ("ContentLength=-5", 14, "number-syntax"),
        ("ContentLength=18446744073709551616", 14, "number-overflow"),
        ("MissingDataRequest=false", 19, "flag-value"),
        ("MissingDataRequest=1", 19, "flag-value"),
        ("Version=1.0, version=1.0", 13, "duplicate-parameter"),
        (
            "ContentLength=5, ContentLength=5",
            17,
            "duplicate-parameter",
        ),
        (
            "MissingDataRequest=true,MissingDataRequest=false",
            24,
            "duplicate-parameter",
        ),
        ("New=\"open", 4, "quoted-string"),
        ("New=\"open\\\"", 4, "quoted-string"),
        ("Version=1.0\u{e9}", 11, "separator"),
    ] {
        let error = PeerDist::decode(text.as_bytes()).unwrap_err();
        assert_eq!((error.at, error.problem.name()), (at, problem), "{text:?}");
        assert!(error.requirement().starts_with("PCCRTP-2.2-"));
    }
    for (text, at, problem) in [
        ("MinContentInformation=1.0", 0, "half-window"),
        (
            "HashRequest=true, MaxContentInformation=2.0",
            18,
            "half-window",
        ),
        ("MaxContentInformation=2", 22, "version-syntax"),
        ("HashRequest=false", 12, "flag-value"),
        ("MakeHashRequest", 15, "missing-value"),
        (
            "HashRequest=true, HashRequest=true",
            18,
            "duplicate-parameter",
        ),
        (
            "MinContentInformation=1.0, MinContentInformation=1.0",
            27,
            "duplicate-parameter",
        ),
    ] {
        let error = PeerDistEx::decode(text.as_bytes()).unwrap_err();
        assert_eq!((error.at, error.problem.name()), (at, problem), "{text:?}");
    }
}

#[test]
fn the_largest_length_and_version_are_read() {
    let found = read("Version=4294967295.4294967295, ContentLength=18446744073709551615");
    assert_eq!(found.version, Some(version(u32::MAX, u32::MAX)));
    assert_eq!(found.content_length, Some(u64::MAX));
}

#[test]
fn a_trace_tells_every_parameter_at_its_place_up_to_the_error() {
    let trace = Trace::new();
    let text = b"Version=1.23, New=x, ContentLength=77, MissingDataRequest=no";
    let error = PeerDist::decode_traced(text, &trace).unwrap_err();
    assert_eq!(error.at, 58);
    let told: Vec<_> = trace
        .into_entries()
        .into_iter()
        .map(|e| (e.depth, e.at, e.length, e.field, e.number))
        .collect();
    assert_eq!(
        told,
        [
            (0, 8, 0, "Version", None),
            (1, 8, 1, "major-version", Some(1)),
            (1, 10, 2, "minor-version", Some(23)),
            (0, 14, 5, "unknown parameter", None),
            (0, 35, 2, "ContentLength", Some(77)),
        ]
    );
    let trace = Trace::new();
    let text = b"MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true";
    PeerDistEx::decode_traced(text, &trace).unwrap();
    let fields: Vec<_> = trace
        .into_entries()
        .into_iter()
        .filter(|entry| entry.depth == 0)
        .map(|entry| entry.field)
        .collect();
    assert_eq!(
        fields,
        [
            "MinContentInformation",
            "MaxContentInformation",
            "HashRequest"
        ]
    );
}

#[test]
fn two_fields_of_one_name_are_one_list() {
    let a = read("Version=1.1");
    let b = read("ContentLength=9, MissingDataRequest=true");
    let joined = a.join(b).unwrap();
    assert_eq!(
        joined,
        read("Version=1.1, ContentLength=9, MissingDataRequest=true")
    );
    for twice in [a, b, joined] {
        let problem = joined.join(twice).unwrap_err().problem;
        assert_eq!(problem, Problem::DuplicateParameter);
    }
}

fn numbers() -> impl Strategy<Value = VersionNumber> {
    (any::<u32>(), any::<u32>()).prop_map(|(major, minor)| VersionNumber { major, minor })
}

fn peerdists() -> impl Strategy<Value = PeerDist> {
    (
        proptest::option::of(numbers()),
        proptest::option::of(any::<u64>()),
        any::<bool>(),
    )
        .prop_map(|(version, content_length, missing_data_request)| PeerDist {
            version,
            content_length,
            missing_data_request,
        })
        .prop_filter("a list has at least one element", |value| {
            *value != PeerDist::default()
        })
}

fn peerdist_exs() -> impl Strategy<Value = PeerDistEx> {
    (
        proptest::option::of((numbers(), numbers())),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(window, make_hash_request, hash_request)| PeerDistEx {
            window,
            make_hash_request,
            hash_request,
        })
        .prop_filter("a list has at least one element", |value| {
            *value != PeerDistEx::default()
        })
}

/// Reads bytes of any kind; what is read must be written and read again as the same.
fn read_is_consistent(bytes: &[u8]) {
    if let Ok((found, _)) = PeerDist::decode(bytes)
        && found != PeerDist::default()
    {
        assert_eq!(PeerDist::decode(&found.encode()).unwrap().0, found);
    }
    if let Ok((found, _)) = PeerDistEx::decode(bytes)
        && found != PeerDistEx::default()
    {
        assert_eq!(PeerDistEx::decode(&found.encode()).unwrap().0, found);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in peerdists(), ex in peerdist_exs()) {
        let (found, quirks) = PeerDist::decode(&value.encode()).unwrap();
        prop_assert_eq!(found, value);
        prop_assert!(quirks.is_empty());
        let (found, quirks) = PeerDistEx::decode(&ex.encode()).unwrap();
        prop_assert_eq!(found, ex);
        prop_assert!(quirks.is_empty());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic_and_errors_point_into_them(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        read_is_consistent(&bytes);
        if let Err(error) = PeerDist::decode(&bytes) {
            prop_assert!(error.at <= bytes.len());
        }
    }

    #[test]
    fn lists_of_likely_words_are_read_without_a_panic(words in proptest::collection::vec(prop_oneof![
        Just("Version"), Just("ContentLength"), Just("HashRequest"), Just("MinContentInformation"),
        Just("MaxContentInformation"), Just("="), Just(","), Just(" "), Just("1.0"), Just("2.0"), Just("true"),
        Just("\""), Just("\\"), Just("\r\n "), Just("7"), Just("."),
    ], 0..20)) {
        read_is_consistent(words.concat().as_bytes());
    }
}

#[test]
fn every_truncation_and_every_changed_byte_is_read_consistently_or_refused() {
    for text in [
        &b"Version=1.1, ContentLength=184946, MissingDataRequest=true"[..],
        b", MinContentInformation=1.0, MaxContentInformation=2.0, MakeHashRequest=true, HashRequest=true",
        b"New=\"quoted \\\" string\", Version = 1.0",
    ] {
        for end in 0..text.len() {
            read_is_consistent(&text[..end]);
        }
        for place in 0..text.len() {
            for byte in 0..=255 {
                let mut changed = text.to_vec();
                changed[place] = byte;
                read_is_consistent(&changed);
            }
        }
    }
}
