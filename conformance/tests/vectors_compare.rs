//! Another implementation's result is held against every key of a vector, and only what README.md names may be more.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it stands"
)]

use std::path::Path;

use peerdist_conformance::vectors::{self, File, Test, exec};
use serde_json::{Map, Value, json};

fn files() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let read = vectors::read_all(&folder).unwrap();
    read.iter()
        .map(|(path, text)| vectors::parse(path, text).unwrap())
        .collect()
}

fn each(mut check: impl FnMut(&File, &Test, &Map<String, Value>)) {
    for file in files() {
        for test in file.groups.iter().flat_map(|group| &group.tests) {
            let expect = serde_json::to_value(&test.expect).unwrap();
            check(&file, test, expect.as_object().unwrap());
        }
    }
}

/// A file with one vector.
fn file_with(document: &str, kind: &str, input: &str, expect: &str) -> File {
    let text = format!(
        "{{document: {document}, kind: {kind}, about: a, notes: {{}}, groups: [{{name: n, source: s, parameters: {{}}, \
         tests: [{{id: i, comment: c, flags: [], requirements: [], input: {input}, expect: {expect}}}]}}]}}"
    );
    vectors::parse(Path::new("inline"), &text).unwrap()
}

fn compared(file: &File, result: Value) -> Result<(), String> {
    exec::compare(file, &file.groups[0].tests[0], result.as_object().unwrap())
}

fn complaint(file: &File, result: Value) -> String {
    compared(file, result).unwrap_err()
}

/// The value with one thing changed, once for each thing in it: a digit, a letter, an entry more.
fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => vec![
            json!(format!("{text}0")),
            json!(text.chars().rev().chain(['x']).collect::<String>()),
        ],
        Value::Number(number) => vec![
            json!(number.as_u64().unwrap() ^ 1),
            json!(number.to_string()),
        ],
        Value::Array(items) => {
            let mut all = vec![json!(items.iter().chain([&json!(7)]).collect::<Vec<_>>())];
            // Of hundreds, the first ones, one in the middle and the last.
            let places = (0..items.len())
                .filter(|at| *at < 4 || *at == items.len() / 2 || *at + 1 == items.len());
            for at in places {
                for changed in changes(&items[at]) {
                    let mut items = items.clone();
                    items[at] = changed;
                    all.push(items.into());
                }
            }
            all
        }
        Value::Object(fields) => {
            let mut all = Vec::new();
            for (key, inner) in fields {
                for changed in changes(inner) {
                    all.push(with(fields, key, Some(changed)));
                }
                all.push(with(fields, key, None));
                all.push(with(fields, key, Some(Value::Null)));
            }
            all.push(with(fields, "surplus", Some(json!(""))));
            all
        }
        other => panic!("{other} in a vector"),
    }
}

fn with(fields: &Map<String, Value>, key: &str, value: Option<Value>) -> Value {
    let mut fields = fields.clone();
    match value {
        Some(value) => fields.insert(key.to_owned(), value),
        None => fields.remove(key),
    };
    fields.into()
}

#[test]
fn what_a_vector_expects_is_good_and_every_change_of_it_is_not() {
    let (mut good, mut changed) = (0, 0);
    each(|file, test, expect| {
        assert_eq!(exec::compare(file, test, expect), Ok(()), "{}", test.id);
        good += 1;
        for change in changes(&expect.clone().into()) {
            let found = exec::compare(file, test, change.as_object().unwrap());
            assert!(found.is_err(), "{} passes with {change}", test.id);
            changed += 1;
        }
    });
    assert!(good > 1000 && changed > 20_000, "{good}, {changed}");
}

#[test]
fn the_first_key_that_differs_is_named_with_both_values() {
    let file = file_with(
        "MS-PCCRC",
        "info",
        "{}",
        "{result: valid, range: {start: 1, length: 2}, segments: [{index: 3}]}",
    );
    let said = complaint(
        &file,
        json!({"result": "valid", "range": {"start": 1, "length": 7}, "segments": [{"index": 3}]}),
    );
    assert_eq!(said, "range.length: expected 2, found 7");
    let said = complaint(
        &file,
        json!({"result": "valid", "range": {"start": 1, "length": 2}, "segments": [{}]}),
    );
    assert_eq!(said, "segments[0].index: expected 3, found nothing");
    let said = complaint(
        &file,
        json!({"result": "valid", "range": {"start": 1, "length": 2}, "segments": []}),
    );
    assert_eq!(said, "segments: expected 1 entries, found 0");
    let said = complaint(
        &file,
        json!({"result": "invalid", "error": "truncated", "offset": 9}),
    );
    assert_eq!(
        said,
        r#"result: expected "valid", found {"error":"truncated","offset":9,"result":"invalid"}"#
    );
    let said = complaint(&file, json!({}));
    assert_eq!(said, r#"result: expected "valid", found {}"#);
}

#[test]
fn numbers_are_exact_to_the_last_of_64_bits() {
    let file = file_with(
        "MS-PCCRC",
        "info",
        "{}",
        "{result: valid, start: 18446744073709551615}",
    );
    let answer = |number: &str| -> Value {
        serde_json::from_str(&format!("{{\"result\":\"valid\",\"start\":{number}}}")).unwrap()
    };
    assert_eq!(compared(&file, answer("18446744073709551615")), Ok(()));
    for wrong in [
        "18446744073709551614",
        "1.8446744073709552e19",
        "18446744073709551616",
        "-1",
        "\"18446744073709551615\"",
    ] {
        let said = complaint(&file, answer(wrong));
        assert!(
            said.starts_with("start: expected 18446744073709551615, found "),
            "{said}"
        );
    }
    let said = complaint(&file, answer("1.8446744073709552e19"));
    assert!(said.ends_with("is no whole number)"), "{said}");
}

#[test]
fn long_texts_are_cut_and_the_place_is_told() {
    let long = "ab".repeat(1000);
    let file = file_with(
        "MS-PCCRC",
        "create",
        "{}",
        &format!("{{result: valid, info: \"{long}\"}}"),
    );
    let mut other = long.clone();
    other.replace_range(1500..1501, "0");
    let said = complaint(&file, json!({"result": "valid", "info": other}));
    assert!(said.len() < 700, "{said}");
    assert!(
        said.ends_with("(they differ from character 1500 on)"),
        "{said}"
    );
}

#[test]
fn what_follows_from_the_rest_may_be_more_than_the_vector_has() {
    for (kind, expect, surplus) in [
        (
            "derive",
            "{result: valid, segment_id: \"00\"}",
            json!({"segment_id": "00", "server_secret": "11", "secret_key": "22"}),
        ),
        (
            "create",
            "{result: valid, info_length: 1}",
            json!({"info_length": 1, "info": "00"}),
        ),
        (
            "crypto",
            "{result: valid, Block: \"00\"}",
            json!({"Block": "00", "block_sha256": "11"}),
        ),
        (
            "info",
            "{result: valid, segments: [{blocks: []}]}",
            json!({"segments": [{"blocks": [], "blocks_sha256": "11"}]}),
        ),
    ] {
        let file = file_with("MS-PCCRC", kind, "{}", expect);
        let mut result = surplus;
        result["result"] = "valid".into();
        assert_eq!(compared(&file, result.clone()), Ok(()), "{kind}");
        result["something_else"] = 1.into();
        let said = complaint(&file, result);
        assert_eq!(said, "something_else: expected nothing, found 1", "{kind}");
    }
    let refused = file_with("MS-PCCRD", "message", "{}", "{result: invalid, error: hex}");
    assert_eq!(
        compared(
            &refused,
            json!({"result": "invalid", "error": "hex", "offset": 5})
        ),
        Ok(())
    );
    let accepted = file_with("MS-PCCRD", "message", "{}", "{result: valid, fields: {}}");
    assert!(
        compared(
            &accepted,
            json!({"result": "valid", "fields": {}, "offset": 5})
        )
        .is_err()
    );
}

#[test]
fn a_message_that_is_written_again_is_compared_with_what_came_in() {
    let bytes = file_with(
        "MS-PCCRR",
        "message",
        "{bytes: \"00ff\"}",
        "{result: valid, fields: {}}",
    );
    let answer = |encoded: Value| json!({"result": "valid", "fields": {}, "encoded": encoded});
    assert_eq!(compared(&bytes, answer("00ff".into())), Ok(()));
    let said = complaint(&bytes, answer("00fe".into()));
    assert_eq!(said, r#"encoded: expected "00ff", found "00fe""#);
    let parts = "{parts: [{pattern: repeat, hex: \"00\", length: 3}]}";
    let parts = file_with("MS-PCHC", "message", parts, "{result: valid, fields: {}}");
    assert_eq!(compared(&parts, answer("000000".into())), Ok(()));
    let sum = "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c";
    assert_eq!(
        compared(&parts, answer(json!({"length": 3, "sha256": sum}))),
        Ok(())
    );
    assert!(compared(&parts, answer(json!({"length": 4, "sha256": sum}))).is_err());
    let other = "{result: valid, fields: {}, encoded: \"000000\"}";
    let other = file_with("MS-PCHC", "message", "{bytes: \"00ff\"}", other);
    for encoded in [json!("000000"), json!({"length": 3, "sha256": sum})] {
        assert_eq!(compared(&other, answer(encoded)), Ok(()));
    }
    assert!(compared(&other, answer("00ff".into())).is_err());
    assert!(compared(&other, json!({"result": "valid", "fields": {}})).is_err());
    // A text of discovery need not come back as it was, so nobody could say what is right.
    let text = file_with(
        "MS-PCCRD",
        "message",
        "{text: \"00ff\"}",
        "{result: valid, fields: {}}",
    );
    assert!(compared(&text, answer("00ff".into())).is_err());
}

#[test]
fn bytes_that_a_vector_has_by_their_sum_may_be_given_in_full() {
    let sum = "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c";
    let file = file_with(
        "MS-PCCRR",
        "message",
        "{}",
        &format!("{{result: valid, fields: {{Block: {{length: 3, sha256: \"{sum}\"}}}}}}"),
    );
    let answer = |block: &str| json!({"result": "valid", "fields": {"Block": block}});
    assert_eq!(compared(&file, answer("000000")), Ok(()));
    for wrong in ["00000000", "000001", "00000", "0000zz", "00 00 00"] {
        assert!(compared(&file, answer(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn orders_and_cases_that_mean_nothing_are_let_be() {
    let lines = |one: (&str, &str), other: (&str, &str)| json!([{"name": one.0, "value": one.1}, {"name": other.0, "value": other.1}]);
    let expect = "{result: quirky, quirks: [a, b], headers: [{name: Vary, value: V}, {name: ETag, value: E}]}";
    let file = file_with("MS-PCCRTP", "negotiation", "{}", expect);
    let answer = |quirks: Value, headers: Value| json!({"result": "quirky", "quirks": quirks, "headers": headers});
    let good = lines(("etag", "E"), ("vary", "V"));
    assert_eq!(
        compared(&file, answer(json!(["b", "a"]), good.clone())),
        Ok(())
    );
    for quirks in [json!(["a"]), json!(["a", "a", "b"]), json!(["a", "c"])] {
        assert!(compared(&file, answer(quirks, good.clone())).is_err());
    }
    for headers in [
        lines(("ETag", "e"), ("Vary", "V")),
        lines(("ETag", "E"), ("Date", "V")),
    ] {
        assert!(compared(&file, answer(json!(["a", "b"]), headers)).is_err());
    }
}

#[test]
fn refusals_of_a_key_file_that_may_be_one_are_one() {
    let file = file_with(
        "MS-PCCRC",
        "key_file",
        "{}",
        "{result: invalid, error: key-file-hash}",
    );
    let answer = |error: &str| json!({"result": "invalid", "error": error});
    for error in ["key-file-hash", "key-file-padding", "key-file-too-short"] {
        assert_eq!(compared(&file, answer(error)), Ok(()));
    }
    assert!(compared(&file, answer("key-file-length")).is_err());
    let length = file_with(
        "MS-PCCRC",
        "key_file",
        "{}",
        "{result: invalid, error: key-file-length}",
    );
    assert!(compared(&length, answer("key-file-hash")).is_err());
}
