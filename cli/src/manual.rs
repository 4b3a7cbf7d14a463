//! Completions and man pages, made from the same arguments that are parsed.

use std::io::stdout;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs, ManArgs};
use crate::failure::Failure;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "peerdist", &mut script);
    std::io::Write::write_all(&mut stdout().lock(), &script)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn pages(args: &ManArgs) -> Result<ExitCode, Failure> {
    clap_mangen::generate_to(Args::command(), &args.directory).map_err(|error| {
        let directory = args.directory.display();
        Failure::usage(format_args!(
            "cannot write man pages to {directory}: {error}"
        ))
    })?;
    Ok(ExitCode::SUCCESS)
}
