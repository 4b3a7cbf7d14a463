//! What must be so of the links: bytes conserved, and none above its rate.
//! Invariant: nothing is changed here.
//! Unit: service; nanoseconds.

use peerdist::time::Instant;

use super::{Link, LinkState, Network};

impl Network {
    /// Links that carried something else than their flows got: none, or the sharing is wrong.
    pub(in crate::flow) fn unbalanced(&self) -> Option<Link> {
        let mut brought: Vec<u128> = self.links.iter().map(|link| link.brought).collect();
        for flow in self.flows.values() {
            let Some(group) = self.groups.get(flow.group as usize) else {
                continue;
            };
            for link in group.path.links() {
                if let Some(brought) = brought.get_mut(link.0 as usize) {
                    *brought += group.service.saturating_sub(flow.start);
                }
            }
        }
        let links = self.links.iter().zip(&brought);
        let place = links
            .clone()
            .position(|(link, brought)| link.served != *brought)?;
        u32::try_from(place).ok().map(Link)
    }

    /// Links that carried more than their rate allows in the time: none, or the sharing is wrong.
    pub(in crate::flow) fn overfull(&self, now: Instant) -> Option<Link> {
        let nanos = u128::from(now.as_nanos());
        let place = self
            .links
            .iter()
            .position(|link| link.served > link.rate * nanos)?;
        u32::try_from(place).ok().map(Link)
    }

    /// Links whose flows together have more than there is: none, or the sharing is wrong.
    pub(in crate::flow) fn overloaded(&self) -> Option<Link> {
        let asked = |link: &LinkState| -> u128 {
            let groups = link.groups.iter();
            let groups = groups.filter_map(|place| self.groups.get(*place as usize));
            groups
                .map(|group| group.rate * group.steps.len() as u128)
                .sum()
        };
        let place = self.links.iter().position(|link| asked(link) > link.rate)?;
        u32::try_from(place).ok().map(Link)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Path;
    use super::*;

    fn at(half_seconds: u64) -> Instant {
        Instant::from_nanos(half_seconds * 500_000_000)
    }

    #[test]
    fn a_link_that_carries_other_than_it_should_is_found() {
        let mut network = Network::default();
        let link = network.link(8_000);
        let path = Path::over(&[link]);
        let flow = network.start(at(0), path, 1_000, u64::MAX);
        network.start(at(0), path, 1_000, u64::MAX);
        assert_eq!(network.cancel(at(2), flow), 500);
        assert_eq!(network.carried(at(3), link), 1_500);
        let wrong = |network: &Network| (network.unbalanced(), network.overfull(at(3)));
        assert_eq!(wrong(&network), (None, None));
        network.links[0].served += 1;
        assert_eq!(wrong(&network), (Some(link), Some(link)));
        network.links[0].served -= 2;
        assert_eq!(wrong(&network), (Some(link), None));
        assert_eq!(network.overloaded(), None);
        network.links[0].rate -= 1;
        assert_eq!(network.overloaded(), Some(link));
    }
}
