//! PeerDist on simulated networks: scripted branch topologies, and what they save.
//!
//! | part | what it is |
//! |---|---|
//! | [`scenario`] | an enterprise described in a file |
//! | [`plan`] | the same made concrete by a seed: hosts, contents, every download with its moment |
//! | [`flow`] | the flow engine: messages as sizes, links as fluids |
//! | [`outcome`], [`summary`] | what happened, and what came out in numbers |
//! | [`chance`] | numbers that follow from a seed, the same on every machine |

pub mod chance;
pub mod flow;
pub mod outcome;
pub mod plan;
pub mod scenario;
pub mod summary;
