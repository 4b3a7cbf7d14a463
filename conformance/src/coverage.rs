//! Which requirements code enforces, cases and judged captures assert and vectors pin, and which nobody judges.
//! Invariant: an id in code, a case, a judged capture, a vector or an exemption that the catalogue does not know is a fault.
//! What is read: `requirements/*.yaml`, comments `//= ID` in Rust sources, `requirements` of vectors, the cases, and
//! what is asserted of captures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::capture;
use crate::cases;
use crate::catalogue::{Document, Requirement};
use crate::vectors::{self, VectorsError};

/// The file of exemptions among those of the catalogue.
const EXEMPTIONS: &str = "exempt.yaml";
/// Of so many MUST one may be exempted.
const EXEMPT_ONE_IN: usize = 10;

/// Why coverage could not be counted.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the fields are the words of the message")]
pub enum CoverageError {
    /// A file or folder that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// A file of the catalogue of another form.
    #[error("{}: {source}", path.display())]
    Form {
        path: PathBuf,
        source: serde_yaml::Error,
    },
    /// Vectors that cannot be read.
    #[error(transparent)]
    Vectors(#[from] VectorsError),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exemptions {
    exemptions: Vec<Exemption>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exemption {
    id: String,
    reason: String,
}

/// What was found.
#[derive(Debug)]
pub struct Coverage {
    documents: Vec<Document>,
    exemptions: Vec<Exemption>,
    /// Ids in code, and the first file that has each.
    code: BTreeMap<String, String>,
    /// Ids in vectors, and the first vector that has each.
    vectors: BTreeMap<String, String>,
    /// Ids that cases assert, and the first case that has each.
    cases: BTreeMap<String, String>,
    /// Ids that are asserted of captures, with the name of the command that does.
    captures: BTreeMap<String, String>,
    /// Ids that errors name, and the first file that has each. They need not be enforced there.
    named: BTreeMap<String, String>,
}

impl Coverage {
    /// Reads a source tree of this project.
    ///
    /// # Errors
    /// [`CoverageError`] for what cannot be read.
    pub fn read(root: &Path) -> Result<Self, CoverageError> {
        let mut documents: Vec<Document> = Vec::new();
        let mut exemptions = Vec::new();
        for path in files_below(&root.join("conformance/requirements"), "yaml")? {
            let text = text_of(&path)?;
            let form = |source| CoverageError::Form {
                path: path.clone(),
                source,
            };
            if path.ends_with(EXEMPTIONS) {
                let read: Exemptions = serde_yaml::from_str(&text).map_err(form)?;
                exemptions = read.exemptions;
            } else {
                documents.push(serde_yaml::from_str(&text).map_err(form)?);
            }
        }
        let (mut code, mut named) = (BTreeMap::new(), BTreeMap::new());
        for folder in ["core/src", "node/src"] {
            for path in files_below(&root.join(folder), "rs")? {
                let place = path.strip_prefix(root).unwrap_or(&path);
                let text = text_of(&path)?;
                for id in quoted_ids(&text, &documents) {
                    named
                        .entry(id.to_owned())
                        .or_insert_with(|| place.display().to_string());
                }
                for line in text.lines() {
                    if let Some(id) = line.trim_start().strip_prefix("//= ") {
                        code.entry(id.trim().to_owned())
                            .or_insert_with(|| place.display().to_string());
                    }
                }
            }
        }
        let mut pinned = BTreeMap::new();
        for (path, text) in vectors::read_all(&root.join("vectors"))? {
            let file = vectors::parse(&path, &text)?;
            for test in file.groups.into_iter().flat_map(|group| group.tests) {
                for id in test.requirements {
                    pinned.entry(id).or_insert_with(|| test.id.clone());
                }
            }
        }
        let mut asserted = BTreeMap::new();
        for case in cases::all() {
            for id in case.requirements {
                asserted
                    .entry((*id).to_owned())
                    .or_insert_with(|| case.id.to_owned());
            }
        }
        let captures = capture::REQUIREMENTS.iter();
        Ok(Self {
            cases: asserted,
            captures: captures
                .map(|id| ((*id).to_owned(), "check-capture".to_owned()))
                .collect(),
            documents,
            exemptions,
            code,
            vectors: pinned,
            named,
        })
    }

    /// What must not be: unknown ids, a MUST that nobody judges, an exemption without need or reason.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let known: BTreeSet<&str> = self.requirements().map(|known| known.id.as_str()).collect();
        let mut faults = Vec::new();
        for (id, place) in self
            .code
            .iter()
            .chain(&self.vectors)
            .chain(&self.cases)
            .chain(&self.captures)
            .chain(&self.named)
        {
            if !known.contains(id.as_str()) {
                faults.push(format!(
                    "{place} names {id}, which the catalogue does not know"
                ));
            }
        }
        let mut exempted = BTreeSet::new();
        for Exemption { id, reason } in &self.exemptions {
            if !known.contains(id.as_str()) {
                faults.push(format!("{id} is exempted and unknown"));
            } else if !exempted.insert(id.as_str()) {
                faults.push(format!("{id} is exempted twice"));
            } else if self.is_judged(id) {
                faults.push(format!(
                    "{id} is exempted, though a case, a vector or check-capture judges it"
                ));
            }
            if reason.trim().is_empty() {
                faults.push(format!("{id} is exempted without a reason"));
            }
        }
        let musts = self.requirements().filter(|entry| entry.level.is_must());
        let (musts, exempt) = (musts.count(), self.exemptions.len());
        if exempt * EXEMPT_ONE_IN > musts {
            faults.push(format!(
                "{exempt} of {musts} MUST are exempted, which is more than one in {EXEMPT_ONE_IN}"
            ));
        }
        for open in self.requirements().filter(|entry| self.is_open(entry)) {
            if !exempted.contains(open.id.as_str()) {
                faults.push(format!(
                    "{}: neither asserted by a case or of captures, nor pinned by a vector, nor exempted: {}",
                    open.id, open.text
                ));
            }
        }
        faults
    }

    /// The ids that errors name.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// The coverage as a page of Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut page = String::from(
            "# Coverage of the requirements\n\n\
             Counted by `cargo test -p peerdist-conformance --test coverage`, which fails where this page is out of\n\
             date; with `UPDATE_COVERAGE=1` in the environment it writes the page. *In code*: named by a comment\n\
             `//= ID` in `core/src` or `node/src`. *By cases*: asserted by a case of `peerdist conform`, which a test\n\
             shows for every one. *By vectors*: named by a test vector. *By captures*: asserted by\n\
             `peerdist conform check-capture`, which a test shows for every one by traffic that is right and by traffic\n\
             that is not. *Judged*: by any of them, which is what a MUST has to be unless it is exempted in writing.\n\n\
             | document | entries | in code | by cases | by vectors | by captures | judged | MUST | MUST judged | MUST exempt |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        let mut sums = [0; 9];
        for document in &self.documents {
            let row = self.row(document);
            for (sum, count) in sums.iter_mut().zip(row) {
                *sum += count;
            }
            write_row(&mut page, &document.document, row);
        }
        write_row(&mut page, "all", sums);
        let (musts, exempt) = (sums[6], sums[8]);
        let _ = writeln!(
            page,
            "\n## MUST, exempted\n\n{exempt} of {musts}, {:.0} %; one in ten may be.\n",
            exempt as f64 * 100.0 / musts.max(1) as f64
        );
        for entry in self.requirements().filter(|entry| self.is_open(entry)) {
            let exemption = self.exemptions.iter().find(|known| known.id == entry.id);
            let reason = exemption.map_or("no exemption", |known| known.reason.trim());
            // Writing into memory cannot fail.
            let _ = writeln!(page, "- `{}`: {} *{reason}*", entry.id, entry.text.trim());
        }
        page.push_str("\n## Other entries that nobody judges\n");
        for document in &self.documents {
            let open: Vec<String> = document
                .requirements
                .iter()
                .filter(|entry| !entry.level.is_must() && !self.is_judged(&entry.id))
                .map(|entry| format!("`{}` ({})", entry.id, entry.level.name()))
                .collect();
            if !open.is_empty() {
                let _ = write!(page, "\n{}: {}\n", document.document, open.join(", "));
            }
        }
        page
    }

    fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.documents
            .iter()
            .flat_map(|document| &document.requirements)
    }

    fn is_judged(&self, id: &str) -> bool {
        self.cases.contains_key(id)
            || self.vectors.contains_key(id)
            || self.captures.contains_key(id)
    }

    fn is_open(&self, entry: &Requirement) -> bool {
        entry.level.is_must() && !self.is_judged(&entry.id)
    }

    fn row(&self, document: &Document) -> [usize; 9] {
        let entries = &document.requirements;
        let count = |what: &dyn Fn(&Requirement) -> bool| {
            entries.iter().filter(|entry| what(entry)).count()
        };
        let is_must = |entry: &Requirement| entry.level.is_must();
        [
            entries.len(),
            count(&|entry| self.code.contains_key(&entry.id)),
            count(&|entry| self.cases.contains_key(&entry.id)),
            count(&|entry| self.vectors.contains_key(&entry.id)),
            count(&|entry| self.captures.contains_key(&entry.id)),
            count(&|entry| self.is_judged(&entry.id)),
            count(&is_must),
            count(&|entry| is_must(entry) && self.is_judged(&entry.id)),
            count(&|entry| self.is_open(entry)),
        ]
    }
}

/// The string literals that have the form of an id: a prefix of the catalogue, a section, a number.
fn quoted_ids<'a>(text: &'a str, documents: &[Document]) -> Vec<&'a str> {
    let is_id = |literal: &&str| {
        let mut parts = literal.splitn(2, '-');
        let (prefix, rest) = (parts.next(), parts.next().unwrap_or_default());
        let (section, number) = rest.rsplit_once('-').unwrap_or_default();
        let is_known = documents
            .iter()
            .any(|document| Some(document.prefix.as_str()) == prefix);
        let is_section = |sign: char| sign.is_ascii_digit() || sign == '.';
        is_known
            && section.starts_with(|sign: char| sign.is_ascii_digit())
            && section.chars().all(is_section)
            && !number.is_empty()
            && number.chars().all(|sign| sign.is_ascii_digit())
    };
    text.split('"').filter(is_id).collect()
}

fn write_row(page: &mut String, name: &str, row: [usize; 9]) {
    let cells = row.map(|count| count.to_string()).join(" | ");
    let _ = writeln!(page, "| {name} | {cells} |");
}

fn text_of(path: &Path) -> Result<String, CoverageError> {
    std::fs::read_to_string(path).map_err(|source| CoverageError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The files of a kind below a folder, in the order of their names.
fn files_below(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, CoverageError> {
    let mut folders = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let failed = |source| CoverageError::Read {
            path: folder.clone(),
            source,
        };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_the_form_of_an_id_are_found_and_others_are_not() {
        let documents = [Document {
            document: "a".to_owned(),
            prefix: "PCCRC".to_owned(),
            requirements: Vec::new(),
        }];
        let text = r#"at(0, "Version", "PCCRC-2.4-04") "PCCRC-" "PCCRC-2.4-" "PCCRX-2.4-04" "PCCRC-2.4-x" b"PCCRC-2-1""#;
        assert_eq!(quoted_ids(text, &documents), ["PCCRC-2.4-04", "PCCRC-2-1"]);
    }
}
