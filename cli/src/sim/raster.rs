//! Figures as dots, by a program that is made for it: drawing text takes fonts, and those are the machine's.
//! Invariant: that it is missing is said before anything is run.
//! Format: SVG in, PNG out.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// What draws, and what it is to be told so that it reads from its input and writes to its output, 300 dots an inch.
const PROGRAMS: [(&str, &[&str]); 2] = [
    ("rsvg-convert", &["--zoom", "4.1666"]),
    ("resvg", &["--zoom", "4.1666", "-", "-c"]),
];

fn found() -> Option<(&'static str, &'static [&'static str])> {
    PROGRAMS.into_iter().find(|(name, _)| {
        let asked = Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    })
}

/// Whether there is such a program.
pub(super) fn check() -> Result<(), Failure> {
    match found() {
        Some(_) => Ok(()),
        None => Err(Failure::usage(
            "PNG is drawn by rsvg-convert (package librsvg2-bin) or resvg, and neither is installed; \
             --plots svg needs nothing",
        )),
    }
}

/// A figure as PNG.
pub(super) fn png(svg: &str) -> Result<Vec<u8>, Failure> {
    check()?;
    let Some((program, args)) = found() else {
        return check().map(|()| Vec::new());
    };
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(svg.as_bytes())?;
    }
    let ended = child.wait_with_output()?;
    if ended.status.success() && ended.stdout.starts_with(b"\x89PNG") {
        Ok(ended.stdout)
    } else {
        let status = ended.status;
        Err(Failure::unreachable(format_args!(
            "{program} drew no PNG: {status}"
        )))
    }
}
