//! MS-PCCRD 2.2.2 and 4.3: which message answers which, and what it is made of.
//! Invariant: the version of a match is that of its type.
//! Byte order: none.

use std::time::Duration;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::responder::Responder;
use crate::wire::content_info::Version;
use crate::wire::discovery::{MATCHES_ACTION, Match, TO_SENDER};
use crate::wire::text;

const ORDER: [&str; 6] = [
    "EndpointReference",
    "Types",
    "Scopes",
    "XAddrs",
    "MetadataVersion",
    "PeerDistData",
];

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-match-layout",
        "a match is one ProbeMatch with its six elements in the order of the document",
        &["PCCRD-2.2.2.2-02"],
        |session| {
            for version in [Version::V1, Version::V2] {
                let Ok(id) = session.held_id(version) else {
                    continue;
                };
                let answered = session.ask_for(version, &[id], "PCCRD-2.2.2.2-02")?;
                session.equal("PCCRD-2.2.2.2-02", "ProbeMatch elements", &answered.found.matches, &1)?;
                let expected = ORDER.map(str::to_owned).to_vec();
                let field = "the elements of ProbeMatch";
                session.equal("PCCRD-2.2.2.2-02", field, &answered.found.children, &expected)?;
            }
            session.still_answers("PCCRD-2.2.2.2-02")
        },
    ),
    Case::responder(
        "pccrd-responder-v1-probe-v1-match",
        "a version 1.0 probe for version 1.0 content is answered by a match with one BlockCount",
        &[
            "PCCRD-2.2.2-02",
            "PCCRD-2.2.2.2-03",
            "PCCRD-2.2.3.9-01",
            "PCCRD-2.2.2.2-01",
        ],
        |session| {
            let id = session.held_id(Version::V1)?;
            let answered = session.ask_for(Version::V1, &[id], "PCCRD-2.2.2.2-01")?;
            session.equal("PCCRD-2.2.2-02", "the version", &answered.found.version(), &Some(Version::V1))?;
            session.equal("PCCRD-2.2.3.9-01", "BlockCount elements", &answered.found.block_counts.len(), &1)?;
            session.equal("PCCRD-2.2.2.2-03", "SegmentAges elements", &answered.found.segment_ages.len(), &0)
        },
    )
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-v2-probe-v2-match",
        "a version 2.0 probe for version 2.0 content is answered by a match with one SegmentAges",
        &[
            "PCCRD-2.2.2-01",
            "PCCRD-2.2.2.2-03",
            "PCCRD-2.2.3.9-03",
            "PCCRD-2.2.2.2-01",
        ],
        |session| {
            let id = session.held_id(Version::V2)?;
            let answered = session.ask_for(Version::V2, &[id], "PCCRD-2.2.2.2-01")?;
            session.equal("PCCRD-2.2.2-01", "the version", &answered.found.version(), &Some(Version::V2))?;
            session.equal("PCCRD-2.2.3.9-03", "SegmentAges elements", &answered.found.segment_ages.len(), &1)?;
            session.equal("PCCRD-2.2.2.2-03", "BlockCount elements", &answered.found.block_counts.len(), &0)
        },
    )
    .tags(&[Tag::V2]),
    Case::responder(
        "pccrd-responder-crossed-versions",
        "whatever comes of a probe of one version for content of the other, it is a match of the probe's version",
        &["PCCRD-2.2.2.2-03", "PCCRD-1.7-01"],
        |session| {
            for (asked, held) in [(Version::V1, Version::V2), (Version::V2, Version::V1)] {
                let Ok(id) = session.held_id(held) else {
                    continue;
                };
                let question = session.question(asked, &[id]);
                let asker = session.asker()?;
                let to = session.target.destination();
                session.send_datagram(&asker, &question.draft.to_bytes(), to)?;
                let patience = session.settings.silence.max(Duration::from_millis(400));
                // Whether there is an answer is left open.
                if let Some(datagram) = session.next(&asker, patience) {
                    let answered = session.match_in(datagram, &question, "PCCRD-2.2.2.2-03")?;
                    session.equal("PCCRD-1.7-01", "the version", &answered.found.version(), &Some(asked))?;
                    let counts = answered.found.block_counts.len();
                    let expected = usize::from(asked == Version::V1);
                    session.equal("PCCRD-2.2.2.2-03", "BlockCount elements", &counts, &expected)?;
                }
            }
            let (version, id) = session.held_of_any()?;
            let answered = session.ask_for(version, &[id], "PCCRD-1.7-01")?;
            session.equal("PCCRD-1.7-01", "the version", &answered.found.version(), &Some(version))?;
            let counts = answered.found.block_counts.len();
            let expected = usize::from(version == Version::V1);
            session.equal("PCCRD-2.2.2.2-03", "BlockCount elements", &counts, &expected)
        },
    )
    .tags(&[Tag::V2]),
    Case::responder(
        "pccrd-responder-header-v1",
        "the header of a version 1.0 match names the sender, the action and the probe",
        &["PCCRD-4.3-01", "PCCRD-3.2.4.1-05"],
        |session| header(session, Version::V1),
    )
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-header-v2",
        "the header of a version 2.0 match names the sender, the action and the probe",
        &["PCCRD-4.3-01", "PCCRD-3.2.4.1-05"],
        |session| header(session, Version::V2),
    )
    .tags(&[Tag::V2]),
    Case::responder(
        "pccrd-responder-message-id",
        "each match has a MessageID of its own, which is not that of the probe",
        &["PCCRD-4.3-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let ask = || session.ask_for(version, std::slice::from_ref(&id), "PCCRD-4.3-01");
            let (first, second) = (ask()?, ask()?);
            let Match { message_id, .. } = &first.found;
            session.holds(
                text::is_uuid(message_id),
                "PCCRD-4.3-01",
                format_args!("MessageID is '{message_id}', expected urn:uuid: and a UUID"),
            )?;
            session.holds(
                *message_id != first.message_id,
                "PCCRD-4.3-01",
                "MessageID is that of the probe",
            )?;
            session.holds(
                *message_id != second.found.message_id,
                "PCCRD-4.3-01",
                format_args!("two matches have MessageID {message_id}"),
            )
        },
    ),
    Case::responder(
        "pccrd-responder-relates-to-as-sent",
        "RelatesTo repeats the MessageID of the probe, whatever URI it is",
        &["PCCRD-4.3-01"],
        |session| {
            for named in ["upper-case", "uuid"] {
                let (version, id) = session.held_of_any()?;
                let answered = session.ask("PCCRD-4.3-01", || {
                    let mut question = session.question(version, std::slice::from_ref(&id));
                    let uuid = question.message_id.replace("urn:uuid:", "");
                    question.message_id = match named {
                        "upper-case" => format!("urn:uuid:{}", uuid.to_uppercase()),
                        _ => format!("uuid:{uuid}"),
                    };
                    let element = format!("<wsa:MessageID>{}</wsa:MessageID>", question.message_id);
                    question.draft = question.draft.with("MessageID", element);
                    question
                })?;
                session.relates(&answered, "PCCRD-4.3-01")?;
            }
            Ok(())
        },
    ),
];

fn header(session: &Session<'_, Responder>, version: Version) -> Outcome {
    let id = session.held_id(version)?;
    let answered = session.ask_for(version, &[id], "PCCRD-4.3-01")?;
    let Match { to, action, .. } = &answered.found;
    session.equal("PCCRD-4.3-01", "Action", action, &MATCHES_ACTION.to_owned())?;
    session.equal("PCCRD-4.3-01", "To", to, &TO_SENDER.to_owned())?;
    session.relates(&answered, "PCCRD-3.2.4.1-05")
}
