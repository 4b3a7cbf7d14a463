//! `peerdist decode`.

mod json;
mod text;

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Read, Write, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;

use peerdist::decode::{INPUT_MAX_BYTES, Protocol, decode};

use crate::args::{DecodeArgs, DecodeProtocol};
use crate::failure::{Failure, JUDGED_BAD};
use crate::print::from_hex;

pub(crate) fn run(args: &DecodeArgs) -> Result<ExitCode, Failure> {
    let (name, bytes) = input(args)?;
    let protocol = match args.protocol {
        DecodeProtocol::Auto => None,
        DecodeProtocol::Pccrc => Some(Protocol::Pccrc),
        DecodeProtocol::Pccrd => Some(Protocol::Pccrd),
        DecodeProtocol::Pccrtp => Some(Protocol::Pccrtp),
        DecodeProtocol::Pccrr => Some(Protocol::Pccrr),
        DecodeProtocol::Pchc => Some(Protocol::Pchc),
        DecodeProtocol::Smb => Some(Protocol::Smb),
    };
    let too_large = || {
        let most = INPUT_MAX_BYTES >> 20;
        Failure::usage(format_args!(
            "{name} is too large to show; expected at most {most} MiB"
        ))
    };
    let decoded = decode(&bytes, protocol).map_err(|_| too_large())?;
    let mut out = BufWriter::new(stdout().lock());
    if args.json {
        json::print(&mut out, &decoded, args.secrets)?;
    } else {
        text::print(&mut out, &decoded, args.secrets)?;
    }
    out.flush()?;
    Ok(if decoded.is_valid() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(JUDGED_BAD)
    })
}

/// The bytes and what to call them. One byte over the limit is enough to see that it is passed.
fn input(args: &DecodeArgs) -> Result<(String, Vec<u8>), Failure> {
    if let Some(hex) = &args.hex {
        let bytes = from_hex(hex).map_err(|why| Failure::usage(format_args!("--hex: {why}")))?;
        return Ok(("--hex".to_owned(), bytes));
    }
    let (name, from): (_, Box<dyn Read>) = match &args.file {
        None if stdin().is_terminal() => {
            return Err(Failure::usage(
                "nothing to decode: name a file, or - for standard input, or give --hex (try --help)",
            ));
        }
        None => ("standard input".to_owned(), Box::new(stdin())),
        Some(path) if path == Path::new("-") => ("standard input".to_owned(), Box::new(stdin())),
        Some(path) => {
            let name = path.display().to_string();
            let file = File::open(path)
                .map_err(|error| Failure::usage(format_args!("cannot open {name}: {error}")))?;
            (name, Box::new(file))
        }
    };
    let mut bytes = Vec::new();
    from.take(INPUT_MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format_args!("cannot read {name}: {error}")))?;
    Ok((name, bytes))
}
