//! The origin of a case: one content over HTTP, in clear or as content information (MS-PCCRTP 3.2).
//! Invariant: bytes of the content that it gives are right; what it gives instead, the case chose.
//! Byte order: none.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::Shared;
use super::listener::{self, Listener};
use crate::targets::connection::Connection;
use crate::wire::content_info::Version;
use crate::wire::http::{self, Head};

/// How long a client may take to close where it was told to.
const CLOSING: Duration = Duration::from_secs(5);
/// Bytes that are sent at a time.
const PIECE_BYTES: usize = 256 << 10;
/// The tag of the content.
const TAG: &str = "\"judged\"";

/// How an origin behaves.
#[derive(Debug, Clone)]
pub struct OriginScript {
    /// Whether it knows the coding.
    pub codes: bool,
    /// What it calls the coding.
    pub coding: &'static str,
    /// Whether it asks for a request for hashes first.
    pub makes_hash_request: bool,
    /// What it sends as content information instead.
    pub info: Option<Vec<u8>>,
    /// What it says the length of the content is.
    pub length: Option<u64>,
    /// Whether it closes connections, and says so.
    pub closes: bool,
    /// Whether it refuses to give the content itself.
    pub refuses: bool,
    /// How long it takes to give the content itself.
    pub delay: Duration,
    /// How many bytes of content it gives before it breaks off the connection, once.
    pub breaks_after: Option<usize>,
}

impl Default for OriginScript {
    fn default() -> Self {
        Self {
            codes: true,
            coding: "peerdist",
            makes_hash_request: false,
            info: None,
            length: None,
            closes: false,
            refuses: false,
            delay: Duration::ZERO,
            breaks_after: None,
        }
    }
}

/// A request at the origin.
#[derive(Debug, Clone)]
pub struct Asked {
    /// When, since the world began.
    pub at: Duration,
    /// Its head.
    pub head: Head,
    /// From where.
    pub from: Option<SocketAddr>,
    /// Which bytes of the content it was given.
    pub given: Option<Range<u64>>,
    /// Whether it was given content information.
    pub was_coded: bool,
    /// Where the origin closes: whether the client ended the connection by a reset.
    pub is_reset: Option<bool>,
}

impl Asked {
    /// Its method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.head.request().map_or("", |(method, _)| method)
    }

    /// Whether it takes the coding.
    #[must_use]
    pub fn takes_coding(&self) -> bool {
        self.head.lists("Accept-Encoding", "peerdist")
    }

    /// The value of a parameter of one of the two header fields.
    #[must_use]
    pub fn parameter<'a>(&'a self, field: &'a str, name: &str) -> Option<&'a str> {
        let parameters = self.head.all(field).flat_map(|value| value.split(','));
        let mut named = parameters.filter_map(|parameter| {
            let (key, value) = parameter.trim().split_once('=')?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        named.next()
    }

    /// Whether it is for data that peers had not.
    #[must_use]
    pub fn is_for_missing_data(&self) -> bool {
        self.parameter("X-P2P-PeerDist", "MissingDataRequest")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Starts one.
pub(crate) fn start(
    address: IpAddr,
    shared: Arc<Shared>,
    script: OriginScript,
) -> io::Result<Listener> {
    let recorder = shared.recorder.clone();
    let broken = AtomicBool::new(false);
    Listener::start(address, recorder, move |connection| {
        let state = State {
            shared: &shared,
            script: &script,
            broken: &broken,
        };
        while let Some((head, _)) = listener::request(connection) {
            if !state.answer(connection, head) {
                break;
            }
        }
    })
}

struct State<'a> {
    shared: &'a Shared,
    script: &'a OriginScript,
    broken: &'a AtomicBool,
}

impl State<'_> {
    /// Answers a request; `false`: it was the last of the connection.
    fn answer(&self, connection: &mut Connection, head: Head) -> bool {
        let mut asked = Asked {
            at: self.shared.age(),
            from: connection.remote().ok(),
            head,
            given: None,
            was_coded: false,
            is_reset: None,
        };
        let total = self.shared.content().len() as u64;
        let range = asked
            .head
            .get("Range")
            .and_then(|value| range_of(value, total));
        let has_hashes = asked
            .parameter("X-P2P-PeerDistEx", "HashRequest")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let is_hash_request_wanted = self.script.makes_hash_request && !has_hashes;
        let is_coded = self.script.codes
            && asked.takes_coding()
            && matches!(asked.method(), "GET" | "HEAD")
            && !is_hash_request_wanted;
        let mut fields = vec![
            ("ETag", TAG.to_owned()),
            ("Last-Modified", "Fri, 01 Aug 2008 01:02:03 GMT".to_owned()),
            ("Accept-Ranges", "bytes".to_owned()),
            ("Content-Type", "application/octet-stream".to_owned()),
        ];
        if self.script.closes {
            fields.push(("Connection", "close".to_owned()));
        }
        let place = range.clone().unwrap_or(0..total);
        let status = match &range {
            Some(range) => {
                let last = range.end.saturating_sub(1);
                fields.push((
                    "Content-Range",
                    format!("bytes {}-{last}/{total}", range.start),
                ));
                (206, "Partial Content")
            }
            None => (200, "OK"),
        };
        let body = if is_coded {
            asked.was_coded = true;
            self.content_information(&asked, &mut fields, range)
        } else if self.script.refuses {
            self.note(asked, None);
            let answer = http::response(503, "Service Unavailable", &[], &[]);
            return connection.send(&answer).is_ok();
        } else {
            if is_hash_request_wanted && asked.takes_coding() {
                fields.push(("X-P2P-PeerDist", "Version=1.1".to_owned()));
                fields.push(("X-P2P-PeerDistEx", "MakeHashRequest=true".to_owned()));
            }
            asked.given = Some(place.clone());
            let range =
                usize::try_from(place.start).unwrap_or(0)..usize::try_from(place.end).unwrap_or(0);
            let content = self.shared.content().get(range);
            content.unwrap_or_default().to_vec()
        };
        let is_head = asked.method() == "HEAD";
        let delay = if asked.given.is_some() {
            self.script.delay
        } else {
            Duration::ZERO
        };
        let is_content = asked.given.is_some();
        let number = self.note(asked, None);
        thread::sleep(delay);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let answer = http::response(status.0, status.1, &fields, &body);
        let end = answer.len() - if is_head { body.len() } else { 0 };
        let mut cut = end;
        if let Some(count) = self.script.breaks_after
            && is_content
            && body.len() > count
            && !self.broken.swap(true, Ordering::AcqRel)
        {
            cut = end - body.len() + count;
        }
        for piece in answer.get(..cut).unwrap_or_default().chunks(PIECE_BYTES) {
            if connection.send(piece).is_err() {
                return false;
            }
        }
        if self.script.closes && cut == end {
            let has_closed = connection.is_closed_within(CLOSING);
            let mut seen = self.shared.seen();
            if let Some(asked) = seen.origin.get_mut(number)
                && has_closed
            {
                asked.is_reset = Some(connection.is_reset());
            }
        }
        cut == end && !self.script.closes
    }

    fn note(&self, mut asked: Asked, given: Option<Range<u64>>) -> usize {
        if given.is_some() {
            asked.given = given;
        }
        let mut seen = self.shared.seen();
        seen.origin.push(asked);
        seen.origin.len() - 1
    }

    fn content_information(
        &self,
        asked: &Asked,
        fields: &mut Vec<(&'static str, String)>,
        range: Option<Range<u64>>,
    ) -> Vec<u8> {
        let info = &self.shared.holding.info;
        let total = self.shared.content().len() as u64;
        let length = range
            .as_ref()
            .map_or(total, |range| range.end - range.start);
        let body = match &range {
            // What version 2.0 says of a whole content is its range too.
            None if info.version == Version::V2 => info.of_range(0..total).draft().to_bytes(),
            None => info.draft().to_bytes(),
            Some(range) => info.of_range(range.clone()).draft().to_bytes(),
        };
        let version = match asked.parameter("X-P2P-PeerDist", "Version") {
            Some("1.0") => "1.0",
            _ => "1.1",
        };
        let length = self.script.length.unwrap_or(length);
        fields.push(("Content-Encoding", self.script.coding.to_owned()));
        fields.push((
            "X-P2P-PeerDist",
            format!("Version={version}, ContentLength={length}"),
        ));
        self.script.info.clone().unwrap_or(body)
    }
}

/// The one range of a Range field. `None`: several, or none at all, which a server may pass over.
fn range_of(value: &str, total: u64) -> Option<Range<u64>> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first.trim(), last.trim()) {
        ("", suffix) => total.saturating_sub(suffix.parse().ok()?)..total,
        (first, "") => first.parse().ok()?..total,
        (first, last) => {
            let last: u64 = last.parse().ok()?;
            first.parse().ok()?..last.saturating_add(1).min(total)
        }
    };
    (range.start < range.end).then_some(range)
}
