//! What is known of products: deviations that their makers documented or that the field lives with.
//! Invariant: a profile never makes a failure of something that has no name; `strict` knows no excuse.
//! Byte order: none.

use core::fmt;

use super::{Case, Tag};
use crate::wire::content_info::Version;

/// Which deviations are taken as known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// What HTTP makes of "discard silently" is no deviation; others are warnings.
    #[default]
    Common,
    /// Windows 7 and Windows Server 2008 R2: version 1.0 of everything.
    Windows7,
    /// Windows 8, Windows Server 2012 and later.
    Windows8,
    /// The client of iPXE.
    Ipxe,
    /// Every deviation is a failure.
    Strict,
}

/// What every profile but the strict one takes as known. Discarding a message: HTTP has to answer something, or close. And
/// what clients are tested for: that a cache says OK to content information of which it makes nothing.
const OF_ALL: &[&str] = &[
    "hc-bad-content-information-ok",
    "rr-discard-closes",
    "rr-discard-http-error",
    "hc-drop-closes",
    "hc-drop-http-error",
];

impl Profile {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Common,
        Self::Windows7,
        Self::Windows8,
        Self::Ipxe,
        Self::Strict,
    ];

    /// Its name in options and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Common => "common",
            Self::Windows7 => "windows7",
            Self::Windows8 => "windows8",
            Self::Ipxe => "ipxe",
            Self::Strict => "strict",
        }
    }

    /// Whether it takes a deviation as known.
    #[must_use]
    pub fn allows(self, quirk: &str) -> bool {
        self != Self::Strict && (OF_ALL.contains(&quirk) || self.of_product().contains(&quirk))
    }

    /// Deviations of the product alone.
    const fn of_product(self) -> &'static [&'static str] {
        match self {
            Self::Strict | Self::Common => &[],
            Self::Windows7 | Self::Windows8 => &[
                "v1-read-bytes-whole-last-segment",
                "hc-read-bytes-zero",
                "rr-response-over-96k",
            ],
            Self::Ipxe => &["rd-v1-probe-for-v2-content", "rr-response-over-96k"],
        }
    }

    /// Why the product has nothing of a version, if it has not.
    #[must_use]
    pub fn lacks_version(self, version: Version) -> Option<&'static str> {
        match (self, version) {
            (Self::Windows7, Version::V2) => {
                Some("Windows 7 and Windows Server 2008 R2 know version 1.0 only")
            }
            _ => None,
        }
    }

    /// Why the product cannot be judged by a case, if it cannot.
    #[must_use]
    pub fn lacks(self, case: &Case) -> Option<&'static str> {
        let of_v2 = self.lacks_version(Version::V2);
        of_v2.filter(|_| case.has(Tag::V2))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn quirks_of_profiles_are_those_of_the_catalogue() {
        let known = catalogue::quirks();
        let allows = |quirk: &'static str| {
            assert!(known.contains(quirk), "{quirk}");
            Profile::ALL.map(|profile| profile.allows(quirk))
        };
        for quirk in OF_ALL {
            assert_eq!(allows(quirk), [true, true, true, true, false]);
        }
        for profile in Profile::ALL {
            for quirk in profile.of_product() {
                let [common, .., strict] = allows(quirk);
                assert!(profile.allows(quirk) && !common && !strict, "{quirk}");
            }
        }
    }
}
