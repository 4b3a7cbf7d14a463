//! The PeerDist (BranchCache) protocols: pure functions and state machines.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod cipher;
pub mod content;
pub mod hash;
