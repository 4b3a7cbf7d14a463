//! MS-PCCRTP 2.2: header fields that are not as its grammar has them.
//! Invariant: they never bring an error, nor content information in a version that nobody asked for.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::content_server::{CODING, ContentServer, Given, PEERDIST, PEERDIST_EX};
use crate::wire::content_info::Version;

const LIST: &str = "PCCRTP-2.2-03";
const WINDOW: &str = "MinContentInformation=1.0, MaxContentInformation=2.0";

pub(super) const CASES: &[Case] = &[
    Case::content_server(
        "pccrtp-server-version-with-spaces",
        "a version with spaces around its dot is none",
        &["PCCRTP-2.2-05"],
        |session| {
            let resource = session.resource()?;
            for value in ["Version=1 .1", "Version=1. 1", "Version=1 . 1"] {
                let fields = [
                    ("Accept-Encoding", CODING),
                    (PEERDIST, value),
                    (PEERDIST_EX, WINDOW),
                ];
                session.plain(&resource, &fields, "PCCRTP-2.2-05")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::Hostile]),
    Case::content_server(
        "pccrtp-server-version-malformed",
        "a version that is no two numbers brings no error",
        &[LIST],
        |session| {
            for value in [
                "Version=",
                "Version",
                "Version=1",
                "Version=.1",
                "Version=1.",
                "Version=1.x",
                "Version=-1.1",
                "Version=1.1.1",
                "Version=\"1.1\"",
                "=1.1",
                "1.1",
            ] {
                is_answered(session, value, WINDOW)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::Hostile]),
    Case::content_server(
        "pccrtp-server-version-missing",
        "X-P2P-PeerDist without a version, empty, or not there brings no error",
        &[LIST],
        |session| {
            is_answered(session, "", WINDOW)?;
            is_answered(session, "ContentLength=5", WINDOW)?;
            let resource = session.resource()?;
            let fields = [("Accept-Encoding", CODING), (PEERDIST_EX, WINDOW)];
            is_right(session, session.get(&resource, &fields, LIST)?)
        },
    )
    .tags(&[Tag::Hostile]),
    Case::content_server(
        "pccrtp-server-version-twice",
        "a parameter that stands twice brings no error",
        &[LIST],
        |session| {
            is_answered(session, "Version=1.1, Version=1.0", WINDOW)?;
            is_answered(
                session,
                "Version=1.1, ContentLength=1, ContentLength=2",
                WINDOW,
            )?;
            let resource = session.resource()?;
            let fields = [
                ("Accept-Encoding", CODING),
                (PEERDIST, "Version=1.1"),
                (PEERDIST, "Version=1.0"),
                (PEERDIST_EX, WINDOW),
                (PEERDIST_EX, WINDOW),
            ];
            is_right(session, session.get(&resource, &fields, LIST)?)
        },
    )
    .tags(&[Tag::Hostile]),
    Case::content_server(
        "pccrtp-server-header-field-long",
        "a very long value brings no content information and harms nobody",
        &[LIST],
        |session| {
            let resource = session.resource()?;
            let value = format!("Version=1.{}", "1".repeat(4_000));
            let fields = [
                ("Accept-Encoding", CODING),
                (PEERDIST, value.as_str()),
                (PEERDIST_EX, WINDOW),
            ];
            let given = session.get(&resource, &fields, LIST)?;
            let found = given.told();
            if let Given::Coded(coded) = given {
                let is_known = matches!(coded.version(), Some((1, 0 | 1)));
                session.holds(is_known, LIST, found)?;
            }
            session.plain(&resource, &[], LIST).map(drop)
        },
    )
    .tags(&[Tag::Hostile]),
    Case::content_server(
        "pccrtp-server-header-field-bytes",
        "bytes that are no text in a value harm nobody",
        &[LIST],
        |session| {
            let resource = session.resource()?;
            let start = format!(
                "GET {} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: peerdist\r\n{PEERDIST}: Version=",
                resource.path, resource.host
            );
            let request = [start.as_bytes(), b"\xff\xfe\x80\r\n\r\n"].concat();
            let mut connection = session.connect(&resource)?;
            session.send(&mut connection, &request)?;
            let answer = connection.response(session.settings.answer);
            if let crate::targets::connection::Answer::Response(response) = answer {
                session.judged(&resource, response, LIST)?;
            }
            session.plain(&resource, &[], LIST).map(drop)
        },
    )
    .tags(&[Tag::Hostile]),
    Case::content_server(
        "pccrtp-server-hash-request-malformed",
        "a hash request that is no true brings no error",
        &[LIST],
        |session| {
            for request in [
                "HashRequest=false",
                "HashRequest",
                "HashRequest=1",
                ", HashRequest=true",
            ] {
                let ex = format!("{WINDOW}, {request}");
                is_answered(session, "Version=1.1", &ex)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::Hostile]),
];

/// Asserts that a request is answered with the content or with content information of it.
fn is_answered(session: &Session<'_, ContentServer>, value: &str, ex: &str) -> Outcome {
    let resource = session.resource()?;
    let fields = [
        ("Accept-Encoding", CODING),
        (PEERDIST, value),
        (PEERDIST_EX, ex),
    ];
    is_right(session, session.get(&resource, &fields, LIST)?)
}

fn is_right(session: &Session<'_, ContentServer>, given: Given) -> Outcome {
    session.holds(given.head().status() == Some(200), LIST, given.told())?;
    if let Given::Coded(coded) = given {
        let is_known = matches!(coded.info.version, Version::V1 | Version::V2)
            && matches!(coded.version(), Some((1, 0 | 1)));
        let found = format!("{PEERDIST} is {:?}", coded.head.get(PEERDIST));
        session.holds(is_known, LIST, found)?;
    }
    Ok(())
}
