//! Where content is: the URL of the whole, and Content-Range of a part.
//! Invariant: what is not understood is said to be so, and never guessed.
//! Byte order: none.

use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::Range;

/// Takes a URL apart: address, host and path.
///
/// # Errors
/// What is wrong with it, in words that go behind the URL.
pub fn locate(url: &str) -> Result<(SocketAddr, String, String), String> {
    let rest = url
        .strip_prefix("http://")
        .ok_or("does not start with http://, which is all that is judged here")?;
    let rest = rest.split('#').next().unwrap_or(rest);
    let (host, path) = match rest.find(['/', '?']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let named = if has_port {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut addresses = named
        .to_socket_addrs()
        .map_err(|error| format!("names no host that is known: {error}"))?;
    let address = addresses.next().ok_or("names a host without an address")?;
    Ok((address, host.to_owned(), path))
}

/// The range of a Content-Range and the length of the whole, where it says one.
#[must_use]
pub fn content_range(value: &str) -> Option<(Range<u64>, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    (first <= last).then(|| (first..last.saturating_add(1), total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let parts = |url: &str| {
            let (address, host, path) = locate(url)?;
            Ok::<_, String>((address.to_string(), host, path))
        };
        let expected = |address: &str, host: &str, path: &str| {
            Ok((address.to_owned(), host.to_owned(), path.to_owned()))
        };
        assert_eq!(
            parts("http://127.0.0.1:81/a/b?c#d"),
            expected("127.0.0.1:81", "127.0.0.1:81", "/a/b?c")
        );
        assert_eq!(parts("http://[::1]"), expected("[::1]:80", "[::1]", "/"));
        for wrong in ["https://127.0.0.1/", "127.0.0.1/a", "http:///a"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ranges_are_read_where_they_are_some() {
        assert_eq!(content_range("bytes 0-9/10"), Some((0..10, Some(10))));
        assert_eq!(content_range("bytes 5-5/*"), Some((5..6, None)));
        for wrong in [
            "bytes 9-0/10",
            "bytes */10",
            "0-9/10",
            "bytes 0-9",
            "bytes a-b/c",
        ] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }
}
