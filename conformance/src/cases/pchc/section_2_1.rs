//! MS-PCHC 2.1 and 1.7: version 1.0 over HTTPS, version 2.0 over HTTP.
//! Invariant: what is said of HTTP here is what HTTP/1.1 says of every server.
//! Byte order: none.

use std::time::Duration;

use super::{DROPPED, SEGMENT_BYTES};
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::connection::{Answer, Connection};
use crate::targets::hosted_cache::{HostedCache, PORT_OF_NOBODY, open_tls, path};
use crate::wire::content_info::Version;
use crate::wire::digest::Algorithm;
use crate::wire::hosted_cache::{batched_offer, code, initial_offer};
use crate::wire::http;

/// Between pieces, so that each is a packet.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) const CASES: &[Case] = &[
    Case::hosted_cache(
        "pchc-cache-http",
        "an offer posted to the path of version 2.0 is answered",
        &["PCHC-2.1-04", "PCHC-2.1-01", "PCHC-3.1.3-01"],
        |session| {
            let offer = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]);
            session.offer(Version::V2, &offer, "PCHC-2.1-04")?;
            session.offer(Version::V2, &offer, "PCHC-2.1-01")?;
            session
                .offer(Version::V2, &offer, "PCHC-3.1.3-01")
                .map(drop)
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-https",
        "an offer posted to the path of version 1.0 is answered",
        &["PCHC-2.1-02", "PCHC-2.1-01", "PCHC-3.1.3-01"],
        |session| {
            let offer = initial_offer(PORT_OF_NOBODY, &session.random(32));
            session.offer(Version::V1, &offer, "PCHC-2.1-02")?;
            session.offer(Version::V1, &offer, "PCHC-2.1-01")?;
            session
                .offer(Version::V1, &offer, "PCHC-3.1.3-01")
                .map(drop)
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-certificate",
        "over HTTPS the cache shows a certificate and proves that it has its key",
        &["PCHC-3.1.3-02", "PCHC-1.5-02"],
        |session| {
            let address = session.address(Version::V1)?;
            // That somebody listens there is not what is asked.
            Connection::open(&session.recorder, address).map_err(|error| {
                Stop::Inconclusive(format!("cannot connect to {address}: {error}"))
            })?;
            let opened = open_tls(&session.recorder, address);
            for requirement in ["PCHC-3.1.3-02", "PCHC-1.5-02"] {
                let why = opened.as_ref().err().map(ToString::to_string);
                let why = why.unwrap_or_default();
                session.holds(
                    opened.is_ok(),
                    requirement,
                    format_args!("TLS is not made: {why}"),
                )?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-batch-over-https",
        "a version 2.0 offer at the path of version 1.0 is dropped",
        &["PCHC-2.1-07", "PCHC-1.7-01"],
        |session| {
            let offer = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]).to_bytes();
            let answer = session.post_offer(Version::V1, &offer, session.settings.silence)?;
            session.brings_nothing(&answer, "PCHC-2.1-07")?;
            session.still_takes_offers(Version::V1, "PCHC-1.7-01")
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V1, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-initial-offer-over-http",
        "INITIAL_OFFER_MESSAGE at the path of version 2.0 is dropped",
        &["PCHC-2.1-07", "PCHC-1.7-01"],
        |session| {
            let offer = initial_offer(PORT_OF_NOBODY, &session.random(32)).to_bytes();
            let answer = session.post_offer(Version::V2, &offer, session.settings.silence)?;
            session.brings_nothing(&answer, "PCHC-2.1-07")?;
            session.still_takes_offers(Version::V2, "PCHC-1.7-01")
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-segment-info-over-http",
        "SEGMENT_INFO_MESSAGE at the path of version 2.0 is dropped, and nothing is fetched",
        &["PCHC-2.1-07"],
        |session| {
            let offered = session.segment_v1(SEGMENT_BYTES, Algorithm::Sha256);
            let client = session.client(Version::V2, &[&offered])?;
            let message = session.info_of(&client, &offered).to_bytes();
            session.is_dropped(Version::V2, &message, "PCHC-2.1-07")?;
            session.is_not_asked(&client, "PCHC-2.1-07")
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-paths-swapped",
        "the path of either version is not served where the other is",
        &["PCHC-2.1-07"],
        |session| {
            let v2 = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]).to_bytes();
            let v1 = initial_offer(PORT_OF_NOBODY, &session.random(32)).to_bytes();
            for (at, of, message) in [
                (Version::V2, Version::V1, v1),
                (Version::V1, Version::V2, v2),
            ] {
                let host = session.target.host(at);
                let request = http::request("POST", path(of), &host, &[], &message);
                let mut connection = session.open(at)?;
                session.send(&mut connection, &request)?;
                let answer = connection.response(session.settings.silence);
                session.brings_nothing(&answer, "PCHC-2.1-07")?;
                session.still_takes_offers(at, "PCHC-2.1-07")?;
            }
            Ok(())
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V1, Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-no-authentication-over-http",
        "a version 2.0 offer is answered without authentication",
        &["PCHC-1.7-02"],
        |session| {
            let offer = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]).to_bytes();
            let answer = session.post_offer(Version::V2, &offer, session.settings.answer)?;
            let status = match &answer {
                Answer::Response(response) => response.status(),
                _ => 0,
            };
            session.holds(status != 401, "PCHC-1.7-02", "the answer has status 401")?;
            session.code_of(answer, "PCHC-1.7-02").map(drop)
        },
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-authentication",
        "a cache that authenticates its clients answers 401 to those that do not say who they are",
        &["PCHC-2.1-09"],
        |session| {
            let Some(address) = session.target.https_authenticated else {
                return Err(Stop::Skip(
                    "needs the address of a cache that authenticates its clients".to_owned(),
                ));
            };
            let offered = session.segment_v1(10_000, Algorithm::Sha256);
            let client = session.client(Version::V1, &[&offered])?;
            let initial = initial_offer(client.port(), &offered.segment.id());
            for message in [initial, session.info_of(&client, &offered)] {
                let mut connection = open_tls(&session.recorder, address).map_err(|error| {
                    Stop::Inconclusive(format!("cannot connect to {address}: {error}"))
                })?;
                let request = session.target.request(Version::V1, &message.to_bytes());
                session.send(&mut connection, &request)?;
                let answer = connection.response(session.settings.answer);
                let found = match &answer {
                    Answer::Response(response) => response.status(),
                    _ => 0,
                };
                session.equal("PCHC-2.1-09", "the status", &found, &401)?;
            }
            session.is_not_asked(&client, "PCHC-2.1-09")
        },
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-get",
        "GET at the path of offers brings no response message",
        &["PCHC-2.1-01"],
        |session| {
            let host = session.target.host(Version::V2);
            let request = http::request("GET", path(Version::V2), &host, &[], &[]);
            let mut connection = session.open(Version::V2)?;
            session.send(&mut connection, &request)?;
            let answer = connection.response(session.settings.silence);
            session.brings_nothing(&answer, "PCHC-2.1-01")?;
            session.still_takes_offers(Version::V2, "PCHC-2.1-01")
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-other-path",
        "an offer posted elsewhere brings no response message",
        &["PCHC-2.1-04"],
        |session| {
            let message = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]);
            let host = session.target.host(Version::V2);
            for elsewhere in ["/", "/0131501b-d67f-491b-9a40-c4bf27bcb4d5"] {
                let request = http::request("POST", elsewhere, &host, &[], &message.to_bytes());
                let mut connection = session.open(Version::V2)?;
                session.send(&mut connection, &request)?;
                let answer = connection.response(session.settings.silence);
                session.brings_nothing(&answer, "PCHC-2.1-04")?;
            }
            session.still_takes_offers(Version::V2, "PCHC-2.1-04")
        },
    )
    .quirks(DROPPED)
    .tags(&[Tag::V2, Tag::Hostile]),
    Case::hosted_cache(
        "pchc-cache-connection-kept",
        "a second offer on the same connection is answered as the first",
        &["PCHC-2.1-01"],
        |session| is_kept(session, Version::V2),
    )
    .tags(&[Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-connection-kept-https",
        "a second offer on the same TLS connection is answered as the first",
        &["PCHC-2.1-01"],
        |session| is_kept(session, Version::V1),
    )
    .tags(&[Tag::V1]),
    Case::hosted_cache(
        "pchc-cache-byte-by-byte",
        "offers that come in small pieces are answered",
        &["PCHC-2.1-01"],
        |session| {
            for (version, message) in both(session) {
                let request = session.target.request(version, &message);
                let mut connection = session.open(version)?;
                for piece in request.chunks(40) {
                    // Who closes before the offer is whole does not answer it.
                    if connection.send(piece).is_err() {
                        break;
                    }
                    std::thread::sleep(PAUSE);
                }
                let answer = connection.response(session.settings.answer);
                session.code_of(answer, "PCHC-2.1-01")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-chunked-offer",
        "offers whose bodies come in chunks are answered",
        &["PCHC-2.1-01"],
        |session| {
            for (version, message) in both(session) {
                let mut request = format!(
                    "POST {} HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
                    path(version),
                    session.target.host(version)
                )
                .into_bytes();
                for part in message.chunks(30) {
                    request.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                    request.extend_from_slice(part);
                    request.extend_from_slice(b"\r\n");
                }
                request.extend_from_slice(b"0\r\n\r\n");
                let mut connection = session.open(version)?;
                session.send(&mut connection, &request)?;
                let answer = connection.response(session.settings.answer);
                session.code_of(answer, "PCHC-2.1-01")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2]),
    Case::hosted_cache(
        "pchc-cache-many-clients",
        "many clients that offer at once are all answered",
        &["PCHC-3.1.3-01"],
        |session| {
            let mut connections = Vec::new();
            for _ in 0..20 {
                for (version, message) in both(session) {
                    let mut connection = session.open(version)?;
                    session.send(&mut connection, &session.target.request(version, &message))?;
                    connections.push(connection);
                }
            }
            for mut connection in connections {
                let answer = connection.response(session.settings.answer);
                session.code_of(answer, "PCHC-3.1.3-01")?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::V1, Tag::V2, Tag::Load]),
];

/// A good offer of each version.
fn both(session: &Session<'_, HostedCache>) -> [(Version, Vec<u8>); 2] {
    let v1 = initial_offer(PORT_OF_NOBODY, &session.random(32));
    let v2 = batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]);
    [(Version::V1, v1.to_bytes()), (Version::V2, v2.to_bytes())]
}

fn is_kept(session: &Session<'_, HostedCache>, version: Version) -> Outcome {
    let mut connection = session.open(version)?;
    for _ in 0..2 {
        let (message, expected) = match version {
            Version::V1 => (
                initial_offer(PORT_OF_NOBODY, &session.random(32)),
                code::INTERESTED,
            ),
            Version::V2 => (
                batched_offer(PORT_OF_NOBODY, &[session.unknown_descriptor()]),
                code::OK,
            ),
        };
        let request = session.target.request(version, &message.to_bytes());
        session.send(&mut connection, &request)?;
        let answer = connection.response(session.settings.answer);
        let closes = matches!(&answer, Answer::Response(response)
            if response.head.lists("Connection", "close"));
        let found = session.code_of(answer, "PCHC-2.1-01")?;
        session.is_code(found, expected, "PCHC-2.1-01")?;
        if closes {
            return Err(Stop::Skip(
                "the cache closes after each response, and says so".to_owned(),
            ));
        }
    }
    Ok(())
}
