//! Any message of any of the protocols as an annotated tree: every field with its place, its value and its meaning.
//! Invariant: the decoders that serve the machines fill the tree, so it cannot tell another story than they act on.
//! Byte order: that of each message.
//!
//! It stands in the core because it is a pure function of bytes that needs nothing but the core's decoders: a command
//! prints what it returns, and a judge or a fuzzer can ask it just as well.
//!
//! # Which protocol
//!
//! Where nobody names one, those are tried that the first bytes fit, in the order of [`Protocol::ALL`]. The first that
//! decodes is it; if none does, the first that fits, so that the error is that of the likeliest. The others are named
//! in a note.
//!
//! | protocol | what its first bytes are |
//! |---|---|
//! | MS-PCCRC | version `00 01` or `00 02`, then a hash algorithm that does not start with `00` |
//! | MS-PCCRD | `<`, after a byte order mark or white space if there is one; or the mark of UTF-16 |
//! | MS-PCCRTP | a line of HTTP: a request, a status or a header field |
//! | MS-PCCRR | two or more of version, type and size stand where a request or a response has them |
//! | MS-PCHC | version and a type of 1 to 3; or at most 8 bytes that start with the size 1 of a response |
//! | MS-SMB2 | types, or sizes, where a structure of SRV_READ_HASH has them |

mod guess;
mod header_lines;
mod messages;
mod tree;

#[cfg(test)]
mod tests;

use core::fmt;

pub use header_lines::{HEAD_MAX_BYTES, HEADER_FIELDS_MAX};
pub use tree::{Field, Value};

/// The most bytes that are looked at: content information of more than 15 GiB, and far more than any other message.
/// A tree takes up to 15 times as much memory.
pub const INPUT_MAX_BYTES: usize = 16 << 20;

/// A protocol that has messages to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// MS-PCCRC: content information.
    Pccrc,
    /// MS-PCCRD: discovery, XML over UDP.
    Pccrd,
    /// MS-PCCRTP: header fields of HTTP, and the content information behind them.
    Pccrtp,
    /// MS-PCCRR: retrieval.
    Pccrr,
    /// MS-PCHC: the hosted cache.
    Pchc,
    /// MS-SMB2: SRV_READ_HASH.
    Smb,
}

impl Protocol {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 6] = [
        Self::Pccrc,
        Self::Pccrd,
        Self::Pccrtp,
        Self::Pccrr,
        Self::Pchc,
        Self::Smb,
    ];

    /// Its short name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pccrc => "pccrc",
            Self::Pccrd => "pccrd",
            Self::Pccrtp => "pccrtp",
            Self::Pccrr => "pccrr",
            Self::Pchc => "pchc",
            Self::Smb => "smb",
        }
    }

    /// The document that describes it.
    #[must_use]
    pub const fn document(self) -> &'static str {
        match self {
            Self::Pccrc => "MS-PCCRC",
            Self::Pccrd => "MS-PCCRD",
            Self::Pccrtp => "MS-PCCRTP",
            Self::Pccrr => "MS-PCCRR",
            Self::Pchc => "MS-PCHC",
            Self::Smb => "MS-SMB2",
        }
    }
}

/// More bytes than anybody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    /// How many there are.
    pub found: usize,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes; expected at most {INPUT_MAX_BYTES}",
            self.found
        )
    }
}

impl core::error::Error for TooLarge {}

/// What was found in some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The protocol, unless the bytes are of none.
    pub protocol: Option<Protocol>,
    /// Which of its messages.
    pub message: String,
    /// What is accepted although it is not as the document has it.
    pub quirks: Vec<QuirkFound>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// Why the bytes are not valid; `None`: they are.
    pub error: Option<Fault>,
    /// The fields, up to the error if there is one.
    pub fields: Vec<Field<'a>>,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// A quirk of any of the protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuirkFound {
    /// Its stable name.
    pub name: &'static str,
    /// What it means, for people.
    pub meaning: &'static str,
}

/// Why bytes are not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Offset of the field at fault.
    pub at: usize,
    /// Its name.
    pub field: String,
    /// The stable name of what is wrong.
    pub problem: &'static str,
    /// The requirement that it breaks, where one is known.
    pub requirement: Option<&'static str>,
    /// What is wrong, for people.
    pub why: String,
}

impl Decoded<'_> {
    /// Whether the bytes are a message.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.error.is_none()
    }

    /// Bytes that were not read: they stand behind the error, or behind a structure that tells its own length. What
    /// ends a valid text (tags, line ends) is part of it.
    #[must_use]
    pub fn unread(&self) -> usize {
        if self.is_valid() && matches!(self.protocol, Some(Protocol::Pccrd | Protocol::Pccrtp)) {
            return 0;
        }
        let ends = self.fields.iter().map(|field| field.at + field.length);
        self.bytes.len().saturating_sub(ends.max().unwrap_or(0))
    }
}

/// Decodes a message of a protocol, or of whichever protocol it is.
///
/// # Errors
/// [`TooLarge`] for more than [`INPUT_MAX_BYTES`]; whatever else is wrong is in [`Decoded::error`].
pub fn decode(bytes: &[u8], protocol: Option<Protocol>) -> Result<Decoded<'_>, TooLarge> {
    if bytes.len() > INPUT_MAX_BYTES {
        let found = bytes.len();
        return Err(TooLarge { found });
    }
    Ok(match protocol {
        Some(protocol) => messages::decode(protocol, bytes),
        None => likeliest(bytes),
    })
}

fn likeliest(bytes: &[u8]) -> Decoded<'_> {
    let fits: Vec<Protocol> = Protocol::ALL
        .into_iter()
        .filter(|protocol| guess::fits(*protocol, bytes))
        .collect();
    let mut first_that_fits = None;
    let mut valid: Option<Decoded<'_>> = None;
    let mut others = Vec::new();
    for protocol in fits.iter().copied() {
        let decoded = messages::decode(protocol, bytes);
        match (&valid, decoded.is_valid()) {
            (None, true) => valid = Some(decoded),
            (Some(_), true) => others.push(protocol.document()),
            (_, false) => first_that_fits = first_that_fits.or(Some(decoded)),
        }
    }
    let (chosen, why) = match (valid, first_that_fits) {
        (Some(chosen), _) => (chosen, "it is also valid as"),
        (None, Some(chosen)) => {
            others = fits.iter().skip(1).map(|other| other.document()).collect();
            (chosen, "its first bytes would also fit")
        }
        (None, None) => return unknown(bytes),
    };
    let mut chosen = chosen;
    if !others.is_empty() {
        chosen.notes.push(format!("{why} {}", others.join(", ")));
    }
    chosen
}

fn unknown(bytes: &[u8]) -> Decoded<'_> {
    let why = match bytes.len() {
        0 => "there are no bytes",
        _ => {
            "the first bytes fit none of the protocols: content information starts with 00 01 or 00 02, discovery \
             with <, header fields with a name and a colon; of binary messages, version, type and size fit none"
        }
    };
    Decoded {
        protocol: None,
        message: String::new(),
        quirks: Vec::new(),
        notes: Vec::new(),
        error: Some(Fault {
            at: 0,
            field: String::from("message"),
            problem: "unknown-protocol",
            requirement: None,
            why: why.to_owned(),
        }),
        fields: Vec::new(),
        bytes,
    }
}
