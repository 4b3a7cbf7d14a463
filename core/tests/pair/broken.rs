//! What is found to be wrong with a run.
//! Invariant: a broken invariant is a value, so that a world that is wrong on purpose is found out without a panic.
//! Byte order: none.

use std::fmt;

use peerdist::error::ApiMisuse;

/// An invariant that does not hold, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Broken {
    fn from(what: &str) -> Self {
        Self(what.to_owned())
    }
}

impl From<ApiMisuse> for Broken {
    fn from(misuse: ApiMisuse) -> Self {
        Self(format!(
            "a machine complains about a correct world: {misuse}"
        ))
    }
}

/// Returns what is broken, where a condition does not hold.
macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err($crate::broken::Broken(format!($($what)+)));
        }
    };
}
pub(crate) use ensure;
