//! MS-PCCRD 3.2.4.1: which probes count, and that many of them keep nobody from being answered.
//! Invariant: after all of them a good probe is answered.
//! Byte order: none.

use std::time::Duration;

use crate::judge::{Case, Tag};
use crate::wire::content_info::Version;
use crate::wire::discovery::{self, match_by};

/// Probes of a flood: as many as a whole branch has hosts.
const FLOOD: usize = 300;

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-matching-rules",
        "a probe by another matching rule is not one of this protocol",
        &["PCCRD-3.2.4.1-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let scopes = discovery::scopes(version, &[id]);
            let by = |rule: &str| {
                let draft = session.question_of(version, &scopes).draft;
                draft
                    .with("MatchBy", format!(r#" MatchBy="{rule}""#))
                    .to_bytes()
            };
            let other = match version {
                Version::V1 => match_by(Version::V2),
                Version::V2 => match_by(Version::V1),
            };
            let base = "http://schemas.xmlsoap.org/ws/2005/04/discovery";
            let probes = [
                ("that of the other version", by(other)),
                ("rfc2396", by(&format!("{base}/rfc2396"))),
                ("ldap", by(&format!("{base}/ldap"))),
                ("one that nobody knows", by("http://schemas.example/rule")),
                ("an empty one", by("")),
            ];
            session.are_ignored(&probes, "PCCRD-3.2.4.1-01")
        },
    ),
    Case::responder(
        "pccrd-responder-no-matching-rule",
        "a probe without a matching rule, which means that of URIs, is not one of this protocol",
        &["PCCRD-3.2.4.1-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let scopes = discovery::scopes(version, &[id]);
            let draft = session.question_of(version, &scopes).draft;
            session.are_ignored(
                &[("without MatchBy", draft.without("MatchBy").to_bytes())],
                "PCCRD-3.2.4.1-01",
            )
        },
    ),
    Case::responder(
        "pccrd-responder-no-message-id",
        "a probe without MessageID is ignored: nothing could relate to it",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let draft = || session.question(version, std::slice::from_ref(&id)).draft;
            let probes = [
                ("without MessageID", draft().without("MessageID").to_bytes()),
                (
                    "an empty MessageID",
                    draft().with("MessageID", "<wsa:MessageID/>").to_bytes(),
                ),
            ];
            session.are_ignored(&probes, "PCCRD-3.2.4.1-06")
        },
    )
    .tags(&[Tag::Hostile]),
    Case::responder(
        "pccrd-responder-parts-missing",
        "a probe without its header, its body or its Probe element is ignored",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let draft = || session.question(version, std::slice::from_ref(&id)).draft;
            let headless = ["Header", "To", "Action", "MessageID", "HeaderEnd"];
            let of_body = [
                "Types",
                "ScopesTag",
                "MatchBy",
                "ScopesTagEnd",
                "Scopes",
                "ScopesEnd",
            ];
            let without = |parts: &[&'static str]| {
                let all = parts
                    .iter()
                    .fold(draft(), |draft, part| draft.without(part));
                all.to_bytes()
            };
            let probes = [
                ("without Header", without(&headless)),
                ("without Action", without(&["Action"])),
                ("without Body", without(&["Body", "BodyEnd"])),
                ("without Probe", without(&["Probe", "ProbeEnd"])),
                ("an empty Probe", without(&of_body)),
            ];
            session.are_ignored(&probes, "PCCRD-3.2.4.1-06")
        },
    )
    .tags(&[Tag::Hostile]),
    Case::responder(
        "pccrd-responder-same-probe-again",
        "a probe that comes again after more than a second, byte for byte, is answered again",
        &["PCCRD-3.2.4.1-02", "PCCRD-4.3-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let question = session.question(version, &[id]);
            let bytes = question.draft.to_bytes();
            let asker = session.asker()?;
            let to = session.target.destination();
            // Three times, for a datagram may be lost: iPXE sends it twice, a second apart.
            let mut answered = 0;
            for _ in 0..3 {
                session.send_datagram(&asker, &bytes, to)?;
                let wait = Duration::from_millis(1_100);
                let begun = crate::clock::now();
                if let Some(datagram) = session.next(&asker, wait) {
                    answered += 1;
                    let found = session.match_in(datagram, &question, "PCCRD-4.3-01")?;
                    session.relates(&found, "PCCRD-4.3-01")?;
                }
                if answered == 2 {
                    break;
                }
                std::thread::sleep(wait.saturating_sub(crate::clock::now() - begun));
                while session.next(&asker, Duration::from_millis(1)).is_some() {}
            }
            session.holds(
                answered == 2,
                "PCCRD-3.2.4.1-02",
                format_args!("of a probe sent three times, 1.1 s apart, {answered} were answered"),
            )
        },
    )
    .tags(&[Tag::Timer]),
    Case::responder(
        "pccrd-responder-flood",
        "after hundreds of probes at once a good one is answered",
        &["PCCRD-3.2.2-02"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let asker = session.asker()?;
            let to = session.target.destination();
            for number in 0..FLOOD {
                let id = match number % 3 {
                    0 => id.clone(),
                    _ => session.random(32),
                };
                let draft = session.question(version, &[id]).draft;
                session.send_datagram(&asker, &draft.to_bytes(), to)?;
            }
            session.still_answers("PCCRD-3.2.2-02")
        },
    )
    .tags(&[Tag::Alone, Tag::Load, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-flood-of-garbage",
        "after hundreds of datagrams that are no messages a probe is answered",
        &["PCCRD-3.2.4.1-06"],
        |session| {
            let asker = session.asker()?;
            let to = session.target.destination();
            for number in 0..FLOOD {
                session.send_datagram(&asker, &session.random(number * 4), to)?;
            }
            let came = session.next(&asker, session.settings.silence);
            session.holds(came.is_none(), "PCCRD-3.2.4.1-06", "garbage was answered")?;
            session.still_answers("PCCRD-3.2.4.1-06")
        },
    )
    .tags(&[Tag::Alone, Tag::Load, Tag::Hostile]),
    Case::responder(
        "pccrd-responder-more-elements",
        "elements and attributes that a probe has beside its own are passed over",
        &["PCCRD-2.1-01"],
        |session| {
            super::section_2_2_1::is_answered_at(session, "PCCRD-2.1-01", |draft, _| {
                let more = r#"<x:Token xmlns:x="urn:example" x:a="1">text<x:b/></x:Token>"#;
                let reply = "<wsa:ReplyTo><wsa:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:Address></wsa:ReplyTo>";
                draft
                    .with("HeaderMore", format!("{reply}{more}"))
                    .with("ProbeEnd", format!("{more}</wsd:Probe>"))
                    .with("Probe", r#"<wsd:Probe xmlns:y="urn:example" y:z="2">"#)
            })
        },
    ),
];
