//! `peerdist cache`: what stands in a store of blocks, whoever has it open.

mod package;
mod show;

use std::io::{BufWriter, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use peerdist::content::SegmentId;
use peerdist::hash::Digest;
use peerdist_node::store::{SegmentSummary, StoreError, StoreHandle, StoreSettings};
use serde::Serialize;

use crate::args::{CacheCommand, CacheFlushArgs, CacheVerifyArgs};
use crate::failure::{self, Failure};
use crate::print::{count, from_hex};

pub(crate) fn run(command: &CacheCommand) -> Result<ExitCode, Failure> {
    match command {
        CacheCommand::Ls(args) => show::list(args),
        CacheCommand::Show(args) => show::show(args),
        CacheCommand::Verify(args) => verify(args),
        CacheCommand::Flush(args) => flush(args),
        CacheCommand::Export(args) => package::export(args),
        CacheCommand::Import(args) => package::import(args),
    }
}

fn failed(error: &StoreError) -> Failure {
    match error {
        StoreError::InUse { .. } | StoreError::Owner { .. } => Failure::unreachable(error),
        _ => Failure::usage(error),
    }
}

/// A store that is there: a name with a slip of the pen must not become a new store.
fn existing(directory: &Path) -> Result<StoreHandle, Failure> {
    if !directory.join("format").exists() {
        return Err(Failure::usage(format_args!(
            "there is no store in {}; expected the directory of one, such as 'peerdist cache import' makes",
            directory.display()
        )));
    }
    opened(directory)
}

fn opened(directory: &Path) -> Result<StoreHandle, Failure> {
    let store = StoreHandle::open(directory, &StoreSettings::default());
    let store = store.map_err(|error| failed(&error))?;
    if let StoreHandle::Owned(owned) = &store {
        for note in owned.opening_notes() {
            eprintln!("peerdist: {note}");
        }
    }
    Ok(store)
}

fn segment_id(text: &str) -> Result<SegmentId, Failure> {
    let id = from_hex(text).ok().and_then(|bytes| {
        let digest = Digest::try_from(bytes.as_slice());
        digest.ok().map(SegmentId)
    });
    id.ok_or_else(|| {
        Failure::usage(format_args!(
            "{text:?} is no segment id; expected 64, 96 or 128 hexadecimal digits, as 'peerdist cache ls' shows them"
        ))
    })
}

fn inspected(store: &StoreHandle, id: &SegmentId) -> Result<SegmentSummary, Failure> {
    let summary = store.inspect(id).map_err(|error| failed(&error))?;
    summary.ok_or_else(|| {
        Failure::usage(format_args!(
            "segment {id} is not in the store {}",
            store.directory().display()
        ))
    })
}

/// Does something for each segment, a page at a time.
fn for_each(
    store: &StoreHandle,
    mut each: impl FnMut(&SegmentSummary) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let page = store.list(after.as_ref()).map_err(|error| failed(&error))?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.id);
        page.iter().try_for_each(&mut each)?;
    }
}

#[derive(Serialize)]
struct VerifiedJson {
    segments: u64,
    good_blocks: u64,
    damaged: Vec<DamagedJson>,
}

#[derive(Serialize)]
struct DamagedJson {
    segment: String,
    blocks: Vec<u32>,
}

fn verify(args: &CacheVerifyArgs) -> Result<ExitCode, Failure> {
    let store = existing(&args.store)?;
    peerdist_node::kernels::calibrate();
    let mut found = VerifiedJson {
        segments: 0,
        good_blocks: 0,
        damaged: Vec::new(),
    };
    for_each(&store, |summary| {
        let verified = store.verify(&summary.id);
        let (good, damaged) = verified.map_err(|error| failed(&error))?;
        found.segments += 1;
        found.good_blocks += u64::from(good.len());
        if !damaged.is_empty() {
            found.damaged.push(DamagedJson {
                segment: summary.id.to_string(),
                blocks: damaged.iter().map(|index| index.get()).collect(),
            });
        }
        Ok(())
    })?;
    let print = || -> Result<(), Failure> {
        let mut out = BufWriter::new(stdout().lock());
        if args.json {
            serde_json::to_writer_pretty(&mut out, &found)?;
            writeln!(out)?;
            return Ok(out.flush()?);
        }
        for damaged in &found.damaged {
            for block in &damaged.blocks {
                writeln!(
                    out,
                    "damaged  block {block} of segment {}: set aside, no longer served",
                    damaged.segment
                )?;
            }
        }
        let (blocks, segments) = (found.good_blocks, found.segments);
        writeln!(
            out,
            "{} of {} good",
            count(blocks, "block"),
            count(segments, "segment")
        )?;
        Ok(out.flush()?)
    };
    failure::verdict(found.damaged.is_empty(), print())
}

fn flush(args: &CacheFlushArgs) -> Result<ExitCode, Failure> {
    let store = existing(&args.store)?;
    let mut gone = 0;
    if args.segment.is_empty() {
        gone = store.forget_all().map_err(|error| failed(&error))?;
    }
    let ids: Result<Vec<SegmentId>, Failure> =
        args.segment.iter().map(|text| segment_id(text)).collect();
    for id in ids? {
        inspected(&store, &id)?;
        store.forget(&id).map_err(|error| failed(&error))?;
        gone += 1;
    }
    store.flush().map_err(|error| failed(&error))?;
    let mut out = stdout().lock();
    writeln!(out, "{} removed", count(gone, "segment"))?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
