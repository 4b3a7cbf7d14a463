//! What can be said to `peerdist sim`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use peerdist_sim::sweep::Shard;

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
    /// Put results side by side, with their differences to the first
    Compare(CompareArgs),
    /// Run a scenario with other values at some keys, over and over
    ///
    /// Each run is kept as soon as it is finished, and --resume goes on where a sweep was ended.
    Sweep(SweepArgs),
    /// Put the shards of a sweep together
    Merge(MergeArgs),
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
    /// Where the results go: figures, tables and a page to look at, in a new directory for each scenario
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Figures for papers too: what the line carried, where content came from, how long downloads took
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "FORMAT",
        requires = "out"
    )]
    pub(crate) plots: Vec<PlotFormat>,
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
pub(crate) struct CompareArgs {
    /// Directories that 'peerdist sim run --out' wrote, two or more
    #[arg(required = true, num_args = 2.., value_name = "RESULTS", value_hint = ValueHint::DirPath)]
    pub(crate) results: Vec<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// The sweep: a scenario, a grid or a Latin hypercube over its keys, and how many seeds
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) sweep: PathBuf,
    /// Runs at a time; the result does not depend on it [default: one a core]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Only every Nth run, from the Ith on, for N machines to share the work
    #[arg(long, value_name = "I/N", value_parser = shard, default_value = "1/1")]
    pub(crate) shard: Shard,
    /// Go on with what is there
    #[arg(long)]
    pub(crate) resume: bool,
    /// Where the results go [default: a directory in results, named as the sweep]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The directories of all shards
    #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) shards: Vec<PathBuf>,
    /// Where the whole goes: a new directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
}

fn shard(text: &str) -> Result<Shard, String> {
    let read = text.split_once('/').and_then(|(number, of)| {
        let (number, of) = (number.parse().ok()?, of.parse().ok()?);
        (1..=of).contains(&number).then_some(Shard { number, of })
    });
    read.ok_or_else(|| format!("'{text}' is no shard; expected one of several, such as 2/3"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlotFormat {
    /// Lines and text, of any size
    Svg,
    /// Dots, 300 an inch; drawn by rsvg-convert or resvg, one of which has to be installed
    Png,
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
