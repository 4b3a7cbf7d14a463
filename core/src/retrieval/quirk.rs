//! Quirks of retrieval: what peers do although the document has it otherwise (conformance/requirements/README.md).
//! Invariant: a quirk never changes what a message means; it is reported beside it.
//! Byte order: none.

use core::fmt;

use crate::cipher::Padding;

/// One accepted peculiarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Quirk {
    /// The path of retrieval in another letter case.
    UrlCase,
    /// The path of retrieval without its final slash.
    UrlNoSlash,
    /// A response of more than 96 KiB.
    ResponseOver96k,
    /// `MSG_GETBLKS` with more than one block.
    ManyBlocksRequested,
    /// Ranges that are unsorted, overlap or touch.
    RangesNotNormalised,
    /// `MSG_GETBLKLIST` with no ranges.
    ZeroRanges,
    /// A block padded with zeros instead of PKCS7.
    PaddingZero,
    /// An aligned block without padding.
    PaddingNone,
    /// A discarded request is answered by closing the connection.
    DiscardCloses,
    /// A discarded request is answered by an HTTP error.
    DiscardHttpError,
    /// `ProtVer` is not that of the message's type.
    OtherVersion,
    /// `CryptoAlgoId` of a message without a block is a number nobody knows.
    UnknownAlgorithm,
}

impl Quirk {
    /// All quirks, in the order in which they are reported.
    pub const ALL: [Self; 12] = [
        Self::UrlCase,
        Self::UrlNoSlash,
        Self::ResponseOver96k,
        Self::ManyBlocksRequested,
        Self::RangesNotNormalised,
        Self::ZeroRanges,
        Self::PaddingZero,
        Self::PaddingNone,
        Self::DiscardCloses,
        Self::DiscardHttpError,
        Self::OtherVersion,
        Self::UnknownAlgorithm,
    ];

    /// What is odd about how a block was padded.
    #[must_use]
    pub const fn of_padding(padding: Padding) -> Option<Self> {
        match padding {
            Padding::Zero => Some(Self::PaddingZero),
            Padding::None => Some(Self::PaddingNone),
            Padding::Pkcs7 | Padding::Other => None,
        }
    }

    /// The quirk's stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UrlCase => "rr-url-case",
            Self::UrlNoSlash => "rr-url-no-slash",
            Self::ResponseOver96k => "rr-response-over-96k",
            Self::ManyBlocksRequested => "rr-many-blocks-requested",
            Self::RangesNotNormalised => "rr-ranges-not-normalised",
            Self::ZeroRanges => "rr-zero-ranges",
            Self::PaddingZero => "rr-padding-zero",
            Self::PaddingNone => "rr-padding-none",
            Self::DiscardCloses => "rr-discard-closes",
            Self::DiscardHttpError => "rr-discard-http-error",
            Self::OtherVersion => "rr-other-version",
            Self::UnknownAlgorithm => "rr-unknown-algorithm",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::UrlCase => "the path is written in another letter case",
            Self::UrlNoSlash => "the path lacks its final slash",
            Self::ResponseOver96k => {
                "the response has more than 98304 bytes, which 2.2 forbids and 2.2.3 allows"
            }
            Self::ManyBlocksRequested => {
                "more than one block is requested; the one of the smallest index is the answer"
            }
            Self::RangesNotNormalised => "ranges are unsorted, overlap or touch",
            Self::ZeroRanges => "no ranges are asked for; the answer is an empty list",
            Self::PaddingZero => "the block is padded with zeros; most peers write PKCS7",
            Self::PaddingNone => "the block is not padded; most peers write PKCS7",
            Self::DiscardCloses => "the connection was closed upon a message to be discarded",
            Self::DiscardHttpError => "an HTTP error came upon a message to be discarded",
            Self::OtherVersion => "ProtVer is not the version that the type of the message fixes",
            Self::UnknownAlgorithm => {
                "CryptoAlgoId is a number that nobody knows, in a message that encrypts nothing"
            }
        }
    }

    const fn bit(self) -> u16 {
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
pub struct Quirks(u16);

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

    /// The quirks in the set.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL
            .into_iter()
            .filter(move |quirk| self.contains(*quirk))
    }
}
