//! `peerdist sim compare`: results side by side.

use std::io::{Write, stdout};
use std::process::ExitCode;

use peerdist_sim::results::compare::{Kept, compare};

use super::args::CompareArgs;
use super::run::{bytes, seconds};
use crate::failure::Failure;

pub(super) fn run(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let mut all = Vec::new();
    for directory in &args.results {
        all.push(Kept::read(directory).map_err(Failure::usage)?);
    }
    let compared = compare(&all).map_err(Failure::usage)?;
    let mut out = stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&compared)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<&str> = compared.results.iter().map(String::as_str).collect();
    let wide = names
        .iter()
        .map(|name| name.len())
        .max()
        .unwrap_or(0)
        .max(24);
    write!(out, "{:<28}", "")?;
    for name in &names {
        write!(out, "  {name:>wide$}")?;
    }
    writeln!(out)?;
    for figure in &compared.figures {
        let say = |value: f64| match figure.name.as_str() {
            name if name.contains("bytes") => bytes(value),
            name if name.contains("seconds") => seconds(value),
            name if name.contains("percent") => format!("{value:.2} %"),
            _ => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        };
        write!(out, "{:<28}", figure.name)?;
        for (place, mean) in figure.means.iter().enumerate() {
            let mut cell = say(mean.mean);
            if let Some(difference) = place
                .checked_sub(1)
                .and_then(|it| figure.differences.get(it))
            {
                let sign = if difference.mean < 0.0 { '-' } else { '+' };
                cell = format!("{cell} ({sign}{}", say(difference.mean.abs()));
                if let Some(within) = difference.confidence_95.filter(|it| *it > 0.0) {
                    cell = format!("{cell} ± {}", say(within));
                }
                cell.push(')');
            }
            write!(out, "  {cell:>wide$}")?;
        }
        writeln!(out)?;
    }
    let runs = compared.seeds.len();
    let first = names.first().unwrap_or(&"");
    match runs {
        1 => writeln!(
            out,
            "In brackets: the difference to {first}, with the same seed."
        )?,
        _ => writeln!(
            out,
            "Means of {runs} runs; in brackets the mean of the differences to {first}, seed by seed, and its 95 % confidence."
        )?,
    }
    for note in &compared.notes {
        writeln!(out, "Note: {note}")?;
    }
    Ok(ExitCode::SUCCESS)
}
