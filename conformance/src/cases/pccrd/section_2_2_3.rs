//! MS-PCCRD 2.2.3.1 and 2.2.3.4 to 2.2.3.7: types, address, metadata version, and the sequence of messages.
//! Invariant: what has to stay or to grow is looked at in matches that came one after the other.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::responder::{Answered, Responder};
use crate::wire::content_info::Version;
use crate::wire::discovery::{self, PEER_DIST, Prefixes};
use crate::wire::text;

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-types-v1",
        "Types of a version 1.0 match is PeerDist:PeerDistData alone",
        &["PCCRD-2.2.3.1-01", "PCCRD-2.2.1-04"],
        |session| types(session, Version::V1, "PCCRD-2.2.3.1-01"),
    )
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-types-v2",
        "Types of a version 2.0 match is PeerDist:PeerDistDataV2 alone",
        &["PCCRD-2.2.3.1-02", "PCCRD-2.2.1-04"],
        |session| types(session, Version::V2, "PCCRD-2.2.3.1-02"),
    )
    .tags(&[Tag::V2]),
    Case::responder(
        "pccrd-responder-types-of-others",
        "a probe of another type, of none or of a name that only looks alike is ignored",
        &["PCCRD-2.2.3.1-03", "PCCRD-3.2.4.1-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let scopes = discovery::scopes(version, &[id]);
            let probe = |types: &str| {
                let types = discovery::types_of(&Prefixes::USUAL, types);
                let draft = session.question_of(version, &scopes).draft;
                draft.with("Types", types).to_bytes()
            };
            let probes = [
                ("PeerDistDataV3", probe("PeerDist:PeerDistDataV3")),
                ("lower case", probe("PeerDist:peerdistdata")),
                ("no name", probe("PeerDist:")),
                ("an empty Types", probe("")),
                (
                    "without Types",
                    session
                        .question_of(version, &scopes)
                        .draft
                        .without("Types")
                        .to_bytes(),
                ),
            ];
            session.are_ignored(&probes, "PCCRD-2.2.3.1-03")?;
            session.still_answers("PCCRD-3.2.4.1-01")
        },
    ),
    Case::responder(
        "pccrd-responder-address",
        "Address is a UUID as a URI, urn:uuid:",
        &["PCCRD-2.2.3.4-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let answered = session.ask_for(version, &[id], "PCCRD-2.2.3.4-01")?;
            let address = &answered.found.address;
            session.holds(
                text::is_uuid(address),
                "PCCRD-2.2.3.4-01",
                format_args!("Address is '{address}', expected urn:uuid: and a UUID"),
            )
        },
    ),
    Case::responder(
        "pccrd-responder-address-stays",
        "all matches of a responder name the same Address",
        &["PCCRD-3.2.3-02"],
        |session| {
            let [first, second] = two(session, "PCCRD-3.2.3-02")?;
            let field = "Address of the second match";
            session.equal(
                "PCCRD-3.2.3-02",
                field,
                &second.found.address,
                &first.found.address,
            )
        },
    ),
    Case::responder(
        "pccrd-responder-metadata-version",
        "MetadataVersion is 1 or 2",
        &["PCCRD-2.2.3.5-01"],
        |session| {
            for answered in two(session, "PCCRD-2.2.3.5-01")? {
                let found = &answered.found.metadata_version;
                session.holds(
                    found == "1" || found == "2",
                    "PCCRD-2.2.3.5-01",
                    format_args!("MetadataVersion is '{found}', expected 1 or 2"),
                )?;
            }
            Ok(())
        },
    ),
    Case::responder(
        "pccrd-responder-instance-id",
        "InstanceId is made once, when the service starts: it is the same in all matches",
        &["PCCRD-2.2.3.6-01", "PCCRD-3.2.3-02"],
        |session| {
            let [first, second] = two(session, "PCCRD-2.2.3.6-01")?;
            let (before, after) = (first.found.instance_id, second.found.instance_id);
            session.equal(
                "PCCRD-2.2.3.6-01",
                "InstanceId of the second match",
                &after,
                &before,
            )?;
            session.equal(
                "PCCRD-3.2.3-02",
                "InstanceId of the second match",
                &after,
                &before,
            )
        },
    ),
    Case::responder(
        "pccrd-responder-message-number",
        "MessageNumber grows with each match",
        &["PCCRD-2.2.3.7-01", "PCCRD-2.2.3.7-02"],
        |session| {
            let [first, second] = two(session, "PCCRD-2.2.3.7-01")?;
            let (before, after) = (first.found.message_number, second.found.message_number);
            session.holds(
                after > before,
                "PCCRD-2.2.3.7-01",
                format_args!("MessageNumber is {before} and then {after}"),
            )?;
            session.holds(
                before > 0,
                "PCCRD-2.2.3.7-02",
                "MessageNumber is 0, expected 1 for the first message",
            )
        },
    ),
];

fn types(session: &Session<'_, Responder>, version: Version, requirement: &'static str) -> Outcome {
    let id = session.held_id(version)?;
    let answered = session.ask_for(version, &[id], requirement)?;
    let expected = vec![(PEER_DIST.to_owned(), discovery::type_of(version).to_owned())];
    session.equal(requirement, "Types", &answered.found.types, &expected)?;
    session.equal(
        "PCCRD-2.2.1-04",
        "the version",
        &answered.found.version(),
        &Some(version),
    )
}

/// Two matches, the second asked for when the first had come.
fn two(session: &Session<'_, Responder>, requirement: &'static str) -> Result<[Answered; 2], Stop> {
    let (version, id) = session.held_of_any()?;
    let ask = || session.ask_for(version, std::slice::from_ref(&id), requirement);
    Ok([ask()?, ask()?])
}
