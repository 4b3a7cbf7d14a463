//! The head of a response, where nothing about it is unusual (RFC 9112).
//! Invariant: whatever tells the end of a body otherwise than by its one length is unusual.
//! Byte order: none.

/// Header fields that are looked at. More are unusual.
const FIELDS_MOST: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Its own bytes.
    pub(super) length: usize,
    pub(super) body_length: usize,
    pub(super) stays_open: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    Partial,
    Unusual,
    /// Under this status no message comes, whatever does.
    Refused(u16),
    Whole(Head),
}

pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MOST];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Parsed::Partial,
        Err(_) => return Parsed::Unusual,
    };
    // Version 1.0 has other rules for what stays open.
    if response.version != Some(1) {
        return Parsed::Unusual;
    }
    match response.code {
        Some(200) => {}
        Some(code) if code > 200 => return Parsed::Refused(code),
        _ => return Parsed::Unusual,
    }
    let mut body_length = None;
    let mut stays_open = true;
    for field in response.headers {
        let is = |name| field.name.eq_ignore_ascii_case(name);
        if is("transfer-encoding") || is("content-encoding") {
            return Parsed::Unusual;
        } else if is("connection") {
            stays_open &= field.value.eq_ignore_ascii_case(b"keep-alive");
        } else if is("content-length") {
            let digits = Some(field.value).filter(|value| value.iter().all(u8::is_ascii_digit));
            let text = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            let length = text.and_then(|text| text.parse().ok());
            if length.is_none() || body_length.is_some() {
                return Parsed::Unusual;
            }
            body_length = length;
        }
    }
    body_length.map_or(Parsed::Unusual, |body_length| {
        Parsed::Whole(Head {
            length,
            body_length,
            stays_open,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(lines: &str) -> Parsed {
        parse(format!("HTTP/1.1 200 OK\r\n{lines}\r\n").as_bytes())
    }

    #[test]
    fn a_head_with_one_length_is_whole_once_its_last_byte_is_there() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\nServer: x\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(parse(&head.as_bytes()[..end]), Parsed::Partial, "{end}");
        }
        let whole = Parsed::Whole(Head {
            length: head.len(),
            body_length: 70_000,
            stays_open: true,
        });
        assert_eq!(parse(head.as_bytes()), whole);
        assert_eq!(parse(format!("{head}body").as_bytes()), whole);
    }

    #[test]
    fn whatever_tells_of_the_end_otherwise_is_unusual() {
        for lines in [
            "",
            "Transfer-Encoding: chunked\r\n",
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            "Content-Length: +1\r\n",
            "Content-Length: 1, 1\r\n",
            "Content-Length: \r\n",
            "Content-Length: 99999999999999999999999\r\n",
            "Content-Length: 1\r\nContent-Encoding: gzip\r\n",
        ] {
            assert_eq!(with(lines), Parsed::Unusual, "{lines:?}");
        }
        for head in [
            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "SSH-2.0\r\n",
        ] {
            assert_eq!(parse(head.as_bytes()), Parsed::Unusual, "{head:?}");
        }
        let many = "A: b\r\n".repeat(FIELDS_MOST + 1);
        assert_eq!(with(&many), Parsed::Unusual);
    }

    #[test]
    fn another_status_is_told() {
        let busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\n";
        assert_eq!(parse(busy), Parsed::Refused(503));
    }

    #[test]
    fn a_connection_that_is_closed_behind_the_body_is_not_kept() {
        let stays_open = |lines: &str| match with(lines) {
            Parsed::Whole(head) => head.stays_open,
            parsed => panic!("{lines:?}: {parsed:?}"),
        };
        assert!(stays_open(
            "Connection: Keep-Alive\r\nContent-Length: 1\r\n"
        ));
        assert!(!stays_open("Connection: close\r\nContent-Length: 1\r\n"));
        assert!(!stays_open("Content-Length: 1\r\nConnection: x\r\n"));
    }
}
