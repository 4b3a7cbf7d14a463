//! What goes wrong in a scenario: hosts, links, disks and clocks that fail, neighbours that cannot be trusted.
//! Invariant: what is loaded says for each kind what that kind needs, and nothing else.
//! Unit: nanoseconds since the beginning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::Scenario;
use super::units::{Rate, Span};
use super::validate::{Mistake, known, mistake};

/// Faults that a seed may draw for each branch.
const DRAWN_LIMIT: u32 = 1_000;

/// Something that goes wrong: of a kind and at a moment, or as many as a seed draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// What goes wrong.
    pub kind: Option<FaultKind>,
    /// From when.
    pub at: Span,
    /// How long, then it heals; to the end where it is not given.
    #[serde(rename = "for")]
    pub lasts: Option<Span>,
    /// Whom it befalls.
    pub who: Who,
    /// `partition`: what they cannot reach.
    pub from: Option<Beyond>,
    /// `slow_disk`: how long the store takes to find a block.
    pub delay: Option<Span>,
    /// `slow_disk`: how fast it then reads.
    pub rate: Option<Rate>,
    /// `clock_skew`: how far the clock is ahead.
    pub ahead: Option<Span>,
    /// `clock_skew`: how far it is behind.
    pub behind: Option<Span>,
    /// `new_version`: which content changes.
    pub content: Option<String>,
    /// `new_version`: the content that is had under its name from then on.
    pub becomes: Option<String>,
    /// Instead of one kind: as many as the seed draws.
    pub random: Option<Random>,
}

/// What goes wrong.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A host stops in the middle of everything. When it returns it has its store, and begins again what it had not ended.
    Crash,
    /// The line of a branch carries nothing; what is under way waits.
    LinkDown,
    /// Hosts cannot reach the other hosts of their branch, or the data centre.
    Partition,
    /// A host's store takes long to answer.
    SlowDisk,
    /// A host gives others wrong bytes.
    Corrupts,
    /// A host claims to have everything, and gives wrong bytes.
    Lies,
    /// A host accepts requests and never answers.
    Silent,
    /// A host's clock is wrong.
    ClockSkew,
    /// The origin has a new version of a content.
    NewVersion,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Crash,
        Self::LinkDown,
        Self::Partition,
        Self::SlowDisk,
        Self::Corrupts,
        Self::Lies,
        Self::Silent,
        Self::ClockSkew,
        Self::NewVersion,
    ];

    /// As a scenario names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::LinkDown => "link_down",
            Self::Partition => "partition",
            Self::SlowDisk => "slow_disk",
            Self::Corrupts => "corrupts",
            Self::Lies => "lies",
            Self::Silent => "silent",
            Self::ClockSkew => "clock_skew",
            Self::NewVersion => "new_version",
        }
    }
}

/// What a partition separates hosts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// The other hosts of their branch.
    #[default]
    Neighbours,
    /// The data centre.
    Origin,
}

/// Hosts: all of them where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Who {
    /// Those of this site.
    pub site: Option<String>,
    /// Those of this copy of it, from 1.
    pub copy: Option<u32>,
    /// Those of this group.
    pub group: Option<String>,
    /// The one of this number, from 0: among those of the group in a branch, else among all of the branch.
    pub host: Option<u32>,
    /// The hosted cache, and no other host.
    pub hosted_cache: bool,
}

/// Faults as a seed draws them, in each branch that is meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Random {
    /// How many.
    pub count: u32,
    /// Of which kinds; all where none is given.
    pub kinds: Vec<FaultKind>,
    /// They begin within this time from `at` on.
    pub within: Span,
    /// Each heals after this time at most.
    pub longest: Span,
}

impl Default for Random {
    fn default() -> Self {
        Self {
            count: 1,
            kinds: Vec::new(),
            within: Span::seconds(60),
            longest: Span::seconds(30),
        }
    }
}

impl Random {
    /// The kinds that are drawn from: those that are given, else all that this scenario has a place for.
    #[must_use]
    pub fn drawn_kinds(&self, scenario: &Scenario) -> Vec<FaultKind> {
        if !self.kinds.is_empty() {
            return self.kinds.clone();
        }
        let has_versions = scenario.contents.len() > 1;
        let mut kinds = FaultKind::ALL.to_vec();
        kinds.retain(|kind| *kind != FaultKind::NewVersion || has_versions);
        kinds
    }
}

/// The first mistake in the faults of a scenario.
pub(super) fn check(scenario: &Scenario) -> Result<(), Mistake> {
    for (at, fault) in scenario.faults.iter().enumerate() {
        let key = format!("faults.{at}");
        who(scenario, &fault.who, &format!("{key}.who"))?;
        match (&fault.random, fault.kind) {
            (Some(random), None) => {
                drawn(scenario, random, &format!("{key}.random"))?;
                fields(fault, &key, "a draw", &[])?;
            }
            (None, Some(kind)) => of_kind(scenario, fault, kind, &key)?,
            (Some(_), Some(_)) => {
                return Err(mistake(
                    format!("{key}.kind"),
                    "it has 'random' too: expected one of them",
                ));
            }
            (None, None) => {
                let names = FaultKind::ALL.map(FaultKind::name).join(", ");
                return Err(mistake(
                    key,
                    format!("nothing goes wrong here: expected 'kind' ({names}) or 'random'"),
                ));
            }
        }
    }
    Ok(())
}

fn who(scenario: &Scenario, who: &Who, key: &str) -> Result<(), Mistake> {
    if let Some(name) = &who.site {
        known(&scenario.sites, name, "site", || format!("{key}.site"))?;
    }
    if let Some(name) = &who.group {
        known(&scenario.hosts, name, "group of hosts", || {
            format!("{key}.group")
        })?;
    }
    let sites = scenario.sites.iter();
    let mut sites = sites.filter(|(name, _)| who.site.as_ref().is_none_or(|site| site == *name));
    let is_there = |site: &&super::Site| {
        who.copy
            .is_none_or(|copy| (1..=site.copies).contains(&copy))
    };
    if !sites.clone().any(|(_, site)| is_there(&site)) {
        return Err(mistake(
            format!("{key}.copy"),
            "there is no such copy of the site; copies are counted from 1",
        ));
    }
    if who.hosted_cache {
        if !sites.any(|(_, site)| site.hosted_cache.is_some()) {
            return Err(mistake(
                format!("{key}.hosted_cache"),
                "there is none: expected a site with one",
            ));
        }
        if who.group.is_some() || who.host.is_some() {
            return Err(mistake(
                format!("{key}.hosted_cache"),
                "it is one host: expected no 'group' and no 'host' beside it",
            ));
        }
        return Ok(());
    }
    let Some(host) = who.host else {
        return Ok(());
    };
    let most = sites.map(|(name, _)| {
        let groups = scenario.hosts.iter();
        let groups = groups.filter(|(group, _)| who.group.as_ref().is_none_or(|it| it == *group));
        let groups = groups.filter(|(_, group)| scenario.sites_of(group).any(|site| site == name));
        groups.map(|(_, group)| group.count).sum::<u32>()
    });
    let most = most.max().unwrap_or(0);
    if host >= most {
        return Err(mistake(
            format!("{key}.host"),
            format!("there is no host {host}: there are {most}, counted from 0"),
        ));
    }
    Ok(())
}

fn drawn(scenario: &Scenario, random: &Random, key: &str) -> Result<(), Mistake> {
    if !(1..=DRAWN_LIMIT).contains(&random.count) {
        return Err(mistake(
            format!("{key}.count"),
            format!("expected 1 to {DRAWN_LIMIT}"),
        ));
    }
    for (name, span) in [("within", random.within), ("longest", random.longest)] {
        if span == Span(0) {
            return Err(mistake(format!("{key}.{name}"), "expected a time above 0"));
        }
    }
    let new_version = random
        .kinds
        .iter()
        .position(|kind| *kind == FaultKind::NewVersion);
    if let Some(place) = new_version
        && scenario.contents.len() < 2
    {
        return Err(mistake(
            format!("{key}.kinds.{place}"),
            "a new version is another content: expected a second one in 'contents'",
        ));
    }
    Ok(())
}

fn of_kind(scenario: &Scenario, fault: &Fault, kind: FaultKind, key: &str) -> Result<(), Mistake> {
    let takes: &[&str] = match kind {
        FaultKind::Partition => &["from"],
        FaultKind::SlowDisk => &["delay", "rate"],
        FaultKind::ClockSkew => &["ahead", "behind"],
        FaultKind::NewVersion => &["content", "becomes"],
        _ => &[],
    };
    fields(fault, key, kind.name(), takes)?;
    if fault.lasts == Some(Span(0)) {
        return Err(mistake(format!("{key}.for"), "expected a time above 0"));
    }
    let needs = |what: &str| Err(mistake(key, format!("{} needs {what}", kind.name())));
    match kind {
        FaultKind::SlowDisk if fault.delay.is_none() && fault.rate.is_none() => {
            return needs("'delay', 'rate' or both");
        }
        FaultKind::SlowDisk if fault.rate.is_some_and(|rate| rate.0 == 0) => {
            return Err(mistake(format!("{key}.rate"), "0 is none: expected more"));
        }
        FaultKind::ClockSkew if fault.ahead.is_some() == fault.behind.is_some() => {
            return needs("either 'ahead' or 'behind'");
        }
        FaultKind::LinkDown if fault.who.group.is_some() || fault.who.host.is_some() => {
            return Err(mistake(
                format!("{key}.who"),
                "the line is that of the whole branch: expected only 'site' and 'copy'; \
                 hosts are cut off by 'kind: partition, from: origin'",
            ));
        }
        FaultKind::NewVersion => {
            for (name, value) in [("content", &fault.content), ("becomes", &fault.becomes)] {
                let Some(value) = value else {
                    return needs("'content' and 'becomes', both names of contents");
                };
                known(&scenario.contents, value, "content", || {
                    format!("{key}.{name}")
                })?;
            }
            if fault.lasts.is_some() || fault.who != Who::default() {
                return Err(mistake(
                    key,
                    "a new version is there for everybody and for good: expected no 'for', no 'who'",
                ));
            }
        }
        _ => {}
    }
    Ok(())
}

/// What a kind does not know must not be there.
fn fields(fault: &Fault, key: &str, of: &str, takes: &[&str]) -> Result<(), Mistake> {
    for (name, is_there) in [
        ("for", fault.lasts.is_some() && fault.random.is_some()),
        ("from", fault.from.is_some()),
        ("delay", fault.delay.is_some()),
        ("rate", fault.rate.is_some()),
        ("ahead", fault.ahead.is_some()),
        ("behind", fault.behind.is_some()),
        ("content", fault.content.is_some()),
        ("becomes", fault.becomes.is_some()),
    ] {
        if is_there && !takes.contains(&name) {
            let expected = match takes {
                [] => "it takes 'at', 'for' and 'who'".to_owned(),
                takes => format!("expected '{}'", takes.join("', '")),
            };
            return Err(mistake(
                format!("{key}.{name}"),
                format!("{of} knows no '{name}'; {expected}"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::scenario::load;

    fn error_of(fault: &str) -> String {
        let text = format!(
            "sites: {{ branch: {{}}, other: {{ copies: 3, hosted_cache: {{}} }} }}\n\
             hosts: {{ desks: {{ count: 4 }} }}\n\
             contents: {{ old: {{}}, new: {{}} }}\n\
             workload: [{{ fetch: old }}]\n\
             faults:\n  - {fault}\n"
        );
        match load("it.yaml", &text) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_kind_is_read_as_the_documentation_writes_it() {
        for fault in [
            "{ kind: crash, at: 10 s, for: 5 s, who: { site: branch, group: desks, host: 3 } }",
            "{ kind: link_down, at: 10 s, for: 5 s, who: { site: other, copy: 3 } }",
            "{ kind: partition, at: 1 s, who: { host: 0 } }",
            "{ kind: partition, from: origin, at: 1 s, for: 1 s }",
            "{ kind: slow_disk, delay: 50 ms, rate: 10 Mbit/s }",
            "{ kind: corrupts, who: { hosted_cache: true } }",
            "{ kind: lies, who: { group: desks } }",
            "{ kind: silent }",
            "{ kind: clock_skew, ahead: 1 d }",
            "{ kind: new_version, at: 1 min, content: old, becomes: new }",
            "{ random: { count: 5, kinds: [crash, lies], within: 1 min, longest: 10 s } }",
        ] {
            assert_eq!(error_of(fault), "", "{fault}");
        }
    }

    #[test]
    fn a_mistake_in_a_fault_is_told_with_its_place_and_what_was_expected() {
        for (fault, expected) in [
            (
                "{ kind: crsh }",
                ": faults.0.kind: there is no value 'crsh'; the nearest is 'crash'",
            ),
            (
                "{ kind: crash, after: 1 s }",
                ": faults.0: there is no key 'after'",
            ),
            (
                "{ at: 1 s }",
                ": faults.0: nothing goes wrong here: expected 'kind' (crash, ",
            ),
            (
                "{ kind: crash, random: {} }",
                ": faults.0.kind: it has 'random' too",
            ),
            (
                "{ kind: crash, delay: 1 s }",
                ": faults.0.delay: crash knows no 'delay'; it takes 'at'",
            ),
            (
                "{ kind: slow_disk }",
                ": faults.0: slow_disk needs 'delay', 'rate' or both",
            ),
            (
                "{ kind: clock_skew, ahead: 1 s, behind: 1 s }",
                ": faults.0: clock_skew needs either",
            ),
            (
                "{ kind: crash, who: { group: desk } }",
                ": faults.0.who.group: there is no group of hosts 'desk'; the nearest is 'desks'",
            ),
            (
                "{ kind: crash, who: { site: brunch } }",
                ": faults.0.who.site: there is no site 'brunch'",
            ),
            (
                "{ kind: crash, who: { host: 4 } }",
                ": faults.0.who.host: there is no host 4: there are 4, counted from 0",
            ),
            (
                "{ kind: crash, who: { copy: 4 } }",
                ": faults.0.who.copy: there is no such copy",
            ),
            (
                "{ kind: link_down, who: { host: 1 } }",
                ": faults.0.who: the line is that of the whole branch",
            ),
            (
                "{ kind: new_version, content: old, becomes: nwe }",
                ": faults.0.becomes: there is no content 'nwe'; the nearest is 'new'",
            ),
            (
                "{ random: { count: 0 } }",
                ": faults.0.random.count: expected 1 to 1000",
            ),
            (
                "{ kind: crash, for: 0 s }",
                ": faults.0.for: expected a time above 0",
            ),
        ] {
            let error = error_of(fault);
            let has_place = error.starts_with("it.yaml:6:");
            assert!(
                has_place && error.contains(expected),
                "{error}\n  where {expected}"
            );
        }
    }
}
