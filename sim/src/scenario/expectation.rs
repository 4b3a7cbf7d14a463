//! What a scenario expects of its result: `wan_saved_percent >= 90`.
//! Invariant: an expectation names a figure that every result has.
//! Byte order: none.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::near::nearest;
use crate::summary::Summary;

/// A figure, and the bound it has to keep.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(into = "String")]
pub struct Expectation {
    /// The figure.
    pub figure: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub bound: f64,
}

/// How a figure is compared with its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

const COMPARISONS: [(&str, Comparison); 5] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("<", Comparison::Below),
    (">", Comparison::Above),
];

impl Expectation {
    /// Whether a result keeps it.
    #[must_use]
    pub fn is_met(&self, summary: &Summary) -> bool {
        let Some(found) = summary.figure(&self.figure) else {
            return false;
        };
        match self.comparison {
            Comparison::Below => found < self.bound,
            Comparison::AtMost => found <= self.bound,
            Comparison::Equal => (found - self.bound).abs() < 1e-9,
            Comparison::AtLeast => found >= self.bound,
            Comparison::Above => found > self.bound,
        }
    }
}

impl TryFrom<String> for Expectation {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let expected =
            "expected a figure, a comparison and a number, such as wan_saved_percent >= 90";
        let (sign, comparison) = COMPARISONS
            .iter()
            .find(|(sign, _)| text.contains(sign))
            .ok_or_else(|| format!("'{text}' compares nothing; {expected}"))?;
        let (figure, bound) = text.split_once(sign).unwrap_or_default();
        let figure = figure.trim();
        let bound = bound.trim();
        let bound: f64 = bound
            .parse()
            .map_err(|_| format!("'{bound}' is no number; {expected}"))?;
        if !Summary::FIGURES.contains(&figure) {
            let near = nearest(figure, Summary::FIGURES.iter().copied());
            return Err(format!(
                "there is no figure '{figure}'; the nearest is '{near}'"
            ));
        }
        Ok(Self {
            figure: figure.to_owned(),
            comparison: *comparison,
            bound,
        })
    }
}

impl From<Expectation> for String {
    fn from(expectation: Expectation) -> Self {
        expectation.to_string()
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = COMPARISONS
            .iter()
            .find(|(_, comparison)| *comparison == self.comparison);
        let sign = sign.map(|(sign, _)| *sign).unwrap_or_default();
        write!(f, "{} {sign} {}", self.figure, self.bound)
    }
}

// By hand, so that errors have the place of the text and not that of the list it is in.
impl<'de> Deserialize<'de> for Expectation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;

        impl Visitor<'_> for Reading {
            type Value = Expectation;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text such as wan_saved_percent >= 90")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Expectation, E> {
                Expectation::try_from(text.to_owned()).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Reading)
    }
}

impl JsonSchema for Expectation {
    fn schema_name() -> Cow<'static, str> {
        "Expectation".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = format!(
            "^({}) *(<|<=|==|>=|>) *-?[0-9.]+$",
            Summary::FIGURES.join("|")
        );
        json_schema!({
            "type": "string",
            "pattern": pattern,
            "description": "A figure of the result and its bound, such as wan_saved_percent >= 90",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_kept_or_not() {
        let summary = Summary {
            wan_saved_percent: 90.0,
            ..Summary::default()
        };
        for (text, is_met) in [
            ("wan_saved_percent >= 90", true),
            ("wan_saved_percent > 90", false),
            ("wan_saved_percent<=90", true),
            ("wan_saved_percent < 90.5", true),
            ("wan_saved_percent == 90", true),
            ("failed > 0", false),
        ] {
            let expectation = Expectation::try_from(text.to_owned()).unwrap();
            assert_eq!(expectation.is_met(&summary), is_met, "{text}");
        }
    }

    #[test]
    fn what_is_no_expectation_is_told_what_one_is() {
        for (text, word) in [
            ("wan_saved >= 90", "the nearest is 'wan_saved_percent'"),
            ("wan_saved_percent", "compares nothing"),
            ("failed == none", "is no number"),
        ] {
            let error = Expectation::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
