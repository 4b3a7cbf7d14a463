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
