//! MS-PCCRTP 1.7: the version of the coding, the client's highest and the one used.
//! Invariant: a version counts as known only if the document has it: 1.0 and 1.1.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop};
use crate::targets::content_server::{ContentServer, Given, PEERDIST, PEERDIST_EX};
use crate::wire::content_info::Version;

const USED: &str = "PCCRTP-1.7-02";
const NUMBERS: &str = "PCCRTP-2.2-04";
const OF_RESPONSE: &str = "PCCRTP-3.2.5.1-06";

pub(super) const CASES: &[Case] = &[
    Case::content_server(
        "pccrtp-server-version-1.0",
        "a client of version 1.0 is answered in version 1.0, with content information 1.0",
        &[USED, OF_RESPONSE, "PCCRTP-3.2.5.1-04"],
        |session| {
            let resource = session.resource()?;
            let fields = [("Accept-Encoding", "peerdist"), (PEERDIST, "Version=1.0")];
            let coded = session.coded(&resource, &fields, USED)?;
            session.equal(OF_RESPONSE, "Version", &coded.version(), &Some((1, 0)))?;
            session.equal(USED, "Version", &coded.version(), &Some((1, 0)))?;
            let found = &coded.info.version;
            session.equal(
                "PCCRTP-3.2.5.1-04",
                "content information",
                found,
                &Version::V1,
            )
        },
    ),
    Case::content_server(
        "pccrtp-server-version-1.1",
        "a client of version 1.1 is answered in version 1.1, or in 1.0 by a server of 2008",
        &[USED, OF_RESPONSE],
        |session| is_known(session, "1.1", true),
    ),
    Case::content_server(
        "pccrtp-server-version-1.10",
        "version 1.10 is above 1.9 and 1.1, and is answered in a version that exists",
        &[NUMBERS, USED, OF_RESPONSE],
        |session| is_known(session, "1.10", false),
    ),
    Case::content_server(
        "pccrtp-server-version-1.9",
        "version 1.9 is answered in a version that exists",
        &[NUMBERS, USED, OF_RESPONSE],
        |session| is_known(session, "1.9", false),
    ),
    Case::content_server(
        "pccrtp-server-version-0.10",
        "version 0.10 is below 1.0, so that nothing is coded",
        &[NUMBERS, USED],
        |session| {
            let resource = session.resource()?;
            let fields = fields("Version=0.10");
            let response = session.plain(&resource, &fields, NUMBERS)?;
            let is_coded = response.head.lists("Content-Encoding", "peerdist");
            session.holds(!is_coded, USED, "the answer is coded")
        },
    ),
    Case::content_server(
        "pccrtp-server-version-999.999",
        "a version far above what exists brings no error, and no version that does not exist",
        &[USED],
        |session| {
            let resource = session.resource()?;
            for version in ["Version=999.999", "Version=4294967296.0", "Version=2.0"] {
                let given = session.get(&resource, &fields(version), USED)?;
                let is_good = given.head().status() == Some(200);
                session.holds(is_good, USED, given.told())?;
                if let Given::Coded(coded) = given {
                    let found = coded.version();
                    let is_known = matches!(found, Some((1, 0 | 1)));
                    session.holds(is_known, USED, format_args!("Version is {found:?}"))?;
                }
            }
            Ok(())
        },
    ),
];

fn fields(version: &'static str) -> [(&'static str, &'static str); 3] {
    [
        ("Accept-Encoding", "peerdist"),
        (PEERDIST, version),
        (
            PEERDIST_EX,
            "MinContentInformation=1.0, MaxContentInformation=1.0",
        ),
    ]
}

/// Asserts that a client of a version is answered in one that there is and that the client knows.
fn is_known(session: &Session<'_, ContentServer>, asked: &str, has_to: bool) -> Outcome {
    let resource = session.resource()?;
    let version = format!("Version={asked}");
    let fields = [
        ("Accept-Encoding", "peerdist"),
        (PEERDIST, version.as_str()),
        (
            PEERDIST_EX,
            "MinContentInformation=1.0, MaxContentInformation=1.0",
        ),
    ];
    session.standard(&resource, Version::V1)?;
    let given = session.get(&resource, &fields, USED)?;
    if !has_to && matches!(given, Given::Plain(_)) {
        let why = format!("the server codes nothing for a client of version {asked}");
        return Err(Stop::Skip(why));
    }
    let coded = session.is_coded(given, USED)?;
    let found = coded.version();
    let is_known = matches!(found, Some((1, 0 | 1)));
    let text = format!("Version is {found:?} to a client of {asked}, expected 1.1 or 1.0");
    session.holds(is_known, OF_RESPONSE, &text)?;
    session.holds(is_known, USED, &text)?;
    if !has_to {
        session.holds(is_known, NUMBERS, &text)?;
    }
    Ok(())
}
