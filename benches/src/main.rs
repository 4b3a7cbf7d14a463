//! The command line: parse, call, exit.
//! Invariant: exit codes are those of the project: 0 good, 1 what was judged failed, 2 usage.

use std::process::ExitCode;

use clap::Parser;
use peerdist_benches::engines;
use peerdist_benches::quality::CuttingQuality;
use peerdist_benches::ratios::Ratios;
use peerdist_benches::scale::Scale;

/// Every number beside its rival in the same run
#[derive(Debug, Parser)]
#[command(name = "peerdist-benches")]
enum Command {
    Ratios(Ratios),
    CuttingQuality(CuttingQuality),
    Scale(Scale),
    /// List the kernels of this processor as the settings that force them
    Engines,
}

fn main() -> ExitCode {
    match Command::parse() {
        Command::Ratios(ratios) => ratios.run(),
        Command::CuttingQuality(quality) => quality.run(),
        Command::Scale(scale) => scale.run(),
        Command::Engines => engines::print(),
    }
}
