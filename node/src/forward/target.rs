//! RFC 9112 3.2: where a request of a program leads, and whether it leads back here.
//! Invariant: a request goes to the origin that it names, and never to this proxy.
//! Byte order: none.

use std::net::{IpAddr, SocketAddr};

use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Uri};

/// Why a request is not passed on.
pub(super) type Refused = (StatusCode, String);

/// What this proxy is to itself.
#[derive(Debug, Clone)]
pub(super) struct Own {
    at: SocketAddr,
    /// The name under which it stands in Via.
    name: String,
}

impl Own {
    pub(super) fn new(at: SocketAddr, seed: &[u8; 32]) -> Self {
        let [a, b, c, d, ..] = *seed;
        let number = u32::from_be_bytes([a, b, c, d]);
        Self {
            at,
            name: format!("peerdist-{number:08x}"),
        }
    }

    pub(super) fn add_via(&self, headers: &mut HeaderMap) {
        if let Ok(via) = HeaderValue::from_str(&format!("1.1 {}", self.name)) {
            headers.append(header::VIA, via);
        }
    }

    /// Refuses what was here before.
    pub(super) fn refuse_loop(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let vias = headers.get_all(header::VIA).iter();
        let mut vias = vias.flat_map(|via| via.as_bytes().split(|byte| *byte == b','));
        let is_own = |via: &[u8]| {
            let mut words = via.split(u8::is_ascii_whitespace);
            words.any(|word| word == self.name.as_bytes())
        };
        if vias.any(is_own) {
            return Err(self.is_loop());
        }
        Ok(())
    }

    fn is_loop(&self) -> Refused {
        (
            StatusCode::LOOP_DETECTED,
            format!("This request leads back to this proxy, {}.\n", self.at),
        )
    }

    /// Whether an address is this proxy's, as far as an address tells.
    fn is_at(&self, ip: IpAddr, port: u16) -> bool {
        let ip = ip.to_canonical();
        port == self.at.port() && (ip.is_loopback() || ip.is_unspecified() || ip == self.at.ip())
    }

    pub(super) fn refuse_address(&self, to: SocketAddr) -> Result<(), Refused> {
        match self.is_at(to.ip(), to.port()) {
            true => Err(self.is_loop()),
            false => Ok(()),
        }
    }

    /// The address of an origin in the form that it has in requests to proxies.
    pub(super) fn origin(&self, method: &Method, uri: &Uri) -> Result<(), Refused> {
        let wrong = |why: &str| Err((StatusCode::BAD_REQUEST, format!("{why}\n")));
        if *method == Method::TRACE {
            let why = "TRACE is not passed on.\n".to_owned();
            return Err((StatusCode::METHOD_NOT_ALLOWED, why));
        }
        let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
            return wrong(
                "This is a proxy for programs of this machine; expected 'GET http://HOST/PATH', as with \
                 http_proxy set.",
            );
        };
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return wrong("This proxy tunnels https: ask for it with CONNECT."),
            _ => return wrong("The address is not of http; expected http://HOST/PATH."),
        }
        let port = uri.port_u16().unwrap_or(80);
        let name = host.trim_matches(['[', ']']).trim_end_matches('.');
        let is_own = match name.parse() {
            Ok(ip) => self.is_at(ip, port),
            Err(_) => port == self.at.port() && name.eq_ignore_ascii_case("localhost"),
        };
        if is_own {
            return Err(self.is_loop());
        }
        Ok(())
    }
}

/// Host and port that CONNECT names.
pub(super) fn tunnel(uri: &Uri, ports: &[u16]) -> Result<(String, u16), Refused> {
    let named = uri.host().filter(|host| !host.is_empty());
    let (Some(host), Some(port)) = (named, uri.port_u16()) else {
        let why = "CONNECT needs HOST:PORT.\n".to_owned();
        return Err((StatusCode::BAD_REQUEST, why));
    };
    if !ports.contains(&port) {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        let why = format!(
            "No tunnel to port {port}: this proxy leads to {} alone; --proxy-tunnel allows others.\n",
            ports.join(", ")
        );
        return Err((StatusCode::FORBIDDEN, why));
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Own {
        Own::new("127.0.0.1:8080".parse().unwrap(), &[0xab; 32])
    }

    fn status(uri: &str) -> Option<u16> {
        let refused = own().origin(&Method::GET, &uri.parse().unwrap()).err();
        refused.map(|(status, _)| status.as_u16())
    }

    #[test]
    fn only_http_origins_that_are_not_this_proxy_are_gone_to() {
        for good in [
            "http://host/a",
            "http://127.0.0.1:8081/",
            "http://localhost/",
        ] {
            assert_eq!(status(good), None, "{good}");
        }
        for (bad, expected) in [
            ("/a", 400),
            ("https://host/", 400),
            ("ftp://host/", 400),
            ("http://127.0.0.1:8080/", 508),
            ("http://127.0.0.9:8080/", 508),
            ("http://[::1]:8080/", 508),
            ("http://[::ffff:127.0.0.1]:8080/", 508),
            ("http://0.0.0.0:8080/", 508),
            ("http://LocalHost.:8080/", 508),
        ] {
            assert_eq!(status(bad), Some(expected), "{bad}");
        }
    }

    #[test]
    fn what_was_here_before_is_known_by_its_via() {
        let own = own();
        let mut headers = HeaderMap::new();
        headers.append(
            header::VIA,
            HeaderValue::from_static("1.1 other, 1.0 peerdist-abab"),
        );
        assert_eq!(own.refuse_loop(&headers), Ok(()));
        own.add_via(&mut headers);
        assert!(own.refuse_loop(&headers).is_err());
    }

    #[test]
    fn tunnels_need_a_port_that_is_allowed() {
        let tunnel =
            |uri: &str| tunnel(&uri.parse().unwrap(), &[443]).map_err(|(status, _)| status);
        assert_eq!(tunnel("host:443"), Ok(("host".to_owned(), 443)));
        assert_eq!(tunnel("host:22"), Err(StatusCode::FORBIDDEN));
        assert_eq!(tunnel("host"), Err(StatusCode::BAD_REQUEST));
    }
}
