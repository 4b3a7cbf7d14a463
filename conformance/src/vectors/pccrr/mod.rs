//! Replay of the vectors of MS-PCCRR.
//! Invariant: each kind compares everything that its vectors expect, the offset of an error included.
//! Byte order: none.

mod crypto;
mod message;
mod ranges;

use super::{Group, Test, no_replay};

pub(super) fn replay(kind: &str, group: &Group, test: &Test) -> Result<(), String> {
    match kind {
        "message" => message::replay(group, test),
        "crypto" => crypto::replay(group, test),
        "ranges" => ranges::replay(group, test),
        _ => Err(no_replay("MS-PCCRR", kind)),
    }
}
