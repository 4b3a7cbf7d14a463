//! Quirks of discovery: what readers must accept although the documents or other readers want it otherwise (2.2).
//! Invariant: a quirk never changes what a message means; it is reported beside it.
//! Byte order: none.

use core::fmt;

/// One accepted peculiarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Quirk {
    /// Segment ids in lower-case hex.
    ScopeLowerCase,
    /// Other prefixes than `wsd` and `PeerDist`, or attributes on elements that are looked for by their plain text.
    OtherPrefix,
    /// A version 1.0 probe for a segment of version 2.0 content information.
    V1ProbeForV2Content,
}

impl Quirk {
    /// All quirks, in the order in which they are reported.
    pub const ALL: [Self; 3] = [
        Self::ScopeLowerCase,
        Self::OtherPrefix,
        Self::V1ProbeForV2Content,
    ];

    /// The quirk's stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScopeLowerCase => "rd-scope-lower-case",
            Self::OtherPrefix => "rd-other-prefix",
            Self::V1ProbeForV2Content => "rd-v1-probe-for-v2-content",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ScopeLowerCase => {
                "segment ids are in lower-case hex; readers that compare case, as Windows and iPXE, do not find them"
            }
            Self::OtherPrefix => {
                "other prefixes than wsd and PeerDist, or attributes on Scopes, XAddrs or BlockCount; iPXE finds only the plain tags"
            }
            Self::V1ProbeForV2Content => {
                "a version 1.0 probe looks for a segment of version 2.0 content information"
            }
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of quirks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quirks(u8);

impl Quirks {
    pub(super) const fn add(&mut self, quirk: Quirk) {
        self.0 |= quirk.bit();
    }

    /// Whether the quirk is in the set.
    #[must_use]
    pub const fn contains(self, quirk: Quirk) -> bool {
        self.0 & quirk.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The quirks in the set.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL
            .into_iter()
            .filter(move |quirk| self.contains(*quirk))
    }
}
