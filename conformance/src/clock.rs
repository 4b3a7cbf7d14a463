//! The time on the clock of this machine: the one place where the judge looks at it.
//! Invariant: it never goes backwards.
//! Byte order: none.

use std::time::{Instant, SystemTime};

/// Now, to measure from or to.
#[expect(
    clippy::disallowed_methods,
    reason = "the judge speaks with real implementations, in real time"
)]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Now, as people and captures have it.
#[expect(
    clippy::disallowed_methods,
    reason = "records say when something happened"
)]
#[must_use]
pub fn today() -> SystemTime {
    SystemTime::now()
}
