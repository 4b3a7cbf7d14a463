//! The catalogue of requirements, as it is built in.
//! Invariant: every entry of `requirements/*.yaml` is here, under an id that is nobody else's.
//! Byte order: none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The files of the catalogue, by their names.
const FILES: [(&str, &str); 7] = [
    ("ccrod.yaml", include_str!("../requirements/ccrod.yaml")),
    ("pccrc.yaml", include_str!("../requirements/pccrc.yaml")),
    ("pccrd.yaml", include_str!("../requirements/pccrd.yaml")),
    ("pccrr.yaml", include_str!("../requirements/pccrr.yaml")),
    ("pccrtp.yaml", include_str!("../requirements/pccrtp.yaml")),
    ("pchc.yaml", include_str!("../requirements/pchc.yaml")),
    ("smb.yaml", include_str!("../requirements/smb.yaml")),
];

/// How binding a requirement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// MUST
    Must,
    /// MUST NOT
    MustNot,
    /// SHOULD
    Should,
    /// SHOULD NOT
    ShouldNot,
    /// MAY
    May,
    /// No keyword, yet it binds.
    Rule,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Must,
        Self::MustNot,
        Self::Should,
        Self::ShouldNot,
        Self::May,
        Self::Rule,
    ];

    /// Its name in options and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::MustNot => "must-not",
            Self::Should => "should",
            Self::ShouldNot => "should-not",
            Self::May => "may",
            Self::Rule => "rule",
        }
    }

    /// Whether who does otherwise is wrong.
    #[must_use]
    pub const fn binds(self) -> bool {
        matches!(self, Self::Must | Self::MustNot | Self::Rule)
    }

    /// Whether the document says MUST or MUST NOT.
    #[must_use]
    pub const fn is_must(self) -> bool {
        matches!(self, Self::Must | Self::MustNot)
    }

    /// Whether the document says SHOULD or SHOULD NOT.
    #[must_use]
    pub const fn is_should(self) -> bool {
        matches!(self, Self::Should | Self::ShouldNot)
    }
}

/// The requirements of one document.
#[derive(Debug, Deserialize)]
pub struct Document {
    /// Its short name.
    pub document: String,
    /// What its ids start with.
    pub prefix: String,
    /// Its requirements, in order.
    pub requirements: Vec<Requirement>,
}

/// One requirement, in our words.
#[derive(Debug, Clone, Deserialize)]
pub struct Requirement {
    /// Its id, which never changes.
    pub id: String,
    /// The short name of its document.
    #[serde(default)]
    pub document: String,
    /// The section of the document.
    #[serde(default)]
    pub section: String,
    /// How binding it is.
    pub level: Level,
    /// Who has to do it.
    #[serde(default)]
    pub role: Vec<String>,
    /// What has to be done, in one line.
    pub text: String,
    /// Deviations that readers in the field live with.
    #[serde(default)]
    pub quirks: Vec<String>,
}

static CATALOGUE: LazyLock<Vec<Requirement>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (_, text) in FILES {
        // A test reads every file, so that a build which is used has none that cannot be read.
        let Ok(document) = serde_yaml::from_str::<Document>(text) else {
            continue;
        };
        for mut requirement in document.requirements {
            requirement.document.clone_from(&document.document);
            // Lines of the file are not those of who shows it.
            let words: Vec<&str> = requirement.text.split_whitespace().collect();
            requirement.text = words.join(" ");
            all.push(requirement);
        }
    }
    all
});

static BY_ID: LazyLock<BTreeMap<&'static str, &'static Requirement>> = LazyLock::new(|| {
    let entries = CATALOGUE.iter();
    entries.map(|entry| (entry.id.as_str(), entry)).collect()
});

/// All requirements, document by document.
#[must_use]
pub fn all() -> &'static [Requirement] {
    &CATALOGUE
}

/// The requirement of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Requirement> {
    BY_ID.get(id).copied()
}

/// The names of all deviations.
#[must_use]
pub fn quirks() -> BTreeSet<&'static str> {
    let all = CATALOGUE.iter().flat_map(|entry| &entry.quirks);
    all.map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_and_every_id_is_one_entrys() {
        for (name, text) in FILES {
            let document: Document = serde_yaml::from_str(text).unwrap();
            assert!(!document.requirements.is_empty(), "{name}");
        }
        assert_eq!(BY_ID.len(), CATALOGUE.len());
        assert!(CATALOGUE.len() > 600);
        let found = find("PCCRR-3.2.5.5-01").unwrap();
        assert_eq!(
            (found.document.as_str(), found.section.as_str()),
            ("MS-PCCRR", "3.2.5.5")
        );
        assert!(found.level.is_must());
    }
}
