//! What no type can say of a scenario: names that must exist, numbers that must fit together.
//! Invariant: a scenario without a mistake can be simulated.
//! Byte order: none.

use super::model::{Arrive, Mode, Pattern, Scenario};
use super::near::nearest;
use super::units::{Bytes, Span};
use super::validate_more as more;

/// Hosts that a scenario may have, in all its branches.
const HOSTS_LIMIT: u64 = 10_000_000;

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) key: String,
    pub(super) why: String,
}

pub(super) fn mistake(key: impl Into<String>, why: impl Into<String>) -> Mistake {
    Mistake {
        key: key.into(),
        why: why.into(),
    }
}

/// The first mistake there is.
pub(super) fn first_mistake(scenario: &Scenario) -> Option<Mistake> {
    let checks = [
        emptiness,
        sites,
        hosts,
        more::contents,
        more::groups,
        workload,
        super::fault::check,
    ];
    checks.iter().find_map(|check| check(scenario).err())
}

fn emptiness(scenario: &Scenario) -> Result<(), Mistake> {
    for (key, is_empty) in [
        ("sites", scenario.sites.is_empty()),
        ("hosts", scenario.hosts.is_empty()),
        (
            "contents",
            scenario.contents.is_empty() && !more::only_replays(scenario),
        ),
        ("workload", scenario.workload.is_empty()),
    ] {
        if is_empty {
            return Err(mistake(
                key,
                format!("there is nothing in '{key}': at least one is needed"),
            ));
        }
    }
    if scenario.end == Span(0) {
        return Err(mistake("end", "it ends before it begins"));
    }
    Ok(())
}

fn sites(scenario: &Scenario) -> Result<(), Mistake> {
    for (name, site) in &scenario.sites {
        for (key, is_zero) in [
            ("copies", site.copies == 0),
            ("link.down", site.link.down.0 == 0),
            ("link.up", site.link.up().0 == 0),
            ("lan.rate", site.lan.rate.0 == 0),
            ("link.queue", site.link.queue == Some(Bytes(0))),
        ] {
            if is_zero {
                return Err(mistake(
                    format!("sites.{name}.{key}"),
                    "0 is none: expected more",
                ));
            }
        }
        if site.link.loss.0 > more::LOSS_MOST.0 {
            let why = format!("more than {} is no line; expected less", more::LOSS_MOST);
            return Err(mistake(format!("sites.{name}.link.loss"), why));
        }
    }
    if scenario.data_centre.rate.is_some_and(|rate| rate.0 == 0) {
        return Err(mistake("data_centre.rate", "0 is none: expected more"));
    }
    Ok(())
}

fn hosts(scenario: &Scenario) -> Result<(), Mistake> {
    let mut total = 0_u64;
    for (name, group) in &scenario.hosts {
        for (at, site) in group.sites.iter().enumerate() {
            known(&scenario.sites, site, "site", || {
                format!("hosts.{name}.sites.{at}")
            })?;
        }
        if !(1..=2).contains(&group.version) {
            return Err(mistake(
                format!("hosts.{name}.version"),
                format!("there is no version {}; expected 1 or 2", group.version),
            ));
        }
        for site in scenario.sites_of(group) {
            let of_site = scenario.sites.get(site);
            let has_cache = of_site.is_some_and(|site| site.hosted_cache.is_some());
            if group.mode == Mode::Hosted && !has_cache {
                return Err(mistake(
                    format!("hosts.{name}.mode"),
                    format!(
                        "site '{site}' has no hosted_cache; expected one there, or another mode"
                    ),
                ));
            }
            let copies = of_site.map_or(0, |site| site.copies);
            total += u64::from(group.count) * u64::from(copies);
        }
    }
    if total > HOSTS_LIMIT {
        return Err(mistake(
            "hosts",
            format!("{total} hosts; at most {HOSTS_LIMIT} can be simulated"),
        ));
    }
    Ok(())
}

fn workload(scenario: &Scenario) -> Result<(), Mistake> {
    for (at, work) in scenario.workload.iter().enumerate() {
        let key = |rest: &str| format!("workload.{at}{rest}");
        if more::replay(work, &key)? {
            continue;
        }
        match &work.fetch {
            Some(name) => known(&scenario.contents, name, "content", || key(".fetch"))?,
            None if scenario.contents.len() > 1 => {
                return Err(mistake(
                    key(""),
                    "there are several contents: expected 'fetch' to name one",
                ));
            }
            None => {}
        }
        for (place, name) in work.hosts.iter().enumerate() {
            known(&scenario.hosts, name, "group of hosts", || {
                key(&format!(".hosts.{place}"))
            })?;
        }
        arrival(&work.arrive, &key(".arrive"))?;
    }
    Ok(())
}

fn arrival(arrive: &Arrive, key: &str) -> Result<(), Mistake> {
    let needed = match arrive.pattern {
        Pattern::AtOnce => None,
        Pattern::OneByOne | Pattern::Poisson => Some("every"),
        Pattern::Uniform | Pattern::WorkingHours => Some("over"),
        Pattern::PatchDay => Some("decay"),
    };
    for (name, value) in [
        ("over", arrive.over),
        ("every", arrive.every),
        ("decay", arrive.decay),
    ] {
        let is_needed = needed == Some(name);
        if is_needed && value.is_none_or(|value| value == Span(0)) {
            return Err(mistake(
                format!("{key}.{name}"),
                format!("this pattern needs '{name}': expected a time above 0"),
            ));
        }
        if !is_needed && value.is_some() {
            return Err(mistake(
                format!("{key}.{name}"),
                format!(
                    "this pattern knows no '{name}'; {}",
                    match needed {
                        Some(needed) => format!("expected '{needed}'"),
                        None => "it takes only 'from'".to_owned(),
                    }
                ),
            ));
        }
    }
    Ok(())
}

pub(super) fn known<T>(
    table: &std::collections::BTreeMap<String, T>,
    name: &str,
    what: &str,
    key: impl Fn() -> String,
) -> Result<(), Mistake> {
    if table.contains_key(name) {
        return Ok(());
    }
    let near = nearest(name, table.keys().map(String::as_str));
    Err(mistake(
        key(),
        format!("there is no {what} '{name}'; the nearest is '{near}'"),
    ))
}
