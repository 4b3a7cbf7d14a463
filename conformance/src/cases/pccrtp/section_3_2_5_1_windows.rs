//! MS-PCCRTP 3.2.5.1: the versions of content information that a client reads, and those it gets.
//! Invariant: bounds that the document does not have bring the plain content and nothing else.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::content_server::{CODING, ContentServer, Field, Given, PEERDIST, PEERDIST_EX};
use crate::wire::content_info::Version;

const INSIDE: &str = "PCCRTP-3.2.5.1-02";
const UNKNOWN: &str = "PCCRTP-3.2.5.1-03";
const WITHOUT: &str = "PCCRTP-3.2.5.1-04";

pub(super) const CASES: &[Case] = &[
    Case::content_server(
        "pccrtp-server-window-none",
        "without X-P2P-PeerDistEx the content information is of version 1.0",
        &[WITHOUT],
        |session| {
            let resource = session.resource()?;
            for version in ["Version=1.1", "Version=1.0"] {
                let fields = [("Accept-Encoding", CODING), (PEERDIST, version)];
                let coded = session.coded(&resource, &fields, WITHOUT)?;
                let found = coded.info.version;
                session.equal(WITHOUT, "content information", &found, &Version::V1)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::content_server(
        "pccrtp-server-window-1.0",
        "a client that reads version 1.0 alone gets version 1.0",
        &[INSIDE],
        |session| {
            let resource = session.resource()?;
            let ex = window("1.0", "1.0");
            let coded = match session.get(&resource, &fields(&ex), INSIDE)? {
                Given::Coded(coded) => coded,
                Given::Plain(_) => session.coded(&resource, &fields(&ex), INSIDE)?,
            };
            let found = coded.info.version;
            session.equal(INSIDE, "content information", &found, &Version::V1)
        },
    )
    .tags(&[Tag::V1]),
    Case::content_server(
        "pccrtp-server-window-1.0-2.0",
        "a client that reads both versions gets one of them",
        &[INSIDE],
        |session| {
            let resource = session.resource()?;
            let ex = window("1.0", "2.0");
            let coded = session.coded(&resource, &fields(&ex), INSIDE)?;
            session.is_of_content(&coded, &resource, INSIDE)
        },
    ),
    Case::content_server(
        "pccrtp-server-window-without-spaces",
        "a comma with no space behind it parts the two bounds as well",
        &[INSIDE],
        |session| {
            let resource = session.resource()?;
            let ex = "MinContentInformation=1.0,MaxContentInformation=1.0";
            let coded = session.coded(&resource, &fields(ex), INSIDE)?;
            let found = coded.info.version;
            session.equal(INSIDE, "content information", &found, &Version::V1)
        },
    ),
    Case::content_server(
        "pccrtp-server-window-2.0-alone",
        "MinContentInformation 2.0 is no value of the document: the content comes as it is",
        &[UNKNOWN],
        |session| is_plain(session, &[window("2.0", "2.0")]),
    ),
    Case::content_server(
        "pccrtp-server-window-reversed",
        "bounds the wrong way round bring the content as it is",
        &[UNKNOWN],
        |session| is_plain(session, &[window("2.0", "1.0")]),
    ),
    Case::content_server(
        "pccrtp-server-window-above",
        "a maximum above 2.0 is no value of the document: the content comes as it is",
        &[UNKNOWN],
        |session| {
            let bounds = [
                ("1.0", "3.0"),
                ("1.0", "2.1"),
                ("1.0", "20.0"),
                ("1.0", "999.999"),
            ];
            is_plain(session, &bounds.map(|(least, most)| window(least, most)))
        },
    ),
    Case::content_server(
        "pccrtp-server-window-between",
        "a maximum between 1.0 and 2.0 is no value of the document: the content comes as it is",
        &[UNKNOWN],
        |session| {
            let bounds = [("1.0", "1.1"), ("1.0", "1.9"), ("1.0", "1.10")];
            is_plain(session, &bounds.map(|(least, most)| window(least, most)))
        },
    ),
    Case::content_server(
        "pccrtp-server-window-below",
        "a minimum other than 1.0 brings the content as it is",
        &[UNKNOWN],
        |session| {
            let bounds = [
                ("0.9", "1.0"),
                ("0.0", "2.0"),
                ("1.1", "2.0"),
                ("0.1", "0.9"),
            ];
            is_plain(session, &bounds.map(|(least, most)| window(least, most)))
        },
    ),
    Case::content_server(
        "pccrtp-server-window-999.999",
        "bounds far outside of what exists bring the content as it is",
        &[UNKNOWN],
        |session| {
            let far = "99999999999999999999.0";
            is_plain(
                session,
                &[
                    window("999.999", "999.999"),
                    window("1.0", far),
                    window(far, far),
                ],
            )
        },
    )
    .tags(&[Tag::Hostile]),
    Case::content_server(
        "pccrtp-server-window-malformed",
        "bounds that are no numbers bring the content as it is",
        &[UNKNOWN],
        |session| {
            let bounds = [
                ("1.0", "x"),
                ("", ""),
                ("one", "two"),
                ("1.0", "-2.0"),
                ("1,0", "2,0"),
                ("1.0", "2.0.0"),
            ];
            is_plain(session, &bounds.map(|(least, most)| window(least, most)))
        },
    )
    .tags(&[Tag::Hostile]),
    Case::content_server(
        "pccrtp-server-window-half",
        "one bound without the other never brings version 2.0",
        &[INSIDE],
        |session| {
            let resource = session.resource()?;
            session.standard(&resource, Version::V1)?;
            for ex in [
                "MinContentInformation=1.0",
                "MaxContentInformation=1.0",
                "HashRequest=true",
                "",
            ] {
                let given = session.get(&resource, &fields(ex), INSIDE)?;
                session.holds(given.head().status() == Some(200), INSIDE, given.told())?;
                if let Given::Coded(coded) = given {
                    let found = coded.info.version;
                    session.equal(INSIDE, "content information", &found, &Version::V1)?;
                }
            }
            Ok(())
        },
    ),
];

fn window(least: &str, most: &str) -> String {
    format!("MinContentInformation={least}, MaxContentInformation={most}")
}

const fn fields(ex: &str) -> [Field<'_>; 3] {
    [
        ("Accept-Encoding", CODING),
        (PEERDIST, "Version=1.1"),
        (PEERDIST_EX, ex),
    ]
}

fn is_plain(session: &Session<'_, ContentServer>, windows: &[String]) -> Outcome {
    let resource = session.resource()?;
    for ex in windows {
        session.plain(&resource, &fields(ex), UNKNOWN)?;
    }
    Ok(())
}
