//! How a run came out, for people and for programs, in every form at once.
//! Invariant: every form says the same of every case; times and addresses are the only things that differ between runs.
//! Byte order: none.

pub mod badge;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::catalogue::Level;
use crate::judge::run;
use crate::judge::session::Settings;
use crate::judge::{Case, CaseResult, Finding, Role, Tag, Verdict};

/// The version of the form of JSON.
pub const SCHEMA: u32 = 1;

/// How pages look.
pub(crate) const fn style() -> &'static str {
    include_str!("style.css")
}

/// How many cases came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the verdicts")]
pub struct Summary {
    pub pass: usize,
    pub fail: usize,
    pub warn: usize,
    pub skip: usize,
    pub unsupported: usize,
    pub inconclusive: usize,
}

impl Summary {
    /// Of such results.
    #[must_use]
    pub fn of(results: &[CaseResult]) -> Self {
        let count = |verdict| run::count(results, verdict);
        Self {
            pass: count(Verdict::Pass),
            fail: count(Verdict::Fail),
            warn: count(Verdict::Warn),
            skip: count(Verdict::Skip),
            unsupported: count(Verdict::Unsupported),
            inconclusive: count(Verdict::Inconclusive),
        }
    }

    /// How many there are of a verdict.
    #[must_use]
    pub const fn count(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Pass => self.pass,
            Verdict::Fail => self.fail,
            Verdict::Warn => self.warn,
            Verdict::Skip => self.skip,
            Verdict::Unsupported => self.unsupported,
            Verdict::Inconclusive => self.inconclusive,
        }
    }
}

/// A case, as lists show it.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of a case")]
pub struct Listed {
    pub id: &'static str,
    pub document: &'static str,
    pub section: &'static str,
    pub level: Level,
    pub roles: Vec<Role>,
    pub title: &'static str,
    pub requirements: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub quirks: &'static [&'static str],
    pub tags: &'static [Tag],
}

impl Listed {
    /// Such a case.
    #[must_use]
    pub fn of(case: &'static Case) -> Self {
        Self {
            id: case.id,
            document: case.document(),
            section: case.section(),
            level: case.level(),
            roles: vec![case.role()],
            title: case.title,
            requirements: case.requirements,
            quirks: case.quirks,
            tags: case.tags,
        }
    }
}

/// How a case came out, as reports show it.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of a result")]
pub struct Judged {
    #[serde(flatten)]
    pub case: Listed,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The requirements that were held against what happened; a case that stops early has not come to all of its own.
    pub asserted: Vec<&'static str>,
    /// Why it was expected to come out so, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Why it was expected to fail, if it was and did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexpected: Option<String>,
    /// How it came out in the run that this one is compared with, where that was otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Verdict>,
    pub took_seconds: f64,
    /// Where the record is, from the folder of the report on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// How a run came out.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this form.
    pub schema: u32,
    /// The program and its version.
    pub judge: String,
    /// What was judged, by role.
    pub targets: BTreeMap<&'static str, String>,
    /// Which deviations were taken as known.
    pub profile: &'static str,
    /// Whether what should be counted as what has to be.
    pub strict: bool,
    /// How long it took.
    pub took_seconds: f64,
    /// How many cases came out how.
    pub summary: Summary,
    /// Each case.
    pub cases: Vec<Judged>,
}

impl Report {
    /// Of results.
    #[must_use]
    pub fn new(
        results: &[CaseResult],
        targets: BTreeMap<&'static str, String>,
        settings: &Settings,
        took: Duration,
    ) -> Self {
        let judged = |result: &CaseResult| Judged {
            case: Listed::of(result.case),
            verdict: result.verdict,
            reason: result.reason.clone(),
            findings: result.findings.clone(),
            asserted: result.asserted.clone(),
            expected: None,
            unexpected: None,
            before: None,
            took_seconds: rounded(result.took),
            evidence: None,
        };
        Self {
            schema: SCHEMA,
            judge: format!("peerdist {}", env!("CARGO_PKG_VERSION")),
            targets,
            profile: settings.profile.name(),
            strict: settings.is_strict,
            took_seconds: rounded(took),
            summary: Summary::of(results),
            cases: results.iter().map(judged).collect(),
        }
    }

    /// The cases of a role.
    #[must_use]
    pub fn of_role(&self, role: Role) -> Vec<&Judged> {
        let is = |judged: &&Judged| judged.case.roles.contains(&role);
        self.cases.iter().filter(is).collect()
    }

    /// Notes which failures were expected, and which were and did not come.
    pub fn expect(&mut self, expected: &Expected) {
        for judged in &mut self.cases {
            let reason = expected.reason(judged.case.id).map(str::to_owned);
            match judged.verdict {
                Verdict::Fail => judged.expected = reason,
                Verdict::Pass | Verdict::Warn => judged.unexpected = reason,
                Verdict::Skip | Verdict::Unsupported | Verdict::Inconclusive => {}
            }
        }
    }

    /// Notes what came out otherwise than before, and expects what failed before to fail again.
    pub fn compare(&mut self, baseline: &Baseline) {
        for judged in &mut self.cases {
            let before = baseline.verdict(judged.case.id);
            judged.before = before.filter(|before| *before != judged.verdict);
            let is_known = before == Some(Verdict::Fail) && judged.verdict == Verdict::Fail;
            if is_known && judged.expected.is_none() {
                judged.expected = Some("it failed in the run before".to_owned());
            }
        }
    }

    /// The cases that make the run a bad one: failures that nobody expected.
    pub fn failures(&self) -> impl Iterator<Item = &Judged> {
        let such = |judged: &&Judged| judged.verdict == Verdict::Fail && judged.expected.is_none();
        self.cases.iter().filter(such)
    }

    /// Those that were expected to fail and did not.
    pub fn unexpected_passes(&self) -> impl Iterator<Item = &Judged> {
        let such = |judged: &&Judged| judged.unexpected.is_some();
        self.cases.iter().filter(such)
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn rounded(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000.0).round() / 1_000.0
}

/// Why a file that goes with a run cannot be used.
#[derive(Debug, Error)]
pub enum FileError {
    /// It is not of its form.
    #[error("expected a list of 'case' and 'reason' in YAML: {0}")]
    Yaml(#[from] serde_yaml::Error),
    /// It is no report.
    #[error("it is no report.json of 'peerdist conform': {0}")]
    Json(#[from] serde_json::Error),
    /// It names something that does not exist.
    #[error("there is no case '{0}'")]
    UnknownCase(String),
    /// It gives no reason.
    #[error("'{0}' has no reason; say why its failure is known")]
    NoReason(String),
    /// It is of another version.
    #[error("it is a report of schema {found}, expected {SCHEMA}; make it anew with --out")]
    Schema {
        /// The version it states.
        found: u32,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedEntry {
    case: String,
    reason: String,
}

/// Failures that are known, each with its reason.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    reasons: BTreeMap<String, String>,
}

impl Expected {
    /// Reads a list of `case` and `reason` in YAML.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(text: &str, cases: &[&'static Case]) -> Result<Self, FileError> {
        let entries: Vec<ExpectedEntry> = serde_yaml::from_str(text)?;
        let mut reasons = BTreeMap::new();
        for entry in entries {
            if !cases.iter().any(|case| case.id == entry.case) {
                return Err(FileError::UnknownCase(entry.case));
            }
            if entry.reason.trim().is_empty() {
                return Err(FileError::NoReason(entry.case));
            }
            reasons.insert(entry.case, entry.reason);
        }
        Ok(Self { reasons })
    }

    /// Why a case is expected to fail, if it is.
    #[must_use]
    pub fn reason(&self, case: &str) -> Option<&str> {
        self.reasons.get(case).map(String::as_str)
    }
}

#[derive(Debug, Deserialize)]
struct BaselineFile {
    schema: u32,
    cases: Vec<BaselineCase>,
}

#[derive(Debug, Deserialize)]
struct BaselineCase {
    id: String,
    verdict: Verdict,
}

/// How cases came out in an earlier run.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    verdicts: BTreeMap<String, Verdict>,
}

impl Baseline {
    /// Reads a report in JSON.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(text: &str) -> Result<Self, FileError> {
        let file: BaselineFile = serde_json::from_str(text)?;
        if file.schema != SCHEMA {
            return Err(FileError::Schema { found: file.schema });
        }
        let verdicts = file.cases.into_iter();
        Ok(Self {
            verdicts: verdicts.map(|case| (case.id, case.verdict)).collect(),
        })
    }

    /// How a case came out then.
    #[must_use]
    pub fn verdict(&self, case: &str) -> Option<Verdict> {
        self.verdicts.get(case).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;
    use crate::evidence::record::Recorder;
    use crate::wire::xml;

    #[test]
    fn what_an_implementation_sent_is_markup_in_no_form() {
        let hostile = "<evil a='\"'>&nbsp;|`\u{1b}[2J\u{0}]]></evil>";
        let case = cases::all()[0];
        let recorder = Recorder::new();
        recorder.note(hostile);
        let results = [CaseResult {
            case,
            verdict: Verdict::Fail,
            reason: Some(hostile.to_owned()),
            findings: vec![Finding {
                is_failure: true,
                requirement: case.requirements[0],
                quirk: None,
                text: hostile.to_owned(),
            }],
            asserted: case.requirements.to_vec(),
            took: Duration::ZERO,
            record: recorder.record(),
        }];
        let settings = Settings::default();
        let report = Report::new(&results, BTreeMap::new(), &settings, Duration::ZERO);

        let junit = xml::read(junit::junit(&report).as_bytes()).unwrap();
        let suite = junit.child("", "testsuite").unwrap();
        let failure = suite.child("", "testcase").unwrap().child("", "failure");
        let text = &failure.unwrap().text;
        assert!(
            text.contains("<evil a='\"'>&nbsp;|`?[2J?]]></evil>"),
            "{text}"
        );
        assert!(xml::read(badge::badge(&report).as_bytes()).is_ok());
        let html = html::html(&report, &results);
        assert!(
            html.contains("&lt;evil a=") && !html.contains("<evil"),
            "{html}"
        );
        let markdown = markdown::markdown(&report);
        assert!(markdown.contains("\\<evil a="), "{markdown}");
        for text in [html, markdown, text::evidence(&results[0])] {
            assert!(!text.contains(['\u{1b}', '\u{0}']), "{text}");
        }
    }

    #[test]
    fn a_report_of_before_is_read_and_one_with_a_verdict_that_there_is_not_is_refused() {
        let before = |verdict: &str| {
            format!(r#"{{"schema": 1, "cases": [{{"id": "a", "verdict": "{verdict}"}}]}}"#)
        };
        for verdict in Verdict::ALL {
            let baseline = Baseline::read(&before(verdict.name())).unwrap();
            assert_eq!(baseline.verdict("a"), Some(verdict));
            assert_eq!(baseline.verdict("b"), None);
        }
        assert!(Baseline::read(&before("failed")).is_err());
        assert!(Baseline::read(r#"{"schema": 2, "cases": []}"#).is_err());
    }
}
