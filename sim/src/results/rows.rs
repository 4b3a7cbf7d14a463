//! The rows of `timeseries.parquet` and `transfers.parquet` (docs/RESULTS.md).
//! Invariant: units are in the names of columns; rows come in the order of branches and of time.
//! Unit: bytes; seconds since the beginning.

use std::sync::Arc;

use super::ResultsError;
use super::table::{Kind, Table, Value};
use super::timeline::Timeline;
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::series::BRANCHES_RECORDED_MOST;
use crate::summary::seconds;

/// What stands for all branches together.
pub const ALL_BRANCHES: &str = "*";

/// The columns of `timeseries.parquet`.
pub const TIMESERIES: &[(&str, Kind)] = &[
    ("seed", Kind::Whole),
    ("branch", Kind::Text),
    ("time_seconds", Kind::Number),
    ("bin_seconds", Kind::Number),
    ("wan_down_bytes", Kind::Whole),
    ("wan_up_bytes", Kind::Whole),
    ("wan_down_bytes_without_caching", Kind::Whole),
    ("bytes_from_origin", Kind::Whole),
    ("bytes_from_peers", Kind::Whole),
    ("bytes_from_hosted_cache", Kind::Whole),
    ("bytes_from_local_cache", Kind::Whole),
    ("downloads_begun", Kind::Whole),
    ("downloads_ended", Kind::Whole),
    ("downloads_active_most", Kind::Whole),
];

/// The columns of `transfers.parquet`.
pub const TRANSFERS: &[(&str, Kind)] = &[
    ("seed", Kind::Whole),
    ("branch", Kind::Text),
    ("host", Kind::Whole),
    ("host_group", Kind::Text),
    ("content", Kind::Text),
    ("content_bytes", Kind::Whole),
    ("began_seconds", Kind::Number),
    ("ended_seconds", Kind::Number),
    ("duration_seconds", Kind::Number),
    ("is_complete", Kind::Bool),
    ("bytes_from_origin", Kind::Whole),
    ("bytes_from_peers", Kind::Whole),
    ("bytes_from_hosted_cache", Kind::Whole),
    ("bytes_from_local_cache", Kind::Whole),
];

pub(super) fn timeseries(
    table: &mut Table,
    plan: &Plan,
    outcome: &Outcome,
) -> Result<(), ResultsError> {
    let mut write = |branch: &str, timeline: &Timeline| {
        let branch: Arc<str> = branch.into();
        let bin = seconds(timeline.bin_ns);
        for (number, row) in (0_u64..).zip(&timeline.rows) {
            let [down, up, origin, peers, hosted, local] = row.bytes;
            table.row([
                plan.seed.into(),
                (&branch).into(),
                seconds(number * timeline.bin_ns).into(),
                bin.into(),
                down.into(),
                up.into(),
                row.without.into(),
                origin.into(),
                peers.into(),
                hosted.into(),
                local.into(),
                row.begun.into(),
                row.ended.into(),
                row.active.into(),
            ])?;
        }
        Ok(())
    };
    write(ALL_BRANCHES, &Timeline::of_all(plan, outcome))?;
    if plan.sites.len() <= BRANCHES_RECORDED_MOST {
        for (site, branch) in plan.sites.iter().zip(&outcome.sites) {
            write(&site.label(), &Timeline::of_one(plan, site, branch))?;
        }
    }
    Ok(())
}

pub(super) fn transfers(
    table: &mut Table,
    plan: &Plan,
    outcome: &Outcome,
) -> Result<(), ResultsError> {
    let groups: Vec<Arc<str>> = plan.groups.iter().map(|it| it.0.as_str().into()).collect();
    let contents: Vec<(Arc<str>, u64)> = plan
        .contents
        .iter()
        .map(|content| (content.name.as_str().into(), content.size))
        .collect();
    let nobody: Arc<str> = "".into();
    for (site, branch) in plan.sites.iter().zip(&outcome.sites) {
        let label: Arc<str> = site.label().into();
        for transfer in &branch.transfers {
            let group = site.hosts.get(transfer.host as usize);
            let group = group.and_then(|group| groups.get(usize::from(*group)));
            let content = contents.get(transfer.content as usize);
            let (began, ended) = (transfer.began.as_nanos(), transfer.ended.as_nanos());
            let values: [Value; 14] = [
                plan.seed.into(),
                (&label).into(),
                u64::from(transfer.host).into(),
                group.unwrap_or(&nobody).into(),
                content.map_or(&nobody, |(name, _)| name).into(),
                content.map_or(0, |(_, size)| *size).into(),
                seconds(began).into(),
                seconds(ended).into(),
                seconds(ended.saturating_sub(began)).into(),
                transfer.is_complete.into(),
                transfer.shares.origin.into(),
                transfer.shares.peers.into(),
                transfer.shares.hosted_cache.into(),
                transfer.shares.local_cache.into(),
            ];
            table.row(values)?;
        }
    }
    Ok(())
}
