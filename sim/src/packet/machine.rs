//! What stands in for the machine while an office runs: wall time that follows the hosts' clocks, numbers from a seed.
//! Invariant: nothing of the real machine is in either.
//! Unit: nanoseconds since the beginning.

use std::cell::RefCell;
use std::time::Duration;

use peerdist::entropy::{Entropy, Purpose};
use peerdist_node::world::Machine;

use super::wires::now;

/// When every simulation begins, in seconds since 1970: the first moment of 2026.
pub(super) const EPOCH_SECONDS: u64 = 1_767_225_600;

pub(super) struct SimulatedMachine(RefCell<Entropy>);

impl SimulatedMachine {
    pub(super) fn new(seed: &[u8; 32]) -> Self {
        Self(RefCell::new(Entropy::new(seed, Purpose::Uuid)))
    }
}

impl Machine for SimulatedMachine {
    fn unix_time(&self) -> Duration {
        Duration::from_secs(EPOCH_SECONDS) + Duration::from_nanos(now())
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.0.borrow_mut().fill(bytes);
    }
}
