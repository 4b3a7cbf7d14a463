//! MS-PCCRD 2.2.3.8 and 3.1.4.1: addresses of a match as clients have to read them, of IPv6 above all.
//! Invariant: a peer is there at one of the addresses that are named, and the content is nowhere else but at the origin.
//! Byte order: none, it is text.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::{World, peer};

const SOON: Duration = Duration::from_millis(5);

/// Asserts that the peer is found that is announced under these words, and gives everything.
fn is_found<'a>(
    session: &'a Session<'a, Client>,
    mut world: World<'a>,
    named: fn(SocketAddr) -> String,
) -> Outcome {
    let address = named(world.hidden_peer(peer::honest)?);
    world.announce(move |heard, shared| {
        let matched = heard.matched(shared, &address, |_| true);
        matched
            .map(|matched| (SOON, matched.to_bytes()))
            .into_iter()
            .collect()
    });
    let outcome = world.run()?;
    session.is_whole(&world, &outcome, "PCCRD-3.1.4.1-03")?;
    if outcome.seen.probes.is_empty() {
        return Err(Stop::Skip("the client sent no probe".to_owned()));
    }
    let count = outcome.count_at(0);
    let found = "the peer was not asked";
    for requirement in ["PCCRD-3.1.4.1-03", "PCCRD-2.2.3.8-02"] {
        session.holds(count > 0, requirement, found)?;
        session.came_from_peers(&world, &outcome, requirement)?;
    }
    Ok(())
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pccrd-client-ipv6-peer",
        "with origin and peer at an address of IPv6, which stands in brackets, blocks come from the peer",
        &["PCCRD-3.1.4.1-03", "PCCRD-2.2.3.8-02"],
        |session| {
            for world in [World::blocks(session, 3), World::segments(session, 4)] {
                is_found(session, world.over_ipv6()?, |address| address.to_string())?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::Ipv6]),
    Case::client(
        "pccrd-client-several-addresses",
        "of several addresses those that are of no use are passed over: a name, a URL, another subnet",
        &["PCCRD-3.1.4.1-03", "PCCRD-2.2.3.8-02"],
        |session| {
            is_found(session, World::blocks(session, 2), |address| {
                let port = address.port();
                let nowhere = Ipv4Addr::UNSPECIFIED;
                format!("http://{address}/ neighbour.invalid:{port} {nowhere}:{port} [2001:db8::1]:{port} {address}")
            })
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrd-client-ipv6-zone",
        "an address with a zone that means nothing here, and brackets without an end, spoil no match",
        &["PCCRD-3.1.4.1-03", "PCCRD-2.2.3.8-02"],
        |session| {
            is_found(session, World::blocks(session, 2).over_ipv6()?, |address| {
                let port = address.port();
                let zones = format!("[fe80::1%no-such-interface]:{port} [fe80::2%]:{port} [fe80::3%77]:{port}");
                format!("{zones} [::1:{port} {address}")
            })
        },
    )
    .tags(&[Tag::V1, Tag::Ipv6, Tag::Hostile]),
];
