//! MS-PCCRD 3.1.4.1: which probe a match answers, and what it says about the probe's segments.
//! Invariant: version 2.0 matches have no ids, so that only RelatesTo tells; version 1.0 is held to its ids besides.
//! Byte order: none.

use core::net::SocketAddr;

use super::{Match, Offered, Outstanding, Prober, ProberEvent};
use crate::content::Version;
use crate::discovery::probe_match::{Found, ProbeMatch};
use crate::discovery::quirk::Quirks;
use crate::discovery::subnet::{in_zone_of, is_local};
use crate::error::Rejected;
use crate::time::Instant;

fn reject(requirement: &'static str, why: impl Into<String>) -> Rejected {
    Rejected {
        requirement,
        at: 0,
        why: why.into(),
    }
}

impl Prober {
    pub(super) fn take_match(
        &mut self,
        now: Instant,
        from: SocketAddr,
        message: &ProbeMatch,
        quirks: Quirks,
    ) -> Result<(), Rejected> {
        let related = message.relates_to.uuid();
        //= PCCRD-3.1.4.1-02
        let probe = self
            .outstanding
            .iter_mut()
            .find(|probe| Some(probe.uuid) == related && now < probe.deadline)
            .ok_or_else(|| {
                let why = format!("answers {}, which is not outstanding", message.relates_to);
                reject("PCCRD-3.1.4.1-02", why)
            })?;
        let segments = probe.offered(message)?;
        //= PCCRD-3.1.4.1-01
        let is_near = |address: &&SocketAddr| is_local(&self.subnets, address.ip());
        let near = || message.addresses.iter().filter(is_near);
        if near().next().is_none() {
            let why = "none of its addresses is on the local subnet";
            return Err(reject("PCCRD-3.1.4.1-01", why));
        }
        let endpoint = &message.address;
        let is_endpoint = |(known, _): &&(_, SocketAddr)| known == endpoint;
        let known_from: Option<bool> = probe
            .seen
            .iter()
            .filter(is_endpoint)
            .map(|(_, source)| *source == from)
            .reduce(|a, b| a || b);
        if known_from == Some(true) {
            self.event(ProberEvent::Repeated { from });
            return Ok(());
        }
        let token = probe.token;
        if probe.seen.len() >= self.settings.max_matches_per_probe {
            self.event(ProberEvent::Full { probe: token });
            return Ok(());
        }
        let addresses = near().map(|address| in_zone_of(*address, from)).collect();
        probe.seen.push((endpoint.clone(), from));
        // Over a second address the same peer is no second reply.
        if known_from.is_none() {
            for offered in &segments {
                if let Some(replies) = probe.replies.get_mut(offered.index) {
                    replies.total = replies.total.saturating_add(1);
                    replies.full = replies.full.saturating_add(offered.is_complete.into());
                }
            }
        }
        //= PCCRD-3.1.4.1-03
        self.event(ProberEvent::Match(Match {
            probe: token,
            from,
            endpoint: endpoint.clone(),
            addresses,
            segments,
            quirks,
        }));
        Ok(())
    }
}

impl Outstanding {
    /// What a match has of the probe's segments, which is something.
    fn offered(&self, message: &ProbeMatch) -> Result<Vec<Offered>, Rejected> {
        let version = message.found.version();
        if version != self.probe.version {
            let requirement = match self.probe.version {
                //= PCCRD-2.2.2-02
                Version::V1 => "PCCRD-2.2.2-02",
                //= PCCRD-2.2.2-01
                Version::V2 => "PCCRD-2.2.2-01",
            };
            let why = format!("a {version:?} match of a {:?} probe", self.probe.version);
            return Err(reject(requirement, why));
        }
        let mut is_related = false;
        let mut offered = Vec::new();
        let ids = self.probe.ids.iter().zip(&self.blocks).enumerate();
        match &message.found {
            Found::V1(counts) => {
                for (index, (id, blocks)) in ids {
                    let Some(count) = counts.iter().find(|count| count.id == *id) else {
                        continue;
                    };
                    is_related = true;
                    //= PCCRD-2.2.3.9-02
                    if count.blocks > 0 {
                        offered.push(Offered {
                            index,
                            id: *id,
                            blocks: Some(count.blocks),
                            is_complete: count.blocks >= *blocks,
                            age: None,
                        });
                    }
                }
            }
            Found::V2 { availability, ages } => {
                //= PCCRD-2.2.3.3-06
                is_related = availability.capacity() >= self.probe.ids.len();
                if !is_related {
                    return Err(reject("PCCRD-2.2.3.3-06", "fewer bits than segments"));
                }
                for (index, (id, _)) in ids.filter(|(index, _)| availability.has(*index)) {
                    let age = ages.iter().find(|(of, _)| usize::from(*of) == index);
                    offered.push(Offered {
                        index,
                        id: *id,
                        blocks: None,
                        is_complete: availability.is_complete(index),
                        age: age.map(|(_, age)| age),
                    });
                }
            }
        }
        if !is_related {
            return Err(reject("PCCRD-3.1.4.1-02", "has no id of the probe"));
        }
        if offered.is_empty() {
            return Err(reject("PCCRD-3.2.2-03", "has nothing of the probe"));
        }
        Ok(offered)
    }
}
