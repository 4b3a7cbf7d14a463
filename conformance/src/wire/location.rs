//! Where content is: the URL of the whole, and Content-Range of a part.
//! Invariant: what is not understood is said to be so, and never guessed.
//! Byte order: none.

use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::Range;

/// A URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Where the server is.
    pub address: SocketAddr,
    /// What requests call it.
    pub host: String,
    /// What is asked for.
    pub path: String,
    /// What a certificate calls it, where the URL is one of https.
    pub tls_name: Option<String>,
}

/// Takes a URL apart.
///
/// # Errors
/// What is wrong with it, in words that go behind the URL.
pub fn locate(url: &str) -> Result<Location, String> {
    let (rest, is_tls) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => {
            return Err(
                "does not start with http:// or https://, which is all that is judged".to_owned(),
            );
        }
    };
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
    let with_port = host
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok());
    let (name, named) = match with_port {
        Some((name, _)) => (name, host.to_owned()),
        None => (host, format!("{host}:{}", if is_tls { 443 } else { 80 })),
    };
    let mut addresses = named
        .to_socket_addrs()
        .map_err(|error| format!("names no host that is known: {error}"))?;
    let address = addresses.next().ok_or("names a host without an address")?;
    let name = name.trim_start_matches('[').trim_end_matches(']');
    Ok(Location {
        address,
        host: host.to_owned(),
        path,
        tls_name: is_tls.then(|| name.to_owned()),
    })
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
            let found = locate(url)?;
            let address = found.address.to_string();
            Ok::<_, String>((address, found.host, found.path, found.tls_name))
        };
        let expected = |address: &str, host: &str, path: &str, name: Option<&str>| {
            let name = name.map(str::to_owned);
            Ok((address.to_owned(), host.to_owned(), path.to_owned(), name))
        };
        assert_eq!(
            parts("http://127.0.0.1:81/a/b?c#d"),
            expected("127.0.0.1:81", "127.0.0.1:81", "/a/b?c", None)
        );
        assert_eq!(
            parts("http://[::1]"),
            expected("[::1]:80", "[::1]", "/", None)
        );
        assert_eq!(
            parts("https://127.0.0.1?a"),
            expected("127.0.0.1:443", "127.0.0.1", "/?a", Some("127.0.0.1"))
        );
        assert_eq!(
            parts("https://[::1]:8443/a"),
            expected("[::1]:8443", "[::1]:8443", "/a", Some("::1"))
        );
        for wrong in ["ftp://127.0.0.1/", "127.0.0.1/a", "http:///a", "https:///a"] {
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
