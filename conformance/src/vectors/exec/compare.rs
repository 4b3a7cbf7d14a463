//! What another implementation found, held against what a vector expects: key by key, the first difference named.
//! Invariant: every key of the expectation is compared; a key beyond it is passed over only where README.md says so.
//! Byte order: none.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::vectors::content::{Part, render};
use crate::vectors::{File, Hex, Test};

/// Of a text in a complaint, so much is shown.
const SHOWN_MAX_CHARS: usize = 240;
/// Refusals of a key file that an implementation may report as one.
const KEY_FILE_CONTENTS: [&str; 3] = ["key-file-padding", "key-file-too-short", "key-file-hash"];

/// Holds a result against the expectation of a vector.
///
/// # Errors
/// The first key that differs, what was expected there and what was found.
pub fn compare(file: &File, test: &Test, result: &Map<String, Value>) -> Result<(), String> {
    let expected = match serde_json::to_value(&test.expect) {
        Ok(Value::Object(expected)) => expected,
        Ok(_) => return Err("expect of the vector is no mapping".to_owned()),
        Err(error) => return Err(format!("expect of the vector: {error}")),
    };
    let rules = Rules { file, test };
    // Whether it was accepted comes before what was found in it.
    if expected.get("result") != result.get("result") {
        let [expected, found] = [expected.get("result"), Some(&Value::Object(result.clone()))]
            .map(|value| value.map_or_else(|| "nothing".to_owned(), shown));
        return Err(format!("result: expected {expected}, found {found}"));
    }
    rules.same_keys("", &expected, result)
}

struct Rules<'a> {
    file: &'a File,
    test: &'a Test,
}

impl Rules<'_> {
    fn same_keys(
        &self,
        path: &str,
        expected: &Map<String, Value>,
        found: &Map<String, Value>,
    ) -> Result<(), String> {
        let place = |key: &str| {
            if path.is_empty() {
                key.to_owned()
            } else {
                format!("{path}.{key}")
            }
        };
        let stated = |key: &str| found.get(key).filter(|value| !value.is_null());
        for (key, expected) in expected {
            let path = place(key);
            let found = stated(key)
                .ok_or_else(|| format!("{path}: expected {}, found nothing", shown(expected)))?;
            self.same(&path, expected, found)?;
        }
        let surplus = found
            .iter()
            .filter(|(key, value)| !value.is_null() && !expected.contains_key(*key));
        for (key, value) in surplus {
            let path = place(key);
            if path == "encoded" && self.comes_back_as_it_was() {
                self.same_as_input(value)?;
            } else if !self.may_be_surplus(&path, key) {
                return Err(format!("{path}: expected nothing, found {}", shown(value)));
            }
        }
        Ok(())
    }

    fn same(&self, path: &str, expected: &Value, found: &Value) -> Result<(), String> {
        match (path, expected, found) {
            ("quirks", Value::Array(expected), Value::Array(found)) => {
                // They come as one looks for them, which is nobody's business.
                self.same_lists(path, &sorted(expected), &sorted(found))
            }
            ("headers", Value::Array(expected), Value::Array(found)) => {
                let [expected, found] = [expected, found].map(|lines| header_lines(lines));
                self.same_lists(path, &expected, &found)
            }
            ("error", Value::String(expected), Value::String(found))
                if self.file.kind == "key_file"
                    && [expected, found]
                        .iter()
                        .all(|name| KEY_FILE_CONTENTS.contains(&name.as_str())) =>
            {
                Ok(())
            }
            (_, Value::Object(expected), Value::String(found)) => match long_bytes(expected, found)
            {
                Some(found) => self.same_keys(path, expected, &found),
                None => Err(differs(
                    path,
                    &expected.clone().into(),
                    &found.as_str().into(),
                )),
            },
            ("encoded", Value::String(expected), Value::Object(found))
                if self.file.kind == "message" =>
            {
                let Hex(expected) =
                    Hex::parse(expected).ok_or("encoded of the vector: expected bytes")?;
                self.same_keys(path, &length_and_sum(&expected), found)
            }
            (_, Value::Object(expected), Value::Object(found)) => {
                self.same_keys(path, expected, found)
            }
            (_, Value::Array(expected), Value::Array(found)) => {
                self.same_lists(path, expected, found)
            }
            _ if expected == found => Ok(()),
            _ => Err(differs(path, expected, found)),
        }
    }

    fn same_lists(&self, path: &str, expected: &[Value], found: &[Value]) -> Result<(), String> {
        for (place, (expected, found)) in expected.iter().zip(found).enumerate() {
            self.same(&format!("{path}[{place}]"), expected, found)?;
        }
        if expected.len() == found.len() {
            return Ok(());
        }
        let [expected, found] = [expected.len(), found.len()];
        Err(format!(
            "{path}: expected {expected} entries, found {found}"
        ))
    }

    /// What follows from other keys, or is one of two forms of the same, need not be in a vector.
    fn may_be_surplus(&self, path: &str, key: &str) -> bool {
        match self.file.kind.as_str() {
            "derive" => matches!(
                path,
                "secret_key" | "server_secret" | "segment_secret" | "segment_id"
            ),
            "create" => path == "info",
            "crypto" if matches!(path, "Block" | "block_sha256") => true,
            "info" if path.starts_with("segments[") => matches!(key, "blocks" | "blocks_sha256"),
            _ => path == "offset" && self.test.expect.get("error").is_some(),
        }
    }

    /// Whether the bytes of a message are all kept, so that it is written as it was read.
    fn comes_back_as_it_was(&self) -> bool {
        self.file.kind == "message"
            && self.file.document != "MS-PCCRD"
            && self.test.expect.get("fields").is_some()
    }

    fn same_as_input(&self, found: &Value) -> Result<(), String> {
        let input = &self.test.input;
        let bytes = match (input.get("bytes"), input.get("parts")) {
            (Some(hex), _) => hex.as_str().and_then(Hex::parse).map(|Hex(bytes)| bytes),
            (None, Some(parts)) => {
                let parts: Option<Vec<Part>> = serde_yaml::from_value(parts.clone()).ok();
                parts.map(|parts| render(&parts))
            }
            (None, None) => None,
        };
        let bytes = bytes.ok_or("input of the vector: expected bytes or parts")?;
        self.same("encoded", &hex(&bytes).into(), found)
    }
}

/// Bytes that a vector has by length and sum, given in full.
fn long_bytes(expected: &Map<String, Value>, found: &str) -> Option<Map<String, Value>> {
    let is_by_sum =
        expected.len() == 2 && expected.contains_key("length") && expected.contains_key("sha256");
    let Hex(bytes) = is_by_sum.then(|| Hex::parse(found)).flatten()?;
    Some(length_and_sum(&bytes))
}

fn length_and_sum(bytes: &[u8]) -> Map<String, Value> {
    let sum = hex(&Sha256::digest(bytes));
    [("length", bytes.len().into()), ("sha256", sum.into())]
        .map(|(name, value): (&str, Value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    format!("{:?}", Hex::from(bytes))
}

fn sorted(values: &[Value]) -> Vec<Value> {
    let mut values = values.to_vec();
    values.sort_by_cached_key(Value::to_string);
    values
}

/// Header fields of different names have no order, and their names no case.
fn header_lines(lines: &[Value]) -> Vec<Value> {
    let mut lines = lines.to_vec();
    for line in &mut lines {
        if let Some(Value::String(name)) = line.get_mut("name") {
            name.make_ascii_lowercase();
        }
    }
    sorted(&lines)
}

fn differs(path: &str, expected: &Value, found: &Value) -> String {
    let place = match (expected, found) {
        (Value::String(expected), Value::String(found)) if expected.len() > SHOWN_MAX_CHARS => {
            let same = expected
                .chars()
                .zip(found.chars())
                .take_while(|(one, other)| one == other);
            format!(" (they differ from character {} on)", same.count())
        }
        (Value::Number(expected), Value::Number(found)) if expected.is_u64() && found.is_f64() => {
            " (a number with a point or an exponent is no whole number)".to_owned()
        }
        _ => String::new(),
    };
    format!(
        "{path}: expected {}, found {}{place}",
        shown(expected),
        shown(found)
    )
}

/// A value in the words of JSON, cut where it is long.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX_CHARS) {
        Some((end, _)) => format!(
            "{}… ({} characters)",
            text.get(..end).unwrap_or_default(),
            text.chars().count()
        ),
        None => text,
    }
}

/// A text of the program's in quotes, without what would move a cursor, cut where it is long.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX_CHARS) {
        Some((end, _)) => format!(
            "{:?}… ({} characters)",
            text.get(..end).unwrap_or_default(),
            text.chars().count()
        ),
        None => format!("{text:?}"),
    }
}
