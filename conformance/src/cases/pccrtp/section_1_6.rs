//! MS-PCCRTP 1.6: content information goes only to a client that advertised the coding.
//! Invariant: every request here could be coded but for what the client says of the coding.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome};
use crate::targets::content_server::{
    ASKS_FOR_V2, CODING, ContentServer, Field, PEERDIST, PEERDIST_EX, says_close,
};

const ADVERTISED: &str = "PCCRTP-1.6-02";
const VERSION: Field<'static> = (PEERDIST, "Version=1.1");
const WINDOW: Field<'static> = (
    PEERDIST_EX,
    "MinContentInformation=1.0, MaxContentInformation=2.0",
);

pub(super) const CASES: &[Case] = &[
    Case::content_server(
        "pccrtp-server-plain-request",
        "a request that knows nothing of the coding gets the content as it is",
        &[ADVERTISED],
        |session| {
            // Before the content is fetched, for which nothing else could be asked for.
            let place = session.place()?;
            let mut connection = session.connect(&place)?;
            session.send(&mut connection, &place.request("GET", &[]))?;
            let answer = connection.response(session.settings.answer);
            let response = session.response_of(answer, ADVERTISED)?;
            let is_coded = response.head.lists("Content-Encoding", CODING);
            session.holds(!is_coded, ADVERTISED, "a plain request is answered coded")?;
            is_plain(session, &[])
        },
    ),
    Case::content_server(
        "pccrtp-server-plain-header-fields-alone",
        "the two header fields without Accept-Encoding advertise nothing",
        &[ADVERTISED],
        |session| is_plain(session, &[VERSION, WINDOW]),
    ),
    Case::content_server(
        "pccrtp-server-plain-other-codings",
        "a client that lists other codings gets no content information",
        &[ADVERTISED],
        |session| {
            is_plain(
                session,
                &[("Accept-Encoding", "gzip, deflate"), VERSION, WINDOW],
            )
        },
    ),
    Case::content_server(
        "pccrtp-server-plain-identity",
        "a client that wants the content as it is gets it",
        &[ADVERTISED],
        |session| is_plain(session, &[("Accept-Encoding", "identity"), VERSION, WINDOW]),
    ),
    Case::content_server(
        "pccrtp-server-plain-accept-anything",
        "a client that takes any coding and knows nothing of this one gets the content as it is",
        &[ADVERTISED],
        |session| is_plain(session, &[("Accept-Encoding", "*")]),
    ),
    Case::content_server(
        "pccrtp-server-plain-empty-accept-encoding",
        "an empty Accept-Encoding advertises nothing",
        &[ADVERTISED],
        |session| is_plain(session, &[("Accept-Encoding", ""), VERSION, WINDOW]),
    ),
    Case::content_server(
        "pccrtp-server-plain-refused",
        "a client that refuses the coding with q=0 gets the content as it is",
        &[ADVERTISED],
        |session| {
            for refused in [
                "peerdist;q=0",
                "gzip, peerdist; q=0.000",
                "peerdist ;Q=0.0, identity",
            ] {
                is_plain(session, &[("Accept-Encoding", refused), VERSION, WINDOW])?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-plain-similar-name",
        "a coding whose name only contains the name is another one",
        &[ADVERTISED],
        |session| {
            let listed = "peerdist2, x-peerdist, peerdis";
            is_plain(session, &[("Accept-Encoding", listed), VERSION, WINDOW])
        },
    ),
    Case::content_server(
        "pccrtp-server-plain-after-coded",
        "content information on a connection leaves the next request on it as it is",
        &[ADVERTISED],
        |session| {
            let resource = session.resource()?;
            session.plain(&resource, &[], ADVERTISED)?;
            let mut connection = session.connect(&resource)?;
            for fields in [ASKS_FOR_V2, &[]] {
                session.send(&mut connection, &resource.request("GET", fields))?;
                let answer = connection.response(session.settings.answer);
                let response = session.response_of(answer, ADVERTISED)?;
                let closes = says_close(&response.head);
                let given = session.judged(&resource, response, ADVERTISED)?;
                let is_plain = matches!(given, crate::targets::content_server::Given::Plain(_));
                if fields.is_empty() {
                    session.holds(is_plain, ADVERTISED, given.told())?;
                }
                if closes {
                    break;
                }
            }
            Ok(())
        },
    ),
];

fn is_plain(session: &Session<'_, ContentServer>, fields: &[Field<'_>]) -> Outcome {
    let resource = session.resource()?;
    session.plain(&resource, fields, ADVERTISED).map(drop)
}
