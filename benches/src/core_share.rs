//! How much of a core this thread has: on a machine that rents out hardware threads, a stranger may sit on the other one.
//! Such a neighbour hardly slows a chain of dependent instructions, which leaves most of the core idle, but it slows
//! independent ones: a kernel that fills the core loses against a rival that waits, and no clock shows why.
//! Invariant: the control depends on nothing of ours, so that a slow kernel cannot excuse itself.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "only assembly is certain to stay the instructions that are counted"
    )
)]

#[cfg(target_arch = "x86_64")]
use crate::pairs::timed_on_cpu;
#[cfg(target_arch = "x86_64")]
use crate::stats::median;

/// Additions that a core of its own does in the time of one dependent addition: four and more on every x86-64 of the
/// last ten years, less what the loop around them costs.
#[cfg(target_arch = "x86_64")]
const ADDITIONS_OF_A_WHOLE_CORE: f64 = 3.7;

/// Loops of 16 additions, 1 ms of a dependent chain or more.
#[cfg(target_arch = "x86_64")]
const LOOPS: u64 = 250_000;

#[cfg(target_arch = "x86_64")]
const TURNS: u32 = 7;

/// The share of its core that this thread gets just now, at most 1; `None` where no control was written.
#[cfg(target_arch = "x86_64")]
#[must_use]
pub fn share_of_core() -> Option<f64> {
    let additions: Vec<f64> = (0..TURNS)
        .map(|_| {
            let dependent = timed_on_cpu(|| dependent_additions(LOOPS)).1;
            let independent = timed_on_cpu(|| independent_additions(LOOPS)).1;
            dependent.as_secs_f64() / independent.as_secs_f64()
        })
        .collect();
    Some((median(&additions)? / ADDITIONS_OF_A_WHOLE_CORE).min(1.0))
}

/// The share of its core that this thread gets just now, at most 1; `None` where no control was written.
#[cfg(not(target_arch = "x86_64"))]
#[must_use]
pub fn share_of_core() -> Option<f64> {
    None
}

/// Each addition waits for the one before it.
#[cfg(target_arch = "x86_64")]
fn dependent_additions(loops: u64) {
    // SAFETY: reads and writes only the registers it names.
    unsafe {
        std::arch::asm!(
            "2:",
            ".rept 16",
            "add {a}, {step}",
            ".endr",
            "dec {loops}",
            "jnz 2b",
            a = inout(reg) 0_u64 => _,
            step = in(reg) 1_u64,
            loops = inout(reg) loops => _,
            options(nomem, nostack),
        );
    }
}

/// Eight chains of additions side by side.
#[cfg(target_arch = "x86_64")]
fn independent_additions(loops: u64) {
    // SAFETY: reads and writes only the registers it names.
    unsafe {
        std::arch::asm!(
            "2:",
            ".rept 2",
            "add {a}, {step}",
            "add {b}, {step}",
            "add {c}, {step}",
            "add {d}, {step}",
            "add {e}, {step}",
            "add {f}, {step}",
            "add {g}, {step}",
            "add {h}, {step}",
            ".endr",
            "dec {loops}",
            "jnz 2b",
            a = inout(reg) 0_u64 => _,
            b = inout(reg) 1_u64 => _,
            c = inout(reg) 2_u64 => _,
            d = inout(reg) 3_u64 => _,
            e = inout(reg) 4_u64 => _,
            f = inout(reg) 5_u64 => _,
            g = inout(reg) 6_u64 => _,
            h = inout(reg) 7_u64 => _,
            step = in(reg) 1_u64,
            loops = inout(reg) loops => _,
            options(nomem, nostack),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_more_than_nothing_and_at_most_all() {
        if let Some(share) = share_of_core() {
            assert!(share > 0.2 && share <= 1.0, "{share}");
        }
    }
}
