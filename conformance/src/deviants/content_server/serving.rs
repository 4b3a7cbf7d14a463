//! Connections of a content server: requests in, responses out.
//! Invariant: a request that is no HTTP, or not whole, brings no content.
//! Byte order: none.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::asked::Asked;
use super::{Mistake, Served, State, served};
use crate::targets::content_server::{CODING, PEERDIST, PEERDIST_EX};
use crate::wire::http::Head;

/// How long it waits for a request.
const IDLE: Duration = Duration::from_secs(60);
/// The longest head that it reads, unless it reads any.
const ENDLESS_BYTES: usize = 64 << 20;
/// The one state of both contents.
const TAG: &str = "\"state-1\"";
const MODIFIED: &str = "Fri, 01 Aug 2008 01:02:03 GMT";

/// A response before it is written.
struct Reply {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    const fn of(status: u16) -> Self {
        Self {
            status,
            fields: Vec::new(),
            body: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    fn bytes(&self, has_body: bool, in_chunks: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Judged\r\n", self.status);
        for (name, value) in &self.fields {
            // Writing into memory cannot fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let length = self.body.len();
        if in_chunks {
            let _ = write!(head, "Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n");
            return [head.as_bytes(), &self.body, b"\r\n0\r\n\r\n"].concat();
        }
        if self.status != 304 {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        head.push_str("\r\n");
        let body = if has_body { self.body.as_slice() } else { &[] };
        [head.as_bytes(), body].concat()
    }
}

/// What Range asks for.
enum Part {
    Whole,
    One(Range<u64>),
    Several,
    Nowhere,
}

impl State {
    pub(super) fn serve(&self, mut connection: &TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(IDLE))?;
        connection.set_write_timeout(Some(IDLE))?;
        let mut pending = Vec::new();
        let mut has_coded = false;
        while !self.is_over.load(Ordering::Acquire)
            && let Some(head) = self.request(connection, &mut pending)?
        {
            if self.is(Mistake::ForgetsPipelined) {
                pending.clear();
            }
            let Some((method, target)) = head.request() else {
                let reply = Reply::of(400).with("Connection", "close");
                return connection.write_all(&reply.bytes(true, false));
            };
            let mut reply = self.reply(method, target, &head, has_coded);
            has_coded |= reply
                .fields
                .iter()
                .any(|(name, _)| *name == "Content-Encoding");
            let is_old = head.start.ends_with("HTTP/1.0");
            let says_close = head.lists("Connection", "close") || is_old;
            if says_close || self.is(Mistake::SaysClose) {
                reply = reply.with("Connection", "close");
            }
            let has_body = method != "HEAD" || self.is(Mistake::BodyToHead);
            let in_chunks = is_old && self.is(Mistake::ChunksToOld);
            connection.write_all(&reply.bytes(has_body, in_chunks))?;
            let closes = reply.fields.iter().any(|(name, _)| *name == "Connection");
            if (closes && !self.is(Mistake::SaysClose)) || self.is(Mistake::DropsSecond) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The next request. `None`: there is none, or what came is no HTTP and was told so.
    fn request(
        &self,
        mut connection: &TcpStream,
        pending: &mut Vec<u8>,
    ) -> io::Result<Option<Head>> {
        let mut buffer = [0; 16 << 10];
        loop {
            let is_cut = !pending.is_empty() && self.is(Mistake::ReadsOnce);
            let tries = if is_cut {
                Head::read(&[pending.as_slice(), b"\r\n\r\n"].concat())
            } else {
                Head::read(pending)
            };
            match tries {
                Ok(Some(head)) => {
                    pending.drain(..head.bytes.min(pending.len()));
                    return Ok(Some(head));
                }
                Err(_) if self.is(Mistake::EndlessHead) && pending.len() < ENDLESS_BYTES => {}
                Err(_) => {
                    let reply = Reply::of(400).with("Connection", "close");
                    connection.write_all(&reply.bytes(true, false))?;
                    return Ok(None);
                }
                Ok(None) => {}
            }
            let count = connection.read(&mut buffer)?;
            if count == 0 {
                if self.is(Mistake::EndsWithHalf) && !pending.is_empty() {
                    self.is_over.store(true, Ordering::Release);
                }
                return Ok(None);
            }
            pending.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    }

    fn reply(&self, method: &str, target: &str, head: &Head, has_coded: bool) -> Reply {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let [short, long] = served();
        let found = match path {
            "/short" => short,
            "/long" => long,
            _ => return Reply::of(404),
        };
        let is_good =
            matches!(method, "GET" | "HEAD") || (method == "POST" && self.is(Mistake::CodesPost));
        if !is_good {
            return Reply::of(405).with("Allow", "GET, HEAD");
        }
        let mut asked = self.asked(head);
        if self.is(Mistake::CodesForEver) && has_coded {
            asked = Asked::Coded(crate::wire::content_info::Version::V1, (1, 1));
        }
        if method == "HEAD" {
            asked = Asked::Plain;
        }
        if let Asked::Error(status) = asked {
            return Reply::of(status);
        }
        if head
            .get("If-None-Match")
            .is_some_and(|tags| tags.contains(TAG))
        {
            return Reply::of(304)
                .with("ETag", TAG)
                .with("Vary", "Accept-Encoding");
        }
        let is_fresh = !query.is_empty() && {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(target.to_owned())
        };
        self.content(found, head, asked, is_fresh)
    }

    fn content(&self, served: &Served, head: &Head, asked: Asked, is_fresh: bool) -> Reply {
        let total = served.content.len() as u64;
        let ignores = self.is(Mistake::MissingDataWhole) && asked == Asked::Missing;
        let part = if ignores {
            Part::Whole
        } else {
            self.part(head, total)
        };
        let mut range = match &part {
            Part::One(range) => range.clone(),
            Part::Whole | Part::Several => 0..total,
            Part::Nowhere if self.is(Mistake::FailsOnUnsatisfiable) => return Reply::of(500),
            Part::Nowhere => {
                return Reply::of(416).with("Content-Range", format!("bytes */{total}"));
            }
        };
        let mut reply = Reply::of(200).with("Accept-Ranges", "bytes");
        if let Part::One(range) = &part {
            let value = format!("bytes {}-{}/{total}", range.start, range.end - 1);
            reply = Reply::of(206).with("Content-Range", value);
        }
        let is_coded = matches!(asked, Asked::Coded(..)) && !is_fresh;
        if !(is_coded && self.is(Mistake::NoValidator)) {
            reply = reply.with("ETag", TAG).with("Last-Modified", MODIFIED);
        }
        if !self.is(Mistake::NoVary) {
            reply = reply.with("Vary", "Accept-Encoding");
        }
        let is_part = matches!(part, Part::One(_));
        if is_part && self.is(Mistake::ClosesToBits) {
            reply = reply.with("Connection", "close");
        }
        let bytes = |range: &Range<u64>| {
            let place = |at| usize::try_from(at).unwrap_or(usize::MAX);
            let bytes = served.content.get(place(range.start)..place(range.end));
            bytes.unwrap_or_default().to_vec()
        };
        let Asked::Coded(version, used) = asked else {
            reply.body = bytes(&range);
            return reply;
        };
        let (major, minor) = used;
        let dot = if self.is(Mistake::SpacesInVersion) {
            " . "
        } else {
            "."
        };
        let version_field = format!("Version={major}{dot}{minor}");
        if is_fresh {
            if !self.is(Mistake::SilentFirst) {
                if !self.is(Mistake::NoVersionWithMakeHash) {
                    reply = reply.with(PEERDIST, version_field);
                }
                reply = reply.with(PEERDIST_EX, "MakeHashRequest=true");
            }
            reply.body = bytes(&range);
            return reply;
        }
        if let Part::Several = part {
            if !self.is(Mistake::SeveralAsOne) {
                reply.body = bytes(&range);
                return reply;
            }
            reply.status = 206;
            range = 0..10.min(total);
        }
        if is_part && self.is(Mistake::RangeIsOneShort) && range.end < total {
            range.end += 1;
        }
        let cut = range.clone();
        let described = if self.is(Mistake::RangeOfCoded) {
            0..total
        } else {
            range
        };
        let length = if self.is(Mistake::RangeOfLength) {
            total
        } else {
            cut.end - cut.start
        };
        reply.body = self.information(served, version, described).to_bytes();
        if is_part && self.is(Mistake::RangeOfCoded) {
            let place = |at| {
                usize::try_from(at)
                    .unwrap_or(usize::MAX)
                    .min(reply.body.len())
            };
            reply.body = reply
                .body
                .get(place(cut.start)..place(cut.end))
                .unwrap_or_default()
                .to_vec();
        }
        let length = if self.is(Mistake::LengthOfBody) {
            reply.body.len() as u64
        } else {
            length
        };
        let name = if self.is(Mistake::WritesPeerDist) {
            "PeerDist"
        } else {
            CODING
        };
        reply = reply.with("Content-Encoding", name);
        match self.mistake {
            Some(Mistake::NoParameters) => reply,
            Some(Mistake::NoVersion) => reply.with(PEERDIST, format!("ContentLength={length}")),
            Some(Mistake::NoContentLength) => reply.with(PEERDIST, version_field),
            _ => reply.with(PEERDIST, format!("{version_field}, ContentLength={length}")),
        }
    }

    /// What Range and If-Range ask for.
    fn part(&self, head: &Head, total: u64) -> Part {
        let is_other = head
            .get("If-Range")
            .is_some_and(|state| state != TAG && state != MODIFIED);
        let Some(ranges) = head
            .get("Range")
            .and_then(|value| value.strip_prefix("bytes="))
        else {
            return Part::Whole;
        };
        if is_other && !self.is(Mistake::IgnoresIfRange) {
            return Part::Whole;
        }
        if ranges.contains(',') {
            return Part::Several;
        }
        let Some((first, last)) = ranges.split_once('-') else {
            return Part::Whole;
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(first) || !is_number(last) || (first.is_empty() && last.is_empty()) {
            return Part::Whole;
        }
        let number = |text: &str| text.parse().unwrap_or(u64::MAX);
        let range = if first.is_empty() && self.is(Mistake::SuffixFromStart) {
            0..number(last).min(total)
        } else if first.is_empty() {
            total.saturating_sub(number(last))..total
        } else if last.is_empty() {
            number(first)..total
        } else if number(last) < number(first) {
            return Part::Whole;
        } else {
            number(first)..number(last).saturating_add(1).min(total)
        };
        if range.start >= total || range.is_empty() {
            return Part::Nowhere;
        }
        Part::One(range)
    }
}
