//! Completions and man pages, made from the same arguments that are parsed.

use std::fs;
use std::io::{self, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs, ManArgs};
use crate::failure::Failure;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "peerdist", &mut script);
    let mut out = stdout().lock();
    out.write_all(&script)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn pages(args: &ManArgs) -> Result<ExitCode, Failure> {
    let directory = args.directory.display();
    if !args.directory.is_dir() {
        return Err(Failure::usage(format_args!(
            "cannot write man pages: there is no directory {directory}; expected one that exists"
        )));
    }
    write_pages(&args.directory).map_err(|error| {
        Failure::usage(format_args!(
            "cannot write man pages to {directory}: {error}"
        ))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Made in a directory of their own first, so that each page appears whole or not at all.
fn write_pages(directory: &Path) -> io::Result<()> {
    let drafts = tempfile::Builder::new()
        .prefix(".peerdist-")
        .tempdir_in(directory)
        // The name that it could not have says nothing to anybody.
        .map_err(|error| io::Error::from(error.kind()))?;
    clap_mangen::generate_to(Args::command(), drafts.path())?;
    for page in fs::read_dir(drafts.path())? {
        let page = page?;
        fs::rename(page.path(), directory.join(page.file_name()))?;
    }
    Ok(())
}
