//! Tests of MS-PCCRTP 3.1: tables from purposes to header fields and from responses to meanings.
//! Invariant: every response that the server side makes is understood by the client side as what it is.
//! Byte order: none.

use super::super::{
    Answer, Availability, HttpVersion, Request, RequestFields, Resource, ServerSettings,
};
use super::*;

const RANGE: ContentRange = ContentRange {
    start: 1000,
    length: 1000,
};
const WINDOWS_7: ClientSettings = ClientSettings {
    version: VersionNumber::V1_0,
    content_information: Version::V1,
};

fn ask(asked: Asked) -> Ask {
    Ask {
        asked,
        settings: ClientSettings::default(),
    }
}

fn text(ask: &Ask, codings: &str) -> Vec<String> {
    ask.fields(codings)
        .map(|field| format!("{}: {}", field.name, field.value))
        .collect()
}

fn response(headers: &[(&str, &str)]) -> ResponseFields {
    let mut fields = ResponseFields::new();
    for (name, value) in headers {
        fields.add(name.as_bytes(), value.as_bytes());
    }
    fields
}

fn broken(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Unusable(rejected) => rejected.requirement,
        other => panic!("{other:?} is usable"),
    }
}

#[test]
fn a_first_request_advertises_the_coding_and_what_the_client_reads() {
    assert_eq!(
        text(&ask(Asked::Content(None)), "gzip, deflate"),
        [
            "Accept-Encoding: gzip, deflate, peerdist",
            "X-P2P-PeerDist: Version=1.1",
            "X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0",
        ]
    );
    assert_eq!(
        text(&ask(Asked::Content(Some(RANGE))), "")[0],
        "Accept-Encoding: peerdist"
    );
    assert_eq!(
        text(&ask(Asked::Content(Some(RANGE))), "")[3],
        "Range: bytes=1000-1999"
    );
}

#[test]
fn version_1_0_of_the_coding_comes_without_the_ex_field() {
    let ask = Ask {
        asked: Asked::Content(None),
        settings: WINDOWS_7,
    };
    assert_eq!(
        text(&ask, ""),
        ["Accept-Encoding: peerdist", "X-P2P-PeerDist: Version=1.0"]
    );
}

#[test]
fn a_hash_request_says_so_and_advertises_the_coding_all_the_same() {
    assert_eq!(
        text(&ask(Asked::Hashes(None)), ""),
        [
            "Accept-Encoding: peerdist",
            "X-P2P-PeerDist: Version=1.1",
            "X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true",
        ]
    );
}

#[test]
fn a_request_for_missing_data_never_advertises_the_coding() {
    assert_eq!(
        text(&ask(Asked::MissingData(RANGE)), "gzip"),
        [
            "Accept-Encoding: identity",
            "X-P2P-PeerDist: Version=1.1, MissingDataRequest=true",
            "Range: bytes=1000-1999",
        ]
    );
}

#[test]
fn a_plain_request_has_nothing_of_the_document() {
    assert_eq!(
        text(&ask(Asked::Plainly(None)), "gzip"),
        ["Accept-Encoding: identity"]
    );
}

const CODED: &[(&str, &str)] = &[
    ("Content-Encoding", "peerdist"),
    ("X-P2P-PeerDist", "Version=1.1, ContentLength=184946"),
    ("ETag", "\"8d2babfc81f3c81\""),
];

fn coded(version: VersionNumber, content_length: u64, quirks: Quirks) -> Meaning {
    Meaning::ContentInformation {
        version,
        content_length,
        range: None,
        quirks,
    }
}

#[test]
fn the_answers_of_section_4_are_understood() {
    let ask = ask(Asked::Content(None));
    let quirks = Quirks::default();
    assert_eq!(
        ask.understand(200, &response(CODED)),
        coded(VersionNumber::V1_1, 184_946, quirks)
    );
    let plain = response(&[
        ("X-P2P-PeerDist", "Version=1.1"),
        ("X-P2P-PeerDistEx", "MakeHashRequest=true"),
        ("ETag", "\"c184b9ace0efcb1:0\""),
    ]);
    assert_eq!(
        ask.understand(200, &plain),
        Meaning::Plain {
            range: None,
            make_hash_request: true,
            quirks
        }
    );
}

#[test]
fn another_case_a_leading_comma_and_a_missing_validator_are_forgiven_and_told() {
    let fields = response(&[
        ("content-encoding", "PeerDist"),
        ("x-p2p-peerdist", ",Version=1.0,ContentLength=102400,New"),
    ]);
    let Meaning::ContentInformation { quirks, .. } =
        ask(Asked::Content(None)).understand(200, &fields)
    else {
        panic!("not understood");
    };
    let names: Vec<_> = quirks.iter().map(Quirk::name).collect();
    assert_eq!(
        names,
        [
            "rtp-coding-case",
            "rtp-leading-comma",
            "rtp-unknown-parameter",
            "rtp-no-validator"
        ]
    );
}

#[test]
fn a_coded_response_that_contradicts_the_document_is_unusable() {
    let etag = ("ETag", "\"a\"");
    let coding = ("Content-Encoding", "peerdist");
    for (headers, requirement) in [
        (&[coding, etag][..], "PCCRTP-3.2.5.1-05"),
        (
            &[coding, etag, ("X-P2P-PeerDist", "ContentLength=5")],
            "PCCRTP-3.2.5.1-06",
        ),
        (
            &[coding, etag, ("X-P2P-PeerDist", "Version=1.1")],
            "PCCRTP-3.2.5.1-07",
        ),
        (
            &[
                coding,
                etag,
                ("X-P2P-PeerDist", "Version=1.2, ContentLength=5"),
            ],
            "PCCRTP-1.7-02",
        ),
        (
            &[
                coding,
                etag,
                ("X-P2P-PeerDist", "Version=0.9, ContentLength=5"),
            ],
            "PCCRTP-1.7-02",
        ),
        (
            &[
                coding,
                etag,
                ("X-P2P-PeerDist", "Version=1.1, ContentLength=x"),
            ],
            "PCCRTP-2.2-07",
        ),
        (
            &[
                coding,
                etag,
                ("X-P2P-PeerDist", "Version=1.1, ContentLength=5"),
                ("X-P2P-PeerDist", "Version=1.1"),
            ],
            "PCCRTP-2.2-04",
        ),
        (
            &[
                ("Content-Encoding", "peerdist, gzip"),
                etag,
                ("X-P2P-PeerDist", "Version=1.1, ContentLength=5"),
            ],
            "PCCRTP-2.2-01",
        ),
        (
            &[("Content-Encoding", "peerdist; q=1"), etag],
            "PCCRTP-2.2-01",
        ),
    ] {
        let meaning = ask(Asked::Content(None)).understand(200, &response(headers));
        assert_eq!(broken(meaning), requirement, "{headers:?}");
    }
}

#[test]
fn the_coding_unasked_for_is_unusable() {
    for asked in [Asked::MissingData(RANGE), Asked::Plainly(None)] {
        let meaning = ask(asked).understand(200, &response(CODED));
        assert_eq!(broken(meaning), "PCCRTP-1.6-02");
    }
}

#[test]
fn a_malformed_request_for_a_hash_request_leaves_the_plain_body_good() {
    let fields = response(&[("X-P2P-PeerDistEx", "MakeHashRequest=yes")]);
    assert_eq!(
        ask(Asked::Content(None)).understand(200, &fields),
        Meaning::Plain {
            range: None,
            make_hash_request: false,
            quirks: Quirks::default()
        }
    );
    assert_eq!(
        fields.fault().unwrap().rejected().requirement,
        "PCCRTP-2.2-12"
    );
}

#[test]
fn a_body_under_another_coding_is_not_of_this_document() {
    let fields = response(&[("Content-Encoding", "gzip")]);
    assert!(matches!(
        ask(Asked::Content(None)).understand(200, &fields),
        Meaning::Plain {
            make_hash_request: false,
            ..
        }
    ));
}

#[test]
fn missing_data_comes_as_the_part_asked_for_or_as_the_whole() {
    let ask = ask(Asked::MissingData(RANGE));
    let part = |value| ask.understand(206, &response(&[("Content-Range", value)]));
    let plain = |range| Meaning::Plain {
        range,
        make_hash_request: false,
        quirks: Quirks::default(),
    };
    assert_eq!(part("bytes 1000-1999/200000"), plain(Some(RANGE)));
    let shorter = ContentRange {
        start: 1500,
        length: 10,
    };
    assert_eq!(part("bytes 1500-1509/200000"), plain(Some(shorter)));
    assert_eq!(ask.understand(200, &response(&[])), plain(None));
    assert_eq!(broken(part("bytes 0-1999/200000")), "PCCRTP-2.1-01");
    assert_eq!(broken(part("bytes 1000-2000/200000")), "PCCRTP-2.1-01");
    assert_eq!(broken(part("nonsense")), "PCCRTP-2.1-01");
    assert_eq!(broken(ask.understand(206, &response(&[]))), "PCCRTP-2.1-01");
}

#[test]
fn a_part_that_was_not_asked_for_is_unusable() {
    let fields = response(&[("Content-Range", "bytes 0-9/100")]);
    let meaning = ask(Asked::Content(None)).understand(206, &fields);
    assert_eq!(broken(meaning), "PCCRTP-2.1-01");
}

#[test]
fn the_length_of_a_coded_part_is_that_of_the_part() {
    let ask = ask(Asked::Content(Some(RANGE)));
    let answer = |length: &str| {
        let value = format!("Version=1.1, ContentLength={length}");
        ask.understand(
            206,
            &response(&[
                ("Content-Encoding", "peerdist"),
                ("X-P2P-PeerDist", &value),
                ("Content-Range", "bytes 1000-1999/200000"),
                ("ETag", "\"a\""),
            ]),
        )
    };
    assert!(matches!(
        answer("1000"),
        Meaning::ContentInformation { range: Some(range), content_length: 1000, .. } if range == RANGE
    ));
    assert_eq!(broken(answer("200000")), "PCCRTP-3.2.5.1-07");
}

#[test]
fn other_statuses_have_no_content() {
    for status in [100, 204, 301, 304, 401, 404, 416, 500, 503] {
        assert_eq!(
            ask(Asked::Content(None)).understand(status, &response(CODED)),
            Meaning::NoContent
        );
    }
}

#[test]
fn connection_close_is_told() {
    assert!(response(&[("Connection", "Keep-Alive, Close")]).closes());
    assert!(!response(&[("Connection", "keep-alive")]).closes());
}

#[test]
fn content_information_is_held_against_the_header_fields() {
    let bytes = v1_info(0, 5000);
    let info = ContentInfo::decode(&bytes).unwrap();
    let client = ask(Asked::Content(None));
    assert_eq!(client.check(5000, None, &info), Ok(()));
    assert_eq!(
        client.check(5001, None, &info).unwrap_err().requirement,
        "PCCRTP-3.2.5.1-07"
    );
    let bytes = v1_info(1000, 1000);
    let info = ContentInfo::decode(&bytes).unwrap();
    assert_eq!(client.check(1000, Some(RANGE), &info), Ok(()));
    assert!(client.check(1000, None, &info).is_err());

    let bytes = v2_info(5000);
    let info = ContentInfo::decode(&bytes).unwrap();
    assert_eq!(client.check(5000, None, &info), Ok(()));
    let old = Ask {
        asked: Asked::Content(None),
        settings: WINDOWS_7,
    };
    assert_eq!(
        old.check(5000, None, &info).unwrap_err().requirement,
        "PCCRTP-3.2.5.1-02"
    );
}

fn v1_info(offset: u32, read: u32) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0x0c, 0x80, 0, 0];
    bytes.extend(offset.to_le_bytes());
    bytes.extend(if offset == 0 { 0 } else { read }.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(5000u32.to_le_bytes());
    bytes.extend(65536u32.to_le_bytes());
    bytes.extend([7; 64]);
    bytes.extend(1u32.to_le_bytes());
    bytes.extend([9; 32]);
    bytes
}

fn v2_info(length: u32) -> Vec<u8> {
    let mut bytes = vec![0, 2, 4];
    bytes.extend([0; 28]);
    bytes.push(0);
    bytes.extend(68u32.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend([7; 64]);
    bytes
}

/// Every combination of client, purpose and resource: what the server decides is what the client understands.
#[test]
fn both_sides_agree_on_every_exchange() {
    use Availability::{AtHand, Later, Never, Ready};
    let purposes = [
        Asked::Content(None),
        Asked::Content(Some(RANGE)),
        Asked::Hashes(None),
        Asked::Hashes(Some(RANGE)),
        Asked::MissingData(RANGE),
        Asked::Plainly(None),
        Asked::Plainly(Some(RANGE)),
    ];
    let newest = ClientSettings::default();
    let v1_only = ClientSettings {
        content_information: Version::V1,
        ..newest
    };
    let servers = [
        ServerSettings::default(),
        ServerSettings::windows_server_2008_r2(),
    ];
    let mut exchanges = 0;
    for settings in [newest, v1_only, WINDOWS_7] {
        for asked in purposes {
            for server in servers {
                for v1 in [Ready, AtHand, Later, Never] {
                    for v2 in [Ready, AtHand, Later, Never] {
                        exchange(Ask { asked, settings }, server, v1, v2);
                        exchanges += 1;
                    }
                }
            }
        }
    }
    assert_eq!(exchanges, 3 * 7 * 2 * 16);
}

fn exchange(ask: Ask, server: ServerSettings, v1: Availability, v2: Availability) {
    let values: Vec<_> = ask
        .fields("gzip")
        .map(|field| (field.name, field.value.to_string()))
        .collect();
    let mut fields = RequestFields::new();
    for (name, value) in &values {
        fields.add(name.as_bytes(), value.as_bytes());
    }
    let request = Request {
        method: b"GET",
        http: HttpVersion::Http11,
        fields: &fields,
    };
    let resource = Resource {
        length: 200_000,
        etag: Some(b"\"a\""),
        last_modified: None,
        v1,
        v2,
    };
    let decision = server.decide(&request, &resource);
    assert!(decision.quirks.is_empty() && decision.fault.is_none());
    let mut response = response(&[("ETag", "\"a\"")]);
    for field in decision.fields() {
        response.add(field.name.as_bytes(), field.value.to_string().as_bytes());
    }
    match (
        decision.answer,
        ask.understand(decision.status(), &response),
    ) {
        (
            Answer::ContentInformation(info),
            Meaning::ContentInformation {
                version,
                content_length,
                range,
                quirks,
            },
        ) => {
            assert!(ask.asked.welcomes_coding() && quirks.is_empty());
            assert!(info <= ask.settings.content_information);
            assert_eq!(Some(version), decision.version);
            assert_eq!(range, ask.asked.range());
            assert_eq!(content_length, range.map_or(200_000, |range| range.length));
        }
        (
            answer,
            Meaning::Plain {
                range,
                make_hash_request,
                ..
            },
        ) => {
            assert!(!matches!(answer, Answer::ContentInformation(_)));
            assert_eq!(
                make_hash_request,
                matches!(answer, Answer::MakeHashRequest(_))
            );
            assert_eq!(range, ask.asked.range());
        }
        (answer, meaning) => panic!("{ask:?}: {answer:?} understood as {meaning:?}"),
    }
}
