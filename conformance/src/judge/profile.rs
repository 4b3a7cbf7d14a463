//! What is known of products: deviations that their makers documented or that the field lives with.
//! Invariant: a profile never makes a failure of something that has no name; `strict` knows no excuse.
//! Byte order: none.

use core::fmt;

use super::{Case, Tag};

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

/// Discarding a message: HTTP has to answer something, or close. And what clients are tested for: that a cache says OK to
/// content information of which it makes nothing.
const DISCARDED: [&str; 5] = [
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
        let of_product: &[&str] = match self {
            Self::Strict => return false,
            Self::Common => &[],
            Self::Windows7 | Self::Windows8 => &[
                "v1-read-bytes-whole-last-segment",
                "hc-read-bytes-zero",
                "rr-response-over-96k",
            ],
            Self::Ipxe => &["rd-v1-probe-for-v2-content", "rr-response-over-96k"],
        };
        DISCARDED.contains(&quirk) || of_product.contains(&quirk)
    }

    /// Why the product cannot be judged by a case, if it cannot.
    #[must_use]
    pub fn lacks(self, case: &Case) -> Option<&'static str> {
        match self {
            Self::Windows7 if case.has(Tag::V2) => {
                Some("Windows 7 and Windows Server 2008 R2 know version 1.0 only")
            }
            _ => None,
        }
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
        for quirk in DISCARDED {
            assert!(known.contains(quirk), "{quirk}");
            assert!(Profile::Common.allows(quirk));
            assert!(!Profile::Strict.allows(quirk));
        }
        for quirk in [
            "hc-read-bytes-zero",
            "rd-v1-probe-for-v2-content",
            "rr-response-over-96k",
        ] {
            assert!(known.contains(quirk), "{quirk}");
            assert!(!Profile::Common.allows(quirk));
        }
    }
}
