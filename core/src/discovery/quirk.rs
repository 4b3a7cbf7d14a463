//! Quirks of discovery: what readers must accept although the documents or other readers want it otherwise (2.2).
//! Invariant: a quirk never changes what a message means; it is reported beside it.
//! Byte order: none.

crate::quirk::quirks! {
    /// Segment ids in lower-case hex.
    ScopeLowerCase = "rd-scope-lower-case",
        "segment ids are in lower-case hex; readers that compare case, as Windows and iPXE, do not find them";
    /// Other prefixes than `wsd` and `PeerDist`, or attributes on elements that are looked for by their plain text.
    OtherPrefix = "rd-other-prefix",
        "other prefixes than wsd and PeerDist, or attributes on Scopes, XAddrs or BlockCount; iPXE finds only the plain tags";
    /// A version 1.0 probe for a segment of version 2.0 content information.
    V1ProbeForV2Content = "rd-v1-probe-for-v2-content",
        "a version 1.0 probe looks for a segment of version 2.0 content information";
}
