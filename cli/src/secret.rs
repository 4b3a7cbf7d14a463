//! `peerdist secret`: the content server's secret key, new, out and in.

use std::fs::File;
use std::io::{ErrorKind, Read, Write, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;

use peerdist::content::SecretKey;
use peerdist_node::secret_file;
use rand::TryRng;
use zeroize::Zeroizing;

use crate::args::{ExportArgs, ImportArgs, NewArgs, PassphraseArgs, SecretArgs};
use crate::destination::{Destination, Opened};
use crate::failure::Failure;
use crate::print::{from_hex, hex};

/// Bytes in a new secret key: as many as Windows makes.
const NEW_SECRET_BYTES: usize = 32;
/// The longest line that is read as a passphrase.
const PASSPHRASE_MAX_BYTES: usize = 64 << 10;

pub(crate) fn new(args: &NewArgs) -> Result<ExitCode, Failure> {
    let to = raw_destination(args.output.as_deref())?;
    emit(&random()?, to)
}

pub(crate) fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let to = Destination::of(Some(&args.output));
    to.refuse_terminal("a key file")?;
    let secret = match (&args.secret_hex, &args.secret) {
        (Some(text), _) => of_hex(text)?,
        (None, Some(path)) => {
            to.refuse_to_replace(path, "the secret")?;
            secret_file::read(path).map_err(Failure::usage)?
        }
        (None, None) => return Err(Failure::usage("no secret to export: give its file")),
    };
    refuse_to_replace_passphrase(to, &args.passphrase)?;
    let key_file = secret
        .export(&passphrase(&args.passphrase)?)
        .map_err(Failure::usage)?;
    to.open()?.take([key_file.as_slice()])?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn import(args: &ImportArgs) -> Result<ExitCode, Failure> {
    let named = Destination::of(args.output.as_deref());
    named.refuse_to_replace(&args.key_file, "the key file")?;
    refuse_to_replace_passphrase(named, &args.passphrase)?;
    let passphrase = passphrase(&args.passphrase)?;
    let secret = secret_file::import(&args.key_file, &passphrase).map_err(Failure::usage)?;
    emit(&secret, raw_destination(args.output.as_deref())?)
}

fn refuse_to_replace_passphrase(to: Destination, args: &PassphraseArgs) -> Result<(), Failure> {
    args.passphrase_file
        .as_deref()
        .map_or(Ok(()), |path| to.refuse_to_replace(path, "the passphrase"))
}

/// The secret that the arguments name; `None` where they name none.
pub(crate) fn given(args: &SecretArgs) -> Result<Option<SecretKey>, Failure> {
    Ok(
        match (&args.secret_hex, &args.secret_file, &args.passphrase) {
            (Some(text), _, _) => Some(of_hex(text)?),
            (_, Some(path), _) => Some(secret_file::read(path).map_err(Failure::usage)?),
            (_, _, Some(text)) => Some(
                SecretKey::from_passphrase(not_empty(text, "--passphrase")?)
                    .map_err(Failure::usage)?,
            ),
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
    let wrong = |why: String| Failure::usage(format_args!("--secret-hex: {why}"));
    let bytes = from_hex(text).map_err(wrong)?;
    SecretKey::new(bytes).map_err(|error| wrong(error.to_string()))
}

/// Where raw bytes go; `None`: hexadecimal on standard output.
fn raw_destination(output: Option<&Path>) -> Result<Option<Opened>, Failure> {
    let raw = |path| {
        let to = Destination::of(Some(path));
        to.refuse_terminal("a raw secret")?;
        to.open()
    };
    output.map(raw).transpose()
}

fn emit(secret: &SecretKey, raw: Option<Opened>) -> Result<ExitCode, Failure> {
    match raw {
        None => {
            let mut out = stdout().lock();
            writeln!(out, "{}", *Zeroizing::new(hex(secret.expose())))?;
            out.flush()?;
        }
        Some(to) => to.take([secret.expose()])?,
    }
    Ok(ExitCode::SUCCESS)
}

fn passphrase(args: &PassphraseArgs) -> Result<Zeroizing<String>, Failure> {
    let Some(path) = &args.passphrase_file else {
        let text = args.passphrase.as_deref().unwrap_or_default();
        return Ok(Zeroizing::new(not_empty(text, "--passphrase")?.to_owned()));
    };
    let failed = |error| Failure::usage(format_args!("cannot read {}: {error}", path.display()));
    let (name, mut from): (_, Box<dyn Read>) = if path == Path::new("-") {
        ("standard input".to_owned(), Box::new(stdin()))
    } else {
        let file = File::open(path).map_err(failed)?;
        (path.display().to_string(), Box::new(file))
    };
    let line = first_line(from.as_mut()).map_err(failed)?;
    let wrong = |why| Failure::usage(format_args!("the first line of {name} {why}"));
    if line.len() > PASSPHRASE_MAX_BYTES {
        return Err(wrong("is too long for a passphrase"));
    }
    let text = std::str::from_utf8(&line)
        .map_err(|_| wrong("is no UTF-8 text; expected a passphrase in UTF-8"))?;
    let text = text.strip_suffix('\r').unwrap_or(text);
    let text = not_empty(text, &format!("the first line of {name}"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The bytes before the first line end, or one more than a passphrase may have.
fn first_line(from: &mut dyn Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // One buffer from the start: one that grows leaves copies behind that nobody wipes.
    let mut buffer = Zeroizing::new(vec![0; PASSPHRASE_MAX_BYTES + 1]);
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(count) => {
                let line_end = rest.iter().take(count).position(|byte| *byte == b'\n');
                filled += line_end.unwrap_or(count);
                if line_end.is_some() {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

fn not_empty<'a>(text: &'a str, name: &str) -> Result<&'a str, Failure> {
    if text.is_empty() {
        return Err(Failure::usage(format_args!(
            "{name} is empty; expected a passphrase of at least one character"
        )));
    }
    Ok(text)
}
