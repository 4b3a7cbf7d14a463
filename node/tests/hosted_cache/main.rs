//! The hosted cache over loopback: offers by core's client, blocks from a peer, and all that must not harm either.
//! Invariant: after whatever was done to it, the cache serves the next good client.
//! Layout: `room` starts things, `offers` is what is to work, `hostile` what is not to.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod hostile;
mod offers;
mod room;
