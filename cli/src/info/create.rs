//! `peerdist info create`.

use std::fs;
use std::io::{IsTerminal, Write, stdout};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;

use peerdist::hash::HashAlgorithm;
use peerdist_node::content_info::{self, Effort, Format, Wanted};
use peerdist_node::output;

use crate::args::{CreateArgs, Hash, Version};
use crate::failure::Failure;
use crate::{progress, secret};

pub(crate) fn run(args: &CreateArgs) -> Result<ExitCode, Failure> {
    let format = format(args)?;
    let to_stdout = args.output == Path::new("-");
    if to_stdout && stdout().is_terminal() {
        return Err(Failure::usage(
            "content information is binary and would upset the terminal: name a file with -o",
        ));
    }
    if !to_stdout && is_same_file(&args.file, &args.output) {
        let name = args.file.display();
        return Err(Failure::usage(format_args!(
            "{name} is the content: -o would replace it"
        )));
    }
    peerdist_node::kernels::calibrate();
    let secret_key = match secret::given(&args.secret)? {
        Some(secret_key) => secret_key,
        None => {
            eprintln!(
                "peerdist: no secret given, so a new one is used and forgotten; keep one with 'peerdist secret new -o FILE' and --secret-file"
            );
            secret::random()?
        }
    };
    let source = super::content(&args.file)?;
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
    let info = info.map_err(|error| {
        Failure::usage(format_args!(
            "no content information of {}: {error}",
            args.file.display()
        ))
    })?;
    if to_stdout {
        let mut out = stdout().lock();
        info.parts().try_for_each(|part| out.write_all(part))?;
        out.flush()?;
    } else {
        output::write(&args.output, info.parts()).map_err(Failure::usage)?;
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

fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path| {
        fs::metadata(path)
            .ok()
            .filter(fs::Metadata::is_file)
            .map(|m| (m.dev(), m.ino()))
    };
    identity(one).is_some_and(|one| identity(other) == Some(one))
}
