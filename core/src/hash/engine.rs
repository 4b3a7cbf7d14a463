//! Which kernel runs: names, detection, the override, the choice that stays for the whole process.
//! Invariant: an engine exists only for kernels that this processor can run; it is chosen once.
//! Byte order: none.

use core::fmt;
use std::sync::OnceLock;

#[cfg(target_arch = "aarch64")]
use super::aarch64;
use super::constants::{IV_256, IV_384, IV_512};
use super::lanes::DigestSlots;
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512, Shani, ShaniAvx, ShaniAvx512};
use super::{Digest, HashAlgorithm, portable};

/// The environment variable that forces an engine by its name.
pub const ENGINE_VARIABLE: &str = "PEERDIST_HASH";

/// Every name that an engine may have on some processor.
const NAMES: [&str; 8] = [
    "auto",
    "portable",
    "shani",
    "shani-avx",
    "shani-avx512vl",
    "avx2",
    "avx512",
    "aarch64",
];

/// What computes SHA-256. A variant that needs instructions carries the proof that they exist.
#[derive(Clone, Copy, Debug)]
enum Kernel256 {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Shani(Shani),
    #[cfg(target_arch = "x86_64")]
    ShaniAvx(ShaniAvx),
    #[cfg(target_arch = "x86_64")]
    ShaniAvx512(ShaniAvx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "aarch64")]
    Aarch64(aarch64::Sha256Instructions),
}

/// What computes SHA-384 and SHA-512, likewise.
#[derive(Clone, Copy, Debug)]
enum Kernel512 {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "aarch64")]
    Aarch64(aarch64::Sha512Instructions),
}

impl Kernel256 {
    const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Shani(_) => Shani::NAME,
            #[cfg(target_arch = "x86_64")]
            Self::ShaniAvx(_) => ShaniAvx::NAME,
            #[cfg(target_arch = "x86_64")]
            Self::ShaniAvx512(_) => ShaniAvx512::NAME,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Avx2::NAME,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Avx512::NAME,
            #[cfg(target_arch = "aarch64")]
            Self::Aarch64(_) => aarch64::NAME,
        }
    }

    fn run(self, inputs: &[&[u8]], out: DigestSlots<'_>) {
        match self {
            Self::Portable => portable::sha256_many(&IV_256, inputs, out),
            #[cfg(target_arch = "x86_64")]
            Self::Shani(kernel) => kernel.sha256_many(&IV_256, inputs, out),
            #[cfg(target_arch = "x86_64")]
            Self::ShaniAvx(kernel) => kernel.sha256_many(&IV_256, inputs, out),
            #[cfg(target_arch = "x86_64")]
            Self::ShaniAvx512(kernel) => kernel.sha256_many(&IV_256, inputs, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(kernel) => kernel.sha256_many(&IV_256, inputs, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(kernel) => kernel.sha256_many(&IV_256, inputs, out),
            #[cfg(target_arch = "aarch64")]
            Self::Aarch64(kernel) => kernel.sha256_many(&IV_256, inputs, out),
        }
    }
}

impl Kernel512 {
    const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Avx2::NAME,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => Avx512::NAME,
            #[cfg(target_arch = "aarch64")]
            Self::Aarch64(_) => aarch64::NAME,
        }
    }

    fn run(self, iv: &[u64; 8], inputs: &[&[u8]], out: DigestSlots<'_>) {
        match self {
            Self::Portable => portable::sha512_many(iv, inputs, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(kernel) => kernel.sha512_many(iv, inputs, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(kernel) => kernel.sha512_many(iv, inputs, out),
            #[cfg(target_arch = "aarch64")]
            Self::Aarch64(kernel) => kernel.sha512_many(iv, inputs, out),
        }
    }
}

/// A full set of kernels: one for SHA-256, one for SHA-384 and SHA-512.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    name: &'static str,
    sha256: Kernel256,
    sha512: Kernel512,
}

static CURRENT: OnceLock<Engine> = OnceLock::new();
static AVAILABLE: OnceLock<Vec<Engine>> = OnceLock::new();

impl Engine {
    /// The engine in use: the installed one, else the one that `PEERDIST_HASH` names, else the
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

    /// The engine that `PEERDIST_HASH` names, or `None` when it is unset or empty.
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

    /// The engines that this processor can run: `auto`, then from the plainest to the fastest.
    pub fn available() -> impl Iterator<Item = &'static Self> {
        AVAILABLE.get_or_init(Self::detect).iter()
    }

    /// The name: `auto`, `portable`, `shani`, `avx2`, `avx512`, `aarch64`, or `calibrated`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The kernel behind an algorithm, such as `shani-avx512vl`.
    #[must_use]
    pub fn kernel_name(&self, algorithm: HashAlgorithm) -> &'static str {
        match algorithm {
            HashAlgorithm::Sha256 => self.sha256.name(),
            HashAlgorithm::Sha384 | HashAlgorithm::Sha512 | HashAlgorithm::Sha512Truncated => {
                self.sha512.name()
            }
        }
    }

    /// One engine for each kernel that could serve `algorithm` here, the presumed fastest first.
    ///
    /// Which one is fastest depends on the processor. Whoever may read a clock can time
    /// [`Engine::digest_many`] of each, join the winners with [`Engine::joined`], and
    /// [`Engine::install`] the result before the first digest is asked for.
    pub fn candidates(algorithm: HashAlgorithm) -> impl Iterator<Item = &'static Self> {
        let mut seen: Vec<&'static str> = Vec::new();
        Self::available().filter(move |engine| {
            let name = engine.kernel_name(algorithm);
            let new = !seen.contains(&name);
            seen.push(name);
            new
        })
    }

    /// SHA-256 of one engine with SHA-384 and SHA-512 of another, named `calibrated`.
    #[must_use]
    pub const fn joined(sha256: &Self, sha512: &Self) -> Self {
        Self {
            name: "calibrated",
            sha256: sha256.sha256,
            sha512: sha512.sha512,
        }
    }

    /// Makes this the engine in use for the rest of the process.
    ///
    /// # Errors
    ///
    /// When one is in use already.
    pub fn install(self) -> Result<(), EngineAlreadyChosen> {
        CURRENT.set(self).map_err(|_| EngineAlreadyChosen)
    }

    /// The digest of one input.
    #[must_use]
    pub fn digest(&self, algorithm: HashAlgorithm, data: &[u8]) -> Digest {
        let mut digest = Digest::zero(algorithm);
        self.digest_many(algorithm, &[data], digest.as_mut());
        digest
    }

    /// The digests of many inputs, as [`super::digest_many`].
    ///
    /// # Panics
    ///
    /// When `out.len()` is not `inputs.len() * algorithm.digest_len()`.
    pub fn digest_many(&self, algorithm: HashAlgorithm, inputs: &[&[u8]], out: &mut [u8]) {
        let width = algorithm.digest_len();
        assert_eq!(out.len(), inputs.len() * width, "one slot for each digest");
        let out = DigestSlots::new(out, width);
        match algorithm {
            HashAlgorithm::Sha256 => self.sha256.run(inputs, out),
            HashAlgorithm::Sha384 => self.sha512.run(&IV_384, inputs, out),
            HashAlgorithm::Sha512 | HashAlgorithm::Sha512Truncated => {
                self.sha512.run(&IV_512, inputs, out);
            }
        }
    }

    fn auto() -> Self {
        Self::available().next().copied().unwrap_or(Self::PORTABLE)
    }

    const PORTABLE: Self = Self {
        name: "portable",
        sha256: Kernel256::Portable,
        sha512: Kernel512::Portable,
    };

    /// What this processor can run. Each list of kernels ends with the presumed fastest.
    fn detect() -> Vec<Self> {
        let mut engines = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        Self::detect_x86(&mut engines);
        #[cfg(target_arch = "aarch64")]
        engines.extend(Self::detect_aarch64());
        let last_of = |differs: fn(&Self) -> bool| engines.iter().rfind(|engine| differs(engine));
        let sha256 = last_of(|engine| !matches!(engine.sha256, Kernel256::Portable));
        let sha512 = last_of(|engine| !matches!(engine.sha512, Kernel512::Portable));
        let auto = Self {
            name: "auto",
            sha256: sha256.map_or(Kernel256::Portable, |engine| engine.sha256),
            sha512: sha512.map_or(Kernel512::Portable, |engine| engine.sha512),
        };
        engines.insert(0, auto);
        engines
    }

    #[cfg(target_arch = "x86_64")]
    fn detect_x86(engines: &mut Vec<Self>) {
        let sha512 = Kernel512::Portable;
        if let Some(token) = Avx2::detect() {
            let (sha256, sha512) = (Kernel256::Avx2(token), Kernel512::Avx2(token));
            engines.push(Self {
                name: Avx2::NAME,
                sha256,
                sha512,
            });
        }
        if let Some(token) = Avx512::detect() {
            let (sha256, sha512) = (Kernel256::Avx512(token), Kernel512::Avx512(token));
            engines.push(Self {
                name: Avx512::NAME,
                sha256,
                sha512,
            });
        }
        if let Some(token) = Shani::detect() {
            engines.push(Self {
                name: Shani::NAME,
                sha256: Kernel256::Shani(token),
                sha512,
            });
        }
        if let Some(token) = ShaniAvx::detect() {
            engines.push(Self {
                name: ShaniAvx::NAME,
                sha256: Kernel256::ShaniAvx(token),
                sha512,
            });
        }
        if let Some(token) = ShaniAvx512::detect() {
            let sha256 = Kernel256::ShaniAvx512(token);
            engines.push(Self {
                name: ShaniAvx512::NAME,
                sha256,
                sha512,
            });
        }
    }

    /// Where the processor has only the SHA-256 instructions, SHA-512 stays portable.
    #[cfg(target_arch = "aarch64")]
    fn detect_aarch64() -> Option<Self> {
        let sha256 = aarch64::Sha256Instructions::detect().map(Kernel256::Aarch64);
        let sha512 = aarch64::Sha512Instructions::detect().map(Kernel512::Aarch64);
        (sha256.is_some() || sha512.is_some()).then_some(Self {
            name: aarch64::NAME,
            sha256: sha256.unwrap_or(Kernel256::Portable),
            sha512: sha512.unwrap_or(Kernel512::Portable),
        })
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            sha256,
            sha512,
        } = self;
        write!(
            f,
            "{name} (sha256: {}, sha512: {})",
            sha256.name(),
            sha512.name()
        )
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
                "this processor cannot run the hash engine `{name}`; it can run"
            )?;
        } else {
            write!(
                f,
                "there is no hash engine `{name}`; this processor can run"
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
        f.write_str("a hash engine is in use already: install one before the first digest")
    }
}

impl core::error::Error for EngineAlreadyChosen {}
