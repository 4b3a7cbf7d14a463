//! What came out of a run, in numbers.
//! Invariant: units are in the names; every figure that a scenario may expect something of is in [`Summary::FIGURES`].
//! Byte order: none.

use serde::{Deserialize, Serialize};

/// The figures of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Summary {
    /// What went over the lines between branches and data centre, in both directions.
    pub wan_bytes: u64,
    /// What would have gone over them had everybody fetched everything from the origin.
    pub wan_bytes_without_caching: u64,
    /// How much less that is, in percent.
    pub wan_saved_percent: f64,
    /// Content that the origin gave.
    pub bytes_from_origin: u64,
    /// Content that neighbours gave.
    pub bytes_from_peers: u64,
    /// Content that hosted caches gave.
    pub bytes_from_hosted_cache: u64,
    /// Content that was there already.
    pub bytes_from_local_cache: u64,
    /// Content information.
    pub metadata_bytes: u64,
    /// Probes and matches.
    pub discovery_bytes: u64,
    /// How long downloads took.
    pub completion_seconds: Completion,
    /// Downloads that were begun.
    pub downloads: u64,
    /// Those of them that did not end well.
    pub failed: u64,
    /// A hash over everything that happened: equal where two runs were.
    pub trace_hash: String,
}

/// How long downloads took, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Completion {
    /// Half of them at most.
    pub p50: f64,
    /// Nine of ten at most.
    pub p90: f64,
    /// All but one of a hundred at most.
    pub p99: f64,
    /// All of them at most.
    pub max: f64,
}

impl Completion {
    /// Of all times, in nanoseconds.
    #[must_use]
    pub fn of(mut nanos: Vec<u64>) -> Self {
        nanos.sort_unstable();
        let at = |percent: usize| {
            let rank = (nanos.len() * percent).div_ceil(100).max(1);
            nanos.get(rank - 1).map_or(0.0, |&nanos| seconds(nanos))
        };
        Self {
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }
}

/// Nanoseconds in seconds.
#[must_use]
pub fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

impl Summary {
    /// The figures that can be expected something of.
    pub const FIGURES: &'static [&'static str] = &[
        "wan_bytes",
        "wan_bytes_without_caching",
        "wan_saved_percent",
        "bytes_from_origin",
        "bytes_from_peers",
        "bytes_from_hosted_cache",
        "bytes_from_local_cache",
        "metadata_bytes",
        "discovery_bytes",
        "completion_seconds.p50",
        "completion_seconds.p90",
        "completion_seconds.p99",
        "completion_seconds.max",
        "downloads",
        "failed",
    ];

    /// What the counters of Windows would show, of all hosts together: those that count the same.
    #[must_use]
    pub const fn branchcache(&self) -> [(&'static str, u64); 4] {
        let from_cache =
            self.bytes_from_peers + self.bytes_from_hosted_cache + self.bytes_from_local_cache;
        [
            (r"BranchCache\Retrieval: Bytes from cache", from_cache),
            (
                r"BranchCache\Retrieval: Bytes from server",
                self.bytes_from_origin,
            ),
            (r"BranchCache Kernel Mode\Hash Bytes", self.metadata_bytes),
            (
                r"BranchCache Kernel Mode\Projected Server Bytes Without Caching",
                self.wan_bytes_without_caching,
            ),
        ]
    }

    /// A figure by its name.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<f64> {
        Some(match name {
            "wan_bytes" => self.wan_bytes as f64,
            "wan_bytes_without_caching" => self.wan_bytes_without_caching as f64,
            "wan_saved_percent" => self.wan_saved_percent,
            "bytes_from_origin" => self.bytes_from_origin as f64,
            "bytes_from_peers" => self.bytes_from_peers as f64,
            "bytes_from_hosted_cache" => self.bytes_from_hosted_cache as f64,
            "bytes_from_local_cache" => self.bytes_from_local_cache as f64,
            "metadata_bytes" => self.metadata_bytes as f64,
            "discovery_bytes" => self.discovery_bytes as f64,
            "completion_seconds.p50" => self.completion_seconds.p50,
            "completion_seconds.p90" => self.completion_seconds.p90,
            "completion_seconds.p99" => self.completion_seconds.p99,
            "completion_seconds.max" => self.completion_seconds.max,
            "downloads" => self.downloads as f64,
            "failed" => self.failed as f64,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_can_be_had_by_its_name_and_no_number_lacks_one() {
        let summary = Summary::default();
        for name in Summary::FIGURES {
            assert!(summary.figure(name).is_some(), "{name}");
        }
        let value = serde_json::to_value(&summary).unwrap();
        let mut numbers = Vec::new();
        for (name, value) in value.as_object().unwrap() {
            match value {
                serde_json::Value::Number(_) => numbers.push(name.clone()),
                serde_json::Value::Object(inner) => {
                    numbers.extend(inner.keys().map(|key| format!("{name}.{key}")));
                }
                _ => {}
            }
        }
        numbers.sort();
        let mut figures = Summary::FIGURES.to_vec();
        figures.sort_unstable();
        assert_eq!(numbers, figures);
    }

    #[test]
    fn percentiles_are_times_that_occurred() {
        let nanos = (1..=200).map(|second| second * 1_000_000_000).collect();
        let completion = Completion::of(nanos);
        assert_eq!((completion.p50, completion.p90), (100.0, 180.0));
        assert_eq!((completion.p99, completion.max), (198.0, 200.0));
        assert_eq!(Completion::of(Vec::new()).max, 0.0);
    }
}
