//! What no type can say of contents, policies and traces.
//! Invariant: a scenario without a mistake can be simulated.
//! Byte order: none.

use super::catalogue::{Content, Distribution, Size, Spread};
use super::model::{Pattern, Scenario, Work};
use super::policy::Profile;
use super::units::{Bytes, Part, Span};
use super::validate::{Mistake, known, mistake};

/// A line that loses more is none.
pub(super) const LOSS_MOST: Part = Part(200_000);
/// Contents that a scenario may have, and versions of one.
const CONTENTS_LIMIT: u64 = 1_000_000;
const VERSIONS_LIMIT: usize = 100;
const DAY: Span = Span::seconds(86_400);
/// Milliseconds that a setting of core can have.
const MILLIS_MOST: Span = Span::millis(4_294_967_294);

/// Whether every fetch is one of a trace, so that no contents are needed.
pub(super) fn only_replays(scenario: &Scenario) -> bool {
    let mut works = scenario.workload.iter();
    !scenario.workload.is_empty() && works.all(|work| work.replay.is_some())
}

pub(super) fn contents(scenario: &Scenario) -> Result<(), Mistake> {
    let mut total = 0_u64;
    for (name, content) in &scenario.contents {
        let key = |rest: &str| format!("contents.{name}{rest}");
        if content.count == 0 {
            return Err(mistake(key(".count"), "0 is none: expected more"));
        }
        let zipf = content.popularity.zipf;
        if !(0.0..=10.0).contains(&zipf) {
            let why = format!("{zipf} is no exponent; expected one from 0 to 10");
            return Err(mistake(key(".popularity.zipf"), why));
        }
        match &content.edit_of {
            Some(other) => edit(scenario, name, content, other)?,
            None => size(&content.size(), &key(".size"))?,
        }
        let many = first_version(scenario, content).count;
        total = total.saturating_add(many.into());
    }
    if total > CONTENTS_LIMIT {
        let why = format!("{total} contents; at most {CONTENTS_LIMIT} can be simulated");
        return Err(mistake("contents", why));
    }
    Ok(())
}

/// The content that this one is a version of, however many there are between.
fn first_version<'a>(scenario: &'a Scenario, content: &'a Content) -> &'a Content {
    let mut at = content;
    for _ in 0..VERSIONS_LIMIT {
        match at.edit_of.as_ref().and_then(|of| scenario.contents.get(of)) {
            Some(before) => at = before,
            None => break,
        }
    }
    at
}

fn edit(scenario: &Scenario, name: &str, content: &Content, of: &str) -> Result<(), Mistake> {
    let key = |rest: &str| format!("contents.{name}{rest}");
    known(&scenario.contents, of, "content", || key(".edit_of"))?;
    if first_version(scenario, content).edit_of.is_some() {
        let why = format!("its versions go round in a circle, or are more than {VERSIONS_LIMIT}");
        return Err(mistake(key(".edit_of"), why));
    }
    if content.size.is_some() {
        let why =
            "a later version is as long as the earlier one and its edits make it; expected no size";
        return Err(mistake(key(".size"), why));
    }
    if content.count != 1 {
        let why = "there are as many later versions as earlier ones; expected no count";
        return Err(mistake(key(".count"), why));
    }
    let edits = &content.edits;
    if edits.places == 0 {
        return Err(mistake(key(".edits.places"), "0 is none: expected more"));
    }
    if edits.changed > Part::WHOLE {
        let why = "more than 100 % cannot change";
        return Err(mistake(key(".edits.changed"), why));
    }
    if edits.changed == Part(0) && edits.inserted == Bytes(0) && edits.removed == Bytes(0) {
        let why = "nothing is edited; expected 'changed', 'inserted' or 'removed'";
        return Err(mistake(key(".edits"), why));
    }
    Ok(())
}

fn size(size: &Size, key: &str) -> Result<(), Mistake> {
    let spread = match size {
        Size::Constant(Bytes(0)) => {
            return Err(mistake(key, "nothing can be fetched of 0 B"));
        }
        Size::Constant(_) => return Ok(()),
        Size::Drawn(spread) => spread,
    };
    let Spread {
        distribution,
        least,
        most,
        mean,
        median,
        sigma,
        shape,
    } = spread;
    let needed: &[&str] = match distribution {
        Distribution::Uniform => &["least", "most"],
        Distribution::Lognormal => &["median", "sigma"],
        Distribution::Pareto => &["least", "shape"],
        Distribution::Exponential => &["mean"],
    };
    let is_good = |bytes: &Option<Bytes>| bytes.map(|bytes| bytes.0 > 0);
    let is_number = |number: &Option<f64>| number.map(|number| number > 0.0 && number <= 1e3);
    for (name, is_given) in [
        ("least", is_good(least)),
        ("most", is_good(most)),
        ("mean", is_good(mean)),
        ("median", is_good(median)),
        ("sigma", is_number(sigma)),
        ("shape", is_number(shape)),
    ] {
        let is_limit = matches!(name, "least" | "most");
        let why = match (needed.contains(&name), is_given) {
            (true, None) => format!("this distribution needs '{name}'"),
            (_, Some(false)) => format!("'{name}' is not above 0, or far too much"),
            (false, Some(true)) if !is_limit => format!(
                "this distribution knows no '{name}'; expected {}",
                needed.join(" and ")
            ),
            _ => continue,
        };
        return Err(mistake(format!("{key}.{name}"), why));
    }
    if let (Some(least), Some(most)) = (least, most)
        && least > most
    {
        return Err(mistake(
            format!("{key}.most"),
            format!("{most} is below the least, {least}"),
        ));
    }
    Ok(())
}

pub(super) fn groups(scenario: &Scenario) -> Result<(), Mistake> {
    for (name, group) in &scenario.hosts {
        let key = |rest: &str| format!("hosts.{name}.{rest}");
        if group.lan_rate.is_some_and(|rate| rate.0 == 0) {
            return Err(mistake(key("lan_rate"), "0 is none: expected more"));
        }
        if group.profile == Profile::Windows7 && group.version != 1 {
            let why = "Windows 7 knows content information of version 1 alone; expected 1";
            return Err(mistake(key("version"), why));
        }
        let windows = [
            ("fetch_during", &group.fetch_during),
            ("serve_during", &group.serve_during),
        ];
        for (what, windows) in windows {
            for (at, window) in windows.iter().enumerate() {
                for (end, span) in [("from", window.from), ("until", window.until)] {
                    if span > DAY {
                        let why = "a time of the day is at most 24 h";
                        return Err(mistake(key(&format!("{what}.{at}.{end}")), why));
                    }
                }
                if window.from == window.until {
                    let why = "it is never open: 'from' and 'until' are the same";
                    return Err(mistake(key(&format!("{what}.{at}")), why));
                }
            }
        }
        let discovery = &group.discovery;
        let spans = [
            ("wait_for_peers", Some(group.wait_for_peers)),
            ("discovery.wait", discovery.wait),
            ("discovery.answer_delay", discovery.answer_delay),
            ("discovery.remember_nobody", discovery.remember_nobody),
            ("discovery.remember_peers", discovery.remember_peers),
            ("origin.look_again", group.origin.look_again),
            ("offers.delay", group.offers.delay),
            ("peers.segment_timer", group.peers.segment_timer),
        ];
        for (what, span) in spans {
            let Some(span) = span else { continue };
            if span.0 % 1_000_000 != 0 || span > MILLIS_MOST {
                let why = "expected whole milliseconds, below 49 days";
                return Err(mistake(key(what), why));
            }
        }
        for (what, is_zero) in [
            ("discovery.per_second", discovery.per_second == Some(0)),
            ("peers.segments", group.peers.segments == Some(0)),
            ("peers.requests", group.peers.requests == Some(0)),
            ("origin.ranges", group.origin.ranges == Some(0)),
            ("origin.range", group.origin.range == Some(Bytes(0))),
            ("origin.backlog", group.origin.backlog == Some(Bytes(0))),
            (
                "origin.look_again",
                group.origin.look_again == Some(Span(0)),
            ),
            ("discovery.wait", discovery.wait == Some(Span(0))),
        ] {
            if is_zero {
                return Err(mistake(key(what), "0 is none: expected more"));
            }
        }
        let after = group.offers.after;
        if after.is_some_and(|part| part > Part::WHOLE || part.0 % 10_000 != 0) {
            let why = "expected a whole number of percent, at most 100";
            return Err(mistake(key("offers.after"), why));
        }
    }
    Ok(())
}

/// Whether it is a replay, and a good one.
pub(super) fn replay(work: &Work, key: &impl Fn(&str) -> String) -> Result<bool, Mistake> {
    if work.requests == 0 {
        return Err(mistake(key(".requests"), "0 is none: expected more"));
    }
    let Some(replay) = &work.replay else {
        return Ok(false);
    };
    if replay.times == 0 {
        return Err(mistake(key(".replay.times"), "0 is none: expected more"));
    }
    for (what, is_given) in [
        (".fetch", work.fetch.is_some()),
        (".requests", work.requests != 1),
        (".arrive", work.arrive.pattern != Pattern::AtOnce),
    ] {
        if is_given {
            let why = "the trace says who fetches what and when; expected only 'replay', 'hosts' and arrive.from";
            return Err(mistake(key(what), why));
        }
    }
    if replay.csv.is_none() {
        let why = "expected 'file', or the requests themselves as 'csv'";
        return Err(mistake(key(".replay"), why));
    }
    if let Err((line, why)) = replay.rows() {
        return Err(mistake(key(".replay.csv"), format!("line {line}: {why}")));
    }
    Ok(true)
}
