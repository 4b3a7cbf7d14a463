//! Quirks of MS-PCCRTP: what readers accept although the document says or shows it otherwise.
//! Invariant: a quirk never changes what a header field means; it is reported beside the result.
//! Byte order: none.

crate::quirk::quirks! {
    /// The coding not in lower case.
    CodingCase = "rtp-coding-case",
        "the coding is not written in lower case";
    /// A parameter list that starts with a comma.
    LeadingComma = "rtp-leading-comma",
        "the list starts with a comma, as the grammar has it and no example does";
    /// A parameter that the document does not know.
    UnknownParameter = "rtp-unknown-parameter",
        "a parameter that the document does not know; ignored";
    /// `HashRequest=true` without `peerdist` in `Accept-Encoding`.
    HashRequestWithoutAcceptEncoding = "rtp-hash-request-without-accept-encoding",
        "HashRequest=true without peerdist in Accept-Encoding, as in the example of section 4";
    /// A coded response with neither `ETag` nor `Last-Modified`.
    NoValidator = "rtp-no-validator",
        "coded, but nothing ties the hashes to a state of the content: no ETag, no Last-Modified";
}
