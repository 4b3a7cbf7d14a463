//! `peerdist cache export` and `peerdist cache import`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;

use peerdist::content::SegmentId;
use peerdist_node::store::{self, PackageError};
use serde::Serialize;

use super::{existing, inspected, opened, segment_id};
use crate::args::{CacheExportArgs, CacheImportArgs};
use crate::destination::{Destination, Opened};
use crate::failure::Failure;
use crate::print::count;

const BUFFER_BYTES: usize = 1 << 20;

pub(super) fn export(args: &CacheExportArgs) -> Result<ExitCode, Failure> {
    let destination = Destination::of(Some(&args.output));
    destination.refuse_terminal("a package")?;
    let store = existing(&args.store)?;
    let ids: Result<BTreeSet<SegmentId>, Failure> =
        args.segment.iter().map(|text| segment_id(text)).collect();
    let ids = ids?;
    ids.iter()
        .try_for_each(|id| inspected(&store, id).map(drop))?;
    let wanted = |id: &SegmentId| ids.is_empty() || ids.contains(id);
    match destination.open()? {
        Opened::Stdout => {
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, stdout().lock());
            match store::export(&store, args.secrets, wanted, &mut out) {
                Ok(_) => out.flush()?,
                Err(PackageError::Io(error)) => return Err(error.into()),
                Err(error) => return Err(Failure::usage(error)),
            }
        }
        Opened::File(file) => {
            let mut exported = store::Exported::default();
            let written = file.finish_with(|file| {
                let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
                let written = store::export(&store, args.secrets, wanted, &mut file);
                exported = written.map_err(|error| match error {
                    PackageError::Io(error) => error,
                    error => io::Error::other(error),
                })?;
                file.flush()
            });
            written.map_err(Failure::usage)?;
            let mut out = stdout().lock();
            writeln!(
                out,
                "{}, {}, {}",
                count(exported.segments, "segment"),
                count(exported.blocks, "block"),
                count(exported.bytes, "byte")
            )?;
            out.flush()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct ImportedJson {
    segments: u64,
    kept: u64,
    there: u64,
    no_room: u64,
    unverifiable: u64,
    waiting_segments: u64,
}

pub(super) fn import(args: &CacheImportArgs) -> Result<ExitCode, Failure> {
    let name = args.package.display();
    let from: Box<dyn Read> = if args.package == Path::new("-") {
        Box::new(stdin())
    } else {
        let file = File::open(&args.package);
        Box::new(file.map_err(|error| Failure::usage(format_args!("cannot open {name}: {error}")))?)
    };
    let mut from = BufReader::with_capacity(BUFFER_BYTES, from);
    let store = opened(&args.store)?;
    peerdist_node::kernels::calibrate();
    let imported = store::import(&store, &mut from);
    let imported = imported.map_err(|error| Failure::usage(format_args!("{name}: {error}")))?;
    let mut out = stdout().lock();
    if args.json {
        let json = ImportedJson {
            segments: imported.segments,
            kept: imported.kept,
            there: imported.there,
            no_room: imported.no_room,
            unverifiable: imported.unverifiable,
            waiting_segments: imported.waiting,
        };
        serde_json::to_writer_pretty(&mut out, &json)?;
        writeln!(out)?;
    } else {
        writeln!(
            out,
            "{}: {} kept, {} were there",
            count(imported.segments, "segment"),
            count(imported.kept, "block"),
            imported.there
        )?;
        for (number, why) in [
            (imported.no_room, "found no room"),
            (
                imported.unverifiable,
                "not kept, for nothing proves their hashes",
            ),
        ] {
            if number > 0 {
                writeln!(out, "{}: {why}", count(number, "block"))?;
            }
        }
        if imported.waiting > 0 {
            writeln!(
                out,
                "{} not served before content information of it is met: the package has no secrets",
                count(imported.waiting, "segment")
            )?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
