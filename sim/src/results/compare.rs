//! Results side by side, seed by seed.
//! Invariant: only what has the same seeds, engine and program is compared; a difference is taken within a seed.
//! Format: JSON.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::statistics::{Mean, mean};
use crate::summary::Summary;

/// Results as they are read again.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    name: String,
    engine: String,
    version: String,
    seeds: Vec<u64>,
    /// A row a seed, a value a figure.
    rows: Vec<Vec<f64>>,
}

/// What is read of `manifest.json`.
#[derive(Debug, Deserialize)]
struct Manifest {
    engine: String,
    version: String,
}

/// Why results cannot be compared.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Incomparable(String);

/// A figure of all results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Its name.
    pub name: String,
    /// In each of the results.
    pub means: Vec<Mean>,
    /// Of each of the results but the first, to the first.
    pub differences: Vec<Mean>,
}

/// Results side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Their directories.
    pub results: Vec<String>,
    /// The seeds that all of them have.
    pub seeds: Vec<u64>,
    /// The figures.
    pub figures: Vec<Figure>,
    /// What to keep in mind.
    pub notes: Vec<String>,
}

impl Kept {
    /// Reads the results in a directory.
    ///
    /// # Errors
    /// What is missing there, or is something else.
    pub fn read(directory: &Path) -> Result<Self, Incomparable> {
        let shown = directory.display();
        let wrong = |why: String| {
            Incomparable(format!(
                "{shown}: {why}; expected a directory that 'peerdist sim run --out' wrote"
            ))
        };
        let text = |name: &str| {
            let text = fs::read_to_string(directory.join(name));
            text.map_err(|error| wrong(format!("{name}: {error}")))
        };
        let manifest: Manifest = serde_json::from_str(&text("manifest.json")?)
            .map_err(|error| wrong(format!("manifest.json: {error}")))?;
        let table = text("summary.csv")?;
        let mut lines = table.lines();
        let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let place = |name: &str| {
            let found = head.iter().position(|it| *it == name);
            found.ok_or_else(|| wrong(format!("summary.csv has no column '{name}'")))
        };
        let seed = place("seed")?;
        let figures = Summary::FIGURES.iter().map(|name| place(name));
        let figures: Vec<usize> = figures.collect::<Result<_, _>>()?;
        let (mut seeds, mut rows) = (Vec::new(), Vec::new());
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let of = |place: usize| cells.get(place).copied().unwrap_or_default();
            let bad = || wrong(format!("summary.csv: '{line}' is no row of it"));
            seeds.push(of(seed).parse().map_err(|_| bad())?);
            let row = figures.iter().map(|&place| of(place).parse::<f64>());
            rows.push(row.collect::<Result<_, _>>().map_err(|_| bad())?);
        }
        Ok(Self {
            name: shown.to_string(),
            engine: manifest.engine,
            version: manifest.version,
            seeds,
            rows,
        })
    }

    fn column(&self, place: usize) -> Vec<f64> {
        let rows = self.rows.iter();
        rows.filter_map(|row| row.get(place).copied()).collect()
    }
}

/// Holds results against the first of them.
///
/// # Errors
/// Why they cannot be compared.
pub fn compare(all: &[Kept]) -> Result<Comparison, Incomparable> {
    let Some((first, others)) = all.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err(Incomparable(
            "there is nothing to compare; name two directories or more".to_owned(),
        ));
    };
    for other in others {
        let refuse = |what: &str, here: &str, there: &str, help: &str| {
            let (a, b) = (&first.name, &other.name);
            Err(Incomparable(format!(
                "{a} and {b} cannot be compared: {what} {here} and {there}; {help}"
            )))
        };
        if first.engine != other.engine {
            let help = "run both with the same --engine";
            return refuse("engines", &first.engine, &other.engine, help);
        }
        if first.version != other.version {
            let help = "run both with the same program";
            return refuse("of versions", &first.version, &other.version, help);
        }
        if first.seeds != other.seeds {
            let (here, there) = (shown(&first.seeds), shown(&other.seeds));
            let help = "chance would differ; run both with the same --seed and --runs";
            return refuse("seeds", &here, &there, help);
        }
    }
    let mut notes = Vec::new();
    let mut figures = Vec::new();
    for (place, name) in Summary::FIGURES.iter().enumerate() {
        let columns: Vec<Vec<f64>> = all.iter().map(|it| it.column(place)).collect();
        let base = columns.first().cloned().unwrap_or_default();
        let difference = |column: &Vec<f64>| {
            let pairs = column.iter().zip(&base);
            mean(&pairs.map(|(it, base)| it - base).collect::<Vec<f64>>())
        };
        let is_demand = *name == "wan_bytes_without_caching" || *name == "downloads";
        if is_demand && columns.iter().any(|column| *column != base) {
            notes.push(format!("{name} differs: they do not fetch the same"));
        }
        figures.push(Figure {
            name: (*name).to_owned(),
            means: columns.iter().filter_map(|it| mean(it)).collect(),
            differences: columns.iter().skip(1).filter_map(difference).collect(),
        });
    }
    Ok(Comparison {
        results: all.iter().map(|it| it.name.clone()).collect(),
        seeds: first.seeds.clone(),
        figures,
        notes,
    })
}

fn shown(seeds: &[u64]) -> String {
    match seeds {
        [one] => one.to_string(),
        [first, .., last] => format!("{first} to {last}"),
        [] => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str, seeds: &[u64], wan_bytes: &[f64]) -> Kept {
        let row = |wan: &f64| {
            let mut row = vec![0.0; Summary::FIGURES.len()];
            row[0] = *wan;
            row
        };
        Kept {
            name: name.to_owned(),
            engine: "flow".to_owned(),
            version: "1".to_owned(),
            seeds: seeds.to_vec(),
            rows: wan_bytes.iter().map(row).collect(),
        }
    }

    #[test]
    fn differences_are_taken_seed_by_seed() {
        // Seeds differ by far more than the arms do.
        let a = kept("a", &[1, 2, 3], &[100.0, 500.0, 900.0]);
        let b = kept("b", &[1, 2, 3], &[111.0, 510.0, 909.0]);
        let compared = compare(&[a, b]).unwrap();
        let figure = &compared.figures[0];
        assert_eq!(figure.name, "wan_bytes");
        assert!((figure.differences[0].mean - 10.0).abs() < 1e-9);
        // 4.303 times a deviation of 1 by the root of 3.
        let within = figure.differences[0].confidence_95.unwrap();
        assert!((within - 4.303 / 3_f64.sqrt()).abs() < 1e-3, "{within}");
        assert!(figure.means[1].confidence_95.unwrap() > 900.0);
        assert_eq!(compared.notes, Vec::<String>::new());
    }

    #[test]
    fn what_is_not_comparable_is_refused_with_the_reason() {
        let a = kept("a", &[1], &[1.0]);
        let mut other = a.clone();
        other.seeds = vec![2];
        let why = compare(&[a.clone(), other]).unwrap_err().to_string();
        assert!(why.contains("seeds 1 and 2"), "{why}");
        let mut other = a.clone();
        other.engine = "packet".to_owned();
        let why = compare(&[a.clone(), other]).unwrap_err().to_string();
        assert!(why.contains("engines flow and packet"), "{why}");
        assert!(compare(&[a]).is_err());
        let nothing = tempfile::tempdir().unwrap();
        let why = Kept::read(nothing.path()).unwrap_err().to_string();
        assert!(why.contains("expected a directory"), "{why}");
    }
}
