//! Which kernel scans: names, detection, the override, the choice that stays for the whole process.
//! Invariant: an engine exists only for a kernel that this processor can run; all find the same candidates.
//! Byte order: none.

use core::fmt;
use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};
use super::{Candidate, portable};

/// The environment variable that forces an engine by its name.
pub const ENGINE_VARIABLE: &str = "PEERDIST_CUT";

/// Every name that an engine may have on some processor.
const NAMES: [&str; 3] = ["portable", "avx2", "avx512"];

/// What scans. A variant that needs instructions carries the proof that they exist.
#[derive(Clone, Copy, Debug)]
enum Kernel {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// One way to find the candidates.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    kernel: Kernel,
}

static CURRENT: OnceLock<Engine> = OnceLock::new();
static AVAILABLE: OnceLock<Vec<Engine>> = OnceLock::new();

impl Engine {
    /// The engine in use: the one that `PEERDIST_CUT` names, else the fastest of this processor.
    /// Chosen at the first call and never changed.
    ///
    /// A name that cannot be used falls back to the default; call [`Engine::from_env`] at start to
    /// learn of it.
    #[must_use]
    pub fn current() -> &'static Self {
        CURRENT.get_or_init(|| {
            let named = Self::from_env().ok().flatten();
            named
                .or_else(|| Self::available().last())
                .copied()
                .unwrap_or(Self::PORTABLE)
        })
    }

    /// The engine that `PEERDIST_CUT` names, or `None` when it is unset or empty.
    ///
    /// # Errors
    ///
    /// When no engine has that name, or this processor cannot run it. The error's text is made for
    /// the person who set the variable.
    pub fn from_env() -> Result<Option<&'static Self>, EngineError> {
        match std::env::var_os(ENGINE_VARIABLE) {
            None => Ok(None),
            Some(name) if name.is_empty() => Ok(None),
            Some(name) => Self::find(&name.to_string_lossy()).map(Some),
        }
    }

    /// The engine of that name, if this processor can run it.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::available().find(|engine| engine.name() == name)
    }

    /// As [`Engine::named`], with the reason why there is none.
    ///
    /// # Errors
    ///
    /// When no engine has that name, or this processor cannot run it.
    pub fn find(name: &str) -> Result<&'static Self, EngineError> {
        Self::named(name).ok_or_else(|| EngineError {
            name: name.to_owned(),
            known: NAMES.contains(&name),
        })
    }

    /// The engines that this processor can run, from the plainest to the fastest.
    pub fn available() -> impl Iterator<Item = &'static Self> {
        AVAILABLE.get_or_init(Self::detect).iter()
    }

    /// Every name that an engine may have, on whatever processor, in the same order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.into_iter()
    }

    /// The name: `portable`, `avx2` or `avx512`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.kernel {
            Kernel::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512(_) => "avx512",
        }
    }

    /// Appends the candidates of all windows in `data`; the window at its start belongs to the cut
    /// at `first`.
    pub(super) fn scan(&self, data: &[u8], first: usize, out: &mut Vec<Candidate>) {
        match self.kernel {
            Kernel::Portable => portable::scan(data, first, out),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2(token) => token.scan(data, first, out),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512(token) => token.scan(data, first, out),
        }
    }

    const PORTABLE: Self = Self {
        kernel: Kernel::Portable,
    };

    fn detect() -> Vec<Self> {
        let mut engines = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = Avx2::detect().map(Kernel::Avx2);
            let avx512 = Avx512::detect().map(Kernel::Avx512);
            engines.extend(
                [avx2, avx512]
                    .into_iter()
                    .flatten()
                    .map(|kernel| Self { kernel }),
            );
        }
        engines
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The named engine cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineError {
    name: String,
    known: bool,
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        if self.known {
            write!(
                f,
                "this processor cannot run the cutting engine `{name}`; it can run"
            )?;
        } else {
            write!(
                f,
                "there is no cutting engine `{name}`; this processor can run"
            )?;
        }
        for (i, engine) in Engine::available().enumerate() {
            write!(f, "{} `{}`", if i == 0 { "" } else { "," }, engine.name())?;
        }
        Ok(())
    }
}

impl core::error::Error for EngineError {}
