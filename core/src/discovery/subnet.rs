//! MS-PCCRD 3.1.4.1, 5: the local subnet, outside of which nobody's answer counts.
//! Invariant: an IPv4 address is the same whether it came as itself or mapped into IPv6.
//! Byte order: addresses most significant byte first.

use core::net::{IpAddr, SocketAddr, SocketAddrV6};

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    address: IpAddr,
    prefix_bits: u8,
}

impl Subnet {
    /// The subnet of an address whose first bits name it; nothing where an address has fewer bits.
    #[must_use]
    pub fn new(address: IpAddr, prefix_bits: u8) -> Option<Self> {
        let most = if address.is_ipv4() { 32 } else { 128 };
        (prefix_bits <= most).then_some(Self {
            address,
            prefix_bits,
        })
    }

    /// Whether an address belongs to it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix_bits)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix_bits)
            }
            _ => false,
        }
    }
}

/// Whether an address can only be that of a neighbour, as no router passes it on.
fn is_link_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

pub(super) fn is_local(subnets: &[Subnet], address: IpAddr) -> bool {
    is_link_local(address) || subnets.iter().any(|subnet| subnet.contains(address))
}

/// The address with the zone of a neighbour who named it, where it is one that needs a zone.
pub(super) fn in_zone_of(address: SocketAddr, neighbour: SocketAddr) -> SocketAddr {
    match (address, neighbour) {
        (SocketAddr::V6(v6), SocketAddr::V6(from)) if v6.ip().is_unicast_link_local() => {
            SocketAddrV6::new(*v6.ip(), v6.port(), 0, from.scope_id()).into()
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(address: &str, bits: u8) -> Subnet {
        Subnet::new(address.parse().unwrap(), bits).unwrap()
    }

    #[test]
    fn a_subnet_has_the_addresses_that_begin_like_it() {
        for (net, bits, address, inside) in [
            ("192.0.2.7", 24, "192.0.2.255", true),
            ("192.0.2.7", 24, "192.0.3.7", false),
            ("192.0.2.7", 25, "192.0.2.200", false),
            ("192.0.2.7", 32, "192.0.2.7", true),
            ("192.0.2.7", 32, "192.0.2.6", false),
            ("192.0.2.7", 0, "8.8.8.8", true),
            ("192.0.2.7", 24, "::ffff:192.0.2.9", true),
            ("192.0.2.7", 0, "2001:db8::1", false),
            ("2001:db8::", 64, "2001:db8::ffff:1:2:3", true),
            ("2001:db8::", 64, "2001:db8:0:1::", false),
            ("2001:db8::", 128, "2001:db8::", true),
        ] {
            let found = subnet(net, bits).contains(address.parse().unwrap());
            assert_eq!(found, inside, "{net}/{bits} {address}");
        }
        assert_eq!(Subnet::new("192.0.2.7".parse().unwrap(), 33), None);
        assert_eq!(Subnet::new("::".parse().unwrap(), 129), None);
    }

    #[test]
    fn neighbours_are_local_without_a_subnet() {
        for address in ["fe80::1", "169.254.1.1", "::ffff:169.254.1.1"] {
            assert!(is_local(&[], address.parse().unwrap()), "{address}");
        }
        assert!(!is_local(&[], "192.0.2.7".parse().unwrap()));
    }
}
