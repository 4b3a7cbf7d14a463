//! The law of core's machines, as far as it can be checked from outside: draining ends, and time that passes moves on.
//! Invariant: outputs are drained after every input; a deadline that has come is handed in before anything else.
//! Byte order: none.

use core::fmt::Debug;

use peerdist::time::{Duration, Instant};

/// More outputs of one input than any bounded machine has.
const OUTPUTS_MOST: usize = 100_000;
/// More timeouts at one moment than any machine needs.
const TIMEOUTS_MOST: usize = 10_000;

/// A machine with what a script knows of it.
pub(crate) trait World {
    type Output: Debug;

    fn poll_output(&mut self) -> Option<Self::Output>;
    fn poll_timeout(&self) -> Option<Instant>;
    /// Hands in that time has passed.
    fn timeout(&mut self, now: Instant);
    /// Looks at an output and notes what can be answered.
    fn take(&mut self, output: Self::Output);
    /// Holds every table against its limit.
    fn check(&self);
}

/// Drains the outputs after an input.
pub(crate) fn drain<W: World>(world: &mut W) -> usize {
    let mut count = 0;
    while let Some(output) = world.poll_output() {
        count += 1;
        assert!(count < OUTPUTS_MOST, "draining does not end: {output:?}");
        world.take(output);
    }
    world.check();
    count
}

/// Lets time pass, handing in every timeout on the way at its moment.
pub(crate) fn pass<W: World>(world: &mut W, now: &mut Instant, milliseconds: u64) {
    let until = *now + Duration::from_millis(milliseconds);
    let mut at_once = 0;
    while let Some(due) = world.poll_timeout().filter(|due| *due <= until) {
        if due > *now {
            *now = due;
            at_once = 0;
        }
        at_once += 1;
        assert!(at_once < TIMEOUTS_MOST, "still due at {now:?}: {due:?}");
        world.timeout(*now);
        drain(world);
    }
    *now = until;
}

/// Lets so much time pass that nothing is left to wait for.
pub(crate) fn come_to_rest<W: World>(world: &mut W, now: &mut Instant) {
    pass(world, now, 24 * 3_600_000);
    assert_eq!(world.poll_timeout(), None, "a timer that never ends");
}
