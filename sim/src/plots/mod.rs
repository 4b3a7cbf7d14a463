//! Figures for papers: what the line carried, where content came from, how long downloads took.
//! Invariant: the same run gives the same bytes; colours, units and curves are those of the page (`report`).
//! Format: SVG 1.1; lengths in points of a figure as wide as a column of text.

mod axis;
mod figure;

use crate::report::Report;
use figure::{Figure, Scale};

/// A figure, by the name of its file without its ending.
pub type Named = (&'static str, String);

/// Colours that are told apart by those who see no red or no green: Okabe and Ito's.
const ORIGIN: &str = "#d55e00";
const PEERS: &str = "#0072b2";
const HOSTED: &str = "#009e73";
const LOCAL: &str = "#cc79a7";
const WITHOUT: &str = "#8b94a1";
const CURVES: [&str; 6] = [PEERS, ORIGIN, HOSTED, LOCAL, "#8a6d00", "#56606c"];

/// All figures of a run.
#[must_use]
pub fn figures(report: &Report) -> Vec<Named> {
    vec![
        ("wan", wan(report)),
        ("sources", sources(report)),
        ("completion", completion(report)),
    ]
}

fn wan(report: &Report) -> String {
    let timeline = report.timeline();
    let bin = timeline.bin_seconds;
    let rate =
        |bytes: &[u64]| -> Vec<f64> { bytes.iter().map(|it| *it as f64 * 8.0 / bin).collect() };
    let down = rate(&timeline.wan_down_bytes);
    let without = rate(&timeline.wan_down_bytes_without_caching);
    let most = down.iter().chain(&without).copied().fold(0.0, f64::max);
    let end = bin * down.len() as f64;
    let mut figure = Figure::new(&report.name, Scale::time(end), Scale::bits(most));
    for mark in &report.marks {
        figure.band(mark.at_seconds, mark.until_seconds, &mark.label);
    }
    figure.steps(&without, &[], bin, WITHOUT, 0.35, "without PeerDist");
    figure.steps(&down, &[], bin, PEERS, 0.6, "with PeerDist");
    figure.finish("Time", "Towards the branches")
}

fn sources(report: &Report) -> String {
    let timeline = report.timeline();
    let parts = [
        (&timeline.bytes_from_origin, ORIGIN, "the origin"),
        (&timeline.bytes_from_peers, PEERS, "neighbours"),
        (&timeline.bytes_from_hosted_cache, HOSTED, "hosted caches"),
        (&timeline.bytes_from_local_cache, LOCAL, "the own store"),
    ];
    let mut base = vec![0.0; timeline.wan_down_bytes.len()];
    let mut layers = Vec::new();
    for (bytes, color, label) in parts {
        if bytes.iter().all(|it| *it == 0) {
            continue;
        }
        let mut so_far = 0.0;
        let high: Vec<f64> = bytes
            .iter()
            .zip(&base)
            .map(|(bytes, base)| {
                so_far += *bytes as f64;
                base + so_far
            })
            .collect();
        let low = std::mem::replace(&mut base, high.clone());
        layers.push((high, low, color, label));
    }
    let most = base.last().copied().unwrap_or_default();
    let end = timeline.bin_seconds * base.len() as f64;
    let mut figure = Figure::new(&report.name, Scale::time(end), Scale::bytes(most));
    for (high, low, color, label) in &layers {
        figure.steps(high, low, timeline.bin_seconds, color, 0.9, label);
    }
    figure.finish("Time", "Content that came so far")
}

fn completion(report: &Report) -> String {
    let curves: Vec<_> = report
        .curves()
        .iter()
        .filter(|curve| !curve.seconds.is_empty())
        .collect();
    let ends = |of: fn(&[f64]) -> Option<&f64>| curves.iter().filter_map(move |it| of(&it.seconds));
    let least = ends(<[f64]>::first).copied().fold(f64::MAX, f64::min);
    let most = ends(<[f64]>::last).copied().fold(0.0, f64::max);
    let mut figure = Figure::new(
        &report.name,
        Scale::durations(least.min(most), most),
        Scale::percent(),
    );
    for (curve, color) in curves.iter().zip(CURVES) {
        let last = (curve.seconds.len().max(2) - 1) as f64;
        let complete = curve.complete as f64 / curve.downloads.max(1) as f64;
        let points: Vec<(f64, f64)> = curve
            .seconds
            .iter()
            .enumerate()
            .map(|(place, seconds)| {
                let part = match curve.seconds.len() {
                    1 => 1.0,
                    _ => place as f64 / last,
                };
                (*seconds, 100.0 * complete * part)
            })
            .collect();
        figure.climb(&points, color, &curve.name);
    }
    figure.finish("Time that a download took", "Downloads")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Engine;
    use crate::plan::Plan;
    use crate::report::Mark;
    use crate::scenario::load;

    #[test]
    fn figures_are_whole_and_what_they_are_called_stays_text() {
        let text = "
sites: { branch: { link: { down: 5 Mbit/s } } }
hosts: { a: { count: 3 }, b: { mode: off } }
contents: { update: { size: 1 MB } }
workload: [{ arrive: { pattern: one_by_one, every: 10 s } }]
";
        let plan = Plan::new(Arc::new(load("it", text).unwrap()), 1);
        let outcome = Engine::Flow.run(&plan, 1).unwrap();
        let summary = outcome.summary(&plan);
        let mut report = Report::new("<&>", "flow", &plan, &outcome, &summary);
        report.marks.push(Mark {
            at_seconds: 2.0,
            until_seconds: Some(5.0),
            label: "line down".to_owned(),
        });
        let figures = figures(&report);
        for (name, svg) in &figures {
            assert!(
                svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
                "{name}"
            );
            assert!(
                svg.contains("&lt;&amp;&gt;") && !svg.contains("<&>"),
                "{name}"
            );
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        }
        assert!(figures[0].1.contains("line down"));
        assert!(figures[1].1.contains("neighbours") && !figures[1].1.contains("hosted"));
        assert!(figures[2].1.contains(">a<") && figures[2].1.contains(">100 %<"));
    }
}
