//! Quirks of retrieval: what peers do although the document has it otherwise (conformance/requirements/README.md).
//! Invariant: a quirk never changes what a message means; it is reported beside it.
//! Byte order: none.

use crate::cipher::Padding;

crate::quirk::quirks! {
    /// The path of retrieval in another letter case.
    UrlCase = "rr-url-case",
        "the path is written in another letter case";
    /// The path of retrieval without its final slash.
    UrlNoSlash = "rr-url-no-slash",
        "the path lacks its final slash";
    /// A response of more than 96 KiB.
    ResponseOver96k = "rr-response-over-96k",
        "the response has more than 98304 bytes, which 2.2 forbids and 2.2.3 allows";
    /// `MSG_GETBLKS` with more than one block.
    ManyBlocksRequested = "rr-many-blocks-requested",
        "more than one block is requested; the one of the smallest index is the answer";
    /// Ranges that are unsorted, overlap or touch.
    RangesNotNormalised = "rr-ranges-not-normalised",
        "ranges are unsorted, overlap or touch";
    /// `MSG_GETBLKLIST` with no ranges.
    ZeroRanges = "rr-zero-ranges",
        "no ranges are asked for; the answer is an empty list";
    /// A block padded with zeros instead of PKCS7.
    PaddingZero = "rr-padding-zero",
        "the block is padded with zeros; most peers write PKCS7";
    /// An aligned block without padding.
    PaddingNone = "rr-padding-none",
        "the block is not padded; most peers write PKCS7";
    /// A discarded request is answered by closing the connection.
    DiscardCloses = "rr-discard-closes",
        "the connection was closed upon a message to be discarded";
    /// A discarded request is answered by an HTTP error.
    DiscardHttpError = "rr-discard-http-error",
        "an HTTP error came upon a message to be discarded";
    /// `ProtVer` is not that of the message's type.
    OtherVersion = "rr-other-version",
        "ProtVer is not the version that the type of the message fixes";
    /// `CryptoAlgoId` of a message without a block is a number nobody knows.
    UnknownAlgorithm = "rr-unknown-algorithm",
        "CryptoAlgoId is a number that nobody knows, in a message that encrypts nothing";
}

impl Quirk {
    /// What is odd about how a block was padded.
    #[must_use]
    pub const fn of_padding(padding: Padding) -> Option<Self> {
        match padding {
            Padding::Zero => Some(Self::PaddingZero),
            Padding::None => Some(Self::PaddingNone),
            Padding::Pkcs7 | Padding::Other => None,
        }
    }
}
