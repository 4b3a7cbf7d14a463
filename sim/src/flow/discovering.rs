//! MS-PCCRD: what hosts do for their probers and responders.
//! Invariant: a probe reaches every other host of its branch and nobody else.
//! Byte order: none.

use std::sync::Arc;

use peerdist::client::{DiscoveryToken, Input, Sought};
use peerdist::content::{SegmentId, Version};
use peerdist::discovery::{
    Match, Probe, ProbeMatch, ProbeToken, ProberEvent, ProberInput, ProberOutput, ResponderInput,
    ResponderOutput, Wanted,
};
use peerdist::retrieval::client::Peer;
use peerdist::time::Duration;

use super::branch::{Branch, Happening};
use super::host::{address_of, host_at};
use crate::outcome::Traced;

impl Branch<'_> {
    /// Looks for segments; tells whether it can.
    pub(super) fn look_for(
        &mut self,
        number: u32,
        discovery: DiscoveryToken,
        version: Version,
        segments: &[Sought],
    ) -> bool {
        let now = self.now;
        let Some(asking) = self
            .host(number)
            .and_then(|host| host.asking.as_deref_mut())
        else {
            return false;
        };
        if asking.prober.room() == 0 {
            return false;
        }
        let wanted: Vec<Wanted> = segments
            .iter()
            .map(|sought| Wanted {
                id: sought.id,
                blocks: sought.blocks,
            })
            .collect();
        let start = ProberInput::Start {
            probe: ProbeToken(discovery.0),
            version,
            segments: &wanted,
        };
        if asking.prober.handle(now, start).is_err() {
            return false;
        }
        let ids = segments.iter().map(|sought| sought.id).collect();
        asking.searches.insert(discovery, ids);
        self.drain_prober(number);
        true
    }

    pub(super) fn look_no_longer(&mut self, number: u32, discovery: DiscoveryToken) {
        let now = self.now;
        if let Some(asking) = self
            .host(number)
            .and_then(|host| host.asking.as_deref_mut())
        {
            asking.searches.remove(&discovery);
            let cancel = ProberInput::Cancel(ProbeToken(discovery.0));
            let handled = asking.prober.handle(now, cancel);
            self.check_discovery(number, handled);
        }
    }

    fn check_discovery(&mut self, number: u32, handled: Result<(), peerdist::error::ApiMisuse>) {
        if let Err(misuse) = handled {
            self.violated(format!(
                "discovery of host {number} refused an input: {misuse}"
            ));
        }
    }

    pub(super) fn prober_timeout(&mut self, number: u32) {
        self.tell_prober(number, ProberInput::Timeout);
    }

    fn tell_prober(&mut self, number: u32, input: ProberInput<'_>) {
        let now = self.now;
        if let Some(asking) = self
            .host(number)
            .and_then(|host| host.asking.as_deref_mut())
        {
            let handled = asking.prober.handle(now, input);
            self.check_discovery(number, handled);
        }
        self.drain_prober(number);
        self.plan_wakes(number);
    }

    fn drain_prober(&mut self, number: u32) {
        let poll = |branch: &mut Self| {
            let asking = branch.host(number)?.asking.as_deref_mut()?;
            asking.prober.poll_output()
        };
        while let Some(output) = poll(self) {
            match output {
                ProberOutput::Multicast(probe) => self.multicast(number, probe),
                ProberOutput::Event(ProberEvent::Match(found)) => self.found(number, &found),
                ProberOutput::Event(ProberEvent::Finished { probe, replies }) => {
                    let discovery = DiscoveryToken(probe.0);
                    let asking = self
                        .host(number)
                        .and_then(|host| host.asking.as_deref_mut());
                    let Some(asking) = asking else {
                        continue;
                    };
                    let ids = asking.searches.remove(&discovery).unwrap_or_default();
                    asking.replies.extend(ids.into_iter().zip(replies));
                    self.client(number, Input::DiscoveryFinished { discovery });
                }
                ProberOutput::Event(_) => {}
            }
        }
    }

    fn found(&mut self, number: u32, found: &Match) {
        let Some(peer) = found.addresses.first().copied().and_then(host_at) else {
            return;
        };
        let segments: Vec<SegmentId> = found.segments.iter().map(|offered| offered.id).collect();
        let input = Input::Discovered {
            peer: Peer(peer.into()),
            segments: &segments,
        };
        self.client(number, input);
    }

    fn multicast(&mut self, number: u32, probe: Probe) {
        let bytes = probe.encode().len() as u64;
        let now = self.now;
        let after = self.datagram(number, bytes);
        self.trace.note(
            now,
            Traced::Probed,
            number,
            [bytes, probe.ids.len() as u64, 0],
        );
        let probe = Arc::new(probe);
        for to in 0..u32::try_from(self.hosts.len()).unwrap_or(u32::MAX) {
            // Who has nothing is silent: the probe need not be shown to him.
            let lies = self.faulting.lies(to);
            let is_of_use =
                |host: &super::host::Host| host.serves(now) && (host.store.bytes() > 0 || lies);
            if !self.hears(number, to) {
                continue;
            }
            if to != number && self.host(to).is_some_and(|host| is_of_use(host)) {
                let probe = Arc::clone(&probe);
                let from = number;
                self.queue
                    .push(now + after, Happening::Probe { to, from, probe });
            }
        }
    }

    /// Counts a datagram, and tells how long it takes.
    fn datagram(&mut self, from: u32, bytes: u64) -> Duration {
        self.outcome.discovery_bytes += bytes;
        let own = self.host(from).and_then(|host| host.group.lan_rate);
        let rate = u128::from(own.unwrap_or(self.site.site.lan.rate).0);
        let nanos = (u128::from(bytes) * 8 * 1_000_000_000).div_ceil(rate.max(1));
        self.lan_latency() + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// A probe is at a host.
    pub(super) fn probed(&mut self, number: u32, from: u32, probe: &Probe) {
        let now = self.now;
        let Some(host) = self.host(number) else {
            return;
        };
        if host.answering(now).is_none() {
            return;
        }
        let clock = host.clock(now);
        host.store.expire(clock);
        let lies = self.faulting.lies(number);
        let claims = &self.faulting.claims;
        if let Some(host) = self.hosts.get_mut(number as usize)
            && let Some(answering) = host.answering.as_deref_mut()
        {
            let input = ResponderInput::Probe {
                from: address_of(from),
                message: probe,
                holdings: if lies { claims } else { &host.store },
            };
            let handled = answering.responder.handle(now, input);
            self.check_discovery(number, handled);
        }
        self.drain_responder(number);
    }

    pub(super) fn responder_timeout(&mut self, number: u32) {
        let now = self.now;
        let Some(host) = self.host(number) else {
            return;
        };
        let clock = host.clock(now);
        host.store.expire(clock);
        let lies = self.faulting.lies(number);
        let claims = &self.faulting.claims;
        if let Some(host) = self.hosts.get_mut(number as usize)
            && let Some(answering) = host.answering.as_deref_mut()
        {
            let input = ResponderInput::Timeout {
                holdings: if lies { claims } else { &host.store },
            };
            let handled = answering.responder.handle(now, input);
            self.check_discovery(number, handled);
        }
        self.drain_responder(number);
    }

    fn drain_responder(&mut self, number: u32) {
        let poll = |branch: &mut Self| {
            let answering = branch.host(number)?.answering.as_deref_mut()?;
            answering.responder.poll_output()
        };
        while let Some(output) = poll(self) {
            if let ResponderOutput::Send { to, message } = output
                && let Some(to) = host_at(to)
            {
                let bytes = message.encode().len() as u64;
                let after = self.datagram(number, bytes);
                if !self.hears(number, to) {
                    continue;
                }
                let event = Happening::ProbeMatch {
                    to,
                    from: number,
                    message: Box::new(message),
                };
                self.queue.push(self.now + after, event);
            }
        }
        self.plan_wakes(number);
    }

    /// A match is at a host.
    pub(super) fn matched(&mut self, number: u32, from: u32, message: &ProbeMatch) {
        let now = self.now;
        self.trace
            .note(now, Traced::Matched, number, [from.into(), 0, 0]);
        let from = address_of(from);
        self.tell_prober(number, ProberInput::Match { from, message });
    }
}
