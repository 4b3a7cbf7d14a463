//! MS-PCCRC 2.2, MS-CCROD 2.9: peers whose blocks were not what they should be.
//! Invariant: no more are remembered than the limit, and none for longer than the time.
//! Byte order: none.

use std::collections::VecDeque;

use super::settings::{Settings, millis};
use crate::retrieval::client::Peer;
use crate::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Liars(VecDeque<(Peer, Instant)>);

impl Liars {
    pub(super) fn remember(&mut self, peer: Peer, settings: &Settings, now: Instant) {
        self.0
            .retain(|(known, until)| *known != peer && *until > now);
        if settings.liars_limit == 0 {
            return;
        }
        if self.0.len() >= settings.liars_limit as usize {
            self.0.pop_front();
        }
        let until = now + millis(settings.liar_memory_ms);
        self.0.push_back((peer, until));
    }

    pub(super) fn contains(&self, peer: Peer, now: Instant) -> bool {
        let mut known = self.0.iter();
        known.any(|(liar, until)| *liar == peer && *until > now)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
