//! MS-PCCRTP 2.2 and 3.1.4: what a client asks the origin for.
//! Invariant: what is said of all requests is asserted of all.
//! Byte order: none.

use crate::judge::session::Session;
use crate::judge::{Case, Stop, Tag};
use crate::targets::client::Client;
use crate::targets::client::world::origin::Asked;
use crate::targets::client::world::{Outcome, World, peer};

const PARAMETERS: &str = "X-P2P-PeerDist";
const EXTENDED: &str = "X-P2P-PeerDistEx";

/// The requests that take the coding, of which there has to be one.
fn coded(outcome: &Outcome) -> Result<Vec<&Asked>, Stop> {
    let asked = outcome
        .seen
        .origin
        .iter()
        .filter(|asked| asked.takes_coding());
    let asked: Vec<_> = asked.collect();
    if asked.is_empty() {
        return Err(Stop::Skip("the client does not take the coding".to_owned()));
    }
    Ok(asked)
}

fn plain_run<'a>(session: &'a Session<'a, Client>, is_v1: bool) -> Result<Outcome, Stop> {
    let mut world = if is_v1 {
        World::blocks(session, 1)
    } else {
        World::segments(session, 1)
    };
    world.run()
}

pub(super) const CASES: &[Case] = &[
    Case::client(
        "pccrtp-client-coding",
        "the content is asked for over HTTP/1.1 with peerdist in Accept-Encoding",
        &["PCCRTP-2.2-01", "PCCRTP-2.1-01", "PCCRTP-3.1.4-01", "PCCRTP-1.6-01"],
        |session| {
            let outcome = plain_run(session, true)?;
            let first = outcome.seen.origin.first();
            let Some(first) = first else {
                return session.holds(false, "PCCRTP-2.1-01", "nothing was asked for");
            };
            let found = format!("the first request is '{}'", first.head.start);
            session.holds(first.head.start.ends_with(" HTTP/1.1"), "PCCRTP-2.1-01", &found)?;
            session.holds(first.method() == "GET", "PCCRTP-3.1.4-01", &found)?;
            let found = format!("Accept-Encoding is {:?}", first.head.get("Accept-Encoding"));
            session.holds(first.takes_coding(), "PCCRTP-1.6-01", &found)?;
            session.holds(first.takes_coding(), "PCCRTP-2.2-01", found)
        },
    ),
    Case::client(
        "pccrtp-client-version",
        "with peerdist goes X-P2P-PeerDist with the highest version of the coding",
        &["PCCRTP-3.1.4-02", "PCCRTP-3.1.4-03", "PCCRTP-2.2-02", "PCCRTP-2.2-06", "PCCRTP-1.7-01"],
        |session| {
            let outcome = plain_run(session, true)?;
            for asked in coded(&outcome)? {
                let field = asked.head.get(PARAMETERS);
                let found = format!("{PARAMETERS} is {field:?}");
                session.holds(field.is_some(), "PCCRTP-3.1.4-02", &found)?;
                session.holds(field.is_some(), "PCCRTP-2.2-02", &found)?;
                let version = asked.parameter(PARAMETERS, "Version");
                session.holds(version.is_some(), "PCCRTP-3.1.4-03", &found)?;
                let is_known = matches!(version, Some("1.0" | "1.1"));
                session.holds(is_known, "PCCRTP-2.2-06", &found)?;
                session.holds(is_known, "PCCRTP-1.7-01", &found)?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrtp-client-version-form",
        "the version is two numbers with a dot and no space between them",
        &["PCCRTP-2.2-05", "PCCRTP-2.2-04", "PCCRTP-2.2-03"],
        |session| {
            let outcome = plain_run(session, false)?;
            for asked in coded(&outcome)? {
                let is_number =
                    |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let version = asked.parameter(PARAMETERS, "Version");
                let parts = version.and_then(|version| version.split_once('.'));
                let found = format!("Version is {version:?}");
                let is_good = parts.is_some_and(|(a, b)| is_number(a) && is_number(b));
                session.holds(is_good, "PCCRTP-2.2-05", &found)?;
                session.holds(is_good, "PCCRTP-2.2-04", &found)?;
                session.holds(is_good, "PCCRTP-2.2-03", &found)?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrtp-client-content-information",
        "with version 1.1 goes X-P2P-PeerDistEx with versions 1.0 to 1.0 or 2.0 of content information",
        &["PCCRTP-3.1.4-04", "PCCRTP-2.2-10", "PCCRTP-2.2-11"],
        |session| {
            let outcome = plain_run(session, false)?;
            for asked in coded(&outcome)? {
                if asked.parameter(PARAMETERS, "Version") == Some("1.0") {
                    return Err(Stop::Skip("the client knows version 1.0 of the coding".to_owned()));
                }
                let min = asked.parameter(EXTENDED, "MinContentInformation");
                let max = asked.parameter(EXTENDED, "MaxContentInformation");
                let found = format!("{EXTENDED} is {:?}", asked.head.get(EXTENDED));
                session.holds(min.is_some() && max.is_some(), "PCCRTP-3.1.4-04", &found)?;
                session.holds(min == Some("1.0"), "PCCRTP-2.2-11", &found)?;
                session.holds(matches!(max, Some("1.0" | "2.0")), "PCCRTP-2.2-10", &found)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V2]),
    Case::client(
        "pccrtp-client-content-information-1",
        "a client that is to read version 1.0 alone says so",
        &["PCCRTP-2.2-10"],
        |session| {
            let outcome = plain_run(session, true)?;
            for asked in coded(&outcome)? {
                let max = asked.parameter(EXTENDED, "MaxContentInformation");
                let found = format!("MaxContentInformation is {max:?}");
                session.holds(matches!(max, None | Some("1.0")), "PCCRTP-2.2-10", found)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::client(
        "pccrtp-client-missing-data",
        "what peers could not deliver is asked for with MissingDataRequest=true",
        &["PCCRTP-2.2-08"],
        |session| {
            let mut world = World::blocks(session, 2);
            world.peer(peer::liar(|_| peer::Reply::Close))?;
            let outcome = world.run()?;
            let given: Vec<&Asked> = outcome.missing().collect();
            session.holds(!given.is_empty(), "PCCRTP-2.2-08", "no data were asked for")?;
            for asked in given {
                let found = format!("{PARAMETERS} is {:?}", asked.head.get(PARAMETERS));
                session.holds(asked.is_for_missing_data(), "PCCRTP-2.2-08", found)?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrtp-client-missing-without-coding",
        "MissingDataRequest never goes with peerdist in Accept-Encoding",
        &["PCCRTP-2.2-09"],
        |session| {
            let mut world = World::segments(session, 4);
            world.peer(peer::liar(|ask| match ask.number % 2 {
                0 => peer::honest(ask),
                _ => peer::Reply::Status(404),
            }))?;
            let outcome = world.run()?;
            for asked in &outcome.seen.origin {
                let is_both = asked.takes_coding()
                    && asked.parameter(PARAMETERS, "MissingDataRequest").is_some();
                let found = format!("{PARAMETERS} is {:?} with peerdist", asked.head.get(PARAMETERS));
                session.holds(!is_both, "PCCRTP-2.2-09", found)?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrtp-client-coding-by-get-only",
        "only GET takes the coding",
        &["PCCRTP-3.1.4-01"],
        |session| {
            let mut world = World::segments(session, 2);
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            for asked in coded(&outcome)? {
                let found = format!("'{}' takes the coding", asked.head.start);
                session.holds(asked.method() == "GET", "PCCRTP-3.1.4-01", found)?;
            }
            Ok(())
        },
    ),
    Case::client(
        "pccrtp-client-coding-in-other-case",
        "the coding is known whatever its case",
        &["PCCRTP-2.2-01"],
        |session| {
            let mut world = World::blocks(session, 2);
            world.origin.coding = "PeerDist";
            world.peer(peer::honest)?;
            let outcome = world.run()?;
            session.is_whole(&world, &outcome, "PCCRTP-2.2-01")?;
            session.came_from_peers(&world, &outcome, "PCCRTP-2.2-01")
        },
    ),
];
