//! `peerdist conform matrix`.

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use globset::Glob;
use peerdist_conformance::deviants::{self, matrix};
use peerdist_conformance::judge::session::Settings;
use peerdist_sim::scenario::near;

use super::args::MatrixArgs;
use crate::failure::{self, Failure};
use crate::print::count;

/// On the loopback interface nothing takes long.
const SILENCE: Duration = Duration::from_millis(200);

pub(super) fn run(args: &MatrixArgs) -> Result<ExitCode, Failure> {
    let globs: Result<Vec<_>, _> = args.deviants.iter().map(|text| Glob::new(text)).collect();
    let globs: Vec<_> = globs
        .map_err(|error| Failure::usage(format_args!("the pattern of deviants: {error}")))?
        .into_iter()
        .map(|glob| glob.compile_matcher())
        .collect();
    let all = deviants::all();
    let unknown = args
        .deviants
        .iter()
        .zip(&globs)
        .find(|(_, glob)| !all.iter().any(|one| glob.is_match(one.id)));
    if let Some((name, _)) = unknown {
        let near = near::nearest(name, all.iter().map(|one| one.id));
        return Err(Failure::usage(format_args!(
            "no deviant fits '{name}'; the nearest is '{near}', and --json without a name shows all"
        )));
    }
    let selected: Vec<_> = all
        .iter()
        .copied()
        .filter(|one| globs.is_empty() || globs.iter().any(|glob| glob.is_match(one.id)))
        .filter(|one| args.role.is_empty() || args.role.contains(&one.mistake.role()))
        .collect();
    if selected.is_empty() {
        return Err(Failure::usage(
            "none of these deviants is of that role; leave out --role",
        ));
    }
    let settings = Settings {
        silence: SILENCE,
        jobs: args.jobs.get(),
        ..Settings::default()
    };
    let rows = matrix::run_meant(&selected, &settings).map_err(|error| {
        Failure::unreachable(format_args!("a deviant cannot be started: {error}"))
    })?;
    let missed = rows.iter().filter(|row| is_missed(row)).count();
    failure::verdict(missed == 0, print(&rows, args.json))
}

fn is_missed(row: &matrix::Row) -> bool {
    !row.is_caught() && !row.is_left_out()
}

fn print(rows: &[matrix::Row], json: bool) -> Result<(), Failure> {
    let mut out = BufWriter::new(stdout().lock());
    let missed: Vec<_> = rows.iter().filter(|row| is_missed(row)).collect();
    let caught = rows.iter().filter(|row| row.is_caught()).count();
    if json {
        let shown = |row: &&matrix::Row| {
            serde_json::json!({
                "id": row.deviant.id,
                "role": row.deviant.mistake.role(),
                "what": row.deviant.what,
                "case": row.deviant.caught_by,
                "verdict": row.verdict,
                "text": row.text,
            })
        };
        let all: Vec<_> = rows.iter().collect();
        let matrix = serde_json::json!({
            "deviants": rows.len(),
            "caught": caught,
            "missed": missed.iter().map(shown).collect::<Vec<_>>(),
            "rows": all.iter().map(shown).collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut out, &matrix)?;
        writeln!(out)?;
        return Ok(out.flush()?);
    }
    for row in &missed {
        writeln!(out, "MISSED {}: it {}", row.deviant.id, row.deviant.what)?;
        writeln!(
            out,
            "       {}: {} {}",
            row.deviant.caught_by,
            row.verdict.name(),
            row.text
        )?;
    }
    for row in rows.iter().filter(|row| row.is_left_out()) {
        writeln!(out, "NOT RUN {}: {}", row.deviant.id, row.text)?;
    }
    writeln!(
        out,
        "{}: {caught} caught, {} missed",
        count(rows.len() as u64, "deviant"),
        missed.len()
    )?;
    Ok(out.flush()?)
}
