//! Quirks of MS-PCCRTP: what readers accept although the document says or shows it otherwise.
//! Invariant: a quirk never changes what a header field means; it is reported beside the result.
//! Byte order: none.

use core::fmt;

/// One accepted peculiarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Quirk {
    /// The coding not in lower case.
    CodingCase,
    /// A parameter list that starts with a comma.
    LeadingComma,
    /// A parameter that the document does not know.
    UnknownParameter,
    /// `HashRequest=true` without `peerdist` in `Accept-Encoding`.
    HashRequestWithoutAcceptEncoding,
    /// A coded response with neither `ETag` nor `Last-Modified`.
    NoValidator,
}

impl Quirk {
    /// All quirks, in the order in which they are reported.
    pub const ALL: [Self; 5] = [
        Self::CodingCase,
        Self::LeadingComma,
        Self::UnknownParameter,
        Self::HashRequestWithoutAcceptEncoding,
        Self::NoValidator,
    ];

    /// The quirk's stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CodingCase => "rtp-coding-case",
            Self::LeadingComma => "rtp-leading-comma",
            Self::UnknownParameter => "rtp-unknown-parameter",
            Self::HashRequestWithoutAcceptEncoding => "rtp-hash-request-without-accept-encoding",
            Self::NoValidator => "rtp-no-validator",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::CodingCase => "the coding is not written in lower case",
            Self::LeadingComma => {
                "the list starts with a comma, as the grammar has it and no example does"
            }
            Self::UnknownParameter => "a parameter that the document does not know; ignored",
            Self::HashRequestWithoutAcceptEncoding => {
                "HashRequest=true without peerdist in Accept-Encoding, as in the example of section 4"
            }
            Self::NoValidator => {
                "coded, but nothing ties the hashes to a state of the content: no ETag, no Last-Modified"
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

    pub(super) const fn join(&mut self, others: Self) {
        self.0 |= others.0;
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
