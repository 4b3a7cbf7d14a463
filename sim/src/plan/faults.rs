//! What goes wrong in each branch, and when: faults of a scenario made concrete.
//! Invariant: what is drawn follows from seed, branch and place in the list; a version of a content is the same everywhere.
//! Unit: nanoseconds since the beginning.

use peerdist::time::{Duration, Instant};

use super::{Plan, SitePlan};
use crate::chance::Chance;
use crate::scenario::fault::{Beyond, Fault, FaultKind, Who};
use crate::scenario::units::{Rate, Span};

/// Delays of slow disks that are drawn.
const DELAY_LONGEST: Span = Span::seconds(3);
/// Clocks that are drawn are wrong by less.
const SKEW_LONGEST: Span = Span::seconds(60 * 86_400);
/// The least that a fault lasts.
const LASTS_LEAST: u64 = 1_000_000;

/// A fault of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultPlan {
    /// What it does.
    pub effect: Effect,
    /// From when.
    pub from: Instant,
    /// Until when, where it heals.
    pub until: Option<Instant>,
    /// The hosts that it befalls, in ascending order; the hosted cache is that behind the last one. None where it befalls
    /// the line or the origin.
    pub hosts: Vec<u32>,
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of a scenario")]
pub enum Effect {
    /// Hosts stop.
    Crash,
    /// The line carries nothing.
    LinkDown,
    /// Hosts and the other hosts of the branch do not reach each other.
    CutFromNeighbours,
    /// Hosts and the data centre do not reach each other.
    CutFromOrigin,
    /// The store answers late.
    SlowDisk { delay: Span, rate: Option<Rate> },
    /// Blocks have wrong bytes.
    Corrupts,
    /// Blocks that are not there are promised, and have wrong bytes.
    Lies,
    /// Requests have no answer.
    Silent,
    /// The clock is ahead, or behind.
    ClockSkew { ahead: Span, behind: Span },
    /// One content is had under the name of another.
    NewVersion { content: u32, becomes: u32 },
}

impl Effect {
    /// The kind that does this.
    #[must_use]
    pub const fn kind(self) -> FaultKind {
        match self {
            Self::Crash => FaultKind::Crash,
            Self::LinkDown => FaultKind::LinkDown,
            Self::CutFromNeighbours | Self::CutFromOrigin => FaultKind::Partition,
            Self::SlowDisk { .. } => FaultKind::SlowDisk,
            Self::Corrupts => FaultKind::Corrupts,
            Self::Lies => FaultKind::Lies,
            Self::Silent => FaultKind::Silent,
            Self::ClockSkew { .. } => FaultKind::ClockSkew,
            Self::NewVersion { .. } => FaultKind::NewVersion,
        }
    }

    /// Whether a download may not end for as long as this lasts.
    #[must_use]
    pub const fn holds_up(self) -> bool {
        matches!(self, Self::Crash | Self::LinkDown | Self::CutFromOrigin)
    }
}

impl FaultPlan {
    /// Whether it befalls a host at a moment.
    #[must_use]
    pub fn is_at(&self, moment: Instant) -> bool {
        self.from <= moment && self.until.is_none_or(|until| moment < until)
    }

    /// Whether a host suffers from it.
    #[must_use]
    pub fn befalls(&self, host: u32) -> bool {
        matches!(self.effect, Effect::LinkDown) || self.hosts.binary_search(&host).is_ok()
    }
}

/// The faults of a branch, in the order in which they begin.
pub(super) fn of_site(plan: &Plan, site: &SitePlan) -> Vec<FaultPlan> {
    let mut faults: Vec<FaultPlan> = Vec::new();
    for (number, fault) in plan.scenario.faults.iter().enumerate() {
        faults.extend(in_site(plan, site, fault));
        if fault.random.is_some() {
            let here = drawn(plan, site, fault, number);
            faults.extend(here.iter().flat_map(|fault| in_site(plan, site, fault)));
        }
    }
    faults.sort_by_key(|fault| (fault.from, fault.until));
    faults
}

/// All faults of a plan as a scenario writes them, nothing left to be drawn.
pub(super) fn written_out(plan: &Plan) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, fault) in plan.scenario.faults.iter().enumerate() {
        faults.extend(fault.kind.map(|_| fault.clone()));
        if fault.random.is_some() {
            for site in &plan.sites {
                let is_new = |fault: &Fault| fault.kind == Some(FaultKind::NewVersion);
                let here = drawn(plan, site, fault, number).into_iter();
                faults.extend(here.filter(|fault| site.number == 0 || !is_new(fault)));
            }
        }
    }
    faults
}

/// What a fault of the scenario is in a branch.
fn in_site(plan: &Plan, site: &SitePlan, fault: &Fault) -> Option<FaultPlan> {
    let who = &fault.who;
    let is_meant = who.site.as_ref().is_none_or(|name| *name == site.name)
        && who.copy.is_none_or(|copy| copy == site.copy.max(1));
    let kind = fault.kind.filter(|_| is_meant)?;
    let is_of_hosts = !matches!(kind, FaultKind::LinkDown | FaultKind::NewVersion);
    let hosts = if is_of_hosts {
        hosts_of(plan, site, who)
    } else {
        Vec::new()
    };
    if is_of_hosts && hosts.is_empty() {
        return None;
    }
    let effect = match kind {
        FaultKind::Crash => Effect::Crash,
        FaultKind::LinkDown => Effect::LinkDown,
        FaultKind::Partition => match fault.from.unwrap_or_default() {
            Beyond::Neighbours => Effect::CutFromNeighbours,
            Beyond::Origin => Effect::CutFromOrigin,
        },
        FaultKind::SlowDisk => Effect::SlowDisk {
            delay: fault.delay.unwrap_or_default(),
            rate: fault.rate,
        },
        FaultKind::Corrupts => Effect::Corrupts,
        FaultKind::Lies => Effect::Lies,
        FaultKind::Silent => Effect::Silent,
        FaultKind::ClockSkew => Effect::ClockSkew {
            ahead: fault.ahead.unwrap_or_default(),
            behind: fault.behind.unwrap_or_default(),
        },
        FaultKind::NewVersion => Effect::NewVersion {
            content: plan.content_number(fault.content.as_deref()?)?,
            becomes: plan.content_number(fault.becomes.as_deref()?)?,
        },
    };
    let from = Instant::from_nanos(fault.at.0);
    Some(FaultPlan {
        effect,
        from,
        until: fault
            .lasts
            .map(|lasts| from + Duration::from_nanos(lasts.0)),
        hosts,
    })
}

fn hosts_of(plan: &Plan, site: &SitePlan, who: &Who) -> Vec<u32> {
    if who.hosted_cache {
        return site
            .cache_store()
            .map(|_| site.cache_number())
            .into_iter()
            .collect();
    }
    let is_meant = |group: u16| {
        let group = plan.groups.get(usize::from(group));
        group.is_some_and(|(name, _)| who.group.as_ref().is_none_or(|it| it == name))
    };
    let hosts = (0_u32..).zip(&site.hosts);
    let hosts = hosts
        .filter(|&(_, &group)| is_meant(group))
        .map(|(host, _)| host);
    match who.host {
        None => hosts.collect(),
        Some(place) => hosts.skip(place as usize).take(1).collect(),
    }
}

/// What the seed draws for a branch.
fn drawn(plan: &Plan, site: &SitePlan, fault: &Fault, number: usize) -> Vec<Fault> {
    let Some(random) = &fault.random else {
        return Vec::new();
    };
    let kinds = random.drawn_kinds(&plan.scenario);
    let draw = |site: &SitePlan| {
        let of = [u64::from(site.number), number as u64];
        let mut chance = Chance::new(plan.seed, "faults", &of);
        let faults = (0..random.count).filter_map(|_| {
            let kind = kinds.get(usize::try_from(chance.below(kinds.len() as u64)).ok()?)?;
            one(plan, site, fault, *kind, &mut chance)
        });
        faults.collect::<Vec<Fault>>()
    };
    let is_new = |fault: &Fault| fault.kind == Some(FaultKind::NewVersion);
    // There is one origin: the first branch draws what changes there.
    let versions = plan.sites.first().map(&draw).unwrap_or_default();
    let mut faults = draw(site);
    faults.retain(|fault| !is_new(fault));
    faults.extend(versions.into_iter().filter(is_new));
    faults
}

fn one(
    plan: &Plan,
    site: &SitePlan,
    fault: &Fault,
    kind: FaultKind,
    chance: &mut Chance,
) -> Option<Fault> {
    let random = fault.random.as_ref()?;
    let at = Span(fault.at.0.saturating_add(chance.within(random.within).0));
    let lasts = Span(LASTS_LEAST + chance.within(random.longest).0);
    let mut one = Fault {
        kind: Some(kind),
        // To the millisecond, so that a fault that is found can be read.
        at: Span(at.0 - at.0 % LASTS_LEAST),
        lasts: Some(Span(lasts.0 - lasts.0 % LASTS_LEAST)),
        ..Fault::default()
    };
    let millis = |span: Span| Some(Span(span.0 - span.0 % LASTS_LEAST + LASTS_LEAST));
    match kind {
        FaultKind::NewVersion => {
            let count = plan.contents.len() as u64;
            let first = chance.below(count);
            let other = (first + 1 + chance.below(count.checked_sub(1)?)) % count;
            let name = |number: u64| {
                let content = plan.contents.get(usize::try_from(number).ok()?)?;
                Some(content.name.clone())
            };
            (one.content, one.becomes) = (name(first), name(other));
            one.lasts = None;
            return Some(one);
        }
        FaultKind::Partition if chance.below(2) == 1 => one.from = Some(Beyond::Origin),
        FaultKind::SlowDisk => {
            one.delay = millis(chance.within(DELAY_LONGEST));
            one.rate = (chance.below(2) == 1).then(|| Rate(100_000 + chance.below(100_000_000)));
        }
        FaultKind::ClockSkew if chance.below(2) == 1 => {
            one.ahead = millis(chance.within(SKEW_LONGEST));
        }
        FaultKind::ClockSkew => one.behind = millis(chance.within(SKEW_LONGEST)),
        _ => {}
    }
    one.who.site = Some(site.name.clone());
    one.who.copy = (site.copy > 0).then_some(site.copy);
    if kind == FaultKind::LinkDown {
        return Some(one);
    }
    let mut hosts = hosts_of(plan, site, &fault.who);
    if fault.who == Who::default() {
        hosts.extend(site.cache_store().map(|_| site.cache_number()));
    }
    let host = *hosts.get(usize::try_from(chance.below(hosts.len() as u64)).ok()?)?;
    if host == site.cache_number() {
        one.who.hosted_cache = true;
    } else {
        one.who.host = Some(host);
    }
    Some(one)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::load;

    fn plan(faults: &str, seed: u64) -> Plan {
        let text = format!(
            "sites: {{ a: {{ hosted_cache: {{}} }}, b: {{ copies: 2 }} }}\n\
             hosts: {{ desks: {{ count: 2 }}, laptops: {{ sites: [b], count: 3 }} }}\n\
             contents: {{ old: {{}}, new: {{}} }}\n\
             workload: [{{ fetch: old }}]\nfaults: [{faults}]\n"
        );
        Plan::new(Arc::new(load("test", &text).unwrap()), seed)
    }

    #[test]
    fn a_fault_befalls_those_who_are_named_and_nobody_else() {
        let hosts = |faults: &str| -> Vec<Vec<u32>> {
            let plan = plan(faults, 1);
            let sites = plan.sites.iter().map(|site| {
                let faults = plan.faults(site).into_iter();
                faults.flat_map(|fault| fault.hosts).collect()
            });
            sites.collect()
        };
        let none = Vec::new;
        assert_eq!(
            hosts("{ kind: crash }"),
            [vec![0, 1], vec![0, 1, 2, 3, 4], vec![0, 1, 2, 3, 4]]
        );
        assert_eq!(
            hosts("{ kind: crash, who: { group: laptops, host: 1 } }"),
            [none(), vec![3], vec![3]]
        );
        assert_eq!(
            hosts("{ kind: crash, who: { site: b, copy: 2, host: 4 } }"),
            [none(), none(), vec![4]]
        );
        assert_eq!(
            hosts("{ kind: crash, who: { hosted_cache: true } }"),
            [vec![2], none(), none()]
        );
    }

    #[test]
    fn what_is_drawn_follows_from_the_seed_and_can_be_written_out() {
        let text = "{ random: { count: 40, within: 1 min, longest: 10 s } }";
        let one = plan(text, 7);
        let of = |plan: &Plan| -> Vec<Vec<FaultPlan>> {
            plan.sites.iter().map(|site| plan.faults(site)).collect()
        };
        assert_eq!(of(&one), of(&plan(text, 7)));
        assert_ne!(of(&one), of(&plan(text, 8)));
        let drawn = of(&one);
        assert_ne!(drawn[1], drawn[2]);
        for faults in &drawn {
            let late = |fault: &&FaultPlan| fault.from > Instant::from_nanos(60_000_000_000);
            assert!(faults.iter().find(late).is_none());
        }
        let kinds: std::collections::BTreeSet<FaultKind> = drawn
            .iter()
            .flatten()
            .map(|fault| fault.effect.kind())
            .collect();
        assert_eq!(kinds.len(), FaultKind::ALL.len());
        let versions = |faults: &[FaultPlan]| -> Vec<FaultPlan> {
            let new = faults
                .iter()
                .filter(|it| it.effect.kind() == FaultKind::NewVersion);
            new.cloned().collect()
        };
        assert_eq!(versions(&drawn[0]), versions(&drawn[2]));
        let mut scenario = (*one.scenario).clone();
        scenario.faults = one.written_faults();
        let again = Plan::new(Arc::new(scenario), 7);
        assert_eq!(of(&again), drawn);
    }
}
