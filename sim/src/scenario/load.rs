//! A scenario read from text, with keys set otherwise on request.
//! Invariant: what is returned passed every check.
//! Byte order: none.

use std::fmt;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_yaml::Value;

use super::model::Scenario;
use super::near::nearest;
use super::{place, validate};

/// Why a text is no scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// The file, or what the text is called.
    pub file: String,
    /// Line and column, from 1, where known.
    pub at: Option<(usize, usize)>,
    /// The key, from the top of the file down; empty where it is the file.
    pub key: String,
    /// What is wrong, and what was expected.
    pub why: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for LoadError {}

/// Reads anything that is written as scenarios are. `first_mistake` says what no type can: a key, and what is wrong with it.
///
/// # Errors
/// Where it is wrong, and what was expected.
pub fn read<T: DeserializeOwned>(
    file: &str,
    text: &str,
    first_mistake: impl FnOnce(&T) -> Option<(String, String)>,
) -> Result<T, LoadError> {
    let read: T = serde_yaml::from_str(text).map_err(|error| misread(file, &error, true))?;
    match first_mistake(&read) {
        None => Ok(read),
        Some((key, why)) => Err(LoadError {
            file: file.to_owned(),
            at: place::of(text, &key),
            key,
            why,
        }),
    }
}

/// Reads a scenario.
///
/// # Errors
/// Where it is wrong, and what was expected.
pub fn load(file: &str, text: &str) -> Result<Scenario, LoadError> {
    let mut scenario: Scenario =
        serde_yaml::from_str(text).map_err(|error| misread(file, &error, true))?;
    read_traces(file, &mut scenario, text)?;
    checked(file, scenario, |key| place::of(text, key))
}

/// Reads a scenario with other values at some paths: `hosts.desks.count` and `20`.
///
/// # Errors
/// Where the text or one of the settings is wrong.
pub fn with(file: &str, text: &str, settings: &[(String, String)]) -> Result<Scenario, LoadError> {
    let scenario = load(file, text)?;
    if settings.is_empty() {
        return Ok(scenario);
    }
    // From the scenario and not from the text: keys that were left out can be set too.
    let failed = |why: String| LoadError {
        file: file.to_owned(),
        at: None,
        key: String::new(),
        why,
    };
    let mut value = serde_yaml::to_value(&scenario).map_err(|error| failed(error.to_string()))?;
    for (path, to) in settings {
        let wrong = |why| LoadError {
            file: format!("--set {path}={to}"),
            at: None,
            key: String::new(),
            why,
        };
        let to: Value = serde_yaml::from_str(to).map_err(|error| wrong(error.to_string()))?;
        set(&mut value, path, to).map_err(wrong)?;
        let read: Result<Scenario, _> = serde_yaml::from_value(value.clone());
        read.map_err(|error| wrong(error.to_string()))?;
    }
    let mut scenario = serde_yaml::from_value(value).map_err(|error| failed(error.to_string()))?;
    read_traces(file, &mut scenario, "")?;
    checked(&format!("{file} with what was set"), scenario, |_| None)
}

/// The JSON schema of scenarios, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Scenario).to_value()
}

/// Takes the traces that are in files of their own into the scenario: it then says everything by itself.
fn read_traces(file: &str, scenario: &mut Scenario, text: &str) -> Result<(), LoadError> {
    for (number, work) in scenario.workload.iter_mut().enumerate() {
        let Some(replay) = &mut work.replay else {
            continue;
        };
        let Some(name) = replay.file.take() else {
            continue;
        };
        let path = Path::new(file).with_file_name(&name);
        let key = format!("workload.{number}.replay.file");
        let csv = std::fs::read_to_string(&path).map_err(|error| LoadError {
            file: file.to_owned(),
            at: place::of(text, &key),
            key,
            why: format!("{}: {error}; expected a trace there", path.display()),
        })?;
        replay.csv = Some(csv);
        replay.rows().map_err(|(line, why)| LoadError {
            file: path.display().to_string(),
            at: Some((line, 1)),
            key: String::new(),
            why,
        })?;
    }
    Ok(())
}

fn checked(
    file: &str,
    scenario: Scenario,
    at: impl Fn(&str) -> Option<(usize, usize)>,
) -> Result<Scenario, LoadError> {
    match validate::first_mistake(&scenario) {
        None => Ok(scenario),
        Some(mistake) => Err(LoadError {
            file: file.to_owned(),
            at: at(&mistake.key),
            key: mistake.key,
            why: mistake.why,
        }),
    }
}

/// What the reader of YAML complains of, with the nearest key where one is not known.
fn misread(file: &str, error: &serde_yaml::Error, has_place: bool) -> LoadError {
    let at = error.location().map(|at| (at.line(), at.column()));
    let mut text = error.to_string();
    if let Some(tail) = text.rfind(" at line ") {
        text.truncate(tail);
    }
    let (key, why) = match text.split_once(": ") {
        Some((key, why)) if !key.contains([' ', '\'']) => (key.to_owned(), why.to_owned()),
        _ => (String::new(), text),
    };
    LoadError {
        file: file.to_owned(),
        at: at.filter(|_| has_place),
        key: key.replace('[', ".").replace(']', ""),
        why: with_nearest(why),
    }
}

/// `unknown field `x`, expected one of `a`, `b`` names the nearest of those.
fn with_nearest(why: String) -> String {
    let is_name = why.starts_with("unknown field") || why.starts_with("unknown variant");
    if !is_name {
        return why;
    }
    let quoted: Vec<&str> = why.split('`').skip(1).step_by(2).collect();
    let Some((unknown, known)) = quoted.split_first().filter(|(_, known)| !known.is_empty()) else {
        return why;
    };
    let near = nearest(unknown, known.iter().copied());
    let what = if why.starts_with("unknown field") {
        "key"
    } else {
        "value"
    };
    format!(
        "there is no {what} '{unknown}'; the nearest is '{near}'; there are {}",
        known.join(", ")
    )
}

/// Sets the value at a path, all of which but the last step is there.
fn set(value: &mut Value, path: &str, to: Value) -> Result<(), String> {
    let mut at = value;
    let mut seen = String::new();
    let steps: Vec<&str> = path.split('.').collect();
    for (number, step) in steps.iter().enumerate() {
        let is_last = number + 1 == steps.len();
        at = match at {
            Value::Mapping(map) => {
                let names: Vec<String> = map
                    .keys()
                    .filter_map(|key| key.as_str().map(str::to_owned))
                    .collect();
                match map.get_mut(*step) {
                    Some(next) => next,
                    None => {
                        let near = nearest(step, names.iter().map(String::as_str));
                        return Err(format!(
                            "there is no key '{step}' in {}; the nearest is '{near}'",
                            if seen.is_empty() {
                                "the scenario"
                            } else {
                                &seen
                            },
                        ));
                    }
                }
            }
            Value::Sequence(list) => {
                let count = list.len();
                let index: usize = step
                    .parse()
                    .map_err(|_| format!("{seen} is a list: '{step}' is no place in it"))?;
                list.get_mut(index).ok_or_else(|| {
                    format!("{seen} has {count} entries, from 0 on; there is no {index}")
                })?
            }
            _ => return Err(format!("{seen} has no keys")),
        };
        if !seen.is_empty() {
            seen.push('.');
        }
        seen.push_str(step);
        if is_last {
            *at = to;
            return Ok(());
        }
    }
    Err("no path".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::units::{Bytes, Rate};
    use crate::scenario::{Mode, Pattern, Size};

    const SMALL: &str = "\
about: A branch fetches a file.
sites:
  branch: { link: { down: 2 Mbit/s, latency: 50 ms } }
hosts:
  desks: { count: 20 }
contents:
  update: { size: 20 MB }
workload:
  - arrive: { pattern: uniform, over: 1 h }
expect:
  - wan_saved_percent >= 90
";

    fn error_of(text: &str) -> String {
        load("it.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn the_smallest_useful_scenario_has_eleven_lines() {
        assert_eq!(SMALL.lines().count(), 11);
        let scenario = load("it.yaml", SMALL).unwrap();
        assert_eq!(scenario.sites["branch"].link.up(), Rate(2_000_000));
        assert_eq!(scenario.hosts["desks"].mode, Mode::Distributed);
        assert_eq!(
            scenario.contents["update"].size(),
            Size::Constant(Bytes(20_000_000))
        );
        assert_eq!(scenario.workload[0].arrive.pattern, Pattern::Uniform);
    }

    #[test]
    fn a_mistake_is_told_with_file_line_key_and_the_nearest_that_is_known() {
        for (from, to, expected) in [
            (
                "count",
                "cuont",
                "it.yaml:5:12: hosts.desks: there is no key 'cuont'; the nearest is 'count'",
            ),
            (
                "uniform",
                "unform",
                "it.yaml:9:24: workload.0.arrive.pattern: there is no value 'unform'; the nearest is 'uniform'",
            ),
            (
                "2 Mbit/s",
                "2 Mbits",
                "it.yaml:3:27: sites.branch.link.down: 'Mbits' is no unit of a rate",
            ),
            (
                "20 }",
                "many }",
                "it.yaml:5:19: hosts.desks.count: invalid type",
            ),
            (
                "wan_saved_percent",
                "saved",
                "it.yaml:11:5: expect.0: there is no figure 'saved'",
            ),
            (
                ", over: 1 h",
                "",
                "it.yaml:9:13: workload.0.arrive.over: this pattern needs 'over'",
            ),
            (
                "over:",
                "every: 1 s, over:",
                "it.yaml:9:40: workload.0.arrive.every: this pattern knows no 'every'; expected 'over'",
            ),
            (
                "- arrive",
                "- fetch: updat\n    arrive",
                "it.yaml:9:12: workload.0.fetch: there is no content 'updat'; the nearest is 'update'",
            ),
            (
                "count: 20",
                "count: 20, mode: hosted",
                "it.yaml:5:29: hosts.desks.mode: site 'branch' has no hosted_cache",
            ),
            (
                "count: 20",
                "sites: [brunch]",
                "it.yaml:5:20: hosts.desks.sites.0: there is no site 'brunch'; the nearest is 'branch'",
            ),
            (
                "20 MB",
                "0",
                "it.yaml:7:19: contents.update.size: nothing can be fetched of 0 B",
            ),
        ] {
            let error = error_of(&SMALL.replacen(from, to, 1));
            assert!(error.starts_with(expected), "{error}\n  where {expected}");
        }
        assert!(error_of("about: nothing").contains("there is nothing in 'sites'"));
        assert!(error_of(": : :").starts_with("it.yaml:1:"));
    }

    #[test]
    fn keys_can_be_set_otherwise() {
        let set =
            |path: &str, to: &str| with("it.yaml", SMALL, &[(path.to_owned(), to.to_owned())]);
        assert_eq!(
            set("hosts.desks.count", "7").unwrap().hosts["desks"].count,
            7
        );
        assert_eq!(
            set("hosts.desks.mode", "local").unwrap().hosts["desks"].mode,
            Mode::Local
        );
        let cache = set("sites.branch.hosted_cache", "{}").unwrap();
        assert!(cache.sites["branch"].hosted_cache.is_some());
        for (path, to, expected) in [
            (
                "hosts.desk.count",
                "7",
                "there is no key 'desk' in hosts; the nearest is 'desks'",
            ),
            (
                "workload.3.fetch",
                "update",
                "workload has 1 entries, from 0 on; there is no 3",
            ),
            (
                "hosts.desks.count",
                "few",
                "--set hosts.desks.count=few: invalid type",
            ),
            (
                "sites.branch.link.down",
                "0 bit/s",
                "sites.branch.link.down: 0 is none",
            ),
        ] {
            let error = set(path, to).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}\n  where {expected}");
        }
    }

    #[test]
    fn the_schema_describes_every_key() {
        let schema = schema();
        let properties = schema["properties"].as_object().unwrap();
        for key in ["sites", "hosts", "contents", "workload", "expect", "seed"] {
            let described = properties[key]["description"].as_str();
            assert!(described.is_some_and(|text| text.len() > 10), "{key}");
        }
        assert_eq!(
            schema["additionalProperties"],
            serde_json::Value::Bool(false)
        );
    }
}
