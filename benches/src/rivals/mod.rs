//! The rivals: what somebody would use if peerdist were not there.
//! Invariant: a rival that is not installed is an answer with a name and a reason, never a silent gap.

pub mod cut;
pub mod libcrypto;
pub mod openssl_command;
pub mod tape;

/// Why a rival cannot be measured here, in words for the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotInstalled(pub String);

impl std::fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not installed: {}", self.0)
    }
}
