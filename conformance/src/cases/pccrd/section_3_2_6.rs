//! MS-PCCRD 3.2.6: messages of WS-Discovery for other services, and those that are for nobody.
//! Invariant: each is well formed; what it is for is another.
//! Byte order: none.

use crate::judge::{Case, Tag};
use crate::wire::discovery::{
    self, MATCHES_ACTION, MatchDraft, Prefixes, TO_SENDER, action_of, types_of,
};
use crate::wire::text;

pub(super) const CASES: &[Case] = &[
    Case::responder(
        "pccrd-responder-other-services",
        "probes for other services of WS-Discovery, such as printers, are left to them",
        &["PCCRD-3.2.6-01", "PCCRD-3.2.4.1-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let good = || session.question(version, std::slice::from_ref(&id)).draft;
            let parts = ["ScopesTag", "MatchBy", "ScopesTagEnd", "Scopes", "ScopesEnd"];
            let unscoped = || parts.into_iter().fold(good(), |draft, part| draft.without(part));
            let print = r#" xmlns:PeerDist="http://schemas.microsoft.com/windows/2006/08/wdp/print""#;
            let device = r#" xmlns:PeerDist="http://schemas.xmlsoap.org/ws/2006/02/devprof""#;
            let typed = |name: &str| types_of(&Prefixes::USUAL, &format!("PeerDist:{name}"));
            let probes = [
                (
                    "a probe for printers",
                    unscoped().with("xmlns:PeerDist", print).with("Types", typed("PrintDeviceType")),
                ),
                (
                    "a probe for devices, with scopes",
                    good().with("xmlns:PeerDist", device).with("Types", typed("Device")),
                ),
                ("a probe for everything", unscoped().without("Types")),
            ];
            let probes = probes.map(|(name, draft)| (name, draft.to_bytes()));
            session.are_ignored(&probes, "PCCRD-3.2.6-01")?;
            session.still_answers("PCCRD-3.2.4.1-01")
        },
    ),
    Case::responder(
        "pccrd-responder-other-actions",
        "a probe under another action is no probe",
        &["PCCRD-3.2.6-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let under = |action: &str| {
                let draft = session.question(version, std::slice::from_ref(&id)).draft;
                draft.with("Action", action_of(&Prefixes::USUAL, action)).to_bytes()
            };
            let base = discovery::DISCOVERY;
            let probes = [
                ("Resolve", under(&format!("{base}/Resolve"))),
                ("Hello", under(&format!("{base}/Hello"))),
                ("Bye", under(&format!("{base}/Bye"))),
                ("ProbeMatches", under(MATCHES_ACTION)),
                ("lower case", under(&format!("{base}/probe"))),
                ("of WS-Discovery 1.1", under("http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01/Probe")),
            ];
            session.are_ignored(&probes, "PCCRD-3.2.6-01")
        },
    ),
    Case::responder(
        "pccrd-responder-other-messages",
        "matches, hellos and byes are not answered",
        &["PCCRD-3.2.6-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let found = MatchDraft {
                version,
                message_id: session.message_id(),
                relates_to: session.message_id(),
                instance_id: 1,
                message_number: 1,
                address: text::uuid(session.random_array()),
                scopes: discovery::scopes(version, std::slice::from_ref(&id)),
                x_addrs: "192.0.2.1:80".to_owned(),
                data: "00000001".to_owned(),
            };
            let found = found.draft(&Prefixes::USUAL);
            let to_all = format!("<wsa:To>{}</wsa:To>", discovery::TO_ALL);
            let hello = |name: &str| {
                let action = format!("{}/{name}", discovery::DISCOVERY);
                let reference = format!(
                    "<wsa:EndpointReference><wsa:Address>{}</wsa:Address></wsa:EndpointReference>",
                    text::uuid(session.random_array())
                );
                let draft = session.question(version, std::slice::from_ref(&id)).draft;
                draft
                    .with("Action", action_of(&Prefixes::USUAL, &action))
                    .with("Probe", format!("<wsd:{name}>{reference}"))
                    .with("ProbeEnd", format!("</wsd:{name}>"))
                    .to_bytes()
            };
            let messages = [
                ("a match", found.to_bytes()),
                ("a match to everybody", found.with("To", to_all).to_bytes()),
                ("a hello", hello("Hello")),
                ("a bye", hello("Bye")),
            ];
            session.are_ignored(&messages, "PCCRD-3.2.6-01")
        },
    ),
    Case::responder(
        "pccrd-responder-must-understand",
        "a probe with a header that has to be understood and is not is ignored",
        &["PCCRD-2.1-01"],
        |session| {
            let (version, id) = session.held_of_any()?;
            let draft = session.question(version, &[id]).draft;
            let header = r#"<x:Token xmlns:x="urn:example" soap:mustUnderstand="true">1</x:Token>"#;
            let probes = [("mustUnderstand", draft.with("HeaderMore", header).to_bytes())];
            session.are_ignored(&probes, "PCCRD-2.1-01")
        },
    )
    .tags(&[Tag::Hostile]),
    Case::responder(
        "pccrd-responder-no-messages",
        "datagrams that are no messages at all are ignored",
        &["PCCRD-3.2.6-01", "PCCRD-3.2.4.1-06"],
        |session| {
            let answer = format!("HTTP/1.1 200 OK\r\nST: {TO_SENDER}\r\n\r\n");
            let search = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:3702\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n";
            let messages = [
                ("an empty datagram", Vec::new()),
                ("one byte", vec![b'<']),
                ("random bytes", session.random(700)),
                ("a search of SSDP", search.as_bytes().to_vec()),
                ("an answer of HTTP", answer.into_bytes()),
            ];
            session.are_ignored(&messages, "PCCRD-3.2.6-01")?;
            session.still_answers("PCCRD-3.2.4.1-06")
        },
    )
    .tags(&[Tag::Hostile]),
];
