//! One case on the page: what was required, what was seen, and the bytes that show it.
//! Invariant: how much of the records the page holds has a limit; files beside it hold all.
//! Byte order: none.

use core::fmt::Write as _;

use super::super::Judged;
use super::super::junit::escaped;
use crate::catalogue;
use crate::evidence::dump;
use crate::judge::{CaseResult, Finding, Verdict};

/// Bytes of the record of a case that the page holds.
const RECORD_MAX_BYTES: usize = 24 << 10;
/// Bytes of the records of all cases that it holds: a page with many failures still opens.
const RECORDS_MAX_BYTES: usize = 2 << 20;
/// Bytes of what stands in the open.
const EXCHANGE_MAX_BYTES: usize = 6 << 10;
/// Cases that are unfolded at first.
const OPEN_MAX: usize = 12;

/// What the page holds so far.
#[derive(Debug, Default)]
pub(super) struct Shown {
    record_bytes: usize,
    open: usize,
}

impl Shown {
    pub(super) fn case(&mut self, out: &mut String, judged: &Judged, result: Option<&CaseResult>) {
        let verdict = judged.verdict.name();
        let known = judged.expected.as_ref().map_or("", |_| " known");
        let id = escaped(judged.case.id);
        let is_open = judged.verdict == Verdict::Fail && known.is_empty() && self.open < OPEN_MAX;
        self.open += usize::from(is_open);
        let roles: Vec<_> = judged.case.roles.iter().map(|role| role.name()).collect();
        // Writing into memory cannot fail.
        let _ = write!(
            out,
            "<details class=\"case {verdict}{known}\" id=\"{id}\" data-role=\"{}\"{}>\
             <summary><span class=\"verdict {verdict}\">{verdict}</span> \
             <span class=\"title\">{}</span> <code>{id}</code></summary><div class=\"inside\">",
            roles.join(" "),
            if is_open { " open" } else { "" },
            escaped(judged.case.title)
        );
        if let Some(reason) = &judged.reason {
            let _ = write!(out, "<p class=\"reason\">{}</p>", escaped(reason));
        }
        if let Some(reason) = &judged.expected {
            let _ = write!(out, "<p class=\"reason\">Known: {}</p>", escaped(reason));
        }
        if let Some(reason) = &judged.unexpected {
            let _ = write!(
                out,
                "<p class=\"reason\">Expected to fail, and did not: {}</p>",
                escaped(reason)
            );
        }
        if let Some(before) = judged.before {
            let _ = write!(
                out,
                "<p class=\"reason\">In the run before: {}</p>",
                before.name()
            );
        }
        for finding in &judged.findings {
            one_finding(out, finding);
        }
        let is_looked_into = !matches!(
            judged.verdict,
            Verdict::Pass | Verdict::Skip | Verdict::Unsupported
        );
        if let Some(result) = result.filter(|_| is_looked_into) {
            self.record(out, judged, result);
        }
        others(out, judged);
        about(out, judged);
        out.push_str("</div></details>");
    }

    /// The bytes before the finding in the open, and all that happened behind a line.
    fn record(&mut self, out: &mut String, judged: &Judged, result: &CaseResult) {
        let failing = judged.findings.iter().find(|finding| finding.is_failure);
        let finding = failing.or(judged.findings.first());
        let note = finding.map(|finding| format!("{}: {}", finding.requirement, finding.text));
        let exchange = dump::last_exchange(&result.record, note.as_deref());
        let exchange = cut(&exchange, EXCHANGE_MAX_BYTES, "more of it below");
        let all = dump::timeline(&result.record);
        let all = cut(
            &all,
            RECORD_MAX_BYTES,
            "the rest is in the files beside this page",
        );
        if self.record_bytes + exchange.len() + all.len() > RECORDS_MAX_BYTES {
            out.push_str(
                "<p class=\"reason\">What was sent and received is in the files beside this page alone.</p>",
            );
            return;
        }
        if !exchange.is_empty() {
            self.record_bytes += exchange.len();
            let _ = write!(
                out,
                "<h4>The bytes</h4><pre tabindex=\"0\">{}</pre>",
                escaped(&exchange)
            );
        }
        if all.len() > exchange.len() {
            self.record_bytes += all.len();
            let _ = write!(
                out,
                "<details class=\"all\"><summary>all that happened</summary><pre tabindex=\"0\">{}</pre></details>",
                escaped(&all)
            );
        }
    }
}

/// No more than so many bytes of a text, whole lines, with a word about what is not there.
fn cut(text: &str, most: usize, word: &str) -> String {
    let Some(kept) = text
        .get(..text.floor_char_boundary(most))
        .filter(|_| text.len() > most)
    else {
        return text.to_owned();
    };
    let end = kept.rfind('\n').map_or(0, |at| at + 1);
    format!("{}… {word}\n", kept.get(..end).unwrap_or_default())
}

fn words_of(requirement: &str) -> String {
    let text = catalogue::find(requirement).map(|found| found.text.as_str());
    let words: Vec<&str> = text.unwrap_or_default().split_whitespace().collect();
    escaped(&words.join(" "))
}

fn link(requirement: &str) -> String {
    let id = escaped(requirement);
    format!("<a class=\"id\" href=\"#{id}\"><code>{id}</code></a>")
}

fn one_finding(out: &mut String, finding: &Finding) {
    let kind = if finding.is_failure { "fail" } else { "warn" };
    let level = catalogue::find(finding.requirement).map_or("", |found| found.level.name());
    let quirk = finding.quirk.map(|quirk| {
        format!(
            " <span class=\"quirk\">a deviation with a name: <code>{}</code></span>",
            escaped(quirk)
        )
    });
    let _ = write!(
        out,
        "<dl class=\"finding {kind}\"><dt>Required</dt><dd>{} <span class=\"where\">{} <span class=\"level\">{level}</span></span></dd>\
         <dt>Seen</dt><dd class=\"seen\">{}{}</dd></dl>",
        words_of(finding.requirement),
        link(finding.requirement),
        escaped(&finding.text),
        quirk.unwrap_or_default()
    );
}

/// The requirements of the case beside those that it found something against.
fn others(out: &mut String, judged: &Judged) {
    let found = |id: &str| judged.findings.iter().any(|one| one.requirement == id);
    let others: Vec<_> = judged
        .case
        .requirements
        .iter()
        .filter(|id| !found(id))
        .collect();
    if others.is_empty() {
        return;
    }
    out.push_str("<ul class=\"requirements\">");
    for id in others {
        let is_asserted = judged.asserted.contains(id);
        let note = match judged.verdict {
            Verdict::Fail | Verdict::Warn if is_asserted => " <em>this was so</em>",
            Verdict::Fail | Verdict::Warn => " <em>it did not come to this</em>",
            _ => "",
        };
        let _ = write!(out, "<li>{} {}{note}</li>", link(id), words_of(id));
    }
    out.push_str("</ul>");
}

/// Where it is written, how long it took, and where the files are.
fn about(out: &mut String, judged: &Judged) {
    let _ = write!(
        out,
        "<p class=\"about\">{} {}, {}, {:.3} s",
        escaped(judged.case.document),
        escaped(judged.case.section),
        judged.case.level.name(),
        judged.took_seconds
    );
    if let Some(evidence) = &judged.evidence {
        let path = escaped(evidence);
        let _ = write!(
            out,
            ": <a href=\"{path}.txt\">all that was sent and received</a>, <a href=\"{path}.pcapng\">the same for Wireshark</a>"
        );
    }
    out.push_str("</p>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_the_end_of_a_line() {
        assert_eq!(cut("one\ntwo\n", 8, "more"), "one\ntwo\n");
        assert_eq!(cut("one\ntwo\nthree\n", 9, "more"), "one\ntwo\n… more\n");
        assert_eq!(cut("öööö", 3, "more"), "… more\n");
    }
}
