//! Where bytes go that are not for people: a file that appears whole, or standard output.

use std::fs;
use std::io::{IsTerminal, Write, stdout};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use peerdist_node::output::Output;

use crate::failure::Failure;

/// What `-o` names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Destination<'a> {
    Stdout,
    File(&'a Path),
}

impl<'a> Destination<'a> {
    /// `-` and nothing are standard output.
    pub(crate) fn of(path: Option<&'a Path>) -> Self {
        match path {
            Some(path) if path != Path::new("-") => Self::File(path),
            _ => Self::Stdout,
        }
    }

    /// Binary bytes would move the cursor about.
    pub(crate) fn refuse_terminal(self, what: &str) -> Result<(), Failure> {
        if matches!(self, Self::Stdout) && stdout().is_terminal() {
            return Err(Failure::usage(format_args!(
                "{what} is binary and would upset the terminal; name a file with -o"
            )));
        }
        Ok(())
    }

    /// An input that its own output would replace is lost for good.
    pub(crate) fn refuse_to_replace(self, input: &Path, role: &str) -> Result<(), Failure> {
        match self {
            Self::File(output) if is_same_file(input, output) => {
                let output = output.display();
                Err(Failure::usage(format_args!(
                    "-o {output} would replace {role}; name another file"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Makes sure that it can be written to, before the work is done.
    pub(crate) fn open(self) -> Result<Opened, Failure> {
        match self {
            Self::Stdout => Ok(Opened::Stdout),
            Self::File(path) => Output::open(path).map(Opened::File).map_err(Failure::usage),
        }
    }
}

/// A destination that waits for its bytes.
#[derive(Debug)]
pub(crate) enum Opened {
    Stdout,
    File(Output),
}

impl Opened {
    /// All of the bytes, in parts.
    pub(crate) fn take<'p>(self, parts: impl IntoIterator<Item = &'p [u8]>) -> Result<(), Failure> {
        match self {
            Self::Stdout => {
                let mut out = stdout().lock();
                parts.into_iter().try_for_each(|part| out.write_all(part))?;
                // What has no line end waits in a buffer, and nobody hears of an error at exit.
                Ok(out.flush()?)
            }
            Self::File(output) => output.finish(parts).map_err(Failure::usage),
        }
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path| {
        fs::metadata(path)
            .ok()
            .filter(fs::Metadata::is_file)
            .map(|m| (m.dev(), m.ino()))
    };
    identity(one).is_some_and(|one| identity(other) == Some(one))
}
