//! The connections that a server has open, counted in all and by address.
//! Invariant: never more than the limits; when full, the one that waits longest without a request makes room.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::limits::ServerLimits;
use super::paced::Phase;

#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: BTreeMap<u64, Connection>,
    by_address: BTreeMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Connection {
    address: IpAddr,
    phase: Arc<Phase>,
    end: CancellationToken,
}

/// A place among the connections; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
    pub(super) phase: Arc<Phase>,
    /// Cancelled when the connection has to make room.
    pub(super) end: CancellationToken,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().remove(self.id);
    }
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    TooManyOfAddress,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self) -> usize {
        self.lock().all.len()
    }

    pub(super) fn admit(
        self: &Arc<Self>,
        from: IpAddr,
        limits: &ServerLimits,
    ) -> Result<Place, Refused> {
        let address = network_of(from);
        let mut open = self.lock();
        let of_address = open.by_address.get(&address).copied().unwrap_or(0);
        if of_address >= limits.connections_by_address_most {
            return Err(Refused::TooManyOfAddress);
        }
        if open.all.len() >= limits.connections_most {
            let idle =
                |(id, connection): (&u64, &Connection)| Some((connection.phase.idle_since()?, *id));
            let (_, longest) = open
                .all
                .iter()
                .filter_map(idle)
                .min()
                .ok_or(Refused::Full)?;
            if let Some(connection) = open.remove(longest) {
                connection.end.cancel();
            }
        }
        let id = open.next;
        open.next += 1;
        let connection = Connection {
            address,
            phase: Arc::new(Phase::new()),
            end: CancellationToken::new(),
        };
        let place = Place {
            connections: Arc::clone(self),
            id,
            phase: Arc::clone(&connection.phase),
            end: connection.end.clone(),
        };
        open.all.insert(id, connection);
        *open.by_address.entry(address).or_default() += 1;
        Ok(place)
    }
}

impl Open {
    fn remove(&mut self, id: u64) -> Option<Connection> {
        let connection = self.all.remove(&id)?;
        if let Some(count) = self.by_address.get_mut(&connection.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_address.remove(&connection.address);
            }
        }
        Some(connection)
    }
}

/// What counts as one address: of IPv6 the /64, for whoever has one address of it has all.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) >> 64 << 64;
            Ipv6Addr::from(network).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: fn() -> ServerLimits = || ServerLimits {
        connections_most: 3,
        connections_by_address_most: 2,
        ..ServerLimits::default()
    };

    fn address(last: u8) -> IpAddr {
        [127, 0, 0, last].into()
    }

    #[tokio::test]
    async fn an_address_gets_its_number_of_connections_and_gets_them_back() {
        let connections = Arc::new(Connections::default());
        let one = connections.admit(address(1), &LIMITS()).unwrap();
        let two = connections.admit(address(1), &LIMITS()).unwrap();
        let third = connections.admit(address(1), &LIMITS());
        assert_eq!(third.unwrap_err(), Refused::TooManyOfAddress);
        drop(one);
        let third = connections.admit(address(1), &LIMITS()).unwrap();
        drop((two, third));
        assert_eq!(connections.count(), 0);
        assert!(connections.lock().by_address.is_empty());
    }

    #[tokio::test]
    async fn when_full_the_longest_idle_makes_room_and_the_busy_stay() {
        let connections = Arc::new(Connections::default());
        let places: Vec<Place> = (1..=3)
            .map(|last| connections.admit(address(last), &LIMITS()).unwrap())
            .collect();
        places[0].phase.answer();
        let fourth = connections.admit(address(4), &LIMITS()).unwrap();
        let ended: Vec<bool> = places
            .iter()
            .map(|place| place.end.is_cancelled())
            .collect();
        assert_eq!(ended, [false, true, false]);
        assert_eq!(connections.count(), 3);
        places[2].phase.answer();
        fourth.phase.answer();
        assert_eq!(
            connections.admit(address(5), &LIMITS()).unwrap_err(),
            Refused::Full
        );
    }

    #[test]
    fn a_64_of_ipv6_is_one_address_and_a_mapped_address_is_its_ipv4() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}
