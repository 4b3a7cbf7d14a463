//! MS-PCCRD 3.1: how long matches are awaited, and which are believed.
//! Invariant: a match counts as dropped if the peer that it names is not asked, and another is.
//! Byte order: big-endian inside version 2.0 scopes.

use std::net::SocketAddr;
use std::time::Duration;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::responder::Heard;
use crate::targets::client::world::{Shared, World, peer};
use crate::wire::discovery::{MatchDraft, Prefixes, type_of, types_of};
use crate::wire::draft::Draft;

const SOON: Duration = Duration::from_millis(5);

/// What a match of the first peer becomes: datagrams.
type Wrong = fn(&Heard, &Shared, MatchDraft) -> Vec<Vec<u8>>;

/// Asserts that a peer is not asked that is announced wrongly, while one that is announced rightly is.
fn is_dropped<'a>(
    session: &'a Session<'a, Client>,
    world: World<'a>,
    requirements: &[&'static str],
    wrong: Wrong,
) -> Outcome {
    is_dropped_at(session, world, requirements, wrong, |address| {
        address.to_string()
    })
}

fn is_dropped_at<'a>(
    session: &'a Session<'a, Client>,
    mut world: World<'a>,
    requirements: &[&'static str],
    wrong: Wrong,
    named: fn(SocketAddr) -> String,
) -> Outcome {
    let bad = named(world.hidden_peer(peer::honest)?);
    let good = world.hidden_peer(peer::honest)?.to_string();
    world.announce(move |heard, shared| {
        let matched = |address: &str| heard.matched(shared, address, |_| true);
        let (Some(of_bad), Some(of_good)) = (matched(&bad), matched(&good)) else {
            return Vec::new();
        };
        let mut datagrams: Vec<_> = wrong(heard, shared, of_bad)
            .into_iter()
            .map(|datagram| (SOON, datagram))
            .collect();
        datagrams.push((2 * SOON, of_good.to_bytes()));
        datagrams
    });
    let outcome = world.run()?;
    let found = "a peer was asked whose match has to be dropped";
    for requirement in requirements {
        session.holds(outcome.count_at(0) == 0, requirement, found)?;
        session.is_whole(&world, &outcome, requirement)?;
    }
    session.asked_peer(&outcome, 1)
}

/// Asserts that a peer is asked that is announced in an unusual way.
fn is_believed<'a>(
    session: &'a Session<'a, Client>,
    mut world: World<'a>,
    requirements: &[&'static str],
    after: Duration,
    unusual: impl Fn(MatchDraft) -> Draft + Send + Sync + 'static,
) -> Outcome {
    let address = world.hidden_peer(peer::honest)?.to_string();
    world.announce(move |heard, shared| {
        let matched = heard.matched(shared, &address, |_| true);
        matched
            .map(|matched| (after, unusual(matched).to_bytes()))
            .into_iter()
            .collect()
    });
    let outcome = world.run()?;
    if outcome.seen.probes.is_empty() {
        return Err(Stop::Skip("the client sent no probe".to_owned()));
    }
    let found = "the peer of a good match was not asked";
    for requirement in requirements {
        session.holds(outcome.count_at(0) > 0, requirement, found)?;
        session.is_whole(&world, &outcome, requirement)?;
    }
    Ok(())
}

/// The same whatever a match of version 2.0 says of the ages of its segments.
fn is_believed_with_ages<'a>(
    session: &'a Session<'a, Client>,
    requirement: &'static str,
    blob: &'static [u8],
) -> Outcome {
    let world = World::segments(session, 2);
    is_believed(session, world, &[requirement], SOON, move |matched| {
        matched.with_ages(blob).draft(&Prefixes::USUAL)
    })
}

fn changed(matched: &MatchDraft, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(&matched.to_bytes()).into_owned();
    text.replace(from, to).into_bytes()
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pccrd-client-request-timer",
        "a match that comes 120 milliseconds after the probe is heard",
        &["PCCRD-3.1.2-01", "PCCRD-3.1.2-02", "PCCRD-3.1.2-03"],
        |session| {
            let after = Duration::from_millis(120);
            let asserted = ["PCCRD-3.1.2-01", "PCCRD-3.1.2-02", "PCCRD-3.1.2-03"];
            is_believed(
                session,
                World::blocks(session, 2),
                &asserted,
                after,
                |matched| matched.draft(&Prefixes::USUAL),
            )
        },
    )
    .tags(&[Tag::Alone, Tag::V1]),
    Case::client(
        "pccrd-client-late-match",
        "a match that comes seconds after the probe is not heard any more",
        &["PCCRD-3.1.2-04", "PCCRD-3.1.5-01"],
        |session| {
            let mut world = World::blocks(session, 2);
            world.origin.delay = Duration::from_secs(3);
            let address = world.hidden_peer(peer::honest)?.to_string();
            let after = Duration::from_millis(1_500);
            world.announce(move |heard, shared| {
                let matched = heard.matched(shared, &address, |_| heard.number == 0);
                matched
                    .map(|matched| (after, matched.to_bytes()))
                    .into_iter()
                    .collect()
            });
            let outcome = world.run()?;
            let [first, others @ ..] = outcome.seen.probes.as_slice() else {
                return Err(Stop::Skip("the client sent no probe".to_owned()));
            };
            if others.iter().any(|other| other.at > first.at + after / 2) {
                return Err(Stop::Skip("the client probes again and again".to_owned()));
            }
            let found = "a peer was asked whose match came 1.5 seconds late";
            session.holds(outcome.count_at(0) == 0, "PCCRD-3.1.2-04", found)?;
            session.holds(outcome.count_at(0) == 0, "PCCRD-3.1.5-01", found)
        },
    )
    .tags(&[Tag::V1, Tag::Timer]),
    Case::client(
        "pccrd-client-match-of-other-type",
        "a match whose Types are those of something else is dropped",
        &["PCCRD-3.1.4.1-01", "PCCRD-2.2.3.1-03"],
        |session| {
            let asserted = ["PCCRD-3.1.4.1-01", "PCCRD-2.2.3.1-03"];
            is_dropped(
                session,
                World::blocks(session, 2),
                &asserted,
                |_, _, matched| {
                    let prefixes = &Prefixes::USUAL;
                    let other = types_of(prefixes, "wsd:Device");
                    vec![matched.draft(prefixes).with("Types", other).to_bytes()]
                },
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrd-client-match-from-elsewhere",
        "a match whose address is on no local subnet is dropped",
        &["PCCRD-3.1.4.1-01", "PCCRD-5-01"],
        |session| {
            // 0.0.0.0 is on no subnet; who connects to it all the same comes to this machine.
            let elsewhere = |address: SocketAddr| format!("0.0.0.0:{}", address.port());
            let asserted = ["PCCRD-3.1.4.1-01", "PCCRD-5-01"];
            let world = World::segments(session, 2);
            is_dropped_at(
                session,
                world,
                &asserted,
                |_, _, m| vec![m.to_bytes()],
                elsewhere,
            )
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pccrd-client-match-of-other-segments",
        "a match for segments that were not looked for is dropped",
        &["PCCRD-3.1.4.1-02"],
        |session| {
            is_dropped(
                session,
                World::blocks(session, 2),
                &["PCCRD-3.1.4.1-02"],
                |_, shared, matched| {
                    let other = [shared.fresh(), shared.fresh()].concat();
                    let address = &matched.x_addrs;
                    let other =
                        MatchDraft::v1(shared.fresh(), &matched.relates_to, address, &[(other, 2)]);
                    vec![other.to_bytes()]
                },
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrd-client-match-of-none",
        "a match of version 2.0 that says that its peer has nothing is dropped",
        &["PCCRD-3.1.4.1-02"],
        |session| {
            is_dropped(
                session,
                World::segments(session, 3),
                &["PCCRD-3.1.4.1-02"],
                |heard, shared, matched| {
                    let none = vec![false; heard.ids().len()];
                    let matched = MatchDraft::v2(
                        shared.fresh(),
                        &matched.relates_to,
                        &matched.x_addrs,
                        &none,
                    );
                    vec![matched.to_bytes()]
                },
            )
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pccrd-client-match-of-some",
        "a peer that has some of the segments is asked for those alone",
        &["PCCRD-3.1.4.1-02"],
        |session| {
            let mut world = World::segments(session, 4);
            let address = world.hidden_peer(peer::honest)?.to_string();
            let held = world.ids().get(1).cloned().unwrap_or_default();
            let known = held.clone();
            world.announce(move |heard, shared| {
                let matched = heard.matched(shared, &address, |id| id == known);
                matched
                    .map(|matched| (SOON, matched.to_bytes()))
                    .into_iter()
                    .collect()
            });
            let outcome = world.run()?;
            session.asked_peer(&outcome, 0)?;
            let others = outcome
                .blocks()
                .iter()
                .filter(|wanted| wanted.segment_id != held)
                .count();
            session.equal(
                "PCCRD-3.1.4.1-02",
                "requests for segments that the peer has not",
                &others,
                &0,
            )?;
            session.is_whole(&world, &outcome, "PCCRD-3.1.4.1-02")
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pccrd-client-malformed-matches",
        "matches that cannot be read are discarded, and a good one behind them counts",
        &["PCCRD-3.1.4.1-04", "PCCRD-3.1.6-01"],
        |session| {
            let asserted = ["PCCRD-3.1.4.1-04", "PCCRD-3.1.6-01"];
            is_dropped(
                session,
                World::blocks(session, 2),
                &asserted,
                |_, _, matched| {
                    let whole = matched.to_bytes();
                    let half = whole.get(..whole.len() / 2).unwrap_or_default().to_vec();
                    vec![
                        Vec::new(),
                        vec![0xff; 1_400],
                        half,
                        b"<a>".repeat(4_000),
                        changed(
                            &matched,
                            "http://www.w3.org/2003/05/soap-envelope",
                            "urn:soap",
                        ),
                        changed(&matched, "ProbeMatch>", "ProbeMiss>"),
                        changed(&matched, &matched.x_addrs, "nowhere"),
                        changed(&matched, &matched.x_addrs, ""),
                    ]
                },
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrd-client-match-with-entities",
        "a match that defines entities which grow without bound is discarded",
        &["PCCRD-3.1.4.1-04"],
        |session| {
            is_dropped(
                session,
                World::blocks(session, 2),
                &["PCCRD-3.1.4.1-04"],
                |_, _, matched| {
                    let mut bomb = String::from("?>\n<!DOCTYPE a [<!ENTITY e0 \"aaaaaaaaaa\">");
                    for level in 1..12 {
                        let inner = format!("&e{};", level - 1).repeat(10);
                        bomb.push_str(&format!("<!ENTITY e{level} \"{inner}\">"));
                    }
                    bomb.push_str("]>");
                    let text =
                        String::from_utf8_lossy(&changed(&matched, "?>", &bomb)).into_owned();
                    let text = text.replace("<wsd:XAddrs>", "<wsd:XAddrs>&e11;");
                    vec![text.into_bytes()]
                },
            )
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::client(
        "pccrd-client-short-scopes",
        "a match of version 2.0 with fewer bits than segments were looked for is discarded",
        &["PCCRD-3.1.4.1-04"],
        |session| {
            is_dropped(
                session,
                World::segments(session, 9),
                &["PCCRD-3.1.4.1-04"],
                |_, _, mut matched| {
                    matched.scopes = "/w==".to_owned();
                    vec![matched.to_bytes()]
                },
            )
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pccrd-client-flood-of-matches",
        "a thousand matches of peers that are not there keep nobody from one that is",
        &["PCCRD-3.1.4.1-03"],
        |session| {
            let mut world = World::blocks(session, 2);
            let address = world.hidden_peer(peer::honest)?.to_string();
            world.announce(move |heard, shared| {
                let matched = |address: &str| {
                    let matched = heard.matched(shared, address, |_| true)?;
                    Some((SOON, matched.to_bytes()))
                };
                let nobody = |number: u16| {
                    matched(&format!("127.9.{}.{}:9", number / 250, number % 250 + 1))
                };
                let last = matched(&address).map(|(after, bytes)| (2 * after, bytes));
                (0..1_000).filter_map(nobody).chain(last).collect()
            });
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRD-3.1.4.1-03")
        },
    )
    .tags(&[Tag::V1, Tag::Hostile, Tag::Load]),
    Case::client(
        "pccrd-client-other-prefixes",
        "a match with other prefixes for the same namespaces is understood",
        &["PCCRD-2.2.1-03"],
        |session| {
            is_believed(
                session,
                World::segments(session, 2),
                &["PCCRD-2.2.1-03"],
                SOON,
                |matched| {
                    matched.draft(&Prefixes {
                        soap: "s",
                        wsa: "a",
                        wsd: "d",
                        peer_dist: "p",
                    })
                },
            )
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pccrd-client-white-space",
        "white space around what elements say is passed over, as the examples have it",
        &["PCCRD-2.2.1-04"],
        |session| {
            is_believed(
                session,
                World::blocks(session, 2),
                &["PCCRD-2.2.1-04"],
                SOON,
                |mut matched| {
                    for text in [
                        &mut matched.scopes,
                        &mut matched.x_addrs,
                        &mut matched.relates_to,
                    ] {
                        *text = format!("\n\t{text}\n");
                    }
                    let prefixes = &Prefixes::USUAL;
                    let named = format!("\n\tPeerDist:{}\n", type_of(matched.version));
                    matched
                        .draft(prefixes)
                        .with("Types", types_of(prefixes, &named))
                },
            )
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrd-client-ages-cut",
        "ages of segments that cannot be read are dropped, and the match around them is good",
        &[
            "PCCRR-2.2.6-04",
            "PCCRR-2.2.6-05",
            "PCCRR-2.2.6-06",
            "PCCRR-2.2.6.1.1-05",
            "PCCRR-2.2.6.1.1-01",
            "PCCRR-2.2.6.1.1-02",
            "PCCRR-2.2.6.1.1-03",
        ],
        |session| {
            let blobs: [(&'static str, &'static [u8]); 7] = [
                ("PCCRR-2.2.6-04", &[0]),
                ("PCCRR-2.2.6-05", &[0, 9, 3, 0]),
                ("PCCRR-2.2.6-06", &[0, 1, 3, 200, 0]),
                ("PCCRR-2.2.6.1.1-01", &[0, 1, 3]),
                ("PCCRR-2.2.6.1.1-02", &[0, 1, 7, 0]),
                ("PCCRR-2.2.6.1.1-03", &[0, 1, 3, 1, 0, 1, 0, 0, 9, 9, 9]),
                ("PCCRR-2.2.6.1.1-05", &[0, 1, 0, 255]),
            ];
            for (requirement, blob) in blobs {
                is_believed_with_ages(session, requirement, blob)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::client(
        "pccrd-client-ages-of-all-units",
        "ages of segments are understood in all four units",
        &["PCCRR-2.2.6.1-05"],
        |session| {
            let units: [&'static [u8]; 4] = [
                &[0, 1, 1, 1, 0, 9, 0, 0],
                &[0, 1, 2, 1, 0, 9, 0, 0],
                &[0, 1, 3, 1, 0, 9, 0, 0],
                &[0, 1, 4, 1, 0, 9, 0, 0],
            ];
            for blob in units {
                is_believed_with_ages(session, "PCCRR-2.2.6.1-05", blob)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
];
