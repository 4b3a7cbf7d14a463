//! `peerdist secret`: the content server's secret key, new, out and in.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;

use peerdist::content::SecretKey;
use peerdist_node::{output, secret_file};
use rand::TryRng;
use zeroize::Zeroizing;

use crate::args::{ExportArgs, ImportArgs, NewArgs, PassphraseArgs, SecretArgs};
use crate::failure::Failure;
use crate::print::{from_hex, hex};

/// Bytes in a new secret key: as many as Windows makes.
const NEW_SECRET_BYTES: usize = 32;
/// The longest line that is read as a passphrase.
const PASSPHRASE_MAX_BYTES: u64 = 64 << 10;

pub(crate) fn new(args: &NewArgs) -> Result<ExitCode, Failure> {
    emit(&random()?, args.output.as_deref())
}

pub(crate) fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let secret = match (&args.secret_hex, &args.secret) {
        (Some(text), _) => of_hex(text)?,
        (None, Some(path)) => secret_file::read(path).map_err(Failure::usage)?,
        (None, None) => return Err(Failure::usage("no secret to export: give its file")),
    };
    let key_file = secret
        .export(&passphrase(&args.passphrase)?)
        .map_err(Failure::usage)?;
    if args.output == Path::new("-") {
        stdout().lock().write_all(&key_file)?;
    } else {
        output::write(&args.output, [key_file.as_slice()]).map_err(Failure::usage)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn import(args: &ImportArgs) -> Result<ExitCode, Failure> {
    let passphrase = passphrase(&args.passphrase)?;
    let secret = secret_file::import(&args.key_file, &passphrase).map_err(Failure::usage)?;
    emit(&secret, args.output.as_deref())
}

/// The secret that the arguments name; `None` where they name none.
pub(crate) fn given(args: &SecretArgs) -> Result<Option<SecretKey>, Failure> {
    Ok(
        match (&args.secret_hex, &args.secret_file, &args.passphrase) {
            (Some(text), _, _) => Some(of_hex(text)?),
            (_, Some(path), _) => Some(secret_file::read(path).map_err(Failure::usage)?),
            (_, _, Some(text)) => Some(SecretKey::from_passphrase(text).map_err(Failure::usage)?),
            (None, None, None) => None,
        },
    )
}

/// A secret that nobody had before.
pub(crate) fn random() -> Result<SecretKey, Failure> {
    let mut bytes = Zeroizing::new([0; NEW_SECRET_BYTES]);
    rand::rngs::SysRng
        .try_fill_bytes(bytes.as_mut())
        .map_err(|error| {
            Failure::unreachable(format_args!("the system has no randomness: {error}"))
        })?;
    SecretKey::new(bytes.as_slice()).map_err(Failure::usage)
}

fn of_hex(text: &str) -> Result<SecretKey, Failure> {
    let wrong = |why: String| Failure::usage(format_args!("the secret in hexadecimal: {why}"));
    SecretKey::new(from_hex(text).map_err(wrong)?).map_err(Failure::usage)
}

fn emit(secret: &SecretKey, to: Option<&Path>) -> Result<ExitCode, Failure> {
    match to {
        None => writeln!(stdout().lock(), "{}", *Zeroizing::new(hex(secret.expose())))?,
        Some(path) if path == Path::new("-") => stdout().lock().write_all(secret.expose())?,
        Some(path) => output::write(path, [secret.expose()]).map_err(Failure::usage)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn passphrase(args: &PassphraseArgs) -> Result<Zeroizing<String>, Failure> {
    let Some(path) = &args.passphrase_file else {
        return Ok(Zeroizing::new(args.passphrase.clone().unwrap_or_default()));
    };
    let failed = |error| Failure::usage(format_args!("cannot read {}: {error}", path.display()));
    let from: Box<dyn Read> = if path == Path::new("-") {
        Box::new(stdin())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    let mut line = Zeroizing::new(String::new());
    BufReader::new(from.take(PASSPHRASE_MAX_BYTES))
        .read_line(&mut line)
        .map_err(failed)?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}
