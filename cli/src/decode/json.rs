//! The tree as JSON, for programs: every value whole.

use std::io::Write;

use peerdist::decode::{Decoded, Fault, Field, Value};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::failure::Failure;
use crate::print::hex;

pub(super) fn print(
    out: &mut impl Write,
    decoded: &Decoded<'_>,
    secrets: bool,
) -> Result<(), Failure> {
    let json = DecodedJson {
        protocol: decoded.protocol.map(|protocol| protocol.name()),
        message: &decoded.message,
        valid: decoded.is_valid(),
        quirks: decoded.quirks.iter().map(|quirk| quirk.name).collect(),
        notes: &decoded.notes,
        error: decoded.error.as_ref().map(FaultJson::of),
        unread: decoded.unread(),
        fields: Fields {
            fields: &decoded.fields,
            secrets,
        },
    };
    serde_json::to_writer_pretty(&mut *out, &json)?;
    writeln!(out)?;
    Ok(())
}

#[derive(Serialize)]
struct DecodedJson<'a> {
    protocol: Option<&'static str>,
    message: &'a str,
    valid: bool,
    quirks: Vec<&'static str>,
    notes: &'a [String],
    error: Option<FaultJson<'a>>,
    unread: usize,
    fields: Fields<'a>,
}

#[derive(Serialize)]
struct FaultJson<'a> {
    offset: usize,
    field: &'a str,
    problem: &'static str,
    requirement: Option<&'static str>,
    why: &'a str,
}

impl<'a> FaultJson<'a> {
    fn of(fault: &'a Fault) -> Self {
        Self {
            offset: fault.at,
            field: &fault.field,
            problem: fault.problem,
            requirement: fault.requirement,
            why: &fault.why,
        }
    }
}

struct Fields<'a> {
    fields: &'a [Field<'a>],
    secrets: bool,
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let secrets = self.secrets;
        serializer.collect_seq(self.fields.iter().map(|field| FieldJson { field, secrets }))
    }
}

struct FieldJson<'a> {
    field: &'a Field<'a>,
    secrets: bool,
}

impl Serialize for FieldJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let field = self.field;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &field.name)?;
        map.serialize_entry("index", &field.index)?;
        map.serialize_entry("offset", &field.at)?;
        map.serialize_entry("length", &field.length)?;
        match &field.value {
            Value::Group => {}
            Value::Number(number) => map.serialize_entry("value", number)?,
            Value::Text(text) => map.serialize_entry("text", text)?,
            Value::Secret(_) if !self.secrets => map.serialize_entry("hidden", &true)?,
            Value::Bytes(bytes) | Value::Secret(bytes) => {
                map.serialize_entry("bytes", &hex(bytes))?;
            }
        }
        if !field.meaning.is_empty() {
            map.serialize_entry("meaning", &field.meaning)?;
        }
        if !field.children.is_empty() {
            let children = Fields {
                fields: &field.children,
                secrets: self.secrets,
            };
            map.serialize_entry("children", &children)?;
        }
        map.end()
    }
}
