//! Which combinations of values a sweep runs: all of a grid, or samples of a Latin hypercube.
//! Invariant: the same text gives the same arms in the same order, on every machine.
//! Format: a value is set as the text that stands for it in YAML.

use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use super::{LatinHypercube, Range, Scale, SweepFile};
use crate::chance::Chance;

/// Combinations of values.
const ARMS_MOST: usize = 100_000;
/// Samples draw from whole numbers below this.
const FINE: u64 = 1 << 52;

/// Something that changes from arm to arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// The key of the scenario.
    pub path: String,
    /// The unit of its numbers, where they have one and are numbers.
    pub unit: Option<String>,
}

impl Parameter {
    /// What its column is called.
    #[must_use]
    pub fn column(&self) -> String {
        match &self.unit {
            Some(unit) => format!("{} ({unit})", self.path),
            None => self.path.clone(),
        }
    }
}

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// As it is set.
    pub text: String,
    /// Its number, where it is one.
    pub number: Option<f64>,
}

/// A combination of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// In the order of the parameters.
    pub levels: Vec<Level>,
}

pub(super) fn design(file: &SweepFile) -> Result<(Vec<Parameter>, Vec<Arm>), String> {
    match (&file.latin_hypercube, file.grid.is_empty()) {
        (Some(_), false) => Err("grid and latin_hypercube: only one of them can be".to_owned()),
        (None, true) => Err(
            "there is nothing to sweep over; grid or latin_hypercube says what, \
                             such as grid: { hosts.desks.count: [5, 20] }"
                .to_owned(),
        ),
        (None, false) => grid(file),
        (Some(cube), true) => samples(cube, file.seed.unwrap_or(1)),
    }
}

fn grid(file: &SweepFile) -> Result<(Vec<Parameter>, Vec<Arm>), String> {
    let mut parameters = Vec::new();
    let mut arms = vec![Arm { levels: Vec::new() }];
    for (path, values) in &file.grid {
        if values.is_empty() {
            return Err(format!("grid.{path}: no values"));
        }
        if arms.len().saturating_mul(values.len()) > ARMS_MOST {
            return Err(format!("grid: more than {ARMS_MOST} combinations"));
        }
        let mut levels = Vec::new();
        for value in values {
            let text = text_of(value)?;
            let number = value.as_f64();
            levels.push(Level { text, number });
        }
        // A column is of numbers or of texts.
        if levels.iter().any(|level| level.number.is_none()) {
            levels.iter_mut().for_each(|level| level.number = None);
        }
        parameters.push(Parameter {
            path: path.clone(),
            unit: None,
        });
        let all = arms.iter().flat_map(|arm| {
            levels.iter().map(|level| {
                let mut levels = arm.levels.clone();
                levels.push(level.clone());
                Arm { levels }
            })
        });
        arms = all.collect();
    }
    Ok((parameters, arms))
}

fn samples(cube: &LatinHypercube, seed: u64) -> Result<(Vec<Parameter>, Vec<Arm>), String> {
    let count = cube.samples;
    if count == 0 || count as usize > ARMS_MOST {
        return Err(format!(
            "latin_hypercube.samples: {count} is not from 1 to {ARMS_MOST}"
        ));
    }
    if cube.ranges.is_empty() {
        return Err("latin_hypercube.ranges: no key to sample".to_owned());
    }
    let mut arms = vec![Arm { levels: Vec::new() }; count as usize];
    let mut parameters = Vec::new();
    for (place, (path, range)) in (0_u64..).zip(&cube.ranges) {
        check(path, range)?;
        let mut chance = Chance::new(seed, "latin hypercube", &[place]);
        // Each of as many equal parts of the range as there are samples has one of them.
        let mut parts: Vec<u32> = (0..count).collect();
        for last in (1..parts.len()).rev() {
            let other = usize::try_from(chance.below(last as u64 + 1)).unwrap_or(0);
            parts.swap(last, other);
        }
        for (arm, part) in arms.iter_mut().zip(parts) {
            let within = chance.below(FINE) as f64 / FINE as f64;
            let at = (f64::from(part) + within) / f64::from(count);
            arm.levels.push(level(range, at));
        }
        parameters.push(Parameter {
            path: path.clone(),
            unit: range.unit.clone(),
        });
    }
    Ok((parameters, arms))
}

fn check(path: &str, range: &Range) -> Result<(), String> {
    let (from, to) = (range.from, range.to);
    let is_range = from.is_finite() && to.is_finite() && from < to;
    if !is_range {
        return Err(format!(
            "latin_hypercube.ranges.{path}: from {from} to {to} is no range"
        ));
    }
    if range.scale == Scale::Log && from <= 0.0 {
        return Err(format!(
            "latin_hypercube.ranges.{path}: a logarithmic range begins above 0, not at {from}"
        ));
    }
    Ok(())
}

/// The value at a part of a range.
fn level(range: &Range, at: f64) -> Level {
    let (from, to) = (range.from, range.to);
    let value = match (range.scale, range.whole) {
        // So that the last number is as likely as the others.
        (Scale::Linear, true) => (from + at * (to - from + 1.0)).floor().min(to),
        (Scale::Linear, false) => from + at * (to - from),
        (Scale::Log, is_whole) => {
            let value = from * (to / from).powf(at);
            if is_whole { value.round() } else { value }
        }
    };
    // Six digits: what the last bits of a power are differs from machine to machine.
    let number: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    let text = match &range.unit {
        Some(unit) => format!("{number} {unit}"),
        None => number.to_string(),
    };
    Level {
        text,
        number: Some(number),
    }
}

/// A value as the text that it is set by.
pub(super) fn text_of(value: &Value) -> Result<String, String> {
    let text = serde_yaml::to_string(value).map_err(|error| error.to_string())?;
    Ok(text.trim_end().to_owned())
}
