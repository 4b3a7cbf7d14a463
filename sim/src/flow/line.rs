//! What a line does to messages besides its rate and latency: jitter, loss, and the queue in front of it.
//! Invariant: without any of them nothing is drawn and nothing waits; what comes over one connection comes in its order.
//! Unit: nanoseconds; bytes.

use std::collections::BTreeMap;

use peerdist::time::{Duration, Instant};

use super::branch::{Branch, Route, Sending, span};
use super::network::{Flow, Link, Path, Reached};
use crate::chance::Chance;
use crate::plan::{Plan, SitePlan};
use crate::scenario::units::{Rate, Span};

/// The payload of a packet: an Ethernet frame without the heads of IPv4 and TCP.
const PACKET_BYTES: u64 = 1_460;
/// Packets that a connection sends without having heard anything (RFC 6928): shorter messages know no window.
const FIRST_WINDOW_PACKETS: u64 = 10;

/// What is particular about the line of a branch.
#[derive(Debug)]
pub(super) struct Line {
    chance: Chance,
    jitter: Span,
    lost_per_million: u64,
    queue: Option<u64>,
    round_trip: u64,
    /// What a connection can have where packets are lost, in bits a second.
    most: Option<u64>,
    /// Links of that rate, one for each long message under way.
    taken: BTreeMap<Flow, Link>,
    spare: Vec<Link>,
    /// Until when what was sent before on a flow arrives.
    in_order: BTreeMap<Flow, Instant>,
}

/// What is left of a rate for bytes that are not sent again.
pub(super) fn good_rate(rate: Rate, lost_per_million: u64) -> u64 {
    let left = u128::from(rate.0) * u128::from(1_000_000 - lost_per_million.min(999_999));
    u64::try_from(left / 1_000_000).unwrap_or(u64::MAX).max(1)
}

/// What a connection can have where packets are lost, each on its own: Mathis, Semke, Mahdavi and Ott, CCR 27(3), 1997,
/// with a constant of the root of 3/2.
#[must_use]
pub fn mathis_bits_per_second(round_trip_ns: u64, lost_per_million: u64) -> u64 {
    let loss = lost_per_million as f64 / 1e6;
    let seconds = round_trip_ns.max(1) as f64 / 1e9;
    let bits = 8.0 * PACKET_BYTES as f64 / seconds * 1.5_f64.sqrt() / loss.sqrt();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; more than fits ends at the greatest there is"
    )]
    let bits = bits as u64;
    bits.max(1)
}

impl Line {
    pub(super) fn new(plan: &Plan, site: &SitePlan) -> Self {
        let link = &site.site.link;
        // Half of the jitter is waited for on the way there, and half on the way back.
        let round_trip = 2 * link.latency.0 + link.jitter.0;
        let lost_per_million = link.loss.0;
        Self {
            chance: Chance::new(plan.seed, "line", &[site.number.into()]),
            jitter: link.jitter,
            lost_per_million,
            queue: link.queue.map(|queue| queue.0),
            round_trip,
            most: (lost_per_million > 0)
                .then(|| mathis_bits_per_second(round_trip, lost_per_million)),
            taken: BTreeMap::new(),
            spare: Vec::new(),
            in_order: BTreeMap::new(),
        }
    }
}

impl Branch<'_> {
    /// Reads what the line carried, at all edges of the record until a moment.
    pub(super) fn record_until(&mut self, moment: Instant) {
        if self.recorder.edge_until(moment).is_some() {
            self.tell_of_ranges();
        }
        while let Some(edge) = self.recorder.edge_until(moment) {
            // Where nothing is under way, nothing is carried.
            let edge = match self.sendings.is_empty() {
                true => moment,
                false => edge,
            };
            let down = self.network.carried(edge, self.wan_down);
            let up = self.network.carried(edge, self.wan_up);
            self.recorder.read(edge, [down, up]);
        }
    }

    pub(super) fn line_latency(&self) -> Duration {
        span(self.site.site.link.latency)
    }

    pub(super) fn lan_latency(&self) -> Duration {
        span(self.site.site.lan.latency)
    }

    /// The links that a message takes.
    pub(super) fn path(&self, route: Route, held_back: Option<Link>) -> Option<Path> {
        let host = |number: u32| self.hosts.get(number as usize);
        let mut links = match route {
            Route::ToOrigin(from) => vec![host(from)?.up, self.wan_up],
            Route::FromOrigin(to) => vec![self.wan_down, host(to)?.down],
            Route::Lan { from, to } => return Some(Path::over(&[host(from)?.up, host(to)?.down])),
        };
        let is_up = matches!(route, Route::ToOrigin(_));
        links.extend(self.centre.map(|[from, to]| if is_up { to } else { from }));
        links.extend(held_back);
        Some(Path::over(&links))
    }

    /// A link that holds a long message back to what its connection can have, where packets are lost.
    pub(super) fn hold_back(&mut self, route: Route, bytes: u64) -> Option<Link> {
        let most = self.line.most?;
        let is_long = bytes > FIRST_WINDOW_PACKETS * PACKET_BYTES;
        if matches!(route, Route::Lan { .. }) || !is_long {
            return None;
        }
        let spare = self.line.spare.pop();
        Some(spare.unwrap_or_else(|| self.network.link(most)))
    }

    pub(super) fn note_held_back(&mut self, flow: Flow, by: Option<Link>) {
        if let Some(link) = by {
            self.line.taken.insert(flow, link);
        }
    }

    /// A message is over.
    pub(super) fn let_go(&mut self, flow: Flow) {
        if let Some(link) = self.line.taken.remove(&flow) {
            self.line.spare.push(link);
        }
        self.line.in_order.remove(&flow);
    }

    /// How long after it left a message is at the other end of the line.
    pub(super) fn line_delay(&mut self, reached: &Reached, sending: Option<&Sending>) -> Duration {
        let latency = self.line_latency();
        let link = match sending {
            Some(Sending::ContentRequest { .. } | Sending::RangeRequest { .. }) => self.wan_up,
            _ => self.wan_down,
        };
        let mut delay = latency;
        if let Some(queue) = self.line.queue {
            // What others have under way fills the queue, and is in front.
            let waits = self.network.backlog(self.now, link, reached.flow, queue);
            let rate = match link == self.wan_up {
                true => self.site.site.link.up(),
                false => self.site.site.link.down,
            };
            let nanos = u128::from(waits) * 8_000_000_000 / u128::from(rate.0.max(1));
            delay += Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        }
        if self.line.jitter.0 > 0 {
            let jitter = self.line.chance.below(self.line.jitter.0 + 1);
            delay += Duration::from_nanos(jitter);
        }
        if self.line.lost_per_million > 0 && reached.is_end {
            // Those lost before cost rate; of the last ones, each is waited for until it was sent again.
            let packets = reached.bytes.div_ceil(PACKET_BYTES);
            let mut rounds = 0;
            for _ in 0..packets.min(FIRST_WINDOW_PACKETS) {
                let mut tries = 0;
                while self.line.chance.happens(self.line.lost_per_million) {
                    tries += 1;
                }
                rounds = tries.max(rounds);
            }
            delay += Duration::from_nanos(rounds * self.line.round_trip);
        }
        let is_plain = delay == latency;
        let arrives = self.now + delay;
        let before = self.line.in_order.get(&reached.flow).copied();
        let arrives = before.map_or(arrives, |before| before.max(arrives));
        if !is_plain && !reached.is_end {
            self.line.in_order.insert(reached.flow, arrives);
        }
        Duration::from_nanos(u64::try_from(arrives.since(self.now).as_nanos()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_what_the_formula_gives() {
        // 1460 bytes by 100 ms, times 1.2247 by the root of 1 %: 1.43 Mbit/s.
        let found = mathis_bits_per_second(100_000_000, 10_000);
        assert!((found as f64 / 1.4305e6 - 1.0).abs() < 1e-3, "{found}");
        assert_eq!(good_rate(Rate(1_000_000), 10_000), 990_000);
    }
}
