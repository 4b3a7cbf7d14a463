//! A plan carried out by the packet engine: the same hosts, contents and downloads that the flow engine has.
//! Invariant: nothing of a plan is left out in silence.
//! Unit: nanoseconds since the beginning; bytes.

use bytes::Bytes;
use peerdist::content::Version;
use peerdist::time::Instant;
use peerdist_node::get;

use super::faulting;
use super::office::{
    Branch, CachePolicy, Client, Content, DataCentre, Download, Lan, Mode, Office, Wan,
};
use super::run::{Failure, Got, run};
use super::shape::{LinkSettings, Quality, Rate};
use crate::healing::late_of;
use crate::outcome::{Outcome, Shares, SiteOutcome, Transfer};
use crate::plan::{Plan, SitePlan};
use crate::scenario::{self, Group};
use crate::series::Series;
use crate::tuning::Tuning;

/// The moments that a second has: a host is at work for so long before the next one is.
const TICK_NS: u64 = 1_000_000;
/// How long after it failed a download is begun again, where anything goes wrong at all.
const BEGIN_AGAIN_AFTER_NS: u64 = 10_000_000_000;

/// What of a plan this engine cannot carry out: the key, and why.
#[must_use]
pub fn cannot(plan: &Plan) -> Option<String> {
    plan.groups.iter().find_map(|(name, group)| {
        let offers = &group.offers;
        let (key, why) = if !group.serve_during.is_empty() {
            ("serve_during", "its peers serve from their start on")
        } else if offers.after.is_some() || offers.delay.is_some() {
            ("offers", "its clients offer by the settings of the program")
        } else {
            return None;
        };
        Some(format!(
            "hosts.{name}.{key}: the packet engine cannot do that, {why}; the flow engine can"
        ))
    })
}

/// Carries out a plan.
///
/// # Errors
/// [`Failure`] says what cannot be simulated, or what is wrong with this machine.
pub fn carry_out(plan: &Plan) -> Result<Outcome, Failure> {
    if let Some(what) = cannot(plan) {
        return Err(Failure::Office(what));
    }
    let faults = faulting::of(plan)?;
    let contents = plan.contents.iter();
    let office = Office {
        seed: plan.seed,
        contents: contents
            .map(|content| Content {
                bytes: Bytes::from(content.bytes()),
            })
            .collect(),
        data_centre: DataCentre {
            wan: plan.scenario.data_centre.rate.map(|rate| {
                let link = LinkSettings::of(Rate::bits_per_second(rate.0));
                Wan {
                    up: link,
                    down: link,
                    quality: Quality::default(),
                }
            }),
            lan: Lan {
                up: LinkSettings::of(Rate::UNLIMITED),
                down: LinkSettings::of(Rate::UNLIMITED),
                quality: Quality::default(),
            },
        },
        branches: plan.sites.iter().map(|site| branch(plan, site)).collect(),
        tick_ns: TICK_NS,
        time_limit_ns: plan.end.as_nanos(),
        begin_again_ns: (!faults.is_empty()).then_some(BEGIN_AGAIN_AFTER_NS),
        faults,
        ..Office::default()
    };
    let ran = run(&office)?;
    let mut sites: Vec<SiteOutcome> = Vec::new();
    let mut together = Series::default();
    for (number, site) in plan.sites.iter().enumerate() {
        let label = site.label();
        let carried = |name: &str| ran.link(name).map_or(0, |link| link.bytes);
        let mut series = ran.sources.get(number).cloned().unwrap_or_default();
        for way in ["down", "up"] {
            let link = ran.link(&format!("{label} wan {way}"));
            if let Some(record) = link.and_then(|link| link.record.as_ref()) {
                series.merge(record);
            }
        }
        together.merge(&series);
        sites.push(SiteOutcome {
            wan_down_bytes: carried(&format!("{label} wan down")),
            wan_up_bytes: carried(&format!("{label} wan up")),
            discovery_bytes: ran.discovery_bytes.get(number).copied().unwrap_or_default(),
            series,
            ..SiteOutcome::default()
        });
    }
    if let Some(first) = sites.first_mut() {
        first.violations.extend(faulting::links(&ran));
        // There is one trace of all.
        first.trace = ran.trace.hash();
    }
    let mut ended: Vec<Vec<(u32, u64)>> = vec![Vec::new(); plan.sites.len()];
    for download in &ran.downloads {
        let Some(site) = sites.get_mut(download.branch) else {
            continue;
        };
        let host = u32::try_from(download.client).unwrap_or(u32::MAX);
        let began = Instant::from_nanos(download.began_ns);
        if let Some(ended) = ended.get_mut(download.branch) {
            ended.push((host, download.began_ns));
        }
        let mut transfer = Transfer {
            host,
            content: u32::try_from(download.content).unwrap_or(u32::MAX),
            began,
            ended: Instant::from_nanos(download.ended_ns),
            is_complete: false,
            shares: Shares::default(),
        };
        match &download.result {
            Ok(got) => {
                transfer.is_complete = true;
                transfer.shares = got.shares;
                site.metadata_bytes += got.metadata_bytes;
                site.violations.extend(wrong_with(&download.host, got));
            }
            Err(why) => site.violations.push(format!("{}: {why}", download.host)),
        }
        site.transfers.push(transfer);
    }
    // What did not end until the end has failed.
    let all = plan.sites.iter().zip(&mut sites).zip(&ended);
    for ((site, outcome), ended) in all {
        let left = plan.fetches(site).into_iter().filter(|fetch| {
            fetch.at < plan.end && !ended.contains(&(fetch.host, fetch.at.as_nanos()))
        });
        outcome.transfers.extend(left.map(|fetch| Transfer {
            host: fetch.host,
            content: fetch.content,
            began: fetch.at,
            ended: plan.end,
            is_complete: false,
            shares: Shares::default(),
        }));
        outcome.violations.extend(late_of(plan, site, outcome));
    }
    Ok(Outcome {
        sites,
        series: together,
    })
}

/// What of a download is not as it must be.
fn wrong_with(host: &str, got: &Got) -> impl Iterator<Item = String> {
    let content = format!("{host} got something else than the content");
    let store = format!("the store of {host} has more than it may");
    let both = [(got.is_content, content), (got.is_store_within, store)];
    let wrong = both.into_iter().filter(|(is_good, _)| !is_good);
    wrong.map(|(_, what)| what)
}

fn branch(plan: &Plan, site: &SitePlan) -> Branch {
    let line = &site.site.link;
    let rate = |rate: scenario::units::Rate| LinkSettings::of(Rate::bits_per_second(rate.0));
    let of_line = |of: scenario::units::Rate| match line.queue {
        None => rate(of),
        Some(queue) => LinkSettings {
            queue_bytes: queue.0,
            is_filled: true,
            ..rate(of)
        },
    };
    let lan = |of: scenario::units::Rate| Lan {
        up: rate(of),
        down: rate(of),
        quality: Quality {
            latency_ns: site.site.lan.latency.0,
            ..Quality::default()
        },
    };
    let mut clients: Vec<Client> = (0..site.cache_number())
        .filter_map(|number| {
            let group = plan.group_of(site, number)?;
            Some(client(group, group.lan_rate.map(lan)))
        })
        .collect();
    for fetch in plan.fetches(site) {
        if let Some(client) = clients.get_mut(fetch.host as usize) {
            client.downloads.push(Download {
                content: fetch.content as usize,
                at_ns: fetch.at.as_nanos(),
            });
        }
    }
    Branch {
        name: site.label(),
        wan: Wan {
            up: of_line(line.up()),
            down: of_line(line.down),
            quality: Quality {
                latency_ns: line.latency.0,
                jitter_ns: line.jitter.0,
                lost_per_million: u32::try_from(line.loss.0).unwrap_or(u32::MAX),
            },
        },
        lan: lan(site.site.lan.rate),
        hosted_cache_bytes: site.cache_store().map_or(0, |store| store.size.0),
        clients,
    }
}

fn client(group: &Group, lan: Option<Lan>) -> Client {
    Client {
        lan,
        tuning: Tuning::of(group),
        policy: CachePolicy {
            mode: match group.mode {
                scenario::Mode::Distributed => Mode::Distributed,
                scenario::Mode::Hosted => Mode::Hosted,
                scenario::Mode::Local => Mode::Local,
                scenario::Mode::Off => Mode::Off,
            },
            version: match group.version {
                1 => Version::V1,
                _ => Version::V2,
            },
            order: match group.order {
                scenario::Order::Sequential => get::Order::Sequential,
                scenario::Order::Random => get::Order::Random,
            },
            store_bytes: group.store.size.0,
        },
        downloads: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_and_a_store_too_full_are_told() {
        let good = Got {
            shares: Shares::default(),
            metadata_bytes: 0,
            lies: 0,
            rejected: 0,
            is_content: true,
            is_store_within: true,
        };
        assert_eq!(wrong_with("desk-1", &good).count(), 0);
        let bad = Got {
            is_content: false,
            is_store_within: false,
            ..good
        };
        let told: Vec<String> = wrong_with("desk-1", &bad).collect();
        assert_eq!(
            told,
            [
                "desk-1 got something else than the content",
                "the store of desk-1 has more than it may"
            ]
        );
    }
}
