//! A run as one page: the matrix of requirements and verdicts, every case, and what was found.
//! Invariant: the page needs nothing outside of itself, and nothing that an implementation sent is markup in it.
//! Byte order: none.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use super::junit::escaped;
use super::{Judged, Report};
use crate::catalogue;
use crate::judge::{CaseResult, Role, Verdict};
use crate::report::text;

const PAGE: &str = include_str!("page.html");
/// Bytes of the record of a case that the page holds; files beside it hold all.
const EVIDENCE_MAX_BYTES: usize = 24 << 10;

/// The page. `results` are those that the report is of.
#[must_use]
pub fn html(report: &Report, results: &[CaseResult]) -> String {
    PAGE.replace("{{style}}", super::style())
        .replace("{{summary}}", &summary(report))
        .replace("{{targets}}", &targets(report))
        .replace("{{matrix}}", &matrix(report))
        .replace("{{cases}}", &cases(report, results))
}

fn summary(report: &Report) -> String {
    let total = report.cases.len().max(1);
    let mut bar = String::from("<div class=\"bar\" role=\"img\" aria-label=\"verdicts\">");
    let mut legend = String::from("<ul class=\"legend\">");
    for verdict in Verdict::ALL {
        let count = report.summary.count(verdict);
        let name = verdict.name();
        if count > 0 {
            let share = count as f64 * 100.0 / total as f64;
            // Writing into memory cannot fail.
            let _ = write!(
                bar,
                "<span class=\"{name}\" style=\"width:{share:.3}%\"></span>"
            );
        }
        let _ = write!(
            legend,
            "<li><i class=\"{name}\"></i><b>{count}</b> {name}</li>"
        );
    }
    bar.push_str("</div>");
    legend.push_str("</ul>");
    bar + &legend
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
        "<dt>judged by</dt><dd>{}, profile {}{strict}, {:.1} s</dd>",
        escaped(&report.judge),
        report.profile,
        report.took_seconds
    );
    rows
}

/// The worst of what cases said of a requirement.
fn worst(verdicts: &[Verdict]) -> Option<Verdict> {
    let order = [
        Verdict::Fail,
        Verdict::Warn,
        Verdict::Inconclusive,
        Verdict::Pass,
        Verdict::Unsupported,
        Verdict::Skip,
    ];
    order.into_iter().find(|verdict| verdicts.contains(verdict))
}

/// What a case says of one of its requirements: a failure is of what it was found against, and stops the case before
/// others.
fn of_requirement(judged: &Judged, requirement: &str) -> Verdict {
    let found = judged
        .findings
        .iter()
        .any(|finding| finding.requirement == requirement);
    match judged.verdict {
        Verdict::Fail | Verdict::Warn if found => judged.verdict,
        Verdict::Fail | Verdict::Warn if judged.asserted.contains(&requirement) => Verdict::Pass,
        Verdict::Fail | Verdict::Warn => Verdict::Skip,
        other => other,
    }
}

fn matrix(report: &Report) -> String {
    let mut by_requirement: BTreeMap<&str, Vec<(&Judged, Verdict)>> = BTreeMap::new();
    for judged in &report.cases {
        for requirement in judged.case.requirements {
            let verdict = of_requirement(judged, requirement);
            let entry = by_requirement.entry(requirement).or_default();
            entry.push((judged, verdict));
        }
    }
    let mut out = String::new();
    let mut document = "";
    for requirement in catalogue::all() {
        let Some(cases) = by_requirement.get(requirement.id.as_str()) else {
            continue;
        };
        if requirement.document != document {
            if !document.is_empty() {
                out.push_str("</div>");
            }
            document = &requirement.document;
            let _ = write!(out, "<h3>{}</h3><div class=\"cells\">", escaped(document));
        }
        let verdicts: Vec<Verdict> = cases.iter().map(|(_, verdict)| *verdict).collect();
        let verdict = worst(&verdicts).unwrap_or(Verdict::Skip);
        let names: Vec<&str> = cases.iter().map(|(judged, _)| judged.case.id).collect();
        let _ = write!(
            out,
            "<button class=\"cell {name}\" data-cases=\"{}\" data-level=\"{}\" title=\"{} ({}): {name}\n{}\n{} cases\" aria-label=\"{} {name}\"></button>",
            escaped(&names.join(" ")),
            requirement.level.name(),
            escaped(&requirement.id),
            requirement.level.name(),
            escaped(&requirement.text),
            names.len(),
            escaped(&requirement.id),
            name = verdict.name(),
        );
    }
    if !document.is_empty() {
        out.push_str("</div>");
    }
    out
}

fn cases(report: &Report, results: &[CaseResult]) -> String {
    let mut out = String::new();
    for role in Role::ALL {
        let of_role = report.cases.iter().zip(results);
        let mut of_role = of_role
            .filter(|(judged, _)| judged.case.roles.contains(&role))
            .peekable();
        if of_role.peek().is_none() {
            continue;
        }
        let _ = write!(out, "<h3 id=\"{role}\">{role}</h3>");
        for (judged, result) in of_role {
            case(&mut out, judged, result);
        }
    }
    out
}

fn case(out: &mut String, judged: &Judged, result: &CaseResult) {
    let verdict = judged.verdict.name();
    let id = escaped(judged.case.id);
    let _ = write!(
        out,
        "<details class=\"case {verdict}\" id=\"{id}\"><summary><span class=\"verdict {verdict}\">{verdict}</span> \
         <span class=\"title\">{}</span> <code>{id}</code></summary><div class=\"inside\">",
        escaped(judged.case.title)
    );
    let _ = write!(
        out,
        "<p>{} {}, {}, {:.3} s</p>",
        escaped(judged.case.document),
        escaped(judged.case.section),
        judged.case.level.name(),
        judged.took_seconds
    );
    if let Some(reason) = &judged.reason {
        let _ = write!(out, "<p class=\"reason\">{}</p>", escaped(reason));
    }
    if let Some(reason) = &judged.expected {
        let _ = write!(out, "<p class=\"reason\">Expected: {}</p>", escaped(reason));
    }
    if let Some(before) = judged.before {
        let _ = write!(out, "<p class=\"reason\">Before: {}</p>", before.name());
    }
    for finding in &judged.findings {
        let quirk = finding
            .quirk
            .map(|quirk| format!(" <code>{}</code>", escaped(quirk)));
        let _ = write!(
            out,
            "<p class=\"finding\"><code>{}</code>{} {}</p>",
            escaped(finding.requirement),
            quirk.unwrap_or_default(),
            escaped(&finding.text)
        );
    }
    out.push_str("<ul>");
    for id in judged.case.requirements {
        let words = catalogue::find(id)
            .map(|found| found.text.as_str())
            .unwrap_or_default();
        let _ = write!(
            out,
            "<li><code>{}</code> {}</li>",
            escaped(id),
            escaped(words)
        );
    }
    out.push_str("</ul>");
    if let Some(evidence) = &judged.evidence {
        let path = escaped(evidence);
        let _ = write!(
            out,
            "<p><a href=\"{path}.txt\">all that was sent and received</a>, <a href=\"{path}.pcapng\">as a capture</a></p>"
        );
    }
    let is_shown = matches!(
        judged.verdict,
        Verdict::Fail | Verdict::Warn | Verdict::Inconclusive
    );
    if is_shown {
        let mut shown = text::happened(result);
        if shown.len() > EVIDENCE_MAX_BYTES {
            let end = (0..=EVIDENCE_MAX_BYTES)
                .rev()
                .find(|end| shown.is_char_boundary(*end));
            shown.truncate(end.unwrap_or(0));
            shown.push_str("\n… the rest is in the files beside this page\n");
        }
        let _ = write!(out, "<pre>{}</pre>", escaped(&shown));
    }
    out.push_str("</div></details>");
}
