//! Files that are judged or that go with what is judged: read with a limit, and told apart where they are mistaken.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use peerdist_conformance::wire::content_info::ContentInfo;

use crate::failure::Failure;

/// Of what is no regular file, and may have no end.
const ENDLESS_MAX_BYTES: u64 = 64 << 20;
/// What pcapng and pcap start with: the block of a section, and the magic in either order of bytes, of microseconds and
/// nanoseconds.
const CAPTURES: [[u8; 4]; 5] = [
    [0x0A, 0x0D, 0x0D, 0x0A],
    [0xA1, 0xB2, 0xC3, 0xD4],
    [0xD4, 0xC3, 0xB2, 0xA1],
    [0xA1, 0xB2, 0x3C, 0x4D],
    [0x4D, 0x3C, 0xB2, 0xA1],
];

/// A file that an option names.
pub(super) fn read(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let failed =
        |error: std::io::Error| Failure::usage(format_args!("cannot read {what} {shown}: {error}"));
    let about = fs::metadata(path).map_err(failed)?;
    if about.is_dir() {
        return Err(Failure::usage(format_args!(
            "{what} {shown} is a folder; name a file"
        )));
    }
    if about.is_file() {
        return fs::read(path).map_err(failed);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(ENDLESS_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > ENDLESS_MAX_BYTES {
        return Err(Failure::usage(format_args!(
            "{what} {shown} is no file and has no end within {ENDLESS_MAX_BYTES} bytes; name a file"
        )));
    }
    Ok(bytes)
}

/// A text that an option names.
pub(super) fn text(path: &Path, option: &str) -> Result<String, Failure> {
    String::from_utf8(read(path, option)?).map_err(|error| {
        let (path, at) = (path.display(), error.utf8_error().valid_up_to());
        Failure::usage(format_args!(
            "{option} {path} is no text: byte {at} is no UTF-8"
        ))
    })
}

/// Content information that is to be judged.
pub(super) fn content_info(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read(path, "the content information")?;
    let shown = path.display();
    if bytes.is_empty() {
        return Err(Failure::usage(format_args!(
            "{shown} is empty; expected content information"
        )));
    }
    if bytes
        .first_chunk()
        .is_some_and(|start| CAPTURES.contains(start))
    {
        return Err(Failure::usage(format_args!(
            "{shown} is a capture, not content information; 'peerdist conform check-capture' judges it"
        )));
    }
    Ok(bytes)
}

/// A capture that is to be judged.
pub(super) fn capture(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read(path, "the capture")?;
    if bytes.is_empty() {
        return Err(Failure::usage(format_args!(
            "{} is empty; expected a capture, pcapng or pcap",
            path.display()
        )));
    }
    Ok(bytes)
}

/// Why such a file cannot be judged as a capture.
pub(super) fn no_capture(path: &Path, bytes: &[u8], error: &impl Display) -> Failure {
    let shown = path.display();
    if ContentInfo::read(bytes).is_ok() {
        return Failure::usage(format_args!(
            "{shown} is content information, not a capture; 'peerdist conform check-info' judges it"
        ));
    }
    Failure::usage(format_args!(
        "{shown} is no capture that can be read: {error}"
    ))
}
