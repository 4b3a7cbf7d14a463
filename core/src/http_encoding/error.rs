//! What can be wrong with a header field of MS-PCCRTP 2.2, each fault its own name.
//! Invariant: every error points at the part at fault by its offset in the field's value.
//! Byte order: none.

use core::fmt;

use crate::error::Rejected;

/// A header field's value that cannot be accepted: where, and why.
pub type DecodeError = crate::error::DecodeError<Problem>;

/// The kinds of fault. [`Problem::name`] is stable: vectors and reports use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// No element at all where at least one must be.
    EmptyList,
    /// Something other than a name where a name must be.
    ParameterName,
    /// Something other than a comma or the end behind an element.
    Separator,
    /// A name without the value that belongs to it.
    MissingValue,
    /// A quoted string that does not end.
    QuotedString,
    /// The same parameter twice.
    DuplicateParameter,
    /// A version that is not digits, a dot, digits.
    VersionSyntax,
    /// A number with something other than digits in it.
    NumberSyntax,
    /// A number past what any honest sender needs: 32 bits in a version, 64 in a length.
    NumberOverflow,
    /// A flag with another value than `true`.
    FlagValue,
    /// Only one of `MinContentInformation` and `MaxContentInformation`.
    HalfWindow,
    /// A quality that is not 0 to 1 with at most three decimals.
    Quality,
}

impl Problem {
    /// The kind's stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EmptyList => "empty-list",
            Self::ParameterName => "parameter-name",
            Self::Separator => "separator",
            Self::MissingValue => "missing-value",
            Self::QuotedString => "quoted-string",
            Self::DuplicateParameter => "duplicate-parameter",
            Self::VersionSyntax => "version-syntax",
            Self::NumberSyntax => "number-syntax",
            Self::NumberOverflow => "number-overflow",
            Self::FlagValue => "flag-value",
            Self::HalfWindow => "half-window",
            Self::Quality => "quality",
        }
    }

    pub(super) fn at(self, at: usize, field: &'static str) -> DecodeError {
        DecodeError::new(at, field, self, self.requirement(field))
    }

    /// The requirement that a value with this in a parameter breaks.
    fn requirement(self, field: &str) -> &'static str {
        match (self, field) {
            (Self::VersionSyntax, _) => "PCCRTP-2.2-05",
            (Self::Quality, _) => "PCCRTP-2.2-01",
            (Self::HalfWindow, _) => "PCCRTP-2.2-10",
            (_, "Version") => "PCCRTP-2.2-04",
            (_, "ContentLength") => "PCCRTP-2.2-07",
            (_, "MissingDataRequest") => "PCCRTP-2.2-08",
            (_, "MakeHashRequest") => "PCCRTP-2.2-12",
            (_, "HashRequest") => "PCCRTP-2.2-13",
            (_, "MinContentInformation" | "MaxContentInformation" | super::PEERDIST_EX) => {
                "PCCRTP-2.2-10"
            }
            (_, super::PEERDIST) => "PCCRTP-2.2-03",
            _ => "PCCRTP-2.2-01",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyList => "the list is empty; expected at least one element",
            Self::ParameterName => "expected a name of letters, digits and marks that separate nothing",
            Self::Separator => "expected a comma or the end behind an element",
            Self::MissingValue => "expected an equals sign and a value behind the name",
            Self::QuotedString => "the quoted string does not end",
            Self::DuplicateParameter => "stands there twice; expected once",
            Self::VersionSyntax => "expected digits, a dot and digits, without spaces",
            Self::NumberSyntax => "expected digits only",
            Self::NumberOverflow => "the number is too large",
            Self::FlagValue => "expected the value true",
            Self::HalfWindow => {
                "MinContentInformation and MaxContentInformation stand together; expected the other one too"
            }
            Self::Quality => "expected q= and a number from 0 to 1 with at most three decimals",
        })
    }
}

/// An error together with the header field in which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The name of the header field.
    pub header: &'static str,
    /// What is wrong with its value.
    pub error: DecodeError,
}

impl Fault {
    /// In the form in which machines report what they reject.
    #[must_use]
    pub fn rejected(&self) -> Rejected {
        Rejected {
            requirement: self.error.requirement(),
            at: self.error.at,
            why: self.to_string(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.header, self.error)
    }
}
