//! What can go wrong between a machine and its caller, or between a machine and what a peer sent.
//! Invariant: bytes from a peer are never an error of the call: they are rejected, silently on the wire, not in the log.
//! Byte order: none.

use core::fmt;

/// The caller did something that no order of events allows. The machine is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiMisuse(pub &'static str);

impl fmt::Display for ApiMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for ApiMisuse {}

/// Why a message was discarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The requirement it broke, such as `PCCRR-2.2.3-01`.
    pub requirement: &'static str,
    /// Offset of the field at fault, 0 where the message as a whole is.
    pub at: usize,
    /// What was wrong, for people.
    pub why: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.requirement, self.at, self.why)
    }
}

/// Bytes that cannot be accepted: where, and why. Each protocol has its own kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError<P> {
    /// Offset of what is at fault.
    pub at: usize,
    /// The name that the document gives to the field, element or parameter at fault.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: P,
    requirement: &'static str,
}

impl<P: Copy> DecodeError<P> {
    pub(crate) const fn new(
        at: usize,
        field: &'static str,
        problem: P,
        requirement: &'static str,
    ) -> Self {
        Self {
            at,
            field,
            problem,
            requirement,
        }
    }

    /// The requirement that the bytes break.
    #[must_use]
    pub const fn requirement(&self) -> &'static str {
        self.requirement
    }

    /// The same fault as one against another requirement.
    pub(crate) const fn against(mut self, requirement: &'static str) -> Self {
        self.requirement = requirement;
        self
    }
}

impl<P: fmt::Display> fmt::Display for DecodeError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}, {}: {}", self.at, self.field, self.problem)
    }
}

impl<P: fmt::Debug + fmt::Display> core::error::Error for DecodeError<P> {}

impl<P: fmt::Display> From<DecodeError<P>> for Rejected {
    fn from(error: DecodeError<P>) -> Self {
        Self {
            requirement: error.requirement,
            at: error.at,
            why: format!("{}: {}", error.field, error.problem),
        }
    }
}
