//! What the page of a run shows, in numbers: gathered from plan and outcome, written out as JSON.
//! Invariant: bounded, however many hosts and branches there are.
//! Unit: bytes; seconds since the beginning; bits a second.

use serde::Serialize;

use crate::outcome::{Outcome, Shares, SiteOutcome};
use crate::plan::{Plan, SitePlan};
use crate::results::timeline::Timeline;
use crate::statistics::Mean;
use crate::summary::{Completion, Summary, seconds};

/// Branches in the table.
const BRANCHES_LISTED_MOST: usize = 2_000;
/// Points of a curve of completion times.
const POINTS_MOST: usize = 400;
/// Groups of hosts that have a curve of their own.
const CURVES_MOST: usize = 5;

/// Something that befell the network, marked on the axis of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// When it began.
    pub at_seconds: f64,
    /// When it was over, where it lasted.
    pub until_seconds: Option<f64>,
    /// What it was.
    pub label: String,
}

/// Everything that the page shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What the scenario is called.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Where its numbers come from.
    pub sources: Vec<String>,
    /// The seed of the run that is shown.
    pub seed: u64,
    /// What carried it out.
    pub engine: String,
    /// Of this program.
    pub version: &'static str,
    /// What repeats it.
    pub command: String,
    /// SHA-256 of `scenario.yaml`.
    pub scenario_sha256: String,
    /// The figures of the run that is shown.
    pub summary: Summary,
    /// Those of all runs, where there are several.
    pub means: Vec<(String, Mean)>,
    expectations: Vec<Expected>,
    /// What befell the network.
    pub marks: Vec<Mark>,
    timeline: Columns,
    curves: Vec<Curve>,
    sites: Vec<SiteShown>,
    hosts: u64,
    branches: Vec<BranchShown>,
    branches_in_all: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Expected {
    text: String,
    is_met: bool,
    found: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub(crate) struct Columns {
    pub(crate) bin_seconds: f64,
    pub(crate) line_down_bits_per_second: u64,
    pub(crate) wan_down_bytes: Vec<u64>,
    pub(crate) wan_up_bytes: Vec<u64>,
    pub(crate) wan_down_bytes_without_caching: Vec<u64>,
    pub(crate) bytes_from_origin: Vec<u64>,
    pub(crate) bytes_from_peers: Vec<u64>,
    pub(crate) bytes_from_hosted_cache: Vec<u64>,
    pub(crate) bytes_from_local_cache: Vec<u64>,
    pub(crate) downloads_active: Vec<u64>,
}

/// How long downloads took: values at equal distances from the shortest to the longest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) downloads: u64,
    pub(crate) complete: u64,
    pub(crate) seconds: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct SiteShown {
    name: String,
    copies: u32,
    down_bits_per_second: u64,
    up_bits_per_second: u64,
    latency_seconds: f64,
    has_hosted_cache: bool,
    groups: Vec<GroupShown>,
    wan_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct GroupShown {
    name: String,
    count: u32,
    mode: serde_json::Value,
    version: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct BranchShown {
    name: String,
    hosts: usize,
    downloads: usize,
    failed: usize,
    wan_bytes: u64,
    wan_bytes_without_caching: u64,
    wan_saved_percent: f64,
    bytes_from_origin: u64,
    bytes_from_peers: u64,
    bytes_from_hosted_cache: u64,
    bytes_from_local_cache: u64,
    completion_seconds: Completion,
}

impl Report {
    /// Of a run; what is known of it only later stays empty.
    #[must_use]
    pub fn new(
        name: &str,
        engine: &str,
        plan: &Plan,
        outcome: &Outcome,
        summary: &Summary,
    ) -> Self {
        let pairs = || plan.sites.iter().zip(&outcome.sites);
        let expect = plan.scenario.expect.iter().map(|expectation| Expected {
            text: expectation.to_string(),
            is_met: expectation.is_met(summary),
            found: summary.figure(&expectation.figure).unwrap_or_default(),
        });
        Self {
            name: name.to_owned(),
            about: plan.scenario.about.clone(),
            sources: plan.scenario.sources.clone(),
            seed: plan.seed,
            engine: engine.to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            command: String::new(),
            scenario_sha256: String::new(),
            summary: summary.clone(),
            means: Vec::new(),
            expectations: expect.collect(),
            marks: super::marks::of(plan),
            timeline: columns(plan, outcome),
            curves: curves(plan, outcome),
            sites: sites(plan, outcome),
            hosts: plan.host_count(),
            branches: pairs()
                .take(BRANCHES_LISTED_MOST)
                .map(|(site, branch)| shown(plan, site, branch))
                .collect(),
            branches_in_all: plan.sites.len(),
        }
    }

    pub(crate) const fn timeline(&self) -> &Columns {
        &self.timeline
    }

    pub(crate) fn curves(&self) -> &[Curve] {
        &self.curves
    }
}

fn columns(plan: &Plan, outcome: &Outcome) -> Columns {
    let timeline = Timeline::of_all(plan, outcome);
    let mut columns = Columns {
        bin_seconds: seconds(timeline.bin_ns),
        line_down_bits_per_second: plan.sites.iter().map(|it| it.site.link.down.0).sum(),
        ..Columns::default()
    };
    for row in &timeline.rows {
        let [down, up, origin, peers, hosted, local] = row.bytes;
        columns.wan_down_bytes.push(down);
        columns.wan_up_bytes.push(up);
        columns.wan_down_bytes_without_caching.push(row.without);
        columns.bytes_from_origin.push(origin);
        columns.bytes_from_peers.push(peers);
        columns.bytes_from_hosted_cache.push(hosted);
        columns.bytes_from_local_cache.push(local);
        columns.downloads_active.push(row.active);
    }
    columns
}

fn curves(plan: &Plan, outcome: &Outcome) -> Vec<Curve> {
    let mut times: Vec<(u64, Vec<u64>)> = vec![(0, Vec::new()); plan.groups.len()];
    for (site, branch) in plan.sites.iter().zip(&outcome.sites) {
        for transfer in &branch.transfers {
            let group = site.hosts.get(transfer.host as usize);
            let Some(of) = group.and_then(|group| times.get_mut(usize::from(*group))) else {
                continue;
            };
            of.0 += 1;
            if transfer.is_complete {
                let (began, ended) = (transfer.began.as_nanos(), transfer.ended.as_nanos());
                of.1.push(ended.saturating_sub(began));
            }
        }
    }
    let mut named: Vec<(String, u64, Vec<u64>)> = plan
        .groups
        .iter()
        .zip(times)
        .map(|((name, _), (count, times))| (name.clone(), count, times))
        .filter(|(_, count, _)| *count > 0)
        .collect();
    if named.len() != 1 {
        let count = named.iter().map(|(_, count, _)| count).sum();
        let all = named.iter().flat_map(|(.., times)| times).copied();
        let all = ("all downloads".to_owned(), count, all.collect());
        if named.len() > CURVES_MOST {
            named.clear();
        }
        named.insert(0, all);
    }
    let curve = |(name, downloads, mut nanos): (String, u64, Vec<u64>)| {
        nanos.sort_unstable();
        let points = nanos.len().min(POINTS_MOST);
        let last = nanos.len().saturating_sub(1);
        let point = |number: usize| match points {
            0 | 1 => nanos.first(),
            _ => nanos.get(number * last / (points - 1)),
        };
        Curve {
            name,
            downloads,
            complete: nanos.len() as u64,
            seconds: (0..points)
                .filter_map(point)
                .map(|it| seconds(*it))
                .collect(),
        }
    };
    named.into_iter().map(curve).collect()
}

fn sites(plan: &Plan, outcome: &Outcome) -> Vec<SiteShown> {
    let of = |(name, site): (&String, &crate::scenario::Site)| {
        let groups = plan.groups.iter().filter(|(_, group)| {
            let mut sites = plan.scenario.sites_of(group);
            sites.any(|it| it == name)
        });
        let branches = plan.sites.iter().zip(&outcome.sites);
        let own = branches.filter(|(plan, _)| plan.name == *name);
        SiteShown {
            name: name.clone(),
            copies: site.copies,
            down_bits_per_second: site.link.down.0,
            up_bits_per_second: site.link.up().0,
            latency_seconds: seconds(site.link.latency.0),
            has_hosted_cache: site.hosted_cache.is_some(),
            groups: groups
                .map(|(name, group)| GroupShown {
                    name: name.clone(),
                    count: group.count,
                    mode: serde_json::to_value(group.mode).unwrap_or_default(),
                    version: group.version,
                })
                .collect(),
            wan_bytes: own.map(|(_, it)| it.wan_down_bytes + it.wan_up_bytes).sum(),
        }
    };
    plan.scenario.sites.iter().map(of).collect()
}

fn shown(plan: &Plan, site: &SitePlan, branch: &SiteOutcome) -> BranchShown {
    let sum = |of: fn(&Shares) -> u64| branch.transfers.iter().map(|it| of(&it.shares)).sum();
    let complete = branch.transfers.iter().filter(|it| it.is_complete);
    let times: Vec<u64> = complete
        .map(|it| it.ended.as_nanos().saturating_sub(it.began.as_nanos()))
        .collect();
    let size = |content: u32| plan.contents.get(content as usize).map_or(0, |it| it.size);
    let without: u64 = branch.transfers.iter().map(|it| size(it.content)).sum();
    let wan_bytes = branch.wan_down_bytes + branch.wan_up_bytes;
    BranchShown {
        name: site.label(),
        hosts: site.hosts.len(),
        downloads: branch.transfers.len(),
        failed: branch.transfers.len() - times.len(),
        wan_bytes,
        wan_bytes_without_caching: without,
        wan_saved_percent: match without {
            0 => 0.0,
            without => 100.0 * (1.0 - wan_bytes as f64 / without as f64),
        },
        bytes_from_origin: sum(|it| it.origin),
        bytes_from_peers: sum(|it| it.peers),
        bytes_from_hosted_cache: sum(|it| it.hosted_cache),
        bytes_from_local_cache: sum(|it| it.local_cache),
        completion_seconds: Completion::of(times),
    }
}
