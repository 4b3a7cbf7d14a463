//! What a request says of the coding (MS-PCCRTP 2.2), read as a small server reads it.
//! Invariant: what cannot be read is plain.
//! Byte order: none.

use super::{Mistake, State};
use crate::targets::content_server::{CODING, PEERDIST, PEERDIST_EX};
use crate::wire::content_info::Version;
use crate::wire::http::Head;

/// What comes of the header fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Content information up to a version, by a version of the coding.
    Coded(Version, (u64, u64)),
    /// The content.
    Plain,
    /// The content, for others could not deliver it.
    Missing,
    /// A status of HTTP.
    Error(u16),
}

/// Names and values of a list; `None`: it is malformed.
fn parameters(values: &[&str]) -> Option<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    for element in values.iter().flat_map(|value| value.split(',')) {
        if element.trim().is_empty() {
            continue;
        }
        let (name, value) = element.trim().split_once('=')?;
        let name = name.to_ascii_lowercase();
        if name.is_empty() || found.iter().any(|(known, _)| *known == name) {
            return None;
        }
        found.push((name, value.to_owned()));
    }
    Some(found)
}

fn named<'a>(list: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = list.iter().find(|(known, _)| known == name)?;
    Some(&found.1)
}

fn numbers(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = text.split_once('.')?;
    let number = |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_number)
    };
    Some((number(major)?, number(minor)?))
}

impl State {
    pub(super) fn asked(&self, head: &Head) -> Asked {
        let values = |name: &str| -> Vec<&str> {
            let is = |known: &str| {
                if self.is(Mistake::CaseOfNames) {
                    known == name
                } else {
                    known.eq_ignore_ascii_case(name)
                }
            };
            let fields = head.fields.iter().filter(|field| is(&field.0));
            fields.map(|field| field.1.as_str()).collect()
        };
        let (of_coding, of_window) = (values(PEERDIST), values(PEERDIST_EX));
        let listed = parameters(&of_coding);
        let window = parameters(&of_window);
        let missing = listed
            .as_deref()
            .and_then(|list| named(list, "missingdatarequest"));
        if missing == Some("true") {
            return if self.is(Mistake::CodesMissingData) {
                Asked::Coded(Version::V1, (1, 1))
            } else {
                Asked::Missing
            };
        }
        if self.is(Mistake::CodesForAll) {
            return Asked::Coded(Version::V1, (1, 1));
        }
        let (Some(listed), Some(window)) = (listed, window) else {
            let is_twice = of_coding.join(",").matches("Version=").count() > 1;
            if self.is(Mistake::FailsOnTwice) && is_twice {
                return Asked::Error(500);
            }
            return Asked::Plain;
        };
        let is_odd = |values: &[&str]| {
            let joined = values.join(",");
            !joined.is_empty() && joined.split(',').any(|element| element.trim().is_empty())
        };
        if self.is(Mistake::RefusesEmptyElements) && is_odd(&of_coding) {
            return Asked::Plain;
        }
        let known = ["version", "contentlength", "missingdatarequest"];
        let is_unknown = listed
            .iter()
            .any(|(name, _)| !known.contains(&name.as_str()));
        if is_unknown && self.is(Mistake::FailsOnUnknownParameter) {
            return Asked::Error(400);
        }
        let is_hash_request = named(&window, "hashrequest") == Some("true");
        let accepts = self.accepts(&values("Accept-Encoding"));
        let star = self.is(Mistake::TakesStar) && head.lists("Accept-Encoding", "*");
        if star {
            return Asked::Coded(Version::V1, (1, 1));
        }
        let is_asking = accepts
            || (is_hash_request && !self.is(Mistake::HashRequestNeedsAccept))
            || self.is(Mistake::NeedsNoAcceptEncoding);
        if !is_asking {
            return Asked::Plain;
        }
        self.negotiated(&listed, &window, of_window.join(","))
    }

    fn negotiated(
        &self,
        listed: &[(String, String)],
        window: &[(String, String)],
        as_written: String,
    ) -> Asked {
        let Some(version) = named(listed, "version") else {
            return Asked::Plain;
        };
        let trimmed = version.replace(' ', "");
        let version = if self.is(Mistake::TrimsVersion) {
            &trimmed
        } else {
            version
        };
        let Some(version) = numbers(version) else {
            return if self.is(Mistake::FailsOnMalformed) {
                Asked::Error(400)
            } else {
                Asked::Plain
            };
        };
        let is_known = version.0 == 1 || (self.is(Mistake::VersionIsAFraction) && version.0 == 0);
        if !is_known {
            return if self.is(Mistake::FailsOnUnknownVersion) {
                Asked::Error(400)
            } else {
                Asked::Plain
            };
        }
        let used = match self.mistake {
            Some(Mistake::Version11ToAll) => (1, 1),
            Some(Mistake::EchoesVersion) => version,
            _ => version.min((1, 1)),
        };
        let bounds = (
            named(window, "mincontentinformation"),
            named(window, "maxcontentinformation"),
        );
        let most = match bounds {
            (None, None) if self.is(Mistake::V2WithoutWindow) => Some(Version::V2),
            (None, None) => Some(Version::V1),
            (Some(_), Some(_))
                if self.is(Mistake::ParsesWithSpace) && !as_written.contains(", ") =>
            {
                None
            }
            (Some(least), Some(most)) => self.window(least, most),
            _ => None,
        };
        match most {
            Some(Version::V1) if self.is(Mistake::V2ToAll) => Asked::Coded(Version::V2, used),
            Some(most) if used >= (1, 1) => Asked::Coded(most, used),
            Some(_) => Asked::Coded(Version::V1, used),
            None => Asked::Plain,
        }
    }

    /// The highest version of content information between bounds that the document has.
    fn window(&self, least: &str, most: &str) -> Option<Version> {
        let (Some(least), Some(most)) = (numbers(least), numbers(most)) else {
            return self
                .is(Mistake::IgnoresMalformedWindow)
                .then_some(Version::V1);
        };
        let is_good = match self.mistake {
            Some(Mistake::TakesMinimum2) => least == (1, 0) || (least == (2, 0) && most == (2, 0)),
            Some(Mistake::TakesReversed) => least == (1, 0) || (least, most) == ((2, 0), (1, 0)),
            Some(Mistake::TakesBelow) => true,
            _ => least == (1, 0),
        };
        match most {
            _ if !is_good => None,
            (1, 0) => Some(Version::V1),
            (2, 0) => Some(Version::V2),
            (1, _) if self.is(Mistake::TakesBetween) => Some(Version::V1),
            (2.., _) if self.is(Mistake::TakesAbove) => Some(Version::V2),
            _ => None,
        }
    }

    /// Whether Accept-Encoding names the coding and does not refuse it.
    fn accepts(&self, fields: &[&str]) -> bool {
        let fields = match self.mistake {
            Some(Mistake::FirstAcceptEncoding) => fields.get(..1).unwrap_or_default(),
            _ => fields,
        };
        if self.is(Mistake::AnyCoding) && fields.iter().any(|field| field.contains("gzip")) {
            return true;
        }
        if self.is(Mistake::SubstringOfCoding) {
            return fields.iter().any(|field| field.contains(CODING));
        }
        let mut codings = fields.iter().flat_map(|field| field.split(','));
        let names = |coding: &str| {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let quality = parts.next().map(str::to_ascii_lowercase);
            let is_refused = quality.as_deref().is_some_and(|quality| {
                let zeros = quality.strip_prefix("q=0").unwrap_or("1");
                zeros.chars().all(|one| matches!(one, '0' | '.'))
            });
            let is_it = if self.is(Mistake::CaseOfCoding) {
                name == CODING
            } else {
                name.eq_ignore_ascii_case(CODING)
            };
            let chokes = self.is(Mistake::ChokesOnQuality) && quality.is_some();
            is_it && !chokes && (!is_refused || self.is(Mistake::IgnoresQuality))
        };
        if self.is(Mistake::FirstCoding) {
            return codings.next().is_some_and(names);
        }
        codings.any(names)
    }
}
