//! A case in words: what is expected, where it is written, and what happened.
//! Invariant: what an implementation sent cannot move the cursor of a terminal.
//! Byte order: none.

use core::fmt::Write as _;

use crate::catalogue;
use crate::evidence::dump;
use crate::judge::{Case, CaseResult};

/// Columns that text is wrapped at.
const COLUMNS: usize = 100;

/// What a case expects, by which requirements, and how it finds out.
#[must_use]
pub fn explained(case: &Case) -> String {
    let mut text = String::new();
    // Writing into memory cannot fail.
    let _ = writeln!(text, "{}", case.id);
    let _ = writeln!(text, "  {}", case.title);
    let _ = writeln!(
        text,
        "\n  role      {}\n  level     {}\n  document  {} {}",
        case.role(),
        case.level().name(),
        case.document(),
        case.section()
    );
    if !case.tags.is_empty() {
        let tags: Vec<_> = case.tags.iter().map(|tag| tag.name()).collect();
        let _ = writeln!(text, "  tags      {}", tags.join(", "));
    }
    text.push_str("\nIt asserts\n");
    for id in case.requirements {
        let Some(requirement) = catalogue::find(id) else {
            continue;
        };
        let _ = writeln!(
            text,
            "  {id} ({}, {})",
            requirement.level.name(),
            requirement.document
        );
        let words = requirement
            .text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        text.push_str(&wrapped(&words, 4));
    }
    if !case.quirks.is_empty() {
        text.push_str("\nIt tells from a failure\n");
        for quirk in case.quirks {
            let _ = writeln!(text, "  {quirk}");
        }
    }
    text
}

/// A case with what was found and all that was sent and received.
#[must_use]
pub fn evidence(result: &CaseResult) -> String {
    let mut text = explained(result.case);
    let _ = writeln!(text, "\nVerdict: {}", result.verdict.name());
    if let Some(reason) = &result.reason {
        let _ = writeln!(text, "  {}", dump::printable(reason));
    }
    for finding in &result.findings {
        let quirk = finding.quirk.map(|quirk| format!(" ({quirk})"));
        let quirk = quirk.unwrap_or_default();
        let said = dump::printable(&finding.text);
        let _ = writeln!(text, "  {}{quirk}: {said}", finding.requirement);
    }
    text.push_str("\nWhat happened\n");
    text.push_str(&dump::timeline(&result.record));
    text
}

fn wrapped(text: &str, indent: usize) -> String {
    let mut out = String::new();
    let mut line = " ".repeat(indent);
    for word in text.split(' ') {
        let is_first = line.trim().is_empty();
        if !is_first && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            out.push_str(&line);
            out.push('\n');
            line = " ".repeat(indent);
        } else if !is_first {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
    out
}
