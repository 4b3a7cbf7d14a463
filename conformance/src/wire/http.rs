//! Heads of HTTP/1.1 messages, read and written by hand: a judge says what no library would say.
//! Invariant: a head that is read is as long as its blank line says; names of fields are compared without case.
//! Byte order: none.

use core::fmt::Write as _;

/// The longest head that is read.
pub const HEAD_MAX_BYTES: usize = 64 << 10;

/// The first line and the fields of a request or a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The first line.
    pub start: String,
    /// Name and value of each field, in their order.
    pub fields: Vec<(String, String)>,
    /// Bytes up to and with the blank line.
    pub bytes: usize,
}

impl Head {
    /// Reads a head. `None`: its blank line has not come yet.
    ///
    /// # Errors
    /// What is not as HTTP/1.1 has it, in words.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, String> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            if bytes.len() > HEAD_MAX_BYTES {
                return Err(format!("a head of more than {HEAD_MAX_BYTES} bytes"));
            }
            return Ok(None);
        };
        let text = bytes.get(..end).unwrap_or_default();
        let text = core::str::from_utf8(text)
            .map_err(|error| format!("a head that is no text: {error}"))?;
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let mut fields = Vec::new();
        for line in lines {
            let (name, value) = line
                .split_once(':')
                .filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace))
                .ok_or_else(|| format!("'{line}', expected NAME: VALUE"))?;
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Some(Self {
            start,
            fields,
            bytes: end + 4,
        }))
    }

    /// The value of the first field of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let named = |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        let first = self.fields.iter().find(named)?;
        Some(&first.1)
    }

    /// The values of all fields of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = move |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .filter(named)
            .map(|field| field.1.as_str())
    }

    /// Whether a comma list of that name has a token, without case.
    #[must_use]
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|listed| {
                let listed = listed.split(';').next().unwrap_or_default();
                listed.trim().eq_ignore_ascii_case(token)
            })
    }

    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let mut parts = self.start.splitn(3, ' ');
        parts
            .next()
            .filter(|version| version.starts_with("HTTP/1."))?;
        parts.next()?.parse().ok()
    }

    /// Method and target of a request.
    #[must_use]
    pub fn request(&self) -> Option<(&str, &str)> {
        let mut parts = self.start.split(' ');
        let (method, target) = (parts.next()?, parts.next()?);
        let version = parts.next()?;
        (version.starts_with("HTTP/1.") && parts.next().is_none()).then_some((method, target))
    }

    /// How its body ends.
    ///
    /// # Errors
    /// Lengths that contradict each other or are none, in words.
    pub fn body(&self) -> Result<BodyEnd, String> {
        if self.lists("Transfer-Encoding", "chunked") {
            return Ok(BodyEnd::Chunked);
        }
        let mut lengths = self.all("Content-Length");
        let Some(length) = lengths.next() else {
            return Ok(BodyEnd::Unsaid);
        };
        if lengths.any(|other| other != length) {
            return Err("several fields Content-Length that differ".to_owned());
        }
        length
            .parse()
            .map(BodyEnd::Length)
            .map_err(|_| format!("Content-Length: {length}, expected a number"))
    }
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// So many bytes.
    Length(u64),
    /// By its chunks.
    Chunked,
    /// Not said: none in a request, and the end of the connection in a response.
    Unsaid,
}

/// A request with a body and its length.
#[must_use]
pub fn request(
    method: &str,
    target: &str,
    host: &str,
    fields: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in fields {
        // Writing into memory cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if !body.is_empty() || method == "POST" {
        let _ = write!(head, "Content-Length: {}\r\n", body.len());
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// A response with a body and its length.
#[must_use]
pub fn response(status: u16, reason: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in fields {
        // Writing into memory cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Takes the bytes of a body out of its chunks. `None`: the last chunk has not come yet.
///
/// # Errors
/// What is no chunk, in words.
pub fn unchunked(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16)
            .map_err(|_| format!("a chunk of the size '{line}', expected hexadecimal"))?;
        let start = at + end + 2;
        let chunk_end = start.checked_add(size).ok_or("a chunk beyond all memory")?;
        let (Some(chunk), Some(after)) = (
            bytes.get(start..chunk_end),
            bytes.get(chunk_end..chunk_end.saturating_add(2)),
        ) else {
            return Ok(None);
        };
        if size == 0 {
            // Trailers end with a blank line, as does the last chunk.
            let trailers = bytes.get(start..).unwrap_or_default();
            if trailers.starts_with(b"\r\n") {
                return Ok(Some((body, start + 2)));
            }
            let end = trailers.windows(4).position(|four| four == b"\r\n\r\n");
            return Ok(end.map(|end| (body, start + end + 4)));
        }
        if after != b"\r\n" {
            return Err(format!(
                "a chunk of {size} bytes with no line end behind it"
            ));
        }
        body.extend_from_slice(chunk);
        at = chunk_end + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_once_they_are_whole() {
        let bytes = response(
            200,
            "OK",
            &[("ETag", "\"a\""), ("X-P2P-PeerDist", "Version=1.1")],
            b"body",
        );
        for kept in 0..bytes.len() - 4 {
            assert_eq!(Head::read(&bytes[..kept]).unwrap(), None);
        }
        let head = Head::read(&bytes).unwrap().unwrap();
        assert_eq!(
            (head.status(), head.get("etag")),
            (Some(200), Some("\"a\""))
        );
        assert_eq!(head.body().unwrap(), BodyEnd::Length(4));
        assert_eq!(&bytes[head.bytes..], b"body");
        assert!(Head::read(b"GET / HTTP/1.1\r\nno colon\r\n\r\n").is_err());
    }

    #[test]
    fn chunks_are_put_together() {
        let bytes = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nmore";
        for kept in 0..bytes.len() - 4 {
            assert_eq!(unchunked(&bytes[..kept]).unwrap(), None, "{kept}");
        }
        assert_eq!(
            unchunked(bytes).unwrap(),
            Some((b"abcde".to_vec(), bytes.len() - 4))
        );
        assert!(unchunked(b"zz\r\n").is_err());
        assert!(unchunked(b"1\r\nabc").is_err());
    }

    #[test]
    fn tokens_of_lists_are_found_without_case() {
        let head = Head::read(b"GET /a HTTP/1.1\r\nAccept-Encoding: gzip, PeerDist;q=1\r\n\r\n");
        let head = head.unwrap().unwrap();
        assert!(head.lists("accept-encoding", "peerdist"));
        assert!(!head.lists("accept-encoding", "br"));
        assert_eq!(head.request(), Some(("GET", "/a")));
    }
}
