//! MS-PCCRD 2.1: the groups of WS-Discovery.
//! Invariant: multicasts leave by the one interface that the judge was told.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::responder::Responder;
use crate::wire::content_info::Version;

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-multicast-v1",
        "a version 1.0 probe to 239.255.255.250, port 3702, is answered",
        &["PCCRD-2.1-01"],
        |session| over_the_group(session, Version::V1),
    )
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-multicast-v2",
        "a version 2.0 probe to 239.255.255.250, port 3702, is answered",
        &["PCCRD-2.1-01"],
        |session| over_the_group(session, Version::V2),
    )
    .tags(&[Tag::V2]),
    Case::responder(
        "pccrd-responder-multicast-ipv6",
        "a probe to [FF02::C], port 3702, is answered",
        &["PCCRD-2.1-01", "PCCRD-1.3-02"],
        |session| {
            let Some(interface) = session.target.interface_v6 else {
                let why = "needs an interface with IPv6 multicast";
                return Err(Stop::Skip(why.to_owned()));
            };
            let (version, id) = session.held_of_any()?;
            let to = session.target.group_v6(interface);
            let answered = session.ask_at(to, "PCCRD-2.1-01", || {
                session.question(version, std::slice::from_ref(&id))
            })?;
            session.relates(&answered, "PCCRD-2.1-01")?;
            session.holds(
                answered.datagram.from.is_ipv6(),
                "PCCRD-1.3-02",
                format_args!("the match comes from {}", answered.datagram.from),
            )
        },
    )
    .tags(&[Tag::Ipv6]),
    Case::responder(
        "pccrd-responder-multicast-nothing-held",
        "a probe to the group for segments that are not there is ignored",
        &["PCCRD-3.2.2-03"],
        |session| {
            let group = session.target.group();
            let asker = session.asker()?;
            for version in [Version::V1, Version::V2] {
                let question = session.question(version, &[session.random(32)]);
                session.send_datagram(&asker, &question.draft.to_bytes(), group)?;
            }
            let came = session.next(&asker, session.settings.silence);
            session.holds(
                came.is_none(),
                "PCCRD-3.2.2-03",
                "a probe for random ids was answered",
            )?;
            session.still_answers("PCCRD-3.2.2-03")
        },
    ),
];

fn over_the_group(session: &Session<'_, Responder>, version: Version) -> Outcome {
    let id = session.held_id(version)?;
    let answered = session.ask_at(session.target.group(), "PCCRD-2.1-01", || {
        session.question(version, std::slice::from_ref(&id))
    })?;
    session.relates(&answered, "PCCRD-2.1-01")
}
