//! MS-PCCRTP 2.2: versions as two numbers with a dot between.
//! Invariant: major and minor are numbers of their own, so 1.23 is higher than 1.3.
//! Byte order: none.

use core::fmt;

use super::error::Problem;

/// A version of the coding or of content information.
///
/// ```
/// use peerdist::http_encoding::VersionNumber;
///
/// assert!(VersionNumber { major: 1, minor: 23 } > VersionNumber { major: 1, minor: 3 });
/// ```
//= PCCRTP-2.2-04
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionNumber {
    /// The number before the dot.
    pub major: u32,
    /// The number behind the dot.
    pub minor: u32,
}

impl VersionNumber {
    /// 1.0.
    pub const V1_0: Self = Self { major: 1, minor: 0 };
    /// 1.1.
    pub const V1_1: Self = Self { major: 1, minor: 1 };
    /// 2.0.
    pub const V2_0: Self = Self { major: 2, minor: 0 };

    /// Reads `digits.digits` that starts at byte `at` of a header field; the error is at the number that is wrong.
    pub(super) fn parse(text: &[u8], at: usize) -> Result<Self, (usize, Problem)> {
        //= PCCRTP-2.2-05
        let dot = text
            .iter()
            .position(|byte| *byte == b'.')
            .ok_or((at, Problem::VersionSyntax))?;
        let (major, rest) = text
            .split_at_checked(dot)
            .ok_or((at, Problem::VersionSyntax))?;
        let minor = rest.get(1..).unwrap_or_default();
        if !is_number(major) || !is_number(minor) {
            return Err((at, Problem::VersionSyntax));
        }
        let narrow = |digits, at| {
            number(digits)
                .and_then(|wide| u32::try_from(wide).ok())
                .ok_or((at, Problem::NumberOverflow))
        };
        Ok(Self {
            major: narrow(major, at)?,
            minor: narrow(minor, at + dot + 1)?,
        })
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Whether it is one digit or more, and nothing else.
pub(super) fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// The value of digits, if 64 bits can hold it.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |sum, digit| {
        sum.checked_mul(10)?
            .checked_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Result<VersionNumber, (usize, Problem)> {
        VersionNumber::parse(text.as_bytes(), 0)
    }

    #[test]
    fn a_minor_version_is_a_number_and_not_a_fraction() {
        assert!(version("1.23").unwrap() > version("1.3").unwrap());
        assert!(version("1.9").unwrap() < version("1.10").unwrap());
        assert!(version("10.0").unwrap() > version("9.999").unwrap());
        assert_eq!(version("01.00").unwrap(), VersionNumber::V1_0);
    }

    #[test]
    fn refuses_what_is_not_two_numbers_with_a_dot() {
        for text in [
            "", "1", ".", "1.", ".1", "1.1.1", "1,1", "-1.0", "1.x", "0x1.0", "1..0",
        ] {
            assert_eq!(version(text), Err((0, Problem::VersionSyntax)), "{text}");
        }
    }

    #[test]
    fn names_the_number_that_does_not_fit() {
        assert!(version("4294967295.4294967295").is_ok());
        assert_eq!(version("4294967296.0"), Err((0, Problem::NumberOverflow)));
        assert_eq!(
            version("1.99999999999999999999999"),
            Err((2, Problem::NumberOverflow))
        );
    }
}
