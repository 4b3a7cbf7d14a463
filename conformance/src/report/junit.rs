//! A run as JUnit XML, as CI systems read it: a suite a role, a test case a case.
//! Invariant: what is not allowed in XML 1.0 is not in it, whatever an implementation sent.
//! Byte order: none.

use core::fmt::Write as _;

use super::{Judged, Report};
use crate::judge::{Role, Verdict};

/// The report.
#[must_use]
pub fn junit(report: &Report) -> String {
    let total = report.cases.len();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"peerdist conform\" tests=\"{total}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3}\">\n",
        count(&report.cases, is_failure),
        count(&report.cases, |judged| judged.verdict
            == Verdict::Inconclusive),
        count(&report.cases, is_skipped),
        report.took_seconds
    );
    for role in Role::ALL {
        let cases: Vec<&Judged> = report
            .cases
            .iter()
            .filter(|judged| judged.case.roles.contains(&role))
            .collect();
        if cases.is_empty() {
            continue;
        }
        let seconds: f64 = cases.iter().map(|judged| judged.took_seconds).sum();
        // Writing into memory cannot fail.
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{seconds:.3}\">",
            role.name(),
            cases.len(),
            count(cases.iter().copied(), is_failure),
            count(cases.iter().copied(), |judged| judged.verdict
                == Verdict::Inconclusive),
            count(cases.iter().copied(), is_skipped),
        );
        for judged in cases {
            test_case(&mut xml, role, judged);
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn count<'a>(cases: impl IntoIterator<Item = &'a Judged>, is: impl Fn(&Judged) -> bool) -> usize {
    cases.into_iter().filter(|judged| is(judged)).count()
}

fn is_failure(judged: &Judged) -> bool {
    judged.verdict == Verdict::Fail && judged.expected.is_none()
}

fn is_skipped(judged: &Judged) -> bool {
    matches!(judged.verdict, Verdict::Skip | Verdict::Unsupported)
        || (judged.verdict == Verdict::Fail && judged.expected.is_some())
}

fn test_case(xml: &mut String, role: Role, judged: &Judged) {
    let _ = write!(
        xml,
        "    <testcase classname=\"{}.{}\" name=\"{}\" time=\"{:.3}\"",
        role.name(),
        escaped(judged.case.document),
        escaped(judged.case.id),
        judged.took_seconds
    );
    let text = texts(judged);
    let reason = judged.reason.as_deref().unwrap_or_default();
    match judged.verdict {
        Verdict::Pass => xml.push_str("/>\n"),
        Verdict::Fail => {
            let (open, close) = match &judged.expected {
                Some(reason) => (
                    format!(
                        "<skipped message=\"expected to fail: {}\">",
                        escaped(reason)
                    ),
                    "</skipped>",
                ),
                None => (
                    format!("<failure message=\"{}\">", escaped(judged.case.title)),
                    "</failure>",
                ),
            };
            let _ = writeln!(xml, ">{open}{}{close}</testcase>", escaped(&text));
        }
        Verdict::Warn => {
            let _ = writeln!(
                xml,
                "><system-out>{}</system-out></testcase>",
                escaped(&text)
            );
        }
        Verdict::Skip | Verdict::Unsupported => {
            let name = judged.verdict.name();
            let _ = writeln!(
                xml,
                "><skipped message=\"{name}: {}\"/></testcase>",
                escaped(reason)
            );
        }
        Verdict::Inconclusive => {
            let _ = writeln!(
                xml,
                "><error message=\"inconclusive: {}\"/></testcase>",
                escaped(reason)
            );
        }
    }
}

fn texts(judged: &Judged) -> String {
    let lines = judged.findings.iter().map(|finding| {
        let quirk = finding.quirk.map(|quirk| format!(" ({quirk})"));
        format!(
            "{}: {}{}",
            finding.requirement,
            finding.text,
            quirk.unwrap_or_default()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Text as XML has it; what XML 1.0 has no place for is a question mark.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(sign),
            '\u{fffe}' | '\u{ffff}' => out.push('?'),
            control if control < ' ' => out.push('?'),
            other => out.push(other),
        }
    }
    out
}
