//! The requirements that cases assert, and what cases said of each: a cell for the worst, and a row for all.
//! Invariant: a case counts for a requirement what it found of it, not what it found of another.
//! Byte order: none.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use super::super::junit::escaped;
use super::super::{Judged, Report};
use super::counted;
use crate::catalogue::{self, Requirement};
use crate::judge::Verdict;

/// The columns, worst first.
const COLUMNS: [Verdict; 6] = [
    Verdict::Fail,
    Verdict::Warn,
    Verdict::Inconclusive,
    Verdict::Pass,
    Verdict::Unsupported,
    Verdict::Skip,
];

type Said<'a> = Vec<(&'a Judged, Verdict)>;

/// The worst of what cases said of a requirement.
fn worst(said: &Said<'_>) -> Verdict {
    let has = |verdict: &Verdict| said.iter().any(|(_, one)| one == verdict);
    COLUMNS.into_iter().find(has).unwrap_or(Verdict::Skip)
}

/// What a case says of one of its requirements: a failure is of what it was found against, and stops the case before
/// others.
fn of_requirement(judged: &Judged, requirement: &str) -> Verdict {
    let mut found = judged
        .findings
        .iter()
        .filter(|finding| finding.requirement == requirement)
        .peekable();
    match judged.verdict {
        Verdict::Fail | Verdict::Warn if found.peek().is_some() => {
            if found.any(|finding| finding.is_failure) {
                Verdict::Fail
            } else {
                Verdict::Warn
            }
        }
        Verdict::Fail | Verdict::Warn if judged.asserted.contains(&requirement) => Verdict::Pass,
        Verdict::Fail | Verdict::Warn => Verdict::Skip,
        other => other,
    }
}

pub(super) fn matrix(report: &Report) -> String {
    let mut by_requirement: BTreeMap<&str, Said<'_>> = BTreeMap::new();
    for judged in &report.cases {
        for requirement in judged.case.requirements {
            let verdict = of_requirement(judged, requirement);
            let entry = by_requirement.entry(requirement).or_default();
            entry.push((judged, verdict));
        }
    }
    let mut documents: Vec<(&str, Vec<(&Requirement, &Said<'_>)>)> = Vec::new();
    for requirement in catalogue::all() {
        let Some(said) = by_requirement.get(requirement.id.as_str()) else {
            continue;
        };
        match documents.last_mut() {
            Some((document, rows)) if *document == requirement.document => {
                rows.push((requirement, said));
            }
            _ => documents.push((&requirement.document, vec![(requirement, said)])),
        }
    }
    let mut out = String::new();
    for (document, rows) in documents {
        of_document(&mut out, document, &rows);
    }
    out
}

fn of_document(out: &mut String, document: &str, rows: &[(&Requirement, &Said<'_>)]) {
    let document = escaped(document);
    // Writing into memory cannot fail.
    let _ = write!(
        out,
        "<h3>{document}</h3><div class=\"cells\" role=\"group\" aria-label=\"{document}\">"
    );
    for (requirement, said) in rows {
        let name = worst(said).name();
        let id = escaped(&requirement.id);
        let _ = write!(
            out,
            "<a class=\"cell {name}\" href=\"#{id}\" data-level=\"{level}\" title=\"{id} ({level}): {name}\" aria-label=\"{id} {name}\"></a>",
            level = requirement.level.name(),
        );
    }
    let _ = write!(
        out,
        "</div><details class=\"table\"><summary>{} of {document}, and what cases said of each</summary>\
         <table><thead><tr><th scope=\"col\">requirement</th>",
        counted(rows.len(), "requirement")
    );
    for verdict in COLUMNS {
        let _ = write!(out, "<th scope=\"col\" class=\"n\">{}</th>", verdict.name());
    }
    out.push_str("</tr></thead><tbody>");
    for (requirement, said) in rows {
        row(out, requirement, said);
    }
    out.push_str("</tbody></table></details>");
}

fn row(out: &mut String, requirement: &Requirement, said: &Said<'_>) {
    let id = escaped(&requirement.id);
    let words: Vec<&str> = requirement.text.split_whitespace().collect();
    let _ = write!(
        out,
        "<tr id=\"{id}\" class=\"{}\"><th scope=\"row\"><code>{id}</code> <span class=\"level\">{}</span> {}<ul>",
        worst(said).name(),
        requirement.level.name(),
        escaped(&words.join(" "))
    );
    for verdict in COLUMNS {
        for (judged, _) in said.iter().filter(|(_, one)| *one == verdict) {
            let case = escaped(judged.case.id);
            let name = verdict.name();
            let _ = write!(
                out,
                "<li><i class=\"{name}\" title=\"{name}\"></i><a href=\"#{case}\">{case}</a></li>"
            );
        }
    }
    out.push_str("</ul></th>");
    for verdict in COLUMNS {
        let count = said.iter().filter(|(_, one)| *one == verdict).count();
        let name = verdict.name();
        match count {
            0 => out.push_str("<td></td>"),
            count => {
                let _ = write!(
                    out,
                    "<td class=\"{name}\" data-verdict=\"{name}\">{count}</td>"
                );
            }
        }
    }
    out.push_str("</tr>");
}
