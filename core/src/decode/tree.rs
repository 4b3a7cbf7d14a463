//! The tree of fields, made of what a decoder told its trace.
//! Invariant: every value is a part of the bytes that were decoded; a secret is marked as one wherever it stands.
//! Byte order: none, decoders have read the numbers.

use core::iter::Peekable;
use std::borrow::Cow;

use crate::wire::{Trace, TraceEntry};

/// Fields of this name open the content to whoever sees them (Kp).
const SECRET: &str = "SegmentSecret";
/// Fields of these names hold content information, secrets included.
const HOLDS_SECRETS: [&str; 4] = ["SegmentInformation", "ContentInformation", "Buffer", "body"];

/// One field, or a group of fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name in the document.
    pub name: Cow<'static, str>,
    /// Which of several of that name it is.
    pub index: Option<u64>,
    /// Offset of its first byte.
    pub at: usize,
    /// Its bytes, those of all its children included.
    pub length: usize,
    /// Its value.
    pub value: Value<'a>,
    /// What the value means, where a decoder knows.
    pub meaning: String,
    /// What it consists of.
    pub children: Vec<Field<'a>>,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// None of its own: its children have it.
    Group,
    /// A number.
    Number(u64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Bytes that are not shown to everybody.
    Secret(&'a [u8]),
    /// Text.
    Text(Cow<'a, str>),
}

/// What bytes that are no number are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    Bytes,
    Text,
}

/// The tree of what a trace was told about `bytes`.
pub(super) fn tree(entries: Vec<TraceEntry>, bytes: &[u8], leaves: Leaves) -> Vec<Field<'_>> {
    siblings(&mut entries.into_iter().peekable(), 0, bytes, leaves)
}

fn siblings<'a>(
    entries: &mut Peekable<impl Iterator<Item = TraceEntry>>,
    depth: usize,
    bytes: &'a [u8],
    leaves: Leaves,
) -> Vec<Field<'a>> {
    let mut fields = Vec::new();
    while let Some(entry) = entries.next_if(|entry| entry.depth >= depth) {
        let children = siblings(entries, entry.depth + 1, bytes, leaves);
        fields.push(field(entry, children, bytes, leaves));
    }
    fields
}

fn field<'a>(
    entry: TraceEntry,
    children: Vec<Field<'a>>,
    bytes: &'a [u8],
    leaves: Leaves,
) -> Field<'a> {
    let ends = children.iter().map(|child| child.at + child.length);
    let end = ends.max().unwrap_or(0).max(entry.at + entry.length);
    let own = bytes.get(entry.at..entry.at + entry.length);
    let own = own.unwrap_or_default();
    let value = match entry.number {
        Some(number) => Value::Number(number),
        None if entry.field == SECRET => Value::Secret(own),
        None if !children.is_empty() => Value::Group,
        None if HOLDS_SECRETS.contains(&entry.field) => Value::Secret(own),
        None if own.is_empty() => Value::Group,
        None if leaves == Leaves::Text => text(bytes, own),
        None => Value::Bytes(own),
    };
    Field {
        name: Cow::Borrowed(entry.field),
        index: entry.index,
        at: entry.at,
        length: end.saturating_sub(entry.at),
        value,
        meaning: entry.meaning,
        children,
    }
}

/// A part of a text, in the encoding that the mark at the start of the whole names.
pub(super) fn text<'a>(whole: &[u8], part: &'a [u8]) -> Value<'a> {
    let unit: fn([u8; 2]) -> u16 = match whole {
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        _ => return Value::Text(String::from_utf8_lossy(part)),
    };
    let units: Vec<u16> = part.as_chunks().0.iter().map(|pair| unit(*pair)).collect();
    Value::Text(Cow::Owned(String::from_utf16_lossy(&units)))
}

/// Puts the fields of a message inside a message under the field that holds it.
pub(super) fn graft(entries: &mut Vec<TraceEntry>, holder: &str, inside: Trace) {
    let found = entries.iter().rposition(|entry| entry.field == holder);
    let Some((place, base, depth)) = found.and_then(|place| {
        let holder = entries.get(place)?;
        Some((place, holder.at, holder.depth + 1))
    }) else {
        return;
    };
    let moved = inside.into_entries().into_iter().map(|mut entry| {
        entry.at += base;
        entry.depth += depth;
        entry
    });
    entries.splice(place + 1..place + 1, moved);
}
