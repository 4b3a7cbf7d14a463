//! What this machine can do: the instruction sets that decide which floor of a row applies.
//! Invariant: asked of the CPU, never of our dispatch, so that a kernel that is not chosen cannot lower its own floor.

use std::fmt;

/// What decides the speed of the rows of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// SHA-256 of many inputs.
    Sha256,
    /// SHA-512 of many inputs.
    Sha512,
    /// AES-CBC of many blocks.
    Aes,
    /// What no kernel works on.
    Scalar,
}

/// The best instruction set of a family that the CPU has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// SHA-NI with the 32 registers of AVX-512VL.
    ShaNiAvx512,
    /// SHA-NI with 16 registers.
    ShaNi,
    /// 512-bit vectors.
    Avx512,
    /// 256-bit vectors.
    Avx2,
    /// AES of four blocks in an instruction.
    Vaes512,
    /// AES of two blocks in an instruction.
    Vaes256,
    /// AES of one block in an instruction.
    AesNi,
    /// Any: the work needs no instruction set.
    Any,
    /// None of those: no floor was ever measured.
    Other,
}

impl Class {
    /// The class of a family on this machine.
    #[must_use]
    pub fn of(family: Family) -> Self {
        let has = Features::detect();
        match family {
            Family::Sha256 if has.sha && has.avx512 => Self::ShaNiAvx512,
            Family::Sha256 if has.sha => Self::ShaNi,
            Family::Sha512 if has.avx512 => Self::Avx512,
            Family::Sha512 if has.avx2 => Self::Avx2,
            Family::Aes if has.vaes && has.avx512 => Self::Vaes512,
            Family::Aes if has.vaes && has.avx2 => Self::Vaes256,
            Family::Aes if has.aes => Self::AesNi,
            Family::Scalar => Self::Any,
            _ => Self::Other,
        }
    }

    /// As it is printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ShaNiAvx512 => "sha-ni+avx512vl",
            Self::ShaNi => "sha-ni",
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Vaes512 => "vaes-512",
            Self::Vaes256 => "vaes-256",
            Self::AesNi => "aes-ni",
            Self::Any => "any",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "one answer for each CPUID bit"
)]
#[derive(Debug, Default)]
struct Features {
    sha: bool,
    avx2: bool,
    avx512: bool,
    aes: bool,
    vaes: bool,
}

impl Features {
    #[cfg(target_arch = "x86_64")]
    fn detect() -> Self {
        Self {
            sha: is_x86_feature_detected!("sha"),
            avx2: is_x86_feature_detected!("avx2"),
            avx512: is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl"),
            aes: is_x86_feature_detected!("aes"),
            vaes: is_x86_feature_detected!("vaes"),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect() -> Self {
        Self::default()
    }
}

/// The name of the CPU, its cores, and the classes of the families, for the heading of a table.
#[must_use]
pub fn describe(cores: usize) -> String {
    format!(
        "{}, {cores} cores; SHA-256: {}, SHA-512: {}, AES: {}",
        cpu_name(),
        Class::of(Family::Sha256),
        Class::of(Family::Sha512),
        Class::of(Family::Aes),
    )
}

fn cpu_name() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info
            .lines()
            .find(|line| line.split(':').next().map(str::trim) == Some(name));
        line.and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
    };
    match (field("model name"), field("cpu family"), field("model")) {
        (Some(name), Some(family), Some(model)) => {
            format!("{name} (family {family} model {model})")
        }
        _ => std::env::consts::ARCH.to_owned(),
    }
}
