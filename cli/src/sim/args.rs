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
    /// Search for faults that break something: each seed draws others
    ///
    /// Checks of every run that something is wrong with: content that is not whole or mixed from versions, bytes lost on
    /// a link, a link above its rate, a host that gives what it does not have, a store above its size, a download that
    /// does not end although everything healed. What is found is shrunk to the faults that it takes, and printed with the
    /// command that repeats it. Exit code 1 if anything is found.
    Hunt(HuntArgs),
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
pub(crate) struct HuntArgs {
    /// The name of one that comes with the program, or a file; some of its faults must be random
    #[arg(default_value = "hunt", value_hint = ValueHint::FilePath)]
    pub(crate) scenario: String,
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(crate) seeds: u64,
    /// The first of them
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) from: u64,
    /// What carries them out
    #[arg(long, value_enum, default_value_t = HuntEngine::Flow)]
    pub(crate) engine: HuntEngine,
    /// Set a key of the scenario otherwise, such as hosts.desks.count=50
    #[arg(long, value_name = "PATH=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
    /// Threads; the result does not depend on them [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HuntEngine {
    /// Core's machines, messages as sizes: hundreds of seeds a second
    Flow,
    /// The programs themselves: a seed in a second or two; faults that it cannot carry out are left out
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
