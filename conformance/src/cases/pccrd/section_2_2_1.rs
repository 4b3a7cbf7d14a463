//! MS-PCCRD 2.2.1: namespaces, and that prefixes carry no meaning.
//! Invariant: a probe that says the same in other words of XML is the same probe.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Tag};
use crate::targets::responder::Responder;
use crate::wire::content_info::Version;
use crate::wire::discovery::{self, DISCOVERY, PEER_DIST, Prefixes};
use crate::wire::draft::Draft;
use crate::wire::xml;

const OTHERS: Prefixes = Prefixes {
    soap: "env",
    wsa: "a",
    wsd: "d",
    peer_dist: "x-1",
};
/// Prefixes that mean something else elsewhere.
const SWAPPED: Prefixes = Prefixes {
    soap: "wsd",
    wsa: "soap",
    wsd: "PeerDist",
    peer_dist: "wsa",
};

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-namespace",
        "PeerDistData of a match and what is in it are of the namespace of the document",
        &["PCCRD-2.2.1-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let answered = session.ask_for(version, &[id], "PCCRD-2.2.1-01")?;
            let names = (
                answered.found.block_counts.len(),
                answered.found.segment_ages.len(),
            );
            session.holds(
                names.0 + names.1 == 1,
                "PCCRD-2.2.1-01",
                format_args!(
                    "PeerDistData holds {} BlockCount and {} SegmentAges of the namespace",
                    names.0, names.1
                ),
            )?;
            let types = &answered.found.types;
            session.holds(
                types.iter().any(|(namespace, _)| namespace == PEER_DIST),
                "PCCRD-2.2.1-01",
                format_args!("Types is {types:?}"),
            )
        },
    ),
    Case::responder(
        "pccrd-responder-namespaces-of-soap",
        "envelope, header and body of a match are of the namespaces of SOAP 1.2, WS-Addressing and WS-Discovery",
        &["PCCRD-2.2.1-02"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let answered = session.ask_for(version, &[id], "PCCRD-2.2.1-02")?;
            let root = session.reads("PCCRD-2.2.1-02", xml::read(&answered.datagram.bytes))?;
            let is_there = root
                .child(discovery::SOAP, "Body")
                .and_then(|body| body.child(DISCOVERY, "ProbeMatches"))
                .is_some();
            session.holds(
                is_there,
                "PCCRD-2.2.1-02",
                "there is no ProbeMatches in the body",
            )
        },
    ),
    Case::responder(
        "pccrd-responder-tags-as-text",
        "a match is found by readers that look for the tags wsd:Scopes, wsd:XAddrs and PeerDist:BlockCount",
        &["PCCRD-2.2.1-03"],
        |session| {
            let id = session.held_id(Version::V1)?;
            let answered = session.ask_for(Version::V1, &[id], "PCCRD-2.2.1-03")?;
            let text = String::from_utf8_lossy(&answered.datagram.bytes);
            let tags = ["wsd:Scopes", "wsd:XAddrs", "PeerDist:BlockCount"];
            for tag in tags {
                if !text.contains(&format!("<{tag}>")) || !text.contains(&format!("</{tag}>")) {
                    let found = format_args!("there is no <{tag}> that iPXE would find");
                    session.quirk("rd-other-prefix", "PCCRD-2.2.1-03", found)?;
                }
            }
            session.relates(&answered, "PCCRD-2.2.1-03")
        },
    )
    .quirks(&["rd-other-prefix"])
    .tags(&[Tag::V1]),
    Case::responder(
        "pccrd-responder-other-prefixes",
        "a probe with other prefixes is answered, the prefix in Types included",
        &["PCCRD-2.2.1-03", "PCCRD-2.2.1-04"],
        |session| {
            for (prefixes, requirement) in [(OTHERS, "PCCRD-2.2.1-03"), (SWAPPED, "PCCRD-2.2.1-04")] {
                let (version, id) = session.held_of_any()?;
                let scopes = discovery::scopes(version, &[id]);
                let answered = session.ask(requirement, || {
                    session.question_with(&prefixes, version, &scopes)
                })?;
                session.relates(&answered, requirement)?;
            }
            Ok(())
        },
    ),
    Case::responder(
        "pccrd-responder-namespaces-where-needed",
        "a probe whose namespaces are declared where they are used, by default or anew, is answered",
        &["PCCRD-2.2.1-03"],
        |session| {
            is_answered(session, |draft| {
                draft
                    .with("xmlns:wsd", "")
                    .with("xmlns:PeerDist", "")
                    .with("Probe", format!(r#"<Probe xmlns="{DISCOVERY}">"#))
                    .with("ScopesTag", "<Scopes")
                    .with("ScopesEnd", "</Scopes>")
                    .with("ProbeEnd", "</Probe>")
            })
        },
    ),
    Case::responder(
        "pccrd-responder-attribute-order",
        "a probe with its declarations in another order, single quotes and white space in tags is answered",
        &["PCCRD-2.2.1-03"],
        |session| {
            let swapped = |name: &str, uri: &str| format!("\n xmlns:{name} = '{uri}'");
            is_answered_at(session, "PCCRD-2.2.1-03", |draft, _| {
                draft
                    .with("xmlns:soap", swapped("PeerDist", PEER_DIST))
                    .with("xmlns:wsa", swapped("wsd", DISCOVERY))
                    .with("xmlns:wsd", swapped("wsa", discovery::ADDRESSING))
                    .with("xmlns:PeerDist", swapped("soap", discovery::SOAP))
                    .with("EnvelopeTagEnd", "\r\n>")
                    .with("ProbeEnd", "</wsd:Probe >")
            })
        },
    ),
    Case::responder(
        "pccrd-responder-types-of-other-namespace",
        "a type whose prefix stands for another namespace, or for none, is not the type of this protocol",
        &["PCCRD-2.2.1-04", "PCCRD-2.2.1-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let scopes = discovery::scopes(version, &[id]);
            let probe = || session.question_of(version, &scopes).draft;
            let other = r#" xmlns:PeerDist="http://schemas.example/2007/09/PeerDistributionDiscovery""#;
            let named = discovery::type_of(version);
            let unprefixed = discovery::types_of(&Prefixes::USUAL, named);
            let foreign = discovery::types_of(&Prefixes::USUAL, &format!("wsd:{named}"));
            let undeclared = discovery::types_of(&Prefixes::USUAL, &format!("p:{named}"));
            let probes = [
                ("another namespace", probe().with("xmlns:PeerDist", other)),
                ("no prefix", probe().with("Types", unprefixed)),
                ("the prefix of WS-Discovery", probe().with("Types", foreign)),
                ("a prefix that is not declared", probe().with("Types", undeclared)),
            ];
            let probes = probes.map(|(name, draft)| (name, draft.to_bytes()));
            session.are_ignored(&probes, "PCCRD-2.2.1-04")?;
            session.still_answers("PCCRD-2.2.1-01")
        },
    ),
    Case::responder(
        "pccrd-responder-other-versions-of-soap",
        "probes of SOAP 1.1, of WS-Addressing 1.0 and of WS-Discovery 1.1 are other protocols",
        &["PCCRD-2.2.1-02"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let scopes = discovery::scopes(version, &[id]);
            let probe = || session.question_of(version, &scopes).draft;
            let probes = [
                ("SOAP 1.1", probe().with("xmlns:soap", r#" xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/""#)),
                ("WS-Addressing 1.0", probe().with("xmlns:wsa", r#" xmlns:wsa="http://www.w3.org/2005/08/addressing""#)),
                (
                    "WS-Discovery 1.1",
                    probe().with("xmlns:wsd", r#" xmlns:wsd="http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01""#),
                ),
            ];
            let probes = probes.map(|(name, draft)| (name, draft.to_bytes()));
            session.are_ignored(&probes, "PCCRD-2.2.1-02")
        },
    ),
];

/// Asserts that a probe is answered that says the same, where what declares the type is local to the probe.
fn is_answered(session: &Session<'_, Responder>, change: impl Fn(Draft) -> Draft) -> Outcome {
    is_answered_at(session, "PCCRD-2.2.1-03", |draft, version| {
        let named = discovery::type_of(version);
        let types =
            format!(r#"<q:Types xmlns:q="{DISCOVERY}" xmlns:r="{PEER_DIST}">r:{named}</q:Types>"#);
        change(draft).with("Types", types)
    })
}

/// Asserts that a probe is answered that says the same in other words.
pub(super) fn is_answered_at(
    session: &Session<'_, Responder>,
    requirement: &'static str,
    change: impl Fn(Draft, Version) -> Draft,
) -> Outcome {
    let (version, id) = session.held_of_any()?;
    let answered = session.ask(requirement, || {
        let mut question = session.question(version, std::slice::from_ref(&id));
        question.draft = change(question.draft, version);
        question
    })?;
    session.relates(&answered, requirement)
}
