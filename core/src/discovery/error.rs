//! What can be wrong with a discovery message (MS-PCCRD 2.2), each fault its own name.
//! Invariant: every error points into the datagram as it arrived, whatever its encoding, and names the element at fault.
//! Byte order: none, errors carry numbers.

use core::fmt;

/// A datagram that is no discovery message: where, and why. The field is `XML` where the text as such is at fault.
pub type DecodeError = crate::error::DecodeError<Problem>;

/// The kinds of fault. [`Problem::name`] is stable: vectors and reports use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields are the numbers in the message of each kind"
)]
pub enum Problem {
    /// More bytes than a datagram can have.
    MessageTooLarge { found: usize, most: usize },
    /// Neither UTF-8 nor UTF-16, or not the encoding that the document declares.
    Encoding,
    /// A character that XML does not allow.
    Character { found: u32 },
    /// The document ends before its root element does.
    Truncated,
    /// Something follows the root element.
    TrailingBytes,
    /// Not well-formed XML.
    NotWellFormed { why: &'static str },
    /// A document type declaration.
    Doctype,
    /// An entity other than the five that XML predefines, or a character reference to no character.
    Entity,
    /// A processing instruction.
    ProcessingInstruction,
    /// Elements inside each other beyond the limit.
    TooDeep { most: usize },
    /// More elements than the limit.
    TooManyElements { most: usize },
    /// More attributes on one element than the limit.
    TooManyAttributes { most: usize },
    /// More namespace prefixes in scope than the limit.
    TooManyNamespaces { most: usize },
    /// A prefix that no namespace was bound to.
    UnboundPrefix,
    /// A binding of a reserved prefix or namespace.
    ReservedPrefix,
    /// The root element is not a SOAP 1.2 envelope.
    NotSoap,
    /// An element or attribute that must be there is not.
    MissingElement { of: &'static str },
    /// An element that may be there once is there twice.
    DuplicateElement { of: &'static str },
    /// An element where only text may be.
    ElementInValue,
    /// Text where only elements may be.
    UnexpectedText,
    /// A header that its sender wants understood, and nobody here does.
    MustUnderstand,
    /// A message of WS-Discovery that is none of this protocol's.
    ForeignAction,
    /// A probe for, or a match of, services other than this protocol's.
    ForeignTypes,
    /// A `Types` that has more than this protocol's type.
    Types,
    /// A rule of comparison that the version of the probe does not use.
    MatchBy,
    /// An identifier that is empty, holds white space, or is longer than the limit.
    Identifier { length: usize, most: usize },
    /// A number that is none, or too large.
    Number,
    /// No segment id.
    NoScopes,
    /// More segment ids than the limit.
    TooManyScopes { most: usize },
    /// Not an even number of hex digits.
    Hex,
    /// Not base64.
    Base64,
    /// A segment id as long as no hash is.
    IdLength { found: usize },
    /// A version 2.0 scope of another length than it claims.
    ScopeLength { found: usize, expected: usize },
    /// Not 8 hex digits a segment.
    BlockCount { found: usize, expected: usize },
    /// No address of the form host:port with a number for either.
    NoAddress,
    /// More addresses than the limit.
    TooManyAddresses { most: usize },
}

impl Problem {
    /// The kind's stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MessageTooLarge { .. } => "message-too-large",
            Self::Encoding => "encoding",
            Self::Character { .. } => "character",
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing-bytes",
            Self::NotWellFormed { .. } => "not-well-formed",
            Self::Doctype => "doctype",
            Self::Entity => "entity",
            Self::ProcessingInstruction => "processing-instruction",
            Self::TooDeep { .. } => "too-deep",
            Self::TooManyElements { .. } => "too-many-elements",
            Self::TooManyAttributes { .. } => "too-many-attributes",
            Self::TooManyNamespaces { .. } => "too-many-namespaces",
            Self::UnboundPrefix => "unbound-prefix",
            Self::ReservedPrefix => "reserved-prefix",
            Self::NotSoap => "not-soap",
            Self::MissingElement { .. } => "missing-element",
            Self::DuplicateElement { .. } => "duplicate-element",
            Self::ElementInValue => "element-in-value",
            Self::UnexpectedText => "unexpected-text",
            Self::MustUnderstand => "must-understand",
            Self::ForeignAction => "foreign-action",
            Self::ForeignTypes => "foreign-types",
            Self::Types => "types",
            Self::MatchBy => "match-by",
            Self::Identifier { .. } => "identifier",
            Self::Number => "number",
            Self::NoScopes => "no-scopes",
            Self::TooManyScopes { .. } => "too-many-scopes",
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::IdLength { .. } => "id-length",
            Self::ScopeLength { .. } => "scope-length",
            Self::BlockCount { .. } => "block-count",
            Self::NoAddress => "no-address",
            Self::TooManyAddresses { .. } => "too-many-addresses",
        }
    }

    pub(super) fn at(self, at: usize, field: &'static str) -> DecodeError {
        DecodeError::new(at, field, self, self.requirement(field))
    }

    /// The requirement that a message with this in an element breaks.
    fn requirement(self, field: &str) -> &'static str {
        match self {
            Self::UnboundPrefix | Self::ReservedPrefix => "PCCRD-2.2.1-03",
            Self::NotSoap => "PCCRD-2.2.1-02",
            Self::ForeignAction => "PCCRD-3.2.6-01",
            Self::ForeignTypes | Self::Types => "PCCRD-2.2.3.1-03",
            Self::MatchBy => "PCCRD-2.2.2.1-02",
            Self::MissingElement { of } | Self::DuplicateElement { of } => missing_from(of, field),
            Self::Identifier { .. } if field == "Address" => "PCCRD-2.2.3.4-01",
            Self::Identifier { .. } => "PCCRD-4.1-01",
            Self::Number if field == "MetadataVersion" => "PCCRD-2.2.3.5-01",
            Self::Number => "PCCRD-4.3-01",
            Self::NoScopes => "PCCRD-3.2.4.1-07",
            Self::Hex if field == "BlockCount" => "PCCRD-2.2.3.9-02",
            Self::Hex | Self::IdLength { .. } => "PCCRD-2.2.3.3-03",
            Self::TooManyScopes { .. } | Self::ScopeLength { .. } => "PCCRD-2.2.3.3-05",
            Self::Base64 if field == "SegmentAges" => "PCCRD-2.2.3.9-04",
            Self::Base64 => "PCCRD-2.2.3.3-04",
            Self::BlockCount { .. } => "PCCRD-2.2.3.9-02",
            Self::NoAddress | Self::TooManyAddresses { .. } => "PCCRD-2.2.3.8-02",
            // All the rest is XML that nobody may send over this transport.
            _ => "PCCRD-2.1-01",
        }
    }
}

impl DecodeError {
    /// Whether this is no fault, but a good message for somebody else.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        matches!(self.problem, Problem::ForeignAction | Problem::ForeignTypes)
    }
}

/// The requirement that wants `field` in the element `of`, once.
fn missing_from(of: &str, field: &str) -> &'static str {
    match (of, field) {
        ("Envelope", _) => "PCCRD-2.2.1-02",
        ("Probe", "MatchBy") => "PCCRD-2.2.2.1-02",
        ("Probe", "Scopes") => "PCCRD-3.2.4.1-07",
        ("Probe", _) | ("Body", "Probe") => "PCCRD-2.2.2.1-01",
        ("Header", "Action" | "MessageID") => "PCCRD-4.1-01",
        ("Header" | "AppSequence", _) => "PCCRD-4.3-01",
        ("EndpointReference", _) => "PCCRD-2.2.3.4-01",
        ("PeerDistData", "BlockCount") => "PCCRD-2.2.3.9-01",
        ("PeerDistData", _) => "PCCRD-2.2.3.9-03",
        _ => "PCCRD-2.2.2.2-02",
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Self::MessageTooLarge { found, most } => {
                return write!(f, "{found} bytes; expected at most {most}");
            }
            Self::Character { found } => {
                return write!(f, "character U+{found:04X} is not allowed in XML");
            }
            Self::NotWellFormed { why } => return write!(f, "not well-formed XML: {why}"),
            Self::TooDeep { most } => {
                return write!(f, "elements inside each other; expected at most {most}");
            }
            Self::TooManyElements { most } => {
                return write!(f, "too many elements; expected at most {most}");
            }
            Self::TooManyAttributes { most } => {
                return write!(f, "too many attributes; expected at most {most} an element");
            }
            Self::TooManyNamespaces { most } => {
                return write!(f, "too many prefixes; expected at most {most} at a time");
            }
            Self::MissingElement { of } => return write!(f, "not there; {of} must have it"),
            Self::DuplicateElement { of } => return write!(f, "there again; {of} has it once"),
            Self::Identifier { length, most } => {
                return write!(
                    f,
                    "an identifier of {length} bytes; expected 1 to {most} without white space"
                );
            }
            Self::TooManyScopes { most } => {
                return write!(f, "too many segment ids; expected at most {most}");
            }
            Self::IdLength { found } => {
                return write!(f, "a segment id of {found} bytes; expected 32, 48 or 64");
            }
            Self::ScopeLength { found, expected } => {
                return write!(f, "{found} bytes; size and count make {expected}");
            }
            Self::BlockCount { found, expected } => {
                return write!(f, "{found} digits; expected {expected}, 8 for each segment");
            }
            Self::TooManyAddresses { most } => {
                return write!(f, "too many addresses; expected at most {most}");
            }
            Self::Encoding => "neither UTF-8 nor UTF-16, or not what the document declares",
            Self::Truncated => "the document ends before its root element does",
            Self::TrailingBytes => "follows the end of the root element",
            Self::Doctype => "a document type declaration is not allowed",
            Self::Entity => "only amp, lt, gt, apos, quot and characters by number are known",
            Self::ProcessingInstruction => "a processing instruction is not allowed",
            Self::UnboundPrefix => "no namespace is bound to the prefix",
            Self::ReservedPrefix => "the prefix or namespace is reserved",
            Self::NotSoap => "not the Envelope of SOAP 1.2",
            Self::ElementInValue => "an element where only text may be",
            Self::UnexpectedText => "text where only elements may be",
            Self::MustUnderstand => "a header that must be understood and is not",
            Self::ForeignAction => "neither Probe nor ProbeMatches: for somebody else",
            Self::ForeignTypes => "not a type of PeerDist: for somebody else",
            Self::Types => "more than one type",
            Self::MatchBy => "not the rule of comparison that goes with the type",
            Self::Number => "not a number of 32 bits",
            Self::NoScopes => "no segment id",
            Self::Hex => "not an even number of hex digits",
            Self::Base64 => "not base64",
            Self::NoAddress => "no address of the form host:port that is a number",
        };
        f.write_str(text)
    }
}
