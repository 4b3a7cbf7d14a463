//! A run as a page of Markdown, as code hosts show it beside a change.
//! Invariant: what an implementation sent cannot end a table or begin markup.
//! Byte order: none.

use core::fmt::Write as _;

use super::{Judged, Report};
use crate::judge::{Role, Verdict};

/// The report.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut page = String::from("# Conformance to PeerDist\n\n");
    for (role, target) in &report.targets {
        // Writing into memory cannot fail.
        let _ = writeln!(page, "- {role}: `{}`", target.replace('`', "'"));
    }
    let strict = if report.strict { ", strict" } else { "" };
    let _ = writeln!(
        page,
        "\nProfile {}{strict}, {:.1} s, {}.\n",
        report.profile, report.took_seconds, report.judge
    );
    page.push_str("| role | pass | fail | warn | skip | unsupported | inconclusive |\n|---|--:|--:|--:|--:|--:|--:|\n");
    for role in Role::ALL {
        let cases = report.of_role(role);
        if cases.is_empty() {
            continue;
        }
        let counts = Verdict::ALL.map(|verdict| {
            let such = cases.iter().filter(|judged| judged.verdict == verdict);
            such.count().to_string()
        });
        let _ = writeln!(page, "| {role} | {} |", counts.join(" | "));
    }
    for (verdict, heading) in [
        (Verdict::Fail, "Failed"),
        (Verdict::Warn, "Warned"),
        (Verdict::Inconclusive, "Inconclusive"),
    ] {
        let such: Vec<&Judged> = report
            .cases
            .iter()
            .filter(|judged| judged.verdict == verdict)
            .collect();
        if such.is_empty() {
            continue;
        }
        let _ = writeln!(
            page,
            "\n## {heading}\n\n| case | expected | found |\n|---|---|---|"
        );
        for judged in such {
            let mut found: Vec<String> = judged.findings.iter().map(ToString::to_string).collect();
            found.extend(judged.reason.clone());
            found.extend(
                judged
                    .expected
                    .as_ref()
                    .map(|why| format!("expected: {why}")),
            );
            found.extend(
                judged
                    .before
                    .map(|before| format!("before: {}", before.name())),
            );
            let found = found.join("; ");
            let _ = writeln!(
                page,
                "| `{}` | {} | {} |",
                judged.case.id,
                cell(judged.case.title),
                cell(&found)
            );
        }
    }
    let unexpected: Vec<&Judged> = report.unexpected_passes().collect();
    if !unexpected.is_empty() {
        page.push_str("\n## Expected to fail, and did not\n\n| case | verdict | why it was expected |\n|---|---|---|\n");
        for judged in unexpected {
            let reason = judged.unexpected.as_deref().unwrap_or_default();
            let _ = writeln!(
                page,
                "| `{}` | {} | {} |",
                judged.case.id,
                judged.verdict.name(),
                cell(reason)
            );
        }
    }
    page
}

/// Text as a cell of a table has it.
pub(crate) fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '\\' | '#' => {
                out.push('\\');
                out.push(sign);
            }
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}
