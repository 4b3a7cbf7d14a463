//! MS-PCCRR 2.1: messages over HTTP.
//! Invariant: what is said of HTTP here is what HTTP/1.1 says of every server.
//! Byte order: none.

use std::time::Duration;

use super::DISCARDED;
use crate::judge::session::Session;
use crate::judge::{Case, Outcome, Stop, Tag};
use crate::targets::connection::{Answer, Connection};
use crate::targets::peer::Peer;
use crate::wire::http;
use crate::wire::retrieval::{self, VERSION_1, VERSION_2, kind};

/// Connections that say nothing, beside which a request has to be served.
const IDLE_CONNECTIONS: usize = 50;

/// Between pieces, so that each is a packet.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) const CASES: &[Case] = &[
    Case::peer(
        "pccrr-peer-post",
        "a message posted to the path is answered with one",
        &["PCCRR-2.1.1-01", "PCCRR-2.1.1-02", "PCCRR-2.1.2-01"],
        |session| {
            let answer = session.post(&message())?;
            let answered = session.message_of(answer, "PCCRR-2.1.1-01")?;
            session.holds(true, "PCCRR-2.1.1-02", "")?;
            session.is_kind(
                answered.message.kind,
                kind::NEGOTIATION_RESPONSE,
                "PCCRR-2.1.2-01",
            )
        },
    ),
    Case::peer(
        "pccrr-peer-connection-kept",
        "a second request on the same connection is answered as the first",
        &["PCCRR-2.1.1-03"],
        |session| {
            let request = session.target.request(&message());
            let mut connection = session.connect()?;
            for _ in 0..2 {
                session.send(&mut connection, &request)?;
                let answer = connection.response(session.settings.answer);
                let closes = matches!(&answer, Answer::Response(response)
                    if response.head.lists("Connection", "close"));
                session.message_of(answer, "PCCRR-2.1.1-03")?;
                if closes {
                    return Err(Stop::Skip(
                        "the peer closes after each response, and says so".to_owned(),
                    ));
                }
            }
            Ok(())
        },
    ),
    Case::peer(
        "pccrr-peer-byte-by-byte",
        "a request that comes in small pieces is answered",
        &["PCCRR-2.1.1-01"],
        |session| {
            let request = session.target.request(&message());
            let mut connection = session.connect()?;
            for (number, piece) in request.chunks(40).enumerate() {
                // Who gives up in the middle will not have answered.
                if connection.send(piece).is_err() {
                    break;
                }
                // Whoever is busy has not come to the first of them when the second is there already.
                std::thread::sleep(if number == 0 {
                    session.settings.silence
                } else {
                    PAUSE
                });
            }
            let answer = connection.response(session.settings.answer);
            session.message_of(answer, "PCCRR-2.1.1-01").map(drop)
        },
    ),
    Case::peer(
        "pccrr-peer-chunked-request",
        "a request whose body comes in chunks is answered",
        &["PCCRR-2.1.1-01"],
        |session| {
            let message = message();
            let head = format!(
                "POST {} HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
                retrieval::PATH,
                session.target.host
            );
            let (first, second) = message.split_at(10);
            let mut request = head.into_bytes();
            for part in [first, second] {
                request.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                request.extend_from_slice(part);
                request.extend_from_slice(b"\r\n");
            }
            request.extend_from_slice(b"0\r\n\r\n");
            let mut connection = session.connect()?;
            session.send(&mut connection, &request)?;
            let answer = connection.response(session.settings.answer);
            session.message_of(answer, "PCCRR-2.1.1-01").map(drop)
        },
    ),
    Case::peer(
        "pccrr-peer-get",
        "GET brings no message",
        &["PCCRR-2.1.1-01"],
        |session| {
            let request = http::request("GET", retrieval::PATH, &session.target.host, &[], &[]);
            brings_no_message(session, &request, "PCCRR-2.1.1-01")
        },
    ),
    Case::peer(
        "pccrr-peer-other-path",
        "a message posted elsewhere brings none",
        &["PCCRR-2.1.1-01"],
        |session| {
            let path = "/116B50EB-ECE2-41ac-8429-9F9E963361B8/";
            let request = http::request("POST", path, &session.target.host, &[], &message());
            brings_no_message(session, &request, "PCCRR-2.1.1-01")
        },
    ),
    Case::peer(
        "pccrr-peer-broken-http",
        "bytes that are no HTTP bring no message, and the next request is served",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n";
            brings_no_message(session, hello, "PCCRR-3.2.5.5-01")
        },
    )
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-two-lengths",
        "a request with two lengths that differ brings no message",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let fields = [("Content-Length", "4")];
            let request = http::request(
                "POST",
                retrieval::PATH,
                &session.target.host,
                &fields,
                &message(),
            );
            brings_no_message(session, &request, "PCCRR-3.2.5.5-01")
        },
    )
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-half-a-request",
        "a connection that breaks off in the middle of a request harms no other",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request = session.target.request(&message());
            for kept in [10, request.len() - message().len(), request.len() - 1] {
                let mut connection = session.connect()?;
                session.send(&mut connection, request.get(..kept).unwrap_or_default())?;
                drop(connection);
            }
            session.still_serves("PCCRR-3.2.5.5-01")
        },
    )
    .quirks(DISCARDED)
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-half-closed",
        "a client that says it will send no more after half a request gets no message",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let request = session.target.request(&message());
            let mut connection = session.connect()?;
            session.send(
                &mut connection,
                request.get(..request.len() - 3).unwrap_or_default(),
            )?;
            connection.finish_sending();
            no_message_comes(session, &mut connection, "PCCRR-3.2.5.5-01")
        },
    )
    .tags(&[Tag::Hostile]),
    Case::peer(
        "pccrr-peer-idle-connections",
        "fifty connections that say nothing keep nobody from being served",
        &["PCCRR-2.1.2-01"],
        |session| {
            let mut idle = Vec::new();
            for number in 0..IDLE_CONNECTIONS {
                let mut connection = session.connect()?;
                // Half of them have begun to speak.
                if number % 2 == 0 {
                    session.send(&mut connection, b"POST /116B50EB")?;
                }
                idle.push(connection);
            }
            session.still_serves("PCCRR-2.1.2-01")
        },
    )
    .tags(&[Tag::Hostile, Tag::Load]),
    Case::peer(
        "pccrr-peer-long-head",
        "a head without an end is not read for ever",
        &["PCCRR-3.2.5.5-01"],
        |session| {
            let mut connection = session.connect()?;
            let line = [b"X-Filler: ".as_slice(), &[b'a'; 8_000], b"\r\n"].concat();
            session.send(&mut connection, b"POST / HTTP/1.1\r\nHost: a\r\n")?;
            for _ in 0..512 {
                // It may be cut off at any time, which is what is hoped for.
                if connection.send(&line).is_err() {
                    return session.still_serves("PCCRR-3.2.5.5-01");
                }
            }
            let answer = connection.response(session.settings.silence);
            let waits = matches!(answer, Answer::Silence(_));
            let found = "4 MB of header fields were taken and more is waited for";
            session.holds(!waits, "PCCRR-3.2.5.5-01", found)?;
            session.still_serves("PCCRR-3.2.5.5-01")
        },
    )
    .tags(&[Tag::Hostile, Tag::Load]),
];

/// A message that every peer answers.
fn message() -> Vec<u8> {
    retrieval::negotiation_request(VERSION_1, VERSION_2).to_bytes()
}

/// Asserts that bytes bring no message, and that a good request is served behind them.
fn brings_no_message(
    session: &Session<'_, Peer>,
    bytes: &[u8],
    requirement: &'static str,
) -> Outcome {
    let mut connection = session.connect()?;
    session.send(&mut connection, bytes)?;
    no_message_comes(session, &mut connection, requirement)
}

/// The same of a connection over which all was said. Whatever HTTP makes of it will do: a status other than 200, or
/// nothing.
fn no_message_comes(
    session: &Session<'_, Peer>,
    connection: &mut Connection,
    requirement: &'static str,
) -> Outcome {
    if let Answer::Response(response) = connection.response(session.settings.silence) {
        let found = format_args!(
            "the answer is '{}' with {} bytes, expected no message",
            response.head.start,
            response.body.len()
        );
        let is_none = response.status() != 200 || response.body.is_empty();
        session.holds(is_none, requirement, found)?;
    }
    session.still_serves(requirement)
}
