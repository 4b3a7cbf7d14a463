//! Sizes, rates and times as a scenario writes them: a number and a unit, such as `20 MB`, `2 Mbit/s`, `50 ms`.
//! Invariant: what is read is exact, in whole bytes, bits a second and nanoseconds; nothing is rounded in silence.
//! Byte order: none.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// What a kind of quantity is called, and the units it is written in, the least first.
pub trait Quantity: Copy + Sized {
    /// As errors name it.
    const NAME: &'static str;
    /// Units and how many of the least they are.
    const UNITS: &'static [(&'static str, u64)];
    /// What to write, for errors and the schema.
    const EXAMPLE: &'static str;
    /// Whether a number without a unit is one of the least unit.
    const PLAIN: bool;

    /// From so many of the least unit.
    fn of(least: u64) -> Self;
    /// In the least unit.
    fn least(self) -> u64;

    /// Reads a number and its unit.
    ///
    /// # Errors
    /// What is wrong, and what it should look like.
    fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("expected {} such as {}", Self::NAME, Self::EXAMPLE);
        let text = text.trim();
        let digits = text
            .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim();
        let factor = if unit.is_empty() && Self::PLAIN {
            1
        } else {
            let known = Self::UNITS.iter().find(|(name, _)| *name == unit);
            known.map(|&(_, factor)| factor).ok_or_else(|| {
                let names: Vec<&str> = Self::UNITS.iter().map(|(name, _)| *name).collect();
                let what = if unit.is_empty() {
                    format!("'{text}' has no unit")
                } else {
                    format!("'{unit}' is no unit of {}", Self::NAME)
                };
                format!("{what}; {}; units: {}", expected(), names.join(", "))
            })?
        };
        exactly(number, factor).map(Self::of).ok_or_else(|| {
            format!(
                "'{text}' is no whole number of {}; {}",
                Self::UNITS[0].0,
                expected()
            )
        })
    }

    /// In the greatest unit that leaves a whole number.
    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = self.least();
        let unit = Self::UNITS
            .iter()
            .filter(|(_, factor)| least.is_multiple_of(*factor) && least >= *factor)
            .max_by_key(|(_, factor)| *factor)
            .unwrap_or(&Self::UNITS[0]);
        write!(f, "{} {}", least / unit.1, unit.0)
    }
}

/// A decimal number times a factor, where that is a whole number of 64 bits.
fn exactly(number: &str, factor: u64) -> Option<u64> {
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    if whole.is_empty() || fraction.len() > 18 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = digits.checked_mul(factor.into())?;
    if !scaled.is_multiple_of(scale) {
        return None;
    }
    u64::try_from(scaled / scale).ok()
}

macro_rules! quantities {
    ($($(#[$doc:meta])* $name:ident($what:literal, plain $plain:literal, $example:literal) { $($unit:literal = $factor:expr),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl Quantity for $name {
            const NAME: &'static str = $what;
            const UNITS: &'static [(&'static str, u64)] = &[$(($unit, $factor)),+];
            const EXAMPLE: &'static str = $example;
            const PLAIN: bool = $plain;

            fn of(least: u64) -> Self {
                Self(least)
            }

            fn least(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.write(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Reading(std::marker::PhantomData))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                schema::<Self>()
            }
        }
    )+};
}

quantities! {
    /// A number of bytes.
    Bytes("a size", plain true, "20 MB or 64 KiB") {
        "B" = 1,
        "kB" = 1_000,
        "KiB" = 1 << 10,
        "MB" = 1_000_000,
        "MiB" = 1 << 20,
        "GB" = 1_000_000_000,
        "GiB" = 1 << 30,
        "TB" = 1_000_000_000_000,
        "TiB" = 1 << 40,
    }
    /// Bits a second.
    Rate("a rate", plain false, "2 Mbit/s") {
        "bit/s" = 1,
        "kbit/s" = 1_000,
        "Mbit/s" = 1_000_000,
        "Gbit/s" = 1_000_000_000,
    }
    /// Millionths of a whole.
    Part("a part", plain false, "2 % or 150 ppm") {
        "ppm" = 1,
        "%" = 10_000,
    }
    /// Nanoseconds.
    Span("a time", plain false, "50 ms or 10 min") {
        "ns" = 1,
        "us" = 1_000,
        "ms" = 1_000_000,
        "s" = 1_000_000_000,
        "min" = 60_000_000_000,
        "h" = 3_600_000_000_000,
        "d" = 86_400_000_000_000,
    }
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self(1_000_000);

    /// So much of a number, rounded down.
    #[must_use]
    pub fn of_all(self, all: u64) -> u64 {
        let part = u128::from(all) * u128::from(self.0) / u128::from(Self::WHOLE.0);
        u64::try_from(part).unwrap_or(u64::MAX)
    }

    /// As a fraction.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Span {
    /// Of so many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds * 1_000_000_000)
    }

    /// Of so many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }
}

struct Reading<Q>(std::marker::PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for Reading<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} such as {}", Q::NAME, Q::EXAMPLE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
        Q::parse(text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Q, E> {
        self.visit_str(&number.to_string())
    }
}

fn schema<Q: Quantity>() -> Schema {
    let names: Vec<String> = Q::UNITS
        .iter()
        .map(|(name, _)| name.replace('/', "\\/"))
        .collect();
    let unit = if Q::PLAIN { "?" } else { "" };
    let pattern = format!("^[0-9_]+(\\.[0-9]+)? ?({}){unit}$", names.join("|"));
    let text = json_schema!({
        "type": "string",
        "pattern": pattern,
        "description": format!("{}, such as {}", Q::NAME, Q::EXAMPLE),
    });
    if Q::PLAIN {
        json_schema!({ "anyOf": [text, { "type": "integer", "minimum": 0 }] })
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_exact() {
        assert_eq!(Bytes::parse("3.4 GB"), Ok(Bytes(3_400_000_000)));
        assert_eq!(Bytes::parse("64KiB"), Ok(Bytes(65_536)));
        assert_eq!(Bytes::parse("1_000"), Ok(Bytes(1000)));
        assert_eq!(Rate::parse("1.544 Mbit/s"), Ok(Rate(1_544_000)));
        assert_eq!(Span::parse("2.5 s"), Ok(Span(2_500_000_000)));
        assert_eq!(Span::parse("28 d"), Ok(Span::seconds(28 * 86_400)));
    }

    #[test]
    fn what_cannot_be_read_is_said_with_what_was_expected() {
        for (text, word) in [
            ("20 QB", "'QB' is no unit"),
            ("0.5 B", "no whole number of B"),
            ("", "no whole number"),
            ("20000000 TiB", "no whole number"),
            ("-5 MB", "is no unit"),
            (".5 MB", "no whole number"),
        ] {
            let error = Bytes::parse(text).unwrap_err();
            assert!(error.contains(word) && error.contains("20 MB"), "{error}");
        }
        let error = Span::parse("30").unwrap_err();
        assert!(
            error.contains("no unit") && error.contains("min"),
            "{error}"
        );
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for least in [0, 1, 999, 1000, 1024, 65_536, 20_000_000, u64::MAX] {
            assert_eq!(Bytes::parse(&Bytes(least).to_string()), Ok(Bytes(least)));
            assert_eq!(Rate::parse(&Rate(least).to_string()), Ok(Rate(least)));
            assert_eq!(Span::parse(&Span(least).to_string()), Ok(Span(least)));
        }
        assert_eq!(Span::millis(50).to_string(), "50 ms");
        assert_eq!(Bytes(3_400_000_000).to_string(), "3400 MB");
    }
}
