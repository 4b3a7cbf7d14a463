//! What can be said to `peerdist sim`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum SimCommand {
    /// Simulate scenarios, and say what PeerDist saves
    ///
    /// Exit code 1 if a scenario does not come out as it expects.
    Run(RunArgs),
    /// List the scenarios that come with the program
    List(ListArgs),
    /// Show what a scenario says
    Explain(ExplainArgs),
    /// Print the JSON schema of scenarios, for editors
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Scenarios: names of those that come with the program, or files
    #[arg(default_value = "branch-office", value_hint = ValueHint::FilePath)]
    pub(crate) scenarios: Vec<String>,
    /// What carries it out
    #[arg(long, value_enum, default_value_t = EngineArg::Auto)]
    pub(crate) engine: EngineArg,
    /// All chance follows from it [default: that of the scenario]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Runs of each scenario, each with the seed after the one before
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) runs: u64,
    /// Set a key of the scenario otherwise, such as hosts.desks.count=50
    #[arg(long, value_name = "PATH=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
    /// Threads; the result does not depend on them [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Where the results go: manifest.json, summary.json and summary.csv in a new directory for each scenario
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Replace results that are there
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    /// The packet engine where that takes seconds, else the flow engine
    Auto,
    /// Core's machines, messages as sizes, links shared fairly: a million hosts
    Flow,
    /// The programs themselves on a simulated network: up to 50 hosts, minutes of simulated time
    Packet,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The name of one that comes with the program, or a file
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) scenario: String,
    /// Set a key of the scenario otherwise, such as hosts.desks.count=50
    #[arg(long, value_name = "PATH=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or_else(|| {
        format!("'{text}' sets nothing; expected a path and a value, such as hosts.desks.count=50")
    })?;
    Ok((path.to_owned(), value.to_owned()))
}
