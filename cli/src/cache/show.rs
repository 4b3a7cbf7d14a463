//! `peerdist cache ls` and `peerdist cache show`.

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;

use peerdist::content::Version;
use peerdist::retrieval::BlockSet;
use peerdist_node::store::{SegmentFacts, SegmentSummary, Statistics, StoreHandle};
use serde::Serialize;

use super::{existing, failed, for_each, inspected, segment_id};
use crate::args::{CacheLsArgs, CacheShowArgs};
use crate::failure::Failure;
use crate::print::{count, hex};

#[derive(Serialize)]
struct SegmentJson {
    id: String,
    version: Option<&'static str>,
    length: Option<u32>,
    state: &'static str,
    verified_blocks: Vec<[u32; 2]>,
    sealed_blocks: Vec<[u32; 2]>,
    stored_bytes: u64,
    since_unix_ms: u64,
    used_unix_ms: u64,
}

#[derive(Serialize)]
struct StatisticsJson {
    verified_bytes: u64,
    verified_bytes_limit: u64,
    verified_segments: u64,
    verified_blocks: u64,
    sealed_bytes: u64,
    sealed_bytes_limit: u64,
    sealed_segments: u64,
    sealed_blocks: u64,
    disk_full: bool,
}

pub(super) fn list(args: &CacheLsArgs) -> Result<ExitCode, Failure> {
    let store = existing(&args.store)?;
    let statistics = store.statistics().map_err(|error| failed(&error))?;
    let mut out = BufWriter::new(stdout().lock());
    if args.json {
        list_json(&mut out, &store, &statistics)?;
    } else {
        list_text(&mut out, &store, &statistics)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Segments are written as they are read, however many there are.
fn list_json(
    out: &mut impl Write,
    store: &StoreHandle,
    statistics: &Statistics,
) -> Result<(), Failure> {
    write!(out, "{{\n\"statistics\": ")?;
    serde_json::to_writer(&mut *out, &statistics_json(statistics))?;
    write!(out, ",\n\"segments\": [")?;
    let mut separator = "\n";
    for_each(store, |summary| {
        write!(out, "{separator}")?;
        separator = ",\n";
        Ok(serde_json::to_writer(&mut *out, &segment_json(summary))?)
    })?;
    Ok(writeln!(out, "\n]\n}}")?)
}

fn list_text(
    out: &mut impl Write,
    store: &StoreHandle,
    statistics: &Statistics,
) -> Result<(), Failure> {
    for (name, segments, blocks, bytes) in [
        (
            "verified",
            statistics.verified_segments,
            statistics.verified_blocks,
            statistics.verified_bytes,
        ),
        (
            "sealed",
            statistics.sealed_segments,
            statistics.sealed_blocks,
            statistics.sealed_bytes,
        ),
    ] {
        writeln!(
            out,
            "{name:<9} {}, {}, {}",
            count(segments, "segment"),
            count(blocks, "block"),
            count(bytes, "byte")
        )?;
    }
    if statistics.is_disk_full {
        writeln!(
            out,
            "disk      full: nothing more is kept until there is room"
        )?;
    }
    let [version, length, verified, sealed] = ["version", "length", "verified", "sealed"];
    writeln!(
        out,
        "\n{version:>7} {length:>9} {verified:>8} {sealed:>6}  {:<8}  id (HoHoDk)",
        "state"
    )?;
    for_each(store, |summary| {
        Ok(writeln!(
            out,
            "{:>7} {:>9} {:>8} {:>6}  {:<8}  {}",
            version_of(summary).unwrap_or("-"),
            summary
                .length
                .map_or("-".to_owned(), |length| length.to_string()),
            summary.verified.len(),
            summary.sealed.len(),
            state(summary),
            summary.id
        )?)
    })
}

pub(super) fn show(args: &CacheShowArgs) -> Result<ExitCode, Failure> {
    let store = existing(&args.store)?;
    let id = segment_id(&args.segment)?;
    let summary = inspected(&store, &id)?;
    let facts = store.facts(&id).map_err(|error| failed(&error))?;
    let mut out = BufWriter::new(stdout().lock());
    if args.json {
        serde_json::to_writer_pretty(&mut out, &segment_json(&summary))?;
        writeln!(out)?;
    } else {
        show_text(&mut out, &summary, facts.as_deref())?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn show_text(
    out: &mut impl Write,
    summary: &SegmentSummary,
    facts: Option<&SegmentFacts>,
) -> Result<(), Failure> {
    writeln!(out, "id        {}", summary.id)?;
    writeln!(out, "state     {}", state(summary))?;
    if let Some(facts) = facts {
        writeln!(out, "version   {}", version_of(summary).unwrap_or("-"))?;
        writeln!(out, "hash      {}", facts.hash)?;
        writeln!(out, "length    {}", count(facts.length.into(), "byte"))?;
        writeln!(out, "HoD       {}", hex(facts.hash_of_data.0.as_bytes()))?;
        writeln!(
            out,
            "hashes    {}/{}",
            facts.hashed.len(),
            facts.block_count()
        )?;
    }
    writeln!(out, "verified  {}", ranges_text(&summary.verified))?;
    writeln!(out, "sealed    {}", ranges_text(&summary.sealed))?;
    Ok(writeln!(out, "stored    {}", count(summary.bytes, "byte"))?)
}

/// `waiting` is what no content information has tied to its id yet, and what is not served before.
fn state(summary: &SegmentSummary) -> &'static str {
    match (summary.verified.is_empty(), summary.is_proven) {
        (false, true) => "verified",
        (false, false) => "waiting",
        (true, _) if summary.sealed.is_empty() => "empty",
        (true, _) => "sealed",
    }
}

fn version_of(summary: &SegmentSummary) -> Option<&'static str> {
    summary.version.map(|version| match version {
        Version::V1 => "1.0",
        Version::V2 => "2.0",
    })
}

fn ranges(blocks: &BlockSet) -> Vec<[u32; 2]> {
    let ranges = blocks.ranges();
    ranges
        .map(|range| [range.first().get(), range.end()])
        .collect()
}

fn ranges_text(blocks: &BlockSet) -> String {
    let ranges: Vec<String> = ranges(blocks)
        .iter()
        .map(|[first, end]| format!("{first}..{end}"))
        .collect();
    if ranges.is_empty() {
        return "no blocks".to_owned();
    }
    format!(
        "{} ({})",
        ranges.join(" "),
        count(blocks.len().into(), "block")
    )
}

fn segment_json(summary: &SegmentSummary) -> SegmentJson {
    SegmentJson {
        id: summary.id.to_string(),
        version: version_of(summary),
        length: summary.length,
        state: state(summary),
        verified_blocks: ranges(&summary.verified),
        sealed_blocks: ranges(&summary.sealed),
        stored_bytes: summary.bytes,
        since_unix_ms: summary.since / 1_000_000,
        used_unix_ms: summary.used / 1_000_000,
    }
}

const fn statistics_json(statistics: &Statistics) -> StatisticsJson {
    StatisticsJson {
        verified_bytes: statistics.verified_bytes,
        verified_bytes_limit: statistics.verified_bytes_limit,
        verified_segments: statistics.verified_segments,
        verified_blocks: statistics.verified_blocks,
        sealed_bytes: statistics.sealed_bytes,
        sealed_bytes_limit: statistics.sealed_bytes_limit,
        sealed_segments: statistics.sealed_segments,
        sealed_blocks: statistics.sealed_blocks,
        disk_full: statistics.is_disk_full,
    }
}
