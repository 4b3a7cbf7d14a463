//! Quirks of offers: what readers in the field live with (conformance/requirements/README.md).
//! Invariant: a quirk never changes what a message means; it is reported beside it.
//! Byte order: none.

crate::quirk::quirks! {
    /// The path in another letter case.
    UrlCase = "hc-url-case",
        "the path is written in another letter case";
    /// The path with a slash behind it.
    UrlTrailingSlash = "hc-url-trailing-slash",
        "the path has a slash behind it";
    /// `dwReadBytesInLastSegment` of `SEGMENT_INFO_MESSAGE` is 0, not the segment's length.
    ReadBytesZero = "hc-read-bytes-zero",
        "dwReadBytesInLastSegment is 0, where the document wants the segment's length";
    /// Malformed content information was answered OK.
    BadContentInformationOk = "hc-bad-content-information-ok",
        "content information that is malformed was answered OK; nothing is fetched";
    /// A dropped request is answered by closing the connection.
    DropCloses = "hc-drop-closes",
        "the connection was closed upon a message to be dropped";
    /// A dropped request is answered by an HTTP error.
    DropHttpError = "hc-drop-http-error",
        "an HTTP error came upon a message to be dropped";
}
