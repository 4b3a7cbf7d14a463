//! The matrix in every form: a table for people, JSON, Markdown, one page, JUnit, and the evidence of a cell.
//! Invariant: every form says the same of every cell; nothing that an implementation said is markup in any of them.
//! Byte order: none.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::{Implementation, Outcome, Settings, Verdict};
use crate::evidence::dump;
use crate::judge::Role;
use crate::report::junit::escaped;
use crate::report::{markdown, style};

/// The version of the form of JSON.
pub const SCHEMA: u32 = 1;

const PAGE: &str = include_str!("page.html");

/// A run of the matrix.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this form.
    pub schema: u32,
    /// What ran it.
    pub judge: String,
    /// How long it took.
    pub took_seconds: f64,
    /// How many cells came out how.
    pub summary: Summary,
    /// Who took part.
    pub implementations: Vec<Member>,
    /// What they were put to.
    pub scenarios: Vec<Row>,
    /// What came of it.
    pub cells: Vec<CellReport>,
}

/// How many cells came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the verdicts")]
pub struct Summary {
    pub succeeded: usize,
    pub failed: usize,
    pub unsupported: usize,
    pub inconclusive: usize,
}

/// An implementation that took part.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of descriptions")]
pub struct Member {
    pub name: String,
    pub about: String,
    pub file: String,
    pub versions: Vec<u8>,
    pub roles: Vec<Role>,
}

/// A scenario that was run.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of scenarios")]
pub struct Row {
    pub id: &'static str,
    pub title: &'static str,
    pub server: Role,
    pub content_bytes: usize,
}

/// A cell.
#[derive(Debug, Clone, Serialize)]
pub struct CellReport {
    /// `SCENARIO/SERVER/CLIENT`.
    pub id: String,
    /// The scenario.
    pub scenario: &'static str,
    /// Who served.
    pub server: String,
    /// Who downloaded.
    pub client: String,
    /// How it came out.
    pub verdict: Verdict,
    /// What came of it, or why nothing did.
    pub text: String,
    /// How long it took.
    pub took_seconds: f64,
    /// The evidence, without the end of its name, where files were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

impl Report {
    /// Of such outcomes.
    #[must_use]
    pub fn new(
        implementations: &[Implementation],
        outcomes: &[Outcome<'_>],
        took: Duration,
    ) -> Self {
        let count = |verdict| {
            let such = outcomes.iter().filter(|outcome| outcome.verdict == verdict);
            such.count()
        };
        let members = implementations.iter().map(|one| Member {
            name: one.description.name.clone(),
            about: one.description.about.clone(),
            file: one.file.clone(),
            versions: one.description.versions.clone(),
            roles: one.description.roles(),
        });
        let has_run = |id| {
            outcomes
                .iter()
                .any(|outcome| outcome.cell.scenario.id == id)
        };
        let scenarios = super::scenarios()
            .iter()
            .filter(|scenario| has_run(scenario.id));
        let cells = outcomes.iter().map(|outcome| CellReport {
            id: outcome.cell.id(),
            scenario: outcome.cell.scenario.id,
            server: outcome.cell.server.description.name.clone(),
            client: outcome.cell.client.description.name.clone(),
            verdict: outcome.verdict,
            text: outcome.text.clone(),
            took_seconds: outcome.took.as_secs_f64(),
            evidence: None,
        });
        Self {
            schema: SCHEMA,
            judge: concat!("peerdist ", env!("CARGO_PKG_VERSION")).to_owned(),
            took_seconds: took.as_secs_f64(),
            summary: Summary {
                succeeded: count(Verdict::Succeeded),
                failed: count(Verdict::Failed),
                unsupported: count(Verdict::Unsupported),
                inconclusive: count(Verdict::Inconclusive),
            },
            implementations: members.collect(),
            scenarios: scenarios
                .map(|scenario| Row {
                    id: scenario.id,
                    title: scenario.title,
                    server: scenario.server,
                    content_bytes: scenario.bytes,
                })
                .collect(),
            cells: cells.collect(),
        }
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// A cell that succeeded or failed: something was held against something.
    #[must_use]
    pub const fn has_judged(&self) -> bool {
        self.summary.succeeded + self.summary.failed > 0
    }

    /// In words: how many came out how.
    #[must_use]
    pub fn counts(&self) -> String {
        let summary = self.summary;
        let mut text = format!(
            "{} cells: {} succeeded, {} failed",
            self.cells.len(),
            summary.succeeded,
            summary.failed
        );
        for (count, name) in [
            (summary.unsupported, "unsupported"),
            (summary.inconclusive, "inconclusive"),
        ] {
            if count > 0 {
                // Writing into memory cannot fail.
                let _ = write!(text, ", {count} {name}");
            }
        }
        text
    }

    /// The clients, in the order of the implementations.
    fn clients(&self) -> Vec<&str> {
        let downloads = |name: &&str| self.cells.iter().any(|cell| cell.client == *name);
        let names = self.implementations.iter().map(|one| one.name.as_str());
        names.filter(downloads).collect()
    }

    /// Each scenario with each server, and the cell of each client.
    fn rows(&self) -> Vec<(&Row, &str, Vec<Option<&CellReport>>)> {
        let mut by_place: BTreeMap<(&str, &str, &str), &CellReport> = BTreeMap::new();
        for cell in &self.cells {
            by_place.insert((cell.scenario, &cell.server, &cell.client), cell);
        }
        let clients = self.clients();
        let mut rows = Vec::new();
        for scenario in &self.scenarios {
            for server in &self.implementations {
                let at = |client: &&str| {
                    by_place
                        .get(&(scenario.id, server.name.as_str(), *client))
                        .copied()
                };
                let cells: Vec<Option<&CellReport>> = clients.iter().map(at).collect();
                if cells.iter().any(Option::is_some) {
                    rows.push((scenario, server.name.as_str(), cells));
                }
            }
        }
        rows
    }

    /// The matrix as a table: a row for each scenario and server, a column for each client.
    #[must_use]
    pub fn table(&self) -> String {
        let clients = self.clients();
        let mut lines = vec![[&["scenario", "server"], clients.as_slice()].concat()];
        let rows = self.rows();
        for (scenario, server, cells) in &rows {
            let mut line = vec![scenario.id, *server];
            line.extend(
                cells
                    .iter()
                    .map(|cell| cell.map_or("", |cell| word(cell.verdict))),
            );
            lines.push(line);
        }
        let columns = clients.len() + 2;
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.len()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for line in &lines {
            let padded = line.iter().zip(&widths);
            let padded: Vec<String> = padded
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            text.push_str(padded.join("  ").trim_end());
            text.push('\n');
        }
        text
    }

    /// As a page of Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut page = format!(
            "# Interoperation of PeerDist implementations\n\n{}, {:.1} s, {}.\n\n",
            self.counts(),
            self.took_seconds,
            self.judge
        );
        for member in &self.implementations {
            let _ = writeln!(
                page,
                "- {}: {}",
                markdown::cell(&member.name),
                markdown::cell(&member.about)
            );
        }
        let clients = self.clients();
        let _ = writeln!(
            page,
            "\nRows serve, columns download.\n\n| scenario | server | {} |\n|---|---|{}",
            clients
                .iter()
                .map(|name| markdown::cell(name))
                .collect::<Vec<_>>()
                .join(" | "),
            "---|".repeat(clients.len())
        );
        for (scenario, server, cells) in self.rows() {
            let cells: Vec<&str> = cells
                .iter()
                .map(|cell| cell.map_or("", |cell| word(cell.verdict)))
                .collect();
            let _ = writeln!(
                page,
                "| {} | {} | {} |",
                scenario.id,
                markdown::cell(server),
                cells.join(" | ")
            );
        }
        let others: Vec<&CellReport> = self
            .cells
            .iter()
            .filter(|cell| cell.verdict != Verdict::Succeeded)
            .collect();
        if !others.is_empty() {
            page.push_str("\n| cell | verdict | why |\n|---|---|---|\n");
            for cell in others {
                let _ = writeln!(
                    page,
                    "| {} | {} | {} |",
                    markdown::cell(&cell.id),
                    cell.verdict,
                    markdown::cell(&cell.text)
                );
            }
        }
        page
    }

    /// As one page that needs nothing outside of itself.
    #[must_use]
    pub fn html(&self) -> String {
        let mut members = String::new();
        for member in &self.implementations {
            let _ = write!(
                members,
                "<dt>{}</dt><dd>{} <code>{}</code></dd>",
                escaped(&member.name),
                escaped(&member.about),
                escaped(&member.file)
            );
        }
        let mut matrix = String::from("<table><thead><tr><th>scenario</th><th>server</th>");
        for client in self.clients() {
            let _ = write!(matrix, "<th>{}</th>", escaped(client));
        }
        matrix.push_str("</tr></thead><tbody>");
        for (scenario, server, cells) in self.rows() {
            let _ = write!(
                matrix,
                "<tr><td title=\"{}\">{}</td><td>{}</td>",
                escaped(scenario.title),
                scenario.id,
                escaped(server)
            );
            for cell in cells {
                match cell {
                    None => matrix.push_str("<td></td>"),
                    Some(cell) => {
                        let _ = write!(
                            matrix,
                            "<td><a href=\"#{}\" title=\"{}\"><span class=\"verdict {}\">{}</span></a></td>",
                            escaped(&cell.id),
                            escaped(&cell.text),
                            class(cell.verdict),
                            word(cell.verdict)
                        );
                    }
                }
            }
            matrix.push_str("</tr>");
        }
        matrix.push_str("</tbody></table>");
        let mut cells = String::new();
        for cell in &self.cells {
            let open = if cell.verdict == Verdict::Failed {
                " open"
            } else {
                ""
            };
            let _ = write!(
                cells,
                "<details class=\"case {class}\" id=\"{id}\"{open}><summary><span class=\"verdict {class}\">{verdict}</span> <span>{id}</span></summary><div class=\"inside\"><p>{text}</p><p>{seconds:.3} s</p>",
                class = class(cell.verdict),
                id = escaped(&cell.id),
                verdict = cell.verdict.name(),
                text = escaped(&cell.text),
                seconds = cell.took_seconds
            );
            if let Some(evidence) = &cell.evidence {
                let path = escaped(evidence);
                let _ = write!(
                    cells,
                    "<p><a href=\"{path}.txt\">all that the runner saw</a>, <a href=\"{path}.pcapng\">as a capture</a></p>"
                );
            }
            cells.push_str("</div></details>");
        }
        let counts = format!(
            "{}, {:.1} s, {}",
            self.counts(),
            self.took_seconds,
            self.judge
        );
        let counts = escaped(&counts);
        // What others wrote is put in once, and not looked through for more places.
        let mut page = String::new();
        for (place, piece) in PAGE.split("{{").enumerate() {
            let Some((name, rest)) = piece.split_once("}}").filter(|_| place > 0) else {
                page.push_str(piece);
                continue;
            };
            page.push_str(match name {
                "style" => style(),
                "counts" => &counts,
                "members" => &members,
                "matrix" => &matrix,
                _ => &cells,
            });
            page.push_str(rest);
        }
        page
    }

    /// As JUnit XML: a suite a scenario, a test case a server and a client.
    #[must_use]
    pub fn junit(&self) -> String {
        let summary = self.summary;
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"peerdist conform interop\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3}\">\n",
            self.cells.len(),
            summary.failed,
            summary.inconclusive,
            summary.unsupported,
            self.took_seconds
        );
        for scenario in &self.scenarios {
            let of_it = |cell: &&CellReport| cell.scenario == scenario.id;
            let cells: Vec<&CellReport> = self.cells.iter().filter(of_it).collect();
            let count = |verdict| cells.iter().filter(|cell| cell.verdict == verdict).count();
            let seconds: f64 = cells.iter().map(|cell| cell.took_seconds).sum();
            let _ = writeln!(
                xml,
                "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{seconds:.3}\">",
                scenario.id,
                cells.len(),
                count(Verdict::Failed),
                count(Verdict::Inconclusive),
                count(Verdict::Unsupported)
            );
            for cell in cells {
                let _ = write!(
                    xml,
                    "    <testcase classname=\"interop.{}\" name=\"{}/{}\" time=\"{:.3}\"",
                    scenario.id,
                    escaped(&cell.server),
                    escaped(&cell.client),
                    cell.took_seconds
                );
                let text = escaped(&cell.text);
                let _ = match cell.verdict {
                    Verdict::Succeeded => writeln!(xml, "/>"),
                    Verdict::Failed => writeln!(
                        xml,
                        "><failure message=\"{}\">{text}</failure></testcase>",
                        escaped(scenario.title)
                    ),
                    Verdict::Unsupported => writeln!(
                        xml,
                        "><skipped message=\"unsupported: {text}\"/></testcase>"
                    ),
                    Verdict::Inconclusive => {
                        writeln!(xml, "><error message=\"inconclusive: {text}\"/></testcase>")
                    }
                };
            }
            xml.push_str("  </testsuite>\n");
        }
        xml.push_str("</testsuites>\n");
        xml
    }
}

/// A cell with all that the runner saw.
#[must_use]
pub fn evidence(outcome: &Outcome<'_>, settings: &Settings) -> String {
    let scenario = outcome.cell.scenario;
    let (server, client) = (outcome.cell.server, outcome.cell.client);
    format!(
        "{}\n  {}\n\n  server    {}, {} ({})\n  client    {} ({})\n  content   {} bytes\n  patience  {} s\n\nVerdict: {}\n  {}\n\nWhat happened\n{}",
        outcome.cell.id(),
        scenario.title,
        scenario.server.name(),
        server.description.name,
        server.file,
        client.description.name,
        client.file,
        scenario.bytes,
        settings.patience.as_secs_f64(),
        outcome.verdict,
        outcome.text,
        dump::timeline(&outcome.record)
    )
}

/// A verdict as the matrix has it.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Succeeded => "ok",
        Verdict::Failed => "FAILED",
        Verdict::Unsupported => "unsupported",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// A verdict as the style of the pages knows it.
const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Succeeded => "pass",
        Verdict::Failed => "fail",
        Verdict::Unsupported => "unsupported",
        Verdict::Inconclusive => "inconclusive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let cell = |server: &str, client: &str, verdict, text: &str| CellReport {
            id: format!("peer-v1/{server}/{client}"),
            scenario: "peer-v1",
            server: server.to_owned(),
            client: client.to_owned(),
            verdict,
            text: text.to_owned(),
            took_seconds: 0.5,
            evidence: Some("evidence/it".to_owned()),
        };
        let member = |name: &str| Member {
            name: name.to_owned(),
            about: "<b>{{cells}}".to_owned(),
            file: "it.yaml".to_owned(),
            versions: vec![1],
            roles: vec![Role::Peer],
        };
        Report {
            schema: SCHEMA,
            judge: "peerdist".to_owned(),
            took_seconds: 1.0,
            summary: Summary {
                succeeded: 1,
                failed: 1,
                unsupported: 1,
                inconclusive: 0,
            },
            implementations: vec![member("one"), member("other"), member("idle")],
            scenarios: vec![Row {
                id: "peer-v1",
                title: "it goes well",
                server: Role::Peer,
                content_bytes: 1,
            }],
            cells: vec![
                cell("one", "one", Verdict::Succeeded, "it did"),
                cell("one", "other", Verdict::Failed, "said <script>|\u{1b}[2J"),
                cell("other", "other", Verdict::Unsupported, "none"),
            ],
        }
    }

    #[test]
    fn every_form_has_every_cell_and_no_markup_of_others() {
        let report = report();
        assert_eq!(
            report.table(),
            "scenario  server  one  other\n\
             peer-v1   one     ok   FAILED\n\
             peer-v1   other        unsupported\n"
        );
        assert_eq!(
            report.counts(),
            "3 cells: 1 succeeded, 1 failed, 1 unsupported"
        );
        let (html, markdown, junit) = (report.html(), report.markdown(), report.junit());
        for text in [&html, &markdown, &junit] {
            assert!(
                !text.contains("<script>") && !text.contains('\u{1b}') && !text.contains("<b>")
            );
        }
        assert_eq!(html.matches("<details class=\"case ").count(), 3, "{html}");
        assert!(
            markdown.contains("| peer-v1 | one | ok | FAILED |"),
            "{markdown}"
        );
        assert_eq!(junit.matches("<testcase ").count(), 3);
        assert_eq!(junit.matches("<failure ").count(), 1);
        assert_eq!(junit.matches("<skipped ").count(), 1);
        let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(json["cells"][1]["verdict"], "failed");
    }
}
