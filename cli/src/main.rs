//! The command `peerdist`: parse, call, print; nothing is decided here.

mod args;
mod cache;
mod conform;
mod decode;
mod destination;
mod doctor;
mod failure;
mod get;
mod hosted_cache;
mod info;
mod manual;
mod mistake;
mod operations;
mod print;
mod progress;
mod secret;
mod serving;
mod sim;
mod store_limits;
mod vectors;

use std::process::ExitCode;

use args::{Command, InfoCommand, SecretCommand, VectorsCommand};
use failure::Failure;
use operations::config::{self, Stopped};

fn main() -> ExitCode {
    let args = match config::arguments(std::env::args_os().collect()) {
        Ok(args) => args,
        Err(Stopped::Mistake(error)) => return mistake::report(&error),
        Err(Stopped::File(failure)) => return failure.report(),
    };
    match run(args.command) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    check_environment()?;
    match command {
        Command::Info(InfoCommand::Create(args)) => info::create::run(&args),
        Command::Info(InfoCommand::Show(args)) => info::show::run(&args),
        Command::Info(InfoCommand::Verify(args)) => info::verify::run(&args),
        Command::Secret(SecretCommand::New(args)) => secret::new(&args),
        Command::Secret(SecretCommand::Export(args)) => secret::export(&args),
        Command::Secret(SecretCommand::Import(args)) => secret::import(&args),
        Command::Cache(command) => cache::run(&command),
        Command::Decode(args) => decode::run(&args),
        Command::Get(args) => get::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Serve(args) => serving::serve(&args),
        Command::Proxy(args) => serving::proxy(&args),
        Command::Peer(args) => serving::peer::run(&args),
        Command::Status(args) => operations::status::run(&args),
        Command::HostedCache(args) => hosted_cache::run(&args),
        Command::Sim(command) => sim::run(&command),
        Command::Vectors(VectorsCommand::Run(args)) => vectors::run(&args),
        Command::Conform(command) => conform::run(&command),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::pages(&args),
    }
}

/// Engines that the environment names and that cannot be used are not passed over.
fn check_environment() -> Result<(), Failure> {
    fn check<E: std::fmt::Display, T>(variable: &str, named: Result<T, E>) -> Result<(), Failure> {
        let failed = |error| Failure::usage(format_args!("{variable}: {error}"));
        named.map(|_| ()).map_err(failed)
    }
    use peerdist::{cipher, content::cut, hash};
    check(hash::ENGINE_VARIABLE, hash::Engine::from_env())?;
    check(cut::ENGINE_VARIABLE, cut::Engine::from_env())?;
    check(cipher::ENGINE_VARIABLE, cipher::Engine::from_env())
}
