//! A scenario with its seed made concrete: hosts with their numbers, and every download with its moment.
//! Invariant: a plan follows from scenario and seed alone; both engines carry out the same plan.
//! Byte order: none.

mod arrivals;
mod catalogue;
mod contents;
mod faults;
mod pieces;
mod replaying;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use catalogue::Catalogue;
use contents::Contents;
pub use contents::{ContentPlan, Layout};
pub use faults::{Effect, FaultPlan};
use peerdist::time::Instant;

use crate::chance::Chance;
use crate::scenario::fault::Fault;
use crate::scenario::policy::open_from;
use crate::scenario::{Group, Scenario, Site, Store, Work};

/// A run to be carried out.
#[derive(Debug)]
pub struct Plan {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// All chance follows from it.
    pub seed: u64,
    /// The groups of hosts, in the order of their names.
    pub groups: Vec<(String, Group)>,
    /// The contents, in the order of their names; those of traces behind the others.
    pub contents: Vec<ContentPlan>,
    /// Which contents each name is for.
    pub catalogues: BTreeMap<String, Catalogue>,
    /// The branches, copies one by one, in the order of their names.
    pub sites: Vec<SitePlan>,
    /// When everything ends.
    pub end: Instant,
    /// Whether the flow engine may take many blocks in one step where nothing else happens. The result is the same.
    pub bursts: bool,
    replayed: replaying::Replayed,
}

/// A branch.
#[derive(Debug, Clone)]
pub struct SitePlan {
    /// Its number.
    pub number: u32,
    /// The name of its site in the scenario, and which copy of it.
    pub name: String,
    /// Which copy of that it is, from 1; 0 where there is only one.
    pub copy: u32,
    /// What it is like.
    pub site: Arc<Site>,
    /// Its hosts: their groups, one by one.
    pub hosts: Vec<u16>,
}

/// A download to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetchPlan {
    /// When it begins.
    pub at: Instant,
    /// By which host of its branch.
    pub host: u32,
    /// Of which content.
    pub content: u32,
}

impl Plan {
    /// Makes a scenario concrete.
    #[must_use]
    pub fn new(scenario: Arc<Scenario>, seed: u64) -> Self {
        let groups: Vec<(String, Group)> = scenario
            .hosts
            .iter()
            .map(|(name, group)| (name.clone(), group.clone()))
            .collect();
        let asks_for = |version: u8| groups.iter().any(|(_, group)| group.version == version);
        let versions = [asks_for(1), asks_for(2)];
        let contents = Contents::new(&scenario, seed, versions);
        let mut sites = Vec::new();
        for (name, site) in &scenario.sites {
            let hosts = hosts_of(&scenario, name, &groups);
            let shared = Arc::new(site.clone());
            for copy in 1..=site.copies {
                sites.push(SitePlan {
                    number: u32::try_from(sites.len()).unwrap_or(u32::MAX),
                    name: name.clone(),
                    copy: if site.copies == 1 { 0 } else { copy },
                    site: Arc::clone(&shared),
                    hosts: hosts.clone(),
                });
            }
        }
        let end = Instant::from_nanos(scenario.end.0);
        let mut plan = Self {
            scenario,
            seed,
            groups,
            contents: contents.all,
            catalogues: contents.catalogues,
            sites,
            end,
            bursts: true,
            replayed: BTreeMap::new(),
        };
        plan.replayed = replaying::replayed(&mut plan, versions);
        plan
    }

    /// The downloads of a branch, in their order.
    #[must_use]
    pub fn fetches(&self, site: &SitePlan) -> Vec<FetchPlan> {
        let mut fetches = self.replayed.get(&site.number).cloned().unwrap_or_default();
        for (number, work) in self.scenario.workload.iter().enumerate() {
            let catalogue = match &work.fetch {
                None => self.catalogues.values().next(),
                Some(name) => self.catalogues.get(name),
            };
            let Some(catalogue) = catalogue.filter(|_| work.replay.is_none()) else {
                continue;
            };
            let hosts = self.hosts_of_work(site, work);
            let of = [u64::from(site.number), number as u64];
            let requests = hosts.len().saturating_mul(work.requests as usize);
            let moments = arrivals::moments(&work.arrive, requests, self.seed, &of);
            let mut picks = Chance::new(self.seed, "picks", &of);
            // One request of each host before the next of any.
            fetches.extend(
                hosts
                    .iter()
                    .cycle()
                    .zip(moments)
                    .map(|(host, at)| FetchPlan {
                        at: Instant::from_nanos(at.0),
                        host: *host,
                        content: catalogue.pick(&mut picks),
                    }),
            );
        }
        for fetch in &mut fetches {
            if let Some(group) = self.group_of(site, fetch.host) {
                let at = open_from(&group.fetch_during, fetch.at.as_nanos());
                fetch.at = Instant::from_nanos(at);
            }
        }
        fetches.sort_unstable();
        fetches
    }

    /// What goes wrong in a branch, in the order in which it begins.
    #[must_use]
    pub fn faults(&self, site: &SitePlan) -> Vec<FaultPlan> {
        faults::of_site(self, site)
    }

    /// The faults of the scenario, with those that the seed draws one by one.
    #[must_use]
    pub fn written_faults(&self) -> Vec<Fault> {
        faults::written_out(self)
    }

    /// A content by its name.
    #[must_use]
    pub fn content_number(&self, name: &str) -> Option<u32> {
        let place = self.contents.iter().position(|it| it.name == name)?;
        u32::try_from(place).ok()
    }

    /// The hosts of a branch that a work is for.
    fn hosts_of_work(&self, site: &SitePlan, work: &Work) -> Vec<u32> {
        let is_meant = |group: u16| {
            let name = self.groups.get(usize::from(group)).map(|(name, _)| name);
            work.hosts.is_empty() || name.is_some_and(|name| work.hosts.contains(name))
        };
        (0_u32..)
            .zip(&site.hosts)
            .filter(|&(_, &group)| is_meant(group))
            .map(|(host, _)| host)
            .collect()
    }

    /// How many hosts there are, hosted caches not counted.
    #[must_use]
    pub fn host_count(&self) -> u64 {
        self.sites.iter().map(|site| site.hosts.len() as u64).sum()
    }

    /// The group that a host is of.
    #[must_use]
    pub fn group_of(&self, site: &SitePlan, host: u32) -> Option<&Group> {
        let group = *site.hosts.get(host as usize)?;
        self.groups.get(usize::from(group)).map(|(_, group)| group)
    }
}

impl SitePlan {
    /// As people know it.
    #[must_use]
    pub fn label(&self) -> String {
        match self.copy {
            0 => self.name.clone(),
            copy => format!("{}-{copy}", self.name),
        }
    }

    /// The number of its hosted cache, where there is one: that behind the last host.
    #[must_use]
    pub fn cache_number(&self) -> u32 {
        u32::try_from(self.hosts.len()).unwrap_or(u32::MAX)
    }

    /// What its hosted cache keeps, where there is one.
    #[must_use]
    pub fn cache_store(&self) -> Option<&Store> {
        self.site.hosted_cache.as_ref().map(|cache| &cache.store)
    }
}

fn hosts_of(scenario: &Scenario, site: &str, groups: &[(String, Group)]) -> Vec<u16> {
    (0_u16..)
        .zip(groups)
        .filter(|(_, (_, group))| scenario.sites_of(group).any(|name| name == site))
        .flat_map(|(number, (_, group))| std::iter::repeat_n(number, group.count as usize))
        .collect()
}
