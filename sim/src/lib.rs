//! PeerDist on simulated networks: scripted branch topologies, and what they save.
//!
//! | part | what it is |
//! |---|---|
//! | [`scenario`] | an enterprise described in a file |
//! | [`plan`] | the same made concrete by a seed: hosts, contents, every download with its moment |
//! | [`flow`] | the flow engine: messages as sizes, links as fluids |
//! | [`packet`] | the packet engine: the servers and the client of node, as they ship, on simulated hosts |
//! | [`engine`] | which of them carries a plan out |
//! | [`outcome`], [`summary`] | what happened, and what came out in numbers |
//! | [`series`], [`baseline`] | what flowed when, and what would have flowed without caching |
//! | [`statistics`], [`results`] | several runs as one, and all of it on disk |
//! | [`report`], [`plots`] | a run as a page to look at, and as figures for papers |
//! | [`sweep`] | a scenario with other values, over and over |
//! | [`hunt`] | faults that seeds draw, and those of them that break something |
//! | [`builtin`] | the scenarios that come with the program |
//! | [`tuning`] | what a scenario says of hosts, as settings of machines |
//! | [`chance`] | numbers that follow from a seed, the same on every machine |

pub mod baseline;
pub mod builtin;
pub mod chance;
pub mod engine;
pub mod flow;
mod healing;
pub mod hunt;
pub mod outcome;
pub mod packet;
pub mod plan;
pub mod plots;
pub mod report;
pub mod results;
pub mod scenario;
pub mod series;
pub mod statistics;
pub mod summary;
pub mod sweep;
pub mod tuning;
