//! MS-PCCRTP 4: requests for hashes, as its examples have them.
//! Invariant: a hash request is for content that was asked for before.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome};
use crate::targets::content_server::{CODING, ContentServer, Field, PEERDIST, PEERDIST_EX};

const HASHES: &str = "PCCRTP-4-01";
/// A hash request as the example has it.
const ASKS_FOR_HASHES: [Field<'static>; 2] = [
    (PEERDIST, "Version=1.1"),
    (
        PEERDIST_EX,
        "MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true",
    ),
];

pub(super) const CASES: &[Case] = &[
    Case::content_server(
        "pccrtp-server-hash-request",
        "a hash request that lists the coding is answered with content information",
        &[HASHES],
        |session| {
            let [version, ex] = ASKS_FOR_HASHES;
            brings_hashes(session, &[("Accept-Encoding", CODING), version, ex])
        },
    ),
    Case::content_server(
        "pccrtp-server-hash-request-alone",
        "a hash request without Accept-Encoding, as in the example, is answered with content information",
        &[HASHES],
        |session| brings_hashes(session, &ASKS_FOR_HASHES),
    ),
    Case::content_server(
        "pccrtp-server-example",
        "the request of the example is answered coded, as the example has it",
        &["PCCRTP-3.2.5.1-01", "PCCRTP-2.2-01"],
        |session| {
            let resource = session.resource()?;
            let fields = [
                ("Accept", "*/*"),
                ("Accept-Language", "en-US"),
                ("Accept-Encoding", "gzip, deflate, peerdist"),
                (PEERDIST, "Version=1.1"),
                (
                    PEERDIST_EX,
                    "MinContentInformation=1.0, MaxContentInformation=1.0",
                ),
                ("User-Agent", "Mozilla/4.0"),
            ];
            let coded = session.coded(&resource, &fields, "PCCRTP-2.2-01")?;
            session.is_of_content(&coded, &resource, "PCCRTP-3.2.5.1-01")
        },
    ),
];

/// Asserts that a hash request is answered with content information of the content.
fn brings_hashes(session: &Session<'_, ContentServer>, fields: &[Field<'_>]) -> Outcome {
    let resource = session.resource()?;
    let coded = session.coded(&resource, fields, HASHES)?;
    session.is_of_content(&coded, &resource, HASHES)
}
