//! A run as one page: what was not as required first, then every case, then the matrix of requirements and verdicts.
//! Invariant: the page needs nothing outside of itself, and nothing that an implementation sent is markup in it.
//! Byte order: none.

mod case;
mod matrix;

use core::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::junit::escaped;
use super::{Judged, Report};
use crate::judge::{CaseResult, Role, Verdict};
use crate::wire::text::base64;
use case::Shown;

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");

/// The page. `results` are those that the report is of.
#[must_use]
pub fn html(report: &Report, results: &[CaseResult]) -> String {
    let places = [
        ("script-hash", base64(&Sha256::digest(SCRIPT))),
        ("style", super::style().to_owned()),
        ("script", SCRIPT.to_owned()),
        ("outcome", outcome(report)),
        ("summary", summary(report)),
        ("targets", targets(report)),
        ("filters", filters(report)),
        ("cases", cases(report, results)),
        ("matrix", matrix::matrix(report)),
    ];
    // In one pass: what was put in is not looked through again.
    let mut page = String::new();
    for (number, part) in PAGE.split("{{").enumerate() {
        let placed = part.split_once("}}").filter(|_| number > 0);
        match placed {
            Some((name, rest)) => {
                let place = places.iter().find(|(known, _)| *known == name);
                page.push_str(place.map_or("", |(_, text)| text.as_str()));
                page.push_str(rest);
            }
            None => page.push_str(part),
        }
    }
    page
}

/// `1 case`, `2 cases`.
fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn is_known(judged: &Judged) -> bool {
    judged.verdict == Verdict::Fail && judged.expected.is_some()
}

/// The whole in a sentence.
fn outcome(report: &Report) -> String {
    let known = report
        .cases
        .iter()
        .filter(|judged| is_known(judged))
        .count();
    let failed = report.summary.fail - known;
    let judged = report.summary.pass + report.summary.warn + report.summary.fail;
    let (kind, mut text) = match (failed, judged) {
        (_, 0) => (
            "inconclusive",
            "Nothing was judged: every case was skipped, unsupported or inconclusive".to_owned(),
        ),
        (0, _) => (
            "pass",
            format!("As required in {}", counted(judged, "case")),
        ),
        _ => (
            "fail",
            format!("Not as required in {failed} of {}", counted(judged, "case")),
        ),
    };
    if known > 0 {
        text.push_str(&format!("; {} that is known", counted(known, "failure")));
    }
    if report.summary.warn > 0 {
        text.push_str(&format!("; {}", counted(report.summary.warn, "warning")));
    }
    format!("<p class=\"outcome {kind}\">{text}.</p>")
}

fn summary(report: &Report) -> String {
    let total = report.cases.len().max(1);
    let mut label = Vec::new();
    let mut bar = String::new();
    for verdict in Verdict::ALL {
        let count = report.summary.count(verdict);
        if count > 0 {
            let name = verdict.name();
            let share = count as f64 * 100.0 / total as f64;
            label.push(format!("{count} {name}"));
            // Writing into memory cannot fail.
            let _ = write!(
                bar,
                "<span class=\"{name}\" style=\"flex-grow:{share:.3}\" title=\"{count} {name}\"></span>"
            );
        }
    }
    format!(
        "<div class=\"bar\" role=\"img\" aria-label=\"{}\">{bar}</div>",
        label.join(", ")
    )
}

fn targets(report: &Report) -> String {
    let mut rows = String::new();
    for (role, target) in &report.targets {
        let _ = write!(
            rows,
            "<dt>{role}</dt><dd><code>{}</code></dd>",
            escaped(target)
        );
    }
    let strict = if report.strict { ", strict" } else { "" };
    let _ = write!(
        rows,
        "<dt>judged by</dt><dd>{}, profile {}{strict}, {}, {:.1} s</dd>",
        escaped(&report.judge),
        report.profile,
        counted(report.cases.len(), "case"),
        report.took_seconds
    );
    rows
}

/// A button a verdict, with how many there are.
fn filters(report: &Report) -> String {
    let total = report.cases.len();
    let mut buttons = format!(
        "<button type=\"button\" data-verdict=\"\" aria-pressed=\"true\">all <b>{total}</b></button>"
    );
    for verdict in [
        Verdict::Fail,
        Verdict::Warn,
        Verdict::Inconclusive,
        Verdict::Pass,
        Verdict::Skip,
        Verdict::Unsupported,
    ] {
        let name = verdict.name();
        let count = report.summary.count(verdict);
        let disabled = if count == 0 { " disabled" } else { "" };
        let _ = write!(
            buttons,
            "<button type=\"button\" data-verdict=\"{name}\" aria-pressed=\"false\"{disabled}>\
             <i class=\"{name}\"></i>{name} <b>{count}</b></button>"
        );
    }
    let mut roles = String::from("<option value=\"\">every role</option>");
    for role in Role::ALL {
        let of_role = |judged: &&Judged| judged.case.roles.contains(&role);
        let count = report.cases.iter().filter(of_role).count();
        if count > 0 {
            let _ = write!(roles, "<option value=\"{role}\">{role} ({count})</option>");
        }
    }
    format!(
        "<div class=\"verdicts\" role=\"group\" aria-label=\"Show cases by verdict\">{buttons}</div>\
         <select id=\"role\" aria-label=\"Show cases of a role\">{roles}</select>"
    )
}

/// What needs to be looked at, worst first.
const SECTIONS: [(&str, &str); 4] = [
    ("failed", "Not as required"),
    ("known", "Known failures"),
    ("warned", "Warnings"),
    (
        "inconclusive",
        "Inconclusive: the judge could not do its part",
    ),
];

/// The section of a case; `None`: nobody has to look at it.
fn section(judged: &Judged) -> Option<&'static str> {
    match judged.verdict {
        Verdict::Fail if is_known(judged) => Some("known"),
        Verdict::Fail => Some("failed"),
        Verdict::Warn => Some("warned"),
        Verdict::Inconclusive => Some("inconclusive"),
        Verdict::Pass | Verdict::Skip | Verdict::Unsupported => None,
    }
}

/// A heading with its cases, for each kind of outcome that needs to be looked at; then the others by role.
fn cases(report: &Report, results: &[CaseResult]) -> String {
    let mut shown = Shown::default();
    let mut out = String::new();
    let with_results = || report.cases.iter().enumerate();
    for (id, heading) in SECTIONS {
        let is_in = |judged: &Judged| section(judged) == Some(id);
        let such: Vec<_> = with_results().filter(|(_, judged)| is_in(judged)).collect();
        if such.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "<section class=\"group\" id=\"{id}\"><h2>{heading} <span class=\"number\">{}</span></h2>",
            such.len()
        );
        for (place, judged) in such {
            shown.case(&mut out, judged, results.get(place));
        }
        out.push_str("</section>");
    }
    let others = |judged: &Judged| section(judged).is_none();
    if report.cases.iter().any(others) {
        out.push_str("<section class=\"group\" id=\"others\"><h2>The other cases</h2>");
        for role in Role::ALL {
            let is_in = |judged: &Judged| others(judged) && judged.case.roles.contains(&role);
            let such: Vec<_> = with_results().filter(|(_, judged)| is_in(judged)).collect();
            if such.is_empty() {
                continue;
            }
            let of = |verdict| {
                such.iter()
                    .filter(|(_, one)| one.verdict == verdict)
                    .count()
            };
            let counts = [Verdict::Pass, Verdict::Skip, Verdict::Unsupported]
                .map(|verdict| (of(verdict), verdict.name()))
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, name)| format!("{count} {name}"));
            let _ = write!(
                out,
                "<details class=\"role\" id=\"role-{role}\"><summary><h3>{role}</h3> <span>{}</span></summary>",
                counts.collect::<Vec<_>>().join(", ")
            );
            for (place, judged) in such {
                shown.case(&mut out, judged, results.get(place));
            }
            out.push_str("</details>");
        }
        out.push_str("</section>");
    }
    out
}
