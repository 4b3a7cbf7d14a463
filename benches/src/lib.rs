//! Every number of peerdist beside its rival, measured in the same run on the same machine.
//!
//! | part | what it is |
//! |---|---|
//! | [`pairs`] | taking samples of both sides in turn; the one place that reads the clock |
//! | [`stats`] | quiet pairs, medians, noise |
//! | [`pinning`], [`machine`] | where runs run, and what the CPU can do |
//! | [`core_share`] | whether a core is ours alone while we measure |
//! | [`rivals`] | what somebody would use instead |
//! | [`workload`] | the bytes worked on |
//! | [`rows`] | what is measured against what |
//! | [`gates`] | floors and targets, verdicts |
//! | [`cutting_quality`], [`quality`] | what cutting by content keeps of edited contents, and its subcommand |
//! | [`scale`] | how the time of a simulation grows with its hosts |
//! | [`report`], [`ratios`] | the table, JSON, and the subcommand that prints them |

pub mod core_share;
pub mod cutting_quality;
pub mod engines;
pub mod gates;
pub mod machine;
pub mod pairs;
pub mod pinning;
pub mod quality;
pub mod ratios;
pub mod report;
pub mod rivals;
pub mod rows;
pub mod scale;
pub mod stats;
pub mod workload;
