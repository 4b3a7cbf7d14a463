//! How much a store keeps and for how long, as every command that opens one takes it.

use std::str::FromStr;

use peerdist_node::store::{Space, StoreSettings};

const AGE_MS_MOST: u64 = 36_500 * 86_400_000;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits of the store")]
pub(crate) struct StoreLimitArgs {
    /// How much verified content is kept: a share of its disk such as 5%, or bytes such as 10GiB or 500MB
    ///
    /// Where it is full, what was used longest ago goes.
    #[arg(long, value_name = "SIZE", default_value = "5%", requires = "store")]
    pub(crate) store_size: Size,
    /// How long after it came content is dropped: such as 28d, 12h, 30m or 45s
    #[arg(long, value_name = "AGE", default_value = "28d", requires = "store")]
    pub(crate) max_age: Age,
}

impl StoreLimitArgs {
    pub(crate) fn settings(&self) -> StoreSettings {
        let mut settings = StoreSettings::default();
        settings.verified.space = self.store_size.0;
        settings.verified.age_limit_ms = self.max_age.0;
        settings.sealed.age_limit_ms = self.max_age.0;
        settings
    }
}

/// A share of a disk, or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) Space);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = match text.strip_suffix('%') {
            Some(percent) => percent
                .trim_end()
                .parse()
                .ok()
                .filter(|percent| (1..=100).contains(percent))
                .map(Space::PercentOfDisk),
            None => bytes(text).map(Space::Bytes),
        };
        size.map(Self).ok_or_else(|| {
            "expected 1% to 100%, or whole bytes, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 10GiB".to_owned()
        })
    }
}

fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(factor)
        .filter(|bytes| *bytes > 0)
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age(pub(crate) u64);

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let factor = match unit {
            "s" => Some(1_000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            _ => None,
        };
        let number = number.parse::<u64>().ok();
        number
            .zip(factor)
            .and_then(|(number, factor)| number.checked_mul(factor))
            .filter(|age| (1..=AGE_MS_MOST).contains(age))
            .map(Self)
            .ok_or_else(|| {
                "expected days, hours, minutes or seconds, such as 28d, 12h, 30m or 45s".to_owned()
            })
    }
}

/// Digits, and what is behind them.
fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shares_of_the_disk_or_bytes() {
        for (text, expected) in [
            ("5%", Space::PercentOfDisk(5)),
            ("100 %", Space::PercentOfDisk(100)),
            ("1048576", Space::Bytes(1 << 20)),
            ("10GiB", Space::Bytes(10 << 30)),
            ("10 gib", Space::Bytes(10 << 30)),
            ("500MB", Space::Bytes(500_000_000)),
            ("3kB", Space::Bytes(3_000)),
        ] {
            assert_eq!(text.parse(), Ok(Size(expected)), "{text}");
        }
        for wrong in [
            "",
            "%",
            "0%",
            "101%",
            "5.5%",
            "-5%",
            "+5",
            "GiB",
            "10G",
            "10GiBs",
            "0",
            "0MB",
            "1e9",
            "99999999999TiB",
        ] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ages_have_a_unit() {
        for (text, expected) in [
            ("28d", 28 * 86_400_000),
            ("12h", 12 * 3_600_000),
            ("30 m", 1_800_000),
            ("45s", 45_000),
        ] {
            assert_eq!(text.parse(), Ok(Age(expected)), "{text}");
        }
        for wrong in [
            "",
            "28",
            "d",
            "0d",
            "-1d",
            "1.5d",
            "28D",
            "36501d",
            "99999999999999999999d",
        ] {
            assert!(wrong.parse::<Age>().is_err(), "{wrong}");
        }
    }
}
