//! What happened in a run: every download, every line, and a hash over all of it.
//! Invariant: the same for both engines; a summary follows from it alone.
//! Byte order: numbers in the trace are little-endian.

use std::fmt::Write;

use peerdist::time::Instant;
pub use peerdist_node::get::Shares;
use sha2::{Digest, Sha256};

use crate::plan::Plan;
use crate::series::Series;
use crate::summary::{Completion, Summary};

/// All that is known of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The branches, in the order of the plan.
    pub sites: Vec<SiteOutcome>,
    /// What flowed when, in all branches together.
    pub series: Series,
}

/// What happened in a branch.
#[derive(Debug, Default)]
pub struct SiteOutcome {
    /// Its downloads, in the order of their ends.
    pub transfers: Vec<Transfer>,
    /// Bytes from the data centre.
    pub wan_down_bytes: u64,
    /// Bytes to the data centre.
    pub wan_up_bytes: u64,
    /// Content information that came.
    pub metadata_bytes: u64,
    /// Probes and matches.
    pub discovery_bytes: u64,
    /// What flowed when; empty where there are more branches than have a series of their own.
    pub series: Series,
    /// Blocks that went from one host to the other.
    pub blocks: u64,
    /// Those of them that were many in one step of the flow engine.
    pub burst_blocks: u64,
    /// What was not as it must be: nothing, or the engine is wrong.
    pub violations: Vec<String>,
    /// The hash of its trace.
    pub trace: [u8; 32],
}

/// A download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// The host, by its number in the branch.
    pub host: u32,
    /// The content, by its number.
    pub content: u32,
    /// When it began.
    pub began: Instant,
    /// When it ended.
    pub ended: Instant,
    /// Whether all of it came.
    pub is_complete: bool,
    /// Where it came from.
    pub shares: Shares,
}

impl Outcome {
    /// The figures.
    #[must_use]
    pub fn summary(&self, plan: &Plan) -> Summary {
        let mut summary = Summary::default();
        let mut times = Vec::new();
        let mut trace = Sha256::new();
        for site in &self.sites {
            summary.wan_bytes += site.wan_down_bytes + site.wan_up_bytes;
            summary.metadata_bytes += site.metadata_bytes;
            summary.discovery_bytes += site.discovery_bytes;
            trace.update(site.trace);
            for transfer in &site.transfers {
                summary.downloads += 1;
                let content = plan.contents.get(transfer.content as usize);
                summary.wan_bytes_without_caching += content.map_or(0, |content| content.size);
                summary.bytes_from_origin += transfer.shares.origin;
                summary.bytes_from_peers += transfer.shares.peers;
                summary.bytes_from_hosted_cache += transfer.shares.hosted_cache;
                summary.bytes_from_local_cache += transfer.shares.local_cache;
                if transfer.is_complete {
                    times.push(transfer.ended.since(transfer.began).as_nanos());
                } else {
                    summary.failed += 1;
                }
            }
        }
        let times = times
            .into_iter()
            .filter_map(|nanos| u64::try_from(nanos).ok());
        summary.completion_seconds = Completion::of(times.collect());
        summary.wan_saved_percent = match summary.wan_bytes_without_caching {
            0 => 0.0,
            without => 100.0 * (1.0 - summary.wan_bytes as f64 / without as f64),
        };
        summary.trace_hash = hex(&trace.finalize());
        summary
    }

    /// What was not as it must be.
    pub fn violations(&self) -> impl Iterator<Item = &str> {
        self.sites
            .iter()
            .flat_map(|site| &site.violations)
            .map(String::as_str)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What happens, hashed in its order.
#[derive(Debug, Default)]
pub(crate) struct Trace(Sha256);

/// The kinds of things that a trace holds.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Traced {
    Begun = 1,
    Described = 2,
    Came = 3,
    BytesFromOrigin = 4,
    Probed = 5,
    Matched = 6,
    Ended = 7,
}

impl Trace {
    /// Something happened to a host.
    pub(crate) fn note(&mut self, at: Instant, what: Traced, host: u32, details: [u64; 3]) {
        let mut record = [0; 37];
        let fields = [at.as_nanos(), details[0], details[1], details[2]];
        record[0] = what as u8;
        record[1..5].copy_from_slice(&host.to_le_bytes());
        for (to, field) in record[5..].chunks_exact_mut(8).zip(fields) {
            to.copy_from_slice(&field.to_le_bytes());
        }
        self.0.update(record);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
