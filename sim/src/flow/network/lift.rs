//! Flows that are taken out of the network for a while, and put back where they are by then.
//! Invariant: what a flow was given stands in the links that it took; nobody else is given less or more.
//! Unit: as in the network.

use std::cmp::Reverse;

use peerdist::time::Instant;

use super::{Flow, FlowState, Link, Network, OF_A_BYTE, Path};

/// A flow that is not in the network, or not yet again.
#[derive(Debug, Clone, Copy)]
pub(in crate::flow) struct Lifted {
    pub(in crate::flow) flow: Flow,
    pub(in crate::flow) path: Path,
    pub(in crate::flow) bytes: u64,
    /// What it is still to be given.
    pub(in crate::flow) left: u128,
}

impl Network {
    /// What a link gives in a nanosecond, in the unit of [`Lifted::left`].
    pub(in crate::flow) fn rate(&self, link: Link) -> u128 {
        self.links.get(link.0 as usize).map_or(0, |link| link.rate)
    }

    /// How many flows there are on a link, if none of them shares its other links with flows that do not take this one,
    /// and those have room for all of them.
    pub(in crate::flow) fn alone_on(&self, link: Link) -> Option<u64> {
        let state = self.links.get(link.0 as usize)?;
        for place in &state.groups {
            let group = self.groups.get(*place as usize)?;
            for other in group.path.links().iter().filter(|other| **other != link) {
                let other = self.links.get(other.0 as usize)?;
                if other.groups.len() != 1 || other.rate < state.rate {
                    return None;
                }
            }
        }
        Some(state.flows)
    }

    /// Takes out all flows on a link. They must have no steps, and nobody may share their other links.
    pub(in crate::flow) fn lift(&mut self, now: Instant, link: Link, into: &mut Vec<Lifted>) {
        let places = self.links.get(link.0 as usize).map(|it| it.groups.clone());
        for place in places.unwrap_or_default() {
            self.settle(now, place);
            self.unplan(place);
            let Some(group) = self.groups.get_mut(place as usize) else {
                continue;
            };
            let (path, service) = (group.path, group.service);
            let steps = std::mem::take(&mut group.steps);
            let mut got = 0;
            for Reverse((target, flow)) in steps.into_vec() {
                if let Some(state) = self.flows.remove(&flow) {
                    got += service.saturating_sub(state.start);
                    into.push(Lifted {
                        flow,
                        path,
                        bytes: state.bytes,
                        left: target.saturating_sub(service),
                    });
                }
            }
            for link in path.links() {
                if let Some(link) = self.links.get_mut(link.0 as usize) {
                    link.flows = 0;
                    link.brought += got;
                    link.groups.clear();
                }
            }
            self.places.remove(&path);
            self.spare.push(place);
        }
    }

    /// Puts flows in, of which the last to begin had this number.
    pub(in crate::flow) fn land(&mut self, now: Instant, names: u64, flows: &[Lifted]) {
        self.names = self.names.max(names);
        for lifted in flows {
            let all = u128::from(lifted.bytes) * OF_A_BYTE;
            let is_new = !self.places.contains_key(&lifted.path);
            let place = self.place_of(lifted.path);
            let Some(group) = self.groups.get_mut(place as usize) else {
                continue;
            };
            if is_new {
                // So that the service at which the flow began is no less than nothing.
                group.service = all;
                group.since = now;
            }
            let state = FlowState {
                group: place,
                start: (group.service + lifted.left).saturating_sub(all),
                bytes: lifted.bytes,
                step: lifted.bytes,
                next: lifted.bytes,
            };
            let got = group.service.saturating_sub(state.start);
            group.steps.push(Reverse((state.target(), lifted.flow)));
            self.flows.insert(lifted.flow, state);
            for link in lifted.path.links() {
                if let Some(link) = self.links.get_mut(link.0 as usize) {
                    link.flows += 1;
                    link.brought = link.brought.saturating_sub(got);
                }
            }
        }
    }

    /// Divides anew what a path takes.
    pub(in crate::flow) fn share(&mut self, now: Instant, path: Path) {
        self.look_around(path);
        self.settle_seen(now);
        self.share_seen(now);
    }

    /// The links of a path carried something while its flows were out.
    pub(in crate::flow) fn carry(&mut self, path: Path, service: u128) {
        for link in path.links() {
            if let Some(link) = self.links.get_mut(link.0 as usize) {
                link.served += service;
                link.brought += service;
            }
        }
    }

    /// The name of the flow that began last.
    pub(in crate::flow) const fn names(&self) -> u64 {
        self.names
    }
}

impl Flow {
    /// The flow of a number.
    pub(in crate::flow) const fn numbered(number: u64) -> Self {
        Self(number)
    }

    pub(in crate::flow) const fn number(self) -> u64 {
        self.0
    }
}

/// What a message of so many bytes is to be given.
pub(in crate::flow) const fn service_of(bytes: u64) -> u128 {
    bytes as u128 * OF_A_BYTE
}
