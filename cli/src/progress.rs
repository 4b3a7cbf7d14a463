//! A bar for long work, on a terminal only.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

/// Work shorter than this is over before a bar could be read.
const WORTH_A_BAR_BYTES: u64 = 256 << 20;

/// A bar for `length` bytes; `None`: nobody knows how many.
pub(crate) fn bytes(length: Option<u64>) -> ProgressBar {
    if !stderr().is_terminal() || length.is_some_and(|length| length < WORTH_A_BAR_BYTES) {
        return ProgressBar::hidden();
    }
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{bar:32} {percent:>3} % of {total_bytes}, {binary_bytes_per_sec}, {eta} left  {msg}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {bytes}, {binary_bytes_per_sec}  {msg}",
        ),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A bar for so many runs.
pub(crate) fn of_runs(runs: u64) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(runs);
    match ProgressStyle::with_template("{bar:32} {pos} of {len} runs, {per_sec}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
