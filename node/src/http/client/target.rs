//! Where a message goes: a URI, and the interface behind which a link-local address is (RFC 4007 6).
//! Invariant: a zone is told to the system alone, never to the other side, for whom it has no meaning.
//! Byte order: none.

use std::net::{IpAddr, SocketAddr};

use http::Uri;

/// The interface of a link-local address, by its index; 0 where none is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Zone(u32);

impl Zone {
    fn of(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => Self(v6.scope_id()),
            _ => Self::default(),
        }
    }

    /// The address in this zone, if it needs one and has none.
    pub(super) fn put_into(self, mut address: SocketAddr) -> SocketAddr {
        if let SocketAddr::V6(v6) = &mut address
            && v6.ip().is_unicast_link_local()
            && v6.scope_id() == 0
        {
            v6.set_scope_id(self.0);
        }
        address
    }
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) uri: Uri,
    pub(crate) zone: Zone,
}

impl Target {
    /// To what listens at an address, by HTTP without TLS.
    pub(crate) fn at(address: SocketAddr, path: &str) -> Option<Self> {
        // Without its zone, which no URI has in a way that others read.
        let host = match address.ip() {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        let zone = Zone::of(address);
        let uri = format!("http://{host}:{}{path}", address.port());
        Some(Self {
            uri: uri.parse().ok()?,
            zone,
        })
    }

    /// To what a URI names, which is on every interface the same.
    pub(crate) fn named(authority: &str, path: &str) -> Option<Self> {
        Some(Self {
            uri: format!("http://{authority}{path}").parse().ok()?,
            zone: Zone::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use super::*;

    #[test]
    fn the_zone_of_a_link_local_address_comes_back_when_it_is_connected_to() {
        let v6 = |text: &str, zone| {
            SocketAddr::from(SocketAddrV6::new(text.parse().unwrap(), 81, 0, zone))
        };
        let near = Target::at(v6("fe80::7", 3), "/path").unwrap();
        assert_eq!(near.uri.to_string(), "http://[fe80::7]:81/path");
        assert_eq!(near.zone.put_into(v6("fe80::7", 0)), v6("fe80::7", 3));
        assert_eq!(
            near.zone.put_into(v6("2001:db8::7", 0)),
            v6("2001:db8::7", 0)
        );
        let other = Target::at(v6("fe80::7", 4), "/path").unwrap();
        assert_ne!(near, other, "the same address behind another interface");
        let far = Target::at(v6("2001:db8::7", 3), "/").unwrap();
        assert_eq!(far.zone, Zone::default());
        let v4 = Target::at("192.0.2.7:80".parse().unwrap(), "/").unwrap();
        assert_eq!(v4.uri.to_string(), "http://192.0.2.7:80/");
        assert_eq!(Some(v4), Target::named("192.0.2.7:80", "/"));
    }
}
