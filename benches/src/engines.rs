//! The kernels that this processor has, each as the setting that forces it.
//! Invariant: every line is `VARIABLE=name`, so that a script can try them all.
//! Unit: none.

use std::process::ExitCode;

use peerdist::{cipher, content::cut, hash};

/// Prints one line a kernel.
#[must_use]
pub fn print() -> ExitCode {
    for engine in hash::Engine::available() {
        println!("{}={}", hash::ENGINE_VARIABLE, engine.name());
    }
    for engine in cut::Engine::available() {
        println!("{}={}", cut::ENGINE_VARIABLE, engine.name());
    }
    for engine in cipher::Engine::available() {
        println!("{}={}", cipher::ENGINE_VARIABLE, engine.name());
    }
    ExitCode::SUCCESS
}
