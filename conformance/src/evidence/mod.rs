//! What was sent and received, kept as it happened and shown to people and to other programs.
//! Invariant: nothing that went over a socket of the judge is missing but what a limit cut, and that is said.
//! Byte order: that of each format.
//!
//! - [`record`]: what happened, event by event;
//! - [`dump`]: an event as an annotated hex dump;
//! - [`pcapng`]: a record as a capture that Wireshark opens.

pub mod dump;
pub mod pcapng;
pub mod record;
