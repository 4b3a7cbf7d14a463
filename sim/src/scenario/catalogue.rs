//! What there is to fetch: single contents, catalogues of many, and later versions of either.
//! Invariant: which sizes there are, what is asked for how often, and what an edit changes follow from the seed.
//! Byte order: none.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::units::{Bytes, Part, Quantity};

/// Something to fetch, or many of the same kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Content {
    /// Its length, or how the lengths of many are spread; 20 MB where nothing is said.
    pub size: Option<Size>,
    /// How many there are under this name: each request picks one of them.
    pub count: u32,
    /// How requests pick.
    pub popularity: Popularity,
    /// The content that this one is a later version of. Where that is a catalogue, each of it has a later version.
    pub edit_of: Option<String>,
    /// What changed since.
    pub edits: Edits,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            size: None,
            count: 1,
            popularity: Popularity::default(),
            edit_of: None,
            edits: Edits::default(),
        }
    }
}

impl Content {
    /// One of a length.
    #[must_use]
    pub fn of(bytes: u64) -> Self {
        Self {
            size: Some(Size::Constant(Bytes(bytes))),
            ..Self::default()
        }
    }

    /// Its length, or how lengths are spread.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
            .clone()
            .unwrap_or(Size::Constant(Bytes(20_000_000)))
    }
}

/// A length, or how lengths are spread.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Size {
    /// All have this one.
    Constant(Bytes),
    /// Each has its own.
    Drawn(Spread),
}

/// How lengths are spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The distribution.
    pub distribution: Distribution,
    /// None is shorter. `pareto`: where it begins.
    #[serde(default)]
    pub least: Option<Bytes>,
    /// None is longer.
    #[serde(default)]
    pub most: Option<Bytes>,
    /// `exponential`: the mean, before limits.
    #[serde(default)]
    pub mean: Option<Bytes>,
    /// `lognormal`: as many are shorter as are longer.
    #[serde(default)]
    pub median: Option<Bytes>,
    /// `lognormal`: the standard deviation of the logarithm.
    #[serde(default)]
    pub sigma: Option<f64>,
    /// `pareto`: how fast long ones grow rare; the less, the longer the tail.
    #[serde(default)]
    pub shape: Option<f64>,
}

/// A distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Any from `least` to `most` as likely as the other.
    Uniform,
    /// The logarithm is normal, around `median`.
    Lognormal,
    /// Ever fewer of ever greater length, from `least` on.
    Pareto,
    /// Short ones most often, with a `mean`.
    Exponential,
}

/// How requests pick from a catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Popularity {
    /// The k-th is asked for as often as 1 / k to this power; 0: all alike.
    pub zipf: f64,
}

/// What changed from one version to the next, at places spread over the content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Edits {
    /// At how many places.
    pub places: u32,
    /// How much of the content is other than before, at all places together; its length stays.
    pub changed: Part,
    /// Bytes that come in at each place, and move what is behind them.
    pub inserted: Bytes,
    /// Bytes that go at each place.
    pub removed: Bytes,
}

impl Default for Edits {
    fn default() -> Self {
        Self {
            places: 1,
            changed: Part(0),
            inserted: Bytes(0),
            removed: Bytes(0),
        }
    }
}

// By hand, so that errors have the place of what is wrong and not only that of the size.
impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;

        impl<'de> Visitor<'de> for Reading {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as 20 MB, or a distribution of sizes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                let bytes = Bytes::parse(text).map_err(E::custom)?;
                Ok(Size::Constant(bytes))
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
                Ok(Size::Constant(Bytes(bytes)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Size, A::Error> {
                Spread::deserialize(MapAccessDeserializer::new(map)).map(Size::Drawn)
            }
        }

        deserializer.deserialize_any(Reading)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let constant = generator.subschema_for::<Bytes>();
        let spread = generator.subschema_for::<Spread>();
        json_schema!({ "anyOf": [constant, spread] })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spread {
            distribution,
            least,
            most,
            mean,
            median,
            sigma,
            shape,
        } = match self {
            Self::Constant(bytes) => return write!(f, "{bytes}"),
            Self::Drawn(spread) => spread,
        };
        write!(f, "{distribution:?}")?;
        for (name, bytes) in [
            ("from", least),
            ("to", most),
            ("mean", mean),
            ("median", median),
        ] {
            if let Some(bytes) = bytes {
                write!(f, ", {name} {bytes}")?;
            }
        }
        for (name, number) in [("sigma", sigma), ("shape", shape)] {
            if let Some(number) = number {
                write!(f, ", {name} {number}")?;
            }
        }
        Ok(())
    }
}
