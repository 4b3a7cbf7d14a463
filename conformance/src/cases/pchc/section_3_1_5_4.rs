//! MS-PCHC 3.1.5.4: what comes that is no message, over HTTP that is none, or only half of it.
//! Invariant: nothing of that brings a response message, and afterwards a good offer is answered.
//! Byte order: none.

use std::time::Duration;

use super::DROPPED;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::connection::{Answer, Connection};
use crate::targets::hosted_cache::{HostedCache, PORT_OF_NOBODY, path};
use crate::wire::content_info::Version;
use crate::wire::hosted_cache::{batched_offer, initial_offer};
use crate::wire::http;

/// Connections that say nothing, beside which an offer has to be answered.
const IDLE_CONNECTIONS: usize = 40;
/// Bytes of a body that no message has.
const FLOOD_BYTES: usize = 8 << 20;
/// Between bytes of a slow body.
const PAUSE: Duration = Duration::from_millis(5);
const RULE: &str = "PCHC-3.1.5.4-01";

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-empty-body",
        "an offer without a byte is dropped, in either version",
        &[RULE],
        |session| {
            session.is_dropped(Version::V2, &[], RULE)?;
            session.is_dropped(Version::V1, &[], RULE)
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V1, Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-noise",
        "random bytes are dropped, in either version",
        &[RULE],
        |session| {
            for length in [16, 59, 75, 4_000] {
                let noise = [&[0xfe][..], &session.random(length)].concat();
                session.is_dropped(Version::V2, &noise, RULE)?;
                session.is_dropped(Version::V1, &noise, RULE)?;
            }
            Ok(())
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V1, Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-broken-http",
        "bytes that are no HTTP bring no response message",
        &[RULE],
        |session| {
            for version in [Version::V2, Version::V1] {
                let mut connection = session.open(version)?;
                session.send(
                    &mut connection,
                    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\r\n\r\n",
                )?;
                nothing_came(session, &mut connection)?;
                session.still_takes_offers(version, RULE)?;
            }
            Ok(())
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V1, Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-clear-to-tls",
        "an offer in clear at the port of TLS brings no response message",
        &[RULE],
        |session| {
            let address = session.address(Version::V1)?;
            let message = initial_offer(PORT_OF_NOBODY, &session.random(32)).to_bytes();
            let request = session.target.request(Version::V1, &message);
            let opened = Connection::open(&session.recorder, address);
            let mut connection = opened.map_err(|error| {
                Stop::Inconclusive(format!("cannot connect to {address}: {error}"))
            })?;
            session.send(&mut connection, &request)?;
            let answer = connection.response(session.settings.silence);
            let is_message =
                matches!(&answer, Answer::Response(response) if response.status() == 200);
            session.holds(!is_message, RULE, "the offer was answered in clear")?;
            session.still_takes_offers(Version::V1, RULE)
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-broken-tls",
        "connections that break off in the middle of TLS harm no other",
        &[RULE],
        |session| {
            let address = session.address(Version::V1)?;
            for bytes in [
                &b""[..],
                b"\x16\x03\x01",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"\x16\x03\x01\xff\xff\x01\xff\xff\xff",
            ] {
                let opened = Connection::open(&session.recorder, address);
                let mut connection = opened.map_err(|error| {
                    let why = format!("cannot connect to {address}: {error}");
                    Stop::Inconclusive(why)
                })?;
                session.send(&mut connection, bytes)?;
                drop(connection);
            }
            session.still_takes_offers(Version::V1, RULE)
        },
    )
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-two-lengths",
        "an offer with two lengths that differ is dropped",
        &[RULE],
        |session| {
            let message = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]);
            let host = session.target.host(Version::V2);
            let fields = [("Content-Length", "16")];
            let target = path(Version::V2);
            let request = http::request("POST", target, &host, &fields, &message.to_bytes());
            let mut connection = session.open(Version::V2)?;
            session.send(&mut connection, &request)?;
            nothing_came(session, &mut connection)?;
            session.still_takes_offers(Version::V2, RULE)
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-half-an-offer",
        "connections that break off in the middle of an offer harm no other",
        &[RULE],
        |session| {
            for (version, request) in both(session) {
                for kept in [10, request.len() - 40, request.len() - 1] {
                    let mut connection = session.open(version)?;
                    let part = request.get(..kept).unwrap_or_default();
                    session.send(&mut connection, part)?;
                    drop(connection);
                }
                session.still_takes_offers(version, RULE)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-half-closed",
        "a client that says it will send no more after half an offer gets no response message",
        &[RULE],
        |session| {
            let message = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]);
            let request = session.target.request(Version::V2, &message.to_bytes());
            let mut connection = session.open(Version::V2)?;
            let part = request.get(..request.len() - 3).unwrap_or_default();
            session.send(&mut connection, part)?;
            connection.finish_sending();
            nothing_came(session, &mut connection)?;
            session.still_takes_offers(Version::V2, RULE)
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-slow-body",
        "while the bodies of some offers come byte by byte, others are answered",
        &[RULE],
        |session| {
            for (version, request) in both(session) {
                let mut slow = Vec::new();
                let (most, rest) = request.split_at(request.len() - 20);
                for _ in 0..10 {
                    let mut connection = session.open(version)?;
                    session.send(&mut connection, most)?;
                    slow.push(connection);
                }
                for byte in rest.iter().take(10) {
                    for connection in &mut slow {
                        session.send(connection, &[*byte])?;
                    }
                    std::thread::sleep(PAUSE);
                }
                session.still_takes_offers(version, RULE)?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2, Tag::Hostile, Tag::Load]),
    Case::hosted_cache(
        "pchc-cache-idle-connections",
        "connections that say nothing keep no offer from being answered",
        &[RULE],
        |session| {
            let mut idle = Vec::new();
            for number in 0..IDLE_CONNECTIONS {
                let mut connection = session.open(Version::V2)?;
                // Half of them have begun to speak.
                if number % 2 == 0 {
                    session.send(&mut connection, b"POST /0131501b")?;
                }
                idle.push(connection);
            }
            session.still_takes_offers(Version::V2, RULE)?;
            let address = session.address(Version::V1)?;
            for _ in 0..IDLE_CONNECTIONS {
                let opened = Connection::open(&session.recorder, address);
                idle.push(opened.map_err(|error| {
                    Stop::Inconclusive(format!("cannot connect to {address}: {error}"))
                })?);
            }
            session.still_takes_offers(Version::V1, RULE)
        },
    )
    .tags(&[Tag::V1, Tag::V2, Tag::Hostile, Tag::Load]),
    Case::hosted_cache(
        "pchc-cache-flood",
        "a body of megabytes is no offer: it is dropped, and not taken for ever",
        &[RULE],
        |session| {
            let head = http::request(
                "POST",
                path(Version::V2),
                &session.target.host(Version::V2),
                &[("Content-Length", &FLOOD_BYTES.to_string())],
                &[],
            );
            // The length that the writer adds of itself is that of no body.
            let head = String::from_utf8_lossy(&head).replace("Content-Length: 0\r\n", "");
            let mut connection = session.open(Version::V2)?;
            session.send(&mut connection, head.as_bytes())?;
            let message = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]);
            let mut part = message.to_bytes();
            part.resize(64 << 10, 0);
            for _ in 0..FLOOD_BYTES / part.len() {
                // It may be cut off at any time, which is what is hoped for.
                if connection.send(&part).is_err() {
                    break;
                }
            }
            let answer = connection.response(session.settings.silence);
            session.brings_nothing(&answer, RULE)?;
            session.still_takes_offers(Version::V2, RULE)
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile, Tag::Load]),
    Case::hosted_cache(
        "pchc-cache-length-without-body",
        "a length of many gigabytes with nothing behind it harms no other",
        &[RULE],
        |session| {
            for length in ["99999999999", "18446744073709551616", "-1"] {
                let mut connection = session.open(Version::V2)?;
                let head = format!(
                    "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n",
                    path(Version::V2),
                    session.target.host(Version::V2)
                );
                session.send(&mut connection, head.as_bytes())?;
                nothing_came(session, &mut connection)?;
            }
            session.still_takes_offers(Version::V2, RULE)
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
];

fn nothing_came(session: &Session<'_, HostedCache>, connection: &mut Connection) -> Outcome {
    let answer = connection.response(session.settings.silence);
    session.brings_nothing(&answer, RULE)
}

/// A good request of each version.
fn both(session: &Session<'_, HostedCache>) -> [(Version, Vec<u8>); 2] {
    let v1 = initial_offer(PORT_OF_NOBODY, &session.random(32));
    let v2 = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]);
    [(Version::V1, v1), (Version::V2, v2)].map(|(version, message)| {
        (
            version,
            session.target.request(version, &message.to_bytes()),
        )
    })
}
