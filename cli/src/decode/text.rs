//! The tree for people: a line a field, 80 columns wide unless names are long; offsets lead, as in a hex dump.

use std::io::{self, Write};

use peerdist::decode::{Decoded, Field, Value};

use crate::failure::Failure;
use crate::print::{count, hex};

const COLUMNS: usize = 80;
/// Bytes that are shown in full: a digest of 32 bytes is not, an initialization vector is.
const SHORT_BYTES: usize = 16;
/// Text that is shown in full, in characters.
const SHORT_TEXT: usize = 48;
/// How deep the indentation of a value that goes on in the next line is.
const CONTINUED: usize = 4;

pub(super) fn print(
    out: &mut impl Write,
    decoded: &Decoded<'_>,
    secrets: bool,
) -> Result<(), Failure> {
    let bytes = count(decoded.bytes.len() as u64, "byte");
    match decoded.protocol {
        Some(protocol) => {
            let (document, message) = (protocol.document(), &decoded.message);
            writeln!(out, "{document} {}, {bytes}", shown(message))?;
        }
        None => writeln!(out, "no known protocol, {bytes}")?,
    }
    for note in &decoded.notes {
        wrapped(out, "note    ", &shown(note))?;
    }
    for quirk in &decoded.quirks {
        wrapped(
            out,
            "quirk   ",
            &format!("{}: {}", quirk.name, quirk.meaning),
        )?;
    }
    if !decoded.fields.is_empty() {
        let digits = decoded.bytes.len().to_string().len().max(6);
        let tree = Tree { digits, secrets };
        writeln!(out)?;
        writeln!(
            out,
            "{:>digits$}  {:>digits$} {:>digits$}  field",
            "offset", "hex", "bytes"
        )?;
        for field in &decoded.fields {
            tree.print(out, field, 0)?;
        }
        writeln!(out)?;
    }
    if decoded.unread() > 0 && !decoded.fields.is_empty() {
        let unread = count(decoded.unread() as u64, "byte");
        writeln!(out, "not read: the last {unread}")?;
    }
    if let Some(error) = &decoded.error {
        let place = format!(
            "byte {} ({:#x}), {}",
            error.at,
            error.at,
            shown(&error.field)
        );
        let requirement = error.requirement.map(|id| format!(", breaks {id}"));
        let requirement = requirement.unwrap_or_default();
        wrapped(out, "invalid ", &format!("{place}: {}", shown(&error.why)))?;
        writeln!(out, "        {}{requirement}", error.problem)?;
    } else {
        writeln!(out, "valid")?;
    }
    Ok(())
}

/// Words behind a heading, in as many lines as they take.
fn wrapped(out: &mut impl Write, heading: &str, text: &str) -> io::Result<()> {
    let mut line = heading.to_owned();
    let indent = heading.chars().count();
    let mut width = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if width > indent && width + 1 + length > COLUMNS {
            writeln!(out, "{line}")?;
            line = " ".repeat(indent);
            width = indent;
        }
        if width > indent {
            line.push(' ');
            width += 1;
        }
        line.push_str(word);
        width += length;
    }
    writeln!(out, "{line}")
}

struct Tree {
    digits: usize,
    secrets: bool,
}

impl Tree {
    fn print(&self, out: &mut impl Write, field: &Field<'_>, depth: usize) -> io::Result<()> {
        let digits = self.digits;
        let indent = "  ".repeat(depth);
        let index = field.index.map(|index| format!("[{index}]"));
        let (name, index) = (shown(&field.name), index.unwrap_or_default());
        let (at, length) = (field.at, field.length);
        let mut line =
            format!("{at:>digits$}  {at:>digits$x} {length:>digits$}  {indent}{name}{index}");
        let start = 3 * digits + 5 + indent.len() + CONTINUED;
        let value = self.value(field);
        let meaning = match &field.value {
            Value::Text(text) if *text == field.meaning => String::new(),
            _ => shown(&field.meaning),
        };
        let parts = [(" = ", value.as_str()), ("  ", meaning.as_str())];
        for (between, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
            let width = line.chars().count();
            if width + between.len() + part.chars().count() <= COLUMNS {
                line.push_str(between);
                line.push_str(part);
            } else {
                writeln!(out, "{}", line.trim_end())?;
                line = " ".repeat(start);
                let mut width = start;
                for word in part.split_inclusive(' ') {
                    if width > start && width + word.trim_end().chars().count() > COLUMNS {
                        writeln!(out, "{}", line.trim_end())?;
                        line = " ".repeat(start);
                        width = start;
                    }
                    line.push_str(word);
                    width += word.chars().count();
                }
            }
        }
        writeln!(out, "{}", line.trim_end())?;
        for child in &field.children {
            self.print(out, child, depth + 1)?;
        }
        Ok(())
    }

    fn value(&self, field: &Field<'_>) -> String {
        match &field.value {
            Value::Group => String::new(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => short_text(text),
            Value::Secret([]) => String::new(),
            Value::Secret(_) if !self.secrets => "(hidden; see --secrets)".to_owned(),
            // Who asks for a secret wants it whole.
            Value::Secret(bytes) if bytes.len() <= 64 => hex(bytes),
            Value::Bytes(bytes) | Value::Secret(bytes) => short_bytes(bytes),
        }
    }
}

fn short_bytes(bytes: &[u8]) -> String {
    if bytes.len() <= SHORT_BYTES {
        return hex(bytes);
    }
    let (start, _) = bytes.split_at(8);
    let (_, end) = bytes.split_at(bytes.len() - 4);
    format!("{}...{}", hex(start), hex(end))
}

fn short_text(text: &str) -> String {
    let length = text.chars().count();
    if length <= SHORT_TEXT {
        return shown(text);
    }
    let start: String = text.chars().take(24).collect();
    let end: String = text.chars().skip(length - 20).collect();
    format!("{}...{}", shown(&start), shown(&end))
}

/// Text that somebody else sent, without what would move a terminal's cursor or turn its writing round.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' | '\'' | '\\' => shown.push(char),
            _ => shown.extend(char.escape_debug()),
        }
    }
    shown
}
