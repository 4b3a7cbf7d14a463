//! MS-PCCRTP 3.2: when a response may be coded, and how the coding lives with the rest of HTTP.
//! Invariant: validators and conditions are tried with what the server itself said.
//! Byte order: none.

use std::time::Duration;

use crate::judge::session::Session;
use crate::judge::{Case, Stop};
use crate::targets::connection::Connection;
use crate::targets::content_server::{
    ASKS_FOR_V1, ContentServer, Field, Given, Resource, says_close,
};
use crate::wire::content_info::Version;

const MAY: &str = "PCCRTP-3.2-01";
const HTTP: &str = "PCCRTP-2.1-01";
/// How long a server that says that it closes may take.
const CLOSES: Duration = Duration::from_secs(2);

pub(super) const CASES: &[Case] = &[
    Case::content_server(
        "pccrtp-server-validator",
        "a coded response has an ETag or a Last-Modified",
        &[MAY],
        |session| {
            let resource = session.resource()?;
            let coded = session.standard(&resource, Version::V1)?;
            let head = &coded.head;
            let tag = head.get("ETag");
            if tag.is_none() && head.get("Last-Modified").is_none() {
                let found = "the coded response has neither ETag nor Last-Modified";
                return session.quirk("rtp-no-validator", MAY, found);
            }
            let is_quoted = tag.is_none_or(|tag| tag.ends_with('"') && tag.len() > 1);
            session.holds(is_quoted, MAY, format_args!("ETag is {tag:?}"))
        },
    )
    .quirks(&["rtp-no-validator"]),
    Case::content_server(
        "pccrtp-server-vary",
        "a coded response does not come to other clients from a shared cache",
        &[MAY],
        |session| {
            let resource = session.resource()?;
            let coded = session.standard(&resource, Version::V1)?;
            let head = &coded.head;
            let varies = head.lists("Vary", "Accept-Encoding") || head.lists("Vary", "*");
            let is_kept =
                head.lists("Cache-Control", "private") || head.lists("Cache-Control", "no-store");
            let found = "neither Vary: Accept-Encoding nor Cache-Control: private";
            session.holds(varies || is_kept, MAY, found)
        },
    ),
    Case::content_server(
        "pccrtp-server-not-modified",
        "a condition on the ETag of a coded response brings 304 without a body, or content information anew",
        &[HTTP],
        |session| {
            let (resource, tag) = tagged(session)?;
            let fields = with(&[("If-None-Match", &tag)]);
            let given = session.get(&resource, &fields, HTTP)?;
            let is_good = match &given {
                Given::Coded(_) => true,
                Given::Plain(response) => response.status() == 304 && response.body.is_empty(),
            };
            session.holds(is_good, HTTP, given.told())?;
            let fields = with(&[("If-None-Match", "\"of-another-state\"")]);
            let given = session.get(&resource, &fields, HTTP)?;
            session.is_coded(given, HTTP).map(drop)
        },
    ),
    Case::content_server(
        "pccrtp-server-if-range-of-other-state",
        "a range of another state of the content is not sent; the whole is",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            for fields in [
                with(&[("Range", "bytes=0-9"), ("If-Range", "\"of-another-state\"")]),
                vec![("Range", "bytes=0-9"), ("If-Range", "\"of-another-state\"")],
            ] {
                let given = session.get(&resource, &fields, HTTP)?;
                session.holds(given.head().status() == Some(200), HTTP, given.told())?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-if-range-of-this-state",
        "a range of this state of the content is sent, or the whole",
        &[HTTP],
        |session| {
            let (resource, tag) = tagged(session)?;
            let fields = with(&[("Range", "bytes=0-9"), ("If-Range", &tag)]);
            let given = session.get(&resource, &fields, HTTP)?;
            let is_good = matches!(given.head().status(), Some(200 | 206));
            session.holds(is_good, HTTP, given.told())?;
            if let Given::Coded(coded) = given {
                session.is_of_content(&coded, &resource, HTTP)?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-same-again",
        "the same content has the same segments, and the same validator, however often it is asked for",
        &["PCCRTP-3.2.5-01", HTTP],
        |session| {
            let resource = session.resource()?;
            let first = session.standard(&resource, Version::V1)?;
            for _ in 0..3 {
                let again = session.coded(&resource, ASKS_FOR_V1, "PCCRTP-3.2.5-01")?;
                let is_same = again.info.segments == first.info.segments;
                let found = "the second request brought other segments than the first";
                session.holds(is_same, "PCCRTP-3.2.5-01", found)?;
                let (found, expected) = (again.head.get("ETag"), first.head.get("ETag"));
                session.equal(HTTP, "ETag", &found, &expected)?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-lengths",
        "Content-Length is that of the coded body",
        &[HTTP, "PCCRTP-3.2.5-01"],
        |session| {
            let resource = session.resource()?;
            let coded = session.standard(&resource, Version::V1)?;
            if let Some(length) = coded.head.get("Content-Length") {
                let expected = coded.bytes.len().to_string();
                session.equal(HTTP, "Content-Length", &length, &expected.as_str())?;
            } else {
                let chunked = coded.head.lists("Transfer-Encoding", "chunked");
                let closes = says_close(&coded.head);
                session.holds(chunked || closes, HTTP, "the body has no end")?;
            }
            let found = format!("{} bytes describe {}", coded.bytes.len(), resource.total());
            session.holds(!coded.bytes.is_empty(), "PCCRTP-3.2.5-01", found)
        },
    ),
    Case::content_server(
        "pccrtp-server-connection-close",
        "a server that says Connection: close closes, and one that does not goes on",
        &["PCCRTP-3.1.5.1-01", "PCCRTP-3.2.5.1-10"],
        |session| {
            let resource = session.resource()?;
            for range in [None, Some(("Range", "bytes=0-999"))] {
                let requirement = match range {
                    None => "PCCRTP-3.1.5.1-01",
                    Some(_) => "PCCRTP-3.2.5.1-10",
                };
                let fields = with(range.as_slice());
                let mut connection = session.connect(&resource)?;
                let request = resource.request("GET", &fields);
                let ask = |connection: &mut Connection| {
                    session.send(connection, &request)?;
                    let answer = connection.response(session.settings.answer);
                    session.response_of(answer, requirement)
                };
                let response = ask(&mut connection)?;
                if says_close(&response.head) {
                    let is_closed = connection.is_closed_within(CLOSES);
                    let found =
                        "the connection stays open, although the server said that it closes";
                    session.holds(is_closed, requirement, found)?;
                    continue;
                }
                let response = ask(&mut connection)?;
                let is_good = matches!(response.status(), 200 | 206);
                session.holds(is_good, requirement, response.head.start)?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-close-not-to-bits",
        "Microsoft BITS, which does not bear it, is not told Connection: close",
        &["PCCRTP-3.2.5.1-11"],
        |session| {
            let resource = session.resource()?;
            let fields = with(&[
                ("Range", "bytes=0-999"),
                ("User-Agent", "Microsoft BITS/7.8"),
            ]);
            let given = session.get(&resource, &fields, "PCCRTP-3.2.5.1-11")?;
            let closes = given.head().lists("Connection", "close");
            let found = "the answer to Microsoft BITS says Connection: close";
            session.holds(!closes, "PCCRTP-3.2.5.1-11", found)
        },
    ),
];

/// What is asked for, and the ETag of its coded response.
fn tagged<'a>(session: &Session<'a, ContentServer>) -> Result<(Resource<'a>, String), Stop> {
    let resource = session.resource()?;
    let coded = session.standard(&resource, Version::V1)?;
    match coded.head.get("ETag") {
        Some(tag) => Ok((resource, tag.to_owned())),
        None => Err(Stop::Skip("the coded response has no ETag".to_owned())),
    }
}

/// The usual request with more header fields.
fn with<'a>(more: &[Field<'a>]) -> Vec<Field<'a>> {
    let mut fields = ASKS_FOR_V1.to_vec();
    fields.extend_from_slice(more);
    fields
}
