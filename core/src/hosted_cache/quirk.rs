//! Quirks of offers: what readers in the field live with (conformance/requirements/README.md).
//! Invariant: a quirk never changes what a message means; it is reported beside it.
//! Byte order: none.

use core::fmt;

/// One accepted peculiarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Quirk {
    /// The path in another letter case.
    UrlCase,
    /// The path with a slash behind it.
    UrlTrailingSlash,
    /// `dwReadBytesInLastSegment` of `SEGMENT_INFO_MESSAGE` is 0, not the segment's length.
    ReadBytesZero,
    /// Malformed content information was answered OK.
    BadContentInformationOk,
    /// A dropped request is answered by closing the connection.
    DropCloses,
    /// A dropped request is answered by an HTTP error.
    DropHttpError,
}

impl Quirk {
    /// All quirks, in the order in which they are reported.
    pub const ALL: [Self; 6] = [
        Self::UrlCase,
        Self::UrlTrailingSlash,
        Self::ReadBytesZero,
        Self::BadContentInformationOk,
        Self::DropCloses,
        Self::DropHttpError,
    ];

    /// The quirk's stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UrlCase => "hc-url-case",
            Self::UrlTrailingSlash => "hc-url-trailing-slash",
            Self::ReadBytesZero => "hc-read-bytes-zero",
            Self::BadContentInformationOk => "hc-bad-content-information-ok",
            Self::DropCloses => "hc-drop-closes",
            Self::DropHttpError => "hc-drop-http-error",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::UrlCase => "the path is written in another letter case",
            Self::UrlTrailingSlash => "the path has a slash behind it",
            Self::ReadBytesZero => {
                "dwReadBytesInLastSegment is 0, where the document wants the segment's length"
            }
            Self::BadContentInformationOk => {
                "content information that is malformed was answered OK; nothing is fetched"
            }
            Self::DropCloses => "the connection was closed upon a message to be dropped",
            Self::DropHttpError => "an HTTP error came upon a message to be dropped",
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
    /// Adds one.
    pub const fn add(&mut self, quirk: Quirk) {
        self.0 |= quirk.bit();
    }

    pub(super) const fn add_if(&mut self, condition: bool, quirk: Quirk) {
        if condition {
            self.add(quirk);
        }
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

    /// The quirks of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The quirks in the set.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL
            .into_iter()
            .filter(move |quirk| self.contains(*quirk))
    }
}
