//! The forward proxy over real sockets: programs that know nothing of PeerDist, and origins of every temper.
//! Invariant of every case: a program gets what it would get without the proxy, or can tell that it did not.
//! Layout: `room` has origins, proxies and a program; the rest are cases.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod content;
mod hostile;
mod passed;
mod room;
mod tunnels;
