//! The interfaces of this machine, with the addresses and subnets that discovery needs of each.
//! Invariant: an interface that was asked for and is not there is an error, never left out.
//! Byte order: none.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use if_addrs::IfAddr;
use peerdist::discovery::Subnet;

use super::Interface;

/// An interface with its addresses, one of each family at least, or of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalInterface {
    /// How multicast names it.
    pub interface: Interface,
    /// Addresses of this host on it, and how many of their bits name the subnet.
    pub addresses: Vec<(IpAddr, u8)>,
}

impl LocalInterface {
    /// Whether it has an address of IPv4, or of IPv6.
    #[must_use]
    pub fn speaks(&self, is_ipv4: bool) -> bool {
        let mut addresses = self.addresses.iter();
        addresses.any(|(address, _)| address.is_ipv4() == is_ipv4)
    }

    /// The subnets that it is on.
    pub fn subnets(&self) -> impl Iterator<Item = Subnet> {
        let subnet = |(address, bits): &(IpAddr, u8)| Subnet::new(*address, *bits);
        self.addresses.iter().filter_map(subnet)
    }
}

/// The interfaces that have one of these addresses; without any, all that are up but the loopback.
///
/// # Errors
/// Those of the system, and [`io::ErrorKind::AddrNotAvailable`] for an address that no interface has.
pub fn interfaces(chosen: &[IpAddr]) -> io::Result<Vec<LocalInterface>> {
    let mut found: Vec<(String, LocalInterface)> = Vec::new();
    for entry in if_addrs::get_if_addrs()? {
        let is_wanted = !chosen.is_empty() || (entry.is_oper_up() && !entry.is_loopback());
        if !is_wanted {
            continue;
        }
        let bits = match &entry.addr {
            IfAddr::V4(v4) => v4.prefixlen,
            IfAddr::V6(v6) => v6.prefixlen,
        };
        let position = found.iter().position(|(name, _)| *name == entry.name);
        let at = position.unwrap_or(found.len());
        if position.is_none() {
            let interface = LocalInterface {
                interface: Interface::default(),
                addresses: Vec::new(),
            };
            found.push((entry.name.clone(), interface));
        }
        let Some((_, local)) = found.get_mut(at) else {
            continue;
        };
        let address = entry.ip();
        local.interface.index = entry.index.unwrap_or(0);
        if let IpAddr::V4(v4) = address
            && local.interface.v4 == Ipv4Addr::UNSPECIFIED
        {
            local.interface.v4 = v4;
        }
        local.addresses.push((address, bits));
    }
    for address in chosen {
        let has = |(_, local): &(String, LocalInterface)| {
            local.addresses.iter().any(|(own, _)| own == address)
        };
        if !found.iter().any(has) {
            let why = format!("no interface of this machine has the address {address}");
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, why));
        }
    }
    if !chosen.is_empty() {
        found.retain(|(_, local)| local.addresses.iter().any(|(own, _)| chosen.contains(own)));
    }
    Ok(found.into_iter().map(|(_, local)| local).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_there_when_it_is_asked_for_and_only_then() {
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let chosen = interfaces(&[local]).unwrap();
        assert_eq!(chosen.len(), 1);
        assert!(chosen[0].addresses.contains(&(local, 8)));
        assert_ne!(chosen[0].interface.index, 0);
        let all = interfaces(&[]).unwrap();
        assert!(!all.iter().any(|one| one.addresses.contains(&(local, 8))));
    }

    #[test]
    fn an_address_that_no_interface_has_is_named() {
        let error = interfaces(&["192.0.2.254".parse().unwrap()]).unwrap_err();
        assert!(error.to_string().contains("192.0.2.254"), "{error}");
    }
}
