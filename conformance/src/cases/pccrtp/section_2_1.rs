//! MS-PCCRTP 2.1: the coding travels in HTTP, with all that HTTP allows a client.
//! Invariant: what is said of HTTP here is what HTTP/1.1 says of every server.
//! Byte order: none.

use std::thread;
use std::time::Duration;

use crate::judge::{Case, Stop, Tag};
use crate::targets::connection::Answer;
use crate::targets::content_server::{
    ASKS_FOR_V1, ASKS_FOR_V2, Given, PEERDIST, PEERDIST_EX, says_close,
};
use crate::wire::content_info::Version;

const HTTP: &str = "PCCRTP-2.1-01";
/// Connections that say nothing, beside which a request has to be served.
const IDLE_CONNECTIONS: usize = 50;
/// Connections that ask at the same time.
const BUSY_CONNECTIONS: usize = 24;
/// Between pieces, so that each is a packet.
const PAUSE: Duration = Duration::from_millis(10);

pub(super) const CASES: &[Case] = &[
    Case::content_server(
        "pccrtp-server-connection-kept",
        "requests on one connection are answered coded, one after the other",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            session.standard(&resource, Version::V1)?;
            let mut connection = session.connect(&resource)?;
            for _ in 0..3 {
                session.send(&mut connection, &resource.request("GET", ASKS_FOR_V1))?;
                let answer = connection.response(session.settings.answer);
                let response = session.response_of(answer, HTTP)?;
                let closes = says_close(&response.head);
                let given = session.judged(&resource, response, HTTP)?;
                session.is_coded(given, HTTP)?;
                if closes {
                    let why = "the server closes after each response, and says so".to_owned();
                    return Err(Stop::Skip(why));
                }
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-pipelined",
        "two requests sent at once are answered in their order",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            session.standard(&resource, Version::V1)?;
            let mut connection = session.connect(&resource)?;
            let coded = resource.request("GET", ASKS_FOR_V1);
            let plain = resource.request("GET", &[]);
            session.send(&mut connection, &[plain, coded].concat())?;
            for is_coded in [false, true] {
                let answer = connection.response(session.settings.answer);
                let response = session.response_of(answer, HTTP)?;
                let closes = says_close(&response.head);
                let given = session.judged(&resource, response, HTTP)?;
                let found = matches!(given, Given::Coded(_));
                session.holds(found == is_coded, HTTP, given.told())?;
                if closes {
                    break;
                }
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-byte-by-byte",
        "a request that comes in small pieces is answered",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            session.standard(&resource, Version::V1)?;
            let mut connection = session.connect(&resource)?;
            let request = resource.request("GET", ASKS_FOR_V1);
            let mut pause = session.settings.silence;
            for piece in request.chunks(16) {
                // One that answered too early may have closed; what it said is there to be read.
                if connection.send(piece).is_err() {
                    break;
                }
                thread::sleep(pause);
                pause = PAUSE;
            }
            let answer = connection.response(session.settings.answer);
            let response = session.response_of(answer, HTTP)?;
            let given = session.judged(&resource, response, HTTP)?;
            session.is_coded(given, HTTP).map(drop)
        },
    ),
    Case::content_server(
        "pccrtp-server-accept-encoding-twice",
        "codings in two header fields are one list",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            let mut fields = vec![("Accept-Encoding", "identity;q=0.5")];
            fields.extend_from_slice(ASKS_FOR_V1);
            session.coded(&resource, &fields, HTTP).map(drop)
        },
    ),
    Case::content_server(
        "pccrtp-server-head",
        "HEAD brings a head and no body, and the next request is served",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            for fields in [&[], ASKS_FOR_V1] {
                let mut connection = session.connect(&resource)?;
                session.send(&mut connection, &resource.request("HEAD", fields))?;
                let answer = connection.response_to("HEAD", session.settings.answer);
                let response = session.response_of(answer, HTTP)?;
                let status = response.status();
                session.holds(
                    status == 200 || status == 405 || status == 501,
                    HTTP,
                    format_args!("the answer to HEAD is '{}'", response.head.start),
                )?;
                if says_close(&response.head) {
                    continue;
                }
                session.send(&mut connection, &resource.request("GET", fields))?;
                let answer = connection.response(session.settings.answer);
                let response = session.response_of(answer, HTTP)?;
                session.judged(&resource, response, HTTP)?;
            }
            Ok(())
        },
    ),
    Case::content_server(
        "pccrtp-server-post",
        "a method that changes things is not answered with hashes of the content",
        &["PCCRTP-3.2-01", HTTP],
        |session| {
            let resource = session.resource()?;
            session.standard(&resource, Version::V1)?;
            for method in ["POST", "DELETE", "BREW"] {
                let mut connection = session.connect(&resource)?;
                session.send(&mut connection, &resource.request(method, ASKS_FOR_V1))?;
                let answer = connection.response(session.settings.answer);
                let response = session.response_of(answer, HTTP)?;
                let is_coded = response.head.lists("Content-Encoding", "peerdist");
                let found = format!("the answer to {method} is coded");
                session.holds(!is_coded, "PCCRTP-3.2-01", found)?;
            }
            let given = session.get(&resource, ASKS_FOR_V1, HTTP)?;
            session.is_coded(given, HTTP).map(drop)
        },
    ),
    Case::content_server(
        "pccrtp-server-header-names",
        "names of header fields are read without case, values without the space in front",
        &["PCCRTP-2.2-02"],
        |session| {
            let resource = session.resource()?;
            let request = format!(
                "GET {} HTTP/1.1\r\nhost: {}\r\naccept-encoding:peerdist\r\nx-p2p-peerdist:Version=1.1\r\n\
                 X-P2P-PEERDISTEX:  MinContentInformation=1.0, MaxContentInformation=1.0  \r\n\r\n",
                resource.path, resource.host
            );
            session
                .coded_by(&resource, request.as_bytes(), "PCCRTP-2.2-02")
                .map(drop)
        },
    ),
    Case::content_server(
        "pccrtp-server-http-1.0",
        "a request of HTTP/1.0 is answered in a way that HTTP/1.0 reads, coded or not",
        &["PCCRTP-3.2-02", HTTP],
        |session| {
            let resource = session.resource()?;
            let request = format!(
                "GET {} HTTP/1.0\r\nHost: {}\r\nAccept-Encoding: peerdist\r\n{PEERDIST}: Version=1.1\r\n\
                 {PEERDIST_EX}: MinContentInformation=1.0, MaxContentInformation=1.0\r\n\r\n",
                resource.path, resource.host
            );
            let given = session.exchange(&resource, request.as_bytes(), "PCCRTP-3.2-02")?;
            let is_good = given.head().status() == Some(200);
            session.holds(is_good, "PCCRTP-3.2-02", given.told())?;
            let chunked = given.head().lists("Transfer-Encoding", "chunked");
            session.holds(!chunked, HTTP, "the answer to HTTP/1.0 comes in chunks")
        },
    ),
    Case::content_server(
        "pccrtp-server-broken-http",
        "bytes that are no HTTP bring no content, and the next request is served",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            for broken in [
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".as_slice(),
                b"GET\r\n\r\n",
                b"\0\0\0\0\r\n\r\n",
            ] {
                let mut connection = session.connect(&resource)?;
                session.send(&mut connection, broken)?;
                let answer = connection.response(session.settings.silence);
                let is_good =
                    !matches!(&answer, Answer::Response(response) if response.status() == 200);
                session.holds(
                    is_good,
                    HTTP,
                    "bytes that are no request are answered with 200",
                )?;
            }
            session.get(&resource, ASKS_FOR_V1, HTTP).map(drop)
        },
    )
    .tags(&[Tag::Hostile]),
    Case::content_server(
        "pccrtp-server-half-a-request",
        "a connection that breaks off in the middle of a request harms no other",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            let request = resource.request("GET", ASKS_FOR_V2);
            for kept in [3, 8, 20, request.len() - 2] {
                let mut connection = session.connect(&resource)?;
                session.send(&mut connection, request.get(..kept).unwrap_or_default())?;
                connection.finish_sending();
                let answer = connection.response(session.settings.silence);
                // One that knows by then what is asked for may say it.
                let is_known = kept > 8;
                let is_good = is_known
                    || !matches!(&answer, Answer::Response(response) if response.status() == 200);
                session.holds(
                    is_good,
                    HTTP,
                    "a few bytes of a request are answered with 200",
                )?;
            }
            session.get(&resource, ASKS_FOR_V1, HTTP).map(drop)
        },
    )
    .tags(&[Tag::Hostile]),
    Case::content_server(
        "pccrtp-server-idle-connections",
        "fifty connections that say nothing keep nobody from being served",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            let mut idle = Vec::new();
            for number in 0..IDLE_CONNECTIONS {
                let mut connection = session.connect(&resource)?;
                // Half of them have begun to speak.
                if number % 2 == 0 {
                    session.send(&mut connection, b"GET /")?;
                }
                idle.push(connection);
            }
            session.get(&resource, ASKS_FOR_V1, HTTP).map(drop)
        },
    )
    .tags(&[Tag::Hostile, Tag::Load]),
    Case::content_server(
        "pccrtp-server-many-at-once",
        "many clients that ask at the same time all get what they asked for",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            session.standard(&resource, Version::V1)?;
            let mut connections = Vec::new();
            for number in 0..BUSY_CONNECTIONS {
                let mut connection = session.connect(&resource)?;
                let fields = if number % 3 == 0 { &[] } else { ASKS_FOR_V1 };
                session.send(&mut connection, &resource.request("GET", fields))?;
                connections.push((connection, !fields.is_empty()));
            }
            for (mut connection, is_coded) in connections {
                let answer = connection.response(session.settings.answer);
                let response = session.response_of(answer, HTTP)?;
                let given = session.judged(&resource, response, HTTP)?;
                let found = matches!(given, Given::Coded(_));
                session.holds(found == is_coded, HTTP, given.told())?;
            }
            Ok(())
        },
    )
    .tags(&[Tag::Load]),
    Case::content_server(
        "pccrtp-server-long-head",
        "a head without an end is not read for ever",
        &[HTTP],
        |session| {
            let resource = session.resource()?;
            let mut connection = session.connect(&resource)?;
            let line = [b"X-Filler: ".as_slice(), &[b'a'; 8_000], b"\r\n"].concat();
            session.send(&mut connection, b"GET / HTTP/1.1\r\nHost: a\r\n")?;
            let mut is_cut = false;
            for _ in 0..512 {
                // It may be cut off at any time, which is what is hoped for.
                if connection.send(&line).is_err() {
                    is_cut = true;
                    break;
                }
            }
            let goes_on = !is_cut
                && matches!(
                    connection.response(session.settings.silence),
                    Answer::Silence(_)
                );
            let found = "4 MB of header fields were taken and more is waited for";
            session.holds(!goes_on, HTTP, found)?;
            session.get(&resource, ASKS_FOR_V1, HTTP).map(drop)
        },
    )
    .tags(&[Tag::Hostile, Tag::Load]),
];
