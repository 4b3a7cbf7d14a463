//! MS-PCCRD 2.1, 2.2 and 4: the probes of a client.
//! Invariant: what is said of probes is asserted of every one that was heard.
//! Byte order: big-endian inside version 2.0 scopes.

use std::collections::BTreeSet;

use crate::judge::session::Session;
use crate::judge::{Case, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::{Outcome, World};
use crate::wire::content_info::Version;
use crate::wire::discovery::{PEER_DIST, PROBE_ACTION, TO_ALL, match_by};
use crate::wire::probe::Probe;
use crate::wire::text::is_uuid;

/// Runs a world without peers, whose probes are looked at.
fn probes<'a>(
    session: &'a Session<'a, Client>,
    version: Version,
    requirement: &'static str,
) -> Result<(World<'a>, Outcome, Vec<Probe>), Stop> {
    let world = match version {
        Version::V1 => World::blocks(session, 2),
        Version::V2 => World::segments(session, 3),
    };
    probes_in(session, world, requirement)
}

fn probes_in<'a>(
    session: &'a Session<'a, Client>,
    mut world: World<'a>,
    requirement: &'static str,
) -> Result<(World<'a>, Outcome, Vec<Probe>), Stop> {
    let outcome = world.run()?;
    session.holds(
        !outcome.seen.probes.is_empty(),
        requirement,
        "no probe with the ids of the content was multicast",
    )?;
    let mut probes = Vec::new();
    for heard in &outcome.seen.probes {
        probes.push(session.reads(requirement, heard.probe.clone())?);
    }
    Ok((world, outcome, probes))
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pccrd-client-multicast",
        "peers are looked for by a probe to 239.255.255.250 port 3702",
        &["PCCRD-2.1-01", "PCCRD-1.3-01", "PCCRD-3.1.6.1-01", "PCCRD-1.6-01"],
        |session| {
            let (world, _, probes) = probes(session, Version::V1, "PCCRD-2.1-01")?;
            // Nothing else comes by where the judge listens.
            let found = "no probe was multicast";
            session.holds(!probes.is_empty(), "PCCRD-1.3-01", found)?;
            let ids: BTreeSet<_> = probes.iter().filter_map(|p| p.ids().ok()).flatten().collect();
            let of_content: BTreeSet<_> = world.ids().into_iter().collect();
            session.equal("PCCRD-1.6-01", "the ids looked for", &ids, &of_content)?;
            session.equal("PCCRD-3.1.6.1-01", "the ids looked for", &ids, &of_content)
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrd-client-envelope",
        "the SOAP header of a probe has To, Action and a MessageID of urn:uuid:",
        &["PCCRD-4.1-01", "PCCRD-2.2.1-02", "PCCRD-3.1.3-01"],
        |session| {
            let (_, _, probes) = probes(session, Version::V2, "PCCRD-2.2.1-02")?;
            for probe in probes {
                session.equal("PCCRD-4.1-01", "To", &probe.to.as_str(), &TO_ALL)?;
                session.equal("PCCRD-4.1-01", "Action", &probe.action.as_str(), &PROBE_ACTION)?;
                session.equal("PCCRD-3.1.3-01", "Action", &probe.action.as_str(), &PROBE_ACTION)?;
                let is_good = probe.message_id.starts_with("urn:uuid:") && is_uuid(&probe.message_id);
                session.holds(is_good, "PCCRD-4.1-01", format_args!("MessageID is '{}'", probe.message_id))?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrd-client-message-ids",
        "probes with other ids have other MessageIDs",
        &["PCCRD-4.1-01"],
        |session| {
            let (_, first, mut probes_of_first) = probes(session, Version::V1, "PCCRD-4.1-01")?;
            let (_, second, probes_of_second) = probes(session, Version::V1, "PCCRD-4.1-01")?;
            probes_of_first.extend(probes_of_second);
            let count = first.seen.probes.len() + second.seen.probes.len();
            // The same datagram may come twice, as WS-Discovery over UDP repeats what it sends.
            let repeated = |outcome: &Outcome| {
                let bytes: BTreeSet<_> = outcome.seen.probes.iter().map(|p| p.bytes.clone()).collect();
                outcome.seen.probes.len() - bytes.len()
            };
            let expected = count - repeated(&first) - repeated(&second);
            let ids: BTreeSet<_> = probes_of_first.into_iter().map(|p| p.message_id).collect();
            session.equal("PCCRD-4.1-01", "MessageIDs", &ids.len(), &expected)
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrd-client-namespace",
        "the namespace of PeerDist types is that of the document",
        &["PCCRD-2.2.1-01", "PCCRD-2.2.1-04"],
        |session| {
            let (_, _, probes) = probes(session, Version::V1, "PCCRD-2.2.1-04")?;
            for probe in probes {
                let is_ours = probe.types.iter().all(|(namespace, _)| namespace == PEER_DIST);
                session.holds(is_ours, "PCCRD-2.2.1-01", format_args!("Types are {:?}", probe.types))?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrd-client-types-1",
        "content of version 1.0 is looked for with the type PeerDistData",
        &["PCCRD-2.2.3.1-01", "PCCRD-2.2.2-02", "PCCRD-2.2.2.1-01"],
        |session| {
            let (_, _, probes) = probes(session, Version::V1, "PCCRD-2.2.2.1-01")?;
            for probe in probes {
                let found = format!("Types are {:?}", probe.types);
                let is_good = probe.version() == Some(Version::V1);
                session.holds(is_good, "PCCRD-2.2.3.1-01", &found)?;
                session.holds(is_good, "PCCRD-2.2.2-02", &found)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrd-client-version-2",
        "content of version 2.0 is looked for with probes of version 2.0",
        &["PCCRD-2.2.2-01", "PCCRD-2.2.3.1-02", "PCCRD-1.7-01"],
        |session| {
            let (_, _, probes) = probes(session, Version::V2, "PCCRD-1.7-01")?;
            for probe in probes {
                let found = format!("Types are {:?}", probe.types);
                if probe.version() == Some(Version::V1) {
                    session.quirk("rd-v1-probe-for-v2-content", "PCCRD-2.2.2-01", &found)?;
                    continue;
                }
                let is_good = probe.version() == Some(Version::V2);
                session.holds(is_good, "PCCRD-2.2.3.1-02", &found)?;
                session.holds(is_good, "PCCRD-2.2.2-01", &found)?;
            }
            Ok(())
        },
    )
    .quirks(&["rd-v1-probe-for-v2-content"])
    .tags(&[Tag::V2]),
    Case::client(
        "pccrd-client-scopes-1",
        "a probe of version 1.0 lists segment ids in upper-case hexBinary",
        &["PCCRD-2.2.3.3-03", "PCCRD-2.2.3.3-01", "PCCRD-2.2.3.2-01"],
        |session| {
            let (world, _, probes) = probes(session, Version::V1, "PCCRD-2.2.3.3-01")?;
            let of_content = world.ids();
            for probe in probes {
                let ids = session.reads("PCCRD-2.2.3.3-03", probe.ids())?;
                let found = format!("Scopes are {:?}", probe.scopes);
                session.holds(!ids.is_empty(), "PCCRD-2.2.3.2-01", &found)?;
                let all_known = ids.iter().all(|id| of_content.contains(id));
                session.holds(all_known, "PCCRD-2.2.3.3-01", &found)?;
                if probe.scopes.iter().any(|scope| scope.contains(|c: char| c.is_ascii_lowercase())) {
                    session.quirk("rd-scope-lower-case", "PCCRD-2.2.3.3-03", &found)?;
                }
            }
            Ok(())
        },
    )
    .quirks(&["rd-scope-lower-case"])
    .tags(&[Tag::V1]),
    Case::client(
        "pccrd-client-scopes-2",
        "a probe of version 2.0 has one scope, which is base64 of the size, the count and the ids",
        &["PCCRD-2.2.3.3-04", "PCCRD-2.2.3.3-05", "PCCRD-2.2.3.2-01"],
        |session| {
            let (world, _, probes) = probes(session, Version::V2, "PCCRD-2.2.3.3-04")?;
            let of_content = world.ids();
            for probe in probes {
                session.equal("PCCRD-2.2.3.3-04", "strings in Scopes", &probe.scopes.len(), &1)?;
                let ids = session.reads("PCCRD-2.2.3.3-05", probe.ids())?;
                let all_known = !ids.is_empty() && ids.iter().all(|id| of_content.contains(id));
                session.holds(all_known, "PCCRD-2.2.3.2-01", "Scopes has ids that the content has not")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pccrd-client-match-by-1",
        "a probe of version 1.0 names the rule strcmp0",
        &["PCCRD-2.2.2.1-02"],
        |session| {
            let (_, _, probes) = probes(session, Version::V1, "PCCRD-2.2.2.1-02")?;
            for probe in probes {
                let expected = Some(match_by(Version::V1).to_owned());
                session.equal("PCCRD-2.2.2.1-02", "MatchBy", &probe.match_by, &expected)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrd-client-match-by-2",
        "a probe of version 2.0 names the rule of version 2.0",
        &["PCCRD-2.2.2.1-03"],
        |session| {
            let (_, _, probes) = probes(session, Version::V2, "PCCRD-2.2.2.1-03")?;
            for probe in probes {
                let expected = Some(match_by(Version::V2).to_owned());
                session.equal("PCCRD-2.2.2.1-03", "MatchBy", &probe.match_by, &expected)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pccrd-client-many-segments",
        "no probe of version 2.0 has more than 255 ids, and content of 300 segments is looked for in several",
        &["PCCRD-2.2.3.3-05", "PCCRD-2.2.3.2-01"],
        |session| {
            let world = World::segments(session, 300);
            let (world, _, probes) = probes_in(session, world, "PCCRD-2.2.3.3-05")?;
            let mut looked_for = BTreeSet::new();
            for probe in probes {
                let ids = session.reads("PCCRD-2.2.3.3-05", probe.ids())?;
                session.holds(ids.len() <= 255, "PCCRD-2.2.3.3-05", format_args!("{} ids", ids.len()))?;
                looked_for.extend(ids);
            }
            let of_content: BTreeSet<_> = world.ids().into_iter().collect();
            let foreign = looked_for.difference(&of_content).count();
            session.equal("PCCRD-2.2.3.2-01", "ids that the content has not", &foreign, &0)
        },
    )
    .tags(&[Tag::V2]),
];
