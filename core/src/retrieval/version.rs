//! MS-PCCRR 2.2.3, 3.1.5.1: versions of the protocol, and which of them two sides have in common.
//! Invariant: a version number is as it was on the wire; only major numbers decide whether two sides understand each other.
//! Byte order: big-endian, the minor number in the upper 16 bits.

use core::fmt;

/// A version of the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProtocolVersion {
    /// The number that decides about compatibility.
    pub major: u16,
    /// The number that does not.
    pub minor: u16,
}

impl ProtocolVersion {
    /// The version of all messages but those of segment lists.
    pub const V1_0: Self = Self { major: 1, minor: 0 };
    /// The version of messages of segment lists.
    pub const V2_0: Self = Self { major: 2, minor: 0 };

    /// From `ProtVer`.
    //= PCCRR-2.2.3-04
    #[must_use]
    pub const fn from_wire(number: u32) -> Self {
        let [minor_high, minor_low, major_high, major_low] = number.to_be_bytes();
        Self {
            major: u16::from_be_bytes([major_high, major_low]),
            minor: u16::from_be_bytes([minor_high, minor_low]),
        }
    }

    /// As `ProtVer`.
    #[must_use]
    pub const fn to_wire(self) -> u32 {
        (self.minor as u32) << 16 | self.major as u32
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Debug for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProtocolVersion({self})")
    }
}

/// The lowest and the highest version that a side supports, as it says: the lowest may well be above the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRange {
    /// `MinSupportedProtocolVersion`.
    pub lowest: ProtocolVersion,
    /// `MaxSupportedProtocolVersion`.
    pub highest: ProtocolVersion,
}

impl VersionRange {
    /// Everything that exists.
    pub const ALL: Self = Self {
        lowest: ProtocolVersion::V1_0,
        highest: ProtocolVersion::V2_0,
    };
    /// What Windows 7 and Windows Server 2008 R2 know.
    pub const ONLY_1_0: Self = Self {
        lowest: ProtocolVersion::V1_0,
        highest: ProtocolVersion::V1_0,
    };

    /// Whether messages of this version are understood.
    //= PCCRR-3.1.5.1-06
    #[must_use]
    pub const fn supports(&self, version: ProtocolVersion) -> bool {
        self.lowest.major <= version.major && version.major <= self.highest.major
    }

    /// The highest major version of both, if they have one in common.
    //= PCCRR-3.1.5.1-05
    //= PCCRR-3.1.5.1-08
    #[must_use]
    pub const fn highest_common_major(&self, other: &Self) -> Option<u16> {
        let lowest = if self.lowest.major > other.lowest.major {
            self.lowest.major
        } else {
            other.lowest.major
        };
        let highest = if self.highest.major < other.highest.major {
            self.highest.major
        } else {
            other.highest.major
        };
        // A side whose lowest is above its highest leaves nothing between the two.
        if lowest <= highest {
            Some(highest)
        } else {
            None
        }
    }

    /// The version that this side uses towards the other: its own highest minor number in the highest common major.
    ///
    /// Below its highest major this side only has minor 0, as long as no more than 1.0 and 2.0 exist.
    //= PCCRR-3.1.5.1-07
    #[must_use]
    pub const fn selected(&self, other: &Self) -> Option<ProtocolVersion> {
        let Some(major) = self.highest_common_major(other) else {
            return None;
        };
        let minor = if major == self.highest.major {
            self.highest.minor
        } else {
            0
        };
        Some(ProtocolVersion { major, minor })
    }
}

impl Default for VersionRange {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.lowest, self.highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn range(low: (u16, u16), high: (u16, u16)) -> VersionRange {
        VersionRange {
            lowest: ProtocolVersion {
                major: low.0,
                minor: low.1,
            },
            highest: ProtocolVersion {
                major: high.0,
                minor: high.1,
            },
        }
    }

    #[test]
    fn the_minor_number_is_in_the_upper_half() {
        assert_eq!(ProtocolVersion::V1_0.to_wire(), 1);
        assert_eq!(ProtocolVersion::V2_0.to_wire(), 2);
        let version = ProtocolVersion::from_wire(0x0102_0304);
        assert_eq!((version.minor, version.major), (0x0102, 0x0304));
        assert_eq!(version.to_wire(), 0x0102_0304);
        assert_eq!(version.to_string(), "772.258");
    }

    #[test]
    fn the_examples_of_the_document_select_what_it_says() {
        let client = range((3, 2), (5, 0));
        let server = range((2, 0), (4, 3));
        assert_eq!(client.highest_common_major(&server), Some(4));
        assert_eq!(server.selected(&client).unwrap().to_string(), "4.3");
        let client = range((1, 0), (2, 1));
        let server = range((2, 5), (2, 9));
        assert_eq!(client.selected(&server).unwrap().to_string(), "2.1");
        assert_eq!(server.selected(&client).unwrap().to_string(), "2.9");
    }

    #[test]
    fn sides_without_a_common_major_are_incompatible_whatever_their_minors() {
        let old = range((1, 0), (1, 9));
        let new = range((2, 0), (3, 0));
        assert_eq!(old.selected(&new), None);
        assert_eq!(new.selected(&old), None);
        assert_eq!(range((2, 0), (1, 0)).selected(&VersionRange::ALL), None);
        assert_eq!(VersionRange::ALL.selected(&range((2, 0), (1, 0))), None);
    }

    #[test]
    fn minors_do_not_decide_about_support() {
        let only_2_5 = range((2, 5), (2, 9));
        assert!(only_2_5.supports(ProtocolVersion::V2_0));
        assert!(!only_2_5.supports(ProtocolVersion::V1_0));
        assert!(!only_2_5.supports(ProtocolVersion { major: 3, minor: 0 }));
    }
}
