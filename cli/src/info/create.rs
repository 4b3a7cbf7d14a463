//! `peerdist info create`.

use std::process::ExitCode;

use peerdist::hash::HashAlgorithm;
use peerdist_node::content_info::{self, Effort, Error, Format, Wanted};

use crate::args::{CreateArgs, Hash, Version};
use crate::destination::Destination;
use crate::failure::Failure;
use crate::{progress, secret};

pub(crate) fn run(args: &CreateArgs) -> Result<ExitCode, Failure> {
    let format = format(args)?;
    let to = Destination::of(Some(&args.output));
    to.refuse_terminal("content information")?;
    to.refuse_to_replace(&args.file, "the content")?;
    if let Some(secret_file) = &args.secret.secret_file {
        to.refuse_to_replace(secret_file, "the secret")?;
    }
    peerdist_node::kernels::calibrate();
    // Content is opened first: a change to it while a secret is waited for does not go unnoticed.
    let source = super::content(&args.file)?;
    let given = secret::given(&args.secret)?;
    let is_given = given.is_some();
    let secret_key = given.map_or_else(secret::random, Ok)?;
    let to = to.open()?;
    let wanted = args.range.map(|range| Wanted {
        start: range.start,
        end: range.end,
    });
    let bar = progress::bytes(source.length());
    let effort = Effort {
        threads: args.threads,
        progress: &|bytes| bar.inc(bytes),
    };
    let info = content_info::create(&source, format, &secret_key, wanted, &effort);
    bar.finish_and_clear();
    let info = info.map_err(|error| match error {
        // It names the file itself.
        Error::Source(error) => Failure::usage(error),
        error => {
            let name = super::name(&args.file);
            Failure::usage(format_args!("no content information of {name}: {error}"))
        }
    })?;
    to.take(info.parts())?;
    if !is_given {
        eprintln!(
            "peerdist: no secret given, so a new one was used and forgotten; keep one with 'peerdist secret new -o FILE' and --secret-file"
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn format(args: &CreateArgs) -> Result<Format, Failure> {
    match (args.version, args.hash) {
        (Version::V2, None) => Ok(Format::V2),
        (Version::V2, Some(_)) => Err(Failure::usage(
            "--hash goes with --version 1; version 2 always uses SHA-512 cut to 32 bytes",
        )),
        (Version::V1, None | Some(Hash::Sha256)) => Ok(Format::V1(HashAlgorithm::Sha256)),
        (Version::V1, Some(Hash::Sha384)) => Ok(Format::V1(HashAlgorithm::Sha384)),
        (Version::V1, Some(Hash::Sha512)) => Ok(Format::V1(HashAlgorithm::Sha512)),
    }
}
