//! The client over real sockets: an origin and peers of every temper, and the shares to the byte.
//! Invariant of every case: the file equals the content, or there is none under its name.
//! Layout: `room` has the origin and the peers; the rest are cases.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod from_store;
mod neighbours;
mod offered;
mod origins;
mod peers;
mod resumed;
mod room;
mod shared;
