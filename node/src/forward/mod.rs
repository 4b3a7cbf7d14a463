//! RFC 9110 7: a forward proxy for the programs of this machine, which get content from the branch without knowing it.
//! Invariant: a program sees the origin's answer, or one of ours that says why not; never a body that is silently short.
//! Byte order: none.
//!
//! ```text
//!                      ┌─ content information ─▶ store, peers, hosted cache, origin ─▶ verified, in order ─┐
//! GET ─▶ origin asked ─┤                                                                                   ├─▶ program
//!                      └─ anything else ───────────────────────── as it comes ─────────────────────────────┘
//! ```
//!
//! - The origin is asked by the very request of the program, with the fields of PeerDist added, so that the origin alone
//!   decides who gets what. What it answered is the head of the answer, without the coding.
//! - The head goes out with the first verified byte. Whatever fails before that makes the request a plain one.
//! - Requests that PeerDist does not cover are passed on, CONNECT becomes a tunnel, and so does an upgrade.

mod body;
mod described;
mod options;
mod proxy;
mod target;
mod tunnels;

pub use body::ForwardBody;
pub use options::{ForwardLimits, ForwardOptions};
pub use proxy::{ForwardProxy, ForwardService};
