//! Which kernel runs: names, detection, the override, the choice that stays for the whole process.
//! Invariant: an engine exists only for a kernel that this processor can run; it is chosen once.
//! Byte order: none.

use core::fmt;
use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use super::x86::{AesNi, Vaes256, Vaes512};
use super::{DecryptJob, EncryptJob, portable};

/// The environment variable that forces an engine by its name.
pub const ENGINE_VARIABLE: &str = "PEERDIST_CIPHER";

/// Every name that an engine may have on some processor.
const NAMES: [&str; 5] = ["auto", "portable", "aesni", "vaes256", "vaes512"];

/// What computes AES-CBC. A variant that needs instructions carries the proof that they exist.
#[derive(Clone, Copy, Debug)]
enum Kernel {
    Portable,
    #[cfg(target_arch = "x86_64")]
    AesNi(AesNi),
    #[cfg(target_arch = "x86_64")]
    Vaes256(Vaes256),
    #[cfg(target_arch = "x86_64")]
    Vaes512(Vaes512),
}

impl Kernel {
    const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::AesNi(_) => "aesni",
            #[cfg(target_arch = "x86_64")]
            Self::Vaes256(_) => "vaes256",
            #[cfg(target_arch = "x86_64")]
            Self::Vaes512(_) => "vaes512",
        }
    }

    fn encrypt(self, jobs: &mut [EncryptJob<'_>]) {
        match self {
            Self::Portable => jobs
                .iter_mut()
                .for_each(|job| portable::encrypt(job.inner())),
            #[cfg(target_arch = "x86_64")]
            Self::AesNi(proof) => proof.encrypt_many(jobs),
            #[cfg(target_arch = "x86_64")]
            Self::Vaes256(proof) => proof.encrypt_many(jobs),
            #[cfg(target_arch = "x86_64")]
            Self::Vaes512(proof) => proof.encrypt_many(jobs),
        }
    }

    fn decrypt(self, jobs: &mut [DecryptJob<'_>]) {
        for job in jobs.iter_mut().map(DecryptJob::inner) {
            match self {
                Self::Portable => portable::decrypt(job),
                #[cfg(target_arch = "x86_64")]
                Self::AesNi(proof) => proof.decrypt(job),
                #[cfg(target_arch = "x86_64")]
                Self::Vaes256(proof) => proof.decrypt(job),
                #[cfg(target_arch = "x86_64")]
                Self::Vaes512(proof) => proof.decrypt(job),
            }
        }
    }

    /// The kernels of this processor, from the plainest to the fastest.
    fn detect() -> Vec<Self> {
        #[cfg_attr(
            not(target_arch = "x86_64"),
            expect(unused_mut, reason = "other processors have one kernel")
        )]
        let mut kernels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(AesNi::detect().map(Self::AesNi));
            kernels.extend(Vaes256::detect().map(Self::Vaes256));
            kernels.extend(Vaes512::detect().map(Self::Vaes512));
        }
        kernels
    }
}

/// A kernel for AES-CBC, by name.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    name: &'static str,
    kernel: Kernel,
}

static CURRENT: OnceLock<Engine> = OnceLock::new();
static AVAILABLE: OnceLock<Vec<Engine>> = OnceLock::new();

impl Engine {
    /// The engine in use: the installed one, else the one that `PEERDIST_CIPHER` names, else the
    /// default of this processor. Chosen at the first call and never changed.
    ///
    /// A name that cannot be used falls back to the default; call [`Engine::from_env`] at start to
    /// learn of it.
    #[must_use]
    pub fn current() -> &'static Self {
        CURRENT.get_or_init(|| {
            Self::from_env()
                .ok()
                .flatten()
                .copied()
                .unwrap_or_else(Self::auto)
        })
    }

    /// The engine that `PEERDIST_CIPHER` names, or `None` when it is unset or empty.
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
        Self::available().find(|engine| engine.name == name)
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

    /// The engines that this processor can run: `auto`, then from the plainest to the one that is
    /// presumably fastest, which `auto` is.
    pub fn available() -> impl Iterator<Item = &'static Self> {
        AVAILABLE.get_or_init(Self::detect).iter()
    }

    /// The names of the engines that this processor cannot run.
    pub fn unavailable() -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(|name| Self::named(name).is_none())
    }

    /// The name: `auto`, `portable`, `aesni`, `vaes256` or `vaes512`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The kernel behind the name, which for `auto` is another name.
    #[must_use]
    pub const fn kernel_name(&self) -> &'static str {
        self.kernel.name()
    }

    /// Makes this the engine in use for the rest of the process.
    ///
    /// # Errors
    ///
    /// When one is in use already.
    pub fn install(self) -> Result<(), EngineAlreadyChosen> {
        CURRENT.set(self).map_err(|_| EngineAlreadyChosen)
    }

    /// Encrypts many messages in place, as [`super::encrypt_many`].
    pub fn encrypt_many(&self, jobs: &mut [EncryptJob<'_>]) {
        self.kernel.encrypt(jobs);
    }

    /// Decrypts many messages in place, as [`super::decrypt_many`].
    pub fn decrypt_many(&self, jobs: &mut [DecryptJob<'_>]) {
        self.kernel.decrypt(jobs);
    }

    const PORTABLE: Self = Self {
        name: "portable",
        kernel: Kernel::Portable,
    };

    fn auto() -> Self {
        Self::available().next().copied().unwrap_or(Self::PORTABLE)
    }

    fn detect() -> Vec<Self> {
        let kernels = Kernel::detect();
        let auto = kernels.last().map(|&kernel| Self {
            name: "auto",
            kernel,
        });
        let named = kernels.iter().map(|&kernel| Self {
            name: kernel.name(),
            kernel,
        });
        auto.into_iter().chain(named).collect()
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (aes-cbc: {})", self.name, self.kernel.name())
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
                "this processor cannot run the cipher engine `{name}`; it can run"
            )?;
        } else {
            write!(
                f,
                "there is no cipher engine `{name}`; this processor can run"
            )?;
        }
        for (i, engine) in Engine::available().enumerate() {
            write!(f, "{} `{}`", if i == 0 { "" } else { "," }, engine.name)?;
        }
        Ok(())
    }
}

impl core::error::Error for EngineError {}

/// An engine is in use already, so another cannot be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineAlreadyChosen;

impl fmt::Display for EngineAlreadyChosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cipher engine is in use already: install one before the first block")
    }
}

impl core::error::Error for EngineAlreadyChosen {}
