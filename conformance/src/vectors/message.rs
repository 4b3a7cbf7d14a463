//! What the vectors of messages have in common, whatever the document: the kind `message`.
//! Invariant: fields, quirks, the bytes written again, error and offset are all compared; an unknown key is refused.
//! Byte order: none.

use serde::Deserialize;
use serde_yaml::{Mapping, Value};
use sha2::{Digest, Sha256};

use super::content::{Part, render};
use super::{Group, Hex, Test, same, typed};

/// The longest value that vectors write out.
const LONGEST_HEX: usize = 512;

/// What the messages of a group have in common.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    pub(super) direction: String,
    pub(super) message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    bytes: Option<Hex>,
    parts: Option<Vec<Part>>,
    text: Option<String>,
    segments: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    result: String,
    quirks: Option<Vec<String>>,
    fields: Option<Mapping>,
    encoded: Option<Hex>,
    error: Option<String>,
    offset: Option<usize>,
}

/// One message to decode.
pub(super) struct Given {
    pub(super) direction: String,
    pub(super) bytes: Vec<u8>,
    /// Segments in the probe that the message answers.
    pub(super) segments: Option<usize>,
}

/// What came out of the decoder.
pub(super) struct Read {
    /// The message's name in its document.
    pub(super) name: String,
    /// Its fields by their names there.
    pub(super) fields: Mapping,
    pub(super) quirks: Vec<&'static str>,
    /// The message written again; `None` where it need not come back as it was.
    pub(super) encoded: Option<Vec<u8>>,
}

/// Why the decoder refused.
pub(super) struct Refusal {
    pub(super) error: &'static str,
    pub(super) at: usize,
}

/// Whether a refusal has to be where the vector says, also if it says nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Offsets {
    Always,
    WhereStated,
}

/// Replays one message. The outer failure of `decode` is that of the replay, the inner one that of the message.
pub(super) fn replay(
    group: &Group,
    test: &Test,
    offsets: Offsets,
    decode: impl FnOnce(&Given) -> Result<Result<Read, Refusal>, String>,
) -> Result<(), String> {
    let Parameters { direction, message } = typed("parameters", &group.parameters)?;
    let input: Input = typed("input", &test.input)?;
    let expect: Expect = typed("expect", &test.expect)?;
    let bytes = match (input.bytes, input.parts, input.text) {
        (Some(Hex(bytes)), None, None) => bytes,
        (None, Some(parts), None) => render(&parts),
        (None, None, Some(text)) => text.into_bytes(),
        _ => return Err("input of the vector: expected one of bytes, parts and text".to_owned()),
    };
    let given = Given {
        direction,
        bytes,
        segments: input.segments,
    };
    match decode(&given)? {
        Err(refusal) => refused(&expect, &refusal, offsets),
        Ok(read) => accepted(&expect, &message, &given.bytes, read),
    }
}

fn refused(expect: &Expect, refusal: &Refusal, offsets: Offsets) -> Result<(), String> {
    same("result", &expect.result.as_str(), &"invalid")?;
    same("error", &expect.error.as_deref(), &Some(refusal.error))?;
    if expect.offset.is_some() || offsets == Offsets::Always {
        same("offset of the error", &expect.offset, &Some(refusal.at))?;
    }
    same("fields", &expect.fields, &None)?;
    same("encoded", &expect.encoded, &None)?;
    same("quirks", &expect.quirks, &None)
}

fn accepted(expect: &Expect, message: &str, given: &[u8], read: Read) -> Result<(), String> {
    let verdict = if read.quirks.is_empty() {
        "valid"
    } else {
        "quirky"
    };
    same("result", &expect.result.as_str(), &verdict)?;
    let expected: Option<Vec<&str>> = expect
        .quirks
        .as_ref()
        .map(|quirks| quirks.iter().map(String::as_str).collect());
    same("quirks", &expected, &Some(read.quirks))?;
    same("message", &message, &read.name.as_str())?;
    let expected = expect.fields.as_ref().ok_or("the vector has no fields")?;
    same_fields(expected, &read.fields)?;
    let encoded = match (&expect.encoded, &read.encoded) {
        (Some(expected), Some(found)) => same("encoded", &expected.0.as_slice(), &found.as_slice()),
        (None, Some(found)) => same("encoded", &given, &found.as_slice()),
        (None, None) => Ok(()),
        (Some(_), None) => Err("encoded: nothing is compared with it".to_owned()),
    };
    encoded?;
    same("error", &expect.error, &None)?;
    same("offset", &expect.offset, &None)
}

/// Names the first field that differs, for a message may have hundreds of values.
fn same_fields(expected: &Mapping, found: &Mapping) -> Result<(), String> {
    for (name, value) in expected {
        let what = name.as_str().unwrap_or("a field without a name");
        same(what, &Some(value), &found.get(name))?;
    }
    let surplus = found.keys().find(|name| !expected.contains_key(name));
    same("a field that the vector does not have", &None, &surplus)
}

/// A value of bytes as vectors have it: in hexadecimal, or by length and hash where it is long.
pub(super) fn shown_bytes(bytes: &[u8]) -> Value {
    let hex = |bytes: &[u8]| format!("{:?}", Hex::from(bytes));
    if bytes.len() <= LONGEST_HEX {
        return hex(bytes).into();
    }
    mapping([
        ("length", bytes.len().into()),
        ("sha256", hex(&Sha256::digest(bytes)).into()),
    ])
    .into()
}

/// Fields by their names.
pub(super) fn mapping<const N: usize>(fields: [(&str, Value); N]) -> Mapping {
    fields
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect()
}

/// A list of values.
pub(super) fn list(values: impl IntoIterator<Item = impl Into<Value>>) -> Value {
    Value::Sequence(values.into_iter().map(Into::into).collect())
}
