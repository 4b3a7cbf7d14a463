//! `peerdist info`: what its three commands share.

pub(crate) mod create;
pub(crate) mod show;
pub(crate) mod verify;

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use peerdist::content::ContentInfo;
use peerdist_node::source::Source;

use crate::failure::Failure;

/// What to call an input in messages.
fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// The content under a name; `-` is standard input.
fn content(path: &Path) -> Result<Source, Failure> {
    if path == Path::new("-") {
        Ok(Source::stream(name(path), stdin()))
    } else {
        Source::open(path).map_err(Failure::usage)
    }
}

/// The bytes of content information; `-` is standard input.
fn info_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = name(path);
    let mut from: Box<dyn Read> = if path == Path::new("-") {
        Box::new(stdin())
    } else {
        let file = File::open(path)
            .map_err(|error| Failure::usage(format_args!("cannot open {name}: {error}")))?;
        Box::new(file)
    };
    let failed = |error| Failure::usage(format_args!("cannot read {name}: {error}"));
    let mut bytes = Vec::new();
    from.by_ref()
        .take(2)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    // A large file that is something else need not be read whole to be refused.
    if matches!(bytes.as_slice(), [0, 1 | 2]) {
        from.read_to_end(&mut bytes).map_err(failed)?;
    }
    Ok(bytes)
}

fn decode<'a>(path: &Path, bytes: &'a [u8]) -> Result<ContentInfo<'a>, Failure> {
    ContentInfo::decode(bytes).map_err(|error| {
        let name = name(path);
        Failure::usage(format_args!("{name} is not content information: {error}"))
    })
}
