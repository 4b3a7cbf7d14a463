//! All runs of a sweep as tables: a row a run, a row an arm; and shards put together.
//! Invariant: tables are of complete sweeps; the same runs give the same bytes.
//! Format: CSV and Parquet.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::run::{Run, read_of};
use super::{HEADER, Header, RUNS, SweepError, json, run_file, write_whole};
use crate::results::table::{Kind, Table, Value};
use crate::results::{ResultsError, csv_text};
use crate::statistics::mean;
use crate::summary::Summary;

/// Runs that are named where some are missing.
const NAMED_MOST: usize = 8;

/// Writes the tables of a directory that has all runs.
pub(super) fn write(directory: &Path, header: &Header) -> Result<(), SweepError> {
    let runs = read_all(header, directory)?;
    write_whole(
        &directory.join("runs.csv"),
        runs_csv(header, &runs).as_bytes(),
    )?;
    write_whole(
        &directory.join("arms.csv"),
        arms_csv(header, &runs).as_bytes(),
    )?;
    let unfinished = directory.join(".unfinished-runs.parquet");
    runs_parquet(&unfinished, header, &runs)?;
    let path = directory.join("runs.parquet");
    fs::rename(&unfinished, &path).map_err(|source| ResultsError::Io { path, source })?;
    Ok(())
}

fn read_all(header: &Header, directory: &Path) -> Result<Vec<Run>, SweepError> {
    let count = header.arms.len() * header.seeds.len();
    let mut runs = Vec::with_capacity(count);
    let mut missing = Vec::new();
    for number in 0..count {
        match read_of(&header.sweep_sha256, directory, number)? {
            Some(run) => runs.push(run),
            None => missing.push(number),
        }
    }
    if missing.is_empty() {
        return Ok(runs);
    }
    let named: Vec<String> = missing
        .iter()
        .take(NAMED_MOST)
        .map(usize::to_string)
        .collect();
    let more = if missing.len() > NAMED_MOST {
        ", …"
    } else {
        ""
    };
    Err(SweepError::Directory {
        path: directory.to_owned(),
        why: format!(
            "{} of {count} runs are missing: {}{more}; finish their shards with --resume first",
            missing.len(),
            named.join(", "),
        ),
    })
}

/// Puts the shards of a sweep together into a directory that is not there yet; returns how many runs it has.
///
/// # Errors
/// [`SweepError`]: where they are not of one sweep, or not all of it.
pub fn merge(shards: &[PathBuf], out: &Path) -> Result<usize, SweepError> {
    let wrong = |path: &Path, why: String| SweepError::Directory {
        path: path.to_owned(),
        why,
    };
    if fs::symlink_metadata(out).is_ok() {
        let why = "is there already; choose another --out".to_owned();
        return Err(wrong(out, why));
    }
    let mut header: Option<Header> = None;
    for shard in shards {
        let path = shard.join(HEADER);
        let bytes = fs::read(&path).map_err(|error| wrong(&path, error.to_string()))?;
        let found: Header =
            serde_json::from_slice(&bytes).map_err(|error| wrong(&path, error.to_string()))?;
        if header.as_ref().is_some_and(|header| *header != found) {
            let why = "this is a shard of another sweep than those before it".to_owned();
            return Err(wrong(shard, why));
        }
        header = Some(found);
    }
    let Some(header) = header else {
        return Err(SweepError::Wrong("there is nothing to merge".to_owned()));
    };
    let parent = out.parent().filter(|it| !it.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let failed = |source| ResultsError::Io {
        path: out.to_owned(),
        source,
    };
    fs::create_dir_all(parent).map_err(failed)?;
    let made = tempfile::Builder::new()
        .prefix(".merging-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir_in(parent)
        .map_err(failed)?;
    let count = header.arms.len() * header.seeds.len();
    fs::create_dir(made.path().join(RUNS)).map_err(failed)?;
    for number in 0..count {
        let mut kept: Option<(&PathBuf, Run)> = None;
        for shard in shards {
            let Some(run) = read_of(&header.sweep_sha256, shard, number)? else {
                continue;
            };
            if kept.as_ref().is_some_and(|(_, kept)| *kept != run) {
                let why = "this run came out otherwise in another shard; one of them is damaged";
                return Err(wrong(&run_file(shard, number), why.to_owned()));
            }
            kept = Some((shard, run));
        }
        if let Some((shard, _)) = kept {
            // As it is: what is read and written again might differ in the last digit of a number.
            let (from, to) = (run_file(shard, number), run_file(made.path(), number));
            let copied = fs::copy(&from, &to);
            copied.map_err(|source| ResultsError::Io { path: to, source })?;
        }
    }
    write_whole(&made.path().join(HEADER), &json(&header)?)?;
    write(made.path(), &header).map_err(|error| match error {
        // What is missing is missing in the shards, not in a directory that nobody will see.
        SweepError::Directory { why, .. } => SweepError::Wrong(why),
        other => other,
    })?;
    fs::rename(made.path(), out).map_err(failed)?;
    Ok(count)
}

fn levels(header: &Header, arm: usize) -> impl Iterator<Item = &super::Level> {
    let arm = header.arms.get(arm);
    arm.into_iter().flat_map(|arm| &arm.levels)
}

fn shown(level: &super::Level) -> String {
    let number = level.number.map(|number| number.to_string());
    csv_text(&number.unwrap_or_else(|| level.text.clone()))
}

fn runs_csv(header: &Header, runs: &[Run]) -> String {
    let names = header.parameters.iter().map(|it| csv_text(&it.column()));
    let names: Vec<String> = names.collect();
    let mut text = format!(
        "run,arm,seed,{},{},violations,trace_hash\n",
        names.join(","),
        Summary::FIGURES.join(",")
    );
    for run in runs {
        let mut row = vec![
            run.run.to_string(),
            run.arm.to_string(),
            run.seed.to_string(),
        ];
        row.extend(levels(header, run.arm).map(shown));
        let figures = Summary::FIGURES.iter();
        row.extend(figures.map(|name| run.summary.figure(name).unwrap_or_default().to_string()));
        row.push(run.violations.len().to_string());
        row.push(run.summary.trace_hash.clone());
        text.push_str(&row.join(","));
        text.push('\n');
    }
    text
}

fn arms_csv(header: &Header, runs: &[Run]) -> String {
    let mut row = vec!["arm".to_owned()];
    row.extend(header.parameters.iter().map(|it| csv_text(&it.column())));
    row.push("runs".to_owned());
    for name in Summary::FIGURES {
        row.push(format!("{name}.mean"));
        row.push(format!("{name}.confidence_95"));
    }
    let mut text = row.join(",") + "\n";
    for (arm, of_arm) in runs.chunks(header.seeds.len().max(1)).enumerate() {
        let mut row = vec![arm.to_string()];
        row.extend(levels(header, arm).map(shown));
        row.push(of_arm.len().to_string());
        for name in Summary::FIGURES {
            let values = of_arm.iter().filter_map(|run| run.summary.figure(name));
            let mean = mean(&values.collect::<Vec<f64>>());
            row.push(mean.map_or(String::new(), |it| it.mean.to_string()));
            let within = mean.and_then(|it| it.confidence_95);
            row.push(within.map_or(String::new(), |it| it.to_string()));
        }
        text.push_str(&row.join(","));
        text.push('\n');
    }
    text
}

fn runs_parquet(path: &Path, header: &Header, runs: &[Run]) -> Result<(), SweepError> {
    let is_number = |place: usize| {
        let level = header.arms.first().and_then(|arm| arm.levels.get(place));
        level.is_some_and(|level| level.number.is_some())
    };
    let names: Vec<String> = header.parameters.iter().map(|it| it.column()).collect();
    let mut columns = vec![
        ("run", Kind::Whole),
        ("arm", Kind::Whole),
        ("seed", Kind::Whole),
    ];
    for (place, name) in names.iter().enumerate() {
        let kind = if is_number(place) {
            Kind::Number
        } else {
            Kind::Text
        };
        columns.push((name, kind));
    }
    columns.extend(Summary::FIGURES.iter().map(|name| (*name, Kind::Number)));
    columns.push(("violations", Kind::Whole));
    columns.push(("trace_hash", Kind::Text));
    let mut table = Table::create(path, &columns)?;
    for run in runs {
        let mut row = vec![
            Value::Whole(run.run as u64),
            Value::Whole(run.arm as u64),
            Value::Whole(run.seed),
        ];
        row.extend(levels(header, run.arm).map(|level| match level.number {
            Some(number) => Value::Number(number),
            None => Value::Text(level.text.as_str().into()),
        }));
        let figures = Summary::FIGURES.iter();
        row.extend(figures.map(|it| Value::Number(run.summary.figure(it).unwrap_or_default())));
        row.push(Value::Whole(run.violations.len() as u64));
        row.push(Value::Text(Arc::from(run.summary.trace_hash.as_str())));
        table.row_of(&row)?;
    }
    table.finish()?;
    Ok(())
}
